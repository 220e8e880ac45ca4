/*
 * codec_ws.h - WebSocket (RFC 6455): messages in frames, for both ends of a connection. Sans-I/O.
 *
 * The idea. Reading is pull-driven: the caller gives the received bytes and the room that it has,
 * and gets the bytes of one message after another, without masks, fragments and compression.
 * Control frames are returned where they stand, also between the fragments of a message. Writing is
 * a few functions that make the head of a frame and its mask; the caller passes the mask, because a
 * codec has no source of random bytes.
 *
 *     codec_ws.c            reading
 *     codec_ws_write.c      writing
 *     codec_ws_deflate.c    permessage-deflate (RFC 7692), in both directions
 *     codec_ws_message.c    the framer: messages as items
 *     codec_ws_handshake.c  the request and the answer that begin a connection
 *     codec_ws_extension.c  the negotiation of permessage-deflate
 *
 * Refused with a close code: a reserved bit or opcode, a length that is not written in its shortest
 * form, a mask where none may be or none where one must be, a control frame that is long or a
 * fragment, a fragment without a start (all 1002), text that is not UTF-8 (1007, at the first such
 * byte), damaged compressed data (1007), a message over the limit (1009), data that expands too much
 * (1009), fragments without content and without end (1008). The limit of a message counts the bytes
 * after decompression.
 *
 * Lifetime.  init allocates nothing; the first compressed message allocates zlib's window, and fini
 *            frees it. A wr_ws must not move between them.
 * Failure.   A failed reader stays failed: send wr_ws.fail_close as a close frame, and close.
 */
#ifndef WR_CODEC_WS_H
#define WR_CODEC_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec_framer.h"

enum wr_ws_role {
    WR_WS_CLIENT = 0, /* masks what it sends */
    WR_WS_SERVER
};

/* Opcodes. */
enum {
    WR_WS_CONTINUATION = 0,
    WR_WS_TEXT = 1,
    WR_WS_BINARY = 2,
    WR_WS_CLOSE = 8,
    WR_WS_PING = 9,
    WR_WS_PONG = 10
};

/* Close codes (RFC 6455, 7.4). */
enum {
    WR_WS_NORMAL = 1000,
    WR_WS_GOING_AWAY = 1001,
    WR_WS_PROTOCOL = 1002,
    WR_WS_NO_CODE = 1005, /* never sent: a close frame without a code was received */
    WR_WS_BAD_DATA = 1007,
    WR_WS_POLICY = 1008,
    WR_WS_TOO_BIG = 1009,
    WR_WS_NO_EXTENSION = 1010,
    WR_WS_INTERNAL = 1011
};

enum {
    WR_WS_CONTROL_MAX = 125, /* bytes in a control frame */
    WR_WS_REASON_MAX = WR_WS_CONTROL_MAX - 2,
    WR_WS_HEAD_MAX = 14, /* bytes of a frame's head, with the mask */
    WR_WS_KEY_BYTES = 4,
    WR_WS_VAIN_FRAMES = 64 * 1024, /* fragments in a row without content */
    WR_WS_BITS_MIN = 8,            /* of a deflate window */
    WR_WS_BITS_MAX = 15
};

/* What the handshake has agreed on. `in`: what this end receives; `out`: what it sends. */
struct wr_ws_terms {
    bool deflate;              /* permessage-deflate; if not, the others have no meaning */
    bool in_fresh, out_fresh;  /* no_context_takeover: each message is compressed by itself */
    uint8_t in_bits, out_bits; /* of the window, 8 to 15 */
};

struct wr_ws_inflater;

