/*
 * metrics_walk.c - weir_walk and weir_on_end: one node for each scope, task, generator and sink.
 *
 * All data comes from the objects themselves: their counters, the tasks that are parked in them,
 * and the text of their op `why`. The walk follows the links of the scope tree without recursion,
 * so that a deep tree needs no stack. It allocates nothing, never suspends, and changes nothing.
 */
#include "metrics_walk.h"

#include <stdio.h>
#include <string.h>

#include "flow_dead.h"
#include "flow_puller.h"

/* ---- words */

static void begin(struct wr_seen *seen, int kind, const char *type, const char *name)
{
    memset(&seen->node, 0, sizeof seen->node);
    seen->node.struct_size = sizeof seen->node;
    seen->node.kind = kind;
    seen->node.part = -1;
    seen->node.type = type;
    seen->node.name = name;
    seen->node.why = seen->words;
    seen->node.rejected_first = "";
    seen->own_words = false;
    seen->task = NULL;
    seen->words[0] = '\0';
}

static void say(struct wr_seen *seen, const char *text, const char *more)
{
    (void)snprintf(seen->words, sizeof seen->words, "%s%s", text, more);
}

static bool parked(const struct wr_task *task)
{
    return task != NULL && task->state == WR_TASK_PARKED;
}

static int64_t waited_ns(const struct wr_task *task)
{
    return parked(task) ? task->loop->now_ns - task->parked_ns : 0;
}

/* What a parked task waits for. */
static void say_wait(struct wr_seen *seen, const struct wr_task *task)
{
    char budget[300], seconds[48] = "";
    bool starved = task->why == wr_budget_why;
    if (starved) {
        (void)wr_budget_tell(task->loop, budget, sizeof budget);
    }
    int64_t ms = waited_ns(task) / 1000000;
    if (ms >= 100) {
        (void)snprintf(seconds, sizeof seconds, " (for %lld.%lld s)", (long long)(ms / 1000),
                       (long long)(ms % 1000 / 100));
    }
    (void)snprintf(seen->words, sizeof seen->words, "waits for %s%s%s", starved ? "budget: " : "",
                   starved             ? budget
                   : task->why != NULL ? task->why
                                       : "its turn",
                   seconds);
}

/* ---- counters */

static void tell_counts(weir_node *node, const struct wr_counts *counts)
{
    node->component = counts->component;
    node->part = counts->component != NULL ? counts->part : -1;
    node->waits = counts->waits;
    node->waited_ns = counts->waited_ns;
    for (int i = 0; i < WR_WAITS_KEPT && counts->waited[i].ns > 0; i++) {
        weir_waited one = {counts->waited[i].why, counts->waited[i].ns};
        int at = i;
        for (; at > 0 && node->waited[at - 1].ns < one.ns; at--) {
            node->waited[at] = node->waited[at - 1];
        }
        node->waited[at] = one;
    }
}

static void tell_level(weir_node *node, const struct wr_level *level)
{
    node->held_items = level->items;
    node->held_bytes = level->bytes;
    node->items_max = level->items_max;
    node->bytes_max = level->bytes_max;
    node->items_in = level->put;
    node->bytes = level->bytes_put;
}

/* The items that gen's current upstreams have given it. */
static uint64_t read_now(const struct weir_gen *gen)
{
    uint64_t read = 0;
    for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted; node = node->next) {
        const struct weir_gen *up = WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link);
        struct wr_level level = {0};
        if (wr_gen_component(gen, up) == NULL) {
            read += up->items;
            continue;
        }
        if (up->ops->level != NULL) {
            up->ops->level(up, &level);
        }
        read += level.put + up->read + read_now(up);
    }
    return read;
}

/* ---- generators */

const struct weir_gen *wr_waits_upstream(const struct weir_gen *gen)
{
    if (gen->state == WR_GEN_OVER || gen->state == WR_GEN_FRESH) {
        return NULL;
    }
    for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted; node = node->next) {
        const struct weir_gen *up = WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link);
        if (up->state == WR_GEN_INSIDE || wr_puller_busy(up)) {
            return up;
        }
    }
    return NULL;
}

/* Use the text of the generator's op `why`; false: it gives none. */
static bool say_own(struct wr_seen *seen, const struct weir_gen *gen)
{
    seen->own_words =
        gen->ops->why != NULL && gen->ops->why(gen, seen->words, sizeof seen->words) > 0;
    return seen->own_words;
}

