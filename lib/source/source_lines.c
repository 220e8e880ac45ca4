/*
 * source_lines.c - the line reader.
 *
 * Bytes are received into `block` and lines are slices of it, so a byte is copied only when its
 * line does not fit into what is left of the block: then the unfinished tail moves to a new block,
 * or to the front of the same one when no item refers to it any more. A block whose lines nobody
 * has taken yet is set aside in `full` with its complete lines. A tail of half a block or more
 * moves to a block twice its length: as much is received between two moves as a move copies.
 *
 * References: one for each block that is here, and one for each that is in `lent`, from the call
 * that gives lines of it to the reader's next call. Lines of one call come from at most two blocks,
 * since that is what can be lent.
 *
 * wr_lines_take runs on the reader's task; room and came also run under the frame of a library's
 * callback, between two calls of the reader and while items are lent: bytes that were given are
 * never moved or overwritten while they are referenced.
 */
#define _GNU_SOURCE /* memrchr */
#include "source_lines.h"

#include <string.h>

#include <weir/source.h>

enum {
    BATCH = 32, /* lines a round: fits a small stack and the first-level cache */
    BLOCK_BYTES_MIN = 4096,
    ROOM_MIN = 2048,           /* with less left in a block a receive call is not worth it */
    SLACK = WR_LINES_WANT_MAX, /* room behind a line of the greatest length */
    LINE_BYTES_MAX = 1024 * 1024
};

void wr_lines_reader_init(struct wr_line_reader *reader, struct weir_loop *loop,
                          int64_t line_bytes_max, int32_t overlong, uint64_t offset)
{
    size_t limit = line_bytes_max == 0  ? (size_t)LINE_BYTES_MAX
                   : line_bytes_max < 0 ? SIZE_MAX
                                        : (size_t)line_bytes_max;
    enum wr_lines_policy policy = overlong == WEIR_LONG_CUT     ? WR_LINES_CUT
                                  : overlong == WEIR_LONG_FAILS ? WR_LINES_FAIL
                                                                : WR_LINES_SKIP;
    *reader = (struct wr_line_reader){.loop = loop, .given_end = offset};
    wr_lines_init(&reader->lines, limit, policy, offset);
}

static void let_go_of_bytes(struct wr_line_reader *reader)
{
    while (reader->full != NULL) {
        struct weir_block *block = reader->full;
        reader->full = block->next;
        wr_block_unref(block, 1);
    }
    wr_block_unref(reader->block, 1);
    reader->block = NULL;
    reader->start = 0;
    reader->pending = 0;
}

void wr_lines_reader_fini(struct wr_line_reader *reader)
{
    wr_lines_over_loan(reader);
    let_go_of_bytes(reader);
}

void wr_lines_over_loan(struct wr_line_reader *reader)
{
    wr_block_unref(reader->lent[0], 1);
    wr_block_unref(reader->lent[1], 1);
    reader->lent[0] = reader->lent[1] = NULL;
}

static bool can_lend(const struct wr_line_reader *reader, const struct weir_block *block)
{
    return reader->lent[1] == NULL || reader->lent[1] == block || reader->lent[0] == block;
}

static void lend(struct wr_line_reader *reader, struct weir_block *block)
{
    struct weir_block **lent = reader->lent;
    if (lent[0] != block && lent[1] != block) {
        wr_block_ref(block, 1);
        lent[lent[0] == NULL ? 0 : 1] = block;
    }
}

/* Tell about lines over the limit: the first in full once its end is known, then when the count
 * reaches 10, 100 ... */
