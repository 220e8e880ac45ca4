/*
 * source_http.c - items of an HTTP response, as a generator.
 *
 * A pull takes items from the inbox. If there is no complete item, it accepts a new response, lets
 * the client work (http.h), judges the end of the attempt, plans the next one, or waits. Between
 * two waits no callback runs. When a wait returns, anything may have changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "base_option.h"
#include "base_print.h"
#include "codec_sse.h"
#include "source_http_parts.h"

static struct wr_http_source *source_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_http_source, gen);
}

/* ---- waiting */

static int canceled(struct wr_http_source *source, int code)
{
    char shown[128];
    wr_http_shown(&source->http, shown, sizeof shown);
    return wr_gen_fail(&source->gen, code, 0, -1, "%s: %s", shown,
                       code == WEIR_ECANCELED ? "canceled" : wr_code_text(code));
}

static int wait_more(struct wr_http_source *source)
{
    int rc = wr_http_wait(&source->http);
    return rc < 0 ? canceled(source, rc) : 0;
}

/* The budget has no memory for more bytes. Items taken since then may have made room in the current
 * block; if not, other tasks must release memory. */
static int wait_for_budget(struct wr_http_source *source)
{
    int rc = wr_http_find_room(&source->http);
    if (rc == 0) {
        return 0;
    }
    const char *stuck = rc == WEIR_ENOMEM ? "out of memory" : wr_inbox_stuck(&source->inbox);
    if (stuck != NULL) {
        wr_http_refuse(&source->http.failure, rc, 0, "%s", stuck);
        return wr_http_source_fail(source, &source->http.failure, "");
    }
    rc = wr_budget_wait(source->gen.loop, &source->gen.object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(&source->gen, (int64_t)source->inbox.given_end);
    }
    return rc < 0 ? canceled(source, rc) : 0;
}

/* ---- the state */

/* The source's name in a state: the complete URL without secrets. NULL: out of memory. */
static char *state_name(const struct wr_http_source *source)
{
    size_t cap = strlen(source->http.url) * 4 + 16; /* each "=" may become "=***" */
    char *name = wr_alloc(cap);
    if (name != NULL) {
        wr_http_shown(&source->http, name, cap);
    }
    return name;
}

static const char by_etag[] = "etag ", by_date[] = "modified ", as_raw[] = "raw ", as[] = "as ";

/* Skip a word if the text begins with it. */
static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    bool there = strncmp(*text, word, len) == 0;
    *text += there ? len : 0;
    return there;
}

/* A position in the encoded body and one in the decoded body are not comparable. */
static int refuse_raw(struct wr_http_source *source)
{
    return wr_gen_fail(&source->gen, WEIR_ECHANGED, 0, -1,
                       source->http.o.raw ? "the stored position counts decoded bytes, but the "
                                            "body is now read raw"
                                          : "the stored position counts raw bytes, but the body "
                                            "is now decoded");
}

/* Continue where an earlier run stopped. */
static int resume(struct wr_http_source *source, struct wr_offset *start)
{
    char shown[128];
    weir_error error;
    const struct wr_state_slot *slot = source->slot;
    bool good = wr_offset_read(start, slot->stored);
    const char *validator = start->validator;
    if (take_word(&validator, as)) { /* wr_http_media_resume has read it */
        validator += strcspn(validator, " ");
        validator += *validator == ' ';
    }
    bool raw = take_word(&validator, as_raw);
    good = good && (take_word(&validator, by_etag) || take_word(&validator, by_date));
    if (!good || !wr_inbox_resume_at(&source->inbox, start)) {
        (void)wr_state_bad_position(slot, &error);
        return wr_gen_fail_error(&source->gen, &error);
    }
    if (source->http.o.raw ? start->decoded : raw) {
        return refuse_raw(source);
    }
    source->coded = start->decoded;
    snprintf(source->validator, sizeof source->validator, "%s", validator);
    source->finished = slot->finished && !source->follow;
    wr_http_shown(&source->http, shown, sizeof shown);
    wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name,
           source->finished ? "%s: read to its end in an earlier run (byte %" PRIu64 ")"
                            : "%s: resume from byte %" PRIu64,
           shown, start->end & ~WR_END_INSIDE);
    return 0;
}

/* Begin where the option says. */
static int begin(struct wr_http_source *source, struct wr_offset *start)
{
    start->end = (uint64_t)source->begin_at;
    return source->begin_at == 0 || source->sse || wr_inbox_resume_at(&source->inbox, start)
               ? 0
               : wr_gen_fail(&source->gen, WEIR_EINVAL, 0, -1,
                             "what its body holds can be read only from the beginning");
}

