/*
 * test_codec_secret.c - what must not be shown is found, wherever it stands in a text.
 */
#include <string.h>

#include "codec_secret.h"
#include "support_check.h"

/* Texts, and the same with a star for each byte of a secret. */
static const char *const samples[][2] = {
    {"http://h/", "http://h/"},
    {"http://u@h/", "http://u@h/"},
    {"http://u:pw@h/", "http://u:**@h/"},
    {"http://u:p:w@x@h/", "http://u:*****@h/"},
    {"http://u:@h/", "http://u:@h/"},
    {"http://h/?a=b@c:d", "http://h/?a=b@c:d"},
    {"http://h/?n=1&token=abc&m=2", "http://h/?n=1&token=***&m=2"},
    {"http://h/?API-KEY=abc#x", "http://h/?API-KEY=***#x"},
    {"http://h/?token=&x=1", "http://h/?token=&x=1"},
    {"http://u:pw@h/?sig=s x http://v:qq@g/?auth=t",
     "http://u:**@h/?sig=* x http://v:**@g/?auth=*"},
    {"two: tcp://u:pw@h:1 and \"http://u:pw@h\"", "two: tcp://u:**@h:1 and \"http://u:**@h\""},
    {"://", "://"},
    {"no address: a?token=b", "no address: a?token=b"},
    {"", ""},
};

TEST(secrets_are_found)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char text[100];
        size_t at, len;
        size_t from = 0;
        strcpy(text, samples[i][0]);
        while (wr_secret_find(wr_text_of(text), from, &at, &len)) {
            ck_assert_uint_ge(at, from);
            ck_assert_uint_gt(len, 0);
            memset(text + at, '*', len);
            from = at + len;
        }
        ck_assert_str_eq(text, samples[i][1]);
    }
}

MAIN("codec/secret")
