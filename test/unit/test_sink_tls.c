/*
 * Items to a TLS socket: what is said of peers that are not trusted, or do not want us.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_suites.h"
#include "support_tls.h"
#include "texts_sockets.h"

static void begin(struct wr_sink_play *play)
{
    *play = (struct wr_sink_play){.loop = weir_loop_new(NULL), .fd = -1, .far = -1};
    ck_assert_ptr_nonnull(play->loop);
}

static void over(struct wr_sink_play *play)
{
    wr_far_end_tls(play);
    weir_loop_free(play->loop);
}

TEST(a_peer_that_is_not_trusted_gets_nothing)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop),
                                       wr_far_listen_tls(&play, "IP:127.0.0.1", false), NULL);
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_ISSUER));
    ck_assert(!wr_far_tls_is_open());
    over(&play);
}

TEST(a_peer_of_another_name_gets_nothing)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = wr_far_listen_tls(&play, "DNS:a.example", false);
    weir_sink *sink =
        weir_socket_sink(weir_root(play.loop), address,
                         WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file()));
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_OTHER_ADDRESS));
    over(&play);
}

/* The peer wants a certificate, and the sink has none: it is told at the end at the latest. */
TEST(a_refusal_that_comes_late_is_a_failure)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = wr_far_listen_tls(&play, "IP:127.0.0.1", true);
    weir_sink *sink =
        weir_socket_sink(weir_root(play.loop), address,
                         WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file()));
    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\n"), sink, &error),
                     WEIR_ETLS);
    ck_assert_msg(strstr(error.message, TEXT_SOCKETS_MAY_BE_UNREAD) != NULL, "%s", error.message);
    over(&play);
}

TEST(a_refusal_is_noticed_while_nothing_is_put)
{
    struct wr_sink_play play;
    weir_error error;
    begin(&play);
    const char *address = wr_far_listen_tls(&play, "IP:127.0.0.1", true);
    weir_sink *sink =
        weir_socket_sink(weir_root(play.loop), address,
                         WEIR_OPTIONS(weir_socket_options, .ca_file = wr_far_ca_file()));
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
    const char *address = wr_far_listen_tls(&play, "IP:127.0.0.1", true);
    weir_socket_options options = {.struct_size = sizeof options,
                                   .ca_file = wr_far_ca_file(),
                                   .cert_file = wr_far_certify("", 2)};
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), address, &options);
    weir_item item = weir_bytes("one", 3);
    char got[16];
    size_t len = 0;
    bool end = false;
    ck_assert(weir_put(sink, &item));
    for (int i = 0; i < 10000 && len < 4 && !end; i++) {
        (void)wr_pause(play.loop, NULL);
        len += wr_far_take_tls(&play, got + len, sizeof got - len, &end);
    }
    ck_assert_uint_eq(len, 4);
    ck_assert_mem_eq(got, "one\n", 4);
    weir_sink_discard(sink);
    over(&play);
}

MAIN("sink/tls")
