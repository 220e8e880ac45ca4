/*
 * test_loop_tunnel.c - a connection through an HTTP proxy, which is a task of the same loop: what it is
 * asked, and what its answers mean.
 */
#include <stdio.h>
#include <string.h>

#include "base_fault.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "loop_tunnel.h"
#include "support_flow.h"

struct play {
    struct wr_listener *listener;
    const char *answer; /* NULL: none; "": it closes */
};

static char asked[4096];

/* Answers a request, and sends back what comes then. */
static int serve(weir_scope *scope, void *args)
{
    const struct play *play = args;
    weir_error error;
    size_t len = 0;
    (void)scope;
    struct wr_transport *t = wr_accept(play->listener, NULL, &error);
    asked[0] = '\0';
    while (t != NULL && strstr(asked, "\r\n\r\n") == NULL) {
        int64_t n = t->ops->read(t, asked + len, sizeof asked - 1 - len);
        if (n == 0 || (n < 0 && n != WR_AGAIN) ||
            (n == WR_AGAIN && t->ops->wait(t, WR_READABLE, 5000, "a client", NULL) < 0)) {
            break;
        }
        len += n > 0 ? (size_t)n : 0;
        asked[len] = '\0';
    }
    if (t != NULL && play->answer != NULL) {
        struct iovec iov = {(void *)(uintptr_t)play->answer, strlen(play->answer)};
        (void)t->ops->write(t, &iov, 1);
    } else if (t != NULL) {
        (void)t->ops->wait(t, WR_READABLE, 1000, "the client to leave", NULL);
    }
    if (t != NULL) {
        t->ops->free(t);
    }
    return 0;
}

/* The result of asking a proxy that answers so. 0: connected. */
static int ask(const char *answer, const char *login, int64_t limit_ms, weir_error *error)
{
    char proxy[32], line[64];
    wr_fault_pause(true);
    weir_loop *loop = weir_loop_new(NULL);
    struct play play = {.answer = answer};
    ck_assert_ptr_nonnull(loop);
    play.listener = wr_listen(loop, "127.0.0.1:0", error);
    ck_assert_ptr_nonnull(play.listener);
    snprintf(proxy, sizeof proxy, "127.0.0.1:%d", wr_listener_port(play.listener));
    snprintf(line, sizeof line, "%s", login);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "proxy", serve, &play, sizeof play);
    wr_fault_pause(false);
    const struct wr_tunnel tunnel = {.proxy = proxy, .login = login[0] != '\0' ? line : NULL};

    struct wr_transport *t = wr_tunnel_connect(loop, &tunnel, "far:443", limit_ms, NULL, error);

    int rc = t != NULL ? 0 : error->code;
    if (t != NULL) {
        t->ops->free(t);
    }
    weir_error ignored;
    weir_scope_cancel(scope);
    (void)!weir_scope_wait(scope, &ignored);
    wr_listener_free(play.listener);
    weir_loop_free(loop);
    return rc;
}

TEST(a_proxy_is_asked_for_the_peer)
{
    weir_error error;
    int rc = ask("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", "", 5000, &error);
    ck_assert(rc == 0 || wr_test_faulty());
    if (rc == 0) {
        ck_assert_str_eq(asked, "CONNECT far:443 HTTP/1.1\r\nHost: far:443\r\n\r\n");
    }
}

TEST(a_login_is_a_header)
{
    weir_error error;
    int rc = ask("HTTP/1.0 200 OK\r\n\r\n", "Proxy-Authorization: Basic eA==\r\n", -1, &error);
    ck_assert(rc == 0 || wr_test_faulty());
    ck_assert(rc != 0 || strstr(asked, "\r\nProxy-Authorization: Basic eA==\r\n\r\n") != NULL);
}

TEST(other_answers_are_told)
{
    static char long_answer[9000];
    memset(long_answer, 'x', sizeof long_answer - 1);
    memcpy(long_answer, "HTTP/1.1 200 ", 13);
    static const struct {
        const char *answer;
        int code;
        const char *text;
    } cases[] = {
        {"HTTP/1.1 407 Login\r\n\r\n", WEIR_EHTTP, "407 Login: it requires a login"},
        {"HTTP/1.1 403 Forbidden\r\n\r\n", WEIR_EHTTP, "it refuses the connection: 403 Forbidden"},
        {"HTTP/1.1 503 Busy\r\n\r\n", WEIR_ECONNECT, "503 Busy"},
        {"HTTP/1.1 200 OK\r\n\r\nmore", WEIR_EHTTP, "it sends more than its answer"},
        {"SSH-2.0\r\n\r\n", WEIR_EHTTP, "it does not speak HTTP/1.1"},
        {"", WEIR_ECONNECT, "it has closed the connection"},
        {long_answer, WEIR_EHTTP, "its answer is longer than 8 KiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_error error;
        int rc = ask(cases[i].answer, "", 5000, &error);
        ck_assert_int_lt(rc, 0);
        if (!wr_test_faulty()) {
            ck_assert_int_eq(rc, cases[i].code);
            ck_assert_msg(strstr(error.message, cases[i].text) != NULL, "%s", error.message);
            ck_assert_ptr_nonnull(strstr(error.message, "the proxy 127.0.0.1:"));
        }
    }
}

TEST(a_proxy_that_says_nothing_has_a_limit)
{
    weir_error error;
    if (wr_test_sweeps()) {
        return; /* it takes its time each time */
    }
    int rc = ask(NULL, "", 50, &error);
    ck_assert_int_lt(rc, 0);
    ck_assert(wr_test_faulty() || rc == WEIR_ETIMEDOUT);
}

TEST(a_proxy_that_is_not_there_is_named)
{
    weir_error error;
    weir_loop *loop = test_loop();
    char proxy[] = "127.0.0.1:1";
    const struct wr_tunnel tunnel = {.proxy = proxy};
    ck_assert_ptr_null(wr_tunnel_connect(loop, &tunnel, "far:443", -1, NULL, &error));
    ck_assert(wr_test_faulty() || strstr(error.message, "the proxy 127.0.0.1:1: ") != NULL);
    weir_loop_free(loop);
}

MAIN("loop/tunnel")
