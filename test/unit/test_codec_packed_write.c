/*
 * test_codec_packed_write.c - JSON and records as MessagePack and CBOR: the bytes, that they are read
 * back, and the framer of their values at every chunking.
 */
#include "codec_packed_write.h"
#include "support_framer.h"

struct format {
    wr_packed_read *read;
    wr_packed_write *write;
};
static const struct format msgpack = {wr_msgpack_read, wr_msgpack_write};
static const struct format cbor = {wr_cbor_read, wr_cbor_write};

/* Write a JSON text, into a heap block of its own. */
static struct wr_out write_json(const struct format *format, const char *text, size_t len, int *rc)
{
    struct wr_json json;
    struct wr_fields fields = {0};
    struct wr_out count = {NULL, 0, 0};
    wr_fault_pause(true); /* what is written is compared; the stages are swept */
    wr_json_init(&json);
    MUST(wr_json_index(&json, text, len) == 0);
    *rc = wr_packed_write_json(&count, &fields, format->write, &json);
    struct wr_out out = {malloc(count.len + 1), count.len, 0};
    ck_assert_int_eq(wr_packed_write_json(&out, &fields, format->write, &json), *rc);
    ck_assert_uint_eq(out.len, count.len);
    wr_fields_fini(&fields);
    wr_json_fini(&json);
    wr_fault_pause(false);
    return out;
}

static void becomes(const struct format *format, const char *json, const char *bytes, size_t len)
{
    int rc;
    struct wr_out out = write_json(format, json, strlen(json), &rc);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(out.len == len && memcmp(out.to, bytes, len) == 0, "%s", json);
    free(out.to);
}
#define BYTES(text) (text), sizeof(text) - 1

/* What is written is read as the same JSON. */
static void comes_back(const struct format *format, const char *text, size_t len,
                       const char *expected)
{
    int rc;
    size_t used;
    static struct wr_packed packed;
    struct wr_out out = write_json(format, text, len, &rc);
    struct wr_out json = {malloc(2 * len + 64), 2 * len + 64, 0};
    ck_assert_int_eq(rc, 0);
    wr_packed_init(&packed, format->read);
    ck_assert_int_eq(wr_packed_walk(&packed, out.to, out.len, &used, &json), 1);
    ck_assert_uint_eq(used, out.len);
    ck_assert_uint_eq(json.len, strlen(expected));
    ck_assert_mem_eq(json.to, expected, json.len);
    free(json.to);
    free(out.to);
}

TEST(values_have_their_shortest_form)
{
    becomes(&msgpack, "[null,true,false,127,128,-32,-33,\"a\"]",
            BYTES("\x98\xc0\xc3\xc2\x7f\xcc\x80\xe0\xd0\xdf\xa1"
                  "a"));
    becomes(&cbor, "[null,true,false,23,24,-24,-25,\"a\"]",
            BYTES("\x88\xf6\xf5\xf4\x17\x18\x18\x37\x38\x18\x61"
                  "a"));
    becomes(&msgpack, "{\"a\": {\"\": [ ]}}",
            BYTES("\x81\xa1"
                  "a\x81\xa0\x90"));
    becomes(&cbor, "{\"a\": {\"\": [ ]}}",
            BYTES("\xa1\x61"
                  "a\xa1\x60\x80"));
    becomes(&msgpack, "1.5", BYTES("\xcb\x3f\xf8\0\0\0\0\0\0"));
    becomes(&cbor, "1.5", BYTES("\xfb\x3f\xf8\0\0\0\0\0\0"));
}

TEST(numbers_and_texts_of_each_size_come_back)
{
    static const char *const numbers[] = {
        "0",
        "127",
        "128",
        "255",
        "256",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "-1",
        "-32",
        "-33",
        "-128",
        "-129",
        "-32768",
        "-32769",
        "-2147483648",
        "-2147483649",
        "-9223372036854775808",
        "-0",
        "0.1",
        "-2.5e-300",
        "true",
        "null",
        "\"\\n\\\"\"",
        "{\"a\":[1,{}]}",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        comes_back(&msgpack, numbers[i], strlen(numbers[i]), numbers[i]);
        comes_back(&cbor, numbers[i], strlen(numbers[i]), numbers[i]);
    }
    static const size_t lens[] = {23, 24, 31, 32, 255, 256, 65535, 65536};
    static char text[65536 + 3];
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        memset(text, 'x', sizeof text);
        text[0] = text[lens[i] + 1] = '"';
        text[lens[i] + 2] = '\0';
        comes_back(&msgpack, text, lens[i] + 2, text);
        comes_back(&cbor, text, lens[i] + 2, text);
        memset(text, '1', sizeof text); /* an array of about as many */
        size_t len = 1;
        for (text[0] = '['; len + 2 < lens[i]; len += 2) {
            text[len + 1] = ',';
        }
        text[len - 1] = ']';
        text[len] = '\0';
        comes_back(&msgpack, text, len, text);
        comes_back(&cbor, text, len, text);
    }
}

TEST(an_integer_below_64_bits_stays_one_in_cbor)
{
    static const char least[] = "-18446744073709551615";
    comes_back(&cbor, least, sizeof least - 1, least);
    comes_back(&msgpack, least, sizeof least - 1, "-1.8446744073709552e+19");
}

