/*
 * support_disk.c - the disk in memory: files with what is safe of them, names with what is safe of
 * them, and for each the changes since.
 *
 * A path is one text; its folder is what stands before the last '/'. Changes are kept in order, as
 * what they do: a sync applies all of a file's (or a folder's) to what is safe, a loss of power some
 * of them. State and worker thread call at the same time: one lock.
 */
#include "support_disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_check.h"

enum {
    FILES_MAX = 512,
    NAMES_MAX = 32,
    FDS_MAX = 32,
    FIRST_FD = 1000,
    PATH_BYTES = 128,
    NO_FILE = -1
};

struct bytes {
    char *data;
    size_t len;
};

/* Of a file: bytes were written at `at`, or it was cut to it (data NULL). */
struct change {
    struct change *next;
    char *data;
    size_t at, len;
};

/* Of a folder: this path is that file now, or none. A rename is two that go together. */
struct naming {
    struct naming *next;
    char path[2][PATH_BYTES];
    int file[2];
    int count;
};

struct name {
    char path[PATH_BYTES];
    int file, safe;         /* NO_FILE: it is not there */
    struct naming *changes; /* of a folder: to what lies in it */
};

struct file {
    bool folder;
    struct bytes now, safe;
    struct change *changes;
    int locked_by; /* 0: nobody */
};

