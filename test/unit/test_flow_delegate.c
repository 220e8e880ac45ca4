/*
 * What a delegate of weir_yield_from owes to the scope that it was made in: the end, a cancel, a
 * stop and a deadline of that scope reach it, and what it reads, as they reach a generator that a
 * body has adopted; and its delegator goes on.
 */
#include "support_flow.h"

struct none {
    char unused;
};

struct place {
    weir_scope *scope;
};

WEIR_STAGE(relay, struct none)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *plain(weir_gen *up)
{
    return up;
}

static weir_gen *relayed(weir_gen *up)
{
    return relay(up, (struct none){0});
}

static weir_gen *headed(weir_gen *up)
{
    return weir_head(up, 100);
}

static weir_gen *buffered(weir_gen *up)
{
    return weir_buffer(up, NULL);
}

static weir_gen *twice_relayed(weir_gen *up)
{
    return relayed(weir_head(relayed(up), 100));
}

static weir_gen *(*const shapes[])(weir_gen *up) = {plain, relayed, headed, buffered,
                                                    twice_relayed};

/* A test of each of these delegates. */
#define TEST_EACH(name)                                               \
    static void name##_with(weir_gen *(*shape)(weir_gen * up));       \
    TEST(name)                                                        \
    {                                                                 \
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) { \
            name##_with(shapes[i]);                                   \
        }                                                             \
    }                                                                 \
    static void name##_with(weir_gen *(*shape)(weir_gen * up))

/* Counts up, with a pause before each number, and says how it was ended. */
struct life {
    int failures, stops, ends, code;
    int64_t clean_ms; /* how long its clean-up waits */
    weir_scope *scope_at_end;
};

struct counting {
    weir_scope *scope;
    int64_t pause_ms;
    struct life *life;
};

WEIR_SOURCE(counting, struct counting)
{
    struct life *life = args->life;
    for (long i = 1;; i++) {
        weir_item item = number_item(&i);
        weir_error error;
        if (args->pause_ms > 0 && !weir_sleep(args->scope, args->pause_ms)) {
            (void)!weir_catch(self, WEIR_ANY, &error);
            life->code = error.code;
            life->failures++;
            break;
        }
        if (!weir_yield(self, &item)) {
            (void)!weir_catch(self, WEIR_ANY, &error);
            life->code = error.code;
            life->stops++;
            break;
        }
    }
    if (life->clean_ms > 0 && weir_sleep(args->scope, life->clean_ms)) {
        life->clean_ms = 0;
    }
    life->scope_at_end = weir_gen_scope(self);
    life->ends++;
    return 0;
}

/* Delegates, then gives 1000 if the delegate has ended, or 2000 and its failure is caught. */
struct outer {
    weir_gen *inner;
    int *code;
    int catches; /* the code that is taken; 0: none */
};

WEIR_SOURCE(outer, struct outer)
{
    weir_error error;
    long last = 1000;
    if (!weir_yield_from(self, args->inner, NULL)) {
        bool taken = weir_catch(self, args->catches, &error);
        *args->code = error.code;
        if (!taken) {
            return 0;
        }
        last = 2000;
    }
    weir_item item = number_item(&last);
    (void)!weir_yield(self, &item);
    return 0;
}

static long next_of(weir_gen *gen)
{
    weir_item item;
    return weir_next(gen, &item) ? *number_of(&item) : -1;
}

/* A delegate made in a scope of its own, read in the root. */
struct setting {
    weir_loop *loop;
    weir_scope *in;
    struct life life;
    weir_gen *gen;
    int code;
};

static void set_up(struct setting *s, weir_gen *(*shape)(weir_gen *up), int64_t pause_ms,
                   int catches)
{
    s->loop = test_loop();
    s->in = weir_scope_new(weir_root(s->loop), NULL);
    s->life = (struct life){0};
    s->code = 0;
    weir_gen *inner = shape(counting(s->in, (struct counting){s->in, pause_ms, &s->life}));
    s->gen = outer(weir_root(s->loop), (struct outer){inner, &s->code, catches});
}

static int64_t now_ms(const weir_loop *loop)
{
    return wr_now_ns(loop) / 1000000;
}

TEST_EACH(delegate_with_a_chain_of_its_own_ends_with_its_delegator)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct life life = {0};
    int code = 0;
    weir_gen *gen = outer(
        root, (struct outer){shape(counting(root, (struct counting){root, 0, &life})), &code, 0});
    ck_assert_int_eq(next_of(gen), 1);

    weir_loop_free(loop);

    ck_assert_int_eq(life.ends, 1);
    ck_assert_int_eq(code, WEIR_ECANCELED);
}

