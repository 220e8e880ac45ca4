/*
 * flow_gen.c - what all generators share: making, pulling, failing, ending.
 *
 * States: FRESH -> IDLE <-> INSIDE -> OVER. FRESH runs nothing; the first pull makes the origin of
 * a source. A pull takes the fast path when `ready` says that nothing special is the matter;
 * everything else passes wr_pull_slow: a puller with a pull under way, a reader that has been
 * closed, a canceled scope, a gentle stop, the end.
 *
 * The end comes once: ops->close, then the adopted generators, last adopted first, whose failures
 * become this one's, the first in time winning. While a generator is INSIDE other tasks may run,
 * but nobody else may pull it.
 */
#include "flow_gen.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_body.h"
#include "flow_puller.h"

enum { PAST_END_MAX = 1000 };

/* ---- the scope's view of a generator */

static struct weir_gen *gen_of(struct wr_object *object)
{
    return WR_OWNER(object, struct weir_gen, object);
}

struct wr_task *wr_gen_task(const struct weir_gen *gen)
{
    if (gen->state != WR_GEN_INSIDE) {
        return NULL;
    }
    if (gen->body) {
        const struct wr_fiber *fiber = &gen->leaf->fiber;
        while (fiber->resumer != NULL) {
            fiber = fiber->resumer;
        }
        return fiber != &gen->leaf->fiber ? WR_OWNER((uintptr_t)fiber, struct wr_task, fiber)
                                          : NULL;
    }
    struct wr_task *task = NULL;
    for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted && task == NULL;
         node = node->next) {
        task = wr_gen_task(WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link));
    }
    return task;
}

/* Somebody may wait inside of gen, perhaps a task that belongs elsewhere: that wait fails once. */
static void abort_pull(struct weir_gen *gen)
{
    if (gen->ops->abort != NULL) {
        gen->ops->abort(gen, WEIR_ECANCELED);
        return;
    }
    if (gen->state != WR_GEN_INSIDE) {
        return;
    }
    struct wr_task *task = wr_gen_task(gen);
    if (task != NULL && task != gen->loop->task) {
        wr_task_fail(task, WEIR_ECANCELED);
    }
    for (struct wr_list *node = gen->adopted.next; node != &gen->adopted && !gen->body;
         node = node->next) {
        struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
        if (up->state == WR_GEN_INSIDE && up->ops->abort != NULL) {
            up->ops->abort(up, WEIR_ECANCELED);
        }
    }
}

static void object_cancel(struct wr_object *object)
{
    struct weir_gen *gen = gen_of(object);
    gen->canceled = true;
    wr_gen_ready(gen);
    abort_pull(gen);
}

static void object_stop(struct wr_object *object)
{
    struct weir_gen *gen = gen_of(object);
    if (gen->up != NULL || !wr_list_empty(&gen->adopted) || !(gen->body || gen->ops->is_source)) {
        return;
    }
    gen->stopping = true;
    wr_gen_ready(gen);
    if (gen->ops->stop != NULL) {
        gen->ops->stop(gen);
    }
}

/* A task of another scope is inside of gen while gen's scope ends: fail what it waits for, and wait
 * until it is out. The generator is failed and goes with that task's scope, if its reader does not
 * end it before. */
static void turn_out(struct weir_gen *gen, struct wr_task *task)
{
    struct wr_gen_watch watch = {.task = wr_task_now(gen->loop, "weir_scope_wait")};
    struct weir_loop *loop = gen->loop;
    wr_gen_fail(gen, WEIR_ECLOSED, 0, -1, "the scope of '%s' has ended", gen->name);
    object_cancel(&gen->object);
    wr_object_fini(&gen->object);
    wr_object_init(&gen->object, gen->object.ops, task->scope, gen->name);
    // cppcheck-suppress autoVariables ; the loop below outlives every use: over is the last thing
    // written
    gen->watch = &watch;
    while (!watch.over) {
        (void)wr_park(loop, "a reader elsewhere to come out", NULL);
    }
}

