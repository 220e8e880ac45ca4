/*
 * stage_timed.c - weir_for, weir_keepalive, weir_timeout and their components: what happens when time
 * passes while the upstream waits.
 *
 * They pull with a limit (wr_pull_within): a pull that is late stays pending, and the next one takes
 * it up, so nothing is lost and nothing is read ahead but for that one pull.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <inttypes.h>

#include "base_print.h"
#include "flow_gen.h"

enum timed { FOR, KEEPALIVE, TIMEOUT };

struct stage_timed {
    struct weir_gen gen;
    enum timed how;
    int64_t limit_ms;
    int64_t until_ns; /* FOR: -1 before the first pull */
    size_t len;
    char text[]; /* KEEPALIVE */
};

static bool passes_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

/* The time is over: end the upstream, and with it a pull that is pending. */
static size_t end(struct stage_timed *stage)
{
    wr_gen_seal(&stage->gen);
    wr_gen_end_adopted(&stage->gen);
    return 0;
}

static size_t for_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_timed *stage = WR_OWNER(gen, struct stage_timed, gen);
    int64_t now_ns = wr_now_ns(gen->loop);
    bool late = false;
    if (stage->until_ns < 0) {
        stage->until_ns = stage->limit_ms > (INT64_MAX - now_ns) / 1000000
                              ? INT64_MAX
                              : now_ns + stage->limit_ms * 1000000;
    }
    int64_t left_ms = (stage->until_ns - now_ns + 999999) / 1000000;
    size_t n = left_ms > 0 ? wr_pull_within(gen->up, items, max, left_ms, &late) : 0;
    return left_ms <= 0 || late ? end(stage) : n;
}

static size_t keepalive_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_timed *stage = WR_OWNER(gen, struct stage_timed, gen);
    bool late;
    size_t n = wr_pull_within(gen->up, items, max, stage->limit_ms, &late);
    if (!late) {
        return n;
    }
    items[0] = (weir_item){.data = stage->text, .len = stage->len};
    items[0].time_ns = gen->loop->now_unix_ns;
    return 1;
}

static size_t timeout_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_timed *stage = WR_OWNER(gen, struct stage_timed, gen);
    bool late;
    size_t n = wr_pull_within(gen->up, items, max, stage->limit_ms, &late);
    if (late) {
        (void)wr_gen_fail(gen, WEIR_ETIMEDOUT, 0, -1, "no item came for %" PRId64 ".%03d s",
                          stage->limit_ms / 1000, (int)(stage->limit_ms % 1000));
    }
    return n;
}

static const struct wr_gen_ops timed_ops[] = {
    [FOR] = {.kind = "for", .next_many = for_next_many, .given_before = passes_before},
    [KEEPALIVE] = {.kind = "keepalive", .next_many = keepalive_next_many},
    [TIMEOUT] = {.kind = "timeout", .next_many = timeout_next_many, .given_before = passes_before},
};

static weir_gen *make(weir_gen *up, enum timed how, int64_t limit_ms, const char *text)
{
    size_t len = strlen(text);
    struct stage_timed *stage =
        wr_stage_alloc(up, sizeof *stage + len + 1, &timed_ops[how], timed_ops[how].kind);
    if (stage != NULL) {
        stage->how = how;
        stage->limit_ms = limit_ms;
        stage->until_ns = -1;
        stage->len = len;
        memcpy(stage->text, text, len + 1);
        if (limit_ms <= 0) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1,
                              "the time is %" PRId64 " ms: it must be positive", limit_ms);
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

weir_gen *weir_for(weir_gen *up, int64_t ms)
{
    return make(up, FOR, ms, "");
}

weir_gen *weir_keepalive(weir_gen *up, int64_t ms, const char *text)
{
    return make(up, KEEPALIVE, ms, text != NULL ? text : "");
}

weir_gen *weir_timeout(weir_gen *up, int64_t ms)
{
    return make(up, TIMEOUT, ms, "");
}

/* ---- the components */

struct timed_args {
    int64_t ms;
    const char *text;
};

static weir_gen *for_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_for(up, ((const struct timed_args *)args)->ms);
}

static weir_gen *keepalive_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct timed_args *timed = args;
    (void)opening;
    return weir_keepalive(up, timed->ms, timed->text);
}

static weir_gen *timeout_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_timeout(up, ((const struct timed_args *)args)->ms);
}

static uint32_t keepalive_gives(const void *args, uint32_t shape)
{
    (void)args;
    return shape | WEIR_SHAPE_LINE;
}

static const weir_arg for_args[] = {
    WEIR_ARG_TIME(struct timed_args, ms, .name = "T", .flags = WEIR_ARG_REQUIRED, .min = 1,
                  .help = "since the first item was asked for"),
};

static const weir_arg keepalive_args[] = {
    WEIR_ARG_TIME(struct timed_args, ms, .name = "T", .flags = WEIR_ARG_REQUIRED, .min = 1,
                  .help = "how long nothing must have come"),
    WEIR_ARG_TEXT(struct timed_args, text, .name = "text", .form = WEIR_FORM_NAMED,
                  .help = "of the line; if not given, an empty line, which readers of JSON lines "
                          "leave out"),
};

static const weir_arg timeout_args[] = {
    WEIR_ARG_TIME(struct timed_args, ms, .name = "T", .flags = WEIR_ARG_REQUIRED, .min = 1,
                  .help = "how long it waits for an item"),
};

const weir_component wr_component_for = {
    .struct_size = sizeof wr_component_for,
    .name = "for",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PIECES,
    .args = for_args,
    .args_count = sizeof for_args / sizeof for_args[0],
    .args_size = sizeof(struct timed_args),
    .help =
        "What comes within a time; then ends everything before it. The flag --for does this for "
        "the whole run.",
    .example = "gen 1..3 | for 10m",
    .prints = "1\n2\n3\n",
    .open = for_open,
};

const weir_component wr_component_keepalive = {
    .struct_size = sizeof wr_component_keepalive,
    .name = "keepalive",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives_of = keepalive_gives,
    .traits = WEIR_TRAIT_READS_AHEAD,
    .args = keepalive_args,
    .args_count = sizeof keepalive_args / sizeof keepalive_args[0],
    .args_size = sizeof(struct timed_args),
    .help =
        "Gives a line when nothing has come for a while, so that a reader knows that the stream "
        "lives.",
    .example = "gen 1..3 | keepalive 30s",
    .prints = "1\n2\n3\n",
    .open = keepalive_open,
};

const weir_component wr_component_timeout = {
    .struct_size = sizeof wr_component_timeout,
    .name = "timeout",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES,
    .args = timeout_args,
    .args_count = sizeof timeout_args / sizeof timeout_args[0],
    .args_size = sizeof(struct timed_args),
    .help = "Ends the run with status 1 when no item has come for a while.",
    .example = "gen 1..3 | timeout 30s",
    .prints = "1\n2\n3\n",
    .open = timeout_open,
};
