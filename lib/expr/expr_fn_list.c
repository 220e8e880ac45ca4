/*
 * expr_fn_list.c - functions on arrays and objects.
 */
#include "expr_program.h"

#include <math.h>

#include "base_error.h"

static bool call_type(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)run;
    const char *name = wr_kind_name(in[0]);
    *out = wr_value_string(name, strlen(name));
    return true;
}

static bool call_length(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    uint32_t count = 0;
    if (in[0].kind == WR_JSON_FALSE || in[0].kind == WR_JSON_TRUE) {
        return wr_machine_fail(run, "boolean (%s) has no length",
                               wr_machine_shown(run, in[0], shown));
    }
    if (in[0].kind == WR_JSON_NUMBER) { /* how far it is from 0 */
        *out = in[0];
        return wr_number_real(in[0]) >= 0 ||
               wr_compute(run, WR_OP_SUBTRACT, wr_value_integer(0), in[0], out);
    }
    if (in[0].kind == WR_JSON_STRING) {
        count = wr_characters(wr_value_text(in[0]));
    } else if (in[0].kind >= WR_JSON_ARRAY &&
               !wr_value_count(wr_machine_arena(run), in[0], &count)) {
        return wr_machine_no_memory(run);
    }
    *out = wr_value_integer(count);
    return true;
}

/* The keys of an object, or the numbers of the elements of an array. */
static bool keys(wr_machine *run, struct wr_value of, bool sorted, struct wr_value *out)
{
    struct wr_arena *arena = wr_machine_arena(run);
    const struct wr_member *members = NULL;
    uint32_t count = 0;
    if (of.kind < WR_JSON_ARRAY) {
        char shown[WR_SHOWN_CAP];
        return wr_machine_fail(run, "%s (%s) has no keys", wr_kind_name(of),
                               wr_machine_shown(run, of, shown));
    }
    bool ok = true;
    if (of.kind == WR_JSON_ARRAY) {
        ok = wr_value_count(arena, of, &count);
    } else if (sorted) {
        ok = wr_value_sorted(arena, of, &members, &count);
    } else {
        const struct wr_members *object = wr_value_members(arena, of);
        ok = object != NULL;
        members = ok ? object->members : NULL;
        count = ok ? object->count : 0;
    }
    struct wr_value *made = ok ? wr_arena_alloc(arena, count * sizeof *made) : NULL;
    for (uint32_t i = 0; made != NULL && i < count; i++) {
        made[i] = members != NULL ? members[i].key : wr_value_integer(i);
    }
    *out = wr_value_array(made, count);
    return made != NULL || wr_machine_no_memory(run);
}

static bool call_keys(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return keys(run, in[0], true, out);
}

static bool call_keys_unsorted(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return keys(run, in[0], false, out);
}

static bool call_has(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    uint32_t count;
    *out = wr_value_bool(false);
    if (in[0].kind == WR_JSON_NULL &&
        (in[1].kind == WR_JSON_STRING || in[1].kind == WR_JSON_NUMBER)) {
        return true;
    }
    if (in[0].kind == WR_JSON_OBJECT && in[1].kind == WR_JSON_STRING) {
        *out = wr_value_bool(wr_value_has(wr_machine_table(run, in[0]), wr_value_text(in[1])));
        return true;
    }
    if (in[0].kind == WR_JSON_ARRAY && in[1].kind == WR_JSON_NUMBER) {
        double index = wr_number_real(in[1]);
        if (!wr_value_count(wr_machine_arena(run), in[0], &count)) {
            return wr_machine_no_memory(run);
        }
        *out = wr_value_bool(index >= 0 && index < count);
        return true;
    }
    return wr_machine_fail(run, "Cannot check whether %s has a %s key", wr_kind_name(in[0]),
                           wr_kind_name(in[1]));
}

/* The elements of the input, which must be an array. */
static bool elements(wr_machine *run, struct wr_value array, const char *what,
                     const struct wr_value **list, uint32_t *count)
{
    char shown[WR_SHOWN_CAP];
    *list = NULL;
    *count = 0;
    if (array.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "%s (%s) cannot be %s, as it is not an array",
                               wr_kind_name(array), wr_machine_shown(run, array, shown), what);
    }
    return wr_value_elements(wr_machine_arena(run), array, list, count) ||
           wr_machine_no_memory(run);
}