/* For a generator that has begun and does not wait for an upstream. */
static void say_work(struct wr_seen *seen, const struct weir_gen *gen, const struct wr_task *inside,
                     const struct wr_task *waiter)
{
    bool works = gen->state == WR_GEN_INSIDE;
    if (gen->extended && say_own(seen, gen)) {
        return;
    }
    if (parked(inside)) {
        say_wait(seen, inside);
        return;
    }
    /* Its own words say more than the wait, except when it waits for memory, or for its reader to
     * resume it (weir_each_resume). */
    bool other = waiter != NULL && (waiter->why == wr_budget_why || !works);
    if (!other && say_own(seen, gen)) {
        return;
    }
    if (waiter != NULL) {
        say_wait(seen, waiter);
    } else {
        say(seen, works ? "is at work" : "is idle: its consumer has not asked for more", "");
    }
}

static void say_gen(struct wr_seen *seen, const struct weir_gen *gen)
{
    const struct weir_gen *up = wr_waits_upstream(gen);
    const struct wr_task *waiter = wr_object_waiter(&gen->object);
    const struct wr_task *inside = gen->body || gen->extended ? wr_gen_task(gen) : NULL;
    const weir_error *failure = wr_gen_failure(gen);
    weir_node *node = &seen->node;
    node->waiting_ns = waited_ns(parked(inside) ? inside : waiter);
    if (gen->state == WR_GEN_OVER) {
        node->state = WEIR_NODE_ENDED;
        say(seen, failure != NULL ? "has failed: " : "has ended",
            failure != NULL ? failure->message : "");
    } else if (gen->state == WR_GEN_FRESH) {
        node->state = WEIR_NODE_NEW;
        say(seen, "has not been asked yet", "");
    } else if (up != NULL) {
        node->state = WEIR_NODE_WAITS;
        say(seen, "waits for ", up->name);
    } else {
        node->state = parked(inside) || parked(waiter) ? WEIR_NODE_WAITS
                      : gen->state == WR_GEN_INSIDE    ? WEIR_NODE_RUNS
                                                       : WEIR_NODE_IDLE;
        say_work(seen, gen, inside, waiter);
    }
}

void wr_see_gen(struct wr_seen *seen, const struct weir_gen *gen)
{
    weir_node *node = &seen->node;
    begin(seen, WEIR_NODE_GENERATOR, gen->ops->kind, gen->name);
    say_gen(seen, gen);
    tell_counts(node, &gen->counts);
    node->gen = gen;
    node->reader = wr_gen_reader(gen);
    node->items_in = gen->read + read_now(gen);
    node->items_out = gen->items;
    node->calls = gen->body ? gen->items - gen->pulls : gen->pulls;
    node->bytes = gen->bytes;
    node->filtered = gen->filtered;
    node->rejected = gen->rejected;
    node->rejected_first = wr_rejects_first(gen->rejects);
    node->dropped = gen->dropped;
    if (gen->ops->level != NULL) {
        struct wr_level level;
        gen->ops->level(gen, &level);
        tell_level(node, &level);
    }
}

/* ---- the others */

/* The text of the object's op `why`, or what the task parked in it waits for. */
static void say_object(struct wr_seen *seen, const struct wr_object *object)
{
    const struct wr_task *waiter = wr_object_waiter(object);
    seen->own_words =
        object->ops->why != NULL && object->ops->why(object, seen->words, sizeof seen->words) > 0;
    if (!seen->own_words && waiter != NULL) {
        say_wait(seen, waiter);
    }
    if (parked(waiter)) {
        seen->node.state = WEIR_NODE_WAITS;
        seen->node.waiting_ns = waited_ns(waiter);
    }
}

void wr_see_sink(struct wr_seen *seen, const struct weir_sink *sink)
{
    weir_node *node = &seen->node;
    begin(seen, WEIR_NODE_SINK, sink->ops->kind, sink->name);
    node->state = sink->put_items == 0   ? WEIR_NODE_NEW
                  : sink->inside != NULL ? WEIR_NODE_RUNS
                                         : WEIR_NODE_IDLE;
    if (sink->closed) { /* the op `why` would read memory that is freed */
        node->state = WEIR_NODE_ENDED;
    } else {
        say_object(seen, &sink->object);
    }
    tell_counts(node, &sink->counts);
    node->items_in = sink->put_items;
    node->calls = sink->puts;
    node->bytes = sink->bytes;
    node->rejected = sink->rejected;
    node->rejected_first = wr_rejects_first(sink->rejects);
}

static void see_object(struct wr_seen *seen, const struct wr_object *object)
{
    if (object->ops == &wr_gen_object_ops) {
        wr_see_gen(seen, WR_OWNER((uintptr_t)object, struct weir_gen, object));
    } else if (object->ops == &wr_sink_object_ops) {
        wr_see_sink(seen, WR_OWNER((uintptr_t)object, struct weir_sink, object));
    } else {
        begin(seen, WEIR_NODE_OBJECT, object->ops->kind, object->name);
        seen->node.state = WEIR_NODE_IDLE;
        say_object(seen, object);
    }
}

