/*
 * codec_csv_write.c - values in the order of the columns, with quotes where they are needed.
 *
 * The members of most rows are the columns, in their order. For other rows the columns are sorted,
 * once, and the column of each member is searched by halving: rows of thousands of members in any
 * order take n log n comparisons.
 */
#include "codec_csv_write.h"

#include <string.h>

#include "base_alloc.h"
#include "base_sort.h"

static bool needs_quotes(weir_slice value, char delim, bool first)
{
    if (first && value.len >= 3 && memcmp(value.data, "\xef\xbb\xbf", 3) == 0) {
        return true; /* or it would be a byte order mark */
    }
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == delim || c == '"' || c == '\n' || c == '\r') {
            return true;
        }
    }
    return false;
}

static bool is_formula(weir_slice value)
{
    char c = value.len > 0 ? value.data[0] : 'x';
    return (c == '=' || c == '+' || c == '-' || c == '@' || (unsigned char)c < ' ') &&
           !wr_is_number(value);
}

static void put_quoted(struct wr_out *out, weir_slice value)
{
    size_t from = 0;
    while (from < value.len) {
        const char *quote = memchr(value.data + from, '"', value.len - from);
        if (quote == NULL) {
            break;
        }
        size_t to = (size_t)(quote - value.data) + 1;
        wr_out_bytes(out, value.data + from, to - from);
        wr_out_byte(out, '"');
        from = to;
    }
    wr_out_bytes(out, value.data + from, value.len - from);
}

static void put_value(struct wr_out *out, const struct wr_csv_style *style, weir_slice value,
                      uint8_t kind, bool first, bool alone)
{
    bool formula = style->safe && kind != WEIR_VALUE_NUMBER && is_formula(value);
    bool numeric = kind == WEIR_VALUE_NUMBER || kind == WEIR_VALUE_NULL;
    bool quoted = style->quote == WR_CSV_ALL || (style->quote == WR_CSV_NONNUMERIC && !numeric) ||
                  (alone && value.len == 0) || needs_quotes(value, style->delim, first);
    if (quoted) {
        wr_out_byte(out, '"');
    }
    if (formula) {
        wr_out_byte(out, '\'');
    }
    if (quoted) {
        put_quoted(out, value);
        wr_out_byte(out, '"');
    } else {
        wr_out_bytes(out, value.data, value.len);
    }
}

void wr_csv_header(struct wr_out *out, const struct wr_csv_style *style,
                   const struct wr_csv_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0) {
            wr_out_byte(out, style->delim);
        }
        put_value(out, style, columns->names[i], WEIR_VALUE_STRING, i == 0, columns->count == 1);
    }
}

static bool same(weir_slice a, weir_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static int order_names(weir_slice a, weir_slice b)
{
    size_t len = WR_MIN(a.len, b.len);
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int order_columns(const void *columns, uint32_t a, uint32_t b)
{
    const struct wr_csv_columns *of = columns;
    return order_names(of->names[a], of->names[b]);
}

void wr_csv_columns_fini(struct wr_csv_columns *columns)
{
    wr_free(columns->sorted);
    columns->sorted = columns->member = columns->taken = NULL;
}

/* False: no memory. */
static bool sort_columns(struct wr_csv_columns *columns)
{
    size_t count = columns->count;
    if (columns->sorted != NULL) {
        return true;
    }
    columns->sorted = wr_alloc(3 * count * sizeof *columns->sorted);
    if (columns->sorted == NULL) {
        return false;
    }
    columns->member = columns->sorted + count;
    columns->taken = columns->member + count;
    for (uint32_t i = 0; i < count; i++) {
        columns->sorted[i] = i;
    }
    wr_sort_indices(columns->sorted, columns->member, count, order_columns, columns);
    return true;
}

/* The place in `sorted` of the first column with this name; count: there is none. */
static size_t find_column(const struct wr_csv_columns *columns, weir_slice name)
{
    size_t low = 0, high = columns->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = order_names(columns->names[columns->sorted[middle]], name) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low < columns->count && same(columns->names[columns->sorted[low]], name)
               ? low
               : columns->count;
}

/* Find the members of all columns. Of equal names, the first member belongs to the first column, and
 * so on; columns beyond them have the last one. 0; WEIR_EPARSE: a member is no
 * column; WEIR_ENOMEM. */
static int place_members(struct wr_fields *fields, const struct wr_csv_style *style,
                         struct wr_csv_columns *columns, const struct wr_row *row)
{
    size_t count = columns->count;
    if (!sort_columns(columns)) {
        return WEIR_ENOMEM;
    }
    memset(columns->member, 0, 2 * count * sizeof *columns->member);
    for (uint32_t i = 0; i < row->count; i++) {
        size_t at = find_column(columns, row->names[i]);
        if (at == count && !style->others) {
            return wr_row_bad(fields, row, row->names[i], "a member that is no column");
        }
        size_t next = at < count ? at + columns->taken[at] : count;
        if (next < count && same(columns->names[columns->sorted[next]], row->names[i])) {
            columns->member[columns->sorted[next]] = i + 1;
            columns->taken[at]++;
        }
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t at = columns->sorted[i], before = columns->sorted[i - 1];
        if (columns->member[at] == 0 && same(columns->names[at], columns->names[before])) {
            columns->member[at] = columns->member[before];
        }
    }
    return 0;
}

/* Are the members those of the columns, in the same order? */
static bool in_order(const struct wr_csv_columns *columns, const struct wr_row *row)
{
    bool same_order = columns->count == row->count;
    for (size_t i = 0; same_order && i < row->count; i++) {
        same_order = same(columns->names[i], row->names[i]);
    }
    return same_order;
}

int wr_csv_write(struct wr_out *out, struct wr_fields *fields, const struct wr_csv_style *style,
                 struct wr_csv_columns *columns, const struct wr_row *row)
{
    static const weir_slice none = WR_SLICE("");
    bool ordered = in_order(columns, row);
    int rc = ordered ? 0 : place_members(fields, style, columns, row);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < columns->count; i++) {
        size_t member = ordered ? i + 1 : columns->member[i];
        if (i > 0) {
            wr_out_byte(out, style->delim);
        }
        put_value(out, style, member > 0 ? row->values[member - 1] : none,
                  member > 0 ? wr_row_kind(row, member - 1) : (uint8_t)WEIR_VALUE_NULL, i == 0,
                  columns->count == 1);
    }
    return 0;
}
