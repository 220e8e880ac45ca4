/*
 * plan_component.c - checks the descriptor of a component before it joins the language.
 *
 * A descriptor of a module is written by hand. The reader of a text uses it without further checks:
 * it writes values at the offsets of the arguments, and compares names. So what would make it write
 * outside the component's struct, or read what is not there, is refused when the module is loaded.
 * Nothing here suspends or allocates.
 */
#include "plan_text.h"

#include <string.h>

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    return name != NULL && name[0] >= 'a' && name[0] <= 'z' && name[strspn(name, allowed)] == '\0';
}

/* What is wrong with an argument; NULL: nothing. */
static const char *wrong_arg(const weir_component *component, const weir_arg *arg)
{
    if (arg->form > WEIR_FORM_BLOCK || arg->type > WEIR_ARGTYPE_CHAIN) {
        return "it has an unknown form or type";
    }
    if ((arg->form == WEIR_FORM_BLOCK) != (arg->type == WEIR_ARGTYPE_CHAIN)) {
        return "a chain is written as a block, and nothing else is";
    }
    if ((arg->form == WEIR_FORM_FLAG) != (arg->type == WEIR_ARGTYPE_FLAG)) {
        return "a flag has the form and the type of a flag";
    }
    if (arg->type == WEIR_ARGTYPE_CHOICE && (arg->choices == NULL || arg->choices[0] == NULL)) {
        return "it has no choices";
    }
    if ((arg->flags & WEIR_ARG_REPEATS) != 0 && arg->type < WEIR_ARGTYPE_TEXT) {
        return "only texts and chains may be repeated";
    }
    if ((arg->flags & WEIR_ARG_HOLDS) != 0 && arg->type != WEIR_ARGTYPE_COUNT &&
        arg->type != WEIR_ARGTYPE_SIZE && arg->type != WEIR_ARGTYPE_CHOICE) {
        return "what it holds is a count, a size or a choice";
    }
    size_t size = wr_plan_type_size(arg);
    if (arg->offset > component->args_size || component->args_size - arg->offset < size) {
        return "it is outside the args_size of the component";
    }
    return arg->help == NULL ? "it has no help" : NULL;
}

/* What is wrong with the component, apart from its arguments; NULL: nothing. */
static const char *wrong_parts(const weir_component *component)
{
    bool sink = component->kind == WEIR_KIND_SINK;
    if (component->struct_size != sizeof *component) {
        return "its struct_size is not that of a weir_component";
    }
    if (component->kind < WEIR_KIND_SOURCE || component->kind > WEIR_KIND_SINK) {
        return "its kind is unknown";
    }
    if (sink ? component->open_sink == NULL : component->open == NULL) {
        return sink ? "it has no open_sink" : "it has no open";
    }
    if (component->help == NULL || component->example == NULL) {
        return component->help == NULL ? "it has no help" : "it has no example";
    }
    if (component->gives_of != NULL && component->gives == WEIR_SHAPE_SAME) {
        return "it has gives_of, and its gives is not the set of all that it may give";
    }
    if (component->args_count > 0 && component->args == NULL) {
        return "it has no args";
    }
    if (component->schemes != NULL &&
        (component->schemes[0] == NULL || component->schemes[0][0] == '\0')) {
        return "its list of schemes is empty";
    }
    if (!wr_plan_by_name(component) &&
        (component->args_count == 0 || component->args[0].form != WEIR_FORM_POSITIONAL)) {
        return "its first argument is not the address";
    }
    return NULL;
}

bool wr_plan_component_ok(const weir_component *component, struct wr_print *why)
{
    if (component->struct_size < offsetof(weir_component, schemes) || !is_name(component->name)) {
        wr_printf(why, "its name is not a word of lower case letters, digits, - and _");
        return false;
    }
    const char *wrong = wrong_parts(component);
    if (wrong != NULL) {
        wr_printf(why, "'%s': %s", component->name, wrong);
        return false;
    }
    for (size_t i = 0; i < component->args_count; i++) {
        const weir_arg *arg = &component->args[i];
        bool named = arg->name != NULL && arg->name[0] != '\0';
        wrong = named ? wrong_arg(component, arg) : "it has no name";
        if (wrong != NULL) {
            wr_printf(why, "'%s', argument %zu%s%s%s: %s", component->name, i + 1,
                      named ? " (" : "", named ? arg->name : "", named ? ")" : "", wrong);
            return false;
        }
    }
    return true;
}
