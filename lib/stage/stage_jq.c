/*
 * stage_jq.c - the component `jq`: a program in the whole jq language, by libjq, on a thread of its
 * own.
 *
 * It pulls as many items as its reader requested, at most WR_JQ_INPUTS_MAX, and hands them to the
 * worker as one job (stage_jq_job.h), so that the way to another thread and back is paid once for
 * many small items. The items of a pull stay lent from upstream until all their outputs have been
 * given. A job computes as many outputs as the reader requested and no more, so an endless program
 * runs as long as somebody reads. Its outputs lie in one block, which is lent until the next call.
 * Order, receipts and rejections are handled here, on the loop's thread, when the job is back.
 *
 * While a job runs, the stage looks at it each TICK_MS. A program that takes longer than time= for
 * one output, or in which the process has grown by more than memory=, is stopped, and its item is
 * rejected: libjq itself knows no limit. A cancel stops it, too. In each case the stage waits until
 * the worker has left the items.
 *
 * States: no program yet (the first pull compiles it, on the worker); between two jobs; a job runs.
 * It suspends at the pull, while a job runs, and while it waits for the budget. Stages share LANES
 * threads.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/module.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_log.h"
#include "base_thread.h"
#include "bytes_block.h"
#include "flow_dead.h"
#include "loop_work.h"
#include "stage_expr.h"
#include "stage_jq_job.h"

enum { LANES = 8, TICK_MS = 100, SLOW_TO_STOP_TICKS = 10 };
#define OUTPUT_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct jq_args {
    const char *program;
    int64_t time_ms, memory_bytes;
};

struct stage_jq {
    struct weir_gen gen;
    char *program;
    int64_t time_ms, memory_bytes;
    weir_item in[WR_JQ_INPUTS_MAX];
    size_t in_count;
    weir_scratch scratch;
    struct weir_block *block; /* of this call; NULL: none */
    /* the job */
    struct wr_jq_job job;
    struct wr_work work;
    struct wr_lane lane;
    char lane_name[8];
    const void *thread; /* of the loop */
    bool out, ends;     /* the worker has the job; the last job, which frees it */
};

/* ---- jobs */

static void job_run(struct wr_work *work)
{
    struct stage_jq *stage = WR_OWNER(work, struct stage_jq, work);
    if (stage->ends) {
        wr_jq_job_fini(&stage->job);
    } else if (stage->thread == wr_thread_here()) {
        stage->job.code = WEIR_ENOMEM; /* there is no thread, and a task has not the stack for jq */
        stage->job.made_count = 0;
    } else {
        wr_jq_job_run(&stage->job);
    }
}

static void job_done(struct wr_work *work)
{
    struct stage_jq *stage = WR_OWNER(work, struct stage_jq, work);
    stage->out = false;
    wr_object_wake(&stage->gen.object);
}

static void start_job(struct stage_jq *stage)
{
    stage->out = true;
    stage->thread = wr_thread_here();
    stage->work = (struct wr_work){.lane = &stage->lane, .run = job_run, .done = job_done};
    wr_work_start(stage->gen.loop, &stage->work);
}

static const char waits_for[] = "its jq program";

static void wait_job(struct stage_jq *stage)
{
    while (stage->out) {
        (void)wr_park(stage->gen.loop, waits_for, &stage->gen.object);
    }
}

/* What a job that runs is watched for. */
struct watch {
    uint64_t steps;
    int64_t since_ns, resident; /* of the process, when the last step was made; -1: not known */
    const char *over;           /* the limit that has stopped the job; NULL: none */
    int ticks_over;
};

/* Bytes that are resident; -1: not known. */
static int64_t resident_bytes(void)
{
    char text[64];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *second = strchr(text, ' ');
    return second != NULL ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : -1;
}

