/*
 * stage_sort.c - weir_sort and the component `sort`: all items in the order of their keys.
 *
 * It reads its whole upstream first: items stay by reference in a ring (flow_ring.h), which is bounded
 * by max and by the loop's budget. A key is the item's text, or bytes made of its value whose order is
 * that of the values; those lie in blocks. When the upstream has ended, the keys are sorted
 * (stage_order.h) and the items are given in that order. They are held until all have been given, so
 * with a state a restart reads all of them again, and writes all of them again. If the upstream fails nothing is given: the
 * order would not be that of all items.
 */
#include "stage_calc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "bytes_block.h"
#include "codec_out.h"
#include "flow_ring.h"
#include "stage_order.h"
#include "stage_values.h"

enum { PULL_ITEMS = 16, KEY_BLOCK = 64 * 1024 };

struct stage_sort {
    struct weir_gen gen;
    struct wr_calc calc; /* of the key; run NULL: the item's text */
    bool numeric, desc;
    size_t items_max;
    weir_scratch scratch;
    struct wr_ring ring;
    struct wr_order_key
        *keys; /* of the items in the ring, in their order; NULL for the text's own */
    size_t keys_cap;
    struct weir_block *key_blocks; /* by next */
    weir_item **items;             /* as the ring has them */
    struct wr_order_pair *pairs;   /* two for each item; sorted */
    size_t count, at;              /* items; the next one to give */
    size_t charged;
    bool sorted;
};

static int no_memory(struct stage_sort *stage)
{
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory to sort");
}

/* Wait for the budget. 0 or a code: the stage has failed. */
static int wait(struct stage_sort *stage)
{
    struct weir_gen *gen = &stage->gen;
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(gen, -1);
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Charge the tables for so many items. 0 or a code. */
static int charge(struct stage_sort *stage, size_t bytes)
{
    while (!wr_budget_charge_slots(&stage->gen.loop->budget, bytes)) {
        int rc = wait(stage);
        if (rc < 0) {
            return rc;
        }
    }
    stage->charged += bytes;
    return 0;
}

/* ---- keys */

/* Room for the bytes of a key, which stay. NULL: the stage has failed. */
static char *key_room(struct stage_sort *stage, size_t len)
{
    struct weir_block *block = stage->key_blocks;
    int why = 0;
    if (block == NULL || block->cap - block->len < len) {
        while ((block = wr_block_new(&stage->gen.loop->blocks, WR_MAX(len, (size_t)KEY_BLOCK),
                                     &why)) == NULL) {
            if (why != WEIR_EBUDGET) {
                (void)no_memory(stage);
                return NULL;
            }
            if (wait(stage) < 0) {
                return NULL;
            }
        }
        block->next = stage->key_blocks;
        stage->key_blocks = block;
    }
    char *to = block->data + block->len;
    block->len += (uint32_t)len;
    return to;
}

/* Bytes whose order is that of the numbers. */
static void put_number(struct wr_out *out, double real)
{
    uint64_t bits;
    real = real == 0 ? 0 : real; /* no -0 */
    memcpy(&bits, &real, sizeof bits);
    bits ^= bits >> 63 != 0 ? ~UINT64_C(0) : UINT64_C(1) << 63;
    for (int shift = 56; shift >= 0; shift -= 8) {
        wr_out_byte(out, (char)(bits >> shift & 0xff));
    }
}

static void put_whole(struct wr_out *out, struct wr_value number)
{
    int64_t whole = 0;
    bool is = wr_number_whole(number, &whole);
    double real = wr_number_real(number);
    put_number(out, real);
    /* Large whole numbers differ where their doubles do not. */
    int64_t rest = is && real > -9e18 && real < 9e18 ? whole - (int64_t)real : 0;
    wr_out_byte(out, (char)((rest + 0x8000) >> 8 & 0xff));
    wr_out_byte(out, (char)((rest + 0x8000) & 0xff));
}

/* NULs are escaped, so that a string that ends stands before those that go on. */
static void put_text(struct wr_out *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        wr_out_byte(out, bytes[i]);
        if (bytes[i] == '\0') {
            wr_out_byte(out, '\xff');
        }
    }
    wr_out_bytes(out, "\0\1", 2);
}

/* The number that a text begins with, as sort -n reads it; none is 0. */
static double leading_number(const char *bytes, size_t len)
{
    char digits[64];
    size_t n = 0, at = 0;
    while (at < len && (bytes[at] == ' ' || bytes[at] == '\t')) {
        at++;
    }
    for (; at < len && n + 1 < sizeof digits && strchr("+-.0123456789", bytes[at]) != NULL &&
           bytes[at] != '\0';
         at++) {
        digits[n++] = bytes[at];
    }
    digits[n] = '\0';
    double real = strtod(digits, NULL);
    return isnan(real) ? 0 : real;
}

