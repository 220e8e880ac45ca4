/*
 * stage_bytes.c - one stream of bytes, decoded if it is compressed, and cut into items.
 *
 * The bytes of upstream's items are copied, or decoded, into an inbox, and the new items are slices
 * of it. They have their own origin in the ledger, because a piece of bytes and a line are counted
 * differently. The old item is delivered when the next one is pulled. With a state, the position of
 * a new item is its offset in all bytes since the beginning, decoded ones if the stage decodes. A
 * restart reads the input again (flow_replay.h) and leaves out as many bytes.
 *
 * It pulls one item of bytes at a time: how many the reader's items need is not known, and more
 * would be read ahead of demand. A decoder gives all that its input has before more is pulled, so a
 * live stream is not held up. It waits for its upstream and, when the budget is used up, for memory.
 * What the decoder holds is charged to the budget.
 */
#include "stage_bytes.h"

#include <inttypes.h>
#include <string.h>

#include <weir/stage.h>

#include "flow_inbox.h"
#include "flow_replay.h"

enum { STEP_MAX = 64 * 1024 };

struct stage_bytes {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_replay replay;
    uint64_t left; /* bytes of the output that earlier runs have settled: left out */
    bool opened;
    weir_slice bytes; /* of the item lent from upstream; `at` bytes of it are taken */
    size_t at;
    weir_scratch scratch;
    struct wr_decoder decoder; /* without a coding: bytes are copied */
    bool more;                 /* it has output without further input */
    bool told_garbage;
    size_t charged_bytes; /* to the budget, for the decoder */
};

static struct stage_bytes *stage_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct stage_bytes, gen);
}

/* The first bytes are here: are they what an earlier run has read? Then leave out those that have
 * settled. 0, or the code of a failure that was set. */
static int decide(struct stage_bytes *stage)
{
    weir_error error;
    struct wr_offset start = {.end = 0};
    struct weir_gen *gen = &stage->gen;
    const char *stored = wr_replay_decide(&stage->replay);
    if (stored == NULL) {
        return 0;
    }
    bool good = stored[0] == '\0' || wr_offset_read(&start, stored);
    if (!good || !wr_inbox_resume_at(&stage->inbox, &start)) {
        (void)wr_state_bad_position(stage->replay.slot, &error);
        return wr_gen_fail_error(gen, &error);
    }
    struct wr_offsets *offsets = wr_offsets_keep(gen->origin, &start);
    if (offsets == NULL) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_inbox_keep_ends(&stage->inbox, offsets);
    stage->left = start.end & ~WR_END_FLAGS;
    return 0;
}

static int decoder_fails(struct stage_bytes *stage, int code)
{
    char text[288];
    const struct wr_decoder *decoder = &stage->decoder;
    (void)wr_decoder_text(decoder, "input", text, sizeof text);
    return wr_gen_fail(&stage->gen, code, 0, (int64_t)decoder->in_bytes,
                       "%s (at byte %" PRIu64 ", after %" PRIu64 " decoded bytes)", text,
                       decoder->in_bytes, decoder->out_bytes);
}

/* The input has ended. 0, or the code of a failure that was set. */
static int finish(struct stage_bytes *stage)
{
    struct wr_decoder *decoder = &stage->decoder;
    int rc = decoder->coding != NULL ? wr_decoder_finish(decoder) : 0;
    if (rc < 0) {
        return decoder_fails(stage, rc);
    }
    if (decoder->coding != NULL && decoder->in_bytes == 0) {
        return wr_gen_fail(&stage->gen, WEIR_ETRUNCATED, 0, 0,
                           "the input is empty, which is not in the %s format",
                           decoder->coding->name);
    }
    wr_inbox_end(&stage->inbox);
    return 0;
}

/* Pull the next item of bytes, or set the end in the inbox. 0, or the code of a failure that was
 * set. */
