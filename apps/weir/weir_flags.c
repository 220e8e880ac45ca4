/*
 * weir_flags.c - reads the command line.
 *
 * One table has every flag: its letter, its argument and its line of help. Parsing, did-you-mean,
 * help, completion and the manual page all use it. If a letter differs between curl and jq, curl's meaning is used.
 * The message for a refused flag says what to type instead. weir_words.c reads the words that are
 * not flags.
 */
#include "weir_flags_values.h"
#include "weir_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

enum flag_id {
    FLAG_FILE,
    FLAG_COUNT,
    FLAG_FOR,
    FLAG_MAX_TIME,
    FLAG_HEADER,
    FLAG_USER,
    FLAG_INSECURE,
    FLAG_STRICT,
    FLAG_DEAD,
    FLAG_RAW_STRINGS,
    FLAG_PRETTY,
    FLAG_ENVELOPE,
    FLAG_FORMAT,
    FLAG_QUIET,
    FLAG_VERBOSE,
    FLAG_CACERT,
    FLAG_CERT,
    FLAG_KEY,
    FLAG_CONNECT,
    FLAG_IDLE,
    FLAG_RETRY,
    FLAG_RETRY_AFTER,
    FLAG_FOLLOW,
    FLAG_RAW,
    FLAG_UNIX_SOCKET,
    FLAG_ARG,
    FLAG_ARGJSON,
    FLAG_ENV,
    FLAG_MEM,
    FLAG_DRAIN,
    FLAG_STATE,
    FLAG_NAME,
    FLAG_STATE_REQUIRED,
    FLAG_DURABLE,
    FLAG_FROM,
    FLAG_END,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_NO_BUFFER,
    FLAG_SLURP,
    FLAG_TORTURE,
    FLAG_LOG,
    FLAG_SYSLOG,
    FLAG_LINES,
    FLAG_RATE,
    FLAG_SEED,
    FLAG_VIRTUAL_CLOCK,
    FLAG_OUTPUT,
    FLAG_JSON_LOG,
    FLAG_SHATTER
};

struct flag {
    enum flag_id id;
    char letter;
    const char *name;
    const char *argument; /* NULL: none; "NAME VALUE": two words */
    const char *help;     /* NULL: not shown */
};

