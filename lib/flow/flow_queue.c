/*
 * flow_queue.c - pipe(2) for items.
 *
 * One ring of items between a reading generator and one or more writing sinks. The ring's head may
 * be lent: the items of the reader's last call stay in their slots, uncounted, until its next call,
 * which lets their blocks and receipts go. Items are kept by reference; bytes that lie in nobody's
 * block (a body's frame) are copied into blocks of the queue's own. A block is charged once per run
 * of items; when the blocks pinned exceed PINNED_FACTOR times the byte bound, further items are
 * copied out, so that a 20-byte slice does not hold 128 KiB.
 *
 * A writer that finds the queue full waits, first come first served, until half of it is free: then
 * it fills it in one go. The reader is woken by the first item and finds all that has been put
 * until it runs. One writer's failure follows the items already put and ends the queue for all.
 * When the reader goes, each writer fails with WEIR_ECLOSED.
 */
#include <weir/queue.h>

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_gen.h"
#include "flow_sink.h"

enum { PINNED_FACTOR = 4, RING_FIRST = 64 };

struct queue {
    struct weir_loop *loop;
    weir_item *ring; /* cap is a power of two */
    size_t cap, head, lent, count;
    size_t items_max, bytes, bytes_max, pinned, pinned_max;
    struct weir_block *last_block; /* of the newest item: its run is charged */
    struct weir_block *copies;     /* being filled with bytes that came without a block */
    int32_t when_full;
    struct wr_task *reader;
    struct wr_list waiting; /* writers, see struct queue_wait */
    size_t writers;
    struct wr_list sinks; /* all writers */
    bool reader_gone, ended, rendezvous;
    bool receipts;       /* some item came with a receipt */
    bool values;         /* some item came with a type that has a drop function */
    weir_error *failure; /* a writer's, told after the items already put */
    struct weir_gen *gen;
    unsigned refs; /* the reader and the writers */
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
    bool over;           /* has said how its stream ended */
};

struct queue_wait {
    struct wr_list link;
    struct wr_task *task;
};

static struct queue *queue_of_gen(const struct weir_gen *gen)
{
    return ((const struct queue_gen *)(const void *)gen)->queue;
}

static struct queue *queue_of_sink(const struct weir_sink *sink)
{
    return ((const struct queue_sink *)(const void *)sink)->queue;
}

static weir_item *slot(struct queue *queue, size_t index)
{
    return &queue->ring[(queue->head + index) & (queue->cap - 1)];
}

/* ---- letting go */

static void drop_value(const weir_item *item)
{
    if (item->type != NULL && item->type->drop != NULL && item->block != NULL &&
        item->block->refs == 1) {
        item->type->drop((void *)(uintptr_t)item->data);
    }
}

/* Let n items at the ring's head go: their blocks run by run, their receipts by `act`. */
static void release_head(struct queue *queue, size_t n, enum wr_act act)
{
    while (n > 0) {
        size_t index = queue->head & (queue->cap - 1);
        size_t run = WR_MIN(n, queue->cap - index);
        weir_item *items = &queue->ring[index];
        if (queue->receipts) {
            wr_items_unref(items, run, act);
        }
        for (size_t i = 0; i < run;) {
            struct weir_block *block = items[i].block;
            uint32_t same = 1;
            while (i + same < run && items[i + same].block == block) {
                same++;
            }
            for (uint32_t k = 0; queue->values && k < same; k++) {
                drop_value(&items[i + k]);
            }
            i += same;
            /* The run of the block ends here unless the item behind the released ones continues it.
             */
            bool over = i < run || queue->lent + queue->count == run ||
                        queue->ring[(queue->head + run) & (queue->cap - 1)].block != block;
            if (over) {
                queue->pinned -= WR_MIN(queue->pinned, block->cap);
                if (block == queue->last_block) {
                    queue->last_block = NULL;
                }
            }
            wr_block_unref(block, same);
        }
        queue->head += run;
        n -= run;
        if (queue->lent >= run) {
            queue->lent -= run;
        } else {
            queue->count -= run - queue->lent;
            queue->lent = 0;
        }
    }
}

