/*
 * plan_error.c - reports mistakes in a text so that the user can correct them.
 *
 * A mistake has a message, a place and a hint. Only the first one is recorded: reading stops there.
 * There are two forms: one line for a weir_error, and three lines with carets under the place.
 * Carets are counted in characters, not bytes. The user's text is first made safe for a terminal.
 * Of a long line only the part around the place is shown.
 */
#include "plan_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_guess.h"
#include "codec_secret.h"
#include "codec_utf8.h"

#define EXCERPT_COLUMNS_MAX 76u
#define EXCERPT_BEFORE 52u /* columns kept before the place when the line is cut */

int wr_plan_fail(struct wr_plan_error *error, struct wr_plan_span where, const char *format, ...)
{
    if (error->code == 0) {
        va_list args;
        error->code = WEIR_EPARSE;
        error->where = where;
        va_start(args, format);
        (void)vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
        weir_hide_secrets(error->message);
    }
    return error->code;
}

int wr_plan_hint(struct wr_plan_error *error, const char *format, ...)
{
    if (error->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(error->hint, sizeof error->hint, format, args);
        va_end(args);
        wr_secret_star(error->hint);
    }
    return error->code;
}

int wr_plan_too_long(struct wr_plan_error *error)
{
    return wr_plan_fail(error, (struct wr_plan_span){0, 1}, "the text is longer than 1 MiB");
}

int wr_plan_no_memory(struct wr_plan_error *error)
{
    (void)wr_plan_fail(error, (struct wr_plan_span){0, 0}, "out of memory");
    error->code = WEIR_ENOMEM;
    return error->code;
}

/* Length of the well-formed, printable UTF-8 character at `text`; 0: there is none. */
static size_t character_len(const char *text, size_t len)
{
    uint32_t code = 0;
    size_t bytes = wr_utf8_decode(text, len, &code);
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    return bytes > 0 && !control ? bytes : 0;
}

/* Print columns [from, to) of the text, made safe for a terminal. Returns the number of columns of
 * the whole text. */
static size_t print_columns(struct wr_print *out, const char *text, size_t len, size_t from,
                            size_t to)
{
    size_t column = 0;
    for (size_t i = 0; i < len; column++) {
        size_t whole = character_len(text + i, len - i);
        if (out != NULL && column >= from && column < to) {
            if (whole > 0) {
                wr_print_bytes(out, text + i, whole);
            } else {
                wr_print_bytes(out, text[i] == '\t' ? " " : "?", 1);
            }
        }
        i += whole > 0 ? whole : 1;
    }
    return column;
}

static void print_harmless(struct wr_print *out, const char *text)
{
    (void)print_columns(out, text, strlen(text), 0, SIZE_MAX);
}

static size_t line_number(const char *text, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    return line;
}

/* Replace the values of a secret argument by stars, wherever a word NAME=value, or NAME value for a
 * keyword, occurs in a text. */
static void hide_arg(char *text, const weir_arg *arg)
{
    size_t len = strlen(arg->name);
    char end = arg->form == WEIR_FORM_NAMED ? '=' : ' ';
    for (char *at = strstr(text, arg->name); at != NULL; at = strstr(at + len, arg->name)) {
        bool word = at == text || strchr(" \t\n|{", at[-1]) != NULL;
        if (word && at[len] == end) {
            char *value = at + len + 1;
            bool quoted = *value == '"' || *value == '`' || *value == '\'';
            const char stops[] = {quoted ? *value : ' ', quoted ? '\0' : '\n', '\0'};
            value += quoted;
            memset(value, '*', strcspn(value, stops));
        }
    }
}

void weir_hide_secrets(char *text)
{
    const weir_component *component;
    WR_GIVEN(text);
    wr_secret_star(text);
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        for (size_t j = 0; j < component->args_count; j++) {
            const weir_arg *arg = &component->args[j];
            if ((arg->flags & WEIR_ARG_SECRET) != 0 &&
                (arg->form == WEIR_FORM_NAMED || arg->form == WEIR_FORM_KEYWORD)) {
                hide_arg(text, arg);
            }
        }
    }
}

/* Print the line of the text with the mistake, and the carets under it. */
static void print_excerpt(struct wr_print *out, const struct wr_plan_error *error, const char *text)
{
    size_t at = error->where.at;
    size_t from = at;
    size_t end = at;
    while (from > 0 && text[from - 1] != '\n') {
        from--;
    }
    while (text[end] != '\0' && text[end] != '\n') {
        end++;
    }
    size_t marked = WR_MIN(error->where.len, end - at);
    size_t place = print_columns(NULL, text + from, at - from, 0, 0);
    size_t carets = WR_MAX(print_columns(NULL, text + at, marked, 0, 0), (size_t)1);
    size_t columns = print_columns(NULL, text + from, end - from, 0, 0);
    size_t first =
        columns > EXCERPT_COLUMNS_MAX && place > EXCERPT_BEFORE ? place - EXCERPT_BEFORE : 0;
    size_t last = WR_MIN(first + EXCERPT_COLUMNS_MAX, columns);

    if (columns == 0) {
        wr_printf(out, "\n  ");
        print_harmless(out, error->hint);
        return;
    }
    wr_printf(out, "\n  %s", first > 0 ? "…" : "");
    (void)print_columns(out, text + from, end - from, first, last);
    wr_printf(out, "%s\n  %s", last < columns ? "…" : "", first > 0 ? " " : "");
    for (size_t i = first; i < place; i++) {
        wr_print_bytes(out, " ", 1);
    }
    for (size_t i = place; i < place + carets && (i == place || i < last); i++) {
        wr_print_bytes(out, "^", 1);
    }
    if (error->hint[0] != '\0') {
        wr_print_bytes(out, " ", 1);
        print_harmless(out, error->hint);
    }
}

size_t wr_plan_error_print(const struct wr_plan_error *error, const char *text, const char *name,
                           char *to, size_t cap)
{
    struct wr_print out;
    wr_print_to(&out, to, cap);
    if (name != NULL && error->code == WEIR_EPARSE) {
        print_harmless(&out, name);
        wr_printf(&out, ":%zu: ", line_number(text, error->where.at));
    }
    print_harmless(&out, error->message);
    if (error->code == WEIR_EPARSE) {
        char *shown = wr_strdup(text);
        if (shown != NULL) {
            weir_hide_secrets(shown);
            print_excerpt(&out, error, shown);
            wr_free(shown);
        }
    }
    return out.len;
}

void wr_plan_error_give(const struct wr_plan_error *from, const char *text, const char *name,
                        weir_error *to)
{
    char place[160] = "";
    bool hinted = from->hint[0] != '\0';
    if (name != NULL && from->code == WEIR_EPARSE) {
        (void)snprintf(place, sizeof place, "%.120s:%zu: ", name,
                       line_number(text, from->where.at));
    }
    (void)wr_error_set(to, from->code, 0, "pipeline", "%s%s%s%s%s", place, from->message,
                       hinted ? " (" : "", from->hint, hinted ? ")" : "");
    if (to != NULL && from->code == WEIR_EPARSE) {
        to->offset = (int64_t)from->where.at;
        to->detail = from->kind;
    }
}

const char *weir_nearest(const char *word, const char *const *candidates, size_t count)
{
    WR_GIVEN(word);
    struct wr_guess guess;
    wr_guess_init(&guess, word, strlen(word));
    for (size_t i = 0; i < count; i++) {
        if (candidates[i] != NULL) {
            wr_guess_offer(&guess, candidates[i]);
        }
    }
    return guess.best;
}