static const struct flag table[] = {
    {FLAG_FILE, 'f', "file", "FILE", "read the pipeline from a file"},
    {FLAG_COUNT, 'c', "count", "N", "stop after N items"},
    {FLAG_FOR, 0, "for", "TIME", "stop after TIME; pending items are still delivered"},
    {FLAG_MAX_TIME, 'm', "max-time", "TIME",
     "give up the whole run after TIME, with exit status 124"},
    {FLAG_ARG, 0, "arg", "NAME VALUE", "$NAME in expressions is the string VALUE"},
    {FLAG_ARGJSON, 0, "argjson", "NAME JSON", "$NAME in expressions is this JSON value"},
    {FLAG_ENV, 0, "env", "NAME,...",
     "$NAME in expressions is the environment variable NAME, for secrets"},
    {FLAG_HEADER, 'H', "header", "'NAME: VALUE'",
     "add a request header; @FILE reads lines from a file"},
    {FLAG_USER, 'u', "user", "NAME:PASSWORD", "basic authentication; @FILE reads it from a file"},
    {FLAG_INSECURE, 'k', "insecure", NULL, "trust any TLS certificate"},
    {FLAG_CACERT, 0, "cacert", "FILE", "trust the certificates in FILE"},
    {FLAG_CERT, 0, "cert", "FILE", "the client certificate to send if the server asks for one"},
    {FLAG_KEY, 0, "key", "FILE", "its private key (the file of --cert)"},
    {FLAG_CONNECT, 0, "connect-timeout", "TIME", "give up a connection attempt after TIME (10s)"},
    {FLAG_IDLE, 0, "idle", "TIME",
     "reconnect after TIME of silence (60s where the source resumes or is sse, else 'none')"},
    {FLAG_RETRY, 0, "retry", "N",
     "consecutive attempts without a new item (5; 'inf' with --follow and sse; 0 for sockets)"},
    {FLAG_RETRY_AFTER, 0, "retry-after-max", "TIME", "longest Retry-After that is obeyed (1h)"},
    {FLAG_FOLLOW, 0, "follow", NULL,
     "request or connect again after a break or an end, without limit, as sse does"},
    {FLAG_RAW, 0, "raw", NULL, "do not decode bodies (gzip ...)"},
    {FLAG_UNIX_SOCKET, 0, "unix-socket", "PATH", "connect to the URL's host through a Unix socket"},
    {FLAG_MEM, 0, "mem", "SIZE", "byte budget for all buffers, at least 128KiB (64MiB)"},
    {FLAG_DRAIN, 0, "drain", "TIME", "time to finish after Ctrl-C or SIGTERM (10s)"},
    {FLAG_STATE, 0, "state", "DIR",
     "keep positions in DIR: a killed run continues where it stopped"},
    {FLAG_NAME, 0, "name", "NAME",
     "name of the record in DIR (default: a hash of the pipeline's text)"},
    {FLAG_STATE_REQUIRED, 0, "state-required", NULL, "fail if delivery would be best-effort"},
    {FLAG_DURABLE, 0, "durable", NULL,
     "with --state: the output, too, is on the disk before a position is saved, for power cuts"},
    {FLAG_FROM, 0, "from", "PLACE",
     "where a first run begins: beginning, end, id:ID, off:BYTES or @TIME; stored: only in "
     "--state"},
    {FLAG_END, 0, "end", NULL, "stop at the end of what exists, and do not follow it"},
    {FLAG_STRICT, 0, "strict", NULL, "fail at the first item that would be rejected"},
    {FLAG_DEAD, 0, "dead", "FILE", "append rejected items to FILE, one JSON object a line"},
    {FLAG_RAW_STRINGS, 'r', "raw-output", NULL, "write JSON strings without quotes and escapes"},
    {FLAG_PRETTY, 0, "pretty", NULL, "write JSON in several lines, indented"},
    {FLAG_ENVELOPE, 'J', "envelope", NULL,
     "write each item as a JSON object with its origin, number, position, time, key and body"},
    {FLAG_FORMAT, 0, "format", "FORMAT",
     "write each item by a format: %s text, %k key, %i id, %h fields, %t origin, %n number, "
     "%o position (with --state), %T ms since 1970, %S and %K bytes; \\n for a line end"},
    {FLAG_QUIET, 'q', "quiet", NULL, "report only errors and the number of rejected items"},
    {FLAG_VERBOSE, 'v', "verbose", NULL,
     "report more, and at the end what each component did; -vv: also calls, redirects and repeats"},
    {FLAG_JSON_LOG, 0, "json-log", NULL,
     "write what is reported to stderr as one JSON object a line, at the end the counts"},
    {FLAG_OUTPUT, 'o', "output", "FILE", "of record: the recording"},
    {FLAG_SHATTER, 0, "shatter", "FILE",
     "of check: run the pipeline over this recording or file, cut at other places; it must give "
     "the "
     "same"},
    {FLAG_HELP, 'h', "help", NULL,
     "this text; 'weir help WORD' explains a source, stage, sink, flag or subcommand"},
    {FLAG_VERSION, 'V', "version", NULL, "versions of weir and its libraries"},
    {FLAG_NO_BUFFER, 'N', "no-buffer", NULL, NULL},
    {FLAG_SLURP, 's', "slurp", NULL, NULL},
    {FLAG_TORTURE, 0, "torture", NULL, NULL},
    {FLAG_LOG, 0, "log", "FILE", NULL},
    {FLAG_SYSLOG, 0, "syslog", "HOST:PORT", NULL},
    {FLAG_LINES, 0, "lines", "N", NULL},
    {FLAG_RATE, 0, "rate", "N", NULL},
    {FLAG_SEED, 0, "seed", "N", NULL},
    {FLAG_VIRTUAL_CLOCK, 0, "virtual-clock", NULL, NULL},
};
enum { FLAGS = sizeof table / sizeof table[0] };

