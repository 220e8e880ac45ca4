/*
 * sim_wrong.c - what is wrong on purpose, to see the simulation find it. The linker leads the calls
 * here (--wrap), so the library knows nothing of it. SIM_WRONG says what is wrong:
 *
 *     wake      one in some hundreds of the calls that make a task ready is lost
 *     receipt   a commit forgets the receipts of what was put
 *     rest      tail does not look for the rest of files that were renamed before it begins
 *
 * A position that is saved before the commit is a build of flow_state.c: sim_early.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes_receipt.h"
#include "loop_wait.h"

enum { WAKE_EVERY = 211, RECEIPT_EVERY = 97 };

static bool is_wrong(const char *what)
{
    const char *word = getenv("SIM_WRONG");
    return word != NULL && strcmp(word, what) == 0;
}

void __real_wr_wake(struct wr_task *task, int code);
void __wrap_wr_wake(struct wr_task *task, int code);
void __wrap_wr_wake(struct wr_task *task, int code)
{
    static unsigned long calls;
    if (code != 0 || !is_wrong("wake") || ++calls % WAKE_EVERY != 0) {
        __real_wr_wake(task, code);
    }
}

void __real_wr_runs_let_go(struct wr_runs *runs, enum wr_act act);
void __wrap_wr_runs_let_go(struct wr_runs *runs, enum wr_act act);
void __wrap_wr_runs_let_go(struct wr_runs *runs, enum wr_act act)
{
    static unsigned long calls;
    if (act == WR_ACT_COMMIT && is_wrong("receipt") && ++calls % RECEIPT_EVERY == 0) {
        runs->count = 0;
    }
    __real_wr_runs_let_go(runs, act);
}

struct wr_tail;
int __real_wr_tail_continue_earlier(struct wr_tail *tail);
int __wrap_wr_tail_continue_earlier(struct wr_tail *tail);
int __wrap_wr_tail_continue_earlier(struct wr_tail *tail)
{
    return is_wrong("rest") ? 0 : __real_wr_tail_continue_earlier(tail);
}
