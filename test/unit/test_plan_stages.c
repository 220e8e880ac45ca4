/*
 * test_plan_stages.c - the suite for stages (support_stage.h), over every stage that there is.
 *
 * A stage is run as it stands in its own example. Those that take bytes of a form of their own are
 * given some.
 */
#include <string.h>

#include "support_stage.h"

#define BYTES(text)           \
    {                         \
        text, sizeof text - 1 \
    }

static const weir_slice pieces[] = {BYTES("one\nt"), BYTES("wo\r\n"), BYTES("\nthree\nla"),
                                    BYTES("st")};
static const weir_slice ended[] = {BYTES("one\0t"), BYTES("wo\0"), BYTES("\0three\0la"),
                                   BYTES("st\0")};
static const weir_slice long_records[] = {BYTES("\0\0\0\3one\0\0"),
                                          BYTES("\0\3two\0\0\0\0\0\0\0\5th"), BYTES("ree")};
static const weir_slice records[] = {BYTES("\3one\3t"), BYTES("wo\0\5three")};
static const weir_slice fixed[] = {BYTES("0123456789abcdef01"), BYTES("23456789abcdef")};
static const weir_slice events[] = {BYTES("data: one\n\nda"), BYTES("ta: two\nid: 7\n\n"),
                                    BYTES("data: three\n\n")};

#define KIT(stage, slices)                                         \
    {                                                              \
        .text = stage, .shape = WEIR_SHAPE_BYTES, .items = slices, \
        .items_count = sizeof slices / sizeof slices[0]            \
    }

/* What other stages are given than lines. */
static const struct wr_stage_kit special[] = {
    KIT("lines", pieces),   KIT("raw", pieces),     KIT("nul", ended),  KIT("len32", long_records),
    KIT("varint", records), KIT("fixed 16", fixed), KIT("sse", events),
};

/* The stage as its example has it; 0: the component is no stage. */
static size_t from_example(const weir_component *component, char *text, size_t cap)
{
    weir_error error;
    size_t len = 0;
    weir_plan *plan = component->kind == WEIR_KIND_STAGE
                          ? weir_plan_read(component->example, NULL, &error)
                          : NULL;
    for (size_t i = 0; plan != NULL && i < weir_plan_count(plan) && len == 0; i++) {
        if (weir_plan_part(plan, i) == component) {
            len = strlen(weir_plan_part_text(plan, i));
            ck_assert_uint_lt(len, cap);
            memcpy(text, weir_plan_part_text(plan, i), len + 1);
        }
    }
    weir_plan_free(plan);
    return len;
}

/* In a sweep each test runs over every third stage only, from `third` on, so that all tests together
 * meet each stage's failures. */
static void run_over_all(void (*test)(const struct wr_stage_kit *kit), size_t third)
{
    const weir_component *component;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (!wr_test_sweeps() || i % 3 == third) {
            test(&special[i]);
        }
    }
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        static char text[256];
        const struct wr_stage_kit kit = {.text = text,
                                         .shape = (component->takes & WEIR_SHAPE_LINE) != 0 ? 0
                                                  : (component->takes & WEIR_SHAPE_JSON) != 0
                                                      ? WEIR_SHAPE_JSON
                                                      : WEIR_SHAPE_EVENT};
        if (component->takes != WEIR_SHAPE_BYTES && (!wr_test_sweeps() || i % 3 == third) &&
            from_example(component, text, sizeof text) > 0) {
            test(&kit);
        }
    }
}

#define OVER_ALL(name, test, third) \
    TEST_WITHIN(name, 60)           \
    {                               \
        run_over_all(test, third);  \
    }                               \
    struct weir_swallow_semicolon

OVER_ALL(gives_the_same_in_any_portion, wr_stage_gives_the_same_in_any_portion, 1);
OVER_ALL(ends_with_its_upstream, wr_stage_ends_with_its_upstream, 2);
OVER_ALL(gives_items_before_a_failure, wr_stage_gives_items_before_a_failure, 0);
OVER_ALL(may_be_late, wr_stage_may_be_late, 1);
OVER_ALL(is_canceled_while_waiting, wr_stage_is_canceled_while_waiting, 2);
OVER_ALL(is_canceled_from_elsewhere, wr_stage_is_canceled_from_elsewhere, 0);
OVER_ALL(is_canceled_while_waiting_for_memory, wr_stage_is_canceled_without_memory, 1);
OVER_ALL(is_discarded_midway, wr_stage_is_discarded_midway, 2);
OVER_ALL(settles_every_item, wr_stage_settles_every_item, 0);
OVER_ALL(is_as_its_traits_say, wr_stage_is_as_its_traits_say, 1);
OVER_ALL(keeps_memory_bound, wr_stage_keeps_memory_bound, 2);

TEST(every_stage_that_takes_bytes_alone_has_a_kit)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        bool found = component->kind != WEIR_KIND_STAGE || component->takes != WEIR_SHAPE_BYTES;
        for (size_t j = 0; j < sizeof special / sizeof special[0]; j++) {
            size_t len = strcspn(special[j].text, " ");
            found = found || (strlen(component->name) == len &&
                              memcmp(special[j].text, component->name, len) == 0);
        }
        ck_assert_msg(found, "%s", component->name);
    }
}

MAIN("plan/stages")
