/*
 * Items to a socket: the frames, connecting.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"
#include "support_suites.h"
#include "support_talk.h"
#include "texts_sockets.h"

static const struct wr_sink_kit far_end = {.take = wr_far_take_socket};

static void check_frame(int32_t frame, const char *expected, size_t len)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    weir_error error;
    char got[256];
    bool end;
    wr_folder_make(&play.folder);
    play.scope = weir_root(play.loop);
    weir_sink *sink = weir_socket_sink(play.scope, wr_far_listen(&play.folder, &play.fd),
                                       WEIR_OPTIONS(weir_socket_options, .frame = frame));
    weir_gen *lines = wr_lines_of(play.scope, "one\r\n\nthree");

    ck_assert_int_eq(wr_sink_ends(&far_end, &play, lines, sink, &error, got, sizeof got, &end), 0);

    ck_assert_uint_eq(play.taken, len);
    ck_assert_mem_eq(got, expected, len);
    wr_far_close(&play);
    wr_folder_remove(&play.folder);
    weir_loop_free(play.loop);
}

TEST(frame_none_writes_bytes_alone)
{
    check_frame(WEIR_FRAME_NONE, "onethree", 8);
}

TEST(frame_len32_writes_a_big_endian_length_before_each)
{
    check_frame(WEIR_FRAME_LEN32, "\0\0\0\3one\0\0\0\0\0\0\0\5three", 20);
}

TEST(nobody_there_is_told)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_sink *sink = weir_socket_sink(weir_root(loop), "unix:/nonexistent/socket", NULL);

    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(loop), "x\n"), sink, &error), WEIR_ECONNECT);
    weir_loop_free(loop);
}

TEST(does_not_connect_without_items)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    bool end;
    char got[8];
    wr_folder_make(&play.folder);
    weir_sink *sink =
        weir_socket_sink(weir_root(play.loop), wr_far_listen(&play.folder, &play.fd), NULL);

    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), ""), sink, NULL), 0);

    wr_far_take_socket(&play, got, sizeof got, &end);
    ck_assert_int_eq(play.far, -1);
    wr_far_close(&play);
    wr_folder_remove(&play.folder);
    weir_loop_free(play.loop);
}

TEST(peer_that_takes_nothing_for_stall_ms_fails)
{
    struct wr_sink_play play = {.loop = weir_loop_new(NULL), .far = -1};
    weir_error error;
    ck_assert_ptr_nonnull(play.loop);
    wr_folder_make(&play.folder);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), wr_far_listen(&play.folder, &play.fd),
                                       WEIR_OPTIONS(weir_socket_options, .stall_ms = 5));

    int rc = weir_pump(weir_count(weir_root(play.loop), 1, WEIR_NONE), sink, &error);

    ck_assert_int_eq(rc, WEIR_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.message, "5 ms"));
    wr_far_close(&play);
    wr_folder_remove(&play.folder);
    weir_loop_free(play.loop);
}

/* ---- the end, and what the peer sends */

TEST(is_done_when_the_peer_answers_the_end_with_its_own)
{
    struct talk talk;
    char got[8];
    talk_begins(&talk, NULL, 0);
    finish_begins(&talk);
    runs_for(&talk, 50);
    ck_assert_int_eq(talk.rc, 1);
    ck_assert_int_eq(recv(talk.far, got, sizeof got, 0), 0);

    close(talk.far);
    talk.far = -1;
    runs_for(&talk, 40);

    ck_assert_int_eq(talk.rc, 0);
    talk_ends(&talk);
}

TEST(is_done_a_second_after_the_peer_has_taken_all)
{
    struct talk talk;
    talk_begins(&talk, NULL, 0);
    finish_begins(&talk);
    runs_for(&talk, 900);
    ck_assert_int_eq(talk.rc, 1);
    runs_for(&talk, 200);

    ck_assert_int_eq(talk.rc, 0);
    talk_ends(&talk);
}

TEST(what_the_peer_sends_is_read_so_that_the_end_resets_nothing)
{
    struct talk talk;
    char got[8];
    talk_begins(&talk, NULL, 0);
    for (int i = 0; i < 10; i++) {
        char reply[4096] = "+OK\r\n";
        ck_assert_int_eq(send(talk.far, reply, sizeof reply, MSG_NOSIGNAL), (int)sizeof reply);
        wr_loop_settle(talk.loop);
    }
    finish_begins(&talk);
    runs_for(&talk, 20);
    ck_assert_int_eq(send(talk.far, "bye", 3, MSG_NOSIGNAL), 3);
    runs_for(&talk, 1100);

    ck_assert_int_eq(talk.rc, 0);
    ck_assert_int_eq(recv(talk.far, got, sizeof got, 0), 0); /* an end, no reset */
    talk_ends(&talk);
}

