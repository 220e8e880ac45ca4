/*
 * weir_flags.h - the command line, read into one struct. Nothing is opened here.
 */
#ifndef WEIR_FLAGS_H
#define WEIR_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plan.h>

enum { FLAGS_HEADERS_MAX = 64, FLAGS_VARIABLES_MAX = 256 };

/* Exit codes; the whole list is in `weir --help`. */
enum {
    EXIT_FINISHED = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_LOST = 3,
    EXIT_CONNECT = 4,
    EXIT_TIME = 124
};

enum flags_action {
    ACTION_RUN = 0,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_DEMO,
    ACTION_LIST,
    ACTION_CHECK,
    ACTION_EXPLAIN,
    ACTION_STATE,
    ACTION_WORD,
    ACTION_FORMAT,
    ACTION_GRAPH,
    ACTION_COMPLETION,
    ACTION_MANUAL,
    ACTION_INIT,
    ACTION_TEST,
    ACTION_RECORD,
    ACTION_REPLAY
};

struct flags {
    enum flags_action action;
    const char *text;         /* the pipeline; NULL with -f */
    const char *text_file;    /* -f */
    const char *const *files; /* arguments after the text; for `state` and `test`: theirs */
    size_t files_count;
    const char *headers[FLAGS_HEADERS_MAX];
    size_t headers_count;
    weir_variable variables[FLAGS_VARIABLES_MAX]; /* --arg, --argjson, --env */
    size_t variables_count;
    uint64_t given; /* a bit for each flag in the command line */
    const char *unix_socket, *user, *ca_file, *ca_folder, *cert_file, *key_file, *state_folder,
        *state_name, *dead_file;
    const char *output;  /* -o, of record; NULL: none */
    const char *shatter; /* --shatter, of check; NULL: none */
    const char *word;    /* for help, completion, manual and init; for `list`: NULL or a kind */
    int64_t count;       /* -c; -1: all */
    int64_t for_ms, max_time_ms;                      /* 0: no limit */
    int64_t connect_ms, idle_ms, drain_ms, mem_bytes; /* 0: the default */
    int64_t retry_after_max_ms;                       /* 0: the default */
    int32_t retries;                                  /* 0: the default */
    const char *format;                               /* --format; NULL: none */
    weir_begin begin;                                 /* --from; kind 0: none, or `stored` */
    bool json;                                        /* --json-log */
    bool from_stored, to_end;                         /* --from stored; --end */
    bool raw_strings, pretty, envelope;
    bool follow, insecure, quiet, raw, strict, state_required, durable, torture, virtual_clock;
    int verbose;
    const char *demo_address; /* ":PORT" or "HOST:PORT" */
    const char *demo_log;     /* --log; NULL: none */
    const char *demo_syslog;  /* --syslog; NULL: none */
    int64_t demo_lines;       /* --lines; 0: without end */
    int64_t demo_rate;        /* --rate, a second; 0: the default */
    uint64_t seed;            /* 0: from the clock */
};

/* The parts of a pipeline that a flag can affect. */
enum flags_upon {
    UPON_URL = 1,         /* an HTTP source or sink */
    UPON_URL_SOURCE = 2,  /* an HTTP source */
    UPON_PEER = 4,        /* a component that connects */
    UPON_PEER_SOURCE = 8, /* a source that connects */
    UPON_TLS = 16,        /* a component whose peer may have a certificate */
    UPON_REJECTS = 32,    /* a component that rejects items */
    UPON_LIMIT = 64,      /* the limit on the length of a line */
    UPON_STDOUT = 128,    /* standard output */
    UPON_JSON = 256,      /* items that are JSON, on standard output */
    UPON_POSITION = 512   /* a source with a position */
};
/* The name of a given flag that affects no part of this pipeline (has: a set of enum flags_upon),
 * and why; NULL: there is none. */
const char *flags_vain(const struct flags *flags, unsigned has, const char **why);
/* 0: continue; else the exit code, after a message. */
int flags_read(int argc, char **argv, struct flags *flags);
/* The index-th flag that help shows; false past the last. argument NULL: it takes none. */
struct flag_help {
    char letter; /* 0: none */
    const char *name;
    const char *argument; /* one word, or two */
    const char *help;
};
bool flags_at(size_t index, struct flag_help *to);
/* Print a mistake in the command line to stderr; returns EXIT_USAGE. */
int flags_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* weir_variables.c: the variables of --env NAME,...; and of --arg NAME VALUE or --argjson NAME JSON,
 * where VALUE may be empty and is overwritten in argv. Both return as flags_read. */
int flags_add_environment(struct flags *flags, const char *names);
int flags_add_variable(struct flags *flags, bool json, const char *name, char *text);
/* weir_words.c: take the words that are not flags, after all flags have been read. `words` must
 * live as long as `flags`. Returns as flags_read. */
int flags_take_words(struct flags *flags, const char **words, size_t count);
/* The index-th subcommand that help shows; false past the last. */
struct command_help {
    const char *name;
    const char *words; /* what follows the name; "": nothing */
    const char *help;
};
bool flags_command_at(size_t index, struct command_help *to);
/* The subcommand with this name; ACTION_RUN: there is none. */
enum flags_action flags_command(const char *name);
/* Is this a flag (by its name, or by its letter if the name is NULL) or a subcommand that is not in
 * this version? *hint: what to type instead, or NULL. */
bool planned_flag(const char *name, char letter, const char **hint);
bool planned_word(const char *name, const char **hint);
/* The same for the name of a stage; len 0 means an expression. */
bool planned_stage(const char *name, size_t len, const char **hint);

#endif
