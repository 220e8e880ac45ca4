/*
 * source_tail_find.c - which files a tail reads: patterns and rotation.
 *
 * A look finds the files that the paths name now, and compares them with those that are open, by
 * device and inode. A new one is opened. An open one that no path names any more has been rotated or
 * deleted: it is read until it has been silent for a time, because its writer may still have it
 * open. There is a look after each hint that names have changed, and every second, or less often
 * when it takes long. A look takes at most a tenth of the time, however many hints there are.
 * source_tail_earlier.c knows the files of an earlier run.
 *
 * Nothing here suspends.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_call.h"
#include "source_tail.h"

enum {
    LOOK_MS = 1000,
    LOOK_MAX_MS = 10000,
    CROWDED_MS = 10,
    TROUBLES_MAX = 256,
    NOT_A_FILE = -1,
    TOO_MANY = -2,
    NO_WATCH = -3
};
static const int64_t MS_NS = 1000000;

/* ---- what does not work */

static const char *trouble_text(int number)
{
    switch (number) {
    case NOT_A_FILE: return "it is not a regular file";
    case TOO_MANY: return "a tail reads at most 8192 files at a time";
    case NO_WATCH:
        return "no watch is left (sysctl fs.inotify.max_user_watches), so its files are looked at "
               "every second";
    default: return strerror(number);
    }
}

void wr_tail_trouble(struct wr_tail *tail, const char *path, int number, const char *what)
{
    struct wr_tail_trouble *trouble = NULL;
    for (size_t i = 0; i < tail->troubles_count && trouble == NULL; i++) {
        bool same = strcmp(tail->troubles[i].path, path) == 0;
        trouble = same ? &tail->troubles[i] : NULL;
    }
    if (trouble == NULL && tail->troubles_count < TROUBLES_MAX &&
        wr_grow(&tail->troubles, sizeof *tail->troubles, tail->troubles_count,
                &tail->troubles_cap)) {
        trouble = &tail->troubles[tail->troubles_count];
        *trouble = (struct wr_tail_trouble){.path = wr_strdup(path)};
        tail->troubles_count += trouble->path != NULL;
    }
    if (trouble == NULL || trouble->path == NULL) {
        return;
    }
    trouble->round = tail->round;
    if (trouble->number != number) {
        wr_log(&tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
               "%s '%s': %s; it is tried again", what, path, trouble_text(number));
    }
    trouble->number = number;
}

/* Forget what works again, and paths that no longer exist. */
static void forget_old_troubles(struct wr_tail *tail)
{
    size_t kept = 0;
    for (size_t i = 0; i < tail->troubles_count; i++) {
        if (tail->troubles[i].round == tail->round) {
            tail->troubles[kept++] = tail->troubles[i];
        } else {
            wr_free(tail->troubles[i].path);
        }
    }
    tail->troubles_count = kept;
}

void wr_tail_forget_troubles(struct wr_tail *tail)
{
    tail->round++;
    forget_old_troubles(tail);
    wr_free(tail->troubles);
    tail->troubles = NULL;
}

/* ---- watching */

static void watch(struct wr_tail *tail, const char *folder)
{
    int number = tail->notify != NULL ? wr_notify_watch(tail->notify, folder) : 0;
    if (number == ENOSPC || number == ENOMEM) { /* a folder that is not there yet is no trouble */
        wr_tail_trouble(tail, folder, number == ENOSPC ? NO_WATCH : number, "watch");
        tail->unwatched = true;
    }
}

const char *wr_tail_real_of(struct wr_tail *tail, const struct wr_tail_file *file)
{
    char *real = tail->real;
    ssize_t n = tail->gen.loop->disk->path_of(file->fd, real, sizeof tail->real - 1);
    real[WR_MAX(n, (ssize_t)0)] = '\0';
    char *slash = strrchr(real, '/');
    if (slash == NULL || slash == real) {
        return NULL;
    }
    *slash = '\0';
    return slash + 1;
}

/* The folder and the name behind symbolic links: there its bytes are reported. */
static void watch_real(struct wr_tail *tail, struct wr_tail_file *file)
{
    const char *name = wr_tail_real_of(tail, file);
    if (name != NULL) { /* else it is looked at every second */
        file->real = wr_strdup(name);
        watch(tail, tail->real);
    }
}

