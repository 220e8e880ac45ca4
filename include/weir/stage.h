/*
 * stage.h - ready-made stages: each takes a generator and gives one.
 *
 * The idea. A stage runs on the stack of its reader and asks upstream for no more than it was asked
 * for, so a chain of stages costs little and reads nothing ahead. Only weir_buffer, and waits with
 * a limit (weir_batch, weir_merge), have a task of their own upstream.
 *
 * Lifetime.  A stage takes its upstream, is made in the upstream's scope, and ends it when it ends.
 * Failure.   Makers never return NULL. A failure of the upstream is passed on, after the items
 *            before it. Every stage can fail with WEIR_ENOMEM; without memory for the stage itself,
 *            its upstream ends with its scope.
 * Threads.   The thread of the upstream's loop.
 */
#ifndef WEIR_STAGE_H
#define WEIR_STAGE_H

#include <weir/expression.h>
#include <weir/gen.h>
#include <weir/queue.h>
#include <weir/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When a batch is complete: when the first of the three limits is reached. WEIR_NONE: no such
 * limit. */
typedef struct weir_batch_options {
    size_t struct_size;
    int64_t items_max, bytes_max; /* default 1000 and 1 MiB; the last item may exceed the bytes */
    int64_t wait_ms;              /* since the first item came; default 1000 */
} weir_batch_options;

/*
 * Cut bytes into items: lines, texts that end with NUL, records by their length, server-sent
 * events, JSON values, rows of values. It does not matter where the items of `bytes` are cut: their texts (weir_item_text) are
 * one stream.
 *
 * Directly after weir_http_bytes, weir_file_bytes, weir_socket_bytes or weir_fd_bytes, the source
 * cuts its bytes itself, and so does weir_decoded. The items then have the source's positions, and the returned generator is
 * the source (for events it is that of weir_http_events, which asks again after the last id). After
 * any other generator, the items belong to a new source in the ledger.
 *
 * An item over the limit is left out or cut, or it is a failure, as framing->overlong says. An item
 * that is left out counts as rejected and is logged. Records (len32, varint) are skipped by their
 * length. The limit of an event is for its data; its id and its type may have 8 KiB. A JSON value
 * over the limit is left out where it would be cut.
 *
 * bytes    taken. A batch in it, or a value without a text, is WEIR_EINVAL.
 * framing  NULL: lines, with the defaults. Copied.
 * Gives    lines by the rules of the line sources (<weir/source.h>); records without their length;
 *          for WEIR_FRAME_SSE weir_event messages. The body of such an event is its data. It has
 *          the last event id, the field `event` ("message" where the stream gives no name) and, if
 *          the stream gives it in this event, `retry`. An event that is incomplete at the end of
 *          the stream is not given. For WEIR_FRAME_JSON each value as it stands in the stream, with
 *          weir_json_type; values may have several lines, and several may stand on a line. What is
 *          not JSON is given without a type, from where the value begins to the end of the line
 *          with the mistake: reject it (the stage `json` does).
 * Fails    WEIR_EINVAL: the framing. WEIR_ETOOLONG, by framing->overlong. WEIR_EPARSE: a varint of
 *          more than 10 bytes. WEIR_ETRUNCATED: the bytes end inside a record. WEIR_EBUDGET: an
 *          item does not fit into the loop's budget. WEIR_ENOMEM. When `bytes` fails, the items
 *          before the failure are given, and an incomplete one is not. offset tells where.
 */
