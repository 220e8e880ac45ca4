/*
 * codec_show.c - JSON and other texts for people (codec_show.h).
 *
 * JSON is written token by token, so its depth costs nothing. Only strings of it need a look: a valid
 * JSON text has no control character below U+0020 anywhere else than between its tokens.
 */
#include "codec_show.h"

#include "codec_utf8.h"

static const char of_punctuation[] = "\x1b[1;39m", of_key[] = "\x1b[34;1m",
                  of_string[] = "\x1b[0;32m", of_null[] = "\x1b[1;30m", reset[] = "\x1b[0m";

/* ---- what a terminal would obey */

static bool obeyed(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* The length of the character at `at`, at least 1; *escape: it must be escaped, as a character if it
 * is one (*code), else as a byte. */
static size_t look(struct wr_text text, size_t at, uint32_t *code, bool *escape)
{
    size_t len = wr_utf8_decode(text.data + at, text.len - at, code);
    *escape = len == 0 || (obeyed(*code) && *code != '\n' && *code != '\t');
    if (len == 0) {
        *code = (unsigned char)text.data[at];
    }
    return len > 0 ? len : 1;
}

/* As \x1b, or \u009b for a character of several bytes; json: always the latter. */
static void put_escape(struct wr_out *out, uint32_t code, bool character)
{
    static const char digits[] = "0123456789abcdef";
    wr_out_string(out, character ? "\\u" : "\\x");
    for (int shift = character ? 12 : 4; shift >= 0; shift -= 4) {
        wr_out_byte(out, digits[code >> shift & 15]);
    }
}

bool wr_show_obeyed(struct wr_text text)
{
    uint32_t code;
    bool escape = false;
    for (size_t i = 0; i < text.len && !escape;) {
        i += look(text, i, &code, &escape);
    }
    return escape;
}

static void put_harmless(struct wr_out *out, struct wr_text text, bool json)
{
    uint32_t code;
    bool escape;
    for (size_t i = 0; i < text.len;) {
        size_t len = look(text, i, &code, &escape);
        if (escape) {
            put_escape(out, code, json || len > 1);
        } else {
            wr_out_bytes(out, text.data + i, len);
        }
        i += len;
    }
}

void wr_show_text(struct wr_out *out, struct wr_text text)
{
    put_harmless(out, text, false);
}

/* ---- JSON */

static void put_coloured(struct wr_out *out, const struct wr_show *how, const char *colour,
                         struct wr_text text)
{
    if (how->colour) {
        wr_out_string(out, colour);
    }
    if (how->harmless) {
        put_harmless(out, text, true);
    } else {
        wr_out_bytes(out, text.data, text.len);
    }
    if (how->colour) {
        wr_out_string(out, reset);
    }
}

static void new_line(struct wr_out *out, const struct wr_show *how, unsigned depth)
{
    if (how->pretty) {
        wr_out_byte(out, '\n');
        for (unsigned i = 0; i < depth; i++) {
            wr_out_string(out, "  ");
        }
    }
}

/* A string, number or literal; key: it is the key of a member. */
static void put_scalar(struct wr_out *out, const struct wr_json *json, uint32_t token,
                       const struct wr_show *how, bool key)
{
    struct wr_text text = wr_json_text(json, token);
    switch (text.data[0]) {
    case '"': put_coloured(out, how, key ? of_key : of_string, text); return;
    case 'n': put_coloured(out, how, of_null, text); return;
    default: wr_out_bytes(out, text.data, text.len);
    }
}

void wr_show_json(struct wr_out *out, const struct wr_json *json, const struct wr_show *how)
{
    unsigned depth = 0;
    for (uint32_t i = 0; i < json->count; i++) {
        const char *c = json->text + json->at[i];
        char next = i + 1 < json->count ? json->text[json->at[i + 1]] : '\0';
        bool opens = *c == '{' || *c == '[', closes = *c == '}' || *c == ']';
        bool empty = opens && (next == '}' || next == ']');
        if (!opens && !closes && *c != ',' && *c != ':') {
            put_scalar(out, json, i, how, next == ':');
            continue;
        }
        if (closes) {
            new_line(out, how, --depth);
        }
        put_coloured(out, how, of_punctuation, (struct wr_text){c, 1});
        if (empty) {
            i++;
            put_coloured(out, how, of_punctuation, (struct wr_text){json->text + json->at[i], 1});
        } else if (opens) {
            new_line(out, how, ++depth);
        } else if (*c == ',') {
            new_line(out, how, depth);
        } else if (*c == ':' && how->pretty) {
            wr_out_byte(out, ' ');
        }
    }
}
