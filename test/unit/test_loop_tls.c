/*
 * test_loop_tls.c - TLS over a transport: bytes at every chunking of what is below, ends and cuts,
 * who is trusted, and handshakes that fail.
 *
 * Both ends are ours and share the loop; the far one is played by a task while the near one shakes
 * hands. Below lies a pair in memory, on a virtual clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "support_check.h"
#include "support_tls.h"
#include "texts_sockets.h"

static weir_loop *loop;
static struct wr_certificates certificates;
static struct wr_transport *near, *far; /* client and server */
static weir_error error, far_error;

/* ---- a transport that hands on a few bytes at a time, and each other time says: not now */

struct chopper {
    struct wr_transport base;
    struct wr_transport *lower;
    size_t most; /* 0: a random number up to 40 */
    bool ready;
};

static struct chopper *chopper_of(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct chopper, base);
}

static size_t chop(struct chopper *chopper, size_t len)
{
    size_t most = chopper->most > 0 ? chopper->most : wr_random(loop) % 40 + 1;
    return WR_MIN(len, most);
}

static int64_t chopped_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct chopper *chopper = chopper_of(transport);
    chopper->ready = !chopper->ready;
    return chopper->ready ? chopper->lower->ops->read(chopper->lower, to, chop(chopper, cap))
                          : WR_AGAIN;
}

static int64_t chopped_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct chopper *chopper = chopper_of(transport);
    struct iovec piece = {iov->iov_base, chop(chopper, iov->iov_len)};
    (void)count;
    chopper->ready = !chopper->ready;
    return chopper->ready ? chopper->lower->ops->write(chopper->lower, &piece, 1) : WR_AGAIN;
}

static int chopped_wait(struct wr_transport *transport, int events, int64_t limit_ms,
                        const char *why, struct wr_object *of)
{
    struct chopper *chopper = chopper_of(transport);
    return chopper->lower->ops->wait(chopper->lower, events, limit_ms, why, of);
}

static void chopped_shut(struct wr_transport *transport)
{
    struct wr_transport *lower = chopper_of(transport)->lower;
    lower->ops->shut(lower);
}

static void chopped_watch(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct wr_transport *lower = chopper_of(transport)->lower;
    lower->ops->watch_hangup(lower, gone, ctx);
}

static void chopped_free(struct wr_transport *transport)
{
    struct chopper *chopper = chopper_of(transport);
    chopper->lower->ops->free(chopper->lower);
    free(chopper);
}

static const struct wr_transport_ops chopped_ops = {.kind = "chopped",
                                                    .read = chopped_read,
                                                    .write = chopped_write,
                                                    .wait = chopped_wait,
                                                    .shut = chopped_shut,
                                                    .watch_hangup = chopped_watch,
                                                    .free = chopped_free};

static struct wr_transport *chopped(struct wr_transport *lower, size_t most)
{
    struct chopper *chopper = calloc(1, sizeof *chopper);
    ck_assert_ptr_nonnull(chopper);
    *chopper = (struct chopper){
        .base = {.ops = &chopped_ops, .loop = loop}, .lower = lower, .most = most, .ready = true};
    return &chopper->base;
}

/* ---- both ends */

static void start(void)
{
    wr_fault_pause(true);
    wr_certificates_make(&certificates);
    wr_certificate(&certificates, "server.pem", "DNS:a.example", 2);
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 0);
    wr_fault_pause(false);
    near = far = NULL;
}

static void finish(void)
{
    if (near != NULL) {
        near->ops->free(near);
    }
    if (far != NULL) {
        far->ops->free(far);
    }
    ck_assert(wr_list_empty(&loop->tls));
    weir_loop_free(loop);
    wr_certificates_remove(&certificates);
}

struct server {
    struct wr_transport *lower;
    struct wr_tls_options options;
};

static int server_task(weir_scope *scope, void *args)
{
    const struct server *server = args;
    struct wr_tls *tls = wr_tls_new(scope->loop, WR_TLS_SERVER, &server->options, &far_error);
    if (tls == NULL) {
        server->lower->ops->free(server->lower);
        return 0;
    }
    far = wr_tls_start(tls, server->lower, NULL, "the client", 5000, NULL, &far_error);
    wr_tls_unref(tls);
    return 0;
}

static struct wr_tls_options trusting(void)
{
    return (struct wr_tls_options){.ca_file = wr_folder_path(&certificates.folder, "ca.pem")};
}

static struct wr_tls_options serving(const char *file)
{
    return (struct wr_tls_options){.cert_file = wr_folder_path(&certificates.folder, file)};
}

