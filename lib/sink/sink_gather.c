/*
 * sink_gather.c - items to bytes.
 *
 * A put walks the texts of its items (for a batch, of its parts) and keeps one run: the part of a
 * block that holds the last items with their line ends. A run ends with the put, or when the next
 * item does not follow it in memory. Then a big run is written directly from the block, after what
 * is buffered before it. A small run is copied into the buffer. The put writes a full buffer; the
 * flush before the poll writes the rest.
 *
 * The out function may suspend within a put. `busy` then keeps the flush away, because the buffer
 * does not hold all bytes that are being written. The items live until the put returns, so the run
 * needs no reference. Without memory for the buffer everything is written directly: this is slower
 * but does not fail.
 */
#include "sink_gather.h"

#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "bytes_line.h"

static struct iovec piece(const void *bytes, size_t len)
{
    /* struct iovec is used for reading, too, so its pointer has no const. */
    struct iovec iov = {.iov_len = len};
    memcpy(&iov.iov_base, &bytes, sizeof bytes);
    return iov;
}

void wr_gather_wrote(struct wr_gather *gather, size_t bytes)
{
    gather->start += bytes;
    if (gather->start == gather->len) {
        wr_gather_fini(gather);
    }
}

/* The buffer is charged to the budget also where there is no room: a full budget is emptied by
 * writing. */
static char *buffer_new(struct wr_gather *gather)
{
    char *buffer = wr_alloc(WR_GATHER_BYTES);
    if (buffer != NULL) {
        wr_budget_take(&gather->sink->loop->budget, WR_GATHER_BYTES);
    }
    return buffer;
}

static void buffer_free(struct wr_gather *gather, char *buffer)
{
    if (buffer != NULL) {
        wr_budget_release(&gather->sink->loop->budget, WR_GATHER_BYTES);
        wr_free(buffer);
    }
}

struct iovec wr_gather_buffered(const struct wr_gather *gather)
{
    size_t len = wr_gather_len(gather);
    return len > 0 ? piece(gather->buffer + gather->start, len) : piece(NULL, 0);
}

void wr_gather_fini(struct wr_gather *gather)
{
    buffer_free(gather, gather->buffer);
    gather->buffer = NULL;
    gather->start = gather->len = 0;
}

/* Write the buffer, then the parts. */
static int write_out(struct wr_gather *gather, const struct iovec *parts, int count)
{
    struct iovec iov[1 + WR_GATHER_IOV];
    int all = 0;
    /* Taken out of the gather: the out function may suspend. */
    char *buffer = gather->buffer;
    if (wr_gather_len(gather) > 0) {
        iov[all++] = wr_gather_buffered(gather);
    }
    gather->buffer = NULL;
    gather->start = gather->len = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) {
            iov[all++] = parts[i];
        }
    }
    int rc = all > 0 ? gather->out(gather->sink, iov, all) : 0;
    if (rc == 0 && gather->buffer == NULL) {
        gather->buffer = buffer; /* more bytes are likely to follow */
    } else {
        buffer_free(gather, buffer);
    }
    return rc;
}

/* Make room for `len` bytes in the buffer. 1: there is room, 0: no memory for the buffer, negative:
 * a write failed. */
static int make_room(struct wr_gather *gather, size_t len)
{
    if (gather->buffer != NULL && len > WR_GATHER_BYTES - gather->len) {
        if (len <= WR_GATHER_BYTES - wr_gather_len(gather)) {
            memmove(gather->buffer, gather->buffer + gather->start, wr_gather_len(gather));
            gather->len -= gather->start;
            gather->start = 0;
            return 1;
        }
        int rc = write_out(gather, NULL, 0);
        if (rc < 0) {
            return rc;
        }
    }
    if (gather->buffer == NULL) {
        gather->buffer = buffer_new(gather);
    }
    return gather->buffer != NULL;
}

/* Write or buffer up to WR_GATHER_IOV parts, which stay together. */
static int emit(struct wr_gather *gather, const struct iovec *parts, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        len += parts[i].iov_len;
    }
    int rc = len >= WR_GATHER_BIG ? 0 : make_room(gather, len);
    if (rc <= 0) {
        return rc < 0 ? rc : write_out(gather, parts, count);
    }
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) {
            memcpy(gather->buffer + gather->len, parts[i].iov_base, parts[i].iov_len);
            gather->len += parts[i].iov_len;
        }
    }
    return 0;
}

static int end_run(struct wr_gather *gather)
{
    if (gather->run_len == 0) {
        return 0;
    }
    struct iovec run = piece(gather->run, gather->run_len);
    gather->run_len = 0;
    return emit(gather, &run, 1);
}

