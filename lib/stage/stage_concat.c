/*
 * stage_concat.c - weir_concat: the items of several generators, one generator after the other.
 *
 * It reads the first generator that it has adopted and not ended. One that has ended is closed before the
 * next is pulled, so two never run at the same time.
 */
#include <weir/stage.h>

#include "flow_gen.h"

static size_t concat_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    while (gen->up != NULL) {
        struct weir_gen *up = gen->up;
        size_t n = wr_pull(up, items, max);
        if (n > 0) {
            return n;
        }
        if (wr_gen_failure(up) != NULL) {
            return 0; /* the base takes it over, and ends the others */
        }
        wr_gen_unadopt(up);
        wr_gen_close(up);
        const weir_error *failure = wr_gen_failure(up);
        if (failure != NULL) {
            (void)wr_gen_fail_at(gen, failure, up->failed_at);
            up->reported = true;
        }
        wr_gen_free(up);
        if (gen->failure != NULL) {
            return 0;
        }
    }
    return 0;
}

static const struct wr_gen_ops concat_ops = {.kind = "concat", .next_many = concat_next_many};

weir_gen *weir_concat(weir_scope *scope, weir_gen **gens, size_t count)
{
    WR_COPIED_GIVEN(gens, count);
    struct weir_gen *concat = wr_gen_alloc(scope, sizeof *concat, &concat_ops, "concat");
    for (size_t i = 0; i < count && concat != NULL; i++) {
        wr_gen_given(gens[i], "weir_concat");
        wr_gen_adopt(concat, gens[i]);
    }
    return concat != NULL ? concat : wr_gen_made(NULL, NULL);
}
