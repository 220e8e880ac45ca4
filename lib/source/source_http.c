/*
 * source_http.c - lines of an HTTP response, as a generator.
 *
 * States (phase): CLOSED -> (TOKEN ->) CONNECTING -> ASKED (connected, the head has not come) ->
 * BODY -> CLOSED ..., with BACKOFF before another attempt. libcurl's callbacks append bytes to the
 * inbox and wake the task that pulls; all decisions are taken on that task, between waits:
 * take lines; if there are none, take note of the answer, decode, judge the end of the attempt,
 * start the next one, or wait.
 *
 * The brake: a write callback that finds WR_HTTP_HIGH_BYTES of unread lines refuses the piece,
 * libcurl stops reading the socket, and the task lets it go on when WR_HTTP_LOW_BYTES are left.
 * Bytes of an unfinished line do not count (`stale`), so a long line cannot block itself.
 *
 * The clocks run only while a pull waits, so they stand still when the reader is slow: what is
 * measured is the server. Between two suspensions on this task the callbacks do not run; at each
 * return of a wait anything may have changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "base_option.h"
#include "source_http_parts.h"
#include "source_http_redirect.h"

enum { CONNECT_MS = 10 * 1000, FIRST_BYTE_MS = 30 * 1000, EXCERPT_MS = 2000 };

static struct wr_http_source *http_of(struct weir_gen *gen)
{
    return (struct wr_http_source *)gen;
}

/* ---- waiting */

/* How long this phase may still last; negative: no limit. */
static int64_t limit_of(const struct wr_http_source *http)
{
    int64_t spent_ms = (wr_now_ns(http->gen.loop) - http->phase_ns) / 1000000;
    switch (http->phase) {
    case WR_HTTP_TOKEN:
    case WR_HTTP_CONNECTING:
        return http->o.connect_ms < 0 ? -1 : WR_MAX(http->o.connect_ms - spent_ms, 0);
    case WR_HTTP_ASKED:
        return http->o.first_byte_ms < 0 ? -1 : WR_MAX(http->o.first_byte_ms - spent_ms, 0);
    case WR_HTTP_BACKOFF: return WR_MAX(-spent_ms, 0);
    default:
        return http->verdict == WR_HTTP_REFUSED ? WR_MAX(EXCERPT_MS - spent_ms, 0)
                                                : wr_http_idle_ms(http);
    }
}

static const char *why_of(const struct wr_http_source *http)
{
    switch (http->phase) {
    case WR_HTTP_TOKEN: return "the bearer token file";
    case WR_HTTP_CONNECTING: return "a connection";
    case WR_HTTP_ASKED: return "an answer";
    case WR_HTTP_BACKOFF: return "time to try again";
    default: return "data";
    }
}

/* Park until a callback, a clock, a stop or a cancel. 0, or the code that the wait has failed with.
 */
static int park(struct wr_http_source *http, bool *late)
{
    struct wr_limit limit;
    wr_limit_start(http->gen.loop, &limit, limit_of(http));
    int rc = wr_wait_limited(&limit, why_of(http), &http->gen.object);
    wr_limit_stop(&limit);
    *late = rc == WEIR_ETIMEDOUT;
    return *late ? 0 : rc;
}

static int canceled(struct wr_http_source *http, int code)
{
    char shown[128];
    wr_http_shown(http, shown, sizeof shown);
    return wr_gen_fail(&http->gen, code, 0, -1, "%s: %s", shown,
                       code == WEIR_ECANCELED ? "canceled" : wr_code_text(code));
}

static int wait_more(struct wr_http_source *http)
{
    bool late;
    wr_inbox_came(&http->inbox, 0);
    int rc = park(http, &late);
    if (rc < 0) {
        return canceled(http, rc);
    }
    if (!late || http->over) {
        return 0;
    }
    if (http->phase == WR_HTTP_BACKOFF) {
        http->phase = WR_HTTP_CLOSED; /* the pause is over */
        return 0;
    }
    if (http->failure.code == 0) {
        wr_http_clock_failure(http, &http->failure);
    }
    return wr_http_ended(http);
}

