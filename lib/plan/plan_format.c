/*
 * plan_format.c - writes a pipeline text anew in the usual layout.
 *
 * It uses the shape of the text alone (layer 1), so components that are not known are laid out as
 * well. Only spaces between words change, so the text means the same: a word is written as it is,
 * also in its quotes and brackets. Comments
 * stay, and so do secrets: the output is meant to replace the text.
 *
 * The text is cut into tokens: words, bars, comments, and the brackets of blocks. A chain whose
 * tokens fit into one line is written in one line. Otherwise each stage begins a line, and so does
 * a block that does not fit. Whether { ... } is a block or an object of an expression is guessed
 * from the word before it; a wrong guess changes only the layout. Plain memory, suspends nothing.
 */
#include "plan_text.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"

#define COLUMNS_MAX 80u

enum token_kind { WORD, BAR, NOTE, OPEN, CLOSE };

struct token {
    uint8_t kind;
    bool own_line; /* NOTE: nothing stands before it on its line */
    bool lines;    /* WORD: has a line end in its quotes or brackets */
    size_t at, len;
    size_t partner; /* OPEN: the index of its CLOSE */
};

struct format {
    const char *text;
    char *clean; /* the text with spaces in place of comments */
    struct token *tokens;
    size_t count, cap;
    struct wr_print print;
    size_t column;
    bool broken; /* the line has a comment at its end */
    int failed;
};

/* ---- tokens */

static struct token *add(struct format *format, enum token_kind kind, size_t at, size_t len)
{
    if (format->count == format->cap) {
        size_t cap = format->cap * 2 + 64;
        struct token *tokens = wr_realloc(format->tokens, cap * sizeof *tokens);
        if (tokens == NULL) {
            format->failed = WEIR_ENOMEM;
            return NULL;
        }
        format->tokens = tokens;
        format->cap = cap;
    }
    struct token *token = &format->tokens[format->count++];
    *token = (struct token){.kind = (uint8_t)kind, .at = at, .len = len};
    return token;
}

/* Add the comments in a gap between two tokens. */
static void add_notes(struct format *format, size_t from, size_t to, bool line_start)
{
    for (size_t i = from; i < to; i++) {
        if (format->text[i] == '\n') {
            line_start = true;
        } else if (!wr_plan_is_space(format->text[i])) {
            size_t end = i;
            while (end < to && format->text[end] != '\n') {
                end++;
            }
            size_t stop = end;
            while (wr_plan_is_space(format->text[stop - 1])) {
                stop--;
            }
            struct token *note = add(format, NOTE, i, stop - i);
            if (note == NULL) {
                return;
            }
            note->own_line = line_start;
            i = end - 1;
        }
    }
}

static bool is_operator(const char *word, size_t len)
{
    static const char *const names[] = {"and", "or", "not"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], word, len) == 0) {
            return true;
        }
    }
    return len > 0 && strchr("=<>!~+-*/%,([:|&?", word[len - 1]) != NULL;
}

/* Whether { ... } after the last token is a block. */
static bool takes_block(const struct format *format)
{
    size_t i = format->count;
    while (i > 0 && format->tokens[i - 1].kind == NOTE) {
        i--;
    }
    const struct token *last = i > 0 ? &format->tokens[i - 1] : NULL;
    return last != NULL &&
           (last->kind == CLOSE ||
            (last->kind == WORD && !is_operator(format->text + last->at, last->len)));
}

static bool is_quote(char c)
{
    return c == '"' || c == '`' || c == '\'';
}

static size_t word_end(const struct format *format, size_t at, size_t end)
{
    const char *clean = format->clean;
    while (at < end && !wr_plan_is_space(clean[at]) && !wr_plan_bar_at(clean, at, end)) {
        at = is_quote(clean[at]) || strchr("([{", clean[at]) != NULL ? wr_plan_skip(clean, at, end)
                                                                     : at + 1;
    }
    return at;
}

