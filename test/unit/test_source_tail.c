/*
 * Lines of files that grow: rotation, truncation, patterns, and going on from a state. The files are
 * real and the clock is virtual: a test that waits for a line lets as much time pass as it needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/weir.h>

#include "base_fault.h"
#include "bytes_origin.h"
#include "loop_core.h"
#include "support_flow.h"
#include "support_folder.h"

struct fixture {
    weir_loop *loop;
    weir_scope *scope;
    weir_state *state;
    weir_gen *gen;
    struct wr_folder folder;
    char shown[4096];
};

static const char *in(struct fixture *f, const char *name)
{
    return wr_folder_path(&f->folder, name);
}

static void append(struct fixture *f, const char *name, const char *bytes)
{
    FILE *file = fopen(in(f, name), "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
    ck_assert_int_eq(fclose(file), 0);
}

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    wr_folder_make(&f->folder);
    f->loop = test_loop();
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
}

static void follow(struct fixture *f, const char *name, weir_tail_options options)
{
    const char *path = in(f, name);
    options.struct_size = sizeof options;
    options.state = f->state;
    f->gen = weir_tail_lines(f->scope, &path, 1, &options);
}

#define FROM_START ((weir_tail_options){.from = WEIR_TAIL_START})

/* The next `count` lines, each with '|' behind it. */
static const char *next_lines(struct fixture *f, int count)
{
    weir_item item;
    size_t len = 0;
    f->shown[0] = '\0';
    for (int i = 0; i < count && weir_next(f->gen, &item); i++) {
        len += (size_t)snprintf(f->shown + len, sizeof f->shown - len, "%.*s|", (int)item.len,
                                item.data);
    }
    return f->shown;
}

/* Let time pass, more than a rotated file is waited for; false: no line came. */
static bool comes_within(struct fixture *f, int64_t ms)
{
    weir_item item;
    return weir_next_within(f->gen, &item, ms) == WEIR_GOT_ITEM;
}

static void end(struct fixture *f)
{
    weir_error error;
    if (f->gen != NULL) {
        ck_assert(weir_finish(f->gen, &error) == 0);
    }
    ck_assert(weir_scope_wait(f->scope, &error) == 0);
    weir_loop_free(f->loop);
    wr_folder_remove(&f->folder);
}

/* ---- one file */

TEST(lines_are_given_when_their_line_end_has_come)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\ntw");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "one|");

    ck_assert(!comes_within(&f, 3000));
    append(&f, "log", "o\n");

    ck_assert_str_eq(next_lines(&f, 1), "two|");
    end(&f);
}

TEST(a_tail_begins_at_the_end)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\ntwo\nha");
    follow(&f, "log", (weir_tail_options){0});
    ck_assert(!comes_within(&f, 10));

    append(&f, "log", "lf\n");

    ck_assert_str_eq(next_lines(&f, 1), "half|");
    end(&f);
}

TEST(a_tail_begins_a_number_of_lines_before_the_end)
{
    struct fixture f;
    begin(&f);
    for (int i = 0; i < 3000; i++) {
        append(&f, "log", i < 2998 ? "a line of no interest\n" : "last\n");
    }
    follow(&f, "log", (weir_tail_options){.last_lines = 3});
    ck_assert_str_eq(next_lines(&f, 3), "a line of no interest|last|last|");
    end(&f);
}

TEST(more_lines_than_there_are_begin_at_the_start)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\ntwo\n");
    follow(&f, "log", (weir_tail_options){.last_lines = 3});
    ck_assert_str_eq(next_lines(&f, 2), "one|two|");
    end(&f);
}

TEST(a_file_that_does_not_exist_yet_is_waited_for)
{
    struct fixture f;
    begin(&f);
    follow(&f, "log", (weir_tail_options){0});
    ck_assert(!comes_within(&f, 3000));

    append(&f, "log", "one\n");

    ck_assert_str_eq(next_lines(&f, 1), "one|");
    end(&f);
}

TEST(a_long_line_is_skipped)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\nfar too long\ntwo\n");
    follow(&f, "log", (weir_tail_options){.from = WEIR_TAIL_START, .line_bytes_max = 8});
    ck_assert_str_eq(next_lines(&f, 2), "one|two|");
    end(&f);
}

