/*
 * weir_words.c - the words of the command line that are not flags: a subcommand and its arguments,
 * or a pipeline's text and its files.
 *
 * flags_read (weir_flags.c) calls flags_take_words once, after it has read all flags: --help,
 * --version and -f decide what the first word means. A first word that is neither a subcommand nor
 * a file's name is taken as a pipeline's text, unless it is a planned subcommand or resembles one
 * more than it resembles a component: then the message says what to type. Nothing is opened.
 */
#include "weir_flags.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/weir.h>

/* Check the argument of `list`. */
static int check_kind(const char *kind, size_t count)
{
    bool known = kind == NULL || strcmp(kind, "sources") == 0 || strcmp(kind, "stages") == 0 ||
                 strcmp(kind, "sinks") == 0;
    return known && count < 3 ? 0 : flags_complain("list takes one of: sources, stages or sinks");
}

/* The subcommands, also under the names that other tools use, which help does not show. */
static const struct {
    const char *name;
    enum flags_action action;
    const char *words, *help; /* help NULL: not shown */
} commands[] = {
    {"record", ACTION_RECORD, "'SOURCE' -o FILE", "keep what a source receives, with the times"},
    {"replay", ACTION_REPLAY, "FILE [speed=1|N|max] ['STAGE | ...']",
     "run the recorded source again"},
    {"demo", ACTION_DEMO, "[:PORT]", "serve example feeds (loopback only; :8080)"},
    {"demo", ACTION_DEMO, "--torture",
     "kill a run with kill -9 for 30 s; its file must still be right"},
    {"demo", ACTION_DEMO, "--log FILE",
     "write an access log and rotate it; counts per status at the end (--lines N, --rate N)"},
    {"demo", ACTION_DEMO, "--syslog HOST:PORT",
     "send syslog messages over UDP; counts per severity at the end (--lines N, --rate N)"},
    {"check", ACTION_CHECK, "'PIPELINE' [FILE...]", "find mistakes; connects to nothing"},
    {"check", ACTION_CHECK, "--shatter FILE 'PIPELINE'",
     "does it give the same wherever the bytes are cut?"},
    {"explain", ACTION_EXPLAIN, "'PIPELINE' [FILE...]",
     "what each part does, and what is promised"},
    {"graph", ACTION_GRAPH, "'PIPELINE' [FILE...]", "a drawing of it, in the DOT language"},
    {"fmt", ACTION_FORMAT, "'PIPELINE'", "the text in the usual layout"},
    {"list", ACTION_LIST, "[sources|stages|sinks]", "all sources, stages and sinks"},
    {"help", ACTION_WORD, "WORD", "explain one of them, a flag, a subcommand, or 'expressions'"},
    {"state", ACTION_STATE, "list|show|set|reset --state DIR", "saved positions"},
    {"test", ACTION_TEST, "FILE...", "run test cases: pipeline, input, expected output"},
    {"init", ACTION_INIT, "DIR", "a folder with a component of your own, its test and a Makefile"},
    {"completion", ACTION_COMPLETION, "bash|zsh|fish", "completion of words for a shell"},
    {"manual", ACTION_MANUAL, "[components]", "the source of a manual page"},
    {"generate", ACTION_INIT, NULL, NULL},
    {"lint", ACTION_CHECK, NULL, NULL},
    {"validate", ACTION_CHECK, NULL, NULL},
    {"echo", ACTION_FORMAT, NULL, NULL},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

bool flags_command_at(size_t index, struct command_help *to)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i].help != NULL && index-- == 0) {
            *to = (struct command_help){commands[i].name, commands[i].words, commands[i].help};
            return true;
        }
    }
    return false;
}

enum flags_action flags_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return commands[i].action;
        }
    }
    return ACTION_RUN;
}

/* The subcommand that the user probably meant by a word. NULL: none, or the name of a component is
 * at least as similar. */
static const char *meant_command(const char *word)
{
    enum { NAMES_MAX = 512 };
    static const char *names[NAMES_MAX];
    const weir_component *component;
    size_t count = 0;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL && i < NAMES_MAX - COMMANDS;
         i++) {
        names[count++] = component->name;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        names[count + i] = commands[i].name;
    }
    const char *meant = weir_nearest(word, names, count + COMMANDS);
    return meant != NULL && flags_command(meant) != ACTION_RUN ? meant : NULL;
}

/* Report a first word that is not a pipeline text: a planned command, or a mistyped one. 0: it may
 * be a text. */
static int check_command(const char *word)
{
    const char *hint;
    weir_error error;
    if (access(word, F_OK) == 0 || planned_stage(word, strlen(word), &hint)) {
        return 0; /* a file's name, or a stage's: text_mistake explains it */
    }
    if (planned_word(word, &hint) && weir_component_find(word, 0) == NULL) {
        return flags_complain("'weir %s' is not in this version%s%s", word,
                              hint != NULL ? "; " : "", hint != NULL ? hint : "");
    }
    weir_plan *plan = weir_plan_read(word, NULL, &error);
    weir_plan_free(plan);
    const char *meant =
        plan == NULL && error.detail == WEIR_PLAN_UNKNOWN ? meant_command(word) : NULL;
    return meant != NULL
               ? flags_complain("unknown command '%s' (did you mean 'weir %s'?)", word, meant)
               : 0;
}

