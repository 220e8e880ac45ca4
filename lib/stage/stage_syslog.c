/*
 * stage_syslog.c - the component syslog: a record of each message, from lines, datagrams, or a
 * stream, which its framer cuts (codec_syslog_frame.c), directly in the source where that is
 * possible. The decoder (codec_syslog.h) in the stage of records.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "codec_syslog.h"
#include "stage_record.h"

static int syslog_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_syslog_read(fields, text);
}

static const struct wr_record_ops syslog_ops = {.kind = "syslog", .read = syslog_read};

struct syslog_args {
    int64_t bytes_max;
    int32_t overlong; /* an index of long_choices */
};

static bool cuts(const weir_opening *opening)
{
    return opening->joined || opening->shape == WEIR_SHAPE_BYTES;
}

static int syslog_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct syslog_args *a = args;
    if (cuts(opening) || (a->bytes_max == 0 && a->overlong == 0)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its messages are cut already, and limited there");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

static weir_gen *syslog_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct syslog_args *a = args;
    if (cuts(opening)) {
        weir_framing framing = {.struct_size = sizeof framing,
                                .kind = WEIR_FRAME_SYSLOG,
                                .overlong = a->overlong == 1 || opening->strict ? WEIR_LONG_FAILS
                                                                                : WEIR_LONG_SKIP,
                                .item_bytes_max = a->bytes_max};
        up = weir_framed(up, &framing);
    }
    return wr_record_stage(up, &syslog_ops, NULL, 0);
}

static const char *const long_choices[] = {"skip", "fail", NULL};
static const weir_arg syslog_args[] = {
    WEIR_ARG_SIZE(struct syslog_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a message, without its length or line end; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct syslog_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
};
static const weir_example syslog_more[] = {
    {"tcp://127.0.0.1:5514 | syslog | ndjson", NULL},
    {NULL, NULL},
};

const weir_component wr_component_syslog = {
    .struct_size = sizeof wr_component_syslog,
    .name = "syslog",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES | WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES,
    .args = syslog_args,
    .args_count = sizeof syslog_args / sizeof syslog_args[0],
    .args_size = sizeof(struct syslog_args),
    .help = "Reads syslog messages (RFC 5424, RFC 3164): facility, severity, time, host, app, pid, "
            "msgid, structured data, message. In a stream, each is a line or has its length before "
            "it (RFC 6587).",
    .example = "./syslog.log | syslog",
    .check = syslog_check,
    .open = syslog_open,
    .more_examples = syslog_more,
};
