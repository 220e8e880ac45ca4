/*
 * test_metrics_walk.c - what each thing of a loop tells of itself, while it lives and when it ends:
 * kind, state and what it waits for. What it has counted is in test_metrics_counts.c.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>

#include "base_fault.h"
#include "support_flow.h"
#include "support_seen.h"
#include "texts_flow.h"

static int sleep_long(weir_scope *scope, void *args)
{
    (void)args;
    (void)!weir_sleep(scope, 100000);
    return 0;
}

/* ---- the tree */

TEST(walk_visits_scopes_and_what_lies_in_them_one_deeper)
{
    weir_loop *loop = test_loop();
    weir_scope *outer =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .name = "outer"));
    weir_scope *inner = weir_scope_new(outer, WEIR_OPTIONS(weir_scope_options, .name = "inner"));
    weir_gen *gen = count_to(inner, 1);
    weir_sink *sink = weir_null_sink(outer);
    struct seen seen = walk(loop);
    ck_assert_str_eq(seen.all[0].name, "root");
    ck_assert_uint_eq(seen.all[0].node.depth, 0);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_TASK, "main")->depth, 1);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SCOPE, "outer")->depth, 1);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SINK, "null")->depth, 2);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SCOPE, "inner")->depth, 2);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->depth, 3);
    ck_assert_ptr_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->gen, gen);
    weir_discard(gen);
    weir_sink_discard(sink);
    weir_loop_free(loop);
}

TEST(walk_comes_back_from_a_deep_scope_to_its_next_sibling)
{
    weir_loop *loop = test_loop();
    weir_scope *first = weir_scope_new(weir_root(loop), NULL);
    (void)weir_scope_new(weir_scope_new(first, NULL), NULL);
    weir_scope *second = weir_scope_new(weir_root(loop), NULL);
    (void)count_to(second, 1);
    struct seen seen = walk(loop);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->depth, 2);
    weir_loop_free(loop);
}

TEST(walk_ends_when_a_visit_returns_false)
{
    weir_loop *loop = test_loop();
    struct seen seen = {.limit = 2};
    weir_gen *gen = count_to(weir_root(loop), 1);
    weir_walk(loop, note, &seen);
    ck_assert_int_eq(seen.count, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(walk_tells_what_a_task_waits_for_and_how_long)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "sleeper", sleep_long, NULL, 0);
    wr_loop_settle(loop);
    wr_clock_advance(loop, 250);
    struct seen seen = walk(loop);
    int at = find(&seen, WEIR_NODE_TASK, "sleeper");
    ck_assert_int_eq(seen.all[at].node.state, WEIR_NODE_WAITS);
    ck_assert_str_eq(seen.all[at].why, TEXT_FLOW_WAITS(TEXT_FLOW_TIME));
    ck_assert_int_eq(seen.all[at].node.waiting_ns, 250000000);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SCOPE, "scope")->tasks, 1);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_TASK, "main")->state, WEIR_NODE_RUNS);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(walk_tells_the_state_of_a_generator)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = count_to(weir_root(loop), 1);
    struct seen seen = walk(loop);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->state, WEIR_NODE_NEW);
    ck_assert(weir_next(gen, &item));
    seen = walk(loop);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->state, WEIR_NODE_IDLE);
    ck_assert(!weir_next(gen, &item));
    seen = walk(loop);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_GENERATOR, "numbers")->state, WEIR_NODE_ENDED);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(walk_names_the_generator_that_a_stage_waits_for)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = same(numbers(root, (struct numbers_args){1, 0, 5000, root}));
    ck_assert_int_eq(weir_next_within(gen, &item, 1200), WEIR_GOT_LATE);
    struct seen seen = walk(loop);
    int stage = find(&seen, WEIR_NODE_GENERATOR, "same");
    int source = find(&seen, WEIR_NODE_GENERATOR, "numbers");
    ck_assert_str_eq(seen.all[stage].why, TEXT_FLOW_WAITS("numbers"));
    ck_assert_str_eq(seen.all[source].why, TEXT_FLOW_WAITS(TEXT_FLOW_TIME_OF("1.2 s")));
    ck_assert_int_eq(seen.all[source].node.waiting_ns, 1200000000);
    ck_assert_ptr_eq(seen.all[source].node.reader, gen);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- the end */

TEST(components_of_a_pipeline_are_named_and_have_the_numbers_of_their_parts)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_item item;
    weir_on_end(loop, note, &seen);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..9 | skip 4 | queue 3 | head 2", NULL);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    static const char *const names[] = {"gen", "skip", "queue", "head"};
    for (int part = 0; part < 4; part++) {
        int at = 0;
        while (at < seen.count && seen.all[at].node.part != part) {
            at++;
        }
        ck_assert_int_lt(at, seen.count);
        ck_assert_str_eq(seen.all[at].component, names[part]);
        if (part == 2) { /* its inner queue's */
            ck_assert_uint_ge(seen.all[at].node.items_in, 2);
            ck_assert_uint_eq(seen.all[at].node.items_out, 2);
            ck_assert_uint_eq(seen.all[at].node.bytes, seen.all[at].node.items_in);
        }
    }
    weir_loop_free(loop);
}

TEST(on_end_tells_of_no_more_when_it_was_taken_off)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_on_end(loop, note, &seen);
    weir_discard(count_to(weir_root(loop), 1));
    weir_on_end(loop, NULL, NULL);
    weir_discard(count_to(weir_root(loop), 1));
    ck_assert_int_eq(seen.count, 1);
    weir_loop_free(loop);
}

MAIN("metrics/walk")
