/*
 * stage_log.c - weir_logged, weir_metered and the components `log` and `meter`: what passes, in the log.
 *
 * Both pass all items on as they are. log writes some of them, no more in a second than its limit; how
 * many it has left out is said with the next one. meter adds up what passes and writes one line when
 * items come and its time is over, and one at the end. A record is one line, cut, and without control
 * bytes (base_log.h).
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow_gen.h"

enum { SHOWN_BYTES = 200, RATE = 10, EVERY_MS = 1000 };

static bool passes_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

/* ---- log */

struct stage_log {
    struct weir_gen gen;
    weir_scratch scratch;
    int64_t a_second, second, written; /* written in this second */
    uint64_t left_out;
    char message[];
};

static void write_item(struct stage_log *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    char more[48] = "";
    weir_slice text = {NULL, 0};
    if (stage->left_out > 0) {
        (void)snprintf(more, sizeof more, " (%" PRIu64 " others before it)", stage->left_out);
    }
    if (stage->message[0] == '\0' && weir_item_text(item, &text, &stage->scratch) < 0) {
        text = (weir_slice){"a batch, or a value without a text", 34};
    }
    int shown = (int)WR_MIN(text.len, (size_t)SHOWN_BYTES);
    wr_log(&gen->loop->log, WR_LOG_INFO, gen->name, "item %" PRIu64 ": %s%.*s%s%s", item->seq,
           stage->message, shown, text.data != NULL ? text.data : "",
           text.len > SHOWN_BYTES ? "..." : "", more);
    stage->left_out = 0;
}

static size_t log_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_log *stage = WR_OWNER(gen, struct stage_log, gen);
    size_t n = wr_pull(gen->up, items, max);
    int64_t second = wr_now_ns(gen->loop) / 1000000000;
    if (second != stage->second) {
        stage->second = second;
        stage->written = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (stage->written >= stage->a_second) {
            stage->left_out += n - i;
            break;
        }
        stage->written++;
        write_item(stage, &items[i]);
    }
    return n;
}

static void log_close(struct weir_gen *gen)
{
    struct stage_log *stage = WR_OWNER(gen, struct stage_log, gen);
    if (stage->left_out > 0) {
        wr_log(&gen->loop->log, WR_LOG_INFO, gen->name, "%" PRIu64 " others", stage->left_out);
    }
    weir_scratch_free(&stage->scratch);
}

static const struct wr_gen_ops log_ops = {
    .kind = "log", .next_many = log_next_many, .close = log_close, .given_before = passes_before};

weir_gen *weir_logged(weir_gen *up, const char *message, int64_t a_second)
{
    const char *text = message != NULL ? message : "";
    size_t len = strlen(text);
    struct stage_log *stage = wr_stage_alloc(up, sizeof *stage + len + 1, &log_ops, "log");
    if (stage != NULL) {
        memcpy(stage->message, text, len + 1);
        stage->a_second = a_second == 0 ? RATE : a_second < 0 ? INT64_MAX : a_second;
        stage->second = INT64_MIN;
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

/* ---- meter */

struct stage_meter {
    struct weir_gen gen;
    int64_t every_ns, begun_ns, next_ns, last_ns;
    uint64_t items, bytes, last_items, last_bytes; /* all; when the last line was written */
    bool begun;
};

/* A number of bytes as people read it. */
static double scaled(double bytes, const char **unit)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    size_t at = 0;
    while (bytes >= 1024 && at < 3) {
        bytes /= 1024;
        at++;
    }
    *unit = units[at];
    return bytes;
}

static void write_rate(struct stage_meter *stage, const char *what, uint64_t items, uint64_t bytes,
                       int64_t took_ns)
{
    struct weir_gen *gen = &stage->gen;
    const char *unit;
    double seconds = took_ns > 1000000 ? (double)took_ns / 1e9 : 1e-3;
    double rate = scaled((double)bytes / seconds, &unit);
    wr_log(&gen->loop->log, WR_LOG_INFO, gen->name,
           "%s%.0f items/s, %.1f %s/s; %" PRIu64 " items so far", what, (double)items / seconds,
           rate, unit, stage->items);
}

static size_t meter_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_meter *stage = WR_OWNER(gen, struct stage_meter, gen);
    if (!stage->begun) {
        stage->begun = true;
        stage->begun_ns = stage->last_ns = wr_now_ns(gen->loop);
        stage->next_ns = stage->begun_ns + stage->every_ns;
    }
    size_t n = wr_pull(gen->up, items, max);
    for (size_t i = 0; i < n; i++) {
        stage->bytes += items[i].len;
        stage->items += (items[i].flags & WEIR_ITEM_PART) == 0;
    }
    int64_t now_ns = wr_now_ns(gen->loop);
    if (n > 0 && now_ns >= stage->next_ns) {
        write_rate(stage, "", stage->items - stage->last_items, stage->bytes - stage->last_bytes,
                   now_ns - stage->last_ns);
        stage->next_ns += ((now_ns - stage->next_ns) / stage->every_ns + 1) * stage->every_ns;
        stage->last_ns = now_ns;
        stage->last_items = stage->items;
        stage->last_bytes = stage->bytes;
    }
    return n;
}

