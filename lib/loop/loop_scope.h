/*
 * loop_scope.h - scopes: see <weir/scope.h>. Internal.
 *
 * A scope is OPEN, then CANCELED (each task's current or next wait fails once; clean-up may wait),
 * then, when the grace has passed, OVERDUE (every wait fails at once). It ends when its tasks have
 * ended and a task waits for it, or with its parent.
 */
#ifndef WR_LOOP_SCOPE_H
#define WR_LOOP_SCOPE_H

#include <weir/scope.h>

#include "base_list.h"
#include "bytes_origin.h"
#include "loop_core.h"

enum wr_scope_state { WR_SCOPE_OPEN = 0, WR_SCOPE_CANCELED, WR_SCOPE_OVERDUE };

enum { WR_SCOPE_ALIVE = 0x77736370 };

struct weir_scope {
    struct weir_loop *loop;
    struct weir_scope *parent;
    struct wr_list child_link;
    struct wr_list children; /* scopes */
    struct wr_list tasks;    /* spawned here and not ended yet; includes hidden ones */
    size_t live; /* tasks not ended, in this scope and all scopes below it, without hidden ones */
    struct wr_list objects;  /* newest first */
    struct wr_task *waiter;  /* in weir_scope_wait */
    struct wr_task *owner;   /* the task whose own scope this is; or NULL */
    struct wr_object *maker; /* the object whose body has opened it and may end it: the object ends
                                first; or NULL */
    uint32_t alive;          /* WR_SCOPE_ALIVE until it is freed */
    int32_t on_failure;
    /* The task that ends the scope's objects and waits until a task of another scope has left one
     * of them; NULL: none. */
    struct wr_task *waits_to_end;
    uint8_t state;
    bool waited_for; /* a task is in weir_scope_wait */
    bool stopping;
    bool failed_without_memory;
    bool ignores_stop; /* a stop of the outer scope does not reach it: the current work here
                       must be completed */
    int64_t grace_ms;
    struct wr_timer deadline, grace, drain;
    int64_t drain_ms;
    int signal, signals_count;
    weir_error *failure; /* the earliest one; NULL: none */
    size_t shared; /* stand-ins for scopes that could not be made; each must still be waited for */
    struct wr_signals *signals;
    struct wr_list origins;                  /* sources made here (weir_receipt.link) */
    uint64_t counts_in, counts[WR_OUTCOMES]; /* the ledger of origins that are freed */
    char name[32];
};

/* Print what is wrong with the scope that was passed to `verb`, and abort. */
_Noreturn void wr_scope_misused(const struct weir_scope *scope, const char *verb);
/* The first check in each public function that acts on a scope or makes something in it: is it a
 * scope, and is this its loop's thread? */
static inline void wr_scope_given(const struct weir_scope *scope, const char *verb)
{
    if (WR_UNLIKELY(scope == NULL || scope->alive != WR_SCOPE_ALIVE ||
                    !wr_loop_is_here(scope->loop))) {
        wr_scope_misused(scope, verb);
    }
}

struct weir_scope *wr_scope_make(struct weir_loop *loop, struct weir_scope *parent,
                                 const char *name);
/* Its tasks and objects must have ended. */
void wr_scope_free(struct weir_scope *scope);
void wr_signals_free(struct weir_scope *scope);
/* The ledger's numbers of the scope and all scopes below it. */
void wr_scope_counts(const struct weir_scope *top, uint64_t *in, uint64_t counts[WR_OUTCOMES]);
void wr_scope_origin_gone(struct wr_origin *origin, void *ctx);
/* Report a failure in the scope. The first one counts. It cancels the rest if the scope's options
 * say so. error NULL: there was no memory to keep the error. */
void wr_scope_fail(struct weir_scope *scope, const weir_error *error);
/* An object has left the scope: it is no longer the maker of any scope below. */
void wr_scope_maker_gone(struct weir_scope *scope, const struct wr_object *maker);
/* Is `scope` within `outer` (or the same)? */
bool wr_scope_within(const struct weir_scope *scope, const struct weir_scope *outer);
/* How long objects made in it may take to drain: its own drain_ms, or that of the scopes around it.
 * WEIR_NONE: no limit; 0: none of them sets it. */
int64_t wr_scope_drain_ms(const struct weir_scope *scope);
/* Is it canceled, or any scope around it? */
static inline bool wr_scope_canceled(const struct weir_scope *scope)
{
    return scope->state != WR_SCOPE_OPEN;
}
/* Make an origin for a source of this scope; NULL: out of memory. It frees itself when it has ended
 * and no item of it is held any more; its counts go to the scope's ledger. */
struct wr_origin *wr_scope_origin(struct weir_scope *scope, const char *name);
/* Call fn for each origin of the loop that is not over: more items of it may come, or are held. */
void wr_loop_each_origin(const struct weir_loop *loop,
                         void (*fn)(void *ctx, const struct wr_origin *origin), void *ctx);
/* End everything that was made in the scope and that its owner has not ended: child scopes, then
 * objects, the newest first. May suspend. */
void wr_scope_end_objects(struct weir_scope *top);
/* Log its failure, if it has one, because no task has waited for it. */
void wr_scope_log_failure(const struct weir_scope *scope);

#endif
