/*
 * plan_args.c - reads the arguments of one component, by its descriptor, into its own struct.
 *
 * Each word after the name is the first of these that applies: a block, when the component takes
 * one here; NAME=value, when the word has this form (then the component must have that argument); a
 * flag; the keyword of an argument, followed by its value; the value of the next positional
 * argument that has its form. An optional positional argument that does not match is skipped.
 * Nothing is guessed: a word that is left over is an error that points at it. Values are converted
 * here, so a component is never opened with an invalid one.
 */
#include "plan_value.h"

#include <string.h>

#include "base_error.h"
#include "expr_tree.h"

static const char *const on_error_choices[] = {"skip", "stop", "dead", NULL};

/* The argument that every component that may reject has besides its own. */
static const weir_arg on_error_arg = {.name = "on-error",
                                      .form = WEIR_FORM_NAMED,
                                      .type = WEIR_ARGTYPE_CHOICE,
                                      .choices = on_error_choices,
                                      .help = "what to do with an item that it rejects"};

size_t wr_plan_args_count(const weir_component *component)
{
    return component->args_count + ((component->traits & WEIR_TRAIT_REJECTS) != 0);
}

const weir_arg *wr_plan_arg(const weir_component *component, size_t index)
{
    return index < component->args_count ? &component->args[index] : &on_error_arg;
}

void *wr_plan_field(const struct wr_plan_step *step, size_t index)
{
    struct wr_plan_step *mine = (struct wr_plan_step *)(uintptr_t)step;
    return index < step->component->args_count
               ? (char *)step->args + step->component->args[index].offset
               : (void *)&mine->on_error;
}

static int as_in(struct wr_plan_args *args)
{
    const char *example = args->component->example;
    return example != NULL ? wr_plan_hint(&args->reading->error, "as in %s", example)
                           : args->reading->error.code;
}

/* Report that a field is missing where a name may stand without its dot. */
static int field_missing(struct wr_plan_args *args, size_t at)
{
    const char *word = args->reading->clean + at;
    size_t len = 0;
    while (wr_is_name_byte(word[len], len == 0)) {
        len++;
    }
    (void)wr_plan_args_fail(args, (struct wr_plan_span){at, WR_MAX(len, (size_t)1)},
                            "a field is missing: a field begins with a dot, as in .user");
    return len > 0 ? wr_plan_hint(&args->reading->error, "write .%.*s",
                                  (int)WR_MIN(len, (size_t)WR_PLAN_SHOWN_MAX), word)
                   : args->reading->error.code;
}

/* Read the paths of a FIELDS argument: .a, .b.c or .a .b.c */
static int read_fields(struct wr_plan_args *args, const weir_arg *arg, void *field)
{
    const char *clean = args->reading->clean;
    size_t found = 0;
    for (;;) {
        size_t from = args->at;
        while (from < args->end && (wr_plan_is_space(clean[from]) || clean[from] == ',')) {
            from++;
        }
        size_t to = from;
        while (to < args->end && clean[from] == '.' && clean[to] != ',' &&
               !wr_plan_is_space(clean[to])) {
            to = strchr("\"`'([{", clean[to]) != NULL ? wr_plan_skip(clean, to, args->end) : to + 1;
        }
        if (to == from) {
            return found > 0 ? 0 : field_missing(args, WR_MIN(from, args->end));
        }
        struct wr_plan_token token = {.value = {from, to - from}};
        int rc = wr_plan_value_put(args, arg, field, wr_plan_token_text(args->reading, &token));
        if (rc != 0) {
            return rc;
        }
        found++;
        args->at = to;
    }
}

/* Read the value at args->at of an argument that was named. */
static int read_given(struct wr_plan_args *args, size_t index, struct wr_plan_token *token)
{
    const weir_arg *arg = wr_plan_arg(args->component, index);
    bool fits;
    if (args->step->arg_spans[index].len > 0 && (arg->flags & WEIR_ARG_REPEATS) == 0) {
        return wr_plan_args_fail(args, token->all, "'%s' is given twice", arg->name);
    }
    args->step->arg_spans[index] = token->value;
    if (wr_plan_value_read(args, arg, token, wr_plan_field(args->step, index), &fits) == 0 &&
        !fits) {
        return wr_plan_value_wrong(args, arg, token);
    }
    return args->reading->error.code;
}

