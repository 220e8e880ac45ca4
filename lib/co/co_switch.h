/*
 * co_switch.h - coroutines: a stack, and the switch between two of them.
 *
 * A coroutine is created suspended; the first switch to it runs entry(arg) on its stack. entry
 * never returns; it ends with wr_co_leave. There are three ways to switch:
 *
 *   wr_co_resume  downwards: also links the entry frame of `to` to the frame of `from`, so that a
 *                 frame-pointer unwinder (perf --call-graph fp) shows the resumer below the body
 *   wr_co_switch  any other way: back to the resumer, to and from the scheduler
 *   wr_co_leave   the last switch of a coroutine; its stack may be reused at once
 *
 * In the coroutine that is switched to, the call that it left by returns `value`; a first switch
 * ignores `value`. The verbs above (weir_next, weir_yield) end in tail calls of these, so that
 * there is no `ret` between the switch and the user's frame. The link of a coroutine is set by its
 * last resume: after a plain switch to it, the link may point into frames that have returned.
 *
 * The callee-saved integer registers are saved (on aarch64 d8 to d15 too). mxcsr, the x87 control
 * word and fpcr are not saved (this would cost 50 ns): a body that changes the rounding mode
 * restores it before it yields. errno is not saved either.
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
    void *sp;               /* where it was left; the assembly knows the offsets */
    void **link;            /* the saved-frame-pointer slot of the entry frame, else &link_dummy */
    struct wr_stack *stack; /* NULL: a thread's own stack */
    void *link_dummy;
    /* Used in sanitizer builds only, but always present: one layout for every build type. */
    void *fake_stack;
    void *tsan_fiber;
    const void *bottom;
    size_t bottom_len;
};

typedef void wr_co_entry(void *arg);

/* Make `co` a suspended coroutine on `stack` that will run entry(arg). Cannot fail. name: for the
 * report of an exception that leaves entry; must live as long as the coroutine; NULL: none. */
void wr_co_init(struct wr_co *co, struct wr_stack *stack, wr_co_entry *entry, void *arg,
                const char *name);
/* Make `co` stand for the stack of this thread, which is running now. */
void wr_co_init_thread(struct wr_co *co);
/* Release everything except the stack that a suspended or left coroutine, or a thread's own stack,
 * holds. Not for the running coroutine. A coroutine that was left needs this call before `co` is
 * used again. */
void wr_co_fini(struct wr_co *co);

uintptr_t wr_co_resume(struct wr_co *from, struct wr_co *to, uintptr_t value);
uintptr_t wr_co_switch(struct wr_co *from, struct wr_co *to, uintptr_t value);
_Noreturn void wr_co_leave(struct wr_co *from, struct wr_co *to, uintptr_t value);

/* The same symbols with the return type of the verb that tail-calls them: with a conversion of the
 * result the call would not be a tail call. */
bool wr_co_resume_bool(struct wr_co *from, struct wr_co *to,
                       uintptr_t value) __asm__("wr_co_resume");
bool wr_co_switch_bool(struct wr_co *from, struct wr_co *to,
                       uintptr_t value) __asm__("wr_co_switch");

#endif
