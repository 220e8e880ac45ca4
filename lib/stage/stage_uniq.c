/*
 * stage_uniq.c - weir_uniq and the component `uniq`: leaves out items whose key was there before.
 *
 * The key is the item's text, or what an expression makes of its value. Without `within` only the
 * item before counts, as in uniq(1); with it, the keys of the last N items that were passed on with
 * different ones, or of a time. A key counts from the item that was passed on, not from the repeats
 * after it: so one that comes all the time is passed on once in that time.
 */
#include <weir/plan.h>

#include "stage_calc.h"

#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "stage_keys.h"
#include "stage_values.h"

enum { BYTES_MAX = 16 * 1024 * 1024 };

struct stage_uniq {
    struct weir_gen gen;
    struct wr_calc calc; /* of the key; run NULL: the item's text */
    weir_scratch scratch;
    struct wr_keys keys;
    bool crowded; /* that was logged */
};

/* The key of an item: 1; 0: it is gone; or a code. */
static int key_of(struct stage_uniq *stage, const weir_item *item, weir_slice *key)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_value value;
    if (stage->calc.run == NULL) {
        return wr_gen_text(gen, item, key, &stage->scratch) ? 1 : gen->failure->code;
    }
    int rc = wr_calc_read(&stage->calc, gen, item, &value);
    if (rc <= 0) {
        return rc;
    }
    wr_calc_input(&stage->calc, value);
    rc = wr_calc_next(&stage->calc, gen, item, &value);
    if (rc != WR_CALC_VALUE) {
        return rc < 0 ? rc : 0;
    }
    struct wr_text_writer text = {.arena = wr_machine_arena(stage->calc.run)};
    wr_write_json(&text, value);
    *key = (weir_slice){text.data, text.len};
    return text.failed ? wr_calc_refuse(&stage->calc, gen, item) : 1;
}

static void report_crowded(struct stage_uniq *stage)
{
    if (!stage->crowded && stage->keys.crowded_out > 0) {
        stage->crowded = true;
        wr_log(&stage->gen.loop->log, WR_LOG_WARNING, stage->gen.name,
               "its keys need more than %zu bytes (max=), or the budget is used up: the oldest are "
               "forgotten early, so some repeats are passed on",
               stage->keys.bytes_max);
    }
}

/* Whether an item is passed on: 1; 0: it is gone; or a code. */
static int look(struct stage_uniq *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    weir_slice key;
    int rc = key_of(stage, item, &key);
    if (rc <= 0) {
        return rc;
    }
    rc = wr_keys_add(&stage->keys, key.data, key.len, wr_now_ns(gen->loop));
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, -1, "no memory for a key");
    }
    report_crowded(stage);
    if (rc == 1) {
        wr_gen_filter(gen, item, 1);
    }
    return rc == 0;
}

static void trim(struct stage_uniq *stage)
{
    struct weir_gen *gen = &stage->gen;
    if (gen->scratch_charged > 0) {
        wr_calc_trim(&stage->calc);
        wr_gen_scratch(gen, wr_calc_bytes(&stage->calc));
    }
}

static size_t uniq_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_uniq *stage = WR_OWNER(gen, struct stage_uniq, gen);
    size_t n;
    do {
        trim(stage);
        n = wr_pull(gen->up, items, max);
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            int rc = look(stage, &items[i]);
            if (rc < 0) {
                return kept;
            }
            if (rc > 0) {
                items[kept++] = items[i];
            }
        }
        wr_gen_scratch(gen, wr_calc_bytes(&stage->calc));
        if (kept > 0) {
            return kept;
        }
    } while (n > 0);
    return 0;
}

static void uniq_close(struct weir_gen *gen)
{
    struct stage_uniq *stage = WR_OWNER(gen, struct stage_uniq, gen);
    wr_keys_fini(&stage->keys);
    wr_calc_close(&stage->calc);
    weir_scratch_free(&stage->scratch);
}

static int64_t uniq_held(const struct weir_gen *gen, uint32_t mark)
{
    (void)mark;
    return (int64_t)WR_OWNER((uintptr_t)gen, struct stage_uniq, gen)->keys.bytes;
}

static const struct wr_gen_ops uniq_ops = {
    .kind = "uniq", .next_many = uniq_next_many, .close = uniq_close, .held = uniq_held};

static bool wrong(const weir_uniq_options *o, weir_error *error)
{
    return wr_limit_wrong(error, "uniq", "keys_max", o->keys_max) ||
           wr_limit_wrong(error, "uniq", "within_ms", o->within_ms) ||
           wr_limit_wrong(error, "uniq", "bytes_max", o->bytes_max);
}

static void set_limits(struct stage_uniq *stage, const weir_uniq_options *o)
{
    struct weir_loop *loop = stage->gen.loop;
    bool timed = o->within_ms > 0;
    stage->keys.within_ns = timed ? WR_MIN(o->within_ms, INT64_MAX / 1000000) * 1000000 : 0;
    stage->keys.keys_max = o->keys_max > 0            ? (size_t)o->keys_max
                           : o->keys_max < 0 || timed ? SIZE_MAX
                                                      : 1;
    stage->keys.bytes_max = o->bytes_max > 0   ? (size_t)o->bytes_max
                            : o->bytes_max < 0 ? SIZE_MAX
                                               : (size_t)BYTES_MAX;
    stage->keys.budget = &loop->budget;
    stage->keys.secret[0] = wr_random(loop);
    stage->keys.secret[1] = wr_random(loop);
}

