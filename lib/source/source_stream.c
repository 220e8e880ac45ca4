/*
 * source_stream.c - items of a transport, which is read only when a reader pulls.
 *
 * A pull gives the items that are available. If there is none, it reads directly into the inbox's
 * block. If there is nothing to read, it waits. So a slow reader slows the peer down, and a line
 * that arrives alone is given at once. With a transport that never makes it wait (a file, a fast
 * peer), the source lets other tasks run from time to time (wr_turn).
 *
 * A stop or an abort from outside fails the current wait: a stop is a normal end, an abort is a
 * failure. Unread bytes and an unfinished item are not given then. The failure of a stream says
 * where it broke and how many bytes of an unfinished item are lost. A socket may connect again then
 * (source_again.c).
 *
 * Between two suspensions of a pull nothing is lent. Other tasks may read the state's numbers
 * during a suspension.
 */
#include "source_stream.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "codec_secret.h"
#include "loop_file.h"
#include "loop_wait.h"
#include "source_again.h"

enum { HALF_MS = 1000, HALF_LOOK_MS = 10 };

static struct wr_stream_source *stream_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_stream_source, gen);
}

int wr_stream_fail(struct wr_stream_source *stream, const weir_error *error)
{
    return wr_gen_fail(&stream->gen, error->code, error->detail, error->offset, "%s",
                       error->message);
}

int wr_stream_lossy(struct wr_stream_source *stream, const char *name)
{
    weir_error error;
    if (stream->state == NULL) {
        return 0;
    }
    if (wr_state_attach_source(stream->state, name, stream->gen.origin, &stream->slot, &error) <
        0) {
        return wr_stream_fail(stream, &error);
    }
    wr_state_prove(stream->slot, WR_PROOF_NONE);
    return 0;
}

/* -1: not a regular file, or fstat failed. */
static int64_t size_of(const struct wr_stream_source *stream)
{
    struct stat info;
    bool regular = stream->gen.loop->disk->stat(stream->fd, &info) == 0 && S_ISREG(info.st_mode);
    return regular ? info.st_size : -1;
}

void wr_stream_opened(struct wr_stream_source *stream, int fd)
{
    stream->fd = fd;
    stream->size = size_of(stream);
}

/* When another process truncates the file, read() reports an early end, and lines are missing.
 * False: the failure is set. */
static bool is_whole(struct wr_stream_source *stream)
{
    int64_t size = stream->size > 0 ? size_of(stream) : -1;
    if (size < 0 || size >= stream->size) {
        return true;
    }
    wr_gen_fail(&stream->gen, WEIR_ECHANGED, 0, (int64_t)stream->inbox.given_end,
                "%s%s%sit was truncated from %lld to %lld bytes while it was read",
                stream->where != NULL ? "'" : "", stream->where != NULL ? stream->where : "",
                stream->where != NULL ? "': " : "", (long long)stream->size, (long long)size);
    return false;
}

static void record_failure(struct wr_stream_source *stream, int code, int detail, const char *text)
{
    if (stream->recorder != NULL) {
        wr_recorder_failure(stream->recorder, WR_RECORD_FAILURE, code, detail, false, text);
    }
}

static void record_read(struct wr_stream_source *stream, const char *data, int64_t n)
{
    if (n > 0) {
        wr_recorder_data(stream->recorder, data, (size_t)n);
    } else if (n == 0) {
        wr_recorder_add(stream->recorder, WR_RECORD_END, &(char){1}, 1);
    }
}

/* The recording that is played has come to the end of a connection. True: another one follows. */
static bool plays_on(struct wr_stream_source *stream)
{
    if (wr_playback_peek(stream->play) == NULL) {
        return false;
    }
    wr_playback_take(stream->play, 0);
    if (wr_playback_peek(stream->play) == NULL) {
        return false;
    }
    wr_inbox_resume(&stream->inbox, stream->inbox.given_end);
    return true;
}

/* The recording that is played is over. Always false. */
static bool end_replay(struct wr_stream_source *stream)
{
    const weir_error *ended = wr_playback_ended(stream->play);
    if (ended->code < 0) {
        wr_gen_fail(&stream->gen, ended->code, ended->detail, ended->offset, "%s", ended->message);
    }
    return false;
}

