/*
 * test_codec_syslog.c - messages of RFC 5424, and what RFC 3164 describes.
 */
#include "codec_syslog.h"
#include "support_fields.h"

static void syslog_as(const char *text, const char *expected)
{
    fields_as(wr_syslog_read, text, expected);
    every_beginning(wr_syslog_read, text);
}

TEST(the_examples_of_rfc_5424_are_read)
{
    syslog_as("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su "
              "root' failed",
              "facility=4|severity=2|time=2003-10-11T22:14:15.003Z|host=mymachine.example.com"
              "|app=su|msgid=ID47|message='su root' failed|");
    syslog_as("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
              "facility=20|severity=5|time=2003-08-24T05:14:15.000003-07:00|host=192.0.2.1"
              "|app=myproc|pid=8710|message=%% It's time|");
    syslog_as("<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
              "eventSource=\"App\"][examplePriority@32473 class=\"high\"]",
              "facility=20|severity=5|time=2003-10-11T22:14:15.003Z|host=h|app=evntslog|msgid=ID47"
              "|exampleSDID@32473.iut=3|exampleSDID@32473.eventSource=App"
              "|examplePriority@32473.class=high|");
}

TEST(all_may_be_missing_in_rfc_5424)
{
    syslog_as("<0>1 - - - - - -", "facility=0|severity=0|");
    syslog_as("<191>1 - - - - - - x", "facility=23|severity=7|message=x|");
}

TEST(values_of_structured_data_have_escapes)
{
    syslog_as("<0>1 - - - - - [a b=\"\\\"\\\\\\]\\n]\" c=\"\"][d] m",
              "facility=0|severity=0|a.b=\"\\]\\n]|a.c=|d=|message=m|");
}

TEST(the_examples_of_rfc_3164_are_read)
{
    syslog_as("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
              "facility=4|severity=2|time=Oct 11 22:14:15|host=mymachine|app=su"
              "|message='su root' failed for lonvick on /dev/pts/8|");
    syslog_as("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
              "facility=1|severity=5|time=Feb  5 17:32:18|host=10.0.0.99|message=Use the BFG!|");
}

TEST(a_time_that_cannot_be_is_a_part_of_the_message)
{
    syslog_as("<13>Feb 29 23:59:60 h a: b",
              "facility=1|severity=5|time=Feb 29 23:59:60|host=h|app=a|message=b|");
    syslog_as("<13>Feb 30 17:32:18 h", "facility=1|severity=5|message=Feb 30 17:32:18 h|");
    syslog_as("<13>Jun 31 17:32:18 h", "facility=1|severity=5|message=Jun 31 17:32:18 h|");
    syslog_as("<13>Jun  0 17:32:18 h", "facility=1|severity=5|message=Jun  0 17:32:18 h|");
    syslog_as("<13>Jun 30 24:32:18 h", "facility=1|severity=5|message=Jun 30 24:32:18 h|");
    syslog_as("<13>Jun 30 23:60:18 h", "facility=1|severity=5|message=Jun 30 23:60:18 h|");
    syslog_as("<13>Jun 30 23:59:61 h", "facility=1|severity=5|message=Jun 30 23:59:61 h|");
}

TEST(an_empty_text_holds_no_message)
{
    syslog_as("", "<none>");
    syslog_as("\r\n", "<none>");
}

TEST(a_tag_may_have_a_process_id)
{
    syslog_as("<30>Feb  5 17:32:18 h sshd[230]: hello", "facility=3|severity=6|time=Feb  5 17:32:18"
                                                        "|host=h|app=sshd|pid=230|message=hello|");
    syslog_as("<30>Feb  5 17:32:18 h a[]: b", "facility=3|severity=6|time=Feb  5 17:32:18"
                                              "|host=h|app=a|message=b|");
    syslog_as("<30>Feb  5 17:32:18 h a[1 b", "facility=3|severity=6|time=Feb  5 17:32:18"
                                             "|host=h|message=a[1 b|");
}

TEST(a_message_of_the_local_socket_has_no_host)
{
    syslog_as("<13>Feb  5 17:32:18 cron[7]: x",
              "facility=1|severity=5|time=Feb  5 17:32:18|app=cron|pid=7|message=x|");
    syslog_as("<13>Feb  5 17:32:18 su: x",
              "facility=1|severity=5|time=Feb  5 17:32:18|app=su|message=x|");
}

TEST(a_colon_or_a_bracket_alone_is_no_tag)
{
    syslog_as("<13>http://x is down", "facility=1|severity=5|message=http://x is down|");
    syslog_as("<13>Feb  5 17:32:18 http://x is down",
              "facility=1|severity=5|time=Feb  5 17:32:18|host=http://x|message=is down|");
    syslog_as("<13>Feb  5 17:32:18 [fe80::1] su: x",
              "facility=1|severity=5|time=Feb  5 17:32:18|host=[fe80::1]|app=su|message=x|");
    syslog_as("<13>Feb  5 17:32:18 fe80::1 su[7] x",
              "facility=1|severity=5|time=Feb  5 17:32:18|host=fe80::1|app=su|pid=7|message=x|");
    syslog_as("<13>a[1]b: x", "facility=1|severity=5|message=a[1]b: x|");
    syslog_as("<13>su[7]:x", "facility=1|severity=5|app=su|pid=7|message=x|");
    syslog_as("<13>su:", "facility=1|severity=5|app=su|");
}

