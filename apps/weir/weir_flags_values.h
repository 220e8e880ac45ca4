/*
 * weir_flags_values.h - the values of flags. Functions that return an int return as flags_read.
 */
#ifndef WEIR_FLAGS_VALUES_H
#define WEIR_FLAGS_VALUES_H

#include "weir_flags.h"

int value_time(const char *flag, const char *value, int64_t *ms);
/* For a flag that curl has, too: it also takes plain seconds, as curl does. */
int value_seconds(const char *flag, const char *value, int64_t *ms);
/* --from: where the source begins. */
int value_from(struct flags *flags, const char *value);
int value_mem(const char *value, int64_t *bytes);
int value_number(const char *flag, const char *value, int64_t *number);
/* The content of a flag's "@FILE", or a copy of the value itself. NULL: not readable, no memory. */
char *value_from_file(const char *value);
int value_cannot_read(const char *flag, const char *value);
/* Add one or more header lines, or those of @FILE. */
int value_add_header(struct flags *flags, const char *value);

#endif