static void object_discard(struct wr_object *object)
{
    struct weir_gen *gen = gen_of(object), *top = gen;
    while (top->reader != NULL) {
        top = top->reader;
    }
    bool ours = top == gen || wr_scope_within(top->object.scope, object->scope);
    struct weir_gen *entered = ours ? top : gen;
    struct wr_task *task = entered->puller == NULL ? wr_gen_task(entered) : NULL;
    if (task != NULL && task != gen->loop->task) {
        turn_out(entered, task);
        return;
    }
    if (ours) {
        weir_discard(top); /* one that is read by another goes with its reader */
        return;
    }
    /* Its reader lives in a longer scope and finds it failed. */
    wr_object_fini(object);
    object->scope = top->object.scope;
    wr_gen_fail(gen, WEIR_ECLOSED, 0, -1, "the scope of '%s' has ended", gen->name);
    wr_gen_close(gen);
}

static size_t object_why(const struct wr_object *object, char *text, size_t cap)
{
    const struct weir_gen *gen = gen_of((struct wr_object *)(uintptr_t)object);
    return gen->ops->why != NULL ? gen->ops->why(gen, text, cap) : 0;
}

static const struct wr_object_ops gen_object_ops = {.kind = "generator",
                                                    .cancel = object_cancel,
                                                    .stop = object_stop,
                                                    .discard = object_discard,
                                                    .why = object_why};

/* ---- making */

void *wr_gen_alloc(struct weir_scope *scope, size_t size, const struct wr_gen_ops *ops,
                   const char *name)
{
    struct weir_gen *gen = wr_zalloc(size);
    if (gen == NULL) {
        return NULL;
    }
    gen->ops = ops;
    gen->loop = scope->loop;
    wr_list_init(&gen->adopted);
    wr_list_init(&gen->adopt_link);
    snprintf(gen->name, sizeof gen->name, "%s", name != NULL ? name : ops->kind);
    wr_object_init(&gen->object, &gen_object_ops, scope, gen->name);
    gen->canceled = wr_scope_canceled(scope);
    gen->stopping = scope->stopping;
    wr_gen_ready(gen);
    return gen;
}

static size_t failed_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    (void)gen;
    (void)items;
    (void)max;
    return 0;
}

static const struct wr_gen_ops failed_ops = {.kind = "failed", .next_many = failed_next_many};

/* The one object that needs no memory: every maker that finds none gives it. It is never freed,
 * belongs to no scope and has no state but its failure. */
static weir_error no_memory_error = {.code = WEIR_ENOMEM,
                                     .offset = -1,
                                     .origin = "weir",
                                     .message = "out of memory while making a generator"};
static struct weir_gen no_memory = {.state = WR_GEN_OVER,
                                    .closed = true,
                                    .ops = &failed_ops,
                                    .adopted = {&no_memory.adopted, &no_memory.adopted},
                                    .adopt_link = {&no_memory.adopt_link, &no_memory.adopt_link},
                                    .failure = &no_memory_error,
                                    .name = "failed"};

void *wr_stage_alloc(struct weir_gen *up, size_t size, const struct wr_gen_ops *ops,
                     const char *name)
{
    return up != &no_memory ? wr_gen_alloc(up->object.scope, size, ops, name) : NULL;
}

struct weir_gen *wr_gen_made(struct weir_gen *gen, struct weir_gen *up)
{
    if (gen != NULL) {
        if (up != NULL) {
            wr_gen_adopt(gen, up);
        }
        return gen;
    }
    /* Ending `up` may have to wait, which a maker must not: it ends with its scope. */
    return &no_memory;
}

struct weir_gen *wr_gen_failed(struct weir_scope *scope, const weir_error *error)
{
    struct weir_gen *gen = wr_gen_alloc(scope, sizeof *gen, &failed_ops, "failed");
    if (gen == NULL) {
        return &no_memory;
    }
    wr_gen_fail_error(gen, error);
    return gen;
}

void wr_reject(struct weir_gen *gen, const weir_item *item, const char *why)
{
    wr_items_tell(item, 1, WR_ACT_REJECT);
    wr_log(&gen->loop->log, WR_LOG_INFO, gen->name, "item %llu rejected: %s",
           (unsigned long long)item->seq, why);
}

weir_scope *weir_gen_scope(const weir_gen *gen)
{
    return gen->object.scope;
}

