/*
 * flow_gen_end.c - how a generator ends: by its own end, by its reader, or with its scope.
 *
 * A generator ends once: first ops->close, then the adopted generators, last adopted first. Their
 * failures become this generator's; the first in time wins. There are three ways to end: a pull
 * that gave nothing (wr_gen_over), the reader's weir_finish or weir_discard (wr_gen_close), and the
 * end of its scope (object_discard). Closing may wait, and other tasks run meanwhile; `closed`
 * keeps them from closing again.
 *
 * A scope that ends makes the task that is inside a generator leave it (loop_object.h); the
 * generator is over when that task has left. If a reader in another scope pulls while the scope
 * closes a generator, it waits for the close and then finds the generator over.
 */
#include "base_alloc.h"
#include "flow_body.h"
#include "flow_dead.h"
#include "flow_gen.h"
#include "flow_puller.h"

/* ---- ending */

void wr_gen_seal(struct weir_gen *gen)
{
    for (struct wr_origin *origin = gen->origin; origin != NULL; origin = origin->more) {
        wr_origin_seal(origin);
    }
    for (struct wr_list *node = gen->adopted.next; node != &gen->adopted; node = node->next) {
        wr_gen_seal(WR_OWNER(node, struct weir_gen, adopt_link));
    }
}

void wr_gen_end_adopted(struct weir_gen *gen)
{
    while (!wr_list_empty(&gen->adopted)) {
        struct weir_gen *up = WR_OWNER(gen->adopted.prev, struct weir_gen, adopt_link);
        wr_gen_close(up);
        const weir_error *failure = wr_gen_failure(up);
        if (failure != NULL && !(failure->code == WEIR_ECLOSED && up->aborted)) {
            (void)wr_gen_fail_at(gen, failure, up->failed_at);
            up->reported = true;
        }
        wr_gen_unadopt(up);
        wr_gen_free(up);
    }
}

/* No task is inside any more: report this to the scope. */
static void tell_over(struct weir_gen *gen)
{
    struct wr_puller *puller = gen->puller;
    if (!gen->object.watched) {
        return;
    }
    wr_object_left(&gen->object,
                   puller != NULL && puller->reader != NULL ? puller->reader : gen->loop->task);
    if (puller != NULL && puller->task != NULL) {
        wr_task_move(puller->task, gen->object.scope);
    }
}

/* Release what gen holds, end the generators it reads, and wait until its rejected items are
 * written. */
static void let_go(struct weir_gen *gen)
{
    if (gen->ops->close != NULL) {
        gen->ops->close(gen);
    }
    wr_gen_scratch(gen, 0);
    wr_gen_end_adopted(gen);
    wr_rejects_over(gen->rejects);
}

static void close_now(struct weir_gen *gen)
{
    if (gen->state != WR_GEN_OVER || gen->failure != NULL) {
        wr_gen_seal(gen);
    }
    wr_puller_close(gen);
    if (gen->closed) {
        return; /* the running pull has reached the end */
    }
    gen->closed = true;
    gen->ready = gen->direct = false;
    let_go(gen);
    gen->state = WR_GEN_OVER;
    tell_over(gen);
}

void wr_gen_close(struct weir_gen *gen)
{
    if (wr_gen_closing(gen)) {
        (void)wr_task_now(gen->loop, "weir_finish");
        while (gen->closer != NULL) {
            (void)wr_park_for_task(gen->loop, "its scope to close the generator", &gen->object);
        }
        return;
    }
    if (gen->closed || gen->closer != NULL) {
        return;
    }
    gen->closer = gen->loop->task;
    close_now(gen);
    gen->closer = NULL;
    wr_object_wake(&gen->object);
}

void wr_gen_over(struct weir_gen *gen)
{
    if (gen->state == WR_GEN_OVER) {
        return;
    }
    if (!gen->closed) {
        gen->closed = true;
        if (gen->failure != NULL) {
            wr_gen_seal(gen);
        } else {
            wr_gen_loan_over(gen);
        }
        let_go(gen);
    }
    gen->state = WR_GEN_OVER;
    gen->ready = gen->direct = false;
    tell_over(gen);
}

