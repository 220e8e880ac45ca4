/*
 * expr_path.c - values at paths: got, set and deleted. A path is an array of keys: strings, numbers,
 * and {"start": n, "end": m} for slices. What changes is copied along the paths, and nothing else: a
 * container once for all paths in turn that lead through it.
 */
#include "expr_machine.h"

#include <string.h>

#include "base_error.h"

static bool keys_of(wr_machine *run, struct wr_value path, const struct wr_value **keys,
                    uint32_t *count)
{
    *keys = NULL;
    *count = 0;
    if (path.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Path must be specified as an array");
    }
    return wr_value_elements(wr_machine_arena(run), path, keys, count) || wr_machine_no_memory(run);
}

bool wr_path_get(wr_machine *run, struct wr_value of, struct wr_value path, struct wr_value *result)
{
    const struct wr_value *keys;
    uint32_t count;
    *result = of;
    if (!keys_of(run, path, &keys, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count && result->kind != WR_JSON_NULL; i++) {
        if (!wr_index(run, *result, keys[i], result)) {
            return false;
        }
    }
    return true;
}

/* ---- setting */

/* A container along a path, which is open: a copy that nothing else has. */
struct level {
    struct wr_value key;        /* where it is in the level above it */
    struct wr_members *members; /* of an object; NULL: an array */
    struct wr_value *elements;
    uint32_t count, room;
};

/* A value that is being changed at one path after another. The containers along the last path are
 * open, so that those which the next path shares with it are not copied again. */
struct wr_patch {
    struct wr_value root; /* without what is changed in open levels */
    struct level *levels; /* of the root, and so on */
    uint32_t open, room;
    struct wr_value *gone; /* paths to delete at last */
    uint32_t gone_count, gone_room;
};

static bool slice_of(wr_machine *run, struct wr_value key, uint32_t count, uint32_t *first,
                     uint32_t *after)
{
    struct wr_value from;
    struct wr_value to;
    if (!wr_value_get(wr_machine_arena(run), key, wr_text_of("start"), &from) ||
        !wr_value_get(wr_machine_arena(run), key, wr_text_of("end"), &to)) {
        return wr_machine_no_memory(run);
    }
    return wr_slice_bounds(from, to, count, first, after) ||
           wr_machine_fail(run, "Start and end indices of an array slice must be numbers");
}

/* Replace a slice by the elements of an array. */
static bool put_slice(wr_machine *run, struct level *level, struct wr_value key, struct wr_value by)
{
    const struct wr_value *put;
    uint32_t put_count;
    uint32_t first = 0;
    uint32_t after = 0;
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *made = NULL;
    if (by.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "A slice of an array can only be assigned another array");
    }
    if (!slice_of(run, key, level->count, &first, &after)) {
        return false;
    }
    if (wr_value_elements(arena, by, &put, &put_count)) {
        made = wr_arena_alloc(arena, ((size_t)level->count + put_count) * sizeof *made);
    }
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    uint32_t made_count = 0;
    for (uint32_t i = 0; i < first; i++) {
        made[made_count++] = level->elements[i];
    }
    for (uint32_t i = 0; i < put_count; i++) {
        made[made_count++] = put[i];
    }
    for (uint32_t i = after; i < level->count; i++) {
        made[made_count++] = level->elements[i];
    }
    level->room = level->count + put_count;
    level->elements = made;
    level->count = made_count;
    return true;
}

/* Where an index is, counted from the first element. */
static bool index_of(wr_machine *run, const struct level *level, struct wr_value key, double *index)
{
    double real = wr_number_real(key);
    *index = real < 0 ? real + level->count : real;
    return *index >= 0 || wr_machine_fail(run, "Out of bounds negative array index");
}

