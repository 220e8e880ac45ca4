/*
 * expr_fn_text.c - functions between strings and other values.
 */
#include "expr_program.h"

#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "codec_out.h"

static bool call_tojson(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    wr_write_json(&writer, in[0]);
    return wr_text_writer_string(&writer, out) || wr_machine_no_memory(run);
}

static bool call_tostring(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    *out = in[0];
    return in[0].kind == WR_JSON_STRING || call_tojson(run, in, out);
}

static size_t digits(struct wr_text text, size_t at)
{
    size_t from = at;
    while (at < text.len && wr_is_digit(text.data[at])) {
        at++;
    }
    return at - from;
}

/* Read a number with more freedom than JSON has: "+1", "007", ".5" and "5." are numbers, too. Words and
 * white space are none. *number is written as JSON has it: the text itself, where it is so already.
 * False: it is none, or (number->len > 0) there is no memory. */
static bool read_number(wr_machine *run, struct wr_text text, struct wr_text *number)
{
    size_t sign = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t whole = digits(text, sign), at = sign + whole, zeros = sign;
    size_t part = at < text.len && text.data[at] == '.' ? digits(text, at + 1) : 0;
    size_t dot = at;
    at += at < text.len && text.data[at] == '.' ? 1 + part : 0;
    size_t rest = at;
    if (at < text.len && (text.data[at] | 0x20) == 'e') {
        at += at + 1 < text.len && (text.data[at + 1] == '-' || text.data[at + 1] == '+') ? 2 : 1;
        size_t power = digits(text, at);
        at += power > 0 ? power : text.len + 1;
    }
    *number = (struct wr_text){NULL, 0};
    if (whole + part == 0 || at != text.len) {
        return false;
    }
    while (zeros + 1 < dot && text.data[zeros] == '0') {
        zeros++;
    }
    *number = text;
    if (zeros == sign && whole > 0 && text.data[0] != '+' && (part > 0) == (rest > dot)) {
        return true;
    }
    char *copy = wr_arena_alloc(wr_machine_arena(run), text.len + 1);
    if (copy == NULL) {
        return wr_machine_no_memory(run);
    }
    struct wr_out out = {copy, text.len + 1, 0};
    wr_out_string(&out, text.data[0] == '-' ? "-" : "");
    wr_out_string(&out, whole == 0 ? "0" : "");
    wr_out_bytes(&out, text.data + zeros, dot - zeros);
    wr_out_bytes(&out, text.data + dot, part > 0 ? 1 + part : 0);
    wr_out_bytes(&out, text.data + rest, text.len - rest);
    *number = (struct wr_text){copy, out.len};
    return true;
}

static bool call_tonumber(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    struct wr_text number = {NULL, 0};
    *out = in[0];
    if (in[0].kind == WR_JSON_STRING && read_number(run, wr_value_text(in[0]), &number)) {
        out->kind = WR_JSON_NUMBER;
        out->as.text = number.data;
        out->len = (uint32_t)number.len;
        return true;
    }
    return in[0].kind == WR_JSON_NUMBER ||
           (number.len == 0 &&
            wr_machine_fail(run, "%s (%s) cannot be parsed as a number", wr_kind_name(in[0]),
                            wr_machine_shown(run, in[0], shown)));
}

/* The argument as a number to add up: as tonumber, and null is none. */
static bool call_number(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    *out = in[1];
    return in[1].kind == WR_JSON_NULL || call_tonumber(run, in + 1, out);
}

/* The argument as a value to compare with others: a text that is a number counts as one, and null is none. */
static bool call_scalar(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    struct wr_text number = {NULL, 0};
    *out = in[1];
    if (in[1].kind == WR_JSON_STRING && read_number(run, wr_value_text(in[1]), &number)) {
        *out = wr_value_string(number.data, number.len);
        out->kind = WR_JSON_NUMBER;
        return true;
    }
    if (in[1].kind == WR_JSON_STRING) {
        return number.len == 0; /* else there was no memory */
    }
    return in[1].kind == WR_JSON_NULL || in[1].kind == WR_JSON_NUMBER ||
           wr_machine_fail(run, "%s (%s) is neither a number nor a string", wr_kind_name(in[1]),
                           wr_machine_shown(run, in[1], shown));
}

