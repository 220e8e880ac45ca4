/*
 * codec_metrics.c - one pass over a line of a metric. No state between two lines, so the type that
 * Prometheus gives in a comment is not known to the samples after it.
 */
#include "codec_metrics.h"

#include <string.h>

#include "codec_text.h"

static const weir_slice name_name = WR_SLICE("name"), value_name = WR_SLICE("value"),
                        type_name = WR_SLICE("type"), rate_name = WR_SLICE("rate"),
                        time_name = WR_SLICE("time"), measurement_name = WR_SLICE("measurement"),
                        true_value = WR_SLICE("true"), false_value = WR_SLICE("false");

struct cursor {
    struct wr_fields *fields;
    weir_slice text;
    size_t at;
};

static int bad(const struct cursor *c, size_t at, const char *problem)
{
    return wr_fields_bad(c->fields, at, problem);
}

static bool is_at(const struct cursor *c, char byte)
{
    return c->at < c->text.len && c->text.data[c->at] == byte;
}

static void skip_blanks(struct cursor *c)
{
    while (is_at(c, ' ') || is_at(c, '\t')) {
        c->at++;
    }
}

/* Up to one of these bytes, which is not taken. */
static weir_slice until(struct cursor *c, const char *ends)
{
    size_t from = c->at;
    while (c->at < c->text.len &&
           (c->text.data[c->at] == '\0' || strchr(ends, c->text.data[c->at]) == NULL)) {
        c->at++;
    }
    return wr_slice_of(c->text, from, c->at);
}

/* The index behind the digits at `at`. */
static size_t skip_digits(weir_slice text, size_t at)
{
    while (at < text.len && wr_is_digit(text.data[at])) {
        at++;
    }
    return at;
}

static bool is_word(weir_slice text, const char *word)
{
    return wr_text_is((struct wr_text){text.data, text.len}, word);
}

/* ---- statsd */

/* #host:a,eu */
static int add_tags(struct cursor *c)
{
    int rc = 0;
    do {
        c->at++; /* the # or the comma */
        size_t from = c->at;
        weir_slice name = until(c, ":,|"), value = true_value;
        if (is_at(c, ':')) {
            c->at++;
            value = until(c, ",|");
        }
        if (name.len == 0) {
            return bad(c, from, "a tag has no name");
        }
        rc = wr_fields_add(c->fields, name, value);
    } while (rc == 0 && is_at(c, ','));
    return rc;
}

/* What follows the type: |@0.1 and |#tags; others (|T1656581400, |c:...) are left out. */
static int add_sections(struct cursor *c)
{
    int rc = 0;
    while (rc == 0 && is_at(c, '|')) {
        c->at++;
        if (is_at(c, '#')) {
            rc = add_tags(c);
        } else if (is_at(c, '@')) {
            size_t from = ++c->at;
            weir_slice rate = until(c, "|");
            rc = wr_is_number(rate) ? wr_fields_add_number(c->fields, rate_name, rate)
                                    : bad(c, from, "the sample rate is not a number");
        } else {
            (void)until(c, "|");
        }
    }
    return rc;
}

/* The line at *at, without its end; *at moves behind it. False: there is none. */
static bool next_line(weir_slice text, size_t *at, size_t *from, size_t *to)
{
    while (*at < text.len) {
        *from = *at;
        const char *end = memchr(text.data + *from, '\n', text.len - *from);
        *to = end != NULL ? (size_t)(end - text.data) : text.len;
        *at = *to + (end != NULL);
        while (*to > *from && strchr("\r", text.data[*to - 1]) != NULL) {
            (*to)--; /* strchr finds a NUL, too */
        }
        if (*to > *from) {
            return true;
        }
    }
    return false;
}