TEST(a_stop_is_an_end)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\nha");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "one|");

    weir_scope_stop(f.scope);

    ck_assert_str_eq(next_lines(&f, 1), "");
    end(&f);
}

TEST(a_header_of_csv_must_be_read)
{
    struct fixture f;
    weir_item item;
    weir_error error;
    begin(&f);
    append(&f, "log", "a,b\n1,2\n");
    const char *path = in(&f, "log");
    weir_gen *gen = weir_framed(weir_tail_bytes(f.scope, &path, 1, NULL),
                                WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_CSV, .header = 1));
    ck_assert(!weir_next(gen, &item));
    ck_assert(weir_finish(gen, &error) == WEIR_EINVAL &&
              strstr(error.message, "from=start") != NULL);
    end(&f);
}

TEST(each_file_is_cut_by_the_framer)
{
    struct fixture f;
    begin(&f);
    append(&f, "a.csv", "a,b\n1,\"x\ny\"\n");
    append(&f, "b.csv", "c,d\n3,4\n");
    const char *path = in(&f, "*.csv");
    f.gen = weir_framed(weir_tail_bytes(f.scope, &path, 1,
                                        WEIR_OPTIONS(weir_tail_options, .from = WEIR_TAIL_START)),
                        WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_CSV));
    ck_assert_str_eq(next_lines(&f, 4), "a,b|1,\"x\ny\"|c,d|3,4|");
    end(&f);
}

TEST(wrong_options_are_refused)
{
    static const weir_tail_options wrong[] = {{.from = 2},
                                              {.last_lines = -1},
                                              {.last_lines = 1000001},
                                              {.rotate_wait_ms = -2},
                                              {.line_bytes_max = -2},
                                              {.overlong = WEIR_LONG_PARTS}};
    struct fixture f;
    weir_item item;
    weir_error error;
    begin(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        follow(&f, "log", wrong[i]);
        ck_assert(!weir_next(f.gen, &item));
        ck_assert(weir_finish(f.gen, &error) == WEIR_EINVAL);
    }
    f.gen = weir_tail_lines(f.scope, NULL, 0, NULL);
    ck_assert(!weir_next(f.gen, &item));
    ck_assert(weir_finish(f.gen, &error) == WEIR_EINVAL);
    f.gen = NULL;
    end(&f);
}

/* ---- rotation */

TEST(a_renamed_file_is_read_to_its_end_before_its_successor)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    append(&f, "log", "2\n3\n");
    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.1")), 0);
    append(&f, "log", "4\n");

    ck_assert_str_eq(next_lines(&f, 3), "2|3|4|");
    end(&f);
}

TEST(lines_that_are_written_after_a_rename_are_read)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");
    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.1")), 0);
    append(&f, "log", "2\n");
    ck_assert_str_eq(next_lines(&f, 1), "2|");

    append(&f, "log.1", "late\n");

    ck_assert_str_eq(next_lines(&f, 1), "late|");
    end(&f);
}

TEST(the_rest_of_a_rotated_file_without_a_line_end_is_given_when_it_is_closed)
{
    struct fixture f;
    weir_item item;
    begin(&f);
    append(&f, "log", "1\nrest");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    ck_assert_int_eq(unlink(in(&f, "log")), 0);

    ck_assert(!comes_within(&f, 3000));
    ck_assert(weir_next_within(f.gen, &item, 7000) == WEIR_GOT_ITEM);
    ck_assert(item.len == 4 && item.flags == WEIR_ITEM_NO_EOL);
    ck_assert(!comes_within(&f, 7000));
    end(&f);
}

TEST(a_deleted_file_is_followed_by_a_new_one)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    append(&f, "log", "2\n");
    ck_assert_int_eq(unlink(in(&f, "log")), 0);
    append(&f, "log", "3\n");

    ck_assert_str_eq(next_lines(&f, 2), "2|3|");
    end(&f);
}

TEST(a_truncated_file_is_read_from_its_start)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\ntwo\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 2), "one|two|");

    ck_assert_int_eq(truncate(in(&f, "log"), 0), 0);
    append(&f, "log", "3\n");

    ck_assert_str_eq(next_lines(&f, 1), "3|");
    end(&f);
}

