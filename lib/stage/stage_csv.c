/*
 * stage_csv.c - the components csv and tsv: a record of each row of values, and a row of each record
 * or JSON value.
 *
 * Behind bytes the framer of rows (codec_csv.h) cuts them, directly in the source where that is
 * possible, and says which row is the header. Behind lines and messages each text is a row, and the
 * first one that is not empty is the header. Each file and each connection has its own header
 * (stage_csv_header.c): the names are kept in one piece and belong to all its rows until its next
 * header; rows without a header have the names 1, 2, 3, ...
 *
 * Rows that are written have the columns of the first item, or those of columns=. The header is an
 * item of its own, before the first row.
 */
#include <stdio.h>
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "codec_csv.h"
#include "codec_csv_write.h"
#include "stage_csv_header.h"
#include "stage_record.h"

enum ragged { RAGGED_REJECT = 0, RAGGED_KEEP };

struct csv_args {
    const char *delim, *columns;
    bool header, numbers, safe, crlf;
    int32_t ragged, overlong, quote;
    int64_t bytes_max;
};

struct csv {
    char delim;
    bool header, numbers, framed, crlf;
    bool fixed; /* the names are those of columns= */
    int32_t ragged;
    weir_slice *names; /* those of columns=, as wr_csv_copy_names makes them; NULL: none */
    size_t count;
    struct wr_csv_headers headers;
    const struct weir_loop *loop;
    struct wr_csv_style style;
    struct wr_csv_columns written; /* of rows that are written */
    const struct wr_log *log;      /* NULL: equal names were reported, or there is nowhere to */
};

/* The values have been read: give them their names. */
static int name_values(struct csv *csv, struct wr_csv_header *header, struct wr_fields *fields)
{
    int rc = 0;
    if ((csv->header || csv->fixed) && fields->count != header->columns &&
        csv->ragged == RAGGED_REJECT) {
        return wr_fields_bad(fields, 0,
                             fields->count < header->columns
                                 ? "the row has fewer values than the header"
                                 : "the row has more values than the header");
    }
    if (header->names == NULL || fields->count > header->count) {
        rc = wr_csv_header_set(&csv->headers, header, header->names, header->count, fields->count);
    }
    if (rc == 0) {
        memcpy(fields->names, header->names, fields->count * sizeof *fields->names);
        fields->shared = header->list;
    }
    if (rc == 0 && csv->numbers) {
        wr_fields_type_numbers(fields);
    }
    return rc;
}

/* Report the first name of a header that two columns have, once. */
static void tell_equal_names(struct csv *csv, const struct wr_csv_header *header)
{
    const weir_slice *names = header->names;
    for (size_t i = 1; csv->log != NULL && i < header->columns; i++) {
        for (size_t j = 0; j < i; j++) {
            if (names[i].len == names[j].len &&
                memcmp(names[i].data, names[j].data, names[i].len) == 0) {
                wr_log(csv->log, WR_LOG_WARNING, csv->delim == '\t' ? "tsv" : "csv",
                       "columns %zu and %zu of the header have the same name '%.*s': expressions "
                       "read the last one, and ndjson writes both",
                       j + 1, i + 1, (int)WR_MIN(names[i].len, (size_t)60), names[i].data);
                csv->log = NULL;
                return;
            }
        }
    }
}

/* The header of the file or connection that the row is from. NULL: no memory. */
static struct wr_csv_header *header_of(struct csv *csv, const struct wr_fields *fields)
{
    uint32_t origin = csv->header ? fields->origin : 0; /* else all have the same names */
    struct wr_csv_header *header = wr_csv_header_of(&csv->headers, csv->loop, origin);
    if (header != NULL && csv->fixed && header->names == NULL) {
        header->columns = csv->count;
        if (wr_csv_header_set(&csv->headers, header, csv->names, csv->count, csv->count) < 0) {
            return NULL;
        }
    }
    return header;
}

/* The row is the header. */
static int read_header(struct csv *csv, struct wr_csv_header *header,
                       const struct wr_fields *fields)
{
    if (csv->fixed) {
        return WR_FIELDS_NONE;
    }
    header->columns = fields->count;
    int rc = wr_csv_header_set(&csv->headers, header, fields->values, fields->count, fields->count);
    if (rc == 0) {
        tell_equal_names(csv, header);
    }
    return rc < 0 ? rc : WR_FIELDS_NONE;
}

