/*
 * source_tail.h - between the files of weir_tail_lines. Internal.
 */
#ifndef WR_SOURCE_TAIL_H
#define WR_SOURCE_TAIL_H

#include <limits.h>

#include <weir/source.h>

#include "flow_gen.h"
#include "flow_inbox.h"
#include "flow_state.h"
#include "loop_file.h"
#include "loop_notify.h"

/* A file, apart from its name: where it is, and its first head_len bytes. */
struct wr_tail_id {
    uint64_t device, inode, head;
    size_t head_len;
};

enum {
    WR_TAIL_HEAD = 1024, /* bytes of an id, at most */
    WR_TAIL_BEFORE = 64,
    WR_TAIL_FILES = 8192, /* files that are open, at most */
    WR_TAIL_SCRATCH = 8192
};

struct wr_coding;
struct wr_tail_missed;
struct wr_tail_packed;

/* A file that was opened and is not read yet. */
struct wr_tail_found {
    const char *path;
    const char *name; /* under which it was written; NULL: that of the path */
    int fd;
    const struct wr_coding *coding; /* NULL: it is not compressed */
    struct wr_tail_id id;           /* of a compressed file: head is that of its content */
};

struct wr_tail_file {
    char *path; /* by which it was found last */
    char *name; /* under which it was written: names of rotated files begin with it */
    struct wr_tail_packed *packed; /* NULL: it is not compressed */
    char *real;                    /* its name without folders, behind symbolic links */
    int fd;
    struct wr_tail_id id;
    struct wr_inbox inbox;
    struct wr_origin *origin;    /* of the current content: it ends when the file is cut */
    struct wr_offsets *offsets;  /* NULL: no state */
    struct wr_state_slot *slot;  /* NULL: no state */
    uint64_t read_at;            /* offset of the next read */
    char before[WR_TAIL_BEFORE]; /* the last before_len bytes that were read ... */
    size_t before_len;
    uint64_t before_at;       /* ... which end at this offset */
    int64_t size, mtime_ns;   /* at the last look */
    bool more;                /* there may be bytes to read */
    bool gave;                /* it has given items since it was chosen */
    bool gone;                /* its path names another file, or none */
    bool drained;             /* ... and its end was reached since */
    bool ends;                /* it is not waited for any more: its end is the end */
    int64_t after_ns;         /* ... that were made since then; 0, -1: since it was made itself */
    size_t opened;            /* ... of which so many were opened */
    bool search;              /* files that came after it have to be looked for */
    int64_t copied_ns;        /* when the copy of what it had before was made; 0: no matter */
    uint64_t copy_key;        /* of a copy of what it has, which was made before that was read */
    int64_t gone_ns;          /* when it was gone, or when bytes came after that */
    int64_t left_ns, made_ns; /* a file that is gone: since when, and when it was made; the one that
                                   left first is read first */
    uint32_t round;           /* the last look that found its path */
};

/* What was reported about a path, so that it is reported once. */
struct wr_tail_trouble {
    char *path;
    int number;
    uint32_t round;
};

