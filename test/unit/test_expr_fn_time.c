/*
 * test_expr_fn_time.c - functions on times, with the results of jq.
 */
#include "support_run.h"

TEST(seconds_are_broken_down_and_put_together)
{
    static const struct wr_run_case cases[] = {
        {"gmtime, todate, (gmtime|mktime), (gmtime|todate)", "1425599621.678",
         "[2015,2,5,23,53,41.67799997329712,4,63] \"2015-03-05T23:53:41Z\" 1425599621 "
         "\"2015-03-05T23:53:41Z\" "},
        {"gmtime, todate", "-1.5", "[1969,11,31,23,59,58.5,3,364] \"1969-12-31T23:59:58Z\" "},
        {"mktime", "[2015]", "! mktime requires parsed datetime inputs"},
        {"mktime", "\"a\"", "! mktime requires array inputs"},
        {"mktime, todate", "[2015,2,5,23,51,47.9,4,63]", "1425599507 \"2015-03-05T23:51:47Z\" "},
        {"mktime, todate, strftime(\"%j %a\")", "[2024,1,29,12,0,0,4,59]",
         "1709208000 \"2024-02-29T12:00:00Z\" \"060 Thu\" "},
        {"gmtime", "1e18", "! error converting number of seconds since epoch to datetime"},
        {"gmtime", "null", "! gmtime() requires numeric inputs"},
        {"gmtime, todate", "-1.5", "[1969,11,31,23,59,58.5,3,364] \"1969-12-31T23:59:58Z\" "},
        {"mktime", "[2024,13,31,25,61,61]", "1741053721 "},
    };
    CHECK_RUNS(cases);
}

TEST(times_are_written)
{
    static const struct wr_run_case cases[] = {
        {"strftime(\"%Y-%m-%dT%H:%M:%SZ, %A %e %B, %j\")", "1425599621",
         "\"2015-03-05T23:53:41Z, Thursday  5 March, 064\" "},
        {"strftime(\"%A, %B %d, %Y\"), strftime(\"%a %b %e %j %U %W %V %G %g %u %w %y %C %k %l %I "
         "%p %P %Z %z %s %c %x %X %D %F %T %R %r %h %%|%-d|%_d|%Ey\")",
         "1425599621",
         "\"Thursday, March 05, 2015\" \"Thu Mar  5 064 09 09 10 2015 15 4 4 15 20 23 11 11 PM pm "
         "UTC +0000 1425599621 Thu Mar  5 23:53:41 2015 03/05/15 23:53:41 03/05/15 2015-03-05 "
         "23:53:41 23:53 11:53:41 PM Mar %|5| 5|15\" "},
        {"todate", "10000000000", "\"2286-11-20T17:46:40Z\" "},
        {"todate", "\"a\"", "! strftime/1 requires parsed datetime inputs"},
        {"strftime(1)", "0", "! strftime/1 requires a string format"},
        {"strftime(\"%\")", "0", "\"%\" "},
        {"strftime(\"%q%Q\")", "0", "\"%q%Q\" "},
    };
    CHECK_RUNS(cases);
}

TEST(the_calendar_is_right_in_all_years)
{
    static const struct wr_run_case cases[] = {
        {"map(gmtime)", "[0,1234567890,951782400,4107542400,-62135596800,-86400]",
         "[[1970,0,1,0,0,0,4,0],[2009,1,13,23,31,30,5,43],[2000,1,29,0,0,0,2,59],[2100,2,1,0,0,0,1,"
         "59],[1,0,1,0,0,0,1,0],[1969,11,31,0,0,0,3,364]] "},
        {"map(strftime(\"%V %G %g %U %W %j %u %w %y\"))",
         "[0,1234567890,951782400,4107542400,-86400]",
         "[\"01 1970 70 00 00 001 4 4 70\",\"07 2009 09 06 06 044 5 5 09\",\"09 2000 00 09 09 060 "
         "2 2 00\",\"09 2100 00 09 09 060 1 1 00\",\"01 1970 70 52 52 365 3 3 69\"] "},
        {"map(todate)", "[-62135596800,253402300799]",
         "[\"1-01-01T00:00:00Z\",\"9999-12-31T23:59:59Z\"] "},
        {"[range(-800000000; 4000000000; 86399 * 977)] | all(. == (gmtime | mktime))", "null",
         "true "},
        {"[range(-800000000; 4000000000; 86399 * 977)] | all((strftime(\"%F %T\") | strptime(\"%F "
         "%T\") | mktime) == .)",
         "null", "true "},
    };
    CHECK_RUNS(cases);
}

