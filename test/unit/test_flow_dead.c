/*
 * test_flow_dead.c - what becomes of items that a component rejects: on-error=skip, stop, dead.
 *
 * The component is a body that rejects even numbers. The dead sink gathers what it is given, and may
 * take its time or fail.
 */
#include <stdio.h>

#include "bytes_origin.h"
#include "flow_dead.h"
#include "flow_sink.h"
#include "support_flow.h"
#include "texts_flow.h"

/* What the dead sink has seen; one per process, as each test is one. */
static struct far {
    char text[4096];
    size_t made, commits, finished;
    int64_t commit_ms;
    int put_rc;
    weir_scope *scope;
} far;

static int far_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)self;
    if (far.put_rc < 0) {
        return weir_sink_error(sink, far.put_rc, 28, "disk full");
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = strlen(far.text);
        (void)snprintf(far.text + at, sizeof far.text - at, "%.*s\n", (int)items[i].len,
                       items[i].data);
    }
    return 0;
}

static int far_commit(weir_sink *sink, void *self)
{
    (void)sink;
    (void)self;
    far.commits++;
    return far.commit_ms > 0 && !weir_sleep(far.scope, far.commit_ms) ? WEIR_ECANCELED : 0;
}

static int far_finish(weir_sink *sink, void *self)
{
    (void)sink;
    (void)self;
    far.finished++;
    return 0;
}

static weir_sink *make_far(weir_scope *scope, const char *path, weir_state *syncs)
{
    static const weir_sink_ops ops = {.struct_size = sizeof ops,
                                      .name = "far",
                                      .put_many = far_put,
                                      .commit = far_commit,
                                      .finish = far_finish};
    ck_assert_str_eq(path, "/dead");
    ck_assert_ptr_null(syncs);
    far.made++;
    far.scope = scope;
    return weir_sink_new(scope, &ops, NULL, 0);
}

static long pulled; /* by the component */

struct nothing {
    char none;
};

static int reject_even(weir_gen *self, weir_gen *up, bool looks)
{
    weir_item item;
    while (weir_next(up, &item)) {
        pulled++;
        long n = *number_of(&item);
        int rc = n % 2 == 0 ? weir_reject(self, &item, "%ld is even", n) : 0;
        if (rc < 0 && looks) {
            return rc;
        }
        if (n % 2 != 0 && !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_STAGE(odd, struct nothing)
{
    (void)args;
    return reject_even(self, up, true);
}

WEIR_STAGE(odd_in_haste, struct nothing)
{
    (void)args;
    return reject_even(self, up, false);
}

WEIR_STAGE(refuse_all, struct nothing)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item)) {
        if (weir_reject(self, &item, "no") < 0) {
            break;
        }
    }
    return 0;
}

/* A stage over `up` with this policy; "odd" is its name in the dead sink. */
static weir_gen *with_policy(weir_gen *up, weir_gen *(*stage)(weir_gen *up, struct nothing args),
                             enum wr_on_error policy)
{
    struct wr_dead *dead = wr_dead_new(weir_gen_scope(up), make_far, "/dead", NULL);
    ck_assert_ptr_nonnull(dead);
    if (policy == WR_ON_ERROR_DEAD) {
        up = wr_dead_gate(up, dead);
    }
    weir_gen *gen = stage(up, (struct nothing){0});
    wr_gen_on_error(gen, up, policy, dead, "odd");
    wr_dead_unref(dead);
    return gen;
}

TEST(skip_counts_and_goes_on)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = with_policy(count_to(weir_root(loop), 5), odd, WR_ON_ERROR_SKIP);
    ck_assert_int_eq(sum_of(gen, &error), 9);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 2);
    ck_assert_uint_eq(far.made, 0);
    weir_loop_free(loop);
}

static void check_stops(weir_gen *(*stage)(weir_gen *up, struct nothing args))
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = with_policy(count_to(weir_root(loop), 50), stage, WR_ON_ERROR_STOP);
    ck_assert_int_eq(sum_of(gen, &error), -1);
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    ck_assert_uint_eq(error.seq, 2);
    ck_assert_str_eq(error.message, TEXT_FLOW_ITEM_REJECTED "2 is even");
    ck_assert_int_eq(pulled, 2);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 0);
    weir_loop_free(loop);
}

