/*
 * flow_inbox_room.c - the blocks of an inbox: where the next bytes go.
 *
 * Bytes are received into `block` and items are slices of it. A byte is copied only when its item
 * does not fit into the rest of the block: then the unfinished tail moves to a new block, or to the
 * front of the same block if no item refers to it any more. A block whose items are not taken yet
 * is set aside in `full` with its whole items. A tail of half a block or more moves to a block
 * twice its length, so that between two moves as much is received as a move copies. If the framer
 * knows the item's length, the block is made large enough at once.
 *
 * Called by sources and framing stages, also from a library's callback between two calls of the
 * reader. Nothing here suspends. Bytes that were given are not moved while they are referenced.
 */
#include <string.h>

#include "flow_inbox.h"

enum {
    BLOCK_BYTES_MIN = 4096,
    SMALL_BUDGET = 512 * 1024,
    TAIL_BYTES = 1024,        /* a block for an unfinished item that waits for the rest */
    ROOM_MIN = 2048,          /* a receive call into less room is not worth it */
    SLACK = WR_INBOX_WANT_MAX /* room after an item of the greatest length */
};

size_t wr_inbox_usual_cap(const struct wr_inbox *inbox)
{
    /* Of a small budget less: a decoder and two inboxes have up to six of them in use. */
    int64_t limit = inbox->loop->budget.limit, blocks = limit < SMALL_BUDGET ? 8 : 4;
    int64_t part = WR_MIN(limit / blocks, (int64_t)WR_BLOCK_BYTES);
    return (size_t)WR_MAX(part, (int64_t)BLOCK_BYTES_MIN);
}

/* A size for a block that begins with `tail` bytes of an unfinished item and has room for `want`
 * more; need: the size of the item, 0: unknown. */
static size_t cap_for(const struct wr_inbox *inbox, size_t tail, size_t want, size_t need)
{
    size_t usual = wr_inbox_usual_cap(inbox);
    if (tail <= usual / 2 && need <= usual) {
        return WR_MAX(usual, tail + want);
    }
    size_t limit = inbox->framer.item_bytes_max;
    size_t most = limit < SIZE_MAX - SLACK ? limit + SLACK : SIZE_MAX;
    return WR_MAX(WR_MIN(WR_MAX(tail * 2, need), most), tail + WR_MAX(want, usual / 2));
}

/* The block is full: move the unfinished item at its end to a place with room. */
static int move_tail(struct wr_inbox *inbox, size_t want)
{
    struct weir_block *block = inbox->block;
    const struct wr_framer *framer = &inbox->framer;
    bool oldest = inbox->full == NULL;
    size_t begin = oldest ? inbox->start : 0;
    size_t whole = framer->ops->whole(framer, block->data + begin, block->len - begin, oldest);
    size_t tail_at = begin + whole;
    size_t tail = block->len - tail_at;
    size_t cap = cap_for(inbox, tail, want, oldest && whole == 0 ? framer->need : 0);

    if (whole == 0 && block->refs == 1 && begin > 0 && cap <= block->cap) {
        memmove(block->data, block->data + begin, tail);
        block->len = (uint32_t)tail;
        inbox->start = 0; /* begin > 0, so this is the oldest block */
        return 0;
    }
    int why = 0;
    struct weir_block *next = wr_block_new(&inbox->loop->blocks, cap, &why);
    if (next == NULL) {
        return why;
    }
    memcpy(next->data, block->data + tail_at, tail);
    next->len = (uint32_t)tail;
    next->time_ns = block->time_ns;
    inbox->block = next;
    if (whole == 0) {
        wr_block_unref(block, 1);
        inbox->start = oldest ? 0 : inbox->start;
        return 0;
    }
    block->len = (uint32_t)tail_at;
    block->next = NULL;
    struct weir_block **end = &inbox->full;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = block;
    return 0;
}

/* Provide a block with `want` bytes of room. 0 or a code. */
static int make_room(struct wr_inbox *inbox, size_t want)
{
    struct weir_block *block = inbox->block;
    int rc = 0;
    if (block != NULL && inbox->full == NULL && inbox->start == block->len) {
        if (block->refs == 1) {
            block->len = 0;
            inbox->start = 0;
        } else if (block->cap - block->len < want) {
            wr_block_unref(block, 1);
            inbox->block = block = NULL;
        }
    }
    if (block == NULL) {
        inbox->block = wr_block_new(&inbox->loop->blocks, cap_for(inbox, 0, want, 0), &rc);
        inbox->start = inbox->full == NULL ? 0 : inbox->start;
    } else if (block->cap - block->len < want) {
        rc = move_tail(inbox, want);
    }
    return rc;
}