bool flags_at(size_t index, struct flag_help *to)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (table[i].help != NULL && index-- == 0) {
            *to = (struct flag_help){table[i].letter, table[i].name, table[i].argument,
                                     table[i].help};
            return true;
        }
    }
    return false;
}

static bool complains_in_json;

int flags_complain(const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (complains_in_json) {
        json_say(3, NULL, text, 0);
    } else {
        fprintf(stderr, "weir: %s\n", text);
    }
    return EXIT_USAGE;
}

/* The flags that do not affect every pipeline, and what they affect. */
static const struct {
    enum flag_id id;
    unsigned upon;       /* enum flags_upon: any of these */
    const char *missing; /* the message if there are none */
} acts[] = {
    {FLAG_HEADER, UPON_URL, "no part of this pipeline takes a URL"},
    {FLAG_USER, UPON_URL, "no part of this pipeline takes a URL"},
    {FLAG_INSECURE, UPON_TLS, "no part of this pipeline uses TLS"},
    {FLAG_CACERT, UPON_TLS, "no part of this pipeline uses TLS"},
    {FLAG_CERT, UPON_URL, "no part of this pipeline takes a URL; for tls write cert=FILE"},
    {FLAG_KEY, UPON_URL, "no part of this pipeline takes a URL; for tls write key=FILE"},
    {FLAG_CONNECT, UPON_PEER, "no part of this pipeline connects"},
    {FLAG_IDLE, UPON_PEER_SOURCE, "no source of this pipeline connects"},
    {FLAG_RETRY, UPON_URL | UPON_PEER_SOURCE,
     "no part of this pipeline takes a URL, and no source connects"},
    {FLAG_RETRY_AFTER, UPON_URL, "no part of this pipeline takes a URL"},
    {FLAG_FOLLOW, UPON_PEER_SOURCE,
     "no source of this pipeline connects; for a file: weir 'tail FILE | ...'"},
    {FLAG_RAW, UPON_URL_SOURCE, "no source of this pipeline has a URL"},
    {FLAG_UNIX_SOCKET, UPON_URL, "no part of this pipeline takes a URL"},
    {FLAG_RAW_STRINGS, UPON_STDOUT, "this pipeline does not write to standard output"},
    {FLAG_RAW_STRINGS, UPON_JSON, "its output is not JSON; to read lines as JSON: | json"},
    {FLAG_PRETTY, UPON_STDOUT, "this pipeline does not write to standard output"},
    {FLAG_PRETTY, UPON_JSON, "its output is not JSON; to read lines as JSON: | json"},
    {FLAG_ENVELOPE, UPON_STDOUT, "this pipeline does not write to standard output"},
    {FLAG_FORMAT, UPON_STDOUT, "this pipeline does not write to standard output"},
    {FLAG_DURABLE, UPON_POSITION, "no source of this pipeline has a position that could be saved"},
    {FLAG_STRICT, UPON_REJECTS | UPON_LIMIT, "nothing in this pipeline rejects items"},
    {FLAG_DEAD, UPON_REJECTS,
     "no component of this pipeline rejects items (lines over the limit are not kept)"},
};

const char *flags_vain(const struct flags *flags, unsigned has, const char **why)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if ((flags->given >> acts[i].id & 1) == 0 || (acts[i].upon & has) != 0) {
            continue;
        }
        *why = acts[i].missing;
        for (size_t k = 0; k < FLAGS; k++) {
            if (table[k].id == acts[i].id) {
                return table[k].name;
            }
        }
    }
    return NULL;
}

static int not_in_this_version(const char *dashes, const char *name, const char *hint)
{
    return flags_complain("%s%s: not in this version%s%s", dashes, name, hint != NULL ? "; " : "",
                          hint != NULL ? hint : "");
}

