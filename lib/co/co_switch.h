/*
 * co_switch.h - coroutines: a stack, and the switch between two of them.
 *
 * A coroutine is created suspended; the first switch to it runs entry(arg) on its stack. entry
 * never returns, it leaves by wr_co_leave. There are three ways to move:
 *
 *   wr_co_resume  downwards: also links the entry frame of `to` to the frame of `from`, so that a
 *                 frame-pointer unwinder (perf --call-graph fp) shows the resumer below the body
 *   wr_co_switch  any other way: back to the resumer, to and from the scheduler
 *   wr_co_leave   the last switch of a coroutine; its stack may be reused at once
 *
 * In the coroutine that is switched to, the call it left by returns `value`; a first switch drops
 * it. The verbs above (weir_next, weir_yield) end in tail calls of these, so that no `ret` stands
 * between the switch and the user's frame. The link of a coroutine is as fresh as its last resume:
 * after a plain switch to it, it may point into frames that have returned.
 *
 * The callee-saved integer registers are saved (on aarch64 d8 to d15 too); mxcsr, the x87 control
 * word and fpcr are not (saving them costs 50 ns): a body that changes the rounding mode restores
 * it before it yields. Nor is errno.
 *
 * Lifetime.  The caller's storage, which stays in place from init to fini.
 * Failure.   Nothing here fails.
 * Threads.   A coroutine stays on the thread that made it.
 */
#ifndef WR_CO_SWITCH_H
#define WR_CO_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_stack; /* co_stack.h */

struct wr_co {
    void *sp;               /* where it was left; offsets are known to the assembly */
    void **link;            /* the saved-frame-pointer slot of the entry frame, else &link_dummy */
    struct wr_stack *stack; /* NULL: a thread's own stack */
    void *link_dummy;
    /* sanitizer builds only, but always there: one layout for every build type */
    void *fake_stack;
    void *tsan_fiber;
    const void *bottom;
    size_t bottom_len;
};

typedef void wr_co_entry(void *arg);

/* Make `co` a suspended coroutine on `stack` that will run entry(arg). Cannot fail. name: for the
 * report of an exception that leaves entry; lives as long as the coroutine; NULL: none. */
void wr_co_init(struct wr_co *co, struct wr_stack *stack, wr_co_entry *entry, void *arg,
                const char *name);
/* Make `co` stand for the stack of this thread, which is running now. */
void wr_co_init_thread(struct wr_co *co);
/* Release what a suspended or left coroutine, or a thread's own stack, holds beyond its stack. Not
 * for the coroutine that is running; a coroutine that was left needs it before `co` is used anew.
 */
void wr_co_fini(struct wr_co *co);

uintptr_t wr_co_resume(struct wr_co *from, struct wr_co *to, uintptr_t value);
uintptr_t wr_co_switch(struct wr_co *from, struct wr_co *to, uintptr_t value);
_Noreturn void wr_co_leave(struct wr_co *from, struct wr_co *to, uintptr_t value);

/* The same symbols under the type of the verb that tail-calls them: a conversion of the result
 * would cost the tail call. */
bool wr_co_resume_bool(struct wr_co *from, struct wr_co *to,
                       uintptr_t value) __asm__("wr_co_resume");
bool wr_co_switch_bool(struct wr_co *from, struct wr_co *to,
                       uintptr_t value) __asm__("wr_co_switch");

#endif
