/*
 * source_tail_earlier.c - the files that an earlier run of a tail has read, and their copies.
 *
 * A stored position belongs to the file with the same device, inode and first bytes. It may have
 * another name now, so the folders of the paths are searched for it. If it was copied before it was
 * truncated, the copy has the rest: it begins with the same bytes, and has its name with a number or
 * a date behind it.
 *
 * A file may also be copied and truncated while it is read. Then the part that was read from it goes
 * on in the copy, with its position and with what the framer holds, and the truncated file begins a
 * part of its own behind it.
 *
 * Nothing here suspends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_call.h"
#include "source_tail.h"

/* ---- files of an earlier run */

static bool read_id(const char *text, struct wr_tail_id *id)
{
    char *end = NULL;
    if (strncmp(text, "device ", 7) != 0) {
        return false;
    }
    id->device = strtoull(text + 7, &end, 16);
    if (strncmp(end, " inode ", 7) != 0) {
        return false;
    }
    id->inode = strtoull(end + 7, &end, 10);
    if (strncmp(end, " head ", 6) != 0) {
        return false;
    }
    id->head = strtoull(end + 6, &end, 16);
    id->head_len = *end == '/' ? (size_t)strtoul(end + 1, &end, 10) : SIZE_MAX;
    return id->head_len <= WR_TAIL_HEAD && (*end == ' ' || *end == '\0');
}

/* Does the file still have what an earlier run has read of it? */
static bool goes_on(struct wr_tail *tail, const struct wr_tail_found *found,
                    const struct wr_tail_id *stored, uint64_t offset)
{
    struct wr_tail_found now = *found;
    int64_t size = 0;
    return wr_tail_identify_found(tail, &now, stored->head_len, &size) == 0 &&
           now.id.head_len == stored->head_len && now.id.head == stored->head &&
           (uint64_t)size >= offset;
}

/* The next slot of an earlier run whose file is not open. Fills *start and *id. NULL: no more. */
static struct wr_state_slot *next_stored(struct wr_tail *tail, const struct wr_state_slot *after,
                                         struct wr_offset *start, struct wr_tail_id *id)
{
    struct wr_state_slot *slot =
        tail->state != NULL ? wr_state_next_slot(tail->state, tail->name, after) : NULL;
    while (slot != NULL && (slot->stored == NULL || !wr_offset_read(start, slot->stored) ||
                            !read_id(start->validator, id))) {
        slot = wr_state_next_slot(tail->state, tail->name, slot);
    }
    return slot;
}

/* Its name, then a number or a date, and perhaps the ending of a compressed file? Any other file that
 * begins with the same bytes may be the output of this pipeline. */
bool wr_tail_is_rotated(const char *path, const char *of)
{
    const char *name = wr_tail_base_of(path);
    size_t len = strlen(of);
    if (len == 0 || strncmp(name, of, len) != 0 || name[len] == '\0') {
        return false;
    }
    const char *rest = name + len;
    rest += strspn(rest, "0123456789.-_");
    if (*rest != '\0' && rest > name + len && rest[-1] == '.') {
        rest--;
    }
    return *rest == '\0' ||
           (wr_tail_coding_of(name) != NULL && strchr(rest + 1, '.') == NULL && *rest == '.');
}

const char *wr_tail_stored_name(const char *validator)
{
    const char *file = strstr(validator, " file ");
    return file != NULL ? file + 6 : "";
}

struct wr_state_slot *wr_tail_stored_for(struct wr_tail *tail, const struct wr_tail_found *found,
                                         struct wr_offset *start)
{
    struct wr_tail_id id = WEIR_ZERO;
    struct wr_state_slot *slot = NULL;
    while ((slot = next_stored(tail, slot, start, &id)) != NULL) {
        bool same = tail->by_content
                        ? id.head_len > 0 &&
                              wr_tail_is_rotated(found->path, wr_tail_stored_name(start->validator))
                        : id.device == found->id.device && id.inode == found->id.inode;
        if (same && goes_on(tail, found, &id, start->end & ~WR_END_FLAGS)) {
            return slot;
        }
    }
    *start = (struct wr_offset){.end = 0};
    return NULL;
}

/* Is it the inode of a file whose rest was not read? */
static bool is_stored(struct wr_tail *tail, const struct stat *info)
{
    struct wr_offset start;
    struct wr_tail_id id;
    struct wr_state_slot *slot = NULL;
    while ((slot = next_stored(tail, slot, &start, &id)) != NULL) {
        if (id.inode == (uint64_t)info->st_ino && id.device == (uint64_t)info->st_dev) {
            return true;
        }
    }
    return false;
}

