/*
 * loop_race.c - staggered tries: see loop_race.h.
 *
 * Each try runs on a hidden task, so that it can be written like any code that waits. The racing
 * task waits until a try has won, a try has failed, or the delay has passed. Then it starts the
 * next try, or ends the race: it fails the tries that still run and waits for them, because they
 * use the racing task's stack.
 */
#include "loop_race.h"

#include "base_alloc.h"

struct heat {
    const struct wr_race *race;
    struct wr_task *task; /* that races */
    struct runner *runners;
    size_t begun, failed, running;
    int code; /* of the last failure */
    void *won;
};

struct runner {
    struct heat *heat;
    struct wr_task *task; /* NULL: not running */
};

static void fail(struct heat *heat, int code)
{
    heat->failed++;
    heat->code = code;
}

static void runner_main(struct wr_task *task, void *arg)
{
    struct runner *runner = arg;
    struct heat *heat = runner->heat;
    const struct wr_race *race = heat->race;
    void *got = NULL;
    (void)task;
    int rc = race->try(race->ctx, (size_t)(runner - heat->runners), &got);
    if (rc < 0) {
        fail(heat, rc);
    } else if (heat->won == NULL) {
        heat->won = got;
    } else {
        race->drop(got);
    }
    runner->task = NULL;
    heat->running--;
    wr_wake(heat->task, 0);
}

static void begin_next(struct heat *heat)
{
    struct runner *runner = &heat->runners[heat->begun++];
    runner->heat = heat;
    runner->task = wr_task_hidden(heat->task->scope, "try", runner_main, runner);
    if (runner->task != NULL) {
        heat->running++;
    } else {
        fail(heat, WEIR_ENOMEM);
    }
}

static bool more_begin(const struct heat *heat)
{
    return heat->begun < heat->race->count && heat->code != WEIR_ECANCELED &&
           heat->code != WEIR_ETIMEDOUT;
}

/* Wait until a try has won or failed, or the next may start. 0, or the code of this
 * task's failed wait. */
static int await(struct heat *heat, const char *why, struct wr_object *of)
{
    size_t failed = heat->failed;
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(heat->race->loop, &limit, more_begin(heat) ? heat->race->delay_ms : -1);
    while (rc == 0 && heat->won == NULL && heat->failed == failed && heat->running > 0) {
        rc = wr_wait_limited(&limit, why, of);
    }
    wr_limit_stop(&limit);
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

static void give_up(struct heat *heat, struct wr_object *of)
{
    for (size_t i = 0; i < heat->begun; i++) {
        if (heat->runners[i].task != NULL) {
            wr_task_cancel(heat->runners[i].task);
        }
    }
    while (heat->running > 0) {
        (void)wr_park(heat->race->loop, "other tries to end", of);
    }
}

int wr_race(const struct wr_race *race, const char *why, struct wr_object *of, void **got)
{
    struct heat heat = {.race = race, .task = wr_task_now(race->loop, why)};
    int rc = 0;
    *got = NULL;
    heat.runners = wr_zalloc(race->count * sizeof *heat.runners);
    if (heat.runners == NULL) {
        return WEIR_ENOMEM;
    }
    while (rc == 0 && heat.won == NULL && (heat.running > 0 || more_begin(&heat))) {
        if (more_begin(&heat)) {
            begin_next(&heat);
        }
        rc = await(&heat, why, of);
    }
    int code = rc < 0 ? rc : heat.code;
    give_up(&heat, of);
    wr_free(heat.runners);
    *got = heat.won;
    return heat.won != NULL ? 0 : code;
}
