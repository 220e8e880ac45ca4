/*
 * test_expr_fn_math.c - functions on numbers, with the results of jq.
 */
#include "support_run.h"

TEST(numbers_are_rounded)
{
    static const struct wr_run_case cases[] = {
        {"map(floor), map(ceil), map(round), map(fabs), map(trunc)", "[1.5,-1.5,2.5,-2.5,0.4,3]",
         "[1,-2,2,-3,0,3] [2,-1,3,-2,1,3] [2,-2,3,-3,0,3] [1.5,1.5,2.5,2.5,0.4,3] "
         "[1,-1,2,-2,0,3] "},
        {"floor", "\"a\"", "! string (\"a\") number required"},
        {"nan|floor", "null", "null "},
        {"floor, ceil, round, trunc, abs", "12345678901234567890123",
         "12345678901234567890123 12345678901234567890123 12345678901234567890123 "
         "12345678901234567890123 12345678901234567890123 "},
        {"map(floor), map(ceil), map(round), map(trunc)",
         "[10000000000000000001.5,-10000000000000000000.5,0.4999999999999999999999,-1e-50,1e300]",
         "[10000000000000000001,-10000000000000000001,0,-1,1e+300] "
         "[10000000000000000002,-10000000000000000000,1,0,1e+300] "
         "[10000000000000000002,-10000000000000000001,0,0,1e+300] "
         "[10000000000000000001,-10000000000000000000,0,0,1e+300] "},
        {"map(abs)", "[-5,5,-1.50,0,-12345678901234567890]", "[5,5,1.5,0,12345678901234567890] "},
        {"abs", "\"a\"", "! string (\"a\") number required"},
    };
    CHECK_RUNS(cases);
}

TEST(functions_of_doubles_are_those_of_the_c_library)
{
    static const struct wr_run_case cases[] = {
        {"[sqrt, exp10, exp2, log2, log, log10, exp, cbrt, sin, cos, tan, atan] | map(. * 1e6 | "
         "round)",
         "4",
         "[2000000,10000000000,16000000,2000000,1386294,602060,54598150,1587401,-756802,-653644,"
         "1157821,1325818] "},
        {"[asin, acos] | map(. * 1e6 | round)", "0.5", "[523599,1047198] "},
        {"pow(\"a\";1)", "null", "! string (\"a\") number required"},
        {"sqrt, log", "-1", "null null "},
    };
    CHECK_RUNS(cases);
}

TEST(infinite_and_nan_are_numbers_that_json_does_not_have)
{
    static const struct wr_run_case cases[] = {
        {"infinite, -infinite, nan, ([nan]|sort), ([nan,1]|min)", "null",
         "1.7976931348623157e+308 -1.7976931348623157e+308 null [null] null "},
        {"map(isinfinite), map(isnormal), map(isnan)", "[1,0,1e-320,2.5]",
         "[false,false,false,false] [true,false,false,true] [false,false,false,false] "},
        {"[nan,infinite]|map(isnan),map(isinfinite),map(isnormal)", "null",
         "[true,false] [false,true] [false,false] "},
        {"infinite|floor", "null", "1.7976931348623157e+308 "},
        {"nan|floor", "null", "null "},
        {"(nan < nan), (nan > nan), (nan < 1)", "null", "true false true "},
    };
    CHECK_RUNS(cases);
}

TEST(other_values_are_refused)
{
    static const struct wr_run_case cases[] = {
        {"floor", "\"a\"", "! string (\"a\") number required"},
        {"pow(1; \"a\")", "null", "! string (\"a\") number required"},
        {"isnormal", "null", "! null (null) number required"},
        {"isnan", "[]", "! array ([]) number required"},
        {"isinfinite", "{}", "! object ({}) number required"},
    };
    CHECK_RUNS(cases);
}

MAIN("expr/fn_math")
