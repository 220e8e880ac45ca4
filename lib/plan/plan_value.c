/*
 * plan_value.c - reads the value of one argument: converts a word of the text by its type and
 * writes it into the component's struct.
 *
 * A number that does not have an argument's form is left for the next argument, since positional
 * arguments are distinguished by their forms. A value that has the form but is out of bounds is a
 * mistake. Texts are in the plan's memory.
 */
#include "plan_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base_error.h"
#include "base_print.h"

int wr_plan_args_fail(struct wr_plan_args *args, struct wr_plan_span where, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return wr_plan_fail(&args->reading->error, where, "%s: %s", args->component->name, text);
}

/* Append a pointer to the list of an argument that may be given several times. */
static int append(struct wr_plan_args *args, void *field, const void *value)
{
    weir_texts *texts = field; /* weir_chains has the same form */
    const void **list = wr_plan_alloc(args->reading, (texts->count + 1) * sizeof *list);
    if (list == NULL) {
        return args->reading->error.code;
    }
    if (texts->count > 0) {
        memcpy(list, texts->list, texts->count * sizeof *list);
    }
    list[texts->count++] = value;
    memcpy(&texts->list, &list, sizeof list);
    return 0;
}

/* Write a pointer to a text or a chain. */
int wr_plan_value_put(struct wr_plan_args *args, const weir_arg *arg, void *field,
                      const void *value)
{
    if (value == NULL) {
        return args->reading->error.code;
    }
    if ((arg->flags & WEIR_ARG_REPEATS) != 0 || arg->type == WEIR_ARGTYPE_FIELDS) {
        return append(args, field, value);
    }
    memcpy(field, &value, sizeof value);
    return 0;
}

static int read_choice(struct wr_plan_args *args, const weir_arg *arg, const char *text,
                       struct wr_plan_span where, void *field)
{
    struct wr_guess guess;
    char all[512];
    struct wr_print out;
    wr_guess_init(&guess, text, strlen(text));
    wr_print_to(&out, all, sizeof all);
    for (int32_t i = 0; arg->choices[i] != NULL; i++) {
        if (strcmp(text, arg->choices[i]) == 0) {
            memcpy(field, &i, sizeof i);
            return 0;
        }
        wr_guess_offer(&guess, arg->choices[i]);
        wr_printf(&out, "%s%s", i > 0 ? ", " : "", arg->choices[i]);
    }
    (void)wr_plan_args_fail(args, where, "'%.*s' is not a value of '%s'", WR_PLAN_SHOWN_MAX, text,
                            arg->name);
    return guess.best != NULL
               ? wr_plan_hint(&args->reading->error, "did you mean '%s'?", guess.best)
               : wr_plan_hint(&args->reading->error, "it is one of %s", all);
}

/* Put the component's scheme before an address, in lower case. */
static char *with_scheme(struct wr_plan_args *args, const weir_arg *arg, char *text)
{
    const char *scheme = args->component->schemes != NULL ? args->component->schemes[0] : "/";
    if (arg != args->component->args || arg->type == WEIR_ARGTYPE_URL || scheme[0] < 'a' ||
        scheme[0] > 'z') {
        return text;
    }
    size_t len = strlen(scheme);
    const char *end = scheme[len - 1] == ':' ? "" : "://";
    size_t whole = len + strlen(end);
    size_t text_len = strlen(text);
    if (strncasecmp(text, scheme, len) == 0 &&
        memcmp(text + len, end, WR_MIN(strlen(end), text_len - len)) == 0) {
        memcpy(text, scheme, len);
        return text;
    }
    char *made = wr_plan_alloc(args->reading, whole + text_len + 1);
    if (made != NULL) {
        memcpy(made, scheme, len);
        memcpy(made + len, end, whole - len);
        memcpy(made + whole, text, text_len);
    }
    return made;
}

/* Whether an address begins with a scheme that is not the component's. */
static bool has_other_scheme(const struct wr_plan_args *args, const char *text)
{
    const char *const *schemes = args->component->schemes, *sign = strstr(text, "://");
    size_t len = schemes != NULL && schemes[0] != NULL ? strlen(schemes[0]) : 0;
    return sign != NULL &&
           (len == 0 || sign != text + len || strncasecmp(text, schemes[0], len) != 0);
}

