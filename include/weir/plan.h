/*
 * plan.h - the pipeline text, which the command and a program can run.
 *
 * The idea. A text such as  https://host/feed | grep "error" | head 10 | file out.txt  is read into
 * a plan. Nothing is opened. Every mistake is found then, and is reported with its place in the
 * text and what to type instead. Opening a plan makes the same generators and the same sink that a
 * program would make by hand with <weir/source.h>, <weir/stage.h> and <weir/sink.h>. They are lazy,
 * so nothing is connected before the first pull.
 *
 *     weir_error error;
 *     weir_plan *plan = weir_plan_read("gen 1..10 | skip 2 | head 3", NULL, &error);
 *     weir_gen *gen;
 *     weir_sink *sink;
 *     int rc = weir_plan_open(plan, scope, NULL, &gen, &sink, &error);
 *     if (rc == 0) {
 *         rc = weir_pump(gen, sink, &error);
 *     }
 *     weir_plan_free(plan);
 *
 * The text. Stages are separated by '|', which separates wherever it is not inside quotes ("...",
 * `...`, '...') or brackets. A '#' at the start of a word begins a comment that ends with the line;
 * a line end is a space. "..." has JSON's escapes, `...` and '...' have none. Sizes are written
 * 64KiB, 64K (both 65536) or 64KB (64000), times 500ms or 1m30s. A source is allowed only in the
 * first place; without one, standard input is read. A sink is allowed only in the last place. A
 * component may take chains of its own, in { }. A component that may reject items takes
 * on-error=skip (count and log them), stop (fail) or dead (write them to the dead sink of
 * weir_plan_options). weir_component_at() lists all components (module.h).
 *
 * Lifetime.  A plan is plain memory and belongs to no loop. Objects that were opened from it do not
 *            need it any more. Texts that a plan gives live as long as the plan.
 * Failure.   NULL and a weir_error: WEIR_EPARSE with the byte offset of the mistake, WEIR_EINVAL or
 *            WEIR_ENOMEM.
 * Threads.   Reading uses only memory, except that it loads modules that the text names. A plan is
 *            not changed after it was read, so threads may share it.
 */
#ifndef WEIR_PLAN_H
#define WEIR_PLAN_H

#include <weir/expression.h>
#include <weir/gen.h>
#include <weir/module.h>
#include <weir/sink.h>
#include <weir/source.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_plan weir_plan;

/* The kind of mistake in a text: weir_error.detail of WEIR_EPARSE, and the last of WEIR_EINVAL. */
enum weir_plan_mistake {
    WEIR_PLAN_MISTAKE = 0,    /* any other than the following */
    WEIR_PLAN_UNKNOWN = 1,    /* a component begins at weir_error.offset, and its name or scheme is
                                unknown */
    WEIR_PLAN_EXPRESSION = 2, /* an expression is there, and no component takes one */
    WEIR_PLAN_NO_DEAD = 3     /* on-error=dead, and weir_plan_options.dead is NULL */
};

/* What belongs to a text. NULL: all defaults. Nothing in it is needed after the call, which copies
 * the values. */
typedef struct weir_text_options {
    size_t struct_size;
    /* Name of the file that the text comes from. Errors then begin with NAME:LINE, and lines with
     * options (@state DIR, @name NAME, @mem SIZE) may come before the pipeline. NULL: the text is
     * not from a file. */
    const char *name;
    const weir_variable *variables; /* no two with the same name */
    size_t variables_count;
    /* The files of weir_plan_options, if they are known: where the pipeline uses values and has no
     * source, the ending of its name says how each is decoded. None: standard input, each line of
     * which is one value then. */
    const char *const *files;
    size_t files_count;
} weir_text_options;

/*
 * Read a text. Opens nothing.
 *
 * text     at most 1 MiB.
 * options  NULL is allowed.
 * error    [out] WEIR_EPARSE: message is one line with the hint; offset is the place in the text,
 *          detail one of enum weir_plan_mistake. WEIR_EINVAL: a value of the options is invalid;
 *          message names it and does not show its text. WEIR_ENOMEM.
 * Returns  the plan; free it with weir_plan_free. NULL: *error has the reason.
 */
WEIR_API WEIR_MUST_CHECK weir_plan *weir_plan_read(const char *text,
                                                   const weir_text_options *options,
                                                   weir_error *error);
/* Free a plan; NULL is allowed. */
WEIR_API void weir_plan_free(weir_plan *plan);

