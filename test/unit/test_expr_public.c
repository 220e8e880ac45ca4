/*
 * test_expr_public.c - expressions in a program: weir_expr, and the generators weir_where and
 * weir_map_expr.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "support_flow.h"

/* All outputs for a text, each with a | behind it; at the end "!CODE" if it has failed. */
static void outputs_of(weir_expr *expr, const char *text, char *to, size_t cap)
{
    weir_value value;
    weir_error error;
    size_t len = 0;
    int rc = weir_expr_run_text(expr, text, strlen(text), &error);
    to[0] = '\0';
    while (rc == 0 && (rc = weir_expr_next(expr, &value, &error)) > 0) {
        len += (size_t)snprintf(to + len, cap - len, "%d%.*s|", value.kind, (int)value.len,
                                value.data);
        rc = 0;
    }
    ck_assert_int_eq(error.code, rc < 0 ? rc : 0);
    if (rc < 0) {
        snprintf(to + len, cap - len, "!%d", rc);
    }
}

static void check_outputs(const char *text, const char *input, const char *expected)
{
    char shown[512];
    weir_error error;
    weir_expr *expr = weir_expr_new(text, NULL, &error);
    ck_assert_msg(expr != NULL, "%s", error.message);
    outputs_of(expr, input, shown, sizeof shown);
    ck_assert_msg(strcmp(shown, expected) == 0, "%s: %s instead of %s", text, shown, expected);
    weir_expr_free(expr);
}

TEST(expr_gives_values_of_every_kind)
{
    check_outputs(".[]", "[null, true, false, 1.50, \"a\\nb\", [1, 2], {\"a\": {}}]",
                  "1null|2true|2false|31.50|4a\nb|5[1,2]|6{\"a\":{}}|");
    check_outputs("empty", "1", "");
    check_outputs(".a, .b", "{\"a\":1}", "31|1null|");
}

TEST(expr_is_run_again_and_again)
{
    char shown[64];
    weir_error error;
    weir_expr *expr = weir_expr_new(".[] + 1", NULL, &error);
    ck_assert_ptr_nonnull(expr);
    for (int i = 0; i < 3; i++) {
        outputs_of(expr, "[1, 2]", shown, sizeof shown);
        ck_assert_str_eq(shown, "32|33|");
        outputs_of(expr, "[1, \"x\"]", shown, sizeof shown);
        ck_assert_str_eq(shown, "32|!-41");
        outputs_of(expr, "{", shown, sizeof shown);
        ck_assert_str_eq(shown, "!-41");
    }
    weir_expr_free(expr);
}

TEST(expr_reads_variables)
{
    char shown[64];
    weir_variable values[] = {{.name = "who", .text = "a\"b"},
                              {.name = "n", .text = "{\"x\":[7]}", .json = 1}};
    weir_expr_options options = {
        .struct_size = sizeof options, .variables = values, .variables_count = 2};
    weir_expr *expr = weir_expr_new("$who, $n.x[0] + .", &options, NULL);
    ck_assert_ptr_nonnull(expr);
    memset(values, 0, sizeof values);
    outputs_of(expr, "1", shown, sizeof shown);
    ck_assert_str_eq(shown, "4a\"b|38|");
    weir_expr_free(expr);
}

TEST(expr_tells_what_is_wrong_with_its_text)
{
    weir_error error;
    ck_assert_ptr_null(weir_expr_new(".a + ]", NULL, &error));
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    ck_assert_int_eq(error.offset, 5);
    ck_assert_ptr_null(weir_expr_new(".a | nothing_like_it", NULL, &error));
    ck_assert_int_eq(error.offset, 5);
    ck_assert_ptr_null(weir_expr_new(".a = 1", NULL, &error));
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    ck_assert_ptr_null(weir_expr_new("$x", NULL, NULL));
    weir_variable bad = {.name = "x", .text = "{", .json = 1};
    weir_expr_options options = {
        .struct_size = sizeof options, .variables = &bad, .variables_count = 1};
    ck_assert_ptr_null(weir_expr_new("$x", &options, &error));
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "$x"));
}

