/*
 * plan_tell.c - what a plan tells about itself: its parts, its normalised text, the number that
 * names it.
 *
 * The normalised text is what the user wrote, with comments gone and one space between words, so
 * two texts that differ in layout only have one state. A password in a URL is shown as *** there
 * and does not count for the number: these texts go to logs, and a state outlives a password.
 */
#include "plan_text.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

/* The password in scheme://user:password@host; len 0: there is none. */
static struct wr_plan_span find_password(const char *word, size_t len)
{
    size_t at = 0;
    while (at + 3 <= len && memcmp(word + at, "://", 3) != 0) {
        at++;
    }
    if (at + 3 > len) {
        return (struct wr_plan_span){0, 0};
    }
    at += 3;
    size_t colon = SIZE_MAX;
    size_t sign = SIZE_MAX;
    for (size_t i = at; i < len && strchr("/?#", word[i]) == NULL; i++) {
        colon = word[i] == ':' && colon == SIZE_MAX ? i : colon;
        sign = word[i] == '@' ? i : sign;
    }
    if (sign == SIZE_MAX || colon == SIZE_MAX || colon > sign) {
        return (struct wr_plan_span){0, 0};
    }
    return (struct wr_plan_span){colon + 1, sign - colon - 1};
}

char *wr_plan_stage_text(const char *clean, const struct wr_plan_stage *stage)
{
    size_t at = stage->where.at;
    size_t end = at + stage->where.len;
    struct wr_plan_error none = {.code = 0};
    struct wr_plan_token token;
    struct wr_plan_out out;
    size_t cap = stage->where.len + sizeof "***"; /* only a password shorter than this grows */
    char *text = wr_alloc(cap);
    if (text == NULL) {
        return NULL;
    }
    wr_plan_out_init(&out, text, cap);
    while (wr_plan_token_next(clean, &at, end, &token, &none) == 0 && token.all.len > 0) {
        const char *word = clean + token.all.at;
        struct wr_plan_span secret = {0, 0};
        if (strcmp(stage->word->name, "http") == 0) {
            secret = find_password(word, token.all.len);
        }
        wr_plan_out_bytes(&out, " ", out.len > 0 ? 1 : 0);
        wr_plan_out_bytes(&out, word, secret.at);
        wr_plan_out_bytes(&out, "***", secret.len > 0 ? 3 : 0);
        wr_plan_out_bytes(&out, word + secret.at + secret.len,
                          token.all.len - secret.at - secret.len);
    }
    return text;
}

static const struct wr_plan_stage *stage_at(const weir_plan *plan, size_t index)
{
    return index < plan->stages_count ? &plan->stages[index] : NULL;
}

const char *weir_plan_text(const weir_plan *plan)
{
    return plan->text;
}

bool weir_plan_has_source(const weir_plan *plan)
{
    return plan->stages[0].word->kind == WEIR_PLAN_SOURCE;
}

const char *weir_plan_source(const weir_plan *plan)
{
    return weir_plan_has_source(plan) ? plan->stages[0].word->name : NULL;
}

const char *weir_plan_source_address(const weir_plan *plan)
{
    return weir_plan_has_source(plan) ? plan->stages[0].values[0].text : NULL;
}

bool weir_plan_has_sink(const weir_plan *plan)
{
    return plan->stages[plan->stages_count - 1].word->kind == WEIR_PLAN_SINK;
}

size_t weir_plan_count(const weir_plan *plan)
{
    return plan->stages_count;
}

const char *weir_plan_part_name(const weir_plan *plan, size_t index)
{
    const struct wr_plan_stage *stage = stage_at(plan, index);
    return stage != NULL ? stage->word->name : NULL;
}

const char *weir_plan_part_text(const weir_plan *plan, size_t index)
{
    const struct wr_plan_stage *stage = stage_at(plan, index);
    return stage != NULL ? stage->text : NULL;
}

int weir_plan_part_kind(const weir_plan *plan, size_t index)
{
    const struct wr_plan_stage *stage = stage_at(plan, index);
    return stage != NULL ? stage->word->kind : WEIR_NONE;
}

const char *weir_plan_warning(const weir_plan *plan, size_t index)
{
    return index == 0 ? plan->warning : NULL;
}

const char *weir_plan_state_folder(const weir_plan *plan)
{
    return plan->state_folder;
}

int64_t weir_plan_mem_bytes(const weir_plan *plan)
{
    return plan->mem_bytes;
}

/* FNV-1a, with the terminator, so that "a" "b" is not "ab". */
static uint64_t add_text(uint64_t hash, const char *text)
{
    for (size_t i = 0;; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
        if (text[i] == '\0') {
            return hash;
        }
    }
}

uint64_t weir_plan_hash(const weir_plan *plan, const weir_plan_options *options)
{
    uint64_t hash = add_text(UINT64_C(0xcbf29ce484222325), plan->text);
    for (size_t i = 0; options != NULL && i < options->files_count; i++) {
        hash = add_text(hash, options->files[i]);
    }
    return hash;
}
