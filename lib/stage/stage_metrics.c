/*
 * stage_metrics.c - the components that read samples of metrics: statsd, prom and influx. Each is a
 * decoder (codec_metrics.h) in the stage of records; a text of statsd may hold several.
 */
#include <weir/module.h>

#include "codec_metrics.h"
#include "stage_record.h"

struct statsd {
    size_t at; /* where the next line of the text begins */
};

static void statsd_begin(void *self, const weir_item *item, weir_slice text)
{
    (void)item;
    (void)text;
    ((struct statsd *)self)->at = 0;
}

static int statsd_read(void *self, weir_slice text, struct wr_fields *fields)
{
    return wr_statsd_read(fields, text, &((struct statsd *)self)->at);
}

static int prom_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_prom_read(fields, text);
}

static int influx_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_influx_read(fields, text);
}

static const struct wr_records_ops statsd_ops = {
    .kind = "statsd", .begin = statsd_begin, .read = statsd_read};
static int prom_write(void *self, struct wr_out *out, struct wr_fields *fields,
                      const struct wr_row *row)
{
    (void)self;
    return wr_prom_write(out, fields, row);
}

static const struct wr_written_ops prom_written = {.write = prom_write};
static const struct wr_record_ops prom_ops = {
    .kind = "prom", .read = prom_read, .written = &prom_written};
static const struct wr_record_ops influx_ops = {.kind = "influx", .read = influx_read};

static weir_gen *statsd_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct statsd statsd = {0};
    (void)opening;
    (void)args;
    return wr_records_stage(up, &statsd_ops, &statsd, sizeof statsd);
}

static weir_gen *prom_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return wr_record_stage(up, &prom_ops, NULL, 0);
}

static weir_gen *influx_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return wr_record_stage(up, &influx_ops, NULL, 0);
}

#define READS                                                                      \
    .kind = WEIR_KIND_STAGE, .takes = WR_RECORD_TAKES, .gives = WEIR_SHAPE_RECORD, \
    .traits = WR_RECORD_TRAITS

const weir_component wr_component_statsd = {
    .struct_size = sizeof wr_component_statsd,
    .name = "statsd",
    READS,
    .help =
        "Reads statsd metrics, name:value|type with rate and tags, one in each line; a message may "
        "have several lines.",
    .example = "./metrics.statsd | statsd",
    .open = statsd_open,
};

static const weir_example prom_more[] = {
    {"http://localhost:9100/metrics | prom", NULL},
    {NULL, NULL},
};

const weir_component wr_component_prom = {
    .struct_size = sizeof wr_component_prom,
    .name = "prom",
    .kind = WEIR_KIND_STAGE,
    WR_RECORD_BOTH,
    .traits = WR_RECORD_TRAITS,
    .help =
        "Reads the exposition text of Prometheus: name, labels, value, time of each sample. Behind "
        "records and JSON it writes it.",
    .example = "gen 1..2 | map {name: \"seen_total\", host: \"a\", value: .} | prom",
    .prints = "seen_total{host=\"a\"} 1\nseen_total{host=\"a\"} 2\n",
    .more_examples = prom_more,
    .open = prom_open,
};

const weir_component wr_component_influx = {
    .struct_size = sizeof wr_component_influx,
    .name = "influx",
    READS,
    .help = "Reads InfluxDB's line protocol: measurement, tags, fields and time of each point.",
    .example = "./points.txt | influx",
    .open = influx_open,
};
