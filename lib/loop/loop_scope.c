/*
 * loop_scope.c - scopes: the tree that owns tasks and objects; states and rules are in
 * loop_scope.h.
 *
 * A cancel walks once over the scope and all scopes below it. It marks the tasks and tells the
 * objects. It starts the grace timer of the scope, and the timer of each scope below whose own
 * grace is shorter. When a timer fires, all waits of the tasks that are still there fail, and the
 * tasks are named in the log. Tasks, timers and signal watchers call these functions. Only
 * weir_scope_wait and wr_scope_end_objects suspend. Meanwhile other tasks run, and may add to the
 * scope that ends.
 */
#include "loop_scope.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "loop_wait.h"

static const weir_error failure_without_memory = {.code = WEIR_ENOMEM,
                                                  .offset = -1,
                                                  .origin = "scope",
                                                  .message = "no memory to report the failure"};

void wr_scope_misused(const struct weir_scope *scope, const char *verb)
{
    char name[32], maker[48] = "";
    if (strncmp(verb, "weir_", 5) != 0) {
        snprintf(maker, sizeof maker, " that '%s' is made in", verb);
    }
    if (scope == NULL) {
        wr_misuse(verb, "the scope%s is NULL", maker);
    }
    wr_ended_name(name, scope->name);
    if (scope->alive != WR_SCOPE_ALIVE) {
        wr_misuse(verb,
                  "the scope%s has already ended: weir_scope_wait, its task or its parent "
                  "ended '%s'",
                  maker, name);
    }
    if (maker[0] != '\0') {
        wr_misuse(verb,
                  "the scope%s belongs to a loop on another thread: a loop and everything in it "
                  "must stay on one thread; use weir_post from other threads",
                  maker);
    }
    wr_thread_is_another(verb);
}

static void deadline_passed(struct wr_timer *timer)
{
    struct weir_scope *scope = WR_OWNER(timer, struct weir_scope, deadline);
    weir_error error;
    wr_error_set(&error, WEIR_ETIMEDOUT, 0, scope->name, "the deadline of scope '%s' has passed",
                 scope->name);
    wr_scope_fail(scope, &error);
    weir_scope_cancel(scope);
}

static void overdue_task(const struct weir_scope *scope, struct wr_task *task)
{
    wr_log(
        &scope->loop->log, WR_LOG_WARNING, scope->name,
        "task '%s' did not finish within its grace period (waiting for %s); all its waits now fail",
        task->name, task->why != NULL ? task->why : "its turn");
    wr_task_cancel(task);
}

/* The scope after `scope` and all scopes below it, in a walk over `top`; NULL: the walk has ended.
 * No recursion: scopes may be nested deeper than a stack allows. */
static struct weir_scope *walk_past(const struct weir_scope *scope, const struct weir_scope *top)
{
    while (scope != top) {
        struct weir_scope *parent = scope->parent;
        if (scope->child_link.next != &parent->children) {
            return WR_OWNER(scope->child_link.next, struct weir_scope, child_link);
        }
        scope = parent;
    }
    return NULL;
}

static struct weir_scope *walk(const struct weir_scope *scope, const struct weir_scope *top)
{
    return wr_list_empty(&scope->children)
               ? walk_past(scope, top)
               : WR_OWNER(scope->children.next, struct weir_scope, child_link);
}

static void overdue_one(struct weir_scope *scope)
{
    scope->state = WR_SCOPE_OVERDUE;
    if (scope->owner != NULL) {
        wr_task_cancel(scope->owner);
    }
    for (struct wr_list *node = scope->tasks.next; node != &scope->tasks; node = node->next) {
        overdue_task(scope, WR_OWNER(node, struct wr_task, task_link));
    }
    for (struct wr_list *node = scope->objects.next; node != &scope->objects; node = node->next) {
        struct wr_object *object = WR_OWNER(node, struct wr_object, link);
        struct wr_task *task = wr_object_overdue(object, scope);
        if (task != NULL) {
            overdue_task(scope, task);
        }
    }
}

