/*
 * expr_fn_regex.c - functions with regular expressions: test, match, capture, scan, split, sub, gsub
 * and the operator =~. Patterns match characters, and \w, \d and \s know all scripts.
 *
 * A pattern that is written in the expression is checked when the expression is compiled. It is
 * compiled again by each run that uses it (expr_regexes.c).
 *
 * Beside jq, whose patterns are Oniguruma's, these are PCRE2's; flag l (longest match) does not
 * exist; after an empty match the search goes on at the next character, and also at the end of the
 * text; several outputs of a replacement give one result each, with all of its places replaced.
 */
#include "expr_compiling.h"
#include "expr_machine.h"

#include "base_error.h"
#include "codec_regex.h"

/* Flags of a call beside those of the pattern. */
#define GLOBAL 0x100u

/* ---- patterns and flags */

/* g: all matches; i: ignore case; x: white space and comments in the pattern; s: does nothing more;
 * n: no empty matches; p: . matches a newline as well. false: *wrong is another letter. */
static bool read_flags(struct wr_text text, uint32_t *flags, char *wrong)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case 'g': *flags |= GLOBAL; break;
        case 'i': *flags |= WR_REGEX_IGNORE_CASE; break;
        case 'x': *flags |= WR_REGEX_EXTENDED; break;
        case 'n': *flags |= WR_REGEX_NOT_EMPTY; break;
        case 'p': *flags |= WR_REGEX_DOT_ALL; break;
        case 's': break;
        default: *wrong = text.data[i]; return false;
        }
    }
    return true;
}

/* What one call looks for, and where it is. */
struct search {
    wr_machine *run;
    struct wr_regex *regex;
    struct wr_text text;
    bool global;
    size_t at;                  /* where the next search begins; above text.len: it is over */
    size_t counted, characters; /* bytes of the text whose characters have been counted */
    size_t from, to;            /* the last match */
};

/* in: the text, the pattern or [pattern, flags], flags or null. */
static bool begin_search(wr_machine *run, const struct wr_value *in, uint32_t more_flags,
                         struct search *search)
{
    struct wr_value pattern = in[1];
    struct wr_value letters = in[2];
    uint32_t flags = WR_REGEX_UTF | WR_REGEX_UNICODE | more_flags;
    char shown[WR_SHOWN_CAP];
    char wrong = '\0';
    *search = (struct search){.run = run};
    if (in[0].kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) cannot be matched, as it is not a string",
                               wr_kind_name(in[0]), wr_machine_shown(run, in[0], shown));
    }
    if (pattern.kind == WR_JSON_ARRAY && letters.kind == WR_JSON_NULL) {
        if (!wr_value_at(&run->arena, in[1], 1, &letters) ||
            !wr_value_at(&run->arena, in[1], 0, &pattern)) {
            return wr_machine_no_memory(run);
        }
    }
    if (pattern.kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) cannot be a pattern, as it is not a string",
                               wr_kind_name(pattern), wr_machine_shown(run, pattern, shown));
    }
    if (letters.kind != WR_JSON_NULL && letters.kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) is not a string of flags", wr_kind_name(letters),
                               wr_machine_shown(run, letters, shown));
    }
    if (letters.kind == WR_JSON_STRING && !read_flags(wr_value_text(letters), &flags, &wrong)) {
        struct wr_text given = wr_string_shown(letters);
        return wr_machine_fail(run, "%.*s is not a valid modifier string", (int)given.len,
                               given.data);
    }
    *search =
        (struct search){.run = run,
                        .text = wr_value_text(in[0]),
                        .global = (flags & GLOBAL) != 0,
                        .regex = wr_machine_regex(run, wr_value_text(pattern), flags & ~GLOBAL)};
    return search->regex != NULL;
}

