/*
 * sink_http.c - items to a server, one POST each.
 *
 * A put gives each item to an idle slot, and waits while no slot is idle. A slot has its own task
 * from the put until its item is finished. The task makes the request, retries where that may help,
 * splits a batch that is too large for the server, rejects what the server refuses, and settles the
 * item. So an acknowledged item settles at once, whatever other requests are pending, and the pump
 * can bring the next item in the meantime.
 *
 * An answer means one of these: taken (2xx); refused permanently, which rejects the items (the list
 * of statuses); too large (413 for several items), which halves the request; retry (408, 425, 429,
 * 5xx, and every failure of a connection); or the failure of the sink. After the first failure
 * nothing more is put. Other pending requests are aborted when the sink ends; their items have not
 * settled.
 *
 * The tasks of the slots and the task that puts all wait for the sink's object, and check their
 * condition again when they wake. Between two waits of one slot another slot may have failed the
 * sink.
 */
#include "sink_http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "flow_dead.h"

enum {
    PARALLEL_MAX = 64,
    ANSWER_MS = 2000,         /* time limit for the rest of an answer after its 2xx status */
    ANSWER_BYTES = 64 * 1024, /* size limit for the same */
    WARN_MS = 60 * 1000       /* a server that takes nothing for this long gets a warning */
};

static const int32_t statuses[] = {400, 413, 422}; /* that reject, by default */

static struct sink_http *http_sink_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct sink_http, sink);
}

static struct wr_post *post_of(struct wr_http *http)
{
    return WR_OWNER(http, struct wr_post, http);
}

/* ---- the request */

static int ask(struct wr_http *http)
{
    struct wr_post *post = post_of(http);
    int rc = 0;
    if (!wr_http_says(http, "Content-Type")) {
        rc = wr_http_add_header(http, "Content-Type: %s", wr_post_type(post));
    }
    if (rc == 0 && post->owner->gzip) {
        rc = wr_http_add_header(http, "Content-Encoding: gzip");
    }
    if (rc == 0 && !wr_http_says(http, "Idempotency-Key")) {
        rc = wr_http_add_header(http, "Idempotency-Key: %s", post->key);
    }
    return rc;
}

static enum wr_http_verdict judge(struct wr_http *http)
{
    struct wr_post *post = post_of(http);
    const struct wr_http_reply *reply = &http->reply;
    int status = reply->status;
    if (status >= 200 && status < 300) {
        post->taken = true;
        http->idle_ms = ANSWER_MS;
        http->most = ANSWER_BYTES;
        return reply->coding == WR_HTTP_IDENTITY ? WR_HTTP_ACCEPTED : WR_HTTP_COMPLETE;
    }
    if (status >= 301 && status <= 303 && reply->location != NULL) {
        char shown[160];
        wr_url_redact(wr_text_of(reply->location), shown, sizeof shown);
        wr_http_refuse(&http->failure, WEIR_EHTTP, status,
                       "%d %s: redirects to '%s'; a POST is not repeated there", status,
                       reply->words->reason, shown);
        return WR_HTTP_REFUSED;
    }
    return wr_http_judge_status(http);
}

static const struct wr_http_user user = {.ask = ask, .judge = judge};

/* One request and its answer. 0, or the code of a failed wait. A sink that closes aborts the waits
 * that have begun; a request that begins after that ends here. */
static int attempt(struct wr_post *post)
{
    int rc = 0;
    post->taken = false; /* also where the request cannot be made */
    while (rc == 0 && !post->owner->closing) {
        switch (wr_http_go(&post->http)) {
        case WR_HTTP_IDLE: wr_http_begin(&post->http); break;
        case WR_HTTP_WAITS: rc = wr_http_wait(&post->http); break;
        case WR_HTTP_ENDED: return 0;
        default: break;
        }
    }
    wr_http_stop(&post->http);
    return rc < 0 ? rc : WEIR_ECLOSED;
}

/* ---- what an answer means */

/* "items 7 to 9 of gen" */
static const char *which(const struct wr_post *post, char *to, size_t cap)
{
    const weir_item *parts = post->parts + post->first;
    const char *origin = weir_origin_name(post->owner->sink.object.scope, parts);
    uint64_t first = parts[0].seq, last = parts[post->count - 1].seq;
    struct wr_print print;
    wr_print_to(&print, to, cap);
    if (first == last || post->count == 1) {
        wr_printf(&print, "item %" PRIu64, first);
    } else {
        wr_printf(&print, "items %" PRIu64 " to %" PRIu64, first, last);
    }
    if (origin != NULL) {
        wr_printf(&print, " of %s", origin);
    }
    return to;
}

