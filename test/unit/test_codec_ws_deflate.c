/*
 * test_codec_ws_deflate.c - permessage-deflate: messages written by weir and by zlib itself, read at
 * every chunking; bombs and damage.
 */
#include <zlib.h>

#include "base_error.h"
#include "support_ws.h"

static const struct wr_ws_terms plain = {.deflate = true, .in_bits = 15, .out_bits = 15};
static const struct ws_how client = {.role = WR_WS_CLIENT, .terms = &plain};

enum { FIRST = FIN | WR_WS_RSV1 };

/* Compress a message and append its frame. */
static void pack(struct frames *f, struct wr_ws_deflater *d, unsigned opcode, const char *text,
                 size_t len)
{
    size_t cap = wr_ws_deflate_bound(d, len);
    char *to = malloc(cap);
    frame(f, FIRST | opcode, to, wr_ws_deflate(d, text, len, to, cap));
    free(to);
}

#define PACK(f, d, text) pack(f, d, WR_WS_TEXT, text, sizeof(text) - 1)

static struct wr_ws_deflater *deflater_for(const struct wr_ws_terms *terms)
{
    wr_fault_pause(true);
    struct wr_ws_deflater *d = wr_ws_deflater_new(terms);
    wr_fault_pause(false);
    return d;
}

