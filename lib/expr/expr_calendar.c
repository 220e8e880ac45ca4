/*
 * expr_calendar.c - the calendar (expr_calendar.h). Years begin in March here, so that a leap day is
 * the last day of its year.
 */
#include "expr_calendar.h"

int64_t wr_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t wr_floor_mod(int64_t a, int64_t b)
{
    return a - wr_floor_div(a, b) * b;
}

int64_t wr_days_of(int64_t year, int64_t month, int64_t day)
{
    year += wr_floor_div(month, 12);
    month = wr_floor_mod(month, 12);
    int64_t march = year - (month < 2);
    int64_t since = wr_floor_mod(month + 10, 12); /* months since March */
    return 365 * march + wr_floor_div(march, 4) - wr_floor_div(march, 100) +
           wr_floor_div(march, 400) + (153 * since + 2) / 5 + day - 1 - 719468;
}

void wr_time_set_days(struct wr_broken_time *time, int64_t number)
{
    int64_t day = number + 719468;
    int64_t era = wr_floor_div(day, 146097);
    int64_t rest = day - era * 146097;
    int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int64_t of_year = rest - (365 * year + year / 4 - year / 100);
    int64_t since = (5 * of_year + 2) / 153;
    time->at[WR_TIME_DAY] = of_year - (153 * since + 2) / 5 + 1;
    time->at[WR_TIME_MONTH] = since < 10 ? since + 2 : since - 10;
    time->at[WR_TIME_YEAR] = era * 400 + year + (time->at[WR_TIME_MONTH] < 2);
    time->at[WR_TIME_WEEKDAY] = wr_floor_mod(number + 4, 7);
    time->at[WR_TIME_YEARDAY] = number - wr_days_of(time->at[WR_TIME_YEAR], 0, 1);
}

int64_t wr_time_seconds(const struct wr_broken_time *time)
{
    return wr_days_of(time->at[WR_TIME_YEAR], time->at[WR_TIME_MONTH], time->at[WR_TIME_DAY]) *
               86400 +
           time->at[WR_TIME_HOUR] * 3600 + time->at[WR_TIME_MINUTE] * 60 + time->at[WR_TIME_SECOND];
}

void wr_time_set_seconds(struct wr_broken_time *time, int64_t seconds)
{
    int64_t rest = wr_floor_mod(seconds, 86400);
    wr_time_set_days(time, wr_floor_div(seconds, 86400));
    time->at[WR_TIME_HOUR] = rest / 3600;
    time->at[WR_TIME_MINUTE] = rest / 60 % 60;
    time->at[WR_TIME_SECOND] = rest % 60;
}
