/*
 * codec_schema_value.h - what a schema asks of single values: exact numbers, equality, characters, and
 * where a value stands. Internal to codec_schema.
 */
#ifndef WR_CODEC_SCHEMA_VALUE_H
#define WR_CODEC_SCHEMA_VALUE_H

#include "base_print.h"
#include "codec_json.h"

/* -1, 0 or 1, as a is less than, equal to or greater than b: numbers of JSON. */
int wr_schema_compare(struct wr_text a, struct wr_text b);
bool wr_schema_is_integer(struct wr_text number);
/* Is it a divisor that wr_schema_divides can take: above 0, at most 18 digits? */
bool wr_schema_is_divisor(struct wr_text number);
bool wr_schema_divides(struct wr_text divisor, struct wr_text number);
/* A bound for work: more than `max` steps make a comparison false, and the caller ends the check. */
struct wr_schema_steps {
    uint64_t taken, max;
};
/* Deeper than WR_SCHEMA_EQUAL_DEPTH, texts are compared. */
bool wr_schema_equal(const struct wr_json *a, uint32_t a_node, const struct wr_json *b,
                     uint32_t b_node, struct wr_schema_steps *steps);
/* The order of two values of one text: by their kinds, then numbers by their values and strings by
 * their bytes. Two arrays, and two objects, count as equal. */
struct wr_schema_ordered {
    const struct wr_json *json;
    struct wr_schema_steps *steps;
};
int wr_schema_order(const void *ordered, uint32_t a, uint32_t b);
/* Characters of a UTF-8 text. */
size_t wr_schema_characters(struct wr_text text);
/* Members or elements. */
size_t wr_schema_size(const struct wr_json *json, uint32_t node);
/* Write the place of a node, "/a/0/b"; of the root "(root)". */
void wr_schema_place(struct wr_print *out, const struct wr_json *json, uint32_t node);

#endif
