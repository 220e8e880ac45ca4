/*
 * test_loop_core.c - tasks, timers and the loop's rounds.
 * Labels: thread
 */
#include <weir/loop.h>

#include "base_fault.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "support_clock.h"
#include "support_loop.h"
#include "texts_flow.h"

TEST(tasks_start_in_the_order_of_their_spawning)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    spawn(scope, 'a', 0, 0);
    spawn(scope, 'b', 0, 0);
    spawn(scope, 'c', 0, 0);
    note('-');
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "-abc");
    weir_loop_free(loop);
}

TEST(a_loop_without_tasks_is_freed)
{
    weir_loop_free(start());
    weir_loop_free(NULL);
}

struct parker {
    struct wr_task **out;
    int *got;
};

static int park_task(weir_scope *scope, void *args)
{
    struct parker *parker = args;
    *parker->out = wr_task_now(scope->loop, "test");
    *parker->got = wr_wait(scope->loop, "a test", NULL);
    note('w');
    return 0;
}

TEST(a_parked_task_returns_what_it_is_woken_with)
{
    weir_loop *loop = start();
    struct wr_task *task = NULL;
    int got = 1;
    struct parker parker = {&task, &got};

    weir_spawn(weir_root(loop), "parker", park_task, &parker, sizeof parker);
    wr_loop_settle(loop);
    ck_assert_ptr_nonnull(task);
    ck_assert_str_eq(task->why, "a test");
    wr_wake(task, -77);
    wr_wake(task, -78); /* not parked any more: nothing */
    wr_loop_settle(loop);

    ck_assert_int_eq(got, -77);
    ck_assert_str_eq(trace, "w");
    weir_loop_free(loop);
}

TEST(sleeps_end_in_the_order_of_their_times)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int64_t began = wr_now_ns(loop);

    spawn(scope, 'c', 300, 0);
    spawn(scope, 'a', 100, 0);
    spawn(scope, 'b', 200, 0);
    spawn(scope, 'B', 200, 0);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "abBc");
    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 300);
    weir_loop_free(loop);
}

TEST(main_sleeps_without_a_task_of_its_own)
{
    weir_loop *loop = start();
    int64_t began = wr_now_ns(loop);

    ck_assert(weir_sleep(weir_root(loop), 3600 * 1000));

    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 3600 * 1000);
    weir_loop_free(loop);
}

TEST(now_tells_the_time_of_the_loop_and_its_date)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    int64_t began = weir_now(root);

    ck_assert_int_eq(weir_now_unix(root), 1700000000000000000);
    ck_assert(weir_sleep(root, 250));

    ck_assert_int_eq(weir_now(root) - began, 250 * 1000000);
    ck_assert_int_eq(weir_now_unix(root), 1700000000250000000);
    weir_loop_free(loop);
}

TEST(a_virtual_clock_begins_where_it_is_set_and_waits_for_nothing)
{
    const int64_t start_ns = INT64_C(1577836800) * 1000000000;
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .virtual_ns = start_ns));
    ck_assert(loop != NULL);
    ck_assert_int_eq(weir_now_unix(weir_root(loop)), start_ns);
    ck_assert(weir_sleep(weir_root(loop), 3600 * 1000));
    ck_assert_int_eq(weir_now_unix(weir_root(loop)), start_ns + INT64_C(3600) * 1000000000);
    weir_loop_free(loop);
}

TEST(a_seed_repeats_the_random_numbers_of_a_loop)
{
    uint64_t drawn[3];
    for (size_t i = 0; i < 3; i++) {
        weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .seed = i < 2 ? 7 : 8));
        ck_assert(loop != NULL);
        drawn[i] = wr_random(loop);
        weir_loop_free(loop);
    }
    ck_assert_uint_eq(drawn[0], drawn[1]);
    ck_assert_uint_ne(drawn[0], drawn[2]);
}

TEST(now_moves_on_while_a_task_computes)
{
    weir_loop *loop = weir_loop_new(NULL); /* on the real clock */
    ck_assert_ptr_nonnull(loop);
    weir_scope *root = weir_root(loop);
    int64_t began = weir_now(root);

    while (weir_now(root) == began) {}

    weir_loop_free(loop);
}

static int64_t starved_ns, late_ms; /* another program runs for late_ms while we look */

static int64_t starved_look(void *ctx)
{
    struct slow_clock *clock = ctx;
    clock->now_ns += late_ms * 1000000;
    starved_ns += late_ms * 1000000;
    late_ms = 0;
    return starved_ns;
}

static void warning_noted(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)origin;
    note(level == 4 && strstr(text, TEXT_FLOW_BLOCKED) != NULL ? 'w' : '?');
}

/* A task that takes long, and for how much of that another program runs. */
struct hog {
    struct slow_clock *clock;
    int64_t took_ms, starved_ms;
};

static int hogs(weir_scope *scope, void *args)
{
    (void)scope;
    struct hog *hog = args;
    hog->clock->now_ns += hog->took_ms * 1000000;
    starved_ns += hog->starved_ms * 1000000;
    return 0;
}

