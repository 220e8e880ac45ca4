/*
 * test_metrics_counts.c - the numbers of each object and component: items, calls, bytes, what became
 * of items, and the time waited.
 */
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>
#include <weir/weir.h>

#include "base_fault.h"
#include "plan_text.h"
#include "support_flow.h"
#include "support_seen.h"
#include "support_wire.h"
#include "texts_flow.h"

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

TEST(a_channel_tells_what_it_has_dropped)
{
    weir_loop *loop = test_loop(), *second = test_loop();
    weir_sink *in;
    weir_item item = weir_bytes("x", 1);
    weir_gen *gen = weir_channel(weir_root(second), weir_root(loop),
                                 WEIR_OPTIONS(weir_queue_options, .name = "across", .items_max = 3,
                                              .when_full = WEIR_DROP_OLDEST),
                                 &in);
    for (int i = 0; i < 10; i++) {
        ck_assert(weir_put(in, &item));
    }
    ck_assert(weir_next(gen, &item));
    struct seen seen = walk(second);
    const weir_node *channel = node_of(&seen, WEIR_NODE_GENERATOR, "across");
    ck_assert_uint_eq(channel->dropped, 7);
    ck_assert_uint_eq(channel->items_out, 1);
    weir_sink_discard(in);
    weir_discard(gen);
    weir_loop_free(second);
    weir_loop_free(loop);
}

