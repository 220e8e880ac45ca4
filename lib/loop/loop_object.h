/*
 * loop_object.h - objects: whatever is made in a scope and must not outlive it (generators, sinks,
 * servers, states). Internal.
 *
 * A wait registers in the object that it is for (loop_wait.h), so an object need not know who waits
 * for it. The scope cancels and ends its objects. A task of another scope that is inside of one at
 * that moment is turned out: the object fails, what the task waits for fails once, and the scope
 * waits until it is out. Then the object belongs where the task does, as a failed one, unless its
 * owner has ended it.
 *
 *     struct thing { struct wr_object object; ... };
 *     wr_object_init(&thing->object, &thing_ops, scope, "name");
 *     ... waits: wr_wait(loop, "why", &thing->object) ...
 *     wr_object_fini(&thing->object);                          when its owner ends it
 */
#ifndef WR_LOOP_OBJECT_H
#define WR_LOOP_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_list.h"

struct weir_scope;
struct wr_object;
struct wr_task;

struct wr_object_ops {
    const char *kind; /* "generator", "sink" */
    /* Fail from now on: the scope is canceled (WEIR_ECANCELED), or it ends while a task is inside
     * (WEIR_ECLOSED). Must not suspend. The waits for the object, and that of the task inside, are
     * failed by the caller. NULL: nothing to do. */
    void (*cancel)(struct wr_object *object, int code);
    /* Gentle: a source ends after the item at hand. Must not suspend. NULL: nothing to do. */
    void (*stop)(struct wr_object *object);
    /* The scope is over and nobody has ended the object: end and free it. May suspend. */
    void (*discard)(struct wr_object *object);
    /* What it ends with when its scope does, instead of alone. NULL: itself. */
    struct wr_object *(*whole)(struct wr_object *object);
    /* Must another task come out of it before it can be discarded? *task (NULL before): who is at
     * work in it and waits for something else there. Then wr_object_left tells that nobody is inside
     * any more. NULL: those are inside that wait for it, and come out when their waits end. */
    bool (*inside)(const struct wr_object *object, struct wr_task **task);
    /* One line on what it is doing, like snprintf. */
    size_t (*why)(const struct wr_object *object, char *text, size_t cap);
    /* It waits for the budget: mark the blocks that stay until it goes on (wr_block_mark) and tell
     * their bytes. NULL: none that it knows of. */
    int64_t (*held)(const struct wr_object *object, uint32_t mark);
};

/* What tasks have waited for in an object, by reason: counted when a wait ends. A reason is copied,
 * since it may be a text of the program's; of more than WR_WAITS_KEPT the longest stay. */
enum { WR_WAITS_KEPT = 3, WR_WAIT_TEXT = 40 };
struct wr_counts {
    const char *component; /* of the language that it is, static; NULL: none */
    int32_t part; /* its index among the parts of its plan; -1: the text does not have it */
    uint64_t waits;
    int64_t waited_ns;
    struct wr_waited {
        int64_t ns;
        char why[WR_WAIT_TEXT];
    } waited[WR_WAITS_KEPT];
};

struct wr_object {
    const struct wr_object_ops *ops;
    struct weir_scope *scope;
    struct wr_list link;        /* in the scope's objects */
    struct wr_list parked;      /* tasks that wait for it, in the order in which they came */
    const char *name;           /* lives as long as the object; "" when it has none */
    bool opened;                /* its body has opened scopes in the scope (weir_scope.maker) */
    bool watched;               /* one of these two: wr_object_left is waited for */
    struct weir_scope *leaving; /* ends, and waits until nobody is inside; NULL: none */
    struct wr_task *failing;    /* is inside, past the grace: its waits fail */
    struct wr_counts *counts;   /* of a generator or sink; NULL: it keeps none */
};

/* What a body makes in its own scope ends after the body, which may end it itself; else the newest
 * ends first. */
void wr_object_init(struct wr_object *object, const struct wr_object_ops *ops,
                    struct weir_scope *scope, const char *name);
/* The same for one that has left another scope, and keeps what it has counted. */
void wr_object_enter(struct wr_object *object, struct weir_scope *scope);
/* Leave the scope; harmless when it has left already. */
void wr_object_fini(struct wr_object *object);
/* It belongs to another scope from now on. */
void wr_object_move(struct wr_object *object, struct weir_scope *scope);

/* Of one that is watched: nobody is inside any more; `by` came out last, the object goes where it
 * is. */
void wr_object_left(struct wr_object *object, const struct wr_task *by);
/* Where an object of `from`, which ends, goes that `task` still has: into its scope, or, if that
 * ends too, into the root. */
struct weir_scope *wr_scope_home(const struct weir_scope *from, const struct wr_task *task);

/* ---- for waits, and for the scope */

/* The object whose body runs, if it lives in `scope`; NULL. */
struct wr_object *wr_object_maker(const struct weir_scope *scope);

/* A wait for the object, or in it, has taken so long. */
void wr_count_wait(struct wr_counts *counts, const char *why, int64_t ns);
/* What was waited for in a part of it, too. */
void wr_counts_add(struct wr_counts *counts, const struct wr_counts *part);

/* A wait for an object that is watched is over. */
void wr_object_unparked(struct wr_object *object, const struct wr_task *task);

/* Fail the object, and once the waits of who is inside. */
void wr_object_cancel(struct wr_object *object, int code);
/* A task of another scope that is inside of it while the grace of `scope` has passed: its waits fail
 * from now on until it is out. NULL: there is none. */
struct wr_task *wr_object_overdue(struct wr_object *object, const struct weir_scope *scope);
/* End it with its scope, or turn out who is inside. Suspends. */
void wr_object_end(struct wr_object *object);

#endif
