/*
 * expr_fn_match.c - functions with regular expressions, which are PCRE2's. A run keeps the last few
 * that it has compiled, so that one which does not change is compiled once.
 */
#include "expr_machine.h"

#include "base_alloc.h"
#include "base_error.h"

/* The flags of jq that PCRE2 has; g and n say what to do with matches. false: the run has failed. */
static bool read_flags(wr_machine *run, struct wr_value flags, uint32_t *bits)
{
    *bits = WR_REGEX_UTF;
    if (flags.kind == WR_JSON_NULL) {
        return true;
    }
    for (uint32_t i = 0; flags.kind == WR_JSON_STRING && i < flags.len; i++) {
        char c = flags.as.text[i];
        if (memchr("gnix", c, 4) == NULL) {
            return wr_machine_fail(run, "%.*s is not a valid modifier string",
                                   (int)WR_MIN(flags.len, 60u), flags.as.text);
        }
        *bits |= c == 'i' ? WR_REGEX_IGNORE_CASE : c == 'x' ? WR_REGEX_EXTENDED : 0;
    }
    return flags.kind == WR_JSON_STRING ||
           wr_machine_fail(run, "%s is not a string of modifiers", wr_kind_name(flags));
}

/* Replace the regular expression that was used least recently. */
static struct wr_regex *compile(wr_machine *run, struct wr_value pattern, uint32_t bits)
{
    int code;
    struct wr_regex_mistake mistake;
    weir_slice text = {pattern.as.text, pattern.len};
    struct wr_kept_regex *kept = &run->regexes[WR_REGEXES_MAX - 1];
    struct wr_regex *regex = wr_regex_new(text, bits, &code, &mistake);
    char *copy = regex != NULL ? wr_alloc(pattern.len + 1) : NULL;
    if (copy == NULL) {
        wr_regex_free(regex);
        run->arena.full = false;
        (void)(regex == NULL && code == WEIR_EPARSE
                   ? wr_machine_fail(run, "%s, at byte %zu of the pattern", mistake.problem,
                                     mistake.at)
                   : wr_machine_no_memory(run));
        return NULL;
    }
    memcpy(copy, pattern.as.text, pattern.len);
    wr_regex_free(kept->regex);
    wr_free(kept->pattern);
    *kept = (struct wr_kept_regex){copy, pattern.len, bits, regex};
    return regex;
}

struct wr_regex *wr_machine_regex(wr_machine *run, struct wr_value pattern, struct wr_value flags)
{
    uint32_t bits;
    if (pattern.kind != WR_JSON_STRING) {
        char shown[WR_SHOWN_CAP];
        (void)wr_machine_fail(run, "%s (%s) cannot be matched, as it is not a string",
                              wr_kind_name(pattern), wr_machine_shown(run, pattern, shown));
        return NULL;
    }
    if (!read_flags(run, flags, &bits)) {
        return NULL;
    }
    size_t i = 0;
    while (i < WR_REGEXES_MAX &&
           (run->regexes[i].regex == NULL || run->regexes[i].bits != bits ||
            run->regexes[i].len != pattern.len ||
            memcmp(run->regexes[i].pattern, pattern.as.text, pattern.len) != 0)) {
        i++;
    }
    if (i == WR_REGEXES_MAX) {
        if (compile(run, pattern, bits) == NULL) {
            return NULL;
        }
        i--;
    }
    struct wr_kept_regex used = run->regexes[i];
    memmove(run->regexes + 1, run->regexes, i * sizeof used);
    run->regexes[0] = used;
    return used.regex;
}

void wr_machine_regexes_free(wr_machine *run)
{
    for (size_t i = 0; i < WR_REGEXES_MAX; i++) {
        wr_regex_free(run->regexes[i].regex);
        wr_free(run->regexes[i].pattern);
    }
}

/* The pattern and the flags: strings, or an array of both as the only argument. */
static bool test(wr_machine *run, struct wr_value text, struct wr_value pattern,
                 struct wr_value flags, struct wr_value *out)
{
    const char *problem;
    struct wr_value array = pattern;
    char shown[WR_SHOWN_CAP];
    if (pattern.kind == WR_JSON_ARRAY && (!wr_value_at(&run->arena, array, 1, &flags) ||
                                          !wr_value_at(&run->arena, array, 0, &pattern))) {
        return wr_machine_no_memory(run);
    }
    if (text.kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) cannot be matched, as it is not a string",
                               wr_kind_name(text), wr_machine_shown(run, text, shown));
    }
    struct wr_regex *regex = wr_machine_regex(run, pattern, flags);
    if (regex == NULL) {
        return false;
    }
    int rc =
        wr_regex_match(regex, (weir_slice){text.as.text, text.len}, 0, WR_REGEX_ANYWHERE, &problem);
    *out = wr_value_bool(rc == 1);
    if (rc >= 0) {
        return true;
    }
    run->arena.full = false;
    return rc == WEIR_EPARSE ? wr_machine_fail(run, "%s", problem) : wr_machine_no_memory(run);
}

static bool call_test(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return test(run, in[0], in[1], wr_value_of(WR_JSON_NULL), out);
}

static bool call_test_flags(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return test(run, in[0], in[1], in[2], out);
}

const struct wr_function wr_functions_match[] = {
    {"test", 1, .asks = true, .call = call_test, .help = "whether a regular expression matches"},
    {"test", 2, .asks = true, .call = call_test_flags, .help = "the same with modifiers: i, x"},
    {.name = NULL},
};
