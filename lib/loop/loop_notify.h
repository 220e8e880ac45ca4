/*
 * loop_notify.h - waiting for changes in folders (inotify). Internal.
 *
 * One object watches any number of folders. What it reports are hints: changes may be missing (a
 * file system that other machines write to, a full queue of the kernel) and may be outdated when
 * they are read. So the user looks at the files themselves, and also does so from time to time
 * without a hint.
 */
#ifndef WR_LOOP_NOTIFY_H
#define WR_LOOP_NOTIFY_H

#include "loop_wait.h"

struct wr_notify;

enum wr_notify_what {
    WR_NOTIFY_BYTES = 0, /* a file of this name was written or cut */
    WR_NOTIFY_NAMES,     /* a name was made, removed, renamed, or its permissions have changed */
    WR_NOTIFY_LOST       /* reports were lost, or a folder has gone: look at everything */
};
/* name: in the folder; "" if it is the folder itself, or not known. Lent for the call. */
typedef void wr_notify_fn(void *ctx, enum wr_notify_what what, const char *name);

/* NULL: *why is WEIR_ENOMEM, or WEIR_EIO with errno in *detail (EMFILE: the limit of such objects
 * for a user). */
struct wr_notify *wr_notify_new(struct weir_loop *loop, int *why, int *detail);
/* No task may wait. NULL is allowed. */
void wr_notify_free(struct wr_notify *notify);
/* Watch the files of a folder. A folder that is watched already stays watched, whatever its path
 * is now. 0 or errno: ENOSPC is the limit of watches for a user. The watch ends with the folder. */
int wr_notify_watch(struct wr_notify *notify, const char *folder);
/* Call fn for each report that is there. Does not suspend. */
void wr_notify_read(struct wr_notify *notify, wr_notify_fn *fn, void *ctx);
/* Wait until there are reports, at most limit_ms (< 0: no limit). 0, WEIR_ETIMEDOUT, or as
 * wr_wait. One task at a time; of: as in wr_wait, not NULL. */
int wr_notify_wait(struct wr_notify *notify, int64_t limit_ms, const char *why,
                   struct wr_object *of);

#endif
