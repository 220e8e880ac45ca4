/*
 * sink.h - sinks: whatever takes items and ends the chain.
 *
 * The idea. A sink is the mirror of a generator: put instead of next. What was put may be gathered
 * into larger writes, and is flushed before the loop goes idle, without a flag: a line that comes
 * alone leaves alone. A receipt settles when the sink has committed, and only then does a saved
 * position move.
 *
 * Lifetime.  WEIR_TAKES as everywhere; items given to put are the caller's again when put returns.
 *            Making a sink opens nothing. What nobody ends, ends with its scope.
 * Failure.   Makers never return NULL; a failed maker gives a sink that fails. A failure is final,
 *            put returns false from then on, and weir_sink_finish or weir_pump tells it.
 * Threads.   A sink belongs to its loop's thread (asserted), and one task puts at a time (asserted,
 *            but for a queue's end); weir_sink_share makes a second writer of a queue.
 * Misuse.    Aborts with a sentence that names the function: a NULL; a sink that was finished,
 *            discarded or pumped (as far as its memory still shows it); the 1,000th put after a
 *            failure, since somebody ignores false.
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
 * Give an item; waits while the sink has no room.
 *
 * item     used during the call only. Its receipt, if any, is held until a commit.
 * Returns  false: the sink has failed, which is final.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put(weir_sink *sink, const weir_item *item);
/* Give `count` items, all or a failure, as weir_put; 0 is allowed. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put_many(weir_sink *sink, const weir_item *items,
                                                          size_t count);
/*
 * Give an item without waiting, from anywhere on the loop's thread: also from a function that the
 * loop calls on its own stack (weir_each, a callback of libuv).
 *
 * sink     the writing end of a queue or a channel. Another sink may have to wait at any item, so
 *          it aborts: put a queue before it.
 * item     as for weir_put.
 * Returns  1: it is taken, or dropped as the queue's policy says. 0: there is no room now, and
 *          nothing has happened. Negative: the code of the sink's failure, which is final.
 */
WEIR_API WEIR_MUST_CHECK int weir_try_put(weir_sink *sink, const weir_item *item);
/*
 * Wait until all that was put is committed, and settle its receipts. Committed means: written for a
 * descriptor, a file and a socket (a file's bytes reach the disk when a state is saved); handed
 * over for a queue's end; what its commit says for a sink of one's own.
 *
 * Returns  false: the sink has failed, which is final.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_commit(weir_sink *sink);
/*
 * Commit, end, and free a sink. The reader of a queue sees a plain end, and is not waited for.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of its failure: WEIR_ECLOSED: the far end has gone. WEIR_ECONNECT,
 *          WEIR_ERESOLVE, WEIR_ETLS, WEIR_ELOST: a socket. WEIR_EIO, detail errno: a write, an open, a
 *          state that cannot be saved. WEIR_ETIMEDOUT: its limit. WEIR_ECANCELED, WEIR_EINVAL,
 *          WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_sink_finish(WEIR_TAKES weir_sink *sink,
                                                            weir_error *error);
/*
 * End a sink because what feeds it has failed. The reader of a queue sees *why after the items
 * already put. Other sinks commit what they have, for which they may wait, and end; a failure of
 * that is not told.
 */
WEIR_API WEIR_SUSPENDS void weir_sink_fail(WEIR_TAKES weir_sink *sink, const weir_error *why);
/*
 * End a sink in a clean-up path; NULL is allowed. What was not committed may be lost. The reader of
 * a queue sees WEIR_EABANDONED: a dead writer is not an end. A failure goes to the log. A sink that
 * writes may wait for a write or a save under way.
 */
WEIR_API WEIR_SUSPENDS void weir_sink_discard(WEIR_TAKES weir_sink *sink);
/*
 * Move all items, several at a time but never more than fit, then end both. When the generator
 * fails, what came before is committed, and a queue's reader is told the failure; when the sink
 * fails, also while the generator has nothing, the generator is closed.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the failure that came first: see weir_finish and weir_sink_finish.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_pump(WEIR_TAKES weir_gen *gen,
                                                     WEIR_TAKES weir_sink *sink, weir_error *error);

/*
 * A sink of one's own. `self` is the sink's copy of what weir_sink_new was given. Operations that
 * fail return a negative code, with a text by weir_sink_error. All but flush run on the task that
 * puts, commits or ends. With a commit, receipts settle by it alone, and weir_pump commits whenever
 * its generator has nothing more at hand; without one by a flush that gave 0, and without both as
 * soon as put_many has returned.
 */
