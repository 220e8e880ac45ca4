/*
 * test_codec_ws_handshake.c - the request of a WebSocket client, what it requires of the answer, and
 * the negotiation of permessage-deflate.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/error.h>

#include "codec_out.h"
#include "codec_ws_handshake.h"
#include "support_check.h"

/* The nonce and the accept value of RFC 6455, 1.2 and 1.3. */
static const char nonce[] = "dGhlIHNhbXBsZSBub25jZQ==",
                  accept_value[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

TEST(a_nonce_is_base64_and_has_one_answer)
{
    char key[WR_WS_NONCE_CHARS + 1], accept[WR_WS_ACCEPT_CHARS + 1];
    wr_ws_write_nonce((const uint8_t *)"the sample nonce", key);
    ck_assert_str_eq(key, nonce);
    ck_assert_int_eq(wr_ws_write_accept(wr_text_of(key), accept), 0);
    ck_assert_str_eq(accept, accept_value);
}

TEST(a_key_that_is_not_sixteen_bytes_of_base64_is_refused)
{
    static const char *const bad[] = {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=A",
                                      "dGhlIHNhbXBsZSBub25jZ*==", "dGhlIHNhbXBsZSBub25jZQ==="};
    char accept[WR_WS_ACCEPT_CHARS + 1];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(wr_ws_write_accept(wr_text_of(bad[i]), accept), WEIR_EINVAL);
    }
}

