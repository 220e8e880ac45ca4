/*
 * weir_help.c - `weir --help`, from the tables of flags and subcommands, and `weir help WORD`: a
 * subcommand, or a source, stage or sink.
 */
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

const char help_about[] =
    "weir streams lines: from HTTP, sockets and files, through stages, to a sink, at the speed of "
    "the slowest.";
const char help_signals[] =
    "Ctrl-C (SIGINT) and SIGTERM finish the pending items; a second one stops at once. Ctrl-\\ "
    "(SIGQUIT)\n"
    "prints every task and what it waits for. SIGHUP finishes when the terminal is closed; without "
    "a terminal it opens\n"
    "output files again.";
const char help_exit[] =
    "0 finished; 1 the source or the sink failed; 2 usage, or a state that is damaged, locked or "
    "of another\n"
    "pipeline; 3 items were lost; 4 no connection was ever made; 124 the time of --max-time;\n"
    "129, 130, 143 stopped hard.";
const char *const help_examples[] = {
    "weir https://host/feed.ndjson",
    "weir 'https://host/feed.ndjson | grep \"error\" | file errors.ndjson' --state ~/.weir",
    "weir 'tcp://127.0.0.1:5000 | queue 10000 8MiB | head 100'",
    NULL,
};

static void print_flag(const struct flag_help *flag)
{
    char left[80];
    bool argument = flag->argument != NULL;
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", flag->letter != 0 ? '-' : ' ',
             flag->letter != 0 ? flag->letter : ' ', flag->letter != 0 ? ", " : "  ", flag->name,
             argument ? " " : "", argument ? flag->argument : "");
    printf("  %-32s %s\n", left, flag->help);
}

/* Explain a flag, from the same table. */
static int help_flag(const char *word)
{
    struct flag_help flag;
    const char *hint = NULL;
    bool name = word[1] == '-';
    for (size_t i = 0; flags_at(i, &flag); i++) {
        if (name ? strcmp(flag.name, word + 2) == 0 : flag.letter == word[1] && word[2] == '\0') {
            print_flag(&flag);
            return EXIT_FINISHED;
        }
    }
    bool planned = planned_flag(name ? word + 2 : NULL, name ? '\0' : word[1], &hint);
    return flags_complain("there is no flag '%s'%s%s; 'weir --help' lists them", word,
                          planned && hint != NULL ? "; " : "", planned && hint != NULL ? hint : "");
}

void help_all(void)
{
    struct flag_help flag;
    struct command_help command;
    char left[80];
    printf("%s\n\n  %-54s run a pipeline\n", help_about,
           "weir [FLAGS] 'SOURCE | STAGE ... | SINK' [FILE...]");
    for (size_t i = 0; flags_command_at(i, &command); i++) {
        snprintf(left, sizeof left, "weir %s %s", command.name, command.words);
        printf("  %-54s %s\n", left, command.help);
    }
    printf("\nNo source: standard input, or the FILEs. No sink: standard output.\n\nFlags:\n");
    for (size_t i = 0; flags_at(i, &flag); i++) {
        print_flag(&flag);
    }
    printf("\nSignals: %s\n\nExit: %s\n\nExamples:\n", help_signals, help_exit);
    for (size_t i = 0; help_examples[i] != NULL; i++) {
        printf("  %s\n", help_examples[i]);
    }
}

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
    "weir check --shatter FILE [-c N] 'STAGE | ...'\n"
    "\n"
    "Reads a pipeline and its flags as a run does, and reports every mistake that can be found\n"
    "without opening anything: nothing is connected, read or written. Prints 'ok' and what is\n"
    "promised about delivery. Exit: 0, or 2 for a mistake. Also: weir lint, weir validate.\n"
    "\n"
    "--shatter runs the stages over a recording (weir record) or any file of up to 256 KiB: as it "
    "is,\n"
    "with each byte alone, and N times (1000) cut at random places. Items, rejections and the end "
    "must\n"
    "be the same; if not, the first split that differs is printed. Exit: 0, or 1 if one differs.\n";

static const char explain_text[] =
    "weir explain [FLAGS] 'PIPELINE' [FILE...]\n"
    "\n"
    "Prints what each part of a pipeline takes and gives, what happens when a consumer is slow, "
    "when\n"
    "the far end is lost, with an item that is rejected and at SIGTERM, what is promised about\n"
    "delivery, and how much memory the buffers may take. Nothing is opened.\n";

static const char graph_text[] =
    "weir graph [FLAGS] 'PIPELINE' [FILE...]\n"
    "\n"
    "Prints a pipeline as a graph in the DOT language:  weir graph '...' | dot -Tsvg > graph.svg\n"
    "The words at the edges are shapes of items. Dashed: not in the text, but added. A dashed "
    "edge\n"
    "leads back from the end of a block. Nothing is opened.\n";

static const char fmt_text[] =
    "weir fmt 'PIPELINE'\n"
    "weir fmt -f FILE\n"
    "\n"
    "Prints the text in the usual layout: one line if it fits into 80 columns, else a line for "
    "each\n"
    "stage. Comments stay. Only spaces and line ends change, so the text means the same, and "
    "unknown\n"
    "stages are allowed. Passwords in it are printed, too. Also: weir echo.\n";

