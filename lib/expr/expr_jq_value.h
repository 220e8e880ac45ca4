/*
 * expr_jq_value.h - writes a value of libjq as JSON. Internal; only where libjq is found.
 */
#ifndef WR_EXPR_JQ_VALUE_H
#define WR_EXPR_JQ_VALUE_H

#include <jq.h>
#include <stdbool.h>

#include "codec_json_write.h"

/* Takes the value. False: it is nested deeper than WR_JQ_DEPTH_MAX. */
bool wr_jq_value_write(struct wr_out *out, jv value);

#endif
