/*
 * expression.h - expressions in a program: compiled once, then run on one item or JSON text after another.
 *
 * The idea. An expression is one input in, any number of outputs out: the language of `where` and
 * `map` in a pipeline text, with jq's meaning. A loop asks for the outputs one after the other, so an
 * expression that has endlessly many, such as `repeat(1)`, is run as long as its caller wants more.
 *
 *     weir_expr *expr = weir_expr_new(".user | select(.age >= $least) | .name",
 *                                     WEIR_OPTIONS(weir_expr_options, .variables = &least,
 *                                                  .variables_count = 1), &error);
 *     ...
 *     rc = weir_expr_run(expr, &item, &error);
 *     while (rc == 0 && (rc = weir_expr_next(expr, &name, &error)) > 0) {
 *         printf("%.*s\n", (int)name.len, name.data);
 *     }
 *
 * For a stream, weir_where and weir_map_expr are generators with an expression in them.
 *
 * Lifetime.  A weir_expr belongs to the program and to no loop. weir_expr_free ends it.
 * Failure.   A function that fails returns a negative code; *error has the message, and is written
 *            in any case, with code 0 when there is no failure. error may be NULL.
 * Threads.   One weir_expr is used by one thread at a time, which may change. Nothing here waits.
 * Stacks.    weir_expr_new needs up to 48 KiB of the stack, more than a body has by default
 *            (weir_gen_options.stack_bytes). The other functions need less than 8 KiB.
 */
#ifndef WEIR_EXPRESSION_H
#define WEIR_EXPRESSION_H

#include <weir/item.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A value for the expressions of a text, which read it as $NAME. It is data and never a part of the
 * text, so it needs no quotes or escapes, and cannot change what the text means.
 *
 *     weir_variable host = {.name = "host", .text = from_user};
 *     weir_plan *plan = weir_plan_read("f.ndjson | where .host == $host",
 *                                      WEIR_OPTIONS(weir_text_options, .variables = &host,
 *                                                   .variables_count = 1), &error);
 */
typedef struct weir_variable {
    const char *name; /* without $: letters, digits and _, not a digit first */
    const char *text; /* UTF-8: the string itself, or a JSON text */
    int32_t json;     /* 1: text is JSON; default 0: it is the string itself */
    /* 1: not shown in messages about items, and not a part of weir_plan_hash. What an expression
     * computes from it is not secret. weir_plan_text and weir_plan_explain show no value, secret or
     * not. default 0 */
    int32_t secret;
} weir_variable;

typedef struct weir_expr_options {
    size_t struct_size;
    const weir_variable *variables; /* no two with the same name; copied */
    size_t variables_count;
    /* Memory for one input and what is computed of it; at most a quarter as much for tables of its
     * large containers. Default 64 MiB. */
    int64_t bytes_max;
    /* Instructions of one call of weir_expr_next, and one for each 16 elements that one of them goes
     * through. Default and WEIR_NONE: no limit, an expression that never gives an output is run for
     * ever. */
    int64_t steps_max;
} weir_expr_options;

typedef struct weir_expr weir_expr;

/*
 * Compile an expression.
 *
 * text     an expression, as in `map`. Copied.
 * options  NULL: the defaults. Copied.
 * error    [out] WEIR_EPARSE: the text; offset is the place in it. WEIR_EINVAL: a variable; message
 *          names it and does not show its text. WEIR_ENOMEM.
 * Returns  NULL: *error has the reason.
 */
WEIR_API WEIR_MUST_CHECK weir_expr *weir_expr_new(const char *text,
                                                  const weir_expr_options *options,
                                                  weir_error *error);
/* NULL is allowed. */
WEIR_API void weir_expr_free(WEIR_TAKES weir_expr *expr);
/*
 * Begin with an item, and forget what is left of the last one. The input is the item's JSON text, of
 * a message its body, of a record an object of its fields.
 *
 * item     must stay until the next weir_expr_run or weir_expr_run_text, or the end of expr: it is
 *          read where it lies.
 * Returns  0. WEIR_EPARSE: its text is not JSON; offset is the place in it. WEIR_EINVAL: a batch, or
 *          a type without a text. WEIR_ETOOLONG: a text of 2 GiB or more, or a record of more than
 *          bytes_max. WEIR_ENOMEM. After a failure there are no outputs.
 */
WEIR_API WEIR_MUST_CHECK int weir_expr_run(weir_expr *expr, const weir_item *item,
                                           weir_error *error);
/* The same for a JSON text of `len` bytes. */
WEIR_API WEIR_MUST_CHECK int weir_expr_run_text(weir_expr *expr, const char *data, size_t len,
                                                weir_error *error);
/*
 * Compute the next output.
 *
 * output   [out] lent until the next call with expr. A string is as it is, without escapes.
 * Returns  1: there is one. 0: there are no more. WEIR_EPARSE: the expression has failed for this
 *          input. WEIR_ETOOLONG: it needs more than bytes_max. After these two there are no more
 *          outputs. WEIR_ETIMEDOUT: steps_max is reached; call again to continue. WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_expr_next(weir_expr *expr, weir_value *output, weir_error *error);
/* Set the time for the function now: nanoseconds since 1970, UTC. Until then now fails. */
WEIR_API void weir_expr_clock(weir_expr *expr, int64_t unix_ns);

/* A function of expressions. */
typedef struct weir_expr_function {
    const char *name; /* @base64 and the like are formats */
    int32_t arguments;
    const char
        *params;      /* a letter for each argument, by which help names it; NULL: it names none */
    const char *help; /* one line */
} weir_expr_function;
/* Write the function with this number, from 0 on, to *to. false: there are no more. */
WEIR_API bool weir_expr_function_at(size_t index, weir_expr_function *to);

#ifdef __cplusplus
}
#endif

#endif
