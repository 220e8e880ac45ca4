/*
 * test_source_http_resume.c - the HTTP source when things break: retries, resuming, a second run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "support_http_source.h"
#include "texts_http.h"

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
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_RETRY("1")));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_RETRY("2")));
    ck_assert_ptr_null(strstr(log_text, TEXT_HTTP_RETRY("3")));
    weir_loop_free(loop);
}

static int refuse_the_second(void *ctx, void *easy)
{
    int *count = ctx;
    return ++*count == 2 && curl_easy_setopt(easy, CURLOPT_PORT, 1L) != CURLE_OK;
}

TEST(a_server_that_is_away_for_a_while_is_asked_again)
{
    PLAY({.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
         {.text = OK_HEAD "Content-Length: 2\r\n\r\na\n"});
    weir_loop *loop = logging_loop();
    int count = 0;

    gives(loop, peer, HTTP(.setup = refuse_the_second, .setup_ctx = &count), "a|", 0);

    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_REFUSED "; " TEXT_HTTP_RETRY("2")));
    end(loop, peer);
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
    ck_assert_ptr_nonnull(strstr(log_text, "/feed: 503 Busy; " TEXT_HTTP_RETRY("1") "7."));
    end(loop, peer);
}

TEST(retries_are_finite)
{
#define BUSY {.text = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"}
    PLAY(BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, BUSY);
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, NULL, WEIR_EHTTP);
    ck_assert_int_eq(error->detail, 500);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_GAVE_UP("5 retries")));
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

    gives(loop, peer, NULL, "one|two|three|four||", 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=8-\r\n"));
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nIf-Range: \"v1\"\r\n"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_RESUME));
    end(loop, peer);
}

TEST(a_reset_is_resumed_too)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw", .after = HTTP_RESET},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 4-11/12\r\nContent-Length: 8\r\n\r\ntwo\nsix\n"});
    weir_loop *loop = logging_loop();

    gives(loop, peer, NULL, "one|two|six|", 0);
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_RESET "; " TEXT_HTTP_RETRY("1")));
    end(loop, peer);
}

TEST(a_server_without_ranges_is_read_again_from_the_start)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntwo\nsix\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|six|", 0);
    end(loop, peer);
}

TEST(another_version_is_not_mixed_into_the_first)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = OK_HEAD "ETag: \"v2\"\r\nContent-Length: 12\r\n\r\nONE\nTWO\nSIX\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(a_part_that_begins_elsewhere_is_refused)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 5-11/12\r\nContent-Length: 7\r\n\r\nwo\nsix\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(a_416_at_the_end_is_the_end)
{
    PLAY({.text = OK_HEAD ETAG
          "Transfer-Encoding: chunked\r\nAccept-Ranges: bytes\r\n\r\n8\r\none\ntwo\n\r\n"},
         {.text = "HTTP/1.1 416 No\r\nContent-Range: bytes */8\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);
    end(loop, peer);
}

TEST(a_broken_body_without_validator_is_truncated)
{
    PLAY({.text = OK_HEAD "Content-Length: 20\r\n\r\none\ntwo\nthr"});
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, "one|two|", WEIR_ETRUNCATED);
    ck_assert_int_eq(error->offset, 8);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_UNFINISHED_LINE));
    end(loop, peer);
}

#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

TEST(a_broken_chunked_body_without_validator_is_truncated)
{
    PLAY({.text = CHUNKED "8\r\none\ntwo\n\r\n"});
    weir_loop *loop = logging_loop();

    const weir_error *error = gives(loop, peer, HTTP(.retries = 3), "one|two|", WEIR_ETRUNCATED);
    ck_assert_int_eq(error->offset, 8);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_NO_RESUME));
    ck_assert_str_eq(log_text, "");
    end(loop, peer);
}

TEST(a_body_of_which_nothing_was_given_is_asked_for_again)
{
    PLAY({.text = CHUNKED "2\r\non\r\n"}, {.text = CHUNKED "4\r\none\n\r\n0\r\n\r\n"});
    weir_loop *loop = test_loop();
    gives(loop, peer, NULL, "one|", 0);
    end(loop, peer);
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

/* ---- following */

/* The lines of a source that is followed up to `count` of them. */
static void follows(weir_loop *loop, struct http_peer *peer, const weir_http_options *options,
                    uint64_t count, const char *lines)
{
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), options);
    ck_assert_str_eq(read_all(weir_head(gen, count), NULL), lines);
    http_peer_join(peer);
}

TEST(a_stream_that_is_followed_is_asked_for_again_after_a_break)
{
    PLAY({.text = CHUNKED "8\r\none\ntwo\n\r\n"}, {.text = CHUNKED "5\r\nnine\n\r\n0\r\n\r\n"});
    weir_loop *loop = logging_loop();

    follows(loop, peer, HTTP(FOLLOW), 3, "one|two|nine|");
    ck_assert_ptr_null(strstr(http_peer_request(peer, 1), "Range:"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_GAP));
    end(loop, peer);
}

