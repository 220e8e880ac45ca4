/*
 * stage_head.c - weir_head and weir_skip: the first items, or all items after them.
 *
 * head never pulls more than it may give, and ends its upstream before it gives the last item, so
 * that the source closes in the same turn even when the reader never pulls again. The items of that
 * last call outlive their generator: head keeps them (bytes and receipts) until its own end.
 *
 * An item in several pieces counts when its last piece comes.
 *
 * With a state, both also count the items that earlier runs gave. So a run that was killed and is
 * resumed gives, in total, the same items as a single run. The count is known only if no component
 * between them and the source removes items; otherwise they count from 0 again.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "flow_gen.h"

struct stage_head {
    struct weir_gen gen;
    uint64_t left;
    bool begun;
    weir_item *kept; /* the items of the last call */
    size_t kept_count;
};

static void head_let_go(struct stage_head *head, enum wr_act act)
{
    for (size_t i = 0; i < head->kept_count; i++) {
        /* Not by weir_item_release: the reader only borrowed the items, `act` is its outcome. */
        wr_items_unref(&head->kept[i], 1, act);
        head->kept[i].receipt = NULL;
        weir_item_release(&head->kept[i]);
    }
    wr_free(head->kept);
    head->kept = NULL;
    head->kept_count = 0;
}

/* The n items just pulled are the last: keep them and end the upstream. 0 or a code. */
static int head_end_upstream(struct stage_head *head, weir_item *items, size_t n)
{
    head->kept = wr_alloc(n * sizeof *head->kept);
    if (head->kept == NULL) {
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        int rc = weir_item_keep(&head->kept[i], &items[i]);
        if (rc < 0) {
            return rc;
        }
        head->kept_count++;
        items[i] = head->kept[i];
    }
    wr_gen_seal(&head->gen);
    wr_gen_end_adopted(&head->gen);
    return 0;
}

/* How many of `left` items earlier runs took. */
static uint64_t taken_before(const struct weir_gen *gen, uint64_t left)
{
    uint64_t before;
    return gen->up != NULL && wr_gen_given_before(gen->up, &before) ? WR_MIN(before, left) : 0;
}

static size_t whole_of(const weir_item *items, size_t n)
{
    size_t whole = 0;
    for (size_t i = 0; i < n; i++) {
        whole += (items[i].flags & WEIR_ITEM_PART) == 0;
    }
    return whole;
}

static size_t head_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_head *head = WR_OWNER(gen, struct stage_head, gen);
    if (!head->begun) {
        head->begun = true;
        head->left -= taken_before(gen, head->left);
    }
    if (head->left == 0) {
        head_let_go(head, WR_ACT_PAST);
        return 0;
    }
    size_t n = wr_pull(gen->up, items, (size_t)WR_MIN((uint64_t)max, head->left));
    head->left -= whole_of(items, n);
    if (n > 0 && head->left == 0) {
        int rc = head_end_upstream(head, items, n);
        if (rc < 0) {
            wr_gen_fail(gen, rc, 0, -1, "no memory to keep the last items");
            return 0;
        }
    }
    return n;
}

static void head_close(struct weir_gen *gen)
{
    head_let_go(WR_OWNER(gen, struct stage_head, gen), WR_ACT_LOAN);
}

static bool head_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_head *head = WR_OWNER((uintptr_t)gen, struct stage_head, gen);
    bool known = gen->up != NULL && wr_gen_given_before(gen->up, count);
    *count = WR_MIN(*count, head->left);
    return known;
}

static const struct wr_gen_ops head_ops = {.kind = "head",
                                           .next_many = head_next_many,
                                           .close = head_close,
                                           .given_before = head_given_before};

static weir_gen *head_make(weir_gen *up, uint64_t count, bool of_run)
{
    struct stage_head *head = wr_stage_alloc(up, sizeof *head, &head_ops, "head");
    if (head != NULL) {
        head->left = count;
        head->begun = of_run;
    }
    return wr_gen_made(head != NULL ? &head->gen : NULL, up);
}

weir_gen *weir_head(weir_gen *up, uint64_t count)
{
    return head_make(up, count, false);
}

weir_gen *weir_head_of_run(weir_gen *up, uint64_t count)
{
    return head_make(up, count, true);
}

struct stage_skip {
    struct weir_gen gen;
    uint64_t left;
    bool begun;
};

static size_t skip_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_skip *skip = WR_OWNER(gen, struct stage_skip, gen);
    if (!skip->begun) {
        skip->begun = true;
        skip->left -= taken_before(gen, skip->left);
    }
    for (;;) {
        size_t n = wr_pull(gen->up, items, max);
        if (n == 0 || skip->left == 0) {
            return n;
        }
        size_t drop = 0;
        while (drop < n && skip->left > 0) {
            skip->left -= (items[drop++].flags & WEIR_ITEM_PART) == 0;
        }
        wr_gen_filter(gen, items, drop);
        if (drop < n) {
            for (size_t i = drop; i < n; i++) {
                items[i - drop] = items[i];
            }
            return n - drop;
        }
    }
}

static bool skip_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_skip *skip = WR_OWNER((uintptr_t)gen, struct stage_skip, gen);
    bool known = gen->up != NULL && wr_gen_given_before(gen->up, count);
    *count -= WR_MIN(*count, skip->left);
    return known;
}

static const struct wr_gen_ops skip_ops = {
    .kind = "skip", .next_many = skip_next_many, .given_before = skip_given_before};

weir_gen *weir_skip(weir_gen *up, uint64_t count)
{
    struct stage_skip *skip = wr_stage_alloc(up, sizeof *skip, &skip_ops, "skip");
    if (skip != NULL) {
        skip->left = count;
    }
    return wr_gen_made(skip != NULL ? &skip->gen : NULL, up);
}

struct count_args {
    int64_t count;
};

static weir_gen *head_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_head(up, (uint64_t)((const struct count_args *)args)->count);
}

static weir_gen *skip_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_skip(up, (uint64_t)((const struct count_args *)args)->count);
}

static const weir_arg count_args[] = {
    WEIR_ARG_COUNT(struct count_args, count, .name = "N", .flags = WEIR_ARG_REQUIRED,
                   .help = "how many"),
};

const weir_component wr_component_head = {
    .struct_size = sizeof wr_component_head,
    .name = "head",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_COUNTS | WEIR_TRAIT_PIECES,
    .args = count_args,
    .args_count = sizeof count_args / sizeof count_args[0],
    .args_size = sizeof(struct count_args),
    .help = "The first N items; then ends everything before it.",
    .example = "gen 1.. | head 3",
    .prints = "1\n2\n3\n",
    .open = head_open,
};

const weir_component wr_component_skip = {
    .struct_size = sizeof wr_component_skip,
    .name = "skip",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_COUNTS | WEIR_TRAIT_PIECES,
    .args = count_args,
    .args_count = sizeof count_args / sizeof count_args[0],
    .args_size = sizeof(struct count_args),
    .help = "All but the first N items.",
    .example = "gen 1..10 | skip 8",
    .prints = "9\n10\n",
    .open = skip_open,
};
