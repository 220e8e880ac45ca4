/*
 * expr_text.c - values as JSON texts. Containers that are open stand in a list in the arena, so that
 * depth costs no stack. Of a document, numbers, and strings without escapes, are copied as they
 * stand; an object in which a key comes again is built first.
 */
#include "expr_value.h"

#include "base_error.h"
#include "base_hash.h"

static bool make_room(struct wr_text_writer *writer, size_t len)
{
    if (len <= writer->room - writer->len) {
        return !writer->failed;
    }
    size_t room = WR_MAX(2 * writer->room, writer->len + len + 256);
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

/* Whether eight bytes need no escape in a string. A byte minus one has its highest bit set if it was
 * 0: so is a byte that differs in nothing from a quote. The subtraction borrows only from a byte that
 * needs one. Bytes that are not ASCII are left to the caller. */
static inline bool eight_plain(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    uint64_t other = bytes | (bytes - ones * ' ') | ((bytes ^ ones * '"') - ones) |
                     ((bytes ^ ones * '\\') - ones) | ((bytes ^ ones * 0x7f) - ones);
    return (other & ones << 7) == 0;
}

void wr_write_escaped(struct wr_text_writer *writer, struct wr_text text, bool string)
{
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.len - i >= 8 && eight_plain(text.data + i)) {
            i += 7;
            continue;
        }
        unsigned char c = (unsigned char)text.data[i];
        bool quoted = string && (c == '"' || c == '\\');
        if (c >= 0x20 && !quoted && c != 0x7f) {
            continue;
        }
        static const char names[] = "btnvfr";
        char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        bool named = c >= '\b' && c <= '\r' && c != '\v';
        size_t len = 6;
        if (quoted || named) {
            escape[1] = named ? names[c - '\b'] : (char)c;
            len = 2;
        }
        wr_write_bytes(writer, text.data + from, i - from);
        wr_write_bytes(writer, escape, len);
        from = i + 1;
    }
    wr_write_bytes(writer, text.data + from, text.len - from);
}

static void write_string(struct wr_text_writer *writer, struct wr_text text)
{
    wr_write_bytes(writer, "\"", 1);
    wr_write_escaped(writer, text, true);
    wr_write_bytes(writer, "\"", 1);
}

/* ---- containers of a document */

enum { SMALL_COUNT = 16 }; /* keys whose table lies on the stack */

/* Whether a key comes again, or has an escape. A large object needs a table for the time of the call. */
static bool keys_repeat(struct wr_text_writer *writer, const struct wr_json *json, uint32_t object)
{
    uint32_t count = 0;
    for (uint32_t key = wr_json_first(json, object); key != WR_JSON_NONE;
         key = wr_json_next(json, wr_json_value(key))) {
        if (wr_json_escaped(json, key)) {
            return true;
        }
        count++;
    }
    uint32_t mask = 2 * SMALL_COUNT - 1;
    uint32_t few[2 * SMALL_COUNT];
    uint32_t *slots = few; /* nodes of keys + 1 */
    struct wr_arena_mark mark = wr_arena_mark(writer->arena);
    if (count > SMALL_COUNT) {
        while (mask < 2 * count) {
            mask = 2 * mask + 1;
        }
        slots = wr_arena_alloc(writer->arena, ((size_t)mask + 1) * sizeof *slots);
        writer->failed = writer->failed || slots == NULL;
    }
    bool again = slots == NULL;
    if (!again) {
        memset(slots, 0, ((size_t)mask + 1) * sizeof *slots);
    }
    for (uint32_t key = wr_json_first(json, object); key != WR_JSON_NONE && !again;
         key = wr_json_next(json, wr_json_value(key))) {
        struct wr_text name = wr_json_inside(json, key);
        uint64_t hash = wr_hash_add(WR_HASH_BEGIN ^ (uintptr_t)slots, name.data, name.len);
        uint32_t i = (uint32_t)(hash ^ hash >> 32) & mask;
        for (; slots[i] != 0 && !again; i = (i + 1) & mask) {
            struct wr_text other = wr_json_inside(json, slots[i] - 1);
            again = name.len == other.len && memcmp(name.data, other.data, name.len) == 0;
        }
        slots[i] = key + 1;
    }
    wr_arena_back(writer->arena, mark);
    return again;
}
/* A string of a document. */
static void write_document_string(struct wr_text_writer *writer, const struct wr_json *json,
                                  uint32_t string)
{
    struct wr_text text = wr_json_inside(json, string);
    if (wr_json_escaped(json, string)) {
        struct wr_value decoded;
        if (wr_value_node(writer->arena, json, string, &decoded)) {
            write_string(writer, wr_value_text(decoded));
        } else {
            writer->failed = true;
        }
        return;
    }
    if (memchr(text.data, 0x7f, text.len) != NULL) {
        write_string(writer, text);
        return;
    }
    text = wr_json_text(json, string);
    wr_write_bytes(writer, text.data, text.len);
}

/* ---- values */

/* A container that is being written: built, or of a document. */
struct open {
    struct open *up;
    const struct wr_value *elements;
    const struct wr_member *members;
    const struct wr_json *json;
    uint32_t count, next; /* of a document: `next` is a node */
    bool array;
};

