/*
 * loop_kept.c - the last bytes of a stream of records.
 *
 * The bytes lie in one piece, so that they can be sent by one write, and the search for the end of a
 * record is one memrchr. Forgetting moves the rest to the front: little is left when much is forgotten.
 * Nothing suspends.
 */
#include "loop_kept.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_block.h"

#include <weir/source.h>

enum { LEN32_BYTES = 4, FIRST_BYTES = 4096 };

size_t wr_kept_room(struct wr_kept *kept, struct wr_budget *budget, size_t want)
{
    size_t most = WR_MIN(kept->len + want, kept->max);
    if (most > kept->cap) {
        size_t cap = WR_MIN(WR_MAX(most, 2 * kept->cap + FIRST_BYTES), kept->max);
        char *bigger = wr_realloc(kept->bytes, cap);
        if (bigger != NULL) {
            kept->bytes = bigger;
            kept->cap = cap;
            wr_budget_follow(budget, &kept->charged, cap);
        }
    }
    return WR_MIN(want, kept->cap - kept->len);
}

void wr_kept_add(struct wr_kept *kept, const struct iovec *iov, size_t len)
{
    for (; len > 0; iov++) {
        size_t n = WR_MIN(len, iov->iov_len);
        memcpy(kept->bytes + kept->len, iov->iov_base, n);
        kept->len += n;
        len -= n;
    }
}

/* The length of the whole records among the first `len` bytes. */
static size_t whole_records(const struct wr_kept *kept, size_t len)
{
    size_t at = 0;
    if (kept->frame == WEIR_FRAME_NONE || len == 0) {
        return len;
    }
    if (kept->frame == WEIR_FRAME_LINES) {
        const char *end = memrchr(kept->bytes, '\n', len);
        return end != NULL ? (size_t)(end - kept->bytes) + 1 : 0;
    }
    while (len - at >= LEN32_BYTES) {
        const unsigned char *n = (const unsigned char *)kept->bytes + at;
        size_t size = (size_t)n[0] << 24 | (size_t)n[1] << 16 | (size_t)n[2] << 8 | n[3];
        if (size > len - at - LEN32_BYTES) {
            break;
        }
        at += LEN32_BYTES + size;
    }
    return at;
}

void wr_kept_forget(struct wr_kept *kept, size_t len)
{
    size_t done = whole_records(kept, len);
    if (done > 0) {
        kept->len -= done;
        memmove(kept->bytes, kept->bytes + done, kept->len);
    }
}

void wr_kept_fini(struct wr_kept *kept, struct wr_budget *budget)
{
    wr_budget_follow(budget, &kept->charged, 0);
    wr_free(kept->bytes);
    *kept = (struct wr_kept){0};
}