static void look(struct stage_jq *stage, struct watch *watch)
{
    int64_t now_ns = stage->gen.loop->now_ns;
    uint64_t steps = atomic_load_explicit(&stage->job.steps, memory_order_relaxed);
    if (watch->over != NULL) {
        if (++watch->ticks_over == SLOW_TO_STOP_TICKS) {
            wr_log(&stage->gen.loop->log, WR_LOG_WARNING, stage->gen.name,
                   "the program was stopped, but is inside a function of jq that cannot be "
                   "interrupted; waiting for it");
        }
        return;
    }
    int64_t resident = resident_bytes();
    if (steps != watch->steps || watch->resident < 0) {
        watch->since_ns = steps != watch->steps ? now_ns : watch->since_ns;
        watch->steps = steps;
        watch->resident = resident;
    }
    if (now_ns - watch->since_ns >= stage->time_ms * 1000000) {
        watch->over = "its next output takes longer than time= allows";
    } else if (resident - watch->resident > stage->memory_bytes) {
        watch->over = "it needs more memory than memory= allows";
    }
    if (watch->over != NULL) {
        wr_jq_stop(stage->job.jq);
    }
}

/* Run a job. 0, or a code: gen has failed. *over: what has stopped it, NULL: nothing. */
static int run_job(struct stage_jq *stage, const char **over)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_limit limit;
    struct watch watch = {.steps = atomic_load_explicit(&stage->job.steps, memory_order_relaxed),
                          .since_ns = gen->loop->now_ns,
                          .resident = -1};
    int rc = 0;
    bool compiled = stage->job.jq != NULL;
    if (compiled) {
        wr_jq_ready(stage->job.jq);
    }
    start_job(stage);
    while (stage->out && rc == 0) {
        wr_limit_start(gen->loop, &limit, compiled ? TICK_MS : WEIR_NONE);
        while (stage->out && rc == 0) {
            rc = wr_wait_limited(&limit, waits_for, &gen->object);
        }
        wr_limit_stop(&limit);
        if (stage->out && rc == WEIR_ETIMEDOUT) {
            rc = 0;
            look(stage, &watch);
        }
    }
    if (stage->out && compiled) {
        wr_jq_stop(stage->job.jq);
    }
    wait_job(stage);
    *over = stage->job.stopped ? watch.over : NULL;
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
    if (stage->job.code != 0) {
        return wr_gen_fail(gen, stage->job.code, 0, -1, "%s",
                           stage->job.code == WEIR_ENOMEM ? "no memory for a jq program"
                                                          : stage->job.mistake.message);
    }
    return 0;
}

/* ---- items */

static void let_go(struct stage_jq *stage)
{
    if (stage->block != NULL) {
        wr_block_unref(stage->block, 1);
        stage->block = NULL;
    }
}

/* Tell the worker where the texts of the items lie. A text that is printed into the scratch ends the
 * job: there is one scratch. 0, or gen has failed. */
static int prepare(struct stage_jq *stage, size_t max)
{
    struct wr_jq_job *job = &stage->job;
    job->outputs_max = (uint32_t)max;
    while (job->inputs_count < stage->in_count) {
        const weir_item *item = &stage->in[job->inputs_count];
        const weir_event *event = weir_event_of(item);
        weir_slice text = {NULL, 0};
        bool record = event != NULL && event->kind == WEIR_EVENT_RECORD;
        if (!record && job->inputs_count > job->inputs_at && item->type != NULL && event == NULL &&
            item->type != &weir_json_type) {
            break;
        }
        if (!record && !wr_gen_text(&stage->gen, item, &text, &stage->scratch)) {
            return stage->gen.failure->code;
        }
        job->inputs[job->inputs_count].record = record ? event : NULL;
        job->inputs[job->inputs_count++].text = text;
        if (text.data != NULL && text.data == stage->scratch.data) {
            break;
        }
    }
    return 0;
}

