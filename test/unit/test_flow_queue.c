/*
 * Queues: order, bounds, policies, shared writers, failures, the reader that goes, and the channel
 * between two threads.
 * Labels: thread
 */
#include "support_flow.h"
#include "texts_flow.h"

#include <pthread.h>

/* A task that cannot be started fails its scope, which cancels what waits for it; the root goes on.
 */
static weir_scope *task_scope(weir_loop *loop)
{
    return weir_scope_new(weir_root(loop), NULL);
}

struct writer {
    weir_sink *to;
    long first, last;
    int end; /* 0: finish; 1: discard; 2: fail */
    long *put;
};

static int write_numbers(weir_scope *scope, void *args)
{
    struct writer *writer = args;
    weir_error error;
    (void)scope;
    for (long i = writer->first; i <= writer->last; i++) {
        weir_item item = number_item(&i);
        if (!weir_put(writer->to, &item)) {
            break;
        }
        if (writer->put != NULL) {
            *writer->put = i;
        }
    }
    if (writer->end == 1) {
        weir_sink_discard(writer->to);
        return 0;
    }
    if (writer->end == 2) {
        wr_error_set(&error, WEIR_EUSER, 0, "writer", "gave up");
        weir_sink_fail(writer->to, &error);
        return 0;
    }
    (void)!weir_sink_finish(writer->to, &error);
    return 0;
}

TEST(queue_gives_items_in_order_and_ends_with_its_writer)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    struct writer writer = {.first = 1, .last = 1000};
    weir_gen *gen = weir_queue(root, NULL, &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    weir_item item;
    long expected = 1;
    while (weir_next(gen, &item)) {
        ck_assert_int_eq(*number_of(&item), expected++);
    }

    ck_assert_int_eq(expected, 1001);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(queue_put_waits_when_full)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    long put = 0;
    struct writer writer = {.first = 1, .last = 100, .put = &put};
    weir_gen *gen = weir_queue(root, WEIR_OPTIONS(weir_queue_options, .items_max = 8), &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    wr_loop_settle(loop);

    ck_assert_int_eq(put, 8);
    weir_error error;
    ck_assert_int_eq(sum_of(gen, &error), 5050);
    weir_loop_free(loop);
}

TEST(queue_is_bounded_in_bytes)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    long put = 0;
    struct writer writer = {.first = 1, .last = 100, .put = &put};
    weir_gen *gen = weir_queue(
        root, WEIR_OPTIONS(weir_queue_options, .bytes_max = 4 * (int64_t)sizeof(long)), &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    wr_loop_settle(loop);

    ck_assert_int_eq(put, 4);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(queue_rendezvous_hands_over_only_to_a_waiting_reader)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    long put = 0;
    struct writer writer = {.first = 1, .last = 3, .put = &put};
    weir_gen *gen =
        weir_queue(root, WEIR_OPTIONS(weir_queue_options, .items_max = WEIR_NONE), &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    wr_loop_settle(loop);
    ck_assert_int_eq(put, 0);

    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 1);
    weir_error error;
    ck_assert_int_eq(sum_of(gen, &error), 5);
    weir_loop_free(loop);
}

TEST(queue_reader_sees_the_end_when_the_last_writer_has_finished)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    struct writer a = {.first = 1, .last = 10}, b = {.first = 11, .last = 20};
    weir_gen *gen = weir_queue(root, NULL, &a.to);
    b.to = weir_sink_share(a.to);
    weir_spawn(root, "a", write_numbers, &a, sizeof a);
    weir_spawn(root, "b", write_numbers, &b, sizeof b);

    weir_error error;
    ck_assert_int_eq(sum_of(gen, &error), 210);
    weir_loop_free(loop);
}

TEST(queue_discarded_writer_is_a_failure_not_an_end)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    struct writer writer = {.first = 1, .last = 3, .end = 1};
    weir_gen *gen = weir_queue(root, NULL, &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    weir_item item;
    int items = 0;
    while (weir_next(gen, &item)) {
        items++;
    }
    weir_error error;
    ck_assert_int_eq(items, 3);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EABANDONED);
    weir_loop_free(loop);
}

TEST(queue_failure_follows_the_items_already_put)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    struct writer writer = {.first = 1, .last = 5, .end = 2};
    weir_gen *gen = weir_queue(root, NULL, &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);

    weir_item items[16];
    size_t n = weir_next_many(gen, items, 16);
    weir_error error;
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(weir_next_many(gen, items, 16), 0);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EUSER);
    ck_assert_str_eq(error.origin, "writer");
    weir_loop_free(loop);
}

