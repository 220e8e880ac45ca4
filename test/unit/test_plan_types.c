/*
 * test_plan_types.c - values as they are written in a text and in flags.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_text.h"
#include "support_check.h"

#define REFUSED (-1)

struct sample {
    const char *text;
    int64_t value; /* REFUSED: it is not of this form */
};

static const struct sample sizes[] = {
    {"0B", 0},
    {"512B", 512},
    {"64K", 65536},
    {"64Ki", 65536},
    {"64KiB", 65536},
    {"64KB", 64000},
    {"1M", 1 << 20},
    {"1MiB", 1 << 20},
    {"1MB", 1000000},
    {"2G", INT64_C(2) << 30},
    {"3GB", INT64_C(3000000000)},
    {"1.5KiB", 1536},
    {"0.5K", 512},
    {"", REFUSED},
    {"64", REFUSED},
    {"K", REFUSED},
    {"64k", REFUSED},
    {"64KiBs", REFUSED},
    {"64 K", REFUSED},
    {"1.5B", REFUSED},
    {"1.K", REFUSED},
    {".5K", REFUSED},
    {"-1K", REFUSED},
    {"1s", REFUSED},
    {"9223372036854775807B", INT64_MAX},
    {"9223372036854775808B", REFUSED},
    {"9223372036854775807K", REFUSED},
    {"1.0000000001K", REFUSED},
};

static const struct sample times[] = {
    {"500ms", 500},
    {"1s", 1000},
    {"1.5s", 1500},
    {"1m30s", 90000},
    {"1h", 3600000},
    {"1d2h3m4s5ms", 93784005},
    {"0ms", 0},
    {"0.25m", 15000},
    {"", REFUSED},
    {"5", REFUSED},
    {"5S", REFUSED},
    {"1s1m", REFUSED},
    {"1s1s", REFUSED},
    {"1m30", REFUSED},
    {"0.5ms", REFUSED},
    {"1 s", REFUSED},
    {"-1s", REFUSED},
    {"1K", REFUSED},
    {"106751991167300d", REFUSED},
    {"99999999999999999999s", REFUSED},
};

TEST(sizes_have_a_unit)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int64_t bytes = REFUSED;
        int rc = weir_size_read(sizes[i].text, &bytes);
        ck_assert_msg((rc == 0) == (sizes[i].value != REFUSED), "%s gives %d", sizes[i].text, rc);
        ck_assert(rc != 0 || bytes == sizes[i].value);
    }
}

TEST(times_have_units_from_large_to_small)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t ms = REFUSED;
        int rc = weir_time_read(times[i].text, &ms);
        ck_assert_msg((rc == 0) == (times[i].value != REFUSED), "%s gives %d", times[i].text, rc);
        ck_assert(rc != 0 || ms == times[i].value);
    }
}

TEST(counts_are_digits)
{
    int64_t count;
    ck_assert_int_eq(wr_plan_count_read("1000x", 4, &count), 0);
    ck_assert_int_eq(count, 1000);
    ck_assert_int_eq(wr_plan_count_read("10x", 3, &count), WEIR_EINVAL);
    ck_assert_int_eq(wr_plan_count_read("", 0, &count), WEIR_EINVAL);
    ck_assert_int_eq(wr_plan_count_read("99999999999999999999", 20, &count), WR_PLAN_TOO_LARGE);
}

TEST(a_range_may_be_without_end)
{
    weir_range range;
    ck_assert_int_eq(wr_plan_range_read("1..10", 5, &range), 0);
    ck_assert_int_eq(range.first, 1);
    ck_assert_int_eq(range.last, 10);
    ck_assert_int_eq(wr_plan_range_read("7..", 3, &range), 0);
    ck_assert_int_eq(range.first, 7);
    ck_assert_int_eq(range.last, WEIR_NONE);
    ck_assert_int_eq(wr_plan_range_read("7", 1, &range), WEIR_EINVAL);
    ck_assert_int_eq(wr_plan_range_read("..7", 3, &range), WEIR_EINVAL);
    ck_assert_int_eq(wr_plan_range_read("1..2..3", 7, &range), WEIR_EINVAL);
}

TEST(a_rate_is_of_items_or_of_bytes)
{
    static const struct {
        const char *text;
        int64_t amount, per_ms;
        int32_t bytes;
    } rates[] = {{"50/s", 50, 1000, 0},
                 {"1MiB/s", 1 << 20, 1000, 1},
                 {"3/m", 3, 60000, 0},
                 {"64KB/h", 64000, 3600000, 1}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        weir_rate rate;
        ck_assert_int_eq(wr_plan_rate_read(rates[i].text, strlen(rates[i].text), &rate), 0);
        ck_assert_int_eq(rate.amount, rates[i].amount);
        ck_assert_int_eq(rate.per_ms, rates[i].per_ms);
        ck_assert_int_eq(rate.bytes, rates[i].bytes);
    }
    static const char *const wrong[] = {"50", "50/", "/s", "50/x", "50/ss", "x/s", "1.5/s", "-1/s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_rate rate;
        ck_assert_int_eq(wr_plan_rate_read(wrong[i], strlen(wrong[i]), &rate), WEIR_EINVAL);
    }
}

MAIN("plan/types")
