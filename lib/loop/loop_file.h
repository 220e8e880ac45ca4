/*
 * loop_file.h - the disk: one table of functions for every call on a file that is kept. Internal.
 *
 * A state, a file source and a file sink use the disk through loop->disk. So a test can replace it
 * by a disk in memory that writes only a part, is full, fails a sync or loses power. Each function
 * is one system call of the same meaning (or of those for a folder), with its fault point. It returns -1 and sets errno when
 * it fails; when a signal interrupts it, it is repeated. Descriptors belong to the disk: what
 * `open` returns is passed only to this disk's functions. The exception is a descriptor that is not
 * a regular file: it becomes a transport (wr_fd_transport). Any thread may call.
 */
#ifndef WR_LOOP_FILE_H
#define WR_LOOP_FILE_H

#include <fcntl.h>
#include <sys/stat.h>

#include "loop_transport.h"

struct wr_disk {
    /* openat: folder is AT_FDCWD or what `open` returned for a folder; flags O_...,
     * O_CLOEXEC is added. */
    int (*open)(int folder, const char *path, int flags, mode_t mode);
    /* at >= 0: read from that offset (pread). at < 0: read from the descriptor's offset
     * and advance it. */
    ssize_t (*read)(int fd, void *to, size_t cap, int64_t at);
    /* Write at the descriptor's offset, or at the end with O_APPEND. May take fewer bytes than
     * given. */
    ssize_t (*write)(int fd, const struct iovec *iov, int count);
    int (*stat)(int fd, struct stat *info);
    int (*stat_path)(const char *path, struct stat *info);
    int (*cut)(int fd, int64_t len);
    /* Sync a file's bytes and length. */
    int (*sync_data)(int fd);
    /* Sync everything: for a folder, the names in it. */
    int (*sync)(int fd);
    /* Take an exclusive lock at once, or fail with EWOULDBLOCK. It ends when the
     * descriptor is closed. */
    int (*lock)(int fd);
    int (*rename)(int folder, const char *from, const char *to);
    int (*remove)(int folder, const char *name);
    int (*make_folder)(const char *path, mode_t mode);
    /* Begin to read the names in a folder, as opendir; NULL: errno. */
    void *(*open_names)(const char *folder);
    /* The next name, lent until the next call; "." and ".." may be among them. NULL: no more. */
    const char *(*next_name)(void *names);
    void (*close_names)(void *names);
    /* The path that an open file has now, without symbolic links, cut to `cap` bytes and without a
     * null byte. Returns its length. */
    ssize_t (*path_of)(int fd, char *to, size_t cap);
    /* When a file was made, in nanoseconds since 1970: that of the path, or of fd if the path is NULL.
     * -1: it is not known. */
    int64_t (*born_ns)(int fd, const char *path);
    int (*close)(int fd);
};

extern const struct wr_disk wr_disk_real;

/* Sync the names in a folder: 0 or errno. On a file system that does not support this there is
 * nothing to sync: 0. */
int wr_disk_sync_folder(const struct wr_disk *disk, int fd);

/* Read a regular file from offset `at` to its end. Takes ownership of the descriptor, also on
 * failure. NULL: *error. */
struct wr_transport *wr_file_transport(struct weir_loop *loop, int fd, int64_t at,
                                       weir_error *error);

#endif
