/*
 * codec_url.c - parsing, resolving and redacting http and https URLs.
 *
 * A text is first cut into scheme, authority, path and query, as in appendix B of RFC 3986. This
 * cut cannot fail, and works for absolute URLs and relative references. The parts are checked after
 * that.
 *
 * The check is strict where two programs could read one text in two ways and so talk to different
 * hosts: several @ in the authority, a backslash, percent-encoding in a host (except the %25 that a
 * zone begins with), a port above 65535. libcurl gets the text afterwards and must find the same
 * host in it.
 */
#include <weir/error.h>

#include "codec_secret.h"
#include "codec_url.h"

struct parts {
    struct wr_text scheme, authority, path, query; /* data NULL: absent */
};

static struct wr_text take_until(struct wr_text *rest, const char *stops)
{
    size_t len = 0;
    while (len < rest->len && (rest->data[len] == '\0' || strchr(stops, rest->data[len]) == NULL)) {
        len++;
    }
    struct wr_text taken = {rest->data, len};
    rest->data += len;
    rest->len -= len;
    return taken;
}

static struct parts cut(struct wr_text rest)
{
    struct parts parts = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t scheme = 0;
    while (scheme < rest.len &&
           (wr_is_alpha(rest.data[scheme]) ||
            (scheme > 0 && (wr_is_digit(rest.data[scheme]) || rest.data[scheme] == '+' ||
                            rest.data[scheme] == '-' || rest.data[scheme] == '.')))) {
        scheme++;
    }
    if (scheme > 0 && scheme < rest.len && rest.data[scheme] == ':') {
        parts.scheme = (struct wr_text){rest.data, scheme};
        rest.data += scheme + 1;
        rest.len -= scheme + 1;
    }
    if (wr_text_take(&rest, "//")) {
        parts.authority = take_until(&rest, "/?#");
    }
    parts.path = take_until(&rest, "?#");
    if (wr_text_take(&rest, "?")) {
        parts.query = take_until(&rest, "#");
    }
    return parts;
}

