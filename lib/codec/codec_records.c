/*
 * codec_records.c - records whose length is known before their data comes: after a 4-byte length
 * (len32), after a varint, after a decimal number (the counted messages of syslog), in their
 * own head (netflow), or of one fixed length (fixed); and raw, the bytes as they come.
 *
 * A record over the limit is skipped by its length, so the next one is found whatever the record
 * contains. The bytes of a record that is dropped or given in pieces (`left`) are used up as they
 * come. Any other record waits in the window until it is whole; `need` is the length that the
 * window must have for this. An input that ends inside a record fails with WEIR_ETRUNCATED, since
 * the rest of the record is unknown.
 */
#include "codec_records.h"

#include "base_error.h"
#include "codec_text.h"

enum {
    LEN32_BYTES = 4,
    VARINT_BYTES_MAX = 10,
    COUNT_DIGITS_MAX = 10,
    NETFLOW_HEAD = 24,
    NETFLOW_RECORD = 48,
    IPFIX_HEAD = 16
};

/* raw_len has 32 bits and includes the length before the record. */
#define LIMIT_MAX ((size_t)UINT32_MAX - VARINT_BYTES_MAX)

/* What stands before a record. */
struct head_of {
    /* Sets how many bytes it has, and the length of the record. 1; 0: they are not complete yet;
     * negative: they are invalid. */
    int (*read)(const char *data, size_t len, size_t *head, uint64_t *length);
    const char *invalid; /* what is said then; NULL: they never are */
};

static int len32_head(const char *data, size_t len, size_t *head, uint64_t *length)
{
    if (len < LEN32_BYTES) {
        return 0;
    }
    const unsigned char *bytes = (const unsigned char *)data;
    *length =
        (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 | bytes[3];
    *head = LEN32_BYTES;
    return 1;
}

static int varint_head(const char *data, size_t len, size_t *head, uint64_t *length)
{
    uint64_t value = 0;
    for (int i = 0; i < VARINT_BYTES_MAX && (size_t)i < len; i++) {
        uint64_t byte = (unsigned char)data[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            return WEIR_EPARSE;
        }
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *length = value;
            *head = (size_t)i + 1;
            return 1;
        }
    }
    return 0;
}

int wr_counted_head(const char *data, size_t len, size_t *head, uint64_t *length)
{
    size_t i = 0;
    *length = 0;
    for (; i < len && i < COUNT_DIGITS_MAX && wr_is_digit(data[i]); i++) {
        *length = *length * 10 + (uint64_t)(data[i] - '0');
    }
    bool counted = i == 0 || data[0] != '0';
    counted = counted && (i == len || (data[i] == ' ' && i > 0));
    counted = counted && (i + 1 >= len || data[i + 1] == '<');
    *head = i + 1;
    return !counted ? WEIR_EPARSE : i + 1 < len;
}

/* A packet of NetFlow v5, or a message of IPFIX: they have their length in them. */
static int netflow_head(const char *data, size_t len, size_t *head, uint64_t *length)
{
    const unsigned char *bytes = (const unsigned char *)data;
    if (len < 4) {
        return len == 0 || (bytes[0] == 0 && (len == 1 || bytes[1] == 5 || bytes[1] == 10))
                   ? 0
                   : WEIR_EPARSE;
    }
    unsigned version = (unsigned)bytes[0] << 8 | bytes[1],
             number = (unsigned)bytes[2] << 8 | bytes[3];
    *head = 0;
    *length = version == 5 ? NETFLOW_HEAD + (uint64_t)number * NETFLOW_RECORD : number;
    return version == 5 || (version == 10 && number >= IPFIX_HEAD) ? 1 : WEIR_EPARSE;
}

static const struct head_of len32 = {len32_head, NULL};
static const struct head_of varint = {
    varint_head, "invalid record length: the varint is longer than 10 bytes or over 64 bits"};
