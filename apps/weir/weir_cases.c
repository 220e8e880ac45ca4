/*
 * weir_cases.c - reads a file of test cases.
 *
 *     # comments may stand before the first case
 *     == only logins
 *     where .type == "login"
 *       | fields .user
 *     -- input
 *     {"type":"login","user":"bob"}
 *     -- output
 *     {"user":"bob"}
 *
 * A line that begins with "== " begins a case, and "-- WORD" one of its sections. Lines before the
 * first section are the pipeline. Lines of a section end with a line end; empty ones at its end do
 * not count. A last line "\ no line end" takes the line end of the one before it away. A backslash
 * at the start of a line that continues with "--", "==" or "\" is taken away.
 *
 * The text is changed in place: a section is moved down over the escapes. Pure memory.
 */
#include "weir_cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir_flags.h"

enum { FILE_BYTES_MAX = 16 << 20 };
#define NO_LINE_END "\\ no line end"

struct reading {
    const char *path;
    char *at; /* the next line; NULL: there is none */
    unsigned line;
    struct cases *cases;
};

static int complain(const struct reading *reading, const char *what)
{
    return flags_complain("%s:%u: %s", reading->path, reading->line, what);
}

/* The next line, terminated in place; NULL: the end. */
static char *next_line(struct reading *reading)
{
    char *line = reading->at;
    if (line == NULL || *line == '\0') {
        return NULL;
    }
    size_t len = strcspn(line, "\n");
    reading->at = line[len] == '\n' ? line + len + 1 : NULL;
    line[len] = '\0';
    reading->line++;
    return line;
}

static bool is_mark(const char *line)
{
    return strncmp(line, "== ", 3) == 0 || strncmp(line, "-- ", 3) == 0;
}

/* Read the lines up to the next mark, which is returned; NULL: the end of the file. */
static char *read_text(struct reading *reading, struct case_text *text)
{
    char *line;
    char *start = reading->at != NULL ? reading->at : "";
    size_t len = 0;
    size_t full = 0; /* up to the end of the last line that is not empty */
    while ((line = next_line(reading)) != NULL && !is_mark(line)) {
        if (strcmp(line, NO_LINE_END) == 0 && full > 0) {
            len = full = full - 1;
            continue;
        }
        if (line[0] == '\\' && (strncmp(line + 1, "--", 2) == 0 ||
                                strncmp(line + 1, "==", 2) == 0 || line[1] == '\\')) {
            line++;
        }
        size_t bytes = strlen(line);
        memmove(start + len, line, bytes);
        len += bytes;
        start[len++] = '\n';
        full = bytes > 0 ? len : full;
    }
    *text = (struct case_text){start, full};
    return line;
}

static int read_flags(struct reading *reading, struct test_case *to, char *words)
{
    char *rest;
    for (char *word = strtok_r(words, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (to->flags_count == CASE_FLAGS_MAX) {
            return complain(reading, "too many flags");
        }
        to->flags[to->flags_count++] = word;
    }
    return 0;
}

static int read_status(struct reading *reading, struct test_case *to, const char *word)
{
    char *end;
    long status = strtol(word, &end, 10);
    if (end == word || *end != '\0' || status < 0 || status > 255) {
        return complain(reading, "a status is a number from 0 to 255");
    }
    to->status = (int)status;
    return 0;
}

/* Read the section that this mark begins; *mark becomes the next one. */
static int read_section(struct reading *reading, struct test_case *to, char **mark)
{
    struct {
        const char *name;
        struct case_text *text;
    } texts[] = {{"input", &to->input}, {"output", &to->output}, {"error", &to->error}};
    char *word = *mark + 3;
    size_t len = strcspn(word, " ");
    char *rest = word + len + (word[len] == ' ' ? 1 : 0);
    struct case_text nothing = {NULL, 0};
    struct case_text *text = &nothing;
    int code = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strlen(texts[i].name) == len && memcmp(texts[i].name, word, len) == 0) {
            text = texts[i].text;
        }
    }
    if (text != &nothing) {
        code = text->data != NULL ? complain(reading, "this section is there already")
               : *rest != '\0'    ? complain(reading, "the text of this section begins in the next "
                                                         "line")
                                  : 0;
    } else if (len == 5 && memcmp(word, "flags", len) == 0) {
        code = read_flags(reading, to, rest);
    } else if (len == 6 && memcmp(word, "status", len) == 0) {
        code = read_status(reading, to, rest);
    } else if (len == 4 && memcmp(word, "seed", len) == 0 && *rest != '\0') {
        to->seed = rest;
    } else {
        code = complain(reading, "unknown section; they are: -- input, -- output, -- error, "
                                 "-- flags WORD..., -- status N and -- seed N");
    }
    unsigned line = reading->line;
    if (code == 0) {
        *mark = read_text(reading, text);
        if (text == &nothing && nothing.len > 0) {
            reading->line = line;
            code = complain(reading, "no lines follow in this section");
        }
    }
    return code;
}

