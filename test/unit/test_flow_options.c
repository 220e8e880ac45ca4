/*
 * test_flow_options.c - options that cannot be: each maker refuses them before it opens anything.
 */
#include <weir/weir.h>

#include "support_check.h"
#include "support_flow.h"
#include "texts_flow.h"

/* The generator fails with WEIR_EINVAL and names the option. */
static void refused(weir_gen *gen, const char *option)
{
    weir_item item;
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    ck_assert(weir_finish(gen, &error) == WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, option) != NULL, "%s", error.message);
}

static void refused_sink(weir_sink *sink, const char *option)
{
    weir_error error;
    ck_assert(weir_sink_finish(sink, &error) == WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, option) != NULL, "%s", error.message);
}

TEST(sources_refuse_options_that_cannot_be)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);

    refused(weir_file_lines(root, "f", WEIR_OPTIONS(weir_lines_options, .line_bytes_max = -7)),
            TEXT_FLOW_INVALID("line_bytes_max", "-7"));
    refused(weir_file_lines(root, "f", WEIR_OPTIONS(weir_lines_options, .overlong = 4)),
            TEXT_FLOW_INVALID("overlong", "4"));
    refused(weir_http_lines(root, "http://h/", WEIR_OPTIONS(weir_http_options, .idle_ms = -2)),
            TEXT_FLOW_INVALID("idle_ms", "-2"));
    refused(weir_http_lines(root, "http://h/", WEIR_OPTIONS(weir_http_options, .overlong = 99)),
            TEXT_FLOW_INVALID("overlong", "99"));
    refused(weir_http_lines(root, "http://h/", WEIR_OPTIONS(weir_http_options, .tls = 2)),
            TEXT_FLOW_INVALID("tls", "2"));
    refused(weir_socket_lines(root, "unix:/s", WEIR_OPTIONS(weir_socket_options, .stall_ms = -3)),
            TEXT_FLOW_INVALID("stall_ms", "-3"));
    refused(weir_file_lines(root, NULL, NULL), TEXT_FLOW_NEEDS_PATH);
    weir_loop_free(loop);
}

TEST(stages_and_queues_refuse_options_that_cannot_be)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;

    refused(weir_batch(weir_count(root, 1, 3), WEIR_OPTIONS(weir_batch_options, .items_max = -5)),
            TEXT_FLOW_INVALID("items_max", "-5"));
    refused(weir_buffer(weir_count(root, 1, 3), WEIR_OPTIONS(weir_queue_options, .bytes_max = -5)),
            TEXT_FLOW_INVALID("bytes_max", "-5"));
    refused(weir_queue(root, WEIR_OPTIONS(weir_queue_options, .when_full = 9), &in),
            TEXT_FLOW_INVALID("when_full", "9"));
    refused_sink(in, TEXT_FLOW_INVALID("when_full", "9"));
    refused(weir_channel(root, root, WEIR_OPTIONS(weir_queue_options, .items_max = -9), &in),
            TEXT_FLOW_INVALID("items_max", "-9"));
    refused_sink(in, TEXT_FLOW_INVALID("items_max", "-9"));
    weir_loop_free(loop);
}

TEST(sinks_refuse_options_that_cannot_be)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);

    refused_sink(weir_socket_sink(root, "unix:/s", WEIR_OPTIONS(weir_socket_options, .frame = 4)),
                 TEXT_FLOW_INVALID("frame", "4"));
    refused_sink(weir_file_sink(root, NULL, NULL), TEXT_FLOW_NEEDS_PATH);
    weir_loop_free(loop);
}

TEST(deadline_that_has_passed_comes_at_once)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_scope *scope =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .deadline_ms = -5));
    weir_gen *gen = weir_count(scope, 1, WEIR_NONE);
    weir_item item;

    ck_assert(weir_sleep(weir_root(loop), 1));
    ck_assert(!weir_next(gen, &item));
    ck_assert(weir_finish(gen, &error) == WEIR_ECANCELED || error.code == WEIR_ETIMEDOUT);
    ck_assert(weir_scope_wait(scope, &error) == WEIR_ETIMEDOUT);
    weir_loop_free(loop);
}

MAIN("flow/options")
