/*
 * support_call.h - makes a call that aborts, in a process of its own, and gives its message.
 */
#ifndef WR_SUPPORT_CALL_H
#define WR_SUPPORT_CALL_H

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_check.h"

/* Run call(arg), which may or may not return. text: what it writes to stderr, terminated. Returns
 * the signal that has ended it; 0: none. */
static inline int wr_call(void (*call)(const void *arg), const void *arg, char *text, size_t cap)
{
    int out[2], status = 0;
    size_t len = 0;
    ssize_t n;
    ck_assert_int_eq(pipe(out), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(out[1], STDERR_FILENO);
        call(arg);
        _exit(0);
    }
    close(out[1]);
    while ((n = read(out[0], text + len, cap - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    close(out[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