TEST(queue_writers_fail_when_the_reader_goes)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    long put = 0;
    struct writer writer = {.first = 1, .last = 1000, .put = &put};
    weir_gen *gen = weir_queue(root, WEIR_OPTIONS(weir_queue_options, .items_max = 4), &writer.to);
    weir_spawn(root, "writer", write_numbers, &writer, sizeof writer);
    wr_loop_settle(loop);

    weir_discard(gen);
    wr_loop_settle(loop);

    ck_assert_int_eq(put, 4);
    weir_loop_free(loop);
}

static long first_of(int32_t when_full, weir_ledger *ledger)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    weir_sink *in;
    weir_error error;
    weir_gen *gen = weir_queue(
        root, WEIR_OPTIONS(weir_queue_options, .items_max = 3, .when_full = when_full), &in);
    (void)!weir_pump(count_to(root, 10), in, &error);
    weir_item item;
    long first = weir_next(gen, &item) ? *number_of(&item) : -1;
    while (weir_next(gen, &item)) {}
    weir_discard(gen);
    *ledger = ledger_of(root);
    weir_loop_free(loop);
    return first;
}

TEST(queue_drop_oldest_keeps_the_newest_and_counts_the_others)
{
    weir_ledger ledger;
    ck_assert_int_eq(first_of(WEIR_DROP_OLDEST, &ledger), 8);
    ck_assert_uint_eq(ledger.in, 10);
    ck_assert_uint_eq(ledger.dropped, 7);
    ck_assert_uint_eq(ledger.delivered, 3);
}

TEST(queue_drop_newest_keeps_the_oldest_and_counts_the_others)
{
    weir_ledger ledger;
    ck_assert_int_eq(first_of(WEIR_DROP_NEWEST, &ledger), 1);
    ck_assert_uint_eq(ledger.dropped, 7);
    ck_assert_uint_eq(ledger.delivered, 3);
}

TEST(queue_latest_keeps_one)
{
    weir_ledger ledger;
    ck_assert_int_eq(first_of(WEIR_LATEST, &ledger), 10);
    ck_assert_uint_eq(ledger.dropped, 9);
}

