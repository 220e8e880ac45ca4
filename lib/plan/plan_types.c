/*
 * plan_types.c - the types of arguments: the form, the name and the reader of each.
 *
 * All arithmetic is on integers. A fraction is kept as digits over a power of ten, so 1.5KiB is
 * exactly 1536. A value that is not a whole number of bytes or milliseconds is refused, not
 * rounded. Each reader uses all of its bytes or fails. Pure functions; called while reading a text
 * and for the flags of the command.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"
#include "codec_address.h"
#include "codec_date.h"

#define FRACTION_DIGITS_MAX 9u

struct number {
    int64_t whole;
    int64_t fraction; /* of `scale` */
    int64_t scale;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read digits from *at on. */
static int read_digits(const char *text, size_t len, size_t *at, int64_t *value)
{
    size_t from = *at;
    *value = 0;
    for (; *at < len && is_digit(text[*at]); (*at)++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (int64_t)(text[*at] - '0'), value)) {
            return WR_PLAN_TOO_LARGE;
        }
    }
    return *at > from ? 0 : WEIR_EINVAL;
}

/* Read digits, and a fraction if one follows. */
static int read_number(const char *text, size_t len, size_t *at, struct number *number)
{
    int rc = read_digits(text, len, at, &number->whole);
    number->fraction = 0;
    number->scale = 1;
    if (rc != 0 || *at >= len || text[*at] != '.') {
        return rc;
    }
    size_t from = ++*at;
    rc = read_digits(text, len, at, &number->fraction);
    if (rc != 0 || *at - from > FRACTION_DIGITS_MAX) {
        return rc != 0 ? rc : WEIR_EINVAL;
    }
    for (size_t i = from; i < *at; i++) {
        number->scale *= 10;
    }
    return 0;
}

/* *sum += number * unit. WEIR_EINVAL: the product is not an integer. */
static int add_scaled(const struct number *number, int64_t unit, int64_t *sum)
{
    int64_t whole;
    int64_t part;
    if (__builtin_mul_overflow(number->whole, unit, &whole) ||
        __builtin_mul_overflow(number->fraction, unit, &part)) {
        return WR_PLAN_TOO_LARGE;
    }
    if (part % number->scale != 0) {
        return WEIR_EINVAL;
    }
    return __builtin_add_overflow(*sum, whole, sum) ||
                   __builtin_add_overflow(*sum, part / number->scale, sum)
               ? WR_PLAN_TOO_LARGE
               : 0;
}

int wr_plan_count_read(const char *text, size_t len, int64_t *count)
{
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return WEIR_EINVAL;
        }
    }
    return read_digits(text, len, &at, count);
}

int wr_plan_size_read(const char *text, size_t len, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {
        {"B", 1},        {"K", 1 << 10},   {"Ki", 1 << 10},    {"KiB", 1 << 10}, {"KB", 1000},
        {"M", 1 << 20},  {"Mi", 1 << 20},  {"MiB", 1 << 20},   {"MB", 1000000},  {"G", 1 << 30},
        {"Gi", 1 << 30}, {"GiB", 1 << 30}, {"GB", 1000000000},
    };
    struct number number;
    size_t at = 0;
    int rc = read_number(text, len, &at, &number);
    for (size_t i = 0; rc == 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len - at && memcmp(units[i].name, text + at, len - at) == 0) {
            *bytes = 0;
            return add_scaled(&number, units[i].bytes, bytes);
        }
    }
    return rc != 0 ? rc : WEIR_EINVAL;
}

int wr_plan_time_read(const char *text, size_t len, int64_t *ms)
{
    /* Larger units before smaller ones, as in speech; "ms" before "m", so that the longer name is
     * tried first. */
    static const struct {
        const char *name;
        int rank;
        int64_t ms;
    } units[] = {
        {"ms", 0, 1}, {"d", 4, 86400000}, {"h", 3, 3600000}, {"m", 2, 60000}, {"s", 1, 1000},
    };
    int rank = 5;
    size_t at = 0;
    *ms = 0;
    do {
        struct number number;
        int rc = read_number(text, len, &at, &number);
        size_t i = 0;
        if (rc != 0) {
            return rc;
        }
        while (i < sizeof units / sizeof units[0] &&
               (strlen(units[i].name) > len - at ||
                memcmp(units[i].name, text + at, strlen(units[i].name)) != 0)) {
            i++;
        }
        if (i == sizeof units / sizeof units[0] || units[i].rank >= rank) {
            return WEIR_EINVAL;
        }
        rank = units[i].rank;
        at += strlen(units[i].name);
        rc = add_scaled(&number, units[i].ms, ms);
        if (rc != 0) {
            return rc;
        }
    } while (at < len);
    return 0;
}