static int csv_read(void *self, weir_slice text, struct wr_fields *fields)
{
    struct csv *csv = self;
    if (text.len == 0) {
        return WR_FIELDS_NONE;
    }
    struct wr_csv_header *header = header_of(csv, fields);
    if (header == NULL) {
        return WEIR_ENOMEM;
    }
    bool first = !header->began;
    if (first && !csv->framed && text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text = wr_slice_of(text, 3, text.len);
    }
    int rc = wr_csv_row(fields, text, csv->delim);
    if (rc < 0) {
        return rc;
    }
    header->began = true;
    return (csv->framed ? (fields->flags & WEIR_ITEM_HEADER) != 0 : csv->header && first)
               ? read_header(csv, header, fields)
               : name_values(csv, header, fields);
}

static size_t csv_bytes(const void *self)
{
    const struct csv *csv = self;
    return csv->headers.bytes + csv->headers.cap * sizeof *csv->headers.list +
           wr_csv_names_bytes(csv->names, csv->count) +
           wr_csv_names_bytes(csv->written.names, csv->written.count);
}

static void csv_drop(void *self)
{
    struct csv *csv = self;
    wr_free(csv->names);
    wr_csv_headers_fini(&csv->headers);
    wr_csv_columns_fini(&csv->written);
    wr_free((void *)(uintptr_t)csv->written.names);
}

/* ---- rows that are written */

static int csv_head(void *self, struct wr_out *out, struct wr_fields *fields,
                    const struct wr_row *row)
{
    struct csv *csv = self;
    if (csv->written.names == NULL && row->count == 0) {
        return wr_fields_bad(fields, 0, "the first item has no members, so there are no columns");
    }
    if (csv->written.names == NULL) {
        csv->written.names = wr_csv_copy_names(row->names, row->count, row->count);
        csv->written.count = row->count;
    }
    if (csv->written.names == NULL) {
        return WEIR_ENOMEM;
    }
    if (csv->header) {
        wr_csv_header(out, &csv->style, &csv->written);
    }
    return csv->header;
}

static int csv_write(void *self, struct wr_out *out, struct wr_fields *fields,
                     const struct wr_row *row)
{
    struct csv *csv = self;
    struct wr_row named = *row;
    if (row->list && csv->fixed) { /* the first element is that of the first column */
        size_t columns = csv->written.count;
        if (row->count > columns && !csv->style.others) {
            return wr_row_bad(fields, row, row->values[columns], "more values than columns");
        }
        named.names = csv->written.names;
        named.count = WR_MIN(row->count, columns);
    }
    return wr_csv_write(out, fields, &csv->style, &csv->written, &named);
}

static uint32_t csv_flags(const void *self)
{
    return ((const struct csv *)self)->crlf ? WEIR_ITEM_CRLF : 0;
}

static const struct wr_written_ops rows_written = {.head = csv_head, .write = csv_write};
#define ROW_OPS                                                                       \
    .read = csv_read, .drop = csv_drop, .bytes = csv_bytes, .written = &rows_written, \
    .flags = csv_flags
static const struct wr_record_ops csv_ops = {.kind = "csv", ROW_OPS};
static const struct wr_record_ops tsv_ops = {.kind = "tsv", ROW_OPS};

/* ---- opening */

/* Read the names of columns=. 0, WEIR_EPARSE or WEIR_ENOMEM. */
static int read_columns(struct wr_fields *fields, const char *columns, char delim)
{
    weir_slice text = {columns, strlen(columns)};
    int rc = wr_fields_begin(fields, text.len);
    return rc == 0 ? wr_csv_row(fields, text, delim) : rc;
}

static int set_columns(struct csv *csv, const char *columns)
{
    struct wr_fields fields = {0};
    int rc = read_columns(&fields, columns, csv->delim);
    if (rc == 0) {
        csv->names = wr_csv_copy_names(fields.values, fields.count, fields.count);
        csv->written.names = wr_csv_copy_names(fields.values, fields.count, fields.count);
        csv->count = csv->written.count = fields.count;
        csv->fixed = true;
        rc = csv->names != NULL && csv->written.names != NULL ? 0 : WEIR_ENOMEM;
    }
    wr_fields_fini(&fields);
    return rc;
}

