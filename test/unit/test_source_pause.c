/*
 * test_source_pause.c - an HTTP source whose reader rests: a connection that is lost meanwhile, a
 * reader that rests while the source connects again, and clocks that stand still. Over a scripted wire
 * on a virtual clock. (Sockets: test_source_again.c.)
 */
#include "loop_wait.h"
#include "support_http_source.h"
#include "support_wire.h"

#define BODY OK_HEAD "\r\n"
#define TAGGED OK_HEAD ETAG "\r\n"
#define STREAM OK_HEAD "Content-Type: text/event-stream\r\n\r\n"
#define MINUTES (INT64_C(60) * 1000)

struct reader {
    weir_gen *gen;
    int64_t rest_ms; /* after each item */
    char got[256];
    int rc;
};

static int reader_main(weir_scope *scope, void *args)
{
    struct reader *reader = *(struct reader **)args;
    weir_item item;
    (void)scope;
    while (weir_next(reader->gen, &item)) {
        size_t len = strlen(reader->got);
        weir_slice text;
        (void)!weir_item_text(&item, &text, NULL);
        snprintf(reader->got + len, sizeof reader->got - len, "%.*s|", (int)text.len, text.data);
        if (wr_sleep(reader->gen->loop, reader->rest_ms, "a rest", NULL) < 0) {
            break;
        }
    }
    reader->rc = weir_finish(reader->gen, NULL);
    return reader->rc;
}

static const char *reads(struct reader *reader, weir_scope *scope, weir_gen *gen, int64_t rest_ms)
{
    *reader = (struct reader){.gen = gen, .rest_ms = rest_ms};
    weir_spawn(scope, "reader", reader_main, &reader, sizeof reader);
    (void)!weir_scope_wait(scope, NULL);
    return reader->got;
}

#define LAY(...)                                               \
    static const struct wire_answer answers[] = {__VA_ARGS__}; \
    struct reader reader;                                      \
    weir_loop *loop = logging_loop();                          \
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL); \
    wire_lay(loop, answers, sizeof answers / sizeof *answers)

static const char URL[] = "http://example.org/feed";

TEST(a_body_that_breaks_while_its_reader_rests_is_resumed_by_the_next_pull)
{
    LAY({.head = TAGGED, .body = "one\ntwo\nth", .then = WIRE_BREAKS},
        {.head = "HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes 8-18/19\r\n\r\n",
         .body = "three\nfour\n"});

    ck_assert_str_eq(reads(&reader, scope, weir_http_lines(scope, URL, NULL), 60 * MINUTES),
                     "one|two|three|four|");

    ck_assert_int_eq(reader.rc, 0);
    ck_assert_uint_eq(wire_requests_count, 2);
    ck_assert_int_ge(wire_requests[1].at_ms, 120 * MINUTES);
    ck_assert_int_lt(wire_requests[1].at_ms, 121 * MINUTES);
    weir_loop_free(loop);
}

TEST(the_clock_of_silence_stands_still_while_a_reader_rests)
{
    LAY({.head = TAGGED, .body = "one\ntwo\n", .piece = 4, .piece_ms = 50000});

    ck_assert_str_eq(reads(&reader, scope, weir_http_lines(scope, URL, NULL), 10 * MINUTES),
                     "one|two|");

    ck_assert_uint_eq(wire_requests_count, 1);
    ck_assert_str_eq(log_text, "");
    weir_loop_free(loop);
}

TEST(an_event_stream_that_breaks_while_its_reader_rests_continues_after_the_last_event)
{
    LAY({.head = STREAM,
         .body = "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\nda",
         .then = WIRE_BREAKS},
        {.head = STREAM, .body = "id: 3\ndata: c\n\n"},
        {.head = "HTTP/1.1 204 No Content\r\n\r\n"});

    ck_assert_str_eq(reads(&reader, scope, weir_http_events(scope, URL, NULL), 10 * MINUTES),
                     "a|b|c|");

    ck_assert_ptr_nonnull(strstr(wire_requests[1].headers, "Last-Event-ID: 2\n"));
    ck_assert_int_ge(wire_requests[1].at_ms, 20 * MINUTES);
    ck_assert_ptr_nonnull(strstr(wire_requests[2].headers, "Last-Event-ID: 3\n"));
    ck_assert_msg(strstr(log_text, "; 600 s behind)") != NULL, "%s", log_text);
    weir_loop_free(loop);
}