/* The next match. 1; 0: there are no more; -1: the run has failed. */
static int next_match(struct search *search)
{
    const char *problem = "";
    struct wr_text text = search->text;
    if (search->at > text.len) {
        return 0;
    }
    int rc = wr_regex_match(search->regex, (weir_slice){text.data, text.len}, search->at,
                            WR_REGEX_ANYWHERE, &problem);
    if (rc < 0) {
        search->run->arena.full = false;
        (void)(rc == WEIR_EPARSE ? wr_machine_fail(search->run, "%s", problem)
                                 : wr_machine_no_memory(search->run));
        return -1;
    }
    if (rc == 0) {
        return 0;
    }
    (void)wr_regex_group(search->regex, 0, &search->from, &search->to);
    search->at = search->to;
    if (search->from == search->to) {
        do {
            search->at++;
        } while (search->at < text.len && ((unsigned char)text.data[search->at] & 0xc0u) == 0x80);
    }
    search->at = search->global ? search->at : text.len + 1;
    return 1;
}

/* ---- results */

/* The characters in front of a byte: counted from the last such byte, which is seldom behind it. */
static int64_t characters_before(struct search *search, size_t at)
{
    if (at < search->counted) {
        return wr_characters((struct wr_text){search->text.data, at});
    }
    search->characters +=
        wr_characters((struct wr_text){search->text.data + search->counted, at - search->counted});
    search->counted = at;
    return (int64_t)search->characters;
}

static struct wr_value string_at(const struct search *search, size_t from, size_t to)
{
    return wr_value_string(search->text.data + from, to - from);
}

/* The name of a group; null if it has none. */
static struct wr_value name_of(wr_machine *run, const struct wr_regex *regex, size_t group)
{
    struct wr_value name = wr_value_of(WR_JSON_NULL);
    for (size_t i = 0; i < wr_regex_names(regex); i++) {
        size_t number;
        weir_slice text = wr_regex_name(regex, i, &number);
        if (number == group) { /* the run may forget the pattern before its output is read */
            (void)(wr_value_copy_string(&run->arena, text.data, text.len, &name) ||
                   wr_machine_no_memory(run));
            break;
        }
    }
    return name;
}

/* Put a member whose key is a text of the program. */
static bool put(wr_machine *run, struct wr_members *object, const char *key, struct wr_value value)
{
    return wr_members_put(&run->arena, object, wr_value_string(key, strlen(key)), value) ||
           wr_machine_no_memory(run);
}

/* {"offset", "length", "string"} of bytes of the text; NULL: the run has failed. */
static struct wr_members *place_object(struct search *search, size_t from, size_t to)
{
    wr_machine *run = search->run;
    struct wr_members *object = wr_members_new(&run->arena, 4);
    struct wr_value string = string_at(search, from, to);
    if (object == NULL) {
        (void)wr_machine_no_memory(run);
        return NULL;
    }
    return put(run, object, "offset", wr_value_integer(characters_before(search, from))) &&
                   put(run, object, "length",
                       wr_value_integer(wr_characters(wr_value_text(string)))) &&
                   put(run, object, "string", string)
               ? object
               : NULL;
}

static bool capture_object(struct search *search, size_t group, struct wr_value *out)
{
    wr_machine *run = search->run;
    size_t from;
    size_t to;
    struct wr_members *object;
    if (wr_regex_group(search->regex, group, &from, &to)) {
        object = place_object(search, from, to);
    } else {
        object = wr_members_new(&run->arena, 4);
        if (object == NULL) {
            return wr_machine_no_memory(run);
        }
        object = put(run, object, "offset", wr_value_integer(-1)) &&
                         put(run, object, "string", wr_value_of(WR_JSON_NULL)) &&
                         put(run, object, "length", wr_value_integer(0))
                     ? object
                     : NULL;
    }
    *out = wr_value_object(object);
    return object != NULL && put(run, object, "name", name_of(run, search->regex, group));
}

