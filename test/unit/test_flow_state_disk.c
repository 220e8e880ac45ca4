/*
 * A state, a file that is read and one that is written on a disk that writes short, is full, fails
 * a sync, stops at any call, and loses power: the record or the one before it is always readable,
 * and the next run ends with the lines that one run would have written.
 */
#include "flow_sink.h"
#include "flow_state_file.h"
#include "support_disk.h"
#include "support_suites.h"

static const char lines[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";

/* ---- the record alone */

static struct wr_state_place place(void)
{
    return (struct wr_state_place){.disk = &wr_test_disk, .folder = "s", .name = "p"};
}

/* Save records of 1, 2, 3 ... bytes of sink until the machine stops; the last that was saved. */
static int64_t save_until_it_stops(void)
{
    struct wr_state_place at = place();
    struct wr_growing text = {.data = NULL};
    weir_error error;
    const char *step;
    int64_t length = 1;
    if (wr_state_lock(&at, &error) == 0 && wr_state_sync_parent(&at) == 0) {
        for (; length <= 3; length++) {
            wr_record_begin(&text, "p", NULL);
            wr_record_sink(&text,
                           &(struct wr_record_sink){.name = "out", .length = length, .before = -1});
            wr_record_end(&text, 1700000000000);
            if (wr_state_store(&at, &text, &step) != 0) {
                break;
            }
        }
    }
    wr_growing_free(&text);
    return length - 1;
}

/* What is read after a loss of power at the k-th call; false: it was not stopped. */
static bool check_record(uint64_t k, uint64_t seed)
{
    struct wr_state_place at = place();
    struct wr_record record;
    weir_error error;
    wr_disk_make(seed);
    wr_disk_stop_after(k);
    int64_t saved = save_until_it_stops();
    bool stopped = wr_disk_calls() > k;
    wr_disk_lose_power();
    ck_assert_int_eq(wr_state_lock(&at, &error), 0);
    int rc = wr_state_load(&at, &record, &error);
    ck_assert_msg(rc >= 0, "call %d, seed %d: %s", (int)k, (int)seed, error.message);
    int64_t length = rc > 0 ? record.sinks[0].length : 0;
    ck_assert_msg(length == saved || length == saved + 1, "call %d, seed %d: record %d, saved %d",
                  (int)k, (int)seed, (int)length, (int)saved);
    wr_record_free(&record);
    return stopped;
}

TEST(record_that_was_saved_outlives_a_loss_of_power_at_any_call)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        for (uint64_t k = 1; check_record(k, seed); k++) {}
    }
    wr_disk_free();
}

/* ---- runs */

/* So long that the state is saved now and then. */
static int take_time(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item) && weir_yield(self, &item)) {
        if (!weir_sleep(weir_gen_scope(self), 40)) {
            break;
        }
    }
    return 0;
}

static void no_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)ctx;
    (void)level;
    (void)origin;
    (void)message;
}

/* Each line behind its number; it depends on all lines before it. */
WEIR_STAGE(numbered)
{
    weir_item item;
    int number = 0;
    while (weir_next(up, &item)) {
        char text[64];
        int len = snprintf(text, sizeof text, "%d %.*s", ++number, (int)item.len, item.data);
        weir_item out = weir_bytes(text, (size_t)len);
        if (!weir_yield(self, &out)) {
            break;
        }
    }
    return 0;
}

static const char numbered_lines[] =
    "1 one\n2 two\n3 three\n4 four\n5 five\n6 six\n7 seven\n8 eight\n";

static int sinks = 1;
static bool is_numbered; /* behind such a stage, which is replayed */
static bool one_is_late; /* another sink is not a file, and commits only at its end */
static bool late_may;

static int late_put(struct weir_sink *sink, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return 0;
}

static int late_flush(struct weir_sink *sink)
{
    (void)sink;
    return late_may ? 0 : 1;
}

static int late_wait(struct weir_sink *sink)
{
    (void)sink;
    late_may = true;
    return 0;
}

static const struct wr_sink_ops late_ops = {
    .kind = "late", .put_many = late_put, .flush = late_flush, .wait = late_wait};

static weir_sink *open_late(weir_scope *scope, weir_state *state)
{
    weir_sink *sink = wr_sink_alloc(scope, sizeof *sink, &late_ops, "late");
    late_may = false;
    weir_sink_keep_state(sink, state);
    return wr_sink_made(sink);
}

static weir_sink *open_out(weir_scope *scope, const char *path, weir_state *state)
{
    return weir_file_sink(scope, path, WEIR_OPTIONS(weir_file_options, .state = state));
}

/* in | out, with a state; with two sinks into both. */
static int run(weir_error *error)
{
    weir_loop *loop = test_loop();
    loop->disk = &wr_test_disk;
    loop->log.fn = no_log;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_state *state = weir_state_open(scope, "s", "p");
    weir_gen *gen =
        weir_file_lines(scope, "d/in", WEIR_OPTIONS(weir_lines_options, .state = state));
    gen = is_numbered ? weir_replayed(numbered(gen)) : gen;
    gen = weir_stage(gen, take_time, NULL, 0, NULL);
    weir_sink *outs[2];
    size_t count = 0;
    if (one_is_late) {
        outs[count++] = open_late(scope, state);
    } else if (sinks > 1) {
        outs[count++] = open_out(scope, "e/out", state);
    }
    outs[count++] = open_out(scope, "d/out", state); /* ends first */
    int rc = weir_pump_all(gen, outs, count, NULL, error);
    weir_error ignored;
    (void)!weir_scope_wait(scope, &ignored);
    weir_loop_free(loop);
    return rc;
}

