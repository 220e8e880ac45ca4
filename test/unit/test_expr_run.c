/*
 * test_expr_run.c - expressions are run as jq runs them: output by output, in bounded memory and on a
 * bounded part of the stack. What they compute is compared with jq in test/expr.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base_fault.h"
#include "expr_program.h"
#include "support_check.h"

/* Of the computing time of this process: far more than what is linear needs, far less than what is
 * quadratic. */
enum { CPU_SECONDS_MAX = 5 };

/* An expression that runs on one document. */
struct fixture {
    wr_program *program;
    wr_machine *run;
    struct wr_json json;
    struct wr_arena decoded;
    struct wr_value input;
};

static void set_up(struct fixture *on, const char *text, const char *document,
                   const struct wr_machine_options *options)
{
    struct wr_expr_read read;
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true, .internal = true};
    on->program = wr_program_new(&from, NULL, 0, &read);
    ck_assert_msg(on->program != NULL, "%s: %s", text, read.message);
    on->run = wr_machine_new(on->program, options);
    ck_assert_ptr_nonnull(on->run);
    wr_json_init(&on->json);
    wr_arena_init(&on->decoded, 1 << 20);
    ck_assert_int_eq(wr_json_index(&on->json, document, strlen(document)), 0);
    ck_assert(wr_value_node(&on->decoded, &on->json, WR_JSON_ROOT, &on->input));
    wr_machine_begin(on->run);
    wr_machine_input(on->run, on->input);
}

static void tear_down(struct fixture *on)
{
    wr_machine_free(on->run);
    wr_program_free(on->program);
    wr_json_fini(&on->json);
    wr_arena_fini(&on->decoded);
}

/* Append the outputs of one input to a text, one on a line; returns how it ended. */
static enum wr_machine_result all_outputs(struct fixture *on, struct wr_print *out)
{
    struct wr_value value;
    enum wr_machine_result result;
    while ((result = wr_machine_next(on->run, &value)) == WR_MACHINE_OUTPUT ||
           result == WR_MACHINE_BUSY) {
        if (result == WR_MACHINE_OUTPUT) {
            struct wr_text_writer writer = {.arena = wr_machine_arena(on->run)};
            wr_write_json(&writer, value);
            wr_printf(out, "%.*s|", (int)writer.len, writer.data);
        }
    }
    return result;
}

static void check(const char *text, const char *document, const char *expected)
{
    char got[4000];
    struct wr_print out;
    struct fixture on;
    wr_print_to(&out, got, sizeof got);
    set_up(&on, text, document, NULL);
    enum wr_machine_result result = all_outputs(&on, &out);
    if (result != WR_MACHINE_END) {
        wr_printf(&out, "!%s", wr_machine_error(on.run));
    }
    ck_assert_msg(strcmp(got, expected) == 0, "%s on %s: %s instead of %s", text, document, got,
                  expected);
    tear_down(&on);
}

TEST(an_expression_gives_any_number_of_outputs)
{
    check(".a", "{\"a\": [1, {\"b\": \"x\\ny\"}]}", "[1,{\"b\":\"x\\ny\"}]|");
    check(".[]", "[1, \"\\u00e9\", null]", "1|\"\xc3\xa9\"|null|");
    check(".[] | select(. > 1)", "[1, 2, 3]", "2|3|");
    check(".[] | IN(1, \"a\")", "[1, 2, \"a\"]", "true|false|true|");
    check("IN(.[]; 2, 3), IN(.[]; 3), IN(empty)", "[1, 2]", "true|false|false|");
    check("empty", "null", "");
    check("(1, 2) + (10, 20)", "null", "11|12|21|22|");
    check("{a: (1, 2), b: (3, 4)}", "null",
          "{\"a\":1,\"b\":3}|{\"a\":1,\"b\":4}|{\"a\":2,\"b\":3}|{\"a\":2,\"b\":4}|");
    check("\"\\(1, 2) \\(3, 4)\"", "null", "\"1 3\"|\"2 3\"|\"1 4\"|\"2 4\"|");
    check(".[0, 1][0, 1]", "[[1, 2], [3, 4]]", "1|3|2|4|");
    check("(.[] as $x | (1, 2) | [., $x])", "[5, 6]", "[1,5]|[2,5]|[1,6]|[2,6]|");
    check("[recurse(if . < 3 then (. + 1 as $x | $x) else empty end)]", "0", "[0,1,2,3]|");
}

