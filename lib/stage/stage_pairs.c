/*
 * stage_pairs.c - the components that read and write pairs of names and values: logfmt and kv. Each
 * is a decoder and an encoder (codec_logfmt.h) in the stage of records.
 */
#include <string.h>

#include <weir/module.h>

#include "codec_logfmt.h"
#include "stage_record.h"

/* `numbers` is for what is read. 0, or the code of a mistake. */
static int check_numbers(const weir_opening *opening, const void *args, bool numbers,
                         weir_mistake *mistake)
{
    bool writes = wr_written_gives(args, opening->shape) == WEIR_SHAPE_LINE;
    return writes && numbers
               ? weir_mistake_at(mistake, "numbers",
                                 "numbers is for lines that are read; here lines are written")
               : 0;
}

struct logfmt_args {
    bool numbers;
};

static int logfmt_read(void *self, weir_slice text, struct wr_fields *fields)
{
    int rc = wr_logfmt_read(fields, text);
    if (rc == 0 && ((const struct logfmt_args *)self)->numbers) {
        wr_fields_type_numbers(fields);
    }
    return rc;
}

static int logfmt_write(void *self, struct wr_out *out, struct wr_fields *fields,
                        const struct wr_row *row)
{
    (void)self;
    return wr_logfmt_write(out, fields, row);
}

static const struct wr_written_ops logfmt_written = {.write = logfmt_write};
static const struct wr_record_ops logfmt_ops = {
    .kind = "logfmt", .read = logfmt_read, .written = &logfmt_written};

static weir_gen *logfmt_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return wr_record_stage(up, &logfmt_ops, args, sizeof(struct logfmt_args));
}

static int logfmt_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return check_numbers(opening, args, ((const struct logfmt_args *)args)->numbers, mistake);
}

static bool logfmt_all_text(const void *args)
{
    return !((const struct logfmt_args *)args)->numbers;
}

static const weir_arg logfmt_args[] = {
    WEIR_ARG_FLAG(struct logfmt_args, numbers, .name = "numbers", .help = WR_RECORD_NUMBERS),
};

static const weir_example logfmt_more[] = {
    {"./app.log | logfmt | where .level == \"error\"", NULL},
    {"./app.log | logfmt numbers | where .ms > 100", NULL},
    {NULL, NULL},
};

const weir_component wr_component_logfmt = {
    .struct_size = sizeof wr_component_logfmt,
    .name = "logfmt",
    .kind = WEIR_KIND_STAGE,
    WR_RECORD_BOTH,
    .traits = WR_RECORD_TRAITS,
    .args = logfmt_args,
    .args_count = sizeof logfmt_args / sizeof logfmt_args[0],
    .args_size = sizeof(struct logfmt_args),
    .check = logfmt_check,
    .help = "Reads lines of name=value and name=\"value\" pairs, all strings (see numbers); a name "
            "alone is true. Behind records and JSON it writes them.",
    .example = "gen 1..2 | map {level: \"info\", n: ., msg: \"item \\(.)\"} | logfmt",
    .prints = "level=info n=1 msg=\"item 1\"\nlevel=info n=2 msg=\"item 2\"\n",
    .more_examples = logfmt_more,
    .open = logfmt_open,
    .all_text = logfmt_all_text,
};

/* ---- kv */

enum { SEPARATOR_MAX = 32 };

struct kv_args {
    const char *delim, *sep;
    bool numbers;
};

/* The stage's copy of them. */
struct kv {
    size_t delim_len, sep_len;
    bool numbers;
    char delim[SEPARATOR_MAX], sep[SEPARATOR_MAX];
};

static struct wr_kv separators(const struct kv *kv)
{
    return (struct wr_kv){{kv->delim, kv->delim_len}, {kv->sep, kv->sep_len}};
}

static int kv_read(void *self, weir_slice text, struct wr_fields *fields)
{
    struct wr_kv kv = separators(self);
    int rc = wr_kv_read(fields, text, &kv);
    if (rc == 0 && ((const struct kv *)self)->numbers) {
        wr_fields_type_numbers(fields);
    }
    return rc;
}

static int kv_write(void *self, struct wr_out *out, struct wr_fields *fields,
                    const struct wr_row *row)
{
    struct wr_kv kv = separators(self);
    return wr_kv_write(out, fields, row, &kv);
}

static const struct wr_written_ops kv_written = {.write = kv_write};
static const struct wr_record_ops kv_ops = {.kind = "kv", .read = kv_read, .written = &kv_written};

static int kv_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct kv_args *a = args;
    if (a->delim != NULL && strlen(a->delim) > SEPARATOR_MAX) {
        return weir_mistake_at(mistake, "delim", "delim has more than %d bytes", SEPARATOR_MAX);
    }
    if (strlen(a->sep) > SEPARATOR_MAX) {
        return weir_mistake_at(mistake, "sep", "sep has more than %d bytes", SEPARATOR_MAX);
    }
    if (a->delim != NULL && strcmp(a->delim, a->sep) == 0) {
        return weir_mistake_at(mistake, "sep", "sep and delim are the same");
    }
    return check_numbers(opening, args, a->numbers, mistake);
}

static weir_gen *kv_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct kv_args *a = args;
    struct kv kv = {.delim_len = a->delim != NULL ? strlen(a->delim) : 0,
                    .sep_len = strlen(a->sep),
                    .numbers = a->numbers};
    (void)opening;
    if (kv.delim_len > 0) {
        memcpy(kv.delim, a->delim, kv.delim_len);
    }
    memcpy(kv.sep, a->sep, kv.sep_len);
    return wr_record_stage(up, &kv_ops, &kv, sizeof kv);
}

static bool kv_all_text(const void *args)
{
    return !((const struct kv_args *)args)->numbers;
}

static const weir_arg kv_args[] = {
    WEIR_ARG_TEXT(struct kv_args, delim, .name = "delim", .form = WEIR_FORM_NAMED,
                  .help = "what separates pairs; blanks if not given"),
    WEIR_ARG_TEXT(struct kv_args, sep, .name = "sep", .form = WEIR_FORM_NAMED, .preset = "=",
                  .help = "what separates a name from its value"),
    WEIR_ARG_FLAG(struct kv_args, numbers, .name = "numbers", .help = WR_RECORD_NUMBERS),
};

static const weir_example kv_more[] = {
    {"./metrics.txt | kv", NULL},
    {"./settings.txt | kv delim=\",\" sep=\":\"", NULL},
    {NULL, NULL},
};

const weir_component wr_component_kv = {
    .struct_size = sizeof wr_component_kv,
    .name = "kv",
    .kind = WEIR_KIND_STAGE,
    WR_RECORD_BOTH,
    .traits = WR_RECORD_TRAITS,
    .args = kv_args,
    .args_count = sizeof kv_args / sizeof kv_args[0],
    .args_size = sizeof(struct kv_args),
    .help = "Reads lines of pairs, name=value if not told otherwise, all strings (see numbers); a "
            "name alone is true. Behind records and JSON it writes them.",
    .example = "gen 1..2 | map {n: ., text: \"a b\"} | kv delim=\", \" sep=\": \"",
    .prints = "n: 1, text: a b\nn: 2, text: a b\n",
    .check = kv_check,
    .open = kv_open,
    .all_text = kv_all_text,
    .more_examples = kv_more,
};