static void begin(uint64_t seed)
{
    wr_disk_make(seed);
    wr_disk_put("d/in", lines, sizeof lines - 1);
    wr_disk_put("e/other", "", 0);
}

static void check_out(const char *what, uint64_t k, uint64_t seed)
{
    weir_error error;
    size_t len;
    wr_disk_put("d/in", lines, sizeof lines - 1);
    int rc = run(&error);
    ck_assert_msg(rc == 0, "%s %d, seed %d: %s", what, (int)k, (int)seed, error.message);
    for (int i = 0; i < sinks; i++) {
        const char *out = wr_disk_get(i == 0 ? "d/out" : "e/out", &len);
        ck_assert_msg(out != NULL && strcmp(out, is_numbered ? numbered_lines : lines) == 0,
                      "%s %d, seed %d, sink %d: %s", what, (int)k, (int)seed, i, out);
    }
}

static void lose_power_at_any_call(void)
{
    bool stopped = true;
    for (uint64_t k = 1; stopped && !wr_test_sweeps(); k++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            weir_error error;
            begin(seed);
            wr_disk_stop_after(k);
            (void)!run(&error);
            stopped = wr_disk_calls() > k;
            wr_disk_lose_power();
            check_out("call", k, seed);
        }
    }
    wr_disk_free();
}

TEST_WITHIN(run_after_a_loss_of_power_at_any_call_repeats_and_loses_nothing, 60)
{
    lose_power_at_any_call();
}

TEST_WITHIN(run_of_two_sinks_after_a_loss_of_power_repeats_and_loses_nothing, 60)
{
    sinks = 2;
    lose_power_at_any_call();
}

TEST_WITHIN(run_after_a_kill_and_a_loss_of_power_repeats_and_loses_nothing, 60)
{
    bool stopped = true;
    for (uint64_t k = 1; stopped && !wr_test_sweeps(); k++) {
        weir_error error;
        begin(k);
        wr_disk_stop_after(k);
        (void)!run(&error);
        stopped = wr_disk_calls() > k;
        wr_disk_go_on();
        check_out("kill", k, k);
        wr_disk_lose_power();
        check_out("power", k, k);
    }
    wr_disk_free();
}

TEST(writes_that_take_a_part_are_gone_on_with)
{
    begin(1);
    wr_disk_write_short(true);
    check_out("short writes", 0, 1);
    wr_disk_free();
}

TEST(run_after_a_full_disk_repeats_and_loses_nothing)
{
    for (uint64_t room = 0; room < 2000 && !wr_test_sweeps(); room += 7) {
        weir_error error;
        begin(room);
        wr_disk_room(room);
        wr_disk_write_short(room % 2 == 0);
        if (run(&error) < 0) {
            ck_assert_int_eq(error.code, WEIR_EIO);
        }
        wr_disk_room(UINT64_MAX);
        check_out("room", room, room);
    }
    wr_disk_free();
}

/* The file of a sink whose last save has failed is closed: a save of the other one must not sync it. */
TEST(run_of_two_sinks_after_a_full_disk_repeats_and_loses_nothing)
{
    sinks = 2;
    for (uint64_t room = 0; room < 2000 && !wr_test_sweeps(); room += 23) {
        weir_error error;
        begin(room);
        wr_disk_room(room);
        (void)!run(&error);
        wr_disk_room(UINT64_MAX);
        check_out("room", room, room);
    }
    wr_disk_free();
}

/* A kernel that could not write forgets that it was to: what a later sync says is worth nothing. */
static void fail_syncs(void)
{
    for (uint64_t k = 0; k < 16 && !wr_test_sweeps(); k++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            weir_error error;
            begin(seed);
            wr_disk_fail_sync_after(k);
            (void)!run(&error);
            wr_disk_lose_power();
            check_out("sync", k, seed);
        }
    }
    wr_disk_free();
}

TEST(run_after_a_failed_sync_and_a_loss_of_power_repeats_and_loses_nothing)
{
    fail_syncs();
}

TEST(run_of_two_sinks_after_a_failed_sync_and_a_loss_of_power_repeats_and_loses_nothing)
{
    sinks = 2;
    fail_syncs();
}

/* The file is closed before a record can say what was written to it. */
TEST_WITHIN(run_of_a_sink_that_is_late_after_a_loss_of_power_repeats_and_loses_nothing, 60)
{
    one_is_late = true;
    lose_power_at_any_call();
}

TEST_WITHIN(run_of_a_stage_that_is_replayed_after_a_loss_of_power_repeats_and_loses_nothing, 60)
{
    is_numbered = true;
    lose_power_at_any_call();
}

/* At first the file ends within a line. */
TEST_WITHIN(half_a_line_after_a_loss_of_power_comes_whole, 60)
{
    bool stopped = true;
    for (uint64_t k = 1; stopped && !wr_test_sweeps(); k++) {
        for (uint64_t seed = 1; seed <= 4; seed++) {
            weir_error error;
            begin(seed);
            wr_disk_put("d/in", lines, 11); /* "one\ntwo\nthr" */
            wr_disk_stop_after(k);
            (void)!run(&error);
            stopped = wr_disk_calls() > k;
            wr_disk_lose_power();
            check_out("call", k, seed);
        }
    }
    wr_disk_free();
}

MAIN("flow/state_disk")
