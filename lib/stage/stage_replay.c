/*
 * stage_replay.c - weir_replayed: the items of a stage get positions by their number.
 *
 * It numbers what the stage gives, in an origin of its own. The number of an item is how many items
 * (or bytes, for pieces of bytes) have been given up to it, over all runs. So a restart, which reads
 * from the beginning again (flow_replay.h), knows how much of it to leave out. The stage's items
 * themselves settle when the next ones are pulled.
 *
 * It waits for its upstream, and for memory when the records of its items are long.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/stage.h>

#include "base_alloc.h"
#include "flow_replay.h"

/* The meaning of the numbers. They belong to the origin. */
struct numbers {
    struct wr_positions base;
    bool bytes; /* they count bytes, not items */
};

struct stage_replay {
    struct weir_gen gen;
    struct wr_replay replay;
    struct numbers *numbers; /* the origin's; NULL: no positions */
    uint64_t number;         /* of the last item */
    uint64_t left;           /* items or bytes to leave out */
    bool bytes;              /* `left` counts bytes */
    bool ended;              /* at the end of its input */
};

static const char *const units[] = {"items", "bytes"};

static size_t numbers_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    const struct numbers *numbers = WR_OWNER(positions, struct numbers, base);
    return (size_t)snprintf(to, cap, "%s %" PRIu64, units[numbers->bytes], number);
}

static void numbers_drop(struct wr_positions *positions)
{
    wr_free(WR_OWNER(positions, struct numbers, base));
}

static const struct wr_positions_ops numbers_ops = {.text = numbers_text, .drop = numbers_drop};

static bool read_position(struct stage_replay *stage, const char *text)
{
    char *end = NULL;
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(units[i]);
        const char *digits = text + len + 1;
        if (strncmp(text, units[i], len) == 0 && text[len] == ' ' && *digits >= '0' &&
            *digits <= '9') {
            stage->left = strtoull(digits, &end, 10);
            stage->bytes = i == 1;
        }
    }
    return text[0] == '\0' || (end != NULL && *end == '\0' && stage->left < WR_END_HALF);
}

/* The first pull of the upstream is done: is it what an earlier run has read? False: failed. */
static bool decide(struct stage_replay *stage)
{
    weir_error error;
    struct weir_gen *gen = &stage->gen;
    const char *stored = wr_replay_decide(&stage->replay);
    if (stored == NULL) {
        return true;
    }
    if (!read_position(stage, stored)) {
        (void)wr_state_bad_position(stage->replay.slot, &error);
        (void)wr_gen_fail_error(gen, &error);
        return false;
    }
    stage->numbers = wr_zalloc(sizeof *stage->numbers);
    if (stage->numbers == NULL) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        return false;
    }
    stage->numbers->base.ops = &numbers_ops;
    stage->numbers->bytes = stage->bytes;
    stage->number = stage->left;
    wr_origin_keep_positions(gen->origin, &stage->numbers->base, stage->left);
    return true;
}

static uint64_t size_of(const weir_item *item)
{
    return (item->flags & WEIR_ITEM_BYTES) != 0 ? item->len : 1;
}

/* Leave out what has settled in earlier runs. Returns how many items are left at `items`. */
static size_t leave_out(struct stage_replay *stage, weir_item *items, size_t n)
{
    size_t drop = 0;
    while (drop < n && stage->left >= size_of(&items[drop])) {
        stage->left -= size_of(&items[drop++]);
    }
    if (drop < n && stage->left > 0) { /* inside a piece of bytes */
        items[drop].data += stage->left;
        items[drop].len -= stage->left;
        stage->left = 0;
    }
    memmove(items, items + drop, (n - drop) * sizeof *items);
    return n - drop;
}

/* Number and stamp the items. False: failed. */
static bool give(struct stage_replay *stage, weir_item *items, size_t n)
{
    struct weir_gen *gen = &stage->gen;
    if (stage->numbers != NULL && wr_origin_reserve_ends(gen->origin, n) < 0) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        return false;
    }
    for (size_t i = 0; i < n && stage->numbers != NULL; i++) {
        stage->number += size_of(&items[i]);
        stage->numbers->bytes = (items[i].flags & WEIR_ITEM_BYTES) != 0;
        (void)wr_origin_push_end(gen->origin, stage->number);
    }
    wr_source_give(gen, items, n);
    return true;
}

static bool find_room(struct stage_replay *stage)
{
    struct weir_gen *gen = &stage->gen;
    int rc = 0;
    while (rc == 0 && wr_origin_is_full(gen->origin)) {
        rc = wr_budget_wait(gen->loop, &gen->object);
    }
    if (rc == WEIR_EBUDGET) {
        (void)wr_gen_fail_starved(gen, -1);
    } else if (rc < 0) {
        (void)wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
    return rc == 0;
}

static bool begin(struct stage_replay *stage)
{
    struct weir_gen *gen = &stage->gen;
    gen->origin = wr_gen_make_origin(gen);
    if (gen->origin == NULL) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to count items");
        return false;
    }
    return wr_replay_attach(&stage->replay, gen) == 0;
}

static size_t replay_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_replay *stage = WR_OWNER(gen, struct stage_replay, gen);
    if (gen->origin == NULL && !begin(stage)) {
        return 0;
    }
    wr_gen_loan_over(gen);
    while (find_room(stage)) {
        size_t n = wr_pull(gen->up, items, max);
        stage->ended = n == 0 && wr_gen_failure(gen->up) == NULL;
        if (!stage->replay.decided && !decide(stage)) {
            break;
        }
        size_t left = leave_out(stage, items, n);
        if (left > 0) {
            return give(stage, items, left) ? left : 0;
        }
        if (n == 0) {
            break;
        }
    }
    return 0;
}

static void replay_close(struct weir_gen *gen)
{
    struct stage_replay *stage = WR_OWNER(gen, struct stage_replay, gen);
    wr_replay_detach(&stage->replay, stage->ended && gen->failure == NULL);
}

static bool replay_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_replay *stage = WR_OWNER((uintptr_t)gen, struct stage_replay, gen);
    *count = wr_replay_given_before(&stage->replay);
    return stage->replay.slot != NULL;
}

static struct wr_state_slot *replay_begins_again(struct weir_gen *gen)
{
    return wr_replay_inner(&WR_OWNER(gen, struct stage_replay, gen)->replay, gen);
}

static const struct wr_gen_ops replay_ops = {.kind = "replayed",
                                             .next_many = replay_next_many,
                                             .close = replay_close,
                                             .given_before = replay_given_before,
                                             .begins_again = replay_begins_again};

weir_gen *weir_replayed(weir_gen *up)
{
    wr_gen_given(up, "weir_replayed");
    struct stage_replay *stage = wr_stage_alloc(up, sizeof *stage, &replay_ops, up->name);
    weir_gen *gen = wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
    if (stage != NULL) {
        wr_replay_made(&stage->replay, gen, gen->name);
    }
    return gen;
}