/* The usual end of the loan of one item: the next one continues its block, and nobody asks for
 * receipts. */
static bool release_one(struct queue *queue)
{
    const weir_item *item = slot(queue, 0);
    struct weir_block *block = item->block;
    if (queue->lent != 1 || queue->receipts || queue->values || queue->count == 0 ||
        block != slot(queue, 1)->block) {
        return false;
    }
    block->refs--; /* not the last: the next item has one */
    queue->head++;
    queue->lent = 0;
    return true;
}

static void end_loan(struct queue *queue)
{
    if (queue->lent > 0) {
        release_head(queue, queue->lent, WR_ACT_LOAN);
    }
}

static void queue_unref(struct queue *queue)
{
    if (--queue->refs > 0) {
        return;
    }
    release_head(queue, queue->lent + queue->count, WR_ACT_ABANDON);
    wr_block_unref(queue->copies, 1);
    wr_free(queue->ring);
    wr_free(queue->failure);
    wr_free(queue);
}

/* ---- waking */

static void wake_reader(struct queue *queue)
{
    if (queue->reader != NULL) {
        wr_wake(queue->reader, 0);
    }
}

static void wake_writers(struct queue *queue)
{
    for (struct wr_list *node = queue->waiting.next; node != &queue->waiting; node = node->next) {
        wr_wake(WR_OWNER(node, struct queue_wait, link)->task, 0);
    }
}

static bool full(const struct queue *queue)
{
    if (queue->rendezvous && queue->reader == NULL) {
        return true;
    }
    return queue->count >= queue->items_max ||
           (queue->bytes >= queue->bytes_max && queue->count > 0);
}

/* ---- reading */

/* So much goes from the head to the reader, lent. */
static inline void took(struct queue *queue, size_t n, size_t bytes)
{
    queue->bytes -= bytes;
    queue->count -= n;
    queue->lent = n;
    if (!wr_list_empty(&queue->waiting) &&
        (queue->count <= queue->items_max / 2 && queue->bytes <= queue->bytes_max / 2)) {
        wake_writers(queue);
    }
}

static size_t give(struct queue *queue, weir_item *items, size_t max)
{
    size_t n = WR_MIN(queue->count, max), bytes = 0;
    for (size_t i = 0; i < n;) {
        const weir_item *from = slot(queue, i);
        size_t run =
            WR_MIN(n - i, (size_t)(queue->ring + queue->cap - from)); /* up to the ring's end */
        for (size_t k = 0; k < run; k++) {
            items[i + k] = from[k];
            bytes += from[k].len;
        }
        i += run;
    }
    took(queue, n, bytes);
    return n;
}

/* The usual case, one at a time. */
static bool give_one(struct queue *queue, weir_item *item)
{
    if (queue->count == 0 || (queue->lent > 0 && !release_one(queue))) {
        return false;
    }
    *item = *slot(queue, 0);
    took(queue, 1, item->len);
    return true;
}

static size_t queue_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                                bool *late);

static __attribute__((noinline)) size_t next_some(struct queue *queue, struct weir_gen *gen,
                                                  weir_item *items, size_t max)
{
    end_loan(queue);
    if (WR_LIKELY(queue->count > 0)) {
        return give(queue, items, max);
    }
    bool late;
    return queue_next_within(gen, items, max, -1, &late);
}

static size_t queue_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct queue *queue = queue_of_gen(gen);
    return max == 1 && give_one(queue, items) ? 1 : next_some(queue, gen, items, max);
}

struct queue_patience {
    struct wr_timer timer;
    struct wr_task *task;
    bool over;
};

static void patience_over(struct wr_timer *timer)
{
    struct queue_patience *patience = WR_OWNER(timer, struct queue_patience, timer);
    patience->over = true;
    wr_wake(patience->task, 0);
}

