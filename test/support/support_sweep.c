/*
 * support_sweep.c - runs tests again and again, each time with another call failing.
 *
 * One run is one forked child: it arms the k-th fault point, runs the test, and reports over a pipe
 * how it ended. The pipe is the clock too: its end, by the child's word or death, is what the
 * parent waits for, and where nothing comes for hang_ms the child's process group is killed. What
 * the child prints goes to a memory file and is shown only if the run fails.
 *
 * A run ends in one of these ways: ENDED (the test function returned and nothing leaks), LEAKED (it
 * returned, and LeakSanitizer found something), EXEMPT (it arms fault points itself), ASSERTED (a
 * ck_assert did not hold: passes, because tests say what holds when all goes well; leaks are not
 * looked for, as the test was left in the middle), FAILED (a MUST did not hold), or without a word:
 * a signal, an abort, an early exit, a hang. The first run of a test has no failing point: it must
 * end, and counts the points. Up to points_max of them are all tried; beyond that, the first half
 * and a seeded sample of the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_sweep.h"

#undef wr_fault_set

enum { points_max = 2000, hang_ms = 60000, failures_shown_max = 5 };

enum ending { SILENT = 0, ENDED, LEAKED, ASSERTED, EXEMPT, FAILED };

struct report {
    enum ending ending;
    uint64_t points, fired;
    long blocks; /* left when the test had ended */
    char point[48];
};

struct outcome {
    struct report report;
    bool hung;
    int status;
    int output; /* memory file */
};

struct tally {
    int tests, failed_tests, failures;
    uint64_t runs, sampled_from;
};

static int report_fd = -1; /* in a child of the sweep */

/* Of the sanitizers, where they are linked. The first is 1 if something leaks; it stops the process
 * and looks at all of its memory, so it is asked only if something was not freed. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *))
    __attribute__((weak));

static atomic_long blocks; /* allocated in this run and not freed; of those before it none counts */
static _Thread_local bool kept; /* what this thread allocates now is to stay */

/* What is allocated where the runs are forked from: a set of addresses. That a run frees one of these
 * must not make up for a block that it loses. A run only reads it: what it frees and gets again is
 * then taken for lost, and looked at. */
enum { BEFORE_CAP = 1 << 16, BEFORE_TRIES = 64, NO_LONGER = 1 };
static atomic_uintptr_t before[BEFORE_CAP];
static atomic_bool before_is_full;

static atomic_uintptr_t *before_slot(uintptr_t block, int nth)
{
    size_t at = (size_t)((block >> 4) * 0x9e3779b97f4a7c15u >> 32);
    return &before[(at + (size_t)nth) % BEFORE_CAP];
}

static void add_before(uintptr_t block)
{
    for (int i = 0; i < BEFORE_TRIES; i++) {
        atomic_uintptr_t *slot = before_slot(block, i);
        uintptr_t found = atomic_load(slot);
        if (found <= NO_LONGER && atomic_compare_exchange_strong(slot, &found, block)) {
            return;
        }
    }
    atomic_store(&before_is_full, true);
}

/* Where it is in the set, NULL if it is not. */
static atomic_uintptr_t *find_before(uintptr_t block)
{
    for (int i = 0; i < BEFORE_TRIES; i++) {
        atomic_uintptr_t *slot = before_slot(block, i);
        uintptr_t found = atomic_load_explicit(slot, memory_order_relaxed);
        if (found == block || found == 0) {
            return found == block ? slot : NULL;
        }
    }
    return NULL;
}

static void count_malloc(const volatile void *block, size_t len)
{
    (void)len;
    if (report_fd < 0) {
        add_before((uintptr_t)block);
    } else if (!kept) {
        atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
    }
}

static void count_free(const volatile void *block)
{
    atomic_uintptr_t *slot = find_before((uintptr_t)block);
    if (report_fd < 0 && slot != NULL) {
        atomic_store(slot, NO_LONGER);
    } else if (report_fd >= 0 && slot == NULL && block != NULL) {
        atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
    }
}

