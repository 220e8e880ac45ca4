/*
 * test_metrics_walk.c - what each thing of a loop tells of itself, while it lives and when it ends:
 * kind, state, what it waits for, and what it has counted.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>

#include "base_fault.h"
#include "support_flow.h"

/* ---- what was seen */

enum { SEEN_MAX = 64 };

struct seen {
    struct {
        weir_node node;
        char name[32], component[32], why[200], waited[64];
    } all[SEEN_MAX];
    int count, limit;
};

static bool note(void *arg, const weir_node *node)
{
    struct seen *seen = arg;
    ck_assert_int_lt(seen->count, SEEN_MAX);
    ck_assert_uint_ge(node->struct_size, sizeof *node);
    seen->all[seen->count].node = *node;
    snprintf(seen->all[seen->count].name, 32, "%s", node->name);
    snprintf(seen->all[seen->count].component, 32, "%s",
             node->component != NULL ? node->component : "");
    snprintf(seen->all[seen->count].why, 200, "%s", node->why);
    snprintf(seen->all[seen->count].waited, 64, "%s",
             node->waited[0].why != NULL ? node->waited[0].why : "");
    seen->count++;
    return seen->limit == 0 || seen->count < seen->limit;
}

static int find(const struct seen *seen, int kind, const char *name)
{
    for (int i = 0; i < seen->count; i++) {
        if (seen->all[i].node.kind == kind && strcmp(seen->all[i].name, name) == 0) {
            return i;
        }
    }
    ck_abort_msg("'%s' was not visited", name);
    return -1;
}

static const weir_node *node_of(const struct seen *seen, int kind, const char *name)
{
    return &seen->all[find(seen, kind, name)].node;
}

static struct seen walk(const weir_loop *loop)
{
    static struct seen seen;
    memset(&seen, 0, sizeof seen);
    weir_walk(loop, note, &seen);
    return seen;
}

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
    ck_assert_str_eq(seen.all[at].why, "waits for time to pass");
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
    ck_assert_str_eq(seen.all[stage].why, "waits for numbers");
    ck_assert_str_eq(seen.all[source].why, "waits for time to pass (for 1.2 s)");
    ck_assert_int_eq(seen.all[source].node.waiting_ns, 1200000000);
    ck_assert_ptr_eq(seen.all[source].node.reader, gen);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- numbers */

TEST(items_are_counted_along_a_chain)
{
    weir_loop *loop = test_loop();
    weir_item items[4];
    weir_gen *gen = weir_skip(count_to(weir_root(loop), 10), 3);
    ck_assert_uint_gt(weir_next_many(gen, items, 4), 0);
    ck_assert(weir_next(gen, items));
    struct seen seen = walk(loop);
    const weir_node *source = node_of(&seen, WEIR_NODE_GENERATOR, "numbers"),
                    *stage = node_of(&seen, WEIR_NODE_GENERATOR, "skip");
    ck_assert_uint_eq(source->items_in, 0);
    ck_assert_uint_eq(source->items_out, 5);
    ck_assert_uint_eq(source->calls, 5);
    ck_assert_uint_eq(stage->items_in, 5);
    ck_assert_uint_eq(stage->items_out, 2);
    ck_assert_uint_eq(stage->calls, 2);
    ck_assert_uint_eq(stage->filtered, 3);
    ck_assert_str_eq(stage->type, "skip");
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(what_one_pull_gives_is_one_call)
{
    weir_loop *loop = test_loop();
    weir_item items[8];
    weir_gen *gen = weir_count(weir_root(loop), 1, 20);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 8);
    ck_assert(weir_next(gen, items));
    struct seen seen = walk(loop);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "count")->items_out, 9);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "count")->calls, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

WEIR_SOURCE(pairs)
{
    weir_item two[2] = {weir_bytes("a", 1), weir_bytes("b", 1)};
    while (weir_yield_many(self, two, 2)) {}
    return 0;
}

TEST(what_a_body_yields_at_once_is_one_call)
{
    weir_loop *loop = test_loop();
    weir_item items[2];
    weir_gen *gen = pairs(weir_root(loop));
    ck_assert_uint_eq(weir_next_many(gen, items, 2), 2);
    ck_assert_uint_eq(weir_next_many(gen, items, 2), 2);
    struct seen seen = walk(loop);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "pairs")->items_out, 4);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "pairs")->calls, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

