/*
 * texts_plan.h - what opening a pipeline text says, as far as a test pins the words.
 *
 * A text that a test compares stands here once, however many tests see it. Not here are the tables
 * of the tests whose whole subject is a text, each of which is one file for its area already:
 * mistakes with their carets and hints (test_plan_error.c, test_plan_tree.c), mistakes of the first
 * layer (test_plan_split.c), what explain and help say (test_plan_explain.c, test_plan_read.c), and
 * what is wrong with a descriptor (test_plan_component.c).
 */
#ifndef WR_TEXTS_PLAN_H
#define WR_TEXTS_PLAN_H

#define TEXT_PLAN_UNKNOWN_STAGE "unknown stage 'bach' (did you mean 'batch'?)"
#define TEXT_PLAN_SOURCE_INSIDE "'gen' is a source, but this chain gets its items from outside"
#define TEXT_PLAN_ENDS_WITH_SINK "the text ends with a sink, but only a generator was requested"
#define TEXT_PLAN_LIMITS_OF_SOURCE \
    "lines: its arguments are limits of the source (put it directly after the source)"
#define TEXT_PLAN_HAS_SOURCE \
    "the text already has a source, 'http://u:***@h/': files are only for a text without a source"
#define TEXT_PLAN_CIRCLE "is both source and sink"
#define TEXT_PLAN_DEAD_NEEDS_FILE "where: on-error=dead needs a file for rejected items"

#endif
