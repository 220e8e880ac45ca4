/*
 * state.h - the durable record of a pipeline: how far it got.
 *
 * The idea. A state is one small file that holds the positions of a pipeline's sources and the
 * length of its sink, at one commit. The next run goes on from there: the sources ask for what comes
 * after the saved positions, and a file is cut to the saved length.
 *
 *     weir_state *state = weir_state_open(scope, "/var/lib/feed", "orders");
 *     weir_gen *lines = weir_http_lines(scope, url, WEIR_OPTIONS(weir_http_options, .state = state));
 *     weir_sink *file = weir_file_sink(scope, path, WEIR_OPTIONS(weir_file_options, .state = state));
 *     int rc = weir_pump(lines, file, &error);
 *
 * Lifetime.  A state ends with its scope. Sources and sinks use it and do not take it.
 * Failure.   Opening never returns NULL: a state that cannot be used is one whose failure its
 *            sources and its sink report.
 * Threads.   The thread of the scope's loop.
 */
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Open the durable record of one pipeline: the positions of its sources and the length of its sink,
 * at one commit. It is given to the pipeline's sources, by their options, and to its
 * sink (weir_file_options, or weir_sink_keep_state for any other), which saves it before its first
 * byte, then at most every 100 ms, and at the end. What is filtered moves a position too, although
 * nothing is written. Does not suspend.
 *
 * A source that has no position (a pipe, a socket, a body without a strong validator, a source of
 * one's own) makes the pipeline best-effort: then nothing is cut from a file, since what was cut
 * could not be written again. The positions of other sources are saved all the same. One that has a
 * position and cannot prove that it goes on there (event streams) makes it at-least-once: a file is
 * cut only where the first bytes to be written are those that would be cut, else the sink appends,
 * on a line of its own, and warns that there may be a gap or repeats.
 *
 * scope    it ends with it, so one that outlives sources and sink: the parent of theirs, or theirs.
 * folder   made with mode 0700 if it is not there; its parent must be. The record lies in it under
 *          `name`, locked while it is open. NULL: the record is kept by the sink (weir_state_text).
 * name     a file name of 1 to 200 bytes that does not begin with a dot; another pipeline wants
 *          another name. weir_plan_hash makes one from a text.
 * Returns  never NULL. One that cannot be used is an object whose failure source and sink tell:
 *          WEIR_EINVAL: damaged, locked by another process, another pipeline's, or a bad name;
 *          WEIR_EIO; WEIR_ENOMEM.
 */
WEIR_API weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name);
/*
 * Say what the pipeline is, for the people who look at the record: weir_plan_open does it for a
 * text.
 *
 * text     without secrets, as weir_plan_text gives it; copied. NULL: it is not known.
 */
WEIR_API void weir_state_describe(weir_state *state, const char *text);

/* Tell whether positions are saved: false when no source has one, and after a failure. */
WEIR_API bool weir_state_saves(const weir_state *state);

/* What a run with a state promises about each item when the process dies. */
enum weir_delivery {
    WEIR_BEST_EFFORT = 0,   /* it may be lost */
    WEIR_AT_LEAST_ONCE = 1, /* it is written, perhaps twice */
    WEIR_EXACTLY_ONCE = 2   /* what is written is that of a run that was never killed */
};
/*
 * Have a function called when it is known what the pipeline promises, and again when that changes:
 * the weakest of what its sources and its sinks promise. A source may have to be asked first, so that
 * is when the first answer has come. Without a function the log is told.
 *
 * fn       runs where that became known, on the loop's thread, and must not suspend. delivery: an enum
 *          weir_delivery; text: "at-least-once: ...", lent for the call. NULL: none any more.
 */
WEIR_API void weir_state_watch(weir_state *state,
                               void (*fn)(void *ctx, int delivery, const char *text), void *ctx);
/*
 * Have the sinks fail with WEIR_EINVAL, before they write anything, when the pipeline promises less
 * than this.
 */
WEIR_API void weir_state_require(weir_state *state, int delivery);