int wr_statsd_read(struct wr_fields *fields, weir_slice text, size_t *at)
{
    size_t begin = 0, end = 0;
    if (!next_line(text, at, &begin, &end)) {
        return WR_FIELDS_NONE;
    }
    fields->body = wr_slice_of(text, begin, end);
    struct cursor c = {fields, {text.data, end}, begin};
    weir_slice name = until(&c, ":|");
    if (name.len == 0 || !is_at(&c, ':')) {
        return bad(&c, c.at, name.len == 0 ? "a metric has no name" : "a metric has no value");
    }
    size_t from = ++c.at;
    weir_slice value = until(&c, "|");
    if (!is_at(&c, '|')) {
        return bad(&c, c.at, "a metric has no type");
    }
    size_t type_at = ++c.at;
    weir_slice type = until(&c, "|");
    if (type.len == 0) {
        return bad(&c, type_at, "a metric has no type");
    }
    if (!wr_is_number(value) && !is_word(type, "s")) { /* the members of a set are any text */
        return bad(&c, from, "the value is not a number");
    }
    int rc = wr_fields_add(fields, name_name, name);
    bool change = is_word(type, "g") && (value.data[0] == '+' || value.data[0] == '-');
    rc = rc < 0                         ? rc
         : change || is_word(type, "s") ? wr_fields_add(fields, value_name, value)
                                        : wr_fields_add_number(fields, value_name, value);
    rc = rc == 0 ? wr_fields_add(fields, type_name, type) : rc;
    return rc == 0 ? add_sections(&c) : rc;
}

/* ---- Prometheus */

/* A value in quotes at c->at, without them. */
static int take_quoted(struct cursor *c, weir_slice *value)
{
    size_t from = c->at + 1, end = from, at = 0;
    for (; end < c->text.len && c->text.data[end] != '"'; end++) {
        end += c->text.data[end] == '\\';
    }
    if (!is_at(c, '"') || end >= c->text.len) {
        return bad(c, c->at, is_at(c, '"') ? "a quoted value does not end" : "a quote is missing");
    }
    weir_slice part = wr_slice_of(c->text, from, end);
    c->at = end + 1;
    return wr_fields_unescape(c->fields, part, value, &at) ? 0
                                                           : bad(c, from + at, "an unknown escape");
}

/* {method="post",code="200",} */
static int add_labels(struct cursor *c)
{
    c->at++;
    for (skip_blanks(c); !is_at(c, '}'); skip_blanks(c)) {
        size_t from = c->at;
        weir_slice value, name = until(c, "= \t,}\"");
        skip_blanks(c);
        if (name.len == 0 || !is_at(c, '=')) {
            return bad(c, from, "a label has no name=\"value\"");
        }
        c->at++;
        skip_blanks(c);
        int rc = take_quoted(c, &value);
        rc = rc == 0 ? wr_fields_add(c->fields, name, value) : rc;
        if (rc < 0) {
            return rc;
        }
        skip_blanks(c);
        if (is_at(c, ',')) {
            c->at++;
        } else if (!is_at(c, '}')) {
            return bad(c, c->at, "the labels do not end with }");
        }
    }
    c->at++;
    return 0;
}

int wr_prom_read(struct wr_fields *fields, weir_slice text)
{
    struct cursor c = {fields, text, 0};
    skip_blanks(&c);
    if (c.at == text.len || is_at(&c, '#')) {
        return WR_FIELDS_NONE;
    }
    weir_slice name = until(&c, "{ \t");
    if (name.len == 0) {
        return bad(&c, c.at, "a metric has no name");
    }
    int rc = wr_fields_add(fields, name_name, name);
    skip_blanks(&c);
    rc = rc == 0 && is_at(&c, '{') ? add_labels(&c) : rc;
    if (rc < 0) {
        return rc;
    }
    skip_blanks(&c);
    size_t from = c.at;
    weir_slice value = until(&c, " \t#");
    bool infinite = is_word(value, "+Inf") || is_word(value, "-Inf") || is_word(value, "Inf");
    if (!wr_is_number(value) && !infinite && !is_word(value, "NaN")) {
        return bad(&c, from, "the value is not a number");
    }
    rc = wr_fields_add_number(fields, value_name, value);
    skip_blanks(&c);
    if (rc < 0 || c.at == text.len || is_at(&c, '#')) {
        return rc;
    }
    from = c.at;
    weir_slice time = until(&c, " \t#");
    skip_blanks(&c);
    if (!wr_is_number(time) || (c.at < text.len && !is_at(&c, '#'))) {
        return bad(&c, from, "the time is not a number");
    }
    return wr_fields_add_number(fields, time_name, time);
}

/* ---- InfluxDB */

