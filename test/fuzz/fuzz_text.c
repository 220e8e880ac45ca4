/*
 * fuzz_text.c - the small codecs of texts: UTF-8, formats with letters, texts for people, URLs,
 * addresses, dates, headers of responses, secrets, base64. Invariants: below, at each one; and each
 * text lies in a heap block of its own, so that a sanitizer sees a byte read beside it.
 *
 * The first byte picks the codec. The rest is one text, or two, cut at the first 0x7e.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "codec_address.h"
#include "codec_base64.h"
#include "codec_date.h"
#include "codec_fill.h"
#include "codec_response.h"
#include "codec_secret.h"
#include "codec_show.h"
#include "codec_url.h"
#include "codec_utf8.h"

enum { ROOM = 4096, NOW_S = 1700000000 };

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static char *terminated(const void *data, size_t len)
{
    char *copy = malloc(len + 1);
    require(copy != NULL);
    memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

static struct wr_text block_of(const void *data, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    require(copy != NULL);
    memcpy(copy, data, len);
    return (struct wr_text){copy, len};
}

static void require_inside(struct wr_text part, struct wr_text whole)
{
    require(part.data == NULL ||
            (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static int same(struct wr_text a, const char *data, size_t len)
{
    return a.len == len && (len == 0 || memcmp(a.data, data, len) == 0);
}

/* ---- UTF-8: what replaces bytes that are none is valid, as long as it was measured, and stays as it
 * is when it is done again; what is valid stays as it is */
static void try_utf8(struct wr_text a, struct wr_text b)
{
    (void)b;
    size_t want = wr_utf8_repaired_len(a.data, a.len);
    char *to = malloc(want + 1);
    size_t valid = wr_utf8_valid_bytes(a.data, a.len), one_by_one = 0;
    uint32_t code;
    for (size_t step = 1; one_by_one < a.len && step > 0; one_by_one += step) {
        step = wr_utf8_decode(a.data + one_by_one, a.len - one_by_one, &code);
    }
    require(to != NULL && valid == one_by_one);
    require(wr_utf8_repair(a.data, a.len, to) == want && wr_utf8_valid_bytes(to, want) == want);
    require(want >= a.len && (valid < a.len || same(a, to, want)));
    require(wr_utf8_repaired_len(to, want) == want);
    free(to);
}

/* ---- formats: a mistake lies at a % or backslash; too little room cuts the same text; harmless
 * parts in a harmless format stay harmless */
static void try_fill(struct wr_text a, struct wr_text b)
{
    weir_slice fields[2] = {{b.data, b.len / 2}, {b.data + b.len / 2, b.len - b.len / 2}};
    const struct wr_fill parts = {.text = b,
                                  .key = {b.data, b.len / 3},
                                  .origin = wr_text_of("file:f"),
                                  .names = &fields[0],
                                  .values = &fields[1],
                                  .fields_count = 1,
                                  .number = UINT64_C(1) << b.len % 63,
                                  .time_ms = -(int64_t)b.len,
                                  .write = b.len % 2 == 0 ? wr_show_text : NULL};
    char *format = terminated(a.data, a.len);
    const char *mistake = wr_fill_mistake(format);
    if (mistake != NULL) {
        require(mistake >= format && (*mistake == '%' || *mistake == '\\'));
        free(format);
        return;
    }
    struct wr_out measured = {0};
    wr_fill(&measured, format, &parts);
    struct wr_out whole = {.to = malloc(measured.len + 1), .cap = measured.len};
    struct wr_out half = {.to = malloc(measured.len / 2 + 1), .cap = measured.len / 2};
    require(whole.to != NULL && half.to != NULL);
    wr_fill(&whole, format, &parts);
    wr_fill(&half, format, &parts);
    require(whole.len == measured.len && half.len == measured.len);
    require(memcmp(whole.to, half.to, half.cap) == 0);
    size_t plain = strcspn(format, "%\\");
    require(plain <= whole.len && memcmp(whole.to, format, plain) == 0);
    if (parts.write != NULL && strchr(format, '\\') == NULL &&
        !wr_show_obeyed(wr_text_of(format))) {
        require(!wr_show_obeyed((struct wr_text){whole.to, whole.len}));
    }
    free(whole.to);
    free(half.to);
    free(format);
}

