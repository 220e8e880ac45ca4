/*
 * stage_decode.c - weir_decoded, and the components gunzip, unzstd, unbrotli and unlz4: compressed
 * bytes to bytes. Each is a stage of stage_bytes.c with a decoder.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "base_option.h"
#include "flow_inbox.h"
#include "stage_bytes.h"

static uint64_t limit_of(int64_t given)
{
    return given < 0 ? UINT64_MAX : (uint64_t)given;
}

static const char *const members[WR_DECODE_OPTIONS] = {"bytes_max", "ratio_max", "window_bytes_max",
                                                       "empty_bytes_max"};
static const char *const arguments[WR_DECODE_OPTIONS] = {"max=", "ratio=", "window=", "empty="};

/* options: what the caller calls the limits. */
static weir_gen *decoded(weir_gen *bytes, const char *name, const weir_decoding *d,
                         const char *const *options)
{
    static const struct wr_coding *const codings[] = {[WEIR_CODING_GZIP] = &wr_coding_gzip,
                                                      [WEIR_CODING_ZSTD] = &wr_coding_zstd,
                                                      [WEIR_CODING_BROTLI] = &wr_coding_brotli,
                                                      [WEIR_CODING_LZ4] = &wr_coding_lz4,
                                                      [WEIR_CODING_DEFLATE] = &wr_coding_deflate};
    static const weir_framing pieces = {.struct_size = sizeof pieces, .kind = WEIR_FRAME_NONE};
    struct wr_decode_limits limits = {.out_bytes_max =
                                          d->bytes_max > 0 ? (uint64_t)d->bytes_max : 0,
                                      .ratio_max = limit_of(d->ratio_max),
                                      .window_bytes_max = limit_of(d->window_bytes_max),
                                      .vain_bytes_max = limit_of(d->empty_bytes_max),
                                      .options = options};
    weir_error error;
    bool wrong = wr_choice_wrong(&error, name, "coding", d->coding, WEIR_CODING_DEFLATE) ||
                 wr_limit_wrong(&error, name, "bytes_max", d->bytes_max) ||
                 wr_limit_wrong(&error, name, "ratio_max", d->ratio_max) ||
                 wr_limit_wrong(&error, name, "window_bytes_max", d->window_bytes_max) ||
                 wr_limit_wrong(&error, name, "empty_bytes_max", d->empty_bytes_max);
    return wr_bytes_stage(bytes, name, &pieces, wrong ? NULL : codings[d->coding], &limits,
                          wrong ? &error : NULL);
}

weir_gen *weir_decoded(weir_gen *bytes, const weir_decoding *decoding)
{
    weir_decoding d = WEIR_ZERO;
    if (decoding != NULL) {
        WR_TAKE_OPTIONS(d, decoding);
    }
    wr_gen_given(bytes, "weir_decoded");
    return decoded(bytes, "decoded", &d, members);
}

struct decode_args {
    int64_t bytes_max, ratio_max, window_bytes_max, empty_bytes_max;
};

static weir_gen *decode(weir_gen *up, const char *name, int32_t coding, const void *args)
{
    const struct decode_args *a = args;
    weir_decoding d = {.struct_size = sizeof d,
                       .coding = coding,
                       .bytes_max = a->bytes_max,
                       .ratio_max = a->ratio_max,
                       .window_bytes_max = a->window_bytes_max,
                       .empty_bytes_max = a->empty_bytes_max};
    return decoded(up, name, &d, arguments);
}

#define LIMITS                                                                                     \
    WEIR_ARG_SIZE(struct decode_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1, \
                  .help = "decoded bytes at most; no limit if not given"),                         \
        WEIR_ARG_COUNT(struct decode_args, ratio_max, .name = "ratio", .form = WEIR_FORM_NAMED,    \
                       .min = 1, .preset = "1000",                                                 \
                       .help = "decoded bytes for each byte of the input, after the first 10MiB"), \
        WEIR_ARG_SIZE(struct decode_args, empty_bytes_max, .name = "empty",                        \
                      .form = WEIR_FORM_NAMED, .min = 1, .preset = "16MiB",                        \
                      .help = "input in a row that decodes to nothing, at most")
