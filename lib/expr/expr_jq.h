/*
 * expr_jq.h - the whole jq language, by libjq. Sans-I/O; runs on a worker's thread.
 *
 *     struct wr_jq *jq = wr_jq_new(program, NULL, &mistake);
 *     wr_jq_ready(jq);
 *     wr_jq_input(jq, &json, WR_JSON_ROOT);
 *     while ((rc = wr_jq_next(jq)) == WR_JQ_OUTPUT) { len = wr_jq_write(jq, to, cap); ... }
 *
 * A program sees one input and nothing else: no further inputs, files, modules, or environment. It
 * cannot end the process, and writes nothing to stderr. What would do so is a mistake when it is
 * compiled.
 *
 * What libjq does not do. It takes its memory from malloc, with no limit, and aborts the process when
 * there is none. A number is a double. It needs C stack for each level of a value that the program
 * builds. So all functions but wr_jq_stop run on a thread with a stack of some MiB, not on that of a
 * task; always on one at a time, which may be another one each time.
 */
#ifndef WR_EXPR_JQ_H
#define WR_EXPR_JQ_H

#include <weir/item.h>

#include "codec_json.h"
#include "expr_names.h"

struct wr_jq;

struct wr_jq_mistake {
    int code;          /* WEIR_EPARSE or WEIR_ENOMEM */
    char message[200]; /* what is wrong */
    const char *hint;  /* what to type instead; NULL: none */
    size_t at;         /* where: a byte of the program */
};

/* Compile a program: takes 25 ms or more, or none if it was compiled and freed before, but not run.
 * names: the values that it reads as $NAME; NULL: none. NULL: *mistake. */
struct wr_jq *wr_jq_new(const char *program, struct wr_names *names, struct wr_jq_mistake *mistake);
void wr_jq_free(struct wr_jq *jq); /* NULL is allowed */

/* Forget that it was stopped. On the thread that calls wr_jq_stop. */
void wr_jq_ready(struct wr_jq *jq);
/* Begin with an input: a value of a JSON text, or an object of the fields of a record. false: no
 * memory, it has not begun. */
bool wr_jq_input(struct wr_jq *jq, const struct wr_json *json, uint32_t node);
void wr_jq_input_record(struct wr_jq *jq, const weir_event *record);

enum wr_jq_result {
    WR_JQ_OUTPUT,
    WR_JQ_END,    /* no more outputs for this input */
    WR_JQ_FAILED, /* the program has failed for this input: wr_jq_error */
    WR_JQ_STOPPED /* by wr_jq_stop. The input is lost */
};
/* Compute the next output. After END, FAILED and STOPPED: wr_jq_input or wr_jq_free. */
enum wr_jq_result wr_jq_next(struct wr_jq *jq);
/* Write the output as one line of JSON. Returns its length, as snprintf does; `to` holds the first
 * `cap` bytes of it. WR_JQ_TOO_DEEP: it has more than WR_JQ_DEPTH_MAX brackets in each other. */
enum { WR_JQ_DEPTH_MAX = 10000 };
#define WR_JQ_TOO_DEEP SIZE_MAX
size_t wr_jq_write(struct wr_jq *jq, char *to, size_t cap);
/* What went wrong: one line, of at most WR_JQ_ERROR_CAP bytes with its NUL. */
enum { WR_JQ_ERROR_CAP = 200 };
const char *wr_jq_error(const struct wr_jq *jq);

/* End wr_jq_next soon, from another thread: at the next instruction of the program. A single one,
 * such as sort of a long array, is not interrupted. */
void wr_jq_stop(struct wr_jq *jq);

#endif
