/*
 * expr_fn_format.c - formats: @csv, @base64 and so on, which turn a value into a string that another
 * language reads; and fromjson.
 */
#include "expr_machine.h"

#include "base_error.h"
#include "codec_utf8.h"

/* A string as it is, another value as its JSON text. */
static bool text_of(wr_machine *run, struct wr_value value, struct wr_text *text)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    struct wr_value string = value;
    *text = wr_text_of("");
    if (value.kind != WR_JSON_STRING) {
        wr_write_json(&writer, value);
        if (!wr_text_writer_string(&writer, &string)) {
            return wr_machine_no_memory(run);
        }
    }
    *text = wr_value_text(string);
    return true;
}

/* Write a text with other texts in place of some bytes, which stand in front of theirs. */
static void write_escaped(struct wr_text_writer *writer, struct wr_text text,
                          const char *const *escapes, size_t count)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        for (size_t j = 0; j < count; j++) {
            if (text.data[i] == escapes[j][0]) {
                wr_write_bytes(writer, text.data + from, i - from);
                wr_write_bytes(writer, escapes[j] + 1, strlen(escapes[j] + 1));
                from = i + 1;
                break;
            }
        }
    }
    wr_write_bytes(writer, text.data + from, text.len - from);
}

static bool finish(wr_machine *run, const struct wr_text_writer *writer, struct wr_value *out)
{
    return wr_text_writer_string(writer, out) || wr_machine_no_memory(run);
}

static bool call_html(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const escapes[] = {"&&amp;", "<&lt;", ">&gt;", "'&#39;", "\"&quot;"};
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    struct wr_text text;
    if (!text_of(run, in[0], &text)) {
        return false;
    }
    write_escaped(&writer, text, escapes, 5);
    return finish(run, &writer, out);
}

static bool call_uri(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char digits[] = "0123456789ABCDEF";
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    struct wr_text text;
    if (!text_of(run, in[0], &text)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        char escape[] = {'%', digits[(unsigned char)c >> 4], digits[(unsigned char)c & 15]};
        bool plain = wr_is_alpha(c) || wr_is_digit(c) || c == '-' || c == '_' || c == '.' ||
                     c == '~'; /* RFC 3986 2.3 */
        wr_write_bytes(&writer, plain ? &c : escape, plain ? 1 : 3);
    }
    return finish(run, &writer, out);
}

/* Text for a part of one line: its line ends are written as escapes. */
static bool call_line(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const escapes[] = {"\n\\n", "\r\\r"};
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    struct wr_text text;
    if (!text_of(run, in[0], &text)) {
        return false;
    }
    write_escaped(&writer, text, escapes, 2);
    return finish(run, &writer, out);
}

/* ---- rows */

/* How a row is written: what stands between its fields, around strings, and in place of bytes. */
struct row {
    const char *format, *between, *quote;
    const char *const *escapes;
    size_t escapes_count;
};

static bool write_row(wr_machine *run, struct wr_value value, const struct row *row,
                      struct wr_value *out)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    const struct wr_value *fields;
    uint32_t count;
    char shown[WR_SHOWN_CAP];
    if (value.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "%s (%s) cannot be %s-formatted, only an array can be",
                               wr_kind_name(value), wr_machine_shown(run, value, shown),
                               row->format);
    }
    if (!wr_value_elements(writer.arena, value, &fields, &count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        wr_write_bytes(&writer, row->between, i > 0);
        if (fields[i].kind >= WR_JSON_ARRAY) {
            return wr_machine_fail(run, "%s (%s) is not valid in a %s row", wr_kind_name(fields[i]),
                                   wr_machine_shown(run, fields[i], shown), row->format);
        }
        if (fields[i].kind == WR_JSON_STRING) {
            wr_write_bytes(&writer, row->quote, strlen(row->quote));
            write_escaped(&writer, wr_value_text(fields[i]), row->escapes, row->escapes_count);
            wr_write_bytes(&writer, row->quote, strlen(row->quote));
        } else if (fields[i].kind != WR_JSON_NULL) {
            wr_write_json(&writer, fields[i]);
        }
    }
    return finish(run, &writer, out);
}

static bool call_csv(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const escapes[] = {"\"\"\""};
    static const struct row row = {"csv", ",", "\"", escapes, 1};
    return write_row(run, in[0], &row, out);
}

static bool call_tsv(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const escapes[] = {"\t\\t", "\n\\n", "\r\\r", "\\\\\\"};
    static const struct row row = {"tsv", "\t", "", escapes, 4};
    return write_row(run, in[0], &row, out);
}

/* Words of a shell's command line. */
static bool call_sh(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    static const char *const escapes[] = {"''\\''"};
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    const struct wr_value *words = in;
    uint32_t count = 1;
    if (in[0].kind == WR_JSON_ARRAY && !wr_value_elements(writer.arena, in[0], &words, &count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        char shown[WR_SHOWN_CAP];
        wr_write_bytes(&writer, " ", i > 0);
        if (words[i].kind >= WR_JSON_ARRAY) {
            return wr_machine_fail(run, "%s (%s) can not be escaped for shell",
                                   wr_kind_name(words[i]), wr_machine_shown(run, words[i], shown));
        }
        if (words[i].kind == WR_JSON_STRING) {
            wr_write_bytes(&writer, "'", 1);
            write_escaped(&writer, wr_value_text(words[i]), escapes, 1);
            wr_write_bytes(&writer, "'", 1);
        } else {
            wr_write_json(&writer, words[i]);
        }
    }
    return finish(run, &writer, out);
}

/* ---- base64: RFC 4648, 4 */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool call_base64(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    struct wr_text text;
    if (!text_of(run, in[0], &text)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i += 3) {
        char four[4];
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < text.len ? (unsigned char)text.data[i + j] : 0u);
        }
        for (size_t j = 0; j < 4; j++) {
            four[j] = i + j <= text.len ? base64_digits[group >> (18 - 6 * j) & 63u] : '=';
        }
        wr_write_bytes(&writer, four, 4);
    }
    return finish(run, &writer, out);
}

