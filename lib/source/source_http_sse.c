/*
 * source_http_sse.c - what is different when the body is an event stream (WHATWG HTML 9.2).
 *
 * A request names the last event's id, not an offset, and nothing proves that the server continues
 * after it. So positions are ids, and the proof is weak (flow_state.h). Only the response 204 ends
 * the stream. Whenever a body ends or breaks, the source requests the stream again, but not before
 * the server's `retry` time. An event without an id has no position; the positions of a stream
 * begin with its first event that has an id. Never suspends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec_sse.h"
#include "source_http_parts.h"

static const char EVENT_STREAM[] = "text/event-stream", WORD[] = "id";

enum { ID_SHOWN = 60 };

static struct wr_text last_id(const struct wr_http_source *source)
{
    return wr_sse_last_id(&source->inbox.framer);
}

/* ---- the request and the judgement */

int wr_http_sse_ask(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    struct wr_text id = last_id(source);
    int rc =
        wr_http_says(http, "Accept") ? 0 : wr_http_add_header(http, "Accept: %s", EVENT_STREAM);
    source->named = id.len > 0;
    if (rc < 0 || !source->named) {
        return rc;
    }
    http->in_place_of = "Last-Event-ID"; /* the caller's header only says where to begin */
    return wr_http_add_header(http, "Last-Event-ID: %.*s", (int)id.len, id.data);
}

enum wr_http_verdict wr_http_sse_judge(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    const struct wr_http_reply *reply = &http->reply;
    const char *type = reply->words->type;
    http->idle_ms = source->idle_ms != 0 ? source->idle_ms : WR_HTTP_SOURCE_IDLE_MS;
    if (reply->status == 204) {
        return WR_HTTP_COMPLETE;
    }
    if (reply->status != 200) {
        return wr_http_judge_status(http);
    }
    if (wr_text_is(wr_text_of(type), EVENT_STREAM)) {
        return wr_http_judge_coding(http);
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                   "the response is not an event stream: its Content-Type is %s%s%s, not %s",
                   type[0] != '\0' ? "'" : "missing", type, type[0] != '\0' ? "'" : "",
                   EVENT_STREAM);
    return WR_HTTP_REFUSED;
}

bool wr_http_sse_grants(struct wr_http_source *source)
{
    int64_t most_ms = source->http.o.retry_after_max_ms;
    int64_t asked_ms = wr_sse_retry_ms(&source->inbox.framer);
    if (most_ms < 0 || asked_ms <= most_ms) {
        return true;
    }
    wr_http_refuse(&source->http.failure, WEIR_EHTTP, 0,
                   "the stream asks for a pause of %" PRId64 " s before a reconnect (retry), "
                   "which is longer than the limit of %" PRId64
                   " s (weir_http_options.retry_after_max_ms)",
                   asked_ms / 1000, most_ms / 1000);
    return false;
}

int64_t wr_http_sse_pause_ms(const struct wr_http_source *source)
{
    return wr_sse_retry_ms(&source->inbox.framer);
}

/* ---- the log */

void wr_http_sse_how(const struct wr_http_source *source, char *to, size_t cap)
{
    struct wr_text id = last_id(source);
    if (id.len > 0) {
        snprintf(
            to, cap,
            "resume after the event with id %.*s%s; a gap or repeats are possible if the server "
            "ignores the id",
            (int)WR_MIN(id.len, (size_t)ID_SHOWN), id.data, id.len > ID_SHOWN ? "..." : "");
    } else if (source->gen.origin->given == 0) {
        snprintf(to, cap, "no event with an id was saved: a gap or repeats are possible");
    } else {
        snprintf(to, cap, "a gap or repeats are possible after event %" PRIu64 ", which has no id",
                 source->gen.origin->given);
    }
}

void wr_http_sse_log_repeat(struct wr_http_source *source)
{
    char url[128];
    wr_http_shown(&source->http, url, sizeof url);
    wr_log(&source->gen.loop->log, WR_LOG_WARNING, source->gen.name,
           "%s: the server was asked to continue after an id, but begins with an event already "
           "received: events are repeated",
           url);
}

/* ---- the state */

/* The id is sent in a header, which cannot contain line ends. */
static bool is_id(const char *id)
{
    return id != NULL && strpbrk(id, "\r\n") == NULL && strlen(id) <= WR_SSE_FIELD_MAX;
}

int wr_http_sse_resume(struct wr_http_source *source)
{
    const char *stored = source->slot->stored;
    const char *id = stored != NULL ? wr_texts_read(stored, WORD) : "";
    weir_error error;
    if (!is_id(id)) {
        (void)wr_state_bad_position(source->slot, &error);
        return wr_gen_fail_error(&source->gen, &error);
    }
    source->ids =
        wr_texts_keep(source->gen.origin, &source->gen.loop->budget, WORD, wr_text_of(id));
    if (source->ids == NULL ||
        (id[0] != '\0' && wr_sse_set_last_id(&source->inbox.framer, wr_text_of(id)) < 0)) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    if (stored != NULL) {
        char url[128], how[192];
        wr_http_shown(&source->http, url, sizeof url);
        wr_http_sse_how(source, how, sizeof how);
        wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name, "%s: %s", url, how);
    }
    return 0;
}

int wr_http_sse_given(struct wr_http_source *source, const weir_item *items, size_t count)
{
    bool named = false;
    for (size_t i = 0; i < count; i++) {
        weir_slice id = weir_event_of(&items[i])->id;
        uint64_t number = wr_origin_number(source->gen.origin, items[i].seq);
        named = named || id.len > 0;
        if (wr_texts_add(source->ids, number, (struct wr_text){id.data, id.len}) < 0) {
            return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        }
    }
    uint8_t proof = source->slot->proof;
    if (named && (proof == WR_PROOF_PENDING || proof == WR_PROOF_NONE)) {
        wr_state_prove(source->slot, WR_PROOF_WEAK);
    } else if (proof == WR_PROOF_PENDING) {
        wr_state_prove(source->slot, WR_PROOF_NONE);
    }
    return 0;
}
