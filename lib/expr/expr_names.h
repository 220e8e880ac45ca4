/*
 * expr_names.h - the values that a program gives to all expressions of a pipeline, $NAME in them.
 *
 * They are added once, before any expression is compiled with them. After that they are only read and
 * counted, so threads may share them. Whatever holds a program that was compiled with them holds a
 * reference, too.
 */
#ifndef WR_EXPR_NAMES_H
#define WR_EXPR_NAMES_H

#include <stdatomic.h>

#include "expr.h"

enum { WR_NAMES_WHY = 160 };

struct wr_names {
    atomic_uint references;
    size_t count, room;
    struct wr_named *list;
    struct wr_json *texts; /* of the values that are JSON, by the same index */
    struct wr_arena arena;
    uint64_t hash; /* of those that are not secret, in any order */
};

/* Room for `room` values. NULL: no memory. */
struct wr_names *wr_names_new(size_t room);
/*
 * Add a value; name and text are copied. The text is the string itself, or JSON. secret: error
 * messages do not show it.
 *
 * Returns 0; WEIR_ENOMEM; WEIR_EINVAL: `why` says what is wrong, without the text.
 */
int wr_names_add(struct wr_names *names, const char *name, struct wr_text text, bool json,
                 bool secret, char why[WR_NAMES_WHY]);
/* Whether an expression that was compiled reads it. */
bool wr_names_used(const struct wr_names *names, const char *name);
/* NULL is allowed. */
struct wr_names *wr_names_ref(struct wr_names *names);
void wr_names_unref(struct wr_names *names);

#endif