TEST(stop_fails_at_the_first_rejected_item)
{
    check_stops(odd);
}

TEST(stop_ends_a_body_that_does_not_look)
{
    check_stops(odd_in_haste);
}

TEST(dead_writes_a_line_for_each_item)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = with_policy(count_to(weir_root(loop), 5), odd, WR_ON_ERROR_DEAD);
    ck_assert_int_eq(sum_of(gen, &error), 9);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.rejected, 2);
    ck_assert_uint_eq(ledger.delivered, 3);
    ck_assert_uint_eq(far.finished, 1);
    weir_loop_free(loop);
    ck_assert_str_eq(far.text,
                     "{\"origin\":\"numbers\",\"number\":2,\"position\":null,\"component\":\"odd\","
                     "\"code\":\"EPARSE\",\"reason\":\"2 is even\",\"body\":null}\n"
                     "{\"origin\":\"numbers\",\"number\":4,\"position\":null,\"component\":\"odd\","
                     "\"code\":\"EPARSE\",\"reason\":\"4 is even\",\"body\":null}\n");
}

struct places {
    struct wr_positions base;
};

static size_t place_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    (void)positions;
    int len = snprintf(to, cap, "offset %llu", (unsigned long long)number);
    return (size_t)len;
}

static void place_drop(struct wr_positions *positions)
{
    (void)positions;
}

TEST(the_position_is_where_the_item_begins)
{
    static const struct wr_positions_ops ops = {.text = place_text, .drop = place_drop};
    static struct places places = {.base = {.ops = &ops}};
    char got[300] = "";
    weir_loop *loop = test_loop();
    struct wr_origin *origin = wr_scope_origin(weir_root(loop), "file");
    ck_assert_ptr_nonnull(origin);
    wr_origin_keep_positions(origin, &places.base, 100);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        weir_item item = weir_bytes("x", 1);
        struct wr_out out = {got, sizeof got - 1, 0};
        ck_assert_int_eq(wr_origin_push_end(origin, 100 + seq * 10), 0);
        wr_origin_lend(origin, 1);
        item.seq = seq;
        item.receipt = &origin->receipt;
        item.origin = origin->id;
        wr_dead_write(&out, weir_root(loop), &item, NULL, 0, NULL);
        got[out.len] = '\0';
        ck_assert_ptr_nonnull(
            strstr(got, seq == 1 ? "\"position\":\"offset 100\",\"component\":null,\"code\":null"
                                 : "\"position\":\"offset 110\""));
    }
    wr_origin_end(origin);
    weir_loop_free(loop);
}

static void check_line(const char *bytes, size_t len, const char *body)
{
    char got[300];
    char expected[300];
    weir_loop *loop = test_loop();
    weir_item item = weir_bytes(bytes, len);
    struct wr_out out = {got, sizeof got, 0};
    item.seq = 7;
    wr_dead_write(&out, weir_root(loop), &item, "json", WEIR_ETOOLONG, "a \"reason\"");
    got[out.len] = '\0';
    (void)snprintf(expected, sizeof expected,
                   "{\"origin\":null,\"number\":7,\"position\":null,\"component\":\"json\","
                   "\"code\":\"ETOOLONG\",\"reason\":\"a \\\"reason\\\"\",%s}",
                   body);
    ck_assert_str_eq(got, expected);
    weir_loop_free(loop);
}

TEST(a_body_that_is_no_utf8_is_base64)
{
    check_line("a\xc3\xa9", 3, "\"body\":\"a\xc3\xa9\"");
    check_line("", 0, "\"body\":\"\"");
    check_line("a\xff", 2, "\"body64\":\"Yf8=\"");
}

