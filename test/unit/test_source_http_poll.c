/*
 * A URL that is requested again and again: its times, its conditions, and what it goes on after.
 */
#include "support_http_source.h"

#define NOT_MODIFIED "HTTP/1.1 304 Not Modified\r\n\r\n"
#define BODY(headers, body, length)                                       \
    {                                                                     \
        .text = OK_HEAD headers "Content-Length: " length "\r\n\r\n" body \
    }

static const char *poll_all(weir_loop *loop, struct http_peer *peer, weir_error *error)
{
    weir_gen *gen = weir_poll_lines(weir_root(loop), http_peer_url(peer, "/feed"), 10000,
                                    HTTP(.retries = 1, .connect_ms = 500, .first_byte_ms = 500));
    return read_all(gen, error);
}

TEST(each_answer_is_given_once)
{
    if (wr_test_sweeps()) {
        return; /* a call that fails uses up an answer, and then one is waited for without end */
    }
    PLAY(BODY("ETag: \"a\"\r\n", "one\ntwo\n", "8"), {.text = NOT_MODIFIED},
         BODY("ETag: W/\"b\"\r\n", "three\n", "6"), {.text = "HTTP/1.1 204 No\r\n\r\n"},
         {.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
         {.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = logging_loop();
    weir_error error;

    const char *got = poll_all(loop, peer, &error);

    ck_assert_str_eq(got, "one|two|three|");
    ck_assert_int_eq(error.code, WEIR_EHTTP);
    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 0), "If-None-Match"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nIf-None-Match: \"a\"\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 2), "\r\nIf-None-Match: \"a\"\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 3), "\r\nIf-None-Match: W/\"b\"\r\n"));
    end(loop, peer);
}

TEST(requests_have_their_time)
{
    PLAY(BODY("", "one\n", "4"), BODY("", "two\n", "4"), BODY("", "six\n", "4"));
    weir_loop *loop = logging_loop();
    weir_gen *gen =
        weir_poll_lines(weir_root(loop), http_peer_url(peer, "/feed"), 10000, HTTP(.retries = 1));
    weir_item item;
    int64_t times_ms[3];

    for (int i = 0; i < 3; i++) {
        ck_assert(weir_next(gen, &item));
        times_ms[i] = wr_now_ns(loop) / 1000000;
    }
    weir_discard(gen);

    for (int i = 1; i < 3; i++) {
        int64_t ms = times_ms[i] - times_ms[i - 1];
        ck_assert_msg(ms >= 9999 && ms <= 11001, "%lld ms", (long long)ms);
    }
    end(loop, peer);
}

TEST(a_date_is_a_condition_where_there_is_no_etag)
{
    PLAY(BODY("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n", "one\n", "4"),
         BODY("", "two\n", "4"));
    weir_loop *loop = logging_loop();
    weir_gen *gen =
        weir_poll_lines(weir_root(loop), http_peer_url(peer, "/feed"), 10, HTTP(.retries = 1));
    weir_item item;

    ck_assert(weir_next(gen, &item) && weir_next(gen, &item));
    weir_discard(gen);

    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1),
                                 "\r\nIf-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n"));
    end(loop, peer);
}

TEST(an_answer_that_breaks_off_is_requested_again_without_condition)
{
    PLAY(BODY("ETag: \"a\"\r\n", "one\nha", "99"), BODY("ETag: \"a\"\r\n", "one\ntwo\n", "8"));
    weir_loop *loop = logging_loop();
    weir_gen *gen =
        weir_poll_lines(weir_root(loop), http_peer_url(peer, "/feed"), 10000, HTTP(.retries = 5));
    weir_item item;

    ck_assert(weir_next(gen, &item) && weir_next(gen, &item) && weir_next(gen, &item));
    ck_assert_uint_eq(item.len, 3);
    ck_assert_mem_eq(item.data, "two", 3);
    weir_discard(gen);

    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 1), "If-None-Match"));
    ck_assert_ptr_nonnull(strstr(log_text, "retry 1 in "));
    end(loop, peer);
}

TEST(a_status_is_final_only_at_first)
{
    PLAY({.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = logging_loop();
    weir_error error;

    (void)poll_all(loop, peer, &error);

    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 404);
    end(loop, peer);
}

TEST(an_interval_of_nothing_is_refused)
{
    weir_loop *loop = logging_loop();
    weir_error error;

    (void)read_all(weir_poll_lines(weir_root(loop), "http://127.0.0.1:1/", 0, NULL), &error);

    ck_assert_int_eq(error.code, WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("source/http_poll")
