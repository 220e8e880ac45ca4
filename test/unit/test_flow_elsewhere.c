/*
 * A generator whose scope ends, or runs out of grace, while a task of another scope is inside of
 * it, also with a pull in flight: the wait fails once, clean-up works until the grace has passed,
 * and the reader finds a failure, never a generator that is gone.
 */
#include <unistd.h>

#include "support_flow.h"
#include "texts_flow.h"

struct seen {
    int failures, clean_ups, code;
};

/* Numbers with a pause before each; its clean-up waits `clean_ups` times for clean_ms. */
struct slow {
    weir_scope *scope;
    int64_t pause_ms, clean_ms;
    int clean_ups;
    struct seen *seen;
};
WEIR_SOURCE(slow, struct slow)
{
    for (long i = 1;; i++) {
        if (!weir_sleep(args->scope, args->pause_ms)) {
            weir_error error;
            (void)!weir_catch(self, WEIR_ANY, &error);
            args->seen->failures++;
            args->seen->code = error.code;
            for (int k = 0; k < args->clean_ups; k++) {
                args->seen->clean_ups += weir_sleep(args->scope, args->clean_ms);
            }
            return 0;
        }
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
}

static weir_gen *slow_in(weir_scope *scope, int64_t pause_ms, struct seen *seen)
{
    return slow(scope, (struct slow){scope, pause_ms, 5, 1, seen});
}

struct told {
    int got, rc;
    long count;
};

struct reading {
    weir_gen *gen;
    int64_t wait_ms; /* -1: weir_next */
    struct told *told;
};

static int reader(weir_scope *scope, void *args)
{
    const struct reading *reading = args;
    weir_item item;
    (void)scope;
    for (;;) {
        int got = reading->wait_ms < 0
                      ? (weir_next(reading->gen, &item) ? WEIR_GOT_ITEM : 0)
                      : (int)weir_next_within(reading->gen, &item, reading->wait_ms);
        if (got == WEIR_GOT_OVER) {
            break;
        }
        reading->told->count += got == WEIR_GOT_ITEM;
    }
    reading->told->got = WEIR_GOT_OVER;
    reading->told->rc = weir_finish(reading->gen, NULL);
    return 0;
}

static struct told *read_in(weir_scope *scope, weir_gen *gen, int64_t wait_ms, struct told *told)
{
    struct reading reading = {gen, wait_ms, told};
    *told = (struct told){-1, 1, 0};
    weir_spawn(scope, "reader", reader, &reading, sizeof reading);
    return told;
}

/* Two scopes beside each other: what is made in one is read in the other. */
struct pair {
    weir_loop *loop;
    weir_scope *made, *read;
    int64_t began_ns;
};

static struct pair pair_of(weir_loop *loop)
{
    ck_assert_ptr_nonnull(loop);
    return (struct pair){loop, weir_scope_new(weir_root(loop), NULL),
                         weir_scope_new(weir_root(loop), NULL), wr_now_ns(loop)};
}

static int64_t passed_ms(const struct pair *pair)
{
    return (wr_now_ns(pair->loop) - pair->began_ns) / 1000000;
}

TEST(elsewhere_a_reader_within_is_turned_out_by_the_end_of_the_scope)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen = {0};
    struct told told;
    read_in(pair.read, slow_in(pair.made, 50000, &seen), 100000, &told);
    wr_loop_settle(pair.loop);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.code, WEIR_ECLOSED);
    ck_assert_int_eq(seen.clean_ups, 1);
    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.got, WEIR_GOT_OVER);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    ck_assert_int_lt(passed_ms(&pair), 100);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_reader_that_took_a_late_pull_up_is_turned_out)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen = {0};
    struct told told;
    weir_item item;
    weir_gen *gen = slow_in(pair.made, 50000, &seen);
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    read_in(pair.read, gen, -1, &told);
    wr_loop_settle(pair.loop);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    ck_assert_int_lt(passed_ms(&pair), 100);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_an_item_that_is_there_when_the_scope_ends_is_still_read)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen = {0};
    struct told told;
    read_in(pair.read, slow_in(pair.made, 100, &seen), 100000, &told);
    ck_assert(weir_sleep(weir_root(pair.loop), 100));

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    ck_assert_int_le(told.count, 1);
    weir_loop_free(pair.loop);
}

static void queue_read_elsewhere(int64_t wait_ms)
{
    struct pair pair = pair_of(test_loop());
    struct told told;
    weir_sink *in;
    read_in(pair.read, weir_queue(pair.made, NULL, &in), wait_ms, &told);
    wr_loop_settle(pair.loop);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.got, WEIR_GOT_OVER);
    ck_assert_int_lt(told.rc, 0);
    ck_assert_int_lt(passed_ms(&pair), 100);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_reader_of_a_queue_is_turned_out)
{
    queue_read_elsewhere(-1);
}

