/*
 * codec_row.c - the members of a JSON value as names with values.
 *
 * A name that came before is found by a bit for each hash of a name: most objects have no equal
 * names, and then no two of them are compared.
 */
#include "codec_row.h"

#include <stdio.h>
#include <string.h>

#include "base_hash.h"

enum { HASHES = 8192, NUMBER_BYTES = 5 /* of WR_FIELDS_MAX, with its NUL */ };

struct reading {
    struct wr_fields *fields;
    const struct wr_json *json;
    uint64_t seen[HASHES / 64];
};

static weir_slice made(struct wr_fields *fields, char *begin, size_t len)
{
    fields->made_len += len;
    return (weir_slice){begin, len};
}

static weir_slice string_of(struct reading *r, uint32_t node)
{
    char *to = r->fields->made + r->fields->made_len;
    struct wr_text inside = wr_json_inside(r->json, node);
    return wr_json_escaped(r->json, node) ? made(r->fields, to, wr_json_unescape(inside, to))
                                          : (weir_slice){inside.data, inside.len};
}

static weir_slice value_of(struct reading *r, uint32_t node, uint8_t *kind)
{
    static const uint8_t kinds[] = {
        [WR_JSON_NULL] = WEIR_VALUE_NULL,     [WR_JSON_FALSE] = WEIR_VALUE_BOOL,
        [WR_JSON_TRUE] = WEIR_VALUE_BOOL,     [WR_JSON_NUMBER] = WEIR_VALUE_NUMBER,
        [WR_JSON_STRING] = WEIR_VALUE_STRING, [WR_JSON_ARRAY] = WEIR_VALUE_ARRAY,
        [WR_JSON_OBJECT] = WEIR_VALUE_OBJECT,
    };
    char *to = r->fields->made + r->fields->made_len;
    *kind = kinds[wr_json_kind(r->json, node)];
    if (*kind == WEIR_VALUE_NULL) {
        return (weir_slice){"", 0};
    }
    if (*kind == WEIR_VALUE_STRING) {
        return string_of(r, node);
    }
    struct wr_text text = wr_json_text(r->json, node);
    return *kind == WEIR_VALUE_ARRAY || *kind == WEIR_VALUE_OBJECT
               ? made(r->fields, to, wr_json_compact(r->json, node, to))
               : (weir_slice){text.data, text.len};
}

static bool same(weir_slice a, weir_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static int add_member(struct reading *r, weir_slice name, uint32_t node)
{
    uint8_t kind;
    struct wr_fields *fields = r->fields;
    uint64_t hash = wr_hash(name.data, name.len) % HASHES;
    weir_slice value = value_of(r, node, &kind);
    bool seen = (r->seen[hash / 64] >> hash % 64 & 1) != 0;
    for (size_t i = 0; seen && i < fields->count; i++) {
        if (same(fields->names[i], name)) {
            fields->values[i] = value;
            fields->kinds[i] = kind;
            return 0;
        }
    }
    r->seen[hash / 64] |= UINT64_C(1) << hash % 64;
    return wr_fields_add_kind(fields, name, value, kind);
}

static int add_members(struct reading *r)
{
    int rc = 0;
    for (uint32_t key = wr_json_first(r->json, WR_JSON_ROOT); rc == 0 && key != WR_JSON_NONE;
         key = wr_json_next(r->json, wr_json_value(key))) {
        rc = add_member(r, string_of(r, key), wr_json_value(key));
    }
    return rc;
}

static int add_elements(struct reading *r)
{
    int rc = 0;
    struct wr_fields *fields = r->fields;
    for (uint32_t e = wr_json_first(r->json, WR_JSON_ROOT); rc == 0 && e != WR_JSON_NONE;
         e = wr_json_next(r->json, e)) {
        uint8_t kind;
        char *to = fields->made + fields->made_len;
        int len = fields->count < WR_FIELDS_MAX
                      ? snprintf(to, NUMBER_BYTES, "%zu", fields->count + 1)
                      : 0;
        weir_slice name = made(fields, to, (size_t)len);
        weir_slice value = value_of(r, e, &kind);
        rc = wr_fields_add_kind(fields, name, value, kind);
    }
    return rc;
}

int wr_row_of_json(struct wr_fields *fields, const struct wr_json *json, struct wr_row *row)
{
    struct reading r = {.fields = fields, .json = json};
    enum wr_json_kind kind = wr_json_kind(json, WR_JSON_ROOT);
    size_t numbers = kind == WR_JSON_ARRAY ? (size_t)NUMBER_BYTES * WR_FIELDS_MAX : 0;
    int rc = wr_fields_begin(fields, json->len + numbers);
    if (rc == 0 && kind != WR_JSON_OBJECT && kind != WR_JSON_ARRAY) {
        rc = wr_fields_bad(fields, 0, "the value is neither an object nor an array");
    }
    if (rc == 0) {
        rc = kind == WR_JSON_OBJECT ? add_members(&r) : add_elements(&r);
    }
    *row = (struct wr_row){.names = fields->names,
                           .values = fields->values,
                           .kinds = fields->kinds,
                           .count = fields->count,
                           .text = {json->text, json->len},
                           .list = kind == WR_JSON_ARRAY};
    return rc;
}

int wr_row_bad(struct wr_fields *fields, const struct wr_row *row, weir_slice part,
               const char *problem)
{
    uintptr_t at = (uintptr_t)part.data - (uintptr_t)row->text.data;
    return wr_fields_bad(fields, at < row->text.len ? at : 0, problem);
}
