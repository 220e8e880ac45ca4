/*
 * test_codec_base64.c - the vectors of RFC 4648, section 10, and all bytes.
 */
#include <stdio.h>
#include <string.h>

#include "codec_base64.h"
#include "support_check.h"

static const char *base64_of(const char *data, size_t len)
{
    static char text[2048];
    memset(text, '?', sizeof text);
    wr_base64_write(data, len, text);
    ck_assert_int_eq(text[wr_base64_len(len)], '?');
    text[wr_base64_len(len)] = '\0';
    return text;
}

TEST(base64_is_that_of_the_rfc)
{
    static const char *const vectors[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                          "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t len = 0; len < sizeof vectors / sizeof *vectors; len++) {
        ck_assert_str_eq(base64_of("foobar", len), vectors[len]);
    }
    ck_assert_str_eq(base64_of("\xff\xfe\xfb\xef\xbe\x00", 6), "//77774A");
}

TEST(hex_has_two_small_digits_for_each_byte)
{
    char bytes[256], text[513] = "", want[513];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
        snprintf(want + 2 * i, 3, "%02x", (unsigned)i);
    }
    wr_hex_write(bytes, sizeof bytes, text);
    ck_assert_str_eq(text, want);
}

MAIN("codec/base64")
