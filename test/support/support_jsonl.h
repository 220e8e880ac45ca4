/*
 * support_jsonl.h - reading the case files of test/data: one JSON object a line.
 *
 * For trusted files only: anything unexpected ends the test program with a message.
 */
#ifndef SUPPORT_JSONL_H
#define SUPPORT_JSONL_H

#include <stdbool.h>
#include <stddef.h>

enum jsonl_kind { JSONL_NULL, JSONL_BOOL, JSONL_NUMBER, JSONL_STRING, JSONL_ARRAY, JSONL_OBJECT };

struct jsonl {
    enum jsonl_kind kind;
    char *key; /* in an object */
    bool truth;
    double number;
    char *text; /* a string's bytes, terminated: a code point below 256 is one byte, others are
                   UTF-8 */
    size_t len;
    struct jsonl *first; /* of an array's or object's values */
    struct jsonl *next;  /* in the array, the object or the file */
};

/* All lines of a file of the folder test/data, which is found beside the sources or by the variable
 * WEIR_TEST_DATA. */
struct jsonl *jsonl_load(const char *name);
void jsonl_free(struct jsonl *values);
/* A member; NULL when the object has none of this name. */
const struct jsonl *jsonl_get(const struct jsonl *object, const char *key);
/* A string member, which must exist. */
const char *jsonl_text(const struct jsonl *object, const char *key);
/* A base64 string member decoded into memory that the caller frees. */
char *jsonl_base64(const struct jsonl *object, const char *key, size_t *len);

#endif
