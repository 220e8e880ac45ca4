/*
 * A file sink during the run: its file is renamed and opened again, with a state whose record must
 * never tell the length of one file for the other, whenever the machine stops; and syncing.
 */
#include <sys/stat.h>

#include "flow_sink.h"
#include "support_disk.h"
#include "support_suites.h"

static const char lines[] = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
enum { BEFORE = 4 }; /* lines before the file is renamed */

static void no_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)ctx;
    (void)level;
    (void)origin;
    (void)message;
}

static void move_out(const char *from, const char *to)
{
    int folder = wr_test_disk.open(AT_FDCWD, "d", O_RDONLY | O_DIRECTORY, 0);
    if (folder >= 0) {
        (void)!wr_test_disk.rename(folder, from, to);
        (void)!wr_test_disk.close(folder);
    }
}

struct rotation {
    bool renames, waits;
};

/* Takes its time, so that the state is saved now and then; and renames the file on the way. */
WEIR_STAGE(rotated, struct rotation)
{
    weir_item item;
    for (int i = 1; weir_next(up, &item) && weir_yield(self, &item); i++) {
        if (!weir_sleep(weir_gen_scope(self), 40)) {
            break;
        }
        if (args->renames && i == BEFORE) {
            move_out("out", "old");
            weir_loop_reopen_files(weir_gen_scope(self)->loop);
            if (args->waits && !weir_sleep(weir_gen_scope(self), 500)) {
                break;
            }
        }
    }
    return 0;
}

static weir_loop *disk_loop(void)
{
    weir_loop *loop = test_loop();
    loop->disk = &wr_test_disk;
    loop->log.fn = no_log;
    return loop;
}

static int run(struct rotation rotation, weir_error *error)
{
    weir_loop *loop = disk_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_state *state = weir_state_open(scope, "s", "p");
    weir_gen *gen =
        weir_file_lines(scope, "d/in", WEIR_OPTIONS(weir_lines_options, .state = state));
    weir_sink *sink =
        weir_file_sink(scope, "d/out", WEIR_OPTIONS(weir_file_options, .state = state));
    int rc = weir_pump(rotated(gen, rotation), sink, error);
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

/* What is in both files, the renamed one first. */
static const char *written(void)
{
    static char text[512];
    size_t len;
    const char *old = wr_disk_get("d/old", &len);
    snprintf(text, sizeof text, "%s", old != NULL ? old : "");
    const char *out = wr_disk_get("d/out", &len);
    len = strlen(text);
    snprintf(text + len, sizeof text - len, "%s", out != NULL ? out : "");
    return text;
}

TEST(file_that_was_renamed_is_followed_by_a_new_one_with_a_state)
{
    weir_error error;
    size_t len;
    begin(1);

    ck_assert_int_eq(run((struct rotation){true, false}, &error), 0);

    ck_assert_str_eq(wr_disk_get("d/old", &len), "one\ntwo\nthree\nfour\n");
    ck_assert_str_eq(wr_disk_get("d/out", &len), "five\nsix\nseven\neight\n");
    ck_assert_int_eq(run((struct rotation){false, false}, &error), 0);
    ck_assert_str_eq(written(), lines);
    wr_disk_free();
}

TEST(file_that_kept_its_name_is_written_on)
{
    weir_error error;
    size_t len;
    begin(1);
    weir_loop *loop = disk_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_state *state = weir_state_open(scope, "s", "p");
    weir_item item;
    weir_gen *gen =
        weir_file_lines(scope, "d/in", WEIR_OPTIONS(weir_lines_options, .state = state));
    weir_sink *sink =
        weir_file_sink(scope, "d/out", WEIR_OPTIONS(weir_file_options, .state = state));
    while (weir_next(gen, &item) && weir_put(sink, &item) && weir_commit(sink)) {
        weir_loop_reopen_files(loop);
    }

    ck_assert_int_eq(weir_sink_finish(sink, &error), 0);
    ck_assert_int_eq(weir_finish(gen, &error), 0);

    ck_assert_str_eq(wr_disk_get("d/out", &len), lines);
    (void)!weir_scope_wait(scope, &error);
    weir_loop_free(loop);
    wr_disk_free();
}

/* Stop at the k-th call, as a process or as a machine, and run again. A file that was renamed before
 * the record knew of it is given its name back by who is told so. */
static bool stop_at(uint64_t k, uint64_t seed, bool power, bool waits)
{
    weir_error error;
    size_t len;
    begin(seed);
    wr_disk_stop_after(k);
    (void)!run((struct rotation){true, waits}, &error);
    bool stopped = wr_disk_calls() > k;
    if (power) {
        wr_disk_lose_power();
    } else {
        wr_disk_go_on();
    }
    wr_disk_put("d/in", lines, sizeof lines - 1);
    int rc = run((struct rotation){false, false}, &error);
    if (rc == WEIR_ECHANGED && wr_disk_get("d/out", &len) == NULL) {
        move_out("old", "out");
        rc = run((struct rotation){false, false}, &error);
    }
    ck_assert_msg(rc == 0, "call %d, seed %d: %s", (int)k, (int)seed, error.message);
    ck_assert_msg(strcmp(written(), lines) == 0, "call %d, seed %d: %s", (int)k, (int)seed,
                  written());
    return stopped;
}

TEST_WITHIN(run_that_is_killed_at_any_call_of_a_rotation_repeats_and_loses_nothing, 60)
{
    for (int waits = 0; waits < 2 && !wr_test_sweeps(); waits++) {
        for (uint64_t k = 1; stop_at(k, 1, false, waits > 0); k++) {}
    }
    wr_disk_free();
}

TEST_WITHIN(run_after_a_loss_of_power_at_any_call_of_a_rotation_repeats_and_loses_nothing, 60)
{
    for (uint64_t seed = 1; seed <= 4 && !wr_test_sweeps(); seed++) {
        for (uint64_t k = 1; stop_at(k, seed, true, seed % 2 == 0); k++) {}
    }
    wr_disk_free();
}

/* ---- syncing */

static weir_sink *durable(weir_scope *scope, const char *path)
{
    return weir_file_sink(scope, path, WEIR_OPTIONS(weir_file_options, .durable = 1));
}

TEST(what_a_durable_file_has_committed_outlives_a_loss_of_power)
{
    size_t len;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        weir_item one = weir_bytes("one", 3);
        begin(seed);
        weir_loop *loop = disk_loop();
        weir_sink *sink = durable(weir_root(loop), "d/out");
        ck_assert(weir_put(sink, &one) && weir_commit(sink));
        wr_disk_stop_after(0);
        weir_sink_discard(sink);
        weir_loop_free(loop);

        wr_disk_lose_power();

        ck_assert_str_eq(wr_disk_get("d/out", &len), "one\n");
    }
    wr_disk_free();
}

