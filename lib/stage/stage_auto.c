/*
 * stage_auto.c - the component `auto`: JSON values of what comes, whatever it is.
 *
 * What decodes a file stands before it: the plan inserts that by the ending of the file's name. What
 * is left is one text in one value: a record becomes an object of its fields, of a message the body is
 * read, and of anything else the text. So it is one of two other components, by the shape of what
 * comes.
 *
 * Directly behind a source whose far end says what its bytes are (wr_gen_by_media), that is known only
 * when it has answered. Then `auto` is a stage without work of its own. Its first pull waits for the
 * answer, puts the components that read such a body between itself and the source, and they reject
 * what `auto` would reject. From then on it passes items on. `json` directly behind such a source is
 * the same with two kinds of bodies: an event stream, and JSON.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "flow_dead.h"
#include "flow_gen.h"
#include "stage_auto.h"
#include "stage_record.h"

extern const weir_component wr_component_json, wr_component_ndjson, wr_component_csv,
    wr_component_tsv, wr_component_gunzip, wr_component_unzstd, wr_component_lines,
    wr_component_sse;

static const int64_t presets[8] = {0}; /* arguments that are not given */

struct stage_auto {
    struct weir_gen gen;
    weir_opening opening; /* scope and strict */
    bool looked;          /* a later component reads the values of lines */
    bool begun;
};

/* Put a component in front of what is read so far, which gives items of this shape. */
static weir_gen *put(struct stage_auto *stage, const weir_component *component, weir_gen *up,
                     uint32_t shape)
{
    weir_opening opening = stage->opening;
    opening.shape = shape;
    opening.joined = shape == WEIR_SHAPE_BYTES;
    weir_gen *gen = component == &wr_component_csv   ? wr_rows_open(&opening, up, ',')
                    : component == &wr_component_tsv ? wr_rows_open(&opening, up, '\t')
                                                     : component->open(&opening, up, presets);
    wr_gen_on_error_as(gen, up, &stage->gen, component->name);
    if (gen != &wr_gen_no_memory) { /* shared by all threads */
        gen->counts.component = component->name;
        gen->counts.part = stage->gen.counts.part;
    }
    return gen;
}

/* The components that read such a body. */
static weir_gen *put_all(struct stage_auto *stage, enum wr_media media, weir_gen *up)
{
    switch (media) {
    case WR_MEDIA_JSON: return put(stage, &wr_component_json, up, WEIR_SHAPE_BYTES);
    case WR_MEDIA_EVENTS: return put(stage, &wr_component_json, up, WEIR_SHAPE_MESSAGE);
    case WR_MEDIA_CSV:
        up = put(stage, &wr_component_csv, up, WEIR_SHAPE_BYTES);
        return put(stage, &wr_component_ndjson, up, WEIR_SHAPE_RECORD);
    case WR_MEDIA_TSV:
        up = put(stage, &wr_component_tsv, up, WEIR_SHAPE_BYTES);
        return put(stage, &wr_component_ndjson, up, WEIR_SHAPE_RECORD);
    default: return stage->looked ? up : put(stage, &wr_component_json, up, WEIR_SHAPE_LINE);
    }
}

/* The components that unpack such a body and read what is inside. A body that is not compressed is
 * cut by the source itself. */
static weir_gen *put_unpacked(struct stage_auto *stage, enum wr_media media, weir_gen *up)
{
    bool gzip = media == WR_MEDIA_GZIP;
    if (!gzip && media != WR_MEDIA_ZSTD) {
        return put_all(stage, media, up);
    }
    enum wr_media inside = wr_gen_media_inside(wr_dead_gate_reads(up));
    up = put(stage, gzip ? &wr_component_gunzip : &wr_component_unzstd, up, WEIR_SHAPE_BYTES);
    if (inside == WR_MEDIA_LINES || inside == WR_MEDIA_EVENTS) {
        bool lines = inside == WR_MEDIA_LINES;
        up = put(stage, lines ? &wr_component_lines : &wr_component_sse, up, WEIR_SHAPE_BYTES);
    }
    return put_all(stage, inside, up);
}

