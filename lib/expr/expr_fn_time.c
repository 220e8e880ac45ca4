/*
 * expr_fn_time.c - functions on times. All of them are UTC, and the names of days and months are
 * English, whatever the locale and the time zone of the process are. What time it is comes from the
 * owner of the run.
 *
 * A time is a number, seconds since 1970 that may have a fraction, or broken down: [year, month from
 * 0, day, hours, minutes, seconds, day of the week from Sunday 0, day of the year from 0]. Seconds
 * keep their fraction when a time is broken down, and lose it in texts and in mktime.
 *
 * Beside jq, which ignores it, a zone that strptime reads with %z is subtracted.
 */
#include "expr_calendar.h"
#include "expr_machine.h"

#include <math.h>

#include "base_error.h"
#include "base_print.h"
#include "codec_text.h"

#define YEAR_MAX 2147483647

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* ---- values */

static bool break_down(wr_machine *run, struct wr_value number, struct wr_broken_time *time)
{
    double seconds = floor(wr_number_real(number));
    *time = (struct wr_broken_time){.fraction = 0};
    if (!(fabs(seconds) < (double)YEAR_MAX * 31556952)) {
        return wr_machine_fail(run, "error converting number of seconds since epoch to datetime");
    }
    wr_time_set_seconds(time, (int64_t)seconds);
    time->fraction = wr_number_real(number) - seconds;
    return true;
}

static bool give_broken(wr_machine *run, const struct wr_broken_time *time, struct wr_value *out)
{
    struct wr_value *fields =
        wr_arena_alloc(wr_machine_arena(run), WR_TIME_FIELDS * sizeof *fields);
    if (fields == NULL) {
        return wr_machine_no_memory(run);
    }
    for (int i = 0; i < WR_TIME_FIELDS; i++) {
        fields[i] = wr_value_integer(time->at[i]);
    }
    if (time->fraction != 0) {
        fields[WR_TIME_SECOND] =
            wr_number_of_real((double)time->at[WR_TIME_SECOND] + time->fraction);
    }
    *out = wr_value_array(fields, WR_TIME_FIELDS);
    return true;
}

/* A broken-down time; it may have the first six fields only. */
static bool take_broken(wr_machine *run, struct wr_value value, const char *function,
                        struct wr_broken_time *time)
{
    const struct wr_value *fields;
    uint32_t count;
    *time = (struct wr_broken_time){.fraction = 0};
    if (!wr_value_elements(wr_machine_arena(run), value, &fields, &count)) {
        return wr_machine_no_memory(run);
    }
    bool ok = count >= 6;
    for (uint32_t i = 0; ok && i < WR_MIN(count, (uint32_t)WR_TIME_FIELDS); i++) {
        double number = fields[i].kind == WR_JSON_NUMBER ? wr_number_real(fields[i]) : NAN;
        ok = fabs(number) <= YEAR_MAX;
        time->at[i] = ok ? (int64_t)floor(number) : 0;
    }
    if (!ok) {
        return wr_machine_fail(run, "%s requires parsed datetime inputs", function);
    }
    if (count < WR_TIME_FIELDS) {
        wr_time_set_days(time, wr_days_of(time->at[WR_TIME_YEAR], time->at[WR_TIME_MONTH],
                                          time->at[WR_TIME_DAY]));
    }
    return true;
}

/* ---- strftime */

static int64_t hour12(int64_t hour)
{
    return wr_floor_mod(hour + 11, 12) + 1;
}

/* The year and week of ISO 8601: weeks begin on Monday, the first one has the first Thursday. */
static int64_t iso_week(const struct wr_broken_time *time, int64_t *year)
{
    int64_t number = wr_days_of(time->at[WR_TIME_YEAR], 0, 1) + time->at[WR_TIME_YEARDAY];
    struct wr_broken_time thursday;
    wr_time_set_days(&thursday, number - wr_floor_mod(time->at[WR_TIME_WEEKDAY] + 6, 7) + 3);
    *year = thursday.at[WR_TIME_YEAR];
    return thursday.at[WR_TIME_YEARDAY] / 7 + 1;
}

