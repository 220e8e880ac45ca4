/*
 * The durable record: its files, its lock, and what a run makes of it.
 * Labels: thread
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_state_file.h"
#include "support_positions.h"
#include "support_receipts.h"
#include "support_state.h"
#include "texts_state.h"

/* ---- runs */

static void append_out(struct fixture *f, const char *more)
{
    FILE *file = fopen(wr_folder_path(&f->folder, "out"), "a");
    fputs(more, file);
    fclose(file);
}

TEST(folder_and_files_are_private)
{
    struct fixture f;
    struct stat info;
    umask(0);
    begin_with(&f, 2);
    ck_assert_int_eq(stat(wr_folder_path(&f.folder, "s"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(wr_folder_path(&f.folder, "s/p.weir"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(wr_folder_path(&f.folder, "s/p.lock"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);
    wr_folder_remove(&f.folder);
}

TEST(longer_sink_file_is_cut)
{
    struct fixture f;
    size_t len;
    begin_with(&f, 2);
    append_out(&f, "3\n4\nhalf a li");
    run_begins(&f, "p");

    ck_assert_int_eq(copy(&f, 2, NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n4\n");
    end(&f);
}

TEST(shorter_sink_file_has_changed)
{
    struct fixture f;
    weir_error error;
    begin_with(&f, 2);
    ck_assert_int_eq(truncate(wr_folder_path(&f.folder, "out"), 2), 0);
    run_begins(&f, "p");

    ck_assert_int_eq(copy(&f, 2, &error), WEIR_ECHANGED);

    ck_assert_str_eq(error.origin, "file");
    end(&f);
}

TEST(file_that_is_written_with_another_state_is_refused)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    weir_state *other = weir_state_open(f.scope, wr_folder_path(&f.folder, "s"), "other");
    weir_sink *first = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                      WEIR_OPTIONS(weir_file_options, .state = other));
    weir_item item = weir_bytes("0", 1);
    ck_assert(weir_put(first, &item));

    ck_assert_int_eq(copy(&f, 2, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_ONE_FILE));
    ck_assert_int_eq(weir_sink_finish(first, &error), 0);
    end(&f);
}

TEST(file_that_was_there_before_the_first_run_is_kept)
{
    struct fixture f;
    size_t len;
    begin(&f);
    wr_folder_write(&f.folder, "out", "old\n", 4);

    ck_assert_int_eq(copy(&f, 1, NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "old\n1\n");
    end(&f);
}

/* A source "in" of f's state, from position 0 on. */
static void attach(struct fixture *f, struct wr_origin *origin)
{
    struct wr_state_slot *slot;
    weir_error error;
    wr_origin_init(origin, 1, "o");
    ck_assert_int_eq(wr_state_attach_source(f->state, "in", origin, &slot, &error), 0);
    wr_test_keep_positions(origin, 0);
    wr_state_prove(slot, WR_PROOF_EXACT);
}

static struct wr_state_sink *out;

static int begin_sink(struct fixture *f, int64_t length)
{
    weir_error error;
    ck_assert_int_eq(wr_state_attach_sink(f->state, "out", &out, &error), 0);
    return wr_state_begin(out, length, &error);
}

TEST(record_is_saved_before_the_first_byte)
{
    struct fixture f;
    struct wr_origin origin;
    size_t len;
    begin(&f);
    weir_state_describe(f.state, "in | out");
    attach(&f, &origin);
    ck_assert_int_eq(begin_sink(&f, 77), 0);

    const char *record = wr_folder_read(&f.folder, "s/p.weir", &len);

    ck_assert_ptr_nonnull(record);
    ck_assert_ptr_nonnull(strstr(record, "weir-state 2\nname p\ntext in | out\nsink 77 out\n"
                                         "source in\nitems 0\nposition at 0\nsaved "));
    end(&f);
    wr_origin_fini(&origin);
}

/* A commit while something beyond the settled prefix is written must not move the record. */
TEST(no_record_is_taken_of_numbers_that_do_not_fit_together)
{
    struct fixture f;
    struct wr_origin origin;
    weir_error error;
    size_t len;
    begin(&f);
    attach(&f, &origin);
    ck_assert_int_eq(begin_sink(&f, 0), 0);
    ck_assert_int_eq(wr_origin_push_end(&origin, 10) | wr_origin_push_end(&origin, 20), 0);
    wr_origin_lend(&origin, 2);
    ck_assert_int_eq(wr_test_ref(&origin, 1, 2), 0);
    wr_origin_lend(&origin, 0);
    wr_test_unref(&origin, 2, 2, WR_ACT_COMMIT);

    wr_state_committed(out, 5);
    ck_assert_int_eq(wr_state_save(f.state, &error), 0);
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len),
                                 "\nsink 0 out\nsource in\nitems 0\nposition at 0\n"));

    wr_test_unref(&origin, 1, 1, WR_ACT_COMMIT);
    wr_state_committed(out, 9);
    ck_assert_int_eq(wr_state_save(f.state, &error), 0);
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len),
                                 "\nsink 9 out\nsource in\nitems 2\nposition at 20\n"));
    run_ends(&f);
    wr_origin_fini(&origin);
    wr_folder_remove(&f.folder);
}

/* Five items behind one another, 10 bytes each, of a source of f's state; all asked past. */
static void give_five(struct fixture *f, struct wr_origin *origin)
{
    attach(f, origin);
    for (uint64_t i = 1; i <= 5; i++) {
        ck_assert_int_eq(wr_origin_push_end(origin, 10 * i), 0);
    }
    wr_origin_lend(origin, 5);
    ck_assert_int_eq(wr_test_ref(origin, 1, 5), 0);
    wr_origin_lend(origin, 0);
}

/* What the record says once the state has had time to save, or NULL. */
static const char *record_later(struct fixture *f)
{
    size_t len;
    wr_state_pulled(f->state);
    ck_assert(weir_sleep(f->scope, 150));
    ck_assert(weir_sleep(f->scope, 1)); /* the save has ended */
    const char *record = wr_folder_read(&f->folder, "s/p.weir", &len);
    const char *sink = record != NULL ? strstr(record, "\nsink ") : NULL;
    return sink != NULL || record == NULL ? sink : strstr(record, "\nsource ");
}

static void check_begins(const char *record, const char *expected)
{
    ck_assert_ptr_nonnull(record);
    ck_assert_msg(strncmp(record, expected, strlen(expected)) == 0, "%s", record);
}

static void receipts_end(struct fixture *f, struct wr_origin *origin)
{
    run_ends(f);
    wr_origin_fini(origin);
    wr_folder_remove(&f->folder);
}

TEST(filtered_items_move_the_record_up_to_the_first_that_is_held)
{
    struct fixture f;
    struct wr_origin origin;
    begin(&f);
    give_five(&f, &origin);
    ck_assert_int_eq(begin_sink(&f, 77), 0);

    wr_test_unref(&origin, 1, 2, WR_ACT_FILTER);
    wr_test_unref(&origin, 4, 5, WR_ACT_FILTER);
    check_begins(record_later(&f), "\nsink 77 out\nsource in\nitems 2\nposition at 20\n");

    wr_test_unref(&origin, 3, 3, WR_ACT_COMMIT);
    wr_state_committed(out, 80);
    check_begins(record_later(&f), "\nsink 80 out\nsource in\nitems 5\nposition at 50\n");
    receipts_end(&f, &origin);
}

TEST(filtered_items_move_the_record_before_the_sink_has_begun)
{
    struct fixture f;
    struct wr_origin origin;
    begin(&f);
    give_five(&f, &origin);
    ck_assert_ptr_null(record_later(&f));

    wr_test_unref(&origin, 1, 3, WR_ACT_FILTER);
    check_begins(record_later(&f), "\nsource in\nitems 3\nposition at 30\n");

    wr_test_unref(&origin, 5, 5, WR_ACT_FILTER);
    ck_assert_int_eq(begin_sink(&f, 7), 0);
    check_begins(record_later(&f), "\nsink 7 out\nsource in\nitems 3\nposition at 30\n");
    wr_test_unref(&origin, 4, 4, WR_ACT_FILTER);
    check_begins(record_later(&f), "\nsink 7 out\nsource in\nitems 5\nposition at 50\n");
    receipts_end(&f, &origin);
}

TEST(what_was_delivered_elsewhere_moves_no_record)
{
    struct fixture f;
    struct wr_origin origin;
    begin(&f);
    give_five(&f, &origin);

    wr_test_unref(&origin, 1, 5, WR_ACT_COMMIT);

    ck_assert_ptr_null(record_later(&f));
    receipts_end(&f, &origin);
}

TEST(lossy_source_saves_nothing_and_cuts_nothing)
{
    struct fixture f;
    weir_error error;
    size_t len;
    int ends[2];
    begin(&f);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x\n", 2), 2);
    close(ends[1]);
    weir_gen *gen =
        weir_fd_lines(f.scope, ends[0], WEIR_OPTIONS(weir_lines_options, .state = f.state));
    weir_sink *sink = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = f.state));

    ck_assert_int_eq(weir_pump(gen, sink, &error), 0);

    ck_assert(!weir_state_saves(f.state));
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "x\n");
    ck_assert_ptr_null(wr_folder_read(&f.folder, "s/p.weir", &len));
    close(ends[0]);
    end(&f);
}

