/*
 * fuzz_framer.c - every framer. Invariants: any two cuts of the input into windows give the same
 * items and counters; of the framers that cut slices, these and what was dropped add up to the
 * input; nothing outside a window is read.
 *
 * The first four bytes pick the framer, the limit, the policy and the cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/item.h>

#include "codec_framer.h"
#include "codec_json_values.h"

/* Two more: the elements of the array .a in each JSON text, and entries of a journal. */
enum { ITEMS = WEIR_FRAME_CBOR + 1, ENTRIES, FRAMERS, POLICIES = WEIR_LONG_PARTS + 1, MAX = 16 };

struct how {
    int32_t kind, overlong;
    size_t limit, record;
};

struct seen {
    uint64_t count, hash, raw;
    uint64_t overlong_count, overlong_bytes, overlong_start;
    long failed;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void mix(struct seen *seen, uint64_t value)
{
    seen->hash = (seen->hash ^ value) * UINT64_C(0x100000001b3);
}

static void mix_bytes(struct seen *seen, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        mix(seen, (unsigned char)data[i]);
    }
}

/* Where pieces are cut may differ, what they are together may not. */
static void see_frame(struct seen *seen, const struct how *how, const struct wr_frame *frame)
{
    mix_bytes(seen, frame->data, frame->len);
    seen->raw += frame->raw_len;
    if ((frame->flags & (WEIR_ITEM_PART | WEIR_ITEM_BYTES)) != 0) {
        return;
    }
    bool text = how->kind == ITEMS && (frame->flags & WR_FRAME_BAD) != 0 && frame->len <= 4096;
    require(how->overlong == WEIR_LONG_PARTS || frame->len <= how->limit || text);
    mix(seen, frame->flags);
    mix(seen, frame->end);
    seen->count++;
}

static void see_event(struct seen *seen, const struct how *how, const weir_item *item, uint64_t end)
{
    const weir_event *event = weir_event_of(item);
    require(event != NULL && event->body.len <= how->limit);
    mix_bytes(seen, event->body.data, event->body.len);
    mix_bytes(seen, event->id.data, event->id.len);
    for (uint32_t i = 0; i < event->fields_count; i++) {
        mix_bytes(seen, event->values[i].data, event->values[i].len);
    }
    mix(seen, end);
    seen->count++;
    wr_block_unref(item->block, 1);
}

static long feed(struct seen *seen, const struct how *how, struct wr_framer *framer,
                 const char *window, size_t len, bool eof, size_t max, size_t *used)
{
    struct wr_frame frames[MAX];
    weir_item items[MAX];
    uint64_t ends[MAX];
    if (framer->ops->split == NULL) {
        long n = framer->ops->decode(framer, NULL, window, len, eof, items, ends, max, used);
        for (long i = 0; i < n; i++) {
            see_event(seen, how, &items[i], ends[i]);
        }
        return n;
    }
    require(framer->ops->whole(framer, window, len, true) <= len);
    long n = framer->ops->split(framer, window, len, eof, frames, max, used);
    for (long i = 0; i < n; i++) {
        struct wr_fault fault;
        weir_slice text = {frames[i].data, frames[i].len};
        if (how->kind == ITEMS && wr_json_items_fault(framer->json->items, text, &fault)) {
            require((frames[i].flags & WR_FRAME_BAD) != 0 && fault.at <= text.len);
            mix_bytes(seen, fault.problem, strlen(fault.problem));
            mix(seen, fault.at);
        }
        require(frames[i].data >= window && frames[i].data + frames[i].len <= window + len);
        see_frame(seen, how, &frames[i]);
    }
    wr_json_values_forget(framer);
    return n;
}

/* step 0: the whole at once. */
static struct seen cut(const struct how *how, const uint8_t *data, size_t len, size_t step,
                       size_t max)
{
    struct seen seen = {0};
    struct wr_framer framer;
    size_t begin = 0;
    size_t end = 0;
    int32_t kind = how->kind == ITEMS     ? WEIR_FRAME_JSON
                   : how->kind == ENTRIES ? WR_FRAME_JOURNAL
                                          : how->kind;
    require(wr_framer_init(&framer, kind, how->limit, how->overlong, how->record, 0) == 0);
    if (how->kind == ITEMS) {
        struct wr_json_items *items;
        require(wr_json_items_new(".a", &items) == 0);
        wr_json_values_items(&framer, items);
    }
    do {
        end = step == 0 || step > len - end ? len : end + step;
        long got;
        do {
            size_t used;
            char *window = malloc(end > begin ? end - begin : 1);
            require(window != NULL);
            memcpy(window, data + begin, end - begin);
            got = feed(&seen, how, &framer, window, end - begin, end == len, max, &used);
            require(used <= end - begin);
            begin += used;
            free(window);
        } while (got > 0);
        seen.failed = got;
    } while (end < len && seen.failed == 0);
    require(seen.failed != 0 || begin == len);
    seen.overlong_count = framer.overlong_count;
    seen.overlong_bytes = seen.failed != 0 ? 0 : framer.overlong_bytes;
    seen.overlong_start = framer.overlong_start;
    /* White space between JSON values, and lines between entries, belong to none of them. */
    require(seen.failed != 0 || how->kind == WEIR_FRAME_SSE || how->kind == WEIR_FRAME_JSON ||
            how->kind == ITEMS || how->kind == ENTRIES || seen.raw + seen.overlong_bytes == len);
    wr_framer_fini(&framer);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 4) {
        return 0;
    }
    struct how how = {.kind = data[0] % FRAMERS,
                      .overlong = data[2] % POLICIES,
                      .limit = data[1] < 200 ? data[1] + 1u : SIZE_MAX,
                      .record = data[1] % 7 + 1u};
    if (how.record > how.limit) {
        return 0;
    }
    size_t step = data[3] % 80 + 1u;
    struct seen whole = cut(&how, data + 4, len - 4, 0, MAX);
    struct seen parts = cut(&how, data + 4, len - 4, step, 1 + data[2] % MAX);
    require(whole.count == parts.count && whole.hash == parts.hash && whole.raw == parts.raw);
    require(whole.overlong_count == parts.overlong_count &&
            whole.overlong_bytes == parts.overlong_bytes);
    require(whole.overlong_start == parts.overlong_start && whole.failed == parts.failed);
    return 0;
}
