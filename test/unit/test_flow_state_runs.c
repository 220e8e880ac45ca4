/*
 * What a state means for the whole of a pipeline: sinks that are no file keep one, and to head and
 * skip all runs with one state are one run.
 * Labels: thread
 */
#include "support_state.h"

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
    ck_assert_int_eq(weir_pump(wr_head_of_run(gen, count), sink, NULL), 0);
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
    ck_assert_ptr_nonnull(strstr(said, "'p' has saved no position"));
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
    ck_assert_int_eq(weir_pump(wr_head_of_run(gen, count), out, NULL), 0);
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

MAIN("flow/state_runs")
