/*
 * texts_flow.h - what the loop, pipelines and their queues say, as far as a test pins the words:
 * what a generator or a task waits for (weir_why(), the tree of weir_dump()), the byte budget,
 * warnings of the loop, options that cannot be, and the stages.
 *
 * A text that a test compares stands here once, however many tests see it. Codes, origins and
 * numbers of items are compared in the tests. Names of generators, queues and tasks come from the
 * test: they stand before or behind these texts, or are parameters, which are string literals. A
 * message that a test gives to weir itself (weir_gen_error() in its own generator) stays there.
 */
#ifndef WR_TEXTS_FLOW_H
#define WR_TEXTS_FLOW_H

/* ---- what is waited for */

#define TEXT_FLOW_NOT_ASKED "numbers has not been asked yet"
#define TEXT_FLOW_ENDED "numbers has ended"
#define TEXT_FLOW_FAILED "numbers has failed: "
#define TEXT_FLOW_IDLE "is idle: its consumer has not asked for more"
#define TEXT_FLOW_WAITS(what) "waits for " what
#define TEXT_FLOW_TIME "time to pass"
#define TEXT_FLOW_TIME_OF(time) TEXT_FLOW_TIME " (for " time ")"
#define TEXT_FLOW_EMPTY_QUEUE(name) TEXT_FLOW_WAITS("queue '" name "' (empty)")
#define TEXT_FLOW_ITEM_IN_QUEUE "an item in its queue"
#define TEXT_FLOW_ROOM_IN_QUEUE "room in a queue"
#define TEXT_FLOW_TASK_WAITS_FOR_ITEM(task, queue) \
    "'" task "' " TEXT_FLOW_WAITS(TEXT_FLOW_ITEM_IN_QUEUE " ('" queue "')")
#define TEXT_FLOW_READER_TAKES_NONE ": its reader takes no more ("
#define TEXT_FLOW_READER_ACCEPTED_NONE ": its reader has accepted no bytes for 5 s ("
#define TEXT_FLOW_NEXT_TICK TEXT_FLOW_WAITS("the next tick")
#define TEXT_FLOW_EACH_RESUME "weir_each_resume"
#define TEXT_FLOW_TASKS "weir: 2 tasks, "
#define TEXT_FLOW_SCOPE_ROOT "scope 'root': 2 tasks\n"
#define TEXT_FLOW_SCOPE_WORK "scope 'work': 1 task\n"
#define TEXT_FLOW_GENERATOR(name) "generator '" name "'"
#define TEXT_FLOW_DEADLOCK "deadlock"
#define TEXT_FLOW_ALL_WAIT TEXT_FLOW_DEADLOCK ": every task waits for another task"

/* ---- warnings of the loop */

#define TEXT_FLOW_BLOCKED "blocked the loop for 150 ms"
#define TEXT_FLOW_GRACE(task) \
    "task '" task "' did not finish within its grace period (waiting for " TEXT_FLOW_TIME ")"

/* ---- the byte budget */

#define TEXT_FLOW_BUDGET_OF "of 921600 bytes"
#define TEXT_FLOW_BUDGET_GONE                                                                     \
    "cannot get 131072 bytes more from the loop's byte budget (524288 of 524288 bytes are used, " \
    "0 "                                                                                          \
    "of them by lists of items, which may use half), and every task that could release some "     \
    "waits "                                                                                      \
    "for more; set a larger weir_loop_options.budget_bytes"
#define TEXT_FLOW_BUDGET_WAIT "lines " TEXT_FLOW_WAITS("budget: 524288 of 524288 bytes held by")
#define TEXT_FLOW_BUDGET_HELD "%lld of %lld bytes held by lines (%lld), which waits, others (%lld)"
#define TEXT_FLOW_ITEMS_HELD "items that were given are still held"

/* ---- queues, rejected items, stages */

#define TEXT_FLOW_FULL "is full (3 items"
#define TEXT_FLOW_ITEM_REJECTED "item 2: "
#define TEXT_FLOW_DEAD_FAILED "rejected items cannot be kept: "
#define TEXT_FLOW_BAD_RECORD "record 2 (at byte 2): invalid record length"

/* ---- options that cannot be */

#define TEXT_FLOW_INVALID(option, value) "invalid option " option ": " value
#define TEXT_FLOW_NEEDS_PATH "needs a path"

#endif
