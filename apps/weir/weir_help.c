/*
 * weir_help.c - `weir help WORD`: a subcommand, or a source, stage or sink. The output of --help is
 * made in weir_flags.c, from the table of flags.
 */
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

static const char list_text[] =
    "weir list [sources|stages|sinks]\n"
    "\n"
    "Prints how each source, stage and sink is written, and one line about it. Parts in [ ] are\n"
    "optional; words in capitals stand for values. The components of installed modules (weir/ "
    "beside\n"
    "libweir.so) are in the list. 'weir help NAME' explains one of them, with an example that can "
    "be\n"
    "run, and 'weir help ./MODULE.so' explains a module that is not installed.\n";

static const char check_text[] =
    "weir check [FLAGS] 'PIPELINE' [FILE...]\n"
    "\n"
    "Reads a pipeline and its flags as a run does, and reports every mistake that can be found\n"
    "without opening anything: nothing is connected, read or written. Prints 'ok' and what is\n"
    "promised about delivery. Exit: 0, or 2 for a mistake. Also: weir lint, weir validate.\n";

static const char explain_text[] =
    "weir explain [FLAGS] 'PIPELINE' [FILE...]\n"
    "\n"
    "Prints what each part of a pipeline takes and gives, what happens when a consumer is slow, "
    "when\n"
    "the far end is lost, with an item that is rejected and at SIGTERM, what is promised about\n"
    "delivery, and how much memory the buffers may take. Nothing is opened.\n";

static const char state_text[] =
    "weir state list --state DIR                          the records in DIR\n"
    "weir state show [NAME] --state DIR                   their contents\n"
    "weir state set NAME [SOURCE] POSITION --state DIR    let a source continue elsewhere; "
    "POSITION\n"
    "                                                     is written as show prints it\n"
    "weir state reset NAME --state DIR                    start over; new output is appended\n"
    "\n"
    "A record holds the pipeline's text, the length of what it has written, and for each source "
    "the\n"
    "position where the next run continues. --name NAME names it; the default is a hash of the "
    "text.\n";

static const char help_text[] =
    "weir help [WORD]\n"
    "\n"
    "WORD is a source, stage or sink ('weir list' lists them), a module (./MODULE.so) or a\n"
    "subcommand: demo, check, explain, list, state. Without a word: the flags and exit codes.\n";

void command_usage(enum flags_action action)
{
    switch (action) {
    case ACTION_LIST: fputs(list_text, stdout); break;
    case ACTION_CHECK: fputs(check_text, stdout); break;
    case ACTION_EXPLAIN: fputs(explain_text, stdout); break;
    case ACTION_STATE: fputs(state_text, stdout); break;
    case ACTION_DEMO: demo_usage(); break;
    default: fputs(help_text, stdout); break;
    }
}

/* Report why the module that the word names, by its file or as an installed one, cannot be used.
 * False: the word names none. */
static bool tell_bad_module(const char *word)
{
    weir_error error;
    bool one_word = word[strcspn(word, " \t\n|'\"`{")] == '\0';
    weir_plan *plan = one_word ? weir_plan_read(word, NULL, &error) : NULL;
    bool bad = one_word && plan == NULL && error.detail == WEIR_PLAN_MISTAKE;
    if (bad) {
        fprintf(stderr, "weir: %s\n", error.message);
    }
    weir_plan_free(plan);
    return bad;
}

static int unknown_word(const char *word)
{
    enum { NAMES_MAX = 512 };
    static const char *names[NAMES_MAX];
    const weir_component *component;
    size_t count = 0;
    if (tell_bad_module(word)) {
        return EXIT_USAGE;
    }
    const char *hint = NULL;
    if (word[0] != '\0' && planned_stage(word, strlen(word), &hint)) {
        fprintf(stderr, "weir: '%s' is not in this version%s%s\n", word, hint != NULL ? "; " : "",
                hint != NULL ? hint : "");
        return EXIT_USAGE;
    }
    for (; count < NAMES_MAX && (component = weir_component_at(count)) != NULL; count++) {
        names[count] = component->name;
    }
    const char *nearest = weir_nearest(word, names, count);
    fprintf(stderr, "weir: there is no source, stage or sink '%s'", word);
    if (nearest != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", nearest);
    }
    fputs("; 'weir list' lists them\n", stderr);
    return EXIT_USAGE;
}

int help_word(const char *word)
{
    enum flags_action action = flags_command(word);
    const weir_component *component;
    size_t found = 0; /* a source and a sink may have the same name */
    if (action != ACTION_RUN) {
        command_usage(action);
        return EXIT_FINISHED;
    }
    for (; (component = weir_component_find(word, found)) != NULL; found++) {
        char help[4096];
        weir_component_help(component, help, sizeof help);
        printf("%s%s", found > 0 ? "\n" : "", help);
    }
    return found > 0 ? EXIT_FINISHED : unknown_word(word);
}
