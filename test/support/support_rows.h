/*
 * support_rows.h - rows of names and values, written by an encoder and read back by its decoder.
 */
#ifndef WR_SUPPORT_ROWS_H
#define WR_SUPPORT_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_csv.h"
#include "codec_csv_write.h"
#include "codec_logfmt.h"
#include "codec_metrics.h"

enum { ROW_MAX = 8 };

struct rows_format {
    const char *name;
    int (*write)(struct wr_out *out, struct wr_fields *fields, const struct wr_row *row);
    int (*read)(struct wr_fields *fields, weir_slice text);
    bool named; /* names are written, too */
};

#define ROWS_CSV(id, ...)                                                                       \
    static inline int write_##id(struct wr_out *out, struct wr_fields *fields,                  \
                                 const struct wr_row *row)                                      \
    {                                                                                           \
        const struct wr_csv_style style = {__VA_ARGS__};                                        \
        return wr_csv_write(out, fields, &style,                                                \
                            &(struct wr_csv_columns){.names = row->names, .count = row->count}, \
                            row);                                                               \
    }                                                                                           \
    static inline int read_##id(struct wr_fields *fields, weir_slice text)                      \
    {                                                                                           \
        const struct wr_csv_style style = {__VA_ARGS__};                                        \
        return wr_csv_row(fields, text, style.delim);                                           \
    }
ROWS_CSV(commas, .delim = ',')
ROWS_CSV(all_quoted, .delim = ';', .quote = WR_CSV_ALL)
ROWS_CSV(texts_quoted, .delim = ',', .quote = WR_CSV_NONNUMERIC)
ROWS_CSV(tabs, .delim = '\t')

#define ROWS_KV(id, delim, sep)                                                                \
    static inline int write_##id(struct wr_out *out, struct wr_fields *fields,                 \
                                 const struct wr_row *row)                                     \
    {                                                                                          \
        return wr_kv_write(out, fields, row, &(struct wr_kv){WR_SLICE(delim), WR_SLICE(sep)}); \
    }                                                                                          \
    static inline int read_##id(struct wr_fields *fields, weir_slice text)                     \
    {                                                                                          \
        return wr_kv_read(fields, text, &(struct wr_kv){WR_SLICE(delim), WR_SLICE(sep)});      \
    }
ROWS_KV(words, "", "=")
ROWS_KV(pairs, ", ", ": ")
ROWS_KV(doubled, "==", "=")

static const struct rows_format rows_formats[] = {
    {"csv", write_commas, read_commas, false},
    {"csv quote=all", write_all_quoted, read_all_quoted, false},
    {"csv quote=nonnumeric", write_texts_quoted, read_texts_quoted, false},
    {"tsv", write_tabs, read_tabs, false},
    {"logfmt", wr_logfmt_write, wr_logfmt_read, true},
    {"kv", write_words, read_words, true},
    {"kv with blanks", write_pairs, read_pairs, true},
    {"kv with separators that begin alike", write_doubled, read_doubled, true},
    {"prom", wr_prom_write, wr_prom_read, true},
};
enum { ROWS_FORMATS = sizeof rows_formats / sizeof rows_formats[0] };

static inline bool rows_same(weir_slice a, weir_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The same, or the same number written in another way: a reader gives ".3" as 0.3. */
static inline bool rows_same_number(weir_slice a, weir_slice b)
{
    char one[4096], other[4096];
    if (rows_same(a, b) || a.len == 0 || b.len == 0 || a.len >= sizeof one ||
        b.len >= sizeof other) {
        return rows_same(a, b);
    }
    (void)snprintf(one, sizeof one, "%.*s", (int)a.len, a.data);
    (void)snprintf(other, sizeof other, "%.*s", (int)b.len, b.data);
    return strtod(one, NULL) == strtod(other, NULL);
}

/* Whether each name and value of the row is found with its value. */
static inline bool rows_equal(const struct rows_format *format, const struct wr_row *row,
                              const struct wr_fields *read)
{
    bool metric = format->read == wr_prom_read; /* which has an order of its own */
    bool equal = metric || read->count == row->count;
    size_t empty = 0;
    for (size_t i = 0; equal && i < row->count; i++) {
        size_t at = metric ? 0 : i;
        if (metric && row->values[i].len == 0 &&
            rows_same(row->names[i], (weir_slice){"time", 4})) {
            empty++; /* the same as none */
            continue;
        }
        for (size_t j = 0; metric && j < read->count; j++) {
            at = rows_same(read->names[j], row->names[i]) ? j : at;
        }
        bool number = metric && (rows_same(row->names[i], (weir_slice){"value", 5}) ||
                                 rows_same(row->names[i], (weir_slice){"time", 4}));
        equal = (number ? rows_same_number : rows_same)(read->values[at], row->values[i]) &&
                (!format->named || rows_same(read->names[at], row->names[i]));
    }
    return equal && read->count + empty == row->count;
}

/* Write the row and read it back, with each text in a heap block of its own. 1: what was read is
 * equal; 0: the format cannot hold the row; -1: it differs, or reading failed. */
static inline int rows_there_and_back(const struct rows_format *format, const struct wr_row *row)
{
    struct wr_fields fields = {0};
    struct wr_out count = {NULL, 0, 0};
    int rc = format->write(&count, &fields, row);
    if (rc < 0) {
        wr_fields_fini(&fields);
        return rc == WEIR_EPARSE ? 0 : -1;
    }
    char *text = malloc(count.len + 1);
    struct wr_out out = {text, count.len, 0};
    bool good = text != NULL && format->write(&out, &fields, row) == 0 && out.len == count.len &&
                wr_fields_begin(&fields, out.len) == 0 &&
                format->read(&fields, (weir_slice){text, out.len}) == 0 &&
                rows_equal(format, row, &fields);
    wr_fields_fini(&fields);
    free(text);
    return good ? 1 : -1;
}

#endif
