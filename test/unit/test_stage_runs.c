/*
 * test_stage_runs.c - the example module runs under the suite for stages: it holds items back, and
 * gives no incomplete run.
 */
#include "../../apps/examples/module_runs.c"

#include <stdlib.h>

#include "plan_text.h"
#include "support_flow.h"
#include "support_stage.h"

static const weir_slice words[] = {
    {"a", 1}, {"a", 1}, {"", 0}, {"", 0}, {"", 0}, {"b|,", 3}, {"a", 1}, {"a\0", 2}, {"a\0", 2},
};
static const weir_slice one[] = {{"7", 1}, {"7", 1}, {"7", 1}};
#define KIT(list)                                                                      \
    {                                                                                  \
        .text = "runs", .items = (list), .items_count = sizeof(list) / sizeof(list)[0] \
    }
static const struct wr_stage_kit kits[] = {KIT(words), KIT(one)};

WR_STAGE_SUITE(kits);

__attribute__((constructor)) static void add_runs(void)
{
    if (wr_plan_components_add(weir_module_export.components) != 0) {
        abort();
    }
}

MAIN("stage/runs")
