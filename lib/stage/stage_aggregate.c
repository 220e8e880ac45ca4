/*
 * stage_aggregate.c - adds up items in groups, and gives one row for each group (stage_aggregate.h).
 *
 * Two states. It collects: it pulls texts and adds them to the groups, until upstream has ended, or,
 * with a period, until that is over. Then it gives the rows of all groups, in the order in which their
 * keys came first, as many in a call as its reader wants; when the last one has been given, it begins
 * anew. Without keys and a period there is one row, also of no items. A period without items has no row:
 * it would be an item without a source, for which no sink knows a position.
 *
 * With a period the receipts of the items are held until the last row has settled: a run that is
 * killed counts those items again, in its first period. If the loop's budget is used up, the period
 * ends early. Without a period nothing is held, since a total may be of more items than receipts fit
 * into memory: items settle as they are read, and a restart reads the input from its beginning
 * (WEIR_TRAIT_STATE_REPLAYS).
 *
 * It suspends at the pull, and where it waits for memory for rows.
 */
#include "stage_aggregate.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"
#include "expr_calendar.h"
#include "flow_dead.h"
#include "stage_made.h"

enum { INPUTS_MAX = 64, LOOK_MS = 10, TIME_TEXT = 48, WHY_BYTES = 200 };

struct stage_aggregate {
    struct weir_gen gen;
    struct wr_made made;
    struct wr_groups groups;
    const char *total_name;
    bool counts;  /* items of any kind, into which it does not look */
    char **names; /* of the keys: "name": */
    size_t names_count;
    int64_t every_ms, until_ns; /* until_ns 0: the first period has not begun */
    struct wr_runs runs;        /* of the items of this period */
    struct wr_run given;        /* the same, while its rows are given; receipt NULL: none */
    bool giving, ended;
    size_t row_at, rows;
    char time[TIME_TEXT]; /* the first member of a row; "": none */
    weir_item last;       /* its number, origin and time: those of the rows */
    weir_item in[INPUTS_MAX];
};

/* ---- collecting */

static int no_memory(struct stage_aggregate *stage)
{
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for groups");
}

static void charge(struct stage_aggregate *stage)
{
    wr_gen_scratch(&stage->gen,
                   wr_groups_bytes(&stage->groups) + stage->runs.cap * sizeof *stage->runs.all);
}

/* There is no place for the item's value. 0: it is rejected; or a code: gen has failed. */
static int reject(struct stage_aggregate *stage, const weir_item *item)
{
    char why[WHY_BYTES];
    const struct wr_groups *groups = &stage->groups;
    if (groups->count == groups->groups_max) {
        (void)snprintf(why, sizeof why,
                       "there are %zu groups: groups=N allows more, every T begins anew",
                       groups->count);
    } else {
        (void)snprintf(why, sizeof why,
                       "its %zu groups need more than half of the byte budget: --mem SIZE sets a "
                       "larger one",
                       groups->count);
    }
    return wr_gen_reject(&stage->gen, item, WEIR_ETOOLONG, why);
}

/* Add the values of a pull. 0, or a code: gen has failed. */
static int add(struct stage_aggregate *stage, size_t n)
{
    int rc = 0;
    if (stage->every_ms > 0 && wr_runs_add_items(&stage->runs, stage->in, n) < 0) {
        return no_memory(stage);
    }
    if (stage->counts) {
        rc = wr_groups_add(&stage->groups, wr_text_of("[]"));
        if (rc == 0) {
            stage->groups.list[0]->count += n - 1;
        }
    }
    for (size_t i = 0; rc == 0 && i < n && !stage->counts; i++) {
        const weir_item *item = &stage->in[i];
        rc = wr_groups_add(&stage->groups, (struct wr_text){item->data, item->len});
        rc = rc == WEIR_ETOOLONG ? reject(stage, item) : rc;
    }
    rc = rc < 0 && stage->gen.failure == NULL ? no_memory(stage) : rc;
    stage->last = stage->in[n - 1];
    charge(stage);
    return rc;
}

/* Pull more items before the period is over. 0: none came; *late tells whether more may come. When a
 * task waits for the loop's budget, what is held here may be what is missing. This is looked at once,
 * and then after pauses that double. */
