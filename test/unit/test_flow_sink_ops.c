/*
 * The operations of a sink of one's own that are not needed by every sink: wait, room, why; and the
 * far end that goes while nothing is put.
 */
#include <stdio.h>

#include <weir/wait.h>

#include "flow_sink.h"
#include "support_flow.h"

/* A far end that takes what fits, and makes room when time has passed. */
struct far {
    size_t room, most, held; /* items */
    long sum;
    int waits, puts;
    size_t largest; /* of the puts */
    int wait_fails;
};

static int far_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct far *far = *(struct far **)self;
    (void)sink;
    for (size_t i = 0; i < count; i++) {
        far->sum += *number_of(&items[i]);
    }
    far->puts++;
    far->held += count;
    far->room -= count < far->room ? count : far->room;
    far->largest = count > far->largest ? count : far->largest;
    return 0;
}

static int far_flush(weir_sink *sink, void *self)
{
    const struct far *far = *(struct far **)self;
    (void)sink;
    return far->held > 0 ? 1 : 0;
}

static int far_wait(weir_sink *sink, void *self)
{
    struct far *far = *(struct far **)self;
    far->waits++;
    if (far->wait_fails < 0) {
        return far->wait_fails;
    }
    if (!weir_sleep(weir_sink_scope(sink), 100)) {
        return WEIR_ECANCELED;
    }
    far->held = 0;
    far->room = far->most;
    return 0;
}

static size_t far_room(weir_sink *sink, void *self)
{
    const struct far *far = *(struct far **)self;
    (void)sink;
    return far->room;
}

static size_t far_why(const weir_sink *sink, const void *self, char *text, size_t cap)
{
    const struct far *far = *(struct far *const *)self;
    (void)sink;
    return (size_t)snprintf(text, cap, "%zu held", far->held);
}

static weir_sink *far_sink(weir_scope *scope, struct far *far, bool has_room)
{
    weir_sink_ops ops = {.struct_size = sizeof ops,
                         .name = "far",
                         .put_many = far_put,
                         .flush = far_flush,
                         .wait = far_wait,
                         .room = has_room ? far_room : NULL,
                         .why = far_why};
    return weir_sink_new(scope, &ops, &far, sizeof far);
}

TEST(wait_gets_the_rest_out_before_a_commit)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct far far = {.most = 100};
    weir_sink *sink = far_sink(root, &far, false);
    int64_t began = weir_now(root);

    ck_assert_int_eq(weir_pump(count_to(root, 10), sink, NULL), 0);

    ck_assert_int_eq(far.sum, 55);
    ck_assert_int_ge(far.waits, 1);
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 100);
    ck_assert_uint_eq(ledger_of(root).delivered, 10);
    weir_loop_free(loop);
}

TEST(wait_that_fails_fails_the_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct far far = {.most = 100, .wait_fails = WEIR_ERESET};
    weir_error error;

    ck_assert_int_eq(weir_pump(count_to(root, 10), far_sink(root, &far, false), &error),
                     WEIR_ERESET);

    ck_assert_str_eq(error.origin, "far");
    ck_assert_uint_eq(ledger_of(root).in_flight, 10);
    weir_loop_free(loop);
}

TEST(room_bounds_what_a_pump_asks_for)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct far far = {.room = 3, .most = 3};

    ck_assert_int_eq(weir_pump(count_to(root, 10), far_sink(root, &far, true), NULL), 0);

    ck_assert_int_eq(far.sum, 55);
    ck_assert_uint_le(far.largest, 3);
    ck_assert_int_ge(far.waits, 3);
    weir_loop_free(loop);
}

TEST(room_without_a_wait_is_one_at_a_time)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct far far = {.room = 0}, *arg = &far;
    weir_sink_ops ops = {.struct_size = sizeof ops, .put_many = far_put, .room = far_room};
    weir_sink *sink = weir_sink_new(root, &ops, &arg, sizeof arg);

    ck_assert_int_eq(weir_pump(count_to(root, 5), sink, NULL), 0);

    ck_assert_int_eq(far.puts, 5);
    weir_loop_free(loop);
}

TEST(why_is_told_in_the_sinks_own_words)
{
    weir_loop *loop = test_loop();
    struct far far = {.held = 3};
    weir_sink *sink = far_sink(weir_root(loop), &far, false);
    char text[40];

    ck_assert(sink->object.ops != NULL); /* else there was no memory for it */
    ck_assert_uint_eq(sink->object.ops->why(&sink->object, text, sizeof text), 6);

    ck_assert_str_eq(text, "3 held");
    weir_sink_discard(sink);
    weir_loop_free(loop);
}

static void far_end_goes(void *ctx)
{
    weir_sink_gone(ctx, WEIR_ERESET, 104, "the peer has gone");
}

TEST(gone_ends_a_pump_that_waits_for_its_generator)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct far far = {.most = 100};
    weir_sink *sink = far_sink(root, &far, false);
    weir_timer *timer = weir_timer_new(root, far_end_goes, sink);
    weir_error error;
    int64_t began = weir_now(root);
    ck_assert_ptr_nonnull(timer);
    weir_timer_start(timer, 10);

    int rc = weir_pump(numbers(root, (struct numbers_args){5, 0, 1000, root}), sink, &error);

    ck_assert_int_eq(rc, WEIR_ERESET);
    ck_assert_int_eq(error.detail, 104);
    ck_assert_str_eq(error.message, "the peer has gone");
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 10);
    weir_loop_free(loop);
}

MAIN("flow/sink_ops")
