/*
 * test_source_http_end.c - is what an answer brings all that there is, and nothing else? Parts
 * that stop short, lengths that contradict each other, positions of encoded bodies, a version that
 * changes before it was held on to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_http_source.h"
#include "texts_http.h"

#define CUT OK_HEAD ETAG "Content-Length: 12\r\n\r\none\ntw"
#define PART "HTTP/1.1 206 Partial\r\n" ETAG "Content-Range: bytes "

TEST(a_part_that_stops_short_is_followed_by_the_next)
{
    PLAY({.text = CUT}, {.text = PART "4-7/12\r\nContent-Length: 4\r\n\r\ntwo\n"},
         {.text = PART "8-11/12\r\nContent-Length: 4\r\n\r\nsix\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|six|", 0);
    http_peer_join(peer);
    ck_assert_ptr_nonnull(strstr(http_peer_request(peer, 2), "\r\nRange: bytes=8-\r\n"));
    end(loop, peer);
}

TEST(a_part_without_a_length_that_closes_early_is_not_the_end)
{
    PLAY({.text = CUT}, {.text = PART "4-11/12\r\n\r\ntwo\ns"},
         {.text = PART "8-11/12\r\n\r\nsix\n"});
    weir_loop *loop = logging_loop();

    gives(loop, peer, NULL, "one|two|six|", 0);
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_BODY_ENDS));
    end(loop, peer);
}

TEST(a_part_whose_length_is_not_that_of_its_range_is_refused)
{
    PLAY({.text = CUT}, {.text = PART "4-11/12\r\nContent-Length: 4\r\n\r\ntwo\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_EHTTP);
    end(loop, peer);
}

TEST(a_part_that_goes_on_beyond_its_range_is_told)
{
    PLAY({.text = CUT}, {.text = PART "4-11/12\r\n\r\ntwo\nsix\nten\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|six|", WEIR_EHTTP);
    end(loop, peer);
}

TEST(a_whole_that_goes_on_beyond_its_earlier_length_is_told)
{
    PLAY({.text = CUT}, {.text = OK_HEAD ETAG "\r\none\ntwo\nsix\nten\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|six|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(a_part_beyond_the_earlier_length_is_told)
{
    PLAY({.text = CUT}, {.text = PART "4-15/*\r\n\r\ntwo\nsix\nten\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|six|", WEIR_EHTTP);
    end(loop, peer);
}

TEST(a_416_before_the_end_that_was_named_is_no_end)
{
    PLAY({.text = CUT},
         {.text = "HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(a_416_of_another_version_is_no_end)
{
    PLAY({.text = OK_HEAD ETAG "Transfer-Encoding: chunked\r\nAccept-Ranges: bytes\r\n\r\n"
                               "4\r\none\n\r\n"},
         {.text = "HTTP/1.1 416 No\r\nETag: \"v2\"\r\nContent-Range: bytes */4\r\n"
                  "Content-Length: 0\r\n\r\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(several_parts_in_one_are_refused)
{
    PLAY({.text = CUT},
         {.text = PART "4-11/12\r\nContent-Type: Multipart/byteranges; boundary=b\r\n\r\n"
                       "--b\r\nA: b\r\n\r\ntwo\n--b--\r\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_EHTTP);
    end(loop, peer);
}

TEST(a_whole_of_another_length_is_another_version)
{
    PLAY({.text = CUT}, {.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntwo\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", WEIR_ECHANGED);
    end(loop, peer);
}

TEST(chunks_override_a_length)
{
    PLAY({.text = OK_HEAD ETAG "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "6\r\none\ntw\r\n"},
         {.text = PART "4-11/12\r\nContent-Length: 8\r\n\r\ntwo\nsix\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, HTTP(.retries = 5), "one|two|six|", 0);
    end(loop, peer);
}

TEST(lengths_that_leave_the_end_open_are_refused)
{
    static const char *const lengths[] = {"Content-Length: 4\r\nContent-Length: 8\r\n",
                                          "Content-Length: 4, 8\r\n", "Content-Length: 4x\r\n",
                                          "Content-Length: 99999999999999999999\r\n"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char text[160];
        snprintf(text, sizeof text, OK_HEAD "%s\r\none\ntwo\n", lengths[i]);
        PLAY({.text = text});
        weir_loop *loop = test_loop();

        gives(loop, peer, HTTP(.retries = WEIR_NONE), "", WEIR_EHTTP);
        end(loop, peer);
    }
}

TEST(a_malformed_line_that_says_what_the_body_is_is_refused)
{
    static const char *const lines[] = {
        "Content-Encoding:\r\n gzip\r\n",      "Content-Encoding : gzip\r\n",
        "Transfer-Encoding:\r\n\tchunked\r\n", "Transfer-Encoding\t: chunked\r\n",
        "Content-Length: 4\r\n 0\r\n",         "Content-Length : 4\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[160];
        snprintf(text, sizeof text, OK_HEAD "%s\r\none\n", lines[i]);
        PLAY({.text = text});
        weir_loop *loop = test_loop();

        const weir_error *error = gives(loop, peer, NULL, "", WEIR_EHTTP);
        ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_MALFORMED));
        end(loop, peer);
    }
}

TEST(a_malformed_line_that_says_nothing_of_the_body_does_no_harm)
{
    PLAY({.text = OK_HEAD "X-One: a\r\n b\r\nX-Two : c\r\nContent-Length: 4\r\n\r\none\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", 0);
    end(loop, peer);
}

TEST(a_length_that_is_said_twice_is_one)
{
    PLAY({.text = OK_HEAD "Content-Length: 4\r\nContent-Length: 4\r\n\r\none\n"});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", 0);
    end(loop, peer);
}

TEST(a_head_that_is_cut_short_is_told_and_asked_for_again)
{
    PLAY({.text = OK_HEAD "X-Half: a\r\n"}, {.text = OK_HEAD "Content-Length: 4\r\n\r\none\n"});
    weir_loop *loop = logging_loop();

    gives(loop, peer, NULL, "one|", 0);
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_HEAD_ENDS "; retry 1"));
    end(loop, peer);
}

TEST(a_coding_that_is_not_known_is_refused_upon_another)
{
    static const char *const codings[] = {
        "Content-Encoding: xz\r\nContent-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        char text[160];
        snprintf(text, sizeof text, OK_HEAD "%s\r\n4\r\none\n\r\n0\r\n\r\n", codings[i]);
        PLAY({.text = text});
        weir_loop *loop = test_loop();

        gives(loop, peer, NULL, "", WEIR_EHTTP);
        end(loop, peer);
    }
}

/* An answer whose head, or whose trailers, take 300 lines of `len` bytes. */
static char *many_headers(const char *before, size_t len, const char *behind)
{
    char *text = malloc(strlen(before) + 300 * (len + 8) + strlen(behind) + 1);
    ck_assert_ptr_nonnull(text);
    char *at = text + sprintf(text, "%s", before);
    for (size_t i = 0; i < 300; i++) {
        at += sprintf(at, "X: %0*d\r\n", (int)len, 0);
    }
    strcpy(at, behind);
    return text;
}

TEST(trailers_are_bounded_as_the_head_is)
{
    char *text =
        many_headers(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n0\r\n", 1000, "\r\n");
    PLAY({.text = text});
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, "one|", WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_TRAILERS_TOO_LONG));
    end(loop, peer);
    free(text);
}

TEST(some_trailers_do_no_harm)
{
    char *text =
        many_headers(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n0\r\n", 100, "\r\n");
    PLAY({.text = text});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|", 0);
    end(loop, peer);
    free(text);
}

/* gzip of "one\ntwo\n", whole and without its last 18 bytes, which hold no line's end */
#define CODED OK_HEAD ETAG "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n"
#define GZIP_START "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"
#define GZIP_ONE_TWO \
    GZIP_START "\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x02\x00\xe6\x0b\xba\x12\x08\x00\x00\x00"
/* "one\n" in a block of its own */
#define GZIP_ONE                      \
    GZIP_START "\x00\x04\x00\xfb\xff" \
               "one\n"

TEST(a_refusal_in_between_does_not_forget_that_the_body_is_encoded)
{
    static const char first[] = CODED GZIP_ONE, last[] = CODED GZIP_ONE_TWO;
    PLAY({.text = first, .len = sizeof first - 1},
         {.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
         {.text = last, .len = sizeof last - 1});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);
    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 2), "\r\nRange:"));
    end(loop, peer);
}

TEST(a_gap_leaves_no_position_to_resume_from)
{
    PLAY({.text = OK_HEAD "\r\none\n", .after = HTTP_RESET},
         {.text = OK_HEAD ETAG "Transfer-Encoding: chunked\r\n\r\n4\r\nsix\n\r\n"},
         {.text = OK_HEAD ETAG "Content-Length: 4\r\n\r\nten\n"});
    weir_loop *loop = test_loop();

    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), HTTP(FOLLOW));
    ck_assert_str_eq(read_all(weir_head(gen, 3), NULL), "one|six|ten|");
    http_peer_join(peer);
    ck_assert_ptr_null(strstr(http_peer_request(peer, 2), "\r\nRange:"));
    end(loop, peer);
}

