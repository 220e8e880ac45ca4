/*
 * The bookkeeping of receipts: the cases that a reader would think of first, and then a model: a
 * plain array with one count for each item, against which a million random operations are
 * compared.
 */
#include "bytes_origin.h"

#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "support_check.h"
#include "support_positions.h"
#include "support_receipts.h"

static struct wr_origin origin;

static void fresh(void)
{
    wr_origin_fini(&origin);
    wr_origin_init(&origin, 1, "test");
}

static uint64_t count_of(enum wr_outcome word)
{
    uint64_t counts[WR_OUTCOMES];
    wr_origin_counts(&origin, counts);
    return counts[word];
}

static uint64_t done(void)
{
    wr_origin_sync(&origin);
    return origin.done;
}

TEST(receipt_of_an_item_that_is_asked_past_is_delivered)
{
    fresh();

    wr_origin_lend(&origin, 3);
    ck_assert_uint_eq(done(), 0);
    wr_origin_lend(&origin, 1);

    ck_assert_uint_eq(done(), 3);
    ck_assert_uint_eq(count_of(WR_DELIVERED), 3);
    wr_origin_fini(&origin);
}

TEST(receipt_of_a_held_item_keeps_the_position_before_it)
{
    fresh();
    wr_origin_lend(&origin, 5);
    ck_assert_int_eq(wr_test_ref(&origin, 3, 3), 0);
    wr_origin_lend(&origin, 0);
    ck_assert_uint_eq(done(), 2);

    wr_test_unref(&origin, 3, 3, WR_ACT_COMMIT);

    ck_assert_uint_eq(done(), 5);
    ck_assert_uint_le(origin.entries_count, 1);
    wr_origin_fini(&origin);
}

TEST(receipt_commit_while_lent_settles_only_after_the_loan)
{
    fresh();
    wr_origin_lend(&origin, 1);
    ck_assert_int_eq(wr_test_ref(&origin, 1, 1), 0);

    wr_test_unref(&origin, 1, 1, WR_ACT_COMMIT);

    ck_assert_uint_eq(done(), 0);
    ck_assert_uint_eq(origin.committed, 1);
    wr_origin_lend(&origin, 0);
    ck_assert_uint_eq(done(), 1);
    wr_origin_fini(&origin);
}

TEST(receipt_told_filtered_is_counted_as_filtered)
{
    fresh();
    wr_origin_lend(&origin, 10);
    wr_origin_tell_all(&origin, 2, 4, WR_ACT_FILTER);
    wr_origin_tell_all(&origin, 5, 5, WR_ACT_REJECT);

    wr_origin_lend(&origin, 0);

    ck_assert_uint_eq(done(), 10);
    ck_assert_uint_eq(count_of(WR_FILTERED), 3);
    ck_assert_uint_eq(count_of(WR_REJECTED), 1);
    ck_assert_uint_eq(count_of(WR_DELIVERED), 6);
    wr_origin_fini(&origin);
}

TEST(receipt_sealed_makes_the_end_of_a_loan_neutral)
{
    fresh();
    wr_origin_lend(&origin, 4);
    ck_assert_int_eq(wr_test_ref(&origin, 2, 3), 0);

    wr_origin_seal(&origin);
    wr_origin_lend(&origin, 0);
    wr_test_unref(&origin, 2, 2, WR_ACT_COMMIT);
    wr_test_unref(&origin, 3, 3, WR_ACT_RELEASE);

    ck_assert_uint_eq(done(), 0);
    ck_assert_uint_eq(count_of(WR_DELIVERED), 1);
    wr_origin_fini(&origin);
}

