/*
 * outside.h - what the three modules give to a C program that loads them.
 *
 * Each module is one file, built against the installed headers and nothing else: the command loads
 * it for its component, a program calls the maker.
 */
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include <weir/weir.h>

/* outside_grep.c: the items that contain text, which is copied. */
WEIR_API weir_gen *outside_grep(WEIR_TAKES weir_gen *up, const char *text);
/* outside_ticks.c: 1, 2, ... count, one every interval_ms. */
WEIR_API weir_gen *outside_ticks(weir_scope *scope, int64_t interval_ms, int64_t count);
/* outside_courier.c: one line for each item into a file, carried by courier.h. */
WEIR_API weir_sink *outside_courier(weir_scope *scope, const char *path);

#endif
