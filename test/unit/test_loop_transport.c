/*
 * test_loop_transport.c - every kind of transport against one contract, then what is particular to
 * each.
 *
 * A pair is two ends that are connected to each other, however that was done; the tests of the
 * contract run over all kinds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "support_check.h"

static weir_loop *loop;
static struct wr_transport *near, *far;
static weir_error error;

static void start(void)
{
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
}

/* A listener whose address is put together in `url`. */
static struct wr_listener *listen_at(char url[64])
{
    struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(listener);
    snprintf(url, 64, "tcp://127.0.0.1:%d", wr_listener_port(listener));
    return listener;
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

static int64_t try_write(struct wr_transport *t, const char *bytes, size_t len)
{
    char copy[1024];
    ck_assert_uint_le(len, sizeof copy);
    memcpy(copy, bytes, len);
    struct iovec iov[2] = {{copy, len / 2}, {copy + len / 2, len - len / 2}};
    return t->ops->write(t, iov, 2);
}

static void pair_tcp(void)
{
    char address[64];
    struct wr_listener *listener = listen_at(address);
    near = wr_connect(loop, address, 2000, NULL, &error);
    ck_assert_ptr_nonnull(near);
    far = wr_accept(listener, NULL, &error);
    ck_assert_ptr_nonnull(far);
    wr_listener_free(listener);
}

static void pair_memory(void)
{
    struct wr_transport *ends[2];
    ck_assert_int_eq(wr_memory_pair(loop, 1000, ends), 0);
    near = ends[0];
    far = ends[1];
}

static void pair_sockets(void)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    near = wr_fd_transport(loop, fds[0], WR_FD_OWN, &error);
    far = wr_fd_transport(loop, fds[1], WR_FD_OWN, &error);
    ck_assert(near != NULL && far != NULL);
}

/* One way only: near writes, far reads. */
static void pair_pipe(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    near = wr_fd_transport(loop, fds[1], WR_FD_OWN, &error);
    far = wr_fd_transport(loop, fds[0], WR_FD_OWN, &error);
    ck_assert(near != NULL && far != NULL);
}

static void free_pair(void)
{
    if (near != NULL) {
        near->ops->free(near);
    }
    if (far != NULL) {
        far->ops->free(far);
    }
    near = far = NULL;
}

static void over_all(void (*const *make)(void), void (*check)(void))
{
    for (; *make != NULL; make++) {
        start();
        ck_assert_ptr_nonnull(loop);
        wr_fault_pause(true);
        (*make)();
        wr_fault_pause(false);
        check();
        free_pair();
        weir_loop_free(loop);
    }
}

static void (*const every[])(void) = {pair_tcp, pair_memory, pair_sockets, pair_pipe, NULL};
static void (*const both_ways[])(void) = {pair_tcp, pair_memory, pair_sockets, NULL};

/* ---- the contract */

static void check_bytes(void)
{
    char got[16];
    ck_assert_int_eq(far->ops->read(far, got, sizeof got), WR_AGAIN);
    ck_assert_int_eq(try_write(near, "hello", 5), 5);
    ck_assert_int_eq(get(far, got, 3), 3);
    ck_assert_int_eq(get(far, got + 3, sizeof got - 3), 2);
    ck_assert_mem_eq(got, "hello", 5);
}

TEST(bytes_arrive_in_order_and_in_the_readers_portions)
{
    over_all(every, check_bytes);
}

static void check_end(void)
{
    char got[16];
    ck_assert_int_eq(try_write(near, "last", 4), 4);
    near->ops->free(near);
    near = NULL;
    ck_assert_int_eq(get(far, got, sizeof got), 4);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
}

TEST(a_freed_end_is_the_end_after_the_bytes)
{
    over_all(every, check_end);
}

static void check_half_close(void)
{
    char got[16];
    near->ops->shut(near);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
    ck_assert_int_eq(try_write(far, "still", 5), 5);
    ck_assert_int_eq(get(near, got, sizeof got), 5);
}

TEST(a_shut_end_still_reads)
{
    over_all(both_ways, check_half_close);
}

static size_t fill(struct wr_transport *t)
{
    static char bytes[1024];
    size_t sum = 0;
    int64_t n;
    memset(bytes, 'x', sizeof bytes);
    while ((n = try_write(t, bytes, sizeof bytes)) > 0) {
        sum += (size_t)n;
        ck_assert_uint_lt(sum, 64 * 1024 * 1024);
    }
    ck_assert_int_eq(n, WR_AGAIN);
    return sum;
}

static void check_full(void)
{
    static char sink[1 << 20];
    size_t sum = fill(near);
    ck_assert_int_eq(near->ops->wait(near, WR_WRITABLE, 5, "room", NULL), WEIR_ETIMEDOUT);
    while (sum > 0) {
        int64_t n = get(far, sink, sizeof sink);
        ck_assert_int_gt(n, 0);
        sum -= (size_t)n;
    }
    ck_assert_int_eq(near->ops->wait(near, WR_WRITABLE, 2000, "room", NULL), 0);
    ck_assert_int_gt(try_write(near, "more", 4), 0);
}