const char *wr_tail_base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void wr_tail_hint(void *ctx, enum wr_notify_what what, const char *name)
{
    struct wr_tail *tail = ctx;
    tail->look = tail->look || what != WR_NOTIFY_BYTES;
    for (size_t i = 0; i < tail->files_count; i++) {
        struct wr_tail_file *file = tail->files[i];
        if (what == WR_NOTIFY_LOST || file->gone ||
            strcmp(wr_tail_base_of(file->path), name) == 0 ||
            (file->real != NULL && strcmp(file->real, name) == 0)) {
            file->more = true;
        }
    }
}

/* ---- one path */

struct wr_tail_file *wr_tail_file_of(const struct wr_tail *tail, const struct stat *info)
{
    for (size_t i = 0; i < tail->files_count; i++) {
        struct wr_tail_file *file = tail->files[i];
        if (file->id.inode == (uint64_t)info->st_ino && file->id.device == (uint64_t)info->st_dev) {
            return file;
        }
    }
    return NULL;
}

static void note_size(struct wr_tail_file *file, const struct stat *info)
{
    int64_t mtime_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    if (file->size != info->st_size || file->mtime_ns != mtime_ns) {
        file->more = true;
    }
    file->size = info->st_size;
    file->mtime_ns = mtime_ns;
}

/* Where a file without a stored position is begun. 0 or errno. */
static int choose_start(struct wr_tail *tail, int fd, int64_t size, struct wr_offset *start)
{
    int32_t kind = tail->framing.kind;
    bool lines = kind == WEIR_FRAME_LINES || kind == WEIR_FRAME_NUL || kind == WEIR_FRAME_JSON ||
                 kind == WEIR_FRAME_SYSLOG || kind == WEIR_FRAME_CSV;
    if (!tail->first || tail->from != WEIR_TAIL_END) {
        return 0;
    }
    start->end = (uint64_t)size;
    return lines ? wr_tail_line_start(tail, fd, size, tail->last, &start->end) : 0;
}

/* The limit of open files is reached. */
static void crowd(struct wr_tail *tail, const char *path)
{
    tail->crowded = true;
    if (!tail->only_stored) {
        wr_tail_trouble(tail, path, TOO_MANY, "open");
    }
}

struct wr_tail_file *wr_tail_open(struct wr_tail *tail, const char *path)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    struct wr_offset start;
    struct wr_tail_found found = {.path = path,
                                  .coding = tail->by_packed ? wr_tail_coding_of(path) : NULL};
    int64_t size = 0;
    if (tail->files_count >= WR_TAIL_FILES) {
        crowd(tail, path);
        return NULL;
    }
    struct wr_state_slot *slot = NULL;
    int fd = found.fd = disk->open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    int number = fd < 0 ? errno : wr_tail_identify_found(tail, &found, WR_TAIL_HEAD, &size);
    if (number == 0 && (slot = wr_tail_stored_for(tail, &found, &start)) == NULL) {
        number = choose_start(tail, fd, size, &start);
    }
    if (number != 0) {
        if (fd >= 0) {
            (void)disk->close(fd);
        }
        tail->crowded = tail->crowded || number == EMFILE || number == ENFILE;
        if (number != ENOENT && !tail->only_stored) {
            wr_tail_trouble(tail, path, number, fd < 0 ? "open" : "read");
        }
        return NULL;
    }
    struct stat info = {.st_dev = (dev_t)found.id.device, .st_ino = (ino_t)found.id.inode};
    if (wr_tail_file_of(tail, &info) != NULL || (tail->only_stored && slot == NULL)) {
        (void)disk->close(fd); /* its name has changed since it was looked at */
        return NULL;
    }
    found.name =
        slot != NULL && start.validator[0] != '\0' ? wr_tail_stored_name(start.validator) : NULL;
    struct wr_tail_file *file = wr_tail_file_new(tail, &found, &start, slot);
    if (file != NULL) {
        watch_real(tail, file);
    }
    return file;
}

/* The path by which a file was found has changed: it was renamed to another one that is read. */
static void rename_to(struct wr_tail_file *file, const char *path)
{
    char *copy = strcmp(file->path, path) != 0 ? wr_strdup(path) : NULL;
    if (copy != NULL) {
        wr_free(file->path);
        file->path = copy;
    }
}

