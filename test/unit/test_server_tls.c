/*
 * test_server_tls.c - a server that speaks TLS: requests, clients that are refused or do not come to
 * the point, replies that are cut.
 */
#include <stdio.h>
#include <string.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "server_conn.h"
#include "support_server.h"
#include "support_tls.h"
#include "texts_sockets.h"

static struct wr_certificates certificates;

static void start_tls(bool asks, int32_t most)
{
    weir_server_options options = {.struct_size = sizeof options, .connections_max = most};
    wr_fault_pause(true);
    wr_certificates_make(&certificates);
    options.cert_file = wr_certificate(&certificates, "server.pem", "IP:127.0.0.1", 2);
    if (asks) {
        options.client_ca_file = wr_folder_path(&certificates.folder, "ca.pem");
    }
    wr_fault_pause(false);
    start_with(&options);
}

static void end(void)
{
    finish();
    wr_certificates_remove(&certificates);
}

/* In a sweep the server may be waiting for time to pass, while the client shakes hands. */
static int passing_task(weir_scope *scope, void *args)
{
    const bool *shaken = *(bool **)args;
    while (!*shaken && wr_pause(scope->loop, NULL) == 0) {
        wr_clock_advance(scope->loop, 10);
    }
    return 0;
}

static void let_time_pass(bool *shaken)
{
    if (wr_test_sweeps()) {
        wr_fault_pause(true);
        weir_spawn(weir_root(loop), "time", passing_task, &shaken, sizeof shaken);
        wr_fault_pause(false);
    }
}

/* A client that has shaken hands. */
static struct wr_transport *dial_tls(const char *cert_file)
{
    struct wr_tls_options options = {.ca_file = wr_folder_path(&certificates.folder, "ca.pem"),
                                     .cert_file = cert_file};
    struct wr_transport *plain = dial();
    struct wr_tls *tls = wr_tls_new(loop, WR_TLS_CLIENT, &options, &error);
    ck_assert_msg(tls != NULL, "%s", error.message);
    bool shaken = false;
    let_time_pass(&shaken);
    struct wr_transport *client =
        wr_tls_start(tls, plain, "127.0.0.1", "the server", 5000, NULL, &error);
    shaken = true;
    wr_loop_settle(loop);
    ck_assert_msg(client != NULL, "%s", error.message);
    wr_tls_unref(tls);
    return client;
}

static struct wr_transport *visit_tls(const char *text)
{
    struct wr_transport *client = dial_tls(NULL);
    say(client, text);
    return client;
}

TEST(requests_are_served_one_after_another)
{
    start_tls(false, 0);
    struct wr_transport *client = visit_tls("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, alphabet));
    forget();
    say(client, "GET /lines HTTP/1.1\r\n" LAST);
    ck_assert(hear(client, NULL)); /* with an end of its own */
    ck_assert_ptr_nonnull(strstr(got, "line 2\n"));
    hang_up(client);
    end();
}

TEST(a_long_reply_comes_whole)
{
    start_tls(false, 0);
    struct wr_transport *client = visit_tls("GET /lines?n=100000&length=1088895 HTTP/1.1\r\n" LAST);
    ck_assert(hear(client, NULL));
    ck_assert_uint_eq(strlen(body()), 1088895);
    hang_up(client);
    end();
}

TEST(a_client_that_does_not_read_stops_the_generator)
{
    start_tls(false, 0);
    struct wr_transport *client = visit_tls("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    ck_assert_int_gt(pulls, 64);
    ck_assert_int_lt(pulls, 8000);
    ck_assert_int_le(loop->budget.used, 64 * 1024);
    hang_up(client);
    end();
}

TEST(a_reply_that_is_cut_is_no_end)
{
    start_tls(false, 0);
    struct wr_transport *client = visit_tls("GET /lines?n=9000&code=1001 HTTP/1.0\r\n\r\n");
    ck_assert(!hear(client, NULL));
    ck_assert_ptr_nonnull(strstr(got, "line 9000\n"));
    hang_up(client);
    end();
}

TEST(a_client_that_leaves_ends_an_idle_feed)
{
    start_tls(false, 0);
    struct wr_transport *client = visit_tls("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    hang_up(client);
    await_end();
    end();
}

TEST(a_client_that_speaks_plain_http_is_refused)
{
    start_tls(false, 0);
    struct wr_transport *client = visit("GET /letters HTTP/1.1\r\n" LAST);
    (void)hear(client, NULL);
    ck_assert_ptr_null(strstr(got, "HTTP"));
    hang_up(client);
    end();
}

TEST(a_handshake_that_does_not_come_about_has_the_limit_of_a_head)
{
    start_tls(false, 0);
    struct wr_transport *client = dial();
    pass(59999);
    ck_assert_int_eq(client->ops->read(client, got, sizeof got), WR_AGAIN);
    pass(2);
    ck_assert(hear(client, NULL));
    hang_up(client);
    end();
}

TEST(a_handshake_that_does_not_come_about_makes_way)
{
    start_tls(false, 1);
    struct wr_transport *slow = dial();
    wr_loop_settle(loop);
    struct wr_transport *client = visit_tls("GET /letters HTTP/1.1\r\n" LAST);
    ck_assert(hear(client, alphabet));
    hang_up(client);
    hang_up(slow);
    end();
}

TEST(a_stop_ends_a_handshake)
{
    start_tls(false, 0);
    struct wr_transport *client = dial();
    wr_loop_settle(loop);
    weir_scope_stop(weir_root(loop));
    ck_assert(hear(client, NULL));
    hang_up(client);
    end();
}

TEST(only_clients_with_a_certificate_are_served_when_that_is_asked_for)
{
    start_tls(true, 0);
    struct wr_transport *client = dial_tls(wr_certificate(&certificates, "client.pem", "", 2));
    say(client, "GET /letters HTTP/1.1\r\n" LAST);
    ck_assert(hear(client, alphabet));
    hang_up(client);

    client = dial_tls(NULL); /* the refusal comes with the first read */
    ck_assert(!hear(client, NULL));
    ck_assert_ptr_nonnull(client->reason);
    ck_assert_ptr_nonnull(strstr(client->reason, TEXT_SOCKETS_CERTIFICATE_REQUIRED));
    hang_up(client);
    end();
}

static void cannot(weir_server_options options, const char *words)
{
    options.struct_size = sizeof options;
    weir_server *refused = weir_server_new(weir_root(loop), "127.0.0.1:0", &options);
    ck_assert_int_eq(weir_server_port(refused), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_finish(refused, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
}

TEST(a_server_without_a_usable_certificate_fails)
{
    start();
    cannot((weir_server_options){.cert_file = "/nowhere/cert.pem"}, "/nowhere/cert.pem");
    cannot((weir_server_options){.key_file = "/nowhere/key.pem"}, TEXT_SOCKETS_NEEDS_CERTIFICATE);
    cannot((weir_server_options){.client_ca_file = "/nowhere/ca.pem"},
           TEXT_SOCKETS_NEEDS_CERTIFICATE);
    finish();
}

MAIN("server/tls")