TEST(queue_full_fails_when_told_to)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    weir_sink *in;
    weir_error error;
    weir_gen *gen = weir_queue(
        root, WEIR_OPTIONS(weir_queue_options, .items_max = 3, .when_full = WEIR_FULL_FAILS), &in);

    ck_assert_int_eq(weir_pump(count_to(root, 10), in, &error), WEIR_ETOOLONG);

    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(queue_next_within_is_late_and_then_takes_what_came)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    weir_sink *in;
    weir_gen *gen = weir_queue(root, NULL, &in);
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);

    long value = 7;
    weir_item number = number_item(&value);
    ck_assert(weir_put(in, &number));

    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 7);
    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_OVER);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(queue_copies_sparse_items_out_of_the_blocks_they_pin)
{
    weir_loop *loop = test_loop();
    weir_scope *root = task_scope(loop);
    weir_sink *in;
    weir_gen *gen = weir_queue(
        root, WEIR_OPTIONS(weir_queue_options, .items_max = 4096, .bytes_max = 64 * 1024), &in);
    for (int i = 0; i < 1000; i++) {
        int why = 0;
        struct weir_block *block = wr_block_new(&loop->blocks, 0, &why);
        ck_assert_ptr_nonnull(block);
        memset(block->data, 'a' + i % 26, 20);
        weir_item item = weir_bytes(block->data, 20);
        item.block = block;
        ck_assert(weir_put(in, &item));
        wr_block_unref(block, 1);
    }

    ck_assert_int_lt(loop->budget.used, 1024 * 1024);
    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    weir_item item;
    for (int i = 0; weir_next(gen, &item); i++) {
        ck_assert_int_eq(item.data[19], 'a' + i % 26);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

/* ---- channels */

/* Nobody waits for the first, somebody for the second. */
static void rendezvous_that_drops(int32_t when_full, uint64_t dropped)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item, out;
    weir_gen *source = count_to(weir_root(loop), 1);
    weir_gen *gen = weir_queue(
        weir_root(loop),
        WEIR_OPTIONS(weir_queue_options, .items_max = WEIR_NONE, .when_full = when_full), &in);
    ck_assert(weir_next(source, &item));

    ck_assert(weir_put(in, &item));
    ck_assert(!weir_next(source, &item));

    ck_assert_uint_eq(ledger_of(weir_root(loop)).dropped, dropped);
    ck_assert_int_eq(weir_next_within(gen, &out, 0), dropped > 0 ? WEIR_GOT_LATE : WEIR_GOT_ITEM);
    weir_discard(gen);
    weir_sink_discard(in);
    weir_discard(source);
    weir_loop_free(loop);
}

TEST(queue_rendezvous_that_drops_drops_what_nobody_waits_for)
{
    rendezvous_that_drops(WEIR_DROP_OLDEST, 1);
    rendezvous_that_drops(WEIR_DROP_NEWEST, 1);
}

TEST(queue_latest_keeps_one_also_where_a_rendezvous_was_asked_for)
{
    rendezvous_that_drops(WEIR_LATEST, 0);
}

struct other_thread {
    weir_loop *loop;
    weir_sink *to;
    weir_gen *from;
    long sum;
};

static void *read_channel(void *arg)
{
    struct other_thread *other = arg;
    weir_error error;
    other->sum = sum_of(other->from, &error);
    return NULL;
}

TEST(channel_carries_items_between_two_threads)
{
    long items = wr_test_sweeps() ? 100 : 20000;
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    struct other_thread other = {.loop = second};
    other.from = weir_channel(weir_root(second), weir_root(loop),
                              WEIR_OPTIONS(weir_queue_options, .items_max = 16), &other.to);
    pthread_t thread;
    weir_error error;
    ck_assert_int_eq(pthread_create(&thread, NULL, read_channel, &other), 0);

    int rc = weir_pump(count_to(weir_root(loop), items), other.to, &error);
    pthread_join(thread, NULL);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(other.sum, items * (items + 1) / 2);
    weir_loop_free(second);
    weir_loop_free(loop);
}

struct own_loop {
    weir_scope *reader; /* of a loop that the thread has made */
    weir_gen *from;
    pthread_barrier_t made, joined;
    long sum;
};

static void *read_on_a_loop_of_its_own(void *arg)
{
    struct own_loop *own = arg;
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL);
    own->reader = loop != NULL ? weir_root(loop) : NULL;
    pthread_barrier_wait(&own->made);
    pthread_barrier_wait(&own->joined);
    if (own->from != NULL) {
        own->sum = sum_of(weir_head(own->from, 1000), &error);
    }
    weir_loop_free(loop);
    return NULL;
}

TEST(channel_joins_loops_that_each_thread_has_made)
{
    struct own_loop own = {.sum = -1};
    weir_loop *loop = weir_loop_new(NULL);
    weir_sink *to;
    pthread_t thread;
    ck_assert_ptr_nonnull(loop);
    (void)pthread_barrier_init(&own.made, NULL, 2);
    (void)pthread_barrier_init(&own.joined, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_on_a_loop_of_its_own, &own), 0);

    pthread_barrier_wait(&own.made);
    if (own.reader != NULL) {
        own.from = weir_channel(own.reader, weir_root(loop), NULL, &to);
    }
    pthread_barrier_wait(&own.joined);
    int rc = own.from != NULL ? weir_pump(count_to(weir_root(loop), 1000), to, NULL) : WEIR_ENOMEM;
    pthread_join(thread, NULL);
    weir_loop_free(loop);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(own.sum, 500500);
}

TEST(channel_tells_the_writers_failure)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    struct other_thread other = {.loop = second};
    other.from = weir_channel(weir_root(second), weir_root(loop), NULL, &other.to);
    pthread_t thread;
    weir_error error;
    ck_assert_int_eq(pthread_create(&thread, NULL, read_channel, &other), 0);

    (void)!weir_pump(numbers(weir_root(loop), (struct numbers_args){.count = 50, .fail_at = 20}),
                     other.to, &error);
    pthread_join(thread, NULL);

    ck_assert_int_eq(other.sum, -1);
    weir_loop_free(second);
    weir_loop_free(loop);
}

TEST(channel_writer_fails_when_the_reader_goes)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_sink *to;
    weir_gen *from = weir_channel(weir_root(second), weir_root(loop), NULL, &to);
    weir_error error;

    weir_discard(from);

    ck_assert_int_eq(weir_pump(count_to(weir_root(loop), 500), to, &error), WEIR_ECLOSED);
    weir_loop_free(second);
    weir_loop_free(loop);
}

