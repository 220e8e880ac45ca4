/*
 * sim_run.c - one seed: a pipeline is drawn, and run with faults until a run has ended well or there
 * were enough crashes; then without faults. Behind each run stand the checks.
 *
 * A crash is a machine that stops: at a call of the disk, or at a moment. From then on nothing that
 * the process does counts. It is torn down, and begins again with what is on the disk; where the
 * power was lost too, with what was safe and some of the rest.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop_scope.h"
#include "sim.h"

enum { RUNS_MAX = 6, CALM_RUNS = 3, WATCH_MS = 1200 * 1000 };

struct sim sim;

uint64_t sim_draw(uint64_t below)
{
    uint64_t x = sim.random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    sim.random = x;
    return below > 0 ? (x >> 11) % below : 0;
}

bool sim_fault(uint64_t one_in)
{
    return sim.faulty && sim_draw(one_in) == 0;
}

void sim_note(const char *what, uint64_t a, uint64_t b)
{
    uint64_t now = sim.loop != NULL ? (uint64_t)(sim.loop->now_unix_ns / 1000000) : 0;
    const uint64_t words[] = {now, (unsigned char)what[0], (unsigned char)what[1], a, b};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        sim.trace = (sim.trace ^ words[i]) * 0x100000001b3u;
        sim.trace ^= sim.trace >> 29;
    }
    if (sim.verbose) {
        printf("%14llu %-7s %llu %llu\n", (unsigned long long)now, what, (unsigned long long)a,
               (unsigned long long)b);
    }
}

void sim_violated(const char *format, ...)
{
    va_list args;
    if (sim.violation[0] != '\0') {
        return;
    }
    va_start(args, format);
    vsnprintf(sim.violation, sizeof sim.violation, format, args);
    va_end(args);
}

/* ---- the machine */

static bool stopped;

bool sim_stopped(void)
{
    return stopped || wr_disk_calls() > sim.stop_at;
}

void sim_stop(void)
{
    stopped = true;
    wr_disk_stop_after(0);
}

void sim_disk_faults(bool on)
{
    wr_disk_write_short(on && sim.writes_short);
    wr_disk_room(on ? sim.room : UINT64_MAX);
    wr_disk_fail_sync_after(on ? sim.sync_fails : UINT64_MAX - 1);
}

/* ---- stages */

static bool kept_by_filter(const weir_item *item, const void *args)
{
    (void)args;
    return atoi(item->data) % 7 != 3;
}

static int number_of_item(const weir_item *item)
{
    int number = 0;
    for (size_t i = 0; i < item->len && item->data[i] >= '0' && item->data[i] <= '9'; i++) {
        number = number * 10 + (item->data[i] - '0');
    }
    return number;
}

WEIR_STAGE(reject_stage)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (number_of_item(&item) % 11 == 5) {
            int rc = weir_reject(self, &item, "it is one of them");
            if (rc < 0) {
                return rc;
            }
        } else if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_STAGE(explode_stage)
{
    weir_item item;
    while (weir_next(up, &item)) {
        int count = number_of_item(&item) % 3;
        for (int k = 0; k <= count; k++) {
            char text[SIM_TEXT];
            int len = snprintf(text, sizeof text, "%.*s.%d", item.len < 50 ? (int)item.len : 50,
                               item.data, k);
            weir_item part = item;
            part.data = text;
            part.len = (size_t)len;
            part.block = NULL;
            if (!weir_yield(self, &part)) {
                return 0;
            }
        }
    }
    return 0;
}

WEIR_STAGE(slow_stage)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (sim_draw(8) == 0 && !weir_sleep(weir_gen_scope(self), (int64_t)sim_draw(250))) {
            break;
        }
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_STAGE(holding_stage)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item)) {
        if (sim_draw(8) == 0 && !weir_sleep(weir_gen_scope(self), (int64_t)sim_draw(250))) {
            break;
        }
    }
    return 0;
}

static weir_gen *open_stage(weir_gen *up, enum sim_stage stage)
{
    switch (stage) {
    case SIM_FILTER: return weir_filter(up, "filter", kept_by_filter, NULL, 0);
    case SIM_REJECT: return reject_stage(up);
    case SIM_EXPLODE: return explode_stage(up);
    case SIM_SLOW: return slow_stage(up);
    case SIM_HOLDING: return holding_stage(up);
    case SIM_BUFFER:
        return weir_buffer(
            up, WEIR_OPTIONS(weir_queue_options, .items_max = sim.lines % 2 == 0 ? 3 : 40));
    default:
        return weir_batch(
            up, WEIR_OPTIONS(weir_batch_options, .items_max = 2 + sim.lines % 9, .wait_ms = 50));
    }
}

