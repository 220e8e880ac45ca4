/*
 * test_stage_replay.c - items that depend on all that came before: a restart reads from the
 * beginning, and leaves out what has settled.
 */
#include <weir/queue.h>
#include <weir/stage.h>

#include "support_state.h"
#include "support_wire.h"
#include "texts_state.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ETAG "ETag: \"v1\"\r\n"
#define HTTP(...) WEIR_OPTIONS(weir_http_options, __VA_ARGS__)
#define TOTALS "1\n3\n6\n10\n15\n21\n28\n36\n45\n"

/* The sum of all lines so far. */
WEIR_STAGE(totals)
{
    weir_item item;
    long sum = 0;
    while (weir_next(up, &item)) {
        char text[32];
        sum += item.data[0] - '0';
        weir_item out = weir_bytes(text, (size_t)snprintf(text, sizeof text, "%ld", sum));
        if (!weir_yield(self, &out)) {
            break;
        }
    }
    return 0;
}

static weir_gen *lines_of(struct fixture *f)
{
    return weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                           WEIR_OPTIONS(weir_lines_options, .state = f->state));
}

static weir_gen *bytes_of(struct fixture *f)
{
    return weir_file_bytes(f->scope, wr_folder_path(&f->folder, "in"),
                           WEIR_OPTIONS(weir_lines_options, .state = f->state));
}

static weir_gen *replayed_totals(weir_gen *up)
{
    return weir_replayed(totals(up));
}

static weir_gen *directly(weir_gen *up)
{
    return up;
}

static weir_gen *in_a_queue(weir_gen *up)
{
    return weir_buffer(up, NULL);
}

/* A stage between bytes and their framer keeps it from being joined to the source. */
static weir_gen *lines_of_bytes(weir_gen *up)
{
    return weir_lines(weir_buffer(up, NULL));
}

static weir_gen *twice_replayed(weir_gen *up)
{
    return replayed_totals(lines_of_bytes(up));
}

static int copy_to_out(struct fixture *f, weir_gen *gen, uint64_t most, weir_error *error)
{
    weir_sink *sink = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = f->state));
    return weir_pump(weir_head_of_run(gen, most), sink, error);
}

static void begin_folder(struct fixture *f)
{
    wr_folder_make(&f->folder);
    wr_folder_write(&f->folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
}

static const char *content(struct fixture *f, const char *name)
{
    size_t len;
    const char *text = wr_folder_read(&f->folder, name, &len);
    return text != NULL ? text : "(not there)";
}

/* Runs of two items each, until nothing is left. */
static void check_runs(weir_gen *(*source)(struct fixture *f), weir_gen *(*stage)(weir_gen *up),
                       weir_gen *(*behind)(weir_gen *up), const char *expected)
{
    struct fixture f;
    weir_error error;
    begin_folder(&f);
    for (int i = 0; i < (wr_test_sweeps() ? 2 : 6); i++) {
        run_begins(&f, "p");
        int rc = copy_to_out(&f, behind(stage(source(&f))), wr_test_sweeps() ? 5 : 2, &error);
        ck_assert_msg(rc == 0, "%s", error.message);
        run_ends(&f);
    }
    ck_assert_str_eq(content(&f, "out"), expected);
    wr_folder_remove(&f.folder);
}

TEST(items_go_on_behind_those_that_have_settled)
{
    check_runs(lines_of, replayed_totals, directly, TOTALS);
}

TEST(items_behind_a_queue_go_on_too)
{
    check_runs(lines_of, replayed_totals, in_a_queue, TOTALS);
}

TEST(lines_that_are_cut_behind_another_stage_go_on_in_their_bytes)
{
    check_runs(bytes_of, lines_of_bytes, directly, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(of_two_such_stages_the_last_one_counts)
{
    check_runs(bytes_of, twice_replayed, directly, TOTALS);
}

/* ---- what the record says */

static void check_sources(struct fixture *f, const char *expected)
{
    char told[600] = "";
    weir_record *record = weir_record_read(wr_folder_path(&f->folder, "s"), "p", NULL);
    for (size_t i = 0; record != NULL && i < record->sources_count; i++) {
        const weir_record_source *source = &record->sources[i];
        const char *name = strrchr(source->name, '/'), *of = strstr(source->name, " of ");
        size_t len = strlen(told);
        snprintf(told + len, sizeof told - len, "%.*s%s %d %.8s%s;",
                 of != NULL ? (int)(of + 4 - source->name) : 0, source->name, name + 1,
                 (int)source->items, source->position, source->finished ? " finished" : "");
    }
    ck_assert_str_eq(told, expected);
    weir_record_free(record);
}

TEST(record_has_the_number_of_items_and_the_beginning_of_the_source)
{
    struct fixture f;
    begin_folder(&f);
    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 4, NULL), 0);
    run_ends(&f);
    check_sources(&f, "in 0 offset 0;totals of in 4 items 4;");

    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 99, NULL), 0);
    run_ends(&f);
    check_sources(&f, "in 0 offset 0;totals of in 9 items 9 finished;");
    wr_folder_remove(&f.folder);
}