/* Make room for outputs, in a block of this call. 0, or gen has failed. */
static int reserve(struct stage_jq *stage)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_jq_job *job = &stage->job;
    int why = 0;
    size_t need = WR_MAX(job->need, (size_t)256), all = 0;
    if (stage->block != NULL && stage->block->cap >= need) {
        return 0;
    }
    let_go(stage);
    for (uint32_t i = job->inputs_at; i < job->inputs_count; i++) {
        all +=
            64 + (job->inputs[i].record != NULL ? stage->in[i].len * 2 : job->inputs[i].text.len);
    }
    all = WR_MAX(need, WR_MIN(all, (size_t)WR_BLOCK_BYTES));
    while ((stage->block = wr_block_new(&gen->loop->blocks, all, &why)) == NULL) {
        if (why == WEIR_EBUDGET && all > need) {
            all = need;
            continue;
        }
        if (why == WEIR_EBUDGET) {
            why = wr_budget_wait(gen->loop, &gen->object);
        }
        if (why < 0) {
            return why == WEIR_EBUDGET  ? wr_gen_fail_starved(gen, -1)
                   : why == WEIR_ENOMEM ? wr_gen_fail(gen, why, 0, -1, "no memory for a value")
                                        : wr_gen_fail(gen, why, 0, -1, "%s", wr_code_text(why));
        }
    }
    return 0;
}

static void give(struct stage_jq *stage, const struct wr_jq_made *made, weir_item *to)
{
    const weir_item *item = &stage->in[made->input];
    *to = *item;
    to->data = stage->block->data + made->at;
    to->len = made->len;
    to->type = &weir_json_type;
    to->block = stage->block;
    to->flags = 0;
    stage->block->time_ns = item->time_ns;
}

/* Give the outputs of a job, and tell upstream of the items without any. Returns how many. */
static size_t take(struct stage_jq *stage, const char *over, weir_item *items)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_jq_job *job = &stage->job;
    size_t given = 0;
    stage->block->len = (uint32_t)job->len;
    for (uint32_t i = 0; i < job->made_count && gen->failure == NULL; i++) {
        const struct wr_jq_made *made = &job->made[i];
        const weir_item *item = &stage->in[made->input];
        if (made->outcome == WR_JQ_GIVEN) {
            give(stage, made, &items[given++]);
        } else if (made->outcome == WR_JQ_NONE) {
            wr_gen_filter(gen, item, 1);
        } else {
            const struct wr_jq_reject *reject = &job->rejects[made->reject];
            if (reject->fault.problem != NULL) {
                (void)wr_gen_reject_at(gen, item, reject->code, &reject->fault);
            } else {
                (void)wr_gen_reject(gen, item, reject->code, reject->why);
            }
        }
    }
    if (over != NULL && job->running && gen->failure == NULL) {
        (void)wr_gen_reject(gen, &stage->in[job->inputs_at], WEIR_ETOOLONG, over);
        job->running = false;
        job->inputs_at++;
    }
    return given;
}

/* Pull the next items, when all of the last ones are done. false: there are none. */
static bool more(struct stage_jq *stage, size_t max)
{
    struct wr_jq_job *job = &stage->job;
    if (job->inputs_at < stage->in_count) {
        return true;
    }
    let_go(stage);
    job->inputs_at = job->inputs_count = 0;
    stage->in_count = wr_pull(stage->gen.up, stage->in, WR_MIN(max, (size_t)WR_JQ_INPUTS_MAX));
    return stage->in_count > 0;
}

static size_t jq_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_jq *stage = WR_OWNER(gen, struct stage_jq, gen);
    struct wr_jq_job *job = &stage->job;
    const char *over;
    size_t given = 0;
    let_go(stage);
    if (job->jq == NULL && run_job(stage, &over) < 0) {
        return 0;
    }
    max = WR_MIN(max, (size_t)WR_JQ_RESULTS_MAX);
    while (given == 0 && gen->failure == NULL && more(stage, max)) {
        if (prepare(stage, max) < 0 || reserve(stage) < 0) {
            return 0;
        }
        job->to = stage->block->data;
        job->cap = stage->block->cap;
        if (run_job(stage, &over) < 0) {
            return 0;
        }
        given = take(stage, over, items);
    }
    return given;
}

