/*
 * test_codec_framer.c - every framer but those of lines and events: what it makes of its input, at
 * every chunking.
 */
#include "support_framer.h"

#define SKIPS(k)                                                       \
    {                                                                  \
        .kind = WEIR_FRAME_##k, .limit = 8, .overlong = WEIR_LONG_SKIP \
    }

/* A literal with NULs in it. */
#define INPUT(text) text, sizeof(text) - 1

TEST(nul_ends_an_item)
{
    static const struct framing nul = SKIPS(NUL);
    frames_as(&nul, INPUT("one\0\0two\r\0li\nne\0"), "one||two\r|li\nne|");
}

TEST(nul_gives_the_rest_at_the_end)
{
    static const struct framing nul = SKIPS(NUL);
    frames_as(&nul, INPUT("one\0two\r"), "one|two\r$|");
    frames_as(&nul, INPUT(""), "");
}

TEST(nul_skips_what_is_too_long)
{
    static const struct framing nul = SKIPS(NUL);
    struct wr_framer at = frames_as(&nul, INPUT("one\0ten bytes.\0two\0"), "one|two|");
    ck_assert_uint_eq(at.overlong_count, 1);
    ck_assert_uint_eq(at.overlong_start, 4);
    ck_assert_uint_eq(at.overlong_bytes - at.overlong_extra, 10);
}

TEST(nul_cuts_what_is_too_long)
{
    static const struct framing nul = {WEIR_FRAME_NUL, WEIR_LONG_CUT, 4, 0, NULL};
    frames_as(&nul, INPUT("one\0ten bytes.\0two\0"), "one|ten ~|two|");
}

TEST(raw_gives_the_bytes_as_they_come)
{
    static const struct framing raw = SKIPS(NONE);
    struct framed got = frame_input(&raw, INPUT("a\nb\0c\r\n"), (struct cut){3, SIZE_MAX, 64, 0});
    ck_assert_mem_eq(got.text, "a\nb\0c\r\n", 7);
    ck_assert_uint_eq(got.raw, 7);
    free(got.text);
}

TEST(len32_takes_records_by_their_length)
{
    static const struct framing len32 = SKIPS(LEN32);
    frames_as(&len32, INPUT("\0\0\0\3one\0\0\0\0\0\0\0\5a\0\nb\r"), "one||a\0\nb\r|");
}

TEST(len32_skips_a_long_record_by_its_length)
{
    static const struct framing len32 = SKIPS(LEN32);
    struct wr_framer at = frames_as(
        &len32, INPUT("\0\0\0\1a\0\0\0\x10\0\0\0\1b\0\0\0\1c\0\0\0\1d\0\0\0\0\1e"), "a|e|");
    ck_assert_uint_eq(at.overlong_count, 1);
    ck_assert_uint_eq(at.overlong_start, 5);
    ck_assert_uint_eq(at.overlong_bytes - at.overlong_extra, 16);
}

TEST(len32_cuts_a_long_record)
{
    static const struct framing len32 = {WEIR_FRAME_LEN32, WEIR_LONG_CUT, 4, 0, NULL};
    struct wr_framer at = frames_as(&len32, INPUT("\0\0\0\6abcdef\0\0\0\1g"), "abcd~|g|");
    ck_assert_uint_eq(at.overlong_bytes, 2);
}

TEST(len32_fails_at_a_long_record)
{
    static const struct framing len32 = {WEIR_FRAME_LEN32, WEIR_LONG_FAILS, 4, 0, NULL};
    char expected[32];
    snprintf(expected, sizeof expected, "a|<%d>", -WEIR_ETOOLONG);
    struct wr_framer at = frames_as(&len32, INPUT("\0\0\0\1a\0\0\0\6abcdef"), expected);
    ck_assert_uint_eq(at.overlong_start, 5);
}

TEST(len32_gives_a_long_record_in_pieces)
{
    static const struct framing len32 = {WEIR_FRAME_LEN32, WEIR_LONG_PARTS, 4, 0, NULL};
    frames_as(&len32, INPUT("\0\0\0\1a\0\0\0\6abcdef\0\0\0\5ghijk\0\0\0\1l"), "a|abcdef|ghijk|l|");
}

