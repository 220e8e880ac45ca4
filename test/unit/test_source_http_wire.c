/*
 * test_source_http_wire.c - the HTTP source over a scripted wire: when it asks again, what it waits
 * for and how long, to the millisecond of a virtual clock.
 */
#include "support_http_source.h"
#include "support_wire.h"
#include "texts_http.h"

#define BODY OK_HEAD "\r\n"
#define TAGGED OK_HEAD ETAG "\r\n"
#define SECONDS 1000
#define HOURS (3600 * SECONDS)

/* What comes of reading it all. */
static const char *read_wire(weir_loop *loop, const weir_http_options *options, weir_error *error)
{
    return read_all(weir_http_lines(weir_root(loop), "http://example.org/feed", options), error);
}

static int64_t pause_before(size_t request)
{
    ck_assert_uint_lt(request, wire_requests_count);
    return wire_requests[request].at_ms - wire_requests[request - 1].at_ms;
}

/* ---- asking again */

TEST(the_pauses_double_up_to_half_a_minute)
{
    WIRE({.then = WIRE_IS_REFUSED});
    weir_error error;

    read_wire(loop, HTTP(.retries = 40), &error);

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_uint_eq(wire_requests_count, 41);
    int64_t longest = 0;
    for (size_t i = 1; i < 41; i++) {
        int64_t most = i < 7 ? INT64_C(500) << (i - 1) : 30 * SECONDS;
        ck_assert_int_le(pause_before(i), most);
        longest = WR_MAX(longest, pause_before(i));
    }
    ck_assert_int_gt(longest, 16 * SECONDS);
    weir_loop_free(loop);
}

TEST(a_server_is_not_asked_before_the_time_that_it_names)
{
    WIRE({.head = "HTTP/1.1 503 Busy\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n"},
         {.head = BODY, .body = "one\n"});

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "one|");

    ck_assert_int_ge(pause_before(1), 3000 * SECONDS);
    ck_assert_int_le(pause_before(1), 3000 * SECONDS + SECONDS);
    weir_loop_free(loop);
}

TEST(a_longer_pause_than_is_granted_is_named_and_final)
{
    WIRE({.head = "HTTP/1.1 429 Slow Down\r\nRetry-After: 3601\r\nContent-Length: 0\r\n\r\n"});
    weir_error error;

    read_wire(loop, HTTP(.retries = 7), &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 429);
    ck_assert_ptr_nonnull(
        strstr(error.message, "429 Slow Down; it " TEXT_HTTP_PAUSE_TOO_LONG("(Retry-After)")));
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

static void check_granted(int64_t most_ms, int64_t least_ms)
{
    WIRE({.head = "HTTP/1.1 503 Busy\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n"},
         {.head = BODY, .body = "one\n"});

    read_wire(loop, HTTP(.retry_after_max_ms = most_ms), NULL);

    ck_assert_int_ge(pause_before(1), least_ms);
    weir_loop_free(loop);
}

TEST(the_longest_pause_can_be_set)
{
    check_granted(2 * HOURS, 2 * HOURS);
    check_granted(WEIR_NONE, 2 * HOURS);
}

TEST(half_a_minute_of_health_lets_the_pauses_begin_anew)
{
    WIRE({.head = TAGGED, .body = "1\n", .then = WIRE_BREAKS}, {0}, {0}, {0}, {0},
         {.head = "HTTP/1.1 206 Part\r\nContent-Range: bytes 2-9/10\r\n\r\n",
          .end_ms = 31 * SECONDS,
          .then = WIRE_BREAKS},
         {.head = "HTTP/1.1 206 Part\r\nContent-Range: bytes 2-9/10\r\n\r\n",
          .body = "2\n3\n4\n5\n"});

    ck_assert_str_eq(read_wire(loop, HTTP(.retries = 9), NULL), "1|2|3|4|5|");

    ck_assert_int_le(pause_before(6) - 31 * SECONDS, 500);
    weir_loop_free(loop);
}

/* ---- waiting */

TEST(an_answer_is_waited_for_half_a_minute_from_the_connection_on)
{
    WIRE({.connect_ms = 9 * SECONDS, .head_ms = 31 * SECONDS, .head = BODY});
    weir_error error;

    read_wire(loop, HTTP(.retries = WEIR_NONE), &error);

    ck_assert_int_eq(error.code, WEIR_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_NO_RESPONSE("30.0 s")));
    weir_loop_free(loop);
}

TEST(without_a_limit_an_answer_is_waited_for_for_ever)
{
    WIRE({.head_ms = 9 * HOURS, .head = BODY, .body = "one\n"});

    ck_assert_str_eq(read_wire(loop, HTTP(.first_byte_ms = WEIR_NONE), NULL), "one|");
    weir_loop_free(loop);
}

