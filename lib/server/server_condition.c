/*
 * server_condition.c - conditional requests: is the client's copy still valid, is this the version
 * that the client expects?
 *
 * The order is that of RFC 9110 13.2.2: If-Match, else If-Unmodified-Since, then If-None-Match,
 * else If-Modified-Since, and Range only if all of them hold. They are checked for a successful
 * reply, after the handler has set its validators and before its generator is pulled. The server's
 * entity tags are strong, so a weak tag matches only in a weak comparison. A header that cannot be
 * read counts as absent (dates) or matches nothing (tags). Nothing here suspends or keeps state.
 */
#include <string.h>

#include "server_conn.h"

enum comparison { STRONG, WEAK };

/* Take the first entity tag of a list, with the separators before it. False: there is none. */
static bool take_tag(struct wr_text *list, struct wr_text *tag, bool *weak)
{
    while (list->len > 0 &&
           (list->data[0] == ',' || list->data[0] == ' ' || list->data[0] == '\t')) {
        list->data++;
        list->len--;
    }
    *weak = list->len >= 2 && memcmp(list->data, "W/", 2) == 0;
    size_t start = *weak ? 2 : 0;
    if (list->len < start + 2 || list->data[start] != '"') {
        return false;
    }
    const char *end = memchr(list->data + start + 1, '"', list->len - start - 1);
    if (end == NULL) {
        return false;
    }
    *tag = (struct wr_text){list->data + start, (size_t)(end + 1 - list->data) - start};
    list->len -= (size_t)(end + 1 - list->data);
    list->data = end + 1;
    return true;
}

static bool list_matches(struct wr_text list, const char *etag, enum comparison comparison)
{
    struct wr_text tag;
    bool weak;
    size_t len = strlen(etag);
    if (wr_text_is(list, "*")) {
        return true;
    }
    while (len > 0 && take_tag(&list, &tag, &weak)) {
        if (tag.len == len && memcmp(tag.data, etag, len) == 0 && (!weak || comparison == WEAK)) {
            return true;
        }
    }
    return false;
}

/* Does one of the lines of this header name this version? */
static bool header_matches(const weir_reply *reply, const char *name, enum comparison comparison)
{
    const struct wr_http1_request *head = reply->request->head;
    for (size_t i = 0; i < head->headers_count; i++) {
        if (wr_text_is(head->headers[i].name, name) &&
            list_matches(head->headers[i].value, reply->etag, comparison)) {
            return true;
        }
    }
    return false;
}

/* The value of a header that occurs exactly once; else absent (NULL data). */
static struct wr_text single(const struct wr_http1_request *head, const char *name)
{
    struct wr_text value = {NULL, 0};
    for (size_t i = 0; i < head->headers_count; i++) {
        if (wr_text_is(head->headers[i].name, name)) {
            if (value.data != NULL) {
                return (struct wr_text){NULL, 0};
            }
            value = head->headers[i].value;
        }
    }
    return value;
}

static bool date_of(const weir_reply *reply, const char *name, int64_t *unix_s)
{
    return reply->dated &&
           wr_http_date_parse(single(reply->request->head, name), reply->now_s, unix_s);
}

int wr_reply_condition(const weir_reply *reply)
{
    const struct wr_http1_request *head = reply->request->head;
    int64_t date;
    if (wr_http1_header_of(head, "If-Match").data != NULL) {
        if (!header_matches(reply, "If-Match", STRONG)) {
            return 412;
        }
    } else if (date_of(reply, "If-Unmodified-Since", &date) && reply->modified_s > date) {
        return 412;
    }
    if (wr_http1_header_of(head, "If-None-Match").data != NULL) {
        return header_matches(reply, "If-None-Match", WEAK) ? 304 : 0;
    }
    return date_of(reply, "If-Modified-Since", &date) && reply->modified_s <= date ? 304 : 0;
}

bool wr_reply_range_holds(const weir_reply *reply)
{
    const struct wr_http1_request *head = reply->request->head;
    int64_t date;
    if (wr_http1_header_of(head, "If-Range").data == NULL) {
        return true;
    }
    struct wr_text value = single(head, "If-Range");
    if (value.len > 0 && value.data[0] == '"') {
        return reply->etag[0] != '\0' && value.len == strlen(reply->etag) &&
               memcmp(value.data, reply->etag, value.len) == 0;
    }
    /* A date identifies a version only if it is in a past second: within the current second the
     * content may change again. */
    return date_of(reply, "If-Range", &date) && date == reply->modified_s &&
           reply->modified_s < reply->now_s;
}

struct wr_text wr_reply_range_asked(const weir_reply *reply)
{
    return single(reply->request->head, "Range");
}
