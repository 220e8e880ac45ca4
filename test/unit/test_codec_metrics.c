/*
 * test_codec_metrics.c - samples of metrics: statsd, Prometheus, InfluxDB.
 */
#include "codec_metrics.h"
#include "support_fields.h"

/* The first line. */
static int read_line(struct wr_fields *fields, weir_slice text)
{
    size_t at = 0;
    return wr_statsd_read(fields, text, &at);
}

static void statsd_as(const char *text, const char *expected)
{
    fields_as(read_line, text, expected);
    every_beginning(read_line, text);
}

static void prom_as(const char *text, const char *expected)
{
    fields_as(wr_prom_read, text, expected);
    every_beginning(wr_prom_read, text);
}

static void influx_as(const char *text, const char *expected)
{
    fields_as(wr_influx_read, text, expected);
    every_beginning(wr_influx_read, text);
}

TEST(statsd_has_name_value_and_type)
{
    statsd_as("gorets:1|c", "name=gorets|value=1|type=c|");
    statsd_as("gaugor:-10.5e2|g\n", "name=gaugor|value=-10.5e2|type=g|");
    statsd_as("uniques:any text|s", "name=uniques|value=any text|type=s|");
}

TEST(statsd_has_rate_and_tags)
{
    statsd_as("a.b:320|ms|@0.1|#host:x,eu,env:|T1656581400",
              "name=a.b|value=320|type=ms|rate=0.1|host=x|eu=true|env=|");
}

TEST(statsd_rejects_with_a_place)
{
    statsd_as(":1|c", "<a metric has no name, at byte 0: :1|c>");
    statsd_as("a", "<a metric has no value, at byte 1, after: a>");
    statsd_as("a:1", "<a metric has no type, at byte 3, after: a:1>");
    statsd_as("a:1|", "<a metric has no type, at byte 4, after: a:1|>");
    statsd_as("a:x|c", "<the value is not a number, at byte 2: x|c>");
    statsd_as("a:1|c|@x", "<the sample rate is not a number, at byte 7: x>");
    statsd_as("a:1|c|#,", "<a tag has no name, at byte 7: ,>");
    statsd_as("\n\na:x|c", "<the value is not a number, at byte 4: x|c>");
}

TEST(statsd_has_a_metric_in_each_line)
{
    static const char input[] = "a:1|c\r\n\nbb:x|c\nb:2|g|#t:1\n";
    const weir_slice text = {input, sizeof input - 1};
    struct wr_fields fields = {0};
    size_t at = 0;
    wr_fault_pause(true);
    MUST(wr_fields_begin(&fields, text.len) == 0);
    ck_assert_int_eq(wr_statsd_read(&fields, text, &at), 0);
    ck_assert_uint_eq(fields.body.len, 5);
    ck_assert_uint_eq(fields.count, 3);
    MUST(wr_fields_begin(&fields, text.len) == 0);
    ck_assert_int_eq(wr_statsd_read(&fields, text, &at), WEIR_EPARSE);
    ck_assert_uint_eq(fields.at, 11);
    MUST(wr_fields_begin(&fields, text.len) == 0);
    ck_assert_int_eq(wr_statsd_read(&fields, text, &at), 0);
    ck_assert_int_eq(fields.body.data[0], 'b');
    ck_assert_uint_eq(fields.count, 4);
    ck_assert_int_eq(wr_statsd_read(&fields, text, &at), WR_FIELDS_NONE);
    wr_fault_pause(false);
    wr_fields_fini(&fields);
}

TEST(an_empty_text_holds_no_metric)
{
    statsd_as("", "<none>");
    statsd_as("\r\n\n", "<none>");
}

TEST(statsd_has_numbers)
{
    kinds_as(read_line, "a:1|c|@0.1|#b:1", "snsns");
    kinds_as(read_line, "a:1|g", "sns");
    kinds_as(read_line, "a:+1|g", "sss"); /* a change */
    kinds_as(read_line, "a:1|s", "sss");
    statsd_as("a:+01.|c", "name=a|value=1|type=c|");
    statsd_as("a:+1|g", "name=a|value=+1|type=g|");
}

TEST(prometheus_has_numbers)
{
    kinds_as(wr_prom_read, "a{b=\"1\"} 1 2", "ssnn");
    kinds_as(wr_prom_read, "a NaN", "ss");
    prom_as("a .5", "name=a|value=0.5|");
    prom_as("a -.5e1", "name=a|value=-0.5e1|");
    prom_as("a 0.50", "name=a|value=0.50|");
    prom_as("a 00", "name=a|value=0|");
}

