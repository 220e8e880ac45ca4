/*
 * support_header_framer.h - a framer whose items need more than their offset: rows of values, each
 * under the names of the last header.
 *
 *     #a,b            a header: no item
 *     1,2             the item "a=1,b=2"
 *
 * It makes values, each in its own block. Between two headers the note is the same.
 */
#ifndef WR_SUPPORT_HEADER_FRAMER_H
#define WR_SUPPORT_HEADER_FRAMER_H

#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "codec_framer.h"
#include "flow_inbox.h"

/* There is one at a time. */
static char framer_header[64];

/* The item of a row; its length. */
static inline size_t header_framer_item(const char *row, size_t len, char *to, size_t cap)
{
    const char *name = framer_header;
    size_t at = 0;
    for (size_t i = 0; i <= len;) {
        size_t name_len = strcspn(name, ","), value = 0;
        while (i + value < len && row[i + value] != ',') {
            value++;
        }
        at += (size_t)snprintf(to + at, cap - at, "%s%.*s=%.*s", at > 0 ? "," : "", (int)name_len,
                               name, (int)value, row + i);
        name += name_len + (name[name_len] == ',');
        i += value + 1;
    }
    return at;
}

static inline long header_framer_decode(struct wr_framer *framer, struct wr_block_pool *pool,
                                        const char *data, size_t len, bool eof, weir_item *out,
                                        uint64_t *ends, size_t max, size_t *used)
{
    long n = 0;
    (void)eof;
    *used = 0;
    while ((size_t)n < max) {
        const char *row = data + *used, *end = memchr(row, '\n', len - *used);
        size_t row_len = end != NULL ? (size_t)(end - row) : 0;
        if (end == NULL || (row[0] == '#' && n > 0)) {
            break; /* what came before needs another note */
        }
        if (row[0] == '#') {
            snprintf(framer_header, sizeof framer_header, "%.*s", (int)row_len - 1, row + 1);
            framer->notes++;
        } else {
            int why = 0;
            struct weir_block *block = wr_block_new(pool, 256, &why);
            if (block == NULL) {
                return n > 0 ? n : why;
            }
            out[n] = (weir_item){.data = block->data, .block = block};
            out[n].len = header_framer_item(row, row_len, block->data, block->cap);
            block->len = (uint32_t)out[n].len;
            ends[n++] = framer->offset + row_len + 1;
        }
        *used += row_len + 1;
        framer->offset += row_len + 1;
    }
    return n;
}

static inline size_t header_framer_whole(const struct wr_framer *framer, const char *data,
                                         size_t len, bool looked)
{
    const char *end = memrchr(data, '\n', len);
    (void)framer;
    (void)looked;
    return end != NULL ? (size_t)(end - data) + 1 : 0;
}

static inline size_t header_framer_note(const struct wr_framer *framer, char *to, size_t cap)
{
    (void)framer;
    return (size_t)snprintf(to, cap, "%s", framer_header);
}

static inline bool header_framer_resume(struct wr_framer *framer, const char *note, size_t len)
{
    (void)framer;
    snprintf(framer_header, sizeof framer_header, "%.*s", (int)len, note != NULL ? note : "");
    return len < sizeof framer_header && (note == NULL || len > 0);
}

static inline void header_framer_set(struct wr_inbox *inbox)
{
    static const struct wr_framer_ops ops = {.item = "row",
                                             .decode = header_framer_decode,
                                             .whole = header_framer_whole,
                                             .note = header_framer_note,
                                             .resume = header_framer_resume};
    inbox->framer.ops = &ops;
    framer_header[0] = '\0';
}

#endif
