/*
 * recording.h - record what a source receives, and run the source over it again.
 *
 * The idea. A recorder keeps what the source of a pipeline receives: the bytes as they came, each
 * with its time, the heads of HTTP responses, breaks and reconnects. A replay is the same source with
 * the recording in the place of the network: it reconnects, resumes and gives the items as it did
 * then. So a failure that was seen once can be seen again, and a test needs no server.
 *
 *     weir_recorder *recorder = weir_recorder_new(scope, "feed.wrec", &error);
 *     weir_gen *gen = weir_http_events(scope, url, NULL);
 *     int rc = weir_pump(gen, weir_null_sink(scope), &error);
 *     rc = weir_recorder_end(recorder, &error, NULL, &error);
 *
 * Recorded are the sources of HTTP, of sockets, files and descriptors, one source in each recording.
 * What a request sends is recorded without its secrets: values of headers are *** except those that
 * only describe the request, and so are passwords and secret query values in addresses. Of a
 * response, cookies are. Bodies are recorded as they are, so the file may be read by its owner only.
 *
 * Lifetime.  A recorder lives until weir_recorder_end. A replay is a generator as any other.
 * Failure.   WEIR_EIO when the file cannot be written; WEIR_EPARSE with the byte where a recording is
 *            damaged, WEIR_ETRUNCATED where it was cut.
 * Threads.   One loop, one thread.
 */
#ifndef WEIR_RECORDING_H
#define WEIR_RECORDING_H

#include <weir/gen.h>
#include <weir/loop.h>
#include <weir/source.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_recorder weir_recorder;

/* What a recorder has written. */
typedef struct weir_recorded {
    size_t struct_size;
    uint64_t bytes;      /* received by the source */
    uint64_t pieces;     /* ... in so many pieces */
    uint64_t requests;   /* or connections, or files opened */
    uint64_t file_bytes; /* length of the recording */
    int64_t ms;          /* from the first request to the last record */
} weir_recorded;

/*
 * Record the next source that is made on the loop of `scope`. Writes are done before the loop waits,
 * so a process that is killed leaves a recording that ends there, with a named end (WEIR_ETRUNCATED)
 * after what was received until then. When the file cannot be written, the scope is stopped
 * (weir_scope_stop), and weir_recorder_end reports why. A loop has one recorder at a time.
 *
 * scope    the sources run in it; it must outlive the recorder.
 * path     is created or overwritten, with mode 0600.
 * error    [out] WEIR_EIO: the file cannot be opened; WEIR_EINVAL: the loop has a recorder;
 *          WEIR_ENOMEM.
 * Returns  NULL: *error.
 */
WEIR_API WEIR_MUST_CHECK weir_recorder *weir_recorder_new(weir_scope *scope, const char *path,
                                                          weir_error *error);
/*
 * Check, after the sources were made, that exactly one of them is recorded.
 *
 * Returns  0; WEIR_EINVAL with *error: none can be recorded, or there are several.
 */
WEIR_API WEIR_MUST_CHECK int weir_recorder_check(const weir_recorder *recorder, weir_error *error);
/*
 * End the recording after its source has ended, and free the recorder.
 *
 * ended     how the run has ended, which the replay repeats: a failure, or code 0.
 * recorded  [out] NULL is allowed.
 * error     [out] WEIR_EIO: the file could not be written; it holds what was written before. May be
 *           the same as `ended`.
 * Returns   0 or the code of *error.
 */
WEIR_API WEIR_MUST_CHECK int weir_recorder_end(WEIR_TAKES weir_recorder *recorder,
                                               const weir_error *ended, weir_recorded *recorded,
                                               weir_error *error);

/* Options of a replay; NULL: all defaults. */
typedef struct weir_replay_options {
    size_t struct_size;
    double speed; /* times as fast as it was recorded; 0: 1, as fast; WEIR_NONE: without waiting */
    int64_t
        split; /* how the bytes are cut. 0: as they were received; 1: each byte comes alone; from
                       2 on: at random, the same places for the same number */
    const weir_http_options *http; /* of a recorded HTTP source: limits of its items, raw; what
                                      belongs to connections has no effect */
    int64_t line_bytes_max;        /* the longest line, as for weir_lines_options */
    int32_t overlong;              /* what happens to a longer one, as there */
    int32_t any_file;              /* 1: the file may be any file; its bytes are played as if they
                                      were received in pieces of 64 KiB */
} weir_replay_options;

/*
 * Run the recorded source over its recording, as lines; or as bytes for a framer (weir_framed). It
 * ends as the recorded run did: at its end, or with its failure. The file is opened here, and read
 * as the items are pulled; a file that is no recording makes a generator that fails.
 *
 * path     copied.
 * options  copied.
 */
WEIR_API weir_gen *weir_replay_lines(weir_scope *scope, const char *path,
                                     const weir_replay_options *options);
WEIR_API weir_gen *weir_replay_bytes(weir_scope *scope, const char *path,
                                     const weir_replay_options *options);

#ifdef __cplusplus
}
#endif

#endif