WEIR_API weir_gen *weir_framed(WEIR_TAKES weir_gen *bytes, const weir_framing *framing);
/* weir_framed(bytes, NULL). */
WEIR_API weir_gen *weir_lines(WEIR_TAKES weir_gen *bytes);
/* How bytes are compressed. */
enum weir_coding {
    WEIR_CODING_GZIP = 0,
    WEIR_CODING_ZSTD = 1,
    WEIR_CODING_BROTLI = 2,
    WEIR_CODING_LZ4 = 3,    /* frames, not the legacy format */
    WEIR_CODING_DEFLATE = 4 /* in a zlib wrapper or without */
};
typedef struct weir_decoding {
    size_t struct_size;
    int32_t coding; /* enum weir_coding */
    int32_t reserved;
    int64_t bytes_max; /* of the decoded data; 0, WEIR_NONE: no limit */
    int64_t ratio_max; /* decoded bytes for each byte of the input, after the first 10 MiB; default
                          1000, WEIR_NONE: no limit */
    int64_t window_bytes_max; /* of zstd; default 8 MiB, WEIR_NONE: half of the loop's budget.
                                 Frames of `zstd --ultra` and `zstd --long` need up to 128 MiB, or
                                 what --long=N says */
    int64_t empty_bytes_max;  /* of the input in a row that decode to nothing, as empty members and
                                 skippable frames do; default 16 MiB, WEIR_NONE: no limit */
} weir_decoding;

/*
 * Decompress one stream of bytes. It does not matter where the items of `bytes` are cut. Members or
 * frames that follow each other are one stream (not for brotli and deflate). What follows the last
 * member of gzip and is not gzip is left out, with a warning in the log, as gzip(1) does.
 *
 * All that can be decoded of an item is given before the next one is pulled. The decoder's memory is
 * charged to the loop's budget, of which it may have half. With a state it continues as weir_framed
 * does: a restart reads the input from the beginning.
 *
 * bytes     taken. A batch in it, or a value without a text, is WEIR_EINVAL.
 * decoding  NULL: gzip, with the defaults. Copied.
 * Gives     pieces of bytes (WEIR_ITEM_BYTES), which belong to a new source in the ledger. weir_framed
 *           after it makes it give lines or records instead.
 * Fails     WEIR_EINVAL: the options. WEIR_EPARSE: the input is damaged or in another format, or more
 *           than empty_bytes_max of it decode to nothing. WEIR_ETRUNCATED: it ends too early, or is
 *           empty. WEIR_ETOOLONG: another limit; the message names its option. WEIR_EBUDGET: the
 *           decoder needs more than half of the budget. WEIR_ENOMEM. The data before the failure is
 *           given; offset is the byte of the input.
 */
WEIR_API weir_gen *weir_decoded(WEIR_TAKES weir_gen *bytes, const weir_decoding *decoding);

typedef struct weir_encoding {
    size_t struct_size;
    int32_t coding; /* WEIR_CODING_GZIP, WEIR_CODING_ZSTD */
    int32_t level;  /* gzip: 1 to 9, default 6; zstd: 1 to 19, default 3 */
    int32_t
        members; /* 1: each piece of output is a member or frame of its own. Then what is cut off
                        after any piece, and continued by another run, is still one valid stream: for
                        a sink with a state. 0 (default): the whole stream is one member */
    int32_t reserved;
} weir_encoding;

/*
 * Compress the texts of items (weir_item_text). A line gets its line end; pieces are compressed as
 * they are.
 *
 * Each pull takes the items that are there, up to 256 KiB, and gives one piece of output that a
 * reader can decode up to the last of them. So nothing is held back while `up` waits. A stream that
 * comes fast is compressed in large pieces, and one that comes line by line less well. The piece
 * stands for its items: they settle with it. Without `members`, the end of the stream is a last
 * piece; when `up` fails it is missing, so that a reader sees that the stream is not complete. The
 * encoder's memory is charged to the loop's budget, of which it may have half: with a small budget
 * zstd's window is smaller.
 *
 * up        taken. A batch in it, or a value without a text, is WEIR_EINVAL.
 * encoding  NULL: gzip, with the defaults. Copied.
 * Gives     pieces of bytes (WEIR_ITEM_BYTES).
 * Fails     WEIR_EINVAL: the options. WEIR_EBUDGET: the level needs more than half of the budget.
 */
