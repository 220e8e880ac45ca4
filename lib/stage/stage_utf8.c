/*
 * stage_utf8.c - the components utf8 and encode: lines whose bytes are not text.
 */
#include <weir/module.h>

#include <stdio.h>

#include "codec_base64.h"
#include "codec_json_write.h"
#include "codec_utf8.h"
#include "stage_text.h"

/* ---- utf8 */

enum { REPLACE, REJECT };

static size_t utf8_measure(int how, weir_slice text, char reason[WR_TEXT_REASON])
{
    size_t at = wr_utf8_valid_bytes(text.data, text.len);
    if (at == text.len) {
        return WR_TEXT_SAME;
    }
    if (how == REJECT) {
        snprintf(reason, WR_TEXT_REASON, "byte %zu of the line is 0x%02x, which is not UTF-8 there",
                 at, (unsigned)(unsigned char)text.data[at]);
        return WR_TEXT_BAD;
    }
    return wr_utf8_repaired_len(text.data, text.len);
}

static void utf8_write(int how, weir_slice text, char *to)
{
    (void)how;
    (void)wr_utf8_repair(text.data, text.len, to);
}

static const struct wr_text_ops utf8_ops = {
    .kind = "utf8", .measure = utf8_measure, .write = utf8_write};

struct utf8_args {
    int32_t policy;
};

static weir_gen *utf8_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return wr_text_stage(up, &utf8_ops, ((const struct utf8_args *)args)->policy);
}

static uint32_t utf8_traits(const void *args, uint32_t shape)
{
    (void)shape;
    uint32_t traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU;
    return ((const struct utf8_args *)args)->policy == REJECT ? traits | WEIR_TRAIT_REJECTS
                                                              : traits | WEIR_TRAIT_ONE_TO_ONE;
}

static const char *const policies[] = {"replace", "reject", NULL};
static const weir_arg utf8_args[] = {
    WEIR_ARG_CHOICE(struct utf8_args, policy, .name = "POLICY", .choices = policies,
                    .preset = "replace",
                    .help = "of a byte that is not UTF-8: U+FFFD in its place, or no such line"),
};

static const weir_example utf8_more[] = {{"./names.txt | utf8 reject", NULL}, {NULL, NULL}};

const weir_component wr_component_utf8 = {
    .struct_size = sizeof wr_component_utf8,
    .name = "utf8",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS,
    .traits_of = utf8_traits,
    .args = utf8_args,
    .args_count = sizeof utf8_args / sizeof utf8_args[0],
    .args_size = sizeof(struct utf8_args),
    .help = "Makes lines valid UTF-8, or rejects those that are not.",
    .example = "gen 1..3 | utf8",
    .prints = "1\n2\n3\n",
    .more_examples = utf8_more,
    .open = utf8_open,
};

/* ---- encode */

enum { BASE64, HEX, JSON };

static size_t encode_measure(int how, weir_slice text, char reason[WR_TEXT_REASON])
{
    struct wr_out out = {.cap = 0};
    (void)reason;
    if (how == JSON) {
        wr_json_string(&out, (struct wr_text){text.data, text.len});
        return out.len;
    }
    return how == BASE64 ? wr_base64_len(text.len) : text.len * 2;
}

static void encode_write(int how, weir_slice text, char *to)
{
    if (how == JSON) {
        struct wr_out out = {.to = to, .cap = SIZE_MAX}; /* it was measured */
        wr_json_string(&out, (struct wr_text){text.data, text.len});
    } else if (how == BASE64) {
        wr_base64_write(text.data, text.len, to);
    } else {
        wr_hex_write(text.data, text.len, to);
    }
}

static const struct wr_text_ops encode_ops = {
    .kind = "encode", .measure = encode_measure, .write = encode_write};

struct encode_args {
    int32_t as;
};

static weir_gen *encode_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return wr_text_stage(up, &encode_ops, ((const struct encode_args *)args)->as);
}

static const char *const encodings[] = {"base64", "hex", "json", NULL};
static const weir_arg encode_args[] = {
    WEIR_ARG_CHOICE(struct encode_args, as, .name = "AS", .flags = WEIR_ARG_REQUIRED,
                    .choices = encodings,
                    .help = "base64 with padding, hexadecimal digits, or a JSON string, "
                            "for expressions on lines of any kind"),
};

static const weir_example encode_more[] = {
    {"gen 9..11 | encode hex", "39\n3130\n3131\n"},
    {"gen 1..2 | text \"a \\(.)\" | encode json | split(\" \") | .[1]", "\"1\"\n\"2\"\n"},
    {NULL, NULL},
};

const weir_component wr_component_encode = {
    .struct_size = sizeof wr_component_encode,
    .name = "encode",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_ONE_TO_ONE,
    .args = encode_args,
    .args_count = sizeof encode_args / sizeof encode_args[0],
    .args_size = sizeof(struct encode_args),
    .help = "Each text as base64, hexadecimal digits or a JSON string, without its line end.",
    .example = "gen 9..11 | encode base64",
    .prints = "OQ==\nMTA=\nMTE=\n",
    .more_examples = encode_more,
    .open = encode_open,
};
