/*
 * server_request.c - what a handler can read of a request.
 *
 * Everything is read from the head, which the parser keeps while the request is served. Values are
 * decoded into the caller's buffer. Nothing is allocated and nothing suspends.
 */
#include <string.h>

#include "server_conn.h"

struct room {
    char *to;
    size_t cap;
    int64_t len;
};

static void put(struct room *room, char c)
{
    if ((size_t)room->len + 1 < room->cap) {
        room->to[room->len] = c;
        room->to[room->len + 1] = '\0';
    }
    room->len++;
}

/* False: a percent sign without two hex digits after it, which is then copied unchanged. */
static bool decode(struct wr_text text, bool form, struct room *room)
{
    bool good = true;
    if (room->cap > 0) {
        room->to[0] = '\0';
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? wr_hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? wr_hex_value(text.data[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            } else {
                good = false;
            }
        } else if (c == '+' && form) {
            c = ' ';
        }
        put(room, c);
    }
    return good;
}

bool wr_request_init(weir_request *request, const struct wr_http1_request *head)
{
    struct room room = {request->path, sizeof request->path, 0};
    request->head = head;
    request->is_head = wr_text_is(head->method, "HEAD");
    bool good = decode(head->path, false, &room);
    return good && room.len < (int64_t)sizeof request->path &&
           memchr(request->path, '\0', (size_t)room.len) == NULL;
}

const char *weir_request_method(const weir_request *request)
{
    wr_request_given(request, "weir_request_method");
    return request->is_head ? "HEAD" : request->is_post ? "POST" : "GET";
}

weir_slice weir_request_body(const weir_request *request)
{
    wr_request_given(request, "weir_request_body");
    return (weir_slice){request->body.data, request->body.len};
}

const char *weir_request_path(const weir_request *request)
{
    wr_request_given(request, "weir_request_path");
    return request->path;
}

/* The raw value of a query parameter. */
static struct wr_text find(struct wr_text query, const char *name)
{
    size_t name_len = strlen(name);
    while (query.data != NULL) {
        const char *end = memchr(query.data, '&', query.len);
        struct wr_text part = {query.data, end != NULL ? (size_t)(end - query.data) : query.len};
        if (part.len >= name_len && memcmp(part.data, name, name_len) == 0 &&
            (part.len == name_len || part.data[name_len] == '=')) {
            size_t skip = name_len + (part.len > name_len ? 1 : 0);
            return (struct wr_text){part.data + skip, part.len - skip};
        }
        query = end != NULL ? (struct wr_text){end + 1, query.len - part.len - 1}
                            : (struct wr_text){NULL, 0};
    }
    return query;
}

int64_t weir_request_query(const weir_request *request, const char *name, char *to, size_t cap)
{
    wr_request_given(request, "weir_request_query");
    struct wr_text value = find(request->head->query, name);
    struct room room = {to, cap, 0};
    (void)decode(value, true, &room);
    return value.data != NULL ? room.len : -1;
}

int64_t weir_request_number(const weir_request *request, const char *name, int64_t otherwise)
{
    wr_request_given(request, "weir_request_number");
    struct wr_text value = find(request->head->query, name);
    int64_t number;
    return value.data != NULL && wr_text_take_number(&value, &number) && value.len == 0 ? number
                                                                                        : otherwise;
}

int64_t weir_request_header(const weir_request *request, const char *name, char *to, size_t cap)
{
    wr_request_given(request, "weir_request_header");
    struct wr_text value = wr_http1_header_of(request->head, name);
    struct room room = {to, cap, 0};
    if (cap > 0) {
        to[0] = '\0';
    }
    for (size_t i = 0; i < value.len; i++) {
        put(&room, value.data[i]);
    }
    return value.data != NULL ? room.len : -1;
}
