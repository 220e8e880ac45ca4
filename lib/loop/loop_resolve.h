/*
 * loop_resolve.h - the addresses of a name. Internal.
 */
#ifndef WR_LOOP_RESOLVE_H
#define WR_LOOP_RESOLVE_H

#include "loop_wait.h"

struct addrinfo;

/*
 * Look up a name. Suspends.
 *
 * socktype  SOCK_STREAM or SOCK_DGRAM.
 * limit_ms  < 0: no limit.
 * found     [out] the addresses; the caller frees them with uv_freeaddrinfo. NULL on a failure.
 * Returns   0. WEIR_ERESOLVE, detail a code of libuv. WEIR_EIO, detail EMFILE: no descriptor is left.
 *           WEIR_ENOMEM; WEIR_ETIMEDOUT; or as wr_wait.
 */
int wr_resolve(struct weir_loop *loop, const char *host, const char *port, int socktype,
               int64_t limit_ms, struct wr_object *of, struct addrinfo **found, int *detail);

#endif
