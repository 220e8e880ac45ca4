/*
 * weir_completion.c - `weir completion SHELL`: a script that completes flags, subcommands, and
 * inside the quotes of a pipeline the names of components.
 *
 * The words come from the tables of flags and subcommands and from the descriptors of components,
 * with those of installed modules. They are written into the script, so that completing starts no
 * process.
 */
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

/* Whether this is another component of the same name than the first (a source and a sink). */
static bool named_before(const weir_component *component, size_t index)
{
    const weir_component *before;
    for (size_t i = 0; i < index && (before = weir_component_at(i)) != NULL; i++) {
        if (strcmp(before->name, component->name) == 0) {
            return true;
        }
    }
    return false;
}

/* The next component whose name may be written in a text. *index moves behind it. */
static const weir_component *next_component(size_t *index)
{
    const weir_component *component;
    while ((component = weir_component_at((*index)++)) != NULL) {
        bool by_address = component->kind == WEIR_KIND_SOURCE && component->schemes != NULL;
        if (!by_address && !named_before(component, *index - 1)) {
            return component;
        }
    }
    return NULL;
}

static bool same_command(size_t index, const char *name)
{
    struct command_help command;
    return index > 0 && flags_command_at(index - 1, &command) && strcmp(command.name, name) == 0;
}

static void print_commands(void)
{
    struct command_help command;
    for (size_t i = 0; flags_command_at(i, &command); i++) {
        if (!same_command(i, command.name)) {
            printf("%s%s", i > 0 ? " " : "", command.name);
        }
    }
}

static void print_components(void)
{
    const weir_component *component;
    size_t index = 0;
    for (const char *before = ""; (component = next_component(&index)) != NULL; before = " ") {
        printf("%s%s", before, component->name);
    }
}

static bool takes(const struct flag_help *flag, const char *argument)
{
    return flag->argument != NULL && strcmp(flag->argument, argument) == 0;
}

/* The flags that take this argument, as the pattern of a case. */
static void print_flags_with(const char *argument)
{
    struct flag_help flag;
    const char *before = "";
    for (size_t i = 0; flags_at(i, &flag); i++) {
        if (takes(&flag, argument)) {
            printf("%s--%s", before, flag.name);
            before = " | ";
            if (flag.letter != 0) {
                printf(" | -%c", flag.letter);
            }
        }
    }
}

/* Between single quotes of a shell script. */
static void print_inside_quotes(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
        } else {
            putchar(*text);
        }
    }
}

/* ---- bash */

static const char bash_text[] =
    "    local text=$2 word\n"
    "    case ${COMP_WORDS[1]} in\n"
    "    help) COMPREPLY=($(compgen -W \"$components $commands\" -- \"$text\")); return ;;\n"
    "    list) COMPREPLY=($(compgen -W 'sources stages sinks' -- \"$text\")); return ;;\n"
    "    state) COMPREPLY=($(compgen -W 'list show set reset' -- \"$text\")); return ;;\n"
    "    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$text\")); return ;;\n"
    "    manual) COMPREPLY=($(compgen -W 'components' -- \"$text\")); return ;;\n"
    "    esac\n"
    "    case ${COMP_WORDS[COMP_CWORD]} in\n"
    "    \\'* | \\\"*) ;;\n"
    "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$text\")); return ;;\n"
    "    *)\n"
    "        COMPREPLY=($(compgen -f -- \"$text\"))\n"
    "        [[ $COMP_CWORD -eq 1 ]] && COMPREPLY+=($(compgen -W \"$commands\" -- \"$text\"))\n"
    "        return\n"
    "        ;;\n"
    "    esac\n"
    "    # The text of a pipeline: a name at the start of a stage.\n"
    "    word=${text##*[|\\{ ]}\n"
    "    [[ ${text%\"$word\"} =~ (^|[|{])\\ *$ ]] || return\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$components\" -- \"$word\")\n"
    "    COMPREPLY=(\"${COMPREPLY[@]/#/${text%\"$word\"}}\")\n"
    "    # With a second word, bash does not close the quote.\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && -n ${COMPREPLY[0]} ]] &&\n"
    "        COMPREPLY=(\"${COMPREPLY[0]} \" \"${COMPREPLY[0]} |\")\n"
    "}\n"
    "complete -o filenames -F _weir weir\n";

static void print_bash(void)
{
    struct flag_help flag;
    printf("# Completion of weir for bash:  source <(weir completion bash)\n"
           "_weir() {\n    local commands='");
    print_commands();
    printf("'\n    local components='");
    print_components();
    printf("'\n    local flags='");
    for (size_t i = 0; flags_at(i, &flag); i++) {
        printf("%s--%s", i > 0 ? " " : "", flag.name);
    }
    printf("'\n    case ${COMP_WORDS[COMP_CWORD - 1]} in\n    ");
    print_flags_with("FILE");
    printf(" | ");
    print_flags_with("PATH");
    printf(") COMPREPLY=($(compgen -f -- \"$2\")); return ;;\n    ");
    print_flags_with("DIR");
    printf(") COMPREPLY=($(compgen -d -- \"$2\")); return ;;\n    esac\n%s", bash_text);
}

/* ---- zsh */

