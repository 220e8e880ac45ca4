/*
 * test_stage_jq.c - the stage jq: the whole jq language on a worker. Outputs are in order, an item
 * that fails is rejected with jq's message, and what a program must not do is a mistake of the text.
 * Labels: thread
 */
#include <stdlib.h>

#include "base_fault.h"
#include "support_texts.h"

static const weir_slice values[] = {
    TEXT("{\"a\": 1, \"b\": [1, 2]}"), TEXT(""), TEXT("[1,"), TEXT("{\"b\":\n [3]}"), TEXT(" 2 "),
    TEXT("{\"a\":null,\"b\":[]}"),
};
enum { VALUES = sizeof values / sizeof *values };

/* Each compilation takes a while: only some of the tests are repeated with failures (sweep). */
static void without_failures(void)
{
    wr_fault_pause(true);
}

/* What a chain gives, each with a | behind it. */
static void check_run(weir_loop *loop, weir_gen *up, const char *text, const char *expected)
{
    int rc;
    char *shown = gives_of(weir_parse(weir_root(loop), up, text, NULL), &rc, NULL);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(strcmp(shown, expected) == 0, "%s: %s instead of %s", text, shown, expected);
    free(shown);
}

static void check_gives(const char *text, const char *expected)
{
    weir_loop *loop = test_loop();
    check_run(loop, texts(weir_root(loop), (struct texts){values, VALUES, NULL}), text, expected);
    weir_loop_free(loop);
}

/* The same for one input. */
static void check_one(const char *input, const char *program, const char *expected)
{
    char text[512];
    weir_slice one = {input, strlen(input)};
    weir_loop *loop = test_loop();
    snprintf(text, sizeof text, "jq `%s`", program);
    check_run(loop, texts(weir_root(loop), (struct texts){&one, 1, NULL}), text, expected);
    weir_loop_free(loop);
}

TEST(jq_gives_all_outputs_in_order)
{
    without_failures();
    check_gives("jq `.b[]?`", "1|2|3|");
    check_gives("jq `.a?, 0`", "1|0|null|0|0|null|0|");
    check_gives("jq `def f: if . < 3 then ., (. + 1 | f) else empty end; .a? // 0 | f`",
                "1|2|0|1|2|0|1|2|0|1|2|");
    check_gives("jq `label $out | foreach (1, 2, 3) as $i (0; . + $i; ., break $out)`", "1|1|1|1|");
}

TEST(jq_reads_and_writes_every_kind_of_value)
{
    without_failures();
    static const char same[] = "{\"a\":[null,true,false,0,-1,1.5,1e+100,\"\",\"x\\n\\u0001\\\"\\\\"
                               "\xc3\xa9\",{}],\"\":{\"b\":[[]]}}";
    char expected[sizeof same + 1];
    snprintf(expected, sizeof expected, "%s|", same);
    check_one(same, ".", expected);
    check_one("{\"a\":1,\"b\":2,\"a\":3}", ".", "{\"a\":3,\"b\":2}|");
    check_one("[\"\\u00e9\\ud83d\\ude00\"]", ".[0], (.[0] | length)",
              "\"\xc3\xa9\xf0\x9f\x98\x80\"|2|");
    check_one("[123456789012345, 1234567890123456, 1e15, -0, 1e400]", ".[]",
              "123456789012345|1234567890123456|1000000000000000|-0|1.7976931348623157e+308|");
    check_one("1", "nan, infinite", "null|1.7976931348623157e+308|");
}

TEST(jq_sees_no_environment)
{
    check_one("1", "env, $ENV, $__loc__.line", "{}|{}|1|");
}

TEST(jq_reads_a_record_as_its_fields)
{
    weir_loop *loop = test_loop();
    weir_slice line = TEXT("a=1 b=\"x y\"");
    check_run(loop, texts(weir_root(loop), (struct texts){&line, 1, NULL}),
              "logfmt | jq `.b, keys`", "\"x y\"|[\"a\",\"b\"]|");
    weir_loop_free(loop);
}

