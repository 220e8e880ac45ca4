/*
 * flow_queue.c - pipe(2) for items.
 *
 * One ring of items (flow_ring.c) between a reading generator and one or more writing sinks. This
 * file decides which end waits for the other. The items of the reader's last call stay in the ring,
 * lent, until its next call, which releases their blocks and receipts.
 *
 * A writer that finds the queue full waits, first come first served, until half of it is free. Then
 * it fills the queue in one go. The first item wakes the reader, which then finds all items that
 * were put before it runs. One writer's failure follows the items already put and ends the queue
 * for all. When the reader ends, each writer fails with WEIR_ECLOSED.
 */
#include <weir/queue.h>

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "flow_gen.h"
#include "flow_ring.h"
#include "flow_sink.h"

struct queue {
    /* hot: used for each item */
    struct wr_object *reader; /* the reading end; NULL: freed */
    bool waited; /* a task is parked on its sink until there is room, and was not woken yet */
    bool reader_gone, ended, rendezvous;
    struct wr_ring ring;
    /* cold */
    struct weir_loop *loop;
    int32_t when_full;
    size_t writers;
    uint64_t put;         /* by writers that have ended */
    struct wr_list sinks; /* all writers; the one that began to wait last is the last */
    weir_error *failure;  /* a writer's, reported after the items already put */
    unsigned refs;        /* the reader and the writers */
    char name[32];
};

struct queue_gen {
    struct weir_gen gen;
    struct queue *queue;
};

struct queue_sink {
    struct weir_sink sink;
    struct queue *queue;
    struct wr_list link; /* in the queue's sinks */
    bool over;           /* it has reported how its stream ended */
};

static struct queue *queue_of_gen(const struct weir_gen *gen)
{
    return ((const struct queue_gen *)(const void *)gen)->queue;
}

static struct queue *queue_of_sink(const struct weir_sink *sink)
{
    return ((const struct queue_sink *)(const void *)sink)->queue;
}

static void queue_unref(struct queue *queue)
{
    if (--queue->refs > 0) {
        return;
    }
    wr_ring_fini(&queue->ring);
    wr_free(queue->failure);
    wr_free(queue);
}

/* ---- waking */

static void wake_reader(struct queue *queue)
{
    if (queue->reader != NULL) {
        wr_object_wake(queue->reader);
    }
}

static __attribute__((noinline)) void wake_writers(struct queue *queue)
{
    for (struct wr_list *node = queue->sinks.next; node != &queue->sinks; node = node->next) {
        wr_object_wake(&WR_OWNER(node, struct queue_sink, link)->sink.object);
    }
}

/* A rendezvous queue holds no item itself: it is full unless its reader waits. */
static inline bool lacks_reader(const struct queue *queue)
{
    return queue->rendezvous && (queue->reader == NULL || wr_object_waiter(queue->reader) == NULL);
}

static bool full(const struct queue *queue)
{
    return wr_ring_full(&queue->ring) || lacks_reader(queue);
}

/* ---- reading */

/* The reader has taken items: writers continue once half of the ring is free. */
static inline void took(struct queue *queue)
{
    if (queue->waited && wr_ring_half_empty(&queue->ring)) {
        queue->waited = false;
        wake_writers(queue);
    }
}

static size_t give(struct queue *queue, weir_item *items, size_t max)
{
    size_t n = wr_ring_lend(&queue->ring, items, max);
    took(queue);
    return n;
}

static size_t queue_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                                bool *late);

static __attribute__((noinline)) size_t next_some(struct queue *queue, struct weir_gen *gen,
                                                  weir_item *items, size_t max)
{
    wr_ring_end_loan(&queue->ring);
    if (WR_LIKELY(queue->ring.count > 0)) {
        return give(queue, items, max);
    }
    bool late;
    return queue_next_within(gen, items, max, -1, &late);
}

static size_t queue_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct queue *queue = queue_of_gen(gen);
    if (max == 1 && wr_ring_lend_one(&queue->ring, items)) {
        took(queue);
        return 1;
    }
    return next_some(queue, gen, items, max);
}

