/*
 * stage_framed.c - weir_framed and weir_lines: cut the bytes of another generator into items.
 *
 * Directly after a source of bytes there is no stage: the source itself cuts the bytes, so that its
 * positions are those of the items. Elsewhere the bytes are copied once into an inbox, and the new
 * items are slices of it. The new items have their own origin in the ledger, because a piece of
 * bytes and a line are counted differently. The old item is delivered when the next one is pulled.
 * With a state, the position of a new item is its offset in all bytes since the beginning, which a
 * restart reads again (flow_replay.h).
 *
 * It pulls one item of bytes at a time: how many the reader's items need is not known, and more
 * would be read ahead of demand. It waits for its upstream and, when the budget is used up, for
 * memory.
 */
#include <string.h>

#include <weir/stage.h>

#include "base_option.h"
#include "flow_inbox.h"
#include "flow_replay.h"

struct stage_framed {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_replay replay;
    uint64_t left; /* bytes of its input that earlier runs have settled: not read again */
    bool opened;
    weir_slice bytes; /* of the item lent from upstream; `at` bytes of it are taken */
    size_t at;
    weir_scratch scratch;
};

/* The first bytes are here: are they what an earlier run has read? Then leave out those that have
 * settled. 0, or the code of a failure that was set. */
static int decide(struct stage_framed *framed)
{
    weir_error error;
    struct wr_offset start = {.end = 0};
    struct weir_gen *gen = &framed->gen;
    const char *stored = wr_replay_decide(&framed->replay);
    if (stored == NULL) {
        return 0;
    }
    bool good = stored[0] == '\0' || wr_offset_read(&start, stored);
    if (!good || !wr_inbox_resume_at(&framed->inbox, &start)) {
        (void)wr_state_bad_position(framed->replay.slot, &error);
        return wr_gen_fail_error(gen, &error);
    }
    struct wr_offsets *offsets = wr_offsets_keep(gen->origin, &start);
    if (offsets == NULL) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_inbox_keep_ends(&framed->inbox, offsets);
    framed->left = start.end & ~WR_END_FLAGS;
    return 0;
}

/* Pull the next item of bytes, or set the end in the inbox. 0, or the code of a failure that was
 * set. */
static int pull_bytes(struct stage_framed *framed)
{
    struct weir_gen *gen = &framed->gen;
    weir_item item;
    framed->at = framed->bytes.len = 0;
    size_t n = wr_pull(gen->up, &item, 1);
    int rc = framed->replay.decided ? 0 : decide(framed);
    if (rc < 0) {
        return rc;
    }
    if (n == 0) {
        if (wr_gen_failure(gen->up) != NULL) {
            return wr_gen_failure(gen->up)->code;
        }
        wr_inbox_end(&framed->inbox);
        return 0;
    }
    if (!wr_gen_text(gen, &item, &framed->bytes, &framed->scratch)) {
        return gen->failure->code;
    }
    framed->at = (size_t)WR_MIN(framed->left, (uint64_t)framed->bytes.len);
    framed->left -= framed->at;
    return 0;
}

