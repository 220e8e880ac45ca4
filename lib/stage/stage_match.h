/*
 * stage_match.h - the items that match a pattern.
 */
#ifndef WR_STAGE_MATCH_H
#define WR_STAGE_MATCH_H

#include <weir/module.h>

/* What is wrong with a pattern is a mistake in the argument `arg`; 0 or its code. */
int wr_match_check(const char *pattern, const char *arg, weir_mistake *mistake);
/* Pass on the items whose text matches; without: those whose text does not. An item whose match takes
 * more time or memory than a match may is rejected. */
weir_gen *wr_match_stage(weir_gen *up, const char *name, const char *pattern, bool without);

#endif