static size_t queue_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                                bool *late)
{
    struct queue *queue = queue_of_gen(gen);
    struct wr_limit limit;
    int rc = 0;
    wr_ring_end_loan(&queue->ring);
    wr_limit_start(queue->loop, &limit, queue->ring.count == 0 ? wait_ms : -1);
    while (queue->ring.count == 0 && !queue->ended && rc == 0) {
        if (queue->rendezvous) {
            wake_writers(queue);
        }
        if (gen->canceled) {
            rc = WEIR_ECANCELED;
        } else if (wait_ms != 0) {
            rc = wr_wait_for_task_limited(&limit, "an item in its queue", &gen->object);
        } else {
            rc = queue->rendezvous ? wr_pause(queue->loop, &gen->object) : 0;
            rc = rc == 0 ? WEIR_ETIMEDOUT : rc;
        }
    }
    wr_limit_stop(&limit);
    *late = rc == WEIR_ETIMEDOUT && queue->ring.count == 0 && !queue->ended;
    rc = rc == WEIR_ETIMEDOUT ? 0 : rc;
    /* A cancel of the task is reported before an item: if the item were given, the cancel would be
     * lost. */
    if (queue->ring.count > 0 && (rc == 0 || gen->canceled)) {
        return give(queue, items, max);
    }
    if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    } else if (queue->ended && queue->failure != NULL) {
        wr_gen_fail_error(gen, queue->failure);
    }
    return 0;
}

/* The time spent waiting for room belongs to the queue, whichever end is freed first. */
static void take_waits(struct wr_object *reader, struct weir_sink *sink)
{
    wr_counts_add(reader->counts, &sink->counts);
    sink->counts = (struct wr_counts){.component = sink->counts.component};
}

static void queue_close(struct weir_gen *gen)
{
    struct queue *queue = queue_of_gen(gen);
    queue->reader_gone = true;
    wr_ring_release_lent(&queue->ring, queue->ended ? WR_ACT_LOAN : WR_ACT_NEUTRAL);
    wr_ring_release_all(&queue->ring, WR_ACT_ABANDON);
    wake_writers(queue);
    /* A pump that waits for items for this reader stops waiting. */
    for (struct wr_list *node = queue->sinks.next; node != &queue->sinks; node = node->next) {
        struct queue_sink *writer = WR_OWNER(node, struct queue_sink, link);
        if (writer->sink.failure == NULL) {
            wr_sink_set_error(&writer->sink, writer->sink.canceled ? WEIR_ECANCELED : WEIR_ECLOSED,
                              0, "the reader of queue '%s' has ended", queue->name);
        }
        wr_sink_gone(&writer->sink);
        take_waits(&gen->object, &writer->sink);
    }
}

static void queue_free(struct weir_gen *gen)
{
    queue_of_gen(gen)->reader = NULL;
    queue_unref(queue_of_gen(gen));
}

static size_t queue_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct queue *queue = queue_of_gen(gen);
    size_t count = wr_ring_count(&queue->ring);
    return count == 0 ? wr_print_text(text, cap, "waits for queue '%s' (empty)", queue->name)
                      : wr_print_text(text, cap, "queue '%s' has %zu of %zu items", queue->name,
                                      count, queue->ring.items_max);
}

static void queue_level(const struct weir_gen *gen, struct wr_level *level)
{
    const struct queue *queue = queue_of_gen(gen);
    *level = (struct wr_level){.items = wr_ring_count(&queue->ring),
                               .bytes = queue->ring.bytes,
                               .items_max = queue->ring.items_max,
                               .bytes_max = queue->ring.bytes_max,
                               .put = queue->put,
                               .bytes_put = queue->ring.bytes_put};
    for (const struct wr_list *node = queue->sinks.next; node != &queue->sinks; node = node->next) {
        level->put += WR_OWNER((uintptr_t)node, struct queue_sink, link)->sink.put_items;
    }
}

static const struct wr_gen_ops queue_gen_ops = {.kind = "queue",
                                                .next_many = queue_next_many,
                                                .next_within = queue_next_within,
                                                .close = queue_close,
                                                .free = queue_free,
                                                .why = queue_why,
                                                .level = queue_level};

/* ---- writing */

