/*
 * stage_csv.c - the components csv and tsv: a record of each row of values.
 *
 * Behind bytes the framer of rows (codec_csv.h) cuts them, directly in the source where that is
 * possible, and says which row is the header. Behind lines and messages each text is a row, and the
 * first one that is not empty is the header. The names are kept in one piece and belong to all rows
 * until the next header; rows without a header have the names 1, 2, 3, ...
 */
#include <stdio.h>
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "codec_csv.h"
#include "stage_record.h"

enum ragged { RAGGED_REJECT = 0, RAGGED_KEEP };

struct csv_args {
    const char *delim;
    bool header;
    int32_t ragged, overlong;
    int64_t bytes_max;
};

struct csv {
    char delim;
    bool header, framed;
    int32_t ragged;
    size_t columns;    /* names in the header */
    weir_slice *names; /* `count` of them, then their bytes: those of the header, then numbers */
    size_t count;
    uint32_t lists; /* of names, so far */
};

enum { NUMBER_BYTES = 5 }; /* of WR_FIELDS_MAX, with its NUL */

/* Make the list of `count` names: the first `have` are `names`, but a column without a name has its
 * number. 0 or WEIR_ENOMEM. */
static int set_names(struct csv *csv, const weir_slice *names, size_t have, size_t count)
{
    size_t bytes = count * (sizeof *names + NUMBER_BYTES);
    for (size_t i = 0; i < have; i++) {
        bytes += names[i].len;
    }
    weir_slice *all = wr_alloc(bytes);
    if (all == NULL) {
        return WEIR_ENOMEM;
    }
    char *to = (char *)(all + count);
    for (size_t i = 0; i < count; i++) {
        all[i].data = to;
        if (i < have && names[i].len > 0) {
            all[i].len = names[i].len;
            memcpy(to, names[i].data, names[i].len);
        } else {
            all[i].len = (size_t)snprintf(to, NUMBER_BYTES, "%zu", i + 1);
        }
        to += all[i].len;
    }
    wr_free(csv->names);
    csv->names = all;
    csv->count = count;
    csv->lists++;
    return 0;
}

/* The values have been read: give them their names. */
static int name_values(struct csv *csv, struct wr_fields *fields)
{
    int rc = 0;
    if (csv->header && fields->count != csv->columns && csv->ragged == RAGGED_REJECT) {
        return wr_fields_bad(fields, 0,
                             fields->count < csv->columns
                                 ? "the row has fewer values than the header"
                                 : "the row has more values than the header");
    }
    if (csv->names == NULL || fields->count > csv->count) {
        rc = set_names(csv, csv->names, csv->count, fields->count);
    }
    if (rc == 0) {
        memcpy(fields->names, csv->names, fields->count * sizeof *fields->names);
        fields->shared = csv->lists;
    }
    return rc;
}

static int csv_read(void *self, weir_slice text, struct wr_fields *fields)
{
    struct csv *csv = self;
    bool first = csv->names == NULL;
    if (text.len == 0) {
        return WR_FIELDS_NONE;
    }
    if (first && !csv->framed && text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text = wr_slice_of(text, 3, text.len);
    }
    int rc = wr_csv_row(fields, text, csv->delim);
    if (rc < 0) {
        return rc;
    }
    if (csv->framed ? (fields->flags & WEIR_ITEM_HEADER) != 0 : csv->header && first) {
        csv->columns = fields->count;
        rc = set_names(csv, fields->values, fields->count, fields->count);
        return rc < 0 ? rc : WR_FIELDS_NONE;
    }
    return name_values(csv, fields);
}

static void csv_drop(void *self)
{
    wr_free(((struct csv *)self)->names);
}

static const struct wr_record_ops csv_ops = {.kind = "csv", .read = csv_read, .drop = csv_drop};
static const struct wr_record_ops tsv_ops = {.kind = "tsv", .read = csv_read, .drop = csv_drop};

/* ---- opening */

