/*
 * The waits of <weir/wait.h> in generators and in sinks: whatever it is that they wait for, a cancel of
 * their scope, its deadline and its end reach the task that is inside, wherever that belongs.
 * Labels: thread
 */
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>

#include "loop_scope.h"
#include "support_flow.h"
#include "texts_flow.h"

enum kind { ON_FD, ON_WAKER, ON_WORK, ON_SLEEP, KINDS };

struct waiting {
    weir_scope *scope; /* that the waiting thing is made in */
    enum kind kind;
    int fds[2];
    weir_waker waker;
    sem_t go_on;
    int result, waits;
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
    wait_for_post(&((struct waiting *)arg)->go_on);
}

static void unblocks(void *arg)
{
    sem_post(&((struct waiting *)arg)->go_on);
}

static int wait_here(struct waiting *w)
{
    switch (w->kind) {
    case ON_FD: return weir_wait_fd(w->scope, w->fds[0], WEIR_READABLE, WEIR_NONE, "its peer");
    case ON_WAKER: return weir_park(&w->waker, WEIR_NONE, "its callback");
    case ON_WORK:
        return weir_work(w->scope, blocks, w,
                         WEIR_OPTIONS(weir_work_options, .why = "its call", .interrupt = unblocks));
    default: return weir_sleep(w->scope, 1000 * 1000) ? 0 : WEIR_ECANCELED;
    }
}

static void begin(struct waiting *w, weir_scope *scope, weir_scope *of_waker, int kind)
{
    memset(w, 0, sizeof *w);
    w->scope = scope;
    w->kind = (enum kind)kind;
    w->result = 1;
    ck_assert_int_eq(pipe(w->fds), 0);
    weir_waker_init(&w->waker, of_waker);
    sem_init(&w->go_on, 0, 0);
}

static void end(struct waiting *w)
{
    close(w->fds[0]);
    close(w->fds[1]);
    weir_waker_fini(&w->waker);
}

static int waits(weir_gen *self, weir_gen *up, void *args)
{
    struct waiting *w = *(struct waiting **)args;
    weir_item item = weir_bytes("x", 1);
    (void)up;
    w->waits++;
    w->result = wait_here(w);
    if (w->result == WEIR_ECLOSED) {
        return w->result;
    }
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

static size_t source_waits(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct waiting *w = *(struct waiting **)self;
    (void)max;
    w->waits++;
    w->result = wait_here(w);
    if (w->result < 0) {
        weir_gen_error(gen, w->result, 0, "the wait has failed");
        return 0;
    }
    items[0] = weir_bytes("x", 1);
    return weir_give(gen, items, 1);
}

/* A body, a source by a table of functions, or a stage by one over such a body; in a sweep, which
 * runs each test many times, one of them. */
enum { MAKERS = 3 };

static int makers(int most)
{
    return wr_test_sweeps() ? 1 : most;
}

static size_t stage_pulls(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    return weir_pull(gen, items, max);
}

static weir_gen *waits_in(weir_scope *scope, struct waiting *w, int maker)
{
    static const weir_gen_ops source = {.struct_size = sizeof source,
                                        .name = "waits",
                                        .next_many = source_waits},
                              stage = {.struct_size = sizeof stage, .next_many = stage_pulls};
    weir_gen_options options = {.struct_size = sizeof options, .name = "waits"};
    if (maker == 1) {
        return weir_source_new(scope, &source, &w, sizeof w);
    }
    weir_gen *body = weir_gen_new(scope, waits, &w, sizeof w, &options);
    return maker == 0 ? body : weir_stage_new(body, &stage, NULL, 0);
}

struct reading {
    weir_gen *gen;
    bool got;
    int rc;
};

static int reads(weir_scope *scope, void *args)
{
    struct reading *reading = *(struct reading **)args;
    weir_item item;
    (void)scope;
    reading->got = weir_next(reading->gen, &item);
    reading->rc = weir_finish(reading->gen, NULL);
    return 0;
}

/* A body of `scope` waits, and a task elsewhere reads it. */
static void read_elsewhere(weir_scope *elsewhere, struct reading *reading, weir_gen *gen)
{
    *reading = (struct reading){.gen = gen};
    weir_spawn(elsewhere, "reads", reads, &reading, sizeof reading);
    wr_loop_settle(elsewhere->loop);
}

TEST(waits_in_a_generator_are_failed_by_a_cancel_of_its_scope)
{
    for (int way = 0; way < KINDS * makers(MAKERS); way++) {
        int kind = way % KINDS, maker = way / KINDS;
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
                   *elsewhere = weir_scope_new(root, NULL);
        struct waiting w;
        struct reading reading;
        begin(&w, scope, root, kind);
        read_elsewhere(elsewhere, &reading, waits_in(scope, &w, maker));
        ck_assert_int_eq(w.waits, 1);

        weir_scope_cancel(scope);

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), 0);
        ck_assert(!reading.got);
        ck_assert_int_eq(reading.rc, WEIR_ECANCELED);
        ck_assert_int_eq(w.result, WEIR_ECANCELED);
        end(&w);
        weir_loop_free(loop);
    }
}

TEST(waits_in_a_generator_are_failed_by_the_end_of_its_scope)
{
    for (int way = 0; way < KINDS * makers(MAKERS); way++) {
        int kind = way % KINDS, maker = way / KINDS;
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
                   *elsewhere = weir_scope_new(root, NULL);
        struct waiting w;
        struct reading reading;
        begin(&w, scope, root, kind);
        read_elsewhere(elsewhere, &reading, waits_in(scope, &w, maker));
        ck_assert_int_eq(w.waits, 1);

        ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), 0);
        ck_assert(!reading.got);
        ck_assert_int_eq(reading.rc, WEIR_ECLOSED);
        end(&w);
        weir_loop_free(loop);
    }
}