static void dropped(struct queue *queue, size_t n)
{
    if (queue->reader != NULL) {
        WR_OWNER(queue->reader, struct weir_gen, object)->dropped += n;
    }
}

/* The queue is full and its policy is not to wait. 1: the new item was dropped; 0: there is room
 * now; negative: failed. */
static int make_way(struct queue *queue, struct weir_sink *sink, const weir_item *item)
{
    switch (queue->when_full) {
    case WEIR_DROP_NEWEST:
        wr_items_tell(item, 1, WR_ACT_DROP);
        dropped(queue, 1);
        return 1;
    case WEIR_DROP_OLDEST:
    case WEIR_LATEST: {
        if (wr_ring_count(&queue->ring) == 0) { /* a rendezvous without a waiting reader */
            wr_items_tell(item, 1, WR_ACT_DROP);
            dropped(queue, 1);
            return 1;
        }
        size_t drop = queue->when_full == WEIR_LATEST ? wr_ring_count(&queue->ring) : 1;
        wr_ring_drop_oldest(&queue->ring, drop, WR_ACT_DROP);
        dropped(queue, drop);
        return 0;
    }
    default:
        return wr_sink_set_error(sink, WEIR_ETOOLONG, 0,
                                 "queue '%s' is full (%zu items, %zu bytes)", queue->name,
                                 wr_ring_count(&queue->ring), queue->ring.bytes);
    }
}

/* Wait until the reader has taken items. in_line: it has waited and put nothing since, so it keeps
 * its place. for_budget: an item must be copied, so wait until some of the budget is free. */
static int wait_for_room(struct queue *queue, struct weir_sink *sink, bool in_line, bool for_budget)
{
    struct wr_list *link = &WR_OWNER(sink, struct queue_sink, sink)->link;
    if (!in_line) { /* first come, first served, also of several sinks */
        wr_list_remove(link);
        wr_list_append(&queue->sinks, link);
    }
    queue->waited = true;
    wake_reader(queue);
    int rc = for_budget ? wr_budget_wait(queue->loop, &sink->object)
                        : wr_wait_for_task(queue->loop, "room in a queue", &sink->object);
    if (rc == 0 && (sink->canceled || sink->failure != NULL)) {
        rc = sink->canceled ? WEIR_ECANCELED : sink->failure->code;
    }
    wr_sink_left(sink);
    return rc;
}

static int writer_failed(struct queue *queue, struct weir_sink *sink, int rc)
{
    wake_reader(queue);
    if (rc == WEIR_EBUDGET) {
        return wr_sink_set_error(sink, rc, 0, WR_BUDGET_USED_UP, WR_BUDGET_FIGURES(queue->loop));
    }
    return wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
}

/* The usual case, one at a time. */
static inline __attribute__((always_inline)) bool append_one(struct queue *queue,
                                                             const weir_item *item)
{
    if (queue->reader_gone || queue->ended || lacks_reader(queue) ||
        !wr_ring_append_one(&queue->ring, item)) {
        return false;
    }
    wake_reader(queue);
    return true;
}

static int writer_closed(const struct queue *queue, struct weir_sink *sink)
{
    return wr_sink_set_error(sink, WEIR_ECLOSED, 0,
                             queue->reader_gone
                                 ? "the reader of queue '%s' has ended"
                                 : "queue '%s' was ended by another writer's failure",
                             queue->name);
}

static __attribute__((noinline)) int put_all(struct queue *queue, struct weir_sink *sink,
                                             const weir_item *items, size_t count)
{
    size_t waited_at = SIZE_MAX; /* the item that it has waited with */
    for (size_t i = 0; i < count;) {
        if (WR_UNLIKELY(queue->reader_gone || queue->ended)) {
            return writer_closed(queue, sink);
        }
        if (WR_UNLIKELY(full(queue))) {
            int rc = queue->when_full == WEIR_BLOCK
                         ? wait_for_room(queue, sink, waited_at == i, false)
                         : make_way(queue, sink, &items[i]);
            if (rc < 0) {
                return writer_failed(queue, sink, rc);
            }
            waited_at = i;
            i += rc > 0;
            continue;
        }
        size_t run = wr_ring_append_run(&queue->ring, &items[i], count - i);
        if (WR_LIKELY(run > 0)) {
            i += run;
            continue;
        }
        int rc = wr_ring_append(&queue->ring, &items[i]);
        if (rc == WEIR_EBUDGET) {
            rc = wait_for_room(queue, sink, waited_at == i, true);
            waited_at = i;
        } else if (rc == 0) {
            i++;
        }
        if (rc < 0) {
            return writer_failed(queue, sink, rc);
        }
    }
    wake_reader(queue);
    return 0;
}

