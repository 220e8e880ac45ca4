/*
 * codec_fields.c - the fields of one text: their memory, and escapes.
 *
 * Called by the decoders of records, once for each field, and by the stage that runs them. `made`
 * never moves while a text is decoded: removing escapes makes no text longer, so one reservation of
 * the text's length is enough.
 */
#include "codec_fields.h"

#include <string.h>

#include "base_alloc.h"
#include "codec_text.h"
#include "codec_utf8.h"

enum { FIELDS_FIRST = 16, MADE_FIRST = 256 };

void wr_fields_fini(struct wr_fields *fields)
{
    wr_free(fields->names);
    wr_free(fields->values);
    wr_free(fields->kinds);
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
    if (fields->typed) {
        memset(fields->kinds, 0, fields->cap);
        fields->typed = false;
    }
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
    uint8_t *kinds = wr_realloc(fields->kinds, cap);
    fields->kinds = kinds != NULL ? kinds : fields->kinds;
    if (names == NULL || values == NULL || kinds == NULL) {
        return WEIR_ENOMEM;
    }
    memset(kinds + fields->cap, 0, cap - fields->cap);
    fields->cap = cap;
    return 0;
}

/* ---- numbers */

static size_t digits_at(weir_slice text, size_t at)
{
    size_t from = at;
    while (at < text.len && wr_is_digit(text.data[at])) {
        at++;
    }
    return at - from;
}

/* The parts of [+-]digits[.digits][e[+-]digits]. */
struct decimal {
    bool minus;
    weir_slice whole, fraction, exponent; /* the exponent with its e */
};

static bool read_decimal(weir_slice text, struct decimal *decimal)
{
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    decimal->minus = at == 1 && text.data[0] == '-';
    size_t n = digits_at(text, at);
    decimal->whole = wr_slice_of(text, at, at + n);
    at += n;
    n = 0;
    if (at < text.len && text.data[at] == '.') {
        n = digits_at(text, ++at);
    }
    decimal->fraction = wr_slice_of(text, at, at + n);
    at += n;
    size_t digits = decimal->whole.len + n, from = at;
    if (digits > 0 && at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        at += at < text.len && (text.data[at] == '-' || text.data[at] == '+');
        digits = digits_at(text, at);
        at += digits;
    }
    decimal->exponent = wr_slice_of(text, from, at);
    return digits > 0 && at == text.len;
}

bool wr_is_number(weir_slice text)
{
    struct decimal decimal;
    return read_decimal(text, &decimal);
}

static char *put(char *to, weir_slice part)
{
    memcpy(to, part.data, part.len);
    return to + part.len;
}

int wr_fields_add_number(struct wr_fields *fields, weir_slice name, weir_slice value)
{
    struct decimal decimal;
    if (!read_decimal(value, &decimal)) {
        return wr_fields_add(fields, name, value);
    }
    weir_slice whole = decimal.whole;
    while (whole.len > 1 && whole.data[0] == '0') {
        whole = wr_slice_of(whole, 1, whole.len);
    }
    size_t len = decimal.minus + whole.len + (decimal.fraction.len > 0) + decimal.fraction.len +
                 decimal.exponent.len;
    if (len < value.len || whole.len == 0) { /* not as JSON has it */
        char *begin = fields->made + fields->made_len, *to = begin;
        WR_ASSERT(fields->made_cap - fields->made_len > len, "no room for a number");
        to = decimal.minus ? put(to, (weir_slice)WR_SLICE("-")) : to;
        to = put(to, whole.len > 0 ? whole : (weir_slice)WR_SLICE("0"));
        to = decimal.fraction.len > 0 ? put(put(to, (weir_slice)WR_SLICE(".")), decimal.fraction)
                                      : to;
        to = put(to, decimal.exponent);
        value = (weir_slice){begin, (size_t)(to - begin)};
        fields->made_len += value.len;
    }
    return wr_fields_add_kind(fields, name, value, WEIR_VALUE_NUMBER);
}

void wr_fields_type_numbers(struct wr_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct decimal decimal;
        weir_slice value = fields->values[i];
        if (value.len == 0 || value.data[0] == '+' || !read_decimal(value, &decimal)) {
            continue;
        }
        size_t point = decimal.fraction.len > 0;
        bool exact = decimal.minus + decimal.whole.len + point + decimal.fraction.len +
                         decimal.exponent.len ==
                     value.len; /* without a point that no digit follows */
        bool zeros = decimal.whole.len > 1 && decimal.whole.data[0] == '0';
        if (exact && !zeros && decimal.whole.len > 0) {
            fields->kinds[i] = WEIR_VALUE_NUMBER;
            fields->typed = true;
        }
    }
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
