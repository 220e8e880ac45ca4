/*
 * expr_value.c - looking into values, building objects, and jq's order of values.
 *
 * A container of a document is looked up where it lies; to go through all of it, it is built: one
 * level, into the arena. A large built object has a table of its keys. Comparison keeps what it has
 * begun in a list in the arena, so that depth costs no stack.
 */
#include "expr_value.h"

#include <stdlib.h>

#include "base_error.h"
#include "base_hash.h"

enum { SMALL_COUNT = 8 }; /* members that are searched one after another */

bool wr_value_copy_string(struct wr_arena *arena, const char *bytes, size_t len,
                          struct wr_value *value)
{
    char *copy = len > UINT32_MAX ? NULL : wr_arena_alloc(arena, len + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes, len);
    *value = wr_value_string(copy, len);
    return true;
}

bool wr_value_node(struct wr_arena *arena, const struct wr_json *json, uint32_t node,
                   struct wr_value *value)
{
    enum wr_json_kind kind = wr_json_kind(json, node);
    *value = wr_value_of(kind);
    if (kind >= WR_JSON_ARRAY) {
        value->form = WR_FORM_NODE;
        value->len = node;
        value->as.json = json;
    } else if (kind == WR_JSON_NUMBER) {
        struct wr_text text = wr_json_text(json, node);
        value->len = (uint32_t)text.len;
        value->as.text = text.data;
    } else if (kind == WR_JSON_STRING) {
        struct wr_text text = wr_json_inside(json, node);
        if (wr_json_escaped(json, node)) {
            char *bytes = wr_arena_alloc(arena, text.len);
            if (bytes == NULL) {
                return false;
            }
            text = (struct wr_text){bytes, wr_json_unescape(text, bytes)};
        }
        value->len = (uint32_t)text.len;
        value->as.text = text.data;
    }
    return true;
}

/* ---- objects */

struct wr_members *wr_members_new(struct wr_arena *arena, uint32_t room)
{
    struct wr_members *object = wr_arena_alloc(arena, sizeof *object);
    struct wr_member *members =
        object != NULL ? wr_arena_alloc(arena, room * sizeof *members) : NULL;
    if (members == NULL) {
        return NULL;
    }
    *object = (struct wr_members){.room = room, .members = members};
    return object;
}

/* Where the slot of a key begins. Each object has another hash, so that keys which collide in one do
 * not collide in all. */
static uint32_t slot_of(const struct wr_members *object, struct wr_text key)
{
    uint64_t hash = wr_hash_add(WR_HASH_BEGIN ^ (uintptr_t)object->slots, key.data, key.len);
    return (uint32_t)(hash ^ hash >> 32) & object->mask;
}

static bool same(struct wr_value string, struct wr_text bytes)
{
    return string.len == bytes.len && memcmp(string.as.text, bytes.data, bytes.len) == 0;
}

static struct wr_member *find_member(const struct wr_members *object, struct wr_text key)
{
    if (object->slots != NULL) {
        for (uint32_t i = slot_of(object, key); object->slots[i] != 0; i = (i + 1) & object->mask) {
            struct wr_member *member = &object->members[object->slots[i] - 1];
            if (same(member->key, key)) {
                return member;
            }
        }
        return NULL;
    }
    for (uint32_t i = 0; i < object->count; i++) {
        if (same(object->members[i].key, key)) {
            return &object->members[i];
        }
    }
    return NULL;
}

static void fill_slot(struct wr_members *object, uint32_t member)
{
    uint32_t i = slot_of(object, wr_value_text(object->members[member].key));
    while (object->slots[i] != 0) {
        i = (i + 1) & object->mask;
    }
    object->slots[i] = member + 1;
}

/* Make room for one more member, and a table of twice as many slots if there are many. */
static bool grow_object(struct wr_arena *arena, struct wr_members *object)
{
    if (object->count == object->room) {
        uint32_t room = object->room * 2 + 4;
        struct wr_member *members = wr_arena_extend(
            arena, object->members, object->room * sizeof *members, room * sizeof *members);
        if (members == NULL) {
            return false;
        }
        object->members = members;
        object->room = room;
    }
    if (object->count < SMALL_COUNT ||
        (object->slots != NULL && object->count < object->mask / 2)) {
        return true;
    }
    uint32_t slots = object->slots == NULL ? 4 * SMALL_COUNT : 2 * (object->mask + 1);
    object->slots = wr_arena_alloc(arena, slots * sizeof *object->slots);
    if (object->slots == NULL) {
        return false;
    }
    memset(object->slots, 0, slots * sizeof *object->slots);
    object->mask = slots - 1;
    for (uint32_t i = 0; i < object->count; i++) {
        fill_slot(object, i);
    }
    return true;
}