static int fail(struct wr_post *post, const struct wr_http_failure *failure, const char *text)
{
    struct sink_http *self = post->owner;
    char shown[128], items[96], tries[48] = "";
    wr_http_shown(&post->http, shown, sizeof shown);
    if (post->tries > 0) {
        snprintf(tries, sizeof tries, "; gave up after %d %s", post->tries,
                 post->tries == 1 ? "retry" : "retries");
    }
    return wr_sink_set_error(&self->sink, failure->code, failure->detail,
                             "%s: %s%s; %s not delivered", shown, text, tries,
                             which(post, items, sizeof items));
}

static int retries_of(const struct sink_http *self, const struct wr_http_failure *failure)
{
    if (self->retries != 0) {
        return WR_MAX(self->retries, 0); /* WEIR_NONE is negative */
    }
    return !self->reached && failure->unconnected ? 0 : INT32_MAX;
}

static void plan_retry(struct wr_post *post, const char *text)
{
    struct weir_loop *loop = post->owner->sink.loop;
    int64_t ms = wr_http_backoff_ms(&post->http, post->tries, 0), now_ns = wr_now_ns(loop);
    char shown[128], items[96];
    wr_http_shown(&post->http, shown, sizeof shown);
    which(post, items, sizeof items);
    post->failing_ns = post->tries == 0 ? now_ns : post->failing_ns;
    post->tries++;
    wr_log(&loop->log, WR_LOG_INFO, post->owner->sink.name,
           "%s: %s; retry %d in %" PRId64 ".%" PRId64 " s (%s)", shown, text, post->tries,
           ms / 1000, ms % 1000 / 100, items);
    int64_t failing_ms = (now_ns - post->failing_ns) / 1000000;
    if (failing_ms >= WARN_MS && !post->warned) {
        post->warned = true;
        wr_log(&loop->log, WR_LOG_WARNING, post->owner->sink.name,
               "%s: nothing accepted for %" PRId64 " s: %s; retrying", shown, failing_ms / 1000,
               text);
    }
    wr_http_redirect_none(&post->http);
    wr_http_pause(&post->http, ms);
}

static bool rejects(const struct sink_http *self, int status)
{
    for (size_t i = 0; i < self->statuses_count; i++) {
        if (self->statuses[i] == status) {
            return true;
        }
    }
    return false;
}

/* Evaluate an attempt that has ended. 1: these parts are finished; 0: retry, perhaps with fewer
 * parts; negative: the sink has failed. */
static int conclude(struct wr_post *post)
{
    struct sink_http *self = post->owner;
    const struct wr_http_failure *failure = &post->http.failure;
    char text[WR_HTTP_TEXT_MAX + WR_HTTP_EXCERPT];
    bool answered = post->http.verdict == WR_HTTP_REFUSED && post->http.reply.head_done;
    int status = answered ? post->http.reply.status : 0;
    self->reached = self->reached || !failure->unconnected;
    if (post->taken) {
        return 1;
    }
    wr_http_failure_text(&post->http, failure, text, sizeof text);
    if (status == 413 && post->count > 1) {
        post->count = (post->count + 1) / 2;
        return 0;
    }
    if (rejects(self, status)) {
        int rc = wr_sink_reject(&self->sink, &post->item, post->parts + post->first, post->count,
                                failure->code, text);
        return rc < 0 ? rc : 1;
    }
    if (!failure->retry || post->tries >= retries_of(self, failure)) {
        return fail(post, failure, text);
    }
    plan_retry(post, text);
    return 0;
}

/* Post the current parts until the server has decided. A request that is too large is made again
 * with half of them. 0, or a code: the sink has failed. */
static int post_parts(struct wr_post *post)
{
    weir_error error;
    size_t made = 0;
    int rc = 0;
    post->tries = 0;
    post->warned = false;
    while (rc == 0) {
        if (made != post->count) {
            rc = wr_post_make(post, &error);
            if (rc < 0) {
                return wr_sink_set_error(&post->owner->sink, rc, error.detail, "%s", error.message);
            }
            made = post->count;
        }
        post->http.out = post->body;
        post->http.out_len = post->body_len;
        rc = attempt(post);
        wr_sink_wrote(&post->owner->sink, post->http.out_at);
        if (rc < 0) {
            return wr_sink_set_error(&post->owner->sink, rc, 0, "%s",
                                     rc == WEIR_ECANCELED ? "canceled" : wr_code_text(rc));
        }
        rc = conclude(post);
    }
    wr_post_drop_body(post);
    wr_http_redirect_none(&post->http);
    return rc < 0 ? rc : 0;
}