static int unknown_flag(const char *name)
{
    const char *hint;
    if (planned_flag(name, 0, &hint)) {
        return not_in_this_version("--", name, hint);
    }
    const char *names[FLAGS];
    for (size_t i = 0; i < FLAGS; i++) {
        names[i] = table[i].help != NULL ? table[i].name : NULL;
    }
    const char *nearest = weir_nearest(name, names, FLAGS);
    if (nearest != NULL) {
        return flags_complain("unknown flag '--%s' (did you mean '--%s'?)", name, nearest);
    }
    return flags_complain("unknown flag '--%s'; 'weir --help' lists them", name);
}

static int apply_sized(struct flags *flags, enum flag_id id, const char *value)
{
    int64_t number = 0;
    switch (id) {
    case FLAG_COUNT:
        return value[strspn(value, "0123456789")] == '\0'
                   ? value_number("-c", value, &flags->count)
                   : flags_complain(
                         "-c: '%s' is not a number; -c N stops after N items, and compact "
                         "output, jq's -c, is the default",
                         value);
    case FLAG_FOR: return value_time("--for", value, &flags->for_ms);
    case FLAG_MAX_TIME: /* 0: no limit, as in curl */
        return strcmp(value, "0") == 0 ? 0
                                       : value_seconds("--max-time", value, &flags->max_time_ms);
    case FLAG_CONNECT: return value_seconds("--connect-timeout", value, &flags->connect_ms);
    case FLAG_IDLE: return value_time("--idle", value, &flags->idle_ms);
    case FLAG_RETRY_AFTER:
        return value_time("--retry-after-max", value, &flags->retry_after_max_ms);
    case FLAG_DRAIN: return value_time("--drain", value, &flags->drain_ms);
    case FLAG_RETRY:
        if (strcmp(value, "inf") == 0 || strcmp(value, "∞") == 0) {
            flags->retries = INT32_MAX;
            return 0;
        }
        if (value_number("--retry", value, &number) != 0) {
            return EXIT_USAGE;
        }
        flags->retries = number == 0 ? WEIR_NONE : number > INT32_MAX ? INT32_MAX : (int32_t)number;
        return 0;
    case FLAG_LINES: return value_number("--lines", value, &flags->demo_lines);
    case FLAG_RATE: return value_number("--rate", value, &flags->demo_rate);
    case FLAG_MEM: return value_mem(value, &flags->mem_bytes);
    case FLAG_SEED:
        if (value_number("--seed", value, &number) != 0) {
            return EXIT_USAGE;
        }
        flags->seed = (uint64_t)number;
        return 0;
    default: return 0;
    }
}

/* value: "" for a flag that takes none. */
static int apply(struct flags *flags, enum flag_id id, const char *value)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (table[i].id == id && table[i].argument != NULL && value[0] == '\0') {
            return flags_complain("--%s: %s is empty", table[i].name, table[i].argument);
        }
    }
    flags->given |= UINT64_C(1) << id;
    switch (id) {
    case FLAG_FILE: flags->text_file = value; return 0;
    case FLAG_HEADER: return value_add_header(flags, value);
    case FLAG_USER:
        flags->user = value_from_file(value);
        return flags->user == NULL ? value_cannot_read("-u", value) : 0;
    case FLAG_ENV: return flags_add_environment(flags, value);
    case FLAG_FOLLOW: flags->follow = true; return 0;
    case FLAG_RAW: flags->raw = true; return 0;
    case FLAG_UNIX_SOCKET: flags->unix_socket = value; return 0;
    case FLAG_INSECURE: flags->insecure = true; return 0;
    case FLAG_STRICT: flags->strict = true; return 0;
    case FLAG_DEAD: flags->dead_file = value; return 0;
    case FLAG_RAW_STRINGS: flags->raw_strings = true; return 0;
    case FLAG_PRETTY: flags->pretty = true; return 0;
    case FLAG_ENVELOPE: flags->envelope = true; return 0;
    case FLAG_FORMAT: flags->format = value; return 0;
    case FLAG_QUIET: flags->quiet = true; return 0;
    case FLAG_VERBOSE: flags->verbose++; return 0;
    case FLAG_CACERT: flags->ca_file = value; return 0;
    case FLAG_CERT: flags->cert_file = value; return 0;
    case FLAG_KEY: flags->key_file = value; return 0;
    case FLAG_STATE: flags->state_folder = value; return 0;
    case FLAG_NAME: flags->state_name = value; return 0;
    case FLAG_STATE_REQUIRED: flags->state_required = true; return 0;
    case FLAG_DURABLE: flags->durable = true; return 0;
    case FLAG_FROM: return value_from(flags, value);
    case FLAG_END: flags->to_end = true; return 0;
    case FLAG_HELP: flags->action = ACTION_HELP; return 0;
    case FLAG_VERSION: flags->action = ACTION_VERSION; return 0;
    case FLAG_NO_BUFFER: return 0; /* accepted as in curl: weir never delays a line */
    case FLAG_SLURP:
        return flags_complain(
            "-s: weir streams, and never has all items at once; in the shell: weir '...' | jq -s "
            "'PROGRAM'; curl's -s: leave it out");
    case FLAG_JSON_LOG: flags->json = true; return 0;
    case FLAG_OUTPUT: flags->output = value; return 0;
    case FLAG_SHATTER: flags->shatter = value; return 0;
    case FLAG_TORTURE: flags->torture = true; return 0;
    case FLAG_LOG: flags->demo_log = value; return 0;
    case FLAG_SYSLOG: flags->demo_syslog = value; return 0;
    case FLAG_VIRTUAL_CLOCK: flags->virtual_clock = true; return 0;
    default: return apply_sized(flags, id, value);
    }
}