void wr_tail_see(struct wr_tail *tail, const char *path)
{
    struct stat info;
    if (tail->gen.loop->disk->stat_path(path, &info) < 0) {
        if ((errno != ENOENT && errno != ENOTDIR) || tail->round == 1) {
            wr_tail_trouble(tail, path, errno, "look for");
        }
        return;
    }
    if (!S_ISREG(info.st_mode)) {
        wr_tail_trouble(tail, path, S_ISDIR(info.st_mode) ? EISDIR : NOT_A_FILE, "read");
        return;
    }
    struct wr_tail_file *file = wr_tail_file_of(tail, &info);
    if (file == NULL) {
        file = wr_tail_open(tail, path);
    }
    if (file != NULL && file->round != tail->round) {
        file->round = tail->round;
        file->gone = file->drained = false;
        rename_to(file, path);
        note_size(file, &info);
    }
}

/* ---- all paths */

static bool is_pattern(const struct wr_tail *tail, const char *path)
{
    struct stat info;
    return strpbrk(path, "*?[") != NULL && tail->gen.loop->disk->stat_path(path, &info) < 0;
}

/* For glob, which has no context for its callback. */
static _Thread_local struct wr_tail *expanding;

static int cannot_list(const char *folder, int number)
{
    if (number != ENOENT && number != ENOTDIR) {
        wr_tail_trouble(expanding, folder, number, "look into");
    }
    return 0;
}

/* Call fn for each path that a pattern matches. */
static void expand(struct wr_tail *tail, const char *pattern, int flags,
                   void (*fn)(struct wr_tail *tail, const char *path))
{
    glob_t found = {0};
    expanding = tail;
    int rc = wr_fault("glob") ? GLOB_NOSPACE : glob(pattern, flags, cannot_list, &found);
    for (size_t i = 0; rc == 0 && i < found.gl_pathc && tail->gen.failure == NULL; i++) {
        fn(tail, found.gl_pathv[i]);
    }
    if (rc == GLOB_NOSPACE || rc == GLOB_ABORTED) {
        wr_tail_trouble(tail, pattern, rc == GLOB_NOSPACE ? ENOMEM : EIO, "look for");
    }
    globfree(&found);
}

void wr_tail_for_each_path(struct wr_tail *tail, void (*fn)(struct wr_tail *tail, const char *path))
{
    for (size_t i = 0; i < tail->paths_count && tail->gen.failure == NULL; i++) {
        if (is_pattern(tail, tail->paths[i])) {
            expand(tail, tail->paths[i], 0, fn);
        } else {
            fn(tail, tail->paths[i]);
        }
    }
}

void wr_tail_for_each_folder(struct wr_tail *tail,
                             void (*fn)(struct wr_tail *tail, const char *path))
{
    char *folder = tail->folder;
    for (size_t i = 0; i < tail->paths_count; i++) {
        const char *slash = strrchr(tail->paths[i], '/');
        size_t len =
            slash == NULL || slash == tail->paths[i] ? 1 : (size_t)(slash - tail->paths[i]);
        snprintf(folder, sizeof tail->folder, "%.*s", (int)WR_MIN(len, (size_t)PATH_MAX - 1),
                 slash != NULL ? tail->paths[i] : ".");
        if (is_pattern(tail, folder)) {
            expand(tail, folder, GLOB_ONLYDIR, fn);
        } else {
            fn(tail, folder);
        }
    }
}

void wr_tail_leave(struct wr_tail *tail, struct wr_tail_file *file)
{
    file->gone = true;
    file->gone_ns = file->left_ns = wr_now_ns(tail->gen.loop);
    file->made_ns = wr_tail_born_ns(tail, file->fd);
}

