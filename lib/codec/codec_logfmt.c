/*
 * codec_logfmt.c - one pass over a line of pairs. No state between two texts.
 */
#include "codec_logfmt.h"

#include <string.h>

static const weir_slice no_value = WR_SLICE("true");
static const char no_key[] = "a name is missing";

/* A quote at `at`: where the one that ends it is; text.len: there is none. */
static size_t closing_quote(weir_slice text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.data[i] == '"') {
            return i;
        }
        i += text.data[i] == '\\';
    }
    return text.len;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* The value in quotes at *at. */
static int read_quoted(struct wr_fields *fields, weir_slice text, size_t *at, weir_slice *value)
{
    size_t from = *at + 1, end = closing_quote(text, *at), bad = 0;
    if (end == text.len) {
        return wr_fields_bad(fields, *at, "a quoted value does not end");
    }
    if (!wr_fields_unescape(fields, wr_slice_of(text, from, end), value, &bad)) {
        return wr_fields_bad(fields, from + bad, "an unknown escape");
    }
    *at = end + 1;
    if (*at < text.len && !is_blank(text.data[*at])) {
        return wr_fields_bad(fields, *at, "a quoted value is followed by text");
    }
    return 0;
}

/* The name and the value at *at. */
static int read_pair(struct wr_fields *fields, weir_slice text, size_t *at)
{
    size_t from = *at, i = from;
    while (i < text.len && !is_blank(text.data[i]) && text.data[i] != '=' && text.data[i] != '"') {
        i++;
    }
    weir_slice name = wr_slice_of(text, from, i), value = no_value;
    if (i < text.len && text.data[i] == '"') {
        return wr_fields_bad(fields, i, "a quote is not at the start of a value");
    }
    if (i == from) {
        return wr_fields_bad(fields, i, no_key);
    }
    if (i < text.len && text.data[i] == '=') {
        from = ++i;
        if (i < text.len && text.data[i] == '"') {
            int rc = read_quoted(fields, text, &i, &value);
            if (rc < 0) {
                return rc;
            }
        } else {
            while (i < text.len && !is_blank(text.data[i]) && text.data[i] != '"') {
                i++;
            }
            if (i < text.len && text.data[i] == '"') {
                return wr_fields_bad(fields, i, "a quote is not at the start of a value");
            }
            value = wr_slice_of(text, from, i);
        }
    }
    *at = i;
    return wr_fields_add(fields, name, value);
}

int wr_logfmt_read(struct wr_fields *fields, weir_slice text)
{
    for (size_t at = 0;;) {
        while (at < text.len && is_blank(text.data[at])) {
            at++;
        }
        if (at == text.len) {
            return fields->count > 0 ? 0 : wr_fields_bad(fields, 0, "no name and value");
        }
        int rc = read_pair(fields, text, &at);
        if (rc < 0) {
            return rc;
        }
    }
}

/* ---- other pairs */

static bool begins(weir_slice text, size_t at, weir_slice with)
{
    return text.data[at] == with.data[0] && text.len - at >= with.len &&
           memcmp(text.data + at, with.data, with.len) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* How many bytes at `at` separate two pairs; 0: none. */
static size_t delim_at(const struct wr_kv *kv, weir_slice text, size_t at)
{
    if (kv->delim.len == 0) {
        return is_space(text.data[at]);
    }
    return begins(text, at, kv->delim) ? kv->delim.len : 0;
}

static weir_slice trimmed(weir_slice text, size_t from, size_t to)
{
    while (from < to && is_space(text.data[from])) {
        from++;
    }
    while (from < to && is_space(text.data[to - 1])) {
        to--;
    }
    return wr_slice_of(text, from, to);
}

/* The value from *at on. */
static int read_kv_value(struct wr_fields *fields, weir_slice text, const struct wr_kv *kv,
                         size_t *at, weir_slice *value)
{
    size_t from = *at, i = from;
    while (i < text.len && is_space(text.data[i]) && delim_at(kv, text, i) == 0) {
        i++;
    }
    if (i < text.len && text.data[i] == '"') {
        size_t end = closing_quote(text, i);
        if (end == text.len) {
            return wr_fields_bad(fields, i, "a quoted value does not end");
        }
        *value = wr_fields_unquote(fields, wr_slice_of(text, i + 1, end), "\"\\");
        for (i = end + 1; i < text.len && delim_at(kv, text, i) == 0; i++) {
            if (!is_space(text.data[i])) {
                return wr_fields_bad(fields, i, "a quoted value is followed by text");
            }
        }
    } else {
        while (i < text.len && delim_at(kv, text, i) == 0) {
            i++;
        }
        *value = trimmed(text, from, i);
    }
    *at = i;
    return 0;
}

int wr_kv_read(struct wr_fields *fields, weir_slice text, const struct wr_kv *kv)
{
    for (size_t at = 0; at < text.len;) {
        size_t i = at, skip = 0;
        while (i < text.len && !begins(text, i, kv->sep) && (skip = delim_at(kv, text, i)) == 0) {
            i++;
        }
        weir_slice name = trimmed(text, at, i), value = no_value;
        bool pair = i < text.len && skip == 0;
        if (pair && name.len == 0) {
            return wr_fields_bad(fields, i, no_key);
        }
        if (pair) {
            i += kv->sep.len;
            int rc = read_kv_value(fields, text, kv, &i, &value);
            if (rc < 0) {
                return rc;
            }
            skip = i < text.len ? delim_at(kv, text, i) : 0;
        }
        if (name.len > 0) {
            int rc = wr_fields_add(fields, name, value);
            if (rc < 0) {
                return rc;
            }
        }
        at = i + skip;
    }
    return fields->count > 0 ? 0 : wr_fields_bad(fields, 0, "no name and value");
}