/* Letters that stand for other formats. */
static const char *expanded(char letter)
{
    switch (letter) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'x':
    case 'D': return "%m/%d/%y";
    case 'X':
    case 'T': return "%H:%M:%S";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    default: return NULL;
    }
}

/* The name that a letter stands for; NULL: it does not. */
static const char *name_of(const struct wr_broken_time *time, char letter, int *len)
{
    *len = letter == 'A' || letter == 'B' ? 9 : 3;
    switch (letter) {
    case 'a':
    case 'A': return days[wr_floor_mod(time->at[WR_TIME_WEEKDAY], 7)];
    case 'b':
    case 'h':
    case 'B': return months[wr_floor_mod(time->at[WR_TIME_MONTH], 12)];
    case 'p': return time->at[WR_TIME_HOUR] < 12 ? "AM" : "PM";
    case 'P': return time->at[WR_TIME_HOUR] < 12 ? "am" : "pm";
    case 'n': return "\n";
    case 't': return "\t";
    case '%': return "%";
    case 'Z': return "UTC";
    case 'z': *len = 5; return "+0000";
    default: return NULL;
    }
}

/* The number that a letter stands for, its width and what fills it. false: it does not. */
static bool number_of(const struct wr_broken_time *time, char letter, int64_t *number, int *width,
                      char *fill)
{
    const int64_t *at = time->at;
    int64_t iso_year = 0;
    *width = 2;
    *fill = '0';
    switch (letter) {
    case 'C': *number = wr_floor_div(at[WR_TIME_YEAR], 100); return true;
    case 'd': *number = at[WR_TIME_DAY]; return true;
    case 'e':
        *number = at[WR_TIME_DAY];
        *fill = ' ';
        return true;
    case 'G':
        (void)iso_week(time, number);
        *width = 0;
        return true;
    case 'g':
        (void)iso_week(time, &iso_year);
        *number = wr_floor_mod(iso_year, 100);
        return true;
    case 'H': *number = at[WR_TIME_HOUR]; return true;
    case 'I': *number = hour12(at[WR_TIME_HOUR]); return true;
    case 'j':
        *number = at[WR_TIME_YEARDAY] + 1;
        *width = 3;
        return true;
    case 'k':
        *number = at[WR_TIME_HOUR];
        *fill = ' ';
        return true;
    case 'l':
        *number = hour12(at[WR_TIME_HOUR]);
        *fill = ' ';
        return true;
    case 'm': *number = at[WR_TIME_MONTH] + 1; return true;
    case 'M': *number = at[WR_TIME_MINUTE]; return true;
    case 's':
        *number = wr_time_seconds(time);
        *width = 0;
        return true;
    case 'S': *number = at[WR_TIME_SECOND]; return true;
    case 'u':
        *number = wr_floor_mod(at[WR_TIME_WEEKDAY] + 6, 7) + 1;
        *width = 1;
        return true;
    case 'U': *number = (at[WR_TIME_YEARDAY] + 7 - at[WR_TIME_WEEKDAY]) / 7; return true;
    case 'V': *number = iso_week(time, &iso_year); return true;
    case 'w':
        *number = at[WR_TIME_WEEKDAY];
        *width = 1;
        return true;
    case 'W':
        *number = (at[WR_TIME_YEARDAY] + 7 - wr_floor_mod(at[WR_TIME_WEEKDAY] + 6, 7)) / 7;
        return true;
    case 'y': *number = wr_floor_mod(at[WR_TIME_YEAR], 100); return true;
    case 'Y':
        *number = at[WR_TIME_YEAR];
        *width = 0;
        return true;
    default: return false;
    }
}

static void write_letter(struct wr_text_writer *writer, const struct wr_broken_time *time,
                         char letter, char flag)
{
    char text[32];
    int64_t number;
    int width;
    char fill;
    int len;
    const char *name = name_of(time, letter, &len);
    if (name != NULL) {
        wr_write_bytes(writer, name, WR_MIN(strlen(name), (size_t)len));
    } else if (number_of(time, letter, &number, &width, &fill)) {
        fill = flag == '_' ? ' ' : flag == '0' ? '0' : fill;
        width = flag == '-' ? 0 : width;
        wr_write_bytes(writer, text,
                       wr_print_text(text, sizeof text, fill == ' ' ? "%*lld" : "%0*lld", width,
                                     (long long)number));
    } else {
        const char unknown[] = {'%', letter};
        wr_write_bytes(writer, unknown, 2);
    }
}