/* No path names these any more. */
static void see_gone(struct wr_tail *tail)
{
    struct stat info;
    int64_t now_ns = wr_now_ns(tail->gen.loop);
    bool crowded = tail->crowded; /* at the last look, or at this one */
    tail->crowded = false;
    for (size_t i = 0; i < tail->files_count && tail->gen.failure == NULL; i++) {
        struct wr_tail_file *file = tail->files[i];
        if (file->round == tail->round) {
            continue;
        }
        if (!file->gone) {
            wr_tail_leave(tail, file);
            file->more = file->search = true;
        }
        if (file->search) {
            wr_tail_find_missed(tail, file, -1);
        }
        if (tail->gen.loop->disk->stat(file->fd, &info) == 0) {
            note_size(file, &info);
        }
        bool silent = crowded || now_ns - file->gone_ns >= tail->rotate_wait_ns;
        if (!file->more && silent && !((crowded || tail->crowded) && file->search)) {
            file->ends = file->more = true;
        }
    }
}

/* Hints come from now on, if that is possible. */
static void begin_to_watch(struct wr_tail *tail)
{
    int why, detail;
    tail->notify = wr_notify_new(tail->gen.loop, &why, &detail);
    if (tail->notify == NULL && !tail->told_unwatched) {
        tail->told_unwatched = true;
        wr_log(&tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
               "files cannot be watched (%s%s): they are looked at every second",
               strerror(why == WEIR_EIO ? detail : ENOMEM),
               why == WEIR_EIO && detail == EMFILE
                   ? "; sysctl fs.inotify.max_user_instances, or ulimit -n"
                   : "");
    }
}

int wr_tail_look(struct wr_tail *tail)
{
    struct weir_loop *loop = tail->gen.loop;
    tail->round++;
    tail->look = tail->unwatched = false;
    if (tail->notify == NULL) {
        begin_to_watch(tail);
    }
    wr_time_update(loop);
    int64_t began_ns = wr_now_ns(loop);
    wr_tail_for_each_folder(tail, watch);
    wr_tail_for_each_path(tail, wr_tail_see);
    see_gone(tail);
    forget_old_troubles(tail);
    wr_time_update(loop);
    int64_t now_ns = wr_now_ns(loop);
    int64_t took_ns = now_ns - began_ns, pause_ns = LOOK_MS * MS_NS;
    if (tail->crowded) {
        pause_ns = CROWDED_MS * MS_NS;
    } else if (tail->notify != NULL && !tail->unwatched) { /* at most 0.05 % of the time */
        pause_ns = WR_MAX(pause_ns, WR_MIN(2000 * took_ns, LOOK_MAX_MS * MS_NS));
    }
    tail->look_soonest_ns = now_ns + 9 * took_ns;
    tail->look_ns = WR_MAX(now_ns + pause_ns, tail->look_soonest_ns);
    return tail->gen.failure != NULL ? tail->gen.failure->code : 0;
}

/* ---- the first look */

/* The slot by which a later run knows that this one was not the first, even when no file is left. */
static int mark_begun(struct wr_tail *tail)
{
    weir_error error;
    struct weir_gen *gen = &tail->gen;
    if (wr_texts_keep(gen->origin, &gen->loop->budget, "tail", (struct wr_text){"begun", 5}) ==
        NULL) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    struct wr_state_slot *slot = wr_state_next_slot(tail->state, tail->name, NULL);
    while (slot != NULL && slot->stored != NULL && wr_texts_read(slot->stored, "tail") == NULL) {
        slot = wr_state_next_slot(tail->state, tail->name, slot);
    }
    if (wr_state_attach_slot(tail->state, &slot, tail->name, gen->origin, &error) < 0) {
        return wr_gen_fail_error(gen, &error);
    }
    tail->begun = slot;
    wr_state_prove(slot, WR_PROOF_EXACT);
    tail->unsaved = tail->first;
    return 0;
}

int wr_tail_find_first(struct wr_tail *tail)
{
    weir_error error;
    tail->first = true;
    if (tail->state != NULL) {
        if (wr_state_begin_source(tail->state, tail->name, &error) < 0) {
            return wr_gen_fail_error(&tail->gen, &error);
        }
        const struct wr_state_slot *slot = wr_state_next_slot(tail->state, tail->name, NULL);
        for (; slot != NULL; slot = wr_state_next_slot(tail->state, tail->name, slot)) {
            tail->first = tail->first && slot->stored == NULL;
        }
        if (mark_begun(tail) < 0) {
            return tail->gen.failure->code;
        }
    }
    int rc = tail->first ? 0 : wr_tail_continue_earlier(tail);
    rc = rc == 0 ? wr_tail_look(tail) : rc;
    tail->first = false;
    return rc;
}