TEST(an_input_that_ends_inside_a_record_is_truncated)
{
    static const struct framing len32 = SKIPS(LEN32), varint = SKIPS(VARINT),
                                fixed = {WEIR_FRAME_FIXED, WEIR_LONG_SKIP, 8, 3, NULL};
    char expected[64];
    snprintf(expected, sizeof expected, "one|<%d the input ends inside a record>",
             -WEIR_ETRUNCATED);
    frames_as(&len32, INPUT("\0\0\0\3one\0\0\0\3tw"), expected);
    frames_as(&len32, INPUT("\0\0\0\3one\0\0\0"), expected);
    frames_as(&len32, INPUT("\0\0\0\3one\0\0\0\x30 and so on"), expected);
    frames_as(&varint, INPUT("\3one\3tw"), expected);
    frames_as(&varint, INPUT("\3one\x80"), expected);
    frames_as(&fixed, INPUT("onetw"), expected);
}

TEST(varint_takes_records_by_their_length)
{
    static const struct framing varint = {WEIR_FRAME_VARINT, WEIR_LONG_SKIP, 1000, 0, NULL};
    char input[2 + 300 + 4] = "\xac\2", expected[300 + 8] = "";
    memset(input + 2, 'x', 300);
    memcpy(input + 302, "\0\x81\0y", 4);
    memset(expected, 'x', 300);
    strcpy(expected + 300, "||y|");
    frames_as(&varint, input, sizeof input, expected);
}

TEST(varint_skips_a_long_record_by_its_length)
{
    static const struct framing varint = SKIPS(VARINT);
    frames_as(&varint, INPUT("\1a\x0a\1b\1b\1b\1b\1b\1c"), "a|c|");
}

TEST(varint_of_more_than_ten_bytes_is_no_length)
{
    static const struct framing varint = {WEIR_FRAME_VARINT, WEIR_LONG_SKIP, SIZE_MAX, 0, NULL};
    char expected[96];
    snprintf(expected, sizeof expected,
             "a|<%d invalid record length: the varint is longer than 10 bytes or over 64 bits>",
             -WEIR_EPARSE);
    frames_as(&varint, INPUT("\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1b"), expected);
    frames_as(&varint, INPUT("\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02 beyond 64 bits"),
              expected);
}

TEST(varint_of_ten_bytes_is_a_length)
{
    static const struct framing varint = SKIPS(VARINT);
    char expected[64];
    snprintf(expected, sizeof expected, "a|<%d the input ends inside a record>", -WEIR_ETRUNCATED);
    frames_as(&varint, INPUT("\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\1b"), expected);
}

TEST(fixed_takes_records_of_one_length)
{
    static const struct framing fixed = {WEIR_FRAME_FIXED, WEIR_LONG_SKIP, 8, 4, NULL};
    frames_as(&fixed, INPUT("onetwo\nthree"), "onet|wo\nt|hree|");
    frames_as(&fixed, INPUT(""), "");
}

TEST(syslog_messages_are_counted_or_end_with_a_line_end)
{
    static const struct framing syslog = {WEIR_FRAME_SYSLOG, WEIR_LONG_SKIP, 40, 0, NULL};
    frames_as(&syslog,
              INPUT("<1>one\n5 <2>a\n6 <3>\0\nb<4>two\r\n12 <5>three\n\n\n<6>\n\n7 <7>four"),
              "<1>one|<2>a\n|<3>\0\nb|<4>two\\r|<5>three\n\n\n|<6>||<7>four|");
    frames_as(&syslog, INPUT("<1>no end"), "<1>no end$|");
    frames_as(&syslog, INPUT(""), "");
}

TEST(a_line_that_begins_with_a_number_is_a_line)
{
    static const struct framing syslog = {WEIR_FRAME_SYSLOG, WEIR_LONG_SKIP, 40, 0, NULL};
    frames_as(&syslog, INPUT("2003-10-11T22:14:15Z h a: b\n12 monkeys\n0 <1>x\n"),
              "2003-10-11T22:14:15Z h a: b|12 monkeys|0 <1>x|");
    frames_as(&syslog, INPUT("12345678901 <1>x\n5 <2>a\n12"), "12345678901 <1>x|<2>a\n|12$|");
    frames_as(&syslog, INPUT("12 "), "12 $|");
}