/* The nesting of blocks is bounded by WR_PLAN_DEPTH_MAX. */
static void read_tokens(struct format *format, size_t at, size_t end)
{
    const char *clean = format->clean;
    bool first = format->count == 0;
    while (format->failed == 0) {
        size_t gap = at;
        while (at < end && wr_plan_is_space(clean[at])) {
            at++;
        }
        add_notes(format, gap, at, first);
        first = false;
        if (at == end || format->failed != 0) {
            return;
        }
        struct wr_plan_span inside;
        if (wr_plan_bar_at(clean, at, end)) {
            (void)add(format, BAR, at++, 1);
        } else if (takes_block(format) && wr_plan_block_at(clean, at, end, &inside)) {
            size_t open = format->count;
            (void)add(format, OPEN, at, 1);
            read_tokens(format, inside.at, inside.at + inside.len);
            at = inside.at + inside.len;
            if (format->failed == 0 && add(format, CLOSE, at, 1) != NULL) {
                format->tokens[open].partner = format->count - 1;
            }
            at++;
        } else {
            size_t stop = word_end(format, at, end);
            struct token *word = add(format, WORD, at, stop - at);
            if (word != NULL) {
                word->lines = memchr(format->text + at, '\n', stop - at) != NULL;
            }
            at = stop;
        }
    }
}

/* ---- layout */

/* The columns of the tokens [from, to) in one line; more than a line has: they need several. */
static size_t line_width(const struct format *format, size_t from, size_t to)
{
    size_t sum = 0;
    for (size_t i = from; i < to && sum <= COLUMNS_MAX; i++) {
        const struct token *token = &format->tokens[i];
        if (token->kind == NOTE || token->lines) {
            return COLUMNS_MAX + 1;
        }
        sum += token->len + (i > from ? 1 : 0);
    }
    return sum;
}

static void new_line(struct format *format, size_t indent)
{
    if (format->print.len > 0) {
        wr_print_bytes(&format->print, "\n", 1);
    }
    for (size_t i = 0; i < indent; i++) {
        wr_print_bytes(&format->print, " ", 1);
    }
    format->column = 0;
    format->broken = false;
}

/* Write one token behind the last one, or in a line of its own if that ended in a comment. */
static void put(struct format *format, const struct token *token, size_t indent)
{
    if (format->broken) {
        new_line(format, indent);
    }
    if (format->column > 0) {
        wr_print_bytes(&format->print, "  ", token->kind == NOTE ? 2 : 1);
    }
    wr_print_bytes(&format->print, format->text + token->at, token->len);
    format->column = 1;
    format->broken = token->kind == NOTE;
}

static void put_all(struct format *format, size_t from, size_t to, size_t indent)
{
    for (size_t i = from; i < to; i++) {
        put(format, &format->tokens[i], indent);
    }
}

static void put_note(struct format *format, const struct token *note, size_t indent)
{
    if (note->own_line && format->column > 0) {
        new_line(format, indent);
    }
    put(format, note, indent);
}

static void put_chain(struct format *format, size_t from, size_t to, size_t indent);

/* { ... } that is not in one line, of a stage whose first word has this indent. */
static void put_block(struct format *format, size_t open, size_t indent)
{
    size_t close = format->tokens[open].partner;
    put(format, &format->tokens[open], indent);
    size_t from = open + 1;
    while (from < close && format->tokens[from].kind == NOTE && !format->tokens[from].own_line) {
        put(format, &format->tokens[from++], indent);
    }
    new_line(format, indent + 2);
    put_chain(format, from, close, indent + 2);
    new_line(format, indent);
    put(format, &format->tokens[close], indent);
}

/* One stage, without the bar before it. The line has `used` columns after its indent. */
static void put_stage(struct format *format, size_t from, size_t to, size_t indent, size_t used)
{
    size_t column = indent + used;
    for (size_t i = from; i < to; i++) {
        const struct token *token = &format->tokens[i];
        if (token->kind == NOTE) {
            put_note(format, token, indent + 4);
        } else if (token->kind != OPEN) {
            put(format, token, indent + 4);
            column += token->len + 1;
        } else if (column + line_width(format, i, token->partner + 1) <= COLUMNS_MAX) {
            column += line_width(format, i, token->partner + 1) + 1;
            put_all(format, i, token->partner + 1, indent + 4);
            i = token->partner;
        } else {
            put_block(format, i, indent + used);
            i = token->partner;
            column = indent + used + 2;
        }
    }
}

