/*
 * weir_look.c - the subcommands that read a pipeline and do not run it: check, explain, graph, fmt.
 */
#include <stdio.h>
#include <stdlib.h>

#include "weir_run.h"

/* A pipeline that is not run. */
struct look {
    struct say say;
    weir_plan *plan;
    weir_http_options http;
    weir_plan_options options;
};

/* Read and check it. */
static int look_at(struct look *look, const struct flags *flags)
{
    weir_error error;
    say_init(&look->say, flags);
    look->options = text_options(flags, &look->http);
    int code = text_plan(flags, &look->say, &look->plan);
    if (code == 0 && weir_plan_check(look->plan, &look->options, &error) < 0) {
        code = text_refused(&look->say, &error);
    }
    return code;
}

/* Print what `write` writes, as snprintf, of a plan. */
static int print_of(struct look *look,
                    size_t (*write)(const weir_plan *plan, const weir_plan_options *options,
                                    char *to, size_t cap))
{
    size_t len = write(look->plan, &look->options, NULL, 0);
    char *text = malloc(len + 1);
    if (text == NULL) {
        say_wrong(&look->say, "out of memory");
        return EXIT_FAILED;
    }
    write(look->plan, &look->options, text, len + 1);
    fputs(text, stdout);
    free(text);
    return 0;
}

int check_pipeline(const struct flags *flags)
{
    struct look look = {.plan = NULL};
    char promise[512];
    int code = look_at(&look, flags);
    if (code == 0) {
        (void)weir_plan_delivery(look.plan, &look.options, promise, sizeof promise);
        printf("ok; with a state %s\n", promise);
    }
    weir_plan_free(look.plan);
    return code;
}

int explain_pipeline(const struct flags *flags)
{
    struct look look = {.plan = NULL};
    int code = look_at(&look, flags);
    look.options.mem_bytes = flags->mem_bytes;
    code = code == 0 ? print_of(&look, weir_plan_explain) : code;
    weir_plan_free(look.plan);
    return code;
}

int graph_pipeline(const struct flags *flags)
{
    struct look look = {.plan = NULL};
    int code = look_at(&look, flags);
    code = code == 0 ? print_of(&look, weir_plan_graph) : code;
    weir_plan_free(look.plan);
    return code;
}

int format_pipeline(const struct flags *flags)
{
    struct say say;
    weir_error error;
    say_init(&say, flags);
    char *text = text_of(flags, &say);
    size_t len = text != NULL ? weir_plan_format(text, flags->text_file, NULL, 0, &error) : 0;
    char *layout = len > 0 ? malloc(len + 1) : NULL;
    int code = text == NULL || len == 0 ? EXIT_USAGE : layout == NULL ? EXIT_FAILED : 0;
    if (layout != NULL) {
        (void)weir_plan_format(text, flags->text_file, layout, len + 1, &error);
        puts(layout);
    } else if (text != NULL) {
        text_mistake(flags, &say, text, &error);
    }
    free(layout);
    free(text);
    return code;
}
