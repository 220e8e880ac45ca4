/*
 * co_stack.c - stacks from slabs.
 *
 * A slab is one mapping of `count` equal strides; each stride is a guard area with the usable bytes
 * above it. Slabs grow from 4 stacks to 64, so that a program with one coroutine maps little and
 * one with 10,000 makes few mappings. Stacks are carved from the newest slab one at a time; a stack
 * that was never carved has no guard and no pages.
 *
 * A stack that is not in use is in one of three places: the warm list (pages kept, at most
 * warm_max, last in first out), `leaving` (the one given back last, when the warm list was full or
 * the stack was mapped on its own), or the cold list (pages dropped). The stack in `leaving` may
 * still be running: a coroutine calls wr_stack_give on its own stack just before it leaves for
 * good. So the next call on the pool, which must come from another stack, drops its pages, or
 * unmaps it if it was mapped on its own. That is the only state between two calls; nothing here
 * suspends.
 *
 * Guards, best first, each tried again for each stack: MADV_GUARD_INSTALL (Linux 6.13; no entry in
 * the kernel's map). Then mprotect, which costs two entries, while the process has fewer than a
 * quarter of vm.max_map_count of them. Else no guard, and the page below the stack must still be
 * all zeros when the stack is given back. That check reads a page that was never written, so it
 * costs no memory.
 *
 * The tops are coloured (moved by different distances): 10,000 stacks whose tops are equal modulo a
 * page compete for a few cache sets, and a switch takes twice as long. Every size has a page more
 * than was requested, as room for the colour.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* MAP_STACK, MADV_ */
#endif
#include "co_stack.h"
#include "base_alloc.h"
#include "base_error.h"
#include "base_fault.h"
#include "co_arch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(bottom, top) ((void)(bottom), (void)(top), 0)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#ifdef WR_CO_ASAN
#include <sanitizer/asan_interface.h>
#else
#define __asan_unpoison_memory_region(address, len) ((void)(address), (void)(len))
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_STACK
#define MAP_STACK 0
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    slab_count_min = 4,
    slab_count_max = 64,
    warm_max = 128,          /* at about 8 KiB touched each: a megabyte */
    guard_bytes_min = 16384, /* a frame larger than the guard can jump over it; with 64 KiB pages
                                the guard is 64 KiB */
    usable_bytes_min = 16384,
    colour_bytes = 128,
    colours_count = 32
};

enum knowledge { UNKNOWN, WORKS, MISSING };

struct slab {
    struct slab *next;
    char *base;
    size_t count;  /* strides mapped */
    size_t carved; /* this many, from the first on, have been handed out at least once */
    struct wr_stack stacks[];
};

/* A stack mapped on its own, in the pool's list until it is unmapped. */
struct alone {
    struct wr_stack stack; /* first: a pointer to it is a pointer to this */
    struct alone *prev, *next;
    char *base;
    size_t len;
};

struct wr_stack_pool {
    size_t page;
    size_t guard;
    size_t stride;
    struct slab *slabs; /* newest first; only the newest has strides that are not carved */
    size_t slab_count;  /* strides of the next slab */
    struct wr_stack *warm;
    struct wr_stack *cold;
    struct wr_stack *leaving;
    struct alone *alone;
    size_t warm_count;
    size_t pooled;
    size_t in_use;
    size_t mapped_bytes;
    size_t colour;
};

/* Process-wide, because the kernel's limit is process-wide. */
static atomic_size_t protected_count;
static atomic_size_t protected_max; /* 0: not read yet */
static atomic_int guard_install;    /* enum knowledge */

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static size_t read_protected_max(void)
{
    char text[32] = {0};
    ssize_t len = -1;
    int fd = wr_fault("open") ? -1 : open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        len = wr_fault("read") ? -1 : read(fd, text, sizeof text - 1);
        close(fd);
    }
    unsigned long maps = len > 0 ? strtoul(text, NULL, 10) : 0;
    return maps >= 4 ? maps / 4 : 65530 / 4; /* the kernel's default */
}

/* Emulators and sandboxes accept advice that they do not know. To find out, let the kernel read the
 * guard: a guard that works gives EFAULT. UNKNOWN: there is no pipe to try it with. */
static int try_guard(const char *guard)
{
    int known = UNKNOWN;
    int ends[2];

    if (wr_fault("pipe2") || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return known;
    }
    if (!wr_fault("write")) {
        ssize_t len = write(ends[1], guard, 1);

        if (len == 1) {
            known = MISSING;
        } else if (errno == EFAULT) {
            known = WORKS;
        }
    }
    close(ends[0]);
    close(ends[1]);
    return known;
}

