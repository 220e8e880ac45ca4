/*
 * The sink that posts, over a scripted wire: which address a request goes to after a redirect, what a
 * refusal means, and a failure while the source is silent.
 */
#include <unistd.h>

#include "support_flow.h"
#include "support_folder.h"
#include "support_http_source.h"
#include "support_wire.h"
#include "texts_http.h"

#define TAKEN "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define MOVED(status) "HTTP/1.1 " status " Moved\r\nLocation: /other\r\n\r\n"

static const char hook[] = "http://example.org/hook", other[] = "http://example.org/other";

static int post_numbers(weir_loop *loop, int64_t last, weir_error *error)
{
    return weir_pump(weir_count(weir_root(loop), 1, last),
                     weir_http_sink(weir_root(loop), hook, NULL), error);
}

TEST(each_item_goes_to_the_given_address_first)
{
    WIRE({.head = MOVED("307")}, {.head = TAKEN}, {.head = TAKEN});

    ck_assert_int_eq(post_numbers(loop, 2, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 3);
    ck_assert_str_eq(wire_requests[1].url, other);
    ck_assert_str_eq(wire_requests[2].url, hook);
    ck_assert_str_eq(wire_requests[2].body, "2\n");
    weir_loop_free(loop);
}

TEST(a_retry_goes_to_the_given_address_first)
{
    WIRE({.head = MOVED("307")}, {.head = BUSY}, {.head = TAKEN});

    ck_assert_int_eq(post_numbers(loop, 1, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 3);
    ck_assert_str_eq(wire_requests[1].url, other);
    ck_assert_str_eq(wire_requests[2].url, hook);
    weir_loop_free(loop);
}

TEST(a_redirect_for_good_that_would_drop_the_body_is_a_failure)
{
    WIRE({.head = MOVED("301")}, {.head = TAKEN});
    weir_error error;

    ck_assert_int_eq(post_numbers(loop, 1, &error), WEIR_EHTTP);

    ck_assert_uint_eq(wire_requests_count, 1);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_HTTP_NO_FOLLOW("/other")));
    weir_loop_free(loop);
}

TEST(a_refusal_ends_the_wait_for_the_next_item)
{
    WIRE({.head = "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"});
    weir_scope *root = weir_root(loop);
    enum { HOUR_MS = 3600 * 1000 };
    weir_gen *gen = weir_ticker(root, HOUR_MS);
    int64_t began_ns = wr_now_ns(loop);

    ck_assert_int_eq(weir_pump(gen, weir_http_sink(root, hook, NULL), NULL), WEIR_EHTTP);

    ck_assert_int_lt(wr_now_ns(loop) - began_ns, (int64_t)HOUR_MS * 3 / 2 * 1000000);
    weir_loop_free(loop);
}

TEST(a_refusal_whose_length_is_none_is_judged_by_its_status)
{
    WIRE({.head = "HTTP/1.1 503 Busy\r\nContent-Length: x\r\n\r\n"}, {.head = TAKEN});

    ck_assert_int_eq(post_numbers(loop, 1, NULL), 0);

    ck_assert_uint_eq(wire_requests_count, 2);
    weir_loop_free(loop);
}

TEST(a_request_that_cannot_be_made_is_not_taken_for_the_one_before_it)
{
    struct wr_folder folder;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "token", "t", 1);
    const char *token = wr_folder_path(&folder, "token");
    WIRE({.head = TAKEN});
    weir_sink *sink = weir_http_sink(
        weir_root(loop), hook,
        WEIR_OPTIONS(weir_http_sink_options,
                     .http = WEIR_OPTIONS(weir_http_options, .bearer_file = token, .retries = 1)));
    weir_item item = weir_bytes("a", 1);

    ck_assert(weir_put(sink, &item));
    ck_assert(weir_commit(sink));
    ck_assert_int_eq(unlink(token), 0);
    ck_assert(weir_put(sink, &item));

    ck_assert_int_lt(weir_sink_finish(sink, NULL), 0);
    ck_assert_uint_eq(wire_requests_count, 1);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

MAIN("sink/http_again")