/* There was no memory in the budget for what comes. The lines that are taken since may have made
 * room in the block that is here; else others must give some back. */
static int wait_for_budget(struct wr_http_source *http)
{
    char *to;
    int rc = wr_inbox_room_for(&http->inbox, CURL_MAX_WRITE_SIZE, &to);
    if (rc == 0) {
        http->starved = false;
        wr_transfer_unpause(&http->transfer);
        return 0;
    }
    const char *stuck = rc == WEIR_ENOMEM ? "out of memory" : wr_inbox_stuck(&http->inbox);
    if (stuck != NULL) {
        wr_http_refuse(&http->failure, rc, 0, "%s", stuck);
        return wr_http_fail(http, &http->failure, "");
    }
    rc = wr_budget_wait(http->gen.loop, &http->gen.object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(&http->gen, (int64_t)http->inbox.given_end);
    }
    return rc < 0 ? canceled(http, rc) : 0;
}

/* ---- pulling */

/* What a state knows the source by: the URL without secrets, whole. NULL: no memory. */
static char *state_name(const struct wr_http_source *http)
{
    size_t cap = strlen(http->url) * 4 + 16; /* each "=" may become "=***" */
    char *name = wr_alloc(cap);
    if (name != NULL) {
        wr_http_shown(http, name, cap);
    }
    return name;
}

static const char by_etag[] = "etag ", by_date[] = "modified ";

/* Goes on where an earlier run has left off. */
static int resume(struct wr_http_source *http, struct wr_offset *start)
{
    char shown[128];
    weir_error error;
    const struct wr_state_slot *slot = http->slot;
    bool good = wr_offset_read(start, slot->stored);
    const char *validator = start->validator;
    if (strncmp(validator, by_etag, sizeof by_etag - 1) == 0) {
        validator += sizeof by_etag - 1;
    } else if (strncmp(validator, by_date, sizeof by_date - 1) == 0) {
        validator += sizeof by_date - 1;
    } else {
        good = false;
    }
    if (!good) {
        (void)wr_state_bad_position(slot, &error);
        return wr_gen_fail_error(&http->gen, &error);
    }
    http->coded = start->decoded;
    snprintf(http->validator, sizeof http->validator, "%s", validator);
    wr_inbox_resume(&http->inbox, start->end);
    http->finished = slot->finished && !http->o.follow;
    wr_http_shown(http, shown, sizeof shown);
    wr_log(&http->gen.loop->log, WR_LOG_INFO, http->gen.name,
           http->finished ? "%s: read to its end in an earlier run (byte %" PRIu64 ")"
                          : "%s: resume from byte %" PRIu64,
           shown, start->end & ~WR_END_INSIDE);
    return 0;
}

static int attach_state(struct wr_http_source *http)
{
    char *name = state_name(http);
    struct wr_offset start = {.end = 0};
    weir_error error;
    int rc = name != NULL ? wr_state_attach_source(http->o.state, name, http->gen.origin,
                                                   &http->slot, &error)
                          : wr_error_set(&error, WEIR_ENOMEM, 0, http->gen.name, "no memory");
    wr_free(name);
    if (rc < 0) {
        return wr_gen_fail_error(&http->gen, &error);
    }
    if (http->slot->stored != NULL && resume(http, &start) < 0) {
        return http->gen.failure->code;
    }
    http->offsets = wr_offsets_keep(http->gen.origin, &start);
    if (http->offsets == NULL) {
        return wr_gen_fail(&http->gen, WEIR_ENOMEM, 0, -1, "no memory for the positions of lines");
    }
    http->inbox.keep_ends = true;
    if (http->finished) {
        wr_state_prove(http->slot, WR_PROOF_EXACT);
        wr_inbox_end(&http->inbox);
    }
    return 0;
}

