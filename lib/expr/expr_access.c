/*
 * expr_access.c - looking into values, and the operators between two values, with jq's meaning and
 * jq's messages.
 */
#include "expr_machine.h"

#include <math.h>
#include <stdlib.h>

#include "base_error.h"
#include "codec_utf8.h"

const char *wr_kind_name(struct wr_value value)
{
    static const char *const names[] = {"null",   "boolean", "boolean", "number",
                                        "string", "array",   "object"};
    return names[value.kind];
}

const char *wr_machine_shown(wr_machine *run, struct wr_value value, char to[WR_SHOWN_CAP])
{
    if (value.mark == WR_VALUE_SECRET) {
        memcpy(to, "***", 4);
        return to;
    }
    struct wr_arena_mark mark = wr_arena_mark(wr_machine_arena(run));
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    wr_write_json(&writer, value);
    size_t len = WR_MIN(writer.len, (size_t)11);
    len = writer.len > 11 ? wr_utf8_valid_bytes(writer.data, len) : len;
    if (len > 0) {
        memcpy(to, writer.data, len);
    }
    memcpy(to + len, "...", 4);
    to[len] = writer.len > 11 ? '.' : '\0';
    wr_arena_back(wr_machine_arena(run), mark);
    return to;
}

struct wr_text wr_string_shown(struct wr_value string)
{
    return string.mark == WR_VALUE_SECRET
               ? wr_text_of("***")
               : (struct wr_text){string.as.text, WR_MIN(string.len, 60u)};
}

static bool cannot_index(wr_machine *run, struct wr_value of, struct wr_value key)
{
    struct wr_text name = key.kind == WR_JSON_STRING ? wr_string_shown(key) : wr_text_of("");
    return key.kind == WR_JSON_STRING ? wr_machine_fail(run, "Cannot index %s with \"%.*s\"",
                                                        wr_kind_name(of), (int)name.len, name.data)
                                      : wr_machine_fail(run, "Cannot index %s with %s",
                                                        wr_kind_name(of), wr_kind_name(key));
}

void wr_machine_work(wr_machine *run, struct wr_value value)
{
    enum { PER_STEP = 16 };
    if (value.kind == WR_JSON_ARRAY || value.kind == WR_JSON_OBJECT) {
        run->steps += (value.form == WR_FORM_NODE    ? value.as.json->to[value.len] - value.len
                       : value.kind == WR_JSON_ARRAY ? value.len
                                                     : value.as.object->count) /
                      PER_STEP;
    }
}

enum { LARGE_TOKENS = 256 }; /* a container that is searched in less time than a table is found */

struct wr_value wr_machine_table(wr_machine *run, struct wr_value of)
{
    if (of.kind < WR_JSON_ARRAY || of.form != WR_FORM_NODE || of.as.json != run->document ||
        of.as.json->to[of.len] - of.len < LARGE_TOKENS) {
        return of;
    }
    struct wr_arena *arena = &run->tables_arena;
    struct wr_text name = {(const char *)&of.as.json->at[of.len], sizeof of.as.json->at[of.len]};
    struct wr_value key = wr_value_string(name.data, name.len);
    struct wr_value table;
    run->tables = run->tables != NULL ? run->tables : wr_members_new(arena, 1);
    if (run->tables == NULL || !wr_value_get(arena, wr_value_object(run->tables), name, &table)) {
        return of;
    }
    if (table.kind >= WR_JSON_ARRAY) {
        return table;
    }
    /* The first look is noted. Where there is no memory, false is noted: it is searched each time. */
    struct wr_value note = wr_value_bool(table.kind == WR_JSON_NULL);
    if (table.kind == WR_JSON_TRUE) {
        const struct wr_members *members;
        const struct wr_value *elements;
        uint32_t count;
        if (of.kind == WR_JSON_OBJECT && (members = wr_value_members(arena, of)) != NULL) {
            note = wr_value_object(members);
        } else if (of.kind == WR_JSON_ARRAY && wr_value_elements(arena, of, &elements, &count)) {
            note = wr_value_array(elements, count);
        }
    }
    (void)wr_members_put(arena, run->tables, key, note);
    return note.kind >= WR_JSON_ARRAY ? note : of;
}

