/*
 * A socket source connects again: when, how often, and what becomes of the bytes around a loss. The far
 * end is the test's, and nothing is virtual but the clock.
 */
#include <stdlib.h>

#include "loop_wait.h"
#include "support_talk.h"

#define OPTIONS(...) WEIR_OPTIONS(weir_socket_options, __VA_ARGS__)
#define FOLLOW OPTIONS(.follow = 1)

enum { SAID = 8192 };

struct feed {
    weir_loop *loop;
    weir_scope *scope;
    weir_gen *gen;
    int listener, far;
    char address[64];
    int64_t rest_ms; /* of the reader, after each item */
    int rc;          /* of the source; 1: not ended */
    weir_error error;
    char got
        [2048]; /* a | before each item, a + behind one that goes on, a ~ behind one that was cut */
    char said[SAID];
};

static void hear(void *ctx, int level, const char *origin, const char *text)
{
    struct feed *feed = ctx;
    size_t len = strlen(feed->said);
    (void)level;
    (void)origin;
    snprintf(feed->said + len, sizeof feed->said - len, "%s\n", text);
}

static int reader_main(weir_scope *scope, void *args)
{
    struct feed *feed = *(struct feed **)args;
    weir_item item;
    (void)scope;
    while (weir_next(feed->gen, &item)) {
        size_t len = strlen(feed->got);
        const char *mark = (item.flags & WEIR_ITEM_PART) != 0     ? "+"
                           : (item.flags & WEIR_ITEM_NO_EOL) != 0 ? "~"
                                                                  : "";
        snprintf(feed->got + len, sizeof feed->got - len, "|%.*s%s", (int)item.len, item.data,
                 mark);
        if (feed->rest_ms > 0 && wr_sleep(feed->loop, feed->rest_ms, "a rest", NULL) < 0) {
            break;
        }
    }
    feed->rc = weir_finish(feed->gen, &feed->error);
    return 0;
}

