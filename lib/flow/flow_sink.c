/*
 * flow_sink.c - what all sinks share: putting, flushing before the loop idles, committing,
 * receipts, ending.
 *
 * The runs of numbers that were put and not committed are kept with one reference each; a flush
 * that returns 0, or a commit, settles them as delivered. The flush before the poll runs on the
 * scheduler's stack and never suspends. If it cannot write everything, the next put or the commit
 * waits for the far end. A failure is final and reported once.
 */
#include "flow_sink.h"

#include <string.h>

#include "base_alloc.h"
#include "flow_dead.h"
#include "flow_gen.h"
#include "flow_state.h"

enum { PAST_END_MAX = 1000 };

static struct weir_sink *sink_of(struct wr_object *object)
{
    return WR_OWNER(object, struct weir_sink, object);
}

static void object_cancel(struct wr_object *object, int code)
{
    struct weir_sink *sink = sink_of(object);
    if (code == WEIR_ECANCELED) {
        sink->canceled = true;
    } else if (!sink->ended) {
        wr_sink_set_error(sink, code, 0, "the scope of '%s' has ended", sink->name);
    }
}

static bool in_use(const struct weir_sink *sink)
{
    return sink->inside != NULL || sink->feeder != NULL ||
           (sink->ops->passes_on && wr_object_waiter(&sink->object) != NULL);
}

/* A built-in sink's own wait ends by itself, or is registered: its task is not reported here. */
static bool object_inside(const struct wr_object *object, struct wr_task **task)
{
    const struct weir_sink *sink = sink_of((struct wr_object *)(uintptr_t)object);
    *task = sink->ops->users && sink->inside != NULL ? sink->inside : sink->feeder;
    return in_use(sink);
}

void wr_sink_left(struct weir_sink *sink)
{
    if (sink->object.watched && !in_use(sink)) {
        wr_object_left(&sink->object, sink->loop->task);
    }
}

static void object_discard(struct wr_object *object)
{
    weir_sink_discard(sink_of(object));
}

static size_t object_why(const struct wr_object *object, char *text, size_t cap)
{
    const struct weir_sink *sink = sink_of((struct wr_object *)(uintptr_t)object);
    return sink->ops->why != NULL ? sink->ops->why(sink, text, cap) : 0;
}

const struct wr_object_ops wr_sink_object_ops = {.kind = "sink",
                                                 .cancel = object_cancel,
                                                 .discard = object_discard,
                                                 .inside = object_inside,
                                                 .why = object_why};

static void flush_before_poll(struct wr_before_poll *hook)
{
    struct weir_sink *sink = WR_OWNER(hook, struct weir_sink, before_poll);
    if (sink->failure != NULL || sink->ended) {
        return;
    }
    int rc = sink->ops->flush(sink);
    if (rc == 0 && sink->ops->commit == NULL) {
        wr_sink_committed(sink);
    } else if (rc < 0) {
        wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
        wr_sink_gone(sink);
    }
}

void *wr_sink_alloc(struct weir_scope *scope, size_t size, const struct wr_sink_ops *ops,
                    const char *name)
{
    wr_scope_given(scope, name != NULL ? name : ops->kind);
    struct weir_sink *sink = wr_zalloc(size);
    if (sink == NULL) {
        return NULL;
    }
    sink->ops = ops;
    sink->alive = WR_SINK_ALIVE;
    sink->loop = scope->loop;
    (void)wr_copy_text(sink->name, sizeof sink->name, name != NULL ? name : ops->kind);
    wr_object_init(&sink->object, &wr_sink_object_ops, scope, sink->name);
    sink->object.counts = &sink->counts;
    wr_before_poll_init(&sink->before_poll, flush_before_poll);
    sink->canceled = wr_scope_canceled(scope);
    return sink;
}

static int failed_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    (void)items;
    (void)count;
    return sink->failure->code;
}

static const struct wr_sink_ops failed_ops = {.kind = "failed", .put_many = failed_put_many};

static weir_error no_memory_error = {.code = WEIR_ENOMEM,
                                     .offset = -1,
                                     .origin = "weir",
                                     .message = "out of memory while making a sink"};
static struct weir_sink no_memory = {
    .ops = &failed_ops, .alive = WR_SINK_ALIVE, .failure = &no_memory_error, .name = "failed"};

struct weir_sink *wr_sink_made(struct weir_sink *sink)
{
    return sink != NULL ? sink : &no_memory;
}

struct weir_sink *wr_sink_failed(struct weir_scope *scope, const weir_error *error)
{
    struct weir_sink *sink = wr_sink_alloc(scope, sizeof *sink, &failed_ops, "failed");
    if (sink == NULL) {
        return &no_memory;
    }
    sink->failure = wr_alloc(sizeof *error);
    if (sink->failure == NULL) {
        sink->failure = &no_memory_error;
    } else {
        *sink->failure = *error;
    }
    sink->failed_at = ++sink->loop->failures;
    return sink;
}

