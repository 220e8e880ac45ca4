/*
 * weir_manual.c - `weir manual`: the manual pages weir(1) and weir-components(7), in the language
 * of man(7), from the tables of flags and subcommands and the descriptors of components.
 *
 * Built once while the program is installed, and printed on request.
 */
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

/* Text of a paragraph: escaped, and a line end in it is a space. */
static void print_text(const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\'')) {
            fputs("\\&", stdout);
        }
        line_start = false;
        switch (*text) {
        case '\\': fputs("\\e", stdout); break;
        case '-': fputs("\\-", stdout); break;
        case '\'': fputs("\\(aq", stdout); break;
        case '`': fputs("\\(ga", stdout); break;
        case '^': fputs("\\(ha", stdout); break;
        case '~': fputs("\\(ti", stdout); break;
        case '\n': putchar(' '); break;
        default: putchar(*text); break;
        }
    }
}

/* Text that keeps its lines. */
static void print_lines(const char *text)
{
    printf(".nf\n");
    while (*text != '\0') {
        char line[512];
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        print_text(line);
        putchar('\n');
        text += len + (text[len] == '\n' ? 1 : 0);
    }
    printf(".fi\n");
}

static void print_paragraph(const char *text)
{
    print_text(text);
    putchar('\n');
}

static void print_flag(const struct flag_help *flag)
{
    printf(".TP\n");
    if (flag->letter != 0) {
        printf("\\fB\\-%c\\fR, ", flag->letter);
    }
    printf("\\fB");
    print_text("--");
    print_text(flag->name);
    printf("\\fR");
    if (flag->argument != NULL) {
        printf(" \\fI");
        print_text(flag->argument);
        printf("\\fR");
    }
    putchar('\n');
    print_paragraph(flag->help);
}

static void print_head(const char *title, int section, const char *name, const char *about)
{
    printf(".TH %s %d \"\" \"weir %s\" \"weir\"\n.SH NAME\n", title, section, weir_version());
    print_text(name);
    printf(" \\- %s\n", about);
}

static void print_command_page(void)
{
    struct flag_help flag;
    struct command_help command;
    print_head("WEIR", 1, "weir", "stream lines from HTTP, sockets and files");
    printf(".SH SYNOPSIS\n.B weir\n[\\fIFLAGS\\fR] \\(aq\\fISOURCE\\fR | \\fISTAGE\\fR ... | "
           "\\fISINK\\fR\\(aq [\\fIFILE\\fR...]\n");
    for (size_t i = 0; flags_command_at(i, &command); i++) {
        printf(".br\n.B weir ");
        print_text(command.name);
        printf("\n");
        print_paragraph(command.words);
    }
    printf(".SH DESCRIPTION\n");
    print_paragraph(help_about);
    printf(
        ".PP\nA pipeline is one quoted text: a source, stages and a sink, separated by |. Without "
        "a source, standard input or the \\fIFILE\\fRs are read; without a sink, items are "
        "written to standard output, unchanged byte for byte. Nothing runs ahead of a slow "
        "reader except what queues hold, and all buffers together have a limit "
        "(\\fB\\-\\-mem\\fR). Words of a text are described in\n.BR weir\\-components (7).\n"
        ".SH COMMANDS\n");
    for (size_t i = 0; flags_command_at(i, &command); i++) {
        printf(".TP\n\\fB");
        print_text(command.name);
        printf("\\fR ");
        print_paragraph(command.words);
        print_paragraph(command.help);
    }
    printf(".SH OPTIONS\n");
    for (size_t i = 0; flags_at(i, &flag); i++) {
        print_flag(&flag);
    }
    printf(".SH SIGNALS\n");
    print_paragraph(help_signals);
    printf(".SH EXIT STATUS\n");
    print_paragraph(help_exit);
    printf(".SH EXAMPLES\n");
    for (size_t i = 0; help_examples[i] != NULL; i++) {
        printf("%s", i > 0 ? ".PP\n" : "");
        print_lines(help_examples[i]);
    }
    printf(".SH SEE ALSO\n.BR weir\\-components (7),\n.BR curl (1),\n.BR jq (1)\n");
}

static void print_components_page(void)
{
    static const char *const titles[] = {"SOURCES", "STAGES", "SINKS"};
    const weir_component *component;
    print_head("WEIR-COMPONENTS", 7, "weir-components", "sources, stages and sinks of weir");
    printf(
        ".SH DESCRIPTION\nHow each component of a pipeline is written. Parts in [ ] are optional; "
        "words in capitals stand for values. Sizes are written 64KiB, 64K (both 65536) or 64KB "
        "(64000), times 500ms or 1m30s. In double quotes the escapes of JSON are known; "
        "\\(gatext\\(ga has none.\n");
    weir_expr_function function;
    printf(".SH EXPRESSIONS\n");
    print_lines(help_language);
    for (size_t i = 0; weir_expr_function_at(i, &function); i++) {
        char call[64];
        help_function(&function, call, sizeof call);
        printf(".TP\n\\fB");
        print_text(call);
        printf("\\fR\n");
        print_paragraph(function.help);
    }
    for (int32_t kind = WEIR_KIND_SOURCE; kind <= WEIR_KIND_SINK; kind++) {
        printf(".SH %s\n", titles[kind]);
        for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
            char help[8192];
            if (component->kind != kind) {
                continue;
            }
            weir_component_help(component, help, sizeof help);
            printf(".SS ");
            print_paragraph(component->name);
            print_lines(help);
        }
    }
    printf(".SH SEE ALSO\n.BR weir (1)\n");
}

int print_manual(const char *of)
{
    if (of == NULL) {
        print_command_page();
    } else if (strcmp(of, "components") == 0) {
        print_components_page();
    } else {
        return flags_complain("manual takes nothing, or: components");
    }
    return EXIT_FINISHED;
}