static void overdue(struct weir_scope *top)
{
    for (struct weir_scope *scope = top; scope != NULL;) {
        bool new = scope->state != WR_SCOPE_OVERDUE; /* false: it had a shorter grace of its own */
        if (new) {
            overdue_one(scope);
        }
        scope = new ? walk(scope, top) : walk_past(scope, top);
    }
}

static void grace_passed(struct wr_timer *timer)
{
    overdue(WR_OWNER(timer, struct weir_scope, grace));
}

static void drain_passed(struct wr_timer *timer)
{
    weir_scope_cancel(WR_OWNER(timer, struct weir_scope, drain));
}

struct weir_scope *wr_scope_make(struct weir_loop *loop, struct weir_scope *parent,
                                 const char *name)
{
    struct weir_scope *scope = wr_zalloc(sizeof *scope);
    if (scope == NULL) {
        return NULL;
    }
    scope->loop = loop;
    scope->alive = WR_SCOPE_ALIVE;
    scope->parent = parent;
    scope->grace_ms = parent != NULL ? parent->grace_ms : 5000;
    wr_list_init(&scope->child_link);
    wr_list_init(&scope->children);
    wr_list_init(&scope->tasks);
    wr_list_init(&scope->objects);
    wr_list_init(&scope->origins);
    wr_timer_init(&scope->deadline, deadline_passed);
    wr_timer_init(&scope->grace, grace_passed);
    wr_timer_init(&scope->drain, drain_passed);
    (void)wr_copy_text(scope->name, sizeof scope->name, name != NULL ? name : "scope");
    if (parent != NULL) {
        wr_list_append(&parent->children, &scope->child_link);
        scope->state = parent->state;
        scope->stopping = parent->stopping;
    }
    return scope;
}

weir_scope *weir_scope_new(weir_scope *parent, const weir_scope_options *options)
{
    weir_scope_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    wr_scope_given(parent, "weir_scope_new");
    WR_ASSERT(o.on_failure == WEIR_CANCEL_REST || o.on_failure == WEIR_GO_ON, "on_failure is %d",
              (int)o.on_failure);
    WR_ASSERT(o.grace_ms >= WEIR_NONE && o.drain_ms >= WEIR_NONE,
              "grace_ms or drain_ms is negative but not WEIR_NONE");
    struct weir_scope *scope = wr_scope_make(parent->loop, parent, o.name);
    if (scope == NULL) {
        /* Functions that make something never return NULL: what belongs into this scope goes into
         * its parent, which has failed. */
        weir_error error;
        wr_error_set(&error, WEIR_ENOMEM, 0, o.name, "no memory for a scope");
        wr_scope_fail(parent, &error);
        parent->shared++;
        return parent;
    }
    scope->maker = wr_object_maker(parent);
    if (scope->maker != NULL) {
        scope->maker->opened = true;
    }
    scope->on_failure = o.on_failure;
    if (o.grace_ms != 0) {
        scope->grace_ms = o.grace_ms;
    }
    scope->drain_ms = o.drain_ms;
    if (o.deadline_ms != 0) {
        wr_timer_start(scope->loop, &scope->deadline, WR_MAX(o.deadline_ms, 0));
    }
    return scope;
}

int64_t wr_scope_drain_ms(const struct weir_scope *scope)
{
    while (scope != NULL && scope->drain_ms == 0) {
        scope = scope->parent;
    }
    return scope != NULL ? scope->drain_ms : 0;
}

void wr_scope_maker_gone(struct weir_scope *scope, const struct wr_object *maker)
{
    for (struct wr_list *node = scope->children.next; node != &scope->children; node = node->next) {
        struct weir_scope *child = WR_OWNER(node, struct weir_scope, child_link);
        child->maker = child->maker != maker ? child->maker : NULL;
    }
}

bool wr_scope_within(const struct weir_scope *scope, const struct weir_scope *outer)
{
    while (scope != NULL && scope != outer) {
        scope = scope->parent;
    }
    return scope != NULL;
}