static size_t queue_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                                bool *late)
{
    struct queue *queue = queue_of_gen(gen);
    struct wr_task *task = wr_task_now(queue->loop, "weir_next");
    struct queue_patience patience = {.task = task};
    int rc = 0;
    *late = false;
    end_loan(queue);
    if (wait_ms > 0 && queue->count == 0) {
        wr_timer_init(&patience.timer, patience_over);
        wr_timer_start(queue->loop, &patience.timer, wait_ms);
    }
    while (queue->count == 0 && !queue->ended && rc >= 0 && !patience.over) {
        if (wait_ms == 0) {
            patience.over = true;
            if (queue->rendezvous) {
                queue->reader = task;
                wake_writers(queue);
                rc = wr_pause(queue->loop);
                queue->reader = NULL;
            }
            continue;
        }
        if (gen->canceled) {
            rc = WEIR_ECANCELED;
            break;
        }
        queue->reader = task;
        wake_writers(queue);
        rc = wr_wait(queue->loop, "an item in its queue", &gen->object);
        queue->reader = NULL;
    }
    if (patience.timer.active) {
        wr_timer_stop(queue->loop, &patience.timer);
    }
    if (queue->count > 0) {
        return give(queue, items, max);
    }
    if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        return 0;
    }
    if (queue->ended) {
        if (queue->failure != NULL) {
            wr_gen_fail_error(gen, queue->failure);
        }
        return 0;
    }
    *late = true;
    return 0;
}

static void queue_close(struct weir_gen *gen)
{
    struct queue *queue = queue_of_gen(gen);
    queue->reader_gone = true;
    release_head(queue, queue->lent, queue->ended ? WR_ACT_LOAN : WR_ACT_NEUTRAL);
    release_head(queue, queue->count, WR_ACT_ABANDON);
    queue->bytes = 0;
    wake_writers(queue);
    /* A pump that waits for items for a reader that has gone stops waiting. */
    for (struct wr_list *node = queue->sinks.next; node != &queue->sinks; node = node->next) {
        struct queue_sink *writer = WR_OWNER(node, struct queue_sink, link);
        if (writer->sink.failure == NULL) {
            wr_sink_set_error(&writer->sink, writer->sink.canceled ? WEIR_ECANCELED : WEIR_ECLOSED,
                              0, "the reader of queue '%s' has gone", queue->name);
        }
        wr_sink_gone(&writer->sink);
    }
}

static void queue_free(struct weir_gen *gen)
{
    queue_unref(queue_of_gen(gen));
}

static void queue_abort(struct weir_gen *gen, int code)
{
    struct queue *queue = queue_of_gen(gen);
    if (queue->reader != NULL) {
        wr_wake(queue->reader, code);
    }
}

static size_t queue_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct queue *queue = queue_of_gen(gen);
    int n = queue->count == 0 ? snprintf(text, cap, "waits for queue '%s' (empty)", queue->name)
                              : snprintf(text, cap, "queue '%s' has %zu of %zu items", queue->name,
                                         queue->count, queue->items_max);
    return n > 0 ? (size_t)n : 0;
}

static const struct wr_gen_ops queue_gen_ops = {.kind = "queue",
                                                .next_many = queue_next_many,
                                                .next_within = queue_next_within,
                                                .close = queue_close,
                                                .free = queue_free,
                                                .abort = queue_abort,
                                                .why = queue_why};

/* ---- writing */

