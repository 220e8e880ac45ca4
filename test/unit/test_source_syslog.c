/*
 * test_source_syslog.c - syslog-listen: messages of datagrams and of connections at one port, over real
 * sockets of this process.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_flow.h"
#include "support_port.h"

#include <weir/plan.h>

static weir_loop *loop;
static weir_gen *gen;
static int port;
static char logged[4096];

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(logged);
    const char *colon = strrchr(text, ':');
    (void)ctx;
    (void)level;
    snprintf(logged + len, sizeof logged - len, "%s: %s\n", origin, text);
    if (strncmp(text, "listening on", 12) == 0) {
        port = atoi(colon + 1);
    }
}

/* Open it, and pull once: it listens after that. */
static void begin(const char *text)
{
    const weir_loop_options how = {.struct_size = sizeof how, .log = keep_log};
    weir_item item;
    logged[0] = '\0';
    port = 0;
    loop = weir_loop_new(&how);
    ck_assert_ptr_nonnull(loop);
    gen = weir_parse(weir_root(loop), NULL, text, NULL);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
    ck_assert_int_ne(port, 0);
}

static void end(void)
{
    weir_discard(gen);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

/* Send to the port, from a socket that is closed then. */
static void send_from(int kind, const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (const struct sockaddr *)(const void *)&at, sizeof at);
    ssize_t n = rc == 0 ? send(fd, text, strlen(text), MSG_NOSIGNAL) : -1;
    close(fd);
    ck_assert_int_eq(n, (ssize_t)strlen(text));
}

/* In a sweep a connection may be closed without its message. */
static void must_give(const char *message)
{
    weir_item item;
    weir_slice got;
    int64_t limit_ms = wr_test_sweeps() ? 100 : 3000;
    ck_assert_int_eq(weir_next_within(gen, &item, limit_ms), WEIR_GOT_ITEM);
    ck_assert_uint_eq(weir_event_of(&item)->kind, WEIR_EVENT_RECORD);
    ck_assert(weir_event_field(weir_event_of(&item), "message", &got));
    ck_assert_uint_eq(got.len, strlen(message));
    ck_assert_mem_eq(got.data, message, got.len);
}

static bool is_said(const char *text)
{
    return strstr(logged, text) != NULL;
}

TEST(both_come_at_the_port_that_was_free)
{
    char said[64];
    begin("syslog-listen :0");
    snprintf(said, sizeof said, "udp: receives datagrams at 127.0.0.1:%d", port);
    ck_assert(is_said(said));
    send_from(SOCK_DGRAM, "<13>1 - - - - - - one");
    must_give("one");
    send_from(SOCK_STREAM, "<13>1 - - - - - - two\n28 <13>1 - - - - - - three\nfour");
    must_give("two");
    must_give("three\nfour");
    end();
}

TEST(a_stop_gives_what_was_received_and_ends_both)
{
    weir_item item;
    weir_error error;
    begin("syslog-listen :0");
    send_from(SOCK_DGRAM, "<13>1 - - - - - - one");
    weir_scope_stop(weir_root(loop));
    must_give("one");
    ck_assert(!weir_next(gen, &item));
    int rc = weir_finish(gen, &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    weir_loop_free(loop);
}

TEST(a_port_that_datagrams_do_not_get_fails_both)
{
    char text[64];
    weir_item item;
    weir_error error;
    struct sockaddr_in at = wr_free_port();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at), 0);
    loop = test_loop();
    snprintf(text, sizeof text, "syslog-listen :%d", ntohs(at.sin_port));
    gen = weir_parse(weir_root(loop), NULL, text, NULL);
    bool got = weir_next(gen, &item);
    int rc = weir_finish(gen, &error);
    close(fd);
    weir_loop_free(loop);
    ck_assert(!got);
    ck_assert_int_eq(rc, WEIR_EIO);
    ck_assert_str_eq(error.origin, "udp");
}

MAIN("source/syslog")
