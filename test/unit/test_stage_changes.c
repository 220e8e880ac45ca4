/*
 * test_stage_changes.c - a stage of public headers that passes an item on and keeps it as well: what
 * comes next is compared with it. A restart reads the kept item again, and the file is cut to where
 * it began, so the stage needs no trait for what it keeps.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/extend.h>
#include <weir/module.h>

#include "plan_text.h"
#include "support_flow.h"
#include "support_stage.h"

struct changes {
    weir_item last; /* kept */
};

static size_t next_changed(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct changes *changes = self;
    (void)max;
    while (weir_pull(gen, items, 1) > 0) {
        weir_slice last, text;
        if (weir_item_text(items, &text, NULL) < 0 ||
            weir_item_text(&changes->last, &last, NULL) < 0) {
            weir_gen_error(gen, WEIR_EINVAL, 0, "an item without a text");
            return 0;
        }
        if (changes->last.receipt != NULL && last.len == text.len &&
            (text.len == 0 || memcmp(last.data, text.data, text.len) == 0)) {
            weir_leave_out(gen, items, 1);
            continue;
        }
        weir_item_release(&changes->last);
        int rc = weir_item_keep(&changes->last, items);
        if (rc < 0) {
            weir_gen_error(gen, rc, 0, "no memory");
            return 0;
        }
        return 1;
    }
    if (weir_end_code(gen) == 0) {
        weir_item_release(&changes->last); /* nothing is compared with it any more */
    }
    return 0;
}

static void changes_close(weir_gen *gen, void *self)
{
    (void)gen;
    weir_item_abandon(&((struct changes *)self)->last);
}

static const weir_gen_ops ops = {.struct_size = sizeof ops,
                                 .name = "changes",
                                 .next_many = next_changed,
                                 .close = changes_close};

static weir_gen *changes_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const struct changes none;
    (void)opening;
    (void)args;
    return weir_stage_new(up, &ops, &none, sizeof none);
}

static const weir_component changes = {
    .struct_size = sizeof changes,
    .name = "changes",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU,
    .help = "Lines that differ from the one before.",
    .example = "gen 1..3 | changes",
    .prints = "1\n2\n3\n",
    .open = changes_open,
};

WEIR_MODULE(&changes);

static const weir_slice words[] = {
    {"a", 1}, {"a", 1}, {"", 0}, {"", 0}, {"b", 1}, {"b", 1}, {"a", 1}, {"c", 1}, {"c", 1},
};
static const struct wr_stage_kit kits[] = {
    {.text = "changes"},
    {.text = "changes", .items = words, .items_count = sizeof words / sizeof words[0]},
};

WR_STAGE_SUITE(kits);

__attribute__((constructor)) static void add_changes(void)
{
    if (wr_plan_components_add(weir_module_export.components) != 0) {
        abort();
    }
}

MAIN("stage/changes")
