/*
 * codec_json_look.c - looks things up in a JSON text that codec_json.c has validated: members by their
 * names, strings without their escapes, a value without its white space.
 *
 * Nothing here fails: what is read is valid. A look by number (wr_json_look) notes all wanted names of
 * an object in one walk over its keys. The slot of a name is made from its length and its first and
 * last byte, so that most keys that nobody wants are passed without a comparison. The last of equal
 * keys counts, therefore each walk goes to the end of the object.
 */
#include <string.h>

#include "base_error.h"
#include "codec_json.h"
#include "codec_json_scan.h"
#include "codec_utf8.h"

const uint8_t wr_json_kinds[256] = {
    ['-'] = WR_JSON_NUMBER, ['0'] = WR_JSON_NUMBER, ['1'] = WR_JSON_NUMBER, ['2'] = WR_JSON_NUMBER,
    ['3'] = WR_JSON_NUMBER, ['4'] = WR_JSON_NUMBER, ['5'] = WR_JSON_NUMBER, ['6'] = WR_JSON_NUMBER,
    ['7'] = WR_JSON_NUMBER, ['8'] = WR_JSON_NUMBER, ['9'] = WR_JSON_NUMBER, ['n'] = WR_JSON_NULL,
    ['f'] = WR_JSON_FALSE,  ['t'] = WR_JSON_TRUE,   ['"'] = WR_JSON_STRING, ['['] = WR_JSON_ARRAY,
    ['{'] = WR_JSON_OBJECT};

/* The code unit of the escape \\uXXXX at `from`. */
static uint32_t code_unit(const char *from)
{
    uint32_t unit = 0;
    for (size_t i = 2; i < 6; i++) {
        unit = unit << 4 | (uint32_t)wr_hex_value(from[i]);
    }
    return unit;
}

/* Decode the escape at the start of `text`, which is valid. Sets the bytes that it stands for, and
 * returns how many bytes of the text it uses. */
static size_t decode_escape(const char *text, size_t len, char to[4], size_t *to_len)
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    if (text[1] != 'u') {
        const char *known = strchr(letters, text[1]);
        to[0] = known != NULL ? meant[known - letters] : text[1];
        *to_len = 1;
        return 2;
    }
    uint32_t code = code_unit(text);
    size_t used = 6;
    if (code >= 0xd800 && code < 0xe000) {
        uint32_t low = code < 0xdc00 && len >= 12 && text[6] == '\\' && text[7] == 'u'
                           ? code_unit(text + 6)
                           : 0;
        bool pair = low >= 0xdc00 && low < 0xe000;
        code = pair ? 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff)) : 0xfffd;
        used = pair ? 12 : 6;
    }
    *to_len = wr_utf8_encode(code, to);
    return used;
}

size_t wr_json_unescape(struct wr_text inside, char *to)
{
    const char *from = inside.data;
    const char *end = from + inside.len;
    char *start = to;
    while (from < end) {
        const char *next = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((next != NULL ? next : end) - from);
        memcpy(to, from, plain);
        to += plain;
        from += plain;
        if (from < end) {
            char bytes[4];
            size_t len = 0;
            from += decode_escape(from, (size_t)(end - from), bytes, &len);
            memcpy(to, bytes, len);
            to += len;
        }
    }
    return (size_t)(to - start);
}

bool wr_json_escaped_is(struct wr_text inside, struct wr_text bytes)
{
    size_t at = 0;
    size_t matched = 0;
    while (at < inside.len) {
        char piece[4] = {inside.data[at]};
        size_t len = 1;
        at += piece[0] == '\\' ? decode_escape(inside.data + at, inside.len - at, piece, &len) : 1;
        if (len > bytes.len - matched || memcmp(piece, bytes.data + matched, len) != 0) {
            return false;
        }
        matched += len;
    }
    return matched == bytes.len;
}

bool wr_json_blank(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && wr_json_is_space(text[i])) {
        i++;
    }
    return i == len;
}