static struct {
    pthread_mutex_t lock;
    struct file files[FILES_MAX];
    struct name names[NAMES_MAX];
    int files_count, names_count;
    struct {
        int file; /* NO_FILE: closed */
        size_t at;
        int flags;
        char path[PATH_BYTES];
    } fds[FDS_MAX];
    uint64_t random, calls, stop_after, room, syncs, fail_sync_after;
    bool writes_short;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t draw(uint64_t below)
{
    uint64_t x = disk.random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    disk.random = x;
    return (x >> 11) % below;
}

/* ---- bytes */

static void put_bytes(struct bytes *bytes, size_t at, const char *data, size_t len)
{
    size_t end = at + len > bytes->len ? at + len : bytes->len;
    bytes->data = realloc(bytes->data, end + 1);
    if (at > bytes->len) {
        memset(bytes->data + bytes->len, 0, at - bytes->len);
    }
    memcpy(bytes->data + at, data, len);
    bytes->len = end;
    bytes->data[end] = '\0';
}

static void cut_bytes(struct bytes *bytes, size_t len)
{
    if (len > bytes->len) {
        put_bytes(bytes, len, "", 0);
    }
    bytes->len = len;
    if (bytes->data != NULL) {
        bytes->data[len] = '\0';
    }
}

static void apply_change(struct bytes *bytes, const struct change *change)
{
    if (change->data != NULL) {
        put_bytes(bytes, change->at, change->data, change->len);
    } else {
        cut_bytes(bytes, change->at);
    }
}

static void add_change(struct file *file, size_t at, const char *data, size_t len)
{
    struct change *change = calloc(1, sizeof *change), **end = &file->changes;
    change->at = at;
    change->len = len;
    if (data != NULL) {
        change->data = malloc(len + 1);
        memcpy(change->data, data, len);
    }
    apply_change(&file->now, change);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = change;
}

/* some: each with even chances; all of them else. none: they are given up. */
enum which { WHICH_ALL, WHICH_SOME, WHICH_NONE };

static bool chosen(enum which which)
{
    return which == WHICH_ALL || (which == WHICH_SOME && draw(2) == 0);
}

static void settle_file(struct file *file, enum which which)
{
    while (file->changes != NULL) {
        struct change *change = file->changes;
        file->changes = change->next;
        if (chosen(which)) {
            apply_change(&file->safe, change);
        }
        free(change->data);
        free(change);
    }
}

/* ---- names */

static struct name *find_name(const char *path)
{
    for (int i = 0; i < disk.names_count; i++) {
        if (strcmp(disk.names[i].path, path) == 0) {
            return &disk.names[i];
        }
    }
    return NULL;
}

static struct name *make_name(const char *path)
{
    struct name *name = find_name(path);
    if (name == NULL) {
        MUST(disk.names_count < NAMES_MAX);
        name = &disk.names[disk.names_count++];
        snprintf(name->path, sizeof name->path, "%s", path);
        name->file = name->safe = NO_FILE;
    }
    return name;
}

static void folder_of(const char *path, char folder[PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    snprintf(folder, PATH_BYTES, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
}

static int make_file(bool folder)
{
    MUST(disk.files_count < FILES_MAX);
    disk.files[disk.files_count].folder = folder;
    put_bytes(&disk.files[disk.files_count].now, 0, "", 0);
    return disk.files_count++;
}

static struct naming *begin_naming(const char *path)
{
    char folder[PATH_BYTES];
    folder_of(path, folder);
    struct naming *naming = calloc(1, sizeof *naming), **end = &make_name(folder)->changes;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = naming;
    return naming;
}

static void rename_to(struct naming *naming, const char *path, int file)
{
    snprintf(naming->path[naming->count], PATH_BYTES, "%s", path);
    naming->file[naming->count++] = file;
    make_name(path)->file = file;
}

static void settle_folder(struct name *folder, enum which which)
{
    while (folder->changes != NULL) {
        struct naming *naming = folder->changes;
        folder->changes = naming->next;
        bool apply = chosen(which);
        for (int i = 0; apply && i < naming->count; i++) {
            make_name(naming->path[i])->safe = naming->file[i];
        }
        free(naming);
    }
}

/* ---- calls */

/* False with errno: the machine has stopped. The lock is held either way. */
static bool begin_call(void)
{
    pthread_mutex_lock(&disk.lock);
    errno = EIO;
    return disk.calls++ < disk.stop_after;
}

static int end_call(int number)
{
    pthread_mutex_unlock(&disk.lock);
    errno = number;
    return number == 0 ? 0 : -1;
}

static struct file *file_of(int fd)
{
    MUST(fd >= FIRST_FD && fd < FIRST_FD + FDS_MAX && disk.fds[fd - FIRST_FD].file != NO_FILE);
    return &disk.files[disk.fds[fd - FIRST_FD].file];
}

static void full_path(int folder, const char *path, char to[PATH_BYTES])
{
    if (folder == AT_FDCWD) {
        snprintf(to, PATH_BYTES, "%s", strcmp(path, ".") == 0 ? "" : path);
    } else if (strcmp(path, "..") == 0) {
        folder_of(disk.fds[folder - FIRST_FD].path, to);
    } else {
        MUST(snprintf(to, PATH_BYTES, "%s/%s", disk.fds[folder - FIRST_FD].path, path) <
             PATH_BYTES);
    }
}

static int open_locked(const char *path, int flags)
{
    struct name *name = find_name(path);
    int fd = 0;
    if ((name == NULL || name->file == NO_FILE) && (flags & O_CREAT) == 0) {
        errno = ENOENT;
        return -1;
    }
    if (name == NULL || name->file == NO_FILE) {
        int file = make_file(false);
        rename_to(begin_naming(path), path, file);
        name = find_name(path);
    }
    if ((flags & O_TRUNC) != 0) {
        add_change(&disk.files[name->file], 0, NULL, 0);
    }
    while (fd < FDS_MAX && disk.fds[fd].file != NO_FILE) {
        fd++;
    }
    MUST(fd < FDS_MAX);
    disk.fds[fd].file = name->file;
    disk.fds[fd].at = 0;
    disk.fds[fd].flags = flags;
    snprintf(disk.fds[fd].path, PATH_BYTES, "%s", path);
    errno = 0;
    return FIRST_FD + fd;
}

static int disk_open(int folder, const char *path, int flags, mode_t mode)
{
    char full[PATH_BYTES];
    int fd = -1;
    (void)mode;
    if (begin_call()) {
        full_path(folder, path, full);
        fd = open_locked(full, flags);
    }
    int number = fd < 0 ? errno : 0;
    (void)end_call(number);
    return fd;
}

static ssize_t disk_read(int fd, void *to, size_t cap, int64_t at)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    const struct bytes *bytes = &file_of(fd)->now;
    size_t from = at >= 0 ? (size_t)at : disk.fds[fd - FIRST_FD].at;
    size_t n = from < bytes->len ? WR_MIN(cap, bytes->len - from) : 0;
    if (n > 0) {
        memcpy(to, bytes->data + from, n);
    }
    disk.fds[fd - FIRST_FD].at += at < 0 ? n : 0;
    (void)end_call(0);
    return (ssize_t)n;
}

static ssize_t disk_write(int fd, const struct iovec *iov, int count)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    size_t n = 0;
    for (int i = 0; i < count && (n == 0 || !disk.writes_short); i++) {
        struct file *file = file_of(fd);
        size_t *at = &disk.fds[fd - FIRST_FD].at, len = iov[i].iov_len;
        if (disk.writes_short && len > 1) {
            len = 1 + (size_t)draw(len);
        }
        len = (size_t)WR_MIN((uint64_t)len, disk.room);
        if ((disk.fds[fd - FIRST_FD].flags & O_APPEND) != 0) {
            *at = file->now.len;
        }
        add_change(file, *at, iov[i].iov_base, len);
        *at += len;
        disk.room -= disk.room == UINT64_MAX ? 0 : len;
        n += len;
        if (len < iov[i].iov_len) {
            break;
        }
    }
    (void)end_call(n > 0 ? 0 : ENOSPC);
    return n > 0 ? (ssize_t)n : -1;
}

static void tell(int file, struct stat *info)
{
    memset(info, 0, sizeof *info);
    info->st_mode = disk.files[file].folder ? S_IFDIR : S_IFREG;
    info->st_size = (off_t)disk.files[file].now.len;
    info->st_ino = (ino_t)file + 1;
    for (int i = 0; i < disk.names_count; i++) {
        info->st_nlink += disk.names[i].file == file;
    }
}

static int disk_stat(int fd, struct stat *info)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    (void)file_of(fd);
    tell(disk.fds[fd - FIRST_FD].file, info);
    return end_call(0);
}