static const struct head_of counted = {
    wr_counted_head,
    "invalid message length: it is a number of up to 10 digits and a space, with < "
    "after it"};
static const struct head_of netflow = {
    netflow_head,
    "no message of IPFIX and no packet of NetFlow v5 begins here; packets of v9 have no "
    "length of their own: put a framer before netflow"};

struct cursor {
    struct wr_framer *framer;
    const char *data;
    size_t len, at;
    struct wr_frame *out;
    size_t count, max;
};

static long fail(struct cursor *c, int code, const char *problem)
{
    if (c->count == 0) { /* else give the records before it first; the next call comes here */
        c->framer->failed = code;
        c->framer->problem = problem;
    }
    return c->framer->failed;
}

static void give(struct cursor *c, size_t head, size_t len, uint32_t flags, uint64_t rest)
{
    c->out[c->count++] = (struct wr_frame){.data = c->data + c->at + head,
                                           .len = len,
                                           .flags = flags,
                                           .raw_len = (uint32_t)(head + len),
                                           .end = c->framer->offset + c->at + head + len + rest};
    c->at += head + len;
}

/* Handle the bytes that have come of a record that is dropped or given in pieces. */
static void go_on(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    size_t n = (size_t)WR_MIN((uint64_t)(c->len - c->at), framer->left);
    framer->left -= n;
    if (framer->dropping) {
        framer->dropping = framer->left > 0;
        framer->overlong_bytes += n;
        c->at += n;
    } else {
        framer->open = framer->left > 0;
        give(c, 0, n, framer->open ? WEIR_ITEM_PART : 0, 0);
    }
}

/* Begin a record of `length` bytes, which is over the limit. False: wait for bytes, or failed. */
static bool begin_overlong(struct cursor *c, size_t head, uint64_t length, size_t limit)
{
    struct wr_framer *framer = c->framer;
    size_t here = (size_t)WR_MIN((uint64_t)(c->len - c->at - head), length);
    size_t kept = framer->overlong == WEIR_LONG_CUT ? limit : 0;
    if (framer->overlong == WEIR_LONG_PARTS) {
        if (here == 0) {
            return false;
        }
        framer->left = length - here;
        framer->open = framer->left > 0;
        give(c, head, here, framer->open ? WEIR_ITEM_PART : 0, 0);
        return true;
    }
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return false;
    }
    if (here < kept) {
        framer->need = head + kept;
        return false;
    }
    framer->overlong_count++;
    framer->overlong_start = framer->offset + c->at;
    framer->overlong_before = framer->overlong_bytes;
    if (framer->overlong == WEIR_LONG_FAILS) {
        fail(c, WEIR_ETOOLONG, NULL);
        return false;
    }
    framer->left = length - kept;
    framer->dropping = true;
    framer->overlong_extra = kept > 0 ? 0 : head;
    if (kept > 0) {
        give(c, head, kept, WEIR_ITEM_TRUNCATED, framer->left);
    } else {
        framer->overlong_bytes += head;
        c->at += head;
    }
    return true;
}

/* Give the next record. False: it is not whole yet, or failed. */
static bool next(struct cursor *c, const struct head_of *before)
{
    struct wr_framer *framer = c->framer;
    size_t limit = WR_MIN(framer->item_bytes_max, LIMIT_MAX);
    uint64_t length = 0;
    size_t head = 0;
    int known = before->read(c->data + c->at, c->len - c->at, &head, &length);
    if (known < 0) {
        fail(c, WEIR_EPARSE, before->invalid);
    }
    if (known <= 0) {
        return false;
    }
    if (length > limit) {
        return begin_overlong(c, head, length, limit);
    }
    if (c->len - c->at - head < length) {
        framer->need = head + (size_t)length;
        return false;
    }
    give(c, head, (size_t)length, 0, 0);
    return true;
}

