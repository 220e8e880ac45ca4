/*
 * codec_date.c - HTTP dates, written in one form and read in three, and instants (RFC 3339).
 *
 * The names of days and months are fixed by HTTP and do not depend on a locale, so strftime and
 * strptime cannot be used. The calendar is computed here, since timegm is not in POSIX 2008. Each
 * field of a date is checked, except that the day of the week may be wrong, as in other programs.
 */
#include "codec_date.h"

#include <stdio.h>

#include "base_error.h"

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum { DAY_S = 86400, YEAR_MAX = 9999, DATE_BYTES = 10 };
enum { SHORT = 3, LONG = 9 }; /* names of days */

struct date {
    int64_t year, month, day, hour, minute, second; /* month: 0 to 11 */
};

/* Days from 1970-01-01 to the first of March of a year from -1 on. A year that begins in March ends
 * with its leap day. */
static int64_t days_to_march(int64_t year)
{
    int64_t y = year + 400; /* the calendar repeats, and division rounds towards zero */
    return 365 * (year - 1970) + (y / 4 - 592) - (y / 100 - 23) + (y / 400 - 5) + 59;
}

/* Days from the first of March to the first of a month counted from March: 0, 31, 61, 92, ... */
static int64_t days_to_month(int64_t from_march)
{
    return (153 * from_march + 2) / 5;
}

static int64_t day_number(const struct date *date)
{
    int64_t year = date->month >= 2 ? date->year : date->year - 1;
    return days_to_march(year) + days_to_month((date->month + 10) % 12) + date->day - 1;
}

static void from_day_number(int64_t number, struct date *date)
{
    int64_t year = 1970 + number / 366 + (number >= 0 ? 2 : -1);
    while (days_to_march(year) > number) {
        year--;
    }
    while (days_to_march(year + 1) <= number) {
        year++;
    }
    int64_t rest = number - days_to_march(year);
    int64_t from_march = (5 * rest + 2) / 153;
    date->day = rest - days_to_month(from_march) + 1;
    date->month = (from_march + 2) % 12;
    date->year = from_march >= 10 ? year + 1 : year;
}

void wr_http_date_write(int64_t unix_s, char to[WR_HTTP_DATE_TEXT])
{
    static const int64_t most = INT64_C(253402300799), least = INT64_C(-62167219200);
    struct date date;
    int64_t time = unix_s > most ? most : unix_s < least ? least : unix_s;
    int64_t second = (time % DAY_S + DAY_S) % DAY_S;
    int64_t day = (time - second) / DAY_S;
    from_day_number(day, &date);
    snprintf(to, WR_HTTP_DATE_TEXT, "%.3s, %02u %s %04u %02u:%02u:%02u GMT",
             days[(day % 7 + 7 + 4) % 7], (unsigned)date.day % 100, months[date.month],
             (unsigned)date.year % 10000, (unsigned)(second / 3600) % 100,
             (unsigned)(second / 60 % 60), (unsigned)(second % 60));
}

/* ---- reading: each step removes its part from the front of the text, or fails */

static bool take_number(struct wr_text *text, size_t digits, int64_t *number)
{
    struct wr_text part = {text->data, WR_MIN(digits, text->len)};
    if (!wr_text_take_number(&part, number) || part.len > 0 || text->len < digits) {
        return false;
    }
    text->data += digits;
    text->len -= digits;
    return true;
}

static bool take_month(struct wr_text *text, int64_t *month)
{
    for (*month = 0; *month < 12; ++*month) {
        if (wr_text_take(text, months[*month])) {
            return true;
        }
    }
    return false;
}

static bool take_day_name(struct wr_text *text, size_t letters)
{
    for (size_t i = 0; i < 7; i++) {
        char name[10] = "";
        memcpy(name, days[i], WR_MIN(letters, strlen(days[i])));
        if (wr_text_take(text, name)) {
            return true;
        }
    }
    return false;
}

