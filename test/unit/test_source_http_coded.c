/*
 * test_source_http_coded.c - bodies that come with a Content-Encoding.
 */
#include <stdlib.h>
#include <zlib.h>

#include "support_http_source.h"
#include "texts_http.h"

/* gzip of "one\ntwo\n" */
#define GZIP_ONE_TWO                                                                               \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x02\x00\xe6\x0b\xba" \
    "\x12\x08\x00\x00\x00"

/* "one\ntwo\n" as br, as zstd, and as zstd in gzip */
#define BR_ONE_TWO "\x8f\x03\x80one\ntwo\n\x03"
#define ZSTD_ONE_TWO "\x28\xb5\x2f\xfd\x04\x58\x41\x00\x00one\ntwo\n\xe6\xa6\x0e\x40"
#define GZIP_ZSTD_ONE_TWO                                                                      \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xd3\xd8\xaa\xff\x97\x25\xc2\x91\x81\x21\x3f\x2f" \
    "\x95\xab\xa4\x3c\x9f\xeb\xd9\x32\x3e\x07\x00\x95\x83\x73\x8d\x15\x00\x00\x00"

/* A body that is encoded as `coding` says gives both lines. */
static void check_coding(const char *coding, const char *body, size_t len)
{
    char text[512];
    int head = snprintf(text, sizeof text,
                        OK_HEAD "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n", coding, len);
    memcpy(text + head, body, len);
    PLAY({.text = text, .len = (size_t)head + len, .byte_by_byte = true});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);
    ck_assert_int_eq(loop->budget.used, 0);
    end(loop, peer);
}

TEST(every_coding_is_decoded)
{
    check_coding("br", BR_ONE_TWO, sizeof BR_ONE_TWO - 1);
    check_coding("zstd", ZSTD_ONE_TWO, sizeof ZSTD_ONE_TWO - 1);
    check_coding("x-gzip", GZIP_ONE_TWO, sizeof GZIP_ONE_TWO - 1);
}

TEST(codings_upon_each_other_are_undone)
{
    check_coding("zstd, identity, gzip", GZIP_ZSTD_ONE_TWO, sizeof GZIP_ZSTD_ONE_TWO - 1);
    check_coding("zstd\r\nContent-Encoding: gzip", GZIP_ZSTD_ONE_TWO, sizeof GZIP_ZSTD_ONE_TWO - 1);
}

TEST(more_than_five_codings_are_refused)
{
    PLAY({.text = OK_HEAD "Content-Encoding: gzip, gzip, gzip\r\n"
                          "Content-Encoding: gzip, gzip, gzip\r\n\r\nxx"});
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, NULL, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_TOO_MANY_CODINGS));
    end(loop, peer);
}

TEST(a_gzip_body_is_decoded)
{
    static const char text[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = text, .len = sizeof text - 1, .byte_by_byte = true});
    weir_loop *loop = test_loop();

    gives(loop, peer, NULL, "one|two|", 0);
    end(loop, peer);
}

TEST(a_cut_gzip_body_is_truncated)
{
    static const char text[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" GZIP_ONE_TWO;
    PLAY({.text = text, .len = sizeof text - 1 - 8});
    weir_loop *loop = test_loop();

    gives(loop, peer, HTTP(.retries = WEIR_NONE), NULL, WEIR_ETRUNCATED);
    end(loop, peer);
}

TEST(an_encoded_body_stops_at_a_limit)
{
    static const char text[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_ONE_TWO;
    for (int64_t max = 6; max <= 8; max++) {
        PLAY({.text = text, .len = sizeof text - 1});
        weir_loop *loop = test_loop();

        gives(loop, peer, HTTP(.decoded_bytes_max = max), max < 8 ? "one|" : "one|two|",
              max < 8 ? WEIR_ETOOLONG : 0);
        end(loop, peer);
    }
}

/* An answer of 12 MiB of LFs in some 12 KiB; its length goes to *len. */
static char *bomb_answer(size_t *len)
{
    enum { CAP = 32 * 1024, LFS = 12 * 1024 * 1024 };
    char *text = malloc(CAP), *plain = malloc(LFS);
    ck_assert(text != NULL && plain != NULL);
    int head = sprintf(text, OK_HEAD "Content-Encoding: gzip\r\n\r\n");
    z_stream z = {.next_in = (Bytef *)memset(plain, '\n', LFS),
                  .avail_in = LFS,
                  .next_out = (Bytef *)text + head,
                  .avail_out = (uInt)(CAP - head)};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    *len = (size_t)head + z.total_out;
    deflateEnd(&z);
    free(plain);
    return text;
}

static void check_bomb(int64_t ratio_max, int code)
{
    size_t len;
    char *text = bomb_answer(&len);
    PLAY({.text = text, .len = len});
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item items[64];
    weir_gen *gen = weir_http_lines(weir_root(loop), http_peer_url(peer, "/"),
                                    HTTP(.decoded_ratio_max = ratio_max));
    while (weir_next_many(gen, items, 64) > 0) {}

    ck_assert_int_eq(weir_finish(gen, &error), code);
    ck_assert_int_lt(loop->budget.peak, 1024 * 1024);
    ck_assert(code == 0 || strstr(error.message, TEXT_HTTP_EXPANDS) != NULL);
    end(loop, peer);
    free(text);
}

TEST(a_bomb_is_stopped_by_its_ratio_in_bounded_memory)
{
    if (!wr_test_sweeps()) {
        check_bomb(0, WEIR_ETOOLONG);
    }
}

TEST(a_ratio_without_limit_is_decoded_to_its_end)
{
    if (!wr_test_sweeps()) {
        check_bomb(WEIR_NONE, 0);
    }
}

TEST(an_encoding_that_is_not_known_is_refused)
{
    PLAY({.text = OK_HEAD "Content-Encoding: xz\r\nContent-Length: 2\r\n\r\nxx"});
    weir_loop *loop = test_loop();

    const weir_error *error = gives(loop, peer, NULL, NULL, WEIR_EHTTP);
    ck_assert_ptr_nonnull(strstr(error->message, TEXT_HTTP_ENCODED("xz")));
    end(loop, peer);
}

MAIN("source/http_coded")