void wr_sink_set_failure(struct weir_sink *sink, const weir_error *error)
{
    if (sink->failure != NULL) {
        return;
    }
    sink->failure = wr_alloc(sizeof *error);
    if (sink->failure == NULL) {
        sink->failure = &no_memory_error;
    } else {
        *sink->failure = *error;
    }
    sink->failed_at = ++sink->loop->failures;
}

static int set_error(struct weir_sink *sink, int code, int detail, const char *format, va_list args)
{
    weir_error error;
    wr_error_vset(&error, code, detail, sink->name, format, args);
    wr_sink_set_failure(sink, &error);
    return code;
}

int wr_sink_set_error(struct weir_sink *sink, int code, int detail, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_error(sink, code, detail, format, args);
    va_end(args);
    return code;
}

weir_scope *weir_sink_scope(const weir_sink *sink)
{
    wr_sink_given(sink, "weir_sink_scope");
    return sink->object.scope;
}

static void check_code(const struct weir_sink *sink, int code, const char *verb)
{
    if (code >= 0) {
        wr_misuse(verb,
                  "'%s' fails with %d: a code must be negative; your own codes are WEIR_EUSER and "
                  "below",
                  sink->name, code);
    }
}

void weir_sink_gone(weir_sink *sink, int code, int detail, const char *format, ...)
{
    wr_sink_given(sink, "weir_sink_gone");
    check_code(sink, code, "weir_sink_gone");
    va_list args;
    va_start(args, format);
    set_error(sink, code, detail, format, args);
    va_end(args);
    wr_sink_gone(sink);
}

int weir_sink_error(weir_sink *sink, int code, int detail, const char *format, ...)
{
    wr_sink_given(sink, "weir_sink_error");
    check_code(sink, code, "weir_sink_error");
    va_list args;
    va_start(args, format);
    set_error(sink, code, detail, format, args);
    va_end(args);
    return code;
}

void wr_sink_gone(struct weir_sink *sink)
{
    if (sink->feeder != NULL && !sink->gone) {
        wr_task_fail(sink->feeder, WEIR_ECLOSED, true);
    }
    sink->gone = true;
}

/* ---- receipts */

void wr_sink_settle(struct weir_sink *sink, struct wr_runs *runs, enum wr_act act)
{
    if (runs->count > 0) {
        wr_runs_let_go(runs, act);
    }
    if (sink->ops->committed != NULL) {
        sink->ops->committed(sink);
    }
    if (sink->kept != NULL) {
        wr_state_committed(sink->kept, 0);
    }
}

void wr_sink_committed(struct weir_sink *sink)
{
    wr_sink_settle(sink, &sink->runs, (enum wr_act)sink->commit_act);
}

static void release(struct weir_sink *sink, enum wr_act act)
{
    wr_runs_let_go(&sink->runs, act);
    if (sink->holds_items) {
        sink->ops->release(sink, act);
    }
}

/* Give up everything put so far: receipts are abandoned. */
static void abandon(struct weir_sink *sink)
{
    release(sink, WR_ACT_ABANDON);
}

void wr_sink_drop(struct weir_sink *sink)
{
    release(sink, WR_ACT_DROP);
}

void wr_sink_hold_items(struct weir_sink *sink)
{
    sink->holds_items = true;
    wr_runs_let_go(&sink->runs,
                   WR_ACT_NEUTRAL); /* only the current put is left, and its items are lent */
}

/* ---- putting */

void wr_sink_misused(const struct weir_sink *sink, const char *verb)
{
    char name[32];
    if (sink == NULL) {
        wr_misuse(verb, "the sink is NULL");
    }
    if (sink->alive == WR_SINK_ALIVE) {
        wr_thread_is_another(verb);
    }
    wr_ended_name(name, sink->name);
    wr_misuse(verb,
              "sink '%s' has already ended: weir_sink_finish, weir_sink_fail, weir_sink_discard or "
              "weir_pump took it, or its scope has ended",
              name);
}

static bool past_end(struct weir_sink *sink)
{
    wr_sink_given(sink, "weir_put");
    if (sink == &no_memory) {
        return false; /* all threads share it: it is never written */
    }
    sink->past_end++;
    WR_ASSERT(
        sink->past_end < PAST_END_MAX,
        "sink '%s' was put to %d times after its failure: the caller ignores the result false",
        sink->name, PAST_END_MAX);
    return false;
}

