/*
 * test_sink_http_peer.c - the sink that posts, over libcurl: the suite of sinks, with a server that
 * answers each request when the test takes what has come, and bodies that are longer than any buffer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_suites.h"

static int listen_here(char *url, size_t cap, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&at, &len), 0);
    snprintf(url, cap, "http://127.0.0.1:%u%s", (unsigned)ntohs(at.sin_port), path);
    return fd;
}

static char request[WR_SUITE_BIG_BYTES + 4096];
static size_t request_len;

static weir_sink *make_post(struct wr_sink_play *play)
{
    char url[64];
    const weir_http_options http = {.struct_size = sizeof http, .retries = WEIR_NONE};
    request_len = 0;
    wr_fault_pause(true);
    play->fd = listen_here(url, sizeof url, "/hook");
    wr_fault_pause(false);
    return weir_http_sink(play->scope, url,
                          WEIR_OPTIONS(weir_http_sink_options, .http = &http, .parallel = 8));
}

/* The body of a request that has come as a whole; NULL: it has not. */
static const char *whole_body(size_t *len)
{
    request[request_len] = '\0';
    const char *head = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
    if (head == NULL || length == NULL) {
        return NULL;
    }
    *len = strtoul(length + 16, NULL, 10);
    return (size_t)(head + 4 - request) + *len <= request_len ? head + 4 : NULL;
}

/* Give the body of one request, and answer it. */
static size_t take_post(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    bool closed = false;
    size_t len, n;
    const char *body;
    if (play->far < 0) {
        play->far = accept4(play->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        request_len = 0;
    }
    *end = false;
    if (play->far < 0) {
        return 0;
    }
    do {
        n = wr_far_take(play->far, request + request_len, sizeof request - 1 - request_len,
                        &closed);
        request_len += n;
    } while (n > 0);
    body = whole_body(&len);
    if (body == NULL || len > cap) {
        return 0;
    }
    memcpy(to, body, len);
    ck_assert_int_eq(write(play->far, answer, sizeof answer - 1), (ssize_t)sizeof answer - 1);
    close(play->far);
    play->far = -1;
    return len;
}

static void end_post(struct wr_sink_play *play)
{
    close(play->fd);
    if (play->far >= 0) {
        close(play->far);
    }
}

static const struct wr_sink_kit post_kit = {.make = make_post,
                                            .take = take_post,
                                            .end = end_post,
                                            .waits = true,
                                            .ends_lines = true,
                                            .no_end = true,
                                            .big_bytes = 200 * 1000,
                                            .gone_code = WEIR_ERESET};

WR_SINK_SUITE(&post_kit);

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
        len += take_post(&play, got + len, sizeof got - len, &end);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(len, BIG_BYTES + 1);
    ck_assert(got[0] == 'x' && got[BIG_BYTES - 1] == 'x' && got[BIG_BYTES] == '\n');
    end_post(&play);
    weir_loop_free(play.loop);
}

/* Let everybody run until a request has come over `far`, or is not to be expected; answer it. */
static bool answer_over(struct wr_sink_play *play)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    bool closed;
    size_t len;
    request_len = 0;
    for (int i = 0; i < 1000 && whole_body(&len) == NULL; i++) {
        wr_loop_settle(play->loop);
        if (play->far < 0) {
            play->far = accept4(play->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        } else {
            request_len += wr_far_take(play->far, request + request_len,
                                       sizeof request - 1 - request_len, &closed);
        }
    }
    return whole_body(&len) != NULL &&
           write(play->far, answer, sizeof answer - 1) == (ssize_t)sizeof answer - 1;
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
    end_post(&play);
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
    end_post(&play);
    weir_loop_free(play.loop);
}

MAIN("sink/http_peer")
