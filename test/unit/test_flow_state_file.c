/*
 * The durable record's text: it comes back as it was, and whatever has happened to it is noticed.
 */
#include "flow_state_file.h"
#include "support_check.h"

static struct wr_state_record sample;
static char text[WR_STATE_TEXT_MAX + 16];

static size_t encode_sample(void)
{
    memset(&sample, 0, sizeof sample);
    snprintf(sample.name, sizeof sample.name, "a pipeline");
    sample.saved_ms = 1700000000123;
    sample.sink_length = 4711;
    sample.sources_count = 2;
    sample.sources[0].offset = 1234567890123;
    sample.sources[0].items = 42;
    sample.sources[0].inside = true;
    snprintf(sample.sources[0].validator, sizeof sample.sources[0].validator, "W/\"50%% \n\x80\"");
    snprintf(sample.sources[0].name, sizeof sample.sources[0].name, "http://feed/a b");
    sample.sources[1].finished = true;
    return wr_state_encode(&sample, text);
}

TEST(crc_is_castagnoli)
{
    ck_assert_uint_eq(wr_crc32c(0, "123456789", 9), 0xe3069283);
}

TEST(record_comes_back_as_it_was)
{
    struct wr_state_record back;
    size_t len = encode_sample();

    ck_assert_ptr_null(wr_state_decode(&back, text, len));

    ck_assert_mem_eq(&back, &sample, sizeof back);
}

TEST(every_bit_flip_is_detected)
{
    struct wr_state_record back;
    size_t len = encode_sample();
    for (size_t bit = 0; bit < len * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        ck_assert_ptr_nonnull(wr_state_decode(&back, text, len));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
    ck_assert_ptr_null(wr_state_decode(&back, text, len));
}

TEST(every_truncation_and_addition_is_detected)
{
    struct wr_state_record back;
    size_t len = encode_sample();
    for (size_t cut = 0; cut < len; cut++) {
        ck_assert_ptr_nonnull(wr_state_decode(&back, text, cut));
    }
    text[len] = '\n';
    ck_assert_ptr_nonnull(wr_state_decode(&back, text, len + 1));
}

TEST(longest_names_fit)
{
    struct wr_state_record back;
    memset(&sample, 0, sizeof sample);
    memset(sample.name, 0x80, sizeof sample.name - 1);
    sample.sources_count = WR_STATE_SOURCES_MAX;
    for (size_t i = 0; i < WR_STATE_SOURCES_MAX; i++) {
        memset(sample.sources[i].name, 0x80, sizeof sample.sources[i].name - 1);
        memset(sample.sources[i].validator, 0x80, sizeof sample.sources[i].validator - 1);
        sample.sources[i].offset = sample.sources[i].items = UINT64_MAX;
    }

    size_t len = wr_state_encode(&sample, text);

    ck_assert_uint_lt(len, WR_STATE_TEXT_MAX);
    ck_assert_ptr_null(wr_state_decode(&back, text, len));
}

TEST(another_version_is_told)
{
    static const char other[] = "weir-state 2\n";
    struct wr_state_record back;
    int len = snprintf(text, sizeof text, "%scrc32c %08x\n", other,
                       (unsigned)wr_crc32c(0, other, sizeof other - 1));
    const char *why = wr_state_decode(&back, text, (size_t)len);
    ck_assert_ptr_nonnull(why);
    ck_assert_ptr_nonnull(strstr(why, "another version"));
}

MAIN("flow/state_file")
