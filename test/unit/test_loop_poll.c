/*
 * test_loop_poll.c - the loop never blocks in its poll while something of its own is due, and never
 * stops watching what is not its own.
 *
 * libuv 1.44 runs the timers that are due before it polls. So time that passes between the arming
 * of a timer and the poll, here in the callback of another timer, makes that timer fire first: what
 * it was for is due then, and nothing is left that would end the poll. Time is real here; the
 * callback spins until enough of it has passed.
 * Labels: thread
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "curl_bridge.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "support_check.h"

static weir_loop *loop;

/* Enrolled before the poll; its timer is then the first that libuv runs. */
struct delay {
    struct wr_before_poll hook;
    uv_timer_t timer;
    uint64_t until_ns;
    int spun;
};

static struct delay delay;

static void spin(uv_timer_t *timer)
{
    while (uv_hrtime() < delay.until_ns) {}
    uv_update_time(timer->loop);
    delay.spun++;
}

static void before_poll(struct wr_before_poll *hook)
{
    (void)hook;
    uv_timer_init(loop->uv, &delay.timer);
    uv_timer_start(&delay.timer, spin, 0, 0);
}

/* After the test's wait: a handle that closes would keep the poll from blocking by itself. */
static void end_delay(void)
{
    ck_assert_int_eq(delay.spun, 1);
    uv_close((uv_handle_t *)&delay.timer, NULL);
}

static void delay_next_poll(uint64_t until_ns)
{
    delay.until_ns = until_ns;
    delay.spun = 0;
    wr_before_poll_init(&delay.hook, before_poll);
    wr_before_poll_enrol(loop, &delay.hook);
}

TEST(a_timer_that_comes_due_before_the_poll_ends_it)
{
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);

    delay_next_poll(uv_hrtime() + 20 * 1000000);
    ck_assert(weir_sleep(weir_root(loop), 5));

    end_delay();
    weir_loop_free(loop);
}

static int sleeping_task(weir_scope *scope, void *args)
{
    (void)args;
    delay_next_poll(uv_hrtime() + 20 * 1000000);
    return weir_sleep(scope, 5) ? 0 : WEIR_ECANCELED;
}

TEST(a_timer_that_comes_due_before_the_poll_of_an_attached_loop_ends_it)
{
    uv_loop_t uv;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);

    weir_spawn(weir_root(loop), "sleeping", sleeping_task, NULL, 0);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    end_delay();
    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

/* ---- a process that was stopped for longer than a limit */

static int64_t skipped_ns;

static int64_t skipping_clock(void *ctx)
{
    (void)ctx;
    return (int64_t)uv_hrtime() + skipped_ns;
}

/* Directly after a poll: an hour passes, and then a byte is there. */
static void after_poll(uv_check_t *check)
{
    ck_assert_int_eq(write(*(int *)check->data, "x", 1), 1);
    skipped_ns += INT64_C(3600) * 1000000000;
    uv_check_stop(check);
}

TEST(what_has_come_is_served_before_a_limit_that_passed_meanwhile)
{
    int fds[2];
    char byte;
    weir_error error;
    uv_check_t check;
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    loop->clock.monotonic_ns = skipping_clock;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    struct wr_transport *reader = wr_fd_transport(loop, fds[0], WR_FD_OWN, &error);
    ck_assert_ptr_nonnull(reader);
    uv_check_init(loop->uv, &check);
    check.data = &fds[1];
    uv_check_start(&check, after_poll);
    uv_async_send(&loop->async); /* ends the first poll */

    ck_assert_int_eq(reader->ops->wait(reader, WR_READABLE, 60 * 1000, "a byte", NULL), 0);

    ck_assert_int_eq(reader->ops->read(reader, &byte, 1), 1);
    uv_close((uv_handle_t *)&check, NULL);
    reader->ops->free(reader);
    close(fds[1]);
    weir_loop_free(loop);
}

/* A transfer whose peer accepts and never answers: libcurl's own timer is all that can end it. */
struct mute {
    struct wr_transfer transfer;
    struct wr_task *waiter;
    CURLcode code;
};

static bool on_header(struct wr_transfer *transfer, const char *line, size_t len)
{
    (void)transfer;
    (void)line;
    (void)len;
    return true;
}

static size_t on_write(struct wr_transfer *transfer, const char *data, size_t len)
{
    (void)transfer;
    (void)data;
    return len;
}

static void on_done(struct wr_transfer *transfer, CURLcode code)
{
    struct mute *mute = WR_OWNER(transfer, struct mute, transfer);
    mute->code = code;
    wr_wake(mute->waiter, 0);
}