static void meter_close(struct weir_gen *gen)
{
    struct stage_meter *stage = WR_OWNER(gen, struct stage_meter, gen);
    if (stage->begun) {
        write_rate(stage, "in all ", stage->items, stage->bytes,
                   wr_now_ns(gen->loop) - stage->begun_ns);
    }
}

static const struct wr_gen_ops meter_ops = {.kind = "meter",
                                            .next_many = meter_next_many,
                                            .close = meter_close,
                                            .given_before = passes_before};

weir_gen *weir_metered(weir_gen *up, int64_t every_ms)
{
    struct stage_meter *stage = wr_stage_alloc(up, sizeof *stage, &meter_ops, "meter");
    if (stage != NULL) {
        int64_t ms = every_ms == 0 ? EVERY_MS : every_ms;
        stage->every_ns = WR_MIN(ms, INT64_MAX / 4000000) * 1000000;
        if (every_ms < 0) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1, "every_ms is negative");
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

/* ---- the components */

struct log_args {
    const char *message;
    int64_t a_second;
};

static weir_gen *log_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct log_args *log = args;
    (void)opening;
    return weir_logged(up, log->message, log->a_second);
}

static const weir_arg log_args[] = {
    WEIR_ARG_TEXT(struct log_args, message, .name = "MESSAGE",
                  .help = "in place of the items' texts, of which it writes the first 200 bytes"),
    WEIR_ARG_COUNT(struct log_args, a_second, .name = "most", .form = WEIR_FORM_NAMED, .min = 1,
                   .preset = "10", .help = "items a second; the others are counted"),
};

struct meter_args {
    int64_t every_ms;
};

static weir_gen *meter_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_metered(up, ((const struct meter_args *)args)->every_ms);
}

static const weir_arg meter_args[] = {
    WEIR_ARG_TIME(struct meter_args, every_ms, .name = "every", .form = WEIR_FORM_KEYWORD, .min = 1,
                  .preset = "1s", .help = "how often, when items come"),
};

const weir_component wr_component_log = {
    .struct_size = sizeof wr_component_log,
    .name = "log",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_IO,
    .args = log_args,
    .args_count = sizeof log_args / sizeof log_args[0],
    .args_size = sizeof(struct log_args),
    .help = "Passes all items on, and writes some of them to standard error.",
    .example = "gen 1..3 | log",
    .prints = "1\n2\n3\n",
    .open = log_open,
};

const weir_component wr_component_meter = {
    .struct_size = sizeof wr_component_meter,
    .name = "meter",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES | WEIR_TRAIT_IO,
    .args = meter_args,
    .args_count = sizeof meter_args / sizeof meter_args[0],
    .args_size = sizeof(struct meter_args),
    .help =
        "Passes all items on, and writes how many items and bytes a second there are to standard "
        "error.",
    .example = "gen 1..3 | meter every 5s",
    .prints = "1\n2\n3\n",
    .open = meter_open,
};