TEST(a_queue_counts_what_a_writer_has_put_also_when_the_writer_has_ended)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item = weir_bytes("four", 4);
    weir_gen *gen =
        weir_queue(weir_root(loop), WEIR_OPTIONS(weir_queue_options, .name = "work"), &in);
    ck_assert(weir_put(in, &item));
    ck_assert_int_eq(weir_try_put(in, &item), 1);
    struct seen seen = walk(loop);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SINK, "work")->items_in, 2);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_SINK, "work")->calls, 2);
    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    seen = walk(loop);
    ck_assert_uint_eq(node_of(&seen, WEIR_NODE_GENERATOR, "work")->items_in, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(a_sink_counts_its_items_and_its_calls)
{
    weir_loop *loop = test_loop();
    weir_item items[3] = {weir_bytes("a", 1), weir_bytes("b", 1), weir_bytes("c", 1)};
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    weir_sink *sink = weir_fd_sink(weir_root(loop), ends[1]);
    ck_assert(weir_put_many(sink, items, 3));
    ck_assert(weir_put(sink, items));
    struct seen seen = walk(loop);
    int at = 0;
    while (seen.all[at].node.kind != WEIR_NODE_SINK) {
        at++;
    }
    ck_assert_uint_eq(seen.all[at].node.items_in, 4);
    ck_assert_uint_eq(seen.all[at].node.calls, 2);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(a_sink_counts_what_it_rejects)
{
    WIRE({.head = "HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"},
         {.head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
    struct seen seen = {0};
    weir_scope *root = weir_root(loop);
    weir_on_end(loop, note, &seen);
    weir_sink *sink = weir_http_sink(root, "http://example.org/hook", NULL);
    ck_assert_int_eq(weir_pump(weir_count(root, 1, 2), sink, NULL), 0);
    int at = 0;
    while (seen.all[at].node.kind != WEIR_NODE_SINK) {
        at++;
    }
    ck_assert_uint_eq(seen.all[at].node.items_in, 2);
    ck_assert_uint_eq(seen.all[at].node.rejected, 1);
    weir_loop_free(loop);
}

TEST(a_source_counts_the_lines_over_its_limit_as_rejected)
{
    weir_loop *loop = test_loop();
    weir_stats stats = {.struct_size = sizeof stats};
    struct seen seen = {0};
    weir_item item;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "a\nfar too long\nb\n", 17), 17);
    close(ends[1]);
    weir_on_end(loop, note, &seen);
    weir_gen *gen = weir_fd_lines(weir_root(loop), ends[0],
                                  WEIR_OPTIONS(weir_lines_options, .line_bytes_max = 4));
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(seen.all[0].node.items_out, 2);
    ck_assert_uint_eq(seen.all[0].node.rejected, 1);
    weir_loop_stats(loop, &stats);
    ck_assert_uint_eq(stats.overlong, 1);
    close(ends[0]);
    weir_loop_free(loop);
}

/* Takes its time, rejects the third and leaves out each second item. */
WEIR_STAGE(sifts)
{
    weir_item item;
    while (weir_next(up, &item) && weir_sleep(weir_gen_scope(self), 100)) {
        if (item.seq == 3) {
            (void)!weir_reject(self, &item, "three");
        } else if (item.seq % 2 == 0) {
            weir_settle(self);
        } else if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

/* A component of two generators, of which the inner one does the work. */
static weir_gen *open_sieve(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return same(sifts(up));
}

TEST(a_component_counts_what_each_of_its_parts_does)
{
    static const weir_component sieve = {.struct_size = sizeof sieve,
                                         .name = "sieve",
                                         .kind = WEIR_KIND_STAGE,
                                         .takes = WEIR_SHAPES_ALL,
                                         .traits = WEIR_TRAIT_REJECTS,
                                         .help = "Of a test.",
                                         .example = "gen 1..5 | sieve",
                                         .open = open_sieve};
    static const weir_component *const list[] = {&sieve, NULL};
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_item item;
    ck_assert_int_eq(wr_plan_components_add(list), 0);
    weir_on_end(loop, note, &seen);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..5 | sieve", NULL);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    int at = 0;
    while (at < seen.count && strcmp(seen.all[at].component, "sieve") != 0) {
        at++;
    }
    ck_assert_int_lt(at, seen.count);
    const weir_node *node = &seen.all[at].node;
    ck_assert_uint_eq(node->items_in, 5);
    ck_assert_uint_eq(node->items_out, 2);
    ck_assert_uint_eq(node->filtered, 2);
    ck_assert_uint_eq(node->rejected, 1);
    ck_assert_uint_eq(node->waits, 5);
    ck_assert_int_eq(node->waited_ns, 500000000);
    ck_assert_str_eq(seen.all[at].waited, TEXT_FLOW_TIME);
    weir_loop_free(loop);
}

TEST(a_component_counts_what_its_inner_queue_drops)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_item item;
    uint64_t out = 0, dropped = 0;
    weir_on_end(loop, note, &seen);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..9 | queue 2 full=drop-newest", NULL);
    for (; weir_next(gen, &item); out++) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    for (int i = 0; i < seen.count; i++) {
        dropped += seen.all[i].node.part == 1 ? seen.all[i].node.dropped : 0;
    }
    ck_assert_uint_gt(dropped, 0);
    ck_assert_uint_eq(out + dropped, 9);
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
    ck_assert_str_eq(seen.all[source].waited, TEXT_FLOW_TIME);
    ck_assert_int_eq(seen.all[source].node.waited[0].ns, 600000000);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_GENERATOR, "same")->waited_ns, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* The queue "work", for one item, and a task that puts to it. */
static weir_gen *queue_of_one(weir_scope *scope, int (*writer)(weir_scope *scope, void *args))
{
    weir_sink *in;
    weir_gen *gen =
        weir_queue(scope, WEIR_OPTIONS(weir_queue_options, .name = "work", .items_max = 1), &in);
    weir_spawn(scope, "writer", writer, &in, sizeof in);
    return gen;
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
    weir_item item;
    weir_gen *gen = queue_of_one(scope, put_late);
    weir_on_end(loop, note, &seen);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(scope, 200));
    ck_assert(weir_next(gen, &item));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    int queue = find(&seen, WEIR_NODE_GENERATOR, "work");
    ck_assert_str_eq(seen.all[queue].waited, TEXT_FLOW_ITEM_IN_QUEUE);
    ck_assert_int_eq(seen.all[queue].node.waited[0].ns, 700000000);
    ck_assert_int_ge(seen.all[queue].node.waited_ns, 700000000);
    weir_loop_free(loop);
}

static int put_two(weir_scope *scope, void *args)
{
    weir_sink *in = *(weir_sink **)args;
    weir_item item = weir_bytes("x", 1);
    bool ok = weir_put(in, &item) && weir_put(in, &item) && weir_sleep(scope, 5000);
    ck_assert(ok);
    (void)!weir_sink_finish(in, NULL);
    return 0;
}

TEST(a_queue_has_the_waits_of_its_writer_when_its_reader_ends_first)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct seen seen = {0};
    weir_item item;
    weir_gen *gen = queue_of_one(scope, put_two);
    weir_on_end(loop, note, &seen);
    ck_assert(weir_sleep(scope, 500));
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(scope, 100));
    weir_discard(gen);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    int queue = find(&seen, WEIR_NODE_GENERATOR, "work");
    ck_assert_int_eq(seen.all[queue].node.waited_ns, 500000000);
    ck_assert_str_eq(seen.all[queue].waited, TEXT_FLOW_ROOM_IN_QUEUE);
    ck_assert_int_eq(node_of(&seen, WEIR_NODE_SINK, "work")->waited_ns, 0);
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
    ck_assert_str_eq(seen.all[sink].waited, TEXT_FLOW_TIME);
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

MAIN("metrics/counts")
