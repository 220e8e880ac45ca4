/*
 * stage_jq_job.c - the part of the stage jq that runs on a worker's thread (stage_jq_job.h).
 */
#include "stage_jq_job.h"

#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "bytes_item.h"

void wr_jq_job_init(struct wr_jq_job *job, const char *program, struct wr_names *names)
{
    job->program = program;
    job->names = wr_names_ref(names);
    wr_json_init(&job->json);
}

void wr_jq_job_fini(struct wr_jq_job *job)
{
    wr_jq_free(job->jq);
    wr_names_unref(job->names);
    job->names = NULL;
    wr_json_fini(&job->json);
    job->jq = NULL;
}

static struct wr_jq_made *add(struct wr_jq_job *job, enum wr_jq_outcome outcome)
{
    struct wr_jq_made *made = &job->made[job->made_count++];
    *made = (struct wr_jq_made){.outcome = (uint8_t)outcome, .input = (uint16_t)job->inputs_at};
    return made;
}

/* The item is done. */
static void next_input(struct wr_jq_job *job)
{
    job->running = job->waits = false;
    job->inputs_at++;
    atomic_fetch_add_explicit(&job->steps, 1, memory_order_relaxed);
}

static void reject(struct wr_jq_job *job, int code, const char *why)
{
    struct wr_jq_reject *rejected = &job->rejects[job->rejects_count];
    add(job, WR_JQ_REJECTED)->reject = (uint8_t)job->rejects_count++;
    rejected->code = code;
    rejected->fault.problem = NULL;
    (void)wr_copy_text(rejected->why, sizeof rejected->why, why);
    next_input(job);
}

static void reject_text(struct wr_jq_job *job, weir_slice text, int code)
{
    struct wr_jq_reject *rejected = &job->rejects[job->rejects_count];
    reject(job, code, "");
    rejected->fault = wr_json_fault(&job->json, text, code);
}

/* Begin with the next item. */
static void begin(struct wr_jq_job *job)
{
    const weir_event *record = job->inputs[job->inputs_at].record;
    weir_slice text = job->inputs[job->inputs_at].text;
    job->gave = false;
    if (record != NULL) {
        wr_jq_input_record(job->jq, record);
        job->running = true;
        return;
    }
    int rc = wr_json_index(&job->json, text.data, text.len);
    if (rc == 0) {
        job->running = wr_jq_input(job->jq, &job->json, WR_JSON_ROOT);
        job->code = job->running ? 0 : WEIR_ENOMEM;
    } else if (rc == WEIR_ENOMEM) {
        job->code = rc;
    } else if (wr_json_blank(text.data, text.len)) {
        add(job, WR_JQ_NONE);
        next_input(job);
    } else {
        reject_text(job, text, rc);
    }
}

/* Write the output that waits. false: there is no room. */
static bool write_output(struct wr_jq_job *job)
{
    size_t len = wr_jq_write(job->jq, job->to + job->len, job->cap - job->len);
    if (len == WR_JQ_TOO_DEEP) {
        reject(job, WEIR_ETOOLONG, "the output is nested too deep: more than 10000 brackets");
        return true;
    }
    size_t need = wr_item_padded(WR_MAX(len, (size_t)1));
    if (need > WR_MIN(job->output_bytes_max, (size_t)UINT32_MAX / 2)) {
        char why[120];
        (void)snprintf(
            why, sizeof why,
            "the output is too long: more than %zu bytes (half of --mem, 64 MiB at most)",
            job->output_bytes_max);
        reject(job, WEIR_ETOOLONG, why);
        return true;
    }
    if (need > job->cap - job->len) {
        job->need = need;
        return false;
    }
    struct wr_jq_made *made = add(job, WR_JQ_GIVEN);
    made->at = (uint32_t)job->len;
    made->len = (uint32_t)len;
    job->len += need;
    job->waits = false;
    job->gave = true;
    job->outputs_max--;
    atomic_fetch_add_explicit(&job->steps, 1, memory_order_relaxed);
    return true;
}

/* Run to the next output, or to the end of the item. false: the job is over. */
static bool step(struct wr_jq_job *job)
{
    if (job->waits) {
        return write_output(job);
    }
    if (!job->running) {
        begin(job);
        return job->code == 0;
    }
    switch (wr_jq_next(job->jq)) {
    case WR_JQ_OUTPUT: job->waits = true; return true;
    case WR_JQ_END:
        if (!job->gave) {
            add(job, WR_JQ_NONE);
        }
        next_input(job);
        return true;
    case WR_JQ_FAILED: reject(job, WEIR_EPARSE, wr_jq_error(job->jq)); return true;
    default: job->stopped = true; return false;
    }
}

void wr_jq_job_run(struct wr_jq_job *job)
{
    job->made_count = job->rejects_count = 0;
    job->len = job->need = 0;
    job->stopped = false;
    job->code = 0;
    if (job->jq == NULL) {
        job->jq = wr_jq_new(job->program, job->names, &job->mistake);
        job->code = job->jq != NULL ? 0 : job->mistake.code;
    }
    while (job->code == 0 && job->inputs_at < job->inputs_count && job->outputs_max > 0 &&
           job->made_count < WR_JQ_RESULTS_MAX && job->rejects_count < WR_JQ_REJECTS_MAX &&
           step(job)) {}
}
