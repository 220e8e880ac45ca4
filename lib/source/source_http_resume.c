/*
 * source_http_resume.c - what happens when an attempt has ended.
 *
 * The result is the end, another attempt, or the generator's failure. This runs when every complete
 * item was given, so the next attempt continues at the end of the last item: nothing is repeated or
 * lost.
 *
 *   validator known     request the rest with Range and If-Range; all of it when it is encoded
 *   nothing given yet   request again
 *   option `since`      request again; leave out what is not newer (source_http_since.c)
 *   an event stream     request again after the last id (source_http_sse.c), also after an end
 *   a WebSocket         connect again; a proper end is an end (source_http_ws.c)
 *   a poll              request again at the time of the next request (source_http_poll.c)
 *   option `follow`     request again, also after an end; leave out what the new body repeats
 *                       (codec_repeats.h), else log that a gap or repeats are possible
 *   else                the body is cut short: fail
 *
 * A recording that is played (weir_replay_lines) decides in the place of all these: it goes on as it did
 * then.
 *
 * Retries: when the very first attempt gets no connection (name, connect, TLS or timeout), it is
 * final, so that a mistake in the URL is reported at once. The options `retries` and `follow`
 * change that. Otherwise there are five retries, and no limit with `follow`, for an event stream and for a WebSocket.
 * A new item resets the count. A new item, or 30 s with a good response, resets the pause
 * (http_failure.c).
 */
#include <inttypes.h>
#include <stdio.h>

#include "base_alloc.h"
#include "source_http_parts.h"

enum { RETRIES = 5, HEALTHY_MS = 30 * 1000 };

int wr_http_source_fail(struct wr_http_source *source, const struct wr_http_failure *failure,
                        const char *then)
{
    char shown[128], place[128] = "", text[WR_HTTP_TEXT_MAX + WR_HTTP_EXCERPT];
    uint64_t position = source->inbox.given_end, given = source->gen.origin->given;
    size_t pending = wr_inbox_pending(&source->inbox);
    const char *item = source->inbox.framer.ops->item;
    wr_http_shown(&source->http, shown, sizeof shown);
    wr_http_failure_text(&source->http, failure, text, sizeof text);
    if (source->answered && pending > 0) {
        snprintf(place, sizeof place,
                 " (at byte %" PRIu64 ", after %s %" PRIu64
                 "; an unfinished %s of %zu bytes was not given)",
                 position, item, given, item, pending);
    } else if (source->answered) {
        snprintf(place, sizeof place, " (at byte %" PRIu64 ", after %s %" PRIu64 ")", position,
                 item, given);
    }
    return wr_gen_fail(&source->gen, failure->code, failure->detail,
                       source->answered ? (int64_t)position : -1, "%s: %s%s%s", shown, text, place,
                       then);
}

/* ---- trying again */

static int retries_of(const struct wr_http_source *source, const struct wr_http_failure *failure)
{
    if (source->http.play != NULL) {
        return INT32_MAX;
    }
    if (source->retries != 0) {
        return WR_MAX(source->retries, 0); /* WEIR_NONE is negative */
    }
    bool first = !source->answered && failure->unconnected && source->tries == 0;
    bool feed = source->sse || source->ws != NULL;
    if (source->poll != NULL && first) {
        return 0;
    }
    return source->follow ? INT32_MAX : first ? 0 : feed ? INT32_MAX : RETRIES;
}

/* Does it continue after a break where nothing can be resumed? */
static bool goes_on(const struct wr_http_source *source)
{
    return source->follow || source->sse || source->ws != NULL || source->http.play != NULL;
}

/* The recording that is played is over: end as its run did. 0: a proper end. */
static int end_replay(struct wr_http_source *source)
{
    const weir_error *ended = wr_playback_ended(source->http.play);
    if (ended->code < 0) {
        return wr_gen_fail(&source->gen, ended->code, ended->detail, ended->offset, "%s",
                           ended->message);
    }
    source->finished = true;
    return 0;
}

