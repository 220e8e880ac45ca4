/*
 * loop_object.h - objects: things that are made in a scope and must not outlive it (generators,
 * sinks, servers, states). Internal.
 *
 * A wait registers in the object that it is for (loop_wait.h), so an object need not know which
 * tasks wait for it. The scope cancels and ends its objects. A task of another scope may be inside
 * an object at that moment. Then it is turned out: the object fails, the task's wait fails once,
 * and the scope waits until the task is out. After that the failed object belongs to the scope of
 * that task, unless its owner has ended it.
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
     * (WEIR_ECLOSED). Must not suspend. The caller fails the waits for the object and the wait of
     * the task inside. NULL: nothing to do. */
    void (*cancel)(struct wr_object *object, int code);
    /* Stop gently: a source ends after the current item. Must not suspend. NULL: nothing to do. */
    void (*stop)(struct wr_object *object);
    /* The scope ends and the owner has not ended the object: end and free it. May suspend. */
    void (*discard)(struct wr_object *object);
    /* The object to end in its place when the scope ends, for an object that is a part of another
     * one. NULL: itself. */
    struct wr_object *(*whole)(struct wr_object *object);
    /* Must another task leave it before it can be discarded? *task (NULL before the call): the task
     * that works in it and waits for something else there. Then wr_object_left reports that no task
     * is inside any more. A NULL function: the tasks that wait for the object are inside it, and
     * they leave when their waits end. */
    bool (*inside)(const struct wr_object *object, struct wr_task **task);
    /* One line about what it does now, like snprintf. */
    size_t (*why)(const struct wr_object *object, char *text, size_t cap);
    /* It waits for the budget: mark the blocks that it keeps until it continues (wr_block_mark) and
     * return their bytes. NULL: it knows of none. */
    int64_t (*held)(const struct wr_object *object, uint32_t mark);
};

/* What tasks have waited for in an object, by reason. A wait is counted when it ends. The reason is
 * copied, because it may be the program's own text. If there are more than WR_WAITS_KEPT reasons,
 * those with the longest time are kept. */
enum { WR_WAITS_KEPT = 3, WR_WAIT_TEXT = 40 };
struct wr_counts {
    const char *component; /* which component of the language it is, static; NULL: none */
    int32_t part; /* its index among the parts of its plan; -1: it is not in the plan's text */
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
    struct wr_list parked;      /* tasks that wait for it, in order of arrival */
    const char *name;           /* lives as long as the object; "" when it has none */
    bool opened;                /* its body has opened scopes in the scope (weir_scope.maker) */
    bool watched;               /* `leaving` or `failing` is set: see wr_object_left */
    struct weir_scope *leaving; /* ends, and waits until no task is inside; NULL: none */
    struct wr_task *failing;    /* the task that is inside after the grace: its waits fail */
    struct wr_counts *counts;   /* of a generator or sink; NULL: it keeps no counts */
};

/* Objects that a body makes in its own scope end after the body, which may end them itself. Else
 * the newest object ends first. */
void wr_object_init(struct wr_object *object, const struct wr_object_ops *ops,
                    struct weir_scope *scope, const char *name);
/* The same for an object that has left another scope. It keeps its counts. */
void wr_object_enter(struct wr_object *object, struct weir_scope *scope);
/* Leave the scope. Harmless when it has already left. */
void wr_object_fini(struct wr_object *object);
/* Move it to another scope. */
void wr_object_move(struct wr_object *object, struct weir_scope *scope);

/* For a watched object: no task is inside any more. `by` left last. If a scope waits for that
 * (`leaving`), the object moves to wr_scope_home. */
void wr_object_left(struct wr_object *object, const struct wr_task *by);
/* `from` ends, and `task` still has one of its objects. Return the scope that the object moves to:
 * the task's scope, or the root if that scope ends too. */
struct weir_scope *wr_scope_home(const struct weir_scope *from, const struct wr_task *task);

/* ---- for waits, and for the scope */

/* The object whose body runs, if the object is in `scope`; else NULL. */
struct wr_object *wr_object_maker(const struct weir_scope *scope);

/* Count a wait for the object, or in it, that has taken `ns`. */
void wr_count_wait(struct wr_counts *counts, const char *why, int64_t ns);
/* Add the waits of one of its parts. */
void wr_counts_add(struct wr_counts *counts, const struct wr_counts *part);

/* A wait for a watched object has ended. */
void wr_object_unparked(struct wr_object *object, const struct wr_task *task);

/* Fail the object, and once the waits of the tasks inside. */
void wr_object_cancel(struct wr_object *object, int code);
/* Find a task of another scope that is still inside when the grace of `scope` has passed. From now
 * on its waits fail until it is out. NULL: there is none. */
struct wr_task *wr_object_overdue(struct wr_object *object, const struct weir_scope *scope);
/* End it with its scope, or turn out the tasks inside. Suspends. */
void wr_object_end(struct wr_object *object);

#endif
