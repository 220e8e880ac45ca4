/*
 * stage.h - ready-made stages: each takes a generator and gives one.
 *
 * The idea. A stage runs on the stack of whoever pulls it and asks upstream for no more than it was
 * asked for, so a chain of them costs little and reads nothing ahead. Only weir_buffer, and waiting
 * with a limit (weir_batch, weir_merge), have a task of their own behind them.
 *
 * Lifetime.  A stage takes its upstream, is made in the upstream's scope, and ends it when it ends.
 * Failure.   Makers never return NULL. A failure of the upstream travels through, after the items
 *            before it. Every stage can fail with WEIR_ENOMEM; without memory for the stage itself
 *            its upstream ends with its scope.
 * Threads.   The thread of the upstream's loop.
 */
#ifndef WEIR_STAGE_H
#define WEIR_STAGE_H

#include <weir/gen.h>
#include <weir/queue.h>
#include <weir/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When a batch is full: at the first of the three. WEIR_NONE: that one is no limit. */
typedef struct weir_batch_options {
    size_t struct_size;
    int64_t items_max, bytes_max; /* default 1000 and 1 MiB; the last item may go over the bytes */
    int64_t wait_ms;              /* since the first item came; default 1000 */
} weir_batch_options;

/*
 * Cut bytes into items: lines, what NUL ends, records by their length, server-sent events. Where
 * the items of `bytes` are cut makes no difference: their texts (weir_item_text) are one stream.
 *
 * Directly behind weir_http_bytes, weir_file_bytes, weir_socket_bytes or weir_fd_bytes the source
 * cuts its bytes itself: it has the positions of the items, and this is the source (of events, as
 * weir_http_events is: it asks again behind the last id). Elsewhere the
 * items are those of a source of their own in the ledger.
 *
 * An item over the limit is left out, cut or fails, as framing->overlong says; a skipped one counts
 * as rejected and is logged. Records (len32, varint) are passed over by their length. Of an event
 * the data counts; its id and its type may have 8 KiB.
 *
 * bytes    taken. A batch in it, or a value without a text, is WEIR_EINVAL.
 * framing  NULL: lines, with the defaults. Copied.
 * Gives    lines by the rules of the line sources (<weir/source.h>); records without their length;
 *          of WEIR_FRAME_SSE weir_event messages, whose body is the data, with the last event id,
 *          the field `event` ("message" where the stream names none) and, in the event that says
 *          one, `retry`. What an event stream leaves unfinished is no event.
 * Fails    WEIR_EINVAL: the framing. WEIR_ETOOLONG, by framing->overlong. WEIR_EPARSE: a varint of
 *          more than 10 bytes. WEIR_ETRUNCATED: the bytes end inside a record. WEIR_EBUDGET: an
 *          item does not fit into the loop's budget. WEIR_ENOMEM. When `bytes` fails, the items
 *          before that are given and the unfinished one is not. offset tells where.
 */
WEIR_API weir_gen *weir_framed(WEIR_TAKES weir_gen *bytes, const weir_framing *framing);
/* weir_framed(bytes, NULL). */
WEIR_API weir_gen *weir_lines(WEIR_TAKES weir_gen *bytes);
/*
 * Pass the items for which keep() is true; the others count as filtered, at once.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "filter".
 * keep     asked for one item at a time, never ahead of demand; must not suspend.
 * args     args_len bytes, copied, handed to keep; NULL with 0.
 */
WEIR_API weir_gen *weir_filter(WEIR_TAKES weir_gen *up, const char *name,
                               bool (*keep)(const weir_item *item, const void *args),
                               const void *args, size_t args_len);
/*
 * Make one item of each item.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "map".
 * map      fills *out, which starts as a copy of *in; its number, origin and receipt are the
 *          stage's affair. out->data must live until the next call: in `in`, in the stage's own
 *          copy of args, or static. Returns 0, or a negative code that fails the stage. Must not
 *          suspend.
 * args     args_len bytes, copied, handed to map, which may change them; NULL with 0.
 */
WEIR_API weir_gen *weir_map(WEIR_TAKES weir_gen *up, const char *name,
                            int (*map)(const weir_item *in, weir_item *out, void *args),
                            const void *args, size_t args_len);
