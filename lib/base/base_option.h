/*
 * base_option.h - invalid options are refused; weir does not guess what was meant.
 *
 * A limit is 0 (the default), WEIR_NONE (no limit) or positive; a choice is a number from 0 to the
 * last choice. Any other value is a mistake in the program; the maker reports it as WEIR_EINVAL.
 */
#ifndef WR_BASE_OPTION_H
#define WR_BASE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

/* True, and *error set, when `value` is not a limit; `maker` and `name` are for the message. */
bool wr_limit_wrong(weir_error *error, const char *maker, const char *name, int64_t value);
/* The same for a choice from 0 to `last`. */
bool wr_choice_wrong(weir_error *error, const char *maker, const char *name, int64_t value,
                     int64_t last);

#endif
