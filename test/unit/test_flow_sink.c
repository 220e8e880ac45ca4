/*
 * Sinks: a user's own operations, when they run, what their failures do, and when receipts settle.
 */
#include <stdio.h>

#include "support_flow.h"

struct log {
    int put, flushed, committed, finished;
    size_t items;
    int put_rc, flush_rc, commit_rc, finish_rc;
    int64_t commit_ms;
    weir_scope *scope;
    bool flush_first; /* the flush ran before the first commit */
};

static int log_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct log *log = *(struct log **)self;
    (void)sink;
    (void)items;
    log->put++;
    log->items += count;
    return log->put_rc;
}

static int log_flush(weir_sink *sink, void *self)
{
    struct log *log = *(struct log **)self;
    (void)sink;
    log->flushed++;
    log->flush_first = log->flush_first || log->committed == 0;
    return log->flush_rc;
}

static int log_commit(weir_sink *sink, void *self)
{
    struct log *log = *(struct log **)self;
    log->committed++;
    if (log->commit_rc < 0) {
        return weir_sink_error(sink, log->commit_rc, 28, "no room in %s", "the store");
    }
    return log->commit_ms > 0 && !weir_sleep(log->scope, log->commit_ms) ? WEIR_ECANCELED : 0;
}

static int log_finish(weir_sink *sink, void *self)
{
    struct log *log = *(struct log **)self;
    (void)sink;
    log->finished++;
    return log->finish_rc;
}

static weir_sink *logging(weir_scope *scope, struct log *log, bool flush, bool commit)
{
    weir_sink_ops ops = {.struct_size = sizeof ops,
                         .name = "logging",
                         .put_many = log_put,
                         .flush = flush ? log_flush : NULL,
                         .commit = commit ? log_commit : NULL,
                         .finish = log_finish};
    return weir_sink_new(scope, &ops, &log, sizeof log);
}

static bool put_next(weir_sink *sink, weir_gen *gen)
{
    weir_item item;
    return weir_next(gen, &item) && weir_put(sink, &item);
}

TEST(sink_without_flush_and_commit_settles_at_the_put)
{
    weir_loop *loop = test_loop();
    struct log log = {0};
    weir_sink *sink = logging(weir_root(loop), &log, false, false);
    weir_gen *gen = count_to(weir_root(loop), 3);
    ck_assert(put_next(sink, gen));
    ck_assert(put_next(sink, gen));
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.delivered, 1); /* the other one is still lent */
    weir_discard(gen);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 2);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    ck_assert_int_eq(log.finished, 1);
    weir_loop_free(loop);
}

TEST(sink_is_flushed_before_the_loop_idles)
{
    weir_loop *loop = test_loop();
    struct log log = {0};
    weir_sink *sink = logging(weir_root(loop), &log, true, false);
    weir_gen *gen = count_to(weir_root(loop), 9);
    for (int i = 0; i < 5; i++) {
        ck_assert(put_next(sink, gen));
    }
    ck_assert_int_eq(log.flushed, 0);

    ck_assert(weir_sleep(weir_root(loop), 1));

    ck_assert_int_eq(log.flushed, 1);
    ck_assert(weir_sleep(weir_root(loop), 1));
    ck_assert_int_eq(log.flushed, 1);
    weir_discard(gen);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 5);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_loop_free(loop);
}

TEST(sink_receipts_wait_for_a_flush_that_is_through)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct log log = {.flush_rc = 1};
    weir_sink *sink = logging(root, &log, true, false);
    weir_gen *gen = count_to(root, 9);
    for (int i = 0; i < 5; i++) {
        ck_assert(put_next(sink, gen));
    }
    ck_assert(weir_sleep(root, 1));
    ck_assert_int_eq(log.flushed, 1);
    ck_assert_uint_eq(ledger_of(root).delivered, 0);

    log.flush_rc = 0;
    ck_assert(put_next(sink, gen));
    ck_assert(weir_sleep(root, 1));

    ck_assert_uint_eq(ledger_of(root).delivered, 5);
    weir_discard(gen);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_loop_free(loop);
}

TEST(sink_with_a_commit_settles_only_there)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct log log = {.commit_ms = 50, .scope = root};
    weir_sink *sink = logging(root, &log, true, true);
    weir_gen *gen = count_to(root, 5);
    while (put_next(sink, gen)) {}
    ck_assert(weir_sleep(root, 1));
    ck_assert_int_eq(log.flushed, 1);
    ck_assert_uint_eq(ledger_of(root).delivered, 0);

    ck_assert(weir_commit(sink));

    ck_assert_uint_eq(ledger_of(root).delivered, 5);
    ck_assert_int_eq(log.committed, 1);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(sink_commit_waits_for_what_the_flush_left)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct log log = {.flush_rc = 1, .commit_ms = 100, .scope = root};
    weir_sink *sink = logging(root, &log, true, true);
    weir_gen *gen = count_to(root, 2);
    int64_t before = wr_now_ns(loop);
    while (put_next(sink, gen)) {}

    ck_assert(weir_commit(sink));

    ck_assert(log.flush_first);
    ck_assert_int_ge(wr_now_ns(loop) - before, 100000000);
    ck_assert_uint_eq(ledger_of(root).delivered, 2);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(sink_finish_commits)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct log log = {0};
    weir_sink *sink = logging(root, &log, true, true);
    weir_gen *gen = count_to(root, 2);
    while (put_next(sink, gen)) {}
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    ck_assert_int_eq(log.committed, 1);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_uint_eq(ledger_of(root).delivered, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* Puts three numbers, commits, finishes; what the finish tells. */
static int run_to_end(weir_loop *loop, struct log *log, bool flush, bool commit, weir_error *error)
{
    weir_scope *root = weir_root(loop);
    weir_sink *sink = logging(root, log, flush, commit);
    weir_gen *gen = count_to(root, 3);
    bool ok = true;
    weir_item item;
    while (ok && weir_next(gen, &item)) {
        ok = weir_put(sink, &item);
    }
    ok = ok && weir_sleep(root, 1);
    ok = ok && weir_commit(sink);
    weir_discard(gen);
    return weir_sink_finish(sink, error);
}

TEST(sink_failure_in_put_is_told_once)
{
    weir_loop *loop = test_loop();
    struct log log = {.put_rc = WEIR_EUSER - 3};
    weir_error error;
    ck_assert_int_eq(run_to_end(loop, &log, true, true, &error), WEIR_EUSER - 3);
    ck_assert_str_eq(error.origin, "logging");
    ck_assert_int_eq(log.put, 1);
    ck_assert_int_eq(log.committed, 0);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in_flight, 1);
    weir_loop_free(loop);
}