static bool put_element(wr_machine *run, struct level *level, struct wr_value key,
                        struct wr_value value)
{
    struct wr_arena *arena = wr_machine_arena(run);
    double real;
    if (!index_of(run, level, key, &real)) {
        return false;
    }
    if (real > (double)(1 << 29)) {
        arena->full = true;
        return wr_machine_no_memory(run);
    }
    uint32_t index = (uint32_t)real;
    if (index >= level->room) {
        uint32_t room = WR_MAX(index + 1, 2 * level->room);
        level->elements =
            wr_arena_extend(arena, level->elements, level->room * sizeof *level->elements,
                            room * sizeof *level->elements);
        level->room = room;
    }
    if (level->elements == NULL) {
        return wr_machine_no_memory(run);
    }
    for (; level->count <= index; level->count++) {
        level->elements[level->count] = wr_value_of(WR_JSON_NULL);
    }
    level->elements[index] = value;
    return true;
}

static bool put(wr_machine *run, struct level *level, struct wr_value key, struct wr_value value)
{
    if (level->members != NULL) {
        return wr_members_put(wr_machine_arena(run), level->members, key, value) ||
               wr_machine_no_memory(run);
    }
    return key.kind == WR_JSON_NUMBER ? put_element(run, level, key, value)
                                      : put_slice(run, level, key, value);
}

static struct wr_value level_value(const struct level *level)
{
    return level->members != NULL ? wr_value_object(level->members)
                                  : wr_value_array(level->elements, level->count);
}

/* Close levels, down to this number of open ones. */
static bool close_levels(wr_machine *run, struct wr_patch *patch, uint32_t open)
{
    while (patch->open > open) {
        const struct level *level = &patch->levels[--patch->open];
        struct wr_value value = level_value(level);
        if (patch->open == 0) {
            patch->root = value;
        } else if (!put(run, &patch->levels[patch->open - 1], level->key, value)) {
            return false;
        }
    }
    return true;
}

/* A copy of an object. */
static struct wr_members *copy_members(struct wr_arena *arena, struct wr_value of)
{
    const struct wr_members *from = wr_value_members(arena, of);
    struct wr_members *copy = from != NULL ? wr_members_new(arena, from->count + 1) : NULL;
    for (uint32_t i = 0; copy != NULL && i < from->count; i++) {
        if (!wr_members_put(arena, copy, from->members[i].key, from->members[i].value)) {
            return NULL;
        }
    }
    return copy;
}

static bool cannot_set(wr_machine *run, struct wr_value of, struct wr_value key)
{
    struct wr_value found;
    return wr_index(run, of, key, &found) &&
           wr_machine_fail(run, "Cannot update %s with %s", wr_kind_name(of), wr_kind_name(key));
}

/* Make *level a copy of a container that has a member or element `key`, or may get one. */
static bool copy_level(wr_machine *run, struct wr_value of, struct wr_value key,
                       struct level *level)
{
    struct wr_arena *arena = wr_machine_arena(run);
    bool null = of.kind == WR_JSON_NULL;
    wr_machine_work(run, of);
    if (key.kind == WR_JSON_STRING && (null || of.kind == WR_JSON_OBJECT)) {
        level->members = null ? wr_members_new(arena, 1) : copy_members(arena, of);
        return level->members != NULL || wr_machine_no_memory(run);
    }
    if ((key.kind != WR_JSON_NUMBER && key.kind != WR_JSON_OBJECT) ||
        (!null && of.kind != WR_JSON_ARRAY)) {
        return cannot_set(run, of, key);
    }
    const struct wr_value *elements = NULL;
    if (!null && !wr_value_elements(arena, of, &elements, &level->count)) {
        return wr_machine_no_memory(run);
    }
    level->room = level->count + 1;
    level->elements = wr_arena_alloc(arena, level->room * sizeof *level->elements);
    for (uint32_t i = 0; level->elements != NULL && elements != NULL && i < level->count; i++) {
        level->elements[i] = elements[i];
    }
    return level->elements != NULL || wr_machine_no_memory(run);
}

