/*
 * A stage whose reader lives in another scope and waits inside of it, for its upstream or for
 * memory: when the scope of the stage is canceled or ends, the reader comes out and finds it failed.
 * support_stage.h has what else a stage of the language must do.
 */
#include "support_suites.h"

struct upstream {
    weir_scope *scope;
    long count;
    int64_t pause_ms; /* before each item */
};

/* Each a line of its own, so that a stage over bytes has something to give. */
WEIR_SOURCE(upstream, struct upstream)
{
    for (long i = 1; i <= args->count; i++) {
        if (args->pause_ms > 0 && !weir_sleep(args->scope, args->pause_ms)) {
            return 0;
        }
        weir_item item = weir_bytes("line\n", 5);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return 0;
}

static bool keep_all(const weir_item *item, const void *args)
{
    (void)item;
    (void)args;
    return true;
}

static int map_same(const weir_item *in, weir_item *out, void *args)
{
    (void)args;
    out->data = in->data;
    out->len = in->len;
    return 0;
}

static weir_gen *body(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return same(up);
}

static int delegates_to(weir_gen *self, weir_gen *up, void *args)
{
    (void)args;
    (void)!weir_yield_from(self, up, NULL);
    return 0;
}

static weir_gen *delegator(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_stage(up, delegates_to, NULL, 0, NULL);
}

static weir_gen *filter(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_filter(up, "all", keep_all, NULL, 0);
}

static weir_gen *map(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_map(up, "same", map_same, NULL, 0);
}

static weir_gen *grep(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_grep(up, "line");
}

static weir_gen *head(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_head(up, 1000);
}

static weir_gen *skip(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_skip(up, 1);
}

static weir_gen *batch(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_batch(up, WEIR_OPTIONS(weir_batch_options, .items_max = 2));
}

static weir_gen *timed_batch(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_batch(up, WEIR_OPTIONS(weir_batch_options, .items_max = 2, .wait_ms = 3600 * 1000));
}

static weir_gen *buffer(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_buffer(up, WEIR_OPTIONS(weir_queue_options, .items_max = 2));
}

static weir_gen *merge(weir_scope *scope, weir_gen *up)
{
    return weir_merge(scope, &up, 1);
}

static weir_gen *teed(weir_scope *scope, weir_gen *up)
{
    weir_sink *sinks[2] = {weir_null_sink(scope), weir_null_sink(scope)};
    return weir_tee(up, sinks, 2, NULL);
}

static weir_gen *lines(weir_scope *scope, weir_gen *up)
{
    (void)scope;
    return weir_lines(up);
}

static weir_gen *chain(weir_scope *scope, weir_gen *up)
{
    up = merge(scope, filter(scope, delegator(scope, map(scope, up))));
    return teed(scope, head(scope, body(scope, buffer(scope, up))));
}

struct kit {
    const char *name;
    weir_gen *(*make)(weir_scope *scope, weir_gen *up);
};

static const struct kit kits[] = {
    {"body", body},     {"delegator", delegator}, {"filter", filter},
    {"map", map},       {"grep", grep},           {"head", head},
    {"skip", skip},     {"batch", batch},         {"timed batch", timed_batch},
    {"buffer", buffer}, {"merge", merge},         {"tee", teed},
    {"lines", lines},   {"chain", chain},
};

/* In a sweep only the last one, a chain of the others. */
#define EACH_KIT(kit)                                                                          \
    for (const struct kit *kit = wr_test_sweeps() ? &kits[KITS - 1] : kits; kit < kits + KITS; \
         kit++)
enum { KITS = sizeof kits / sizeof *kits };

struct reading {
    weir_gen *gen;
    int *rc;
};

static int read_main(weir_scope *scope, void *args)
{
    const struct reading *reading = args;
    weir_item item;
    (void)scope;
    while (weir_next(reading->gen, &item)) {}
    *reading->rc = weir_finish(reading->gen, NULL);
    return 0;
}

/* What the reader is told when its upstream is silent and `act` is done to the scope of the stage. */
static int left_while_waiting(const struct kit *kit, void (*act)(weir_scope *scope))
{
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *read = weir_scope_new(weir_root(loop), NULL);
    int rc = 1;
    struct upstream silent = {.scope = made, .count = 2, .pause_ms = 3600 * 1000};
    struct reading reading = {kit->make(made, upstream(made, silent)), &rc};
    int64_t began_ns = wr_now_ns(loop);
    weir_spawn(read, "reader", read_main, &reading, sizeof reading);
    wr_loop_settle(loop);
    ck_assert_int_eq(rc, 1);

    act(made);
    wr_suite_settle(loop);

    ck_assert_int_lt(wr_now_ns(loop) - began_ns, 1000000000);
    int told = rc;
    ck_assert_int_eq(weir_scope_wait(read, NULL), 0);
    weir_loop_free(loop);
    return told;
}

/* The same over lines, which want memory, when there is none. */
static int left_without_memory(const struct kit *kit, void (*act)(weir_scope *scope))
{
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = kit->make(made, weir_lines(upstream(made, (struct upstream){.count = 9})));
    int rc = wr_suite_read_without_memory(loop, made, gen, act);
    weir_loop_free(loop);
    return rc;
}

TEST(stage_is_canceled_while_a_reader_elsewhere_waits_for_its_upstream)
{
    EACH_KIT(kit)
    {
        ck_assert_int_eq(left_while_waiting(kit, weir_scope_cancel), WEIR_ECANCELED);
    }
}

TEST(stage_is_left_while_a_reader_elsewhere_waits_for_its_upstream)
{
    EACH_KIT(kit)
    {
        ck_assert_int_eq(left_while_waiting(kit, wr_suite_end_scope), WEIR_ECLOSED);
    }
}

TEST(stage_is_canceled_while_a_reader_elsewhere_waits_for_memory)
{
    EACH_KIT(kit)
    {
        ck_assert_int_eq(left_without_memory(kit, weir_scope_cancel), WEIR_ECANCELED);
    }
}

TEST(stage_is_left_while_a_reader_elsewhere_waits_for_memory)
{
    EACH_KIT(kit)
    {
        ck_assert_int_eq(left_without_memory(kit, wr_suite_end_scope), WEIR_ECLOSED);
    }
}

MAIN("stage/elsewhere")
