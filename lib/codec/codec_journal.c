/*
 * codec_journal.c - cuts and reads entries of the journal's export format.
 *
 * Cutting walks from field to field; `scanned` is how far it has come in the entry at the start of the
 * window, so no byte is searched twice. A binary value is skipped by its length.
 *
 * An entry that cannot end within the limit is dropped from the field on that exceeds it. The bytes of
 * a dropped entry are used up as they come: `left` is what remains of a binary value with its line
 * end, `in_text` says that the rest of a text value follows, else a field begins. Whether an entry is
 * too long is decided by its bytes alone, before anything else about the field that exceeds the limit,
 * so the result does not depend on how the input was cut.
 */
#include "codec_journal.h"

#include <string.h>

#include "codec_text.h"

enum { LENGTH_BYTES = 8 };

/* raw_len has 32 bits. */
#define LIMIT_MAX ((size_t)UINT32_MAX - 1)

enum found {
    FOUND_MORE, /* bytes are missing */
    FOUND_TEXT, /* NAME= */
    FOUND_DATA, /* NAME, a line end and a length */
    FOUND_BAD   /* a line without = that is too long for a name */
};

static uint64_t length_at(const char *data)
{
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) {
        length = length << 8 | (unsigned char)data[i];
    }
    return length;
}

/* What begins at `data`, which is no line end; *head: the bytes before the value. */
static enum found find(const char *data, size_t len, size_t *head)
{
    size_t most = WR_MIN(len, (size_t)WR_JOURNAL_NAME_MAX + 1), at = 0;
    while (at < most && data[at] != '=' && data[at] != '\n') {
        at++;
    }
    if (at == most) {
        return at > WR_JOURNAL_NAME_MAX ? FOUND_BAD : FOUND_MORE;
    }
    bool text = data[at] == '=';
    *head = at + 1 + (text ? 0 : LENGTH_BYTES);
    return text ? FOUND_TEXT : len >= *head ? FOUND_DATA : FOUND_MORE;
}

static const char NO_NAME[] =
    "this is no entry of a journal: a line has no '=' where its name ends",
                  NO_END[] = "the data of a field is not followed by a line end",
                  TOO_LARGE[] = "the length of a field is impossible",
                  CUT[] = "the input ends inside an entry";

enum step {
    STEP_ON,   /* *at is after the field */
    STEP_MORE, /* bytes are missing */
    STEP_LONG, /* no entry with this field keeps the limit */
    STEP_END,  /* *at is at the line end of the entry */
    STEP_BAD
};

/* Over one field of an entry of at most `limit` bytes. */
static enum step walk(const char *data, size_t len, size_t limit, size_t *at, const char **problem)
{
    size_t from = *at, head = 0;
    if (from == len) {
        return STEP_MORE;
    }
    if (data[from] == '\n') {
        return STEP_END;
    }
    if (from >= limit) {
        return STEP_LONG;
    }
    /* Only bytes within the limit are looked at: those behind it may not have come yet. */
    size_t seen = WR_MIN(len, limit);
    enum found found = find(data + from, seen - from, &head);
    if (found == FOUND_BAD) {
        *problem = NO_NAME;
        return STEP_BAD;
    }
    if (found == FOUND_MORE) {
        return len > limit ? STEP_LONG : STEP_MORE;
    }
    if (found == FOUND_TEXT) {
        const char *lf = memchr(data + from + head, '\n', seen - from - head);
        *at = lf != NULL ? (size_t)(lf - data) + 1 : from;
        return lf != NULL ? STEP_ON : len > limit ? STEP_LONG : STEP_MORE;
    }
    uint64_t length = length_at(data + from + head - LENGTH_BYTES);
    if (length >= limit || from + head + length + 1 > limit) {
        return STEP_LONG;
    }
    size_t end = from + head + (size_t)length;
    if (end >= len) {
        return STEP_MORE;
    }
    *problem = NO_END;
    *at = end + 1;
    return data[end] == '\n' ? STEP_ON : STEP_BAD;
}

struct cursor {
    struct wr_framer *framer;
    const char *data;
    size_t len, at;
    size_t count;
};

static bool fail(struct cursor *c, int code, const char *problem)
{
    if (c->count == 0) { /* else give the entries before it first; the next call comes here */
        c->framer->failed = code;
        c->framer->problem = problem;
    }
    return false;
}

static void drop_bytes(struct cursor *c, size_t bytes)
{
    c->framer->overlong_bytes += bytes;
    c->at += bytes;
}

/* Use up bytes of an entry that is dropped. False: bytes are missing, or failed. */
static bool drop(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    const char *from = c->data + c->at;
    size_t len = c->len - c->at, head = 0;
    if (len == 0) {
        return false;
    }
    if (framer->left > 0) {
        size_t n = (size_t)WR_MIN((uint64_t)len, framer->left);
        if (n == framer->left && from[n - 1] != '\n') {
            return fail(c, WEIR_EPARSE, NO_END);
        }
        framer->left -= n;
        drop_bytes(c, n);
        return true;
    }
    if (framer->in_text) {
        const char *lf = memchr(from, '\n', len);
        framer->in_text = lf == NULL;
        drop_bytes(c, lf != NULL ? (size_t)(lf - from) + 1 : len);
        return true;
    }
    if (from[0] == '\n') {
        framer->dropping = false;
        drop_bytes(c, 1);
        return true;
    }
    enum found found = find(from, len, &head);
    if (found == FOUND_BAD) {
        return fail(c, WEIR_EPARSE, NO_NAME);
    }
    if (found == FOUND_MORE) {
        return false;
    }
    if (found == FOUND_DATA) {
        uint64_t length = length_at(from + head - LENGTH_BYTES);
        if (length > INT64_MAX) {
            return fail(c, WEIR_EPARSE, TOO_LARGE);
        }
        framer->left = length + 1;
    }
    framer->in_text = found == FOUND_TEXT;
    drop_bytes(c, head);
    return true;
}