void wr_gen_adopt(struct weir_gen *self, struct weir_gen *more)
{
    if (more == &no_memory) {
        wr_gen_fail_error(self, more->failure);
        return;
    }
    WR_ASSERT(more->reader == NULL, "generator '%s' has a reader already", more->name);
    WR_ASSERT(more != self, "generator '%s' cannot read itself", more->name);
    more->reader = self;
    wr_list_append(&self->adopted, &more->adopt_link);
    if (self->up == NULL) {
        self->up = more;
    }
    if (self->body) {
        if (self->origin != NULL && self->origin->given == 0) {
            wr_origin_end(self->origin);
            self->origin = NULL;
        }
        wr_body_of(self)->acct = wr_body_of(self);
        wr_vouch_plain(wr_body_of(self));
    }
    wr_gen_ready(more);
}

void wr_gen_unadopt(struct weir_gen *gen)
{
    struct weir_gen *reader = gen->reader;
    if (reader == NULL) {
        return;
    }
    wr_list_remove(&gen->adopt_link);
    gen->reader = NULL;
    if (reader->up == gen) {
        reader->up = wr_list_empty(&reader->adopted)
                         ? NULL
                         : WR_OWNER(reader->adopted.next, struct weir_gen, adopt_link);
    }
    if (reader->body) {
        wr_vouch_plain(wr_body_of(reader));
    }
}

void weir_adopt(weir_gen *self, weir_gen *more)
{
    wr_gen_adopt(self, more);
}

/* ---- failing */

static bool fail_at(struct weir_gen *gen, const weir_error *error, uint64_t at)
{
    if (gen->failure != NULL && gen->failed_at <= at) {
        return false;
    }
    if (gen->failure == NULL) {
        gen->failure = wr_alloc(sizeof *error);
        if (gen->failure == NULL) {
            gen->failure = &no_memory_error;
            gen->failed_at = at;
            return true;
        }
    }
    if (gen->failure != &no_memory_error) {
        *gen->failure = *error;
    }
    gen->failed_at = at;
    gen->told = false;
    return true;
}

int wr_gen_fail_error(struct weir_gen *gen, const weir_error *error)
{
    if (gen->failure == NULL) {
        fail_at(gen, error, ++gen->loop->failures);
    }
    return error->code;
}

int wr_gen_fail_at(struct weir_gen *gen, const weir_error *error, uint64_t at)
{
    fail_at(gen, error, at);
    return error->code;
}

int wr_gen_fail(struct weir_gen *gen, int code, int detail, int64_t offset, const char *format, ...)
{
    if (gen->failure != NULL) {
        return code;
    }
    weir_error error;
    va_list args;
    va_start(args, format);
    wr_error_vset(&error, code, detail, gen->name, format, args);
    va_end(args);
    error.offset = offset;
    if (gen->origin != NULL) {
        error.seq = gen->origin->given;
    }
    return wr_gen_fail_error(gen, &error);
}

int weir_fail(weir_gen *self, int code, const char *format, ...)
{
    WR_ASSERT(code < 0, "'%s' fails with %d: codes are negative, yours WEIR_EUSER and below",
              self->name, code);
    if (self->failure != NULL) {
        return code;
    }
    weir_error error;
    va_list args;
    va_start(args, format);
    wr_error_vset(&error, code, 0, self->name, format, args);
    va_end(args);
    if (self->up != NULL) {
        error.seq = self->up->fresh_seq;
    }
    return wr_gen_fail_error(self, &error);
}

const weir_error *wr_gen_failure(const struct weir_gen *gen)
{
    return gen->failure != NULL && !gen->told ? gen->failure : NULL;
}

/* ---- pulling */

static bool reader_closed(const struct weir_gen *gen)
{
    return gen->reader != NULL && gen->reader->body &&
           wr_body_of(gen->reader)->pending != WR_PENDING_NONE;
}

void wr_gen_ready(struct weir_gen *gen)
{
    gen->special = gen->canceled || gen->stopping || gen->closed || gen->failure != NULL ||
                   reader_closed(gen) || wr_puller_busy(gen);
    bool easy = gen->state == WR_GEN_IDLE && !gen->special;
    gen->ready = gen->body && easy;
    gen->direct = !gen->body && easy && gen->reader == NULL;
}

