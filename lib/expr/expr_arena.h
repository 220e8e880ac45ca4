/*
 * expr_arena.h - memory for one parsed or running expression: given piece by piece, taken back all
 * at once or down to a mark.
 *
 * An arena keeps some of its memory when it is reset, so that one item after another needs no
 * allocation. bytes_max bounds it: what would go beyond is refused, and `full` tells that from a
 * lack of memory.
 */
#ifndef WR_EXPR_ARENA_H
#define WR_EXPR_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct wr_arena_chunk;

struct wr_arena {
    struct wr_arena_chunk *first, *now; /* a list; `now` is the one that gives */
    char *at, *end;                     /* the free part of `now` */
    size_t bytes, bytes_max;            /* of all chunks, and what was charged */
    bool full;                          /* the last refusal was for bytes_max */
};

struct wr_arena_mark {
    struct wr_arena_chunk *now;
    char *at;
};

/* Allocates nothing. */
void wr_arena_init(struct wr_arena *arena, size_t bytes_max);
void wr_arena_fini(struct wr_arena *arena);
/* `bytes` that are not initialised, aligned for any object; NULL: no memory, or over the limit. */
void *wr_arena_alloc(struct wr_arena *arena, size_t bytes);
/* As realloc, for memory of this arena: in place if nothing was given after it. */
void *wr_arena_extend(struct wr_arena *arena, void *old, size_t old_bytes, size_t bytes);
/* Take back all that was given after the mark was made. */
struct wr_arena_mark wr_arena_mark(const struct wr_arena *arena);
void wr_arena_back(struct wr_arena *arena, struct wr_arena_mark mark);
/* Count memory from elsewhere as the arena's. false: it is over the limit. */
bool wr_arena_charge(struct wr_arena *arena, size_t bytes);
void wr_arena_discharge(struct wr_arena *arena, size_t bytes);
/* Take back everything. */
void wr_arena_reset(struct wr_arena *arena);

#endif
