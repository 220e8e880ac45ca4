/*
 * source_tail_missed.c - files that came and were rotated away between two looks.
 *
 * A look sees a path and what it names at that moment. When it names another file than before, there
 * may have been more in between: they were born after the file that has gone, and have its name with
 * a number or a date behind it now. So the folder is searched for such files, and they are read from
 * their start, oldest first, before the file that has the name now. While no file has the name, each
 * look searches again. Copies of a truncated file are found in the same way when the file is read
 * again. Files that were read whole already, and copies of them, are known by the ids of the last
 * ones.
 *
 * If there are more of them than may be open, the others are opened at later looks, and files whose
 * end was reached are closed at once. Then there is another search, since names may have changed. A file system that
 * does not know when a file was born has no such search.
 *
 * Nothing here suspends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_call.h"
#include "base_hash.h"
#include "source_tail.h"

enum { SEEN_MAX = 64, KEYS_MIN = 64, KEYS_MAX = 65536, FOUND_MAX = 65536, GONE_MAX = 256 };

/* A candidate. */
struct found {
    int64_t born_ns, mtime_ns;
    char *name;
};

/* What a search has found; [at, count) were not opened yet. */
struct wr_tail_missed {
    struct found *found;
    size_t count, at;
    char *folder, *name;       /* of the file behind which it has searched */
    struct wr_tail_file *last; /* that was opened, or that file */
    int64_t after_ns;
    size_t opened; /* since the file has gone */
    bool all;      /* nothing else can be there */
};

/* ---- what was read already */

/* A file apart from its names; an inode may be used again by a file that is made later. */
static uint64_t key_of(uint64_t device, uint64_t inode, int64_t born)
{
    uint64_t key = (inode ^ device << 40) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)born;
    key = (key ^ key >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    return (key ^ key >> 29) | 1; /* 0: an empty place */
}

/* The place of a key in a table that has room. */
static uint64_t *place_of(uint64_t *keys, size_t cap, uint64_t key)
{
    size_t at = (size_t)(key >> 1) & (cap - 1);
    while (keys[at] != 0 && keys[at] != key) {
        at = (at + 1) & (cap - 1);
    }
    return &keys[at];
}

static bool is_seen_key(const struct wr_tail *tail, uint64_t key)
{
    return tail->keys != NULL && *place_of(tail->keys, tail->keys_cap, key) == key;
}

static void add_key(struct wr_tail *tail, uint64_t key)
{
    if (tail->keys_count * 2 >= tail->keys_cap) {
        bool full = tail->keys_count >= KEYS_MAX;
        size_t cap = WR_MAX(full ? tail->keys_cap : tail->keys_cap * 2, (size_t)KEYS_MIN);
        uint64_t *keys = wr_zalloc(cap * sizeof *keys);
        if (keys == NULL) {
            return; /* it may be read again */
        }
        for (size_t i = 0; i < tail->keys_cap && !full; i++) {
            if (tail->keys[i] != 0) {
                *place_of(keys, cap, tail->keys[i]) = tail->keys[i];
            }
        }
        wr_free(tail->keys);
        tail->keys = keys;
        tail->keys_cap = cap;
        tail->keys_count = full ? 0 : tail->keys_count;
    }
    *place_of(tail->keys, tail->keys_cap, key) = key;
    tail->keys_count++;
}

void wr_tail_note_seen(struct wr_tail *tail, const struct wr_tail_id *id, int fd)
{
    if (tail->seen == NULL) {
        tail->seen = wr_zalloc(SEEN_MAX * sizeof *tail->seen);
    }
    if (tail->seen != NULL) { /* else it may be read again */
        tail->seen[tail->seen_at++ % SEEN_MAX] = *id;
    }
    add_key(tail, key_of(id->device, id->inode, wr_tail_born_ns(tail, fd)));
}

/* Does tail->scratch, the first len bytes of a file, begin as this one does, which is long enough to
 * be no accident? */
static bool begins_as(const struct wr_tail *tail, size_t len, bool packed,
                      const struct wr_tail_id *id)
{
    size_t need = packed ? 1 : WR_TAIL_HEAD;
    return id->head_len >= need && id->head_len <= len &&
           wr_hash(tail->scratch, id->head_len) == id->head;
}