/* The first pull. */
static bool start(struct weir_gen *gen)
{
    gen->state = WR_GEN_IDLE;
    if ((gen->body || gen->ops->is_source) && gen->up == NULL && gen->origin == NULL) {
        gen->origin = wr_scope_origin(gen->object.scope, gen->name);
        if (gen->origin == NULL) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to count what '%s' gives", gen->name);
            return false;
        }
    }
    return gen->failure == NULL;
}

size_t wr_pull_direct(struct weir_gen *gen, weir_item *items, size_t max)
{
    if (gen->canceled && !gen->closed) {
        wr_gen_fail(gen, WEIR_ECANCELED, 0, -1, "canceled");
        wr_gen_over(gen);
        return 0;
    }
    if (gen->failure != NULL || (gen->stopping && gen->ops->stop == NULL)) {
        wr_gen_over(gen);
        return 0;
    }
    if (gen->state == WR_GEN_FRESH && !start(gen)) {
        wr_gen_over(gen);
        return 0;
    }
    gen->state = WR_GEN_INSIDE;
    gen->ready = gen->direct = false;
    size_t n = gen->ops->next_many(gen, items, max);
    if (n == 0) {
        wr_gen_over(gen);
        return 0;
    }
    gen->state = WR_GEN_IDLE;
    wr_gen_ready(gen);
    return n;
}

static size_t past_end(struct weir_gen *gen)
{
    gen->past_end++;
    WR_ASSERT(gen == &no_memory || gen->past_end < PAST_END_MAX,
              "generator '%s' was pulled %d times after its end: somebody ignores false", gen->name,
              PAST_END_MAX);
    return 0;
}

/* Tell a body what it was lent, and hold several at once. */
static size_t lend_to_body(struct weir_gen *gen, struct wr_body *reader, weir_item *items, size_t n)
{
    if (n == 1) {
        gen->fresh_receipt = items[0].receipt;
        gen->fresh_seq = items[0].seq;
        gen->fresh_origin = items[0].origin;
        gen->fresh_unvouched = items[0].receipt != NULL;
        return 1;
    }
    gen->fresh_receipt = NULL;
    gen->fresh_unvouched = false;
    if (!wr_vouch_hold_many(reader, items, n)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
        wr_gen_over(gen);
        return 0;
    }
    return n;
}

size_t wr_pull_slow(struct weir_gen *gen, weir_item *items, size_t max)
{
    if (gen->state == WR_GEN_OVER) {
        return past_end(gen);
    }
    struct wr_body *reader =
        gen->reader != NULL && gen->reader->body ? wr_body_of(gen->reader) : NULL;
    if (reader != NULL && reader->pending != WR_PENDING_NONE) {
        return past_end(gen);
    }
    wr_task_now(gen->loop, "weir_next");
    if (reader != NULL && gen->fresh_unvouched && !wr_vouch_hold(reader, gen)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
    }
    gen->fresh_unvouched = false;
    size_t n;
    if (wr_puller_busy(gen)) {
        bool late = false;
        n = wr_pull_within(gen, items, max, -1, &late);
    } else {
        WR_ASSERT(gen->state != WR_GEN_INSIDE, "generator '%s' is being pulled already", gen->name);
        n = wr_pull_direct(gen, items, max);
    }
    if (n == 0) {
        gen->fresh_receipt = NULL;
        return 0;
    }
    return reader != NULL ? lend_to_body(gen, reader, items, n) : n;
}

/* A built-in generator, read by a task, with nothing special the matter. */
static inline size_t pull_easy(struct weir_gen *gen, weir_item *items, size_t max)
{
    gen->direct = false;
    gen->state = WR_GEN_INSIDE;
    size_t n = gen->ops->next_many(gen, items, max);
    if (WR_UNLIKELY(n == 0)) {
        wr_gen_over(gen);
        return 0;
    }
    gen->state = WR_GEN_IDLE;
    gen->direct = !gen->special;
    return n;
}

size_t wr_pull(struct weir_gen *up, weir_item *items, size_t max)
{
    return wr_pull_slow(up, items, max);
}

size_t weir_next_many(weir_gen *gen, weir_item *items, size_t max)
{
    WR_ASSERT(max > 0, "no room for an item");
    if (WR_LIKELY(gen->direct && gen->loop->running != NULL)) {
        return pull_easy(gen, items, max);
    }
    return wr_pull_slow(gen, items, max);
}

