/*
 * test_sink_http.c - the sink that posts, over a scripted wire: what is sent, what each answer means
 * for its items, and when it is tried again, to the millisecond of a virtual clock.
 */
#include <weir/plan.h>
#include <weir/stage.h>

#include "codec_decode.h"
#include "flow_sink.h"
#include "support_flow.h"
#include "support_folder.h"
#include "support_http_source.h"
#include "support_wire.h"
#include "texts_http.h"

#define ANSWER(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"
#define TAKEN ANSWER("200 OK")
#define POST(...) WEIR_OPTIONS(weir_http_sink_options, __VA_ARGS__)
#define SECONDS 1000

static const char hook[] = "http://example.org/hook";

/* Numbers up to `last` in batches of `each`; 0: one by one. */
static weir_gen *numbers_up_to(weir_loop *loop, int64_t last, int64_t each)
{
    weir_gen *gen = weir_count(weir_root(loop), 1, last);
    return each > 0 ? weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .items_max = each)) : gen;
}

static int post(weir_loop *loop, weir_gen *gen, const weir_http_sink_options *options,
                weir_error *error)
{
    return weir_pump(gen, weir_http_sink(weir_root(loop), hook, options), error);
}

static void check_ledger(weir_loop *loop, uint64_t delivered, uint64_t rejected, uint64_t in_flight)
{
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.delivered, delivered);
    ck_assert_uint_eq(ledger.rejected, rejected);
    ck_assert_uint_eq(ledger.in_flight, in_flight);
}

/* The value of a header of a request; NULL: it has none. */
static const char *header_of(size_t request, const char *name)
{
    static char values[4][256];
    static int next;
    char start[64];
    ck_assert_uint_lt(request, wire_requests_count);
    snprintf(start, sizeof start, "%s: ", name);
    const char *at = wire_requests[request].headers;
    while (*at != '\0' && strncmp(at, start, strlen(start)) != 0) {
        at = strchr(at, '\n') + 1;
    }
    if (*at == '\0') {
        return NULL;
    }
    at += strlen(start);
    next = (next + 1) % 4;
    snprintf(values[next], sizeof values[next], "%.*s", (int)strcspn(at, "\n"), at);
    return values[next];
}

static int64_t pause_before(size_t request)
{
    ck_assert_uint_lt(request, wire_requests_count);
    return wire_requests[request].at_ms - wire_requests[request - 1].at_ms;
}

/* ---- what is sent */

TEST(each_item_is_a_request)
{
    WIRE({.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 2);
    ck_assert(wire_requests[0].posts);
    ck_assert_str_eq(wire_requests[0].url, hook);
    ck_assert_str_eq(wire_requests[0].body, "1\n");
    ck_assert_str_eq(wire_requests[1].body, "2\n");
    ck_assert_str_eq(header_of(0, "Content-Type"), "application/x-ndjson");
    check_ledger(loop, 2, 0, 0);
    weir_loop_free(loop);
}

TEST(a_batch_is_one_request)
{
    WIRE({.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 5, 3), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 2);
    ck_assert_str_eq(wire_requests[0].body, "1\n2\n3\n");
    ck_assert_str_eq(wire_requests[1].body, "4\n5\n");
    check_ledger(loop, 5, 0, 0);
    weir_loop_free(loop);
}

TEST(the_requests_of_two_sinks_of_a_tee_overlap)
{
    WIRE({.head_ms = SECONDS, .head = TAKEN}, {.head_ms = 3 * SECONDS, .head = TAKEN},
         {.head_ms = SECONDS, .head = TAKEN}, {.head_ms = SECONDS, .head = TAKEN});
    weir_scope *root = weir_root(loop);
    weir_sink *sinks[] = {weir_http_sink(root, hook, NULL),
                          weir_http_sink(root, "http://example.com/other", NULL)};

    ck_assert_int_eq(weir_pump_all(numbers_up_to(loop, 2, 0), sinks, 2, NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(wire_requests[i].url, i % 2 == 0 ? hook : "http://example.com/other");
        ck_assert_str_eq(wire_requests[i].body, i < 2 ? "1\n" : "2\n");
    }
    ck_assert_int_eq(wire_requests[0].at_ms, 0);
    ck_assert_int_eq(wire_requests[1].at_ms, 0);
    ck_assert_int_eq(wire_requests[2].at_ms, 1 * SECONDS); /* not held by the other's answer */
    ck_assert_int_eq(wire_requests[3].at_ms, 3 * SECONDS);
    check_ledger(loop, 2, 0, 0);
    weir_loop_free(loop);
}

TEST(nothing_to_post_is_no_request)
{
    WIRE({.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 0, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 0);
    weir_loop_free(loop);
}

TEST(raw_bodies_have_no_line_ends)
{
    WIRE({.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 3, 3), POST(.frame = WEIR_FRAME_NONE), NULL),
                     0);

    ck_assert_str_eq(wire_requests[0].body, "123");
    ck_assert_str_eq(header_of(0, "Content-Type"), "application/octet-stream");
    weir_loop_free(loop);
}

TEST(bodies_are_packed_when_asked_for)
{
    WIRE({.head = TAKEN});
    struct wr_decoder gunzip;
    char plain[64];
    size_t used, made;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 3, 3), POST(.gzip = 1), NULL), 0);

    ck_assert_str_eq(header_of(0, "Content-Encoding"), "gzip");
    ck_assert_int_eq(wr_decoder_init(&gunzip, &wr_coding_gzip, NULL), 0);
    (void)wr_decoder_step(&gunzip, wire_requests[0].body, wire_requests[0].body_len, &used, plain,
                          sizeof plain, &made);
    wr_decoder_fini(&gunzip);
    ck_assert_uint_eq(made, 6);
    ck_assert_mem_eq(plain, "1\n2\n3\n", 6);
    weir_loop_free(loop);
}

