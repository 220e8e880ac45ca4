/*
 * codec_csv.c - rows of values: where they end, and what is in them.
 *
 * The framer searches a line end, then a quote before it. Without a quote the row is found: two
 * searches by memchr, which is the usual case. A quote at the start of a value moves the search into
 * that value. Between two calls it keeps how far the row was searched (scanned) and whether that
 * place is in quotes, so each byte is searched a bounded number of times. A quote that is the last
 * byte of the window may be the first of two, and waits for the next byte.
 *
 * Whether a row is over the limit depends on its bytes only, not on the windows: when its search
 * ends, or has passed the limit, its first bytes decide. If there is a line end among them, which
 * is in quotes, the row ends there. Otherwise it is skipped up to the next line end, or cut.
 */
#include "codec_csv.h"

#include <string.h>

#include "base_alloc.h"

/* `raw_len` has 32 bits and includes the line end, which takes up to two bytes. */
#define LIMIT_MAX ((size_t)UINT32_MAX - 2)
#define UNKNOWN SIZE_MAX

struct wr_csv {
    char delim;
    bool header; /* the first row of an input is one */
    bool named;  /* ... and has been found in this input */
    bool again;  /* a restart: it must be given again first */
    bool quoted; /* `scanned` is in quotes */
    char *row;   /* the header */
    size_t row_len;
};

struct cursor {
    struct wr_framer *framer;
    struct wr_csv *csv;
    const char *data;
    size_t len;
    size_t start; /* of the current row */
    size_t from;  /* the search continues here */
    size_t lf;    /* no LF in [from, lf); at `len` there is none in the window; UNKNOWN */
    size_t limit;
    bool quoted, eof;
    struct wr_frame *out;
    size_t count, max;
};

int wr_csv_init(struct wr_framer *framer)
{
    framer->csv = wr_zalloc(sizeof *framer->csv);
    if (framer->csv == NULL) {
        return WEIR_ENOMEM;
    }
    framer->csv->delim = ',';
    return 0;
}

void wr_csv_fini(struct wr_framer *framer)
{
    if (framer->csv != NULL) {
        wr_free(framer->csv->row);
        wr_free(framer->csv);
        framer->csv = NULL;
    }
}

void wr_csv_set(struct wr_framer *framer, char delim, bool header)
{
    framer->csv->delim = delim;
    framer->csv->header = header;
}

void wr_csv_restart(struct wr_framer *framer, bool at_start)
{
    framer->csv->quoted = false;
    framer->csv->named = framer->csv->named && !at_start;
}

/* ---- the end of a row */

static bool has_bom(const struct cursor *c)
{
    return c->framer->offset + c->start == 0 && c->len - c->start >= 3 &&
           memcmp(c->data + c->start, "\xef\xbb\xbf", 3) == 0;
}

/* Does the quote at `at`, which is not in quotes, begin a value? */
static bool begins_value(const struct cursor *c, size_t at)
{
    return at == c->start || c->data[at - 1] == c->csv->delim || (at == c->start + 3 && has_bom(c));
}

static size_t find(const struct cursor *c, char byte, size_t from, size_t to)
{
    const char *found = from < to ? memchr(c->data + from, byte, to - from) : NULL;
    return found != NULL ? (size_t)(found - c->data) : to;
}

/* In quotes: move behind the quote that ends them. False: it is not in the window. */
static bool leave_quotes(struct cursor *c)
{
    size_t at = find(c, '"', c->from, c->len);
    c->from = at;
    if (at == c->len || (at + 1 == c->len && !c->eof)) {
        return false;
    }
    bool two = at + 1 < c->len && c->data[at + 1] == '"';
    c->from = at + 1 + two;
    c->quoted = two;
    return true;
}

/* Search the LF that ends the current row: it is at c->lf. False: it is not in the window. */
static bool find_end(struct cursor *c)
{
    while (c->from < c->len) {
        if (c->quoted) {
            if (!leave_quotes(c)) {
                return false;
            }
            continue;
        }
        if (c->lf == UNKNOWN || c->lf < c->from) {
            c->lf = find(c, '\n', c->from, c->len);
        }
        size_t quote = find(c, '"', c->from, c->lf);
        if (quote == c->lf) {
            c->from = c->lf;
            return c->lf < c->len;
        }
        c->quoted = begins_value(c, quote);
        c->from = quote + 1;
    }
    return false;
}

static void begin_row(struct cursor *c, size_t start)
{
    c->start = c->from = start;
    c->lf = UNKNOWN;
    c->quoted = false;
}

/* ---- frames */

