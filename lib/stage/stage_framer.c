/*
 * stage_framer.c - the components that cut bytes into items: lines, nul, raw, len32, fixed, varint
 * and sse. Each is weir_framed with its arguments. `lines` after a component that gives lines does
 * nothing.
 */
#include <weir/module.h>
#include <weir/stage.h>

struct framer_args {
    int64_t record_bytes; /* fixed */
    int64_t bytes_max;
    int32_t overlong;
};

static weir_gen *cut(const weir_opening *opening, weir_gen *up, const void *args, int32_t kind)
{
    const struct framer_args *a = args;
    weir_framing framing = {.struct_size = sizeof framing,
                            .kind = kind,
                            .overlong = a->overlong,
                            .item_bytes_max = a->bytes_max,
                            .record_bytes = a->record_bytes};
    if (opening->strict && framing.overlong == WEIR_LONG_SKIP) {
        framing.overlong = WEIR_LONG_FAILS;
    }
    return weir_framed(up, &framing);
}

static const char *const long_choices[] = {"skip", "cut", "fail", NULL};
#define LIMITS(item)                                                                               \
    WEIR_ARG_SIZE(struct framer_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1, \
                  .help = "bytes of " item "; 1MiB if not given"),                                 \
        WEIR_ARG_CHOICE(struct framer_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,  \
                        .choices = long_choices, .preset = "skip",                                 \
                        .help = "what to do with a longer one")
static const weir_arg line_args[] = {LIMITS("a line, without its end")};
static const weir_arg record_args[] = {LIMITS("a record, without its length")};
static const weir_arg event_args[] = {LIMITS("the data of an event")};
static const weir_arg fixed_args[] = {
    WEIR_ARG_COUNT(struct framer_args, record_bytes, .name = "N", .flags = WEIR_ARG_REQUIRED,
                   .min = 1, .max = 1024 * 1024, .help = "bytes of each record, at most 1MiB"),
};

/* ---- lines */

static int lines_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct framer_args *a = args;
    if (opening->joined || opening->shape == WEIR_SHAPE_BYTES ||
        (a->bytes_max == 0 && a->overlong == WEIR_LONG_SKIP)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its arguments are limits of the source");
    return weir_mistake_hint(mistake, "put it directly after the source");
}

static weir_gen *lines_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    bool bytes = opening->joined || opening->shape == WEIR_SHAPE_BYTES;
    return bytes ? cut(opening, up, args, WEIR_FRAME_LINES) : up;
}

const weir_component wr_component_lines = {
    .struct_size = sizeof wr_component_lines,
    .name = "lines",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES | WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_FRAMES | WEIR_TRAIT_CONVERTS,
    .args = line_args,
    .args_count = sizeof line_args / sizeof line_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Cuts bytes at line ends, which is what a source does by itself; sets the limit.",
    .example = "gen 1..3 | lines",
    .prints = "1\n2\n3\n",
    .check = lines_check,
    .open = lines_open,
};

/* ---- items that end with NUL */

static weir_gen *nul_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return cut(opening, up, args, WEIR_FRAME_NUL);
}

const weir_component wr_component_nul = {
    .struct_size = sizeof wr_component_nul,
    .name = "nul",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES,
    .args = line_args,
    .args_count = sizeof line_args / sizeof line_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Cuts bytes at NUL, as find -print0 writes them.",
    .example = "./names.nul | nul | grep \".log\"",
    .open = nul_open,
};

/* ---- bytes as they come */

static weir_gen *raw_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_framing framing = {.struct_size = sizeof framing, .kind = WEIR_FRAME_NONE};
    (void)opening;
    (void)args;
    return weir_framed(up, &framing);
}

const weir_component wr_component_raw = {
    .struct_size = sizeof wr_component_raw,
    .name = "raw",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_BYTES,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES,
    .help = "Leaves bytes uncut: pieces of any length, written without line ends.",
    .example = "https://example.org/image.png | raw | file ./image.png",
    .open = raw_open,
};

/* ---- records */

static weir_gen *len32_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return cut(opening, up, args, WEIR_FRAME_LEN32);
}

const weir_component wr_component_len32 = {
    .struct_size = sizeof wr_component_len32,
    .name = "len32",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES,
    .args = record_args,
    .args_count = sizeof record_args / sizeof record_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Records with their length before them: 4 bytes, the highest first.",
    .example = "tcp://127.0.0.1:9000 | len32 max=16MiB",
    .open = len32_open,
};

static weir_gen *varint_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return cut(opening, up, args, WEIR_FRAME_VARINT);
}

const weir_component wr_component_varint = {
    .struct_size = sizeof wr_component_varint,
    .name = "varint",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES,
    .args = record_args,
    .args_count = sizeof record_args / sizeof record_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Records with their length before them as protobuf writes it (LEB128).",
    .example = "./messages.pb | varint | head 3",
    .open = varint_open,
};

static weir_gen *fixed_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return cut(opening, up, args, WEIR_FRAME_FIXED);
}

const weir_component wr_component_fixed = {
    .struct_size = sizeof wr_component_fixed,
    .name = "fixed",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES,
    .args = fixed_args,
    .args_count = sizeof fixed_args / sizeof fixed_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Records of N bytes each.",
    .example = "./samples.bin | fixed 16 | head 3",
    .open = fixed_open,
};

/* ---- server-sent events */

static weir_gen *sse_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return cut(opening, up, args, WEIR_FRAME_SSE);
}

static const weir_ending sse_endings[] = {{".sse", NULL}, {NULL, NULL}};

const weir_component wr_component_sse = {
    .struct_size = sizeof wr_component_sse,
    .name = "sse",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_MESSAGE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_FRAMES | WEIR_TRAIT_BY_ID,
    .args = event_args,
    .args_count = sizeof event_args / sizeof event_args[0],
    .args_size = sizeof(struct framer_args),
    .help = "Server-sent events: the data of each, with its id, type and retry. After a URL, it "
            "reconnects without limit and continues after the last id.",
    .example = "https://example.org/feed.sse | sse | grep \"login\"",
    .condition = "the events have ids",
    .on_break = "it reconnects without limit, after the id of the last event given",
    .open = sse_open,
    .endings = sse_endings,
};