TEST(jq_computes_no_more_than_is_read)
{
    without_failures();
    char *shown;
    size_t len;
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..2 | jq `repeat(.)`", NULL);
    FILE *out = open_memstream(&shown, &len);
    for (int i = 0; i < 300; i++) {
        ck_assert(weir_next(gen, &item));
        fprintf(out, "%.*s", (int)item.len, item.data);
    }
    fclose(out);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(strspn(shown, "1"), 300);
    free(shown);
    weir_loop_free(loop);
}

TEST(jq_gives_outputs_of_any_size)
{
    without_failures();
    check_one("3", "[range(100000)] | length, (. | tojson | length)", "100000|588891|");
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_parse(weir_root(loop), NULL, "gen 1..3 | jq `\"x\" * 300000 * ., .`", NULL);
    for (size_t i = 1; i <= 3; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.len, 300000 * i + 2);
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.len, 1);
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* An item that fails: the reason, after the outputs before the failure. */
static void check_rejects(const char *program, const char *limit, const char *outputs,
                          const char *why)
{
    char text[256];
    weir_item item;
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL); /* the limit of time needs a clock that goes */
    ck_assert_ptr_nonnull(loop);
    snprintf(text, sizeof text, "gen 1..1 | jq `%s` %s on-error=stop", program, limit);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, text, NULL);
    while (weir_next(gen, &item)) {
        ck_assert(strncmp(outputs, item.data, item.len) == 0);
        outputs += item.len;
    }
    ck_assert_str_eq(outputs, "");
    ck_assert_int_lt(weir_finish(gen, &error), 0);
    ck_assert_msg(strstr(error.message, why) != NULL, "%s: %s", program, error.message);
    weir_loop_free(loop);
}

TEST(jq_rejects_an_item_with_the_message_of_jq)
{
    without_failures();
    check_rejects("1, .a, 2", "", "1", "Cannot index number with ");
    check_rejects("error(\"no\\ngood\")", "", "", "no\\ngood");
    check_rejects("error({a: 1})", "", "", "the error is not a string: {\"a\":1}");
    check_rejects("reduce range(20000) as $i (0; [.])", "", "", "the output is nested too deep");
    check_rejects("[repeat(1)]", "memory=64MiB", "", "more memory than memory=");
    check_rejects("last(repeat(1))", "time=100ms", "", "longer than time=");
}

static void check_mistake(const char *program, const char *message, size_t at)
{
    char text[256];
    weir_error error;
    snprintf(text, sizeof text, "gen 1..2 | jq `%s`", program);
    ck_assert_ptr_null(weir_plan_read(text, NULL, &error));
    ck_assert_msg(strstr(error.message, message) != NULL, "%s: %s", program, error.message);
    ck_assert_msg(error.offset == (int64_t)(strlen("gen 1..2 | jq `") + at), "%s: at %d", program,
                  (int)error.offset);
}

TEST(jq_points_to_a_mistake_in_the_program)
{
    without_failures();
    check_mistake("1 + }", "jq: syntax error, unexpected INVALID_CHARACTER", 4);
    check_mistake("1\n+\n }", "jq: syntax error, unexpected INVALID_CHARACTER", 5);
    check_mistake(".a |", "jq: syntax error, unexpected end of the program", 3);
    check_mistake(".a | foo(1)", "jq: foo/1 is not defined", 5);
    check_mistake("1,\n $x", "jq: $x is not defined", 4);
    check_mistake(" ", "jq: the program is empty", 0);
}

TEST(jq_refuses_what_does_not_belong_into_a_pipeline)
{
    without_failures();
    check_mistake(".inputs, [inputs]", "'inputs' is not available: a program sees one item", 10);
    check_mistake("1 | halt", "'halt' is not available: a program cannot end the pipeline", 4);
    check_mistake("halt_error(2)", "'halt_error' is not available", 0);
    check_mistake("debug", "'debug' is not available", 0);
    check_mistake("import \"a\" as a; .", "'import' is not available: a program reads no files", 0);
    check_mistake("include \"a\"; .", "'include' is not available", 0);
    check_one("1", "def input: 5; input", "5|");
}

MAIN("stage/jq")
