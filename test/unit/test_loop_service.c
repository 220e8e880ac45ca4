/*
 * test_loop_service.c - what a loop has beside its tasks, the lanes of blocking calls, and that a loop
 * of which no task can ever go on says so once.
 * Labels: thread
 */
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <weir/metrics.h>
#include <weir/queue.h>
#include <weir/wait.h>
#include <weir/weir.h>

#include "loop_service.h"
#include "loop_work.h"
#include "support_folder.h"
#include "support_loop.h"
#include "texts_flow.h"

/* ---- services */

struct letter {
    struct wr_service service;
    char letter;
    struct wr_task *task; /* waits until it has collected */
};

static void letter_end(struct weir_loop *loop, struct wr_service *service)
{
    (void)loop;
    note(WR_OWNER(service, struct letter, service)->letter);
}

static void other_end(struct weir_loop *loop, struct wr_service *service)
{
    letter_end(loop, service);
}

static void letter_collect(struct weir_loop *loop, struct wr_service *service)
{
    (void)loop;
    note('c');
    wr_wake(WR_OWNER(service, struct letter, service)->task, 0);
}

TEST(services_end_with_their_loop_newest_first)
{
    weir_loop *loop = start();
    struct letter first = {{.end = letter_end}, 'a', NULL},
                  second = {{.end = other_end}, 'b', NULL};
    wr_service_add(loop, &first.service);
    wr_service_add(loop, &second.service);
    spawn(weir_root(loop), 't', 0, 0);
    weir_loop_free(loop);
    ck_assert_str_eq(trace, "tba");
}

TEST(services_are_found_by_how_they_end)
{
    weir_loop *loop = start();
    struct letter one = {{.end = letter_end}, 'a', NULL}, two = {{.end = letter_end}, 'b', NULL},
                  other = {{.end = other_end}, 'o', NULL};
    ck_assert_ptr_null(wr_service_find(loop, letter_end));
    wr_service_add(loop, &one.service);
    wr_service_add(loop, &other.service);
    wr_service_add(loop, &two.service);
    ck_assert_ptr_eq(wr_service_find(loop, letter_end), &two.service);
    ck_assert_ptr_eq(wr_service_next(loop, &two.service), &one.service);
    ck_assert_ptr_null(wr_service_next(loop, &one.service));
    ck_assert_ptr_eq(wr_service_find(loop, other_end), &other.service);
    weir_loop_free(loop);
}

TEST(services_collect_when_the_loop_is_signaled)
{
    weir_loop *loop = start();
    struct letter one = {
        {.end = letter_end, .collect = letter_collect}, 'a', wr_task_now(loop, "test")};
    wr_service_add(loop, &one.service);
    uv_async_send(&loop->async);
    ck_assert_int_eq(wr_wait(loop, "a signal", NULL), 0);
    ck_assert_ptr_nonnull(strchr(trace, 'c'));
    weir_loop_free(loop);
}

/* ---- lanes */

struct blocking {
    sem_t go_on;
    const char *lane;
    int ran;
};

/* A sweep may have taken away the thread of who posts. */
static bool wait_for_post(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wr_test_faulty() ? 0 : 60;
    return sem_timedwait(sem, &until) == 0;
}

static void blocks(void *arg)
{
    struct blocking *blocking = arg;
    blocking->ran = wait_for_post(&blocking->go_on) ? 1 : -1;
}

static void lets_it_go_on(void *arg)
{
    struct blocking *blocking = arg;
    sem_post(&blocking->go_on);
}

static int works(weir_scope *scope, void *args)
{
    struct blocking *blocking = *(struct blocking **)args;
    return weir_work(scope, blocks, blocking,
                     WEIR_OPTIONS(weir_work_options, .lane = blocking->lane));
}

TEST(calls_of_another_lane_run_while_one_hangs)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking hangs = {.lane = "postgres"}, *arg = &hangs;
    sem_init(&hangs.go_on, 0, 0);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_work(weir_root(loop), lets_it_go_on, &hangs,
                               WEIR_OPTIONS(weir_work_options, .lane = "redis")),
                     0);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert(wr_test_sweeps() || hangs.ran == 1);
    weir_loop_free(loop);
}

static void note_thread(void *arg)
{
    uv_thread_t *thread = arg;
    *thread = uv_thread_self();
}

TEST(calls_of_one_lane_run_on_one_thread)
{
    weir_loop *loop = start();
    uv_thread_t threads[3];
    const char *const lanes[] = {"a", "a", NULL};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(weir_work(weir_root(loop), note_thread, &threads[i],
                                   WEIR_OPTIONS(weir_work_options, .lane = lanes[i])),
                         0);
    }
    ck_assert(uv_thread_equal(&threads[0], &threads[1]));
    ck_assert(wr_test_sweeps() || !uv_thread_equal(&threads[0], &threads[2]));
    weir_loop_free(loop);
}

TEST(a_lane_of_the_program_is_none_of_weirs_whatever_its_name)
{
    weir_loop *loop = start();
    uv_thread_t own, weirs;
    ck_assert_int_eq(weir_work(weir_root(loop), note_thread, &own,
                               WEIR_OPTIONS(weir_work_options, .lane = wr_lane_state.name)),
                     0);
    wr_work_wait(loop, "the disk", note_thread, &weirs);
    ck_assert(wr_test_sweeps() || !uv_thread_equal(&own, &weirs));
    weir_loop_free(loop);
}

struct hang {
    struct wr_work work;
    sem_t go_on;
    bool in_time;
};

static void hang_run(struct wr_work *work)
{
    struct hang *hang = WR_OWNER(work, struct hang, work);
    hang->in_time = wait_for_post(&hang->go_on);
}

static void hang_done(struct wr_work *work)
{
    (void)work;
}

