/*
 * base_option.h - options that cannot be are refused, not guessed at.
 *
 * A limit is 0 (the default), WEIR_NONE (none) or positive; a choice is one of the first few
 * numbers. What else comes is a mistake of the program's, which the maker tells as WEIR_EINVAL.
 */
#ifndef WR_BASE_OPTION_H
#define WR_BASE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

/* True, and *error set, when `value` is no limit; `maker` and `name` are for the message. */
bool wr_limit_wrong(weir_error *error, const char *maker, const char *name, int64_t value);
/* The same for a choice from 0 to `last`. */
bool wr_choice_wrong(weir_error *error, const char *maker, const char *name, int64_t value,
                     int64_t last);

#endif
