/*
 * codec_ws_handshake.c - the request of a client, and what it requires of the answer.
 *
 * A header that must stand once and stands twice makes the answer invalid: which of the two counts
 * would depend on the reader. Pure functions, except for OpenSSL's memory.
 */
#include <stdio.h>

#include <weir/error.h>

#include "base_error.h"
#include "codec_base64.h"
#include "codec_digest.h"
#include "codec_out.h"
#include "codec_response.h"
#include "codec_ws_handshake.h"

enum { SWITCHING_PROTOCOLS = 101 };

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void wr_ws_write_nonce(const uint8_t nonce[WR_WS_NONCE_BYTES], char to[WR_WS_NONCE_CHARS + 1])
{
    wr_base64_write((const char *)nonce, WR_WS_NONCE_BYTES, to);
    to[WR_WS_NONCE_CHARS] = '\0';
}

/* Base64 of 16 bytes: 22 characters and two signs of padding. */
static bool is_nonce(struct wr_text key)
{
    bool good = key.len == WR_WS_NONCE_CHARS && key.data[22] == '=' && key.data[23] == '=';
    for (size_t i = 0; good && i < 22; i++) {
        char c = key.data[i];
        good = wr_is_alpha(c) || wr_is_digit(c) || c == '+' || c == '/';
    }
    return good;
}

int wr_ws_write_accept(struct wr_text key, char to[WR_WS_ACCEPT_CHARS + 1])
{
    char text[WR_WS_NONCE_CHARS + sizeof guid], digest[WR_SHA1_BYTES];
    if (!is_nonce(key)) {
        return WEIR_EINVAL;
    }
    memcpy(text, key.data, WR_WS_NONCE_CHARS);
    memcpy(text + WR_WS_NONCE_CHARS, guid, sizeof guid);
    if (!wr_sha1(text, sizeof text - 1, digest)) {
        return WEIR_ENOMEM;
    }
    wr_base64_write(digest, sizeof digest, to);
    to[WR_WS_ACCEPT_CHARS] = '\0';
    return 0;
}

/* ---- the request */

static const char *const own_headers[] = {"Upgrade",
                                          "Connection",
                                          "Sec-WebSocket-Key",
                                          "Sec-WebSocket-Version",
                                          "Sec-WebSocket-Accept",
                                          "Sec-WebSocket-Extensions",
                                          "Sec-WebSocket-Protocol",
                                          "Content-Length",
                                          "Transfer-Encoding",
                                          "Expect"};

bool wr_ws_is_own_header(struct wr_text name)
{
    for (size_t i = 0; i < sizeof own_headers / sizeof *own_headers; i++) {
        if (wr_text_is(name, own_headers[i])) {
            return true;
        }
    }
    return false;
}

static void put_line(struct wr_out *out, const char *name, struct wr_text value)
{
    wr_out_string(out, name);
    wr_out_string(out, ": ");
    wr_out_bytes(out, value.data, value.len);
    wr_out_string(out, "\r\n");
}

static bool names_host(const struct wr_ws_request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        struct wr_text line = wr_text_of(request->headers[i]);
        if (wr_text_take(&line, "Host") && line.len > 0 && line.data[0] == ':') {
            return true;
        }
    }
    return false;
}

void wr_ws_write_request(struct wr_out *out, const struct wr_ws_request *request)
{
    bool rooted = request->target.len > 0 && request->target.data[0] == '/';
    wr_out_string(out, rooted ? "GET " : "GET /");
    wr_out_bytes(out, request->target.data, request->target.len);
    wr_out_string(out, " HTTP/1.1\r\n");
    if (!names_host(request)) {
        put_line(out, "Host", request->host);
    }
    wr_out_string(out, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    put_line(out, "Sec-WebSocket-Key", wr_text_of(request->nonce));
    wr_out_string(out, "Sec-WebSocket-Version: 13\r\n");
    if (request->protocols != NULL) {
        put_line(out, "Sec-WebSocket-Protocol", wr_text_of(request->protocols));
    }
    if (request->deflate) {
        put_line(out, "Sec-WebSocket-Extensions", wr_text_of(WR_WS_OFFER));
    }
    for (size_t i = 0; i < request->headers_count; i++) {
        wr_out_string(out, request->headers[i]);
        wr_out_string(out, "\r\n");
    }
    if (request->more != NULL) {
        wr_out_string(out, request->more);
        wr_out_string(out, "\r\n");
    }
    wr_out_string(out, "\r\n");
}

/* ---- the answer */

size_t wr_ws_head_bytes(const char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        const char *lf = memchr(data + at, '\n', len - at);
        if (lf == NULL) {
            return 0;
        }
        size_t next = (size_t)(lf - data) + 1;
        if (at > 0 && (next - at == 1 || (next - at == 2 && data[at] == '\r'))) {
            return next;
        }
        at = next;
    }
    return 0;
}