TEST(a_file_that_is_written_anew_with_the_same_size_is_read_again)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\ntwo\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 2), "one|two|");

    wr_folder_write(&f.folder, "log", "six\nten\n", 8);

    ck_assert_str_eq(next_lines(&f, 2), "six|ten|");
    end(&f);
}

TEST(a_file_that_is_written_anew_and_has_grown_is_read_again)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "one|");

    wr_folder_write(&f.folder, "log", "six\nten\nnine\n", 13);

    ck_assert_str_eq(next_lines(&f, 3), "six|ten|nine|");
    end(&f);
}

TEST(a_symbolic_link_that_is_set_to_another_file_is_followed)
{
    struct fixture f;
    char target[200];
    begin(&f);
    append(&f, "a", "1\n");
    append(&f, "b", "2\n");
    snprintf(target, sizeof target, "%s", in(&f, "a"));
    ck_assert_int_eq(symlink(target, in(&f, "log")), 0);
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    snprintf(target, sizeof target, "%s", in(&f, "b"));
    ck_assert_int_eq(symlink(target, in(&f, "new")), 0);
    ck_assert_int_eq(rename(in(&f, "new"), in(&f, "log")), 0);

    ck_assert_str_eq(next_lines(&f, 1), "2|");
    end(&f);
}

TEST(a_folder_in_the_place_of_a_file_is_waited_out)
{
    struct fixture f;
    begin(&f);
    ck_assert_int_eq(mkdir(in(&f, "log"), 0700), 0);
    follow(&f, "log", FROM_START);
    ck_assert(!comes_within(&f, 5000));

    ck_assert_int_eq(rmdir(in(&f, "log")), 0);
    append(&f, "log", "1\n");

    ck_assert_str_eq(next_lines(&f, 1), "1|");
    end(&f);
}

TEST(the_rest_of_a_truncated_file_is_read_from_its_copy)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\nha");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");
    append(&f, "log.2", "2\nhalf\n"); /* of another file */
    append(&f, "log.1", "1\nhalf\n3\n");

    ck_assert_int_eq(truncate(in(&f, "log"), 0), 0);
    append(&f, "log", "4\n");

    if (wr_test_sweeps()) {
        while (comes_within(&f, 7000)) {} /* without the folder there is no copy */
    } else {
        ck_assert_str_eq(next_lines(&f, 3), "half|3|4|");
        append(&f, "log", "5\n");
        ck_assert_str_eq(next_lines(&f, 1), "5|");
    }
    end(&f);
}

TEST(a_copy_that_was_read_whole_is_not_read_again)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "one\n2\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 2), "one|2|");
    append(&f, "log.1", "one\n2\n");

    ck_assert_int_eq(truncate(in(&f, "log"), 0), 0);
    append(&f, "log", "4\n");

    ck_assert_str_eq(next_lines(&f, 1), "4|");
    ck_assert(!comes_within(&f, 7000));
    end(&f);
}

TEST(files_that_came_and_were_rotated_between_two_looks_are_read_in_order)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\n");
    follow(&f, "log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.1")), 0);
    append(&f, "log", "2\n");
    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.2")), 0);
    append(&f, "log", "3\n");
    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.3")), 0);
    append(&f, "log", "4\n");

    if (wr_test_sweeps()) {
        while (comes_within(&f, 7000)) {} /* without the folder they are not found */
    } else {
        const char *all = next_lines(&f, 3);
        ck_assert(strcmp(all, "2|3|4|") == 0);
        ck_assert(!comes_within(&f, 7000));
    }
    end(&f);
}

/* ---- patterns */

TEST(files_that_match_later_are_read_from_their_start)
{
    struct fixture f;
    begin(&f);
    append(&f, "a.log", "1\n");
    append(&f, "other", "x\n");
    follow(&f, "*.log", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    append(&f, "b.log", "2\n");

    ck_assert_str_eq(next_lines(&f, 1), "2|");
    ck_assert(!comes_within(&f, 3000));
    end(&f);
}

TEST(a_rotated_file_that_matches_is_not_read_again)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "1\n");
    follow(&f, "log*", FROM_START);
    ck_assert_str_eq(next_lines(&f, 1), "1|");

    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.1")), 0);
    append(&f, "log", "2\n");
    append(&f, "log.1", "late\n");

    const char *two = next_lines(&f, 2);
    ck_assert(strcmp(two, "2|late|") == 0 || strcmp(two, "late|2|") == 0);
    ck_assert(!comes_within(&f, 7000));
    end(&f);
}

