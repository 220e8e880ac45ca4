/*
 * test_source_http_since.c - a field of each item as the position of an HTTP source: what is left out
 * after a reconnect and after a restart.
 */
#include "support_folder.h"
#include "support_http_source.h"
#include "support_wire.h"

#define BODY OK_HEAD "\r\n"
#define ROW(n) "{\"seq\":" #n "}\n"
#define TOLD(...)                                              \
    static const struct wire_answer answers[] = {__VA_ARGS__}; \
    weir_loop *loop = logging_loop();                          \
    wire_lay(loop, answers, sizeof answers / sizeof *answers)

static bool told(const char *text)
{
    return strstr(log_text, text) != NULL;
}

static const char *read_since(weir_loop *loop, const char *path, int32_t follow, weir_error *error)
{
    return read_all(weir_http_lines(weir_root(loop), "http://example.org/feed",
                                    HTTP(.since = path, .follow = follow, .retries = 2)),
                    error);
}

TEST(what_is_not_greater_is_left_out_after_a_reconnect)
{
    TOLD({.head = BODY, .body = ROW(1) ROW(2) ROW(3), .then = WIRE_BREAKS},
         {.head = BODY, .body = ROW(2) ROW(3) ROW(4) ROW(5)});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".seq", 0, &error),
                     "{\"seq\":1}|{\"seq\":2}|{\"seq\":3}|{\"seq\":4}|{\"seq\":5}|");

    ck_assert_int_eq(error.code, 0);
    ck_assert_msg(told("(continues after .seq 3)"), "%s", log_text);
    ck_assert(told("2 lines are left out, whose .seq is not greater than 3"));
    weir_loop_free(loop);
}

TEST(order_within_a_connection_is_not_judged)
{
    TOLD({.head = BODY, .body = ROW(5) ROW(1), .then = WIRE_BREAKS},
         {.head = BODY, .body = ROW(1) ROW(9) ROW(2)});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".seq", 0, &error),
                     "{\"seq\":5}|{\"seq\":1}|{\"seq\":9}|{\"seq\":2}|");
    weir_loop_free(loop);
}

TEST(what_does_not_compare_is_given)
{
    TOLD({.head = BODY, .body = ROW(5), .then = WIRE_BREAKS},
         {.head = BODY,
          .body = "no json\n{\"a\":1}\n" ROW("7") ROW(null) "\n" ROW(4) ROW([9]) ROW(6)});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".seq", 0, &error),
                     "{\"seq\":5}|no json|{\"a\":1}|{\"seq\":\"7\"}|{\"seq\":null}||{\"seq\":[9]}|"
                     "{\"seq\":6}|");
    weir_loop_free(loop);
}

TEST(numbers_compare_as_numbers_of_any_size)
{
    TOLD({.head = BODY, .body = ROW(9007199254740993), .then = WIRE_BREAKS},
         {.head = BODY,
          .body = ROW(9007199254740992) ROW(999) ROW(9007199254740993) ROW(9007199254740994),
          .then = WIRE_BREAKS},
         {.head = BODY, .body = ROW(-1) ROW(1.5) ROW(1e3) ROW(1e300)});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".seq", 0, &error),
                     "{\"seq\":9007199254740993}|{\"seq\":9007199254740994}|{\"seq\":1e300}|");
    weir_loop_free(loop);
}

TEST(time_stamps_compare_as_texts)
{
    TOLD({.head = BODY, .body = "{\"m\":{\"at\":\"2024-05-01T12:00:09Z\"}}\n", .then = WIRE_BREAKS},
         {.head = BODY,
          .body = "{\"m\":{\"at\":\"2024-05-01T12:00:09Z\"}}\n"
                  "{\"m\":{\"at\":\"2024-05-01T12:00:10Z\"}}\n"});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".m.at", 0, &error),
                     "{\"m\":{\"at\":\"2024-05-01T12:00:09Z\"}}|"
                     "{\"m\":{\"at\":\"2024-05-01T12:00:10Z\"}}|");
    weir_loop_free(loop);
}

TEST(repeats_alone_are_no_progress)
{
    TOLD({.head = BODY, .body = ROW(1) ROW(2)}, {.head = BODY, .body = ROW(1) ROW(2)},
         {.head = BODY, .body = ROW(1) ROW(2)}, {.head = BODY, .body = ROW(1) ROW(3)});
    weir_error error;

    ck_assert_str_eq(read_since(loop, ".seq", 1, &error), "{\"seq\":1}|{\"seq\":2}|");
    ck_assert_uint_eq(wire_requests_count, 3);
    weir_loop_free(loop);
}

