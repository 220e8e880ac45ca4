/*
 * The head of an answer, line by line: what counts of several headers, and what is no head.
 */
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "support_check.h"

/* Read the lines of a head, each of which ends in LF. False: one of them is invalid. */
static bool read_head(struct wr_http_reply *reply, const char *text)
{
    bool good = wr_http_reply_begin(reply) == 0;
    while (good && *text != '\0') {
        size_t len = strcspn(text, "\n") + 1;
        good = wr_http_reply_line(reply, text, len, 1700000000);
        text += len;
    }
    return good;
}

TEST(a_status_has_three_digits)
{
    struct wr_http_reply reply = {.words = NULL};
    ck_assert(!read_head(&reply, "HTTP/1.1 99 Low\n"));
    ck_assert(read_head(&reply, "HTTP/1.1 100 Continue\n"));
    ck_assert(read_head(&reply, "HTTP/1.1 999 High\n"));
    ck_assert(!read_head(&reply, "HTTP/1.1 1000 Higher\n"));
    wr_http_reply_fini(&reply);
}

TEST(a_validator_that_does_not_fit_is_none)
{
    struct wr_http_reply reply = {.words = NULL};
    char text[64 + WR_HTTP_VALIDATOR_MAX];
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\nETag: \"%0*d\"\n", WR_HTTP_VALIDATOR_MAX - 3, 7);
    ck_assert(read_head(&reply, text));
    ck_assert_uint_eq(strlen(reply.words->etag), WR_HTTP_VALIDATOR_MAX - 1);

    snprintf(text, sizeof text, "HTTP/1.1 200 OK\nETag: \"%0*d\"\n", WR_HTTP_VALIDATOR_MAX - 2, 7);
    ck_assert(read_head(&reply, text));
    ck_assert_str_eq(reply.words->etag, "");
    wr_http_reply_fini(&reply);
}

TEST(the_first_of_two_locations_counts)
{
    struct wr_http_reply reply = {.words = NULL};

    ck_assert(read_head(&reply, "HTTP/1.1 302 Found\nLocation: /one\nLocation: /two\n\n"));

    ck_assert_str_eq(reply.location, "/one");
    wr_http_reply_fini(&reply);
}

TEST(a_length_that_is_none_does_not_matter_beside_chunks)
{
    struct wr_http_reply reply = {.words = NULL};
    ck_assert(read_head(&reply, "HTTP/1.1 200 OK\nContent-Length: x\n\n"));
    ck_assert(reply.length_bad);

    ck_assert(
        read_head(&reply, "HTTP/1.1 200 OK\nContent-Length: x\nTransfer-Encoding: chunked\n\n"));

    ck_assert(!reply.length_bad);
    ck_assert_int_eq(reply.length, -1);
    wr_http_reply_fini(&reply);
}

MAIN("http/reply")
