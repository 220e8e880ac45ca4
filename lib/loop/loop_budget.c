/*
 * loop_budget.c - waiting for the loop's byte budget, and knowing when to give up.
 *
 * A task that finds no room (WEIR_EBUDGET of wr_block_new) waits here. Each release wakes all
 * waiters, and each tries again. When no task is ready, the loop checks before it polls whether any
 * task can still release a byte. If none can, the latest waiter fails with WEIR_EBUDGET. That is
 * the case when
 *
 * A. every byte that is charged is in blocks that the waiters themselves hold: the unfinished
 *    lines of a reader, the batch that grows above it. These are released only when their
 *    waiter continues. Blocks are marked while they are counted, so that a block that two
 *    waiters hold counts once.
 * B. on a loop that weir owns, every task waits for another task: for the budget, for a queue, for
 *    a pull (wr_wait_for_task), and no timer is armed. Then nothing moves any more, even if
 *    something else holds the bytes (kept items, for example).
 *
 * Both rules are certain. A task that waits for a timer, a descriptor or another thread may hold
 * items that it will release. So while there is such a task, only A applies: a slow reader is never
 * treated as a dead one. In B only weir_post or a signal could still help, and a stream that needs
 * those to continue does not wait for its budget. On an attached loop the program's own callbacks
 * may release items, so B does not apply there. When neither rule detects a starved loop, weir_why
 * shows how much of the budget is held, and by what.
 *
 * Only one waiter fails at a time: the bytes that it held may let the others continue.
 */

#include "base_print.h"
#include "loop_wait.h"

const char wr_budget_why[] = "room in the loop's byte budget";

void wr_budget_freed(struct wr_budget *budget)
{
    struct weir_loop *loop = WR_OWNER(budget, struct weir_loop, budget);
    for (struct wr_list *node = loop->budget_waiters.next; node != &loop->budget_waiters;
         node = node->next) {
        struct wr_budget_wait *wait = WR_OWNER(node, struct wr_budget_wait, link);
        wr_wake(wait->task, 0);
    }
}

int wr_budget_wait(struct weir_loop *loop, struct wr_object *of)
{
    struct wr_budget_wait wait = {.task = wr_task_now(loop, "a wait for memory"), .of = of};
    wr_list_init(&wait.link);
    wr_list_append(&loop->budget_waiters, &wait.link);
    loop->budget.waiters++;
    loop->budget_news = true;
    int rc = wr_wait_for_task(loop, wr_budget_why, of);
    loop->budget.waiters--;
    wr_list_remove(&wait.link);
    return rc;
}

/* The bytes that one waiter holds and that are not counted yet. */
static int64_t held_by(const struct wr_budget_wait *wait, uint32_t mark)
{
    const struct wr_object *of = wait->of;
    return of != NULL && of->ops->held != NULL ? of->ops->held(of, mark) : 0;
}

/* Rule A. It can only become true when a new waiter arrives. */
static bool waiters_hold_all(struct weir_loop *loop)
{
    if (!loop->budget_news) {
        return false;
    }
    loop->budget_news = false;
    int64_t held = 0;
    uint32_t mark = ++loop->budget_mark;
    for (struct wr_list *node = loop->budget_waiters.next; node != &loop->budget_waiters;
         node = node->next) {
        held += held_by(WR_OWNER(node, struct wr_budget_wait, link), mark);
    }
    return held > 0 && held >= loop->budget.used;
}

static bool waits_for_task(const struct wr_task *task)
{
    return task->state == WR_TASK_PARKED && task->for_task;
}

/* Rule B. */
bool wr_nothing_moves(const struct weir_loop *loop)
{
    if (!loop->owned || loop->fds_waited > 0 || loop->callbacks > 0 ||
        wr_timers_next(&loop->timers) != INT64_MAX || !waits_for_task(&loop->outer)) {
        return false;
    }
    for (const struct wr_list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        if (!waits_for_task(WR_OWNER((uintptr_t)node, struct wr_task, all_link))) {
            return false;
        }
    }
    return true;
}

static void add_task(struct wr_print *text, const struct wr_task *task)
{
    const struct wr_object *of = task->why_of;
    bool named = of != NULL && of->name[0] != '\0';
    wr_printf(text, "%s'%s' waits for %s%s%s%s", text->len > 0 ? ", " : "", task->name, task->why,
              named ? " ('" : "", named ? of->name : "", named ? "')" : "");
}

void wr_still_look(struct weir_loop *loop)
{
    char text[400];
    struct wr_print print;
    if (loop->stillness_logged || loop->from_outside || !wr_nothing_moves(loop)) {
        return;
    }
    loop->stillness_logged = true;
    wr_print_to(&print, text, sizeof text);
    add_task(&print, &loop->outer);
    for (const struct wr_list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        add_task(&print, WR_OWNER((uintptr_t)node, struct wr_task, all_link));
    }
    wr_log(&loop->log, WR_LOG_WARNING, "loop", "deadlock: %s; only weir_post or a signal can help",
           text);
}

void wr_budget_look(struct weir_loop *loop)
{
    if (wr_list_empty(&loop->budget_waiters)) {
        return;
    }
    if (waiters_hold_all(loop) || wr_nothing_moves(loop)) {
        struct wr_budget_wait *last =
            WR_OWNER(loop->budget_waiters.prev, struct wr_budget_wait, link);
        wr_wake(last->task, WEIR_EBUDGET);
    }
}

size_t wr_budget_tell(struct weir_loop *loop, char *text, size_t cap)
{
    int64_t used = loop->budget.used, others = used;
    uint32_t mark = ++loop->budget_mark;
    struct wr_print print;
    wr_print_to(&print, text, cap);
    wr_printf(&print, "%lld of %lld bytes held by", (long long)used, (long long)loop->budget.limit);
    for (struct wr_list *node = loop->budget_waiters.next; node != &loop->budget_waiters;
         node = node->next) {
        const struct wr_budget_wait *wait = WR_OWNER(node, struct wr_budget_wait, link);
        int64_t held = held_by(wait, mark);
        if (held > 0) {
            wr_printf(&print, " %s (%lld), which waits,", wait->of->name, (long long)held);
        }
        others -= held;
    }
    wr_printf(&print, " others (%lld)", (long long)others);
    return print.len;
}
