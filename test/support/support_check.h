/*
 * support_check.h - unit tests over Check, and the failure sweep.
 *
 *     TEST(queue_push_waits_when_full)
 *     {
 *         ck_assert(...);
 *     }
 *     MAIN("flow/queue")
 *
 * A test registers itself. Each runs in a process of its own with a time limit (CK_FORK=no: all in
 * one, for a debugger); a sanitizer build looks for leaks at its end. The program takes part of a
 * name as its argument: only tests whose names hold it run.
 *
 * The sweep, WEIR_SWEEP=1: each test runs again with the k-th fault point (base_fault.h) failing, k
 * = 1, 2, ... until none fires. A test says what must hold when all goes well, so in a sweep a
 * failing ck_assert ends the run without being counted; what is judged is that the process does not
 * crash, abort, hang or end early, and, when the test has run to its end, that nothing leaks. An
 * assertion that must hold whatever fails is written MUST(...). Set-up whose failure proves nothing
 * goes between wr_fault_pause(true) and (false).
 */
#ifndef WR_SUPPORT_CHECK_H
#define WR_SUPPORT_CHECK_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weir/module.h>

/* Check's own ends of its assertion macros are led through the runner, which knows whether this is
 * a sweep. */
_Noreturn void wr_check_failed(const char *file, int line, const char *expr, const char *msg, ...)
    __attribute__((format(printf, 4, 5)));
void wr_check_passed(const char *file, int line);
#define _ck_assert_failed wr_check_failed
#define _mark_point wr_check_passed

/* A test that arms fault points itself is left out of the sweep: it would undo the sweep's own
 * schedule. */
void wr_test_fault_set(uint64_t k, bool sticky);
#define wr_fault_set wr_test_fault_set

struct wr_test {
    const TTest check; /* Check keeps its address */
    void (*run)(void);
    int signal;  /* that must end the process; 0: none */
    int limit_s; /* that it may need; 0: 10 s */
    struct wr_test *next;
    void (*run_on)(const void *on); /* instead of run */
    const void *on;
};

/* Between (true) and (false) this thread allocates what stays for as long as the process: a sweep
 * does not take it for a reason to look for leaks. */
void wr_test_keeps(bool keeps);
/* What the environment says of proxies does not hold for this test. */
void wr_test_no_proxy(void);

void wr_test_add(struct wr_test *test);

/* Tests that are run on several objects of one kind. Each says what such an object must do. */
struct wr_suite_test {
    const char *name;
    void (*run)(const void *on);
};
/* Add all tests of a suite, which ends with NULL, for one object: "WHAT NAME". Called before main;
 * `on` must not change. */
void wr_suite_add(const struct wr_suite_test *suite, const char *what, const void *on);
/* One of them, on a kit of this type, which it has as `kit`. */
#define SUITE_TEST(name, type)              \
    static void name##_of(const type *kit); \
    static void name(const void *kit)       \
    {                                       \
        name##_of(kit);                     \
    }                                       \
    static void name##_of(const type *kit)
int wr_test_main(const char *suite, int argc, char **argv);
/* True in a sweep: for tests that assert on something slow, or arm fault points themselves and
 * return at once. */
bool wr_test_sweeps(void);
/* True in a run of a sweep in which a call fails: what is waited for may never come. */
bool wr_test_faulty(void);
_Noreturn void wr_must_failed(const char *file, int line, const char *expr);

#define TEST_WITH(name, signal_number, seconds)                                               \
    static void name(void);                                                                   \
    static void name##_in_check(int index)                                                    \
    {                                                                                         \
        (void)index;                                                                          \
        name();                                                                               \
    }                                                                                         \
    static struct wr_test name##_test = {                                                     \
        {#name, name##_in_check, __FILE__, __LINE__}, name, signal_number, seconds, 0, 0, 0}; \
    __attribute__((constructor)) static void name##_add(void)                                 \
    {                                                                                         \
        wr_test_add(&name##_test);                                                            \
    }                                                                                         \
    static void name(void)

#define TEST(name) TEST_WITH(name, 0, 0)
/* A test of misuse: it passes when the process aborts. Left out of sweeps and of CK_FORK=no. */
#define TEST_ABORTS(name) TEST_WITH(name, 6, 0)
#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
/* There the sanitizer tells the use of what was freed before weir can. */
#define TEST_ABORTS_UNLESS_SANITIZED(name) static WEIR_UNUSED void name(void)
#else
#define TEST_ABORTS_UNLESS_SANITIZED(name) TEST_ABORTS(name)
#endif
/* A test that needs longer than the 10 seconds that each has. */
#define TEST_WITHIN(name, seconds) TEST_WITH(name, 0, seconds)

/* A template for mkstemp and mkdtemp, in a folder of this program's that is removed at its end. */
void wr_temp_name(char *to, size_t cap, const char *what);
void wr_remove_all(const char *path);

#define MUST(expr) ((expr) ? (void)0 : wr_must_failed(__FILE__, __LINE__, #expr))

/* The suite's name, "layer/topic". What follows it is ignored: tests register themselves. */
#define MAIN(...)                                                  \
    int main(int argc, char **argv)                                \
    {                                                              \
        return wr_test_main(WR_FIRST(__VA_ARGS__, 0), argc, argv); \
    }
#define WR_FIRST(first, ...) first

/* Is the component in this build? One that stands for another, whose library was missing, says so. */
static inline bool test_is_built(const weir_component *component)
{
    return strncmp(component->help, "Not in this build", 17) != 0;
}

#endif
