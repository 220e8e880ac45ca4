/*
 * test_expr_test.c - conditions that are told without a run: as the run would,
 * or not at all.
 */
#include "expr_program.h"
#include "support_check.h"

static struct wr_json json;

/* What the first output of a run is. */
static enum wr_tested by_run(const wr_program *program)
{
    wr_machine *run = wr_machine_new(program, NULL);
    struct wr_value value;
    ck_assert_ptr_nonnull(run);
    wr_machine_begin(run);
    ck_assert(wr_value_node(wr_machine_arena(run), &json, WR_JSON_ROOT, &value));
    wr_machine_input(run, value);
    enum wr_machine_result result = wr_machine_next(run, &value);
    enum wr_tested truth = wr_value_true(value) ? WR_TEST_TRUE : WR_TEST_FALSE;
    wr_machine_free(run);
    return result == WR_MACHINE_OUTPUT ? truth : WR_TEST_UNKNOWN;
}

static const char *const told[] = {
    ".",
    ".type",
    ".type == \"x\"",
    ".type != \"x\"",
    "\"x\" == .type",
    ".type < \"y\"",
    ".n > 2",
    ".n == 3.0",
    ".n >= .m",
    ".u.name == \"A\"",
    ".u.name == .type",
    ".type == \"x\" and .n > 2",
    ".type == \"z\" or .u.name == \"A\"",
    "not .type == \"x\"",
    "(.n | . > 1) and (.none == null)",
    "if .n > 1 then .type == \"x\" else false end",
    ".a == 1",
    ".n >= 2 + 2 * 1 - 1 and .m < -(-60 * 60)",
    ".type == \"x\" * 1 + \"\"",
    ".type == null",
    "(.n > 1) == true",
    "(.n > 1 and .n < 9 and .type == \"x\" and .u.name == \"A\") or .type == \"y\"",
    "true",
};

static const char *const documents[] = {
    "{\"type\":\"x\",\"n\":3,\"m\":2.5,\"u\":{\"name\":\"A\"},\"a\":[1]}",
    "{\"type\":\"y\",\"n\":1e0,\"m\":-2,\"type\":\"x\",\"u\":null}",
    "{\"type\":\"\\u0078\",\"n\":5,\"u\":{\"name\":\"\\u0041\"}}",
    "{\"\\u0074ype\":\"x\",\"n\":123456789012345678901234567890,\"m\":\"3\"}",
    "{\"type\":7,\"n\":true,\"u\":{\"name\":7}}",
    "{\"u\":\"A\"}",
    "{}",
    "null",
    "[]",
    "3",
};

TEST(a_condition_is_told_as_its_run_tells_it)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i += wr_test_sweeps() ? 7 : 1) {
        struct wr_expr_read read;
        struct wr_expr_text from = {.text = told[i], .end = strlen(told[i]), .whole = true};
        wr_program *program = wr_program_new(&from, NULL, 0, &read);
        ck_assert_msg(program != NULL, "%s: %s", told[i], read.message);
        for (size_t k = 0; k < sizeof documents / sizeof *documents; k++) {
            ck_assert_int_eq(wr_json_index(&json, documents[k], strlen(documents[k])), 0);
            enum wr_tested tested = wr_program_test(program, &json);
            ck_assert_msg(tested == WR_TEST_UNKNOWN ? k > 0 : tested == by_run(program),
                          "%s of %s: %d", told[i], documents[k], (int)tested);
        }
        wr_program_free(program);
    }
}

TEST(members_that_are_looked_up_together_are_the_same)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i += wr_test_sweeps() ? 7 : 1) {
        struct wr_expr_read read;
        struct wr_expr_text from = {.text = told[i], .end = strlen(told[i]), .whole = true};
        struct wr_json_looks looks = {.count = 0};
        wr_program *program = wr_program_new(&from, NULL, 0, &read);
        ck_assert_msg(program != NULL, "%s: %s", told[i], read.message);
        (void)wr_program_look(program, &looks);
        for (size_t k = 0; k < sizeof documents / sizeof *documents; k++) {
            ck_assert_int_eq(wr_json_index(&json, documents[k], strlen(documents[k])), 0);
            enum wr_tested alone = wr_program_test(program, &json);
            enum wr_tested alone_run = by_run(program);
            json.looks = &looks;
            ck_assert_int_eq(wr_json_index(&json, documents[k], strlen(documents[k])), 0);
            ck_assert_int_eq(by_run(program), alone_run);
            ck_assert_int_eq(wr_program_test(program, &json), alone);
            json.looks = NULL;
        }
        wr_program_free(program);
    }
}

TEST(what_needs_a_run_is_left_to_it)
{
    static const char *const others[] = {
        ".a[]",       ".n + 1",      "error(\"no\")", ".n, .type",
        "length > 2", "[.n] == [3]", "(.a == [1])",   ".type =~ \"x\"",
    };
    ck_assert_int_eq(wr_json_index(&json, documents[0], strlen(documents[0])), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i += wr_test_sweeps() ? 4 : 1) {
        struct wr_expr_read read;
        struct wr_expr_text from = {.text = others[i], .end = strlen(others[i]), .whole = true};
        wr_program *program = wr_program_new(&from, NULL, 0, &read);
        ck_assert_msg(program != NULL, "%s: %s", others[i], read.message);
        ck_assert_msg(wr_program_test(program, &json) == WR_TEST_UNKNOWN, "%s", others[i]);
        wr_program_free(program);
    }
}

MAIN("expr/test")
