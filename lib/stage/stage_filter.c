/*
 * stage_filter.c - weir_filter, weir_grep, weir_grep_without and weir_map: one item in, at most one
 * out, without delay.
 *
 * A dropped item settles as filtered at once. filter and map run a user's function, so they pull
 * one item at a time, however many the reader requests: the function never runs on an item before
 * the reader has taken the one before it, and a function that fails leaves the later items unread.
 * grep pulls as many items as its reader requested and gives those that match, at least one.
 */
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "flow_gen.h"
#include "stage_match.h"

/* The arguments follow the struct, aligned like malloc's memory. */
#define ARGS_OFFSET(type) ((sizeof(type) + 15) & ~(size_t)15)

struct stage_filter {
    struct weir_gen gen;
    bool (*keep)(const weir_item *item, const void *args);
    const void *args;
};

static size_t filter_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_filter *filter = WR_OWNER(gen, struct stage_filter, gen);
    (void)max;
    while (wr_pull(gen->up, items, 1) > 0) {
        if (filter->keep(items, filter->args)) {
            return 1;
        }
        wr_gen_filter(gen, items, 1);
    }
    return 0;
}

static const struct wr_gen_ops filter_ops = {.kind = "filter", .next_many = filter_next_many};

weir_gen *weir_filter(weir_gen *up, const char *name,
                      bool (*keep)(const weir_item *item, const void *args), const void *args,
                      size_t args_len)
{
    WR_GIVEN(keep);
    WR_COPIED_GIVEN(args, args_len);
    struct stage_filter *filter =
        wr_stage_alloc(up, ARGS_OFFSET(struct stage_filter) + args_len, &filter_ops, name);
    if (filter != NULL) {
        filter->keep = keep;
        char *copy = (char *)filter + ARGS_OFFSET(struct stage_filter);
        if (args_len > 0) {
            memcpy(copy, args, args_len);
        }
        filter->args = copy;
    }
    return wr_gen_made(filter != NULL ? &filter->gen : NULL, up);
}

struct stage_grep {
    struct weir_gen gen;
    weir_scratch scratch;
    bool without; /* pass the items that do not contain the text */
    size_t len;
    char text[];
};

static size_t grep_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_grep *grep = WR_OWNER(gen, struct stage_grep, gen);
    size_t n;
    while ((n = wr_pull(gen->up, items, max)) > 0) {
        size_t kept = 0, dropped = 0; /* dropped: the run of items before i that did not match */
        for (size_t i = 0; i < n; i++) {
            weir_slice text;
            if (!wr_gen_text(gen, &items[i], &text, &grep->scratch)) {
                return 0;
            }
            if ((memmem(text.data, text.len, grep->text, grep->len) == NULL) != grep->without) {
                dropped++;
                continue;
            }
            if (dropped > 0) {
                wr_gen_filter(gen, &items[i - dropped], dropped);
                dropped = 0;
            }
            /* Moving down is safe: the old item there was filtered or has moved already. */
            items[kept++] = items[i];
        }
        if (dropped > 0) {
            wr_gen_filter(gen, &items[n - dropped], dropped);
        }
        if (kept > 0) {
            return kept;
        }
    }
    return 0;
}

static void grep_close(struct weir_gen *gen)
{
    weir_scratch_free(&WR_OWNER(gen, struct stage_grep, gen)->scratch);
}

static const struct wr_gen_ops grep_ops = {
    .kind = "grep", .next_many = grep_next_many, .close = grep_close};

static weir_gen *grep_new(weir_gen *up, const char *text, bool without)
{
    size_t len = strlen(text);
    struct stage_grep *grep = wr_stage_alloc(up, sizeof *grep + len + 1, &grep_ops, "grep");
    if (grep != NULL) {
        grep->without = without;
        grep->len = len;
        memcpy(grep->text, text, len + 1);
    }
    return wr_gen_made(grep != NULL ? &grep->gen : NULL, up);
}

weir_gen *weir_grep(weir_gen *up, const char *text)
{
    WR_GIVEN(text);
    return grep_new(up, text, false);
}

weir_gen *weir_grep_without(weir_gen *up, const char *text)
{
    WR_GIVEN(text);
    return grep_new(up, text, true);
}

struct stage_map {
    struct weir_gen gen;
    int (*map)(const weir_item *in, weir_item *out, void *args);
    void *args;
};