TEST(the_callers_headers_come_before_the_own_ones)
{
    WIRE({.head = TAKEN});
    static const char *const headers[] = {"content-type: text/plain", "Idempotency-Key: mine"};
    const weir_http_options http = {
        .struct_size = sizeof http, .headers = headers, .headers_count = 2};

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), POST(.http = &http), NULL), 0);

    ck_assert_str_eq(header_of(0, "content-type"), "text/plain");
    ck_assert_ptr_null(header_of(0, "Content-Type"));
    ck_assert_str_eq(header_of(0, "Idempotency-Key"), "mine");
    weir_loop_free(loop);
}

TEST(a_content_type_can_be_given)
{
    WIRE({.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), POST(.type = "text/csv"), NULL), 0);

    ck_assert_str_eq(header_of(0, "Content-Type"), "text/csv");
    weir_loop_free(loop);
}

TEST(the_key_is_the_same_for_a_retry_and_for_no_other_request)
{
    WIRE({.head = ANSWER("503 Busy")}, {.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, NULL), 0);

    ck_assert_uint_eq(strlen(header_of(0, "Idempotency-Key")), 64);
    ck_assert_str_eq(header_of(0, "Idempotency-Key"), header_of(1, "Idempotency-Key"));
    ck_assert_str_ne(header_of(1, "Idempotency-Key"), header_of(2, "Idempotency-Key"));
    weir_loop_free(loop);
}

/* ---- trying again */

TEST(statuses_that_pass_are_tried_again)
{
    WIRE({.head = ANSWER("408 Late")}, {.head = ANSWER("425 Early")}, {.head = ANSWER("429 Many")},
         {.head = ANSWER("500 Oops")}, {.head = ANSWER("599 ?")}, {.then = WIRE_BREAKS},
         {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 7);
    for (size_t i = 1; i < 7; i++) {
        ck_assert_str_eq(wire_requests[i].body, "1\n");
        ck_assert_int_le(pause_before(i), INT64_C(500) << (i - 1));
    }
    check_ledger(loop, 1, 0, 0);
    weir_loop_free(loop);
}

TEST(a_server_is_not_asked_before_the_time_that_it_names)
{
    WIRE({.head = "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"},
         {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, NULL), 0);

    ck_assert_int_ge(pause_before(1), 120 * SECONDS);
    weir_loop_free(loop);
}

TEST(a_first_connection_that_fails_is_final)
{
    WIRE({.then = WIRE_IS_REFUSED}, {.head = TAKEN});
    weir_error error;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, &error), WEIR_ECONNECT);

    ck_assert_uint_eq(wire_requests_count, 1);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_REFUSED "; " TEXT_HTTP_ITEM("1")));
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 0);
    weir_loop_free(loop);
}

TEST(a_first_connection_that_fails_is_tried_again_when_retries_are_given)
{
    WIRE({.then = WIRE_IS_REFUSED}, {.then = WIRE_IS_REFUSED}, {.head = TAKEN});
    const weir_http_options http = {.struct_size = sizeof http, .retries = 2};

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), POST(.http = &http), NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 3);
    weir_loop_free(loop);
}

