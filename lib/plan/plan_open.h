/*
 * plan_open.h - shared by the code that opens a plan: chains (plan_open.c) and the files that stand
 * for a source (plan_files.c).
 */
#ifndef WR_PLAN_OPEN_H
#define WR_PLAN_OPEN_H

#include <stdbool.h>
#include <weir/plan.h>

#include "flow_dead.h"
#include "plan_text.h"

/* A plan that is being opened. weir_opening.plan points to it. */
struct wr_plan_opening {
    const weir_plan *plan;
    weir_plan_options options;
    weir_http_options http;   /* for the first component that takes a URL */
    weir_http_options limits; /* for the other components: without headers and user */
    bool http_given;
    struct wr_dead *dead; /* NULL: there is no dead sink */
};

/* What a component does with items that it rejects. */
struct wr_plan_rejecting {
    enum wr_on_error on_error;
    struct wr_dead *dead;
};

struct wr_plan_rejecting wr_plan_rejecting_of(const struct wr_plan_step *step,
                                              const struct wr_plan_opening *mine);
/* Open a source (up NULL) or a stage. */
weir_gen *wr_plan_open_with(const weir_opening *opening, const struct wr_plan_step *step,
                            weir_gen *up, struct wr_plan_rejecting rejecting);
/* Record the component of an object, for weir_walk. part: its index in the text; -1: it is not in
 * the text. A framer that is joined to the source before it has the source's object. */
void wr_plan_label(weir_gen *gen, const weir_component *component, int part);
int wr_plan_part_of(const weir_plan *plan, const struct wr_plan_step *step);

/* plan_begin.c: refuse a place to begin or to stop that the source does not have. 0 or WEIR_EINVAL. */
int wr_plan_refuse_begin(const weir_plan *plan, const weir_plan_options *options,
                         weir_error *error);
/* plan_files.c: open what stands for a source that is not written: files, or standard input.
 * framer: cuts what comes from each of them; NULL: none. */
weir_gen *wr_plan_open_files(const weir_opening *opening, const struct wr_plan_step *framer);
/* Whether files were given that the text was not read with, and that would be decoded wrongly. */
bool wr_plan_other_files(const weir_plan *plan, const weir_plan_options *options);

#endif
