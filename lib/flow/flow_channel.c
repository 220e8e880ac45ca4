/*
 * flow_channel.c - the bounded queue between two loops, each on a thread of its own.
 *
 * Bytes are copied to the other loop: each put makes one block that holds all its items, and hands
 * the block over. The two threads never use a block at the same time, so reference counts need no
 * atomics. Receipts do not cross: handing over is the writer's commit, and the reading end is a
 * source of the other loop. One lock guards the list and the two ends. An end that has gone is not
 * woken any more; the lock is held while an end is woken, so a loop is never woken after its end.
 *
 * A policy other than waiting may drop items. These were handed over like the others, but the
 * reader has not seen them: they are counted under the lock, and the reading end counts them in its
 * ledger as dropped.
 */
#include <weir/queue.h>

#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "flow_gen.h"
#include "flow_sink.h"

struct parcel {
    struct wr_list link;
    struct weir_block *block;
    size_t count, at; /* items [at, count) are left */
    weir_item items[];
};

struct channel {
    uv_mutex_t lock;
    struct wr_list parcels;
    size_t items, bytes, items_max, bytes_max;
    int32_t when_full;
    uint64_t dropped;                            /* not in the reader's ledger yet */
    struct weir_loop *reader_loop, *writer_loop; /* NULL: that end has gone */
    struct wr_remote to_reader, to_writer;
    bool ended;
    weir_error failure; /* code 0: none */
    /* each used by its own thread only */
    struct wr_object *reader, *writer;
    unsigned refs;
};

struct channel_gen {
    struct weir_gen gen;
    struct channel *channel;
    struct parcel *lent;
};

struct channel_sink {
    struct weir_sink sink;
    struct channel *channel;
    bool over;
};

static void parcel_free(struct parcel *parcel)
{
    if (parcel != NULL) {
        wr_block_unref(parcel->block, 1);
        wr_free(parcel);
    }
}

static void channel_unref(struct channel *channel)
{
    uv_mutex_lock(&channel->lock);
    bool last = --channel->refs == 0;
    uv_mutex_unlock(&channel->lock);
    if (!last) {
        return;
    }
    for (struct wr_list *node; (node = wr_list_take(&channel->parcels)) != NULL;) {
        parcel_free(WR_OWNER(node, struct parcel, link));
    }
    uv_mutex_destroy(&channel->lock);
    wr_free(channel);
}

static void wake_reader(struct wr_remote *remote)
{
    struct channel *channel = WR_OWNER(remote, struct channel, to_reader);
    wr_object_wake(channel->reader);
}

static void wake_writer(struct wr_remote *remote)
{
    struct channel *channel = WR_OWNER(remote, struct channel, to_writer);
    wr_object_wake(channel->writer);
}

/* ---- reading */

/* Dropped items get numbers of the source, before the items that are given next. */
static void count_dropped(struct weir_gen *gen, uint64_t dropped)
{
    struct wr_origin *origin = gen->origin;
    if (dropped > 0 && origin != NULL) {
        uint64_t first = origin->given + 1;
        origin->given += dropped;
        gen->dropped += dropped;
        wr_origin_tell_all(origin, first, origin->given, WR_ACT_DROP);
    }
}

static uint64_t take_dropped(struct channel *channel)
{
    uint64_t dropped = channel->dropped;
    channel->dropped = 0;
    return dropped;
}

static size_t channel_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct channel_gen *self = WR_OWNER(gen, struct channel_gen, gen);
    struct channel *channel = self->channel;
    if (self->lent != NULL && self->lent->at == self->lent->count) {
        parcel_free(self->lent);
        self->lent = NULL;
    }
    while (self->lent == NULL) {
        uv_mutex_lock(&channel->lock);
        struct wr_list *node = wr_list_take(&channel->parcels);
        bool ended = channel->ended;
        if (node != NULL) {
            self->lent = WR_OWNER(node, struct parcel, link);
            channel->items -= self->lent->count - self->lent->at;
            channel->bytes -= self->lent->block->len;
            if (channel->writer_loop != NULL) {
                wr_remote_send(channel->writer_loop, &channel->to_writer);
            }
        }
        uint64_t dropped = take_dropped(channel);
        uv_mutex_unlock(&channel->lock);
        if (dropped > 0) {
            wr_origin_lend(gen->origin, 0);
            count_dropped(gen, dropped);
        }
        if (node != NULL) {
            break;
        }
        if (ended || gen->stopping) {
            if (ended && channel->failure.code != 0) {
                wr_gen_fail_error(gen, &channel->failure);
            }
            return 0;
        }
        int rc = wr_wait(gen->loop, "an item in its channel", &gen->object);
        if (rc < 0) {
            wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            return 0;
        }
    }
    struct parcel *parcel = self->lent;
    size_t n = WR_MIN(max, parcel->count - parcel->at);
    memcpy(items, parcel->items + parcel->at, n * sizeof *items);
    parcel->at += n;
    wr_source_give(gen, items, n);
    return n;
}