static int read_named(struct wr_plan_args *args, struct wr_plan_token *token)
{
    const char *name = args->reading->clean + token->name.at;
    const weir_arg *other = NULL; /* of this name, but in another form */
    struct wr_guess guess;
    wr_guess_init(&guess, name, token->name.len);
    for (size_t i = 0; i < wr_plan_args_count(args->component); i++) {
        const weir_arg *arg = wr_plan_arg(args->component, i);
        bool same =
            strlen(arg->name) == token->name.len && memcmp(arg->name, name, token->name.len) == 0;
        if (same && arg->form == WEIR_FORM_NAMED) {
            return read_given(args, i, token);
        }
        if (same && (arg->form == WEIR_FORM_FLAG || arg->form == WEIR_FORM_KEYWORD)) {
            other = arg;
        } else if (arg->form == WEIR_FORM_NAMED) {
            wr_guess_offer(&guess, arg->name);
        }
    }
    (void)wr_plan_fail(&args->reading->error, token->name, "%s has no argument '%.*s'",
                       args->component->name,
                       (int)WR_MIN(token->name.len, (size_t)WR_PLAN_SHOWN_MAX), name);
    if (other != NULL) {
        return wr_plan_hint(&args->reading->error, "write '%s%s'", other->name,
                            other->form == WEIR_FORM_FLAG ? "" : " VALUE");
    }
    return guess.best != NULL
               ? wr_plan_hint(&args->reading->error, "did you mean '%s'?", guess.best)
               : wr_plan_hint(&args->reading->error, "if this is a value, quote it");
}

/* Add a hint how to write a time or a size that is wrong, or has no name. False: it is none. */
static bool hint_unit(struct wr_plan_args *args, const weir_arg *arg, bool given, const char *word,
                      size_t len)
{
    struct wr_plan_error *error = &args->reading->error;
    struct wr_unit_meant meant;
    int shown = (int)WR_MIN(len, (size_t)WR_PLAN_SHOWN_MAX);
    int64_t ms;
    bool keyword = arg->form == WEIR_FORM_KEYWORD, named = arg->form == WEIR_FORM_NAMED;
    if (keyword && arg->type == WEIR_ARGTYPE_TIME && wr_plan_time_read(word, len, &ms) == 0) {
        (void)wr_plan_hint(error, "write '%s %.*s'", arg->name, shown, word);
    } else if (given) {
        return false;
    } else if (arg->type == WEIR_ARGTYPE_SIZE && wr_plan_is_bare_number(word, len)) {
        (void)wr_plan_hint(error, "a size has a unit: %.*sKiB or %.*sB", shown, word, shown, word);
    } else if (wr_plan_unit_meant(arg, word, len, &meant)) {
        (void)wr_plan_hint(error, "write '%s%s%s'", keyword || named ? arg->name : "",
                           keyword ? " "
                           : named ? "="
                                   : "",
                           meant.text);
    }
    return error->hint[0] != '\0';
}

/* Add a hint how to write a choice, a time or a size that was written without its name. */
static int hint_name(struct wr_plan_args *args, const struct wr_plan_token *token)
{
    struct wr_plan_error *error = &args->reading->error;
    const char *word = args->reading->clean + token->all.at;
    int len = (int)WR_MIN(token->all.len, (size_t)WR_PLAN_SHOWN_MAX);
    for (size_t i = 0; i < wr_plan_args_count(args->component) && !token->quoted; i++) {
        const weir_arg *arg = wr_plan_arg(args->component, i);
        if (hint_unit(args, arg, args->step->arg_spans[i].len > 0, word, token->all.len)) {
            return error->code;
        }
        for (size_t j = 0; arg->type == WEIR_ARGTYPE_CHOICE && arg->choices[j] != NULL; j++) {
            if (strlen(arg->choices[j]) == token->all.len &&
                memcmp(arg->choices[j], word, token->all.len) == 0) {
                return arg->form == WEIR_FORM_POSITIONAL
                           ? wr_plan_hint(error, "%s is given already", arg->name)
                           : wr_plan_hint(error, "write '%s%s%.*s'", arg->name,
                                          arg->form == WEIR_FORM_NAMED ? "=" : " ", len, word);
            }
        }
    }
    return error->code;
}

