/*
 * flow_pump.c - weir_pump: move all items from a generator into a sink, then end both; and
 * weir_each for callers without coroutines.
 *
 * The pump asks for as many items as the sink has room for, at most PUMP_ITEMS, so that it never
 * pulls more than is wanted. A sink with its own commit is committed whenever the generator gave
 * less than was asked for: then no more items are available, and the loop may idle next. A sink
 * with transactions is committed after TRANSACTION_ITEMS items, and when a pull that
 * does not wait has given nothing; but not before the positions cover all that was put. While the pump waits for its generator it is the sink's feeder:
 * if the far end goes away, that wait fails. If both ends fail, the first failure in time is
 * reported.
 */
#include <string.h>

#include <weir/queue.h>
#include <weir/sink.h>

#include "base_alloc.h"
#include "flow_gen.h"
#include "flow_sink.h"

enum { PUMP_ITEMS = 64, TRANSACTION_ITEMS = 500, OWED_MS = 10, OWED_MS_MAX = 1000 };

/* Let other tasks run if it is time. False: canceled, gen fails. */
static inline bool take_turns(struct weir_gen *gen)
{
    if (WR_LIKELY(wr_turn(gen->loop, NULL) == 0)) {
        return true;
    }
    wr_gen_fail(gen, WEIR_ECANCELED, 0, -1, "canceled");
    return false;
}

/* Returns when the generator is over or the sink has failed. */
static void move(struct weir_gen *gen, struct weir_sink *sink, weir_item *items)
{
    struct weir_loop *loop = gen->loop;
    for (;;) {
        size_t room = wr_sink_room(sink, PUMP_ITEMS);
        if (room == 0) {
            return;
        }
        sink->feeder = loop->task;
        size_t n = take_turns(gen) ? wr_pull(gen, items, room) : 0;
        sink->feeder = NULL;
        if (WR_UNLIKELY(sink->object.watched)) {
            wr_sink_left(sink);
        }
        if (n == 0 || !wr_put_many(sink, items, n)) {
            return;
        }
        if (n < room && sink->ops->commit != NULL && !weir_commit(sink)) {
            return;
        }
    }
}

/* The same into a sink with transactions. Each pull ends the loan of the items put before it, so a
 * commit after the pull finds none of them lent. A stage may still hold one: because it makes more
 * items of it, or waits before it asks for the next. A position before that item, stored with what
 * was made of it, would repeat it after a restart. So the commit is owed until a later look. */
static void move_in_transactions(struct weir_gen *gen, struct weir_sink *sink, weir_item *items)
{
    size_t open = 0, room;
    int64_t owed_ms = 0; /* until the next look; 0: no commit is owed */
    while ((room = wr_sink_room(sink, PUMP_ITEMS)) > 0) {
        bool late = false;
        int64_t wait_ms = open > 0 ? owed_ms : -1;
        sink->feeder = gen->loop->task;
        size_t n = take_turns(gen) ? wr_pull_within(gen, items, room, wait_ms, &late) : 0;
        sink->feeder = NULL;
        if (WR_UNLIKELY(sink->object.watched)) {
            wr_sink_left(sink);
        }
        if ((late || n > 0) && (late || owed_ms > 0 || open >= TRANSACTION_ITEMS)) {
            owed_ms = owed_ms == 0 ? OWED_MS : WR_MIN(2 * owed_ms, OWED_MS_MAX);
        }
        if (owed_ms > 0 && (late || n > 0) && wr_sink_text_fits(sink)) {
            open = 0;
            owed_ms = 0;
            if (!weir_commit(sink)) {
                return;
            }
        }
        if (!late && (n == 0 || !wr_put_many(sink, items, n))) {
            return;
        }
        open += n;
    }
}

/* The sink has ended. */
static void over(struct weir_gen *gen)
{
    if (gen->loop != NULL) { /* else it is wr_gen_no_memory, which all threads share */
        gen->into = NULL;
        gen->pump = NULL;
    }
}

