/*
 * stage_assert.h - the expression of assert, for the pipeline text and for programs. Internal.
 */
#ifndef WR_STAGE_ASSERT_H
#define WR_STAGE_ASSERT_H

#include "stage_expr.h"

/* text NULL: no memory. */
struct wr_made_expr wr_assert_made(const char *expr);

#endif
