/*
 * loop_process.c - a program on three pipes and a pidfd.
 *
 * States: running; over (the pidfd can be read from: `how` is known, the zombie is still there);
 * freed. The pidfd and standard error are watched by callbacks on the scheduler's stack, so the end
 * is noticed and lines are logged while the task that uses the pipes is elsewhere. Standard output is
 * read only by that task: a reader that is slow slows the program down.
 *
 * Standard error goes to the log by lines, cut at LINE_BYTES. A line that equals the one before is
 * counted, and so are lines beyond BURST at once and PER_S a second; the next line that is logged says
 * how many are missing. At its end, what is still in the pipe is read, at most DRAIN_READS times: a
 * program that was left behind may write for ever.
 *
 * Only wr_process_wait and wr_process_free suspend.
 */
#include "loop_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base_alloc.h"
#include "base_call.h"
#include "base_print.h"

enum {
    LINE_BYTES = 500,
    READ_BYTES = 1024,
    READS = 4,
    DRAIN_READS = 64,
    BURST = 100,
    PER_S = 20,
    ERRORS_MAX = 3
};

struct wr_process {
    struct weir_loop *loop;
    const char *name;
    struct wr_object *of;
    struct wr_transport *in, *out;
    struct wr_fd *err, *over;
    pid_t pid;
    struct wr_exit how;
    bool ended;     /* `how` is known */
    bool err_ends;  /* standard error is at its end */
    int err_errors; /* of reads: a pipe has none */
    bool waits;     /* a task waits for the end */
    /* standard error */
    char line[LINE_BYTES], last[LINE_BYTES];
    size_t line_len, last_len;
    bool has_last;
    uint64_t same, left_out;
    int64_t logged_ns; /* when so many lines may be logged ... */
    int64_t may_log;
};

/* ---- the system */

static int start_it(const char *const *argv, const int ends[3], pid_t *pid)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    char *const *args;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return rc;
    }
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return rc;
    }
    memcpy(&args, &argv, sizeof args);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* programs of weir ignore it */
    rc = ends[0] >= 0 ? posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
                      : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0 && ends[1] >= 0) {
        rc = posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    }
    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(&actions, ends[2], 2);
    }
    if (rc == 0) {
        (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
        (void)posix_spawnattr_setpgroup(&attributes, 0);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
        rc = posix_spawnp(pid, argv[0], &actions, &attributes, args, environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static bool real_look(pid_t pid, struct wr_exit *how)
{
    siginfo_t info = {.si_pid = 0};
    int rc;
    do {
        rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    *how = (struct wr_exit){.status = 0};
    if (rc < 0) {
        how->unknown = errno;
    } else if (info.si_pid == 0) {
        return false;
    } else if (info.si_code == CLD_EXITED) {
        how->status = info.si_status;
    } else {
        how->number = info.si_status;
        how->status = 128 + how->number;
    }
    return true;
}

static void real_signal(pid_t pid, int number)
{
    (void)kill(-pid, number);
}

static void real_forget(pid_t pid)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR) {}
}

static int real_start(const char *const *argv, const int ends[3], pid_t *pid, int *over)
{
    int rc = wr_fault("posix_spawn") ? EAGAIN : start_it(argv, ends, pid);
    if (rc != 0) {
        return rc;
    }
    *over = wr_fault("pidfd_open") ? (errno = EMFILE, -1)
                                   : (int)syscall(SYS_pidfd_open, *pid, 0); /* close-on-exec */
    if (*over < 0) {
        rc = errno;
        real_signal(*pid, SIGKILL);
        real_forget(*pid);
    }
    return rc;
}

const struct wr_programs wr_programs_real = {
    .start = real_start, .look = real_look, .signal = real_signal, .forget = real_forget};

/* ---- what it says on standard error */

/* May another line be logged? */
static bool may_log(struct wr_process *process)
{
    int64_t now = wr_now_ns(process->loop), step = INT64_C(1000000000) / PER_S;
    int64_t more = (now - process->logged_ns) / step;
    if (more > 0) {
        process->may_log = WR_MIN(process->may_log + more, (int64_t)BURST);
        process->logged_ns += more * step;
    }
    if (process->may_log == 0) {
        return false;
    }
    process->may_log--;
    return true;
}

static void say_folded(struct wr_process *process)
{
    const struct wr_log *log = &process->loop->log;
    if (process->same > 0) {
        wr_log(log, WR_LOG_INFO, process->name, "the last line came %llu more times",
               (unsigned long long)process->same);
    }
    if (process->left_out > 0) {
        wr_log(log, WR_LOG_INFO, process->name, "%llu lines of standard error are not shown",
               (unsigned long long)process->left_out);
    }
    process->same = process->left_out = 0;
}

static void say_line(struct wr_process *process)
{
    size_t len = process->line_len;
    process->line_len = 0;
    len -= len > 0 && process->line[len - 1] == '\r';
    if (len == 0) {
        return;
    }
    if (process->has_last && process->last_len == len &&
        memcmp(process->last, process->line, len) == 0) {
        process->same++;
        return;
    }
    if (!may_log(process)) {
        process->left_out++;
        return;
    }
    say_folded(process);
    wr_log(&process->loop->log, WR_LOG_INFO, process->name, "%.*s", (int)len, process->line);
    memcpy(process->last, process->line, len);
    process->last_len = len;
    process->has_last = true;
}

static void take_err(struct wr_process *process, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            say_line(process);
        } else if (process->line_len < LINE_BYTES) {
            process->line[process->line_len++] = data[i];
        }
    }
}

