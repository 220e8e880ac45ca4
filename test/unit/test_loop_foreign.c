/*
 * <weir/wait.h>: descriptors of others, watches and timers.
 * Labels: thread
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <weir/wait.h>

#include "loop_work.h"
#include "support_loop.h"

static void make_pair(int ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

/* A sweep may take away who sends. */
static int64_t patience_ms(void)
{
    return wr_test_faulty() ? 50 : WEIR_NONE;
}

static void send_byte(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static int64_t ms_since(weir_scope *scope, int64_t began)
{
    return (weir_now(scope) - began) / 1000000;
}

/* ---- weir_wait_fd */

struct sender {
    int fd;
    int64_t after_ms;
};

static int send_later(weir_scope *scope, void *args)
{
    const struct sender *sender = args;
    if (weir_sleep(scope, sender->after_ms)) {
        send_byte(sender->fd);
    }
    return 0;
}

TEST(wait_fd_returns_when_the_descriptor_is_ready)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    int ends[2];
    make_pair(ends);

    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_WRITABLE, WEIR_NONE, "room"), WEIR_WRITABLE);
    send_byte(ends[1]);
    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE, WEIR_NONE, "bytes"), WEIR_READABLE);
    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE | WEIR_WRITABLE, WEIR_NONE, "any"),
                     WEIR_READABLE | WEIR_WRITABLE);

    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_waits_until_bytes_come)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int ends[2];
    make_pair(ends);
    weir_spawn(scope, "sender", send_later, &(struct sender){ends[1], 5}, sizeof(struct sender));

    int ready = weir_wait_fd(scope, ends[0], WEIR_READABLE, patience_ms(), "bytes");

    ck_assert_int_eq(ready, WEIR_READABLE);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_ends_at_its_limit)
{
    weir_loop *loop = start();
    loop->virtual_clock = false; /* a virtual one stands still while descriptors are waited for */
    int ends[2];
    make_pair(ends);

    ck_assert_int_eq(weir_wait_fd(weir_root(loop), ends[0], WEIR_READABLE, 2, "bytes"),
                     WEIR_ETIMEDOUT);

    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_of_no_time_only_looks)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    int ends[2];
    make_pair(ends);

    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE, 0, "bytes"), WEIR_ETIMEDOUT);
    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE | WEIR_WRITABLE, 0, "any"),
                     WEIR_WRITABLE);
    close(ends[1]);
    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE | WEIR_WRITABLE, 0, "any"),
                     WEIR_READABLE | WEIR_WRITABLE);

    close(ends[0]);
    ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE, 0, "bytes"), WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(wait_fd_finds_a_file_always_ready)
{
    weir_loop *loop = start();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(weir_wait_fd(weir_root(loop), fd, WEIR_READABLE, WEIR_NONE, "a file"),
                     WEIR_READABLE);

    close(fd);
    weir_loop_free(loop);
}

TEST(wait_fd_refuses_what_is_not_open)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);

    ck_assert_int_eq(weir_wait_fd(root, 900, WEIR_READABLE, WEIR_NONE, "bytes"), WEIR_EINVAL);
    ck_assert_int_eq(weir_wait_fd(root, -1, WEIR_READABLE, WEIR_NONE, "bytes"), WEIR_EINVAL);

    weir_loop_free(loop);
}

TEST(wait_fd_lets_the_descriptor_be_closed_between_two_waits)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    for (int i = 0; i < 20; i++) {
        int ends[2];
        make_pair(ends); /* the same numbers each time */
        send_byte(ends[1]);
        ck_assert_int_eq(weir_wait_fd(root, ends[0], WEIR_READABLE, WEIR_NONE, "bytes"),
                         WEIR_READABLE);
        close(ends[0]);
        close(ends[1]);
        wr_loop_settle(loop);
    }
    weir_loop_free(loop);
}

static int closes_it(weir_scope *scope, void *args)
{
    int *fd = *(int **)args;
    (void)scope;
    close(*fd);
    return 0;
}

TEST(wait_fd_for_one_that_is_closed_meanwhile_sees_its_limit)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int ends[2], *fd = &ends[0];
    make_pair(ends);
    weir_spawn(scope, "closes", closes_it, &fd, sizeof fd);

    ck_assert_int_eq(weir_wait_fd(scope, ends[0], WEIR_READABLE, 5, "bytes"), WEIR_ETIMEDOUT);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    close(ends[1]);
    weir_loop_free(loop);
}

struct waiting {
    int fd, events, result;
};

static int waits_for_fd(weir_scope *scope, void *args)
{
    struct waiting *waiting = *(struct waiting **)args;
    waiting->result = weir_wait_fd(scope, waiting->fd, waiting->events, patience_ms(), "the test");
    note('w');
    return 0;
}