void wr_inbox_shrink(struct wr_inbox *inbox)
{
    struct weir_block *block = inbox->block;
    wr_inbox_came(inbox, 0);
    if (inbox->block == NULL || inbox->full != NULL) {
        return;
    }
    int why;
    size_t tail = block->len - inbox->start;
    size_t cap = WR_MAX(tail * 2, (size_t)TAIL_BYTES);
    struct weir_block *next =
        block->cap > cap * 2 ? wr_block_new(&inbox->loop->blocks, cap, &why) : NULL;
    if (next == NULL) {
        return; /* it is small enough, or it has to stay */
    }
    memcpy(next->data, block->data + inbox->start, tail);
    next->len = (uint32_t)tail;
    next->time_ns = block->time_ns;
    inbox->block = next;
    inbox->start = 0;
    wr_block_unref(block, 1);
}

/* Did the framer find no memory for the bytes that are here, or are the origin's records of given
 * items full? Then more bytes do not help. */
static bool must_wait(struct wr_inbox *inbox)
{
    bool starved = inbox->starved;
    inbox->starved = false;
    return starved || (inbox->origin != NULL && wr_origin_is_full(inbox->origin));
}

int wr_inbox_room(struct wr_inbox *inbox, char **to, size_t *room)
{
    if (WR_UNLIKELY(must_wait(inbox))) {
        return WEIR_EBUDGET;
    }
    int rc = make_room(inbox, ROOM_MIN);
    struct weir_block *block = inbox->block;
    /* If there is no better room, use the rest of the block. */
    if (block == NULL || block->cap == block->len) {
        return rc;
    }
    *to = block->data + block->len;
    *room = block->cap - block->len;
    return 0;
}

int wr_inbox_room_for(struct wr_inbox *inbox, size_t want, char **to)
{
    WR_ASSERT(want <= SLACK, "a piece of %zu bytes is larger than the maximum (%d)", want, SLACK);
    int rc = WR_UNLIKELY(must_wait(inbox)) ? WEIR_EBUDGET : make_room(inbox, want);
    if (rc == 0) {
        *to = inbox->block->data + inbox->block->len;
    }
    return rc;
}

static int64_t cap_of(const struct weir_block *block)
{
    return block != NULL ? (int64_t)block->cap : 0;
}

const char *wr_inbox_stuck(const struct wr_inbox *inbox)
{
    const struct weir_block *block = inbox->block;
    int64_t own = cap_of(block) + cap_of(wr_framer_block(&inbox->framer));
    for (const struct weir_block *full = inbox->full; full != NULL; full = full->next) {
        own += cap_of(full);
    }
    if (inbox->loop->budget.used > own) {
        return NULL;
    }
    bool lent = block != NULL && (inbox->lent[0] == block || inbox->lent[1] == block);
    return block != NULL && block->refs > 1u + lent
               ? "the loop's byte budget is too small: items that were given are still held"
               : "an item is longer than the loop's byte budget allows; an eighth of it always "
                 "fits";
}

int64_t wr_inbox_held(const struct wr_inbox *inbox, uint32_t mark)
{
    int64_t held =
        wr_block_mark(inbox->block, mark) + wr_block_mark(wr_framer_block(&inbox->framer), mark);
    for (struct weir_block *block = inbox->full; block != NULL; block = block->next) {
        held += wr_block_mark(block, mark);
    }
    return held;
}

void wr_inbox_came(struct wr_inbox *inbox, size_t bytes)
{
    struct weir_block *block = inbox->block;
    if (bytes == 0) {
        if (block != NULL && inbox->full == NULL && inbox->start == block->len) {
            wr_block_unref(block, 1);
            inbox->block = NULL;
            inbox->start = 0;
        }
        return;
    }
    WR_ASSERT(block != NULL && bytes <= block->cap - block->len,
              "more bytes came than there was room for");
    block->len += (uint32_t)bytes;
    wr_gen_received(inbox->gen, bytes);
    block->time_ns = inbox->loop->now_unix_ns;
    inbox->pending += bytes;
    inbox->bytes += bytes;
}
