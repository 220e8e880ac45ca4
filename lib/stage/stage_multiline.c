/*
 * stage_multiline.c - weir_multiline: lines to items that begin with a line that matches a pattern.
 *
 * The lines of each origin (a file of a tail) are joined apart from those of others. The item that
 * grows is a slice of its block as long as its lines follow each other there, with the line ends
 * that they came with; so most items are not copied. When a line comes that is elsewhere, the item
 * gets a block of its own. It holds the receipts of all its lines, and is given with a group of
 * them: a position does not move beyond it before it has settled.
 *
 * An item is complete when a line that matches comes, when it has reached a limit, when no line has
 * come for wait_ms, and when upstream has ended. Lines that were pulled behind it stay lent from
 * upstream until they are used up. The growing items stay over the calls, so between two calls the
 * stage holds blocks: for wait_ms at most. Only a pull suspends.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "codec_regex.h"
#include "flow_gen.h"

enum { PULL_ITEMS = 64, GROWING_MAX = 256, WAIT_MS = 2000, LINES = 500, BYTES = 1024 * 1024 };

/* An item that grows. */
struct growing {
    struct weir_block *block; /* one reference */
    const char *data;
    size_t len;
    bool own; /* the block was made here, for this item */
    uint32_t flags, origin;
    uint64_t seq, lines;
    int64_t time_ns, until_ns;
    struct wr_runs runs; /* the receipts of its lines */
};

struct stage_multiline {
    struct weir_gen gen;
    struct wr_regex *regex;
    size_t lines_max, bytes_max;
    int64_t wait_ns;
    weir_scratch scratch;
    struct growing *growing; /* oldest first */
    size_t count, cap;
    weir_item *in; /* PULL_ITEMS; [in_at, in_end) are not used yet */
    size_t in_at, in_end;
    struct weir_block *given[PULL_ITEMS]; /* of the last call ... */
    struct wr_run given_runs[PULL_ITEMS]; /* ... with their receipts; receipt NULL: none */
    size_t given_count;
    bool pieces; /* an item was given in pieces, and that was logged */
};

static void over_loan(struct stage_multiline *stage)
{
    for (size_t i = 0; i < stage->given_count; i++) {
        wr_block_unref(stage->given[i], 1);
        if (stage->given_runs[i].receipt != NULL) {
            wr_run_unref(&stage->given_runs[i], WR_ACT_LOAN);
        }
    }
    stage->given_count = 0;
}

static void drop_growing(struct stage_multiline *stage, size_t at)
{
    struct growing *item = &stage->growing[at];
    wr_block_unref(item->block, 1);
    wr_runs_let_go(&item->runs, WR_ACT_LOAN);
    wr_runs_fini(&item->runs);
    stage->count--;
    memmove(item, item + 1, (stage->count - at) * sizeof *item);
}

static int no_memory(struct stage_multiline *stage)
{
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for lines");
}

/* Give a growing item as it is. 1: *out is filled; 0: the stage has failed. */
static size_t finish(struct stage_multiline *stage, size_t at, weir_item *out)
{
    struct growing *item = &stage->growing[at];
    struct weir_receipt *group = NULL;
    if (item->runs.count > 0 && (group = wr_group_new(&item->runs)) == NULL) {
        (void)no_memory(stage);
        return 0;
    }
    *out = (weir_item){.data = item->data,
                       .len = item->len,
                       .flags = item->flags,
                       .block = item->block,
                       .receipt = group,
                       .seq = item->seq,
                       .time_ns = item->time_ns,
                       .origin = item->origin};
    stage->given[stage->given_count] = item->block;
    stage->given_runs[stage->given_count++] =
        group != NULL ? wr_run_of(group, item->seq) : (struct wr_run){.receipt = NULL};
    item->block = NULL;
    drop_growing(stage, at);
    return 1;
}

/* ---- growing */

static size_t end_len(uint32_t flags)
{
    return (flags & WEIR_ITEM_CRLF) != 0 ? 2 : 1;
}

/* Does the line follow in the same block, behind the line end of the item? */
static bool follows(const struct growing *item, const weir_item *line)
{
    bool crlf = (item->flags & WEIR_ITEM_CRLF) != 0;
    const char *end = item->data + item->len;
    return !item->own && item->block == line->block &&
           (item->flags & (WEIR_ITEM_NO_EOL | WEIR_ITEM_TRUNCATED)) == 0 &&
           line->data == end + end_len(item->flags) && end[0] == (crlf ? '\r' : '\n') &&
           (!crlf || end[1] == '\n');
}

