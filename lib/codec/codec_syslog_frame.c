/*
 * codec_syslog_frame.c - syslog messages on a stream: each one is counted, "34 <165>1 ...", or ends
 * with a line end, and a stream may have both (RFC 6587, 3.4).
 *
 * A message that begins with a number, a space and "<" is counted; all others are lines, since a
 * message begins with "<", and a line of a log file with a time, in which a number is followed by
 * something else. A counted message is a record of codec_records.c and a line is one of
 * codec_lines.c: this framer looks at the first bytes of a message and calls one of them. So limits
 * and policies are theirs, and a counted message over the limit is skipped by its length.
 *
 * Between two calls: `left` is not 0 inside a counted message that is dropped; else `dropping` means
 * the same for a line, and `scanned` is not 0 inside a line without its end.
 */
#include "codec_syslog_frame.h"

#include <string.h>

#include "base_error.h"
#include "codec_lines.h"
#include "codec_records.h"

enum form { UNDECIDED, LINE, COUNTED };

/* The form of the message at the window's start, and its bytes in the window. */
static enum form form_of(const struct wr_framer *framer, const char *data, size_t len, bool eof,
                         size_t *bytes)
{
    size_t head = 0;
    uint64_t length = framer->left;
    int known = length > 0 ? 1 : framer->dropping || framer->scanned > 0 ? -1 : 0;
    if (known == 0) {
        known = wr_counted_head(data, len, &head, &length);
    }
    if (known > 0) {
        *bytes = (size_t)WR_MIN(head + length, (uint64_t)len);
        return COUNTED;
    }
    const char *lf = memchr(data + framer->scanned, '\n', len - framer->scanned);
    *bytes = lf != NULL ? (size_t)(lf - data) + 1 : len;
    return known < 0 || eof ? LINE : UNDECIDED;
}

static long syslog_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                         struct wr_frame *out, size_t max, size_t *used)
{
    size_t at = 0, count = 0;
    framer->need = 0;
    while (framer->failed == 0 && count < max && (at < len || (eof && framer->left > 0))) {
        size_t bytes, taken = 0;
        enum form form = form_of(framer, data + at, len - at, eof, &bytes);
        const struct wr_framer_ops *ops = form == LINE ? &wr_lines_framer : &wr_counted_framer;
        if (form == UNDECIDED) {
            break;
        }
        /* Only this one: what follows it may have the other form. */
        long n =
            ops->split(framer, data + at, bytes, eof && bytes == len - at, out + count, 1, &taken);
        at += taken;
        count += n > 0;
        if (n <= 0 && taken == 0) {
            break;
        }
    }
    *used = at;
    return framer->failed != 0 && count == 0 ? framer->failed : (long)count;
}

static size_t syslog_whole(const struct wr_framer *framer, const char *data, size_t len,
                           bool looked)
{
    const struct wr_framer fresh = {.item_bytes_max = framer->item_bytes_max,
                                    .overlong = framer->overlong};
    size_t at = 0;
    while (at < len) {
        bool inside = looked && at == 0;
        const struct wr_framer *here = inside ? framer : &fresh;
        size_t bytes, whole = 0;
        enum form form = form_of(here, data + at, len - at, false, &bytes);
        if (form == COUNTED) {
            whole = wr_counted_framer.whole(here, data + at, bytes, inside);
        } else if (form == LINE) {
            whole = data[at + bytes - 1] == '\n' ? bytes : 0;
        }
        if (whole == 0) {
            break;
        }
        at += whole;
    }
    return at;
}

const struct wr_framer_ops wr_syslog_framer = {
    .item = "message", .split = syslog_split, .whole = syslog_whole, .gives_half = true};