/* Open the files in this folder whose rest was not read, under whatever name. */
static void find_stored(struct wr_tail *tail, const char *folder)
{
    struct wr_offset start;
    struct wr_tail_id id = WEIR_ZERO;
    struct stat info;
    char *path = tail->path;
    const struct wr_disk *disk = tail->gen.loop->disk;
    void *names = next_stored(tail, NULL, &start, &id) == NULL ? NULL : disk->open_names(folder);
    if (names == NULL) {
        return;
    }
    for (const char *name; (name = disk->next_name(names)) != NULL && tail->gen.failure == NULL;) {
        int len = snprintf(path, sizeof tail->path, "%s/%s", folder, name);
        bool fits = len > 0 && (size_t)len < sizeof tail->path;
        if (!fits || disk->stat_path(path, &info) < 0 || !S_ISREG(info.st_mode) ||
            wr_tail_file_of(tail, &info) != NULL) {
            continue;
        }
        bool fits_pass = tail->by_packed == (wr_tail_coding_of(path) != NULL);
        struct wr_tail_file *file =
            (tail->by_content && fits_pass) || (!tail->by_content && is_stored(tail, &info))
                ? wr_tail_open(tail, path)
                : NULL;
        if (file != NULL) { /* before the file that has its name now */
            wr_tail_leave(tail, file);
            file->search = true;
            file->ends = file->packed != NULL;
        }
    }
    disk->close_names(names);
}

/* Stored positions whose files are not there any more. */
static int give_up_lost(struct wr_tail *tail)
{
    struct wr_offset start;
    struct wr_tail_id id = WEIR_ZERO;
    struct wr_state_slot *slot;
    weir_error error;
    while ((slot = next_stored(tail, NULL, &start, &id)) != NULL) {
        struct wr_origin *origin = wr_gen_add_origin(&tail->gen, tail->name);
        if (origin == NULL) {
            return wr_gen_fail(&tail->gen, WEIR_ENOMEM, 0, -1, "no memory for a file");
        }
        wr_log(&tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
               "the file '%s' (inode %" PRIu64
               ") that the last run has read is not there any more: "
               "what it had after byte %" PRIu64 " is not read",
               wr_tail_stored_name(start.validator), id.inode, start.end & ~WR_END_FLAGS);
        if (wr_state_attach_slot(tail->state, &slot, tail->name, origin, &error) < 0) {
            return wr_gen_fail_error(&tail->gen, &error);
        }
        wr_state_prove(slot, WR_PROOF_WEAK);
        wr_state_detach_source(slot, true);
        wr_state_retire(slot);
        wr_origin_leave(origin);
    }
    return 0;
}

int wr_tail_continue_earlier(struct wr_tail *tail)
{
    tail->only_stored = true;
    wr_tail_for_each_path(tail, wr_tail_see);
    wr_tail_for_each_folder(tail, find_stored);
    tail->by_content = true;
    wr_tail_for_each_folder(tail, find_stored);
    tail->by_packed = true;
    wr_tail_for_each_folder(tail, find_stored);
    tail->only_stored = tail->by_content = tail->by_packed = false;
    return tail->gen.failure != NULL ? tail->gen.failure->code : give_up_lost(tail);
}

/* ---- a file that is truncated while it is read */

/* Is it a copy of what was read of the file? *rest: how many bytes it has after that. */
static bool is_copy(struct wr_tail *tail, const struct wr_tail_file *file,
                    struct wr_tail_found *found, int64_t *rest)
{
    int64_t size = 0;
    if (wr_tail_identify_found(tail, found, file->id.head_len, &size) != 0 ||
        found->id.head_len != file->id.head_len || found->id.head != file->id.head) {
        return false;
    }
    *rest = size == INT64_MAX ? size : WR_MAX(size - (int64_t)file->inbox.given_end, INT64_C(0));
    return size == INT64_MAX || (uint64_t)size < file->before_at ||
           wr_tail_is_same(tail, file, found->fd);
}

/* Look at the files in tail->real that are compressed, or those that are not. */
static bool find_copy(struct wr_tail *tail, const struct wr_tail_file *file, bool packed,
                      struct wr_tail_found *found, int64_t *rest)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    char *path = tail->path;
    void *names = disk->open_names(tail->real);
    bool good = false;
    if (names == NULL) {
        return false;
    }
    for (const char *name; !good && (name = disk->next_name(names)) != NULL;) {
        struct stat info;
        int len = snprintf(path, sizeof tail->path, "%s/%s", tail->real, name);
        *found = (struct wr_tail_found){.path = path, .coding = wr_tail_coding_of(path)};
        if (!wr_tail_is_rotated(name, file->name) || packed != (found->coding != NULL) ||
            (size_t)len >= sizeof tail->path || disk->stat_path(path, &info) < 0 ||
            !S_ISREG(info.st_mode)) {
            continue;
        }
        found->fd = disk->open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        good = found->fd >= 0 && is_copy(tail, file, found, rest);
        if (found->fd >= 0 && !good) {
            (void)disk->close(found->fd);
        }
        if (good && wr_tail_file_of(tail, &info) != NULL) {
            *rest = 0; /* it is read itself */
        }
    }
    disk->close_names(names);
    return good;
}

bool wr_tail_find_copy(struct wr_tail *tail, const struct wr_tail_file *file,
                       struct wr_tail_found *found, int64_t *rest)
{
    /* While a copy is compressed, both are there: the one that is whole comes first. */
    return file->id.head_len > 0 && file->packed == NULL && wr_tail_real_of(tail, file) != NULL &&
           (find_copy(tail, file, false, found, rest) || find_copy(tail, file, true, found, rest));
}
