/*
 * flow_state_record.h - the text of a record: what is on the disk of a pipeline. Internal.
 *
 * A record is lines of text, so that it can be read with cat. The last line has the CRC-32C of all
 * bytes before it; nothing may follow.
 *
 *     weir-state 2                             the format
 *     name orders
 *     text https://host/feed | file out        the pipeline as weir_plan_text gives it
 *     sink 4711 out                            a sink's length at the last commit, and its name;
 *     before 4700                              any number of sinks
 *     source https://host/feed                 any number of sources
 *     items 40                                 given and settled in all runs
 *     finished                                 it was read to its end
 *     position offset 4711 etag "x"            in the source's own words
 *     before 39 offset 4700 etag "x"           items, and position; none: from the beginning
 *     saved 1700000000123                      Unix time, ms
 *     crc32c 1a2b3c4d
 *
 * The `before` lines are an earlier moment in the same record (flow_state_half.c). The length of a
 * sink that must not be cut is -1. An unknown value has no line. Bytes below space, DEL and '%' are
 * written as %xx, so a value may hold any byte except NUL.
 */
#ifndef WR_FLOW_STATE_RECORD_H
#define WR_FLOW_STATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_error.h"

enum {
    WR_STATE_FORMAT = 2,
    WR_RECORD_END_MAX = 64,                /* bytes that wr_record_end writes */
    WR_STATE_RECORD_MAX = 64 * 1024 * 1024 /* bytes: positions of about 100,000 files */
};

/* A text that grows. Zeroed: empty. */
struct wr_growing {
    char *data; /* not terminated */
    size_t len, cap;
    bool failed; /* out of memory: the text is incomplete and must not be used */
};

void wr_growing_free(struct wr_growing *text);
/* Make room for `more` bytes after len. */
bool wr_growing_room(struct wr_growing *text, size_t more);
void wr_growing_bytes(struct wr_growing *text, const char *bytes, size_t len);

/* ---- writing: in this order */

struct wr_record_sink {
    const char *name; /* what it writes to, without secrets */
    int64_t length;   /* -1: it is not cut */
    int64_t before;   /* -1: none */
};

struct wr_record_source {
    const char *name;     /* what it reads, without secrets */
    const char *position; /* in the source's own words */
    const char *before;   /* NULL: none */
    uint64_t items, before_items;
    bool finished;
};

/* text NULL: not known. */
void wr_record_begin(struct wr_growing *to, const char *name, const char *text);
void wr_record_sink(struct wr_growing *to, const struct wr_record_sink *sink);
void wr_record_source(struct wr_growing *to, const struct wr_record_source *source);
void wr_record_end(struct wr_growing *to, int64_t saved_ms);

/* ---- reading */

struct wr_record {
    char *bytes;             /* all texts below point into it */
    const char *name, *text; /* text: NULL: not known */
    int64_t saved_ms;
    struct wr_record_sink *sinks;
    size_t sinks_count, sinks_cap;
    struct wr_record_source *sources;
    size_t sources_count, sources_cap;
};

/* Takes ownership of the bytes, also on failure, and changes them. NULL: *record is filled and must
 * be freed by wr_record_free. Else a text that says what is wrong with the bytes. */
const char *wr_record_read(struct wr_record *record, struct wr_growing *bytes);
/* A zeroed record is allowed. */
void wr_record_free(struct wr_record *record);
/* Write a record that was read, as a whole. */
void wr_record_write(struct wr_growing *to, const struct wr_record *record);

uint32_t wr_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