TEST(elsewhere_a_reader_within_of_a_queue_is_turned_out)
{
    queue_read_elsewhere(100000);
}

TEST(elsewhere_a_reader_of_the_scopes_own_queue_end_sees_it_fail)
{
    struct pair pair = pair_of(test_loop());
    struct told told;
    weir_sink *in;
    weir_gen *gen = weir_queue(pair.read, NULL, &in);
    weir_sink *writer = weir_sink_share(in);
    read_in(pair.read, gen, 100000, &told);
    wr_loop_settle(pair.loop);

    weir_sink_discard(in);
    weir_sink_discard(writer);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_EABANDONED);
    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);
    weir_loop_free(pair.loop);
}

static void pipe_read_elsewhere(int64_t wait_ms)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct pair pair = pair_of(weir_loop_new(NULL));
    struct told told;
    weir_gen *source = weir_fd_lines(pair.made, fds[0], NULL);
    weir_gen *gen = weir_head(weir_head(source, 5), 4);
    read_in(pair.read, gen, wait_ms, &told);
    wr_loop_settle(pair.loop);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    close(fds[0]);
    close(fds[1]);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_reader_of_a_pipe_is_turned_out)
{
    pipe_read_elsewhere(-1);
}

TEST(elsewhere_a_reader_within_of_a_pipe_is_turned_out)
{
    pipe_read_elsewhere(100000);
}

/* The stage lives with its reader, what it reads does not. */
TEST(elsewhere_a_stage_over_a_pipe_whose_scope_ends_fails)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct pair pair = pair_of(weir_loop_new(NULL));
    struct told told;
    weir_gen *gen = weir_gen_new(pair.read, same_enter, NULL, 0, NULL);
    weir_adopt(gen, weir_fd_lines(pair.made, fds[0], NULL));
    read_in(pair.read, gen, -1, &told);
    wr_loop_settle(pair.loop);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    close(fds[0]);
    close(fds[1]);
    weir_loop_free(pair.loop);
}

static void merge_read_elsewhere(weir_gen *(*over)(weir_gen *merge), int64_t wait_ms)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen[3] = {{0}, {0}, {0}};
    struct told told;
    weir_gen *gens[3] = {slow_in(pair.read, 40, &seen[0]), slow_in(pair.made, 50000, &seen[1]),
                         slow_in(pair.made, 60000, &seen[2])};
    weir_gen *gen = over(weir_merge(pair.read, gens, 3));
    read_in(pair.read, gen, wait_ms, &told);
    ck_assert(weir_sleep(weir_root(pair.loop), 100));

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    ck_assert_int_ge(told.count, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(seen[i].failures, 1);
        ck_assert_int_eq(seen[i].clean_ups, 1);
    }
    ck_assert_int_lt(passed_ms(&pair), 1000);
    weir_loop_free(pair.loop);
}

static weir_gen *itself(weir_gen *gen)
{
    return gen;
}

static weir_gen *batches(weir_gen *gen)
{
    return weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .wait_ms = 30000));
}

TEST(elsewhere_a_merge_fails_with_the_scope_of_an_input)
{
    merge_read_elsewhere(itself, -1);
}

TEST(elsewhere_a_merge_read_within_fails_with_the_scope_of_an_input)
{
    merge_read_elsewhere(itself, 10);
}

TEST(elsewhere_a_batch_gives_what_it_has_when_a_scope_behind_it_ends)
{
    merge_read_elsewhere(batches, -1);
}

/* ---- a reader that comes while the scope ends */

TEST(elsewhere_a_merge_at_rest_finds_the_inputs_of_an_ended_scope_failed)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen[2] = {{0}, {0}};
    struct told told;
    weir_item item;
    weir_gen *gens[2] = {slow_in(pair.made, 40, &seen[0]), slow_in(pair.made, 40, &seen[1])};
    weir_gen *gen = weir_merge(pair.read, gens, 2);
    ck_assert(weir_next(gen, &item)); /* one has given, the other's pull has a result or is late */

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    read_in(pair.read, gen, -1, &told);
    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(told.rc, WEIR_ECLOSED);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_late_pull_behind_a_stage_at_rest_is_ended_with_its_scope)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen = {0};
    weir_item item;
    weir_gen *gen =
        weir_batch(slow_in(pair.made, 40, &seen), WEIR_OPTIONS(weir_batch_options, .wait_ms = 50));
    weir_gen *top = weir_gen_new(pair.read, same_enter, NULL, 0, NULL);
    weir_adopt(top, gen);
    ck_assert(weir_next(top, &item));

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.clean_ups, 1);
    ck_assert(!weir_next(top, &item));
    ck_assert_int_eq(weir_finish(top, NULL), WEIR_ECLOSED);
    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    weir_loop_free(pair.loop);
}