static int pull_bytes(struct stage_bytes *stage)
{
    struct weir_gen *gen = &stage->gen;
    weir_item item;
    stage->at = stage->bytes.len = 0;
    size_t n = wr_pull(gen->up, &item, 1);
    int rc = stage->replay.decided ? 0 : decide(stage);
    if (rc < 0) {
        return rc;
    }
    if (n == 0) {
        return wr_gen_failure(gen->up) != NULL ? wr_gen_failure(gen->up)->code : finish(stage);
    }
    return wr_gen_text(gen, &item, &stage->bytes, &stage->scratch) ? 0 : gen->failure->code;
}

static int wait_for_room(struct stage_bytes *stage)
{
    struct weir_gen *gen = &stage->gen;
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(gen, (int64_t)stage->inbox.given_end);
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Copy some bytes of the item to [to, to+room). Returns how many. */
static size_t copy(struct stage_bytes *stage, char *to, size_t room)
{
    size_t skipped = (size_t)WR_MIN(stage->left, (uint64_t)(stage->bytes.len - stage->at));
    stage->at += skipped;
    stage->left -= skipped;
    size_t n = WR_MIN(room, stage->bytes.len - stage->at);
    if (n > 0) {
        memcpy(to, stage->bytes.data + stage->at, n);
        stage->at += n;
    }
    return n;
}

/* gzip(1) decodes what is before it, and warns. */
static void tell_garbage(struct stage_bytes *stage)
{
    stage->told_garbage = true;
    wr_log(&stage->gen.loop->log, WR_LOG_WARNING, stage->gen.name,
           "the compressed data ends at byte %" PRIu64 " of the input; the rest is ignored",
           stage->decoder.garbage_at);
}

/* Decode some of the item to [to, to+room); *made bytes came of it. 0, or the code of a failure that
 * was set. */
static int decode(struct stage_bytes *stage, char *to, size_t room, size_t *made)
{
    size_t used = 0;
    struct wr_decoder *decoder = &stage->decoder;
    int got = wr_decoder_step(decoder, stage->bytes.data + stage->at, stage->bytes.len - stage->at,
                              &used, to, WR_MIN(room, (size_t)STEP_MAX), made);
    stage->at += used;
    /* What came before an error is given first; the decoder reports the error again. */
    stage->more = got == WR_DECODE_MORE_OUTPUT || (got < 0 && *made > 0);
    wr_budget_follow(&stage->gen.loop->budget, &stage->charged_bytes, decoder->memory.used_bytes);
    size_t skipped = (size_t)WR_MIN(stage->left, (uint64_t)*made);
    if (skipped > 0) {
        stage->left -= skipped;
        *made -= skipped;
        memmove(to, to + skipped, *made);
    }
    if (decoder->met_garbage && !stage->told_garbage) {
        tell_garbage(stage);
    }
    return got < 0 && !stage->more ? decoder_fails(stage, got) : 0;
}

/* Put some bytes into the inbox. 0, or the code of a failure that was set. */
static int fill(struct stage_bytes *stage)
{
    struct wr_inbox *inbox = &stage->inbox;
    char *to;
    size_t room, made = 0;
    int rc = stage->at == stage->bytes.len && !stage->more ? pull_bytes(stage) : 0;
    if (rc < 0 || inbox->end) {
        return rc;
    }
    rc = wr_inbox_room(inbox, &to, &room);
    if (rc == WEIR_EBUDGET && wr_inbox_stuck(inbox) == NULL) {
        return wait_for_room(stage);
    }
    if (rc < 0) {
        return wr_gen_fail(&stage->gen, rc, 0, (int64_t)inbox->given_end, "%s",
                           rc == WEIR_EBUDGET ? wr_inbox_stuck(inbox) : "no memory for items");
    }
    if (stage->decoder.coding == NULL) {
        made = copy(stage, to, room);
    } else {
        rc = decode(stage, to, room, &made);
    }
    if (made > 0) {
        wr_inbox_came(inbox, made);
    }
    return rc;
}

static size_t bytes_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_bytes *stage = stage_of(gen);
    if (!stage->opened) {
        stage->opened = true;
        gen->origin = wr_gen_make_origin(gen);
        if (gen->origin == NULL) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to count items");
            return 0;
        }
        if (wr_replay_attach(&stage->replay, gen) < 0) {
            return 0;
        }
    }
    wr_inbox_over_loan(&stage->inbox, gen->origin);
    for (;;) {
        bool over;
        size_t n = wr_inbox_take(&stage->inbox, gen, items, max, &over);
        if (n > 0 || over || fill(stage) < 0) {
            return n;
        }
    }
}