/* Post all parts, as many at once as the server takes. */
static int post_item(struct wr_post *post)
{
    size_t most = post->parts_count;
    int rc = 0;
    for (post->first = 0; rc == 0 && post->first < post->parts_count; post->first += most) {
        most = WR_MIN(most, post->parts_count - post->first);
        post->count = most;
        rc = post_parts(post);
        most = post->count;
    }
    return rc;
}

static void release(struct wr_post *post)
{
    post->item.receipt = NULL; /* runs held it */
    weir_item_release(&post->item);
}

static void post_main(struct wr_task *task, void *arg)
{
    struct wr_post *post = arg;
    struct sink_http *self = post->owner;
    (void)task;
    int rc = post_item(post);
    post->task = NULL;
    self->busy--;
    if (rc == 0) {
        release(post);
        wr_sink_settle(&self->sink, &post->runs, (enum wr_act)self->sink.commit_act);
    } else if (!self->closing) {
        wr_sink_gone(&self->sink);
    }
    wr_object_wake(&self->sink.object);
}

/* ---- operations */

static int begin(struct wr_post *post, const weir_item *item)
{
    struct weir_sink *sink = &post->owner->sink;
    weir_item lent = *item;
    lent.receipt = NULL;
    int rc = wr_runs_add_items(&post->runs, item, 1);
    rc = rc == 0 ? weir_item_keep(&post->item, &lent) : rc;
    if (rc < 0) {
        return wr_sink_set_error(sink, rc, 0, "no memory for an item");
    }
    post->item.receipt = item->receipt;
    post->parts_count = weir_item_parts(&post->item, &post->parts);
    post->task = wr_task_hidden(sink->object.scope, "post", post_main, post);
    if (post->task == NULL) {
        release(post);
        return wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for a request");
    }
    post->owner->busy++;
    return 0;
}

/* Wait until fewer than `busy` requests are pending. 0, or a code: the sink has failed. */
static int wait_below(struct sink_http *self, size_t busy)
{
    while (self->busy >= busy && self->sink.failure == NULL) {
        int rc = wr_wait_for_task(self->sink.loop, "the server to take what was posted",
                                  &self->sink.object);
        if (rc < 0) {
            return rc;
        }
    }
    return self->sink.failure != NULL ? self->sink.failure->code : 0;
}

static int http_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct sink_http *self = http_sink_of(sink);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = wait_below(self, self->parallel);
        struct wr_post *post = self->posts;
        while (rc == 0 && post->task != NULL) {
            post++;
        }
        rc = rc == 0 ? begin(post, &items[i]) : rc;
    }
    return rc;
}

static int http_commit(struct weir_sink *sink)
{
    return wait_below(http_sink_of(sink), 1);
}

/* One at a time: while a request is pending, only the next item is pulled, and no more. */
static size_t http_room(struct weir_sink *sink)
{
    (void)sink;
    return 1;
}

static void http_release(struct weir_sink *sink, enum wr_act act)
{
    struct sink_http *self = http_sink_of(sink);
    for (size_t i = 0; self->posts != NULL && i < self->parallel; i++) {
        wr_runs_let_go(&self->posts[i].runs, act);
    }
}

static void http_close(struct weir_sink *sink, const weir_error *failure)
{
    struct sink_http *self = http_sink_of(sink);
    (void)failure;
    self->closing = true;
    if (self->busy > 0) {
        (void)wr_object_abort(&sink->object, WEIR_ECLOSED);
    }
    while (self->busy > 0) {
        (void)wr_park(sink->loop, "its requests to end", &sink->object);
    }
    for (size_t i = 0; self->posts != NULL && i < self->parallel; i++) {
        struct wr_post *post = &self->posts[i];
        release(post); /* before the reference: its release then reports the item's outcome */
        wr_runs_let_go(&post->runs, WR_ACT_ABANDON);
        wr_runs_fini(&post->runs);
        wr_post_drop_body(post);
        wr_http_stop(&post->http);
        wr_http_fini(&post->http);
    }
    wr_free(self->posts);
    self->posts = NULL;
    wr_free(self->type);
    wr_free(self->name);
}

static size_t http_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct sink_http *self = http_sink_of(sink);
    char state[128];
    const struct wr_post *post = self->posts;
    if (self->busy == 0 || post == NULL) {
        return 0;
    }
    while (post->task == NULL) {
        post++;
    }
    (void)wr_http_why(&post->http, state, sizeof state);
    return wr_print_text(text, cap, "%zu %s under way; one of %zu %s: %s", self->busy,
                         self->busy == 1 ? "request" : "requests", post->count,
                         post->count == 1 ? "item" : "items", state);
}