struct wr_tail {
    struct weir_gen gen;
    weir_framing framing;
    weir_state *state; /* NULL: none */
    char **paths;
    size_t paths_count;
    char *name; /* "tail PATH ...": of the slots */
    int32_t from;
    bool to_end; /* the option */
    bool ends;   /* ... and all files were read to their ends, at the last look but one */
    int64_t last, rotate_wait_ns;
    struct wr_tail_file **files; /* in the order in which they were found */
    size_t files_count, files_cap;
    struct wr_tail_file *lent;    /* whose items are lent; NULL: none */
    struct wr_tail_file *current; /* whose bytes are in memory; NULL: none */
    size_t turn;                  /* the index after the file that was chosen last */
    struct wr_tail_trouble *troubles;
    size_t troubles_count, troubles_cap;
    struct wr_notify *notify; /* NULL: the files are only looked at from time to time */
    bool unwatched;           /* ... and so are some: no watch was left at the last look */
    bool told_unwatched;      /* it was reported that nothing can be watched */
    bool opened;
    bool places;             /* items are asked for their path and offset ($meta) */
    bool first;              /* the first look of a first run: `from` counts */
    bool only_stored;        /* open only the files of an earlier run ... */
    bool by_content;         /* ... and their copies ... */
    bool by_packed;          /* ... that are compressed */
    bool crowded;            /* there are more files than may be open */
    struct wr_tail_id *seen; /* files that were read whole: a ring; NULL: none */
    size_t seen_at;
    const int *cut_fd; /* a file that was cut, of which nothing was read since; NULL: none */
    uint64_t cut_key;  /* its copy_key */
    uint64_t *keys;    /* of more files that were read: a table */
    size_t keys_cap, keys_count;
    struct wr_tail_missed *missed;    /* files to open; NULL: none */
    bool look;                        /* names have changed: look soon */
    int64_t look_ns, look_soonest_ns; /* when to look at the latest, at the earliest */
    uint32_t round;
    bool unsaved;                /* there are files that are not in the record yet */
    struct wr_state_slot *begun; /* says that an earlier run has begun */
    /* Work space, since a task's stack is small. */
    char folder[PATH_MAX], path[PATH_MAX], real[PATH_MAX];
    char scratch[WR_TAIL_SCRATCH];
};

/* ---- source_tail_file.c: one file */

/* Begin to read an open file, whose fd is taken, at *start; slot: of an earlier run, or NULL. The
 * result is added to tail->files. NULL: tail has failed. */
struct wr_tail_file *wr_tail_file_new(struct wr_tail *tail, const struct wr_tail_found *found,
                                      struct wr_offset *start, struct wr_state_slot *slot);
/* Nothing of it is read any more. over: nor in a later run. */
void wr_tail_file_free(struct wr_tail *tail, struct wr_tail_file *file, bool over);
/* Up to max items. 0: it has none now, another file's turn has come, or tail has failed. Suspends
 * when the budget is used up. */
size_t wr_tail_file_take(struct wr_tail *tail, struct wr_tail_file *file, weir_item *items,
                         size_t max);
/* The id of an open file, with a hash of its first `hashed` bytes, or fewer at its end. 0 or
 * errno. */
int wr_tail_identify(struct wr_tail *tail, int fd, size_t hashed, struct wr_tail_id *id,
                     int64_t *size);
/* The same for found->id. The size of a compressed file is not known: INT64_MAX. */
int wr_tail_identify_found(struct wr_tail *tail, struct wr_tail_found *found, size_t hashed,
                           int64_t *size);
/* Where to begin if only the last `count` lines and an unfinished one are of interest. 0 or errno. */
int wr_tail_line_start(struct wr_tail *tail, int fd, int64_t size, int64_t count, uint64_t *start);
/* Are the bytes that were read last at their place in this file, which may be another one? */
bool wr_tail_is_same(struct wr_tail *tail, const struct wr_tail_file *file, int fd);
/* Another file has bytes to read. */
bool wr_tail_others_wait(const struct wr_tail *tail, const struct wr_tail_file *file);

/* ---- source_tail_find.c: which files there are */

/* Watch the folders, continue with the files of an earlier run, and look. Negative: tail has
 * failed. */
int wr_tail_find_first(struct wr_tail *tail);
/* Compare the files with what is on the disk. Negative: tail has failed. */
int wr_tail_look(struct wr_tail *tail);
/* Open a regular file. NULL: it cannot be read now, or tail has failed, or only the files of an
 * earlier run are opened and it is none. */