static int disk_stat_path(const char *path, struct stat *info)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    const struct name *name = find_name(path);
    if (name == NULL || name->file == NO_FILE) {
        return end_call(ENOENT);
    }
    tell(name->file, info);
    return end_call(0);
}

static int disk_cut(int fd, int64_t len)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    add_change(file_of(fd), (size_t)len, NULL, 0);
    return end_call(0);
}

static int disk_sync(int fd)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    bool fails = disk.syncs++ == disk.fail_sync_after;
    struct file *file = file_of(fd);
    if (file->folder && !fails) {
        settle_folder(make_name(disk.fds[fd - FIRST_FD].path), WHICH_ALL);
    } else if (!file->folder) {
        settle_file(file, fails ? WHICH_NONE : WHICH_ALL);
    }
    return end_call(fails ? EIO : 0);
}

static int disk_lock(int fd)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    struct file *file = file_of(fd);
    if (file->locked_by != 0 && file->locked_by != fd) {
        return end_call(EWOULDBLOCK);
    }
    file->locked_by = fd;
    return end_call(0);
}

static int disk_rename(int folder, const char *from, const char *to)
{
    char old[PATH_BYTES], new[PATH_BYTES];
    if (!begin_call()) {
        return end_call(EIO);
    }
    full_path(folder, from, old);
    full_path(folder, to, new);
    const struct name *name = find_name(old);
    if (name == NULL || name->file == NO_FILE) {
        return end_call(ENOENT);
    }
    int file = name->file;
    struct naming *naming = begin_naming(old);
    rename_to(naming, new, file);
    rename_to(naming, old, NO_FILE);
    return end_call(0);
}

static int disk_remove(int folder, const char *name)
{
    char full[PATH_BYTES];
    if (!begin_call()) {
        return end_call(EIO);
    }
    full_path(folder, name, full);
    const struct name *there = find_name(full);
    if (there == NULL || there->file == NO_FILE) {
        return end_call(ENOENT);
    }
    rename_to(begin_naming(full), full, NO_FILE);
    return end_call(0);
}

