/*
 * Half a line at the end of a file that may grow: it is given, and comes whole when there is more.
 */
#include <fcntl.h>
#include <unistd.h>

#include "support_state.h"

static void write_in(struct fixture *f, const char *text)
{
    FILE *file = fopen(wr_folder_path(&f->folder, "in"), "r+"); /* the same file */
    if (file == NULL) {
        file = fopen(wr_folder_path(&f->folder, "in"), "w");
    }
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static weir_gen *read_in(struct fixture *f)
{
    return weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                           WEIR_OPTIONS(weir_lines_options, .state = f->state));
}

static weir_sink *write_out(struct fixture *f)
{
    return weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                          WEIR_OPTIONS(weir_file_options, .state = f->state));
}

/* A run over what is there now; the file that it leaves. */
static const char *run_over(struct fixture *f, const char *text, weir_gen *(*between)(weir_gen *))
{
    size_t len;
    weir_error error;
    write_in(f, text);
    run_begins(f, "p");
    weir_gen *gen = read_in(f);
    int rc = weir_pump(between != NULL ? between(gen) : gen, write_out(f), &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    run_ends(f);
    return wr_folder_read(&f->folder, "out", &len);
}

static const char *record_of(struct fixture *f)
{
    size_t len;
    return wr_folder_read(&f->folder, "s/p.weir", &len);
}

TEST(half_line_comes_whole_when_the_file_has_grown)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nthr", NULL), "one\nthr");
    ck_assert_ptr_nonnull(strstr(record_of(&f), "position offset 4 partial 3 "));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "before 1 offset 4 "));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "out\nbefore 4\n"));

    ck_assert_str_eq(run_over(&f, "one\nthree\nfour\n", NULL), "one\nthree\nfour\n");

    ck_assert_ptr_null(strstr(record_of(&f), "partial"));
    ck_assert_ptr_null(strstr(record_of(&f), "before"));
    wr_folder_remove(&f.folder);
}

TEST(half_line_is_not_given_again_while_the_file_still_ends_there)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nthr", NULL), "one\nthr");
    ck_assert_str_eq(run_over(&f, "one\nthr", NULL), "one\nthr");
    ck_assert_str_eq(run_over(&f, "one\nthr", NULL), "one\nthr");
    ck_assert_ptr_nonnull(strstr(record_of(&f), "before 1 offset 4 "));

    ck_assert_str_eq(run_over(&f, "one\nthree", NULL), "one\nthree");
    ck_assert_str_eq(run_over(&f, "one\nthree\n", NULL), "one\nthree\n");
    wr_folder_remove(&f.folder);
}

TEST(file_that_is_one_half_line_comes_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "o", NULL), "o");
    ck_assert_str_eq(run_over(&f, "on", NULL), "on");
    ck_assert_str_eq(run_over(&f, "one\ntwo\n", NULL), "one\ntwo\n");
    wr_folder_remove(&f.folder);
}

static weir_gen *errors_only(weir_gen *up)
{
    return weir_grep(up, "error");
}

TEST(half_line_that_was_filtered_is_looked_at_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nerr", errors_only), "");
    ck_assert_str_eq(run_over(&f, "one\nerror x\ntwo\n", errors_only), "error x\n");
    wr_folder_remove(&f.folder);
}

TEST(half_line_that_was_the_first_of_all_and_was_filtered_is_looked_at_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "err", errors_only), "");
    ck_assert_str_eq(run_over(&f, "error x\ntwo\n", errors_only), "error x\n");
    wr_folder_remove(&f.folder);
}

/* Nothing settles before the batch goes, so the moment before it is an earlier one. */
static weir_gen *in_batches(weir_gen *up)
{
    return weir_batch(up, WEIR_OPTIONS(weir_batch_options, .items_max = 100, .wait_ms = 60000));
}

TEST(half_line_in_a_batch_comes_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\ntwo\nthr", in_batches), "one\ntwo\nthr");
    ck_assert_str_eq(run_over(&f, "one\ntwo\nthree\nfour\n", in_batches),
                     "one\ntwo\nthree\nfour\n");
    wr_folder_remove(&f.folder);
}

