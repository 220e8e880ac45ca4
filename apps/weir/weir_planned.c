/*
 * weir_planned.c - flags and subcommands that belong to weir or to a tool it takes its habits from,
 * but are not in this version: each with what to type instead.
 *
 * "Unknown" would be a lie to somebody who has read about them, and a guess at another flag would
 * lead away. What the pipeline text does not have yet is told by the library, in the same words.
 * Called while the command line is read; nothing is open then.
 */
#include <stddef.h>
#include <string.h>

#include "weir_flags.h"

#define HINT_RAW "lines pass as they are, and leave as they came"
#define HINT_TIME "in the shell: timeout 5 weir '...'"
#define HINT_GET "requests are GET; in the shell: curl ... | weir '...'"
#define HINT_CURL "in the shell: curl ... | weir '...'"
#define HINT_WHY "kill -QUIT PID prints every task and what it waits for"
#define HINT_TEXT \
    "a text is read as a whole before anything is opened: a mistake in it costs nothing"

static const struct planned_flag {
    char letter; /* 0: none */
    const char *name, *hint;
} planned_flags[] = {
    {0, "for", HINT_TIME},
    {'m', "max-time", HINT_TIME},
    {0, "from", "a run with --state goes on where the last one was"},
    {0, "end", NULL},
    {'e', NULL, NULL},
    {0, "since", NULL},
    {0, "dead", NULL},
    {0, "include", "to filter lines by their text: grep \"text\""},
    {0, "exclude", NULL},
    {'n', "lines", "the first N items: -c N, or | head N"},
    {'F', NULL, "in the shell: tail -F FILE | weir '...'"},
    {'t', NULL, NULL},
    {'r', "raw", HINT_RAW},
    {0, "raw-output", HINT_RAW},
    {0, "pretty", HINT_RAW},
    {'J', NULL, HINT_RAW},
    {0, "format", HINT_RAW},
    {0, "json-log", NULL},
    {0, "arg", NULL},
    {0, "set", NULL},
    {'d', "data", HINT_GET},
    {'X', "request", HINT_GET},
    {'I', "head", HINT_GET},
    {'i', NULL, HINT_CURL},
    {'L', "location", "redirects are followed without it"},
    {'o', "output", "to write a file: | file PATH"},
    {'x', "proxy", "http_proxy, https_proxy and no_proxy of the environment are used as by curl"},
    {0, "cert", HINT_CURL},
    {0, "key", HINT_CURL},
    {0, "resolve", HINT_CURL},
    {0, "netrc", "-u @FILE reads NAME:PASSWORD from a file"},
    {0, "http1.1", "requests are HTTP/1.1 without it"},
    {0, "http2", "requests are HTTP/1.1"},
    {0, "compressed", "-H 'Accept-Encoding: gzip' asks for it, and gzip is decoded"},
    {0, "ping-interval", NULL},
    {0, "ping-timeout", NULL},
    {0, "text", NULL},
    {0, "binary", NULL},
    {0, "listen", HINT_WHY},
    {0, "sandbox", NULL},
    {0, "env", NULL},
    {0, "connect", NULL},
};

static const struct planned_word {
    const char *name, *hint;
} planned_words[] = {
    {"check", HINT_TEXT},
    {"lint", HINT_TEXT},
    {"validate", HINT_TEXT},
    {"explain", "-v tells what is promised for the delivery"},
    {"top", HINT_WHY},
    {"tap", HINT_WHY},
    {"ps", HINT_WHY},
    {"ctl", "kill -INT PID drains it"},
    {"serve", NULL},
    {"bench", "sh test/bench/run.sh measures it"},
    {"record", "to write a file: | file PATH"},
    {"replay", NULL},
    {"state", "--state DIR keeps positions; to begin anew remove DIR"},
    {"test", NULL},
    {"init", NULL},
    {"generate", NULL},
    {"fmt", NULL},
    {"echo", NULL},
    {"graph", NULL},
    {"completion", NULL},
    {"version", "write weir --version"},
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
