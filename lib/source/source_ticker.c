/*
 * source_ticker.c - weir_ticker: an item every interval.
 *
 * The ticks are on a grid that begins at the first pull. A pull waits for the next tick. A late
 * pull gives the newest tick that has passed and skips the earlier ones, so a slow reader never
 * gets a burst of them. The digits of the tick's number are in the source's own memory.
 */
#include <stdio.h>

#include <weir/source.h>

#include "flow_gen.h"

struct source_ticker {
    struct weir_gen gen;
    int64_t interval_ns;
    int64_t begun_ns; /* the first pull */
    int64_t ticks;    /* the number of the last tick given */
    bool begun;
    char text[24];
};

static int64_t due_ns(const struct source_ticker *ticker)
{
    return ticker->ticks < (INT64_MAX - ticker->begun_ns) / ticker->interval_ns
               ? ticker->begun_ns + (ticker->ticks + 1) * ticker->interval_ns
               : INT64_MAX;
}

static size_t give(struct source_ticker *ticker, weir_item *item)
{
    struct weir_gen *gen = &ticker->gen;
    ticker->ticks = (wr_now_ns(gen->loop) - ticker->begun_ns) / ticker->interval_ns;
    int len = snprintf(ticker->text, sizeof ticker->text, "%lld", (long long)ticker->ticks);
    *item = weir_bytes(ticker->text, (size_t)len);
    item->time_ns = gen->loop->now_unix_ns;
    wr_source_give(gen, item, 1);
    return 1;
}

static size_t ticker_next_within(struct weir_gen *gen, weir_item *items, size_t max,
                                 int64_t wait_ms, bool *late)
{
    struct source_ticker *ticker = WR_OWNER(gen, struct source_ticker, gen);
    struct weir_loop *loop = gen->loop;
    (void)max;
    *late = false;
    wr_origin_lend(gen->origin, 0);
    if (!ticker->begun) {
        ticker->begun = true;
        ticker->begun_ns = wr_now_ns(loop);
    }
    /* Timers count milliseconds: round up, so that the wait never ends before the tick. */
    int64_t left_ns = due_ns(ticker) - wr_now_ns(loop);
    int64_t left_ms = left_ns > 0 ? (left_ns - 1) / 1000000 + 1 : 0;
    bool patient = wait_ms < 0 || left_ms <= wait_ms;
    struct wr_limit limit;
    int rc = left_ms == 0 ? WEIR_ETIMEDOUT : 0;
    wr_limit_start(loop, &limit, patient ? left_ms : wait_ms);
    while (rc == 0 && !gen->stopping) {
        rc = wr_wait_limited(&limit, "the next tick", &gen->object);
    }
    wr_limit_stop(&limit);
    if (gen->stopping || (rc < 0 && rc != WEIR_ETIMEDOUT)) {
        if (!gen->stopping) {
            wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        }
        return 0;
    }
    *late = !patient;
    return patient ? give(ticker, items) : 0;
}

static size_t ticker_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    bool late;
    return ticker_next_within(gen, items, max, -1, &late);
}

static void ticker_stop(struct weir_gen *gen)
{
    wr_object_wake(&gen->object);
}

static const struct wr_gen_ops ticker_ops = {.kind = "ticker",
                                             .next_many = ticker_next_many,
                                             .next_within = ticker_next_within,
                                             .stop = ticker_stop,
                                             .is_source = true};

weir_gen *weir_ticker(weir_scope *scope, int64_t interval_ms)
{
    struct source_ticker *ticker = wr_gen_alloc(scope, sizeof *ticker, &ticker_ops, "ticker");
    if (ticker == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    if (interval_ms <= 0 || interval_ms > INT64_MAX / 1000000) {
        wr_gen_fail(&ticker->gen, WEIR_EINVAL, 0, -1,
                    "invalid interval of %lld ms: minimum 1 ms, maximum 292 years",
                    (long long)interval_ms);
        interval_ms = 1;
    }
    ticker->interval_ns = interval_ms * 1000000;
    return wr_gen_made(&ticker->gen, NULL);
}