/*
 * Write the full form of a mistake: the message, the line of the text, and a line with carets and
 * the hint.
 *
 *     unknown stage 'bach'
 *       https://host/f | bach 100
 *                        ^^^^ did you mean 'batch'?
 *
 * Reads the text again, so it may be called at any time after weir_plan_read has failed with the
 * same arguments.
 *
 * to, cap  [out] as for snprintf: always terminated when cap is not 0, cut when it does not fit.
 * Returns  the length of the whole message, which has no line end at its end; 0 when the text has
 *          no mistake.
 */
WEIR_API size_t weir_plan_error_text(const char *text, const weir_text_options *options, char *to,
                                     size_t cap);

/*
 * Give one of several mistakes of a text, in its order: 0 is the one that weir_plan_read gives. After
 * it the rest of the text is read for more that do not depend on it: an unknown component in each of
 * two places, an argument and an expression that are wrong. At most 8 are found.
 *
 *     for (size_t i = 0; weir_plan_mistake_at(text, NULL, i, &error, shown, sizeof shown) > 0; i++)
 *         fprintf(stderr, "%s\n", shown);
 *
 * text, options  as for weir_plan_read.
 * error          [out] as for weir_plan_read; code 0 when there are fewer mistakes. NULL is allowed.
 * to, cap        [out] its full form, as for weir_plan_error_text.
 * Returns        the length of the full form; 0 when there are fewer mistakes.
 */
WEIR_API size_t weir_plan_mistake_at(const char *text, const weir_text_options *options,
                                     size_t index, weir_error *error, char *to, size_t cap);

/*
 * Write a text in the usual layout: one space between words; in one line if it fits into 80
 * columns and has no comments, else each stage in a line of its own, and the stages of a long block
 * indented. Uses the form of the text alone, so unknown components are allowed. Comments stay, and
 * nothing is hidden. The new text means the same, and is left unchanged by this function.
 *
 *     https://example.org/feed   # the feed
 *       | where .level >= 4
 *       | tee {
 *           file all.log
 *         }
 *
 * text, name  as for weir_plan_read and weir_text_options.
 * to, cap     [out] as for snprintf: always terminated when cap is not 0, cut when it does not fit.
 * error       [out] what is wrong with the text: a quote or bracket that is not closed, an empty
 *             stage.
 * Returns     the length of the whole text, which has no line end at its end; 0 on a mistake.
 */
WEIR_API size_t weir_plan_format(const char *text, const char *name, char *to, size_t cap,
                                 weir_error *error);

/* The text as weir has read it: without comments, with one space between words, and *** for a
 * password in a URL, or for a user without one. */
WEIR_API const char *weir_plan_text(const weir_plan *plan);
/* Whether the text begins with a source. When not: standard input, or the files of
 * weir_plan_options. */
WEIR_API bool weir_plan_has_source(const weir_plan *plan);
/* The name of the source's component: "http", "merge"; NULL when the text has none. */
WEIR_API const char *weir_plan_source(const weir_plan *plan);
/* The URL, address or path of a source that is written by its address, including a password; NULL
 * when there is none. */
WEIR_API const char *weir_plan_source_address(const weir_plan *plan);
/* Whether the text ends with a sink. When not: standard output, or the caller uses the
 * generator. */
WEIR_API bool weir_plan_has_sink(const weir_plan *plan);
/* Whether the pipeline writes to standard output, because the text says so or has no sink. */
WEIR_API bool weir_plan_writes_stdout(const weir_plan *plan);

/* The shapes of the items that its sink gets, or that it gives: a set of enum weir_shape. */
WEIR_API uint32_t weir_plan_output(const weir_plan *plan);

/* The number of components in the text as written, including those in { }. */
WEIR_API size_t weir_plan_count(const weir_plan *plan);
/* The index-th component in the order of the text. The components in the { } of a component follow
 * it. NULL past the end. */
WEIR_API const weir_component *weir_plan_part(const weir_plan *plan, size_t index);
/* The number of { } around it: 0 for the pipeline itself. */
WEIR_API size_t weir_plan_part_depth(const weir_plan *plan, size_t index);
/* Its text, as in weir_plan_text; NULL past the end. */
WEIR_API const char *weir_plan_part_text(const weir_plan *plan, size_t index);
/* Its traits with its arguments: a set of enum weir_trait. */
WEIR_API uint32_t weir_plan_part_traits(const weir_plan *plan, size_t index);

/* Whether a component of it may reject items, so that strict and dead of weir_plan_options have an
 * effect. */
WEIR_API bool weir_plan_rejects(const weir_plan *plan);
/* Whether no component after the source uses the content of lines. Then a line over the limit
 * passes in pieces; otherwise it is rejected, and strict of weir_plan_options has an effect. False
 * for a source of messages, which are never in pieces. */
WEIR_API bool weir_plan_takes_pieces(const weir_plan *plan);