/* The first answer says by what its version is known, each other one goes on with it. */
static void prove(struct wr_http_source *http)
{
    struct wr_offset *now = &http->offsets->now;
    if (http->validator[0] == '\0') {
        wr_state_prove(http->slot, WR_PROOF_NONE);
        return;
    }
    int len = snprintf(now->validator, sizeof now->validator, "%s%s",
                       http->validator[0] == '"' ? by_etag : by_date, http->validator);
    now->decoded = http->coded;
    wr_state_prove(http->slot,
                   (size_t)len < sizeof now->validator ? WR_PROOF_EXACT : WR_PROOF_NONE);
}

/* The answer is what was asked for: its first bytes may be in the reader already, none of them has
 * been given. */
static int accept_answer(struct wr_http_source *http)
{
    http->accepted = true;
    http->fresh = true;
    http->answered_ns = wr_now_ns(http->gen.loop);
    http->begun = false;
    http->body_begin = http->inbox.given_end;
    if (http->another) {
        wr_http_log_another(http);
    }
    if (http->slot != NULL && http->slot->proof != WR_PROOF_NONE) {
        prove(http);
    }
    http->answered = true;
    wr_http_reply_accept(&http->reply);
    if (wr_http_decode_begin(http) < 0) {
        return wr_gen_fail(&http->gen, WEIR_ENOMEM, 0, -1, "no memory for a decoder");
    }
    if (http->decoder != NULL) {
        wr_transfer_unpause(&http->transfer);
    }
    return 0;
}

/* Wait for the token. 1: it is here; 0: the source is to stop; negative: failed. */
static int wait_for_token(struct wr_http_source *http, const struct wr_http_token *token)
{
    bool late = false;
    while (!wr_http_token_done(token)) {
        int rc = park(http, &late);
        if (rc < 0) {
            return canceled(http, rc);
        }
        if (http->gen.stopping) {
            return 0;
        }
        if (late && !wr_http_token_done(token)) {
            wr_http_clock_failure(http, &http->failure);
            return wr_http_fail(http, &http->failure, "");
        }
    }
    if (wr_http_token_failure(token, &http->failure) < 0) {
        return wr_http_fail(http, &http->failure, "");
    }
    return 1;
}

static int begin_attempt(struct wr_http_source *http)
{
    if (http->bearer_file == NULL || !wr_http_is_own(http)) {
        return wr_http_attempt(http, NULL);
    }
    http->phase = WR_HTTP_TOKEN;
    http->phase_ns = wr_now_ns(http->gen.loop);
    struct wr_http_token *token = wr_http_token_begin(http);
    int rc = token != NULL ? wait_for_token(http, token)
                           : wr_gen_fail(&http->gen, WEIR_ENOMEM, 0, -1, "no memory for a token");
    http->phase = WR_HTTP_CLOSED;
    if (rc > 0) {
        rc = wr_http_attempt(http, token);
    }
    wr_http_token_end(token);
    return rc;
}

/* There is no complete line: do what brings one. Negative: the generator has failed. */
static int step(struct wr_http_source *http)
{
    if (!http->opened) {
        http->opened = true;
        return http->o.state != NULL ? attach_state(http) : 0;
    }
    if (http->phase == WR_HTTP_CLOSED) {
        return begin_attempt(http);
    }
    if (!wr_http_decode_hungry(http)) {
        int rc = wr_http_decode_step(http);
        if (rc == WEIR_EBUDGET) {
            return wait_for_budget(http);
        }
        return rc < 0 ? wr_http_ended(http) : 0;
    }
    if (http->starved) {
        return wait_for_budget(http);
    }
    if (http->over) {
        return wr_http_ended(http);
    }
    wr_transfer_unpause(&http->transfer);
    return wait_more(http);
}

/* Are there lines among those just given that did not come before? A body that could not be resumed
 * may come again: then its first line is the one it had before, and news is what lies behind all
 * that has ever come of it. */