/* What match gives: {"offset", "length", "string", "captures"}. */
static bool match_object(struct search *search, struct wr_value *out)
{
    size_t groups = wr_regex_groups(search->regex);
    struct wr_value *captures = wr_arena_alloc(&search->run->arena, groups * sizeof *captures);
    struct wr_members *object = place_object(search, search->from, search->to);
    if (captures == NULL) {
        return wr_machine_no_memory(search->run);
    }
    for (size_t i = 0; object != NULL && i < groups; i++) {
        if (!capture_object(search, i + 1, &captures[i])) {
            return false;
        }
    }
    *out = wr_value_object(object);
    return object != NULL && put(search->run, object, "captures", wr_value_array(captures, groups));
}

/* What capture gives: the named groups. */
static bool names_object(struct search *search, struct wr_value *out)
{
    wr_machine *run = search->run;
    size_t count = wr_regex_names(search->regex);
    struct wr_members *object = wr_members_new(&run->arena, (uint32_t)count);
    *out = wr_value_object(object);
    if (object == NULL) {
        return wr_machine_no_memory(run);
    }
    for (size_t i = 0; i < count; i++) {
        size_t group;
        size_t from;
        size_t to;
        struct wr_value key;
        weir_slice name = wr_regex_name(search->regex, i, &group);
        struct wr_value value = wr_regex_group(search->regex, group, &from, &to)
                                    ? string_at(search, from, to)
                                    : wr_value_of(WR_JSON_NULL);
        if (!wr_value_copy_string(&run->arena, name.data, name.len, &key) ||
            !wr_members_put(&run->arena, object, key, value)) {
            return wr_machine_no_memory(run);
        }
    }
    return true;
}

/* What scan gives: the match, or an array of its groups. */
static bool scan_value(struct search *search, struct wr_value *out)
{
    size_t groups = wr_regex_groups(search->regex);
    *out = string_at(search, search->from, search->to);
    if (groups == 0) {
        return true;
    }
    struct wr_value *made = wr_arena_alloc(&search->run->arena, groups * sizeof *made);
    if (made == NULL) {
        return wr_machine_no_memory(search->run);
    }
    for (size_t i = 0; i < groups; i++) {
        size_t from;
        size_t to;
        made[i] = wr_regex_group(search->regex, i + 1, &from, &to) ? string_at(search, from, to)
                                                                   : wr_value_of(WR_JSON_NULL);
    }
    *out = wr_value_array(made, groups);
    return true;
}

/* [match, names]: what sub needs of a match. */
static bool edit_value(struct search *search, struct wr_value *out)
{
    struct wr_value *pair = wr_arena_alloc(&search->run->arena, 3 * sizeof *pair);
    if (pair == NULL) {
        return wr_machine_no_memory(search->run);
    }
    pair[0] = wr_value_integer((int64_t)search->from);
    pair[1] = wr_value_integer((int64_t)search->to);
    *out = wr_value_array(pair, 3);
    return names_object(search, &pair[2]);
}

/* An array that grows. */
struct list {
    struct wr_value *values;
    uint32_t count, room;
};

static bool append(wr_machine *run, struct list *list, struct wr_value value)
{
    if (list->count == list->room) {
        uint32_t room = 2 * list->room + 4;
        list->values = wr_arena_extend(&run->arena, list->values, list->room * sizeof *list->values,
                                       room * sizeof *list->values);
        list->room = room;
    }
    if (list->values == NULL) {
        return wr_machine_no_memory(run);
    }
    list->values[list->count++] = value;
    return true;
}

/* An array of one value for each match. */
static bool all_matches(wr_machine *run, const struct wr_value *in, uint32_t flags,
                        bool (*value_of)(struct search *search, struct wr_value *out),
                        struct wr_value *out)
{
    struct search search;
    struct list list = {.count = 0};
    int rc;
    if (!begin_search(run, in, flags, &search)) {
        return false;
    }
    while ((rc = next_match(&search)) > 0) {
        struct wr_value value;
        if (!value_of(&search, &value) || !append(run, &list, value)) {
            return false;
        }
    }
    *out = wr_value_array(list.values, list.count);
    return rc == 0;
}

