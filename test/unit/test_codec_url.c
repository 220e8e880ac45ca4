/*
 * test_codec_url.c - URLs: parts, redirects, origins, redaction.
 */
#include <string.h>

#include <weir/error.h>

#include "codec_url.h"
#include "support_check.h"

static struct wr_url parsed(const char *text)
{
    struct wr_url url;
    ck_assert_int_eq(wr_url_parse(wr_text_of(text), &url), 0);
    return url;
}

static void same_text(struct wr_text text, const char *want)
{
    ck_assert_uint_eq(text.len, strlen(want));
    ck_assert_mem_eq(text.data, want, text.len);
}

TEST(url_has_its_parts)
{
    struct wr_url url = parsed("HTTPS://user:pw@Host.example:8443/a/b?c=d#e");

    ck_assert(url.secure);
    ck_assert_uint_eq(url.port, 8443);
    same_text(url.userinfo, "user:pw");
    same_text(url.host, "Host.example");
    same_text(url.path, "/a/b");
    same_text(url.query, "c=d");
}

TEST(url_has_default_ports)
{
    ck_assert_uint_eq(parsed("http://h").port, 80);
    ck_assert_uint_eq(parsed("https://h:/").port, 443);
    ck_assert_uint_eq(parsed("http://[::1]:81/").port, 81);
    same_text(parsed("http://[::1]").host, "[::1]");
    ck_assert_ptr_null(parsed("http://h/").query.data);
    ck_assert_ptr_nonnull(parsed("http://h/?").query.data);
}

/* RFC 6874: the interface behind a link-local address. */
TEST(url_takes_a_zone_behind_an_ipv6_address)
{
    struct wr_url url = parsed("http://u:p@[fe80::1%25eth0.7]:81/a");
    char out[64];
    struct wr_text userinfo;

    same_text(url.host, "[fe80::1%25eth0.7]");
    ck_assert_uint_eq(url.port, 81);
    ck_assert_int_eq(wr_url_resolve(wr_text_of("http://[fe80::1%25eth0]/a"), wr_text_of("b"), out,
                                    sizeof out, &userinfo),
                     0);
    ck_assert_str_eq(out, "http://[fe80::1%25eth0]/b");
}

TEST(url_refuses_what_could_be_read_in_two_ways)
{
    static const char *const bad[] = {"",
                                      "h",
                                      "ftp://h/",
                                      "file:///etc/passwd",
                                      "http:/h",
                                      "http:///p",
                                      "http://a@b@c/",
                                      "http://h:65536/",
                                      "http://h:0/",
                                      "http://h:x/",
                                      "http://h\\@e/",
                                      "http://h%2ee/",
                                      "http://h h/",
                                      "http://h/\n",
                                      "http://[::1/",
                                      "http://[x]/",
                                      "http://[fe80::1%eth0]/",
                                      "http://[fe80::1%25]/",
                                      "http://[fe80::1%25a%25b]/",
                                      "http://[fe80::1%25a/b]/",
                                      "http://[%25eth0]/",
                                      "http://h%25eth0/",
                                      "http://h/a b",
                                      "http://u@/",
                                      "//h/",
                                      "http://:80/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wr_url url;
        ck_assert_msg(wr_url_parse(wr_text_of(bad[i]), &url) == WEIR_EINVAL, "accepted: %s",
                      bad[i]);
    }
}

static void resolves(const char *base, const char *reference, const char *want)
{
    char out[200];
    struct wr_text userinfo;
    ck_assert_int_eq(
        wr_url_resolve(wr_text_of(base), wr_text_of(reference), out, sizeof out, &userinfo), 0);
    ck_assert_str_eq(out, want);
}

TEST(a_port_ends_with_its_text)
{
    char out[64];
    struct wr_text userinfo;
    const struct wr_text base = {"http://h:8012", 11}, other = {"//g:9012", 6};
    ck_assert_int_eq(wr_url_resolve(base, wr_text_of("/x"), out, sizeof out, &userinfo), 0);
    ck_assert_str_eq(out, "http://h:80/x");
    ck_assert_int_eq(wr_url_resolve(base, other, out, sizeof out, &userinfo), 0);
    ck_assert_str_eq(out, "http://g:90/");
}

TEST(a_port_is_written_without_leading_zeros)
{
    resolves("http://h:0000090/a", "b", "http://h:90/b");
    resolves("http://h/a", "//g:00065535/b", "http://g:65535/b");
    resolves("http://h/a", "//g:000080", "http://g:80/");
}

/* The examples of RFC 3986 5.4, without those that keep a fragment or another scheme. */
TEST(redirect_resolves_as_rfc_3986)
{
    static const char *const pairs[][2] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q"},
        {"g#s", "/b/c/g"},
        {";x", "/b/c/;x"},
        {"g;x=1/../y", "/b/c/y"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g?y/../x", "/b/c/g?y/../x"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char want[100] = "http://a";
        resolves("http://a/b/c/d;p?q", pairs[i][0], strcat(want, pairs[i][1]));
    }
}