TEST_EACH(delegate_at_rest_fails_when_its_scope_ends)
{
    struct setting s;
    set_up(&s, shape, 0, 0);
    ck_assert_int_eq(next_of(s.gen), 1);

    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);

    ck_assert_int_eq(s.life.ends, 1);
    ck_assert_int_eq(next_of(s.gen), -1);
    ck_assert_int_eq(s.code, WEIR_ECLOSED);
    ck_assert_int_eq(weir_finish(s.gen, NULL), WEIR_ECLOSED);
    weir_loop_free(s.loop);
}

TEST_EACH(delegate_whose_scope_has_ended_can_be_caught)
{
    struct setting s;
    set_up(&s, shape, 0, WEIR_ECLOSED);
    ck_assert_int_eq(next_of(s.gen), 1);
    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);

    ck_assert_int_eq(next_of(s.gen), 2000);

    ck_assert_int_eq(next_of(s.gen), -1);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    weir_loop_free(s.loop);
}

TEST_EACH(delegate_at_rest_is_canceled_with_its_scope)
{
    struct setting s;
    set_up(&s, shape, 0, WEIR_ECANCELED);
    ck_assert_int_eq(next_of(s.gen), 1);
    weir_scope_cancel(s.in);

    ck_assert_int_eq(next_of(s.gen), 2000);

    ck_assert_int_eq(s.life.ends, 1);
    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    weir_loop_free(s.loop);
}

TEST_EACH(delegate_that_waits_is_canceled_with_its_scope)
{
    struct setting s;
    set_up(&s, shape, 50000, WEIR_ECANCELED);
    weir_item item;
    ck_assert_int_eq(weir_next_within(s.gen, &item, 10), WEIR_GOT_LATE);
    weir_scope_cancel(s.in);

    ck_assert_int_eq(next_of(s.gen), 2000);

    ck_assert_int_eq(s.life.failures, 1);
    ck_assert_int_lt(now_ms(s.loop), 2000);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);
    weir_loop_free(s.loop);
}

TEST_EACH(delegate_that_waits_comes_out_when_its_scope_ends)
{
    struct setting s;
    set_up(&s, shape, 50000, WEIR_ECLOSED);
    weir_item item;
    ck_assert_int_eq(weir_next_within(s.gen, &item, 10), WEIR_GOT_LATE);

    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);

    ck_assert_int_eq(s.life.failures, 1);
    ck_assert_int_eq(next_of(s.gen), 2000);
    ck_assert_int_lt(now_ms(s.loop), 2000);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    weir_loop_free(s.loop);
}

TEST_EACH(delegate_stops_with_its_scope)
{
    struct setting s;
    set_up(&s, shape, 0, 0);
    ck_assert_int_eq(next_of(s.gen), 1);
    weir_scope_stop(s.in);

    long last = 0, more;
    while ((more = next_of(s.gen)) > 0) {
        last = more; /* a buffer has read ahead */
    }

    ck_assert_int_eq(last, 1000);
    ck_assert_int_eq(s.life.ends, 1);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);
    weir_loop_free(s.loop);
}

/* A body that opens a scope with a deadline for its delegate. */
WEIR_SOURCE(timed, struct counting)
{
    weir_error error;
    weir_scope *in =
        weir_scope_new(args->scope, WEIR_OPTIONS(weir_scope_options, .deadline_ms = 30));
    bool more = weir_yield_from(
        self, counting(in, (struct counting){in, args->pause_ms, args->life}), NULL);
    bool taken = weir_catch(self, WEIR_ECANCELED, &error);
    int rc = weir_scope_wait(in, NULL);
    ck_assert(!more && taken);
    ck_assert_int_eq(rc, WEIR_ETIMEDOUT);
    return 0;
}

