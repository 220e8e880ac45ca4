/*
 * expr_fn_string.c - functions on strings: searching, cutting, letters and code points. Strings are
 * UTF-8 and places are counted in characters. What is a part of a string is not copied.
 */
#include "expr_program.h"

#include "base_error.h"
#include "codec_utf8.h"

static bool both_strings(const struct wr_value *in)
{
    return in[0].kind == WR_JSON_STRING && in[1].kind == WR_JSON_STRING;
}

static bool begins(struct wr_text text, struct wr_text with)
{
    return text.len >= with.len && memcmp(text.data, with.data, with.len) == 0;
}

static bool ends(struct wr_text text, struct wr_text with)
{
    return text.len >= with.len &&
           memcmp(text.data + (text.len - with.len), with.data, with.len) == 0;
}

/* ---- both ends */

static bool call_startswith(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    if (!both_strings(in)) {
        return wr_machine_fail(run, "startswith() requires string inputs");
    }
    *out = wr_value_bool(begins(wr_value_text(in[0]), wr_value_text(in[1])));
    return true;
}

static bool call_endswith(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    if (!both_strings(in)) {
        return wr_machine_fail(run, "endswith() requires string inputs");
    }
    *out = wr_value_bool(ends(wr_value_text(in[0]), wr_value_text(in[1])));
    return true;
}

static bool call_ltrimstr(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)run;
    *out = in[0];
    if (both_strings(in) && begins(wr_value_text(in[0]), wr_value_text(in[1]))) {
        *out = wr_value_string(in[0].as.text + in[1].len, in[0].len - in[1].len);
    }
    return true;
}

static bool call_rtrimstr(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)run;
    *out = in[0];
    if (both_strings(in) && ends(wr_value_text(in[0]), wr_value_text(in[1]))) {
        *out = wr_value_string(in[0].as.text, in[0].len - in[1].len);
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool trim(wr_machine *run, struct wr_value string, bool left, bool right,
                 struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    if (string.kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) cannot be trimmed", wr_kind_name(string),
                               wr_machine_shown(run, string, shown));
    }
    struct wr_text text = wr_value_text(string);
    for (; left && text.len > 0 && is_space(text.data[0]); text.len--) {
        text.data++;
    }
    while (right && text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    *out = wr_value_string(text.data, text.len);
    return true;
}

static bool call_trim(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return trim(run, in[0], true, true, out);
}

static bool call_ltrim(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return trim(run, in[0], true, false, out);
}

static bool call_rtrim(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return trim(run, in[0], false, true, out);
}

/* ---- cutting and joining */

static bool call_split(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return both_strings(in) ? wr_split(run, in[0], in[1], out)
                            : wr_machine_fail(run, "split input and separator must be strings");
}

static bool cannot_join(wr_machine *run, struct wr_value value)
{
    char shown[WR_SHOWN_CAP];
    return wr_machine_fail(run, "%s (%s) cannot be joined to a string", wr_kind_name(value),
                           wr_machine_shown(run, value, shown));
}

static bool call_join(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *list;
    uint32_t count;
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    if (!wr_values(run, in[0], &list, &count)) {
        return false;
    }
    bool bare = in[1].kind == WR_JSON_NULL;
    if (count > 1 && !bare && in[1].kind != WR_JSON_STRING) {
        return cannot_join(run, in[1]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && !bare) {
            wr_write_bytes(&writer, in[1].as.text, in[1].len);
        }
        if (list[i].kind == WR_JSON_STRING) {
            wr_write_bytes(&writer, list[i].as.text, list[i].len);
        } else if (list[i].kind >= WR_JSON_ARRAY) {
            return cannot_join(run, list[i]);
        } else if (list[i].kind != WR_JSON_NULL) {
            wr_write_json(&writer, list[i]);
        }
    }
    return wr_text_writer_string(&writer, out) || wr_machine_no_memory(run);
}

/* ---- places */

