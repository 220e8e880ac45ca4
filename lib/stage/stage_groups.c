/*
 * stage_groups.c - groups of values by their keys (stage_groups.h). It suspends nowhere.
 *
 * The groups, their keys and what their totals need lie in one arena, which is given back as a whole;
 * the table is charged to it. The hash is another one in each table, so that keys which collide in one
 * do not in the next.
 */
#include "stage_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_hash.h"

enum { PLACES_FIRST = 64, SKETCH_TEXT = 32 };

/* ---- the table */

static size_t table_bytes(size_t places)
{
    return places * sizeof(uint32_t) + places / 2 * sizeof(struct wr_group *);
}

void wr_groups_init(struct wr_groups *groups, enum wr_total total, double share, size_t groups_max,
                    size_t bytes_max)
{
    *groups = (struct wr_groups){.total = total, .share = share, .groups_max = groups_max};
    wr_arena_init(&groups->arena, bytes_max);
}

static void free_table(struct wr_groups *groups)
{
    wr_free(groups->list);
    wr_free(groups->places);
    wr_arena_discharge(&groups->arena, table_bytes(groups->places_count));
    groups->list = NULL;
    groups->places = NULL;
    groups->places_count = 0;
}

void wr_groups_clear(struct wr_groups *groups)
{
    wr_arena_reset(&groups->arena);
    if (groups->places_count > PLACES_FIRST) {
        free_table(groups);
    } else if (groups->places != NULL) {
        memset(groups->places, 0, groups->places_count * sizeof *groups->places);
    }
    groups->count = 0;
}

void wr_groups_fini(struct wr_groups *groups)
{
    free_table(groups);
    wr_arena_fini(&groups->arena);
}

size_t wr_groups_bytes(const struct wr_groups *groups)
{
    return groups->arena.bytes;
}

static int refused(const struct wr_groups *groups)
{
    return groups->arena.full ? WEIR_ETOOLONG : WEIR_ENOMEM;
}

/* Make the table twice as large. */
static int grow(struct wr_groups *groups)
{
    size_t count = groups->places_count > 0 ? groups->places_count * 2 : PLACES_FIRST;
    if (!wr_arena_charge(&groups->arena, table_bytes(count))) {
        return WEIR_ETOOLONG;
    }
    uint32_t *places = wr_zalloc(count * sizeof *places);
    struct wr_group **list = wr_alloc(count / 2 * sizeof *list);
    if (places == NULL || list == NULL) {
        wr_free(places);
        wr_free(list);
        wr_arena_discharge(&groups->arena, table_bytes(count));
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < groups->count; i++) {
        size_t place = groups->list[i]->hash & (count - 1);
        while (places[place] != 0) {
            place = (place + 1) & (count - 1);
        }
        places[place] = (uint32_t)i + 1;
        list[i] = groups->list[i];
    }
    free_table(groups);
    groups->places = places;
    groups->list = list;
    groups->places_count = count;
    return 0;
}

/* Put a new group into a free place of the table. */
static int add_group(struct wr_groups *groups, struct wr_text keys, uint64_t hash, uint32_t *place,
                     struct wr_group **added)
{
    if (groups->count == groups->groups_max) {
        return WEIR_ETOOLONG;
    }
    struct wr_group *group = wr_arena_alloc(&groups->arena, sizeof *group + keys.len);
    if (group == NULL) {
        return refused(groups);
    }
    char *copy = (char *)(group + 1);
    memcpy(copy, keys.data, keys.len);
    *group = (struct wr_group){.hash = hash, .keys = copy, .keys_len = (uint32_t)keys.len};
    groups->list[groups->count++] = group;
    *place = (uint32_t)groups->count;
    *added = group;
    return 0;
}

/* All bits of the result depend on all of the text. */
static uint64_t mixed(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

/* The group of these keys, which may be a new one, and its place. */
static int find(struct wr_groups *groups, struct wr_text keys, struct wr_group **found,
                uint32_t **at)
{
    if (groups->count * 2 >= groups->places_count) {
        int rc = grow(groups);
        if (rc < 0) {
            return rc;
        }
    }
    uint64_t seed = WR_HASH_BEGIN ^ (uintptr_t)groups;
    uint64_t hash = mixed(wr_hash_add(seed, keys.data, keys.len));
    for (size_t place = hash & (groups->places_count - 1);;
         place = (place + 1) & (groups->places_count - 1)) {
        *at = &groups->places[place];
        if (**at == 0) {
            return add_group(groups, keys, hash, *at, found);
        }
        struct wr_group *group = groups->list[**at - 1];
        if (group->hash == hash && group->keys_len == keys.len &&
            memcmp(group->keys, keys.data, keys.len) == 0) {
            *found = group;
            return 0;
        }
    }
}

/* ---- values */

/* Where the first value of a text ends: at the comma behind it, or at the end. */
static size_t value_end(struct wr_text text)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"') {
            for (i++; text.data[i] != '"'; i++) {
                i += text.data[i] == '\\';
            }
        } else if (c == ',' && depth == 0) {
            return i;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
    }
    return text.len;
}

struct wr_text wr_groups_key(struct wr_text *keys)
{
    size_t end = value_end(*keys);
    size_t next = WR_MIN(end + 1, keys->len);
    struct wr_text key = {keys->data, end};
    *keys = (struct wr_text){keys->data + next, keys->len - next};
    return key;
}