TEST(the_last_of_equal_keys_counts)
{
    check(".a, length, keys, [.[]]", "{\"a\": 1, \"b\": 2, \"a\": 3}", "3|2|[\"a\",\"b\"]|[3,2]|");
    check(". == {a: 3, b: 2}", "{\"a\": 1, \"b\": 2, \"a\": 3}", "true|");
}

TEST(a_text_has_each_key_once_and_only_the_escapes_that_json_needs)
{
    static const char many[] =
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,"
        "\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17%s}";
    char text[400];
    char expected[500];
    check(".", "{\"a\": 1, \"a\": 2, \"b\": \"\\u0041\\/\"}", "{\"a\":2,\"b\":\"A/\"}|");
    check("tojson, tostring, \"\\(.)\"", "[{\"\\u0061\": 1, \"a\": 2}]",
          "\"[{\\\"a\\\":2}]\"|\"[{\\\"a\\\":2}]\"|\"[{\\\"a\\\":2}]\"|");
    check(".", "[{\"x\": [{\"a\": [], \"a\": {}}, 1], \"y\": {\"b\": \"\\n\\u001f\x7f\"}}, 1.50]",
          "[{\"x\":[{\"a\":{}},1],\"y\":{\"b\":\"\\n\\u001f\\u007f\"}},1.50]|");
    (void)snprintf(text, sizeof text, many, "");
    (void)snprintf(expected, sizeof expected, "%s|", text);
    check(".", text, expected);
    (void)snprintf(text, sizeof text, many, ",\"q\":18");
    (void)snprintf(expected, sizeof expected, "%s|", text);
    check("tojson | length == 111 and test(`\"q\":18`)", text, "true|");
}

TEST(numbers_are_not_rounded)
{
    check(".[]", "[10000000000000000001, 1.10, 1e400, -0]", "10000000000000000001|1.10|1e400|-0|");
    check(".[0] + .[1]", "[9223372036854775807, 1]", "9223372036854775808|");
    check(".[0] - .[1]", "[-9223372036854775808, 1]", "-9223372036854775809|");
    check(".[0] * .[1]", "[12345678901234567, 1000]", "12345678901234567000|");
    check(".[0] + .[1], .[0] * .[1]", "[0.1, 0.2]", "0.3|0.02|");
    check(".[0] / .[1]", "[10000000000000000002, 2]", "5000000000000000001|");
    check(".[0] / .[1]", "[1, 3]", "0.3333333333333333|");
    check(".[0] < .[1], .[0] == .[1]", "[9007199254740992, 9007199254740993]", "true|false|");
    check(".[0] == .[1]", "[1.50, 15e-1]", "true|");
    check("sort", "[1e2, 99, -1e-3, 0, 100.5, -0.0009]", "[-1e-3,-0.0009,0,99,1e2,100.5]|");
    check("-.", "1.5", "-1.5|");
    check("length", "-9223372036854775808", "9223372036854775808|");
    check(".[0] % .[1], .[0] % .[2]", "[5, -3, 0]",
          "2|!number (5) and number (0) cannot be divided because the divisor is zero");
    check("[10000000000000000001 % 10, 9223372036854775808 % 10, 1e20 % 7, -7.9 % 3.9]", "null",
          "[1,8,2,-1]|");
    check("[-9223372036854775808 % -1, 1e60 % 1e30 < 1e30, 5 % infinite]", "null", "[0,true,5]|");
    check("5 % 0.5", "null",
          "!number (5) and number (0.5) cannot be divided because the divisor is zero");
    check(". * . * . * . * .", "1e30", "1e+150|");
    check(". * 1e10", "1e-20", "1e-10|");
    check("1.5e-3 + 0", "null", "0.0015|");
}

