/*
 * test_source_http.c - the HTTP source against a scripted server in a thread.
 *
 * The loop's clock is virtual unless a test measures a clock of the source: it stands still while a
 * transfer is under way and jumps over back-off pauses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_fault.h"
#include "source_http.h"
#include "support_flow.h"
#include "support_http_peer.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ETAG "ETag: \"v1\"\r\n"
#define PLAY(...)                                       \
    const struct http_answer answers[] = {__VA_ARGS__}; \
    struct http_peer *peer = http_peer_new(answers, sizeof answers / sizeof *answers)

static char log_text[4096];

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(log_text);
    (void)ctx;
    (void)level;
    (void)origin;
    snprintf(log_text + len, sizeof log_text - len, "%s\n", text);
}

static weir_loop *logging_loop(void)
{
    log_text[0] = '\0';
    weir_loop_options options = {.struct_size = sizeof options, .log = keep_log};
    weir_loop *loop = weir_loop_new(&options);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    return loop;
}

/* All lines joined by '|'; ends gen, rc is its result. */
static const char *read_all(weir_gen *gen, weir_error *error)
{
    static char out[65536];
    weir_item item;
    size_t at = 0;
    weir_error unused;
    while (weir_next(gen, &item)) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%.*s|", (int)item.len, item.data);
    }
    out[at] = '\0';
    weir_error *told = error != NULL ? error : &unused;
    int rc = weir_finish(gen, told);
    ck_assert_int_eq(rc, told->code);
    return out;
}

#define HTTP(...) WEIR_OPTIONS(weir_http_options, __VA_ARGS__)

static const char *get(weir_loop *loop, struct http_peer *peer, const weir_http_options *options,
                       weir_error *error)
{
    return read_all(weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), options), error);
}

