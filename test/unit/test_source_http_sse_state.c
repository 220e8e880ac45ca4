/*
 * test_source_http_sse_state.c - event streams with a state: what a restart goes on behind, and what
 * is cut off a file.
 */
#include "flow_state.h"
#include "support_folder.h"
#include "support_http_source.h"
#include "support_wire.h"
#include "texts_http.h"
#include "texts_state.h"

#define STREAM OK_HEAD "Content-Type: text/event-stream\r\n\r\n"
#define OVER                                      \
    {                                             \
        .head = "HTTP/1.1 204 No Content\r\n\r\n" \
    }

struct fixture {
    struct wr_folder folder;
    weir_loop *loop;
    weir_gen *gen;
    weir_sink *sink;
};

static void begin_run(struct fixture *f, const struct wire_answer *answers, size_t count)
{
    f->loop = logging_loop();
    wire_lay(f->loop, answers, count);
    weir_scope *root = weir_root(f->loop);
    weir_state *state = weir_state_open(root, wr_folder_path(&f->folder, "s"), "run");
    f->gen = weir_http_events(root, "http://example.org/feed", HTTP(.state = state));
    f->sink = weir_file_sink(root, wr_folder_path(&f->folder, "out"),
                             WEIR_OPTIONS(weir_file_options, .state = state));
}

/* One run from the stream to the file; the stream ends with 204. */
static void run(struct fixture *f, const char *body)
{
    const struct wire_answer answers[] = {{.head = STREAM, .body = body}, OVER};
    begin_run(f, answers, 2);
    weir_error error;
    ck_assert_msg(weir_pump(f->gen, f->sink, &error) == 0, "%s", error.message);
    weir_loop_free(f->loop);
}

static const char *content(const struct fixture *f, const char *name)
{
    size_t len;
    const char *text = wr_folder_read(&f->folder, name, &len);
    return text != NULL ? text : "(not there)";
}

/* What was written after the last save, as by a run that was killed. */
static void append(struct fixture *f, const char *text)
{
    FILE *file = fopen(wr_folder_path(&f->folder, "out"), "a");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static bool says(const struct fixture *f, const char *line)
{
    return strstr(content(f, "s/run.weir"), line) != NULL;
}

TEST(a_restart_asks_behind_the_last_event_that_was_written)
{
    struct fixture f;
    wr_folder_make(&f.folder);

    run(&f, "id: 1\ndata: one\n\nid: b 2\ndata: two\n\n");
    ck_assert(says(&f, "position id b 2\n"));
    run(&f, "id: 3\ndata: three\n\n");

    ck_assert_ptr_nonnull(strstr(wire_requests[0].headers, "Last-Event-ID: b 2\n"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_AFTER_EVENT("b 2")));
    ck_assert_str_eq(content(&f, "out"), "one\ntwo\nthree\n");
    ck_assert(says(&f, "position id 3\n"));
    wr_folder_remove(&f.folder);
}

TEST(an_event_without_an_id_of_its_own_has_the_one_before)
{
    struct fixture f;
    wr_folder_make(&f.folder);

    run(&f, "id: 1\ndata: one\n\ndata: two\n\nid: 3\n\ndata: three\n\nid\ndata: four\n\n");
    ck_assert(says(&f, "position id \n"));
    run(&f, "id: 5\ndata: five\n\n");

    ck_assert_ptr_null(strstr(wire_requests[0].headers, "Last-Event-ID"));
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_HTTP_NO_EVENT_SAVED));
    wr_folder_remove(&f.folder);
}

TEST(what_was_not_saved_is_cut_where_it_comes_again)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run(&f, "id: 1\ndata: one\n\n");
    append(&f, "two\nthr");

    run(&f, "id: 2\ndata: two\n\nid: 3\ndata: three\n\n");

    ck_assert_str_eq(content(&f, "out"), "one\ntwo\nthree\n");
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_STATE_TRUNCATED));
    wr_folder_remove(&f.folder);
}

TEST(what_was_not_saved_stays_where_something_else_comes)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run(&f, "id: 1\ndata: one\n\n");
    append(&f, "two\n");

    run(&f, "id: 3\ndata: three\n\n");

    ck_assert_str_eq(content(&f, "out"), "one\ntwo\nthree\n");
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_STATE_NOT_TRUNCATED("http://example.org/feed")));
    wr_folder_remove(&f.folder);
}

TEST(what_was_not_saved_stays_where_nothing_comes)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run(&f, "id: 1\ndata: one\n\n");
    append(&f, "two\n");

    run(&f, "");

    ck_assert_str_eq(content(&f, "out"), "one\ntwo\n");
    ck_assert(says(&f, "position id 1\n"));
    wr_folder_remove(&f.folder);
}

TEST(a_stream_with_ids_is_at_least_once)
{
    struct fixture f;
    wr_folder_make(&f.folder);

    run(&f, "id: 1\ndata: one\n\n");

    ck_assert_ptr_nonnull(strstr(log_text, TEXT_STATE_CANNOT_SHOW("http://example.org/feed")));
    wr_folder_remove(&f.folder);
}

TEST(a_stream_without_ids_is_best_effort_and_nothing_is_cut)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run(&f, "data: one\n\n");
    ck_assert_ptr_nonnull(strstr(log_text, TEXT_STATE_NO_POSITION("http://example.org/feed")));
    append(&f, "two\n");

    run(&f, "data: two\n\n");

    ck_assert_str_eq(content(&f, "out"), "one\ntwo\ntwo\n");
    ck_assert_str_eq(content(&f, "s/run.weir"), "(not there)");
    wr_folder_remove(&f.folder);
}