TEST(an_interim_answer_is_a_sign_of_life)
{
    WIRE({.interims = 9, .head_ms = 25 * SECONDS, .head = BODY, .body = "one\n"});

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "one|");

    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

TEST(interim_answers_without_end_are_a_head_that_is_too_long)
{
    WIRE({.interims = 20000, .head_ms = 1, .head = BODY});
    weir_error error;

    read_wire(loop, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_HEAD_TOO_LONG));
    weir_loop_free(loop);
}

TEST(a_body_that_can_be_resumed_may_be_silent_for_a_minute)
{
    WIRE({.head = TAGGED,
          .body = "1\n2\n",
          .piece = 2,
          .piece_ms = 59 * SECONDS,
          .then = WIRE_IS_SILENT},
         {.head = "HTTP/1.1 206 Part\r\nContent-Range: bytes 4-5/6\r\n\r\n", .body = "3\n"});

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "1|2|3|");

    ck_assert_uint_eq(wire_requests_count, 2);
    ck_assert_ptr_nonnull(strstr(wire_requests[1].headers, "Range: bytes=4-\n"));
    ck_assert_int_ge(pause_before(1), (2 * 59 + 60) * SECONDS);
    weir_loop_free(loop);
}

TEST(a_body_that_would_come_again_may_be_silent_for_ever)
{
    WIRE({.head = BODY, .body = "1\n2\n", .piece = 2, .piece_ms = 5 * HOURS});

    ck_assert_str_eq(read_wire(loop, HTTP(.follow = 1, .retries = WEIR_NONE), NULL), "1|2|");

    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

static int read_task(weir_scope *scope, void *args)
{
    weir_item item;
    weir_gen *gen = weir_http_lines(scope, "http://example.org/", NULL);
    (void)args;
    while (weir_next(gen, &item)) {}
    return weir_finish(gen, NULL);
}

static void check_deadline(const struct wire_answer *answer)
{
    weir_loop *loop = test_loop();
    wire_lay(loop, answer, 1);
    weir_scope *scope = weir_scope_new(
        weir_root(loop), WEIR_OPTIONS(weir_scope_options, .deadline_ms = 5 * SECONDS));
    int64_t begin_ns = wr_now_ns(loop);

    weir_spawn(scope, "reader", read_task, NULL, 0);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);
    ck_assert_int_eq((wr_now_ns(loop) - begin_ns) / 1000000, 5 * SECONDS);
    weir_loop_free(loop);
}

TEST(a_deadline_ends_each_kind_of_wait)
{
    check_deadline(&(struct wire_answer){.connect_ms = 9 * SECONDS});
    check_deadline(&(struct wire_answer){.head_ms = 9 * SECONDS});
    check_deadline(&(struct wire_answer){.head = BODY, .then = WIRE_IS_SILENT});
    check_deadline(&(struct wire_answer){
        .head = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"});
}

/* ---- bodies and positions */

TEST(a_part_that_begins_before_the_position_is_skipped_up_to_it)
{
    WIRE({.head = TAGGED, .body = "1\n2\n", .then = WIRE_BREAKS},
         {.head = "HTTP/1.1 206 Part\r\n" ETAG "Content-Range: bytes 1-7/8\r\n\r\n",
          .body = "\n2\n3\n4\n",
          .piece = 1});

    ck_assert_str_eq(read_wire(loop, NULL, NULL), "1|2|3|4|");
    weir_loop_free(loop);
}

static void check_part_refused(const char *head)
{
    const struct wire_answer answers[] = {{.head = TAGGED, .body = "1\n2\n", .then = WIRE_BREAKS},
                                          {.head = head, .body = "..."}};
    weir_loop *loop = test_loop();
    weir_error error;
    wire_lay(loop, answers, 2);

    ck_assert_str_eq(read_wire(loop, NULL, &error), "1|2|");

    ck_assert_int_eq(error.code, WEIR_ECHANGED);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_OTHER_PART));
    weir_loop_free(loop);
}

TEST(a_part_elsewhere_is_refused)
{
    check_part_refused("HTTP/1.1 206 Part\r\nContent-Range: bytes 1-7/8\r\n\r\n");
    check_part_refused("HTTP/1.1 206 Part\r\n" ETAG "Content-Range: bytes 1-3/8\r\n\r\n");
    check_part_refused("HTTP/1.1 206 Part\r\n" ETAG "Content-Range: bytes 5-7/8\r\n\r\n");
    check_part_refused("HTTP/1.1 206 Part\r\nETag: \"v2\"\r\nContent-Range: bytes 1-7/8\r\n\r\n");
}

