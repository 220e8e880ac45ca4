/*
 * state.h - the durable record of a pipeline: how far it got.
 *
 * The idea. A state is one small file that holds the positions of a pipeline's sources and the
 * length of its sink's file, both at the same commit. The next run continues from there: the
 * sources ask for what comes after the saved positions, and a file is cut to the saved length.
 *
 *     weir_state *state = weir_state_open(scope, "/var/lib/feed", "orders");
 *     weir_gen *lines =
 *         weir_http_lines(scope, url, WEIR_OPTIONS(weir_http_options, .state = state));
 *     weir_sink *file =
 *         weir_file_sink(scope, path, WEIR_OPTIONS(weir_file_options, .state = state));
 *     int rc = weir_pump(lines, file, &error);
 *
 * Lifetime.  A state ends with its scope. Sources and sinks use it and do not take it.
 * Failure.   Opening never returns NULL. A state that cannot be used makes its sources and its sink
 *            fail, and they report why.
 * Threads.   The thread of the scope's loop.
 */
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Open the durable record of one pipeline: the positions of its sources and the length of its
 * sink's file, at the same commit. The state is given to the pipeline's sources, by their options,
 * and to its sink (weir_file_options, or weir_sink_keep_state for any other). The sink saves it
 * before its first byte, then at most every 100 ms, and at the end. Filtered items move a position
 * too, although nothing is written. Does not suspend.
 *
 * A source that has no position (a pipe, a socket, a body without a strong validator, a source of
 * the program) makes the pipeline best-effort. Then nothing is cut from a file, since it could not
 * be written again. The positions of other sources are saved anyway. A source that has a position,
 * but no proof that it continues there (event streams), makes the pipeline at-least-once. Then a
 * file is cut only where the first new bytes are the same as those that would be cut. Otherwise the
 * sink appends, on a new line, and warns that there may be a gap or repeats.
 *
 * scope    the state ends with it, so it must live as long as sources and sink: use their scope, or
 *          its parent.
 * folder   created with mode 0700 if it is missing; its parent must exist. The record is a file in
 *          it called `name`, and is locked while it is open. NULL: the sink stores the record
 *          (weir_state_text).
 * name     a file name of 1 to 200 bytes that does not begin with a dot. Each pipeline needs its
 *          own name. weir_plan_hash makes one from a text.
 * Returns  never NULL. If the state cannot be used, source and sink fail and report the code:
 *          WEIR_EINVAL: damaged, locked by another process, of another pipeline, or an invalid
 *          name; WEIR_EIO; WEIR_ENOMEM.
 */
WEIR_API weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name);
/*
 * Store a description of the pipeline, for people who look at the record. weir_plan_open does this
 * for a text.
 *
 * text     without secrets, as weir_plan_text gives it; copied. NULL: unknown.
 */
WEIR_API void weir_state_describe(weir_state *state, const char *text);

/* Return whether positions are saved: false when no source has one, and after a failure. */
WEIR_API bool weir_state_saves(const weir_state *state);

/* What a run with a state promises about each item when the process dies. */
enum weir_delivery {
    WEIR_BEST_EFFORT = 0,   /* it may be lost */
    WEIR_AT_LEAST_ONCE = 1, /* it is written, perhaps more than once */
    WEIR_EXACTLY_ONCE = 2   /* the output is the same as of a run that was never killed */
};
/*
 * Set a function that is called when the promise of the pipeline is known, and again when it
 * changes. The promise is the weakest one of its sources and its sinks. A source may have to ask
 * the far end first, so the promise is known with the first response. Without a function it is
 * logged.
 *
 * fn       called on the loop's thread where the promise became known; must not suspend. delivery:
 *          an enum weir_delivery; text: "at-least-once: ...", lent for the call. NULL: remove the
 *          function.
 */
WEIR_API void weir_state_watch(weir_state *state,
                               void (*fn)(void *ctx, int delivery, const char *text), void *ctx);
/*
 * Make the sinks fail with WEIR_EINVAL, before they write anything, when the pipeline promises less
 * than this.
 */
WEIR_API void weir_state_require(weir_state *state, int delivery);

/*
 * A sink with transactions stores the record itself, in one transaction with its items. Then a kill
 * between two writes can neither lose nor repeat an item. Its operations have transacts set
 * (weir_sink_ops), it gets the state by weir_sink_keep_state, and its commit does this:
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
 * apps/examples/sqlite.c is such a program. It is exactly once, if this is the only sink of the
 * sources.
 *
 * weir_state_text gives the record as if everything that was put to this sink had settled. Items
 * that another sink or a queue still holds limit it. So does an item that is still lent to the
 * sink's feeder: a program's own loop must ask for the next item before it commits, as weir_pump
 * does.
 *
 * len      [out] length of the text, which consists of lines, without NUL bytes; 0 with NULL.
 * Returns  the text, lent until the next call for any sink of the state. NULL: no memory, or the
 *          state cannot be used; the sink has failed with that code.
 */
WEIR_API WEIR_MUST_CHECK const char *weir_state_text(weir_sink *sink, size_t *len);
/*
 * Restore the text of weir_state_text from the last transaction. It replaces the record in a
 * folder. Must be called before the sources of the state are pulled; later it aborts. Does not
 * suspend.
 *
 * text     copied. NULL: no transaction has stored one, and the sources begin at their start.
 * Returns  0. WEIR_EINVAL: damaged, or of another pipeline; WEIR_ENOMEM; then the state cannot be
 *          used.
 */
WEIR_API WEIR_MUST_CHECK int weir_state_restore(weir_state *state, const char *text, size_t len,
                                                weir_error *error);

/* ---- records, for tools: without a loop, on any thread */

typedef struct weir_record_source {
    const char *name;     /* what is read, without secrets */
    const char *position; /* where the next run continues, in the source's own format */
    uint64_t items;       /* given and settled, in all runs */
    bool finished;        /* the source was read to its end */
} weir_record_source;

typedef struct weir_record_sink {
    const char *name; /* what is written to, without secrets */
    int64_t length;   /* bytes of the file that the next run keeps; -1: it is not cut */
} weir_record_sink;

/* The content of a state's file. */
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
 * Read a record. The pipeline may be running; then the result is the newest saved record.
 *
 * error    [out] WEIR_EINVAL: damaged, or an invalid name. WEIR_EIO, detail errno: ENOENT when
 *          there is none. WEIR_ENOMEM.
 * Returns  the record, to be freed by weir_record_free; NULL: *error says why.
 */
WEIR_API WEIR_MUST_CHECK weir_record *weir_record_read(const char *folder, const char *name,
                                                       weir_error *error);
/* Free a record; NULL is allowed. */
WEIR_API void weir_record_free(weir_record *record);
/*
 * Set the position where a source continues. The record is locked meanwhile.
 *
 * source   the index of weir_record.sources.
 * position in the source's own format, which is not checked: a source that cannot read it fails.
 * Returns  0; WEIR_EINVAL: in use, damaged, no such source, an invalid name. WEIR_EIO, WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_record_set(const char *folder, const char *name, size_t source,
                                             const char *position, weir_error *error);
/*
 * Remove a record: the sources of the next run begin at their start, and its sink appends to its
 * file. A missing record is not a failure.
 *
 * Returns  0; WEIR_EINVAL: in use, or an invalid name. WEIR_EIO.
 */
WEIR_API WEIR_MUST_CHECK int weir_record_remove(const char *folder, const char *name,
                                                weir_error *error);
/*
 * Call fn with the name of each record in a folder, in alphabetical order, until fn returns false.
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