TEST(the_time_of_rfc_5424_is_a_date_with_a_time_of_any_year)
{
    syslog_as("<1>1 9999-12-31T23:59:59Z - - - - -",
              "facility=0|severity=1|time=9999-12-31T23:59:59Z|");
    syslog_as("<1>1 2003-10-11 - - - - -",
              "<the time is not as RFC 3339 has it, at byte 5: 2003-10-11 - - - - ->");
    syslog_as("<1>1 -x - - - - -", "<the time is not as RFC 3339 has it, at byte 5: -x - - - - ->");
    syslog_as("2003-10-11 h su: x",
              "<neither a priority nor a time, at byte 0: 2003-10-11 h su: x>");
}

TEST(a_line_of_a_log_file_has_no_priority)
{
    syslog_as("Oct 11 22:14:15 h su: x", "time=Oct 11 22:14:15|host=h|app=su|message=x|");
    syslog_as("2024-05-01T12:00:00.5+02:00 h su[1]: x",
              "time=2024-05-01T12:00:00.5+02:00|host=h|app=su|pid=1|message=x|");
}

TEST(a_priority_alone_is_enough)
{
    syslog_as("<13>hello there", "facility=1|severity=5|message=hello there|");
    syslog_as("<13>app: hello", "facility=1|severity=5|app=app|message=hello|");
    syslog_as("<13>", "facility=1|severity=5|");
    syslog_as("<13>Oct 99", "facility=1|severity=5|message=Oct 99|");
}

TEST(a_line_end_is_not_a_part_of_the_message)
{
    syslog_as("<13>hello\r\n", "facility=1|severity=5|message=hello|");
    struct wr_fields fields = {0};
    char *got = fields_found(wr_syslog_read, &fields, "<13>x\n\0", 7);
    ck_assert_str_eq(got, "facility=1|severity=5|message=x|");
    free(got);
    wr_fields_fini(&fields);
}

TEST(what_is_no_syslog_is_rejected_with_its_place)
{
    syslog_as("hello", "<neither a priority nor a time, at byte 0: hello>");
    syslog_as("<>x", "<the priority is not from <0> to <191>, at byte 0: <>x>");
    syslog_as("<192>x", "<the priority is not from <0> to <191>, at byte 0: <192>x>");
    syslog_as("<1", "<the priority is not from <0> to <191>, at byte 0: <1>");
    syslog_as("<1>1 yesterday h a - - - x",
              "<the time is not as RFC 3339 has it, at byte 5: yesterday h a - - - x>");
    syslog_as("<1>1 - h", "<a space is missing, at byte 8, after: <1>1 - h>");
    syslog_as("<1>1 - h  ", "<the name of the program is missing, at byte 9:  >");
    syslog_as("<1>1 - h a p m x", "<structured data, or -, is missing, at byte 15: x>");
    syslog_as("<1>1 - h a p m -x", "<a space is missing after the structured data, at byte 16: x>");
    syslog_as("<1>1 - h a p m []", "<structured data has no id, at byte 16: ]>");
    syslog_as("<1>1 - h a p m [i", "<structured data does not end with ], at byte 17, after: "
                                   "<1>1 - h a p m [i>");
    syslog_as("<1>1 - h a p m [i n]", "<structured data has no name=\"value\", at byte 18: n]>");
    syslog_as("<1>1 - h a p m [i n=\"x",
              "<a value of structured data does not end, at byte 20: \"x>");
    syslog_as("<1>1 - h a p m [i n=\"x\"y", "<structured data does not end with ], at byte 23: y>");
}

TEST(the_id_of_structured_data_has_a_limit)
{
    char text[600] = "<1>1 - - - - - [";
    memset(text + strlen(text), 'i', WR_SYSLOG_ID_MAX + 1);
    strcat(text, " a=\"1\"]");
    struct wr_fields fields = {0};
    char *got = fields_found(wr_syslog_read, &fields, text, strlen(text));
    ck_assert_ptr_nonnull(
        strstr(got, "<an id of structured data has more than 255 bytes, at byte 16: iii"));
    free(got);
    wr_fields_fini(&fields);
}

TEST(facility_and_severity_are_numbers)
{
    kinds_as(wr_syslog_read, "<165>1 - - - 7 - -", "nns");
    kinds_as(wr_syslog_read, "<34>Oct 11 22:14:15 host su[230]: hello", "nnsssss");
}

MAIN("codec/syslog")