TEST(files_take_turns)
{
    enum { LINES = 20000 };
    struct fixture f;
    static char many[LINES * 64];
    weir_item item;
    int first = 0;
    if (wr_test_sweeps()) {
        return; /* the others meet the same failures */
    }
    begin(&f);
    memset(many, 'a', sizeof many);
    for (size_t i = 63; i < sizeof many; i += 64) {
        many[i] = '\n';
    }
    wr_folder_write(&f.folder, "a.log", many, sizeof many);
    memset(many, 'b', 63);
    wr_folder_write(&f.folder, "b.log", many, 64);
    follow(&f, "*.log", FROM_START);
    while (weir_next(f.gen, &item) && item.data[0] == 'a') {
        first++;
    }
    ck_assert(first < LINES / 2);
    end(&f);
}

/* ---- with a state */

static void run_begins(struct fixture *f, const char *name, weir_tail_options options)
{
    f->loop = test_loop();
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
    f->state = weir_state_open(f->scope, in(f, "state"), "run");
    follow(f, name, options);
}

/* Write lines to "out" until there are `count`, and end the run. */
static void run_ends(struct fixture *f, int count)
{
    weir_error error;
    weir_gen *head = weir_head_of_run(f->gen, (uint64_t)count);
    weir_sink *sink =
        weir_file_sink(f->scope, in(f, "out"), WEIR_OPTIONS(weir_file_options, .state = f->state));
    ck_assert(weir_pump(head, sink, &error) == 0);
    ck_assert(weir_scope_wait(f->scope, &error) == 0);
    weir_loop_free(f->loop);
    f->gen = NULL;
    f->state = NULL;
}

static void stateful(struct fixture *f)
{
    *f = (struct fixture){0};
    wr_folder_make(&f->folder);
}

static void run(struct fixture *f, const char *name, int count)
{
    run_begins(f, name, FROM_START);
    run_ends(f, count);
}

static void check_out(struct fixture *f, const char *expected)
{
    size_t len;
    ck_assert_str_eq(wr_folder_read(&f->folder, "out", &len), expected);
    wr_folder_remove(&f->folder);
}

TEST(a_restart_continues_after_the_last_line)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* a restart is swept with a renamed file */
    }
    stateful(&f);
    append(&f, "log", "1\n2\nha");
    run(&f, "log", 2);
    append(&f, "log", "lf\n4\n");
    run(&f, "log", 2);
    check_out(&f, "1\n2\nhalf\n4\n");
}

TEST(a_restart_reads_the_rest_of_a_file_that_was_renamed)
{
    struct fixture f;
    stateful(&f);
    append(&f, "log", "1\n");
    run(&f, "log", 1);
    append(&f, "log", "2\n");
    ck_assert_int_eq(rename(in(&f, "log"), in(&f, "log.1")), 0);
    append(&f, "log", "3\n");
    run(&f, "log", 2);
    check_out(&f, "1\n2\n3\n");
}

TEST(a_restart_knows_a_file_that_was_written_anew)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* a restart is swept with a renamed file */
    }
    stateful(&f);
    append(&f, "log", "1\n");
    run(&f, "log", 1);
    wr_folder_write(&f.folder, "log", "2\n3\n", 4);
    run(&f, "log", 2);
    check_out(&f, "1\n2\n3\n");
}

TEST(a_restart_knows_a_file_that_was_deleted_and_made_again)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* a restart is swept with a renamed file */
    }
    stateful(&f);
    append(&f, "log", "1\n");
    run(&f, "log", 1);
    ck_assert_int_eq(unlink(in(&f, "log")), 0);
    append(&f, "log", "2\n3\n"); /* perhaps with the same inode */
    run(&f, "log", 2);
    check_out(&f, "1\n2\n3\n");
}

