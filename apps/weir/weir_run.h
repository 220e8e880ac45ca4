/*
 * weir_run.h - running a pipeline from the command line. weir_say.c tells what happened.
 */
#ifndef WEIR_RUN_H
#define WEIR_RUN_H

#include <weir/weir.h>

#include "weir_flags.h"

/* The exit code. */
int run_pipeline(const struct flags *flags);
/* `weir check` and `weir explain`: nothing is opened. */
int check_pipeline(const struct flags *flags);
int explain_pipeline(const struct flags *flags);
/* `weir state`. */
int run_state(const struct flags *flags);
/* `weir demo`, and what `weir help demo` prints. */
int run_demo(const struct flags *flags);
void demo_usage(void);
/* `weir help WORD`, and what it prints for a subcommand. */
int help_word(const char *word);
void command_usage(enum flags_action action);
/* `weir demo --torture`; argv0: this program, to be started again. */
int run_torture(const struct flags *flags, const char *argv0);

/* ---- weir_say.c: what goes to stderr */

struct say {
    bool terminal; /* stderr is one */
    bool quiet;
    int verbose;
    bool draws;     /* a status line may be drawn on it */
    bool drawn;     /* one stands there now, and the cursor at its beginning */
    char last[512]; /* the last message, for folding repeats */
    unsigned repeats;
    int64_t began_ms;
};

int64_t say_now_ms(void);
void say_init(struct say *say, const struct flags *flags);
/* One line, after taking the status line away. */
void say_line(struct say *say, const char *format, ...) WEIR_PRINTF(2, 3);
/* The library's log: weir_loop_options.log. */
void say_log(void *ctx, int level, const char *origin, const char *text);
/* hint: what may be typed against it; NULL: nothing. */
void say_error(struct say *say, const weir_error *error, const char *hint);
/* The ledger and the reconnects. */
void say_ledger(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                bool state_saved);
/* How many items were rejected, if any were: also said when quiet. */
void say_rejected(struct say *say, const weir_ledger *ledger, const weir_stats *stats);
/* What a drain that took too long has lost. */
void say_lost(struct say *say, const weir_ledger *ledger, const weir_stats *stats);
/* The reader of stdout has left; what it has read of the items in flight is not known. */
void say_left(struct say *say, const weir_ledger *ledger, const weir_stats *stats);
/* May a status line be drawn? Then ^Z takes it away before the process stops. writes_stdout: the
 * pipeline does. */
void say_may_draw(struct say *say, weir_loop *loop, bool writes_stdout);
/* Draw the status line, unless this process is in the background. */
void say_status(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                const char *why);
void say_clear(struct say *say);
/* 1234567 as "1 234 567"; bytes as "1.2 MiB". */
const char *say_grouped(uint64_t n, char text[32]);
const char *say_sized(uint64_t bytes, char text[32]);

/* ---- weir_table.c: what each component of a run did */

struct table_row;
struct table {
    struct table_row *rows;
    size_t count;
};

/* Collect the numbers of a loop's components as they end, for weir_on_end; arg: the table, zeroed at
 * first. */
bool table_take(void *arg, const weir_node *node);
/* Write it to stderr in the order of the text. calls: also how often each was asked. */
void table_say(const struct table *table, const weir_plan *plan, bool calls);
void table_free(struct table *table);

#endif
