/*
 * sem.h - what the programs of test/semantics share.
 *
 * The idea. Each program here exists twice, in C for weir and in Python for CPython's own
 * generators, and both must print the same trace. A trace speaks of values, of "over" and
 * "refused", and of failures by their names, so that neither language shows through. These helpers
 * print it; sem_common.py has their twins under the same names.
 */
#ifndef SEM_H
#define SEM_H

#include <stdio.h>
#include <weir/weir.h>

/* The user failures of the programs: classes Reset, Fatal, Retry and Skip in sem_common.py. */
enum { RESET = WEIR_EUSER, FATAL = WEIR_EUSER - 1, RETRY = WEIR_EUSER - 2, SKIP = WEIR_EUSER - 3 };

WEIR_TYPE(num, long);

struct none {
    char unused;
};
#define NONE ((struct none){0})
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

struct sem_program {
    const char *name;
    void (*run)(weir_scope *scope);
};
#define SEM_PROGRAM(fn) \
    {                   \
#fn, fn         \
    }
#define SEM_END    \
    {              \
        NULL, NULL \
    }

extern const struct sem_program sem_seeds[];
extern const struct sem_program sem_basics[];
extern const struct sem_program sem_send[];
extern const struct sem_program sem_throw[];
extern const struct sem_program sem_close[];
extern const struct sem_program sem_delegate[];
extern const struct sem_program sem_recursion[];
extern const struct sem_program sem_pipeline[];
extern const struct sem_program sem_contagion[];
extern const struct sem_program sem_async[];

/* "Reset", "Fatal", ..., "closed", "ignored"; "ok" for 0. */
const char *sem_name(int code);
/* A number or bytes as text. Returns `to`. */
const char *sem_text(const weir_item *item, char *to, size_t cap);
void sem_show(const char *what, weir_got got, const weir_item *item);

/* What a reader does; each prints one line, "next -> 3". */
void sem_do_next(weir_gen *gen);
void sem_do_send(weir_gen *gen, long value);
void sem_do_send_text(weir_gen *gen, const char *text);
void sem_do_send_none(weir_gen *gen);
void sem_do_throw(weir_gen *gen, int code, const char *message);
void sem_do_result(weir_gen *gen);
void sem_do_finish(WEIR_TAKES weir_gen *gen);
void sem_do_first(weir_gen *gen, int count); /* "first -> 1 2 3", at most count items */
void sem_do_rest(weir_gen *gen);             /* "rest -> 4 5", to the end */
void sem_do_all(WEIR_TAKES weir_gen *gen);   /* rest, then finish */

/* What a body does. give yields a number that lives in give's own frame. */
WEIR_MUST_CHECK bool sem_give(weir_gen *self, long value);
WEIR_MUST_CHECK bool sem_give_text(weir_gen *self, const char *text);
/* `return sem_last(self, value);`: yields what is the last item either way. */
int sem_last(weir_gen *self, long value);
int sem_last_text(weir_gen *self, const char *text);
WEIR_MUST_CHECK bool sem_take(weir_gen *gen, long *value);
/* The number that the reader sent, `otherwise` after a plain pull. */
long sem_received(const weir_gen *self, long otherwise);
/* The name of what made the last yield return false; takes nothing. */
const char *sem_pending(weir_gen *self);

/* The numbers first..last, silent, for programs about something else. */
weir_gen *sem_numbers(weir_scope *scope, long first, long last);

#endif