void wr_gen_free(struct weir_gen *gen)
{
    if (gen == &wr_gen_no_memory) {
        return;
    }
    wr_puller_free(gen);
    wr_object_ends(gen->loop, &gen->object);
    wr_object_fini(&gen->object);
    for (struct wr_origin *origin = gen->origin, *more; origin != NULL; origin = more) {
        more = origin->more; /* it may be freed */
        wr_origin_end(origin);
    }
    if (gen->body) {
        wr_body_fini(wr_body_of(gen));
    }
    wr_rejects_free(gen->rejects);
    if (gen->ops->free != NULL) {
        gen->ops->free(gen);
    }
    if (gen->failure != wr_gen_no_memory.failure) {
        wr_free(gen->failure);
    }
    gen->alive = 0;
    gen->ready = gen->direct = false;
    wr_free(gen);
}

static void check_end(const struct weir_gen *gen, const char *verb)
{
    wr_gen_given(gen, verb);
    wr_gen_untaken(gen, verb);
    WR_ASSERT((gen->state != WR_GEN_INSIDE || wr_puller_busy(gen)) &&
                  (gen->puller == NULL || gen->puller->reader == NULL),
              "%s: generator '%s' is running; only its reader may end it", verb, gen->name);
}

int weir_finish(weir_gen *gen, weir_error *error)
{
    check_end(gen, "weir_finish");
    wr_error_clear(error);
    wr_gen_close(gen);
    const weir_error *failure = wr_gen_failure(gen);
    int rc = 0;
    if (failure != NULL && !(gen->aborted && failure->code == WEIR_ECLOSED)) {
        rc = failure->code;
        if (error != NULL) {
            *error = *failure;
        }
        if (gen != &wr_gen_no_memory) {
            wr_failure_reported(gen->loop, failure);
            gen->reported = true;
        }
    }
    wr_gen_unadopt(gen);
    wr_gen_free(gen);
    return rc;
}

void weir_discard(weir_gen *gen)
{
    if (gen == NULL) {
        return;
    }
    check_end(gen, "weir_discard");
    wr_gen_close(gen);
    const weir_error *failure = wr_gen_failure(gen);
    if (failure != NULL && gen != &wr_gen_no_memory &&
        !(gen->aborted && failure->code == WEIR_ECLOSED)) {
        wr_log_failure(gen->loop, failure);
    }
    wr_gen_unadopt(gen);
    wr_gen_free(gen);
}

/* ---- the scope's view of a generator */

static struct weir_gen *gen_of(struct wr_object *object)
{
    return WR_OWNER(object, struct weir_gen, object);
}

/* For a delegate: the generator at the root of its chain, which the reader pulls. */
static const struct weir_gen *root_of(const struct weir_gen *gen)
{
    return gen->body ? &((const struct wr_body *)(const void *)gen)->root->gen : gen;
}

struct wr_task *wr_gen_task(const struct weir_gen *gen)
{
    const struct weir_gen *root = root_of(gen);
    if (root->state != WR_GEN_INSIDE) {
        return NULL;
    }
    if (gen->body) {
        const struct wr_fiber *fiber = &root->leaf->fiber;
        while (fiber->resumer != NULL) {
            fiber = fiber->resumer;
        }
        return fiber != &root->leaf->fiber ? WR_OWNER((uintptr_t)fiber, struct wr_task, fiber)
                                           : NULL;
    }
    struct wr_task *task = gen->inside != NULL ? gen->inside : wr_object_waiter(&gen->object);
    for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted && task == NULL;
         node = node->next) {
        task = wr_gen_task(WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link));
    }
    return task;
}

/* gen must end at its next pull. If it is a delegate, its part of the chain must end too. */
static void end_is_due(struct weir_gen *gen)
{
    wr_gen_ready(gen);
    struct wr_body *root = gen->body ? wr_body_of(gen)->root : NULL;
    if (root != NULL && &root->gen != gen) {
        root->cut_due = true;
        wr_gen_ready(&root->gen);
    }
}

static void object_cancel(struct wr_object *object, int code)
{
    struct weir_gen *gen = gen_of(object);
    if (code == WEIR_ECLOSED) {
        wr_gen_fail(gen, code, 0, -1, "the scope of '%s' has ended", gen->name);
    }
    gen->canceled = true;
    end_is_due(gen);
}

