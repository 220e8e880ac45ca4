/*
 * Items to a socket that has a source, too: the suite of all sinks; requests and answers; and how the
 * two ends end.
 */
#include <sys/socket.h>
#include <unistd.h>

#include <weir/socket.h>

#include "flow_sink.h"
#include "loop_scope.h"
#include "support_suites.h"
#include "texts_sockets.h"

static weir_sink *make_sink(struct wr_sink_play *play)
{
    weir_socket *socket =
        weir_socket_new(play->scope, wr_far_listen(&play->folder, &play->fd), NULL);
    weir_socket_options end = {.struct_size = sizeof end, .socket = socket};
    (void)weir_socket_lines(play->scope, NULL, &end); /* ends with the scope */
    return weir_socket_sink(play->scope, NULL, &end);
}

static const struct wr_sink_kit duplex_kit = {.make = make_sink,
                                              .take = wr_far_take_socket,
                                              .end = wr_far_close,
                                              .waits = true,
                                              .gone_code = WEIR_ELOST,
                                              .kernel_bytes = 256 * 1024};

WR_SINK_SUITE(&duplex_kit);

/* ---- both ends, and a far end that the test plays */

struct talk {
    struct wr_sink_play play;
    weir_scope *scope;
    weir_sink *sink;
    weir_gen *gen;
    weir_error error;
    int rc; /* of the act */
};

static void begin(struct talk *talk)
{
    *talk = (struct talk){.play = {.loop = test_loop(), .far = -1}, .rc = 1};
    wr_folder_make(&talk->play.folder);
    talk->scope = weir_scope_new(weir_root(talk->play.loop), NULL);
    weir_socket *socket =
        weir_socket_new(talk->scope, wr_far_listen(&talk->play.folder, &talk->play.fd), NULL);
    weir_socket_options end = {.struct_size = sizeof end, .socket = socket};
    talk->gen = weir_socket_lines(talk->scope, NULL, &end);
    talk->sink = weir_socket_sink(talk->scope, NULL, &end);
}

static void over(struct talk *talk)
{
    (void)!weir_scope_wait(talk->scope, NULL);
    wr_far_close(&talk->play);
    wr_folder_remove(&talk->play.folder);
    weir_loop_free(talk->play.loop);
}

/* Let `act` run as a task until it waits for the far end. */
static void act(struct talk *talk, int (*main)(weir_scope *scope, void *args))
{
    talk->rc = 1;
    weir_spawn(talk->scope, "act", main, &talk, sizeof talk);
    wr_suite_settle(talk->play.loop);
}

static struct talk *talk_of(void *args)
{
    struct talk *talk;
    memcpy(&talk, args, sizeof talk);
    return talk;
}

static bool put(struct talk *talk, const char *line)
{
    weir_item item = weir_bytes(line, strlen(line));
    return weir_put(talk->sink, &item);
}

/* The far end reads these bytes. */
static void far_reads(struct talk *talk, const char *expected, bool an_end)
{
    char got[256];
    size_t len = 0;
    bool end = false;
    for (int i = 0; i < 100 && (len < strlen(expected) || end != an_end); i++) {
        len += wr_far_take_socket(&talk->play, got + len, sizeof got - 1 - len, &end);
        wr_suite_settle(talk->play.loop);
    }
    got[len] = '\0';
    ck_assert_str_eq(got, expected);
    ck_assert(end == an_end);
}