static bool is_news(struct wr_http_source *http, const weir_item *first)
{
    uint64_t given = http->inbox.given_end - http->body_begin;
    if (http->from > 0) {
        return true;
    }
    if (!http->begun) {
        uint64_t hash = wr_hash(first->data, first->len);
        http->begun = true;
        http->longest = hash == http->first_hash ? http->longest : 0;
        http->first_hash = hash;
    }
    return given > http->longest;
}

static size_t http_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_http_source *http = http_of(gen);
    struct wr_inbox *inbox = &http->inbox;
    wr_inbox_over_loan(inbox, gen->origin);
    while (!gen->stopping) {
        bool over;
        if (http->slot != NULL) {
            wr_state_pulled(http->o.state);
        }
        if (http->verdict == WR_HTTP_LINES && !http->accepted && accept_answer(http) < 0) {
            return 0;
        }
        size_t n = wr_inbox_take(inbox, gen, items, max, &over);
        if (n > 0) {
            http->stale = 0;
            if (http->fresh && is_news(http, items)) {
                http->fresh = false;
                http->tries = http->pauses = 0;
            }
            if (http->transfer.paused && wr_inbox_pending(inbox) <= WR_HTTP_LOW_BYTES) {
                wr_transfer_unpause(&http->transfer);
            }
            return n;
        }
        http->stale = wr_inbox_pending(inbox);
        if (over ? !wr_http_follow(http) : step(http) < 0) {
            break;
        }
    }
    return 0;
}

/* ---- the end, and what others do to it */

static void http_close(struct weir_gen *gen)
{
    struct wr_http_source *http = http_of(gen);
    wr_http_attempt_end(http);
    if (http->slot != NULL) {
        wr_state_detach_source(http->slot, http->finished && gen->failure == NULL);
        http->slot = NULL;
    }
    wr_inbox_fini(&http->inbox);
}

static void wipe(char *secret)
{
    if (secret != NULL) {
        memset(secret, 0, strlen(secret));
    }
    wr_free(secret);
}

static void http_free(struct weir_gen *gen)
{
    struct wr_http_source *http = http_of(gen);
    for (size_t i = 0; http->headers != NULL && i < http->o.headers_count; i++) {
        wipe(http->headers[i]);
    }
    wr_free(http->headers);
    wipe(http->user);
    wr_free(http->url);
    wr_free(http->bearer_file);
    wr_free(http->ca_file);
    wr_http_redirect_none(http);
    wr_http_reply_fini(&http->reply);
    wr_http_failure_fini(&http->failure);
}

static void http_stop(struct weir_gen *gen)
{
    wr_http_wake(http_of(gen));
}

static size_t written(int n, size_t cap)
{
    return n < 0 || cap == 0 ? 0 : WR_MIN((size_t)n, cap - 1);
}

static size_t http_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_http_source *http = (const struct wr_http_source *)gen;
    int64_t ms = (wr_now_ns(gen->loop) - http->phase_ns) / 1000000;
    const char *what = wr_http_missing(http);
    if (http->phase == WR_HTTP_BACKOFF) {
        return written(snprintf(text, cap, "tries again in %" PRId64 " s", WR_MAX(-ms, 0) / 1000),
                       cap);
    }
    const struct wr_task *waiter = wr_object_waiter(&gen->object);
    if (waiter == NULL && http->transfer.paused) {
        return written(snprintf(text, cap, "paused: its reader is the brake"), cap);
    }
    if (waiter == NULL) {
        return written(snprintf(text, cap, "waits for its reader"), cap);
    }
    if (http->phase == WR_HTTP_BODY && waiter->parked_ns > http->phase_ns) {
        ms = (wr_now_ns(gen->loop) - waiter->parked_ns) / 1000000;
    }
    return written(snprintf(text, cap, "%s for %" PRId64 " s", what, ms / 1000), cap);
}

static int64_t http_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_inbox_held(&((const struct wr_http_source *)gen)->inbox, mark);
}

