/*
 * sink.h - sinks: objects that take items and end the chain.
 *
 * The idea. A sink is the mirror of a generator: put instead of next. Items may be collected into
 * larger writes. They are flushed before the loop goes idle, without an option for it: a single
 * line is sent at once. A receipt settles when the sink has committed, and only then does a saved
 * position move.
 *
 * Lifetime.  WEIR_TAKES as everywhere; items given to put belong to the caller again when put
 *            returns. Making a sink opens nothing. A sink that the program does not end is ended
 *            with its scope.
 * Failure.   Makers never return NULL; a failed maker gives a sink that fails. A failure is final:
 *            put returns false from then on, and weir_sink_finish or weir_pump reports it.
 * Threads.   A sink belongs to its loop's thread (asserted), and only one task may put at a time
 *            (asserted, except for the end of a queue); weir_sink_share makes a second writer of a
 *            queue.
 * Misuse.    Aborts with a message that names the function: a NULL; a sink that was finished,
 *            discarded or pumped (if its memory still shows it); the 1,000th put after a failure,
 *            since the caller ignores false.
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <weir/gen.h>
#include <weir/item.h>
#include <weir/scope.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Put an item; waits while the sink has no room.
 *
 * item     used during the call only. Its receipt, if any, is held until a commit.
 * Returns  false: the sink has failed, which is final.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put(weir_sink *sink, const weir_item *item);
/* Put `count` items, all or a failure, as weir_put; 0 is allowed. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put_many(weir_sink *sink, const weir_item *items,
                                                          size_t count);
/*
 * Put an item without waiting, from anywhere on the loop's thread, also from a function that the
 * loop calls on its own stack (weir_each, a callback of libuv).
 *
 * sink     the writing end of a queue or a channel. Any other sink may have to wait for an item, so
 *          it aborts: put a queue before it.
 * item     as for weir_put.
 * Returns  1: the item is taken, or dropped as the queue's policy says. 0: there is no room now,
 *          and nothing has happened. Negative: the code of the sink's failure, which is final.
 */
WEIR_API WEIR_MUST_CHECK int weir_try_put(weir_sink *sink, const weir_item *item);
/*
 * Wait until everything that was put is committed, and settle its receipts. Committed means:
 * written for a descriptor, a file and a socket (a file's bytes reach the disk when a state is
 * saved); handed over for the end of a queue; for a sink of the program (weir_sink_new), what its
 * commit ensures.
 *
 * Returns  false: the sink has failed, which is final.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_commit(weir_sink *sink);
/*
 * Commit, end, and free a sink. The reader of a queue sees a normal end, and is not waited for.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the failure: WEIR_ECLOSED: the far end has gone. WEIR_ECONNECT,
 *          WEIR_ERESOLVE, WEIR_ETLS, WEIR_ELOST: a socket. WEIR_EIO, detail errno: a write, an
 *          open, a socket that cannot be made, a state that cannot be saved. WEIR_ETIMEDOUT: its
 *          timeout. WEIR_ECANCELED, WEIR_EINVAL, WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_sink_finish(WEIR_TAKES weir_sink *sink,
                                                            weir_error *error);
/*
 * End a sink because its feeder has failed. The reader of a queue sees *why after the items already
 * put. Other sinks commit the items they have, for which they may wait, and end; a failure of that
 * commit is not reported.
 */
WEIR_API WEIR_SUSPENDS void weir_sink_fail(WEIR_TAKES weir_sink *sink, const weir_error *why);
/*
 * End a sink in a clean-up path; NULL is allowed. Items that were not committed may be lost. The
 * reader of a queue sees WEIR_EABANDONED, since a discarded writer is not a normal end. A failure
 * is written to the log. A sink that writes may wait for a pending write or save.
 */
WEIR_API WEIR_SUSPENDS void weir_sink_discard(WEIR_TAKES weir_sink *sink);
/*
 * Move all items, several at a time but never more than fit, then end both. When the generator
 * fails, the items before the failure are committed, and the reader of a queue gets the failure.
 * When the sink fails, the generator is closed, also while it has no items.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the failure that came first: see weir_finish and weir_sink_finish.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_pump(WEIR_TAKES weir_gen *gen,
                                                     WEIR_TAKES weir_sink *sink, weir_error *error);

/*
 * The operations of a program's own sink. `self` is the sink's copy of what weir_sink_new was
 * given. Operations that fail return a negative code, with a text by weir_sink_error. All except
 * flush run on the task that puts, commits or ends. With a commit, receipts settle only by it, and
 * weir_pump commits whenever its generator has no more items available. Without a commit, they
 * settle by a flush that returned 0. Without both, they settle as soon as put_many has returned.
 */
