/*
 * support_suite_stages.c - the suite for stages: see support_stage.h. What a descriptor says is
 * tested in support_suite_traits.c.
 */
#include <string.h>

#include "loop_core.h"
#include "support_stage_feed.h"

enum { BIG_ITEMS = 20000 };

SUITE_TEST(gives_the_same_in_any_portion, struct wr_stage_kit)
{
    static const size_t sizes[] = {1, 2, 3, WR_PORTION_MAX};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    char expected[WR_SHOWN_MAX];
    if (wr_test_sweeps() || wr_kit_drops(kit) || wr_kit_encodes(kit)) {
        return; /* the others meet the same failures */
    }
    wr_reference(kit, wr_kit_count(kit), expected);
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        char got[WR_SHOWN_MAX];
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen =
            wr_feed_open(kit, weir_root(loop), (struct wr_feed){.portion = sizes[i / SIZES]});
        int rc = wr_shown_read(gen, sizes[i % SIZES], got, &error);
        weir_loop_free(loop);
        ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
        ck_assert_msg(
            strcmp(got, expected) == 0,
            "%s: portions of %zu items, pulled %zu at a time: gave \"%s\", expected \"%s\"",
            kit->text, sizes[i / SIZES], sizes[i % SIZES], got, expected);
    }
}

SUITE_TEST(ends_with_its_upstream, struct wr_stage_kit)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){0});
    while (weir_next(gen, &item)) {}
    ck_assert_msg(wr_feed.closed, "%s: its upstream is open at the end", kit->text);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
}

/* What the stage gives of the first `count` items while it cannot know that no more will come. */
static void surely_given(const struct wr_stage_kit *kit, size_t count, char to[WR_SHOWN_MAX])
{
    weir_item item;
    struct wr_print out;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.silent_at = count + 1});
    wr_print_to(&out, to, WR_SHOWN_MAX);
    while (weir_next_within(gen, &item, 1) == WEIR_GOT_ITEM) {
        wr_shown_add(&out, &item);
    }
    weir_discard(gen);
    weir_loop_free(loop);
}

/* What was given before item `at` failed. A framer does not give what is unfinished. A stage that
 * holds items back may leave out the incomplete rest, and nothing else. */
static void check_before_failure(const struct wr_stage_kit *kit, size_t at, const char *got)
{
    char expected[WR_SHOWN_MAX], without_rest[WR_SHOWN_MAX];
    struct wr_stage_part part = wr_stage_part_of(kit);
    if ((part.component->traits & WEIR_TRAIT_FRAMES) != 0 || wr_kit_encodes(kit)) {
        wr_reference(kit, wr_kit_encodes(kit) ? at - 1 : wr_kit_count(kit), expected);
        ck_assert_msg(strncmp(got, expected, strlen(got)) == 0,
                      "%s: item %zu fails: gave \"%s\", expected the beginning of \"%s\"",
                      kit->text, at, got, expected);
        return;
    }
    wr_reference(kit, at - 1, expected);
    if ((part.traits & WEIR_TRAIT_HOLDS_BACK) == 0) {
        ck_assert_msg(strcmp(got, expected) == 0,
                      "%s: item %zu fails: gave \"%s\", expected \"%s\"", kit->text, at, got,
                      expected);
        return;
    }
    surely_given(kit, at - 1, without_rest);
    ck_assert_msg(strcmp(got, expected) == 0 || strcmp(got, without_rest) == 0,
                  "%s: item %zu fails: gave \"%s\", expected \"%s\", or \"%s\" without the rest",
                  kit->text, at, got, expected, without_rest);
}

