/*
 * support_program.h - programs that a test plays itself: a loop starts no process, and a test has the
 * program's ends of the pipes.
 */
#ifndef WR_SUPPORT_PROGRAM_H
#define WR_SUPPORT_PROGRAM_H

#include "loop_process.h"

/* A program that was started. */
struct wr_program {
    int ends[3]; /* its own, until wr_program_closes; -1: none */
    int over;    /* an eventfd */
    bool ended;
    struct wr_exit how;
    int signals[4], signals_count; /* that it got */
    bool stubborn;                 /* SIGTERM does not end it */
    bool forgotten;
    int after; /* in its argument --after-cursor=N; 0: none */
};
/* How many have been started, and the last one. Their descriptors are closed when they end. */
extern int wr_programs_started;
extern struct wr_program wr_program_last;
/* Called when one has been started. NULL: nothing. */
extern void (*wr_program_begins)(void *ctx, struct wr_program *program);
extern void *wr_program_ctx;
extern const struct wr_programs wr_programs_played;

/* Close one of its descriptors. */
void wr_program_closes(struct wr_program *program, int end);
/* It ends: with this status, or by a signal. */
void wr_program_ends(struct wr_program *program, int status, int number);
/* Write to one of its descriptors. */
void wr_program_writes(struct wr_program *program, int end, const char *text);

#endif