static void listens(struct feed *feed, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int on = 1;
    at.sin_port = htons(port);
    feed->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(feed->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(feed->listener, (struct sockaddr *)(void *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(feed->listener, 4), 0);
    ck_assert_int_eq(getsockname(feed->listener, (struct sockaddr *)(void *)&at, &len), 0);
    snprintf(feed->address, sizeof feed->address, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
}

static void listens_no_more(struct feed *feed)
{
    close(feed->listener);
    feed->listener = -1;
}

static void listens_again(struct feed *feed)
{
    listens(feed, (uint16_t)atoi(strrchr(feed->address, ':') + 1));
}

static void prepares(struct feed *feed)
{
    *feed = (struct feed){.rc = 1, .far = -1};
    wr_fault_pause(true);
    feed->loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = hear, .log_ctx = feed));
    ck_assert_ptr_nonnull(feed->loop);
    wr_loop_virtual_clock(feed->loop, 1700000000000000000);
    feed->scope = weir_scope_new(weir_root(feed->loop), NULL);
    listens(feed, 0);
    wr_fault_pause(false);
}

static void is_read(struct feed *feed, weir_gen *gen)
{
    feed->gen = gen;
    wr_fault_pause(true);
    weir_spawn(feed->scope, "reader", reader_main, &feed, sizeof feed);
    wr_fault_pause(false);
}

/* The loop runs for so long, in steps; less when the source has ended before. */
static void runs(struct feed *feed, int64_t ms)
{
    int64_t step_ms = WR_MAX(ms / 50, (int64_t)10);
    for (int64_t i = 0; i < ms && feed->rc > 0; i += step_ms) {
        wr_loop_settle(feed->loop);
        wr_clock_advance(feed->loop, step_ms);
    }
    wr_suite_settle(feed->loop);
}

static void accepts(struct feed *feed)
{
    struct timeval patience = {.tv_sec = wr_test_faulty() ? 0 : 60, .tv_usec = 50000};
    setsockopt(feed->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    feed->far = accept4(feed->listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(feed->far, 0);
}

static void begins(struct feed *feed, const weir_socket_options *options)
{
    prepares(feed);
    is_read(feed, weir_socket_lines(feed->scope, feed->address, options));
    runs(feed, 10);
    accepts(feed);
}

static void says(struct feed *feed, const char *bytes)
{
    ck_assert_int_eq(send(feed->far, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
    runs(feed, 10);
}

static void ends(struct feed *feed)
{
    close(feed->far);
    feed->far = -1;
    runs(feed, 600);
}

static void breaks(struct feed *feed)
{
    resets(feed->far);
    feed->far = -1;
    runs(feed, 600);
}

static void is_over(struct feed *feed)
{
    if (feed->far >= 0) {
        close(feed->far);
    }
    if (feed->listener >= 0) {
        close(feed->listener);
    }
    weir_loop_free(feed->loop);
}

static bool has_said(const struct feed *feed, const char *text)
{
    return strstr(feed->said, text) != NULL;
}

static int times_said(const struct feed *feed, const char *text)
{
    int count = 0;
    for (const char *at = feed->said; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

TEST(follow_connects_again_after_an_end_and_says_so_once)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "one\n");
    ends(&feed);
    accepts(&feed);
    says(&feed, "two\n");

    ck_assert_str_eq(feed.got, "|one|two");
    ck_assert_int_eq(feed.rc, 1);
    ck_assert_msg(has_said(&feed, "the peer has ended the stream; retry 1 in 0."), "%s", feed.said);
    ck_assert_int_eq(times_said(&feed, "a gap or repeats are possible after line 1"), 1);
    ck_assert(has_said(&feed, "connected again after 0."));
    is_over(&feed);
}

TEST(a_peer_that_begins_with_its_history_is_not_repeated)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "one\ntwo\nsix\n");
    breaks(&feed);
    accepts(&feed);
    says(&feed, "one\ntwo\ns");
    ck_assert_str_eq(feed.got, "|one|two|six");
    says(&feed, "ix\nten\n");

    ck_assert_str_eq(feed.got, "|one|two|six|ten");
    ck_assert_msg(has_said(&feed, "left out (12 bytes were left out); it goes on after line 3"),
                  "%s", feed.said);
    ck_assert(!has_said(&feed, "a gap or repeats"));
    is_over(&feed);
}

TEST(a_greeting_is_no_history)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "hello\none\n");
    ends(&feed);
    accepts(&feed);
    says(&feed, "hello\ntwo\n");

    ck_assert_str_eq(feed.got, "|hello|one|two");
    ck_assert_msg(has_said(&feed, "a gap or repeats are possible after line 2"), "%s", feed.said);
    is_over(&feed);
}

TEST(what_may_be_a_repeat_is_held_for_two_seconds)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "a long line\n");
    ends(&feed);
    accepts(&feed);
    says(&feed, "short\n");
    runs(&feed, 1500);
    ck_assert_str_eq(feed.got, "|a long line");
    runs(&feed, 1000);

    ck_assert_str_eq(feed.got, "|a long line|short");
    ck_assert_msg(has_said(&feed, "too slowly to tell"), "%s", feed.said);
    is_over(&feed);
}

TEST(what_is_held_at_a_break_is_given)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "a long line\n");
    breaks(&feed);
    accepts(&feed);
    says(&feed, "one\nha");
    breaks(&feed);
    accepts(&feed);
    says(&feed, "two\n");

    ck_assert_msg(strcmp(feed.got, "|a long line|one|two") == 0, "%s %d %s %s", feed.got, feed.rc,
                  feed.error.message, feed.said);
    ck_assert_msg(has_said(&feed, "an unfinished line of 2 bytes was not given; retry"), "%s",
                  feed.said);
    is_over(&feed);
}

TEST(a_peer_that_only_repeats_itself_is_no_progress)
{
    struct feed feed;
    begins(&feed, OPTIONS(.follow = 1, .retries = 2));
    says(&feed, "one\n");
    for (int i = 0; i < 2; i++) {
        breaks(&feed);
        runs(&feed, 1000);
        accepts(&feed);
        says(&feed, "one\n");
    }
    breaks(&feed);

    ck_assert_str_eq(feed.got, "|one");
    ck_assert_int_eq(feed.rc, WEIR_ERESET);
    is_over(&feed);
}

TEST(with_retries_alone_an_end_is_the_end)
{
    struct feed feed;
    begins(&feed, OPTIONS(.retries = 3));
    says(&feed, "one\ntw");
    ends(&feed);

    ck_assert_int_eq(feed.rc, 0);
    ck_assert_str_eq(feed.got, "|one|tw~");
    ck_assert_str_eq(feed.said, "");
    is_over(&feed);
}