static int attach_state(struct wr_http_source *source)
{
    char *name = state_name(source);
    weir_error error;
    int rc = name != NULL ? wr_state_attach_source(source->state, name, source->gen.origin,
                                                   &source->slot, &error)
                          : wr_error_set(&error, WEIR_ENOMEM, 0, source->gen.name, "no memory");
    wr_free(name);
    if (rc < 0) {
        return wr_gen_fail_error(&source->gen, &error);
    }
    if (source->ws != NULL || source->poll != NULL) {
        wr_state_prove(source->slot, WR_PROOF_NONE);
        return 0;
    }
    if (source->since != NULL) {
        return wr_http_since_resume(source);
    }
    if (source->by_media && wr_http_media_resume(source) < 0) {
        return source->gen.failure->code;
    }
    /* Else the first response says what the positions are. */
    return source->by_media && source->media == WR_MEDIA_UNKNOWN ? 0 : wr_http_source_keep(source);
}

int wr_http_source_keep(struct wr_http_source *source)
{
    struct wr_offset start = {.end = 0};
    if (source->sse) {
        wr_inbox_keep_ends(&source->inbox, NULL);
        return wr_http_sse_resume(source);
    }
    if (source->slot->stored != NULL ? resume(source, &start) < 0 : begin(source, &start) < 0) {
        return source->gen.failure->code;
    }
    source->offsets = wr_offsets_keep(source->gen.origin, &start);
    if (source->offsets == NULL) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_inbox_keep_ends(&source->inbox, source->offsets);
    if (source->finished) {
        wr_state_prove(source->slot, WR_PROOF_EXACT);
        wr_inbox_end(&source->inbox);
    }
    return 0;
}

/* The first response gives the validator; later responses continue the same version. */
static void prove(struct wr_http_source *source)
{
    struct wr_offset *now = &source->offsets->now;
    if (source->validator[0] == '\0') {
        wr_state_prove(source->slot, WR_PROOF_NONE);
        return;
    }
    bool raw = source->http.o.raw && source->http.reply.words->coding_name[0] != '\0';
    const char *word = source->by_media ? wr_media_word(source->media) : "";
    int len =
        snprintf(now->validator, sizeof now->validator, "%s%s%s%s%s%s", source->by_media ? as : "",
                 word, source->by_media ? " " : "", raw ? as_raw : "",
                 source->validator[0] == '"' ? by_etag : by_date, source->validator);
    now->decoded = source->coded;
    wr_state_prove(source->slot,
                   (size_t)len < sizeof now->validator ? WR_PROOF_EXACT : WR_PROOF_NONE);
}

/* The response is what was requested. Its first bytes may already be in the inbox, but none of them
 * was given. */
static int accept_answer(struct wr_http_source *source)
{
    source->answered_ns = wr_now_ns(source->gen.loop);
    source->fresh = true;
    source->begun = false;
    source->body_begin = source->inbox.given_end;
    if (source->since != NULL && wr_http_since_begin(source) < 0) {
        return source->gen.failure->code;
    }
    if (wr_http_source_compare(source) < 0) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory to compare bodies");
    }
    if (source->another) {
        wr_http_source_log_another(source);
    }
    if (source->offsets != NULL && source->slot != NULL && source->slot->proof != WR_PROOF_NONE) {
        prove(source);
    }
    source->answered = true;
    if (wr_http_accept(&source->http) < 0) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for a decoder");
    }
    return source->ws != NULL ? wr_http_source_begin_ws(source) : 0;
}

/* ---- pulling */

int wr_http_source_step(struct wr_http_source *source)
{
    if (!source->opened) {
        struct wr_offset start = {.end = 0};
        source->opened = true;
        return source->state != NULL ? attach_state(source) : begin(source, &start);
    }
    if (source->broke) {
        return wr_http_source_ended(source);
    }
    switch (wr_http_go(&source->http)) {
    case WR_HTTP_IDLE: wr_http_begin(&source->http); return 0;
    case WR_HTTP_WAITS: return wait_more(source);
    case WR_HTTP_STARVED: return wait_for_budget(source);
    case WR_HTTP_ENDED: return wr_http_source_ended(source);
    default: return 0;
    }
}

