/*
 * co_switch.h - coroutines: a stack, and the switch between two of them.
 *
 * A coroutine is created suspended; the first switch to it runs entry(arg) on its stack; entry
 * never returns, it leaves by wr_co_leave. Three ways to move, all pinned to one thread:
 *   wr_co_resume  downwards: also links `to`'s entry frame to the frame of `from`, so that a
 * frame-pointer unwinder (perf --call-graph fp, a debugger) shows the resumer below the body
 *   wr_co_switch  any other way (back to the resumer, to and from the scheduler)
 *   wr_co_leave   the last switch of a coroutine that will not be switched to again; its stack may
 * be reused at once In the coroutine that is switched to, the call it left by returns `value`. Both
 * are reached by tail calls from the verbs above (weir_next, weir_yield): there is no `ret` between
 * the switch and the user's frame. The callee-saved integer registers are saved; mxcsr and the x87
 * control word are not (they cost 50 ns): a body that changes the rounding mode restores it before
 * it yields.
 */
#ifndef WR_CO_SWITCH_H
#define WR_CO_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_stack; /* co_stack.h */

struct wr_co {
    void *sp;    /* where it was left; offsets are known to the .S files */
    void **link; /* the saved-frame-pointer slot of the entry frame; a dummy for a thread's own
                    stack */
    struct wr_stack *stack; /* NULL: a thread's own stack */
    void *link_dummy;
    /* sanitizer builds only, but always there: one layout for every build type */
    void *fake_stack;
    void *tsan_fiber;
    const void *bottom;
    size_t bottom_len;
};

typedef void wr_co_entry(void *arg);

/* Make `co` a suspended coroutine on `stack` that will run entry(arg). Cannot fail. */
void wr_co_init(struct wr_co *co, struct wr_stack *stack, wr_co_entry *entry, void *arg);
/* Make `co` stand for the stack that is running now. */
void wr_co_init_thread(struct wr_co *co);
/* Release what a suspended or left coroutine holds beyond its stack (sanitizer state). */
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