static int wait_for_room(struct stage_framed *framed)
{
    struct weir_gen *gen = &framed->gen;
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(gen, (int64_t)framed->inbox.given_end);
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Copy some bytes of upstream's item into the inbox. 0, or the code of a failure that was set. */
static int fill(struct stage_framed *framed)
{
    struct wr_inbox *inbox = &framed->inbox;
    char *to;
    size_t room;
    int rc = framed->at == framed->bytes.len ? pull_bytes(framed) : 0;
    if (rc < 0 || inbox->end) {
        return rc;
    }
    rc = wr_inbox_room(inbox, &to, &room);
    if (rc == WEIR_EBUDGET && wr_inbox_stuck(inbox) == NULL) {
        return wait_for_room(framed);
    }
    if (rc < 0) {
        return wr_gen_fail(&framed->gen, rc, 0, (int64_t)inbox->given_end, "%s",
                           rc == WEIR_EBUDGET ? wr_inbox_stuck(inbox) : "no memory for items");
    }
    size_t n = WR_MIN(room, framed->bytes.len - framed->at);
    if (n > 0) {
        memcpy(to, framed->bytes.data + framed->at, n);
        framed->at += n;
        wr_inbox_came(inbox, n);
    }
    return 0;
}

static size_t framed_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_framed *framed = WR_OWNER(gen, struct stage_framed, gen);
    if (!framed->opened) {
        framed->opened = true;
        gen->origin = wr_gen_make_origin(gen);
        if (gen->origin == NULL) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to count items");
            return 0;
        }
        if (wr_replay_attach(&framed->replay, gen) < 0) {
            return 0;
        }
    }
    wr_inbox_over_loan(&framed->inbox, gen->origin);
    for (;;) {
        bool over;
        size_t n = wr_inbox_take(&framed->inbox, gen, items, max, &over);
        if (n > 0 || over || fill(framed) < 0) {
            return n;
        }
    }
}

static void framed_close(struct weir_gen *gen)
{
    struct stage_framed *framed = WR_OWNER(gen, struct stage_framed, gen);
    bool whole = framed->inbox.end && wr_inbox_pending(&framed->inbox) == 0;
    wr_replay_detach(&framed->replay, whole && gen->failure == NULL);
    wr_inbox_fini(&framed->inbox);
    weir_scratch_free(&framed->scratch);
}

static int64_t framed_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_inbox_held(&WR_OWNER((uintptr_t)gen, struct stage_framed, gen)->inbox, mark);
}

static bool framed_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_framed *framed = WR_OWNER((uintptr_t)gen, struct stage_framed, gen);
    *count = wr_replay_given_before(&framed->replay);
    return framed->replay.slot != NULL;
}

static struct wr_state_slot *framed_begins_again(struct weir_gen *gen)
{
    return wr_replay_inner(&WR_OWNER(gen, struct stage_framed, gen)->replay, gen);
}

static const struct wr_gen_ops framed_ops = {.kind = "framed",
                                             .next_many = framed_next_many,
                                             .close = framed_close,
                                             .held = framed_held,
                                             .given_before = framed_given_before,
                                             .begins_again = framed_begins_again};

static weir_gen *make(weir_gen *bytes, const weir_framing *framing, const char *verb)
{
    static const char *const names[] = {
        [WEIR_FRAME_LINES] = "lines", [WEIR_FRAME_NONE] = "raw",    [WEIR_FRAME_LEN32] = "len32",
        [WEIR_FRAME_NUL] = "nul",     [WEIR_FRAME_FIXED] = "fixed", [WEIR_FRAME_VARINT] = "varint",
        [WEIR_FRAME_SSE] = "sse"};
    weir_framing f = WEIR_ZERO;
    weir_error error;
    if (framing != NULL) {
        WR_TAKE_OPTIONS(f, framing);
    }
    wr_gen_given(bytes, verb);
    bool good = wr_framing_ok(&f, "framed", &error);
    if (good && wr_gen_frame(bytes, &f)) {
        return bytes;
    }
    struct stage_framed *framed =
        wr_stage_alloc(bytes, sizeof *framed, &framed_ops, good ? names[f.kind] : "framed");
    if (framed != NULL && !good) {
        f = (weir_framing)WEIR_ZERO;
        wr_gen_fail_error(&framed->gen, &error);
    }
    if (framed != NULL && wr_inbox_init(&framed->inbox, &framed->gen, &f, 0) < 0) {
        wr_gen_fail(&framed->gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    weir_gen *gen = wr_gen_made(framed != NULL ? &framed->gen : NULL, bytes);
    if (framed != NULL) {
        wr_replay_made(&framed->replay, gen, gen->name);
    }
    return gen;
}

weir_gen *weir_framed(weir_gen *bytes, const weir_framing *framing)
{
    return make(bytes, framing, "weir_framed");
}

weir_gen *weir_lines(weir_gen *bytes)
{
    return make(bytes, NULL, "weir_lines");
}