TEST(redirect_to_another_host_or_scheme)
{
    resolves("http://a/b", "https://c:444/d/../e#f", "https://c:444/e");
    resolves("https://a/b", "//c", "https://c/");
    resolves("http://a:81", "g", "http://a:81/g");
    resolves("http://a", "", "http://a/");
    resolves("http://a/", " /b c\xc3\xa9 ", "http://a/b%20c%C3%A9");
}

TEST(redirect_gives_userinfo_apart)
{
    char out[100];
    struct wr_text userinfo;
    ck_assert_int_eq(
        wr_url_resolve(wr_text_of("http://u:p@a/"), wr_text_of("/x"), out, 100, &userinfo), 0);
    ck_assert_str_eq(out, "http://a/x");
    same_text(userinfo, "u:p");
    ck_assert_int_eq(
        wr_url_resolve(wr_text_of("http://u:p@a/"), wr_text_of("//b/x"), out, 100, &userinfo), 0);
    ck_assert_ptr_null(userinfo.data);
    ck_assert_int_eq(
        wr_url_resolve(wr_text_of("http://a/"), wr_text_of("//v@b"), out, 100, &userinfo), 0);
    same_text(userinfo, "v");
}

TEST(redirect_elsewhere_is_refused)
{
    static const char *const bad[] = {
        "file:///etc/passwd", "ftp://h/", "javascript:x", "http:g", "http://", "/a\r\nb",
        "//a@b@c/",           "?\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char out[100];
        struct wr_text userinfo;
        int rc =
            wr_url_resolve(wr_text_of("http://a/"), wr_text_of(bad[i]), out, sizeof out, &userinfo);
        ck_assert_msg(rc == WEIR_EINVAL, "followed: %s", bad[i]);
    }
}

TEST(redirect_that_does_not_fit_is_told)
{
    char out[13];
    struct wr_text userinfo;
    ck_assert_int_eq(wr_url_resolve(wr_text_of("http://a/"), wr_text_of("bcd"), out, 13, &userinfo),
                     0);
    ck_assert_str_eq(out, "http://a/bcd");
    ck_assert_int_eq(
        wr_url_resolve(wr_text_of("http://a/"), wr_text_of("bcde"), out, 13, &userinfo),
        WEIR_ETOOLONG);
}

TEST(origin_is_scheme_host_and_port)
{
    struct wr_url a = parsed("https://H.example/x");
    struct wr_url same = parsed("https://u@h.EXAMPLE:443/y?z");
    struct wr_url port = parsed("https://h.example:444/x");
    struct wr_url scheme = parsed("http://h.example:443/x");
    struct wr_url host = parsed("https://h.example.org/x");

    ck_assert(wr_url_same_origin(&a, &same));
    ck_assert(!wr_url_same_origin(&a, &port));
    ck_assert(!wr_url_same_origin(&a, &scheme));
    ck_assert(!wr_url_same_origin(&a, &host));
}

TEST(redaction_hides_secrets)
{
    static const char *const pairs[][2] = {
        {"https://user:pw@h/p?token=abc", "https://user:***@h/p?token=***"},
        {"https://h:8443/p?a=1&b=&c=2", "https://h:8443/p?a=1&b=&c=2"},
        {"https://h/p?n=3&api_key=4&x&Sig=5&pass=", "https://h/p?n=3&api_key=***&x&Sig=***&pass="},
        {"https://token@h/", "https://***@h/"},
        {"//user:pw@h/p?token=abc", "//user:***@h/p?token=***"},
        {"https://h/p?secret", "https://h/p?***"},
        {"https://h/p#access_token=x", "https://h/p#***"},
        {"https://h/@user/p", "https://h/@user/p"},
        {"https://u:a/b@h/p", "https://u:***@h/p"},
        {"https://u:a?b@h/p", "https://u:***@h/p"},
        {"https://u:a@b@h/p", "https://u:***@h/p"},
        {"u:secret@h", "u:***@h"},
        {"/p?k=v", "/p?k=v"},
        {"http://h/\x1b[2J", "http://h/?[2J"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char out[100];
        wr_url_redact(wr_text_of(pairs[i][0]), out, sizeof out);
        ck_assert_str_eq(out, pairs[i][1]);
    }
}

TEST(redaction_cuts_at_the_end_of_its_room)
{
    char out[12];
    wr_url_redact(wr_text_of("https://h/a/long/path"), out, sizeof out);
    ck_assert_str_eq(out, "https://h/a");
    wr_url_redact(wr_text_of("x"), NULL, 0);
}

MAIN("codec/url")
