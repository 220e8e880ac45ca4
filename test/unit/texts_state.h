/*
 * texts_state.h - what states, saved positions and the files beside them say, as far as a test pins
 * the words: refusals of a record, the promise of a run (delivery), what becomes of bytes that were
 * written but not saved, and files that others change meanwhile.
 *
 * A text that a test compares stands here once, however many tests see it. Codes and positions are
 * compared in the tests; the contents of a record are its format, and stay in its tests. Numbers
 * and names of a test are parameters, and are string literals.
 */
#ifndef WR_TEXTS_STATE_H
#define WR_TEXTS_STATE_H

/* ---- a record that cannot be used */

#define TEXT_STATE_ONE_FILE "one file, one state"
#define TEXT_STATE_DAMAGED "p.weir' is damaged"
#define TEXT_STATE_BAD_CHECKSUM "is damaged: its checksum is wrong"
#define TEXT_STATE_RENAME "rename 'p.weir.old' to 'p.weir' to continue"
#define TEXT_STATE_NO_PREVIOUS "no previous state can be read"
#define TEXT_STATE_OTHER_PIPELINE "belongs to another pipeline"
#define TEXT_STATE_INVALID_POSITION "has an invalid position"
#define TEXT_STATE_IN_USE "in use"
#define TEXT_STATE_NOTHING_SAVED "'p' has saved no position"
#define TEXT_STATE_CLOSE_FAILS "close 'p.weir': Input/output error"
#define TEXT_STATE_SYNC_FAILS "sync the folder of 'p.weir': Input/output error"

/* ---- files that have changed, and what was written but not saved */

#define TEXT_STATE_OPEN_FAILS "open '/nonexistent/file': No such file or directory"
#define TEXT_STATE_SOURCE_CUT "was truncated from 4194304 to 100 bytes"
#define TEXT_STATE_FIRST "the first "
#define TEXT_STATE_COMPLETE TEXT_STATE_FIRST "%lld bytes are complete"
#define TEXT_STATE_SINK_GONE "is not there, but 4 bytes were written"
#define TEXT_STATE_SOURCE_SHORT "has 599 bytes, but the last run has read 1199"
#define TEXT_STATE_WRITTEN(bytes) "has " bytes " bytes, but 8 were written"
#define TEXT_STATE_BYTES_GONE "its 8 bytes are gone"
#define TEXT_STATE_REMOVED "was removed while it was written: " TEXT_STATE_BYTES_GONE
#define TEXT_STATE_BYTES_OF "it has 5 bytes of 8"
#define TEXT_STATE_ONLY_SAVED(has) has " bytes, but the last run saved only 9"
#define TEXT_STATE_TRUNCATED "it is truncated to that length"
#define TEXT_STATE_NOT_SHOWN(source) "because " source " has not shown"
#define TEXT_STATE_GAP "a gap or repeats are possible"
#define TEXT_STATE_NOT_TRUNCATED(source)          \
    "It is not truncated, " TEXT_STATE_NOT_SHOWN( \
        source) " that it sends the rest again: " TEXT_STATE_GAP

/* ---- what a run promises */

#define TEXT_STATE_BEST_EFFORT "best-effort: "
#define TEXT_STATE_AT_LEAST_ONCE "at-least-once: "
#define TEXT_STATE_EXACTLY_ONCE "exactly-once-effect: "
#define TEXT_STATE_REQUIRED "at-least-once is required"
#define TEXT_STATE_WRITTEN_AGAIN \
    TEXT_STATE_AT_LEAST_ONCE     \
    "items that were written but not saved before a crash are written again"
#define TEXT_STATE_STORED_TOGETHER \
    TEXT_STATE_EXACTLY_ONCE "the positions are stored with what is written"
#define TEXT_STATE_CANNOT_SHOW(source) \
    TEXT_STATE_AT_LEAST_ONCE source " cannot show that it continues where the last run ended"
#define TEXT_STATE_NOT_ONLY_SINK TEXT_STATE_AT_LEAST_ONCE "table is not the only sink"
#define TEXT_STATE_NO_POSITION(source) TEXT_STATE_BEST_EFFORT source " has no position"
#define TEXT_STATE_NOTHING_CUT \
    TEXT_STATE_NO_POSITION("one") " from which a restart can continue; nothing is cut"
#define TEXT_STATE_READER_HAD TEXT_STATE_AT_LEAST_ONCE "up to what the reader had read"
#define TEXT_STATE_LOST_WITH_PEER \
    TEXT_STATE_BEST_EFFORT "data acknowledged by the peer's kernel is lost with the peer"

/* ---- the reader of a sink that settles late */

#define TEXT_STATE_READER_SLOW                                                           \
    "the reader has read nothing for 10.0 s; 16 of 18 bytes written were not read; the " \
    "next run sends them again"
#define TEXT_STATE_READER_LEFT "stopped waiting for the reader; 18 of 18"

#endif