static void start_mute(struct mute *mute, int port)
{
    mute->code = CURLE_OK;
    wr_transfer_init(&mute->transfer);
    mute->transfer.header = on_header;
    mute->transfer.write = on_write;
    mute->transfer.done = on_done;
    mute->transfer.easy = curl_easy_init();
    ck_assert_ptr_nonnull(mute->transfer.easy);
    curl_easy_setopt(mute->transfer.easy, CURLOPT_URL, "https://127.0.0.1/");
    curl_easy_setopt(mute->transfer.easy, CURLOPT_PORT, (long)port);
    curl_easy_setopt(mute->transfer.easy, CURLOPT_PROXY, "");
    curl_easy_setopt(mute->transfer.easy, CURLOPT_CONNECTTIMEOUT_MS, 500L);
    ck_assert_int_eq(wr_transfer_start(loop, &mute->transfer), 0);
}

/* The peer has the client's first bytes, so the handshake is all that is under way. */
static struct wr_transport *await_hello(struct wr_listener *listener)
{
    weir_error error;
    char hello[16];
    struct wr_transport *peer = wr_accept(listener, NULL, &error);
    ck_assert_ptr_nonnull(peer);
    while (peer->ops->read(peer, hello, sizeof hello) == WR_AGAIN) {
        ck_assert_int_eq(peer->ops->wait(peer, WR_READABLE, 5000, "hello", NULL), 0);
    }
    return peer;
}

static int mute_task(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    weir_error error;
    struct mute mute = {.waiter = wr_task_now(loop, "test")};
    struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(listener);
    uint64_t began_ns = uv_hrtime();
    start_mute(&mute, wr_listener_port(listener));
    struct wr_transport *peer = await_hello(listener);

    delay_next_poll(began_ns + 600 * 1000000);
    while (wr_transfer_active(&mute.transfer)) {
        (void)wr_wait(loop, "the transfer's end", NULL);
    }

    ck_assert_int_eq(mute.code, CURLE_OPERATION_TIMEDOUT);
    curl_easy_cleanup(mute.transfer.easy);
    peer->ops->free(peer);
    wr_listener_free(listener);
    return 0;
}

TEST(a_timeout_of_libcurl_that_passes_before_the_poll_is_served)
{
    if (wr_test_sweeps()) {
        return;
    }
    loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error;

    weir_spawn(scope, "mute", mute_task, NULL, 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);

    end_delay();
    weir_loop_free(loop);
}

TEST(a_timeout_of_libcurl_that_passes_before_the_poll_of_an_attached_loop_is_served)
{
    if (wr_test_sweeps()) {
        return;
    }
    uv_loop_t uv;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    loop = weir_loop_attach(&uv, NULL);

    weir_spawn(weir_root(loop), "mute", mute_task, NULL, 0);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    end_delay();
    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

static int refused_task(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    weir_error error;
    struct mute mute = {.waiter = wr_task_now(loop, "test")};
    struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(listener);
    start_mute(&mute, wr_listener_port(listener));
    struct wr_transport *peer = await_hello(listener);
    peer->ops->free(peer);
    while (wr_transfer_active(&mute.transfer)) {
        (void)wr_wait(loop, "the transfer's end", NULL);
    }
    ck_assert_int_ne(mute.code, CURLE_OK);
    curl_easy_cleanup(mute.transfer.easy);
    wr_listener_free(listener);
    return 0;
}

enum { OTHERS = 16 };

static void on_other(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    ++*(int *)poll->data;
}

static void watch_others(uv_loop_t *uv, uv_poll_t polls[OTHERS], int fds[OTHERS], int *fired)
{
    for (int i = 0; i < OTHERS; i++) {
        fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_eq(uv_poll_init(uv, &polls[i], fds[i]), 0);
        polls[i].data = fired;
        uv_poll_start(&polls[i], UV_READABLE, on_other);
    }
    uv_run(uv, UV_RUN_NOWAIT);
}

TEST(a_number_that_libcurl_has_closed_belongs_to_whoever_opens_it_next)
{
    if (wr_test_sweeps()) {
        return;
    }
    uv_loop_t uv;
    uv_poll_t polls[OTHERS];
    int fds[OTHERS], fired = 0;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    loop = weir_loop_attach(&uv, NULL);
    weir_spawn(weir_root(loop), "refused", refused_task, NULL, 0);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    watch_others(&uv, polls, fds, &fired);
    weir_loop_free(loop);
    for (int i = 0; i < 10; i++) {
        uv_run(&uv, UV_RUN_NOWAIT);
    }
    for (int i = 0; i < OTHERS; i++) {
        eventfd_write(fds[i], 1);
    }
    uv_run(&uv, UV_RUN_NOWAIT);

    ck_assert_int_eq(fired, OTHERS);
    for (int i = 0; i < OTHERS; i++) {
        uv_close((uv_handle_t *)&polls[i], NULL);
        close(fds[i]);
    }
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

MAIN("loop/poll")