/* The units of a time, and what a value of them is multiplied by and divided by to be in seconds. */
static const struct unit {
    const char *name;
    double times, over;
} units[] = {
    {"s", 1, 1},           {"ms", 1, 1e3}, {"us", 1, 1e6}, {"\xc2\xb5s", 1, 1e6}, {"m", 60, 1},
    {"\xce\xbcs", 1, 1e6}, {"ns", 1, 1e9}, {"h", 3600, 1}, {"d", 86400, 1},
};

/* The length of a unit at `at`; 0: there is none. */
static size_t unit_at(struct wr_text text, size_t at, const struct unit **unit)
{
    size_t to = at;
    while (to < text.len && !wr_is_digit(text.data[to])) {
        to++;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].name);
        if (len == to - at && memcmp(text.data + at, units[i].name, len) == 0) {
            *unit = &units[i];
            return len;
        }
    }
    return 0;
}

/* Add up 1m30s, 120ms, 1.5h. False: the text is no time. */
static bool read_seconds(struct wr_text text, double *seconds)
{
    enum { DIGITS_MAX = 40 };
    size_t at = text.len > 0 && text.data[0] == '-';
    *seconds = 0;
    do {
        char number[DIGITS_MAX + 1] = "";
        const struct unit *unit = NULL;
        size_t from = at, whole = digits(text, at), part = 0;
        at += whole;
        if (whole > 0 && at < text.len && text.data[at] == '.') {
            part = digits(text, at + 1);
            at += 1 + part;
            whole = part;
        }
        if (whole == 0 || at - from > DIGITS_MAX || unit_at(text, at, &unit) == 0) {
            return false;
        }
        memcpy(number, text.data + from, at - from);
        *seconds += strtod(number, NULL) * unit->times / unit->over;
        at += strlen(unit->name);
    } while (at < text.len);
    *seconds = text.data[0] == '-' ? -*seconds : *seconds;
    return true;
}

static bool call_seconds(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    double seconds = 0;
    *out = in[0];
    if (in[0].kind == WR_JSON_STRING && read_seconds(wr_value_text(in[0]), &seconds)) {
        *out = wr_number_of_real(seconds);
        return true;
    }
    return in[0].kind == WR_JSON_NUMBER ||
           wr_machine_fail(run, "%s (%s) is not a time such as 1m30s or 120ms", wr_kind_name(in[0]),
                           wr_machine_shown(run, in[0], shown));
}

static bool call_utf8bytelength(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    *out = wr_value_integer(in[0].len);
    return in[0].kind == WR_JSON_STRING ||
           wr_machine_fail(run, "%s (%s) only strings have UTF-8 byte length", wr_kind_name(in[0]),
                           wr_machine_shown(run, in[0], shown));
}

const struct wr_function wr_functions_text[] = {
    {"tojson", .call = call_tojson, .help = "the value as JSON text"},
    {"@json", .call = call_tojson, .help = "the value as JSON text"},
    {"tostring", .call = call_tostring, .help = "a string as it is, other values as JSON text"},
    {"@text", .call = call_tostring, .help = "a string as it is, other values as JSON text"},
    {"tonumber", .call = call_tonumber, .help = "the number that a string holds"},
    {"_number", 1, .call = call_number},
    {"_scalar", 1, .call = call_scalar},
    {"seconds", .call = call_seconds, .help = "the seconds of a time such as 1m30s or 120ms"},
    {"utf8bytelength", .call = call_utf8bytelength, .help = "the bytes of a string"},
    {.name = NULL},
};