TEST(an_error_is_told_as_jq_tells_it)
{
    check(".a", "[1]", "!Cannot index array with \"a\"");
    check(".[0]", "{}", "!Cannot index object with number");
    check(".[]", "1", "!Cannot iterate over number (1)");
    check("1, error(\"x\"), 2", "null", "1|!x");
    check("error(\"x\\ny \\\"\\u0001\\\\\")", "null", "!x\\ny \"\\u0001\\");
    check("error({a: 1})", "null", "!{\"a\":1}");
    check(". + 1", "\"a long string\"", "!string (\"a long str...) and number (1) cannot be added");
    check("[.[] | (.a)?]", "[1, {\"a\": 2}]", "[2]|");
    check("try error(\"x\") catch . + \"y\"", "null", "\"xy\"|");
    check(".a? | error(\"x\")", "{}", "!x");
    check("[.[] | try error catch .]", "[1, \"a\"]", "[1,\"a\"]|");
}

TEST(values_of_all_kinds_have_an_order)
{
    check("sort", "[{\"b\":1}, {\"a\":2}, [2], [1,2], \"b\", \"a\", 2, 1, true, false, null]",
          "[null,false,true,1,2,\"a\",\"b\",[1,2],[2],{\"a\":2},{\"b\":1}]|");
    check("group_by(.a) | map(map(.b))", "[{\"a\":2,\"b\":1},{\"a\":1,\"b\":2},{\"a\":2,\"b\":3}]",
          "[[2],[1,3]]|");
    check("unique, min, max", "[2, 1, 2]", "[1,2]|1|2|");
}

TEST(a_regular_expression_matches)
{
    check("test(`^a.c$`), test(\"B\"; \"i\"), test([\"B\", \"i\"]), . =~ `b.`, not . =~ `x`",
          "\"abc\"", "true|true|true|true|true|");
    check("test(.)", "\"(\"", "!missing closing parenthesis, at byte 1 of the pattern");
    check("test(`a`)", "1", "!number (1) cannot be matched, as it is not a string");
    check("test(`(a*)*b`)", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"", "false|");
    check("[.[] as $p | \"b1\" | test($p)]",
          "[\"1\",\"2\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"1\"]",
          "[true,false,true,false,false,false,false,false,false,true]|");
}

TEST(paths_are_noted_set_and_deleted)
{
    check("[path(.a[], .b?)]", "{\"a\": [1, 2]}", "[[\"a\",0],[\"a\",1],[\"b\"]]|");
    check("[path(..)]", "[[1]]", "[[],[0],[0,0]]|");
    check("setpath([\"a\", 1, \"b\"]; 5)", "null", "{\"a\":[null,{\"b\":5}]}|");
    check("del(.[1, 0], .[2].a)", "[1, 2, {\"a\": 1, \"b\": 2}, 4]", "[{\"b\":2},4]|");
    check("del(.[] | select(. > 1))", "[1, 2, 3, 1]", "[1,1]|");
    check("try .[true:] catch 1, try .[:{}] catch 2, try .[[1]:\"x\"] catch 3", "[1]", "1|2|3|");
    check("[][:1], ([] | .[.:]?), [][1:]", "null", "[]|[]|");
    check("del(.[1:3])", "[1, 2, 3, 4]", "[1,4]|");
    check("map_values(. + 1), map_values(empty)", "{\"a\": 1, \"b\": 2}", "{\"a\":2,\"b\":3}|{}|");
    check("_update(..; if type == \"array\" then [.] else . + 1 end)", "[1]", "[[[1]]]|");
    check("_update(.[1:3]; map(. + 1)), _update(.[1:][0]; 9), _update(.[-1, 0, 3]; empty)",
          "[1, 2, 3, 4]", "[1,3,4,4]|[1,9,3,4]|[2,3]|");
    check("_assign(.a.b, .a.c[1], .a, .d.e, .a.f; 1)", "{\"a\": {\"x\": 0}}",
          "!Cannot index number with \"f\"");
    check("_assign(.a.b, .a.c[1], .d.e, .a.f; 1)", "{\"a\": {\"x\": 0}}",
          "{\"a\":{\"x\":0,\"b\":1,\"c\":[null,1],\"f\":1},\"d\":{\"e\":1}}|");
    check(". as $v | _update(.[0].a, .[0].b; [.]) | ., $v", "[{\"a\": 1, \"b\": {}}]",
          "[{\"a\":[1],\"b\":[{}]}]|[{\"a\":1,\"b\":{}}]|");
    check("_assign(.c.b, .[-1]; 1)", "null", "!Cannot index object with number");
    check("_assign(.[0], .a; 1)", "null", "!Cannot index array with \"a\"");
    check("_assign(.[-1].a, .; 1)", "[]", "!Out of bounds negative array index");
    check("setpath([-2]; 1)", "[0]", "!Out of bounds negative array index");
    check("setpath([true]; 1)", "null", "!Cannot index null with boolean");
    check("_update(.[], .; length)", "[\"ab\"]", "1|");
    check("_update(., .a, .; {a: .})", "null", "{\"a\":{\"a\":{\"a\":null}}}|");
    check("getpath([\"a\", \"b\"])", "{\"a\": null}", "null|");
    check("[paths(. == 1)]", "[0, [1]]", "[[1,0]]|");
}

