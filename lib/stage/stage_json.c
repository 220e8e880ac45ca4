/*
 * stage_json.c - `json`: texts to JSON values. What is no value is rejected.
 *
 * Its tokens are kept until the next call (wr_gen_ops.json): an expression directly behind it does not
 * parse again what was given as it came.
 *
 * Behind bytes, or directly behind a source, the framer of JSON values cuts them (WEIR_FRAME_JSON):
 * what it has validated comes with weir_json_type and is not validated again. Behind lines each line
 * is one value; a line of white space is none, and counts as filtered. Of an event the body is read.
 * With `items` another framer gives the elements of an array (codec_json_items.c); it stands behind
 * the source, because a position inside an array says nothing without what came before.
 *
 * An item is passed on as it came, a slice of the same block, unless its text has a line end in it:
 * then it is written into a block of this stage, compact, so that a sink of lines writes one line
 * (stage_made.h). It suspends where wr_made_next does.
 */
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "bytes_item.h"
#include "codec_json_values.h"
#include "flow_dead.h"
#include "stage_auto.h"
#include "stage_bytes.h"
#include "stage_expr.h"
#include "stage_made.h"

struct stage_json {
    struct weir_gen gen;
    struct wr_made made;
    struct wr_item_input input;
    size_t count, ahead; /* the items that are being read; the first ones are in the window of the
                            input */
    bool framed;         /* its upstream gives weir_json_type to valid values only */
    struct wr_json_items *items; /* the upstream's, which gives the elements of an array */
};

/* Does the value go on in the block of the item, unchanged? */
static bool stays(const weir_item *item, weir_slice text)
{
    bool slice = item->type == NULL || item->type == &weir_json_type || weir_event_of(item) != NULL;
    return slice && (text.len == 0 || memchr(text.data, '\n', text.len) == NULL);
}

static void json_begin(struct weir_gen *gen, const weir_item *items, size_t n)
{
    struct stage_json *stage = WR_OWNER(gen, struct stage_json, gen);
    wr_json_forget(&stage->input.json);
    stage->count = n;
    stage->ahead = stage->framed ? 0 : wr_item_input_ahead(&stage->input, items, n);
}

/* Validate a text, so that its tokens are kept if it goes on unchanged and is not long. */
static int index_text(struct stage_json *stage, weir_slice text, bool slice, size_t item)
{
    enum { KEPT_BYTES = 16384 };
    struct wr_json *json = &stage->input.json;
    bool kept = item < stage->ahead ||
                (slice && text.len <= KEPT_BYTES && wr_json_ahead(json, text.data, text.len));
    return kept ? wr_json_index_next(json, text.data, text.len)
                : wr_json_index(json, text.data, text.len);
}

static int json_read(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_json *stage = WR_OWNER(gen, struct stage_json, gen);
    weir_slice text;
    struct wr_json *json = &stage->input.json;
    if (!wr_gen_text(gen, item, &text, &stage->input.scratch)) {
        return gen->failure->code;
    }
    bool valid = stage->framed && item->type == &weir_json_type;
    struct wr_fault wrong;
    if (!valid && stage->items != NULL && wr_json_items_fault(stage->items, text, &wrong)) {
        return wr_gen_reject_at(gen, item, WEIR_EPARSE, &wrong);
    }
    bool slice = stays(item, text);
    int rc = valid && slice ? 0 : index_text(stage, text, slice, stage->count - left);
    if (rc == WEIR_ENOMEM) {
        return wr_gen_fail(gen, rc, 0, -1, "no memory for a value");
    }
    if (rc < 0 && wr_json_blank(text.data, text.len)) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    if (rc < 0) {
        struct wr_fault fault = wr_json_fault(json, text, rc);
        return wr_gen_reject_at(gen, item, rc, &fault);
    }
    if (!slice) {
        size_t need = wr_item_padded(text.len);
        rc = wr_made_reserve(&stage->made, gen, need, left);
        if (rc < 0) {
            return rc == WEIR_EBUDGET ? rc : wr_gen_fail(gen, rc, 0, -1, "no memory for a value");
        }
        struct weir_block *block = stage->made.block;
        item->data = block->data + block->len;
        item->len = wr_json_compact(json, WR_JSON_ROOT, block->data + block->len);
        item->block = block;
        item->flags = 0;
        block->len += (uint32_t)need;
    } else {
        item->data = text.data;
        item->len = text.len;
    }
    item->type = &weir_json_type;
    return 1;
}

static size_t scratch_of(const struct weir_gen *gen)
{
    const struct stage_json *stage = WR_OWNER((uintptr_t)gen, struct stage_json, gen);
    return wr_item_input_bytes(&stage->input);
}

static void trim(struct weir_gen *gen)
{
    struct stage_json *stage = WR_OWNER(gen, struct stage_json, gen);
    wr_item_input_trim(&stage->input);
}

static size_t json_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    return wr_made_next(&WR_OWNER(gen, struct stage_json, gen)->made, gen, items, max);
}