static int disk_make_folder(const char *path, mode_t mode)
{
    (void)mode;
    if (!begin_call()) {
        return end_call(EACCES);
    }
    const struct name *name = find_name(path);
    if (name != NULL && name->file != NO_FILE) {
        return end_call(EEXIST);
    }
    int file = make_file(true);
    rename_to(begin_naming(path), path, file);
    return end_call(0);
}

/* The names of a folder are read as those of all paths that begin with it. */
struct names {
    char folder[PATH_BYTES], name[PATH_BYTES];
    int at;
};

static void *disk_open_names(const char *folder)
{
    struct names *names = NULL;
    const struct name *there = NULL;
    if (begin_call()) {
        there = find_name(folder);
        errno = ENOENT;
    }
    if (there != NULL && there->file != NO_FILE) {
        names = calloc(1, sizeof *names);
        MUST(names != NULL);
        snprintf(names->folder, PATH_BYTES, "%s", folder);
    }
    (void)end_call(names != NULL ? 0 : errno);
    return names;
}

static const char *disk_next_name(void *of)
{
    struct names *names = of;
    const char *found = NULL;
    bool runs = begin_call();
    for (; runs && found == NULL && names->at < disk.names_count; names->at++) {
        const struct name *name = &disk.names[names->at];
        char folder[PATH_BYTES];
        folder_of(name->path, folder);
        if (name->file != NO_FILE && name->path[0] != '\0' && strcmp(folder, names->folder) == 0) {
            const char *slash = strrchr(name->path, '/');
            snprintf(names->name, PATH_BYTES, "%s", slash != NULL ? slash + 1 : name->path);
            found = names->name;
        }
    }
    (void)end_call(runs ? 0 : EIO);
    return found;
}

static void disk_close_names(void *names)
{
    free(names);
}

static ssize_t disk_path_of(int fd, char *to, size_t cap)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    char path[PATH_BYTES] = "gone (deleted)";
    (void)file_of(fd);
    for (int i = 0; i < disk.names_count; i++) {
        if (disk.names[i].file == disk.fds[fd - FIRST_FD].file) {
            snprintf(path, sizeof path, "%s", disk.names[i].path);
        }
    }
    size_t len = WR_MIN(strlen(path), cap);
    memcpy(to, path, len);
    (void)end_call(0);
    return (ssize_t)len;
}

/* Files are never removed from the table, so they are born in its order. */
static int64_t disk_born_ns(int fd, const char *path)
{
    if (!begin_call()) {
        return end_call(EIO);
    }
    const struct name *name = path != NULL ? find_name(path) : NULL;
    int file = path == NULL ? disk.fds[fd - FIRST_FD].file : name != NULL ? name->file : NO_FILE;
    (void)end_call(file != NO_FILE ? 0 : ENOENT);
    return file != NO_FILE ? file + 1 : -1;
}

static int disk_close(int fd)
{
    bool runs = begin_call();
    struct file *file = file_of(fd);
    file->locked_by = file->locked_by == fd ? 0 : file->locked_by;
    disk.fds[fd - FIRST_FD].file = NO_FILE;
    return end_call(runs ? 0 : EIO);
}

const struct wr_disk wr_test_disk = {
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .stat = disk_stat,
    .stat_path = disk_stat_path,
    .cut = disk_cut,
    .sync_data = disk_sync,
    .sync = disk_sync,
    .lock = disk_lock,
    .rename = disk_rename,
    .remove = disk_remove,
    .make_folder = disk_make_folder,
    .open_names = disk_open_names,
    .next_name = disk_next_name,
    .close_names = disk_close_names,
    .path_of = disk_path_of,
    .born_ns = disk_born_ns,
    .close = disk_close,
};

/* ---- for tests */

void wr_disk_free(void)
{
    for (int i = 0; i < disk.files_count; i++) {
        settle_file(&disk.files[i], WHICH_NONE);
        free(disk.files[i].now.data);
        free(disk.files[i].safe.data);
    }
    for (int i = 0; i < disk.names_count; i++) {
        settle_folder(&disk.names[i], WHICH_NONE);
    }
    memset(disk.files, 0, sizeof disk.files);
    memset(disk.names, 0, sizeof disk.names);
    disk.files_count = disk.names_count = 0;
}