TEST(items_that_are_left_out_are_not_in_the_ledger)
{
    struct fixture f;
    weir_ledger ledger;
    begin_folder(&f);
    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 4, NULL), 0);
    run_ends(&f);
    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 99, NULL), 0);

    weir_scope_ledger(f.scope, &ledger);
    ck_assert_uint_eq(ledger.in, 9 + 5); /* lines, and totals */
    ck_assert_uint_eq(ledger.delivered, 9 + 5);
    end(&f);
}

TEST(head_counts_the_items_of_all_runs)
{
    struct fixture f;
    begin_folder(&f);
    for (int i = 0; i < (wr_test_sweeps() ? 2 : 4); i++) {
        run_begins(&f, "p");
        weir_gen *gen = weir_head(weir_skip(replayed_totals(lines_of(&f)), 1), 5);
        ck_assert_int_eq(copy_to_out(&f, gen, wr_test_sweeps() ? 3 : 2, NULL), 0);
        run_ends(&f);
    }
    ck_assert_str_eq(content(&f, "out"), "3\n6\n10\n15\n21\n");
    wr_folder_remove(&f.folder);
}

TEST(position_that_was_set_by_hand_is_read_or_refused)
{
    struct fixture f;
    weir_error error;
    begin_folder(&f);
    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 4, NULL), 0);
    run_ends(&f);
    const char *folder = wr_folder_path(&f.folder, "s");
    ck_assert_int_eq(weir_record_set(folder, "p", 1, "items 7", NULL), 0);
    run_begins(&f, "p");
    ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 1, NULL), 0);
    run_ends(&f);
    ck_assert_str_eq(content(&f, "out"), "1\n3\n6\n10\n36\n");

    static const char *const bad[] = {"items", "items x", "items 3x", "thing 3", "offset 7"};
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof bad / sizeof bad[0]); i++) {
        folder = wr_folder_path(&f.folder, "s");
        ck_assert_int_eq(weir_record_set(folder, "p", 1, bad[i], NULL), 0);
        run_begins(&f, "p");
        ck_assert_int_eq(copy_to_out(&f, replayed_totals(lines_of(&f)), 1, &error), WEIR_EINVAL);
        ck_assert_ptr_nonnull(
            strstr(error.message, TEXT_STATE_INVALID_POSITION " for 'totals of "));
        run_ends(&f);
    }
    wr_folder_remove(&f.folder);
}

/* ---- where the beginning is not to be had */

static void check_lossy(struct fixture *f, weir_gen *gen)
{
    weir_error error;
    weir_state_require(f->state, WEIR_AT_LEAST_ONCE);
    ck_assert_int_eq(copy_to_out(f, gen, 99, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, TEXT_STATE_BEST_EFFORT) != NULL, "%s", error.message);
    run_ends(f);
}