static void log_retry(const struct wr_http_source *source, const char *why, int64_t ms)
{
    char shown[128], how[160], behind[48] = "";
    int64_t silent_ms = (wr_now_ns(source->gen.loop) - source->given_ns) / 1000000;
    uint64_t position = source->inbox.given_end;
    wr_http_shown(&source->http, shown, sizeof shown);
    if (goes_on(source) && source->given_ns != 0 && silent_ms >= 1000) {
        snprintf(behind, sizeof behind, "; %" PRId64 " s behind", silent_ms / 1000);
    }
    if (source->sse && (source->answered || source->named)) {
        wr_http_sse_how(source, how, sizeof how);
    } else if (source->since != NULL) {
        wr_http_since_how(source, how, sizeof how);
    } else if (!source->answered || position == 0) {
        snprintf(how, sizeof how, "from the start");
    } else if (source->validator[0] != '\0') {
        snprintf(how, sizeof how, "resume from byte %" PRIu64, position);
    } else if (source->inbox.repeats != NULL) {
        snprintf(how, sizeof how, "from the start; what comes again is left out");
    } else {
        snprintf(how, sizeof how, "a gap or repeats are possible after %s %" PRIu64,
                 source->inbox.framer.ops->item, source->gen.origin->given);
    }
    wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name,
           "%s: %s; retry %d in %" PRId64 ".%" PRId64 " s (%s%s)", shown, why, source->tries,
           ms / 1000, ms % 1000 / 100, how, behind);
}

void wr_http_source_log_another(struct wr_http_source *source)
{
    char shown[128];
    source->another = false;
    wr_http_shown(&source->http, shown, sizeof shown);
    wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name,
           "%s: another version of the body: %s after %s %" PRIu64, shown,
           source->inbox.repeats != NULL ? "what comes again is left out"
                                         : "a gap or repeats are possible",
           source->inbox.framer.ops->item, source->gen.origin->given);
}

int wr_http_source_compare(struct wr_http_source *source)
{
    struct wr_inbox *inbox = &source->inbox;
    if (!source->follow || source->since != NULL || source->sse || source->ws != NULL ||
        source->poll != NULL) {
        return 0;
    }
    if (source->repeats == NULL) {
        source->repeats = wr_zalloc(sizeof *source->repeats);
        if (source->repeats == NULL) {
            return WEIR_ENOMEM;
        }
        wr_repeats_init(source->repeats, WR_REPEATS_HELD_MAX);
    }
    if (inbox->repeats == NULL && inbox->given_end == 0) {
        (void)wr_inbox_track(inbox, source->repeats);
    }
    if (inbox->repeats != NULL && source->from == 0) {
        wr_inbox_compare(inbox);
    }
    return 0;
}

void wr_http_source_log_repeats(struct wr_http_source *source, uint64_t given)
{
    char shown[128], left[48] = "";
    uint64_t dropped;
    enum wr_repeats_news news = source->repeats->news;
    const char *text = wr_inbox_told(&source->inbox, &dropped);
    if (text == NULL) {
        return;
    }
    wr_http_shown(&source->http, shown, sizeof shown);
    if (dropped > 0) {
        snprintf(left, sizeof left, " (%" PRIu64 " bytes were left out)", dropped);
    }
    wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name, "%s: %s%s%s after %s %" PRIu64,
           shown, text, left,
           news == WR_REPEATS_WHOLE ? "; it goes on" : ": a gap or repeats are possible",
           source->inbox.framer.ops->item, given);
}

