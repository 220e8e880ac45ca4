/*
 * support_flow.h - what tests of generators have in common: a loop on a virtual clock, a counting
 * source, a stage that gives what it reads, reading to the end. It takes the names number_type,
 * number_item, number_of, numbers, same, count_to, sum_of and test_loop: a test that includes it
 * calls its own differently.
 */
#ifndef WR_SUPPORT_FLOW_H
#define WR_SUPPORT_FLOW_H

#include <string.h>

#include <weir/weir.h>

#include "loop_wait.h"
#include "support_check.h"

WEIR_TYPE(number, long);

struct numbers_args {
    long count;       /* items; -1: without end */
    long fail_at;     /* fails instead of giving this one; 0: never */
    int64_t pause_ms; /* before each item */
    weir_scope *scope;
};

WEIR_SOURCE(numbers, struct numbers_args)
{
    for (long i = 1; args->count < 0 || i <= args->count; i++) {
        if (i == args->fail_at) {
            return weir_fail(self, WEIR_EPARSE, "number %ld", i);
        }
        if (args->pause_ms > 0 && !weir_sleep(args->scope, args->pause_ms)) {
            return 0;
        }
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

/* Gives what it reads. */
WEIR_STAGE(same)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    return 0;
}

static inline WEIR_UNUSED weir_gen *count_to(weir_scope *scope, long count)
{
    return numbers(scope, (struct numbers_args){.count = count});
}

/* A loop on a virtual clock, or NULL when a sweep lets it fail. */
static inline WEIR_UNUSED weir_loop *test_loop(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    if (loop != NULL) {
        wr_loop_virtual_clock(loop, 1700000000000000000);
    }
    ck_assert_ptr_nonnull(loop);
    return loop;
}

/* Sum of what is left of gen, or -1 when it fails; gen is ended. */
static inline WEIR_UNUSED long sum_of(weir_gen *gen, weir_error *error)
{
    weir_item item;
    long sum = 0;
    while (weir_next(gen, &item)) {
        sum += *number_of(&item);
    }
    return weir_finish(gen, error) < 0 ? -1 : sum;
}

/* What an item's bytes are; 0: a type of a program. */
static inline WEIR_UNUSED uint32_t wr_shape_of(const weir_item *item)
{
    const weir_event *event = weir_event_of(item);
    if (event != NULL) {
        return event->kind == WEIR_EVENT_RECORD ? WEIR_SHAPE_RECORD : WEIR_SHAPE_MESSAGE;
    }
    return item->type == NULL               ? WEIR_SHAPE_LINE | WEIR_SHAPE_BYTES
           : item->type == &weir_json_type  ? WEIR_SHAPE_JSON
           : item->type == &weir_batch_type ? WEIR_SHAPE_BATCH
                                            : 0;
}

static inline WEIR_UNUSED weir_ledger ledger_of(weir_scope *scope)
{
    weir_ledger ledger;
    weir_scope_ledger(scope, &ledger);
    return ledger;
}

#endif
