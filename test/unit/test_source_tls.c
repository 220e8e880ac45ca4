/*
 * Lines and bytes of a TLS socket: the suite of all sources, and what is said of peers that cannot be
 * trusted, or cut the stream.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_suites.h"
#include "support_tls.h"

static struct wr_certificates certificates;
static char ca_file[160];

/* ---- the far end: a server of ours, on the same loop */

struct far_end {
    struct wr_source_play *play;
    int listener;
    const char *cert_file;
    const char *says; /* instead of what is played: then it cuts. NULL: it plays */
};

static int serve_main(weir_scope *scope, void *args)
{
    struct far_end *far_end = args;
    struct wr_tls_options options = {.cert_file = far_end->cert_file};
    weir_error error;
    int fd = wr_far_accept(scope->loop, far_end->listener);
    close(far_end->listener);
    wr_fault_pause(true);
    struct wr_transport *lower =
        fd >= 0 ? wr_fd_transport(scope->loop, fd, WR_FD_OWN, &error) : NULL;
    struct wr_tls *tls = wr_tls_new(scope->loop, WR_TLS_SERVER, &options, &error);
    wr_fault_pause(false);
    ck_assert_msg(tls != NULL, "%s", error.message);
    struct wr_transport *to =
        lower != NULL ? wr_tls_start(tls, lower, NULL, "the source", -1, NULL, &error) : NULL;
    wr_tls_unref(tls);
    if (to != NULL && far_end->says != NULL) {
        struct iovec text = {(void *)(uintptr_t)far_end->says, strlen(far_end->says)};
        ck_assert_int_eq(to->ops->write(to, &text, 1), (int64_t)text.iov_len);
        to->ops->free(to);
    } else if (to != NULL) {
        wr_far_send_to(far_end->play, to);
    }
    return 0;
}

/* Its address. */
static const char *serve(weir_scope *scope, struct far_end far_end)
{
    static char address[64];
    snprintf(address, sizeof address, "tls://127.0.0.1:%d", wr_far_listen_tcp(&far_end.listener));
    wr_fault_pause(true);
    weir_spawn(scope, "server", serve_main, &far_end, sizeof far_end);
    wr_fault_pause(false);
    return address;
}

/* A certificate for the server; whom the source trusts is in ca_file. */
static const char *certify(const char *name, int days)
{
    wr_fault_pause(true);
    wr_certificates_make(&certificates);
    snprintf(ca_file, sizeof ca_file, "%s", wr_folder_path(&certificates.folder, "ca.pem"));
    const char *file = wr_certificate(&certificates, "server.pem", name, days);
    wr_fault_pause(false);
    return file;
}

static const char *make_far_end(struct wr_source_play *play)
{
    return serve(play->scope,
                 (struct far_end){.play = play, .cert_file = certify("IP:127.0.0.1", 2)});
}

static weir_gen *make_tls_bytes(struct wr_source_play *play)
{
    const char *address = make_far_end(play);
    return weir_socket_bytes(play->scope, address,
                             WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file));
}

static weir_gen *make_tls(struct wr_source_play *play, const weir_lines_options *options)
{
    const char *address = make_far_end(play);
    weir_socket_options o = {.struct_size = sizeof o,
                             .ca_file = ca_file,
                             .line_bytes_max = options != NULL ? options->line_bytes_max : 0,
                             .overlong = options != NULL ? options->overlong : 0};
    return weir_socket_lines(play->scope, address, &o);
}

static void end_tls(struct wr_source_play *play)
{
    (void)play;
    wr_certificates_remove(&certificates);
}

static const struct wr_source_kit tls_kit = {.make = make_tls,
                                             .make_bytes = make_tls_bytes,
                                             .end = end_tls,
                                             .waits = true,
                                             .kernel_bytes = 1024 * 1024};

WR_SOURCE_SUITE(&tls_kit);

/* ---- what is told */

