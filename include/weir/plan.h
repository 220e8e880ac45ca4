/*
 * plan.h - the pipeline text: what the command is given, and what a program may give as well.
 *
 * The idea. A text such as  https://host/feed | grep "error" | head 10 | file out.txt  is read into
 * a plan without opening anything; every mistake is found then, with its place in the text and what
 * to type instead. Opening a plan makes the generators and the sink that a program would make by
 * hand from <weir/source.h>, <weir/stage.h> and <weir/sink.h>; they are lazy, so still nothing is
 * connected before the first pull.
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
 * The text. Stages are separated by '|', which counts as one wherever it is not inside quotes
 * ("...", `...`, '...') or brackets. A '#' at the start of a word begins a comment that ends with
 * the line; a line end is a space. "..." has JSON's escapes, `...` and '...' have none. Sizes are
 * written 64KiB, 64K (both 65536) or 64KB (64000), times 500ms or 1m30s. A source stands in the
 * first place or nowhere; without one, standard input is read. A sink stands in the last place or
 * nowhere. A component may take chains of its own, in { }. One that may
 * reject items takes on-error=skip (count and log them), stop (fail) or dead (write them to the dead
 * sink of weir_plan_options). weir_component_at() lists what there is
 * (module.h).
 *
 * Lifetime.  A plan is plain memory and belongs to no loop. What was opened from it does not need
 *            it any more. Texts that a plan gives live as long as the plan.
 * Failure.   NULL and a weir_error: WEIR_EPARSE with the byte offset of the mistake, or
 *            WEIR_ENOMEM.
 * Threads.   Reading touches nothing but memory. A plan is not changed after it was read: it may
 *            be shared.
 */
#ifndef WEIR_PLAN_H
#define WEIR_PLAN_H

#include <weir/gen.h>
#include <weir/module.h>
#include <weir/sink.h>
#include <weir/source.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_plan weir_plan;

/* What kind of mistake a text has: weir_error.detail of WEIR_EPARSE. */
enum weir_plan_mistake {
    WEIR_PLAN_MISTAKE = 0,   /* any but the following */
    WEIR_PLAN_UNKNOWN = 1,   /* a component begins at weir_error.offset, and none has that name or
                                scheme */
    WEIR_PLAN_EXPRESSION = 2 /* an expression stands there, and no component takes one */
};

/*
 * Read a text. Opens nothing.
 *
 * text     at most 1 MiB.
 * name     of the file the text comes from: errors begin with NAME:LINE, and lines with options
 *          (@state DIR, @name NAME, @mem SIZE) may stand before the pipeline. NULL: the text is no file.
 * error    [out] message is one line with the hint; offset is where in the text, detail which of
 *          enum weir_plan_mistake.
 * Returns  the plan, to be freed by weir_plan_free; NULL: *error says why.
 */
WEIR_API WEIR_MUST_CHECK weir_plan *weir_plan_read(const char *text, const char *name,
                                                   weir_error *error);
/* Free a plan; NULL is allowed. */
WEIR_API void weir_plan_free(weir_plan *plan);

/*
 * Tell what is wrong with a text in full: the message, the line of the text, and a line with carets
 * and the hint.
 *
 *     unknown stage 'bach'
 *       https://host/f | bach 100
 *                        ^^^^ did you mean 'batch'?
 *
 * Reads the text again, so it may be called at any time after weir_plan_read has failed with the
 * same arguments.
 *
 * to, cap  [out] as for snprintf: always terminated when cap is not 0, cut when it does not fit.
 * Returns  the length of the whole message, without a line end at its end; 0 when nothing is wrong
 * with the text.
 */
WEIR_API size_t weir_plan_error_text(const char *text, const char *name, char *to, size_t cap);

/* The text as weir has read it: comments gone, one space between words, a password in a URL as ***.
 */
WEIR_API const char *weir_plan_text(const weir_plan *plan);
/* Whether the text begins with a source. When not: standard input, or the files of
 * weir_plan_options. */