/* key: an expression; freed. text NULL with `by`: no memory for it. */
static weir_gen *make(const weir_opening *opening, weir_gen *up, const weir_uniq_options *o,
                      bool by, struct wr_made_expr key)
{
    struct stage_uniq *stage = wr_stage_alloc(up, sizeof *stage, &uniq_ops, "uniq");
    weir_error error;
    if (stage == NULL) {
        wr_free(key.text);
        return wr_gen_made(NULL, up);
    }
    set_limits(stage, o);
    if (by) {
        (void)wr_calc_open_made(&stage->calc, &stage->gen, opening, key);
    }
    if (wrong(o, &error)) {
        wr_gen_fail_error(&stage->gen, &error);
    }
    return wr_gen_made(&stage->gen, up);
}

/* One array of what the expression gives. */
static struct wr_made_expr make_key(const char *by)
{
    size_t len = strlen(by);
    char *text = wr_alloc(len + 3);
    if (text != NULL) {
        (void)wr_print_text(text, len + 3, "[%s]", by);
    }
    return (struct wr_made_expr){.text = text, .parts = {{.at = 1, .len = len}}};
}

weir_gen *weir_uniq(weir_gen *up, const weir_uniq_options *options)
{
    weir_uniq_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_made_expr none = {.text = NULL};
    return make(NULL, up, &o, o.by != NULL, o.by != NULL ? make_key(o.by) : none);
}

/* ---- the component */

struct uniq_args {
    weir_texts by;
    const char *within;
    int64_t bytes_max;
};

/* "1000" or "10m". False: it is neither. */
static bool read_within(const char *text, weir_uniq_options *o)
{
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    if (weir_time_read(text, &o->within_ms) == 0) {
        return o->within_ms > 0;
    }
    long long count = strtoll(text, &end, 10);
    o->keys_max = count;
    return *end == '\0' && count > 0 && text[0] >= '0' && text[0] <= '9';
}

static int uniq_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct uniq_args *uniq = args;
    weir_uniq_options o = WEIR_ZERO;
    if (!read_within(uniq->within, &o)) {
        (void)weir_mistake_at(mistake, "within", "'%s' is neither a number of items nor a time",
                              uniq->within);
        return weir_mistake_hint(mistake, "write within 1000, or within 10m");
    }
    return uniq->by.count > 0 ? wr_values_check(opening, mistake, "by", wr_values_list(&uniq->by))
                              : 0;
}

static weir_gen *uniq_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct uniq_args *uniq = args;
    struct wr_made_expr none = {.text = NULL};
    weir_uniq_options o = {.struct_size = sizeof o, .bytes_max = uniq->bytes_max};
    (void)read_within(uniq->within, &o);
    bool by = uniq->by.count > 0;
    return make(opening, up, &o, by, by ? wr_values_list(&uniq->by) : none);
}

static uint32_t uniq_traits(const void *args, uint32_t shape)
{
    const struct uniq_args *uniq = args;
    weir_uniq_options o = WEIR_ZERO;
    (void)shape;
    (void)read_within(uniq->within, &o);
    return WEIR_TRAIT_CPU | (uniq->by.count > 0 ? WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES : 0) |
           (o.within_ms > 0 ? WEIR_TRAIT_STATE_RESTARTS
                            : WEIR_TRAIT_PURE | WEIR_TRAIT_STATE_REPLAYS);
}

static const weir_arg uniq_args[] = {
    WEIR_ARG_FIELDS(struct uniq_args, by, .name = "by", .form = WEIR_FORM_KEYWORD,
                    .help = "the fields that count; if not given, the whole text"),
    WEIR_ARG_TEXT(struct uniq_args, within, .name = "within", .form = WEIR_FORM_KEYWORD,
                  .help = "how far back: 1000 items that were different, or a time, 10m; if not "
                          "given, the item before"),
    WEIR_ARG_SIZE(struct uniq_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED,
                  .flags = WEIR_ARG_HOLDS, .min = 1024, .preset = "16MiB",
                  .help = "for the keys; when they need more, the oldest are forgotten, which is "
                          "logged"),
};

static const weir_example uniq_more[] = {
    {"gen 1..6 | {n: ., k: (. % 3)} | uniq by .k within 1000 | .n", "1\n2\n3\n"},
    {NULL, NULL},
};

const weir_component wr_component_uniq = {
    .struct_size = sizeof wr_component_uniq,
    .name = "uniq",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_STATE_REPLAYS,
    .traits_of = uniq_traits,
    .args = uniq_args,
    .args_count = sizeof uniq_args / sizeof uniq_args[0],
    .args_size = sizeof(struct uniq_args),
    .help = "Leaves out an item that is like the one before, or, with within, like one of those "
            "before.",
    .example = "gen 1..6 | . / 2 | floor | uniq",
    .prints = "0\n1\n2\n3\n",
    .more_examples = uniq_more,
    .check = uniq_check,
    .open = uniq_open,
};