/* A copy of the elements that may be changed. */
static struct wr_value *copied(wr_machine *run, const struct wr_value *list, uint32_t count)
{
    struct wr_value *copy = wr_arena_alloc(wr_machine_arena(run), count * sizeof *copy);
    for (uint32_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = list[i];
    }
    if (copy == NULL) {
        (void)wr_machine_no_memory(run);
    }
    return copy;
}

/* Elements and their keys in[1], both sorted by the keys. */
struct by_keys {
    struct wr_value *list, *keys;
    uint32_t count;
};

static bool sort_by_keys(wr_machine *run, const struct wr_value *in, const char *what,
                         struct by_keys *by)
{
    const struct wr_value *list;
    const struct wr_value *given;
    uint32_t given_count;
    if (!elements(run, in[0], what, &list, &by->count) ||
        !elements(run, in[1], what, &given, &given_count)) {
        return false;
    }
    by->count = WR_MIN(by->count, given_count);
    by->list = copied(run, list, by->count);
    by->keys = by->list != NULL ? copied(run, given, by->count) : NULL;
    return by->keys != NULL && (wr_sort(wr_machine_arena(run), by->list, by->keys, by->count) ||
                                wr_machine_no_memory(run));
}

/* _sort_by(keys) */
static bool call_sort_by(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct by_keys by;
    bool ok = sort_by_keys(run, in, "sorted", &by);
    *out = ok ? wr_value_array(by.list, by.count) : in[0];
    return ok;
}

/* Elements of equal keys as arrays; unique: the first of them. */
static bool group(wr_machine *run, const struct wr_value *in, bool unique, struct wr_value *out)
{
    struct by_keys by;
    uint32_t groups = 0;
    if (!sort_by_keys(run, in, "grouped", &by)) {
        return false;
    }
    struct wr_value *made = wr_arena_alloc(wr_machine_arena(run), by.count * sizeof *made);
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0, first = 0; i < by.count; i++) {
        int order = 1;
        if (i + 1 < by.count &&
            !wr_value_compare(wr_machine_arena(run), by.keys[i], by.keys[i + 1], &order)) {
            return wr_machine_no_memory(run);
        }
        if (order != 0) {
            made[groups++] =
                unique ? by.list[first] : wr_value_array(by.list + first, i + 1 - first);
            first = i + 1;
        }
    }
    *out = wr_value_array(made, groups);
    return true;
}

static bool call_group_by(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return group(run, in, false, out);
}

static bool call_unique_by(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return group(run, in, true, out);
}

/* The element with the least key (sign 1) or the greatest (-1): the first of the least, the last of
 * the greatest. */
static bool extreme(wr_machine *run, const struct wr_value *in, int sign, struct wr_value *out)
{
    const struct wr_value *list;
    const struct wr_value *given;
    uint32_t count;
    uint32_t given_count;
    *out = wr_value_of(WR_JSON_NULL);
    if (!elements(run, in[0], "compared", &list, &count) ||
        !elements(run, in[1], "compared", &given, &given_count)) {
        return false;
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < WR_MIN(count, given_count); i++) {
        int order;
        if (!wr_value_compare(wr_machine_arena(run), given[i], given[best], &order)) {
            return wr_machine_no_memory(run);
        }
        best = (sign > 0 ? order < 0 : order >= 0) ? i : best;
    }
    *out = count > 0 ? list[best] : *out;
    return true;
}

static bool call_min_by(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return extreme(run, in, 1, out);
}

static bool call_max_by(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return extreme(run, in, -1, out);
}

static bool call_reverse(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *list;
    uint32_t count;
    if (in[0].kind != WR_JSON_ARRAY) { /* what has the length 0 is reversed, as in jq */
        if (!call_length(run, in, out)) {
            return false;
        }
        if (wr_number_real(*out) == 0) {
            *out = wr_value_array(NULL, 0);
            return true;
        }
    }
    if (!elements(run, in[0], "reversed", &list, &count)) {
        return false;
    }
    struct wr_value *made = copied(run, list, count);
    for (uint32_t i = 0; made != NULL && i < count; i++) {
        made[i] = list[count - 1 - i];
    }
    *out = wr_value_array(made, count);
    return made != NULL;
}

