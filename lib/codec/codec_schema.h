/*
 * codec_schema.h - JSON Schema: a schema is read once, and values are checked against it in place
 * (codec_json.h). Sans-I/O.
 *
 * The keywords are those of draft 2020-12: type, enum, const, minimum, maximum, exclusiveMinimum,
 * exclusiveMaximum, multipleOf, minLength, maxLength, pattern, minItems, maxItems, uniqueItems, items,
 * minProperties, maxProperties, required, properties, additionalProperties, allOf, anyOf, oneOf, not,
 * $ref to a place in the same schema ("#" or "#/..."), and schemas that are true or false. $defs and
 * definitions hold schemas; $schema, $id (of the whole schema), $comment, title, description, default,
 * examples, format, deprecated, readOnly, writeOnly, contentEncoding and contentMediaType are read as
 * annotations. Any other keyword is refused: a schema that says more than is checked would accept what
 * it must not.
 *
 * Numbers are compared exactly, whatever their size; 1.0 is an integer, and equals 1. Lengths of
 * strings count characters. A pattern is one of PCRE2 on characters, which matches anywhere in a string. Of members with
 * equal keys each one is checked.
 */
#ifndef WR_CODEC_SCHEMA_H
#define WR_CODEC_SCHEMA_H

#include "codec_json.h"

enum {
    WR_SCHEMA_RULES_MAX = 100000, /* schemas in a schema */
    WR_SCHEMA_EQUAL_DEPTH =
        32, /* brackets in a const or enum; what is deeper is compared as text */
    WR_SCHEMA_FRAMES_MAX = 16384,  /* schemas that are being checked, one inside another */
    WR_SCHEMA_STEPS_MIN = 1000000, /* steps of a check; and ... */
    WR_SCHEMA_STEPS_TOKEN = 100,   /* ... for each token of the value */
    WR_SCHEMA_REASON = 256         /* bytes of a reason, with its NUL */
};

struct wr_schema;

/* Read a schema. The text is copied. NULL: *code is WEIR_EPARSE and `why` has the place and the
 * reason, "/properties/a: the keyword \"if\" is not known"; or WEIR_ENOMEM. */
struct wr_schema *wr_schema_new(const char *text, size_t len, int *code,
                                char why[WR_SCHEMA_REASON]);
/* NULL is allowed. */
void wr_schema_free(struct wr_schema *schema);
/* The memory that it holds, with that of checks. */
size_t wr_schema_bytes(const struct wr_schema *schema);
/* Free what the check of a large value has needed. */
void wr_schema_trim(struct wr_schema *schema);
/* Check a whole value. 0; WEIR_EPARSE: it is not as the schema says, and `why` has the place in the
 * value and the keyword, "/user/age: minimum 0, got -3"; WEIR_ENOMEM. */
int wr_schema_check(struct wr_schema *schema, const struct wr_json *json,
                    char why[WR_SCHEMA_REASON]);

#endif