WEIR_STAGE(odd_ones)
{
    weir_item item;
    while (weir_next(up, &item)) {
        long n = *number_of(&item);
        if (n == 3) {
            (void)!weir_reject(self, &item, "three");
        } else if (n % 2 == 0) {
            weir_settle(self);
        } else if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(a_body_counts_what_it_filters_and_rejects)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_error error;
    weir_on_end(loop, note, &seen);
    ck_assert_int_eq(sum_of(odd_ones(count_to(weir_root(loop), 5)), &error), 6);
    const weir_node *stage = node_of(&seen, WEIR_NODE_GENERATOR, "odd_ones");
    ck_assert_uint_eq(stage->items_in, 5);
    ck_assert_uint_eq(stage->items_out, 2);
    ck_assert_uint_eq(stage->filtered, 2);
    ck_assert_uint_eq(stage->rejected, 1);
    weir_loop_free(loop);
}

TEST(a_source_counts_its_bytes_and_a_sink_those_that_it_has_written)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct seen seen = {0};
    int in[2], out[2];
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    ck_assert_int_eq(write(in[1], "one\ntwo\nxx\n", 11), 11);
    close(in[1]);
    weir_on_end(loop, note, &seen);
    ck_assert_int_eq(weir_pump(weir_grep(weir_fd_lines(root, in[0], NULL), "o"),
                               weir_fd_sink(root, out[1]), NULL),
                     0);
    for (int i = 0; i < seen.count; i++) {
        const weir_node *node = &seen.all[i].node;
        if (node->kind == WEIR_NODE_SINK) {
            ck_assert_uint_eq(node->bytes, 8);
            ck_assert_uint_eq(node->items_in, 2);
        } else if (node->items_in == 0) {
            ck_assert_uint_eq(node->bytes, 11);
            ck_assert_uint_eq(node->items_out, 3);
        } else {
            ck_assert_uint_eq(node->filtered, 1);
        }
        ck_assert_int_eq(node->state, WEIR_NODE_ENDED);
    }
    ck_assert_int_eq(seen.count, 3);
    close(in[0]);
    close(out[0]);
    close(out[1]);
    weir_loop_free(loop);
}

TEST(a_queue_tells_what_it_holds_and_what_it_has_dropped)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item = weir_bytes("four", 4);
    weir_gen *gen = weir_queue(weir_root(loop),
                               WEIR_OPTIONS(weir_queue_options, .name = "work", .items_max = 2,
                                            .when_full = WEIR_DROP_OLDEST),
                               &in);
    for (int i = 0; i < 3; i++) {
        ck_assert(weir_put(in, &item));
    }
    struct seen seen = walk(loop);
    const weir_node *queue = node_of(&seen, WEIR_NODE_GENERATOR, "work");
    ck_assert_uint_eq(queue->items_in, 3);
    ck_assert_uint_eq(queue->items_out, 0);
    ck_assert_uint_eq(queue->dropped, 1);
    ck_assert_uint_eq(queue->held_items, 2);
    ck_assert_uint_eq(queue->held_bytes, 8);
    ck_assert_uint_eq(queue->items_max, 2);
    ck_assert_uint_eq(queue->bytes, 12);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SINK, "work")->items_in, 3);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SINK, "work")->calls, 3);
    weir_sink_discard(in);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- time */

TEST(the_time_that_a_body_sleeps_is_its_own)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = same(numbers(root, (struct numbers_args){2, 0, 300, root}));
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));
    struct seen seen = walk(loop);
    int source = find(&seen, WEIR_NODE_GENERATOR, "numbers");
    ck_assert_uint_eq(seen.all[source].node.waits, 2);
    ck_assert_int_eq(seen.all[source].node.waited_ns, 600000000);
    ck_assert_str_eq(seen.all[source].waited, "time to pass");
    ck_assert_int_eq(seen.all[source].node.waited[0].ns, 600000000);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_GENERATOR, "same")->waited_ns, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

static int put_late(weir_scope *scope, void *args)
{
    weir_sink *in = *(weir_sink **)args;
    weir_item item = weir_bytes("x", 1);
    bool ok = weir_sleep(scope, 700) && weir_put(in, &item) && weir_put(in, &item);
    ck_assert(ok);
    return weir_sink_finish(in, NULL);
}

