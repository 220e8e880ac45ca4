/*
 * fuzz_recording.c - the records of a recording. Invariants: a record lies in its input, and is written
 * again as it was read; what needs more bytes says how many; a prefix of it needs more or is damaged.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

#include "codec_recording.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void look_at(const struct wr_recorded *record)
{
    struct wr_recorded_failure failure;
    if (wr_recorded_failure_read(record, &failure)) {
        require(failure.code <= 0 && failure.text.len == record->len - WR_RECORD_FAILURE_BYTES);
    }
    struct wr_text value = wr_recorded_header(record, "source");
    require(value.data == NULL ||
            (value.data >= record->data && value.data + value.len <= record->data + record->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* Most inputs have a wrong check sum: the first record's is put right. */
    char *text = malloc(len + WR_RECORD_HEAD_BYTES);
    require(text != NULL);
    if (len > 1 && data[0] % 2 == 1) {
        wr_recorded_write(text, WR_RECORD_DATA + data[0] % 3, data[1], data + 1, len - 1);
        memcpy(text + WR_RECORD_HEAD_BYTES, data + 1, len - 1);
        len += WR_RECORD_HEAD_BYTES - 1;
    } else if (len > 0) {
        memcpy(text, data, len);
    }
    for (size_t at = 0; at < len;) {
        struct wr_recorded record;
        size_t need = 0;
        int64_t n = wr_recorded_read((struct wr_text){text + at, len - at}, &record, &need);
        require(n != 0 || need > len - at);
        if (n <= 0) {
            require(n == 0 || n == WEIR_EPARSE);
            break;
        }
        require((uint64_t)n <= len - at && record.len == (size_t)n - WR_RECORD_HEAD_BYTES);
        char head[WR_RECORD_HEAD_BYTES];
        wr_recorded_write(head, record.kind, record.ns, record.data, record.len);
        require(memcmp(head, text + at, sizeof head) == 0);
        struct wr_recorded part;
        require(wr_recorded_read((struct wr_text){text + at, (size_t)n - 1}, &part, &need) == 0);
        look_at(&record);
        at += (size_t)n;
    }
    free(text);
    return 0;
}
