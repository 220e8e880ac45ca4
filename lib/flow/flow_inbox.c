/*
 * flow_inbox.c - the items that a framer cuts from received bytes, and their loans. The blocks in
 * which the bytes are received are made in flow_inbox_room.c.
 *
 * The framer's frames are written to the loop's scratch, and items are made of them at once: cutting
 * and making do not suspend, so no other inbox of the loop needs the scratch meanwhile.
 *
 * References: one for each block that is here. One more for each block in `lent`, from the call
 * that gives its items to the reader's next call. Items of one call come from at most two blocks,
 * since no more can be lent. Values have blocks of their own, lent in `values`.
 *
 * wr_inbox_take runs on the reader's task. room and came may also run in a library's callback,
 * between two calls of the reader and while items are lent: given bytes are never moved or
 * overwritten while they are referenced.
 */
#include "flow_inbox.h"

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "codec_csv.h"
#include "codec_json_values.h"
#include "codec_records.h"

enum {
    BATCH = WR_LOOP_FRAMES, /* items per round: as many as a pump asks for */
    ITEM_BYTES_MAX = 1024 * 1024,
    ITEM_BYTES_LEAST = 1024,
    BUDGET_PARTS = 8
};

bool wr_framing_ok(const weir_framing *framing, const char *origin, weir_error *error)
{
    if (wr_choice_wrong(error, origin, "kind", framing->kind, WEIR_FRAME_CBOR) ||
        wr_choice_wrong(error, origin, "overlong", framing->overlong, WEIR_LONG_PARTS) ||
        wr_limit_wrong(error, origin, "item_bytes_max", framing->item_bytes_max)) {
        return false;
    }
    int64_t limit = framing->item_bytes_max > 0    ? framing->item_bytes_max
                    : framing->item_bytes_max == 0 ? ITEM_BYTES_MAX
                                                   : UINT32_MAX - WR_INBOX_WANT_MAX;
    bool fixed = framing->kind == WEIR_FRAME_FIXED;
    if (framing->delim < 0 || framing->delim > 127 ||
        (framing->delim != 0 && strchr("\"\r\n", framing->delim) != NULL)) {
        wr_error_set(error, WEIR_EINVAL, 0, origin,
                     "delim is %d, it must be an ASCII character, not a quote, CR or LF",
                     framing->delim);
        return false;
    }
    if (fixed && (framing->record_bytes < 1 || framing->record_bytes > limit)) {
        wr_error_set(error, WEIR_EINVAL, 0, origin,
                     "record_bytes is %lld, it must be from 1 to %lld (item_bytes_max)",
                     (long long)framing->record_bytes, (long long)limit);
        return false;
    }
    return true;
}

/* The default limit: an item is in the budget several times while it is received and read. */
static size_t usual_limit(struct wr_inbox *inbox)
{
    int64_t part = WR_MAX(inbox->loop->budget.limit / BUDGET_PARTS, (int64_t)ITEM_BYTES_LEAST);
    inbox->limited = part < ITEM_BYTES_MAX;
    return (size_t)WR_MIN(part, (int64_t)ITEM_BYTES_MAX);
}

/* Behind the number of the limit, in messages. */
static const char *limit_why(const struct wr_inbox *inbox)
{
    return inbox->limited ? ", an eighth of the byte budget (--mem)" : "";
}

int wr_inbox_init(struct wr_inbox *inbox, struct weir_gen *gen, const weir_framing *framing,
                  uint64_t offset)
{
    *inbox = (struct wr_inbox){.loop = gen->loop, .gen = gen, .given_end = offset};
    size_t limit = framing->item_bytes_max == 0  ? usual_limit(inbox)
                   : framing->item_bytes_max < 0 ? SIZE_MAX
                                                 : (size_t)framing->item_bytes_max;
    if (framing->overlong == WEIR_LONG_PARTS) {
        limit = WR_MIN(limit, wr_inbox_usual_cap(inbox) / 2); /* longer items are given in pieces */
    }
    int rc = wr_framer_init(&inbox->framer, framing->kind, limit, framing->overlong,
                            (size_t)framing->record_bytes, offset);
    if (rc == 0 && inbox->framer.csv != NULL) {
        wr_csv_set(&inbox->framer, framing->delim != 0 ? (char)framing->delim : ',',
                   framing->header != 0);
    }
    if (rc == 0 && inbox->framer.json != NULL) {
        inbox->framer.json->json.bytes_max = wr_gen_scratch_max(gen);
    }
    return rc;
}

