/*
 * codec_packed.h - MessagePack and CBOR (RFC 8949): where a value ends, and the value as a JSON text.
 * Sans-I/O.
 *
 * The idea. Both formats are the same tree, written with other bytes. A format reads one head at a
 * time: what it is, and how many bytes or values follow. One walk over the heads finds the end of a
 * value in a stream that is cut anywhere; a second one over the whole value writes it as JSON.
 *
 *     msgpack   codec_msgpack.c
 *     cbor      codec_cbor.c
 *
 * As JSON: integers are exact. Reals are the shortest text that reads back to the same number (of
 * single precision if they had that); NaN and infinities are null. Bytes are a base64 string, and
 * text that is not UTF-8 gets U+FFFD. A key that is an integer becomes a string; a map with any
 * other key that is not a text is an error. An extension of MessagePack is {"ext": TYPE, "data":
 * BASE64}; a tag of CBOR is left out, and undefined and other simple values are null. A string of
 * CBOR in pieces (RFC 8949, 3.2.3) is what the pieces are together. Each piece of a text is UTF-8 by
 * itself: of a character that is cut by a piece each byte becomes U+FFFD.
 *
 * Failure.   A walk that has failed stays failed, and nothing can be read behind that place: neither
 *            format says where the next value begins.
 */
#ifndef WR_CODEC_PACKED_H
#define WR_CODEC_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec_json_write.h"

enum { WR_PACKED_DEPTH_MAX = 1024 };

enum wr_packed_kind {
    WR_PACKED_NULL,
    WR_PACKED_FALSE,
    WR_PACKED_TRUE,
    WR_PACKED_UINT,
    WR_PACKED_NEGATIVE, /* -1 - number */
    WR_PACKED_REAL,
    WR_PACKED_TEXT,  /* number: of bytes; WR_PACKED_OPEN: pieces follow, until a break */
    WR_PACKED_BYTES, /* ... */
    WR_PACKED_EXT,   /* number: of bytes */
    WR_PACKED_ARRAY, /* number: of values; WR_PACKED_OPEN: until a break */
    WR_PACKED_MAP,   /* ... of pairs */
    WR_PACKED_TAG,   /* a value follows, which takes its place */
    WR_PACKED_BREAK
};
#define WR_PACKED_OPEN UINT64_MAX

struct wr_packed_head {
    enum wr_packed_kind kind;
    uint64_t number;
    double real;
    bool single; /* the real has single precision */
    int8_t ext;  /* the type of an extension */
};

/* Read the head at data[0 .. len), which is not empty. Returns how many bytes it has; 0: it is not
 * complete; negative: *problem says what is wrong. */
typedef int wr_packed_read(const unsigned char *data, size_t len, struct wr_packed_head *head,
                           const char **problem);
wr_packed_read wr_msgpack_read, wr_cbor_read;

struct wr_packed_level {
    uint64_t left; /* values that follow in it; WR_PACKED_OPEN: until a break */
    bool map;
    bool odd;  /* of a map: a key was read, its value follows */
    bool some; /* it is not empty */
};

struct wr_packed {
    wr_packed_read *read;
    uint64_t body;              /* bytes of a text that follow */
    enum wr_packed_kind pieces; /* of the string whose pieces follow; NULL: none is open */
    char carry[3];              /* bytes of its pieces that are not written as base64 yet */
    uint8_t carried;
    size_t depth;
    const char *problem; /* of the failure; NULL: none */
    struct wr_packed_level levels[WR_PACKED_DEPTH_MAX];
};

static inline void wr_packed_init(struct wr_packed *packed, wr_packed_read *read)
{
    packed->read = read;
    packed->body = 0;
    packed->pieces = WR_PACKED_NULL;
    packed->carried = 0;
    packed->depth = 0;
    packed->problem = NULL;
}

/* Has a value begun that has not ended? */
static inline bool wr_packed_inside(const struct wr_packed *packed)
{
    return packed->depth > 0 || packed->body > 0 || packed->pieces != WR_PACKED_NULL;
}

/*
 * Pass over the bytes of one value.
 *
 * data     the next bytes; a head that is cut comes again, with more bytes.
 * out      NULL; or where the value is written as JSON: then data is the whole value, from its start.
 * used     [out] how many of the bytes belong to the value and were read.
 * Returns  1: the value ends there; the next call begins another one. 0: more bytes are needed.
 *          WEIR_EPARSE: the byte behind the used ones is wrong; `problem` says why.
 */
int wr_packed_walk(struct wr_packed *packed, const char *data, size_t len, size_t *used,
                   struct wr_out *out);

#endif