static void log_overlong(struct wr_line_reader *reader, struct weir_gen *gen)
{
    const struct wr_lines *lines = &reader->lines;
    const char *done = lines->policy == WR_LINES_CUT ? "cut" : "skipped";
    uint64_t count = lines->overlong_count;
    if ((lines->dropping && !reader->end) || count == reader->overlong_logged) {
        return;
    }
    uint64_t next = 10;
    while (next <= reader->overlong_logged) {
        next *= 10;
    }
    if (reader->overlong_logged == 0 && count == 1) {
        uint64_t kept = lines->policy == WR_LINES_CUT ? lines->line_bytes_max : 0;
        wr_log(&reader->loop->log, WR_LOG_WARNING, gen->name,
               "the line at byte %llu has %llu bytes, more than the limit of %llu: %s",
               (unsigned long long)lines->overlong_start,
               (unsigned long long)(lines->overlong_bytes - lines->overlong_before) + kept -
                   (lines->dropping ? 0 : 1),
               (unsigned long long)lines->line_bytes_max, done);
    } else if (reader->overlong_logged == 0 || count >= next) {
        wr_log(&reader->loop->log, WR_LOG_WARNING, gen->name,
               "%llu lines so far were longer than the limit of %llu bytes: %s",
               (unsigned long long)count, (unsigned long long)lines->line_bytes_max, done);
    }
    reader->overlong_logged = count;
}

/* Lines that the splitter has skipped take numbers behind those of the lines just given, and are
 * told as rejected. A cut line was given, and needs no more than the log. */
static int count_overlong(struct wr_line_reader *reader, struct weir_gen *gen)
{
    struct wr_origin *origin = gen->origin;
    uint64_t skipped = reader->lines.overlong_count - reader->overlong_told;
    reader->overlong_told = reader->lines.overlong_count;
    reader->loop->stats.overlong += skipped;
    if (skipped > 0 && reader->lines.policy == WR_LINES_SKIP) {
        uint64_t end =
            reader->given_end | WR_END_LEFT_OUT | (reader->lines.dropping ? WR_END_INSIDE : 0);
        for (uint64_t i = 0; reader->keep_ends && i < skipped; i++) {
            if (wr_origin_push_end(origin, end) < 0) {
                return WEIR_ENOMEM;
            }
        }
        uint64_t first = origin->given + 1;
        origin->given += skipped;
        wr_origin_tell(origin, first, origin->given, WR_ACT_REJECT);
    }
    log_overlong(reader, gen);
    return 0;
}

static size_t overlong_fails(struct wr_line_reader *reader, struct weir_gen *gen, bool *over)
{
    *over = true;
    wr_gen_fail(gen, WEIR_ETOOLONG, 0, (int64_t)reader->lines.overlong_start,
                "line %llu (at byte %llu) is longer than the limit of %llu bytes",
                (unsigned long long)gen->origin->given + 1,
                (unsigned long long)reader->lines.overlong_start,
                (unsigned long long)reader->lines.line_bytes_max);
    return 0;
}

