/*
 * codec_cbor.c - the heads of CBOR (RFC 8949).
 */
#include <math.h>
#include <string.h>

#include <weir/error.h>

#include "codec_packed.h"

enum { INDEFINITE = 31, SIMPLE = 7 };

/* RFC 8949, appendix D. */
static double half(uint64_t bits)
{
    unsigned exponent = (unsigned)(bits >> 10) & 31;
    double mantissa = (double)(bits & 1023);
    double value = exponent == 0   ? mantissa * 0x1p-24
                   : exponent < 31 ? (mantissa + 1024) * (double)(UINT32_C(1) << exponent) * 0x1p-25
                   : mantissa == 0 ? (double)INFINITY
                                   : (double)NAN;
    return (bits & 0x8000) != 0 ? -value : value;
}

static double single(uint64_t bits)
{
    float value;
    uint32_t low = (uint32_t)bits;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

/* info: the low five bits of the first byte. */
static void read_simple(struct wr_packed_head *head, unsigned info)
{
    uint64_t bits = head->number;
    head->single = info < 27;
    switch (info) {
    case 20: head->kind = WR_PACKED_FALSE; break;
    case 21: head->kind = WR_PACKED_TRUE; break;
    case 25:
        head->kind = WR_PACKED_REAL;
        head->real = half(bits);
        break;
    case 26:
        head->kind = WR_PACKED_REAL;
        head->real = single(bits);
        break;
    case 27:
        head->kind = WR_PACKED_REAL;
        memcpy(&head->real, &bits, sizeof bits);
        break;
    case INDEFINITE: head->kind = WR_PACKED_BREAK; break;
    default: head->kind = WR_PACKED_NULL;
    }
}

int wr_cbor_read(const unsigned char *data, size_t len, struct wr_packed_head *head,
                 const char **problem)
{
    static const enum wr_packed_kind kinds[] = {WR_PACKED_UINT, WR_PACKED_NEGATIVE, WR_PACKED_BYTES,
                                                WR_PACKED_TEXT, WR_PACKED_ARRAY,    WR_PACKED_MAP,
                                                WR_PACKED_TAG,  WR_PACKED_NULL};
    unsigned major = data[0] >> 5u, info = data[0] & 31u;
    size_t bytes = info >= 24 && info <= 27 ? (size_t)1 << (info - 24) : 0;
    if (len < 1 + bytes) {
        return 0;
    }
    head->kind = kinds[major];
    head->number = bytes > 0 ? 0 : info;
    for (size_t i = 1; i <= bytes; i++) {
        head->number = head->number << 8 | data[i];
    }
    if (info > 27 && info < INDEFINITE) {
        *problem = "a head that is reserved";
        return WEIR_EPARSE;
    }
    if (major == SIMPLE) {
        read_simple(head, info);
        return (int)(1 + bytes);
    }
    bool opens = head->kind >= WR_PACKED_TEXT && head->kind <= WR_PACKED_MAP;
    if (info == INDEFINITE && !opens) {
        *problem = "a head that is reserved";
        return WEIR_EPARSE;
    }
    if (info != INDEFINITE && opens && head->number == WR_PACKED_OPEN) {
        *problem = "more values or bytes than can be";
        return WEIR_EPARSE;
    }
    if (info == INDEFINITE) {
        head->number = WR_PACKED_OPEN;
    }
    return (int)(1 + bytes);
}
