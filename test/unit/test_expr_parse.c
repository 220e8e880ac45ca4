/*
 * test_expr_parse.c - expressions are read as jq reads them, printed in a form that is read again as
 * the same tree, and told where their mistake is.
 */
#include <stdlib.h>

#include "base_fault.h"
#include "support_check.h"
#include "support_expr.h"

static struct wr_arena arena;

static const struct wr_node *read_expr(const char *text, bool whole)
{
    static struct wr_expr_read read;
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = whole};
    wr_arena_init(&arena, 1 << 20);
    ck_assert_msg(wr_expr_parse(&arena, &from, &read) == 0, "%s: %s", text, read.message);
    return read.root;
}

static void check_text(const char *text, void (*write)(struct wr_print *, const struct wr_node *),
                       const char *expected)
{
    char *got = wr_tree_text(read_expr(text, true), write);
    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got, expected);
    free(got);
    wr_arena_fini(&arena);
}

TEST(operators_bind_as_in_jq)
{
    check_text("1 + 2 * 3", wr_tree_dump, "(chain (1) (+ chain (2) (* 3)))");
    check_text("1 - 2 - 3", wr_tree_dump, "(chain (1) (- 2) (- 3))");
    check_text("1 - (2 - 3)", wr_tree_dump, "(chain (1) (- chain (2) (- 3)))");
    check_text("1 // 2 // 3", wr_tree_dump, "(chain (1) (// 2) (// 3))");
    check_text("(1 // 2) // 3", wr_tree_dump, "(chain (chain (1) (// 2)) (// 3))");
    check_text("1 // 2 == 3 or not 4", wr_tree_dump,
               "(chain (1) (// chain (chain (2) (== 3)) (or not (4))))");
    check_text("1, 2 | 3", wr_tree_dump, "(chain (chain (1) (, 2)) (| 3))");
    check_text("not 1 == 2 and 3", wr_tree_dump, "(chain (not (chain (1) (== 2))) (and 3))");
    check_text("-1 * 2", wr_tree_dump, "(chain (- (1)) (* 2))");
    check_text("1 as $x | 2, 3 | 4", wr_tree_dump,
               "(as (1) ($ x) (chain (chain (2) (, 3)) (| 4)))");
    check_text("1 + 2 as $x | 3", wr_tree_dump, "(chain (1) (+ as (2) ($ x) (3)))");
}

/* Texts, and how they are printed. */
static const char *const printed[][2] = {
    {".", "."},
    {"..", ".."},
    {"..?", "(..)?"},
    {".a.b", ".a.b"},
    {".[\"a\"]", ".a"},
    {".\"a b\".c", ".\"a b\".c"},
    {".a.[0]", ".a[0]"},
    {".a[]?", ".a[]?"},
    {".[1:]", ".[1:]"},
    {".[:-1]", ".[:-1]"},
    {".[.a:.b|length]", ".[.a:.b | length]"},
    {".[1, 2]", ".[1, 2]"},
    {".5", "0.5"},
    {"1.", "1"},
    {"007", "7"},
    {"1.50e+3", "1.50e+3"},
    {"10000000000000000001", "10000000000000000001"},
    {"\"a\\\"\\u00e9\\n\"", "\"a\\\"\xc3\xa9\\u000a\""},
    {"`\\d+`", "\"\\\\d+\""},
    {"'a\"b'", "\"a\\\"b\""},
    {"\"x\\(.a)y\\(\"n\\(1)\")\"", "\"x\\(.a)y\\(\"n\\(1)\")\""},
    {"@base64 \"x\\(.a)\"", "@base64 \"x\\(.a)\""},
    {"@csv", "@csv"},
    {"$x.a", "$x.a"},
    {"{a:1,\"b c\":2,$x,(.k):.v,d}", "{a: 1, \"b c\": 2, $x, (.k): .v, d}"},
    {"{a:.b|length,c:1+2}", "{a: (.b | length), c: 1 + 2}"},
    {"{if:1}", "{if: 1}"},
    {"{}", "{}"},
    {"[]", "[]"},
    {"[1,2|3]", "[1, 2 | 3]"},
    {"f(.a;.b|.c)", "f(.a; .b | .c)"},
    {"if .a then 1 elif .b then 2 else 3 end.x", "if .a then 1 elif .b then 2 else 3 end.x"},
    {"if .a then 1 end", "if .a then 1 end"},
    {"try error catch .", "try error catch ."},
    {"(try .a)?", "(try .a)?"},
    {".[] as [$a, {b: $c, $d}] | $a", ".[] as [$a, {b: $c, $d}] | $a"},
    {"(.a as $x | $x) + 1", "(.a as $x | $x) + 1"},
    {".a | not", ".a | not"},
    {"not(.a)", "not .a"},
    {"not .a and .b", "not .a and .b"},
    {"(not .a) == .b", "(not .a) == .b"},
    {".a =~ `x`", ".a =~ \"x\""},
    {"((1))", "1"},
    {".a # a comment\n| .b", ".a | .b"},
    {".a\f|\v.b", ".a | .b"},
    {"-(1 + 2)", "-(1 + 2)"},
    {"1 - -1", "1 - -1"},
    {".a[\"b\"]?.c", ".a.b?.c"},
    {"(not)[]", "(not)[]"},
    {"1 as $x | 2 as $y | $x", "1 as $x | 2 as $y | $x"},
};

