/*
 * test_codec_schema.c - JSON Schema: each keyword, what is refused, and where a value fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_schema.h"
#include "support_check.h"

/* What a check of the value says; "" when it is valid; of a schema that is refused the reason in <>. */
static void check_says(const char *text, const char *value, const char *expected)
{
    char why[WR_SCHEMA_REASON] = "", got[WR_SCHEMA_REASON + 2];
    struct wr_json json;
    int code;
    wr_fault_pause(true); /* what is found is compared; the stage is swept */
    struct wr_schema *schema = wr_schema_new(text, strlen(text), &code, why);
    snprintf(got, sizeof got, schema == NULL ? "<%s>" : "%s", why);
    if (schema != NULL) {
        size_t len = strlen(value);
        char *copy = malloc(len > 0 ? len : 1);
        memcpy(copy, value, len);
        wr_json_init(&json);
        MUST(wr_json_index(&json, copy, len) == 0);
        for (int i = 0; i < 2; i++) { /* what a check leaves behind changes nothing */
            int rc = wr_schema_check(schema, &json, why);
            MUST(rc == (why[0] == '\0' ? 0 : WEIR_EPARSE));
            snprintf(got, sizeof got, "%s", why);
        }
        wr_json_fini(&json);
        free(copy);
        wr_schema_free(schema);
    }
    wr_fault_pause(false);
    ck_assert_msg(strcmp(got, expected) == 0, "%s of %s: got '%s', expected '%s'", text, value, got,
                  expected);
}

static void accepts(const char *text, const char *value)
{
    check_says(text, value, "");
}

static void refuses_schema(const char *text, const char *why)
{
    char expected[WR_SCHEMA_REASON + 2];
    snprintf(expected, sizeof expected, "<%s>", why);
    check_says(text, "1", expected);
}

TEST(types)
{
    accepts("{\"type\":\"integer\"}", "1.0");
    accepts("{\"type\":\"integer\"}", "12e2");
    accepts("{\"type\":\"integer\"}", "1e400");
    accepts("{\"type\":[\"null\",\"string\"]}", "null");
    accepts("{\"type\":\"number\"}", "-0.5");
    accepts("{\"type\":\"boolean\"}", "false");
    check_says("{\"type\":\"integer\"}", "1.5", "(root): type integer, got 1.5");
    check_says("{\"type\":[\"object\",\"array\"]}", "\"x\"",
               "(root): type array or object, got \"x\"");
    check_says("{\"type\":\"number\"}", "\"1\"", "(root): type number, got \"1\"");
}

TEST(a_schema_may_be_true_or_false)
{
    accepts("true", "1");
    accepts("{}", "[1]");
    check_says("false", "1", "(root): no value is allowed here (the schema is false)");
}

TEST(numbers_are_compared_exactly)
{
    accepts("{\"minimum\":0,\"maximum\":10}", "0");
    accepts("{\"minimum\":-1.5}", "-15e-1");
    check_says("{\"minimum\":0}", "-3", "(root): minimum 0, got -3");
    check_says("{\"maximum\":9007199254740992}", "9007199254740993",
               "(root): maximum 9007199254740992, got 9007199254740993");
    check_says("{\"exclusiveMinimum\":0.1}", "0.10", "(root): exclusiveMinimum 0.1, got 0.10");
    accepts("{\"exclusiveMinimum\":0.1}", "0.1000000000000000000001");
    check_says("{\"exclusiveMaximum\":3}", "3", "(root): exclusiveMaximum 3, got 3");
    accepts("{\"exclusiveMaximum\":0}", "-1e-999");
    accepts("{\"minimum\":-0}", "0");
    accepts("{\"minimum\":1}", "\"x\"");
}

TEST(multiples_are_exact)
{
    accepts("{\"multipleOf\":0.01}", "19.99");
    accepts("{\"multipleOf\":0.0001}", "0.0075");
    accepts("{\"multipleOf\":3}", "300000000000000000000000000000");
    accepts("{\"multipleOf\":7}", "0");
    accepts("{\"multipleOf\":2.5}", "1e300");
    check_says("{\"multipleOf\":0.01}", "19.995", "(root): multipleOf 0.01, got 19.995");
    check_says("{\"multipleOf\":3}", "1e300", "(root): multipleOf 3, got 1e300");
    refuses_schema("{\"multipleOf\":0}",
                   "/multipleOf: a number above 0 with at most 18 digits is needed");
}

