/*
 * expr.h - expressions: compiled once, run for one input after another. Sans-I/O.
 *
 *     wr_program *program = wr_program_new(&text, NULL, 0, &error);
 *     wr_machine *run = wr_machine_new(program, NULL);
 *     wr_machine_begin(run);
 *     wr_machine_input(run, input);
 *     while ((rc = wr_machine_next(run, &output)) == WR_MACHINE_OUTPUT) { ... }
 *
 * A program never changes once it runs, and may be run by several runs, in several threads. A run belongs to one
 * thread. Each pull does what is needed for one output and no more, so an endless expression such as
 * repeat(1) is pulled as long as the caller wants more of it. It uses a bounded part of the C stack
 * whatever the expression and the input are.
 */
#ifndef WR_EXPR_H
#define WR_EXPR_H

#include <stdatomic.h>

#include "expr_tree.h"

typedef struct wr_program wr_program;
typedef struct wr_machine wr_machine;

/* A value with a name, $NAME in the expression. */
struct wr_named {
    const char *name;      /* without $ */
    struct wr_value value; /* must stay as long as the program */
    atomic_bool used;      /* a program that was compiled reads it */
};

enum { WR_EXPR_COMPILE_STACK_BYTES = 49152 };

/* Compile the expression at text->at; text->whole as wr_expr_parse. An assignment is a mistake.
 * Needs at most WR_EXPR_COMPILE_STACK_BYTES of the C stack. NULL: *read has the mistake. */
wr_program *wr_program_new(const struct wr_expr_text *text, struct wr_named *named,
                           size_t named_count, struct wr_expr_read *read);
void wr_program_free(wr_program *program); /* NULL is allowed; after its runs */
/* Whether it reads $meta: wr_machine_meta. */
bool wr_program_reads_meta(const wr_program *program);

/* Whether it orders a field and a number, as in .a > 3: a text in the field is above each number. */
bool wr_program_orders_field(const wr_program *program);

/* Let the program's look-ups of members be made together with those of others: a text with these
 * `looks` is looked up through them. Before the program runs; `looks` must stay as long as it.
 * Returns how often it looks into its input, as far as that is known. */
uint32_t wr_program_look(wr_program *program, struct wr_json_looks *looks);

enum wr_tested { WR_TEST_FALSE, WR_TEST_TRUE, WR_TEST_UNKNOWN };

/* Whether the first output of the program is true for a document, where that can be told without a
 * run: of paths of names that are compared, joined by and, or, not. UNKNOWN: a run must tell. */
enum wr_tested wr_program_test(const wr_program *program, const struct wr_json *json);

struct wr_machine_options {
    size_t bytes_max;   /* of memory for one input, and at most a quarter as much for tables of the
                           input's large containers, where .[k] looks again and again; 0: 64 MiB */
    uint64_t steps_max; /* instructions for one pull, and one for each 16 elements that one goes
                           through; 0: 100,000 */
};

enum wr_machine_result {
    WR_MACHINE_OUTPUT, /* *output is valid until the next call */
    WR_MACHINE_END,    /* no more outputs for this input */
    WR_MACHINE_BUSY,   /* steps_max is reached: call again */
    WR_MACHINE_FAILED, /* the expression has failed for this input: wr_machine_error */
    WR_MACHINE_LIMIT,  /* it needs more than bytes_max */
    WR_MACHINE_NO_MEMORY
};

/* NULL: no memory. */
wr_machine *wr_machine_new(const wr_program *program, const struct wr_machine_options *options);
void wr_machine_free(wr_machine *run);
/* Forget the last input. Then its arena may be used to make the next one, which must stay as long as
 * it is the input. */
void wr_machine_begin(wr_machine *run);
void wr_machine_input(wr_machine *run, struct wr_value input);
/* The value of $meta for this input, which must stay as long as it is the input. Until then: null. */
void wr_machine_meta(wr_machine *run, struct wr_value meta);
/* What time it is, for the function now, until the next call; until the first one, now fails. */
void wr_machine_clock(wr_machine *run, int64_t unix_ns);
/* Compute the next output. After END, FAILED, LIMIT and NO_MEMORY the same again. */
enum wr_machine_result wr_machine_next(wr_machine *run, struct wr_value *output);
/* What went wrong, after FAILED, LIMIT or NO_MEMORY: one line, valid until the next call. Control
 * characters are written as \n or \u0007. */
const char *wr_machine_error(wr_machine *run);
/* The text for LIMIT, with the number of bytes. */
const char *wr_machine_limit(wr_machine *run);
/* The memory that it holds now; a small part of it is kept when the next input begins. */
size_t wr_machine_bytes(const wr_machine *run);
/* The arena of the run: for texts of its outputs. It is reset by wr_machine_begin. */
struct wr_arena *wr_machine_arena(wr_machine *run);

#endif
