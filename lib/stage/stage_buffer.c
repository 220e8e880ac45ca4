/*
 * stage_buffer.c - weir_buffer, weir_latest and weir_prefetch: read ahead in a task of their own, through
 * a queue.
 *
 * Nothing runs before the first pull, which makes the queue and the pump's task. The generator owns
 * that task, not the scope: when the scope's other tasks have ended, the scope ends the buffer
 * instead of waiting for it. A failure of the pump reaches the reader through the queue. Closing
 * ends the queue's reading end, which ends the pump, and waits for the pump.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <string.h>

#include "flow_gen.h"
#include "flow_sink.h"

struct stage_buffer {
    struct weir_gen gen;
    weir_queue_options options;
    char name[32];
    bool started;
    struct weir_gen *source; /* owned by the pump from its start on */
    struct weir_sink *sink;
    struct wr_task *pump;
    weir_error error; /* the pump's */
};

static void buffer_main(struct wr_task *task, void *arg)
{
    struct stage_buffer *buffer = arg;
    (void)task;
    (void)!weir_pump(buffer->source, buffer->sink, &buffer->error);
    buffer->pump = NULL;
    wr_object_wake(&buffer->gen.object);
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
    wr_object_fini(&buffer->sink->object); /* the pump ends the sink */
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
        (void)wr_park_for_task(gen->loop, "its pumping task to end", &gen->object);
    }
    int code = buffer->error.code;
    if (code < 0 && code != WEIR_ECLOSED && code != WEIR_ECANCELED && gen->failure == NULL) {
        wr_gen_fail_error(
            gen, &buffer->error); /* the source's clean-up failed after the queue was closed */
    }
}

/* The count is known only when the queue drops no items. */
static bool buffer_given_before(const struct weir_gen *gen, uint64_t *count)
{
    const struct stage_buffer *buffer = WR_OWNER((uintptr_t)gen, struct stage_buffer, gen);
    return !buffer->started && gen->up != NULL && wr_gen_given_before(gen->up, count) &&
           (*count == 0 || buffer->options.when_full == WEIR_BLOCK ||
            buffer->options.when_full == WEIR_FULL_FAILS);
}

static struct wr_state_slot *buffer_begins_again(struct weir_gen *gen)
{
    const struct stage_buffer *buffer = WR_OWNER(gen, struct stage_buffer, gen);
    bool all =
        buffer->options.when_full == WEIR_BLOCK || buffer->options.when_full == WEIR_FULL_FAILS;
    return all && gen->up != NULL ? wr_gen_begin_again(gen->up) : NULL;
}

static const struct wr_gen_ops buffer_ops = {.kind = "buffer",
                                             .next_many = buffer_next_many,
                                             .next_within = buffer_next_within,
                                             .close = buffer_close,
                                             .given_before = buffer_given_before,
                                             .begins_again = buffer_begins_again};

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

struct queue_args {
    int64_t items_max, bytes_max;
    int32_t when_full;
};

static weir_gen *queue_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const int32_t policies[] = {WEIR_BLOCK, WEIR_DROP_OLDEST, WEIR_DROP_NEWEST, WEIR_LATEST,
                                       WEIR_FULL_FAILS};
    const struct queue_args *a = args;
    weir_queue_options options = {.struct_size = sizeof options,
                                  .name = "queue",
                                  .items_max = a->items_max,
                                  .bytes_max = a->bytes_max,
                                  .when_full = policies[a->when_full]};
    (void)opening;
    return weir_buffer(up, &options);
}

static const char *const full_choices[] = {"block",  "drop-oldest", "drop-newest",
                                           "latest", "fail",        NULL};
enum { FULL_BLOCKS = 0, FULL_FAILS = 4 };

static uint32_t queue_traits(const void *args, uint32_t shape)
{
    (void)shape;
    const struct queue_args *a = args;
    bool drops = a->when_full != FULL_BLOCKS && a->when_full != FULL_FAILS;
    return WEIR_TRAIT_READS_AHEAD | (drops ? WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_NEVER_FULL
                                           : WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES);
}

static const weir_arg queue_args[] = {
    WEIR_ARG_COUNT(struct queue_args, items_max, .name = "N", .flags = WEIR_ARG_HOLDS, .min = 1,
                   .preset = "1024", .help = "items at most"),
    WEIR_ARG_SIZE(struct queue_args, bytes_max, .name = "SIZE", .flags = WEIR_ARG_HOLDS, .min = 1,
                  .preset = "1MiB", .help = "bytes at most"),
    WEIR_ARG_CHOICE(struct queue_args, when_full, .name = "full", .form = WEIR_FORM_NAMED,
                    .flags = WEIR_ARG_HOLDS, .choices = full_choices, .preset = "block",
                    .help = "what to do when it is full"),
};

const weir_component wr_component_queue = {
    .struct_size = sizeof wr_component_queue,
    .name = "queue",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_READS_AHEAD,
    .traits_of = queue_traits,
    .args = queue_args,
    .args_count = sizeof queue_args / sizeof queue_args[0],
    .args_size = sizeof(struct queue_args),
    .help = "Reads ahead into a bounded queue; when it is full, everything before it waits, unless "
            "full= says otherwise.",
    .example = "gen 1..10 | queue 100 64KiB | head 3",
    .prints = "1\n2\n3\n",
    .open = queue_open,
};

/* ---- latest, prefetch */

weir_gen *weir_latest(weir_gen *up)
{
    weir_queue_options options = {
        .struct_size = sizeof options, .name = "latest", .when_full = WEIR_LATEST};
    return weir_buffer(up, &options);
}

weir_gen *weir_prefetch(weir_gen *up, int64_t items)
{
    weir_queue_options options = {
        .struct_size = sizeof options, .name = "prefetch", .items_max = items};
    return weir_buffer(up, &options);
}

static weir_gen *latest_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return weir_latest(up);
}

static weir_gen *prefetch_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct queue_args *a = args;
    weir_queue_options options = {.struct_size = sizeof options,
                                  .name = "prefetch",
                                  .items_max = a->items_max,
                                  .bytes_max = a->bytes_max};
    (void)opening;
    return weir_buffer(up, &options);
}

static const weir_arg prefetch_args[] = {
    WEIR_ARG_COUNT(struct queue_args, items_max, .name = "N",
                   .flags = WEIR_ARG_REQUIRED | WEIR_ARG_HOLDS, .min = 1, .help = "items at most"),
    WEIR_ARG_SIZE(struct queue_args, bytes_max, .name = "SIZE", .flags = WEIR_ARG_HOLDS, .min = 1,
                  .preset = "1MiB", .help = "bytes at most"),
};

const weir_component wr_component_latest = {
    .struct_size = sizeof wr_component_latest,
    .name = "latest",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_READS_AHEAD | WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_NEVER_FULL,
    .help = "Only the newest item, for a reader that is slower than the stream: the others are "
            "dropped, and counted.",
    .example = "gen 1..1 | latest",
    .prints = "1\n",
    .open = latest_open,
};

const weir_component wr_component_prefetch = {
    .struct_size = sizeof wr_component_prefetch,
    .name = "prefetch",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_READS_AHEAD | WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES,
    .args = prefetch_args,
    .args_count = sizeof prefetch_args / sizeof prefetch_args[0],
    .args_size = sizeof(struct queue_args),
    .help =
        "Reads N items ahead, while what comes after it is at work: a queue that makes everything "
        "before it wait when it is full.",
    .example = "gen 1..10 | prefetch 100 | head 3",
    .prints = "1\n2\n3\n",
    .open = prefetch_open,
};