static const struct mistake {
    const char *text, *message;
    size_t at;
} mistakes[] = {
    {".a | nope(1)", "there is no function 'nope'", 5},
    {"map(1; 2)", "'map' takes another number of arguments", 0},
    {"$x + 1", "$x is not defined", 0},
    {"(.a as $x | 1) | $x", "$x is not defined", 17},
    {"path(1 + 2)", "a path is needed here, as in .a, .[0], .[] or ..", 5},
    {"path(map_values(1))", "a path is needed here, as in .a, .[0], .[] or ..", 5},
    {"_fold(1; 2; 3)", "there is no function '_fold'", 0},
    {"@nope \"\\(1)\"", "there is no format '@nope'", 0},
    {"1 +", "an expression is missing", 3},
    {"1 += 2", "'+=' assigns in jq", 2},
    {".a = 1", "'=' assigns in jq; to compare write '=='", 3},
};

TEST(a_mistake_is_told_when_compiling)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct wr_expr_read read;
        struct wr_expr_text from = {
            .text = mistakes[i].text, .end = strlen(mistakes[i].text), .whole = true};
        ck_assert_ptr_null(wr_program_new(&from, NULL, 0, &read));
        ck_assert_str_eq(read.message, mistakes[i].message);
        ck_assert_uint_eq(read.error_at, mistakes[i].at);
    }
}

TEST(names_are_constants)
{
    struct wr_expr_read read;
    struct wr_value value;
    struct wr_named named[] = {{.name = "a", .value = wr_value_integer(4)},
                               {.name = "b", .value = wr_value_string("x", 1)}};
    struct wr_expr_text text = {.text = "$b * $a", .end = 7, .whole = true};
    wr_program *program = wr_program_new(&text, named, 2, &read);
    ck_assert_ptr_nonnull(program);
    wr_machine *run = wr_machine_new(program, NULL);
    ck_assert_ptr_nonnull(run);
    wr_machine_begin(run);
    wr_machine_input(run, wr_value_of(WR_JSON_NULL));
    ck_assert_int_eq(wr_machine_next(run, &value), WR_MACHINE_OUTPUT);
    ck_assert_uint_eq(value.len, 4);
    ck_assert_mem_eq(value.as.text, "xxxx", 4);
    wr_machine_free(run);
    wr_program_free(program);
}

/* ---- pulls, steps and memory */

TEST(an_endless_expression_is_pulled_as_long_as_the_caller_wants)
{
    struct fixture on;
    struct wr_value value;
    set_up(&on, "range(0; 1e15) | select(. % 2 == 1) | {a: ., b: [.]}", "null", NULL);
    for (int64_t i = 0; i < 100000; i++) {
        ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_OUTPUT);
        ck_assert_int_eq(value.as.object->members[0].value.as.integer, 2 * i + 1);
    }
    ck_assert_uint_le(wr_machine_arena(on.run)->bytes, 8192);
    tear_down(&on);
}

