/*
 * stage_encode.c - weir_encoded, and the components gzip and zstd: items to compressed bytes.
 *
 * A round takes items as they come in one pull, up to ROUND_BYTES of them, and makes one piece of
 * output. At its end all of it is flushed: nothing is held back while the upstream waits, so a live
 * stream is compressed line by line, and a fast one in large pieces. The piece stands for the items
 * of the round, which stay lent from upstream until the next pull.
 *
 * With members (a state), a round ends with its member, so a file that was cut back after any piece
 * goes on with another member. Without, the whole stream is one member, and its end is a piece of
 * its own. When the upstream fails, that end is missing: a reader sees that it is not complete.
 *
 * It waits only for its upstream. The encoder's memory and the output are charged to the budget.
 */
#include <weir/extend.h>
#include <weir/module.h>
#include <weir/stage.h>

#include <string.h>

#include "base_option.h"
#include "bytes_line.h"
#include "codec_encode.h"
#include "flow_gen.h"

enum { PULL_ITEMS = 512, ROUND_BYTES = 256 * 1024, OUT_BYTES = 64 * 1024, OUT_MIN = 4096 };

struct encode {
    const struct wr_encoding *encoding;
    int level;
    bool members;
    struct wr_encoder encoder; /* NULL encoding: not begun */
    weir_item *items;          /* PULL_ITEMS; [at, count) are not encoded yet */
    size_t at, count;
    bool owes;  /* the last line had no end */
    bool ended; /* the end of the stream was given */
    weir_scratch scratch;
    char *out;
    size_t out_len, out_cap;
    size_t charged_bytes;
};

static int no_memory(weir_gen *gen, const struct encode *encode, int code)
{
    const struct wr_codec_memory *memory = &encode->encoder.memory;
    return code == WEIR_EBUDGET
               ? weir_gen_error(
                     gen, code, 0,
                     "level %d needs more than %zu bytes of memory, half of the byte budget",
                     encode->level, memory->max_bytes)
               : weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory for an encoder");
}

static void charge(weir_gen *gen, struct encode *encode)
{
    wr_budget_follow(&gen->loop->budget, &encode->charged_bytes,
                     encode->encoder.memory.used_bytes + encode->out_cap);
}

/* 0, or the code of a failure that was set. */
static int begin(weir_gen *gen, struct encode *encode)
{
    size_t most = (size_t)gen->loop->budget.limit / 2;
    encode->items = weir_alloc(PULL_ITEMS * sizeof *encode->items);
    int rc = encode->items == NULL
                 ? WEIR_ENOMEM
                 : wr_encoder_init(&encode->encoder, encode->encoding, encode->level, false, most);
    charge(gen, encode);
    return rc < 0 ? no_memory(gen, encode, rc) : 0;
}

static bool reserve(struct encode *encode)
{
    if (encode->out_cap - encode->out_len >= OUT_MIN) {
        return true;
    }
    size_t cap = encode->out_cap == 0 ? OUT_BYTES : encode->out_cap * 2;
    char *out = weir_realloc(encode->out, cap);
    if (out != NULL) {
        encode->out = out;
        encode->out_cap = cap;
    }
    return out != NULL;
}

/* 0, or the code of a failure that was set. */
static int put(weir_gen *gen, struct encode *encode, enum wr_encode_how how, const char *data,
               size_t len)
{
    int rc = 0;
    while (rc == 0) {
        size_t used, made;
        if (!reserve(encode)) {
            return no_memory(gen, encode, WEIR_ENOMEM);
        }
        rc = wr_encoder_step(&encode->encoder, how, data, len, &used, encode->out + encode->out_len,
                             encode->out_cap - encode->out_len, &made);
        data += used;
        len -= used;
        encode->out_len += made;
    }
    return rc < 0 ? no_memory(gen, encode, rc) : 0;
}

/* Encode an item with its line end; *bytes grows by its length. 0, or the code of a failure. */
static int put_item(weir_gen *gen, struct encode *encode, const weir_item *item, size_t *bytes)
{
    weir_slice text;
    if (!wr_gen_text(gen, item, &text, &encode->scratch)) {
        return gen->failure->code;
    }
    struct wr_line_ends ends = wr_line_ends(item->flags, &encode->owes);
    int rc = ends.before ? put(gen, encode, WR_ENCODE_GO_ON, "\n", 1) : 0;
    rc = rc == 0 && text.len > 0 ? put(gen, encode, WR_ENCODE_GO_ON, text.data, text.len) : rc;
    rc = rc == 0 && ends.len > 0 ? put(gen, encode, WR_ENCODE_GO_ON, ends.end, ends.len) : rc;
    *bytes += text.len + ends.len;
    return rc;
}

/* Pull more items. 0: there are some; 1: the stream has ended; or a code. */
static int pull(weir_gen *gen, struct encode *encode)
{
    encode->at = 0;
    encode->count = weir_pull(gen, encode->items, PULL_ITEMS);
    return encode->count > 0 ? 0 : weir_end_code(gen) == 0 ? 1 : weir_end_code(gen);
}

