/*
 * http_decode.c - decodes a body that the server has encoded, either on request or although the
 * request asked for identity.
 *
 * A body may be encoded several times over. Each encoding is a layer with a decoder and a buffer of
 * fixed size for its input; the first one undoes the last encoding. When the first buffer is full,
 * the transfer pauses. The reader's task decodes one step of one layer at a time, at most a block of
 * the inbox, and only when no complete line is left: the innermost layer that has something to do,
 * so a buffer is empty when the layer before it fills it. So the whole expansion of a small body is
 * never in memory. The decoder's ratio limit, or a limit of the caller, stops a decompression bomb.
 * The caller's limit is off by default: memory is bounded in any case, and a live feed may have any
 * length. What the decoders hold is charged to the loop's budget.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_decode.h"
#include "http.h"

enum {
    ENCODED_MAX = 64 * 1024,
    ENCODED_LOW = 16 * 1024,
    BETWEEN_MAX = 32 * 1024,
    STEP_MAX = 64 * 1024
};

struct layer {
    struct wr_decoder decoder;
    size_t head, tail, cap; /* of bytes */
    bool more;              /* output is pending, no input needed */
    char *bytes;
};

struct wr_http_decoder {
    size_t count;
    size_t charged_bytes; /* to the budget */
    struct layer layers[WR_HTTP_CODINGS_MAX];
};

/* Charge what the decoders hold now. */
static void charge(struct wr_http *http)
{
    struct wr_http_decoder *d = http->decoder;
    size_t held = 0;
    for (size_t i = 0; i < d->count; i++) {
        held += d->layers[i].decoder.memory.used_bytes;
    }
    wr_budget_follow(&http->loop->budget, &d->charged_bytes, held);
}

static int begin_layer(struct wr_http *http, size_t index)
{
    struct wr_http_decoder *d = http->decoder;
    struct layer *layer = &d->layers[index];
    int64_t bytes_max = http->o.decoded_bytes_max, ratio_max = http->o.decoded_ratio_max;
    struct wr_decode_limits limits = {
        .out_bytes_max =
            bytes_max > 0 && index + 1 == http->reply.codings_count ? (uint64_t)bytes_max : 0,
        .ratio_max = ratio_max < 0 ? UINT64_MAX : (uint64_t)ratio_max,
        .memory_bytes_max = (size_t)http->loop->budget.limit / 2 / http->reply.codings_count};
    layer->cap = index == 0 ? ENCODED_MAX : BETWEEN_MAX;
    layer->bytes = wr_alloc(layer->cap);
    d->count++;
    return layer->bytes != NULL
               ? wr_decoder_init(&layer->decoder, http->reply.codings[index], &limits)
               : WEIR_ENOMEM;
}

int wr_http_decode_begin(struct wr_http *http)
{
    if (http->reply.coding == WR_HTTP_IDENTITY || http->decoder != NULL) {
        return 0;
    }
    http->decoder = wr_zalloc(sizeof *http->decoder);
    int rc = http->decoder != NULL ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; rc == 0 && i < http->reply.codings_count; i++) {
        rc = begin_layer(http, i);
    }
    if (rc < 0) {
        wr_http_decode_end(http);
        return rc;
    }
    charge(http);
    return 0;
}

size_t wr_http_decode_held(const struct wr_http *http)
{
    return http->decoder != NULL ? http->decoder->charged_bytes : 0;
}

void wr_http_decode_end(struct wr_http *http)
{
    struct wr_http_decoder *d = http->decoder;
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        wr_decoder_fini(&d->layers[i].decoder);
        wr_free(d->layers[i].bytes);
    }
    wr_budget_follow(&http->loop->budget, &d->charged_bytes, 0);
    wr_free(d);
    http->decoder = NULL;
}

bool wr_http_decode_put(struct wr_http *http, const char *data, size_t len)
{
    struct layer *first = &http->decoder->layers[0];
    if (first->cap - (first->tail - first->head) < len) {
        return false;
    }
    if (first->cap - first->tail < len) {
        memmove(first->bytes, first->bytes + first->head, first->tail - first->head);
        first->tail -= first->head;
        first->head = 0;
    }
    memcpy(first->bytes + first->tail, data, len);
    first->tail += len;
    return true;
}

static bool is_hungry(const struct layer *layer)
{
    return layer->head == layer->tail && !layer->more;
}

bool wr_http_decode_hungry(const struct wr_http *http)
{
    const struct wr_http_decoder *d = http->decoder;
    for (size_t i = 0; d != NULL && i < d->count; i++) {
        if (!is_hungry(&d->layers[i])) {
            return false;
        }
    }
    return true;
}

static int bad(struct wr_http *http, const struct layer *layer, int code)
{
    char text[WR_HTTP_TEXT_MAX];
    (void)wr_decoder_text(&layer->decoder, "body", text, sizeof text);
    return wr_http_refuse(&http->failure, code, 0, "%s", text);
}

/* Decode one bounded step of a layer. 1: there is output, *made bytes of it; 0: more input is
 * needed; or a code with the failure set. */
static int step(struct wr_http *http, struct layer *layer, char *to, size_t room, size_t *made)
{
    size_t used = 0;
    int got = wr_decoder_step(&layer->decoder, layer->bytes + layer->head,
                              layer->tail - layer->head, &used, to, room, made);
    layer->head += used;
    layer->more = got == WR_DECODE_MORE_OUTPUT || got < 0;
    charge(http);
    /* What came before an error is delivered first; the decoder reports the error again. */
    return *made > 0 ? 1 : got < 0 ? bad(http, layer, got) : 0;
}

/* The last layer decodes into the inbox. */
static int step_last(struct wr_http *http, struct layer *layer)
{
    struct wr_inbox *inbox = http->inbox;
    char *to;
    size_t room, made = 0;
    int rc = wr_inbox_room(inbox, &to, &room);
    if (rc < 0) {
        return rc == WEIR_ENOMEM ? wr_http_refuse(&http->failure, rc, 0, "out of memory") : rc;
    }
    rc = step(http, layer, to, WR_MIN(room, (size_t)STEP_MAX), &made);
    size_t dropped = http->skip < made ? (size_t)http->skip : made;
    http->skip -= dropped;
    if (dropped > 0) {
        memmove(to, to + dropped, made - dropped);
    }
    if (made > dropped) {
        wr_inbox_came(inbox, made - dropped);
    }
    return rc;
}

int wr_http_decode_step(struct wr_http *http)
{
    struct wr_http_decoder *d = http->decoder;
    size_t i = d->count - 1;
    while (i > 0 && is_hungry(&d->layers[i])) {
        i--;
    }
    struct layer *layer = &d->layers[i], *next = layer + 1;
    int rc;
    if (i + 1 == d->count) {
        rc = step_last(http, layer);
    } else {
        next->head = next->tail = 0;
        rc = step(http, layer, next->bytes, next->cap, &next->tail);
    }
    const struct layer *first = &d->layers[0];
    if (i == 0 && first->tail - first->head <= ENCODED_LOW) {
        http->wire->go_on(http);
    }
    return rc;
}

int wr_http_decode_finish(struct wr_http *http)
{
    struct wr_http_decoder *d = http->decoder;
    for (size_t i = 0; d != NULL && i < d->count; i++) {
        int rc = wr_decoder_finish(&d->layers[i].decoder);
        if (rc < 0) {
            return bad(http, &d->layers[i], rc);
        }
    }
    return 0;
}
