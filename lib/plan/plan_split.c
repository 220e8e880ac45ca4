/*
 * plan_split.c - layer 1 of the pipeline text: finds the stages.
 *
 * It needs no stage names, so a text with an unknown stage is still split correctly, and the error
 * points at that stage only. One walk from left to right: quoted texts and brackets are skipped as
 * a whole, a comment is replaced by spaces, and a '|' outside of them ends a stage. In "..." a
 * backslash also skips the next byte, but \( begins an expression, which may contain quotes and
 * brackets. So the functions that skip a quoted text and a bracket call each other, limited by
 * WR_PLAN_DEPTH_MAX. Runs on the caller's stack, keeps nothing, suspends nothing.
 */
#include "plan_text.h"

#include <string.h>

#define SHOWN_MAX 100u /* bytes of an address in a hint */

struct walk {
    const char *text;
    char *clean; /* the same bytes, to overwrite comments; NULL: there are no comments left */
    size_t end;
    unsigned depth;
    struct wr_plan_error *error; /* NULL: the text was checked before */
    struct wr_plan_span *spans;
    size_t count;
};

#define NOWHERE SIZE_MAX

static size_t skip_bracket(struct walk *walk, size_t at);

bool wr_plan_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool wr_plan_bar_at(const char *clean, size_t at, size_t end)
{
    return clean[at] == '|' && !(at + 1 < end && clean[at + 1] == '=');
}

static char closer_of(char c)
{
    return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : '\0';
}

static bool is_quote(char c)
{
    return c == '"' || c == '`' || c == '\'';
}

static size_t complain(struct walk *walk, size_t at, const char *what)
{
    if (walk->error != NULL) {
        (void)wr_plan_fail(walk->error, (struct wr_plan_span){at, 1}, "%c %s", walk->text[at],
                           what);
    }
    return NOWHERE;
}

/* Overwrite the comment that begins at `at` with spaces; returns the index of its line end. */
static size_t blank_comment(struct walk *walk, size_t at)
{
    while (at < walk->end && walk->text[at] != '\n') {
        walk->clean[at++] = ' ';
    }
    return at;
}

static bool begins_comment(const struct walk *walk, size_t from, size_t at)
{
    return walk->clean != NULL && walk->text[at] == '#' &&
           (at == from || wr_plan_is_space(walk->text[at - 1]) || walk->text[at - 1] == '|');
}

/* Report that the quote at `at` is not closed. In an address the user meant to send it
 * unchanged. */
static size_t never_closed(struct walk *walk, size_t at)
{
    size_t from = at;
    size_t to = at;
    while (from > 0 && !wr_plan_is_space(walk->text[from - 1]) && walk->text[from - 1] != '|') {
        from--;
    }
    while (to < walk->end && !wr_plan_is_space(walk->text[to]) && walk->text[to] != '|') {
        to++;
    }
    bool address = false;
    for (size_t i = from; i + 3 <= at; i++) {
        address = address || memcmp(walk->text + i, "://", 3) == 0;
    }
    (void)complain(walk, at, "is not closed");
    if (address && walk->error != NULL && walk->text[at] != '"' && to - from <= SHOWN_MAX) {
        char word[SHOWN_MAX + 1] = "";
        memcpy(word, walk->text + from, to - from);
        weir_hide_secrets(word);
        (void)wr_plan_hint(walk->error, "quote the whole address: \"%s\"", word);
    }
    return NOWHERE;
}

static size_t skip_quoted(struct walk *walk, size_t at)
{
    char quote = walk->text[at];
    size_t i = at + 1;
    while (i < walk->end) {
        if (quote == '"' && walk->text[i] == '\\') {
            if (i + 1 < walk->end && walk->text[i + 1] == '(') {
                i = skip_bracket(walk, i + 1);
                if (i == NOWHERE) {
                    return NOWHERE;
                }
            } else {
                i += 2;
            }
        } else if (walk->text[i++] == quote) {
            return i;
        }
    }
    return never_closed(walk, at);
}

