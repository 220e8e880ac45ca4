/*
 * base_option.c - the checks of options, and the messages for invalid ones.
 *
 * Called by makers, before anything is opened; each maker reports the first invalid option.
 */
#include "base_option.h"

#include <inttypes.h>

#include "base_error.h"

bool wr_limit_wrong(weir_error *error, const char *maker, const char *name, int64_t value)
{
    if (value >= -1) {
        return false;
    }
    (void)wr_error_set(error, WEIR_EINVAL, 0, maker,
                       "invalid option %s: %" PRId64
                       " (use 0 for the default, WEIR_NONE for no limit, or a positive number)",
                       name, value);
    return true;
}

bool wr_choice_wrong(weir_error *error, const char *maker, const char *name, int64_t value,
                     int64_t last)
{
    if (value >= 0 && value <= last) {
        return false;
    }
    (void)wr_error_set(error, WEIR_EINVAL, 0, maker,
                       "invalid option %s: %" PRId64 " (must be 0 to %" PRId64 ")", name, value,
                       last);
    return true;
}
