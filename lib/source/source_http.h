/*
 * source_http.h - what others ask an HTTP source: numbers for the status line. Internal.
 */
#ifndef WR_SOURCE_HTTP_H
#define WR_SOURCE_HTTP_H

#include "flow_gen.h"

struct wr_http_stats {
    uint64_t bytes;      /* of bodies, as they came over the line */
    uint64_t reconnects; /* connections made again after the first answer */
    uint64_t position;   /* offset behind the last line given */
    int64_t length;      /* of the whole body, -1: not known */
    int status;          /* of the latest answer; 0: none yet */
    bool connected;      /* a body is being received */
};

/* False: gen is no HTTP source. */
bool wr_http_stats_of(const struct weir_gen *gen, struct wr_http_stats *stats);

#endif
