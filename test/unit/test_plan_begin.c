/*
 * Where a source begins and stops: what a plan refuses, and what it makes. With peers: e2e_begin.py.
 */
#include <weir/weir.h>

#include "support_check.h"
#include "support_suites.h"

static int refused(const char *text, const weir_begin *begin, int32_t to_end, const char *words)
{
    weir_error error;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    if (plan == NULL) {
        return error.code; /* no memory */
    }
    int rc = weir_plan_check(
        plan, WEIR_OPTIONS(weir_plan_options, .begin = begin, .to_end = to_end), &error);
    weir_plan_free(plan);
    ck_assert_msg(words == NULL || strstr(error.message, words) != NULL, "%s", error.message);
    return rc;
}

TEST(place_that_a_source_does_not_have_is_refused_with_those_that_it_has)
{
    const weir_begin end = {.kind = WEIR_BEGIN_END}, id = {.kind = WEIR_BEGIN_ID, .id = "7"};
    const weir_begin offset = {.kind = WEIR_BEGIN_OFFSET, .number = 7};
    ck_assert_int_ne(refused("/x", &end, 0, "it can begin at the beginning, or at an offset"), 0);
    ck_assert_int_ne(refused("udp://:0", &offset, 0, "it gives what comes"), 0);
    ck_assert_int_ne(refused("http://h/", &id, 0, "cannot begin at an id"), 0);
    ck_assert_int_eq(refused("http://h/ | sse", &id, 0, NULL), 0);
    ck_assert_int_eq(refused("http://h/", &offset, 0, NULL), 0);
    ck_assert_int_ne(refused("/x", NULL, 1, "'file' ends by itself"), 0);
    ck_assert_int_eq(refused("tail /x", &end, 1, NULL), 0);
}

TEST(stream_that_begins_after_an_id_can_be_made_and_discarded)
{
    weir_error error;
    weir_gen *gen;
    weir_sink *sink;
    const weir_begin id = {.kind = WEIR_BEGIN_ID, .id = "7"};
    weir_loop *loop = test_loop();
    weir_plan *plan = weir_plan_read("http://localhost/ | sse", NULL, &error);
    const char *const headers[] = {"X: y"};
    weir_http_options http = {.struct_size = sizeof http, .headers = headers, .headers_count = 1};
    if (plan != NULL && weir_plan_open(plan, weir_root(loop),
                                       WEIR_OPTIONS(weir_plan_options, .begin = &id, .http = &http),
                                       &gen, &sink, &error) == 0) {
        weir_discard(gen);
        weir_sink_discard(sink);
    }
    weir_plan_free(plan);
    weir_loop_free(loop);
}

TEST(file_begins_at_the_byte_that_is_asked_for)
{
    struct wr_folder folder;
    weir_error error;
    weir_item item;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "in", "one\ntwo\n", 8);
    weir_loop *loop = test_loop();
    for (int64_t at = -1; at <= 9; at++) {
        weir_gen *gen = weir_file_lines(weir_root(loop), wr_folder_path(&folder, "in"),
                                        WEIR_OPTIONS(weir_lines_options, .begin_at = at));
        bool good = at >= 0 && at <= 8;
        if (weir_next(gen, &item)) {
            ck_assert_int_eq((int64_t)item.len, at < 4 ? 3 - at : 7 - at);
        }
        int rc = weir_finish(gen, &error);
        ck_assert(good ? rc == 0 : rc == WEIR_EINVAL);
    }
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(instants_are_read)
{
    int64_t ns;
    ck_assert(weir_instant_read("@1714564800", &ns) == 0 && ns == INT64_C(1714564800000000000));
    ck_assert(weir_instant_read("2024-05-01T12:00:00Z", &ns) == 0 &&
              ns == INT64_C(1714564800000000000));
    ck_assert(weir_instant_read("noon", &ns) == WEIR_EINVAL);
}

MAIN("plan/begin")