static weir_gen *through_a_queue(weir_gen *up)
{
    return weir_buffer(up, NULL);
}

TEST(half_line_behind_a_queue_comes_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\ntwo\nthr", through_a_queue), "one\ntwo\nthr");
    ck_assert_ptr_nonnull(strstr(record_of(&f), "before 2 offset 8 "));
    ck_assert_str_eq(run_over(&f, "one\ntwo\nthree\nfour\n", through_a_queue),
                     "one\ntwo\nthree\nfour\n");
    wr_folder_remove(&f.folder);
}

/* Two lines in all, of which the second is half one in the first run. */
static weir_gen *first_two(weir_gen *up)
{
    return weir_head(up, 2);
}

TEST(half_line_that_was_the_last_for_head_comes_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nthr", first_two), "one\nthr");
    ck_assert_str_eq(run_over(&f, "one\nthr", first_two), "one\nthr");

    ck_assert_str_eq(run_over(&f, "one\nthree\nfour\n", first_two), "one\nthree\n");
    ck_assert_str_eq(run_over(&f, "one\nthree\nfour\n", first_two), "one\nthree\n");
    wr_folder_remove(&f.folder);
}

static weir_gen *all_but_two(weir_gen *up)
{
    return weir_skip(up, 2);
}

TEST(half_line_that_was_skipped_is_skipped_whole)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nthr", all_but_two), "");

    ck_assert_str_eq(run_over(&f, "one\nthree\nfour\n", all_but_two), "four\n");
    wr_folder_remove(&f.folder);
}

/* Standard input has no position, also where it is a file. */
TEST(half_line_of_a_source_without_positions_is_plain)
{
    struct fixture f;
    size_t len;
    wr_folder_make(&f.folder);
    for (int i = 0; i < 2; i++) {
        int ends[2] = {-1, -1};
        write_in(&f, "one\nthr");
        if (i == 0) {
            ends[0] = open(wr_folder_path(&f.folder, "in"), O_RDONLY | O_CLOEXEC);
        } else {
            ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
            ck_assert_int_eq(write(ends[1], "one\nthr", 7), 7);
            close(ends[1]);
        }
        run_begins(&f, "p");
        weir_gen *gen =
            weir_fd_lines(f.scope, ends[0], WEIR_OPTIONS(weir_lines_options, .state = f.state));
        ck_assert_int_eq(weir_pump(gen, write_out(&f), NULL), 0);
        run_ends(&f);
        close(ends[0]);
    }

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "one\nthr\none\nthr");
    wr_folder_remove(&f.folder);
}

/* What a run gives to a sink that cannot be cut. */
static void give_to_null(struct fixture *f, const char *text, char *given)
{
    weir_item item;
    write_in(f, text);
    run_begins(f, "p");
    weir_gen *gen = read_in(f);
    weir_sink *sink = weir_null_sink(f->scope);
    weir_sink_keep_state(sink, f->state);
    given[0] = '\0';
    while (weir_next(gen, &item)) {
        strncat(strncat(given, item.data, item.len), "|", 2);
        ck_assert(weir_put(sink, &item));
    }
    ck_assert_int_eq(weir_finish(gen, NULL) | weir_sink_finish(sink, NULL), 0);
    run_ends(f);
}

TEST(sink_that_is_not_cut_is_given_the_whole_line_and_no_more)
{
    struct fixture f;
    char given[64];
    wr_folder_make(&f.folder);
    give_to_null(&f, "one\nthr", given);
    ck_assert_str_eq(given, "one|thr|");
    give_to_null(&f, "one\nthr", given);
    ck_assert_str_eq(given, "");
    give_to_null(&f, "one\nthree\nfour\n", given);
    ck_assert_str_eq(given, "three|four|");
    wr_folder_remove(&f.folder);
}