/* Room for so many more bytes in a block of its own. 0, WEIR_ENOMEM or WEIR_EBUDGET. */
static int own(struct stage_multiline *stage, struct growing *item, size_t more)
{
    int why = 0;
    size_t need = item->len + more;
    if (item->own && need <= item->block->cap) {
        return 0;
    }
    struct weir_block *block =
        wr_block_new(&stage->gen.loop->blocks, WR_MAX(need * 2, (size_t)512), &why);
    if (block == NULL) {
        return why;
    }
    if (item->len > 0) {
        memcpy(block->data, item->data, item->len);
    }
    wr_block_unref(item->block, 1);
    item->block = block;
    item->data = block->data;
    item->own = true;
    return 0;
}

/* Add the bytes of a line. 0, WEIR_ENOMEM or WEIR_EBUDGET. */
static int add_bytes(struct stage_multiline *stage, struct growing *item, const weir_item *line,
                     weir_slice text)
{
    bool same = text.data == line->data;
    if (item->lines > 0 && same && follows(item, line)) {
        item->len = (size_t)(line->data - item->data) + line->len;
        return 0;
    }
    if (item->lines == 0 && same && line->block != NULL) {
        wr_block_ref(line->block, 1);
        item->block = line->block;
        item->data = line->data;
        item->len = line->len;
        return 0;
    }
    size_t end = item->lines > 0 ? end_len(item->flags) : 0;
    int rc = own(stage, item, end + text.len);
    if (rc < 0) {
        return rc;
    }
    char *to = item->block->data + item->len;
    memcpy(to, end == 2 ? "\r\n" : "\n", end);
    if (text.len > 0) {
        memcpy(to + end, text.data, text.len);
    }
    item->len += end + text.len;
    return 0;
}

static int add(struct stage_multiline *stage, struct growing *item, const weir_item *line,
               weir_slice text)
{
    int rc = add_bytes(stage, item, line, text);
    if (rc == 0 && wr_runs_add_items(&item->runs, line, 1) < 0) {
        rc = WEIR_ENOMEM;
    }
    if (rc < 0) {
        return rc;
    }
    item->flags = (line->flags & (WEIR_ITEM_CRLF | WEIR_ITEM_NO_EOL)) |
                  ((item->flags | line->flags) & WEIR_ITEM_TRUNCATED);
    item->seq = line->seq;
    item->lines++;
    item->until_ns = wr_now_ns(stage->gen.loop) + stage->wait_ns;
    return 0;
}

/* The growing item of this origin; count: none. */
static size_t find(const struct stage_multiline *stage, uint32_t origin)
{
    size_t at = stage->count;
    while (at > 0 && stage->growing[at - 1].origin != origin) {
        at--;
    }
    return at > 0 ? at - 1 : stage->count;
}