static weir_gen *open_rows(const weir_opening *opening, weir_gen *up, const struct csv_args *args,
                           char delim, const struct wr_record_ops *ops)
{
    struct csv csv = {.delim = delim,
                      .header = args->header,
                      .numbers = args->numbers,
                      .crlf = args->crlf,
                      .ragged = args->ragged,
                      .style = {.delim = delim,
                                .quote = (enum wr_csv_quote)args->quote,
                                .safe = args->safe,
                                .others = args->ragged == RAGGED_KEEP}};
    if (args->columns != NULL && set_columns(&csv, args->columns) < 0) {
        csv_drop(&csv);
        return wr_gen_made(NULL, up);
    }
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
    csv.log = up->loop != NULL ? &up->loop->log : NULL;
    csv.loop = up->loop;
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

weir_gen *wr_rows_open(const weir_opening *opening, weir_gen *up, char delim)
{
    static const struct csv_args args = {.header = true};
    return open_rows(opening, up, &args, delim, delim == '\t' ? &tsv_ops : &csv_ops);
}

static uint32_t csv_traits(const void *args, uint32_t shape)
{
    const struct csv_args *a = args;
    bool writes = (wr_written_gives(args, shape) & WEIR_SHAPE_LINE) != 0;
    uint32_t traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES;
    return a->header || (writes && a->columns == NULL) ? traits | WEIR_TRAIT_HEADER : traits;
}

static bool csv_all_text(const void *args)
{
    return !((const struct csv_args *)args)->numbers;
}

static int columns_check(const struct csv_args *a, weir_mistake *mistake)
{
    struct wr_fields fields = {0};
    int rc = read_columns(&fields, a->columns, a->delim != NULL ? a->delim[0] : '\t');
    bool twice = false;
    for (size_t i = 0; rc == 0 && i < fields.count; i++) {
        for (size_t j = 0; j < i; j++) {
            weir_slice x = fields.values[i], y = fields.values[j];
            twice = twice || (x.len == y.len && memcmp(x.data, y.data, x.len) == 0);
        }
    }
    rc = rc == WEIR_ENOMEM ? weir_mistake_at(mistake, "columns", "no memory for columns")
         : rc < 0          ? weir_mistake_at(mistake, "columns", "columns: %s", fields.problem)
         : twice           ? weir_mistake_at(mistake, "columns", "columns has a name twice")
                           : 0;
    wr_fields_fini(&fields);
    return rc;
}

/* Arguments of rows that are read, where they are written, and the other way round. */
static int direction_check(const weir_opening *opening, const struct csv_args *a,
                           weir_mistake *mistake)
{
    uint32_t gives =
        opening->joined ? (uint32_t)WEIR_SHAPE_RECORD : wr_written_gives(a, opening->shape);
    if (gives == WEIR_SHAPE_LINE && (a->bytes_max != 0 || a->overlong != WEIR_LONG_SKIP)) {
        return weir_mistake_at(mistake, a->bytes_max != 0 ? "max" : "on-long",
                               "max and on-long are for rows that are read; here rows are written");
    }
    if (gives == WEIR_SHAPE_LINE && a->numbers) {
        return weir_mistake_at(mistake, "numbers",
                               "numbers is for rows that are read; here rows are written");
    }
    if (gives == WEIR_SHAPE_RECORD && (a->quote != WR_CSV_MINIMAL || a->safe || a->crlf)) {
        (void)weir_mistake_at(
            mistake,
            a->quote != WR_CSV_MINIMAL ? "quote"
            : a->safe                  ? "safe"
                                       : "crlf",
            "quote, safe and crlf are for rows that are written; here rows are read");
        return weir_mistake_hint(mistake, "they are written behind records and JSON, as in "
                                          "'json | csv header'");
    }
    return 0;
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
    int rc = direction_check(opening, a, mistake);
    rc = rc == 0 && a->columns != NULL ? columns_check(a, mistake) : rc;
    if (rc < 0 || opening->joined || opening->shape == WEIR_SHAPE_BYTES ||
        (a->bytes_max == 0 && a->overlong == WEIR_LONG_SKIP)) {
        return rc;
    }
    (void)weir_mistake_at(mistake, NULL, "its rows are lines here, which the source limits");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

static const char *const quote_choices[] = {"minimal", "all", "nonnumeric", NULL};
static const char *const ragged_choices[] = {"reject", "keep", NULL};
static const char *const long_choices[] = {"skip", "cut", "fail", NULL};
static const weir_arg csv_args[] = {
    WEIR_ARG_FLAG(struct csv_args, header, .name = "header",
                  .help = "the first row has the names; if not given, they are 1, 2, 3, ..."),
    WEIR_ARG_FLAG(struct csv_args, numbers, .name = "numbers", .help = WR_RECORD_NUMBERS),
    WEIR_ARG_TEXT(struct csv_args, columns, .name = "columns", .form = WEIR_FORM_NAMED,
                  .help =
                      "the names, as a row: \"id,name\", also of the elements of arrays; if not "
                      "given, rows are written with the names of the first item"),
    WEIR_ARG_CHOICE(struct csv_args, ragged, .name = "ragged", .form = WEIR_FORM_NAMED,
                    .choices = ragged_choices, .preset = "reject",
                    .help = "a row with more or fewer values than names; keep: values without a "
                            "name have their number. An item to write with a member that is no "
                            "column; keep: without that member"),
    WEIR_ARG_SIZE(struct csv_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a row; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct csv_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
    WEIR_ARG_CHOICE(struct csv_args, quote, .name = "quote", .form = WEIR_FORM_NAMED,
                    .choices = quote_choices, .preset = "minimal",
                    .help = "the values to write in quotes; nonnumeric: all but numbers"),
    WEIR_ARG_FLAG(struct csv_args, safe, .name = "safe",
                  .help = "write ' before a text that a spreadsheet would take for a formula"),
    WEIR_ARG_FLAG(struct csv_args, crlf, .name = "crlf", .help = "write rows that end in CR LF"),
    WEIR_ARG_TEXT(struct csv_args, delim, .name = "delim", .form = WEIR_FORM_NAMED, .preset = ",",
                  .help = "the character between values"),
};

static const weir_example csv_more[] = {
    {"gen 1..2 | [., . * .] | csv header columns=\"n,square\"", "n,square\n1,1\n2,4\n"},
    {"./users.csv | csv header", NULL},
    {"./users.csv | csv header numbers | where .id > 1 | ndjson", NULL},
    {"./users.csv | csv header | csv delim=\";\" quote=all", NULL},
    {NULL, NULL},
};
static const weir_example tsv_more[] = {
    {"./users.tsv | tsv header", NULL},
    {NULL, NULL},
};

#define ROWS                                                                              \
    .kind = WEIR_KIND_STAGE, .takes = WEIR_SHAPES_TEXT,                                   \
    .gives = (uint32_t)WEIR_SHAPE_RECORD | WEIR_SHAPE_LINE, .gives_of = wr_written_gives, \
    .traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES, .args = csv_args,                     \
    .args_size = sizeof(struct csv_args), .check = csv_check, .traits_of = csv_traits,    \
    .all_text = csv_all_text

static const weir_ending csv_endings[] = {{".csv", "header"}, {NULL, NULL}};
static const weir_ending tsv_endings[] = {{".tsv", "header"}, {NULL, NULL}};

const weir_component wr_component_csv = {
    .struct_size = sizeof wr_component_csv,
    .name = "csv",
    ROWS,
    .args_count = sizeof csv_args / sizeof csv_args[0],
    .help = "Reads rows of values with commas between them (RFC 4180); quotes may hold line ends. "
            "Values "
            "are strings, also 12: see numbers. Behind records and JSON it writes rows.",
    .example = "gen 1..3 | map {n: ., square: (. * .)} | csv header",
    .prints = "n,square\n1,1\n2,4\n3,9\n",
    .more_examples = csv_more,
    .open = csv_open,
    .endings = csv_endings,
};

const weir_component wr_component_tsv = {
    .struct_size = sizeof wr_component_tsv,
    .name = "tsv",
    ROWS,
    .args_count = sizeof csv_args / sizeof csv_args[0] - 1, /* without delim */
    .help = "Reads rows of values with tabs between them, and writes them behind records and JSON; "
            "otherwise as csv.",
    .example = "gen 1..2 | map {n: ., text: \"a b\"} | tsv",
    .prints = "1\ta b\n2\ta b\n",
    .more_examples = tsv_more,
    .open = tsv_open,
    .endings = tsv_endings,
};
