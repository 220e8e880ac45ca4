/*
 * loop_file.c - the real disk, and a regular file as a transport.
 *
 * Nothing here suspends: poll cannot wait for a regular file. Called from the loop's thread, and
 * from its worker when a state is saved or a token is read.
 */
#include "loop_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_call.h"

/* ---- the real disk */

static int real_open(int folder, const char *path, int flags, mode_t mode)
{
    int fd;
    WR_CALL(fd, "open", EIO, openat(folder, path, flags | O_CLOEXEC, mode));
    return fd;
}

static ssize_t real_read(int fd, void *to, size_t cap, int64_t at)
{
    ssize_t n;
    if (at < 0) {
        WR_CALL(n, "read", EIO, read(fd, to, cap));
    } else {
        WR_CALL(n, "read", EIO, pread(fd, to, cap, at));
    }
    return n;
}

static ssize_t real_write(int fd, const struct iovec *iov, int count)
{
    ssize_t n;
    WR_CALL(n, "write", ENOSPC, writev(fd, iov, count));
    return n;
}

static int real_stat(int fd, struct stat *info)
{
    int rc;
    WR_CALL(rc, "fstat", EIO, fstat(fd, info));
    return rc;
}

static int real_stat_path(const char *path, struct stat *info)
{
    int rc;
    WR_CALL(rc, "stat", EIO, stat(path, info));
    return rc;
}

static int real_cut(int fd, int64_t len)
{
    int rc;
    WR_CALL(rc, "ftruncate", EIO, ftruncate(fd, len));
    return rc;
}

static int real_sync_data(int fd)
{
    int rc;
    WR_CALL(rc, "fsync", EIO, fdatasync(fd));
    return rc;
}

static int real_sync(int fd)
{
    int rc;
    WR_CALL(rc, "fsync", EIO, fsync(fd));
    return rc;
}

static int real_lock(int fd)
{
    int rc;
    WR_CALL(rc, "flock", ENOLCK, flock(fd, LOCK_EX | LOCK_NB));
    return rc;
}

static int real_rename(int folder, const char *from, const char *to)
{
    int rc;
    WR_CALL(rc, "rename", EIO, renameat(folder, from, folder, to));
    return rc;
}

static int real_remove(int folder, const char *name)
{
    int rc;
    WR_CALL(rc, "unlink", EIO, unlinkat(folder, name, 0));
    return rc;
}

static int real_make_folder(const char *path, mode_t mode)
{
    int rc;
    WR_CALL(rc, "mkdir", EACCES, mkdir(path, mode));
    return rc;
}

static void *real_open_names(const char *folder)
{
    errno = EACCES;
    return wr_fault("opendir") ? NULL : opendir(folder);
}

static const char *real_next_name(void *names)
{
    const struct dirent *entry = readdir(names);
    return entry != NULL ? entry->d_name : NULL;
}

static void real_close_names(void *names)
{
    closedir(names);
}

static ssize_t real_path_of(int fd, char *to, size_t cap)
{
    char link[40];
    ssize_t n;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    WR_CALL(n, "readlink", EIO, readlink(link, to, cap));
    return n;
}

static int64_t real_born_ns(int fd, const char *path)
{
    struct statx info;
    int rc;
    WR_CALL(rc, "statx", ENOSYS,
            path != NULL ? statx(AT_FDCWD, path, 0, STATX_BTIME, &info)
                         : statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &info));
    return rc == 0 && (info.stx_mask & STATX_BTIME) != 0
               ? (int64_t)info.stx_btime.tv_sec * 1000000000 + (int64_t)info.stx_btime.tv_nsec
               : -1;
}

/* The descriptor is closed in any case. On some file systems only close reports that the
 * disk was full. */
static int real_close(int fd)
{
    int number = wr_close(fd);
    number = number == 0 && wr_fault("close") ? EIO : number;
    errno = number;
    return number == 0 ? 0 : -1;
}

const struct wr_disk wr_disk_real = {
    .open = real_open,
    .read = real_read,
    .write = real_write,
    .stat = real_stat,
    .stat_path = real_stat_path,
    .cut = real_cut,
    .sync_data = real_sync_data,
    .sync = real_sync,
    .lock = real_lock,
    .rename = real_rename,
    .remove = real_remove,
    .make_folder = real_make_folder,
    .open_names = real_open_names,
    .next_name = real_next_name,
    .close_names = real_close_names,
    .path_of = real_path_of,
    .born_ns = real_born_ns,
    .close = real_close,
};

int wr_disk_sync_folder(const struct wr_disk *disk, int fd)
{
    return disk->sync(fd) < 0 && errno != EINVAL ? errno : 0;
}

/* ---- reading a file */

struct file_transport {
    struct wr_transport base;
    int fd;
    int64_t at;
};

static struct file_transport *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct file_transport, base);
}

static int64_t file_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct file_transport *file = of_base(transport);
    ssize_t n = transport->loop->disk->read(file->fd, to, cap, file->at);
    if (n < 0) {
        transport->detail = errno;
        return WEIR_EIO;
    }
    file->at += n;
    return n;
}

static int file_wait(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                     struct wr_object *of)
{
    (void)transport;
    (void)events;
    (void)limit_ms;
    (void)why;
    (void)of;
    return 0;
}

static void file_free(struct wr_transport *transport)
{
    struct file_transport *file = of_base(transport);
    (void)transport->loop->disk->close(file->fd);
    wr_free(file);
}

static const struct wr_transport_ops file_ops = {
    .kind = "file", .read = file_read, .wait = file_wait, .free = file_free};

struct wr_transport *wr_file_transport(struct weir_loop *loop, int fd, int64_t at,
                                       weir_error *error)
{
    struct file_transport *file = wr_zalloc(sizeof *file);
    if (file == NULL) {
        (void)loop->disk->close(fd);
        wr_error_set(error, WEIR_ENOMEM, 0, "file", "no memory to read a file");
        return NULL;
    }
    wr_error_clear(error);
    file->base.ops = &file_ops;
    file->base.loop = loop;
    file->fd = fd;
    file->at = at;
    return &file->base;
}