/* Whether a block needs its name as a keyword before it: else { ... } */
static bool has_keyword(const weir_arg *arg)
{
    return arg->form == WEIR_FORM_BLOCK && arg->name[0] >= 'a' && arg->name[0] <= 'z';
}

/* Add a hint that a word such as -i was taken for a text. */
static int hint_option(struct wr_plan_args *args, const weir_arg *first)
{
    struct wr_plan_error *error = &args->reading->error;
    if (first == NULL || first->type != WEIR_ARGTYPE_TEXT || args->step->arg_spans[0].len < 2) {
        return error->code;
    }
    struct wr_plan_span taken = args->step->arg_spans[0];
    const char *word = args->reading->clean + taken.at;
    return word[0] != '-'
               ? error->code
               : wr_plan_hint(error, "%s has no option '%.*s', and takes it as the %s",
                              args->component->name,
                              (int)WR_MIN(taken.len, (size_t)WR_PLAN_SHOWN_MAX), word, first->name);
}

/* Add a hint to what does not continue an expression: an operator of another language, a second
 * assignment, .0 for an index, or a function that was written between its values. */
static void hint_expression(struct wr_plan_args *args, const struct wr_plan_token *token)
{
    struct wr_plan_error *error = &args->reading->error;
    const char *clean = args->reading->clean;
    struct wr_text word = {clean + token->all.at, token->all.len};
    struct wr_plan_span left = args->step->arg_spans[0];
    const char *meant = wr_expr_translated(word);
    size_t digits = 0;
    while (digits + 1 < word.len && word.data[digits + 1] >= '0' && word.data[digits + 1] <= '9') {
        digits++;
    }
    bool assigns = word.len > 0 && word.data[word.len - 1] == '=' && word.len <= 3;
    if (meant != NULL) {
        (void)wr_plan_hint(error, "write '%s'", meant);
    } else if (word.len == 2 && memcmp(word.data, "!~", 2) == 0) {
        (void)wr_plan_hint(error, "write not %.*s =~ ...",
                           (int)WR_MIN(left.len, (size_t)WR_PLAN_SHOWN_MAX), clean + left.at);
    } else if (assigns && (args->component->args[0].flags & WEIR_ARG_ASSIGNS) != 0) {
        (void)wr_plan_hint(error, "one assignment each: %s .a = 1 | %s .b = 2",
                           args->component->name, args->component->name);
    } else if (digits > 0 && digits + 1 == word.len && word.data[0] == '.') {
        (void)wr_plan_hint(error, "an element of an array is [%.*s]", (int)digits, word.data + 1);
    } else if (wr_expr_is_function(word, true) && left.len > 0) {
        (void)wr_plan_hint(error, "write (%.*s | %.*s(...))",
                           (int)WR_MIN(left.len, (size_t)WR_PLAN_SHOWN_MAX), clean + left.at,
                           (int)word.len, word.data);
    }
}

