/*
 * test_source_http_sse.c - event streams over a scripted wire: what is asked for, when it is asked
 * again, and what ends it.
 */
#include "support_http_source.h"
#include "support_wire.h"
#include "texts_http.h"

#define STREAM OK_HEAD "Content-Type: text/event-stream\r\n\r\n"
#define OVER                                      \
    {                                             \
        .head = "HTTP/1.1 204 No Content\r\n\r\n" \
    }
#define SECONDS 1000

/* All events as "ID TEXT|". */
static const char *read_events(weir_gen *gen, weir_error *error)
{
    static char out[4096];
    weir_item item;
    size_t at = 0;
    weir_error unused;
    out[0] = '\0';
    while (weir_next(gen, &item)) {
        const weir_event *event = weir_event_of(&item);
        at += (size_t)snprintf(out + at, sizeof out - at, "%.*s %.*s|", (int)event->id.len,
                               event->id.data, (int)event->body.len, event->body.data);
    }
    (void)!weir_finish(gen, error != NULL ? error : &unused);
    return out;
}

static const char *read_wire(weir_loop *loop, const weir_http_options *options, weir_error *error)
{
    return read_events(weir_http_events(weir_root(loop), "http://example.org/feed", options),
                       error);
}

static int64_t pause_before(size_t request)
{
    ck_assert_uint_lt(request, wire_requests_count);
    return wire_requests[request].at_ms - wire_requests[request - 1].at_ms;
}

static bool was_sent(size_t request, const char *line)
{
    ck_assert_uint_lt(request, wire_requests_count);
    return strstr(wire_requests[request].headers, line) != NULL;
}

/* ---- what is asked for */

TEST(an_event_stream_is_asked_for)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n"}, OVER);

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "1 one|");

    ck_assert(was_sent(0, "Accept: text/event-stream\n"));
    ck_assert(!was_sent(0, "Last-Event-ID"));
    weir_loop_free(loop);
}

TEST(a_framer_directly_behind_the_source_makes_the_same_one)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n"}, OVER);
    weir_gen *bytes = weir_http_bytes(weir_root(loop), "http://example.org/feed", NULL);

    weir_gen *events = weir_framed(bytes, WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_SSE));

    ck_assert_ptr_eq(events, bytes);
    ck_assert_str_eq(read_events(events, NULL), "1 one|");
    ck_assert(was_sent(1, "Last-Event-ID: 1\n"));
    weir_loop_free(loop);
}

TEST(another_accept_of_the_caller_stands)
{
    WIRE(OVER);
    const char *header = "accept: text/event-stream;v=2";

    read_wire(loop, HTTP(.headers = &header, .headers_count = 1), NULL);

    ck_assert_str_eq(wire_requests[0].headers,
                     "Accept-Encoding: identity\naccept: text/event-stream;v=2\n");
    weir_loop_free(loop);
}

TEST(the_last_id_is_sent_each_time_it_is_asked_again)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\nid: b 2\ndata: two\n\ndata: three\n\n"},
         {.head = STREAM, .body = ": nothing new\n\n", .then = WIRE_BREAKS},
         {.head = STREAM, .body = "data: four\n\n"}, OVER);

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "1 one|b 2 two|b 2 three|b 2 four|");

    for (size_t i = 1; i < 4; i++) {
        ck_assert(was_sent(i, "Last-Event-ID: b 2\n"));
    }
    weir_loop_free(loop);
}

TEST(an_id_counts_without_data_and_an_empty_one_is_not_sent)
{
    WIRE({.head = STREAM, .body = "data: one\n\nid: 9\n\n"},
         {.head = STREAM, .body = "id\ndata: two\n\n"}, OVER);

    ck_assert_str_eq(read_wire(loop, NULL, NULL), " one| two|");

    ck_assert(was_sent(1, "Last-Event-ID: 9\n"));
    ck_assert(!was_sent(2, "Last-Event-ID"));
    weir_loop_free(loop);
}

TEST(an_event_that_breaks_off_is_asked_for_again)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\nid: 2\ndata: two\n", .then = WIRE_BREAKS},
         {.head = STREAM, .body = "id: 2\ndata: two\n\n"}, OVER);

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "1 one|2 two|");

    ck_assert(was_sent(1, "Last-Event-ID: 1\n"));
    weir_loop_free(loop);
}

