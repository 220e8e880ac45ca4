/*
 * loop_process.h - programs that weir starts: pipes to them, their end, and what they say. Internal.
 *
 * A program runs in a process group of its own, so a Ctrl-C on the terminal does not reach it: it is
 * weir that ends it. Its end is noticed through a descriptor (pidfd_open). So no signal's disposition
 * changes, and other children of the process are left alone. Descriptors of weir are closed in it. What it writes to standard error becomes lines of the log.
 *
 * The program that has ended remains as a zombie until wr_process_free, so that its number, which is
 * the number of the group, cannot become another one's before the group is ended.
 */
#ifndef WR_LOOP_PROCESS_H
#define WR_LOOP_PROCESS_H

#include <sys/types.h>

#include "loop_transport.h"

enum { WR_PROCESS_GRACE_MS = 5000 };

/* How a program has ended. */
struct wr_exit {
    int status;  /* of exit(3); with a signal: 128 + its number */
    int number;  /* of the signal that has ended it; 0: none */
    int unknown; /* errno: it has ended, and the system does not say how; 0: it does */
};

/* What starts and ends programs; a test has another one (loop->programs). */
struct wr_programs {
    /* Start argv[0], found by PATH, with these descriptors as 0, 1 and 2. in < 0: /dev/null; out < 0:
     * that of this process. Sets *pid, and *over: a descriptor that can be read from when the program
     * has ended. 0 or errno. */
    int (*start)(const char *const *argv, const int ends[3], pid_t *pid, int *over);
    /* Has it ended? */
    bool (*look)(pid_t pid, struct wr_exit *how);
    /* Send a signal to its group. */
    void (*signal)(pid_t pid, int number);
    /* It has ended: forget it. */
    void (*forget)(pid_t pid);
};
extern const struct wr_programs wr_programs_real;

struct wr_process;

struct wr_process_options {
    const char *const *argv; /* ends with NULL; lent for the call */
    const char *name;        /* for the log; must outlive the process */
    struct wr_object *of;    /* that waits for it */
    bool writes;             /* we write to its standard input; else that is empty */
    bool reads;              /* we read its standard output; else that is `out` */
    int out;                 /* -1: that of this process */
};

/* NULL: *error, WEIR_EIO with errno in detail, or WEIR_ENOMEM. Does not suspend. */
struct wr_process *wr_process_start(struct weir_loop *loop,
                                    const struct wr_process_options *options, weir_error *error);
/* Our end of its standard input or output; NULL: there is none, or it was closed. */
struct wr_transport *wr_process_in(const struct wr_process *process);
struct wr_transport *wr_process_out(const struct wr_process *process);
/* The program reads the end. No task may use the transport. */
void wr_process_close_in(struct wr_process *process);
/* Has it ended? */
const struct wr_exit *wr_process_exit(const struct wr_process *process);
/* Wait until it has ended, at most limit_ms (< 0: no limit). 0, WEIR_ETIMEDOUT, or as wr_wait. */
int wr_process_wait(struct wr_process *process, int64_t limit_ms, const char *why);
/* Close the pipes, end what still runs of the group by SIGTERM, and after grace_ms by SIGKILL, and
 * free it. Suspends, also when the task was canceled. NULL is allowed. */
void wr_process_free(struct wr_process *process, int64_t grace_ms);
/* "exited with status 3", "was ended by SIGTERM". As snprintf. */
size_t wr_exit_text(const struct wr_exit *how, char *to, size_t cap);
/* Has it ended as it should? */
static inline bool wr_exit_good(const struct wr_exit *how)
{
    return how->status == 0 && how->number == 0 && how->unknown == 0;
}

#endif
