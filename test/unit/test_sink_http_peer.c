/*
 * test_sink_http_peer.c - the sink that posts, over libcurl, to a server that answers each request when
 * the test takes what has come.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_suites.h"

static weir_sink *make_post(struct wr_sink_play *play)
{
    const weir_http_options http = {.struct_size = sizeof http, .retries = WEIR_NONE};
    wr_fault_pause(true);
    const char *url = wr_far_listen_http(play);
    wr_fault_pause(false);
    return weir_http_sink(play->scope, url,
                          WEIR_OPTIONS(weir_http_sink_options, .http = &http, .parallel = 8));
}

struct big {
    weir_sink *sink;
    int *rc;
};

enum { BIG_BYTES = 3 * 1024 * 1024 };

static int big_main(weir_scope *scope, void *args)
{
    struct big *big = args;
    static char bytes[BIG_BYTES];
    (void)scope;
    memset(bytes, 'x', sizeof bytes);
    weir_item item = weir_bytes(bytes, sizeof bytes);
    bool taken = weir_put(big->sink, &item);
    *big->rc = weir_sink_finish(big->sink, NULL);
    return taken ? 0 : *big->rc;
}

TEST(a_body_that_is_longer_than_any_buffer_arrives_whole)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    static char got[BIG_BYTES + 1];
    size_t len = 0;
    bool end;
    int rc = 1;
    play.scope = weir_root(play.loop);
    struct big big = {make_post(&play), &rc};
    weir_spawn(play.scope, "big", big_main, &big, sizeof big);

    for (int i = 0; i < 20000 && rc > 0; i++) {
        wr_loop_settle(play.loop);
        len += wr_far_take_post(&play, got + len, sizeof got - len, &end);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(len, BIG_BYTES + 1);
    ck_assert(got[0] == 'x' && got[BIG_BYTES - 1] == 'x' && got[BIG_BYTES] == '\n');
    wr_far_close(&play);
    weir_loop_free(play.loop);
}

/* Let everybody run until a request has come over `far`, or is not to be expected; answer it. */
static bool answer_over(struct wr_sink_play *play)
{
    size_t len;
    for (int i = 0; i < 1000; i++) {
        wr_loop_settle(play->loop);
        if (wr_far_body(play, &len) != NULL) {
            wr_far_answer(play, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            return true;
        }
    }
    return false;
}

static int three_main(weir_scope *scope, void *args)
{
    struct big *three = args;
    weir_item item = weir_bytes("x", 1);
    bool taken = true;
    (void)scope;
    for (int i = 0; i < 3 && taken; i++) {
        taken = weir_put(three->sink, &item) && weir_commit(three->sink);
    }
    *three->rc = weir_sink_finish(three->sink, NULL);
    return taken ? 0 : *three->rc;
}

TEST(requests_go_over_one_connection)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    int rc = 1;
    play.scope = weir_root(play.loop);
    struct big three = {make_post(&play), &rc};
    weir_spawn(play.scope, "three", three_main, &three, sizeof three);

    for (int i = 0; i < 3; i++) {
        ck_assert(answer_over(&play));
    }
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_lt(accept4(play.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), 0);
    wr_far_close(&play);
    weir_loop_free(play.loop);
}

TEST(a_connection_that_was_closed_in_the_meantime_is_made_anew)
{
    struct wr_sink_play play = {.loop = test_loop(), .far = -1};
    int rc = 1;
    play.scope = weir_root(play.loop);
    struct big three = {make_post(&play), &rc};
    weir_spawn(play.scope, "three", three_main, &three, sizeof three);

    for (int i = 0; i < 3; i++) {
        ck_assert(answer_over(&play));
        close(play.far); /* right behind the answer: the next request may be on its way already */
        play.far = -1;
    }
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, 0);
    wr_far_close(&play);
    weir_loop_free(play.loop);
}

MAIN("sink/http_peer")