static size_t auto_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_auto *stage = WR_OWNER(gen, struct stage_auto, gen);
    struct weir_gen *up = gen->up;
    if (WR_UNLIKELY(!stage->begun)) {
        enum wr_media media = wr_gen_media(up);
        stage->begun = true;
        if (media != WR_MEDIA_UNKNOWN) { /* else the pull says why */
            wr_gen_unadopt(up);
            wr_gen_adopt(gen, put_unpacked(stage, media, up));
        }
    }
    return gen->up != NULL ? wr_pull(gen->up, items, max) : 0;
}

static struct wr_json *auto_json(const struct weir_gen *gen)
{
    return wr_gen_json(gen->up);
}

static const struct wr_gen_ops auto_ops = {
    .kind = "auto", .next_many = auto_next_many, .json = auto_json};

weir_gen *wr_auto_by_media(const weir_opening *opening, weir_gen *up, const char *name)
{
    struct stage_auto *stage = wr_stage_alloc(up, sizeof *stage, &auto_ops, name);
    if (stage != NULL) {
        stage->opening = (weir_opening){.struct_size = sizeof stage->opening,
                                        .scope = opening->scope,
                                        .strict = opening->strict};
        stage->looked = opening->looked != 0;
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

/* A recording of something else than a response. */
static void by_lines(weir_opening opening, weir_gen *up, weir_gen **made)
{
    weir_framing lines = wr_media_framing(WR_MEDIA_LINES, opening.strict != 0);
    opening.joined = 0;
    opening.shape = WEIR_SHAPE_LINE;
    *made = wr_component_json.open(&opening, weir_framed(up, &lines), presets);
}

static weir_gen *auto_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_gen *made = NULL;
    (void)args;
    if (opening->joined && wr_gen_by_media(up, opening->strict != 0, false)) {
        return wr_auto_by_media(opening, up, "auto");
    }
    if (opening->joined) {
        by_lines(*opening, up, &made);
        return made;
    }
    bool records = (opening->shape & WEIR_SHAPE_RECORD) != 0;
    return (records ? &wr_component_ndjson : &wr_component_json)->open(opening, up, presets);
}

static const char *auto_says(const weir_opening *opening, const void *args)
{
    (void)args;
    if (opening->joined) {
        return "by the Content-Type of the first answer: text/event-stream as 'sse | json', which "
               "reconnects without limit after the last id; text/csv as 'csv header | ndjson'; "
               "application/json and ...+json as 'json'; application/gzip and application/zstd are "
               "unpacked, and read by the ending in the URL's path (.csv.gz); of anything else "
               "each "
               "line is one value";
    }
    switch (opening->shape) {
    case WEIR_SHAPE_LINE: return "each line is one value; what is written over lines needs 'json'";
    case WEIR_SHAPE_MESSAGE: return "the body of each message is one value";
    case WEIR_SHAPE_RECORD: return "each record becomes an object of its fields";
    default: return NULL;
    }
}

static const weir_example auto_more[] = {
    {"./users.csv | auto", NULL},
    {"https://example.org/users.csv | auto", NULL},
    {NULL, NULL},
};

const weir_component wr_component_auto = {
    .struct_size = sizeof wr_component_auto,
    .name = "auto",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT,
    .gives = WEIR_SHAPE_JSON,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES |
              WEIR_TRAIT_ON_DEMAND,
    .help =
        "JSON values of what comes, whatever it is: a file is decoded by its ending, a response "
        "by its Content-Type; of a message the body is read, a record becomes an object; else "
        "each line is one value.",
    .example = "gen 1..2 | auto",
    .prints = "1\n2\n",
    .more_examples = auto_more,
    .condition = "the server sends a strong ETag or a Last-Modified (an event stream: "
                 "at-least-once if its events have ids)",
    .on_break = "it reconnects and continues after the last value given, of an event stream after "
                "the id of the last event given",
    .open = auto_open,
    .says = auto_says,
};
