/*
 * fuzz_packed.c - MessagePack and CBOR. Invariants: the cut of the input changes neither where a value
 * ends nor the verdict; what is written as JSON is valid JSON, as long as it was counted, and is the
 * same after it was written in a format and read again.
 *
 * The first byte picks the format and the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_json.h"
#include "codec_packed.h"
#include "codec_packed_write.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* Where the first value ends, and the verdict. */
static size_t end_of(wr_packed_read *read, const char *data, size_t len, size_t step, int *rc)
{
    static struct wr_packed packed;
    size_t at = 0, have = 0, used;
    wr_packed_init(&packed, read);
    *rc = 0;
    while (*rc == 0 && have < len) {
        have = have + step < len ? have + step : len;
        char *piece = malloc(have - at);
        require(piece != NULL);
        memcpy(piece, data + at, have - at);
        *rc = wr_packed_walk(&packed, piece, have - at, &used, NULL);
        require(used <= have - at);
        free(piece);
        at += used;
    }
    require((*rc < 0) == (packed.problem != NULL));
    return at;
}

/* Write a JSON text in a format and read it from it again; freed by the caller. */
static struct wr_out there_and_back(wr_packed_write *write, wr_packed_read *read, const char *text,
                                    size_t len)
{
    static struct wr_packed packed;
    static struct wr_fields fields;
    struct wr_json json;
    struct wr_out count = {NULL, 0, 0};
    size_t used;
    wr_json_init(&json);
    require(wr_json_index(&json, text, len) == 0);
    require(wr_packed_write_json(&count, &fields, write, &json) == 0);
    char *bytes = malloc(count.len);
    struct wr_out out = {bytes, count.len, 0}, again = {malloc(2 * len + 64), 2 * len + 64, 0};
    require(bytes != NULL && again.to != NULL);
    require(wr_packed_write_json(&out, &fields, write, &json) == 0 && out.len == count.len);
    wr_packed_init(&packed, read);
    require(wr_packed_walk(&packed, bytes, out.len, &used, &again) == 1 && used == out.len);
    require(again.len <= again.cap);
    wr_json_fini(&json);
    free(bytes);
    return again;
}

/* A number that has no integer in the format becomes a real once, and then stays as it is. */
static void comes_back(wr_packed_write *write, wr_packed_read *read, const char *text, size_t len)
{
    struct wr_out first = there_and_back(write, read, text, len);
    struct wr_out second = there_and_back(write, read, first.to, first.len);
    require(first.len == second.len && memcmp(first.to, second.to, first.len) == 0);
    free(first.to);
    free(second.to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct wr_packed packed;
    struct wr_json json;
    int whole, cut;
    size_t used;
    if (len < 2) {
        return 0;
    }
    wr_packed_read *read = data[0] & 1 ? wr_msgpack_read : wr_cbor_read;
    const char *bytes = (const char *)data + 1;
    size_t end = end_of(read, bytes, len - 1, len, &whole);
    require(end_of(read, bytes, len - 1, (size_t)(data[0] >> 4) + 1, &cut) == end && cut == whole);
    if (whole != 1) {
        return 0;
    }
    wr_packed_init(&packed, read);
    struct wr_out count = {NULL, 0, 0};
    require(wr_packed_walk(&packed, bytes, end, &used, &count) == 1 && used == end);
    char *text = malloc(count.len);
    struct wr_out out = {text, count.len, 0};
    require(text != NULL && wr_packed_walk(&packed, bytes, end, &used, &out) == 1);
    require(out.len == count.len);
    wr_json_init(&json);
    require(wr_json_index(&json, text, out.len) == 0);
    comes_back(data[0] & 2 ? wr_msgpack_write : wr_cbor_write,
               data[0] & 2 ? wr_msgpack_read : wr_cbor_read, text, out.len);
    wr_json_fini(&json);
    free(text);
    return 0;
}