int weir_pump(weir_gen *gen, weir_sink *sink, weir_error *error)
{
    weir_error local;
    wr_gen_given(gen, "weir_pump");
    wr_gen_untaken(gen, "weir_pump");
    wr_sink_given(sink, "weir_pump");
    WR_ASSERT(
        gen->loop == NULL || sink->loop == NULL || gen->loop == sink->loop,
        "generator '%s' and sink '%s' belong to different loops: connect them with weir_channel",
        gen->name, sink->name);
    struct weir_loop *loop = sink->loop != NULL ? sink->loop : gen->loop;
    if (error == NULL) {
        error = &local;
    }
    wr_error_clear(error);
    weir_item *items = wr_alloc(PUMP_ITEMS * sizeof *items);
    if (items == NULL) {
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory to move items");
    } else if (gen->loop != NULL && sink->loop != NULL) {
        gen->into = sink;
        gen->pump = wr_task_now(loop, "weir_pump");
        if (sink->ops->transacts) {
            move_in_transactions(gen, sink, items);
        } else {
            move(gen, sink, items);
        }
    }
    wr_free(items);

    /* The sink commits its pending items before the chain is torn down. */
    const weir_error *failure = wr_gen_failure(gen);
    uint64_t gen_at = gen->failed_at, sink_at = sink->failed_at;
    bool gen_failed = failure != NULL, sink_failed = sink->failure != NULL;
    if (sink_failed && gen_failed && failure->code == WEIR_ECLOSED) {
        gen_failed = false; /* only a consequence: the sink's far end went away */
    }
    weir_error gen_error, sink_error;
    wr_error_clear(&gen_error);
    int sink_rc = 0, gen_rc = 0;
    if (gen_failed && !sink_failed) {
        gen_error = *failure;
        weir_sink_fail(sink, &gen_error);
        over(gen);
        gen_rc = weir_finish(gen, &gen_error);
    } else {
        sink_rc = weir_sink_finish(sink, &sink_error);
        over(gen);
        gen_rc = weir_finish(gen, &gen_error);
    }
    if (sink_failed && gen_rc == WEIR_ECLOSED) {
        gen_rc = 0;
    }
    if (gen_rc < 0 && (sink_rc == 0 || (gen_failed && gen_at < sink_at))) {
        *error = gen_error;
    } else if (sink_rc < 0) {
        *error = sink_error;
    }
    if (error->code < 0 && loop != NULL) {
        wr_failure_reported(loop, error);
    }
    return error->code;
}

/* ---- weir_each */

struct wr_each {
    struct weir_gen *gen;
    bool (*on_item)(void *ctx, const weir_item *item);
    void (*on_over)(void *ctx, int rc, const weir_error *error);
    void *ctx;
    weir_item item; /* lent to on_item */
    bool go_on, paused;
    int rc;
    weir_error error;
};

static void call_item(void *arg)
{
    struct wr_each *each = arg;
    each->go_on = each->on_item(each->ctx, &each->item);
}

static void call_over(void *arg)
{
    struct wr_each *each = arg;
    if (each->on_over != NULL) {
        each->on_over(each->ctx, each->rc, &each->error);
    }
}

/* False: canceled while it was paused, the generator fails. */
static bool each_goes_on(struct wr_each *each)
{
    struct weir_gen *gen = each->gen;
    while (each->paused) {
        int rc = wr_wait(gen->loop, "weir_each_resume", &gen->object);
        if (rc < 0) {
            wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            return false;
        }
    }
    return true;
}

static void each_read(struct wr_each *each)
{
    struct weir_loop *loop = each->gen->loop;
    each->go_on = true;
    while (each->go_on && each_goes_on(each) && take_turns(each->gen) &&
           wr_pull(each->gen, &each->item, 1) > 0 && each_goes_on(each)) {
        wr_call_on_loop_stack(loop, call_item, each);
    }
}

static int each_main(weir_scope *scope, void *args)
{
    struct wr_each *each = *(struct wr_each **)args;
    each_read(each);
    each->gen->each = NULL;
    each->rc = weir_finish(each->gen, &each->error);
    wr_call_on_loop_stack(scope->loop, call_over, each);
    wr_free(each);
    return 0;
}

void weir_each(weir_gen *gen, bool (*on_item)(void *ctx, const weir_item *item),
               void (*on_over)(void *ctx, int rc, const weir_error *error), void *ctx)
{
    wr_gen_given(gen, "weir_each");
    wr_gen_untaken(gen, "weir_each");
    WR_ASSERT(on_item != NULL, "the item function (on_item) for '%s' is NULL", gen->name);
    struct wr_each each = {.gen = gen, .on_item = on_item, .on_over = on_over, .ctx = ctx};
    struct weir_loop *loop = gen->loop;
    if (loop == NULL) {
        /* A generator that could not be made belongs to no loop: there is nothing to wait for. */
        each.rc = weir_finish(gen, &each.error);
        call_over(&each);
        return;
    }
    size_t tasks = loop->tasks_count;
    struct wr_each *own = wr_alloc(sizeof *own);
    if (own != NULL) {
        *own = each;
        weir_spawn(gen->object.scope, gen->name, each_main, &own, sizeof own);
    }
    if (loop->tasks_count > tasks) {
        gen->each = own;
        return;
    }
    /* There was no memory for the task: the generator ends with its scope. */
    wr_free(own);
    each.rc = wr_error_set(&each.error, WEIR_ENOMEM, 0, gen->name, "no memory for a task");
    call_over(&each);
}

static struct wr_each *each_of(const struct weir_gen *gen, const char *verb)
{
    wr_gen_given(gen, verb);
    if (gen->each == NULL) {
        wr_misuse(verb, "weir_each does not read '%s'", gen->name);
    }
    return gen->each;
}

void weir_each_pause(weir_gen *gen)
{
    each_of(gen, "weir_each_pause")->paused = true;
}

void weir_each_resume(weir_gen *gen)
{
    struct wr_each *each = each_of(gen, "weir_each_resume");
    each->paused = false;
    wr_object_wake(&gen->object);
}
