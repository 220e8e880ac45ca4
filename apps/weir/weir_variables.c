/*
 * weir_variables.c - the values that the command line gives to expressions: --arg, --argjson, --env.
 *
 * They are kept as they are. The library checks them when it reads the pipeline. Nothing is opened.
 */
#include <stdlib.h>
#include <string.h>

#include "weir_flags.h"

/* The next variable of expressions, to be filled in; NULL after a message. The library checks them
 * when it reads the pipeline. */
static weir_variable *next_variable(struct flags *flags)
{
    if (flags->variables_count == FLAGS_VARIABLES_MAX) {
        (void)flags_complain("more than %d variables of expressions", FLAGS_VARIABLES_MAX);
        return NULL;
    }
    return &flags->variables[flags->variables_count++];
}

/* The copies live until the process ends. */
int flags_add_environment(struct flags *flags, const char *names)
{
    for (const char *name = names;; name++) {
        size_t len = strcspn(name, ",");
        weir_variable *variable = next_variable(flags);
        if (variable == NULL) {
            return EXIT_USAGE;
        }
        *variable = (weir_variable){.name = strndup(name, len), .secret = 1};
        if (variable->name == NULL) {
            return flags_complain("out of memory");
        }
        variable->text = getenv(variable->name);
        if (variable->text == NULL) {
            return len > 0 ? flags_complain("--env: the environment has no variable '%s'",
                                            variable->name)
                           : flags_complain("--env: a name is empty");
        }
        name += len;
        if (*name == '\0') {
            return 0;
        }
    }
}

int flags_add_variable(struct flags *flags, bool json, const char *name, char *text)
{
    const char *flag = json ? "argjson" : "arg";
    size_t len = strcspn(name, "=");
    if (name[strcspn(name, " .|")] != '\0') {
        return flags_complain("--%s: '%s' is not a name; write --%s NAME VALUE", flag, name, flag);
    }
    if (len > 0 && name[len] == '=') {
        return flags_complain("--%s takes two words: --%s %.*s VALUE", flag, flag, (int)len, name);
    }
    weir_variable *variable = next_variable(flags);
    if (variable == NULL) {
        return EXIT_USAGE;
    }
    *variable = (weir_variable){.name = name, .text = strdup(text), .json = json};
    memset(text, '*', strlen(text));
    return variable->text != NULL ? 0 : flags_complain("out of memory");
}
