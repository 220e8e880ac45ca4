/*
 * test_codec_address.c - HOST:PORT.
 */
#include <string.h>

#include "codec_address.h"
#include "support_check.h"

TEST(host_and_port_are_split)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } samples[] = {{"h:80", "h", 80},     {"127.0.0.1:65535", "127.0.0.1", 65535},
                   {"[::1]:9", "::1", 9}, {"[fe80::1%eth0]:9", "fe80::1%eth0", 9},
                   {":5514", "", 5514},   {"h:0", "h", 0},
                   {"h:0080", "h", 80}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct wr_text host;
        uint16_t port;
        ck_assert_msg(wr_address_split(wr_text_of(samples[i].text), &host, &port), "%s",
                      samples[i].text);
        ck_assert_uint_eq(host.len, strlen(samples[i].host));
        ck_assert_mem_eq(host.data, samples[i].host, host.len);
        ck_assert_uint_eq(port, samples[i].port);
    }
}

TEST(what_is_not_of_this_form_is_refused)
{
    static const char *const texts[] = {"",        "h",      "h:",      "h:80x",
                                        "h:65536", "h:-1",   "h:+1",    "::1:80",
                                        "[::1]",   "[]:80",  "[::1:80", "::1]:80",
                                        "u@h:80",  "h/x:80", "h h:80",  "h:99999999999999999999",
                                        "a[b]:1",  "[a]b]:1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct wr_text host;
        uint16_t port;
        ck_assert_msg(!wr_address_split(wr_text_of(texts[i]), &host, &port), "%s", texts[i]);
    }
    struct wr_text host;
    uint16_t port;
    ck_assert(!wr_address_split((struct wr_text){"h\0:80", 5}, &host, &port));
}

TEST(what_was_meant_by_an_address_is_told)
{
    static const struct {
        const char *text, *meant;
    } samples[] = {{"localhost:8080/feed", "http://localhost:8080/feed"},
                   {"1.2.3.4:80", "http://1.2.3.4:80"},
                   {"h:80?x=1", "http://h:80?x=1"},
                   {"https:/x", "https://x"},
                   {"http:x/y", "http://x/y"},
                   {"tcp:1.2.3.4:5", "tcp://1.2.3.4:5"},
                   {"tcp:///h:1", "tcp://h:1"},
                   {"tls:h:1", "tls://h:1"},
                   {"https//h/x", "https://h/x"},
                   {"tcp//h:1", "tcp://h:1"},
                   {"www.h.org/x", "http://www.h.org/x"},
                   {"www.h.org:80", "http://www.h.org:80"},
                   {"[::1]:80/x", "http://[::1]:80/x"},
                   {"[::1]", NULL},
                   {"[a]:80", NULL},
                   {"www./x", NULL},
                   {"httpd.log", NULL},
                   {"https/x", NULL},
                   {"", NULL},
                   {"./file", NULL},
                   {"folder/a:80", NULL},
                   {"h:", NULL},
                   {"h:80x", NULL},
                   {"h:65536", NULL},
                   {":80", NULL},
                   {"https:", NULL},
                   {"ftp:x", NULL}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char meant[64] = "";
        bool known = wr_address_meant(wr_text_of(samples[i].text), meant, sizeof meant);
        ck_assert_msg(known == (samples[i].meant != NULL), "%s", samples[i].text);
        ck_assert_str_eq(known ? meant : "", known ? samples[i].meant : "");
    }
    char short_one[8];
    ck_assert(wr_address_meant(wr_text_of("localhost:8080"), short_one, sizeof short_one));
    ck_assert_str_eq(short_one, "http://");
}

MAIN("codec/address")