bool wr_members_put(struct wr_arena *arena, struct wr_members *object, struct wr_value key,
                    struct wr_value value)
{
    struct wr_member *member = find_member(object, wr_value_text(key));
    if (member != NULL) {
        member->value = value;
        return true;
    }
    if (!grow_object(arena, object)) {
        return false;
    }
    object->members[object->count] = (struct wr_member){key, value};
    if (object->slots != NULL) {
        fill_slot(object, object->count);
    }
    object->count++;
    return true;
}

/* ---- looking into containers */

bool wr_value_elements(struct wr_arena *arena, struct wr_value array,
                       const struct wr_value **elements, uint32_t *count)
{
    *count = array.len;
    *elements = array.as.array;
    if (array.form == WR_FORM_BUILT) {
        return true;
    }
    const struct wr_json *json = array.as.json;
    *count = 0;
    for (uint32_t e = wr_json_first(json, array.len); e != WR_JSON_NONE;
         e = wr_json_next(json, e)) {
        ++*count;
    }
    struct wr_value *built = wr_arena_alloc(arena, *count * sizeof *built);
    uint32_t i = 0;
    *elements = built;
    for (uint32_t e = wr_json_first(json, array.len); built != NULL && e != WR_JSON_NONE;
         e = wr_json_next(json, e)) {
        if (!wr_value_node(arena, json, e, &built[i++])) {
            return false;
        }
    }
    return built != NULL;
}

const struct wr_members *wr_value_members(struct wr_arena *arena, struct wr_value object)
{
    if (object.form == WR_FORM_BUILT) {
        return object.as.object;
    }
    const struct wr_json *json = object.as.json;
    uint32_t room = SMALL_COUNT;
    if (json->to[object.len] - object.len > 4 * SMALL_COUNT) { /* perhaps there are more */
        room = 0;
        for (uint32_t key = wr_json_first(json, object.len); key != WR_JSON_NONE;
             key = wr_json_next(json, wr_json_value(key))) {
            room++;
        }
    }
    struct wr_members *built = wr_members_new(arena, room);
    for (uint32_t key = wr_json_first(json, object.len); built != NULL && key != WR_JSON_NONE;
         key = wr_json_next(json, wr_json_value(key))) {
        struct wr_value name;
        struct wr_value value;
        if (!wr_value_node(arena, json, key, &name) ||
            !wr_value_node(arena, json, wr_json_value(key), &value) ||
            !wr_members_put(arena, built, name, value)) {
            return NULL;
        }
    }
    return built;
}