static void bytes_close(struct weir_gen *gen)
{
    struct stage_bytes *stage = stage_of(gen);
    bool whole = stage->inbox.end && wr_inbox_pending(&stage->inbox) == 0;
    wr_replay_detach(&stage->replay, whole && gen->failure == NULL);
    wr_inbox_fini(&stage->inbox);
    weir_scratch_free(&stage->scratch);
    wr_decoder_fini(&stage->decoder);
    wr_budget_follow(&gen->loop->budget, &stage->charged_bytes, 0);
}

static int64_t bytes_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct stage_bytes *stage = stage_of(gen);
    return wr_inbox_held(&stage->inbox, mark) + (int64_t)stage->charged_bytes;
}

static bool bytes_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_bytes *stage = stage_of(gen);
    *count = wr_replay_given_before(&stage->replay);
    return stage->replay.slot != NULL;
}

static struct wr_state_slot *bytes_begins_again(struct weir_gen *gen)
{
    return wr_replay_inner(&stage_of(gen)->replay, gen);
}

static bool bytes_frame(struct weir_gen *gen, const weir_framing *framing)
{
    return wr_inbox_frame(&stage_of(gen)->inbox, gen, framing);
}

static struct wr_json *bytes_json(const struct weir_gen *gen)
{
    return wr_inbox_json(&stage_of(gen)->inbox);
}

static const struct wr_gen_ops bytes_ops = {.kind = "bytes",
                                            .next_many = bytes_next_many,
                                            .close = bytes_close,
                                            .frame = bytes_frame,
                                            .json = bytes_json,
                                            .held = bytes_held,
                                            .given_before = bytes_given_before,
                                            .begins_again = bytes_begins_again};

/* 0, or the code of a failure that was set. */
static int begin(struct stage_bytes *stage, const weir_framing *framing,
                 const struct wr_coding *coding, const struct wr_decode_limits *limits)
{
    if (wr_inbox_init(&stage->inbox, &stage->gen, framing, 0) < 0) {
        return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    if (coding == NULL) {
        return 0;
    }
    struct wr_decode_limits mine = limits != NULL ? *limits : (struct wr_decode_limits){0};
    mine.memory_bytes_max = (size_t)stage->gen.loop->budget.limit / 2; /* the rest is for items */
    int rc = wr_decoder_init(&stage->decoder, coding, &mine);
    if (rc < 0) {
        return decoder_fails(stage, rc);
    }
    stage->decoder.ignores_garbage = true;
    wr_budget_follow(&stage->gen.loop->budget, &stage->charged_bytes,
                     stage->decoder.memory.used_bytes);
    return 0;
}

weir_gen *wr_bytes_stage(weir_gen *bytes, const char *name, const weir_framing *framing,
                         const struct wr_coding *coding, const struct wr_decode_limits *limits,
                         const weir_error *wrong)
{
    struct stage_bytes *stage = wr_stage_alloc(bytes, sizeof *stage, &bytes_ops, name);
    if (stage != NULL && wrong != NULL) {
        wr_gen_fail_error(&stage->gen, wrong);
    }
    if (stage != NULL) {
        (void)begin(stage, framing, coding, limits);
    }
    weir_gen *gen = wr_gen_made(stage != NULL ? &stage->gen : NULL, bytes);
    if (stage != NULL) {
        wr_replay_made(&stage->replay, gen, gen->name);
    }
    return gen;
}

bool wr_bytes_stage_items(weir_gen *gen, struct wr_json_items *items)
{
    struct stage_bytes *stage = WR_OWNER(gen, struct stage_bytes, gen);
    if (gen->ops != &bytes_ops || stage->inbox.framer.json == NULL) {
        wr_json_items_free(items); /* it could not be made */
        return false;
    }
    wr_json_values_items(&stage->inbox.framer, items);
    return true;
}
