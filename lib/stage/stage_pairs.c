/*
 * stage_pairs.c - the components that read pairs of names and values: logfmt and kv. Each is a
 * decoder (codec_logfmt.h) in the stage of records.
 */
#include <string.h>

#include <weir/module.h>

#include "codec_logfmt.h"
#include "stage_record.h"

static int logfmt_read(void *self, weir_slice text, struct wr_fields *fields)
{
    (void)self;
    return wr_logfmt_read(fields, text);
}

static const struct wr_record_ops logfmt_ops = {.kind = "logfmt", .read = logfmt_read};

static weir_gen *logfmt_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return wr_record_stage(up, &logfmt_ops, NULL, 0);
}

const weir_component wr_component_logfmt = {
    .struct_size = sizeof wr_component_logfmt,
    .name = "logfmt",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS,
    .help = "Reads lines of name=value and name=\"value\" pairs; a name alone is true.",
    .example = "./app.log | logfmt",
    .open = logfmt_open,
};

/* ---- kv */

enum { SEPARATOR_MAX = 32 };

struct kv_args {
    const char *delim, *sep;
};

/* The stage's copy of them. */
struct kv {
    size_t delim_len, sep_len;
    char delim[SEPARATOR_MAX], sep[SEPARATOR_MAX];
};

static int kv_read(void *self, weir_slice text, struct wr_fields *fields)
{
    const struct kv *kv = self;
    return wr_kv_read(fields, text,
                      &(struct wr_kv){{kv->delim, kv->delim_len}, {kv->sep, kv->sep_len}});
}

static const struct wr_record_ops kv_ops = {.kind = "kv", .read = kv_read};

static int kv_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct kv_args *a = args;
    (void)opening;
    if (a->delim != NULL && strlen(a->delim) > SEPARATOR_MAX) {
        return weir_mistake_at(mistake, "delim", "delim has more than %d bytes", SEPARATOR_MAX);
    }
    if (strlen(a->sep) > SEPARATOR_MAX) {
        return weir_mistake_at(mistake, "sep", "sep has more than %d bytes", SEPARATOR_MAX);
    }
    if (a->delim != NULL && strcmp(a->delim, a->sep) == 0) {
        return weir_mistake_at(mistake, "sep", "sep and delim are the same");
    }
    return 0;
}

static weir_gen *kv_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct kv_args *a = args;
    struct kv kv = {.delim_len = a->delim != NULL ? strlen(a->delim) : 0,
                    .sep_len = strlen(a->sep)};
    (void)opening;
    if (kv.delim_len > 0) {
        memcpy(kv.delim, a->delim, kv.delim_len);
    }
    memcpy(kv.sep, a->sep, kv.sep_len);
    return wr_record_stage(up, &kv_ops, &kv, sizeof kv);
}

static const weir_arg kv_args[] = {
    WEIR_ARG_TEXT(struct kv_args, delim, .name = "delim", .form = WEIR_FORM_NAMED,
                  .help = "what separates pairs; blanks if not given"),
    WEIR_ARG_TEXT(struct kv_args, sep, .name = "sep", .form = WEIR_FORM_NAMED, .preset = "=",
                  .help = "what separates a name from its value"),
};

static const weir_example kv_more[] = {
    {"./settings.txt | kv delim=\",\" sep=\":\"", NULL},
    {NULL, NULL},
};

const weir_component wr_component_kv = {
    .struct_size = sizeof wr_component_kv,
    .name = "kv",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS,
    .args = kv_args,
    .args_count = sizeof kv_args / sizeof kv_args[0],
    .args_size = sizeof(struct kv_args),
    .help = "Reads lines of pairs, name=value if not told otherwise; a name alone is true.",
    .example = "./metrics.txt | kv",
    .check = kv_check,
    .open = kv_open,
    .more_examples = kv_more,
};
