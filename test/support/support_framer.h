/*
 * support_framer.h - a framer fed by hand: any cut of the input, each window in a heap block of its
 * own, so that a sanitizer sees a read outside, and what comes out as one text.
 *
 *     one|two~|        two items, the second cut at its limit
 *     last$|           without a line end
 *     <7 bad!>         failed with the code -7, of which `problem` says "bad!"
 *
 *     !tru|            not what the framer is for
 *     !{}(bad at 1)|   a text that is rejected as a whole: why, and where in what is shown
 *
 * An event is shown as [type id retry]data, a message of a WebSocket as [opcode]data. Pieces of one item are shown as one.
 */
#ifndef WR_SUPPORT_FRAMER_H
#define WR_SUPPORT_FRAMER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "base_fault.h"
#include "codec_framer.h"
#include "codec_json_values.h"
#include "support_check.h"

struct framing {
    int32_t kind, overlong;
    size_t limit, record;
    const char *items; /* JSON: the elements of the array there; NULL: values */
};

/* First one piece of `first` bytes, then pieces of `step` (0: of random length by `seed`). */
struct cut {
    size_t first, step, max; /* max: items per call */
    uint32_t seed;
};

struct framed {
    char *text;
    size_t text_len;
    size_t count;        /* items */
    uint64_t raw;        /* of all frames */
    uint64_t ends_hash;  /* of the offsets behind the items */
    struct wr_framer at; /* as it stood in the end; its memory is gone */
    FILE *out;
};

static inline uint32_t cut_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline void framed_end(struct framed *framed, uint64_t end)
{
    framed->count++;
    framed->ends_hash = (framed->ends_hash ^ end) * UINT64_C(0x100000001b3);
}

static inline void show_frame(struct framed *framed, const struct wr_framer *framer,
                              const struct wr_frame *frame)
{
    struct wr_fault fault;
    struct wr_json_items *items = framer->json != NULL ? framer->json->items : NULL;
    weir_slice text = {frame->data, frame->len};
    fprintf(framed->out, "%s", (frame->flags & WR_FRAME_BAD) != 0 ? "!" : "");
    fwrite(frame->data, 1, frame->len, framed->out);
    if (items != NULL && wr_json_items_fault(items, text, &fault)) {
        fprintf(framed->out, "(%s at %zu)", fault.problem, fault.at);
    }
    framed->raw += frame->raw_len;
    if ((frame->flags & (WEIR_ITEM_PART | WEIR_ITEM_BYTES)) != 0) {
        return;
    }
    fprintf(framed->out, "%s%s%s|", (frame->flags & WEIR_ITEM_CRLF) != 0 ? "\\r" : "",
            (frame->flags & WEIR_ITEM_NO_EOL) != 0 ? "$" : "",
            (frame->flags & WEIR_ITEM_TRUNCATED) != 0 ? "~" : "");
    framed_end(framed, frame->end);
}

static inline void show_event(struct framed *framed, const weir_item *item, uint64_t end)
{
    const weir_event *event = weir_event_of(item);
    weir_slice type, retry;
    MUST(event != NULL && event->kind == WEIR_EVENT_MESSAGE && event->key.len == 0);
    if (weir_event_field(event, "opcode", &type)) {
        fprintf(framed->out, "[%.*s]", (int)type.len, type.data);
    } else {
        MUST(weir_event_field(event, "event", &type));
        (void)weir_event_field(event, "retry", &retry);
        fprintf(framed->out, "[%.*s %.*s %.*s]", (int)type.len, type.data, (int)event->id.len,
                event->id.data, (int)retry.len, retry.data);
    }
    fwrite(event->body.data, 1, event->body.len, framed->out);
    fprintf(framed->out, "%s|", (item->flags & WEIR_ITEM_TRUNCATED) != 0 ? "~" : "");
    framed_end(framed, end);
    wr_block_unref(item->block, 1);
}

