/*
 * weir_crash.c - reports a stack overflow, and no other crash.
 *
 * The handler runs on its own stack, because the one that faulted has no room left. It calls only
 * functions that are safe in a handler: it gets from the library what was running, writes one line,
 * and returns. The disposition is then the default again (SA_RESETHAND), so the instruction faults
 * again and the process dies in the usual way, with the true address in the core file. A SIGSEGV
 * that was sent by a process does not repeat, so the handler raises it.
 *
 * Only the command does this: the library changes no signal's disposition. If SIGSEGV already has a
 * handler, for example a sanitizer's, it is not replaced.
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
