/*
 * plan_help.c - writes the help of a component, from its descriptor.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"

static void print_arg(struct wr_print *out, const weir_arg *arg)
{
    bool keyword = arg->name[0] >= 'a' && arg->name[0] <= 'z';
    if (arg->form == WEIR_FORM_FLAG || arg->form == WEIR_FORM_POSITIONAL) {
        wr_printf(out, "%s", arg->name);
    } else if (arg->form == WEIR_FORM_BLOCK) {
        wr_printf(out, "%s%s{ ... }", keyword ? arg->name : "", keyword ? " " : "");
    } else {
        wr_printf(out, "%s%s", arg->name, arg->form == WEIR_FORM_NAMED ? "=" : " ");
        for (size_t i = 0; arg->type == WEIR_ARGTYPE_CHOICE && arg->choices[i] != NULL; i++) {
            wr_printf(out, "%s%s", i > 0 ? "|" : "", arg->choices[i]);
        }
        for (const char *c = wr_plan_type_text(arg); arg->type != WEIR_ARGTYPE_CHOICE && *c != '\0';
             c++) {
            char upper = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c == ' ' ? '_' : *c;
            wr_print_bytes(out, &upper, 1);
        }
    }
    if ((arg->flags & WEIR_ARG_REPEATS) != 0) {
        wr_printf(out, " ...");
    }
}

/* Print how a component is written. */
static void print_usage(struct wr_print *out, const weir_component *component)
{
    size_t from = 0;
    if (wr_plan_by_name(component)) {
        wr_printf(out, "%s", component->name);
    } else if (component->schemes[0][0] == '/') {
        wr_printf(out, "%s with a / or . in it", component->args[from++].name);
    } else {
        for (size_t i = 0; component->schemes[i] != NULL; i++) {
            const char *scheme = component->schemes[i];
            const weir_arg *arg = &component->args[0];
            wr_printf(out, "%s%s%s%s", i > 0 ? ", " : "", scheme,
                      scheme[strlen(scheme) - 1] == ':' ? "" : "://",
                      arg->type == WEIR_ARGTYPE_URL ? "HOST/PATH" : arg->name);
        }
        from++;
    }
    for (size_t i = from; i < wr_plan_args_count(component); i++) {
        const weir_arg *arg = wr_plan_arg(component, i);
        bool required = (arg->flags & WEIR_ARG_REQUIRED) != 0;
        wr_printf(out, required ? " " : " [");
        print_arg(out, arg);
        wr_printf(out, required ? "" : "]");
    }
}

/* Print an example, and the first lines of its output, as far as they are text. */
static void print_example(struct wr_print *out, const char *title, const char *text,
                          const char *prints)
{
    enum { LINES_MAX = 4 };
    wr_printf(out, "  %-8s weir '%s'\n", title, text);
    for (int i = 0; prints != NULL && *prints != '\0' && i < LINES_MAX; i++) {
        size_t len = strcspn(prints, "\n");
        for (size_t at = 0; at < len; at++) {
            if ((unsigned char)prints[at] < ' ') {
                return;
            }
        }
        wr_printf(out, "             %.*s\n", (int)len, prints);
        prints += len + (prints[len] == '\n');
    }
    if (prints != NULL && *prints != '\0') {
        wr_printf(out, "             ...\n");
    }
}

size_t weir_component_help(const weir_component *component, char *to, size_t cap)
{
    WR_GIVEN(component);
    static const char *const kinds[] = {"source", "stage", "sink"};
    char shapes[64];
    struct wr_print out;
    wr_print_to(&out, to, cap);
    print_usage(&out, component);
    wr_printf(&out, "\n  %s\n  %s", component->help, kinds[component->kind]);
    if (component->kind != WEIR_KIND_SOURCE) {
        wr_printf(&out, ", takes %s", wr_plan_shapes_text(component->takes, shapes));
    }
    if (component->kind != WEIR_KIND_SINK) {
        wr_printf(&out, component->gives_of != NULL ? ", may give %s" : ", gives %s",
                  component->gives == WEIR_SHAPE_SAME
                      ? "the same"
                      : wr_plan_shapes_text(component->gives, shapes));
    }
    wr_printf(&out, "%s%s\n", (component->traits & WEIR_TRAIT_CPU) != 0 ? ", uses CPU" : "",
              (component->traits & WEIR_TRAIT_IO) != 0 ? ", does I/O" : "");
    for (size_t i = 0; i < wr_plan_args_count(component); i++) {
        const weir_arg *arg = wr_plan_arg(component, i);
        wr_printf(&out, "  %-8s %s: %s", arg->name, wr_plan_type_text(arg), arg->help);
        wr_printf(&out, arg->preset != NULL ? " (default %s)\n" : "%s\n",
                  arg->preset != NULL ? arg->preset : "");
    }
    print_example(&out, "example", component->example, component->prints);
    for (const weir_example *more = component->more_examples; more != NULL && more->text != NULL;
         more++) {
        print_example(&out, "", more->text, more->prints);
    }
    return out.len;
}
