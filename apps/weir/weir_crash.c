/*
 * weir_crash.c - reports a stack overflow, and no other crash.
 *
 * The handler runs on a stack of its own, since the one that faulted has no room left, and calls
 * only what is safe in a handler: it asks the library what ran, writes one line, and returns. Its
 * disposition is the default one by then (SA_RESETHAND), so the faulting instruction faults again
 * and the process dies as it would have died, with the true address in the core file. A SIGSEGV
 * that was sent does not come again by itself and is raised.
 *
 * Only the command does this: the library touches no signal's disposition. Where something else
 * handles SIGSEGV already, as a sanitizer does, it is left alone.
 */
#include "weir_crash.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <weir/metrics.h>

static const weir_loop *volatile reported;
static char handler_stack[64 * 1024]; /* an AVX-512 or AMX frame takes 3 to 11 KiB */

static void on_segv(int number, siginfo_t *info, void *context)
{
    static const char head[] = "weir: ";
    char text[512];
    (void)context;
    if (info->si_code <= 0) {
        raise(number); /* delivered when this returns */
        return;
    }
    memcpy(text, head, sizeof head - 1);
    size_t room = sizeof text - sizeof head;
    size_t len = reported != NULL
                     ? weir_overflow_text(reported, info->si_addr, text + sizeof head - 1, room)
                     : 0;
    if (len > 0) {
        len = sizeof head - 1 + (len < room ? len : room);
        text[len++] = '\n';
        (void)!write(2, text, len);
    }
}

void crash_report(const weir_loop *loop)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction now,
        action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    reported = loop;
    sigemptyset(&action.sa_mask);
    if (loop != NULL && sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == SIG_DFL &&
        sigaltstack(&stack, NULL) == 0) {
        (void)sigaction(SIGSEGV, &action, NULL);
    }
}
