/*
 * stage_collect.c - weir_collect: all items of a short stream, within limits that must be given.
 */
#include <weir/stage.h>

#include "base_alloc.h"
#include "flow_gen.h"

void weir_collected_free(weir_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weir_item_release(&items[i]);
    }
    wr_free(items);
}

struct collected {
    weir_item *items;
    size_t count, cap, bytes, items_max, bytes_max;
};

/* Keep one more item. 0 or a code. */
static int add(struct collected *all, const weir_item *item, const char *name, weir_error *error)
{
    if (all->count == all->items_max) {
        return wr_error_set(error, WEIR_ETOOLONG, 0, name, "more than %zu items", all->items_max);
    }
    if (item->len > all->bytes_max - all->bytes) {
        return wr_error_set(error, WEIR_ETOOLONG, 0, name, "more than %zu bytes", all->bytes_max);
    }
    int rc = wr_grow(&all->items, sizeof *all->items, all->count, &all->cap)
                 ? weir_item_keep(&all->items[all->count], item)
                 : WEIR_ENOMEM;
    if (rc < 0) {
        return wr_error_set(error, rc, 0, name, "an item cannot be kept: %s", wr_code_text(rc));
    }
    all->bytes += item->len;
    all->count++;
    return 0;
}

int weir_collect(weir_gen *gen, size_t items_max, size_t bytes_max, weir_item **items,
                 size_t *count, weir_error *error)
{
    struct collected all = {.items_max = items_max, .bytes_max = bytes_max};
    weir_item item;
    char name[32];
    int rc = 0;
    wr_gen_given(gen, "weir_collect");
    WR_GIVEN(items);
    WR_GIVEN(count);
    *items = NULL;
    *count = 0;
    wr_error_clear(error);
    (void)wr_copy_text(name, sizeof name, gen->name);
    if (items_max == 0 || bytes_max == 0) {
        rc = wr_error_set(error, WEIR_EINVAL, 0, name,
                          "a stream is collected within limits: one is 0");
    }
    while (rc == 0 && weir_next(gen, &item)) {
        rc = add(&all, &item, name, error);
    }
    if (rc < 0) {
        weir_discard(gen);
    } else {
        rc = weir_finish(gen, error);
    }
    if (rc < 0) {
        weir_collected_free(all.items, all.count);
        return rc;
    }
    *items = all.items;
    *count = all.count;
    return 0;
}