WEIR_API weir_gen *weir_encoded(WEIR_TAKES weir_gen *up, const weir_encoding *encoding);
/*
 * Give the items of a stage positions by their number, for a stage whose items depend on all that it
 * has read since the beginning, such as a decompressor. For weir_framed this is not needed. Without
 * a state it only numbers the items.
 *
 * The record of the state keeps how many of these items have settled (how many bytes, for pieces of
 * bytes), and where the source begins. A restart reads the source from there, and leaves out the
 * items that have settled; they are not counted. So the same input must give the same items. The
 * source must be able to begin again and prove that it is the same (a regular file; a response with
 * a strong validator). There must be only one, without weir_tee, weir_merge or a buffer that drops
 * items in between. Otherwise the items have no position: nothing is cut, and the pipeline is
 * best-effort.
 *
 * up       the stage, whose upstream is complete. Not pulled yet.
 * Failure  WEIR_EINVAL: the stored position is invalid, or belongs to a pipeline without this stage.
 */
WEIR_API weir_gen *weir_replayed(WEIR_TAKES weir_gen *up);
/*
 * Pass on the items for which keep() is true; the others count as filtered at once.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "filter".
 * keep     called for one item at a time, never ahead of demand; must not suspend. It decides by
 *          the item's content: its number begins with 1 again when a run continues an earlier one.
 * args     args_len bytes, copied, passed to keep; NULL with 0.
 */
WEIR_API weir_gen *weir_filter(WEIR_TAKES weir_gen *up, const char *name,
                               bool (*keep)(const weir_item *item, const void *args),
                               const void *args, size_t args_len);
/*
 * Make one new item from each item.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "map".
 * map      fills *out, which starts as a copy of *in. The stage sets its number, origin and
 *          receipt. out->data must live until the next call: in `in`, in the stage's own copy of
 *          args, or static. Returns 0, or a negative code that fails the stage. Must not suspend.
 * args     args_len bytes, copied, passed to map, which may change them; NULL with 0.
 */
WEIR_API weir_gen *weir_map(WEIR_TAKES weir_gen *up, const char *name,
                            int (*map)(const weir_item *in, weir_item *out, void *args),
                            const void *args, size_t args_len);
/*
 * Pass on the items for which an expression is true, as they came: `where` of a pipeline text. An
 * item passes if any output of the expression is neither false nor null. The others count as
 * filtered, and so does a line of white space. An item that is not JSON (weir_expr_run says what is
 * read), or for which the expression fails, counts as rejected, and its reason is written to the log.
 *
 * text     an expression, as ".level >= 3". Copied.
 * options  its variables are copied. An item for which the expression needs more than 64 MiB is
 *          rejected, and other tasks run while it takes long, whatever the options say. NULL: none.
 * Fails    WEIR_EPARSE: the text; offset is the place in it. WEIR_EINVAL: a variable; or an item
 *          that is a batch, or a value without a text. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_where(WEIR_TAKES weir_gen *up, const char *text,
                              const weir_expr_options *options);
/*
 * Give all outputs of an expression for each item, each as one JSON text (weir_json_type): `map` of a
 * pipeline text. An output is computed when it is pulled. An item without any counts as filtered, and
 * an item settles when its outputs have.
 *
 * text, options, Fails  as for weir_where; and WEIR_EBUDGET: an output does not fit into the loop's
 *          budget.
 */
WEIR_API weir_gen *weir_map_expr(WEIR_TAKES weir_gen *up, const char *text,
                                 const weir_expr_options *options);
/*
 * Give the first `count` items. `up` is never asked for more, and is ended before the last of them
 * is given, so that a connection closes in the same turn. With 0 it is never started.
 *
 * For weir_head and weir_skip, all runs with one state count as one run: they continue to count
 * when the source continues from a saved position. This needs a source with only weir_buffer,
 * weir_head and weir_skip in between. After any other stage they count from 0 in each run, since
 * the state does not record what that stage removed.
 */