typedef struct weir_sink_ops {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "sink" */
    /* Take `count` items, all or a failure; may suspend. An item is kept beyond the call by
     * weir_item_keep. 0 or a negative code. Not NULL. */
    int (*put_many)(weir_sink *sink, void *self, const weir_item *items, size_t count);
    /* Hand on what put_many buffered, as far as that goes without waiting; never suspends: before
     * the loop idles it runs on the loop's own stack. 0: all is out. 1: some is left, and wait or
     * commit waits for it. Negative: failed. NULL: nothing is buffered. */
    int (*flush)(weir_sink *sink, void *self);
    /* Wait until all that was put is safe; may suspend. 0 or a negative code. NULL: flush is
     * enough. */
    int (*commit)(weir_sink *sink, void *self);
    /* Release what the sink holds; may suspend. Runs exactly once, after a failure too, and when
     * nothing was ever put. 0 or a negative code. NULL: nothing to do. */
    int (*finish)(weir_sink *sink, void *self);
    /* flush has given 1: wait until it may get more out; may suspend. 0 or a negative code. NULL:
     * commit does that itself. */
    int (*wait)(weir_sink *sink, void *self);
    /* How many items put_many can take now without waiting; weir_pump then asks its generator for
     * no more, so that nothing is read that would have to wait here. Must not suspend. 0: none; then
     * weir_pump calls wait, or asks for one where there is none. NULL: any number. */
    size_t (*room)(weir_sink *sink, void *self);
    /* Say in one line what it waits for, as snprintf. Must not suspend. NULL: nothing to say. */
    size_t (*why)(const weir_sink *sink, const void *self, char *text, size_t cap);
    /* 1: what was put and weir_state_text are stored in one transaction, by commit. weir_pump then
     * commits when its generator has nothing more at hand, and when some 500 items were put since the
     * last commit. */
    int32_t transacts;
} weir_sink_ops;

/*
 * Make a sink of one's own. Runs nothing.
 *
 * ops      copied; without put_many it aborts.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  never NULL. Without memory it fails with WEIR_ENOMEM, and finish does not run.
 */
WEIR_API weir_sink *weir_sink_new(weir_scope *scope, const weir_sink_ops *ops, const void *self,
                                  size_t self_len);
/* Tell the scope a sink was made in: for weir_sleep, weir_wait_fd and the like in its operations. */
WEIR_API weir_scope *weir_sink_scope(const weir_sink *sink);
/*
 * Say that the far end has gone while nothing was being put, from anywhere on the loop's thread: the
 * sink fails, and a weir_pump that waits for its generator ends. Arguments as for weir_sink_error.
 */
WEIR_API void weir_sink_gone(weir_sink *sink, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);
/*
 * Say why an operation fails: return weir_sink_error(sink, WEIR_EIO, errno, "write: ...");  The
 * first failure counts.
 *
 * detail   errno or the like, 0 if none.
 * Returns  code.
 */
WEIR_API int weir_sink_error(weir_sink *sink, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);

/*
 * Make a sink that writes lines to a descriptor: each item's bytes, then its line end as it came.
 * Parts of a batch are lines of their own; a value leaves as its JSON text, or fails with
 * WEIR_EINVAL when its type has no print function. A reader of a pipe or terminal that leaves is
 * noticed also while nothing is written: WEIR_ECLOSED.
 *
 * fd       stays the caller's and open until the sink has ended; its flags are not changed.
 */
WEIR_API weir_sink *weir_fd_sink(weir_scope *scope, int fd);

typedef struct weir_file_options {
    size_t struct_size;
    weir_state *state; /* keeps the file's length with the sources' positions; default: none */
} weir_file_options;

/*
 * Make a sink that appends lines to a file, as weir_fd_sink writes them. The first put opens it, or
 * a finish without one; it is made with mode 0666 if it is not there. A source that fails at once
 * leaves no file.
 *
 * With a state a file that is longer than the last run has committed is cut to that length, so that
 * no line is in it twice. A shorter one is WEIR_ECHANGED. The message of a failed write says how
 * many of the file's first bytes are good.
 *
 * path     copied.
 * options  NULL: the defaults. Copied; the state must be of the same loop, and is not taken.
 */
WEIR_API weir_sink *weir_file_sink(weir_scope *scope, const char *path,
                                   const weir_file_options *options);