static size_t skip_bracket(struct walk *walk, size_t at)
{
    char closer = closer_of(walk->text[at]);
    size_t i = at + 1;
    if (++walk->depth > WR_PLAN_DEPTH_MAX) {
        return complain(walk, at, "is nested too deep");
    }
    while (i != NOWHERE && i < walk->end) {
        char c = walk->text[i];
        if (c == closer) {
            walk->depth--;
            return i + 1;
        }
        if (is_quote(c)) {
            i = skip_quoted(walk, i);
        } else if (closer_of(c) != '\0') {
            i = skip_bracket(walk, i);
        } else if (c == ')' || c == ']' || c == '}') {
            (void)complain(walk, i, "has no opening bracket");
            if (walk->error != NULL) {
                (void)wr_plan_hint(walk->error, "the %c before it is open and needs %c",
                                   walk->text[at], closer);
            }
            return NOWHERE;
        } else if (begins_comment(walk, at, i)) {
            i = blank_comment(walk, i);
        } else {
            i++;
        }
    }
    return i == NOWHERE ? NOWHERE : complain(walk, at, "is not closed");
}

size_t wr_plan_skip(const char *clean, size_t at, size_t end)
{
    struct walk walk = {.text = clean, .end = end};
    size_t after = is_quote(clean[at]) ? skip_quoted(&walk, at) : skip_bracket(&walk, at);
    return after > end ? end : after;
}

bool wr_plan_block_at(const char *clean, size_t at, size_t end, struct wr_plan_span *inside)
{
    if (at >= end || clean[at] != '{') {
        return false;
    }
    size_t after = wr_plan_skip(clean, at, end);
    *inside = (struct wr_plan_span){at + 1, after - at - 2};
    return after == end || wr_plan_is_space(clean[after]) || clean[after] == '{';
}

/* Add [from, to) as a stage, without the spaces around it. `bar` is the place of the caret when the
 * stage is empty. */
static int add_stage(struct walk *walk, size_t from, size_t to, size_t bar)
{
    while (from < to && wr_plan_is_space(walk->text[from])) {
        from++;
    }
    while (to > from && wr_plan_is_space(walk->text[to - 1])) {
        to--;
    }
    if (from == to) {
        (void)wr_plan_fail(walk->error, (struct wr_plan_span){bar, 1},
                           "an empty stage: two | in a row, or a | at the start or end");
        bool two = (bar + 1 < walk->end && walk->text[bar + 1] == '|') ||
                   (bar > 0 && walk->text[bar - 1] == '|');
        return two ? wr_plan_hint(walk->error, "in an expression, write 'or'") : walk->error->code;
    }
    if (walk->count == WR_PLAN_STAGES_MAX) {
        return wr_plan_fail(walk->error, (struct wr_plan_span){from, to - from},
                            "more than %u stages", WR_PLAN_STAGES_MAX);
    }
    walk->spans[walk->count++] = (struct wr_plan_span){from, to - from};
    return 0;
}

int wr_plan_split(char *clean, struct wr_plan_span text, struct wr_plan_span *spans, size_t *count,
                  struct wr_plan_error *error)
{
    struct walk walk = {
        .text = clean, .clean = clean, .end = text.at + text.len, .error = error, .spans = spans};
    size_t start = text.at;
    size_t bar = text.at;
    size_t i = text.at;
    while (i < walk.end) {
        char c = clean[i];
        if (is_quote(c)) {
            i = skip_quoted(&walk, i);
        } else if (closer_of(c) != '\0') {
            i = skip_bracket(&walk, i);
        } else if (c == ')' || c == ']' || c == '}') {
            i = complain(&walk, i, "has no opening bracket");
        } else if (begins_comment(&walk, text.at, i)) {
            i = blank_comment(&walk, i);
        } else if (wr_plan_bar_at(clean, i, walk.end)) {
            bar = i;
            if (add_stage(&walk, start, i, bar) != 0) {
                return error->code;
            }
            start = ++i;
        } else {
            i++;
        }
        if (i == NOWHERE) {
            return error->code;
        }
    }
    *count = 0;
    if (add_stage(&walk, start, walk.end, bar) == 0) {
        *count = walk.count;
    }
    return error->code;
}
