/*
 * compile_headers.c - uses every public macro once; compile_headers.sh compiles it, nothing runs
 * it.
 */
#include <weir/weir.h>

_Static_assert(WEIR_VERSION_MAJOR >= 0 && WEIR_VERSION_MINOR >= 0, "numbers");
_Static_assert(WEIR_NONE == -1, "the word for no limit");

struct tick {
    int64_t price;
};

WEIR_TYPE(tick, struct tick);

struct at_least {
    int level;
};

WEIR_STAGE(at_least, struct at_least)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if ((int)item.len >= args->level && !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_SOURCE(ticks, struct tick)
{
    weir_item item = tick_item(args);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

/* Bodies that need nothing of what they are given. */
WEIR_STAGE(ends_at_once, struct tick)
{
    return 0;
}

WEIR_SOURCE(nothing, struct tick)
{
    return 0;
}

/* Without arguments. */
WEIR_STAGE(passes)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    return 0;
}

WEIR_SOURCE(one_word)
{
    weir_item item = weir_bytes("word", 4);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

WEIR_STAGE(takes_nothing)
{
    return 0;
}

WEIR_SOURCE(gives_nothing)
{
    return 0;
}

WEIR_API WEIR_MUST_CHECK WEIR_SUSPENDS int exported(WEIR_TAKES weir_gen *gen);
void print(const char *format, ...) WEIR_PRINTF(1, 2);
WEIR_UNUSED static int unused(void)
{
    return 0;
}

int exported(WEIR_TAKES weir_gen *gen)
{
    weir_error error = WEIR_ZERO;
    weir_item item;
    int64_t price = 0;
    if (weir_next(gen, &item) && tick_of(&item) != NULL) {
        price = tick_of(&item)->price;
    }
    print("%d %d", (int)price, WEIR_VERSION_MINOR);
    return weir_finish(gen, &error);
}

weir_gen *chain(weir_scope *scope);
weir_gen *chain(weir_scope *scope)
{
    weir_gen *made = at_least(ticks(scope, (struct tick){7}), (struct at_least){1});
    weir_discard(passes(one_word(scope)));
    return weir_batch(made, WEIR_OPTIONS(weir_batch_options, .items_max = 10));
}

/* A component with an argument of each type, and the module that exports it. */
struct every_args {
    int64_t count, size, time, instant;
    weir_rate rate;
    weir_range range;
    int32_t choice;
    bool flag;
    const char *text, *path, *address, *url, *format, *expr;
    weir_texts fields, more;
    const weir_chain *chain;
    weir_chains chains;
};

static const char *const choices[] = {"one", "two", NULL};
static const weir_arg every_arg[] = {
    WEIR_ARG_COUNT(struct every_args, count, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1),
    WEIR_ARG_SIZE(struct every_args, size, .name = "SIZE", .preset = "1MiB"),
    WEIR_ARG_TIME(struct every_args, time, .name = "within", .form = WEIR_FORM_KEYWORD),
    WEIR_ARG_INSTANT(struct every_args, instant, .name = "since", .form = WEIR_FORM_NAMED),
    WEIR_ARG_RATE(struct every_args, rate, .name = "rate", .form = WEIR_FORM_NAMED),
    WEIR_ARG_RANGE(struct every_args, range, .name = "range", .form = WEIR_FORM_NAMED),
    WEIR_ARG_CHOICE(struct every_args, choice, .name = "which", .form = WEIR_FORM_NAMED,
                    .choices = choices),
    WEIR_ARG_FLAG(struct every_args, flag, .name = "ordered"),
    WEIR_ARG_TEXT(struct every_args, text, .name = "text", .form = WEIR_FORM_NAMED),
    WEIR_ARG_PATH(struct every_args, path, .name = "path", .form = WEIR_FORM_NAMED),
    WEIR_ARG_ADDRESS(struct every_args, address, .name = "to", .form = WEIR_FORM_NAMED),
    WEIR_ARG_URL(struct every_args, url, .name = "url", .form = WEIR_FORM_NAMED),
    WEIR_ARG_FORMAT(struct every_args, format, .name = "format", .form = WEIR_FORM_NAMED),
    WEIR_ARG_EXPR(struct every_args, expr, .name = "key", .form = WEIR_FORM_NAMED),
    WEIR_ARG_FIELDS(struct every_args, fields, .name = "by", .form = WEIR_FORM_KEYWORD),
    WEIR_ARG_TEXTS(struct every_args, more, WEIR_ARGTYPE_TEXT, WEIR_ARG_SECRET, .name = "header",
                   .form = WEIR_FORM_NAMED),
    WEIR_ARG_CHAIN(struct every_args, chain, .name = "else"),
    WEIR_ARG_CHAINS(struct every_args, chains, WEIR_ARG_WITH_SINK, .name = "PIPELINE"),
    {.name = "again", .offset = WEIR_ARG_AT(struct every_args, count, int64_t)},
};

static weir_gen *every_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return up;
}

static const weir_component every = {
    .struct_size = sizeof every,
    .name = "every",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPES_TEXT,
    .args = every_arg,
    .args_count = sizeof every_arg / sizeof every_arg[0],
    .args_size = sizeof(struct every_args),
    .help = "An argument of each type.",
    .example = "gen 1..3 | ./every.so 3",
    .open = every_open,
};

/* Uses WEIR_MODULE_LINKAGE, WEIR_ABI and WEIR_LAYOUT. */
WEIR_MODULE(&every);