TEST(influx_has_numbers_and_logical_values)
{
    kinds_as(wr_influx_read, "m,a=1 b=1,c=1i,d=\"1\",e=t 5", "ssnnsbn");
    influx_as("m a=+1.,b=007u", "measurement=m|a=1|b=7|");
}

TEST(prometheus_has_labels_value_and_time)
{
    prom_as("up 1", "name=up|value=1|");
    prom_as("http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000",
            "name=http_requests_total|method=post|code=200|value=1027|time=1395066363000|");
    prom_as("a { b = \"x\" , } +Inf", "name=a|b=x|value=+Inf|");
    prom_as("a{} NaN", "name=a|value=NaN|");
    prom_as("a{path=\"C:\\\\DIR\\\\\",e=\"\\\"\\n}\"} 1.458255915e9 -3982045",
            "name=a|path=C:\\DIR\\|e=\"\n}|value=1.458255915e9|time=-3982045|");
}

TEST(prometheus_comments_hold_no_record)
{
    prom_as("# HELP a The number of a.", "<none>");
    prom_as("", "<none>");
    prom_as(" \t", "<none>");
    prom_as("a_bucket{le=\"1\"} 8 # {trace_id=\"x\"} 0.67", "name=a_bucket|le=1|value=8|");
}

TEST(prometheus_rejects_with_a_place)
{
    prom_as("{a=\"b\"} 1", "<a metric has no name, at byte 0: {a=\"b\"} 1>");
    prom_as("a", "<the value is not a number, at byte 1, after: a>");
    prom_as("a x", "<the value is not a number, at byte 2: x>");
    prom_as("a 1 x", "<the time is not a number, at byte 4: x>");
    prom_as("a 1 2 3", "<the time is not a number, at byte 4: 2 3>");
    prom_as("a{b} 1", "<a label has no name=\"value\", at byte 2: b} 1>");
    prom_as("a{b=c} 1", "<a quote is missing, at byte 4: c} 1>");
    prom_as("a{b=\"c} 1", "<a quoted value does not end, at byte 4: \"c} 1>");
    prom_as("a{b=\"c\" d=\"e\"} 1", "<the labels do not end with }, at byte 8: d=\"e\"} 1>");
    prom_as("a{b=\"\\q\"} 1", "<an unknown escape, at byte 5: \\q\"} 1>");
}

TEST(influx_has_measurement_tags_fields_and_time)
{
    influx_as("weather,city=Oslo,kind=a\\ b temperature=82.5,id=7i,n=8u 1465839830100400200",
              "measurement=weather|city=Oslo|kind=a b|temperature=82.5|id=7|n=8"
              "|time=1465839830100400200|");
    influx_as("m f=1", "measurement=m|f=1|");
    influx_as("my\\ m\\,x,a\\=b=c\\,d\\\\ f\\ 1=-1e3 -5", "measurement=my m,x|a=b=c,d\\\\|f 1=-1e3"
                                                          "|time=-5|");
}

TEST(influx_has_texts_and_logical_values)
{
    influx_as("m a=\"x, \\\"y\\\" \\\\ \\n\",b=t,c=F,d=TRUE,e=false",
              "measurement=m|a=x, \"y\" \\ \\n|b=true|c=false|d=true|e=false|");
}

TEST(influx_comments_hold_no_record)
{
    influx_as("# a comment", "<none>");
    influx_as("", "<none>");
}

TEST(influx_rejects_with_a_place)
{
    influx_as(",a=b f=1", "<a measurement has no name, at byte 0: ,a=b f=1>");
    influx_as("m", "<the fields are missing, at byte 1, after: m>");
    influx_as("m,a f=1", "<a tag has no name=value, at byte 2: a f=1>");
    influx_as("m f", "<a field has no name=value, at byte 2: f>");
    influx_as("m f=x",
              "<the value is not a number, a text in quotes, true or false, at byte 4: x>");
    influx_as("m f=i",
              "<the value is not a number, a text in quotes, true or false, at byte 4: i>");
    influx_as("m f=\"x", "<a quoted value does not end, at byte 4: \"x>");
    influx_as("m f=\"x\"y", "<a value is followed by text, at byte 7: y>");
    influx_as("m f=1 2x", "<the time is not an integer, at byte 6: 2x>");
    influx_as("m f=1 -", "<the time is not an integer, at byte 6: ->");
}

MAIN("codec/metrics")
