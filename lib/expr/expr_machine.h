/*
 * expr_machine.h - the state of a running program, shared by expr_run.c, which owns the stacks, and
 * expr_step.c, which has the instructions.
 */
#ifndef WR_EXPR_MACHINE_H
#define WR_EXPR_MACHINE_H

#include "base_error.h"
#include "expr_program.h"

/* A place on the stack, or a variable; a list through `down`. */
struct wr_cell {
    struct wr_value value;
    uint32_t down; /* 0: none */
};

/* The path of the top, the last key first. The path of the input itself has no `up`. */
struct wr_path {
    const struct wr_path *up;
    struct wr_value key;
    uint32_t count;
};

enum wr_fork_kind {
    WR_FORK_PLAIN,
    WR_FORK_EACH,      /* of: what is gone through; at: the next node or number; index */
    WR_FORK_RANGE,     /* of: the next number; last: the end; at: the room of its own for that */
    WR_FORK_COLLECT,   /* of: the array; at: its room */
    WR_FORK_LIMIT,     /* index: outputs that may follow */
    WR_FORK_FOLD,      /* of: the value; at: there is one */
    WR_FORK_OTHERWISE, /* of: the input; at: an output was true */
    WR_FORK_TRY,
    WR_FORK_WALK /* walk: where it is; at: f runs on the root */
};

struct wr_walk;

struct wr_fork {
    uint8_t kind, flags;
    uint32_t pc;
    uint32_t top, end, variables, handler; /* what the machine had */
    uint32_t at;
    int64_t index;
    const struct wr_path *path;
    struct wr_walk *walk;
    struct wr_arena_mark mark; /* what was given after it goes when the fork is taken */
    uint32_t kept;             /* the forks from this one on are to have at least that mark */
    struct wr_value of, last;
};

struct wr_regex;
struct wr_regexes;

struct wr_machine {
    const struct wr_program *program;
    struct wr_arena arena;
    uint64_t steps, steps_max; /* of this pull */
    struct wr_cell *entries;   /* from 1 */
    size_t entries_room;
    uint32_t end;       /* the last one in memory */
    uint32_t top;       /* of the stack of values */
    uint32_t variables; /* the innermost */
    uint32_t floor;     /* up to here, entries belong to forks */
    struct wr_fork *forks;
    size_t forks_room;
    uint32_t forks_count;
    uint32_t handler; /* the number + 1 of the fork that takes an error; 0: none */
    uint32_t pc;
    const struct wr_path *path;    /* NULL: not noted */
    bool given;                    /* the last pull gave an output */
    enum wr_machine_result result; /* END, FAILED, LIMIT, NO_MEMORY: it is over */
    struct wr_value error;
    char limit[80];                 /* the text of wr_machine_limit */
    const struct wr_json *document; /* the input lies in it; NULL: it was built */
    struct wr_members *tables;      /* see wr_machine_table; NULL: none yet */
    struct wr_arena tables_arena;
    struct wr_json json; /* for the next text of fromjson */
    struct wr_regexes *regexes;
    uint64_t regex_characters; /* that all matches of this input have looked at */
    struct wr_value meta;      /* of this input */
    int64_t unix_ns;           /* the time, with clock */
    bool clock;
};

enum wr_next { WR_GO, WR_BACK, WR_GIVE, WR_FAIL };

/* The kinds of values that only the machine has. */
enum { WR_VALUE_FRAME = 100, WR_VALUE_PATH, WR_VALUE_PATCH };

/* Make room for an entry, then wr_push. */
bool wr_push_more(wr_machine *run, struct wr_value value);

/* false: no memory. */
static inline bool wr_push(wr_machine *run, struct wr_value value)
{
    if (WR_UNLIKELY(run->end + 1 >= run->entries_room)) {
        return wr_push_more(run, value);
    }
    run->entries[++run->end] = (struct wr_cell){value, run->top};
    run->top = run->end;
    return true;
}

static inline struct wr_value wr_pop(wr_machine *run)
{
    const struct wr_cell *entry = &run->entries[run->top];
    run->end -= run->top == run->end && run->end > run->floor;
    run->top = entry->down;
    return entry->value;
}

/* The top becomes another value. */
static inline bool wr_replace(wr_machine *run, struct wr_value value)
{
    struct wr_cell *entry = &run->entries[run->top];
    if (run->top > run->floor) {
        entry->value = value;
        return true;
    }
    run->top = entry->down;
    return wr_push(run, value);
}

/* A fork that has the state of the machine, and continues at pc; NULL: no memory. */
struct wr_fork *wr_fork(wr_machine *run, enum wr_fork_kind kind, uint32_t pc);
/* Forget the last forks, down to this number of them. */
void wr_forks_cut(wr_machine *run, uint32_t count);
/* The next value of an EACH or RANGE fork, which is the last one; the fork goes with its last value. */
enum wr_next wr_fork_next(wr_machine *run);
/* Values that were made since fork `frame` must outlive the forks above it. */
void wr_forks_keep(wr_machine *run, uint32_t frame);
bool wr_note(wr_machine *run, struct wr_value key);

/* expr_fn_tree.c */
enum wr_next wr_step_walk(wr_machine *run, const struct wr_op *op);
enum wr_next wr_step_walked(wr_machine *run, const struct wr_op *op);
/* The next value for a WALK fork, which is the last one and not at the root. */
enum wr_next wr_walk_next(wr_machine *run);

/* expr_regexes.c: the compiled pattern, with these flags (codec_regex.h); NULL: the run has failed. */
struct wr_regex *wr_machine_regex(wr_machine *run, struct wr_text pattern, uint32_t flags);
/* The patterns that a run keeps. NULL is allowed. */
void wr_machine_regexes_free(struct wr_regexes *list);
size_t wr_machine_regexes_bytes(const struct wr_regexes *list);

extern enum wr_next (*const wr_steps[WR_CODES])(wr_machine *run, const struct wr_op *op);

#endif