/* Read a value that is kept as text. */
static int read_text(struct wr_plan_args *args, const weir_arg *arg,
                     const struct wr_plan_token *token, void *field)
{
    struct wr_plan_token as_written = {.value = token->value};
    bool format = arg->type == WEIR_ARGTYPE_FORMAT;
    if (format && wr_plan_format_check(args->reading, args->component->name, token->value.at,
                                       token->value.at + token->value.len) != 0) {
        return args->reading->error.code;
    }
    char *text = wr_plan_token_text(args->reading, format ? &as_written : token);
    if (text == NULL) {
        return args->reading->error.code;
    }
    if (text[0] == '\0') {
        return wr_plan_args_fail(args, token->all, "the %s is empty", wr_plan_type_text(arg));
    }
    if (arg->type == WEIR_ARGTYPE_CHOICE) {
        return read_choice(args, arg, text, token->value, field);
    }
    if (arg->type == WEIR_ARGTYPE_ADDRESS &&
        (has_other_scheme(args, text) ||
         !wr_plan_address_ok(text, (arg->flags & WEIR_ARG_ANY_HOST) != 0))) {
        (void)wr_plan_args_fail(args, token->value, "'%.*s' is not a valid address",
                                WR_PLAN_SHOWN_MAX, text);
        return wr_plan_hint(&args->reading->error, "write HOST:PORT, as in %s",
                            args->component->example);
    }
    return wr_plan_value_put(args, arg, field, with_scheme(args, arg, text));
}

static int read_number(const weir_arg *arg, const char *word, size_t len, void *field)
{
    switch (arg->type) {
    case WEIR_ARGTYPE_COUNT: return wr_plan_count_read(word, len, field);
    case WEIR_ARGTYPE_SIZE: return wr_plan_size_read(word, len, field);
    case WEIR_ARGTYPE_TIME: return wr_plan_time_read(word, len, field);
    case WEIR_ARGTYPE_RATE: return wr_plan_rate_read(word, len, field);
    case WEIR_ARGTYPE_INSTANT: return wr_plan_instant_read(word, len, field);
    default: return wr_plan_range_read(word, len, field);
    }
}

static const char *unit_of(const weir_arg *arg)
{
    return arg->type == WEIR_ARGTYPE_TIME ? "ms" : arg->type == WEIR_ARGTYPE_SIZE ? "B" : "";
}

/* Refuse an empty range. */
static int check_range(struct wr_plan_args *args, const struct wr_plan_token *token,
                       const weir_range *range)
{
    if (range->last == WEIR_NONE || range->first <= range->last) {
        return 0;
    }
    (void)wr_plan_args_fail(args, token->value, "'%.*s' is an empty range", (int)token->value.len,
                            args->reading->clean + token->value.at);
    return wr_plan_hint(&args->reading->error, "write %lld..%lld", (long long)range->last,
                        (long long)range->first);
}

/* Refuse a number that is out of its bounds. */
static int check_bounds(struct wr_plan_args *args, const weir_arg *arg,
                        const struct wr_plan_token *token, int64_t value)
{
    bool low = value < arg->min;
    if (!low && (arg->max == 0 || value <= arg->max)) {
        return 0;
    }
    return wr_plan_args_fail(args, token->value, "the %s is at %s %lld%s", wr_plan_type_text(arg),
                             low ? "least" : "most", (long long)(low ? arg->min : arg->max),
                             unit_of(arg));
}

