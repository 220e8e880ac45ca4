/*
 * server_demo_hook.c - the demo's /hook: takes what is posted, refuses some of it if it is asked to,
 * and shows what it has taken.
 *
 * The hook is an object of the scope that the demo is served in, and ends behind the server. It keeps
 * the newest lines that it has taken, up to a bound, and the newest Idempotency-Keys, so that a
 * request that came twice is told. Nothing here suspends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "codec_gzip.h"
#include "server_conn.h"
#include "server_demo.h"

enum {
    KEPT_BYTES = 1024 * 1024,
    KEYS = 256,
    PLAIN_BYTES_MAX = 64 * 1024 * 1024 /* of a packed body */
};

struct wr_demo_hook {
    struct wr_object object;
    uint64_t requests, taken, refused, repeats, lines, bytes;
    uint64_t keys[KEYS]; /* hashes of those that were taken */
    size_t keys_count;
    size_t kept_len;
    char kept[KEPT_BYTES];
};

static void hook_discard(struct wr_object *object)
{
    struct wr_demo_hook *hook = WR_OWNER(object, struct wr_demo_hook, object);
    wr_object_fini(object);
    wr_free(hook);
}

static const struct wr_object_ops hook_ops = {.kind = "hook", .discard = hook_discard};

struct wr_demo_hook *wr_demo_hook_new(struct weir_scope *scope)
{
    struct wr_demo_hook *hook = wr_zalloc(sizeof *hook);
    if (hook != NULL) {
        wr_object_init(&hook->object, &hook_ops, scope, "hook");
    }
    return hook;
}

/* ---- what is posted */

/* What a packed body holds; NULL: it is none, or no memory. */
static char *unpack(struct wr_text body, size_t *len)
{
    struct wr_gunzip gunzip;
    size_t cap = 4096, at = 0;
    char *plain = wr_alloc(cap);
    int got = wr_gunzip_init(&gunzip, WR_GUNZIP_GZIP, PLAIN_BYTES_MAX, 0, 0);
    *len = 0;
    while (plain != NULL && got >= 0) {
        size_t used, made;
        if (*len == cap) {
            char *more = wr_realloc(plain, cap * 2);
            if (more == NULL) {
                break;
            }
            plain = more;
            cap *= 2;
        }
        got = wr_gunzip_step(&gunzip, body.data + at, body.len - at, &used, plain + *len,
                             cap - *len, &made);
        at += used;
        *len += made;
        if (got == WR_GUNZIP_NEED_INPUT) {
            got = wr_gunzip_finish(&gunzip);
            break;
        }
    }
    wr_gunzip_fini(&gunzip);
    if (got != 0) {
        wr_free(plain);
        plain = NULL;
    }
    return plain;
}

static uint64_t count_lines(struct wr_text text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n' || i + 1 == text.len;
    }
    return lines;
}

static void keep(struct wr_demo_hook *hook, struct wr_text text)
{
    size_t len = WR_MIN(text.len, (size_t)KEPT_BYTES);
    size_t over = hook->kept_len + len > KEPT_BYTES ? hook->kept_len + len - KEPT_BYTES : 0;
    memmove(hook->kept, hook->kept + over, hook->kept_len - over);
    memcpy(hook->kept + hook->kept_len - over, text.data + text.len - len, len);
    hook->kept_len += len - over;
}

/* Has a request with this key been taken before? */
static bool seen(struct wr_demo_hook *hook, const char *key)
{
    uint64_t hash = wr_hash(key, strlen(key));
    for (size_t i = 0; i < WR_MIN(hook->keys_count, (size_t)KEYS); i++) {
        if (hook->keys[i] == hash) {
            return true;
        }
    }
    hook->keys[hook->keys_count++ % KEYS] = hash;
    return false;
}

static weir_gen *take(struct wr_demo_hook *hook, const weir_request *request, weir_reply *reply,
                      struct wr_text text)
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

weir_gen *wr_demo_on_hook(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    struct wr_demo_hook *hook = ((const struct wr_demo_control *)ctx)->hook;
    int64_t every = weir_request_number(request, "every", 1);
    int64_t status = weir_request_number(request, "status", 0);
    int64_t after_s = weir_request_number(request, "after", -1);
    weir_slice body = weir_request_body(request);
    struct wr_text text = {body.data, body.len};
    char coding[16], after[24];
    (void)scope;
    hook->requests++;
    if (status >= 400 && status <= 599 && every > 0 && hook->requests % (uint64_t)every == 0) {
        hook->refused++;
        if (after_s >= 0) {
            snprintf(after, sizeof after, "%" PRId64, after_s);
            weir_reply_header(reply, "Retry-After", after);
        }
        return weir_reply_refuse(reply, (int)status, "as asked");
    }
    (void)weir_request_header(request, "Content-Encoding", coding, sizeof coding);
    if (strcmp(coding, "gzip") != 0) {
        return take(hook, request, reply, text);
    }
    size_t len;
    char *plain = unpack(text, &len);
    if (plain == NULL) {
        hook->refused++;
        return weir_reply_refuse(reply, 400, "this is no gzip");
    }
    weir_gen *gen = take(hook, request, reply, (struct wr_text){plain, len});
    wr_free(plain);
    return gen;
}

/* ---- what it has taken */

struct shown {
    const struct wr_demo_hook *hook;
};

WEIR_SOURCE(demo_hook_counts, struct shown)
{
    const struct wr_demo_hook *hook = args->hook;
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

weir_gen *wr_demo_on_hook_counts(weir_scope *scope, const weir_request *request, weir_reply *reply,
                                 void *ctx)
{
    (void)request;
    weir_reply_type(reply, "application/json");
    return demo_hook_counts(scope, (struct shown){((const struct wr_demo_control *)ctx)->hook});
}

weir_gen *wr_demo_on_hook_lines(weir_scope *scope, const weir_request *request, weir_reply *reply,
                                void *ctx)
{
    (void)request;
    weir_reply_body(reply, WEIR_BODY_BYTES);
    return demo_hook_lines(scope, (struct shown){((const struct wr_demo_control *)ctx)->hook});
}
