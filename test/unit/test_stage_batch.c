/*
 * weir_batch: when a batch is full, what of it comes before a failure, what lies in it;
 * weir_buffer: reading ahead.
 */
#include "base_fault.h"
#include "support_flow.h"

static const weir_item *parts_of(const weir_item *batch, size_t *count)
{
    const weir_item *parts;
    *count = weir_item_parts(batch, &parts);
    return parts;
}

TEST(batch_is_full_by_items)
{
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_batch(count_to(weir_root(loop), 10), WEIR_OPTIONS(weir_batch_options, .items_max = 4));
    weir_item batch;
    size_t sizes[] = {4, 4, 2}, count;
    long next = 1;
    for (size_t i = 0; i < 3; i++) {
        ck_assert(weir_next(gen, &batch));
        const weir_item *parts = parts_of(&batch, &count);
        ck_assert_uint_eq(count, sizes[i]);
        ck_assert_uint_eq(batch.len, count * sizeof(long));
        for (size_t k = 0; k < count; k++) {
            ck_assert_int_eq(*number_of(&parts[k]), next++);
        }
    }
    ck_assert(!weir_next(gen, &batch));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 10);
    weir_loop_free(loop);
}

TEST(batch_is_full_by_bytes)
{
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_batch(count_to(weir_root(loop), 7),
                   WEIR_OPTIONS(weir_batch_options, .bytes_max = 3 * (int64_t)sizeof(long)));
    weir_item batch;
    size_t count;
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert(weir_next(gen, &batch));
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 1);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(batch_by_bytes_loses_nothing_that_was_pulled_together)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_buffer(count_to(weir_root(loop), 50), NULL);
    gen = weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .bytes_max = 3 * (int64_t)sizeof(long)));
    weir_item batch;
    size_t count;
    long next = 1;
    while (weir_next(gen, &batch)) {
        const weir_item *parts = parts_of(&batch, &count);
        ck_assert_uint_le(count, 3);
        for (size_t k = 0; k < count; k++) {
            ck_assert_int_eq(*number_of(&parts[k]), next++);
        }
    }
    ck_assert_int_eq(next, 51);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 50);
    weir_loop_free(loop);
}

TEST(batch_is_full_by_time_since_its_first_item)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_batch(numbers(root, (struct numbers_args){7, 0, 400, root}), NULL);
    weir_item batch;
    size_t count;
    int64_t before = wr_now_ns(loop);
    ck_assert(weir_next(gen, &batch));
    ck_assert_int_eq(batch.time_ns, parts_of(&batch, &count)[0].time_ns);
    ck_assert_uint_eq(count, 3); /* at 400, 800 and 1200 ms; given at 1400 */
    ck_assert_int_eq((wr_now_ns(loop) - before) / 1000000, 1400);
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 3);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(batch_with_no_wait_limit_waits_until_full)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(numbers(root, (struct numbers_args){9, 0, 60000, root}),
                   WEIR_OPTIONS(weir_batch_options, .items_max = 5, .wait_ms = WEIR_NONE));
    weir_item batch;
    size_t count;
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 5);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(batch_with_an_immense_wait_limit_waits_until_full)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(numbers(root, (struct numbers_args){9, 0, 60000, root}),
                   WEIR_OPTIONS(weir_batch_options, .items_max = 5, .wait_ms = INT64_MAX));
    weir_item batch;
    size_t count;
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 5);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(batch_in_part_comes_before_the_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(numbers(root, (struct numbers_args){.count = 9, .fail_at = 4}), NULL);
    weir_item batch;
    weir_error error;
    size_t count;
    ck_assert(weir_next(gen, &batch));
    (void)parts_of(&batch, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert(!weir_next(gen, &batch));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

TEST(batch_parts_of_a_plain_item_is_the_item)
{
    weir_item item = weir_bytes("x", 1);
    size_t count;
    ck_assert_ptr_eq(parts_of(&item, &count), &item);
    ck_assert_uint_eq(count, 1);
}

TEST(batch_that_is_kept_is_in_flight_as_a_whole)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_batch(count_to(root, 9), WEIR_OPTIONS(weir_batch_options, .items_max = 3));
    weir_item batch, kept;
    ck_assert(weir_next(gen, &batch));
    ck_assert_int_eq(weir_item_keep(&kept, &batch), 0);
    while (weir_next(gen, &batch)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).in_flight, 3);
    weir_item_release(&kept);
    ck_assert_uint_eq(ledger_of(root).delivered, 9);
    weir_loop_free(loop);
}

TEST(batch_closed_while_it_fills_leaves_its_items_in_flight)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_batch(numbers(root, (struct numbers_args){9, 0, 100, root}), NULL);
    weir_item batch;
    ck_assert_int_eq(weir_next_within(gen, &batch, 350), WEIR_GOT_LATE);
    weir_discard(gen);
    ck_assert_uint_eq(ledger_of(root).in, 3);
    ck_assert_uint_eq(ledger_of(root).delivered, 0);
    weir_loop_free(loop);
}

TEST(batch_without_memory_delivers_nothing_of_itself)
{
    uint64_t failed = 0;
    for (uint64_t k = 1; k > 0; k++) {
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop);
        weir_gen *gen =
            weir_batch(count_to(root, 9), WEIR_OPTIONS(weir_batch_options, .items_max = 3));
        weir_item batch;
        uint64_t given = 0;
        wr_fault_set(k, false);
        while (weir_next(gen, &batch)) {
            given += 3;
        }
        failed += weir_finish(gen, NULL) < 0;
        bool was_reached = wr_fault_fired() > 0;
        wr_fault_set(0, false);
        ck_assert_uint_le(ledger_of(root).delivered, given); /* or it was not recorded */
        weir_loop_free(loop);
        if (!was_reached) {
            break;
        }
    }
    ck_assert_uint_gt(failed, 3);
}

TEST(buffer_runs_nothing_before_the_first_pull)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_buffer(count_to(weir_root(loop), 9), NULL);
    wr_loop_settle(loop);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

static int closing(weir_gen *self, weir_gen *up, void *args)
{
    long i = 1;
    weir_item item = number_item(&i);
    (void)up;
    while (weir_yield(self, &item)) {}
    **(int **)args += weir_sleep(weir_gen_scope(self), 500);
    return 0;
}

TEST(buffer_close_waits_for_its_task)
{
    weir_loop *loop = test_loop();
    int cleaned = 0, *where = &cleaned;
    weir_gen *gen =
        weir_buffer(weir_gen_new(weir_root(loop), closing, &where, sizeof where, NULL), NULL);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(cleaned, 1);
    weir_loop_free(loop);
}

TEST(buffer_gives_all_items_before_the_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_buffer(numbers(root, (struct numbers_args){.count = 9, .fail_at = 6}), NULL);
    weir_item item;
    weir_error error;
    long last = 0;
    while (weir_next(gen, &item)) {
        last = *number_of(&item);
    }
    ck_assert_int_eq(last, 5);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

MAIN("stage/batch")
