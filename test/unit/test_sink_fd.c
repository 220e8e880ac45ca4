/*
 * Lines to a descriptor that stays the caller's.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "flow_sink.h"
#include "loop_scope.h"
#include "sink_gather.h"
#include "support_suites.h"

static weir_sink *make_pipe(struct wr_sink_play *play)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    play->far = ends[0];
    play->fd = ends[1];
    return weir_fd_sink(play->scope, play->fd);
}

struct idle {
    weir_sink *sink;
    weir_gen *gen;
    int *rc;
};

static int pump_main(weir_scope *scope, void *args)
{
    struct idle *idle = args;
    (void)scope;
    *idle->rc = weir_pump(idle->gen, idle->sink, NULL);
    return 0;
}

/* A reader that leaves is noticed though nothing is ever written. */
TEST(reader_that_leaves_an_idle_pipe_ends_the_pump)
{
    struct wr_sink_play play = {.loop = test_loop()};
    play.scope = weir_root(play.loop);
    weir_sink *writer;
    int rc = 1;
    weir_gen *silent = weir_queue(play.scope, NULL, &writer);
    struct idle idle = {make_pipe(&play), silent, &rc};
    weir_spawn(play.scope, "pump", pump_main, &idle, sizeof idle);
    wr_loop_settle(play.loop);
    ck_assert_int_eq(rc, 1);

    close(play.far);
    for (int i = 0; i < 20; i++) {
        wr_loop_settle(play.loop);
    }

    ck_assert_int_eq(rc, WEIR_ECLOSED);
    weir_sink_discard(writer);
    close(play.fd);
    weir_loop_free(play.loop);
}

TEST(what_the_reader_leaves_unread_is_charged_to_the_budget)
{
    struct wr_sink_play play = {.loop = test_loop()};
    play.scope = weir_root(play.loop);
    weir_sink *sink = make_pipe(&play);
    static char line[1000], got[64 * 1024];
    weir_item item = weir_bytes(line, sizeof line);
    const struct wr_budget *budget = &play.loop->budget;
    bool end = false;
    for (int i = 0; i < 100; i++) {
        ck_assert(weir_put(sink, &item));
        if (i == 50) {
            wr_loop_settle(play.loop); /* into the pipe */
            ck_assert_int_eq(budget->used, 0);
        }
    }

    wr_loop_settle(play.loop);

    ck_assert_int_eq(budget->used, WR_GATHER_BYTES);
    ck_assert_uint_gt(wr_far_take(play.far, got, sizeof got, &end), 0);
    for (int i = 0; i < 20; i++) {
        wr_loop_settle(play.loop);
    }
    ck_assert_int_eq(budget->used, 0);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    wr_far_close(&play);
    weir_loop_free(play.loop);
}

TEST(flags_of_the_descriptor_stay_as_they_are)
{
    struct wr_sink_play play = {.loop = test_loop()};
    play.scope = weir_root(play.loop);
    weir_sink *sink = make_pipe(&play);
    int before = fcntl(play.fd, F_GETFL);
    weir_item item = weir_bytes("x", 1);

    ck_assert(weir_put(sink, &item));
    MUST(fcntl(play.fd, F_GETFL) == before);
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);

    MUST(fcntl(play.fd, F_GETFL) == before);
    wr_far_close(&play);
    weir_loop_free(play.loop);
}

TEST(bad_descriptor_fails)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_sink *sink = weir_fd_sink(weir_root(loop), 987);
    weir_item item = weir_bytes("x", 1);

    ck_assert(!weir_put(sink, &item));

    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_EIO);
    ck_assert_str_eq(error.origin, "fd(987)");
    weir_loop_free(loop);
}

MAIN("sink/fd")