WEIR_API bool weir_plan_has_source(const weir_plan *plan);
/* The name of the source's component: "http", "merge"; NULL when the text has none. */
WEIR_API const char *weir_plan_source(const weir_plan *plan);
/* The URL, address or path of a source that is known by it, with a password if it has one; NULL when
 * there is none. */
WEIR_API const char *weir_plan_source_address(const weir_plan *plan);
/* Whether the text ends with a sink. When not: standard output, or whatever the caller does with
 * the generator. */
WEIR_API bool weir_plan_has_sink(const weir_plan *plan);
/* Whether the pipeline writes to standard output, because the text says so or has no sink. */
WEIR_API bool weir_plan_writes_stdout(const weir_plan *plan);

/* How many components the text has, those in { } included, as written. */
WEIR_API size_t weir_plan_count(const weir_plan *plan);
/* The index-th component in the order of the text: what stands in the { } of a component comes
 * behind it. NULL past the end. */
WEIR_API const weir_component *weir_plan_part(const weir_plan *plan, size_t index);
/* In how many { } it stands: 0 for the pipeline itself. */
WEIR_API size_t weir_plan_part_depth(const weir_plan *plan, size_t index);
/* Its text, as in weir_plan_text; NULL past the end. */
WEIR_API const char *weir_plan_part_text(const weir_plan *plan, size_t index);
/* Its traits with the arguments that it was given: a set of enum weir_trait. */
WEIR_API uint32_t weir_plan_part_traits(const weir_plan *plan, size_t index);

/* Whether a component of it may reject items, so that strict and dead of weir_plan_options have an
 * effect. */
WEIR_API bool weir_plan_rejects(const weir_plan *plan);

/*
 * With a state, all runs are one run to a component that counts items (WEIR_TRAIT_COUNTS), as long
 * as what it counts can be known from the position of the source.
 *
 * counts   [out] the first one that counts anew in each run.
 * behind   [out] the component before it that makes it so.
 * Returns  false: there is none; nothing is written.
 */
WEIR_API bool weir_plan_recounts(const weir_plan *plan, const weir_component **counts,
                                 const weir_component **behind);

/* What the user should know before the run ("'{a,b}' in the URL is sent as it is ..."); NULL past
 * the last one. */
WEIR_API const char *weir_plan_warning(const weir_plan *plan, size_t index);
/* The folder of the line `@state DIR`; NULL when there is none. */
WEIR_API const char *weir_plan_state_folder(const weir_plan *plan);
/* The name of the line `@name NAME`; NULL when there is none. */
WEIR_API const char *weir_plan_state_name(const weir_plan *plan);
/* The bytes of the line `@mem SIZE`; 0 when there is none. */
WEIR_API int64_t weir_plan_mem_bytes(const weir_plan *plan);

/* How a plan is opened. NULL: all defaults. Nothing in it is needed after weir_plan_open has
 * returned, but `state`. */
typedef struct weir_plan_options {
    size_t struct_size;
    const char *const *files;      /* stand for the source, one after another; "-": stdin */
    size_t files_count;            /* 0: the text's source, else standard input */
    const weir_http_options *http; /* for an http source: headers, certificates, limits, retries; of
                                      it connect_ms and who is trusted (tls, ca_file, ca_folder)
                                      for sockets, idle_ms for socket sources */
    const char *user;              /* "name:password" for an http source; never shown */
    weir_state *state;             /* for the source and the sink; not with several files */
    int32_t stdin_fd;              /* default 0 */
    int32_t stdout_fd;             /* default 1 */
    int32_t strict;                /* 1: the first item that would be rejected is a failure
                                      instead; default 0 */
    /* Path of the dead sink: a file to which rejected items are appended, one JSON object a line:
     * {"origin":"http(h)","number":7,"position":null,"component":"where","code":"EPARSE",
     * "reason":"...","body":"..."}; body64 instead of body where the bytes are not UTF-8. It is made
     * at the first rejected item. With it on-error= is dead where the text does not say otherwise;
     * default: none, and on-error=dead is WEIR_EINVAL. */
    const char *dead;
} weir_plan_options;