TEST(the_first_id_begins_the_positions)
{
    struct fixture f;
    wr_folder_make(&f.folder);

    run(&f, "data: hello\n\nid: 1\ndata: one\n\n");
    ck_assert(says(&f, "position id 1\n"));
    run(&f, "id: 2\ndata: two\n\n");

    ck_assert_ptr_nonnull(strstr(wire_requests[0].headers, "Last-Event-ID: 1\n"));
    ck_assert_str_eq(content(&f, "out"), "hello\none\ntwo\n");
    wr_folder_remove(&f.folder);
}

TEST(a_stream_that_has_ended_is_asked_for_again_by_the_next_run)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run(&f, "id: 1\ndata: one\n\n");
    ck_assert(says(&f, "finished\n"));

    run(&f, "id: 2\ndata: two\n\n");

    ck_assert_str_eq(content(&f, "out"), "one\ntwo\n");
    wr_folder_remove(&f.folder);
}

TEST(a_position_of_another_kind_is_refused)
{
    struct fixture f;
    weir_error error;
    wr_folder_make(&f.folder);
    run(&f, "id: 1\ndata: one\n\n");

    weir_loop *loop = logging_loop();
    weir_state *state = weir_state_open(weir_root(loop), wr_folder_path(&f.folder, "s"), "run");
    const struct wire_answer answers[] = {{.head = OK_HEAD "\r\n", .body = "one\n"}};
    wire_lay(loop, answers, 1);
    weir_gen *gen =
        weir_http_lines(weir_root(loop), "http://example.org/feed", HTTP(.state = state));
    ck_assert_str_eq(read_all(gen, &error), "");
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(
        strstr(error.message, TEXT_STATE_INVALID_POSITION " for 'http://example.org/feed': id 1"));
    ck_assert_uint_eq(wire_requests_count, 0);
    weir_loop_free(loop);
    wr_folder_remove(&f.folder);
}

/* Ids are kept until what comes behind them is saved, and no longer. */
TEST(a_long_stream_needs_no_more_memory_than_a_short_one)
{
    enum { EVENTS = 20000, SIZE = 32 };
    struct fixture f;
    if (wr_test_sweeps()) {
        return; /* the short ones make the same calls */
    }
    wr_folder_make(&f.folder);
    char *body = malloc((size_t)EVENTS * SIZE + 1);
    ck_assert_ptr_nonnull(body);
    size_t len = 0;
    for (int i = 1; i <= EVENTS; i++) {
        len += (size_t)sprintf(body + len, "id: %d\ndata: x\n\n", i);
    }
    const struct wire_answer answers[] = {{.head = STREAM, .body = body, .piece_ms = 50}, OVER};
    begin_run(&f, answers, 2);
    int64_t most = 0;
    weir_item item;
    for (int i = 0; i < EVENTS; i++) {
        ck_assert(weir_next(f.gen, &item));
        ck_assert(weir_put(f.sink, &item));
        most = WR_MAX(most, f.loop->budget.used);
    }
    weir_discard(f.gen);
    ck_assert_int_eq(weir_sink_finish(f.sink, NULL), 0);
    weir_loop_free(f.loop);

    ck_assert_int_lt(most, 300 * 1024);
    ck_assert(says(&f, "position id 20000\n"));
    free(body);
    wr_folder_remove(&f.folder);
}

/* The place of each later event must be known as long as an earlier one is held. */
TEST(ids_behind_an_event_that_is_held_stop_the_stream_at_half_of_the_budget)
{
    enum { EVENTS = 8000, SIZE = 160, BUDGET = 1024 * 1024 };
    struct fixture f;
    weir_item item, held;
    weir_error error;
    int count = 1;
    if (wr_test_sweeps()) {
        return; /* the short ones make the same calls */
    }
    wr_folder_make(&f.folder);
    char *body = malloc((size_t)EVENTS * SIZE + 1);
    ck_assert_ptr_nonnull(body);
    size_t len = 0;
    for (int i = 1; i <= EVENTS; i++) {
        len += (size_t)sprintf(body + len, "id: %0120d\ndata: x\n\n", i);
    }
    const struct wire_answer answers[] = {{.head = STREAM, .body = body}, OVER};
    f.loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = BUDGET));
    ck_assert_ptr_nonnull(f.loop);
    wr_loop_virtual_clock(f.loop, 1700000000000000000);
    wire_lay(f.loop, answers, 2);
    weir_state *state = weir_state_open(weir_root(f.loop), wr_folder_path(&f.folder, "s"), "run");
    f.gen = weir_http_events(weir_root(f.loop), "http://example.org/feed", HTTP(.state = state));
    ck_assert(weir_next(f.gen, &item));
    ck_assert_int_eq(weir_item_keep(&held, &item), 0);

    while (weir_next(f.gen, &item)) {
        count++;
        ck_assert_int_le(f.loop->budget.slots, BUDGET * 3 / 4);
    }

    ck_assert_int_gt(count, 1000);
    ck_assert_int_lt(count, EVENTS);
    ck_assert_int_eq(weir_finish(f.gen, &error), WEIR_EBUDGET);
    weir_item_release(&held);
    weir_loop_free(f.loop);
    free(body);
    wr_folder_remove(&f.folder);
}

MAIN("source/http_sse_state")