static void json_close(struct weir_gen *gen)
{
    struct stage_json *stage = WR_OWNER(gen, struct stage_json, gen);
    wr_made_fini(&stage->made);
    wr_item_input_fini(&stage->input);
}

static struct wr_json *json_json(const struct weir_gen *gen)
{
    struct stage_json *stage = WR_OWNER((uintptr_t)gen, struct stage_json, gen);
    return stage->framed ? wr_gen_json(gen->up) : &stage->input.json;
}

static const struct wr_gen_ops json_ops = {
    .kind = "json", .next_many = json_next_many, .close = json_close, .json = json_json};

struct json_args {
    const char *items; /* path of the array; NULL: whole values */
    int64_t bytes_max;
    int32_t overlong;
};

static bool cuts(const weir_opening *opening)
{
    return opening->joined || opening->shape == WEIR_SHAPE_BYTES;
}

static int json_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct json_args *a = args;
    struct wr_json_items *items;
    if (a->items != NULL) {
        int rc = wr_json_items_new(a->items, &items);
        wr_json_items_free(items);
        if (rc == WEIR_EINVAL) {
            return weir_mistake_at(mistake, "items", "a path of names is needed, as .data.rows");
        }
    }
    if (cuts(opening) || (a->items == NULL && a->bytes_max == 0 && a->overlong == 0)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its arguments are for values cut from bytes");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

/* *items: those that the new generator gives; it owns them. */
static weir_gen *frame(const weir_opening *opening, weir_gen *up, const struct json_args *a,
                       struct wr_json_items **items)
{
    bool fails = a->overlong != 0 || opening->strict;
    weir_framing framing = {.struct_size = sizeof framing,
                            .kind = WEIR_FRAME_JSON,
                            .overlong = fails ? WEIR_LONG_FAILS : WEIR_LONG_SKIP,
                            .item_bytes_max = a->bytes_max};
    if (a->items == NULL) {
        return weir_framed(up, &framing);
    }
    if (wr_json_items_new(a->items, items) < 0) {
        return wr_gen_made(NULL, up);
    }
    up = wr_bytes_stage(up, "json", &framing, NULL, NULL, NULL);
    if (!wr_bytes_stage_items(up, *items)) {
        *items = NULL;
    }
    return up;
}

static weir_gen *json_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    bool framed = cuts(opening);
    struct wr_json_items *items = NULL;
    const struct json_args *a = args;
    if (opening->joined && a->items == NULL && a->bytes_max == 0 && a->overlong == 0 &&
        wr_gen_by_media(up, opening->strict != 0, true)) {
        return wr_auto_by_media(opening, up, "json");
    }
    if (framed) {
        up = frame(opening, up, args, &items);
    }
    struct stage_json *stage = wr_stage_alloc(up, sizeof *stage, &json_ops, "json");
    if (stage == NULL) {
        return wr_gen_made(NULL, up);
    }
    wr_item_input_init(&stage->input, wr_gen_scratch_max(&stage->gen));
    stage->input.json.keeps = true;
    stage->made.begin = json_begin;
    stage->made.read = json_read;
    stage->made.scratch = scratch_of;
    stage->made.trim = trim;
    stage->framed = framed;
    stage->items = items;
    return wr_gen_made(&stage->gen, up);
}

#define TRAITS                                                                   \
    (WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_FRAMES | \
     WEIR_TRAIT_CONVERTS | WEIR_TRAIT_PARSES)

/* How deep in which array an element lies is known only from the beginning. */
static uint32_t json_traits(const void *args, uint32_t shape)
{
    (void)shape;
    const struct json_args *a = args;
    return a->items != NULL ? (TRAITS & ~(uint32_t)WEIR_TRAIT_PARSES) | WEIR_TRAIT_STATE_REPLAYS
                            : TRAITS;
}

static const char *const long_choices[] = {"skip", "fail", NULL};
static const weir_arg json_args[] = {
    WEIR_ARG_EXPR(struct json_args, items, .name = "items", .form = WEIR_FORM_KEYWORD,
                  .help = "path of an array: its elements one by one, however many"),
    WEIR_ARG_SIZE(struct json_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a value; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct json_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices,
                    .help = "what to do with a longer one; skip if not given"),
};

static const weir_example json_more[] = {
    {"https://example.org/rows.json | json items .data.rows", NULL},
    {NULL, NULL},
};

static const weir_ending json_endings[] = {{".json", NULL}, {NULL, NULL}};

const weir_component wr_component_json = {
    .struct_size = sizeof wr_component_json,
    .name = "json",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT,
    .gives = WEIR_SHAPE_JSON,
    .traits = TRAITS,
    .traits_of = json_traits,
    .args = json_args,
    .args_count = sizeof json_args / sizeof json_args[0],
    .args_size = sizeof(struct json_args),
    .help =
        "JSON values, also pretty-printed or several on a line; behind lines, one on each; of a "
        "message, the body. What is no JSON is rejected.",
    .example = "gen 1..3 | json",
    .prints = "1\n2\n3\n",
    .check = json_check,
    .open = json_open,
    .endings = json_endings,
    .more_examples = json_more,
};