/* An array of numbers that grows. */
struct places {
    struct wr_value *list;
    uint32_t count, room;
};

static bool add_place(wr_machine *run, struct places *places, uint32_t at)
{
    if (places->count == places->room) {
        uint32_t room = 2 * places->room + 8;
        places->list =
            wr_arena_extend(wr_machine_arena(run), places->list,
                            places->room * sizeof *places->list, room * sizeof *places->list);
        places->room = room;
    }
    if (places->list == NULL) {
        return wr_machine_no_memory(run);
    }
    places->list[places->count++] = wr_value_integer(at);
    return true;
}

/* Where a string occurs in another one, each behind the one before. */
static bool find_strings(wr_machine *run, struct wr_text text, struct wr_text what,
                         struct places *places)
{
    const char *end = text.data + text.len;
    const char *from = text.data;
    uint32_t before = 0; /* characters in front of `from` */
    while (what.len > 0) {
        const char *found = memmem(from, (size_t)(end - from), what.data, what.len);
        if (found == NULL) {
            break;
        }
        before += wr_characters((struct wr_text){from, (size_t)(found - from)});
        if (!add_place(run, places, before)) {
            return false;
        }
        from = found + what.len;
        before += wr_characters(what);
    }
    return true;
}

/* Where elements equal to `what` stand one after another. */
static bool find_elements(wr_machine *run, const struct wr_value *list, uint32_t count,
                          const struct wr_value *what, uint32_t what_count, struct places *places)
{
    for (uint32_t i = 0; what_count > 0 && i + what_count <= count; i++) {
        int order = 0;
        for (uint32_t j = 0; j < what_count && order == 0; j++) {
            if (!wr_value_compare(wr_machine_arena(run), list[i + j], what[j], &order)) {
                return wr_machine_no_memory(run);
            }
        }
        if (order == 0 && !add_place(run, places, i)) {
            return false;
        }
    }
    return true;
}

bool wr_indices(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *list;
    const struct wr_value *what = &in[1];
    uint32_t count;
    uint32_t what_count = 1;
    struct places places = {.count = 0};
    *out = wr_value_of(WR_JSON_NULL);
    if (in[0].kind == WR_JSON_NULL) {
        return true;
    }
    if (both_strings(in)) {
        bool ok = find_strings(run, wr_value_text(in[0]), wr_value_text(in[1]), &places);
        *out = wr_value_array(places.list, places.count);
        return ok;
    }
    if (in[0].kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Cannot determine the indices of %s in %s", wr_kind_name(in[1]),
                               wr_kind_name(in[0]));
    }
    if (!wr_value_elements(wr_machine_arena(run), in[0], &list, &count) ||
        (in[1].kind == WR_JSON_ARRAY &&
         !wr_value_elements(wr_machine_arena(run), in[1], &what, &what_count))) {
        return wr_machine_no_memory(run);
    }
    bool ok = find_elements(run, list, count, what, what_count, &places);
    *out = wr_value_array(places.list, places.count);
    return ok;
}

/* ---- containment */

/* A pair that is still to be looked at: each element of `b` must be in one of `a`. */
struct pair {
    struct pair *up;
    const struct wr_value *a; /* elements, or the one value of a member */
    uint32_t a_count, a_next;
    const struct wr_value *b;
    const struct wr_member *members; /* of b, if it is an object, */
    struct wr_value object;          /* which is looked for here */
    uint32_t b_count, b_next;
    struct wr_value found;
    bool met; /* b's present element is in one of a */
};

static bool cannot_contain(wr_machine *run, struct wr_value a, struct wr_value b)
{
    char a_shown[WR_SHOWN_CAP];
    char b_shown[WR_SHOWN_CAP];
    return wr_machine_fail(run, "%s (%s) and %s (%s) cannot have their containment checked",
                           wr_kind_name(a), wr_machine_shown(run, a, a_shown), wr_kind_name(b),
                           wr_machine_shown(run, b, b_shown));
}

