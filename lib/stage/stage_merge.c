/*
 * stage_merge.c - weir_merge: items of several generators in the order of their arrival.
 *
 * Each upstream has one pending pull in its own task (wr_puller_request). The results are in a list
 * in the order of their arrival, so the cost of a merge depends on its active streams only, not on
 * a thousand idle ones. The items given last stay lent until the next call; only then their
 * upstream is pulled again. The first failure ends the merge.
 */
#include <weir/stage.h>

#include <string.h>

#include "base_alloc.h"
#include "flow_gen.h"

enum { ASK_ITEMS = 16 };

struct merge_input {
    struct weir_gen *gen; /* NULL: ended */
    struct stage_merge *merge;
    struct wr_list link; /* in ready or in rest */
};

struct stage_merge {
    struct weir_gen gen;
    struct merge_input *inputs;
    size_t count, open;
    struct wr_list ready; /* inputs with a result, oldest first */
    struct wr_list rest;  /* inputs to pull from at the next call */
};

static void input_ready(void *ctx)
{
    struct merge_input *input = ctx;
    wr_list_remove(&input->link);
    wr_list_append(&input->merge->ready, &input->link);
    wr_object_wake(&input->merge->gen.object);
}

/* Start a pull on each input in `rest`, for as many items as the reader may take. */
static bool merge_ask(struct stage_merge *merge, size_t max)
{
    for (struct wr_list *node; (node = wr_list_take(&merge->rest)) != NULL;) {
        struct merge_input *input = WR_OWNER(node, struct merge_input, link);
        if (wr_puller_request(input->gen, WR_MIN(max, (size_t)ASK_ITEMS), input_ready, input) < 0) {
            wr_gen_fail(&merge->gen, WEIR_ENOMEM, 0, -1, "no memory for a waiting task");
            return false;
        }
    }
    return true;
}

static void merge_input_over(struct stage_merge *merge, struct merge_input *input)
{
    struct weir_gen *up = input->gen;
    WR_ASSERT(up != NULL, "an input that has ended was pulled");
    const weir_error *failure = wr_gen_failure(up);
    if (failure != NULL) {
        wr_gen_fail_at(&merge->gen, failure, up->failed_at);
        up->reported = true;
    }
    input->gen = NULL;
    merge->open--;
    wr_gen_unadopt(up);
    wr_gen_close(up);
    wr_gen_free(up);
}

static size_t merge_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_merge *merge = WR_OWNER(gen, struct stage_merge, gen);
    if (!merge_ask(merge, max)) {
        return 0;
    }
    while (merge->open > 0 && gen->failure == NULL) {
        struct wr_list *node = wr_list_take(&merge->ready);
        if (node == NULL) {
            int rc = wr_wait_for_task(gen->loop, "an item of any merged generator", &gen->object);
            if (rc < 0) {
                wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
                return 0;
            }
            continue;
        }
        struct merge_input *input = WR_OWNER(node, struct merge_input, link);
        size_t n = wr_puller_some(input->gen, items, max);
        if (n == 0) {
            merge_input_over(merge, input);
            continue;
        }
        /* Results that do not fit now stay with the input: it is ready again at once. */
        wr_list_append(wr_puller_ready(input->gen) ? &merge->ready : &merge->rest, &input->link);
        return n;
    }
    return 0;
}

static void merge_free(struct weir_gen *gen)
{
    wr_free(WR_OWNER(gen, struct stage_merge, gen)->inputs);
}

static const struct wr_gen_ops merge_ops = {
    .kind = "merge", .next_many = merge_next_many, .free = merge_free};

weir_gen *weir_merge(weir_scope *scope, weir_gen **gens, size_t count)
{
    WR_COPIED_GIVEN(gens, count);
    struct stage_merge *merge = wr_gen_alloc(scope, sizeof *merge, &merge_ops, "merge");
    struct merge_input *inputs = merge != NULL ? wr_zalloc((count + 1) * sizeof *inputs) : NULL;
    if (inputs == NULL) {
        if (merge != NULL) {
            wr_gen_free(&merge->gen);
        }
        return wr_gen_made(NULL, NULL);
    }
    merge->inputs = inputs;
    wr_list_init(&merge->ready);
    wr_list_init(&merge->rest);
    for (size_t i = 0; i < count; i++) {
        wr_gen_given(gens[i], "weir_merge");
        wr_gen_adopt(&merge->gen, gens[i]);
        if (gens[i]->reader != &merge->gen) {
            continue; /* could not be made: its failure is already the merge's */
        }
        struct merge_input *input = &inputs[merge->count++];
        input->gen = gens[i];
        input->merge = merge;
        wr_list_init(&input->link);
        wr_list_append(&merge->rest, &input->link);
    }
    merge->open = merge->count;
    return &merge->gen;
}