static int read_case(struct reading *reading, char **mark)
{
    struct cases *cases = reading->cases;
    struct test_case *list = realloc(cases->list, (cases->count + 1) * sizeof *list);
    if (list == NULL) {
        return complain(reading, "out of memory");
    }
    cases->list = list;
    struct test_case *to = &list[cases->count++];
    *to = (struct test_case){.name = *mark + 3, .line = reading->line};
    *mark = read_text(reading, &to->pipeline);
    int code = to->pipeline.len == 0 ? complain(reading, "a case begins with its pipeline") : 0;
    if (code == 0) {
        to->pipeline.data[to->pipeline.len - 1] = '\0'; /* in place of its last line end */
    }
    while (code == 0 && *mark != NULL && (*mark)[0] == '-') {
        code = read_section(reading, to, mark);
    }
    if (code == 0 && to->output.data == NULL && to->error.data == NULL && to->status == 0) {
        reading->line = to->line;
        code = complain(reading, "this case expects nothing: add -- output");
    }
    return code;
}

/* Whether there are only comments and empty lines. */
static bool only_comments(const struct case_text *text)
{
    for (size_t i = 0; i < text->len; i++) {
        bool begins = i == 0 || text->data[i - 1] == '\n';
        if (begins && text->data[i] != '#' && text->data[i] != '\n') {
            return false;
        }
    }
    return true;
}

static int read_cases(struct reading *reading)
{
    struct case_text before;
    char *mark = read_text(reading, &before);
    if (!only_comments(&before) || (mark != NULL && mark[0] == '-')) {
        reading->line = before.len > 0 ? 1 : reading->line;
        return complain(reading, "a case begins with a line:  == NAME");
    }
    int code = mark == NULL ? complain(reading, "there is no case in this file") : 0;
    while (code == 0 && mark != NULL) {
        code = read_case(reading, &mark);
    }
    return code;
}

/* A text ends at its first NUL, and what follows it would be left out. */
static int check_bytes(struct reading *reading, const char *text, size_t len)
{
    const char *nul = memchr(text, '\0', len);
    if (nul == NULL) {
        return 0;
    }
    struct reading there = {.path = reading->path, .line = 1};
    for (const char *at = text; at < nul; at++) {
        there.line += *at == '\n';
    }
    return complain(&there, "a NUL byte");
}

int cases_read(const char *path, struct cases *cases)
{
    *cases = (struct cases){.text = malloc(FILE_BYTES_MAX)};
    FILE *file = fopen(path, "r");
    size_t len =
        file != NULL && cases->text != NULL ? fread(cases->text, 1, FILE_BYTES_MAX - 1, file) : 0;
    int code = 0;
    if (file == NULL || cases->text == NULL || ferror(file)) {
        code = flags_complain("cannot read '%s': %s", path, strerror(errno));
    } else if (len == FILE_BYTES_MAX - 1) {
        code = flags_complain("'%s' is longer than 16 MiB", path);
    } else {
        struct reading reading = {.path = path, .at = cases->text, .cases = cases};
        cases->text[len] = '\0';
        code = check_bytes(&reading, cases->text, len);
        code = code == 0 ? read_cases(&reading) : code;
    }
    if (file != NULL) {
        fclose(file);
    }
    return code;
}

void cases_free(struct cases *cases)
{
    free(cases->list);
    free(cases->text);
}
