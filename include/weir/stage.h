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
 * Give the items up to the first for which an expression is true; `until` of a pipeline text. Then `up`
 * is ended, before that item is given. `up` is asked for one item at a time. An item that is not JSON,
 * or for which the expression fails, counts as rejected. With a state, use weir_replayed.
 *
 * without  that item is left out, too, and counts as filtered.
 * text, options, Fails  as for weir_where.
 */
WEIR_API weir_gen *weir_until(WEIR_TAKES weir_gen *up, const char *text, bool without,
                              const weir_expr_options *options);
/*
 * Pass on the items for which an expression is true; the first other one is a failure: `assert` of a
 * pipeline text. So is one that is not JSON, or for which the expression fails.
 *
 * text, options  as for weir_where.
 * Fails    as weir_where, and with what is wrong with the item: WEIR_EPARSE, WEIR_ETOOLONG.
 */
WEIR_API weir_gen *weir_assert(WEIR_TAKES weir_gen *up, const char *text,
                               const weir_expr_options *options);
/*
 * Give each value behind its number, [0,VALUE], [1,VALUE] and so on, as JSON (weir_json_type). It
 * counts what it gives: a line of white space counts as filtered, and what is not JSON as rejected.
 * With a state, use weir_replayed.
 *
 * from     the first number.
 * Fails    WEIR_EINVAL: an item that is a batch, or a value without a text.
 */
WEIR_API weir_gen *weir_enumerate(WEIR_TAKES weir_gen *up, int64_t from);
/*
 * Set a field of each object to the number that the item has at its source (weir_item.seq). What is
 * not JSON, or no object, counts as rejected. With a state, use weir_replayed: a run that continues
 * another one begins with 1 again.
 *
 * field    a path, as ".at.line"; NULL: ".seq". Copied.
 * Fails    WEIR_EPARSE: the path. WEIR_EINVAL: as for weir_enumerate.
 */
WEIR_API weir_gen *weir_seq(WEIR_TAKES weir_gen *up, const char *field);
/* Give each value but the first, which counts as filtered, behind the one before it: [BEFORE,VALUE],
 * as JSON. Otherwise as weir_enumerate. */
WEIR_API weir_gen *weir_pairwise(WEIR_TAKES weir_gen *up);
/*
 * Give a running result after each value: the first output of an expression, in which $acc is the
 * result before it. With $acc + . it is the sum so far. Where the expression has no output, the item
 * counts as filtered and the result stays. The last result counts as scratch of the stage: an item
 * whose result does not fit into half of the budget counts as rejected.
 *
 * text, options, Fails  as for weir_where.
 * initial  $acc for the first value, a JSON text; WEIR_EINVAL if it is none. NULL: null. Copied.
 */
WEIR_API weir_gen *weir_accumulate(WEIR_TAKES weir_gen *up, const char *text, const char *initial,
                                   const weir_expr_options *options);

/* Which items weir_uniq compares, and how much it remembers. WEIR_NONE: no such limit. */
typedef struct weir_uniq_options {
    size_t struct_size;
    const char *by; /* an expression: what it gives is the key; NULL: the item's text. Copied */
    int64_t
        keys_max; /* of the items passed on last; default 1: only the one before, as uniq(1) does;
                          with within_ms: no limit */
    int64_t within_ms; /* since it was passed on; default: no limit */
    int64_t
        bytes_max; /* for the keys; default 16 MiB. When they need more, or the budget is used up,
                          the oldest are forgotten, which is logged once */
} weir_uniq_options;
/*
 * Leave out items whose key is that of an item that was passed on before; they count as filtered.
 * Keys are compared byte by byte. With `by`, what is not JSON counts as rejected.
 *
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EINVAL: the options; an item that is a batch, or a value without a text. WEIR_EPARSE:
 *          by.
 */
WEIR_API weir_gen *weir_uniq(WEIR_TAKES weir_gen *up, const weir_uniq_options *options);
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
/*
 * Give the last `count` items, when `up` has ended or failed; the others count as filtered as soon as
 * later ones have come. They are kept by reference: their bytes, and above a thousand 64 bytes for
 * each, are charged to the loop's budget.
 *
 * Fails    WEIR_EBUDGET: they do not fit into the budget.
 */
