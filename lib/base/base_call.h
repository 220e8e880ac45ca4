/*
 * base_call.h - how weir makes system calls on files: it asks the fault point first, and repeats a
 * call that a signal has interrupted. Calls on disks are hardly ever interrupted. Calls on network
 * and FUSE file systems are: open, flock and fsync as well as read and write.
 */
#ifndef WR_BASE_CALL_H
#define WR_BASE_CALL_H

#include <errno.h>
#include <unistd.h>

#include "base_fault.h"

/* result = call, repeated while it is interrupted; or -1 and errno `number` when the fault point
 * `point` is to fail. */
#define WR_CALL(result, point, number, call)                          \
    do {                                                              \
        (result) = wr_fault(point) ? (errno = (number), -1) : (call); \
    } while ((result) < 0 && errno == EINTR)

/* 0 or errno. On Linux an interrupted close has closed the file: it is not repeated and is not an
 * error. */
static inline int wr_close(int fd)
{
    return close(fd) < 0 && errno != EINTR ? errno : 0;
}

#endif
