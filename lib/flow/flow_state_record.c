/*
 * flow_state_record.c - the text of a record: writing it line by line, and reading it back.
 *
 * A text is read only if its checksum is right, so an invalid line after that was written by
 * another version, or by hand. Values are unescaped in place. Nothing here suspends, opens or keeps
 * anything; any thread may call.
 */
#include "flow_state_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"

#define CRC_LINE "crc32c "
enum { CRC_LINE_LEN = 7 + 8 + 1, FIRST_BYTES = 1024 };

/* The reflected polynomial of Castagnoli, four bits per step. */
uint32_t wr_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    static const uint32_t steps[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const unsigned char *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ steps[crc & 15];
        crc = (crc >> 4) ^ steps[crc & 15];
    }
    return ~crc;
}

/* ---- a text that grows */

void wr_growing_free(struct wr_growing *text)
{
    wr_free(text->data);
    *text = (struct wr_growing){.data = NULL};
}

bool wr_growing_room(struct wr_growing *text, size_t more)
{
    if (text->failed || text->cap - text->len >= more) {
        return !text->failed;
    }
    size_t cap = WR_MAX(text->cap * 2, WR_MAX(text->len + more, (size_t)FIRST_BYTES));
    char *data = cap <= WR_STATE_RECORD_MAX ? wr_realloc(text->data, cap) : NULL;
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->cap = cap;
    return true;
}

void wr_growing_bytes(struct wr_growing *text, const char *bytes, size_t len)
{
    if (len > 0 && wr_growing_room(text, len)) {
        memcpy(text->data + text->len, bytes, len);
        text->len += len;
    }
}

static void put(struct wr_growing *to, const char *text)
{
    wr_growing_bytes(to, text, strlen(text));
}

static void put_value(struct wr_growing *to, const char *value)
{
    while (*value != '\0') {
        size_t plain = 0;
        while ((unsigned char)value[plain] >= ' ' && value[plain] != 0x7f && value[plain] != '%') {
            plain++;
        }
        wr_growing_bytes(to, value, plain);
        value += plain;
        if (*value != '\0') {
            char escaped[4];
            snprintf(escaped, sizeof escaped, "%%%02x", (unsigned char)*value++);
            put(to, escaped);
        }
    }
}

static void put_line(struct wr_growing *to, const char *key, const char *value)
{
    put(to, key);
    put(to, " ");
    put_value(to, value);
    put(to, "\n");
}

/* ---- writing */

void wr_record_begin(struct wr_growing *to, const char *name, const char *text)
{
    char format[32];
    to->len = 0;
    to->failed = false;
    snprintf(format, sizeof format, "weir-state %d\n", WR_STATE_FORMAT);
    put(to, format);
    put_line(to, "name", name);
    if (text != NULL) {
        put_line(to, "text", text);
    }
}

void wr_record_sink(struct wr_growing *to, const struct wr_record_sink *sink)
{
    char number[40];
    snprintf(number, sizeof number, "sink %" PRId64, sink->length);
    put_line(to, number, sink->name);
    if (sink->before >= 0) {
        snprintf(number, sizeof number, "before %" PRId64 "\n", sink->before);
        put(to, number);
    }
}

void wr_record_source(struct wr_growing *to, const struct wr_record_source *source)
{
    char number[40];
    put_line(to, "source", source->name);
    snprintf(number, sizeof number, "items %" PRIu64 "\n", source->items);
    put(to, number);
    if (source->finished) {
        put(to, "finished\n");
    }
    put_line(to, "position", source->position);
    if (source->before != NULL) {
        snprintf(number, sizeof number, "before %" PRIu64, source->before_items);
        put_line(to, number, source->before);
    }
}

void wr_record_end(struct wr_growing *to, int64_t saved_ms)
{
    char line[40];
    snprintf(line, sizeof line, "saved %" PRId64 "\n", saved_ms);
    put(to, line);
    snprintf(line, sizeof line, CRC_LINE "%08" PRIx32 "\n",
             to->failed ? 0 : wr_crc32c(0, to->data, to->len));
    put(to, line);
}

void wr_record_write(struct wr_growing *to, const struct wr_record *record)
{
    wr_record_begin(to, record->name, record->text);
    for (size_t i = 0; i < record->sinks_count; i++) {
        wr_record_sink(to, &record->sinks[i]);
    }
    for (size_t i = 0; i < record->sources_count; i++) {
        wr_record_source(to, &record->sources[i]);
    }
    wr_record_end(to, record->saved_ms);
}

/* ---- reading */

/* The lines of a text, one after another; `bad` stays set once it is. */
struct reading {
    char *at, *end;
    bool bad;
};

