/*
 * codec_msgpack.c - the heads of MessagePack.
 */
#include <string.h>

#include <weir/error.h>

#include "codec_packed.h"

static uint64_t big_endian(const unsigned char *data, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

static int set(struct wr_packed_head *head, enum wr_packed_kind kind, uint64_t number, int bytes)
{
    head->kind = kind;
    head->number = number;
    return bytes;
}

static int signed_number(struct wr_packed_head *head, uint64_t number, size_t bytes)
{
    uint64_t sign = bytes == 1   ? UINT64_C(1) << 7
                    : bytes == 2 ? UINT64_C(1) << 15
                    : bytes == 4 ? UINT64_C(1) << 31
                                 : UINT64_C(1) << 63;
    int64_t value = (int64_t)((number ^ sign) - sign);
    return value >= 0 ? set(head, WR_PACKED_UINT, (uint64_t)value, (int)bytes + 1)
                      : set(head, WR_PACKED_NEGATIVE, ~(uint64_t)value, (int)bytes + 1);
}

static int real_number(struct wr_packed_head *head, uint64_t bits, size_t bytes)
{
    if (bytes == 4) {
        float single;
        uint32_t low = (uint32_t)bits;
        memcpy(&single, &low, sizeof single);
        head->real = (double)single;
        head->single = true;
    } else {
        memcpy(&head->real, &bits, sizeof bits);
    }
    return set(head, WR_PACKED_REAL, 0, (int)bytes + 1);
}

/* The heads from 0xc4 on: the bytes of the number in each, and what it is. */
static const struct {
    uint8_t bytes;
    uint8_t kind;
} heads[] = {
    {1, WR_PACKED_BYTES},    {2, WR_PACKED_BYTES},    {4, WR_PACKED_BYTES},
    {1, WR_PACKED_EXT},      {2, WR_PACKED_EXT},      {4, WR_PACKED_EXT},
    {4, WR_PACKED_REAL},     {8, WR_PACKED_REAL},     {1, WR_PACKED_UINT},
    {2, WR_PACKED_UINT},     {4, WR_PACKED_UINT},     {8, WR_PACKED_UINT},
    {1, WR_PACKED_NEGATIVE}, {2, WR_PACKED_NEGATIVE}, {4, WR_PACKED_NEGATIVE},
    {8, WR_PACKED_NEGATIVE}, {0, WR_PACKED_EXT},      {0, WR_PACKED_EXT},
    {0, WR_PACKED_EXT},      {0, WR_PACKED_EXT},      {0, WR_PACKED_EXT},
    {1, WR_PACKED_TEXT},     {2, WR_PACKED_TEXT},     {4, WR_PACKED_TEXT},
    {2, WR_PACKED_ARRAY},    {4, WR_PACKED_ARRAY},    {2, WR_PACKED_MAP},
    {4, WR_PACKED_MAP},
};
enum { FIRST = 0xc4, FIXED_EXT = 0xd4 };

static int read_long(const unsigned char *data, size_t len, struct wr_packed_head *head)
{
    size_t bytes = heads[data[0] - FIRST].bytes;
    enum wr_packed_kind kind = (enum wr_packed_kind)heads[data[0] - FIRST].kind;
    size_t whole = 1 + bytes + (kind == WR_PACKED_EXT);
    if (len < whole) {
        return 0;
    }
    uint64_t number = big_endian(data + 1, bytes);
    if (kind == WR_PACKED_EXT) {
        head->ext = (int8_t)data[whole - 1];
        return set(head, kind, bytes > 0 ? number : UINT64_C(1) << (data[0] - FIXED_EXT),
                   (int)whole);
    }
    return kind == WR_PACKED_NEGATIVE ? signed_number(head, number, bytes)
           : kind == WR_PACKED_REAL   ? real_number(head, number, bytes)
                                      : set(head, kind, number, (int)whole);
}

int wr_msgpack_read(const unsigned char *data, size_t len, struct wr_packed_head *head,
                    const char **problem)
{
    unsigned byte = data[0];
    if (byte < 0x80) {
        return set(head, WR_PACKED_UINT, byte, 1);
    }
    if (byte < 0x90) {
        return set(head, WR_PACKED_MAP, byte & 15, 1);
    }
    if (byte < 0xa0) {
        return set(head, WR_PACKED_ARRAY, byte & 15, 1);
    }
    if (byte < 0xc0) {
        return set(head, WR_PACKED_TEXT, byte & 31, 1);
    }
    if (byte >= 0xe0) {
        return set(head, WR_PACKED_NEGATIVE, 0xff - byte, 1);
    }
    switch (byte) {
    case 0xc0: return set(head, WR_PACKED_NULL, 0, 1);
    case 0xc1: *problem = "the byte 0xc1, which MessagePack does not use"; return WEIR_EPARSE;
    case 0xc2: return set(head, WR_PACKED_FALSE, 0, 1);
    case 0xc3: return set(head, WR_PACKED_TRUE, 0, 1);
    default: return read_long(data, len, head);
    }
}
