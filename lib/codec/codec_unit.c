/*
 * codec_unit.c - numbers with units as people write them (codec_unit.h).
 *
 * Nothing here decides what a pipeline does: arguments are read by exact rules, and this says what to
 * type when these rules refuse a word. So a value is a double, and it is shown with few digits.
 */
#include "codec_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base_print.h"

struct unit {
    const char *names[8]; /* in small letters */
    const char *text;     /* as the language writes it */
    double value;         /* in seconds, or in bytes */
    enum wr_unit unit;
};

static const struct unit units[] = {
    {{"ms", "msec", "msecs", "millis", "milliseconds"}, "ms", 0.001, WR_UNIT_TIME},
    {{"s", "sec", "secs", "second", "seconds"}, "s", 1, WR_UNIT_TIME},
    {{"m", "min", "mins", "minute", "minutes"}, "m", 60, WR_UNIT_TIME},
    {{"h", "hr", "hrs", "hour", "hours"}, "h", 3600, WR_UNIT_TIME},
    {{"d", "day", "days"}, "d", 86400, WR_UNIT_TIME},
    {{"b", "byte", "bytes"}, "B", 1, WR_UNIT_SIZE},
    {{"k", "ki", "kib", "kibibytes"}, "KiB", 1 << 10, WR_UNIT_SIZE},
    {{"kb", "kilobytes"}, "KB", 1e3, WR_UNIT_SIZE},
    {{"m", "mi", "mib", "meg", "megs", "mebibytes"}, "MiB", 1 << 20, WR_UNIT_SIZE},
    {{"mb", "megabytes"}, "MB", 1e6, WR_UNIT_SIZE},
    {{"g", "gi", "gib", "gig", "gigs", "gibibytes"}, "GiB", 1 << 30, WR_UNIT_SIZE},
    {{"gb", "gigabytes"}, "GB", 1e9, WR_UNIT_SIZE},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The unit of this name; NULL: there is none. */
static const struct unit *find(struct wr_text name, enum wr_unit wanted)
{
    bool big = name.len == 1 && name.data[0] == 'M';
    if (wanted == WR_UNIT_ANY && name.len == 1 && (name.data[0] | 0x20) == 'm') {
        wanted = big ? WR_UNIT_SIZE : WR_UNIT_TIME;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (size_t j = 0; units[i].names[j] != NULL; j++) {
            if (strlen(units[i].names[j]) == name.len &&
                strncasecmp(units[i].names[j], name.data, name.len) == 0 &&
                (wanted == WR_UNIT_ANY || wanted == units[i].unit)) {
                return &units[i];
            }
        }
    }
    return NULL;
}

/* The number at *at, with its text in `digits`. False: there is none, or it is long. */
static bool read_number(struct wr_text text, size_t *at, char digits[16], double *number)
{
    size_t len = 0;
    while (*at + len < text.len && len < 15 &&
           ((text.data[*at + len] >= '0' && text.data[*at + len] <= '9') ||
            (text.data[*at + len] == '.' && len > 0))) {
        len++;
    }
    char *end = digits;
    memcpy(digits, text.data + *at, len);
    digits[len] = '\0';
    *number = strtod(digits, &end);
    *at += len;
    return len > 0 && *end == '\0';
}

bool wr_unit_meant(struct wr_text text, enum wr_unit unit, struct wr_unit_meant *meant)
{
    struct wr_print out;
    double sum = 0;
    size_t at = 0;
    wr_print_to(&out, meant->text, sizeof meant->text);
    do {
        char digits[16];
        double number;
        if (!read_number(text, &at, digits, &number)) {
            return false;
        }
        at += at < text.len && text.data[at] == ' ';
        size_t from = at;
        while (at < text.len && is_letter(text.data[at])) {
            at++;
        }
        const struct unit *found = find((struct wr_text){text.data + from, at - from}, unit);
        if (found == NULL || (sum > 0 && found->unit == WR_UNIT_SIZE)) {
            return false;
        }
        unit = meant->unit = found->unit;
        sum += number * found->value;
        wr_printf(&out, "%s%s", digits, found->text);
    } while (at < text.len);
    snprintf(meant->number, sizeof meant->number, "%.15g", sum);
    return out.len < sizeof meant->text;
}