/* Open the container that keys[open] looks into. */
static bool open_level(wr_machine *run, struct wr_patch *patch, const struct wr_value *keys)
{
    struct level level = {.members = NULL};
    struct wr_value of = patch->root;
    if (patch->open > 0) {
        const struct level *above = &patch->levels[patch->open - 1];
        double index;
        level.key = keys[patch->open - 1];
        if (!wr_index(run, level_value(above), level.key, &of) ||
            (level.key.kind == WR_JSON_NUMBER && !index_of(run, above, level.key, &index))) {
            return false;
        }
    }
    if (patch->open == patch->room) {
        uint32_t room = 2 * patch->room + 4;
        patch->levels =
            wr_arena_extend(wr_machine_arena(run), patch->levels,
                            patch->room * sizeof *patch->levels, room * sizeof *patch->levels);
        patch->room = room;
    }
    if (patch->levels == NULL) {
        return wr_machine_no_memory(run);
    }
    if (!copy_level(run, of, keys[patch->open], &level)) {
        return false;
    }
    patch->levels[patch->open++] = level;
    return true;
}

/* How many of the keys lead to open levels. */
static bool shared_keys(wr_machine *run, const struct wr_patch *patch, const struct wr_value *keys,
                        uint32_t count, uint32_t *shared)
{
    int order = 0;
    for (*shared = 0; *shared < count && *shared + 1 < patch->open; ++*shared) {
        if (!wr_value_compare(wr_machine_arena(run), patch->levels[*shared + 1].key, keys[*shared],
                              &order)) {
            return wr_machine_no_memory(run);
        }
        if (order != 0) {
            break;
        }
    }
    return true;
}

static bool patch_set(wr_machine *run, struct wr_patch *patch, const struct wr_value *keys,
                      uint32_t count, struct wr_value value)
{
    uint32_t shared;
    if (count == 0) {
        patch->open = 0;
        patch->root = value;
        return true;
    }
    if (!shared_keys(run, patch, keys, count - 1, &shared) ||
        !close_levels(run, patch, shared + 1)) {
        return false;
    }
    if (patch->open > 0) {
        const struct level *last = &patch->levels[patch->open - 1];
        struct wr_value key = keys[patch->open - 1];
        bool fits = last->members != NULL
                        ? key.kind == WR_JSON_STRING
                        : key.kind == WR_JSON_NUMBER || key.kind == WR_JSON_OBJECT;
        if (!fits) {
            return cannot_set(run, level_value(last), key);
        }
    }
    while (patch->open < count) {
        if (!open_level(run, patch, keys)) {
            return false;
        }
    }
    return put(run, &patch->levels[count - 1], keys[count - 1], value);
}

static bool patch_get(wr_machine *run, struct wr_patch *patch, const struct wr_value *keys,
                      uint32_t count, struct wr_value *value)
{
    uint32_t shared;
    if (!shared_keys(run, patch, keys, count, &shared) ||
        !close_levels(run, patch, WR_MIN(shared + 1, count))) {
        return false;
    }
    uint32_t from = patch->open > 0 ? patch->open - 1 : 0;
    *value = patch->open > 0 ? level_value(&patch->levels[from]) : patch->root;
    for (uint32_t i = from; i < count && value->kind != WR_JSON_NULL; i++) {
        if (!wr_index(run, *value, keys[i], value)) {
            return false;
        }
    }
    return true;
}

bool wr_path_set(wr_machine *run, struct wr_value of, struct wr_value path, struct wr_value value,
                 struct wr_value *result)
{
    struct wr_value paths = wr_value_array(&path, 1);
    return wr_paths_set(run, of, paths, value, result);
}

bool wr_paths_set(wr_machine *run, struct wr_value of, struct wr_value paths, struct wr_value value,
                  struct wr_value *result)
{
    struct wr_patch patch = {.root = of};
    const struct wr_value *given;
    const struct wr_value *keys;
    uint32_t count;
    uint32_t keys_count;
    if (!wr_value_elements(wr_machine_arena(run), paths, &given, &count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!keys_of(run, given[i], &keys, &keys_count) ||
            !patch_set(run, &patch, keys, keys_count, value)) {
            return false;
        }
    }
    bool ok = close_levels(run, &patch, 0);
    *result = patch.root;
    return ok;
}

/* ---- deleting */