TEST(items_of_a_durable_file_settle_by_its_sync_only)
{
    weir_error error;
    weir_ledger ledger;
    begin(1);
    weir_loop *loop = disk_loop();
    weir_gen *gen = weir_file_lines(weir_root(loop), "d/in", NULL);
    weir_sink *sink = durable(weir_root(loop), "d/out");
    wr_disk_fail_sync_after(0);

    ck_assert_int_eq(weir_pump(gen, sink, &error), WEIR_EIO);

    ck_assert_str_eq(error.message, "sync 'd/out': Input/output error");
    weir_scope_ledger(weir_root(loop), &ledger);
    ck_assert_uint_eq(ledger.delivered, 0);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(durable_file_that_is_opened_again_syncs_the_old_one_first)
{
    size_t len;
    weir_item one = weir_bytes("one", 3), two = weir_bytes("two", 3);
    begin(1);
    weir_loop *loop = disk_loop();
    weir_sink *sink = durable(weir_root(loop), "d/out");
    ck_assert(weir_put(sink, &one));
    move_out("out", "old");
    weir_loop_reopen_files(loop);
    ck_assert(weir_put(sink, &two) && weir_commit(sink));
    wr_disk_stop_after(0);
    weir_sink_discard(sink);
    weir_loop_free(loop);

    wr_disk_lose_power();

    ck_assert_str_eq(wr_disk_get("d/out", &len), "two\n");
    wr_disk_free();
}

TEST(what_is_no_regular_file_cannot_be_durable)
{
    weir_error error;
    weir_loop *loop = test_loop();

    ck_assert_int_eq(
        weir_pump(weir_count(weir_root(loop), 1, 2), durable(weir_root(loop), "/dev/null"), &error),
        WEIR_EINVAL);

    weir_loop_free(loop);
}

MAIN("sink/file_again")
