/*
 * test_source_http_told.c - what failures and waits of the HTTP source say.
 */
#include "base_fault.h"
#include "flow_gen.h"
#include "support_http_source.h"
#include "texts_http.h"

/* The message that one answer makes a request fail with, without the URL before it. */
static const char *told(struct http_answer answer, int code)
{
    static weir_error error;
    PLAY(answer);
    weir_loop *loop = test_loop();
    get(loop, peer, HTTP(.retries = WEIR_NONE), &error);
    ck_assert_msg(error.code == code, "%s", error.message);
    weir_loop_free(loop);
    http_peer_free(peer);
    const char *behind = strstr(error.message, "/feed: ");
    ck_assert_ptr_nonnull(behind);
    return behind + strlen("/feed: ");
}

TEST(a_page_that_repeats_its_status_is_not_shown)
{
    const char *page = "HTTP/1.1 404 Not Found\r\n\r\n<html>\r\n<head><title>404 Not Found</title>"
                       "</head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n</body>";
    ck_assert_str_eq(told((struct http_answer){.text = page}, WEIR_EHTTP), "404 Not Found");
}

TEST(a_page_is_shown_without_its_tags_and_headline)
{
    const char *page =
        "HTTP/1.1 403 Forbidden\r\n\r\n<!DOCTYPE HTML>\n<title>403 Forbidden</title>\n"
        "<h1>Forbidden</h1>\n<p>Ask <b>Joe</b>.</p>";
    ck_assert_str_eq(told((struct http_answer){.text = page}, WEIR_EHTTP),
                     "403 Forbidden: Ask Joe .");
}

TEST(a_body_that_is_no_page_is_shown_as_it_is)
{
    const char *json = "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\": \"a<b and c>d\"}";
    ck_assert_str_eq(told((struct http_answer){.text = json}, WEIR_EHTTP),
                     "400 Bad Request: {\"error\": \"a<b and c>d\"}");
}

TEST(a_server_of_another_protocol_is_quoted)
{
    ck_assert_str_eq(told((struct http_answer){.text = "SSH-2.0-OpenSSH_9.2\r\n"}, WEIR_EHTTP),
                     TEXT_HTTP_OTHER_PROTOCOL "SSH-2.0-OpenSSH_9.2");
}

TEST(a_server_of_a_binary_protocol_is_not_quoted)
{
    ck_assert_str_eq(told((struct http_answer){.text = "\x05\x01\x02zz"}, WEIR_EHTTP),
                     TEXT_HTTP_BINARY);
}

TEST(a_server_that_speaks_tls_is_told_by_its_alert)
{
    struct http_answer alert = {.text = "\x15\x03\x01\0\x02\x02\x46", .len = 7};
    ck_assert_str_eq(told(alert, WEIR_EHTTP), TEXT_HTTP_USES_TLS);
}

TEST(a_broken_chunk_is_told)
{
    const char *text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n";
    ck_assert_str_eq(told((struct http_answer){.text = text}, WEIR_EHTTP), TEXT_HTTP_BAD_CHUNK);
}

TEST(a_chunk_size_in_another_notation_is_told)
{
    const char *text = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0x4\r\none\n\r\n0\r\n\r\n";
    ck_assert_str_eq(told((struct http_answer){.text = text}, WEIR_EHTTP), TEXT_HTTP_BAD_CHUNK);
}

/* libcurl 8 leaves the line out, which says nothing of the body. */
TEST(a_head_that_begins_folded_is_told_where_libcurl_minds)
{
    weir_error error;
    PLAY({.text = OK_HEAD " X-One: a\r\nContent-Length: 4\r\n\r\none\n"});
    weir_loop *loop = test_loop();
    bool whole = strcmp(get(loop, peer, HTTP(.retries = WEIR_NONE), &error), "one|") == 0;
    ck_assert_msg(
        whole || (error.code == WEIR_EHTTP && strstr(error.message, TEXT_HTTP_NO_HTTP) != NULL),
        "%s", error.message);
    weir_loop_free(loop);
    http_peer_free(peer);
}

static int look(weir_scope *scope, void *args)
{
    weir_gen *gen = *(weir_gen **)args;
    char why[200];
    (void)scope;
    weir_why(gen, why, sizeof why);
    ck_assert_str_eq(why, "http(127.0.0.1): " TEXT_HTTP_NO_DATA("0 s"));
    weir_scope_stop(weir_root(gen->loop));
    return 0;
}

TEST(why_names_the_source_once)
{
    PLAY({.text = OK_HEAD "\r\none\n", .after = HTTP_HOLD});
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), NULL);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    wr_fault_pause(true); /* without it nothing ends the wait */
    weir_spawn(weir_root(loop), "look", look, &gen, sizeof gen);
    wr_fault_pause(false);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    http_peer_free(peer);
}

MAIN("source/http_told")