static void channel_close(struct weir_gen *gen)
{
    struct channel_gen *self = WR_OWNER(gen, struct channel_gen, gen);
    struct channel *channel = self->channel;
    uv_mutex_lock(&channel->lock);
    channel->reader_loop = NULL;
    if (channel->writer_loop != NULL) {
        wr_remote_send(channel->writer_loop, &channel->to_writer);
    }
    uint64_t dropped = take_dropped(channel);
    uv_mutex_unlock(&channel->lock);
    count_dropped(gen, dropped);
    wr_remote_stop(gen->loop, &channel->to_reader);
    parcel_free(self->lent);
    self->lent = NULL;
}

static void channel_free(struct weir_gen *gen)
{
    channel_unref(WR_OWNER(gen, struct channel_gen, gen)->channel);
}

static void channel_wake(struct weir_gen *gen)
{
    wr_object_wake(&gen->object);
}

static const struct wr_gen_ops channel_gen_ops = {.kind = "channel",
                                                  .next_many = channel_next_many,
                                                  .close = channel_close,
                                                  .free = channel_free,
                                                  .stop = channel_wake,
                                                  .is_source = true};

/* ---- writing */

/* Items that must not cross: batches, and values that own something, since their drop function
 * would run on the other thread. */
static bool stays(const weir_item *item)
{
    return wr_item_is_batch(item) || !wr_item_shares(item);
}

/* A parcel of copies; NULL: *why. */
static struct parcel *pack(const weir_item *items, size_t count, int *why)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (stays(&items[i])) {
            *why = WEIR_EINVAL;
            return NULL;
        }
        bytes += wr_item_copy_bytes(&items[i]);
    }
    struct parcel *parcel = wr_alloc(sizeof *parcel + count * sizeof *items);
    if (parcel == NULL) {
        *why = WEIR_ENOMEM;
        return NULL;
    }
    parcel->block = wr_block_new(NULL, bytes, why);
    parcel->count = parcel->at = 0;
    wr_list_init(&parcel->link);
    if (parcel->block == NULL) {
        wr_free(parcel);
        return NULL;
    }
    for (; parcel->count < count; parcel->count++) {
        weir_item *item = &parcel->items[parcel->count];
        *item = items[parcel->count];
        size_t need = wr_item_copy_bytes(item);
        *why = wr_item_copy(item, parcel->block->data + parcel->block->len);
        if (*why < 0) {
            parcel_free(parcel);
            return NULL;
        }
        parcel->block->len += (uint32_t)need;
        item->block = parcel->block;
        item->receipt = NULL;
    }
    return parcel;
}

/* Under the lock: is there no room for one more parcel? An empty channel takes a parcel of any
 * size. */
static bool full_for(const struct channel *channel, const struct parcel *parcel)
{
    size_t count = parcel->count - parcel->at;
    return channel->items > 0 && (channel->items + count > channel->items_max ||
                                  channel->bytes + parcel->block->len > channel->bytes_max);
}

/* Under the lock: drop the oldest items; if only the count is exceeded, as many of a parcel as
 * necessary. Parcels to free after the lock go to `old`. */
static void drop_oldest(struct channel *channel, const struct parcel *parcel, struct wr_list *old)
{
    while (full_for(channel, parcel)) {
        struct parcel *first = WR_OWNER(channel->parcels.next, struct parcel, link);
        size_t left = first->count - first->at, over = left;
        if (channel->bytes + parcel->block->len <= channel->bytes_max) {
            over = WR_MIN(left, channel->items + parcel->count - channel->items_max);
        }
        first->at += over;
        channel->items -= over;
        channel->dropped += over;
        if (first->at == first->count) {
            channel->bytes -= first->block->len;
            wr_list_append(old, wr_list_take(&channel->parcels));
        }
    }
}