static bool http_frame(struct weir_gen *gen, const weir_framing *framing)
{
    return wr_inbox_frame(&http_of(gen)->inbox, gen, framing);
}

static bool http_given_before(const struct weir_gen *gen, uint64_t *count)
{
    *count = wr_state_given_before(((const struct wr_http_source *)gen)->before);
    return true;
}

static const struct wr_gen_ops http_ops = {.kind = "http",
                                           .next_many = http_next_many,
                                           .close = http_close,
                                           .free = http_free,
                                           .stop = http_stop,
                                           .why = http_why,
                                           .held = http_held,
                                           .frame = http_frame,
                                           .given_before = http_given_before,
                                           .is_source = true};

bool wr_http_stats_of(const struct weir_gen *gen, struct wr_http_stats *stats)
{
    if (gen->ops != &http_ops) {
        return false;
    }
    const struct wr_http_source *http = (const struct wr_http_source *)gen;
    *stats = (struct wr_http_stats){.bytes = http->bytes,
                                    .reconnects = http->reconnects,
                                    .position = http->inbox.given_end,
                                    .length = http->complete,
                                    .status = http->last_status,
                                    .connected = http->phase == WR_HTTP_BODY};
    return true;
}

/* ---- making */

static bool header_ok(struct wr_http_source *http, const char *line)
{
    struct wr_text text = wr_text_of(line), rest = text;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false; /* a line end would begin another header */
        }
    }
    http->own_range = http->own_range || wr_text_take(&rest, "Range:");
    http->own_coding = http->own_coding || wr_text_take(&rest, "Accept-Encoding:");
    size_t name = 0;
    while (name < text.len && wr_is_token_char(text.data[name])) {
        name++;
    }
    return name > 0 && name < text.len && (text.data[name] == ':' || text.data[name] == ';');
}

/* "https://user:password@host/..." without the userinfo, which goes to http->user unless the
 * options name one. */