TEST(who_does_not_read_stops_the_writer)
{
    over_all(every, check_full);
}

static void check_gone(void)
{
    far->ops->free(far);
    far = NULL;
    int64_t n = 0;
    for (int i = 0; i < 10 && (n = try_write(near, "xy", 2)) > 0; i++) {
        (void)near->ops->wait(near, WR_READABLE, 100, "the news", NULL);
    }
    ck_assert_int_eq(n, WEIR_ECLOSED);
    ck_assert(near->detail == EPIPE || near->detail == ECONNRESET);
}

TEST(writing_to_a_far_end_that_has_gone_is_closed)
{
    over_all(both_ways, check_gone);
}

/* What is read for, in the scope that read_in_task gives. */
static const struct wr_object_ops thing_ops = {.kind = "thing", .discard = wr_object_fini};
static struct wr_object thing;

static int reading_task(weir_scope *scope, void *args)
{
    (void)scope;
    struct wr_transport *t = *(struct wr_transport **)args;
    return t->ops->wait(t, WR_READABLE, -1, "bytes", &thing);
}

static weir_scope *read_in_task(struct wr_transport *t)
{
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    wr_object_init(&thing, &thing_ops, scope, "thing");
    weir_spawn(scope, "reading", reading_task, &t, sizeof t);
    wr_loop_settle(loop);
    return scope;
}

static void check_abort(void)
{
    weir_scope *scope = read_in_task(far);
    ck_assert(wr_object_abort(&thing, -1234));
    ck_assert_int_eq(weir_scope_wait(scope, &error), -1234);
    ck_assert(!wr_object_abort(&thing, -1234));
    check_bytes();
}

TEST(an_abort_fails_the_wait_and_nothing_else)
{
    over_all(every, check_abort);
}

static void check_abort_of_the_woken(void)
{
    weir_scope *scope = read_in_task(far);
    ck_assert_ptr_nonnull(wr_object_waiter(&thing));
    wr_object_wake(&thing);
    ck_assert(wr_object_abort(&thing, -1234));
    ck_assert_int_eq(weir_scope_wait(scope, &error), -1234);
    check_bytes();
}

TEST(an_abort_fails_a_wait_that_was_woken_and_has_not_returned)
{
    over_all(every, check_abort_of_the_woken);
}

static void check_cancel(void)
{
    weir_scope *scope = read_in_task(far);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    check_bytes();
}

TEST(a_cancel_fails_the_wait)
{
    over_all(every, check_cancel);
}

static void on_gone(void *ctx)
{
    ck_assert_ptr_null(loop->task); /* the scheduler's stack */
    ++*(int *)ctx;
}