/* Under the lock: drop the new items that do not fit. */
static void drop_newest(struct channel *channel, struct parcel *parcel)
{
    size_t room = channel->items < channel->items_max ? channel->items_max - channel->items : 0;
    if (channel->bytes + parcel->block->len > channel->bytes_max) {
        room = 0;
    }
    channel->dropped += parcel->count - room;
    parcel->count = room;
}

/* Under the lock: hand over, if there is room or the policy makes room. False: the writer must wait
 * or fail. */
static bool hand_over(struct channel *channel, struct parcel *parcel, struct wr_list *old)
{
    if (full_for(channel, parcel)) {
        switch (channel->when_full) {
        case WEIR_DROP_OLDEST:
        case WEIR_LATEST: drop_oldest(channel, parcel, old); break;
        case WEIR_DROP_NEWEST: drop_newest(channel, parcel); break;
        default: return false;
        }
    }
    if (parcel->count == 0) {
        wr_list_append(old, &parcel->link);
        return true;
    }
    wr_list_append(&channel->parcels, &parcel->link);
    channel->items += parcel->count;
    channel->bytes += parcel->block->len;
    wr_remote_send(channel->reader_loop, &channel->to_reader);
    return true;
}

static void free_parcels(struct wr_list *old)
{
    for (struct wr_list *node; (node = wr_list_take(old)) != NULL;) {
        parcel_free(WR_OWNER(node, struct parcel, link));
    }
}

/* NULL: the failure is set. */
static struct parcel *pack_for(struct weir_sink *sink, const weir_item *items, size_t count)
{
    int why = 0;
    struct parcel *parcel = pack(items, count, &why);
    if (parcel == NULL) {
        wr_sink_set_error(
            sink, why, 0, "%s",
            why == WEIR_EINVAL
                ? "only flat items can cross threads, not a batch or a type with a drop function"
            : why == WEIR_ENOMEM ? "no memory for items"
                                 : wr_code_text(why));
    }
    return parcel;
}

/* 1: handed over. 0: there is no room now; the parcel stays the caller's. Negative: failed. */
static int offer(struct channel_sink *self, struct parcel *parcel)
{
    struct channel *channel = self->channel;
    struct weir_sink *sink = &self->sink;
    struct wr_list old;
    wr_list_init(&old);
    uv_mutex_lock(&channel->lock);
    bool gone = channel->reader_loop == NULL;
    bool over = !gone && hand_over(channel, parcel, &old);
    size_t held = channel->items, bytes = channel->bytes;
    uv_mutex_unlock(&channel->lock);
    if (over) {
        free_parcels(&old);
        return 1;
    }
    if (!gone && channel->when_full != WEIR_FULL_FAILS) {
        return 0;
    }
    parcel_free(parcel);
    if (gone) {
        return wr_sink_set_error(sink, WEIR_ECLOSED, 0, "the reader of the channel has ended");
    }
    return wr_sink_set_error(sink, WEIR_ETOOLONG, 0, "channel '%s' is full (%zu items, %zu bytes)",
                             sink->name, held, bytes);
}

static int channel_send(struct channel_sink *self, const weir_item *items, size_t count)
{
    struct weir_sink *sink = &self->sink;
    struct parcel *parcel = pack_for(sink, items, count);
    if (parcel == NULL) {
        return sink->failure->code;
    }
    int rc;
    while ((rc = offer(self, parcel)) == 0) {
        rc = wr_wait(sink->loop, "room in a channel", &sink->object);
        if (rc < 0) {
            parcel_free(parcel);
            return wr_sink_set_error(sink, rc, 0, "canceled");
        }
    }
    return rc < 0 ? rc : 0;
}

static int channel_try_put(struct weir_sink *sink, const weir_item *item)
{
    struct parcel *parcel = pack_for(sink, item, 1);
    if (parcel == NULL) {
        return sink->failure->code;
    }
    int rc = offer(WR_OWNER(sink, struct channel_sink, sink), parcel);
    if (rc == 0) {
        parcel_free(parcel);
    }
    return rc;
}

