/*
 * plan_stages.c - the descriptors: every source, stage and sink, in one table.
 *
 * The reader, the errors with their guesses, the help and the tests are made from this table; a new
 * stage is one entry and one build function. The second table holds the names of the language that
 * this version does not have, each with what to do instead, because "unknown" would be a lie to
 * somebody who has read about them.
 */
#include "plan_text.h"

#include <string.h>

static const char *const full_choices[] = {"block",  "drop-oldest", "drop-newest",
                                           "latest", "fail",        NULL};
static const char *const long_choices[] = {"skip", "cut", "fail", NULL};

/* clang-format off */
const struct wr_plan_word wr_plan_words[] = {
    {.name = "http", .shape = "http://HOST/PATH, https://HOST/PATH", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_IO, .build = wr_plan_build_http,
     .help = "The lines of an HTTP response; reconnects and resumes.",
     .example = "https://example.org/feed.ndjson | head 3",
     .args = {{.name = "URL", .type = WR_PLAN_PATH, .required = true, .help = "sent as it is"}}},
    {.name = "tcp", .shape = "tcp://HOST:PORT", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_IO, .build = wr_plan_build_tcp,
     .help = "The lines a TCP server sends.",
     .example = "tcp://127.0.0.1:9000 | head 3",
     .args = {{.name = "ADDRESS", .type = WR_PLAN_ADDRESS, .required = true,
               .help = "an IPv6 one in [ ]"}}},
    {.name = "unix", .shape = "unix:PATH", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_IO, .build = wr_plan_build_unix,
     .help = "The lines a server on a local socket sends.",
     .example = "unix:/run/feed.sock | head 3",
     .args = {{.name = "PATH", .type = WR_PLAN_SOCKET, .required = true, .help = "of the socket"}}},
    {.name = "file", .shape = "PATH with a / or . in it", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_IO, .build = wr_plan_build_file,
     .help = "The lines of a file, to its end.",
     .example = "./access.log | grep \"GET\"",
     .args = {{.name = "PATH", .type = WR_PLAN_PATH, .required = true,
               .help = "quoted when it has spaces"}}},
    {.name = "stdin", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_IO, .build = wr_plan_build_stdin,
     .help = "The lines of standard input; also written - or left out.",
     .misplaced = "for standard output leave the sink out",
     .example = "stdin | head 3"},
    {.name = "gen", .kind = WEIR_PLAN_SOURCE,
     .in = WR_PLAN_NOTHING, .out = WR_PLAN_LINES, .work = WR_PLAN_PURE, .build = wr_plan_build_gen,
     .help = "Numbers, one a line.",
     .example = "gen 1..10 | skip 7",
     .args = {{.name = "RANGE", .type = WR_PLAN_RANGE, .required = true,
               .help = "A..B, or A.. without end"}}},

    {.name = "head", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_ANY, .out = WR_PLAN_ANY, .work = WR_PLAN_PURE, .build = wr_plan_build_head,
     .help = "The first N items; then ends what stands before it.",
     .example = "gen 1.. | head 3",
     .args = {{.name = "N", .type = WR_PLAN_COUNT, .required = true, .help = "how many"}}},
    {.name = "skip", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_ANY, .out = WR_PLAN_ANY, .work = WR_PLAN_PURE, .build = wr_plan_build_skip,
     .help = "All but the first N items.",
     .example = "gen 1..10 | skip 8",
     .args = {{.name = "N", .type = WR_PLAN_COUNT, .required = true, .help = "how many"}}},
    {.name = "queue", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_ANY, .out = WR_PLAN_ANY, .work = WR_PLAN_PURE, .build = wr_plan_build_queue,
     .help = "Reads ahead into a bounded queue; when it is full, what stands before it waits.",
     .example = "gen 1..10 | queue 100 64KiB | head 3",
     .args = {{.name = "N", .type = WR_PLAN_COUNT, .min = 1, .preset = "1024",
               .help = "items at most"},
              {.name = "SIZE", .type = WR_PLAN_SIZE, .min = 1, .preset = "1MiB",
               .help = "bytes at most"},
              {.name = "full", .form = WR_PLAN_NAMED, .type = WR_PLAN_CHOICE,
               .choices = full_choices,
               .preset = "block", .help = "what to do when it is full"}}},
    {.name = "batch", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_LINES, .out = WR_PLAN_BATCHES, .work = WR_PLAN_PURE,
     .build = wr_plan_build_batch,
     .help = "Groups of items, given on when full or when the time is over.",
     .example = "gen 1..10 | batch 4 1MiB within 1s",
     .args = {{.name = "N", .type = WR_PLAN_COUNT, .required = true, .min = 1,
               .help = "items at most"},
              {.name = "SIZE", .type = WR_PLAN_SIZE, .min = 1, .preset = "1MiB",
               .help = "bytes at most"},
              {.name = "within", .form = WR_PLAN_KEYWORD, .type = WR_PLAN_TIME, .min = 1,
               .preset = "1s",
               .help = "from the first item of a group"}}},
    {.name = "grep", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_LINES, .out = WR_PLAN_LINES, .work = WR_PLAN_CPU, .build = wr_plan_build_grep,
     .help = "The lines that contain a text (bytes, not a pattern).",
     .example = "gen 1..20 | grep \"7\"",
     .args = {{.name = "TEXT", .type = WR_PLAN_STRING, .required = true,
               .help = "\"...\", `...` or a bare word"}}},
    {.name = "lines", .kind = WEIR_PLAN_STAGE,
     .in = WR_PLAN_LINES, .out = WR_PLAN_LINES, .work = WR_PLAN_PURE, .build = wr_plan_build_lines,
     .help = "Passes lines on; its arguments set the limit of the source before it.",
     .example = "./access.log | lines max=64KiB on-long=cut",
     .args = {{.name = "max", .form = WR_PLAN_NAMED, .type = WR_PLAN_SIZE, .min = 1,
               .preset = "1MiB",
               .help = "bytes of a line, without its line end"},
              {.name = "on-long", .form = WR_PLAN_NAMED, .type = WR_PLAN_CHOICE,
               .choices = long_choices,
               .preset = "skip", .help = "what to do with a longer one"}}},

    {.name = "stdout", .kind = WEIR_PLAN_SINK,
     .in = WR_PLAN_ANY, .out = WR_PLAN_NOTHING, .work = WR_PLAN_IO, .build = wr_plan_build_stdout,
     .help = "To standard output, byte for byte; the same as no sink.",
     .misplaced = "to read standard input write stdin, or leave the source out",
     .example = "gen 1..3 | stdout"},
    {.name = "file", .kind = WEIR_PLAN_SINK,
     .in = WR_PLAN_ANY, .out = WR_PLAN_NOTHING, .work = WR_PLAN_IO, .build = wr_plan_build_to_file,
     .help = "To a file, appended; with a state it is cut to what was saved, so that nothing is "
             "written twice.",
     .misplaced = "to read a file write its path alone, in the first place",
     .example = "gen 1..3 | file ./out.txt",
     .args = {{.name = "PATH", .type = WR_PLAN_PATH, .required = true,
               .help = "made if it is not there"}}},
    {.name = "tcp", .kind = WEIR_PLAN_SINK,
     .in = WR_PLAN_ANY, .out = WR_PLAN_NOTHING, .work = WR_PLAN_IO, .build = wr_plan_build_to_tcp,
     .help = "To a TCP server.",
     .misplaced = "to read from there write tcp://HOST:PORT in the first place",
     .example = "gen 1..3 | tcp 127.0.0.1:9000",
     .args = {{.name = "ADDRESS", .type = WR_PLAN_ADDRESS, .required = true,
               .help = "HOST:PORT or tcp://HOST:PORT"}}},
    {.name = "unix", .kind = WEIR_PLAN_SINK,
     .in = WR_PLAN_ANY, .out = WR_PLAN_NOTHING, .work = WR_PLAN_IO, .build = wr_plan_build_to_unix,
     .help = "To a server on a local socket.",
     .misplaced = "to read from there write unix:PATH in the first place",
     .example = "gen 1..3 | unix /run/out.sock",
     .args = {{.name = "PATH", .type = WR_PLAN_SOCKET, .required = true,
               .help = "of the socket, or unix:PATH"}}},
    {.name = "null", .kind = WEIR_PLAN_SINK,
     .in = WR_PLAN_ANY, .out = WR_PLAN_NOTHING, .work = WR_PLAN_PURE, .build = wr_plan_build_null,
     .help = "Takes and forgets.",
     .example = "gen 1..10 | null"},
    {.name = NULL},
};
/* clang-format on */