/* Report a word that no argument takes, with a guess at the intended word. */
static int too_many(struct wr_plan_args *args, const struct wr_plan_token *token)
{
    struct wr_plan_error *error = &args->reading->error;
    const weir_arg *first =
        wr_plan_args_count(args->component) > 0 ? wr_plan_arg(args->component, 0) : NULL;
    const char *word = args->reading->clean + token->all.at;
    (void)wr_plan_args_fail(args, token->all, "unexpected argument '%.*s'",
                            (int)WR_MIN(token->all.len, (size_t)WR_PLAN_SHOWN_MAX), word);
    if (word[0] == '>') {
        return wr_plan_hint(error, "to write a file: | %s PATH",
                            wr_plan_find_scheme(WEIR_KIND_SINK, "/", 1)->name);
    }
    for (size_t i = 0; i < args->component->args_count && word[0] == '{'; i++) {
        if (has_keyword(&args->component->args[i])) {
            return wr_plan_hint(error, "write '%s { ... }'", args->component->args[i].name);
        }
    }
    if (first != NULL && first->type == WEIR_ARGTYPE_EXPR) {
        hint_expression(args, token);
    }
    size_t dashes = strspn(word, "-");
    for (size_t i = 0; i < wr_plan_args_count(args->component); i++) {
        const weir_arg *arg = wr_plan_arg(args->component, i);
        if (strlen(arg->name) == token->all.len - dashes &&
            memcmp(arg->name, word + dashes, token->all.len - dashes) == 0) {
            return wr_plan_hint(error, "write '%s%s'", arg->name,
                                arg->form == WEIR_FORM_NAMED ? "=..." : "");
        }
    }
    (void)hint_option(args, first);
    (void)hint_name(args, token);
    if (first != NULL && first->type == WEIR_ARGTYPE_URL) {
        return wr_plan_hint(error, "a URL ends at the first space; a stage begins with |");
    }
    if (first != NULL && first->form == WEIR_FORM_POSITIONAL && first->type >= WEIR_ARGTYPE_TEXT &&
        first->type <= WEIR_ARGTYPE_ADDRESS) {
        return wr_plan_hint(error, "quote a %s with spaces", first->name);
    }
    return error->code;
}

/* Read a block whose brackets are at args->at. */
static int read_block(struct wr_plan_args *args, size_t index, struct wr_plan_span inside)
{
    const weir_arg *arg = wr_plan_arg(args->component, index);
    struct wr_plan_span block = {inside.at - 1, inside.len + 2};
    size_t at = inside.at;
    while (at < inside.at + inside.len && wr_plan_is_space(args->reading->clean[at])) {
        at++;
    }
    if (at == inside.at + inside.len) {
        return wr_plan_args_fail(args, block, "the block is empty");
    }
    struct weir_chain *chain = wr_plan_alloc(args->reading, sizeof *chain);
    if (chain == NULL) {
        return args->reading->error.code;
    }
    args->step->arg_spans[index] = block;
    args->at = inside.at + inside.len + 1;
    if (wr_plan_chain_read(args->reading, inside, wr_plan_place_of(arg), chain) != 0) {
        return args->reading->error.code;
    }
    return wr_plan_value_put(args, arg, wr_plan_field(args->step, index), chain);
}

/* The argument that takes a block without a keyword here; args_count: none. */
static size_t block_here(const struct wr_plan_args *args)
{
    for (size_t i = 0; i < args->component->args_count; i++) {
        const weir_arg *arg = &args->component->args[i];
        if (arg->form == WEIR_FORM_BLOCK && !has_keyword(arg) &&
            (args->step->arg_spans[i].len == 0 || (arg->flags & WEIR_ARG_REPEATS) != 0)) {
            return i;
        }
    }
    return args->component->args_count;
}

/* The flag or keyword argument of this name; the count of arguments: none. */
static size_t find_keyword(const weir_component *component, const char *word, size_t len)
{
    size_t count = wr_plan_args_count(component);
    for (size_t i = 0; i < count; i++) {
        const weir_arg *arg = wr_plan_arg(component, i);
        if ((arg->form == WEIR_FORM_KEYWORD || arg->form == WEIR_FORM_FLAG || has_keyword(arg)) &&
            strlen(arg->name) == len && memcmp(arg->name, word, len) == 0) {
            return i;
        }
    }
    return count;
}

/* Whether a keyword, a named argument or a block of the component begins at `at`. It ends an
 * expression before it. */
static bool ends_expr(const struct wr_plan_reading *reading, const weir_component *component,
                      size_t at, size_t end)
{
    const char *clean = reading->clean;
    struct wr_plan_span inside;
    struct wr_plan_token token;
    struct wr_plan_error none = {.code = 0};
    size_t i = at;
    if (wr_plan_block_at(clean, at, end, &inside)) {
        for (size_t j = 0; j < component->args_count; j++) {
            if (component->args[j].form == WEIR_FORM_BLOCK) {
                return true;
            }
        }
        return false;
    }
    if (clean[at] < 'a' || clean[at] > 'z' ||
        wr_plan_token_next(clean, &i, end, &token, &none) != 0) {
        return false;
    }
    if (token.name.len == 0) {
        return find_keyword(component, clean + at, token.all.len) < wr_plan_args_count(component);
    }
    for (size_t j = 0; j < wr_plan_args_count(component); j++) {
        const weir_arg *arg = wr_plan_arg(component, j);
        if (arg->form == WEIR_FORM_NAMED && strlen(arg->name) == token.name.len &&
            memcmp(arg->name, clean + at, token.name.len) == 0) {
            return true;
        }
    }
    return false;
}

