/*
 * support_check.c - the runner of the unit tests: registration, Check's suites, the tally.
 *
 * Constructors hand in the tests in the order of the file, before main. Without a sweep everything
 * is Check's: one suite, one case per test (a case carries the time limit), one process per test.
 * The last line on stdout is
 * "<suite>: <N> passed, <M> failed", which test/run.sh adds up.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_check.h"
#include "support_sweep.h"

/* This file calls the real ones. */
#undef _ck_assert_failed
#undef _mark_point
#undef wr_fault_set

/* Ten times what a test may need is a hang, also on a slow and busy machine. */
enum { limit_default_s = 10, limit_factor = 10 };

static struct wr_test *tests;
static struct wr_test **tests_end = &tests;

void wr_test_add(struct wr_test *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

/* Check passes the position of the test in the list. */
static void run_in_check(int position)
{
    const struct wr_test *test = tests;
    for (int i = 0; i < position; i++) {
        test = test->next;
    }
    test->run_on(test->on);
}

void wr_suite_add(const struct wr_suite_test *suite, const char *what, const void *on)
{
    for (; suite->name != NULL; suite++) {
        size_t cap = strlen(what) + strlen(suite->name) + 2;
        char *name = malloc(cap);
        struct wr_test *test = malloc(sizeof *test);
        if (test == NULL || name == NULL) {
            abort();
        }
        snprintf(name, cap, "%s%s%s", what, *what != '\0' ? " " : "", suite->name);
        const struct wr_test made = {.check = {name, run_in_check, __FILE__, __LINE__},
                                     .limit_s = 60,
                                     .run_on = suite->run,
                                     .on = on};
        memcpy(test, &made, sizeof made);
        wr_test_add(test);
    }
}

bool wr_test_sweeps(void)
{
    const char *sweep = getenv("WEIR_SWEEP");
    return sweep != NULL && strcmp(sweep, "1") == 0;
}

void wr_check_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
    char text[1024];
    const char *why = expr;
    if (msg != NULL) {
        va_list args;
        va_start(args, msg);
        vsnprintf(text, sizeof text, msg, args);
        va_end(args);
        why = text;
    }
    wr_sweep_end_asserted();
    _ck_assert_failed(file, line, expr, "%s", why);
    abort(); /* not reached; tells the compiler so where Check is built without fork */
}

void wr_check_passed(const char *file, int line)
{
    if (!wr_test_sweeps()) {
        _mark_point(file, line);
    }
}

void wr_must_failed(const char *file, int line, const char *expr)
{
    if (wr_test_sweeps()) {
        char why[512];
        snprintf(why, sizeof why, "%s:%d: must hold in every case: %s", file, line, expr);
        wr_sweep_end_failed(why);
    }
    _ck_assert_failed(file, line, expr, NULL);
    abort();
}

void wr_test_fault_set(uint64_t k, bool sticky)
{
    wr_sweep_end_exempt();
    wr_fault_set(k, sticky);
}

void wr_test_no_proxy(void)
{
    wr_test_keeps(true);
    setenv("no_proxy", "*", 1);
    wr_test_keeps(false);
}

/* ---- files */

static char
    temp[64]; /* of this program: what tests that were ended midway leave there goes with it */

/* A sweep syncs its files some 100,000 times, which a disk needs minutes for: they are in memory. */
static void make_temp(void)
{
    bool in_memory = wr_test_sweeps() && access("/dev/shm", W_OK | X_OK) == 0;
    snprintf(temp, sizeof temp, "%s/weir-%.24s-XXXXXX", in_memory ? "/dev/shm" : "/tmp",
             program_invocation_short_name);
    if (mkdtemp(temp) == NULL) {
        perror(temp);
        exit(EXIT_FAILURE);
    }
}

void wr_temp_name(char *to, size_t cap, const char *what)
{
    snprintf(to, cap, "%s/%s-XXXXXX", temp, what);
}

void wr_remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char inner[512];
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(inner, sizeof inner, "%.200s/%.255s", path, entry->d_name);
            wr_remove_all(inner);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)remove(path);
}

/* ---- the runner */

static Suite *make_suite(const char *name, const char *filter, bool forks)
{
    Suite *suite = suite_create(name);
    int position = -1;
    for (struct wr_test *test = tests; test != NULL; test = test->next) {
        position++;
        if ((filter != NULL && strstr(test->check.name, filter) == NULL) ||
            (test->signal != 0 && !forks)) {
            continue;
        }
        TCase *tcase = tcase_create(test->check.name);
        int limit_s = test->limit_s > 0 ? test->limit_s : limit_default_s;
        tcase_set_timeout(tcase, limit_s * limit_factor);
        if (test->signal != 0) {
            tcase_add_test_raise_signal(tcase, &test->check, test->signal);
        } else if (test->run_on != NULL) {
            tcase_add_loop_test(tcase, &test->check, position, position + 1);
        } else {
            tcase_add_test(tcase, &test->check);
        }
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

int wr_test_main(const char *suite_name, int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : NULL;
    make_temp();
    if (wr_test_sweeps()) {
        int status = wr_sweep_run(suite_name, tests, filter);
        wr_remove_all(temp);
        return status;
    }
    const char *fork_text = getenv("CK_FORK");
    bool forks = fork_text == NULL || strcmp(fork_text, "no") != 0;
    SRunner *runner = srunner_create(make_suite(suite_name, filter, forks));
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    wr_remove_all(temp);
    printf("%s: %d passed, %d failed\n", suite_name, run - failed, failed);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
