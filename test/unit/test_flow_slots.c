/*
 * What items lie in, in long queues and in batches, is a part of the loop's budget: however small
 * they are, a reader who sleeps holds no more than the budget and one batch.
 */
#include "support_flow.h"
#include "support_state.h"

enum { KIB = 1024, BUDGET = 1024 * KIB, LESS = 300 * KIB, LINES = 200000, PIECE = 4096 };

static weir_loop *small_loop(int64_t bytes)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = bytes));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    return loop;
}

static long lines_count(void)
{
    return wr_test_sweeps() ? PIECE : LINES;
}

WEIR_SOURCE(newlines, long)
{
    static char piece[PIECE];
    memset(piece, '\n', sizeof piece);
    for (long left = *args; left > 0; left -= PIECE) {
        weir_item item = weir_bytes(piece, (size_t)WR_MIN(left, PIECE));
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *empty_lines(weir_loop *loop, long count)
{
    return weir_lines(newlines(weir_root(loop), count));
}

static weir_gen *queue_after(weir_gen *gen, int64_t items_max)
{
    return weir_buffer(gen, WEIR_OPTIONS(weir_queue_options, .items_max = items_max));
}

/* The reader takes one item and sleeps until nothing moves any more. */
static weir_item sleep_after_one(weir_loop *loop, weir_gen *gen)
{
    weir_item item;
    ck_assert(weir_next(gen, &item));
    wr_loop_settle(loop);
    return item;
}

/* The sizes of the batches from the one that was read on; all items follow each other. */
static size_t read_batches(weir_gen *gen, weir_item batch, size_t *sizes, size_t sizes_max)
{
    size_t batches = 0;
    uint64_t seq = 0;
    do {
        const weir_item *parts;
        size_t count = weir_item_parts(&batch, &parts);
        for (size_t i = 0; i < count; i++) {
            MUST(parts[i].seq == ++seq);
        }
        ck_assert_uint_lt(batches, sizes_max);
        sizes[batches++] = count;
    } while (weir_next(gen, &batch));
    return batches;
}

static size_t sum_of_sizes(const size_t *sizes, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += sizes[i];
    }
    return sum;
}

TEST(slots_of_a_long_queue_take_no_more_than_half_of_the_budget)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = queue_after(empty_lines(loop, lines_count()), 10000000);
    weir_item item = sleep_after_one(loop, gen);
    ck_assert_int_le(loop->budget.used, BUDGET);
    ck_assert_int_le(loop->budget.slots, BUDGET / 2);
    ck_assert(wr_test_sweeps() || loop->budget.slots > BUDGET / 4);

    long count = 0;
    do {
        count++;
        MUST(item.seq == (uint64_t)count);
    } while (weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(count, lines_count());
    ck_assert_int_eq(loop->budget.slots, 0);
    weir_loop_free(loop);
}

TEST(slots_of_batches_in_a_queue_take_no_more_than_half_of_the_budget_and_one_batch)
{
    static size_t sizes[LINES];
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = weir_batch(empty_lines(loop, lines_count()),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 1000));
    gen = queue_after(gen, 10000);
    weir_item batch = sleep_after_one(loop, gen);
    ck_assert_int_le(loop->budget.used, BUDGET);
    ck_assert_int_le(loop->budget.slots, BUDGET / 2 + 1000 * 64 + 1024);
    ck_assert(wr_test_sweeps() || loop->budget.slots > BUDGET / 4);

    size_t batches = read_batches(gen, batch, sizes, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(sum_of_sizes(sizes, batches), (size_t)lines_count());
    /* And they are as big as they were asked to be. */
    for (size_t i = 0; i + 1 < batches; i++) {
        ck_assert_uint_eq(sizes[i], 1000);
    }
    ck_assert_int_eq(loop->budget.slots, 0);
    weir_loop_free(loop);
}

TEST(slots_of_batches_of_one_are_charged_with_all_that_a_batch_is)
{
    static size_t sizes[LINES];
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = weir_batch(empty_lines(loop, lines_count()),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 1));
    gen = queue_after(gen, 10000000);
    weir_item batch = sleep_after_one(loop, gen);
    ck_assert_int_le(loop->budget.slots, BUDGET / 2 + 1024);
    ck_assert(wr_test_sweeps() || loop->budget.slots > BUDGET / 4);

    size_t batches = read_batches(gen, batch, sizes, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(batches, (size_t)lines_count());
    weir_loop_free(loop);
}

TEST(slots_of_a_batch_that_is_too_big_end_it_before_its_time)
{
    static size_t sizes[LINES];
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = weir_batch(
        empty_lines(loop, lines_count()),
        WEIR_OPTIONS(weir_batch_options, .items_max = WEIR_NONE, .bytes_max = WEIR_NONE));
    weir_item batch = sleep_after_one(loop, gen);
    size_t batches = read_batches(gen, batch, sizes, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(sum_of_sizes(sizes, batches), (size_t)lines_count());
    ck_assert(wr_test_sweeps() || sizes[0] < BUDGET / 64);
    ck_assert_int_le(loop->budget.peak, BUDGET);
    weir_loop_free(loop);
}

TEST(slots_of_a_batch_without_a_time_that_is_too_big_are_its_failure)
{
    weir_loop *loop = small_loop(LESS);
    weir_gen *gen = weir_batch(empty_lines(loop, 5L * PIECE),
                               WEIR_OPTIONS(weir_batch_options, .items_max = WEIR_NONE,
                                            .bytes_max = WEIR_NONE, .wait_ms = WEIR_NONE));
    weir_item batch;
    weir_error error;
    ck_assert(weir_next(gen, &batch)); /* what came before */
    ck_assert(!weir_next(gen, &batch));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    ck_assert_str_eq(error.origin, "batch");
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

struct text {
    char bytes[1000];
};

/* Bytes that lie in the body's frame, so that who keeps them copies them. */
WEIR_SOURCE(texts, long)
{
    struct text text;
    memset(&text, 'x', sizeof text);
    for (long i = 0; i < *args; i++) {
        weir_item item = weir_bytes(&text, sizeof text);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(copies_in_batches_are_charged)
{
    static size_t sizes[LINES];
    long count = wr_test_sweeps() ? 20 : 10000;
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = weir_batch(texts(weir_root(loop), count),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 10));
    gen = queue_after(gen, 100000);
    weir_item batch = sleep_after_one(loop, gen);
    ck_assert(wr_test_sweeps() || loop->budget.used > BUDGET / 2);

    size_t batches = read_batches(gen, batch, sizes, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(sum_of_sizes(sizes, batches), (size_t)count);
    ck_assert_int_le(loop->budget.peak, BUDGET);
    weir_loop_free(loop);
}

/* Full by bytes after three items. The second one begins while the first is held, with room for
 * more. */
TEST(slots_of_short_batches_are_what_they_hold)
{
    enum { SHORT = 3, EACH = SHORT * sizeof(weir_item) + 256 };
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_batch(count_to(weir_root(loop), 100),
                   WEIR_OPTIONS(weir_batch_options, .bytes_max = SHORT * (int64_t)sizeof(long)));
    weir_item batch, kept;
    ck_assert(weir_next(gen, &batch));
    ck_assert_int_eq(loop->budget.slots, EACH);
    ck_assert_int_eq(weir_item_keep(&kept, &batch), 0);

    ck_assert(weir_next(gen, &batch));

    ck_assert_int_eq(loop->budget.slots, 2 * EACH);
    weir_item_release(&kept);
    ck_assert_int_eq(loop->budget.slots, EACH);
    weir_discard(gen);
    ck_assert_int_eq(loop->budget.slots, 0);
    weir_loop_free(loop);
}

/* Nobody can give the budget back: no wait for ever. */
TEST(batches_that_their_reader_keeps_use_up_the_budget)
{
    weir_loop *loop = small_loop(LESS);
    weir_gen *gen = weir_batch(empty_lines(loop, 5L * PIECE),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 1000));
    weir_item batch, kept[100];
    size_t count = 0;
    while (count < 100 && weir_next(gen, &batch)) {
        ck_assert_int_eq(weir_item_keep(&kept[count++], &batch), 0);
    }
    weir_error error;
    while (count > 0) {
        weir_item_release(&kept[--count]);
    }
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    ck_assert_int_eq(loop->budget.slots, 0);
    weir_loop_free(loop);
}

/* One line of a thousand passes, and its reader sleeps: with a state each line before it has a number
 * that is kept. */
TEST(books_of_a_source_stop_it_when_they_take_half_of_the_budget)
{
    size_t lines = wr_test_sweeps() ? 2000 : 400000, n = 0;
    static char text[2 * 400000];
    for (size_t i = 0; i < lines; i++) {
        memcpy(text + 2 * i, i % 1000 == 999 ? "y\n" : "x\n", 2);
    }
    struct fixture f;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", text, 2 * lines);
    f.loop = small_loop(BUDGET);
    f.scope = weir_scope_new(weir_root(f.loop), NULL);
    f.state = weir_state_open(f.scope, wr_folder_path(&f.folder, "s"), "p");
    weir_gen *gen = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f.state));
    gen = queue_after(weir_grep(gen, "y"), 1000000);
    weir_item item = sleep_after_one(f.loop, gen);

    ck_assert(wr_test_sweeps() || ledger_of(f.scope).in < lines);
    ck_assert_int_le(f.loop->budget.slots, BUDGET);
    do {
        n++;
        MUST(item.seq == 1000 * n);
    } while (weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(n, lines / 1000);
    ck_assert_int_eq(f.loop->budget.slots, 0);
    end(&f);
}

MAIN("flow/slots")
