/*
 * source_again.h - a socket source that connects again when its connection is lost. Internal.
 */
#ifndef WR_SOURCE_AGAIN_H
#define WR_SOURCE_AGAIN_H

#include "source_stream.h"

/* Connect again as the options say, `retries` and `follow`; both 0: never. 0 or WEIR_ENOMEM. */
int wr_again_set(struct wr_stream_source *stream, const weir_socket_options *options);
/* The first connection. Suspends. 0, or a code with the failure set (no failure after a stop). */
int wr_again_open(struct wr_stream_source *stream);
/* A read has returned n. */
void wr_again_read(struct wr_stream_source *stream, int64_t n);
/* The inbox was asked for items, and has given n; there were `before` of them before. */
void wr_again_taken(struct wr_stream_source *stream, size_t n, uint64_t before);
/* May another connection help after this failure of a read? */
bool wr_again_may(const struct wr_stream_source *stream, int code);
/* The connection is lost: report it, drop the unfinished item, and connect again. Suspends. True:
 * connected, or items that were held back are to be taken first (wr_again_is_broken). False: the
 * source has failed or was stopped. */
bool wr_again_broken(struct wr_stream_source *stream, int code, int detail, const char *why);
bool wr_again_is_broken(const struct wr_stream_source *stream);
/* Those were taken: as wr_again_broken. */
bool wr_again_go_on(struct wr_stream_source *stream);
/* The stream has ended, and its items were given. True: connected again. Suspends. */
bool wr_again_ended(struct wr_stream_source *stream);
void wr_again_free(struct wr_stream_source *stream);

#endif
