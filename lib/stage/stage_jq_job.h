/*
 * stage_jq_job.h - what the stage jq does on a worker's thread: one job is a run of the program over
 * some items. Internal.
 *
 * The stage fills a job and hands it over; until it comes back the worker alone uses it, but for
 * `steps`, and for wr_jq_stop. The worker reads the items where they lie. An output is written into
 * the room that the job was given. One that does not fit ends the job, with `need`, and is written
 * first by the next one: the program stays where it is between two jobs.
 */
#ifndef WR_STAGE_JQ_JOB_H
#define WR_STAGE_JQ_JOB_H

#include <stdatomic.h>

#include <weir/item.h>

#include "codec_excerpt.h"
#include "codec_json.h"
#include "expr_jq.h"

enum {
    WR_JQ_INPUTS_MAX = 64,
    WR_JQ_RESULTS_MAX = 128, /* of one job */
    WR_JQ_REJECTS_MAX = 8
};

enum wr_jq_outcome { WR_JQ_GIVEN, WR_JQ_NONE, WR_JQ_REJECTED };

struct wr_jq_made {
    uint8_t outcome; /* enum wr_jq_outcome; NONE: the item has no output */
    uint8_t reject;  /* REJECTED: its number in rejects */
    uint16_t input;
    uint32_t at, len; /* GIVEN: where in `to` */
};

struct wr_jq_reject {
    int code;
    struct wr_fault fault; /* if its problem is not NULL: what is not JSON, and where */
    char why[WR_FAULT_REASON];
};

struct wr_jq_job {
    struct wr_jq *jq; /* NULL: the first job compiles `program` */
    const char *program;
    struct wr_names *names;
    struct wr_jq_mistake mistake;
    struct wr_json json;
    /* in */
    struct {
        weir_slice text;
        const weir_event *record; /* NULL: JSON in text */
    } inputs[WR_JQ_INPUTS_MAX];
    uint32_t inputs_at, inputs_count; /* the next one, or the one that runs; all of the job */
    uint32_t outputs_max;
    char *to;
    size_t cap;
    /* out */
    struct wr_jq_made made[WR_JQ_RESULTS_MAX];
    struct wr_jq_reject rejects[WR_JQ_REJECTS_MAX];
    uint32_t made_count, rejects_count;
    size_t output_bytes_max;
    size_t len, need; /* of `to`; for the output that did not fit, 0: none */
    bool stopped;     /* by wr_jq_stop: the item that ran, if one did, has no result */
    int code;         /* WEIR_ENOMEM, or that of `mistake` */
    /* between jobs */
    bool running;               /* the program runs on inputs[inputs_at] */
    bool gave;                  /* ... and has given an output */
    bool waits;                 /* an output is not written yet */
    atomic_uint_fast64_t steps; /* grows with each output and each input that is done */
};

void wr_jq_job_init(struct wr_jq_job *job, const char *program, struct wr_names *names);
/* On the worker's thread. */
void wr_jq_job_run(struct wr_jq_job *job);
void wr_jq_job_fini(struct wr_jq_job *job);

#endif