/* If a task is parked in one of the program's own sources, in a wait of <weir/wait.h>, wake it: the
 * source may still give the current item, and then ends. */
static void stop_wait(struct weir_gen *gen)
{
    struct wr_task *task = gen->body || gen->extended ? wr_gen_task(gen) : NULL;
    if (task != NULL && task->state == WR_TASK_PARKED && task->stoppable &&
        (gen->extended || task->leaf == &wr_body_of(gen)->fiber)) {
        gen->stop_ended_wait = true;
        wr_wake(task, WEIR_ECLOSED);
    }
}

static void object_stop(struct wr_object *object)
{
    struct weir_gen *gen = gen_of(object);
    if (gen->up != NULL || !wr_list_empty(&gen->adopted) || !(gen->body || gen->ops->is_source)) {
        return;
    }
    gen->stopping = true;
    end_is_due(gen);
    if (gen->ops->stop != NULL) {
        gen->ops->stop(gen);
    } else {
        stop_wait(gen);
    }
}

/* A task that pulls it, or waits for its puller's pull, must leave first. A pull of the puller that
 * no task waits for is ended by the close. */
static bool object_inside(const struct wr_object *object, struct wr_task **task)
{
    const struct weir_gen *gen = gen_of((struct wr_object *)(uintptr_t)object);
    *task = wr_gen_task(gen);
    if (wr_puller_busy(gen)) {
        return gen->puller->reader != NULL;
    }
    return root_of(gen)->state == WR_GEN_INSIDE;
}

/* A generator with a reader ends with that reader, if the reader ends too. */
static struct wr_object *object_whole(struct wr_object *object)
{
    struct weir_gen *top = wr_gen_top(gen_of(object));
    return wr_scope_within(top->object.scope, object->scope) ? &top->object : object;
}

static void object_discard(struct wr_object *object)
{
    struct weir_gen *gen = gen_of(object), *top = wr_gen_top(gen);
    if (top != gen) { /* its reader is in a scope that lives longer, and finds it failed */
        wr_object_move(object, top->object.scope);
        wr_gen_fail(gen, WEIR_ECLOSED, 0, -1, "the scope of '%s' has ended", gen->name);
        wr_gen_close(gen);
        gen->aborted = false; /* its reader did not close it, and gets the failure */
        return;
    }
    if (gen->pump != NULL && gen->state != WR_GEN_OVER) {
        wr_gen_fail(gen, WEIR_ECLOSED, 0, -1, "the scope of '%s' has ended", gen->name);
    }
    wr_gen_close(gen);
    const struct wr_task *reader = gen->pump != NULL ? gen->pump : wr_object_waiter(object);
    if (reader !=
        NULL) { /* a pump that still puts its last items, or a reader that waits for this close */
        wr_object_move(object, wr_scope_home(object->scope, reader));
        return;
    }
    weir_discard(gen);
}

static size_t object_why(const struct wr_object *object, char *text, size_t cap)
{
    const struct weir_gen *gen = gen_of((struct wr_object *)(uintptr_t)object);
    return gen->ops->why != NULL ? gen->ops->why(gen, text, cap) : 0;
}

static int64_t held_by(const struct weir_gen *gen, uint32_t mark)
{
    return (int64_t)gen->scratch_charged + (gen->ops->held != NULL ? gen->ops->held(gen, mark) : 0);
}

/* gen waits for the budget, and the generators that pull it wait with it. The reader of a puller
 * does not: it may continue without a result. */
static int64_t object_held(const struct wr_object *object, uint32_t mark)
{
    const struct weir_gen *gen = gen_of((struct wr_object *)(uintptr_t)object);
    int64_t held = held_by(gen, mark);
    while (wr_gen_reader(gen) != NULL && !wr_puller_busy(gen)) {
        gen = wr_gen_reader(gen);
        held += held_by(gen, mark);
    }
    return held;
}

const struct wr_object_ops wr_gen_object_ops = {.kind = "generator",
                                                .cancel = object_cancel,
                                                .stop = object_stop,
                                                .discard = object_discard,
                                                .whole = object_whole,
                                                .inside = object_inside,
                                                .why = object_why,
                                                .held = object_held};
