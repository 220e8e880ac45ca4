/*
 * codec_packed_write.c - one pass over the tokens of a JSON value, each of which is a head, or
 * nothing. A container needs the number of its values before them: they are counted by stepping from
 * one to the next, so each value is counted once. Nothing recurses.
 */
#include "codec_packed_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

#include "codec_utf8.h"

enum { NUMBER_BYTES = 512 };

static void put_head(struct wr_out *out, wr_packed_write *write, enum wr_packed_kind kind,
                     uint64_t number)
{
    write(out, &(struct wr_packed_head){.kind = kind, .number = number});
}

static void put_text(struct wr_out *out, wr_packed_write *write, weir_slice text, bool utf8)
{
    put_head(out, write, utf8 ? WR_PACKED_TEXT : WR_PACKED_BYTES, text.len);
    wr_out_bytes(out, text.data, text.len);
}

/* -digits, of at most 64 bits. */
static bool read_integer(weir_slice text, struct wr_packed_head *head)
{
    bool minus = text.len > 0 && text.data[0] == '-';
    uint64_t value = 0;
    for (size_t i = minus; i < text.len; i++) {
        if (!wr_is_digit(text.data[i]) || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) {
            return false;
        }
    }
    if (minus && value == 0) { /* -0 is a real */
        return false;
    }
    head->kind = minus ? WR_PACKED_NEGATIVE : WR_PACKED_UINT;
    head->number = minus ? value - 1 : value;
    return true;
}

/* A number as JSON has it. False: too large, or too long, for a real. */
static bool put_number(struct wr_out *out, wr_packed_write *write, weir_slice text)
{
    char copy[NUMBER_BYTES];
    struct wr_packed_head head = {.kind = WR_PACKED_REAL};
    if (!read_integer(text, &head)) {
        if (text.len >= sizeof copy) {
            return false;
        }
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        head.real = strtod(copy, NULL);
    }
    write(out, &head);
    return isfinite(head.real);
}

static const char too_large[] = "a number that is too large";

/* ---- JSON */

static uint64_t count_values(const struct wr_json *json, uint32_t container, bool object)
{
    uint64_t count = 0;
    uint32_t node = wr_json_first(json, container);
    while (node != WR_JSON_NONE) {
        count++;
        node = wr_json_next(json, object ? wr_json_value(node) : node);
    }
    return count;
}

static void put_string(struct wr_out *out, struct wr_fields *fields, wr_packed_write *write,
                       const struct wr_json *json, uint32_t node)
{
    struct wr_text inside = wr_json_inside(json, node);
    weir_slice text = {inside.data, inside.len};
    if (wr_json_escaped(json, node)) {
        text = (weir_slice){fields->made, wr_json_unescape(inside, fields->made)};
    }
    put_text(out, write, text, true);
}

int wr_packed_write_json(struct wr_out *out, struct wr_fields *fields, wr_packed_write *write,
                         const struct wr_json *json)
{
    int rc = wr_fields_begin(fields, json->len);
    for (uint32_t node = 0; rc == 0 && node < json->count; node++) {
        char c = json->text[json->at[node]];
        struct wr_text text;
        switch (c) {
        case '{': put_head(out, write, WR_PACKED_MAP, count_values(json, node, true)); break;
        case '[': put_head(out, write, WR_PACKED_ARRAY, count_values(json, node, false)); break;
        case '}':
        case ']':
        case ',':
        case ':': break;
        case '"': put_string(out, fields, write, json, node); break;
        case 'n': put_head(out, write, WR_PACKED_NULL, 0); break;
        case 't': put_head(out, write, WR_PACKED_TRUE, 0); break;
        case 'f': put_head(out, write, WR_PACKED_FALSE, 0); break;
        default:
            text = wr_json_text(json, node);
            if (!put_number(out, write, (weir_slice){text.data, text.len})) {
                rc = wr_fields_bad(fields, json->at[node], too_large);
            }
        }
    }
    return rc;
}

/* ---- records */

static bool is_utf8(weir_slice text)
{
    return wr_utf8_valid_bytes(text.data, text.len) == text.len;
}

int wr_packed_write_row(struct wr_out *out, struct wr_fields *fields, wr_packed_write *write,
                        const struct wr_row *row)
{
    put_head(out, write, WR_PACKED_MAP, row->count);
    for (size_t i = 0; i < row->count; i++) {
        weir_slice value = row->values[i];
        if (!is_utf8(row->names[i])) {
            return wr_row_bad(fields, row, row->names[i], "a name that is not UTF-8");
        }
        put_text(out, write, row->names[i], true);
        switch (wr_row_kind(row, i)) {
        case WEIR_VALUE_NUMBER:
            if (!put_number(out, write, value)) {
                return wr_row_bad(fields, row, value, too_large);
            }
            break;
        case WEIR_VALUE_BOOL:
            put_head(out, write, value.len == 4 ? WR_PACKED_TRUE : WR_PACKED_FALSE, 0);
            break;
        case WEIR_VALUE_NULL: put_head(out, write, WR_PACKED_NULL, 0); break;
        default: put_text(out, write, value, is_utf8(value));
        }
    }
    return 0;
}

