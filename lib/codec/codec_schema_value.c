/*
 * codec_schema_value.c - exact numbers, equality, places (codec_schema_value.h). A number is its digits
 * without the zeros at both ends, and a power of ten: 0.D1D2... * 10^point. Nothing is converted.
 */
#include "codec_schema_value.h"

#include "base_error.h"
#include "codec_schema.h"

/* ---- numbers */

enum { DIVISOR_DIGITS_MAX = 18 };
#define EXPONENT_MAX ((int64_t)1 << 50)

struct decimal {
    bool negative;
    const char *digits; /* the first that is not 0; a '.' may stand among them */
    size_t count;       /* 0: it is zero */
    int64_t point;
};

static int64_t exponent_of(const char *at, const char *end)
{
    int64_t exponent = 0;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    for (; at < end && exponent < EXPONENT_MAX / 10; at++) {
        exponent = exponent * 10 + (*at - '0');
    }
    return negative ? -exponent : exponent;
}

static struct decimal decimal_of(struct wr_text number)
{
    struct decimal decimal = {.negative = number.data[0] == '-'};
    const char *end = number.data + number.len, *at = number.data + decimal.negative;
    int64_t whole = 0, seen = 0, first = 0, last = 0;
    bool fraction = false;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        whole += !fraction;
        if (*at != '0' && decimal.digits == NULL) {
            decimal.digits = at;
            first = seen;
        }
        last = *at != '0' ? seen : last;
        seen++;
    }
    if (decimal.digits == NULL) {
        return (struct decimal){0};
    }
    decimal.count = (size_t)(last - first + 1);
    decimal.point = whole - first + (at < end ? exponent_of(at + 1, end) : 0);
    return decimal;
}

/* The digit at *at, which moves behind it. */
static unsigned take_digit(const char **at)
{
    *at += **at == '.';
    return (unsigned)(*(*at)++ - '0');
}

static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
    const char *x = a->digits, *y = b->digits;
    if (a->count == 0 || b->count == 0) {
        return (a->count > 0) - (b->count > 0);
    }
    if (a->point != b->point) {
        return a->point < b->point ? -1 : 1;
    }
    for (size_t i = 0; i < WR_MIN(a->count, b->count); i++) {
        unsigned p = take_digit(&x), q = take_digit(&y);
        if (p != q) {
            return p < q ? -1 : 1;
        }
    }
    return (a->count > b->count) - (a->count < b->count);
}

int wr_schema_compare(struct wr_text a, struct wr_text b)
{
    struct decimal x = decimal_of(a), y = decimal_of(b);
    if (x.negative != y.negative) {
        return x.negative ? -1 : 1;
    }
    return x.negative ? compare_sizes(&y, &x) : compare_sizes(&x, &y);
}

bool wr_schema_is_integer(struct wr_text number)
{
    struct decimal decimal = decimal_of(number);
    return decimal.count == 0 || decimal.point >= (int64_t)decimal.count;
}

bool wr_schema_is_divisor(struct wr_text number)
{
    struct decimal decimal = decimal_of(number);
    return !decimal.negative && decimal.count > 0 && decimal.count <= DIVISOR_DIGITS_MAX;
}

/* base^exponent modulo `modulus`. */
static uint64_t power(uint64_t exponent, uint64_t modulus)
{
    __extension__ unsigned __int128 base = 10 % modulus, result = 1 % modulus;
    for (; exponent > 0; exponent >>= 1) {
        result = (exponent & 1) != 0 ? result * base % modulus : result;
        base = base * base % modulus;
    }
    return (uint64_t)result;
}

bool wr_schema_divides(struct wr_text divisor, struct wr_text number)
{
    struct decimal d = decimal_of(divisor), n = decimal_of(number);
    __extension__ unsigned __int128 rest = 0;
    uint64_t modulus = 0;
    const char *at = d.digits;
    for (size_t i = 0; i < d.count; i++) {
        modulus = modulus * 10 + take_digit(&at);
    }
    WR_ASSERT(modulus > 0, "it is no divisor");
    /* Neither has zeros at its end: a power of ten that is left to the divisor does not divide. */
    int64_t exponent = n.point - (int64_t)n.count - d.point + (int64_t)d.count;
    if (n.count == 0 || exponent < 0) {
        return n.count == 0;
    }
    at = n.digits;
    for (size_t i = 0; i < n.count; i++) {
        rest = (rest * 10 + take_digit(&at)) % modulus;
    }
    return rest * power((uint64_t)exponent, modulus) % modulus == 0;
}

