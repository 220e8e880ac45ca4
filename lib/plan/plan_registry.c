/*
 * plan_registry.c - the list of components, and how they are found.
 *
 * The library's own components come first, in the list that the build has generated, then those of
 * modules in the order of loading. The list only grows, under a lock, since several threads may
 * read texts. A component that was found stays valid. This file contains no component's name:
 * everything special about a component is in its descriptor.
 */
#include "plan_text.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_address.h"
#include "expr_tree.h"

struct more {
    const weir_component *const *components;
    struct more *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct more *first_more;

static size_t count_of(const weir_component *const *components)
{
    size_t count = 0;
    while (components[count] != NULL) {
        count++;
    }
    return count;
}

int wr_plan_components_add(const weir_component *const *components)
{
    struct more *more = wr_zalloc(sizeof *more);
    if (more == NULL) {
        return WEIR_ENOMEM;
    }
    more->components = components;
    pthread_mutex_lock(&lock);
    struct more **end = &first_more;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = more;
    pthread_mutex_unlock(&lock);
    return 0;
}

const weir_component *weir_component_at(size_t index)
{
    const weir_component *found = NULL;
    if (index < wr_components_count) {
        return wr_components[index];
    }
    index -= wr_components_count;
    pthread_mutex_lock(&lock);
    for (struct more *more = first_more; more != NULL && found == NULL; more = more->next) {
        size_t count = count_of(more->components);
        if (index < count) {
            found = more->components[index];
        } else {
            index -= count;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

/* Whether the text is in the list, which ends with NULL. */
static bool listed(const char *const *list, const char *text, size_t len)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        if (same(list[i], text, len)) {
            return true;
        }
    }
    return false;
}

bool wr_plan_by_name(const weir_component *component)
{
    return component->kind != WEIR_KIND_SOURCE || component->schemes == NULL ||
           listed(component->schemes, "-", 1);
}

const weir_component *wr_plan_find(const char *name, size_t len, bool first, bool last)
{
    const weir_component *best = NULL;
    const weir_component *component;
    int kind = first ? WEIR_KIND_SOURCE : last ? WEIR_KIND_SINK : WEIR_KIND_STAGE;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if (!wr_plan_by_name(component) ||
            (!same(component->name, name, len) && !listed(component->aliases, name, len))) {
            continue;
        }
        if (component->kind == kind) {
            return component;
        }
        best = best == NULL || component->kind == WEIR_KIND_STAGE ? component : best;
    }
    return best;
}

/* Whether the text is this scheme. Schemes are case-insensitive (RFC 3986, 3.1); "unix" is the same
 * as "unix:". */
static bool is_scheme(const char *known, const char *text, size_t len)
{
    size_t known_len = strlen(known);
    if (known_len == len + 1 && known[len] == ':') {
        known_len--;
    }
    return known_len == len && strncasecmp(known, text, len) == 0;
}

bool wr_plan_has_scheme(const weir_component *component, const char *scheme, size_t len)
{
    for (size_t i = 0; component->schemes != NULL && component->schemes[i] != NULL; i++) {
        if (is_scheme(component->schemes[i], scheme, len)) {
            return true;
        }
    }
    return false;
}

const weir_component *wr_plan_find_scheme(int kind, const char *scheme, size_t len)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if (component->kind == kind && wr_plan_has_scheme(component, scheme, len)) {
            return component;
        }
    }
    return NULL;
}

const weir_component *wr_plan_find_expression(void)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if ((component->traits & WEIR_TRAIT_EXPRESSION) != 0) {
            return component;
        }
    }
    return NULL;
}

const weir_component *weir_component_find(const char *name, size_t index)
{
    WR_GIVEN(name);
    const weir_component *component;
    size_t len = strlen(name);
    size_t found = 0;
    struct wr_plan_error error = {.code = 0};
    if (strchr(name, '/') != NULL) {
        return index == 0 ? wr_plan_module_load(&error, (struct wr_plan_span){0, 0}, name, len)
                          : NULL;
    }
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
            if (same(component->name, name, len) || listed(component->aliases, name, len) ||
                wr_plan_has_scheme(component, name, len)) {
                if (found++ == index) {
                    return component;
                }
            }
        }
        if (found > 0 || !wr_plan_module_find(&error, (struct wr_plan_span){0, 0}, name, len)) {
            break;
        }
    }
    return NULL;
}