TEST(a_range_of_decimals_and_a_fold_need_constant_memory)
{
    struct fixture on;
    struct wr_value value;
    struct wr_machine_options options = {.bytes_max = 32768, .steps_max = UINT64_MAX};
    check("[range(0.5; 4)], [range(9223372036854775806; 9223372036854775809.5)]", "null",
          "[0.5,1.5,2.5,3.5]|[9223372036854775806,9223372036854775807,9223372036854775808,"
          "9223372036854775809]|");
    set_up(&on, "range(0.5; 30000)", "null", &options);
    for (int i = 0; i < 30000; i++) {
        ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_OUTPUT);
    }
    ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_END);
    tear_down(&on);
    set_up(&on, "last(range(30000) | [.] | .[0])", "null", &options);
    ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_OUTPUT);
    ck_assert_int_eq(value.as.integer, 29999);
    tear_down(&on);
}

TEST(what_is_collected_above_many_open_forks_is_kept_at_a_constant_cost)
{
    clock_t begin = clock();
    wr_fault_pause(true);
    check("[recurse(if .[0] < 200000 then ([.[0] + 1], empty) else empty end)] | length, .[77777]",
          "[0]", "200001|[77777]|");
    wr_fault_pause(false);
    ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, CPU_SECONDS_MAX);
    check("[limit(3; recurse([.]; true)) | [first(.[0]?, 1)], [.]]", "1",
          "[[1],[1],[1],[[1]],[[1]],[[[1]]]]|");
}

TEST(a_pull_that_takes_long_is_interrupted)
{
    struct fixture on;
    struct wr_value value;
    struct wr_machine_options options = {.steps_max = 1000};
    set_up(&on, "last(range(100000))", "null", &options);
    int busy = 0;
    while (wr_machine_next(on.run, &value) == WR_MACHINE_BUSY) {
        busy++;
    }
    ck_assert_int_gt(busy, 100);
    ck_assert_int_eq(value.as.integer, 99999);
    ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_END);
    ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_END);
    tear_down(&on);
}

TEST(what_an_instruction_goes_through_counts_as_steps)
{
    static const char *const costly[] = {
        "last(range(100) as $i | reverse)", "last(range(100) as $i | . + [$i])",
        "last(range(100) as $i | _assign(.[0]; $i))", "last(range(100) as $i | keys)"};
    for (size_t i = 0; i < sizeof costly / sizeof costly[0]; i++) {
        struct fixture on;
        struct wr_value value;
        char text[8000] = "[";
        struct wr_machine_options options = {.steps_max = 100};
        for (size_t j = 0; j < 3200; j++) {
            (void)memcpy(text + 1 + 2 * j, "1,", 2);
        }
        text[6400] = ']';
        set_up(&on, costly[i], text, &options);
        int busy = 0;
        while (wr_machine_next(on.run, &value) == WR_MACHINE_BUSY) {
            busy++;
        }
        ck_assert_int_ge(busy, 99);
        tear_down(&on);
    }
}

TEST(an_expression_over_its_memory_fails_for_this_input_only)
{
    static const char *const greedy[] = {
        "[range(1e9)]",         "[repeat(1)]",       "\"x\" * 1e9",
        "last(repeat([., .]))", "setpath([1e8]; 1)", "reverse | [., .] | until(false; [., .])"};
    struct wr_machine_options options = {.bytes_max = 1 << 20};
    for (size_t i = 0; i < sizeof greedy / sizeof greedy[0]; i++) {
        struct fixture on;
        char got[200];
        struct wr_print out;
        wr_print_to(&out, got, sizeof got);
        set_up(&on, greedy[i], "[]", &options);
        ck_assert_int_eq(all_outputs(&on, &out), WR_MACHINE_LIMIT);
        ck_assert_str_eq(wr_machine_error(on.run),
                         "the expression needs too much memory: more than 1048576 bytes");
        ck_assert_uint_le(wr_machine_arena(on.run)->bytes, 1 << 20);
        wr_machine_begin(on.run);
        wr_machine_input(on.run, wr_value_array(NULL, 0));
        ck_assert_int_eq(all_outputs(&on, &out), WR_MACHINE_LIMIT);
        tear_down(&on);
    }
}

