/*
 * codec_proxy.c - the texts of http_proxy and no_proxy. Pure functions.
 */
#include "codec_proxy.h"

#include "codec_address.h"
#include "codec_url.h"

enum { PROXY_PORT = 1080 };

bool wr_proxy_parse(struct wr_text text, struct wr_proxy *proxy)
{
    *proxy = (struct wr_proxy){.port = PROXY_PORT};
    text = wr_text_trim(text);
    if (!wr_text_take(&text, "http://") && memmem(text.data, text.len, "://", 3) != NULL) {
        return false;
    }
    size_t at = wr_url_userinfo(text);
    if (at < text.len) {
        proxy->userinfo = (struct wr_text){text.data, at};
        text.data += at + 1;
        text.len -= at + 1;
    }
    const char *slash = memchr(text.data, '/', text.len);
    text.len = slash != NULL ? (size_t)(slash - text.data) : text.len;
    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    if (wr_address_split(text, &proxy->host, &proxy->port)) {
        return proxy->host.len > 0;
    }
    bool bracketed = text.data[0] == '[' && text.data[text.len - 1] == ']';
    proxy->port = PROXY_PORT;
    proxy->host = bracketed ? (struct wr_text){text.data + 1, text.len - 2} : text;
    return proxy->host.len > 0 &&
           (bracketed || (text.data[0] != '[' && memchr(text.data, ':', text.len) == NULL));
}

static bool ends_with(struct wr_text host, struct wr_text name)
{
    if (host.len < name.len) {
        return false;
    }
    struct wr_text end = {host.data + host.len - name.len, name.len};
    return wr_text_same(end, name) &&
           (end.data == host.data || host.data[host.len - name.len - 1] == '.');
}

bool wr_no_proxy_has(const char *list, struct wr_text host)
{
    if (strcmp(list, "*") == 0) {
        return true;
    }
    while (*list != '\0') {
        size_t len = strcspn(list, ", ");
        struct wr_text name = {list, len};
        if (name.len > 0 && name.data[0] == '.') {
            name.data++;
            name.len--;
        }
        bool bracketed = name.len > 1 && name.data[0] == '[' && name.data[name.len - 1] == ']';
        if (bracketed) {
            name = (struct wr_text){name.data + 1, name.len - 2};
        }
        if (name.len > 0 && ends_with(host, name)) {
            return true;
        }
        list += len;
        list += strspn(list, ", ");
    }
    return false;
}