/* ---- equality */

/* The bytes of a string with escapes. */
struct bytes {
    struct wr_text rest;
    char made[12]; /* of an escape */
    size_t at, count;
};

/* Does a half of a surrogate pair stand there, the first or the second? */
static bool is_half(struct wr_text text, size_t at, bool second)
{
    const char *t = text.data + at;
    if (text.len < at + 6 || t[0] != '\\' || t[1] != 'u' || wr_lower(t[2]) != 'd') {
        return false;
    }
    int digit = wr_hex_value(t[3]);
    return second ? digit >= 12 : digit >= 8 && digit < 12;
}

/* -1: there are no more. */
static int next_byte(struct bytes *bytes)
{
    if (bytes->at == bytes->count && bytes->rest.len > 0) {
        const char *t = bytes->rest.data;
        size_t len = t[0] != '\\' ? 1 : t[1] != 'u' ? 2 : 6;
        len = is_half(bytes->rest, 0, false) && is_half(bytes->rest, 6, true) ? 12 : len;
        bytes->count = wr_json_unescape((struct wr_text){t, len}, bytes->made);
        bytes->at = 0;
        bytes->rest = (struct wr_text){t + len, bytes->rest.len - len};
    }
    return bytes->at < bytes->count ? (unsigned char)bytes->made[bytes->at++] : -1;
}

static bool same_string(const struct wr_json *a, uint32_t a_node, const struct wr_json *b,
                        uint32_t b_node)
{
    if (!wr_json_escaped(b, b_node)) {
        return wr_json_string_is(a, a_node, wr_json_inside(b, b_node));
    }
    if (!wr_json_escaped(a, a_node)) {
        return wr_json_string_is(b, b_node, wr_json_inside(a, a_node));
    }
    struct bytes x = {.rest = wr_json_inside(a, a_node)}, y = {.rest = wr_json_inside(b, b_node)};
    for (;;) {
        int p = next_byte(&x), q = next_byte(&y);
        if (p != q || p < 0) {
            return p == q;
        }
    }
}

/* Two values that are compared. */
struct pair {
    const struct wr_json *a, *b;
    struct wr_schema_steps *steps;
};

static bool equal(const struct pair *pair, uint32_t a_node, uint32_t b_node, unsigned depth);

static bool same_members(const struct pair *pair, uint32_t a_node, uint32_t b_node, unsigned depth)
{
    const struct wr_json *a = pair->a, *b = pair->b;
    size_t size = wr_schema_size(a, a_node);
    if (size != wr_schema_size(b, b_node)) {
        return false;
    }
    for (uint32_t key = wr_json_first(a, a_node); key != WR_JSON_NONE;
         key = wr_json_next(a, wr_json_value(key))) {
        uint32_t found = WR_JSON_NONE;
        pair->steps->taken += size / 8;
        for (uint32_t other = wr_json_first(b, b_node); other != WR_JSON_NONE;
             other = wr_json_next(b, wr_json_value(other))) {
            found = same_string(a, key, b, other) ? other : found;
        }
        if (found == WR_JSON_NONE ||
            !equal(pair, wr_json_value(key), wr_json_value(found), depth)) {
            return false;
        }
    }
    return true;
}

