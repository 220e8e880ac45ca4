/*
 * expr_fn_text.c - functions between strings and other values.
 */
#include "expr_program.h"

#include "base_error.h"

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

/* Whether this is a number as JSON writes it. */
static bool is_number(struct wr_text text)
{
    size_t at = text.len > 0 && text.data[0] == '-';
    size_t whole = digits(text, at);
    if (whole == 0 || (whole > 1 && text.data[at] == '0')) {
        return false;
    }
    at += whole;
    if (at < text.len && text.data[at] == '.') {
        size_t part = digits(text, at + 1);
        if (part == 0) {
            return false;
        }
        at += 1 + part;
    }
    if (at < text.len && (text.data[at] | 0x20) == 'e') {
        at += at + 1 < text.len && (text.data[at + 1] == '-' || text.data[at + 1] == '+') ? 2 : 1;
        size_t power = digits(text, at);
        if (power == 0) {
            return false;
        }
        at += power;
    }
    return at == text.len;
}

static bool call_tonumber(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    char shown[WR_SHOWN_CAP];
    *out = in[0];
    if (in[0].kind == WR_JSON_STRING && is_number(wr_value_text(in[0]))) {
        out->kind = WR_JSON_NUMBER;
        return true;
    }
    return in[0].kind == WR_JSON_NUMBER ||
           wr_machine_fail(run, "%s (%s) cannot be parsed as a number", wr_kind_name(in[0]),
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
    {"utf8bytelength", .call = call_utf8bytelength, .help = "the bytes of a string"},
    {.name = NULL},
};