WEIR_API weir_gen *weir_last(WEIR_TAKES weir_gen *up, uint64_t count);
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
/* How weir_sort orders items, and how many it takes. */
typedef struct weir_sort_options {
    size_t struct_size;
    int64_t items_max; /* must be set: all items are in memory */
    const char
        *by;      /* an expression, whose outputs are compared one after the other in jq's order of
                          values; NULL: the item's text, byte by byte. Copied */
    int32_t desc; /* 1: the largest first */
    int32_t numeric; /* 1: by the number that the text begins with, as sort -n; with `by`, strings
                          count as such numbers */
} weir_sort_options;
/*
 * Give all items in their order, when `up` has ended; equal ones as they came. Items are kept by
 * reference: their bytes, and about 120 bytes for each, are charged to the loop's budget. With `by`, what is
 * not JSON counts as rejected. When `up` fails, nothing is given.
 *
 * options  not NULL. Copied.
 * Fails    WEIR_EINVAL: items_max is not positive; an item that is a batch, or a value without a text.
 *          WEIR_ETOOLONG: more than items_max items. WEIR_EBUDGET: they do not fit into the budget.
 *          WEIR_EPARSE: by.
 */
WEIR_API weir_gen *weir_sort(WEIR_TAKES weir_gen *up, const weir_sort_options *options);
/* Give the items in batches one by one, each with its own receipt, and what is no batch as it is. */
WEIR_API weir_gen *weir_unbatch(WEIR_TAKES weir_gen *up);
/*
 * Give the bytes of all items as pieces of one size; the last one may be shorter. It does not matter
 * how large the items are: the time is that of the bytes, and where a piece lies within one item it is
 * not copied. Lines have their line ends. A piece stands for all items of which it has bytes: an item
 * settles with its last piece. With a state, use weir_replayed.
 *
 * bytes    of a piece, at least 1 and less than 2 GiB. The piece that is not full yet is charged to the
 *          loop's budget.
 * Gives    pieces of bytes (WEIR_ITEM_BYTES).
 * Fails    WEIR_EINVAL: bytes; an item that is a batch, or a value without a text. WEIR_EBUDGET: a
 *          piece does not fit into the budget. When `up` fails, the bytes before it are given.
 */
WEIR_API weir_gen *weir_rechunk(WEIR_TAKES weir_gen *up, int64_t bytes);
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
/* Read `items` items ahead, at least 1: weir_buffer that waits when it is full. */
WEIR_API weir_gen *weir_prefetch(WEIR_TAKES weir_gen *up, int64_t items);
/* Keep only the newest item for a reader that is slower than `up`: weir_buffer with WEIR_LATEST. The
 * others count as dropped. */
WEIR_API weir_gen *weir_latest(WEIR_TAKES weir_gen *up);
/*
 * Give no more than `amount` items, or bytes of items, in per_ms milliseconds. It waits before it pulls,
 * so while it waits nothing is read. The rate holds over any time, without drift; what was not used is
 * saved for 100 ms. The size of an item is known only when it is there: after a large one it waits
 * longer.
 *
 * Fails    WEIR_EINVAL: amount or per_ms is not positive.
 */
WEIR_API weir_gen *weir_throttle(WEIR_TAKES weir_gen *up, int64_t amount, bool bytes,
                                 int64_t per_ms);

/* What weir_sample passes on: one of the first three must be set. */
typedef struct weir_sample_options {
    size_t struct_size;
    int64_t every; /* the items with the numbers N, 2N, 3N ... of those that it reads */
    int64_t
        every_ms; /* the first item of each so many milliseconds, from the first one on. The others
                         count as dropped: another run gives other items */
    double share; /* of all items, above 0 and at most 1; which ones is decided by the seed and an
                         item's place, so two runs give the same */
    uint64_t seed;
} weir_sample_options;
/*
 * Pass on some of the items; the others count as filtered, by time as dropped. With a state, use
 * weir_replayed.
 *
 * options  not NULL. Copied.
 * Fails    WEIR_EINVAL: the options.
 */