static int copy_url(struct wr_http_source *http, const char *text, const struct wr_url *url)
{
    WR_ASSERT(text != NULL, "no URL");
    size_t len = strlen(text);
    http->url = wr_alloc(len + 1);
    if (http->url == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(http->url, text, len + 1);
    struct wr_text userinfo = url->userinfo;
    if (userinfo.data == NULL) {
        return 0;
    }
    size_t at = (size_t)(userinfo.data - text);
    memmove(http->url + at, text + at + userinfo.len + 1, len - at - userinfo.len);
    if (http->user != NULL) {
        return 0;
    }
    int bytes;
    char *plain = curl_easy_unescape(NULL, userinfo.data, (int)userinfo.len, &bytes);
    http->user = plain != NULL && strlen(plain) == (size_t)bytes ? wr_strdup(plain) : NULL;
    curl_free(plain);
    return http->user != NULL ? 0 : WEIR_ENOMEM;
}

static int copy_options(struct wr_http_source *http, const char *url_text, const struct wr_url *url)
{
    const weir_http_options *o = &http->o;
    http->user = wr_strdup(o->user);
    http->bearer_file = wr_strdup(o->bearer_file);
    http->ca_file = wr_strdup(o->ca_file);
    http->headers =
        o->headers_count > 0 ? wr_zalloc(o->headers_count * sizeof *http->headers) : NULL;
    if ((o->user != NULL && http->user == NULL) ||
        (o->bearer_file != NULL && http->bearer_file == NULL) ||
        (o->ca_file != NULL && http->ca_file == NULL) ||
        (o->headers_count > 0 && http->headers == NULL) || copy_url(http, url_text, url) < 0) {
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < o->headers_count; i++) {
        if (!header_ok(http, o->headers[i])) {
            return wr_gen_fail(&http->gen, WEIR_EINVAL, 0, -1,
                               "header %zu is not of the form 'Name: value'", i + 1);
        }
        http->headers[i] = wr_strdup(o->headers[i]);
        if (http->headers[i] == NULL) {
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

static int64_t or_default(int64_t value, int64_t preset)
{
    return value == 0 ? preset : value;
}

/* A call of its own: an idle stream keeps the pages of the deepest stack it ever had. */
static __attribute__((noinline)) weir_gen *no_address(weir_scope *scope, struct wr_text text)
{
    char shown[128];
    weir_error error;
    wr_url_redact(text, shown, sizeof shown);
    wr_error_set(&error, WEIR_EINVAL, 0, "http", "'%s' is no http or https address", shown);
    return wr_gen_failed(scope, &error);
}

static bool options_wrong(const weir_http_options *o, const char *name, weir_error *error)
{
    return wr_choice_wrong(error, name, "tls", o->tls, WEIR_TLS_TRUST_ANYBODY) ||
           wr_limit_wrong(error, name, "retries", o->retries) ||
           wr_limit_wrong(error, name, "connect_ms", o->connect_ms) ||
           wr_limit_wrong(error, name, "first_byte_ms", o->first_byte_ms) ||
           wr_limit_wrong(error, name, "idle_ms", o->idle_ms) ||
           wr_limit_wrong(error, name, "line_bytes_max", o->line_bytes_max) ||
           wr_choice_wrong(error, name, "overlong", o->overlong, WEIR_LONG_PARTS) ||
           wr_limit_wrong(error, name, "decoded_bytes_max", o->decoded_bytes_max) ||
           wr_limit_wrong(error, name, "decoded_ratio_max", o->decoded_ratio_max) ||
           wr_choice_wrong(error, name, "follow", o->follow, 1);
}

static void expect_state(struct wr_http_source *http)
{
    char *name = http->o.state != NULL && http->gen.failure == NULL ? state_name(http) : NULL;
    if (name != NULL) {
        http->before = wr_state_expect_source(http->o.state, name);
    }
    wr_free(name);
}

static weir_gen *http_make(weir_scope *scope, const char *url_text, int32_t frame,
                           const weir_http_options *options)
{
    weir_http_options o = WEIR_ZERO;
    struct wr_url url;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_text text = url_text != NULL ? wr_text_of(url_text) : (struct wr_text){"", 0};
    if (text.len >= WR_HTTP_URL_MAX || wr_url_parse(text, &url) < 0) {
        return no_address(scope, text);
    }
    char name[32] = "http(";
    size_t host_len = WR_MIN(url.host.len, sizeof name - 7);
    memcpy(name + 5, url.host.data, host_len);
    memcpy(name + 5 + host_len, ")", 2);
    struct wr_http_source *http = wr_gen_alloc(scope, sizeof *http, &http_ops, name);
    if (http == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    weir_error error;
    if (options_wrong(&o, name, &error)) {
        wr_gen_fail_error(&http->gen, &error);
    }
    o.connect_ms = or_default(o.connect_ms, CONNECT_MS);
    o.first_byte_ms = or_default(o.first_byte_ms, FIRST_BYTE_MS);
    http->o = o;
    http->complete = -1;
    wr_transfer_init(&http->transfer);
    weir_framing framing = {
        .kind = frame, .overlong = o.overlong, .item_bytes_max = o.line_bytes_max};
    (void)wr_inbox_init(&http->inbox, http->gen.loop, &framing, 0); /* needs no memory */
    if (copy_options(http, url_text, &url) < 0) {
        wr_gen_fail(&http->gen, WEIR_ENOMEM, 0, -1, "no memory for a request");
    }
    expect_state(http);
    wr_gen_ready(&http->gen);
    return wr_gen_made(&http->gen, NULL);
}

weir_gen *weir_http_lines(weir_scope *scope, const char *url, const weir_http_options *options)
{
    return http_make(scope, url, WEIR_FRAME_LINES, options);
}

weir_gen *weir_http_bytes(weir_scope *scope, const char *url, const weir_http_options *options)
{
    return http_make(scope, url, WEIR_FRAME_NONE, options);
}
