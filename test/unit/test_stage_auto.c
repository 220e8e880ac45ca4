/*
 * test_stage_auto.c - `auto` behind a URL: what the first response says about its body.
 */
#include <string.h>
#include <weir/plan.h>
#include <weir/sink.h>
#include <weir/state.h>

#include "support_folder.h"
#include "support_http_source.h"
#include "support_wire.h"

#define TYPED(type) OK_HEAD ETAG "Content-Type: " type "\r\n\r\n"
#define OVER                                      \
    {                                             \
        .head = "HTTP/1.1 204 No Content\r\n\r\n" \
    }

static weir_gen *open_text(weir_loop *loop, const char *text, const weir_plan_options *options)
{
    weir_error error;
    weir_gen *gen;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s", error.message);
    int rc = weir_plan_open(plan, weir_root(loop), options, &gen, NULL, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s", error.message);
    return gen;
}

/* What the text gives of these answers. */
static const char *text_gives(const char *text, const struct wire_answer *answers, size_t count,
                              weir_error *error)
{
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, count);
    const char *got = read_all(open_text(loop, text, NULL), error);
    weir_loop_free(loop);
    return got;
}

static const struct body {
    const char *head, *body, *gives;
} bodies[] = {
    {TYPED("text/csv"), "a,b\n1,\"x\ny\"\n2,z",
     "{\"a\":\"1\",\"b\":\"x\\ny\"}|{\"a\":\"2\",\"b\":\"z\"}|"},
    {TYPED("text/tab-separated-values"), "a\n1\n", "{\"a\":\"1\"}|"},
    {TYPED("application/json"), "[1,\n2]{\n\"a\":\n3}", "[1,2]|{\"a\":3}|"},
    {TYPED("text/event-stream"), "data: [1,\ndata: 2]\n\ndata: 3\n\n", "[1,2]|3|"},
    {TYPED("application/x-ndjson"), "{\"a\":1}\r\n\n[2]", "{\"a\":1}|[2]|"},
    {OK_HEAD "\r\n", "1\n2\n", "1|2|"},
};

TEST(a_body_is_read_as_its_type_says_wherever_it_is_cut)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        size_t pieces = wr_test_sweeps() ? 1 : 8;
        for (size_t piece = 0; piece < pieces; piece++) {
            const struct wire_answer answers[] = {
                {.head = bodies[i].head, .body = bodies[i].body, .piece = piece}, OVER};
            weir_error error;
            ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 2, &error),
                             bodies[i].gives);
            ck_assert_msg(error.code == 0, "%s", error.message);
        }
    }
}

TEST(lines_are_left_to_the_component_that_reads_them)
{
    const struct wire_answer answers[] = {{.head = TYPED("text/plain"), .body = "1\n{\n[2]\n"}};
    ck_assert_str_eq(text_gives("http://example.org/feed | where true", answers, 1, NULL),
                     "1|[2]|");
    ck_assert_ptr_nonnull(strstr(log_text, "line 2 (byte 3): the text ends inside an object"));
    ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 1, NULL), "1|[2]|");
    ck_assert_ptr_nonnull(strstr(log_text, "line 2 (byte 3): the text ends inside an object"));
}

TEST(another_type_after_a_break_is_a_change)
{
    weir_error error;
    const struct wire_answer answers[] = {
        {.head = TYPED("text/csv"), .body = "a\n1\n2", .then = WIRE_BREAKS},
        {.head = TYPED("application/json"), .body = "[1]"}};
    ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 2, &error),
                     "{\"a\":\"1\"}|");
    ck_assert_int_eq(error.code, WEIR_ECHANGED);
    ck_assert_ptr_nonnull(
        strstr(error.message, "the Content-Type was 'text/csv', and is now 'application/json'"));
}

TEST(a_part_need_not_repeat_the_type)
{
    const struct wire_answer answers[] = {
        {.head = TYPED("application/json"), .body = "1\n2\n3", .then = WIRE_BREAKS},
        {.head = "HTTP/1.1 206 Partial Content\r\n" ETAG "Content-Range: bytes 4-5/6\r\n\r\n",
         .body = "34"}};
    weir_error error;
    ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 2, &error), "1|2|34|");
    ck_assert_msg(error.code == 0, "%s", error.message);
}

TEST(a_retry_does_not_know_the_type_yet)
{
    const struct wire_answer answers[] = {
        {.head = "HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\n\r\n", .body = "<html>"},
        {.head = TYPED("text/csv"), .body = "a\n1\n"}};
    ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 2, NULL),
                     "{\"a\":\"1\"}|");
}