bool wr_stream_wait_failed(struct wr_stream_source *stream, int code)
{
    if (stream->gen.stopping && code == WEIR_ECLOSED) {
        return false;
    }
    if (code == WEIR_ETIMEDOUT) {
        wr_gen_fail(&stream->gen, code, 0, (int64_t)stream->inbox.given_end, "no data for %lld ms",
                    (long long)stream->stall_ms);
    } else if (code == WEIR_EBUDGET) {
        wr_gen_fail_starved(&stream->gen, (int64_t)stream->inbox.given_end);
    } else {
        wr_gen_fail(&stream->gen, code, 0, -1, "%s", wr_code_text(code));
    }
    return false;
}

/* True: it goes on, with another connection. */
static bool read_failed(struct wr_stream_source *stream, int code)
{
    struct wr_inbox *inbox = &stream->inbox;
    int detail = stream->transport->detail;
    if (stream->play != NULL && wr_playback_ended(stream->play) != NULL) {
        return end_replay(stream);
    }
    const char *what = stream->transport->reason != NULL ? stream->transport->reason
                       : detail != 0                     ? strerror(detail)
                                                         : wr_code_text(code);
    size_t lost = wr_inbox_pending(inbox);
    record_failure(stream, code, detail, what);
    if (stream->play != NULL && plays_on(stream)) {
        return true;
    }
    if (stream->again != NULL && wr_again_may(stream, code)) {
        return wr_again_broken(stream, code, detail, what);
    }
    const char *where = stream->where != NULL ? stream->where : "";
    const char *colon = stream->where != NULL ? ": " : "";
    if (lost > 0) {
        wr_gen_fail(&stream->gen, code, detail, (int64_t)inbox->given_end,
                    "%s%s%s after %llu bytes; an unfinished line of %zu bytes was not given", where,
                    colon, what, (unsigned long long)inbox->bytes, lost);
    } else {
        wr_gen_fail(&stream->gen, code, detail, (int64_t)inbox->given_end,
                    "%s%s%s after %llu bytes", where, colon, what,
                    (unsigned long long)inbox->bytes);
    }
    return false;
}

/* Room for the next bytes; false: failed. */
static bool find_room(struct wr_stream_source *stream, char **to, size_t *room)
{
    int rc;
    while ((rc = wr_inbox_room(&stream->inbox, to, room)) == WEIR_EBUDGET &&
           wr_inbox_stuck(&stream->inbox) == NULL) {
        rc = wr_budget_wait(stream->gen.loop, &stream->gen.object);
        if (rc < 0 || stream->gen.stopping) {
            return wr_stream_wait_failed(stream, rc < 0 ? rc : WEIR_ECLOSED);
        }
    }
    if (rc < 0) {
        wr_gen_fail(&stream->gen, rc, 0, (int64_t)stream->inbox.given_end, "%s",
                    rc == WEIR_EBUDGET ? wr_inbox_stuck(&stream->inbox) : "no memory to read into");
    }
    return rc == 0;
}

static bool wait_readable(struct wr_stream_source *stream)
{
    wr_inbox_came(&stream->inbox, 0);
    stream->wait_first = false;
    int64_t began_ns = wr_now_ns(stream->gen.loop);
    int rc = stream->transport->ops->wait(stream->transport, WR_READABLE,
                                          wr_inbox_wait_ms(&stream->inbox, stream->stall_ms),
                                          "bytes", &stream->gen.object);
    if (wr_inbox_waited(&stream->inbox, began_ns) && rc == WEIR_ETIMEDOUT) {
        rc = 0;
    }
    if (rc == WEIR_ETIMEDOUT && !stream->gen.stopping) {
        char text[48];
        snprintf(text, sizeof text, "no data for %lld ms", (long long)stream->stall_ms);
        record_failure(stream, rc, 0, "no data");
        if (stream->again != NULL) {
            return wr_again_broken(stream, rc, 0, text);
        }
    }
    return rc == 0 ? !stream->gen.stopping : wr_stream_wait_failed(stream, rc);
}

/* Half an item at the end of a file that may grow. First wait until the earlier items have settled,
 * but not longer than HALF_MS, so that the state can record the moment between the two. False: the
 * source has ended. */