static uint64_t hash_of(const weir_item *item)
{
    weir_slice text = {item->data, item->len};
    const weir_event *event = weir_event_of(item);
    (void)!weir_item_text(item, &text, NULL);
    uint64_t hash = wr_hash(text.data, text.len);
    return event == NULL ? hash : hash ^ wr_hash(event->id.data, event->id.len);
}

/* Are any of these items new? A body that cannot be resumed may repeat from its start. Then its
 * first item is the same as before, and only items after the longest earlier part are new. An event
 * stream may also repeat the event after which it should continue. */
static bool is_news(struct wr_http_source *source, const weir_item *items, size_t count)
{
    uint64_t given = source->inbox.given_end - source->body_begin;
    if (source->from > 0) {
        return true;
    }
    if (!source->begun) {
        uint64_t hash = hash_of(items);
        bool from_first = hash == source->first_hash;
        bool again = source->sse && hash == source->last_hash;
        source->begun = true;
        source->longest = from_first ? source->longest : again && count == 1 ? given : 0;
        source->first_hash = hash;
        if (source->named && (from_first || again)) {
            wr_http_sse_log_repeat(source);
        }
    }
    return given > source->longest;
}

/* False: the generator has failed. */
static bool positions_given(struct wr_http_source *source, const weir_item *items, size_t count)
{
    if (source->since != NULL) {
        return wr_http_since_given(source, items, count) == 0;
    }
    return source->ids == NULL || wr_http_sse_given(source, items, count) == 0;
}

/* Items are given. False: the generator has failed. */
static bool note_given(struct wr_http_source *source, const weir_item *items, size_t n)
{
    source->given_ns = wr_now_ns(source->gen.loop);
    if (source->fresh && is_news(source, items, n)) {
        source->fresh = false;
        source->tries = source->pauses = 0;
    }
    if (source->sse) {
        source->last_hash = hash_of(&items[n - 1]);
    }
    return positions_given(source, items, n);
}

static size_t http_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_http_source *source = source_of(gen);
    wr_inbox_over_loan(&source->inbox, gen->origin);
    while (!gen->stopping) {
        bool over;
        if (source->slot != NULL) {
            wr_state_pulled(source->state);
        }
        if (wr_http_is_answered(&source->http) && accept_answer(source) < 0) {
            return 0;
        }
        uint64_t given = gen->origin->given;
        size_t n = wr_inbox_take(&source->inbox, gen, items, max, &over);
        wr_http_taken(&source->http, n);
        if (source->repeats != NULL) {
            wr_http_source_log_repeats(source, given);
        }
        int rc = source->ws != NULL && !over ? wr_http_source_tend_ws(source, n) : 0;
        if (rc < 0) {
            return 0;
        }
        if (rc > 0) {
            continue;
        }
        if (n > 0) {
            return note_given(source, items, n) ? n : 0;
        }
        if (over ? !wr_http_source_follow(source) : wr_http_source_step(source) < 0) {
            break;
        }
    }
    return 0;
}

/* ---- the end, and the other ops */

static void http_close(struct weir_gen *gen)
{
    struct wr_http_source *source = source_of(gen);
    if (source->ws != NULL) {
        wr_http_source_leave_ws(source);
    }
    wr_http_stop(&source->http);
    if (source->slot != NULL) {
        wr_state_detach_source(source->slot, source->finished && gen->failure == NULL);
        source->slot = NULL;
    }
    wr_inbox_fini(&source->inbox);
}

static void http_free(struct weir_gen *gen)
{
    wr_http_fini(&source_of(gen)->http);
    wr_playback_free(source_of(gen)->http.play);
    wr_http_source_free_ws(source_of(gen));
    wr_free(source_of(gen)->poll);
    wr_http_since_free(source_of(gen));
    if (source_of(gen)->repeats != NULL) {
        wr_repeats_fini(source_of(gen)->repeats);
        wr_free(source_of(gen)->repeats);
    }
}

static void http_stop(struct weir_gen *gen)
{
    wr_http_wake(&source_of(gen)->http);
}

static size_t http_why(const struct weir_gen *gen, char *text, size_t cap)
{
    return wr_http_why(&source_of(gen)->http, text, cap);
}

static int64_t http_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct wr_http_source *source = source_of(gen);
    return wr_inbox_held(&source->inbox, mark) +
           (int64_t)(wr_http_decode_held(&source->http) + source->ws_charged_bytes);
}