static const char completion_text[] =
    "weir completion bash|zsh|fish\n"
    "\n"
    "Prints a script that completes flags, subcommands and, inside the quotes of a pipeline, the\n"
    "names of sources, stages and sinks.\n"
    "  bash   source <(weir completion bash)\n"
    "  zsh    source <(weir completion zsh)\n"
    "  fish   weir completion fish | source\n";

static const char init_text[] =
    "weir init DIR\n"
    "\n"
    "Writes a component of your own, its test, a Makefile and a CMakeLists.txt into DIR, which "
    "names\n"
    "it. `make test` there runs the test with AddressSanitizer, `make` builds a module for this\n"
    "command. Nothing that exists is changed. Also: weir generate.\n";

static const char test_text[] =
    "weir test FILE...\n"
    "\n"
    "Runs the test cases in FILE, each in a process of its own and in FILE's folder:\n"
    "\n"
    "  # comments before the first case\n"
    "  == only errors, two of them\n"
    "  grep error | head 2\n"
    "  -- input\n"
    "  error one\n"
    "  all is well\n"
    "  error two\n"
    "  -- output\n"
    "  error one\n"
    "  error two\n"
    "\n"
    "A case begins with '== NAME' and its pipeline. '-- input' is its standard input, '-- output'\n"
    "must be printed byte for byte, each line of '-- error' must be in the messages. Also: '-- "
    "flags\n"
    "WORD...', '-- status N' (0) and '-- seed N' (1). Empty lines at the end of a section do not\n"
    "count; a last line '\\ no line end' means that the text has no line end there; a line that\n"
    "begins with -- or == is written with a \\ before it. The clock is virtual: it begins at\n"
    "2020-01-01T00:00:00Z, and waiting takes no time. A case may run for 60 s, and\n"
    "write at most 64 MiB to a file or its output. Exit: 0, or 1 if a case has failed.\n";

static const char manual_text[] =
    "weir manual [components]\n"
    "\n"
    "Prints the source of the manual page weir(1), or of weir-components(7), which has all "
    "sources,\n"
    "stages and sinks. To read it without installing:  weir manual | man -l -\n";

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

static const char record_text[] =
    "weir record [FLAGS] 'SOURCE' -o FILE\n"
    "\n"
    "Runs a source (a URL, tcp, tls, unix, a file, standard input) and keeps all that it receives "
    "in\n"
    "FILE: the bytes, how they were cut, the times, the heads of HTTP responses, breaks and\n"
    "reconnects. Stages may follow the source (| sse), and no sink. It ends with the source, by\n"
    "-c N, --for TIME or Ctrl-C. After a kill, FILE has all that came before.\n"
    "Passwords and keys of the request are not kept, cookies neither; bodies are, so FILE can be "
    "read\n"
    "by its owner only. 'weir replay FILE' runs it again.\n";

static const char replay_text[] =
    "weir replay FILE [speed=1|N|max] ['STAGE | ... | SINK']\n"
    "\n"
    "Runs the recorded source again, with FILE in the place of the network: the same bytes at the\n"
    "same times, with the same breaks and reconnects. speed=60 is a minute in a second, speed=max\n"
    "does not wait. It ends as the recorded run did. As a source in a text:\n"
    "  weir 'replay feed.wrec speed=max | sse | json'\n";

static const char help_text[] = "weir help [WORD]\n"
                                "\n"
                                "WORD is a source, stage or sink ('weir list' lists them), a "
                                "module (./MODULE.so), a flag (--arg),\n"
                                "a subcommand, or 'expressions' for their language and its "
                                "functions. Without a word: the flags\n"
                                "and exit codes.\n";

void command_usage(enum flags_action action)
{
    switch (action) {
    case ACTION_LIST: fputs(list_text, stdout); break;
    case ACTION_CHECK: fputs(check_text, stdout); break;
    case ACTION_EXPLAIN: fputs(explain_text, stdout); break;
    case ACTION_STATE: fputs(state_text, stdout); break;
    case ACTION_DEMO: demo_usage(); break;
    case ACTION_GRAPH: fputs(graph_text, stdout); break;
    case ACTION_FORMAT: fputs(fmt_text, stdout); break;
    case ACTION_COMPLETION: fputs(completion_text, stdout); break;
    case ACTION_TEST: fputs(test_text, stdout); break;
    case ACTION_INIT: fputs(init_text, stdout); break;
    case ACTION_MANUAL: fputs(manual_text, stdout); break;
    case ACTION_RECORD: fputs(record_text, stdout); break;
    case ACTION_REPLAY: fputs(replay_text, stdout); break;
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
        component = weir_component_find(word, 0);
        found = component != NULL && action == ACTION_REPLAY;
    }
    if (action != ACTION_RUN && found == 0) {
        return EXIT_FINISHED;
    }
    if (found > 0) { /* a subcommand and a source */
        char help[4096];
        weir_component_help(component, help, sizeof help);
        printf("\nAs a source:\n%s", help);
        return EXIT_FINISHED;
    }
    if (word[0] == '-' && word[1] != '\0') {
        return help_flag(word);
    }
    if (strcmp(word, "expressions") == 0 || strcmp(word, "functions") == 0) {
        help_expressions();
        return EXIT_FINISHED;
    }
    for (; (component = weir_component_find(word, found)) != NULL; found++) {
        char help[4096];
        weir_component_help(component, help, sizeof help);
        printf("%s%s", found > 0 ? "\n" : "", help);
    }
    return found > 0 ? EXIT_FINISHED : unknown_word(word);
}