TEST(a_request_asks_for_an_upgrade)
{
    char *headers[] = {"Origin: https://a.example"}, to[1024];
    struct wr_ws_request request = {.host = wr_text_of("h:81"),
                                    .target = wr_text_of("/feed?x=1"),
                                    .nonce = nonce,
                                    .protocols = "a, b",
                                    .deflate = true,
                                    .headers = headers,
                                    .headers_count = 1,
                                    .more = "Authorization: Basic eA=="};
    struct wr_out out = {to, sizeof to, 0};
    wr_ws_write_request(&out, &request);
    ck_assert_int_eq((int)out.len, (int)strnlen(to, out.len));
    to[out.len] = '\0';
    ck_assert_str_eq(to, "GET /feed?x=1 HTTP/1.1\r\nHost: h:81\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n"
                         "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                         "Origin: https://a.example\r\nAuthorization: Basic eA==\r\n\r\n");
}

TEST(a_host_of_the_caller_replaces_the_own_one)
{
    char *headers[] = {"host: other"}, to[512];
    struct wr_ws_request request = {.host = wr_text_of("h"),
                                    .target = wr_text_of("?q"),
                                    .nonce = nonce,
                                    .headers = headers,
                                    .headers_count = 1};
    struct wr_out out = {to, sizeof to, 0};
    wr_ws_write_request(&out, &request);
    to[out.len] = '\0';
    ck_assert_str_eq(to, "GET /?q HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                         "Sec-WebSocket-Version: 13\r\nhost: other\r\n\r\n");
    ck_assert(wr_ws_is_own_header(wr_text_of("sec-websocket-key")));
    ck_assert(!wr_ws_is_own_header(wr_text_of("Host")));
}

TEST(a_head_ends_at_its_empty_line)
{
    static const char head[] = "HTTP/1.1 101 X\r\nA: b\r\n\r\n\x81\x00";
    for (size_t len = 0; len < sizeof head; len++) {
        ck_assert_uint_eq(wr_ws_head_bytes(head, len), len < 24 ? 0 : 24);
    }
    ck_assert_uint_eq(wr_ws_head_bytes("HTTP/1.1 101\n\nx", 15), 14);
    ck_assert_uint_eq(wr_ws_head_bytes("\r\n\r\n", 4), 4);
}

#define HEAD(more) "HTTP/1.1 101 Switching Protocols\r\n" more "\r\n"
#define GOOD(more)                                                   \
    HEAD("Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" \
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" more)

/* What is wrong with this answer; "": nothing. */
static const char *wrong_with(const char *head, const char *protocols, unsigned *close)
{
    struct wr_ws_answer answer;
    if (!wr_ws_answer_read(&answer, head, strlen(head), true, 0, 1000)) {
        return "no head";
    }
    const char *wrong = wr_ws_answer_wrong(&answer, accept_value, protocols, close);
    return wrong != NULL ? wrong : "";
}

TEST(an_answer_upgrades_the_connection)
{
    unsigned close;
    ck_assert_str_eq(wrong_with(GOOD(""), NULL, &close), "");
    ck_assert_str_eq(wrong_with(HEAD("Connection: upgrade\r\n"), NULL, &close),
                     "it does not upgrade the connection to websocket");
    ck_assert_str_eq(wrong_with(HEAD("Upgrade: h2c\r\nConnection: upgrade\r\n"), NULL, &close),
                     "it does not upgrade the connection to websocket");
    ck_assert_str_eq(wrong_with(HEAD("Upgrade: websocket\r\nConnection: close\r\n"), NULL, &close),
                     "it does not upgrade the connection to websocket");
    ck_assert_str_eq(
        wrong_with(HEAD("Upgrade: websocket\r\nConnection: upgrade\r\n"), NULL, &close),
        "Sec-WebSocket-Accept is missing");
    ck_assert_str_eq(wrong_with(HEAD("Upgrade: websocket\r\nConnection: upgrade\r\n"
                                     "Sec-WebSocket-Accept: S3PPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
                                NULL, &close),
                     "its Sec-WebSocket-Accept is not that of the request");
    ck_assert_str_eq(wrong_with(GOOD("Upgrade: websocket\r\n"), NULL, &close),
                     "a header that may stand only once stands twice");
}

TEST(a_status_line_is_of_http_1_1)
{
    struct wr_ws_answer answer;
    static const char *const bad[] = {"",
                                      "HTTP/2 101 X\r\n\r\n",
                                      "HTTP/1.0 101 X\r\n\r\n",
                                      "HTTP/1.1 1010 X\r\n\r\n",
                                      "HTTP/1.1 99 X\r\n\r\n",
                                      "SSH-2.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!wr_ws_answer_read(&answer, bad[i], strlen(bad[i]), true, 0, 1000));
    }
    static const char busy[] = "HTTP/1.0 503 Try later\r\nRetry-After: 2\r\n\r\n";
    ck_assert(wr_ws_answer_read(&answer, busy, sizeof busy - 1, true, 0, 10000));
    ck_assert_int_eq(answer.status, 503);
    ck_assert_int_eq((int)answer.retry_after_ms, 2000);
    ck_assert(wr_text_is(answer.reason, "Try later"));
}

TEST(a_subprotocol_is_one_of_those_offered)
{
    unsigned close = 0;
    ck_assert_str_eq(wrong_with(GOOD("Sec-WebSocket-Protocol: b\r\n"), "a, b", &close), "");
    ck_assert_str_eq(wrong_with(GOOD("Sec-WebSocket-Protocol: c\r\n"), "a, b", &close),
                     "it speaks a subprotocol that was not offered");
    ck_assert_uint_eq(close, WR_WS_PROTOCOL);
    ck_assert_str_eq(wrong_with(GOOD("Sec-WebSocket-Protocol: c\r\n"), NULL, &close),
                     "it speaks a subprotocol that was not offered");
    ck_assert_str_eq(wrong_with(GOOD(""), "a", &close),
                     "it speaks none of the offered subprotocols");
}

/* ---- permessage-deflate */

TEST(an_answer_sets_the_terms)
{
    struct wr_ws_terms terms = {.deflate = false};
    ck_assert_ptr_null(wr_ws_terms_answered(wr_text_of(""), &terms));
    ck_assert(!terms.deflate);
    ck_assert_ptr_null(wr_ws_terms_answered(wr_text_of("permessage-deflate"), &terms));
    ck_assert(terms.deflate && !terms.in_fresh && !terms.out_fresh);
    ck_assert_uint_eq(terms.in_bits, 15);
    ck_assert_uint_eq(terms.out_bits, 15);
    terms = (struct wr_ws_terms){.deflate = false};
    ck_assert_ptr_null(wr_ws_terms_answered(
        wr_text_of(" Permessage-Deflate ; server_no_context_takeover;client_max_window_bits = 8 "
                   "; server_max_window_bits=\"10\" "),
        &terms));
    ck_assert(terms.in_fresh && !terms.out_fresh);
    ck_assert_uint_eq(terms.in_bits, 10);
    ck_assert_uint_eq(terms.out_bits, 8);
    ck_assert(!wr_ws_can_deflate(&terms));
}

TEST(an_answer_with_other_terms_is_refused_with_1010)
{
    static const char *const bad[] = {"x-webkit-deflate-frame",
                                      "permessage-deflate, permessage-deflate",
                                      "permessage-deflate; server_max_window_bits=7",
                                      "permessage-deflate; server_max_window_bits=16",
                                      "permessage-deflate; server_max_window_bits=010",
                                      "permessage-deflate; server_max_window_bits",
                                      "permessage-deflate; client_max_window_bits",
                                      "permessage-deflate; client_max_window_bits=9; "
                                      "client_max_window_bits=9",
                                      "permessage-deflate; server_no_context_takeover=1",
                                      "permessage-deflate; server_no_context_takeover; "
                                      "server_no_context_takeover",
                                      "permessage-deflate; other",
                                      "permessage-deflate;",
                                      "permessage-deflate; a=\"b",
                                      ";",
                                      "permessage-deflate x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char head[512];
        unsigned close = 0;
        snprintf(head, sizeof head, GOOD("Sec-WebSocket-Extensions: %s\r\n"), bad[i]);
        ck_assert_str_ne(wrong_with(head, NULL, &close), "");
        ck_assert_uint_eq(close, WR_WS_NO_EXTENSION);
    }
}

TEST(an_extension_that_was_not_offered_is_refused)
{
    struct wr_ws_answer answer;
    static const char head[] = GOOD("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    ck_assert(wr_ws_answer_read(&answer, head, sizeof head - 1, false, 0, 0));
    ck_assert_str_eq(answer.extension, "it uses an extension that was not offered");
}

TEST(a_server_accepts_the_first_offer_that_it_can)
{
    struct wr_ws_terms terms;
    char answer[WR_WS_TERMS_CHARS];
    ck_assert(wr_ws_terms_choose(wr_text_of(WR_WS_OFFER), &terms, answer));
    ck_assert_str_eq(answer, "permessage-deflate");
    ck_assert(wr_ws_terms_choose(
        wr_text_of(
            "other, permessage-deflate; server_max_window_bits=7, permessage-deflate; "
            "client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12"),
        &terms, answer));
    ck_assert_str_eq(answer, "permessage-deflate; client_no_context_takeover; "
                             "server_max_window_bits=9; client_max_window_bits=12");
    ck_assert(terms.in_fresh && !terms.out_fresh);
    ck_assert_uint_eq(terms.in_bits, 12);
    ck_assert_uint_eq(terms.out_bits, 9);
    ck_assert(!wr_ws_terms_choose(wr_text_of("x, y; z=1"), &terms, answer));
    ck_assert(!wr_ws_terms_choose(wr_text_of(""), &terms, answer));
}

TEST(what_a_server_answers_the_client_understands)
{
    static const char *const offers[] = {WR_WS_OFFER,
                                         "permessage-deflate; server_no_context_takeover; "
                                         "client_no_context_takeover; server_max_window_bits=8; "
                                         "client_max_window_bits=15"};
    for (size_t i = 0; i < 2; i++) {
        struct wr_ws_terms server, client = {.deflate = false};
        char answer[WR_WS_TERMS_CHARS];
        ck_assert(wr_ws_terms_choose(wr_text_of(offers[i]), &server, answer));
        ck_assert_ptr_null(wr_ws_terms_answered(wr_text_of(answer), &client));
        ck_assert_int_eq(client.in_fresh, server.out_fresh);
        ck_assert_int_eq(client.out_fresh, server.in_fresh);
        ck_assert_uint_eq(client.in_bits, server.out_bits);
        ck_assert_uint_eq(client.out_bits, server.in_bits);
    }
}

MAIN("codec/ws_handshake")
