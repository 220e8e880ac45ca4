/*
 * codec_framer.h - framers: received bytes to items, sans-I/O.
 *
 * The caller keeps a window of bytes that begins where the last call said (`used`). It calls again
 * when more bytes have been appended, or at the end of the input. A frame is a slice of the window:
 * nothing is copied. A framer that makes values from the bytes (sse) gives items instead, each in
 * its own block, and uses up all bytes at once.
 *
 *     lines     codec_lines.c    up to LF; one CR before it is removed
 *     nul       codec_lines.c    up to NUL
 *     raw       codec_records.c  the available bytes, cut anywhere; each frame has WEIR_ITEM_BYTES
 *     len32     codec_records.c  4 bytes of length, big-endian, then that many bytes
 *     varint    codec_records.c  a length as protobuf writes it, then that many bytes
 *     fixed     codec_records.c  record_bytes each
 *     sse       codec_sse.c      events, as WHATWG HTML 9.2 defines them
 *     json      codec_json_values.c  JSON values; what is not JSON, up to its line end (WR_FRAME_BAD)
 *     csv       codec_csv.c      rows of values: a line end in quotes does not end a row
 *     syslog    codec_syslog_frame.c  messages with their length before them, and lines
 *     netflow   codec_records.c  packets of NetFlow v5 and messages of IPFIX
 *     msgpack, cbor  codec_packed_frame.c  values of MessagePack and of CBOR
 *     journal   codec_journal.c  entries of the systemd journal; only for its source
 *     ws        codec_ws_message.c  messages of a WebSocket; only for its source
 *
 * Limit. item_bytes_max counts an item without its end or length. By policy, a longer item is
 * skipped and counted (SKIP), cut to the limit with the rest dropped (CUT), a failure (FAILS), or
 * given in pieces, all with WEIR_ITEM_PART except the last (PARTS).
 *
 * Promises. Items and counters do not depend on how the input was cut into windows; only the places
 * where raw and PARTS cut depend on it. The raw_len of all frames and overlong_bytes add up to the
 * input. No byte outside the window is read. Each byte is read a bounded number of times.
 */
#ifndef WR_CODEC_FRAMER_H
#define WR_CODEC_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/source.h>

#include "bytes_block.h"

struct wr_frame {
    const char *data; /* in the window */
    size_t len;       /* without line end or length */
    uint32_t flags;   /* WEIR_ITEM_CRLF, _NO_EOL, _TRUNCATED, _PART, _BYTES, _HEADER */
    uint32_t raw_len; /* bytes of the input that it uses (of a cut item: the bytes kept) */
    /* The offset in the whole input of the byte after the frame. For a cut line it is after the
     * kept bytes, because the line end may not have come yet; a caller that restarts there sets
     * `dropping` after init. */
    uint64_t end;
};

/* A flag of a frame, and not of an item: its bytes are not what the framer is for. Its item has no
 * type, all others have ops->type. */
#define WR_FRAME_BAD (1u << 31)

/* Kinds of framers that are not in <weir/source.h>. */
enum { WR_FRAME_WS = WEIR_FRAME_CBOR + 1, WR_FRAME_JOURNAL };

struct wr_framer;
struct wr_sse;
struct wr_json_values;
struct wr_csv;
struct wr_packed_frame;
struct wr_ws_messages;

