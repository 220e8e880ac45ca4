/*
 * codec_schema_rule.h - a schema as it is kept: what codec_schema_read.c makes and
 * codec_schema_check.c runs. Internal to codec_schema.
 */
#ifndef WR_CODEC_SCHEMA_RULE_H
#define WR_CODEC_SCHEMA_RULE_H

#include "codec_regex.h"
#include "codec_schema.h"

#define WR_RULE_NONE UINT32_MAX

/* Types of a value, as bits. */
enum {
    WR_TYPE_NULL = 1u,
    WR_TYPE_BOOLEAN = 2u,
    WR_TYPE_INTEGER = 4u,
    WR_TYPE_NUMBER = 8u,
    WR_TYPE_STRING = 16u,
    WR_TYPE_ARRAY = 32u,
    WR_TYPE_OBJECT = 64u,
    WR_TYPES = 7
};
extern const char *const wr_schema_types[WR_TYPES];

enum wr_bound {
    WR_BOUND_MINIMUM,
    WR_BOUND_MAXIMUM,
    WR_BOUND_EXCLUSIVE_MINIMUM,
    WR_BOUND_EXCLUSIVE_MAXIMUM,
    WR_BOUND_MULTIPLE_OF,
    WR_BOUNDS
};
enum wr_size {
    WR_SIZE_MIN_LENGTH, /* each minimum is followed by its maximum */
    WR_SIZE_MAX_LENGTH,
    WR_SIZE_MIN_ITEMS,
    WR_SIZE_MAX_ITEMS,
    WR_SIZE_MIN_PROPERTIES,
    WR_SIZE_MAX_PROPERTIES,
    WR_SIZES
};
extern const char *const wr_schema_bounds[WR_BOUNDS], *const wr_schema_sizes[WR_SIZES];

enum wr_group { WR_GROUP_ALL, WR_GROUP_ANY, WR_GROUP_ONE, WR_GROUPS };

/* One schema. Nodes are those of the schema's text; WR_JSON_NONE and WR_RULE_NONE: not there. */
struct wr_rule {
    uint32_t node;
    bool never, unique, sized, bounded; /* never: the schema false */
    uint8_t types;                      /* 0: any */
    uint32_t constant, choices, required;
    uint32_t bound[WR_BOUNDS], pattern;
    struct wr_regex *regex;
    uint64_t size[WR_SIZES]; /* a maximum that is not there: UINT64_MAX */
    uint32_t properties;     /* their object; the rule of a member is by_node of its value */
    uint32_t additional, items, reference, negated;
    uint32_t group[WR_GROUPS]; /* their arrays */
};

struct wr_schema {
    char *text;
    size_t bytes; /* of all but the memory of a check */
    struct wr_json json;
    struct wr_rule *rules;
    size_t count, cap;
    uint32_t *by_node; /* the rule of the schema at a node */
    /* of a check */
    struct wr_check_frame *frames;
    size_t frames_cap;
    char *scratch;
    size_t scratch_cap;
    uint32_t *order; /* of elements */
    size_t order_cap;
};

#endif