static long split(struct wr_framer *framer, const struct head_of *before, const char *data,
                  size_t len, bool eof, struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer, .data = data, .len = len, .out = out, .max = max};
    framer->need = 0;
    while (framer->failed == 0 && c.count < max) {
        if (framer->left > 0 && c.at < len) {
            go_on(&c);
        } else if (framer->left > 0 || c.at == len || !next(&c, before)) {
            break;
        }
    }
    if (eof && framer->failed == 0 && c.count < max && (c.at < len || framer->left > 0)) {
        fail(&c, WEIR_ETRUNCATED, "the input ends inside a record");
    }
    *used = c.at;
    framer->offset += c.at;
    return framer->failed != 0 ? framer->failed : (long)c.count;
}

static size_t whole(const struct wr_framer *framer, const struct head_of *before, const char *data,
                    size_t len, bool looked)
{
    size_t at = looked && framer->left > 0 ? (size_t)WR_MIN(framer->left, (uint64_t)len) : 0;
    bool uses_up = framer->overlong == WEIR_LONG_SKIP || framer->overlong == WEIR_LONG_PARTS;
    while (at < len) {
        uint64_t length;
        size_t head;
        if (before->read(data + at, len - at, &head, &length) <= 0) {
            break;
        }
        if (len - at - head < length) {
            return length > framer->item_bytes_max && uses_up && len - at > head ? len : at;
        }
        at += head + (size_t)length;
    }
    return at;
}

static long len32_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, &len32, data, len, eof, out, max, used);
}

static size_t len32_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    return whole(framer, &len32, data, len, looked);
}

static long varint_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                         struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, &varint, data, len, eof, out, max, used);
}

static size_t varint_whole(const struct wr_framer *framer, const char *data, size_t len,
                           bool looked)
{
    return whole(framer, &varint, data, len, looked);
}

static long counted_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                          struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, &counted, data, len, eof, out, max, used);
}

static size_t counted_whole(const struct wr_framer *framer, const char *data, size_t len,
                            bool looked)
{
    return whole(framer, &counted, data, len, looked);
}

static long netflow_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                          struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, &netflow, data, len, eof, out, max, used);
}

static size_t netflow_whole(const struct wr_framer *framer, const char *data, size_t len,
                            bool looked)
{
    return whole(framer, &netflow, data, len, looked);
}

static long fixed_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer, .data = data, .len = len, .out = out, .max = max};
    while (c.count < max && len - c.at >= framer->record_bytes) {
        give(&c, 0, framer->record_bytes, 0, 0);
    }
    framer->need = framer->record_bytes;
    if (eof && c.count < max && c.at < len) {
        fail(&c, WEIR_ETRUNCATED, "the input ends inside a record");
    }
    *used = c.at;
    framer->offset += c.at;
    return framer->failed != 0 ? framer->failed : (long)c.count;
}

static size_t fixed_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    (void)data;
    (void)looked;
    return len - len % framer->record_bytes;
}

static long raw_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                      struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer, .data = data, .len = len, .out = out, .max = max};
    (void)eof;
    if (len > 0) {
        give(&c, 0, len, WEIR_ITEM_BYTES, 0);
    }
    *used = len;
    framer->offset += len;
    return (long)c.count;
}

static size_t raw_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    (void)framer;
    (void)data;
    (void)looked;
    return len;
}

const struct wr_framer_ops wr_len32_framer = {
    .item = "record", .split = len32_split, .whole = len32_whole};
const struct wr_framer_ops wr_varint_framer = {
    .item = "record", .split = varint_split, .whole = varint_whole};
const struct wr_framer_ops wr_counted_framer = {
    .item = "message", .split = counted_split, .whole = counted_whole};
const struct wr_framer_ops wr_netflow_framer = {
    .item = "packet", .split = netflow_split, .whole = netflow_whole};
const struct wr_framer_ops wr_fixed_framer = {
    .item = "record", .split = fixed_split, .whole = fixed_whole};
const struct wr_framer_ops wr_raw_framer = {
    .item = "piece", .split = raw_split, .whole = raw_whole};