/* The first row that is not empty: remember it. */
static int keep_header(struct cursor *c, struct wr_frame *frame)
{
    struct wr_csv *csv = c->csv;
    char *row = wr_alloc(frame->len);
    if (row == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(row, frame->data, frame->len);
    wr_free(csv->row);
    csv->row = row;
    csv->row_len = frame->len;
    csv->named = true;
    c->framer->notes++;
    frame->flags |= WEIR_ITEM_HEADER;
    return 0;
}

/* Give the row [start, end), whose line end takes `eol` bytes after it. 0 or WEIR_ENOMEM. */
static int give(struct cursor *c, size_t end, size_t eol, uint32_t flags)
{
    size_t bom = has_bom(c) && end - c->start >= 3 ? 3 : 0;
    struct wr_frame *frame = &c->out[c->count];
    *frame = (struct wr_frame){.data = c->data + c->start + bom,
                               .len = end - c->start - bom,
                               .flags = flags,
                               .raw_len = (uint32_t)(end + eol - c->start),
                               .end = c->framer->offset + end + eol};
    if (WR_UNLIKELY(c->csv->header && !c->csv->named) && frame->len > 0 &&
        keep_header(c, frame) < 0) {
        return WEIR_ENOMEM;
    }
    c->count++;
    begin_row(c, end + eol);
    return 0;
}

/* Give the row that ends with the LF at `lf`. */
static int give_to(struct cursor *c, size_t lf)
{
    bool cr = lf > c->start && c->data[lf - 1] == '\r';
    return give(c, lf - cr, 1u + cr, cr ? WEIR_ITEM_CRLF : 0);
}

/* How long the row is at least, if it ends no earlier than at `end`: a CR there may belong to a
 * line end. */
static size_t content(const struct cursor *c, size_t end)
{
    return end - c->start - (end > c->start && c->data[end - 1] == '\r');
}

/* The row is over the limit. 1: go on; 0: give what is there first; or a code. */
static int too_long(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    size_t lf = find(c, '\n', c->start, WR_MIN(c->len, c->start + c->limit + 2));
    if (lf < c->len && c->data[lf] == '\n' && content(c, lf) <= c->limit) {
        return give_to(c, lf) == 0 ? 1 : WEIR_ENOMEM;
    }
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return 0;
    }
    framer->overlong_count++;
    framer->overlong_start = framer->offset + c->start;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = 0;
    if (framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG;
        return framer->failed;
    }
    framer->dropping = true;
    if (framer->overlong == WEIR_LONG_CUT) {
        return give(c, c->start + c->limit, 0, WEIR_ITEM_TRUNCATED) == 0 ? 1 : WEIR_ENOMEM;
    }
    return 1;
}

/* Drop the rest of a row that is over the limit. False: it goes on after the window. */
static bool drop(struct cursor *c)
{
    size_t lf = find(c, '\n', c->start, c->len);
    bool ended = lf < c->len;
    size_t end = lf + ended;
    c->framer->overlong_bytes += end - c->start;
    c->framer->overlong_extra = ended ? 1 : 0;
    c->framer->dropping = !ended;
    begin_row(c, end);
    return ended;
}

/* The header once more, after a restart. */
static void give_again(struct cursor *c)
{
    c->csv->again = false;
    c->out[c->count++] = (struct wr_frame){.data = c->csv->row,
                                           .len = c->csv->row_len,
                                           .flags = WEIR_ITEM_HEADER,
                                           .end = c->framer->offset + c->start};
}

/* The rest of the input, without a line end after it. */
static int give_rest(struct cursor *c)
{
    size_t lf = c->quoted ? find(c, '\n', c->start, c->len) : c->len;
    if (lf < c->len) {
        return give_to(c, lf);
    }
    bool cr = c->data[c->len - 1] == '\r'; /* as content has it, also after an open quote */
    return give(c, c->len - cr, cr, WEIR_ITEM_NO_EOL | (cr ? WEIR_ITEM_CRLF : 0));
}

/* Handle the next row. 1: go on; 0: the window is used up, or must wait; or a code. */
static int next_row(struct cursor *c)
{
    if (WR_UNLIKELY(c->csv->again)) {
        give_again(c);
        return 1;
    }
    if (WR_UNLIKELY(c->framer->dropping)) {
        return drop(c);
    }
    if (c->start == c->len) {
        return 0;
    }
    bool ended = find_end(c);
    if (content(c, ended ? c->lf : c->len) > c->limit) {
        return too_long(c);
    }
    if (!ended && !c->eof) {
        return 0;
    }
    return (ended ? give_to(c, c->lf) : give_rest(c)) == 0 ? 1 : WEIR_ENOMEM;
}

static struct cursor cursor_at(const struct wr_framer *framer, const char *data, size_t len)
{
    return (struct cursor){.csv = framer->csv,
                           .data = data,
                           .len = len,
                           .from = framer->scanned,
                           .lf = UNKNOWN,
                           .limit = WR_MIN(framer->item_bytes_max, LIMIT_MAX),
                           .quoted = framer->csv->quoted};
}

static long csv_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                      struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = cursor_at(framer, data, len);
    int rc = framer->failed < 0 ? framer->failed : 1;
    c.framer = framer;
    c.eof = eof;
    c.out = out;
    c.max = max;
    while (rc > 0 && c.count < max) {
        rc = next_row(&c);
    }
    *used = c.start;
    framer->offset += c.start;
    framer->scanned = c.from - c.start;
    framer->csv->quoted = c.quoted;
    return rc < 0 && c.count == 0 ? rc : (long)c.count;
}