static void play_hog(int64_t took_ms, int64_t starved_ms)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = warning_noted));
    ck_assert_ptr_nonnull(loop);
    struct slow_clock clock;
    slow_clock_begin(loop, &clock, 100000);
    loop->clock.starved_ns = starved_look;
    struct hog hog = {&clock, took_ms, starved_ms};

    note('-');
    weir_spawn(weir_root(loop), "hog", hogs, &hog, sizeof hog);
    ck_assert(weir_sleep(weir_root(loop), 1)); /* in another round */
    weir_loop_free(loop);
}

TEST(a_task_blocks_the_loop_by_what_it_does_and_not_by_what_other_programs_do)
{
    trace[0] = '\0';
    starved_ns = 7000000000;

    play_hog(150, 0);
    play_hog(250, 200);
    play_hog(400, 250);
    play_hog(90, 0);
    late_ms = 150;
    play_hog(10, 0);

    ck_assert_str_eq(trace, "-w--w--");
}

struct clocked {
    struct wr_timer timer;
    char letter;
};

static void on_clocked(struct wr_timer *timer)
{
    note(WR_OWNER(timer, struct clocked, timer)->letter);
}

TEST(timers_fire_by_time_then_by_start_and_not_when_stopped)
{
    static const int64_t due_ms[8] = {70, 10, 50, 10, 30, 0, 90, 50};
    weir_loop *loop = start();
    struct clocked timers[8];

    for (int i = 0; i < 8; i++) {
        timers[i].letter = (char)('a' + i);
        wr_timer_init(&timers[i].timer, on_clocked);
        wr_timer_start(loop, &timers[i].timer, due_ms[i]);
    }
    wr_timer_stop(loop, &timers[4].timer);
    wr_timer_start(loop, &timers[6].timer, 5);
    ck_assert(weir_sleep(weir_root(loop), 1000));

    ck_assert_str_eq(trace, "fgbdcha");
    weir_loop_free(loop);
}

static int pausing_task(weir_scope *scope, void *args)
{
    int turns = *(int *)args;
    while (turns-- > 0 && wr_pause(scope->loop, NULL) == 0) {
        note('p');
    }
    return 0;
}

struct hooked {
    struct wr_before_poll hook;
    int runs;
};

static void on_hook(struct wr_before_poll *hook)
{
    WR_OWNER(hook, struct hooked, hook)->runs++;
    note('h');
}

TEST(hooks_run_before_the_poll_also_beside_a_task_that_only_pauses)
{
    weir_loop *loop = start();
    struct hooked hooked = {.runs = 0};
    int turns = 3;

    weir_spawn(weir_root(loop), "pausing", pausing_task, &turns, sizeof turns);
    wr_before_poll_init(&hooked.hook, on_hook);
    wr_before_poll_enrol(loop, &hooked.hook);
    wr_before_poll_enrol(loop, &hooked.hook);
    wr_loop_settle(loop);

    ck_assert_int_eq(hooked.runs, 1);
    ck_assert_str_eq(trace, "hppp");
    weir_loop_free(loop);
}

enum { PAUSING = 40, EACH = 5 };

struct turns {
    uint64_t round;
    int in_round, most_in_round, woken_after;
    int ran[PAUSING];
    struct wr_task *woken;
};

struct turn_taker {
    struct turns *all;
    int number;
};

static int turn_taking_task(weir_scope *scope, void *args)
{
    const struct turn_taker *self = args;
    struct turns *all = self->all;
    while (all->ran[self->number] < EACH && wr_pause(scope->loop, NULL) == 0) {
        all->in_round = scope->loop->turns == all->round ? all->in_round + 1 : 1;
        all->round = scope->loop->turns;
        all->most_in_round =
            all->in_round > all->most_in_round ? all->in_round : all->most_in_round;
        all->ran[self->number]++;
        for (int other = 0; other < PAUSING; other++) {
            ck_assert_int_le(all->ran[self->number], all->ran[other] + 1);
        }
        if (self->number == 0 && all->ran[0] == 1) {
            wr_wake(all->woken, 0);
        }
    }
    return 0;
}

static int woken_task(weir_scope *scope, void *args)
{
    struct turns *all = *(struct turns **)args;
    all->woken = wr_task_now(scope->loop, "test");
    (void)wr_wait(scope->loop, "a test", NULL);
    for (int i = 0; i < PAUSING; i++) {
        all->woken_after += all->ran[i];
    }
    return 0;
}

struct busy {
    struct slow_clock *clock;
    long asks;          /* in all */
    int64_t ask_ns;     /* what each takes */
    int64_t longest_ns; /* of its turns */
    long looks;         /* at the clock */
};