static void cancel_one(struct weir_scope *scope)
{
    scope->state = WR_SCOPE_CANCELED;
    if (scope->owner != NULL) {
        wr_task_cancel(scope->owner);
    }
    for (struct wr_list *node = scope->tasks.next; node != &scope->tasks; node = node->next) {
        wr_task_cancel(WR_OWNER(node, struct wr_task, task_link));
    }
    for (struct wr_list *node = scope->objects.next; node != &scope->objects; node = node->next) {
        struct wr_object *object = WR_OWNER(node, struct wr_object, link);
        wr_object_cancel(object, WEIR_ECANCELED);
    }
}

/* Does its own grace end before that of the scope around it? The outer grace covers all
 * scopes below it. */
static bool grace_is_shorter(const struct weir_scope *scope)
{
    int64_t around_ms = scope->parent->grace_ms;
    return scope->grace_ms >= 0 && (around_ms < 0 || scope->grace_ms < around_ms);
}

void weir_scope_cancel(weir_scope *top)
{
    wr_scope_given(top, "weir_scope_cancel");
    if (top->state != WR_SCOPE_OPEN) {
        return;
    }
    for (struct weir_scope *scope = top; scope != NULL; scope = walk(scope, top)) {
        if (scope->state != WR_SCOPE_OPEN) {
            continue;
        }
        cancel_one(scope);
        if (scope == top ? scope->grace_ms >= 0 : grace_is_shorter(scope)) {
            wr_timer_start(scope->loop, &scope->grace, scope->grace_ms);
        }
    }
}

int weir_scope_signal(const weir_scope *scope, int *count)
{
    wr_scope_given(scope, "weir_scope_signal");
    if (count != NULL) {
        *count = scope->signals_count;
    }
    return scope->signal;
}

static void stop_one(struct weir_scope *scope)
{
    if (!scope->stopping && scope->drain_ms > 0) {
        wr_timer_start(scope->loop, &scope->drain, scope->drain_ms);
    }
    scope->stopping = true;
    for (struct wr_list *node = scope->objects.next, *next; node != &scope->objects; node = next) {
        next = node->next;
        struct wr_object *object = WR_OWNER(node, struct wr_object, link);
        if (object->ops->stop != NULL) {
            object->ops->stop(object);
        }
    }
}

void weir_scope_stop(weir_scope *top)
{
    wr_scope_given(top, "weir_scope_stop");
    for (struct weir_scope *scope = top; scope != NULL;) {
        if (scope != top && scope->ignores_stop) {
            scope = walk_past(scope, top);
            continue;
        }
        stop_one(scope);
        scope = walk(scope, top);
    }
}

void wr_scope_fail(struct weir_scope *scope, const weir_error *error)
{
    if (scope->failure == NULL && !scope->failed_without_memory) {
        scope->failure = error != NULL ? wr_alloc(sizeof *error) : NULL;
        if (scope->failure != NULL) {
            *scope->failure = *error;
        } else {
            scope->failed_without_memory = true;
        }
    }
    if (scope->on_failure == WEIR_CANCEL_REST && scope->parent != NULL) {
        weir_scope_cancel(scope);
    }
}

struct wr_origin *wr_scope_origin(struct weir_scope *scope, const char *name)
{
    size_t name_size = WR_MIN(strlen(name) + 1, WR_ORIGIN_NAME);
    struct wr_origin *origin = wr_alloc(sizeof *origin + name_size);
    if (origin == NULL) {
        return NULL;
    }
    char *copy = (char *)(origin + 1);
    (void)wr_copy_text(copy, name_size, name);
    wr_origin_init(origin, ++scope->loop->origins_count, copy);
    origin->budget = &scope->loop->budget;
    origin->gone = wr_scope_origin_gone;
    origin->gone_ctx = scope;
    wr_list_append(&scope->origins, &origin->link);
    return origin;
}