static int push_ends(struct wr_origin *origin, const struct wr_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool cut = (lines[i].flags & WEIR_ITEM_TRUNCATED) != 0;
        if (wr_origin_push_end(origin, lines[i].end | (cut ? WR_END_INSIDE : 0)) < 0) {
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

/* The oldest block has been used up. False: it is the one being filled. */
static bool next_block(struct wr_line_reader *reader)
{
    struct weir_block *block = reader->full;
    if (block == NULL) {
        return false;
    }
    reader->full = block->next;
    reader->start = 0;
    wr_block_unref(block, 1);
    return true;
}

/* One round: up to BATCH lines of the oldest block. -1: the splitter has failed, or there was no
 * memory. */
static long take_batch(struct wr_line_reader *reader, struct weir_block *block,
                       struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_line lines[BATCH];
    size_t used;
    bool eof = reader->end && block == reader->block;
    long n = wr_lines_split(&reader->lines, block->data + reader->start, block->len - reader->start,
                            eof, lines, max, &used);
    reader->start += used;
    reader->pending -= used;
    if (n <= 0) {
        return n;
    }
    lend(reader, block);
    struct wr_origin *origin = gen->origin;
    uint64_t seq = origin->given;
    for (size_t i = 0; i < (size_t)n; i++) {
        items[i] = (weir_item){.data = lines[i].data,
                               .len = lines[i].len,
                               .block = block,
                               .receipt = &origin->receipt,
                               .seq = ++seq,
                               .time_ns = block->time_ns,
                               .origin = origin->id,
                               .flags = lines[i].flags};
    }
    if (reader->keep_ends && push_ends(origin, lines, (size_t)n) < 0) {
        return -1;
    }
    origin->given = seq;
    return n;
}

size_t wr_lines_take(struct wr_line_reader *reader, struct weir_gen *gen, weir_item *items,
                     size_t max, bool *over)
{
    size_t count = 0;
    *over = false;
    wr_origin_lend(gen->origin, 0);
    while (count < max) {
        struct weir_block *block = reader->full != NULL ? reader->full : reader->block;
        if (block == NULL || reader->start == block->len) {
            if (next_block(reader)) {
                continue;
            }
            break;
        }
        size_t want = WR_MIN(max - count, (size_t)BATCH);
        if (!can_lend(reader, block)) {
            break;
        }
        long n = take_batch(reader, block, gen, items + count, want);
        if (n < 0 && reader->lines.policy == WR_LINES_FAIL && reader->lines.dropping) {
            return count > 0 ? count : overlong_fails(reader, gen, over);
        }
        reader->given_end = reader->lines.offset;
        if (n < 0 || (WR_UNLIKELY(reader->lines.overlong_count != reader->overlong_logged) &&
                      count_overlong(reader, gen) < 0)) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for the positions of lines");
            *over = true;
            return 0;
        }
        count += (size_t)n;
        if ((size_t)n < want && reader->full == NULL) {
            break;
        }
    }
    *over = count == 0 && reader->end && reader->pending == 0;
    if (*over) {
        log_overlong(reader, gen);
    }
    return count;
}

/* Of a block for short lines: a small budget holds some of them. */
static size_t usual_cap(const struct wr_line_reader *reader)
{
    int64_t part = WR_MIN(reader->loop->budget.limit / 4, (int64_t)WR_BLOCK_BYTES);
    return (size_t)WR_MAX(part, (int64_t)BLOCK_BYTES_MIN);
}

/* A size for a block that begins with `tail` bytes of an unfinished line and has room for `want`
 * more. */
static size_t cap_for(const struct wr_line_reader *reader, size_t tail, size_t want)
{
    size_t usual = usual_cap(reader);
    if (tail <= usual / 2) {
        return WR_MAX(usual, tail + want);
    }
    size_t limit = reader->lines.line_bytes_max;
    size_t most = limit < SIZE_MAX - SLACK ? limit + SLACK : SIZE_MAX;
    return WR_MAX(WR_MIN(tail * 2, most), tail + SLACK);
}

/* The block is full: move the unfinished line at its end to where it can go on. */
static int move_tail(struct wr_line_reader *reader, size_t want)
{
    struct weir_block *block = reader->block;
    bool oldest = reader->full == NULL;
    size_t begin = oldest ? reader->start : 0;
    size_t from = begin + (oldest ? reader->lines.scanned : 0);
    const char *lf = memrchr(block->data + from, '\n', block->len - from);
    size_t tail_at = lf != NULL ? (size_t)(lf - block->data) + 1 : begin;
    size_t tail = block->len - tail_at;
    size_t cap = cap_for(reader, tail, want);

    if (lf == NULL && block->refs == 1 && begin > 0 && cap <= block->cap) {
        memmove(block->data, block->data + begin, tail);
        block->len = (uint32_t)tail;
        reader->start = 0; /* no LF and a beginning that is not 0: it is the oldest */
        return 0;
    }
    int why = 0;
    struct weir_block *next = wr_block_new(&reader->loop->blocks, cap, &why);
    if (next == NULL) {
        return why;
    }
    memcpy(next->data, block->data + tail_at, tail);
    next->len = (uint32_t)tail;
    next->time_ns = block->time_ns;
    reader->block = next;
    if (lf == NULL) {
        wr_block_unref(block, 1);
        reader->start = oldest ? 0 : reader->start;
        return 0;
    }
    block->len = (uint32_t)tail_at;
    block->next = NULL;
    struct weir_block **end = &reader->full;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = block;
    return 0;
}

/* A block with `want` bytes of room, if it can be had. */
static int make_room(struct wr_line_reader *reader, size_t want)
{
    struct weir_block *block = reader->block;
    int rc = 0;
    if (block != NULL && reader->full == NULL && reader->start == block->len) {
        if (block->refs == 1) {
            block->len = 0;
            reader->start = 0;
        } else if (block->cap - block->len < want) {
            wr_block_unref(block, 1);
            reader->block = block = NULL;
        }
    }
    if (block == NULL) {
        reader->block = wr_block_new(&reader->loop->blocks, cap_for(reader, 0, want), &rc);
        reader->start = reader->full == NULL ? 0 : reader->start;
    } else if (block->cap - block->len < want) {
        rc = move_tail(reader, want);
    }
    return rc;
}

int wr_lines_room(struct wr_line_reader *reader, char **to, size_t *room)
{
    int rc = make_room(reader, ROOM_MIN);
    struct weir_block *block = reader->block;
    /* What is left of a full block is better than nothing. */
    if (block == NULL || block->cap == block->len) {
        return rc;
    }
    *to = block->data + block->len;
    *room = block->cap - block->len;
    return 0;
}

int wr_lines_room_for(struct wr_line_reader *reader, size_t want, char **to)
{
    WR_ASSERT(want <= SLACK, "a piece of %zu bytes is more than a block promises", want);
    int rc = make_room(reader, want);
    if (rc == 0) {
        *to = reader->block->data + reader->block->len;
    }
    return rc;
}

const char *wr_lines_stuck(const struct wr_line_reader *reader)
{
    const struct weir_block *block = reader->block;
    int64_t own = block != NULL ? (int64_t)block->cap : 0;
    for (const struct weir_block *full = reader->full; full != NULL; full = full->next) {
        own += (int64_t)full->cap;
    }
    if (reader->loop->budget.used > own) {
        return NULL;
    }
    bool lent = block != NULL && (reader->lent[0] == block || reader->lent[1] == block);
    return block != NULL && block->refs > 1u + lent
               ? "the loop's byte budget is too small: lines that were given are still held"
               : "a line is longer than the loop's byte budget allows";
}

int64_t wr_lines_held(const struct wr_line_reader *reader, uint32_t mark)
{
    int64_t held = wr_block_mark(reader->block, mark);
    for (struct weir_block *block = reader->full; block != NULL; block = block->next) {
        held += wr_block_mark(block, mark);
    }
    return held;
}

void wr_lines_came(struct wr_line_reader *reader, size_t bytes)
{
    struct weir_block *block = reader->block;
    if (bytes == 0) {
        if (block != NULL && reader->full == NULL && reader->start == block->len) {
            wr_block_unref(block, 1);
            reader->block = NULL;
            reader->start = 0;
        }
        return;
    }
    WR_ASSERT(block != NULL && bytes <= block->cap - block->len,
              "more bytes came than there was room for");
    block->len += (uint32_t)bytes;
    reader->loop->stats.bytes_in += bytes;
    block->time_ns = reader->loop->now_unix_ns;
    reader->pending += bytes;
    reader->bytes += bytes;
}

void wr_lines_end(struct wr_line_reader *reader)
{
    reader->end = true;
}

size_t wr_lines_pending(const struct wr_line_reader *reader)
{
    return reader->pending;
}

void wr_lines_restart(struct wr_line_reader *reader, uint64_t offset)
{
    struct wr_lines *lines = &reader->lines;
    let_go_of_bytes(reader);
    lines->dropping =
        lines->dropping && offset == reader->given_end && lines->policy != WR_LINES_FAIL;
    lines->offset = offset;
    lines->scanned = 0;
    reader->given_end = offset;
    reader->end = false;
}

void wr_lines_resume(struct wr_line_reader *reader, uint64_t end)
{
    uint64_t offset = end & ~WR_END_INSIDE;
    wr_lines_restart(reader, offset);
    reader->lines.dropping = end != offset; /* with the policy to fail: it fails here again */
    reader->lines.overlong_start = offset;
}