WEIR_API weir_gen *weir_sample(WEIR_TAKES weir_gen *up, const weir_sample_options *options);

/* How much weir_delay holds; when it is full, nothing more is read. WEIR_NONE: no such limit. */
typedef struct weir_delay_options {
    size_t struct_size;
    int64_t items_max, bytes_max; /* default 1024 and 1 MiB */
} weir_delay_options;
/*
 * Give each item `ms` milliseconds after it was read. Items keep their order and, as long as the limits
 * are not reached, their distances. While it waits, a pull of `up` is pending, as in weir_next_within.
 * When `up` ends or fails, the items that wait are given first, in their time.
 *
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EINVAL: ms is negative, or an option is wrong. WEIR_EBUDGET.
 */
WEIR_API weir_gen *weir_delay(WEIR_TAKES weir_gen *up, int64_t ms,
                              const weir_delay_options *options);
/* Give what comes within `ms` milliseconds from the first pull on; then `up` is ended, also while it
 * waits for an item. It limits this run: a later run with the same state has as much time. WEIR_EINVAL:
 * ms is not positive. */
WEIR_API weir_gen *weir_for(WEIR_TAKES weir_gen *up, int64_t ms);
/* Give a line when the reader has waited `ms` milliseconds for an item, and again after each further ms.
 * Such a line belongs to no source item: it has no number and no receipt. While it is given, the pull of
 * `up` is pending, as in weir_next_within.
 *
 * text     of the line. NULL: empty. Copied.
 * Fails    WEIR_EINVAL: ms is not positive. */
WEIR_API weir_gen *weir_keepalive(WEIR_TAKES weir_gen *up, int64_t ms, const char *text);
/* Fail with WEIR_ETIMEDOUT when the reader has waited `ms` milliseconds for an item. The time in which
 * it does not wait does not count. WEIR_EINVAL: ms is not positive. */
WEIR_API weir_gen *weir_timeout(WEIR_TAKES weir_gen *up, int64_t ms);
/*
 * Pass all items on, and write some of them to the log of the loop (weir_loop_options), with their numbers.
 *
 * message   in place of the items' texts, of which the first 200 bytes are written. NULL: none. Copied.
 * a_second  items written in one second; the others are counted, and their number is written with the
 *           next one or at the end. 0: 10; WEIR_NONE: no limit.
 */
WEIR_API weir_gen *weir_logged(WEIR_TAKES weir_gen *up, const char *message, int64_t a_second);
/* Pass all items on, and write to the log how many items and bytes a second come: every every_ms
 * milliseconds (0: 1000) when there are items, and for the whole at the end. WEIR_EINVAL: every_ms is
 * negative. */
WEIR_API weir_gen *weir_metered(WEIR_TAKES weir_gen *up, int64_t every_ms);
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

/*
 * Give the items of several generators, one generator after the other. A generator is first pulled when
 * the one before it has ended. The first failure ends the others.
 *
 * scope, gens, count  as for weir_merge.
 */
WEIR_API weir_gen *weir_concat(weir_scope *scope, WEIR_TAKES weir_gen **gens, size_t count);
/*
 * Read a generator to its end, and keep all items: for streams that are known to be short. Both limits must
 * be given. What is kept is charged to the loop's budget as long as it is kept.
 *
 * items_max, bytes_max  at least 1. A stream with more items, or with more bytes in them, is a failure.
 * items     [out] `*count` items, each kept by weir_item_keep; weir_collected_free frees them. NULL for no
 *           items, and on a failure.
 * error     [out] the failure, code 0 when there is none.
 * Returns   0; the failure of gen; WEIR_ETOOLONG: a limit is reached, and the rest is not read;
 *           WEIR_EINVAL: a limit is 0; WEIR_EBUDGET; WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_collect(WEIR_TAKES weir_gen *gen, size_t items_max,
                                                        size_t bytes_max, weir_item **items,
                                                        size_t *count, weir_error *error);
/* Release the items, which count as delivered, and free the array. NULL with 0 is allowed. */
WEIR_API void weir_collected_free(WEIR_TAKES weir_item *items, size_t count);

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
