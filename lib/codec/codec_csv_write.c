/*
 * codec_csv_write.c - values in the order of the columns, with quotes where they are needed.
 *
 * The members of most rows stand in the order of the columns, so the search for the next column
 * begins behind the member that was found last.
 */
#include "codec_csv_write.h"

#include <string.h>

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

/* The index of a name, searched from `from` on and then from the beginning; count: there is none. */
static size_t find(const weir_slice *names, size_t count, size_t from, weir_slice name)
{
    for (size_t n = 0; n < count; n++) {
        size_t i = from + n < count ? from + n : from + n - count;
        if (same(names[i], name)) {
            return i;
        }
    }
    return count;
}

/* Not all members were columns: the first one that is none. */
static int bad_member(struct wr_fields *fields, const struct wr_csv_columns *columns,
                      const struct wr_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        if (find(columns->names, columns->count, i < columns->count ? i : 0, row->names[i]) ==
            columns->count) {
            return wr_row_bad(fields, row, row->names[i], "a member that is no column");
        }
    }
    return 0; /* equal names of a record */
}

int wr_csv_write(struct wr_out *out, struct wr_fields *fields, const struct wr_csv_style *style,
                 const struct wr_csv_columns *columns, const struct wr_row *row)
{
    static const weir_slice none = WR_SLICE("");
    size_t next = 0, found = 0;
    for (size_t i = 0; i < columns->count; i++) {
        size_t at = find(row->names, row->count, next, columns->names[i]);
        bool has = at < row->count;
        next = has ? at + 1 : next;
        next = next < row->count ? next : 0;
        found += has;
        if (i > 0) {
            wr_out_byte(out, style->delim);
        }
        put_value(out, style, has ? row->values[at] : none,
                  has ? wr_row_kind(row, at) : (uint8_t)WEIR_VALUE_NULL, i == 0,
                  columns->count == 1);
    }
    return found < row->count && !style->others ? bad_member(fields, columns, row) : 0;
}