void wr_scope_origin_gone(struct wr_origin *origin, void *ctx)
{
    struct weir_scope *scope = ctx;
    uint64_t counts[WR_OUTCOMES];
    wr_origin_counts(origin, counts);
    scope->counts_in += origin->given;
    for (int i = 0; i < WR_OUTCOMES; i++) {
        scope->counts[i] += counts[i];
    }
    wr_list_remove(&origin->link);
    wr_origin_fini(origin);
    wr_free(origin);
}

void wr_loop_each_origin(const struct weir_loop *loop,
                         void (*fn)(void *ctx, const struct wr_origin *origin), void *ctx)
{
    const struct weir_scope *root = loop->root;
    for (const struct weir_scope *at = root; at != NULL; at = walk(at, root)) {
        for (struct wr_list *node = at->origins.next; node != &at->origins; node = node->next) {
            fn(ctx, WR_OWNER(node, struct wr_origin, link));
        }
    }
}

const char *weir_origin_name(const weir_scope *scope, const weir_item *item)
{
    wr_scope_given(scope, "weir_origin_name");
    WR_ASSERT(item != NULL, "the item is NULL");
    if (item->origin == 0) {
        return NULL;
    }
    if (item->receipt != NULL && item->receipt->kind == WR_RECEIPT_ORIGIN) {
        const struct wr_origin *origin = WR_OWNER(item->receipt, struct wr_origin, receipt);
        if (origin->id == item->origin) {
            return origin->name;
        }
    }
    /* The origin of a group or of a part of a batch, which has no receipt of its own. */
    const struct weir_scope *root = scope->loop->root;
    for (const struct weir_scope *at = root; at != NULL; at = walk(at, root)) {
        for (struct wr_list *node = at->origins.next; node != &at->origins; node = node->next) {
            const struct wr_origin *origin = WR_OWNER(node, struct wr_origin, link);
            if (origin->id == item->origin) {
                return origin->name;
            }
        }
    }
    return NULL;
}

static void ledger_add(const struct weir_scope *scope, uint64_t *in, uint64_t counts[WR_OUTCOMES])
{
    *in += scope->counts_in;
    for (int i = 0; i < WR_OUTCOMES; i++) {
        counts[i] += scope->counts[i];
    }
    for (struct wr_list *node = scope->origins.next; node != &scope->origins; node = node->next) {
        struct wr_origin *origin = WR_OWNER(node, struct wr_origin, link);
        uint64_t own[WR_OUTCOMES];
        wr_origin_counts(origin, own);
        *in += origin->given;
        for (int i = 0; i < WR_OUTCOMES; i++) {
            counts[i] += own[i];
        }
    }
}

void wr_scope_counts(const struct weir_scope *top, uint64_t *in, uint64_t counts[WR_OUTCOMES])
{
    *in = 0;
    memset(counts, 0, WR_OUTCOMES * sizeof *counts);
    for (const struct weir_scope *scope = top; scope != NULL; scope = walk(scope, top)) {
        ledger_add(scope, in, counts);
    }
}

void wr_scope_log_failure(const struct weir_scope *scope)
{
    if (scope->failure != NULL || scope->failed_without_memory) {
        wr_log_failure(scope->loop,
                       scope->failure != NULL ? scope->failure : &failure_without_memory);
    }
}

/* Wait until a task or a scope in this scope has ended. If the waiting task is canceled, it also
 * cancels the scope that it waits for. */
static void wait_in(struct weir_scope *scope, const char *why)
{
    struct wr_task *task = scope->loop->task;
    if (scope->waited_for && wr_wait_fails(task) && scope->state == WR_SCOPE_OPEN) {
        weir_scope_cancel(scope);
    }
    scope->waiter = task;
    (void)wr_park_for_task(scope->loop, why, NULL);
    scope->waiter = NULL;
}

