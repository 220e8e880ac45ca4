/*
 * codec_regex.c - PCRE2 behind a few functions.
 *
 * All memory comes from wr_alloc and is counted, also that of the machine code's stack: by default the code would
 * take 32 KiB of its caller's, which may be a coroutine's. Where no machine code can be made (a
 * kernel that forbids pages that are both written and run), matches are interpreted, with the same
 * results and limits; the interpreter keeps its frames on the heap.
 *
 * PCRE2's own limit counts the steps from one start in the text, and a step may loop over the whole
 * text (`x*`). So the pattern is compiled twice. `code` runs first, with so few steps that even the
 * worst of them stay below WR_REGEX_CHARACTERS; that is enough for most lines. If it is not,
 * `careful` begins again: it calls count_characters before each element of the pattern, which counts
 * what was really looked at.
 */
#include "codec_regex.h"

#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_memory.h"

enum {
    STACK_FIRST = 32 * 1024,
    CALL_CHARACTERS = 32 /* that take as long as one call of count_characters */
};

struct name {
    size_t group;
    weir_slice text; /* in the compiled pattern */
};

struct wr_regex {
    pcre2_general_context *memory;
    pcre2_code *code;
    pcre2_code *careful; /* NULL: it would be too large */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack; /* NULL: interpreted */
    const size_t *groups;   /* of `match`: from and to of each group */
    uint32_t groups_count;
    struct name *names;
    uint32_t names_count;
    bool utf, not_empty;
    bool anchored;             /* a match begins at the start of the text only */
    bool refers_back;          /* an element may compare any number of characters: \1 */
    size_t at;                 /* of the last call of count_characters */
    uint64_t own, *characters; /* looked at so far; characters: `own`, or of several expressions */
    struct wr_codec_memory held;
    size_t code_bytes;        /* of machine code */
    size_t characters_a_call; /* each call counts these, and what was passed since the last one */
};

static void *take(size_t bytes, void *held)
{
    return wr_codec_alloc(held, bytes);
}

static void give_back(void *memory, void *held)
{
    wr_codec_free(held, memory);
}

static bool has_other_than_ascii(weir_slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if ((unsigned char)pattern.data[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

void wr_regex_free(struct wr_regex *regex)
{
    if (regex != NULL) {
        pcre2_jit_stack_free(regex->stack);
        pcre2_match_context_free(regex->limits);
        pcre2_match_data_free(regex->match);
        pcre2_code_free(regex->code);
        pcre2_code_free(regex->careful);
        pcre2_general_context_free(regex->memory);
        wr_free(regex->names);
        wr_free(regex);
    }
}

/* The table of names is in alphabetical order: sort it by the numbers. 0 or WEIR_ENOMEM. */
static int read_names(struct wr_regex *regex)
{
    uint32_t count = 0, entry_bytes = 0;
    PCRE2_SPTR table = NULL;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
    regex->names = count > 0 ? wr_alloc(count * sizeof *regex->names) : NULL;
    if (count > 0 && regex->names == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *entry = (const char *)table + (size_t)i * entry_bytes;
        size_t group = (size_t)(unsigned char)entry[0] << 8 | (unsigned char)entry[1];
        uint32_t at = i;
        for (; at > 0 && regex->names[at - 1].group > group; at--) {
            regex->names[at] = regex->names[at - 1];
        }
        regex->names[at] = (struct name){group, {entry + 2, strlen(entry + 2)}};
    }
    regex->names_count = count;
    return 0;
}

/* 0, WEIR_EPARSE or WEIR_ENOMEM. */
static int compile(struct wr_regex *regex, weir_slice pattern, uint32_t flags,
                   struct wr_regex_mistake *mistake)
{
    int error = 0;
    size_t at = 0;
    bool utf = (flags & WR_REGEX_UTF) != 0 || has_other_than_ascii(pattern);
    bool literal = (flags & WR_REGEX_LITERAL) != 0;
    uint32_t options = (uint32_t)(literal ? PCRE2_LITERAL : PCRE2_NEVER_BACKSLASH_C) |
                       (utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0) |
                       ((flags & WR_REGEX_IGNORE_CASE) != 0 ? PCRE2_CASELESS : 0) |
                       ((flags & WR_REGEX_EXTENDED) != 0 ? PCRE2_EXTENDED : 0) |
                       ((flags & WR_REGEX_DOT_ALL) != 0 ? PCRE2_DOTALL : 0) |
                       ((flags & WR_REGEX_UNICODE) != 0 ? PCRE2_UCP : 0);
    pcre2_compile_context *context = pcre2_compile_context_create(regex->memory);
    if (context == NULL) {
        return WEIR_ENOMEM;
    }
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, options, &error, &at, context);
    bool compiled = regex->code != NULL;
    if (compiled) {
        regex->careful = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
                                       options | PCRE2_AUTO_CALLOUT, &error, &at, context);
    }
    pcre2_compile_context_free(context);
    if (compiled && (regex->careful != NULL || error != PCRE2_ERROR_HEAP_FAILED)) {
        return 0;
    }
    if (error == PCRE2_ERROR_HEAP_FAILED) {
        return WEIR_ENOMEM;
    }
    mistake->at = WR_MIN(at, pattern.len);
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)mistake->problem, sizeof mistake->problem);
    return WEIR_EPARSE;
}