/* Apply a flag that has a value. A secret is then overwritten in argv, which everybody on the
 * machine can read. */
static int apply_value(struct flags *flags, enum flag_id id, char *value)
{
    int rc = apply(flags, id, value);
    bool secret = (id == FLAG_USER || id == FLAG_HEADER) && value[0] != '@';
    if (secret) {
        char *from = value + (id == FLAG_HEADER ? strcspn(value, ":") : 0);
        memset(from, '*', strlen(from));
    }
    return rc;
}

/* argv[*i] is "--name" or "--name=value"; advances i if the value is the next word. */
static int read_long(struct flags *flags, int argc, char **argv, int *i)
{
    char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct flag *flag = NULL;
    for (size_t k = 0; k < FLAGS && flag == NULL; k++) {
        if (strlen(table[k].name) == len && memcmp(table[k].name, name, len) == 0) {
            flag = &table[k];
        }
    }
    if (flag == NULL) {
        char unknown[64];
        snprintf(unknown, sizeof unknown, "%.*s", (int)(len < 60 ? len : 60), name);
        return unknown_flag(unknown);
    }
    char *value = equals != NULL ? equals + 1 : NULL;
    if (flag->argument == NULL) {
        return value != NULL ? flags_complain("--%s takes no value", flag->name)
                             : apply(flags, flag->id, "");
    }
    bool two = flag->id == FLAG_ARG || flag->id == FLAG_ARGJSON;
    if (two ? value != NULL || *i + 2 >= argc : value == NULL && *i + 1 >= argc) {
        return flags_complain("--%s needs %s%s", flag->name, flag->argument,
                              two ? ", two words" : "");
    }
    if (two) {
        *i += 2;
        flags->given |= UINT64_C(1) << flag->id;
        return flags_add_variable(flags, flag->id == FLAG_ARGJSON, argv[*i - 1], argv[*i]);
    }
    return apply_value(flags, flag->id, value != NULL ? value : argv[++*i]);
}

/* argv[*i] is "-abc": letters. The last one may have an argument directly after it or in the next
 * word. */
