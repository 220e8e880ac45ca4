/*
 * support_stage.h - one suite for all stages of the language.
 *
 * A kit is a stage as it stands in a text, and what it is given. The stage stands behind a source of
 * the suite's own, which gives the items in portions of any size, pauses, fails, falls silent or
 * ends where a test wants it to:
 *
 *     static const struct wr_stage_kit kit = {.text = "head 3"};
 *     WR_STAGE_SUITE(&kit);
 *
 * test_plan_stages.c runs it over every stage that there is, so a stage that is added is tested by
 * it without more.
 */
#ifndef WR_SUPPORT_STAGE_H
#define WR_SUPPORT_STAGE_H

#include <weir/weir.h>

#include "support_check.h"

struct wr_stage_kit {
    const char *text;        /* "batch 4 within 1s" */
    uint32_t shape;          /* of what it is given: WEIR_SHAPE_..., 0: lines */
    const weir_slice *items; /* NULL: the numbers 1 to 12 */
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
void wr_stage_settles_every_item(const struct wr_stage_kit *kit);
/* What its descriptor says is so: shapes, ONE_TO_ONE, HOLDS_BACK, READS_AHEAD, PURE. */
void wr_stage_is_as_its_traits_say(const struct wr_stage_kit *kit);
void wr_stage_keeps_memory_bound(const struct wr_stage_kit *kit);

#define WR_STAGE_SUITE(kit)                          \
    TEST(gives_the_same_in_any_portion)              \
    {                                                \
        wr_stage_gives_the_same_in_any_portion(kit); \
    }                                                \
    TEST(ends_with_its_upstream)                     \
    {                                                \
        wr_stage_ends_with_its_upstream(kit);        \
    }                                                \
    TEST(gives_items_before_a_failure)               \
    {                                                \
        wr_stage_gives_items_before_a_failure(kit);  \
    }                                                \
    TEST(may_be_late)                                \
    {                                                \
        wr_stage_may_be_late(kit);                   \
    }                                                \
    TEST(is_canceled_while_waiting)                  \
    {                                                \
        wr_stage_is_canceled_while_waiting(kit);     \
    }                                                \
    TEST(is_canceled_from_elsewhere)                 \
    {                                                \
        wr_stage_is_canceled_from_elsewhere(kit);    \
    }                                                \
    TEST(is_canceled_while_waiting_for_memory)       \
    {                                                \
        wr_stage_is_canceled_without_memory(kit);    \
    }                                                \
    TEST(is_discarded_midway)                        \
    {                                                \
        wr_stage_is_discarded_midway(kit);           \
    }                                                \
    TEST(settles_every_item)                         \
    {                                                \
        wr_stage_settles_every_item(kit);            \
    }                                                \
    TEST(is_as_its_traits_say)                       \
    {                                                \
        wr_stage_is_as_its_traits_say(kit);          \
    }                                                \
    TEST(keeps_memory_bound)                         \
    {                                                \
        wr_stage_keeps_memory_bound(kit);            \
    }                                                \
    struct weir_swallow_semicolon

#endif
