/*
 * What a state means for the whole of a pipeline: sinks that are no file keep one, and to head and
 * skip all runs with one state are one run.
 * Labels: thread
 */
#include "loop_file.h"
#include "support_state.h"
#include "texts_state.h"

/* Lines of "in" until `count`, counted by a sink of the test's own; how many it was given. */
static int64_t count_into(struct fixture *f, uint64_t count, bool keep)
{
    wr_folder_write(&f->folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    weir_sink *sink = weir_null_sink(f->scope);
    if (keep) {
        weir_sink_keep_state(sink, f->state);
    }
    ck_assert_int_eq(weir_pump(weir_head_of_run(gen, count), sink, NULL), 0);
    weir_ledger ledger;
    weir_scope_ledger(f->scope, &ledger);
    run_ends(f);
    return (int64_t)ledger.delivered;
}

TEST(any_sink_keeps_a_state)
{
    struct fixture f;
    begin(&f);
    ck_assert_int_eq(count_into(&f, 4, true), 4);
    run_begins(&f, "p");
    ck_assert_int_eq(count_into(&f, 100, true), 5);
    run_begins(&f, "p");
    ck_assert_int_eq(count_into(&f, 100, true), 0);
    wr_folder_remove(&f.folder);
}

static void keep_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)level;
    (void)origin;
    snprintf(ctx, 256, "%.255s", message);
}

TEST(a_state_that_no_sink_keeps_is_told)
{
    struct fixture f;
    size_t len;
    char said[256] = "";
    begin(&f);
    f.loop->log = (struct wr_log){.fn = keep_log, .ctx = said};
    ck_assert_int_eq(count_into(&f, 4, false), 4);
    ck_assert_ptr_nonnull(strstr(said, TEXT_STATE_NOTHING_SAVED));
    ck_assert_ptr_null(wr_folder_read(&f.folder, "s/p.weir", &len));
    wr_folder_remove(&f.folder);
}

TEST(a_queues_end_and_a_file_keep_no_state_by_themselves)
{
    struct fixture f;
    weir_error error;
    weir_sink *in;
    begin(&f);
    weir_gen *queue = weir_queue(f.scope, NULL, &in);
    weir_sink_keep_state(in, f.state);
    ck_assert_int_eq(weir_sink_finish(in, &error), WEIR_EINVAL);
    weir_discard(queue);
    weir_sink *file = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"), NULL);
    weir_sink_keep_state(file, f.state);
    ck_assert_int_eq(weir_sink_finish(file, &error), WEIR_EINVAL);
    end(&f);
}

/* `count` items of a run of: in, lines of one byte | skip 2 | queue | head 4 | out. */
static void one_run(struct fixture *f, uint64_t count)
{
    run_begins(f, "p");
    weir_gen *gen =
        weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                        WEIR_OPTIONS(weir_lines_options, .state = f->state, .line_bytes_max = 1));
    gen = weir_head(weir_buffer(weir_skip(gen, 2), NULL), 4);
    weir_sink *out = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f->state));
    ck_assert_int_eq(weir_pump(weir_head_of_run(gen, count), out, NULL), 0);
    run_ends(f);
}

TEST(head_and_skip_count_over_all_runs)
{
    struct fixture f;
    size_t len;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    one_run(&f, 1);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "3\n");
    one_run(&f, 2);
    one_run(&f, 9);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "3\n4\n5\n6\n");
    one_run(&f, 9);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "3\n4\n5\n6\n");
    wr_folder_remove(&f.folder);
}

TEST(lines_left_out_are_not_counted_by_head_and_skip)
{
    struct fixture f;
    size_t len;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\nxx\n2\nxx\nxx\n3\n4\nxx\n5\n6\n7\n", 26);
    one_run(&f, 1);
    one_run(&f, 1);
    one_run(&f, 9);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "3\n4\n5\n6\n");
    wr_folder_remove(&f.folder);
}

/* ---- sources without positions */

/* What a killed run has written after its last record. */
static void append_out(struct fixture *f, const char *more)
{
    FILE *file = fopen(wr_folder_path(&f->folder, "out"), "a");
    fputs(more, file);
    fclose(file);
}

/* A run of `gen` into the file "out", with the state; 0 or the failure. */
static int into_file(struct fixture *f, weir_gen *gen)
{
    weir_sink *out = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f->state));
    int rc = weir_pump(gen, out, NULL);
    run_ends(f);
    return rc;
}

WEIR_SOURCE(own_source, int)
{
    weir_item line = weir_bytes("own", 3);
    for (int i = 0; i < *args && weir_yield(self, &line); i++) {}
    return 0;
}

