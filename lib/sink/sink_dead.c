/*
 * sink_dead.c - the component `dead`: items to a file in the form of rejected items, one JSON
 * object per line. So a branch for bad items writes the same form as the dead sink of the pipeline.
 *
 * It formats each item and puts the line into its own file sink. A commit or finish of this sink is
 * passed on to the file sink. sink_file.c says what may happen between two suspensions.
 */
#include <weir/module.h>

#include "base_alloc.h"
#include "base_error.h"
#include "flow_dead.h"
#include "sink_file_parts.h"

struct dead {
    weir_scope *scope;
    weir_sink *file;
    char *line; /* of the last item */
    size_t cap;
};

/* Format an item into dead->line; its length, or 0: out of memory. */
static size_t format(struct dead *dead, const weir_item *item)
{
    struct wr_out out = {dead->line, dead->cap, 0};
    wr_dead_write(&out, dead->scope, item, NULL, 0, NULL);
    if (out.len > dead->cap) {
        char *line = wr_realloc(dead->line, out.len);
        if (line == NULL) {
            return 0;
        }
        dead->line = line;
        dead->cap = out.len;
        out = (struct wr_out){line, out.len, 0};
        wr_dead_write(&out, dead->scope, item, NULL, 0, NULL);
    }
    return out.len;
}

/* Finish the file sink, and report its failure as this sink's. */
static int pass_on(weir_sink *sink, struct dead *dead)
{
    weir_error error;
    int rc = weir_sink_finish(dead->file, &error);
    dead->file = NULL;
    return rc < 0 ? weir_sink_error(sink, rc, error.detail, "%s", error.message) : 0;
}

static int dead_put_many(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct dead *dead = self;
    for (size_t i = 0; i < count; i++) {
        const weir_item *parts;
        size_t parts_count = weir_item_parts(&items[i], &parts);
        for (size_t j = 0; j < parts_count; j++) {
            size_t len = format(dead, &parts[j]);
            weir_item line = weir_bytes(dead->line, len);
            if (len == 0) {
                return weir_sink_error(sink, WEIR_ENOMEM, 0, "no memory for a line");
            }
            if (!weir_put(dead->file, &line)) {
                return pass_on(sink, dead);
            }
        }
    }
    return 0;
}

static int dead_commit(weir_sink *sink, void *self)
{
    struct dead *dead = self;
    return weir_commit(dead->file) ? 0 : pass_on(sink, dead);
}

static int dead_finish(weir_sink *sink, void *self)
{
    struct dead *dead = self;
    wr_free(dead->line);
    return dead->file != NULL ? pass_on(sink, dead) : 0;
}

static const weir_sink_ops dead_ops = {.struct_size = sizeof dead_ops,
                                       .name = "dead",
                                       .put_many = dead_put_many,
                                       .commit = dead_commit,
                                       .finish = dead_finish};

struct dead_args {
    const char *path;
};

static weir_sink *dead_open(const weir_opening *opening, const void *args)
{
    weir_state *syncs = opening->durable != 0 ? opening->state : NULL;
    struct dead dead = {
        .scope = opening->scope,
        .file = wr_file_sink_beside(opening->scope, ((const struct dead_args *)args)->path, syncs)};
    weir_sink *sink = weir_sink_new(opening->scope, &dead_ops, &dead, sizeof dead);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const weir_arg dead_args[] = {
    WEIR_ARG_PATH(struct dead_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "appended to; created if it does not exist"),
};

const weir_component wr_component_dead = {
    .struct_size = sizeof wr_component_dead,
    .name = "dead",
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES,
    .args = dead_args,
    .args_count = sizeof dead_args / sizeof dead_args[0],
    .args_size = sizeof(struct dead_args),
    .help = "Write items to a file as JSON objects with origin, number, position and body.",
    .example = "gen 1..3 | dead ./bad.ndjson",
    .prints = "",
    .durable = "its file is synced before a position is saved",
    .open_sink = dead_open,
};