typedef struct weir_sink_ops {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "sink" */
    /* Take `count` items, all or a failure; may suspend. weir_item_keep keeps an item beyond the
     * call. 0 or a negative code. Not NULL. */
    int (*put_many)(weir_sink *sink, void *self, const weir_item *items, size_t count);
    /* Send what put_many buffered, as far as that is possible without waiting. Never suspends:
     * before the loop goes idle, flush runs on the loop's own stack. 0: everything is sent. 1: some
     * is left, and wait or commit waits for it. Negative: failed. NULL: nothing is buffered. */
    int (*flush)(weir_sink *sink, void *self);
    /* Wait until everything that was put is safe; may suspend. 0 or a negative code. NULL: flush is
     * enough. */
    int (*commit)(weir_sink *sink, void *self);
    /* Release what the sink holds; may suspend. Runs exactly once, also after a failure, and when
     * no item was ever put. 0 or a negative code. NULL: nothing to do. */
    int (*finish)(weir_sink *sink, void *self);
    /* Called after flush has returned 1: wait until it may send more; may suspend. 0 or a negative
     * code. NULL: commit waits itself. */
    int (*wait)(weir_sink *sink, void *self);
    /* Return how many items put_many can take now without waiting. weir_pump then asks its
     * generator for no more, so that it reads no item that would have to wait here. Must not
     * suspend. 0: none; then weir_pump calls wait, or asks for one item if there is no wait. NULL:
     * any number. */
    size_t (*room)(weir_sink *sink, void *self);
    /* Describe in one line what the sink waits for, as snprintf. Must not suspend. NULL: nothing to
     * report. */
    size_t (*why)(const weir_sink *sink, const void *self, char *text, size_t cap);
    /* 1: commit stores the items and weir_state_text in one transaction. weir_pump then commits
     * when its generator has no more items available, and when about 500 items were put since the
     * last commit. */
    int32_t transacts;
} weir_sink_ops;

/*
 * Make a sink with the program's own operations. Calls none of them.
 *
 * ops      copied; without put_many it aborts.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  never NULL. Without memory it fails with WEIR_ENOMEM, and finish does not run.
 */
WEIR_API weir_sink *weir_sink_new(weir_scope *scope, const weir_sink_ops *ops, const void *self,
                                  size_t self_len);
/* Return the scope that a sink was made in: for weir_sleep, weir_wait_fd and similar calls in its
 * operations. */
WEIR_API weir_scope *weir_sink_scope(const weir_sink *sink);
/*
 * Report that the far end has gone while no put is pending, from anywhere on the loop's thread. The
 * sink fails, and a weir_pump that waits for its generator ends. Arguments as for weir_sink_error.
 */
WEIR_API void weir_sink_gone(weir_sink *sink, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);
/*
 * Report why an operation fails: return weir_sink_error(sink, WEIR_EIO, errno, "write: ...");  Only
 * the first failure counts.
 *
 * detail   errno or the like, 0 if none.
 * Returns  code.
 */
WEIR_API int weir_sink_error(weir_sink *sink, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);

/*
 * Make a sink that writes lines to a descriptor: each item's bytes, then its line end as it came.
 * Parts of a batch are separate lines. A value is written as its JSON text, or the sink fails with
 * WEIR_EINVAL when its type has no print function. When the reader of a pipe or terminal leaves,
 * the sink notices it also while nothing is written: WEIR_ECLOSED.
 *
 * fd       belongs to the caller and must stay open until the sink has ended; its flags are not
 *          changed.
 */
WEIR_API weir_sink *weir_fd_sink(weir_scope *scope, int fd);

typedef struct weir_file_options {
    size_t struct_size;
    weir_state *state; /* stores the file's length with the sources' positions; default: none */
    /* 1: the items' receipts settle when their bytes, and the name of a new file, are on the disk
     * (fdatasync, fsync of the folder), so that what depends on it is right after a power cut, too.
     * weir_commit waits for that. With a state nothing waits: its record is never on the disk before
     * the bytes that it counts, with this option or without it. What is no regular file is WEIR_EINVAL.
     * default 0 */
    int32_t durable;
    int32_t reserved;
} weir_file_options;

