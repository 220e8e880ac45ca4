/*
 * expr_names.c - values with names for the expressions of a pipeline (expr_names.h). Pure memory.
 */
#include "expr_names.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_hash.h"
#include "codec_utf8.h"
#include "expr_tree.h"

struct wr_names *wr_names_new(size_t room)
{
    struct wr_names *names = wr_zalloc(sizeof *names);
    if (names == NULL) {
        return NULL;
    }
    atomic_init(&names->references, 1);
    wr_arena_init(&names->arena, SIZE_MAX);
    names->list = wr_zalloc(WR_MAX(room, (size_t)1) * sizeof *names->list);
    names->texts = wr_zalloc(WR_MAX(room, (size_t)1) * sizeof *names->texts);
    names->room = room;
    if (names->list == NULL || names->texts == NULL) {
        wr_names_unref(names);
        return NULL;
    }
    return names;
}

static const struct wr_named *find(const struct wr_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].name, name) == 0) {
            return &names->list[i];
        }
    }
    return NULL;
}

static bool is_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!wr_is_name_byte(*c, c == name)) {
            return false;
        }
    }
    return name[0] != '\0';
}

/* A copy, with a terminator. */
static char *copy(struct wr_names *names, const char *bytes, size_t len)
{
    char *to = wr_arena_alloc(&names->arena, len + 1);
    if (to != NULL) {
        memcpy(to, bytes, len);
        to[len] = '\0';
    }
    return to;
}

static int refuse(char why[WR_NAMES_WHY], const char *problem, size_t at)
{
    (void)wr_print_text(why, WR_NAMES_WHY, "%s, at byte %zu of its value", problem, at);
    return WEIR_EINVAL;
}

/* The value of `text`, which stays as it is. */
static int read_value(struct wr_names *names, const char *text, size_t len, bool json,
                      struct wr_value *value, char why[WR_NAMES_WHY])
{
    size_t valid = wr_utf8_valid_bytes(text, len);
    if (valid < len) {
        return refuse(why, "it is not valid UTF-8", valid);
    }
    if (!json) {
        *value = wr_value_string(text, len);
        return 0;
    }
    struct wr_json *index = &names->texts[names->count];
    int rc = wr_json_index(index, text, len);
    if (rc == WEIR_EPARSE) {
        return refuse(why, index->error, index->error_at);
    }
    return rc == 0 && wr_value_node(&names->arena, index, WR_JSON_ROOT, value) ? 0 : WEIR_ENOMEM;
}

int wr_names_add(struct wr_names *names, const char *name, struct wr_text text, bool json,
                 bool secret, char why[WR_NAMES_WHY])
{
    WR_ASSERT(names->count < names->room, "there is no room for another value");
    struct wr_named *named = &names->list[names->count];
    if (!is_name(name)) {
        (void)wr_print_text(why, WR_NAMES_WHY,
                            "this is not a name: letters, digits and _, not a digit first");
        return WEIR_EINVAL;
    }
    if (strcmp(name, "meta") == 0) {
        (void)wr_print_text(why, WR_NAMES_WHY, "$meta is what comes with an event");
        return WEIR_EINVAL;
    }
    if (find(names, name) != NULL) {
        (void)wr_print_text(why, WR_NAMES_WHY, "this name is given twice");
        return WEIR_EINVAL;
    }
    if (text.len > WR_JSON_BYTES_MAX) {
        return refuse(why, "it is longer than 2 GiB", WR_JSON_BYTES_MAX);
    }
    char *own_name = copy(names, name, strlen(name));
    char *own_text = copy(names, text.data, text.len);
    wr_json_init(&names->texts[names->count]);
    int rc = own_name == NULL || own_text == NULL
                 ? WEIR_ENOMEM
                 : read_value(names, own_text, text.len, json, &named->value, why);
    if (rc != 0) {
        wr_json_fini(&names->texts[names->count]);
        return rc;
    }
    named->name = own_name;
    named->value.mark = secret ? WR_VALUE_SECRET : 0;
    if (!secret) {
        uint64_t hash = wr_hash(own_name, strlen(own_name) + 1);
        names->hash += wr_hash_add(hash, own_text, text.len + 1);
    }
    atomic_init(&named->used, false);
    names->count++;
    return 0;
}

bool wr_names_used(const struct wr_names *names, const char *name)
{
    const struct wr_named *named = names != NULL ? find(names, name) : NULL;
    return named != NULL && atomic_load_explicit(&named->used, memory_order_relaxed);
}

struct wr_names *wr_names_ref(struct wr_names *names)
{
    if (names != NULL) {
        atomic_fetch_add(&names->references, 1);
    }
    return names;
}

void wr_names_unref(struct wr_names *names)
{
    if (names == NULL || atomic_fetch_sub(&names->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < names->count; i++) {
        wr_json_fini(&names->texts[i]);
    }
    wr_arena_fini(&names->arena);
    wr_free(names->list);
    wr_free(names->texts);
    wr_free(names);
}