bool wr_next_unready(struct weir_gen *gen, weir_item *item)
{
    if (WR_LIKELY(gen->direct && gen->loop->running != NULL)) {
        return pull_easy(gen, item, 1) > 0;
    }
    return wr_pull_slow(gen, item, 1) > 0;
}

weir_got weir_next_within(weir_gen *gen, weir_item *item, int64_t wait_ms)
{
    if (gen->state == WR_GEN_OVER) {
        past_end(gen);
        return WEIR_GOT_OVER;
    }
    bool late = false;
    struct wr_body *reader =
        gen->reader != NULL && gen->reader->body ? wr_body_of(gen->reader) : NULL;
    if (reader != NULL && reader->pending != WR_PENDING_NONE) {
        return WEIR_GOT_OVER;
    }
    if (reader != NULL && gen->fresh_unvouched && !wr_vouch_hold(reader, gen)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
    }
    gen->fresh_unvouched = false;
    size_t n = wr_pull_within(gen, item, 1, WR_MAX(wait_ms, 0), &late);
    if (n == 0) {
        gen->fresh_receipt = NULL;
        return late ? WEIR_GOT_LATE : WEIR_GOT_OVER;
    }
    if (reader != NULL) {
        lend_to_body(gen, reader, item, 1);
    }
    return WEIR_GOT_ITEM;
}

/* ---- ending */

void wr_gen_seal(struct weir_gen *gen)
{
    if (gen->origin != NULL) {
        wr_origin_seal(gen->origin);
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
            fail_at(gen, failure, up->failed_at);
            up->told = true;
        }
        wr_gen_unadopt(up);
        wr_gen_free(up);
    }
}

static void tell_watch(struct weir_gen *gen)
{
    if (gen->watch != NULL) {
        gen->watch->over = true;
        wr_wake(gen->watch->task, 0);
        gen->watch = NULL;
    }
}

void wr_gen_close(struct weir_gen *gen)
{
    if (gen->closed) {
        return;
    }
    if (gen->state != WR_GEN_OVER || gen->failure != NULL) {
        wr_gen_seal(gen);
    }
    wr_puller_close(gen);
    if (gen->closed) {
        return; /* the pull in flight has come to the end by itself */
    }
    gen->closed = true;
    gen->ready = gen->direct = false;
    if (gen->ops->close != NULL) {
        gen->ops->close(gen);
    }
    wr_gen_end_adopted(gen);
    gen->state = WR_GEN_OVER;
    tell_watch(gen);
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
        } else if (gen->origin != NULL) {
            wr_origin_lend(gen->origin, 0);
        }
        if (gen->ops->close != NULL) {
            gen->ops->close(gen);
        }
        wr_gen_end_adopted(gen);
    }
    gen->state = WR_GEN_OVER;
    gen->ready = gen->direct = false;
    tell_watch(gen);
}

void wr_gen_free(struct weir_gen *gen)
{
    if (gen == &no_memory) {
        return;
    }
    wr_puller_free(gen);
    wr_object_fini(&gen->object);
    if (gen->origin != NULL) {
        wr_origin_end(gen->origin);
    }
    if (gen->body) {
        wr_body_fini(wr_body_of(gen));
    }
    if (gen->ops->free != NULL) {
        gen->ops->free(gen);
    }
    if (gen->failure != &no_memory_error) {
        wr_free(gen->failure);
    }
    wr_free(gen);
}

static void check_end(const struct weir_gen *gen, const char *verb)
{
    WR_ASSERT(gen->state != WR_GEN_INSIDE || gen->puller != NULL,
              "%s: generator '%s' is running; its reader ends it", verb, gen->name);
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
        if (gen != &no_memory) {
            wr_told(gen->loop, failure);
            gen->told = true;
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
    if (failure != NULL && gen != &no_memory && failure->code != WEIR_ECANCELED &&
        !(gen->aborted && failure->code == WEIR_ECLOSED)) {
        wr_log_failure(gen->loop, failure);
    }
    wr_gen_unadopt(gen);
    wr_gen_free(gen);
}