/* ---- two runs with a state */

static void run(const char *url, const char *folder, int retries, int code)
{
    char path[128];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    snprintf(path, sizeof path, "%s/out", folder);
    weir_state *state = weir_state_open(root, folder, "run");
    weir_gen *gen = weir_http_lines(root, url, HTTP(.state = state, .retries = retries));
    weir_sink *sink = weir_file_sink(root, path, WEIR_OPTIONS(weir_file_options, .state = state));
    (void)!weir_pump(gen, sink, &error);
    ck_assert_int_eq(error.code, code);
    weir_loop_free(loop);
}

/* Two runs, of which the first breaks with `code`: the file holds both lines, and the folder is
 * removed. */
static void run_twice(struct http_peer *peer, int retries, int code)
{
    char folder[96], text[64], command[160];
    wr_temp_name(folder, sizeof folder, "run");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *url = strdup(http_peer_url(peer, "/feed"));
    run(url, folder, retries, code);
    run(url, folder, WEIR_NONE, 0);
    http_peer_join(peer);
    snprintf(command, sizeof command, "%s/out", folder);
    FILE *file = fopen(command, "rb");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(text, "one\ntwo\n");
    wr_remove_all(folder);
    free(url);
    http_peer_free(peer);
}

TEST(a_second_run_asks_for_all_of_a_body_that_is_encoded_now)
{
    if (wr_test_sweeps()) {
        return; /* the state has sweeps of its own */
    }
    static const char last[] = CODED GZIP_ONE_TWO;
    PLAY({.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntw"},
         {.text = PART "4-27/28\r\nContent-Encoding: gzip\r\nContent-Length: 24\r\n\r\n"},
         {.text = last, .len = sizeof last - 1});
    run_twice(peer, WEIR_NONE, WEIR_ETRUNCATED);
}

TEST(the_state_keeps_the_version_that_the_lines_are_of)
{
    if (wr_test_sweeps()) {
        return;
    }
    PLAY({.text = OK_HEAD "ETag: \"old\"\r\nContent-Length: 8\r\n\r\non"},
         {.text = OK_HEAD ETAG "Content-Length: 8\r\n\r\none\ntw"},
         {.text = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
         {.text = PART "4-7/8\r\nContent-Length: 4\r\n\r\ntwo\n"});
    run_twice(peer, 0, WEIR_EHTTP);
}

MAIN("source/http_end")