/*
 * A number that names a plan, for weir_state_open: the same for texts that differ in spaces and
 * comments only, and for any password in the URL. The files of the options are part of it. Stable
 * between versions.
 */
WEIR_API uint64_t weir_plan_hash(const weir_plan *plan, const weir_plan_options *options);

/*
 * Find what weir_plan_open would refuse, without opening anything.
 *
 * options  as for weir_plan_open; scopes and states in it are not touched.
 * Returns  0, or WEIR_EINVAL with *error.
 */
WEIR_API WEIR_MUST_CHECK int weir_plan_check(const weir_plan *plan,
                                             const weir_plan_options *options, weir_error *error);

/*
 * Tell what the components of a plan can promise, with a state. It is known before a run, so what
 * depends on the far end is a condition.
 *
 * options  of it the files. NULL is allowed.
 * text     [out] "exactly-once-effect if the server sends a strong ETag ...", as snprintf.
 * Returns  one of enum weir_delivery (state.h).
 */
WEIR_API int weir_plan_delivery(const weir_plan *plan, const weir_plan_options *options, char *text,
                                size_t cap);
/*
 * Explain a plan: each component with what it takes and gives, what it does when it is full, when the
 * far end breaks off and with a bad item, and what is promised about the delivery. As snprintf, with
 * lines for people; the format may change.
 */
WEIR_API size_t weir_plan_explain(const weir_plan *plan, const weir_plan_options *options, char *to,
                                  size_t cap);

/*
 * Make the generators and the sink of a plan in `scope`. Suspends nothing and connects nothing.
 * What goes wrong when they run is told by them, as always.
 *
 * gen      [out] the end of the chain; to be pumped, read or discarded. NULL on a failure.
 * sink     [out] the text's sink; standard output when it has none. NULL on a failure. `sink`
 *          itself may be NULL for a text without a sink: then only the generator is made. Otherwise,
 *          where nothing in the text looks into lines, a line over the limit comes in pieces
 *          (WEIR_LONG_PARTS), so what is written is what was read.
 * Returns  0; WEIR_EINVAL: the options do not fit the text (files although it has a source, several
 *          files with a state, no place for its sink); WEIR_ENOMEM. On a failure nothing has been
 *          made.
 */
WEIR_API WEIR_MUST_CHECK int weir_plan_open(const weir_plan *plan, weir_scope *scope,
                                            const weir_plan_options *options, weir_gen **gen,
                                            weir_sink **sink, weir_error *error);

/*
 * Make a chain from a text in one call.
 *
 * up       stands for the source; NULL: the text's own source, else standard input.
 * Returns  the end of the chain. For a text that cannot be read, that ends with a sink, or that has
 *          a source, or a framer with limits of one, although `up` is given: one failed generator,
 *          which has taken `up` (WEIR_EPARSE; WEIR_EINVAL).
 */
WEIR_API weir_gen *weir_parse(weir_scope *scope, WEIR_TAKES weir_gen *up, const char *text);

/* Put stars over what is secret in a text, before it is shown: the passwords of URLs, and query
 * values whose names say that they are secret (token=, key=). The length stays the same. */
WEIR_API void weir_hide_secrets(char *text);
/*
 * Find the word that was meant: "did you mean 'batch'?"
 *
 * word        mistyped.
 * candidates  `count` of them; NULLs among them are passed over.
 * Returns     the nearest candidate, by letters changed, added, left out or swapped; NULL: none is
 *             near enough.
 */
WEIR_API const char *weir_nearest(const char *word, const char *const *candidates, size_t count);

/* Read "64KiB", "64K", "64KB" or "512B" into bytes. 0, or WEIR_EINVAL: it is no size, or does not
 * fit. */
WEIR_API WEIR_MUST_CHECK int weir_size_read(const char *text, int64_t *bytes);
/* Read "500ms", "1.5s" or "1m30s" (units ms s m h d) into milliseconds. 0, or WEIR_EINVAL. */
WEIR_API WEIR_MUST_CHECK int weir_time_read(const char *text, int64_t *ms);

#ifdef __cplusplus
}
#endif

#endif
