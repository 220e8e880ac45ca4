/*
 * A put that fails midway into a sink that keeps the references of its items by itself: those that
 * it holds are its own, the rest is abandoned with it.
 */
#include "flow_sink.h"
#include "support_flow.h"

struct holder {
    struct weir_sink sink;
    struct wr_runs held;
    size_t takes; /* so many items of each put */
};

static struct holder *holder_of(struct weir_sink *sink)
{
    return WR_OWNER(sink, struct holder, sink);
}

static int put_some(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct holder *holder = holder_of(sink);
    size_t n = WR_MIN(count, holder->takes);
    if (wr_runs_add_items(&holder->held, items, n) < 0) {
        return wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory");
    }
    sink->held_of_put = n;
    return n == count ? 0 : wr_sink_set_error(sink, WEIR_EUSER, 0, "takes no more");
}

static void release_held(struct weir_sink *sink, enum wr_act act)
{
    wr_runs_let_go(&holder_of(sink)->held, act);
}

static void close_holder(struct weir_sink *sink, const weir_error *failure)
{
    (void)failure;
    wr_runs_let_go(&holder_of(sink)->held, WR_ACT_ABANDON);
    wr_runs_fini(&holder_of(sink)->held);
}

static const struct wr_sink_ops holder_ops = {
    .kind = "holder", .put_many = put_some, .close = close_holder, .release = release_held};

static bool first_is_committed;

/* What has become of three items of a source, of which such a sink takes one. */
static weir_ledger put_three(void)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct holder *holder = wr_sink_alloc(scope, sizeof *holder, &holder_ops, "holder");
    weir_item items[3], item;
    ck_assert_ptr_nonnull(holder);
    holder->sink.holds_items = true;
    holder->takes = 1;
    weir_gen *gen = weir_count(scope, 1, 9);
    size_t n = weir_next_many(gen, items, 3);
    ck_assert_uint_eq(n, 3);

    ck_assert(!weir_put_many(&holder->sink, items, 3));

    ck_assert(weir_next(gen, &item)); /* asks past them */
    if (first_is_committed) {
        wr_runs_let_go(&holder->held, WR_ACT_COMMIT);
    }
    ck_assert_int_eq(weir_sink_finish(&holder->sink, NULL), WEIR_EUSER);
    weir_ledger ledger = ledger_of(scope);
    weir_discard(gen);
    weir_loop_free(loop);
    return ledger;
}

TEST(items_behind_the_one_at_which_a_put_failed_stay_in_flight)
{
    weir_ledger ledger = put_three();
    ck_assert_uint_eq(ledger.delivered, 0);
    ck_assert_uint_eq(ledger.in_flight, 4);
}

TEST(item_that_was_taken_before_a_put_failed_can_still_be_delivered)
{
    first_is_committed = true;
    weir_ledger ledger = put_three();
    ck_assert_uint_eq(ledger.delivered, 1);
    ck_assert_uint_eq(ledger.in_flight, 3);
}

MAIN("flow/sink_midway")
