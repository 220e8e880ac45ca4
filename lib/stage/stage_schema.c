/*
 * stage_schema.c - `schema FILE`: values that are not as a JSON Schema says are rejected
 * (codec_schema.h); the others pass as they came.
 *
 * The file is read when the text is checked, so that a mistake in it is a mistake in the text, and once
 * more when the stage is opened. It pulls as many items as its reader requested and gives those that
 * are valid, at least one. An item is a JSON text, a line with one, or a message with one as its body;
 * a line of white space counts as filtered. It suspends at the pull, and between two items when it has run for
 * long.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/module.h>

#include "base_alloc.h"
#include "codec_excerpt.h"
#include "codec_schema.h"
#include "flow_dead.h"
#include "flow_gen.h"

enum { FILE_BYTES_MAX = 16 * 1024 * 1024, WHY_BYTES = WR_SCHEMA_REASON + 64 };

struct stage_schema {
    struct weir_gen gen;
    struct wr_schema *schema;
    struct wr_json json;
    weir_scratch scratch;
};

/* ---- the file */

/* NULL: *code and `why` say what is wrong. */
static struct wr_schema *read_file(const char *path, int *code, char why[WHY_BYTES])
{
    char problem[WR_SCHEMA_REASON] = "";
    struct wr_schema *schema = NULL;
    FILE *file = fopen(path, "re");
    *code = WEIR_EINVAL;
    if (file == NULL) {
        snprintf(why, WHY_BYTES, "cannot open it: %s", strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t len = 0, cap = 0;
    do {
        if (len == cap) {
            char *more = cap <= FILE_BYTES_MAX ? wr_realloc(text, cap + 64 * 1024) : NULL;
            if (more == NULL) {
                break;
            }
            text = more;
            cap += 64 * 1024;
        }
        len += fread(text + len, 1, cap - len, file);
    } while (len == cap);
    if (ferror(file) != 0) {
        snprintf(why, WHY_BYTES, "cannot read it: %s", strerror(errno));
    } else if (len > FILE_BYTES_MAX) {
        snprintf(why, WHY_BYTES, "it has more than 16 MiB");
    } else if (len == cap) {
        *code = WEIR_ENOMEM;
    } else {
        schema = wr_schema_new(text, len, code, problem);
        snprintf(why, WHY_BYTES, "%s", problem);
    }
    if (*code == WEIR_ENOMEM) {
        snprintf(why, WHY_BYTES, "no memory for the schema");
    }
    (void)fclose(file);
    wr_free(text);
    return schema;
}

/* ---- the stage */

/* 1: the item passes; 0: it was left out; negative: gen has failed. */
static int look(struct stage_schema *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    char why[WR_SCHEMA_REASON];
    weir_slice text;
    if (!wr_gen_text(gen, item, &text, &stage->scratch)) {
        return -1;
    }
    int rc = wr_json_index(&stage->json, text.data, text.len);
    if (rc == WEIR_EPARSE && wr_json_blank(text.data, text.len)) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    if (rc == WEIR_EPARSE || rc == WEIR_ETOOLONG) {
        struct wr_fault fault = wr_json_fault(&stage->json, text, rc);
        return wr_gen_reject_at(gen, item, rc, &fault);
    }
    rc = rc == 0 ? wr_schema_check(stage->schema, &stage->json, why) : rc;
    if (rc == WEIR_EPARSE) {
        return wr_gen_reject(gen, item, rc, why);
    }
    return rc == 0 ? 1 : wr_gen_fail(gen, rc, 0, -1, "no memory for a value");
}

static void charge(struct stage_schema *stage)
{
    wr_gen_scratch(&stage->gen, wr_json_bytes(&stage->json) + stage->scratch.cap +
                                    wr_schema_bytes(stage->schema));
}

/* A value may be long, and slow to check: let other tasks run. Returns rc, or a code: failed. */
static int turn(struct stage_schema *stage, int rc)
{
    int why = wr_turn(stage->gen.loop, &stage->gen.object);
    return why < 0 ? wr_gen_fail(&stage->gen, why, 0, -1, "%s", wr_code_text(why)) : rc;
}

/* The next pull, without what a large value of the last one has needed. */
static size_t pull(struct stage_schema *stage, weir_item *items, size_t max)
{
    if (stage->gen.scratch_charged > 0) {
        wr_json_trim(&stage->json);
        weir_scratch_free(&stage->scratch);
        wr_schema_trim(stage->schema);
        charge(stage);
    }
    return wr_pull(stage->gen.up, items, max);
}

static size_t schema_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_schema *stage = WR_OWNER(gen, struct stage_schema, gen);
    size_t n, kept = 0;
    while (kept == 0 && (n = pull(stage, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            int rc = look(stage, &items[i]);
            charge(stage);
            rc = rc >= 0 ? turn(stage, rc) : rc;
            if (rc < 0) {
                return kept;
            }
            if (rc > 0) {
                items[kept++] = items[i];
            }
        }
    }
    return kept;
}

static void schema_close(struct weir_gen *gen)
{
    struct stage_schema *stage = WR_OWNER(gen, struct stage_schema, gen);
    wr_schema_free(stage->schema);
    stage->schema = NULL;
    wr_json_fini(&stage->json);
    weir_scratch_free(&stage->scratch);
}

static const struct wr_gen_ops schema_ops = {
    .kind = "schema", .next_many = schema_next_many, .close = schema_close};

/* ---- the component */

struct schema_args {
    const char *path;
};

static int schema_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct schema_args *a = args;
    char why[WHY_BYTES];
    int code;
    (void)opening;
    struct wr_schema *schema = read_file(a->path, &code, why);
    if (schema == NULL) {
        return weir_mistake_at(mistake, "FILE", "%s: %s", a->path, why);
    }
    wr_schema_free(schema);
    return 0;
}

static weir_gen *schema_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct schema_args *a = args;
    char why[WHY_BYTES];
    int code;
    (void)opening;
    struct stage_schema *stage = wr_stage_alloc(up, sizeof *stage, &schema_ops, "schema");
    if (stage != NULL) {
        wr_json_init(&stage->json);
        stage->json.bytes_max = wr_gen_scratch_max(&stage->gen);
        stage->schema = read_file(a->path, &code, why);
        if (stage->schema == NULL) {
            (void)wr_gen_fail(&stage->gen, code, 0, -1, "%s: %s", a->path, why);
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

static const weir_arg schema_args[] = {
    WEIR_ARG_PATH(struct schema_args, path, .name = "FILE", .flags = WEIR_ARG_REQUIRED,
                  .help = "a JSON Schema (draft 2020-12, the usual keywords; others are refused)"),
};

const weir_component wr_component_schema = {
    .struct_size = sizeof wr_component_schema,
    .name = "schema",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_MESSAGE,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES,
    .args = schema_args,
    .args_count = sizeof schema_args / sizeof schema_args[0],
    .args_size = sizeof(struct schema_args),
    .help =
        "Rejects values that are not as a JSON Schema says, with the place in the value and the "
        "keyword.",
    .example = "./feed.ndjson | schema ./event.schema.json",
    .check = schema_check,
    .open = schema_open,
};