bool wr_values(wr_machine *run, struct wr_value of, const struct wr_value **list, uint32_t *count)
{
    struct wr_arena *arena = wr_machine_arena(run);
    *list = NULL;
    *count = 0;
    if (of.kind < WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Cannot iterate over %s", wr_kind_name(of));
    }
    if (of.kind == WR_JSON_ARRAY) {
        return wr_value_elements(arena, of, list, count) || wr_machine_no_memory(run);
    }
    const struct wr_members *object = wr_value_members(arena, of);
    struct wr_value *made =
        object != NULL ? wr_arena_alloc(arena, object->count * sizeof *made) : NULL;
    for (uint32_t i = 0; made != NULL && i < object->count; i++) {
        made[i] = object->members[i].value;
    }
    *list = made;
    *count = object != NULL ? object->count : 0;
    return made != NULL || wr_machine_no_memory(run);
}

static bool call_to_entries(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const struct wr_value names[] = {{.kind = WR_JSON_STRING, .len = 3, .as.text = "key"},
                                            {.kind = WR_JSON_STRING, .len = 5, .as.text = "value"}};
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value all = wr_value_array(NULL, 0);
    const struct wr_value *list;
    uint32_t count;
    struct wr_value of = in[0];
    if (of.kind == WR_JSON_OBJECT) { /* built once */
        const struct wr_members *object = wr_value_members(arena, of);
        if (object == NULL) {
            return wr_machine_no_memory(run);
        }
        of = wr_value_object(object);
    }
    if (!keys(run, of, false, &all) || !wr_values(run, of, &list, &count)) {
        return false;
    }
    struct wr_value *made =
        all.as.array != NULL ? wr_arena_alloc(arena, count * sizeof *made) : NULL;
    for (uint32_t i = 0; made != NULL && i < count; i++) {
        struct wr_members *entry = wr_members_new(arena, 2);
        if (entry == NULL || !wr_members_put(arena, entry, names[0], all.as.array[i]) ||
            !wr_members_put(arena, entry, names[1], list[i])) {
            made = NULL;
            break;
        }
        made[i] = wr_value_object(entry);
    }
    *out = wr_value_array(made, count);
    return made != NULL || wr_machine_no_memory(run);
}

/* The first member of these that is neither false nor null; else the last of them. */
static bool first_true(wr_machine *run, struct wr_value entry, const char *const names[],
                       struct wr_value *value)
{
    *value = wr_value_of(WR_JSON_NULL);
    for (size_t i = 0; names[i] != NULL && !wr_value_true(*value); i++) {
        if (!wr_index(run, entry, wr_value_string(names[i], strlen(names[i])), value)) {
            return false;
        }
    }
    return true;
}

static bool call_from_entries(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const keys_of[] = {"key", "k", "name", "Name", "K", "Key", NULL};
    static const char *const values_of[] = {"value", "v", "Value"};
    struct wr_arena *arena = wr_machine_arena(run);
    const struct wr_value *list;
    uint32_t count;
    if (!wr_values(run, in[0], &list, &count)) {
        return false;
    }
    struct wr_members *all = wr_members_new(arena, count);
    for (uint32_t i = 0; all != NULL && i < count; i++) {
        char shown[WR_SHOWN_CAP];
        struct wr_value key;
        struct wr_value value;
        uint32_t which = 0;
        if (!first_true(run, list[i], keys_of, &key)) {
            return false;
        }
        if (key.kind != WR_JSON_STRING) {
            return wr_machine_fail(run, "Cannot use %s (%s) as object key", wr_kind_name(key),
                                   wr_machine_shown(run, key, shown));
        }
        while (which < 2 && !wr_value_has(list[i], wr_text_of(values_of[which]))) {
            which++;
        }
        if (!wr_value_get(arena, list[i], wr_text_of(values_of[which]), &value) ||
            !wr_members_put(arena, all, key, value)) {
            all = NULL;
        }
    }
    *out = wr_value_object(all);
    return all != NULL || wr_machine_no_memory(run);
}

/* Put arrays, of which some may be null, one behind the other. */
static bool join_arrays(wr_machine *run, const struct wr_value *list, uint32_t count,
                        struct wr_value *out)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *all = NULL;
    size_t room = 0;
    size_t all_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct wr_value *inner;
        uint32_t inner_count;
        if (list[i].kind == WR_JSON_NULL) {
            continue;
        }
        if (!wr_value_elements(arena, list[i], &inner, &inner_count)) {
            return wr_machine_no_memory(run);
        }
        if (all == NULL || all_count + inner_count > room) {
            size_t old = room;
            room = WR_MAX(2 * room, all_count + inner_count + 8);
            all = wr_arena_extend(arena, all, old * sizeof *all, room * sizeof *all);
        }
        if (all == NULL) {
            return wr_machine_no_memory(run);
        }
        for (uint32_t j = 0; j < inner_count; j++) {
            all[all_count++] = inner[j];
        }
    }
    *out = wr_value_array(all, all_count);
    return true;
}

