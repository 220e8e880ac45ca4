/*
 * source_again.c - a socket source that connects again: with `retries` when the connection breaks,
 * with `follow` also when the stream has ended.
 *
 * The pauses and the words are those of HTTP (source_http_resume.c). Nothing can be requested again:
 * what was sent while there was no connection is lost unless the peer repeats it. What it repeats from
 * its beginning is left out (codec_repeats.h); else a possible gap is reported. The bytes of two connections never become one item: an
 * unfinished item at a break is dropped, with its size in the message; what is unfinished at an orderly
 * end is given as at any end.
 *
 * States: connected (stream->transport); between connections, inside connect_again. Attempts are
 * counted over connections until an item is given; the pauses begin anew then, or after 30 s of
 * connection. All clocks run only while a pull waits.
 *
 * What suspends: connect_again, in its pause and while it connects. Nothing is lent then.
 */
#include "source_again.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "loop_wait.h"

enum { HEALTHY_MS = 30 * 1000 };

struct wr_again {
    int32_t most;    /* attempts in a row; INT32_MAX: no limit */
    bool first_too;  /* also when the first connection fails */
    bool follow;     /* an end is no end */
    bool heard;      /* something was received, on any connection */
    bool heard_here; /* ... on this one */
    bool broken;     /* this one is lost, and what was held back is given first */
    int tries, pauses;
    int64_t connected_ns, heard_ns, lost_ns;
    size_t unfinished;  /* bytes of the item that the last loss has cut */
    weir_error failure; /* the framer's, at the end of a stream */
    weir_error why;     /* of the last loss or attempt */
    struct wr_repeats repeats;
};

int wr_again_set(struct wr_stream_source *stream, const weir_socket_options *options)
{
    if (options->retries == 0 && options->follow == 0) {
        return 0;
    }
    struct wr_again *again = wr_zalloc(sizeof *again);
    if (again == NULL) {
        return WEIR_ENOMEM;
    }
    again->most = options->retries > 0 ? options->retries : INT32_MAX;
    again->follow = options->follow != 0;
    again->first_too = options->retries > 0 || again->follow;
    wr_repeats_init(&again->repeats, WR_REPEATS_HELD_MAX);
    stream->again = again;
    return 0;
}

/* ---- connecting */

/* May another attempt help after this failure to connect? As for HTTP, what a peer's certificate or
 * its TLS says is final. */
static bool may_connect(const weir_error *error)
{
    switch (error->code) {
    case WEIR_ERESOLVE:
    case WEIR_ECONNECT:
    case WEIR_ERESET:
    case WEIR_ETIMEDOUT:
    case WEIR_EIO: return true;
    case WEIR_ETLS: return error->detail == ECONNRESET;
    default: return false;
    }
}

static void connected(struct wr_stream_source *stream)
{
    struct wr_again *again = stream->again;
    again->connected_ns = wr_now_ns(stream->gen.loop);
    again->heard_here = false;
    if (!again->heard) {
        (void)wr_inbox_track(&stream->inbox, &again->repeats);
    } else if (stream->inbox.repeats != NULL) {
        wr_inbox_compare(&stream->inbox);
    }
}

static void log_retry(const struct wr_stream_source *stream, int64_t ms)
{
    const struct wr_again *again = stream->again;
    const char *item = stream->inbox.framer.ops->item;
    char how[160] = "from the start", behind[48] = "", cut[80] = "";
    int64_t silent_ms = (wr_now_ns(stream->gen.loop) - again->heard_ns) / 1000000;
    if (again->heard && silent_ms >= 1000) {
        snprintf(behind, sizeof behind, "; %" PRId64 " s behind", silent_ms / 1000);
    }
    if (again->heard && stream->inbox.repeats != NULL) {
        snprintf(how, sizeof how, "what comes again is left out");
    } else if (again->heard) {
        snprintf(how, sizeof how, "a gap or repeats are possible after %s %" PRIu64, item,
                 stream->gen.origin->given);
    }
    if (again->unfinished > 0) {
        snprintf(cut, sizeof cut, "; an unfinished %s of %zu bytes was not given", item,
                 again->unfinished);
    }
    wr_log(&stream->gen.loop->log, WR_LOG_INFO, stream->gen.name,
           "%s%s; retry %d in %" PRId64 ".%" PRId64 " s (%s%s)", again->why.message, cut,
           again->tries, ms / 1000, ms % 1000 / 100, how, behind);
}

static int give_up(struct wr_stream_source *stream)
{
    const struct wr_again *again = stream->again;
    char after[48] = "";
    if (again->tries > 0) {
        snprintf(after, sizeof after, "; gave up after %d %s", again->tries,
                 again->tries == 1 ? "retry" : "retries");
    }
    return wr_gen_fail(&stream->gen, again->why.code, again->why.detail,
                       again->heard ? (int64_t)stream->inbox.given_end : -1, "%.300s%s",
                       again->why.message, after);
}

/* One attempt. 1: connected; 0: again->why says why not; negative: the source is over. */
static int attempt(struct wr_stream_source *stream)
{
    struct wr_again *again = stream->again;
    weir_error error;
    stream->transport = wr_duplex_open(stream->socket, WR_END_READS, &error);
    if (stream->transport != NULL) {
        connected(stream);
        return 1;
    }
    if (error.code == WEIR_ECLOSED || error.code == WEIR_ECANCELED) {
        return stream->gen.stopping && error.code == WEIR_ECLOSED ? error.code
                                                                  : wr_stream_fail(stream, &error);
    }
    again->why = error;
    again->unfinished = 0;
    return may_connect(&error) ? 0 : give_up(stream);
}

