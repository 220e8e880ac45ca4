/*
 * codec_ws_message.c - the framer of WebSocket connections: messages as items, control frames as
 * notes for the caller.
 *
 * A message is collected in the block that becomes its event. As long as the head of a frame is all
 * that is known, no block is made: it is made in the size that the head announces, up to 64 KiB, and
 * grows by doubling, so that a length that was only claimed costs nothing. Of several pings only the
 * latest is answered, as RFC 6455, 5.5.3 allows; so a flood of them takes no memory.
 *
 * Without memory a call ends before the bytes that need it, and the next call continues there.
 */
#include <string.h>

#include <weir/item.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_ws.h"

enum { BLOCK_MIN = 256, GROWTH_MIN = 64 * 1024 };

static const weir_slice field_names[] = {{"opcode", 6}};
static const weir_slice text_values[] = {{"text", 4}}, binary_values[] = {{"binary", 6}};

struct wr_ws_messages {
    struct wr_ws ws;
    struct weir_block *block; /* of the message that is read: an event, then the data; NULL: none */
    size_t len;               /* bytes of data in it */
    uint64_t begin;           /* offset of that message */
    bool ping_due;
    bool ending; /* the message has ended, but there was no memory for its block */
    uint8_t ping_len;
    char ping[WR_WS_CONTROL_MAX];
};

static bool drops(const struct wr_framer *framer)
{
    return framer->overlong != WEIR_LONG_FAILS;
}

static bool skips(const struct wr_framer *framer)
{
    return drops(framer) && framer->overlong != WEIR_LONG_CUT;
}

static uint64_t limit_of(const struct wr_framer *framer)
{
    return framer->item_bytes_max == SIZE_MAX ? UINT64_MAX : framer->item_bytes_max;
}

int wr_ws_messages_init(struct wr_framer *framer)
{
    struct wr_ws_messages *m = wr_zalloc(sizeof *m);
    framer->ws = m;
    if (m == NULL) {
        return WEIR_ENOMEM;
    }
    m->begin = framer->offset;
    wr_ws_init(&m->ws, WR_WS_CLIENT, NULL, limit_of(framer), drops(framer));
    return 0;
}

static void drop_message(struct wr_ws_messages *m)
{
    wr_block_unref(m->block, 1);
    m->block = NULL;
    m->len = 0;
}

void wr_ws_messages_fini(struct wr_framer *framer)
{
    struct wr_ws_messages *m = framer->ws;
    if (m != NULL) {
        drop_message(m);
        wr_ws_fini(&m->ws);
        wr_free(m);
        framer->ws = NULL;
    }
}

void wr_ws_messages_begin(struct wr_framer *framer, enum wr_ws_role role,
                          const struct wr_ws_terms *terms)
{
    struct wr_ws_messages *m = framer->ws;
    drop_message(m);
    wr_ws_fini(&m->ws);
    wr_ws_init(&m->ws, role, terms, limit_of(framer), drops(framer));
    m->begin = framer->offset;
    m->ping_due = m->ending = false;
}

void wr_ws_messages_restart(struct wr_framer *framer)
{
    wr_ws_messages_begin(framer, (enum wr_ws_role)framer->ws->ws.role, NULL);
}

uint64_t wr_ws_messages_offset(const struct wr_framer *framer)
{
    return framer->ws->begin;
}

struct weir_block *wr_ws_messages_block(const struct wr_framer *framer)
{
    return framer->ws->block;
}

const struct wr_ws *wr_ws_messages_reader(const struct wr_framer *framer)
{
    return &framer->ws->ws;
}

bool wr_ws_messages_ping(struct wr_framer *framer, const char **data, size_t *len)
{
    struct wr_ws_messages *m = framer->ws;
    bool due = m->ping_due;
    *data = m->ping;
    *len = m->ping_len;
    m->ping_due = false;
    return due;
}

/* Make room for more of the message. */
static int reserve(struct wr_ws_messages *m, struct wr_block_pool *pool)
{
    struct weir_block *old = m->block;
    const struct wr_ws *ws = &m->ws;
    int why = 0;
    size_t growth = WR_MAX(m->len, (size_t)GROWTH_MIN);
    uint64_t left = ws->message_bytes_max - ws->bytes, coming = WR_MIN(wr_ws_coming(ws), left);
    size_t more = coming > 0 ? (size_t)WR_MIN(coming, (uint64_t)growth)
                             : (size_t)WR_MIN((uint64_t)WR_MAX(m->len, (size_t)BLOCK_MIN), left);
    size_t cap = sizeof(weir_event) + m->len + more;
    struct weir_block *block = wr_block_new(pool, cap, &why);
    if (block == NULL) {
        return why;
    }
    if (old != NULL) {
        memcpy(block->data + sizeof(weir_event), old->data + sizeof(weir_event), m->len);
        wr_block_unref(old, 1);
    }
    m->block = block;
    return 0;
}