/* Write the opening bracket; *open becomes the container, and *spare, if there is one, its memory. */
static void begin_container(struct wr_text_writer *writer, struct wr_value value,
                            struct open **open, struct open **spare)
{
    bool array = value.kind == WR_JSON_ARRAY;
    if (value.form == WR_FORM_NODE && !array && keys_repeat(writer, value.as.json, value.len)) {
        const struct wr_members *built = wr_value_members(writer->arena, value);
        writer->failed = writer->failed || built == NULL;
        value = wr_value_object(built);
    }
    struct open *inner = *spare != NULL ? *spare : wr_arena_alloc(writer->arena, sizeof *inner);
    if (inner == NULL || writer->failed) {
        writer->failed = true;
        return;
    }
    *spare = *spare != NULL ? (*spare)->up : NULL;
    *inner = (struct open){.up = *open, .array = array};
    *open = inner;
    if (value.form == WR_FORM_NODE) {
        inner->json = value.as.json;
        inner->next = wr_json_first(value.as.json, value.len);
    } else if (array) {
        inner->elements = value.as.array;
        inner->count = value.len;
    } else {
        inner->members = value.as.object->members;
        inner->count = value.as.object->count;
    }
    wr_write_bytes(writer, array ? "[" : "{", 1);
}

static void write_scalar(struct wr_text_writer *writer, struct wr_value value)
{
    static const char *const constants[] = {"null", "false", "true"};
    char scratch[WR_NUMBER_CAP];
    if (value.kind < WR_JSON_NUMBER) {
        wr_write_bytes(writer, constants[value.kind], strlen(constants[value.kind]));
    } else if (value.kind == WR_JSON_NUMBER) {
        struct wr_text text = wr_number_text(value, scratch);
        wr_write_bytes(writer, text.data, text.len);
    } else {
        write_string(writer, wr_value_text(value));
    }
}

/* Write the next scalars of a container of a document, up to its end (false) or a container in it. */
static bool next_of_document(struct wr_text_writer *writer, struct open *now,
                             struct wr_value *inner)
{
    const struct wr_json *json = now->json;
    while (now->next != WR_JSON_NONE) {
        uint32_t node = now->next;
        wr_write_bytes(writer, ",", now->count++ > 0 ? 1 : 0);
        if (!now->array) {
            write_document_string(writer, json, node);
            wr_write_bytes(writer, ":", 1);
            node = wr_json_value(node);
        }
        now->next = wr_json_next(json, node);
        enum wr_json_kind kind = wr_json_kind(json, node);
        if (kind >= WR_JSON_ARRAY) {
            *inner = (struct wr_value){
                .kind = (uint8_t)kind, .form = WR_FORM_NODE, .len = node, .as.json = json};
            return true;
        }
        struct wr_text text = wr_json_text(json, node);
        if (kind == WR_JSON_STRING) {
            write_document_string(writer, json, node);
        } else {
            wr_write_bytes(writer, text.data, text.len);
        }
    }
    return false;
}

/* The next value of a built container; false: its end. */
static bool next_of_built(struct wr_text_writer *writer, struct open *now, struct wr_value *inner)
{
    if (now->next == now->count) {
        return false;
    }
    wr_write_bytes(writer, ",", now->next > 0 ? 1 : 0);
    if (now->array) {
        *inner = now->elements[now->next++];
    } else {
        write_string(writer, wr_value_text(now->members[now->next].key));
        wr_write_bytes(writer, ":", 1);
        *inner = now->members[now->next++].value;
    }
    return true;
}

void wr_write_json(struct wr_text_writer *writer, struct wr_value value)
{
    struct open *open = NULL;
    struct open *spare = NULL;
    for (;;) {
        if (value.kind < WR_JSON_ARRAY) {
            write_scalar(writer, value);
        } else {
            begin_container(writer, value, &open, &spare);
        }
        while (open != NULL && !(open->json != NULL ? next_of_document(writer, open, &value)
                                                    : next_of_built(writer, open, &value))) {
            struct open *ended = open;
            wr_write_bytes(writer, ended->array ? "]" : "}", 1);
            open = ended->up;
            ended->up = spare;
            spare = ended;
        }
        if (open == NULL || writer->failed) {
            return;
        }
    }
}

bool wr_text_writer_string(const struct wr_text_writer *writer, struct wr_value *string)
{
    *string = wr_value_string(writer->data != NULL ? writer->data : "", writer->len);
    return !writer->failed && writer->len <= UINT32_MAX;
}

enum { KEEPS_DEPTH = 8, KEEPS_COUNT = 256 };

static bool keeps(struct wr_value value, uint32_t depth, uint32_t *left)
{
    if (value.kind < WR_JSON_ARRAY) {
        return value.kind != WR_JSON_NUMBER || value.form != WR_FORM_REAL;
    }
    if (value.form == WR_FORM_NODE) {
        return true;
    }
    bool object = value.kind == WR_JSON_OBJECT;
    uint32_t count = object ? value.as.object->count : value.len;
    bool ok = depth < KEEPS_DEPTH && count <= *left;
    *left -= ok ? count : 0;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = keeps(object ? value.as.object->members[i].value : value.as.array[i], depth + 1, left);
    }
    return ok;
}

bool wr_value_keeps(struct wr_value value)
{
    uint32_t left = KEEPS_COUNT;
    return keeps(value, 0, &left);
}