static int channel_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct channel_sink *self = WR_OWNER(sink, struct channel_sink, sink);
    while (count > 0) {
        size_t n = WR_MIN(count, self->channel->items_max);
        int rc = channel_send(self, items, n);
        if (rc < 0) {
            return rc;
        }
        items += n;
        count -= n;
    }
    return 0;
}

static void end_writer(struct channel_sink *self, const weir_error *why)
{
    struct channel *channel = self->channel;
    if (self->over) {
        return;
    }
    self->over = true;
    uv_mutex_lock(&channel->lock);
    channel->ended = true;
    if (why != NULL) {
        channel->failure = *why;
    }
    channel->writer_loop = NULL;
    if (channel->reader_loop != NULL) {
        wr_remote_send(channel->reader_loop, &channel->to_reader);
    }
    uv_mutex_unlock(&channel->lock);
    wr_remote_stop(self->sink.loop, &channel->to_writer);
}

static void writer_fail(struct weir_sink *sink, const weir_error *why)
{
    end_writer(WR_OWNER(sink, struct channel_sink, sink), why);
}

static void writer_abandon(struct weir_sink *sink)
{
    weir_error error;
    wr_error_set(&error, sink->canceled ? WEIR_ECANCELED : WEIR_EABANDONED, 0, sink->name,
                 "the writer of a channel was discarded without saying how its stream ended");
    end_writer(WR_OWNER(sink, struct channel_sink, sink), &error);
}

static void writer_close(struct weir_sink *sink, const weir_error *failure)
{
    struct channel_sink *self = WR_OWNER(sink, struct channel_sink, sink);
    end_writer(self, failure);
    channel_unref(self->channel);
}

static const struct wr_sink_ops channel_sink_ops = {.kind = "channel",
                                                    .put_many = channel_put_many,
                                                    .try_put = channel_try_put,
                                                    .fail = writer_fail,
                                                    .abandon = writer_abandon,
                                                    .close = writer_close};

weir_gen *weir_channel(weir_scope *reader, weir_scope *writer, const weir_queue_options *options,
                       weir_sink **in)
{
    WR_ASSERT(reader != NULL && writer != NULL, "a channel joins two scopes, one is NULL");
    WR_ASSERT(in != NULL, "the argument 'in' (for the channel's writing end) is NULL");
    weir_queue_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct channel *channel = wr_zalloc(sizeof *channel);
    struct channel_gen *gen = NULL;
    struct channel_sink *sink = NULL;
    if (channel != NULL && uv_mutex_init(&channel->lock) < 0) {
        wr_free(channel);
        channel = NULL;
    }
    if (channel != NULL) {
        gen = wr_gen_alloc(reader, sizeof *gen, &channel_gen_ops, o.name);
        sink = gen != NULL ? wr_sink_alloc(writer, sizeof *sink, &channel_sink_ops, o.name) : NULL;
    }
    if (sink == NULL) {
        if (gen != NULL) {
            wr_object_fini(&gen->gen.object);
            wr_free(gen);
        }
        if (channel != NULL) {
            uv_mutex_destroy(&channel->lock);
            wr_free(channel);
        }
        *in = wr_sink_made(NULL);
        return wr_gen_made(NULL, NULL);
    }
    wr_list_init(&channel->parcels);
    wr_remote_init(&channel->to_reader, wake_reader);
    wr_remote_init(&channel->to_writer, wake_writer);
    channel->when_full = o.when_full;
    channel->items_max = o.items_max > 0 ? (size_t)o.items_max : o.items_max == 0 ? 64 : 1;
    if (channel->when_full == WEIR_LATEST) {
        channel->items_max = 1;
    }
    channel->bytes_max = o.bytes_max > 0    ? (size_t)o.bytes_max
                         : o.bytes_max == 0 ? 1024 * 1024
                                            : SIZE_MAX;
    channel->reader_loop = reader->loop;
    channel->writer_loop = writer->loop;
    channel->refs = 2;
    weir_error error;
    if (wr_queue_options_wrong(&o, "channel", &error)) {
        wr_gen_fail_error(&gen->gen, &error);
        wr_sink_set_error(&sink->sink, error.code, 0, "%s", error.message);
    }
    gen->channel = channel;
    sink->channel = channel;
    channel->reader = &gen->gen.object;
    channel->writer = &sink->sink.object;
    *in = &sink->sink;
    return &gen->gen;
}