static size_t map_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_map *map = WR_OWNER(gen, struct stage_map, gen);
    weir_item in;
    (void)max;
    if (wr_pull(gen->up, &in, 1) == 0) {
        return 0;
    }
    items[0] = in;
    int rc = map->map(&in, items, map->args);
    if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "item %llu: %s", (unsigned long long)in.seq, wr_code_text(rc));
        return 0;
    }
    wr_block_check(items);
    items[0].receipt = in.receipt;
    items[0].seq = in.seq;
    items[0].origin = in.origin;
    return 1;
}

static const struct wr_gen_ops map_ops = {.kind = "map", .next_many = map_next_many};

weir_gen *weir_map(weir_gen *up, const char *name,
                   int (*fn)(const weir_item *in, weir_item *out, void *args), const void *args,
                   size_t args_len)
{
    WR_GIVEN(fn);
    WR_COPIED_GIVEN(args, args_len);
    struct stage_map *map =
        wr_stage_alloc(up, ARGS_OFFSET(struct stage_map) + args_len, &map_ops, name);
    if (map != NULL) {
        map->map = fn;
        map->args = (char *)map + ARGS_OFFSET(struct stage_map);
        if (args_len > 0) {
            memcpy(map->args, args, args_len);
        }
    }
    return wr_gen_made(map != NULL ? &map->gen : NULL, up);
}

struct grep_args {
    bool without, pattern, ignore_case;
    const char *text;
};

/* Whether it looks for a pattern, as which a text is read whose letters match in both cases. */
static bool grep_matches(const struct grep_args *grep)
{
    return grep->pattern || grep->ignore_case;
}

static struct wr_match grep_match(const struct grep_args *grep)
{
    return (struct wr_match){.pattern = grep->text,
                             .literal = !grep->pattern,
                             .ignore_case = grep->ignore_case,
                             .without = grep->without};
}

static int grep_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    struct wr_match match = grep_match(args);
    (void)opening;
    return grep_matches(args) ? wr_match_check(&match, "TEXT", mistake) : 0;
}

static uint32_t grep_traits(const void *args, uint32_t shape)
{
    (void)shape;
    return WEIR_TRAIT_PURE | WEIR_TRAIT_CPU |
           (((const struct grep_args *)args)->pattern ? WEIR_TRAIT_REJECTS : 0);
}

static weir_gen *grep_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct grep_args *grep = args;
    (void)opening;
    struct wr_match match = grep_match(grep);
    return grep_matches(grep) ? wr_match_stage(up, "grep", &match)
                              : grep_new(up, grep->text, grep->without);
}

static const weir_arg grep_args[] = {
    WEIR_ARG_TEXT(struct grep_args, text, .name = "TEXT", .flags = WEIR_ARG_REQUIRED,
                  .help = "\"...\", `...` or a bare word"),
    WEIR_ARG_FLAG(struct grep_args, without, .name = "-v",
                  .help = "the lines that do not contain it"),
    WEIR_ARG_FLAG(struct grep_args, pattern, .name = "-E",
                  .help = "TEXT is a pattern, as in Perl, best in `...`"),
    WEIR_ARG_FLAG(struct grep_args, ignore_case, .name = "-i",
                  .help = "capital and small letters are the same; -vEi in one word, too"),
};

static const weir_example grep_more[] = {
    {"gen 1..12 | grep -v 1", "2\n3\n4\n5\n6\n7\n8\n9\n"},
    {"gen 1..3 | text \"Item \\(.)\" | grep -iv \"ITEM 2\"", "Item 1\nItem 3\n"},
    {"gen 1..120 | grep -E `^1.*[89]$`", "18\n19\n108\n109\n118\n119\n"},
    {NULL, NULL},
};

const weir_component wr_component_grep = {
    .struct_size = sizeof wr_component_grep,
    .name = "grep",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS,
    .traits_of = grep_traits,
    .args = grep_args,
    .args_count = sizeof grep_args / sizeof grep_args[0],
    .args_size = sizeof(struct grep_args),
    .help = "The lines that contain a text, or match a pattern (-E).",
    .example = "gen 1..20 | grep \"7\"",
    .prints = "7\n17\n",
    .more_examples = grep_more,
    .check = grep_check,
    .open = grep_open,
};
