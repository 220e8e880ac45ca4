/*
 * A module: a source with positions, which continues after the last saved number.
 *
 *     cc -shared -fPIC -o counting.so module_counting.c $(pkg-config --cflags --libs weir)
 *     weir --state ~/.weir './counting.so 1000 every=10ms | file numbers'
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extend.h>
#include <weir/module.h>

struct counting_args {
    int64_t last, every_ms;
};

struct counting {
    struct counting_args args;
    weir_part *part; /* NULL: not started */
    uint64_t number; /* given last */
    char text[32];
};

/* The position after the item with this number. */
static size_t position_text(void *self, uint64_t number, char *to, size_t cap)
{
    (void)self;
    int len = snprintf(to, cap, "number %" PRIu64, number);
    return len > 0 ? (size_t)len : 0;
}

static const weir_position_ops positions = {.struct_size = sizeof positions, .text = position_text};

static bool begin(weir_gen *gen, struct counting *counting)
{
    const char *stored = weir_part_stored(gen);
    if (stored != NULL && sscanf(stored, "number %" SCNu64, &counting->number) != 1) {
        weir_gen_error(gen, WEIR_EINVAL, 0, "invalid stored position: %s", stored);
        return false;
    }
    counting->part = weir_part_open(gen, WEIR_PROOF_EXACT, counting->number, &positions, NULL, 0);
    return counting->part != NULL;
}

static size_t next_number(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct counting *counting = self;
    (void)max;
    if ((counting->part == NULL && !begin(gen, counting)) ||
        counting->number >= (uint64_t)counting->args.last ||
        !weir_sleep(weir_gen_scope(gen), counting->args.every_ms)) {
        return 0;
    }
    counting->number++;
    snprintf(counting->text, sizeof counting->text, "%" PRIu64, counting->number);
    items[0] = weir_bytes(counting->text, strlen(counting->text));
    return weir_give_at(gen, counting->part, items, &counting->number, 1);
}

static const weir_gen_ops ops = {
    .struct_size = sizeof ops, .name = "counting", .next_many = next_number};

static weir_gen *counting_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct counting self = {.args = *(const struct counting_args *)args};
    (void)up;
    weir_gen *gen = weir_source_new(opening->scope, &ops, &self, sizeof self);
    weir_gen_keep_state(gen, opening->state, "counting");
    return gen;
}

static const weir_arg counting_args[] = {
    WEIR_ARG_COUNT(struct counting_args, last, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "the last number"),
    WEIR_ARG_TIME(struct counting_args, every_ms, .name = "every", .form = WEIR_FORM_NAMED,
                  .preset = "0ms", .help = "between two numbers"),
};

static const weir_component counting = {
    .struct_size = sizeof counting,
    .name = "counting",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES,
    .args = counting_args,
    .args_count = sizeof counting_args / sizeof counting_args[0],
    .args_size = sizeof(struct counting_args),
    .help = "The numbers from 1 to N.",
    .example = "./counting.so 3",
    .prints = "1\n2\n3\n",
    .open = counting_open,
};

WEIR_MODULE(&counting);