/* One call. */
static inline long feed_window(struct framed *framed, struct wr_framer *framer, const char *window,
                               size_t len, bool eof, size_t max, size_t *used)
{
    struct wr_frame frames[64] = {{0}};
    weir_item items[64];
    uint64_t ends[64] = {0};
    long n = framer->ops->split != NULL
                 ? framer->ops->split(framer, window, len, eof, frames, max, used)
                 : framer->ops->decode(framer, NULL, window, len, eof, items, ends, max, used);
    for (long i = 0; i < n; i++) {
        if (framer->ops->split != NULL) {
            show_frame(framed, framer, &frames[i]);
        } else {
            show_event(framed, &items[i], ends[i]);
        }
    }
    wr_json_values_forget(framer);
    return n;
}

static inline struct framed frame_input(const struct framing *how, const char *input, size_t len,
                                        struct cut cut)
{
    struct framed framed = {.ends_hash = 1};
    struct wr_framer framer;
    size_t begin = 0, end = 0, piece = cut.first;
    long n = 0;
    framed.out = open_memstream(&framed.text, &framed.text_len);
    wr_fault_pause(
        true); /* what comes out is compared; sources and stages are swept with framers */
    MUST(wr_framer_init(&framer, how->kind, how->limit, how->overlong, how->record, 0) == 0);
    if (how->items != NULL) {
        struct wr_json_items *items;
        MUST(wr_json_items_new(how->items, &items) == 0);
        wr_json_values_items(&framer, items);
    }
    do {
        end = piece > len - end ? len : end + piece;
        piece = cut.step != 0 ? cut.step : cut_random(&cut.seed) % 97;
        do {
            size_t used = 0;
            char *window = malloc(end - begin);
            memcpy(window, input + begin, end - begin);
            n = feed_window(&framed, &framer, window, end - begin, end == len, cut.max, &used);
            MUST(used <= end - begin);
            begin += used;
            MUST(framer.offset == begin);
            free(window);
        } while (n == (long)cut.max || (n > 0 && end == len));
    } while (n >= 0 && end < len);
    if (n < 0) {
        fprintf(framed.out, "<%ld%s%s>", -n, framer.problem != NULL ? " " : "",
                framer.problem != NULL ? framer.problem : "");
    } else if (framer.open) {
        fprintf(framed.out, "$|");
        framed_end(&framed, len);
    }
    fclose(framed.out);
    framed.at = framer;
    wr_framer_fini(&framer);
    wr_fault_pause(false);
    return framed;
}

static inline void same_framed(const struct framed *want, const struct framed *got)
{
    ck_assert_uint_eq(got->text_len, want->text_len);
    ck_assert_mem_eq(got->text, want->text, want->text_len);
    ck_assert_uint_eq(got->count, want->count);
    ck_assert_uint_eq(got->ends_hash, want->ends_hash);
    ck_assert_uint_eq(got->at.overlong_count, want->at.overlong_count);
    ck_assert_uint_eq(got->at.overlong_start, want->at.overlong_start);
    ck_assert_uint_eq(got->at.overlong_bytes, want->at.overlong_bytes);
}

/* At every chunking: whole, 1, 2, 3 and 7 bytes, random pieces, and every two-way split; one item
 * at a time and many. */
static inline struct framed frame_every_way(const struct framing *how, const char *input,
                                            size_t len)
{
    static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};
    static const size_t maxes[] = {1, 3, 64};
    struct framed want = frame_input(how, input, len, (struct cut){SIZE_MAX, SIZE_MAX, 64, 0});
    for (size_t m = 0; m < 3; m++) {
        for (size_t s = 0; s < 5 + 3; s++) {
            struct cut cut = {s < 5 ? steps[s] : 5, s < 5 ? steps[s] : 0, maxes[m], (uint32_t)s};
            struct framed got = frame_input(how, input, len, cut);
            same_framed(&want, &got);
            free(got.text);
        }
    }
    for (size_t i = 0; i <= len; i += 1 + len / 300) {
        struct framed got = frame_input(how, input, len, (struct cut){i, SIZE_MAX, 64, 0});
        same_framed(&want, &got);
        free(got.text);
    }
    return want;
}

/* The same, and what comes out is `expected`. */
static inline struct wr_framer frames_as(const struct framing *how, const char *input, size_t len,
                                         const char *expected)
{
    struct framed got = frame_every_way(how, input, len);
    ck_assert_str_eq(got.text, expected);
    free(got.text);
    return got.at;
}

#endif
