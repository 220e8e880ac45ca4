/*
 * test_source_http_repeats.c - an HTTP source that follows leaves out what a body repeats, over a
 * scripted wire on a virtual clock.
 */
#include "support_http_source.h"
#include "support_wire.h"

#define BODY OK_HEAD "\r\n"

/* What comes of reading it with so many attempts in a row. The wire refuses any more. */
static const char *follow(weir_loop *loop, int retries)
{
    weir_error error;
    return read_all(weir_http_lines(weir_root(loop), "http://example.org/feed",
                                    HTTP(.follow = 1, .retries = retries)),
                    &error);
}

static weir_loop *told_loop(const struct wire_answer *answers, size_t count)
{
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, count);
    return loop;
}

#define TOLD(...)                                              \
    static const struct wire_answer answers[] = {__VA_ARGS__}; \
    weir_loop *loop = told_loop(answers, sizeof answers / sizeof *answers)

static bool told(const char *text)
{
    return strstr(log_text, text) != NULL;
}

TEST(a_feed_that_begins_with_its_history_is_not_repeated)
{
    TOLD({.head = BODY, .body = "one\ntwo\nsix\n", .then = WIRE_BREAKS},
         {.head = BODY, .body = "one\ntwo\nsix\nten\n", .piece = 1, .then = WIRE_BREAKS},
         {.head = BODY, .body = "one\ntwo\nsix\nten\nend\n", .piece = 3, .piece_ms = 100});

    ck_assert_str_eq(follow(loop, 2), "one|two|six|ten|end|");

    ck_assert_msg(told("(12 bytes were left out); it goes on after line 3"), "%s", log_text);
    ck_assert(told("(16 bytes were left out); it goes on after line 4"));
    ck_assert(!told("a gap or repeats"));
    weir_loop_free(loop);
}

TEST(a_feed_that_begins_with_a_greeting_loses_nothing)
{
    TOLD({.head = BODY, .body = "hello\none\ntwo\n", .then = WIRE_BREAKS},
         {.head = BODY, .body = "hello\nsix\nten\n"});

    ck_assert_str_eq(follow(loop, 1), "hello|one|two|six|ten|");

    ck_assert_msg(told("differs from what was given (6 bytes were left out): a gap or repeats are "
                       "possible after line 3"),
                  "%s", log_text);
    weir_loop_free(loop);
}

TEST(half_a_line_that_has_become_a_whole_one_is_given_again)
{
    TOLD({.head = BODY, .body = "one\ntw"}, {.head = BODY, .body = "one\ntwo\n"});

    ck_assert_str_eq(follow(loop, 1), "one|tw|two|");
    weir_loop_free(loop);
}

TEST(a_body_that_stays_as_it_is_is_given_once)
{
    TOLD({.head = BODY, .body = "one\ntw"}, {.head = BODY, .body = "one\ntw"},
         {.head = BODY, .body = "one\ntw"});

    ck_assert_str_eq(follow(loop, 2), "one|tw|");
    weir_loop_free(loop);
}

TEST(what_may_be_a_repeat_is_given_after_two_seconds)
{
    TOLD({.head = BODY, .body = "a long line\n"},
         {.head = BODY, .body = "one\ntwo\n", .piece = 4, .piece_ms = 1500, .end_ms = 60000});
    int64_t begin_ns = loop->now_ns;

    ck_assert_str_eq(follow(loop, 1), "a long line|one|two|");

    ck_assert_msg(told("too slowly to tell: a gap or repeats"), "%s", log_text);
    ck_assert_int_ge(loop->now_ns - begin_ns, INT64_C(60) * 1000000000);
    weir_loop_free(loop);
}

TEST(what_is_held_at_a_break_is_given)
{
    TOLD({.head = BODY, .body = "a long line\n"},
         {.head = BODY, .body = "one\nha", .then = WIRE_BREAKS}, {.head = BODY, .body = "two\n"});

    ck_assert_str_eq(follow(loop, 2), "a long line|one|two|");
    weir_loop_free(loop);
}

static char big[3 * 1024 * 1024 + 1];

TEST(no_more_than_a_mebibyte_is_held)
{
    static struct wire_answer answers[2];
    if (wr_test_sweeps()) {
        return; /* much work that other tests do with less */
    }
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 2] = '\n';
    answers[0] = (struct wire_answer){.head = BODY, .body = big, .piece = 16384};
    answers[1] = (struct wire_answer){.head = BODY, .body = big, .piece = 16384, .piece_ms = 1};
    weir_loop *loop = told_loop(answers, 2);
    weir_item item;
    weir_gen *gen = weir_http_lines(weir_root(loop), "http://example.org/feed",
                                    HTTP(.follow = 1, .retries = 1, .line_bytes_max = sizeof big));
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.len, sizeof big - 2);
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.len, sizeof big - 2);

    ck_assert_msg(told("too much to hold back"), "%s", log_text);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(long_histories_are_compared_in_the_blocks_that_they_came_in)
{
    static struct wire_answer answers[2];
    static char text[600 * 1024];
    size_t len = 0, lines = 0, got = 0;
    if (wr_test_sweeps()) {
        return; /* as above */
    }
    for (; len + 32 < sizeof text; lines++) {
        len += (size_t)snprintf(text + len, 32, "line %zu of the history\n", lines);
    }
    answers[0] = (struct wire_answer){
        .head = BODY, .body = text, .body_len = len - 1000, .piece = 5000, .then = WIRE_BREAKS};
    answers[1] = (struct wire_answer){.head = BODY, .body = text, .body_len = len, .piece = 7777};
    weir_loop *loop = told_loop(answers, 2);
    weir_item item;
    weir_gen *gen = weir_http_lines(weir_root(loop), "http://example.org/feed",
                                    HTTP(.follow = 1, .retries = 1));
    while (weir_next(gen, &item)) {
        char line[32];
        snprintf(line, sizeof line, "line %zu of the history", got++);
        ck_assert_uint_eq(item.len, strlen(line));
        ck_assert_mem_eq(item.data, line, item.len);
    }
    ck_assert_uint_eq(got, lines);

    ck_assert(told("it goes on after line"));
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(a_csv_header_makes_a_comparison_impossible)
{
    TOLD({.head = BODY, .body = "a,b\n1,2\n"}, {.head = BODY, .body = "a,b\n1,2\n3,4\n"});
    weir_framing framing = {.struct_size = sizeof framing, .kind = WEIR_FRAME_CSV, .header = 1};
    weir_error error;

    read_all(weir_framed(weir_http_bytes(weir_root(loop), "http://example.org/feed",
                                         HTTP(.follow = 1, .retries = 1)),
                         &framing),
             &error);

    ck_assert_msg(told("a gap or repeats are possible after row"), "%s", log_text);
    weir_loop_free(loop);
}

TEST(a_repeat_may_come_slowly)
{
    TOLD(
        {.head = BODY, .body = "a long line\n"},
        {.head = BODY, .body = "a long line\ntwo\n", .piece = 6, .piece_ms = 1900, .end_ms = 9000});
    weir_item item;
    weir_gen *gen = weir_http_lines(weir_root(loop), "http://example.org/feed",
                                    HTTP(.follow = 1, .retries = 1));
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));

    ck_assert_mem_eq(item.data, "two", 3);
    ck_assert(!told("a gap or repeats"));
    weir_discard(gen);
    weir_loop_free(loop);
}

MAIN("source/http_repeats")