/* The code with which a source fails that reads from such a server; its message in *error. */
static int fails(struct far_end far_end, const weir_socket_options *options, weir_error *error,
                 int *lines)
{
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    const char *address = serve(scope, far_end);
    weir_gen *gen = weir_socket_lines(weir_root(loop), address, options);
    weir_item item;
    for (*lines = 0; weir_next(gen, &item); ++*lines) {}
    int rc = weir_finish(gen, error);
    weir_scope_cancel(scope);
    weir_error ignored;
    ck_assert_int_le(weir_scope_wait(scope, &ignored), 0);
    weir_loop_free(loop);
    wr_certificates_remove(&certificates);
    return rc;
}

TEST(a_stream_that_is_cut_is_no_end)
{
    weir_error error;
    int lines;
    struct far_end far_end = {.cert_file = certify("IP:127.0.0.1", 2), .says = "one\ntwo\nthr"};
    int rc = fails(far_end, WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file), &error, &lines);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_int_eq(lines, 2);
    ck_assert_int_eq(error.offset, 8);
    ck_assert_ptr_nonnull(
        strstr(error.message, "close_notify after 11 bytes; an unfinished line of 3 bytes"));
}

TEST(a_peer_that_is_not_trusted_is_named)
{
    weir_error error;
    int lines;
    struct far_end far_end = {.cert_file = certify("IP:127.0.0.1", 2), .says = "one\n"};
    ck_assert_int_eq(fails(far_end, NULL, &error, &lines), WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.origin, "tls://127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(error.message, "issuer certificate"));
}

TEST(another_name_may_be_expected_than_the_address_has)
{
    weir_error error;
    int lines;
    struct far_end far_end = {.cert_file = certify("DNS:a.example", 2), .says = "one\n"};
    int rc = fails(
        far_end, WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file, .server_name = "a.example"),
        &error, &lines);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_int_eq(lines, 1);

    far_end.cert_file = certify("DNS:a.example", 2);
    rc = fails(far_end, WEIR_OPTIONS(weir_socket_options, .ca_file = ca_file), &error, &lines);
    ck_assert_int_eq(rc, WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, "IP address mismatch"));
}

TEST(whoever_trusts_anybody_reads_from_anybody)
{
    weir_error error;
    int lines;
    struct far_end far_end = {.cert_file = certify("DNS:a.example", -1), .says = "one\n"};
    int rc = fails(far_end, WEIR_OPTIONS(weir_socket_options, .tls = WEIR_TLS_TRUST_ANYBODY),
                   &error, &lines);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_int_eq(lines, 1);
}

TEST(options_that_do_not_go_together_are_refused)
{
    static const struct {
        const char *address;
        weir_socket_options options;
        const char *words;
    } cases[] = {
        {"tcp://127.0.0.1:1", {.ca_file = "ca.pem"}, "tls://HOST:PORT"},
        {"tcp://127.0.0.1:1", {.tls = WEIR_TLS_TRUST_ANYBODY}, "tls://HOST:PORT"},
        {"unix:/nowhere", {.cert_file = "cert.pem"}, "tls://HOST:PORT"},
        {"unix:/nowhere", {.server_name = "a"}, "tls://HOST:PORT"},
        {"tls://127.0.0.1:1", {.key_file = "key.pem"}, "cert_file"},
        {"tls://127.0.0.1:1", {.tls = 7}, "tls"},
        {"tls://127.0.0.1:1", {.ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
        {"tls://127.0.0.1", {.ca_file = NULL}, "tls://HOST:PORT"},
    };
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_socket_options options = cases[i].options;
        weir_error error;
        weir_item item;
        options.struct_size = sizeof options;
        weir_gen *gen = weir_socket_lines(weir_root(loop), cases[i].address, &options);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, cases[i].words) != NULL, "%s", error.message);
    }
    weir_loop_free(loop);
}

MAIN("source/tls")