/* Never waits. */
static int busy_task(weir_scope *scope, void *args)
{
    struct busy *busy = *(struct busy **)args;
    int64_t began_ns = busy->clock->now_ns;
    long looks = busy->clock->looks;
    uint64_t turn = scope->loop->turns;
    for (long i = 0; i < busy->asks && wr_turn(scope->loop, NULL) == 0; i++) {
        if (scope->loop->turns != turn) {
            turn = scope->loop->turns;
            began_ns = busy->clock->now_ns;
        }
        busy->clock->now_ns += busy->ask_ns;
        busy->longest_ns = WR_MAX(busy->longest_ns, busy->clock->now_ns - began_ns);
    }
    busy->looks = busy->clock->looks - looks;
    return 0;
}

static void run_busy(struct busy *busy, int count, long asks, int64_t ask_ns)
{
    weir_loop *loop = start();
    struct slow_clock clock;
    slow_clock_begin(loop, &clock, 25);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    for (int i = 0; i < count; i++) {
        busy[i] = (struct busy){.clock = &clock, .asks = asks, .ask_ns = ask_ns};
        struct busy *args = &busy[i];
        weir_spawn(scope, "busy", busy_task, &args, sizeof args);
    }
    ck_assert_int_eq(wait_for(scope), 0);
    weir_loop_free(loop);
}

TEST(a_turn_of_a_task_that_never_waits_is_over_by_time_whatever_it_does)
{
    struct busy busy[2];
    for (int64_t ask_ns = 10; ask_ns <= 1000000; ask_ns *= 10) {
        run_busy(busy, 2, WR_MIN(20 * WR_TURN_NS / ask_ns, 100000) + 20, ask_ns);
        ck_assert_int_le(busy[0].longest_ns, WR_TURN_NS + WR_TURN_NS / 4 + 3 * ask_ns);
        ck_assert_int_le(busy[1].longest_ns, WR_TURN_NS + WR_TURN_NS / 4 + 3 * ask_ns);
    }
}

TEST(a_task_that_never_waits_seldom_looks_at_the_clock)
{
    struct busy busy;
    run_busy(&busy, 1, 1000000, 10);
    ck_assert_int_le(busy.looks, 1000000 / 100);
}

TEST(tasks_that_pause_share_a_slice_of_each_round_and_others_do_not_wait_for_all_of_them)
{
    weir_loop *loop = weir_loop_new(NULL);
    struct slow_clock clock;
    struct turns turns = {.round = UINT64_MAX}, *all = &turns;
    ck_assert_ptr_nonnull(loop);
    slow_clock_begin(loop, &clock, 100 * 1000);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    weir_spawn(scope, "woken", woken_task, &all, sizeof all);
    for (int i = 0; i < PAUSING; i++) {
        struct turn_taker taker = {&turns, i};
        weir_spawn(scope, "turns", turn_taking_task, &taker, sizeof taker);
    }
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_int_le(turns.most_in_round, 5);
    ck_assert_int_le(turns.woken_after, 5);
    for (int i = 0; i < PAUSING; i++) {
        ck_assert_int_eq(turns.ran[i], EACH);
    }
    weir_loop_free(loop);
}

static void on_loop_stack(void *arg)
{
    weir_loop *loop = *(weir_loop **)arg;
    note(loop->task == NULL ? 'L' : '?');
}

static int calling_task(weir_scope *scope, void *args)
{
    (void)args;
    weir_loop *loop = scope->loop;
    wr_call_on_loop_stack(loop, on_loop_stack, &loop);
    note('t');
    return 0;
}

TEST(a_call_on_the_loop_stack_comes_back_to_its_task)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    wr_call_on_loop_stack(loop, on_loop_stack, &loop); /* before the scheduler has ever run */
    note('m');
    weir_spawn(scope, "calling", calling_task, NULL, 0);
    wr_call_on_loop_stack(loop, on_loop_stack, &loop);
    note('m');
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "LmLmLt");
    weir_loop_free(loop);
}

static int counting_task(weir_scope *scope, void *args)
{
    int *count = *(int **)args;
    bool slept = weir_sleep(scope, 10);
    *count += slept ? 1 : 0;
    return 0;
}

/* ThreadSanitizer's fibers are slow to make. */
#if defined(__SANITIZE_THREAD__)
enum { MANY = 500 };
#else
enum { MANY = 10000 };
#endif

TEST(ten_thousand_tasks_wait_at_once)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int count = 0, *where = &count;

    for (int i = 0; i < MANY; i++) {
        weir_spawn(scope, "counting", counting_task, &where, sizeof where);
    }
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_int_eq(count, MANY);
    weir_loop_free(loop);
}

TEST(a_loop_without_memory_is_null_or_works)
{
    bool fired = true;
    for (uint64_t k = 1; fired; k++) {
        wr_fault_set(k, false);
        weir_loop *loop = weir_loop_new(NULL);
        fired = wr_fault_fired() > 0;
        wr_fault_set(0, false);
        ck_assert(loop != NULL || fired);
        ck_assert(loop == NULL || weir_sleep(weir_root(loop), 0));
        weir_loop_free(loop);
    }
}

MAIN("loop/core")