/* Begin an item with this line. False: the stage has failed. */
static bool begin(struct stage_multiline *stage, const weir_item *line, weir_slice text)
{
    if (!wr_grow(&stage->growing, sizeof(struct growing), stage->count, &stage->cap)) {
        (void)no_memory(stage);
        return false;
    }
    struct growing *item = &stage->growing[stage->count];
    *item = (struct growing){.origin = line->origin, .time_ns = line->time_ns};
    int rc = add(stage, item, line, text);
    stage->count++;
    if (rc < 0) {
        drop_growing(stage, stage->count - 1);
        (void)wr_gen_fail(&stage->gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
    return rc == 0;
}

static void report_pieces(struct stage_multiline *stage, const char *limit)
{
    if (!stage->pieces) {
        wr_log(&stage->gen.loop->log, WR_LOG_WARNING, stage->gen.name,
               "an item has reached %s: what follows is another item", limit);
    }
    stage->pieces = true;
}

/* Does this line begin an item? -1: the stage has failed. */
static int starts(struct stage_multiline *stage, weir_slice text)
{
    const char *problem;
    int rc = wr_regex_match(stage->regex, text, 0, WR_REGEX_ANYWHERE, &problem);
    if (rc == WEIR_ENOMEM) {
        (void)no_memory(stage);
        return -1;
    }
    return rc > 0; /* a line on which the pattern explodes matches nothing */
}

/* Must the item be given before this line? -1: the stage has failed. */
static int is_complete(struct stage_multiline *stage, const struct growing *item, weir_slice text)
{
    if (item->lines >= stage->lines_max) {
        int begins = starts(stage, text);
        if (begins == 0) {
            report_pieces(stage, "its limit of lines");
        }
        return begins < 0 ? -1 : 1;
    }
    if (item->len + 2 + text.len > stage->bytes_max) {
        int begins = starts(stage, text);
        if (begins == 0) {
            report_pieces(stage, "its limit of bytes");
        }
        return begins < 0 ? -1 : 1;
    }
    return starts(stage, text);
}

/* Use up the next line. Returns the number of items given: 1 or 0; a line may have to come twice. */
static size_t use(struct stage_multiline *stage, weir_item *out)
{
    const weir_item *line = &stage->in[stage->in_at];
    weir_slice text;
    if (!wr_gen_text(&stage->gen, line, &text, &stage->scratch)) {
        return 0;
    }
    size_t at = find(stage, line->origin);
    if (at < stage->count) {
        int complete = is_complete(stage, &stage->growing[at], text);
        int rc = complete == 0 ? add(stage, &stage->growing[at], line, text) : 0;
        if (rc == WEIR_ENOMEM) {
            (void)no_memory(stage);
        }
        if (rc == WEIR_EBUDGET) {
            report_pieces(stage, "the limit of memory");
        }
        stage->in_at += complete == 0 && rc == 0;
        return complete > 0 || rc == WEIR_EBUDGET ? finish(stage, at, out) : 0;
    }
    if (stage->count == GROWING_MAX) {
        return finish(stage, 0, out);
    }
    stage->in_at += begin(stage, line, text);
    return 0;
}

/* ---- the stage */

/* Give items for which no line has come for long, or all of them. */
static size_t expire(struct stage_multiline *stage, bool all, weir_item *items, size_t max)
{
    size_t n = 0, at = 0;
    int64_t now_ns = wr_now_ns(stage->gen.loop);
    while (at < stage->count && n < max && stage->gen.failure == NULL) {
        if (all || stage->growing[at].until_ns <= now_ns) {
            n += finish(stage, at, items + n);
        } else {
            at++;
        }
    }
    return n;
}

/* Milliseconds until the first growing item is given; -1: there is none. */
static int64_t left_ms(const struct stage_multiline *stage)
{
    int64_t until_ns = INT64_MAX;
    for (size_t i = 0; i < stage->count; i++) {
        until_ns = WR_MIN(until_ns, stage->growing[i].until_ns);
    }
    int64_t left_ns = until_ns - wr_now_ns(stage->gen.loop);
    return stage->count == 0 ? -1 : WR_MAX((left_ns + 999999) / 1000000, INT64_C(0));
}

static size_t multiline_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_multiline *stage = WR_OWNER(gen, struct stage_multiline, gen);
    size_t n = 0;
    max = WR_MIN(max, (size_t)PULL_ITEMS);
    over_loan(stage);
    if (stage->in == NULL && (stage->in = wr_alloc(PULL_ITEMS * sizeof *stage->in)) == NULL) {
        (void)no_memory(stage);
    }
    while (gen->failure == NULL && n == 0) {
        wr_gen_scratch(gen, wr_regex_bytes(stage->regex) + stage->scratch.cap);
        while (stage->in_at < stage->in_end && n < max && gen->failure == NULL) {
            n += use(stage, items + n);
        }
        bool over = stage->in_at == stage->in_end && gen->up->state == WR_GEN_OVER;
        n += expire(stage, over, items + n, max - n);
        if (over || n > 0 || gen->failure != NULL) {
            break;
        }
        int64_t limit_ms = left_ms(stage);
        bool late = false;
        stage->in_at = 0;
        stage->in_end = limit_ms < 0
                            ? wr_pull(gen->up, stage->in, PULL_ITEMS)
                            : wr_pull_within(gen->up, stage->in, PULL_ITEMS, limit_ms, &late);
    }
    return n;
}

static void multiline_close(struct weir_gen *gen)
{
    struct stage_multiline *stage = WR_OWNER(gen, struct stage_multiline, gen);
    over_loan(stage);
    while (stage->count > 0) {
        drop_growing(stage, stage->count - 1);
    }
    wr_free(stage->growing);
    stage->growing = NULL;
    wr_free(stage->in);
    stage->in = NULL;
    weir_scratch_free(&stage->scratch);
}

static void multiline_free(struct weir_gen *gen)
{
    wr_regex_free(WR_OWNER(gen, struct stage_multiline, gen)->regex);
}

static const struct wr_gen_ops multiline_ops = {.kind = "multiline",
                                                .next_many = multiline_next_many,
                                                .close = multiline_close,
                                                .free = multiline_free};

static struct wr_regex *compile(const char *start, int *code, struct wr_regex_mistake *mistake)
{
    return wr_regex_new((weir_slice){start, strlen(start)}, 0, code, mistake);
}

weir_gen *weir_multiline(weir_gen *up, const char *start, const weir_multiline_options *options)
{
    int code = 0;
    weir_error error;
    struct wr_regex_mistake wrong = WEIR_ZERO;
    weir_multiline_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct stage_multiline *stage = wr_stage_alloc(up, sizeof *stage, &multiline_ops, "multiline");
    if (stage == NULL) {
        return wr_gen_made(NULL, up);
    }
    stage->lines_max = o.lines_max > 0 ? (size_t)o.lines_max : o.lines_max < 0 ? SIZE_MAX : LINES;
    stage->bytes_max = o.bytes_max > 0   ? (size_t)o.bytes_max
                       : o.bytes_max < 0 ? (size_t)INT32_MAX
                                         : BYTES;
    stage->bytes_max = WR_MIN(stage->bytes_max, (size_t)INT32_MAX / 2);
    stage->wait_ns = (o.wait_ms > 0 ? WR_MIN(o.wait_ms, INT64_C(1) << 40) : WAIT_MS) * 1000000;
    if (wr_limit_wrong(&error, "multiline", "lines_max", o.lines_max) ||
        wr_limit_wrong(&error, "multiline", "bytes_max", o.bytes_max) ||
        wr_choice_wrong(&error, "multiline", "wait_ms", o.wait_ms, INT64_MAX)) {
        (void)wr_gen_fail_error(&stage->gen, &error);
    } else if (start == NULL) {
        (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1, "multiline needs a pattern");
    } else if ((stage->regex = compile(start, &code, &wrong)) == NULL) {
        (void)wr_gen_fail(&stage->gen, code == WEIR_EPARSE ? WEIR_EINVAL : code, 0, -1, "%s",
                          code == WEIR_EPARSE ? wrong.problem : "no memory for the pattern");
    }
    return wr_gen_made(&stage->gen, up);
}

/* ---- the component */

struct multiline_args {
    const char *pattern;
    int64_t lines_max, bytes_max, wait_ms;
};

static int multiline_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    int code;
    struct wr_regex_mistake wrong;
    (void)opening;
    struct wr_regex *regex = compile(((const struct multiline_args *)args)->pattern, &code, &wrong);
    if (regex == NULL) {
        return code == WEIR_ENOMEM
                   ? weir_mistake_at(mistake, "PATTERN", "no memory for the pattern")
                   : weir_mistake_at(mistake, "PATTERN", "%s, at byte %zu of the pattern",
                                     wrong.problem, wrong.at);
    }
    wr_regex_free(regex);
    return 0;
}