static bool half_item(struct wr_stream_source *stream)
{
    struct weir_loop *loop = stream->gen.loop;
    struct wr_origin *origin = stream->gen.origin;
    int rc = wr_pause(loop, &stream->gen.object);
    for (int waited_ms = 0; rc == 0 && waited_ms < HALF_MS; waited_ms += HALF_LOOK_MS) {
        wr_origin_sync(origin);
        if (origin->done == origin->given) {
            break;
        }
        rc = wr_sleep(loop, HALF_LOOK_MS, "earlier items to settle before half a line",
                      &stream->gen.object);
    }
    if (rc < 0 || stream->gen.stopping) {
        return wr_stream_wait_failed(stream, rc < 0 ? rc : WEIR_ECLOSED);
    }
    if (wr_state_before_half(stream->state) < 0) {
        wr_gen_fail(&stream->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        return false;
    }
    stream->inbox.offsets->now.half = wr_inbox_half(&stream->inbox);
    stream->inbox.half = true;
    wr_inbox_end(&stream->inbox);
    return true;
}

/* Read more bytes, or the end. False: the source has ended. */
static bool read_more(struct wr_stream_source *stream)
{
    char *to;
    size_t room;
    if (stream->again != NULL && wr_again_is_broken(stream)) {
        return wr_again_go_on(stream);
    }
    if (stream->wait_first) {
        return wait_readable(stream);
    }
    int rc = wr_turn(stream->gen.loop, &stream->gen.object);
    if (WR_UNLIKELY(rc < 0)) {
        return wr_stream_wait_failed(stream, rc);
    }
    if (!find_room(stream, &to, &room)) {
        return false;
    }
    int64_t n = stream->transport->ops->read(stream->transport, to, room);
    if (n == WR_AGAIN) {
        return wait_readable(stream);
    }
    if (WR_UNLIKELY(stream->recorder != NULL)) {
        record_read(stream, to, n);
    }
    if (stream->again != NULL) {
        wr_again_read(stream, n);
    }
    if (n < 0) {
        return read_failed(stream, (int)n);
    }
    if (n == 0 && !is_whole(stream)) {
        return false;
    }
    if (n == 0 && stream->inbox.offsets != NULL && wr_inbox_half(&stream->inbox) > 0) {
        return half_item(stream);
    }
    if (n == 0) {
        wr_inbox_end(&stream->inbox);
    } else {
        wr_inbox_came(&stream->inbox, (size_t)n);
    }
    return true;
}

void wr_stream_connected(struct wr_stream_source *stream)
{
    if (stream->recorder != NULL) {
        wr_recorder_add(stream->recorder, WR_RECORD_REQUEST, NULL, 0);
        wr_recorder_add(stream->recorder, WR_RECORD_CONNECTED, NULL, 0);
    }
}

/* All items before the end of the stream were given. True: it goes on, with another connection. */
static bool goes_on(struct wr_stream_source *stream)
{
    if (stream->gen.failure != NULL || stream->gen.stopping) {
        return false;
    }
    return stream->play != NULL    ? plays_on(stream)
           : stream->again != NULL ? wr_again_ended(stream)
                                   : false;
}

static size_t stream_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_stream_source *stream = stream_of(gen);
    bool over = false;
    if (!stream->opened) {
        stream->opened = true;
        if (stream->open(stream) < 0) {
            return 0;
        }
        wr_stream_connected(stream);
    }
    wr_inbox_over_loan(&stream->inbox, gen->origin);
    while (!gen->stopping) {
        if (stream->slot != NULL) {
            wr_state_pulled(stream->state);
        }
        uint64_t before = gen->origin->given;
        size_t n = wr_inbox_take(&stream->inbox, gen, items, max, &over);
        if (stream->again != NULL) {
            wr_again_taken(stream, n, before);
        }
        if (n > 0) {
            return n;
        }
        if (over ? !goes_on(stream) : !read_more(stream)) {
            return 0;
        }
    }
    return 0;
}