TEST(sink_failure_in_flush_is_told_once)
{
    weir_loop *loop = test_loop();
    struct log log = {.flush_rc = WEIR_EIO};
    weir_error error;
    ck_assert_int_eq(run_to_end(loop, &log, true, true, &error), WEIR_EIO);
    ck_assert_int_eq(log.flushed, 1);
    ck_assert_int_eq(log.committed, 0);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in_flight, 3);
    weir_loop_free(loop);
}

TEST(sink_failure_in_commit_carries_its_words)
{
    weir_loop *loop = test_loop();
    struct log log = {.commit_rc = WEIR_EIO};
    weir_error error;
    ck_assert_int_eq(run_to_end(loop, &log, true, true, &error), WEIR_EIO);
    ck_assert_str_eq(error.message, "no room in the store");
    ck_assert_int_eq(error.detail, 28);
    ck_assert_int_eq(log.committed, 1);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in_flight, 3);
    weir_loop_free(loop);
}

TEST(sink_failure_in_finish_is_told)
{
    weir_loop *loop = test_loop();
    struct log log = {.finish_rc = WEIR_ERESET};
    weir_error error;
    ck_assert_int_eq(run_to_end(loop, &log, false, false, &error), WEIR_ERESET);
    ck_assert_int_eq(log.finished, 1);
    weir_loop_free(loop);
}

TEST(sink_discard_finishes_once_and_commits_nothing)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct log log = {0};
    weir_sink *sink = logging(root, &log, true, true);
    weir_gen *gen = count_to(root, 2);
    while (put_next(sink, gen)) {}
    weir_sink_discard(sink);
    ck_assert_int_eq(log.committed, 0);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_uint_eq(ledger_of(root).in_flight, 2);
    weir_discard(gen);
    weir_sink_discard(NULL);
    weir_loop_free(loop);
}

TEST(sink_left_over_is_ended_by_its_scope)
{
    weir_loop *loop = test_loop();
    struct log log = {0};
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    (void)logging(scope, &log, true, true);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(log.finished, 1);
    weir_loop_free(loop);
}

TEST(sink_of_a_canceled_scope_takes_nothing)
{
    weir_loop *loop = test_loop();
    struct log log = {0};
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_sink *sink = logging(scope, &log, true, true);
    weir_item item = weir_bytes("x", 1);
    ck_assert(weir_put(sink, &item));
    weir_scope_cancel(scope);
    ck_assert(!weir_put(sink, &item));
    ck_assert_int_eq(weir_sink_finish(sink, NULL), WEIR_ECANCELED);
    ck_assert_int_eq(log.finished, 1);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

static int slow_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return weir_sleep(*(weir_scope **)self, 100) ? 0 : WEIR_ECANCELED;
}

static int put_one(weir_scope *scope, void *args)
{
    weir_item item = weir_bytes("x", 1);
    (void)scope;
    (void)!weir_put(*(weir_sink **)args, &item);
    return 0;
}

TEST_ABORTS(misuse_two_tasks_put_to_one_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink_ops ops = {.struct_size = sizeof ops, .name = "slow", .put_many = slow_put};
    weir_sink *sink = weir_sink_new(root, &ops, &root, sizeof root);
    weir_spawn(root, "a", put_one, &sink, sizeof sink);
    weir_spawn(root, "b", put_one, &sink, sizeof sink);
    wr_loop_settle(loop);
}

TEST_ABORTS(misuse_a_put_that_returns_a_count)
{
    weir_loop *loop = test_loop();
    struct log log = {.put_rc = 1};
    weir_item item = weir_bytes("x", 1);
    (void)!weir_put(logging(weir_root(loop), &log, false, false), &item);
}

TEST_ABORTS(misuse_a_thousand_puts_past_a_failure)
{
    weir_loop *loop = test_loop();
    struct log log = {.put_rc = WEIR_EIO};
    weir_sink *sink = logging(weir_root(loop), &log, false, false);
    weir_item item = weir_bytes("x", 1);
    for (int i = 0; i < 1002; i++) {
        (void)!weir_put(sink, &item);
    }
}

TEST_ABORTS(misuse_a_second_writer_of_what_is_no_queue)
{
    weir_loop *loop = test_loop();
    struct log log = {0};
    (void)weir_sink_share(logging(weir_root(loop), &log, false, false));
}

MAIN("flow/sink")
