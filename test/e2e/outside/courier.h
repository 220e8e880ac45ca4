/*
 * courier.h - a library that knows nothing of weir, as client libraries are: it takes lines, writes
 * them to a file on a thread of its own, and calls back from that thread when each one is written.
 */
#ifndef COURIER_H
#define COURIER_H

#include <stddef.h>

enum { COURIER_WINDOW = 8 }; /* lines under way at most */

struct courier;
typedef void courier_done(void *ctx, int error); /* 0 or errno; on the courier's thread */

struct courier *courier_open(const char *path, courier_done *done, void *ctx);
/* 0: taken, `done` follows. EAGAIN: there are COURIER_WINDOW under way. */
int courier_send(struct courier *courier, const char *line, size_t len);
/* Joins the thread: what is under way is written first. */
void courier_close(struct courier *courier);

#endif
