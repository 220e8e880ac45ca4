/*
 * sim_main.c - plays seeds: sim [COUNT [FIRST]] [-v] [--until S] [--log]
 *                        [--expect-violation]
 *
 *     sim 10000          seeds 1 to 10,000
 *     sim 1 4711 -v      one seed, with its trace
 *     --until S          no new seed after S seconds
 *     --log              count only what a seed finds whose source is a log
 *     --expect-violation succeed when a seed finds something: for builds that are wrong on purpose
 *
 * Every fiftieth seed is played twice, and must have the same trace. The kept seeds are played
 * first: each of them has found a mistake once.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

enum { SEED_S = 30, TWICE_EVERY = 50 };

static const uint64_t kept[] = {
    7,     /* a commit with the item still held by a stage that waits: twice in the table */
    22,    /* ... and by one that makes more items of it */
    29,    /* a save synced the file of a sink that was closed after its own save had failed */
    1447,  /* a table, and a log that has gone: a source without items was asked for its position */
    14587, /* of two renamed logs and one that is renamed now, the last was read before the second */
};

void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

void __wrap_wr_must_failed(const char *file, int line, const char *expr);
void __wrap_wr_must_failed(const char *file, int line, const char *expr)
{
    printf("FAILED: seed %llu: %s:%d: %s\nsim: 0 passed, 1 failed\n", (unsigned long long)sim.seed,
           file, line, expr);
    exit(1);
}

static void on_alarm(int number)
{
    char text[120];
    (void)number;
    int len =
        snprintf(text, sizeof text, "FAILED: seed %llu: busy for %d s\nsim: 0 passed, 1 failed\n",
                 (unsigned long long)sim.seed, SEED_S);
    (void)!write(1, text, (size_t)len);
    _exit(1);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct totals {
    unsigned long long seeds, runs, crashes, twice, failed;
    unsigned long long by_source[SIM_SOURCES];
    bool logs_only;
    bool expects; /* a violation; what is wrong may differ from play to play */
};

static void play(struct totals *totals, uint64_t seed)
{
    alarm(SEED_S);
    bool good = sim_play(seed) || (totals->logs_only && sim.source != SIM_LOG);
    uint64_t trace = sim.trace;
    totals->seeds++;
    totals->runs += (unsigned)sim.runs;
    totals->crashes += (unsigned)sim.crashes;
    totals->by_source[sim.source]++;
    if (!good) {
        totals->failed++;
        printf("FAILED: seed %llu: %s\n", (unsigned long long)seed, sim.violation);
    } else if (!totals->expects && totals->seeds % TWICE_EVERY == 1) {
        totals->twice++;
        (void)sim_play(seed);
        if (sim.trace != trace) {
            totals->failed++;
            printf("FAILED: seed %llu: another trace the second time\n", (unsigned long long)seed);
        }
    }
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    uint64_t numbers[2] = {1500, 1};
    size_t given = 0;
    double until_s = 1e9, began_s = now_s();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            sim.verbose = true;
        } else if (strcmp(argv[i], "--until") == 0 && i + 1 < argc) {
            until_s = atof(argv[++i]);
        } else if (strcmp(argv[i], "--log") == 0) {
            totals.logs_only = true;
        } else if (strcmp(argv[i], "--expect-violation") == 0) {
            totals.expects = true;
        } else if (given < 2) {
            numbers[given++] = strtoull(argv[i], NULL, 10);
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    for (size_t i = 0; given < 2 && i < sizeof kept / sizeof kept[0]; i++) {
        play(&totals, kept[i]);
    }
    for (uint64_t i = 0; i < numbers[0] && now_s() - began_s < until_s && totals.failed < 20; i++) {
        play(&totals, numbers[1] + i);
        if (totals.expects && totals.failed > 0) {
            break;
        }
    }
    printf("%llu seeds (%llu file, %llu log, %llu http, %llu feed): %llu runs, %llu of them did "
           "not end "
           "well; %llu played twice with the same trace; %.1f s\n",
           totals.seeds, totals.by_source[0], totals.by_source[1], totals.by_source[2],
           totals.by_source[3], totals.runs, totals.crashes, totals.twice, now_s() - began_s);
    if (totals.expects) {
        printf("sim: %d passed, %d failed (a wrong build %s)\n", totals.failed > 0,
               totals.failed == 0, totals.failed > 0 ? "was found" : "was NOT found");
        return totals.failed > 0 ? 0 : 1;
    }
    printf("sim: %llu passed, %llu failed\n", totals.seeds - totals.failed, totals.failed);
    return totals.failed > 0;
}
