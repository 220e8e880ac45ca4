/*
 * test_stage_memory.c - what an item needs in a stage beside its bytes: it is charged to the budget
 * while it is held, and an item that needs too much is rejected, with the next one intact. The stages
 * are swept by their own tests; here only what many templates need is.
 */
#include <stdlib.h>
#include <unistd.h>

#include "support_folder.h"
#include "support_texts.h"

enum { KIB = 1024, SMALL = 1024 * KIB, LARGE = 64 * SMALL, ZEROS = 200000 };

#define SWEPT_ELSEWHERE()   \
    if (wr_test_sweeps()) { \
        return;             \
    }

static weir_loop *loop_of(int64_t budget)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = budget));
    ck_assert_ptr_nonnull(loop);
    return loop;
}

static weir_slice slice(const char *text)
{
    return (weir_slice){text, strlen(text)};
}

/* An array of so many zeros. */
static weir_slice zeros(size_t count)
{
    char *text = malloc(2 * count + 2);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + 2 * i, ",0", 2);
    }
    text[0] = '[';
    memcpy(text + 2 * count, "]", 2);
    return (weir_slice){text, 2 * count + 1};
}

/* Run a chain on texts. What it gives, each with a | behind it; free it. */
static char *run(int64_t budget, struct texts from, const char *chain, weir_error *error)
{
    int rc;
    weir_loop *loop = loop_of(budget);
    weir_gen *gen = weir_parse(weir_root(loop), texts(weir_root(loop), from), chain, NULL);
    char *shown = gives_of(gen, &rc, error);
    ck_assert_int_eq(loop->budget.used, 0);
    ck_assert_int_lt(loop->budget.peak, 2 * budget);
    weir_loop_free(loop);
    return shown;
}

/* Of three texts the second one needs too much memory. */
static void check_rejects(struct texts from, const char *chain, const char *gives, const char *why)
{
    char strict[200];
    weir_error error;
    char *shown = run(SMALL, from, chain, &error);
    ck_assert_msg(error.code == 0, "%s: %s", chain, error.message);
    ck_assert_msg(strcmp(shown, gives) == 0, "%s: %s", chain, shown);
    free(shown);
    snprintf(strict, sizeof strict, "%s on-error=stop", chain);
    free(run(SMALL, from, strict, &error));
    ck_assert_msg(strstr(error.message, why) != NULL, "%s: %s", chain, error.message);
}

TEST(a_value_with_too_many_tokens_for_the_budget_is_rejected)
{
    SWEPT_ELSEWHERE();
    static const char why[] = "the tokens of this value need too much memory";
    weir_slice large = zeros(ZEROS);
    const weir_slice list[] = {slice("[1]"), large, slice("[2]")};
    struct texts values = {list, 3, &weir_json_type}, lines = {list, 3, NULL};
    check_rejects(values, "map .[0]", "1|2|", why);
    check_rejects(values, "where .[0] > 0", "[1]|[2]|", why);
    check_rejects(values, "ndjson", "[1]|[2]|", why);
    check_rejects(values, "csv", "1|2|", why);
    check_rejects(lines, "json", "[1]|[2]|", why);
    free((void *)(uintptr_t)large.data);
}

TEST(a_value_with_too_many_tokens_is_rejected_by_a_schema)
{
    SWEPT_ELSEWHERE();
    struct wr_folder folder;
    weir_slice large = zeros(ZEROS);
    const weir_slice list[] = {slice("[1]"), large, slice("[2]")};
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    wr_folder_write(&folder, "any.json", "{}", 2);
    check_rejects((struct texts){list, 3, &weir_json_type}, "schema ./any.json", "[1]|[2]|",
                  "the tokens of this value need too much memory");
    wr_folder_remove(&folder);
    free((void *)(uintptr_t)large.data);
}

