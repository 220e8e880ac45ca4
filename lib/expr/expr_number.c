/*
 * expr_number.c - numbers: compared exactly, and computed without rounding as far as 128 bits reach.
 *
 * A number is a 64-bit integer, a double, or its text. Texts are never rounded: 0.1 + 0.2 is 0.3,
 * and an identifier of 20 digits stays what it is. As a decimal, a number is mantissa * 10^power.
 * Doubles come from quotients that do not end and from functions such as sqrt; with one of them
 * involved, and where 128 bits do not hold a mantissa, arithmetic is that of doubles.
 */
#include "expr_value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_error.h"
#include "base_print.h"
#include "expr_tree.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

enum { POWER_MAX = 1000000000, DIGITS_MAX = 38, KEPT_DIGITS = 64 };

struct decimal {
    wide mantissa;
    int64_t power;
};

/* A number's digits where they lie. Its value is 0.DIGITS * 10^scale. */
struct digits {
    bool negative;
    const char *at, *end; /* from the first digit that is not 0; may contain the point */
    int64_t scale;        /* at == end: the number is 0 */
};

static void scan(struct wr_text text, struct digits *digits)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    int64_t power = 0;
    digits->negative = at < end && *at == '-';
    at += digits->negative;
    const char *e = at;
    while (e < end && (*e | 0x20) != 'e') {
        e++;
    }
    for (const char *i = e + 1; i < end; i++) {
        power = wr_is_digit(*i) ? WR_MIN(power * 10 + (*i - '0'), POWER_MAX) : 0;
    }
    power = e + 1 < end && e[1] == '-' ? -power : power;
    const char *point = memchr(at, '.', (size_t)(e - at));
    const char *whole_end = point != NULL ? point : e;
    while (at < e && (*at == '0' || *at == '.')) {
        at++;
    }
    digits->at = at;
    digits->end = e;
    digits->scale = power + (at < whole_end ? whole_end - at : point != NULL ? point + 1 - at : 0);
}

/* The next digit; '0' after the last one. */
static char next_digit(struct digits *digits)
{
    digits->at += digits->at < digits->end && *digits->at == '.';
    return digits->at < digits->end ? *digits->at++ : '0';
}