TEST(the_parts_of_a_batch_are_lines_of_their_own)
{
    weir_error error;
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *batches = weir_batch(weir_count(weir_root(loop), 1, 3),
                                   WEIR_OPTIONS(weir_batch_options, .items_max = 2));
    weir_gen *gen = with_policy(batches, refuse_all, WR_ON_ERROR_DEAD);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 3);
    weir_loop_free(loop);
    ck_assert_ptr_nonnull(strstr(far.text, "\"number\":1,"));
    ck_assert_ptr_nonnull(strstr(far.text, "\"body\":\"2\"}\n"));
    ck_assert_ptr_nonnull(strstr(far.text, "\"body\":\"3\"}\n"));
}

TEST(an_item_settles_when_the_dead_sink_has_committed)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    far.commit_ms = 1000;
    weir_gen *gen = with_policy(count_to(root, -1), odd, WR_ON_ERROR_DEAD);
    ck_assert(weir_next(gen, &item) && weir_next(gen, &item));
    ck_assert(weir_sleep(root, 500));
    ck_assert_uint_eq(ledger_of(root).rejected, 0);
    ck_assert(weir_sleep(root, 1000));
    ck_assert_uint_eq(ledger_of(root).rejected, 1);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(the_end_waits_until_all_is_committed)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    far.commit_ms = 1000;
    int64_t began_ns = weir_now(root);
    ck_assert_int_eq(sum_of(with_policy(count_to(root, 3), odd, WR_ON_ERROR_DEAD), &error), 4);
    ck_assert_int_ge(weir_now(root) - began_ns, 1000);
    ck_assert_uint_eq(ledger_of(root).rejected, 1);
    weir_loop_free(loop);
}

TEST(a_full_dead_sink_holds_up_the_next_pull)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    far.commit_ms = 3600000;
    weir_gen *gen = with_policy(count_to(root, -1), refuse_all, WR_ON_ERROR_DEAD);
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_LATE);
    ck_assert_uint_ge(ledger_of(root).in_flight, 64);
    ck_assert_uint_le(ledger_of(root).in_flight, 70);
    weir_scope_cancel(root);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(what_is_never_rejected_makes_no_sink)
{
    weir_error error;
    weir_loop *loop = test_loop();
    ck_assert_int_eq(
        sum_of(with_policy(count_to(weir_root(loop), 1), odd, WR_ON_ERROR_DEAD), &error), 1);
    weir_discard(with_policy(count_to(weir_root(loop), 1), odd, WR_ON_ERROR_DEAD));
    (void)with_policy(count_to(weir_root(loop), 1), odd, WR_ON_ERROR_DEAD);
    weir_loop_free(loop);
    ck_assert_uint_eq(far.made, 0);
}

TEST(a_dead_sink_that_fails_fails_who_writes_to_it)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    far.put_rc = WEIR_EIO;
    ck_assert_int_eq(sum_of(with_policy(count_to(root, 9), odd, WR_ON_ERROR_DEAD), &error), -1);
    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_int_eq(error.detail, 28);
    ck_assert_str_eq(error.origin, "dead");
    ck_assert_str_eq(error.message, TEXT_FLOW_DEAD_FAILED "disk full");
    weir_loop_free(loop);
}

TEST(several_components_share_a_dead_sink)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct wr_dead *dead = wr_dead_new(root, make_far, "/dead", NULL);
    ck_assert_ptr_nonnull(dead);
    weir_gen *gates[2];
    for (long i = 0; i < 2; i++) {
        weir_gen *up = wr_dead_gate(count_to(root, 2 + 2 * i), dead);
        gates[i] = odd(up, (struct nothing){0});
        wr_gen_on_error(gates[i], up, WR_ON_ERROR_DEAD, dead, "odd");
    }
    wr_dead_unref(dead);
    weir_gen *gen = weir_merge(root, gates, 2);
    ck_assert_int_eq(sum_of(gen, &error), 5);
    ck_assert_uint_eq(ledger_of(root).rejected, 3);
    ck_assert_uint_eq(far.made, 1);
    ck_assert_uint_eq(far.finished, 1);
    weir_loop_free(loop);
}

MAIN("flow/dead")