/* The words are a pipeline and its files; with -f only files. `name` is that of the subcommand. */
static int take_pipeline(struct flags *flags, const char *name, const char **words, size_t count)
{
    bool runs = flags->action == ACTION_RUN;
    if (flags->text_file == NULL && count == 0) {
        if (runs && !isatty(0)) {
            flags->text = "-"; /* `curl ... | weir`: standard input, unchanged */
            return 0;
        }
        return flags_complain(
            "no pipeline; for example:  weir %s%s'https://host/feed | head 3'   (see "
            "'weir --help')",
            name != NULL ? name : "", name != NULL ? " " : "");
    }
    if (flags->text_file == NULL) {
        int rc = runs ? check_command(words[0]) : 0;
        if (rc != 0) {
            return rc;
        }
        flags->text = words[0];
        words++;
        count--;
    }
    flags->files = words;
    flags->files_count = count;
    return 0;
}

/* Write a word as a quoted text of the language. The next free place. */
static char *put_quoted(char *to, const char *word)
{
    *to++ = '"';
    for (; *word != '\0'; word++) {
        if (*word == '"' || *word == '\\') {
            *to++ = '\\';
        }
        *to++ = *word;
    }
    *to++ = '"';
    return to;
}

/* replay FILE [NAME=VALUE...] [PIPELINE] is the pipeline 'replay "FILE" NAME=VALUE | PIPELINE'. */
static int take_replay(struct flags *flags, const char **words, size_t count)
{
    size_t cap = 32;
    if (count == 0) {
        return flags_complain("replay needs a file: weir replay FILE [speed=max]");
    }
    for (size_t i = 0; i < count; i++) {
        cap += strlen(words[i]) * 2 + 4;
    }
    char *text = malloc(cap);
    if (text == NULL) {
        return flags_complain("out of memory");
    }
    char *at = put_quoted(stpcpy(text, "replay "), words[0]);
    size_t i = 1;
    for (;
         i < count && (strncmp(words[i], "speed=", 6) == 0 || strncmp(words[i], "split=", 6) == 0);
         i++) {
        *at++ = ' ';
        at = stpcpy(at, words[i]);
    }
    *at = '\0';
    if (i < count) {
        const char *rest = words[i] + strspn(words[i], " \t\n|");
        (void)stpcpy(stpcpy(at, " | "), rest);
        i++;
    }
    flags->text = text;
    flags->action = ACTION_RUN;
    return i < count ? flags_complain("quote the pipeline as one text:  weir replay FILE "
                                      "'STAGE | SINK'")
                     : 0;
}

/* Report a flag that only demo has. */
static bool has_demo_flags(const struct flags *flags)
{
    const char *name = flags->demo_log != NULL      ? "--log FILE"
                       : flags->demo_syslog != NULL ? "--syslog HOST:PORT"
                       : flags->demo_lines > 0      ? "--lines N"
                       : flags->demo_rate > 0       ? "--rate N"
                                                    : NULL;
    if (flags->torture) {
        (void)flags_complain("--torture is a flag of demo: weir demo --torture");
    } else if (name != NULL) {
        (void)flags_complain("%s is for weir demo; to stop after N items: -c N", name);
    }
    return flags->torture || name != NULL;
}

int flags_take_words(struct flags *flags, const char **words, size_t count)
{
    if (flags->action == ACTION_HELP || flags->action == ACTION_VERSION) {
        return 0;
    }
    bool named = flags->text_file == NULL && count > 0;
    enum flags_action action = count > 0 ? flags_command(words[0]) : ACTION_RUN;
    bool looks = action == ACTION_CHECK || action == ACTION_RECORD || action == ACTION_EXPLAIN ||
                 action == ACTION_GRAPH || action == ACTION_FORMAT;
    flags->action = named || looks ? action : ACTION_RUN;
    if (flags->action != ACTION_DEMO && has_demo_flags(flags)) {
        return EXIT_USAGE;
    }
    if (flags->action == ACTION_RECORD && flags->output == NULL) {
        return flags_complain("record needs -o FILE:  weir record 'SOURCE' -o FILE");
    }
    switch (flags->action) {
    case ACTION_DEMO:
        flags->demo_address = count > 1 ? words[1] : ":8080";
        if ((count > 1) + (flags->demo_log != NULL) + (flags->demo_syslog != NULL) > 1) {
            return flags_complain("demo takes either :PORT, --log FILE or --syslog HOST:PORT");
        }
        return count > 2 ? flags_complain("demo takes one argument: :PORT") : 0;
    case ACTION_WORD:
        flags->word = count > 1 ? words[1] : NULL;
        flags->action = count > 1 ? ACTION_WORD : ACTION_HELP;
        return 0;
    case ACTION_COMPLETION:
    case ACTION_INIT:
    case ACTION_MANUAL:
        flags->word = count > 1 ? words[1] : NULL;
        return count > 2 ? flags_complain("%s takes one word", words[0]) : 0;
    case ACTION_LIST:
        flags->word = count > 1 ? words[1] : NULL;
        return check_kind(flags->word, count);
    case ACTION_REPLAY: return take_replay(flags, words + 1, count - 1);
    case ACTION_STATE:
    case ACTION_TEST:
        flags->files = words + 1;
        flags->files_count = count - 1;
        return 0;
    case ACTION_RUN: return take_pipeline(flags, NULL, words, count);
    default: return take_pipeline(flags, words[0], words + 1, count - 1);
    }
}