/* ---- heads */

/* The first byte, then the number in `bytes` bytes. */
static void put_big_endian(struct wr_out *out, unsigned first, uint64_t number, unsigned bytes)
{
    wr_out_byte(out, (char)first);
    while (bytes-- > 0) {
        wr_out_byte(out, (char)(number >> (8 * bytes)));
    }
}

static uint64_t real_bits(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

/* How many bytes of 1, 2, 4, 8 the number needs, as the power of two. */
static unsigned size_of(uint64_t number)
{
    return number <= UINT8_MAX ? 0 : number <= UINT16_MAX ? 1 : number <= UINT32_MAX ? 2 : 3;
}

void wr_cbor_write(struct wr_out *out, const struct wr_packed_head *head)
{
    static const uint8_t majors[] = {
        [WR_PACKED_UINT] = 0, [WR_PACKED_NEGATIVE] = 1, [WR_PACKED_BYTES] = 2,
        [WR_PACKED_TEXT] = 3, [WR_PACKED_ARRAY] = 4,    [WR_PACKED_MAP] = 5,
    };
    switch (head->kind) {
    case WR_PACKED_NULL: wr_out_byte(out, (char)0xf6); break;
    case WR_PACKED_FALSE: wr_out_byte(out, (char)0xf4); break;
    case WR_PACKED_TRUE: wr_out_byte(out, (char)0xf5); break;
    case WR_PACKED_REAL: put_big_endian(out, 0xfb, real_bits(head->real), 8); break;
    default:
        if (head->number < 24) {
            wr_out_byte(out, (char)((unsigned)majors[head->kind] << 5 | (unsigned)head->number));
        } else {
            unsigned size = size_of(head->number);
            put_big_endian(out, (unsigned)majors[head->kind] << 5 | (24 + size), head->number,
                           1u << size);
        }
    }
}

/* A length, of at most UINT32_MAX, in the first byte, if it is below `most`, or behind one of the
 * bytes for 1, 2 and 4; 0: there is none. */
static void put_length(struct wr_out *out, unsigned fixed, uint64_t most, const uint8_t firsts[3],
                       uint64_t number)
{
    unsigned size = WR_MIN(size_of(number), 2u);
    size = size == 0 && firsts[0] == 0 ? 1 : size;
    if (number < most) {
        wr_out_byte(out, (char)(fixed | (unsigned)number));
    } else {
        put_big_endian(out, firsts[size], number, 1u << size);
    }
}

/* -1 - number. */
static void put_negative(struct wr_out *out, uint64_t number)
{
    if (number > INT64_MAX) { /* CBOR has these */
        put_big_endian(out, 0xcb, real_bits(-1.0 - (double)number), 8);
        return;
    }
    unsigned size = number < 0x80 ? 0 : number < 0x8000 ? 1 : number < UINT64_C(0x80000000) ? 2 : 3;
    if (number < 32) {
        wr_out_byte(out, (char)(0xff - number));
    } else {
        put_big_endian(out, 0xd0 + size, ~number, 1u << size);
    }
}

void wr_msgpack_write(struct wr_out *out, const struct wr_packed_head *head)
{
    static const uint8_t text[] = {0xd9, 0xda, 0xdb}, bytes[] = {0xc4, 0xc5, 0xc6},
                         array[] = {0, 0xdc, 0xdd}, map[] = {0, 0xde, 0xdf};
    switch (head->kind) {
    case WR_PACKED_NULL: wr_out_byte(out, (char)0xc0); break;
    case WR_PACKED_FALSE: wr_out_byte(out, (char)0xc2); break;
    case WR_PACKED_TRUE: wr_out_byte(out, (char)0xc3); break;
    case WR_PACKED_REAL: put_big_endian(out, 0xcb, real_bits(head->real), 8); break;
    case WR_PACKED_TEXT: put_length(out, 0xa0, 32, text, head->number); break;
    case WR_PACKED_BYTES: put_length(out, 0, 0, bytes, head->number); break;
    case WR_PACKED_ARRAY: put_length(out, 0x90, 16, array, head->number); break;
    case WR_PACKED_MAP: put_length(out, 0x80, 16, map, head->number); break;
    case WR_PACKED_NEGATIVE: put_negative(out, head->number); break;
    default:
        if (head->number < 0x80) {
            wr_out_byte(out, (char)head->number);
        } else {
            unsigned size = size_of(head->number);
            put_big_endian(out, 0xcc + size, head->number, 1u << size);
        }
    }
}
