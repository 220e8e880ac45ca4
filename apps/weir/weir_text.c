/*
 * weir_text.c - the pipeline's text in the command line or a file, read into a plan, with messages
 * that say what to type instead; and the flags as options for opening it. Nothing is opened.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir_run.h"

/* The text of -f FILE; NULL after a message. */
static char *read_file(struct say *say, const char *path)
{
    const size_t room = (1 << 20) + 1; /* one more than a text may have, so that it is refused */
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = malloc(room + 1);
    size_t n = file != NULL && text != NULL ? fread(text, 1, room, file) : 0;
    const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
    if (file == NULL || text == NULL || ferror(file)) {
        say_wrong(say, "cannot read the pipeline file '%s'%s", path,
                  strchr(path, '%') != NULL ? "; for kcat's -f write --format" : "");
        free(text);
        text = NULL;
    } else if (nul != NULL) {
        say_wrong(say, "the pipeline file '%s' has a NUL byte, at byte %zu", path,
                  (size_t)(nul - text));
        free(text);
        text = NULL;
    } else {
        text[n] = '\0';
    }
    if (file != NULL && file != stdin) {
        fclose(file);
    }
    return text;
}

/* Report words that are not files: an address if the text has no source, any word if it has one. */
static int check_files(const struct flags *flags, struct say *say, const weir_plan *plan)
{
    bool has_source = weir_plan_has_source(plan);
    for (size_t i = 0; i < flags->files_count; i++) {
        char word[256];
        snprintf(word, sizeof word, "%s", flags->files[i]);
        weir_hide_secrets(word);
        bool whole = weir_plan_part(plan, 1) == NULL && flags->files_count == 1 &&
                     access(flags->files[i], F_OK) < 0 && strstr(word, "://") == NULL;
        if (has_source && whole) {
            say_wrong(say, "'%s' is not a file; quote the pipeline as one text:  weir '%s | %s'",
                      word, weir_plan_text(plan), word);
            return EXIT_USAGE;
        }
        if (has_source) {
            say_wrong(say,
                      "the pipeline has a source, so '%s' cannot be its input; quote the pipeline "
                      "as one text:  weir 'SOURCE | STAGE | SINK'",
                      word);
            return EXIT_USAGE;
        }
        if (strstr(word, "://") != NULL && access(flags->files[i], F_OK) < 0) {
            say_wrong(say,
                      "'%s' is not a file; write an address as the first part of the text:  weir "
                      "'ADDRESS | %s'",
                      word, weir_plan_text(plan));
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* The characters in names of components. */
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* Whether an unknown component is a planned one, of `len` bytes, or an expression (len 0), which no
 * component takes. */
static bool is_planned(const char *text, const weir_error *error, size_t *len, const char **hint)
{
    if (error->detail != WEIR_PLAN_UNKNOWN && error->detail != WEIR_PLAN_EXPRESSION) {
        return false;
    }
    const char *name = text + (size_t)error->offset;
    *len = strspn(name, NAME_BYTES);
    return (*len > 0 || error->detail == WEIR_PLAN_EXPRESSION) && planned_stage(name, *len, hint);
}

/* If the text begins with the bare name of an existing file: say how to write its path. */
static void tell_file(struct say *say, const char *text, const weir_error *error)
{
    size_t at = strspn(text, " \t\n"), len = strcspn(text + at, " \t\n|");
    char name[256] = "";
    if (error->detail == WEIR_PLAN_UNKNOWN && (size_t)error->offset == at && len < sizeof name) {
        memcpy(name, text + at, len);
        bool more = text[at + len] != '\0';
        if (access(name, F_OK) == 0) {
            say_wrong(say, "to read the file with that name:  weir %s./%s%s", more ? "'" : "", name,
                      more ? " ...'" : "");
        }
    }
}

unsigned text_upon(const struct flags *flags, const weir_plan *plan)
{
    const weir_component *part;
    unsigned has = (weir_plan_rejects(plan) ? UPON_REJECTS : 0u) |
                   (weir_plan_takes_pieces(plan) ? 0u : UPON_LIMIT);
    if (weir_plan_writes_stdout(plan)) {
        bool json = (weir_plan_output(plan) & (WEIR_SHAPE_JSON | WEIR_SHAPE_MESSAGE)) != 0;
        has |= UPON_STDOUT | (json ? UPON_JSON : 0u);
    }
    if (flags->files_count > 0 && !weir_plan_has_source(plan)) {
        has |= UPON_POSITION;
    }
    for (size_t i = 0; (part = weir_plan_part(plan, i)) != NULL; i++) {
        bool source = part->kind == WEIR_KIND_SOURCE;
        for (size_t j = 0; j < part->args_count; j++) {
            if (part->args[j].type == WEIR_ARGTYPE_URL) {
                has |= UPON_URL | (source ? UPON_URL_SOURCE : 0u);
            }
        }
        if ((part->traits & WEIR_TRAIT_CONNECTS) != 0) {
            has |= UPON_PEER | (source ? UPON_PEER_SOURCE : 0u);
        }
        has |= source && (weir_plan_part_traits(plan, i) & WEIR_TRAIT_RESUMES) != 0 ? UPON_POSITION
                                                                                    : 0u;
        has |= (part->traits & WEIR_TRAIT_TLS) != 0 ? UPON_TLS : 0u;
    }
    return has;
}

weir_text_options text_given(const struct flags *flags)
{
    return (weir_text_options){.struct_size = sizeof(weir_text_options),
                               .name = flags->text_file,
                               .variables = flags->variables,
                               .variables_count = flags->variables_count,
                               .files = flags->files,
                               .files_count = flags->files_count};
}

char *text_of(const struct flags *flags, struct say *say)
{
    char *text = flags->text_file != NULL ? read_file(say, flags->text_file) : strdup(flags->text);
    if (text == NULL && flags->text_file == NULL) {
        say_wrong(say, "out of memory");
    }
    return text;
}

/* Show one mistake of the text, in its full form. */
static void show_mistake(struct say *say, const char *text, const weir_error *error, char *shown)
{
    const char *hint;
    size_t len;
    bool planned = is_planned(text, error, &len, &hint);
    char *carets = planned ? strrchr(shown, '^') : NULL;
    if (carets != NULL) {
        carets[1] = '\0'; /* a similar name would mislead */
    }
    say_shown(say, shown);
    if (planned) {
        say_wrong(say, "%.*s%s not in this version%s%s", len > 0 ? (int)len : 11,
                  len > 0 ? text + (size_t)error->offset : "expressions", len > 0 ? " is" : " are",
                  hint != NULL ? ": " : "", hint != NULL ? hint : "");
    }
}

void text_mistake(const struct flags *flags, struct say *say, const char *text,
                  const weir_error *error)
{
    char shown[4096];
    weir_error mistake;
    weir_text_options options = text_given(flags);
    size_t i = 0;
    for (; weir_plan_mistake_at(text, &options, i, &mistake, shown, sizeof shown) > 0; i++) {
        show_mistake(say, text, &mistake, shown);
    }
    if (i == 0) {
        say_error(say, error, NULL);
    }
    if (error->code == WEIR_ENOMEM || flags->text_file != NULL) {
        return;
    }
    size_t begin = strspn(text, " \t\r\n");
    if (error->offset == (int64_t)begin && text[begin] == '@') {
        say_wrong(say, "to read a pipeline file:  weir -f FILE;  otherwise use the flags "
                       "--state, --name and --mem");
    }
    tell_file(say, text, error);
    if (flags->files_count > 0 && access(flags->files[0], F_OK) < 0) {
        say_wrong(say,
                  "quote the pipeline as one text:  weir 'SOURCE | STAGE | SINK'  (these are "
                  "%zu words)",
                  flags->files_count + 1);
    }
}

/* Report the warnings of a plan, and what does not go with the flags. */
static int check_flags(const struct flags *flags, struct say *say, const weir_plan *plan)
{
    int code = check_files(flags, say, plan);
    unsigned has = text_upon(flags, plan) | (flags->envelope ? (unsigned)UPON_JSON : 0u);
    const char *why, *vain = code == 0 ? flags_vain(flags, has, &why) : NULL;
    if (vain != NULL) {
        say_wrong(say, "--%s has no effect: %s", vain, why);
        code = EXIT_USAGE;
    }
    for (size_t i = 0; code == 0 && i < flags->variables_count; i++) {
        const weir_variable *value = &flags->variables[i];
        if (!weir_plan_reads_variable(plan, value->name)) {
            const char *flag = value->secret ? "env" : value->json ? "argjson" : "arg";
            say_wrong(say, "--%s %s has no effect: no expression of this pipeline reads $%s%s",
                      flag, value->name, value->name,
                      value->secret && flags->headers_count > 0
                          ? "; a header is not one: -H \"NAME: $VARIABLE\", hidden from others"
                          : "");
            code = EXIT_USAGE;
        }
    }
    for (size_t i = 0; code == 0 && weir_plan_warning(plan, i) != NULL && !say->quiet; i++) {
        say_line(say, "%s", weir_plan_warning(plan, i));
    }
    return code;
}

int text_plan(const struct flags *flags, struct say *say, weir_plan **plan)
{
    weir_error error;
    char *text = text_of(flags, say);
    if (text == NULL) {
        return EXIT_USAGE;
    }
    weir_text_options options = text_given(flags);
    *plan = weir_plan_read(text, &options, &error);
    if (*plan == NULL) {
        text_mistake(flags, say, text, &error);
    }
    free(text);
    return *plan != NULL               ? check_flags(flags, say, *plan)
           : error.code == WEIR_ENOMEM ? EXIT_FAILED
                                       : EXIT_USAGE;
}

weir_plan_options text_options(const struct flags *flags, weir_http_options *http)
{
    *http = (weir_http_options){.struct_size = sizeof *http,
                                .headers = flags->headers,
                                .headers_count = flags->headers_count,
                                .ca_file = flags->ca_file,
                                .tls = flags->insecure ? WEIR_TLS_TRUST_ANYBODY : WEIR_TLS_VERIFY,
                                .retries = flags->retries,
                                .connect_ms = flags->connect_ms,
                                .ca_folder = flags->ca_folder,
                                .unix_socket = flags->unix_socket,
                                .cert_file = flags->cert_file,
                                .key_file = flags->key_file,
                                .first_byte_ms = flags->idle_ms,
                                .idle_ms = flags->idle_ms,
                                .follow = flags->follow,
                                .raw = flags->raw,
                                .retry_after_max_ms = flags->retry_after_max_ms};
    return (weir_plan_options){.struct_size = sizeof(weir_plan_options),
                               .files = flags->files,
                               .files_count = flags->files_count,
                               .http = http,
                               .user = flags->user,
                               .stdin_fd = 0,
                               .stdout_fd = 1,
                               .strict = flags->strict,
                               .durable = flags->durable,
                               .begin = flags->begin.kind != 0 ? &flags->begin : NULL,
                               .to_end = flags->to_end,
                               .dead = flags->dead_file};
}

int text_refused(struct say *say, const weir_error *error)
{
    bool dead = error->code == WEIR_EINVAL && error->detail == WEIR_PLAN_NO_DEAD;
    say_error(say, error, dead ? "--dead FILE names it" : NULL);
    return EXIT_USAGE;
}