/*
 * A sink with transactions stores the record itself, in one transaction with what it was put: then a
 * kill between two writes can neither lose nor repeat an item. Its operations have transacts set
 * (weir_sink_ops), it has the state by weir_sink_keep_state, and its commit does
 *
 *     const char *text = weir_state_text(sink, &len);
 *     if (text == NULL) {
 *         return WEIR_ENOMEM;
 *     }
 *     ... store text beside the rows, and end the transaction ...
 *
 * Before the next run reads anything, the program hands the text back:
 *
 *     weir_state *state = weir_state_open(scope, NULL, "orders");
 *     int rc = weir_state_restore(state, text, len, &error);
 *
 * apps/examples/sqlite.c is such a program. Exactly once, if it is the only sink of the sources.
 *
 * weir_state_text gives the record as it would be if all that this sink was put had settled. What
 * another sink or a queue still holds limits it, and so does an item that the sink's feeder is still
 * lent: a loop of one's own asks for the next item before it commits, as weir_pump does.
 *
 * len      [out] of the text, which is of lines, without NUL bytes; 0 with NULL.
 * Returns  the text, lent until the next call for any sink of the state. NULL: no memory, or the state
 *          cannot be used; the sink has failed with that.
 */
WEIR_API WEIR_MUST_CHECK const char *weir_state_text(weir_sink *sink, size_t *len);
/*
 * Hand back what weir_state_text has given in the last transaction: it takes the place of a record in
 * a folder. Before the sources of the state are pulled; later it aborts. Does not suspend.
 *
 * text     copied. NULL: no transaction has stored any, and the sources begin anew.
 * Returns  0. WEIR_EINVAL: damaged, or another pipeline's; WEIR_ENOMEM; then the state cannot be used.
 */
WEIR_API WEIR_MUST_CHECK int weir_state_restore(weir_state *state, const char *text, size_t len,
                                                weir_error *error);

/* ---- records, for tools: without a loop, on any thread */

typedef struct weir_record_source {
    const char *name;     /* what is read, without secrets */
    const char *position; /* where the next run goes on, in words of the source's own */
    uint64_t items;       /* given and settled in all runs */
    bool finished;        /* it was read to its end */
} weir_record_source;

typedef struct weir_record_sink {
    const char *name; /* what is written to, without secrets */
    int64_t length;   /* bytes of a file that the next run keeps; -1: it is not cut */
} weir_record_sink;

/* What a state has left on the disk. */
typedef struct weir_record {
    size_t struct_size;
    const char *name;
    const char *text; /* the pipeline; NULL: not known */
    int64_t saved_ms; /* Unix time */
    const weir_record_source *sources;
    size_t sources_count;
    const weir_record_sink *sinks; /* those that were written to */
    size_t sinks_count;
} weir_record;

/*
 * Read a record. The pipeline may be running: then it is the newest one that is saved.
 *
 * error    [out] WEIR_EINVAL: damaged, or a bad name. WEIR_EIO, detail errno: ENOENT when there is
 *          none. WEIR_ENOMEM.
 * Returns  the record, to be freed by weir_record_free; NULL: *error says why.
 */
WEIR_API WEIR_MUST_CHECK weir_record *weir_record_read(const char *folder, const char *name,
                                                       weir_error *error);
/* NULL is allowed. */
WEIR_API void weir_record_free(weir_record *record);
/*
 * Let a source go on elsewhere. The record is locked meanwhile.
 *
 * source   the index of weir_record.sources.
 * position in the source's own words, which are not checked: a source that cannot read it fails.
 * Returns  0; WEIR_EINVAL: in use, damaged, no such source, a bad name. WEIR_EIO, WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_record_set(const char *folder, const char *name, size_t source,
                                             const char *position, weir_error *error);
/*
 * Remove a record: the next run begins anew, behind what its sink has. None is no failure.
 *
 * Returns  0; WEIR_EINVAL: in use, or a bad name. WEIR_EIO.
 */
WEIR_API WEIR_MUST_CHECK int weir_record_remove(const char *folder, const char *name,
                                                weir_error *error);
/*
 * Call fn with the name of each record in a folder, in alphabetical order, until it returns false.
 * fn may read and remove records.
 *
 * Returns  0; WEIR_EIO, detail errno: the folder cannot be read. WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_record_each(const char *folder,
                                              bool (*fn)(void *ctx, const char *name), void *ctx,
                                              weir_error *error);

#ifdef __cplusplus
}
#endif

#endif
