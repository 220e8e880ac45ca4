/*
 * test_codec_media.c - how a body is read, by its Content-Type.
 */
#include "codec_media.h"
#include "support_check.h"

static const struct {
    const char *type;
    enum wr_media media;
} types[] = {
    {"application/json", WR_MEDIA_JSON},
    {"APPLICATION/JSON", WR_MEDIA_JSON},
    {"application/problem+json", WR_MEDIA_JSON},
    {"+json", WR_MEDIA_LINES},
    {"application/jsonx", WR_MEDIA_LINES},
    {"application/x-ndjson", WR_MEDIA_LINES},
    {"text/csv", WR_MEDIA_CSV},
    {"text/tab-separated-values", WR_MEDIA_TSV},
    {"text/event-stream", WR_MEDIA_EVENTS},
    {"text/plain", WR_MEDIA_LINES},
    {"application/gzip", WR_MEDIA_GZIP},
    {"application/x-gzip", WR_MEDIA_GZIP},
    {"application/zstd", WR_MEDIA_ZSTD},
    {"", WR_MEDIA_LINES},
};

TEST(a_type_says_how_a_body_is_read)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ck_assert_msg(wr_media_of(wr_text_of(types[i].type)) == types[i].media, "%s",
                      types[i].type);
    }
}

TEST(what_is_inside_a_compressed_body_is_known_by_the_path)
{
    static const struct {
        const char *url;
        enum wr_media media;
    } urls[] = {{"http://h/a.csv.gz", WR_MEDIA_CSV},
                {"http://h/a.CSV.GZ?x=.json.gz#y", WR_MEDIA_CSV},
                {"http://h/a.tsv.zst", WR_MEDIA_TSV},
                {"http://h/a.json.gz", WR_MEDIA_JSON},
                {"http://h/a.sse.gz", WR_MEDIA_EVENTS},
                {"http://h/a.ndjson.gz", WR_MEDIA_LINES},
                {"http://h/a.csv", WR_MEDIA_LINES},
                {"http://h/?a.csv.gz", WR_MEDIA_LINES},
                {"", WR_MEDIA_LINES}};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        ck_assert_msg(wr_media_inside(urls[i].url) == urls[i].media, "%s", urls[i].url);
    }
}

TEST(a_word_stands_for_each_way_of_reading)
{
    for (int i = WR_MEDIA_LINES; i < WR_MEDIA_COUNT; i++) {
        const char *word = wr_media_word((enum wr_media)i);
        ck_assert_int_eq((int)wr_media_of_word(wr_text_of(word)), i);
    }
    ck_assert_int_eq(wr_media_of_word(wr_text_of("csv2")), WR_MEDIA_UNKNOWN);
    ck_assert_int_eq(wr_media_of_word(wr_text_of("")), WR_MEDIA_UNKNOWN);
}

TEST(an_item_over_the_limit_is_skipped_or_a_failure)
{
    ck_assert_int_eq(wr_media_framing(WR_MEDIA_JSON, false).overlong, WEIR_LONG_SKIP);
    ck_assert_int_eq(wr_media_framing(WR_MEDIA_CSV, true).overlong, WEIR_LONG_FAILS);
    ck_assert_int_eq(wr_media_framing(WR_MEDIA_CSV, true).header, 1);
    ck_assert_int_eq(wr_media_framing(WR_MEDIA_TSV, true).delim, '\t');
    ck_assert_int_eq(wr_media_framing(WR_MEDIA_LINES, true).kind, WEIR_FRAME_LINES);
}

MAIN("codec/media")