static void far_says(struct talk *talk, const char *text)
{
    ck_assert_int_eq(send(talk->play.far, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
    wr_suite_settle(talk->play.loop);
}

static int ask_main(weir_scope *scope, void *args)
{
    struct talk *talk = talk_of(args);
    weir_item answer;
    (void)scope;
    talk->rc = put(talk, "PING") && weir_next(talk->gen, &answer) ? (int)answer.len : -1;
    return 0;
}

TEST(a_request_leaves_when_its_answer_is_waited_for)
{
    struct talk talk;
    begin(&talk);
    for (int i = 0; i < 3; i++) {
        act(&talk, ask_main);
        far_reads(&talk, "PING\n", false);
        ck_assert_int_eq(talk.rc, 1);
        far_says(&talk, "PONG!\n");
        ck_assert_int_eq(talk.rc, 5);
    }
    weir_discard(talk.gen);
    weir_sink_discard(talk.sink);
    over(&talk);
}

static int half_close_main(weir_scope *scope, void *args)
{
    struct talk *talk = talk_of(args);
    weir_item answer;
    int lines = 0;
    (void)scope;
    ck_assert(put(talk, "GET"));
    ck_assert_int_eq(weir_sink_finish(talk->sink, &talk->error), 0);
    while (weir_next(talk->gen, &answer)) {
        lines++;
    }
    int rc = weir_finish(talk->gen, &talk->error);
    talk->rc = rc < 0 ? rc : lines;
    return 0;
}

TEST(the_source_goes_on_when_the_sink_has_ended)
{
    struct talk talk;
    begin(&talk);
    act(&talk, half_close_main);
    far_reads(&talk, "GET\n", true);
    far_says(&talk, "one\ntwo\n");
    ck_assert_int_eq(talk.rc, 1);
    shutdown(talk.play.far, SHUT_WR);
    wr_suite_settle(talk.play.loop);

    ck_assert_int_eq(talk.rc, 2);
    over(&talk);
}

static int read_no_more_main(weir_scope *scope, void *args)
{
    struct talk *talk = talk_of(args);
    weir_item answer;
    (void)scope;
    ck_assert(put(talk, "HELLO"));
    ck_assert(weir_next(talk->gen, &answer));
    ck_assert_int_eq(weir_finish(talk->gen, &talk->error), 0);
    ck_assert(put(talk, "MORE"));
    talk->rc = weir_sink_finish(talk->sink, &talk->error);
    return 0;
}

TEST(the_sink_goes_on_when_the_source_has_ended)
{
    struct talk talk;
    begin(&talk);
    act(&talk, read_no_more_main);
    far_reads(&talk, "HELLO\n", false);
    far_says(&talk, "220 ready\n250 nobody reads this\n");
    far_reads(&talk, "MORE\n", true);
    shutdown(talk.play.far, SHUT_RDWR);
    wr_suite_settle(talk.play.loop);

    ck_assert_int_eq(talk.rc, 0);
    over(&talk);
}

static int leave_main(weir_scope *scope, void *args)
{
    struct talk *talk = talk_of(args);
    (void)scope;
    ck_assert(put(talk, "UNREAD"));
    ck_assert_int_eq(weir_sink_finish(talk->sink, &talk->error), 0);
    talk->rc = weir_finish(talk->gen, &talk->error);
    return 0;
}

TEST(what_the_peer_never_read_is_told_by_the_end_that_is_last)
{
    struct talk talk;
    begin(&talk);
    act(&talk, leave_main);
    talk.play.far = accept4(talk.play.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(talk.play.far, 0);
    close(talk.play.far); /* unread: the system resets the connection */
    talk.play.far = -1;
    wr_suite_settle(talk.play.loop);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_ptr_nonnull(strstr(talk.error.message, TEXT_SOCKETS_WRITTEN));
    over(&talk);
}

TEST(both_ends_tell_that_nobody_is_there)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_socket_options end = {.struct_size = sizeof end,
                               .socket = weir_socket_new(root, "unix:/nonexistent/socket", NULL)};
    weir_gen *gen = weir_socket_lines(root, NULL, &end);
    weir_sink *sink = weir_socket_sink(root, NULL, &end);
    weir_item item = weir_bytes("x", 1);
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ECONNECT);
    item = weir_bytes("x", 1);
    ck_assert(!weir_put(sink, &item));
    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_ECONNECT);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/socket"));
    weir_loop_free(loop);
}

static void refused(weir_gen *gen, const char *words)
{
    weir_item item;
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
}

TEST(ends_that_cannot_be_are_refused)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_socket *socket = weir_socket_new(root, "tcp://127.0.0.1:1", NULL);
    weir_socket_options end = {.struct_size = sizeof end, .socket = socket};
    weir_socket_options late = {.struct_size = sizeof late, .socket = socket, .connect_ms = 5};
    refused(weir_socket_lines(root, "tcp://127.0.0.1:1", &end), TEXT_SOCKETS_BOTH_GIVEN);
    refused(weir_socket_lines(root, NULL, &late), TEXT_SOCKETS_OPTION_OF_SOCKET);
    refused(weir_socket_lines(root, NULL, NULL), TEXT_SOCKETS_NEITHER_GIVEN);
    weir_gen *gen = weir_socket_bytes(root, NULL, &end);
    refused(weir_socket_lines(root, NULL, &end), TEXT_SOCKETS_HAS_SOURCE);
    weir_discard(gen);
    end.socket =
        weir_socket_new(root, "tcp://127.0.0.1:1",
                        &(weir_socket_options){.struct_size = sizeof end, .ca_file = "ca.pem"});
    refused(weir_socket_lines(root, NULL, &end), TEXT_SOCKETS_TLS_ADDRESS);
    (void)weir_socket_new(root, "tcp://127.0.0.1:1", NULL); /* goes with its scope */
    weir_loop_free(loop);
}

MAIN("sink/duplex")