TEST(half_a_line_at_a_break_is_reported_and_not_given)
{
    struct feed feed;
    begins(&feed, OPTIONS(.retries = 3));
    says(&feed, "one\npar");
    breaks(&feed);
    accepts(&feed);
    says(&feed, "tial\n");

    ck_assert_str_eq(feed.got, "|one|tial");
    ck_assert_msg(has_said(&feed, "Connection reset by peer after 7 bytes; an unfinished line of 3 "
                                  "bytes was not given; retry 1 in"),
                  "%s", feed.said);
    is_over(&feed);
}

TEST(half_a_line_at_an_end_is_given_alone)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "one\npar");
    ends(&feed);
    accepts(&feed);
    says(&feed, "tial\n");

    ck_assert_str_eq(feed.got, "|one|par~|tial");
    is_over(&feed);
}

TEST(a_long_line_that_a_break_cuts_ends_there)
{
    struct feed feed;
    begins(&feed, OPTIONS(.retries = 3, .line_bytes_max = 4, .overlong = WEIR_LONG_PARTS));
    says(&feed, "abcdefgh");
    ck_assert_msg(strncmp(feed.got, "|abcd", 5) == 0, "%s", feed.got);
    breaks(&feed);
    accepts(&feed);
    says(&feed, "xy\n");
    runs(&feed, 2500); /* it may have been the beginning of the long line */

    size_t len = strlen(feed.got);
    ck_assert_msg(len > 5 && strcmp(feed.got + len - 5, "|~|xy") == 0, "%s", feed.got);
    is_over(&feed);
}

TEST(half_a_record_at_an_end_is_reported)
{
    struct feed feed;
    weir_framing framing = {.struct_size = sizeof framing, .kind = WEIR_FRAME_LEN32};
    prepares(&feed);
    is_read(&feed, weir_framed(weir_socket_bytes(feed.scope, feed.address, FOLLOW), &framing));
    runs(&feed, 10);
    accepts(&feed);
    ck_assert_int_eq(send(feed.far, "\0\0\0\3one\0\0\0\3t", 12, MSG_NOSIGNAL), 12);
    runs(&feed, 10);
    ends(&feed);
    accepts(&feed);
    ck_assert_int_eq(send(feed.far, "\0\0\0\3two", 7, MSG_NOSIGNAL), 7);
    runs(&feed, 10);

    ck_assert_int_eq(feed.rc, 1);
    ck_assert_str_eq(feed.got, "|one|two");
    is_over(&feed);
}

TEST(a_first_connection_that_fails_is_final_without_a_number)
{
    struct feed feed;
    prepares(&feed);
    listens_no_more(&feed);
    is_read(&feed, weir_socket_lines(feed.scope, feed.address, OPTIONS(.retries = WEIR_NONE)));
    runs(&feed, 100);

    ck_assert_int_eq(feed.rc, WEIR_ECONNECT);
    ck_assert_ptr_null(strstr(feed.error.message, "gave up"));
    ck_assert_str_eq(feed.said, "");
    is_over(&feed);
}

TEST(attempts_have_a_limit_and_the_last_reason_is_told)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    prepares(&feed);
    listens_no_more(&feed);
    is_read(&feed, weir_socket_lines(feed.scope, feed.address, OPTIONS(.retries = 2)));
    runs(&feed, 10000);

    ck_assert_int_eq(feed.rc, WEIR_ECONNECT);
    ck_assert_msg(strstr(feed.error.message, "Connection refused; gave up after 2 retries") != NULL,
                  "%s", feed.error.message);
    ck_assert_int_eq(times_said(&feed, "(from the start)"), 2);
    is_over(&feed);
}

TEST(follow_waits_for_a_peer_that_is_not_there_yet)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    prepares(&feed);
    listens_no_more(&feed);
    is_read(&feed, weir_socket_lines(feed.scope, feed.address, FOLLOW));
    runs(&feed, 120000);
    ck_assert_int_eq(feed.rc, 1);
    listens_again(&feed);
    runs(&feed, 40000);
    accepts(&feed);
    says(&feed, "one\n");

    ck_assert_str_eq(feed.got, "|one");
    is_over(&feed);
}

