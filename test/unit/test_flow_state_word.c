/*
 * What a state promises, when it says so, and what it refuses; several sinks with one state.
 */
#include <weir/queue.h>

#include "flow_sink.h"
#include "flow_state_inside.h"
#include "support_positions.h"
#include "support_state.h"
#include "texts_state.h"

static char told[8][300];
static int told_count, told_word;

static void watch(void *ctx, int delivery, const char *text)
{
    (void)ctx;
    told_word = delivery;
    snprintf(told[told_count++ % 8], sizeof told[0], "%s", text);
}

static void begin_watched(struct fixture *f)
{
    begin(f);
    told_count = 0;
    weir_state_watch(f->state, watch, NULL);
}

static const char *last(void)
{
    return told_count > 0 ? told[(told_count - 1) % 8] : "";
}

/* A source of this name is asked, and says where it goes on. */
static struct wr_state_slot *ask(struct fixture *f, struct wr_origin *origin, const char *name)
{
    weir_error error;
    struct wr_state_slot *slot;
    wr_origin_init(origin, 1, name);
    ck_assert_int_eq(wr_state_attach_source(f->state, name, origin, &slot, &error), 0);
    wr_test_keep_positions(origin, 0);
    return slot;
}

TEST(word_is_told_when_each_source_has_shown_where_it_goes_on)
{
    struct fixture f;
    struct wr_origin one, two;
    begin_watched(&f);
    (void)wr_state_expect_source(f.state, "one", NULL);
    (void)wr_state_expect_source(f.state, "two", NULL);
    wr_state_expect_sink(f.state, "out", WEIR_EXACTLY_ONCE, "a record");
    wr_state_prove(ask(&f, &one, "one"), WR_PROOF_EXACT);
    struct wr_state_slot *slot = ask(&f, &two, "two");
    ck_assert_int_eq(told_count, 0);

    wr_state_prove(slot, WR_PROOF_EXACT);

    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told_word, WEIR_EXACTLY_ONCE);
    ck_assert_str_eq(last(), TEXT_STATE_EXACTLY_ONCE "a record");
    end(&f);
    wr_origin_fini(&one);
    wr_origin_fini(&two);
}

TEST(word_is_that_of_the_weakest)
{
    struct fixture f;
    struct wr_origin one;
    begin_watched(&f);
    (void)wr_state_expect_source(f.state, "one", NULL);
    wr_state_expect_sink(f.state, "out", WEIR_EXACTLY_ONCE, "a record");

    wr_state_prove(ask(&f, &one, "one"), WR_PROOF_WEAK);

    ck_assert_int_eq(told_word, WEIR_AT_LEAST_ONCE);
    ck_assert_str_eq(last(), TEXT_STATE_CANNOT_SHOW("one"));
    end(&f);
    wr_origin_fini(&one);
}

TEST(word_is_told_again_when_it_changes)
{
    struct fixture f;
    struct wr_origin one;
    begin_watched(&f);
    wr_state_expect_sink(f.state, "out", WEIR_EXACTLY_ONCE, "a record");
    (void)wr_state_expect_source(f.state, "one", NULL);
    struct wr_state_slot *slot = ask(&f, &one, "one");
    wr_state_prove(slot, WR_PROOF_EXACT);
    wr_state_prove(slot, WR_PROOF_EXACT);

    wr_state_prove(slot, WR_PROOF_NONE);

    ck_assert_int_eq(told_word, WEIR_BEST_EFFORT);
    ck_assert_str_eq(last(), TEXT_STATE_NOTHING_CUT);
    end(&f);
    wr_origin_fini(&one);
}

TEST(word_of_a_sink_with_transactions_is_lower_beside_any_other_sink)
{
    struct fixture f;
    struct wr_origin one;
    begin_watched(&f);
    (void)wr_state_expect_source(f.state, "one", NULL);
    wr_state_expect_sink(f.state, "out", WEIR_EXACTLY_ONCE, "a record");
    struct wr_state_sink *table =
        wr_state_expect_sink(f.state, "table", WEIR_EXACTLY_ONCE, "a transaction");
    ck_assert_ptr_nonnull(table);
    table->transacts = true;

    wr_state_prove(ask(&f, &one, "one"), WR_PROOF_EXACT);

    ck_assert_int_eq(told_word, WEIR_AT_LEAST_ONCE);
    ck_assert_str_eq(last(), TEXT_STATE_NOT_ONLY_SINK);
    end(&f);
    wr_origin_fini(&one);
}