SUITE_TEST(gives_items_before_a_failure, struct wr_stage_kit)
{
    size_t count = wr_kit_count(kit);
    for (size_t at = wr_test_sweeps() ? count / 2 : 1; at <= count;
         at += wr_test_sweeps() ? count : 1) {
        char got[WR_SHOWN_MAX];
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.fail_at = at});
        int rc = wr_shown_read(gen, 3, got, &error);
        bool met =
            wr_feed.given + 1 == at && wr_feed.closed; /* it was asked for the item that fails */
        weir_loop_free(loop);
        if (rc == 0) {
            /* It had enough before: its upstream was ended, not read to the failure. */
            ck_assert_msg(!met || wr_feed.given < at, "%s: a failure vanishes", kit->text);
            continue;
        }
        ck_assert_msg(rc == WEIR_ERESET, "%s: %s", kit->text, error.message);
        ck_assert_str_eq(error.origin, "feed_source");
        if (!wr_kit_drops(kit)) {
            check_before_failure(kit, at, got);
        }
    }
}

SUITE_TEST(may_be_late, struct wr_stage_kit)
{
    char got[WR_SHOWN_MAX];
    char expected[WR_SHOWN_MAX];
    weir_item item;
    weir_error error;
    struct wr_print out;
    weir_got what;
    size_t late = 0;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.pause_ms = 50});
    ck_assert_int_eq(wr_shown_read(gen, 1, expected, &error), 0);
    gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.pause_ms = 50});
    wr_print_to(&out, got, sizeof got);
    while ((what = weir_next_within(gen, &item, 10)) != WEIR_GOT_OVER) {
        late += what == WEIR_GOT_LATE;
        if (what == WEIR_GOT_ITEM) {
            wr_shown_add(&out, &item);
        }
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    ck_assert_uint_gt(late, 0);
    ck_assert_msg(strcmp(got, expected) == 0,
                  "%s: each pull within 10 ms: gave \"%s\", expected \"%s\" as without a limit",
                  kit->text, got, expected);
}

struct reader {
    weir_gen *gen;
    int *rc; /* 1: it reads */
};

static int read_main(weir_scope *scope, void *args)
{
    struct reader *reader = args;
    weir_item item;
    (void)scope;
    while (weir_next(reader->gen, &item)) {}
    *reader->rc = weir_finish(reader->gen, NULL);
    return 0;
}

/* Read in `of`, cancel the scope that the stage was made in, and see that the reader comes out. */
static int cancel_while_reading(const struct wr_stage_kit *kit, bool elsewhere, bool starved)
{
    int rc = 1;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *reads = elsewhere ? weir_scope_new(weir_root(loop), NULL) : made;
    weir_gen *gen = wr_feed_open(kit, made, (struct wr_feed){.silent_at = starved ? 0 : 1});
    struct reader reader = {gen, &rc};
    size_t taken = starved ? (size_t)(loop->budget.limit - loop->budget.used) : 0;
    ck_assert(taken == 0 || wr_budget_charge(&loop->budget, taken));
    weir_spawn(reads, "reader", read_main, &reader, sizeof reader);
    wr_feed_settle(loop);
    ck_assert_msg(starved || rc == 1, "%s: it does not wait", kit->text);
    weir_scope_cancel(made);
    wr_feed_settle(loop);
    int told = rc;
    if (taken > 0) {
        wr_budget_release(&loop->budget, taken);
    }
    (void)!weir_scope_wait(made, &error);
    if (elsewhere) {
        (void)!weir_scope_wait(reads, &error);
    }
    weir_loop_free(loop);
    return told;
}

SUITE_TEST(is_canceled_while_waiting, struct wr_stage_kit)
{
    ck_assert_msg(cancel_while_reading(kit, false, false) == WEIR_ECANCELED, "%s", kit->text);
}

SUITE_TEST(is_canceled_from_elsewhere, struct wr_stage_kit)
{
    ck_assert_msg(cancel_while_reading(kit, true, false) == WEIR_ECANCELED, "%s", kit->text);
}

SUITE_TEST(is_canceled_without_memory, struct wr_stage_kit)
{
    int rc = cancel_while_reading(kit, true, true);
    ck_assert_msg(rc != 1, "%s: its reader is still inside", kit->text);
}

