/*
 * A socket sink connects again: when the connection is lost, and what it then sends.
 */
#include <stdlib.h>

#include "support_talk.h"

#define AGAIN(n) WEIR_OPTIONS(weir_socket_options, .retries = (n))

static void far_accepts(struct talk *talk)
{
    struct timeval patience = {.tv_sec = wr_test_faulty() ? 0 : 60, .tv_usec = 300000};
    setsockopt(talk->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    talk->far = accept4(talk->listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(talk->far, 0);
    setsockopt(talk->far, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

static void far_resets(struct talk *talk)
{
    resets(talk->far);
    talk->far = -1;
}

/* All that comes until the end of the stream. */
static size_t far_takes(struct talk *talk, char *to, size_t cap)
{
    size_t len = 0;
    ssize_t n;
    while (len < cap && (n = recv(talk->far, to + len, cap - len, 0)) > 0) {
        len += (size_t)n;
    }
    return len;
}

struct numbers {
    struct talk *talk;
    int from, to;
    bool *done;
    bool finishes;
};

/* Lines of 1000 bytes that begin with their number. */
static int numbers_main(weir_scope *scope, void *args)
{
    const struct numbers *numbers = args;
    char bytes[1000];
    (void)scope;
    memset(bytes, 'x', sizeof bytes);
    for (int i = numbers->from; i < numbers->to; i++) {
        snprintf(bytes, sizeof bytes, "%07d", i);
        bytes[7] = ' ';
        weir_item line = weir_bytes(bytes, sizeof bytes - 1);
        if (!weir_put(numbers->talk->sink, &line)) {
            break;
        }
    }
    *numbers->done = weir_commit(numbers->talk->sink);
    if (numbers->finishes) {
        numbers->talk->rc = weir_sink_finish(numbers->talk->sink, &numbers->talk->error);
    }
    return 0;
}

static void puts_numbers(struct talk *talk, int from, int to, bool *done, bool finishes)
{
    struct numbers numbers = {talk, from, to, done, finishes};
    *done = false;
    weir_spawn(talk->scope, "numbers", numbers_main, &numbers, sizeof numbers);
}

TEST(what_was_not_acknowledged_is_sent_again_from_the_beginning_of_a_line)
{
    static char got[3000 * 1000];
    struct talk talk;
    bool done;
    talk_begins(&talk, AGAIN(WEIR_NONE), 0);
    far_is_small(&talk);
    puts_numbers(&talk, 0, 2000, &done, true);
    runs_for(&talk, 300);
    ck_assert(!done);

    far_resets(&talk);
    runs_for(&talk, 600);
    far_accepts(&talk);
    size_t len = 0;
    for (int i = 0; i < 1000 && talk.rc > 0; i++) {
        runs_for(&talk, 20);
        ssize_t n = recv(talk.far, got + len, sizeof got - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
        if (n == 0) {
            close(talk.far);
            talk.far = -1;
            runs_for(&talk, 2000);
        }
    }

    ck_assert_int_eq(talk.rc, 0);
    ck_assert(done);
    ck_assert_uint_eq(len % 1000, 0);
    int first = atoi(got);
    ck_assert(first > 0 && first < 1000);
    for (size_t i = 0; i < len / 1000; i++) {
        ck_assert_int_eq(atoi(got + i * 1000), first + (int)i);
    }
    ck_assert_int_eq(atoi(got + len - 1000), 1999);
    talk_ends(&talk);
}

TEST(an_idle_connection_that_is_lost_is_made_again_for_the_next_item)
{
    struct talk talk;
    char got[4096];
    bool done;
    talk_begins(&talk, AGAIN(WEIR_NONE), 0);
    runs_for(&talk, 300);
    far_resets(&talk);
    runs_for(&talk, 50);
    ck_assert_msg(strstr(talk.said, "connects again for the next item") != NULL, "%s", talk.said);

    puts_numbers(&talk, 7, 8, &done, true);
    runs_for(&talk, 600);
    far_accepts(&talk);
    runs_for(&talk, 100);
    ck_assert_uint_eq(far_takes(&talk, got, sizeof got), 1000);
    ck_assert_int_eq(atoi(got), 7);
    close(talk.far);
    talk.far = -1;
    runs_for(&talk, 2000);
    ck_assert_int_eq(talk.rc, 0);
    talk_ends(&talk);
}

TEST(what_is_not_acknowledged_is_sent_again_while_nothing_is_put)
{
    struct talk talk;
    char got[4096];
    talk_begins(&talk, AGAIN(WEIR_NONE), 0); /* a line was written, and nobody has looked since */
    far_resets(&talk);
    runs_for(&talk, 600);

    far_accepts(&talk);
    runs_for(&talk, 100);
    ck_assert_int_eq(recv(talk.far, got, sizeof got, 0), 4);
    ck_assert_mem_eq(got, "one\n", 4);
    finish_begins(&talk);
    runs_for(&talk, 2000);
    ck_assert_int_eq(talk.rc, 0);
    talk_ends(&talk);
}

TEST(attempts_have_a_limit_and_the_loss_has_its_number)
{
    struct talk talk;
    talk_begins(&talk, AGAIN(3), WEIR_NONE);
    close(talk.listener);
    talk.listener = -1;
    far_resets(&talk);
    finish_begins(&talk);

    runs_for(&talk, 120000);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_msg(strstr(talk.error.message, "gave up after 3 retries") != NULL, "%s",
                  talk.error.message);
    ck_assert_ptr_nonnull(strstr(talk.error.message, "4 bytes were not delivered"));
    talk_ends(&talk);
}

TEST(at_the_end_the_drain_limits_the_wait_for_a_peer_that_has_gone)
{
    struct talk talk;
    talk_begins(&talk, AGAIN(WEIR_NONE), 2000);
    close(talk.listener);
    talk.listener = -1;
    far_resets(&talk);
    finish_begins(&talk);

    runs_for(&talk, 1500);
    ck_assert_int_eq(talk.rc, 1);
    runs_for(&talk, 3000);

    ck_assert_int_eq(talk.rc, WEIR_ELOST);
    ck_assert_ptr_nonnull(strstr(talk.error.message, "4 of 4 bytes"));
    talk_ends(&talk);
}

TEST(a_peer_that_comes_back_in_the_drain_gets_the_rest)
{
    struct talk talk;
    char got[64];
    talk_begins(&talk, AGAIN(WEIR_NONE), 10000);
    far_resets(&talk);
    finish_begins(&talk);
    runs_for(&talk, 600);
    far_accepts(&talk);
    runs_for(&talk, 600);
    ck_assert_uint_eq(far_takes(&talk, got, sizeof got), 4);
    close(talk.far);
    talk.far = -1;
    runs_for(&talk, 2000);

    ck_assert_int_eq(talk.rc, 0);
    talk_ends(&talk);
}

TEST(a_cancel_ends_the_pause_before_the_next_attempt)
{
    struct talk talk;
    bool done;
    talk_begins(&talk, AGAIN(WEIR_NONE), 0);
    close(talk.listener);
    talk.listener = -1;
    far_resets(&talk);
    puts_numbers(&talk, 0, 10, &done, true);
    runs_for(&talk, 5000);

    weir_scope_cancel(talk.scope);
    runs_for(&talk, 100);

    ck_assert_int_lt(talk.rc, 0);
    talk_ends(&talk);
}

/* Pumps one line into a sink for a port where nobody listens. */
static int pumps_to_nobody(int retries, weir_error *error, char *said)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    char address[64];
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_log, .log_ctx = said));
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(bind(taken, (struct sockaddr *)(void *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(taken, (struct sockaddr *)(void *)&at, &len), 0);
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    weir_sink *sink = weir_socket_sink(weir_root(loop), address, AGAIN(retries));
    int rc = weir_pump(weir_count(weir_root(loop), 1, 1), sink, error);
    close(taken);
    weir_loop_free(loop);
    return rc;
}

TEST(a_first_connection_that_fails_is_final_without_a_number_of_attempts)
{
    weir_error error;
    char said[512] = "";
    ck_assert_int_eq(pumps_to_nobody(WEIR_NONE, &error, said), WEIR_ECONNECT);
    ck_assert_str_eq(said, "");
}

TEST(a_first_connection_that_fails_is_tried_again_as_often_as_the_program_says)
{
    weir_error error;
    char said[512] = "";
    ck_assert_int_eq(pumps_to_nobody(1, &error, said), WEIR_ECONNECT);
    ck_assert_ptr_nonnull(strstr(error.message, "gave up after 1 retry"));
    ck_assert_ptr_nonnull(strstr(said, "retry 1 in"));
}

MAIN("sink/redial")