static void spawn_waiting(weir_scope *scope, struct waiting *waiting)
{
    weir_spawn(scope, "waits", waits_for_fd, &waiting, sizeof waiting);
}

TEST(wait_fd_lets_several_tasks_wait_for_one_descriptor)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int ends[2];
    make_pair(ends);
    struct waiting one = {ends[0], WEIR_READABLE, 0}, two = one,
                   three = {ends[0], WEIR_READABLE | WEIR_WRITABLE, 0};
    spawn_waiting(scope, &one);
    spawn_waiting(scope, &two);
    spawn_waiting(scope, &three);
    for (int i = 0; i < 20; i++) {
        wr_loop_settle(loop);
    }
    ck_assert_int_eq(three.result, WEIR_WRITABLE);
    ck_assert_str_eq(trace, "w");

    send_byte(ends[1]);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(one.result, WEIR_READABLE);
    ck_assert_int_eq(two.result, WEIR_READABLE);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_fails_when_its_task_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int ends[2];
    make_pair(ends);
    struct waiting waiting = {ends[0], WEIR_READABLE, 0};
    spawn_waiting(scope, &waiting);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(waiting.result, WEIR_ECANCELED);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_fails_at_the_deadline_of_its_scope)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_scope *scope =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .deadline_ms = 5));
    int ends[2];
    make_pair(ends);
    struct waiting waiting = {ends[0], WEIR_READABLE, 0};
    spawn_waiting(scope, &waiting);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);

    ck_assert_int_eq(waiting.result, WEIR_ECANCELED);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(wait_fd_works_on_an_attached_loop)
{
    uv_loop_t uv;
    int ends[2];
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);
    trace[0] = '\0';
    make_pair(ends);
    struct waiting waiting = {ends[0], WEIR_READABLE, 0};
    spawn_waiting(weir_root(loop), &waiting);
    weir_spawn(weir_root(loop), "sender", send_later, &(struct sender){ends[1], 2},
               sizeof(struct sender));

    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    ck_assert_int_eq(waiting.result, WEIR_READABLE);
    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
    close(ends[0]);
    close(ends[1]);
}

TEST_ABORTS(misuse_wait_fd_for_nothing)
{
    (void)!weir_wait_fd(weir_root(start()), 0, 0, WEIR_NONE, "nothing");
}

/* ---- weir_watch */

struct watched {
    weir_watch *watch;
    int fd, calls, events;
    bool ends, rests;
};

static void on_ready(void *ctx, int fd, int events)
{
    struct watched *watched = ctx;
    char byte;
    MUST(fd == watched->fd);
    watched->calls++;
    watched->events = events;
    if (watched->ends) {
        weir_watch_free(watched->watch);
    } else if (watched->rests) {
        (void)!weir_watch_set(watched->watch, 0);
    } else {
        (void)!read(fd, &byte, 1);
    }
}

static void watch(weir_scope *scope, struct watched *watched, int fd, int events)
{
    watched->fd = fd;
    watched->watch = weir_watch_new(scope, fd, events, on_ready, watched, NULL);
    ck_assert_ptr_nonnull(watched->watch);
}

static void settle(weir_loop *loop)
{
    for (int i = 0; i < 20; i++) {
        wr_loop_settle(loop);
    }
}

