/*
 * weir_cases.h - a file of test cases for `weir test`.
 */
#ifndef WEIR_CASES_H
#define WEIR_CASES_H

#include <stdbool.h>
#include <stddef.h>

enum { CASE_FLAGS_MAX = 32 };

/* Bytes of the file's text, after escapes. data NULL: the section is missing. */
struct case_text {
    char *data;
    size_t len;
};

struct test_case {
    const char *name;
    unsigned line; /* where it begins */
    struct case_text pipeline, input, output, error;
    const char *flags[CASE_FLAGS_MAX];
    size_t flags_count;
    int status;
    const char *seed; /* NULL: the default */
};

struct cases {
    char *text; /* what the rest points into */
    struct test_case *list;
    size_t count;
};

/* Read a file. 0, or the exit code after a message. cases_free is allowed after both. */
int cases_read(const char *path, struct cases *cases);
void cases_free(struct cases *cases);

#endif
