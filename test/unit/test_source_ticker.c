/*
 * weir_ticker, on the virtual clock.
 */
#include "support_flow.h"
#include "texts_flow.h"

static int64_t ms_since(weir_scope *scope, int64_t began)
{
    return (weir_now(scope) - began) / 1000000;
}

static bool is(const weir_item *item, const char *text)
{
    return item->len == strlen(text) && memcmp(item->data, text, item->len) == 0;
}

TEST(ticker_gives_an_item_every_interval)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_ticker(root, 250);
    weir_item item;
    int64_t began = weir_now(root);

    ck_assert(weir_next(gen, &item));
    ck_assert(is(&item, "1"));
    ck_assert_int_eq(ms_since(root, began), 250);
    ck_assert_int_eq(item.time_ns, 1700000000250000000);
    ck_assert(weir_next(gen, &item));
    ck_assert(is(&item, "2"));
    ck_assert_uint_eq(item.seq, 2);
    ck_assert_int_eq(ms_since(root, began), 500);

    weir_discard(gen);
    ck_assert_uint_eq(ledger_of(root).in, 2);
    weir_loop_free(loop);
}

TEST(ticker_begins_at_the_first_pull)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_ticker(root, 100);
    weir_item item;
    ck_assert(weir_sleep(root, 1234));
    int64_t began = weir_now(root);

    ck_assert(weir_next(gen, &item));

    ck_assert(is(&item, "1"));
    ck_assert_int_eq(ms_since(root, began), 100);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(ticker_leaves_out_what_its_reader_has_missed_and_keeps_to_its_grid)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_ticker(root, 100);
    weir_item item;
    int64_t began = weir_now(root);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(root, 450));

    ck_assert(weir_next(gen, &item));
    ck_assert(is(&item, "5"));
    ck_assert_uint_eq(item.seq, 2);
    ck_assert_int_eq(ms_since(root, began), 550);
    ck_assert(weir_next(gen, &item));
    ck_assert(is(&item, "6"));
    ck_assert_int_eq(ms_since(root, began), 600);

    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(ticker_is_late_and_then_gives_the_tick)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_ticker(root, 100);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 60), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 60), WEIR_GOT_ITEM);

    ck_assert(is(&item, "1"));
    weir_discard(gen);
    weir_loop_free(loop);
}

static int stops_it(weir_scope *scope, void *args)
{
    ck_assert(weir_sleep(scope, 10));
    weir_scope_stop(*(weir_scope **)args);
    return 0;
}

TEST(ticker_ends_when_its_scope_stops)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_gen *gen = weir_ticker(scope, 1000);
    weir_item item;
    int64_t began = weir_now(root);
    weir_spawn(root, "stop", stops_it, &scope, sizeof scope);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(ms_since(root, began), 10);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

static int cancels_it(weir_scope *scope, void *args)
{
    ck_assert(weir_sleep(scope, 10));
    weir_scope_cancel(*(weir_scope **)args);
    return 0;
}

TEST(ticker_is_canceled_with_its_scope_for_a_reader_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_gen *gen = weir_ticker(scope, 1000);
    weir_item item;
    int64_t began = weir_now(root);
    weir_spawn(root, "cancel", cancels_it, &scope, sizeof scope);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(ms_since(root, began), 10);
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(ticker_tells_why_it_does_not_give)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_ticker(weir_root(loop), 1000);
    weir_gen *head = weir_buffer(gen, NULL);
    weir_item item;
    char why[200];
    ck_assert_int_eq(weir_next_within(head, &item, 10), WEIR_GOT_LATE);

    weir_why(gen, why, sizeof why);

    ck_assert_str_eq(why, "ticker " TEXT_FLOW_NEXT_TICK);
    weir_discard(head);
    weir_loop_free(loop);
}

TEST(ticker_of_no_interval_fails)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_ticker(weir_root(loop), 0);
    weir_item item;

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("source/ticker")