/* A document of `depth` arrays in each other. */
static char *deep(size_t depth)
{
    char *text = malloc(2 * depth + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

/* Each level of the document leaves a fork: there is one more element behind it. */
TEST(forks_are_memory_of_the_run_and_are_given_back)
{
    enum { DEPTH = 1000, BYTES = 64 * 1024 };
    char text[4 * DEPTH], *to = text + DEPTH;
    memset(text, '[', DEPTH);
    *to++ = ']';
    for (int i = 1; i < DEPTH; i++, to += 3) {
        memcpy(to, ",1]", 3);
    }
    *to = '\0';
    for (int small = 0; small < 2; small++) {
        struct fixture on;
        struct wr_value value;
        struct wr_machine_options options = {.bytes_max = small ? BYTES : 0};
        set_up(&on, "[..] | length", text, &options);
        ck_assert_int_eq(wr_machine_next(on.run, &value),
                         small ? WR_MACHINE_LIMIT : WR_MACHINE_OUTPUT);
        ck_assert(small || wr_machine_bytes(on.run) > (size_t)2 * BYTES);
        wr_machine_begin(on.run);
        ck_assert_uint_lt(wr_machine_bytes(on.run), 2 * BYTES);
        tear_down(&on);
    }
}

TEST(depth_costs_no_stack)
{
    char *text = deep(1000);
    check("[..] | length", text, "1000|");
    check(". == ., (tojson | length), ([[.], [.]] | unique | length)", text, "true|2000|1|");
    check("del(.. | select(length == 0)) | [..] | length", text, "999|");
    free(text);
    check("[limit(5; repeat([.]))] | .[4]", "1", "[[[[1]]]]|");
}

static void *compile(void *text)
{
    struct wr_expr_read read;
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true};
    wr_program_free(wr_program_new(&from, NULL, 0, &read));
    return NULL;
}

/* The bytes of stack that compiling needs where `begin` is nested in itself. */
static size_t stack_of(const char *begin, const char *end, unsigned depth)
{
    enum { STACK_BYTES = 1 << 20, UNTOUCHED = 0xa5 };
    static unsigned char stack[STACK_BYTES] __attribute__((aligned(4096)));
    char text[2000];
    struct wr_print out;
    pthread_attr_t attributes;
    pthread_t thread;
    size_t unused = 0;
    wr_print_to(&out, text, sizeof text);
    for (unsigned i = 0; i < depth; i++) {
        wr_printf(&out, "%s", begin);
    }
    wr_printf(&out, ".");
    for (unsigned i = 0; i < depth; i++) {
        wr_printf(&out, "%s", end);
    }
    memset(stack, UNTOUCHED, sizeof stack);
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, compile, text), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
    while (unused < sizeof stack && stack[unused] == UNTOUCHED) {
        unused++;
    }
    return sizeof stack - unused;
}

TEST(compiling_needs_no_more_stack_than_it_promises)
{
    static const char *const nested[][2] = {
        {"map(", ")"},    {"map_values(", ")"}, {"with_entries(", ")"},
        {"any(.; ", ")"}, {"[", "]"},           {"nth(0; ", ")"}};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
    enum { WIDENED = 8 }; /* a sanitizer puts more into each frame */
#else
    enum { WIDENED = 1 };
#endif
    size_t most = (size_t)WR_EXPR_COMPILE_STACK_BYTES * WIDENED;
    wr_fault_pause(true);
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        for (unsigned depth = 5; depth < 70; depth++) {
            size_t used = stack_of(nested[i][0], nested[i][1], depth);
            ck_assert_msg(used <= most, "%s, nested %u deep: %zu", nested[i][0], depth, used);
        }
    }
    wr_fault_pause(false);
}

/* A document with 150,000 members or elements. */
static char *many(bool object)
{
    enum { COUNT = 150000, CAP = COUNT * 20 };
    char *text = malloc(CAP);
    struct wr_print out;
    ck_assert_ptr_nonnull(text);
    wr_print_to(&out, text, CAP);
    for (unsigned i = 0; i < COUNT; i++) {
        const char *before = i > 0 ? "," : object ? "{" : "[";
        if (object) {
            wr_printf(&out, "%s\"%u\":%u", before, i, i);
        } else {
            wr_printf(&out, "%s%u", before, i);
        }
    }
    wr_printf(&out, object ? "}" : "]");
    return text;
}

