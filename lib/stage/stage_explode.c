/*
 * stage_explode.c - the component `explode`: for each element of an array, the item with that element
 * in place of the array.
 */
#include "stage_values.h"

#include <string.h>

#include "base_alloc.h"

struct explode_args {
    weir_texts paths;
};

static struct wr_made_expr make(const struct explode_args *args)
{
    static const char form[] = "path(%s) as $p | getpath($p)[]%s as $_ | setpath($p; $_)";
    const char *path = args->paths.list[0];
    size_t len = strlen(path);
    char *text = wr_alloc(len + sizeof form);
    if (text != NULL) {
        (void)wr_print_text(text, len + sizeof form, form, path, path[len - 1] == '?' ? "?" : "");
    }
    return (struct wr_made_expr){.text = text, .parts = {{.at = 5, .len = len}}};
}

static int explode_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct explode_args *explode = args;
    if (explode->paths.count > 1) {
        (void)weir_mistake_at(mistake, "PATH", "it takes one path");
        return weir_mistake_hint(mistake, "for each: explode %s | explode %s",
                                 explode->paths.list[0], explode->paths.list[1]);
    }
    return wr_values_check(opening, mistake, "PATH", make(explode));
}

static int explode_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening, make(args), WR_FUSED_VALUES);
}

static weir_gen *explode_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "explode", explode_compile, args);
}

static const weir_arg explode_args[] = {
    WEIR_ARG_FIELDS(struct explode_args, paths, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                    .help = "of the array; with ? at its end, an item without it is left out"),
};

static const weir_example explode_more[] = {
    {"gen 1..2 | {id: ., tags: [range(0; .)]} | explode .tags | [.id, .tags]",
     "[1,0]\n[2,0]\n[2,1]\n"},
    {NULL, NULL},
};

const weir_component wr_component_explode = {
    .struct_size = sizeof wr_component_explode,
    .name = "explode",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = explode_args,
    .args_count = sizeof explode_args / sizeof explode_args[0],
    .args_size = sizeof(struct explode_args),
    .help = "One item for each element of an array, with the element in place of the array.",
    .example = "gen 1..1 | {id: 7, tag: [\"a\", \"b\"]} | explode .tag",
    .prints = "{\"id\":7,\"tag\":\"a\"}\n{\"id\":7,\"tag\":\"b\"}\n",
    .more_examples = explode_more,
    .check = explode_check,
    .open = explode_open,
    .compile = explode_compile,
};