static const weir_arg decode_args[] = {LIMITS};
static const weir_arg zstd_args[] = {
    LIMITS,
    WEIR_ARG_SIZE(struct decode_args, window_bytes_max, .name = "window", .form = WEIR_FORM_NAMED,
                  .min = 1024, .preset = "8MiB",
                  .help = "the window of a frame at most; zstd --long needs 128MiB"),
};

/* FRAMES: a source directly before it gives bytes. */
#define DECODES                                                                                \
    .struct_size = sizeof(weir_component), .kind = WEIR_KIND_STAGE, .takes = WEIR_SHAPE_BYTES, \
    .gives = WEIR_SHAPE_BYTES,                                                                 \
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_FRAMES | WEIR_TRAIT_STATE_REPLAYS, \
    .args_size = sizeof(struct decode_args)

static weir_gen *gunzip_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return decode(up, "gunzip", WEIR_CODING_GZIP, args);
}

static const weir_example gunzip_more[] = {{"gen 1..3 | gzip | gunzip", "1\n2\n3\n"}, {NULL, NULL}};

static const weir_ending gunzip_endings[] = {{".gz", NULL}, {NULL, NULL}};

const weir_component wr_component_gunzip = {
    DECODES,
    .name = "gunzip",
    .args = decode_args,
    .args_count = sizeof decode_args / sizeof decode_args[0],
    .help = "Decompresses gzip, one member after another.",
    .example = "https://example.org/access.log.gz | gunzip | grep \"GET\"",
    .more_examples = gunzip_more,
    .open = gunzip_open,
    .endings = gunzip_endings,
};

static weir_gen *unzstd_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return decode(up, "unzstd", WEIR_CODING_ZSTD, args);
}

static const weir_example unzstd_more[] = {{"gen 1..3 | zstd | unzstd", "1\n2\n3\n"}, {NULL, NULL}};

static const weir_ending unzstd_endings[] = {{".zst", NULL}, {NULL, NULL}};

const weir_component wr_component_unzstd = {
    DECODES,
    .name = "unzstd",
    .args = zstd_args,
    .args_count = sizeof zstd_args / sizeof zstd_args[0],
    .help = "Decompresses zstd, one frame after another.",
    .example = "https://example.org/access.log.zst | unzstd | grep \"GET\"",
    .more_examples = unzstd_more,
    .open = unzstd_open,
    .endings = unzstd_endings,
};

static weir_gen *unbrotli_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return decode(up, "unbrotli", WEIR_CODING_BROTLI, args);
}

static const weir_ending unbrotli_endings[] = {{".br", NULL}, {NULL, NULL}};

const weir_component wr_component_unbrotli = {
    DECODES,
    .name = "unbrotli",
    .args = decode_args,
    .args_count = sizeof decode_args / sizeof decode_args[0],
    .help = "Decompresses brotli.",
    .example = "https://example.org/access.log.br | unbrotli | grep \"GET\"",
    .open = unbrotli_open,
    .endings = unbrotli_endings,
};

static weir_gen *unlz4_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return decode(up, "unlz4", WEIR_CODING_LZ4, args);
}

static const weir_ending unlz4_endings[] = {{".lz4", NULL}, {NULL, NULL}};

const weir_component wr_component_unlz4 = {
    DECODES,
    .name = "unlz4",
    .args = decode_args,
    .args_count = sizeof decode_args / sizeof decode_args[0],
    .help = "Decompresses lz4, one frame after another.",
    .example = "https://example.org/access.log.lz4 | unlz4 | grep \"GET\"",
    .open = unlz4_open,
    .endings = unlz4_endings,
};