/* ---- functions */

static bool test(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct search search;
    int rc = begin_search(run, in, 0, &search) ? next_match(&search) : -1;
    *out = wr_value_bool(rc > 0);
    return rc >= 0;
}

static bool call_test(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value all[] = {in[0], in[1], wr_value_of(WR_JSON_NULL)};
    return test(run, all, out);
}

static bool call_match(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return all_matches(run, in, 0, match_object, out);
}

static bool call_capture(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return all_matches(run, in, 0, names_object, out);
}

static bool call_scan(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return all_matches(run, in, GLOBAL, scan_value, out);
}

static bool call_edits(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return all_matches(run, in, 0, edit_value, out);
}

static bool call_split(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct search search;
    struct list list = {.count = 0};
    size_t from = 0;
    int rc;
    if (!begin_search(run, in, GLOBAL, &search)) {
        return false;
    }
    while ((rc = next_match(&search)) > 0) {
        if (!append(run, &list, string_at(&search, from, search.from))) {
            return false;
        }
        from = search.to;
    }
    bool ok = rc == 0 && append(run, &list, string_at(&search, from, search.text.len));
    *out = wr_value_array(list.values, list.count);
    return ok;
}

/* Write one result of sub: the index-th output for each match. false: the run has failed. */
static bool write_result(wr_machine *run, struct wr_value text, const struct wr_value *edits,
                         const struct wr_value *outputs, uint32_t count, uint32_t index,
                         struct list *results)
{
    struct wr_text_writer writer = {.arena = &run->arena};
    struct wr_value string;
    char shown[WR_SHOWN_CAP];
    size_t at = 0;
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct wr_value *edit = edits[i].as.array;
        if (index >= outputs[i].len) {
            continue;
        }
        struct wr_value put = outputs[i].as.array[index];
        if (put.kind != WR_JSON_STRING) {
            return wr_machine_fail(run, "%s (%s) cannot be added to a string", wr_kind_name(put),
                                   wr_machine_shown(run, put, shown));
        }
        wr_write_bytes(&writer, text.as.text + at, (size_t)edit[0].as.integer - at);
        wr_write_bytes(&writer, put.as.text, put.len);
        at = (size_t)edit[1].as.integer;
        any = true;
    }
    if (!any) {
        return true;
    }
    wr_write_bytes(&writer, text.as.text + at, text.len - at);
    return wr_text_writer_string(&writer, &string) ? append(run, results, string)
                                                   : wr_machine_no_memory(run);
}

