/*
 * test_codec_ws.c - WebSocket frames: what RFC 6455 allows and forbids, for both roles and at every
 * chunking of the input and of the room.
 */
#include "support_framer.h"
#include "support_ws.h"

static const struct ws_how client = {.role = WR_WS_CLIENT}, server = {.role = WR_WS_SERVER};

/* ---- frames and their lengths */

TEST(messages_of_every_length_form_are_read)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 128, 65535, 65536, 70000};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i / 2], len;
        bool text = i % 2 == 0;
        struct frames f = {.masks = n <= 128 && text};
        char *body = malloc(n + 1);
        for (size_t k = 0; k < n; k++) {
            body[k] = (char)(text ? 'a' + k % 26 : k * 7);
        }
        frame(&f, FIN | (text ? WR_WS_TEXT : WR_WS_BINARY), body, n);

        char *got = ws_read_every_way(f.masks ? &server : &client, &f, &len);

        ck_assert_uint_eq(len, n + 3);
        ck_assert_int_eq(got[0], text ? 't' : 'b');
        ck_assert_mem_eq(got + 2, body, n);
        free(got);
        free(body);
        frames_free(&f);
    }
}

TEST(masked_bytes_are_unmasked_at_any_offset)
{
    char plain[200], once[200], parts[200];
    static const uint8_t key[WR_WS_KEY_BYTES] = {1, 0x80, 0xff, 0x10};
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (char)(i * 31);
        once[i] = (char)((unsigned char)plain[i] ^ key[i % 4]);
    }
    for (size_t split = 0; split <= sizeof plain; split++) {
        wr_ws_mask(parts, plain, split, key, 0);
        wr_ws_mask(parts + split, plain + split, sizeof plain - split, key, split);
        ck_assert_mem_eq(parts, once, sizeof once);
    }
    wr_ws_mask(parts, parts, sizeof parts, key, 0);
    ck_assert_mem_eq(parts, plain, sizeof plain);
}

TEST(the_example_of_the_specification_is_read)
{
    struct frames f = {.masks = true};
    frames_put(&f, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    ws_reads_as(&server, &f, "t:Hello|");
    frames_put(&f, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", 9);
    ws_reads_as(&client, &f, "t:Hello|");
}

TEST(a_length_that_is_not_in_its_shortest_form_is_refused)
{
    struct frames f = {.masks = false};
    frames_put(&f, "\x82\x7e\x00\x05hello", 9);
    ws_reads_as(&client, &f, "<1002 the length of a frame is not written in its shortest form>");
    frames_put(&f, "\x82\x7f\0\0\0\0\0\0\xff\xff", 10);
    ws_reads_as(&client, &f, "<1002 the length of a frame is not written in its shortest form>");
    frames_put(&f, "\x82\x7f\x80\0\0\0\0\0\0\0", 10);
    ws_reads_as(&client, &f, "<1002 the length of a frame has more than 63 bits>");
}

TEST(masks_are_for_clients)
{
    struct frames f = {.masks = true};
    FRAME(&f, FIN | WR_WS_TEXT, "x");
    ws_reads_as(&client, &f, "<1002 a frame of a server is masked>");
    f.masks = false;
    FRAME(&f, FIN | WR_WS_TEXT, "x");
    ws_reads_as(&server, &f, "<1002 a frame of a client is not masked>");
}

/* ---- control frames */

TEST(pings_are_returned_with_their_payload)
{
    char payload[WR_WS_CONTROL_MAX], expected[256];
    struct frames f = {.masks = false};
    memset(payload, 0xfe, sizeof payload);
    FRAME(&f, FIN | WR_WS_PING, "");
    FRAME(&f, FIN | WR_WS_PONG, "unasked");
    frame(&f, FIN | WR_WS_PING, payload, sizeof payload);
    snprintf(expected, sizeof expected, "ping:|pong:unasked|ping:%.*s|", WR_WS_CONTROL_MAX,
             payload);
    ws_reads_as(&client, &f, expected);
}

TEST(a_control_frame_is_short_and_no_fragment)
{
    char payload[WR_WS_CONTROL_MAX + 1] = "";
    struct frames f = {.masks = false};
    frame(&f, FIN | WR_WS_PING, payload, sizeof payload);
    ws_reads_as(&client, &f, "<1002 a control frame has more than 125 bytes>");
    FRAME(&f, WR_WS_PING, "half");
    ws_reads_as(&client, &f, "<1002 a control frame is a fragment>");
}

TEST(control_frames_may_stand_between_fragments)
{
    struct frames f = {.masks = true};
    FRAME(&f, WR_WS_TEXT, "Hel");
    FRAME(&f, FIN | WR_WS_PING, "1");
    FRAME(&f, WR_WS_CONTINUATION, "");
    FRAME(&f, FIN | WR_WS_PONG, "2");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "lo");
    ws_reads_as(&server, &f, "ping:1|pong:2|t:Hello|");
}

/* ---- reserved bits and opcodes */

TEST(reserved_bits_are_refused)
{
    static const unsigned opcodes[] = {WR_WS_TEXT, WR_WS_BINARY, WR_WS_PING, WR_WS_CLOSE};
    struct frames f = {.masks = false};
    for (unsigned bits = 1; bits < 8; bits++) {
        for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
            FRAME(&f, FIN | WR_WS_TEXT, "ok");
            frame(&f, FIN | bits << 4 | opcodes[i], "", 0);
            ws_reads_as(&client, &f,
                        "t:ok|<1002 a reserved bit is set, but no extension that uses it was "
                        "agreed on>");
        }
    }
}

