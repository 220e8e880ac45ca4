/*
 * support_talk.h - for tests of a sink on a TCP connection: the far end is the test's, and nothing is
 * virtual but the clock.
 */
#ifndef WR_SUPPORT_TALK_H
#define WR_SUPPORT_TALK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_suites.h"

/* The talk, its loop, and what was reported. */
struct talk {
    weir_loop *loop;
    weir_scope *scope;
    weir_sink *sink;
    int listener, far;
    int rc; /* of the sink's end; 1: not yet */
    weir_error error;
    char said[512]; /* the log */
};

static inline void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    (void)level;
    (void)origin;
    snprintf(ctx, 512, "%s", text);
}

/* The far end has taken the connection, over which one line has come. */
static inline void talk_begins(struct talk *talk, const weir_socket_options *options,
                               int64_t drain_ms)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    char address[64], byte[64];
    weir_item line = weir_bytes("one", 3);
    *talk = (struct talk){.rc = 1};
    wr_fault_pause(true);
    talk->loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_log, .log_ctx = talk->said));
    ck_assert_ptr_nonnull(talk->loop);
    wr_loop_virtual_clock(talk->loop, 1700000000000000000);
    talk->scope = weir_scope_new(weir_root(talk->loop),
                                 WEIR_OPTIONS(weir_scope_options, .drain_ms = drain_ms));
    talk->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(talk->listener, (struct sockaddr *)(void *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(talk->listener, 1), 0);
    ck_assert_int_eq(getsockname(talk->listener, (struct sockaddr *)(void *)&at, &len), 0);
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    talk->sink = weir_socket_sink(talk->scope, address, options);
    ck_assert(weir_put(talk->sink, &line) && weir_commit(talk->sink));
    talk->far = accept4(talk->listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(talk->far, 0);
    ck_assert_int_eq(recv(talk->far, byte, 4, MSG_WAITALL), 4);
    /* In a sweep nothing may come. */
    struct timeval patience = {.tv_sec = wr_test_faulty() ? 0 : 60, .tv_usec = 300000};
    setsockopt(talk->far, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(talk->far, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    wr_fault_pause(false);
}

static inline void talk_ends(struct talk *talk)
{
    if (talk->far >= 0) {
        close(talk->far);
    }
    if (talk->listener >= 0) {
        close(talk->listener);
    }
    weir_loop_free(talk->loop);
}

static inline int finish_main(weir_scope *scope, void *args)
{
    struct talk *talk = *(struct talk **)args;
    (void)scope;
    talk->rc = weir_sink_finish(talk->sink, &talk->error);
    return 0;
}

static inline void finish_begins(struct talk *talk)
{
    wr_fault_pause(true);
    weir_spawn(talk->scope, "finish", finish_main, &talk, sizeof talk);
    wr_fault_pause(false);
}

/* The loop runs for so long, in steps; less when the sink has ended before. */
static inline void runs_for(struct talk *talk, int64_t ms)
{
    int64_t step_ms = WR_MAX(ms / 50, (int64_t)10);
    for (int64_t i = 0; i < ms && talk->rc > 0; i += step_ms) {
        wr_loop_settle(talk->loop);
        wr_clock_advance(talk->loop, step_ms);
    }
    wr_suite_settle(talk->loop);
}

static inline void puts_lines(struct talk *talk, int count)
{
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    weir_item line = weir_bytes(bytes, sizeof bytes - 1);
    for (int i = 0; i < count; i++) {
        ck_assert(weir_put(talk->sink, &line));
    }
    ck_assert(weir_commit(talk->sink));
}

/* A far end that takes no more than its system does. */
static inline void far_is_small(struct talk *talk)
{
    int small = 4096;
    setsockopt(talk->far, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

static inline void resets(int far)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(far);
}

#endif
