/*
 * test_base_fault.c - fault points fire when and where their schedule says. Labels: thread
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_check.h"

TEST(only_the_kth_point_fails)
{
    wr_fault_set(2, false);

    ck_assert(!wr_fault("one"));
    ck_assert(wr_fault("two"));
    ck_assert(!wr_fault("three"));
    ck_assert_uint_eq(wr_fault_count(), 3);
    ck_assert_uint_eq(wr_fault_fired(), 1);
    ck_assert_str_eq(wr_fault_name(), "two");
}

TEST(sticky_schedule_fails_all_that_follow_and_names_the_first)
{
    wr_fault_set(2, true);

    ck_assert(!wr_fault("one"));
    ck_assert(wr_fault("two"));
    ck_assert(wr_fault("three"));
    ck_assert_uint_eq(wr_fault_fired(), 2);
    ck_assert_str_eq(wr_fault_name(), "two");
}

TEST(disarmed_schedule_counts_on)
{
    wr_fault_set(0, false);

    ck_assert(!wr_fault("one"));
    ck_assert(!wr_fault("two"));
    ck_assert_uint_eq(wr_fault_count(), 2);
    ck_assert_ptr_null(wr_fault_name());
}

TEST(points_of_a_pause_do_not_count)
{
    wr_fault_set(1, false);

    wr_fault_pause(true);
    ck_assert(!wr_fault("set-up"));
    wr_fault_pause(false);
    ck_assert(wr_fault("test"));
    ck_assert_uint_eq(wr_fault_count(), 1);
}

static void *reach_a_thousand(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        (void)wr_fault("thread");
    }
    return NULL;
}

TEST(threads_share_one_count)
{
    wr_fault_set(1500, false);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reach_a_thousand, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }

    ck_assert_uint_eq(wr_fault_count(), 2000);
    ck_assert_uint_eq(wr_fault_fired(), 1);
}

/* Run this program again as `reach`, with one variable set; the status it ends with. */
static int status_with(const char *variable, const char *value)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv(variable, value, 1);
        setenv("WEIR_TEST_REACH", "1", 1);
        close(STDERR_FILENO);
        execl("/proc/self/exe", "reach", (char *)NULL);
        _exit(99);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

TEST(environment_names_the_kth_point)
{
    int status = status_with("WEIR_FAULT_AT", "3");

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 4); /* the third bit alone */
}

TEST(environment_names_all_from_the_kth_point)
{
    int status = status_with("WEIR_FAULT_FROM", "3");

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 4 + 8);
}

TEST(environment_kills_at_the_nth_time_a_point_is_reached)
{
    int status = status_with("WEIR_FAULT_KILL", "even:2");

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
    ck_assert_int_eq(WEXITSTATUS(status_with("WEIR_FAULT_KILL", "even:3")), 0);
    ck_assert_int_eq(WEXITSTATUS(status_with("WEIR_FAULT_KILL", "eve:1")), 0);
}

TEST(schedule_that_cannot_be_read_aborts)
{
    static const char *const bad[] = {"", "0", "x", "3x", "-1", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int status = status_with("WEIR_FAULT_AT", bad[i]);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
    int status = status_with("WEIR_FAULT_KILL", "write");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* What the program does as `reach`: four points, and which of them failed as bits of the exit
 * status. */
static int reach_four(void)
{
    static const char *const points[] = {"odd", "even", "odd", "even"};
    int failed = 0;
    for (int i = 0; i < 4; i++) {
        failed |= wr_fault(points[i]) ? 1 << i : 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (getenv("WEIR_TEST_REACH") != NULL) {
        return reach_four();
    }
    return wr_test_main("base/fault", argc, argv);
}