SUITE_TEST(is_discarded_midway, struct wr_stage_kit)
{
    for (size_t read = wr_test_sweeps() ? 2 : 0; read < 3; read++) {
        weir_item item;
        weir_loop *loop = test_loop();
        weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.portion = 2});
        for (size_t i = 0; i < read && weir_next(gen, &item); i++) {}
        weir_discard(gen);
        ck_assert_msg(wr_feed.given == 0 || wr_feed.closed, "%s: its upstream is open", kit->text);
        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_uint_eq(ledger.in, ledger.delivered + ledger.filtered + ledger.rejected +
                                         ledger.dropped + ledger.in_flight);
        weir_loop_free(loop);
    }
}

SUITE_TEST(settles_every_item, struct wr_stage_kit)
{
    char text[WR_SHOWN_MAX];
    size_t out = 0;
    /* One that holds items back may make one item of several. */
    bool joins = (wr_stage_part_of(kit).traits & WEIR_TRAIT_HOLDS_BACK) != 0;
    wr_reference(kit, wr_kit_count(kit), text);
    for (const char *c = text; *c != '\0'; c++) {
        out += *c == '|' || *c == ',';
    }
    for (size_t portion = wr_test_sweeps() ? WR_PORTION_MAX : 1; portion <= WR_PORTION_MAX;
         portion *= 8) {
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.portion = portion});
        int rc = weir_pump(gen, weir_null_sink(weir_root(loop)), &error);
        weir_ledger ledger = ledger_of(weir_root(loop));
        weir_loop_free(loop);
        ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
        ck_assert_uint_ge(ledger.in, 1);
        ck_assert_msg(ledger.in_flight == 0, "%s: %llu items never settle", kit->text,
                      (unsigned long long)ledger.in_flight);
        ck_assert_msg(kit->shape == WEIR_SHAPE_BYTES || ledger.delivered == out ||
                          (kit->several && ledger.delivered < out) ||
                          (joins && ledger.delivered > out) || wr_kit_drops(kit) ||
                          wr_kit_encodes(kit),
                      "%s: %llu items count as delivered, and %zu came out", kit->text,
                      (unsigned long long)ledger.delivered, out);
    }
}

SUITE_TEST(keeps_memory_bound, struct wr_stage_kit)
{
    weir_item item;
    weir_error error;
    weir_stats stats = {.struct_size = sizeof stats};
    enum { BUDGET_BYTES = 4 * 1024 * 1024 };
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = BUDGET_BYTES));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000); /* it may wait for each item */
    weir_gen *gen = wr_feed_open(kit, weir_root(loop),
                                 (struct wr_feed){.portion = WR_PORTION_MAX, .big = BIG_ITEMS});
    while (weir_next(gen, &item)) {}
    int rc = weir_finish(gen, &error);
    weir_loop_stats(loop, &stats);
    weir_loop_free(loop);
    /* What is no record of a binary framer fails it; memory is bounded all the same. */
    ck_assert_msg(rc == 0 || rc == WEIR_EPARSE || rc == WEIR_ETRUNCATED || rc == WEIR_ETOOLONG,
                  "%s: %s", kit->text, error.message);
    ck_assert_msg(stats.budget_peak_bytes <= BUDGET_BYTES, "%s: %lld bytes", kit->text,
                  (long long)stats.budget_peak_bytes);
}

/* ---- the suite */

const struct wr_suite_test wr_stage_suite[] = {
    {"gives_the_same_in_any_portion", gives_the_same_in_any_portion},
    {"ends_with_its_upstream", ends_with_its_upstream},
    {"gives_items_before_a_failure", gives_items_before_a_failure},
    {"may_be_late", may_be_late},
    {"is_canceled_while_waiting", is_canceled_while_waiting},
    {"is_canceled_from_elsewhere", is_canceled_from_elsewhere},
    {"is_canceled_while_waiting_for_memory", is_canceled_without_memory},
    {"is_discarded_midway", is_discarded_midway},
    {"settles_every_item", settles_every_item},
    {"is_as_its_traits_say", wr_stage_is_as_its_traits_say},
    {"keeps_memory_bound", keeps_memory_bound},
    {NULL, NULL},
};
