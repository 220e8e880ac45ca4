/*
 * weir_planned.c - flags, subcommands and stages that are planned, or known from a similar tool,
 * but are not in this version: each with what to type instead.
 *
 * A user who has read about one of them would take "unknown" for a typing mistake, and the guess of
 * a similar name would mislead. Called while the command line and the text are read, before
 * anything is open.
 */
#include <stddef.h>
#include <string.h>

#include "weir_flags.h"

#define HINT_GREP "to filter lines by their text: grep \"text\""
#define HINT_SHELL "in the shell: weir '...' | COMMAND"
#define HINT_BEFORE "in the shell: COMMAND | weir '...'"
#define HINT_PASS "lines are passed through unchanged: leave it out, or filter with grep \"text\""
#define HINT_GET "requests are GET; in the shell: curl ... | weir '...'"
#define HINT_CURL "in the shell: curl ... | weir '...'"
#define HINT_WHY "kill -QUIT PID prints every task and what it waits for"

static const struct planned_flag {
    char letter; /* 0: none */
    const char *name, *hint;
} planned_flags[] = {
    {'e', NULL, "--end stops at the end of what exists; a file is read to its end without it"},
    {0, "since",
     "journal since=\"-10min\"; by a time in the items: where .time >= \"2024-05-01T12:00:00Z\""},
    {0, "include", "to keep lines that match: grep -E `PATTERN`"},
    {0, "exclude", "to leave out lines that match: grep -vE `PATTERN`"},
    {'n', NULL,
     "the first N items: -c N, or | head N; the last N lines of a file, as tail -n: tail FILE "
     "last=N; one item without input, as jq -n: gen 1..1 | ..."},
    {0, "null-input", "one item without input: gen 1..1 | ..."},
    {'F', NULL, "to follow a file: weir 'tail FILE | ...'"},
    {'t', NULL, "-J writes the time and the origin of each item"},
    {'C', "color-output", "JSON is coloured on a terminal, and only there"},
    {'M', "monochrome-output", "with NO_COLOR=1 in the environment JSON is not coloured"},
    {'S', "sort-keys",
     "| walk(if type == \"object\" then to_entries | sort_by(.key) | from_entries else . end)"},
    {'R', "raw-input", "to read each line as a string: | encode json"},
    {'j', "join-output", "--format '%s' writes no line ends"},
    {'a', "ascii-output", NULL},
    {0, "compact-output", "compact is the default; --pretty indents"},
    {0, "indent", "--pretty indents by two spaces"},
    {0, "tab", "--pretty indents by two spaces"},
    {0, "exit-status", NULL},
    {0, "slurpfile", "--argjson NAME \"$(cat FILE)\" for one value"},
    {0, "rawfile", "--arg NAME \"$(cat FILE)\""},
    {0, "args", "--arg NAME VALUE"},
    {0, "jsonargs", "--argjson NAME JSON"},
    {0, "stream", "json items PATH gives the elements of a large array one by one"},
    {0, "icsv", "to read CSV: csv header"},
    {0, "itsv", "to read TSV: tsv header"},
    {0, "ijson", "to read JSON: json"},
    {0, "ocsv", "to write CSV: | csv header"},
    {0, "otsv", "to write TSV: | tsv header"},
    {0, "ojson", "to write JSON: | ndjson"},
    {0, "c2j", "csv header | ndjson"},
    {0, "seq", NULL},
    {0, "set", NULL},
    {'d', "data", HINT_GET},
    {'X', "request", HINT_GET},
    {'I', "head", HINT_GET},
    {'i', NULL, HINT_CURL},
    {'L', "location", "redirects are followed without it"},
    {'o', "output", "to write a file: | file PATH (kcat's -o: --from PLACE)"},
    {'x', "proxy", "http_proxy, https_proxy and no_proxy of the environment are used as by curl"},
    {0, "resolve", HINT_CURL},
    {0, "netrc", "-u @FILE reads NAME:PASSWORD from a file"},
    {0, "http1.1", "requests are HTTP/1.1 without it"},
    {0, "http2", "requests are HTTP/1.1"},
    {0, "compressed", "-H 'Accept-Encoding: gzip, zstd, br' asks for it; what comes is decoded"},
    {0, "ping-interval", "an argument of the source: ws://HOST/PATH ping=TIME"},
    {0, "ping-timeout", "an argument of the source: ws://HOST/PATH pong=TIME"},
    {0, "text", "messages of both kinds are read; only texts: where $meta.opcode == \"text\""},
    {0, "binary",
     "of what is sent: ws://HOST/PATH send=TEXT binary; messages of both kinds are read, and only "
     "binary ones with: where $meta.opcode == \"binary\""},
    {0, "listen", HINT_WHY},
    {0, "sandbox", NULL},
    {0, "connect", NULL},
};