static int compare_size(struct digits *a, struct digits *b)
{
    bool a_zero = a->at == a->end;
    bool b_zero = b->at == b->end;
    if (a_zero || b_zero) {
        return b_zero - a_zero;
    }
    if (a->scale != b->scale) {
        return a->scale < b->scale ? -1 : 1;
    }
    while (a->at < a->end || b->at < b->end) {
        char x = next_digit(a);
        char y = next_digit(b);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

static bool is_nan(struct wr_value number)
{
    return number.form == WR_FORM_REAL && isnan(number.as.real);
}

int wr_number_compare(struct wr_value a, struct wr_value b)
{
    char a_scratch[WR_NUMBER_CAP];
    char b_scratch[WR_NUMBER_CAP];
    struct digits x;
    struct digits y;
    if (a.form == WR_FORM_INTEGER && b.form == WR_FORM_INTEGER) {
        return (a.as.integer > b.as.integer) - (a.as.integer < b.as.integer);
    }
    if (is_nan(a) || is_nan(b)) { /* below all numbers, as jq sorts it */
        return is_nan(a) ? -1 : 1;
    }
    if (a.form == WR_FORM_REAL && b.form == WR_FORM_REAL) {
        return (a.as.real > b.as.real) - (a.as.real < b.as.real);
    }
    scan(wr_number_text(a, a_scratch), &x);
    scan(wr_number_text(b, b_scratch), &y);
    int size = compare_size(&x, &y);
    if (x.negative != y.negative) { /* -0 is 0 */
        return size == 0 && wr_number_real(a) == 0 ? 0 : x.negative ? -1 : 1;
    }
    return x.negative ? -size : size;
}

/* ---- decimals */

static bool times_ten(wide *mantissa, int64_t powers)
{
    for (; powers > 0 && *mantissa != 0; powers--) {
        if (powers > DIGITS_MAX || __builtin_mul_overflow(*mantissa, 10, mantissa)) {
            return false;
        }
    }
    return true;
}

static bool read_decimal(struct wr_value number, struct decimal *decimal)
{
    char scratch[WR_NUMBER_CAP];
    struct digits digits;
    if (number.form == WR_FORM_INTEGER) {
        *decimal = (struct decimal){number.as.integer, 0};
        return true;
    }
    if (number.form == WR_FORM_REAL &&
        !(number.as.real == floor(number.as.real) && fabs(number.as.real) < 9007199254740992.0)) {
        return false;
    }
    scan(wr_number_text(number, scratch), &digits);
    wide mantissa = 0;
    int64_t read = 0;
    while (digits.at < digits.end) {
        int digit = next_digit(&digits) - '0';
        if (__builtin_mul_overflow(mantissa, 10, &mantissa) ||
            __builtin_add_overflow(mantissa, digit, &mantissa)) {
            return false;
        }
        read++;
        digits.at += digits.at + 1 == digits.end && *digits.at == '.';
    }
    *decimal = (struct decimal){digits.negative ? -mantissa : mantissa,
                                mantissa == 0 ? 0 : digits.scale - read};
    return true;
}

/* Bring two decimals to the same power. */
static bool align(struct decimal *a, struct decimal *b)
{
    struct decimal *high = a->power > b->power ? a : b;
    struct decimal *low = high == a ? b : a;
    if (low->mantissa == 0) {
        low->power = high->power;
    }
    if (!times_ten(&high->mantissa, high->power - low->power)) {
        return false;
    }
    high->power = low->power;
    return true;
}

static bool compute_decimal(int op, struct decimal a, struct decimal b, struct decimal *result)
{
    result->power = a.power;
    switch (op) {
    case WR_OP_ADD:
        return align(&a, &b) &&
               (result->power = a.power,
                !__builtin_add_overflow(a.mantissa, b.mantissa, &result->mantissa));
    case WR_OP_SUBTRACT:
        return align(&a, &b) &&
               (result->power = a.power,
                !__builtin_sub_overflow(a.mantissa, b.mantissa, &result->mantissa));
    case WR_OP_MULTIPLY:
        result->power = a.power + b.power;
        return !__builtin_mul_overflow(a.mantissa, b.mantissa, &result->mantissa);
    default:
        if (b.mantissa == 0 || a.mantissa % b.mantissa != 0) {
            return false;
        }
        *result = (struct decimal){a.mantissa / b.mantissa, a.power - b.power};
        return true;
    }
}

/* Write a decimal as a value: as an integer where it is one. */
static bool give_decimal(struct wr_arena *arena, struct decimal decimal, struct wr_value *result)
{
    char digits[DIGITS_MAX + 3];
    size_t at = sizeof digits;
    while (decimal.power < 0 && decimal.mantissa % 10 == 0 && decimal.mantissa != 0) {
        decimal.mantissa /= 10;
        decimal.power++;
    }
    wide whole = decimal.mantissa;
    if (decimal.mantissa == 0 || (decimal.power >= 0 && times_ten(&whole, decimal.power) &&
                                  whole >= INT64_MIN && whole <= INT64_MAX)) {
        *result = wr_value_integer((int64_t)whole);
        return true;
    }
    bool negative = decimal.mantissa < 0;
    uwide rest = negative ? -(uwide)decimal.mantissa : (uwide)decimal.mantissa;
    for (; rest > 0; rest /= 10) {
        digits[--at] = (char)('0' + (int)(rest % 10));
    }
    int64_t count = (int64_t)(sizeof digits - at);
    int64_t point = count + decimal.power; /* digits before the point */
    struct wr_print out;
    char *text = wr_arena_alloc(arena, 2 * DIGITS_MAX + 32);
    if (text == NULL) {
        return false;
    }
    wr_print_to(&out, text, 2 * DIGITS_MAX + 32);
    wr_printf(&out, "%s", negative ? "-" : "");
    if (decimal.power >= 0 && point <= DIGITS_MAX) {
        wr_print_bytes(&out, digits + at, (size_t)count);
        for (; decimal.power > 0; decimal.power--) {
            wr_print_bytes(&out, "0", 1);
        }
    } else if (point > 0 && decimal.power < 0) {
        wr_print_bytes(&out, digits + at, (size_t)point);
        wr_print_bytes(&out, ".", 1);
        wr_print_bytes(&out, digits + at + point, (size_t)(count - point));
    } else if (point <= 0 && point > -6) {
        wr_print_bytes(&out, "0.00000", (size_t)(2 - point));
        wr_print_bytes(&out, digits + at, (size_t)count);
    } else {
        wr_print_bytes(&out, digits + at, 1);
        wr_print_bytes(&out, ".", count > 1 ? 1 : 0);
        wr_print_bytes(&out, digits + at + 1, (size_t)count - 1);
        wr_printf(&out, "e%s%lld", point > 0 ? "+" : "", (long long)(point - 1));
    }
    *result = wr_value_string(text, out.len);
    result->kind = WR_JSON_NUMBER;
    return true;
}

bool wr_number_compute(struct wr_arena *arena, int op, struct wr_value a, struct wr_value b,
                       struct wr_value *result)
{
    struct decimal x;
    struct decimal y;
    struct decimal exact;
    int64_t whole;
    if (a.form == WR_FORM_INTEGER && b.form == WR_FORM_INTEGER &&
        ((op == WR_OP_ADD && !__builtin_add_overflow(a.as.integer, b.as.integer, &whole)) ||
         (op == WR_OP_SUBTRACT && !__builtin_sub_overflow(a.as.integer, b.as.integer, &whole)) ||
         (op == WR_OP_MULTIPLY && !__builtin_mul_overflow(a.as.integer, b.as.integer, &whole)))) {
        *result = wr_value_integer(whole);
        return true;
    }
    if (read_decimal(a, &x) && read_decimal(b, &y) && compute_decimal(op, x, y, &exact)) {
        return give_decimal(arena, exact, result);
    }
    double p = wr_number_real(a);
    double q = wr_number_real(b);
    *result = wr_number_of_real(op == WR_OP_ADD        ? p + q
                                : op == WR_OP_SUBTRACT ? p - q
                                : op == WR_OP_MULTIPLY ? p * q
                                                       : p / q);
    return true;
}

/* ---- sums */

static struct decimal sum_decimal(const struct wr_number_sum *sum)
{
    return (struct decimal){(wide)((uwide)(uint64_t)sum->high << 64 | sum->low), sum->power};
}

static double decimal_real(struct decimal decimal)
{
    return (double)decimal.mantissa * pow(10, (double)decimal.power);
}

void wr_number_add(struct wr_number_sum *sum, struct wr_value number)
{
    struct decimal more;
    struct decimal exact;
    if (!sum->rounded && read_decimal(number, &more) &&
        compute_decimal(WR_OP_ADD, sum_decimal(sum), more, &exact)) {
        sum->low = (uint64_t)(uwide)exact.mantissa;
        sum->high = (int64_t)(uint64_t)((uwide)exact.mantissa >> 64);
        sum->power = exact.power;
        return;
    }
    if (!sum->rounded) {
        sum->rounded = true;
        sum->real = decimal_real(sum_decimal(sum));
    }
    /* What the larger one's digits push out of the smaller one is kept. */
    double x = wr_number_real(number);
    double next = sum->real + x;
    sum->lost += fabs(sum->real) >= fabs(x) ? (sum->real - next) + x : (x - next) + sum->real;
    sum->real = next;
}

double wr_number_sum_real(const struct wr_number_sum *sum)
{
    double all = sum->real + sum->lost;
    return !sum->rounded ? decimal_real(sum_decimal(sum)) : isfinite(all) ? all : sum->real;
}

bool wr_number_sum_value(struct wr_arena *arena, const struct wr_number_sum *sum,
                         struct wr_value *value)
{
    if (!sum->rounded) {
        return give_decimal(arena, sum_decimal(sum), value);
    }
    *value = wr_number_of_real(wr_number_sum_real(sum));
    return true;
}

/* The whole part of a decimal. False: it has too many digits. */
static bool whole_part(struct decimal decimal, wide *whole)
{
    *whole = decimal.mantissa;
    for (; decimal.power < 0 && *whole != 0; decimal.power++) {
        *whole /= 10;
    }
    return times_ten(whole, decimal.power);
}

/* A small number that is rounded as the decimal's fraction is: all that counts is whether that is
 * below, at or above a half. */
static double fraction_like(struct decimal decimal, wide whole)
{
    wide unit = 1;
    wide rest = decimal.mantissa;
    if (decimal.power >= 0) {
        return 0;
    }
    double part = 0.25; /* the fraction has so many digits that it is below a half */
    if (times_ten(&unit, -decimal.power) && times_ten(&whole, -decimal.power)) {
        rest -= whole;
        wide size = rest < 0 ? -rest : rest;
        part = size < unit - size ? 0.25 : size == unit - size ? 0.5 : 0.75;
    }
    return rest == 0 ? 0 : rest < 0 ? -part : part;
}

bool wr_number_rounded(struct wr_arena *arena, struct wr_value number, double (*function)(double),
                       struct wr_value *result)
{
    struct decimal decimal;
    wide whole;
    if (!read_decimal(number, &decimal) || !whole_part(decimal, &whole)) {
        *result = wr_number_of_real(function(wr_number_real(number)));
        return true;
    }
    whole += (wide)function(fraction_like(decimal, whole));
    return give_decimal(arena, (struct decimal){whole, 0}, result);
}

bool wr_number_remainder(struct wr_arena *arena, struct wr_value a, struct wr_value b,
                         struct wr_value *result)
{
    struct decimal x;
    struct decimal y;
    wide p;
    wide q;
    if (read_decimal(a, &x) && read_decimal(b, &y) && whole_part(x, &p) && whole_part(y, &q) &&
        q != 0) {
        return give_decimal(arena, (struct decimal){q == -1 ? 0 : p % q, 0}, result);
    }
    *result = wr_number_of_real(fmod(trunc(wr_number_real(a)), trunc(wr_number_real(b))));
    return true;
}

/* ---- conversions */

bool wr_number_whole(struct wr_value number, int64_t *whole)
{
    struct decimal decimal;
    if (number.form == WR_FORM_INTEGER) {
        *whole = number.as.integer;
        return true;
    }
    if (!read_decimal(number, &decimal)) {
        return false;
    }
    while (decimal.power < 0 && decimal.mantissa % 10 == 0) {
        decimal.mantissa /= 10;
        decimal.power++;
    }
    if (decimal.power < 0 || !times_ten(&decimal.mantissa, decimal.power) ||
        decimal.mantissa < INT64_MIN || decimal.mantissa > INT64_MAX) {
        return false;
    }
    *whole = (int64_t)decimal.mantissa;
    return true;
}

/* A decimal whose mantissa and power of ten are both exact as doubles: then so is one operation on
 * them, but for its own rounding. (Clinger, 1990.) */
static bool few_digits(struct wr_value number, double *real)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { TENS = sizeof tens / sizeof tens[0] };
    const int64_t exact_max = INT64_C(1) << 53;
    struct decimal decimal;
    if (!read_decimal(number, &decimal) || decimal.mantissa > exact_max ||
        decimal.mantissa < -exact_max || decimal.mantissa == 0 || decimal.power >= TENS ||
        decimal.power <= -TENS) {
        return false; /* 0, too: it may be -0 */
    }
    double mantissa = (double)(int64_t)decimal.mantissa;
    *real = decimal.power >= 0 ? mantissa * tens[decimal.power] : mantissa / tens[-decimal.power];
    return true;
}

/* strtod of digits and a power: without a point, which a locale could call something else. Digits
 * after the first 64 only tell on which side of a middle the number lies. */
double wr_number_real(struct wr_value number)
{
    char text[KEPT_DIGITS + 32];
    struct digits digits;
    struct wr_print out;
    double real;
    if (number.form != WR_FORM_TEXT) {
        return number.form == WR_FORM_INTEGER ? (double)number.as.integer : number.as.real;
    }
    if (number.len <= 20 && few_digits(number, &real)) {
        return real;
    }
    scan(wr_value_text(number), &digits);
    int64_t scale = digits.scale;
    wr_print_to(&out, text, sizeof text);
    wr_print_bytes(&out, "-", digits.negative ? 1 : 0);
    wr_print_bytes(&out, "0", 1);
    bool more = false;
    for (int read = 0; digits.at < digits.end; read++) {
        char digit = next_digit(&digits);
        if (read < KEPT_DIGITS) {
            wr_print_bytes(&out, &digit, 1);
            scale--;
        } else {
            more = more || digit != '0';
        }
    }
    scale -= more;
    scale = WR_MAX(WR_MIN(scale, (int64_t)99999), (int64_t)-99999);
    wr_printf(&out, "%se%d", more ? "1" : "", (int)scale);
    return strtod(text, NULL);
}

struct wr_value wr_number_of_real(double real)
{
    if (real == floor(real) && fabs(real) < 9007199254740992.0) {
        return wr_value_integer((int64_t)real);
    }
    return (struct wr_value){.kind = WR_JSON_NUMBER, .form = WR_FORM_REAL, .as.real = real};
}

/* The shortest of the texts that are read as the same double. */
static size_t print_real(double real, char to[WR_NUMBER_CAP])
{
    static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
    int len = 0;
    real = real > DBL_MAX ? DBL_MAX : real < -DBL_MAX ? -DBL_MAX : real;
    for (size_t i = 0; i < 3; i++) {
        len = strfromd(to, WR_NUMBER_CAP, formats[i], real);
        if (strtod(to, NULL) == real) {
            break;
        }
    }
    size_t kept = 0; /* the locale's point becomes ours */
    for (size_t i = 0; i < (size_t)len; i++) {
        bool ours = to[i] > 0 && strchr("0123456789+-e", to[i]) != NULL;
        if (ours || kept == 0 || to[kept - 1] != '.') {
            to[kept++] = ours ? to[i] : '.';
        }
    }
    return kept;
}

struct wr_text wr_number_text(struct wr_value number, char scratch[WR_NUMBER_CAP])
{
    if (number.form == WR_FORM_TEXT) {
        return wr_value_text(number);
    }
    if (number.form == WR_FORM_INTEGER) {
        return (struct wr_text){
            scratch, wr_print_text(scratch, WR_NUMBER_CAP, "%lld", (long long)number.as.integer)};
    }
    if (isnan(number.as.real)) {
        return wr_text_of("null");
    }
    return (struct wr_text){scratch, print_real(number.as.real, scratch)};
}