TEST(waits_in_a_generator_end_at_the_deadline_of_its_readers_scope)
{
    for (int way = 0; way < KINDS * makers(MAKERS); way++) {
        int kind = way % KINDS, maker = way / KINDS;
        weir_loop *loop = test_loop();
        loop->virtual_clock = kind == ON_SLEEP; /* it stands still beside the others */
        weir_scope *root = weir_root(loop);
        weir_scope *elsewhere =
            weir_scope_new(root, WEIR_OPTIONS(weir_scope_options, .deadline_ms = 2));
        struct waiting w;
        struct reading reading;
        begin(&w, root, root, kind);
        read_elsewhere(elsewhere, &reading, waits_in(root, &w, maker));

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), WEIR_ETIMEDOUT);

        ck_assert_int_eq(w.result, WEIR_ECANCELED);
        end(&w);
        weir_loop_free(loop);
    }
}

TEST(waits_in_a_source_end_when_its_scope_stops_and_so_does_the_source)
{
    for (int way = 0; way < KINDS * makers(2); way++) {
        int kind = way % KINDS, maker = way / KINDS;
        if (kind == ON_SLEEP) {
            continue;
        }
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
                   *elsewhere = weir_scope_new(root, NULL);
        struct waiting w;
        struct reading reading;
        begin(&w, scope, root, kind);
        read_elsewhere(elsewhere, &reading, waits_in(scope, &w, maker));
        ck_assert_int_eq(w.waits, 1);

        weir_scope_stop(scope);

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), 0);
        ck_assert_int_eq(w.result, WEIR_ECLOSED);
        ck_assert_int_eq(reading.rc, 0);
        end(&w);
        weir_loop_free(loop);
    }
}

TEST(waits_of_a_task_are_not_ended_by_a_stop)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    struct waiting w;
    struct reading reading;
    begin(&w, root, root, ON_WAKER);
    read_elsewhere(scope, &reading, waits_in(root, &w, 0)); /* a source of another scope */
    ck_assert_int_eq(w.waits, 1);

    weir_scope_stop(scope);
    wr_loop_settle(loop);
    ck_assert_int_eq(w.result, 1);
    weir_wake(&w.waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(w.result, 0);
    ck_assert(reading.got);
    end(&w);
    weir_loop_free(loop);
}

TEST(waits_are_told_by_why)
{
    static const char *const texts[] = {"waits " TEXT_FLOW_WAITS("its peer"),
                                        "waits " TEXT_FLOW_WAITS("its callback"),
                                        "waits " TEXT_FLOW_WAITS("its call")};
    for (int way = 0; way < KINDS * makers(2); way++) {
        int kind = way % KINDS, maker = way / KINDS;
        if (kind == ON_SLEEP) {
            continue;
        }
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
        struct waiting w;
        struct reading reading;
        char why[200];
        begin(&w, root, root, kind);
        read_elsewhere(scope, &reading, waits_in(root, &w, maker));
        ck_assert_int_eq(w.waits, 1);
        ck_assert_int_eq(w.result, 1); /* it waits still */

        weir_why(reading.gen, why, sizeof why);

        ck_assert_str_eq(why, texts[kind]);
        weir_scope_cancel(scope);
        ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
        end(&w);
        weir_loop_free(loop);
    }
}

/* ---- in a sink */

static int put_waits(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct waiting *w = *(struct waiting **)self;
    (void)items;
    (void)count;
    w->waits++;
    w->result = wait_here(w);
    return w->result < 0 ? weir_sink_error(sink, w->result, 0, "the wait has failed") : 0;
}

static weir_sink *sink_waits_in(weir_scope *scope, struct waiting *w)
{
    static const weir_sink_ops ops = {
        .struct_size = sizeof ops, .name = "waits", .put_many = put_waits};
    return weir_sink_new(scope, &ops, &w, sizeof w);
}

static int puts_one(weir_scope *scope, void *args)
{
    weir_sink *sink = *(weir_sink **)args;
    weir_item item = weir_bytes("x", 1);
    (void)scope;
    (void)!weir_put(sink, &item);
    (void)!weir_sink_finish(sink, NULL);
    return 0;
}

TEST(waits_in_a_sink_are_failed_by_a_cancel_of_its_scope)
{
    for (int kind = 0; kind < KINDS; kind++) {
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
                   *elsewhere = weir_scope_new(root, NULL);
        struct waiting w;
        begin(&w, scope, root, kind);
        weir_sink *sink = sink_waits_in(scope, &w);
        weir_spawn(elsewhere, "puts", puts_one, &sink, sizeof sink);
        wr_loop_settle(loop);
        ck_assert_int_eq(w.waits, 1);

        weir_scope_cancel(scope);

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), 0);
        ck_assert_int_eq(w.result, WEIR_ECANCELED);
        end(&w);
        weir_loop_free(loop);
    }
}

TEST(waits_in_a_sink_are_failed_by_the_end_of_its_scope)
{
    for (int kind = 0; kind < KINDS; kind++) {
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
                   *elsewhere = weir_scope_new(root, NULL);
        struct waiting w;
        begin(&w, scope, root, kind);
        weir_sink *sink = sink_waits_in(scope, &w);
        weir_spawn(elsewhere, "puts", puts_one, &sink, sizeof sink);
        wr_loop_settle(loop);
        ck_assert_int_eq(w.waits, 1);

        ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

        ck_assert_int_eq(weir_scope_wait(elsewhere, NULL), 0);
        ck_assert_int_lt(w.result, 0);
        end(&w);
        weir_loop_free(loop);
    }
}

MAIN("flow/wait")
