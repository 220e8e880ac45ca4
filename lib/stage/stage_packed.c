/*
 * stage_packed.c - the components msgpack and cbor: values of MessagePack and CBOR to JSON, and JSON
 * values and records to them.
 *
 * Behind bytes a framer cuts the values (codec_packed_frame.h), directly in the source where that is
 * possible. Each other text, as the body of a message, is one value. What is written are bytes: a
 * value has no line end. It suspends where wr_made_next does.
 */
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "codec_packed_write.h"
#include "flow_dead.h"
#include "stage_written.h"

struct packed_format {
    const char *name;
    int32_t framing;
    wr_packed_read *read;
    const struct wr_written_ops *written;
};

struct stage_packed {
    struct weir_gen gen;
    struct wr_made made;
    const struct packed_format *format;
    struct wr_written written;
    struct wr_packed *packed;
    weir_scratch scratch;
};

/* Write the value as JSON. 1; 0: it is not one whole value; or WEIR_EPARSE. */
static int decode(struct stage_packed *stage, weir_slice text, struct wr_out *out, size_t *used)
{
    wr_packed_init(stage->packed, stage->format->read);
    return text.len > 0 ? wr_packed_walk(stage->packed, text.data, text.len, used, out) : 0;
}

static int reject(struct stage_packed *stage, const weir_item *item, weir_slice text, size_t at,
                  const char *problem)
{
    const struct wr_fault fault = {.problem = problem, .text = text, .at = at, .binary = true};
    return wr_gen_reject_at(&stage->gen, item, WEIR_EPARSE, &fault);
}

/* Is the text one whole value? 1; 0: it was rejected; or a code: gen has failed. */
static int look(struct stage_packed *stage, const weir_item *item, weir_slice text)
{
    size_t used = 0;
    int rc = decode(stage, text, NULL, &used);
    return rc == 1 && used == text.len ? 1
           : rc < 0                    ? reject(stage, item, text, used, stage->packed->problem)
           : rc == 0 ? reject(stage, item, text, text.len, "the value does not end")
                     : reject(stage, item, text, used, "bytes behind the value");
}

static int packed_read(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_packed *stage = WR_OWNER(gen, struct stage_packed, gen);
    weir_slice text;
    size_t used;
    if (wr_written_takes(item)) {
        return wr_written_read(&stage->written, stage->format->written, NULL, &stage->made, gen,
                               item, left, WEIR_ITEM_BYTES);
    }
    if (!wr_gen_text(gen, item, &text, &stage->scratch)) {
        return gen->failure->code;
    }
    int rc = look(stage, item, text);
    if (rc <= 0) {
        return rc;
    }
    struct wr_out out = wr_made_room(&stage->made);
    (void)decode(stage, text, &out, &used);
    if (wr_item_padded(out.len) > out.cap) {
        rc = wr_made_reserve(&stage->made, gen, wr_item_padded(out.len), left);
        if (rc < 0) {
            return rc == WEIR_EBUDGET ? rc : wr_gen_fail(gen, rc, 0, -1, "no memory for a value");
        }
        out = wr_made_room(&stage->made);
        (void)decode(stage, text, &out, &used);
    }
    wr_made_take(&stage->made, item, out.len, &weir_json_type, 0);
    return 1;
}

static size_t scratch_of(const struct weir_gen *gen)
{
    const struct stage_packed *stage = WR_OWNER((uintptr_t)gen, struct stage_packed, gen);
    return wr_written_bytes(&stage->written) + stage->scratch.cap;
}

static void trim(struct weir_gen *gen)
{
    struct stage_packed *stage = WR_OWNER(gen, struct stage_packed, gen);
    wr_written_trim(&stage->written);
    weir_scratch_free(&stage->scratch);
}

static size_t packed_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    return wr_made_next(&WR_OWNER(gen, struct stage_packed, gen)->made, gen, items, max);
}

static void packed_close(struct weir_gen *gen)
{
    struct stage_packed *stage = WR_OWNER(gen, struct stage_packed, gen);
    wr_made_fini(&stage->made);
    wr_written_fini(&stage->written);
    wr_free(stage->packed);
    stage->packed = NULL;
    weir_scratch_free(&stage->scratch);
}

static const struct wr_gen_ops packed_ops = {
    .kind = "packed", .next_many = packed_next_many, .close = packed_close};

/* ---- writing */