/* Are the `len` bytes at `at` within the filled part of the block, and equal to `bytes`? */
static bool in_block(const struct weir_block *block, const char *at, const char *bytes, size_t len)
{
    if (block == NULL) {
        return false;
    }
    uintptr_t begin = (uintptr_t)block->data, end = begin + block->len, here = (uintptr_t)at;
    return here >= begin && here <= end && end - here >= len && memcmp(at, bytes, len) == 0;
}

static int put_line(struct wr_gather *gather, const weir_item *item)
{
    struct wr_line_ends ends = wr_line_ends(item->flags, &gather->owes_lf);
    int rc = 0;
    if (WR_UNLIKELY(ends.before)) {
        struct iovec lf = piece("\n", 1);
        rc = end_run(gather);
        rc = rc < 0 ? rc : emit(gather, &lf, 1);
    }
    if (rc == 0 && in_block(item->block, item->data + item->len, ends.end, ends.len)) {
        if (gather->run_len == 0 || gather->run + gather->run_len != item->data) {
            rc = end_run(gather);
            gather->run = item->data;
            gather->run_len = 0;
        }
        gather->run_len += item->len + ends.len;
        return rc;
    }
    rc = rc < 0 ? rc : end_run(gather);
    struct iovec parts[] = {piece(item->data, item->len), piece(ends.end, ends.len)};
    return rc < 0 ? rc : emit(gather, parts, 2);
}

/* For an item of bytes only. */
static int put_bytes(struct wr_gather *gather, const weir_item *item)
{
    if (gather->frame == WEIR_FRAME_LINES) {
        return put_line(gather, item);
    }
    unsigned char length[4] = {(unsigned char)(item->len >> 24), (unsigned char)(item->len >> 16),
                               (unsigned char)(item->len >> 8), (unsigned char)item->len};
    bool framed = gather->frame == WEIR_FRAME_LEN32;
    if (framed && (item->flags & WEIR_ITEM_PART) != 0) {
        return wr_sink_set_error(
            gather->sink, WEIR_EINVAL, 0,
            "an item in several pieces cannot be written with a length prefix");
    }
    if (framed && item->len > UINT32_MAX) {
        return wr_sink_set_error(gather->sink, WEIR_ETOOLONG, 0,
                                 "an item of %zu bytes is too long for a 32-bit length", item->len);
    }
    int rc = gather->judge != NULL ? gather->judge(gather, item) : 0;
    if (rc != 0) {
        return WR_MIN(rc, 0);
    }
    struct iovec parts[] = {piece(length, framed ? sizeof length : 0),
                            piece(item->data, item->len)};
    return emit(gather, parts, 2);
}

static int put_items(struct wr_gather *gather, const weir_item *items, size_t count);

/* For an item that is not bytes: a batch by its parts, any other by its text. */
static __attribute__((noinline)) int put_typed(struct wr_gather *gather, const weir_item *item)
{
    if (wr_item_is_batch(item)) {
        const weir_item *parts;
        size_t count = weir_item_parts(item, &parts);
        return put_items(gather, parts, count);
    }
    weir_slice text;
    int rc = weir_item_text(item, &text, &gather->scratch);
    if (rc < 0) {
        weir_error error;
        wr_item_text_error(&error, rc, gather->sink->name, item);
        return wr_sink_set_error(gather->sink, rc, 0, "%s", error.message);
    }
    weir_item bytes = *item;
    bytes.data = text.data;
    bytes.len = text.len;
    bytes.type = NULL;
    return put_bytes(gather, &bytes);
}

static int put_items(struct wr_gather *gather, const weir_item *items, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        gather->part = &items[i];
        rc = WR_LIKELY(items[i].type == NULL) ? put_bytes(gather, &items[i])
                                              : put_typed(gather, &items[i]);
    }
    return rc;
}

/* One by one. */
static int put_each(struct wr_gather *gather, const weir_item *items, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        gather->whole = &items[i];
        rc = put_items(gather, &items[i], 1);
        rc = rc < 0 || gather->mark == NULL ? rc : gather->mark(gather->sink, &items[i]);
    }
    return rc;
}

int wr_gather_put(struct wr_gather *gather, const weir_item *items, size_t count)
{
    gather->busy = true;
    bool each = gather->mark != NULL || gather->judge != NULL;
    int rc = WR_UNLIKELY(each) ? put_each(gather, items, count) : put_items(gather, items, count);
    if (rc == 0) {
        rc = end_run(gather);
    }
    gather->run_len = 0;
    weir_scratch_free(&gather->scratch);
    gather->busy = false;
    return rc;
}