TEST(looking_into_a_large_document_is_no_search_for_each_member)
{
    clock_t begin = clock();
    char *object = many(true);
    char *array = many(false);
    wr_fault_pause(true);
    check("to_entries | length, .[1000]", object, "150000|{\"key\":\"1000\",\"value\":1000}|");
    check("with_entries({key, value: (.value + 1)}) | length, .[\"1000\"]", object, "150000|1001|");
    check("[keys_unsorted[] as $k | select(has($k))] | length", object, "150000|");
    check("[range(150000) as $i | .[$i:$i + 1][0]] | .[1000]", array, "1000|");
    check("[keys_unsorted[] as $k | .[$k]] | length, .[1000]", object, "150000|1000|");
    check("[range(150000) as $i | .[$i]] | length, .[-1]", array, "150000|149999|");
    check("last(range(150000) as $i | .\"149999\")", object, "149999|");
    wr_fault_pause(false);
    free(object);
    free(array);
    ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, CPU_SECONDS_MAX);
}

TEST(many_paths_are_set_and_deleted_and_many_values_added_in_linear_memory)
{
    static const char *const linear[] = {
        "[range(50000)] | map_values(. + 1) | .[49999] == 50000",
        "[range(50000)] | map_values(empty) | . == []",
        "[range(20000) | {x: .}] | del(.[].x) | length == 20000 and .[19999] == {}",
        "[range(20000) | {x: .}] | _assign(.[].x; 5) | .[19999] == {x: 5}",
        "[range(20000) | {x: [., {y: .}]}] | _update(.[].x[1].y; . + 1) | .[9].x == [9, {y: 10}]",
        "[range(20000) | {x: [., {y: .}]}] | del(.[].x[1].y) | .[19999] == {x: [19999, {}]}",
        "[range(50000) | [.]] | add | length == 50000",
        "[range(100000) | [null, tostring][. % 2:][0]] | add | length == 244445",
        "[range(20000)] | _update(.[-1, 3, 1:3][0]?; 7)[3] == 7"};
    wr_fault_pause(true);
    for (size_t i = 0; i < sizeof linear / sizeof linear[0]; i++) {
        check(linear[i], "null", "true|");
    }
    wr_fault_pause(false);
}

TEST(entries_and_sums_are_those_of_jq)
{
    check("to_entries, with_entries({key, value: [.value]})", "{\"b\":1,\"a\":2,\"b\":3}",
          "[{\"key\":\"b\",\"value\":3},{\"key\":\"a\",\"value\":2}]|{\"b\":[3],\"a\":[2]}|");
    check("to_entries", "[5]", "[{\"key\":0,\"value\":5}]|");
    check("from_entries",
          "[{\"k\":\"a\",\"v\":null},{\"name\":\"b\",\"Value\":2},{\"key\":false,\"Key\":\"a\"}]",
          "{\"a\":null,\"b\":2}|");
    check("from_entries", "[]", "{}|");
    check("from_entries", "[{}]", "!Cannot use null (null) as object key");
    check("from_entries", "[[1]]", "!Cannot index array with \"key\"");
    check("from_entries", "[null]", "!Cannot use null (null) as object key");
    check("to_entries", "1", "!number (1) has no keys");
    check("[add, (. + [null] | add)]", "[null,[1],[2,3]]", "[[1,2,3],[1,2,3]]|");
    check("map(add)", "[[null,\"a\",\"b\"],[{\"a\":1},null,{\"b\":2}],[null,null],[],[[],null]]",
          "[\"ab\",{\"a\":1,\"b\":2},null,null,[]]|");
}

TEST(a_large_object_finds_its_keys)
{
    check("[range(1000) | {key: tostring, value: .}] | from_entries | "
          "length, .[\"999\"], (keys | length), (del(.[\"5\"]) | length)",
          "null", "1000|999|1000|999|");
}

TEST(without_memory_a_run_says_so)
{
    struct fixture on;
    struct wr_value value;
    set_up(&on, "[.[] | {a: .}]", "[1, 2]", NULL);
    wr_machine_free(on.run);
    on.run = wr_machine_new(on.program, NULL);
    wr_fault_set(1, true);
    wr_machine_begin(on.run);
    wr_machine_input(on.run, on.input);
    ck_assert_int_eq(wr_machine_next(on.run, &value), WR_MACHINE_NO_MEMORY);
    wr_fault_set(0, false);
    tear_down(&on);
}

MAIN("expr/run")