/* ---- texts for people */

/* As it is shown; the caller frees it. */
static struct wr_out shown(const struct wr_json *json, const struct wr_show *how)
{
    struct wr_out out = {0};
    wr_show_json(&out, json, how);
    struct wr_out whole = {.to = malloc(out.len + 1), .cap = out.len};
    require(whole.to != NULL);
    wr_show_json(&whole, json, how);
    require(whole.len == out.len);
    return whole;
}

static size_t without_colours(char *text, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\x1b') {
            while (text[i] != 'm') {
                i++;
            }
        } else {
            text[to++] = text[i];
        }
    }
    return to;
}

/* JSON: indentation and colours can be taken away again; what is harmless is the same text when it is
 * shown once more. Any text: what is shown is obeyed by no terminal, and stays as it is if it was so
 * before. */
static void try_show(struct wr_text a, struct wr_text b)
{
    struct wr_json json, again;
    struct wr_out out = {0};
    (void)b;
    wr_show_text(&out, a);
    out = (struct wr_out){.to = malloc(out.len + 1), .cap = out.len};
    require(out.to != NULL);
    wr_show_text(&out, a);
    require(out.len == out.cap && !wr_show_obeyed((struct wr_text){out.to, out.len}));
    require(wr_show_obeyed(a) || same(a, out.to, out.len));
    free(out.to);
    wr_json_init(&json);
    wr_json_init(&again);
    if (wr_json_index(&json, a.data, a.len) == 0) {
        struct wr_out flat = shown(&json, &(struct wr_show){0});
        struct wr_out pretty = shown(&json, &(struct wr_show){.pretty = true});
        struct wr_out lit = shown(&json, &(struct wr_show){.pretty = true, .colour = true});
        struct wr_out safe = shown(&json, &(struct wr_show){.harmless = true});
        require(same((struct wr_text){pretty.to, pretty.len}, lit.to,
                     without_colours(lit.to, lit.len)));
        require(!wr_show_obeyed((struct wr_text){safe.to, safe.len}));
        require(wr_json_index(&again, pretty.to, pretty.len) == 0);
        struct wr_out back = shown(&again, &(struct wr_show){0});
        require(same((struct wr_text){flat.to, flat.len}, back.to, back.len));
        require(wr_json_index(&again, safe.to, safe.len) == 0 && again.count == json.count);
        free(flat.to);
        free(pretty.to);
        free(lit.to);
        free(safe.to);
        free(back.to);
    }
    wr_json_fini(&json);
    wr_json_fini(&again);
}

/* ---- URLs: the parts lie in the text; a target is a URL without a user, and its own target; what is
 * redacted for a message is terminated and without control bytes */
