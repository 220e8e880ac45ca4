/*
 * support_stage.h - one suite for all stages of the language.
 *
 * A kit is a stage as it stands in a text, and what it is given. The stage stands behind a source of
 * the suite's own, which gives the items in portions of any size, pauses, fails, falls silent or
 * ends where a test wants it to:
 *
 *     static const struct wr_stage_kit kits[] = {{.text = "head 3"}, {.text = "head 100"}};
 *     WR_STAGE_SUITE(kits);
 *
 * test_plan_stages.c runs it over every stage that there is, with its example, so a stage that is
 * added is tested by it without more. Other arguments and other items are kits of the stage's own
 * test: test_stage_grep.c is a model. What a test needs besides, a loop on a virtual clock
 * (test_loop), sources and sums, is in support_flow.h.
 *
 * After a failure a stage gives the same items as after a proper end at that place. One that
 * HOLDS_BACK may leave out the incomplete rest (weir_end_code), and nothing else. An encoder, which
 * makes bytes of items, may end its stream with bytes that belong to no item: after a failure these
 * are missing. Portions change these bytes, so what it keeps and what two runs write is decoded in
 * its own test. A framer gives no part of an unfinished item. One that HOLDS_BACK is seen to do so
 * with the items of some kit. What is kept over the items (a run is cut after the third one, and
 * the rest goes to a new run) is either said by a trait, or with a state the kept items have not
 * settled (weir_item_keep).
 */
#ifndef WR_SUPPORT_STAGE_H
#define WR_SUPPORT_STAGE_H

#include <weir/weir.h>

#include "support_check.h"

struct wr_stage_kit {
    const char *text; /* "batch 4 within 1s" */
    uint32_t shape;   /* of what it is given: WEIR_SHAPE_..., 0: lines */
    const weir_slice
        *items; /* any bytes; of the shape, and no batches. NULL: the numbers 1 to 12 */
    size_t items_count;
    bool several; /* it may make several items of one */
    bool packets; /* the items are no lines: in a file, each has its length before it (len32) */
};

/* The tests, each on a kit. */
extern const struct wr_suite_test wr_stage_suite[];

/* All of them, over each kit of an array. */
#define WR_STAGE_SUITE(kits)                                          \
    __attribute__((constructor)) static void add_suite(void)          \
    {                                                                 \
        for (size_t i = 0; i < sizeof(kits) / sizeof *(kits); i++) {  \
            wr_suite_add(wr_stage_suite, (kits)[i].text, &(kits)[i]); \
        }                                                             \
    }                                                                 \
    struct weir_swallow_semicolon

#endif
