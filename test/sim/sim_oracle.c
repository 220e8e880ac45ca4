/*
 * sim_oracle.c - what the lines of the source must have become, and whether they have.
 *
 *   I1  behind a run that ended well, every output is in every sink
 *   I2  a file and a table hold none twice
 *   I3  first copies are in order, and a repeat begins at one that follows what had come
 *   I4  no output is torn or changed
 *   I5  what a record holds for settled has come
 *   and the ledger: in = delivered + filtered + rejected + dropped + in flight, and nothing is in
 *   flight behind a run that ended well
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool has(enum sim_stage stage)
{
    bool found = false;
    for (size_t i = 0; i < sim.stages_count; i++) {
        found = found || sim.stages[i] == stage;
    }
    return found;
}

/* The outputs of a text behind the stages from this one on. */
static int expand(const char *text, size_t stage, int at)
{
    while (stage < sim.stages_count && sim.stages[stage] != SIM_EXPLODE) {
        stage++;
    }
    if (stage == sim.stages_count) {
        snprintf(sim.outputs[at], SIM_TEXT, "%s", text);
        return at + 1;
    }
    int number = atoi(text);
    for (int k = 0; k <= number % 3; k++) {
        char part[SIM_TEXT];
        snprintf(part, sizeof part, "%.50s.%d", text, k);
        at = expand(part, stage + 1, at);
    }
    return at;
}

void sim_expect(void)
{
    int at = 0;
    for (int number = 1; number <= sim.lines; number++) {
        char text[SIM_TEXT];
        sim.first_output[number] = at;
        if ((has(SIM_FILTER) && number % 7 == 3) || (has(SIM_REJECT) && number % 11 == 5)) {
            continue;
        }
        sim_line(number, text);
        at = expand(text, 0, at);
    }
    sim.first_output[sim.lines + 1] = at;
}

/* The index of an output; -1: there is none like it. */
static int find(const char *line, size_t len)
{
    int number = atoi(line);
    if (number < 1 || number > sim.lines) {
        return -1;
    }
    for (int i = sim.first_output[number]; i < sim.first_output[number + 1]; i++) {
        if (strlen(sim.outputs[i]) == len && memcmp(sim.outputs[i], line, len) == 0) {
            return i;
        }
    }
    return -1;
}

int sim_look(const char *lines, size_t len, bool once)
{
    static bool seen[SIM_OUTPUTS];
    int highest = -1;
    memset(seen, 0, sizeof seen);
    for (size_t at = 0; at < len;) {
        const char *end = memchr(lines + at, '\n', len - at);
        if (end == NULL) {
            break; /* not whole yet */
        }
        size_t line = (size_t)(end - lines) - at;
        int index = find(lines + at, line);
        if (index < 0) {
            sim_violated("I4: '%.*s' is torn or changed", (int)line, lines + at);
            return 0;
        }
        if (index > highest + 1) {
            sim_violated("I3: output %d ('%.*s') follows output %d", index, (int)line, lines + at,
                         highest);
            return 0;
        }
        if (once && seen[index]) {
            sim_violated("I2: '%.*s' is there twice", (int)line, lines + at);
            return 0;
        }
        highest = index > highest ? index : highest;
        seen[index] = true;
        at += line + 1;
    }
    return highest + 1;
}

static int there(size_t sink)
{
    size_t len;
    const char *lines = sim_sink_lines(sink, &len);
    return sim_look(lines, len, sim.sinks[sink] != SIM_FAR);
}

/* In a run: a file that is not cut back yet may hold anything behind what is safe. */
bool sim_complete(void)
{
    char violation[sizeof sim.violation];
    bool complete = true;
    memcpy(violation, sim.violation, sizeof violation);
    for (size_t i = 0; i < sim.sinks_count; i++) {
        complete = complete && there(i) == sim.first_output[sim.lines + 1];
    }
    memcpy(sim.violation, violation, sizeof violation);
    return complete;
}

/* The lines of the source all of whose outputs are among the first `outputs`. */
static int whole_lines(int outputs)
{
    int number = 0;
    while (number < sim.lines && sim.first_output[number + 2] <= outputs) {
        number++;
    }
    return number;
}

void sim_check_ledger(const weir_ledger *ledger, bool clean)
{
    uint64_t sum = ledger->delivered + ledger->filtered + ledger->rejected + ledger->dropped +
                   ledger->in_flight;
    if (ledger->in != sum || ledger->dropped > 0 || (clean && ledger->in_flight > 0)) {
        sim_violated("the ledger: %" PRIu64 " in = %" PRIu64 " delivered + %" PRIu64
                     " filtered + %" PRIu64 " rejected + %" PRIu64 " dropped + %" PRIu64
                     " in flight",
                     ledger->in, ledger->delivered, ledger->filtered, ledger->rejected,
                     ledger->dropped, ledger->in_flight);
    }
}

/* The items that a record holds for settled; -1: there is none. */
static int settled(const char *record)
{
    int items = record != NULL ? 0 : -1;
    while (record != NULL && (record = strstr(record, "\nitems ")) != NULL) {
        items += atoi(record += strlen("\nitems "));
    }
    return items;
}

/* The bytes of a file sink that a record holds for safe: what is behind them, a loss of power may
 * have changed, and the next run cuts. */
static size_t safe_length(const char *record, size_t sink)
{
    char name[32];
    unsigned long long length;
    snprintf(name, sizeof name, " d/out%zu", sink);
    while (record != NULL && (record = strstr(record, "\nsink ")) != NULL) {
        record += strlen("\nsink ");
        const char *end = strchr(record, '\n');
        if (sscanf(record, "%llu", &length) == 1 && end != NULL &&
            (size_t)(end - record) > strlen(name) &&
            memcmp(end - strlen(name), name, strlen(name)) == 0) {
            return (size_t)length;
        }
    }
    return 0;
}

/* The lines behind the first `whole` that settle as soon as they are read: of a log whose files are
 * read one behind the other, each counts for itself. */
static int settle_at_once(int whole)
{
    int count = 0;
    for (int number = whole + 1; sim.rotated > 0 && number <= sim.lines; number++) {
        count += sim.first_output[number + 1] == sim.first_output[number];
    }
    return count;
}

void sim_check_record(void)
{
    size_t len;
    const char *record = wr_disk_get("s/p.weir", &len);
    record = record != NULL ? record : wr_disk_get("s/p.weir.old", &len);
    for (size_t i = 0; i < sim.sinks_count; i++) {
        const char *text = sim.sinks[i] == SIM_TABLE ? sim.far[i].text : record;
        int items = settled(text);
        const char *lines = sim_sink_lines(i, &len);
        size_t safe = sim.sinks[i] == SIM_OUT ? safe_length(record, i) : len;
        if (safe > len) {
            sim_violated("I5: %zu bytes of sink %zu are saved, %zu are there", safe, i, len);
            return;
        }
        len = safe;
        int whole = whole_lines(sim_look(lines, len, sim.sinks[i] != SIM_FAR));
        if (items > whole + settle_at_once(whole)) {
            sim_violated("I5: %d lines are settled in the record, %d are in sink %zu", items, whole,
                         i);
        }
    }
}

void sim_check_end(void)
{
    for (size_t i = 0; i < sim.sinks_count; i++) {
        int outputs = there(i);
        if (outputs != sim.first_output[sim.lines + 1]) {
            sim_violated("I1, I7: %d of %d outputs are in sink %zu, and the run has succeeded",
                         outputs, sim.first_output[sim.lines + 1], i);
        }
    }
}
