/*
 * outside_grep.c - the stage grep again, on public headers only: as fast as the library's.
 */
#include <stdlib.h>
#include <string.h>

#include "outside.h"

struct grep {
    weir_scratch scratch;
    size_t len;
    char text[256];
};

static size_t next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct grep *grep = self;
    size_t n;
    while ((n = weir_pull(gen, items, max)) > 0) {
        size_t kept = 0, left_out = 0; /* the run of items before i that do not match */
        for (size_t i = 0; i < n; i++) {
            weir_slice text;
            int rc = weir_item_text(&items[i], &text, &grep->scratch);
            if (rc < 0) {
                weir_fail(gen, rc, "item %llu has no text", (unsigned long long)items[i].seq);
                return 0;
            }
            if (memmem(text.data, text.len, grep->text, grep->len) == NULL) {
                left_out++;
                continue;
            }
            if (left_out > 0) {
                weir_leave_out(gen, &items[i - left_out], left_out);
                left_out = 0;
            }
            items[kept++] = items[i];
        }
        if (left_out > 0) {
            weir_leave_out(gen, &items[n - left_out], left_out);
        }
        if (kept > 0) {
            return kept;
        }
    }
    return 0;
}

static void end(weir_gen *gen, void *self)
{
    (void)gen;
    weir_scratch_free(&((struct grep *)self)->scratch);
}

static const weir_gen_ops ops = {
    .struct_size = sizeof ops, .name = "grep", .next_many = next_many, .close = end};

weir_gen *outside_grep(weir_gen *up, const char *text)
{
    struct grep grep = WEIR_ZERO;
    grep.len = strnlen(text, sizeof grep.text);
    memcpy(grep.text, text, grep.len);
    return weir_stage_new(up, &ops, &grep, sizeof grep);
}

struct grep_args {
    const char *text;
};

static int check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    return strlen(((const struct grep_args *)args)->text) < sizeof((struct grep *)0)->text
               ? 0
               : weir_mistake_at(mistake, "TEXT", "the text is longer than 255 bytes");
}

static weir_gen *open_grep(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return outside_grep(up, ((const struct grep_args *)args)->text);
}

static const weir_arg args[] = {
    WEIR_ARG_TEXT(struct grep_args, text, .name = "TEXT", .flags = WEIR_ARG_REQUIRED,
                  .help = "what to look for"),
};

static const weir_component component = {
    .struct_size = sizeof component,
    .name = "grep",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU,
    .args = args,
    .args_count = 1,
    .args_size = sizeof(struct grep_args),
    .help = "The lines that contain a text.",
    .example = "gen 1..20 | ./grep.so 7",
    .prints = "7\n17\n",
    .check = check,
    .open = open_grep,
};

WEIR_MODULE(&component);