TEST(no_body_gives_nothing)
{
    const struct wire_answer answers[] = {OVER};
    weir_error error;
    ck_assert_str_eq(text_gives("http://example.org/feed | auto", answers, 1, &error), "");
    ck_assert_int_eq(error.code, 0);
}

/* One run with a state, into a file. */
static void run(struct wr_folder *folder, const struct wire_answer *answers, size_t count,
                weir_error *error)
{
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, count);
    weir_scope *root = weir_root(loop);
    weir_state *state = weir_state_open(root, wr_folder_path(folder, "s"), "run");
    weir_plan_options options = {.struct_size = sizeof options, .state = state};
    weir_gen *gen = open_text(loop, "http://example.org/feed | auto", &options);
    weir_sink *sink = weir_file_sink(root, wr_folder_path(folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = state));
    int rc = weir_pump(gen, sink, error);
    ck_assert_int_eq(rc, error->code);
    weir_loop_free(loop);
}

static bool has(const struct wr_folder *folder, const char *name, const char *part)
{
    size_t len;
    const char *text = wr_folder_read(folder, name, &len);
    return text != NULL && strstr(text, part) != NULL;
}

TEST(a_restart_reads_the_body_as_the_run_before)
{
    static const struct wire_answer first[] = {
        {.head = TYPED("text/csv"), .body = "a\n1\n2\n", .then = WIRE_BREAKS},
        {.head = "HTTP/1.1 404 Gone\r\n\r\n"}};
    static const struct wire_answer other[] = {{.head = TYPED("text/html"), .body = "<html>"}};
    static const struct wire_answer rest[] = {
        {.head = "HTTP/1.1 206 Partial Content\r\n" ETAG "Content-Range: bytes 6-7/8\r\n\r\n",
         .body = "3\n"}};
    struct wr_folder folder;
    weir_error error;
    if (wr_test_sweeps()) {
        return; /* the test of an event stream has the same calls */
    }
    wr_folder_make(&folder);

    run(&folder, first, 2, &error);
    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert(has(&folder, "s/run.weir", "as csv etag \"v1\"\n"));
    run(&folder, other, 1, &error);
    ck_assert_int_eq(error.code, WEIR_ECHANGED);
    ck_assert_ptr_nonnull(strstr(error.message, "read as csv, and is now 'text/html'"));
    run(&folder, rest, 1, &error);
    ck_assert_msg(error.code == 0, "%s", error.message);
    ck_assert(has(&folder, "out", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n{\"a\":\"3\"}\n"));
    wr_folder_remove(&folder);
}

TEST(an_event_stream_goes_on_after_a_restart)
{
    static const struct wire_answer first[] = {
        {.head = TYPED("text/event-stream"), .body = "id: x\ndata: 1\n\n"}, OVER};
    static const struct wire_answer more[] = {
        {.head = TYPED("text/event-stream"), .body = "id: y\ndata: 2\n\n"}, OVER};
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);

    run(&folder, first, 2, &error);
    ck_assert_msg(error.code == 0, "%s", error.message);
    ck_assert(has(&folder, "s/run.weir", "position id x\n"));
    if (wr_test_sweeps()) {
        wr_folder_remove(&folder);
        return; /* test_source_http_sse_state sweeps the next run */
    }
    run(&folder, more, 2, &error);
    ck_assert_msg(error.code == 0, "%s", error.message);
    ck_assert_ptr_nonnull(strstr(wire_requests[0].headers, "Last-Event-ID: x\n"));
    ck_assert_ptr_nonnull(strstr(wire_requests[0].headers, "Accept: text/event-stream\n"));
    ck_assert(has(&folder, "out", "1\n2\n"));
    wr_folder_remove(&folder);
}

TEST(an_event_stream_is_refused_that_must_be_read_again_from_its_beginning)
{
    static const struct wire_answer answers[] = {
        {.head = TYPED("text/event-stream"), .body = "id: x\ndata: {\"a\":1}\n\n"}, OVER};
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, 2);
    weir_plan_options options = {
        .struct_size = sizeof options,
        .state = weir_state_open(weir_root(loop), wr_folder_path(&folder, "s"), "run")};
    (void)read_all(open_text(loop, "http://example.org/feed | auto | csv header", &options),
                   &error);
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "write 'sse | json' behind the URL"));
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

MAIN("stage/auto")
