/*
 * base_call.h - system calls on files as weir makes them: the fault point is asked first, and a
 * signal that interrupts the call is not noticed. Disks are hardly ever interrupted, but network
 * and FUSE file systems are, in open, flock and fsync as much as in read and write.
 */
#ifndef WR_BASE_CALL_H
#define WR_BASE_CALL_H

#include <errno.h>
#include <unistd.h>

#include "base_fault.h"

/* result = call, again as long as it is interrupted; or -1 and errno `number` when the fault point
 * `point` shall fail. */
#define WR_CALL(result, point, number, call)                          \
    do {                                                              \
        (result) = wr_fault(point) ? (errno = (number), -1) : (call); \
    } while ((result) < 0 && errno == EINTR)

/* 0 or errno. On Linux a close that is interrupted has closed: it is neither repeated nor failed.
 */
static inline int wr_close(int fd)
{
    return close(fd) < 0 && errno != EINTR ? errno : 0;
}

#endif
