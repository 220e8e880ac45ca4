/*
 * loop_file.h - the disk: every call on a file that is kept, behind one table of functions.
 * Internal.
 *
 * A state, a file source and a file sink reach the disk through loop->disk. So a test puts a disk in
 * memory in its place, one that writes short, is full, fails a sync or loses power. Each function is
 * one system call of the same meaning, with its fault point: -1 and errno when it fails, and a signal
 * that interrupts it is not noticed. Descriptors are the disk's own: what `open` gives goes to this
 * disk's functions only, but for what turns out to be no regular file, which becomes a transport
 * (wr_fd_transport). Any thread may call.
 */
#ifndef WR_LOOP_FILE_H
#define WR_LOOP_FILE_H

#include <fcntl.h>
#include <sys/stat.h>

#include "loop_transport.h"

struct wr_disk {
    /* openat: folder is AT_FDCWD or what `open` gave for a folder; flags O_..., O_CLOEXEC is added. */
    int (*open)(int folder, const char *path, int flags, mode_t mode);
    /* at >= 0: from there (pread). at < 0: from where the descriptor is, which moves on. */
    ssize_t (*read)(int fd, void *to, size_t cap, int64_t at);
    /* Where the descriptor is, or at the end with O_APPEND. May take fewer bytes than given. */
    ssize_t (*write)(int fd, const struct iovec *iov, int count);
    int (*stat)(int fd, struct stat *info);
    int (*stat_path)(const char *path, struct stat *info);
    int (*cut)(int fd, int64_t len);
    /* A file's bytes and length. */
    int (*sync_data)(int fd);
    /* All of it: for a folder, the names in it. */
    int (*sync)(int fd);
    /* Exclusive, at once or EWOULDBLOCK; ends when the descriptor is closed. */
    int (*lock)(int fd);
    int (*rename)(int folder, const char *from, const char *to);
    int (*remove)(int folder, const char *name);
    int (*make_folder)(const char *path, mode_t mode);
    int (*close)(int fd);
};

extern const struct wr_disk wr_disk_real;

/* Sync the names in a folder: 0 or errno. A file system that cannot do that has nothing to sync. */
int wr_disk_sync_folder(const struct wr_disk *disk, int fd);

/* Read a regular file from offset `at` on, to its end. The transport takes the descriptor, also when
 * it cannot be made. NULL: *error. */
struct wr_transport *wr_file_transport(struct weir_loop *loop, int fd, int64_t at,
                                       weir_error *error);

#endif