TEST(a_queue_counts_the_waits_of_both_its_ends)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct seen seen = {0};
    weir_sink *in;
    weir_item item;
    weir_gen *gen =
        weir_queue(scope, WEIR_OPTIONS(weir_queue_options, .name = "work", .items_max = 1), &in);
    weir_spawn(scope, "writer", put_late, &in, sizeof in);
    weir_on_end(loop, note, &seen);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(scope, 200));
    ck_assert(weir_next(gen, &item));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    int queue = find(&seen, WEIR_NODE_GENERATOR, "work");
    ck_assert_str_eq(seen.all[queue].waited, "an item in its queue");
    ck_assert_int_eq(seen.all[queue].node.waited[0].ns, 700000000);
    ck_assert_int_ge(seen.all[queue].node.waited_ns, 700000000);
    weir_loop_free(loop);
}

static size_t parked_next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    char why[16] = "the radio";
    (void)self;
    (void)max;
    weir_waker waker;
    weir_waker_init(&waker, weir_gen_scope(gen));
    int rc = weir_park(&waker, 400, why);
    weir_waker_fini(&waker);
    memset(why, 'x', sizeof why - 1); /* it was used during the call */
    weir_gen_count_bytes(gen, 100);
    ck_assert(rc == WEIR_ETIMEDOUT || rc == WEIR_ECANCELED);
    items[0] = weir_bytes("on air", 6);
    return rc == WEIR_ETIMEDOUT ? weir_give(gen, items, 1) : 0;
}

static int slow_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)self;
    (void)items;
    weir_sink_count_bytes(sink, 7 * count);
    return weir_sleep(weir_sink_scope(sink), 900) ? 0 : WEIR_ECANCELED;
}

TEST(waits_and_bytes_of_the_programs_operations_count_for_its_generator_and_its_sink)
{
    static const weir_gen_ops source_ops = {
        .struct_size = sizeof source_ops, .name = "radio", .next_many = parked_next_many};
    static const weir_sink_ops sink_ops = {
        .struct_size = sizeof sink_ops, .name = "slow", .put_many = slow_put};
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct seen seen = {0};
    weir_on_end(loop, note, &seen);
    ck_assert_int_eq(weir_pump(weir_head(weir_source_new(root, &source_ops, NULL, 0), 2),
                               weir_sink_new(root, &sink_ops, NULL, 0), NULL),
                     0);
    int source = find(&seen, WEIR_NODE_GENERATOR, "radio"),
        sink = find(&seen, WEIR_NODE_SINK, "slow");
    ck_assert_str_eq(seen.all[source].waited, "the radio");
    ck_assert_int_eq(seen.all[source].node.waited_ns, 800000000);
    ck_assert_str_eq(seen.all[sink].waited, "time to pass");
    ck_assert_int_eq(seen.all[sink].node.waited_ns, 1800000000);
    ck_assert_uint_eq(seen.all[source].node.bytes, 200);
    ck_assert_uint_eq(seen.all[sink].node.bytes, 14);
    ck_assert_uint_eq(loop->stats.bytes_in, 200);
    ck_assert_uint_eq(loop->stats.bytes_out, 14);
    weir_loop_free(loop);
}

TEST(the_longest_waits_come_first_and_the_rest_is_in_the_sum)
{
    struct wr_counts counts = {0};
    wr_count_wait(&counts, "a", 10);
    wr_count_wait(&counts, "b", 30);
    wr_count_wait(&counts, "c", 20);
    wr_count_wait(&counts, "d", 5); /* shorter than all that are kept */
    wr_count_wait(&counts, "e", 15);
    wr_count_wait(&counts, "b", 1);
    ck_assert_uint_eq(counts.waits, 6);
    ck_assert_int_eq(counts.waited_ns, 81);
    ck_assert_str_eq(counts.waited[0].why, "e");
    ck_assert_int_eq(counts.waited[0].ns, 15);
    ck_assert_int_eq(counts.waited[1].ns, 31);
}

/* ---- the end */

TEST(components_of_a_pipeline_are_named_and_have_the_numbers_of_their_parts)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_item item;
    weir_on_end(loop, note, &seen);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..9 | skip 4 | queue 3 | head 2");
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