TEST(a_connection_that_has_stood_is_tried_for_without_a_bound)
{
    static struct wire_answer answers[42] = {{.head = TAKEN}};
    for (size_t i = 1; i < 41; i++) {
        answers[i].then = WIRE_IS_REFUSED;
    }
    answers[41].head = TAKEN;
    weir_loop *loop = test_loop();
    wire_lay(loop, answers, 42);

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 42);
    check_ledger(loop, 2, 0, 0);
    weir_loop_free(loop);
}

TEST(retries_are_bounded_when_asked_for_and_counted_for_each_request)
{
    WIRE({.head = ANSWER("503 Busy")}, {.head = TAKEN}, {.head = ANSWER("503 Busy")},
         {.head = ANSWER("503 Busy")});
    const weir_http_options http = {.struct_size = sizeof http, .retries = 1};
    weir_error error;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), POST(.http = &http), &error),
                     WEIR_EHTTP);

    ck_assert_uint_eq(wire_requests_count, 4);
    ck_assert_int_eq(error.detail, 503);
    ck_assert_ptr_nonnull(
        strstr(error.message, "503 Busy; " TEXT_HTTP_GAVE_UP("1 retry") "; " TEXT_HTTP_ITEM("2")));
    check_ledger(loop, 1, 0, 1);
    weir_loop_free(loop);
}

TEST(an_answer_that_does_not_come_is_asked_for_again)
{
    WIRE({.then = WIRE_IS_SILENT, .head_ms = 3600 * SECONDS, .head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 2);
    ck_assert_int_ge(pause_before(1), 30 * SECONDS);
    ck_assert_int_le(pause_before(1), 30 * SECONDS + 500);
    weir_loop_free(loop);
}

TEST(what_was_said_to_be_taken_is_taken_although_the_answer_breaks_off)
{
    WIRE({.head = "HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n",
          .body = "some",
          .then = WIRE_BREAKS},
         {.head = "HTTP/1.1 200 OK\r\n\r\n", .then = WIRE_IS_SILENT});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 2);
    check_ledger(loop, 2, 0, 0);
    weir_loop_free(loop);
}

TEST(a_server_that_takes_nothing_for_a_minute_is_warned_of_once)
{
    static const struct wire_answer answers[] = {
        {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"},
        {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"},
        {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"},
        {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"},
        {.head = TAKEN}};
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, 5);

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, NULL), 0);

    const char *said = strstr(log_text, TEXT_HTTP_NOTHING_ACCEPTED " for 1");
    ck_assert_ptr_nonnull(said);
    ck_assert_ptr_null(strstr(said + 1, TEXT_HTTP_NOTHING_ACCEPTED));
    weir_loop_free(loop);
}

/* ---- what is refused */

TEST(a_status_that_rejects_counts_the_items_as_rejected)
{
    WIRE({.head = ANSWER("422 No")}, {.head = ANSWER("400 Bad")}, {.head = ANSWER("413 Large")},
         {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 4, 0), NULL, NULL), 0);

    check_ledger(loop, 1, 3, 0);
    weir_loop_free(loop);
}

TEST(a_batch_that_is_too_large_is_taken_apart)
{
    WIRE({.head = ANSWER("413 Large")}, {.head = ANSWER("413 Large")}, {.head = TAKEN},
         {.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 5, 5), NULL, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 5);
    ck_assert_str_eq(wire_requests[1].body, "1\n2\n3\n");
    ck_assert_str_eq(wire_requests[2].body, "1\n2\n");
    ck_assert_str_eq(wire_requests[3].body, "3\n4\n");
    ck_assert_str_eq(wire_requests[4].body, "5\n");
    for (size_t i = 1; i < 5; i++) {
        ck_assert_str_ne(header_of(i, "Idempotency-Key"), header_of(i - 1, "Idempotency-Key"));
    }
    check_ledger(loop, 5, 0, 0);
    weir_loop_free(loop);
}

TEST(of_a_batch_the_one_item_that_is_too_large_is_rejected)
{
    WIRE({.head = ANSWER("413 Large")}, {.head = TAKEN}, {.head = ANSWER("413 Large")},
         {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 3, 2), NULL, NULL), 0);

    ck_assert_str_eq(wire_requests[1].body, "1\n");
    ck_assert_str_eq(wire_requests[2].body, "2\n");
    check_ledger(loop, 2, 1, 0);
    weir_loop_free(loop);
}