/* Read an expression or a list of fields, which may have several words. */
static int read_long(struct wr_plan_args *args, size_t index)
{
    const weir_arg *arg = wr_plan_arg(args->component, index);
    void *field = wr_plan_field(args->step, index);
    size_t from = args->at;
    while (from < args->end && wr_plan_is_space(args->reading->clean[from])) {
        from++;
    }
    if (arg->type == WEIR_ARGTYPE_FIELDS) {
        int rc = read_fields(args, arg, field);
        args->step->arg_spans[index] = (struct wr_plan_span){from, args->at - from};
        return rc;
    }
    struct wr_plan_token token = {.quoted = false};
    if (wr_plan_expr_read(args->reading, args->step, arg, &args->at, args->end, &token.value) !=
        0) {
        return args->reading->error.code;
    }
    args->step->arg_spans[index] = token.value;
    return wr_plan_value_put(args, arg, field, wr_plan_token_text(args->reading, &token));
}

static bool is_long(const weir_arg *arg)
{
    return arg->type == WEIR_ARGTYPE_EXPR || arg->type == WEIR_ARGTYPE_FIELDS;
}

/* Read a flag, or a keyword with its value. */
static int read_keyword(struct wr_plan_args *args, size_t index, const struct wr_plan_token *word)
{
    const weir_arg *arg = wr_plan_arg(args->component, index);
    struct wr_plan_span inside;
    struct wr_plan_token value;
    if (arg->form == WEIR_FORM_FLAG) {
        args->step->arg_spans[index] = word->all;
        *(bool *)wr_plan_field(args->step, index) = true;
        return 0;
    }
    size_t at = args->at;
    while (at < args->end && wr_plan_is_space(args->reading->clean[at])) {
        at++;
    }
    if (arg->form == WEIR_FORM_BLOCK &&
        wr_plan_block_at(args->reading->clean, at, args->end, &inside)) {
        return args->step->arg_spans[index].len > 0
                   ? wr_plan_args_fail(args, word->all, "'%s' is given twice", arg->name)
                   : read_block(args, index, inside);
    }
    if (at == args->end || arg->form == WEIR_FORM_BLOCK) {
        (void)wr_plan_args_fail(args, word->all, "'%s' needs a %s", arg->name,
                                wr_plan_type_text(arg));
        return as_in(args);
    }
    if (is_long(arg)) {
        return read_long(args, index);
    }
    if (wr_plan_token_next(args->reading->clean, &args->at, args->end, &value,
                           &args->reading->error) != 0) {
        return args->reading->error.code;
    }
    return read_given(args, index, &value);
}

/* Read a word that is the value of a positional argument. */
static int read_positional(struct wr_plan_args *args, const struct wr_plan_token *token)
{
    for (; args->next < args->component->args_count; args->next++) {
        const weir_arg *arg = &args->component->args[args->next];
        bool fits;
        if (arg->form != WEIR_FORM_POSITIONAL) {
            continue;
        }
        if (wr_plan_value_read(args, arg, token, wr_plan_field(args->step, args->next), &fits) !=
            0) {
            return args->reading->error.code;
        }
        if (fits) {
            args->step->arg_spans[args->next] = token->value;
            args->next += (arg->flags & WEIR_ARG_REPEATS) == 0;
            return 0;
        }
        if ((arg->flags & WEIR_ARG_REQUIRED) != 0) {
            return wr_plan_value_wrong(args, arg, token);
        }
    }
    return too_many(args, token);
}

/* Whether the next positional argument may have several words. If so it begins here, unless one of
 * the other arguments does. */
static bool long_is_next(struct wr_plan_args *args)
{
    while (args->next < args->component->args_count &&
           args->component->args[args->next].form != WEIR_FORM_POSITIONAL) {
        args->next++;
    }
    return args->next < args->component->args_count &&
           is_long(&args->component->args[args->next]) &&
           !ends_expr(args->reading, args->component, args->at, args->end);
}