/* In the process that forks the runs; what it has allocated until now no run frees. */
static bool count_blocks(void)
{
    /* A page that is there when a run is forked costs the run nothing to read. */
    for (size_t i = 0; i < BEFORE_CAP; i++) {
        atomic_store_explicit(&before[i], 0, memory_order_relaxed);
    }
    return __sanitizer_install_malloc_and_free_hooks != NULL &&
           __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free) != 0;
}

void wr_test_keeps(bool keeps)
{
    kept = keeps;
}

static bool faulty; /* a call fails in this run */

bool wr_test_faulty(void)
{
    return faulty;
}

static bool counts;
static long blocks_left;

static _Noreturn void end_run(enum ending ending)
{
    const char *name = wr_fault_name();
    struct report report = {.ending = ending,
                            .points = wr_fault_count(),
                            .fired = wr_fault_fired(),
                            .blocks = blocks_left};
    snprintf(report.point, sizeof report.point, "%s", name != NULL ? name : "");
    fflush(NULL);
    ssize_t written = write(report_fd, &report, sizeof report);
    _exit(written == (ssize_t)sizeof report ? 0 : 1);
}

void wr_sweep_end_asserted(void)
{
    if (report_fd >= 0) {
        end_run(ASSERTED);
    }
}

void wr_sweep_end_exempt(void)
{
    if (report_fd >= 0) {
        end_run(EXEMPT);
    }
}

void wr_sweep_end_failed(const char *why)
{
    fprintf(stderr, "%s\n", why);
    end_run(FAILED);
}

static _Noreturn void run_child(const struct wr_test *test, uint64_t k, int output)
{
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    faulty = k > 0;
    wr_fault_set(k, false);
    if (test->run_on != NULL) {
        test->run_on(test->on);
    } else {
        test->run();
    }
    wr_fault_pause(true);
    wr_sweep_leave_libraries();
    blocks_left = atomic_load(&blocks);
    bool counted = counts && !atomic_load(&before_is_full) && blocks_left == 0;
    bool leaks = __lsan_do_recoverable_leak_check != NULL && !counted &&
                 __lsan_do_recoverable_leak_check() != 0;
    end_run(leaks ? LEAKED : ENDED);
}

/* Read the report; false when there is none within the time. */
static bool await_report(int fd, struct report *report)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&waiting, 1, hang_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0 && read(fd, report, sizeof *report) != (ssize_t)sizeof *report) {
        report->ending = SILENT;
    }
    return ready > 0;
}

static struct outcome run_once(const struct wr_test *test, uint64_t k)
{
    struct outcome outcome = {.output = memfd_create("sweep", MFD_CLOEXEC)};
    int ends[2];
    if (outcome.output < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        perror("sweep");
        exit(EXIT_FAILURE);
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("sweep: fork");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        close(ends[0]);
        report_fd = ends[1];
        run_child(test, k, outcome.output);
    }
    close(ends[1]);
    outcome.hung = !await_report(ends[0], &outcome.report);
    close(ends[0]);
    /* Whatever the test has left running goes with it. The group is the child's once it has run its
     * first line. */
    if (outcome.hung) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &outcome.status, 0) < 0 && errno == EINTR) {}
    kill(-pid, SIGKILL);
    return outcome;
}

static void show(const struct outcome *outcome)
{
    char chunk[4096];
    ssize_t len;
    off_t offset = 0;
    while ((len = pread(outcome->output, chunk, sizeof chunk, offset)) > 0) {
        fwrite(chunk, 1, (size_t)len, stderr);
        offset += len;
    }
}