/* Is it a copy of a file that was read or is open? Its first len bytes are in tail->scratch. */
static bool is_seen_copy(const struct wr_tail *tail, size_t len, bool packed)
{
    for (size_t i = 0; tail->seen != NULL && i < SEEN_MAX; i++) {
        if (begins_as(tail, len, packed, &tail->seen[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < tail->files_count; i++) {
        if (begins_as(tail, len, packed, &tail->files[i]->id)) {
            return true;
        }
    }
    return false;
}

/* Does a file begin with all of this one, whose first bytes are in tail->scratch? A copy that is being
 * made may be empty yet. */
static bool has_all(const struct wr_tail *tail, int fd, const struct wr_tail_found *found,
                    int64_t size)
{
    char now[WR_TAIL_HEAD];
    const struct wr_disk *disk = tail->gen.loop->disk;
    struct stat info;
    size_t len = found->id.head_len;
    return found->coding == NULL && disk->stat(fd, &info) == 0 && info.st_size >= size &&
           disk->read(fd, now, len, 0) == (ssize_t)len && memcmp(now, tail->scratch, len) == 0;
}

/* Is it a copy of what another file has, which will be read there, or was just read? Whoever has made
 * it may cut the file the next moment: that is seen by what is read then, and there is another
 * search. */
static bool is_unread_copy(struct wr_tail *tail, const struct wr_tail_found *found, int64_t size,
                           uint64_t key)
{
    for (size_t i = 0; i < tail->files_count; i++) {
        struct wr_tail_file *other = tail->files[i];
        if (!other->gone && other->packed == NULL &&
            (other->read_at == 0 || other->copy_key == key) &&
            strcmp(other->name, found->name) == 0 && has_all(tail, other->fd, found, size)) {
            other->copy_key = key;
            other->copied_ns = other->copied_ns == 0 && other->read_at == 0
                                   ? WR_MAX(wr_tail_born_ns(tail, found->fd), INT64_C(0))
                                   : other->copied_ns;
            return true;
        }
    }
    bool cut = tail->cut_fd != NULL && has_all(tail, *tail->cut_fd, found, size);
    tail->cut_key = cut ? key : tail->cut_key;
    return cut;
}

/* ---- the search */

static int by_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int64_t born = x->born_ns - y->born_ns, mtime = x->mtime_ns - y->mtime_ns;
    return born != 0    ? (born > 0) - (born < 0)
           : mtime != 0 ? (mtime > 0) - (mtime < 0)
                        : strcmp(x->name, y->name);
}

/* The files in tail->real that were born at after_ns or later. False: no memory or no descriptor for
 * it now. */
static bool search(struct wr_tail *tail, const char *name, int64_t after_ns, struct found **found,
                   size_t *count)
{
    char *path = tail->path;
    size_t cap = 0;
    bool good = true;
    const struct wr_disk *disk = tail->gen.loop->disk;
    void *names = disk->open_names(tail->real);
    if (names == NULL) {
        return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
    }
    for (const char *each; good && *count < FOUND_MAX && (each = disk->next_name(names)) != NULL;) {
        struct stat info;
        int len = snprintf(path, sizeof tail->path, "%s/%s", tail->real, each);
        if (!wr_tail_is_rotated(each, name) || (size_t)len >= sizeof tail->path ||
            disk->stat_path(path, &info) < 0 || !S_ISREG(info.st_mode) ||
            wr_tail_file_of(tail, &info) != NULL) {
            continue;
        }
        struct found one = {.born_ns = disk->born_ns(-1, path),
                            .mtime_ns =
                                (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
        uint64_t key = key_of((uint64_t)info.st_dev, (uint64_t)info.st_ino, one.born_ns);
        if (one.born_ns < after_ns || is_seen_key(tail, key)) {
            continue;
        }
        good = wr_grow(found, sizeof **found, *count, &cap) && (one.name = wr_strdup(each)) != NULL;
        if (good) {
            (*found)[(*count)++] = one;
        }
    }
    disk->close_names(names);
    return good;
}

/* How many files that have gone may be open: others need descriptors too. */
static size_t gone_max(void)
{
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return known && limit.rlim_cur / 4 < GONE_MAX ? (size_t)limit.rlim_cur / 4 + 1 : GONE_MAX;
}

static size_t count_gone(const struct wr_tail *tail)
{
    size_t count = 0;
    for (size_t i = 0; i < tail->files_count; i++) {
        count += tail->files[i]->gone;
    }
    return count;
}

/* Open one of them. False: not now. *file NULL: it was read already, or it is not there any more. */
static bool open_missed(struct wr_tail *tail, const char *name, const char *as,
                        struct wr_tail_file **file)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    struct wr_offset start = {.end = 0};
    int64_t size = 0;
    struct wr_tail_found found = {.path = tail->path, .name = as};
    *file = NULL;
    if (tail->files_count >= WR_TAIL_FILES || count_gone(tail) >= gone_max()) {
        return false;
    }
    if ((size_t)snprintf(tail->path, sizeof tail->path, "%s/%s", tail->real, name) >=
        sizeof tail->path) {
        return true;
    }
    found.coding = wr_tail_coding_of(name);
    found.fd = disk->open(AT_FDCWD, tail->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (found.fd < 0) {
        return errno == ENOENT || errno == EACCES;
    }
    int number = wr_tail_identify_found(tail, &found, WR_TAIL_HEAD, &size);
    struct stat info = {.st_dev = (dev_t)found.id.device, .st_ino = (ino_t)found.id.inode};
    bool empty = found.coding != NULL && found.id.head_len == 0; /* it is being compressed */
    uint64_t key = key_of(found.id.device, found.id.inode, wr_tail_born_ns(tail, found.fd));
    if (number != 0 || empty || wr_tail_file_of(tail, &info) != NULL || is_seen_key(tail, key) ||
        is_seen_copy(tail, found.id.head_len, found.coding != NULL) ||
        is_unread_copy(tail, &found, size, key)) {
        (void)disk->close(found.fd);
        return true;
    }
    *file = wr_tail_file_new(tail, &found, &start, NULL);
    return *file != NULL;
}

int64_t wr_tail_born_ns(const struct wr_tail *tail, int fd)
{
    return tail->gen.loop->disk->born_ns(fd, NULL);
}

/* Does a path name a file now that came after this one? */
static bool has_successor(const struct wr_tail *tail, const struct wr_tail_file *file)
{
    for (size_t i = 0; i < tail->files_count; i++) {
        const struct wr_tail_file *other = tail->files[i];
        if (!other->gone && other->round == tail->round && strcmp(other->name, file->name) == 0) {
            return true;
        }
    }
    return false;
}

void wr_tail_forget_missed(struct wr_tail *tail)
{
    struct wr_tail_missed *missed = tail->missed;
    if (missed == NULL) {
        return;
    }
    for (size_t i = 0; i < missed->count; i++) {
        wr_free(missed->found[i].name);
    }
    wr_free(missed->found);
    wr_free(missed->folder);
    wr_free(missed->name);
    wr_free(missed);
    tail->missed = NULL;
}

/* Open as many as may be open. What is left is opened later. */
static void open_more(struct wr_tail *tail)
{
    struct wr_tail_missed *missed = tail->missed;
    snprintf(tail->real, sizeof tail->real, "%s", missed->folder);
    for (; missed->at < missed->count && tail->gen.failure == NULL; missed->at++) {
        struct wr_tail_file *file = NULL;
        if (!open_missed(tail, missed->found[missed->at].name, missed->name, &file)) {
            break;
        }
        if (file == NULL) {
            continue;
        }
        missed->opened++;
        wr_tail_leave(tail, file);
        file->ends = file->packed != NULL;
        if (!file->ends) {
            missed->last->search = false;
            missed->last = file;
        }
    }
    if (missed->at < missed->count) {
        missed->last->search = tail->crowded = true;
        missed->all = false; /* names may change meanwhile */
        return;
    }
    struct wr_tail_file *last = missed->last;
    bool again = !missed->all;
    tail->crowded = tail->crowded || again;
    last->search = again || (last->gone && !last->ends && !has_successor(tail, last));
    /* Whatever was read since then is known, so it is safe to look at all files again. */
    last->after_ns = missed->opened < KEYS_MAX / 2 ? missed->after_ns : -1;
    last->opened = last->after_ns >= 0 ? missed->opened : 0;
    wr_tail_forget_missed(tail);
}

/* Files that were made at this time or later are searched behind this one. -1: it is not known. */
static int64_t search_from(struct wr_tail *tail, const struct wr_tail_file *file, int64_t after_ns)
{
    return after_ns >= 0        ? after_ns
           : file->after_ns > 0 ? file->after_ns
                                : wr_tail_born_ns(tail, file->fd);
}

void wr_tail_find_missed(struct wr_tail *tail, struct wr_tail_file *file, int64_t after_ns)
{
    struct wr_tail_missed *missed = tail->missed;
    if (missed != NULL && missed->last != file) {
        bool same = strcmp(missed->name, file->name) == 0 && wr_tail_real_of(tail, file) != NULL &&
                    strcmp(tail->real, missed->folder) == 0;
        if (same) { /* the search that follows finds what is behind it */
            int64_t from_ns = search_from(tail, file, after_ns);
            missed->all = false;
            missed->after_ns = from_ns >= 0 ? WR_MIN(missed->after_ns, from_ns) : missed->after_ns;
        }
        file->search = !same;
        tail->crowded = true;
        return;
    }
    if (missed != NULL) {
        open_more(tail);
        return;
    }
    file->search = false;
    after_ns = search_from(tail, file, after_ns);
    if (after_ns < 0 || wr_tail_real_of(tail, file) == NULL) {
        return;
    }
    missed = tail->missed = wr_zalloc(sizeof *missed);
    if (missed == NULL || (missed->folder = wr_strdup(tail->real)) == NULL ||
        (missed->name = wr_strdup(file->name)) == NULL) {
        wr_tail_forget_missed(tail);
        file->search = true;
        return;
    }
    missed->last = file;
    missed->after_ns = after_ns;
    missed->opened = file->opened;
    missed->all = search(tail, missed->name, after_ns, &missed->found, &missed->count) &&
                  missed->count < FOUND_MAX;
    if (missed->count > 0) {
        qsort(missed->found, missed->count, sizeof *missed->found, by_age);
    }
    open_more(tail);
}

void wr_tail_missed_lost(struct wr_tail *tail, const struct wr_tail_file *file)
{
    if (tail->missed != NULL && tail->missed->last == file) {
        wr_tail_forget_missed(tail);
    }
}