bool wr_inbox_frame(struct wr_inbox *inbox, struct weir_gen *gen, const weir_framing *framing)
{
    if (inbox->framer.ops != &wr_raw_framer) {
        return false;
    }
    wr_inbox_fini(inbox);
    if (wr_inbox_init(inbox, gen, framing, 0) < 0) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    return true;
}

static void let_go_of_bytes(struct wr_inbox *inbox)
{
    while (inbox->full != NULL) {
        struct weir_block *block = inbox->full;
        inbox->full = block->next;
        wr_block_unref(block, 1);
    }
    wr_block_unref(inbox->block, 1);
    inbox->block = NULL;
    inbox->start = 0;
    inbox->pending = inbox->looked = 0;
}

static void let_go_of_lent(struct wr_inbox *inbox)
{
    wr_block_unref(inbox->lent[0], 1);
    wr_block_unref(inbox->lent[1], 1);
    inbox->lent[0] = inbox->lent[1] = NULL;
    while (WR_UNLIKELY(inbox->values != NULL)) {
        struct weir_block *block = inbox->values;
        inbox->values = block->next;
        wr_block_unref(block, 1);
    }
}

void wr_inbox_fini(struct wr_inbox *inbox)
{
    let_go_of_lent(inbox);
    let_go_of_bytes(inbox);
    wr_framer_fini(&inbox->framer);
}

void wr_inbox_over_loan(struct wr_inbox *inbox, struct wr_origin *origin)
{
    let_go_of_lent(inbox);
    wr_json_values_forget(&inbox->framer);
    wr_origin_lend(origin, 0);
    if (WR_UNLIKELY(inbox->open)) {
        origin->loan = origin->given; /* its next piece follows: the item stays lent */
    }
}

static bool can_lend(const struct wr_inbox *inbox, const struct weir_block *block)
{
    return inbox->lent[1] == NULL || inbox->lent[1] == block || inbox->lent[0] == block;
}

static void lend(struct wr_inbox *inbox, struct weir_block *block)
{
    struct weir_block **lent = inbox->lent;
    if (lent[0] != block && lent[1] != block) {
        wr_block_ref(block, 1);
        lent[lent[0] == NULL ? 0 : 1] = block;
    }
}

/* Log items over the limit: the first one with its length, once its end is known, then when the
 * count reaches 10, 100 ... */
static void log_overlong(struct wr_inbox *inbox, struct weir_gen *gen)
{
    const struct wr_framer *framer = &inbox->framer;
    const char *item = framer->ops->item;
    const char *done = framer->overlong == WEIR_LONG_CUT ? "cut" : "skipped";
    uint64_t count = framer->overlong_count;
    if ((framer->dropping && !inbox->end) || count == inbox->overlong_logged) {
        return;
    }
    if (inbox->quiet) {
        inbox->overlong_logged = count;
        return;
    }
    uint64_t next = 10;
    while (next <= inbox->overlong_logged) {
        next *= 10;
    }
    if (inbox->overlong_logged == 0 && count == 1) {
        uint64_t kept = framer->overlong == WEIR_LONG_CUT ? framer->item_bytes_max : 0;
        wr_log(&inbox->loop->log, WR_LOG_WARNING, gen->name,
               "the %s at byte %llu has %llu bytes, more than the limit of %llu%s: %s", item,
               (unsigned long long)framer->overlong_start,
               (unsigned long long)(framer->overlong_bytes - framer->overlong_before) + kept -
                   framer->overlong_extra,
               (unsigned long long)framer->item_bytes_max, limit_why(inbox), done);
    } else if (inbox->overlong_logged == 0 || count >= next) {
        wr_log(&inbox->loop->log, WR_LOG_WARNING, gen->name,
               "%llu %ss so far were longer than the limit of %llu bytes%s: %s",
               (unsigned long long)count, item, (unsigned long long)framer->item_bytes_max,
               limit_why(inbox), done);
    }
    inbox->overlong_logged = count;
}