TEST(a_framed_value_with_too_many_tokens_is_rejected_as_a_whole)
{
    SWEPT_ELSEWHERE();
    struct wr_folder folder;
    weir_item item;
    weir_slice large = zeros(ZEROS);
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    FILE *file = fopen("values", "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "[1]\n[\n%s\n[2]\n", large.data + 1);
    ck_assert_int_eq(fclose(file), 0);
    weir_loop *loop = loop_of(2 * SMALL);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "./values | json | map .[0]", NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(item.data[0], '1');
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(item.data[0], '2');
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 1);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
    (void)unlink("values");
    wr_folder_remove(&folder);
    free((void *)(uintptr_t)large.data);
}

TEST(an_expression_that_needs_too_much_memory_for_the_budget_rejects_the_item)
{
    SWEPT_ELSEWHERE();
    static const char why[] = "the expression needs too much memory";
    const weir_slice list[] = {slice("2"), slice("1e9"), slice("3")};
    const struct texts numbers = {list, 3, &weir_json_type};
    check_rejects(numbers, "map ([range(.)] | length)", "2|3|", why);
    check_rejects(numbers, "map ((\"[0\" + \",0\" * . + \"]\") | fromjson | length)", "3|4|", why);
}

/* The memory that a lent output needs, and what is left of it when the next one is small. */
static void check_charged(struct texts from, const char *chain, int64_t held)
{
    weir_item item;
    weir_loop *loop = loop_of(LARGE);
    weir_gen *gen = weir_parse(weir_root(loop), texts(weir_root(loop), from), chain, NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_msg(loop->budget.used >= held, "%s: %lld", chain, (long long)loop->budget.used);
    ck_assert(weir_next(gen, &item));
    ck_assert_msg(loop->budget.used <= 256 * KIB, "%s: %lld", chain, (long long)loop->budget.used);
    weir_discard(gen);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(what_an_item_needs_is_charged_and_given_back_before_the_next_pull)
{
    SWEPT_ELSEWHERE();
    weir_slice large = zeros(ZEROS);
    const weir_slice list[] = {large, slice("[2]")};
    const struct texts values = {list, 2, &weir_json_type}, lines = {list, 2, NULL};
    const int64_t tokens = (int64_t)2 * ZEROS * 8 - 256 * KIB, text = 2 * ZEROS;
    check_charged(values, "where .[0] != null", tokens);
    check_charged(values, "map length", tokens);
    check_charged(values, "map map(. + 1)", tokens + text + (int64_t)ZEROS * 16);
    check_charged(values, "ndjson", tokens);
    check_charged(lines, "json", tokens);
    check_charged(lines, "regex `(?<all>.*)`", text);
    check_charged(lines, "logfmt", text);
    free((void *)(uintptr_t)large.data);
}

/* Of a packet of NetFlow v9: templates with the numbers 256, 257, ... and one field each, and a
 * record of the first one. */
static weir_slice templates(unsigned count)
{
    size_t len = 20 + 4 + (size_t)8 * count + 8;
    unsigned char *packet = calloc(1, len), *at = packet + 20;
    ck_assert_ptr_nonnull(packet);
    packet[1] = 9;
    at[2] = (unsigned char)((4 + 8 * count) >> 8);
    at[3] = (unsigned char)(4 + 8 * count);
    at += 4;
    for (unsigned i = 0; i < count; i++, at += 8) {
        const unsigned char one[8] = {
            (unsigned char)((256 + i) >> 8), (unsigned char)(256 + i), 0, 1, 0, 1, 0, 4};
        memcpy(at, one, sizeof one);
    }
    memcpy(at, "\1\0\0\10\0\0\0\7", 8);
    return (weir_slice){(char *)packet, len};
}

TEST(templates_are_charged_and_those_without_room_are_refused)
{
    weir_item item;
    weir_error error;
    weir_slice packet = templates(wr_test_sweeps() ? 70 : 4000);
    const weir_slice list[] = {packet, packet};
    weir_loop *loop = loop_of(2 * SMALL);
    weir_gen *gen =
        weir_parse(weir_root(loop), texts(weir_root(loop), (struct texts){list, 2, NULL}),
                   "netflow on-error=stop", NULL);
    if (wr_test_sweeps()) {
        while (weir_next(gen, &item)) {}
        weir_discard(gen);
        weir_loop_free(loop);
        free((void *)(uintptr_t)packet.data);
        return;
    }
    ck_assert(weir_next(gen, &item)); /* the record behind them */
    ck_assert_uint_eq(item.len, 4);
    ck_assert_int_gt(loop->budget.used, 200 * KIB);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_ptr_nonnull(strstr(error.message, "too much memory for them"));
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
    free((void *)(uintptr_t)packet.data);
}

MAIN("stage/memory")