TEST(the_examples_of_the_specification_are_read)
{
    struct frames f = {.masks = false};
    /* RFC 7692, 7.2.3.1 to 7.2.3.5: in one frame, in two, again with the same window, stored, with
     * BFINAL, and with two blocks. */
    frames_put(&f, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9);
    frames_put(&f, "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", 11);
    frames_put(&f, "\xc1\x05\xf2\x00\x11\x00\x00", 7);
    frames_put(&f, "\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 13);
    frames_put(&f, "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 10);
    frames_put(&f, "\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 15);
    ws_reads_as(&client, &f, "t:Hello|t:Hello|t:Hello|t:Hello|t:Hello|t:Hello|");
}

TEST(what_is_compressed_can_be_read)
{
    for (int how = 0; how < 8; how++) {
        struct wr_ws_terms terms = {.deflate = true,
                                    .in_fresh = how & 1,
                                    .out_fresh = how & 1,
                                    .in_bits = how & 2 ? 9 : 15,
                                    .out_bits = how & 2 ? 9 : 15};
        const struct ws_how reader = {.role = how & 4 ? WR_WS_SERVER : WR_WS_CLIENT,
                                      .terms = &terms};
        struct frames f = {.masks = reader.role == WR_WS_SERVER};
        struct wr_ws_deflater *d = deflater_for(&terms);
        PACK(&f, d, "Hello, hello, hello");
        PACK(&f, d, "");
        FRAME(&f, FIN | WR_WS_TEXT, "plain");
        PACK(&f, d, "Hello, hello, hello \xe2\x82\xac");
        pack(&f, d, WR_WS_BINARY, "\xff\xfe", 2);
        ws_reads_as(&reader, &f,
                    "t:Hello, hello, hello|t:|t:plain|t:Hello, hello, hello \xe2\x82\xac|"
                    "b:\xff\xfe|");
        wr_ws_deflater_free(d);
    }
}

TEST(a_window_is_kept_between_messages)
{
    struct wr_ws_terms fresh = plain;
    size_t lens[2];
    fresh.out_fresh = true;
    for (int i = 0; i < 2; i++) {
        struct wr_ws_deflater *d = deflater_for(i == 0 ? &plain : &fresh);
        char to[256];
        static const char text[] = "a long enough message that comes twice";
        (void)wr_ws_deflate(d, text, sizeof text - 1, to, sizeof to);
        lens[i] = wr_ws_deflate(d, text, sizeof text - 1, to, sizeof to);
        wr_ws_deflater_free(d);
    }
    ck_assert_uint_lt(lens[0], lens[1] / 3);
}

TEST(long_messages_that_do_not_compress_fit_the_bound)
{
    enum { LEN = 300000 };
    struct wr_ws_deflater *d = deflater_for(&plain);
    char *noise = malloc(LEN);
    uint32_t seed = 3;
    for (size_t i = 0; i < LEN; i++) {
        seed = seed * 1664525u + 1013904223u;
        noise[i] = (char)(seed >> 24);
    }
    for (int i = 0; i < 3; i++) {
        struct frames f = {.masks = false};
        size_t len;
        pack(&f, d, WR_WS_BINARY, noise, LEN - (size_t)i * 7777);
        struct wr_ws_terms fresh = plain;
        struct ws_how how = {.role = WR_WS_CLIENT, .terms = &fresh};
        char *got = ws_read_cut(&how, &f, (struct ws_cut){1000, 3000}, &len);
        ck_assert_uint_eq(len, LEN - (size_t)i * 7777 + 3);
        ck_assert_mem_eq(got + 2, noise, len - 3);
        free(got);
        frames_free(&f);
        wr_ws_deflater_free(d);
        d = deflater_for(&plain);
    }
    wr_ws_deflater_free(d);
    free(noise);
}

TEST(compression_is_said_by_the_first_frame_only)
{
    struct frames f = {.masks = false};
    frames_put(&f, "\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00", 11);
    ws_reads_as(&client, &f,
                "<1002 a reserved bit is set, but no extension that uses it was agreed on>");
    FRAME(&f, FIRST | WR_WS_PING, "");
    ws_reads_as(&client, &f,
                "<1002 a reserved bit is set, but no extension that uses it was agreed on>");
}

TEST(damaged_data_is_refused)
{
    struct frames f = {.masks = false};
    FRAME(&f, FIRST | WR_WS_TEXT, "\xff\xff\xff");
    ws_reads_as(&client, &f, "<1007 a compressed message cannot be decoded: invalid block type>");
}

TEST(compressed_text_is_checked_for_utf8)
{
    struct frames f = {.masks = false};
    struct wr_ws_deflater *d = deflater_for(&plain);
    PACK(&f, d, "good \xce\xba");
    PACK(&f, d, "cut \xce");
    ws_reads_as(&client, &f,
                "t:good \xce\xba|<1007 a text message ends inside a character of UTF-8>");
    wr_ws_deflater_free(d);
}

/* A message of `len` equal bytes; zlib makes about a thousandth of it. */
static void add_bomb(struct frames *f, size_t len)
{
    struct wr_ws_deflater *d = deflater_for(&plain);
    char *text = malloc(len);
    memset(text, 'a', len);
    pack(f, d, WR_WS_BINARY, text, len);
    free(text);
    wr_ws_deflater_free(d);
}

TEST(the_limit_counts_decompressed_bytes)
{
    const struct ws_how fails = {.role = WR_WS_CLIENT, .terms = &plain, .limit = 1000};
    struct frames f = {.masks = false};
    add_bomb(&f, 1001);
    ck_assert_uint_lt(f.len, 100);
    size_t len;
    char *got = ws_read_every_way(&fails, &f, &len);
    ck_assert_str_eq(got, "<1009 a message is longer than the limit of 1000 bytes>");
    free(got);
    frames_free(&f);
    add_bomb(&f, 1000);
    got = ws_read_every_way(&fails, &f, &len);
    ck_assert_uint_eq(len, 1003);
    free(got);
    frames_free(&f);
}

TEST(a_compressed_message_that_is_dropped_stays_in_the_window)
{
    const struct ws_how drops = {.role = WR_WS_CLIENT, .terms = &plain, .limit = 20, .drops = true};
    struct frames f = {.masks = false};
    struct wr_ws_deflater *d = deflater_for(&plain);
    PACK(&f, d, "a message that is longer than twenty bytes");
    PACK(&f, d, "longer than twenty");
    ws_reads_as(&drops, &f, "t~a message that is lo|t:longer than twenty|");
    wr_ws_deflater_free(d);
}

/* Read all of it; the bytes that came out. */
static uint64_t defuse(const struct frames *f, char *reason, size_t cap, unsigned *close)
{
    struct wr_ws ws;
    static char out[64 * 1024];
    uint64_t bytes = 0;
    size_t at = 0, used, made;
    int got;
    wr_ws_init(&ws, WR_WS_CLIENT, &plain, UINT64_MAX, false);
    do {
        got = wr_ws_read(&ws, f->data + at, f->len - at, &used, out, sizeof out, &made);
        at += used;
        bytes += made;
    } while (got > WR_WS_NEED_INPUT);
    snprintf(reason, cap, "%s", ws.reason);
    *close = ws.fail_close;
    wr_ws_fini(&ws);
    return bytes;
}

TEST(a_bomb_is_recognised_by_its_ratio)
{
    /* One block of 1032 bytes out for each byte in, again and again. */
    struct frames f = {.masks = false};
    char reason[256];
    unsigned close;
    enum { BLOCK = 1024 * 1024, BLOCKS = 12 };
    char *zeros = calloc(1, BLOCK), *packed = malloc(BLOCK);
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t len = 0;
    for (int i = 0; i < BLOCKS; i++) {
        z.next_in = (Bytef *)zeros;
        z.avail_in = BLOCK;
        z.next_out = (Bytef *)packed + len;
        z.avail_out = (unsigned)(BLOCK - len);
        ck_assert_int_eq(deflate(&z, i + 1 < BLOCKS ? Z_NO_FLUSH : Z_SYNC_FLUSH), Z_OK);
        len = BLOCK - z.avail_out;
    }
    deflateEnd(&z);
    frame(&f, FIRST | WR_WS_BINARY, packed, len - 4);

    uint64_t bytes = defuse(&f, reason, sizeof reason, &close);

    ck_assert_uint_ge(bytes, WR_MIN((uint64_t)10 << 20, bytes + 1));
    ck_assert_uint_lt(bytes, (uint64_t)11 << 20);
    ck_assert_uint_eq(close, WR_WS_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(reason, "a decompression bomb?"));
    frames_free(&f);
    free(zeros);
    free(packed);
}

MAIN("codec/ws_deflate")
