/*
 * http_record.c - what the recorder gets of requests and responses (flow_recorder.h), without their
 * secrets.
 *
 * Of the request's headers, only those that describe the request keep their values, because any
 * other may be a key. Of the response's, cookies lose theirs, and in Location the secrets of the
 * address. Called where the client sends and receives; nothing suspends.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "http.h"

static const char HIDDEN[] = "***";

static const char *const plain[] = {"Accept",
                                    "Accept-Encoding",
                                    "Accept-Language",
                                    "Cache-Control",
                                    "Content-Type",
                                    "Expect",
                                    "If-Modified-Since",
                                    "If-None-Match",
                                    "If-Range",
                                    "Last-Event-ID",
                                    "Range",
                                    "Sec-WebSocket-Version",
                                    "User-Agent",
                                    NULL};
static const char *const cookies[] = {"Set-Cookie", "Set-Cookie2", NULL};

static bool is_among(struct wr_text name, const char *const *names)
{
    while (*names != NULL && !wr_text_is(name, *names)) {
        names++;
    }
    return *names != NULL;
}

void wr_http_record_request(const struct wr_http *http)
{
    const char *target = wr_http_target(http);
    size_t cap = strlen(target) * 4 + 64 + http->sent_len * 5;
    char *text = wr_alloc(cap), *url = wr_alloc(cap);
    if (text == NULL || url == NULL) {
        wr_recorder_add(http->recorder, WR_RECORD_REQUEST, "", 0);
        wr_free(text);
        wr_free(url);
        return;
    }
    struct wr_print print;
    wr_print_to(&print, text, cap);
    wr_url_redact(wr_text_of(target), url, cap);
    wr_print_string(&print, http->out != NULL ? "POST " : "GET ");
    wr_print_string(&print, url);
    wr_print_string(&print, "\n");
    for (size_t at = 0; at < http->sent_len; at += strlen(http->sent + at) + 1) {
        const char *line = http->sent + at;
        size_t name = strcspn(line, ":;");
        if (is_among((struct wr_text){line, name}, plain)) {
            wr_print_string(&print, line);
        } else {
            wr_print_bytes(&print, line, name);
            wr_print_string(&print, ": ");
            wr_print_string(&print, HIDDEN);
        }
        wr_print_string(&print, "\n");
    }
    wr_recorder_add(http->recorder, WR_RECORD_REQUEST, text,
                    WR_MIN(print.len, (size_t)WR_RECORD_BYTES_MAX));
    wr_free(text);
    wr_free(url);
}

void wr_http_record_line(const struct wr_http *http, const char *line, size_t len)
{
    const char *colon = len > 0 ? memchr(line, ':', len) : NULL;
    size_t name = colon != NULL ? (size_t)(colon - line) : 0;
    bool is_cookie = colon != NULL && is_among((struct wr_text){line, name}, cookies);
    bool leads = colon != NULL && wr_text_is((struct wr_text){line, name}, "Location");
    size_t cap = len * 4 + 64;
    char *text = is_cookie || leads ? wr_alloc(cap) : NULL;
    if (text == NULL) {
        /* without memory, such a line is left out */
        if (!is_cookie && !leads) {
            wr_recorder_add(http->recorder, WR_RECORD_HEAD_LINE, line,
                            WR_MIN(len, (size_t)WR_RECORD_BYTES_MAX));
        }
        return;
    }
    size_t end = len;
    while (end > name && (line[end - 1] == '\r' || line[end - 1] == '\n')) {
        end--;
    }
    size_t from = name + 1;
    while (from < end && line[from] == ' ') {
        from++;
    }
    int at = snprintf(text, cap, "%.*s: ", (int)name, line);
    if (is_cookie) {
        snprintf(text + at, cap - (size_t)at, "%s", HIDDEN);
    } else {
        wr_url_redact((struct wr_text){line + from, end - from}, text + at, cap - (size_t)at);
    }
    size_t written = strlen(text);
    snprintf(text + written, cap - written, "\r\n");
    wr_recorder_add(http->recorder, WR_RECORD_HEAD_LINE, text, strlen(text));
    wr_free(text);
}

void wr_http_record_failure(const struct wr_http *http, enum wr_record_kind kind)
{
    const struct wr_http_failure *failure = &http->failure;
    wr_recorder_failure(http->recorder, kind, failure->code, failure->detail, failure->retry,
                        failure->text != NULL ? failure->text : wr_code_text(failure->code));
}