#define HINT_GREP "to filter lines by their text: grep \"text\""
#define HINT_RAW "lines pass as they are: leave it out, or filter them with grep \"text\""
#define HINT_SHELL "in the shell: weir '...' | COMMAND"
#define HINT_BEFORE "in the shell: COMMAND | weir '...'"

/* Names of the language that are not here, and what comes nearest. NULL: nothing does. */
static const struct planned {
    const char *name, *hint;
} planned[] = {
    {"where", HINT_GREP},
    {"select", HINT_GREP},
    {"regex", HINT_GREP},
    {"uniq", "in the shell: weir '...' | uniq"},
    {"json", HINT_RAW},
    {"sse", "its lines pass as they are: grep \"data:\""},
    {"csv", HINT_RAW},
    {"logfmt", HINT_RAW},
    {"syslog", HINT_RAW},
    {"auto", HINT_RAW},
    {"ndjson", HINT_RAW},
    {"frame", NULL},
    {"text", HINT_RAW},
    {"map", HINT_RAW},
    {"fields", HINT_RAW},
    {"set", HINT_RAW},
    {"del", HINT_RAW},
    {"rename", HINT_RAW},
    {"flatten", NULL},
    {"explode", NULL},
    {"schema", NULL},
    {"seq", NULL},
    {"jq", "in the shell: weir '...' | jq PROGRAM"},
    {"exec", HINT_SHELL},
    {"sort", "in the shell: weir '...' | sort"},
    {"count", "in the shell: weir '...' | wc -l"},
    {"sum", HINT_SHELL},
    {"avg", HINT_SHELL},
    {"min", HINT_SHELL},
    {"max", HINT_SHELL},
    {"last", "in the shell: weir '...' | tail -n N"},
    {"until", "to stop after N items: head N"},
    {"limit", "to stop after N items: head N"},
    {"for", "to stop after N items: head N"},
    {"rechunk", "to group items: batch N SIZE"},
    {"unbatch", "leave batch out"},
    {"window", "to group items: batch N within TIME"},
    {"throttle", NULL},
    {"sample", NULL},
    {"delay", NULL},
    {"keepalive", NULL},
    {"timeout", NULL},
    {"prefetch", "write queue N"},
    {"latest", "write queue full=latest"},
    {"merge", "run one weir for each source"},
    {"concat", "give the files as arguments: weir '...' FILE FILE"},
    {"zip", NULL},
    {"tee", "in the shell: weir '...' | tee FILE"},
    {"route", NULL},
    {"par", "to read ahead: queue N"},
    {"gzip", "in the shell: weir '...' | gzip"},
    {"zstd", "in the shell: weir '...' | zstd"},
    {"gunzip", "in the shell: zcat FILE | weir '...'"},
    {"unzstd", "in the shell: zstdcat FILE | weir '...'"},
    {"tail", "in the shell: tail -F FILE | weir '...'"},
    {"tick", "for numbers: gen 1.."},
    {"replay", NULL},
    {"listen", NULL},
    {"download", NULL},
    {"pg", HINT_BEFORE},
    {"postgres", HINT_SHELL},
    {"kafka", HINT_BEFORE},
    {"nats", HINT_BEFORE},
    {"redis", HINT_BEFORE},
    {"sqlite", NULL},
    {"ws", HINT_BEFORE},
    {"udp", "there are tcp ADDRESS and unix PATH"},
    {"post", "there are file PATH, tcp ADDRESS and unix PATH"},
    {"dead", "there is file PATH"},
    {"serve", NULL},
    {"meter", NULL},
    {"log", NULL},
    {"assert", NULL},
    {"tap", NULL},
};
#define PLANNED_COUNT (sizeof planned / sizeof planned[0])