static bool equal(const struct pair *pair, uint32_t a_node, uint32_t b_node, unsigned depth)
{
    const struct wr_json *a = pair->a, *b = pair->b;
    struct wr_text x = wr_json_text(a, a_node), y = wr_json_text(b, b_node);
    enum wr_json_kind kind = wr_json_kind(a, a_node);
    pair->steps->taken += 1 + WR_MIN(x.len, y.len) / 256;
    if (pair->steps->taken > pair->steps->max) {
        return false;
    }
    if (x.len == y.len && memcmp(x.data, y.data, x.len) == 0) {
        return true;
    }
    if (kind != wr_json_kind(b, b_node) || depth == 0) {
        return false;
    }
    switch (kind) {
    case WR_JSON_NUMBER: return wr_schema_compare(x, y) == 0;
    case WR_JSON_STRING: return same_string(a, a_node, b, b_node);
    case WR_JSON_OBJECT: return same_members(pair, a_node, b_node, depth - 1);
    case WR_JSON_ARRAY: {
        uint32_t i = wr_json_first(a, a_node), j = wr_json_first(b, b_node);
        while (i != WR_JSON_NONE && j != WR_JSON_NONE && equal(pair, i, j, depth - 1)) {
            i = wr_json_next(a, i);
            j = wr_json_next(b, j);
        }
        return i == WR_JSON_NONE && j == WR_JSON_NONE;
    }
    default: return false;
    }
}

bool wr_schema_equal(const struct wr_json *a, uint32_t a_node, const struct wr_json *b,
                     uint32_t b_node, struct wr_schema_steps *steps)
{
    const struct pair pair = {a, b, steps};
    return equal(&pair, a_node, b_node, WR_SCHEMA_EQUAL_DEPTH);
}

static int order_strings(const struct wr_json *json, uint32_t a, uint32_t b)
{
    struct bytes x = {.rest = wr_json_inside(json, a)}, y = {.rest = wr_json_inside(json, b)};
    if (!wr_json_escaped(json, a) && !wr_json_escaped(json, b)) {
        int order = memcmp(x.rest.data, y.rest.data, WR_MIN(x.rest.len, y.rest.len));
        return order != 0 ? order : (x.rest.len > y.rest.len) - (x.rest.len < y.rest.len);
    }
    for (;;) {
        int p = next_byte(&x), q = next_byte(&y);
        if (p != q || p < 0) {
            return p - q;
        }
    }
}

int wr_schema_order(const void *ordered, uint32_t a, uint32_t b)
{
    const struct wr_schema_ordered *of = ordered;
    const struct wr_json *json = of->json;
    struct wr_text x = wr_json_text(json, a), y = wr_json_text(json, b);
    enum wr_json_kind kind = wr_json_kind(json, a), other = wr_json_kind(json, b);
    of->steps->taken += 1 + WR_MIN(x.len, y.len) / 256;
    if (kind != other || of->steps->taken > of->steps->max) {
        return (int)kind - (int)other;
    }
    return kind == WR_JSON_NUMBER   ? wr_schema_compare(x, y)
           : kind == WR_JSON_STRING ? order_strings(json, a, b)
                                    : 0;
}

size_t wr_schema_characters(struct wr_text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

size_t wr_schema_size(const struct wr_json *json, uint32_t node)
{
    size_t count = 0;
    bool object = wr_json_kind(json, node) == WR_JSON_OBJECT;
    for (uint32_t at = wr_json_first(json, node); at != WR_JSON_NONE;
         at = wr_json_next(json, object ? wr_json_value(at) : at)) {
        count++;
    }
    return count;
}

/* ---- places */

/* A step of a JSON pointer, with ~ and / escaped. */
static void put_key(struct wr_print *out, struct wr_text key)
{
    wr_print_string(out, "/");
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.data[i];
        if (c == '~' || c == '/') {
            wr_print_string(out, c == '~' ? "~0" : "~1");
        } else {
            wr_print_bytes(out, c < ' ' || c == 0x7f ? "?" : key.data + i, 1);
        }
    }
}

void wr_schema_place(struct wr_print *out, const struct wr_json *json, uint32_t node)
{
    uint32_t at = WR_JSON_ROOT;
    if (node == WR_JSON_ROOT) {
        wr_print_string(out, "(root)");
    }
    while (at != node) {
        bool object = wr_json_kind(json, at) == WR_JSON_OBJECT;
        uint32_t child = wr_json_first(json, at);
        size_t index = 0;
        for (;;) {
            uint32_t value = object ? wr_json_value(child) : child;
            if (node < wr_json_after(json, value)) {
                break;
            }
            child = wr_json_next(json, value);
            index++;
        }
        if (object) {
            put_key(out, wr_json_inside(json, child));
            at = node == child ? child : wr_json_value(child);
        } else {
            wr_printf(out, "/%zu", index);
            at = child;
        }
    }
}
