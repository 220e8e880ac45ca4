/*
 * stage_tee.c - weir_tee: items go to the reader and also to sinks; weir_pump_all: items go to
 * several sinks and to no reader.
 *
 * A pull asks for as many items as every sink has room for. Its items are put to each sink in turn,
 * then given. A sink with its own op `commit` is committed when the upstream had fewer than
 * COMMIT_BELOW items available, or fewer than the sink had room for, as in weir_pump. All sinks are
 * put to before one is committed: so requests and transactions of several sinks overlap. When a sink
 * fails, the tee ends with that failure. With WEIR_GO_ON it removes the sink instead: the
 * items that the sink has not committed count as dropped, the other sinks continue, and the tee
 * reports the failure at its end.
 *
 * The tee owns its sinks. They move into its scope before the tee is made there, so that the scope,
 * which ends its newest objects first, ends the tee before them.
 */
#include <weir/stage.h>

#include "base_alloc.h"
#include "base_option.h"
#include "flow_gen.h"
#include "flow_sink.h"

enum { COMMIT_BELOW = 64 };

struct stage_tee {
    struct weir_gen gen;
    struct weir_sink **sinks;
    size_t count;
    bool go_on;
    bool ends_alone;    /* the tee ends when no sink is left */
    uint64_t failed_at; /* when the first sink failed; 0: none has failed */
    weir_error failure; /* the first sink's failure */
};

static struct stage_tee *tee_of(struct weir_gen *gen)
{
    return WR_OWNER(gen, struct stage_tee, gen);
}

/* A sink has failed. False: the tee ends too. */
static bool sink_failed(struct stage_tee *tee, size_t index)
{
    struct weir_sink *sink = tee->sinks[index];
    if (!tee->go_on) {
        wr_gen_fail_at(&tee->gen, sink->failure, sink->failed_at);
        return false;
    }
    if (tee->failed_at == 0) {
        tee->failed_at = sink->failed_at;
        tee->failure = *sink->failure;
    }
    tee->sinks[index] = tee->sinks[--tee->count];
    wr_sink_drop(sink);
    weir_sink_discard(sink); /* which logs the failure */
    return tee->count > 0 || !tee->ends_alone;
}

/* How many items every sink has room for, at most max. 0: the tee ends. */
static size_t room_of_all(struct stage_tee *tee, size_t max)
{
    for (size_t i = 0; i < tee->count;) {
        size_t room = wr_sink_room(tee->sinks[i], max);
        if (room == 0 && !sink_failed(tee, i)) {
            return 0;
        }
        max = room > 0 ? room : max;
        i += room > 0;
    }
    return max;
}

static bool put_to_all(struct stage_tee *tee, const weir_item *items, size_t n)
{
    for (size_t i = 0; i < tee->count;) {
        bool taken = wr_put_many(tee->sinks[i], items, n);
        if (!taken && !sink_failed(tee, i)) {
            return false;
        }
        i += taken;
    }
    return true;
}

/* More items may be at hand if the pull has given as many as it asked for. */
static bool commit_all(struct stage_tee *tee, size_t n, size_t room)
{
    for (size_t i = 0; i < tee->count;) {
        const struct wr_sink_ops *ops = tee->sinks[i]->ops;
        bool later = n >= COMMIT_BELOW || (n == room && ops->room != NULL);
        bool good = ops->commit == NULL || later || weir_commit(tee->sinks[i]);
        if (!good && !sink_failed(tee, i)) {
            return false;
        }
        i += good;
    }
    return true;
}

/* When a sink's peer closes while upstream has no items, the wait ends, except with WEIR_GO_ON. */
static void feed_by(struct stage_tee *tee, struct wr_task *task)
{
    for (size_t i = 0; i < tee->count && !tee->go_on; i++) {
        tee->sinks[i]->feeder = task;
    }
}

static size_t tee_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_tee *tee = tee_of(gen);
    if (tee->ends_alone && tee->count == 0) {
        return 0;
    }
    size_t room = room_of_all(tee, max);
    if (room == 0) {
        return 0;
    }
    feed_by(tee, gen->loop->task);
    size_t n = wr_pull(gen->up, items, room);
    feed_by(tee, NULL);
    for (size_t i = 0; i < tee->count && n == 0 && !tee->go_on; i++) {
        if (tee->sinks[i]->failure != NULL) {
            (void)sink_failed(tee, i);
        }
    }
    return n > 0 && put_to_all(tee, items, n) && commit_all(tee, n, room) ? n : 0;
}