/* Make the event in the block, and pass the block to the item. */
static void give(struct wr_ws_messages *m, weir_item *item)
{
    struct weir_block *block = m->block;
    WR_ASSERT(block != NULL, "a message has no block");
    weir_event *event = (weir_event *)(void *)block->data;
    *event = (weir_event){.body = {block->data + sizeof *event, m->len},
                          .names = field_names,
                          .values = m->ws.ended == WR_WS_TEXT ? text_values : binary_values,
                          .fields_count = 1,
                          .kind = WEIR_EVENT_MESSAGE};
    block->len = (uint32_t)(sizeof *event + m->len);
    *item = weir_event_item(event);
    item->block = block;
    item->flags = m->ws.over ? WEIR_ITEM_TRUNCATED : 0;
    m->block = NULL;
    m->len = 0;
}

static void count_overlong(struct wr_framer *framer)
{
    const struct wr_ws *ws = &framer->ws->ws;
    framer->overlong_count++;
    framer->overlong_start = framer->ws->begin;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_bytes += ws->dropped + (skips(framer) ? ws->bytes : 0);
}

/* A message has ended. 1: *item is it; 0: it is left out; or a code, and nothing has changed. */
static int end_message(struct wr_framer *framer, struct wr_block_pool *pool, weir_item *item)
{
    struct wr_ws_messages *m = framer->ws;
    bool gives = !m->ws.over || !skips(framer);
    if (gives && m->block == NULL) {
        int rc = reserve(m, pool); /* it is empty */
        if (rc < 0) {
            return rc;
        }
    }
    if (m->ws.over) {
        count_overlong(framer);
    }
    if (gives) {
        give(m, item);
    } else {
        drop_message(m);
    }
    return gives;
}

static void note_control(struct wr_ws_messages *m)
{
    if (m->ws.opcode == WR_WS_PING) {
        m->ping_due = true;
        m->ping_len = m->ws.control_len;
        memcpy(m->ping, m->ws.control, m->ping_len);
    }
}

static int fail(struct wr_framer *framer)
{
    const struct wr_ws *ws = &framer->ws->ws;
    /* NULL: it is the limit of a message; one that is dropped may also be a bomb. */
    framer->problem = ws->over && !ws->drops ? NULL : ws->reason;
    framer->overlong_start = framer->ws->begin;
    return ws->failure;
}

/* Read some of the window into the block, up to the end of a message or a control frame. */
static int read_some(struct wr_ws_messages *m, const char *data, size_t len, size_t *at)
{
    size_t used, made, cap = 0;
    char *out = NULL;
    if (m->ending) {
        return WR_WS_MESSAGE;
    }
    if (m->block != NULL) {
        out = m->block->data + sizeof(weir_event) + m->len;
        cap = m->block->cap - sizeof(weir_event) - m->len;
    }
    int got = wr_ws_read(&m->ws, data + *at, len - *at, &used, out, cap, &made);
    *at += used;
    m->len += made;
    return got;
}

/* Read one message. 1: *item is it; 0: the window is used up; or a negative code. */
static int next_message(struct wr_framer *framer, struct wr_block_pool *pool, const char *data,
                        size_t len, size_t *at, weir_item *item)
{
    struct wr_ws_messages *m = framer->ws;
    for (;;) {
        int rc = 0, got = read_some(m, data, len, at);
        if (m->ws.over && skips(framer)) {
            drop_message(m);
        }
        switch (got) {
        case WR_WS_NEED_INPUT: return 0;
        case WR_WS_NEED_ROOM: rc = reserve(m, pool); break;
        case WR_WS_CONTROL: note_control(m); break;
        case WR_WS_MESSAGE:
            rc = end_message(framer, pool, item);
            m->ending = rc < 0;
            m->begin = rc < 0 ? m->begin : framer->offset + *at;
            break;
        default: return fail(framer);
        }
        if (rc != 0) {
            return rc;
        }
    }
}

static long ws_decode(struct wr_framer *framer, struct wr_block_pool *pool, const char *data,
                      size_t len, bool eof, weir_item *out, uint64_t *ends, size_t max,
                      size_t *used)
{
    size_t count = 0, at = 0;
    int rc = 0;
    (void)eof; /* an incomplete message at the end is dropped */
    while (count < max && (rc = next_message(framer, pool, data, len, &at, &out[count])) > 0) {
        ends[count++] = framer->offset + at;
    }
    *used = at;
    framer->offset += at;
    return count > 0 ? (long)count : rc;
}

static size_t ws_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    (void)framer;
    (void)data;
    (void)looked;
    return len;
}

const struct wr_framer_ops wr_ws_framer = {
    .item = "message", .decode = ws_decode, .whole = ws_whole};