/* A token file on a disk that hangs, and a client library that does: the whole of a copy with its
 * state comes through meanwhile. */
TEST(a_state_is_saved_while_all_other_lanes_hang)
{
    if (wr_test_sweeps()) {
        return; /* without a thread the hang would be here */
    }
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "in", "1\n2\n3\n", 6);
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking library = {0}, *arg = &library;
    struct hang files = {.work = {.lane = &wr_lane_files, .run = hang_run, .done = hang_done}};
    sem_init(&library.go_on, 0, 0);
    sem_init(&files.go_on, 0, 0);
    wr_work_start(loop, &files.work);
    weir_spawn(scope, "works", works, &arg, sizeof arg);

    weir_state *state = weir_state_open(weir_root(loop), wr_folder_path(&folder, "state"), "copy");
    weir_gen *lines = weir_file_lines(weir_root(loop), wr_folder_path(&folder, "in"),
                                      WEIR_OPTIONS(weir_lines_options, .state = state));
    weir_sink *out = weir_file_sink(weir_root(loop), wr_folder_path(&folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = state));
    ck_assert_int_eq(weir_pump(lines, out, &error), 0);

    ck_assert_int_eq(library.ran, 0); /* still at it */
    sem_post(&files.go_on);
    sem_post(&library.go_on);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
    ck_assert(files.in_time);
    ck_assert_int_eq(library.ran, 1);
    wr_folder_remove(&folder);
}

/* ---- nothing moves */

struct still {
    weir_loop *loop;
    weir_scope *scope;
    weir_gen *gens[2];
    weir_sink *sinks[2];
    sem_t logged;
    int lines;
    char text[512];
};

static void still_log(void *ctx, int level, const char *origin, const char *text)
{
    struct still *still = ctx;
    (void)origin;
    if (level == WEIR_LOG_WARNING && strstr(text, TEXT_FLOW_DEADLOCK) != NULL) {
        snprintf(still->text, sizeof still->text, "%s", text);
        still->lines++;
        sem_post(&still->logged);
    }
}

/* Reads what the other one writes, and writes only then. */
static int reads_first(weir_scope *scope, void *args)
{
    struct still *still = *(struct still **)args;
    int who = strcmp(scope->name, "left") == 0 ? 0 : 1;
    weir_item item;
    if (weir_next(still->gens[who], &item)) {
        (void)!weir_put(still->sinks[1 - who], &item);
    }
    return 0;
}

static int cancels(weir_scope *scope, void *args)
{
    struct still *still = *(struct still **)args;
    (void)scope;
    weir_scope_cancel(still->scope);
    return 0;
}

static void post_when_logged(void *arg)
{
    struct still *still = arg;
    wait_for_post(&still->logged);
    (void)!weir_post(still->loop, cancels, &still, sizeof still);
}

static void still_begin(struct still *still)
{
    memset(still, 0, sizeof *still);
    sem_init(&still->logged, 0, 0);
    still->loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = still_log, .log_ctx = still));
    still->scope = weir_scope_new(weir_root(still->loop), NULL);
    for (int i = 0; i < 2; i++) {
        still->gens[i] = weir_queue(
            still->scope, WEIR_OPTIONS(weir_queue_options, .name = i == 0 ? "to-left" : "to-right"),
            &still->sinks[i]);
    }
}

TEST(tasks_that_only_wait_for_each_other_are_logged_once_by_name)
{
    struct still still, *arg = &still;
    uv_thread_t thread;
    if (wr_test_sweeps()) {
        return; /* without one of the tasks the others go on */
    }
    still_begin(&still);
    weir_spawn(still.scope, "left", reads_first, &arg, sizeof arg);
    weir_spawn(still.scope, "right", reads_first, &arg, sizeof arg);
    ck_assert_int_eq(uv_thread_create(&thread, post_when_logged, &still), 0);

    ck_assert_int_eq(weir_scope_wait(still.scope, NULL), 0);

    uv_thread_join(&thread);
    ck_assert_int_eq(still.lines, 1);
    ck_assert_ptr_nonnull(strstr(still.text, "'main' " TEXT_FLOW_WAITS("")));
    ck_assert_ptr_nonnull(strstr(still.text, TEXT_FLOW_TASK_WAITS_FOR_ITEM("left", "to-left")));
    ck_assert_ptr_nonnull(strstr(still.text, TEXT_FLOW_TASK_WAITS_FOR_ITEM("right", "to-right")));
    weir_loop_free(still.loop);
}

static void puts_an_item(void *ctx, int fd, int events)
{
    struct still *still = ctx;
    weir_item item = weir_bytes("x", 1);
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1) {
        (void)!weir_try_put(still->sinks[0], &item);
    }
}

static void write_later(void *arg)
{
    (void)!write(*(int *)arg, "x", 1);
}

TEST(a_loop_with_a_watch_of_the_programs_is_no_deadlock)
{
    struct still still;
    weir_item item;
    int ends[2];
    if (wr_test_sweeps()) {
        return; /* without the watch it is one */
    }
    still_begin(&still);
    ck_assert_int_eq(pipe(ends), 0);
    weir_watch *watch =
        weir_watch_new(still.scope, ends[0], WEIR_READABLE, puts_an_item, &still, NULL);
    weir_timer *timer = weir_timer_new(still.scope, write_later, &ends[1]);
    weir_timer_start(timer, 1);
    ck_assert(weir_next(still.gens[0], &item));
    ck_assert_int_eq(still.lines, 0);
    weir_timer_free(timer);
    weir_watch_free(watch);
    weir_scope_cancel(still.scope);
    ck_assert_int_eq(weir_scope_wait(still.scope, NULL), 0);
    weir_loop_free(still.loop);
    close(ends[0]);
    close(ends[1]);
}

MAIN("loop/service")
