/*
 * stage_match.h - the items that match a pattern.
 */
#ifndef WR_STAGE_MATCH_H
#define WR_STAGE_MATCH_H

#include <weir/module.h>

struct wr_match {
    const char *pattern;
    bool literal; /* the pattern is a text */
    bool ignore_case;
    bool without; /* pass on the items that do not match */
};
/* What is wrong with a pattern is a mistake in the argument `arg`; 0 or its code. */
int wr_match_check(const struct wr_match *match, const char *arg, weir_mistake *mistake);
/* Pass on the items whose text matches. An item whose match takes more time or memory than a match
 * may is rejected. given: read before it returns. */
weir_gen *wr_match_stage(weir_gen *up, const char *name, const struct wr_match *given);

#endif