size_t wr_json_compact(const struct wr_json *json, uint32_t node, char *to)
{
    char *start = to;
    uint32_t after = wr_json_after(json, node);
    for (uint32_t i = node; i < after; i++) {
        char c = json->text[json->at[i]];
        if (strchr("{}[],:", c) != NULL) {
            *to++ = c;
            continue;
        }
        struct wr_text text = wr_json_text(json, i);
        memcpy(to, text.data, text.len);
        to += text.len;
    }
    return (size_t)(to - start);
}

uint32_t wr_json_find(const struct wr_json *json, uint32_t object, struct wr_text key)
{
    const char *text = json->text;
    const uint32_t *at = json->at;
    const uint32_t *to = json->to;
    uint32_t found = WR_JSON_NONE;
    uint32_t end = to[object];
    for (uint32_t k = object + 1; k < end;) {
        uint32_t value = wr_json_value(k);
        uint32_t from = at[k] + 1;
        if (to[k] - from == key.len ? wr_bytes_same(text + from, key.data, key.len)
                                    : wr_json_escaped(json, k) && wr_json_string_is(json, k, key)) {
            found = value;
        }
        k = wr_json_after(json, value) + 1; /* behind the comma, or the end */
    }
    return found;
}

/* Of the bytes between two quotes, or of those quotes. */
static inline uint32_t name_slot(char first, char last, size_t len)
{
    uint32_t hash = (unsigned char)first * 7u + (unsigned char)last * 3u + (uint32_t)len * 5u;
    return hash % WR_JSON_SLOTS;
}

static inline bool is_name(const struct wr_json_looks *looks, uint32_t i, const char *bytes,
                           size_t len)
{
    return looks->names[i].len == len && wr_bytes_same(looks->names[i].data, bytes, len);
}

uint32_t wr_json_looks_add(struct wr_json_looks *looks, struct wr_text name)
{
    uint32_t i = 0;
    while (i < looks->count && !is_name(looks, i, name.data, name.len)) {
        i++;
    }
    if (i == WR_JSON_NAMES_MAX) {
        return WR_JSON_NONE;
    }
    if (i == looks->count) {
        char first = name.len > 0 ? name.data[0] : '"';
        char last = name.len > 0 ? name.data[name.len - 1] : '"';
        looks->names[looks->count++] = name;
        looks->slots[name_slot(first, last, name.len)] |= 1u << i;
    }
    return i;
}

/* The key has escapes: it may be any name. */
static void note_escaped(const struct wr_json *json, uint32_t key, uint32_t *values)
{
    const struct wr_json_looks *looks = json->looks;
    for (uint32_t i = 0; i < looks->count; i++) {
        if (wr_json_string_is(json, key, looks->names[i])) {
            values[i] = wr_json_value(key);
        }
    }
}

uint32_t wr_json_look_first(const struct wr_json *json, uint32_t object, uint32_t name)
{
    struct wr_json_looks *looks = json->looks;
    const char *text = json->text;
    const uint32_t *at = json->at;
    const uint32_t *to = json->to;
    struct wr_json_looked *looked = &looks->looked[looks->looked_next];
    looks->looked_next = (looks->looked_next + 1) % WR_JSON_LOOKED_MAX;
    looks->looked_count = WR_MAX(looks->looked_count, (uint32_t)(looked - looks->looked) + 1);
    looked->object = object;
    for (uint32_t i = 0; i < looks->count; i++) {
        looked->values[i] = WR_JSON_NONE;
    }
    uint32_t end = to[object];
    for (uint32_t k = object + 1; k < end;) {
        uint32_t from = at[k] + 1;
        size_t len = to[k] - from;
        if (WR_UNLIKELY(wr_json_escaped(json, k))) {
            note_escaped(json, k, looked->values);
        } else {
            uint32_t among = looks->slots[name_slot(text[from], text[from + len - 1], len)];
            for (; among != 0; among &= among - 1) {
                uint32_t i = (uint32_t)__builtin_ctz(among);
                if (is_name(looks, i, text + from, len)) {
                    looked->values[i] = wr_json_value(k);
                }
            }
        }
        k = wr_json_after(json, wr_json_value(k)) + 1;
    }
    return looked->values[name];
}