int wr_plan_rate_read(const char *text, size_t len, weir_rate *rate)
{
    static const struct {
        char name;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    if (len < 3 || text[len - 2] != '/') {
        return WEIR_EINVAL;
    }
    memset(rate, 0, sizeof *rate);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].name == text[len - 1]) {
            rate->per_ms = units[i].ms;
            rate->bytes = !is_digit(text[len - 3]);
            return rate->bytes ? wr_plan_size_read(text, len - 2, &rate->amount)
                               : wr_plan_count_read(text, len - 2, &rate->amount);
        }
    }
    return WEIR_EINVAL;
}

int wr_plan_range_read(const char *text, size_t len, weir_range *range)
{
    size_t at = 0;
    int rc = read_digits(text, len, &at, &range->first);
    if (rc != 0) {
        return rc;
    }
    if (len - at < 2 || text[at] != '.' || text[at + 1] != '.') {
        return WEIR_EINVAL;
    }
    at += 2;
    range->last = WEIR_NONE;
    return at == len ? 0 : wr_plan_count_read(text + at, len - at, &range->last);
}

int wr_plan_instant_read(const char *text, size_t len, int64_t *unix_ns)
{
    return wr_instant_parse((struct wr_text){text, len}, unix_ns) ? 0 : WEIR_EINVAL;
}

bool wr_plan_address_ok(const char *address, bool any_host)
{
    const char *scheme = strstr(address, "://");
    struct wr_text host;
    uint16_t port;
    return wr_address_split(wr_text_of(scheme != NULL ? scheme + 3 : address), &host, &port) &&
           (host.len > 0 || any_host) && (port > 0 || any_host);
}

static const struct type {
    const char *name, *sample;
    size_t size;
} types[] = {
    [WEIR_ARGTYPE_COUNT] = {"count", "1000", sizeof(int64_t)},
    [WEIR_ARGTYPE_SIZE] = {"size", "64KiB", sizeof(int64_t)},
    [WEIR_ARGTYPE_TIME] = {"time", "500ms or 1m30s", sizeof(int64_t)},
    [WEIR_ARGTYPE_RATE] = {"rate", "50/s or 1MiB/s", sizeof(weir_rate)},
    [WEIR_ARGTYPE_RANGE] = {"range", "1..10 or 1..", sizeof(weir_range)},
    [WEIR_ARGTYPE_INSTANT] = {"instant", "2024-05-01T12:00:00Z or @1714564800", sizeof(int64_t)},
    [WEIR_ARGTYPE_CHOICE] = {"word", NULL, sizeof(int32_t)},
    [WEIR_ARGTYPE_FLAG] = {"flag", NULL, sizeof(bool)},
    [WEIR_ARGTYPE_TEXT] = {"text", "\"...\"", sizeof(char *)},
    [WEIR_ARGTYPE_PATH] = {"path", "./FILE", sizeof(char *)},
    [WEIR_ARGTYPE_ADDRESS] = {"address", "HOST:PORT", sizeof(char *)},
    [WEIR_ARGTYPE_URL] = {"URL", "https://HOST/PATH", sizeof(char *)},
    [WEIR_ARGTYPE_FORMAT] = {"text", "\"...\"", sizeof(char *)},
    [WEIR_ARGTYPE_EXPR] = {"expression", ".level >= 4", sizeof(char *)},
    [WEIR_ARGTYPE_FIELDS] = {"list of fields", ".user, .ip", sizeof(weir_texts)},
    [WEIR_ARGTYPE_CHAIN] = {"block", "{ ... }", sizeof(weir_chain *)},
};

const char *wr_plan_type_text(const weir_arg *arg)
{
    return types[arg->type].name;
}

const char *wr_plan_type_sample(const weir_arg *arg)
{
    return types[arg->type].sample;
}

size_t wr_plan_type_size(const weir_arg *arg)
{
    return (arg->flags & WEIR_ARG_REPEATS) != 0 ? sizeof(weir_texts) : types[arg->type].size;
}

int weir_size_read(const char *text, int64_t *bytes)
{
    WR_GIVEN(text);
    WR_GIVEN(bytes);
    return wr_plan_size_read(text, strlen(text), bytes) == 0 ? 0 : WEIR_EINVAL;
}

int weir_instant_read(const char *text, int64_t *unix_ns)
{
    WR_GIVEN(text);
    WR_GIVEN(unix_ns);
    return wr_plan_instant_read(text, strlen(text), unix_ns);
}

int weir_time_read(const char *text, int64_t *ms)
{
    WR_GIVEN(text);
    WR_GIVEN(ms);
    return wr_plan_time_read(text, strlen(text), ms) == 0 ? 0 : WEIR_EINVAL;
}
