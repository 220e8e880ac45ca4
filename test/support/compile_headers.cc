/*
 * compile_headers.cc - the same for C++, where options are filled field by field.
 */
#include <cstdint>

#include <weir/weir.h>

namespace
{

struct tick {
    std::int64_t price;
};

WEIR_TYPE(tick, struct tick);

WEIR_STAGE(as_it_is, int)
{
    weir_item item;
    while (weir_next(up, &item) && tick_of(&item) == nullptr && weir_yield(self, &item)) {}
    return 0;
}

WEIR_SOURCE(ticks, tick)
{
    weir_item item = tick_item(args);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

/* Bodies that need nothing of what they are given. */
WEIR_STAGE(ends_at_once, int)
{
    return 0;
}

WEIR_SOURCE(nothing, int)
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

WEIR_SOURCE(gives_nothing)
{
    return 0;
}

} // namespace

weir_gen *chain(weir_scope *scope)
{
    weir_batch_options options{};
    options.struct_size = sizeof options;
    options.items_max = 10;
    options.wait_ms = WEIR_NONE;
    weir_error error = WEIR_ZERO;
    (void)error;
    weir_discard(passes(gives_nothing(scope)));
    return weir_batch(as_it_is(ticks(scope, tick{7}), 1), &options);
}

namespace
{

struct every_args {
    std::int64_t n;
};

weir_gen *every_open(const weir_opening *, weir_gen *up, const void *)
{
    return up;
}

weir_arg every_arg()
{
    weir_arg arg{};
    arg.name = "N";
    arg.type = WEIR_ARGTYPE_COUNT;
    arg.offset = WEIR_ARG_AT(every_args, n, std::int64_t);
    return arg;
}

const weir_arg every_args_list[] = {every_arg()};

weir_component every_component()
{
    weir_component component{};
    component.struct_size = sizeof component;
    component.name = "every";
    component.kind = WEIR_KIND_STAGE;
    component.takes = WEIR_SHAPES_ALL;
    component.args = every_args_list;
    component.args_count = 1;
    component.args_size = sizeof(every_args);
    component.open = every_open;
    return component;
}

const weir_component every = every_component();

} // namespace

WEIR_MODULE(&every);
