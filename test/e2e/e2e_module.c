/*
 * e2e_module.c - a module as somebody outside the tree writes it, on public headers only.
 *
 * WITH_TWO: it has a second component, a source. WITH_ABI: the number that it claims, WITH_LATER:
 * by how many minor versions it is later. WITH_BROKEN: its descriptor has an argument outside its
 * struct. WITH_NAME: of its only component.
 */
#include <string.h>

#include <weir/weir.h>

struct every_args {
    int64_t n;
};

static bool keep(const weir_item *item, const void *args)
{
    return item->seq % (uint64_t)((const struct every_args *)args)->n == 0;
}

static weir_gen *open_every(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_filter(up, "every", keep, args, sizeof(struct every_args));
}

static int check_every(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    if (((const struct every_args *)args)->n != 13) {
        return 0;
    }
    (void)weir_mistake_at(mistake, "N", "13 brings bad luck");
    return weir_mistake_hint(mistake, "write 12 or 14");
}

static const weir_arg every_args[] = {
    WEIR_ARG_COUNT(struct every_args, n, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "which one"),
};

static const weir_component every = {
    .struct_size = sizeof every,
#ifdef WITH_NAME
    .name = WITH_NAME,
#else
    .name = "every",
#endif
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE,
    .args = every_args,
    .args_count = 1,
    .args_size = sizeof(struct every_args),
    .help = "Every Nth item.",
    .example = "gen 1..9 | every 4",
    .prints = "4\n8\n",
    .check = check_every,
    .open = open_every,
};

#ifdef WITH_TWO
/* picky TEXT: rejects the items that are TEXT. */
struct picky_args {
    const char *text;
};
struct picky_body {
    char text[32];
};

WEIR_STAGE(picky_stage, struct picky_body)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (item.len == strlen(args->text) && memcmp(item.data, args->text, item.len) == 0) {
            int rc = weir_reject(self, &item, "it is %s", args->text);
            if (rc < 0) {
                return rc;
            }
        } else if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *open_picky(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct picky_body body = WEIR_ZERO;
    (void)opening;
    strncpy(body.text, ((const struct picky_args *)args)->text, sizeof body.text - 1);
    return picky_stage(up, body);
}

static const weir_arg picky_args[] = {
    WEIR_ARG_TEXT(struct picky_args, text, .name = "TEXT", .flags = WEIR_ARG_REQUIRED,
                  .help = "what is not wanted"),
};

static const weir_component picky = {
    .struct_size = sizeof picky,
    .name = "picky",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_REJECTS,
    .args = picky_args,
    .args_count = 1,
    .args_size = sizeof(struct picky_args),
    .help = "Rejects one text.",
    .example = "gen 1..3 | picky 2",
    .prints = "1\n3\n",
    .open = open_picky,
};

static weir_gen *open_countdown(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)up;
    (void)args;
    return weir_count(opening->scope, -3, -2);
}

static const weir_component countdown = {
    .struct_size = sizeof countdown,
    .name = "countdown",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .help = "The last seconds.",
    .example = "countdown",
    .prints = "-3\n-2\n",
    .open = open_countdown,
};

WEIR_MODULE(&every, &countdown, &picky);
#elif defined(WITH_BROKEN)
static const weir_component broken = {.struct_size = sizeof broken,
                                      .name = "broken",
                                      .kind = WEIR_KIND_STAGE,
                                      .takes = WEIR_SHAPES_ALL,
                                      .gives = WEIR_SHAPE_SAME,
                                      .args = every_args,
                                      .args_count = 1,
                                      .help = "Keeps no value.",
                                      .example = "gen 1..9 | broken 4",
                                      .open = open_every};
WEIR_MODULE(&every, &broken);
#elif defined(WITH_ABI)
static const weir_component *const components[] = {&every, NULL};
extern WEIR_API const weir_module weir_module_export;
const weir_module weir_module_export = {sizeof(weir_module), WITH_ABI,
                                        WEIR_LAYOUT + WITH_LATER * 65536u, components};
#else
WEIR_MODULE(&every);
#endif