/* The value after `key` if the next line has that key, terminated and still escaped; else NULL. */
static char *take_line(struct reading *r, const char *key)
{
    size_t len = strlen(key);
    char *line_end = r->bad ? NULL : memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (line_end == NULL || (size_t)(line_end - r->at) < len || memcmp(r->at, key, len) != 0 ||
        (r->at[len] != ' ' && r->at + len != line_end)) {
        return NULL;
    }
    char *value = r->at + len + (r->at + len < line_end);
    *line_end = '\0';
    r->at = line_end + 1;
    return value;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *unescape(struct reading *r, char *value)
{
    char *to = value;
    for (const char *from = value; from != NULL && *from != '\0'; from++) {
        int high = *from == '%' ? hex(from[1]) : -1;
        int low = high >= 0 ? hex(from[2]) : -1;
        r->bad = r->bad || (*from == '%' && (low < 0 || high * 16 + low == 0));
        if (r->bad) {
            break;
        }
        *to++ = (char)(low >= 0 ? high * 16 + low : *from);
        from += low >= 0 ? 2 : 0;
    }
    if (to != NULL) {
        *to = '\0';
    }
    return value;
}

static char *take_value(struct reading *r, const char *key)
{
    return unescape(r, take_line(r, key));
}

/* Reads a number up to a space or the end; *rest: the text after it. rest NULL: there is none. */
static uint64_t read_number(struct reading *r, char *digits, char **rest)
{
    char *end = digits;
    errno = 0;
    uint64_t number = digits != NULL ? strtoull(digits, &end, 10) : 0;
    r->bad = r->bad || digits == NULL || *digits < '0' || *digits > '9' || errno != 0 ||
             (*end != '\0' && *end != ' ') || (rest == NULL && *end != '\0');
    if (rest != NULL && !r->bad) {
        *rest = end + (*end == ' ');
    }
    return number;
}

static int64_t read_length(struct reading *r, char *digits, char **rest)
{
    uint64_t number = read_number(r, digits, rest);
    r->bad = r->bad || number > INT64_MAX;
    return (int64_t)number;
}

static void read_sink(struct wr_record *record, struct reading *r, char *value)
{
    char *name = NULL, *before;
    if (!wr_grow(&record->sinks, sizeof *record->sinks, record->sinks_count, &record->sinks_cap)) {
        r->bad = true;
        return;
    }
    struct wr_record_sink *sink = &record->sinks[record->sinks_count++];
    *sink = (struct wr_record_sink){.length = -1, .before = -1};
    if (strncmp(value, "-1 ", 3) == 0) {
        name = value + 3;
    } else {
        sink->length = read_length(r, value, &name);
    }
    sink->name = r->bad ? NULL : unescape(r, name);
    if ((before = take_line(r, "before")) != NULL) {
        sink->before = read_length(r, before, NULL);
    }
}

static void read_source(struct wr_record *record, struct reading *r, char *name)
{
    char *before;
    if (!wr_grow(&record->sources, sizeof *record->sources, record->sources_count,
                 &record->sources_cap)) {
        r->bad = true;
        return;
    }
    struct wr_record_source *source = &record->sources[record->sources_count++];
    *source = (struct wr_record_source){.name = unescape(r, name)};
    source->items = read_number(r, take_line(r, "items"), NULL);
    source->finished = take_line(r, "finished") != NULL;
    source->position = take_value(r, "position");
    if ((before = take_line(r, "before")) != NULL) {
        char *position = NULL;
        source->before_items = read_number(r, before, &position);
        source->before = r->bad ? NULL : unescape(r, position);
    }
    r->bad = r->bad || source->position == NULL;
}

static const char *read_lines(struct wr_record *record, struct reading *r)
{
    char *format = take_line(r, "weir-state"), *value;
    if (format == NULL) {
        return "it is not a record";
    }
    if (read_number(r, format, NULL) != WR_STATE_FORMAT || r->bad) {
        return "it was written by another version of weir";
    }
    record->name = take_value(r, "name");
    record->text = take_value(r, "text");
    while ((value = take_line(r, "sink")) != NULL) {
        read_sink(record, r, value);
    }
    while ((value = take_line(r, "source")) != NULL) {
        read_source(record, r, value);
    }
    record->saved_ms = read_length(r, take_line(r, "saved"), NULL);
    return r->bad || record->name == NULL || r->at != r->end ? "it is not a record" : NULL;
}

const char *wr_record_read(struct wr_record *record, struct wr_growing *bytes)
{
    char line[CRC_LINE_LEN + 1];
    *record = (struct wr_record){.bytes = bytes->data};
    size_t len = bytes->len;
    *bytes = (struct wr_growing){.data = NULL};
    const char *why = "it is truncated";
    if (len >= CRC_LINE_LEN) {
        len -= CRC_LINE_LEN;
        snprintf(line, sizeof line, CRC_LINE "%08" PRIx32 "\n", wr_crc32c(0, record->bytes, len));
        struct reading r = {.at = record->bytes, .end = record->bytes + len};
        why = memcmp(line, r.end, CRC_LINE_LEN) == 0 ? read_lines(record, &r)
                                                     : "its checksum is wrong";
    }
    if (why != NULL) {
        wr_record_free(record);
    }
    return why;
}

void wr_record_free(struct wr_record *record)
{
    wr_free(record->bytes);
    wr_free(record->sinks);
    wr_free(record->sources);
    *record = (struct wr_record){.bytes = NULL};
}