static weir_gen *multiline_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct multiline_args *a = args;
    weir_multiline_options options = {.struct_size = sizeof options,
                                      .lines_max = a->lines_max,
                                      .bytes_max = a->bytes_max,
                                      .wait_ms = a->wait_ms};
    (void)opening;
    return weir_multiline(up, a->pattern, &options);
}

static const weir_arg multiline_args[] = {
    WEIR_ARG_TEXT(struct multiline_args, pattern, .name = "PATTERN", .flags = WEIR_ARG_REQUIRED,
                  .help = "as in Perl, best in `...`; a line that matches begins an item"),
    WEIR_ARG_COUNT(struct multiline_args, lines_max, .name = "lines", .form = WEIR_FORM_NAMED,
                   .flags = WEIR_ARG_HOLDS, .min = 1, .preset = "500",
                   .help = "lines of an item at most; the next ones are another item"),
    WEIR_ARG_SIZE(struct multiline_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED,
                  .flags = WEIR_ARG_HOLDS, .min = 1, .preset = "1MiB",
                  .help = "bytes of it at most"),
    WEIR_ARG_TIME(struct multiline_args, wait_ms, .name = "wait", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "2s", .help = "an item is complete when no line has come for so long"),
};

static const weir_example multiline_more[] = {
    {"gen 8..12 | multiline `0$` | encode json", "\"8\\n9\"\n\"10\\n11\\n12\"\n"},
    {NULL, NULL},
};

const weir_component wr_component_multiline = {
    .struct_size = sizeof wr_component_multiline,
    .name = "multiline",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_READS_AHEAD | WEIR_TRAIT_CPU,
    .args = multiline_args,
    .args_count = sizeof multiline_args / sizeof multiline_args[0],
    .args_size = sizeof(struct multiline_args),
    .help =
        "Joins lines to items: each begins with a line that matches, as the traces of a log do.",
    .example = "tail ./app.log | multiline `^\\d{4}-` | grep \"ERROR\"",
    .check = multiline_check,
    .open = multiline_open,
    .more_examples = multiline_more,
};
