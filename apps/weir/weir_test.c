/*
 * weir_test.c - `weir test FILE`: runs the cases of a file, and compares.
 *
 * Each case is a run of this program in a process of its own, in the folder of the file, so it ends
 * as for a user, with the same messages and status. Its clock is virtual and its random numbers are
 * seeded, so it takes no time and gives the same each time. A run that does not end is killed, and
 * each file that it writes, its output too, has a limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir_cases.h"
#include "weir_run.h"

enum { RUN_MS_MAX = 60 * 1000, SHOWN_MAX = 200, OUTPUT_BYTES_MAX = 64 << 20 };

/* The files of one run. */
struct channel {
    int fd; /* -1: none */
    struct case_text text;
};

struct test_run {
    const struct test_case *test;
    const char *file;
    struct channel in, out, err;
    int status;  /* -1: it was killed */
    bool failed; /* something was reported */
};

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0) {
            return -1;
        }
        data += n;
        len -= (size_t)n;
    }
    return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static bool read_all(struct channel *channel)
{
    off_t len = lseek(channel->fd, 0, SEEK_END);
    channel->text.data = len >= 0 ? malloc((size_t)len + 1) : NULL;
    if (channel->text.data == NULL) {
        return false;
    }
    channel->text.len = (size_t)len;
    channel->text.data[len] = '\0';
    return pread(channel->fd, channel->text.data, (size_t)len, 0) == len;
}

/* Report what is wrong; the name of the case comes first. */
static void tell(struct test_run *run, const char *what)
{
    if (!run->failed) {
        printf("FAILED  %s (%s:%u)\n", run->test->name, run->file, run->test->line);
        run->failed = true;
    }
    printf("    %s\n", what);
}

/* In the child: become the run. */
static void become(const struct test_run *run)
{
    const char *args[CASE_FLAGS_MAX + 8] = {"weir", "--virtual-clock", "--seed"};
    size_t count = 3;
    char *slash = strrchr(run->file, '/');
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - run->file + 1) : 1,
             slash != NULL ? run->file : ".");
    args[count++] = run->test->seed != NULL ? run->test->seed : "1";
    for (size_t i = 0; i < run->test->flags_count; i++) {
        args[count++] = run->test->flags[i];
    }
    args[count++] = "--";
    args[count++] = run->test->pipeline.data;
    if (chdir(folder) == 0 && dup2(run->in.fd, 0) == 0 && dup2(run->out.fd, 1) == 1 &&
        dup2(run->err.fd, 2) == 2) {
        const struct rlimit limit = {OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX};
        signal(SIGPIPE, SIG_DFL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setrlimit(RLIMIT_FSIZE, &limit); /* the output lies in memory */
        execv("/proc/self/exe", (char *const *)(uintptr_t)args);
    }
    _exit(127);
}

/* Wait for the child; -1: it had to be killed. */
static int wait_for(pid_t child)
{
    int status;
    int64_t until_ms = say_now_ms() + RUN_MS_MAX;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (say_now_ms() >= until_ms) {
            kill(child, SIGKILL);
            (void)waitpid(child, &status, 0);
            return -1;
        }
        (void)poll(NULL, 0, 2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool start(struct test_run *run)
{
    struct channel *channels[] = {&run->in, &run->out, &run->err};
    for (size_t i = 0; i < 3; i++) {
        channels[i]->fd = memfd_create("weir test", MFD_CLOEXEC);
        if (channels[i]->fd < 0) {
            return false;
        }
    }
    if (write_all(run->in.fd, run->test->input.data, run->test->input.len) < 0) {
        return false;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        become(run);
    }
    if (child < 0) {
        return false;
    }
    run->status = wait_for(child);
    return read_all(&run->out) && read_all(&run->err);
}

/* ---- comparing */

static void show_line(const char *what, const char *text, size_t len)
{
    size_t end = 0;
    while (end < len && text[end] != '\n') {
        end++;
    }
    printf("        %s ", what);
    for (size_t i = 0; i < end && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            printf("\\x%02x", c);
        } else {
            putchar(c);
        }
    }
    printf("%s%s\n", end > SHOWN_MAX ? "..." : "",
           len == 0     ? "(the end)"
           : end == len ? "  (no line end)"
                        : "");
}

/* Compare byte for byte; the first line that differs is shown. */
static void compare_output(struct test_run *run)
{
    const struct case_text *want = &run->test->output, *got = &run->out.text;
    size_t line = 1, from = 0, i = 0;
    char text[64];
    while (i < want->len && i < got->len && want->data[i] == got->data[i]) {
        if (want->data[i++] == '\n') {
            line++;
            from = i;
        }
    }
    if (i == want->len && i == got->len) {
        return;
    }
    snprintf(text, sizeof text, "line %zu of the output:", line);
    tell(run, text);
    show_line("expected", want->data + from, want->len - from);
    show_line("printed ", got->data + from, got->len - from);
}

/* Each line must stand somewhere in the messages. */
static void compare_error(struct test_run *run)
{
    const struct case_text *want = &run->test->error;
    for (size_t from = 0; from < want->len;) {
        const char *line = want->data + from;
        size_t len = strcspn(line, "\n");
        len = from + len > want->len ? want->len - from : len;
        if (len > 0 && memmem(run->err.text.data, run->err.text.len, line, len) == NULL) {
            tell(run, "this is not in the messages:");
            show_line("expected", line, len + 1);
        }
        from += len + 1;
    }
}

static void compare(struct test_run *run)
{
    char text[64];
    if (run->status < 0) {
        tell(run, "it did not end within 60 s, and was killed");
    } else if (run->status != run->test->status) {
        snprintf(text, sizeof text, "the status is %d, not %d", run->status, run->test->status);
        tell(run, text);
    }
    if (run->test->output.data != NULL) {
        compare_output(run);
    }
    compare_error(run);
    if (run->failed && run->err.text.len > 0) {
        printf("    its messages:\n%s%s", run->err.text.data,
               run->err.text.data[run->err.text.len - 1] == '\n' ? "" : "\n");
    }
}

static bool passes(const char *file, const struct test_case *test)
{
    struct test_run run = {
        .test = test, .file = file, .in = {.fd = -1}, .out = {.fd = -1}, .err = {.fd = -1}};
    struct channel *channels[] = {&run.in, &run.out, &run.err};
    if (start(&run)) {
        compare(&run);
    } else {
        tell(&run, strerror(errno));
    }
    if (!run.failed) {
        printf("ok      %s\n", test->name);
    }
    for (size_t i = 0; i < 3; i++) {
        free(channels[i]->text.data);
        if (channels[i]->fd >= 0) {
            close(channels[i]->fd);
        }
    }
    return !run.failed;
}

int test_cases(const struct flags *flags)
{
    size_t passed = 0, failed = 0;
    if (flags->files_count == 0) {
        return flags_complain("test needs a file of cases; 'weir help test' shows one");
    }
    for (size_t i = 0; i < flags->files_count; i++) {
        struct cases cases;
        int code = cases_read(flags->files[i], &cases);
        for (size_t k = 0; code == 0 && k < cases.count; k++) {
            if (passes(flags->files[i], &cases.list[k])) {
                passed++;
            } else {
                failed++;
            }
        }
        cases_free(&cases);
        if (code != 0) {
            return code;
        }
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed > 0 ? EXIT_FAILED : EXIT_FINISHED;
}
