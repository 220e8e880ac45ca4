/*
 * expr_regexes.c - the regular expressions that a run keeps: the compiled forms of the patterns that it
 * used last, so a constant one is compiled once. They are not kept in the program, since each has the
 * memory of its match and a program serves several threads.
 */
#include "expr_machine.h"

#include "base_alloc.h"
#include "base_error.h"
#include "codec_regex.h"

/* Patterns that a run keeps, and their memory. The last one may be larger. */
enum { REGEXES_MAX = 32, REGEXES_BYTES_MAX = 1 << 20 };

struct wr_regexes {
    struct wr_regexes *next;
    struct wr_regex *regex;
    uint32_t flags;
    size_t len;
    char pattern[];
};

void wr_machine_regexes_free(struct wr_regexes *list)
{
    while (list != NULL) {
        struct wr_regexes *next = list->next;
        wr_regex_free(list->regex);
        wr_free(list);
        list = next;
    }
}

size_t wr_machine_regexes_bytes(const struct wr_regexes *list)
{
    size_t bytes = 0;
    for (; list != NULL; list = list->next) {
        bytes += sizeof *list + list->len + wr_regex_bytes(list->regex);
    }
    return bytes;
}

static struct wr_regexes *new_regex(wr_machine *run, struct wr_text pattern, uint32_t flags)
{
    int code = WEIR_ENOMEM;
    struct wr_regex_mistake mistake;
    struct wr_regexes *made = wr_alloc(sizeof *made + pattern.len);
    if (made != NULL) {
        made->flags = flags;
        made->len = pattern.len;
        memcpy(made->pattern, pattern.data, pattern.len);
        made->regex =
            wr_regex_new((weir_slice){made->pattern, pattern.len}, flags, &code, &mistake);
        if (made->regex != NULL) {
            wr_regex_count_in(made->regex, &run->regex_characters);
            return made;
        }
        wr_free(made);
    }
    if (code == WEIR_EPARSE) {
        (void)wr_machine_fail(run, "%s, at byte %zu of the pattern", mistake.problem, mistake.at);
    } else {
        run->arena.full = false;
        (void)wr_machine_no_memory(run);
    }
    return NULL;
}

struct wr_regex *wr_machine_regex(wr_machine *run, struct wr_text pattern, uint32_t flags)
{
    struct wr_regexes **link = &run->regexes;
    size_t count = 0, bytes = 0;
    for (; *link != NULL; link = &(*link)->next, count++) {
        struct wr_regexes *kept = *link;
        if (kept->flags == flags && kept->len == pattern.len &&
            memcmp(kept->pattern, pattern.data, pattern.len) == 0) {
            *link = kept->next;
            kept->next = run->regexes;
            run->regexes = kept;
            return kept->regex;
        }
        bytes += wr_regex_bytes(kept->regex);
        if (count + 1 == REGEXES_MAX || bytes > REGEXES_BYTES_MAX) { /* the last ones go */
            wr_machine_regexes_free(kept);
            *link = NULL;
            break;
        }
    }
    struct wr_regexes *made = new_regex(run, pattern, flags);
    if (made == NULL) {
        return NULL;
    }
    made->next = run->regexes;
    run->regexes = made;
    return made->regex;
}
