/*
 * test_codec_unit.c - what numbers with units mean that are written as people write them.
 */
#include "codec_unit.h"
#include "support_check.h"

static void means(const char *text, enum wr_unit unit, const char *number, const char *written)
{
    struct wr_unit_meant meant;
    bool found = wr_unit_meant(wr_text_of(text), unit, &meant);
    ck_assert_msg(found == (number != NULL), "'%s'", text);
    if (found) {
        ck_assert_str_eq(meant.number, number);
        ck_assert_str_eq(meant.text, written);
    }
}

TEST(a_time_is_a_number_of_seconds)
{
    means("5min", WR_UNIT_ANY, "300", "5m");
    means("5 mins", WR_UNIT_TIME, "300", "5m");
    means("1h30m", WR_UNIT_ANY, "5400", "1h30m");
    means("1.5hours", WR_UNIT_ANY, "5400", "1.5h");
    means("250msec", WR_UNIT_TIME, "0.25", "250ms");
    means("2Days", WR_UNIT_TIME, "172800", "2d");
    means("5M", WR_UNIT_TIME, "300", "5m");
}

TEST(a_size_is_a_number_of_bytes)
{
    means("10MiB", WR_UNIT_ANY, "10485760", "10MiB");
    means("10 megs", WR_UNIT_SIZE, "10485760", "10MiB");
    means("5mb", WR_UNIT_SIZE, "5000000", "5MB");
    means("5M", WR_UNIT_ANY, "5242880", "5MiB");
    means("5m", WR_UNIT_SIZE, "5242880", "5MiB");
    means("1.5k", WR_UNIT_SIZE, "1536", "1.5KiB");
    means("3bytes", WR_UNIT_SIZE, "3", "3B");
}

TEST(other_words_have_no_unit)
{
    static const char *const words[] = {
        "", "5", "m", "5x", "5m5", "5.5.5m", "1K1K", "5 ", "-5m", "1234567890123456s", "5/s"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        means(words[i], WR_UNIT_ANY, NULL, NULL);
    }
    means("5s", WR_UNIT_SIZE, NULL, NULL);
    means("5KiB", WR_UNIT_TIME, NULL, NULL);
    means("1h5K", WR_UNIT_ANY, NULL, NULL);
}

MAIN("codec/unit")