TEST(an_expression_is_printed_and_read_as_the_same_tree)
{
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        check_text(printed[i][0], wr_expr_print, printed[i][1]);
        ck_assert_msg(wr_tree_prints_alike(read_expr(printed[i][0], true)), "%s", printed[i][0]);
        wr_arena_fini(&arena);
    }
}

/* ---- expressions at random */

static uint32_t seed;

static uint32_t any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void make(struct wr_print *out, int depth);

static void make_in(struct wr_print *out, const char *before, int depth, const char *after)
{
    wr_printf(out, "%s", before);
    make(out, depth);
    wr_printf(out, "%s", after);
}

/* One operand. */
static void make_operand(struct wr_print *out, int depth)
{
    static const char *const leaves[] = {".",     "..",    ".a",         ".[0]",  "1",   "1.5e3",
                                         "\"s\"", "null",  "`\\d`",      "true",  ".a?", ".a[]",
                                         "[]",    "{}",    "length",     "@json", "{a}", ".\"b c\"",
                                         "-1",    ".[1:]", "\"\\u0001\""};
    uint32_t what = depth <= 0 ? 9 : any(14);
    switch (what) {
    case 0: make_in(out, "(", depth, ")"); break;
    case 1: make_in(out, "[", depth, "]"); break;
    case 2: make_in(out, "{a: (", depth, "), $x}"); break;
    case 3:
        make_in(out, "f(", depth, "; ");
        make_in(out, "", depth, ")");
        break;
    case 4: make_in(out, "\"x\\(", depth, ")y\""); break;
    case 5:
        make_in(out, "if ", depth, " then ");
        make_in(out, "", depth, " else .b end");
        break;
    case 6: make_in(out, "(. as $x | ", depth, ")"); break;
    case 7: make_in(out, ".[", depth, "].c[1:2]?"); break;
    case 8: make_in(out, "(", depth, ")[]"); break;
    case 10: make_in(out, "try (", depth, ") catch ."); break;
    case 11: make_in(out, "not ", depth, ""); break;
    case 12: make_in(out, "-(", depth, ").a"); break;
    case 13: make_in(out, "@csv \"\\(", depth, ")\""); break;
    default: wr_printf(out, "%s", leaves[any(sizeof leaves / sizeof leaves[0])]); break;
    }
}

static void make(struct wr_print *out, int depth)
{
    static const char *const ops[] = {" | ", ", ",  " // ", " or ", " and ",
                                      " + ", " - ", " * ",  " / ",  " % "};
    make_operand(out, depth - 1);
    for (uint32_t more = any(3); more > 0; more--) {
        wr_printf(out, "%s", ops[any(sizeof ops / sizeof ops[0])]);
        make_operand(out, depth - 1);
    }
}

TEST(any_expression_is_printed_and_read_as_the_same_tree)
{
    static char text[1 << 16];
    for (seed = 1; seed < 100000000; seed = seed * 3 + 7) {
        struct wr_print out;
        uint32_t kept = seed;
        wr_print_to(&out, text, sizeof text);
        make(&out, 4);
        seed = kept;
        if (out.len < sizeof text) {
            ck_assert_msg(wr_tree_prints_alike(read_expr(text, true)), "%s", text);
            wr_arena_fini(&arena);
        }
    }
}

/* ---- where it ends, and mistakes */

TEST(an_expression_ends_at_the_first_token_that_cannot_continue_it)
{
    static const struct {
        const char *text;
        size_t to, at;
    } ends[] = {
        {".a by .b", 2, 3},
        {".a | .b", 2, 3},
        {".a {", 2, 3},
        {".a .b", 2, 3},
        {" .a + .b every", 8, 9},
        {".a as .b", 2, 3},
        {".a == 1 x=2", 7, 8},
        {"not by", 0, 0},
        {".a = 3", 2, 3},
        {"(.a | .b) | .c", 9, 10},
        {"5x", 1, 1},
        {"5s", 0, 0}, /* a number has no unit */
        {".a)", 2, 2},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct wr_expr_read read;
        struct wr_expr_text text = {.text = ends[i].text, .end = strlen(ends[i].text)};
        wr_arena_init(&arena, 1 << 20);
        if (wr_expr_parse(&arena, &text, &read) == 0) {
            ck_assert_uint_eq(read.to, ends[i].to);
            ck_assert_uint_eq(read.at, ends[i].at);
        } else {
            ck_assert_uint_eq(ends[i].to, 0);
        }
        wr_arena_fini(&arena);
    }
}

