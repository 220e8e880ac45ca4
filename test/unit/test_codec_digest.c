/*
 * test_codec_digest.c - SHA-256 of what comes piece by piece.
 */
#include <string.h>

#include "codec_digest.h"
#include "support_check.h"

static const char *hashed(const char *text, size_t piece)
{
    static char hex[WR_DIGEST_HEX];
    struct wr_digest digest;
    size_t len = strlen(text);
    wr_digest_init(&digest);
    for (size_t at = 0; at < len; at += piece) {
        wr_digest_add(&digest, text + at, len - at < piece ? len - at : piece);
    }
    ck_assert(wr_digest_done(&digest, hex));
    return hex;
}

/* FIPS 180-2, B.1 and B.2. */
TEST(digests_are_those_of_the_standard)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    ck_assert_str_eq(hashed("abc", 3),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t piece = 1; piece < sizeof two_blocks; piece++) {
        ck_assert_str_eq(hashed(two_blocks, piece),
                         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

TEST(without_memory_done_tells)
{
    char hex[WR_DIGEST_HEX];
    struct wr_digest digest = {NULL};
    wr_digest_add(&digest, "abc", 3);
    ck_assert(!wr_digest_done(&digest, hex));
    ck_assert_str_eq(hex, "");
}

MAIN("codec/digest")