TEST(syslog_skips_a_counted_message_by_its_length)
{
    static const struct framing syslog = SKIPS(SYSLOG);
    struct wr_framer at =
        frames_as(&syslog, INPUT("5 <1>aa12 <2>\n<bad>\n\n\n4 <3>b<4>c and more\n<5>d\n"),
                  "<1>aa|<3>b|<5>d|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_start, 28);
    static const struct framing cut = {WEIR_FRAME_SYSLOG, WEIR_LONG_CUT, 8, 0, NULL};
    frames_as(&cut, INPUT("<4>c and more\n12 <2>\n<bad>\n\n\n<5>d\n"), "<5>d|");
}

TEST(syslog_fails_at_a_long_message)
{
    static const struct framing syslog = {WEIR_FRAME_SYSLOG, WEIR_LONG_FAILS, 8, 0, NULL};
    char expected[32];
    snprintf(expected, sizeof expected, "<1>a|<%d>", -WEIR_ETOOLONG);
    struct wr_framer at = frames_as(&syslog, INPUT("<1>a\n99 <1>b"), expected);
    ck_assert_uint_eq(at.overlong_start, 5);
    at = frames_as(&syslog, INPUT("4 <1>a<2>b and more\n"), expected);
    ck_assert_uint_eq(at.overlong_start, 6);
}

TEST(a_counted_message_that_is_cut_off_is_truncated)
{
    static const struct framing syslog = SKIPS(SYSLOG);
    char expected[64];
    snprintf(expected, sizeof expected, "<1>|<%d the input ends inside a record>",
             -WEIR_ETRUNCATED);
    frames_as(&syslog, INPUT("<1>\n6 <2>a"), expected);
    frames_as(&syslog, INPUT("<1>\n60 <2>a"), expected);
}

TEST(netflow_packets_have_their_length_in_them)
{
    static const struct framing netflow = {WEIR_FRAME_NETFLOW, WEIR_LONG_SKIP, 100, 0, NULL};
    static const char five[24 + 48] = "\0\5\0\1";
    char input[16 + 72 + 17 + 200 + 17] = "\0\12\0\20", expected[256];
    memcpy(input + 16, five, 72);
    memcpy(input + 88, "\0\12\0\21", 4);
    memcpy(input + 105, "\0\12\0\xc8", 4);
    memcpy(input + 305, "\0\12\0\21", 4);
    struct framed got = frame_every_way(&netflow, input, sizeof input);
    ck_assert_uint_eq(got.count, 4);
    ck_assert_uint_eq(got.at.overlong_count, 1);
    ck_assert_uint_eq(got.at.overlong_start, 105);
    free(got.text);
    snprintf(expected, sizeof expected,
             "<%d no message of IPFIX and no packet of NetFlow v5 begins here; packets of v9 have "
             "no length of their own: put a framer before netflow>",
             -WEIR_EPARSE);
    frames_as(&netflow, INPUT("\0\11\0\1"), expected);
    frames_as(&netflow, INPUT("\0\12\0\17"), expected);
    frames_as(&netflow, INPUT("x"), expected);
}

TEST(lines_give_a_long_line_in_pieces)
{
    static const struct framing lines = {WEIR_FRAME_LINES, WEIR_LONG_PARTS, 4, 0, NULL};
    frames_as(&lines, INPUT("one\nseven and more\r\ntwo\r\nthe last is long"),
              "one|seven and more\\r|two\\r|the last is long$|");
    frames_as(&lines, INPUT("a\rb\rc\r\r\n"), "a\rb\rc\r\\r|");
    frames_as(&lines, INPUT("ends in a lone CR\r"), "ends in a lone CR\\r$|");
}

TEST(pieces_are_no_longer_than_what_has_come)
{
    struct wr_framer framer;
    struct wr_frame frame;
    size_t used;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_LINES, 4, WEIR_LONG_PARTS, 0, 0), 0);

    ck_assert_int_eq(framer.ops->split(&framer, "seve", 4, false, &frame, 1, &used), 0);
    ck_assert_int_eq(framer.ops->split(&framer, "seven\r", 6, false, &frame, 1, &used), 1);

    ck_assert_uint_eq(used, 5); /* the CR may belong to the line end */
    ck_assert_uint_eq(frame.flags, WEIR_ITEM_PART);
    ck_assert(framer.open);
}

/* A restart at the end of what was given: the item that was going on goes on, or is over. */
TEST(a_restart_goes_on_inside_a_record_that_is_skipped)
{
    struct wr_framer framer;
    struct wr_frame frames[4];
    size_t used;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_LEN32, 4, WEIR_LONG_SKIP, 0, 0), 0);
    ck_assert_int_eq(framer.ops->split(&framer, "\0\0\0\6abc", 7, false, frames, 4, &used), 0);
    ck_assert_uint_eq(framer.offset, 7);

    wr_framer_restart(&framer, 7, true);

    ck_assert_int_eq(framer.ops->split(&framer, "def\0\0\0\1g", 8, true, frames, 4, &used), 1);
    ck_assert_mem_eq(frames[0].data, "g", 1);
    ck_assert_uint_eq(frames[0].end, 15);
}