static void write_time(struct wr_text_writer *writer, const struct wr_broken_time *time,
                       struct wr_text format)
{
    while (format.len > 0) {
        const char *percent = memchr(format.data, '%', format.len);
        size_t plain = percent != NULL ? (size_t)(percent - format.data) : format.len;
        wr_write_bytes(writer, format.data, plain);
        format.data += plain;
        format.len -= plain;
        if (format.len == 0) {
            break;
        }
        char flag =
            format.len > 2 && strchr("-_0EO", format.data[1]) != NULL && format.data[1] != '\0'
                ? format.data[1]
                : '\0';
        size_t taken = flag != '\0' ? 3 : WR_MIN(format.len, (size_t)2);
        char letter = taken > 1 ? format.data[taken - 1] : '%';
        const char *others = expanded(letter);
        if (others != NULL) { /* which have no such letters */
            write_time(writer, time, wr_text_of(others));
        } else {
            write_letter(writer, time, letter, flag);
        }
        format.data += taken;
        format.len -= taken;
    }
}

static bool call_strftime(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_broken_time time;
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    if (in[0].kind != WR_JSON_NUMBER && in[0].kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "strftime/1 requires parsed datetime inputs");
    }
    if (in[1].kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "strftime/1 requires a string format");
    }
    if (!(in[0].kind == WR_JSON_NUMBER ? break_down(run, in[0], &time)
                                       : take_broken(run, in[0], "strftime/1", &time))) {
        return false;
    }
    write_time(&writer, &time, wr_value_text(in[1]));
    return wr_text_writer_string(&writer, out) || wr_machine_no_memory(run);
}

/* ---- strptime */

/* A time being read. */
struct reading {
    struct wr_broken_time time;
    struct wr_text text;
    int64_t century; /* -1: none */
    int64_t zone;    /* seconds to subtract */
    bool afternoon, half_days, has_year_day, has_day, has_seconds;
    int64_t seconds;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct wr_text *text)
{
    while (text->len > 0 && is_blank(text->data[0])) {
        text->data++;
        text->len--;
    }
}

/* Take a number of at most `digits` digits, blanks before it too, within [low, high]. */
static bool take_number(struct wr_text *text, size_t digits, int64_t low, int64_t high,
                        int64_t *number)
{
    skip_blanks(text);
    struct wr_text first = {text->data, WR_MIN(text->len, digits)};
    size_t len = first.len;
    if (!wr_text_take_number(&first, number)) {
        return false;
    }
    len -= first.len;
    text->data += len;
    text->len -= len;
    return *number >= low && *number <= high;
}