/*
 * Make a sink that appends lines to a file, in the same format as weir_fd_sink. The first put opens
 * the file, or finish if there was no put. A missing file is created with mode 0666. When the
 * source fails at once, no file is created.
 *
 * With a state, a file that is longer than the length last committed is cut to that length, so that
 * no line is in it twice. A shorter one is WEIR_ECHANGED. After a failed write the message says how
 * many bytes at the start of the file are complete.
 *
 * path     copied.
 * options  NULL: the defaults. Copied; the state must be of the same loop, and is not taken.
 */
WEIR_API weir_sink *weir_file_sink(weir_scope *scope, const char *path,
                                   const weir_file_options *options);

struct weir_socket_options; /* <weir/source.h> */
/*
 * Make a sink that writes to "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH".
 * The first put connects. Data from the peer is read and dropped.
 *
 * The end. weir_sink_finish shuts down the sending side, so that the peer reads an end after the
 * last byte. Then it waits until the peer has taken everything: until the peer sends its own end,
 * or has not reset the connection for one second after its system acknowledged the last byte. A
 * reset is WEIR_ELOST, at any time: also of a local peer, which resets the connection by closing it
 * with unread bytes. A local peer that closes it before the end and has read everything is
 * WEIR_ECLOSED. WEIR_ELOST is also a peer that takes nothing for the drain_ms of the scope (10 s by
 * default) or until the wait is canceled. The message says how many bytes did not arrive. Before the
 * end, the sink waits without limit for a peer that takes nothing, and logs it once after a minute.
 *
 * Connecting again. With `retries`, a lost connection is made again, after a random pause of up to 0.5
 * s, doubled each time up to 30 s; the put that needs it waits. The sink keeps what the peer has not
 * acknowledged, at most 512 KiB, and sends it first, from the beginning of a line or record: a record
 * may come twice. What the peer's system had acknowledged and the peer had not read is lost; a local
 * peer has read what it acknowledges. Both are reported. After `retries` attempts in a row the sink
 * fails: WEIR_ELOST with the number of bytes that were not delivered, WEIR_ECONNECT if there are none.
 * At the end, drain_ms limits the wait for a peer that has gone, too. A failure of TLS is final.
 *
 * TLS. When the sink refuses the peer's certificate, the first put fails with WEIR_ETLS. A peer
 * that refuses the sink's certificate may report it only after the first bytes were written (TLS
 * 1.3). That is WEIR_ETLS, too, and the peer may have read none of these bytes. A close_notify is
 * sent only at a normal end, so that the peer can distinguish it from a failure.
 *
 * address  copied. An invalid one is WEIR_EINVAL, at the first put. NULL: options->socket, see
 *          <weir/socket.h>.
 * options  NULL: the defaults. Copied, with all texts.
 */
WEIR_API weir_sink *weir_socket_sink(weir_scope *scope, const char *address,
                                     const struct weir_socket_options *options);