TEST(receipt_of_many_items_takes_a_byte_an_item)
{
    fresh();
    int rc = 0;
    for (uint64_t i = 1; i <= 1000000 && rc == 0; i++) {
        wr_origin_lend(&origin, 1);
        rc = wr_test_ref(&origin, i, i);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_le(origin.entries_count, 1000000 / 64 + 1);

    wr_test_unref(&origin, 1, 999999, WR_ACT_COMMIT);

    ck_assert_uint_eq(done(), 999999);
    ck_assert_uint_le(origin.entries_count, 1);
    wr_test_unref(&origin, 1000000, 1000000, WR_ACT_COMMIT);
    wr_origin_fini(&origin);
}

/* One in a thousand is held: nothing is kept of those between. */
TEST(receipt_of_few_items_of_many_takes_nothing_for_the_others)
{
    fresh();
    for (uint64_t i = 1; i <= 1000; i++) {
        wr_origin_lend(&origin, 1000);
        uint64_t held = 1000 * i - 500;
        wr_origin_tell_all(&origin, 1000 * (i - 1) + 1, held - 1, WR_ACT_FILTER);
        wr_origin_tell_all(&origin, held + 1, 1000 * i, WR_ACT_FILTER);
        ck_assert_int_eq(wr_test_ref(&origin, held, held), 0);
        ck_assert_uint_le(origin.entries_cap, 4096);
    }
    wr_origin_lend(&origin, 0);
    ck_assert_uint_eq(done(), 499);
    ck_assert_uint_eq(count_of(WR_FILTERED), 999000);
    for (uint64_t i = 1000; i > 0; i--) {
        wr_test_unref(&origin, 1000 * i - 500, 1000 * i - 500, WR_ACT_COMMIT);
    }
    ck_assert_uint_eq(done(), 1000000);
    ck_assert_uint_eq(count_of(WR_DELIVERED), 1000);
    wr_origin_fini(&origin);
}

TEST(receipt_of_an_item_that_is_held_very_often_settles_with_the_last)
{
    fresh();
    wr_origin_lend(&origin, 64);
    int rc = wr_test_ref(&origin, 6, 8);
    for (int i = 0; i < 1000000 && rc == 0; i++) {
        rc = wr_test_ref(&origin, 7, 7);
    }
    ck_assert_int_eq(rc, 0);
    wr_origin_lend(&origin, 0);
    for (int i = 0; i < 1000000; i++) {
        wr_test_unref(&origin, 7, 7, WR_ACT_COMMIT);
    }
    wr_test_unref(&origin, 6, 6, WR_ACT_COMMIT);
    ck_assert_uint_eq(done(), 6);
    wr_test_unref(&origin, 7, 8, WR_ACT_COMMIT);
    ck_assert_uint_eq(done(), 64);
    wr_origin_fini(&origin);
}

/* Of several branches of a tee the strongest outcome stands, whoever comes first. */
TEST(receipt_outcomes_that_meet_are_ranked)
{
    static const enum wr_act acts[] = {WR_ACT_FILTER, WR_ACT_COMMIT, WR_ACT_REJECT, WR_ACT_DROP};
    static const enum wr_outcome outcome[] = {WR_FILTERED, WR_DELIVERED, WR_REJECTED, WR_DROPPED};
    for (size_t a = 0; a < 4; a++) {
        for (size_t b = 0; b < 4; b++) {
            fresh();
            wr_origin_lend(&origin, 1);
            ck_assert_int_eq(wr_test_ref(&origin, 1, 1), 0);
            ck_assert_int_eq(wr_test_ref(&origin, 1, 1), 0);
            wr_origin_lend(&origin, 0);
            wr_test_unref(&origin, 1, 1, acts[a]);
            wr_test_unref(&origin, 1, 1, acts[b]);
            ck_assert_uint_eq(count_of(outcome[a > b ? a : b]), 1);
            ck_assert_uint_eq(done(), 1);
            wr_origin_fini(&origin);
        }
    }
}

TEST(receipt_that_one_branch_abandons_does_not_settle)
{
    fresh();
    wr_origin_lend(&origin, 1);
    ck_assert_int_eq(wr_test_ref(&origin, 1, 1), 0);
    ck_assert_int_eq(wr_test_ref(&origin, 1, 1), 0);
    wr_origin_lend(&origin, 0);
    wr_test_unref(&origin, 1, 1, WR_ACT_ABANDON);
    wr_test_unref(&origin, 1, 1, WR_ACT_DROP);
    ck_assert_uint_eq(done(), 0);
    ck_assert_uint_eq(count_of(WR_DROPPED), 0);
    wr_origin_fini(&origin);
}

TEST(receipt_group_lets_all_its_parts_go_at_once)
{
    fresh();
    wr_origin_lend(&origin, 6);
    struct wr_runs runs = {0};
    ck_assert_int_eq(wr_test_ref(&origin, 3, 3), 0);
    for (uint64_t i = 1; i <= 6; i++) {
        struct wr_run run = wr_run_of(&origin.receipt, i);
        ck_assert(i == 3 || wr_runs_add(&runs, &run) == 0);
    }
    ck_assert_uint_eq(runs.count, 1);
    wr_origin_lend(&origin, 0);
    struct weir_receipt *group = wr_group_new(&runs);
    wr_runs_fini(&runs);
    ck_assert_ptr_nonnull(group);
    struct wr_run of_group = wr_run_of(group, 6);
    ck_assert_int_eq(wr_run_ref(&of_group), 0);

    wr_run_unref(&of_group, WR_ACT_COMMIT);
    ck_assert_uint_eq(done(), 0);
    wr_run_unref(&of_group, WR_ACT_LOAN);

    ck_assert_uint_eq(done(), 2);
    ck_assert_uint_eq(origin.committed, 6);
    wr_test_unref(&origin, 3, 3, WR_ACT_FILTER);
    ck_assert_uint_eq(done(), 6);
    wr_origin_fini(&origin);
}

TEST(receipt_offsets_follow_the_position)
{
    fresh();
    wr_test_keep_positions(&origin, 100);
    for (uint64_t i = 1; i <= 300; i++) {
        ck_assert_int_eq(wr_origin_push_end(&origin, 100 + i * 10), 0);
        wr_origin_lend(&origin, 1);
    }
    ck_assert_uint_eq(wr_origin_done_end(&origin), 100 + 299 * 10);

    wr_origin_lend(&origin, 0);

    ck_assert_uint_eq(wr_origin_done_end(&origin), 100 + 300 * 10);
    wr_origin_fini(&origin);
}

/* One is held and all behind it are filtered, as by a stage that waits for a run of equal lines to
 * end: what is kept of them does not grow. */
TEST(receipt_of_one_held_item_takes_nothing_for_a_million_filtered_behind_it)
{
    enum { EACH = 50 };
    const uint64_t loans = wr_test_sweeps() ? 200 : 20000, all = loans * EACH;
    fresh();
    wr_test_keep_positions(&origin, 0);
    for (uint64_t i = 0, seq = 1; i < loans; i++) {
        for (int k = 0; k < EACH; k++, seq++) {
            ck_assert_int_eq(
                wr_origin_push_end(&origin, seq * 10 | (seq % 1000 == 0 ? WR_END_LEFT_OUT : 0)), 0);
        }
        wr_origin_lend(&origin, EACH);
        if (i == 0) {
            ck_assert_int_eq(wr_test_ref(&origin, 3, 3), 0);
        }
        wr_origin_tell_all(&origin, i == 0 ? 4 : i * EACH + 1, (i + 1) * EACH, WR_ACT_FILTER);
        ck_assert_uint_le(
            origin.positions->ends_cap + origin.positions->gaps_cap + origin.entries_cap, 1024);
    }
    wr_origin_lend(&origin, 0);
    ck_assert_uint_eq(wr_origin_done_end(&origin), 20);
    ck_assert_uint_eq(origin.left_out_done, 0);

    wr_test_unref(&origin, 3, 3, WR_ACT_COMMIT);

    ck_assert_uint_eq(wr_origin_done_end(&origin), all * 10);
    ck_assert_uint_eq(origin.left_out_done, all / 1000);
    wr_origin_fini(&origin);
}

static bool gone;

static void on_gone(struct wr_origin *ended, void *ctx)
{
    (void)ended;
    (void)ctx;
    gone = true;
}

TEST(receipt_origin_outlives_its_generator_while_something_is_held)
{
    fresh();
    gone = false;
    origin.gone = on_gone;
    wr_origin_lend(&origin, 2);
    ck_assert_int_eq(wr_test_ref(&origin, 1, 2), 0);
    wr_origin_lend(&origin, 0);

    wr_origin_end(&origin);
    ck_assert(!gone);
    wr_test_unref(&origin, 1, 2, WR_ACT_COMMIT);

    ck_assert(gone);
    wr_origin_fini(&origin);
}

/* ---- the model */

enum { ITEMS = 1500, PICKED = 200 };

struct model_item {
    int refs;
    bool lent, settled, abandoned, doomed, neutral, past, left_out;
    uint64_t number; /* where it ends */
    int rank;        /* of what was told: 0 nothing, else the place in ranks */
};

static struct model_item model[ITEMS + 2]; /* model[0] has settled and ends where all begins */
static uint64_t given, model_loan, model_done, model_left_out, model_counts[WR_OUTCOMES];
static bool sealed, placed; /* placed: with positions */

static const enum wr_outcome ranks[] = {WR_OUTCOMES, WR_FILTERED, WR_DELIVERED, WR_REJECTED,
                                        WR_DROPPED};
static const int act_rank[] = {2, 1, 3, 4}; /* commit, filter, reject, drop */

static void model_tell(struct model_item *item, enum wr_act act)
{
    item->rank = WR_MAX(item->rank, act_rank[act]);
}

static void model_settle(struct model_item *item)
{
    if (item->refs > 0 || item->lent || item->settled || item->abandoned) {
        return;
    }
    if (item->doomed || (item->rank == 0 && (sealed || item->neutral) && !item->past)) {
        item->abandoned = true;
        return;
    }
    item->settled = true;
    model_counts[item->rank > 0 ? ranks[item->rank] : WR_DELIVERED]++;
}

static void model_lend(uint64_t n)
{
    for (; model_loan <= given; model_loan++) {
        model[model_loan].lent = false;
        model_settle(&model[model_loan]);
    }
    for (uint64_t i = 0; i < n; i++) {
        struct model_item *item = &model[++given];
        item->lent = true;
        item->number = item[-1].number + (uint64_t)(rand() % 3);
        item->left_out = rand() % 10 == 0;
        ck_assert_int_eq(!placed
                             ? 0
                             : wr_origin_push_end(
                                   &origin, item->number | (item->left_out ? WR_END_LEFT_OUT : 0)),
                         0);
    }
}

/* An item that has not settled begins where the one before it ends. */
static void compare_position(void)
{
    uint64_t seq = 1 + (uint64_t)rand() % (given + 1);
    if (seq > given || model[seq].settled) {
        return;
    }
    char text[32], expected[32];
    size_t len = (size_t)snprintf(expected, sizeof expected, "at %llu",
                                  (unsigned long long)model[seq - 1].number);
    ck_assert_uint_eq(wr_origin_position(&origin, seq, text, sizeof text), len);
    ck_assert_str_eq(text, expected);
}

static void compare(void)
{
    uint64_t counts[WR_OUTCOMES];
    while (model_done < given && model[model_done + 1].settled) {
        model_left_out += model[++model_done].left_out;
    }
    ck_assert_uint_eq(done(), model_done);
    if (placed) {
        ck_assert_uint_eq(wr_origin_done_end(&origin), model[model_done].number);
        ck_assert_uint_eq(origin.left_out_done, model_left_out);
        compare_position();
    }
    wr_origin_counts(&origin, counts);
    for (int w = 0; w < WR_OUTCOMES; w++) {
        ck_assert_uint_eq(counts[w], model_counts[w]);
    }
}

/* Items that can be referenced (lent, or held by somebody), in their order: mostly some that follow
 * each other, at times many, or with gaps. */
static size_t pick(bool held, weir_item *items)
{
    size_t count = 0, max = (size_t)(rand() % 8 == 0 ? PICKED : 1 + rand() % 6);
    int gap = rand() % 3 == 0 ? 1 + rand() % 50 : 1;
    uint64_t at = given == 0 ? 1 : 1 + (uint64_t)rand() % given;
    for (; at <= given && count < max; at += 1 + (uint64_t)(rand() % gap)) {
        if (model[at].refs > 0 || (!held && model[at].lent)) {
            items[count++] = (weir_item){.seq = at, .receipt = &origin.receipt};
        } else if (gap == 1) {
            break;
        }
    }
    return count;
}

static struct model_item *model_of(const weir_item *item)
{
    return &model[item->seq];
}

static void model_unref(struct model_item *item, enum wr_act act)
{
    if (act <= WR_ACT_DROP) {
        model_tell(item, act);
    }
    item->doomed = item->doomed || act == WR_ACT_ABANDON || (act == WR_ACT_RELEASE && sealed);
    item->refs--;
    item->neutral = act == WR_ACT_NEUTRAL && !item->lent;
    item->past = act == WR_ACT_PAST && !item->lent;
    model_settle(item);
}

static void tell(const weir_item *items, size_t count)
{
    enum wr_act act = (enum wr_act)(rand() % (WR_ACT_DROP + 1));
    if (act == WR_ACT_COMMIT) {
        wr_items_commit(items, count);
    } else {
        wr_items_tell(items, count, act);
    }
    for (size_t i = 0; i < count; i++) {
        model_tell(model_of(&items[i]), act);
    }
}

/* A sink that takes what is lent now, item after item or all of it, as most of them do. */
static void commit_loan(void)
{
    size_t each = (size_t)(1 + rand() % 70);
    for (uint64_t at = origin.loan; at <= given;) {
        weir_item items[PICKED];
        size_t n = 0;
        for (; n < each && at <= given; n++, at++) {
            items[n] = (weir_item){.seq = at, .receipt = &origin.receipt};
            model_tell(&model[at], WR_ACT_COMMIT);
        }
        wr_items_commit(items, n);
    }
}

static void step(void)
{
    weir_item items[PICKED];
    size_t count;
    switch (rand() % 9) {
    case 0:
    case 1: {
        uint64_t n = (uint64_t)(rand() % (rand() % 8 == 0 ? 100 : 5));
        n = given + n > ITEMS ? 0 : n;
        model_lend(n);
        wr_origin_lend(&origin, n);
        break;
    }
    case 2:
    case 3: {
        count = pick(false, items);
        int times = rand() % 16 == 0 ? 1 + rand() % 20 : 1;
        for (int i = 0; i < times; i++) {
            ck_assert_int_eq(wr_items_ref(items, count), 0);
        }
        for (size_t i = 0; i < count; i++) {
            model_of(&items[i])->refs += times;
        }
        break;
    }
    case 4: tell(items, pick(false, items)); break;
    case 5: commit_loan(); break;
    default: {
        enum wr_act act = (enum wr_act)(rand() % (WR_ACT_PAST + 1));
        count = pick(true, items);
        wr_items_unref(items, count, act);
        for (size_t i = 0; i < count; i++) {
            model_unref(model_of(&items[i]), act);
        }
        break;
    }
    }
}

TEST_WITHIN(receipt_books_agree_with_a_count_for_each_item, 60)
{
    for (unsigned seed = 1; seed <= (wr_test_sweeps() ? 1u : 1500u); seed++) {
        srand(seed);
        fresh();
        placed = seed % 2 == 0;
        if (placed) {
            wr_test_keep_positions(&origin, 0);
        }
        memset(model, 0, sizeof model);
        memset(model_counts, 0, sizeof model_counts);
        given = model_done = model_left_out = 0;
        model_loan = 1;
        sealed = false;
        int steps = 50 + rand() % 600;
        for (int i = 0; i < steps; i++) {
            if (i == steps * 3 / 4 && seed % 3 == 0) {
                wr_origin_seal(&origin);
                sealed = true;
            }
            step();
            compare();
        }
    }
    wr_origin_fini(&origin);
}

MAIN("bytes/receipt")