void wr_disk_make(uint64_t seed)
{
    wr_disk_free();
    disk.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    disk.writes_short = false;
    disk.room = disk.fail_sync_after = UINT64_MAX;
    for (int i = 0; i < FDS_MAX; i++) {
        disk.fds[i].file = NO_FILE;
    }
    wr_disk_stop_after(UINT64_MAX);
    struct name *root = make_name("");
    root->file = root->safe = make_file(true);
}

void wr_disk_put(const char *path, const char *bytes, size_t len)
{
    char folder[PATH_BYTES];
    folder_of(path, folder);
    struct name *holder = make_name(folder), *name = make_name(path);
    if (holder->file == NO_FILE) {
        holder->file = holder->safe = make_file(true);
    }
    if (name->file == NO_FILE) {
        name->file = make_file(false);
    }
    name->safe = name->file;
    struct file *file = &disk.files[name->file];
    settle_file(file, WHICH_NONE);
    cut_bytes(&file->now, 0);
    cut_bytes(&file->safe, 0);
    put_bytes(&file->now, 0, bytes, len);
    put_bytes(&file->safe, 0, bytes, len);
}

void wr_disk_move(const char *from, const char *to)
{
    struct name *old = find_name(from);
    MUST(old != NULL && old->file != NO_FILE);
    struct name *new = make_name(to);
    new->file = new->safe = old->file;
    old->file = old->safe = NO_FILE;
}

int wr_disk_inode(const char *path)
{
    const struct name *name = find_name(path);
    return name != NULL && name->file != NO_FILE ? name->file + 1 : 0;
}

const char *wr_disk_get(const char *path, size_t *len)
{
    const struct name *name = find_name(path);
    if (name == NULL || name->file == NO_FILE) {
        return NULL;
    }
    *len = disk.files[name->file].now.len;
    return disk.files[name->file].now.data;
}

const char *wr_disk_get_safe(const char *path)
{
    char folder[PATH_BYTES];
    const struct name *name = find_name(path), *holder;
    folder_of(path, folder);
    holder = find_name(folder);
    return name != NULL && name->safe != NO_FILE && holder != NULL && holder->safe != NO_FILE
               ? disk.files[name->safe].safe.data
               : NULL;
}

void wr_disk_stop_after(uint64_t count)
{
    disk.calls = 0;
    disk.stop_after = count;
}

uint64_t wr_disk_calls(void)
{
    return disk.calls;
}

void wr_disk_go_on(void)
{
    for (int i = 0; i < disk.files_count; i++) {
        disk.files[i].locked_by = 0;
    }
    for (int i = 0; i < FDS_MAX; i++) {
        disk.fds[i].file = NO_FILE;
    }
    disk.room = disk.fail_sync_after = UINT64_MAX;
    wr_disk_stop_after(UINT64_MAX);
}

void wr_disk_lose_power(void)
{
    for (int i = 0; i < disk.files_count; i++) {
        struct file *file = &disk.files[i];
        settle_file(file, WHICH_SOME);
        cut_bytes(&file->now, 0);
        put_bytes(&file->now, 0, file->safe.len > 0 ? file->safe.data : "", file->safe.len);
    }
    for (int i = 0; i < disk.names_count; i++) {
        settle_folder(&disk.names[i], WHICH_SOME);
    }
    for (int i = 0; i < disk.names_count; i++) {
        char folder[PATH_BYTES];
        folder_of(disk.names[i].path, folder);
        if (make_name(folder)->safe == NO_FILE) {
            disk.names[i].safe = NO_FILE;
        }
        disk.names[i].file = disk.names[i].safe;
    }
    wr_disk_go_on();
}

void wr_disk_write_short(bool on)
{
    disk.writes_short = on;
}

void wr_disk_room(uint64_t bytes)
{
    disk.room = bytes;
}

void wr_disk_fail_sync_after(uint64_t count)
{
    disk.syncs = 0;
    disk.fail_sync_after = count;
}