int wr_text_compare(struct wr_text a, struct wr_text b)
{
    size_t len = WR_MIN(a.len, b.len);
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_keys(const void *a, const void *b)
{
    const struct wr_member *x = a;
    const struct wr_member *y = b;
    return wr_text_compare(wr_value_text(x->key), wr_value_text(y->key));
}

bool wr_value_sorted(struct wr_arena *arena, struct wr_value object,
                     const struct wr_member **members, uint32_t *count)
{
    const struct wr_members *built = wr_value_members(arena, object);
    struct wr_member *sorted =
        built != NULL ? wr_arena_alloc(arena, built->count * sizeof *sorted) : NULL;
    if (sorted == NULL) {
        return false;
    }
    memcpy(sorted, built->members, built->count * sizeof *sorted);
    qsort(sorted, built->count, sizeof *sorted, compare_keys);
    *members = sorted;
    *count = built->count;
    return true;
}

bool wr_value_get(struct wr_arena *arena, struct wr_value object, struct wr_text key,
                  struct wr_value *value)
{
    if (object.form == WR_FORM_NODE) {
        const struct wr_json *json = object.as.json;
        uint32_t node = wr_json_find(json, object.len, key);
        *value = wr_value_of(WR_JSON_NULL);
        return node == WR_JSON_NONE || wr_value_node(arena, json, node, value);
    }
    const struct wr_member *member = find_member(object.as.object, key);
    *value = member != NULL ? member->value : wr_value_of(WR_JSON_NULL);
    return true;
}

bool wr_value_has(struct wr_value object, struct wr_text key)
{
    return object.form == WR_FORM_NODE
               ? wr_json_find(object.as.json, object.len, key) != WR_JSON_NONE
               : find_member(object.as.object, key) != NULL;
}

bool wr_value_at(struct wr_arena *arena, struct wr_value array, int64_t index,
                 struct wr_value *value)
{
    *value = wr_value_of(WR_JSON_NULL);
    if (array.form == WR_FORM_BUILT) {
        if (index >= 0 && index < (int64_t)array.len) {
            *value = array.as.array[index];
        }
        return true;
    }
    const struct wr_json *json = array.as.json;
    uint32_t e = index < 0 ? WR_JSON_NONE : wr_json_first(json, array.len);
    for (; e != WR_JSON_NONE && index > 0; index--) {
        e = wr_json_next(json, e);
    }
    return e == WR_JSON_NONE || wr_value_node(arena, json, e, value);
}

bool wr_value_count(struct wr_arena *arena, struct wr_value container, uint32_t *count)
{
    if (container.kind == WR_JSON_OBJECT) {
        struct wr_arena_mark mark = wr_arena_mark(arena);
        const struct wr_members *object = wr_value_members(arena, container);
        *count = object != NULL ? object->count : 0;
        wr_arena_back(arena, mark);
        return object != NULL;
    }
    *count = container.len;
    if (container.form == WR_FORM_NODE) {
        const struct wr_json *json = container.as.json;
        uint32_t e = wr_json_first(json, container.len);
        for (*count = 0; e != WR_JSON_NONE; e = wr_json_next(json, e)) {
            ++*count;
        }
    }
    return true;
}

/* ---- order */

/* Two containers whose elements are being compared; the lists end at the shorter one. */
struct pair {
    struct pair *up;
    const struct wr_value *a, *b;
    uint32_t count;
    int otherwise; /* their order if these elements are equal */
};

/* Begin to compare two arrays. */
static bool begin_arrays(struct wr_arena *arena, struct wr_value a, struct wr_value b,
                         struct pair *pair)
{
    uint32_t a_count;
    uint32_t b_count;
    if (!wr_value_elements(arena, a, &pair->a, &a_count) ||
        !wr_value_elements(arena, b, &pair->b, &b_count)) {
        return false;
    }
    pair->count = WR_MIN(a_count, b_count);
    pair->otherwise = (a_count > b_count) - (a_count < b_count);
    return true;
}

static const struct wr_value *values_of(struct wr_arena *arena, const struct wr_member *members,
                                        uint32_t count)
{
    struct wr_value *values = wr_arena_alloc(arena, count * sizeof *values);
    for (uint32_t i = 0; values != NULL && i < count; i++) {
        values[i] = members[i].value;
    }
    return values;
}

/* Begin to compare two objects: their sorted keys first, as arrays; then the values. */
static bool begin_objects(struct wr_arena *arena, struct wr_value a, struct wr_value b,
                          struct pair *pair, int *order)
{
    const struct wr_member *x;
    const struct wr_member *y;
    uint32_t x_count;
    uint32_t y_count;
    if (!wr_value_sorted(arena, a, &x, &x_count) || !wr_value_sorted(arena, b, &y, &y_count)) {
        return false;
    }
    *order = 0;
    for (uint32_t i = 0; i < WR_MIN(x_count, y_count) && *order == 0; i++) {
        *order = compare_keys(&x[i], &y[i]);
    }
    if (*order == 0) {
        *order = (x_count > y_count) - (x_count < y_count);
    }
    if (*order != 0) {
        return true;
    }
    pair->count = x_count;
    pair->otherwise = 0;
    pair->a = values_of(arena, x, x_count);
    pair->b = values_of(arena, y, y_count);
    return pair->a != NULL && pair->b != NULL;
}

static int compare_plain(struct wr_value a, struct wr_value b)
{
    if (a.kind != b.kind) {
        return a.kind < b.kind ? -1 : 1;
    }
    return a.kind == WR_JSON_NUMBER   ? wr_number_compare(a, b)
           : a.kind == WR_JSON_STRING ? wr_text_compare(wr_value_text(a), wr_value_text(b))
                                      : 0;
}

static bool compare(struct wr_arena *arena, struct wr_value a, struct wr_value b, int *order)
{
    struct pair *open = NULL;
    for (;;) {
        bool plain = a.kind != b.kind || a.kind < WR_JSON_ARRAY;
        *order = plain ? compare_plain(a, b) : 0;
        if (!plain) {
            struct pair *pair = wr_arena_alloc(arena, sizeof *pair);
            if (pair == NULL ||
                !(a.kind == WR_JSON_ARRAY ? begin_arrays(arena, a, b, pair)
                                          : begin_objects(arena, a, b, pair, order))) {
                return false;
            }
            if (*order == 0) {
                pair->up = open;
                open = pair;
            }
        }
        while (*order == 0 && open != NULL && open->count == 0) {
            *order = open->otherwise;
            open = open->up;
        }
        if (*order != 0 || open == NULL) {
            return true;
        }
        open->count--;
        a = *open->a++;
        b = *open->b++;
    }
}

bool wr_value_compare(struct wr_arena *arena, struct wr_value a, struct wr_value b, int *order)
{
    if (a.kind != b.kind || a.kind < WR_JSON_ARRAY) {
        *order = compare_plain(a, b);
        return true;
    }
    struct wr_arena_mark mark = wr_arena_mark(arena);
    bool ok = compare(arena, a, b, order);
    wr_arena_back(arena, mark);
    return ok;
}
