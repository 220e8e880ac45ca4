/*
 * codec_fill.c - writes an item by a format (codec_fill.h). The format is read anew for each item.
 */
#include "codec_fill.h"

#include <inttypes.h>
#include <stdio.h>

static const char letters[] = "sSkKihtnoT%";

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The length of the escape at `at`, a backslash; 0: it is none. *byte: what it stands for. */
static size_t read_escape(const char *at, char *byte)
{
    static const char names[] = "nrt\\", bytes[] = "\n\r\t\\";
    const char *name = at[1] != '\0' ? strchr(names, at[1]) : NULL;
    if (name != NULL) {
        *byte = bytes[name - names];
        return 2;
    }
    int high = at[1] == 'x' ? hex_digit(at[2]) : -1;
    int low = high >= 0 ? hex_digit(at[3]) : -1;
    *byte = (char)(high * 16 + low);
    return low >= 0 ? 4 : 0;
}

const char *wr_fill_mistake(const char *format)
{
    char byte;
    for (const char *at = format; *at != '\0';) {
        size_t len = 1;
        if (*at == '%') {
            len = at[1] != '\0' && strchr(letters, at[1]) != NULL ? 2 : 0;
        } else if (*at == '\\') {
            len = read_escape(at, &byte);
        }
        if (len == 0) {
            return at;
        }
        at += len;
    }
    return NULL;
}

static void put(struct wr_out *out, const struct wr_fill *parts, struct wr_text part)
{
    if (parts->write != NULL) {
        parts->write(out, part);
    } else {
        wr_out_bytes(out, part.data, part.len);
    }
}

static void put_fields(struct wr_out *out, const struct wr_fill *parts)
{
    for (size_t i = 0; i < parts->fields_count; i++) {
        wr_out_string(out, i > 0 ? "," : "");
        put(out, parts, (struct wr_text){parts->names[i].data, parts->names[i].len});
        wr_out_byte(out, '=');
        put(out, parts, (struct wr_text){parts->values[i].data, parts->values[i].len});
    }
}

static void put_number(struct wr_out *out, int64_t number)
{
    char text[24];
    wr_out_bytes(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

static void put_letter(struct wr_out *out, char letter, const struct wr_fill *parts)
{
    switch (letter) {
    case 's': put(out, parts, parts->text); return;
    case 'S': put_number(out, (int64_t)parts->text.len); return;
    case 'k': put(out, parts, parts->key); return;
    case 'K': put_number(out, (int64_t)parts->key.len); return;
    case 'i': put(out, parts, parts->id); return;
    case 'h': put_fields(out, parts); return;
    case 't': put(out, parts, parts->origin); return;
    case 'n': put_number(out, (int64_t)parts->number); return;
    case 'o': put(out, parts, parts->position); return;
    case 'T': put_number(out, parts->time_ms); return;
    default: wr_out_byte(out, '%');
    }
}

void wr_fill(struct wr_out *out, const char *format, const struct wr_fill *parts)
{
    for (const char *at = format; *at != '\0';) {
        char byte;
        size_t len = strcspn(at, "%\\");
        wr_out_bytes(out, at, len);
        at += len;
        if (*at == '%') {
            put_letter(out, at[1], parts);
            at += 2;
        } else if (*at == '\\') {
            at += read_escape(at, &byte);
            wr_out_byte(out, byte);
        }
    }
}
