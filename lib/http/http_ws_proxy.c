/*
 * http_ws_proxy.c - the proxy of a WebSocket connection: that of the environment, by libcurl's rules.
 *
 * For ws:// it is http_proxy, in lower case only, because a CGI program gets HTTP_PROXY from its
 * client; for wss:// https_proxy; else all_proxy; unless no_proxy has the host. Only HTTP proxies can be
 * used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_base64.h"
#include "codec_proxy.h"
#include "http_ws_parts.h"

static const char *value_of(const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && *value != '\0') {
            return value;
        }
    }
    return NULL;
}

/* "Proxy-Authorization: Basic ...", with its end; NULL: out of memory. */
static char *make_login(struct wr_text userinfo)
{
    static const char begin[] = "Proxy-Authorization: Basic ";
    size_t at = sizeof begin - 1, len = 0;
    char *plain = wr_alloc(userinfo.len + 1);
    char *line = wr_alloc(at + wr_base64_len(userinfo.len) + 3);
    for (size_t i = 0; plain != NULL && i < userinfo.len; i++) {
        char c = userinfo.data[i];
        int high = c == '%' && i + 2 < userinfo.len ? wr_hex_value(userinfo.data[i + 1]) : -1;
        int low = high >= 0 ? wr_hex_value(userinfo.data[i + 2]) : -1;
        plain[len++] = low >= 0 ? (char)(high * 16 + low) : c;
        i += low >= 0 ? 2 : 0;
    }
    if (plain != NULL && line != NULL) {
        memcpy(line, begin, at);
        wr_base64_write(plain, len, line + at);
        memcpy(line + at + wr_base64_len(len), "\r\n", 3);
    } else {
        wr_free(line);
        line = NULL;
    }
    if (plain != NULL) {
        memset(plain, 0, len);
    }
    wr_free(plain);
    return line;
}

int wr_ws_set_proxy(struct wr_ws_wire *wire, const struct wr_url *url)
{
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    const char *text = value_of(url->secure ? secure : plain), *except = value_of(none);
    struct wr_text host = url->host;
    struct wr_proxy proxy;
    if (host.len > 1 && host.data[0] == '[') {
        host = (struct wr_text){host.data + 1, host.len - 2};
    }
    if (text == NULL || (except != NULL && wr_no_proxy_has(except, host))) {
        return 0;
    }
    if (!wr_proxy_parse(wr_text_of(text), &proxy)) {
        return wr_http_refuse(&wire->http->failure, WEIR_EINVAL, 0,
                              "the proxy of the environment (%s) is not http://HOST:PORT: a "
                              "WebSocket needs an HTTP proxy; no_proxy=%.*s does without",
                              url->secure ? "https_proxy" : "http_proxy", (int)host.len, host.data);
    }
    size_t cap = proxy.host.len + 16;
    bool colons = memchr(proxy.host.data, ':', proxy.host.len) != NULL;
    wire->tunnel.proxy = wr_alloc(cap);
    if (proxy.userinfo.data != NULL) {
        wire->tunnel.login = make_login(proxy.userinfo);
    }
    if (wire->tunnel.proxy == NULL || (proxy.userinfo.data != NULL && wire->tunnel.login == NULL)) {
        return WEIR_ENOMEM;
    }
    (void)snprintf(wire->tunnel.proxy, cap, "%s%.*s%s:%u", colons ? "[" : "", (int)proxy.host.len,
                   proxy.host.data, colons ? "]" : "", proxy.port);
    wire->dial.tunnel = &wire->tunnel;
    return 0;
}