TEST(any_other_status_fails_the_sink_and_settles_nothing_of_the_request)
{
    WIRE({.head = TAKEN},
         {.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n", .body = "no hook"});
    weir_error error;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 4, 2), NULL, &error), WEIR_EHTTP);

    ck_assert_int_eq(error.detail, 404);
    ck_assert_str_eq(error.message,
                     "http://example.org/hook: 404 Not Found: no hook; " TEXT_HTTP_ITEMS
                         TEXT_HTTP_NOT_DELIVERED);
    check_ledger(loop, 2, 0, 2);
    weir_loop_free(loop);
}

TEST(the_statuses_that_reject_can_be_changed)
{
    WIRE({.head = ANSWER("404 No")}, {.head = ANSWER("503 No")}, {.head = ANSWER("422 No")});
    static const int32_t statuses[] = {404, 503};
    weir_error error;

    int rc = post(loop, numbers_up_to(loop, 3, 0),
                  POST(.reject_statuses = statuses, .reject_statuses_count = 2), &error);

    ck_assert_int_eq(rc, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 422);
    check_ledger(loop, 0, 2, 1);
    weir_loop_free(loop);
}

TEST(a_redirect_that_keeps_the_request_is_followed_with_its_body)
{
    WIRE({.head = "HTTP/1.1 308 Moved\r\nLocation: /other\r\n\r\n"}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, NULL), 0);

    ck_assert_str_eq(wire_requests[1].url, "http://example.org/other");
    ck_assert_str_eq(wire_requests[1].body, "1\n");
    weir_loop_free(loop);
}

TEST(a_redirect_to_a_page_is_a_failure_that_names_it)
{
    WIRE({.head = "HTTP/1.1 302 Found\r\nLocation: /login?token=c4n4ry\r\n\r\n"}, {.head = TAKEN});
    weir_error error;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 1, 0), NULL, &error), WEIR_EHTTP);

    ck_assert_ptr_nonnull(
        strstr(error.message, "302 Found: " TEXT_HTTP_NO_FOLLOW("/login?token=***")));
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
}

/* ---- several at a time */

struct posting {
    weir_gen *gen;
    weir_sink *sink;
    int *rc;
    weir_error *error;
};

static int posting_main(weir_scope *scope, void *args)
{
    struct posting *posting = args;
    (void)scope;
    *posting->rc = weir_pump(posting->gen, posting->sink, posting->error);
    return 0;
}

static void let_pass(weir_loop *loop, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        wr_loop_settle(loop);
        wr_clock_advance(loop, 10);
    }
    wr_loop_settle(loop);
}

static void begin_posting(weir_loop *loop, weir_gen *gen, const weir_http_sink_options *options,
                          struct posting *posting, int *rc, weir_error *error)
{
    *rc = 1;
    *posting = (struct posting){gen, weir_http_sink(weir_root(loop), hook, options), rc, error};
    weir_spawn(weir_root(loop), "posting", posting_main, posting, sizeof *posting);
}

TEST(each_of_several_requests_settles_its_own_items_when_it_is_answered)
{
    WIRE({.head_ms = 5000, .head = TAKEN}, {.head = TAKEN}, {.head_ms = 9000, .head = TAKEN},
         {.head_ms = 9000, .head = TAKEN});
    struct posting posting;
    weir_error error;
    int rc;
    begin_posting(loop, numbers_up_to(loop, 4, 0), POST(.parallel = 2), &posting, &rc, &error);

    let_pass(loop, 1000);
    ck_assert_uint_eq(wire_requests_count, 3); /* two at a time */
    check_ledger(loop, 1, 0, ledger_of(weir_root(loop)).in - 1);
    let_pass(loop, 5000);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 2);
    let_pass(loop, 30000);

    ck_assert_int_eq(rc, 0);
    check_ledger(loop, 4, 0, 0);
    weir_loop_free(loop);
}

TEST(a_failure_leaves_what_the_others_have_settled_and_nothing_else)
{
    WIRE({.head_ms = 5000, .head = TAKEN}, {.head = TAKEN},
         {.head_ms = 100, .head = ANSWER("404 No")});
    weir_error error;

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 9, 0), POST(.parallel = 2), &error),
                     WEIR_EHTTP);

    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 1);
    ck_assert_uint_ge(ledger_of(weir_root(loop)).in_flight, 2);
    weir_loop_free(loop);
}