TEST(a_stream_that_is_followed_is_asked_for_again_after_its_end)
{
    PLAY({.text = OK_HEAD "Content-Length: 7\r\n\r\none\ntwo"},
         {.text = CHUNKED "5\r\nnine\n\r\n0\r\n\r\n"}, {.text = OK_HEAD "\r\nten\n"});
    weir_loop *loop = logging_loop();

    follows(loop, peer, HTTP(FOLLOW), 4, "one|two|nine|ten|");
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_ENDED "; " TEXT_HTTP_RETRY("1")));
    end(loop, peer);
}

TEST(a_first_connection_that_fails_is_made_again_when_it_is_followed)
{
    PLAY({.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}, {.text = OK_HEAD "\r\na\n"});
    weir_loop *loop = logging_loop();
    int count = 1;

    follows(loop, peer, HTTP(FOLLOW, .setup = refuse_the_second, .setup_ctx = &count), 1, "a|");
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_REFUSED "; " TEXT_HTTP_RETRY("1")));
    end(loop, peer);
}

/* The same lines again, each time from the first one. */
#define ROWS CHUNKED "8\r\none\ntwo\n\r\n"

TEST(lines_that_come_again_are_no_news)
{
    PLAY({.text = ROWS}, {.text = ROWS}, {.text = ROWS}, {.text = ROWS});
    weir_loop *loop = logging_loop();

    const weir_error *error =
        gives(loop, peer, HTTP(.follow = 1, .retries = 3), "one|two|", WEIR_ETRUNCATED);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_GAVE_UP("3 retries")));
    ck_assert_uint_eq(http_peer_requests(peer), 4);
    end(loop, peer);
}

TEST(lines_behind_those_that_come_again_are_news)
{
    PLAY({.text = ROWS}, {.text = CHUNKED "c\r\none\ntwo\nsix\n\r\n"}, {.text = ROWS},
         {.text = CHUNKED "4\r\nten\n\r\n"}, {.text = CHUNKED "4\r\nten\n\r\n0\r\n\r\n"});
    weir_loop *loop = logging_loop();

    gives(loop, peer, HTTP(.follow = 1, .retries = 1), "one|two|six|", WEIR_ETRUNCATED);
    end(loop, peer);
}

TEST(an_end_that_brings_nothing_new_is_the_end_when_retries_are_bounded)
{
    PLAY({.text = OK_HEAD "Content-Length: 4\r\n\r\none\n"},
         {.text = OK_HEAD "Content-Length: 4\r\n\r\nten\n"},
         {.text = OK_HEAD "Content-Length: 4\r\n\r\nten\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, HTTP(.follow = 1, .retries = 1), "one|ten|", 0);
    end(loop, peer);
}

/* A file on a server: nothing is read twice while it stays as it was. */
TEST(what_is_followed_with_a_validator_is_not_repeated)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntwo\n"},
         {.text = "HTTP/1.1 416 No\r\nContent-Range: bytes */8\r\nContent-Length: 0\r\n\r\n"},
         {.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntwo\n"},
         {.text = OK_HEAD "ETag: \"v2\"\r\nContent-Length: 8\r\n\r\nsix\nten\n"});
    weir_loop *loop = logging_loop();

    follows(loop, peer, HTTP(FOLLOW), 4, "one|two|six|ten|");
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=8-\r\n"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_OTHER_VERSION));
    end(loop, peer);
}

TEST(another_length_of_what_is_followed_is_another_version)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntwo\n"},
         {.text = "HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n"},
         {.text = OK_HEAD ETAG "Content-Length: 4\r\n\r\nsix\n"});
    weir_loop *loop = test_loop();

    follows(loop, peer, HTTP(FOLLOW), 3, "one|two|six|");
    ck_assert_ptr_null(strstr(http_peer_request(peer, 2), "Range:"));
    end(loop, peer);
}