/* ---- a seed's pipeline */

static void draw_pipeline(void)
{
    sim.source = (enum sim_source)sim_draw(SIM_SOURCES);
    sim.lines = 10 + (int)sim_draw(SIM_LINES - 10);
    sim.stages_count = sim_draw(SIM_STAGES);
    int exploding = 0;
    for (size_t i = 0; i < sim.stages_count; i++) {
        sim.stages[i] = (enum sim_stage)sim_draw(SIM_STAGE_KINDS);
        exploding += sim.stages[i] == SIM_EXPLODE;
        if (exploding > 2) {
            sim.stages[i] = SIM_SLOW;
        }
    }
    if (sim_draw(4) == 0) {
        sim.stages[sim.stages_count++] = SIM_BATCH;
    }
    sim.sinks_count = sim_draw(3) == 0 ? 2 : 1;
    for (size_t i = 0; i < sim.sinks_count; i++) {
        sim.sinks[i] = (enum sim_sink)sim_draw(sim.sinks_count == 1 ? SIM_SINK_KINDS : SIM_TABLE);
    }
}

static const char *describe(char *to, size_t cap)
{
    static const char *const sources[] = {"file", "log", "http", "feed"};
    static const char *const stages[] = {"filter",  "reject", "explode", "slow",
                                         "holding", "buffer", "batch"};
    static const char *const sinks[] = {"out", "far", "table"};
    size_t len = (size_t)snprintf(to, cap, "%s of %d", sources[sim.source], sim.lines);
    for (size_t i = 0; i < sim.stages_count; i++) {
        len += (size_t)snprintf(to + len, cap - len, " | %s", stages[sim.stages[i]]);
    }
    for (size_t i = 0; i < sim.sinks_count; i++) {
        len += (size_t)snprintf(to + len, cap - len, "%s%s", i == 0 ? " | " : ", ",
                                sinks[sim.sinks[i]]);
    }
    return to;
}

/* ---- a run */

static int watch(weir_scope *scope, void *args)
{
    (void)args;
    if (weir_sleep(scope, WATCH_MS)) {
        sim.stuck = true;
        weir_scope_cancel(sim.scope);
    }
    return 0;
}

static int crash_at_a_moment(weir_scope *scope, void *args)
{
    if (weir_sleep(scope, *(int64_t *)args)) {
        sim_note("crash", 0, 0);
        sim_stop();
        weir_scope_cancel(sim.scope);
    }
    return 0;
}

/* The process of a machine that has stopped at a call of the disk may wait for ever. */
static int reap(weir_scope *scope, void *args)
{
    (void)args;
    while (weir_sleep(scope, 200)) {
        if (sim_stopped()) {
            if (weir_sleep(scope, 3000)) {
                weir_scope_cancel(sim.scope);
            }
            return 0;
        }
    }
    return 0;
}

/* The wall clock jumps; nothing may depend on it. */
static int jump(weir_scope *scope, void *args)
{
    (void)args;
    while (weir_sleep(scope, 1 + (int64_t)sim_draw(2000))) {
        int64_t day_ns = INT64_C(86400) * 1000000000;
        sim.loop->now_unix_ns += sim_draw(2) == 0 ? day_ns : -day_ns;
    }
    return 0;
}

static void draw_faults(weir_scope *beside)
{
    int64_t moment_ms = 1 + (int64_t)sim_draw(sim_draw(2) == 0 ? 300 : 5000);
    sim.writes_short = sim_draw(3) == 0;
    switch (sim_draw(6)) {
    case 0:
        sim.stop_at = 1 + sim_draw(120);
        wr_disk_stop_after(sim.stop_at);
        weir_spawn(beside, "reaper", reap, NULL, 0);
        break;
    case 1: sim.room = sim_draw(4000); break;
    case 2: sim.sync_fails = sim_draw(10); break;
    case 3: weir_spawn(beside, "clock", jump, NULL, 0); break;
    default: weir_spawn(beside, "crash", crash_at_a_moment, &moment_ms, sizeof moment_ms); break;
    }
}

static void show_log(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    printf("    %s: %s\n", origin, text);
}

static void begin_run(void)
{
    stopped = false;
    sim.stop_at = UINT64_MAX;
    sim.stuck = false;
    sim_work_begin();
    wr_disk_stop_after(UINT64_MAX);
    sim.room = UINT64_MAX;
    sim.sync_fails = UINT64_MAX - 1;
    sim.writes_short = false;
    sim_disk_faults(false);
    sim.loop = weir_loop_new(WEIR_OPTIONS(
        weir_loop_options, .virtual_ns = INT64_C(1700000000000000000), .blocked_ms = WEIR_NONE,
        .seed = sim_draw(1u << 30) + 1, .log = sim.verbose ? show_log : NULL));
    sim.loop->disk = &wr_test_disk;
    sim.scope = weir_scope_new(weir_root(sim.loop), NULL);
    sim.state = weir_state_open(sim.scope, sim.sinks[0] == SIM_TABLE ? NULL : "s", "p");
}