TEST(file_is_not_cut_for_a_source_of_ones_own)
{
    struct fixture f;
    size_t len;
    begin(&f);
    ck_assert_int_eq(into_file(&f, own_source(f.scope, 1)), 0);
    append_out(&f, "written before the kill\n");
    run_begins(&f, "p");

    ck_assert_int_eq(into_file(&f, own_source(f.scope, 1)), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "own\nwritten before the kill\nown\n");
    ck_assert_ptr_null(wr_folder_read(&f.folder, "s/p.weir", &len));
    wr_folder_remove(&f.folder);
}

TEST(file_is_not_cut_when_a_source_without_positions_gives_nothing)
{
    struct fixture f;
    size_t len;
    begin(&f);
    ck_assert_int_eq(into_file(&f, weir_count(f.scope, 1, 2)), 0);
    append_out(&f, "3\n");
    run_begins(&f, "p");

    ck_assert_int_eq(into_file(&f, weir_count(f.scope, 1, 0)), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n");
    wr_folder_remove(&f.folder);
}

TEST(items_of_no_source_at_all_end_the_cutting)
{
    struct fixture f;
    size_t len;
    weir_item line = weir_bytes("x", 1);
    begin_with(&f, 2);
    append_out(&f, "3\n");
    run_begins(&f, "p");
    weir_sink *out = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f.state));

    ck_assert(weir_put(out, &line));

    ck_assert_int_eq(weir_sink_finish(out, NULL), 0);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\nx\n");
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "sink -1 "));
    end(&f);
}

/* One line of `up`, which has positions, then one of its own source, and so on. */
WEIR_STAGE(with_own, int)
{
    weir_item item;
    weir_gen *own = own_source(weir_gen_scope(self), *args);
    weir_adopt(self, own);
    while (weir_next(up, &item) && weir_yield(self, &item)) {
        if (weir_next(own, &item) && !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *mixed(struct fixture *f, uint64_t count)
{
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    return with_own(weir_head_of_run(gen, count), 1);
}

TEST(positions_of_other_sources_are_saved_all_the_same)
{
    struct fixture f;
    size_t len;
    begin_with(&f, 1);
    append_out(&f, "cut\n");
    run_begins(&f, "p");
    ck_assert_int_eq(into_file(&f, mixed(&f, 2)), 0);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\nown\n3\n");
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "sink -1 "));
    append_out(&f, "kept\n");
    run_begins(&f, "p");

    ck_assert_int_eq(into_file(&f, mixed(&f, 1)), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\nown\n3\nkept\n4\nown\n");
    wr_folder_remove(&f.folder);
}

/* The record has lost its length before the first byte that nobody could write again. */
TEST(end_of_the_cutting_is_on_the_disk_before_the_item_is_written)
{
    struct fixture f;
    size_t len;
    begin(&f);
    wr_folder_write(&f.folder, "in", "1\n2\n", 4);
    weir_gen *gen = mixed(&f, 9);
    weir_sink *out = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f.state));
    weir_item item;
    ck_assert(weir_next(gen, &item) && weir_put(out, &item));
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "sink 0 "));

    ck_assert(weir_next(gen, &item) && weir_put(out, &item));

    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "sink -1 "));
    ck_assert_int_eq(weir_sink_finish(out, NULL), 0);
    weir_discard(gen);
    end(&f);
}

TEST(file_that_is_not_cut_is_anybodys)
{
    struct fixture f;
    weir_error error;
    weir_item line = weir_bytes("x", 1);
    begin(&f);
    weir_sink *out = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f.state));
    ck_assert(weir_put(out, &line));
    append_out(&f, "somebody else's\n");

    ck_assert_int_eq(weir_sink_finish(out, &error), 0);
    end(&f);
}

/* ---- how often */

static int renamed;

static int rename_counted(int folder, const char *from, const char *to)
{
    renamed++;
    return wr_disk_real.rename(folder, from, to);
}

static int take_ten_ms(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item) && weir_yield(self, &item) &&
           weir_sleep(weir_gen_scope(self), 10)) {}
    return 0;
}

TEST(record_is_saved_at_most_every_100_ms)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    char text[200];
    for (int i = 0; i < 50; i++) {
        memcpy(text + i * 4, "abc\n", 4);
    }
    disk.rename = rename_counted;
    renamed = 0;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", text, sizeof text);
    f.loop = test_loop();
    f.loop->disk = &disk;
    f.scope = weir_scope_new(weir_root(f.loop), NULL);
    f.state = weir_state_open(f.scope, wr_folder_path(&f.folder, "s"), "p");
    weir_gen *gen = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f.state));
    weir_sink *sink = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = f.state));
    ck_assert_int_eq(weir_pump(weir_stage(gen, take_ten_ms, NULL, 0, NULL), sink, NULL), 0);

    /* One before the first byte, one each 100 of 500 ms, one at the end; each renames two files. */
    ck_assert_int_le(renamed, 2 * (1 + 5 + 1));
    ck_assert_int_ge(renamed, 3);
    end(&f);
}

MAIN("flow/state_runs")