TEST(a_content_encoding_that_is_no_compression_is_read_as_it_is)
{
    static const char *const names[] = {"none", "utf-8", "aws-chunked", "identity, UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char head[128], told[128];
        snprintf(head, sizeof head, OK_HEAD "Content-Encoding: %s\r\n\r\n", names[i]);
        weir_loop *loop = logging_loop();
        wire_lay(loop, &(struct wire_answer){.head = head, .body = "one\n"}, 1);

        ck_assert_str_eq(read_wire(loop, NULL, NULL), "one|");

        snprintf(told, sizeof told, TEXT_HTTP_NO_COMPRESSION("%s"), i == 3 ? "UTF-8" : names[i]);
        ck_assert_ptr_nonnull(strstr(log_text, told));
        weir_loop_free(loop);
    }
}

TEST(a_compression_that_weir_cannot_undo_is_refused)
{
    WIRE({.head = OK_HEAD "Content-Encoding: identity, xz\r\n\r\n", .body = "..."});
    weir_error error;

    read_wire(loop, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_ENCODED("xz")));
    weir_loop_free(loop);
}

TEST(a_raw_body_is_read_as_it_is)
{
    WIRE({.head = OK_HEAD "Content-Encoding: br\r\n\r\n", .body = "one\n"},
         {.head = OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", .body = "two\n"});

    ck_assert_str_eq(read_wire(loop, HTTP(.raw = 1), NULL), "one|");
    ck_assert_str_eq(read_wire(loop, HTTP(.raw = 1), NULL), "two|");
    weir_loop_free(loop);
}

TEST(an_answer_without_content_is_empty_whatever_its_head_says)
{
    WIRE({.head = "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n"});
    weir_error error;

    ck_assert_str_eq(read_wire(loop, NULL, &error), "");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
}

TEST(a_switch_to_another_protocol_is_named)
{
    WIRE({.head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .body = "body"});
    weir_error error;

    read_wire(loop, NULL, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 101);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_SWITCHES));
    weir_loop_free(loop);
}

TEST(the_target_of_a_redirect_is_named_when_it_fails)
{
    WIRE({.head = "HTTP/1.1 302 F\r\nLocation: http://other.test/x?token=SECRET\r\n"
                  "Content-Length: 0\r\n\r\n"});
    weir_error error;

    read_wire(loop, HTTP(.retries = WEIR_NONE), &error);

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_str_eq(error.message, TEXT_HTTP_REDIRECTED_REFUSED);
    weir_loop_free(loop);
}

/* ---- a reader that is slower than the wire */

enum { LINE = 4096, BLOCK = 128 * 1024 };

static char lines_of_4_KiB[1024 * 1024];

/* How many bytes of blocks are charged when a reader has taken one line and then takes no more. */
static int64_t held_behind_one_line(weir_loop *loop)
{
    weir_item item;
    memset(lines_of_4_KiB, 'x', sizeof lines_of_4_KiB);
    for (size_t i = LINE - 1; i < sizeof lines_of_4_KiB; i += LINE) {
        lines_of_4_KiB[i] = '\n';
    }
    weir_gen *gen = weir_http_lines(weir_root(loop), "http://example.org/feed", NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(weir_root(loop), SECONDS));
    int64_t held = loop->budget.used;

    size_t lines = 1;
    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.len, LINE - 1);
        lines++;
    }

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(lines, sizeof lines_of_4_KiB / LINE);
    weir_loop_free(loop);
    return held;
}

TEST(the_wire_pauses_at_the_end_of_what_it_has_received)
{
    WIRE({.head = BODY,
          .body = lines_of_4_KiB,
          .body_len = sizeof lines_of_4_KiB,
          .piece = WR_HTTP_PIECE_MAX - 1});

    int64_t held = held_behind_one_line(loop);

    ck_assert_int_ge(held, WR_HTTP_HIGH_BYTES);
    ck_assert_int_le(held, WR_HTTP_HIGH_BYTES + BLOCK);
}

TEST(the_wire_pauses_in_what_it_has_received_when_that_is_too_much)
{
    WIRE({.head = BODY, .body = lines_of_4_KiB, .body_len = sizeof lines_of_4_KiB});

    int64_t held = held_behind_one_line(loop);

    ck_assert_int_ge(held, WR_HTTP_MOST_BYTES);
    ck_assert_int_le(held, WR_HTTP_MOST_BYTES + BLOCK);
}

MAIN("source/http_wire")
