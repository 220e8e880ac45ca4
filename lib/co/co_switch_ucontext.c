/*
 * co_switch_ucontext.c - the switch for machines without an assembly form: swapcontext, some 500 ns
 * and two system calls for the signal mask.
 *
 * A stack that is not running has a struct place in the frame of the call that left it (the first
 * place is at the top of a new coroutine's stack), and co->sp points to it. The value is passed in
 * the place that is switched to. Here no entry frame has a slot to link, so wr_co_resume is
 * wr_co_switch.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* the stack_t of ucontext_t */
#endif
#include "co_arch.h"

#ifdef WR_CO_UCONTEXT

#include "base_error.h"
#include "co_stack.h"

#include <limits.h>
#include <ucontext.h>

struct place {
    ucontext_t context;
    uintptr_t value;
    wr_co_entry *entry; /* the first place of a coroutine only */
    void *arg;
};

/* makecontext passes ints: the pointer comes in halves. */
static void start(unsigned high, unsigned low)
{
    const int half_bits =
        sizeof(uintptr_t) > sizeof(unsigned) ? CHAR_BIT * (int)sizeof(unsigned) : 0;
    uintptr_t address = half_bits > 0 ? (uintptr_t)high << half_bits | low : low;
    const struct place *place = (const struct place *)address;

    place->entry(place->arg);
    __builtin_trap();
}

void wr_co_prepare(struct wr_co *co, char *top, wr_co_entry *entry, void *arg, const char *name)
{
    (void)name; /* there is no frame of ours that could give it to an unwinder */
    const size_t place_bytes = (sizeof(struct place) + 63) / 64 * 64;
    struct place *place = (struct place *)(void *)(top - place_bytes);
    const int half_bits =
        sizeof(uintptr_t) > sizeof(unsigned) ? CHAR_BIT * (int)sizeof(unsigned) : 0;
    uintptr_t address = (uintptr_t)place;

    WR_ASSERT(getcontext(&place->context) == 0, "getcontext failed");
    place->entry = entry;
    place->arg = arg;
    place->context.uc_link = NULL;
    place->context.uc_stack.ss_sp = co->stack->bottom;
    place->context.uc_stack.ss_size = (size_t)((char *)place - co->stack->bottom);
    place->context.uc_stack.ss_flags = 0;
    /* makecontext wants this function type. */
    makecontext(&place->context, (void (*)(void))start, 2,
                half_bits > 0 ? (unsigned)(address >> half_bits) : 0U, (unsigned)address);
    co->sp = place;
    co->link = &co->link_dummy;
}

WR_CO_UNINSTRUMENTED uintptr_t wr_co_jump_switch(struct wr_co *from, struct wr_co *to,
                                                 uintptr_t value)
{
    struct place here;
    struct place *there = to->sp;

    /* AddressSanitizer reads the bounds of the context that is switched to; leave them empty. */
    here.context.uc_stack = (stack_t){0};
    here.context.uc_link = NULL;
    from->sp = &here;
    there->value = value;
    WR_ASSERT(swapcontext(&here.context, &there->context) == 0, "swapcontext failed");
    return here.value;
}

WR_CO_UNINSTRUMENTED uintptr_t wr_co_jump_resume(struct wr_co *from, struct wr_co *to,
                                                 uintptr_t value)
{
    return wr_co_jump_switch(from, to, value);
}

WR_CO_UNINSTRUMENTED _Noreturn void wr_co_jump_leave(struct wr_co *from, struct wr_co *to,
                                                     uintptr_t value)
{
    struct place *there = to->sp;

    (void)from;
    there->value = value;
    (void)setcontext(&there->context);
    wr_misuse(__func__, "setcontext failed");
}

uintptr_t wr_co_resume(struct wr_co *from, struct wr_co *to, uintptr_t value)
    __attribute__((weak, alias("wr_co_jump_resume")));
uintptr_t wr_co_switch(struct wr_co *from, struct wr_co *to, uintptr_t value)
    __attribute__((weak, alias("wr_co_jump_switch")));
_Noreturn void wr_co_leave(struct wr_co *from, struct wr_co *to, uintptr_t value)
    __attribute__((weak, alias("wr_co_jump_leave")));

#endif