static bool has_control(struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The length of "%25eth0" at the end of an IPv6 address in brackets (RFC 6874); 0: there is no
 * zone. Other percent-encoding in a zone is refused: names of interfaces do not need it. */
static size_t zone_len(struct wr_text host)
{
    const char *sign = memchr(host.data, '%', host.len);
    size_t len = sign != NULL ? (size_t)(host.data + host.len - 1 - sign) : 0;
    if (len < 4 || sign == host.data + 1 || memcmp(sign, "%25", 3) != 0) {
        return 0;
    }
    for (size_t i = 3; i < len; i++) {
        if (!wr_is_digit(sign[i]) && !wr_is_alpha(sign[i]) &&
            (sign[i] == '\0' || strchr("-._~", sign[i]) == NULL)) {
            return 0;
        }
    }
    return len;
}

static bool is_host(struct wr_text host)
{
    bool brackets = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    size_t zone = brackets ? zone_len(host) : 0;
    for (size_t i = brackets; i < host.len - brackets - zone; i++) {
        char c = host.data[i];
        bool fits = brackets ? wr_is_digit(c) || (wr_lower(c) >= 'a' && wr_lower(c) <= 'f') ||
                                   c == ':' || c == '.'
                             : wr_is_digit(c) || wr_is_alpha(c) || c == '-' || c == '.' ||
                                   c == '_' || c == '~' || (unsigned char)c >= 0x80;
        if (!fits) {
            return false;
        }
    }
    return host.len > 0;
}

static bool read_authority(struct wr_text authority, struct wr_url *url)
{
    const char *at = memchr(authority.data, '@', authority.len);
    if (at != NULL) {
        url->userinfo = (struct wr_text){authority.data, (size_t)(at - authority.data)};
        authority.len -= url->userinfo.len + 1;
        authority.data = at + 1;
        if (memchr(url->userinfo.data, '\\', url->userinfo.len) != NULL) {
            return false; /* browsers read it as a slash, and what follows as the path */
        }
    }
    size_t host = authority.len;
    while (host > 0 && wr_is_digit(authority.data[host - 1])) {
        host--;
    }
    url->port = url->secure ? 443 : 80;
    if (host > 0 && authority.data[host - 1] == ':') {
        struct wr_text digits = {authority.data + host, authority.len - host};
        int64_t port;
        url->port_given = digits.len > 0; /* "h:" has the default port */
        if (url->port_given) {
            if (!wr_text_take_number(&digits, &port) || port == 0 || port > 65535) {
                return false;
            }
            url->port = (uint16_t)port;
        }
        host--;
    } else {
        host = authority.len;
    }
    url->host = (struct wr_text){authority.data, host};
    return is_host(url->host);
}

static int judge(const struct parts *parts, bool secure, struct wr_url *url)
{
    *url = (struct wr_url){.secure = secure, .path = parts->path, .query = parts->query};
    if (parts->scheme.data != NULL) {
        url->secure = wr_text_is(parts->scheme, "https");
        if (!url->secure && !wr_text_is(parts->scheme, "http")) {
            return WEIR_EINVAL;
        }
    }
    if (parts->authority.data == NULL || has_control(parts->path) || has_control(parts->query) ||
        has_control(parts->authority) || !read_authority(parts->authority, url)) {
        return WEIR_EINVAL;
    }
    return 0;
}

int wr_url_parse(struct wr_text text, struct wr_url *url)
{
    struct parts parts = cut(text);
    if (parts.scheme.data == NULL || (text.len > 0 && memchr(text.data, ' ', text.len) != NULL)) {
        return WEIR_EINVAL;
    }
    return judge(&parts, false, url);
}

int wr_url_parse_ws(struct wr_text text, struct wr_url *url)
{
    struct parts parts = cut(text);
    bool secure = parts.scheme.data != NULL && wr_text_is(parts.scheme, "wss");
    if (parts.scheme.data == NULL || memchr(text.data, ' ', text.len) != NULL ||
        (!secure && !wr_text_is(parts.scheme, "ws"))) {
        return WEIR_EINVAL;
    }
    parts.scheme.data = NULL;
    return judge(&parts, secure, url);
}

struct writer {
    char *out;
    size_t len, cap;
    bool full;
};

static void put(struct writer *w, const char *data, size_t len)
{
    if (w->full || len >= w->cap - w->len) {
        w->full = true; /* one byte stays free for the terminator */
        return;
    }
    memcpy(w->out + w->len, data, len);
    w->len += len;
}

static void put_word(struct writer *w, const char *word)
{
    put(w, word, strlen(word));
}

static void put_encoded(struct writer *w, struct wr_text text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == ' ' || c >= 0x80) {
            const char code[3] = {'%', hex[c >> 4], hex[c & 15]};
            put(w, code, 3);
        } else {
            put(w, text.data + i, 1);
        }
    }
}

/* Remove "." and ".." in place from a path that begins with a slash. Returns its new length. */
static size_t remove_dots(char *path, size_t len)
{
    size_t to = 0;
    size_t from = 0;
    while (from < len) {
        size_t end = from + 1;
        while (end < len && path[end] != '/') {
            end++;
        }
        size_t segment = end - from - 1;
        bool one = segment == 1 && path[from + 1] == '.';
        bool two = segment == 2 && path[from + 1] == '.' && path[from + 2] == '.';
        if (two) {
            do {
                to -= to > 0;
            } while (to > 0 && path[to] != '/');
        }
        if (!one && !two) {
            memmove(path + to, path + from, end - from);
            to += end - from;
        } else if (end == len) {
            path[to++] = '/';
        }
        from = end;
    }
    return to;
}

static void put_path(struct writer *w, struct wr_text directory, struct wr_text path)
{
    size_t start = w->len;
    put_encoded(w, directory);
    if (w->len == start && (path.len == 0 || path.data[0] != '/')) {
        put_word(w, "/");
    }
    put_encoded(w, path);
    if (!w->full) {
        w->len = start + remove_dots(w->out + start, w->len - start);
    }
}

/* Without the zeros that a text may put before it. */
static void put_port(struct writer *w, unsigned port)
{
    char digits[6];
    size_t at = sizeof digits;
    for (; port > 0; port /= 10) {
        digits[--at] = (char)('0' + port % 10);
    }
    digits[--at] = ':';
    put(w, digits + at, sizeof digits - at);
}