/* Shake hands over a pair in memory of `cap` bytes each way, chopped if most >= 0. */
static void connect_over(size_t cap, int most, struct wr_tls_options client,
                         struct wr_tls_options server, const char *name)
{
    struct wr_transport *ends[2];
    wr_fault_pause(true);
    ck_assert_int_eq(wr_memory_pair(loop, cap, ends), 0);
    for (int i = 0; i < 2 && most >= 0; i++) {
        ends[i] = chopped(ends[i], (size_t)most);
    }
    wr_fault_pause(false);
    struct server far_end = {ends[1], server};
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "server", server_task, &far_end, sizeof far_end);
    struct wr_tls *tls = wr_tls_new(loop, WR_TLS_CLIENT, &client, &error);
    if (tls != NULL) {
        near = wr_tls_start(tls, ends[0], name, "the server", 5000, NULL, &error);
        wr_tls_unref(tls);
    } else {
        ends[0]->ops->free(ends[0]);
    }
    weir_error ignored;
    ck_assert_int_le(weir_scope_wait(scope, &ignored), 0);
}

static void connect_good(size_t cap, int most)
{
    connect_over(cap, most, trusting(), serving("server.pem"), "a.example");
    ck_assert_msg(near != NULL, "%s", error.message);
    ck_assert_msg(far != NULL, "%s", far_error.message);
}

static int64_t get(struct wr_transport *t, void *to, size_t cap)
{
    int64_t n;
    while ((n = t->ops->read(t, to, cap)) == WR_AGAIN) {
        int rc = t->ops->wait(t, WR_READABLE, 2000, "bytes", NULL);
        if (rc < 0) {
            return rc;
        }
    }
    return n;
}

