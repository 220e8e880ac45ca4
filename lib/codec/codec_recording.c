/*
 * codec_recording.c - writes and reads the records of a recording. Pure functions of their bytes;
 * nothing is kept between two calls.
 */
#include "codec_recording.h"

#include <string.h>
#include <zlib.h>

#include <weir/error.h>

enum { CHECKED = 12 };

static void put(char *to, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (char)(unsigned char)(number >> (8 * i));
    }
}

static uint64_t get(const char *from, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number |= (uint64_t)(unsigned char)from[i] << (8 * i);
    }
    return number;
}

static uint32_t check_sum(const char *head, const char *data, size_t len)
{
    uLong sum = crc32(0, (const Bytef *)(uintptr_t)head, CHECKED);
    return (uint32_t)(len > 0 ? crc32(sum, (const Bytef *)(uintptr_t)data, (uInt)len) : sum);
}

void wr_recorded_write(char head[WR_RECORD_HEAD_BYTES], enum wr_record_kind kind, int64_t ns,
                       const void *data, size_t len)
{
    head[0] = (char)kind;
    put(head + 1, len, 3);
    put(head + 4, (uint64_t)ns, 8);
    put(head + CHECKED, check_sum(head, data, len), 4);
}

static bool is_kind(char kind)
{
    return kind != '\0' && strchr("WQCHDEUFTZ", kind) != NULL;
}

int64_t wr_recorded_read(struct wr_text text, struct wr_recorded *record, size_t *need)
{
    *need = WR_RECORD_HEAD_BYTES;
    if (text.len > 0 && !is_kind(text.data[0])) {
        return WEIR_EPARSE;
    }
    if (text.len < WR_RECORD_HEAD_BYTES) {
        return 0;
    }
    size_t len = (size_t)get(text.data + 1, 3);
    uint64_t ns = get(text.data + 4, 8);
    if (len > WR_RECORD_BYTES_MAX || ns > INT64_MAX) {
        return WEIR_EPARSE;
    }
    *need = WR_RECORD_HEAD_BYTES + len;
    if (text.len < *need) {
        return 0;
    }
    const char *data = text.data + WR_RECORD_HEAD_BYTES;
    if (get(text.data + CHECKED, 4) != check_sum(text.data, data, len)) {
        return WEIR_EPARSE;
    }
    *record = (struct wr_recorded){(enum wr_record_kind)text.data[0], (int64_t)ns, data, len};
    return (int64_t)*need;
}

void wr_recorded_failure_write(char to[WR_RECORD_FAILURE_BYTES],
                               const struct wr_recorded_failure *failure)
{
    put(to, (uint32_t)failure->code, 4);
    put(to + 4, (uint32_t)failure->detail, 4);
    to[8] = (char)failure->retry;
}

bool wr_recorded_failure_read(const struct wr_recorded *record, struct wr_recorded_failure *to)
{
    if (record->len < WR_RECORD_FAILURE_BYTES) {
        return false;
    }
    to->code = (int)(int32_t)(uint32_t)get(record->data, 4);
    to->detail = (int)(int32_t)(uint32_t)get(record->data + 4, 4);
    to->retry = record->data[8] != 0;
    to->text = (struct wr_text){record->data + WR_RECORD_FAILURE_BYTES,
                                record->len - WR_RECORD_FAILURE_BYTES};
    return to->code <= 0;
}

struct wr_text wr_recorded_header(const struct wr_recorded *header, const char *name)
{
    size_t len = strlen(name);
    const char *at = header->data, *end = at + header->len;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end != NULL ? line_end : end;
        size_t line = (size_t)(line_end - at);
        if (line > len && memcmp(at, name, len) == 0 && at[len] == ' ') {
            return (struct wr_text){at + len + 1, line - len - 1};
        }
        at = line_end < end ? line_end + 1 : end;
    }
    return (struct wr_text){NULL, 0};
}