/* "HTTP/1.1 101 Switching Protocols" */
static bool read_status(struct wr_ws_answer *answer, struct wr_text line)
{
    int64_t minor, status;
    struct wr_text rest = line;
    if (!wr_text_take(&rest, "HTTP/1.") || !wr_text_take_number(&rest, &minor) ||
        !wr_text_take(&rest, " ")) {
        return false;
    }
    bool three = rest.len >= 3 && (rest.len == 3 || rest.data[3] < '0' || rest.data[3] > '9');
    if (!three || !wr_text_take_number(&rest, &status) || status < 100) {
        return false;
    }
    answer->status = (int)status;
    while (rest.len > 0 && (rest.data[rest.len - 1] == '\r' || rest.data[rest.len - 1] == '\n')) {
        rest.len--;
    }
    answer->reason = wr_text_trim(rest);
    return minor >= 1 || status != SWITCHING_PROTOCOLS;
}

static void set_once(struct wr_ws_answer *answer, struct wr_text *to, struct wr_text value)
{
    answer->twice = answer->twice || to->data != NULL;
    *to = value;
}

static void read_header(struct wr_ws_answer *answer, struct wr_text name, struct wr_text value,
                        bool deflate, int64_t now_s, int64_t max_ms)
{
    if (wr_text_is(name, "Upgrade")) {
        set_once(answer, &answer->upgrade, value);
    } else if (wr_text_is(name, "Connection")) {
        answer->connection = answer->connection || wr_ws_list_has(value, wr_text_of("upgrade"));
    } else if (wr_text_is(name, "Sec-WebSocket-Accept")) {
        set_once(answer, &answer->accept, value);
    } else if (wr_text_is(name, "Sec-WebSocket-Protocol")) {
        set_once(answer, &answer->protocol, value);
    } else if (wr_text_is(name, "Location")) {
        answer->location = value;
    } else if (wr_text_is(name, "Retry-After")) {
        answer->retry_after_ms = wr_retry_after_ms(value, now_s, max_ms);
    } else if (wr_text_is(name, "Sec-WebSocket-Extensions") && answer->extension == NULL) {
        answer->extension = deflate || value.len == 0 ? wr_ws_terms_answered(value, &answer->terms)
                                                      : "it uses an extension that was not offered";
    }
}

bool wr_ws_answer_read(struct wr_ws_answer *answer, const char *head, size_t len, bool deflate,
                       int64_t now_s, int64_t max_ms)
{
    *answer = (struct wr_ws_answer){.retry_after_ms = -1};
    for (size_t at = 0, next; at < len; at = next) {
        const char *lf = memchr(head + at, '\n', len - at);
        next = lf != NULL ? (size_t)(lf - head) + 1 : len;
        struct wr_text line = {head + at, next - at}, name, value;
        if (at == 0 && !read_status(answer, line)) {
            return false;
        }
        if (at > 0 && wr_header_split(line, &name, &value)) {
            read_header(answer, name, value, deflate, now_s, max_ms);
        }
    }
    return answer->status != 0;
}

bool wr_ws_is_list(const char *protocols)
{
    bool token = false;
    for (const char *c = protocols; *c != '\0'; c++) {
        token = token || wr_is_token_char(*c);
        if (!wr_is_token_char(*c) && strchr(", ", *c) == NULL) {
            return false;
        }
    }
    return token;
}

bool wr_ws_list_has(struct wr_text list, struct wr_text name)
{
    while (list.len > 0) {
        const char *comma = memchr(list.data, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.data) : list.len;
        if (wr_text_same(wr_text_trim((struct wr_text){list.data, len}), name)) {
            return true;
        }
        len += comma != NULL;
        list.data += len;
        list.len -= len;
    }
    return false;
}

const char *wr_ws_answer_wrong(const struct wr_ws_answer *answer, const char *accept,
                               const char *protocols, unsigned *close)
{
    *close = 0;
    if (answer->twice) {
        return "a header that may stand only once stands twice";
    }
    if (!wr_text_is(answer->upgrade.data != NULL ? answer->upgrade : wr_text_of(""), "websocket") ||
        !answer->connection) {
        return "it does not upgrade the connection to websocket";
    }
    if (answer->accept.data == NULL) {
        return "Sec-WebSocket-Accept is missing";
    }
    if (answer->accept.len != strlen(accept) ||
        memcmp(answer->accept.data, accept, answer->accept.len) != 0) {
        return "its Sec-WebSocket-Accept is not that of the request";
    }
    if (answer->extension != NULL) {
        *close = WR_WS_NO_EXTENSION;
        return answer->extension;
    }
    bool chosen = answer->protocol.data != NULL;
    if (chosen && (protocols == NULL || !wr_ws_list_has(wr_text_of(protocols), answer->protocol))) {
        *close = WR_WS_PROTOCOL;
        return "it speaks a subprotocol that was not offered";
    }
    if (!chosen && protocols != NULL) {
        *close = WR_WS_PROTOCOL;
        return "it speaks none of the offered subprotocols";
    }
    return NULL;
}
