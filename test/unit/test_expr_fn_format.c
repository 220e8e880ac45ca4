/*
 * test_expr_fn_format.c - values as text for other languages, with the results of jq.
 */
#include "support_run.h"

TEST(rows_are_written_as_csv_and_tsv)
{
    static const struct wr_run_case cases[] = {
        {"@csv, @tsv, @sh, @json, @text", "[1,1.5,\"a\\\"b\",null,true]",
         "\"1,1.5,\\\"a\\\"\\\"b\\\",,true\" \"1\\t1.5\\ta\\\"b\\t\\ttrue\" \"1 1.5 'a\\\"b' null "
         "true\" \"[1,1.5,\\\"a\\\\\\\"b\\\",null,true]\" "
         "\"[1,1.5,\\\"a\\\\\\\"b\\\",null,true]\" "},
        {"@csv", "[[1]]", "! array ([1]) is not valid in a csv row"},
        {"@tsv", "[\"a\\tb\\\\c\\nd\\re\"]", "\"a\\\\tb\\\\\\\\c\\\\nd\\\\re\" "},
        {"@csv", "\"x\"", "! string (\"x\") cannot be csv-formatted, only an array can be"},
        {"@tsv", "\"x\"", "! string (\"x\") cannot be tsv-formatted, only an array can be"},
        {"@csv", "{\"a\":1}", "! object ({\"a\":1}) cannot be csv-formatted, only an array can be"},
        {"@csv, @tsv, @sh", "[]", "\"\" \"\" \"\" "},
    };
    CHECK_RUNS(cases);
}

TEST(words_are_quoted_for_a_shell)
{
    static const struct wr_run_case cases[] = {
        {"@sh", "[1,[2]]", "! array ([2]) can not be escaped for shell"},
        {"@sh", "{}", "! object ({}) can not be escaped for shell"},
        {"@sh", "\"it's\"", "\"'it'\\\\''s'\" "},
    };
    CHECK_RUNS(cases);
}

TEST(text_is_escaped_for_html_and_urls)
{
    static const struct wr_run_case cases[] = {
        {"@uri", "\"\xc3\xa9 ~-_.=&?/\"", "\"%C3%A9%20~-_.%3D%26%3F%2F\" "},
        {"@html", "\"<&\\\">\"", "\"&lt;&amp;&quot;&gt;\" "},
        {"@html, @uri, @base64", "{\"a\":1}",
         "\"{&quot;a&quot;:1}\" \"%7B%22a%22%3A1%7D\" \"eyJhIjoxfQ==\" "},
        {"@html", "\"it's\"", "\"it&#39;s\" "},
        {"@uri", "\"!*'()\"", "\"%21%2A%27%28%29\" "},
    };
    CHECK_RUNS(cases);
}

TEST(base64_is_written_and_read)
{
    static const struct wr_run_case cases[] = {
        {"@base64d", "\"aGVsbG8=\"", "\"hello\" "},
        {"@base64d", "\"aGVsbG8\"", "\"hello\" "},
        {"@base64d", "\"YQ==\"", "\"a\" "},
        {"@base64d", "\"YWI=\"", "\"ab\" "},
        {"@base64d", "\"a\"", "! string (\"a\") is not valid base64 data"},
        {"@base64d", "\"aGV$bG8=\"", "! string (\"aGV$bG8=\") is not valid base64 data"},
        {"@base64d", "\"/w==\"", "\"\xef\xbf\xbd\" "},
        {"@base64d, @base64", "\"\"", "\"\" \"\" "},
        {"@base64", "1", "\"MQ==\" "},
        {"map(@base64), map(@base64|@base64d)", "[\"\xc3\xa9\",\"\",\"a\",\"ab\",\"abc\"]",
         "[\"w6k=\",\"\",\"YQ==\",\"YWI=\",\"YWJj\"] [\"\xc3\xa9\",\"\",\"a\",\"ab\",\"abc\"] "},
        {"@base64d", "\"Zm9v YmFy\"", "! string (\"Zm9v YmFy\") is not valid base64 data"},
    };
    CHECK_RUNS(cases);
}

TEST(a_format_in_front_of_a_string_is_for_the_parts_in_it)
{
    static const struct wr_run_case cases[] = {
        {"@base64 \"x\\(.a)y\", @sh \"echo \\(.b)\", @csv \"r: \\(.c)\", @html \"<b>\\(.b)\", "
         "@json \"j\\(.c)\", @uri \"?q=\\(.a)&x\", @tsv \"\\(.c)\", @text \"\\(.c)\"",
         "{\"a\":\"\xc3\xa9\",\"b\":\"it's\",\"c\":[1,\"x\"]}",
         "\"xw6k=y\" \"echo 'it'\\\\''s'\" \"r: 1,\\\"x\\\"\" \"<b>it&#39;s\" \"j[1,\\\"x\\\"]\" "
         "\"?q=%C3%A9&x\" \"1\\tx\" \"[1,\\\"x\\\"]\" "},
    };
    CHECK_RUNS(cases);
}

TEST(json_in_a_string_is_read)
{
    static const struct wr_run_case cases[] = {
        {"fromjson, (fromjson|.[1].a[1]), (fromjson|tojson)", "\"[1,{\\\"a\\\":[2,\\\"x\\\"]}]\"",
         "[1,{\"a\":[2,\"x\"]}] \"x\" \"[1,{\\\"a\\\":[2,\\\"x\\\"]}]\" "},
        {"fromjson", "\" 12 \"", "12 "},
        {"fromjson", "\"\\\"a\\\\u00e9\\\"\"", "\"a\xc3\xa9\" "},
        {"fromjson", "\"\"", "! there is no value at byte 0 (while parsing \"\")"},
        {"fromjson", "\"[1,2\"",
         "! the text ends inside an array at byte 4 (while parsing \"[1,2\")"},
        {"fromjson", "\"1 2\"",
         "! expected the end after the value at byte 2 (while parsing \"1 2\")"},
        {"fromjson", "1", "! number (1) only strings can be parsed"},
        {"fromjson", "\"{\\\"a\\\":1,\\\"a\\\":2}\"", "{\"a\":2} "},
        {"map(fromjson)", "[\"{\\\"a\\\":[1]}\",\"[2,3]\",\"{}\"]", "[{\"a\":[1]},[2,3],{}] "},
        {"fromjson", "\"nan\"", "! expected a value at byte 0 (while parsing \"nan\")"},
        {"fromjson | .n", "\"{\\\"n\\\":12345678901234567890.10}\"", "12345678901234567890.10 "},
    };
    CHECK_RUNS(cases);
}

TEST(every_allocation_of_formats_may_fail)
{
    wr_run_gives(
        "(fromjson | .a), @base64 \"\\(.)\", @html, ([., 1] | @csv)", "\"{\\\"a\\\":[1]}\"",
        "[1] \"eyJhIjpbMV19\" \"{&quot;a&quot;:[1]}\" \"\\\"{\\\"\\\"a\\\"\\\":[1]}\\\",1\" ");
}

MAIN("expr/fn_format")