static weir_gen *open_rows(const weir_opening *opening, weir_gen *up, const struct csv_args *args,
                           char delim, const struct wr_record_ops *ops)
{
    struct csv csv = {.delim = delim, .header = args->header, .ragged = args->ragged};
    csv.framed = opening->joined || opening->shape == WEIR_SHAPE_BYTES;
    if (csv.framed) {
        weir_framing framing = {.struct_size = sizeof framing,
                                .kind = WEIR_FRAME_CSV,
                                .overlong = args->overlong,
                                .item_bytes_max = args->bytes_max,
                                .delim = delim,
                                .header = args->header};
        if (opening->strict && framing.overlong == WEIR_LONG_SKIP) {
            framing.overlong = WEIR_LONG_FAILS;
        }
        up = weir_framed(up, &framing);
    }
    return wr_record_stage(up, ops, &csv, sizeof csv);
}

static weir_gen *csv_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct csv_args *a = args;
    return open_rows(opening, up, a, a->delim[0], &csv_ops);
}

static weir_gen *tsv_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return open_rows(opening, up, args, '\t', &tsv_ops);
}

static uint32_t csv_traits(const void *args, uint32_t shape)
{
    (void)shape;
    uint32_t traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES;
    return ((const struct csv_args *)args)->header ? traits | WEIR_TRAIT_HEADER : traits;
}

static int csv_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct csv_args *a = args;
    if (a->delim != NULL && (a->delim[1] != '\0' || (unsigned char)a->delim[0] > 127 ||
                             strchr("\"\r\n", a->delim[0]) != NULL)) {
        (void)weir_mistake_at(mistake, "delim",
                              "delim is one ASCII character, not a quote or a line end");
        return weir_mistake_hint(mistake, "as in delim=\";\" or delim=\"\\t\"");
    }
    if (opening->joined || opening->shape == WEIR_SHAPE_BYTES ||
        (a->bytes_max == 0 && a->overlong == WEIR_LONG_SKIP)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its rows are lines here, which the source limits");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

static const char *const ragged_choices[] = {"reject", "keep", NULL};
static const char *const long_choices[] = {"skip", "cut", "fail", NULL};
static const weir_arg csv_args[] = {
    WEIR_ARG_FLAG(struct csv_args, header, .name = "header",
                  .help = "the first row has the names; if not given, they are 1, 2, 3, ..."),
    WEIR_ARG_CHOICE(struct csv_args, ragged, .name = "ragged", .form = WEIR_FORM_NAMED,
                    .choices = ragged_choices, .preset = "reject",
                    .help = "a row with more or fewer values than the header; keep: values without "
                            "a name have their number"),
    WEIR_ARG_SIZE(struct csv_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a row; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct csv_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
    WEIR_ARG_TEXT(struct csv_args, delim, .name = "delim", .form = WEIR_FORM_NAMED, .preset = ",",
                  .help = "the character between values"),
};

#define ROWS                                                                                      \
    .kind = WEIR_KIND_STAGE, .takes = WEIR_SHAPE_BYTES | WR_RECORD_TAKES,                         \
    .gives = WEIR_SHAPE_RECORD, .traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES, .args = csv_args, \
    .args_size = sizeof(struct csv_args), .check = csv_check, .traits_of = csv_traits

const weir_component wr_component_csv = {
    .struct_size = sizeof wr_component_csv,
    .name = "csv",
    ROWS,
    .args_count = sizeof csv_args / sizeof csv_args[0],
    .help = "Reads rows of values with commas between them (RFC 4180); quotes may hold line ends.",
    .example = "./users.csv | csv header",
    .open = csv_open,
};

const weir_component wr_component_tsv = {
    .struct_size = sizeof wr_component_tsv,
    .name = "tsv",
    ROWS,
    .args_count = sizeof csv_args / sizeof csv_args[0] - 1, /* without delim */
    .help = "Reads rows of values with tabs between them; otherwise as csv.",
    .example = "./users.tsv | tsv header",
    .open = tsv_open,
};
