/*
 * fuzz_packed.c - MessagePack and CBOR. Invariants: the cut of the input changes neither where a value
 * ends nor the verdict; what is written as JSON is valid JSON, as long as it was counted.
 *
 * The first byte picks the format and the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_json.h"
#include "codec_packed.h"

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
    wr_json_fini(&json);
    free(text);
    return 0;
}
