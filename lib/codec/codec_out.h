/*
 * codec_out.h - a text that is written in steps, into room that may be too small. Sans-I/O.
 *
 * It counts as snprintf does: what does not fit is left out, and `len` is that of the whole text. So
 * a caller writes into what it has, and once more when that was too little.
 */
#ifndef WR_CODEC_OUT_H
#define WR_CODEC_OUT_H

#include <stddef.h>
#include <string.h>

struct wr_out {
    char *to;
    size_t cap, len;
};

static inline void wr_out_bytes(struct wr_out *out, const char *bytes, size_t len)
{
    if (bytes != NULL && out->len < out->cap) {
        size_t room = out->cap - out->len;
        memcpy(out->to + out->len, bytes, len < room ? len : room);
    }
    out->len += len;
}

static inline void wr_out_byte(struct wr_out *out, char byte)
{
    if (out->len < out->cap) {
        out->to[out->len] = byte;
    }
    out->len++;
}

static inline void wr_out_string(struct wr_out *out, const char *terminated)
{
    wr_out_bytes(out, terminated, strlen(terminated));
}

#endif
