/*
 * test_codec_packed.c - MessagePack and CBOR as JSON texts: at every chunking, cut, nested, and wrong.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

#include "codec_json.h"
#include "codec_packed.h"
#include "support_check.h"

#define BYTES(text) (text), sizeof(text) - 1

struct sample {
    const char *data;
    size_t len;
    const char *json;
};

static const struct sample msgpack[] = {
    {BYTES("\xc0"), "null"},
    {BYTES("\xc2"), "false"},
    {BYTES("\xc3"), "true"},
    {BYTES("\x00"), "0"},
    {BYTES("\x7f"), "127"},
    {BYTES("\xff"), "-1"},
    {BYTES("\xe0"), "-32"},
    {BYTES("\xcc\xff"), "255"},
    {BYTES("\xcd\x01\x00"), "256"},
    {BYTES("\xce\xff\xff\xff\xff"), "4294967295"},
    {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
    {BYTES("\xd0\x80"), "-128"},
    {BYTES("\xd0\x7f"), "127"},
    {BYTES("\xd1\xff\x7f"), "-129"},
    {BYTES("\xd2\x80\x00\x00\x00"), "-2147483648"},
    {BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808"},
    {BYTES("\xca\x3d\xcc\xcc\xcd"), "0.1"},
    {BYTES("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1"},
    {BYTES("\xcb\x3f\xd5\x55\x55\x55\x55\x55\x55"), "0.3333333333333333"},
    {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "null"},
    {BYTES("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"), "null"},
    {BYTES("\xa0"), "\"\""},
    {BYTES("\xa3"
           "a\"\n"),
     "\"a\\\"\\n\""},
    {BYTES("\xd9\x02\xff"
           "a"),
     "\"\xef\xbf\xbd"
     "a\""},
    {BYTES("\xda\x00\x01"
           "x"),
     "\"x\""},
    {BYTES("\xdb\x00\x00\x00\x01"
           "x"),
     "\"x\""},
    {BYTES("\xc4\x03\x00\x01\xff"), "\"AAH/\""},
    {BYTES("\xc5\x00\x00"), "\"\""},
    {BYTES("\x90"), "[]"},
    {BYTES("\x80"), "{}"},
    {BYTES("\x93\x01\xa1"
           "b\x91\xc0"),
     "[1,\"b\",[null]]"},
    {BYTES("\xdc\x00\x02\x01\x02"), "[1,2]"},
    {BYTES("\xdd\x00\x00\x00\x01\x90"), "[[]]"},
    {BYTES("\x82\xa1"
           "a\x01\xa1"
           "b\x81\xa1"
           "c\x90"),
     "{\"a\":1,\"b\":{\"c\":[]}}"},
    {BYTES("\xde\x00\x01\x05\xa1"
           "x"),
     "{\"5\":\"x\"}"},
    {BYTES("\x81\xff\xc3"), "{\"-1\":true}"},
    {BYTES("\xd6\x01\x00\x00\x00\x00"), "{\"ext\":1,\"data\":\"AAAAAA==\"}"},
    {BYTES("\xc7\x01\xff\x07"), "{\"ext\":-1,\"data\":\"Bw==\"}"},
};

/* Most are of RFC 8949, appendix A. */
static const struct sample cbor[] = {
    {BYTES("\x00"), "0"},
    {BYTES("\x17"), "23"},
    {BYTES("\x18\x18"), "24"},
    {BYTES("\x19\x03\xe8"), "1000"},
    {BYTES("\x1a\x00\x0f\x42\x40"), "1000000"},
    {BYTES("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
    {BYTES("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), "-18446744073709551616"},
    {BYTES("\x20"), "-1"},
    {BYTES("\x39\x03\xe7"), "-1000"},
    {BYTES("\xf9\x00\x00"), "0"},
    {BYTES("\xf9\x3c\x00"), "1"},
    {BYTES("\xf9\x3e\x00"), "1.5"},
    {BYTES("\xf9\x7b\xff"), "65504"},
    {BYTES("\xf9\x00\x01"), "5.9604645e-08"},
    {BYTES("\xf9\xc4\x00"), "-4"},
    {BYTES("\xf9\x7c\x00"), "null"},
    {BYTES("\xf9\x7e\x00"), "null"},
    {BYTES("\xfa\x47\xc3\x50\x00"), "100000"},
    {BYTES("\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"), "1.1"},
    {BYTES("\xfb\xc0\x10\x66\x66\x66\x66\x66\x66"), "-4.1"},
    {BYTES("\xf4"), "false"},
    {BYTES("\xf5"), "true"},
    {BYTES("\xf6"), "null"},
    {BYTES("\xf7"), "null"},
    {BYTES("\xf0"), "null"},
    {BYTES("\xf8\xff"), "null"},
    {BYTES("\xc1\x1a\x51\x4b\x67\xb0"), "1363896240"},
    {BYTES("\xd8\x20\x64"
           "http"),
     "\"http\""},
    {BYTES("\x44\x01\x02\x03\x04"), "\"AQIDBA==\""},
    {BYTES("\x60"), "\"\""},
    {BYTES("\x62\xc3\xbc"), "\"\xc3\xbc\""},
    {BYTES("\x80"), "[]"},
    {BYTES("\x83\x01\x82\x02\x03\x82\x04\x05"), "[1,[2,3],[4,5]]"},
    {BYTES("\xa0"), "{}"},
    {BYTES("\xa2\x01\x02\x03\x04"), "{\"1\":2,\"3\":4}"},
    {BYTES("\xa2\x61"
           "a\x01\x61"
           "b\x82\x02\x03"),
     "{\"a\":1,\"b\":[2,3]}"},
    {BYTES("\x5f\x42\x01\x02\x43\x03\x04\x05\xff"), "\"AQIDBAU=\""},
    {BYTES("\x5f\x41\x01\x40\x41\x02\x46\x03\x04\x05\x06\x07\x08\xff"), "\"AQIDBAUGBwg=\""},
    {BYTES("\x5f\xff"), "\"\""},
    {BYTES("\x7f\xff"), "\"\""},
    {BYTES("\x7f\x65strea\x64ming\xff"), "\"streaming\""},
    {BYTES("\x7f\x62\"\n\x60\xff"), "\"\\\"\\n\""},
    /* a character that is cut is none */
    {BYTES("\x7f\x61\xc3\x61\xbc\x62\xc3\xbc\xff"), "\"\xef\xbf\xbd\xef\xbf\xbd\xc3\xbc\""},
    {BYTES("\xa1\x7f\x61\x6b\x61\x31\xff\x9f\x5f\x41\x01\xff\x7f\xff\xff"),
     "{\"k1\":[\"AQ==\",\"\"]}"},
    {BYTES("\xc1\x7f\x61\x78\xff"), "\"x\""},
    {BYTES("\x9f\xff"), "[]"},
    {BYTES("\x9f\x01\x82\x02\x03\x9f\x04\x05\xff\xff"), "[1,[2,3],[4,5]]"},
    {BYTES("\xbf\x61"
           "a\x01\x61"
           "b\x9f\x02\x03\xff\xff"),
     "{\"a\":1,\"b\":[2,3]}"},
};

#define COUNT(samples) (sizeof(samples) / sizeof *(samples))

/* The JSON text of a whole value, terminated, in a static buffer. */
static const char *json_of(struct wr_packed *packed, const char *data, size_t len)
{
    static char text[512];
    size_t used;
    struct wr_out out = {text, sizeof text - 1, 0};
    ck_assert_int_eq(wr_packed_walk(packed, data, len, &used, &out), 1);
    ck_assert_uint_eq(used, len);
    ck_assert_uint_lt(out.len, sizeof text);
    text[out.len] = '\0';
    return text;
}

/* In pieces of `step` bytes: a head that is cut comes again. */
static void ends_at_its_last_byte(struct wr_packed *packed, const struct sample *s, size_t step)
{
    size_t at = 0, have = 0, used = 0;
    int rc = 0;
    while (rc == 0) {
        ck_assert_msg(have < s->len, "%s does not end", s->json);
        have = have + step < s->len ? have + step : s->len;
        char *piece = malloc(have - at);
        memcpy(piece, s->data + at, have - at);
        rc = wr_packed_walk(packed, piece, have - at, &used, NULL);
        free(piece);
        at += used;
    }
    ck_assert_msg(rc == 1 && at == s->len, "%s: %d at %zu", s->json, rc, at);
}

static void check(wr_packed_read *read, const struct sample *samples, size_t count)
{
    struct wr_packed *packed = malloc(sizeof *packed);
    wr_packed_init(packed, read);
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        for (size_t step = 1; step <= s->len; step++) {
            ends_at_its_last_byte(packed, s, step);
        }
        ck_assert_str_eq(json_of(packed, s->data, s->len), s->json);
    }
    free(packed);
}

TEST(msgpack_becomes_json_at_every_chunking)
{
    check(wr_msgpack_read, msgpack, COUNT(msgpack));
}

TEST(cbor_becomes_json_at_every_chunking)
{
    check(wr_cbor_read, cbor, COUNT(cbor));
}

TEST(values_that_follow_each_other_are_found_one_by_one)
{
    struct wr_packed *packed = malloc(sizeof *packed);
    char stream[512];
    size_t len = 0, at = 0, used;
    for (size_t i = 0; i < COUNT(msgpack); i++) {
        memcpy(stream + len, msgpack[i].data, msgpack[i].len);
        len += msgpack[i].len;
    }
    wr_packed_init(packed, wr_msgpack_read);
    for (size_t i = 0; i < COUNT(msgpack); i++, at += used) {
        ck_assert_int_eq(wr_packed_walk(packed, stream + at, len - at, &used, NULL), 1);
        ck_assert_uint_eq(used, msgpack[i].len);
    }
    ck_assert_uint_eq(at, len);
    free(packed);
}

TEST(a_value_that_is_cut_needs_more)
{
    struct wr_packed *packed = malloc(sizeof *packed);
    for (size_t i = 0; i < COUNT(cbor); i++) {
        for (size_t len = 0; len < cbor[i].len; len++) {
            size_t used;
            wr_packed_init(packed, wr_cbor_read);
            ck_assert_int_eq(wr_packed_walk(packed, cbor[i].data, len, &used, NULL), 0);
            ck_assert_uint_le(used, len);
        }
    }
    free(packed);
}

static void fails(wr_packed_read *read, const char *data, size_t len, size_t at,
                  const char *problem)
{
    size_t used;
    struct wr_packed *packed = malloc(sizeof *packed);
    wr_packed_init(packed, read);
    ck_assert_int_eq(wr_packed_walk(packed, data, len, &used, NULL), WEIR_EPARSE);
    ck_assert_uint_eq(used, at);
    ck_assert_msg(strstr(packed->problem, problem) != NULL, "%s", packed->problem);
    ck_assert_int_eq(wr_packed_walk(packed, "\0", 1, &used, NULL), WEIR_EPARSE);
    ck_assert_uint_eq(used, 0);
    free(packed);
}

TEST(what_is_wrong_is_named_at_its_byte)
{
    fails(wr_msgpack_read, BYTES("\x92\x01\xc1"), 2, "0xc1");
    fails(wr_msgpack_read, BYTES("\x81\x90\x01"), 1, "a key of a map");
    fails(wr_msgpack_read,
          BYTES("\x81\xc4\x01"
                "a\x01"),
          1, "a key of a map");
    fails(wr_cbor_read, BYTES("\xff"), 0, "a break");
    fails(wr_cbor_read, BYTES("\x82\x01\xff"), 2, "a break");
    fails(wr_cbor_read, BYTES("\xbf\x01\xff"), 2, "a break");
    fails(wr_cbor_read, BYTES("\x1c"), 0, "reserved");
    fails(wr_cbor_read, BYTES("\x1f"), 0, "reserved");
    fails(wr_cbor_read, BYTES("\x5f\x41\x01\x61\x01\xff"), 3, "a piece of a byte string is not");
    fails(wr_cbor_read, BYTES("\x5f\x01"), 1, "a piece of a byte string is not");
    fails(wr_cbor_read, BYTES("\x7f\x41\x01"), 1, "a piece of a text is not");
    fails(wr_cbor_read, BYTES("\x7f\x7f\xff\xff"), 1, "a piece of a text is not");
    fails(wr_cbor_read, BYTES("\x5f\x5f\xff\xff"), 1, "a piece of a byte string is not");
    fails(wr_cbor_read, BYTES("\x7f\xc1\x61\x78\xff"), 1, "a piece of a text is not");
    fails(wr_cbor_read, BYTES("\xa1\x5f\x41\x01\xff\x01"), 1, "a key of a map");
    fails(wr_cbor_read, BYTES("\x7b\xff\xff\xff\xff\xff\xff\xff\xff"), 0, "bytes than can be");
    fails(wr_cbor_read, BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), 0, "more values");
    fails(wr_cbor_read, BYTES("\xbb\x7f\xff\xff\xff\xff\xff\xff\xff"), 0, "more pairs");
}

TEST(nesting_has_a_limit)
{
    static char deep[WR_PACKED_DEPTH_MAX + 2], text[2 * WR_PACKED_DEPTH_MAX + 2];
    struct wr_packed *packed = malloc(sizeof *packed);
    struct wr_json json;
    size_t used;
    memset(deep, '\x91', sizeof deep);
    deep[WR_PACKED_DEPTH_MAX] = '\x01';
    wr_packed_init(packed, wr_msgpack_read);
    struct wr_out out = {text, sizeof text, 0};
    ck_assert_int_eq(wr_packed_walk(packed, deep, WR_PACKED_DEPTH_MAX + 1, &used, &out), 1);
    wr_json_init(&json); /* JSON has the same limit */
    ck_assert_int_eq(wr_json_index(&json, text, out.len), 0);
    wr_json_fini(&json);
    deep[WR_PACKED_DEPTH_MAX] = '\x91';
    fails(wr_msgpack_read, deep, sizeof deep, WR_PACKED_DEPTH_MAX, "nested deeper than 1024");
    free(packed);
}

MAIN("codec/packed")