struct wr_ws {
    uint8_t role;
    bool drops; /* a message over the limit is read to its end and dropped, but its
                                   first bytes; if not, it fails */
    struct wr_ws_terms terms;
    uint64_t message_bytes_max; /* UINT64_MAX: no limit */
    /* the message that is read, or that has ended */
    uint8_t message;  /* WR_WS_TEXT, WR_WS_BINARY; 0: none is open */
    bool compressed;  /* ... */
    bool over;        /* it has more bytes than the limit */
    uint64_t bytes;   /* of it so far, without those that are dropped */
    uint64_t dropped; /* bytes of it that are dropped */
    uint8_t ended;    /* the kind of the message that WR_WS_MESSAGE has returned */
    /* the frame */
    uint8_t phase;
    uint8_t opcode, tail_at;
    bool fin, masked;
    uint8_t head_len;
    uint8_t head[WR_WS_HEAD_MAX];
    uint8_t key[WR_WS_KEY_BYTES];
    uint64_t left;  /* bytes of its payload that have not come */
    size_t mask_at; /* how far the mask has got, mod 4 */
    uint32_t vain;  /* fragments in a row without content */
    uint8_t carry_len;
    char carry[4];   /* the start of a character whose rest has not come */
    bool closed;     /* a close frame has come: what follows it is ignored */
    uint16_t closes; /* its code, WR_WS_NO_CODE: without one */
    uint8_t control_len;
    char control[WR_WS_CONTROL_MAX]; /* the payload of the control frame; of a close frame, the
                                        reason without the code */
    int failure;                     /* 0, or the code that each later call returns */
    uint16_t fail_close;             /* ... and the close code to send */
    char reason[160];                /* ... and why */
    struct wr_ws_inflater *inflater; /* NULL: no compressed message has come */
};

/* terms NULL: no extension. */
void wr_ws_init(struct wr_ws *ws, enum wr_ws_role role, const struct wr_ws_terms *terms,
                uint64_t message_bytes_max, bool drops);
/* Does nothing to a zeroed one. */
void wr_ws_fini(struct wr_ws *ws);

enum wr_ws_got {
    WR_WS_NEED_INPUT = 0, /* all input is used */
    WR_WS_NEED_ROOM,      /* the room is full, and there is more: call again */
    WR_WS_MESSAGE,        /* a message of the kind `ended` ends here; `over`, `bytes` tell more */
    WR_WS_CONTROL         /* a control frame: opcode, control; for a close frame, closes */
};
/*
 * Read some input, up to the end of a message or a control frame.
 *
 * out      where the bytes of the message go; the next call continues behind them. cap may be 0.
 * Returns  enum wr_ws_got; or negative, which each later call returns again: WEIR_EPARSE (the rules
 *          of the protocol or of UTF-8), WEIR_ETOOLONG (a limit), WEIR_ENOMEM. What was made before is
 *          valid.
 */
int wr_ws_read(struct wr_ws *ws, const char *in, size_t len, size_t *used, char *out, size_t cap,
               size_t *made);
/* Bytes of the message that will come for certain, as far as the head of its frame says; for the size
 * of a buffer. */
static inline uint64_t wr_ws_coming(const struct wr_ws *ws)
{
    return ws->message != 0 && !ws->compressed && !ws->over && ws->opcode < WR_WS_CLOSE ? ws->left
                                                                                        : 0;
}
/* Has a message begun that has not ended? */
static inline bool wr_ws_is_inside(const struct wr_ws *ws)
{
    return ws->message != 0 || ws->head_len > 0;
}
/* Bytes that zlib holds for reading. */
size_t wr_ws_held(const struct wr_ws *ws);

/* ---- writing */

enum { WR_WS_FIN = 0x80, WR_WS_RSV1 = 0x40 };
/* Write the head of a frame with `len` bytes of payload; its length is returned.
 *
 * first    the opcode, with WR_WS_FIN for a frame that ends its message and WR_WS_RSV1 for the first
 *          one of a compressed message.
 * key      four random bytes, new for each frame; NULL: no mask, as a server sends. */