/* Bytes as a string: what is not UTF-8 becomes U+FFFD. */
static bool string_of_bytes(wr_machine *run, struct wr_text bytes, struct wr_value *out)
{
    struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
    size_t valid = wr_utf8_valid_bytes(bytes.data, bytes.len);
    if (valid == bytes.len) {
        *out = wr_value_string(bytes.data, bytes.len);
        return true;
    }
    while (bytes.len > 0) {
        wr_write_bytes(&writer, bytes.data, valid);
        bytes.data += valid;
        bytes.len -= valid;
        if (bytes.len > 0) {
            wr_write_bytes(&writer, "\xef\xbf\xbd", 3);
            bytes.data++;
            bytes.len--;
        }
        valid = wr_utf8_valid_bytes(bytes.data, bytes.len);
    }
    return finish(run, &writer, out);
}

static bool call_base64d(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_text text;
    char shown[WR_SHOWN_CAP];
    size_t len = 0;
    if (!text_of(run, in[0], &text)) {
        return false;
    }
    while (text.len > 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }
    char *bytes = wr_arena_alloc(wr_machine_arena(run), text.len);
    if (bytes == NULL) {
        return wr_machine_no_memory(run);
    }
    uint32_t group = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(base64_digits, text.data[i], 64);
        if (digit == NULL || (i + 1 == text.len && i % 4 == 0)) {
            return wr_machine_fail(run, "%s (%s) is not valid base64 data", wr_kind_name(in[0]),
                                   wr_machine_shown(run, in[0], shown));
        }
        group = group << 6 | (uint32_t)(digit - base64_digits);
        if (i % 4 != 0) {
            bytes[len++] = (char)(group >> (6 - 2 * (i % 4)) & 0xffu);
        }
    }
    return string_of_bytes(run, (struct wr_text){bytes, len}, out);
}

/* ---- JSON */

enum { KEPT_BYTES = 64 * 1024 }; /* of texts whose index keeps its memory */

/* A copy of what the next wr_json_index changes; the text stays where it is. NULL: no memory. */
static const struct wr_json *keep(struct wr_arena *arena, const struct wr_json *json)
{
    struct wr_json *kept = wr_arena_alloc(arena, sizeof *kept);
    uint32_t *at = wr_arena_alloc(arena, ((size_t)json->count + 1) * sizeof *at);
    uint32_t *to = wr_arena_alloc(arena, ((size_t)json->count + 1) * sizeof *to);
    if (kept == NULL || at == NULL || to == NULL) {
        return NULL;
    }
    memcpy(at, json->at, ((size_t)json->count + 1) * sizeof *at);
    memcpy(to, json->to, (size_t)json->count * sizeof *to);
    *kept = (struct wr_json){
        .text = json->text, .len = json->len, .at = at, .to = to, .count = json->count};
    return kept;
}

static bool call_fromjson(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    struct wr_arena *arena = wr_machine_arena(run);
    char shown[WR_SHOWN_CAP];
    if (in[0].kind != WR_JSON_STRING) {
        return wr_machine_fail(run, "%s (%s) only strings can be parsed", wr_kind_name(in[0]),
                               wr_machine_shown(run, in[0], shown));
    }
    struct wr_json *json = &run->json;
    json->bytes_max = WR_MAX(arena->bytes_max - arena->bytes, (size_t)1);
    int rc = wr_json_index(json, in[0].as.text, in[0].len);
    if (rc == WEIR_ENOMEM || rc == WEIR_ETOOLONG) {
        arena->full = rc == WEIR_ETOOLONG;
        return wr_machine_no_memory(run);
    }
    if (rc < 0) {
        return wr_machine_fail(run, "%s at byte %zu (while parsing %s)", json->error,
                               json->error_at, wr_machine_shown(run, in[0], shown));
    }
    enum wr_json_kind kind = wr_json_kind(json, WR_JSON_ROOT);
    const struct wr_json *kept = kind >= WR_JSON_ARRAY ? keep(arena, json) : json;
    bool ok = (kept != NULL && wr_value_node(arena, kept, WR_JSON_ROOT, out)) ||
              wr_machine_no_memory(run);
    if (in[0].len > KEPT_BYTES) {
        wr_json_trim(json);
    }
    return ok;
}

const struct wr_function wr_functions_format[] = {
    {"@html", .call = call_html, .help = "text for HTML, with & < > ' and \" escaped"},
    {"@uri", .call = call_uri, .help = "text for a URL, percent-encoded"},
    {"@csv", .call = call_csv, .help = "an array as a row of CSV"},
    {"@tsv", .call = call_tsv, .help = "an array as a row with tabs between its fields"},
    {"@sh", .call = call_sh, .help = "words of a shell's command line, in quotes"},
    {"@_line", .call = call_line},
    {"@base64", .call = call_base64, .help = "text in base64"},
    {"@base64d", .call = call_base64d, .help = "the text that base64 holds"},
    {"fromjson", .call = call_fromjson, .help = "the value of a JSON text"},
    {.name = NULL},
};