WEIR_API weir_gen *weir_head(WEIR_TAKES weir_gen *up, uint64_t count);
/* Give the first `count` items of this run, whatever earlier runs with the same state have given.
 * It limits the run, while weir_head is a part of the pipeline. Otherwise as weir_head. */
WEIR_API weir_gen *weir_head_of_run(WEIR_TAKES weir_gen *up, uint64_t count);
/* Give all but the first `count` items, which count as filtered. With a state: see weir_head. */
WEIR_API weir_gen *weir_skip(WEIR_TAKES weir_gen *up, uint64_t count);
/*
 * Pass on the items whose text (weir_item_text) contains `text`; the others count as filtered. A
 * batch, or a value without a text, is WEIR_EINVAL.
 *
 * text     bytes, not a pattern; case-sensitive; copied. Empty: all items (a pipeline text has no
 *          empty text).
 */
WEIR_API weir_gen *weir_grep(WEIR_TAKES weir_gen *up, const char *text);
/* Pass on the items whose text does not contain `text`; otherwise as weir_grep. Empty: none. */
WEIR_API weir_gen *weir_grep_without(WEIR_TAKES weir_gen *up, const char *text);
/*
 * Group items; weir_item_parts() opens a batch. When the upstream ends or fails, the items so far
 * are a batch, too. A batch keeps its items, so they live as long as the batch. While a batch
 * waits, its pull of the upstream is pending, as in weir_next_within.
 *
 * The 64 bytes of each item are charged to the loop's budget. When the budget is used up, a batch
 * with wait_ms is given with the items it has, and one without wait_ms waits; no batch begins while
 * earlier ones are kept.
 *
 * options  NULL: the defaults. Copied.
 * Failure  WEIR_EBUDGET: it waits for the budget, and no holder is left that can release any of it.
 */
WEIR_API weir_gen *weir_batch(WEIR_TAKES weir_gen *up, const weir_batch_options *options);
/* When an item of several lines is complete, besides the line that begins the next one. */
typedef struct weir_multiline_options {
    size_t struct_size;
    int64_t lines_max, bytes_max; /* of an item; default 500 and 1 MiB; WEIR_NONE: no limit. A line
                                     that is longer is an item */
    int64_t wait_ms;              /* since its last line; default 2000 */
} weir_multiline_options;
/*
 * Join lines to items: an item begins with a line that matches `start`, and has all lines up to the
 * next one that does, with the line ends between them. Lines before the first such line are an item
 * of their own. Lines of several origins (the files of a tail) are joined apart; of more than 256
 * that have an unfinished item, the oldest item is given. An item is also given when it has reached
 * a limit, which is logged once, when no line of its origin has come for wait_ms, and at the end.
 *
 * The receipt of an item is that of all its lines: with a state a position does not pass an item
 * that has not settled. seq is that of the last line, time_ns that of the first.
 *
 * up       taken; lines.
 * start    a regular expression (PCRE2); it matches bytes unless it is not ASCII. Copied.
 * options  NULL: the defaults. Copied.
 * Failure  WEIR_EINVAL: the pattern or an option is invalid. WEIR_ENOMEM. WEIR_EBUDGET.
 */
WEIR_API weir_gen *weir_multiline(WEIR_TAKES weir_gen *up, const char *start,
                                  const weir_multiline_options *options);
/*
 * Read `up` ahead, in a task of its own, through a queue; the first pull starts it.
 *
 * options  of the queue (queue.h); default name "buffer". NULL: the defaults. Copied.
 */
WEIR_API weir_gen *weir_buffer(WEIR_TAKES weir_gen *up, const weir_queue_options *options);
/*
 * Give the items of several generators as they come. The items of each one stay in order. Each
 * generator has at most one pending pull. The first pull asks them in the order of the array; so
 * item->origin, which counts sources in the order in which they are pulled first, tells from which
 * of several sources of one name an item is. The first failure ends the merge, and ends the other
 * generators.
 *
 * scope    where the merge is made; the generators may be in other scopes of the same loop.
 * gens     `count` of them, all taken; the array is copied. 0 is allowed: the merge ends at once.
 */