TEST(const_and_enum_compare_values)
{
    accepts("{\"const\":{\"a\":[1,\"\\u0062\"]}}", "{\"a\":[1.0,\"b\"]}");
    accepts("{\"const\":{\"a\":1,\"b\":2}}", "{\"b\":2,\"a\":1}");
    accepts("{\"const\":\"\\u00e9\\ud83d\\ude00/\"}", "\"\\u00E9\\uD83D\\uDE00\\/\"");
    accepts("{\"enum\":[1,\"a\",null]}", "null");
    check_says("{\"const\":1}", "true", "(root): const 1, got true");
    check_says("{\"const\":[]}", "{}", "(root): const [], got {}");
    check_says("{\"const\":{\"a\":1}}", "{\"a\":1,\"b\":2}",
               "(root): const {\"a\":1}, got {\"a\":1,\"b\":2}");
    check_says("{\"const\":\"\\u00e9\\n\"}", "\"\\u00e8\\n\"",
               "(root): const \"\\u00e9\\n\", got \"\\u00e8\\n\"");
    check_says("{\"enum\":[1,2]}", "3", "(root): enum [1,2], got 3");
}

TEST(lengths_count_characters)
{
    accepts("{\"minLength\":2,\"maxLength\":2}", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    accepts("{\"minLength\":2,\"maxLength\":2}", "\"\\u00e9\\ud83d\\ude00\"");
    check_says("{\"minLength\":3}", "\"ab\"", "(root): minLength 3, got \"ab\"");
    check_says("{\"maxLength\":1}", "\"ab\"", "(root): maxLength 1, got \"ab\"");
    accepts("{\"maxLength\":1}", "12");
}

TEST(patterns_match_anywhere)
{
    accepts("{\"pattern\":\"^\\\\d+$\"}", "\"123\"");
    accepts("{\"pattern\":\"b\"}", "\"a\\u0062c\"");
    check_says("{\"pattern\":\"^a\"}", "\"ba\"", "(root): pattern \"^a\", got \"ba\"");
    refuses_schema("{\"pattern\":\"(\"}", "/pattern: missing closing parenthesis, at byte 1 of the "
                                          "pattern");
    check_says("{\"pattern\":\"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
               "(root): the regular expression needs more than 1000000 steps");
}

TEST(arrays)
{
    accepts("{\"items\":{\"type\":\"integer\"}}", "[1,2]");
    check_says("{\"items\":{\"type\":\"integer\"}}", "[1,\"a\"]", "/1: type integer, got \"a\"");
    check_says("{\"minItems\":2}", "[1]", "(root): minItems 2, got [1]");
    check_says("{\"maxItems\":1}", "[1,2]", "(root): maxItems 1, got [1,2]");
    accepts("{\"uniqueItems\":true}", "[1,\"1\",[1],{\"a\":1},true,null,[[]]]");
    accepts("{\"uniqueItems\":true}", "[]");
    check_says("{\"uniqueItems\":true}", "[1,2,1.0]",
               "/2: uniqueItems: an element before it is equal");
    accepts("{\"uniqueItems\":false}", "[1,1]");
}

TEST(objects)
{
    const char *schema =
        "{\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b/~\":"
        "{\"minimum\":0}}},\"no\":false},\"additionalProperties\":{\"type\":\"string\"}}";
    accepts(schema, "{\"a\":{\"b/~\":1,\"x\":2},\"other\":\"y\"}");
    check_says(schema, "{}", "(root): required \"a\" is missing");
    check_says(schema, "{\"a\":{\"b/~\":-3}}", "/a/b~1~0: minimum 0, got -3");
    check_says(schema, "{\"\\u0061\":1}", "/\\u0061: type object, got 1");
    check_says(schema, "{\"a\":{},\"z\":1}", "/z: type string, got 1");
    check_says(schema, "{\"a\":{},\"no\":1}",
               "/no: no value is allowed here (the schema is false)");
    check_says("{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1,\"b\":2}",
               "/b: additionalProperties: a member with this name is not allowed");
    check_says("{\"minProperties\":1}", "{}", "(root): minProperties 1, got {}");
    check_says("{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
               "(root): maxProperties 1, got {\"a\":1,\"b\":2}");
}

TEST(alternatives)
{
    accepts("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":2}]}", "3");
    check_says("{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":2}]}", "1",
               "(root): anyOf: no alternative matches");
    check_says("{\"allOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "1",
               "(root): minimum 2, got 1");
    accepts("{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "1");
    check_says("{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3",
               "(root): oneOf: more than one alternative matches");
    check_says("{\"oneOf\":[{\"type\":\"string\"}]}", "3", "(root): oneOf: no alternative matches");
    accepts("{\"not\":{\"type\":\"string\"}}", "3");
    check_says("{\"not\":{\"type\":\"integer\"}}", "3", "(root): not: the value matches");
    accepts("{\"not\":{\"not\":{\"type\":\"integer\"}},\"allOf\":[true]}", "3");
    check_says("{\"properties\":{\"a\":{\"anyOf\":[{\"items\":{\"type\":\"null\"}}]}}}",
               "{\"a\":[null,1]}", "/a: anyOf: no alternative matches");
}