/* Items that the framer has skipped get the numbers after the items just given, and settle as
 * rejected. If a restart would read such an item again, it counts only once the framer has passed
 * it. A cut item was given, and is only logged. */
static int count_overlong(struct wr_inbox *inbox, struct weir_gen *gen)
{
    const struct wr_framer *framer = &inbox->framer;
    struct wr_origin *origin = inbox->origin;
    bool inside = framer->dropping && framer->ops->restarts_inside;
    uint64_t over = framer->overlong_count - (framer->dropping && !inside);
    uint64_t skipped = over - inbox->overlong_counted;
    inbox->overlong_counted = over;
    inbox->loop->stats.overlong += skipped;
    if (skipped > 0 && framer->overlong != WEIR_LONG_CUT) {
        uint64_t end = inbox->given_end | WR_END_LEFT_OUT | (inside ? WR_END_INSIDE : 0);
        for (uint64_t i = 0; inbox->keep_ends && i < skipped; i++) {
            if (wr_origin_push_end(origin, end) < 0) {
                return WEIR_ENOMEM;
            }
        }
        uint64_t first = origin->given + 1;
        origin->given += skipped;
        gen->rejected += skipped;
        wr_origin_tell_all(origin, first, origin->given, WR_ACT_REJECT);
    }
    log_overlong(inbox, gen);
    return 0;
}

static WEIR_PRINTF(4, 5) void fail(struct wr_inbox *inbox, int code, uint64_t at,
                                   const char *format, ...)
{
    weir_error error;
    va_list args;
    va_start(args, format);
    wr_error_vset(&error, code, 0, inbox->gen->name, format, args);
    va_end(args);
    error.offset = (int64_t)at;
    error.seq = inbox->gen->origin != NULL ? inbox->gen->origin->given : 0;
    if (inbox->failure != NULL && code != WEIR_ENOMEM) {
        *inbox->failure = error;
    } else {
        wr_gen_fail_error(inbox->gen, &error);
    }
}

/* The framer has failed. */
static size_t framer_fails(struct wr_inbox *inbox, int code)
{
    const struct wr_framer *framer = &inbox->framer;
    unsigned long long number = (unsigned long long)inbox->origin->given + 1;
    if (code == WEIR_ETOOLONG && framer->problem == NULL) {
        fail(inbox, code, framer->overlong_start,
             "%s %llu (at byte %llu) is longer than the limit of %llu bytes%s", framer->ops->item,
             number, (unsigned long long)framer->overlong_start,
             (unsigned long long)framer->item_bytes_max, limit_why(inbox));
    } else if (code == WEIR_ENOMEM) {
        fail(inbox, code, framer->offset, "no memory for an item");
    } else {
        uint64_t at = framer->dropping ? framer->overlong_start : framer->offset;
        fail(inbox, code, at, "%s %llu (at byte %llu): %s", framer->ops->item, number,
             (unsigned long long)at, framer->problem);
    }
    return 0;
}

/* Record the end offset of the next item. For a further piece of an item: move the item's end. */
static int push_end(struct wr_inbox *inbox, struct wr_origin *origin, uint64_t end)
{
    if (inbox->open) {
        wr_origin_amend_end(origin, end);
        return 0;
    }
    return wr_origin_push_end(origin, end);
}