/* Up to one of these bytes that has no backslash before it, without the backslashes before them. */
static weir_slice until_unescaped(struct cursor *c, const char *ends)
{
    size_t from = c->at;
    for (; c->at < c->text.len; c->at++) {
        char byte = c->text.data[c->at];
        if (byte == '\\' && c->at + 1 < c->text.len) {
            c->at++;
        } else if (byte != '\0' && strchr(ends, byte) != NULL) {
            break;
        }
    }
    return wr_fields_unquote(c->fields, wr_slice_of(c->text, from, c->at), ", =");
}

/* The value of a field, and its kind, enum weir_value_kind. */
static int take_value(struct cursor *c, weir_slice *value, uint8_t *kind)
{
    size_t from = c->at;
    *kind = WEIR_VALUE_STRING;
    if (is_at(c, '"')) {
        size_t end = from + 1;
        for (; end < c->text.len && c->text.data[end] != '"'; end++) {
            end += c->text.data[end] == '\\';
        }
        if (end >= c->text.len) {
            return bad(c, from, "a quoted value does not end");
        }
        *value = wr_fields_unquote(c->fields, wr_slice_of(c->text, from + 1, end), "\"\\");
        c->at = end + 1;
        return 0;
    }
    *value = until(c, ", ");
    *kind = WEIR_VALUE_BOOL;
    if (is_word(*value, "t") || is_word(*value, "true")) {
        *value = true_value;
    } else if (is_word(*value, "f") || is_word(*value, "false")) {
        *value = false_value;
    } else {
        char last = value->len > 0 ? value->data[value->len - 1] : '\0';
        value->len -= last == 'i' || last == 'u';
        *kind = WEIR_VALUE_NUMBER;
        if (!wr_is_number(*value)) {
            return bad(c, from, "the value is not a number, a text in quotes, true or false");
        }
    }
    return 0;
}

/* Pairs with commas between them, up to a space. tags: their values are any text. */
static int add_pairs(struct cursor *c, bool tags)
{
    for (;;) {
        size_t from = c->at;
        weir_slice value, name = until_unescaped(c, "=, ");
        if (name.len == 0 || !is_at(c, '=')) {
            return bad(c, from, tags ? "a tag has no name=value" : "a field has no name=value");
        }
        c->at++;
        int rc = 0;
        uint8_t kind = WEIR_VALUE_STRING;
        if (tags) {
            value = until_unescaped(c, ", ");
        } else {
            rc = take_value(c, &value, &kind);
        }
        rc = rc < 0                      ? rc
             : kind == WEIR_VALUE_NUMBER ? wr_fields_add_number(c->fields, name, value)
                                         : wr_fields_add_kind(c->fields, name, value, kind);
        if (rc < 0 || !is_at(c, ',')) {
            return rc;
        }
        c->at++;
    }
}

int wr_influx_read(struct wr_fields *fields, weir_slice text)
{
    struct cursor c = {fields, text, 0};
    skip_blanks(&c);
    if (c.at == text.len || is_at(&c, '#')) {
        return WR_FIELDS_NONE;
    }
    size_t from = c.at;
    weir_slice name = until_unescaped(&c, ", ");
    if (name.len == 0) {
        return bad(&c, from, "a measurement has no name");
    }
    int rc = wr_fields_add(fields, measurement_name, name);
    if (rc == 0 && is_at(&c, ',')) {
        c.at++;
        rc = add_pairs(&c, true);
    }
    if (rc < 0) {
        return rc;
    }
    if (!is_at(&c, ' ')) {
        return bad(&c, c.at, "the fields are missing");
    }
    skip_blanks(&c);
    rc = add_pairs(&c, false);
    if (rc < 0) {
        return rc;
    }
    if (c.at < text.len && !is_at(&c, ' ')) {
        return bad(&c, c.at, "a value is followed by text");
    }
    skip_blanks(&c);
    from = c.at;
    weir_slice time = until(&c, " \t\r");
    if (time.len == 0) {
        return 0;
    }
    size_t digits = skip_digits(time, time.data[0] == '-');
    if (digits < time.len || digits == (time.data[0] == '-')) {
        return bad(&c, from, "the time is not an integer");
    }
    return wr_fields_add_number(fields, time_name, time);
}