#define WRITES(format)                                                                 \
    static int format##_row(void *self, struct wr_out *out, struct wr_fields *fields,  \
                            const struct wr_row *row)                                  \
    {                                                                                  \
        (void)self;                                                                    \
        return wr_packed_write_row(out, fields, wr_##format##_write, row);             \
    }                                                                                  \
    static int format##_json(void *self, struct wr_out *out, struct wr_fields *fields, \
                             const struct wr_json *json)                               \
    {                                                                                  \
        (void)self;                                                                    \
        return wr_packed_write_json(out, fields, wr_##format##_write, json);           \
    }                                                                                  \
    static const struct wr_written_ops format##_written = {.write = format##_row,      \
                                                           .write_json = format##_json}
WRITES(msgpack);
WRITES(cbor);

/* ---- opening */

struct packed_args {
    int64_t bytes_max;
    int32_t overlong;
};

static bool cuts(const weir_opening *opening)
{
    return opening->joined || opening->shape == WEIR_SHAPE_BYTES;
}

static weir_gen *open_packed(const weir_opening *opening, weir_gen *up, const struct packed_args *a,
                             const struct packed_format *format)
{
    if (cuts(opening)) {
        bool fails = a->overlong != 0 || opening->strict;
        up = weir_framed(up, WEIR_OPTIONS(weir_framing, .kind = format->framing,
                                          .overlong = fails ? WEIR_LONG_FAILS : WEIR_LONG_SKIP,
                                          .item_bytes_max = a->bytes_max));
    }
    struct stage_packed *stage = wr_stage_alloc(up, sizeof *stage, &packed_ops, format->name);
    if (stage == NULL) {
        return wr_gen_made(NULL, up);
    }
    stage->format = format;
    stage->made.read = packed_read;
    stage->made.scratch = scratch_of;
    stage->made.trim = trim;
    wr_written_init(&stage->written, wr_gen_scratch_max(&stage->gen));
    stage->packed = wr_alloc(sizeof *stage->packed);
    if (stage->packed == NULL) {
        (void)wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a decoder");
    }
    return wr_gen_made(&stage->gen, up);
}

static weir_gen *msgpack_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const struct packed_format format = {"msgpack", WEIR_FRAME_MSGPACK, wr_msgpack_read,
                                                &msgpack_written};
    return open_packed(opening, up, args, &format);
}

static weir_gen *cbor_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const struct packed_format format = {"cbor", WEIR_FRAME_CBOR, wr_cbor_read,
                                                &cbor_written};
    return open_packed(opening, up, args, &format);
}

static uint32_t packed_gives(const void *args, uint32_t shape)
{
    uint32_t gives = wr_written_gives(args, shape);
    return ((gives & WEIR_SHAPE_LINE) != 0 ? (uint32_t)WEIR_SHAPE_BYTES : 0) |
           ((gives & WEIR_SHAPE_RECORD) != 0 ? (uint32_t)WEIR_SHAPE_JSON : 0);
}

static int packed_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct packed_args *a = args;
    if (cuts(opening) || (a->bytes_max == 0 && a->overlong == 0)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its arguments are for values cut from bytes");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

static const char *const long_choices[] = {"skip", "fail", NULL};
static const weir_arg packed_args[] = {
    WEIR_ARG_SIZE(struct packed_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a value; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct packed_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices,
                    .help = "what to do with a longer one; skip if not given"),
};

#define PACKED                                                                           \
    .kind = WEIR_KIND_STAGE, .takes = WEIR_SHAPES_TEXT,                                  \
    .gives = (uint32_t)WEIR_SHAPE_JSON | WEIR_SHAPE_BYTES, .gives_of = packed_gives,     \
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_FRAMES, \
    .args = packed_args, .args_count = sizeof packed_args / sizeof packed_args[0],       \
    .args_size = sizeof(struct packed_args), .check = packed_check

static const weir_example msgpack_more[] = {
    {"./events.msgpack | msgpack", NULL},
    {"./events.ndjson | json | msgpack | file ./events.msgpack", NULL},
    {NULL, NULL},
};

const weir_component wr_component_msgpack = {
    .struct_size = sizeof wr_component_msgpack,
    .name = "msgpack",
    PACKED,
    .help = "Reads values of MessagePack as JSON: bytes are base64, an extension is {ext, data}. "
            "Behind "
            "JSON and records it writes them.",
    .example = "gen 1..3 | map {n: ., text: \"a\"} | msgpack | msgpack",
    .prints = "{\"n\":1,\"text\":\"a\"}\n{\"n\":2,\"text\":\"a\"}\n{\"n\":3,\"text\":\"a\"}\n",
    .open = msgpack_open,
    .more_examples = msgpack_more,
};

static const weir_example cbor_more[] = {
    {"./events.cbor | cbor", NULL},
    {"./events.ndjson | json | cbor | file ./events.cbor", NULL},
    {NULL, NULL},
};

const weir_component wr_component_cbor = {
    .struct_size = sizeof wr_component_cbor,
    .name = "cbor",
    PACKED,
    .help =
        "Reads values of CBOR (RFC 8949) as JSON: bytes are base64, tags are left out, strings in "
        "pieces are put together. Behind JSON and records it writes them.",
    .example = "gen 1..3 | map {n: ., text: \"a\"} | cbor | cbor",
    .prints = "{\"n\":1,\"text\":\"a\"}\n{\"n\":2,\"text\":\"a\"}\n{\"n\":3,\"text\":\"a\"}\n",
    .open = cbor_open,
    .more_examples = cbor_more,
};