/* Clean-up code may spawn tasks and open scopes: the loop ends when none of these are left. */
void wr_scope_end_objects(struct weir_scope *top)
{
    for (struct weir_scope *scope = top;;) {
        if (scope->live > 0) {
            wait_in(scope, "tasks that were spawned in clean-up code");
        } else if (!wr_list_empty(&scope->children)) {
            struct weir_scope *child =
                WR_OWNER(scope->children.next, struct weir_scope, child_link);
            if (child->waited_for) {
                wait_in(scope, "another task to end a child scope");
            } else if (child->maker != NULL) {
                wr_object_end(child->maker);
            } else {
                scope = child;
            }
        } else if (!wr_list_empty(&scope->objects)) {
            wr_object_end(WR_OWNER(scope->objects.next, struct wr_object, link));
        } else if (scope != top) {
            struct weir_scope *parent = scope->parent;
            wr_scope_log_failure(scope);
            wr_scope_free(scope);
            scope = parent;
        } else {
            return;
        }
    }
}

void wr_scope_free(struct weir_scope *scope)
{
    wr_timer_stop(scope->loop, &scope->deadline);
    wr_timer_stop(scope->loop, &scope->grace);
    wr_timer_stop(scope->loop, &scope->drain);
    wr_signals_free(scope);
    struct weir_scope *parent = scope->parent;
    if (parent != NULL) {
        parent->counts_in += scope->counts_in;
        for (int i = 0; i < WR_OUTCOMES; i++) {
            parent->counts[i] += scope->counts[i];
        }
    }
    /* Items that are kept elsewhere may outlive the scope of their source: their origins move
     * to the parent. */
    while (!wr_list_empty(&scope->origins)) {
        struct wr_list *node = wr_list_take(&scope->origins);
        struct wr_origin *origin = WR_OWNER(node, struct wr_origin, link);
        if (parent != NULL) {
            origin->gone_ctx = parent;
            wr_list_append(&parent->origins, node);
        } else {
            wr_origin_fini(origin);
            wr_free(origin);
        }
    }
    wr_list_remove(&scope->child_link);
    if (parent != NULL && parent->waiter != NULL) {
        wr_wake(parent->waiter, 0);
    }
    wr_free(scope->failure);
    scope->alive = 0;
    wr_free(scope);
}

int weir_scope_wait(weir_scope *scope, weir_error *error)
{
    wr_scope_given(scope, "weir_scope_wait");
    struct weir_loop *loop = scope->loop;
    struct wr_task *task = wr_task_now(loop, "weir_scope_wait");
    wr_error_clear(error);
    if (scope->shared > 0) {
        scope->shared--; /* the stand-in for a scope that could not be made */
        return wr_error_set(error, WEIR_ENOMEM, 0, scope->name, "no memory for a scope");
    }
    WR_ASSERT(scope->parent != NULL && scope->owner == NULL,
              "the root scope and a task's own scope end automatically; do not wait for them");
    WR_ASSERT(!scope->waited_for, "another task already waits for scope '%s'", scope->name);
    WR_ASSERT(!wr_scope_within(task->scope, scope),
              "task '%s' runs in scope '%s', so it would wait for itself", task->name, scope->name);
    scope->waited_for = true;
    while (scope->live > 0) {
        wait_in(scope, "the tasks of the scope");
    }
    wr_scope_end_objects(scope);
    int rc = 0;
    if (scope->failure != NULL || scope->failed_without_memory) {
        const weir_error *failure =
            scope->failure != NULL ? scope->failure : &failure_without_memory;
        rc = failure->code;
        if (error != NULL) {
            *error = *failure;
        }
        wr_failure_reported(loop, failure);
    }
    wr_scope_free(scope);
    return rc;
}

int64_t weir_now(const weir_scope *scope)
{
    wr_scope_given(scope, "weir_now");
    wr_time_update(scope->loop);
    return scope->loop->now_ns;
}

int64_t weir_now_unix(const weir_scope *scope)
{
    wr_scope_given(scope, "weir_now_unix");
    wr_time_update(scope->loop);
    return scope->loop->now_unix_ns;
}

bool weir_sleep(weir_scope *scope, int64_t ms)
{
    wr_scope_given(scope, "weir_sleep");
    (void)wr_task_now(scope->loop, "weir_sleep");
    return wr_sleep(scope->loop, ms, "time to pass", NULL) >= 0;
}
