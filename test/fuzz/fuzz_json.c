/*
 * fuzz_json.c - JSON texts. Invariants: the verdict is that of a plain reader; an error lies in the
 * text; all nodes can be walked, lie inside each other in order, and each string decodes to what it
 * is compared with; each value of a valid text is a valid text. The lines of the input, indexed in a
 * window, are what each is by itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include <weir/error.h>

#include "codec_json.h"
#include "support_json.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void see_string(const struct wr_json *json, uint32_t node)
{
    struct wr_text inside = wr_json_inside(json, node);
    char *to = malloc(inside.len + 1);
    require(to != NULL);
    size_t len = wr_json_unescape(inside, to);
    require(len <= inside.len && wr_utf8_valid_bytes(to, len) == len);
    require(wr_json_string_is(json, node, (struct wr_text){to, len}));
    require(wr_json_escaped(json, node) || len == inside.len);
    free(to);
}

/* The nodes inside `node`; returns the offset after it. */
static const char *see(const struct wr_json *json, uint32_t node, const char *from)
{
    struct wr_text text = wr_json_text(json, node);
    enum wr_json_kind kind = wr_json_kind(json, node);
    require(text.len > 0 && text.data >= from && text.data + text.len <= json->text + json->len);
    if (text.len < 1000) {
        require(json_valid(text.data, text.len));
    }
    if (kind == WR_JSON_STRING) {
        see_string(json, node);
    } else if (kind == WR_JSON_ARRAY || kind == WR_JSON_OBJECT) {
        const char *at = text.data + 1;
        for (uint32_t e = wr_json_first(json, node); e != WR_JSON_NONE;) {
            if (kind == WR_JSON_OBJECT) {
                at = see(json, e, at);
                e = wr_json_value(e);
            }
            at = see(json, e, at);
            e = wr_json_next(json, e);
        }
        require(at < text.data + text.len);
    }
    return text.data + text.len;
}

/* Without white space it is the same value. */
static void see_compact(const struct wr_json *json)
{
    static struct wr_json again;
    struct wr_text text = wr_json_text(json, WR_JSON_ROOT);
    char *to = malloc(text.len);
    require(to != NULL);
    size_t len = wr_json_compact(json, WR_JSON_ROOT, to);
    require(len <= text.len && wr_json_index(&again, to, len) == 0 && again.count == json->count);
    for (uint32_t i = 0; i < json->count; i++) {
        require(to[again.at[i]] == json->text[json->at[i]]);
        require(i == 0 || to[again.at[i] - 1] != ' ');
    }
    free(to);
}

static void see_same(const struct wr_json *a, const struct wr_json *b)
{
    require(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        require(a->text + a->at[i] == b->text + b->at[i]);
        char c = a->text[a->at[i]];
        if (strchr(",:]}", c) == NULL) {
            struct wr_text x = wr_json_text(a, i);
            struct wr_text y = wr_json_text(b, i);
            require(x.data == y.data && x.len == y.len);
            require(c != '"' || wr_json_escaped(a, i) == wr_json_escaped(b, i));
        }
    }
}

/* Each line of a text in a window. */
static void see_lines(const char *text, size_t len)
{
    static struct wr_json window, alone;
    if (!wr_json_ahead(&window, text, len)) {
        return;
    }
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - text) - at : len - at;
        int code = wr_json_index(&alone, text + at, line);
        require(wr_json_index_next(&window, text + at, line) == code);
        if (code == 0) {
            see_same(&window, &alone);
        } else {
            require(window.error_at == alone.error_at && window.error == alone.error);
        }
        at += line + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct wr_json json; /* kept, as a stage keeps it */
    char *text = malloc(len + 1);
    require(text != NULL);
    memcpy(text, data, len);
    int code = wr_json_index(&json, text, len);
    require((code == 0) == json_valid(text, len));
    if (code == 0) {
        (void)see(&json, WR_JSON_ROOT, text);
        see_compact(&json);
    } else {
        require(code == WEIR_EPARSE && json.error != NULL && json.error_at <= len);
    }
    see_lines(text, len);
    free(text);
    return 0;
}