typedef struct weir_exec_sink_options {
    size_t struct_size;
    int32_t frame;     /* WEIR_FRAME_LINES (default), _NONE, _LEN32 */
    int32_t stdout_fd; /* the command's standard output; default: that of the process */
    int64_t grace_ms;  /* how long the command may take to end after SIGTERM, then SIGKILL; default
                          5 s; WEIR_NONE: no time */
} weir_exec_sink_options;
/*
 * Make a sink that writes to the standard input of a command. The first put starts it, or
 * weir_sink_finish if there was no put: /bin/sh -c COMMAND, with the environment of the process, in a
 * process group of its own. What it writes to standard error is logged (info) line by line; lines that
 * repeat, and more than 20 a second, are counted.
 *
 * The end. weir_sink_finish closes the pipe and waits, without limit, until the command has ended. A
 * status other than 0, or a signal, is WEIR_EEXIT. A command that ends before that has not read all
 * items: WEIR_EEXIT, and WEIR_ECLOSED when its status is 0. After a failure, and when the sink is
 * discarded, what still runs of the process group gets SIGTERM, and SIGKILL when the command has not
 * ended after grace_ms. With a state, items are delivered when the command has read them.
 *
 * A program must ignore SIGPIPE: weir_loop_new.
 *
 * command  copied. It is shown in messages: pass secrets in the environment.
 * options  NULL: the defaults. Copied.
 * Fails    also WEIR_EIO, detail errno: the command cannot be started. WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_exec_sink(weir_scope *scope, const char *command,
                                   const weir_exec_sink_options *options);
struct weir_http_options; /* <weir/source.h> */
typedef struct weir_http_sink_options {
    size_t struct_size;
    /* headers, user, bearer_file, ca_file, ca_folder, tls, connect_ms, first_byte_ms,
     * retry_after_max_ms and setup as for a source. retries: attempts in a row for one request;
     * default: no limit, but no retry when the first connection fails; N > 0: N in both cases;
     * WEIR_NONE: never. The other fields have no effect. NULL: the defaults. Copied. */
    const struct weir_http_options *http;
    int32_t frame;    /* WEIR_FRAME_LINES (default): one line per item, NDJSON; WEIR_FRAME_NONE: the
                         bytes of the items, nothing between */
    int32_t gzip;     /* 1: the body is compressed, Content-Encoding: gzip. default 0 */
    int32_t parallel; /* requests at a time, at most 64; default 1 */
    int32_t reserved;
    const char *type; /* Content-Type; default: application/x-ndjson for lines, else
                         application/octet-stream. Copied */
    const char *name; /* of the pipeline, for Idempotency-Key; default "". Copied */
    /* Statuses that reject items, at most 16; default 400, 413 and 422. Copied. */
    const int32_t *reject_statuses;
    size_t reject_statuses_count;
} weir_http_sink_options;
/*
 * Make a sink that sends POST requests (HTTP/1.1). Each item is the body of one request, and so is
 * each batch (weir_batch). The first put connects. An item settles when the server has answered
 * with a 2xx.
 *
 * Redirects are followed where they keep the request (307 and 308), by the rules of a source. 408,
 * 425, 429, 5xx and errors of the connection are retried, with the pauses of a source. A request
 * whose response was lost is sent again, so the server may get it twice: each request has an
 * Idempotency-Key, which is the same for its retries and different for every other request. A
 * status in reject_statuses counts the items of the request as rejected; after a 413 a batch is
 * first halved. Any other status fails the sink, and items without a 2xx have not settled.
 *
 * url      http:// or https://; a user and password in it are used like options->http->user.
 *          Copied.
 * options  NULL: the defaults.
 * Fails    WEIR_EINVAL: the URL, an option, a header. WEIR_ERESOLVE, WEIR_ECONNECT, WEIR_ETLS,
 *          WEIR_ETIMEDOUT, WEIR_ERESET: the connection, after the last retry. WEIR_EHTTP, detail
 *          the status. WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_http_sink(weir_scope *scope, const char *url,
                                   const weir_http_sink_options *options);
/* Make a sink that discards its items; each put is committed at once. */
WEIR_API weir_sink *weir_null_sink(weir_scope *scope);

/*
 * Make a sink save the positions of a state's sources at its commits. Not for a file sink, which
 * gets its state in its options. What was written and not yet saved when the process died is
 * written again, since it cannot be cut off: at-least-once. Must be called before the first put.
 * Does not suspend.
 *
 * A sink that writes a stream. Bytes in a pipe or a socket are lost when its reader dies. So an
 * item counts as delivered when its last byte has left the kernel's buffer. weir_commit does not
 * wait for that. A save checks how far the reader has read, and that the reader still exists after
 * the check. weir_sink_finish waits until the reader has read everything: WEIR_ELOST when it reads
 * nothing for the drain_ms of the scope (10 s by default), WEIR_ECLOSED when it goes. What it had
 * not read comes again in the next run. A pipe, a fifo and a unix socket are at-least-once up to
 * what the reader had read. For tcp only the state of the peer's kernel is known: best-effort,
 * since the bytes it has acknowledged are lost if the peer dies. For a terminal and a device, and
 * where no source has a position, written items count as delivered.
 *
 * sink     a file sink, or the writing end of a queue, fails with WEIR_EINVAL.
 * state    of the same loop, and not taken. If the state's sources have given items to sinks
 *          without it, the state saves nothing, and logs that when it ends.
 */
WEIR_API void weir_sink_keep_state(weir_sink *sink, weir_state *state);

#ifdef __cplusplus
}
#endif

#endif