static void await_count(const int *count, int wanted)
{
    for (int i = 0; i < 10000 && *count < wanted; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_eq(*count, wanted);
}

static void check_hangup(void)
{
    int gone = 0;
    near->ops->watch_hangup(near, on_gone, &gone);
    wr_loop_settle(loop);
    ck_assert_int_eq(gone, 0);
    far->ops->free(far);
    far = NULL;
    await_count(&gone, 1);
    wr_loop_settle(loop);
    ck_assert_int_eq(gone, 1);
}

TEST(a_far_end_that_leaves_is_noticed_without_reading)
{
    over_all(every, check_hangup);
}

static void check_hangup_beside_bytes(void)
{
    int gone = 0;
    char got[8];
    near->ops->watch_hangup(near, on_gone, &gone);
    ck_assert_int_eq(try_write(far, "unread", 6), 6);
    far->ops->free(far);
    far = NULL;
    await_count(&gone, 1);
    ck_assert_int_eq(get(near, got, sizeof got), 6);
    ck_assert_int_eq(get(near, got, sizeof got), 0);
}

TEST(leaving_is_noticed_beside_unread_bytes)
{
    over_all(both_ways, check_hangup_beside_bytes);
}

static void check_hangup_off(void)
{
    int gone = 0;
    near->ops->watch_hangup(near, on_gone, &gone);
    wr_loop_settle(loop);
    near->ops->watch_hangup(near, NULL, NULL);
    far->ops->free(far);
    far = NULL;
    for (int i = 0; i < 20; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_eq(gone, 0);
}

TEST(a_hangup_that_nobody_watches_any_more_is_not_told)
{
    over_all(every, check_hangup_off);
}

TEST(a_ring_in_memory_keeps_the_order_around_its_end)
{
    start();
    pair_memory();
    char next_in = 0, next_out = 0, bytes[7];
    for (int i = 0; i < 5000; i++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (char)(next_in + (char)k);
        }
        int64_t n = try_write(near, bytes, sizeof bytes);
        next_in = (char)(next_in + (n > 0 ? n : 0));
        n = far->ops->read(far, bytes, 5);
        for (int64_t k = 0; k < n; k++) {
            ck_assert_int_eq(bytes[k], next_out);
            next_out++;
        }
    }
    ck_assert_int_eq(try_write(near, bytes, 7), 5); /* five out for seven in: it is full */
    free_pair();
    weir_loop_free(loop);
}

/* ---- descriptors of somebody else */

static void pair_borrowed_pipe(int fds[2])
{
    start();
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    near = wr_fd_transport(loop, fds[1], WR_FD_BORROW, &error);
    far = wr_fd_transport(loop, fds[0], WR_FD_BORROW, &error);
    ck_assert(near != NULL && far != NULL);
}

static void check_borrowed(int fds[2])
{
    check_bytes();
    check_full();
    ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    free_pair();
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
    weir_loop_free(loop);
}

TEST(a_borrowed_pipe_keeps_its_flags_and_stays_open)
{
    int fds[2];
    pair_borrowed_pipe(fds);
    check_borrowed(fds);
}

TEST(a_borrowed_pipe_that_cannot_be_reopened_is_polled)
{
    int fds[2];
    start();
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    wr_fault_set(3, false); /* its memory, its state, then the reopening */
    near = wr_fd_transport(loop, fds[1], WR_FD_BORROW, &error);
    ck_assert_str_eq(wr_fault_name(), "reopen");
    wr_fault_set(0, false);
    far = wr_fd_transport(loop, fds[0], WR_FD_BORROW, &error);
    ck_assert(near != NULL && far != NULL);
    check_borrowed(fds);
}

TEST(a_reader_that_leaves_a_borrowed_pipe_is_noticed)
{
    int fds[2], gone = 0;
    pair_borrowed_pipe(fds);
    near->ops->watch_hangup(near, on_gone, &gone);
    wr_loop_settle(loop);
    far->ops->free(far);
    far = NULL;
    close(fds[0]);
    await_count(&gone, 1);
    free_pair();
    close(fds[1]);
    weir_loop_free(loop);
}

TEST(a_peer_that_leaves_a_borrowed_socket_is_noticed_and_one_that_only_sends_no_more_is_not)
{
    int fds[2], gone = 0;
    start();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    near = wr_fd_transport(loop, fds[1], WR_FD_BORROW, &error);
    ck_assert_ptr_nonnull(near);
    near->ops->watch_hangup(near, on_gone, &gone);
    shutdown(fds[0], SHUT_WR);
    for (int i = 0; i < 20; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_eq(gone, 0);
    close(fds[0]);
    await_count(&gone, 1);
    free_pair();
    close(fds[1]);
    weir_loop_free(loop);
}

TEST(files_and_dev_null_are_always_ready)
{
    start();
    char name[96], got[8];
    wr_temp_name(name, sizeof name, "file");
    near = wr_fd_transport(loop, mkstemp(name), WR_FD_OWN, &error);
    far = wr_fd_transport(loop, open("/dev/null", O_RDWR | O_CLOEXEC), WR_FD_OWN, &error);
    ck_assert(near != NULL && far != NULL);
    unlink(name);

    ck_assert_str_eq(near->ops->kind, "file");
    ck_assert_int_eq(try_write(near, "abc", 3), 3);
    ck_assert_int_eq(near->ops->wait(near, WR_READABLE, -1, "never", NULL), 0);
    ck_assert_int_eq(get(near, got, sizeof got), 0);
    ck_assert_int_eq(get(far, got, sizeof got), 0);
    ck_assert_int_eq(try_write(far, "abc", 3), 3);

    free_pair();
    weir_loop_free(loop);
}

TEST(a_descriptor_that_is_not_open_is_told)
{
    start();
    ck_assert_ptr_null(wr_fd_transport(loop, 987654, WR_FD_BORROW, &error));
    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_int_eq(error.detail, EBADF);
    weir_loop_free(loop);
}

TEST(a_failing_read_tells_its_errno)
{
    start();
    pair_sockets();
    char got[4];
    wr_fault_set(1, false);
    ck_assert_int_eq(near->ops->read(near, got, sizeof got), WEIR_EIO);
    wr_fault_set(1, false);
    ck_assert_int_eq(try_write(near, "x", 1), WEIR_EIO);
    wr_fault_set(0, false);
    ck_assert_int_eq(near->detail, EIO);
    free_pair();
    weir_loop_free(loop);
}

TEST(a_reset_is_not_an_end)
{
    start();
    wr_fault_pause(true);
    pair_tcp();
    wr_fault_pause(false);
    char got[4];
    ck_assert_int_eq(try_write(near, "unread", 6), 6);
    while (far->ops->wait(far, WR_READABLE, 1000, "bytes", NULL) != 0) {}
    far->ops->free(far); /* with bytes unread: the kernel resets */
    far = NULL;
    ck_assert_int_eq(get(near, got, sizeof got), WEIR_ERESET);
    free_pair();
    weir_loop_free(loop);
}

MAIN("loop/transport")
