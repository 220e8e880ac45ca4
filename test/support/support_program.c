/*
 * support_program.c - programs that a test plays itself. One runs at a time.
 */
#include "support_program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_check.h"

int wr_programs_started;
struct wr_program wr_program_last = {.ends = {-1, -1, -1}, .over = -1};
void (*wr_program_begins)(void *ctx, struct wr_program *program);
void *wr_program_ctx;

void wr_program_closes(struct wr_program *program, int end)
{
    if (program->ends[end] >= 0) {
        close(program->ends[end]);
    }
    program->ends[end] = -1;
}

void wr_program_ends(struct wr_program *program, int status, int number)
{
    const uint64_t one = 1;
    if (program->ended) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        wr_program_closes(program, i);
    }
    program->ended = true;
    program->how =
        (struct wr_exit){.status = number != 0 ? 128 + number : status, .number = number};
    if (program->over >= 0) {
        ck_assert_int_eq(write(program->over, &one, sizeof one), (ssize_t)sizeof one);
        close(program->over);
        program->over = -1;
    }
}

void wr_program_writes(struct wr_program *program, int end, const char *text)
{
    ck_assert_int_eq(write(program->ends[end], text, strlen(text)), (ssize_t)strlen(text));
}

static int start(const char *const *argv, const int ends[3], pid_t *pid, int *over)
{
    struct wr_program *program = &wr_program_last;
    if (wr_fault("posix_spawn")) {
        return EAGAIN;
    }
    *program = (struct wr_program){.ends = {-1, -1, -1}};
    for (; *argv != NULL; argv++) {
        if (strncmp(*argv, "--after-cursor=", 15) == 0) {
            program->after = atoi(*argv + 15);
        }
    }
    for (int i = 0; i < 3; i++) {
        program->ends[i] = ends[i] >= 0 ? fcntl(ends[i], F_DUPFD_CLOEXEC, 3) : -1;
    }
    *over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    program->over = fcntl(*over, F_DUPFD_CLOEXEC, 3);
    *pid = ++wr_programs_started;
    if (wr_program_begins != NULL) {
        wr_program_begins(wr_program_ctx, program);
    }
    return 0;
}

static bool look(pid_t pid, struct wr_exit *how)
{
    (void)pid;
    *how = wr_program_last.how;
    return wr_program_last.ended;
}

static void send_signal(pid_t pid, int number)
{
    struct wr_program *program = &wr_program_last;
    (void)pid;
    if (program->signals_count < 4) {
        program->signals[program->signals_count++] = number;
    }
    if (number == SIGKILL || !program->stubborn) {
        wr_program_ends(program, 0, number);
    }
}

static void forget(pid_t pid)
{
    (void)pid;
    wr_program_last.forgotten = true;
}

const struct wr_programs wr_programs_played = {
    .start = start, .look = look, .signal = send_signal, .forget = forget};