static void see_task(struct wr_seen *seen, const struct wr_task *task)
{
    begin(seen, WEIR_NODE_TASK, "task", task->name);
    seen->task = task;
    seen->node.state = WEIR_NODE_RUNS;
    if (parked(task)) {
        const struct wr_object *of = task->why_of;
        (void)snprintf(seen->words, sizeof seen->words, "waits for %s%s%s%s",
                       task->why != NULL ? task->why : "?", of != NULL ? " (" : "",
                       of != NULL ? of->name : "", of != NULL ? ")" : "");
        seen->node.state = WEIR_NODE_WAITS;
        seen->node.waiting_ns = waited_ns(task);
    } else {
        say(seen, task->state == WR_TASK_RUNNING ? "runs" : "is ready to run", "");
    }
}

/* The first child, else the next scope outside of `scope`, in `top`; NULL: the end of the walk.
 * *depth counts the levels. */
static const struct weir_scope *next_scope(const struct weir_scope *top,
                                           const struct weir_scope *scope, uint32_t *depth)
{
    if (!wr_list_empty(&scope->children)) {
        ++*depth;
        return WR_OWNER((uintptr_t)scope->children.next, struct weir_scope, child_link);
    }
    for (; scope != top; scope = scope->parent, --*depth) {
        if (scope->child_link.next != &scope->parent->children) {
            return WR_OWNER((uintptr_t)scope->child_link.next, struct weir_scope, child_link);
        }
    }
    return NULL;
}

/* The root of an owned loop has the program's own stack as a task. */
static bool has_outer(const struct weir_scope *scope)
{
    return scope == scope->loop->root && scope->loop->owned;
}

size_t wr_tasks_seen(const struct weir_scope *top)
{
    size_t count = has_outer(top);
    uint32_t depth = 0;
    for (const struct weir_scope *scope = top; scope != NULL;
         scope = next_scope(top, scope, &depth)) {
        for (const struct wr_list *node = scope->tasks.next; node != &scope->tasks;
             node = node->next) {
            count++;
        }
    }
    return count;
}

static void see_scope(struct wr_seen *seen, const struct weir_scope *scope)
{
    static const char *const states[] = {"", ", canceled", ", canceled and overdue"};
    begin(seen, WEIR_NODE_SCOPE, "scope", scope->name);
    size_t tasks = wr_tasks_seen(scope);
    (void)snprintf(seen->words, sizeof seen->words, "%zu task%s%s%s", tasks, tasks == 1 ? "" : "s",
                   states[scope->state], scope->stopping ? ", stopping" : "");
    seen->own_words = true;
    seen->node.state = scope->state != WR_SCOPE_OPEN ? WEIR_NODE_CANCELED : WEIR_NODE_RUNS;
    seen->node.tasks = tasks;
}

/* ---- the walk */

static bool visit_in_scope(const struct weir_scope *scope, uint32_t depth, struct wr_seen *seen,
                           weir_visit *visit, void *arg)
{
    see_scope(seen, scope);
    seen->node.depth = depth;
    bool go_on = visit(arg, &seen->node);
    if (go_on && has_outer(scope)) {
        see_task(seen, &scope->loop->outer);
        seen->node.depth = 1;
        go_on = visit(arg, &seen->node);
    }
    for (const struct wr_list *node = scope->tasks.next; go_on && node != &scope->tasks;
         node = node->next) {
        see_task(seen, WR_OWNER((uintptr_t)node, struct wr_task, task_link));
        seen->node.depth = depth + 1;
        go_on = visit(arg, &seen->node);
    }
    for (const struct wr_list *node = scope->objects.next; go_on && node != &scope->objects;
         node = node->next) {
        see_object(seen, WR_OWNER((uintptr_t)node, struct wr_object, link));
        seen->node.depth = depth + 1;
        go_on = visit(arg, &seen->node);
    }
    return go_on;
}

void weir_walk(const weir_loop *loop, weir_visit *visit, void *arg)
{
    struct wr_seen seen;
    uint32_t depth = 0;
    wr_loop_given(loop, "weir_walk");
    if (visit == NULL) {
        wr_misuse("weir_walk", "the visit function is NULL");
    }
    const struct weir_scope *scope = loop->root;
    while (scope != NULL && visit_in_scope(scope, depth, &seen, visit, arg)) {
        scope = next_scope(loop->root, scope, &depth);
    }
}

static void see_end(struct weir_loop *loop, const struct wr_object *object)
{
    struct wr_seen seen;
    see_object(&seen, object);
    (void)loop->on_end.visit(loop->on_end.arg, &seen.node);
}

void weir_on_end(weir_loop *loop, weir_visit *visit, void *arg)
{
    wr_loop_given(loop, "weir_on_end");
    loop->on_end.see = visit != NULL ? see_end : NULL;
    loop->on_end.visit = visit;
    loop->on_end.arg = arg;
}