/*
 * With a state, all runs count as one run for a component that counts items (WEIR_TRAIT_COUNTS), if
 * the position of the source is enough to know what it has counted.
 *
 * counts   [out] the first one that counts from 0 in each run.
 * behind   [out] the component before it that is the reason.
 * Returns  false: there is none; nothing is written.
 */
WEIR_API bool weir_plan_recounts(const weir_plan *plan, const weir_component **counts,
                                 const weir_component **behind);

/* A warning for the user before the run ("'{a,b}' in the URL is sent as it is ..."); NULL past the
 * last one. */
WEIR_API const char *weir_plan_warning(const weir_plan *plan, size_t index);
/* The folder of the line `@state DIR`; NULL when there is none. */
WEIR_API const char *weir_plan_state_folder(const weir_plan *plan);
/* The name of the line `@name NAME`; NULL when there is none. */
WEIR_API const char *weir_plan_state_name(const weir_plan *plan);
/* Whether an expression of the text reads the value of this name, $NAME. */
WEIR_API bool weir_plan_reads_variable(const weir_plan *plan, const char *name);
/* The least SIZE of `@mem` and of the command's --mem: what every component needs to work at all. */
enum { WEIR_PLAN_MEM_BYTES_MIN = 128 * 1024 };
/* The bytes of the line `@mem SIZE`; 0 when there is none. */
WEIR_API int64_t weir_plan_mem_bytes(const weir_plan *plan);

/* Options to open a plan. NULL: all defaults. Only `state` is needed after weir_plan_open has
 * returned. */
typedef struct weir_plan_options {
    size_t struct_size;
    const char *const *files;      /* read instead of the source, one after another; "-": stdin */
    size_t files_count;            /* 0: the source of the text, else standard input */
    const weir_http_options *http; /* for an http source: headers, certificates, limits, retries.
                                      connect_ms and the TLS trust (tls, ca_file, ca_folder) are
                                      also for sockets, idle_ms for socket sources. headers, user,
                                      bearer_file, unix_socket, cert_file and key_file are for the
                                      first component that takes a URL */
    const char *user;              /* "name:password" for an http source; never shown */
    weir_state *state;             /* of the source and the sink; not with several files */
    int32_t stdin_fd;              /* default 0 */
    int32_t stdout_fd;             /* default 1 */
    int32_t strict;                /* 1: the first item that would be rejected is a failure instead;
                                      default 0 */
    /* Path of the dead sink: a file to which rejected items are appended, one JSON object per line:
     * {"origin":"http(h)","number":7,"position":null,"component":"where","code":"EPARSE",
     * "reason":"...","body":"..."}; body64 replaces body when the bytes are not UTF-8. The file is
     * created at the first rejected item. With it, on-error= is dead where the text has no
     * on-error=. An item may be in it twice after a restart: one that was written and not saved
     * before a crash, or one that is rejected before a component with
     * WEIR_TRAIT_STATE_REPLAYS. default: none, and on-error=dead is WEIR_EINVAL,
     * detail WEIR_PLAN_NO_DEAD. */
    const char *dead;
    /* The budget of the loop, which weir_plan_explain compares with what components may hold. Default:
     * weir_plan_mem_bytes, else 64 MiB. */
    int64_t mem_bytes;
    int32_t whole_lines; /* 1: a line never comes in pieces, so what is put between gen and sink may
                            use its content (weir_shown); default 0 */
    /* 1: with the state, what was given is on the disk before a position is saved, also standard
     * output that is a file, and the dead sink's file. A sink that cannot promise that (weir_component
     * .durable) is WEIR_EINVAL, and so are options without a state in weir_plan_open; standard output
     * that is no regular file fails at its first put. default 0 */
    int32_t durable;
    /* Where the source begins, if the state has no position of it (weir_opening.begin); default: as its
     * arguments say. A source that cannot begin there is WEIR_EINVAL. */
    const weir_begin *begin;
    int32_t to_end; /* 1: the source stops where what exists ends (weir_opening.to_end); WEIR_EINVAL
                       when it cannot, or ends there by itself. default 0 */
    int32_t reserved;
} weir_plan_options;

/*
 * A number that identifies a plan, for weir_state_open. It is the same for texts that differ only
 * in spaces, comments, and what weir_plan_text shows as ***. The files of the options and the values
 * of the text (weir_text_options) are part of it. It does not change between versions.
 */
WEIR_API uint64_t weir_plan_hash(const weir_plan *plan, const weir_plan_options *options);

/*
 * Check for all that weir_plan_open would refuse, without opening anything.
 *
 * options  as for weir_plan_open; scopes and states in it are not used.
 * Returns  0, or WEIR_EINVAL with *error set.
 */
