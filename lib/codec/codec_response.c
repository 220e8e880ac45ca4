/*
 * codec_response.c - header values that an HTTP client acts on.
 *
 * Whoever reads a value here decides something by it: where a stream goes on, how long to wait. So
 * each reader takes the whole value or nothing: a number that does not fit, a byte left over, or
 * parts that contradict each other make it unreadable, and the caller falls back to what it does
 * without the header.
 */
#include <weir/error.h>

#include "codec_response.h"

bool wr_header_split(struct wr_text line, struct wr_text *name, struct wr_text *value)
{
    size_t colon = 0;
    while (colon < line.len && wr_is_token_char(line.data[colon])) {
        colon++;
    }
    if (colon == 0 || colon == line.len || line.data[colon] != ':') {
        return false;
    }
    struct wr_text rest = {line.data + colon + 1, line.len - colon - 1};
    if (rest.len > 0 && rest.data[rest.len - 1] == '\n') {
        rest.len--;
    }
    if (rest.len > 0 && rest.data[rest.len - 1] == '\r') {
        rest.len--;
    }
    *name = (struct wr_text){line.data, colon};
    *value = wr_text_trim(rest);
    return true;
}

int wr_content_range_parse(struct wr_text value, struct wr_content_range *range)
{
    struct wr_text rest = wr_text_trim(value);
    struct wr_content_range got = {-1, -1, -1};
    if (!wr_text_take(&rest, "bytes ")) {
        return WEIR_EPARSE;
    }
    bool unsatisfied = wr_text_take(&rest, "*");
    if (!unsatisfied && !(wr_text_take_number(&rest, &got.first) && wr_text_take(&rest, "-") &&
                          wr_text_take_number(&rest, &got.last))) {
        return WEIR_EPARSE;
    }
    if (!wr_text_take(&rest, "/")) {
        return WEIR_EPARSE;
    }
    bool known = wr_text_take_number(&rest, &got.length);
    if (!known && (unsatisfied || !wr_text_take(&rest, "*"))) {
        return WEIR_EPARSE;
    }
    if (rest.len > 0 || got.first > got.last || (known && got.last >= got.length)) {
        return WEIR_EPARSE;
    }
    *range = got;
    return 0;
}

/* Days from 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day
 * is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

struct date {
    int64_t year, day, hour, minute, second;
    int month;
};

/* A number of exactly `digits` digits. */
static bool take_digits(struct wr_text *rest, size_t digits, int64_t *number)
{
    size_t before = rest->len;
    return wr_text_take_number(rest, number) && before - rest->len == digits;
}

static bool take_month(struct wr_text *rest, int *month)
{
    for (*month = 1; *month <= 12; ++*month) {
        if (wr_text_take(rest, MONTHS[*month - 1])) {
            return true;
        }
    }
    return false;
}

static bool take_time(struct wr_text *rest, struct date *date)
{
    return take_digits(rest, 2, &date->hour) && wr_text_take(rest, ":") &&
           take_digits(rest, 2, &date->minute) && wr_text_take(rest, ":") &&
           take_digits(rest, 2, &date->second);
}

/* "06 Nov 1994 08:49:37 GMT" and, with dashes and a year of two digits, "06-Nov-94 08:49:37 GMT" */
static bool take_day_first(struct wr_text *rest, struct date *date, const char *separator,
                           size_t year_digits)
{
    return take_digits(rest, 2, &date->day) && wr_text_take(rest, separator) &&
           take_month(rest, &date->month) && wr_text_take(rest, separator) &&
           take_digits(rest, year_digits, &date->year) && wr_text_take(rest, " ") &&
           take_time(rest, date) && wr_text_take(rest, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime(struct wr_text *rest, struct date *date)
{
    return take_month(rest, &date->month) && wr_text_take(rest, " ") &&
           (wr_text_take(rest, " ") ? take_digits(rest, 1, &date->day)
                                    : take_digits(rest, 2, &date->day)) &&
           wr_text_take(rest, " ") && take_time(rest, date) && wr_text_take(rest, " ") &&
           take_digits(rest, 4, &date->year);
}

bool wr_http_date_parse(struct wr_text value, int64_t now_s, int64_t *unix_s)
{
    struct wr_text rest = wr_text_trim(value);
    struct date date = {0};
    bool read = false;
    bool short_year = false;
    for (size_t i = 0; i < 7 && !read; i++) {
        struct wr_text after = rest;
        char name[4] = {DAYS[i][0], DAYS[i][1], DAYS[i][2], '\0'};
        if (wr_text_take(&after, DAYS[i])) {
            short_year = true;
            read = wr_text_take(&after, ", ") && take_day_first(&after, &date, "-", 2);
        } else if (wr_text_take(&after, name)) {
            short_year = false;
            read = wr_text_take(&after, ", ")
                       ? take_day_first(&after, &date, " ", 4)
                       : wr_text_take(&after, " ") && take_asctime(&after, &date);
        }
        read = read && after.len == 0;
    }
    if (!read || date.day < 1 || date.day > 31 || date.hour > 23 || date.minute > 59 ||
        date.second > 60) {
        return false;
    }
    if (short_year) {
        int64_t this_year =
            1970 + now_s / 31556952; /* the mean Gregorian year: a day off is no matter here */
        date.year += this_year - this_year % 100;
        date.year += date.year > this_year + 50 ? -100 : date.year <= this_year - 50 ? 100 : 0;
    }
    *unix_s = days_of(date.year, date.month, (int)date.day) * 86400 + date.hour * 3600 +
              date.minute * 60 + date.second;
    return true;
}

int64_t wr_retry_after_ms(struct wr_text value, int64_t now_s, int64_t max_ms)
{
    struct wr_text rest = wr_text_trim(value);
    size_t digits = 0;
    while (digits < rest.len && wr_is_digit(rest.data[digits])) {
        digits++;
    }
    int64_t delay_s;
    if (digits > 0 && digits == rest.len) {
        if (!wr_text_take_number(&rest, &delay_s)) {
            return max_ms; /* a number too large to hold is larger than any limit */
        }
    } else if (wr_http_date_parse(rest, now_s, &delay_s)) {
        delay_s -= now_s;
    } else {
        return -1;
    }
    if (delay_s <= 0) {
        return 0;
    }
    return delay_s > max_ms / 1000 ? max_ms : delay_s * 1000;
}

bool wr_etag_is_strong(struct wr_text value)
{
    struct wr_text tag = wr_text_trim(value);
    if (tag.len < 2 || tag.data[0] != '"' || tag.data[tag.len - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < tag.len - 1; i++) {
        unsigned char c = (unsigned char)tag.data[i];
        if (c < 0x21 || c == '"' || c == 0x7f) {
            return false;
        }
    }
    return true;
}