static void stream_close(struct weir_gen *gen)
{
    struct wr_stream_source *stream = stream_of(gen);
    if (stream->slot != NULL) {
        wr_state_detach_source(stream->slot, gen->failure == NULL && stream->inbox.end &&
                                                 wr_inbox_pending(&stream->inbox) == 0);
        stream->slot = NULL;
    }
    weir_error error;
    if (stream->socket != NULL) {
        stream->where = NULL;
        if (wr_duplex_end(stream->socket, WR_END_READS, gen->failure == NULL, 0, &error) < 0) {
            wr_gen_fail_error(gen, &error);
        }
    } else if (stream->transport != NULL) {
        stream->transport->ops->free(stream->transport);
    }
    stream->socket = NULL;
    stream->transport = NULL;
    wr_inbox_fini(&stream->inbox);
}

static void stream_stop(struct weir_gen *gen)
{
    (void)wr_object_abort(&gen->object, WEIR_ECLOSED);
}

static void stream_free(struct weir_gen *gen)
{
    wr_free((char *)(uintptr_t)stream_of(gen)->where);
    wr_playback_free(stream_of(gen)->play);
    wr_again_free(stream_of(gen));
}

static int64_t stream_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_inbox_held(&stream_of(gen)->inbox, mark);
}

static bool stream_frame(struct weir_gen *gen, const weir_framing *framing)
{
    return wr_inbox_frame(&stream_of(gen)->inbox, gen, framing);
}

static bool stream_given_before(const struct weir_gen *gen, uint64_t *count)
{
    *count = wr_state_given_before(stream_of(gen)->before);
    return true;
}

static struct wr_state_slot *stream_begins_again(struct weir_gen *gen)
{
    return stream_of(gen)->before;
}

/* "file(PATH)", of a long path the end; "tcp://HOST:PORT"; "stdin". */
static size_t stream_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_stream_source *stream = stream_of(gen);
    const char *where = stream->where;
    struct wr_print print;
    wr_print_to(&print, text, cap);
    if (where == NULL || stream->socket != NULL) {
        wr_print_string(&print, where != NULL ? where : gen->name);
        return print.len;
    }
    size_t len = strlen(where), room = cap - sizeof "file(...)";
    wr_print_string(&print, len <= room + 3 ? "file(" : "file(...");
    wr_print_string(&print, len <= room + 3 ? where : where + len - room);
    wr_print_string(&print, ")");
    return print.len;
}

static struct wr_json *stream_json(const struct weir_gen *gen)
{
    return wr_inbox_json(&stream_of(gen)->inbox);
}

static const struct wr_gen_ops stream_ops = {.kind = "lines",
                                             .label = stream_label,
                                             .next_many = stream_next_many,
                                             .close = stream_close,
                                             .stop = stream_stop,
                                             .free = stream_free,
                                             .held = stream_held,
                                             .frame = stream_frame,
                                             .json = stream_json,
                                             .given_before = stream_given_before,
                                             .begins_again = stream_begins_again,
                                             .is_source = true};

struct wr_stream_source *wr_stream_source_alloc(struct weir_scope *scope, const char *name,
                                                int (*open)(struct wr_stream_source *stream),
                                                const char *path, int32_t frame,
                                                const weir_lines_options *options)
{
    struct wr_stream_source *stream = wr_gen_alloc(scope, sizeof *stream, &stream_ops, name);
    if (stream == NULL) {
        return NULL;
    }
    weir_lines_options lines = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(lines, options);
    }
    weir_framing framing = {
        .kind = frame, .overlong = lines.overlong, .item_bytes_max = lines.line_bytes_max};
    (void)wr_inbox_init(&stream->inbox, &stream->gen, &framing, 0); /* needs no memory */
    stream->open = open;
    stream->stall_ms = -1;
    stream->state = lines.state;
    stream->begin_at = lines.begin_at;
    stream->where = wr_strdup(path);
    weir_error error;
    if (path != NULL && stream->where == NULL) {
        wr_gen_fail(&stream->gen, WEIR_ENOMEM, 0, -1, "no memory for '%s'", path);
    } else if (wr_limit_wrong(&error, name, "line_bytes_max", lines.line_bytes_max) ||
               wr_choice_wrong(&error, name, "overlong", lines.overlong, WEIR_LONG_PARTS)) {
        wr_gen_fail_error(&stream->gen, &error);
    }
    if (scope->loop->recorder != NULL) {
        char shown[1024];
        snprintf(shown, sizeof shown, "%s", path != NULL ? path : name);
        wr_secret_star(shown);
        stream->recorder = wr_recorder_claim(scope->loop, "stream", name, shown, false);
    }
    return stream;
}
