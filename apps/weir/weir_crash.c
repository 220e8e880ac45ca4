/*
 * weir_crash.c - tells a stack overflow from other crashes.
 *
 * The handler runs on a stack of its own, since the one that faulted has no room left, and calls
 * only what is safe in a handler: it looks up what ran, writes one line, and returns. Its
 * disposition is the default one by then (SA_RESETHAND), so the faulting instruction faults again
 * and the process dies as it would have died, with the true address in the core file. A SIGSEGV
 * that somebody sent does not come again by itself and is raised.
 *
 * Only the command does this: the library touches no signal's disposition.
 */
#include "weir_crash.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "co_arch.h"
#include "loop_core.h"

#if !defined(WR_CO_ASAN) && !defined(WR_CO_TSAN)
static const weir_loop *volatile reported;
static char handler_stack[64 * 1024]; /* an AVX-512 or AMX frame takes 3 to 11 KiB */

struct text {
    char bytes[512];
    size_t len;
};

static void add(struct text *text, const char *words)
{
    size_t len = strlen(words);
    if (len > sizeof text->bytes - text->len) {
        len = sizeof text->bytes - text->len;
    }
    memcpy(text->bytes + text->len, words, len);
    text->len += len;
}

static void add_number(struct text *text, size_t number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(text, digits + at);
}

static void tell(const struct wr_overflow *overflow)
{
    struct text text = {.len = 0};
    add(&text, "weir: stack overflow in ");
    if (overflow->name[0] == '\0') {
        add(&text, "the ");
        add(&text, overflow->kind);
    } else {
        add(&text, overflow->kind);
        add(&text, " '");
        add(&text, overflow->name);
        add(&text, "'");
    }
    add(&text, " (its stack has ");
    /* A page and a colour come on top of what was asked for. */
    add_number(&text, overflow->stack_bytes / 1024 & ~(size_t)7);
    add(&text, strcmp(overflow->kind, "generator") == 0
                   ? " KiB; weir_gen_options.stack_bytes gives it more)\n"
                   : " KiB; weir_loop_options.stack_bytes gives it more)\n");
    (void)!write(2, text.bytes, text.len);
}

static void on_segv(int number, siginfo_t *info, void *context)
{
    struct wr_overflow overflow;
    (void)context;
    if (info->si_code <= 0) {
        raise(number); /* delivered when this returns */
    } else if (reported != NULL && wr_overflow_at(reported, info->si_addr, &overflow)) {
        tell(&overflow);
    }
}

void crash_report(const weir_loop *loop)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = on_segv,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    reported = loop;
    sigemptyset(&action.sa_mask);
    if (loop != NULL && sigaltstack(&stack, NULL) == 0) {
        (void)sigaction(SIGSEGV, &action, NULL);
    }
}
#else
void crash_report(const weir_loop *loop)
{
    (void)loop;
}
#endif