/* Two files behind one another into one: what is behind the half line goes and comes again. */
static const char *run_two(struct fixture *f, const char *one, const char *two)
{
    size_t len;
    weir_item item;
    const weir_lines_options *options;
    write_in(f, one);
    wr_folder_write(&f->folder, "too", two, strlen(two));
    run_begins(f, "p");
    options = WEIR_OPTIONS(weir_lines_options, .state = f->state);
    weir_gen *gens[] = {read_in(f),
                        weir_file_lines(f->scope, wr_folder_path(&f->folder, "too"), options)};
    weir_sink *out = write_out(f);
    for (int i = 0; i < 2; i++) {
        while (weir_next(gens[i], &item)) {
            item.flags &= ~(uint32_t)WEIR_ITEM_NO_EOL;
            ck_assert(weir_put(out, &item));
        }
    }
    ck_assert_int_eq(weir_sink_finish(out, NULL), 0);
    ck_assert_int_eq(weir_finish(gens[0], NULL) | weir_finish(gens[1], NULL), 0);
    run_ends(f);
    return wr_folder_read(&f->folder, "out", &len);
}

TEST(all_sources_go_back_to_the_moment_before_half_a_line)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_two(&f, "one\nthr", "a\nb\n"), "one\nthr\na\nb\n");
    ck_assert_str_eq(run_two(&f, "one\nthr", "a\nb\n"), "one\nthr\na\nb\n");

    ck_assert_str_eq(run_two(&f, "one\nthree\n", "a\nb\n"), "one\nthree\na\nb\n");
    wr_folder_remove(&f.folder);
}

struct then {
    weir_gen *gen;
};

/* One file after the other. */
WEIR_STAGE(and_then, struct then)
{
    weir_item item;
    weir_adopt(self, args->gen);
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    while (weir_next(args->gen, &item) && weir_yield(self, &item)) {}
    return 0;
}

static const char *run_over_two(struct fixture *f, const char *first, const char *second)
{
    size_t len;
    weir_error error;
    static const char *const names[] = {"a", "b"};
    const char *const texts[] = {first, second};
    weir_gen *gens[2];
    run_begins(f, "p");
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(wr_folder_path(&f->folder, names[i]), "r+"); /* the same file */
        file = file != NULL ? file : fopen(wr_folder_path(&f->folder, names[i]), "w");
        ck_assert_ptr_nonnull(file);
        fputs(texts[i], file);
        fclose(file);
        gens[i] = weir_file_lines(f->scope, wr_folder_path(&f->folder, names[i]),
                                  WEIR_OPTIONS(weir_lines_options, .state = f->state));
    }
    int rc = weir_pump(and_then(gens[0], (struct then){gens[1]}), write_out(f), &error);
    ck_assert_msg(rc == 0, "%s", error.message);
    run_ends(f);
    return wr_folder_read(&f->folder, "out", &len);
}

TEST(two_half_lines_go_back_to_the_moment_before_the_first)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over_two(&f, "1\na", "2\nb"), "1\na\n2\nb");

    ck_assert_str_eq(run_over_two(&f, "1\naa\n", "2\nbb\n"), "1\naa\n2\nbb\n");

    wr_folder_remove(&f.folder);
}

TEST(position_that_a_tool_sets_ends_the_moment_before_half_a_line)
{
    struct fixture f;
    weir_error error;
    wr_folder_make(&f.folder);
    ck_assert_str_eq(run_over(&f, "one\nthr", NULL), "one\nthr");
    ck_assert_ptr_nonnull(strstr(record_of(&f), "\nbefore 4\n")); /* of the sink */
    ck_assert_ptr_nonnull(strstr(record_of(&f), "\nbefore 1 "));  /* of the source */

    int rc = weir_record_set(wr_folder_path(&f.folder, "s"), "p", 0, "offset 4", &error);

    ck_assert_msg(rc == 0, "%s", error.message);
    ck_assert_ptr_null(strstr(record_of(&f), "before"));
    wr_folder_remove(&f.folder);
}

TEST(line_without_an_end_is_plain_without_a_state)
{
    struct fixture f;
    weir_item item;
    begin(&f);
    write_in(&f, "one\nthr");
    weir_gen *gen = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"), NULL);
    int64_t from = wr_now_ns(f.loop);

    ck_assert(weir_next(gen, &item) && weir_next(gen, &item));

    ck_assert_int_eq(wr_now_ns(f.loop), from);
    weir_discard(gen);
    end(&f);
}

MAIN("flow/state_half")