TEST(a_restart_reads_new_files_from_their_start_though_the_first_run_began_at_the_end)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* a restart is swept with a renamed file */
    }
    stateful(&f);
    append(&f, "a.log", "0\n");
    run_begins(&f, "*.log", (weir_tail_options){.last_lines = 1});
    run_ends(&f, 1);
    append(&f, "a.log", "1\n");
    append(&f, "b.log", "2\n");
    run_begins(&f, "*.log", (weir_tail_options){0});
    run_ends(&f, 2);
    check_out(&f, "0\n1\n2\n");
}

TEST(a_restart_reads_the_rest_of_a_truncated_file_from_its_copy)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* a restart is swept with a renamed file */
    }
    stateful(&f);
    append(&f, "log", "1\n");
    run(&f, "log", 1);
    wr_folder_write(&f.folder, "log.1", "1\n2\n", 4);
    wr_folder_write(&f.folder, "log", "3\n", 2);
    run(&f, "log", 2);
    check_out(&f, "1\n2\n3\n");
}

/* What the last run has written beyond its record is not cut, and the next one is as good as before. */
TEST(a_file_that_has_gone_is_forgotten_after_it_was_reported)
{
    struct fixture f;
    size_t len;
    if (wr_test_sweeps()) {
        return;
    }
    stateful(&f);
    append(&f, "log", "first\n");
    run(&f, "log", 1);
    ck_assert_int_eq(unlink(in(&f, "log")), 0);
    append(&f, "log", "2\n");
    run(&f, "log", 1);
    ck_assert_ptr_null(strstr(wr_folder_read(&f.folder, "state/run.weir", &len), "offset 6 "));
    check_out(&f, "first\n2\n");
}

/* ---- what does not work for a while */

static char logged[4096];

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(logged);
    (void)ctx;
    (void)level;
    snprintf(logged + len, sizeof logged - len, "%s: %s\n", origin, text);
}

