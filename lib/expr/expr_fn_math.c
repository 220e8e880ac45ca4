/*
 * expr_fn_math.c - functions on numbers. What only rounds gives whole numbers as they are, so that
 * they keep all their digits; the others compute with doubles.
 */
#include "expr_program.h"

#include <math.h>

static bool not_a_number(wr_machine *run, struct wr_value value)
{
    char shown[WR_SHOWN_CAP];
    return wr_machine_fail(run, "%s (%s) number required", wr_kind_name(value),
                           wr_machine_shown(run, value, shown));
}

static bool compute(wr_machine *run, struct wr_value in, double (*function)(double),
                    struct wr_value *out)
{
    if (in.kind != WR_JSON_NUMBER) {
        return not_a_number(run, in);
    }
    *out = wr_number_of_real(function(wr_number_real(in)));
    return true;
}

static bool compute2(wr_machine *run, const struct wr_value *in, double (*function)(double, double),
                     struct wr_value *out)
{
    for (int i = 1; i <= 2; i++) {
        if (in[i].kind != WR_JSON_NUMBER) {
            return not_a_number(run, in[i]);
        }
    }
    *out = wr_number_of_real(function(wr_number_real(in[1]), wr_number_real(in[2])));
    return true;
}

/* A text of digits alone: also one that 64 bits do not hold. */
static bool is_digits(struct wr_value number)
{
    if (number.form != WR_FORM_TEXT) {
        return number.form == WR_FORM_INTEGER;
    }
    for (uint32_t i = 0; i < number.len; i++) {
        if (!wr_is_digit(number.as.text[i]) && !(i == 0 && number.as.text[0] == '-')) {
            return false;
        }
    }
    return true;
}

static bool round_by(wr_machine *run, struct wr_value in, double (*function)(double),
                     struct wr_value *out)
{
    *out = in;
    if (in.kind != WR_JSON_NUMBER) {
        return not_a_number(run, in);
    }
    return is_digits(in) || wr_number_rounded(wr_machine_arena(run), in, function, out) ||
           wr_machine_no_memory(run);
}

#define ROUNDS(name)                                                                          \
    static bool call_##name(wr_machine *run, const struct wr_value *in, struct wr_value *out) \
    {                                                                                         \
        return round_by(run, in[0], name, out);                                               \
    }
ROUNDS(floor)
ROUNDS(ceil)
ROUNDS(round)
ROUNDS(trunc)

#define COMPUTES(name)                                                                        \
    static bool call_##name(wr_machine *run, const struct wr_value *in, struct wr_value *out) \
    {                                                                                         \
        return compute(run, in[0], name, out);                                                \
    }
COMPUTES(sqrt)
COMPUTES(cbrt)
COMPUTES(exp)
COMPUTES(exp2)
COMPUTES(exp10)
COMPUTES(log)
COMPUTES(log2)
COMPUTES(log10)
COMPUTES(fabs)
COMPUTES(sin)
COMPUTES(cos)
COMPUTES(tan)
COMPUTES(asin)
COMPUTES(acos)
COMPUTES(atan)

static bool call_pow(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return compute2(run, in, pow, out);
}

static bool call_atan2(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return compute2(run, in, atan2, out);
}

static bool call_abs(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    *out = in[0];
    if (in[0].kind != WR_JSON_NUMBER) {
        return not_a_number(run, in[0]);
    }
    return !(wr_number_real(in[0]) < 0) ||
           wr_compute(run, WR_OP_SUBTRACT, wr_value_integer(0), in[0], out);
}

static bool call_infinite(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)run;
    (void)in;
    *out = wr_number_of_real(HUGE_VAL);
    return true;
}

static bool call_nan(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)run;
    (void)in;
    *out = wr_number_of_real(NAN);
    return true;
}

/* What kind of double the input is, FP_NORMAL and so on. */
static bool classify(wr_machine *run, struct wr_value in, int *class)
{
    if (in.kind != WR_JSON_NUMBER) {
        return not_a_number(run, in);
    }
    *class = fpclassify(wr_number_real(in));
    return true;
}

static bool call_isinfinite(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    int class = 0;
    bool ok = classify(run, in[0], &class);
    *out = wr_value_bool(class == FP_INFINITE);
    return ok;
}

static bool call_isnan(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    int class = FP_NORMAL;
    bool ok = classify(run, in[0], &class);
    *out = wr_value_bool(class == FP_NAN);
    return ok;
}

static bool call_isnormal(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    int class = FP_ZERO;
    bool ok = classify(run, in[0], &class);
    *out = wr_value_bool(class == FP_NORMAL);
    return ok;
}

const struct wr_function wr_functions_math[] = {
    {"floor", .call = call_floor, .help = "rounded down"},
    {"ceil", .call = call_ceil, .help = "rounded up"},
    {"round", .call = call_round, .help = "rounded to the nearest, halves away from 0"},
    {"trunc", .call = call_trunc, .help = "rounded towards 0"},
    {"abs", .call = call_abs, .help = "how far the number is from 0"},
    {"fabs", .call = call_fabs, .help = "how far the number is from 0, as a double"},
    {"sqrt", .call = call_sqrt, .help = "the square root"},
    {"cbrt", .call = call_cbrt, .help = "the cube root"},
    {"pow", 2, .call = call_pow, .help = "the first number to the power of the second"},
    {"exp", .call = call_exp, .help = "e to this power"},
    {"exp2", .call = call_exp2, .help = "2 to this power"},
    {"exp10", .call = call_exp10, .help = "10 to this power"},
    {"log", .call = call_log, .help = "the natural logarithm"},
    {"log2", .call = call_log2, .help = "the logarithm to base 2"},
    {"log10", .call = call_log10, .help = "the logarithm to base 10"},
    {"sin", .call = call_sin, .help = "the sine"},
    {"cos", .call = call_cos, .help = "the cosine"},
    {"tan", .call = call_tan, .help = "the tangent"},
    {"asin", .call = call_asin, .help = "the angle with this sine"},
    {"acos", .call = call_acos, .help = "the angle with this cosine"},
    {"atan", .call = call_atan, .help = "the angle with this tangent"},
    {"atan2", 2, .call = call_atan2, .help = "the angle of the point (second, first)"},
    {"infinite", .call = call_infinite, .help = "above all numbers; as JSON, the greatest double"},
    {"nan", .call = call_nan, .help = "what no number is; as JSON, null"},
    {"isinfinite", .asks = true, .call = call_isinfinite, .help = "whether it is infinite"},
    {"isnan", .asks = true, .call = call_isnan, .help = "whether it is nan"},
    {"isnormal", .asks = true, .call = call_isnormal,
     .help = "whether it is a number other than 0 with all digits of a double"},
    {.name = NULL},
};
