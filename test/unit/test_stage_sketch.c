/*
 * test_stage_sketch.c - quantiles and the number of different values, beside what is exact.
 */
#include <math.h>
#include <stdlib.h>

#include "base_error.h"
#include "stage_sketch.h"
#include "support_check.h"

static struct wr_arena arena;

static uint64_t state = 1;

static uint64_t random_bits(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = state;
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

static double random_real(void)
{
    return (double)(random_bits() >> 11) / 9007199254740992.0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each quantile of the numbers is at most 1 % away. */
static void check_quantiles(double *numbers, size_t count)
{
    static const double shares[] = {0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    struct wr_quantiles quantiles = {0};
    for (size_t i = 0; i < count; i++) {
        ck_assert(wr_quantiles_add(&quantiles, &arena, numbers[i]));
    }
    qsort(numbers, count, sizeof *numbers, by_value);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double place = ceil(shares[i] * (double)count);
        double exact = numbers[place < 1 ? 0 : (size_t)place - 1];
        double told = wr_quantiles_at(&quantiles, shares[i]);
        ck_assert_msg(fabs(told - exact) <= fabs(exact) * 0.010001, "%g of %zu: %g, not %g",
                      shares[i], count, told, exact);
    }
}

TEST(quantiles_are_within_one_percent)
{
    enum { COUNT = 20000 };
    double *numbers = malloc(COUNT * sizeof *numbers);
    wr_arena_init(&arena, (size_t)64 << 20);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t count = 1; count <= COUNT; count = count * 7 + 1) {
            for (size_t i = 0; i < count; i++) {
                double x = random_real();
                numbers[i] = kind == 0   ? x
                             : kind == 1 ? -log(1 - x) * 100
                             : kind == 2 ? (x - 0.5) * 1e6
                                         : exp((x - 0.5) * 30);
            }
            check_quantiles(numbers, count);
        }
    }
    free(numbers);
    wr_arena_fini(&arena);
}

TEST(quantiles_know_zero_and_numbers_below_it)
{
    double numbers[] = {0, 0, -1, -2, 3, 0, 5, -1000};
    wr_arena_init(&arena, (size_t)1 << 20);
    check_quantiles(numbers, sizeof numbers / sizeof *numbers);
    wr_arena_fini(&arena);
}

TEST(numbers_of_any_size_fit_and_the_largest_ones_stay_right)
{
    struct wr_quantiles quantiles = {0};
    wr_arena_init(&arena, (size_t)1 << 20);
    for (int power = -300; power <= 300; power++) {
        ck_assert(wr_quantiles_add(&quantiles, &arena, pow(10, power)));
    }
    ck_assert(wr_quantiles_add(&quantiles, &arena, INFINITY));
    ck_assert(fabs(wr_quantiles_at(&quantiles, 600.0 / 602) / 1e299 - 1) < 0.0101);
    ck_assert(isfinite(wr_quantiles_at(&quantiles, 1)));
    ck_assert(arena.bytes < 128 * 1024);
    wr_arena_fini(&arena);
}

TEST(different_values_are_counted_exactly_at_first_and_then_nearly)
{
    struct wr_distinct distinct = {0};
    wr_arena_init(&arena, (size_t)1 << 20);
    for (uint64_t i = 1; i <= 200000; i++) {
        uint64_t hash = random_bits();
        ck_assert(wr_distinct_add(&distinct, &arena, hash));
        ck_assert(wr_distinct_add(&distinct, &arena, hash));
        if (i > WR_DISTINCT_EXACT && i % 1000 != 0) {
            continue;
        }
        uint64_t told = wr_distinct_count(&distinct);
        if (i <= WR_DISTINCT_EXACT) {
            ck_assert_uint_eq(told, i);
        } else { /* four standard errors */
            ck_assert_msg(fabs((double)told / (double)i - 1) < 0.065, "%llu of %llu",
                          (unsigned long long)told, (unsigned long long)i);
        }
    }
    ck_assert(arena.bytes < 64 * 1024);
    wr_arena_fini(&arena);
}

TEST(without_memory_nothing_changes)
{
    struct wr_quantiles quantiles = {0};
    struct wr_distinct distinct = {0};
    wr_arena_init(&arena, 1);
    ck_assert(!wr_quantiles_add(&quantiles, &arena, 1));
    ck_assert_uint_eq(quantiles.total, 0);
    ck_assert(!wr_distinct_add(&distinct, &arena, 1));
    ck_assert_uint_eq(wr_distinct_count(&distinct), 0);
    wr_arena_fini(&arena);
}

MAIN("stage/sketch")
