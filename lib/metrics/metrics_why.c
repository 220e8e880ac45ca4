/*
 * metrics_why.c - weir_why, the ledger and the statistics.
 *
 * weir_why follows the chain from the given generator to the one that gives no item, and describes
 * that one as weir_walk does. It allocates nothing and never suspends.
 */
#include <string.h>

#include <weir/metrics.h>

#include "base_print.h"
#include "metrics_walk.h"

enum { DEPTH_MAX = 16 };

/* "name: its own words", or "name waits for this". */
static void add_seen(struct wr_print *text, const struct wr_seen *seen)
{
    wr_printf(text, "%s%s%s", seen->node.name, seen->own_words ? ": " : " ", seen->node.why);
}

/* Follow the chain to the generator that gives no item, or to the sink that makes a pump wait. */
static void explain(struct wr_print *text, const struct weir_gen *gen)
{
    struct wr_seen seen;
    for (int depth = 0;; depth++) {
        if (gen->into != NULL && gen->state != WR_GEN_INSIDE) {
            wr_see_sink(&seen, gen->into);
            if (seen.node.why[0] != '\0') {
                add_seen(text, &seen);
                return;
            }
        }
        const struct weir_gen *up = wr_waits_upstream(gen);
        if (up == NULL || depth == DEPTH_MAX) {
            break;
        }
        wr_printf(text, "%s <- ", gen->name);
        gen = up;
    }
    wr_see_gen(&seen, gen);
    add_seen(text, &seen);
}

size_t weir_why(const weir_gen *gen, char *to, size_t cap)
{
    struct wr_print text;
    wr_gen_given(gen, "weir_why");
    wr_print_to(&text, to, cap);
    if (gen->loop == NULL) {
        wr_printf(&text, "was not created: out of memory");
    } else {
        explain(&text, gen);
        if (wr_nothing_moves(gen->loop)) {
            wr_printf(&text, "; %s", WR_NOTHING_MOVES);
        }
    }
    return text.len;
}

void weir_scope_ledger(const weir_scope *scope, weir_ledger *ledger)
{
    WR_GIVEN(ledger);
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
    WR_GIVEN(stats);
    wr_loop_given(loop, "weir_loop_stats");
    weir_stats all = {.struct_size = stats->struct_size,
                      .bytes_in = loop->stats.bytes_in,
                      .bytes_out = loop->stats.bytes_out,
                      .connects = loop->stats.connects,
                      .reconnects = loop->stats.reconnects,
                      .overlong = loop->stats.overlong,
                      .unread = loop->stats.unread,
                      .budget_bytes = loop->budget.used,
                      .budget_peak_bytes = loop->budget.peak,
                      .tasks = loop->tasks_count};
    memcpy(stats, &all, WR_MIN(stats->struct_size, sizeof all));
}