static bool take_time(struct wr_text *text, struct date *date)
{
    return take_number(text, 2, &date->hour) && wr_text_take(text, ":") &&
           take_number(text, 2, &date->minute) && wr_text_take(text, ":") &&
           take_number(text, 2, &date->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixed(struct wr_text text, struct date *date)
{
    return take_day_name(&text, SHORT) && wr_text_take(&text, ", ") &&
           take_number(&text, 2, &date->day) && wr_text_take(&text, " ") &&
           take_month(&text, &date->month) && wr_text_take(&text, " ") &&
           take_number(&text, 4, &date->year) && wr_text_take(&text, " ") &&
           take_time(&text, date) && wr_text_is(text, " GMT");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT", of RFC 850 */
static bool read_two_digits(struct wr_text text, int64_t now_s, struct date *date)
{
    struct date now;
    if (!take_day_name(&text, LONG) || !wr_text_take(&text, ", ") ||
        !take_number(&text, 2, &date->day) || !wr_text_take(&text, "-") ||
        !take_month(&text, &date->month) || !wr_text_take(&text, "-") ||
        !take_number(&text, 2, &date->year) || !wr_text_take(&text, " ") ||
        !take_time(&text, date) || !wr_text_is(text, " GMT")) {
        return false;
    }
    from_day_number(now_s / DAY_S, &now);
    date->year += now.year / 100 * 100;
    if (date->year > now.year + 50) {
        date->year -= 100;
    } else if (date->year <= now.year - 50) {
        date->year += 100;
    }
    return true;
}

/* "Sun Nov  6 08:49:37 1994", of asctime */
static bool read_asctime(struct wr_text text, struct date *date)
{
    return take_day_name(&text, SHORT) && wr_text_take(&text, " ") &&
           take_month(&text, &date->month) && wr_text_take(&text, " ") &&
           (wr_text_take(&text, " ") ? take_number(&text, 1, &date->day)
                                     : take_number(&text, 2, &date->day)) &&
           wr_text_take(&text, " ") && take_time(&text, date) && wr_text_take(&text, " ") &&
           take_number(&text, 4, &date->year) && text.len == 0;
}

static bool is_date(const struct date *date)
{
    struct date next = {.year = date->month == 11 ? date->year + 1 : date->year,
                        .month = (date->month + 1) % 12,
                        .day = 1};
    struct date first = {.year = date->year, .month = date->month, .day = 1};
    return date->year <= YEAR_MAX && date->day >= 1 &&
           date->day <= day_number(&next) - day_number(&first) && date->hour < 24 &&
           date->minute < 60 && date->second <= 60;
}

bool wr_http_date_parse(struct wr_text text, int64_t now_s, int64_t *unix_s)
{
    struct date date = {0};
    text = text.data != NULL ? wr_text_trim(text) : wr_text_of("");
    if ((!read_fixed(text, &date) && !read_two_digits(text, now_s, &date) &&
         !read_asctime(text, &date)) ||
        !is_date(&date)) {
        return false;
    }
    *unix_s = ((day_number(&date) * 24 + date.hour) * 60 + date.minute) * 60 + date.second;
    return true;
}

/* Up to nine digits after a point, as nanoseconds. */
static bool take_fraction(struct wr_text *text, int64_t *ns)
{
    int64_t scale = 1000000000;
    *ns = 0;
    if (!wr_text_take(text, ".")) {
        return true;
    }
    size_t digits = 0;
    for (; digits < text->len && wr_is_digit(text->data[digits]); digits++) {
        scale /= 10;
        *ns += (text->data[digits] - '0') * scale;
    }
    text->data += digits;
    text->len -= digits;
    return digits >= 1 && digits <= 9;
}

/* "Z", "+02:00" or nothing, in seconds. */
static bool take_zone(struct wr_text *text, int64_t *seconds)
{
    int64_t hours = 0, minutes = 0;
    bool west = text->len > 0 && text->data[0] == '-';
    *seconds = 0;
    if (wr_text_take(text, "Z") || text->len == 0) {
        return true;
    }
    if ((!wr_text_take(text, "+") && !wr_text_take(text, "-")) || !take_number(text, 2, &hours) ||
        !wr_text_take(text, ":") || !take_number(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *seconds = (west ? -1 : 1) * (hours * 60 + minutes) * 60;
    return true;
}

/* "2024-05-01" and the time after it, if there is one. */
static bool take_calendar(struct wr_text *text, int64_t *unix_s, int64_t *ns)
{
    struct date date = {0};
    int64_t zone_s = 0;
    if (!take_number(text, 4, &date.year) || !wr_text_take(text, "-") ||
        !take_number(text, 2, &date.month) || !wr_text_take(text, "-") ||
        !take_number(text, 2, &date.day)) {
        return false;
    }
    date.month--;
    if (text->len > 0 &&
        ((!wr_text_take(text, "T") && !wr_text_take(text, " ")) || !take_time(text, &date) ||
         !take_fraction(text, ns) || !take_zone(text, &zone_s))) {
        return false;
    }
    if (date.month < 0 || date.month > 11 || !is_date(&date)) {
        return false;
    }
    *unix_s = ((day_number(&date) * 24 + date.hour) * 60 + date.minute) * 60 + date.second - zone_s;
    return true;
}

bool wr_date_time_is(struct wr_text text)
{
    int64_t unix_s, ns;
    return text.len > DATE_BYTES && take_calendar(&text, &unix_s, &ns) && text.len == 0;
}

bool wr_instant_parse(struct wr_text text, int64_t *unix_ns)
{
    int64_t ns = 0, unix_s = 0;
    bool read = wr_text_take(&text, "@")
                    ? wr_text_take_number(&text, &unix_s) && take_fraction(&text, &ns)
                    : take_calendar(&text, &unix_s, &ns);
    return read && text.len == 0 && !__builtin_mul_overflow(unix_s, 1000000000, unix_ns) &&
           !__builtin_add_overflow(*unix_ns, ns, unix_ns);
}