static int times_said(const char *text)
{
    int count = 0;
    for (const char *at = logged; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void begin_logged(struct fixture *f)
{
    const weir_loop_options how = {.struct_size = sizeof how, .log = keep_log};
    *f = (struct fixture){0};
    logged[0] = '\0';
    wr_folder_make(&f->folder);
    f->loop = weir_loop_new(&how);
    ck_assert_ptr_nonnull(f->loop);
    wr_loop_virtual_clock(f->loop, 1700000000000000000);
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
}

/* Follow a file; the first call of this name fails. The line that comes later is given all the same. */
static void check_without(const char *point, const char *said)
{
    bool met = false;
    for (uint64_t k = 1; !met; k++) {
        struct fixture f;
        begin_logged(&f);
        append(&f, "log", "one\n");
        follow(&f, "log", FROM_START);
        wr_fault_set(k, false);
        bool came = comes_within(&f, 0);
        met = wr_fault_fired() > 0 && strcmp(wr_fault_name(), point) == 0;
        bool over = wr_fault_fired() == 0;
        wr_fault_set(0, false);
        ck_assert_msg(!over, "%s is not called", point);
        if (met) {
            ck_assert(came);
            ck_assert_int_eq(times_said(said), 1);
            append(&f, "log", "two\n");
            ck_assert(comes_within(&f, 3000));
        }
        weir_discard(f.gen);
        f.gen = NULL;
        end(&f);
    }
}

TEST(without_a_watch_files_are_looked_at)
{
    if (!wr_test_sweeps()) {
        check_without("inotify_add_watch", "no watch is left");
        check_without("inotify_init1", "files cannot be watched");
    }
}

/* Files are opened with the rights of this user. */
static void be(uid_t user)
{
    ck_assert_int_eq(seteuid(user), 0);
}

TEST(what_may_not_be_read_is_reported_once_and_tried_again)
{
    struct fixture f;
    char folder[300], pattern[320];
    if (geteuid() != 0 || wr_test_sweeps()) {
        return; /* another user cannot be set */
    }
    begin_logged(&f);
    ck_assert_int_eq(chmod(in(&f, ".."), 0755), 0);
    ck_assert_int_eq(chmod(in(&f, ""), 0755), 0);
    append(&f, "secret", "one\n");
    ck_assert_int_eq(chmod(in(&f, "secret"), 0600), 0);
    snprintf(folder, sizeof folder, "%s", in(&f, "sub"));
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    append(&f, "sub/a.log", "two\n");
    snprintf(pattern, sizeof pattern, "%s/*.log", folder);
    const char *paths[] = {in(&f, "secret"), pattern};
    f.gen = weir_tail_lines(f.scope, paths, 2,
                            WEIR_OPTIONS(weir_tail_options, .from = WEIR_TAIL_START));
    be(65534);
    ck_assert(!comes_within(&f, 5000));
    ck_assert_int_eq(times_said("secret': Permission denied; it is tried again"), 1);
    ck_assert_int_eq(times_said("sub': Permission denied; it is tried again"), 1);

    be(0);
    ck_assert_int_eq(chmod(in(&f, "secret"), 0644), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    be(65534);
    bool came = comes_within(&f, 20000);
    be(0);
    ck_assert(came);
    ck_assert(comes_within(&f, 0));
    end(&f);
}

/* ---- $meta */

/* A tail of a file, and what reads it. */
static void follow_text(struct fixture *f, const char *name, const char *rest)
{
    char whole[512];
    snprintf(whole, sizeof whole, "tail '%s' from=start | %s", in(f, name), rest);
    f->gen = weir_parse(f->scope, NULL, whole, NULL);
}

/* The next items, without the folder in them. */
static const char *next_places(struct fixture *f, int count)
{
    const char *folder = in(f, "");
    size_t len = strlen(folder);
    for (char *at = (char *)(uintptr_t)next_lines(f, count); (at = strstr(at, folder)) != NULL;) {
        memmove(at, at + len, strlen(at + len) + 1);
    }
    return f->shown;
}

TEST(lines_know_their_file_and_where_they_begin)
{
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* the tests after it meet the same points */
    }
    begin(&f);
    append(&f, "a", "1\n\n22\r\n3\n");
    append(&f, "b", "4\n5\n");
    follow_text(&f, "?", "map \"\\($meta.path):\\($meta.offset) \\(.)\"");
    ck_assert_str_eq(next_places(&f, 5), "\"a:0 1\"|\"a:3 22\"|\"a:7 3\"|\"b:0 4\"|\"b:2 5\"|");
    append(&f, "a", "6\n");
    ck_assert_str_eq(next_places(&f, 1), "\"a:9 6\"|");
    end(&f);
}

TEST(a_renamed_file_keeps_its_path_and_a_truncated_one_begins_anew)
{
    struct fixture f;
    char old[256];
    begin(&f);
    append(&f, "log", "1\n2\n");
    follow_text(&f, "log", "map \"\\($meta.path):\\($meta.offset) \\(.)\"");
    ck_assert_str_eq(next_places(&f, 2), "\"log:0 1\"|\"log:2 2\"|");
    snprintf(old, sizeof old, "%s", in(&f, "log"));
    ck_assert_int_eq(rename(old, in(&f, "log.1")), 0);
    append(&f, "log.1", "3\n");
    append(&f, "log", "4\n");
    ck_assert_str_eq(next_places(&f, 2), "\"log:4 3\"|\"log:0 4\"|");
    ck_assert_int_eq(truncate(in(&f, "log"), 0), 0);
    append(&f, "log", "5\n6\n7\n");
    ck_assert_str_eq(next_places(&f, 3), "\"log:0 5\"|\"log:2 6\"|\"log:4 7\"|");
    end(&f);
}

TEST(records_and_items_in_a_queue_know_it_too)
{
    struct fixture f;
    begin(&f);
    append(&f, "log", "a=1\nbad\na=2\n");
    follow_text(&f, "log",
                "logfmt | where .a | queue 100 | "
                "map \"\\($meta.path):\\($meta.offset)\"");
    ck_assert_str_eq(next_places(&f, 2), "\"log:0\"|\"log:8\"|");
    end(&f);
}

TEST(where_nobody_asks_for_it_nothing_is_kept_of_lines)
{
    struct fixture f;
    weir_item item;
    begin(&f);
    append(&f, "log", "1\n2\n");
    follow_text(&f, "log", "where . > 0");
    ck_assert(weir_next(f.gen, &item));
    ck_assert_ptr_null(wr_origin_of(item.receipt)->positions);
    ck_assert_ptr_null(wr_origin_of(item.receipt)->path);
    end(&f);
}

MAIN("source/tail")