static void try_url(struct wr_text a, struct wr_text b)
{
    char target[ROOM], again[ROOM], hidden[64];
    struct wr_url url, resolved;
    struct wr_text userinfo;
    if (wr_url_parse(a, &url) == 0) {
        require(url.host.len > 0 && wr_url_same_origin(&url, &url));
        require_inside(url.host, a);
        require_inside(url.userinfo, a);
        require_inside(url.path, a);
        require_inside(url.query, a);
    }
    if (wr_url_resolve(a, b, target, sizeof target, &userinfo) == 0) {
        require(wr_url_parse(wr_text_of(target), &resolved) == 0 && resolved.userinfo.data == NULL);
        require(wr_url_resolve(wr_text_of(target), wr_text_of(target), again, sizeof again,
                               &userinfo) == 0);
        require(strcmp(target, again) == 0);
    }
    wr_url_redact(a, hidden, sizeof hidden);
    require(memchr(hidden, '\0', sizeof hidden) != NULL);
    for (const char *c = hidden; *c != '\0'; c++) {
        require((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

/* ---- dates: an HTTP date that is written is read as the same second */
static void try_date(struct wr_text a, struct wr_text b)
{
    int64_t unix_s = 0, again = 1, unix_ns;
    char text[WR_HTTP_DATE_TEXT];
    (void)b;
    if (wr_http_date_parse(a, NOW_S, &unix_s)) {
        wr_http_date_write(unix_s, text);
        require(wr_http_date_parse(wr_text_of(text), NOW_S, &again) && unix_s == again);
    }
    if (wr_date_time_is(a) && a.len >= 4 && memcmp(a.data, "1970", 4) >= 0 &&
        memcmp(a.data, "2261", 4) < 0) {
        require(wr_instant_parse(a, &unix_ns));
    }
    (void)wr_instant_parse(a, &unix_ns);
}

/* ---- headers of a response */
static void try_response(struct wr_text a, struct wr_text b)
{
    struct wr_text name, value;
    struct wr_content_range range;
    (void)b;
    if (wr_header_split(a, &name, &value)) {
        require(name.len > 0);
        require_inside(name, a);
        require_inside(value, a);
        require(wr_text_trim(value).len == value.len);
    }
    if (wr_content_range_parse(a, &range) == 0) {
        require(range.length >= -1 && range.first <= range.last);
        require((range.first == -1) == (range.last == -1));
        require(range.length == -1 || range.last < range.length);
    }
    int64_t wait_ms = wr_retry_after_ms(a, NOW_S, 60000);
    require(wait_ms >= -1 && wait_ms <= 60000);
    (void)wr_etag_is_strong(a);
}

/* ---- secrets: each one lies in the text behind the one before it; stars keep the length */
static void try_secret(struct wr_text a, struct wr_text b)
{
    char hidden[64], *stars = terminated(a.data, a.len);
    size_t at, len;
    (void)b;
    for (size_t from = 0; wr_secret_find(a, from, &at, &len); from = at + len) {
        require(at >= from && len > 0 && at + len <= a.len);
    }
    size_t before = strlen(stars);
    wr_secret_hide(stars, hidden, sizeof hidden);
    wr_secret_star(stars);
    require(strlen(stars) == before);
    require(memchr(hidden, '\0', sizeof hidden) != NULL);
    (void)wr_secret_name(a);
    free(stars);
}

/* ---- addresses, and the two encodings of bytes */
static void try_address(struct wr_text a, struct wr_text b)
{
    struct wr_text host;
    uint16_t port;
    char meant[64];
    (void)b;
    if (wr_address_split(a, &host, &port)) {
        require_inside(host, a);
    }
    require(!wr_address_meant(a, meant, sizeof meant) || memchr(meant, '\0', sizeof meant) != NULL);
    char *to = malloc(2 * a.len + 4);
    require(to != NULL);
    wr_hex_write(a.data, a.len, to);
    for (size_t i = 0; i < a.len; i++) {
        require((char)(wr_hex_value(to[2 * i]) * 16 + wr_hex_value(to[2 * i + 1])) == a.data[i]);
    }
    wr_base64_write(a.data, a.len, to);
    for (size_t i = 0; i < wr_base64_len(a.len); i++) {
        require(wr_is_alpha(to[i]) || wr_is_digit(to[i]) || to[i] == '+' || to[i] == '/' ||
                (to[i] == '=' && i + 2 >= wr_base64_len(a.len)));
    }
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const codecs[])(struct wr_text a, struct wr_text b) = {
        try_utf8, try_fill, try_show, try_url, try_date, try_response, try_secret, try_address,
    };
    if (len < 1) {
        return 0;
    }
    const uint8_t *cut = memchr(data + 1, 0x7e, len - 1);
    size_t first = cut != NULL ? (size_t)(cut - data) - 1 : len - 1;
    size_t second = cut != NULL ? len - first - 2 : 0;
    struct wr_text a = block_of(data + 1, first), b = block_of(data + len - second, second);
    codecs[data[0] % (sizeof codecs / sizeof *codecs)](a, b);
    free((void *)(uintptr_t)a.data);
    free((void *)(uintptr_t)b.data);
    return 0;
}