static const char *const planned_schemes[] = {"ws",    "wss",  "udp",   "tls",
                                              "kafka", "nats", "redis", "postgresql"};
static const char *const schemes[] = {"http", "https", "tcp", "unix"};

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

const struct wr_plan_word *wr_plan_word_find(const char *name, size_t len)
{
    for (const struct wr_plan_word *word = wr_plan_words; word->name != NULL; word++) {
        if (word->shape == NULL && same(word->name, name, len)) {
            return word;
        }
    }
    return NULL;
}

const struct wr_plan_word *wr_plan_source_find(const char *name)
{
    const struct wr_plan_word *word = wr_plan_words;
    while (strcmp(word->name, name) != 0) {
        word++;
    }
    return word;
}

static const struct planned *planned_find(const char *name, size_t len)
{
    for (size_t i = 0; i < PLANNED_COUNT; i++) {
        if (same(planned[i].name, name, len)) {
            return &planned[i];
        }
    }
    return NULL;
}

bool wr_plan_is_planned(const char *name, size_t len)
{
    return planned_find(name, len) != NULL;
}

/* The names of one kind, for a hint. */
static void list_names(char *to, size_t cap, int kind)
{
    struct wr_plan_out out;
    wr_plan_out_init(&out, to, cap);
    for (const struct wr_plan_word *word = wr_plan_words; word->name != NULL; word++) {
        if (word->kind == kind) {
            wr_plan_out_print(&out, "%s%s", out.len > 0 ? " " : "", word->name);
        }
    }
}