/* Both ends on one thread: put 1 to 10 before anything is read, then read the rest. */
struct filled {
    weir_loop *loop, *second;
    weir_ledger ledger;
    long read[10]; /* the first of them */
    size_t count;
    int rc;
    weir_error error;
};

static struct filled fill_channel(int32_t when_full, int64_t items_max, int64_t bytes_max,
                                  size_t at_once)
{
    struct filled f = {.loop = weir_loop_new(NULL), .second = weir_loop_new(NULL)};
    ck_assert(f.loop != NULL && f.second != NULL);
    weir_sink *to;
    weir_gen *from = weir_channel(weir_root(f.second), weir_root(f.loop),
                                  WEIR_OPTIONS(weir_queue_options, .items_max = items_max,
                                               .bytes_max = bytes_max, .when_full = when_full),
                                  &to);
    weir_gen *source = weir_count(weir_root(f.loop), 1, 10);
    weir_item items[10], item;
    size_t n;
    bool good = true;
    while (good && (n = weir_next_many(source, items, at_once)) > 0) {
        good = weir_put_many(to, items, n);
    }
    f.rc = weir_sink_finish(to, &f.error);
    ck_assert_int_eq(weir_finish(source, NULL), 0);
    while (weir_next(from, &item)) {
        for (size_t i = 0; i < item.len; i++) {
            f.read[f.count] = f.read[f.count] * 10 + (item.data[i] - '0');
        }
        f.count++;
    }
    (void)!weir_finish(from, NULL);
    f.ledger = ledger_of(weir_root(f.second));
    return f;
}

static void end_filled(const struct filled *f)
{
    weir_loop_free(f->second);
    weir_loop_free(f->loop);
}

TEST(channel_drops_the_oldest_and_says_so_in_the_readers_ledger)
{
    for (size_t at_once = 1; at_once <= 10; at_once++) {
        struct filled f = fill_channel(WEIR_DROP_OLDEST, 3, 0, at_once);
        ck_assert_int_eq(f.rc, 0);
        ck_assert_uint_ge(f.count, 1);
        ck_assert_uint_le(f.count, 3);
        ck_assert_int_eq(f.read[f.count - 1], 10);
        ck_assert_uint_eq(f.ledger.in, 10);
        ck_assert_uint_eq(f.ledger.delivered, f.count);
        ck_assert_uint_eq(f.ledger.dropped, 10 - f.count);
        end_filled(&f);
    }
}

TEST(channel_drops_the_newest_and_says_so_in_the_readers_ledger)
{
    for (size_t at_once = 1; at_once <= 10; at_once++) {
        struct filled f = fill_channel(WEIR_DROP_NEWEST, 3, 0, at_once);
        ck_assert_int_eq(f.rc, 0);
        ck_assert_uint_eq(f.count, 3);
        ck_assert_int_eq(f.read[0], 1);
        ck_assert_int_eq(f.read[2], 3);
        ck_assert_uint_eq(f.ledger.in, 10);
        ck_assert_uint_eq(f.ledger.delivered, 3);
        ck_assert_uint_eq(f.ledger.dropped, 7);
        end_filled(&f);
    }
}

TEST(channel_keeps_the_latest_only)
{
    struct filled f = fill_channel(WEIR_LATEST, 0, 0, 4);
    ck_assert_int_eq(f.rc, 0);
    ck_assert_uint_eq(f.count, 1);
    ck_assert_int_eq(f.read[0], 10);
    ck_assert_uint_eq(f.ledger.in, 10);
    ck_assert_uint_eq(f.ledger.dropped, 9);
    end_filled(&f);
}

TEST(channel_that_is_full_by_bytes_drops_whole_puts)
{
    struct filled f = fill_channel(WEIR_DROP_OLDEST, 100, 32, 1);
    ck_assert_int_eq(f.rc, 0);
    ck_assert_uint_eq(f.count, 2);
    ck_assert_int_eq(f.read[0], 9);
    ck_assert_uint_eq(f.ledger.dropped, 8);
    end_filled(&f);
}

TEST(channel_that_is_full_fails_its_writer_if_asked_to)
{
    struct filled f = fill_channel(WEIR_FULL_FAILS, 3, 0, 1);
    ck_assert_int_eq(f.rc, WEIR_ETOOLONG);
    ck_assert_ptr_nonnull(strstr(f.error.message, TEXT_FLOW_FULL));
    ck_assert_uint_eq(f.count, 3);
    ck_assert_uint_eq(f.ledger.dropped, 0);
    end_filled(&f);
}

MAIN("flow/queue")