bool wr_index(wr_machine *run, struct wr_value of, struct wr_value key, struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value from;
    struct wr_value to;
    of = wr_machine_table(run, of);
    if (of.kind >= WR_JSON_ARRAY && of.form == WR_FORM_NODE) { /* it is searched */
        wr_machine_work(run, of);
    }
    if (of.kind == WR_JSON_OBJECT && key.kind == WR_JSON_STRING) {
        return wr_value_get(arena, of, wr_value_text(key), result) || wr_machine_no_memory(run);
    }
    if (of.kind == WR_JSON_ARRAY && key.kind == WR_JSON_NUMBER) {
        double real = wr_number_real(key);
        int64_t index = real > -1e15 && real < 1e15 ? (int64_t)real : -1;
        uint32_t count = 0;
        if (real < 0 && real > -1e15 && wr_value_count(arena, of, &count)) {
            index += count;
        }
        return wr_value_at(arena, of, index, result) || wr_machine_no_memory(run);
    }
    if (key.kind == WR_JSON_OBJECT && of.kind != WR_JSON_OBJECT) {
        return wr_value_get(arena, key, wr_text_of("start"), &from) &&
                       wr_value_get(arena, key, wr_text_of("end"), &to)
                   ? wr_slice(run, of, from, to, result)
                   : wr_machine_no_memory(run);
    }
    if (of.kind == WR_JSON_ARRAY && key.kind == WR_JSON_ARRAY) {
        return wr_indices(run, (struct wr_value[]){of, key}, result);
    }
    *result = wr_value_of(WR_JSON_NULL);
    return (of.kind == WR_JSON_NULL && (key.kind == WR_JSON_NULL || key.kind == WR_JSON_NUMBER ||
                                        key.kind == WR_JSON_STRING)) ||
           cannot_index(run, of, key);
}

/* ---- slices */

bool wr_slice_bounds(struct wr_value from, struct wr_value to, uint32_t count, uint32_t *first,
                     uint32_t *after)
{
    if ((from.kind != WR_JSON_NULL && from.kind != WR_JSON_NUMBER) ||
        (to.kind != WR_JSON_NULL && to.kind != WR_JSON_NUMBER)) {
        *first = *after = 0;
        return false;
    }
    double low = from.kind == WR_JSON_NULL ? 0 : wr_number_real(from);
    double high = to.kind == WR_JSON_NULL ? count : wr_number_real(to);
    low = WR_MAX(low < 0 ? low + count : low, 0.0);
    high = high < 0 ? high + count : high;
    low = WR_MIN(low, (double)count);
    high = WR_MAX(WR_MIN(high, (double)count), low);
    *first = (uint32_t)low;
    *after = (uint32_t)ceil(high);
    return true;
}

/* The number of bytes that a number of characters takes. */
static size_t bytes_of(struct wr_text text, uint32_t characters)
{
    size_t at = 0;
    for (; at < text.len && characters > 0; characters--) {
        do {
            at++;
        } while (at < text.len && ((unsigned char)text.data[at] & 0xc0u) == 0x80);
    }
    return at;
}

uint32_t wr_characters(struct wr_text text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xc0u) != 0x80;
    }
    return count;
}

bool wr_slice(wr_machine *run, struct wr_value of, struct wr_value from, struct wr_value to,
              struct wr_value *result)
{
    uint32_t first;
    uint32_t after;
    const struct wr_value *elements;
    uint32_t count;
    *result = wr_value_of(WR_JSON_NULL);
    of = wr_machine_table(run, of);
    if (of.kind != WR_JSON_NULL && of.kind != WR_JSON_STRING && of.kind != WR_JSON_ARRAY) {
        return cannot_index(run, of, wr_value_of(WR_JSON_OBJECT));
    }
    if (!wr_slice_bounds(from, to, 0, &first, &after)) {
        return wr_machine_fail(run, "Start and end indices of an array slice must be numbers");
    }
    if (of.kind == WR_JSON_STRING) {
        struct wr_text text = wr_value_text(of);
        (void)wr_slice_bounds(from, to, wr_characters(text), &first, &after);
        size_t begin = bytes_of(text, first);
        *result = wr_value_string(text.data + begin, bytes_of(text, after) - begin);
    } else if (of.kind == WR_JSON_ARRAY) {
        if (!wr_value_elements(wr_machine_arena(run), of, &elements, &count)) {
            return wr_machine_no_memory(run);
        }
        (void)wr_slice_bounds(from, to, count, &first, &after);
        /* An empty array has no elements to point to. */
        *result = wr_value_array(after > first ? elements + first : NULL, after - first);
    }
    return true;
}

/* ---- operators */

static bool cannot(wr_machine *run, struct wr_value a, struct wr_value b, const char *what)
{
    char a_shown[WR_SHOWN_CAP];
    char b_shown[WR_SHOWN_CAP];
    return wr_machine_fail(run, "%s (%s) and %s (%s) cannot be %s", wr_kind_name(a),
                           wr_machine_shown(run, a, a_shown), wr_kind_name(b),
                           wr_machine_shown(run, b, b_shown), what);
}