TEST(an_assignment_behind_an_expression_is_seen)
{
    static const struct {
        const char *text;
        size_t len;
    } texts[] = {{".a = 1", 1},  {".a |= 1", 2}, {".a += 1", 2}, {".a //= 1", 3},
                 {".a == 1", 0}, {".a -1", 0},   {".a", 0}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct wr_expr_read read;
        struct wr_expr_text text = {.text = texts[i].text, .end = strlen(texts[i].text)};
        wr_arena_init(&arena, 1 << 20);
        ck_assert_int_eq(wr_expr_parse(&arena, &text, &read), 0);
        ck_assert_uint_eq(read.assigns, texts[i].len);
        wr_arena_fini(&arena);
    }
}

static const struct mistake {
    const char *text;
    size_t at, len;
    const char *message, *hint;
} mistakes[] = {
    {"", 0, 0, "an expression is missing", ""},
    {".a ==", 5, 0, "an expression is missing", ""},
    {"()", 0, 0, "an expression is missing", ""},
    {"(.a", 0, 1, "'(' is not closed", ""},
    {"\"a", 0, 1, "'\"' is not closed", ""},
    {"\"a\\(1", 3, 1, "'(' is not closed", ""},
    {"(.a foo)", 4, 3, "'foo' is not allowed here", "is a comma or an operator missing before it?"},
    {".a foo", 3, 3, "'foo' is not allowed here", "is a comma or an operator missing before it?"},
    {"(.a && .b)", 4, 2, "'&&' is not allowed here", "write 'and'"},
    {"{a: .b c: .d}", 7, 1, "'c' is not allowed here",
     "is a comma or an operator missing before it?"},
    {"a == 1", 0, 1, "'a' is not a value", "write .a for a field, \"a\" for a text"},
    {"x", 0, 1, "'x' is not a value", "write \"x\" (did the shell remove the quotes?)"},
    {".a == .b == .c", 9, 2, "'==' is not allowed here: comparisons cannot be chained (as in jq)",
     ""},
    {"\"\\d\"", 1, 2, "\\d: unknown escape, as in JSON",
     "for a regex write `...` or double the \\"},
    {"\"\\u12\"", 1, 2, "\\u: the four hex digits of a character are missing", ""},
    {"\"\\ud800\"", 1, 2, "\\u: the four hex digits of a character are missing", ""},
    {"(.a = 1)", 4, 1, "'=' assigns in jq; to compare write '=='",
     "to assign: set .a = ..., or jq `PROGRAM`"},
    {"(.a |= 1)", 4, 2, "'|=' assigns in jq", "to assign: set .a = ..., or jq `PROGRAM`"},
    {"reduce .a as $x (0; 1)", 0, 6, "'reduce' is allowed in jq programs, not in expressions",
     "write jq `PROGRAM`: it has the whole language of jq"},
    {".a | tostream", 5, 8, "'tostream' is not a function of expressions",
     "write jq `PROGRAM`: it has the whole language of jq"},
    {"[inputs]", 1, 6, "'inputs' is not a function of expressions",
     "an expression sees one item; in the shell: weir '...' | jq -n 'PROGRAM'"},
    {"k,z", 0, 1, "'k' is not a value", "write .k for a field, \"k\" for a text"},
    {".a-b", 3, 1, "'b' is not a value", "a name with a dash is quoted: .\"a-b\""},
    {".a - b", 5, 1, "'b' is not a value", "write \"b\" (did the shell remove the quotes?)"},
    {".x.a-b-c", 5, 1, "'b' is not a value", "a name with a dash is quoted: .\"a-b-c\""},
    {"if .a then .b", 13, 0, "an 'end' is missing, as in if .a then .b else .c end", ""},
    {"if .a", 5, 0, "a 'then' is missing, as in if .a then .b else .c end", ""},
    {"{a:}", 3, 0, "an expression is missing", ""},
    {"{.a}", 1, 1, "'.' is not allowed here",
     "a member is name: value, \"name\": value, (expression): value, or name"},
    {"{(.a)}", 5, 1, "'}' is not allowed here", ""},
    {".a as x | 1", 6, 0, "a variable is missing, as in (.a as $x | ...)", ""},
    {".a as $x", 8, 0, "a | is missing, as in (.a as $x | ...)", ""},
    {"$", 0, 1, "'$' needs a name", ""},
    {".[:]", 1, 0, "a bound is missing, as in [2:] or [:5]", ""},
    {"\"a\xff\"", 1, 0, "the string is not UTF-8", ""},
    {"f()", 1, 0, "an expression is missing", ""},
    {"%", 0, 1, "'%' is not allowed here", ""},
};