/* Take one of some names, whole or its first three letters. */
static bool take_name(struct wr_text *text, const char *const *names, int64_t count,
                      int64_t *number)
{
    for (int64_t i = 0; i < count; i++) {
        char begin[4] = {names[i][0], names[i][1], names[i][2], '\0'};
        if (wr_text_take(text, names[i]) || wr_text_take(text, begin)) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* Z, or +02:00, +0200, +02. */
static bool take_zone(struct reading *reading)
{
    struct wr_text *text = &reading->text;
    int64_t hours;
    int64_t minutes = 0;
    skip_blanks(text);
    if (wr_text_take(text, "Z")) {
        reading->zone = 0;
        return true;
    }
    if (text->len < 3 || (text->data[0] != '+' && text->data[0] != '-') ||
        !wr_is_digit(text->data[1]) || !wr_is_digit(text->data[2])) {
        return false;
    }
    bool west = text->data[0] == '-';
    text->data++;
    text->len--;
    if (!take_number(text, 2, 0, 24, &hours)) {
        return false;
    }
    (void)wr_text_take(text, ":");
    if (text->len > 0 && wr_is_digit(text->data[0]) && !take_number(text, 2, 0, 59, &minutes)) {
        return false;
    }
    reading->zone = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_word(struct wr_text *text)
{
    size_t len = text->len;
    while (text->len > 0 && (wr_is_alpha(text->data[0]) || text->data[0] == '_')) {
        text->data++;
        text->len--;
    }
    return text->len < len;
}

/* Read what a letter stands for, if it is a number of the day or of the time of day. */
static bool read_clock(struct reading *reading, char letter)
{
    int64_t *at = reading->time.at;
    struct wr_text *text = &reading->text;
    switch (letter) {
    case 'H':
    case 'k': return take_number(text, 2, 0, 23, &at[WR_TIME_HOUR]);
    case 'I':
    case 'l': reading->half_days = true; return take_number(text, 2, 1, 12, &at[WR_TIME_HOUR]);
    case 'M': return take_number(text, 2, 0, 59, &at[WR_TIME_MINUTE]);
    case 'S': return take_number(text, 2, 0, 61, &at[WR_TIME_SECOND]);
    case 'p':
    case 'P':
        reading->afternoon = wr_text_take(text, "PM");
        return reading->afternoon || wr_text_take(text, "AM");
    case 's':
        reading->has_seconds = true;
        return wr_text_take_number(text, &reading->seconds) &&
               reading->seconds < (int64_t)YEAR_MAX * 31556952;
    case 'z': return take_zone(reading);
    case 'Z': return take_word(text);
    default: return false;
    }
}

static bool read_letter(struct reading *reading, char letter)
{
    int64_t *at = reading->time.at;
    struct wr_text *text = &reading->text;
    int64_t number;
    switch (letter) {
    case 'a':
    case 'A': return take_name(text, days, 7, &at[WR_TIME_WEEKDAY]);
    case 'b':
    case 'B':
    case 'h': return take_name(text, months, 12, &at[WR_TIME_MONTH]);
    case 'C': return take_number(text, 2, 0, 99, &reading->century);
    case 'd':
    case 'e': reading->has_day = true; return take_number(text, 2, 1, 31, &at[WR_TIME_DAY]);
    case 'j':
        reading->has_year_day = true;
        if (!take_number(text, 3, 1, 366, &number)) {
            return false;
        }
        at[WR_TIME_YEARDAY] = number - 1;
        return true;
    case 'm':
        reading->has_day = true;
        if (!take_number(text, 2, 1, 12, &number)) {
            return false;
        }
        at[WR_TIME_MONTH] = number - 1;
        return true;
    case 'U':
    case 'V':
    case 'W': return take_number(text, 2, 0, 53, &number);
    case 'u': return take_number(text, 1, 1, 7, &number);
    case 'w': return take_number(text, 1, 0, 6, &number);
    case 'G': return take_number(text, 4, 0, 9999, &number);
    case 'g': return take_number(text, 2, 0, 99, &number);
    case 'y':
        if (!take_number(text, 2, 0, 99, &number)) {
            return false;
        }
        at[WR_TIME_YEAR] = number < 69 ? 2000 + number : 1900 + number;
        return true;
    case 'Y': return take_number(text, 4, 0, 9999, &at[WR_TIME_YEAR]);
    case 'n':
    case 't': skip_blanks(text); return true;
    case '%': return wr_text_take(text, "%");
    default: return read_clock(reading, letter);
    }
}

static bool read_time(struct reading *reading, struct wr_text format)
{
    while (format.len > 0) {
        char c = format.data[0];
        size_t taken = 1;
        if (is_blank(c)) {
            skip_blanks(&reading->text);
        } else if (c == '%' && format.len > 1) {
            taken = (format.data[1] == 'E' || format.data[1] == 'O') && format.len > 2 ? 3 : 2;
            const char *others = expanded(format.data[taken - 1]);
            if (!(others != NULL ? read_time(reading, wr_text_of(others))
                                 : read_letter(reading, format.data[taken - 1]))) {
                return false;
            }
        } else if (reading->text.len == 0 || reading->text.data[0] != c) {
            return false;
        } else {
            reading->text.data++;
            reading->text.len--;
        }
        format.data += taken;
        format.len -= taken;
    }
    return true;
}

/* What the fields that were read make together. */
static void complete(struct reading *reading)
{
    int64_t *at = reading->time.at;
    if (reading->has_seconds) {
        wr_time_set_seconds(&reading->time, reading->seconds);
        return;
    }
    if (reading->half_days) {
        at[WR_TIME_HOUR] = at[WR_TIME_HOUR] % 12 + (reading->afternoon ? 12 : 0);
    }
    if (reading->century >= 0) {
        at[WR_TIME_YEAR] = reading->century * 100 + wr_floor_mod(at[WR_TIME_YEAR], 100);
    }
    if (reading->has_year_day && !reading->has_day) {
        wr_time_set_days(&reading->time, wr_days_of(at[WR_TIME_YEAR], 0, 1) + at[WR_TIME_YEARDAY]);
    }
    if (reading->zone != 0) {
        wr_time_set_seconds(&reading->time, wr_time_seconds(&reading->time) - reading->zone);
    }
    struct wr_broken_time day;
    wr_time_set_days(&day, wr_days_of(at[WR_TIME_YEAR], at[WR_TIME_MONTH], at[WR_TIME_DAY]));
    at[WR_TIME_WEEKDAY] = day.at[WR_TIME_WEEKDAY];
    at[WR_TIME_YEARDAY] = wr_days_of(at[WR_TIME_YEAR], at[WR_TIME_MONTH], at[WR_TIME_DAY]) -
                          wr_days_of(at[WR_TIME_YEAR], 0, 1);
}

static bool call_strptime(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    if (in[0].kind != WR_JSON_STRING || in[1].kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "strptime/1 requires string inputs and arguments");
    }
    struct reading reading = {.text = wr_value_text(in[0]), .century = -1};
    reading.time.at[WR_TIME_YEAR] = 1900;
    reading.time.at[WR_TIME_DAY] = 1;
    if (!read_time(&reading, wr_value_text(in[1])) || reading.text.len > 0) {
        struct wr_text date = wr_string_shown(in[0]), format = wr_string_shown(in[1]);
        return wr_machine_fail(run, "date \"%.*s\" does not match format \"%.*s\"", (int)date.len,
                               date.data, (int)format.len, format.data);
    }
    complete(&reading);
    return give_broken(run, &reading.time, out);
}

/* ---- the others */

static bool call_mktime(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_broken_time time;
    if (in[0].kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "mktime requires array inputs");
    }
    if (!take_broken(run, in[0], "mktime", &time)) {
        return false;
    }
    *out = wr_value_integer(wr_time_seconds(&time));
    return true;
}

static bool call_gmtime(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_broken_time time;
    return in[0].kind == WR_JSON_NUMBER
               ? break_down(run, in[0], &time) && give_broken(run, &time, out)
               : wr_machine_fail(run, "gmtime() requires numeric inputs");
}

/* With microseconds, which a double holds for the next centuries. */
static bool call_now(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)in;
    if (!run->clock) {
        return wr_machine_fail(run, "there is no clock here");
    }
    int64_t unix_us = run->unix_ns / 1000;
    *out = wr_number_of_real((double)unix_us / 1e6);
    return true;
}

const struct wr_function wr_functions_time[] = {
    {"now", .call = call_now, .help = "the time, in seconds since 1970"},
    {"gmtime", .call = call_gmtime, .help = "seconds since 1970 as a broken-down time"},
    {"mktime", .call = call_mktime, .help = "a broken-down time as seconds since 1970"},
    {"strftime", 1, .call = call_strftime, .help = "a time as text in this format"},
    {"strptime", 1, .call = call_strptime, .help = "text in this format as a broken-down time"},
    {"todateiso8601", .text = "strftime(\"%Y-%m-%dT%H:%M:%SZ\")",
     .help = "a time as text in the format of ISO 8601"},
    {"fromdateiso8601", .text = "strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime",
     .help = "seconds since 1970 of such a text"},
    {"todate", .text = "todateiso8601", .help = "a time as text, as in 2015-03-05T23:51:47Z"},
    {"fromdate", .text = "fromdateiso8601", .help = "seconds since 1970 of such a text"},
    {"date", .text = "todateiso8601", .help = "the same as todate"},
    {"dateadd", 2, .params = "un", .text = ". + n", .help = "the time n seconds later"},
    {"datesub", 2, .params = "un", .text = ". - n", .help = "the time n seconds earlier"},
    {.name = NULL},
};
