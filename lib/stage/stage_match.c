/*
 * stage_match.c - the items that match a pattern.
 *
 * It pulls as many items as its reader requested and gives those that match, at least one, as grep
 * does with a text. The pattern is compiled when the stage is made, and once before, when the text
 * of a pipeline is checked.
 */
#include "stage_match.h"

#include <string.h>

#include "codec_regex.h"
#include "flow_dead.h"
#include "flow_gen.h"

struct stage_match {
    struct weir_gen gen;
    weir_scratch scratch;
    struct wr_regex *regex;
    bool without; /* pass on what does not match */
};

/* 1: it is kept; 0: it was filtered or rejected; a negative code: the stage has failed. */
static int judge(struct stage_match *match, weir_item *item)
{
    struct weir_gen *gen = &match->gen;
    weir_slice text;
    const char *problem = "";
    if (!wr_gen_text(gen, item, &text, &match->scratch)) {
        return gen->failure->code;
    }
    int rc = wr_regex_match(match->regex, text, 0, WR_REGEX_ANYWHERE, &problem);
    if (rc == WEIR_EPARSE) {
        return wr_gen_reject(gen, item, WEIR_EPARSE, problem);
    }
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, -1, "no memory for a match");
    }
    if ((rc == 0) != match->without) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    return 1;
}

static size_t match_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_match *match = WR_OWNER(gen, struct stage_match, gen);
    size_t n, kept = 0;
    wr_gen_scratch(gen, wr_regex_bytes(match->regex) + match->scratch.cap);
    while (kept == 0 && (n = wr_pull(gen->up, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            int rc = judge(match, &items[i]);
            if (rc < 0) {
                return kept;
            }
            /* Moving down is safe: the old item there was settled or has moved already. */
            if (rc > 0) {
                items[kept++] = items[i];
            }
        }
    }
    return kept;
}

static void match_close(struct weir_gen *gen)
{
    weir_scratch_free(&WR_OWNER(gen, struct stage_match, gen)->scratch);
}

static void match_free(struct weir_gen *gen)
{
    wr_regex_free(WR_OWNER(gen, struct stage_match, gen)->regex);
}

static const struct wr_gen_ops match_ops = {
    .kind = "match", .next_many = match_next_many, .close = match_close, .free = match_free};

/* As wr_regex_new. */
static struct wr_regex *compile(const struct wr_match *match, int *code,
                                struct wr_regex_mistake *mistake)
{
    uint32_t flags = (match->ignore_case ? (uint32_t)WR_REGEX_IGNORE_CASE : 0) |
                     (match->literal ? (uint32_t)WR_REGEX_LITERAL : 0);
    return wr_regex_new((weir_slice){match->pattern, strlen(match->pattern)}, flags, code, mistake);
}

int wr_match_check(const struct wr_match *match, const char *arg, weir_mistake *mistake)
{
    int code;
    struct wr_regex_mistake wrong;
    struct wr_regex *regex = compile(match, &code, &wrong);
    if (regex == NULL) {
        return code == WEIR_ENOMEM ? weir_mistake_at(mistake, arg, "no memory for the pattern")
                                   : weir_mistake_at(mistake, arg, "%s, at byte %zu of the pattern",
                                                     wrong.problem, wrong.at);
    }
    wr_regex_free(regex);
    return 0;
}

weir_gen *wr_match_stage(weir_gen *up, const char *name, const struct wr_match *given)
{
    int code;
    struct wr_regex_mistake wrong;
    struct stage_match *match = wr_stage_alloc(up, sizeof *match, &match_ops, name);
    if (match == NULL) {
        return wr_gen_made(NULL, up);
    }
    match->without = given->without;
    match->regex = compile(given, &code, &wrong);
    if (match->regex == NULL) {
        (void)wr_gen_fail(&match->gen, code, 0, -1, "no memory for the pattern");
    }
    return wr_gen_made(&match->gen, up);
}
