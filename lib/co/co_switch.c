/*
 * co_switch.c - making and ending coroutines, and announcing switches to the sanitizers.
 *
 * A struct wr_co is in one of four states: suspended (sp points to saved registers, which
 * wr_co_prepare may have written), running (sp is stale), left (sp is stale for ever), or a
 * thread's own stack, which starts as running. The bare jumps of the .S files do nothing for the
 * sanitizers. In a sanitizer build the three verbs are the functions below: each announces its
 * target, jumps, and announces on its return that it is back. Between the announcement and the
 * arrival, only these few uninstrumented lines and the assembly run.
 *
 * AddressSanitizer keeps a fake stack for each coroutine in co->fake_stack; a coroutine that leaves
 * for good passes NULL, which frees it. The bounds of a thread's stack are unknown here until the
 * first arrival on another stack reports them.
 *
 * ThreadSanitizer knows a coroutine as a fiber. Creating a fiber leaks a little each time, so ended
 * fibers are pooled. Each life of a fiber leaves the calls that never returned on the fiber's
 * shadow stack, so a fiber is destroyed after fiber_lives_max lives, long before that stack is
 * full. The life count is in co->bottom_len, which only AddressSanitizer uses otherwise.
 */
#include "co_switch.h"
#include "co_arch.h"
#include "co_stack.h"

_Static_assert(offsetof(struct wr_co, sp) == WR_CO_SP, "known to the assembly");
_Static_assert(sizeof(void *) != 8 || offsetof(struct wr_co, link) == WR_CO_LINK,
               "known to the assembly");

#ifdef WR_CO_X86_64
void wr_co_prepare(struct wr_co *co, char *top, wr_co_entry *entry, void *arg, const char *name)
{
    uintptr_t *sp = (uintptr_t *)(void *)top;

    *--sp =
        (uintptr_t)wr_co_jump_resume + 1; /* what an unwinder reads as the trampoline's caller */
    *--sp = 0;
    co->link = (void **)(void *)sp;
    *--sp = (uintptr_t)wr_co_trampoline;
    *--sp = (uintptr_t)co->link; /* rbp */
    *--sp = (uintptr_t)name;     /* rbx */
    *--sp = (uintptr_t)entry;    /* r12 */
    *--sp = (uintptr_t)arg;      /* r13 */
    *--sp = 0;                   /* r14 */
    *--sp = 0;                   /* r15 */
    co->sp = sp;
}
#endif

#ifdef WR_CO_AARCH64
#include <sys/auxv.h>

/* For the assembly, which explains it. True, the safe value, until the constructor has run. */
bool wr_co_branch_may_fault = true;

__attribute__((constructor)) static void look_at_processor(void)
{
    const unsigned long hwcap2_bti = 1UL << 17;

    wr_co_branch_may_fault = (getauxval(AT_HWCAP2) & hwcap2_bti) != 0;
}

void wr_co_prepare(struct wr_co *co, char *top, wr_co_entry *entry, void *arg, const char *name)
{
    uintptr_t *record = (uintptr_t *)(void *)top - 2;
    uintptr_t *sp = record - 20; /* x19..x28, d8..d15, x29, x30 */

    for (int i = 0; i < 20; i++) {
        sp[i] = 0;
    }
    record[0] = 0;
    record[1] =
        (uintptr_t)wr_co_jump_resume + 4; /* what an unwinder reads as the trampoline's caller */
    sp[0] = (uintptr_t)entry;             /* x19 */
    sp[1] = (uintptr_t)arg;               /* x20 */
    sp[2] = (uintptr_t)name;              /* x21 */
    sp[18] = (uintptr_t)record;           /* x29 */
    sp[19] = (uintptr_t)wr_co_trampoline; /* x30 */
    co->link = (void **)(void *)record;
    co->sp = sp;
}
#endif

#if !defined(WR_CO_ASAN) && !defined(WR_CO_TSAN)

void wr_co_init(struct wr_co *co, struct wr_stack *stack, wr_co_entry *entry, void *arg,
                const char *name)
{
    *co = (struct wr_co){.stack = stack};
    wr_co_prepare(co, stack->top, entry, arg, name);
}

void wr_co_init_thread(struct wr_co *co)
{
    *co = (struct wr_co){0};
    co->link = &co->link_dummy;
}

void wr_co_fini(struct wr_co *co)
{
    co->sp = NULL;
}

#else

#ifdef WR_CO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#endif

#define UNINSTRUMENTED WR_CO_UNINSTRUMENTED __attribute__((noinline))
#define UNINSTRUMENTED_PART WR_CO_UNINSTRUMENTED __attribute__((always_inline))

/* What the first arrival on a stack needs; stored at the top of the stack. */
struct first {
    struct wr_co *co;
    wr_co_entry *entry;
    void *arg;
};

#ifdef WR_CO_ASAN

/* The thread's own stack that is being left and whose bounds are not known yet, else NULL. */
static _Thread_local struct wr_co *unbounded;

UNINSTRUMENTED_PART static inline void depart(struct wr_co *from, struct wr_co *to)
{
    unbounded = from->bottom == NULL ? from : NULL;
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->bottom_len);
}

UNINSTRUMENTED_PART static inline void depart_for_good(struct wr_co *from, struct wr_co *to)
{
    unbounded = NULL;
    from->fake_stack = NULL;
    __sanitizer_start_switch_fiber(NULL, to->bottom, to->bottom_len);
}