static const char zsh_text[] =
    "    case $words[2] in\n"
    "    help) compadd -a commands; _describe -t components component components; return ;;\n"
    "    list) compadd sources stages sinks; return ;;\n"
    "    state) compadd list show set reset; return ;;\n"
    "    completion) compadd bash zsh fish; return ;;\n"
    "    manual) compadd components; return ;;\n"
    "    esac\n"
    "    if [[ -n $compstate[quote] ]]; then\n"
    "        # The text of a pipeline: a name at the start of a stage.\n"
    "        local word=${PREFIX##*[|\\{ ]}\n"
    "        [[ ${PREFIX%$word} == (#b)(|*[|\\{])[[:space:]]# ]] || return\n"
    "        compset -P '*[|\\{ ]'\n"
    "        _describe -t components component components -S ' '\n"
    "        return\n"
    "    fi\n"
    "    (( CURRENT == 2 )) && compadd -a commands\n"
    "    _arguments -s $flags '*:file:_files'\n"
    "}\n"
    "if [[ $funcstack[1] == _weir ]]; then _weir \"$@\"; else compdef _weir weir; fi\n";

/* A text of _arguments and _describe, where : and brackets have a meaning. */
static void print_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr(":[]\\", *text) != NULL) {
            putchar('\\');
        }
        print_inside_quotes((char[]){*text, '\0'});
    }
}

static void print_zsh_flag(const struct flag_help *flag, const char *name)
{
    bool folder = takes(flag, "DIR");
    printf("        '*%s[", name);
    print_zsh_text(flag->help);
    printf("]");
    if (flag->argument != NULL) {
        bool quoted = flag->argument[0] == '\'';
        const char *second = quoted ? NULL : strchr(flag->argument, ' '); /* it takes two words */
        printf(":");
        print_zsh_text(flag->argument);
        printf("%s", second != NULL ? ": :" : "");
        print_zsh_text(second != NULL ? second + 1 : "");
        printf(":%s", folder                                       ? "_files -/"
                      : takes(flag, "FILE") || takes(flag, "PATH") ? "_files"
                                                                   : "");
    }
    printf("'\n");
}

static void print_zsh(void)
{
    struct flag_help flag;
    const weir_component *component;
    size_t index = 0;
    printf("#compdef weir\n# Completion of weir for zsh:  source <(weir completion zsh)\n"
           "_weir() {\n    setopt localoptions extendedglob\n"
           "    local -a commands components flags\n    commands=(");
    print_commands();
    printf(")\n    components=(\n");
    while ((component = next_component(&index)) != NULL) {
        printf("        '%s:", component->name);
        print_zsh_text(component->help);
        printf("'\n");
    }
    printf("    )\n    flags=(\n");
    for (size_t i = 0; flags_at(i, &flag); i++) {
        if (flag.letter != 0) {
            print_zsh_flag(&flag, (char[]){'-', flag.letter, '\0'});
        }
        char name[40];
        snprintf(name, sizeof name, "--%s", flag.name);
        print_zsh_flag(&flag, name);
    }
    printf("    )\n%s", zsh_text);
}

/* ---- fish */

static const char fish_text[] =
    "# The text of a pipeline: a name at the start of a stage.\n"
    "function __weir_text\n"
    "    set -l text (commandline -ct | string replace -r '^[\\'\"]' '')\n"
    "    set -l head (string replace -r '[^|{ ]*$' '' -- $text)\n"
    "    string match -qr '(^|[|{]) *$' -- \"$head\"; or return\n"
    "    set -l found (__weir_components | string replace -r '^' -- \"$head\" |\n"
    "        string match -r -- '^'(string escape --style=regex -- \"$text\")'.*')\n"
    "    # With a second word, fish does not close the quote.\n"
    "    test (count $found) -eq 1\n"
    "    and printf '%s\\n' (string replace -r '\\t.*' ' ' -- $found)\\\n"
    "        (string replace -r '\\t.*' ' |' -- $found)\n"
    "    or printf '%s\\n' $found\n"
    "end\n"
    "complete -c weir -n '__weir_in_quote' -f -a '(__weir_text)'\n"
    "complete -c weir -n '__fish_seen_subcommand_from help' -f -a '(__weir_components)'\n"
    "complete -c weir -n '__fish_seen_subcommand_from list' -f -a 'sources stages sinks'\n"
    "complete -c weir -n '__fish_seen_subcommand_from state' -f -a 'list show set reset'\n"
    "complete -c weir -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
    "complete -c weir -n '__fish_seen_subcommand_from manual' -f -a 'components'\n";

static void print_fish(void)
{
    struct flag_help flag;
    struct command_help command;
    const weir_component *component;
    size_t index = 0;
    printf("# Completion of weir for fish:  weir completion fish | source\n"
           "function __weir_in_quote\n"
           "    string match -qr '^[\\'\"]' -- (commandline -ct)\nend\n"
           "function __weir_components\n");
    while ((component = next_component(&index)) != NULL) {
        printf("    printf '%%s\\t%%s\\n' %s '", component->name);
        print_inside_quotes(component->help);
        printf("'\n");
    }
    printf("end\n%s", fish_text);
    for (size_t i = 0; flags_command_at(i, &command); i++) {
        if (!same_command(i, command.name)) {
            printf("complete -c weir -n __fish_use_subcommand -a %s -d '", command.name);
            print_inside_quotes(command.help);
            printf("'\n");
        }
    }
    for (size_t i = 0; flags_at(i, &flag); i++) {
        printf("complete -c weir -l %s", flag.name);
        if (flag.letter != 0) {
            printf(" -s %c", flag.letter);
        }
        if (flag.argument != NULL) {
            bool file = takes(&flag, "FILE") || takes(&flag, "PATH") || takes(&flag, "DIR");
            printf(" -r%s", file ? " -F" : " -f");
        }
        printf(" -d '");
        print_inside_quotes(flag.help);
        printf("'\n");
    }
}

int print_completion(const char *shell)
{
    (void)weir_modules_load(NULL, NULL);
    if (shell != NULL && strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (shell != NULL && strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (shell != NULL && strcmp(shell, "fish") == 0) {
        print_fish();
    } else {
        return flags_complain("completion takes one of: bash, zsh or fish");
    }
    return EXIT_FINISHED;
}
