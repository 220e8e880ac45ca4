/*
 * codec_logfmt_write.c - writing pairs of names and values: what codec_logfmt.c reads back.
 */
#include <stdio.h>
#include <string.h>

#include "codec_logfmt.h"

static const char no_members[] = "there are no members";

static bool holds_any(weir_slice text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '\0' && strchr(bytes, text.data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool holds_control(weir_slice text, char least)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < (unsigned char)least || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void put_escaped(struct wr_out *out, weir_slice value)
{
    static const char bytes[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
    wr_out_byte(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i], code[8];
        const char *known = c != '\0' ? strchr(bytes, c) : NULL;
        if (known != NULL) {
            wr_out_byte(out, '\\');
            wr_out_byte(out, letters[known - bytes]);
        } else if ((unsigned char)c < ' ' || c == 0x7f) {
            int len = snprintf(code, sizeof code, "\\u%04x", (unsigned)(unsigned char)c);
            wr_out_bytes(out, code, (size_t)len);
        } else {
            wr_out_byte(out, c);
        }
    }
    wr_out_byte(out, '"');
}

int wr_logfmt_write(struct wr_out *out, struct wr_fields *fields, const struct wr_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        weir_slice name = row->names[i], value = row->values[i];
        if (name.len == 0 || holds_control(name, ' ' + 1) || holds_any(name, "=\"")) {
            return wr_row_bad(fields, row, name, "a name that logfmt cannot hold");
        }
        if (i > 0) {
            wr_out_byte(out, ' ');
        }
        wr_out_bytes(out, name.data, name.len);
        wr_out_byte(out, '=');
        if (holds_control(value, ' ' + 1) || holds_any(value, "=\"\\")) {
            put_escaped(out, value);
        } else {
            wr_out_bytes(out, value.data, value.len);
        }
    }
    return row->count > 0 ? 0 : wr_fields_bad(fields, 0, no_members);
}

/* ---- other pairs */

/* Does it hold a byte with which a separator begins, or a blank where blanks separate? */
static bool holds_separator(weir_slice text, const struct wr_kv *kv, bool name)
{
    char bytes[] = {kv->delim.len > 0 ? kv->delim.data[0] : ' ', kv->delim.len > 0 ? '\0' : '\t',
                    '\0'};
    char sep[] = {kv->sep.data[0], '\0'};
    return holds_any(text, bytes) || (name && holds_any(text, sep));
}

static bool is_trimmed(weir_slice text)
{
    char first = text.len > 0 ? text.data[0] : 'x',
         last = text.len > 0 ? text.data[text.len - 1] : 'x';
    return first != ' ' && first != '\t' && last != ' ' && last != '\t';
}

static void put_quoted(struct wr_out *out, weir_slice value)
{
    wr_out_byte(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\') {
            wr_out_byte(out, '\\');
        }
        wr_out_byte(out, value.data[i]);
    }
    wr_out_byte(out, '"');
}

int wr_kv_write(struct wr_out *out, struct wr_fields *fields, const struct wr_row *row,
                const struct wr_kv *kv)
{
    static const weir_slice space = WR_SLICE(" ");
    weir_slice delim = kv->delim.len > 0 ? kv->delim : space;
    for (size_t i = 0; i < row->count; i++) {
        weir_slice name = row->names[i], value = row->values[i];
        if (name.len == 0 || !is_trimmed(name) || holds_separator(name, kv, true) ||
            holds_any(name, "\r\n")) {
            return wr_row_bad(fields, row, name, "a name that these pairs cannot hold");
        }
        if (holds_any(value, "\r\n")) {
            return wr_row_bad(fields, row, value,
                              "a value with a line end, for which there is no escape");
        }
        if (i > 0) {
            wr_out_bytes(out, delim.data, delim.len);
        }
        wr_out_bytes(out, name.data, name.len);
        wr_out_bytes(out, kv->sep.data, kv->sep.len);
        if (holds_separator(value, kv, false) || !is_trimmed(value) || holds_any(value, "\"")) {
            put_quoted(out, value);
        } else {
            wr_out_bytes(out, value.data, value.len);
        }
    }
    return row->count > 0 ? 0 : wr_fields_bad(fields, 0, no_members);
}