size_t wr_ws_write_head(char to[WR_WS_HEAD_MAX], unsigned first, uint64_t len, const uint8_t *key);
/* Mask, or unmask, bytes that begin at offset `at` of the payload. `to` may be `from`. */
void wr_ws_mask(char *to, const char *from, size_t len, const uint8_t *key, size_t at);
enum { WR_WS_CONTROL_FRAME_MAX = 2 + WR_WS_KEY_BYTES + WR_WS_CONTROL_MAX };
/* Write a whole control frame; its length is returned. len: at most WR_WS_CONTROL_MAX. */
size_t wr_ws_write_control(char to[WR_WS_CONTROL_FRAME_MAX], unsigned opcode, const char *data,
                           size_t len, const uint8_t *key);
/* Write a close frame. The reason may be "", and is cut at a character's end if it is too long. */
size_t wr_ws_write_close(char to[WR_WS_CONTROL_FRAME_MAX], unsigned code, const char *reason,
                         const uint8_t *key);
/* May a close frame have this code? */
bool wr_ws_close_code_fits(unsigned code);

/* ---- compression */

struct wr_ws_deflater;
/* Can messages be compressed with these terms? zlib has no window of 8 bits. */
static inline bool wr_ws_can_deflate(const struct wr_ws_terms *terms)
{
    return terms->deflate && terms->out_bits > WR_WS_BITS_MIN;
}
/* NULL: out of memory. terms: wr_ws_can_deflate. */
struct wr_ws_deflater *wr_ws_deflater_new(const struct wr_ws_terms *terms);
void wr_ws_deflater_free(struct wr_ws_deflater *deflater); /* NULL is allowed */
/* The most bytes that a message of `len` bytes becomes. */
size_t wr_ws_deflate_bound(struct wr_ws_deflater *deflater, size_t len);
/* Compress one message. cap: at least the bound. Returns the length of its payload. */
size_t wr_ws_deflate(struct wr_ws_deflater *deflater, const char *data, size_t len, char *to,
                     size_t cap);

/* For the reader: decode payload. Returns as wr_decoder_step. */
struct wr_ws_inflater *wr_ws_inflater_new(const struct wr_ws_terms *terms);
void wr_ws_inflater_free(struct wr_ws_inflater *inflater); /* NULL is allowed */
int wr_ws_inflate(struct wr_ws_inflater *inflater, const char *in, size_t len, size_t *used,
                  char *out, size_t cap, size_t *made);
/* A message has ended; fresh: the next one does not refer to it. */
void wr_ws_inflate_over(struct wr_ws_inflater *inflater, bool fresh);
const char *wr_ws_inflate_reason(const struct wr_ws_inflater *inflater);
size_t wr_ws_inflate_held(const struct wr_ws_inflater *inflater);

/* ---- messages as items (codec_framer.h) */

/* Its items are weir_event messages with the field `opcode`: text or binary. By policy, a message
 * over the limit is skipped (under PARTS too), cut, or fails. Control frames are noted for the caller,
 * which answers them. */
extern const struct wr_framer_ops wr_ws_framer;

struct wr_ws_messages;
/* 0 or WEIR_ENOMEM. */
int wr_ws_messages_init(struct wr_framer *framer);
void wr_ws_messages_fini(struct wr_framer *framer);
/* A new connection with these terms: an incomplete message is dropped. */
void wr_ws_messages_begin(struct wr_framer *framer, enum wr_ws_role role,
                          const struct wr_ws_terms *terms);
/* For another connection, before its terms are known. */
void wr_ws_messages_restart(struct wr_framer *framer);
/* The offset of the message that is read. */
uint64_t wr_ws_messages_offset(const struct wr_framer *framer);
/* The block of the message that is read; NULL: none. */
struct weir_block *wr_ws_messages_block(const struct wr_framer *framer);
/* The reader: closed, closes, the reason in control, and fail_close are for the caller. */
const struct wr_ws *wr_ws_messages_reader(const struct wr_framer *framer);
/* The payload of the latest ping that was not answered. False: there is none. It counts as answered
 * then. */
bool wr_ws_messages_ping(struct wr_framer *framer, const char **data, size_t *len);

#endif
