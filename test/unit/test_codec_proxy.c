/*
 * test_codec_proxy.c - the texts of http_proxy and no_proxy.
 */
#include "codec_proxy.h"
#include "support_check.h"

static void reads(const char *text, const char *host, unsigned port, const char *userinfo)
{
    struct wr_proxy proxy;
    ck_assert_msg(wr_proxy_parse(wr_text_of(text), &proxy), "%s", text);
    ck_assert_uint_eq(proxy.port, port);
    ck_assert_msg(wr_text_is(proxy.host, host), "%s", text);
    ck_assert((proxy.userinfo.data == NULL) == (userinfo == NULL));
    ck_assert(userinfo == NULL || wr_text_is(proxy.userinfo, userinfo));
}

TEST(a_proxy_is_an_address_with_or_without_a_scheme)
{
    reads("http://proxy:3128", "proxy", 3128, NULL);
    reads("http://proxy:3128/", "proxy", 3128, NULL);
    reads("proxy:3128", "proxy", 3128, NULL);
    reads("proxy", "proxy", 1080, NULL);
    reads("http://me:p%40ss@[::1]:8080", "::1", 8080, "me:p%40ss");
    reads("http://[::1]", "::1", 1080, NULL);
}

TEST(other_proxies_are_refused)
{
    static const char *const texts[] = {
        "socks5://proxy:1080", "https://proxy",  "http://", "",
        "http://proxy:99999",  "http://a:b:c/x", "[",       "http://:80"};
    struct wr_proxy proxy;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(!wr_proxy_parse(wr_text_of(texts[i]), &proxy), "%s", texts[i]);
    }
}

TEST(no_proxy_has_names_and_what_is_below_them)
{
    static const char list[] = "localhost, .example.org,10.0.0.1 [::1],,b.c";
    static const char *const in[] = {"localhost", "EXAMPLE.org", "a.example.org", "10.0.0.1",
                                     "::1",       "b.c",         "a.b.c"};
    static const char *const out[] = {"example.com", "notexample.org", "10.0.0.10", "c",
                                      "localhos"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        ck_assert_msg(wr_no_proxy_has(list, wr_text_of(in[i])), "%s", in[i]);
    }
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        ck_assert_msg(!wr_no_proxy_has(list, wr_text_of(out[i])), "%s", out[i]);
    }
    ck_assert(wr_no_proxy_has("*", wr_text_of("any")));
    ck_assert(!wr_no_proxy_has("", wr_text_of("any")));
}

MAIN("codec/proxy")