static size_t pull(struct stage_aggregate *stage, bool *late)
{
    struct weir_loop *loop = stage->gen.loop;
    int64_t pause_ms = 0;
    size_t n;
    *late = false;
    if (stage->every_ms == 0) {
        return wr_pull(stage->gen.up, stage->in, INPUTS_MAX);
    }
    if (stage->until_ns == 0) {
        stage->until_ns = wr_now_ns(loop) + stage->every_ms * 1000000;
    }
    for (;;) {
        int64_t left_ms = (stage->until_ns - wr_now_ns(loop) + 999999) / 1000000;
        if (left_ms <= 0) {
            *late = true;
            return 0;
        }
        n = wr_pull_within(stage->gen.up, stage->in, INPUTS_MAX, WR_MIN(left_ms, pause_ms), late);
        if (!*late || (loop->budget.waiters > 0 && stage->groups.count > 0)) {
            return n;
        }
        pause_ms = pause_ms == 0 ? LOOK_MS : pause_ms * 2;
    }
}

/* The period is over: the next one begins where it has ended, or later if that is over, too. */
static void end_period(struct stage_aggregate *stage)
{
    struct weir_loop *loop = stage->gen.loop;
    int64_t now_ns = wr_now_ns(loop);
    int64_t every_ns = stage->every_ms * 1000000;
    struct wr_broken_time at;
    if (now_ns >= stage->until_ns) {
        stage->until_ns += (now_ns - stage->until_ns) / every_ns * every_ns + every_ns;
    }
    int64_t unix_ms = loop->now_unix_ns / 1000000;
    wr_time_set_seconds(&at, wr_floor_div(unix_ms, 1000));
    (void)snprintf(stage->time, sizeof stage->time,
                   "\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", (int)at.at[WR_TIME_YEAR],
                   (int)at.at[WR_TIME_MONTH] + 1, (int)at.at[WR_TIME_DAY], (int)at.at[WR_TIME_HOUR],
                   (int)at.at[WR_TIME_MINUTE], (int)at.at[WR_TIME_SECOND],
                   (int)wr_floor_mod(unix_ms, 1000));
}

/* Rows are to be given. 0, or a code: gen has failed. */
static int begin_rows(struct stage_aggregate *stage)
{
    stage->rows = stage->groups.count;
    if (stage->rows == 0 && stage->names_count == 0 && stage->every_ms == 0) {
        stage->rows = 1;
    }
    stage->giving = stage->rows > 0;
    stage->row_at = 0;
    if (stage->runs.count > 0) {
        struct weir_receipt *group = wr_group_new(&stage->runs);
        if (group == NULL) {
            return no_memory(stage);
        }
        stage->given = wr_run_of(group, stage->last.seq);
    }
    return 0;
}

/* Collect until there are rows to give. false: there are none, gen is over. */
static bool collect(struct stage_aggregate *stage)
{
    while (!stage->giving) {
        bool late = false;
        if (stage->ended) {
            return false;
        }
        size_t n = pull(stage, &late);
        if (n > 0) {
            if (add(stage, n) < 0) {
                return false;
            }
            continue;
        }
        stage->ended = !late;
        if (stage->every_ms > 0) {
            end_period(stage);
        }
        if (stage->gen.canceled || begin_rows(stage) < 0) {
            return false;
        }
    }
    return true;
}

/* ---- rows */

static bool write_row(struct stage_aggregate *stage, struct wr_out *out)
{
    struct wr_groups *groups = &stage->groups;
    const struct wr_group *group = groups->count > 0 ? groups->list[stage->row_at] : NULL;
    struct wr_text keys = {group != NULL ? group->keys : "", group != NULL ? group->keys_len : 0};
    wr_out_byte(out, '{');
    wr_out_string(out, stage->time);
    for (size_t i = 0; i < stage->names_count; i++) {
        struct wr_text key = wr_groups_key(&keys);
        wr_out_string(out, i > 0 || stage->time[0] != '\0' ? "," : "");
        wr_out_string(out, stage->names[i]);
        wr_out_bytes(out, key.data, key.len);
    }
    wr_out_string(out, stage->names_count > 0 || stage->time[0] != '\0' ? ",\"" : "\"");
    wr_out_string(out, stage->total_name);
    wr_out_string(out, "\":");
    bool ok = wr_groups_write(groups, group, out);
    wr_out_byte(out, '}');
    return ok;
}

/* Make the next row an item. 1; 0: there is no memory for it in this call; or a code: gen has
 * failed. */
