/*
 * metrics_overflow.c - weir_overflow_text: names the stack that overflowed, for a SIGSEGV handler.
 *
 * It runs in the handler, on the thread that faulted, so it calls nothing that allocates, locks or
 * formats. It reads which fiber the loop runs, compares addresses, and copies bytes.
 */
#include <weir/metrics.h>

#include "base_print.h"
#include "co_arch.h"
#include "loop_core.h"

#if !defined(WR_CO_ASAN) && !defined(WR_CO_TSAN)
static void add_number(struct wr_print *text, size_t number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    wr_print_string(text, digits + at);
}

static void add_name(struct wr_print *text, const char *kind, const char *name)
{
    wr_print_string(text, kind);
    wr_print_string(text, " '");
    wr_print_string(text, name);
    wr_print_string(text, "'");
}

size_t weir_overflow_text(const weir_loop *loop, const void *address, char *to, size_t cap)
{
    const struct wr_fiber *fiber = loop->running;
    const struct wr_stack *stack = fiber != NULL ? fiber->co.stack : loop->scheduler.stack;
    struct wr_print text;
    const char *option = "weir_loop_options.stack_bytes";
    if (stack == NULL || !wr_stack_guarded_at(stack, address)) {
        return 0;
    }
    wr_print_to(&text, to, cap);
    wr_print_string(&text, "stack overflow in ");
    if (fiber == NULL) {
        wr_print_string(&text, "the loop");
    } else if (fiber->object != NULL) {
        add_name(&text, fiber->object->ops->kind, fiber->object->name);
        option = "weir_gen_options.stack_bytes";
    } else {
        add_name(&text, "task", WR_OWNER((uintptr_t)fiber, struct wr_task, fiber)->name);
    }
    wr_print_string(&text, " (its stack has ");
    /* The stack is larger than requested by a page and a colour: round down to 8 KiB. */
    add_number(&text, (size_t)(stack->top - stack->bottom) / 1024 & ~(size_t)7);
    wr_print_string(&text, " KiB; ");
    wr_print_string(&text, option);
    wr_print_string(&text, " gives it more)");
    return text.len;
}
#else
size_t weir_overflow_text(const weir_loop *loop, const void *address, char *to, size_t cap)
{
    (void)loop;
    (void)address;
    (void)to;
    (void)cap;
    return 0;
}
#endif