/* Whether b is in a, for values that are not both arrays or both objects. */
static bool contains_plain(wr_machine *run, struct wr_value a, struct wr_value b, bool *yes)
{
    int order;
    if (a.kind == WR_JSON_STRING && b.kind == WR_JSON_STRING) {
        *yes = b.len == 0 || memmem(a.as.text, a.len, b.as.text, b.len) != NULL;
        return true;
    }
    *yes = false;
    if (a.kind == b.kind) {
        if (!wr_value_compare(wr_machine_arena(run), a, b, &order)) {
            return wr_machine_no_memory(run);
        }
        *yes = order == 0;
    }
    return true;
}

static struct pair *begin_pair(wr_machine *run, struct pair *up, struct wr_value a,
                               struct wr_value b)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct pair *pair = wr_arena_alloc(arena, sizeof *pair);
    if (pair == NULL) {
        return NULL;
    }
    *pair = (struct pair){.up = up, .object = a};
    if (a.kind == WR_JSON_ARRAY) {
        return wr_value_elements(arena, a, &pair->a, &pair->a_count) &&
                       wr_value_elements(arena, b, &pair->b, &pair->b_count)
                   ? pair
                   : NULL;
    }
    const struct wr_members *object = wr_value_members(arena, b);
    if (object == NULL) {
        return NULL;
    }
    pair->members = object->members;
    pair->b_count = object->count;
    return pair;
}

/* Choose the next two values to compare. 1; 0: the pair is decided, *yes; -1: no memory. */
static int next_of_pair(wr_machine *run, struct pair *pair, struct wr_value *a, struct wr_value *b,
                        bool *yes)
{
    if (pair->met) {
        pair->met = false;
        pair->b_next++;
        pair->a_next = 0;
    }
    *yes = pair->b_next == pair->b_count;
    if (*yes) {
        return 0;
    }
    if (pair->members == NULL) {
        if (pair->a_next == pair->a_count) {
            return 0;
        }
        *a = pair->a[pair->a_next++];
        *b = pair->b[pair->b_next];
        return 1;
    }
    const struct wr_member *member = &pair->members[pair->b_next];
    if (pair->a_next++ > 0 || !wr_value_has(pair->object, wr_value_text(member->key))) {
        return 0;
    }
    *b = member->value;
    return wr_value_get(wr_machine_arena(run), pair->object, wr_value_text(member->key), a) ? 1
                                                                                            : -1;
}

static bool is_pair(struct wr_value a, struct wr_value b)
{
    return a.kind == b.kind && a.kind >= WR_JSON_ARRAY;
}

static bool call_contains(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    bool yes = false;
    if (in[0].kind != in[1].kind) {
        return cannot_contain(run, in[0], in[1]);
    }
    struct pair *pair = NULL;
    if (is_pair(in[0], in[1])) {
        pair = begin_pair(run, NULL, in[0], in[1]);
        if (pair == NULL) {
            return wr_machine_no_memory(run);
        }
    } else if (!contains_plain(run, in[0], in[1], &yes)) {
        return false;
    }
    while (pair != NULL) {
        struct wr_value a;
        struct wr_value b;
        int next = next_of_pair(run, pair, &a, &b, &yes);
        if (next == 0) {
            pair = pair->up;
            if (pair != NULL) {
                pair->met = yes;
            }
        } else if (next > 0 && is_pair(a, b)) {
            pair = begin_pair(run, pair, a, b);
            next = pair != NULL ? 1 : -1;
        } else if (next > 0 && !contains_plain(run, a, b, &pair->met)) {
            return false;
        }
        if (next < 0) {
            return wr_machine_no_memory(run);
        }
    }
    *out = wr_value_bool(yes);
    return true;
}

/* ---- letters and code points */

