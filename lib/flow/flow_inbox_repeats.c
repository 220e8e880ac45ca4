/*
 * flow_inbox_repeats.c - what an inbox holds back while a new stream may repeat what was given.
 *
 * While the comparison holds, the bytes stay in the blocks of the inbox, in their order, and nothing is
 * cut: `looked` of them were compared. No item lies in these blocks, since each stream begins in a new
 * one, so repeats at their beginning can be moved over. Dropped bytes have no offset and no number:
 * positions count what is given.
 *
 * Called by the source's task only. Nothing suspends.
 */
#include "flow_inbox.h"

#include <string.h>

#include "base_error.h"

enum { BUDGET_PARTS = 8 };

bool wr_inbox_track(struct wr_inbox *inbox, struct wr_repeats *repeats)
{
    const struct wr_framer_ops *ops = inbox->framer.ops;
    if (ops->split == NULL || ops->resume != NULL) {
        return false;
    }
    inbox->repeats = repeats;
    inbox->looked = 0;
    repeats->held_max =
        WR_MIN(repeats->held_max, (size_t)WR_MAX(inbox->loop->budget.limit / BUDGET_PARTS, 1));
    return true;
}

void wr_inbox_compare(struct wr_inbox *inbox)
{
    inbox->looked = 0;
    wr_repeats_begin(inbox->repeats);
}

/* ---- what is given */

void wr_inbox_gave(struct wr_inbox *inbox, const char *data, size_t len, uint64_t base,
                   const struct wr_frame *frames, size_t count)
{
    struct wr_repeats *r = inbox->repeats;
    const struct wr_framer *framer = &inbox->framer;
    size_t from = 0, done = 0;
    uint32_t flags = 0;
    for (size_t i = 0; i < count; i++) {
        flags = frames[i].flags & (WEIR_ITEM_PART | WEIR_ITEM_TRUNCATED | WEIR_ITEM_NO_EOL);
        size_t end = (size_t)(frames[i].end - base);
        if (flags == 0 && end <= len && wr_repeats_wants(r, i + 1 - done, end - from)) {
            wr_repeats_given(r, data + from, end - from, i + 1 - done, true);
            from = end;
            done = i + 1;
        }
    }
    wr_repeats_given(r, data + from, len - from, count - done, false);
    if (len > 0) {
        r->between = framer->open || framer->dropping || flags != 0 ||
                     (count > 0 && frames[count - 1].end - base != len);
    }
}

/* ---- the comparison */

static struct weir_block *oldest(const struct wr_inbox *inbox)
{
    return inbox->full != NULL ? inbox->full : inbox->block;
}

static void look(struct wr_inbox *inbox)
{
    size_t at = 0, begin = inbox->start;
    struct weir_block *block = oldest(inbox);
    while (block != NULL && at < inbox->pending) {
        size_t len = block->len - begin, seen = inbox->looked > at ? inbox->looked - at : 0;
        if (seen < len) {
            wr_repeats_see(inbox->repeats, block->data + begin + seen, len - seen);
            inbox->looked = at + len;
        }
        at += len;
        begin = 0;
        block = block == inbox->block ? NULL : block->next != NULL ? block->next : inbox->block;
    }
}

static void drop_repeats(struct wr_inbox *inbox)
{
    size_t n = wr_repeats_dropped(inbox->repeats);
    inbox->looked -= WR_MIN(n, inbox->looked);
    inbox->pending -= n;
    while (n > 0) {
        struct weir_block *block = oldest(inbox);
        size_t len = block->len - inbox->start;
        if (n >= len && block == inbox->full) {
            inbox->full = block->next;
            inbox->start = 0;
            wr_block_unref(block, 1);
            n -= len;
            continue;
        }
        WR_ASSERT(n <= len && block->refs == 1, "bytes that are held were given");
        len -= n;
        memmove(block->data, block->data + inbox->start + n, len);
        block->len = (uint32_t)len;
        inbox->start = 0;
        n = 0;
    }
}

bool wr_inbox_holds(struct wr_inbox *inbox)
{
    struct wr_repeats *r = inbox->repeats;
    if (!r->holds) {
        return false;
    }
    look(inbox);
    if (inbox->end) {
        wr_repeats_end(r, false);
    }
    drop_repeats(inbox);
    return r->holds;
}

bool wr_inbox_let_go(struct wr_inbox *inbox)
{
    struct wr_repeats *r = inbox->repeats;
    if (r == NULL || !r->holds) {
        return false;
    }
    look(inbox);
    wr_repeats_end(r, true);
    drop_repeats(inbox);
    return inbox->pending > 0;
}

int64_t wr_inbox_wait_ms(const struct wr_inbox *inbox, int64_t limit_ms)
{
    int64_t left_ms = inbox->repeats != NULL ? wr_repeats_left_ms(inbox->repeats) : -1;
    return left_ms < 0 ? limit_ms : limit_ms < 0 ? left_ms : WR_MIN(limit_ms, left_ms);
}

bool wr_inbox_waited(struct wr_inbox *inbox, int64_t began_ns)
{
    struct wr_repeats *r = inbox->repeats;
    if (r == NULL || !r->holds) {
        return false;
    }
    wr_repeats_waited(r, (wr_now_ns(inbox->loop) - began_ns) / 1000000);
    return !r->holds;
}

const char *wr_inbox_told(struct wr_inbox *inbox, uint64_t *dropped)
{
    struct wr_repeats *r = inbox->repeats;
    enum wr_repeats_news news = r != NULL ? r->news : WR_REPEATS_NO_NEWS;
    if (news == WR_REPEATS_NO_NEWS) {
        return NULL;
    }
    r->news = WR_REPEATS_NO_NEWS;
    *dropped = r->agreed;
    switch (news) {
    case WR_REPEATS_WHOLE: return "what was given has come again, and is left out";
    case WR_REPEATS_LATE:
        return "what comes may be what was given, but it comes too slowly to tell";
    case WR_REPEATS_FULL:
        return "what comes may be what was given, but it is too much to hold back";
    default: return "what comes differs from what was given";
    }
}
