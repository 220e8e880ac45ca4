/*
 * test_source_http_whole.c - the HTTP source takes no part for the whole, and no position of
 * decoded bytes for one of encoded bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_http_source.h"

/* gzip of "one\ntwo\n" */
#define GZIP_ONE_TWO                                                                               \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x02\x00\xe6\x0b\xba" \
    "\x12\x08\x00\x00\x00"

TEST(an_encoded_body_is_asked_for_whole_also_after_an_attempt_without_an_answer)
{
    static const char body[] =
        OK_HEAD ETAG "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = body, .len = sizeof body - 1 - 3}, {.text = ""},
         {.text = body, .len = sizeof body - 1});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);

    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 1), "Range:"));
    ck_assert_ptr_null(strstr(http_peer_request(peer, 2), "Range:"));
    end(loop, peer);
}

/* A 206 may hold less than was asked for (RFC 9110 15.3.7): its end is not the end of the thing. */
TEST(a_part_that_ends_early_is_followed_by_another)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 20\r\n\r\none\ntwo\nth"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 8-13/20\r\nContent-Length: 6\r\n\r\nthree\n"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 14-19/20\r\nContent-Length: 6\r\n\r\nfour\n\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|three|four||", 0);
    end(loop, peer);
}

TEST(a_second_whole_of_another_length_is_another_version)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 20\r\n\r\none\ntwo\nth"},
         {.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntwo\nthr\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(an_encoding_that_is_not_known_is_refused_in_a_header_of_its_own)
{
    static const char body[] = OK_HEAD "Content-Encoding: xz\r\nContent-Encoding: gzip\r\n"
                                       "Content-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = body, .len = sizeof body - 1});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "", WEIR_EHTTP);
    end(loop, peer);
}

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

TEST(a_second_run_asks_for_an_encoded_body_from_its_start)
{
    static const char body[] =
        OK_HEAD ETAG "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    if (wr_test_sweeps()) {
        return;
    }
    PLAY({.text = body, .len = sizeof body - 1 - 3}, {.text = body, .len = sizeof body - 1});
    char folder[96];
    wr_temp_name(folder, sizeof folder, "run");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *url = strdup(http_peer_url(peer, "/feed"));
    weir_error error;

    run_with_state(url, folder, &error);
    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    run_with_state(url, folder, &error);

    http_peer_join(peer);
    wr_remove_all(folder);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 1), "Range:"));
    ck_assert_int_eq(error.code, 0);
    free(url);
    http_peer_free(peer);
}

MAIN("source/http_whole")
