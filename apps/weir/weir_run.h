/*
 * weir_run.h - runs a pipeline from the command line. weir_say.c reports what happened.
 */
#ifndef WEIR_RUN_H
#define WEIR_RUN_H

#include <weir/weir.h>

#include "weir_flags.h"

/* The exit code. */
int run_pipeline(const struct flags *flags);
/* weir_record.c: `weir record`, and `weir check --shatter`. */
struct say;
/* Does the plan go with a recording? 0, or the exit code after a message. */
int record_check(const struct flags *flags, struct say *say, const weir_plan *plan);
/* End the recording and report it; 0, or the exit code after a message. */
int record_end(weir_recorder *recorder, struct say *say, const struct flags *flags,
               const weir_error *ended);
int shatter_pipeline(const struct flags *flags);
/* weir_look.c: `weir check`, explain, graph and fmt. Nothing is opened. */
int check_pipeline(const struct flags *flags);
int explain_pipeline(const struct flags *flags);
int graph_pipeline(const struct flags *flags);
int format_pipeline(const struct flags *flags);
/* `weir state`. */
int run_state(const struct flags *flags);
/* `weir demo`, and what `weir help demo` prints. */
int run_demo(const struct flags *flags);
void demo_usage(void);
/* `weir completion SHELL` and `weir manual [components]`. */
int print_completion(const char *shell);
int print_manual(const char *of);
/* `weir test FILE`. */
int test_cases(const struct flags *flags);
/* `weir init DIR`. */
int init_project(const char *folder);
/* `weir --help`, and parts of it for the manual page. */
void help_all(void);
extern const char help_about[], help_signals[], help_exit[];
extern const char *const help_examples[]; /* ends with NULL */
/* `weir help WORD`, and what it prints for a subcommand, and for `expressions`. */
int help_word(const char *word);
void help_expressions(void);
extern const char help_language[];
/* How a call of a function is written: first(f). */
void help_function(const weir_expr_function *function, char *to, size_t cap);
void command_usage(enum flags_action action);
/* `weir demo --torture`; argv0: this program, which starts itself again. */
int run_torture(const struct flags *flags, const char *argv0);

/* ---- weir_say.c: output to stderr */

enum { SAY_KINDS = 4, SAY_KIND_LEN = 512, SAY_AGAIN_MS = 60 * 1000 };

struct say_kind {
    char name[SAY_KIND_LEN]; /* "": not used */
    char last[SAY_KIND_LEN]; /* the last text that was not shown */
    char origin[64];         /* of it, with --json-log; "": none */
    int level;
    unsigned repeats; /* since it was shown */
    int64_t shown_ms;
};

struct say {
    bool terminal; /* stderr is a terminal */
    bool quiet;
    bool json; /* --json-log */
    int verbose;
    bool draws; /* a status line may be drawn */
    bool drawn; /* the status line is visible, and the cursor is at its start */
    struct say_kind kinds[SAY_KINDS]; /* the last messages, for folding repeats */
    struct say_kind *latest;          /* of the last line; NULL: none */
    int64_t began_ms;
};

int64_t say_now_ms(void);
void say_init(struct say *say, const struct flags *flags);
/* Write one line, after erasing the status line. */
void say_line(struct say *say, const char *format, ...) WEIR_PRINTF(2, 3);
/* The same, for what ends the run before it begins. */
void say_wrong(struct say *say, const char *format, ...) WEIR_PRINTF(2, 3);
/* A text of several lines that is shown as it is, about a mistake in the pipeline's text. */
void say_shown(struct say *say, const char *text);
/* The library's log: weir_loop_options.log. */
void say_log(void *ctx, int level, const char *origin, const char *text);
/* hint: what the user can type to solve it; NULL: none. */
void say_error(struct say *say, const weir_error *error, const char *hint);
/* The ledger and the reconnects. rejects: what table_rejects has written. */
void say_ledger(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                const char *rejects, bool state_saved);
/* The number of rejected items, unless it is 0; also printed when quiet. */
void say_rejected(struct say *say, const weir_ledger *ledger, const char *rejects);
/* What was lost by a drain that took too long. */
void say_lost(struct say *say, const weir_ledger *ledger, const weir_stats *stats);
/* The reader of stdout has left; how many of the items in flight it has read is not known. */
void say_left(struct say *say, const weir_ledger *ledger, const weir_stats *stats);
/* Decide whether a status line may be drawn. If so, ^Z erases it before the process stops.
 * writes_stdout: the pipeline writes to stdout. */
void say_may_draw(struct say *say, weir_loop *loop, bool writes_stdout);
/* Draw the status line, unless this process is in the background. */
void say_status(struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                const char *why);
void say_clear(struct say *say);
/* Say how many messages like the last one were left out. */
void say_folded(struct say *say);
/* 1234567 as "1 234 567"; bytes as "1.2 MiB". */
const char *say_grouped(uint64_t n, char text[32]);
const char *say_sized(uint64_t bytes, char text[32]);

/* The peak of resident memory. */
uint64_t say_peak_bytes(void);
/* The length of the well-formed UTF-8 character at text, which is no control character; 0: it is none. */
size_t say_character_len(const unsigned char *text);

/* ---- weir_say_json.c: the same as lines of JSON, with --json-log */

/* level: as syslog's. origin: NULL or "": none. repeats: so many more like this were left out; 0. */
void json_say(int level, const char *origin, const char *text, unsigned repeats);
void json_ledger(const struct say *say, const weir_ledger *ledger, const weir_stats *stats,
                 const char *rejects, bool state_saved);
/* What a component did; text: as written, or NULL. */
struct json_component {
    const char *name, *text;
    uint64_t in, out, filtered, rejected, dropped, bytes, calls;
    int64_t waited_ns;
};
void json_component(const struct json_component *component);

/* ---- weir_table.c: what each component of a run did */

struct table_row;
struct table {
    struct table_row *rows;
    size_t count;
};

/* For weir_on_end: collect the numbers of a loop's components when they end. arg: the table, zeroed
 * before the first call. */
bool table_take(void *arg, const weir_node *node);
/* Which components have rejected how many items, and where the first one is: " (json: 18, first at
 * line 4 071)"; "" if none has. As snprintf. */
void table_rejects(const struct table *table, const weir_stats *stats, char *to, size_t cap);
/* Write it to stderr in the order of the text. calls: also the number of calls. */
void table_say(const struct table *table, const weir_plan *plan, bool calls, bool json);
void table_free(struct table *table);

/* ---- weir_text.c: the pipeline's text */

/* The text, from the command line or the file of -f; to be freed. NULL after a message. */
char *text_of(const struct flags *flags, struct say *say);
/* What the flags say that belongs to the text. Points to `flags`. */
weir_text_options text_given(const struct flags *flags);
/* Report what is wrong with a text, and what to type instead. */
void text_mistake(const struct flags *flags, struct say *say, const char *text,
                  const weir_error *error);
/* Read it into a plan, and check that the files and flags go with it. 0, or the exit code after a
 * message; *plan may be set all the same. */
int text_plan(const struct flags *flags, struct say *say, weir_plan **plan);
/* What flags can affect, from traits and the types of arguments: a set of enum flags_upon. */
unsigned text_upon(const struct flags *flags, const weir_plan *plan);
/* The options for opening the plan; also fills `http`. */
weir_plan_options text_options(const struct flags *flags, weir_http_options *http);
/* Report that the plan does not go with the flags; returns the exit code. */
int text_refused(struct say *say, const weir_error *error);

#endif