/* A callback must not free its descriptor. */
static void end_err(struct wr_process *process)
{
    wr_fd_watch_input(process->err, NULL, NULL);
    process->err_ends = true;
    say_line(process);
    say_folded(process);
}

static void read_err(struct wr_process *process, int reads)
{
    char data[READ_BYTES];
    for (int i = 0; i < reads && !process->err_ends; i++) {
        ssize_t n;
        WR_CALL(n, "read", EIO, read(wr_fd_number(process->err), data, sizeof data));
        if (n > 0) {
            take_err(process, data, (size_t)n);
        } else if (n == 0 || (errno != EAGAIN && process->err_errors++ == ERRORS_MAX)) {
            end_err(process);
        } else {
            return;
        }
    }
}

static void err_came(void *ctx)
{
    read_err(ctx, READS);
}

/* ---- its end */

static void ended(void *ctx)
{
    struct wr_process *process = ctx;
    if (!process->loop->programs->look(process->pid, &process->how)) {
        return;
    }
    wr_fd_watch_input(process->over, NULL, NULL);
    process->ended = true;
    read_err(process, DRAIN_READS);
    if (process->waits) {
        wr_object_wake(process->of);
    }
}

const struct wr_exit *wr_process_exit(const struct wr_process *process)
{
    return process->ended ? &process->how : NULL;
}

int wr_process_wait(struct wr_process *process, int64_t limit_ms, const char *why)
{
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(process->loop, &limit, limit_ms);
    process->waits = true;
    process->loop->fds_waited++; /* a virtual clock stands still */
    while (!process->ended && rc == 0) {
        rc = wr_wait_limited(&limit, why, process->of);
    }
    process->loop->fds_waited--;
    process->waits = false;
    wr_limit_stop(&limit);
    return process->ended ? 0 : rc;
}

/* Wait for the end, whatever happens to the task: SIGKILL was sent. */
static void await_kill(struct wr_process *process)
{
    process->waits = true;
    process->loop->fds_waited++;
    while (!process->ended) {
        (void)wr_park(process->loop, "a killed program to end", process->of);
    }
    process->loop->fds_waited--;
    process->waits = false;
}

static void close_transport(struct wr_transport **transport)
{
    if (*transport != NULL) {
        (*transport)->ops->free(*transport);
        *transport = NULL;
    }
}

void wr_process_free(struct wr_process *process, int64_t grace_ms)
{
    static const char why[] = "a program to end after SIGTERM";
    if (process == NULL) {
        return;
    }
    const struct wr_programs *programs = process->loop->programs;
    close_transport(&process->in);
    close_transport(&process->out);
    programs->signal(process->pid, SIGTERM);
    if (!process->ended && wr_process_wait(process, grace_ms, why) != 0) {
        wr_log(&process->loop->log, WR_LOG_WARNING, process->name,
               "the command has not ended after SIGTERM: SIGKILL");
        programs->signal(process->pid, SIGKILL);
        await_kill(process);
    }
    if (!process->err_ends) {
        end_err(process);
    }
    wr_fd_free(process->err);
    wr_fd_free(process->over);
    programs->forget(process->pid);
    wr_free(process);
}

/* ---- its start */

/* A pipe whose descriptors are none of 0, 1 and 2, which the program gets as others. 0 or errno. */
static int make_pipe(int ends[2])
{
    int rc;
    WR_CALL(rc, "pipe2", EMFILE, pipe2(ends, O_CLOEXEC));
    for (int i = 0; rc == 0 && i < 2; i++) {
        int moved = ends[i] > 2 ? ends[i] : fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        if (moved < 0) {
            rc = -1;
            (void)wr_close(ends[0]);
            (void)wr_close(ends[1]);
        } else if (moved != ends[i]) {
            (void)wr_close(ends[i]);
            ends[i] = moved;
        }
    }
    return rc == 0 ? 0 : errno;
}

/* The pipes to a program: ours, and its own. */
struct pipes {
    int ours[3], its[3];
};

static void close_ends(int ends[3])
{
    for (int i = 0; i < 3; i++) {
        if (ends[i] >= 0) {
            (void)wr_close(ends[i]);
        }
        ends[i] = -1;
    }
}