TEST(watch_calls_again_as_long_as_the_descriptor_is_ready)
{
    weir_loop *loop = start();
    struct watched watched = {0};
    int ends[2];
    make_pair(ends);
    watch(weir_root(loop), &watched, ends[0], WEIR_READABLE);
    settle(loop);
    ck_assert_int_eq(watched.calls, 0);

    send_byte(ends[1]);
    send_byte(ends[1]);
    settle(loop);
    ck_assert_int_eq(watched.calls, 2);
    ck_assert_int_eq(watched.events, WEIR_READABLE);
    send_byte(ends[1]);
    settle(loop);
    ck_assert_int_eq(watched.calls, 3);

    weir_watch_free(watched.watch);
    send_byte(ends[1]);
    settle(loop);
    ck_assert_int_eq(watched.calls, 3);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

TEST(watch_can_be_ended_and_silenced_by_its_own_function)
{
    weir_loop *loop = start();
    struct watched ends_itself = {.ends = true}, rests = {.rests = true};
    int ends[2];
    make_pair(ends);
    watch(weir_root(loop), &ends_itself, ends[0], WEIR_READABLE);
    watch(weir_root(loop), &rests, ends[0], WEIR_READABLE);
    send_byte(ends[1]);

    settle(loop);
    ck_assert_int_eq(ends_itself.calls, 1);
    ck_assert_int_eq(rests.calls, 1);
    ck_assert_int_eq(weir_watch_set(rests.watch, WEIR_WRITABLE), 0);
    settle(loop);

    ck_assert_int_eq(rests.calls, 2);
    ck_assert_int_eq(rests.events, WEIR_WRITABLE);
    weir_loop_free(loop); /* which ends the watch */
    close(ends[0]);
    close(ends[1]);
}

TEST(watch_tells_a_hang_up_as_what_it_watches_for)
{
    weir_loop *loop = start();
    struct watched watched = {.rests = true};
    int ends[2];
    make_pair(ends);
    watch(weir_root(loop), &watched, ends[0], WEIR_READABLE);

    close(ends[1]);
    settle(loop);

    ck_assert_int_eq(watched.events, WEIR_READABLE);
    weir_watch_free(watched.watch);
    close(ends[0]);
    weir_loop_free(loop);
}

TEST(watch_lets_its_descriptor_be_closed_and_its_number_be_used_again)
{
    weir_loop *loop = start();
    struct watched first = {0}, second = {0};
    int ends[2], other[2];
    make_pair(ends);
    watch(weir_root(loop), &first, ends[0], WEIR_READABLE);
    send_byte(ends[1]);
    settle(loop);
    close(ends[0]);
    close(ends[1]);
    weir_watch_free(first.watch);

    make_pair(other);
    ck_assert_int_eq(other[0], ends[0]);
    watch(weir_root(loop), &second, other[0], WEIR_READABLE);
    send_byte(other[1]);
    settle(loop);

    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq(second.calls, 1);
    weir_watch_free(second.watch);
    close(other[0]);
    close(other[1]);
    weir_loop_free(loop);
}

TEST(watch_of_what_cannot_be_watched_is_refused)
{
    weir_loop *loop = start();
    struct watched watched = {0};
    int why = 0, fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    weir_scope *root = weir_root(loop);

    ck_assert_ptr_null(weir_watch_new(root, fd, WEIR_READABLE, on_ready, &watched, &why));
    ck_assert_int_eq(why, WEIR_EINVAL);
    ck_assert_ptr_null(weir_watch_new(root, -1, WEIR_READABLE, on_ready, &watched, NULL));

    close(fd);
    weir_loop_free(loop);
}

/* ---- weir_timer */

struct timed {
    weir_scope *scope;
    weir_timer *timer;
    int64_t began, fired_ms;
    int calls, again;
    bool ends;
};

static void on_time(void *ctx)
{
    struct timed *timed = ctx;
    timed->calls++;
    timed->fired_ms = ms_since(timed->scope, timed->began);
    if (timed->again-- > 0) {
        weir_timer_start(timed->timer, 100);
    } else if (timed->ends) {
        weir_timer_free(timed->timer);
    }
}

static void time_it(weir_scope *scope, struct timed *timed)
{
    timed->scope = scope;
    timed->began = weir_now(scope);
    timed->timer = weir_timer_new(scope, on_time, timed);
    ck_assert_ptr_nonnull(timed->timer);
}

TEST(timer_fires_once_for_each_start)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    struct timed timed = {.again = 2};
    time_it(root, &timed);

    ck_assert(weir_sleep(root, 1000));
    ck_assert_int_eq(timed.calls, 0);
    timed.began = weir_now(root);
    weir_timer_start(timed.timer, 50);
    ck_assert(weir_sleep(root, 1000));

    ck_assert_int_eq(timed.calls, 3);
    ck_assert_int_eq(timed.fired_ms, 250);
    weir_timer_free(timed.timer);
    weir_loop_free(loop);
}

TEST(timer_is_set_anew_stopped_and_ended_by_its_own_function)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    struct timed timed = {.ends = true};
    time_it(root, &timed);
    weir_timer_start(timed.timer, 50);
    weir_timer_stop(timed.timer);
    ck_assert(weir_sleep(root, 100));
    ck_assert_int_eq(timed.calls, 0);

    weir_timer_start(timed.timer, 50);
    weir_timer_start(timed.timer, 200);
    ck_assert(weir_sleep(root, 1000));

    ck_assert_int_eq(timed.calls, 1);
    ck_assert_int_eq(timed.fired_ms, 300);
    weir_loop_free(loop);
}

TEST(timer_ends_with_its_scope)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    struct timed timed = {0};
    time_it(scope, &timed);
    weir_timer_start(timed.timer, 50);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert(weir_sleep(root, 100));

    ck_assert_int_eq(timed.calls, 0);
    weir_loop_free(loop);
}

MAIN("loop/foreign")