int wr_plan_value_read(struct wr_plan_args *args, const weir_arg *arg,
                       const struct wr_plan_token *token, void *field, bool *fits)
{
    const char *word = args->reading->clean + token->value.at;
    size_t len = token->value.len;
    *fits = true;
    if (arg->type >= WEIR_ARGTYPE_CHOICE) {
        return read_text(args, arg, token, field);
    }
    union {
        int64_t value;
        weir_range range;
        weir_rate rate;
    } number = {.value = 0};
    int rc = read_number(arg, word, len, &number);
    if (rc == WEIR_EINVAL) {
        *fits = false;
        return 0;
    }
    if (rc != 0) {
        return wr_plan_args_fail(args, token->value, "'%.*s' is too large",
                                 (int)WR_MIN(len, (size_t)WR_PLAN_SHOWN_MAX), word);
    }
    if (arg->type == WEIR_ARGTYPE_RANGE) {
        (void)check_range(args, token, &number.range);
    } else if (arg->type <= WEIR_ARGTYPE_TIME) {
        (void)check_bounds(args, arg, token, number.value);
    }
    memcpy(field, &number, wr_plan_type_size(arg));
    return args->reading->error.code;
}

bool wr_plan_is_bare_number(const char *word, size_t len)
{
    size_t i = 0;
    while (i < len && ((word[i] >= '0' && word[i] <= '9') || word[i] == '.')) {
        i++;
    }
    return i == len && len > 0;
}

bool wr_plan_unit_meant(const weir_arg *arg, const char *word, size_t len,
                        struct wr_unit_meant *meant)
{
    bool time = arg->type == WEIR_ARGTYPE_TIME, size = arg->type == WEIR_ARGTYPE_SIZE;
    return (time || size) &&
           wr_unit_meant((struct wr_text){word, len}, time ? WR_UNIT_TIME : WR_UNIT_SIZE, meant);
}

int wr_plan_value_wrong(struct wr_plan_args *args, const weir_arg *arg,
                        const struct wr_plan_token *token)
{
    struct wr_plan_error *error = &args->reading->error;
    const char *word = args->reading->clean + token->value.at;
    int shown = (int)WR_MIN(token->value.len, (size_t)WR_PLAN_SHOWN_MAX);
    (void)wr_plan_args_fail(args, token->value, "'%.*s' is not a valid %s", shown, word,
                            wr_plan_type_text(arg));
    struct wr_unit_meant meant;
    size_t len = token->value.len;
    bool bare = wr_plan_is_bare_number(word, len);
    if (bare && word[len] == ' ') { /* 5 min */
        for (len++; (word[len] | 0x20) >= 'a' && (word[len] | 0x20) <= 'z';) {
            len++;
        }
    }
    if (wr_plan_unit_meant(arg, word, len, &meant)) {
        return wr_plan_hint(error, "write '%s'", meant.text);
    }
    if ((arg->type == WEIR_ARGTYPE_TIME || arg->type == WEIR_ARGTYPE_SIZE) && bare) {
        bool time = arg->type == WEIR_ARGTYPE_TIME;
        return wr_plan_hint(error, "add a unit: %.*s%s or %.*s%s", shown, word, time ? "s" : "KiB",
                            shown, word, time ? "ms" : "B");
    }
    if (word[0] == '-') {
        return wr_plan_hint(error, "without a dash, as in %s", args->component->example);
    }
    return wr_plan_hint(error, "for example %s", wr_plan_type_sample(arg));
}

int wr_plan_value_preset(struct wr_plan_args *args, const weir_arg *arg, void *field)
{
    size_t len = strlen(arg->preset);
    if (arg->type == WEIR_ARGTYPE_CHOICE) {
        int32_t choice = 0;
        while (strcmp(arg->choices[choice], arg->preset) != 0) {
            choice++;
            WR_ASSERT(arg->choices[choice] != NULL,
                      "'%s' of %s has a preset that is not one of its choices", arg->name,
                      args->component->name);
        }
        memcpy(field, &choice, sizeof choice);
    } else if (arg->type > WEIR_ARGTYPE_CHOICE) {
        char *text = wr_plan_alloc(args->reading, len + 1);
        if (text == NULL) {
            return args->reading->error.code;
        }
        memcpy(text, arg->preset, len);
        memcpy(field, &text, sizeof text);
    } else {
        WR_ASSERT(read_number(arg, arg->preset, len, field) == 0,
                  "'%s' of %s has an invalid preset", arg->name, args->component->name);
    }
    return 0;
}