TEST(delegate_has_the_deadline_of_its_scope)
{
    weir_loop *loop = test_loop();
    struct life life = {0};
    weir_gen *gen = timed(weir_root(loop), (struct counting){weir_root(loop), 1500, &life});
    int64_t began_ms = now_ms(loop);

    ck_assert_int_eq(next_of(gen), -1);

    ck_assert_int_eq(now_ms(loop) - began_ms, 30);
    ck_assert_int_eq(life.failures, 1);
    ck_assert_int_eq(life.code, WEIR_ECANCELED);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* Cancels the scope it is made in, and gives one more number. */
WEIR_SOURCE(cancels, struct place)
{
    long one = 1;
    weir_item item = number_item(&one);
    weir_scope_cancel(args->scope);
    (void)!weir_yield(self, &item);
    return 0;
}

TEST(delegate_that_cancels_its_own_scope_ends_at_the_next_pull)
{
    weir_loop *loop = test_loop();
    weir_scope *in = weir_scope_new(weir_root(loop), NULL);
    int code = 0;
    weir_gen *gen = outer(weir_root(loop),
                          (struct outer){cancels(in, (struct place){in}), &code, WEIR_ECANCELED});
    ck_assert_int_eq(next_of(gen), 1);

    ck_assert_int_eq(next_of(gen), 2000);

    ck_assert_int_eq(code, WEIR_ECANCELED);
    ck_assert_int_eq(weir_scope_wait(in, NULL), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* Of a chain of delegates, one in the middle. */
static void middle_ends(void (*end)(weir_scope *in), int code)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *in = weir_scope_new(root, NULL);
    struct life life = {0};
    int codes[3] = {0, 0, 0};
    weir_gen *leaf = counting(root, (struct counting){root, 0, &life});
    weir_gen *middle = outer(in, (struct outer){leaf, &codes[0], 0});
    weir_gen *above = outer(root, (struct outer){middle, &codes[1], code});
    weir_gen *gen = outer(root, (struct outer){above, &codes[2], 0});
    ck_assert_int_eq(next_of(gen), 1);

    end(in);

    ck_assert_int_eq(next_of(gen), 2000);
    ck_assert_int_eq(life.ends, 1);
    ck_assert_int_eq(codes[1], code);
    ck_assert_int_eq(next_of(gen), 1000);
    ck_assert_int_eq(next_of(gen), -1);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

static void wait_for_scope(weir_scope *in)
{
    ck_assert_int_eq(weir_scope_wait(in, NULL), 0);
}

TEST(delegate_in_a_chain_takes_those_behind_it_along_when_its_scope_ends)
{
    middle_ends(wait_for_scope, WEIR_ECLOSED);
}

TEST(delegate_in_a_chain_takes_those_behind_it_along_when_it_is_canceled)
{
    middle_ends(weir_scope_cancel, WEIR_ECANCELED);
}

struct reading {
    weir_gen *gen;
    long *got;
};

static int read_one(weir_scope *scope, void *args)
{
    const struct reading *reading = args;
    (void)scope;
    *reading->got = next_of(reading->gen);
    return 0;
}

TEST(delegate_that_its_scope_closes_is_waited_for_by_a_reader)
{
    struct setting s;
    long got = 0;
    set_up(&s, plain, 0, WEIR_ECLOSED);
    s.life.clean_ms = 100;
    ck_assert_int_eq(next_of(s.gen), 1);
    struct reading reading = {s.gen, &got};
    weir_spawn(weir_root(s.loop), "reader", read_one, &reading, sizeof reading);

    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);

    wr_loop_settle(s.loop);
    ck_assert_int_eq(s.life.ends, 1);
    ck_assert_int_eq(got, 2000);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    weir_loop_free(s.loop);
}

TEST(delegate_that_was_canceled_before_it_began_fails)
{
    struct setting s;
    set_up(&s, plain, 0, WEIR_ECANCELED);
    weir_scope_cancel(s.in);

    ck_assert_int_eq(next_of(s.gen), 2000);

    ck_assert_int_eq(s.code, WEIR_ECANCELED);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(s.in, NULL), 0);
    weir_loop_free(s.loop);
}

TEST(delegate_is_thrown_at_past_one_that_was_canceled)
{
    struct setting s;
    weir_item item;
    set_up(&s, plain, 0, WEIR_EPARSE);
    ck_assert_int_eq(next_of(s.gen), 1);
    weir_scope_cancel(s.in);

    ck_assert_int_eq(weir_throw(s.gen, WEIR_EPARSE, "bad", &item), WEIR_GOT_ITEM);

    ck_assert_int_eq(*number_of(&item), 2000);
    ck_assert_int_eq(s.code, WEIR_EPARSE);
    ck_assert_int_eq(s.life.code, WEIR_ECANCELED);
    ck_assert_int_eq(weir_finish(s.gen, NULL), 0);
    weir_loop_free(s.loop);
}

/* ---- a body that reads another one, whose scope ends */

WEIR_STAGE(goes_on, struct none)
{
    weir_item item;
    long last = 3000;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    ck_assert_int_lt(weir_finish(up, NULL), 0);
    item = number_item(&last);
    (void)!weir_yield(self, &item);
    return 0;
}

static void upstream_ends(void (*end)(weir_scope *in))
{
    weir_loop *loop = test_loop();
    weir_scope *in = weir_scope_new(weir_root(loop), NULL);
    struct life life = {0};
    weir_item item;
    weir_gen *gen = weir_gen_new(weir_root(loop), goes_on_enter, NULL, 0, NULL);
    weir_adopt(gen, counting(in, (struct counting){in, 50000, &life}));
    ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_LATE);

    end(in);

    ck_assert_int_eq(next_of(gen), 3000);
    ck_assert_int_eq(life.failures, 1);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(body_goes_on_when_the_scope_of_what_it_waits_for_ends)
{
    upstream_ends(wait_for_scope);
}

TEST(body_goes_on_when_the_scope_of_what_it_waits_for_is_canceled)
{
    upstream_ends(weir_scope_cancel);
}

MAIN("flow/delegate")
