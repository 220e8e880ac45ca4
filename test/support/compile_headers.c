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
