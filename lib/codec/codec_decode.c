/*
 * codec_decode.c - what all decoders share: members, limits, the verdict.
 *
 * States: START (no byte yet) -> MEMBER (inside a stream) -> BETWEEN (a member has ended) -> MEMBER
 * again for the next one, or PADDING (only zeros may follow), or GARBAGE (anything may follow).
 *
 * A step calls the coding until the output room is full or the input is used. A library may hold
 * output back when the room is full, so a step returns NEED_INPUT only when room is left. At the
 * output limit, one byte of scratch shows whether there is more output: exactly the limit is
 * allowed.
 */
#include "codec_decode.h"

#include <stdarg.h>
#include <stdio.h>

#include <weir/error.h>

#include "base_error.h"
#include "codec_text.h"

enum { START, MEMBER, BETWEEN, PADDING, GARBAGE };

const struct wr_coding *wr_coding_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        const struct wr_coding *coding;
    } codings[] = {{"gzip", &wr_coding_gzip},
                   {"x-gzip", &wr_coding_gzip},
                   {"deflate", &wr_coding_deflate},
                   {"zstd", &wr_coding_zstd},
                   {"br", &wr_coding_brotli}};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        if (wr_text_is((struct wr_text){name, len}, codings[i].name)) {
            return codings[i].coding;
        }
    }
    return NULL;
}

int wr_decode_bad(struct wr_decoder *decoder, int code, const char *format, ...)
{
    va_list args;
    if (decoder->memory.failed) {
        size_t asked = decoder->memory.asked_bytes;
        (void)snprintf(decoder->reason, sizeof decoder->reason, "out of memory");
        if (asked > 0) {
            (void)snprintf(decoder->reason, sizeof decoder->reason,
                           "it needs %zu bytes of memory, more than the limit of %zu (half of the "
                           "byte budget)",
                           decoder->memory.used_bytes + asked, decoder->memory.max_bytes);
        }
        return asked > 0 ? WEIR_EBUDGET : WEIR_ENOMEM;
    }
    va_start(args, format);
    (void)vsnprintf(decoder->reason, sizeof decoder->reason, format, args);
    va_end(args);
    return code;
}

int wr_decode_beyond(struct wr_decoder *decoder, int code, enum wr_decode_option option,
                     const char *format, ...)
{
    va_list args;
    const char *const *options = decoder->limits.options;
    va_start(args, format);
    int len = vsnprintf(decoder->reason, sizeof decoder->reason, format, args);
    va_end(args);
    if (options != NULL && len > 0 && (size_t)len < sizeof decoder->reason) {
        (void)snprintf(decoder->reason + len, sizeof decoder->reason - (size_t)len,
                       "; set the limit with %s", options[option]);
    }
    return code;
}

int wr_decode_bad_start(struct wr_decoder *decoder)
{
    return decoder->members > 0
               ? wr_decode_bad(decoder, WEIR_EPARSE, "unexpected data after the compressed data")
               : wr_decode_bad(decoder, WEIR_EPARSE, "it is not in the %s format",
                               decoder->coding->name);
}

int wr_decoder_init(struct wr_decoder *decoder, const struct wr_coding *coding,
                    const struct wr_decode_limits *limits)
{
    *decoder = (struct wr_decoder){.coding = coding};
    struct wr_decode_limits *l = &decoder->limits;
    if (limits != NULL) {
        *l = *limits;
    }
    l->ratio_max = l->ratio_max != 0 ? l->ratio_max : WR_DECODE_RATIO_MAX;
    l->grace_bytes = l->grace_bytes != 0 ? l->grace_bytes : WR_DECODE_GRACE_BYTES;
    l->window_bytes_max = l->window_bytes_max != 0 ? l->window_bytes_max : WR_DECODE_WINDOW_BYTES;
    l->vain_bytes_max = l->vain_bytes_max != 0 ? l->vain_bytes_max : WR_DECODE_VAIN_BYTES;
    decoder->memory.max_bytes = l->memory_bytes_max;
    if (!coding->init(decoder)) {
        decoder->memory.failed = true;
        decoder->failure = wr_decode_bad(decoder, WEIR_ENOMEM, "out of memory");
    }
    return decoder->failure;
}

void wr_decoder_fini(struct wr_decoder *decoder)
{
    if (decoder->coding != NULL) {
        decoder->coding->fini(decoder);
        decoder->coding = NULL;
    }
}

static int check_limits(struct wr_decoder *d, size_t used, size_t made)
{
    const struct wr_decode_limits *l = &d->limits;
    d->vain_bytes = made > 0 ? 0 : d->vain_bytes + used;
    if (l->out_bytes_max != 0 && d->out_bytes > l->out_bytes_max) {
        return wr_decode_beyond(d, WEIR_ETOOLONG, WR_DECODE_OUT,
                                "it decodes to more than the limit of %llu bytes",
                                (unsigned long long)l->out_bytes_max);
    }
    if (d->out_bytes > l->grace_bytes && d->out_bytes / l->ratio_max > d->in_bytes) {
        return wr_decode_beyond(d, WEIR_ETOOLONG, WR_DECODE_RATIO,
                                "it expands too much (a decompression bomb?): %llu bytes decode to "
                                "%llu, more than %llu "
                                "times as many",
                                (unsigned long long)d->in_bytes, (unsigned long long)d->out_bytes,
                                (unsigned long long)l->ratio_max);
    }
    if (d->vain_bytes > l->vain_bytes_max) {
        return wr_decode_beyond(d, WEIR_EPARSE, WR_DECODE_VAIN,
                                "more than %llu bytes of it in a row have no content",
                                (unsigned long long)l->vain_bytes_max);
    }
    return 0;
}