static int queue_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct queue *queue = queue_of_sink(sink);
    if (count == 1 && append_one(queue, items)) {
        return 0;
    }
    return put_all(queue, sink, items, count);
}

static int queue_try_put(struct weir_sink *sink, const weir_item *item)
{
    struct queue *queue = queue_of_sink(sink);
    int rc = 1; /* as from wr_ring_append: there was no room */
    if (append_one(queue, item)) {
        return 1;
    }
    if (queue->reader_gone || queue->ended) {
        return writer_closed(queue, sink);
    }
    while (rc > 0) {
        while (full(queue)) {
            rc = queue->when_full == WEIR_BLOCK ? 0 : make_way(queue, sink, item);
            if (rc != 0 || queue->when_full == WEIR_BLOCK) {
                return rc < 0 ? writer_failed(queue, sink, rc) : rc;
            }
        }
        rc = wr_ring_append(&queue->ring, item);
    }
    if (rc < 0) {
        return rc == WEIR_EBUDGET ? 0 : writer_failed(queue, sink, rc);
    }
    wake_reader(queue);
    return 1;
}

static size_t queue_room(struct weir_sink *sink)
{
    struct queue *queue = queue_of_sink(sink);
    bool in_line = false;
    while (!queue->reader_gone && !queue->ended && queue->when_full == WEIR_BLOCK && full(queue)) {
        int rc = wait_for_room(queue, sink, in_line, false);
        in_line = true;
        if (rc < 0) {
            wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
            return 0;
        }
    }
    if (queue->reader_gone || queue->ended) {
        (void)writer_closed(queue, sink);
        return 0;
    }
    return wr_ring_room(&queue->ring);
}

/* A writer ends. why NULL: it has finished without a failure. */
static void end_writer(struct queue *queue, const weir_error *why)
{
    if (why != NULL && queue->failure == NULL && !queue->ended) {
        queue->failure = wr_alloc(sizeof *why);
        if (queue->failure != NULL) {
            *queue->failure = *why;
        }
        queue->ended = true;
        wake_writers(queue);
    }
    if (queue->writers > 0 && --queue->writers == 0) {
        queue->ended = true;
    }
    wake_reader(queue);
}

static void writer_fail(struct weir_sink *sink, const weir_error *why)
{
    struct queue_sink *writer = WR_OWNER(sink, struct queue_sink, sink);
    end_writer(writer->queue, why);
    writer->over = true;
}

static void writer_abandon(struct weir_sink *sink)
{
    struct queue_sink *writer = WR_OWNER(sink, struct queue_sink, sink);
    weir_error error;
    wr_error_set(&error, sink->canceled ? WEIR_ECANCELED : WEIR_EABANDONED, 0, writer->queue->name,
                 sink->canceled
                     ? "canceled"
                     : "a writer of queue '%s' was discarded without saying how its stream ended",
                 writer->queue->name);
    end_writer(writer->queue, &error);
    writer->over = true;
}

static void writer_close(struct weir_sink *sink, const weir_error *failure)
{
    struct queue_sink *writer = WR_OWNER(sink, struct queue_sink, sink);
    if (!writer->over) {
        bool echo = failure != NULL && writer->queue->reader_gone;
        end_writer(writer->queue, echo ? NULL : failure);
    }
    writer->queue->put += sink->put_items;
    if (writer->queue->reader != NULL) {
        take_waits(writer->queue->reader, sink);
    }
    wr_list_remove(&writer->link);
    queue_unref(writer->queue);
    writer->queue = NULL;
}

static size_t writer_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct queue *queue = queue_of_sink(sink);
    if (queue == NULL) {
        return 0; /* it has ended */
    }
    return wr_print_text(text, cap, "waits for queue '%s' (%s, %zu items)", queue->name,
                         full(queue) ? "full" : "open", wr_ring_count(&queue->ring));
}

