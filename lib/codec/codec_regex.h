/*
 * codec_regex.h - regular expressions: PCRE2, compiled to machine code where that is possible.
 * Sans-I/O.
 *
 * A regular expression is compiled once, and has the memory for its matches: one match at a time,
 * on one thread. A match takes a bounded time and a bounded number of bytes, so an expression that
 * explodes on a text ends with a failure for that text: it has a number of steps from each start in
 * the text, and a number of characters that all matches in the text look at, counted each time. It
 * uses a stack of its own.
 *
 * Text. A pattern of ASCII characters matches bytes, unless WR_REGEX_UTF says that it matches
 * characters; one with other characters always matches characters. Bytes that are not UTF-8 are no
 * character and match nothing, and the text around them is matched all the same.
 */
#ifndef WR_CODEC_REGEX_H
#define WR_CODEC_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

enum wr_regex_flags {
    WR_REGEX_UTF = 1u,
    WR_REGEX_IGNORE_CASE = 2u,
    WR_REGEX_EXTENDED = 4u,
    WR_REGEX_DOT_ALL = 8u,    /* . matches a newline as well */
    WR_REGEX_NOT_EMPTY = 16u, /* an empty match is none */
    WR_REGEX_UNICODE = 32u,   /* with UTF: \w, \d, \s and \b know all scripts */
    WR_REGEX_LITERAL = 64u    /* the pattern is a text, without special characters */
};

enum {
    WR_REGEX_STEPS = 1000000,        /* from one start in the text */
    WR_REGEX_CHARACTERS = 250000000, /* that the matches in a text look at; some 0.1 s */
    WR_REGEX_BYTES = 1024 * 1024,    /* of memory for one match */
    WR_REGEX_PATTERN_MAX = 64 * 1024 /* bytes of a pattern */
};

struct wr_regex;

/* What is wrong with a pattern. */
struct wr_regex_mistake {
    size_t at; /* byte of the pattern */
    char problem[128];
};

/* Compile a pattern. NULL: *code is WEIR_EPARSE, and *mistake says why; or WEIR_ENOMEM. */
struct wr_regex *wr_regex_new(weir_slice pattern, uint32_t flags, int *code,
                              struct wr_regex_mistake *mistake);
/* NULL is allowed. */
void wr_regex_free(struct wr_regex *regex);

/* Add what its matches look at to *characters, which several expressions may share: the limit is then
 * one for all matches until the caller sets it to 0. If it was not called, each search from byte 0
 * begins to count again. */
void wr_regex_count_in(struct wr_regex *regex, uint64_t *characters);
/* The memory that it holds now. */
size_t wr_regex_bytes(const struct wr_regex *regex);
/* The number of the last group; 0: the pattern has none. */
size_t wr_regex_groups(const struct wr_regex *regex);
/* The named groups in the order of their numbers: how many. */
size_t wr_regex_names(const struct wr_regex *regex);
/* ... the name, which lives as long as the expression, and the number of the index-th. */
weir_slice wr_regex_name(const struct wr_regex *regex, size_t index, size_t *group);

/* Where a match begins, for wr_regex_match. */
enum wr_regex_where {
    WR_REGEX_ANYWHERE = 0,
    WR_REGEX_HERE_NOT_EMPTY = 1 /* at `from`, and not empty: after an empty match there */
};
/*
 * Find the first match at or after byte `from` of a text.
 *
 * problem  [out] for WEIR_EPARSE: why this text cannot be matched; static.
 * Returns  1; 0: there is none; WEIR_EPARSE: it takes more time or more memory than a match may;
 *          WEIR_ENOMEM.
 */
int wr_regex_match(struct wr_regex *regex, weir_slice text, size_t from, enum wr_regex_where where,
                   const char **problem);
/* A group of the last match, 0 the whole match. False: it took no part in the match. */
bool wr_regex_group(const struct wr_regex *regex, size_t group, size_t *from, size_t *to);

#endif