TEST(a_mistake_is_told_with_its_place)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct wr_expr_read read;
        struct wr_expr_text text = {
            .text = mistakes[i].text, .end = strlen(mistakes[i].text), .whole = true};
        wr_arena_init(&arena, 1 << 20);
        ck_assert_int_eq(wr_expr_parse(&arena, &text, &read), WEIR_EINVAL);
        ck_assert_str_eq(read.message, mistakes[i].message);
        ck_assert_str_eq(read.hint, mistakes[i].hint);
        ck_assert_msg(read.error_at == mistakes[i].at && read.error_len == mistakes[i].len,
                      "%s: %zu %zu", mistakes[i].text, read.error_at, read.error_len);
        wr_arena_fini(&arena);
    }
}

TEST(a_binding_outside_brackets_is_told)
{
    struct wr_expr_read read;
    struct wr_expr_text text = {.text = ".a as $x | 1", .end = 12};
    wr_arena_init(&arena, 1 << 20);
    ck_assert_int_eq(wr_expr_parse(&arena, &text, &read), WEIR_EINVAL);
    ck_assert_str_eq(read.message, "'as' needs brackets");
    ck_assert_str_eq(read.hint, "write (.a as $x | ...)");
    wr_arena_fini(&arena);
}

/* `count` times `before`, then a point, then `count` times `after`. */
static char *nested(const char *before, size_t count, const char *after)
{
    size_t cap = count * (strlen(before) + strlen(after)) + 2;
    char *text = malloc(cap);
    struct wr_print out;
    ck_assert_ptr_nonnull(text);
    wr_print_to(&out, text, cap);
    for (size_t i = 0; i < count; i++) {
        wr_printf(&out, "%s", before);
    }
    wr_printf(&out, ".");
    for (size_t i = 0; i < count; i++) {
        wr_printf(&out, "%s", after);
    }
    return text;
}

TEST(deep_nesting_is_a_mistake)
{
    static const char *const brackets[][2] = {
        {"(", ")"},        {"[", "]"},   {"{a: ", "}"},    {"f(", ")"}, {"-", ""},
        {"not ", ""},      {"try ", ""}, {"\"\\(", ")\""}, {".[", "]"}, {"if 1 then ", " end"},
        {". as $x | ", ""}};
    for (size_t i = 0; i < sizeof brackets / sizeof brackets[0]; i++) {
        char *text = nested(brackets[i][0], 1000, brackets[i][1]);
        struct wr_expr_read read;
        struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true};
        wr_arena_init(&arena, 1 << 20);
        ck_assert_int_eq(wr_expr_parse(&arena, &from, &read), WEIR_EINVAL);
        ck_assert_str_eq(read.message, "the expression is nested too deep");
        wr_arena_fini(&arena);
        free(text);
    }
}

TEST(a_long_chain_is_not_deep)
{
    static const char *const links[] = {" or .", " + .", " // .",   ", .",
                                        " | .",  "[0]",  "[\"a\"]", "?"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char *text = nested("", 2000, links[i]);
        ck_assert(wr_tree_prints_alike(read_expr(text, true)));
        wr_arena_fini(&arena);
        free(text);
    }
}

TEST(a_tree_over_the_limit_of_its_arena_is_a_mistake)
{
    char *text = nested("", 20000, " + .");
    struct wr_expr_read read;
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true};
    wr_arena_init(&arena, 1 << 16);
    ck_assert_int_eq(wr_expr_parse(&arena, &from, &read), WEIR_EINVAL);
    ck_assert_str_eq(read.message, "the expression is too long");
    wr_arena_fini(&arena);
    free(text);
}

TEST(without_memory_there_is_no_tree)
{
    struct wr_expr_read read;
    struct wr_expr_text from = {.text = ".a", .end = 2};
    wr_arena_init(&arena, 1 << 16);
    wr_fault_set(1, true);
    ck_assert_int_eq(wr_expr_parse(&arena, &from, &read), WEIR_ENOMEM);
    wr_fault_set(0, false);
    ck_assert_ptr_null(read.root);
    wr_arena_fini(&arena);
}

MAIN("expr/parse")
