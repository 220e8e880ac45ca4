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

MAIN("codec/address")
