/*
 * flow_place.c - the line and byte of a mistake, computed from what a block says about its bytes.
 *
 * An item that was cut from a stream of bytes and not copied since is a slice of a block, and the
 * block has its offset in the stream. A line is counted by its origin. Of other items the lines are
 * counted in the block, from the last place that was asked for: mistakes are reported in the order of
 * the stream, so all of a block's reports together read it once.
 */
#include "flow_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "bytes_block.h"
#include "bytes_origin.h"
#include "codec_text.h"

/* The offset in its block of the byte that is wrong. False: it is not in a stream of bytes. */
static bool find(const weir_item *item, const struct wr_fault *fault, size_t *at)
{
    const struct weir_block *block = item->block;
    if (block == NULL || block->offset == WR_BLOCK_NO_OFFSET) {
        return false;
    }
    const char *byte =
        fault->text.len > 0 ? fault->text.data + WR_MIN(fault->at, fault->text.len) : item->data;
    *at = (size_t)((uintptr_t)byte - (uintptr_t)block->data);
    return *at <= block->len;
}

static uint64_t count_lines(const char *from, const char *to)
{
    uint64_t count = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        count++;
        from++;
    }
    return count;
}

static uint64_t line_at(struct weir_block *block, size_t at)
{
    if (at < block->line_at) {
        return block->line - count_lines(block->data + at, block->data + block->line_at);
    }
    block->line += count_lines(block->data + block->line_at, block->data + at);
    block->line_at = (uint32_t)at;
    return block->line;
}

/* Write " of 'PATH'" for an origin that messages name: of a long path the end. "" for others. */
static void name_text(const struct wr_origin *origin, char *to, size_t cap)
{
    to[0] = '\0';
    if (origin == NULL || !origin->named) {
        return;
    }
    const char *name = origin->name, *open = strchr(name, '(');
    struct wr_text path = wr_text_of(name);
    if (open != NULL && name[path.len - 1] == ')') { /* file(PATH) */
        path = (struct wr_text){open + 1, path.len - (size_t)(open + 1 - name) - 1};
    }
    size_t room = cap - sizeof " of '...'";
    size_t cut = path.len > room ? path.len - room : 0;
    while (cut > 0 && cut < path.len && ((unsigned char)path.data[cut] & 0xc0) == 0x80) {
        cut++; /* not inside a character */
    }
    snprintf(to, cap, " of '%s%.*s'", cut > 0 ? "..." : "", (int)(path.len - cut), path.data + cut);
}

int64_t wr_place_text(const struct wr_items_bad *bad, char to[WR_PLACE_BYTES])
{
    char number[32], last[32], name[56];
    const weir_item *item = &bad->parts[0];
    struct weir_receipt *receipt = item->receipt;
    const struct wr_origin *origin =
        receipt != NULL && receipt->kind == WR_RECEIPT_ORIGIN ? wr_origin_of(receipt) : NULL;
    const char *unit = origin != NULL && origin->item != NULL ? origin->item : "item";
    bool late = origin != NULL && origin->late;
    uint64_t first = item->seq, end = bad->parts[bad->count - 1].seq;
    size_t at = 0;
    bool found = find(item, bad->fault, &at);
    name_text(origin, name, sizeof name);
    if (first != end) {
        snprintf(to, WR_PLACE_BYTES, "%ss %s to %s%s", unit, wr_grouped(first, number),
                 wr_grouped(end, last), name);
        return -1;
    }
    if (found && item->block->line > 0) {
        unit = "line";
        first = line_at(item->block, at);
        late = false;
    }
    int len = snprintf(to, WR_PLACE_BYTES, "%s %s%s%s", unit, wr_grouped(first, number),
                       late ? " of this run" : "", name);
    if (!found) {
        return -1;
    }
    uint64_t byte = item->block->offset + at;
    snprintf(to + len, WR_PLACE_BYTES - (size_t)len, " (byte %s)", wr_grouped(byte, number));
    return (int64_t)byte;
}