/* A chain [from, to), at the start of a line that is indented already. */
static void put_chain(struct format *format, size_t from, size_t to, size_t indent)
{
    if (indent + line_width(format, from, to) <= COLUMNS_MAX) {
        put_all(format, from, to, indent);
        return;
    }
    for (; from < to && format->tokens[from].kind == NOTE; from++) {
        put(format, &format->tokens[from], indent);
    }
    if (format->broken && from < to) {
        new_line(format, indent);
    }
    for (size_t i = from; i < to;) {
        bool bar = format->tokens[i].kind == BAR;
        size_t end = bar ? i + 1 : i;
        while (end < to && format->tokens[end].kind != BAR) {
            end = format->tokens[end].kind == OPEN ? format->tokens[end].partner + 1 : end + 1;
        }
        /* Comments in lines of their own before the next bar belong to the next stage. */
        size_t stop = end;
        while (stop > i && format->tokens[stop - 1].kind == NOTE &&
               format->tokens[stop - 1].own_line) {
            stop--;
        }
        if (bar) {
            new_line(format, indent + 2);
            put(format, &format->tokens[i], indent + 2);
        }
        put_stage(format, bar ? i + 1 : i, stop, bar ? indent + 2 : indent, bar ? 2 : 0);
        for (; stop < end; stop++) {
            new_line(format, indent + 2);
            put(format, &format->tokens[stop], indent + 2);
        }
        i = end;
    }
}

/* ---- the text */

/* Write lines as they are, without the spaces around them and without empty ones. */
static void put_lines(struct format *format, size_t from, size_t to)
{
    const char *text = format->text;
    while (from < to) {
        size_t end = from;
        while (end < to && text[end] != '\n') {
            end++;
        }
        size_t stop = end;
        while (from < stop && wr_plan_is_space(text[from])) {
            from++;
        }
        while (stop > from && wr_plan_is_space(text[stop - 1])) {
            stop--;
        }
        if (stop > from) {
            new_line(format, 0);
            wr_print_bytes(&format->print, text + from, stop - from);
        }
        from = end + 1;
    }
}

/* Write the option lines before the pipeline, and comments between them; returns where it
 * begins. */
static size_t put_options(struct format *format, size_t end)
{
    size_t at = 0;
    size_t begin = 0; /* of the pipeline, with the comments before it */
    for (;;) {
        while (at < end && wr_plan_is_space(format->text[at])) {
            at++;
        }
        size_t eol = at;
        while (eol < end && format->text[eol] != '\n') {
            eol++;
        }
        if (at == end || (format->text[at] != '@' && format->text[at] != '#') ||
            wr_plan_is_format(format->text + at, end - at)) {
            return begin;
        }
        if (format->text[at] == '@') {
            put_lines(format, begin, eol);
            begin = eol;
        }
        at = eol;
    }
}

static int format_all(struct format *format, struct wr_plan_span *spans, bool of_file,
                      struct wr_plan_error *error)
{
    size_t len = strlen(format->text);
    size_t count;
    size_t at = of_file ? put_options(format, len) : 0;
    if (wr_plan_split(format->clean, (struct wr_plan_span){at, len - at}, spans, &count, error) !=
        0) {
        return error->code;
    }
    read_tokens(format, at, len);
    if (format->failed != 0) {
        return wr_plan_no_memory(error);
    }
    new_line(format, 0);
    put_chain(format, 0, format->count, 0);
    return 0;
}

size_t weir_plan_format(const char *text, const char *name, char *to, size_t cap, weir_error *error)
{
    struct wr_plan_error mistake = {.code = 0};
    WR_ASSERT(text != NULL, "text is NULL");
    struct format format = {.text = text};
    struct wr_plan_span *spans = wr_alloc(WR_PLAN_STAGES_MAX * sizeof *spans);
    bool fits = strlen(text) <= WR_PLAN_TEXT_BYTES_MAX;
    format.clean = fits ? wr_strdup(text) : NULL;
    wr_print_to(&format.print, to, cap);
    if (!fits) {
        (void)wr_plan_too_long(&mistake);
    } else if (spans == NULL || format.clean == NULL) {
        (void)wr_plan_no_memory(&mistake);
    } else {
        (void)format_all(&format, spans, name != NULL, &mistake);
    }
    wr_error_clear(error);
    if (mistake.code != 0) {
        wr_plan_error_give(&mistake, text, name, error);
        wr_print_to(&format.print, to, cap);
    }
    wr_free(format.tokens);
    wr_free(format.clean);
    wr_free(spans);
    return format.print.len;
}