/* Move everything, as far as it goes. */
static int run(weir_error *error)
{
    weir_sink *sinks[SIM_SINKS];
    if (sim.sinks[0] == SIM_TABLE) {
        const char *text = sim.far[0].text;
        int rc = weir_state_restore(sim.state, text, text != NULL ? strlen(text) : 0, error);
        if (rc < 0) {
            return rc;
        }
    }
    weir_gen *gen = sim_source_open();
    for (size_t i = 0; i < sim.stages_count; i++) {
        gen = open_stage(gen, sim.stages[i]);
    }
    for (size_t i = 0; i < sim.sinks_count; i++) {
        sinks[i] = sim_sink_open(i);
    }
    return sim.sinks_count == 1 ? weir_pump(gen, sinks[0], error)
                                : weir_pump_all(gen, sinks, sim.sinks_count, NULL, error);
}

/* True: it has ended well. */
static bool one_run(void)
{
    weir_error error, ignored;
    weir_ledger ledger;
    begin_run();
    sim.beside = weir_scope_new(weir_root(sim.loop), NULL);
    weir_spawn(sim.beside, "watch", watch, NULL, 0);
    if (sim.faulty) {
        draw_faults(sim.beside);
        sim_disk_faults(true);
    }
    int rc = run(&error);
    uint64_t calls = wr_disk_calls();
    weir_scope_ledger(sim.scope, &ledger);
    sim_note("run", (uint64_t)-rc, calls);
    sim_note("ledger", ledger.in, ledger.delivered);
    if (sim.verbose && rc < 0) {
        printf("    %s: %s\n", error.origin, error.message);
    }
    weir_scope_cancel(sim.beside);
    (void)!weir_scope_wait(sim.beside, &ignored);
    (void)!weir_scope_wait(sim.scope, &ignored);
    weir_loop_free(sim.loop);
    sim.loop = NULL;
    if (sim.stuck) {
        sim_violated("liveness: nothing has happened for 20 minutes: a wake-up was lost (%d lines "
                     "are written)",
                     sim.written);
    } else if (rc < 0 && !sim.faulty) {
        sim_violated("a run without faults has failed: %s: %s", error.origin, error.message);
    }
    sim_check_ledger(&ledger, rc == 0);
    return rc == 0;
}

/* The disk as the next run finds it. */
static void restart(void)
{
    /* What a sync has failed to write is lost with the power; until then it looks as if it were there. */
    if (sim.sync_fails < UINT64_MAX - 1 || sim_draw(2) == 0) {
        sim_note("power", 0, 0);
        wr_disk_lose_power();
    } else {
        wr_disk_go_on();
    }
    sim.crashes++;
    if (sim.verbose) {
        size_t len;
        const char *record = wr_disk_get("s/p.weir", &len);
        printf("    the record: %s\n", record != NULL ? record : "none");
    }
    sim_check_record();
}

bool sim_play(uint64_t seed)
{
    char text[200];
    bool ended = false;
    sim_sinks_forget();
    sim = (struct sim){.seed = seed, .verbose = sim.verbose};
    sim.random = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
    sim.trace = 0xcbf29ce484222325u;
    for (int i = 0; i < 8; i++) {
        (void)sim_draw(2);
    }
    draw_pipeline();
    wr_disk_make(sim_draw(1u << 30) + 1);
    sim_source_begin();
    sim_expect();
    if (sim.verbose) {
        printf("seed %llu: %s\n", (unsigned long long)seed, describe(text, sizeof text));
    }
    while (!ended && sim.violation[0] == '\0' && sim.runs < RUNS_MAX + CALM_RUNS) {
        sim.faulty = sim.runs < RUNS_MAX;
        sim.runs++;
        ended = one_run();
        if (!ended) {
            restart();
        } else if (sim.source == SIM_LOG && !sim_complete()) {
            ended = false; /* it was stopped when it was about to cut its file back */
        }
    }
    if (sim.violation[0] == '\0') {
        sim_check_end();
    }
    if (sim.violation[0] != '\0') {
        size_t len = strlen(sim.violation);
        snprintf(sim.violation + len, sizeof sim.violation - len, "\n    run %d of %s", sim.runs,
                 describe(text, sizeof text));
    }
    return sim.violation[0] == '\0';
}
