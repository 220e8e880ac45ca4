/*
 * source_exec_parts.h - what the sources that read a program's output share. Private to them.
 *
 *   source_exec.c     the generator, and the component exec
 *   source_journal.c  the program is journalctl, and a position is a cursor
 */
#ifndef WR_SOURCE_EXEC_PARTS_H
#define WR_SOURCE_EXEC_PARTS_H

#include <weir/source.h>

#include "flow_gen.h"
#include "flow_inbox.h"
#include "flow_state.h"
#include "loop_process.h"

struct wr_exec_source;

/* What is different when it is no command of the user. */
struct wr_exec_kind {
    /* With a state, before the first start: attach. 0, or the generator has failed. */
    int (*attach)(struct wr_exec_source *source);
    /* Before a start: set source->argv. 0, or the generator has failed. NULL: it is set. */
    int (*prepare)(struct wr_exec_source *source);
    /* These items were taken. 0, or the generator has failed. NULL: nothing to do. */
    int (*given)(struct wr_exec_source *source, const weir_item *items, size_t count);
    /* How a new start continues, for the log. */
    void (*how)(const struct wr_exec_source *source, char *to, size_t cap);
    /* A first start that fails is final, as long as `retries` does not say otherwise; else only one
     * that the shell cannot execute. */
    bool first_is_final;
    /* What to type when it could not be started (not_found), or has failed; NULL: nothing to add. */
    const char *hint, *hint_not_found;
    void (*free)(struct wr_exec_source *source);
};

struct wr_exec_source {
    struct weir_gen gen;
    const struct wr_exec_kind *kind;
    struct wr_inbox inbox;
    struct wr_process *process; /* NULL: it does not run */
    const char **argv;          /* ends with NULL; owned, with its texts behind it */
    char *shown;                /* the command, for messages and the state */
    weir_state *state;          /* NULL: none */
    struct wr_state_slot *slot; /* NULL: no state */
    int32_t restart, retries;
    int64_t grace_ms;
    bool opened;   /* the state is attached */
    bool at_end;   /* its output has ended */
    bool finished; /* it has ended as it should, and is not started again */
    bool fresh;    /* it has given nothing since its start */
    int tries,
        pauses;       /* starts in a row without a new item; pauses since the back-off began anew */
    int64_t pause_ms; /* before the next start */
    int64_t started_ns; /* the last time */
};

/* argv: ends with NULL, copied; NULL: `prepare` sets it. shown: copied. */
struct wr_exec_source *wr_exec_source_alloc(struct weir_scope *scope, const char *name,
                                            const struct wr_exec_kind *kind, size_t size,
                                            const char *const *argv, const char *shown,
                                            const weir_framing *framing,
                                            const weir_exec_options *options);
/* A copy of argv in one piece; NULL: no memory. */
const char **wr_exec_argv(const char *const *argv);

#endif