static bool grow(struct queue *queue)
{
    size_t cap = queue->cap == 0 ? RING_FIRST : queue->cap * 2;
    weir_item *ring = wr_alloc(cap * sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    size_t used = queue->lent + queue->count;
    for (size_t i = 0; i < used; i++) {
        ring[i] = *slot(queue, i);
    }
    wr_free(queue->ring);
    queue->ring = ring;
    queue->cap = cap;
    queue->head = 0;
    return true;
}

/* Give the item bytes of the queue's own. 0 or a code; WEIR_EBUDGET: wait for memory. */
static int copy_out(struct queue *queue, weir_item *item)
{
    struct weir_block *block = queue->copies;
    size_t need = (item->len + 15) & ~(size_t)15;
    int why = 0;
    if (item->type != NULL && item->type->copy != NULL) {
        block = wr_block_new(&queue->loop->blocks, WR_MAX(item->len, (size_t)1), &why);
        if (block == NULL) {
            return why;
        }
        int rc = item->type->copy(block->data, item->data);
        if (rc < 0) {
            wr_block_unref(block, 1);
            return rc;
        }
        item->data = block->data;
        item->block = block;
        queue->values = queue->values || item->type->drop != NULL;
        return 0;
    }
    if (block == NULL || block->cap - block->len < need) {
        bool small = need <= WR_BLOCK_BYTES / 8;
        if (queue->copies != NULL && (small || queue->copies->refs == 1)) {
            /* Given back first: on a small budget it may be the very memory that is waited for. */
            wr_block_unref(queue->copies, 1);
            queue->copies = NULL;
        }
        block = wr_block_new(&queue->loop->blocks, small ? 0 : need, &why);
        if (block == NULL) {
            return why;
        }
        if (small) {
            queue->copies = block;
        }
    }
    char *to = block->data + block->len;
    if (item->len > 0) {
        memcpy(to, item->data, item->len);
    }
    block->len += (uint32_t)need;
    item->data = to;
    item->block = block;
    if (block == queue->copies) {
        wr_block_ref(block, 1);
    }
    return 0;
}

/* Append one item; room was made sure of. 0, or a code and nothing was appended. */
static int append(struct queue *queue, const weir_item *from)
{
    if (queue->lent + queue->count == queue->cap && !grow(queue)) {
        return WEIR_ENOMEM;
    }
    weir_item *to = slot(queue, queue->lent + queue->count);
    *to = *from;
    struct weir_block *block = from->block;
    /* A batch, and a value that cannot be copied, stay in the block they lie in. */
    bool fixed = (from->flags & WEIR_ITEM_PARTS) != 0 ||
                 (from->type != NULL && from->type->drop != NULL && from->type->copy == NULL);
    bool copy = block == NULL ||
                (!fixed && block != queue->last_block &&
                 queue->pinned + block->cap > queue->pinned_max && from->len < block->cap / 2);
    if (copy) {
        int rc = copy_out(queue, to);
        if (rc < 0) {
            return rc;
        }
        block = to->block;
    } else {
        wr_block_ref(block, 1);
        queue->values = queue->values || (from->type != NULL && from->type->drop != NULL);
    }
    if (from->receipt != NULL) {
        queue->receipts = true;
        if (wr_receipt_ref(from->receipt, from->seq, from->seq) < 0) {
            drop_value(to);
            wr_block_unref(block, 1);
            return WEIR_ENOMEM;
        }
    }
    if (block != queue->last_block) {
        queue->last_block = block;
        queue->pinned += block->cap;
    }
    queue->count++;
    queue->bytes += from->len;
    return 0;
}

/* The usual case, many at once: items whose bytes lie in one block, put as a run. Returns how many
 * were appended, 0: the first one needs append()'s care (no block, a full pin budget, no slots, no
 * memory). */
static size_t append_run(struct queue *queue, const weir_item *items, size_t count)
{
    struct weir_block *block = items[0].block;
    if (block == NULL || queue->count >= queue->items_max ||
        (block != queue->last_block && queue->pinned + block->cap > queue->pinned_max)) {
        return 0;
    }
    size_t used = queue->lent + queue->count;
    if (used == queue->cap && !grow(queue)) {
        return 0;
    }
    used = queue->lent + queue->count;
    size_t at = (queue->head + used) & (queue->cap - 1);
    size_t room = WR_MIN(queue->cap - at, queue->cap - used); /* slots in one piece */
    room = WR_MIN(WR_MIN(room, count), queue->items_max - queue->count);
    struct weir_receipt *receipt = items[0].receipt;
    weir_item *to = &queue->ring[at];
    size_t n = 0, bytes = queue->bytes;
    while (n < room && items[n].block == block && items[n].receipt == receipt &&
           (receipt == NULL || items[n].seq == items[0].seq + n) &&
           items[n].type == items[0].type && (bytes < queue->bytes_max || queue->count + n == 0)) {
        bytes += items[n].len;
        to[n] = items[n];
        n++;
    }
    if (n == 0) {
        return 0;
    }
    if (receipt != NULL) {
        queue->receipts = true;
        if (wr_receipt_ref(receipt, items[0].seq, items[n - 1].seq) < 0) {
            return 0;
        }
    }
    wr_block_ref(block, (uint32_t)n);
    queue->values = queue->values || (items[0].type != NULL && items[0].type->drop != NULL);
    if (block != queue->last_block) {
        queue->last_block = block;
        queue->pinned += block->cap;
    }
    queue->count += n;
    queue->bytes = bytes;
    return n;
}

/* Drop the n oldest that are not lent; what is lent stays at the head. */
static void drop_oldest(struct queue *queue, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weir_item *item = slot(queue, queue->lent + i);
        queue->bytes -= item->len;
        wr_items_unref(item, 1, WR_ACT_DROP);
        drop_value(item);
        wr_block_unref(item->block, 1);
    }
    for (size_t i = queue->lent; i > 0; i--) {
        *slot(queue, i - 1 + n) = *slot(queue, i - 1);
    }
    queue->head += n;
    queue->count -= n;
    if (queue->lent + queue->count == 0) {
        queue->pinned = 0;
        queue->last_block = NULL;
    }
}