static int make_pipes(struct pipes *pipes, const struct wr_process_options *options)
{
    const bool wanted[3] = {options->writes, options->reads, true};
    for (int i = 0; i < 3; i++) {
        pipes->ours[i] = pipes->its[i] = -1;
    }
    for (int i = 0; i < 3; i++) {
        int ends[2] = {-1, -1};
        int rc = wanted[i] ? make_pipe(ends) : 0;
        if (rc != 0) {
            close_ends(pipes->ours);
            close_ends(pipes->its);
            return rc;
        }
        if (wanted[i]) {
            pipes->ours[i] = ends[i == 0];
            pipes->its[i] = ends[i != 0];
        }
    }
    return 0;
}

/* Our end of the pipe becomes a transport, and is not ours to close any more. */
static int take_transport(struct wr_process *process, struct wr_transport **to, int *end,
                          weir_error *error)
{
    int fd = *end;
    *end = -1;
    *to = fd >= 0 ? wr_fd_transport(process->loop, fd, WR_FD_OWN, error) : NULL;
    return fd >= 0 && *to == NULL ? error->code : 0;
}

static int take_fd(struct wr_process *process, struct wr_fd **to, int *end, weir_error *error)
{
    int fd = *end, why, detail;
    *end = -1;
    *to = wr_fd_new(process->loop, fd, WR_FD_OWN, &why, &detail);
    return *to != NULL ? 0
                       : wr_error_set(error, why, detail, process->name, "cannot watch it: %s",
                                      detail != 0 ? strerror(detail) : wr_code_text(why));
}

static int take_ends(struct wr_process *process, struct pipes *pipes, weir_error *error)
{
    int rc = take_transport(process, &process->in, &pipes->ours[0], error);
    rc = rc == 0 ? take_transport(process, &process->out, &pipes->ours[1], error) : rc;
    return rc == 0 ? take_fd(process, &process->err, &pipes->ours[2], error) : rc;
}

/* It could not be started, or not be watched. */
static struct wr_process *undo(struct wr_process *process, struct pipes *pipes)
{
    close_ends(pipes->ours);
    close_ends(pipes->its);
    close_transport(&process->in);
    close_transport(&process->out);
    wr_fd_free(process->err);
    wr_free(process);
    return NULL;
}

struct wr_process *wr_process_start(struct weir_loop *loop,
                                    const struct wr_process_options *options, weir_error *error)
{
    struct pipes pipes;
    struct wr_process *process = wr_zalloc(sizeof *process);
    int over = -1;
    wr_error_clear(error);
    if (process == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, options->name, "no memory for a program");
        return NULL;
    }
    process->loop = loop;
    process->name = options->name;
    process->of = options->of;
    process->may_log = BURST;
    process->logged_ns = wr_now_ns(loop);
    int rc = make_pipes(&pipes, options);
    if (rc != 0) {
        wr_error_set(error, WEIR_EIO, rc, options->name, "cannot make a pipe: %s", strerror(rc));
        return undo(process, &pipes);
    }
    if (take_ends(process, &pipes, error) < 0) {
        return undo(process, &pipes);
    }
    const int ends[3] = {pipes.its[0], options->reads ? pipes.its[1] : options->out, pipes.its[2]};
    rc = loop->programs->start(options->argv, ends, &process->pid, &over);
    if (rc != 0) {
        wr_error_set(error, WEIR_EIO, rc, options->name, "cannot start '%s': %s", options->argv[0],
                     strerror(rc));
        return undo(process, &pipes);
    }
    close_ends(pipes.its);
    if (take_fd(process, &process->over, &over, error) < 0) {
        loop->programs->signal(process->pid, SIGKILL);
        loop->programs->forget(process->pid);
        return undo(process, &pipes);
    }
    wr_fd_watch_input(process->over, ended, process);
    wr_fd_watch_input(process->err, err_came, process);
    return process;
}

struct wr_transport *wr_process_in(const struct wr_process *process)
{
    return process->in;
}

struct wr_transport *wr_process_out(const struct wr_process *process)
{
    return process->out;
}

void wr_process_close_in(struct wr_process *process)
{
    close_transport(&process->in);
}

size_t wr_exit_text(const struct wr_exit *how, char *to, size_t cap)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
                 {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},
                 {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
                 {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
                 {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
                 {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"}};
    if (how->unknown != 0) {
        return wr_print_text(to, cap, "has ended, and the system does not say how: %s%s",
                             strerror(how->unknown),
                             how->unknown == ECHILD ? " (is SIGCHLD ignored?)" : "");
    }
    for (size_t i = 0; how->number != 0 && i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == how->number) {
            return wr_print_text(to, cap, "was ended by %s", names[i].name);
        }
    }
    if (how->number != 0) {
        return wr_print_text(to, cap, "was ended by signal %d", how->number);
    }
    return wr_print_text(to, cap, "exited with status %d%s", how->status,
                         how->status == 127   ? " (not found)"
                         : how->status == 126 ? " (cannot be executed)"
                                              : "");
}