TEST(reset_at_the_end_is_a_loss_with_its_number)
{
    struct talk talk;
    talk_begins(&talk, NULL, 0);
    far_is_small(&talk);
    puts_lines(&talk, 1000);
    finish_begins(&talk);
    runs_for(&talk, 50);
    ck_assert_int_eq(talk.rc, 1);

    resets(talk.far);
    talk.far = -1;
    runs_for(&talk, 50);

    unsigned long long lost = 0, written = 0;
    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_int_eq(talk.error.detail, ECONNRESET);
    ck_assert_int_eq(sscanf(talk.error.message, TEXT_SOCKETS_RESET, &lost, &written), 2);
    ck_assert_uint_eq(written, 1000004);
    ck_assert(lost > 100000 && lost < written);
    talk_ends(&talk);
}

TEST(peer_that_had_gone_before_the_last_line_is_a_loss)
{
    struct talk talk;
    weir_item line = weir_bytes("two", 3);
    talk_begins(&talk, NULL, 0);
    close(talk.far);
    talk.far = -1;
    runs_for(&talk, 20);
    ck_assert(weir_put(talk.sink, &line));
    finish_begins(&talk);

    runs_for(&talk, 50);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_ptr_nonnull(strstr(talk.error.message, "4 of 8 " TEXT_SOCKETS_NOT_DELIVERED));
    talk_ends(&talk);
}

TEST(peer_that_takes_nothing_at_the_end_is_waited_for_as_long_as_the_drain_lasts)
{
    struct talk talk;
    char got[65536];
    talk_begins(&talk, NULL, 2000);
    puts_lines(&talk, 1000);
    finish_begins(&talk);
    runs_for(&talk, 1500);
    for (int i = 0; i < 2; i++) { /* it begins anew when some of it is taken */
        ck_assert_int_gt(recv(talk.far, got, sizeof got, 0), 0);
    }
    runs_for(&talk, 1500);
    ck_assert_int_eq(talk.rc, 1);

    runs_for(&talk, 1500);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_int_eq(talk.error.detail, 0);
    ck_assert_ptr_nonnull(strstr(talk.error.message, TEXT_SOCKETS_PEER_ACCEPTED_NOTHING("2.0 s")));
    talk_ends(&talk);
}

TEST(cancel_ends_the_wait_for_the_peer_with_a_loss)
{
    struct talk talk;
    talk_begins(&talk, NULL, 0);
    far_is_small(&talk);
    puts_lines(&talk, 1000);
    finish_begins(&talk);
    runs_for(&talk, 100);
    ck_assert_int_eq(talk.rc, 1);

    weir_scope_cancel(talk.scope);
    wr_suite_settle(talk.loop);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    talk_ends(&talk);
}

TEST(reset_while_idle_is_noticed)
{
    struct talk talk;
    weir_item line = weir_bytes("two", 3);
    talk_begins(&talk, NULL, 0);
    resets(talk.far);
    talk.far = -1;
    runs_for(&talk, 20);

    ck_assert(!weir_put(talk.sink, &line));

    finish_begins(&talk);
    runs_for(&talk, 20);
    ck_assert_int_eq(talk.rc, WEIR_ELOST); /* the peer may not have read what its system had */
    talk_ends(&talk);
}

static int pump_main(weir_scope *scope, void *args)
{
    struct talk *talk = *(struct talk **)args;
    talk->rc = weir_pump(weir_count(scope, 1, WEIR_NONE), talk->sink, &talk->error);
    return 0;
}

TEST(stall_of_a_minute_is_logged_once_and_no_failure)
{
    struct talk talk;
    char why[200], got[65536];
    talk_begins(&talk, NULL, 0);
    far_is_small(&talk);
    struct talk *args = &talk;
    weir_spawn(talk.scope, "pump", pump_main, &args, sizeof args);
    runs_for(&talk, 59 * 1000);
    ck_assert_str_eq(talk.said, "");
    runs_for(&talk, 2 * 1000);
    ck_assert_ptr_nonnull(strstr(talk.said, TEXT_SOCKETS_PEER_ACCEPTED_NOTHING("60 s")));
    ck_assert_uint_gt(talk.sink->ops->why(talk.sink, why, sizeof why), 0);
    ck_assert_ptr_nonnull(strstr(why, TEXT_SOCKETS_ACCEPTED_NOTHING("61 s")));

    talk.said[0] = '\0';
    for (int i = 0; i < 50 && recv(talk.far, got, sizeof got, MSG_DONTWAIT) > 0; i++) {
        wr_loop_settle(talk.loop); /* the pump has no end: it is as fast as this reads */
    }
    runs_for(&talk, 100 * 1000);

    ck_assert_str_eq(talk.said, "");
    ck_assert_int_eq(talk.rc, 1);
    talk_ends(&talk);
}

TEST(tls_is_refused_and_nothing_is_connected)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_error error;
    ck_assert_ptr_nonnull(loop);
    weir_sink *sink =
        weir_socket_sink(weir_root(loop), "tcp://127.0.0.1:1",
                         WEIR_OPTIONS(weir_socket_options, .ca_file = "/some/authority.pem"));

    int rc = weir_pump(weir_count(weir_root(loop), 1, 3), sink, &error);

    ck_assert_int_eq(rc, WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("sink/socket")