static bool guard_by_install(char *guard, size_t len)
{
    int known = atomic_load_explicit(&guard_install, memory_order_relaxed);

    if (wr_fault("madvise") || known == MISSING) {
        return false;
    }
    if (madvise(guard, len, MADV_GUARD_INSTALL) != 0) {
        if (errno == EINVAL) {
            atomic_store_explicit(&guard_install, MISSING, memory_order_relaxed);
        }
        return false;
    }
    if (known == UNKNOWN) {
        known = try_guard(guard);
        atomic_store_explicit(&guard_install, known, memory_order_relaxed);
    }
    return known != MISSING;
}

static bool guard_by_protect(char *guard, size_t len)
{
    size_t max = atomic_load_explicit(&protected_max, memory_order_relaxed);

    if (max == 0) {
        max = read_protected_max();
        atomic_store_explicit(&protected_max, max, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&protected_count, 1, memory_order_relaxed) < max &&
        !wr_fault("mprotect") && mprotect(guard, len, PROT_NONE) == 0) {
        return true;
    }
    atomic_fetch_sub_explicit(&protected_count, 1, memory_order_relaxed);
    return false;
}

/* Without a guard wr_stack_give checks the area, so the memory must be new: all zeros. */
static void set_up(struct wr_stack_pool *pool, struct wr_stack *stack, char *base, size_t len)
{
    size_t colour = pool->colour++ % colours_count * colour_bytes;

    stack->pool = pool;
    stack->bottom = base + pool->guard;
    stack->top = base + len - colour;
    stack->guarded = guard_by_install(base, pool->guard);
    if (!stack->guarded) {
        stack->guarded = guard_by_protect(base, pool->guard);
        stack->protected = stack->guarded;
    }
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->bottom, stack->top - 1);
}

/* Does not unmap: the caller does that, for a slab as a whole. */
static void tear_down(struct wr_stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
    __asan_unpoison_memory_region(stack->bottom, (size_t)(stack->top - stack->bottom));
    if (stack->protected) {
        atomic_fetch_sub_explicit(&protected_count, 1, memory_order_relaxed);
    }
}

static char *map_memory(size_t len)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;

    if (wr_fault("mmap")) {
        return NULL;
    }
    void *base = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    /* A huge page for each stack would take 2 MiB where 8 KiB are used. A kernel without huge pages
     * refuses the advice. */
    if (!wr_fault("madvise")) {
        (void)madvise(base, len, MADV_NOHUGEPAGE);
    }
    return base;
}

static void drop_pages(struct wr_stack *stack)
{
    uintptr_t page = stack->pool->page;
    char *end = stack->top + (page - (uintptr_t)stack->top % page) % page;

    /* A failure only costs memory. */
    if (!wr_fault("madvise")) {
        (void)madvise(stack->bottom, (size_t)(end - stack->bottom), MADV_DONTNEED);
    }
}

static void unmap_alone(struct wr_stack_pool *pool, struct alone *alone)
{
    if (alone->prev != NULL) {
        alone->prev->next = alone->next;
    } else {
        pool->alone = alone->next;
    }
    if (alone->next != NULL) {
        alone->next->prev = alone->prev;
    }
    tear_down(&alone->stack);
    (void)munmap(alone->base, alone->len);
    pool->mapped_bytes -= alone->len;
    wr_free(alone);
}

/* Must not be called on the stack that was given back last. */
static void settle_leaving(struct wr_stack_pool *pool)
{
    struct wr_stack *stack = pool->leaving;

    if (stack == NULL) {
        return;
    }
    pool->leaving = NULL;
    if (stack->alone) {
        unmap_alone(pool, (struct alone *)(void *)stack);
        return;
    }
    drop_pages(stack);
    stack->next = pool->cold;
    pool->cold = stack;
}

static size_t usable_bytes(const struct wr_stack_pool *pool, size_t stack_bytes)
{
    long signal_bytes = -1;

#ifdef _SC_MINSIGSTKSZ
    signal_bytes = sysconf(_SC_MINSIGSTKSZ);
#endif
    if (signal_bytes <= 0) {
        signal_bytes = (long)MINSIGSTKSZ;
    }
    stack_bytes = WR_MAX(stack_bytes, usable_bytes_min + (size_t)signal_bytes);
    return round_up(stack_bytes + colours_count * colour_bytes, pool->page);
}

struct wr_stack_pool *wr_stack_pool_new(size_t stack_bytes)
{
    if (stack_bytes > PTRDIFF_MAX / (2 * slab_count_max)) {
        return NULL;
    }
    struct wr_stack_pool *pool = wr_zalloc(sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->page = (size_t)sysconf(_SC_PAGESIZE);
    pool->guard = round_up(guard_bytes_min, pool->page);
    pool->stride = pool->guard + usable_bytes(pool, stack_bytes);
    pool->slab_count = slab_count_min;
    return pool;
}

void wr_stack_pool_free(struct wr_stack_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    WR_ASSERT(pool->in_use == 0, "stacks that are still in use: %zu", pool->in_use);
    settle_leaving(pool);
    while (pool->slabs != NULL) {
        struct slab *slab = pool->slabs;

        pool->slabs = slab->next;
        for (size_t i = 0; i < slab->carved; i++) {
            tear_down(&slab->stacks[i]);
        }
        (void)munmap(slab->base, slab->count * pool->stride);
        wr_free(slab);
    }
    wr_free(pool);
}

static struct slab *map_slab(struct wr_stack_pool *pool, size_t count)
{
    struct slab *slab = wr_zalloc(sizeof *slab + count * sizeof slab->stacks[0]);

