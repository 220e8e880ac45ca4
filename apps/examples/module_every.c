/*
 * A module: a stage for the pipeline text, in its own shared object. On Linux:
 *
 *     cc -shared -fPIC -o every.so module_every.c $(pkg-config --cflags --libs weir)
 *     weir 'gen 1..9 | ./every.so 4'
 */
#include <weir/module.h>
#include <weir/stage.h>

struct every_args {
    int64_t n;
};

WEIR_STAGE(every_nth, struct every_args)
{
    weir_item item;
    for (int64_t i = 1; weir_next(up, &item); i++) {
        if (i % args->n != 0) {
            weir_settle(self); /* it counts as filtered */
            continue;
        }
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *every_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return every_nth(up, *(const struct every_args *)args);
}

static const weir_arg every_args[] = {
    WEIR_ARG_COUNT(struct every_args, n, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "keep every Nth item"),
};

static const weir_component every = {
    .struct_size = sizeof every,
    .name = "every",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_STATE_REPLAYS, /* a restart counts from the beginning */
    .args = every_args,
    .args_count = sizeof every_args / sizeof every_args[0],
    .args_size = sizeof(struct every_args),
    .help = "Every Nth item.",
    .example = "gen 1..9 | ./every.so 4",
    .prints = "4\n8\n",
    .open = every_open,
};

WEIR_MODULE(&every);