/* The key of one value: in the order of kinds that jq has. */
static void put_value(const struct stage_sort *stage, struct wr_out *out, struct wr_arena *arena,
                      struct wr_value value)
{
    bool as_number = stage->numeric && value.kind == WR_JSON_STRING;
    wr_out_byte(out, as_number ? (char)WR_JSON_NUMBER : (char)value.kind);
    if (value.kind == WR_JSON_NUMBER) {
        put_whole(out, value);
    } else if (as_number) {
        put_number(out, leading_number(value.as.text, value.len));
        wr_out_bytes(out, "\x80\0", 2);
    } else if (value.kind == WR_JSON_STRING) {
        put_text(out, value.as.text, value.len);
    } else if (value.kind > WR_JSON_STRING) {
        struct wr_text_writer text = {.arena = arena};
        wr_write_json(&text, value);
        put_text(out, text.data, text.failed ? 0 : text.len);
    }
}

/* Keep the key that `write` makes: measured first, then written. 1, or a code. */
static int keep_key(struct stage_sort *stage, const struct wr_value *parts, uint32_t count)
{
    struct wr_arena *arena = wr_machine_arena(stage->calc.run);
    struct wr_out out = {.cap = 0};
    for (uint32_t i = 0; i < count; i++) {
        put_value(stage, &out, arena, parts[i]);
    }
    char *to = key_room(stage, out.len);
    if (to == NULL) {
        return stage->gen.failure->code;
    }
    stage->keys[stage->count] = (struct wr_order_key){to, out.len};
    out = (struct wr_out){.to = to, .cap = out.len};
    for (uint32_t i = 0; i < count; i++) {
        put_value(stage, &out, arena, parts[i]);
    }
    return 1;
}

/* Make the key of an item: 1; 0: it was left out or rejected; or a code. */
static int make_key(struct stage_sort *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_value value;
    const struct wr_value *parts;
    uint32_t count;
    int rc = wr_calc_read(&stage->calc, gen, item, &value);
    if (rc <= 0) {
        return rc;
    }
    wr_calc_input(&stage->calc, value);
    rc = wr_calc_next(&stage->calc, gen, item, &value);
    if (rc != WR_CALC_VALUE) {
        return rc < 0 ? rc : 0;
    }
    if (!wr_value_elements(wr_machine_arena(stage->calc.run), value, &parts, &count)) {
        return wr_calc_refuse(&stage->calc, gen, item);
    }
    return keep_key(stage, parts, count);
}

/* The key that is the text of an item in the ring. */
static int text_key(struct stage_sort *stage, weir_item *item, struct wr_order_key *key)
{
    weir_slice text;
    if (!wr_gen_text(&stage->gen, item, &text, &stage->scratch)) {
        return stage->gen.failure->code;
    }
    *key = (struct wr_order_key){text.data, text.len};
    if (!stage->numeric && text.data != stage->scratch.data) {
        return 0; /* the item's own bytes */
    }
    size_t len = stage->numeric ? 8 : text.len;
    char *to = key_room(stage, len);
    if (to == NULL) {
        return stage->gen.failure->code;
    }
    struct wr_out out = {.to = to, .cap = len};
    if (stage->numeric) {
        put_number(&out, leading_number(text.data, text.len));
    } else {
        wr_out_bytes(&out, text.data, text.len);
    }
    *key = (struct wr_order_key){to, len};
    return 0;
}

/* ---- reading */

/* Keep an item. 0 or a code: the stage has failed. */
static int keep(struct stage_sort *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    int rc = 1;
    if (stage->count == stage->items_max) {
        return wr_gen_fail(gen, WEIR_ETOOLONG, 0, -1,
                           "more than %zu items (max=): all must be in memory to be sorted",
                           stage->items_max);
    }
    if (!wr_grow(&stage->keys, sizeof *stage->keys, stage->count, &stage->keys_cap)) {
        return no_memory(stage);
    }
    if (stage->calc.run != NULL && (rc = make_key(stage, item)) <= 0) {
        return rc;
    }
    while ((rc = wr_ring_append(&stage->ring, item)) != 0) {
        if (rc != WEIR_EBUDGET && rc != 1) {
            return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        }
        rc = wait(stage);
        if (rc < 0) {
            return rc;
        }
    }
    stage->count++;
    return 0;
}

