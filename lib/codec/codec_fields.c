/*
 * codec_fields.c - the fields of one text: their memory, escapes, and the reason of a rejection.
 *
 * Called by the decoders of records, once for each field, and by the stage that runs them. `made`
 * never moves while a text is decoded: removing escapes makes no text longer, so one reservation of
 * the text's length is enough.
 */
#include "codec_fields.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_text.h"
#include "codec_utf8.h"

enum { FIELDS_FIRST = 16, EXCERPT_BYTES = 40, MADE_FIRST = 256 };

void wr_fields_fini(struct wr_fields *fields)
{
    wr_free(fields->names);
    wr_free(fields->values);
    wr_free(fields->made);
    *fields = (struct wr_fields){0};
}

int wr_fields_reserve(struct wr_fields *fields, size_t made_bytes)
{
    WR_ASSERT(fields->made_len == 0, "values would move");
    if (made_bytes > fields->made_cap) {
        size_t cap = WR_MAX(made_bytes + made_bytes / 2, (size_t)MADE_FIRST);
        char *made = wr_realloc(fields->made, cap);
        if (made == NULL) {
            return WEIR_ENOMEM;
        }
        fields->made = made;
        fields->made_cap = cap;
    }
    return 0;
}

int wr_fields_begin(struct wr_fields *fields, size_t text_len)
{
    fields->count = 0;
    fields->made_len = 0;
    fields->shared = 0;
    return wr_fields_reserve(fields, text_len);
}

int wr_fields_grow(struct wr_fields *fields)
{
    size_t cap = fields->cap == 0 ? FIELDS_FIRST : fields->cap * 2;
    if (fields->count >= WR_FIELDS_MAX) {
        return wr_fields_bad(fields, 0, "more than 4096 fields");
    }
    weir_slice *names = wr_realloc(fields->names, cap * sizeof *names);
    fields->names = names != NULL ? names : fields->names;
    weir_slice *values = wr_realloc(fields->values, cap * sizeof *values);
    fields->values = values != NULL ? values : fields->values;
    if (names == NULL || values == NULL) {
        return WEIR_ENOMEM;
    }
    fields->cap = cap;
    return 0;
}

weir_slice wr_fields_unquote(struct wr_fields *fields, weir_slice part, const char *plain)
{
    if (part.len == 0 || memchr(part.data, '\\', part.len) == NULL) {
        return part;
    }
    char *begin = fields->made + fields->made_len, *to = begin;
    for (size_t i = 0; i < part.len; i++) {
        bool escape = part.data[i] == '\\' && i + 1 < part.len && part.data[i + 1] != '\0' &&
                      strchr(plain, part.data[i + 1]) != NULL;
        i += escape;
        *to++ = part.data[i];
    }
    fields->made_len += (size_t)(to - begin);
    return (weir_slice){begin, (size_t)(to - begin)};
}

/* ---- escapes of C and of JSON */

/* Exactly `count` hexadecimal digits at `at`. */
static bool take_hex(weir_slice part, size_t at, size_t count, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; i < count; i++) {
        int value = at + i < part.len ? wr_hex_value(part.data[at + i]) : -1;
        if (value < 0) {
            return false;
        }
        *code = *code << 4 | (uint32_t)value;
    }
    return true;
}

static bool is_surrogate(uint32_t code)
{
    return code >= 0xd800 && code < 0xe000;
}

/* The escape at `at`, a backslash: writes what it means. Returns its length; 0: it is none. */
static size_t take_escape(weir_slice part, size_t at, char **to)
{
    static const char letters[] = "nrtbfav\"\\/'", meanings[] = "\n\r\t\b\f\a\v\"\\/'";
    char letter = at + 1 < part.len ? part.data[at + 1] : '\0';
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    uint32_t code, low;
    if (found != NULL) {
        *(*to)++ = meanings[found - letters];
        return 2;
    }
    if (digits == 0 || !take_hex(part, at + 2, digits, &code) || code > 0x10ffff) {
        return 0;
    }
    size_t len = 2 + digits;
    if (letter == 'x') {
        *(*to)++ = (char)code;
        return len;
    }
    if (letter == 'u' && code >= 0xd800 && code < 0xdc00 && at + len + 1 < part.len &&
        part.data[at + len] == '\\' && part.data[at + len + 1] == 'u' &&
        take_hex(part, at + len + 2, 4, &low) && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        len += 6;
    }
    *to += wr_utf8_encode(is_surrogate(code) ? 0xfffd : code, *to);
    return len;
}

bool wr_fields_unescape(struct wr_fields *fields, weir_slice part, weir_slice *value, size_t *bad)
{
    *value = part;
    if (part.len == 0 || memchr(part.data, '\\', part.len) == NULL) {
        return true;
    }
    char *begin = fields->made + fields->made_len, *to = begin;
    for (size_t i = 0; i < part.len;) {
        if (part.data[i] != '\\') {
            *to++ = part.data[i++];
            continue;
        }
        size_t len = take_escape(part, i, &to);
        if (len == 0) {
            *bad = i;
            return false;
        }
        i += len;
    }
    fields->made_len += (size_t)(to - begin);
    *value = (weir_slice){begin, (size_t)(to - begin)};
    return true;
}

void wr_fields_reason(const struct wr_fields *fields, weir_slice text, char to[WR_FIELDS_REASON])
{
    char excerpt[EXCERPT_BYTES + 1];
    size_t at = WR_MIN(fields->at, text.len);
    size_t from = at < text.len ? at : text.len - WR_MIN(text.len, (size_t)EXCERPT_BYTES / 2);
    size_t len = WR_MIN(text.len - from, (size_t)EXCERPT_BYTES);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[from + i];
        excerpt[i] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    excerpt[len] = '\0';
    snprintf(to, WR_FIELDS_REASON, "%s, at byte %zu%s%s%s", fields->problem, at,
             len > 0 && at == text.len ? ", after: "
             : len > 0                 ? ": "
                                       : "",
             excerpt, from + len < text.len ? "..." : "");
}