struct weir_socket_options; /* <weir/source.h> */
/*
 * Make a sink that writes to "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH". The
 * first put connects. What the peer sends is read and dropped.
 *
 * The end. weir_sink_finish shuts the sending side down, so that the peer reads an end behind the
 * last byte, and waits until the peer has taken all: until it answers with its own end, or has not
 * reset the connection for a second after its system acknowledged the last byte. A reset is
 * WEIR_ELOST, before the end too unless the peer had taken all (WEIR_ECLOSED), and so is a peer
 * that takes nothing for the drain_ms of the scope (10 s by default) or until the wait is canceled; the
 * message says how many bytes did not arrive. A peer that takes nothing before the end is waited
 * for, and logged once after a minute.
 *
 * TLS. A peer whose certificate is refused is WEIR_ETLS at the first put. A peer that refuses the
 * sink's certificate may say so only after the first bytes were written (TLS 1.3): that is WEIR_ETLS
 * then, and the peer may have read none of them. Only a proper end sends a close_notify, so that the
 * peer can tell it from a failure.
 *
 * address  copied. One that cannot be read is WEIR_EINVAL, at the first put. NULL: options->socket,
 *          see <weir/socket.h>.
 * options  NULL: the defaults. Copied, with all texts.
 */
WEIR_API weir_sink *weir_socket_sink(weir_scope *scope, const char *address,
                                     const struct weir_socket_options *options);
struct weir_http_options; /* <weir/source.h> */
typedef struct weir_http_sink_options {
    size_t struct_size;
    /* headers, user, bearer_file, ca_file, ca_folder, tls, connect_ms, first_byte_ms,
     * retry_after_max_ms and setup as for a source. retries: attempts in a row at one request;
     * default: no limit, but none for a first connection that fails; N > 0: N in both cases;
     * WEIR_NONE: never. The others have no effect. NULL: the defaults. Copied. */
    const struct weir_http_options *http;
    int32_t frame; /* WEIR_FRAME_LINES (default): a line each, NDJSON; WEIR_FRAME_NONE: the bytes of
                         the items, nothing between */
    int32_t gzip;  /* 1: the body is packed, Content-Encoding: gzip. default 0 */
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
 * Make a sink that posts: each item is the body of one request (POST, HTTP/1.1), and so is each batch
 * (weir_batch). The first put connects. An item settles when the server has answered with a 2xx.
 *
 * Redirects are followed where they keep the request (307 and 308), under a source's rules.
 * 408, 425, 429, 5xx and what may go wrong with a connection are retried, with a source's pauses; a
 * request whose answer was lost is sent again, so the server may see it twice: each has an
 * Idempotency-Key, the same for its retries and for no other request. A status that rejects counts
 * the items of the request as rejected; a 413 for a batch halves it first. Any other status fails the
 * sink, and what was not acknowledged has not settled.
 *
 * url      http:// or https://; a user and password in it are used as options->http->user is. Copied.
 * options  NULL: the defaults.
 * Fails    WEIR_EINVAL: the URL, an option, a header. WEIR_ERESOLVE, WEIR_ECONNECT, WEIR_ETLS,
 *          WEIR_ETIMEDOUT, WEIR_ERESET: the connection, with no retries left. WEIR_EHTTP, detail the
 *          status. WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_http_sink(weir_scope *scope, const char *url,
                                   const weir_http_sink_options *options);
/* Make a sink that takes and forgets; each put is its own commit. */
WEIR_API weir_sink *weir_null_sink(weir_scope *scope);

/*
 * Have a sink save the positions of a state's sources at its commits: one that is not a file's,
 * which takes its state in its options. What was written and not yet saved when the process died is
 * written again, since it cannot be cut off: at-least-once. Before the first put. Does not suspend.
 *
 * A sink that writes a stream. What lies in a pipe or a socket when its reader dies is lost, so an
 * item counts as delivered when its last byte has left the kernel's buffer. weir_commit does not wait
 * for that. A save looks how far the reader is, if the reader is still there after the look, and
 * weir_sink_finish waits until it has read all: WEIR_ELOST when it reads nothing for the drain_ms of
 * the scope (10 s by default), WEIR_ECLOSED when it goes; what it had not read comes again in the next
 * run. A pipe, a fifo and a unix socket are at-least-once up to what the reader had read. Of tcp only
 * the peer's kernel is known: best-effort, since what it has acknowledged dies with the peer. For a
 * terminal and a device, and where no source has a position, what is written is delivered.
 *
 * sink     a file's, or a queue's writing end, fails with WEIR_EINVAL.
 * state    of the same loop, and not taken. A state whose sources have given items to sinks without
 *          it saves nothing, and says so in the log when it ends.
 */
WEIR_API void weir_sink_keep_state(weir_sink *sink, weir_state *state);

#ifdef __cplusplus
}
#endif

#endif
