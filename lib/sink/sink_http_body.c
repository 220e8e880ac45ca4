/*
 * sink_http_body.c - what a request of `post` sends: its body, compressed if an option says so, and
 * its Idempotency-Key.
 *
 * A body stays in one piece of memory until the server has taken it. So its length is known and it
 * can be sent again. It is charged to the loop's budget without waiting for room in it: there is at
 * most one body per request under way, each as large as the batch it is made from. Nothing here
 * suspends.
 */
#include "sink_http.h"

#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "bytes_line.h"
#include "codec_encode.h"

enum { BODY_CAP_MIN = 512 };

static bool reserve(struct wr_post *post, size_t more)
{
    size_t need = post->body_len + more;
    if (need <= post->body_cap) {
        return true;
    }
    size_t cap = WR_MAX(WR_MAX(post->body_cap * 2, need), (size_t)BODY_CAP_MIN);
    char *body = wr_realloc(post->body, cap);
    if (body == NULL) {
        return false;
    }
    wr_budget_take_slots(&post->owner->sink.loop->budget, cap - post->body_cap);
    post->body = body;
    post->body_cap = cap;
    return true;
}

static bool append(struct wr_post *post, const char *data, size_t len)
{
    if (!reserve(post, len)) {
        return false;
    }
    if (len > 0) {
        memcpy(post->body + post->body_len, data, len);
    }
    post->body_len += len;
    return true;
}

void wr_post_drop_body(struct wr_post *post)
{
    wr_budget_release_slots(&post->owner->sink.loop->budget, post->body_cap);
    wr_free(post->body);
    post->body = NULL;
    post->body_len = post->body_cap = 0;
}

/* Append one part unchanged, except that a line always gets a line end. */
static bool append_part(struct wr_post *post, const weir_item *part, weir_slice text)
{
    bool line = post->owner->frame == WEIR_FRAME_LINES && (part->flags & WEIR_ITEM_BYTES) == 0;
    struct wr_line_ends ends = {.end = ""};
    bool owes = false;
    if (line) {
        ends = wr_line_ends(part->flags & ~(uint32_t)WEIR_ITEM_NO_EOL, &owes);
    }
    post->lines_only = post->lines_only && line;
    return append(post, text.data, text.len) && append(post, ends.end, ends.len);
}

/* Replace the body by its gzip form. False: no memory. */
static bool pack(struct wr_post *post)
{
    struct wr_post packed = {.owner = post->owner};
    struct wr_encoder gzip;
    size_t at = 0;
    int rc = 0;
    /* The fastest level and little memory: packing must not hold up the loop, and many requests may
     * be packed at a time. */
    bool good = wr_encoder_init(&gzip, &wr_encoding_gzip, 1, true, 0) == 0;
    while (good && rc == 0) {
        size_t used, made;
        good = reserve(&packed, WR_MAX(post->body_len / 8, (size_t)BODY_CAP_MIN));
        if (good) {
            rc = wr_encoder_step(&gzip, WR_ENCODE_END, post->body + at, post->body_len - at, &used,
                                 packed.body + packed.body_len, packed.body_cap - packed.body_len,
                                 &made);
            at += used;
            packed.body_len += made;
            good = rc >= 0;
        }
    }
    wr_encoder_fini(&gzip);
    if (!good) {
        wr_post_drop_body(&packed);
        return false;
    }
    wr_post_drop_body(post);
    post->body = packed.body;
    post->body_len = packed.body_len;
    post->body_cap = packed.body_cap;
    return true;
}

/* The key is the same for the same items of the same run, and for no others. It is made from the
 * items, as ranges of one origin each, and from the number of the request, because one item may
 * need several requests. */
static bool make_key(struct wr_post *post)
{
    struct sink_http *self = post->owner;
    const weir_item *parts = post->parts + post->first;
    struct wr_digest digest;
    wr_digest_init(&digest);
    wr_digest_add(&digest, self->name, strlen(self->name) + 1);
    wr_digest_add(&digest, self->nonce, sizeof self->nonce);
    wr_digest_add(&digest, &self->requests, sizeof self->requests);
    for (size_t i = 0, next; i < post->count; i = next) {
        for (next = i + 1; next < post->count && parts[next].origin == parts[i].origin; next++) {}
        const char *origin = weir_origin_name(self->sink.object.scope, &parts[i]);
        const uint64_t numbers[3] = {parts[i].origin, parts[i].seq, parts[next - 1].seq};
        wr_digest_add(&digest, origin != NULL ? origin : "",
                      origin != NULL ? strlen(origin) + 1 : 1);
        wr_digest_add(&digest, numbers, sizeof numbers);
    }
    return wr_digest_done(&digest, post->key);
}

const char *wr_post_type(const struct wr_post *post)
{
    return post->owner->type != NULL ? post->owner->type
           : post->lines_only        ? "application/x-ndjson"
                                     : "application/octet-stream";
}

int wr_post_make(struct wr_post *post, weir_error *error)
{
    struct sink_http *self = post->owner;
    weir_scratch scratch = WEIR_ZERO;
    bool good = reserve(post, BODY_CAP_MIN); /* so that an empty body is not NULL */
    int rc = 0;
    post->lines_only = true;
    post->body_len = 0;
    for (size_t i = 0; good && rc == 0 && i < post->count; i++) {
        const weir_item *part = &post->parts[post->first + i];
        weir_slice text;
        rc = weir_item_text(part, &text, &scratch);
        if (rc < 0) {
            rc = wr_item_text_error(error, rc, self->sink.name, part);
        } else {
            good = append_part(post, part, text);
        }
    }
    weir_scratch_free(&scratch);
    self->requests++;
    if (rc == 0 && (!good || (self->gzip && !pack(post)) || !make_key(post))) {
        rc = wr_error_set(error, WEIR_ENOMEM, 0, self->sink.name, "no memory for a request");
    }
    return rc;
}
