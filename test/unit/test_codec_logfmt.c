/*
 * test_codec_logfmt.c - pairs in lines: logfmt, and kv with other separators.
 */
#include "codec_logfmt.h"
#include "support_fields.h"

static void logfmt_as(const char *text, const char *expected)
{
    fields_as(wr_logfmt_read, text, expected);
}

TEST(pairs_are_separated_by_blanks)
{
    logfmt_as("a=1 b=two\tc=3 ", "a=1|b=two|c=3|");
    logfmt_as("  a=1\r", "a=1|");
}

TEST(a_name_alone_is_true)
{
    logfmt_as("cached a= b", "cached=true|a=|b=true|");
}

TEST(a_quoted_value_holds_anything)
{
    logfmt_as("msg=\"a b=c\" x=1", "msg=a b=c|x=1|");
    logfmt_as("msg=\"\"", "msg=|");
    logfmt_as("msg=\"say \\\"hi\\\" \\\\\" x=\"\"", "msg=say \"hi\" \\|x=|");
}

TEST(escapes_are_those_of_c_and_json)
{
    logfmt_as("m=\"\\n\\t\\/\\x41\\u00e9\"", "m=\n\t/A\xc3\xa9|");
    logfmt_as("m=\"\\ud83d\\ude00\\U0001f600\"", "m=\xf0\x9f\x98\x80\xf0\x9f\x98\x80|");
    logfmt_as("m=\"\\ud83d\" n=\"\\ude00\\u0041\"", "m=\xef\xbf\xbd|n=\xef\xbf\xbd"
                                                    "A|");
}

TEST(a_value_without_quotes_may_hold_an_equals_sign)
{
    logfmt_as("url=http://x/?a=b&c=d n=1", "url=http://x/?a=b&c=d|n=1|");
}

TEST(names_may_repeat)
{
    logfmt_as("a=1 a=2", "a=1|a=2|");
}

TEST(what_is_no_logfmt_is_rejected_with_its_place)
{
    logfmt_as("", "<no name and value, at byte 0>");
    logfmt_as(" \t", "<no name and value, at byte 0:  ?>");
    logfmt_as("a=1 =2", "<a name is missing, at byte 4: =2>");
    logfmt_as("a\"b=1", "<a quote is not at the start of a value, at byte 1: \"b=1>");
    logfmt_as("a=b\"c", "<a quote is not at the start of a value, at byte 3: \"c>");
    logfmt_as("a=1 msg=\"no end \\\"", "<a quoted value does not end, at byte 8: \"no end \\\">");
    logfmt_as("a=\"x\"y", "<a quoted value is followed by text, at byte 5: y>");
    logfmt_as("a=\"x\\q\"", "<an unknown escape, at byte 4: \\q\">");
    logfmt_as("a=\"\\u12\"", "<an unknown escape, at byte 3: \\u12\">");
    logfmt_as("a=\"\\U00110000\"", "<an unknown escape, at byte 3: \\U00110000\">");
}

TEST(the_reason_quotes_the_beginning_of_a_long_rest)
{
    logfmt_as("=0123456789012345678901234567890123456789",
              "<a name is missing, at byte 0: =012345678901234567890123456789012345678...>");
}

TEST(there_is_a_limit_for_fields)
{
    size_t len = (WR_FIELDS_MAX + 1) * 2;
    char *text = malloc(len + 1), *got;
    struct wr_fields fields = {0};
    for (size_t i = 0; i < len; i += 2) {
        memcpy(text + i, "a ", 3);
    }
    got = fields_found(wr_logfmt_read, &fields, text, len - 2);
    ck_assert_uint_eq(fields.count, WR_FIELDS_MAX);
    free(got);
    got = fields_found(wr_logfmt_read, &fields, text, len);
    ck_assert_ptr_nonnull(strstr(got, "<more than 4096 fields"));
    free(got);
    free(text);
    wr_fields_fini(&fields);
}

TEST(no_byte_behind_the_text_is_read)
{
    every_beginning(wr_logfmt_read, "a=1 b=\"x \\\" \\u00e9 \\ud83d\\ude00\" c d= e=f");
}

/* ---- kv */

static struct wr_kv kv;

static int read_kv(struct wr_fields *fields, weir_slice text)
{
    return wr_kv_read(fields, text, &kv);
}

static void kv_as(const char *delim, const char *sep, const char *text, const char *expected)
{
    kv = (struct wr_kv){{delim, strlen(delim)}, {sep, strlen(sep)}};
    fields_as(read_kv, text, expected);
    every_beginning(read_kv, text);
}

TEST(kv_is_separated_by_blanks_unless_told)
{
    kv_as("", "=", "a=1  b=x=y\tc d=", "a=1|b=x=y|c=true|d=|");
}

TEST(kv_has_separators_of_any_length)
{
    kv_as(", ", ": ", "a: 1, b: 2,3, c", "a=1|b=2,3|c=true|");
    kv_as("&", "=", "a=1&b=&&c&", "a=1|b=|c=true|");
    kv_as("||", "=>", "a=>1||b=|2", "a=1|b=|2=true|");
}

TEST(kv_removes_blanks_around_names_and_values)
{
    kv_as(",", ":", " a : 1 ,\tb:2", "a=1|b=2|");
    kv_as(";", "=", "host = one two ; x", "host=one two|x=true|");
}

TEST(kv_has_quoted_values)
{
    kv_as(",", ":", "a: \"x, y\", b: \"say \\\"hi\\\" \\n\" ,c:\"\"",
          "a=x, y|b=say \"hi\" \\n|c=|");
    kv_as("", "=", "a=\"x y\" b=1", "a=x y|b=1|");
}

TEST(kv_rejects_what_it_cannot_read)
{
    kv_as(",", ":", "", "<no name and value, at byte 0>");
    kv_as(",", ":", " , ,", "<no name and value, at byte 0:  , ,>");
    kv_as(",", ":", "a:1,:2", "<a name is missing, at byte 4: :2>");
    kv_as(",", ":", "a:\"x", "<a quoted value does not end, at byte 2: \"x>");
    kv_as(",", ":", "a:\"x\" y", "<a quoted value is followed by text, at byte 6: y>");
}

MAIN("codec/logfmt")