static bool http_frame(struct weir_gen *gen, const weir_framing *framing)
{
    struct wr_http_source *source = source_of(gen);
    if (source->by_media) {
        return true;
    }
    bool framed = wr_inbox_frame(&source->inbox, gen, framing);
    source->sse = source->inbox.framer.ops == &wr_sse_framer;
    return framed;
}

static bool http_given_before(const struct weir_gen *gen, uint64_t *count)
{
    *count = wr_state_given_before(source_of(gen)->before);
    return true;
}

/* A stream that follows is not one body, and an event stream continues by ids. */
static struct wr_state_slot *http_begins_again(struct weir_gen *gen)
{
    const struct wr_http_source *source = source_of(gen);
    bool one = !source->sse && !source->follow && source->ws == NULL && source->since == NULL;
    return one ? source->before : NULL;
}

/* "http(HOST/PATH)", without secrets; cut when it is long. */
static size_t http_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_http_source *source = source_of(gen);
    struct wr_print print;
    char shown[256];
    const char *url = source->http.url; /* NULL: no memory */
    wr_url_redact(wr_text_of(url != NULL ? url : ""), shown, sizeof shown);
    const char *host = strstr(shown, "://");
    host = host != NULL ? host + 3 : shown;
    wr_print_to(&print, text, cap);
    wr_print_string(&print, source->ws != NULL ? "ws(" : source->poll != NULL ? "poll(" : "http(");
    wr_print_bytes(&print, host, WR_MIN(strlen(host), cap - sizeof "http()"));
    wr_print_string(&print, ")");
    return print.len;
}

static struct wr_json *http_json(const struct weir_gen *gen)
{
    return wr_inbox_json(&source_of(gen)->inbox);
}

static const struct wr_gen_ops http_ops = {.kind = "http",
                                           .label = http_label,
                                           .next_many = http_next_many,
                                           .close = http_close,
                                           .free = http_free,
                                           .stop = http_stop,
                                           .why = http_why,
                                           .held = http_held,
                                           .frame = http_frame,
                                           .json = http_json,
                                           .by_media = wr_http_by_media,
                                           .media = wr_http_media,
                                           .media_inside = wr_http_media_inside,
                                           .given_before = http_given_before,
                                           .begins_again = http_begins_again,
                                           .is_source = true};

/* ---- making */

/* A separate function: an idle stream keeps the pages of its deepest stack. */
static __attribute__((noinline)) weir_gen *no_address(weir_scope *scope, struct wr_text text,
                                                      const char *kind)
{
    char shown[128];
    weir_error error;
    wr_url_redact(text, shown, sizeof shown);
    if (text.len >= WR_HTTP_URL_MAX) {
        wr_error_set(&error, WEIR_EINVAL, 0, kind, "the address is longer than %d KiB: '%s...'",
                     WR_HTTP_URL_MAX / 1024, shown);
    } else {
        wr_error_set(&error, WEIR_EINVAL, 0, kind, "'%s' is not %s address", shown,
                     strcmp(kind, "ws") == 0 ? "a ws or wss" : "an http or https");
    }
    return wr_gen_failed(scope, &error);
}

static bool options_wrong(const weir_http_options *o, const char *name, weir_error *error)
{
    return wr_http_options_wrong(o, name, error) ||
           wr_limit_wrong(error, name, "line_bytes_max", o->line_bytes_max) ||
           wr_choice_wrong(error, name, "overlong", o->overlong, WEIR_LONG_PARTS) ||
           wr_choice_wrong(error, name, "follow", o->follow, 1) ||
           wr_choice_wrong(error, name, "begin_at", o->begin_at, INT64_MAX - 1);
}

static void expect_state(struct wr_http_source *source)
{
    char *name = source->state != NULL ? state_name(source) : NULL;
    if (name != NULL) {
        source->before = wr_state_expect_source(source->state, name, NULL);
    }
    wr_free(name);
}

