/*
 * What the records of a source's items weigh: long arrays are charged to the loop's budget, and the
 * charge ends with them.
 */
#include "bytes_origin.h"

#include "bytes_entry.h"
#include "support_check.h"
#include "support_positions.h"
#include "support_receipts.h"

enum { ROW = 64, ROWS = 1000 };

static struct wr_origin origin;
static struct wr_budget budget;

static void fresh(void)
{
    budget = (struct wr_budget){.limit = INT64_C(1) << 40};
    wr_origin_init(&origin, 1, "test");
    origin.budget = &budget;
}

static size_t entries_bytes(void)
{
    return origin.entries_cap * sizeof *origin.entries;
}

static size_t ends_bytes(void)
{
    return origin.positions != NULL ? origin.positions->ends_cap * sizeof *origin.positions->ends
                                    : 0;
}

static size_t gaps_bytes(void)
{
    return origin.positions != NULL ? origin.positions->gaps_cap * sizeof *origin.positions->gaps
                                    : 0;
}

static void check_charge(void)
{
    ck_assert_int_eq(budget.slots,
                     (int64_t)(wr_books_weight(entries_bytes()) + wr_books_weight(ends_bytes()) +
                               wr_books_weight(gaps_bytes())));
    ck_assert_int_eq(budget.used, budget.slots);
}

/* Lend so many rows, with an end for each item if the origin keeps them, and hold the first item of
 * every second row. */
static void lend_rows(size_t rows)
{
    bool ok = true;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; origin.positions != NULL && i < ROW; i++) {
            ok = ok && wr_origin_push_end(&origin, row * ROW + i) == 0;
        }
        wr_origin_lend(&origin, ROW);
        ok = ok && (row % 2 != 0 || wr_test_ref(&origin, row * ROW + 1, row * ROW + 1) == 0);
    }
    wr_origin_lend(&origin, 0);
    ck_assert(ok);
}

TEST(books_of_held_items_are_charged)
{
    fresh();
    lend_rows(ROWS);
    ck_assert_uint_gt(entries_bytes(), WR_BOOKS_FREE_BYTES);
    check_charge();

    for (size_t row = 0; row < ROWS; row += 2) {
        wr_test_unref(&origin, row * ROW + 1, row * ROW + 1, WR_ACT_COMMIT);
        check_charge();
    }

    ck_assert_int_eq(budget.slots, 0);
    wr_origin_fini(&origin);
}

TEST(books_of_held_items_are_given_back_with_the_source)
{
    fresh();
    lend_rows(ROWS);
    ck_assert_int_gt(budget.slots, 0);

    wr_origin_fini(&origin);

    ck_assert_int_eq(budget.used, 0);
}

TEST(books_of_offsets_and_of_gaps_between_them_are_charged)
{
    fresh();
    wr_test_keep_positions(&origin, 0);

    lend_rows(ROWS);

    ck_assert_uint_gt(ends_bytes(), WR_BOOKS_FREE_BYTES);
    ck_assert_uint_gt(gaps_bytes(), WR_BOOKS_FREE_BYTES);
    check_charge();
    wr_origin_fini(&origin);
    ck_assert_int_eq(budget.used, 0);
}

MAIN("bytes/books")
