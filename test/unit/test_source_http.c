/*
 * test_source_http.c - what the HTTP source asks for, and what it makes of the answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support_http_source.h"
#include "texts_http.h"

TEST(lines_of_a_body_with_a_length)
{
    PLAY({.text = OK_HEAD "Content-Length: 11\r\n\r\none\ntwo\r\nxy"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|xy|", 0);
    http_peer_join(peer);
    const char *request = http_peer_request(peer, 0);
    ck_assert_ptr_nonnull(strstr(request, "GET /feed HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "Accept-Encoding: identity\r\n"));
    end(loop, peer);
}

TEST(lines_of_a_chunked_body_in_single_bytes)
{
    PLAY(
        {.text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n4\r\nwo\nx\r\n0\r\n\r\n",
         .byte_by_byte = true});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|x|", 0);
    end(loop, peer);
}

TEST(bytes_of_a_body_as_they_come)
{
    PLAY({.text = OK_HEAD "Content-Length: 11\r\n\r\none\ntwo\r\nxy"});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_bytes(weir_root(loop), http_peer_url(peer, "/"), NULL);
    char all[32] = "";
    weir_item item;

    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.flags, WEIR_ITEM_BYTES);
        strncat(all, item.data, item.len);
    }

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(all, "one\ntwo\r\nxy");
    end(loop, peer);
}

TEST(origin_has_the_address_without_its_secrets)
{
    PLAY({.text = OK_HEAD "Content-Length: 4\r\n\r\none\n"});
    weir_loop *loop = test_loop();
    char expected[64];
    const char *url = http_peer_url(peer, "/a?n=1&token=canary");
    snprintf(expected, sizeof expected, "http(%.*s***)",
             (int)(strlen(url) - strlen("http://canary")), url + strlen("http://"));
    weir_gen *gen = weir_http_lines(weir_root(loop), url, NULL);
    weir_item item;

    ck_assert(weir_next(gen, &item));
    ck_assert_str_eq(weir_origin_name(weir_root(loop), &item), expected);

    weir_discard(gen);
    end(loop, peer);
}

TEST(records_of_a_body_that_breaks_off_go_on_with_the_next)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\n\0\0\0\2ab\0\0\0\2c",
          .len = sizeof(OK_HEAD ETAG "Content-Length: 12\r\n\r\n") - 1 + 11},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes 6-11/12\r\n"
                  "Content-Length: 6\r\n\r\n\0\0\0\2cd",
          .len = sizeof("HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes 6-11/12\r\n"
                        "Content-Length: 6\r\n\r\n") -
                 1 + 6});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_framed(weir_http_bytes(weir_root(loop), http_peer_url(peer, "/"), NULL),
                                WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_LEN32));

    ck_assert_str_eq(read_all(gen, NULL), "ab|cd|");

    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=6-\r\n"));
    end(loop, peer);
}

TEST(nothing_is_connected_before_the_first_pull)
{
    PLAY({.text = OK_HEAD "\r\n"});
    weir_loop *loop = test_loop();

    weir_discard(weir_http_lines(weir_root(loop), http_peer_url(peer, "/"), NULL));

    size_t requests = http_peer_requests(peer);
    end(loop, peer);
    ck_assert_uint_eq(requests, 0);
}

TEST(a_refusal_tells_status_and_the_start_of_the_body)
{
    PLAY(
        {.text = "HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n<p>no\n such\t\tfeed</p>\n"});
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, "", WEIR_EHTTP);
    ck_assert_int_eq(error->detail, 404);
    ck_assert_ptr_nonnull(strstr(error->message, "404 Not Found: no such feed"));
    ck_assert_ptr_nonnull(strstr(error->origin, "http(127.0.0.1)"));
    end(loop, peer);
}

TEST(headers_user_and_bearer_are_sent)
{
    char path[96];
    wr_temp_name(path, sizeof path, "token");
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
    end(loop, peer);
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

TEST(redirects_are_followed)
{
    PLAY({.text = "HTTP/1.1 302 Found\r\nLocation: ../b?x=1\r\nContent-Length: 5\r\n\r\nmoved"},
         {.text = OK_HEAD "Content-Length: 2\r\n\r\na\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, HTTP(.user = "me:pw"), "a|", 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "GET /b?x=1 HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "Authorization: Basic"));
    end(loop, peer);
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

    const weir_error *error = gives(loop, peer, NULL, NULL, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_CIRCLE));
    end(loop, peer);
}

TEST(an_unfollowable_redirect_is_refused)
{
    PLAY({.text = "HTTP/1.1 301 Go\r\nLocation: file:///etc/passwd\r\n\r\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, NULL, WEIR_EHTTP);
    end(loop, peer);
}

MAIN("source/http")
