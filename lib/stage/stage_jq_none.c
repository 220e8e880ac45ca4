/*
 * stage_jq_none.c - the component `jq` in a build without libjq: it says so.
 */
#include <weir/module.h>

static int jq_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    (void)args;
    (void)weir_mistake_at(mistake, NULL, "this weir was built without libjq");
    return weir_mistake_hint(mistake, "write an expression as a stage: most of jq works there; or "
                                      "build weir again with libjq-dev installed");
}

static weir_gen *jq_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return up; /* check lets no pipeline come here */
}

struct jq_args {
    const char *program;
};

static const weir_arg jq_args[] = {
    WEIR_ARG_TEXT(struct jq_args, program, .name = "PROGRAM", .help = "in jq's language"),
};

const weir_component wr_component_jq = {
    .struct_size = sizeof wr_component_jq,
    .name = "jq",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_JSON,
    .gives = WEIR_SHAPE_JSON,
    .args = jq_args,
    .args_count = 1,
    .args_size = sizeof(struct jq_args),
    .help = "Not in this build, which has no libjq.",
    .check = jq_check,
    .open = jq_open,
};