/* The queue is full and its policy is not to wait. 1: the new item is not put; 0: there is room
 * now; negative: failed. */
static int make_way(struct queue *queue, struct weir_sink *sink, const weir_item *item)
{
    switch (queue->when_full) {
    case WEIR_DROP_NEWEST: wr_items_tell(item, 1, WR_ACT_DROP); return 1;
    case WEIR_DROP_OLDEST:
    case WEIR_LATEST: {
        size_t drop = queue->when_full == WEIR_LATEST ? queue->count : 1;
        drop_oldest(queue, drop);
        return 0;
    }
    default:
        return wr_sink_set_error(sink, WEIR_ETOOLONG, 0,
                                 "queue '%s' is full (%zu items, %zu bytes)", queue->name,
                                 queue->count, queue->bytes);
    }
}

static int wait_for_room(struct queue *queue, struct weir_sink *sink)
{
    struct queue_wait wait = {.task = wr_task_now(queue->loop, "weir_put")};
    wr_list_init(&wait.link);
    wr_list_append(&queue->waiting, &wait.link);
    wake_reader(queue);
    int rc = wr_wait(queue->loop, "room in a queue", &sink->object);
    wr_list_remove(&wait.link);
    return sink->canceled && rc == 0 ? WEIR_ECANCELED : rc;
}

static int writer_failed(struct queue *queue, struct weir_sink *sink, int rc)
{
    wake_reader(queue);
    return wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
}

/* The usual case, one at a time: an item that continues the newest block, and there is room for it.
 */
static bool append_one(struct queue *queue, const weir_item *item)
{
    size_t used = queue->lent + queue->count;
    if (queue->reader_gone || queue->ended || item->block == NULL ||
        item->block != queue->last_block || item->receipt != NULL || used == queue->cap ||
        full(queue)) {
        return false;
    }
    *slot(queue, used) = *item;
    wr_block_ref(item->block, 1);
    queue->values = queue->values || (item->type != NULL && item->type->drop != NULL);
    queue->count++;
    queue->bytes += item->len;
    wake_reader(queue);
    return true;
}

