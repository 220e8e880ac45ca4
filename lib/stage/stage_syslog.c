/*
 * stage_syslog.c - the component syslog: a record of each message, from lines or datagrams. The
 * decoder (codec_syslog.h) in the stage of records.
 */
#include <weir/module.h>

#include "codec_syslog.h"
#include "stage_record.h"

static int syslog_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_syslog_read(fields, text);
}

static const struct wr_record_ops syslog_ops = {.kind = "syslog", .read = syslog_read};

static weir_gen *syslog_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return wr_record_stage(up, &syslog_ops, NULL, 0);
}

const weir_component wr_component_syslog = {
    .struct_size = sizeof wr_component_syslog,
    .name = "syslog",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS,
    .help = "Reads syslog messages (RFC 5424, RFC 3164): facility, severity, time, host, app, pid, "
            "msgid, structured data, message.",
    .example = "./syslog.log | syslog",
    .open = syslog_open,
};