TEST(reserved_opcodes_are_refused)
{
    struct frames f = {.masks = false};
    for (unsigned opcode = 3; opcode < 16; opcode++) {
        char expected[80];
        if (opcode >= WR_WS_CLOSE && opcode <= WR_WS_PONG) {
            continue;
        }
        FRAME(&f, FIN | WR_WS_TEXT, "ok");
        frame(&f, FIN | opcode, "x", 1);
        snprintf(expected, sizeof expected, "t:ok|<1002 the opcode %u is reserved>", opcode);
        ws_reads_as(&client, &f, expected);
    }
}

/* ---- fragments */

TEST(fragments_are_joined)
{
    struct frames f = {.masks = false};
    FRAME(&f, WR_WS_TEXT, "");
    FRAME(&f, WR_WS_CONTINUATION, "a");
    FRAME(&f, WR_WS_CONTINUATION, "");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "b");
    FRAME(&f, WR_WS_BINARY, "");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "");
    FRAME(&f, FIN | WR_WS_TEXT, "c");
    ws_reads_as(&client, &f, "t:ab|b:|t:c|");
}

TEST(a_continuation_needs_a_start)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "b");
    ws_reads_as(&client, &f, "t:a|<1002 a fragment continues a message that has not begun>");
    FRAME(&f, WR_WS_CONTINUATION, "b");
    ws_reads_as(&client, &f, "<1002 a fragment continues a message that has not begun>");
}

TEST(messages_do_not_overlap)
{
    struct frames f = {.masks = false};
    FRAME(&f, WR_WS_TEXT, "a");
    FRAME(&f, FIN | WR_WS_TEXT, "b");
    ws_reads_as(&client, &f, "<1002 a message begins before the last one has ended>");
}

TEST(fragments_without_content_and_without_end_are_refused)
{
    struct frames f = {.masks = false};
    size_t len;
    FRAME(&f, WR_WS_TEXT, "");
    for (int i = 0; i < WR_WS_VAIN_FRAMES; i++) {
        FRAME(&f, WR_WS_CONTINUATION, "");
    }
    char *got = ws_read_cut(&client, &f, (struct ws_cut){SIZE_MAX, SIZE_MAX}, &len);
    ck_assert_str_eq(got,
                     "<1008 a message has more than 65536 fragments in a row without content>");
    free(got);
    frames_free(&f);
}

/* ---- text */

#define NOT_UTF8 "<1007 a text message is not UTF-8>"

TEST(text_is_utf8_and_may_be_cut_within_a_character)
{
    struct frames f = {.masks = true};
    static const char text[] = "\xce\xba\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        frame(&f, i == 0 ? WR_WS_TEXT : WR_WS_CONTINUATION, text + i, 1);
    }
    FRAME(&f, FIN | WR_WS_CONTINUATION, "");
    ws_reads_as(&server, &f, "t:\xce\xba\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf|");
}

TEST(text_that_is_not_utf8_is_refused)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",                 /* overlong */
        "\xc1\xbf",                 /* ... */
        "\xe0\x80\xaf",             /* ... */
        "\xe0\x9f\xbf",             /* ... */
        "\xf0\x80\x80\xaf",         /* ... */
        "\xf0\x8f\xbf\xbf",         /* ... */
        "\xed\xa0\x80",             /* a surrogate */
        "\xed\xbf\xbf",             /* ... */
        "\xf4\x90\x80\x80",         /* above U+10FFFF */
        "\xf5\x80\x80\x80",         /* ... */
        "\xf8\x88\x80\x80\x80",     /* five bytes */
        "\xfc\x84\x80\x80\x80\x80", /* six bytes */
        "\xfe",
        "\xff",
        "\xce\xba\xce\x2e",
    };
    struct frames f = {.masks = false};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        frame(&f, FIN | WR_WS_TEXT, bad[i], strlen(bad[i]));
        size_t len;
        char *got = ws_read_every_way(&client, &f, &len);
        ck_assert_str_eq(got, NOT_UTF8);
        free(got);
        frames_free(&f);
        frame(&f, FIN | WR_WS_BINARY, bad[i], strlen(bad[i]));
        got = ws_read_every_way(&client, &f, &len);
        ck_assert_int_eq(got[0], 'b');
        free(got);
        frames_free(&f);
    }
}

