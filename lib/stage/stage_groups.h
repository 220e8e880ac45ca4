/*
 * stage_groups.h - groups of values by their keys, each with one total: a count, a sum, a quantile.
 * Internal.
 *
 * A value comes as the JSON text of an array, VALUE and then the KEYS: [12,"a","b"]. A key is the text
 * of these, so 1 and 1.0 are two groups. All memory is the table's own, and is bounded: a value for
 * which there is no place is refused, and the table stays as it is.
 */
#ifndef WR_STAGE_GROUPS_H
#define WR_STAGE_GROUPS_H

#include "codec_out.h"
#include "expr_value.h"
#include "stage_sketch.h"

enum wr_total {
    WR_TOTAL_COUNT, /* the text has no VALUE */
    WR_TOTAL_SUM,
    WR_TOTAL_AVERAGE,
    WR_TOTAL_LEAST,
    WR_TOTAL_MOST,
    WR_TOTAL_QUANTILE,
    WR_TOTAL_DISTINCT
};

struct wr_group {
    uint64_t hash;
    uint64_t count; /* of values: null is none */
    const char *keys;
    uint32_t keys_len, room; /* of `text` */
    union {
        struct wr_number_sum sum;
        struct {
            char *text;
            size_t len;
        } best;
        struct wr_quantiles quantiles;
        struct wr_distinct distinct;
    } as;
};

struct wr_groups {
    enum wr_total total;
    double share; /* of QUANTILE */
    size_t groups_max;
    struct wr_arena arena;
    struct wr_group **list; /* in the order in which their keys came first */
    size_t count;
    uint32_t *places; /* a hash table of numbers in the list, and 1; at most half of it is used */
    size_t places_count;
};

/* bytes_max: of all memory. */
void wr_groups_init(struct wr_groups *groups, enum wr_total total, double share, size_t groups_max,
                    size_t bytes_max);
void wr_groups_fini(struct wr_groups *groups);
/* No groups any more. */
void wr_groups_clear(struct wr_groups *groups);
size_t wr_groups_bytes(const struct wr_groups *groups);
/* Add a value. 0; WEIR_ETOOLONG: there are too many groups, or too little memory (full); WEIR_ENOMEM. */
int wr_groups_add(struct wr_groups *groups, struct wr_text text);
/* The next key of a group; `keys` moves behind it. */
struct wr_text wr_groups_key(struct wr_text *keys);
/* Write the total of a group as JSON; group NULL: of no values. false: no memory. */
bool wr_groups_write(struct wr_groups *groups, const struct wr_group *group, struct wr_out *out);

#endif