static int give_row(struct stage_aggregate *stage, weir_item *item, bool first)
{
    struct wr_out out = wr_made_room(&stage->made);
    bool ok = write_row(stage, &out);
    while (ok && wr_item_padded(out.len) > out.cap) {
        size_t need = wr_item_padded(out.len);
        int rc = wr_made_reserve(&stage->made, &stage->gen, need, stage->rows - stage->row_at);
        if (rc == WEIR_EBUDGET && !first) {
            return 0;
        }
        if (rc == WEIR_EBUDGET && wr_made_wait(&stage->gen) < 0) {
            return stage->gen.failure->code;
        }
        if (rc < 0 && rc != WEIR_EBUDGET) {
            return no_memory(stage);
        }
        out = wr_made_room(&stage->made);
        ok = write_row(stage, &out);
    }
    if (!ok) {
        return no_memory(stage);
    }
    *item = (weir_item){.receipt = stage->given.receipt,
                        .seq = stage->last.seq,
                        .origin = stage->last.origin,
                        .time_ns = stage->last.time_ns};
    wr_made_take(&stage->made, item, out.len, &weir_json_type, 0);
    stage->row_at++;
    return 1;
}

/* The last row has settled, as far as this stage is concerned. */
static void end_rows(struct stage_aggregate *stage)
{
    if (stage->given.receipt != NULL) {
        wr_run_unref(&stage->given, WR_ACT_LOAN);
        stage->given.receipt = NULL;
    }
    wr_groups_clear(&stage->groups);
    stage->giving = false;
    charge(stage);
}

static size_t aggregate_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_aggregate *stage = WR_OWNER(gen, struct stage_aggregate, gen);
    size_t n = 0;
    wr_made_loan_over(&stage->made);
    if (stage->giving && stage->row_at == stage->rows) {
        end_rows(stage);
    }
    if (!collect(stage)) {
        return 0;
    }
    while (n < max && stage->row_at < stage->rows) {
        int rc = give_row(stage, &items[n], n == 0);
        if (rc <= 0) {
            break;
        }
        n++;
    }
    return n;
}

static void aggregate_close(struct weir_gen *gen)
{
    struct stage_aggregate *stage = WR_OWNER(gen, struct stage_aggregate, gen);
    wr_made_fini(&stage->made);
    if (stage->given.receipt != NULL) {
        wr_run_unref(&stage->given, WR_ACT_LOAN);
        stage->given.receipt = NULL;
    }
    wr_runs_let_go(&stage->runs, WR_ACT_LOAN);
    wr_runs_fini(&stage->runs);
    wr_groups_fini(&stage->groups);
    for (size_t i = 0; i < stage->names_count; i++) {
        wr_free(stage->names[i]);
    }
    wr_free(stage->names);
    stage->names = NULL;
    stage->names_count = 0;
}

static const struct wr_gen_ops aggregate_ops = {
    .kind = "aggregate", .next_many = aggregate_next_many, .close = aggregate_close};

/* ---- opening */

/* What the value becomes. A text that is a number counts as one, since the fields of csv are texts. */
static const char *const conversions[][2] = {
    [WR_TOTAL_COUNT] = {"", ""},
    [WR_TOTAL_SUM] = {"_number(", ")"},
    [WR_TOTAL_AVERAGE] = {"_number(", ")"},
    [WR_TOTAL_LEAST] = {"_scalar(", ")"},
    [WR_TOTAL_MOST] = {"_scalar(", ")"},
    [WR_TOTAL_QUANTILE] = {"_number(", ")"},
    [WR_TOTAL_DISTINCT] = {"(", " | if . == null then . else tojson end)"},
};

/* Does a path give any number of values, also none? */
static bool has_several(const char *path)
{
    return strstr(path, "[]") != NULL || strchr(path, '?') != NULL;
}

/* The expression of [VALUE, KEY...], for each value and each combination of keys. text NULL: no
 * memory. */
