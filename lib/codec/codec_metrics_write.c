/*
 * codec_metrics_write.c - writing samples in the exposition text of Prometheus.
 */
#include "codec_metrics.h"
#include "codec_text.h"

static bool is(weir_slice a, const char *word)
{
    return a.len == strlen(word) && memcmp(a.data, word, a.len) == 0;
}

/* [a-zA-Z_][a-zA-Z0-9_]*, with colons in the name of a metric. */
static bool is_name(weir_slice text, bool metric)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!wr_is_alpha(c) && c != '_' && !(metric && c == ':') && (i == 0 || !wr_is_digit(c))) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_sample(weir_slice text)
{
    return wr_is_number(text) || is(text, "NaN") || is(text, "Inf") || is(text, "+Inf") ||
           is(text, "-Inf");
}

static void put_label(struct wr_out *out, weir_slice name, weir_slice value, bool first)
{
    wr_out_byte(out, first ? '{' : ',');
    wr_out_bytes(out, name.data, name.len);
    wr_out_string(out, "=\"");
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '"' || c == '\\' || c == '\n') {
            wr_out_byte(out, '\\');
        }
        wr_out_byte(out, c == '\n' ? 'n' : c);
    }
    wr_out_byte(out, '"');
}

struct sample {
    const weir_slice *name, *value, *time;
};

/* The members that are not labels. */
static struct sample find_parts(const struct wr_row *row)
{
    struct sample sample = {NULL, NULL, NULL};
    for (size_t i = 0; i < row->count; i++) {
        const weir_slice *value = &row->values[i];
        if (is(row->names[i], "name")) {
            sample.name = value;
        } else if (is(row->names[i], "value")) {
            sample.value = value;
        } else if (is(row->names[i], "time") && value->len > 0) {
            sample.time = value;
        }
    }
    return sample;
}

static bool is_label(weir_slice name)
{
    return !is(name, "name") && !is(name, "value") && !is(name, "time");
}

int wr_prom_write(struct wr_out *out, struct wr_fields *fields, const struct wr_row *row)
{
    struct sample sample = find_parts(row);
    bool labels = false;
    if (sample.name == NULL || !is_name(*sample.name, true)) {
        return sample.name == NULL ? wr_fields_bad(fields, 0, "a member .name is missing")
                                   : wr_row_bad(fields, row, *sample.name, "no name of a metric");
    }
    if (sample.value == NULL || !is_sample(*sample.value)) {
        return sample.value == NULL
                   ? wr_fields_bad(fields, 0, "a member .value is missing")
                   : wr_row_bad(fields, row, *sample.value, "the value is no number");
    }
    if (sample.time != NULL && !wr_is_number(*sample.time)) {
        return wr_row_bad(fields, row, *sample.time, "the time is no number");
    }
    wr_out_bytes(out, sample.name->data, sample.name->len);
    for (size_t i = 0; i < row->count; i++) {
        weir_slice name = row->names[i];
        if (!is_label(name) || wr_row_kind(row, i) == WEIR_VALUE_NULL) {
            continue;
        }
        if (!is_name(name, false)) {
            return wr_row_bad(fields, row, name, "no name of a label");
        }
        put_label(out, name, row->values[i], !labels);
        labels = true;
    }
    wr_out_string(out, labels ? "} " : " ");
    wr_out_bytes(out, sample.value->data, sample.value->len);
    if (sample.time != NULL) {
        wr_out_byte(out, ' ');
        wr_out_bytes(out, sample.time->data, sample.time->len);
    }
    return 0;
}