int wr_plan_word_missing(struct wr_plan_error *error, const char *text, struct wr_plan_span name)
{
    const struct planned *known = planned_find(text + name.at, name.len);
    struct wr_plan_guess guess;
    char stages[160];
    char sinks[160];
    int shown = (int)(name.len < 60 ? name.len : 60);
    list_names(stages, sizeof stages, WEIR_PLAN_STAGE);
    list_names(sinks, sizeof sinks, WEIR_PLAN_SINK);
    if (known != NULL) {
        (void)wr_plan_fail(error, name, "'%s' is not in this version", known->name);
        return known->hint != NULL ? wr_plan_hint(error, "%s", known->hint)
                                   : wr_plan_hint(error, "stages: %s; sinks: %s", stages, sinks);
    }
    (void)wr_plan_fail(error, name, "unknown stage '%.*s'", shown, text + name.at);
    wr_plan_guess_init(&guess, text + name.at, name.len);
    for (const struct wr_plan_word *word = wr_plan_words; word->name != NULL; word++) {
        if (word->shape == NULL) {
            wr_plan_guess_offer(&guess, word->name);
        }
    }
    for (size_t i = 0; i < PLANNED_COUNT; i++) {
        wr_plan_guess_offer(&guess, planned[i].name);
    }
    if (guess.best == NULL) {
        return wr_plan_hint(error, "stages: %s; sinks: %s", stages, sinks);
    }
    known = planned_find(guess.best, strlen(guess.best));
    if (known == NULL) {
        return wr_plan_hint(error, "did you mean '%s'?", guess.best);
    }
    return wr_plan_hint(error, "did you mean '%s'? It is not in this version%s%s", known->name,
                        known->hint != NULL ? "; " : "", known->hint != NULL ? known->hint : "");
}