TEST(an_event_stream_is_not_silent_while_its_reader_rests)
{
    LAY({.head = STREAM, .body = "data: a\n\ndata: b\n\n", .piece = 9, .piece_ms = 50000},
        {.head = "HTTP/1.1 204 No Content\r\n\r\n"});

    ck_assert_str_eq(reads(&reader, scope, weir_http_events(scope, URL, NULL), 10 * MINUTES),
                     "a|b|");

    ck_assert_uint_eq(wire_requests_count, 2); /* the second one after the end */
    weir_loop_free(loop);
}

TEST(what_is_compared_is_not_late_while_a_reader_rests)
{
    LAY({.head = BODY, .body = "one\ntwo\n", .then = WIRE_BREAKS},
        {.head = BODY, .body = "one\ntwo\nsix\n", .piece = 2, .piece_ms = 900});

    ck_assert_str_eq(reads(&reader, scope,
                           weir_http_lines(scope, URL, HTTP(.follow = 1, .retries = 1)),
                           10 * MINUTES),
                     "one|two|six|");

    ck_assert_ptr_null(strstr(log_text, "a gap or repeats"));
    weir_loop_free(loop);
}

/* A reader that gives up waiting while the source pauses before the next attempt, rests, and comes
 * back. */
static int leaves_main(weir_scope *scope, void *args)
{
    struct reader *reader = *(struct reader **)args;
    weir_item item;
    (void)scope;
    ck_assert(weir_next(reader->gen, &item));
    ck_assert_int_eq(weir_next_within(reader->gen, &item, 1), WEIR_GOT_LATE);
    (void)!wr_sleep(reader->gen->loop, 10 * MINUTES, "a rest", NULL);
    while (weir_next(reader->gen, &item)) {
        size_t len = strlen(reader->got);
        snprintf(reader->got + len, sizeof reader->got - len, "%.*s|", (int)item.len, item.data);
    }
    reader->rc = weir_finish(reader->gen, NULL);
    return reader->rc;
}

TEST(a_reader_that_rests_in_a_pause_finds_what_has_come_meanwhile)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    LAY({.head = TAGGED, .body = "one\n", .then = WIRE_BREAKS},
        {.head = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"},
        {.head = "HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes 4-11/12\r\n\r\n",
         .body = "two\nsix\n"});
    struct reader *args = &reader;
    reader = (struct reader){.gen = weir_http_lines(scope, URL, NULL)};
    weir_spawn(scope, "reader", leaves_main, &args, sizeof args);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_str_eq(reader.got, "two|six|");
    ck_assert_uint_eq(wire_requests_count, 3);
    weir_loop_free(loop);
}

TEST(a_body_that_breaks_while_it_is_paused_is_resumed_without_a_gap_or_a_repeat)
{
    enum { LINE = 100, LINES_FIRST = 10000, LINES_ALL = 12000 };
    static char text[LINES_ALL * LINE + 1], part[128];
    static struct wire_answer answers[2];
    if (wr_test_sweeps()) {
        return; /* much work that other tests do with less */
    }
    for (int i = 0; i < LINES_ALL; i++) {
        snprintf(text + i * LINE, LINE + 1, "%099d\n", i);
    }
    snprintf(part, sizeof part,
             "HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes %d-%d/%d\r\n\r\n",
             LINES_FIRST * LINE, LINES_ALL * LINE - 1, LINES_ALL * LINE);
    answers[0] = (struct wire_answer){.head = TAGGED,
                                      .body = text,
                                      .body_len = LINES_FIRST * LINE + 50,
                                      .piece = 16384,
                                      .then = WIRE_BREAKS};
    answers[1] = (struct wire_answer){.head = part,
                                      .body = text + LINES_FIRST * LINE,
                                      .body_len = (LINES_ALL - LINES_FIRST) * LINE,
                                      .piece = 16384};
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, 2);
    weir_gen *gen = weir_http_lines(weir_root(loop), URL, NULL);
    weir_item item;
    int count = 0;
    for (; weir_next(gen, &item); count++) {
        ck_assert_int_eq(atoi(item.data), count);
        for (int i = 0; count % 500 == 0 && i < 20; i++) {
            wr_loop_settle(loop); /* as much comes as the source takes */
        }
    }
    ck_assert_int_eq(count, LINES_ALL);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

MAIN("source/pause")
