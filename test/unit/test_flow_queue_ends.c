/*
 * The two ends of a queue when one of them waits or goes: the order of the writers that wait, and
 * what becomes of the items in it.
 */
#include "support_flow.h"

struct writer {
    weir_sink *to;
    long first, last;
    int *rc;
};

static int write_numbers(weir_scope *scope, void *args)
{
    struct writer *writer = args;
    (void)scope;
    for (long i = writer->first; i <= writer->last; i++) {
        weir_item item = number_item(&i);
        if (!weir_put(writer->to, &item)) {
            break;
        }
    }
    int rc = weir_sink_finish(writer->to, NULL);
    if (writer->rc != NULL) {
        *writer->rc = rc;
    }
    return 0;
}

TEST(queue_writers_that_wait_are_served_in_turn)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_sink *in;
    weir_gen *gen = weir_queue(scope, WEIR_OPTIONS(weir_queue_options, .items_max = 1), &in);
    struct writer writers[] = {{in, 10, 12, NULL},
                               {weir_sink_share(in), 20, 22, NULL},
                               {weir_sink_share(in), 30, 32, NULL}};
    long expected[] = {10, 11, 20, 30, 12, 21, 31, 22, 32};
    weir_item item;
    for (size_t i = 0; i < 3; i++) {
        weir_spawn(scope, "writer", write_numbers, &writers[i], sizeof writers[i]);
    }

    for (size_t i = 0; i < 9; i++) {
        wr_loop_settle(loop); /* each has run as far as it can */
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(*number_of(&item), expected[i]);
    }

    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* Three items are in a queue, and the reader goes with the first of them lent. The ledger of their
 * source. */
static weir_ledger ledger_when_reader_goes(bool writer_has_finished)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *source = count_to(scope, 4);
    weir_sink *in;
    weir_gen *gen = weir_queue(scope, NULL, &in);
    weir_item item;
    for (int i = 0; i < 3; i++) {
        ck_assert(weir_next(source, &item) && weir_put(in, &item));
    }
    ck_assert(weir_next(source, &item));
    if (writer_has_finished) {
        ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    }
    ck_assert(weir_next(gen, &item));

    weir_discard(gen);

    weir_ledger ledger = ledger_of(scope);
    weir_loop_free(loop);
    return ledger;
}

TEST(queue_whose_reader_goes_midway_has_delivered_nothing_of_what_it_holds)
{
    weir_ledger ledger = ledger_when_reader_goes(false);
    ck_assert_uint_eq(ledger.delivered, 0);
    ck_assert_uint_eq(ledger.in_flight, 4);
}

TEST(queue_whose_reader_goes_after_its_writer_has_delivered_what_is_lent)
{
    weir_ledger ledger = ledger_when_reader_goes(true);
    ck_assert_uint_eq(ledger.delivered, 1);
    ck_assert_uint_eq(ledger.in_flight, 3);
}

TEST(queue_writer_that_found_room_as_its_queue_was_canceled_puts_nothing)
{
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *beside = weir_scope_new(weir_root(loop), NULL);
    int rc = 1;
    weir_item item;
    struct writer writer = {.first = 1, .last = 2, .rc = &rc};
    weir_gen *gen = weir_queue(made, WEIR_OPTIONS(weir_queue_options, .items_max = 1), &writer.to);
    weir_spawn(beside, "writer", write_numbers, &writer, sizeof writer);
    wr_loop_settle(loop);

    /* This makes room for its last one. */
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_ITEM);
    weir_scope_cancel(made);
    wr_loop_settle(loop);

    ck_assert_int_eq(rc, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(channel_whose_reader_goes_has_counted_what_was_dropped)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_sink *in;
    weir_gen *gen = weir_channel(
        weir_root(second), weir_root(loop),
        WEIR_OPTIONS(weir_queue_options, .items_max = 3, .when_full = WEIR_DROP_NEWEST), &in);
    weir_item item = weir_bytes("x", 1), got;
    ck_assert(weir_put(in, &item));
    ck_assert(weir_next(gen, &got));
    for (int i = 0; i < 10; i++) {
        ck_assert(weir_put(in, &item));
    }

    weir_discard(gen);

    ck_assert_uint_eq(ledger_of(weir_root(second)).dropped, 7);
    weir_sink_discard(in);
    weir_loop_free(second);
    weir_loop_free(loop);
}

/* The two ends are on one thread here. */
TEST(channel_has_room_again_for_the_bytes_that_were_read)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_sink *in;
    weir_gen *gen = weir_channel(
        weir_root(second), weir_root(loop),
        WEIR_OPTIONS(weir_queue_options, .bytes_max = 32, .when_full = WEIR_FULL_FAILS), &in);
    weir_item item = weir_bytes("12 or so", 8), got;
    for (int i = 0; i < 10; i++) {
        ck_assert(weir_put(in, &item) && weir_put(in, &item));
        ck_assert(weir_next(gen, &got) && weir_next(gen, &got));
    }
    weir_sink_discard(in);
    weir_discard(gen);
    weir_loop_free(second);
    weir_loop_free(loop);
}

struct reader {
    weir_gen *gen;
    int *rc;
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

TEST(channel_reader_that_waits_ends_when_its_scope_is_stopped)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_scope *scope = weir_scope_new(weir_root(second), NULL);
    weir_sink *in;
    int rc = 1;
    struct reader reader = {weir_channel(scope, weir_root(loop), NULL, &in), &rc};
    weir_spawn(scope, "reader", read_main, &reader, sizeof reader);
    wr_loop_settle(second);
    ck_assert_int_eq(rc, 1);

    weir_scope_stop(scope);
    wr_loop_settle(second);

    ck_assert_int_eq(rc, 0);
    weir_sink_discard(in);
    weir_loop_free(second);
    weir_loop_free(loop);
}

MAIN("flow/queue_ends")