/* Read a word such as -vE: flags of one letter each, joined. False: it is none. */
static bool read_letters(struct wr_plan_args *args, const struct wr_plan_token *word)
{
    size_t count = wr_plan_args_count(args->component), found[8] = {0};
    size_t len = word->all.len;
    const char *text = args->reading->clean + word->all.at;
    if (word->quoted || len < 3 || len > 1 + sizeof found / sizeof *found || text[0] != '-') {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        const char name[] = {'-', text[i]};
        found[i - 1] = find_keyword(args->component, name, sizeof name);
        if (found[i - 1] == count ||
            wr_plan_arg(args->component, found[i - 1])->form != WEIR_FORM_FLAG) {
            return false;
        }
    }
    for (size_t i = 1; i < len; i++) {
        (void)read_keyword(args, found[i - 1], word); /* a flag has no value that may be wrong */
    }
    return true;
}

/* Read the argument at args->at, where there is no space. */
static int read_one(struct wr_plan_args *args)
{
    struct wr_plan_span inside;
    struct wr_plan_token token;
    size_t block = block_here(args);
    if (block < args->component->args_count &&
        wr_plan_block_at(args->reading->clean, args->at, args->end, &inside)) {
        return read_block(args, block, inside);
    }
    if (long_is_next(args)) {
        return read_long(args, args->next++);
    }
    if (wr_plan_token_next(args->reading->clean, &args->at, args->end, &token,
                           &args->reading->error) != 0) {
        return args->reading->error.code;
    }
    if (token.name.len > 0) {
        return read_named(args, &token);
    }
    size_t keyword =
        token.quoted
            ? wr_plan_args_count(args->component)
            : find_keyword(args->component, args->reading->clean + token.all.at, token.all.len);
    if (keyword < wr_plan_args_count(args->component)) {
        return read_keyword(args, keyword, &token);
    }
    return read_letters(args, &token) ? 0 : read_positional(args, &token);
}

/* Set the arguments that were not given to their presets. */
static int apply_presets(struct wr_plan_args *args)
{
    for (size_t i = 0; i < args->component->args_count; i++) {
        const weir_arg *arg = &args->component->args[i];
        void *field = wr_plan_field(args->step, i);
        if (arg->preset == NULL || args->step->arg_spans[i].len > 0) {
            continue;
        }
        if (wr_plan_value_preset(args, arg, field) != 0) {
            return args->reading->error.code;
        }
    }
    return 0;
}

int wr_plan_args_default(struct wr_plan_reading *reading, struct wr_plan_step *step)
{
    struct wr_plan_args args = {.reading = reading, .step = step, .component = step->component};
    step->args = wr_plan_alloc(reading, args.component->args_size + 1);
    step->arg_spans =
        wr_plan_alloc(reading, (wr_plan_args_count(args.component) + 1) * sizeof *step->arg_spans);
    return step->args != NULL && step->arg_spans != NULL ? apply_presets(&args)
                                                         : reading->error.code;
}

int wr_plan_args_read(struct wr_plan_reading *reading, struct wr_plan_step *step, size_t at)
{
    struct wr_plan_args args = {.reading = reading,
                                .step = step,
                                .component = step->component,
                                .at = at,
                                .end = step->where.at + step->where.len};
    if (wr_plan_args_default(reading, step) != 0) {
        return reading->error.code;
    }
    for (;;) {
        while (args.at < args.end && wr_plan_is_space(reading->clean[args.at])) {
            args.at++;
        }
        if (args.at == args.end) {
            break;
        }
        if (read_one(&args) != 0) {
            return reading->error.code;
        }
    }
    for (size_t i = 0; i < args.component->args_count; i++) {
        const weir_arg *arg = &args.component->args[i];
        if ((arg->flags & WEIR_ARG_REQUIRED) != 0 && step->arg_spans[i].len == 0) {
            (void)wr_plan_args_fail(&args, (struct wr_plan_span){args.end, 1}, "the %s is missing",
                                    wr_plan_type_text(arg));
            return as_in(&args);
        }
    }
    return 0;
}