TEST(what_no_real_can_hold_is_rejected)
{
    int rc;
    struct wr_out out = write_json(&cbor, "[1e999]", 7, &rc);
    ck_assert_int_eq(rc, WEIR_EPARSE);
    free(out.to);
}

TEST(a_record_is_a_map_and_other_bytes_stay_bytes)
{
    static const weir_slice names[] = {WR_SLICE("n"), WR_SLICE("b"), WR_SLICE("t"), WR_SLICE("x")};
    static const weir_slice values[] = {WR_SLICE("7"), WR_SLICE("true"), WR_SLICE("7"),
                                        WR_SLICE("\xff")};
    static const uint8_t kinds[] = {WEIR_VALUE_NUMBER, WEIR_VALUE_BOOL, WEIR_VALUE_STRING,
                                    WEIR_VALUE_STRING};
    const struct wr_row row = {.names = names, .values = values, .kinds = kinds, .count = 4};
    static const char expected[] = "\x84\xa1n\x07\xa1"
                                   "b\xc3\xa1t\xa1"
                                   "7\xa1x\xc4\x01\xff";
    char got[64];
    struct wr_fields fields = {0};
    struct wr_out out = {got, sizeof got, 0};
    ck_assert_int_eq(wr_packed_write_row(&out, &fields, wr_msgpack_write, &row), 0);
    ck_assert_uint_eq(out.len, sizeof expected - 1);
    ck_assert_mem_eq(got, expected, out.len);
}

/* ---- the framer */

TEST(a_stream_is_cut_into_its_values)
{
    static const struct framing packed = {WEIR_FRAME_MSGPACK, WEIR_LONG_SKIP, 1000, 0, NULL};
    static const struct framing tagged = {WEIR_FRAME_CBOR, WEIR_LONG_SKIP, 1000, 0, NULL};
    frames_as(&packed, BYTES("\x01\xa2gh\x92\x01\xa1x\x81\xa1k\x90"),
              "\x01|\xa2gh|\x92\x01\xa1x|\x81\xa1k\x90|");
    frames_as(&tagged, BYTES("\x01\x62gh\x9f\x01\xff\xc1\x19 !"),
              "\x01|\x62gh|\x9f\x01\xff|\xc1\x19 !|");
    frames_as(&packed, BYTES(""), "");
    frames_as(&tagged, BYTES("\x7f\x61g\x60\x62hi\xff\x5f\xff!\xa1\x7f\x61k\xff!"),
              "\x7f\x61g\x60\x62hi\xff|\x5f\xff|!|\xa1\x7f\x61k\xff!|");
}

TEST(a_long_value_is_skipped_and_the_next_one_is_found)
{
    static const struct framing small = {WEIR_FRAME_MSGPACK, WEIR_LONG_SKIP, 4, 0, NULL};
    static const struct framing fails = {WEIR_FRAME_MSGPACK, WEIR_LONG_FAILS, 4, 0, NULL};
    char expected[32];
    frames_as(&small, BYTES("\x01\xa4klmn\x02\x95ghijk\xa3xyz"), "\x01|\x02|\xa3xyz|");
    snprintf(expected, sizeof expected, "\x01|<%d>", -WEIR_ETOOLONG);
    frames_as(&fails, BYTES("\x01\xa4klmn\x02"), expected);
    /* the limit is over the sum of a string in pieces */
    static const struct framing pieces = {WEIR_FRAME_CBOR, WEIR_LONG_SKIP, 6, 0, NULL};
    frames_as(&pieces, BYTES("!\x7f\x61k\x61l\xff!\x7f\x61k\x62lm\xff!"),
              "!|\x7f\x61k\x61l\xff|!|!|");
}

TEST(what_is_malformed_or_not_complete_ends_the_stream)
{
    static const struct framing packed = {WEIR_FRAME_MSGPACK, WEIR_LONG_SKIP, 1000, 0, NULL};
    char expected[96];
    snprintf(expected, sizeof expected, "\x01|<%d the byte 0xc1, which MessagePack does not use>",
             -WEIR_EPARSE);
    frames_as(&packed, BYTES("\x01\xc1\x02"), expected);
    snprintf(expected, sizeof expected, "\x01|<%d the input ends inside a value>",
             -WEIR_ETRUNCATED);
    frames_as(&packed, BYTES("\x01\xa4kl"), expected);
    frames_as(&packed, BYTES("\x01\x92\x02"), expected);
    frames_as(&packed, BYTES("\x01\xcd\x02"), expected);
    static const struct framing strings = {WEIR_FRAME_CBOR, WEIR_LONG_SKIP, 1000, 0, NULL};
    frames_as(&strings, BYTES("\x01\x7f\x61k"), expected);
    frames_as(&strings, BYTES("\x01\x5f"), expected);
    snprintf(expected, sizeof expected,
             "\x01|<%d a piece of a text is not a text whose length is known>", -WEIR_EPARSE);
    frames_as(&strings, BYTES("\x01\x7f\x61k\x41k\xff\x02"), expected);
}

MAIN("codec/packed_write")