    if (slab == NULL) {
        return NULL;
    }
    slab->base = map_memory(count * pool->stride);
    if (slab->base == NULL) {
        wr_free(slab);
        return NULL;
    }
    slab->count = count;
    return slab;
}

/* When the remaining address space is too small for a whole slab, one stack may still fit. */
static bool add_slab(struct wr_stack_pool *pool)
{
    struct slab *slab = map_slab(pool, pool->slab_count);

    if (slab == NULL) {
        slab = map_slab(pool, 1);
        if (slab == NULL) {
            return false;
        }
    } else if (pool->slab_count < slab_count_max) {
        pool->slab_count *= 2;
    }
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->mapped_bytes += slab->count * pool->stride;
    return true;
}

static struct wr_stack *carve(struct wr_stack_pool *pool)
{
    if ((pool->slabs == NULL || pool->slabs->carved == pool->slabs->count) && !add_slab(pool)) {
        return NULL;
    }
    struct slab *slab = pool->slabs;
    struct wr_stack *stack = &slab->stacks[slab->carved];

    set_up(pool, stack, slab->base + slab->carved * pool->stride, pool->stride);
    slab->carved++;
    return stack;
}

struct wr_stack *wr_stack_take(struct wr_stack_pool *pool)
{
    struct wr_stack *stack = pool->leaving;

    if (stack != NULL && !stack->alone) {
        pool->leaving = NULL;
        pool->pooled--;
    } else {
        settle_leaving(pool);
        stack = pool->warm;
        if (stack != NULL) {
            pool->warm = stack->next;
            pool->warm_count--;
            pool->pooled--;
        } else if (pool->cold != NULL) {
            stack = pool->cold;
            pool->cold = stack->next;
            pool->pooled--;
        } else {
            stack = carve(pool);
            if (stack == NULL) {
                return NULL;
            }
        }
    }
    stack->next = NULL;
    pool->in_use++;
    return stack;
}

struct wr_stack *wr_stack_map(struct wr_stack_pool *pool, size_t stack_bytes)
{
    settle_leaving(pool);
    if (stack_bytes > PTRDIFF_MAX / 2) {
        return NULL;
    }
    struct alone *alone = wr_zalloc(sizeof *alone);
    if (alone == NULL) {
        return NULL;
    }
    alone->len = pool->guard + usable_bytes(pool, stack_bytes);
    alone->base = map_memory(alone->len);
    if (alone->base == NULL) {
        wr_free(alone);
        return NULL;
    }
    set_up(pool, &alone->stack, alone->base, alone->len);
    alone->stack.alone = true;
    alone->next = pool->alone;
    if (pool->alone != NULL) {
        pool->alone->prev = alone;
    }
    pool->alone = alone;
    pool->mapped_bytes += alone->len;
    pool->in_use++;
    return &alone->stack;
}

/* Reads memory outside the stack; under AddressSanitizer an overflow may have poisoned it. */
WR_CO_UNINSTRUMENTED static bool guard_area_is_clean(const struct wr_stack *stack)
{
    size_t words_count = stack->pool->page / sizeof(uintptr_t);
    const uintptr_t *words = (const uintptr_t *)(const void *)stack->bottom - words_count;
    uintptr_t seen = 0;

    for (size_t i = 0; i < words_count; i++) {
        seen |= words[i];
    }
    return seen == 0;
}

void wr_stack_give(struct wr_stack *stack)
{
    struct wr_stack_pool *pool = stack->pool;

    WR_ASSERT(stack->guarded || guard_area_is_clean(stack), "a coroutine has overflowed its stack");
    settle_leaving(pool);
    pool->in_use--;
    if (stack->alone) {
        pool->leaving = stack;
        return;
    }
    pool->pooled++;
    if (pool->warm_count < warm_max) {
        stack->next = pool->warm;
        pool->warm = stack;
        pool->warm_count++;
    } else {
        pool->leaving = stack;
    }
}

void wr_stack_pool_stats(const struct wr_stack_pool *pool, struct wr_stack_stats *stats)
{
    *stats = (struct wr_stack_stats){
        .in_use = pool->in_use,
        .pooled = pool->pooled,
        .mapped_bytes = pool->mapped_bytes,
    };
}

bool wr_stack_guarded_at(const struct wr_stack *stack, const void *address)
{
    uintptr_t at = (uintptr_t)address, bottom = (uintptr_t)stack->bottom;

    return stack->guarded && at < bottom && at >= bottom - stack->pool->guard;
}