WEIR_API WEIR_MUST_CHECK int weir_plan_check(const weir_plan *plan,
                                             const weir_plan_options *options, weir_error *error);

/*
 * Return what the components of a plan can promise, with a state. It is known before a run, so the
 * text gives conditions for what depends on the far end.
 *
 * options  only the files are used. NULL is allowed.
 * text     [out] "exactly-once-effect if the server sends a strong ETag ...", as snprintf.
 * Returns  one of enum weir_delivery (state.h).
 */
WEIR_API int weir_plan_delivery(const weir_plan *plan, const weir_plan_options *options, char *text,
                                size_t cap);
/*
 * Explain a plan: for each component what it takes and gives, what it may hold, what it does when it
 * is full, when the far end is lost and with an item that it rejects; then where there are queues,
 * what happens at SIGTERM, and the promise of delivery. As snprintf, in lines for people; the format
 * may change.
 */
WEIR_API size_t weir_plan_explain(const weir_plan *plan, const weir_plan_options *options, char *to,
                                  size_t cap);
/*
 * Write a plan as a graph in the DOT language of Graphviz, for `dot -Tsvg`: components with the
 * shapes that pass between them, and a frame around each block. Secrets are hidden. As snprintf.
 *
 * options  only the files are used. NULL is allowed.
 */
WEIR_API size_t weir_plan_graph(const weir_plan *plan, const weir_plan_options *options, char *to,
                                size_t cap);

/*
 * Make the generators and the sink of a plan in `scope`. Does not suspend and does not connect.
 * Errors when they run are reported by them, as always.
 *
 * gen      [out] the end of the chain, for weir_pump, weir_next or weir_discard. NULL on a failure.
 * sink     [out] the sink of the text; standard output when it has none. NULL on a failure. `sink`
 *          itself may be NULL for a text without a sink: then only the generator is made. If it is
 *          not NULL and no component uses the content of lines, a line over the limit comes in
 *          pieces (WEIR_LONG_PARTS), so the output equals the input; not with whole_lines.
 * Returns  0; WEIR_EINVAL: the options do not fit the text (files although it has a source, several
 *          files with a state, other files than those that it was read with, no pointer for its sink); WEIR_ENOMEM. On a failure nothing was
 *          made.
 */
WEIR_API WEIR_MUST_CHECK int weir_plan_open(const weir_plan *plan, weir_scope *scope,
                                            const weir_plan_options *options, weir_gen **gen,
                                            weir_sink **sink, weir_error *error);

/*
 * Make a chain from a text in one call.
 *
 * up       replaces the source; NULL: the text's own source, else standard input.
 * options  as for weir_plan_read, but lines with options are refused. NULL is allowed.
 * Returns  the end of the chain. A failed generator, which has taken `up` (WEIR_EPARSE;
 *          WEIR_EINVAL), for a text that is invalid or ends with a sink, for an invalid value, and,
 *          when `up` is given, for a text that has a source or a framer with limits of a source.
 */
WEIR_API weir_gen *weir_parse(weir_scope *scope, WEIR_TAKES weir_gen *up, const char *text,
                              const weir_text_options *options);

/* Replace the secrets of a text by stars, before it is shown: the passwords of addresses, or a user
 * without one, query values whose names say that they are secret (token=, key=), and the arguments
 * that are secret in a component (user=). The length stays the same. */
WEIR_API void weir_hide_secrets(char *text);
/*
 * Find the word that was meant: "did you mean 'batch'?"
 *
 * word        the mistyped word.
 * candidates  `count` of them; a NULL among them is skipped.
 * Returns     the nearest candidate, by letters changed, added, left out or swapped; NULL: no
 *             candidate is near enough.
 */
WEIR_API const char *weir_nearest(const char *word, const char *const *candidates, size_t count);

/* Read "64KiB", "64K", "64KB" or "512B" into bytes. 0, or WEIR_EINVAL: it is not a size, or it does
 * not fit. */
WEIR_API WEIR_MUST_CHECK int weir_size_read(const char *text, int64_t *bytes);
/* Read "500ms", "1.5s" or "1m30s" (units ms s m h d) into milliseconds. 0, or WEIR_EINVAL. */
WEIR_API WEIR_MUST_CHECK int weir_time_read(const char *text, int64_t *ms);
/* Read "2024-05-01T12:00:00Z", a day, or "@1714564800" into Unix time in nanoseconds. 0, or
 * WEIR_EINVAL. */
WEIR_API WEIR_MUST_CHECK int weir_instant_read(const char *text, int64_t *unix_ns);

#ifdef __cplusplus
}
#endif

#endif
