/*
 * test_source_http_pace.c - the HTTP source in time: silence, cancels, backpressure.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_http_source.h"
#include "texts_http.h"

static void check_clock(const char *text, const weir_http_options *options, const char *what)
{
    PLAY({.text = text, .after = HTTP_HOLD});
    weir_loop *loop = weir_loop_new(NULL);
    weir_error error;
    ck_assert_ptr_nonnull(loop);

    get(loop, peer, options, &error);

    ck_assert_int_eq(error.code, WEIR_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.message, what));
    http_peer_join(peer); /* returns: the connection was closed */
    end(loop, peer);
}

TEST(a_server_that_does_not_answer_is_left)
{
    check_clock("", HTTP(.first_byte_ms = 40, .retries = WEIR_NONE),
                TEXT_HTTP_NO_RESPONSE("0.0 s"));
}

/* What comes of a connection on which TLS is not answered. */
static void check_silent_tls(int retries, const char *what)
{
    PLAY({.text = "", .after = HTTP_HOLD}, {.text = "", .after = HTTP_HOLD});
    char url[64];
    weir_error error;
    log_text[0] = '\0';
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_log));
    ck_assert_ptr_nonnull(loop);
    snprintf(url, sizeof url, "https%s", http_peer_url(peer, "/") + strlen("http"));

    read_all(weir_http_lines(weir_root(loop), url, HTTP(.connect_ms = 40, .retries = retries)),
             &error);

    ck_assert(error.code == WEIR_ETIMEDOUT);
    ck_assert(strcmp(error.message + strlen(error.message) - strlen(what), what) == 0);
    ck_assert((strstr(log_text, "; " TEXT_HTTP_RETRY("1")) != NULL) == (retries > 0));
    end(loop, peer);
}

TEST(a_first_connection_that_is_not_answered_is_tried_once)
{
    check_silent_tls(0, TEXT_HTTP_NO_CONNECTION);
}

TEST(a_first_connection_that_is_not_answered_is_tried_again_when_asked)
{
    check_silent_tls(1, TEXT_HTTP_NO_CONNECTION "; " TEXT_HTTP_GAVE_UP("1 retry"));
}

TEST(a_server_that_falls_silent_is_left)
{
    check_clock(OK_HEAD "\r\none\n", HTTP(.idle_ms = 120, .retries = WEIR_NONE),
                TEXT_HTTP_NO_DATA("0.1 s"));
}

struct held {
    const char *url;
    weir_scope *scope;
    weir_loop *loop;
};

static int cancel_now(weir_scope *scope, void *args)
{
    (void)scope;
    weir_scope_cancel(((struct held *)args)->scope);
    return 0;
}

/* Reads one line, has somebody cancel it, and waits for the next. */
static int read_held(weir_scope *scope, void *args)
{
    struct held *held = args;
    weir_item item;
    weir_gen *gen = weir_http_lines(scope, held->url, HTTP(.retries = WEIR_NONE));
    if (weir_next(gen, &item)) {
        wr_fault_pause(true); /* without it nothing ends the wait */
        weir_spawn(weir_root(held->loop), "cancel", cancel_now, held, sizeof *held);
        wr_fault_pause(false);
        while (weir_next(gen, &item)) {}
    }
    return weir_finish(gen, NULL);
}

TEST(a_cancel_closes_the_connection_at_once)
{
    PLAY({.text = OK_HEAD "\r\none\n", .after = HTTP_HOLD});
    weir_loop *loop = test_loop();
    weir_error error;
    struct held held = {http_peer_url(peer, "/feed"), weir_scope_new(weir_root(loop), NULL), loop};

    weir_spawn(held.scope, "reader", read_held, &held, sizeof held);

    ck_assert_int_eq(weir_scope_wait(held.scope, &error), 0);
    ck_assert_uint_eq(http_peer_requests(peer), 1);
    http_peer_join(peer); /* it has seen the end, although the loop has not ended */
    end(loop, peer);
}

static int an_hour_passes(weir_scope *scope, void *args)
{
    weir_loop *loop = *(weir_loop **)args;
    loop->now_ns += INT64_C(3600) * 1000000000;
    for (int i = 0; i < 9; i++) {
        (void)!weir_sleep(scope, 0);
    }
    weir_scope_stop(weir_root(loop));
    return 0;
}

