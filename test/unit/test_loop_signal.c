/*
 * Signals for a scope: the first stops it, the second cancels it, those that the process was started
 * to ignore stay ignored.
 */
#include <signal.h>

#include "support_loop.h"

/* Each test is a process of its own. In the background or under nohup some of these are ignored. */
static weir_loop *start_with_defaults(void)
{
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    return start();
}

/* Deliver what is pending: a round of the loop. One that could not be watched would kill. */
static void raise_and_look(weir_loop *loop, int number)
{
    struct sigaction action;
    ck_assert_int_eq(sigaction(number, NULL, &action), 0);
    ck_assert(action.sa_handler != SIG_DFL);
    raise(number);
    ck_assert(weir_sleep(weir_root(loop), 1));
    ck_assert(weir_sleep(weir_root(loop), 1));
}

static int signals_of(const weir_scope *scope)
{
    int count;
    (void)weir_scope_signal(scope, &count);
    return count;
}

TEST(scope_stops_at_the_first_signal_and_is_canceled_at_the_second)
{
    weir_loop *loop = start_with_defaults();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_scope_obey_signals(scope);

    raise_and_look(loop, SIGINT);
    ck_assert_int_eq(weir_scope_signal(scope, NULL), SIGINT);
    ck_assert(!wr_scope_canceled(scope));
    raise_and_look(loop, SIGTERM);

    ck_assert_int_eq(signals_of(scope), 2);
    ck_assert(wr_scope_canceled(scope));
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(signal_that_is_ignored_stays_ignored)
{
    weir_loop *loop = start_with_defaults();
    signal(SIGINT, SIG_IGN);
    weir_scope_obey_signals(weir_root(loop));

    raise_and_look(loop, SIGINT);

    ck_assert_int_eq(signals_of(weir_root(loop)), 0);
    raise_and_look(loop, SIGTERM);
    ck_assert_int_eq(weir_scope_signal(weir_root(loop), NULL), SIGTERM);
    weir_loop_free(loop);
}

TEST(other_signals_are_obeyed_when_asked)
{
    weir_loop *loop = start_with_defaults();
    weir_scope_obey(weir_root(loop), SIGHUP);
    weir_scope_obey(weir_root(loop), SIGHUP);

    raise_and_look(loop, SIGHUP);

    ck_assert_int_eq(signals_of(weir_root(loop)), 1);
    weir_loop_free(loop);
}

MAIN("loop/signal")
