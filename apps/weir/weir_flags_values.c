/*
 * weir_flags_values.c - reads the values of flags: times, sizes, numbers, headers, and what stands
 * in a file.
 *
 * Each function returns 0, or the exit code after a message that says what to type. Called while
 * the command line is read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "weir_flags_values.h"

/* Digits without a unit, which the user has probably forgotten. */
static bool is_bare_number(const char *value)
{
    return value[0] != '\0' && value[strspn(value, "0123456789.")] == '\0';
}

int value_time(const char *flag, const char *value, int64_t *ms)
{
    if (strcmp(value, "none") == 0 || strcmp(value, "never") == 0) {
        *ms = WEIR_NONE;
        return 0;
    }
    if (weir_time_read(value, ms) < 0) {
        return is_bare_number(value)
                   ? flags_complain("%s: '%s' is not a time; add a unit: %ss or %sms", flag, value,
                                    value, value)
                   : flags_complain("%s: '%s' is not a time; write 500ms, 10s, 1m30s", flag, value);
    }
    if (*ms == 0) {
        *ms = 1; /* 0 would mean the default */
    }
    return 0;
}

/* For a flag that curl has, too: it also takes plain seconds, as curl does. */
int value_seconds(const char *flag, const char *value, int64_t *ms)
{
    char seconds[32];
    int len = snprintf(seconds, sizeof seconds, "%ss", value);
    bool plain = is_bare_number(value) && len > 0 && (size_t)len < sizeof seconds;
    return value_time(flag, plain ? seconds : value, ms);
}

static int read_size(const char *flag, const char *value, int64_t *bytes)
{
    if (weir_size_read(value, bytes) == 0 && *bytes > 0) {
        return 0;
    }
    return is_bare_number(value)
               ? flags_complain("%s: '%s' is not a size; add a unit: %sMiB or %sKiB", flag, value,
                                value, value)
               : flags_complain("%s: '%s' is not a size; write 64MiB", flag, value);
}

int value_mem(const char *value, int64_t *bytes)
{
    int rc = read_size("--mem", value, bytes);
    return rc != 0 || *bytes >= WEIR_PLAN_MEM_BYTES_MIN
               ? rc
               : flags_complain("--mem: '%s' is too small; it must be at least 128KiB", value);
}

int value_number(const char *flag, const char *value, int64_t *number)
{
    errno = 0;
    long long n = strtoll(value, NULL, 10);
    if (value[strspn(value, "0123456789")] != '\0' || errno == ERANGE) {
        return flags_complain("%s: '%s' is not a number", flag, value);
    }
    *number = n;
    return 0;
}

/* The content of a flag's "@FILE", or a copy of the value itself. NULL: not readable, no memory. */
char *value_from_file(const char *value)
{
    if (value[0] != '@') {
        return strdup(value);
    }
    FILE *file = fopen(value + 1, "r");
    char *text = calloc(1, 65536);
    if (file == NULL || text == NULL) {
        free(text);
        if (file != NULL) {
            fclose(file);
        }
        return NULL;
    }
    size_t n = fread(text, 1, 65535, file);
    fclose(file);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
        text[--n] = '\0';
    }
    return text;
}

/* The message names only a file, because the value itself may be a secret. */
int value_cannot_read(const char *flag, const char *value)
{
    return value[0] == '@' ? flags_complain("%s: cannot read '%s'", flag, value + 1)
                           : flags_complain("out of memory");
}

/* One or more header lines; the copies live until the process ends. */
static int add_header_lines(struct flags *flags, const char *text)
{
    for (int line_number = 1; *text != '\0'; line_number++) {
        size_t len = strcspn(text, "\r\n");
        if (memchr(text, ':', len) == NULL) {
            /* The line itself may be a secret. */
            return flags_complain("-H: line %d has no colon, so it is not a header; write 'NAME: "
                                  "VALUE'",
                                  line_number);
        }
        if (flags->headers_count == FLAGS_HEADERS_MAX) {
            return flags_complain("-H: more than %d headers", FLAGS_HEADERS_MAX);
        }
        char *line = strndup(text, len);
        if (line == NULL) {
            return flags_complain("out of memory");
        }
        flags->headers[flags->headers_count++] = line;
        text += len;
        text += strspn(text, "\r\n");
    }
    return 0;
}

int value_add_header(struct flags *flags, const char *value)
{
    char *text = value_from_file(value);
    if (text == NULL) {
        return value_cannot_read("-H", value);
    }
    int rc = add_header_lines(flags, text);
    free(text);
    return rc;
}

int value_from(struct flags *flags, const char *value)
{
    weir_begin *begin = &flags->begin;
    memset(begin, 0, sizeof *begin);
    flags->from_stored = strcmp(value, "stored") == 0;
    if (flags->from_stored) {
        return 0;
    }
    if (strcmp(value, "beginning") == 0 || strcmp(value, "end") == 0) {
        begin->kind = value[0] == 'b' ? WEIR_BEGIN_BEGINNING : WEIR_BEGIN_END;
    } else if (strncmp(value, "id:", 3) == 0 && value[3] != '\0') {
        begin->kind = WEIR_BEGIN_ID;
        begin->id = value + 3;
        if (strpbrk(begin->id, "\r\n") != NULL) {
            return flags_complain("--from: an id has no line end");
        }
    } else if (strncmp(value, "off:", 4) == 0 && value[4] != '\0') {
        begin->kind = WEIR_BEGIN_OFFSET;
        return value_number("--from off:N", value + 4, &begin->number);
    } else if (value[0] == '@') {
        begin->kind = WEIR_BEGIN_TIME;
        if (weir_instant_read(value, &begin->number) < 0 &&
            weir_instant_read(value + 1, &begin->number) < 0) {
            return flags_complain("--from: '%s' is not a time; write @1714564800 or "
                                  "@2024-05-01T12:00:00Z",
                                  value);
        }
    } else {
        return flags_complain("--from: '%s' is no place to begin; write beginning, end, stored, "
                              "id:ID, off:BYTES or @TIME",
                              value);
    }
    return 0;
}