/* The base keeps the receipts until the sink has committed. */
static __attribute__((noinline)) bool put_kept(struct weir_sink *sink, const weir_item *items,
                                               size_t count)
{
    const struct wr_sink_ops *ops = sink->ops;
    wr_task_now(sink->loop, "weir_put");
    WR_ASSERT(sink->inside == NULL,
              "two tasks put to sink '%s'; use weir_sink_share to make a second writer of a queue",
              sink->name);
    if (sink->canceled) {
        wr_sink_set_error(sink, WEIR_ECANCELED, 0, "canceled");
        return false;
    }
    if (WR_UNLIKELY(sink->state != NULL) && wr_sink_begin_state(sink) < 0) {
        (void)wr_runs_add_items(&sink->runs, items, count); /* abandoned with the sink */
        return false;
    }
    if (!ops->at_once && !sink->holds_items && wr_runs_add_items(&sink->runs, items, count) < 0) {
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for receipts");
        return false;
    }
    sink->held_of_put = 0;
    sink->put_items += count;
    sink->puts++;
    sink->inside = sink->loop->task;
    int rc = ops->put_many(sink, items, count);
    sink->inside = NULL;
    if (rc < 0) {
        wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
    }
    if (sink->holds_items && WR_UNLIKELY(sink->failure != NULL)) {
        size_t held = sink->held_of_put; /* the rest is abandoned with the sink */
        (void)wr_runs_add_items(&sink->runs, items + held, count - held);
    }
    if (WR_UNLIKELY(sink->object.watched)) {
        wr_sink_left(sink);
    }
    if (WR_UNLIKELY(sink->failure != NULL)) {
        return false;
    }
    if (ops->at_once) {
        wr_items_commit(items, count);
    }
    if (ops->flush == NULL && ops->commit == NULL) {
        wr_sink_committed(sink);
    }
    return true;
}

bool wr_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    if (WR_UNLIKELY(sink->failure != NULL || !wr_loop_is_here(sink->loop))) {
        return past_end(sink);
    }
    if (!sink->ops->passes_on) {
        return put_kept(sink, items, count);
    }
    sink->put_items += count;
    sink->puts++;
    return sink->ops->put_many(sink, items, count) >= 0;
}

/* The program's items may be invalid, or have bytes that their block does not keep alive
 * (wr_block_check): such bytes are copied. */
static __attribute__((noinline)) bool put_odd(struct weir_sink *sink, const weir_item *items,
                                              size_t count)
{
    wr_sink_given(sink, "weir_put");
    for (size_t i = 0; i < count; i++) {
        wr_item_check(items != NULL ? &items[i] : NULL, "weir_put");
        weir_item item = items[i];
        wr_block_check(&item);
        if (!wr_put_many(sink, &item, 1)) {
            return false;
        }
    }
    return sink->failure == NULL;
}

bool weir_put_many(weir_sink *sink, const weir_item *items, size_t count)
{
    if (WR_UNLIKELY(sink == NULL || items == NULL || count == 0)) {
        return put_odd(sink, items, count);
    }
    /* One comparison per item: bytes without a block count as in a block from 1 to the end of
     * memory. */
    const weir_block *block = NULL;
    uintptr_t base = 1, cap = UINTPTR_MAX - 1;
    for (size_t i = 0; i < count; i++) {
        if (items[i].block != block) {
            block = items[i].block;
            base = block != NULL ? (uintptr_t)block->data : 1;
            cap = block != NULL ? block->cap : UINTPTR_MAX - 1;
        }
        if (WR_UNLIKELY((uintptr_t)items[i].data - base > cap)) {
            return put_odd(sink, items, count);
        }
    }
    return wr_put_many(sink, items, count);
}

bool weir_put(weir_sink *sink, const weir_item *item)
{
    if (WR_UNLIKELY(sink == NULL || item == NULL || item->data == NULL ||
                    (item->block != NULL && !wr_block_holds(item)))) {
        return put_odd(sink, item, 1);
    }
    return wr_put_many(sink, item, 1);
}

int weir_try_put(weir_sink *sink, const weir_item *item)
{
    wr_sink_given(sink, "weir_try_put");
    wr_item_check(item, "weir_try_put");
    if (sink->failure != NULL) {
        past_end(sink);
        return sink->failure->code;
    }
    WR_ASSERT(sink->ops->try_put != NULL,
              "sink '%s' may have to wait for each item: put a queue in front of it", sink->name);
    weir_item whole = *item;
    wr_block_check(&whole);
    int rc = sink->ops->try_put(sink, &whole);
    sink->put_items += rc > 0;
    sink->puts += rc > 0;
    return rc;
}