/*
 * Give the first `count` items. `up` is never asked for more, and is ended before the last of them
 * is given, so that a connection closes in the same turn. With 0 it is never started.
 *
 * To weir_head and weir_skip all runs with one state are one run: where a source, with weir_buffer,
 * weir_head and weir_skip at most between, goes on from a saved position, they go on counting.
 * Behind other stages they count anew, since what those took away is not in the state.
 */
WEIR_API weir_gen *weir_head(WEIR_TAKES weir_gen *up, uint64_t count);
/* Give the first `count` items of this run, whatever earlier runs with the same state have given: a
 * limit of the run, where weir_head is a part of the pipeline. Otherwise as weir_head. */
WEIR_API weir_gen *weir_head_of_run(WEIR_TAKES weir_gen *up, uint64_t count);
/* Give all but the first `count` items, which count as filtered. With a state: see weir_head. */
WEIR_API weir_gen *weir_skip(WEIR_TAKES weir_gen *up, uint64_t count);
/*
 * Pass the items whose text (weir_item_text) contains `text`, the others count as filtered. A batch,
 * or a value without a text, is WEIR_EINVAL.
 *
 * text     bytes, no pattern; case matters; copied. Empty: all items.
 */
WEIR_API weir_gen *weir_grep(WEIR_TAKES weir_gen *up, const char *text);
/* Pass the items whose text does not contain `text`; otherwise as weir_grep. Empty: none. */
WEIR_API weir_gen *weir_grep_without(WEIR_TAKES weir_gen *up, const char *text);
/*
 * Group items: weir_item_parts() opens a batch. What has come when the upstream ends or fails is a
 * batch, too. It keeps its items, so they are alive as long as it is; a batch that waits has the
 * pull behind it under way, as weir_next_within.
 *
 * The 64 bytes of each item are charged to the loop's budget. Where that is used up, a batch with
 * wait_ms goes with what it has, one without waits, and no batch begins while earlier ones are
 * kept.
 *
 * options  NULL: the defaults. Copied.
 * Failure  WEIR_EBUDGET: it waits for a budget that nobody can give back.
 */
WEIR_API weir_gen *weir_batch(WEIR_TAKES weir_gen *up, const weir_batch_options *options);
/*
 * Read `up` ahead, in a task of its own, through a queue; the first pull starts it.
 *
 * options  of the queue (queue.h); default name "buffer". NULL: the defaults. Copied.
 */
WEIR_API weir_gen *weir_buffer(WEIR_TAKES weir_gen *up, const weir_queue_options *options);
/*
 * Give the items of several generators as they come, each one's in its own order. Each has at most
 * one pull under way. The first failure ends the merge, and the others with it.
 *
 * scope    where the merge is made; the generators may be of others of the same loop.
 * gens     `count` of them, all taken; the array is copied. 0 is allowed: an end.
 */
WEIR_API weir_gen *weir_merge(weir_scope *scope, WEIR_TAKES weir_gen **gens, size_t count);

typedef struct weir_tee_options {
    size_t struct_size;
    int32_t on_failure; /* of a sink. WEIR_CANCEL_REST (default): the tee ends with that failure.
                           WEIR_GO_ON: the others go on without it; what it had not committed counts
                           as dropped, and the failure is logged and told at the end */
    int32_t reserved;
} weir_tee_options;

/*
 * Give the items of `up`, and put each one to several sinks before. A sink that has no room is waited
 * for, so the slowest one sets the pace; a queue's writing end with a policy that drops keeps a slow
 * one from that. When `up` ends, or the reader wants no more, the sinks are finished; when `up`
 * fails, they are told.
 *
 * sinks    `count` of them, all taken, of the same loop; they end with the tee. The array is copied.
 * options  NULL: the defaults. Copied.
 * Failure  of `up` and, by options->on_failure, of a sink.
 */
WEIR_API weir_gen *weir_tee(WEIR_TAKES weir_gen *up, WEIR_TAKES weir_sink **sinks, size_t count,
                            const weir_tee_options *options);
/*
 * Move all items into several sinks, each item into all of them, then end all: weir_pump for more
 * than one. With WEIR_GO_ON it goes on until the last sink has failed.
 *
 * sinks    `count` of them, all taken. With 0 nothing is moved.
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the failure that came first, also of one that the others went on
 *          without.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_pump_all(WEIR_TAKES weir_gen *gen,
                                                         WEIR_TAKES weir_sink **sinks, size_t count,
                                                         const weir_tee_options *options,
                                                         weir_error *error);

#ifdef __cplusplus
}
#endif

#endif
