/*
 * http_decode.c - decodes a body that the server has encoded, either on request or although the
 * request asked for identity.
 *
 * The encoded bytes wait in a buffer of fixed size. When it is full, the transfer pauses. The
 * reader's task decodes one step at a time, at most a block of the inbox, and only when no complete
 * line is left. So the whole expansion of a small body is never in memory. The decoder's ratio
 * limit, or a limit of the caller, stops a decompression bomb. The caller's limit is off by
 * default: memory is bounded in any case, and a live feed may have any length.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_gzip.h"
#include "http.h"

enum { ENCODED_MAX = 64 * 1024, ENCODED_LOW = 16 * 1024, STEP_MAX = 64 * 1024 };

struct wr_http_decoder {
    struct wr_gunzip gunzip;
    size_t head, tail;
    bool more; /* output is pending, no input needed */
    char bytes[ENCODED_MAX];
};

int wr_http_decode_begin(struct wr_http *http)
{
    if (http->reply.coding == WR_HTTP_IDENTITY || http->decoder != NULL) {
        return 0;
    }
    enum wr_gunzip_kind kind =
        http->reply.coding == WR_HTTP_GZIP ? WR_GUNZIP_GZIP : WR_GUNZIP_DEFLATE;
    struct wr_http_decoder *decoder = wr_alloc(sizeof *decoder);
    if (decoder == NULL) {
        return WEIR_ENOMEM;
    }
    decoder->head = decoder->tail = 0;
    decoder->more = false;
    int64_t bytes_max = http->o.decoded_bytes_max, ratio_max = http->o.decoded_ratio_max;
    int rc = wr_gunzip_init(&decoder->gunzip, kind, bytes_max > 0 ? (uint64_t)bytes_max : 0,
                            ratio_max < 0 ? UINT64_MAX : (uint64_t)ratio_max, 0);
    if (rc < 0) {
        wr_gunzip_fini(&decoder->gunzip);
        wr_free(decoder);
        return rc;
    }
    http->decoder = decoder;
    return 0;
}

void wr_http_decode_end(struct wr_http *http)
{
    if (http->decoder != NULL) {
        wr_gunzip_fini(&http->decoder->gunzip);
        wr_free(http->decoder);
        http->decoder = NULL;
    }
}

bool wr_http_decode_put(struct wr_http *http, const char *data, size_t len)
{
    struct wr_http_decoder *d = http->decoder;
    if (sizeof d->bytes - (d->tail - d->head) < len) {
        return false;
    }
    if (sizeof d->bytes - d->tail < len) {
        memmove(d->bytes, d->bytes + d->head, d->tail - d->head);
        d->tail -= d->head;
        d->head = 0;
    }
    memcpy(d->bytes + d->tail, data, len);
    d->tail += len;
    return true;
}

bool wr_http_decode_hungry(const struct wr_http *http)
{
    const struct wr_http_decoder *d = http->decoder;
    return d == NULL || (d->head == d->tail && !d->more);
}

static const char *coding_name(const struct wr_http *http)
{
    return http->reply.coding == WR_HTTP_GZIP ? "gzip" : "deflate";
}

static int bad(struct wr_http *http, int code)
{
    const struct wr_gunzip *gunzip = &http->decoder->gunzip;
    const char *reason = gunzip->reason;
    if (code == WEIR_ETOOLONG && gunzip->out_bytes_max > 0 &&
        gunzip->out_bytes > gunzip->out_bytes_max) {
        return wr_http_refuse(&http->failure, code, 0,
                              "the decoded %s body is over the limit of %llu bytes",
                              coding_name(http), (unsigned long long)gunzip->out_bytes_max);
    }
    if (code == WEIR_ETOOLONG) {
        return wr_http_refuse(&http->failure, code, 0,
                              "the %s body expands too much (a decompression bomb?): %llu bytes "
                              "decode to %llu, more than %llu times as many",
                              coding_name(http), (unsigned long long)gunzip->in_bytes,
                              (unsigned long long)gunzip->out_bytes,
                              (unsigned long long)gunzip->ratio_max);
    }
    return wr_http_refuse(&http->failure, code, 0, "the %s body cannot be decoded: %s",
                          coding_name(http), reason != NULL ? reason : wr_code_text(code));
}

int wr_http_decode_step(struct wr_http *http)
{
    struct wr_http_decoder *d = http->decoder;
    struct wr_inbox *inbox = http->inbox;
    char *to;
    size_t room, used = 0, made = 0;
    int rc = wr_inbox_room(inbox, &to, &room);
    if (rc < 0) {
        return rc == WEIR_ENOMEM ? wr_http_refuse(&http->failure, rc, 0, "out of memory") : rc;
    }
    room = WR_MIN(room, (size_t)STEP_MAX);
    int got =
        wr_gunzip_step(&d->gunzip, d->bytes + d->head, d->tail - d->head, &used, to, room, &made);
    d->head += used;
    d->more = got == WR_GUNZIP_MORE_OUTPUT;
    if (d->tail - d->head <= ENCODED_LOW) {
        http->wire->go_on(http);
    }
    size_t dropped = http->skip < made ? (size_t)http->skip : made;
    http->skip -= dropped;
    if (dropped > 0) {
        memmove(to, to + dropped, made - dropped);
    }
    if (made > dropped) {
        wr_inbox_came(inbox, made - dropped);
    }
    if (got < 0 && made == dropped) {
        return bad(http, got);
    }
    if (got < 0) {
        d->more = true; /* deliver the lines first; the decoder reports the error again */
    }
    return made > 0 ? 1 : 0;
}

int wr_http_decode_finish(struct wr_http *http)
{
    int rc = http->decoder != NULL ? wr_gunzip_finish(&http->decoder->gunzip) : 0;
    if (rc == WEIR_ETRUNCATED) {
        return wr_http_refuse(&http->failure, rc, 0, "the %s body is incomplete",
                              coding_name(http));
    }
    return rc < 0 ? bad(http, rc) : 0;
}