static size_t give(weir_gen *gen, struct encode *encode, weir_item *item, size_t first)
{
    *item = weir_bytes(encode->out, encode->out_len);
    item->flags = WEIR_ITEM_BYTES;
    size_t count = encode->at - first;
    return count == 0 || weir_stand_for(gen, item, encode->items + first, count) == 0;
}

static size_t encode_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct encode *encode = self;
    size_t bytes = 0;
    (void)max;
    if (encode->ended || (encode->items == NULL && begin(gen, encode) < 0)) {
        return 0;
    }
    int rc = encode->at == encode->count ? pull(gen, encode) : 0;
    if (rc < 0) {
        return 0;
    }
    encode->ended = rc == 1;
    if (encode->ended && encode->members) {
        return 0;
    }
    encode->out_len = 0;
    size_t first = encode->at;
    for (rc = 0; rc == 0 && encode->at < encode->count && bytes < ROUND_BYTES; encode->at++) {
        rc = put_item(gen, encode, &encode->items[encode->at], &bytes);
    }
    bool ends = encode->ended || encode->members;
    rc = rc == 0 ? put(gen, encode, ends ? WR_ENCODE_END : WR_ENCODE_FLUSH, "", 0) : rc;
    charge(gen, encode);
    return rc == 0 ? give(gen, encode, items, first) : 0;
}

static void encode_close(weir_gen *gen, void *self)
{
    struct encode *encode = self;
    wr_encoder_fini(&encode->encoder);
    weir_free(encode->items);
    weir_free(encode->out);
    weir_scratch_free(&encode->scratch);
    wr_budget_follow(&gen->loop->budget, &encode->charged_bytes, 0);
}

static weir_gen *encoded(weir_gen *up, const char *name, const weir_encoding *e)
{
    static const struct wr_encoding *const encodings[] = {
        [WEIR_CODING_GZIP] = &wr_encoding_gzip, [WEIR_CODING_ZSTD] = &wr_encoding_zstd};
    weir_gen_ops ops = {
        .struct_size = sizeof ops, .name = name, .next_many = encode_next, .close = encode_close};
    weir_error error;
    bool wrong = wr_choice_wrong(&error, name, "coding", e->coding, WEIR_CODING_ZSTD);
    const struct wr_encoding *encoding = encodings[wrong ? 0 : e->coding];
    wrong = wrong || wr_choice_wrong(&error, name, "level", e->level, encoding->level_max) ||
            wr_choice_wrong(&error, name, "members", e->members, 1);
    struct encode self = {.encoding = encoding,
                          .level = e->level != 0 ? e->level : encoding->level,
                          .members = e->members != 0};
    weir_gen *gen = weir_stage_new(up, &ops, &self, sizeof self);
    if (wrong) {
        (void)wr_gen_fail_error(gen, &error);
    }
    return gen;
}

weir_gen *weir_encoded(weir_gen *up, const weir_encoding *encoding)
{
    weir_encoding e = WEIR_ZERO;
    if (encoding != NULL) {
        WR_TAKE_OPTIONS(e, encoding);
    }
    wr_gen_given(up, "weir_encoded");
    return encoded(up, "encoded", &e);
}

struct encode_args {
    int64_t level;
};

static weir_gen *open_encoded(const weir_opening *opening, weir_gen *up, int32_t coding,
                              const char *name, const void *args)
{
    weir_encoding e = {.struct_size = sizeof e,
                       .coding = coding,
                       .level = (int32_t)((const struct encode_args *)args)->level,
                       .members = opening->state != NULL};
    return encoded(up, name, &e);
}

static weir_gen *gzip_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return open_encoded(opening, up, WEIR_CODING_GZIP, "gzip", args);
}

static weir_gen *zstd_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return open_encoded(opening, up, WEIR_CODING_ZSTD, "zstd", args);
}

#define ENCODES                                                                                \
    .struct_size = sizeof(weir_component), .kind = WEIR_KIND_STAGE, .takes = WEIR_SHAPES_TEXT, \
    .gives = WEIR_SHAPE_BYTES, .traits = WEIR_TRAIT_CPU | WEIR_TRAIT_PIECES, .args_count = 1,  \
    .args_size = sizeof(struct encode_args)
#define LEVEL(most, usual)                                                                        \
    WEIR_ARG_COUNT(struct encode_args, level, .name = "level", .form = WEIR_FORM_NAMED, .min = 1, \
                   .max = (most), .preset = (usual),                                              \
                   .help = "from 1, the fastest, to " #most ", the smallest")

static const weir_arg gzip_args[] = {LEVEL(9, "6")};

const weir_component wr_component_gzip = {
    ENCODES,
    .name = "gzip",
    .args = gzip_args,
    .help = "Compresses lines or bytes as gzip; what has come is written at once, in large pieces "
            "when much comes.",
    .example = "./access.log | grep \"GET\" | gzip | file ./get.log.gz",
    .open = gzip_open,
};

static const weir_arg zstd_args[] = {LEVEL(19, "3")};

const weir_component wr_component_zstd = {
    ENCODES,
    .name = "zstd",
    .args = zstd_args,
    .help = "Compresses lines or bytes as zstd; what has come is written at once, in large pieces "
            "when much comes.",
    .example = "./access.log | grep \"GET\" | zstd level=9 | file ./get.log.zst",
    .open = zstd_open,
};