/* How much of a full block may stay: what is behind moves on. */
TEST(whole_items_at_the_begin_of_a_window_are_known)
{
    static const struct {
        int32_t kind;
        const char *data;
        size_t len, whole;
    } cases[] = {{WEIR_FRAME_LINES, INPUT("one\ntwo"), 4},
                 {WEIR_FRAME_NUL, INPUT("one\0two"), 4},
                 {WEIR_FRAME_NONE, INPUT("anything"), 8},
                 {WEIR_FRAME_LEN32, INPUT("\0\0\0\1a\0\0\0\2b"), 5},
                 {WEIR_FRAME_SYSLOG, INPUT("<1>a\n4 <2>\n4 <3"), 11},
                 {WEIR_FRAME_SYSLOG, INPUT("4 <2>\n<3>"), 6},
                 {WEIR_FRAME_LEN32, INPUT("\0\0\0\1a\0\0\0\x20 to be skipped"), 23},
                 {WEIR_FRAME_LEN32, INPUT("\0\0\0\1a\0\0\0\x20"), 5},
                 {WEIR_FRAME_VARINT, INPUT("\1a\1b\2c"), 4},
                 {WEIR_FRAME_FIXED, INPUT("onetwoth"), 6},
                 {WEIR_FRAME_SSE, INPUT("data: x"), 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr_framer framer;
        ck_assert_int_eq(wr_framer_init(&framer, cases[i].kind, 8, WEIR_LONG_SKIP, 3, 0), 0);
        ck_assert_uint_eq(framer.ops->whole(&framer, cases[i].data, cases[i].len, true),
                          cases[i].whole);
        wr_framer_fini(&framer);
    }
}

TEST(whole_items_behind_a_record_that_goes_on_begin_after_it)
{
    struct wr_framer framer;
    struct wr_frame frame;
    size_t used;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_LEN32, 8, WEIR_LONG_SKIP, 0, 0), 0);
    ck_assert_int_eq(framer.ops->split(&framer,
                                       "\0\0\0\x20"
                                       "abc",
                                       7, false, &frame, 1, &used),
                     0);
    ck_assert_uint_eq(used, 7);

    ck_assert_uint_eq(framer.ops->whole(&framer, INPUT("the rest"), true), 8);
    /* Another window, which begins with a record. */
    ck_assert_uint_eq(framer.ops->whole(&framer, INPUT("\0\0\0\1a\0\0\0\2b"), false), 5);
}

TEST(bytes_that_the_next_record_needs_are_told)
{
    static const struct {
        int32_t kind, overlong;
        const char *data;
        size_t len, need;
    } cases[] = {{WEIR_FRAME_LEN32, WEIR_LONG_SKIP, INPUT("\0\0\0\3o"), 7},
                 {WEIR_FRAME_LEN32, WEIR_LONG_CUT, INPUT("\0\0\0\6a"), 8},
                 {WEIR_FRAME_FIXED, WEIR_LONG_SKIP, INPUT("o"), 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr_framer framer;
        struct wr_frame frame;
        size_t used;
        ck_assert_int_eq(wr_framer_init(&framer, cases[i].kind, 4, cases[i].overlong, 3, 0), 0);
        ck_assert_int_eq(
            framer.ops->split(&framer, cases[i].data, cases[i].len, false, &frame, 1, &used), 0);
        ck_assert_uint_eq(used, 0);
        ck_assert_uint_eq(framer.need, cases[i].need);
    }
}

TEST(a_record_in_pieces_begins_with_its_first_byte)
{
    struct wr_framer framer;
    struct wr_frame frame;
    size_t used;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_LEN32, 4, WEIR_LONG_PARTS, 0, 0), 0);

    ck_assert_int_eq(framer.ops->split(&framer, "\0\0\0\6", 4, false, &frame, 1, &used), 0);

    ck_assert_uint_eq(used, 0);
    ck_assert(!framer.open);
}

TEST(bytes_of_the_last_long_record_are_known)
{
    static const struct framing len32 = SKIPS(LEN32);
    struct wr_framer at =
        frames_as(&len32, INPUT("\0\0\0\x0bten and one\0\0\0\x0ctwelve bytes"), "");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_bytes - at.overlong_before - at.overlong_extra, 12);
}

MAIN("codec/framer")
