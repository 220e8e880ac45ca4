/*
 * sim.h - the simulation: pipelines made of a seed, on a virtual clock, a disk in memory and a
 * scripted wire, with faults, crashes and an oracle.
 *
 *   sim_main.c     seeds, options, the result
 *   sim_run.c      one seed: its pipeline, its runs with their faults, the checks behind each
 *   sim_source.c   the sources: a file, a log that is rotated, HTTP, a feed of our own
 *   sim_sink.c     the sinks: a file, a far end that acknowledges, a table with transactions
 *   sim_oracle.c   what must have come, and what must not
 *   sim_work.c     blocking calls in the place of lib/loop/loop_work.c: by timers, so that one seed
 *                  is one schedule
 *   sim_wrong.c    what is broken on purpose, in a program of its own
 *
 * There is one simulation a process; what happens is a function of the seed alone. sim_note adds
 * what has happened to a hash, by which two runs of a seed are compared.
 */
#ifndef SIM_H
#define SIM_H

#include <weir/weir.h>

#include "loop_core.h"
#include "support_disk.h"

enum { SIM_TEXT = 64, SIM_LINES = 120, SIM_OUTPUTS = SIM_LINES * 9, SIM_STAGES = 4, SIM_SINKS = 2 };

enum sim_source { SIM_FILE = 0, SIM_LOG, SIM_HTTP, SIM_FEED, SIM_SOURCES };
enum sim_stage {
    SIM_FILTER = 0,
    SIM_REJECT,
    SIM_EXPLODE,
    SIM_SLOW,    /* pauses before it gives an item */
    SIM_HOLDING, /* pauses behind it, so that the item is still lent */
    SIM_BUFFER,
    SIM_STAGE_KINDS,
    SIM_BATCH = SIM_STAGE_KINDS /* only at the end */
};
enum sim_sink { SIM_OUT = 0, SIM_FAR, SIM_TABLE, SIM_SINK_KINDS };

/* What has come to a far end, as lines, and what it keeps beside it. */
struct sim_far {
    char *data;
    size_t len, cap;
    char *waits; /* a table: put and not committed */
    size_t waits_len, waits_cap;
    char *text; /* a table: the state of its last transaction */
};

struct sim {
    uint64_t seed, random, trace;
    bool verbose;
    /* the pipeline */
    enum sim_source source;
    enum sim_stage stages[SIM_STAGES];
    size_t stages_count;
    enum sim_sink sinks[SIM_SINKS];
    size_t sinks_count;
    int lines;
    /* what must come */
    char outputs[SIM_OUTPUTS][SIM_TEXT];
    int first_output[SIM_LINES + 2]; /* of line 1, 2, ...; of line lines + 1: their number */
    /* what has come */
    struct sim_far far[SIM_SINKS];
    int written; /* lines of the log that were written */
    int cut;     /* of them, lie in files with other names */
    int rotated;
    size_t truncated_at; /* the length that the log had; 0: it was not, or has another name now */
    /* this run */
    weir_loop *loop;
    weir_scope *scope, *beside; /* of the pipeline; of what happens to it */
    weir_state *state;
    bool faulty; /* there are faults in this run */
    bool stuck;
    bool writes_short; /* the disk, in this run */
    uint64_t room, sync_fails, stop_at;
    int runs, crashes;
    char violation[400]; /* empty: none */
};

extern struct sim sim;

/* A number below `below`. */
uint64_t sim_draw(uint64_t below);
/* In one of so many cases, in a run with faults. */
bool sim_fault(uint64_t one_in);
void sim_note(const char *what, uint64_t a, uint64_t b);
/* The first one counts. */
void sim_violated(const char *format, ...) WEIR_PRINTF(1, 2);
/* The machine has stopped: nothing that is done now counts. */
bool sim_stopped(void);
void sim_stop(void);
/* The disk's faults of this run begin, or end: for what another process writes. */
void sim_disk_faults(bool on);

/* sim_source.c */
int sim_line(int number, char to[SIM_TEXT]); /* without its end; its length */
void sim_source_begin(void);                 /* once a seed, on an empty disk */
weir_gen *sim_source_open(void);             /* once a run; a log gets its writer */

/* sim_sink.c */
weir_sink *sim_sink_open(size_t index);
void sim_sinks_forget(void);
/* The lines of a sink, and their length. */
const char *sim_sink_lines(size_t index, size_t *len);

/* sim_oracle.c */
void sim_expect(void);
/* How many of the first outputs are in these lines without a gap; a line that is torn, out of order
 * or behind a gap is a violation, and so is a repeated one where `once`. */
int sim_look(const char *lines, size_t len, bool once);
void sim_check_ledger(const weir_ledger *ledger, bool clean);
void sim_check_record(void);
void sim_check_end(void);
bool sim_complete(void);

/* sim_work.c: before a run. */
void sim_work_begin(void);

/* sim_run.c */
bool sim_play(uint64_t seed); /* false: sim.violation says why */

#endif
