/*
 * plan_value.h - the value of one argument, read by its type. Internal to lib/plan.
 */
#ifndef WR_PLAN_VALUE_H
#define WR_PLAN_VALUE_H

#include "codec_unit.h"
#include "plan_text.h"

/* The state while the arguments of one step are read. */
struct wr_plan_args {
    struct wr_plan_reading *reading;
    struct wr_plan_step *step;
    const weir_component *component;
    size_t at, end;
    size_t next; /* the next positional */
};

/* Record a mistake in this component. Returns the code. */
int wr_plan_args_fail(struct wr_plan_args *args, struct wr_plan_span where, const char *format, ...)
    WEIR_PRINTF(3, 4);
/* Convert a word. *fits false: it does not have this argument's form, and no mistake is
 * recorded. */
int wr_plan_value_read(struct wr_plan_args *args, const weir_arg *arg,
                       const struct wr_plan_token *token, void *field, bool *fits);
/* Record that a word does not have this argument's form. */
int wr_plan_value_wrong(struct wr_plan_args *args, const weir_arg *arg,
                        const struct wr_plan_token *token);
/* Write a pointer to a text or a chain; NULL: the error is set. */
int wr_plan_value_put(struct wr_plan_args *args, const weir_arg *arg, void *field,
                      const void *value);
/* Write the preset of an argument, which is a constant of the descriptor. */
int wr_plan_value_preset(struct wr_plan_args *args, const weir_arg *arg, void *field);
/* Whether a word that is no valid size or time means one, with a unit as people write it. */
bool wr_plan_unit_meant(const weir_arg *arg, const char *word, size_t len,
                        struct wr_unit_meant *meant);
bool wr_plan_is_bare_number(const char *word, size_t len);

#endif