TEST(one_at_a_time_keeps_the_order)
{
    WIRE({.head = ANSWER("503 Busy")}, {.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post(loop, numbers_up_to(loop, 2, 0), NULL, NULL), 0);

    ck_assert_str_eq(wire_requests[0].body, "1\n");
    ck_assert_str_eq(wire_requests[1].body, "1\n");
    ck_assert_str_eq(wire_requests[2].body, "2\n");
    weir_loop_free(loop);
}

/* ---- waiting, ending */

TEST(why_says_what_it_waits_for)
{
    WIRE({.then = WIRE_IS_SILENT, .head_ms = 3600 * SECONDS, .head = TAKEN});
    struct posting posting;
    weir_error error;
    char why[256];
    int rc;
    begin_posting(loop, numbers_up_to(loop, 2, 2), NULL, &posting, &rc, &error);
    let_pass(loop, 3000);

    ck_assert_int_eq(rc, 1);
    posting.sink->ops->why(posting.sink, why, sizeof why);

    ck_assert_ptr_nonnull(strstr(why, TEXT_HTTP_SINK_WAITS));
    weir_scope_cancel(weir_root(loop));
    let_pass(loop, 100);
    weir_loop_free(loop);
}

TEST(a_cancel_ends_it_while_it_waits)
{
    WIRE({.head = ANSWER("503 Busy")}, {.head_ms = 3600 * SECONDS, .head = TAKEN});
    struct posting posting;
    weir_error error;
    int rc;
    begin_posting(loop, numbers_up_to(loop, 2, 0), NULL, &posting, &rc, &error);
    let_pass(loop, 3000);

    weir_scope_cancel(weir_root(loop));
    let_pass(loop, 100);

    ck_assert_int_eq(rc, WEIR_ECANCELED);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 0);
    weir_loop_free(loop);
}

TEST(a_commit_waits_for_all_answers)
{
    WIRE({.head_ms = 500, .head = TAKEN}, {.head_ms = 700, .head = TAKEN});
    weir_sink *sink = weir_http_sink(weir_root(loop), hook, POST(.parallel = 2));
    weir_item item = weir_bytes("x", 1);
    int64_t from_ns = wr_now_ns(loop);

    ck_assert(weir_put(sink, &item) && weir_put(sink, &item));
    ck_assert_int_lt(wr_now_ns(loop) - from_ns, 500 * INT64_C(1000000));
    ck_assert(weir_commit(sink));

    ck_assert_int_ge(wr_now_ns(loop) - from_ns, 700 * INT64_C(1000000));
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_loop_free(loop);
}

WEIR_SOURCE(one_then_failure, int)
{
    weir_item item = weir_bytes("one", 3);
    (void)args;
    return weir_yield(self, &item) ? weir_fail(self, WEIR_EPARSE, "bad") : 0;
}

TEST(a_source_that_fails_has_what_it_gave_posted)
{
    WIRE({.head_ms = 500, .head = TAKEN}, {.head = TAKEN});
    weir_error error;

    int rc = post(loop, one_then_failure(weir_root(loop), 0), NULL, &error);

    ck_assert_int_eq(rc, WEIR_EPARSE);
    ck_assert_str_eq(wire_requests[0].body, "one\n");
    check_ledger(loop, 1, 0, 0);
    weir_loop_free(loop);
}

static void check_wrong(const char *url, const weir_http_sink_options *options, const char *text)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_sink *sink = weir_http_sink(weir_root(loop), url, options);

    ck_assert_int_eq(weir_pump(numbers_up_to(loop, 1, 0), sink, &error), WEIR_EINVAL);

    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
    weir_loop_free(loop);
}

TEST(options_that_cannot_be_are_named)
{
    static const int32_t many[17];
    const weir_http_options http = {.struct_size = sizeof http, .connect_ms = -7};
    const weir_http_options key_alone = {.struct_size = sizeof key_alone, .key_file = "k"};
    check_wrong("ftp://x/", NULL, "'ftp://x/' " TEXT_HTTP_NO_ADDRESS);
    check_wrong(NULL, NULL, TEXT_HTTP_NO_ADDRESS);
    check_wrong(hook, POST(.parallel = 65), TEXT_HTTP_PARALLEL);
    check_wrong(hook, POST(.gzip = 2), "gzip");
    check_wrong(hook, POST(.frame = WEIR_FRAME_LEN32), "frame");
    check_wrong(hook, POST(.http = &http), "connect_ms");
    check_wrong(hook, POST(.http = &key_alone), "cert_file");
    check_wrong(hook, POST(.reject_statuses = many, .reject_statuses_count = 17),
                TEXT_HTTP_STATUSES);
}

/* ---- in a pipeline */

