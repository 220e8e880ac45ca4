/*
 * expr_calendar.h - days, and times that are broken down, in UTC and the Gregorian calendar.
 */
#ifndef WR_EXPR_CALENDAR_H
#define WR_EXPR_CALENDAR_H

#include <stdint.h>

/* Fields of a broken-down time. */
enum {
    WR_TIME_YEAR,
    WR_TIME_MONTH,
    WR_TIME_DAY,
    WR_TIME_HOUR,
    WR_TIME_MINUTE,
    WR_TIME_SECOND,
    WR_TIME_WEEKDAY,
    WR_TIME_YEARDAY,
    WR_TIME_FIELDS
};

struct wr_broken_time {
    int64_t at[WR_TIME_FIELDS]; /* the year as it is; seconds without a fraction */
    double fraction;
};

/* Rounded down, and what is left: 0 or above, if b is. */
int64_t wr_floor_div(int64_t a, int64_t b);
int64_t wr_floor_mod(int64_t a, int64_t b);
/* Days from 1970 to a day; the month, from 0, may be out of its range. */
int64_t wr_days_of(int64_t year, int64_t month, int64_t day);
/* Set the date, with the day of the week and of the year, to that many days from 1970. */
void wr_time_set_days(struct wr_broken_time *time, int64_t number);
/* Seconds from 1970; all fields to that many. */
int64_t wr_time_seconds(const struct wr_broken_time *time);
void wr_time_set_seconds(struct wr_broken_time *time, int64_t seconds);

#endif