/* Its clean-up after a yield takes a while. */
WEIR_SOURCE(leaves_slowly, struct slow)
{
    long one = 1;
    weir_item item = number_item(&one);
    while (weir_yield(self, &item)) {}
    args->seen->clean_ups += weir_sleep(args->scope, args->clean_ms);
    return 0;
}

/* The scope closes what rests, and its reader comes meanwhile. */
static void comes_while_closing(bool staged, int64_t wait_ms)
{
    struct pair pair = pair_of(test_loop());
    struct seen seen = {0};
    struct told told;
    weir_item item;
    weir_gen *gen = leaves_slowly(pair.made, (struct slow){weir_root(pair.loop), 0, 500, 1, &seen});
    if (staged) {
        weir_gen *stage = weir_gen_new(pair.read, same_enter, NULL, 0, NULL);
        weir_adopt(stage, gen);
        gen = stage;
    }
    ck_assert(weir_next(gen, &item));
    read_in(pair.read, gen, wait_ms, &told); /* runs when the scope's end first waits */

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_eq(seen.clean_ups, 1);
    ck_assert_int_eq(told.got, WEIR_GOT_OVER);
    ck_assert_int_eq(told.count, 0);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_reader_that_comes_while_the_scope_closes_waits_for_it)
{
    comes_while_closing(false, -1);
}

TEST(elsewhere_a_reader_within_that_comes_while_the_scope_closes_waits_for_it)
{
    comes_while_closing(false, 100000);
}

TEST(elsewhere_a_stage_that_comes_while_the_scope_closes_waits_for_it)
{
    comes_while_closing(true, -1);
}

/* ---- the grace */

static char logged[4096];

static void log_all(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof logged - len, "%s: %s\n", origin, text);
}

static weir_loop *logging_loop(void)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = log_all));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    logged[0] = '\0';
    return loop;
}

/* A clean-up that waits for ever, three times: canceled, it has the grace, then all waits fail. */
static void grace_runs_out(int64_t wait_ms, const char *names)
{
    struct pair pair = pair_of(logging_loop());
    struct seen seen = {0};
    struct told told;
    weir_gen *gen = slow(pair.made, (struct slow){pair.made, 50000, 1000000000, 3, &seen});
    read_in(pair.read, gen, wait_ms, &told);
    wr_loop_settle(pair.loop);

    weir_scope_cancel(pair.made);

    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);
    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.clean_ups, 0);
    ck_assert_int_ge(passed_ms(&pair), 4999);
    ck_assert_int_lt(passed_ms(&pair), 6000);
    ck_assert_msg(strstr(logged, names) != NULL, "%s", logged);
    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);
    ck_assert_int_lt(told.rc, 0);
    weir_loop_free(pair.loop);
}

TEST(elsewhere_a_clean_up_in_a_reader_ends_with_the_grace)
{
    grace_runs_out(-1, TEXT_FLOW_GRACE("reader"));
}

TEST(elsewhere_a_clean_up_of_a_pull_in_flight_ends_with_the_grace)
{
    grace_runs_out(1000000000, TEXT_FLOW_GRACE("slow"));
}

/* The reader's own waits go on when it is out of the generator. */
static int reads_then_sleeps(weir_scope *scope, void *args)
{
    const struct reading *reading = args;
    weir_item item;
    (void)!weir_next(reading->gen, &item);
    reading->told->rc = weir_finish(reading->gen, NULL);
    reading->told->got = weir_sleep(scope, 10);
    return 0;
}

TEST(elsewhere_a_reader_that_came_out_waits_as_before)
{
    struct pair pair = pair_of(logging_loop());
    struct seen seen = {0};
    struct told told = {-1, 1, 0};
    struct reading reading = {
        slow(pair.made, (struct slow){pair.made, 50000, 1000000000, 3, &seen}), -1, &told};
    weir_spawn(pair.read, "reader", reads_then_sleeps, &reading, sizeof reading);
    wr_loop_settle(pair.loop);
    weir_scope_cancel(pair.made);
    ck_assert_int_eq(weir_scope_wait(pair.made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(pair.read, NULL), 0);

    ck_assert_int_eq(told.got, true);
    ck_assert_int_eq(told.rc, WEIR_ECANCELED);
    weir_loop_free(pair.loop);
}

MAIN("flow/elsewhere")