static int put(struct wr_transport *t, const void *from, size_t len)
{
    const char *at = from;
    while (len > 0) {
        /* In two pieces, as a sink gives its buffer and an item. */
        struct iovec iov[2] = {{(void *)(uintptr_t)at, len / 3},
                               {(void *)(uintptr_t)(at + len / 3), len - len / 3}};
        int64_t n = t->ops->write(t, iov, 2);
        int rc = n == WR_AGAIN ? t->ops->wait(t, WR_WRITABLE, 2000, "room", NULL) : 0;
        if (rc < 0 || (n < 0 && n != WR_AGAIN)) {
            return rc < 0 ? rc : (int)n;
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* ---- bytes */

enum { BIG = 100 * 1000 };

static char sent[BIG], got[BIG + 1];

struct copying {
    struct wr_transport *transport;
    size_t len;
};

static int sending_task(weir_scope *scope, void *args)
{
    const struct copying *copying = args;
    (void)scope;
    struct wr_transport *transport = copying->transport;
    int rc = put(transport, sent, copying->len);
    char byte;
    if (rc == 0) {
        transport->ops->shut(transport);
    }
    /* As everybody does who has shut, it reads on: what finds no room at once goes out then. */
    for (int i = 0; rc == 0 && i < 100; i++) {
        (void)transport->ops->read(transport, &byte, 1);
    }
    return rc;
}

static void make_bytes(void)
{
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(wr_random(loop) >> 20);
    }
}

/* All of `sent` from one end to the other, and its end. */
static void pass(struct wr_transport *from, struct wr_transport *to, size_t len)
{
    struct copying copying = {from, len};
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "sending", sending_task, &copying, sizeof copying);
    size_t sum = 0;
    int64_t n;
    while ((n = get(to, got + sum, sizeof got - sum)) > 0) {
        sum += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(sum, len);
    ck_assert_mem_eq(got, sent, len);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
}

TEST(bytes_pass_both_ways)
{
    start();
    make_bytes();
    connect_good(5000, -1);
    pass(near, far, BIG);
    pass(far, near, BIG);
    finish();
}

TEST_WITH(what_lies_below_may_be_cut_anywhere, 0, 60)
{
    static const int sizes[] = {1, 2, 3, 7, 100, 0};
    if (wr_test_sweeps()) {
        return; /* the same points many times */
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        start();
        make_bytes();
        connect_good(50000, sizes[i]);
        pass(near, far, BIG / 4);
        pass(far, near, BIG / 4);
        finish();
    }
}

TEST(a_small_line_alone_travels_at_once)
{
    start();
    connect_good(1000, -1);
    ck_assert_int_eq(put(near, "hello", 5), 0);
    ck_assert_int_eq(far->ops->read(far, got, sizeof got), 5);
    ck_assert_mem_eq(got, "hello", 5);
    ck_assert_int_eq(far->ops->read(far, got, sizeof got), WR_AGAIN);
    finish();
}

TEST(who_does_not_read_stops_the_writer)
{
    start();
    make_bytes();
    connect_good(2000, -1);
    int64_t n, sum = 0;
    struct iovec piece = {sent, 1000};
    while ((n = near->ops->write(near, &piece, 1)) > 0) {
        sum += n;
        ck_assert_int_lt(sum, 20000);
    }
    ck_assert_int_eq(n, WR_AGAIN);
    ck_assert_int_eq(near->ops->wait(near, WR_WRITABLE, 5, "room", NULL), WEIR_ETIMEDOUT);
    ck_assert_int_gt(get(far, got, sizeof got), 0);
    ck_assert_int_eq(near->ops->wait(near, WR_WRITABLE, 5, "room", NULL), 0);
    ck_assert_int_gt(near->ops->write(near, &piece, 1), 0);
    finish();
}

static int waiting_task(weir_scope *scope, void *args)
{
    struct wr_transport *t = *(struct wr_transport **)args;
    char byte;
    (void)scope;
    return get(t, &byte, 1) == 1 ? 0 : WEIR_EIO;
}

TEST(one_task_reads_while_another_waits_to_write)
{
    start();
    make_bytes();
    connect_good(2000, -1);
    struct iovec piece = {sent, 1000};
    while (near->ops->write(near, &piece, 1) > 0) {}
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "reading", waiting_task, &near, sizeof near);
    ck_assert_int_eq(near->ops->wait(near, WR_WRITABLE, 5, "room", NULL), WEIR_ETIMEDOUT);
    ck_assert_int_eq(put(far, "x", 1), 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    finish();
}

/* ---- the end */

TEST(an_end_is_an_end_also_of_a_shut_one_that_still_reads)
{
    start();
    connect_good(5000, -1);
    ck_assert_int_eq(put(near, "last", 4), 0);
    near->ops->shut(near);
    near->ops->shut(near); /* once is enough */
    ck_assert_int_eq(get(far, got, sizeof got), 4);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
    ck_assert_int_eq(put(far, "answer", 6), 0);
    ck_assert_int_eq(get(near, got, sizeof got), 6);
    finish();
}

TEST(a_cut_is_no_end_and_is_told_after_the_bytes)
{
    start();
    connect_good(5000, -1);
    ck_assert_int_eq(put(near, "last", 4), 0);
    near->ops->free(near);
    near = NULL;
    ck_assert_int_eq(get(far, got, sizeof got), 4);
    ck_assert_int_eq(get(far, got, sizeof got), WEIR_ETRUNCATED);
    ck_assert_int_eq(get(far, got, sizeof got), WEIR_ETRUNCATED);
    ck_assert_ptr_nonnull(strstr(far->reason, TEXT_SOCKETS_NO_CLOSE_NOTIFY));
    finish();
}

TEST(an_end_that_finds_no_room_goes_out_later)
{
    start();
    make_bytes();
    connect_good(2000, -1);
    struct iovec piece = {sent, 500};
    int64_t sum = 0, n;
    while ((n = near->ops->write(near, &piece, 1)) > 0) {
        sum += n;
    }
    /* What OpenSSL holds of the last record goes first: all but the end is in the pair then. */
    while ((n = near->ops->write(near, &piece, 1)) == WR_AGAIN) {
        ck_assert_int_gt(get(far, got, 200), 0);
        sum -= 200;
    }
    ck_assert_int_eq(n, 500);
    sum += n;
    near->ops->shut(near);
    while ((n = far->ops->read(far, got, sizeof got)) > 0) {
        sum -= n;
    }
    if (n == WR_AGAIN) { /* it did not go out with the last bytes */
        ck_assert_int_eq(near->ops->wait(near, WR_READABLE, 5, "room", NULL), 0);
        ck_assert_int_eq(near->ops->read(near, got, sizeof got), WR_AGAIN);
        n = far->ops->read(far, got, sizeof got);
    }
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(sum, 0);
    finish();
}

TEST(writing_to_a_far_end_that_has_gone_is_closed)
{
    start();
    connect_good(5000, -1);
    far->ops->free(far);
    far = NULL;
    ck_assert_int_eq(put(near, "xy", 2), WEIR_ECLOSED);
    ck_assert_int_eq(put(near, "xy", 2), WEIR_ECLOSED);
    finish();
}

/* ---- who is trusted */

static void refuses(struct wr_tls_options client, struct wr_tls_options server, const char *name,
                    const char *words)
{
    connect_over(50000, -1, client, server, name);
    ck_assert_ptr_null(near);
    ck_assert_int_eq(error.code, WEIR_ETLS);
    ck_assert_ptr_nonnull(strstr(error.message, "the server"));
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    ck_assert_ptr_null(far);
    ck_assert_msg(strstr(far_error.message, TEXT_SOCKETS_ALERT) != NULL, "%s", far_error.message);
}

TEST(another_name_is_refused)
{
    start();
    refuses(trusting(), serving("server.pem"), "b.example", TEXT_SOCKETS_OTHER_NAME);
    refuses(trusting(), serving("server.pem"), "127.0.0.1", TEXT_SOCKETS_OTHER_ADDRESS);
    finish();
}

TEST(a_certificate_that_has_expired_is_refused)
{
    start();
    wr_certificate(&certificates, "old.pem", "DNS:a.example", -1);
    refuses(trusting(), serving("old.pem"), "a.example", TEXT_SOCKETS_EXPIRED);
    finish();
}

TEST(a_certificate_of_an_unknown_authority_is_refused)
{
    start();
    wr_certificate_of_its_own(&certificates, "own.pem", "DNS:a.example");
    refuses(trusting(), serving("own.pem"), "a.example", TEXT_SOCKETS_SELF_SIGNED);
    refuses((struct wr_tls_options){0}, serving("server.pem"), "a.example", TEXT_SOCKETS_NO_ISSUER);
    finish();
}

TEST(whoever_trusts_anybody_takes_any_certificate)
{
    start();
    wr_certificate_of_its_own(&certificates, "own.pem", "DNS:a.example");
    connect_over(50000, -1, (struct wr_tls_options){.trust_anybody = true}, serving("own.pem"),
                 "b.example");
    ck_assert_msg(near != NULL, "%s", error.message);
    finish();
}

TEST(an_address_in_numbers_is_a_name)
{
    start();
    wr_certificate(&certificates, "numbers.pem", "IP:127.0.0.1,IP:::1", 2);
    connect_over(50000, -1, trusting(), serving("numbers.pem"), "127.0.0.1");
    ck_assert_msg(near != NULL, "%s", error.message);
    finish();
}

TEST(a_name_may_end_with_a_dot)
{
    start();
    connect_over(50000, -1, trusting(), serving("server.pem"), "a.example.");
    ck_assert_msg(near != NULL, "%s", error.message);
    finish();
}

static struct wr_tls_options asking(void)
{
    struct wr_tls_options options = serving("server.pem");
    options.ca_file = wr_folder_path(&certificates.folder, "ca.pem");
    return options;
}

TEST(a_client_that_has_a_certificate_is_let_in)
{
    start();
    struct wr_tls_options client = trusting();
    client.cert_file = wr_certificate(&certificates, "client.pem", "", 2);
    connect_over(50000, -1, client, asking(), "a.example");
    ck_assert_msg(near != NULL, "%s", error.message);
    ck_assert_msg(far != NULL, "%s", far_error.message);
    ck_assert_int_eq(put(near, "hello", 5), 0);
    ck_assert_int_eq(get(far, got, sizeof got), 5);
    finish();
}

TEST(a_client_without_a_certificate_is_told_that_it_needs_one)
{
    start();
    connect_over(50000, -1, trusting(), asking(), "a.example");
    ck_assert_ptr_null(far);
    ck_assert_ptr_nonnull(strstr(far_error.message, TEXT_SOCKETS_NO_CERTIFICATE));
    ck_assert_ptr_nonnull(near); /* TLS 1.3: the handshake is over for the client */
    ck_assert_int_eq(get(near, got, sizeof got), WEIR_ETLS);
    ck_assert_msg(strstr(near->reason, TEXT_SOCKETS_CERTIFICATE_REQUIRED) != NULL, "%s",
                  near->reason);
    finish();
}

TEST(a_writer_that_is_refused_late_is_told_why)
{
    start();
    connect_over(50000, -1, trusting(), asking(), "a.example");
    ck_assert_ptr_nonnull(near);
    ck_assert_int_eq(put(near, "hello", 5), WEIR_ETLS);
    ck_assert_msg(strstr(near->reason, TEXT_SOCKETS_CERTIFICATE_REQUIRED) != NULL, "%s",
                  near->reason);
    finish();
}

/* ---- contexts */

TEST(connections_with_the_same_options_share_a_context)
{
    start();
    struct wr_tls_options one = trusting(), other = trusting();
    other.trust_anybody = true;
    struct wr_tls *a = wr_tls_new(loop, WR_TLS_CLIENT, &one, &error);
    struct wr_tls *b = wr_tls_new(loop, WR_TLS_CLIENT, &one, &error);
    struct wr_tls *c = wr_tls_new(loop, WR_TLS_CLIENT, &other, &error);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_ne(a, c);
    wr_tls_unref(a);
    wr_tls_unref(b);
    wr_tls_unref(c);
    wr_tls_unref(NULL);
    finish();
}

static void cannot(enum wr_tls_role role, struct wr_tls_options options, const char *words)
{
    ck_assert_ptr_null(wr_tls_new(loop, role, &options, &error));
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
}

TEST(files_that_cannot_be_used_are_named)
{
    start();
    const char *nothing = wr_folder_path(&certificates.folder, "nothing");
    cannot(WR_TLS_CLIENT, (struct wr_tls_options){.ca_file = nothing}, "nothing");
    cannot(WR_TLS_CLIENT, (struct wr_tls_options){.cert_file = nothing}, TEXT_SOCKETS_NO_FILE);
    struct wr_tls_options options = trusting();
    options.cert_file = options.ca_file; /* without its key */
    cannot(WR_TLS_CLIENT, options, "ca.pem");
    options = serving("server.pem");
    options.key_file = wr_certificate(&certificates, "other.pem", "", 2);
    cannot(WR_TLS_SERVER, options, TEXT_SOCKETS_OTHER_KEY);
    cannot(WR_TLS_SERVER, (struct wr_tls_options){0}, TEXT_SOCKETS_SERVER_NEEDS);
    finish();
}

/* ---- handshakes that do not come about */

static void start_alone(struct wr_transport *ends[2])
{
    start();
    wr_fault_pause(true);
    ck_assert_int_eq(wr_memory_pair(loop, 5000, ends), 0);
    wr_fault_pause(false);
}

static struct wr_transport *shake(struct wr_transport *lower, int64_t limit_ms)
{
    struct wr_tls_options options = trusting();
    struct wr_tls *tls = wr_tls_new(loop, WR_TLS_CLIENT, &options, &error);
    if (tls == NULL) {
        lower->ops->free(lower);
        return NULL;
    }
    struct wr_transport *made =
        wr_tls_start(tls, lower, "a.example", "the server", limit_ms, NULL, &error);
    wr_tls_unref(tls);
    return made;
}

TEST(a_peer_that_does_not_speak_tls_is_told)
{
    struct wr_transport *ends[2];
    start_alone(ends);
    struct iovec text = {(void *)(uintptr_t) "HTTP/1.1 400 Bad Request\r\n\r\n", 28};
    ck_assert_int_eq(ends[1]->ops->write(ends[1], &text, 1), 28);
    ck_assert_ptr_null(shake(ends[0], 5000));
    ck_assert_int_eq(error.code, WEIR_ETLS);
    ck_assert_msg(strstr(error.message, TEXT_SOCKETS_NO_TLS) != NULL, "%s", error.message);
    ends[1]->ops->free(ends[1]);
    finish();
}

TEST(a_peer_that_closes_during_the_handshake_is_told)
{
    struct wr_transport *ends[2];
    start_alone(ends);
    ends[1]->ops->shut(ends[1]);
    ck_assert_ptr_null(shake(ends[0], 5000));
    ck_assert_int_eq(error.code, WEIR_ETLS);
    ck_assert_str_eq(error.message, TEXT_SOCKETS_CLOSED_IN_HANDSHAKE);
    ends[1]->ops->free(ends[1]);
    finish();
}

TEST(a_handshake_has_a_limit)
{
    struct wr_transport *ends[2];
    start_alone(ends);
    int64_t began_ns = wr_now_ns(loop);
    ck_assert_ptr_null(shake(ends[0], 5000));
    ck_assert_int_eq(error.code, WEIR_ETIMEDOUT);
    ck_assert_int_eq((wr_now_ns(loop) - began_ns) / 1000000, 5000);
    ends[1]->ops->free(ends[1]);
    finish();
}

static int shaking_task(weir_scope *scope, void *args)
{
    (void)scope;
    ck_assert_ptr_null(shake(*(struct wr_transport **)args, -1));
    return error.code;
}

TEST(a_cancel_ends_a_handshake)
{
    struct wr_transport *ends[2];
    weir_error ignored;
    start_alone(ends);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "shaking", shaking_task, &ends[0], sizeof ends[0]);
    wr_loop_settle(loop);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, &ignored), 0);
    ck_assert_int_eq(error.code, WEIR_ECANCELED);
    ends[1]->ops->free(ends[1]);
    finish();
}

MAIN("loop/tls")