static bool delete_members(wr_machine *run, struct wr_value of, const struct wr_value *keys,
                           uint32_t count, struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    const struct wr_members *from = wr_value_members(arena, of);
    struct wr_members *gone = wr_members_new(arena, count);
    struct wr_members *made = from != NULL ? wr_members_new(arena, from->count) : NULL;
    for (uint32_t i = 0; gone != NULL && i < count; i++) {
        if (keys[i].kind != WR_JSON_STRING) {
            return wr_machine_fail(run, "Cannot delete field at array index of object");
        }
        gone = wr_members_put(arena, gone, keys[i], keys[i]) ? gone : NULL;
    }
    for (uint32_t i = 0; gone != NULL && made != NULL && i < from->count; i++) {
        const struct wr_member *member = &from->members[i];
        if (!wr_value_has(wr_value_object(gone), wr_value_text(member->key)) &&
            !wr_members_put(arena, made, member->key, member->value)) {
            made = NULL;
        }
    }
    *result = wr_value_object(made);
    return (gone != NULL && made != NULL) || wr_machine_no_memory(run);
}

static bool delete_elements(wr_machine *run, struct wr_value of, const struct wr_value *keys,
                            uint32_t keys_count, struct wr_value *result)
{
    const struct wr_value *elements;
    uint32_t count;
    struct wr_arena *arena = wr_machine_arena(run);
    if (!wr_value_elements(arena, of, &elements, &count)) {
        return wr_machine_no_memory(run);
    }
    bool *gone = wr_arena_alloc(arena, count);
    struct wr_value *made = wr_arena_alloc(arena, count * sizeof *made);
    if (gone == NULL || made == NULL) {
        return wr_machine_no_memory(run);
    }
    memset(gone, 0, count);
    for (uint32_t i = 0; i < keys_count; i++) {
        uint32_t first = 0;
        uint32_t after = 0;
        if (keys[i].kind == WR_JSON_OBJECT) {
            if (!slice_of(run, keys[i], count, &first, &after)) {
                return false;
            }
        } else if (keys[i].kind == WR_JSON_NUMBER) {
            double real = wr_number_real(keys[i]);
            real += real < 0 ? count : 0;
            first = real >= 0 && real < count ? (uint32_t)real : 0;
            after = real >= 0 && real < count ? first + 1 : 0;
        } else {
            return wr_machine_fail(run, "Cannot delete field at object index of array");
        }
        for (; first < after; first++) {
            gone[first] = true;
        }
    }
    uint32_t made_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!gone[i]) {
            made[made_count++] = elements[i];
        }
    }
    *result = wr_value_array(made, made_count);
    return true;
}

/* Whether two paths differ in their last key at most. */
static bool same_parent(wr_machine *run, struct wr_value a, struct wr_value b, bool *same)
{
    const struct wr_value *x;
    const struct wr_value *y;
    uint32_t x_count;
    uint32_t y_count;
    int order = 1;
    if (!keys_of(run, a, &x, &x_count) || !keys_of(run, b, &y, &y_count)) {
        return false;
    }
    *same = x_count == y_count && x_count > 0;
    if (*same && !wr_value_compare(wr_machine_arena(run), wr_value_array(x, x_count - 1),
                                   wr_value_array(y, y_count - 1), &order)) {
        return wr_machine_no_memory(run);
    }
    *same = *same && order == 0;
    return true;
}

/* Delete the last keys of paths that have the same parent. */
static bool delete_group(wr_machine *run, struct wr_patch *patch, const struct wr_value *paths,
                         uint32_t count)
{
    const struct wr_value *keys;
    uint32_t len;
    struct wr_value *last = wr_arena_alloc(wr_machine_arena(run), count * sizeof *last);
    for (uint32_t i = 0; last != NULL && i < count; i++) {
        if (!keys_of(run, paths[i], &keys, &len)) {
            return false;
        }
        last[i] = len > 0 ? keys[len - 1] : wr_value_of(WR_JSON_NULL);
    }
    if (last == NULL || !keys_of(run, paths[0], &keys, &len)) {
        return last != NULL ? false : wr_machine_no_memory(run);
    }
    if (len == 0) { /* the whole value */
        return patch_set(run, patch, keys, 0, wr_value_of(WR_JSON_NULL));
    }
    struct wr_value parent = {.kind = WR_JSON_NULL};
    struct wr_value made = {.kind = WR_JSON_NULL};
    if (!patch_get(run, patch, keys, len - 1, &parent)) {
        return false;
    }
    if (parent.kind == WR_JSON_NULL) {
        return true;
    }
    if (parent.kind < WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Cannot delete fields from %s", wr_kind_name(parent));
    }
    return (parent.kind == WR_JSON_OBJECT ? delete_members(run, parent, last, count, &made)
                                          : delete_elements(run, parent, last, count, &made)) &&
           patch_set(run, patch, keys, len - 1, made);
}

