/*
 * fuzz_rows.c - the encoders of rows and pairs. Invariants: what a format can hold is read back with
 * the same names and values; what it cannot hold is rejected with a reason.
 *
 * The first byte picks the format. The rest, cut at each byte 0x7e, is names and values in turn; each
 * one is in a heap block of its own.
 */
#include <stdint.h>

#include "support_rows.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int is_new(const weir_slice *names, size_t count, weir_slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (rows_same(names[i], name)) {
            return 0;
        }
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    weir_slice parts[2][ROW_MAX];
    size_t count = 0, at = 1;
    if (len < 1) {
        return 0;
    }
    for (size_t i = 0; i < 2 * (size_t)ROW_MAX && at <= len; i++) {
        const uint8_t *end = at < len ? memchr(data + at, 0x7e, len - at) : NULL;
        size_t to = end != NULL ? (size_t)(end - data) : len;
        char *copy = malloc(to - at);
        require(copy != NULL);
        memcpy(copy, data + at, to - at);
        parts[i % 2][i / 2] = (weir_slice){copy, to - at};
        count = i + 1;
        at = to + 1;
    }
    const struct wr_row row = {.names = parts[0], .values = parts[1], .count = count / 2};
    int unique = 1;
    for (size_t i = 0; i < row.count; i++) {
        unique = unique && is_new(parts[0], i, parts[0][i]);
    }
    if (unique && row.count > 0) {
        require(rows_there_and_back(&rows_formats[data[0] % ROWS_FORMATS], &row) >= 0);
    }
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)parts[i % 2][i / 2].data);
    }
    return 0;
}