TEST(lines_of_a_body_with_a_length)
{
    PLAY({.text = OK_HEAD "Content-Length: 11\r\n\r\none\ntwo\r\nxy"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|xy|");

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    const char *request = http_peer_request(peer, 0);
    ck_assert_ptr_nonnull(strstr(request, "GET /feed HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "Accept-Encoding: identity\r\n"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(lines_of_a_chunked_body_in_single_bytes)
{
    PLAY(
        {.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n4\r\nwo\nx\r\n0\r\n\r\n",
         .byte_by_byte = true});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|x|");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(nothing_is_connected_before_the_first_pull)
{
    PLAY({.text = OK_HEAD "\r\n"});
    weir_loop *loop = test_loop();

    weir_discard(weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL));

    size_t requests = http_peer_requests(peer);
    weir_loop_free(loop);
    http_peer_free(peer);
    ck_assert_uint_eq(requests, 0);
}

TEST(a_refusal_tells_status_and_the_start_of_the_body)
{
    PLAY(
        {.text = "HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n<p>no\n such\t\tfeed</p>\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "");

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 404);
    ck_assert_ptr_nonnull(strstr(error.message, "404 Not Found: <p>no such feed</p>"));
    ck_assert_ptr_nonnull(strstr(error.origin, "http(127.0.0.1)"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(headers_user_and_bearer_are_sent)
{
    char path[] = "/tmp/weir_token_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "s3cret\n", 7), 7);
    close(fd);
    PLAY({.text = OK_HEAD "Content-Length: 0\r\n\r\n"},
         {.text = OK_HEAD "Content-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();
    const char *headers[] = {"X-One: 1", "X-Two: 2"};

    weir_error error;

    get(loop, peer, HTTP(.headers = headers, .headers_count = 2, .bearer_file = path), &error);
    ck_assert_int_eq(error.code, 0);
    get(loop, peer, HTTP(.user = "me:pw"), &error);
    ck_assert_int_eq(error.code, 0);

    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 0), "\r\nX-One: 1\r\nX-Two: 2\r\n"));
    ck_assert_ptr_nonnull(
        strstr(http_peer_request(peer, 0), "\r\nAuthorization: Bearer s3cret\r\n"));
    ck_assert_ptr_nonnull(
        strstr(http_peer_request(peer, 1), "\r\nAuthorization: Basic bWU6cHc=\r\n"));
    unlink(path);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_header_with_a_line_end_is_refused)
{
    weir_loop *loop = test_loop();
    const char *headers[] = {"X: 1\r\nY: 2"};
    weir_error error;

    read_all(weir_http_lines(weir_root(loop), "http://127.0.0.1:1/",
                             HTTP(.headers = headers, .headers_count = 1)),
             &error);

    ck_assert_int_eq(error.code, WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(other_schemes_are_refused)
{
    weir_loop *loop = test_loop();
    weir_error error;
    read_all(weir_http_lines(weir_root(loop), "ftp://u:secret@host/x", NULL), &error);
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_ptr_null(strstr(error.message, "secret"));
    weir_loop_free(loop);
}

TEST(refused_connections_fail_at_once)
{
    PLAY({.text = ""});
    char url[64];
    snprintf(url, sizeof url, "%s", http_peer_url(peer, "/"));
    http_peer_free(peer); /* nobody listens there now */
    weir_loop *loop = logging_loop();
    weir_error error;

    read_all(weir_http_lines(weir_root(loop), url, NULL), &error);

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_str_eq(log_text, "");
    weir_loop_free(loop);
}

TEST(asked_for_retries_are_made_before_anything_was_answered)
{
    PLAY({.text = ""});
    char url[64];
    snprintf(url, sizeof url, "%s", http_peer_url(peer, "/"));
    http_peer_free(peer);
    weir_loop *loop = logging_loop();
    weir_error error;

    read_all(weir_http_lines(weir_root(loop), url, HTTP(.retries = 2)), &error);

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_ptr_nonnull(strstr(log_text, "retry 1 in "));
    ck_assert_ptr_nonnull(strstr(log_text, "retry 2 in "));
    ck_assert_ptr_null(strstr(log_text, "retry 3 in "));
    weir_loop_free(loop);
}

TEST(a_busy_server_is_asked_again_after_its_retry_after)
{
    PLAY({.text = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
         {.text = OK_HEAD "Content-Length: 2\r\n\r\na\n"});
    weir_loop *loop = logging_loop();
    weir_error error;
    int64_t start_ns = loop->now_ns;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "a|");

    ck_assert_int_eq(error.code, 0);
    ck_assert_int_ge(loop->now_ns - start_ns, 7000000000);
    ck_assert_ptr_nonnull(strstr(log_text, "/feed: 503 Busy; retry 1 in 7."));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(retries_are_finite)
{
#define BUSY {.text = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"}
    PLAY(BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, BUSY);
    weir_loop *loop = test_loop();
    weir_error error;

    get(loop, peer, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 500);
    ck_assert_ptr_nonnull(strstr(error.message, "gave up after 5 retries"));
    weir_loop_free(loop);
    ck_assert_uint_eq(http_peer_requests(peer), 6);
    http_peer_free(peer);
}

TEST(a_broken_body_is_resumed_behind_the_last_line_given)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 20\r\n\r\none\ntwo\nth"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 8-19/20\r\nContent-Length: 12\r\n\r\nthree\nfour\n\n"});
    weir_loop *loop = logging_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|three|four||");

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=8-\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nIf-Range: \"v1\"\r\n"));
    ck_assert_ptr_nonnull(strstr(log_text, "(resume from byte 8)"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_reset_is_resumed_too)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw", .after = HTTP_RESET},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 4-11/12\r\nContent-Length: 8\r\n\r\ntwo\nsix\n"});
    weir_loop *loop = logging_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|six|");

    ck_assert_int_eq(error.code, 0);
    ck_assert_ptr_nonnull(strstr(log_text, "connection reset; retry 1 in "));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_server_without_ranges_is_read_again_from_the_start)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntwo\nsix\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|six|");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(another_version_is_not_mixed_into_the_first)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = OK_HEAD "ETag: \"v2\"\r\nContent-Length: 12\r\n\r\nONE\nTWO\nSIX\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|");

    ck_assert_int_eq(error.code, WEIR_ECHANGED);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_part_that_begins_elsewhere_is_refused)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 3-11/12\r\nContent-Length: 9\r\n\r\n\ntwo\nsix\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|");

    ck_assert_int_eq(error.code, WEIR_ECHANGED);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_416_at_the_end_is_the_end)
{
    PLAY({.text = OK_HEAD ETAG
          "Transfer-Encoding: chunked\r\nAccept-Ranges: bytes\r\n\r\n8\r\none\ntwo\n\r\n"},
         {.text = "HTTP/1.1 416 No\r\nContent-Range: bytes */8\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_broken_body_without_validator_is_truncated)
{
    PLAY({.text = OK_HEAD "Content-Length: 20\r\n\r\none\ntwo\nthr"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|");

    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    ck_assert_int_eq(error.offset, 8);
    ck_assert_ptr_nonnull(
        strstr(error.message, "after line 2; an unfinished line of 3 bytes was not given"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(an_endless_stream_is_connected_again_with_a_gap)
{
    PLAY({.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n8\r\none\ntwo\n\r\n"},
         {.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nnine\n\r\n0\r\n\r\n"});
    weir_loop *loop = logging_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, HTTP(.retries = 3), &error), "one|two|nine|");

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 1), "Range:"));
    ck_assert_ptr_nonnull(strstr(log_text, "a gap after line 2"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(no_retries_when_none_are_wanted)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"});
    weir_loop *loop = logging_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, HTTP(.retries = WEIR_NONE), &error), "one|");

    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    ck_assert_str_eq(log_text, "");
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(redirects_are_followed)
{
    PLAY({.text = "HTTP/1.1 302 Found\r\nLocation: ../b?x=1\r\nContent-Length: 5\r\n\r\nmoved"},
         {.text = OK_HEAD "Content-Length: 2\r\n\r\na\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, HTTP(.user = "me:pw"), &error), "a|");

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "GET /b?x=1 HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "Authorization: Basic"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(secrets_stay_with_the_first_origin)
{
    PLAY({.text = OK_HEAD "Content-Length: 0\r\n\r\n"});
    char head[256];
    snprintf(head, sizeof head, "HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             http_peer_url(peer, "/"));
    const struct http_answer first[] = {{.text = head}};
    struct http_peer *front = http_peer_new(first, 1);
    weir_loop *loop = test_loop();
    const char *headers[] = {"X-Api-Key: k"};

    weir_error error;

    get(loop, front, HTTP(.user = "me:pw", .headers = headers, .headers_count = 1), &error);

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    http_peer_join(front);
    ck_assert_ptr_nonnull(strstr(http_peer_request(front, 0), "X-Api-Key: k"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 0), "GET / "));
    ck_assert_ptr_null(strstr(http_peer_request(peer, 0), "X-Api-Key"));
    ck_assert_ptr_null(strstr(http_peer_request(peer, 0), "Authorization"));
    weir_loop_free(loop);
    http_peer_free(front);
    http_peer_free(peer);
}

TEST(redirects_in_a_circle_are_refused)
{
    PLAY({.text = "HTTP/1.1 301 Go\r\nLocation: /b\r\n\r\n"},
         {.text = "HTTP/1.1 301 Go\r\nLocation: /feed\r\n\r\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    get(loop, peer, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error.message, "in a circle"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(an_unfollowable_redirect_is_refused)
{
    PLAY({.text = "HTTP/1.1 301 Go\r\nLocation: file:///etc/passwd\r\n\r\n"});
    weir_loop *loop = test_loop();
    weir_error error;

    get(loop, peer, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    weir_loop_free(loop);
    http_peer_free(peer);
}

/* gzip of "one\ntwo\n" */
#define GZIP_ONE_TWO                                                                               \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x02\x00\xe6\x0b\xba" \
    "\x12\x08\x00\x00\x00"

TEST(a_gzip_body_is_decoded)
{
    static const char text[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = text, .len = sizeof text - 1, .byte_by_byte = true});
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_str_eq(get(loop, peer, NULL, &error), "one|two|");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_cut_gzip_body_is_truncated)
{
    static const char text[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = text, .len = sizeof text - 1 - 8});
    weir_loop *loop = test_loop();
    weir_error error;

    get(loop, peer, HTTP(.retries = WEIR_NONE), &error);

    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(an_encoding_that_is_not_known_is_refused)
{
    PLAY({.text = OK_HEAD "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nxx"});
    weir_loop *loop = test_loop();
    weir_error error;

    get(loop, peer, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error.message, "'br'"));
    weir_loop_free(loop);
    http_peer_free(peer);
}

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
    weir_loop_free(loop);
    http_peer_free(peer);
}

TEST(a_server_that_does_not_answer_is_left)
{
    check_clock("", HTTP(.first_byte_ms = 40, .retries = WEIR_NONE), "no answer for 0.0 s");
}

TEST(a_server_that_falls_silent_is_left)
{
    check_clock(OK_HEAD "\r\none\n", HTTP(.idle_ms = 120, .retries = WEIR_NONE),
                "no data for 0.1 s");
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
    weir_loop_free(loop);
    http_peer_free(peer);
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
    weir_loop_free(loop);
    http_peer_free(peer);
}

enum { LINES = 40000, LEN = 99 };

/* An answer of LINES lines of LEN bytes that begin with a digit. */
static char *many_lines(size_t *at)
{
    size_t len = (size_t)LINES * (LEN + 1);
    char *text = malloc(len + 200);
    ck_assert_ptr_nonnull(text);
    *at = (size_t)sprintf(text, OK_HEAD ETAG "Content-Length: %zu\r\n\r\n", len);
    for (size_t i = 0; i < LINES; i++, *at += LEN + 1) {
        memset(text + *at, 'x', LEN);
        text[*at] = (char)('0' + i % 10);
        text[*at + LEN] = '\n';
    }
    return text;
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
    weir_loop_free(loop);
    http_peer_free(peer);
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
    weir_loop_free(loop);
    http_peer_free(peer);
    free(text);
}

/* One run of URL -> file with a state in the folder; the failure is told. */
static void run_with_state(const char *url, const char *folder, weir_error *error)
{
    char path[128];
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    snprintf(path, sizeof path, "%s/out", folder);
    weir_state *state = weir_state_open(root, folder, "run");
    weir_gen *gen = weir_http_lines(root, url, HTTP(.state = state, .retries = WEIR_NONE));
    weir_sink *sink = weir_file_sink(root, path, WEIR_OPTIONS(weir_file_options, .state = state));
    int rc = weir_pump(gen, sink, error);
    ck_assert_int_eq(rc, error->code);
    weir_loop_free(loop);
}

static void remove_folder(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *content_of(const char *folder)
{
    static char text[256];
    char path[128];
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

TEST(a_second_run_goes_on_where_the_first_was_cut_off)
{
    if (wr_test_sweeps()) {
        return; /* the state has sweeps of its own */
    }
    PLAY({.text = OK_HEAD ETAG "Content-Length: 14\r\n\r\none\ntwo\nth"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 8-13/14\r\nContent-Length: 6\r\n\r\nthree\n"});
    char folder[] = "/tmp/weir_http_XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *url = strdup(http_peer_url(peer, "/feed?token=abc"));
    weir_error error;

    run_with_state(url, folder, &error);
    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    run_with_state(url, folder, &error);

    ck_assert_int_eq(error.code, 0);
    http_peer_join(peer);
    run_with_state(url, folder, &error); /* it is read to its end: nobody is asked */
    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(content_of(folder), "one\ntwo\nthree\n");
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=8-\r\n"));
    remove_folder(folder);
    free(url);
    http_peer_free(peer);
}

TEST(a_reset_behind_the_brake_loses_nothing)
{
    size_t len, seen = 0;
    char *text = many_lines(&len);
    PLAY({.text = text, .len = len / 2 + 33, .after = HTTP_RESET}, {.text = text, .len = len});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL);
    weir_item item;
    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.len, LEN);
        ck_assert_int_eq(item.data[0], (char)('0' + seen % 10));
        seen++;
    }
    ck_assert_uint_eq(seen, LINES);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    http_peer_free(peer);
    free(text);
}

static int count_setups(void *ctx, void *easy)
{
    int *count = ctx;
    ck_assert_ptr_nonnull(easy);
    return ++*count == 2 ? 7 : 0;
}

TEST(setup_has_the_last_word_before_each_connect)
{
    PLAY({.text = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();
    weir_error error;
    int count = 0;

    get(loop, peer, HTTP(.setup = count_setups, .setup_ctx = &count), &error);

    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_int_eq(error.detail, 7);
    ck_assert_int_eq(count, 2);
    weir_loop_free(loop);
    http_peer_free(peer);
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
    weir_loop_free(loop);
    http_peer_free(peer);
    free(text);
}

TEST(statistics_count_bytes_and_reconnects)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntw"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 4-7/8\r\nContent-Length: 4\r\n\r\ntwo\n"});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL);
    weir_item item;
    struct wr_http_stats stats;
    while (weir_next(gen, &item)) {}

    ck_assert(wr_http_stats_of(gen, &stats));

    ck_assert_uint_eq(stats.bytes, 10);
    ck_assert_uint_eq(stats.reconnects, 1);
    ck_assert_uint_eq(stats.position, 8);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

MAIN("source/http")
