/*
 * sim_work.c - blocking calls without threads, in the place of lib/loop/loop_work.c: the call is made
 * by a timer, some milliseconds later, so the schedule is the seed's.
 *
 * A worker's lanes are not kept apart: the calls of one lane come in the order of their start,
 * because each takes its turn behind the last one.
 */
#include <stdlib.h>

#include "loop_work.h"
#include "sim.h"
#include "support_check.h"

const struct wr_lane wr_lane_state = {"state", false}, wr_lane_files = {"files", false};

struct call {
    struct wr_timer timer;
    struct weir_loop *loop;
    struct wr_work *work;
};

static int64_t last_due_ns; /* of the call that was started last */

void sim_work_begin(void)
{
    last_due_ns = 0;
}

static void on_time(struct wr_timer *timer)
{
    struct call *call = WR_OWNER(timer, struct call, timer);
    struct wr_work *work = call->work;
    free(call);
    work->run(work);
    work->busy = false;
    work->done(work);
}

void wr_work_start(struct weir_loop *loop, struct wr_work *work)
{
    struct call *call = calloc(1, sizeof *call);
    ck_assert_ptr_nonnull(call);
    int64_t now_ns = wr_now_ns(loop);
    int64_t ms = (int64_t)sim_draw(4) == 0 ? (int64_t)sim_draw(200) : (int64_t)sim_draw(5);
    int64_t behind_ms = (last_due_ns - now_ns) / 1000000;
    ms = behind_ms > 0 && behind_ms < 10000 ? ms + behind_ms : ms;
    last_due_ns = now_ns + ms * 1000000;
    call->loop = loop;
    call->work = work;
    work->busy = true;
    wr_timer_init(&call->timer, on_time);
    wr_timer_start(loop, &call->timer, ms);
}

bool wr_work_take_back(struct weir_loop *loop, struct wr_work *work)
{
    (void)loop;
    (void)work;
    return false; /* its time has been drawn */
}

bool wr_work_beside(void (*fn)(void *arg), void *arg)
{
    fn(arg);
    return true;
}