TEST(source_that_cannot_begin_again_makes_it_best_effort)
{
    struct fixture f;
    begin_folder(&f);
    run_begins(&f, "p");
    check_lossy(&f, replayed_totals(weir_count(f.scope, 1, 9)));
    run_begins(&f, "p");
    weir_gen *both[2] = {lines_of(&f), lines_of(&f)};
    check_lossy(&f, replayed_totals(weir_merge(f.scope, both, 2)));
    run_begins(&f, "p");
    weir_sink *aside = weir_null_sink(f.scope);
    check_lossy(&f, replayed_totals(weir_tee(lines_of(&f), &aside, 1, NULL)));
    run_begins(&f, "p");
    check_lossy(&f, replayed_totals(weir_buffer(
                        lines_of(&f), WEIR_OPTIONS(weir_queue_options, .when_full = WEIR_LATEST))));
    wr_folder_remove(&f.folder);
}

TEST(without_a_state_items_are_only_numbered)
{
    struct fixture f;
    weir_item item;
    begin_folder(&f);
    f.loop = test_loop();
    f.scope = weir_scope_new(weir_root(f.loop), NULL);
    f.state = NULL;
    weir_gen *gen = replayed_totals(lines_of(&f));
    for (uint64_t i = 1; i <= 9; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.seq, i);
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    end(&f);
}

/* ---- a body behind HTTP, which has a validator */

static int run_http(struct fixture *f, const struct wire_answer *answer, uint64_t most,
                    weir_error *error)
{
    run_begins(f, "p");
    wire_lay(f->loop, answer, 1);
    weir_gen *gen = weir_http_lines(f->scope, "http://example.org/feed", HTTP(.state = f->state));
    int rc = copy_to_out(f, replayed_totals(gen), most, error);
    run_ends(f);
    return rc;
}

TEST(response_must_be_the_same_version_from_its_beginning)
{
    static const struct wire_answer same_body = {.head = OK_HEAD ETAG "Content-Length: 8\r\n\r\n",
                                                 .body = "1\n2\n3\n4\n"},
                                    other = {.head = OK_HEAD "ETag: \"v2\"\r\n"
                                                             "Content-Length: 8\r\n\r\n",
                                             .body = "5\n5\n5\n5\n"},
                                    nameless = {.head = OK_HEAD "Content-Length: 8\r\n\r\n",
                                                .body = "5\n5\n5\n5\n"};
    struct fixture f;
    weir_error error;
    begin_folder(&f);
    ck_assert_int_eq(run_http(&f, &same_body, 2, &error), 0);
    ck_assert_int_eq(run_http(&f, &same_body, 1, &error), 0);
    ck_assert_ptr_null(strstr(wire_requests[0].headers, "Range"));
    ck_assert_str_eq(content(&f, "out"), "1\n3\n6\n");
    ck_assert_int_eq(run_http(&f, &other, 9, &error), WEIR_ECHANGED);
    ck_assert_int_eq(run_http(&f, &nameless, 9, &error), WEIR_ECHANGED);
    ck_assert_str_eq(content(&f, "out"), "1\n3\n6\n");

    ck_assert_int_eq(run_http(&f, &same_body, 9, &error), 0);
    ck_assert_str_eq(content(&f, "out"), "1\n3\n6\n10\n");
    wr_folder_remove(&f.folder);
}

TEST(response_without_a_validator_makes_it_best_effort)
{
    static const struct wire_answer nameless = {.head = OK_HEAD "Content-Length: 4\r\n\r\n",
                                                .body = "1\n2\n"};
    struct fixture f;
    weir_error error;
    begin_folder(&f);
    ck_assert_int_eq(run_http(&f, &nameless, 9, &error), 0);
    ck_assert_int_eq(run_http(&f, &nameless, 9, &error), 0);
    ck_assert_str_eq(content(&f, "out"), "1\n3\n1\n3\n"); /* nothing is cut */
    wr_folder_remove(&f.folder);
}

MAIN("stage/replay")
