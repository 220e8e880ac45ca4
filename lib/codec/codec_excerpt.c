/*
 * codec_excerpt.c - excerpts of texts that are not valid.
 *
 * The text around the place is first copied in harmless form, with enough of it before and after
 * what will be shown that a secret which is cut is still recognised. Then the columns that are shown
 * are chosen: what is before the place gets half of them, and what is after it the rest. No byte
 * farther than CONTEXT from the place is read, whatever the length of the text.
 */
#include "codec_excerpt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "codec_secret.h"
#include "codec_utf8.h"

enum {
    REASON_BYTES = 40,  /* of the text in a reason */
    CONTEXT = 256,      /* bytes on each side of the place */
    SHOWN_COLUMNS = 64, /* with two spaces before them and the dots they fit in 80 columns */
    SHOWN_BYTES_MAX = 160
};

#define DOTS "\xe2\x80\xa6"

void wr_fault_reason(const struct wr_fault *fault, char to[WR_FAULT_REASON])
{
    char excerpt[REASON_BYTES + 1];
    weir_slice text = fault->text;
    size_t at = WR_MIN(fault->at, text.len);
    size_t from = at < text.len ? at : text.len - WR_MIN(text.len, (size_t)REASON_BYTES / 2);
    size_t len = fault->binary ? 0 : WR_MIN(text.len - from, (size_t)REASON_BYTES);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[from + i];
        excerpt[i] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    excerpt[len] = '\0';
    snprintf(to, WR_FAULT_REASON, "%s, at byte %zu%s%s%s", fault->problem, at,
             len > 0 && at == text.len ? ", after: "
             : len > 0                 ? ": "
                                       : "",
             excerpt, len > 0 && from + len < text.len ? "..." : "");
}

/* ---- characters */

/* Controls, and what moves or hides the characters next to it: zero width, direction marks. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code < 0xfffe) || code >= 0xe0000;
}

/* The columns that a character takes on a terminal. */
static size_t width_of(uint32_t code)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115f},   {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
                                       {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code >= wide[i][0] && code <= wide[i][1]) {
            return 2;
        }
    }
    return code >= 0x300 && code <= 0x36f ? 0 : 1; /* combining */
}

/* ---- the text around the place, in harmless form */

struct around {
    char text[2 * CONTEXT + 8];
    size_t len;
    size_t place;          /* in `text` */
    size_t replaced;       /* question marks */
    bool cut_from, cut_to; /* the line has more before it, after it */
};

static void copy_around(struct around *around, weir_slice line, size_t at)
{
    size_t from = at - WR_MIN(at, (size_t)CONTEXT);
    size_t to = at + WR_MIN(line.len - at, (size_t)CONTEXT);
    while (from < at && from > 0 && ((unsigned char)line.data[from] & 0xc0) == 0x80 &&
           at - from > CONTEXT - 4) {
        from++;
    }
    *around = (struct around){.cut_from = from > 0, .cut_to = to < line.len};
    for (size_t i = from; i < to;) {
        uint32_t code;
        size_t len = wr_utf8_decode(line.data + i, line.len - i, &code);
        around->place = i <= at ? around->len : around->place;
        if (len == 0 || is_harmful(code)) {
            around->text[around->len++] = line.data[i] == '\t' ? ' ' : '?';
            around->replaced += line.data[i] != '\t';
        } else {
            memcpy(around->text + around->len, line.data + i, len);
            around->len += len;
        }
        i += len == 0 ? 1 : len;
    }
    around->place = at >= to ? around->len : around->place;
    around->text[around->len] = '\0';
    wr_secret_star(around->text);
}

/* ---- what is shown */

struct shown {
    size_t from, to;
    size_t before; /* columns before the place */
};

static size_t columns_at(const struct around *around, size_t at)
{
    uint32_t code = 0;
    (void)wr_utf8_decode(around->text + at, around->len - at, &code);
    return width_of(code);
}

static bool continues(const struct around *around, size_t at)
{
    return at > 0 && at < around->len && ((unsigned char)around->text[at] & 0xc0) == 0x80;
}

static struct shown choose(const struct around *around)
{
    struct shown shown = {around->place, around->place, 0};
    while (shown.from > 0) {
        size_t at = shown.from - 1;
        while (continues(around, at)) {
            at--;
        }
        size_t columns = columns_at(around, at);
        if (shown.before + columns > SHOWN_COLUMNS / 2 ||
            around->place - at > SHOWN_BYTES_MAX / 2) {
            break;
        }
        shown.before += columns;
        shown.from = at;
    }
    size_t columns = shown.before;
    while (shown.to < around->len) {
        size_t next = shown.to + 1;
        while (continues(around, next)) {
            next++;
        }
        columns += columns_at(around, shown.to);
        if (columns > SHOWN_COLUMNS || next - shown.from > SHOWN_BYTES_MAX) {
            break;
        }
        shown.to = next;
    }
    return shown;
}

size_t wr_excerpt(weir_slice text, size_t at, char to[WR_EXCERPT_BYTES])
{
    struct around around;
    at = WR_MIN(at, text.len);
    size_t from = at, end = at;
    while (from > 0 && text.data[from - 1] != '\n' && at - from <= CONTEXT) {
        from--;
    }
    while (end < text.len && text.data[end] != '\n' && end - at <= CONTEXT) {
        end++;
    }
    to[0] = '\0';
    if (from == end) {
        return 0;
    }
    copy_around(&around, (weir_slice){text.data + from, end - from}, at - from);
    if (around.replaced > around.len / 2) {
        return 0;
    }
    struct shown shown = choose(&around);
    bool dots = around.cut_from || shown.from > 0;
    int len = snprintf(to, WR_EXCERPT_BYTES, "\n  %s%.*s%s\n  %*s^", dots ? DOTS : "",
                       (int)(shown.to - shown.from), around.text + shown.from,
                       around.cut_to || shown.to < around.len ? DOTS : "",
                       (int)(shown.before + dots), "");
    return (size_t)len;
}

const char *wr_grouped(uint64_t number, char to[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number);
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            to[at++] = ' ';
        }
        to[at++] = digits[i];
    }
    to[at] = '\0';
    return to;
}
