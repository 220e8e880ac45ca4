/*
 * codec_fields.h - the fields that a decoder finds in one text: a line, a row, a datagram.
 *
 * A decoder of records is a function of one whole text. It adds names and values, which are slices
 * of the text, of `made` (a value whose escapes were removed), or of memory that outlives the
 * fields. The caller keeps one struct for many texts, so there is no allocation for a text that is
 * no larger than those before it. Sans-I/O.
 */
#ifndef WR_CODEC_FIELDS_H
#define WR_CODEC_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

#include "base_error.h"
#include "codec_excerpt.h"

enum {
    WR_FIELDS_MAX = 4096, /* of one record: a text with more is rejected */
    WR_FIELDS_NONE = 1    /* a decoder's result: the text is valid and holds no record */
};

struct wr_fields {
    weir_slice *names, *values;
    uint8_t *kinds; /* if `typed`: of the values, enum weir_value_kind; 0: a string */
    bool typed;
    size_t count, cap;
    uint32_t shared; /* not 0: the names are a list that many records share and that outlives the
                        text; another list has another number */
    uint32_t flags;  /* of the item that the text is from: enum weir_item_flags */
    uint32_t origin; /* of that item */
    char *made;      /* has room for as many bytes as the text has, or as were reserved */
    size_t made_len, made_cap;
    weir_slice body;     /* of a text with several records: the part that this one is of */
    bool binary;         /* the text is not for people: a reason does not show what is there */
    const char *problem; /* of a text that is rejected: static */
    size_t at;           /* ... and where: a byte of the text, from 0 */
};

/* Zeroed: usable. */
void wr_fields_fini(struct wr_fields *fields);
/* The memory that it holds. */
static inline size_t wr_fields_bytes(const struct wr_fields *fields)
{
    return fields->cap * (2 * sizeof *fields->names + sizeof *fields->kinds) + fields->made_cap;
}
/* Remove the fields of the text before, and make room for the values made of a text of text_len
 * bytes. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int wr_fields_begin(struct wr_fields *fields, size_t text_len);
/* Make room for values of this many bytes, as long as none has been made. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int wr_fields_reserve(struct wr_fields *fields, size_t made_bytes);
/* The text is not valid: returns WEIR_EPARSE, which the decoder returns. */
static inline int wr_fields_bad(struct wr_fields *fields, size_t at, const char *problem)
{
    fields->at = at;
    fields->problem = problem;
    return WEIR_EPARSE;
}
/* The slow part of wr_fields_add. */
WEIR_MUST_CHECK int wr_fields_grow(struct wr_fields *fields);
/* 0, WEIR_EPARSE (more than WR_FIELDS_MAX fields; `at` is not set) or WEIR_ENOMEM. */
WEIR_MUST_CHECK static inline int wr_fields_add(struct wr_fields *fields, weir_slice name,
                                                weir_slice value)
{
    int rc = fields->count < fields->cap ? 0 : wr_fields_grow(fields);
    if (rc == 0) {
        fields->names[fields->count] = name;
        fields->values[fields->count++] = value;
    }
    return rc;
}

/* The same with a kind, enum weir_value_kind. */
WEIR_MUST_CHECK static inline int wr_fields_add_kind(struct wr_fields *fields, weir_slice name,
                                                     weir_slice value, uint8_t kind)
{
    int rc = wr_fields_add(fields, name, value);
    if (rc == 0) {
        fields->kinds[fields->count - 1] = kind;
        fields->typed = true;
    }
    return rc;
}
/* The same for a value that the format means as a number: if it is one, its kind is that, and it is
 * written as JSON has it (1 for +1 and 01, 0.5 for .5). What is none, as NaN, stays a string. The
 * value is a part of the text, and a byte of the text before it belongs to no value. */
/* [+-]digits[.digits][e[+-]digits], with digits on one side of the point at least. */
bool wr_is_number(weir_slice text);
WEIR_MUST_CHECK int wr_fields_add_number(struct wr_fields *fields, weir_slice name,
                                         weir_slice value);

/* Give each value that is a number as JSON writes it (not 01, +1 or .5) the kind of a number. */
void wr_fields_type_numbers(struct wr_fields *fields);

/* The bytes [from, to) of a text. */
static inline weir_slice wr_slice_of(weir_slice text, size_t from, size_t to)
{
    return (weir_slice){text.data + from, to - from};
}
#define WR_SLICE(literal)            \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* A part of the text without the backslash before each of the bytes in `plain`; other backslashes
 * stay. In `made`, or the part itself if it has no backslash. */
weir_slice wr_fields_unquote(struct wr_fields *fields, weir_slice part, const char *plain);
/* The same for the escapes of C and of JSON: \n, \", \x1f, \u00e9, \U0001f600, and pairs of
 * surrogates; a single surrogate is U+FFFD. False: *bad is the index of a backslash that begins
 * none of them. */
bool wr_fields_unescape(struct wr_fields *fields, weir_slice part, weir_slice *value, size_t *bad);

/* Why the text was rejected. */
static inline struct wr_fault wr_fields_fault(const struct wr_fields *fields, weir_slice text)
{
    return (struct wr_fault){
        .problem = fields->problem, .text = text, .at = fields->at, .binary = fields->binary};
}

#endif
