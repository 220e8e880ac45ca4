/*
 * loop_object.c - what a scope does to its objects: cancel, end, turn out the tasks inside.
 *
 * Turning out: the ending scope's task marks the object (leaving), fails it and parks. It continues
 * when the last task inside has left (wr_object_left), or when the owner has ended the object
 * meanwhile (wr_object_fini). After that it must not use the object, which may be freed.
 */
#include "loop_object.h"

#include <string.h>

#include "loop_scope.h"
#include "loop_wait.h"

struct wr_object *wr_object_maker(const struct weir_scope *scope)
{
    const struct wr_fiber *running = scope->loop->running;
    struct wr_object *maker = running != NULL ? running->object : NULL;
    return maker != NULL && maker->scope == scope && !wr_list_empty(&maker->link) ? maker : NULL;
}

/* Take it out of its scope. The scopes that its body has opened there no longer wait for it. */
static void leave(struct wr_object *object)
{
    wr_list_remove(&object->link);
    if (object->opened) {
        object->opened = false;
        wr_scope_maker_gone(object->scope, object);
    }
}

void wr_object_init(struct wr_object *object, const struct wr_object_ops *ops,
                    struct weir_scope *scope, const char *name)
{
    *object = (struct wr_object){.ops = ops, .name = name != NULL ? name : ""};
    wr_list_init(&object->parked);
    wr_object_enter(object, scope);
}

void wr_object_enter(struct wr_object *object, struct weir_scope *scope)
{
    struct wr_object *maker = wr_object_maker(scope);
    object->scope = scope;
    wr_list_append(maker != NULL ? maker->link.next : scope->objects.next, &object->link);
}

void wr_object_move(struct wr_object *object, struct weir_scope *scope)
{
    leave(object);
    object->scope = scope;
    wr_list_prepend(&scope->objects, &object->link);
}

/* Wake the scope that waits for the object, and release the failing task. Returns the scope that
 * the object leaves; NULL: none. */
static struct weir_scope *tell_out(struct wr_object *object)
{
    struct weir_scope *from = object->leaving;
    object->watched = false;
    if (object->failing != NULL) {
        object->failing->failing--;
        object->failing = NULL;
    }
    if (from != NULL) {
        object->leaving = NULL;
        wr_wake(from->waits_to_end, 0);
        from->waits_to_end = NULL;
    }
    return from;
}

void wr_object_fini(struct wr_object *object)
{
    leave(object);
    (void)tell_out(object);
}

struct weir_scope *wr_scope_home(const struct weir_scope *from, const struct wr_task *task)
{
    return wr_scope_within(task->scope, from) ? from->loop->root : task->scope;
}

void wr_object_left(struct wr_object *object, const struct wr_task *by)
{
    const struct weir_scope *from = tell_out(object);
    if (from != NULL) {
        wr_object_move(object, wr_scope_home(from, by));
    }
}

/* The entry for this reason: its own, a free one, or else the one with the least time. That one is
 * then reported as a part of the rest. */
static struct wr_waited *entry_for(struct wr_counts *counts, const char *why)
{
    struct wr_waited *least = &counts->waited[0];
    for (int i = 0; i < WR_WAITS_KEPT; i++) {
        struct wr_waited *entry = &counts->waited[i];
        if (entry->why[0] == '\0' || strncmp(entry->why, why, WR_WAIT_TEXT - 1) == 0) {
            return entry;
        }
        least = entry->ns < least->ns ? entry : least;
    }
    return least;
}

static void add_wait(struct wr_counts *counts, const char *why, int64_t ns)
{
    struct wr_waited *entry = entry_for(counts, why);
    if (strncmp(entry->why, why, WR_WAIT_TEXT - 1) != 0) {
        if (entry->ns > ns) {
            return;
        }
        (void)wr_copy_text(entry->why, sizeof entry->why, why);
        entry->ns = 0;
    }
    entry->ns += ns;
}

void wr_count_wait(struct wr_counts *counts, const char *why, int64_t ns)
{
    counts->waits++;
    counts->waited_ns += ns;
    if (ns > 0) {
        add_wait(counts, why, ns);
    }
}

void wr_counts_add(struct wr_counts *counts, const struct wr_counts *part)
{
    counts->waits += part->waits;
    counts->waited_ns += part->waited_ns;
    for (int i = 0; i < WR_WAITS_KEPT; i++) {
        if (part->waited[i].ns > 0) {
            add_wait(counts, part->waited[i].why, part->waited[i].ns);
        }
    }
}

void wr_object_unparked(struct wr_object *object, const struct wr_task *task)
{
    if (object->ops->inside == NULL && wr_object_waiter(object) == NULL) {
        wr_object_left(object, task);
    }
}

static bool inside(const struct wr_object *object, struct wr_task **task)
{
    *task = NULL;
    return object->ops->inside != NULL ? object->ops->inside(object, task)
                                       : wr_object_waiter(object) != NULL;
}

void wr_object_cancel(struct wr_object *object, int code)
{
    struct wr_task *task;
    if (object->ops->cancel != NULL) {
        object->ops->cancel(object, code);
    }
    (void)wr_object_abort(object, code);
    (void)inside(object, &task);
    if (task != NULL && task->why_of != object && task != object->scope->loop->task) {
        wr_task_fail(task, code, false);
    }
}

struct wr_task *wr_object_overdue(struct wr_object *object, const struct weir_scope *scope)
{
    struct wr_task *task;
    if (object->failing != NULL || !inside(object, &task)) {
        return NULL;
    }
    task = task != NULL ? task : wr_object_waiter(object);
    if (task == NULL || wr_scope_within(task->scope, scope)) {
        return NULL;
    }
    object->watched = true;
    object->failing = task;
    task->failing++;
    return task;
}

static void wait_until_left(struct wr_object *object, struct weir_scope *from)
{
    from->waits_to_end = wr_task_now(from->loop, "weir_scope_wait");
    object->watched = true;
    object->leaving = from;
    if (!wr_scope_canceled(object->scope)) {
        wr_object_cancel(object, WEIR_ECLOSED);
    }
    while (from->waits_to_end != NULL) {
        (void)wr_park_for_task(from->loop, "a task of another scope to leave an object", NULL);
    }
}

void wr_object_end(struct wr_object *object)
{
    struct weir_scope *scope = object->scope;
    struct wr_task *task;
    if (object->ops->whole != NULL) {
        object = object->ops->whole(object);
    }
    if (!inside(object, &task)) {
        object->ops->discard(object);
        return;
    }
    WR_ASSERT(task != scope->loop->task, "the scope of %s '%s' is ended from inside that object",
              object->ops->kind, object->name);
    wait_until_left(object, scope);
}