static void tee_close(struct weir_gen *gen)
{
    struct stage_tee *tee = tee_of(gen);
    const weir_error *why = wr_gen_failure(gen);
    weir_error error;
    if (why == NULL && gen->up != NULL) {
        why = wr_gen_failure(gen->up);
    }
    bool failed = why != NULL;
    if (failed) {
        error = *why;
    }
    while (tee->count > 0) {
        struct weir_sink *sink = tee->sinks[--tee->count];
        if (failed) {
            weir_sink_fail(sink, &error);
        } else if (weir_sink_finish(sink, &error) < 0 && tee->failed_at == 0) {
            tee->failure = error;
            tee->failed_at = ++gen->loop->failures;
        }
    }
    if (tee->failed_at > 0) {
        wr_gen_fail_at(gen, &tee->failure, tee->failed_at);
    }
}

static void tee_free(struct weir_gen *gen)
{
    wr_free(tee_of(gen)->sinks);
}

static bool tee_given_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

/* Its sinks would get the items again. */
static const struct wr_gen_ops tee_ops = {.kind = "tee",
                                          .next_many = tee_next_many,
                                          .close = tee_close,
                                          .free = tee_free,
                                          .given_before = tee_given_before,
                                          .begins_again = wr_gen_begins_once};

static void take_sink(struct weir_gen *up, struct weir_sink *sink, const char *verb)
{
    wr_sink_given(sink, verb);
    if (sink->loop == NULL || up->loop == NULL) {
        return; /* one of them could not be made */
    }
    WR_ASSERT(
        sink->loop == up->loop,
        "generator '%s' and sink '%s' belong to different loops: connect them with weir_channel",
        up->name, sink->name);
    wr_object_fini(&sink->object);
    wr_object_enter(&sink->object, up->object.scope);
}

static weir_gen *tee_make(weir_gen *up, weir_sink **sinks, size_t count,
                          const weir_tee_options *options, const char *verb)
{
    weir_tee_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    wr_gen_given(up, verb);
    if (sinks == NULL && count > 0) {
        wr_misuse(verb, "sinks is NULL, but count is not 0");
    }
    for (size_t i = 0; i < count; i++) {
        take_sink(up, sinks[i], verb);
    }
    struct stage_tee *tee = wr_stage_alloc(up, sizeof *tee, &tee_ops, "tee");
    struct weir_sink **own = tee != NULL ? wr_alloc((count + 1) * sizeof *own) : NULL;
    if (own == NULL) {
        if (tee != NULL) {
            wr_gen_free(&tee->gen);
        }
        return wr_gen_made(NULL, up);
    }
    for (size_t i = 0; i < count; i++) {
        own[i] = sinks[i];
    }
    tee->sinks = own;
    tee->count = count;
    tee->go_on = o.on_failure == WEIR_GO_ON;
    weir_error error;
    if (wr_choice_wrong(&error, "tee", "on_failure", o.on_failure, WEIR_GO_ON)) {
        wr_gen_fail_error(&tee->gen, &error);
    }
    return wr_gen_made(&tee->gen, up);
}

weir_gen *weir_tee(weir_gen *up, weir_sink **sinks, size_t count, const weir_tee_options *options)
{
    return tee_make(up, sinks, count, options, "weir_tee");
}

/* ---- weir_pump_all: the tee does all the work; the items that it gives are discarded */

static int forget(struct weir_sink *sink, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return 0;
}

int weir_pump_all(weir_gen *gen, weir_sink **sinks, size_t count, const weir_tee_options *options,
                  weir_error *error)
{
    static const struct wr_sink_ops end_ops = {.kind = "end", .put_many = forget};
    weir_gen *tee = tee_make(gen, sinks, count, options, "weir_pump_all");
    if (tee->loop == NULL) {
        return weir_finish(tee, error);
    }
    tee_of(tee)->ends_alone = true;
    return weir_pump(
        tee,
        wr_sink_made(wr_sink_alloc(tee->object.scope, sizeof(struct weir_sink), &end_ops, "end")),
        error);
}