static bool change_case(wr_machine *run, struct wr_value string, char from, struct wr_value *out)
{
    if (string.kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s input must be a string",
                               from == 'A' ? "ascii_downcase" : "ascii_upcase");
    }
    char *made = wr_arena_alloc(wr_machine_arena(run), string.len);
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < string.len; i++) {
        char c = string.as.text[i];
        made[i] = c >= from && c <= from + 25 ? (char)(c ^ 0x20) : c;
    }
    *out = wr_value_string(made, string.len);
    return true;
}

static bool call_downcase(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return change_case(run, in[0], 'A', out);
}

static bool call_upcase(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return change_case(run, in[0], 'a', out);
}

static bool call_explode(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    if (in[0].kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "explode input must be a string");
    }
    struct wr_text text = wr_value_text(in[0]);
    uint32_t count = 0;
    struct wr_value *made =
        wr_arena_alloc(wr_machine_arena(run), wr_characters(text) * sizeof *made);
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    while (text.len > 0) {
        uint32_t code = 0;
        size_t len = wr_utf8_decode(text.data, text.len, &code);
        if (len == 0) {
            break;
        }
        made[count++] = wr_value_integer(code);
        text.data += len;
        text.len -= len;
    }
    *out = wr_value_array(made, count);
    return true;
}

static bool call_implode(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *list;
    uint32_t count;
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    if (in[0].kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "implode input must be an array");
    }
    if (!wr_value_elements(writer.arena, in[0], &list, &count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        char bytes[4];
        char shown[WR_SHOWN_CAP];
        if (list[i].kind != WR_JSON_NUMBER) {
            return wr_machine_fail(run, "%s (%s) cannot be imploded, it is not a code point",
                                   wr_kind_name(list[i]), wr_machine_shown(run, list[i], shown));
        }
        double code = wr_number_real(list[i]);
        bool valid = code >= 0 && code < 0x110000 && !(code >= 0xd800 && code < 0xe000);
        wr_write_bytes(&writer, bytes, wr_utf8_encode(valid ? (uint32_t)code : 0xfffd, bytes));
    }
    return wr_text_writer_string(&writer, out) || wr_machine_no_memory(run);
}

const struct wr_function wr_functions_string[] = {
    {"startswith", 1, .asks = true, .call = call_startswith,
     .help = "whether the string begins with this one"},
    {"endswith", 1, .asks = true, .call = call_endswith,
     .help = "whether the string ends with this one"},
    {"ltrimstr", 1, .call = call_ltrimstr, .help = "the string without this beginning"},
    {"rtrimstr", 1, .call = call_rtrimstr, .help = "the string without this end"},
    {"trim", .call = call_trim, .help = "the string without white space at both ends"},
    {"ltrim", .call = call_ltrim, .help = "the string without white space at its beginning"},
    {"rtrim", .call = call_rtrim, .help = "the string without white space at its end"},
    {"split", 1, .call = call_split, .help = "an array of the parts between separators"},
    {"join", 1, .call = call_join, .help = "the elements as one string, with a separator"},
    {"indices", 1, .call = wr_indices, .help = "all places of a string or of elements"},
    {"index", 1, .params = "s", .text = "indices(s) | .[0]", .help = "the first place"},
    {"rindex", 1, .params = "s", .text = "indices(s) | .[-1]", .help = "the last place"},
    {"contains", 1, .asks = true, .call = call_contains,
     .help = "whether the value is in the input, also as a part"},
    {"inside", 1, .asks = true, .params = "x", .text = ". as $v | x | contains($v)",
     .help = "whether the input is in the value"},
    {"ascii_downcase", .call = call_downcase, .help = "with small letters for A to Z"},
    {"ascii_upcase", .call = call_upcase, .help = "with capital letters for a to z"},
    {"explode", .call = call_explode, .help = "an array of the code points of a string"},
    {"implode", .call = call_implode, .help = "a string of an array of code points"},
    {"ascii", .text = "[.] | implode", .help = "the character of a code point"},
    {.name = NULL},
};
