/*
 * stage_text.c - new texts for the items of a call.
 *
 * It pulls as many items as its reader requested, measures all of them, and then writes the new
 * texts one after the other into a buffer, which is lent until the next call. It waits
 * only for its upstream.
 */
#include "stage_text.h"

#include "base_alloc.h"
#include "flow_dead.h"

enum { BUFFER_MIN = 4096 }; /* a larger buffer is freed at the next call */

struct stage_text {
    struct weir_gen gen;
    const struct wr_text_ops *ops;
    int how;
    weir_scratch scratch;
    char *buffer;
    size_t cap;
    size_t *lens; /* of the new texts of a call */
    size_t lens_cap;
};

static void drop_buffer(struct stage_text *stage)
{
    wr_free(stage->buffer);
    stage->buffer = NULL;
    stage->cap = 0;
    wr_gen_scratch(&stage->gen, stage->cap);
}

static bool no_memory(struct stage_text *stage)
{
    (void)wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for texts");
    return false;
}

/* Room for the lengths of `count` texts. */
static bool reserve_lens(struct stage_text *stage, size_t count)
{
    if (count > stage->lens_cap) {
        size_t *lens = wr_realloc(stage->lens, count * sizeof *lens);
        if (lens == NULL) {
            return no_memory(stage);
        }
        stage->lens = lens;
        stage->lens_cap = count;
    }
    return true;
}

static bool reserve(struct stage_text *stage, size_t bytes)
{
    bytes = WR_MAX(bytes, (size_t)BUFFER_MIN);
    if (bytes > stage->cap) {
        drop_buffer(stage);
        stage->buffer = wr_alloc(bytes);
        if (stage->buffer == NULL) {
            return no_memory(stage);
        }
        stage->cap = bytes;
        wr_gen_scratch(&stage->gen, stage->cap);
    }
    return true;
}

/* Measure n items and remove those that are rejected. Returns how many are left; *bytes: of their new
 * texts. Fewer, with a failure set: it comes after them. */
static size_t measure_texts(struct stage_text *stage, weir_item *items, size_t n, size_t *bytes)
{
    char reason[WR_TEXT_REASON];
    weir_slice text;
    size_t kept = 0;
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (!wr_gen_text(&stage->gen, &items[i], &text, &stage->scratch)) {
            break;
        }
        size_t len = stage->ops->measure(stage->how, text, reason);
        if (len == WR_TEXT_BAD) {
            if (wr_gen_reject(&stage->gen, &items[i], WEIR_EPARSE, reason) < 0) {
                break;
            }
            continue;
        }
        *bytes += len == WR_TEXT_SAME ? 0 : len;
        stage->lens[kept] = len;
        items[kept++] = items[i];
    }
    return kept;
}

/* False: failed. */
static bool write_texts(struct stage_text *stage, weir_item *items, size_t n)
{
    weir_slice text;
    char *to = stage->buffer;
    for (size_t i = 0; i < n; i++) {
        if (stage->lens[i] == WR_TEXT_SAME) {
            continue;
        }
        if (!wr_gen_text(&stage->gen, &items[i], &text, &stage->scratch)) {
            return false;
        }
        stage->ops->write(stage->how, text, to);
        items[i].data = to;
        items[i].len = stage->lens[i];
        items[i].type = NULL;
        items[i].block = NULL; /* who keeps it copies it */
        to += stage->lens[i];
    }
    return true;
}

static size_t text_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_text *stage = WR_OWNER(gen, struct stage_text, gen);
    size_t n, bytes;
    if (stage->cap > WR_SCRATCH_BYTES) {
        drop_buffer(stage);
    }
    if (!reserve_lens(stage, max)) {
        return 0;
    }
    while ((n = wr_pull(gen->up, items, max)) > 0) {
        n = measure_texts(stage, items, n, &bytes);
        if (n > 0) {
            return reserve(stage, bytes) && write_texts(stage, items, n) ? n : 0;
        }
        if (gen->failure != NULL) {
            break;
        }
    }
    return 0;
}

static void text_close(struct weir_gen *gen)
{
    struct stage_text *stage = WR_OWNER(gen, struct stage_text, gen);
    weir_scratch_free(&stage->scratch);
    wr_free(stage->lens);
    stage->lens = NULL;
    drop_buffer(stage);
}

static const struct wr_gen_ops text_ops = {
    .kind = "text", .next_many = text_next_many, .close = text_close};

struct weir_gen *wr_text_stage(struct weir_gen *up, const struct wr_text_ops *ops, int how)
{
    struct stage_text *stage = wr_stage_alloc(up, sizeof *stage, &text_ops, ops->kind);
    if (stage != NULL) {
        stage->ops = ops;
        stage->how = how;
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}
