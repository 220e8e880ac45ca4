/*
 * support_jsonl.c - a small JSON reader for the case files: a tree per line, no limits, no
 * recovery.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_jsonl.h"

static _Noreturn void give_up(const char *what, const char *where)
{
    fprintf(stderr, "case file: %s: %.60s\n", what, where);
    abort();
}

static void *need(void *memory)
{
    if (memory == NULL) {
        give_up("out of memory", "");
    }
    return memory;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static char *put_code(char *to, unsigned code)
{
    if (code < 0x100) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* `at` is behind the opening quote; what follows the closing one is returned. */
static const char *read_string(const char *at, char **text, size_t *len)
{
    size_t room = strcspn(at, "\"") + 1;
    for (const char *end = at; *end != '"'; end++) {
        if (*end == '\0') {
            give_up("open string", at);
        }
        end += *end == '\\';
        room = (size_t)(end - at) + 2;
    }
    char *to = *text = need(malloc(room + 1));
    while (*at != '"') {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
        at++;
        const char *name = names;
        while (*name != '\0' && *name != *at) {
            name += 2;
        }
        if (*name != '\0') {
            *to++ = name[1];
            at++;
        } else if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4) {
            char hex[5] = {at[1], at[2], at[3], at[4], 0};
            to = put_code(to, (unsigned)strtoul(hex, NULL, 16));
            at += 5;
        } else {
            give_up("escape", at);
        }
    }
    *to = '\0';
    *len = (size_t)(to - *text);
    return at + 1;
}

static const char *read_value(const char *at, struct jsonl *value);

static const char *read_members(const char *at, struct jsonl *value, char close)
{
    struct jsonl **last = &value->first;
    at = skip_space(at);
    while (*at != close) {
        struct jsonl *member = need(calloc(1, sizeof *member));
        *last = member;
        last = &member->next;
        if (close == '}') {
            size_t len;
            if (*at != '"') {
                give_up("no key", at);
            }
            at = skip_space(read_string(at + 1, &member->key, &len));
            if (*at++ != ':') {
                give_up("no colon", at);
            }
        }
        at = skip_space(read_value(at, member));
        if (*at == ',') {
            at = skip_space(at + 1);
        } else if (*at != close) {
            give_up("no comma", at);
        }
    }
    return at + 1;
}

static const char *read_value(const char *at, struct jsonl *value)
{
    at = skip_space(at);
    if (*at == '"') {
        value->kind = JSONL_STRING;
        return read_string(at + 1, &value->text, &value->len);
    }
    if (*at == '[' || *at == '{') {
        value->kind = *at == '[' ? JSONL_ARRAY : JSONL_OBJECT;
        return read_members(at + 1, value, *at == '[' ? ']' : '}');
    }
    if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0) {
        value->kind = JSONL_BOOL;
        value->truth = *at == 't';
        return at + (value->truth ? 4 : 5);
    }
    if (strncmp(at, "null", 4) == 0) {
        return at + 4;
    }
    char *end;
    value->kind = JSONL_NUMBER;
    value->number = strtod(at, &end);
    if (end == at) {
        give_up("value", at);
    }
    return end;
}

static char *read_file(const char *name)
{
    char path[4096];
    const char *folder = getenv("WEIR_TEST_DATA");
    if (folder != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
    } else {
        const char *slash = strrchr(__FILE__, '/');
        int len = slash == NULL ? 0 : (int)(slash - __FILE__) + 1;
        snprintf(path, sizeof path, "%.*s../data/%s", len, __FILE__, name);
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        give_up("cannot open", path);
    }
    size_t len = 0;
    size_t cap = 1 << 16;
    char *text = need(malloc(cap));
    size_t got;
    while ((got = fread(text + len, 1, cap - len - 1, file)) > 0) {
        len += got;
        if (cap - len < 2) {
            cap *= 2;
            text = need(realloc(text, cap));
        }
    }
    fclose(file);
    text[len] = '\0';
    return text;
}

struct jsonl *jsonl_load(const char *name)
{
    char *text = read_file(name);
    struct jsonl *first = NULL;
    struct jsonl **last = &first;
    const char *at = skip_space(text);
    while (*at != '\0') {
        struct jsonl *line = need(calloc(1, sizeof *line));
        *last = line;
        last = &line->next;
        at = skip_space(read_value(at, line));
    }
    free(text);
    return first;
}

void jsonl_free(struct jsonl *values)
{
    while (values != NULL) {
        struct jsonl *next = values->next;
        jsonl_free(values->first);
        free(values->key);
        free(values->text);
        free(values);
        values = next;
    }
}

const struct jsonl *jsonl_get(const struct jsonl *object, const char *key)
{
    const struct jsonl *member = object->first;
    while (member != NULL && strcmp(member->key, key) != 0) {
        member = member->next;
    }
    return member;
}

const char *jsonl_text(const struct jsonl *object, const char *key)
{
    const struct jsonl *member = jsonl_get(object, key);
    if (member == NULL || member->kind != JSONL_STRING) {
        give_up("no text member", key);
    }
    return member->text;
}

char *jsonl_base64(const struct jsonl *object, const char *key, size_t *len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = jsonl_text(object, key);
    char *bytes = need(malloc(strlen(text) + 1));
    unsigned bits = 0;
    unsigned bits_count = 0;
    *len = 0;
    for (; *text != '\0' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        if (digit == NULL) {
            give_up("base64", text);
        }
        bits = bits << 6 | (unsigned)(digit - digits);
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            bytes[(*len)++] = (char)(bits >> bits_count);
        }
    }
    return bytes;
}
