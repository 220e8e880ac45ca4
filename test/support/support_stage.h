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
 * test: test_stage_grep.c is a model.
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
};

/* The same items come out however they are asked for and however they come. */
void wr_stage_gives_the_same_in_any_portion(const struct wr_stage_kit *kit);
void wr_stage_ends_with_its_upstream(const struct wr_stage_kit *kit);
void wr_stage_gives_items_before_a_failure(const struct wr_stage_kit *kit);
void wr_stage_may_be_late(const struct wr_stage_kit *kit);
void wr_stage_is_canceled_while_waiting(const struct wr_stage_kit *kit);
/* ... by the scope that it was made in, while its reader belongs to another one. */
void wr_stage_is_canceled_from_elsewhere(const struct wr_stage_kit *kit);
void wr_stage_is_canceled_without_memory(const struct wr_stage_kit *kit);
void wr_stage_is_discarded_midway(const struct wr_stage_kit *kit);
/* Each item that came out, or part of a batch, is one delivered; what was left out is filtered. */
void wr_stage_settles_every_item(const struct wr_stage_kit *kit);
/* What its descriptor says is so: shapes, ONE_TO_ONE, HOLDS_BACK, READS_AHEAD, PURE. */
void wr_stage_is_as_its_traits_say(const struct wr_stage_kit *kit);
void wr_stage_keeps_memory_bound(const struct wr_stage_kit *kit);

/* All of them, over each kit of an array. */
#define WR_STAGE_SUITE(kits)                           \
    WR_STAGE_TEST(kits, gives_the_same_in_any_portion) \
    WR_STAGE_TEST(kits, ends_with_its_upstream)        \
    WR_STAGE_TEST(kits, gives_items_before_a_failure)  \
    WR_STAGE_TEST(kits, may_be_late)                   \
    WR_STAGE_TEST(kits, is_canceled_while_waiting)     \
    WR_STAGE_TEST(kits, is_canceled_from_elsewhere)    \
    WR_STAGE_TEST(kits, is_canceled_without_memory)    \
    WR_STAGE_TEST(kits, is_discarded_midway)           \
    WR_STAGE_TEST(kits, settles_every_item)            \
    WR_STAGE_TEST(kits, is_as_its_traits_say)          \
    WR_STAGE_TEST(kits, keeps_memory_bound)            \
    struct weir_swallow_semicolon

#define WR_STAGE_TEST(kits, what)                                          \
    TEST(what)                                                             \
    {                                                                      \
        for (size_t kit = 0; kit < sizeof(kits) / sizeof *(kits); kit++) { \
            wr_stage_##what(&(kits)[kit]);                                 \
        }                                                                  \
    }

#endif