static const struct wr_sink_ops http_ops = {.kind = "post",
                                            .put_many = http_put_many,
                                            .commit = http_commit,
                                            .close = http_close,
                                            .why = http_why,
                                            .release = http_release,
                                            .room = http_room};

/* ---- making */

static bool options_wrong(const weir_http_sink_options *o, const weir_http_options *http,
                          const char *name, weir_error *error)
{
    if (wr_http_options_wrong(http, name, error) ||
        wr_choice_wrong(error, name, "frame", o->frame, WEIR_FRAME_NONE) ||
        wr_choice_wrong(error, name, "gzip", o->gzip, 1)) {
        return true;
    }
    if (o->parallel < 0 || o->parallel > PARALLEL_MAX) {
        wr_error_set(error, WEIR_EINVAL, 0, name, "invalid option parallel: %d (must be 1 to %d)",
                     o->parallel, PARALLEL_MAX);
        return true;
    }
    if (o->reject_statuses_count > WR_POST_STATUSES_MAX) {
        wr_error_set(error, WEIR_EINVAL, 0, name, "at most %d statuses can reject items",
                     WR_POST_STATUSES_MAX);
        return true;
    }
    return false;
}

static int copy_texts(struct sink_http *self, const weir_http_sink_options *o)
{
    self->type = wr_strdup(o->type);
    self->name = wr_strdup(o->name != NULL ? o->name : "");
    return (self->type == NULL && o->type != NULL) || self->name == NULL ? WEIR_ENOMEM : 0;
}

static int set_up(struct sink_http *self, const char *url_text, const struct wr_url *url,
                  const weir_http_sink_options *o, const weir_http_options *given,
                  weir_error *error)
{
    struct weir_sink *sink = &self->sink;
    weir_http_options http = *given;
    if (options_wrong(o, given, sink->name, error)) {
        return error->code;
    }
    http.raw = 1; /* only the status of an answer is used */
    self->frame = o->frame;
    self->gzip = o->gzip != 0;
    self->retries = given->retries;
    const int32_t *list = o->reject_statuses != NULL ? o->reject_statuses : statuses;
    self->statuses_count =
        o->reject_statuses != NULL ? o->reject_statuses_count : sizeof statuses / sizeof *statuses;
    memcpy(self->statuses, list, self->statuses_count * sizeof *list);
    self->nonce[0] = wr_random(sink->loop);
    self->nonce[1] = (uint64_t)sink->loop->now_unix_ns;
    self->parallel = o->parallel > 0 ? (size_t)o->parallel : 1;
    self->posts = wr_zalloc(self->parallel * sizeof *self->posts);
    int rc = self->posts != NULL ? copy_texts(self, o) : WEIR_ENOMEM;
    for (size_t i = 0; self->posts != NULL && i < self->parallel; i++) {
        struct wr_post *post = &self->posts[i];
        post->owner = self;
        post->http.of = &sink->object;
        post->http.name = sink->name;
        post->http.user = &user;
        post->http.keeps_connection = true;
        rc = rc == 0 ? wr_http_init(&post->http, sink->loop, url_text, url, &http, error) : rc;
    }
    if (rc == WEIR_ENOMEM) {
        wr_error_set(error, rc, 0, sink->name, "no memory for a request");
    }
    return rc;
}

weir_sink *weir_http_sink(weir_scope *scope, const char *url_text,
                          const weir_http_sink_options *options)
{
    weir_http_sink_options o = WEIR_ZERO;
    weir_http_options http = WEIR_ZERO;
    weir_error error;
    struct wr_url url;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (o.http != NULL) {
        WR_TAKE_OPTIONS(http, o.http);
    }
    struct wr_text text = wr_text_of(url_text != NULL ? url_text : "");
    if (text.len >= WR_HTTP_URL_MAX || wr_url_parse(text, &url) < 0) {
        char shown[128];
        wr_url_redact(text, shown, sizeof shown);
        wr_error_set(&error, WEIR_EINVAL, 0, "post", "'%s' is not an http or https address", shown);
        return wr_sink_failed(scope, &error);
    }
    char name[32];
    snprintf(name, sizeof name, "post(%.*s)", (int)WR_MIN(url.host.len, sizeof name - 7),
             url.host.data);
    struct sink_http *self = wr_sink_alloc(scope, sizeof *self, &http_ops, name);
    if (self == NULL) {
        return wr_sink_made(NULL);
    }
    self->sink.holds_items = true;
    if (set_up(self, url_text, &url, &o, &http, &error) < 0) {
        wr_sink_set_error(&self->sink, error.code, 0, "%s", error.message);
    }
    return wr_sink_made(&self->sink);
}