TEST(text_that_ends_within_a_character_is_refused)
{
    static const char *const cut[] = {"ab\xce", "\xe2\x82", "\xf0\x9f\x98", "12345678\xf0"};
    struct frames f = {.masks = false};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        frame(&f, FIN | WR_WS_TEXT, cut[i], strlen(cut[i]));
        ws_reads_as(&client, &f, "<1007 a text message ends inside a character of UTF-8>");
    }
}

TEST(bad_text_is_refused_before_the_rest_of_its_frame_comes)
{
    struct frames f = {.masks = false};
    frames_put(&f, "\x81\x7e\xff\xff\xce\xba\xed\xa0", 8); /* 65535 bytes are announced */
    ws_reads_as(&client, &f, NOT_UTF8);
}

/* ---- close */

TEST(a_close_frame_has_a_code_and_a_reason)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_CLOSE, "");
    FRAME(&f, FIN | WR_WS_TEXT, "ignored");
    ws_reads_as(&client, &f, "close:1005|");
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");
    FRAME(&f, FIN | WR_WS_PING, "ignored");
    ws_reads_as(&client, &f, "t:a|close:1000|");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe9going \xe2\x82\xac");
    ws_reads_as(&client, &f, "close:1001 going \xe2\x82\xac|");
}

TEST(a_close_frame_is_read_inside_a_message)
{
    struct frames f = {.masks = true};
    FRAME(&f, WR_WS_TEXT, "half");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "ignored");
    ws_reads_as(&server, &f, "close:1000|");
}

TEST(close_codes_are_checked)
{
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                    1011, 1012, 1014, 3000, 3999, 4000, 4999};
    static const unsigned bad[] = {0,    1,    999,  1004, 1005, 1006, 1015,
                                   1016, 1100, 2000, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool fits = i < sizeof good / sizeof *good;
        unsigned code = fits ? good[i] : bad[i - sizeof good / sizeof *good];
        char payload[2] = {(char)(code >> 8), (char)code}, expected[80];
        struct frames f = {.masks = false};
        frame(&f, FIN | WR_WS_CLOSE, payload, 2);
        snprintf(expected, sizeof expected,
                 fits ? "close:%u|" : "<1002 a close frame has the invalid code %u>", code);
        ck_assert_int_eq(wr_ws_close_code_fits(code), fits);
        ws_reads_as(&client, &f, expected);
    }
}

TEST(a_close_frame_is_complete_and_its_reason_is_text)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03");
    ws_reads_as(&client, &f, "<1002 a close frame has one byte>");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8\xff");
    ws_reads_as(&client, &f, "<1007 the reason in a close frame is not UTF-8>");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8x\xce");
    ws_reads_as(&client, &f, "<1007 the reason in a close frame is not UTF-8>");
}

TEST(a_long_reason_is_cut_between_characters)
{
    char reason[200], out[WR_WS_CONTROL_FRAME_MAX];
    struct frames f = {.masks = false};
    for (size_t i = 0; i + 2 <= sizeof reason; i += 2) {
        memcpy(reason + i, "\xce\xba", 2);
    }
    reason[sizeof reason - 1] = '\0';
    reason[sizeof reason - 2] = '\0';
    frames_put(&f, out, wr_ws_write_close(out, WR_WS_TOO_BIG, reason, NULL));
    size_t len;
    char *got = ws_read_every_way(&client, &f, &len);
    ck_assert_uint_eq(len, strlen("close:1009 |") + WR_WS_REASON_MAX / 2 * 2);
    ck_assert_mem_eq(got, "close:1009 \xce\xba", 13);
    free(got);
    frames_free(&f);
}

/* ---- the limit */

TEST(a_message_over_the_limit_fails_when_its_head_says_so)
{
    static const struct ws_how small = {.role = WR_WS_CLIENT, .limit = 5};
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "12345");
    FRAME(&f, WR_WS_TEXT, "123");
    frames_put(&f, "\x80\x03", 2); /* three more are announced */
    ws_reads_as(&small, &f, "t:12345|<1009 a message is longer than the limit of 5 bytes>");
}