int wr_plan_scheme_missing(struct wr_plan_error *error, const char *text,
                           struct wr_plan_span scheme)
{
    struct wr_plan_guess guess;
    int shown = (int)(scheme.len < 30 ? scheme.len : 30);
    wr_plan_guess_init(&guess, text + scheme.at, scheme.len);
    for (size_t i = 0; i < sizeof planned_schemes / sizeof planned_schemes[0]; i++) {
        if (same(planned_schemes[i], text + scheme.at, scheme.len)) {
            (void)wr_plan_fail(error, scheme, "%s:// is not in this version", planned_schemes[i]);
            return wr_plan_hint(error, "there are http:// https:// tcp:// unix:");
        }
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        wr_plan_guess_offer(&guess, schemes[i]);
    }
    (void)wr_plan_fail(error, scheme, "unknown kind of address '%.*s://'", shown, text + scheme.at);
    return guess.best != NULL ? wr_plan_hint(error, "did you mean '%s'?", guess.best)
                              : wr_plan_hint(error, "there are http:// https:// tcp:// unix:");
}

const char *wr_plan_type_text(enum wr_plan_type type)
{
    static const char *const texts[] = {"count", "size",    "time", "range", "text",
                                        "path",  "address", "path", "word"};
    return texts[type];
}

const char *weir_word_name(size_t index, int *kind)
{
    if (index >= sizeof wr_plan_words / sizeof wr_plan_words[0] - 1) {
        return NULL;
    }
    if (kind != NULL) {
        *kind = wr_plan_words[index].kind;
    }
    return wr_plan_words[index].name;
}

/* How the arguments are written, after the name. */
static void print_usage(struct wr_plan_out *out, const struct wr_plan_word *word)
{
    if (word->shape != NULL) {
        wr_plan_out_print(out, "%s", word->shape);
        return;
    }
    wr_plan_out_print(out, "%s", word->name);
    for (const struct wr_plan_arg *arg = word->args; arg->name != NULL; arg++) {
        wr_plan_out_print(out, arg->required ? " " : " [");
        if (arg->form == WR_PLAN_KEYWORD) {
            wr_plan_out_print(out, "%s ", arg->name);
        } else if (arg->form == WR_PLAN_NAMED) {
            wr_plan_out_print(out, "%s=", arg->name);
        }
        for (size_t i = 0; arg->type == WR_PLAN_CHOICE && arg->choices[i] != NULL; i++) {
            wr_plan_out_print(out, "%s%s", i > 0 ? "|" : "", arg->choices[i]);
        }
        if (arg->form == WR_PLAN_POSITIONAL) {
            wr_plan_out_print(out, "%s", arg->name);
        } else if (arg->type != WR_PLAN_CHOICE) {
            wr_plan_out_print(out, "%s", arg->type == WR_PLAN_TIME ? "TIME" : "SIZE");
        }
        wr_plan_out_print(out, arg->required ? "" : "]");
    }
}

size_t weir_word_help(size_t index, char *to, size_t cap)
{
    static const char *const kinds[] = {"source", "stage", "sink"};
    static const char *const items[] = {"nothing", "lines", "batches", "any items"};
    static const char *const works[] = {"", ", uses the processor", ", does input or output"};
    struct wr_plan_out out;
    wr_plan_out_init(&out, to, cap);
    if (weir_word_name(index, NULL) == NULL) {
        return 0;
    }
    const struct wr_plan_word *word = &wr_plan_words[index];
    print_usage(&out, word);
    wr_plan_out_print(&out, "\n  %s\n  %s", word->help, kinds[word->kind]);
    if (word->kind != WEIR_PLAN_SOURCE) {
        wr_plan_out_print(&out, ", takes %s", items[word->in]);
    }
    if (word->kind != WEIR_PLAN_SINK) {
        wr_plan_out_print(&out, ", gives %s",
                          word->out == WR_PLAN_ANY ? "the same" : items[word->out]);
    }
    wr_plan_out_print(&out, "%s\n", works[word->work]);
    for (const struct wr_plan_arg *arg = word->args; arg->name != NULL; arg++) {
        wr_plan_out_print(&out, "  %-8s %s: %s", arg->name, wr_plan_type_text(arg->type),
                          arg->help);
        wr_plan_out_print(&out, arg->preset != NULL ? " (default %s)\n" : "%s\n",
                          arg->preset != NULL ? arg->preset : "");
    }
    wr_plan_out_print(&out, "  example  weir '%s'\n", word->example);
    return out.len;
}