/* The same for strings, */
static bool join_strings(wr_machine *run, const struct wr_value *list, uint32_t count,
                         struct wr_value *out)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].kind == WR_JSON_STRING) {
            wr_write_bytes(&writer, list[i].as.text, list[i].len);
        }
    }
    return wr_text_writer_string(&writer, out) || wr_machine_no_memory(run);
}

/* and for objects. */
static bool join_objects(wr_machine *run, const struct wr_value *list, uint32_t count,
                         struct wr_value *out)
{
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_members *all = wr_members_new(arena, 8);
    for (uint32_t i = 0; all != NULL && i < count; i++) {
        if (list[i].kind == WR_JSON_NULL) {
            continue;
        }
        const struct wr_members *one = wr_value_members(arena, list[i]);
        for (uint32_t j = 0; all != NULL && one != NULL && j < one->count; j++) {
            all =
                wr_members_put(arena, all, one->members[j].key, one->members[j].value) ? all : NULL;
        }
        all = one != NULL ? all : NULL;
    }
    *out = wr_value_object(all);
    return all != NULL || wr_machine_no_memory(run);
}

/* Objects, arrays and strings are put together without a copy for each. */
static bool call_add(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *list;
    uint32_t count;
    uint32_t kinds = 0;
    *out = wr_value_of(WR_JSON_NULL);
    if (!wr_values(run, in[0], &list, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        kinds |= list[i].kind == WR_JSON_NULL ? 0 : 1u << list[i].kind;
    }
    switch (count > 1 ? kinds : 0) {
    case 1u << WR_JSON_STRING: return join_strings(run, list, count, out);
    case 1u << WR_JSON_ARRAY: return join_arrays(run, list, count, out);
    case 1u << WR_JSON_OBJECT: return join_objects(run, list, count, out);
    default: break;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!wr_compute(run, WR_OP_ADD, *out, list[i], out)) {
            return false;
        }
    }
    return true;
}

const struct wr_function wr_functions_list[] = {
    {"type", .call = call_type, .help = "null, boolean, number, string, array or object"},
    {"length", .call = call_length, .help = "characters, elements or members"},
    {"keys", .call = call_keys, .help = "the keys in their order"},
    {"keys_unsorted", .call = call_keys_unsorted, .help = "the keys as they come"},
    {"has", 1, .asks = true, .call = call_has, .help = "whether there is this key"},
    {"in", 1, .asks = true, .params = "o", .text = ". as $k | o | has($k)",
     .help = "whether the input is a key of o"},
    {"add", .call = call_add, .help = "all elements, added"},
    {"sort", .text = "_sort_by(.)", .help = "the elements in their order"},
    {"sort_by", 1, .params = "f", .text = "_sort_by(map([f]))",
     .help = "the elements in the order of f"},
    {"group_by", 1, .params = "f", .text = "_group_by(map([f]))",
     .help = "arrays of elements with equal f"},
    {"unique", .text = "_unique_by(.)", .help = "the elements in their order, each once"},
    {"unique_by", 1, .params = "f", .text = "_unique_by(map([f]))",
     .help = "one element for each f"},
    {"min", .text = "_min_by(.)", .help = "the least element"},
    {"min_by", 1, .params = "f", .text = "_min_by(map([f]))",
     .help = "the element with the least f"},
    {"max", .text = "_max_by(.)", .help = "the greatest element"},
    {"max_by", 1, .params = "f", .text = "_max_by(map([f]))",
     .help = "the element with the greatest f"},
    {"reverse", .call = call_reverse, .help = "the elements from the last to the first"},
    {"to_entries", .call = call_to_entries, .help = "an array of {key, value}"},
    {"from_entries", .call = call_from_entries, .help = "an object of an array of {key, value}"},
    {"with_entries", 1, .params = "f", .text = "to_entries | map(f) | from_entries",
     .help = "from_entries of f of each of to_entries"},
    {"_sort_by", 1, .call = call_sort_by},
    {"_group_by", 1, .call = call_group_by},
    {"_unique_by", 1, .call = call_unique_by},
    {"_min_by", 1, .call = call_min_by},
    {"_max_by", 1, .call = call_max_by},
    {.name = NULL},
};