TEST(values_are_left_out_as_lines_are)
{
    TOLD({.head = BODY, .body = ROW(1) ROW(2), .then = WIRE_BREAKS},
         {.head = BODY, .body = ROW(1) ROW(2) ROW(3)});
    weir_framing framing = {.struct_size = sizeof framing, .kind = WEIR_FRAME_JSON};
    weir_error error;

    const char *text =
        read_all(weir_framed(weir_http_bytes(weir_root(loop), "http://example.org/feed",
                                             HTTP(.since = ".seq", .retries = 1)),
                             &framing),
                 &error);
    ck_assert_str_eq(text, "{\"seq\":1}|{\"seq\":2}|{\"seq\":3}|");
    weir_loop_free(loop);
}

TEST(a_path_must_be_one)
{
    static const char *const wrong[] = {"", "seq", ".", ".a.", ".a[0]", ".1", "..a", ".a b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_loop *loop = test_loop();
        weir_error error;
        (void)read_since(loop, wrong[i], 0, &error);
        ck_assert_int_eq(error.code, WEIR_EINVAL);
        ck_assert_ptr_nonnull(strstr(error.message, "path to a field"));
        weir_loop_free(loop);
    }
    weir_loop *loop = test_loop();
    weir_error error;
    read_all(weir_http_events(weir_root(loop), "http://example.org/feed", HTTP(.since = ".seq")),
             &error);
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    weir_loop_free(loop);
}

/* ---- with a state */

static void run(const struct wr_folder *folder, const char *body, int count, weir_error *error)
{
    const struct wire_answer answers[] = {{.head = BODY, .body = body}};
    weir_loop *loop = logging_loop();
    wire_lay(loop, answers, 1);
    weir_scope *root = weir_root(loop);
    weir_state *state = weir_state_open(root, wr_folder_path(folder, "s"), "run");
    weir_gen *gen = weir_http_lines(root, "http://example.org/feed",
                                    HTTP(.state = state, .since = ".seq", .retries = WEIR_NONE));
    weir_sink *sink = weir_file_sink(root, wr_folder_path(folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = state));
    (void)!weir_pump(count > 0 ? weir_head(gen, (uint64_t)count) : gen, sink, error);
    weir_loop_free(loop);
}

static const char *content(const struct wr_folder *folder, const char *name)
{
    size_t len;
    const char *text = wr_folder_read(folder, name, &len);
    return text != NULL ? text : "(not there)";
}

TEST(a_restart_continues_after_the_field_of_the_last_item_that_was_written)
{
    struct wr_folder folder;
    weir_error error;
    if (wr_test_sweeps()) {
        return; /* the state has sweeps of its own */
    }
    wr_folder_make(&folder);
    run(&folder, ROW(1) ROW(2) ROW(3), 2, &error);
    ck_assert_msg(strstr(content(&folder, "s/run.weir"), "position since 2\n") != NULL, "%s",
                  content(&folder, "s/run.weir"));
    run(&folder, ROW(1) ROW(2) ROW(3) ROW(4), 0, &error);
    ck_assert_int_eq(error.code, 0);
    ck_assert_msg(told("continues after .seq 2"), "%s", log_text);
    run(&folder, ROW(2) ROW(4), 0, &error);

    ck_assert_str_eq(content(&folder, "out"), ROW(1) ROW(2) ROW(3) ROW(4));
    wr_folder_remove(&folder);
}

TEST(a_position_of_another_kind_is_refused)
{
    struct wr_folder folder;
    weir_error error;
    if (wr_test_sweeps()) {
        return;
    }
    wr_folder_make(&folder);
    run(&folder, "{\"seq\":\"2024\"}\n", 0, &error);
    ck_assert_ptr_nonnull(strstr(content(&folder, "s/run.weir"), "position since \"2024\"\n"));
    weir_loop *loop = logging_loop();
    weir_scope *root = weir_root(loop);
    weir_state *state = weir_state_open(root, wr_folder_path(&folder, "s"), "run");
    read_all(weir_http_lines(root, "http://example.org/feed", HTTP(.state = state)), &error);

    ck_assert_int_eq(error.code, WEIR_EINVAL);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

MAIN("source/http_since")