int wr_url_resolve(struct wr_text base, struct wr_text reference, char *out, size_t cap,
                   struct wr_text *userinfo)
{
    struct wr_url from;
    struct wr_url to;
    struct wr_text directory = {NULL, 0};
    struct parts parts = cut(wr_text_trim(reference));
    if (cap == 0 || wr_url_parse(base, &from) < 0) {
        return WEIR_EINVAL;
    }
    if (parts.scheme.data != NULL || parts.authority.data != NULL) {
        if (judge(&parts, from.secure, &to) < 0) {
            return WEIR_EINVAL;
        }
    } else {
        if (has_control(parts.path) || has_control(parts.query)) {
            return WEIR_EINVAL;
        }
        to = from;
        if (parts.path.len > 0) {
            to.path = parts.path;
        }
        if (parts.path.len > 0 || parts.query.data != NULL) {
            to.query = parts.query;
        }
        if (parts.path.len > 0 && parts.path.data[0] != '/') {
            directory = from.path;
            while (directory.len > 0 && directory.data[directory.len - 1] != '/') {
                directory.len--;
            }
        }
    }
    struct writer w = {out, 0, cap, false};
    put_word(&w, to.secure ? "https://" : "http://");
    put(&w, to.host.data, to.host.len);
    if (to.port_given) {
        put_port(&w, to.port);
    }
    put_path(&w, directory, to.path);
    if (to.query.data != NULL) {
        put_word(&w, "?");
        put_encoded(&w, to.query);
    }
    out[w.len] = '\0';
    *userinfo = to.userinfo;
    return w.full ? WEIR_ETOOLONG : 0;
}

bool wr_url_same_origin(const struct wr_url *a, const struct wr_url *b)
{
    return a->secure == b->secure && a->port == b->port && wr_text_same(a->host, b->host);
}

/* As put, but a text that does not fit is cut, and control bytes become a question mark. */
static void show(struct writer *w, struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i];
        put(w, &c, 1);
    }
}

static void show_query(struct writer *w, struct wr_text query)
{
    while (query.len > 0) {
        struct wr_text pair = take_until(&query, "&");
        struct wr_text name = take_until(&pair, "=");
        bool secret = wr_secret_name(name);
        if (secret && pair.len == 0) {
            put_word(w, "***"); /* a value without a name */
        } else {
            show(w, name);
            if (secret && pair.len > 1) {
                put_word(w, "=***");
            } else {
                show(w, pair);
            }
        }
        if (wr_text_take(&query, "&")) {
            put_word(w, "&");
        }
    }
}

size_t wr_url_userinfo(struct wr_text rest)
{
    struct wr_text tail = rest;
    struct wr_text authority = take_until(&tail, "/?#");
    size_t end = authority.len;
    while (end > 0 && wr_is_digit(rest.data[end - 1])) {
        end--;
    }
    bool host_alone = is_host((struct wr_text){
        rest.data, end > 0 && rest.data[end - 1] == ':' ? end - 1 : authority.len});
    if (memchr(rest.data, '@', authority.len) == NULL && !host_alone && authority.len > 0) {
        authority.len =
            rest.len; /* a password may have a slash in it: hide too much rather than too little */
    }
    size_t at = authority.len;
    while (at > 0 && rest.data[at - 1] != '@') {
        at--;
    }
    return at == 0 ? rest.len : at - 1;
}

void wr_url_redact(struct wr_text text, char *out, size_t cap)
{
    struct writer w = {out, 0, cap, cap == 0};
    struct wr_text rest = text;
    struct wr_text scheme = take_until(&rest, ":/?#@");
    if (wr_text_take(&rest, "://")) {
        show(&w, scheme);
        put_word(&w, "://");
    } else {
        rest = text;
        if (wr_text_take(&rest, "//")) { /* a reference with a host, possible in a redirect */
            put_word(&w, "//");
        }
    }
    size_t at = wr_url_userinfo(rest);
    if (at < rest.len) {
        struct wr_text userinfo = {rest.data, at};
        struct wr_text user = take_until(&userinfo, ":");
        if (userinfo.len > 0) {
            show(&w, user);
            put_word(&w, ":");
        }
        put_word(&w, "***@");
        rest.data += at + 1;
        rest.len -= at + 1;
    }
    show(&w, take_until(&rest, "?#"));
    if (wr_text_take(&rest, "?")) {
        put_word(&w, "?");
        show_query(&w, take_until(&rest, "#"));
    }
    if (rest.len > 1) {
        put_word(&w, "#***");
    }
    if (cap > 0) {
        out[w.len] = '\0';
    }
}