static int count_characters(pcre2_callout_block *call, void *self)
{
    struct wr_regex *regex = self;
    size_t at = call->current_position;
    *regex->characters +=
        regex->characters_a_call + (at > regex->at ? at - regex->at : regex->at - at);
    regex->at = at;
    return *regex->characters > WR_REGEX_CHARACTERS ? PCRE2_ERROR_CALLOUT : 0;
}

/* What matches need. 0 or WEIR_ENOMEM. */
static int prepare(struct wr_regex *regex)
{
    uint32_t all = 0, back = 0;
    size_t careful_bytes = 0;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_ALLOPTIONS, &all);
    regex->utf = (all & PCRE2_UTF) != 0; /* (*UTF) in the pattern sets it, too */
    regex->anchored = (all & PCRE2_ANCHORED) != 0;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_BACKREFMAX, &back);
    regex->refers_back = back > 0;
    regex->match = pcre2_match_data_create_from_pattern(regex->code, regex->memory);
    regex->limits = pcre2_match_context_create(regex->memory);
    if (regex->match == NULL || regex->limits == NULL || read_names(regex) < 0) {
        return WEIR_ENOMEM;
    }
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups_count);
    regex->groups = pcre2_get_ovector_pointer(regex->match);
    (void)pcre2_set_callout(regex->limits, count_characters, regex);
    (void)pcre2_set_depth_limit(regex->limits, WR_REGEX_STEPS);
    (void)pcre2_set_heap_limit(regex->limits, WR_REGEX_BYTES / 1024);
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    (void)pcre2_jit_compile(regex->careful, PCRE2_JIT_COMPLETE); /* NULL is allowed */
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_JITSIZE, &regex->code_bytes);
    if (regex->careful != NULL) {
        (void)pcre2_pattern_info(regex->careful, PCRE2_INFO_JITSIZE, &careful_bytes);
    }
    if (regex->code_bytes > 0) {
        regex->stack = pcre2_jit_stack_create(STACK_FIRST, WR_REGEX_BYTES, regex->memory);
        if (regex->stack == NULL) {
            return WEIR_ENOMEM;
        }
        pcre2_jit_stack_assign(regex->limits, NULL, regex->stack);
    }
    regex->code_bytes += careful_bytes;
    return 0;
}

struct wr_regex *wr_regex_new(weir_slice pattern, uint32_t flags, int *code,
                              struct wr_regex_mistake *mistake)
{
    if (pattern.len > WR_REGEX_PATTERN_MAX) {
        mistake->at = WR_REGEX_PATTERN_MAX;
        (void)snprintf(mistake->problem, sizeof mistake->problem,
                       "the pattern has more than %d bytes", WR_REGEX_PATTERN_MAX);
        *code = WEIR_EPARSE;
        return NULL;
    }
    struct wr_regex *regex = wr_zalloc(sizeof *regex);
    int rc = regex != NULL ? 0 : WEIR_ENOMEM;
    if (rc == 0) {
        regex->memory = pcre2_general_context_create(take, give_back, &regex->held);
        rc = regex->memory != NULL ? compile(regex, pattern, flags, mistake) : WEIR_ENOMEM;
    }
    rc = rc == 0 ? prepare(regex) : rc;
    if (rc < 0) {
        wr_regex_free(regex);
        *code = rc;
        return NULL;
    }
    regex->not_empty = (flags & WR_REGEX_NOT_EMPTY) != 0;
    regex->characters = &regex->own;
    *code = 0;
    return regex;
}