static const struct wr_sink_ops queue_sink_ops = {.kind = "queue",
                                                  .put_many = queue_put_many,
                                                  .try_put = queue_try_put,
                                                  .room = queue_room,
                                                  .fail = writer_fail,
                                                  .abandon = writer_abandon,
                                                  .close = writer_close,
                                                  .why = writer_why,
                                                  .passes_on = true};

static struct queue_sink *writer_new(struct weir_scope *scope, struct queue *queue)
{
    struct queue_sink *writer = wr_sink_alloc(scope, sizeof *writer, &queue_sink_ops, queue->name);
    if (writer != NULL) {
        writer->queue = queue;
        wr_list_init(&writer->link);
        wr_list_append(&queue->sinks, &writer->link);
        queue->refs++;
        queue->writers++;
    }
    return writer;
}

weir_sink *weir_sink_share(weir_sink *queue_end)
{
    wr_sink_given(queue_end, "weir_sink_share");
    if (queue_end->ops != &queue_sink_ops) {
        WR_ASSERT(queue_end->failure != NULL, "only a queue's end can be shared");
        return wr_sink_made(NULL); /* a queue that could not be made */
    }
    struct queue_sink *writer = writer_new(queue_end->object.scope, queue_of_sink(queue_end));
    return wr_sink_made(writer != NULL ? &writer->sink : NULL);
}

static void queue_init(struct queue *queue, struct weir_loop *loop, const weir_queue_options *o)
{
    queue->loop = loop;
    queue->rendezvous = o->items_max == WEIR_NONE && o->when_full != WEIR_LATEST;
    size_t items_max = o->items_max > 0 ? (size_t)o->items_max : queue->rendezvous ? 1 : 64;
    size_t bytes_max = o->bytes_max > 0    ? (size_t)o->bytes_max
                       : o->bytes_max == 0 ? 1024 * 1024
                                           : SIZE_MAX / 8;
    queue->when_full = o->when_full;
    wr_ring_init(&queue->ring, &loop->blocks, queue->when_full == WEIR_LATEST ? 1 : items_max,
                 bytes_max);
    wr_list_init(&queue->sinks);
    (void)wr_copy_text(queue->name, sizeof queue->name, o->name != NULL ? o->name : "queue");
}

bool wr_queue_options_wrong(const weir_queue_options *o, const char *maker, weir_error *error)
{
    return wr_limit_wrong(error, maker, "items_max", o->items_max) ||
           wr_limit_wrong(error, maker, "bytes_max", o->bytes_max) ||
           wr_choice_wrong(error, maker, "when_full", o->when_full, WEIR_FULL_FAILS);
}

weir_gen *weir_queue(weir_scope *scope, const weir_queue_options *options, weir_sink **in)
{
    WR_ASSERT(scope != NULL, "the scope of a queue is NULL");
    WR_ASSERT(in != NULL, "the argument 'in' (for the queue's writing end) is NULL");
    weir_queue_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct queue *queue = wr_zalloc(sizeof *queue);
    struct queue_gen *reader = NULL;
    struct queue_sink *writer = NULL;
    if (queue != NULL) {
        queue_init(queue, scope->loop, &o);
        reader = wr_gen_alloc(scope, sizeof *reader, &queue_gen_ops, queue->name);
        writer = reader != NULL ? writer_new(scope, queue) : NULL;
    }
    if (writer == NULL) {
        if (reader != NULL) {
            wr_object_fini(&reader->gen.object);
            wr_free(reader);
        }
        wr_free(queue);
        *in = wr_sink_made(NULL);
        return wr_gen_made(NULL, NULL);
    }
    weir_error error;
    if (wr_queue_options_wrong(&o, queue->name, &error)) {
        wr_gen_fail_error(&reader->gen, &error);
        wr_sink_set_error(&writer->sink, error.code, 0, "%s", error.message);
    }
    reader->queue = queue;
    queue->reader = &reader->gen.object;
    queue->refs++;
    *in = &writer->sink;
    return &reader->gen;
}