/* _replaced(edits; outputs): outputs has an array of replacements for each edit. */
static bool call_replaced(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *edits;
    const struct wr_value *outputs;
    uint32_t count;
    struct list results = {.count = 0};
    uint32_t most = 0;
    if (!wr_value_elements(&run->arena, in[1], &edits, &count) ||
        !wr_value_elements(&run->arena, in[2], &outputs, &count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        most = WR_MAX(most, outputs[i].len);
    }
    for (uint32_t i = 0; i < most; i++) {
        if (!write_result(run, in[0], edits, outputs, count, i, &results)) {
            return false;
        }
    }
    bool ok = results.count > 0 || append(run, &results, in[0]);
    *out = wr_value_array(results.values, results.count);
    return ok;
}

/* ---- compiling */

/* A pattern and flags that are written in the expression must be right. */
static bool check_constants(struct wr_compiling *compiling, const struct wr_node *pattern,
                            const struct wr_node *letters)
{
    uint32_t flags = WR_REGEX_UTF | WR_REGEX_UNICODE;
    char wrong = '\0';
    int code;
    struct wr_regex_mistake mistake;
    if (letters != NULL && letters->kind == WR_NODE_LITERAL &&
        letters->literal.kind == WR_JSON_STRING &&
        !read_flags(wr_value_text(letters->literal), &flags, &wrong)) {
        return wr_compile_fail(compiling, letters,
                               "there is no flag '%c' of regular expressions, only g, i, n, p, s "
                               "and x",
                               wrong);
    }
    if (pattern->kind != WR_NODE_LITERAL || pattern->literal.kind != WR_JSON_STRING) {
        return true;
    }
    struct wr_text text = wr_value_text(pattern->literal);
    struct wr_regex *regex =
        wr_regex_new((weir_slice){text.data, text.len}, flags & ~GLOBAL, &code, &mistake);
    wr_regex_free(regex);
    if (regex == NULL && code == WEIR_EPARSE) {
        return wr_compile_fail(compiling, pattern, "in the regular expression, at byte %zu: %s",
                               mistake.at + 1, mistake.problem);
    }
    return regex != NULL || wr_compile_no_memory(compiling);
}

bool wr_check_pattern(struct wr_compiling *compiling, const struct wr_node *pattern)
{
    return check_constants(compiling, pattern, NULL);
}

/* (pattern; ...) */
static bool check_first(struct wr_compiling *compiling, const struct wr_node *call)
{
    return wr_check_pattern(compiling, call->first);
}

/* (pattern; flags) */
static bool check_call(struct wr_compiling *compiling, const struct wr_node *call)
{
    return check_constants(compiling, call->first, call->first->next);
}

/* (pattern; replacement; flags) */
static bool check_sub(struct wr_compiling *compiling, const struct wr_node *call)
{
    return check_constants(compiling, call->first, call->first->next->next);
}

const struct wr_function wr_functions_regex[] = {
    {"test", 1, .asks = true, .check = check_call, .call = call_test,
     .help = "whether the pattern matches"},
    {"test", 2, .asks = true, .check = check_call, .call = test,
     .help = "whether the pattern matches, with flags"},
    {"match", 1, .check = check_call, .params = "r", .text = "_match(r; null) | .[]",
     .help = "the place, text and groups of the first match"},
    {"match", 2, .check = check_call, .params = "rf", .text = "_match(r; f) | .[]",
     .help = "matches, with flags; g: of all matches"},
    {"capture", 1, .check = check_call, .params = "r", .text = "_capture(r; null) | .[]",
     .help = "an object of the named groups of the first match"},
    {"capture", 2, .check = check_call, .params = "rf", .text = "_capture(r; f) | .[]",
     .help = "objects of named groups, with flags"},
    {"scan", 1, .check = check_call, .params = "r", .text = "_scan(r; null) | .[]",
     .help = "all matches, or arrays of their groups"},
    {"scan", 2, .check = check_call, .params = "rf", .text = "_scan(r; f) | .[]",
     .help = "all matches, with flags"},
    {"split", 2, .check = check_call, .call = call_split,
     .help = "an array of the parts between matches, with flags"},
    {"splits", 1, .check = check_call, .params = "r", .text = "split(r; null) | .[]",
     .help = "the parts between matches"},
    {"splits", 2, .check = check_call, .params = "rf", .text = "split(r; f) | .[]",
     .help = "the parts between matches, with flags"},
    {"sub", 2, .check = check_first, .params = "rs", .text = "sub(r; s; \"\")",
     .help = "with s in place of the first match; in s, . has the named groups"},
    {"sub", 3, .check = check_sub, .params = "rsf",
     .text = "_edits(r; f) as $e | _replaced($e; [$e[] | .[2] | [s]]) | .[]",
     .help = "with s in place of matches, with flags"},
    {"gsub", 2, .check = check_first, .params = "rs", .text = "sub(r; s; \"g\")",
     .help = "with s in place of all matches; in s, . has the named groups"},
    {"gsub", 3, .check = check_sub, .params = "rsf", .text = "sub(r; s; f + \"g\")",
     .help = "with s in place of all matches, with flags"},
    {"_match", 2, .call = call_match},
    {"_capture", 2, .call = call_capture},
    {"_scan", 2, .call = call_scan},
    {"_edits", 2, .call = call_edits},
    {"_replaced", 2, .call = call_replaced},
    {.name = NULL},
};
