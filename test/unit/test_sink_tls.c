/*
 * Items to a TLS socket: the suite of all sinks, and what is said of peers that are not trusted, or do
 * not want us.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_suites.h"
#include "support_tls.h"

static struct wr_certificates certificates;
static char ca_file[160], cert_file[160];

/* ---- the far end: a server of ours, on the same loop */

static struct {
    struct wr_sink_play *play;
    const char *client_ca_file;     /* NULL: it asks for no certificate */
    struct wr_transport *transport; /* NULL: nobody has shaken hands yet */
} far_end;

static int serve_main(weir_scope *scope, void *args)
{
    struct wr_tls_options options = {.cert_file = cert_file, .ca_file = far_end.client_ca_file};
    weir_error error;
    (void)args;
    int fd = wr_far_accept(scope->loop, far_end.play->fd);
    if (fd < 0) {
        return 0;
    }
    far_end.play->far = fd;
    wr_fault_pause(true);
    struct wr_transport *lower = wr_fd_transport(scope->loop, fd, WR_FD_BORROW, &error);
    struct wr_tls *tls = wr_tls_new(scope->loop, WR_TLS_SERVER, &options, &error);
    wr_fault_pause(false);
    ck_assert_msg(lower != NULL && tls != NULL, "%s", error.message);
    far_end.transport = wr_tls_start(tls, lower, NULL, "the sink", -1, NULL, &error);
    if (far_end.transport == NULL) {
        shutdown(fd, SHUT_RDWR);
    }
    wr_tls_unref(tls);
    return 0;
}

/* A server with a certificate for this name; its address. */
static const char *serve(struct wr_sink_play *play, const char *name, bool asks)
{
    static char address[64];
    wr_fault_pause(true);
    wr_certificates_make(&certificates);
    snprintf(ca_file, sizeof ca_file, "%s", wr_folder_path(&certificates.folder, "ca.pem"));
    snprintf(cert_file, sizeof cert_file, "%s",
             wr_certificate(&certificates, "server.pem", name, 2));
    snprintf(address, sizeof address, "tls://127.0.0.1:%d", wr_far_listen_tcp(&play->fd));
    far_end.play = play;
    far_end.client_ca_file = asks ? ca_file : NULL;
    far_end.transport = NULL;
    weir_spawn(weir_root(play->loop), "server", serve_main, NULL, 0);
    wr_fault_pause(false);
    return address;
}

static size_t take_tls(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    *end = false;
    if (far_end.transport == NULL || play->far < 0) {
        return 0;
    }
    int64_t n = far_end.transport->ops->read(far_end.transport, to, cap);
    *end = n == 0 || (n < 0 && n != WR_AGAIN);
    if (n == 0) {
        far_end.transport->ops->shut(far_end.transport);
    }
    return n > 0 ? (size_t)n : 0;
}

static void end_tls(struct wr_sink_play *play)
{
    if (far_end.transport != NULL) {
        far_end.transport->ops->free(far_end.transport);
    }
    close(play->fd);
    if (play->far >= 0) {
        close(play->far);
    }
    wr_certificates_remove(&certificates);
}

static weir_sink *make_tls(struct wr_sink_play *play)
{
    const char *address = serve(play, "IP:127.0.0.1", false);
    return weir_socket_sink(play->scope, address,
                            WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file));
}

static const struct wr_sink_kit tls_kit = {.make = make_tls,
                                           .take = take_tls,
                                           .end = end_tls,
                                           .waits = true,
                                           .gone_code = WEIR_ELOST,
                                           .big_bytes = 1024 * 1024,
                                           .kernel_bytes = 1024 * 1024};

WR_SINK_SUITE(&tls_kit);

/* ---- what is told */

static void begin(struct wr_sink_play *play)
{
    *play = (struct wr_sink_play){.loop = weir_loop_new(NULL), .fd = -1, .far = -1};
    ck_assert_ptr_nonnull(play->loop);
}

static void over(struct wr_sink_play *play)
{
    end_tls(play);
    weir_loop_free(play->loop);
}

TEST(a_peer_that_is_not_trusted_gets_nothing)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    weir_sink *sink =
        weir_socket_sink(weir_root(play.loop), serve(&play, "IP:127.0.0.1", false), NULL);
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, "issuer certificate"));
    ck_assert_ptr_null(far_end.transport);
    over(&play);
}

TEST(a_peer_of_another_name_gets_nothing)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = serve(&play, "DNS:a.example", false);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), address,
                                       WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file));
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, "IP address mismatch"));
    over(&play);
}

/* The peer wants a certificate, and the sink has none: it is told at the end at the latest. */
TEST(a_refusal_that_comes_late_is_a_failure)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = serve(&play, "IP:127.0.0.1", true);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), address,
                                       WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file));
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_msg(strstr(error.message, "certificate required; the peer may have read none of the "
                                        "4 bytes written") != NULL,
                  "%s", error.message);
    over(&play);
}

TEST(a_refusal_is_noticed_while_nothing_is_put)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = serve(&play, "IP:127.0.0.1", true);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), address,
                                       WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file));
    weir_item item = weir_bytes("one", 3);
    ck_assert(weir_put(sink, &item));
    for (int i = 0; i < 10000 && sink->failure == NULL; i++) {
        (void)wr_pause(play.loop, NULL);
    }
    ck_assert_ptr_nonnull(sink->failure);
    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_ETLS);
    over(&play);
}

TEST(a_certificate_of_our_own_opens_the_door)
{
    struct wr_sink_play play;
    begin(&play);
    const char *address = serve(&play, "IP:127.0.0.1", true);
    weir_socket_options options = {.struct_size = sizeof options,
                                   .ca_file = ca_file,
                                   .cert_file = wr_certificate(&certificates, "client.pem", "", 2)};
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), address, &options);
    weir_item item = weir_bytes("one", 3);
    char got[16];
    size_t len = 0;
    bool end = false;
    ck_assert(weir_put(sink, &item));
    for (int i = 0; i < 10000 && len < 4 && !end; i++) {
        (void)wr_pause(play.loop, NULL);
        len += take_tls(&play, got + len, sizeof got - len, &end);
    }
    ck_assert_uint_eq(len, 4);
    ck_assert_mem_eq(got, "one\n", 4);
    weir_sink_discard(sink);
    over(&play);
}

MAIN("sink/tls")
