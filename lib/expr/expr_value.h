/*
 * expr_value.h - the values of expressions: JSON values that lie in a document, or were built in the
 * arena of a running expression.
 *
 * A value is 16 bytes and is copied freely. What it points to never changes: a document, an arena,
 * or the program's constants; it is valid until the arena is reset or the document goes. A string is
 * UTF-8 without escapes, not terminated, and may contain NUL. A number keeps its text until it is
 * computed with. Arrays and objects are nodes of a document, or built: then elements
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

/* A mark of one value: messages do not show it. What is computed from it has no mark. */
enum { WR_VALUE_SECRET = 1 };

struct wr_members;

struct wr_value {
    uint8_t kind;  /* enum wr_json_kind, in jq's order of kinds */
    uint8_t form;  /* enum wr_value_form; null, false and true have none */
    uint16_t mark; /* 0, or WR_VALUE_SECRET */
    uint32_t len;
    union {
        const char *text;
        int64_t integer;
        double real;
        const struct wr_json *json;
        const struct wr_value *array;
        const struct wr_members *object;
    } as;
};

struct wr_member {
    struct wr_value key, value;
};

/* A built object. No two keys are equal. It changes only until it is given to others. */
struct wr_members {
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

static inline struct wr_value wr_value_object(const struct wr_members *object)
{
    return (struct wr_value){.kind = WR_JSON_OBJECT, .form = WR_FORM_BUILT, .as.object = object};
}

/* In all that follows, false and NULL mean that the arena has no more memory. */

/* The value at a node. A string with escapes is decoded into the arena. */
bool wr_value_node(struct wr_arena *arena, const struct wr_json *json, uint32_t node,
                   struct wr_value *value);
/* A copy of the bytes. */
bool wr_value_copy_string(struct wr_arena *arena, const char *bytes, size_t len,
                          struct wr_value *value);
/* The elements of an array, and the members of an object without those whose key comes again. */
bool wr_value_elements(struct wr_arena *arena, struct wr_value array,
                       const struct wr_value **elements, uint32_t *count);
const struct wr_members *wr_value_members(struct wr_arena *arena, struct wr_value object);
/* The members in the order of their keys. */
bool wr_value_sorted(struct wr_arena *arena, struct wr_value object,
                     const struct wr_member **members, uint32_t *count);
/* The value of a member, or of an element counted from 0; null if there is none. */
bool wr_value_get(struct wr_arena *arena, struct wr_value object, struct wr_text key,
                  struct wr_value *value);
bool wr_value_at(struct wr_arena *arena, struct wr_value array, int64_t index,
                 struct wr_value *value);
/* The number of elements or members. */
bool wr_value_count(struct wr_arena *arena, struct wr_value container, uint32_t *count);
/* Whether there is such a member. */
bool wr_value_has(struct wr_value object, struct wr_text key);

struct wr_members *wr_members_new(struct wr_arena *arena, uint32_t room);
/* Set a member: a key that is there keeps its place. */
bool wr_members_put(struct wr_arena *arena, struct wr_members *object, struct wr_value key,
                    struct wr_value value);

/* jq's order: null, false, true, numbers, strings, arrays, objects. *order is below, at or above 0.
 */
bool wr_value_compare(struct wr_arena *arena, struct wr_value a, struct wr_value b, int *order);
int wr_text_compare(struct wr_text a, struct wr_text b);
/* Sort values by their keys, which move with them; keys NULL: by themselves. Equal ones keep their
 * order. */
bool wr_sort(struct wr_arena *arena, struct wr_value *values, struct wr_value *keys,
             uint32_t count);

/* ---- numbers: expr_number.c */

/* Exact, whatever their form: 1, 1.0 and 1e0 are equal. */
int wr_number_compare(struct wr_value a, struct wr_value b);
/* Whether it is a whole number of 64 bits; its value. */
bool wr_number_whole(struct wr_value number, int64_t *whole);
double wr_number_real(struct wr_value number);
struct wr_value wr_number_of_real(double real);
/* a OP b, enum wr_operator: ADD, SUBTRACT, MULTIPLY or DIVIDE; the divisor is not 0. The result is
 * exact where its digits are fewer than 38; else, and for quotients that do not end, it is rounded
 * to a double. */
bool wr_number_compute(struct wr_arena *arena, int op, struct wr_value a, struct wr_value b,
                       struct wr_value *result);
/* The remainder of their whole parts, with the sign of a; b is at least 1, or at most -1. False: no
 * memory. */
bool wr_number_remainder(struct wr_arena *arena, struct wr_value a, struct wr_value b,
                         struct wr_value *result);
/* Rounded to a whole number by floor, ceil, round or trunc; exact as above. False: no memory. */
bool wr_number_rounded(struct wr_arena *arena, struct wr_value number, double (*function)(double),
                       struct wr_value *result);
/* A sum that grows, exact as wr_number_compute is. Zeroed: 0. */
struct wr_number_sum {
    uint64_t low; /* with high: a mantissa of 128 bits, for 10^power */
    int64_t high, power;
    bool rounded; /* `real` is the sum, and `lost` what its roundings have lost */
    double real, lost;
};
void wr_number_add(struct wr_number_sum *sum, struct wr_value number);
double wr_number_sum_real(const struct wr_number_sum *sum);
bool wr_number_sum_value(struct wr_arena *arena, const struct wr_number_sum *sum,
                         struct wr_value *value);
/* The text of a number: its own, or one that is written to `scratch`. */
enum { WR_NUMBER_CAP = 32 };
struct wr_text wr_number_text(struct wr_value number, char scratch[WR_NUMBER_CAP]);

/* ---- texts: expr_text.c */

/* A text that grows in an arena. */
struct wr_text_writer {
    struct wr_arena *arena;
    char *data;
    size_t len, room;
    bool failed; /* no more memory: the text is cut */
};
void wr_write_bytes(struct wr_text_writer *writer, const char *bytes, size_t len);
/* Control characters as JSON escapes; string: quotes and backslashes, too. */
void wr_write_escaped(struct wr_text_writer *writer, struct wr_text text, bool string);
/* Whether the value stays the same when it is written as JSON and read again: not if a number was
 * computed as a double, whose text counts as exact. May say no for a large one. Its strings are taken
 * to be UTF-8. */
bool wr_value_keeps(struct wr_value value);
/* As JSON without white space, each key once. Numbers are written as they stand, strings with the
 * escapes that JSON needs, and with \u007f. */
void wr_write_json(struct wr_text_writer *writer, struct wr_value value);
/* As a string; false: no more memory. */
bool wr_text_writer_string(const struct wr_text_writer *writer, struct wr_value *string);

#endif