TEST(an_item_begins_the_count_of_attempts_anew)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    begins(&feed, OPTIONS(.retries = 1));
    for (int i = 0; i < 3; i++) {
        const char *const lines[] = {"one\n", "two\n", "six\n"};
        says(&feed, lines[i]);
        breaks(&feed);
        accepts(&feed);
    }
    ck_assert_int_eq(feed.rc, 1);
    ck_assert_int_eq(times_said(&feed, "retry 1 in"), 3);

    breaks(&feed); /* and this time there was none */

    ck_assert_int_eq(feed.rc, WEIR_ERESET);
    ck_assert_msg(strstr(feed.error.message, "gave up after 1 retry") != NULL, "%s",
                  feed.error.message);
    is_over(&feed);
}

TEST(silence_beyond_stall_ms_is_a_lost_connection)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    begins(&feed, OPTIONS(.follow = 1, .stall_ms = 5000));
    says(&feed, "one\n");
    runs(&feed, 6000);
    accepts(&feed);
    says(&feed, "two\n");

    ck_assert_str_eq(feed.got, "|one|two");
    ck_assert_msg(has_said(&feed, "no data for 5000 ms after 4 bytes; retry 1 in"), "%s",
                  feed.said);
    ck_assert(has_said(&feed, "; 5 s behind)"));
    is_over(&feed);
}

TEST(the_clock_of_silence_stands_still_while_nobody_pulls)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    prepares(&feed);
    feed.rest_ms = 100000;
    is_read(&feed,
            weir_socket_lines(feed.scope, feed.address, OPTIONS(.follow = 1, .stall_ms = 5000)));
    runs(&feed, 10);
    accepts(&feed);
    says(&feed, "one\n");
    runs(&feed, 50000);
    says(&feed, "two\n");
    runs(&feed, 60000);

    ck_assert_str_eq(feed.got, "|one|two");
    ck_assert_str_eq(feed.said, "");
    is_over(&feed);
}

TEST(a_connection_that_is_lost_while_nobody_pulls_is_made_again_by_the_next_pull)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    prepares(&feed);
    feed.rest_ms = 100000;
    is_read(&feed, weir_socket_lines(feed.scope, feed.address, FOLLOW));
    runs(&feed, 10);
    accepts(&feed);
    says(&feed, "one\n");
    says(&feed, "two\n");
    breaks(&feed);
    ck_assert_str_eq(feed.said, "");
    runs(&feed, 220000);
    accepts(&feed);
    says(&feed, "three\n");
    runs(&feed, 100000);

    ck_assert_msg(strcmp(feed.got, "|one|three") == 0 || strcmp(feed.got, "|one|two|three") == 0,
                  "%s", feed.got); /* a reset drops what was not read */
    ck_assert_int_eq(times_said(&feed, "retry 1 in"), 1);
    is_over(&feed);
}

TEST(a_stop_ends_a_pause)
{
    struct feed feed;
    begins(&feed, FOLLOW);
    says(&feed, "one\n");
    listens_no_more(&feed);
    breaks(&feed);
    ck_assert_int_eq(feed.rc, 1);
    weir_scope_stop(feed.scope);
    runs(&feed, 100);

    ck_assert_int_eq(feed.rc, 0);
    ck_assert_str_eq(feed.got, "|one");
    is_over(&feed);
}

TEST(a_cancel_ends_a_pause_with_a_failure)
{
    if (wr_test_sweeps()) {
        return; /* nothing is called here that other tests do not call */
    }
    struct feed feed;
    begins(&feed, FOLLOW);
    listens_no_more(&feed);
    breaks(&feed);
    weir_scope_cancel(feed.scope);
    runs(&feed, 100);

    ck_assert_int_eq(feed.rc, WEIR_ECANCELED);
    is_over(&feed);
}

TEST(a_socket_of_the_program_connects_once)
{
    struct feed feed;
    prepares(&feed);
    weir_socket *socket = weir_socket_new(feed.scope, feed.address, NULL);
    is_read(&feed, weir_socket_lines(feed.scope, NULL, OPTIONS(.socket = socket, .follow = 1)));
    runs(&feed, 10);

    ck_assert_int_eq(feed.rc, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(feed.error.message, "need an address"));
    is_over(&feed);
}

MAIN("source/again")
