/*
 * Items to a socket: the suite over a unix socket, the frames, connecting.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "support_suites.h"

static weir_sink *make_socket(struct wr_sink_play *play)
{
    return weir_socket_sink(play->scope, wr_far_listen(&play->folder, &play->fd), NULL);
}

static size_t take_socket(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    *end = false;
    if (play->far < 0) {
        play->far = accept4(play->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    return play->far >= 0 ? wr_far_take(play->far, to, cap, end) : 0;
}

static void end_socket(struct wr_sink_play *play)
{
    close(play->fd);
    if (play->far >= 0) {
        close(play->far);
    }
}

static const struct wr_sink_kit socket_kit = {.make = make_socket,
                                              .take = take_socket,
                                              .end = end_socket,
                                              .waits = true,
                                              .kernel_bytes = 256 * 1024};

WR_SINK_SUITE(&socket_kit);

static void check_frame(int32_t frame, const char *expected, size_t len)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    char got[256];
    bool end;
    wr_folder_make(&play.folder);
    weir_sink *sink = weir_socket_sink(weir_root(play.loop), wr_far_listen(&play.folder, &play.fd),
                                       WEIR_OPTIONS(weir_socket_options, .frame = frame));

    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(play.loop), "one\r\n\nthree"), sink, NULL), 0);

    ck_assert_uint_eq(take_socket(&play, got, sizeof got, &end), len);
    ck_assert_mem_eq(got, expected, len);
    end_socket(&play);
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

    take_socket(&play, got, sizeof got, &end);
    ck_assert_int_eq(play.far, -1);
    end_socket(&play);
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
    end_socket(&play);
    wr_folder_remove(&play.folder);
    weir_loop_free(play.loop);
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
