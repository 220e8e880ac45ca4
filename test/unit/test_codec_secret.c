/*
 * test_codec_secret.c - what must not be shown is found, wherever it stands in a text.
 */
#include <string.h>

#include "codec_secret.h"
#include "support_check.h"

/* Texts, and the same with a star for each byte of a secret. */
static const char *const samples[][2] = {
    {"http://h/", "http://h/"},
    {"http://u@h/", "http://*@h/"},
    {"http://@h/?key=v", "http://@h/?key=*"},
    {"http://u@h/?key=v", "http://*@h/?key=*"},
    {"http://u:@h/?key=v", "http://u:@h/?key=*"},
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
    /* An unescaped slash, hash or question mark in a password. */
    {"http://u:a/b@h/x", "http://u:***@h/x"},
    {"http://u:a#b@h/?key=v", "http://u:***@h/?key=*"},
    {"http://u:a?b@h:1/", "http://u:***@h:1/"},
    {"http://h:80/x@y:z@h", "http://h:80/x@y:z@h"},
    /* An address without its scheme, or with half of it. */
    {"u:pw@h:1/x", "u:**@h:1/x"},
    {"tcp u:pw@h:1 | file a@b", "tcp u:**@h:1 | file a@b"},
    {"https:/u:pw@h/", "https:*****@h/"},
    {"h:80/x?n=1&token=abc", "h:80/x?n=1&token=***"},
    {"http:/h/x?token=abc y?token=abc", "http:/h/x?token=*** y?token=abc"},
    {"u:pw@h/x?token=abc", "u:**@h/x?token=***"},
    {":1@h?pass=55@", ":*@h?pass=***"}, /* ... also when the last @ is in the second secret */
    {"a@b:c", "a@b:c"},
    {"a:b@", "a:b@"},
    {"", ""},
};

TEST(names_of_values_say_that_they_are_secret)
{
    static const char *const secret[] = {"token",
                                         "X-Amz-Security-Token",
                                         "apiKey",
                                         "pwd",
                                         "pw",
                                         "client_secret",
                                         "sessionid",
                                         "SID",
                                         "jwt",
                                         "hmac",
                                         "X-Amz-Credential",
                                         "bearer",
                                         "otp",
                                         "%74oken",
                                         "%70w",
                                         "t%4Fken"};
    static const char *const open[] = {"n",         "t",    "q",  "side", "spin",
                                       "footprint", "user", "%7", "",     "%zztok"};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        ck_assert_msg(wr_secret_name(wr_text_of(secret[i])), "%s", secret[i]);
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        ck_assert_msg(!wr_secret_name(wr_text_of(open[i])), "%s", open[i]);
    }
}

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