TEST(times_are_read)
{
    static const struct wr_run_case cases[] = {
        {"strptime(\"%Y-%m-%dT%H:%M:%SZ\"), fromdate", "\"2015-03-05T23:51:47Z\"",
         "[2015,2,5,23,51,47,4,63] 1425599507 "},
        {"fromdate", "\"2015-03-05T23:51:47.5Z\"",
         "! date \"2015-03-05T23:51:47.5Z\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""},
        {"strptime(\"%d %b %Y %I:%M %p %z\")|.,mktime", "\"10 Mar 2020 1:02 PM +0000\"",
         "[2020,2,10,13,2,0,2,69] 1583845320 "},
        {"strptime(\"%A, %d %B %Y\")", "\"Thu, 05 March 2015\"", "[2015,2,5,0,0,0,4,63] "},
        {"strptime(\"%Y %j\")", "\"2015 64\"", "[2015,2,5,0,0,0,4,63] "},
        {"strptime(\"%y %m %d\")", "\"70 1 2\"", "[1970,0,2,0,0,0,5,1] "},
        {"strptime(\"%y %m %d\")", "\"68 1 2\"", "[2068,0,2,0,0,0,1,1] "},
        {"strptime(\"%F %T\")|.,mktime", "\"2016-02-29 12:00:00\"",
         "[2016,1,29,12,0,0,1,59] 1456747200 "},
        {"strptime(\"%s\")", "\"1425599621\"", "[2015,2,5,23,53,41,4,63] "},
        {"strptime(\"%Y\")", "\"x\"", "! date \"x\" does not match format \"%Y\""},
        {"strptime(\"%Y\")", "\"2015x\"", "! date \"2015x\" does not match format \"%Y\""},
        {"strptime(\"%Y\")", "1", "! strptime/1 requires string inputs and arguments"},
        {"strptime(\"%Y-%m-%d %H:%M:%S %Z\")", "\"2015-03-05 23:51:47 UTC\"",
         "[2015,2,5,23,51,47,4,63] "},
        {"strptime(\"%D %I:%M:%S %p\")", "\"05/03/15 12:01:02 AM\"", "[2015,4,3,0,1,2,0,122] "},
        {"strptime(\"%Y-%m-%d\")", "\"2015-13-01\"",
         "! date \"2015-13-01\" does not match format \"%Y-%m-%d\""},
        {"strptime(\"%b %e %Y\")", "\"Jan  5 2015\"", "[2015,0,5,0,0,0,1,4] "},
        {"strptime(\"%H:%M\")", "\"12:00\"", "[1900,0,1,12,0,0,1,0] "},
        {"strptime(\"%C%y\")", "\"1999\"", "[1999,0,1,0,0,0,5,0] "},
    };
    CHECK_RUNS(cases);
}

TEST(a_zone_that_is_read_is_subtracted)
{
    static const struct wr_run_case cases[] = {
        {"map(strptime(\"%F %T %z\") | mktime)",
         "[\"1970-01-01 02:00:00 +0200\",\"1970-01-01 02:00:00 +02:00\",\"1969-12-31 19:00:00 "
         "-05\",\"1970-01-01 00:00:00 Z\"]",
         "[0,0,0,0] "},
        {"strptime(\"%z\")", "\"x\"", "! date \"x\" does not match format \"%z\""},
    };
    CHECK_RUNS(cases);
}

TEST(times_are_moved_by_seconds)
{
    static const struct wr_run_case cases[] = {
        {"dateadd(\"seconds\"; 60), datesub(\"seconds\"; 60), (dateadd(\"seconds\"; 1) | date)",
         "0", "60 -60 \"1970-01-01T00:00:01Z\" "},
    };
    CHECK_RUNS(cases);
}

TEST(now_is_the_time_of_the_owner)
{
    const struct wr_run_case one = {"now, (now | todate)", "null",
                                    "1425599621.678 \"2015-03-05T23:53:41Z\" "};
    wr_check_run(&one, 1425599621678000123, NULL);
    wr_run_gives("now", "null", "! there is no clock here");
}

TEST(a_time_with_units_becomes_seconds)
{
    static const struct wr_run_case cases[] = {
        {".[] | seconds", "[\"1h\",\"1.5s\",\"1m30s\",\"100ms\",\"70ms\",\"-2s\",\"3d\",\"0s\"]",
         "3600 1.5 90 0.1 0.07 -2 259200 0 "},
        {".[] | seconds", "[\"250us\",\"250\xc2\xb5s\",\"250\xce\xbcs\",\"2ns\"]",
         "0.00025 0.00025 0.00025 2e-09 "},
        {"seconds", "1.50", "1.50 "},
        {"seconds", "null", "! null (null) is not a time such as 1m30s or 120ms"},
        {"seconds", "\"5\"", "! string (\"5\") is not a time such as 1m30s or 120ms"},
        {"[.[] | try seconds catch 0]",
         "[\"\",\"s\",\"1 s\",\"1x\",\"1.s\",\".5s\",\"1ms2\",\"-\",\"1S\",\"1sm\"]",
         "[0,0,0,0,0,0,0,0,0,0] "},
    };
    CHECK_RUNS(cases);
}

MAIN("expr/fn_time")