/* Read the whole upstream. 0 or a code: the stage, or its upstream, has failed. */
static int read_all(struct stage_sort *stage)
{
    struct weir_gen *gen = &stage->gen;
    weir_item items[PULL_ITEMS];
    size_t n;
    while ((n = wr_pull(gen->up, items, PULL_ITEMS)) > 0) {
        for (size_t i = 0; i < n; i++) {
            int rc = keep(stage, &items[i]);
            if (rc < 0) {
                return rc;
            }
        }
        if (stage->calc.run != NULL) {
            wr_gen_scratch(gen, wr_calc_bytes(&stage->calc));
        }
    }
    const weir_error *failure = wr_gen_failure(gen->up);
    return failure != NULL ? failure->code : 0;
}

/* ---- sorting */

static void add_item(void *ctx, weir_item *item)
{
    struct stage_sort *stage = ctx;
    stage->items[stage->at++] = item;
}

static int turn(void *ctx)
{
    struct weir_gen *gen = ctx;
    return wr_turn(gen->loop, &gen->object);
}

/* 0 or a code: the stage has failed. */
static int sort_all(struct stage_sort *stage)
{
    size_t count = stage->count;
    int rc = charge(
        stage, count * (sizeof *stage->items + sizeof *stage->keys + 2 * sizeof *stage->pairs));
    if (rc < 0) {
        return rc;
    }
    stage->items = wr_alloc((count + 1) * sizeof *stage->items);
    stage->pairs = wr_alloc((2 * count + 1) * sizeof *stage->pairs);
    if (stage->items == NULL || stage->pairs == NULL) {
        return no_memory(stage);
    }
    wr_ring_each(&stage->ring, add_item, stage);
    stage->at = 0;
    for (size_t i = 0; i < count && stage->calc.run == NULL; i++) {
        rc = text_key(stage, stage->items[i], &stage->keys[i]);
        if (rc < 0) {
            return rc;
        }
    }
    rc = wr_order(stage->keys, stage->pairs, stage->pairs + count, count, stage->desc, turn,
                  &stage->gen);
    if (rc == WEIR_ENOMEM) {
        return no_memory(stage);
    }
    return rc < 0 ? wr_gen_fail(&stage->gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Release the items. Those that were given are delivered unless something else became of them; the
 * others are not settled. */
static void release_items(struct stage_sort *stage)
{
    for (size_t i = 0; i < stage->at && stage->at < stage->count; i++) {
        weir_item *item = stage->items[stage->pairs[i].index];
        wr_items_unref(item, 1, WR_ACT_LOAN);
        item->receipt = NULL;
    }
    if (stage->sorted && stage->at == stage->count) { /* in the order in which they came: fast */
        wr_ring_release_all(&stage->ring, WR_ACT_LOAN);
    }
}

static size_t sort_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_sort *stage = WR_OWNER(gen, struct stage_sort, gen);
    if (!stage->sorted) {
        if (read_all(stage) < 0 || sort_all(stage) < 0) {
            return 0;
        }
        stage->sorted = true;
    }
    size_t n = WR_MIN(max, stage->count - stage->at);
    for (size_t i = 0; i < n; i++) {
        items[i] = *stage->items[stage->pairs[stage->at + i].index];
    }
    stage->at += n;
    return n;
}

static void sort_close(struct weir_gen *gen)
{
    struct stage_sort *stage = WR_OWNER(gen, struct stage_sort, gen);
    release_items(stage);
    wr_ring_fini(&stage->ring);
    stage->ring = (struct wr_ring){.slots = NULL};
    while (stage->key_blocks != NULL) {
        struct weir_block *block = stage->key_blocks;
        stage->key_blocks = block->next;
        wr_block_unref(block, 1);
    }
    if (stage->charged > 0) {
        wr_budget_release_slots(&gen->loop->budget, stage->charged);
        stage->charged = 0;
    }
    wr_calc_close(&stage->calc);
    weir_scratch_free(&stage->scratch);
    wr_free(stage->keys);
    wr_free(stage->items);
    wr_free(stage->pairs);
    stage->keys = NULL;
    stage->items = NULL;
    stage->pairs = NULL;
    stage->at = 0;
}

static int64_t sort_held(const struct weir_gen *gen, uint32_t mark)
{
    struct stage_sort *stage = WR_OWNER((uintptr_t)gen, struct stage_sort, gen);
    int64_t held = wr_ring_held(&stage->ring, mark) + (int64_t)stage->charged;
    for (struct weir_block *block = stage->key_blocks; block != NULL; block = block->next) {
        held += wr_block_mark(block, mark);
    }
    return held;
}

static const struct wr_gen_ops sort_ops = {
    .kind = "sort", .next_many = sort_next_many, .close = sort_close, .held = sort_held};

/* by: an expression that gives an array; freed. text NULL with `keyed`: no memory for it. */
static weir_gen *make(const weir_opening *opening, weir_gen *up, const weir_sort_options *o,
                      bool keyed, struct wr_made_expr by)
{
    struct stage_sort *stage = wr_stage_alloc(up, sizeof *stage, &sort_ops, "sort");
    if (stage == NULL) {
        wr_free(by.text);
        return wr_gen_made(NULL, up);
    }
    struct weir_loop *loop = stage->gen.loop;
    stage->items_max = (size_t)WR_MIN((uint64_t)o->items_max, UINT64_C(4000000000));
    stage->numeric = o->numeric != 0;
    stage->desc = o->desc != 0;
    wr_ring_init(&stage->ring, &loop->blocks, SIZE_MAX, (size_t)loop->budget.limit / 8);
    if (keyed) {
        (void)wr_calc_open_made(&stage->calc, &stage->gen, opening, by);
    }
    if (o->items_max <= 0) {
        (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1, "items_max must be positive");
    }
    return wr_gen_made(&stage->gen, up);
}

weir_gen *weir_sort(weir_gen *up, const weir_sort_options *options)
{
    weir_sort_options o = WEIR_ZERO;
    struct wr_made_expr by = {.text = NULL};
    WR_GIVEN(options);
    WR_TAKE_OPTIONS(o, options);
    if (o.by != NULL) {
        size_t len = strlen(o.by);
        by.text = wr_alloc(len + 3);
        if (by.text != NULL) {
            (void)wr_print_text(by.text, len + 3, "[%s]", o.by);
        }
    }
    return make(NULL, up, &o, o.by != NULL, by);
}

/* ---- the component */

struct sort_args {
    int64_t max;
    weir_texts by;
    bool desc, numeric;
};

static int sort_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct sort_args *sort = args;
    return sort->by.count > 0 ? wr_values_check(opening, mistake, "by", wr_values_list(&sort->by))
                              : 0;
}