static bool compare(wr_machine *run, int op, struct wr_value a, struct wr_value b,
                    struct wr_value *result)
{
    int order;
    if ((op == WR_OP_EQUAL || op == WR_OP_DIFFERENT) && a.kind == WR_JSON_STRING &&
        b.kind == WR_JSON_STRING) {
        bool same = a.len == b.len && memcmp(a.as.text, b.as.text, a.len) == 0;
        *result = wr_value_bool(same == (op == WR_OP_EQUAL));
        return true;
    }
    if (!wr_value_compare(wr_machine_arena(run), a, b, &order)) {
        return wr_machine_no_memory(run);
    }
    *result = wr_value_bool(op == WR_OP_EQUAL        ? order == 0
                            : op == WR_OP_DIFFERENT  ? order != 0
                            : op == WR_OP_LESS       ? order < 0
                            : op == WR_OP_GREATER    ? order > 0
                            : op == WR_OP_LESS_EQUAL ? order <= 0
                                                     : order >= 0);
    return true;
}

static bool concat_arrays(wr_machine *run, struct wr_value a, struct wr_value b,
                          struct wr_value *result)
{
    const struct wr_value *x;
    const struct wr_value *y;
    uint32_t x_count;
    uint32_t y_count;
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *all = NULL;
    if (wr_value_elements(arena, a, &x, &x_count) && wr_value_elements(arena, b, &y, &y_count)) {
        all = wr_arena_alloc(arena, ((size_t)x_count + y_count) * sizeof *all);
    }
    if (all == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < x_count + y_count; i++) {
        all[i] = i < x_count ? x[i] : y[i - x_count];
    }
    *result = wr_value_array(all, (size_t)x_count + y_count);
    return true;
}

/* A new object with the members of `of`; NULL: no memory. */
static struct wr_members *copy_object(struct wr_arena *arena, struct wr_value of)
{
    const struct wr_members *from = wr_value_members(arena, of);
    struct wr_members *copy = from != NULL ? wr_members_new(arena, from->count + 4) : NULL;
    for (uint32_t i = 0; copy != NULL && i < from->count; i++) {
        if (!wr_members_put(arena, copy, from->members[i].key, from->members[i].value)) {
            return NULL;
        }
    }
    return copy;
}

/* An object that the members of another are put into. */
struct merge {
    struct merge *up;
    struct wr_members *into;
    const struct wr_members *from;
    uint32_t next;
};

static struct merge *begin_merge(struct wr_arena *arena, struct merge *up, struct wr_value a,
                                 struct wr_value b)
{
    struct merge *merge = wr_arena_alloc(arena, sizeof *merge);
    if (merge != NULL) {
        *merge = (struct merge){
            .up = up, .into = copy_object(arena, a), .from = wr_value_members(arena, b)};
    }
    return merge != NULL && merge->into != NULL && merge->from != NULL ? merge : NULL;
}

/* Put the members of b into a; deep: objects that both have are merged as well. */
static bool merge_objects(wr_machine *run, struct wr_value a, struct wr_value b, bool deep,
                          struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct merge *merge = begin_merge(arena, NULL, a, b);
    while (merge != NULL) {
        if (merge->next == merge->from->count) {
            *result = wr_value_object(merge->into);
            merge = merge->up;
            if (merge == NULL) {
                return true;
            }
            struct wr_value key = merge->from->members[merge->next++].key;
            if (!wr_members_put(arena, merge->into, key, *result)) {
                break;
            }
            continue;
        }
        const struct wr_member *member = &merge->from->members[merge->next];
        struct wr_value old = {.kind = WR_JSON_NULL};
        if (deep && member->value.kind == WR_JSON_OBJECT &&
            !wr_value_get(arena, wr_value_object(merge->into), wr_value_text(member->key), &old)) {
            break;
        }
        if (old.kind == WR_JSON_OBJECT) {
            merge = begin_merge(arena, merge, old, member->value);
        } else if (wr_members_put(arena, merge->into, member->key, member->value)) {
            merge->next++;
        } else {
            break;
        }
    }
    return wr_machine_no_memory(run);
}

static bool add(wr_machine *run, struct wr_value a, struct wr_value b, struct wr_value *result)
{
    if (a.kind == WR_JSON_NULL || b.kind == WR_JSON_NULL) {
        *result = a.kind == WR_JSON_NULL ? b : a;
        return true;
    }
    if (a.kind != b.kind || a.kind < WR_JSON_NUMBER) {
        return cannot(run, a, b, "added");
    }
    if (a.kind == WR_JSON_STRING) {
        struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
        wr_write_bytes(&writer, a.as.text, a.len);
        wr_write_bytes(&writer, b.as.text, b.len);
        return wr_text_writer_string(&writer, result) || wr_machine_no_memory(run);
    }
    return a.kind == WR_JSON_ARRAY ? concat_arrays(run, a, b, result)
                                   : merge_objects(run, a, b, false, result);
}