static int run_text(weir_loop *loop, const char *text, const weir_plan_options *options,
                    weir_error *error)
{
    weir_gen *gen;
    weir_sink *sink;
    weir_plan *plan = weir_plan_read(text, NULL, error);
    ck_assert_ptr_nonnull(plan);
    int rc = weir_plan_open(plan, weir_root(loop), options, &gen, &sink, error);
    weir_plan_free(plan);
    return rc < 0 ? rc : weir_pump(gen, sink, error);
}

TEST(rejected_items_of_a_batch_are_written_to_the_dead_sink)
{
    WIRE({.head = TAKEN}, {.head = "HTTP/1.1 422 No\r\nContent-Length: 3\r\n\r\n", .body = "bad"});
    struct wr_folder folder;
    char path[128];
    size_t len;
    weir_error error;
    wr_folder_make(&folder);
    snprintf(path, sizeof path, "%s/dead", folder.path);

    int rc = run_text(loop, "gen 1..4 | batch 2 | post http://example.org/hook",
                      WEIR_OPTIONS(weir_plan_options, .dead = path), &error);

    ck_assert_int_eq(rc, 0);
    check_ledger(loop, 2, 2, 0);
    ck_assert_str_eq(wr_folder_read(&folder, "dead", &len),
                     "{\"origin\":\"gen\",\"number\":3,\"position\":null,\"component\":\"post\","
                     "\"code\":\"EHTTP\",\"reason\":\"422 No: bad\",\"body\":\"3\"}\n"
                     "{\"origin\":\"gen\",\"number\":4,\"position\":null,\"component\":\"post\","
                     "\"code\":\"EHTTP\",\"reason\":\"422 No: bad\",\"body\":\"4\"}\n");
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(strict_stops_at_what_is_rejected)
{
    WIRE({.head = TAKEN}, {.head = ANSWER("422 No")});
    weir_error error;

    int rc = run_text(loop, "gen 1..4 | batch 2 | post http://example.org/hook",
                      WEIR_OPTIONS(weir_plan_options, .strict = 1), &error);

    ck_assert_int_eq(rc, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_ITEMS ": 422 No"));
    check_ledger(loop, 2, 0, 2);
    weir_loop_free(loop);
}

TEST(the_programs_headers_go_to_the_first_url_of_the_text)
{
    WIRE({.head = "HTTP/1.1 200 OK\r\n\r\n", .body = "one\n"}, {.head = TAKEN}, {.head = TAKEN});
    static const char *const headers[] = {"X-Secret: c4n4ry"};
    const weir_http_options http = {
        .struct_size = sizeof http, .headers = headers, .headers_count = 1};
    weir_error error;

    ck_assert_int_eq(run_text(loop, "http://a.example/ | post http://b.example/",
                              WEIR_OPTIONS(weir_plan_options, .http = &http), &error),
                     0);
    ck_assert_int_eq(run_text(loop, "gen 1..1 | post http://b.example/ header=\"X-Own: 1\"",
                              WEIR_OPTIONS(weir_plan_options, .http = &http), &error),
                     0);

    ck_assert_str_eq(header_of(0, "X-Secret"), "c4n4ry");
    ck_assert_ptr_null(header_of(1, "X-Secret"));
    ck_assert_str_eq(header_of(2, "X-Secret"), "c4n4ry");
    ck_assert_str_eq(header_of(2, "X-Own"), "1");
    weir_loop_free(loop);
}

TEST(arguments_of_the_text_reach_the_requests)
{
    WIRE({.head = ANSWER("404 No")}, {.head = ANSWER("503 No")}, {.head = ANSWER("503 No")});
    weir_error error;

    int rc = run_text(loop,
                      "gen 1..3 | post http://example.org/hook raw retry=1 reject-status=404 "
                      "type=text/plain",
                      NULL, &error);

    ck_assert_int_eq(rc, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 503);
    ck_assert_uint_eq(wire_requests_count, 3);
    ck_assert_str_eq(wire_requests[0].body, "1");
    ck_assert_str_eq(header_of(0, "Content-Type"), "text/plain");
    weir_loop_free(loop);
}

TEST(secrets_of_the_text_are_hidden)
{
    weir_error error;
    weir_plan *plan = weir_plan_read("gen 1..3 | post http://u:c4n4ry@h/?token=c4n4ry "
                                     "header=\"X: c4n4ry\" user=me:c4n4ry",
                                     NULL, &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert_ptr_null(strstr(weir_plan_text(plan), "c4n4ry"));
    weir_plan_free(plan);
}

MAIN("sink/http")