static void jq_close(struct weir_gen *gen)
{
    struct stage_jq *stage = WR_OWNER(gen, struct stage_jq, gen);
    let_go(stage);
    if (stage->job.jq != NULL) {
        stage->ends = true;
        start_job(stage);
        wait_job(stage);
    }
    wr_names_unref(stage->job.names);
    wr_json_fini(&stage->job.json);
    weir_scratch_free(&stage->scratch);
    wr_free(stage->program);
}

static const struct wr_gen_ops jq_ops = {
    .kind = "jq", .next_many = jq_next_many, .close = jq_close};

/* ---- the component */

struct checking {
    const char *program;
    struct wr_names *names;
    struct wr_jq_mistake mistake;
};

static void check_program(void *arg)
{
    struct checking *checking = arg;
    struct wr_jq *jq = wr_jq_new(checking->program, checking->names, &checking->mistake);
    checking->mistake.code = jq != NULL ? 0 : checking->mistake.code;
    wr_jq_free(jq);
}

static int jq_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    struct checking checking = {.program = ((const struct jq_args *)args)->program,
                                .names = opening->names};
    const struct wr_jq_mistake *wrong = &checking.mistake;
    if (!wr_work_beside(check_program, &checking) || wrong->code == WEIR_ENOMEM) {
        return weir_mistake_at(mistake, "PROGRAM", "no memory for a jq program");
    }
    if (wrong->code == 0) {
        return 0;
    }
    int rc = weir_mistake_inside(mistake, "PROGRAM", wrong->at, 1, "%s", wrong->message);
    return wrong->hint != NULL ? weir_mistake_hint(mistake, "%s", wrong->hint) : rc;
}

static weir_gen *jq_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static atomic_uint lanes;
    const struct jq_args *given = args;
    struct stage_jq *stage = wr_stage_alloc(up, sizeof *stage, &jq_ops, "jq");
    if (stage != NULL) {
        stage->program = wr_strdup(given->program);
        wr_jq_job_init(&stage->job, stage->program, opening->names);
        stage->job.output_bytes_max =
            stage->gen.loop != NULL
                ? WR_MIN((size_t)stage->gen.loop->budget.limit / 2, OUTPUT_BYTES_MAX)
                : 0;
        stage->time_ms = given->time_ms;
        stage->memory_bytes = given->memory_bytes;
        unsigned lane = atomic_fetch_add_explicit(&lanes, 1, memory_order_relaxed) % LANES;
        (void)snprintf(stage->lane_name, sizeof stage->lane_name, "jq %u", lane);
        stage->lane = (struct wr_lane){.name = stage->lane_name};
        if (stage->program == NULL) {
            (void)wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a jq program");
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

static const weir_arg jq_args[] = {
    WEIR_ARG_TEXT(struct jq_args, program, .name = "PROGRAM", .flags = WEIR_ARG_REQUIRED,
                  .help = "in jq's language, best in `...`; each output is an item"),
    WEIR_ARG_TIME(struct jq_args, time_ms, .name = "time", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "1m", .help = "reject an item when its next output takes longer"),
    WEIR_ARG_SIZE(struct jq_args, memory_bytes, .name = "memory", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "1GiB", .help = "... or when the process grows by more meanwhile"),
};

static const weir_example jq_more[] = {
    {"gen 1..3 | jq `def fac: if . < 2 then 1 else . * (. - 1 | fac) end; fac`", "1\n2\n6\n"},
    {"gen 1..2 | jq `foreach range(.) as $i (10; . + $i; [$i, .])`", "[0,10]\n[0,10]\n[1,11]\n"},
    {NULL, NULL},
};

const weir_component wr_component_jq = {
    .struct_size = sizeof wr_component_jq,
    .name = "jq",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = jq_args,
    .args_count = sizeof jq_args / sizeof jq_args[0],
    .args_size = sizeof(struct jq_args),
    .help = "A program in the whole language of jq, on a thread of its own.",
    .example = "gen 3..4 | jq `reduce (., 2, 3) as $n (1; . * $n)`",
    .prints = "18\n24\n",
    .more_examples = jq_more,
    .check = jq_check,
    .open = jq_open,
};