static weir_gen *sort_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct sort_args *sort = args;
    struct wr_made_expr none = {.text = NULL};
    weir_sort_options o = {.struct_size = sizeof o,
                           .items_max = sort->max,
                           .desc = sort->desc,
                           .numeric = sort->numeric};
    bool by = sort->by.count > 0;
    return make(opening, up, &o, by, by ? wr_values_list(&sort->by) : none);
}

static uint32_t sort_traits(const void *args, uint32_t shape)
{
    (void)shape;
    return WEIR_TRAIT_CPU | WEIR_TRAIT_PURE | WEIR_TRAIT_HOLDS_BACK |
           (((const struct sort_args *)args)->by.count > 0 ? WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES
                                                           : 0);
}

static const weir_arg sort_args[] = {
    WEIR_ARG_COUNT(struct sort_args, max, .name = "max", .form = WEIR_FORM_NAMED,
                   .flags = WEIR_ARG_REQUIRED | WEIR_ARG_HOLDS, .min = 1,
                   .help = "items at most; more are a failure. They must fit into --mem"),
    WEIR_ARG_FIELDS(struct sort_args, by, .name = "by", .form = WEIR_FORM_KEYWORD,
                    .help =
                        "the fields that count, the first one first, in jq's order of values; if "
                        "not given, the text, byte by byte"),
    WEIR_ARG_FLAG(struct sort_args, desc, .name = "desc", .help = "the largest first"),
    WEIR_ARG_FLAG(struct sort_args, numeric, .name = "numeric",
                  .help = "by the number that the text begins with, 9 before 10; with by, also in "
                          "strings"),
};

static const weir_example sort_more[] = {
    {"gen 8..11 | sort max=100 numeric desc", "11\n10\n9\n8\n"},
    {"gen 1..4 | {n: ., k: (. % 2)} | sort max=100 by .k, .n | .n", "2\n4\n1\n3\n"},
    {NULL, NULL},
};

const weir_component wr_component_sort = {
    .struct_size = sizeof wr_component_sort,
    .name = "sort",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_CPU | WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_REJECTS,
    .traits_of = sort_traits,
    .args = sort_args,
    .args_count = sizeof sort_args / sizeof sort_args[0],
    .args_size = sizeof(struct sort_args),
    .help =
        "All items in the order of their texts or fields, when the stream has ended; equal ones as "
        "they came.",
    .example = "gen 8..11 | sort max=100",
    .prints = "10\n11\n8\n9\n",
    .more_examples = sort_more,
    .check = sort_check,
    .open = sort_open,
};
