/*
 * co_stack.h - stacks for coroutines: slabs of address space, guarded, pooled last in first out.
 *
 * The idea. Address space is cheap; touched pages are not. Stacks are mapped many at a time and
 * cost nothing until they run. The record of a stack is outside its memory. A stack that is given
 * back keeps its pages for the next taker, up to a maximum number of stacks; the others lose their
 * pages. A guard below each stack turns an overflow into a fault. When the system gives no more
 * guards, the guard area is checked when the stack is given back.
 *
 * Lifetime.  A pool is freed after all its stacks have been given back.
 * Failure.   NULL, never an abort, except when an overflow is detected.
 * Threads.   One pool for each loop; a pool and its stacks stay on one thread.
 */
#ifndef WR_CO_STACK_H
#define WR_CO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_stack_pool;

struct wr_stack {
    char *bottom;               /* lowest usable byte, directly above the guard */
    char *top;                  /* one past the highest usable byte, coloured, 16-byte aligned */
    struct wr_stack *next;      /* in one of the pool's lists while it is not in use */
    struct wr_stack_pool *pool; /* the pool that it is given back to */
    unsigned valgrind_id;
    bool guarded;   /* false: the guard area is checked when the stack is given back */
    bool protected; /* the guard costs entries in the kernel's map, which are limited */
    bool alone;     /* mapped by wr_stack_map, unmapped after it is given back */
};

/* A pool whose stacks have stack_bytes of usable memory each, rounded up to pages and to a minimum
 * of 16 KiB above the largest signal frame. Nothing is mapped before the first take. NULL: out of
 * memory. */
struct wr_stack_pool *wr_stack_pool_new(size_t stack_bytes);
/* All stacks must have been given back. NULL is allowed. */
void wr_stack_pool_free(struct wr_stack_pool *pool);
/* A stack of the pool's size; NULL: out of memory or address space. Its memory holds no particular
 * values. */
struct wr_stack *wr_stack_take(struct wr_stack_pool *pool);
/* A stack of another size, mapped on its own; NULL as above. */
struct wr_stack *wr_stack_map(struct wr_stack_pool *pool, size_t stack_bytes);
/* Give a stack back. This may run on the same stack, directly before wr_co_leave: nothing touches
 * its memory until the next take, map or give of this pool, which drops pages and unmaps. If the
 * stack has no guard and its guard area was written, this aborts with a message. */
void wr_stack_give(struct wr_stack *stack);

struct wr_stack_stats {
    size_t in_use;       /* taken or mapped, and not given back */
    size_t pooled;       /* given back and kept for the next taker */
    size_t mapped_bytes; /* address space, not memory */
};
void wr_stack_pool_stats(const struct wr_stack_pool *pool, struct wr_stack_stats *stats);
/* Is `address` in the guard of this stack? For a SIGSEGV reporter: no locks, no allocation. */
bool wr_stack_guarded_at(const struct wr_stack *stack, const void *address);

#endif