/* The entry at the cursor is over the limit; `scanned` bytes of it are whole fields. */
static bool begin_overlong(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return false;
    }
    framer->overlong_count++;
    framer->overlong_start = framer->offset + c->at;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = 1;
    if (framer->overlong == WEIR_LONG_FAILS) {
        return fail(c, WEIR_ETOOLONG, NULL);
    }
    framer->dropping = true;
    framer->in_text = false;
    framer->left = 0;
    drop_bytes(c, framer->scanned);
    framer->scanned = 0;
    return true;
}

/* Cut the next entry. False: bytes are missing, or failed. */
static bool cut(struct cursor *c, struct wr_frame *out)
{
    struct wr_framer *framer = c->framer;
    size_t limit = WR_MIN(framer->item_bytes_max, LIMIT_MAX);
    while (framer->scanned == 0 && c->at < c->len && c->data[c->at] == '\n') {
        c->at++;
    }
    const char *data = c->data + c->at;
    size_t len = c->len - c->at, at = framer->scanned;
    const char *problem = NULL;
    enum step step;
    do {
        framer->scanned = at;
        step = walk(data, len, limit, &at, &problem);
    } while (step == STEP_ON);
    if (step == STEP_BAD) {
        return fail(c, WEIR_EPARSE, problem);
    }
    if (step == STEP_LONG) {
        return begin_overlong(c);
    }
    if (step == STEP_MORE) {
        return false;
    }
    *out = (struct wr_frame){.data = data,
                             .len = at,
                             .raw_len = (uint32_t)at + 1,
                             .end = framer->offset + c->at + at + 1};
    c->at += at + 1;
    c->count++;
    framer->scanned = 0;
    return true;
}

static long journal_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                          struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer, .data = data, .len = len};
    bool more = true;
    while (framer->failed == 0 && c.count < max && more) {
        more = framer->dropping ? drop(&c) : cut(&c, out + c.count);
    }
    if (eof && framer->failed == 0 && c.count < max && !more && (c.at < len || framer->dropping)) {
        (void)fail(&c, WEIR_ETRUNCATED, CUT);
    }
    *used = c.at;
    framer->offset += c.at;
    return framer->failed != 0 && c.count == 0 ? framer->failed : (long)c.count;
}

static size_t journal_whole(const struct wr_framer *framer, const char *data, size_t len,
                            bool looked)
{
    struct wr_framer copy = {.item_bytes_max = framer->item_bytes_max,
                             .overlong = framer->overlong};
    struct cursor c = {.framer = &copy, .data = data, .len = len};
    struct wr_frame frame;
    if (looked) {
        copy = *framer;
    }
    while (copy.failed == 0 && (copy.dropping ? drop(&c) : cut(&c, &frame))) {}
    return c.at;
}

const struct wr_framer_ops wr_journal_framer = {
    .item = "entry", .split = journal_split, .whole = journal_whole};

/* ---- the fields of an entry */

static bool is_number(weir_slice name)
{
    static const char *const numbers[] = {"PRIORITY",
                                          "SYSLOG_FACILITY",
                                          "SYSLOG_PID",
                                          "ERRNO",
                                          "CODE_LINE",
                                          "TID",
                                          "OBJECT_PID",
                                          "OBJECT_UID",
                                          "OBJECT_GID",
                                          "COREDUMP_PID",
                                          "COREDUMP_SIGNAL",
                                          "EXIT_STATUS",
                                          "CPU_USAGE_NSEC",
                                          "_PID",
                                          "_UID",
                                          "_GID",
                                          "_AUDIT_SESSION",
                                          "_AUDIT_LOGINUID",
                                          "_SYSTEMD_OWNER_UID",
                                          "_SOURCE_REALTIME_TIMESTAMP",
                                          "_SOURCE_MONOTONIC_TIMESTAMP",
                                          "__REALTIME_TIMESTAMP",
                                          "__MONOTONIC_TIMESTAMP",
                                          "__SEQNUM"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strlen(numbers[i]) == name.len && memcmp(numbers[i], name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

static int add(struct wr_fields *fields, weir_slice name, weir_slice value)
{
    return is_number(name) ? wr_fields_add_number(fields, name, value)
                           : wr_fields_add(fields, name, value);
}

int wr_journal_read(struct wr_fields *fields, weir_slice text)
{
    size_t at = 0;
    int rc = 0;
    while (at < text.len && rc == 0) {
        size_t from = at, head = 0;
        const char *problem = CUT;
        enum step step = walk(text.data, text.len, text.len, &at, &problem);
        if (step != STEP_ON) {
            return wr_fields_bad(fields, from,
                                 step == STEP_END ? "an entry has an empty line in it" : problem);
        }
        bool is_text = find(text.data + from, text.len - from, &head) == FOUND_TEXT;
        size_t name_end = from + head - 1 - (is_text ? 0 : LENGTH_BYTES);
        rc = add(fields, wr_slice_of(text, from, name_end), wr_slice_of(text, from + head, at - 1));
    }
    return rc == 0 && fields->count == 0 ? WR_FIELDS_NONE : rc;
}