/* After a loss, or an attempt that has failed: until connected. 0, or negative: the source is over. */
static int connect_again(struct wr_stream_source *stream)
{
    struct wr_again *again = stream->again;
    struct weir_loop *loop = stream->gen.loop;
    int rc = 0;
    while (rc == 0) {
        if (again->tries >= again->most) {
            return give_up(stream);
        }
        int64_t ms = wr_backoff_ms(loop, again->pauses);
        again->tries++;
        again->pauses++;
        log_retry(stream, ms);
        rc = wr_sleep(loop, ms, "time to connect again", &stream->gen.object);
        if (rc < 0 || stream->gen.stopping) {
            rc = rc < 0 ? rc : WEIR_ECLOSED;
            (void)wr_stream_wait_failed(stream, rc);
            return rc;
        }
        rc = attempt(stream);
    }
    return WR_MIN(rc, 0);
}

int wr_again_open(struct wr_stream_source *stream)
{
    int rc = attempt(stream);
    if (rc != 0) {
        return WR_MIN(rc, 0);
    }
    return stream->again->first_too ? connect_again(stream) : give_up(stream);
}

/* ---- losing the connection */

void wr_again_read(struct wr_stream_source *stream, int64_t n)
{
    struct wr_again *again = stream->again;
    if (n > 0) {
        again->heard = again->heard_here = true;
        again->heard_ns = wr_now_ns(stream->gen.loop);
    } else if (n == 0 && again->follow) {
        again->failure.code = 0;
        stream->inbox.failure = &again->failure; /* half a record is no failure */
    }
}

void wr_again_taken(struct wr_stream_source *stream, size_t n, uint64_t before)
{
    struct wr_again *again = stream->again;
    uint64_t dropped;
    enum wr_repeats_news news = again->repeats.news;
    if (n > 0) {
        again->tries = again->pauses = 0;
    }
    const char *text = wr_inbox_told(&stream->inbox, &dropped);
    if (text != NULL) {
        char left[48] = "";
        if (dropped > 0) {
            snprintf(left, sizeof left, " (%" PRIu64 " bytes were left out)", dropped);
        }
        wr_log(&stream->gen.loop->log, WR_LOG_INFO, stream->gen.name, "%s%s%s after %s %" PRIu64,
               text, left,
               news == WR_REPEATS_WHOLE ? "; it goes on" : ": a gap or repeats are possible",
               stream->inbox.framer.ops->item, before);
    }
}

bool wr_again_may(const struct wr_stream_source *stream, int code)
{
    return code == WEIR_ERESET || code == WEIR_ETRUNCATED || code == WEIR_ETIMEDOUT ||
           code == WEIR_EIO || (code == WEIR_ETLS && stream->again->heard_here);
}

bool wr_again_is_broken(const struct wr_stream_source *stream)
{
    return stream->again->broken;
}

bool wr_again_go_on(struct wr_stream_source *stream)
{
    struct wr_again *again = stream->again;
    struct weir_loop *loop = stream->gen.loop;
    int64_t now_ns = wr_now_ns(loop);
    again->lost_ns = now_ns;
    again->broken = false;
    again->unfinished = wr_inbox_pending(&stream->inbox);
    if (now_ns - again->connected_ns >= (int64_t)HEALTHY_MS * 1000000) {
        again->pauses = 0;
    }
    wr_inbox_resume(&stream->inbox, stream->inbox.given_end);
    wr_duplex_drop(stream->socket);
    stream->transport = NULL;
    if (connect_again(stream) < 0) {
        return false;
    }
    loop->stats.reconnects++;
    wr_stream_connected(stream);
    int64_t since_ms = (wr_now_ns(loop) - again->lost_ns) / 1000000;
    wr_log(&loop->log, WR_LOG_INFO, stream->gen.name,
           "connected again after %" PRId64 ".%" PRId64 " s", since_ms / 1000,
           since_ms % 1000 / 100);
    return true;
}

bool wr_again_broken(struct wr_stream_source *stream, int code, int detail, const char *why)
{
    struct wr_again *again = stream->again;
    (void)wr_error_set(&again->why, code, detail, stream->gen.name,
                       "%.300s after %" PRIu64 " bytes", why, stream->inbox.bytes);
    again->broken = wr_inbox_let_go(&stream->inbox);
    return again->broken || wr_again_go_on(stream);
}

bool wr_again_ended(struct wr_stream_source *stream)
{
    struct wr_again *again = stream->again;
    stream->inbox.failure = NULL;
    if (!again->follow || again->tries >= again->most) {
        return false;
    }
    if (again->failure.code != 0 && again->failure.code != WEIR_ETRUNCATED) {
        wr_gen_fail_error(&stream->gen, &again->failure);
        return false;
    }
    (void)wr_error_set(&again->why, WEIR_ERESET, 0, stream->gen.name, "%s",
                       again->failure.code != 0 ? again->failure.message
                                                : "the peer has ended the stream");
    return wr_again_go_on(stream);
}

void wr_again_free(struct wr_stream_source *stream)
{
    if (stream->again != NULL) {
        wr_repeats_fini(&stream->again->repeats);
        wr_free(stream->again);
    }
}