/* What was taken for the next member has not even its first bytes. */
static void give_up_member(struct wr_decoder *d)
{
    d->phase = GARBAGE;
    d->met_garbage = true;
    d->garbage_at = d->in_bytes - d->member_bytes;
}

static bool may_be_garbage(const struct wr_decoder *d, uint64_t bytes_max)
{
    return d->ignores_garbage && d->members > 0 && d->coding->magic_bytes > 0 &&
           d->member_bytes <= bytes_max;
}

static bool at_limit(const struct wr_decoder *d)
{
    return d->limits.out_bytes_max != 0 && d->out_bytes == d->limits.out_bytes_max;
}

/* One call of the coding over [in, in+len) into [out, out+cap). */
static void decode_some(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *in_used,
                        uint8_t *out, size_t cap, size_t *out_used)
{
    uint8_t scratch;
    size_t made = 0;
    bool probes = at_limit(d);
    if (probes) {
        out = &scratch;
        cap = 1;
    } else if (d->limits.out_bytes_max != 0) {
        cap = (size_t)WR_MIN((uint64_t)cap, d->limits.out_bytes_max - d->out_bytes);
    }
    *in_used = 0;
    int rc = d->coding->decode(d, in, len, in_used, out, cap, &made);
    *out_used = probes ? 0 : made;
    d->in_bytes += *in_used;
    d->member_bytes += *in_used;
    d->out_bytes += made;
    if (rc == WEIR_EPARSE && may_be_garbage(d, d->coding->magic_bytes)) {
        give_up_member(d);
        return;
    }
    if (rc == 1) {
        d->phase = BETWEEN;
        d->members++;
    }
    /* The limit first: the same call may also have found bad data after it. */
    int failed = check_limits(d, *in_used, made);
    d->failure = failed < 0 ? failed : WR_MIN(rc, 0);
}

/* After a member: the next one, zeros to the end, or whatever follows. */
static void between(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *in_used)
{
    const struct wr_coding *coding = d->coding;
    size_t from = *in_used;
    if (coding->again != NULL && d->phase == BETWEEN && !(coding->zeros_end && in[from] == 0)) {
        coding->again(d);
        d->phase = MEMBER; /* the coding itself reports an invalid header */
        d->member_bytes = 0;
        return;
    }
    d->phase = d->phase == GARBAGE ? GARBAGE : PADDING;
    while (*in_used < len && (d->phase == GARBAGE || in[*in_used] == 0)) {
        ++*in_used;
    }
    d->in_bytes += *in_used - from;
    if (*in_used < len && d->ignores_garbage && coding->magic_bytes > 0) {
        d->member_bytes = 0;
        give_up_member(d);
    } else if (*in_used < len) {
        d->failure = wr_decode_bad(d, WEIR_EPARSE, "unexpected data after the compressed data");
    } else {
        d->failure = d->phase == GARBAGE ? 0 : check_limits(d, *in_used - from, 0);
    }
}

int wr_decoder_step(struct wr_decoder *decoder, const void *in, size_t in_len, size_t *in_used,
                    void *out, size_t out_cap, size_t *out_used)
{
    const uint8_t *from = in;
    uint8_t *to = out;
    WR_ASSERT(out_cap > 0, "no room for output");
    *in_used = 0;
    *out_used = 0;
    while (decoder->failure == 0) {
        size_t used = 0;
        size_t made = 0;
        if (decoder->phase != MEMBER && *in_used == in_len) {
            return WR_DECODE_NEED_INPUT;
        }
        if (decoder->phase >= BETWEEN) {
            between(decoder, from, in_len, in_used);
            continue;
        }
        decoder->phase = MEMBER;
        if (*out_used == out_cap) {
            return WR_DECODE_MORE_OUTPUT;
        }
        bool probes = at_limit(decoder);
        decode_some(decoder, from + *in_used, in_len - *in_used, &used, to + *out_used,
                    out_cap - *out_used, &made);
        *in_used += used;
        *out_used += made;
        if (decoder->failure == 0 && decoder->phase == MEMBER && *in_used == in_len &&
            *out_used < out_cap && (!at_limit(decoder) || (probes && used == 0))) {
            return WR_DECODE_NEED_INPUT;
        }
    }
    return decoder->failure;
}

int wr_decoder_finish(struct wr_decoder *decoder)
{
    if (decoder->failure == 0 && decoder->phase == MEMBER &&
        decoder->member_bytes < decoder->coding->magic_bytes &&
        may_be_garbage(decoder, decoder->coding->magic_bytes)) {
        give_up_member(decoder);
    }
    if (decoder->failure == 0 && decoder->phase == MEMBER) {
        decoder->failure = WEIR_ETRUNCATED;
    }
    return decoder->failure;
}

size_t wr_decoder_text(const struct wr_decoder *decoder, const char *what, char *to, size_t cap)
{
    bool cut = decoder->failure == WEIR_ETRUNCATED;
    int len = snprintf(to, cap, "the %s %s %s%s", decoder->coding->name, what,
                       cut ? "is incomplete" : "cannot be decoded: ", cut ? "" : decoder->reason);
    return len > 0 ? (size_t)len : 0;
}
