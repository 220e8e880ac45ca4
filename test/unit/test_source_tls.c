/*
 * Lines and bytes of a TLS socket: what is said of peers that cannot be trusted, or cut the stream.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_suites.h"
#include "support_tls.h"
#include "texts_sockets.h"

/* The code with which a source fails that reads from such a server; its message in *error. */
static int fails(struct wr_far_tls far_end, const weir_socket_options *options, weir_error *error,
                 int *lines)
{
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    const char *address = wr_far_serve_tls(scope, far_end);
    weir_gen *gen = weir_socket_lines(weir_root(loop), address, options);
    weir_item item;
    for (*lines = 0; weir_next(gen, &item); ++*lines) {}
    int rc = weir_finish(gen, error);
    weir_scope_cancel(scope);
    weir_error ignored;
    ck_assert_int_le(weir_scope_wait(scope, &ignored), 0);
    weir_loop_free(loop);
    wr_far_uncertify();
    return rc;
}

TEST(a_stream_that_is_cut_is_no_end)
{
    weir_error error;
    int lines;
    struct wr_far_tls far_end = {.cert_file = wr_far_certify("IP:127.0.0.1", 2),
                                 .says = "one\ntwo\nthr"};
    int rc = fails(far_end, WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file()), &error,
                   &lines);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_int_eq(lines, 2);
    ck_assert_int_eq(error.offset, 8);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_CUT));
}

TEST(a_peer_that_is_not_trusted_is_named)
{
    weir_error error;
    int lines;
    struct wr_far_tls far_end = {.cert_file = wr_far_certify("IP:127.0.0.1", 2), .says = "one\n"};
    ck_assert_int_eq(fails(far_end, NULL, &error, &lines), WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.origin, "tls://127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_ISSUER));
}

TEST(another_name_may_be_expected_than_the_address_has)
{
    weir_error error;
    int lines;
    struct wr_far_tls far_end = {.cert_file = wr_far_certify("DNS:a.example", 2), .says = "one\n"};
    int rc = fails(
        far_end,
        WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file(), .server_name = "a.example"),
        &error, &lines);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_int_eq(lines, 1);

    far_end.cert_file = wr_far_certify("DNS:a.example", 2);
    rc = fails(far_end, WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file()), &error,
               &lines);
    ck_assert_int_eq(rc, WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_OTHER_ADDRESS));
}

TEST(whoever_trusts_anybody_reads_from_anybody)
{
    weir_error error;
    int lines;
    struct wr_far_tls far_end = {.cert_file = wr_far_certify("DNS:a.example", -1), .says = "one\n"};
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
        {"tcp://127.0.0.1:1", {.ca_file = "ca.pem"}, TEXT_SOCKETS_TLS_ADDRESS},
        {"tcp://127.0.0.1:1", {.tls = WEIR_TLS_TRUST_ANYBODY}, TEXT_SOCKETS_TLS_ADDRESS},
        {"unix:/nowhere", {.cert_file = "cert.pem"}, TEXT_SOCKETS_TLS_ADDRESS},
        {"unix:/nowhere", {.server_name = "a"}, TEXT_SOCKETS_TLS_ADDRESS},
        {"tls://127.0.0.1:1", {.key_file = "key.pem"}, "cert_file"},
        {"tls://127.0.0.1:1", {.tls = 7}, "tls"},
        {"tls://127.0.0.1:1", {.ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
        {"tls://127.0.0.1", {.ca_file = NULL}, TEXT_SOCKETS_TLS_ADDRESS},
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
