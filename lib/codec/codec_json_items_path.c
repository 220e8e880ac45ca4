/*
 * codec_json_items_path.c - the path to an array, and the message about a text that has no array
 * there (codec_json_items.h).
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_json_items.h"

void wr_json_items_free(struct wr_json_items *items)
{
    if (items != NULL) {
        wr_free(items->given);
        wr_free(items);
    }
}

/* Unescape the string at the start of a path, which ends at `end`. 1, or the code of wr_json_index. */
static int take_string(const char *path, const char *end, char *to, size_t *len)
{
    struct wr_json json;
    wr_json_init(&json);
    int rc = wr_json_index(&json, path, (size_t)(end - path));
    if (rc == 0) {
        *len = wr_json_unescape(wr_json_inside(&json, WR_JSON_ROOT), to);
        rc = 1;
    }
    wr_json_fini(&json);
    return rc;
}

/* Read the next name of a path: .name or ."a name". The name goes to `to`, unescaped. 1; 0: the end;
 * WEIR_EPARSE: it is not one; WEIR_ENOMEM. */
static int take_step(const char **path, char *to, size_t *len)
{
    const char *at = *path;
    if (at[0] == '\0') {
        return 0;
    }
    if (at[0] != '.') {
        return WEIR_EPARSE;
    }
    at++;
    if (at[0] == '"') {
        const char *end = at + 1;
        while (*end != '\0' && *end != '"') {
            end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
        }
        *path = end + (*end == '"');
        return take_string(at, *path, to, len);
    }
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    memcpy(to, at, n);
    *len = n;
    *path = at + n;
    return n > 0 ? 1 : WEIR_EPARSE;
}

int wr_json_items_new(const char *path, struct wr_json_items **items)
{
    size_t bytes = strlen(path);
    size_t most = bytes / 2 + 1;
    struct wr_json_items *new =
        wr_zalloc(sizeof *new + most * sizeof new->steps[0] + 2 * bytes + 1);
    *items = new;
    if (new == NULL) {
        return WEIR_ENOMEM;
    }
    new->path = (char *)&new->steps[most];
    memcpy(new->path, path, bytes + 1);
    char *to = new->path + bytes + 1;
    const char *at = path + (strcmp(path, ".") == 0);
    int rc = bytes == 0 ? WEIR_EPARSE : 0;
    while (rc >= 0 && new->count < most) {
        size_t len = 0;
        rc = take_step(&at, to, &len);
        if (rc <= 0) {
            break;
        }
        new->steps[new->count++] =
            (struct wr_json_step){.name = {to, len}, .path_len = (size_t)(at - path)};
        to += len;
    }
    if (rc < 0) {
        wr_free(new);
        *items = NULL;
        return rc == WEIR_ENOMEM ? rc : WEIR_EINVAL;
    }
    return 0;
}

const char *wr_json_items_kind(char byte)
{
    switch (byte) {
    case '{': return "an object";
    case '[': return "an array";
    case '"': return "a string";
    case 't':
    case 'f': return "a boolean";
    case 'n': return "null";
    case '-': return "a number";
    default: return byte >= '0' && byte <= '9' ? "a number" : NULL;
    }
}

/* "there is no array at .data.rows: .data is an object without .rows" */
static const char *say(struct wr_json_items *items, const struct wr_json_mistake *mistake)
{
    size_t level = mistake->level;
    size_t len = level > 0 ? items->steps[level - 1].path_len : 0;
    bool without = mistake->found == '}';
    const char *next = items->path + len;
    (void)snprintf(
        items->problem, sizeof items->problem, "there is no array at %s: %.*s is %s%s%.*s",
        items->path, len > 0 ? (int)len : 8, len > 0 ? items->path : "the text",
        without ? "an object" : wr_json_items_kind(mistake->found), without ? " without " : "",
        without ? (int)(items->steps[level].path_len - len) : 0, next);
    return items->problem;
}

bool wr_json_items_fault(struct wr_json_items *items, weir_slice text, struct wr_fault *fault)
{
    for (size_t i = 0; i < items->given_count; i++) {
        const struct wr_json_mistake *mistake = &items->given[i];
        if (mistake->data == text.data && mistake->len == text.len) {
            const char *problem = mistake->problem != NULL ? mistake->problem : say(items, mistake);
            *fault = (struct wr_fault){
                .problem = problem, .text = text, .at = WR_MIN(mistake->at, text.len)};
            return true;
        }
    }
    return false;
}

void wr_json_items_forget(struct wr_json_items *items)
{
    items->given_count = 0;
}

void wr_json_items_restart(struct wr_json_items *items, uint64_t offset)
{
    items->where = WR_ITEMS_TEXT;
    items->level = items->at = 0;
    items->inside = items->wrong = items->over = items->told = items->lf = false;
    items->since = offset;
    items->given_count = 0;
}