/* True: fine. Else say why, and show what the run printed. */
static bool judge(const struct wr_test *test, uint64_t k, const struct outcome *outcome)
{
    char why[64];
    const struct report *report = &outcome->report;
    if (outcome->hung) {
        snprintf(why, sizeof why, "hangs");
    } else if (report->ending == ENDED || report->ending == EXEMPT ||
               (report->ending == ASSERTED && k > 0)) {
        return true;
    } else if (report->ending == LEAKED) {
        snprintf(why, sizeof why, "leaks");
    } else if (report->ending != SILENT) {
        snprintf(why, sizeof why, "fails");
    } else if (WIFSIGNALED(outcome->status)) {
        snprintf(why, sizeof why, "is killed by signal %d", WTERMSIG(outcome->status));
    } else {
        snprintf(why, sizeof why, "ends early with status %d", WEXITSTATUS(outcome->status));
    }
    if (k == 0) {
        fprintf(stderr, "sweep: %s %s though nothing is made to fail\n", test->check.name, why);
    } else {
        fprintf(stderr, "sweep: %s %s when point %llu fails (%s)\n", test->check.name, why,
                (unsigned long long)k, report->point[0] != '\0' ? report->point : "unknown");
        fprintf(stderr, "sweep: again: WEIR_SWEEP=1 WEIR_SWEEP_POINT=%llu <program> '%s'\n",
                (unsigned long long)k, test->check.name);
    }
    show(outcome);
    return false;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* The next of a sequence that a seed replays (splitmix64). */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* One run; false when the test has failed often enough, or hangs: each hang costs a minute, and
 * one tells enough. *fired: was there a k-th point? */
static bool try_point(const struct wr_test *test, uint64_t k, struct tally *tally, int *failures,
                      bool *fired)
{
    struct outcome outcome = run_once(test, k);
    /* Without a report nobody knows whether the point was reached, so the sweep goes on. */
    *fired = outcome.report.ending == SILENT ||
             (outcome.report.ending != EXEMPT && outcome.report.fired > 0);
    tally->runs += *fired;
    if (!judge(test, k, &outcome)) {
        *failures += 1;
    }
    close(outcome.output);
    return *failures < failures_shown_max && !outcome.hung;
}

static void sweep_test(const struct wr_test *test, struct tally *tally)
{
    int failures = 0;
    bool fired = true;
    uint64_t only = number_from("WEIR_SWEEP_POINT", 0);
    if (only > 0) {
        try_point(test, only, tally, &failures, &fired);
        tally->failures += failures;
        tally->failed_tests += failures > 0;
        return;
    }
    struct outcome first = run_once(test, 0);
    uint64_t points = first.report.points;
    bool fine = judge(test, 0, &first);
    bool go_on = fine && first.report.ending != EXEMPT;
    failures += !fine;
    if (first.report.blocks != 0) {
        wr_sweep_use_libraries(first.report.blocks);
    }
    close(first.output);
    uint64_t in_order = points > points_max ? points_max / 2 : points_max;
    for (uint64_t k = 1; go_on && fired && k <= in_order; k++) {
        go_on = try_point(test, k, tally, &failures, &fired);
    }
    if (go_on && points > points_max) {
        tally->sampled_from += points;
        uint64_t state = number_from("WEIR_SWEEP_SEED", 1);
        for (int i = 0; go_on && i < points_max / 2; i++) {
            uint64_t k = in_order + 1 + draw(&state) % (points - in_order);
            go_on = try_point(test, k, tally, &failures, &fired);
        }
    }
    tally->failures += failures;
    tally->failed_tests += failures > 0;
}

int wr_sweep_run(const char *suite, const struct wr_test *tests, const char *filter)
{
    struct tally tally = {0};
    counts = count_blocks();
    for (const struct wr_test *test = tests; test != NULL; test = test->next) {
        if (test->signal == 0 && (filter == NULL || strstr(test->check.name, filter) != NULL)) {
            tally.tests++;
            sweep_test(test, &tally);
        }
    }
    printf("%s: sweep: %llu points", suite, (unsigned long long)tally.runs);
    if (tally.sampled_from > 0) {
        printf(" (tests with more than %d: a sample of seed %llu)", points_max,
               (unsigned long long)number_from("WEIR_SWEEP_SEED", 1));
    }
    printf(", %d runs failed: %d passed, %d failed\n", tally.failures,
           tally.tests - tally.failed_tests, tally.failed_tests);
    return tally.failed_tests == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
