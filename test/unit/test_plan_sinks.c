/*
 * test_plan_sinks.c - the suite for sinks (support_suites.h), over every sink that there is.
 */
#include "support_suites.h"

/* A component without a far end is a test that fails. */
static void has_a_far_end(const void *on)
{
    const weir_component *component = on;
    ck_abort_msg("how a test opens the sink '%s' belongs in test/support/support_far_sinks.c",
                 component->name);
}
static const struct wr_suite_test unknown[] = {{"has_a_far_end", has_a_far_end}, {NULL, NULL}};

__attribute__((constructor)) static void add_all(void)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        const struct wr_sink_kit *kit =
            component->kind == WEIR_KIND_SINK ? wr_sink_kit_of(component) : NULL;
        if (kit != NULL) {
            wr_sink_suite_add(component->name, kit);
        } else if (component->kind == WEIR_KIND_SINK) {
            wr_suite_add(unknown, component->name, component);
        }
    }
}

MAIN("plan/sinks")
