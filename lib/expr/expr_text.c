/*
 * expr_text.c - values as JSON texts. What lies in a document is copied token by token, which leaves
 * out white space; of what was built, containers that are open stand in a list in the arena, so that
 * depth costs no stack.
 */
#include "expr_value.h"

#include "base_error.h"

static bool make_room(struct wr_text_writer *writer, size_t len)
{
    if (len <= writer->room - writer->len) {
        return !writer->failed;
    }
    size_t room = WR_MAX(2 * writer->room, writer->len + len + 64);
    char *data =
        writer->failed ? NULL : wr_arena_extend(writer->arena, writer->data, writer->room, room);
    if (data == NULL) {
        writer->failed = true;
        return false;
    }
    writer->data = data;
    writer->room = room;
    return true;
}

void wr_write_bytes(struct wr_text_writer *writer, const char *bytes, size_t len)
{
    if (len > 0 && make_room(writer, len)) {
        memcpy(writer->data + writer->len, bytes, len);
        writer->len += len;
    }
}

static void write_string(struct wr_text_writer *writer, struct wr_text text)
{
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;
    wr_write_bytes(writer, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            continue;
        }
        static const char names[] = "btnvfr";
        char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        bool named = c >= '\b' && c <= '\r' && c != '\v';
        size_t len = 6;
        if (c == '"' || c == '\\' || named) {
            escape[1] = named ? names[c - '\b'] : (char)c;
            len = 2;
        }
        wr_write_bytes(writer, text.data + from, i - from);
        wr_write_bytes(writer, escape, len);
        from = i + 1;
    }
    wr_write_bytes(writer, text.data + from, text.len - from);
    wr_write_bytes(writer, "\"", 1);
}

/* A container of a document, which ends with its partner's token. */
static void write_node(struct wr_text_writer *writer, const struct wr_json *json, uint32_t node)
{
    uint32_t last = json->to[node];
    for (uint32_t token = node; token <= last; token++) {
        const char *at = json->text + json->at[token];
        size_t len = strchr("{}[],:", *at) != NULL ? 1 : wr_json_text(json, token).len;
        wr_write_bytes(writer, at, len);
    }
}

/* A built container that is being written. */
struct open {
    struct open *up;
    const struct wr_value *elements;
    const struct wr_member *members;
    uint32_t count, next;
    bool array;
};

/* Write a value, or only the opening bracket of one that was built: then *open is it. */
static void begin(struct wr_text_writer *writer, struct wr_value value, struct open **open)
{
    static const char *const constants[] = {"null", "false", "true"};
    char scratch[WR_NUMBER_CAP];
    if (value.kind < WR_JSON_NUMBER) {
        wr_write_bytes(writer, constants[value.kind], strlen(constants[value.kind]));
    } else if (value.kind == WR_JSON_NUMBER) {
        struct wr_text text = wr_number_text(value, scratch);
        wr_write_bytes(writer, text.data, text.len);
    } else if (value.kind == WR_JSON_STRING) {
        write_string(writer, wr_value_text(value));
    } else if (value.form == WR_FORM_NODE) {
        write_node(writer, value.as.json, value.len);
    } else {
        struct open *inner = wr_arena_alloc(writer->arena, sizeof *inner);
        bool array = value.kind == WR_JSON_ARRAY;
        if (inner == NULL) {
            writer->failed = true;
            return;
        }
        *inner = (struct open){.up = *open,
                               .elements = array ? value.as.array : NULL,
                               .members = array ? NULL : value.as.object->members,
                               .count = array ? value.len : value.as.object->count,
                               .array = array};
        *open = inner;
        wr_write_bytes(writer, array ? "[" : "{", 1);
    }
}

void wr_write_json(struct wr_text_writer *writer, struct wr_value value)
{
    struct open *open = NULL;
    begin(writer, value, &open);
    while (open != NULL && !writer->failed) {
        struct open *now = open;
        if (now->next == now->count) {
            wr_write_bytes(writer, now->array ? "]" : "}", 1);
            open = now->up;
            continue;
        }
        wr_write_bytes(writer, ",", now->next > 0 ? 1 : 0);
        struct wr_value inner;
        if (now->array) {
            inner = now->elements[now->next++];
        } else {
            write_string(writer, wr_value_text(now->members[now->next].key));
            wr_write_bytes(writer, ":", 1);
            inner = now->members[now->next++].value;
        }
        begin(writer, inner, &open);
    }
}

bool wr_text_writer_string(const struct wr_text_writer *writer, struct wr_value *string)
{
    *string = wr_value_string(writer->data != NULL ? writer->data : "", writer->len);
    return !writer->failed && writer->len <= UINT32_MAX;
}