static int read_letters(struct flags *flags, int argc, char **argv, int *i)
{
    for (char *letter = argv[*i] + 1; *letter != '\0'; letter++) {
        size_t k = 0;
        while (k < FLAGS && table[k].letter != *letter) {
            k++;
        }
        const char *hint;
        if (k == FLAGS && planned_flag(NULL, *letter, &hint)) {
            const char name[2] = {*letter, '\0'};
            return not_in_this_version("-", name, hint);
        }
        if (k == FLAGS) {
            return flags_complain("unknown flag '-%c'; 'weir --help' lists them", *letter);
        }
        if (table[k].argument != NULL) {
            char *value = letter[1] != '\0' ? letter + 1 : *i + 1 < argc ? argv[++*i] : NULL;
            return value != NULL ? apply_value(flags, table[k].id, value)
                                 : flags_complain("-%c needs %s", *letter, table[k].argument);
        }
        int rc = apply(flags, table[k].id, "");
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int read_flag(struct flags *flags, int argc, char **argv, int *i)
{
    return argv[*i][1] == '-' ? read_long(flags, argc, argv, i)
                              : read_letters(flags, argc, argv, i);
}

static const char *of_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The certificates to trust if no flag names them: as in curl. */
static void trust_environment(struct flags *flags)
{
    if (flags->ca_file != NULL || flags->insecure) {
        return;
    }
    flags->ca_file = of_environment("CURL_CA_BUNDLE");
    if (flags->ca_file == NULL) {
        flags->ca_folder = of_environment("SSL_CERT_DIR");
        flags->ca_file = of_environment("SSL_CERT_FILE");
    }
}

/* Copy the pipeline's text, and hide its secrets in argv. */
static int keep_text(struct flags *flags, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i] == flags->text) {
            flags->text = strdup(argv[i]);
            weir_hide_secrets(argv[i]);
            return flags->text != NULL ? 0 : flags_complain("out of memory");
        }
    }
    return 0;
}

/* Flags of the output that exclude each other. 0, or a status. */
static int check_output(const struct flags *flags)
{
    if (flags->format != NULL && (flags->raw_strings || flags->pretty || flags->envelope)) {
        return flags_complain("--format says all of the output; leave --%s out",
                              flags->raw_strings ? "raw-output"
                              : flags->pretty    ? "pretty"
                                                 : "envelope");
    }
    return flags->envelope && flags->raw_strings
               ? flags_complain("-J writes JSON objects, so -r has no effect; leave one out")
               : 0;
}

int flags_read(int argc, char **argv, struct flags *flags)
{
    static const char *words[4096];
    size_t count = 0;
    memset(flags, 0, sizeof *flags);
    flags->count = -1;
    bool only_words = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        complains_in_json = complains_in_json || strcmp(argv[i], "--json-log") == 0;
    }
    for (int i = 1; i < argc; i++) {
        /* "-" alone and "- | head 3" are pipeline texts: standard input. --arg is a word in "help
         * --arg". */
        bool word = only_words || argv[i][0] != '-' || strchr(" \t\n|", argv[i][1]) != NULL ||
                    (count == 1 && flags_command(words[0]) == ACTION_WORD);
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!word) {
            int rc = read_flag(flags, argc, argv, &i);
            if (rc != 0) {
                return rc;
            }
        } else if (count < sizeof words / sizeof words[0]) {
            words[count++] = argv[i];
        } else {
            return flags_complain("too many files");
        }
    }
    if (flags->key_file != NULL && flags->cert_file == NULL) {
        return flags_complain("--key needs --cert FILE");
    }
    int rc = check_output(flags);
    if (rc != 0) {
        return rc;
    }
    trust_environment(flags);
    rc = flags_take_words(flags, words, count);
    const char *hint;
    if (rc == 0 && flags->output != NULL && flags->action != ACTION_RECORD &&
        planned_flag(NULL, 'o', &hint)) {
        return flags_complain("-o is a flag of record; %s", hint);
    }
    bool logs = flags->action == ACTION_RUN || flags->action == ACTION_RECORD ||
                flags->action == ACTION_CHECK;
    if (rc == 0 && flags->json && !logs) {
        return flags_complain("--json-log is for running a pipeline, record, replay and check");
    }
    if (rc == 0 && flags->shatter != NULL && flags->action != ACTION_CHECK) {
        return flags_complain("--shatter is a flag of check: weir check --shatter FILE 'PIPELINE'");
    }
    return rc == 0 ? keep_text(flags, argc, argv) : rc;
}
