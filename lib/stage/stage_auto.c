/*
 * stage_auto.c - the component `auto`: JSON values of what comes, whatever it is.
 *
 * The plan inserts what decodes the file before it by its ending, because `auto` uses values. What is
 * left is one text in one value: a record becomes an object of its fields, of a message the body is
 * read, and of anything else the text. So it is one of two other components, by the shape of what
 * comes.
 */
#include <weir/module.h>

extern const weir_component wr_component_json, wr_component_ndjson;

static weir_gen *auto_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const int64_t presets[8] = {0};
    (void)args;
    bool records = (opening->shape & WEIR_SHAPE_RECORD) != 0;
    return (records ? &wr_component_ndjson : &wr_component_json)->open(opening, up, presets);
}

static const char *auto_says(const weir_opening *opening, const void *args)
{
    (void)args;
    switch (opening->shape) {
    case WEIR_SHAPE_LINE: return "each line is one value; what is written over lines needs 'json'";
    case WEIR_SHAPE_MESSAGE: return "the body of each message is one value";
    case WEIR_SHAPE_RECORD: return "each record becomes an object of its fields";
    default: return NULL;
    }
}

static const weir_example auto_more[] = {
    {"./users.csv | auto", NULL},
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
        "JSON values of what comes, whatever it is: a file is decoded by its ending, of a message "
        "the body is read, a record becomes an object; else each line is one value.",
    .example = "gen 1..2 | auto",
    .prints = "1\n2\n",
    .more_examples = auto_more,
    .open = auto_open,
    .says = auto_says,
};
