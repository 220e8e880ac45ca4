/*
 * test_flow_position.c - positions that are texts: which one a number stands for, and how long they
 * are kept.
 */
#include "flow_position.h"

#include <stdio.h>
#include <string.h>

#include "support_flow.h"

static struct wr_origin origin;
static weir_loop *loop;
static struct wr_texts *texts;

static void begin(const char *start)
{
    loop = test_loop();
    wr_origin_init(&origin, 1, "test");
    texts = wr_texts_keep(&origin, &loop->budget, "id", wr_text_of(start));
    ck_assert_ptr_nonnull(texts);
}

static void end(void)
{
    wr_origin_fini(&origin);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

static void add(uint64_t number, const char *text)
{
    ck_assert_int_eq(wr_texts_add(texts, number, wr_text_of(text)), 0);
}

static const char *at(uint64_t number)
{
    static char text[64];
    size_t len = origin.positions->ops->text(origin.positions, number, text, sizeof text);
    ck_assert_uint_eq(len, strlen(text));
    return text;
}

static void forget(uint64_t before)
{
    origin.positions->ops->forget(origin.positions, before);
}

TEST(a_number_stands_for_the_last_text_at_or_before_it)
{
    begin("start");
    add(10, "a");
    add(20, "b c");
    add(30, "");

    ck_assert_str_eq(at(0), "id start");
    ck_assert_str_eq(at(9), "id start");
    ck_assert_str_eq(at(10), "id a");
    ck_assert_str_eq(at(19), "id a");
    ck_assert_str_eq(at(20), "id b c");
    ck_assert_str_eq(at(30), "id ");
    ck_assert_str_eq(at(UINT64_C(1) << 60), "id ");
    end();
}

TEST(what_an_origin_marks_in_a_number_changes_nothing)
{
    begin("start");
    add(10, "a");
    add(20 | WR_END_LEFT_OUT, "b");

    ck_assert_str_eq(at(10 | WR_END_LEFT_OUT), "id a");
    ck_assert_str_eq(at(20), "id b");
    forget(20 | WR_END_LEFT_OUT);
    ck_assert_str_eq(at(20), "id b");
    end();
}

TEST(a_text_that_stays_the_same_takes_no_memory)
{
    begin("a");
    int64_t used = loop->budget.used;

    for (uint64_t i = 1; i < 1000; i++) {
        add(i, "a");
    }

    ck_assert_int_eq(loop->budget.used, used);
    ck_assert_str_eq(at(500), "id a");
    end();
}

TEST(texts_are_kept_until_they_are_forgotten_and_the_newest_for_ever)
{
    if (wr_test_sweeps()) {
        return; /* the short ones make the same calls */
    }
    begin("start");
    int64_t most = 0;
    for (uint64_t i = 1; i < 10000; i++) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        add(i * 10, text);
        if (i > 20) {
            forget((i - 20) * 10 + 5);
            snprintf(text, sizeof text, "id %llu", (unsigned long long)(i - 20));
            ck_assert_str_eq(at((i - 20) * 10 + 5), text);
        }
        most = WR_MAX(most, loop->budget.used);
    }
    forget(UINT64_C(1) << 50);

    ck_assert_int_lt(most, 2000);
    ck_assert_str_eq(at(UINT64_C(1) << 50), "id 9999");
    end();
}

TEST(a_text_is_read_as_it_was_written)
{
    ck_assert_str_eq(wr_texts_read("id a b", "id"), "a b");
    ck_assert_str_eq(wr_texts_read("id  a", "id"), " a");
    ck_assert_str_eq(wr_texts_read("id ", "id"), "");
    ck_assert_str_eq(wr_texts_read("id", "id"), "");
    ck_assert_ptr_null(wr_texts_read("ids a", "id"));
    ck_assert_ptr_null(wr_texts_read("offset 3", "id"));
}

TEST(a_validator_is_read_whole_or_not_at_all)
{
    enum { MOST = (int)sizeof((struct wr_offset *)0)->validator - 1 };
    struct wr_offset offset;
    char text[MOST + 32];

    snprintf(text, sizeof text, "offset 7 %0*d", MOST, 1);
    ck_assert(wr_offset_read(&offset, text));
    ck_assert_uint_eq(strlen(offset.validator), MOST);
    ck_assert_uint_eq(offset.end, 7);

    snprintf(text, sizeof text, "offset 7 %0*d", MOST + 1, 1);
    ck_assert(!wr_offset_read(&offset, text));
}

MAIN("flow/position")