WEIR_API weir_gen *weir_merge(weir_scope *scope, WEIR_TAKES weir_gen **gens, size_t count);

typedef struct weir_tee_options {
    size_t struct_size;
    int32_t on_failure; /* of a sink. WEIR_CANCEL_REST (default): the tee ends with that failure.
                           WEIR_GO_ON: the other sinks continue without it; items that it had not
                           committed count as dropped, and the failure is logged, and reported at
                           the end */
    int32_t reserved;
} weir_tee_options;

/*
 * Give the items of `up`, and put each one to several sinks first. A sink without room is waited
 * for, so the slowest sink sets the pace. Items are put to all sinks before one is committed, so
 * the requests of several weir_http_sink overlap. To prevent this for a slow sink, use the writing end of a
 * queue with a policy that drops. When `up` ends, or the reader wants no more, the sinks are
 * finished. When `up` fails, its failure is passed to the sinks.
 *
 * sinks    `count` of them, all taken, of the same loop. They end with the tee. The array is
 *          copied.
 * options  NULL: the defaults. Copied.
 * Failure  that of `up` and, depending on options->on_failure, of a sink.
 */
WEIR_API weir_gen *weir_tee(WEIR_TAKES weir_gen *up, WEIR_TAKES weir_sink **sinks, size_t count,
                            const weir_tee_options *options);
/*
 * Move all items into several sinks, each item into all of them, then end all: weir_pump for more
 * than one sink. With WEIR_GO_ON it continues until the last sink has failed.
 *
 * sinks    `count` of them, all taken. With 0 nothing is moved.
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the first failure, also that of a sink that the others continued
 *          without.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_pump_all(WEIR_TAKES weir_gen *gen,
                                                         WEIR_TAKES weir_sink **sinks, size_t count,
                                                         const weir_tee_options *options,
                                                         weir_error *error);

/* How items are written for people, or for a program that is not weir. 0 is "no" everywhere. */
typedef struct weir_show_options {
    size_t struct_size;
    int32_t raw;    /* 1: of a JSON string its text, without quotes and escapes, as by jq -r */
    int32_t pretty; /* 1: JSON in several lines, indented by two spaces, as by jq */
    int32_t colour; /* 1: JSON with the escape sequences of a terminal */
    /* 1: control characters other than line end and tab, marks that turn the direction of writing,
     * and bytes that are not UTF-8 are written as \x1b, \u009b and the like, so that a terminal does
     * not obey them. */
    int32_t harmless;
    /* 1: one JSON object for each item: {"origin":"file(a)","number":7,"position":"offset 81","time":
     * "2024-05-01T12:00:00.000Z","key":"k","id":"i","fields":{...},"body":...}. origin, position and
     * time are null where they are not known; positions are known with a state. key, id and fields are there where an event has them. body is a
     * JSON value of an item that is JSON, else a string; body64 in its place has bytes that are not
     * UTF-8. */
    int32_t envelope;
    int32_t reserved;
    /* A text for each item, without a line end of its own:
     * %s the text   %S its bytes   %k the key   %K its bytes   %i the id   %h the fields, a=1,b=2
     * %t the origin   %n the number   %o the position   %T the time in ms since 1970   %% a percent
     * with the escapes \n \r \t \\ \xHH. NULL: none. Excludes raw, pretty and envelope. */
    const char *format;
} weir_show_options;

/*
 * Write items for a terminal, or in the form that another program expects. Put it directly before
 * the sink. Items that need no change are passed on as they are, and so are lines that are not JSON,
 * where no other option has an effect on them. A batch becomes one item, with a line for each part.
 *
 * options  copied. NULL: nothing is changed.
 * Fails    WEIR_EINVAL: the format is wrong, or options exclude each other. WEIR_EBUDGET, WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_shown(WEIR_TAKES weir_gen *up, const weir_show_options *options);

#ifdef __cplusplus
}
#endif

#endif