/* A line, an hour of silence, a stop. What was logged, and the failure. */
static const char *silence_told(const char *head, const weir_http_options *options,
                                weir_error *error)
{
    char text[200];
    snprintf(text, sizeof text, "%s\r\none\n", head);
    PLAY({.text = text, .after = HTTP_HOLD}, {.text = ""});
    weir_loop *loop = logging_loop();
    weir_item item;
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), options);
    ck_assert(weir_next(gen, &item));
    wr_fault_pause(true); /* without it nothing ends the wait */
    weir_spawn(weir_root(loop), "hour", an_hour_passes, &loop, sizeof loop);
    wr_fault_pause(false);
    ck_assert(!weir_next(gen, &item));
    (void)!weir_finish(gen, error);
    end(loop, peer);
    return log_text;
}

TEST(silence_of_what_can_be_resumed_is_a_break)
{
    weir_error error;
    ck_assert_ptr_nonnull(strstr(silence_told(OK_HEAD ETAG, NULL, &error),
                                 TEXT_HTTP_NO_DATA("60.0 s") "; " TEXT_HTTP_RETRY("1")));
}

TEST(silence_of_what_cannot_be_resumed_is_waited_for)
{
    weir_error error;
    ck_assert_str_eq(silence_told(OK_HEAD, NULL, &error), "");
    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(silence_told(OK_HEAD, HTTP(FOLLOW), &error), "");
    ck_assert_str_eq(silence_told(OK_HEAD ETAG, HTTP(.idle_ms = WEIR_NONE), &error), "");
}

TEST(silence_has_the_limit_that_was_asked_for)
{
    weir_error error;
    silence_told(OK_HEAD, HTTP(.idle_ms = 1500), &error);
    ck_assert_int_eq(error.code, WEIR_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_NO_DATA("1.5 s")));
    ck_assert_ptr_nonnull(strstr(silence_told(OK_HEAD, HTTP(FOLLOW, .idle_ms = 1500), &error),
                                 TEXT_HTTP_NO_DATA("1.5 s") "; " TEXT_HTTP_RETRY("1")));
}

static int stop_now(weir_scope *scope, void *args)
{
    (void)scope;
    weir_scope_stop(*(weir_scope **)args);
    return 0;
}

TEST(a_gentle_stop_ends_a_silent_stream)
{
    PLAY({.text = OK_HEAD "\r\none\n", .after = HTTP_HOLD});
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_item item;
    weir_gen *gen = weir_http_lines(root, http_peer_url(peer, "/feed"), HTTP(.retries = WEIR_NONE));
    ck_assert(weir_next(gen, &item));
    wr_fault_pause(true); /* without it nothing ends the wait */
    weir_spawn(root, "stop", stop_now, &root, sizeof root);
    wr_fault_pause(false);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, &error), 0);
    http_peer_join(peer);
    end(loop, peer);
}

TEST(a_small_budget_is_no_less_complete)
{
    size_t len;
    char *text = many_lines(&len);
    PLAY({.text = text, .len = len});
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 64 * 1024));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL);
    weir_item item;
    size_t seen = 0;
    while (weir_next(gen, &item)) {
        seen++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(seen, LINES);
    end(loop, peer);
    free(text);
}

TEST(a_slow_reader_stops_the_socket_and_loses_nothing)
{
    size_t len;
    char *text = many_lines(&len);
    PLAY({.text = text, .len = len});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL);
    weir_item item;
    size_t seen = 0;
    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.len, LEN);
        ck_assert_int_eq(item.data[0], (char)('0' + seen % 10));
        seen++;
        if (seen % 1000 == 0) {
            wr_loop_settle(loop);
        }
    }
    ck_assert_uint_eq(seen, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_lt(loop->budget.peak, 1024 * 1024);
    end(loop, peer);
    free(text);
}

TEST(a_long_line_is_not_braked_by_itself)
{
    size_t len = 900000;
    char *text = malloc(len + 200);
    ck_assert_ptr_nonnull(text);
    size_t at = (size_t)sprintf(text, OK_HEAD "Content-Length: %zu\r\n\r\n", len);
    memset(text + at, 'y', len);
    PLAY({.text = text, .len = at + len});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL);
    weir_item item;

    ck_assert(weir_next(gen, &item));

    ck_assert_uint_eq(item.len, len);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    end(loop, peer);
    free(text);
}

MAIN("source/http_pace")