static size_t csv_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    struct wr_framer at = *framer;
    struct wr_csv csv = *framer->csv;
    at.csv = &csv;
    if (!looked) {
        at.scanned = 0;
        csv.quoted = false;
    }
    struct cursor c = cursor_at(&at, data, len);
    c.framer = &at;
    if (looked && framer->dropping) {
        c.start = find(&c, '\n', 0, len);
        begin_row(&c, c.start + (c.start < len));
    }
    while (find_end(&c) && content(&c, c.lf) <= c.limit) { /* what is longer may end earlier */
        begin_row(&c, c.lf + 1);
    }
    return c.start;
}

/* ---- the header in a position */

/* Bytes that a line of text cannot hold are written with a backslash. */
static const char escaped[] = {'\\', '\n', '\r', '\0'}, letters[] = {'\\', 'n', 'r', '0'};

static size_t csv_note(const struct wr_framer *framer, char *to, size_t cap)
{
    const struct wr_csv *csv = framer->csv;
    size_t len = 0;
    for (size_t i = 0; csv->named && i < csv->row_len; i++) {
        const char *found = memchr(escaped, csv->row[i], sizeof escaped);
        char bytes[2] = {found != NULL ? '\\' : csv->row[i],
                         found != NULL ? letters[found - escaped] : '\0'};
        for (size_t j = 0; j < (found != NULL ? 2u : 1u); j++, len++) {
            if (len + 1 < cap) {
                to[len] = bytes[j];
            }
        }
    }
    if (cap > 0) {
        to[WR_MIN(len, cap - 1)] = '\0';
    }
    return len;
}

static bool csv_resume(struct wr_framer *framer, const char *note, size_t len)
{
    struct wr_csv *csv = framer->csv;
    wr_csv_restart(framer, true);
    csv->again = false;
    if (note == NULL || !csv->header) {
        return note == NULL || len == 0;
    }
    char *row = wr_alloc(WR_MAX(len, (size_t)1));
    size_t row_len = 0;
    for (size_t i = 0; row != NULL && i < len; i++) {
        const char *found = NULL;
        if (note[i] == '\\') {
            found = i + 1 < len ? memchr(letters, note[++i], sizeof letters) : NULL;
            if (found == NULL) {
                wr_free(row);
                return false;
            }
        }
        row[row_len++] = found != NULL ? escaped[found - letters] : note[i];
    }
    if (row == NULL) {
        return false;
    }
    wr_free(csv->row);
    csv->row = row;
    csv->row_len = row_len;
    csv->named = csv->again = row_len > 0; /* else only empty rows have been read */
    framer->notes++;
    return true;
}

const struct wr_framer_ops wr_csv_framer = {.item = "row",
                                            .split = csv_split,
                                            .whole = csv_whole,
                                            .note = csv_note,
                                            .resume = csv_resume,
                                            .gives_half = true,
                                            .restarts_inside = true};

/* ---- the fields of a row */

static int add_value(struct wr_fields *fields, weir_slice value)
{
    return wr_fields_add(fields, (weir_slice){"", 0}, value);
}

/* A value in quotes without them, two quotes as one. */
static weir_slice unquoted(struct wr_fields *fields, weir_slice part)
{
    char *begin = fields->made + fields->made_len, *to = begin;
    if (part.len == 0 || memchr(part.data, '"', part.len) == NULL) {
        return part;
    }
    for (size_t i = 0; i < part.len; i++) {
        i += part.data[i] == '"';
        *to++ = part.data[i];
    }
    fields->made_len += (size_t)(to - begin);
    return (weir_slice){begin, (size_t)(to - begin)};
}

/* The value in quotes at *at; moves behind it. */
static int read_quoted(struct wr_fields *fields, weir_slice row, char delim, size_t *at)
{
    size_t end = *at + 1;
    for (;; end += 2) {
        const char *quote = end < row.len ? memchr(row.data + end, '"', row.len - end) : NULL;
        if (quote == NULL) {
            return wr_fields_bad(fields, *at, "a quoted value does not end");
        }
        end = (size_t)(quote - row.data);
        if (end + 1 == row.len || row.data[end + 1] != '"') {
            break;
        }
    }
    if (end + 1 < row.len && row.data[end + 1] != delim) {
        return wr_fields_bad(fields, end + 1, "a quoted value is followed by text");
    }
    weir_slice value = unquoted(fields, wr_slice_of(row, *at + 1, end));
    *at = end + 1;
    return add_value(fields, value);
}

int wr_csv_row(struct wr_fields *fields, weir_slice row, char delim)
{
    for (size_t at = 0;; at++) {
        int rc;
        if (at < row.len && row.data[at] == '"') {
            rc = read_quoted(fields, row, delim, &at);
        } else {
            const char *end = at < row.len ? memchr(row.data + at, delim, row.len - at) : NULL;
            size_t to = end != NULL ? (size_t)(end - row.data) : row.len;
            rc = add_value(fields, wr_slice_of(row, at, to));
            at = to;
        }
        if (rc < 0 || at == row.len) {
            return rc;
        }
    }
}