/* The elements of a that are not in b. */
static bool subtract_arrays(wr_machine *run, struct wr_value a, struct wr_value b,
                            struct wr_value *result)
{
    const struct wr_value *x;
    const struct wr_value *y;
    uint32_t x_count;
    uint32_t y_count;
    uint32_t kept = 0;
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *left = NULL;
    if (wr_value_elements(arena, a, &x, &x_count) && wr_value_elements(arena, b, &y, &y_count)) {
        left = wr_arena_alloc(arena, x_count * sizeof *left);
    }
    for (uint32_t i = 0; left != NULL && i < x_count; i++) {
        int order = 1;
        for (uint32_t j = 0; j < y_count && order != 0; j++) {
            if (!wr_value_compare(arena, x[i], y[j], &order)) {
                return wr_machine_no_memory(run);
            }
        }
        left[kept] = x[i];
        kept += order != 0;
    }
    *result = wr_value_array(left, kept);
    return left != NULL || wr_machine_no_memory(run);
}

static bool repeat(wr_machine *run, struct wr_value string, struct wr_value number,
                   struct wr_value *result)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    double times = wr_number_real(number);
    *result = wr_value_of(WR_JSON_NULL);
    if (!(times > 0)) {
        return true;
    }
    for (times = WR_MAX(floor(times), 1.0); times > 0 && !writer.failed && string.len > 0;
         times--) {
        wr_write_bytes(&writer, string.as.text, string.len);
    }
    return wr_text_writer_string(&writer, result) || wr_machine_no_memory(run);
}

bool wr_split(wr_machine *run, struct wr_value string, struct wr_value separator,
              struct wr_value *result)
{
    struct wr_text text = wr_value_text(string);
    struct wr_text by = wr_value_text(separator);
    struct wr_arena *arena = wr_machine_arena(run);
    uint32_t room = 8;
    uint32_t count = 0;
    struct wr_value *parts = wr_arena_alloc(arena, room * sizeof *parts);
    bool more = text.len > 0;
    while (more && parts != NULL) {
        const char *found = by.len > 0 ? memmem(text.data, text.len, by.data, by.len) : NULL;
        size_t len = by.len == 0     ? bytes_of(text, 1)
                     : found != NULL ? (size_t)(found - text.data)
                                     : text.len;
        if (count == room) {
            parts = wr_arena_extend(arena, parts, room * sizeof *parts, 2 * room * sizeof *parts);
            room *= 2;
        }
        if (parts != NULL) {
            parts[count++] = wr_value_string(text.data, len);
        }
        more = by.len == 0 ? len < text.len : found != NULL;
        text.data += len + by.len;
        text.len -= more ? len + by.len : 0;
    }
    *result = wr_value_array(parts, count);
    return parts != NULL || wr_machine_no_memory(run);
}

/* Of two numbers. */
static bool compute_numbers(wr_machine *run, int op, struct wr_value a, struct wr_value b,
                            struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    bool divides = op == WR_OP_DIVIDE || op == WR_OP_REMAINDER;
    double divisor = divides ? wr_number_real(b) : 1;
    if (divisor == 0 || (op == WR_OP_REMAINDER && fabs(divisor) < 1)) {
        return cannot(run, a, b, "divided because the divisor is zero");
    }
    return (op == WR_OP_REMAINDER ? wr_number_remainder(arena, a, b, result)
                                  : wr_number_compute(arena, op, a, b, result)) ||
           wr_machine_no_memory(run);
}

bool wr_compute(wr_machine *run, int op, struct wr_value a, struct wr_value b,
                struct wr_value *result)
{
    if (op >= WR_OP_EQUAL && op <= WR_OP_GREATER_EQUAL) {
        return compare(run, op, a, b, result);
    }
    if (a.kind == WR_JSON_NUMBER && b.kind == WR_JSON_NUMBER) {
        return compute_numbers(run, op, a, b, result);
    }
    switch (op) {
    case WR_OP_ADD: return add(run, a, b, result);
    case WR_OP_SUBTRACT:
        return a.kind == WR_JSON_ARRAY && b.kind == WR_JSON_ARRAY
                   ? subtract_arrays(run, a, b, result)
                   : cannot(run, a, b, "subtracted");
    case WR_OP_MULTIPLY:
        if (a.kind == WR_JSON_STRING && b.kind == WR_JSON_NUMBER) {
            return repeat(run, a, b, result);
        }
        if (a.kind == WR_JSON_NUMBER && b.kind == WR_JSON_STRING) {
            return repeat(run, b, a, result);
        }
        return a.kind == WR_JSON_OBJECT && b.kind == WR_JSON_OBJECT
                   ? merge_objects(run, a, b, true, result)
                   : cannot(run, a, b, "multiplied");
    case WR_OP_DIVIDE:
        return a.kind == WR_JSON_STRING && b.kind == WR_JSON_STRING ? wr_split(run, a, b, result)
                                                                    : cannot(run, a, b, "divided");
    default: return cannot(run, a, b, "divided");
    }
}