TEST(a_message_over_the_limit_is_read_to_its_end_when_it_is_dropped)
{
    static const struct ws_how small = {.role = WR_WS_SERVER, .limit = 5, .drops = true};
    struct frames f = {.masks = true};
    FRAME(&f, WR_WS_TEXT, "1234");
    FRAME(&f, FIN | WR_WS_PING, "");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "56\xce\xba");
    FRAME(&f, FIN | WR_WS_TEXT, "12345");
    ws_reads_as(&small, &f, "ping:|t~12345|t:12345|");
    FRAME(&f, FIN | WR_WS_TEXT, "12345678\xff");
    ws_reads_as(&small, &f, "<1007 a text message is not UTF-8>");
}

/* ---- messages as items */

static const struct framing skip = {WR_FRAME_WS, WEIR_LONG_SKIP, 5, 0, NULL};

TEST(messages_are_events_with_their_opcode)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "one");
    FRAME(&f, WR_WS_BINARY, "t");
    FRAME(&f, FIN | WR_WS_PING, "p");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "wo");
    FRAME(&f, FIN | WR_WS_TEXT, "");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");
    frames_as(&skip, f.data, f.len, "[text]one|[binary]two|[text]|");
    frames_free(&f);
}

TEST(messages_over_the_limit_are_skipped_and_counted)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "12345");
    FRAME(&f, FIN | WR_WS_TEXT, "1234567");
    FRAME(&f, FIN | WR_WS_TEXT, "123456");
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    struct wr_framer at = frames_as(&skip, f.data, f.len, "[text]12345|[text]a|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_bytes, 13);
    ck_assert_uint_eq(at.overlong_start, 16);
    frames_free(&f);
}

TEST(messages_over_the_limit_are_cut)
{
    static const struct framing cut = {WR_FRAME_WS, WEIR_LONG_CUT, 5, 0, NULL};
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "1234567");
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    struct wr_framer at = frames_as(&cut, f.data, f.len, "[text]12345~|[text]a|");
    ck_assert_uint_eq(at.overlong_count, 1);
    ck_assert_uint_eq(at.overlong_bytes, 2);
    frames_free(&f);
}

TEST(messages_over_the_limit_fail)
{
    static const struct framing fails = {WR_FRAME_WS, WEIR_LONG_FAILS, 5, 0, NULL};
    char expected[64];
    struct frames f = {.masks = false};
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    FRAME(&f, FIN | WR_WS_TEXT, "1234567");
    snprintf(expected, sizeof expected, "[text]a|<%d>", -WEIR_ETOOLONG);
    struct wr_framer at = frames_as(&fails, f.data, f.len, expected);
    ck_assert_uint_eq(at.overlong_start, 3);
    frames_free(&f);
}

TEST(a_broken_rule_is_the_problem_of_the_framer)
{
    char expected[80];
    struct frames f = {.masks = true};
    FRAME(&f, FIN | WR_WS_TEXT, "a");
    snprintf(expected, sizeof expected, "<%d a frame of a server is masked>", -WEIR_EPARSE);
    frames_as(&skip, f.data, f.len, expected);
    frames_free(&f);
}

TEST(of_a_flood_of_pings_the_latest_is_kept)
{
    struct wr_framer framer;
    struct frames f = {.masks = false};
    weir_item items[4];
    uint64_t ends[4];
    const char *data;
    size_t used, len;
    FRAME(&f, FIN | WR_WS_PING, "1");
    FRAME(&f, FIN | WR_WS_PING, "22");
    FRAME(&f, FIN | WR_WS_PONG, "");
    ck_assert_int_eq(wr_framer_init(&framer, WR_FRAME_WS, 100, WEIR_LONG_SKIP, 0, 0), 0);

    ck_assert_int_eq(framer.ops->decode(&framer, NULL, f.data, f.len, false, items, ends, 4, &used),
                     0);

    ck_assert_uint_eq(used, f.len);
    ck_assert(wr_ws_messages_ping(&framer, &data, &len));
    ck_assert_uint_eq(len, 2);
    ck_assert_mem_eq(data, "22", 2);
    ck_assert(!wr_ws_messages_ping(&framer, &data, &len));
    wr_framer_fini(&framer);
    frames_free(&f);
}

TEST(a_length_that_is_only_claimed_takes_little_memory)
{
    struct wr_framer framer;
    weir_item item;
    uint64_t end;
    size_t used;
    ck_assert_int_eq(wr_framer_init(&framer, WR_FRAME_WS, SIZE_MAX, WEIR_LONG_SKIP, 0, 0), 0);

    ck_assert_int_eq(framer.ops->decode(&framer, NULL, "\x82\x7f\x7f\0\0\0\0\0\0\0x", 11, false,
                                        &item, &end, 1, &used),
                     0);

    ck_assert_uint_eq(used, 11);
    ck_assert_uint_le(wr_framer_block(&framer)->cap, 70 * 1024);
    wr_framer_fini(&framer);
}

MAIN("codec/ws")