static const struct planned_word {
    const char *name, *hint;
} planned_words[] = {
    {"top", HINT_WHY},
    {"tap", HINT_WHY},
    {"ps", HINT_WHY},
    {"ctl", "kill -INT PID drains it"},
    {"serve", NULL},
    {"bench", "sh test/bench/run.sh measures it"},
    {"version", "write weir --version"},
};

static const struct planned_word planned_stages[] = {
    {"filter", "write where EXPRESSION"},
    {"cut", "write fields .a, .b"},
    {"drop", "write del .a, .b"},
    {"delete", "write del .a, .b"},
    {"put", "write set .a = EXPRESSION"},
    {"nest", "write explode .a, or .a | split(\";\")"},
    {"egrep", "write grep -E `PATTERN`"},
    {"match", "write where .a =~ `PATTERN`, or grep -E `PATTERN`"},
    {"parse", "write regex `(?<name>PATTERN)`, json, csv header, logfmt ..."},
    {"take", "to stop after N items: head N"},
    {"stats1", "write avg .a by .b, or sum, min, max, p50, p99"},
    {"merge-fields", "in the shell: weir '...' | mlr --ijson merge-fields ..."},
    {"count-distinct", "write count by .a; how many different ones there are: distinct .a"},
    {"printf", "write text \"\\(.a) \\(.b)\""},
    {"zcat", "write gunzip"},
    {"tac", HINT_SHELL},
    {"cat", "a pipeline begins with the path itself: ./FILE"},
    {"curl", "a pipeline begins with the URL itself"},
    {"wget", "a pipeline begins with the URL itself"},
    {"wc", "write count"},
    {"awk", HINT_SHELL},
    {"sed", HINT_SHELL},
    {"tr", HINT_SHELL},
    {"print", "without a sink, items are printed"},
    {"frame", NULL},
    {"limit", "to stop after N items: head N"},
    {"window",
     "to group items: batch N within TIME; totals of each period: count by .a every TIME"},
    {"merge", "run one weir for each source"},
    {"concat", "give the files as arguments: weir '...' FILE FILE"},
    {"zip", NULL},
    {"tee", "in the shell: weir '...' | tee FILE"},
    {"route", NULL},
    {"par", "to read ahead: queue N"},
    {"tick", "for numbers: gen 1.."},
    {"listen", NULL},
    {"download", NULL},
    {"pg", HINT_BEFORE},
    {"postgres", HINT_SHELL},
    {"kafka", HINT_BEFORE},
    {"nats", HINT_BEFORE},
    {"redis", HINT_BEFORE},
    {"sqlite", NULL},
    {"serve", NULL},
    {"tap", NULL},
};

bool planned_flag(const char *name, char letter, const char **hint)
{
    for (size_t i = 0; i < sizeof planned_flags / sizeof planned_flags[0]; i++) {
        const struct planned_flag *flag = &planned_flags[i];
        if (name != NULL ? flag->name != NULL && strcmp(flag->name, name) == 0
                         : flag->letter == letter) {
            *hint = flag->hint;
            return true;
        }
    }
    return false;
}

bool planned_word(const char *name, const char **hint)
{
    for (size_t i = 0; i < sizeof planned_words / sizeof planned_words[0]; i++) {
        if (strcmp(planned_words[i].name, name) == 0) {
            *hint = planned_words[i].hint;
            return true;
        }
    }
    return false;
}

bool planned_stage(const char *name, size_t len, const char **hint)
{
    if (len == 0) {
        *hint = HINT_GREP; /* an expression */
        return true;
    }
    for (size_t i = 0; i < sizeof planned_stages / sizeof planned_stages[0]; i++) {
        if (strlen(planned_stages[i].name) == len &&
            memcmp(planned_stages[i].name, name, len) == 0) {
            *hint = planned_stages[i].hint;
            return true;
        }
    }
    return false;
}