TEST(a_status_that_is_final_is_final_when_it_is_followed)
{
    PLAY({.text = OK_HEAD "\r\none\n"}, {.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();
    gives(loop, peer, HTTP(FOLLOW), "one|", WEIR_EHTTP);
    end(loop, peer);
}

TEST(a_line_behind_a_gap_is_not_taken_for_the_rest_of_a_long_one)
{
    PLAY({.text = CHUNKED "a\r\none\nlongis\r\n"}, {.text = CHUNKED "5\r\nnine\n\r\n0\r\n\r\n"});
    weir_loop *loop = test_loop();

    follows(loop, peer, HTTP(FOLLOW, .line_bytes_max = 4), 2, "one|nine|");
    end(loop, peer);
}

TEST(what_is_followed_is_not_cut_from_a_file_behind_a_gap)
{
    if (wr_test_sweeps()) {
        return; /* the state has sweeps of its own */
    }
    PLAY({.text = OK_HEAD ETAG "Content-Length: 4\r\n\r\none\n"},
         {.text = OK_HEAD "ETag: \"v2\"\r\nContent-Length: 8\r\n\r\nsix\nten\n"},
         {.text = OK_HEAD "ETag: \"v3\"\r\nContent-Length: 4\r\n\r\nend\n"});
    char folder[96], path[128], record[128];
    wr_temp_name(folder, sizeof folder, "run");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(record, sizeof record, "%s/run.weir", folder);
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_state *state = weir_state_open(root, folder, "run");
    weir_gen *gen =
        weir_http_lines(root, http_peer_url(peer, "/feed"), HTTP(FOLLOW, .state = state));
    weir_sink *sink = weir_file_sink(root, path, WEIR_OPTIONS(weir_file_options, .state = state));

    ck_assert_int_eq(weir_pump(weir_head(gen, 4), sink, NULL), 0);

    weir_loop_free(loop);
    ck_assert_str_eq(content_of(folder), "one\nsix\nten\nend\n");
    ck_assert_int_lt(access(record, F_OK), 0);
    wr_remove_all(folder);
    http_peer_free(peer);
}

TEST(no_retries_when_none_are_wanted)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"});
    weir_loop *loop = logging_loop();

    gives(loop, peer, HTTP(.retries = WEIR_NONE), "one|", WEIR_ETRUNCATED);
    ck_assert_str_eq(log_text, "");
    end(loop, peer);
}

/* One run of URL -> file with a state in the folder; the failure is told. */
static void run_with_state(const char *url, const char *folder, weir_error *error)
{
    char path[128];
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    snprintf(path, sizeof path, "%s/out", folder);
    weir_state *state = weir_state_open(root, folder, "run");
    weir_gen *gen = weir_http_lines(
        root, url,
        HTTP(.state = state, .retries = WEIR_NONE, .line_bytes_max = 5, .overlong = WEIR_LONG_CUT));
    weir_sink *sink = weir_file_sink(root, path, WEIR_OPTIONS(weir_file_options, .state = state));
    int rc = weir_pump(gen, sink, error);
    ck_assert_int_eq(rc, error->code);
    weir_loop_free(loop);
}

TEST(a_second_run_goes_on_where_the_first_was_cut_off)
{
    if (wr_test_sweeps()) {
        return; /* the state has sweeps of its own */
    }
    PLAY({.text = OK_HEAD ETAG "Content-Length: 14\r\n\r\none\ntwo\nth"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 8-13/14\r\nContent-Length: 6\r\n\r\nthree\n"});
    char folder[96];
    wr_temp_name(folder, sizeof folder, "run");
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
    wr_remove_all(folder);
    free(url);
    http_peer_free(peer);
}

TEST(a_second_run_does_not_give_the_rest_of_a_cut_line)
{
    if (wr_test_sweeps()) {
        return;
    }
    PLAY({.text = OK_HEAD ETAG "Content-Length: 20\r\n\r\none\nlong lo"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 9-19/20\r\nContent-Length: 11\r\n\r\nlong\nthree\n"});
    char folder[96];
    wr_temp_name(folder, sizeof folder, "run");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *url = strdup(http_peer_url(peer, "/feed"));
    weir_error error;

    run_with_state(url, folder, &error);
    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    run_with_state(url, folder, &error);

    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(content_of(folder), "one\nlong \nthree\n");
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nRange: bytes=9-\r\n"));
    wr_remove_all(folder);
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
    end(loop, peer);
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
    end(loop, peer);
}

static int ask_for_digest(void *ctx, void *easy)
{
    (void)ctx;
    return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST) == CURLE_OK ? 0 : 1;
}

TEST(a_challenge_that_libcurl_answers_is_no_refusal)
{
    PLAY({.text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                  "Content-Length: 3\r\n\r\nno\n"},
         {.text = OK_HEAD "Content-Length: 4\r\n\r\none\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, HTTP(.user = "u:p", .setup = ask_for_digest), "one|", 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 1), "\r\nAuthorization: Digest "));
    end(loop, peer);
}

TEST(a_challenge_that_is_answered_in_vain_is_a_refusal)
{
    PLAY({.text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                  "Content-Length: 3\r\n\r\nno\n"},
         {.text = "HTTP/1.1 403 Never\r\nContent-Length: 4\r\n\r\nbah\n"});
    weir_loop *loop = test_loop();

    const weir_error *error =
        gives(loop, peer, HTTP(.user = "u:p", .setup = ask_for_digest), "", WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error->message, "403 Never: bah"));
    end(loop, peer);
}

TEST(reconnects_are_counted)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntw"},
         {.text = "HTTP/1.1 206 Partial\r\n" ETAG
                  "Content-Range: bytes 4-7/8\r\nContent-Length: 4\r\n\r\ntwo\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);

    ck_assert_uint_eq(loop->stats.bytes_in, 10);
    ck_assert_uint_eq(loop->stats.reconnects, 1);
    end(loop, peer);
}

MAIN("source/http_resume")