/* ---- refusals */

static void check_refused(struct fixture *f, const char *part)
{
    weir_error error;
    size_t len;
    ck_assert_int_eq(copy(f, 9, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    (void)len;
}

TEST(second_open_of_one_state_is_refused)
{
    struct fixture f;
    char holder[64];
    begin(&f);
    snprintf(holder, sizeof holder, "in use by process %ld", (long)getpid());
    weir_state *second = weir_state_open(f.scope, wr_folder_path(&f.folder, "s"), "p");

    const weir_error *failure = wr_state_failure(second);

    ck_assert_ptr_nonnull(failure);
    ck_assert_int_eq(failure->code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(failure->message, holder));
    ck_assert_ptr_null(wr_state_failure(f.state));
    end(&f);
}

TEST(lock_ends_with_the_state)
{
    struct fixture f;
    begin(&f);
    run_ends(&f);
    run_begins(&f, "p");

    ck_assert_ptr_null(wr_state_failure(f.state));
    end(&f);
}

TEST(damaged_record_is_refused_and_nothing_is_written)
{
    struct fixture f;
    size_t len;
    begin_with(&f, 2);
    wr_folder_write(&f.folder, "s/p.weir", "weir-state 1\n", 13);
    run_begins(&f, "p");

    check_refused(&f, TEXT_STATE_DAMAGED);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n");
    end(&f);
}

TEST(message_of_a_damaged_record_names_both_files)
{
    struct fixture f;
    begin_with(&f, 2);
    wr_folder_write(&f.folder, "s/p.weir", "", 0);
    run_begins(&f, "p");

    check_refused(&f, TEXT_STATE_RENAME);
    end(&f);
}

TEST(message_of_two_damaged_records_does_not_advise_to_go_on)
{
    struct fixture f;
    begin_with(&f, 2);
    wr_folder_write(&f.folder, "s/p.weir", "", 0);
    wr_folder_write(&f.folder, "s/p.weir.old", "x", 1);
    run_begins(&f, "p");

    check_refused(&f, TEXT_STATE_NO_PREVIOUS);
    end(&f);
}

TEST(sink_file_that_is_gone_has_changed_and_is_not_made_anew)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_with(&f, 2);
    ck_assert_int_eq(unlink(wr_folder_path(&f.folder, "out")), 0);
    run_begins(&f, "p");

    ck_assert_int_eq(copy(&f, 2, &error), WEIR_ECHANGED);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_SINK_GONE));
    ck_assert_ptr_null(wr_folder_read(&f.folder, "out", &len));
    end(&f);
}

