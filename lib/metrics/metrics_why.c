/*
 * metrics_why.c - weir_why, the ledger, the version: what the objects' own counters and wait
 * reasons say.
 *
 * weir_why follows the chain from the generator that was asked about to the one that does not give:
 * a parked task records what it waits for and on which object, an object with a why operation says
 * it in its own words, and a generator that reads others hands the question upstream. Nothing is
 * allocated and nothing suspends.
 */
#include <stdio.h>
#include <string.h>

#include <weir/metrics.h>

#include "flow_gen.h"
#include "flow_puller.h"
#include "flow_sink.h"

struct text {
    char *to;
    size_t cap, len;
};

static void add(struct text *text, const char *part)
{
    size_t len = strlen(part);
    if (text->len < text->cap) {
        size_t room = text->cap - text->len;
        size_t n = len < room ? len : room - 1;
        memcpy(text->to + text->len, part, n);
        text->to[text->len + n] = '\0';
    }
    text->len += len;
}

/* What one generator says of itself, in its own words; false: nothing. */
static bool own_words(struct text *text, const struct weir_gen *gen)
{
    char words[200];
    if (gen->ops->why == NULL || gen->ops->why(gen, words, sizeof words) == 0) {
        return false;
    }
    add(text, gen->name);
    add(text, ": ");
    add(text, words);
    return true;
}

static void explain_wait(struct text *text, const char *name, const struct wr_task *task)
{
    char seconds[48], budget[300];
    add(text, name);
    add(text, " waits for ");
    if (task->why == wr_budget_why) {
        (void)wr_budget_tell(task->loop, budget, sizeof budget);
        add(text, "budget: ");
        add(text, budget);
    } else {
        add(text, task->why != NULL ? task->why : "its turn");
    }
    int64_t waited_ms = (task->loop->now_ns - task->parked_ns) / 1000000;
    if (waited_ms >= 100) {
        snprintf(seconds, sizeof seconds, " (for %lld.%lld s)", (long long)(waited_ms / 1000),
                 (long long)(waited_ms % 1000 / 100));
        add(text, seconds);
    }
}

/* The sink that a pump puts into keeps it waiting; false: it does not. */
static bool sink_waits(struct text *text, const struct weir_gen *gen)
{
    const struct weir_sink *sink = gen->into;
    char words[200];
    if (sink == NULL || gen->state == WR_GEN_INSIDE) {
        return false;
    }
    const struct wr_task *task = wr_object_waiter(&sink->object);
    if (sink->ops->why != NULL && sink->ops->why(sink, words, sizeof words) > 0) {
        add(text, sink->name);
        add(text, ": ");
        add(text, words);
        return true;
    }
    if (task != NULL) {
        explain_wait(text, sink->name, task);
    }
    return task != NULL;
}

static void explain(struct text *text, const struct weir_gen *gen, int depth)
{
    if (sink_waits(text, gen)) {
        return;
    }
    if (gen->state == WR_GEN_OVER) {
        const weir_error *failure = wr_gen_failure(gen);
        add(text, gen->name);
        add(text, failure != NULL ? " has failed: " : " has ended");
        add(text, failure != NULL ? failure->message : "");
        return;
    }
    if (gen->state == WR_GEN_FRESH) {
        add(text, gen->name);
        add(text, " has not been asked yet");
        return;
    }
    if (gen->up != NULL && depth < 16) {
        const struct weir_gen *deepest = gen->up;
        for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted;
             node = node->next) {
            const struct weir_gen *up = WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link);
            if (up->state == WR_GEN_INSIDE || wr_puller_busy(up)) {
                deepest = up;
                break;
            }
        }
        if (deepest->state == WR_GEN_INSIDE || wr_puller_busy(deepest)) {
            add(text, gen->name);
            add(text, " <- ");
            explain(text, deepest, depth + 1);
            return;
        }
    }
    const struct wr_task *task = wr_object_waiter(&gen->object),
                         *inside = gen->body || gen->extended ? wr_gen_task(gen) : NULL;
    if (gen->extended && own_words(text, gen)) {
        return;
    }
    if (inside != NULL && inside->state == WR_TASK_PARKED) {
        explain_wait(text, gen->name, inside);
        return;
    }
    /* Its own words say more than the wait, but for memory, or for the resume of who reads it. */
    bool other = task != NULL && (task->why == wr_budget_why || gen->state != WR_GEN_INSIDE);
    if (!other && own_words(text, gen)) {
        return;
    }
    if (task != NULL) {
        explain_wait(text, gen->name, task);
        return;
    }
    add(text, gen->name);
    add(text, gen->state == WR_GEN_INSIDE ? " is at work"
                                          : " is idle: its consumer has not asked for more");
}

size_t weir_why(const weir_gen *gen, char *to, size_t cap)
{
    struct text text = {to, cap, 0};
    wr_gen_given(gen, "weir_why");
    if (cap > 0) {
        to[0] = '\0';
    }
    if (gen->loop == NULL) {
        add(&text, "could not be made: out of memory");
    } else {
        explain(&text, gen, 0);
        if (wr_nothing_moves(gen->loop)) {
            add(&text, "; ");
            add(&text, WR_NOTHING_MOVES);
        }
    }
    return text.len;
}

void weir_scope_ledger(const weir_scope *scope, weir_ledger *ledger)
{
    uint64_t counts[WR_OUTCOMES];
    wr_scope_given(scope, "weir_scope_ledger");
    memset(ledger, 0, sizeof *ledger);
    wr_scope_counts(scope, &ledger->in, counts);
    ledger->delivered = counts[WR_DELIVERED];
    ledger->filtered = counts[WR_FILTERED];
    ledger->rejected = counts[WR_REJECTED];
    ledger->dropped = counts[WR_DROPPED];
    ledger->in_flight =
        ledger->in - ledger->delivered - ledger->filtered - ledger->rejected - ledger->dropped;
}

void weir_loop_stats(const weir_loop *loop, weir_stats *stats)
{
    wr_loop_given(loop, "weir_loop_stats");
    weir_stats all = {.struct_size = stats->struct_size,
                      .bytes_in = loop->stats.bytes_in,
                      .bytes_out = loop->stats.bytes_out,
                      .connects = loop->stats.connects,
                      .reconnects = loop->stats.reconnects,
                      .overlong = loop->stats.overlong,
                      .budget_bytes = loop->budget.used,
                      .budget_peak_bytes = loop->budget.peak,
                      .tasks = loop->tasks_count};
    memcpy(stats, &all, WR_MIN(stats->struct_size, sizeof all));
}