bool wr_paths_delete(wr_machine *run, struct wr_value of, struct wr_value paths,
                     struct wr_value *result)
{
    const struct wr_value *given;
    uint32_t count;
    if (paths.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Paths must be specified as an array");
    }
    if (!wr_value_elements(wr_machine_arena(run), paths, &given, &count)) {
        return wr_machine_no_memory(run);
    }
    struct wr_value *sorted = wr_arena_alloc(wr_machine_arena(run), count * sizeof *sorted);
    if (sorted == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = given[i];
    }
    struct wr_patch patch = {.root = of};
    if (!wr_sort(wr_machine_arena(run), sorted, NULL, count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t end = count; end > 0;) { /* the last ones first: they move no other path */
        uint32_t begin = end - 1;
        bool same = true;
        while (begin > 0 && same) {
            if (!same_parent(run, sorted[begin - 1], sorted[end - 1], &same)) {
                return false;
            }
            begin -= same;
        }
        if (!delete_group(run, &patch, sorted + begin, end - begin)) {
            return false;
        }
        end = begin;
    }
    bool ok = close_levels(run, &patch, 0);
    *result = patch.root;
    return ok;
}

/* ---- updating: a patch as a value, which the machine hands from one path to the next */

static struct wr_patch *patch_of(struct wr_value value)
{
    return (struct wr_patch *)(uintptr_t)value.as.text;
}

/* _patch(value) */
static bool call_begin(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_patch *patch = wr_arena_alloc(wr_machine_arena(run), sizeof *patch);
    if (patch == NULL) {
        return wr_machine_no_memory(run);
    }
    *patch = (struct wr_patch){.root = in[1]};
    *out = (struct wr_value){.kind = WR_VALUE_PATCH, .as.text = (const char *)patch};
    return true;
}

/* _patch_get(path) */
static bool call_get(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    const struct wr_value *keys;
    uint32_t count;
    return keys_of(run, in[1], &keys, &count) && patch_get(run, patch_of(in[0]), keys, count, out);
}

/* _patch_set(path; values): the first of the values; without one, the path is deleted at last. */
static bool call_set(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_patch *patch = patch_of(in[0]);
    const struct wr_value *keys;
    uint32_t count;
    *out = in[0];
    if (in[2].len > 0) {
        return keys_of(run, in[1], &keys, &count) &&
               patch_set(run, patch, keys, count, in[2].as.array[0]);
    }
    if (patch->gone_count == patch->gone_room) {
        uint32_t room = 2 * patch->gone_room + 4;
        patch->gone =
            wr_arena_extend(wr_machine_arena(run), patch->gone,
                            patch->gone_room * sizeof *patch->gone, room * sizeof *patch->gone);
        patch->gone_room = room;
    }
    if (patch->gone == NULL) {
        return wr_machine_no_memory(run);
    }
    patch->gone[patch->gone_count++] = in[1];
    return true;
}

/* _patched(patch) */
static bool call_end(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_patch *patch = patch_of(in[1]);
    return close_levels(run, patch, 0) &&
           wr_paths_delete(run, patch->root, wr_value_array(patch->gone, patch->gone_count), out);
}

const struct wr_function wr_functions_patch[] = {
    {"_patch", 1, .call = call_begin},
    {"_patch_get", 1, .call = call_get},
    {"_patch_set", 2, .call = call_set},
    {"_patched", 1, .call = call_end},
    {.name = NULL},
};