TEST(expr_has_limits)
{
    weir_value value;
    weir_error error;
    weir_expr_options options = {
        .struct_size = sizeof options, .bytes_max = 1 << 20, .steps_max = 1000};
    weir_expr *expr = weir_expr_new("last(range(1000000)), [range(10000000)]", &options, &error);
    ck_assert_ptr_nonnull(expr);
    ck_assert_int_eq(weir_expr_next(expr, &value, &error), 0);
    ck_assert_int_eq(weir_expr_run_text(expr, "1", 1, &error), 0);
    int rc, late = 0;
    while ((rc = weir_expr_next(expr, &value, &error)) == WEIR_ETIMEDOUT) {
        late++;
    }
    ck_assert_int_eq(rc, 1);
    ck_assert_int_gt(late, 100);
    ck_assert(value.len == 6 && memcmp(value.data, "999999", 6) == 0);
    while ((rc = weir_expr_next(expr, &value, &error)) == WEIR_ETIMEDOUT) {}
    ck_assert_int_eq(rc, WEIR_ETOOLONG);
    weir_expr_free(expr);
}

TEST(expr_is_lazy)
{
    weir_value value;
    weir_expr *expr = weir_expr_new("repeat(.), now", NULL, NULL);
    ck_assert_ptr_nonnull(expr);
    ck_assert_int_eq(weir_expr_run_text(expr, "1", 1, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(weir_expr_next(expr, &value, NULL), 1);
    }
    weir_expr_free(expr);
    expr = weir_expr_new("now", NULL, NULL);
    ck_assert_ptr_nonnull(expr);
    weir_expr_clock(expr, 1700000000000000000);
    ck_assert_int_eq(weir_expr_run_text(expr, "1", 1, NULL), 0);
    ck_assert_int_eq(weir_expr_next(expr, &value, NULL), 1);
    ck_assert(value.len >= 10 && memcmp(value.data, "1700000000", 10) == 0);
    weir_expr_free(expr);
}

TEST(expr_reads_an_item)
{
    weir_value value;
    weir_item item = weir_bytes("{\"a\": [5]}", 10);
    weir_expr *expr = weir_expr_new(".a[0]", NULL, NULL);
    ck_assert_ptr_nonnull(expr);
    ck_assert_int_eq(weir_expr_run(expr, &item, NULL), 0);
    ck_assert_int_eq(weir_expr_next(expr, &value, NULL), 1);
    ck_assert(value.kind == WEIR_VALUE_NUMBER && value.len == 1 && value.data[0] == '5');
    ck_assert_int_eq(weir_expr_next(expr, &value, NULL), 0);
    ck_assert_int_eq(weir_expr_next(expr, &value, NULL), 0);
    weir_expr_free(expr);
}

TEST(functions_are_listed_with_their_help)
{
    weir_expr_function function;
    size_t count = 0;
    bool found = false;
    for (; weir_expr_function_at(count, &function); count++) {
        ck_assert(function.name[0] != '_' && function.help[0] != '\0');
        ck_assert(function.params == NULL || strlen(function.params) == (size_t)function.arguments);
        found = found || (strcmp(function.name, "until") == 0 && function.arguments == 2);
    }
    ck_assert(found && count > 100);
}

WEIR_SOURCE(inputs)
{
    char text[16];
    for (int i = 1; i <= 5; i++) {
        weir_item item =
            weir_bytes(text, (size_t)snprintf(text, sizeof text, i == 3 ? "?" : "%d", i));
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(where_and_map_are_generators)
{
    char shown[64] = "";
    weir_item item;
    weir_variable least = {.name = "least", .text = "2", .json = 1};
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_where(inputs(weir_root(loop)), ". >= $least",
                   WEIR_OPTIONS(weir_expr_options, .variables = &least, .variables_count = 1));
    gen = weir_map_expr(gen, "., [.]", NULL);
    while (weir_next(gen, &item)) {
        strncat(shown, item.data, item.len);
    }
    ck_assert_str_eq(shown, "2[2]4[4]5[5]");
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* A generator that cannot be made fails at its first pull. */
static void check_fails(weir_gen *gen, int code, int64_t offset)
{
    weir_item item;
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), code);
    ck_assert_int_eq(error.offset, offset);
}

TEST(a_generator_with_a_mistake_fails)
{
    weir_variable bad = {.name = "1", .text = "2"};
    weir_loop *loop = test_loop();
    check_fails(weir_where(inputs(weir_root(loop)), ". >= )", NULL), WEIR_EPARSE, 5);
    check_fails(weir_map_expr(inputs(weir_root(loop)), "nothing", NULL), WEIR_EPARSE, 0);
    check_fails(
        weir_map_expr(inputs(weir_root(loop)), ".",
                      WEIR_OPTIONS(weir_expr_options, .variables = &bad, .variables_count = 1)),
        WEIR_EINVAL, -1);
    weir_loop_free(loop);
}

MAIN("expr/public")