/* A number or a string, which may need memory of the arena. */
static bool scalar(struct wr_arena *arena, struct wr_text text, struct wr_value *value)
{
    if (text.data[0] != '"') {
        *value = wr_value_string(text.data, text.len);
        value->kind = WR_JSON_NUMBER;
        return true;
    }
    struct wr_text inside = {text.data + 1, text.len - 2};
    *value = wr_value_string(inside.data, inside.len);
    if (memchr(inside.data, '\\', inside.len) != NULL) {
        char *plain = wr_arena_alloc(arena, inside.len);
        if (plain == NULL) {
            return false;
        }
        *value = wr_value_string(plain, wr_json_unescape(inside, plain));
    }
    return true;
}

/* Is the text to replace the best one? *ok false: no memory. */
static bool is_better(struct wr_groups *groups, const struct wr_group *group, struct wr_text text,
                      bool *ok)
{
    struct wr_arena_mark mark = wr_arena_mark(&groups->arena);
    struct wr_text best = {group->as.best.text, group->as.best.len};
    struct wr_value is;
    struct wr_value was;
    int order = -1;
    if (group->count > 0) {
        *ok = scalar(&groups->arena, text, &is) && scalar(&groups->arena, best, &was) &&
              wr_value_compare(&groups->arena, is, was, &order);
        wr_arena_back(&groups->arena, mark);
        order = groups->total == WR_TOTAL_MOST ? -order : order;
    }
    return order < 0;
}

static bool take_best(struct wr_groups *groups, struct wr_group *group, struct wr_text text)
{
    bool ok = true;
    if (!is_better(groups, group, text, &ok) || !ok) {
        return ok;
    }
    if (text.len > group->room) {
        size_t room = WR_MAX(text.len, (size_t)group->room * 2);
        char *bytes = wr_arena_alloc(&groups->arena, room);
        if (bytes == NULL) {
            return false;
        }
        group->as.best.text = bytes;
        group->room = (uint32_t)room;
    }
    memcpy(group->as.best.text, text.data, text.len);
    group->as.best.len = text.len;
    return true;
}

/* false: no memory, nothing has changed. */
static bool take_value(struct wr_groups *groups, struct wr_group *group, struct wr_text text)
{
    struct wr_value number = wr_value_string(text.data, text.len);
    number.kind = WR_JSON_NUMBER;
    switch (groups->total) {
    case WR_TOTAL_COUNT: return true;
    case WR_TOTAL_SUM:
    case WR_TOTAL_AVERAGE: wr_number_add(&group->as.sum, number); return true;
    case WR_TOTAL_LEAST:
    case WR_TOTAL_MOST: return take_best(groups, group, text);
    case WR_TOTAL_QUANTILE:
        return wr_quantiles_add(&group->as.quantiles, &groups->arena, wr_number_real(number));
    case WR_TOTAL_DISTINCT: break;
    }
    return wr_distinct_add(&group->as.distinct, &groups->arena,
                           mixed(wr_hash(text.data, text.len)));
}

int wr_groups_add(struct wr_groups *groups, struct wr_text text)
{
    struct wr_text keys = {text.data + 1, text.len - 2};
    struct wr_text value = {"", 0};
    size_t before = groups->count;
    struct wr_group *group;
    uint32_t *place;
    if (groups->total != WR_TOTAL_COUNT) {
        value = wr_groups_key(&keys);
    }
    int rc = find(groups, keys, &group, &place);
    if (rc < 0) {
        return rc;
    }
    if (value.len > 0 && value.data[0] == 'n') { /* null */
        return 0;
    }
    if (!take_value(groups, group, value)) {
        *place = groups->count > before ? 0 : *place;
        groups->count = before;
        return refused(groups);
    }
    group->count++;
    return 0;
}

/* ---- totals */

static void write_number(struct wr_value number, struct wr_out *out)
{
    char scratch[WR_NUMBER_CAP];
    struct wr_text text = wr_number_text(number, scratch);
    wr_out_bytes(out, text.data, text.len);
}

static bool write_sum(struct wr_groups *groups, const struct wr_number_sum *sum, struct wr_out *out)
{
    struct wr_arena_mark mark = wr_arena_mark(&groups->arena);
    struct wr_value value;
    bool ok = wr_number_sum_value(&groups->arena, sum, &value);
    if (ok) {
        write_number(value, out);
    }
    wr_arena_back(&groups->arena, mark);
    return ok;
}

bool wr_groups_write(struct wr_groups *groups, const struct wr_group *group, struct wr_out *out)
{
    static const struct wr_group none;
    group = group != NULL ? group : &none;
    switch (groups->total) {
    case WR_TOTAL_COUNT: write_number(wr_value_integer((int64_t)group->count), out); return true;
    case WR_TOTAL_SUM: return write_sum(groups, &group->as.sum, out);
    case WR_TOTAL_DISTINCT:
        write_number(wr_value_integer((int64_t)wr_distinct_count(&group->as.distinct)), out);
        return true;
    default: break;
    }
    if (group->count == 0) {
        wr_out_string(out, "null");
    } else if (groups->total == WR_TOTAL_AVERAGE) {
        write_number(wr_number_of_real(wr_number_sum_real(&group->as.sum) / (double)group->count),
                     out);
    } else if (groups->total == WR_TOTAL_QUANTILE) {
        /* More digits would look as if they were right. */
        char text[SKETCH_TEXT];
        (void)snprintf(text, sizeof text, "%.4g",
                       wr_quantiles_at(&group->as.quantiles, groups->share));
        write_number(wr_number_of_real(strtod(text, NULL)), out);
    } else {
        wr_out_bytes(out, group->as.best.text, group->as.best.len);
    }
    return true;
}
