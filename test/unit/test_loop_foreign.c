/*
 * <weir/wait.h>: descriptors of others, watches, timers, wakers and blocking calls.
 * Labels: thread
 */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>
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

/* ---- weir_waker */

struct parked {
    weir_waker *waker;
    int64_t ms;
    int result;
};

static int parks(weir_scope *scope, void *args)
{
    struct parked *parked = *(struct parked **)args;
    (void)scope;
    parked->result = weir_park(parked->waker, parked->ms, "the test");
    note('p');
    return 0;
}

static void spawn_parked(weir_scope *scope, struct parked *parked)
{
    weir_spawn(scope, "parks", parks, &parked, sizeof parked);
    wr_loop_settle(scope->loop);
}

TEST(waker_wakes_the_task_that_is_parked)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);
    ck_assert_str_eq(trace, "");

    weir_wake(&waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_keeps_one_wake_that_came_before_the_park)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_wake(&waker);
    weir_wake(&waker);

    ck_assert_int_eq(weir_park(&waker, WEIR_NONE, "a wake"), 0);
    ck_assert_int_eq(weir_park(&waker, 0, "a wake"), WEIR_ETIMEDOUT);
    ck_assert_int_eq(weir_park(&waker, 100, "a wake"), WEIR_ETIMEDOUT);

    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_lets_one_of_several_tasks_go_on)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked one = {&waker, WEIR_NONE, 1}, two = one;
    spawn_parked(scope, &one);
    spawn_parked(scope, &two);

    weir_wake(&waker);
    wr_loop_settle(loop);
    ck_assert_str_eq(trace, "p");
    weir_wake(&waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_str_eq(trace, "pp");
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_a_park_in_a_task_that_is_canceled_and_keeps_the_wake)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    weir_wake(&waker);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    ck_assert_int_eq(weir_park(&waker, 0, "a wake"), 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_for_tasks_elsewhere_when_its_scope_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *of_waker = weir_scope_new(root, NULL),
               *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, of_waker);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    weir_scope_cancel(of_waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_for_tasks_elsewhere_when_its_scope_ends)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *of_waker = weir_scope_new(root, NULL),
               *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, of_waker);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    ck_assert_int_eq(weir_scope_wait(of_waker, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, WEIR_ECLOSED);
    ck_assert_int_eq(weir_park(&waker, WEIR_NONE, "a wake"), WEIR_ECLOSED);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_park_ends_at_the_deadline_of_its_scope)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    weir_scope *scope = weir_scope_new(root, WEIR_OPTIONS(weir_scope_options, .deadline_ms = 50));
    int64_t began = weir_now(root);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);

    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    ck_assert_int_eq(ms_since(root, began), 50);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

static void wakes_from_afar(void *arg)
{
    for (int i = 0; i < 100; i++) {
        weir_wake_remote(arg);
    }
}

TEST(waker_is_woken_from_another_thread)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_waker waker;
    uv_thread_t thread;
    weir_waker_init(&waker, weir_root(loop));
    ck_assert_int_eq(uv_thread_create(&thread, wakes_from_afar, &waker), 0);

    int rc = weir_park(&waker, wr_test_faulty() ? 50 : 5000, "another thread");
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_ends_while_a_wake_from_another_thread_is_on_its_way)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_wake_remote(&waker);

    weir_waker_fini(&waker);
    memset(&waker, 0xee, sizeof waker);

    settle(loop);
    weir_loop_free(loop);
}

TEST_ABORTS(misuse_a_waker_that_was_not_prepared)
{
    weir_waker waker = {{NULL}};
    weir_wake(&waker);
}

TEST_ABORTS(misuse_a_waker_that_ends_under_a_parked_task)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(weir_root(loop), &parked);
    weir_waker_fini(&waker);
}

static void parks_in_a_callback(void *ctx)
{
    (void)!weir_park(ctx, WEIR_NONE, "a wake");
}

TEST_ABORTS(misuse_a_park_on_the_stack_of_the_loop)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_timer *timer = weir_timer_new(weir_root(loop), parks_in_a_callback, &waker);
    weir_timer_start(timer, 1);
    (void)!weir_sleep(weir_root(loop), 10);
}

/* ---- weir_work */

struct blocking {
    uv_thread_t thread;
    sem_t begun, go_on;
    int result, ran;
    weir_scope *cancels;
};

/* A sweep may have taken away who posts. */
static void wait_for_post(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    if (wr_test_faulty()) {
        until.tv_nsec += 50 * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } else {
        until.tv_sec += 60;
    }
    (void)sem_timedwait(sem, &until);
}

static void blocks(void *arg)
{
    struct blocking *blocking = arg;
    blocking->thread = uv_thread_self();
    sem_post(&blocking->begun);
    wait_for_post(&blocking->go_on);
    blocking->ran++;
}

static void lets_it_go_on(void *arg)
{
    struct blocking *blocking = arg;
    sem_post(&blocking->go_on);
}

static int works(weir_scope *scope, void *args)
{
    struct blocking *blocking = *(struct blocking **)args;
    blocking->result = weir_work(scope, blocks, blocking,
                                 WEIR_OPTIONS(weir_work_options, .interrupt = lets_it_go_on));
    return 0;
}

static void begin_blocking(struct blocking *blocking)
{
    memset(blocking, 0, sizeof *blocking);
    blocking->result = 1;
    sem_init(&blocking->begun, 0, 0);
    sem_init(&blocking->go_on, 0, 0);
}

TEST(work_runs_on_another_thread)
{
    weir_loop *loop = start();
    struct blocking blocking;
    uv_thread_t here = uv_thread_self();
    begin_blocking(&blocking);
    sem_post(&blocking.go_on);

    ck_assert_int_eq(weir_work(weir_root(loop), blocks, &blocking, NULL), 0);

    ck_assert_int_eq(blocking.ran, 1);
    ck_assert(!uv_thread_equal(&blocking.thread, &here));
    weir_loop_free(loop);
}

TEST(work_does_not_hold_up_a_save)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking blocking, *arg = &blocking;
    int saved = 0;
    begin_blocking(&blocking);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);

    wr_work_wait(loop, "the disk", lets_it_go_on, &blocking); /* on a thread of its own */
    saved = 1;

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(blocking.ran + saved, 2);
    weir_loop_free(loop);
}

TEST(work_that_runs_is_interrupted_and_waited_for_when_its_task_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking blocking, *arg = &blocking;
    begin_blocking(&blocking);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);
    ck_assert_int_eq(blocking.result, 1); /* else there was no thread for it */
    wait_for_post(&blocking.begun);

    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(blocking.ran, 1);
    ck_assert_int_eq(blocking.result, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(work_whose_turn_has_not_come_does_not_run_when_its_task_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
               *second = weir_scope_new(root, NULL);
    struct blocking blocking, later, *arg = &blocking;
    begin_blocking(&blocking);
    begin_blocking(&later);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);
    ck_assert_int_eq(blocking.result, 1);
    wait_for_post(&blocking.begun);
    arg = &later;
    weir_spawn(second, "later", works, &arg, sizeof arg);
    wr_loop_settle(loop);

    weir_scope_cancel(second);
    ck_assert_int_eq(weir_scope_wait(second, NULL), 0);
    sem_post(&blocking.go_on);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(later.ran, 0);
    ck_assert_int_eq(later.result, WEIR_ECANCELED);
    ck_assert_int_eq(blocking.result, 0);
    weir_loop_free(loop);
}

MAIN("loop/foreign")