struct wr_tail_file *wr_tail_open(struct wr_tail *tail, const char *path);
/* A path names this file now. */
void wr_tail_see(struct wr_tail *tail, const char *path);
/* The open file with this inode; NULL: none. */
struct wr_tail_file *wr_tail_file_of(const struct wr_tail *tail, const struct stat *info);
/* Call fn for each path that is given or matched, for each folder that may have such paths. */
void wr_tail_for_each_path(struct wr_tail *tail,
                           void (*fn)(struct wr_tail *tail, const char *path));
void wr_tail_for_each_folder(struct wr_tail *tail,
                             void (*fn)(struct wr_tail *tail, const char *path));
/* The path behind symbolic links of an open file: its folder is written to tail->real. Returns its
 * name, in the same place; NULL: it is not known. */
const char *wr_tail_real_of(struct wr_tail *tail, const struct wr_tail_file *file);
const char *wr_tail_base_of(const char *path);
/* A wr_notify_fn. */
void wr_tail_hint(void *ctx, enum wr_notify_what what, const char *name);
/* Report once that something about a path does not work, and is tried again. */
void wr_tail_trouble(struct wr_tail *tail, const char *path, int number, const char *what);
void wr_tail_forget_troubles(struct wr_tail *tail);

/* ---- source_tail_earlier.c: files of an earlier run, and copies */

/* The slot of an earlier run for this open file, with its position; or NULL. */
struct wr_state_slot *wr_tail_stored_for(struct wr_tail *tail, const struct wr_tail_found *found,
                                         struct wr_offset *start);
/* The name of the file in a stored validator. */
const char *wr_tail_stored_name(const char *validator);
/* May `path` be the name of a rotated file of this name? */
bool wr_tail_is_rotated(const char *path, const char *of);
/* Open the files of an earlier run: where their names say, under other names, as copies. Negative:
 * tail has failed. */
int wr_tail_continue_earlier(struct wr_tail *tail);
/* The file was truncated: find its copy and open it. False: there is none. found->path is in
 * tail->path. *rest: how many bytes it has that were not given yet, INT64_MAX: not known. */
bool wr_tail_find_copy(struct wr_tail *tail, const struct wr_tail_file *file,
                       struct wr_tail_found *found, int64_t *rest);

/* ---- source_tail_missed.c: files that came and were rotated between two looks */

/* Open the files that came after this one, which has gone or is a copy. after_ns: when it was made;
 * -1: look. */
void wr_tail_find_missed(struct wr_tail *tail, struct wr_tail_file *file, int64_t after_ns);
void wr_tail_forget_missed(struct wr_tail *tail);
/* This file is about to be freed. */
void wr_tail_missed_lost(struct wr_tail *tail, const struct wr_tail_file *file);
/* When a file was made; -1: not known. */
/* No path names it any more. */
void wr_tail_leave(struct wr_tail *tail, struct wr_tail_file *file);
int64_t wr_tail_born_ns(const struct wr_tail *tail, int fd);
/* A file was read whole. */
void wr_tail_note_seen(struct wr_tail *tail, const struct wr_tail_id *id, int fd);

/* ---- source_tail_packed.c: compressed files */

/* How a file of this name is compressed; NULL: it is not. */
const struct wr_coding *wr_tail_coding_of(const char *path);
/* NULL: no memory. */
struct wr_tail_packed *wr_tail_packed_new(const struct wr_coding *coding);
void wr_tail_packed_free(struct wr_tail_packed *packed);
/* Read its decoded bytes from offset `at` on. -1 and errno; EAGAIN: call again; EBADMSG: the data are
 * bad. 0: the end. */
ssize_t wr_tail_packed_read(struct wr_tail *tail, struct wr_tail_packed *packed, int fd, char *to,
                            size_t cap, uint64_t at);
/* After EBADMSG. */
const char *wr_tail_packed_problem(const struct wr_tail_packed *packed, char to[256]);
/* As wr_tail_identify, of the decoded bytes. */
int wr_tail_packed_identify(struct wr_tail *tail, const struct wr_coding *coding, int fd,
                            size_t hashed, struct wr_tail_id *id);

#endif