static bool may_stand(const weir_component *component, bool first, bool last)
{
    return wr_plan_by_name(component) && (first || component->kind != WEIR_KIND_SOURCE) &&
           (last || component->kind != WEIR_KIND_SINK);
}

int wr_plan_name_missing(struct wr_plan_error *error, const char *text, struct wr_plan_span name,
                         bool first, bool last)
{
    const weir_component *component;
    struct wr_guess guess;
    char meant[sizeof error->hint];
    int shown = (int)WR_MIN(name.len, (size_t)WR_PLAN_SHOWN_MAX);
    (void)wr_plan_fail(error, name, "unknown stage '%.*s'", shown, text + name.at);
    error->kind = WEIR_PLAN_UNKNOWN;
    if (wr_address_meant((struct wr_text){text + name.at, name.len}, meant, sizeof meant)) {
        return wr_plan_hint(error, "did you mean %s?", meant);
    }
    if (text[name.at] == '>') {
        return wr_plan_hint(error, "to write a file: %s PATH",
                            wr_plan_find_scheme(WEIR_KIND_SINK, "/", 1)->name);
    }
    wr_guess_init(&guess, text + name.at, name.len);
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if (!may_stand(component, first, last)) {
            continue;
        }
        wr_guess_offer(&guess, component->name);
        for (size_t j = 0; component->aliases != NULL && component->aliases[j] != NULL; j++) {
            wr_guess_offer(&guess, component->aliases[j]);
        }
    }
    error->meant = guess.best;
    if (guess.best == NULL && wr_plan_find_expression() != NULL) {
        wr_expr_guess(&guess, false);
        /* There are many functions, so a short word is near to one of them by chance. */
        guess.best = guess.distance * 4 <= name.len ? guess.best : NULL;
    }
    if (guess.best != NULL) {
        return wr_plan_hint(error, "did you mean '%s'?", guess.best);
    }
    return wr_plan_hint(error,
                        wr_plan_loads_modules()
                            ? "'weir list' names all there are"
                            : "'weir list' names all there are; this program loads no modules");
}

int wr_plan_scheme_missing(struct wr_plan_error *error, const char *text,
                           struct wr_plan_span scheme)
{
    const weir_component *component;
    struct wr_guess guess;
    struct wr_print out;
    char all[256];
    wr_guess_init(&guess, text + scheme.at, scheme.len);
    wr_print_to(&out, all, sizeof all);
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        for (size_t j = 0; component->kind == WEIR_KIND_SOURCE && component->schemes != NULL &&
                           component->schemes[j] != NULL;
             j++) {
            const char *known = component->schemes[j];
            if (known[0] >= 'a' && known[0] <= 'z') {
                wr_guess_offer(&guess, known);
                wr_printf(&out, " %s%s", known, known[strlen(known) - 1] == ':' ? "" : "://");
            }
        }
    }
    (void)wr_plan_fail(error, scheme, "unknown kind of address '%.*s://'",
                       (int)WR_MIN(scheme.len, (size_t)WR_PLAN_SHOWN_MAX), text + scheme.at);
    error->kind = WEIR_PLAN_UNKNOWN;
    const char *path = text + scheme.at + scheme.len + strlen("://");
    if (scheme.len == 4 && memcmp(text + scheme.at, "file", 4) == 0 && path[0] == '/') {
        return wr_plan_hint(error, "did you mean %.*s?", (int)strcspn(path, " \t\n|"), path);
    }
    return guess.best != NULL ? wr_plan_hint(error, "did you mean '%s'?", guess.best)
                              : wr_plan_hint(error, "there are%s", all);
}