TEST(an_id_of_the_caller_counts_until_there_is_another)
{
    WIRE({.head = STREAM, .body = "data: one\n\n"},
         {.head = STREAM, .body = "id: 7\ndata: two\n\n"}, OVER);
    const char *header = "last-event-id: 5";

    read_wire(loop, HTTP(.headers = &header, .headers_count = 1), NULL);

    ck_assert(was_sent(0, "last-event-id: 5\n"));
    ck_assert(was_sent(1, "last-event-id: 5\n"));
    ck_assert(was_sent(2, "Last-Event-ID: 7\n"));
    ck_assert(!was_sent(2, "last-event-id: 5\n"));
    weir_loop_free(loop);
}

TEST(a_redirect_is_followed_with_the_id)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n"},
         {.head = "HTTP/1.1 307 T\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"}, OVER);

    read_wire(loop, NULL, NULL);

    ck_assert_str_eq(wire_requests[2].url, "http://example.org/other");
    ck_assert(was_sent(2, "Last-Event-ID: 1\n"));
    weir_loop_free(loop);
}

/* ---- what ends it */

TEST(no_content_ends_the_stream)
{
    WIRE(OVER);
    weir_error error;

    ck_assert_str_eq(read_wire(loop, HTTP(.follow = 1), &error), "");

    ck_assert_int_eq(error.code, 0);
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

static void check_refused(const char *head, int status, const char *text)
{
    const struct wire_answer answer = {.head = head, .body = "data: one\n\n"};
    weir_loop *loop = test_loop();
    weir_error error;
    wire_lay(loop, &answer, 1);

    ck_assert_str_eq(read_wire(loop, HTTP(.follow = 1), &error), "");

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, status);
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

TEST(an_answer_of_another_type_is_named_and_final)
{
    check_refused(OK_HEAD "Content-Type: text/html; charset=utf-8\r\n\r\n", 200,
                  TEXT_HTTP_TYPE_IS("text/html") TEXT_HTTP_NOT_EVENTS);
    check_refused(OK_HEAD "Content-Type: text/event-streams\r\n\r\n", 200,
                  TEXT_HTTP_TYPE_IS("text/event-streams"));
    check_refused(OK_HEAD "\r\n", 200, TEXT_HTTP_TYPE_MISSING);
}

TEST(the_type_may_have_parameters_and_capitals)
{
    WIRE({.head = OK_HEAD "Content-Type: Text/Event-Stream ; charset=windows-1252\r\n\r\n",
          .body = "data: one\n\n"},
         OVER);

    ck_assert_str_eq(read_wire(loop, NULL, NULL), " one|");
    weir_loop_free(loop);
}

TEST(another_status_is_named_and_final)
{
#define TYPED "\r\nContent-Type: text/event-stream\r\n\r\n"
    check_refused("HTTP/1.1 404 Not Found" TYPED, 404, "404 Not Found");
    check_refused("HTTP/1.1 401 No" TYPED, 401, "401 No");
    check_refused("HTTP/1.1 201 Created" TYPED, 201, "201 Created");
    check_refused("HTTP/1.1 206 Part\r\nContent-Range: bytes 0-9/10" TYPED, 206, "206 Part");
    check_refused("HTTP/1.1 304 Same" TYPED, 304, "304 Same");
}

TEST(a_status_that_may_pass_is_asked_again)
{
#define LATER(status) {.head = "HTTP/1.1 " status " Later\r\nContent-Length: 0\r\n\r\n"}
    WIRE(LATER("503"), LATER("408"), LATER("425"), LATER("429"), LATER("500"), LATER("502"),
         LATER("504"), {.head = STREAM, .body = "id: 1\ndata: one\n\n"}, LATER("503"), OVER);
    weir_error error;

    ck_assert_str_eq(read_wire(loop, NULL, &error), "1 one|");

    ck_assert_int_eq(error.code, 0);
    ck_assert_uint_eq(wire_requests_count, 10);
    weir_loop_free(loop);
}

TEST(a_first_connection_that_fails_is_final)
{
    WIRE({.then = WIRE_IS_REFUSED}, OVER);
    weir_error error;

    read_wire(loop, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

static void check_first(const weir_http_options *options, size_t requests, int code)
{
    const struct wire_answer refused = {.then = WIRE_IS_REFUSED};
    const struct wire_answer answers[] = {refused, refused, refused, refused,
                                          refused, refused, refused, OVER};
    weir_loop *loop = test_loop();
    weir_error error;
    wire_lay(loop, answers, 8);

    read_wire(loop, options, &error);

    ck_assert_int_eq(error.code, code);
    ck_assert_uint_eq(wire_requests_count, requests);
    weir_loop_free(loop);
}

TEST(a_first_connection_that_fails_is_tried_again_when_that_is_asked_for)
{
    check_first(HTTP(.retries = 3), 4, WEIR_ECONNECT);
    check_first(HTTP(.follow = 1), 8, 0);
}

TEST(a_connection_that_fails_later_is_tried_without_a_limit)
{
    const struct wire_answer refused = {.then = WIRE_IS_REFUSED};
    struct wire_answer answers[50] = {{.head = STREAM, .body = "id: 1\ndata: one\n\n"}};
    weir_loop *loop = test_loop();
    for (size_t i = 1; i < 49; i++) {
        answers[i] = refused;
    }
    answers[49] = (struct wire_answer)OVER;
    wire_lay(loop, answers, 50);
    weir_error error;

    read_wire(loop, NULL, &error);

    ck_assert_int_eq(error.code, 0);
    ck_assert_uint_eq(wire_requests_count, 50);
    weir_loop_free(loop);
}

TEST(a_limit_of_retries_counts_answers_without_news)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n"}, {.head = STREAM}, {.head = STREAM},
         {.head = STREAM, .body = "id: 2\ndata: two\n\n"}, {.head = STREAM}, {.head = STREAM},
         {.head = STREAM}, OVER);

    ck_assert_str_eq(read_wire(loop, HTTP(.retries = 3), NULL), "1 one|2 two|");

    ck_assert_uint_eq(wire_requests_count, 7);
    weir_loop_free(loop);
}

/* ---- when it is asked again */

TEST(the_stream_says_how_long_to_wait)
{
    WIRE({.head = STREAM, .body = "retry: 5000\nid: 1\ndata: one\n\n"},
         {.head = STREAM, .body = "id: 2\ndata: two\n\nretry: 20\n\n"}, OVER);

    read_wire(loop, NULL, NULL);

    ck_assert_int_ge(pause_before(1), 5 * SECONDS);
    ck_assert_int_le(pause_before(1), 5 * SECONDS + 125);
    ck_assert_int_ge(pause_before(2), 20);
    ck_assert_int_le(pause_before(2), 20 + 125);
    weir_loop_free(loop);
}

TEST(the_longer_of_retry_and_retry_after_counts)
{
    WIRE({.head = STREAM, .body = "retry: 5000\ndata: one\n\n"},
         {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"},
         {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"}, OVER);

    read_wire(loop, NULL, NULL);

    ck_assert_int_ge(pause_before(2), 60 * SECONDS);
    ck_assert_int_le(pause_before(2), 61 * SECONDS);
    ck_assert_int_ge(pause_before(3), 5 * SECONDS);
    ck_assert_int_le(pause_before(3), 6 * SECONDS);
    weir_loop_free(loop);
}

TEST(a_longer_retry_than_is_granted_is_named_and_final)
{
    WIRE({.head = STREAM, .body = "retry: 3601000\ndata: one\n\n"}, OVER);
    weir_error error;

    ck_assert_str_eq(read_wire(loop, NULL, &error), " one|");

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_ptr_nonnull(
        strstr(error.message, TEXT_HTTP_PAUSE_TOO_LONG("before a reconnect (retry)")));
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

TEST(a_stream_that_is_silent_for_a_minute_is_asked_for_again)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n", .then = WIRE_IS_SILENT}, OVER);

    read_wire(loop, NULL, NULL);

    ck_assert_int_ge(pause_before(1), 60 * SECONDS);
    ck_assert_int_le(pause_before(1), 61 * SECONDS);
    weir_loop_free(loop);
}

TEST(a_comment_is_a_sign_of_life)
{
    WIRE({.head = STREAM, .body = ":\n:\n:\n:\n:\n", .piece = 2, .piece_ms = 59 * SECONDS}, OVER);

    read_wire(loop, NULL, NULL);

    ck_assert_int_ge(pause_before(1), 5 * 59 * SECONDS);
    weir_loop_free(loop);
}

TEST(the_silence_that_is_granted_can_be_set)
{
    WIRE({.head = STREAM, .body = "data: one\n\n", .then = WIRE_IS_SILENT},
         {.head = STREAM, .body = "data: two\n\n", .then = WIRE_IS_SILENT}, OVER);

    ck_assert_str_eq(read_wire(loop, HTTP(.idle_ms = 5 * SECONDS), NULL), " one| two|");
    ck_assert_int_le(pause_before(1), 6 * SECONDS);

    static const struct wire_answer quiet[] = {
        {.head = STREAM, .body = "a\n\nb\n\n", .piece = 3, .piece_ms = 9000 * SECONDS}, OVER};
    wire_lay(loop, quiet, 2);
    read_wire(loop, HTTP(.idle_ms = WEIR_NONE), NULL);
    ck_assert_int_ge(pause_before(1), 2 * 9000 * SECONDS);
    weir_loop_free(loop);
}

/* Are the pauses before requests first to last, which follow each other without news, longer than
 * those that begin anew? They are drawn, so of many one is. */
static bool grew(size_t first, size_t last)
{
    int64_t longest = 0;
    for (size_t i = first; i <= last; i++) {
        longest = WR_MAX(longest, pause_before(i));
    }
    return longest > 4 * SECONDS;
}

TEST(events_that_come_again_are_no_reason_to_ask_sooner)
{
    static struct wire_answer answers[21];
    for (size_t i = 0; i < 20; i++) {
        answers[i] = (struct wire_answer){.head = STREAM,
                                          .body = "id: 1\ndata: one\n\nid: 2\ndata: two\n\n"};
    }
    answers[20] = (struct wire_answer)OVER;
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, 21);

    read_wire(loop, NULL, NULL);

    ck_assert(grew(6, 20));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_EVENTS_REPEATED));
    weir_loop_free(loop);
}

TEST(the_event_behind_which_it_was_to_go_on_is_no_news)
{
    static struct wire_answer answers[22] = {
        {.head = STREAM, .body = "id: 1\ndata: one\n\nid: 2\ndata: two\n\n"}};
    for (size_t i = 1; i < 21; i++) {
        answers[i] = (struct wire_answer){.head = STREAM, .body = "id: 2\ndata: two\n\n"};
    }
    answers[21] = (struct wire_answer)OVER;
    weir_loop *loop = test_loop();
    wire_lay(loop, answers, 22);

    read_wire(loop, NULL, NULL);

    ck_assert(grew(6, 21));
    weir_loop_free(loop);
}

TEST(a_new_event_lets_the_pauses_begin_anew)
{
    static struct wire_answer answers[21];
    static char bodies[20][32];
    for (int i = 0; i < 20; i++) {
        snprintf(bodies[i], sizeof bodies[i], "id: %d\ndata: x\n\n", i);
        answers[i] = (struct wire_answer){.head = STREAM, .body = bodies[i]};
    }
    answers[20] = (struct wire_answer)OVER;
    weir_loop *loop = test_loop();
    wire_lay(loop, answers, 21);

    read_wire(loop, NULL, NULL);

    for (size_t i = 1; i < 21; i++) {
        ck_assert_int_le(pause_before(i), 500);
    }
    weir_loop_free(loop);
}

TEST(half_a_minute_of_health_lets_the_pauses_begin_anew_without_an_event)
{
    static const struct wire_answer none = {.head = STREAM};
    static const struct wire_answer healthy = {
        .head = STREAM, .body = ":\n:\n", .piece = 2, .piece_ms = 31 * SECONDS};
    struct wire_answer answers[12] = {{.head = STREAM, .body = "id: 1\ndata: one\n\n"}};
    weir_loop *loop = test_loop();
    for (size_t i = 1; i < 11; i++) {
        answers[i] = i == 10 ? healthy : none;
    }
    answers[11] = (struct wire_answer)OVER;
    wire_lay(loop, answers, 12);

    read_wire(loop, NULL, NULL);

    ck_assert_int_le(pause_before(11) - 62 * SECONDS, 500);
    ck_assert_uint_eq(wire_requests_count, 12);
    weir_loop_free(loop);
}

TEST(the_log_says_behind_what_it_is_asked_for)
{
    WIRE({.head = STREAM, .body = "data: one\n\n"},
         {.head = STREAM, .body = "id: \033[7m\ndata: two\n\n", .then = WIRE_BREAKS}, OVER);
    loop->log.fn = keep_log;
    log_text[0] = '\0';

    read_wire(loop, NULL, NULL);

    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_ENDED "; " TEXT_HTTP_RETRY("1")));
    ck_assert_ptr_nonnull(strstr(log_text, "(" TEXT_HTTP_EVENT_WITHOUT_ID ")"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_RESET "; " TEXT_HTTP_RETRY("1")));
    ck_assert_ptr_nonnull(strstr(log_text, "(" TEXT_HTTP_AFTER_EVENT("?[7m") ")"));
    weir_loop_free(loop);
}

MAIN("source/http_sse")