TEST(references_and_recursion)
{
    const char *tree =
        "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},"
        "\"v\":{\"$ref\":\"#/$defs/a~1b%20c\"}},\"$defs\":{\"a/b c\":{\"minimum\":1}}}";
    char deep[8192] = "";
    accepts(tree, "{\"next\":{\"next\":{\"v\":1}}}");
    check_says(tree, "{\"next\":{\"next\":{\"v\":0}}}", "/next/next/v: minimum 1, got 0");
    check_says(tree, "{\"next\":{\"next\":7}}", "/next/next: type object, got 7");
    for (size_t i = 0; i < 1000; i++) {
        memcpy(deep + i, "[", 1);
        memcpy(deep + 1000 + i, "]", 1);
    }
    accepts("{\"type\":\"array\",\"items\":{\"allOf\":[{\"$ref\":\"#\"}]}}", deep);
    accepts("{\"allOf\":[{\"type\":\"integer\"},{\"$ref\":\"#/allOf/0\"}]}", "1");
    accepts("{\"$ref\":\"#/$defs/~01\",\"$defs\":{\"~1\":true,\"/\":false}}", "1");
    refuses_schema("{\"$ref\":\"#/allOf/1\",\"allOf\":[true]}",
                   "/$ref: there is no such place in the schema");
}

TEST(a_schema_that_leads_to_itself_for_one_value_is_refused)
{
    refuses_schema("{\"$ref\":\"#\"}", "(root): the schema leads to itself for the same value");
    refuses_schema("{\"properties\":{\"a\":{\"anyOf\":[{\"not\":{\"$ref\":\"#/properties/a\"}}]}}}",
                   "/properties/a: the schema leads to itself for the same value");
}

TEST(what_is_not_known_is_refused_by_name)
{
    refuses_schema("{\"properties\":{\"a\":{\"if\":true}}}",
                   "/properties/a: the keyword \"if\" is not known");
    refuses_schema("{\"items\":[{}]}", "/items: a schema is an object, true or false");
    refuses_schema("{\"$ref\":\"other.json\"}",
                   "/$ref: only # and #/... are known: a place in the same schema");
    refuses_schema("{\"$ref\":\"#/$defs/x\"}", "/$ref: there is no such place in the schema");
    refuses_schema("{\"properties\":{\"a\":{\"$id\":\"x\"}}}",
                   "/properties/a: the keyword \"$id\" is not known");
    refuses_schema("{\"type\":\"int\"}", "/type: a type is null, boolean, integer, number, string, "
                                         "array or object");
    refuses_schema("{\"minLength\":-1}",
                   "/minLength: a number from 0 to 2^63 - 1 without a fraction is needed");
    refuses_schema("{\"exclusiveMinimum\":true}", "/exclusiveMinimum: a number is needed");
    refuses_schema("{\"required\":[1]}", "/required/0: a name is needed, a string");
    refuses_schema("{\"anyOf\":[]}", "/anyOf: a list of schemas that is empty");
    refuses_schema("[]", "(root): a schema is an object, true or false");
    refuses_schema("{", "it is not JSON: the text ends inside an object, at byte 1");
    accepts("{\"$schema\":\"s\",\"$id\":\"i\",\"title\":\"t\",\"format\":\"date\",\"default\":1,"
            "\"examples\":[],\"description\":\"d\",\"$comment\":\"c\",\"definitions\":{}}",
            "1");
}

TEST(alternatives_that_multiply_end_with_a_limit)
{
    /* Each of them tries the next one twice. */
    char schema[4096] = "{\"$ref\":\"#/$defs/0\",\"$defs\":{";
    size_t len = strlen(schema);
    for (int i = 0; i < 40; i++) {
        len += (size_t)snprintf(schema + len, sizeof schema - len,
                                "\"%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/%d\"},{\"$ref\":"
                                "\"#/$defs/%d\"}]},",
                                i, i + 1, i + 1);
    }
    snprintf(schema + len, sizeof schema - len, "\"40\":false}}");
    check_says(schema, "1", "(root): the check takes too many steps");
}

/* Elements with the numbers from 0 on between two texts, and then one more element; free it. */
static char *elements(int count, const char *before, const char *after, const char *last)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(to);
    for (int i = 0; i < count; i++) {
        fputc(i > 0 ? ',' : '[', to);
        fprintf(to, "%s%d%s", before, i, after);
    }
    fprintf(to, ",%s]", last);
    fclose(to);
    return text;
}

TEST(many_elements_are_told_apart)
{
    static const char schema[] = "{\"uniqueItems\":true}";
    char *numbers = elements(20000, "", "", "2e1");
    check_says(schema, numbers, "/20000: uniqueItems: an element before it is equal");
    free(numbers);
    numbers = elements(20000, "", ".5", "-0");
    accepts(schema, numbers);
    free(numbers);
    char *strings = elements(20000, "\"\\u0061", "\"", "\"a7\"");
    check_says(schema, strings, "/20000: uniqueItems: an element before it is equal");
    free(strings);
}

TEST(comparing_all_arrays_ends_with_a_limit)
{
    char *value = elements(3000, "[", "]", "7");
    check_says("{\"uniqueItems\":true}", value, "(root): the check takes too many steps");
    free(value);
}

MAIN("codec/schema")
