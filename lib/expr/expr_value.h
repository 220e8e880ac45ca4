/*
 * expr_value.h - the values of expressions: JSON values that lie in a document, or were built in the
 * arena of a running expression.
 *
 * A value is 16 bytes and is copied freely. What it points to never changes: a document, an arena,
 * or the program's constants; it is valid until the arena is reset or the document goes. A string is
 * UTF-8 without escapes, not terminated, and may contain NUL. A number keeps its text until
 * somebody computes with it. Arrays and objects are nodes of a document, or built: then elements
 * stand one behind the other, and members in the order in which their keys came first.
 */
#ifndef WR_EXPR_VALUE_H
#define WR_EXPR_VALUE_H

#include "codec_json.h"
#include "expr_arena.h"

enum wr_value_form {
    WR_FORM_TEXT,    /* a string, or a number as its JSON text: as.text, len */
    WR_FORM_INTEGER, /* a number: as.integer */
    WR_FORM_REAL,    /* a number: as.real, finite */
    WR_FORM_NODE,    /* an array or object of a document: as.json, len is the node */
    WR_FORM_BUILT    /* an array or object: as.array with len elements, or as.object */
};

struct wr_object;

struct wr_value {
    uint8_t kind; /* enum wr_json_kind, in jq's order of kinds */
    uint8_t form; /* enum wr_value_form; null, false and true have none */
    uint16_t spare;
    uint32_t len;
    union {
        const char *text;
        int64_t integer;
        double real;
        const struct wr_json *json;
        const struct wr_value *array;
        const struct wr_object *object;
    } as;
};

struct wr_member {
    struct wr_value key, value;
};

/* A built object. No two keys are equal. */
struct wr_object {
    uint32_t count, room;
    struct wr_member *members;
    uint32_t
        *slots; /* of a large object: a hash table of member numbers + 1; its size is `mask`+1 */
    uint32_t mask;
};

static inline struct wr_value wr_value_of(enum wr_json_kind kind)
{
    return (struct wr_value){.kind = (uint8_t)kind};
}

static inline struct wr_value wr_value_bool(bool yes)
{
    return wr_value_of(yes ? WR_JSON_TRUE : WR_JSON_FALSE);
}

static inline struct wr_value wr_value_integer(int64_t integer)
{
    return (struct wr_value){
        .kind = WR_JSON_NUMBER, .form = WR_FORM_INTEGER, .as.integer = integer};
}

/* The bytes must stay. */
static inline struct wr_value wr_value_string(const char *bytes, size_t len)
{
    return (struct wr_value){.kind = WR_JSON_STRING, .len = (uint32_t)len, .as.text = bytes};
}

static inline struct wr_value wr_value_array(const struct wr_value *elements, size_t count)
{
    return (struct wr_value){
        .kind = WR_JSON_ARRAY, .form = WR_FORM_BUILT, .len = (uint32_t)count, .as.array = elements};
}

static inline struct wr_text wr_value_text(struct wr_value string)
{
    return (struct wr_text){string.as.text, string.len};
}

/* All but false and null. */
static inline bool wr_value_true(struct wr_value value)
{
    return value.kind > WR_JSON_FALSE;
}

#endif