/* Apply the arguments. */
static void set_up(struct wr_http_source *source, const char *url_text, const struct wr_url *url,
                   int32_t frame, const weir_http_options *o, const weir_ws_options *ws,
                   struct wr_playback *play)
{
    struct weir_gen *gen = &source->gen;
    weir_framing framing = {
        .kind = frame, .overlong = o->overlong, .item_bytes_max = o->line_bytes_max};
    weir_error error;
    int rc = wr_inbox_init(&source->inbox, gen, &framing, 0);
    source->sse = frame == WEIR_FRAME_SSE;
    source->complete = -1;
    source->state = o->state;
    source->retries = o->retries;
    source->follow = o->follow;
    source->idle_ms = o->idle_ms;
    source->begin_at = o->begin_at;
    source->to_end = o->to_end != 0;
    source->http.of = &gen->object;
    source->http.name = gen->name;
    source->http.user = &wr_http_source_user;
    source->http.inbox = &source->inbox;
    if (rc == 0 && o->since != NULL) {
        rc = wr_http_since_set(source, o->since);
    }
    if (rc < 0) {
        wr_error_set(&error, rc, 0, gen->name, "no memory for items");
    }
    if (rc < 0 || options_wrong(o, gen->name, &error) ||
        wr_http_since_wrong(o, gen->name, frame, &error) ||
        wr_http_init(&source->http, gen->loop, url_text, url, o, &error) < 0 ||
        (ws != NULL && wr_http_source_set_ws(source, ws, o, &error) < 0)) {
        wr_gen_fail_error(gen, &error);
        return;
    }
    source->http.wire = ws != NULL ? &wr_http_ws_wire : source->http.wire;
    expect_state(source);
    if (play != NULL) {
        wr_http_replay(&source->http, play);
    } else if (ws == NULL && gen->loop->recorder != NULL) {
        char shown[1024];
        wr_http_shown(&source->http, shown, sizeof shown);
        source->http.recorder = wr_recorder_claim(gen->loop, "http", gen->name, shown, o->raw != 0);
        source->by_media = source->http.recorder != NULL && frame == WEIR_FRAME_LINES;
        source->others = WR_MEDIA_LINES;
    }
}

/* ws NULL: not a WebSocket. play NULL: not a replay. */
static weir_gen *make(weir_scope *scope, const char *url_text, int32_t frame,
                      const weir_http_options *options, const weir_ws_options *ws,
                      struct wr_playback *play)
{
    weir_http_options o = WEIR_ZERO;
    struct wr_url url;
    const char *kind = ws != NULL ? "ws" : "http";
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_text text = url_text != NULL ? wr_text_of(url_text) : (struct wr_text){"", 0};
    if (text.len >= WR_HTTP_URL_MAX ||
        (ws != NULL ? wr_url_parse_ws(text, &url) : wr_url_parse(text, &url)) < 0) {
        wr_playback_free(play);
        return no_address(scope, text, kind);
    }
    char name[32];
    snprintf(name, sizeof name, "%s(%.*s)", kind, (int)WR_MIN(url.host.len, sizeof name - 7),
             url.host.data);
    struct wr_http_source *source = wr_gen_alloc(scope, sizeof *source, &http_ops, name);
    if (source == NULL) {
        wr_playback_free(play);
        return wr_gen_made(NULL, NULL);
    }
    source->http.play = play;
    set_up(source, url_text, &url, frame, &o, ws, play);
    wr_gen_ready(&source->gen);
    return wr_gen_made(&source->gen, NULL);
}

weir_gen *wr_http_source_poll(struct weir_scope *scope, const char *url, int32_t frame,
                              int64_t every_ms, const weir_http_options *options)
{
    weir_gen *gen = make(scope, url, frame, options, NULL, NULL);
    if (gen->ops != &http_ops || gen->failure != NULL) {
        return gen;
    }
    if (every_ms < 1) {
        wr_gen_fail(gen, WEIR_EINVAL, 0, -1, "every_ms must be at least 1");
    } else if (wr_http_poll_set(source_of(gen), every_ms) < 0) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for options");
    }
    return gen;
}

weir_gen *weir_http_lines(weir_scope *scope, const char *url, const weir_http_options *options)
{
    return make(scope, url, WEIR_FRAME_LINES, options, NULL, NULL);
}

weir_gen *weir_http_bytes(weir_scope *scope, const char *url, const weir_http_options *options)
{
    return make(scope, url, WEIR_FRAME_NONE, options, NULL, NULL);
}

weir_gen *weir_http_events(weir_scope *scope, const char *url, const weir_http_options *options)
{
    return make(scope, url, WEIR_FRAME_SSE, options, NULL, NULL);
}

weir_gen *weir_ws_messages(weir_scope *scope, const char *url, const weir_ws_options *options)
{
    weir_ws_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    return make(scope, url, WR_FRAME_WS, o.http, &o, NULL);
}

weir_gen *wr_http_source_replay(weir_scope *scope, const char *url, int32_t frame,
                                const weir_http_options *options, struct wr_playback *play)
{
    return make(scope, url, frame, options, NULL, play);
}
