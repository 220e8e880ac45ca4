/*
 * stage_order.h - sorts keys, which are bytes, fast and stable. Internal.
 */
#ifndef WR_STAGE_ORDER_H
#define WR_STAGE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_order_key {
    const char *bytes; /* compared as memcmp does; a key before all that begin with it */
    size_t len;
};

/* What is sorted: the number of a key, with a part of the key. */
struct wr_order_pair {
    uint64_t part;
    uint32_t index;
};

/* Let other tasks run; not 0: stop. */
typedef int wr_order_turn(void *ctx);

/* Write the numbers of `count` keys in their order to pairs[].index; equal keys keep their order. spare:
 * room for as many pairs. desc: the largest first. 0; WEIR_ENOMEM; or what turn returned. */
int wr_order(const struct wr_order_key *keys, struct wr_order_pair *pairs,
             struct wr_order_pair *spare, size_t count, bool desc, wr_order_turn *turn, void *ctx);

#endif
