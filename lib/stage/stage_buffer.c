/*
 * stage_buffer.c - weir_buffer: read ahead in a task of its own, through a queue.
 *
 * Nothing runs before the first pull, which makes the queue and the pump's task. The task is the
 * generator's, not the scope's: a scope whose other tasks have ended ends the buffer instead of
 * waiting for it. What the pump fails with travels through the queue to the reader. Closing ends
 * the queue's reading end, which ends the pump, and waits for it.
 */
#include <weir/stage.h>

#include <string.h>

#include "flow_gen.h"
#include "flow_sink.h"

struct stage_buffer {
    struct weir_gen gen;
    weir_queue_options options;
    char name[32];
    bool started;
    struct weir_gen *source; /* the pump's from the start on */
    struct weir_sink *sink;
    struct wr_task *pump, *closer;
    weir_error error; /* of the pump */
};

static void buffer_main(struct wr_task *task, void *arg)
{
    struct stage_buffer *buffer = arg;
    (void)task;
    (void)!weir_pump(buffer->source, buffer->sink, &buffer->error);
    buffer->pump = NULL;
    if (buffer->closer != NULL) {
        wr_wake(buffer->closer, 0);
    }
}

static void buffer_start(struct stage_buffer *buffer)
{
    struct weir_gen *gen = &buffer->gen, *up = gen->up;
    buffer->started = true;
    if (up == NULL) {
        return;
    }
    struct weir_gen *queue = weir_queue(gen->object.scope, &buffer->options, &buffer->sink);
    if (queue->failure == NULL) {
        buffer->pump = wr_task_hidden(gen->object.scope, gen->name, buffer_main, buffer);
    }
    if (buffer->pump == NULL) {
        weir_discard(queue);
        weir_sink_discard(buffer->sink);
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to read ahead");
        return;
    }
    wr_object_fini(&buffer->sink->object); /* the pump ends it */
    buffer->source = up;
    wr_gen_unadopt(up);
    wr_gen_adopt(gen, queue);
}

static size_t buffer_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (!buffer->started) {
        buffer_start(buffer);
    }
    return gen->failure == NULL && gen->up != NULL ? wr_pull(gen->up, items, max) : 0;
}

static size_t buffer_next_within(struct weir_gen *gen, weir_item *items, size_t max,
                                 int64_t wait_ms, bool *late)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (!buffer->started) {
        buffer_start(buffer);
    }
    return gen->failure == NULL && gen->up != NULL
               ? wr_pull_within(gen->up, items, max, wait_ms, late)
               : 0;
}

static void buffer_close(struct weir_gen *gen)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (buffer->source == NULL) {
        return;
    }
    wr_gen_end_adopted(gen);
    while (buffer->pump != NULL) {
        buffer->closer = wr_task_now(gen->loop, "weir_finish");
        (void)wr_park_for_task(gen->loop, "its pump to end", &gen->object);
        buffer->closer = NULL;
    }
    int code = buffer->error.code;
    if (code < 0 && code != WEIR_ECLOSED && code != WEIR_ECANCELED && gen->failure == NULL) {
        wr_gen_fail_error(
            gen, &buffer->error); /* the source's clean-up failed after the queue had closed */
    }
}

/* What passes is what came, unless some of it may be dropped. */
static bool buffer_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_buffer *buffer = WR_OWNER((uintptr_t)gen, struct stage_buffer, gen);
    return !buffer->started && gen->up != NULL && wr_gen_given_before(gen->up, count) &&
           (*count == 0 || buffer->options.when_full == WEIR_BLOCK ||
            buffer->options.when_full == WEIR_FULL_FAILS);
}

static const struct wr_gen_ops buffer_ops = {.kind = "buffer",
                                             .next_many = buffer_next_many,
                                             .next_within = buffer_next_within,
                                             .close = buffer_close,
                                             .given_before = buffer_given_before};

weir_gen *weir_buffer(weir_gen *up, const weir_queue_options *options)
{
    struct stage_buffer *buffer = wr_stage_alloc(up, sizeof *buffer, &buffer_ops, "buffer");
    if (buffer != NULL) {
        if (options != NULL) {
            WR_TAKE_OPTIONS(buffer->options, options);
        }
        buffer->options.struct_size = sizeof buffer->options;
        /* The name must outlive the caller's string. */
        strncpy(buffer->name, buffer->options.name != NULL ? buffer->options.name : "buffer",
                sizeof buffer->name - 1);
        buffer->options.name = buffer->name;
        weir_error error;
        if (wr_queue_options_wrong(&buffer->options, buffer->name, &error)) {
            wr_gen_fail_error(&buffer->gen, &error);
        }
    }
    return wr_gen_made(buffer != NULL ? &buffer->gen : NULL, up);
}
