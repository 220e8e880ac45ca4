/*
 * demo_hook.c - the demo's /hook: takes what is posted, refuses some of it if the query says so,
 * and shows what it has taken.
 *
 * The hook keeps the newest lines, up to KEPT_BYTES, and the newest Idempotency-Keys, so that it
 * notices a repeated request. It outlives the server. Nothing here suspends.
 */
#define ZLIB_CONST
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "demo.h"

enum {
    KEPT_BYTES = 1024 * 1024,
    KEYS = 256,
    PLAIN_BYTES_MAX = 64 * 1024 * 1024 /* of a compressed body */
};

struct demo_hook {
    uint64_t requests, taken, refused, repeats, lines, bytes;
    uint64_t keys[KEYS]; /* hashes of the keys of taken requests */
    size_t keys_count;
    size_t kept_len;
    char kept[KEPT_BYTES];
};

struct demo_hook *demo_hook_new(void)
{
    return calloc(1, sizeof(struct demo_hook));
}

void demo_hook_free(struct demo_hook *hook)
{
    free(hook);
}

/* ---- what is posted */

/* Make more room for the decompressed body. False: no memory, or too much. */
static bool grow(char **plain, size_t *cap)
{
    size_t wanted = *cap > 0 ? *cap * 2 : 4096;
    char *more = wanted <= PLAIN_BYTES_MAX ? realloc(*plain, wanted) : NULL;
    if (more != NULL) {
        *plain = more;
        *cap = wanted;
    }
    return more != NULL;
}

/* Decompress a body. NULL: not gzip, too much, or no memory. */
static char *unpack(weir_slice body, size_t *len)
{
    z_stream z = {.next_in = (const Bytef *)body.data, .avail_in = (uInt)body.len};
    char *plain = NULL;
    size_t cap = 0;
    int rc = inflateInit2(&z, 15 + 16);
    bool good = rc == Z_OK;
    *len = 0;
    while (good && (rc != Z_STREAM_END || z.avail_in > 0)) {
        if (rc == Z_STREAM_END) {
            (void)inflateReset(&z); /* another member follows */
        }
        good = *len < cap || grow(&plain, &cap);
        if (good) {
            z.next_out = (Bytef *)plain + *len;
            z.avail_out = (uInt)(cap - *len);
            rc = inflate(&z, Z_NO_FLUSH);
            *len = cap - z.avail_out;
            good = rc == Z_OK || rc == Z_STREAM_END;
        }
    }
    (void)inflateEnd(&z);
    if (!good) {
        free(plain);
        plain = NULL;
    }
    return plain;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    while (*text != '\0') {
        hash = (hash ^ (unsigned char)*text++) * 1099511628211u;
    }
    return hash;
}

static uint64_t count_lines(weir_slice text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n' || i + 1 == text.len;
    }
    return lines;
}

static void keep(struct demo_hook *hook, weir_slice text)
{
    size_t len = DEMO_MIN(text.len, (size_t)KEPT_BYTES);
    size_t over = hook->kept_len + len > KEPT_BYTES ? hook->kept_len + len - KEPT_BYTES : 0;
    memmove(hook->kept, hook->kept + over, hook->kept_len - over);
    memcpy(hook->kept + hook->kept_len - over, text.data + text.len - len, len);
    hook->kept_len += len - over;
}

/* Has a request with this key been taken before? */
static bool seen(struct demo_hook *hook, const char *key)
{
    uint64_t hash = hash_of(key);
    for (size_t i = 0; i < DEMO_MIN(hook->keys_count, (size_t)KEYS); i++) {
        if (hook->keys[i] == hash) {
            return true;
        }
    }
    hook->keys[hook->keys_count++ % KEYS] = hash;
    return false;
}

static weir_gen *take(struct demo_hook *hook, const weir_request *request, weir_reply *reply,
                      weir_slice text)
{
    char key[128];
    uint64_t lines = count_lines(text);
    int64_t most = weir_request_number(request, "lines", INT64_MAX);
    if (lines > (uint64_t)most) {
        hook->refused++;
        return weir_reply_refuse(reply, 413, "at most %" PRId64 " lines", most);
    }
    hook->taken++;
    if (weir_request_header(request, "Idempotency-Key", key, sizeof key) > 0 && seen(hook, key)) {
        hook->repeats++;
    } else {
        hook->lines += lines;
        hook->bytes += text.len;
        keep(hook, text);
    }
    weir_reply_status(reply, 204);
    return NULL;
}

weir_gen *demo_on_hook(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    struct demo_hook *hook = ((const struct demo_control *)ctx)->hook;
    int64_t every = weir_request_number(request, "every", 1);
    int64_t status = weir_request_number(request, "status", 0);
    int64_t after_s = weir_request_number(request, "after", -1);
    weir_slice text = weir_request_body(request);
    char coding[16], after[24];
    (void)scope;
    hook->requests++;
    if (status >= 400 && status <= 599 && every > 0 && hook->requests % (uint64_t)every == 0) {
        hook->refused++;
        if (after_s >= 0) {
            snprintf(after, sizeof after, "%" PRId64, after_s);
            weir_reply_header(reply, "Retry-After", after);
        }
        return weir_reply_refuse(reply, (int)status, "as requested");
    }
    (void)weir_request_header(request, "Content-Encoding", coding, sizeof coding);
    if (strcmp(coding, "gzip") != 0) {
        return take(hook, request, reply, text);
    }
    size_t len;
    char *plain = unpack(text, &len);
    if (plain == NULL) {
        hook->refused++;
        return weir_reply_refuse(reply, 400, "the body is not gzip");
    }
    weir_gen *gen = take(hook, request, reply, (weir_slice){plain, len});
    free(plain);
    return gen;
}

/* ---- what it has taken */

struct shown {
    const struct demo_hook *hook;
};

WEIR_SOURCE(demo_hook_counts, struct shown)
{
    const struct demo_hook *hook = args->hook;
    char text[256];
    int len = snprintf(text, sizeof text,
                       "{\"requests\":%" PRIu64 ",\"taken\":%" PRIu64 ",\"refused\":%" PRIu64
                       ",\"repeats\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
                       hook->requests, hook->taken, hook->refused, hook->repeats, hook->lines,
                       hook->bytes);
    weir_item item = weir_bytes(text, (size_t)len);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

WEIR_SOURCE(demo_hook_lines, struct shown)
{
    weir_item item = weir_bytes(args->hook->kept, args->hook->kept_len);
    return item.len == 0 || weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

weir_gen *demo_on_hook_counts(weir_scope *scope, const weir_request *request, weir_reply *reply,
                              void *ctx)
{
    (void)request;
    weir_reply_type(reply, "application/json");
    return demo_hook_counts(scope, (struct shown){((const struct demo_control *)ctx)->hook});
}

weir_gen *demo_on_hook_lines(weir_scope *scope, const weir_request *request, weir_reply *reply,
                             void *ctx)
{
    (void)request;
    weir_reply_body(reply, WEIR_BODY_BYTES);
    return demo_hook_lines(scope, (struct shown){((const struct demo_control *)ctx)->hook});
}