static struct wr_made_expr make(const struct wr_aggregate_kind *kind,
                                const struct wr_aggregate_args *args)
{
    enum { PART_BYTES = 48 }; /* more than what stands around a part */
    const char *const *conversion = conversions[kind->total];
    bool valued = args->value != NULL;
    size_t value_len = valued ? strlen(args->value) : 0;
    size_t cap = value_len + (2 + args->by.count) * PART_BYTES;
    struct wr_print out;
    for (size_t i = 0; i < args->by.count; i++) {
        cap += strlen(args->by.list[i]);
    }
    char *text = wr_alloc(cap);
    if (text == NULL) {
        return (struct wr_made_expr){.text = NULL};
    }
    wr_print_to(&out, text, cap);
    if (valued) {
        wr_printf(&out, "(%s) as $_ | ", args->value);
    }
    for (size_t i = 0; i < args->by.count; i++) {
        if (has_several(args->by.list[i])) {
            wr_printf(&out, "%s as $_%zu | ", args->by.list[i], i);
        }
    }
    wr_printf(&out, "[%s%s%s", conversion[0], valued ? "$_" : "", conversion[1]);
    for (size_t i = 0; i < args->by.count; i++) {
        wr_printf(&out, "%s", i > 0 || valued ? "," : "");
        if (has_several(args->by.list[i])) {
            wr_printf(&out, "$_%zu", i);
        } else {
            wr_printf(&out, "%s", args->by.list[i]);
        }
    }
    wr_printf(&out, "]");
    return (struct wr_made_expr){.text = text, .parts = {{.at = 1, .len = value_len}}};
}

/* The name of a path in what is given, as "user.name" for .user.name, "tags" for .tags[]; NULL: no
 * memory. What stands in quotes is JSON already. */
static char *name_of(const char *path)
{
    size_t cap = strlen(path) + sizeof "\"value\":";
    char *name = wr_alloc(cap);
    struct wr_print out;
    if (name == NULL) {
        return NULL;
    }
    wr_print_to(&out, name, cap);
    wr_printf(&out, "\"");
    for (const char *at = path + (path[0] == '.'); *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            wr_print_bytes(&out, at++, 2);
        } else if (at[0] == '[' && at[1] == ']') {
            at++;
        } else if (*at != '"' && *at != '?') {
            wr_print_bytes(&out, at, 1);
        }
    }
    wr_printf(&out, "%s", out.len == 1 ? "value" : "");
    wr_printf(&out, "\":");
    return name;
}

static bool is_named(const char *path, const char *total)
{
    return path[0] == '.' && strcmp(path + 1, total) == 0;
}

int wr_aggregate_check(const struct wr_aggregate_kind *kind, const weir_opening *opening,
                       const struct wr_aggregate_args *args, weir_mistake *mistake)
{
    for (size_t i = 0; i < args->by.count; i++) {
        const char *path = args->by.list[i];
        if (is_named(path, kind->name) || (args->every_ms > 0 && is_named(path, "time"))) {
            (void)weir_mistake_at(mistake, "by",
                                  "the rows would have two members with the name of '%s'", path);
            return weir_mistake_hint(mistake, "give it another one: rename .of_%s = %s", path + 1,
                                     path);
        }
    }
    return wr_values_check(opening, mistake, args->value != NULL ? "EXPR" : "by", make(kind, args));
}

struct compiled {
    const struct wr_aggregate_kind *kind;
    const struct wr_aggregate_args *args;
};

static int compile(weir_fused *fused, const weir_opening *opening, const void *from)
{
    const struct compiled *compiled = from;
    return wr_fused_made(fused, opening, make(compiled->kind, compiled->args), WR_FUSED_VALUES);
}

static void keep_names(struct stage_aggregate *stage, const weir_texts *by)
{
    stage->names = by->count > 0 ? wr_zalloc(by->count * sizeof *stage->names) : NULL;
    if (by->count > 0 && stage->names == NULL) {
        (void)no_memory(stage);
        return;
    }
    for (; stage->names_count < by->count; stage->names_count++) {
        char *name = name_of(by->list[stage->names_count]);
        if (name == NULL) {
            (void)no_memory(stage);
            return;
        }
        stage->names[stage->names_count] = name;
    }
}

struct weir_gen *wr_aggregate_open(const struct wr_aggregate_kind *kind,
                                   const weir_opening *opening, struct weir_gen *up,
                                   const struct wr_aggregate_args *args)
{
    struct compiled compiled = {kind, args};
    bool counts = wr_aggregate_counts(args);
    struct weir_gen *texts =
        counts ? up : wr_fused_join(opening, up, kind->name, compile, &compiled);
    struct stage_aggregate *stage =
        wr_stage_alloc(texts, sizeof *stage, &aggregate_ops, kind->name);
    if (stage == NULL) {
        return wr_gen_made(NULL, texts);
    }
    wr_groups_init(&stage->groups, kind->total, kind->share, (size_t)args->groups_max,
                   wr_gen_scratch_max(&stage->gen));
    stage->total_name = kind->name;
    stage->counts = counts;
    stage->every_ms = args->every_ms;
    keep_names(stage, &args->by);
    return wr_gen_made(&stage->gen, texts);
}
