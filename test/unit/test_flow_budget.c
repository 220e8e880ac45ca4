/*
 * The loop's byte budget when those who wait for it also hold it: what nobody can release any more
 * is a failure, what a slow reader will release is not.
 */
#include "support_flow.h"
#include "texts_flow.h"

/* A line of LONG bytes needs 768 KiB while its reader moves to a larger block: in a budget of PAIR
 * bytes one reader comes through, and two meet half way. */
enum { KIB = 1024, BUDGET = 512 * KIB, PAIR = 900 * KIB, CHUNK = 16 * KIB, LONG = 400 * KIB };

static weir_loop *small_loop(int64_t bytes)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = bytes));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    return loop;
}

/* Pieces of text of which each line has so many bytes. */
struct text {
    long bytes, line_bytes;
    weir_scope *scope; /* time passes before each piece; NULL: none */
};
WEIR_SOURCE(text_of, struct text)
{
    static char chunk[CHUNK];
    long in_line = 0;
    for (long given = 0; given < args->bytes; given += CHUNK) {
        for (size_t i = 0; i < CHUNK; i++) {
            bool end = ++in_line == args->line_bytes;
            chunk[i] = end ? '\n' : 'x';
            in_line = end ? 0 : in_line;
        }
        if (args->scope != NULL && !weir_sleep(args->scope, 1)) {
            break;
        }
        weir_item item = weir_bytes(chunk, CHUNK);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *lines_of(weir_scope *scope, long bytes, long line_bytes)
{
    return weir_lines(text_of(scope, (struct text){bytes, line_bytes, NULL}));
}

static weir_gen *long_lines(weir_scope *scope)
{
    return weir_framed(text_of(scope, (struct text){4 * LONG, LONG, scope}),
                       WEIR_OPTIONS(weir_framing, .item_bytes_max = 4 * LONG));
}

/* Somebody else on the loop, who waits for a timer. */
static int sleeps_long(weir_scope *scope, void *args)
{
    (void)args;
    (void)!weir_sleep(scope, 1000000000);
    return 0;
}

static void beside(weir_scope *scope)
{
    weir_spawn(scope, "sleeper", sleeps_long, NULL, 0);
}

static bool soon(const weir_loop *loop)
{
    return wr_now_ns(loop) < (int64_t)2 * 1000000000;
}

static int read_to_end(weir_gen *gen, size_t *count, weir_error *error)
{
    weir_item item;
    while (weir_next(gen, &item)) {
        *count += 1;
    }
    return weir_finish(gen, error);
}

TEST(budget_of_two_merged_readers_with_long_lines_is_a_failure)
{
    weir_loop *loop = small_loop(PAIR);
    weir_scope *root = weir_root(loop);
    weir_gen *gens[2] = {long_lines(root), long_lines(root)};
    weir_error error;
    size_t count = 0;

    int rc = read_to_end(weir_merge(root, gens, 2), &count, &error);

    ck_assert_int_eq(rc, WEIR_EBUDGET);
    ck_assert_str_eq(error.origin, "lines");
    ck_assert_msg(strstr(error.message, TEXT_FLOW_BUDGET_OF) != NULL, "%s", error.message);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(budget_held_by_waiters_alone_is_a_failure_beside_one_who_sleeps)
{
    weir_loop *loop = small_loop(PAIR);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_gen *gens[2] = {long_lines(root), long_lines(root)};
    size_t count = 0;
    beside(scope);

    ck_assert_int_eq(read_to_end(weir_merge(root, gens, 2), &count, NULL), WEIR_EBUDGET);

    ck_assert(soon(loop));
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

struct reading {
    weir_gen *gen;
    int *rc;
    size_t *count;
};

static int read_all(weir_scope *scope, void *args)
{
    struct reading *reading = args;
    (void)scope;
    *reading->rc = read_to_end(reading->gen, reading->count, NULL);
    return 0;
}

TEST(budget_that_a_failure_frees_lets_the_other_reader_go_on)
{
    weir_loop *loop = small_loop(PAIR);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    int rc[2] = {1, 1};
    size_t count[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct reading reading = {long_lines(root), &rc[i], &count[i]};
        weir_spawn(scope, "reader", read_all, &reading, sizeof reading);
    }

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    int other = rc[0] == 0 ? 0 : 1;
    ck_assert_int_eq(rc[other], 0);
    ck_assert_uint_eq(count[other], 4);
    ck_assert_int_eq(rc[!other], WEIR_EBUDGET);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(budget_smaller_than_a_batch_is_a_failure)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_gen *gen = weir_batch(lines_of(root, 4 * BUDGET, 128),
                               WEIR_OPTIONS(weir_batch_options, .items_max = WEIR_NONE,
                                            .bytes_max = WEIR_NONE, .wait_ms = WEIR_NONE));
    weir_error error;
    size_t count = 0;
    beside(scope);

    ck_assert_int_eq(read_to_end(gen, &count, &error), WEIR_EBUDGET);

    ck_assert(soon(loop));
    ck_assert_uint_eq(count, 1); /* what came before the failure */
    ck_assert_str_eq(error.origin, "lines");
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(budget_smaller_than_a_batch_with_a_time_makes_the_batches_smaller)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_gen *gen = weir_batch(
        lines_of(weir_root(loop), 4 * BUDGET, 128),
        WEIR_OPTIONS(weir_batch_options, .items_max = WEIR_NONE, .bytes_max = WEIR_NONE));
    size_t count = 0;
    int64_t began_ns = wr_now_ns(loop);

    ck_assert_int_eq(read_to_end(gen, &count, NULL), 0);

    ck_assert_uint_gt(count, 3);
    ck_assert_int_lt(wr_now_ns(loop) - began_ns,
                     (int64_t)100 * 1000000); /* and not each after its second */
    weir_loop_free(loop);
}

/* Reads and keeps all, as a program might. */
static int keep_all(weir_gen *gen, weir_item *kept, size_t max, size_t *count)
{
    weir_item item;
    int rc = 0;
    while (*count < max && rc == 0 && weir_next(gen, &item)) {
        rc = weir_item_keep(&kept[*count], &item);
        *count += rc == 0;
    }
    return rc;
}

TEST(budget_kept_by_the_one_who_reads_is_a_failure)
{
    weir_loop *loop = small_loop(BUDGET);
    static weir_item kept[4 * BUDGET / KIB];
    weir_gen *gen = lines_of(weir_root(loop), 4 * BUDGET, KIB);
    size_t count = 0;

    ck_assert_int_eq(keep_all(gen, kept, 4 * BUDGET / KIB, &count), 0);

    ck_assert_uint_gt(count, 300);
    ck_assert_uint_lt(count, 4 * BUDGET / KIB);
    while (count > 0) {
        weir_item_release(&kept[--count]);
    }
    weir_error error;
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    ck_assert_str_eq(error.message, TEXT_FLOW_BUDGET_GONE);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

struct keeping {
    weir_gen *gen;
    weir_scope *scope;
    size_t *count;
    int *rc;
    char *why;
};

/* Holds all that it has read until there is no more for now, and lets it go a second later. */
static int keeps_for_a_while(weir_scope *scope, void *args)
{
    struct keeping *keeping = args;
    enum { KEPT_MAX = 2 * BUDGET / KIB };
    static weir_item kept[KEPT_MAX];
    size_t n = 0;
    weir_item item;
    weir_got got;
    while ((got = weir_next_within(keeping->gen, &item, 10)) != WEIR_GOT_OVER) {
        if (got == WEIR_GOT_ITEM && weir_item_keep(&kept[n], &item) == 0) {
            n++;
            *keeping->count += 1;
        }
        if (got == WEIR_GOT_LATE || n == KEPT_MAX) {
            if (got == WEIR_GOT_LATE) {
                (void)weir_why(keeping->gen, keeping->why, 300);
            }
            (void)!weir_sleep(scope, 1000);
            while (n > 0) {
                weir_item_release(&kept[--n]);
            }
        }
    }
    while (n > 0) {
        weir_item_release(&kept[--n]);
    }
    *keeping->rc = weir_finish(keeping->gen, NULL);
    return 0;
}

TEST(budget_held_by_a_slow_reader_is_waited_for)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    size_t count = 0;
    int rc = 1;
    char why[300] = "";
    struct keeping keeping = {lines_of(root, 4 * BUDGET, KIB), root, &count, &rc, why};
    weir_spawn(scope, "keeper", keeps_for_a_while, &keeping, sizeof keeping);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(count, 4 * BUDGET / KIB);
    ck_assert_msg(strstr(why, TEXT_FLOW_BUDGET_WAIT) != NULL, "%s", why);
    weir_loop_free(loop);
}

static int drains_slowly(weir_scope *scope, void *args)
{
    const struct reading *reading = args;
    weir_item item;
    while (weir_next(reading->gen, &item)) {
        *reading->count += 1;
        (void)!weir_sleep(scope, 50);
    }
    *reading->rc = weir_finish(reading->gen, NULL);
    return 0;
}

TEST(budget_of_a_queue_before_a_slow_sink_is_waited_for)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    int rc[2] = {1, 1};
    size_t count[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        weir_gen *gen =
            weir_buffer(lines_of(root, 2 * BUDGET, 8 * KIB),
                        WEIR_OPTIONS(weir_queue_options, .items_max = 10000, .bytes_max = 1 << 30));
        struct reading reading = {gen, &rc[i], &count[i]};
        weir_spawn(scope, "sink", drains_slowly, &reading, sizeof reading);
    }

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(rc[0], 0);
    ck_assert_int_eq(rc[1], 0);
    ck_assert_uint_eq(count[0] + count[1], 2 * 2 * BUDGET / (8 * KIB));
    weir_loop_free(loop);
}

/* Bytes of nobody's block: a queue copies them. */
struct writing {
    weir_sink *to;
    int *rc;
};

static int writes_copies(weir_scope *scope, void *args)
{
    const struct writing *writing = args;
    static char text[50 * KIB];
    weir_item item = weir_bytes(text, sizeof text);
    (void)scope;
    for (int i = 0; i < 40 && weir_put(writing->to, &item); i++) {}
    *writing->rc = weir_sink_finish(writing->to, NULL);
    return 0;
}

TEST(budget_of_a_queue_whose_reader_keeps_all_is_its_writers_failure)
{
    weir_loop *loop = small_loop(BUDGET);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    static weir_item kept[80];
    int rc[2] = {1, 1};
    weir_sink *in[2];
    weir_gen *gen = weir_queue(root, NULL, &in[0]);
    in[1] = weir_sink_share(in[0]);
    for (int i = 0; i < 2; i++) {
        struct writing writing = {in[i], &rc[i]};
        weir_spawn(scope, "writer", writes_copies, &writing, sizeof writing);
    }
    size_t count = 0;

    ck_assert_int_eq(keep_all(gen, kept, 80, &count), 0);

    while (count > 0) {
        weir_item_release(&kept[--count]);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EBUDGET);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert(rc[0] == WEIR_EBUDGET || rc[1] == WEIR_EBUDGET);
    weir_loop_free(loop);
}

/* ---- budgets of less than a usual block */

TEST(budget_of_a_few_lines_lets_a_queue_of_them_through)
{
    weir_loop *loop = small_loop(8 * KIB);
    weir_error error;
    size_t count = 0;
    weir_gen *gen = weir_buffer(lines_of(weir_root(loop), 64 * CHUNK, 128), NULL);

    ck_assert_int_eq(read_to_end(gen, &count, &error), 0);

    ck_assert_uint_eq(count, 64 * CHUNK / 128);
    ck_assert_int_le(loop->budget.peak, 8 * KIB);
    weir_loop_free(loop);
}

TEST(budget_too_small_for_lines_that_are_held_says_so)
{
    weir_loop *loop = small_loop(1);
    weir_error error;
    size_t count = 0;
    weir_gen *gen = weir_buffer(lines_of(weir_root(loop), 64 * CHUNK, 125), NULL);

    ck_assert_int_eq(read_to_end(gen, &count, &error), WEIR_EBUDGET);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_FLOW_ITEMS_HELD));
    weir_loop_free(loop);
}

MAIN("flow/budget")