TEST(word_that_cannot_be_lower_is_told_before_the_sources_have_shown_anything)
{
    struct fixture f;
    begin_watched(&f);
    (void)wr_state_expect_source(f.state, "one", NULL);
    wr_state_expect_sink(f.state, "out", WEIR_BEST_EFFORT, "its peer may lose it");

    wr_state_tell(f.state);

    ck_assert_int_eq(told_word, WEIR_BEST_EFFORT);
    ck_assert_str_eq(last(), TEXT_STATE_BEST_EFFORT "its peer may lose it");
    end(&f);
}

TEST(pipeline_of_no_source_with_positions_is_best_effort_at_once)
{
    struct fixture f;
    begin(&f);
    wr_state_expect_sink(f.state, "out", WEIR_EXACTLY_ONCE, "a record");
    told_count = 0;

    weir_state_watch(f.state, watch, NULL);

    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told_word, WEIR_BEST_EFFORT);
    end(&f);
}

TEST(record_alone_is_no_promise)
{
    struct fixture f;
    begin_with(&f, 2);
    run_begins(&f, "p");
    told_count = 0;

    weir_state_watch(f.state, watch, NULL);

    ck_assert_int_eq(told_count, 0); /* no source and no sink is made yet */
    ck_assert_int_eq(copy(&f, 9, NULL), 0);
    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told_word, WEIR_EXACTLY_ONCE);
    end(&f);
}

TEST(less_than_is_required_fails_before_anything_is_written)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_watched(&f);
    weir_state_require(f.state, WEIR_AT_LEAST_ONCE);
    weir_sink *out = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f.state));

    ck_assert_int_eq(weir_pump(weir_count(f.scope, 1, 3), out, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_BEST_EFFORT));
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_REQUIRED));
    ck_assert_ptr_null(wr_folder_read(&f.folder, "out", &len));
    end(&f);
}

TEST(less_than_is_required_fails_at_a_sink_that_is_no_file)
{
    struct fixture f;
    weir_error error;
    begin_watched(&f);
    weir_state_require(f.state, WEIR_AT_LEAST_ONCE);
    weir_sink *out = weir_null_sink(f.scope);
    weir_sink_keep_state(out, f.state);

    ck_assert_int_eq(weir_pump(weir_count(f.scope, 1, 3), out, &error), WEIR_EINVAL);

    end(&f);
}

/* ---- several sinks */

static weir_sink *file_sink(struct fixture *f, const char *name)
{
    return weir_file_sink(f->scope, wr_folder_path(&f->folder, name),
                          WEIR_OPTIONS(weir_file_options, .state = f->state));
}

/* The first `count` lines into both files. */
static int copy_twice(struct fixture *f, uint64_t count, weir_error *error)
{
    wr_folder_write(&f->folder, "in", "1\n2\n3\n4\n5\n", 10);
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    weir_sink *sinks[] = {file_sink(f, "out"), file_sink(f, "too")};
    return weir_pump_all(weir_head_of_run(gen, count), sinks, 2, NULL, error);
}

static void append(struct fixture *f, const char *name, const char *more)
{
    FILE *file = fopen(wr_folder_path(&f->folder, name), "a");
    fputs(more, file);
    fclose(file);
}

TEST(each_of_several_files_is_cut_to_its_own_length)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin(&f);
    wr_folder_write(&f.folder, "too", "old\n", 4);
    ck_assert_int_eq(copy_twice(&f, 2, &error), 0);
    run_ends(&f);
    append(&f, "out", "3\n");
    append(&f, "too", "3\n4\n");
    run_begins(&f, "p");

    ck_assert_int_eq(copy_twice(&f, 9, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n4\n5\n");
    ck_assert_str_eq(wr_folder_read(&f.folder, "too", &len), "old\n1\n2\n3\n4\n5\n");
    end(&f);
}

TEST(sink_that_the_record_does_not_have_is_refused)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_with(&f, 2);
    run_begins(&f, "p");
    weir_gen *gen = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f.state));

    ck_assert_int_eq(weir_pump(gen, file_sink(&f, "elsewhere"), &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_OTHER_PIPELINE ": that one writes to "));
    ck_assert_ptr_null(wr_folder_read(&f.folder, "elsewhere", &len));
    end(&f);
}

MAIN("flow/state_word")
