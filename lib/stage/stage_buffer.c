/*
 * stage_buffer.c - weir_buffer: read ahead in a task of its own, through a queue.
 *
 * Nothing runs before the first pull, which makes the queue and the pump's task, in a scope of the buffer's own. What the
 * pump's task fails with travels through the queue to the reader, so the task itself ends well. Closing ends the queue's
 * reading end, which ends the pump, and waits for it.
 */
#include <weir/stage.h>

#include <string.h>

#include "flow_gen.h"
#include "flow_sink.h"

struct stage_buffer {
    struct weir_gen gen;
    weir_queue_options options;
    char name[32];
    struct weir_scope *scope;
    struct weir_gen *queue;
};

struct buffer_pump {
    struct weir_gen *gen;
    struct weir_sink *sink;
};

static int buffer_main(weir_scope *scope, void *args)
{
    struct buffer_pump *pump = args;
    weir_error error;
    (void)scope;
    (void)!weir_pump(pump->gen, pump->sink, &error);
    return 0;
}

static void buffer_start(struct stage_buffer *buffer)
{
    struct weir_gen *up = buffer->gen.up;
    struct buffer_pump pump = {.gen = up};
    buffer->scope = weir_scope_new(buffer->gen.object.scope, NULL);
    buffer->queue = weir_queue(buffer->scope, &buffer->options, &pump.sink);
    wr_gen_unadopt(up);
    wr_gen_adopt(&buffer->gen, buffer->queue);
    weir_spawn(buffer->scope, buffer->gen.name, buffer_main, &pump, sizeof pump);
}

static size_t buffer_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (buffer->queue == NULL) {
        buffer_start(buffer);
    }
    return gen->failure == NULL && gen->up != NULL ? wr_pull(gen->up, items, max) : 0;
}

static size_t buffer_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms, bool *late)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (buffer->queue == NULL) {
        buffer_start(buffer);
    }
    return gen->failure == NULL && gen->up != NULL ? wr_pull_within(gen->up, items, max, wait_ms, late) : 0;
}

static void buffer_close(struct weir_gen *gen)
{
    struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    if (buffer->scope == NULL) {
        return;
    }
    wr_gen_end_adopted(gen);
    weir_error error;
    if (weir_scope_wait(buffer->scope, &error) < 0 && gen->failure == NULL) {
        wr_gen_fail_error(gen, &error);
    }
    buffer->scope = NULL;
}

static const struct wr_gen_ops buffer_ops = {.kind = "buffer",
                                             .next_many = buffer_next_many,
                                             .next_within = buffer_next_within,
                                             .close = buffer_close};

weir_gen *weir_buffer(weir_gen *up, const weir_queue_options *options)
{
    struct stage_buffer *buffer = wr_stage_alloc(up, sizeof *buffer, &buffer_ops, "buffer");
    if (buffer != NULL) {
        if (options != NULL) {
            memcpy(&buffer->options, options, WR_MIN(options->struct_size, sizeof buffer->options));
        }
        buffer->options.struct_size = sizeof buffer->options;
        /* The name must outlive the caller's string. */
        strncpy(buffer->name, buffer->options.name != NULL ? buffer->options.name : "buffer",
                sizeof buffer->name - 1);
        buffer->options.name = buffer->name;
    }
    return wr_gen_made(buffer != NULL ? &buffer->gen : NULL, up);
}