static bool commit(struct weir_sink *sink)
{
    if (sink->failure != NULL) {
        return past_end(sink);
    }
    int rc = 0;
    if (sink->ops->passes_on) {
        return true;
    }
    sink->inside = sink->loop->task;
    if (sink->ops->flush != NULL) {
        while ((rc = sink->ops->flush(sink)) > 0 && sink->ops->wait != NULL) {
            rc = sink->ops->wait(sink);
            if (rc < 0) {
                break;
            }
        }
    }
    if (rc >= 0 && sink->ops->commit != NULL) {
        rc = sink->ops->commit(sink);
    }
    sink->inside = NULL;
    if (rc < 0) {
        wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
    } else {
        wr_sink_committed(sink);
    }
    wr_sink_left(sink);
    return sink->failure == NULL;
}

bool weir_commit(weir_sink *sink)
{
    wr_sink_given(sink, "weir_commit");
    return commit(sink);
}

/* ---- ending */

static int end_sink(struct weir_sink *sink, weir_error *error)
{
    wr_error_clear(error);
    if (sink == &no_memory) {
        if (error != NULL) {
            *error = no_memory_error;
        }
        return WEIR_ENOMEM;
    }
    WR_ASSERT(!in_use(sink), "sink '%s' is ended while a task is using it", sink->name);
    sink->ended = true;
    sink->inside = sink->loop->task;
    wr_list_remove(&sink->before_poll.link);
    if (sink->failure == NULL) {
        (void)wr_sink_begin_state(sink); /* nothing was put, but something may have been filtered */
    }
    if (sink->failure == NULL && !sink->discarded && sink->ops->drain != NULL) {
        sink->ops->drain(sink);
    }
    if (sink->kept != NULL) {
        weir_error
            unsaved; /* the record is saved after a failure, too: the last commit is still valid */
        if (wr_state_save(sink->state, &unsaved) < 0) {
            wr_sink_set_failure(sink, &unsaved);
        }
    }
    if (sink->ops->close != NULL) {
        sink->ops->close(sink, sink->failure);
    }
    sink->closed = true;
    wr_rejects_over(sink->rejects);
    abandon(sink);
    int rc = 0;
    if (sink->failure != NULL) {
        rc = sink->failure->code;
        if (error != NULL) {
            *error = *sink->failure;
        }
    }
    sink->inside = NULL;
    wr_sink_left(sink);
    wr_object_ends(sink->loop, &sink->object);
    wr_object_fini(&sink->object);
    wr_runs_fini(&sink->runs);
    if (sink->failure != &no_memory_error) {
        wr_free(sink->failure);
    }
    wr_rejects_free(sink->rejects);
    sink->alive = 0;
    sink->failure = &no_memory_error;
    wr_free(sink);
    return rc;
}

int weir_sink_finish(weir_sink *sink, weir_error *error)
{
    wr_sink_given(sink, "weir_sink_finish");
    weir_error local;
    if (error == NULL) {
        error = &local;
    }
    if (sink->failure == NULL) {
        (void)commit(sink);
    }
    struct weir_loop *loop = sink->loop;
    int rc = end_sink(sink, error);
    if (rc < 0 && loop != NULL) {
        wr_failure_reported(loop, error);
    }
    return rc;
}

void weir_sink_fail(weir_sink *sink, const weir_error *why)
{
    wr_sink_given(sink, "weir_sink_fail");
    WR_ASSERT(why != NULL, "the failure given to sink '%s' is NULL", sink->name);
    if (sink->ops->fail != NULL) {
        sink->ops->fail(sink, why);
    } else if (sink->failure == NULL && sink->put_items > 0 &&
               (!sink->ops->transacts || wr_sink_text_fits(sink))) {
        (void)commit(sink); /* items put before the failure are delivered */
    }
    (void)end_sink(sink, NULL);
}

void weir_sink_discard(weir_sink *sink)
{
    weir_error error;
    if (sink == NULL) {
        return;
    }
    wr_sink_given(sink, "weir_sink_discard");
    if (sink != &no_memory) { /* which all threads share */
        sink->discarded = true;
    }
    if (sink->ops->abandon != NULL) {
        sink->ops->abandon(sink);
    } else if (sink->failure == NULL && sink->runs.count + sink->put_items > 0 && !sink->canceled &&
               sink->ops->flush != NULL) {
        /* Write what can be written without waiting, as the flush before the poll would have. */
        int left = sink->ops->flush(sink);
        if (left == 0 && sink->ops->commit == NULL) {
            wr_sink_committed(sink);
        } else {
            wr_log(&sink->loop->log, WR_LOG_WARNING, sink->name,
                   "ended without weir_sink_finish: some items were not written");
        }
    }
    struct weir_loop *loop = sink->loop;
    int rc = end_sink(sink, &error);
    if (rc < 0 && loop != NULL) {
        wr_log_failure(loop, &error);
    }
}
