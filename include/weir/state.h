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
 * Open the durable record of one pipeline: the positions of its sources (at most 8) and the length
 * of its sink, at one commit. It is given to the pipeline's sources, by their options, and to its
 * sink (weir_file_options, or weir_sink_keep_state for any other), which saves it before its first
 * byte, then at most every 100 ms, and at the end. What is filtered moves a position too, although
 * nothing is written. Does not suspend.
 *
 * A source that has no position (a pipe, a socket, a body without a strong validator, a source of
 * one's own) makes the pipeline best-effort: then nothing is cut from a file, since what was cut
 * could not be written again. The positions of other sources are saved all the same.
 *
 * scope    it ends with it, so one that outlives sources and sink: the parent of theirs, or theirs.
 * folder   made with mode 0700 if it is not there; its parent must be. The record lies in it under
 *          `name`, locked while it is open.
 * name     a file name of 1 to 200 bytes that does not begin with a dot; another pipeline wants
 *          another name. weir_plan_hash makes one from a text.
 * Returns  never NULL. One that cannot be used is an object whose failure source and sink tell:
 *          WEIR_EINVAL: damaged, locked by another process, another pipeline's, or a bad name;
 *          WEIR_EIO; WEIR_ENOMEM.
 */
WEIR_API weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name);

#ifdef __cplusplus
}
#endif

#endif