/* Plan another attempt. 0, or the generator has failed. */
static int ask_again(struct wr_http_source *source, const char *why)
{
    struct weir_loop *loop = source->gen.loop;
    struct wr_inbox *inbox = &source->inbox;
    if (source->sse && !wr_http_sse_grants(source)) {
        return wr_http_source_fail(source, &source->http.failure, "");
    }
    if (source->answered_ns != 0 &&
        wr_now_ns(loop) - source->answered_ns >= (int64_t)HEALTHY_MS * 1000000) {
        source->pauses = 0;
    }
    if (source->begun) {
        source->longest = WR_MAX(source->longest, inbox->given_end - source->body_begin);
    }
    int64_t least_ms = source->sse ? wr_http_sse_pause_ms(source) : -1;
    int64_t ms = wr_http_backoff_ms(&source->http, source->pauses, least_ms);
    if (source->http.play != NULL) {
        ms = wr_http_replay_pause_ms(&source->http);
    }
    source->tries++;
    source->pauses++;
    log_retry(source, why, ms);
    loop->stats.reconnects += source->answered;
    if (source->validator[0] != '\0') {
        wr_inbox_restart(inbox, inbox->given_end);
    } else {
        wr_inbox_resume(inbox, inbox->given_end); /* the next byte begins an item */
    }
    wr_http_redirect_none(&source->http);
    wr_http_pause(&source->http, ms);
    return 0;
}

static int retry(struct wr_http_source *source, const struct wr_http_failure *failure)
{
    char text[WR_HTTP_TEXT_MAX];
    bool resumable = !source->answered || source->validator[0] != '\0' ||
                     source->inbox.given_end == 0 || source->since != NULL;
    int most = retries_of(source, failure);
    if (failure->retry && !resumable && !goes_on(source)) {
        struct wr_http_failure cut = *failure;
        cut.code = failure->code == WEIR_ETIMEDOUT ? failure->code : WEIR_ETRUNCATED;
        return wr_http_source_fail(
            source, &cut,
            "; it cannot be resumed: the server sends no validator (a strong "
            "ETag, or a Last-Modified at least a minute old)");
    }
    if ((!failure->retry && !wr_http_poll_goes_on(source, failure)) || most == 0) {
        return wr_http_source_fail(source, failure, "");
    }
    if (source->tries >= most) {
        snprintf(text, sizeof text, "; gave up after %d %s", source->tries,
                 source->tries == 1 ? "retry" : "retries");
        return wr_http_source_fail(source, failure, text);
    }
    struct wr_http_failure plain = *failure;
    plain.excerpt = false;
    wr_http_failure_text(&source->http, &plain, text, sizeof text);
    return ask_again(source, text);
}

bool wr_http_source_follow(struct wr_http_source *source)
{
    const struct wr_http_failure none = {.code = 0};
    if (source->http.play != NULL && !wr_http_replay_goes_on(&source->http)) {
        (void)end_replay(source);
        return false;
    }
    source->finished = source->finished || (source->to_end && source->http.play == NULL);
    if (!goes_on(source) || source->finished || source->gen.failure != NULL) {
        return false;
    }
    if (source->poll != NULL) {
        wr_http_poll_next(source);
        return true;
    }
    if (source->tries >= retries_of(source, &none)) {
        source->finished = true;
        return false;
    }
    return ask_again(source, source->ws != NULL ? "the server has closed the connection"
                                                : "the body has ended") == 0;
}

int wr_http_source_ended(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    if (http->failure.code == 0 && http->verdict == WR_HTTP_ACCEPTED) {
        (void)wr_http_source_judge_end(source);
    }
    if (http->failure.code != 0 && wr_inbox_let_go(&source->inbox)) {
        source->broke = true;
        return 0;
    }
    source->broke = false;
    if (http->failure.code != 0 && http->play != NULL && !wr_http_replay_goes_on(http)) {
        wr_inbox_resume(&source->inbox, source->inbox.given_end);
        wr_inbox_end(&source->inbox);
        return end_replay(source);
    }
    if (http->failure.code != 0) {
        return retry(source, &http->failure);
    }
    if (http->verdict != WR_HTTP_AGAIN) {
        source->finished = /* an event stream ends by a 204 */
            source->sse ? http->verdict == WR_HTTP_COMPLETE : !source->follow && http->play == NULL;
        wr_inbox_end(&source->inbox);
    }
    return 0;
}