UNINSTRUMENTED_PART static inline void arrive(struct wr_co *here)
{
    const void *bottom = NULL;
    size_t bottom_len = 0;

    __sanitizer_finish_switch_fiber(here->fake_stack, &bottom, &bottom_len);
    here->fake_stack = NULL;
    if (unbounded != NULL) {
        unbounded->bottom = bottom;
        unbounded->bottom_len = bottom_len;
        unbounded = NULL;
    }
}

/* A coroutine that is dropped while suspended owns a fake stack, which only a departure for good
 * frees: pretend for a moment to be that coroutine and to leave. */
UNINSTRUMENTED static void drop_fake_stack(struct wr_co *co)
{
    void *mine = NULL;
    const void *bottom = NULL;
    size_t bottom_len = 0;

    if (co->fake_stack == NULL) {
        return;
    }
    __sanitizer_start_switch_fiber(&mine, co->bottom, co->bottom_len);
    __sanitizer_finish_switch_fiber(co->fake_stack, &bottom, &bottom_len);
    __sanitizer_start_switch_fiber(NULL, bottom, bottom_len);
    __sanitizer_finish_switch_fiber(mine, NULL, NULL);
    co->fake_stack = NULL;
}

static void tools_init(struct wr_co *co)
{
    co->bottom = co->stack->bottom;
    co->bottom_len = (size_t)(co->stack->top - co->stack->bottom);
    /* Frames that never returned have left the memory between their variables poisoned. */
    __asan_unpoison_memory_region(co->stack->bottom, co->bottom_len);
}

static void tools_init_thread(struct wr_co *co)
{
    (void)co;
}

static void tools_fini(struct wr_co *co)
{
    drop_fake_stack(co);
}

#else

enum { fiber_pool_max = 256, fiber_lives_max = 1000 };

static struct {
    void *fiber;
    size_t lives;
} fibers[fiber_pool_max];
static size_t fibers_count;
static pthread_mutex_t fibers_lock = PTHREAD_MUTEX_INITIALIZER;

UNINSTRUMENTED_PART static inline void depart(struct wr_co *from, struct wr_co *to)
{
    /* The fiber of a thread's own stack is that of the thread that runs now, which need not be the
     * thread that called wr_co_init_thread. */
    if (from->stack == NULL) {
        from->tsan_fiber = __tsan_get_current_fiber();
    }
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
}

UNINSTRUMENTED_PART static inline void depart_for_good(struct wr_co *from, struct wr_co *to)
{
    depart(from, to);
}

UNINSTRUMENTED_PART static inline void arrive(struct wr_co *here)
{
    (void)here;
}

static void tools_init(struct wr_co *co)
{
    pthread_mutex_lock(&fibers_lock);
    if (fibers_count > 0) {
        fibers_count--;
        co->tsan_fiber = fibers[fibers_count].fiber;
        co->bottom_len = fibers[fibers_count].lives + 1;
    }
    pthread_mutex_unlock(&fibers_lock);
    if (co->tsan_fiber == NULL) {
        co->tsan_fiber = __tsan_create_fiber(0);
        co->bottom_len = 1;
    }
}

static void tools_init_thread(struct wr_co *co)
{
    co->tsan_fiber = __tsan_get_current_fiber();
}

static void tools_fini(struct wr_co *co)
{
    void *fiber = co->stack != NULL ? co->tsan_fiber : NULL;

    co->tsan_fiber = NULL;
    if (fiber == NULL) {
        return;
    }
    pthread_mutex_lock(&fibers_lock);
    if (fibers_count < fiber_pool_max && co->bottom_len < fiber_lives_max) {
        fibers[fibers_count].fiber = fiber;
        fibers[fibers_count].lives = co->bottom_len;
        fibers_count++;
        fiber = NULL;
    }
    pthread_mutex_unlock(&fibers_lock);
    if (fiber != NULL) {
        __tsan_destroy_fiber(fiber);
    }
}

#endif

UNINSTRUMENTED static void first_arrival(void *arg)
{
    struct first *first = arg;

    arrive(first->co);
    first->entry(first->arg);
    __builtin_trap();
}

void wr_co_init(struct wr_co *co, struct wr_stack *stack, wr_co_entry *entry, void *arg,
                const char *name)
{
    struct first *first = (struct first *)(void *)(stack->top - 32);

    _Static_assert(sizeof *first <= 32, "room at the top of the stack, kept aligned");
    *co = (struct wr_co){.stack = stack};
    tools_init(co);
    *first = (struct first){.co = co, .entry = entry, .arg = arg};
    wr_co_prepare(co, stack->top - 32, first_arrival, first, name);
}

void wr_co_init_thread(struct wr_co *co)
{
    *co = (struct wr_co){0};
    co->link = &co->link_dummy;
    tools_init_thread(co);
}

void wr_co_fini(struct wr_co *co)
{
    tools_fini(co);
    co->sp = NULL;
}

UNINSTRUMENTED uintptr_t wr_co_resume(struct wr_co *from, struct wr_co *to, uintptr_t value)
{
    depart(from, to);
    value = wr_co_jump_resume(from, to, value);
    arrive(from);
    return value;
}

UNINSTRUMENTED uintptr_t wr_co_switch(struct wr_co *from, struct wr_co *to, uintptr_t value)
{
    depart(from, to);
    value = wr_co_jump_switch(from, to, value);
    arrive(from);
    return value;
}

UNINSTRUMENTED _Noreturn void wr_co_leave(struct wr_co *from, struct wr_co *to, uintptr_t value)
{
    depart_for_good(from, to);
    wr_co_jump_leave(from, to, value);
}

#endif
