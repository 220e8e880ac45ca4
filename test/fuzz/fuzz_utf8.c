/*
 * fuzz_utf8.c - lines that are no UTF-8. Invariants: what replaces them is valid, as long as it was
 * measured, and stays as it is when it is done again; valid lines stay as they are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_utf8.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    size_t want = wr_utf8_repaired_len((const char *)data, len);
    char *to = malloc(want + 1);
    require(text != NULL && to != NULL);
    memcpy(text, data, len);
    size_t valid = wr_utf8_valid_bytes(text, len);
    size_t one_by_one = 0;
    while (one_by_one < len) {
        uint32_t code;
        size_t step = wr_utf8_decode(text + one_by_one, len - one_by_one, &code);
        if (step == 0) {
            break;
        }
        one_by_one += step;
    }
    require(valid == one_by_one);
    require(wr_utf8_repair(text, len, to) == want && wr_utf8_valid_bytes(to, want) == want);
    require(want >= len && (valid < len || (want == len && memcmp(to, text, len) == 0)));
    require(wr_utf8_repaired_len(to, want) == want);
    free(text);
    free(to);
    return 0;
}