void wr_regex_count_in(struct wr_regex *regex, uint64_t *characters)
{
    regex->characters = characters;
}

size_t wr_regex_bytes(const struct wr_regex *regex)
{
    return regex->held.used_bytes + regex->code_bytes;
}

size_t wr_regex_groups(const struct wr_regex *regex)
{
    return regex->groups_count;
}

size_t wr_regex_names(const struct wr_regex *regex)
{
    return regex->names_count;
}

weir_slice wr_regex_name(const struct wr_regex *regex, size_t index, size_t *group)
{
    *group = regex->names[index].group;
    return regex->names[index].text;
}

/* As pcre2_match. */
static int match_with(struct wr_regex *regex, const pcre2_code *code, uint32_t steps,
                      weir_slice text, size_t from, uint32_t options)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.len > 0 ? text.data : "");
    (void)pcre2_set_match_limit(regex->limits, steps);
    /* The direct call leaves out the checks of its arguments, and cannot be used for text that may
     * be no UTF-8. */
    return code == regex->code && regex->stack != NULL && !regex->utf && options == 0
               ? pcre2_jit_match(code, subject, text.len, from, 0, regex->match, regex->limits)
               : pcre2_match(code, subject, text.len, from, options, regex->match, regex->limits);
}

int wr_regex_match(struct wr_regex *regex, weir_slice text, size_t from, enum wr_regex_where where,
                   const char **problem)
{
    uint32_t options =
        (where == WR_REGEX_HERE_NOT_EMPTY ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0) |
        (regex->not_empty ? PCRE2_NOTEMPTY : 0);
    bool one_start = regex->anchored || where == WR_REGEX_HERE_NOT_EMPTY;
    size_t starts = one_start ? 1 : text.len + 1; /* of all searches in the text together */
    size_t steps = WR_MIN(WR_REGEX_CHARACTERS / (text.len + 1) / starts, (size_t)WR_REGEX_STEPS);
    int rc = PCRE2_ERROR_MATCHLIMIT;
    if (from == 0 && regex->characters == &regex->own) {
        regex->own = 0;
    }
    if (steps > 0) {
        rc = match_with(regex, regex->code, (uint32_t)steps, text, from, options);
    }
    if (rc == PCRE2_ERROR_MATCHLIMIT && steps < WR_REGEX_STEPS) {
        regex->at = from;
        regex->characters_a_call = CALL_CHARACTERS + (regex->refers_back ? text.len : 0);
        rc = regex->careful == NULL
                 ? PCRE2_ERROR_CALLOUT
                 : match_with(regex, regex->careful, WR_REGEX_STEPS, text, from, options);
    }
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) {
        return rc >= 0;
    }
    switch (rc) {
    case PCRE2_ERROR_NOMEMORY: return WEIR_ENOMEM;
    case PCRE2_ERROR_MATCHLIMIT:
        *problem = "the regular expression needs more than 1000000 steps";
        break;
    case PCRE2_ERROR_CALLOUT:
        *problem = "the regular expression takes too long for a text of this length";
        break;
    case PCRE2_ERROR_JIT_STACKLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
        *problem = "the regular expression needs more than 1 MiB of memory";
        break;
    default: *problem = "the regular expression cannot be matched"; break;
    }
    return WEIR_EPARSE;
}

bool wr_regex_group(const struct wr_regex *regex, size_t group, size_t *from, size_t *to)
{
    *from = regex->groups[2 * group];
    *to = regex->groups[2 * group + 1];
    return *from != PCRE2_UNSET && *to >= *from;
}
