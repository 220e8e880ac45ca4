/*
 * codec_encode.c - what all encoders share: memory, and why there is none.
 */
#include "codec_encode.h"

#include <weir/error.h>

#include "base_error.h"

static int no_memory(const struct wr_encoder *encoder)
{
    return encoder->memory.asked_bytes > 0 ? WEIR_EBUDGET : WEIR_ENOMEM;
}

int wr_encoder_init(struct wr_encoder *encoder, const struct wr_encoding *encoding, int level,
                    bool small, size_t memory_bytes_max)
{
    *encoder = (struct wr_encoder){.encoding = encoding, .memory = {.max_bytes = memory_bytes_max}};
    return encoding->init(encoder, level != 0 ? level : encoding->level, small)
               ? 0
               : no_memory(encoder);
}

void wr_encoder_fini(struct wr_encoder *encoder)
{
    if (encoder->encoding != NULL) {
        encoder->encoding->fini(encoder);
        encoder->encoding = NULL;
    }
}

int wr_encoder_step(struct wr_encoder *encoder, enum wr_encode_how how, const void *in,
                    size_t in_len, size_t *in_used, void *out, size_t out_cap, size_t *out_used)
{
    WR_ASSERT(out_cap > 0, "no room for output");
    *in_used = *out_used = 0;
    int rc = encoder->encoding->encode(encoder, how, in, in_len, in_used, out, out_cap, out_used);
    return rc < 0 ? no_memory(encoder) : rc;
}