struct wr_framer_ops {
    const char *item;      /* "line": for messages */
    const weir_type *type; /* of the items that split cuts; NULL: bytes */
    /* Cut the window [data, data+len) into frames. eof: nothing follows the window.
     * Fills up to max frames, in order. *used is the number of bytes of the window that are used up
     * (the next window begins there: at data + *used, or the same bytes moved elsewhere). With eof,
     * call again until it gives 0 frames and used == len.
     *
     * Returns the number of frames, or a negative code, which each later call returns again:
     * WEIR_ETOOLONG (by policy; overlong_start says where), WEIR_EPARSE, WEIR_ETRUNCATED (`problem`
     * says what; with WEIR_ETOOLONG it is another limit than that of an item). An earlier call has returned the frames before the failure. Or WEIR_ENOMEM: nothing
     * is lost, call again. */
    long (*split)(struct wr_framer *framer, const char *data, size_t len, bool eof,
                  struct wr_frame *out, size_t max, size_t *used);
    /* In place of split, for a framer that makes values. Each item has data, len, type, flags, and
     * one reference to its block, which the caller takes; ends[i] is the offset after the item. May
     * also return WEIR_ENOMEM and WEIR_EBUDGET: nothing is lost, call again. */
    long (*decode)(struct wr_framer *framer, struct wr_block_pool *pool, const char *data,
                   size_t len, bool eof, weir_item *out, uint64_t *ends, size_t max, size_t *used);
    /* How many of the window's first bytes are whole items. The bytes after them may have to move
     * before the item there is complete. looked: it is the window of the last call, with bytes
     * appended. */
    size_t (*whole)(const struct wr_framer *framer, const char *data, size_t len, bool looked);
    /* What a restart after the last frame needs besides the offset (a csv header, a depth): a text
     * without NUL, as snprintf. All frames of one call need the same; `notes` changes when it
     * changes. NULL: the offset is enough. */
    size_t (*note)(const struct wr_framer *framer, char *to, size_t cap);
    /* A new item begins at the current offset, for which this note was made; NULL: a new input
     * begins there. False: the note is invalid. NULL if `note` is. */
    bool (*resume)(struct wr_framer *framer, const char *note, size_t len);
    /* It counts the line ends of all bytes that it uses up (framer->lines). */
    bool counts_lines;
    /* At the end of the input, a rest without an end is an item too. */
    bool gives_half;
    /* A restart inside an item that is dropped continues at the current offset, with `dropping`
     * set. False: it begins again before that item. */
    bool restarts_inside;
};

struct wr_framer {
    const struct wr_framer_ops *ops;
    size_t item_bytes_max; /* SIZE_MAX: only the window's size is the limit */
    int32_t overlong;      /* WEIR_LONG_... */
    bool dropping;         /* inside an overlong item, dropping the rest of it */
    bool open;             /* the last frame was a piece of an item that continues */
    size_t scanned;        /* bytes of the window already searched, without the end of an item */
    size_t need;     /* bytes that the item at the start of the window needs; 0: not known yet */
    uint64_t offset; /* of the window's first byte in the whole input */
    /* Line ends before the window's first byte, for ops that count them; else not used. */
    uint64_t lines;
    uint64_t left;       /* len32, varint: rest of the record that is dropped or given in pieces;
                            journal: rest of a binary value that is dropped */
    bool in_text;        /* journal: inside a text value that is dropped */
    size_t record_bytes; /* fixed */
    size_t mean_len;     /* lines: running mean of the lengths, picks the search */
    struct wr_sse *sse;
    struct wr_json_values *json;
    struct wr_csv *csv;
    struct wr_packed_frame *packed;
    struct wr_ws_messages *ws;
    uint32_t notes;           /* how often the note has changed */
    int failed;               /* the code of the failure */
    const char *problem;      /* ... and its text: "the input ends inside a record" */
    uint64_t overlong_start;  /* offset of the overlong item being dropped, or last dropped */
    uint64_t overlong_count;  /* overlong items so far */
    uint64_t overlong_bytes;  /* bytes dropped with them, line ends and lengths included */
    uint64_t overlong_before; /* ... before the latest of them */
    uint64_t overlong_extra;  /* of the latest: bytes of its line end or length */
};

/*
 * item_bytes_max: 0 is a limit of 0, SIZE_MAX is no limit. record_bytes: for fixed, at least 1.
 * offset: the offset of the first byte in the whole input.
 *
 * Returns 0 or WEIR_ENOMEM (sse, json, csv, msgpack, cbor, ws): then it must not be used, but wr_framer_fini is allowed.
 */
int wr_framer_init(struct wr_framer *framer, int32_t kind, size_t item_bytes_max, int32_t overlong,
                   size_t record_bytes, uint64_t offset);
void wr_framer_fini(struct wr_framer *framer);
/* The bytes continue at `offset`, as a new window. same: the unused bytes of the last window began
 * there, so an item that is dropped or given in pieces continues; else a new item begins there. */
void wr_framer_restart(struct wr_framer *framer, uint64_t offset, bool same);
/* The offset where a restart must begin: the offset of the window or, when bytes of an unfinished
 * value were used up, the start of that value. */
uint64_t wr_framer_restart_at(const struct wr_framer *framer);
/* The block that the framer holds besides the window: the value that is being made; NULL: none. */
struct weir_block *wr_framer_block(const struct wr_framer *framer);

#endif