static __attribute__((noinline)) int put_all(struct queue *queue, struct weir_sink *sink,
                                             const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count;) {
        if (WR_UNLIKELY(queue->reader_gone || queue->ended)) {
            return wr_sink_set_error(sink, WEIR_ECLOSED, 0,
                                     queue->reader_gone
                                         ? "the reader of queue '%s' has gone"
                                         : "queue '%s' was ended by another writer's failure",
                                     queue->name);
        }
        if (WR_UNLIKELY(full(queue))) {
            int rc = queue->when_full == WEIR_BLOCK ? wait_for_room(queue, sink)
                                                    : make_way(queue, sink, &items[i]);
            if (rc < 0) {
                return writer_failed(queue, sink, rc);
            }
            i += rc > 0;
            continue;
        }
        size_t run = append_run(queue, &items[i], count - i);
        if (WR_LIKELY(run > 0)) {
            i += run;
            continue;
        }
        int rc = append(queue, &items[i]);
        if (rc == WEIR_EBUDGET && queue->count > 0) {
            rc = wait_for_room(queue, sink); /* what the reader takes gives memory back */
        } else if (rc == WEIR_EBUDGET) {
            rc = wr_budget_wait(queue->loop, &sink->object);
        } else {
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
    return count == 1 && append_one(queue, items) ? 0 : put_all(queue, sink, items, count);
}

static size_t queue_room(struct weir_sink *sink)
{
    struct queue *queue = queue_of_sink(sink);
    while (!queue->reader_gone && !queue->ended && queue->when_full == WEIR_BLOCK && full(queue)) {
        int rc = wait_for_room(queue, sink);
        if (rc < 0) {
            wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
            return 0;
        }
    }
    if (queue->reader_gone || queue->ended) {
        wr_sink_set_error(sink, WEIR_ECLOSED, 0, "the reader of queue '%s' has gone", queue->name);
        return 0;
    }
    return queue->count < queue->items_max ? queue->items_max - queue->count : 1;
}

/* A writer ends. why NULL: properly. */
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
    wr_list_remove(&writer->link);
    queue_unref(writer->queue);
}

static void writer_abort(struct weir_sink *sink, int code)
{
    (void)code;
    wake_writers(queue_of_sink(sink));
}

static size_t writer_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct queue *queue = queue_of_sink(sink);
    int n = snprintf(text, cap, "waits for queue '%s' (%s, %zu items)", queue->name,
                     full(queue) ? "full" : "open", queue->count);
    return n > 0 ? (size_t)n : 0;
}

static const struct wr_sink_ops queue_sink_ops = {.kind = "queue",
                                                  .put_many = queue_put_many,
                                                  .room = queue_room,
                                                  .fail = writer_fail,
                                                  .abandon = writer_abandon,
                                                  .close = writer_close,
                                                  .abort = writer_abort,
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
    queue->rendezvous = o->items_max == WEIR_NONE;
    queue->items_max = o->items_max > 0 ? (size_t)o->items_max : queue->rendezvous ? 1 : 64;
    queue->bytes_max = o->bytes_max > 0    ? (size_t)o->bytes_max
                       : o->bytes_max == 0 ? 1024 * 1024
                                           : SIZE_MAX / 8;
    queue->pinned_max = WR_MAX(queue->bytes_max * PINNED_FACTOR, (size_t)WR_BLOCK_BYTES);
    queue->when_full = o->when_full;
    if (queue->when_full == WEIR_LATEST) {
        queue->items_max = 1;
    }
    wr_list_init(&queue->waiting);
    wr_list_init(&queue->sinks);
    snprintf(queue->name, sizeof queue->name, "%s", o->name != NULL ? o->name : "queue");
}

weir_gen *weir_queue(weir_scope *scope, const weir_queue_options *options, weir_sink **in)
{
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
    reader->queue = queue;
    queue->gen = &reader->gen;
    queue->refs++;
    *in = &writer->sink;
    return &reader->gen;
}
