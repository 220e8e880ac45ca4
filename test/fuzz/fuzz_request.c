/*
 * fuzz_request.c - the request parser. Invariants: the cut of the input changes neither the
 * requests nor the verdict; the slices of a request lie in it and keep the rules that a server
 * relies on; a failed parser stays failed.
 *
 * The first byte picks the cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_http1.h"

struct seen {
    uint64_t requests, hash;
    int status;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void add(struct seen *seen, struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        seen->hash = (seen->hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
        require(text.data[i] != '\r' && text.data[i] != '\n' && text.data[i] != '\0');
    }
    seen->hash = (seen->hash ^ text.len) * UINT64_C(0x100000001b3);
}

static void see(struct seen *seen, const struct wr_http1_request *r)
{
    size_t hosts = 0;
    size_t codings = 0;
    add(seen, r->method);
    add(seen, r->target);
    add(seen, r->path);
    add(seen, r->query);
    add(seen, r->host);
    require(r->path.len > 0 && (r->path.data[0] == '/' || wr_text_is(r->path, "*")));
    require(r->minor == 0 || r->minor == 1);
    require(r->headers_count <= WR_HTTP1_HEADERS_MAX);
    for (size_t i = 0; i < r->headers_count; i++) {
        add(seen, r->headers[i].name);
        add(seen, r->headers[i].value);
        require(r->headers[i].name.len > 0);
        hosts += wr_text_is(r->headers[i].name, "Host");
        if (wr_text_is(r->headers[i].name, "Transfer-Encoding")) {
            codings++;
            require(wr_text_is(r->headers[i].value, "chunked") && r->minor == 1);
        }
    }
    require(hosts == 1 || (hosts == 0 && r->minor == 0));
    require(codings == 0 ||
            (codings == 1 && r->has_body && wr_http1_header_of(r, "Content-Length").data == NULL));
    seen->requests++;
}

static struct seen parse(const uint8_t *data, size_t len, size_t step)
{
    struct seen seen = {0};
    struct wr_http1 *p = wr_http1_new();
    size_t at = 0;
    int over = 0;
    require(p != NULL);
    while (!over && at < len) {
        size_t piece = step < len - at ? step : len - at;
        char *copy = malloc(piece);
        require(copy != NULL);
        memcpy(copy, data + at, piece);
        size_t used;
        enum wr_http1_got got = wr_http1_feed(p, copy, piece, &used);
        require(used <= piece && (got != WR_HTTP1_MORE || used == piece));
        free(copy);
        at += used;
        const struct wr_http1_request *r = wr_http1_request(p);
        require((r == NULL) == (got == WR_HTTP1_ERROR || (got == WR_HTTP1_MORE && r == NULL)));
        if (got == WR_HTTP1_HEAD) {
            see(&seen, r);
        }
        if (got == WR_HTTP1_DONE || (got == WR_HTTP1_HEAD && !r->has_body)) {
            over = !r->keep_alive;
            if (!over) {
                wr_http1_next(p);
            }
        }
        over = over || got == WR_HTTP1_ERROR;
    }
    seen.status = wr_http1_status(p);
    wr_http1_free(p);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2) {
        return 0;
    }
    struct seen whole = parse(data + 1, len - 1, len);
    struct seen cut = parse(data + 1, len - 1, data[0] % 32 + 1u);
    require(whole.requests == cut.requests && whole.hash == cut.hash);
    require(whole.status == cut.status);
    return 0;
}