TEST(previous_record_is_used_when_the_newest_is_absent)
{
    struct fixture f;
    size_t len;
    begin_with(&f, 2);
    ck_assert_int_eq(
        rename(wr_folder_path(&f.folder, "s/p.weir"), wr_folder_path(&f.folder, "s/p.weir.old")),
        0);
    run_begins(&f, "p");

    ck_assert_int_eq(copy(&f, 1, NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n");
    end(&f);
}

TEST(record_of_another_pipeline_is_refused)
{
    struct fixture f;
    begin_with(&f, 2);
    ck_assert_int_eq(
        rename(wr_folder_path(&f.folder, "s/p.weir"), wr_folder_path(&f.folder, "s/q.weir")), 0);
    run_begins(&f, "q");

    check_refused(&f, TEXT_STATE_OTHER_PIPELINE " ('p')");
    end(&f);
}

TEST(unknown_source_is_refused)
{
    struct fixture f;
    struct wr_state_slot *slot;
    struct wr_origin origin;
    weir_error error;
    begin_with(&f, 2);
    run_begins(&f, "p");
    wr_origin_init(&origin, 1, "o");

    ck_assert_int_eq(wr_state_attach_source(f.state, "other", &origin, &slot, &error), WEIR_EINVAL);
    ck_assert_ptr_null(slot);
    end(&f);
}

/* A run that died before all its sources were pulled has stored some of them only. */
TEST(unknown_source_may_come_before_a_stored_one_that_was_made)
{
    struct fixture f;
    weir_item item;
    weir_error error;
    begin_with(&f, 2);
    run_begins(&f, "p");
    const weir_lines_options options = {.struct_size = sizeof options, .state = f.state};
    weir_gen *stored = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"), &options);
    weir_gen *fresh = weir_file_lines(f.scope, wr_folder_path(&f.folder, "out"), &options);

    ck_assert(weir_next(fresh, &item));
    ck_assert_int_eq((int)item.len, 1);
    ck_assert(weir_next(stored, &item));
    ck_assert_int_eq(item.data[0], '3');
    ck_assert_int_eq(weir_finish(stored, &error), 0);
    weir_discard(fresh);
    end(&f);
}

TEST(name_that_is_no_file_name_is_refused)
{
    struct fixture f;
    static const char *const names[] = {"", ".", "..", "a/b"};
    begin(&f);
    for (size_t i = 0; i < 4; i++) {
        weir_state *state = weir_state_open(f.scope, wr_folder_path(&f.folder, "s"), names[i]);
        ck_assert_ptr_nonnull(wr_state_failure(state));
    }
    end(&f);
}

/* ---- failures */

/* Whatever call fails, the next run ends with exactly the lines of the input. */
static void fail_and_go_on(uint64_t k)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin(&f);
    wr_fault_set(k, true);
    (void)!copy(&f, 5, &error);
    wr_fault_set(0, false);
    run_ends(&f);
    run_begins(&f, "p");
    int rc = copy(&f, 9, &error);

    ck_assert_msg(rc == 0, "k %d: %s", (int)k, error.message);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    end(&f);
}

TEST_WITHIN(run_after_any_failed_call_repeats_and_loses_nothing, 60)
{
    for (uint64_t k = 1; k < 80 && !wr_test_sweeps(); k++) {
        fail_and_go_on(k);
    }
}

TEST(save_that_fails_is_told)
{
    struct fixture f;
    struct wr_origin origin;
    weir_error error;
    begin(&f);
    give_five(&f, &origin);
    ck_assert_int_eq(wr_state_attach_sink(f.state, "out", &out, &error), 0);
    bool told[2] = {false, false}; /* without memory, and by the disk */
    int rc = WEIR_EIO;
    for (uint64_t k = 1; rc < 0 && !wr_test_sweeps(); k++) {
        wr_fault_set(k, true);
        rc = wr_state_begin(out, 0, &error);
        wr_fault_set(0, false);
        ck_assert(rc == WEIR_ENOMEM || rc == WEIR_EIO || rc == 0);
        ck_assert_str_eq(error.origin, rc < 0 ? "state" : "");
        told[rc == WEIR_EIO] = true;
    }
    ck_assert(wr_test_sweeps() || (told[0] && told[1]));
    receipts_end(&f, &origin);
}

MAIN("flow/state")