static int push_ends(struct wr_inbox *inbox, struct wr_origin *origin,
                     const struct wr_frame *frames, size_t count)
{
    bool inside = inbox->framer.ops->restarts_inside;
    for (size_t i = 0; i < count; i++) {
        bool cut = inside && (frames[i].flags & WEIR_ITEM_TRUNCATED) != 0;
        uint64_t end = frames[i].end | (cut ? WR_END_INSIDE : 0);
        if (WR_UNLIKELY(inbox->half)) { /* it is the last item */
            end = (frames[i].end - frames[i].raw_len) | WR_END_HALF;
        }
        if (i == 0 ? push_end(inbox, origin, end) < 0 : wr_origin_push_end(origin, end) < 0) {
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

/* The oldest block is used up: release it. False: it is the one being filled. */
static bool next_block(struct wr_inbox *inbox)
{
    struct weir_block *block = inbox->full;
    if (block == NULL) {
        return false;
    }
    inbox->full = block->next;
    inbox->start = 0;
    wr_block_unref(block, 1);
    return true;
}

/* Before bytes are taken: reserve room in the origin's records, or their items would be lost. */
static int reserve(const struct wr_inbox *inbox, size_t max)
{
    return inbox->keep_ends ? wr_origin_reserve_ends(inbox->origin, max) : 0;
}

enum { NOTE_BYTES = 256 };

/* The framer's note has changed, and it is the one for items from the offset `end` on. 0 or
 * WEIR_ENOMEM. */
static int keep_note(struct wr_inbox *inbox, uint64_t end)
{
    char fixed[NOTE_BYTES], *text = fixed;
    const struct wr_framer *framer = &inbox->framer;
    size_t len = framer->ops->note(framer, fixed, sizeof fixed);
    if (len >= sizeof fixed) {
        text = wr_alloc(len + 1);
        if (text == NULL) {
            return WEIR_ENOMEM;
        }
        (void)framer->ops->note(framer, text, len + 1);
    }
    int rc = wr_offsets_note(inbox->offsets, end, (struct wr_text){text, len});
    if (rc == 0) {
        inbox->notes = framer->notes;
    }
    if (text != fixed) {
        wr_free(text);
    }
    return rc;
}

static inline bool has_new_note(const struct wr_inbox *inbox)
{
    return WR_UNLIKELY(inbox->framer.notes != inbox->notes) && inbox->offsets != NULL;
}

/* The framer's items have a type, but those whose bytes it could not read. */
static void set_types(weir_item *items, size_t count, const weir_type *type)
{
    for (size_t i = 0; i < count; i++) {
        bool bad = (items[i].flags & WR_FRAME_BAD) != 0;
        items[i].flags &= ~WR_FRAME_BAD;
        items[i].type = bad ? NULL : type;
    }
}

/* Leave out the frames that are not to be given. The pieces of an item go together. Returns how many are
 * left. */
static long keep_frames(struct wr_inbox *inbox, struct wr_frame *frames, long count)
{
    bool inside = inbox->open;
    long kept = 0;
    for (long i = 0; i < count; i++) {
        bool piece = inside || (frames[i].flags & WEIR_ITEM_PART) != 0;
        inside = (frames[i].flags & WEIR_ITEM_PART) != 0;
        if (piece || inbox->keeps(inbox->gen, frames[i].data, frames[i].len)) {
            frames[kept++] = frames[i];
        }
    }
    inbox->left_out = kept < count;
    return kept;
}

/* The same for values and their ends. */
static long keep_values(struct wr_inbox *inbox, weir_item *items, uint64_t *ends, long count)
{
    long kept = 0;
    for (long i = 0; i < count; i++) {
        weir_slice text = {items[i].data, items[i].len};
        (void)!weir_item_text(&items[i], &text, NULL);
        if (inbox->keeps(inbox->gen, text.data, text.len)) {
            ends[kept] = ends[i];
            items[kept++] = items[i];
        } else {
            wr_block_unref(items[i].block, 1);
        }
    }
    inbox->left_out = kept < count;
    return kept;
}

/* One round: up to BATCH items of the oldest block. Negative: the framer has failed, or there was
 * no memory. */
static long take_batch(struct wr_inbox *inbox, struct weir_block *block, weir_item *items,
                       size_t max)
{
    struct wr_framer *framer = &inbox->framer;
    struct wr_frame *frames = inbox->loop->frames;
    size_t used;
    bool eof = inbox->end && block == inbox->block;
    if (reserve(inbox, max) < 0) {
        return WEIR_ENOMEM;
    }
    if (inbox->start == 0) {
        block->offset = framer->offset;
        block->line = framer->ops->counts_lines && !inbox->origin->late ? framer->lines + 1 : 0;
        block->line_at = 0;
    }
    const char *data = block->data + inbox->start;
    uint64_t base = framer->offset;
    long n = framer->ops->split(framer, data, block->len - inbox->start, eof, frames, max, &used);
    if (WR_UNLIKELY(inbox->repeats != NULL)) {
        wr_inbox_gave(inbox, data, used, base, frames, n > 0 ? (size_t)n : 0);
    }
    inbox->start += used;
    inbox->pending -= used;
    if (WR_UNLIKELY(inbox->keeps != NULL) && n > 0) {
        n = keep_frames(inbox, frames, n);
    }
    if (n <= 0) {
        return n;
    }
    lend(inbox, block);
    struct wr_origin *origin = inbox->origin;
    uint64_t seq = origin->given - inbox->open;
    for (size_t i = 0; i < (size_t)n; i++) {
        items[i] = (weir_item){.data = frames[i].data,
                               .len = frames[i].len,
                               .block = block,
                               .receipt = &origin->receipt,
                               .seq = ++seq,
                               .time_ns = block->time_ns,
                               .origin = origin->id,
                               .flags = frames[i].flags};
    }
    if (WR_UNLIKELY(framer->ops->type != NULL)) {
        set_types(items, (size_t)n, framer->ops->type);
    }
    wr_block_check(&items[0]); /* a header that is given again is the framer's memory */
    if ((has_new_note(inbox) && keep_note(inbox, frames[0].end) < 0) ||
        (inbox->keep_ends && push_ends(inbox, origin, frames, (size_t)n) < 0)) {
        return WEIR_ENOMEM;
    }
    origin->given = seq;
    inbox->open = framer->open;
    return n;
}

/* The same for values, each in a block of its own. */
static long take_values(struct wr_inbox *inbox, struct weir_block *block, weir_item *items,
                        size_t max)
{
    struct wr_framer *framer = &inbox->framer;
    uint64_t ends[BATCH];
    size_t used;
    bool eof = inbox->end && block == inbox->block;
    if (reserve(inbox, max) < 0) {
        return WEIR_ENOMEM;
    }
    long n = framer->ops->decode(framer, &inbox->loop->blocks, block->data + inbox->start,
                                 block->len - inbox->start, eof, items, ends, max, &used);
    inbox->start += used;
    inbox->pending -= used;
    if (WR_UNLIKELY(inbox->keeps != NULL) && n > 0) {
        n = keep_values(inbox, items, ends, n);
    }
    struct wr_origin *origin = inbox->origin;
    int rc = n > 0 && has_new_note(inbox) ? keep_note(inbox, ends[0]) : 0;
    for (long i = 0; i < n; i++) {
        items[i].block->next = inbox->values;
        inbox->values = items[i].block;
        items[i].receipt = &origin->receipt;
        items[i].seq = origin->given + (uint64_t)i + 1;
        items[i].time_ns = block->time_ns;
        items[i].origin = origin->id;
        if (inbox->keep_ends && rc == 0) {
            rc = wr_origin_push_end(origin, ends[i]);
        }
    }
    if (rc < 0) {
        return rc;
    }
    origin->given += n > 0 ? (uint64_t)n : 0;
    return n;
}

/* The input has ended. An item that was given in pieces gets an empty last piece, since only its
 * line end is missing. An incomplete record is a failure. */
static size_t take_last(struct wr_inbox *inbox, struct weir_gen *gen, weir_item *items, bool *over)
{
    struct wr_framer *framer = &inbox->framer;
    struct wr_frame frame;
    size_t used;
    long n =
        framer->ops->split != NULL ? framer->ops->split(framer, "", 0, true, &frame, 1, &used) : 0;
    *over = n < 0 || !inbox->open;
    if (n < 0) {
        return framer_fails(inbox, (int)n);
    }
    log_overlong(inbox, gen);
    if (*over) {
        return 0;
    }
    struct wr_origin *origin = inbox->origin;
    items[0] = (weir_item){.data = "",
                           .receipt = &origin->receipt,
                           .seq = origin->given,
                           .time_ns = inbox->loop->now_unix_ns,
                           .origin = origin->id,
                           .flags = WEIR_ITEM_NO_EOL};
    inbox->open = false;
    return 1;
}

/* The framer has failed, or storing its items has. Items taken before the failure are given first:
 * the failure will occur again at the next call. */
static size_t take_fails(struct wr_inbox *inbox, int code, size_t count, bool *over)
{
    if (code == WEIR_EBUDGET) {
        inbox->starved = count == 0;
        return count;
    }
    if (count > 0) {
        return count;
    }
    *over = true;
    return framer_fails(inbox, code);
}

size_t wr_inbox_take(struct wr_inbox *inbox, struct weir_gen *gen, weir_item *items, size_t max,
                     bool *over)
{
    struct wr_framer *framer = &inbox->framer;
    size_t count = 0;
    *over = false;
    if (inbox->origin == NULL) {
        inbox->origin = gen->origin;
    }
    inbox->origin->item = framer->ops->item;
    inbox->origin->late = inbox->late;
    if (WR_UNLIKELY(inbox->open && !framer->open)) {
        return take_last(inbox, gen, items, over); /* restarted elsewhere, at another item */
    }
    if (WR_UNLIKELY(inbox->repeats != NULL) && wr_inbox_holds(inbox)) {
        return 0;
    }
    while (count < max) {
        struct weir_block *block = inbox->full != NULL ? inbox->full : inbox->block;
        if (block == NULL || inbox->start == block->len) {
            if (next_block(inbox)) {
                continue;
            }
            break;
        }
        size_t want = WR_MIN(max - count, (size_t)BATCH);
        if (!can_lend(inbox, block)) {
            break;
        }
        inbox->left_out = false;
        long n = WR_LIKELY(framer->ops->split != NULL)
                     ? take_batch(inbox, block, items + count, want)
                     : take_values(inbox, block, items + count, want);
        if (n < 0) {
            return take_fails(inbox, (int)n, count, over);
        }
        inbox->given_end = wr_framer_restart_at(framer);
        if (WR_UNLIKELY(framer->overlong_count != inbox->overlong_logged) &&
            count_overlong(inbox, gen) < 0) {
            return take_fails(inbox, WEIR_ENOMEM, 0, over);
        }
        count += (size_t)n;
        if ((size_t)n < want && inbox->full == NULL && !inbox->left_out) {
            break;
        }
    }
    if (count == 0 && inbox->end && inbox->pending == 0) {
        return take_last(inbox, gen, items, over);
    }
    return count;
}

struct wr_json *wr_inbox_json(const struct wr_inbox *inbox)
{
    return wr_json_values_of(&inbox->framer);
}

void wr_inbox_end(struct wr_inbox *inbox)
{
    inbox->end = true;
}

/* same: the item that is unfinished at given_end continues. */
static void go_on_at(struct wr_inbox *inbox, uint64_t offset, bool same)
{
    let_go_of_bytes(inbox);
    wr_framer_restart(&inbox->framer, offset, same);
    inbox->given_end = offset;
    inbox->end = inbox->starved = false;
}

void wr_inbox_restart(struct wr_inbox *inbox, uint64_t offset)
{
    go_on_at(inbox, offset, offset == inbox->given_end);
}

size_t wr_inbox_half(const struct wr_inbox *inbox)
{
    const struct wr_framer *framer = &inbox->framer;
    return framer->ops->gives_half && !inbox->open && !framer->dropping ? inbox->pending : 0;
}

static void go_on_inside(struct wr_inbox *inbox, uint64_t end)
{
    struct wr_framer *framer = &inbox->framer;
    uint64_t offset = end & ~WR_END_FLAGS;
    go_on_at(inbox, offset, false);
    framer->dropping = (end & WR_END_INSIDE) != 0;
    framer->overlong_start = offset;
    if (framer->dropping && framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG; /* as in the other inbox */
    }
}

void wr_inbox_resume(struct wr_inbox *inbox, uint64_t end)
{
    go_on_inside(inbox, end);
    if (inbox->framer.ops->resume != NULL) {
        (void)inbox->framer.ops->resume(&inbox->framer, NULL, 0);
    }
}

bool wr_inbox_resume_at(struct wr_inbox *inbox, const struct wr_offset *at)
{
    const struct wr_framer *framer = &inbox->framer;
    const char *note = (at->end & ~WR_END_FLAGS) == 0 ? NULL
                       : at->note.len > 0             ? at->note.data
                                                      : "";
    go_on_inside(inbox, at->end);
    inbox->late = inbox->given_end > 0;
    return framer->ops->resume != NULL ? framer->ops->resume(&inbox->framer, note, at->note.len)
                                       : at->note.len == 0;
}
