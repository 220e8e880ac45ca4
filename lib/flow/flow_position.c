/*
 * flow_position.c - positions as text, and back.
 *
 * The positions belong to the origin, so they outlive the source: its last items may still be
 * pending. Nothing here suspends.
 */
#include "flow_position.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

/* The text after `word` and a space, if it begins with them; else NULL. */
static const char *behind(const char *text, const char *word)
{
    size_t len = strlen(word);
    bool begins = strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '\0');
    return begins ? text + len + (text[len] == ' ') : NULL;
}

/* Reads a number and returns the text after it; NULL: there is no number. */
static const char *read_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9') {
        return NULL;
    }
    errno = 0;
    *number = strtoull(text, &end, 10);
    bool good = errno == 0 && *number < WR_END_HALF && (*end == ' ' || *end == '\0');
    return good ? end + (*end == ' ') : NULL;
}

bool wr_offset_read(struct wr_offset *offset, const char *text)
{
    const char *more;
    *offset = (struct wr_offset){.end = 0};
    const char *at = read_number(behind(text, "offset"), &offset->end);
    if (at == NULL) {
        return false;
    }
    if ((more = behind(at, "inside")) != NULL) {
        offset->end |= WR_END_INSIDE;
        at = more;
    }
    if ((more = behind(at, "partial")) != NULL) {
        offset->end |= WR_END_HALF;
        at = read_number(more, &offset->half);
        if (at == NULL) {
            return false;
        }
    }
    if ((more = behind(at, "decoded")) != NULL) {
        offset->decoded = true;
        at = more;
    }
    size_t len = strlen(at);
    if (len >= sizeof offset->validator) {
        return false;
    }
    memcpy(offset->validator, at, len + 1);
    return true;
}

size_t wr_offset_text(const struct wr_offset *offset, char *to, size_t cap)
{
    char half[40] = "";
    if ((offset->end & WR_END_HALF) != 0) {
        snprintf(half, sizeof half, " partial %" PRIu64, offset->half);
    }
    return (size_t)snprintf(to, cap, "offset %" PRIu64 "%s%s%s%s%s", offset->end & ~WR_END_FLAGS,
                            (offset->end & WR_END_INSIDE) != 0 ? " inside" : "", half,
                            offset->decoded ? " decoded" : "",
                            offset->validator[0] != '\0' ? " " : "", offset->validator);
}

static size_t offsets_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    struct wr_offset offset = WR_OWNER(positions, struct wr_offsets, base)->now;
    offset.end = number;
    return wr_offset_text(&offset, to, cap);
}

static void offsets_drop(struct wr_positions *positions)
{
    wr_free(WR_OWNER(positions, struct wr_offsets, base));
}

static const struct wr_positions_ops offsets_ops = {.text = offsets_text, .drop = offsets_drop};

struct wr_offsets *wr_offsets_keep(struct wr_origin *origin, const struct wr_offset *start)
{
    struct wr_offsets *offsets = wr_zalloc(sizeof *offsets);
    if (offsets == NULL) {
        return NULL;
    }
    offsets->base.ops = &offsets_ops;
    offsets->now = *start;
    wr_origin_keep_positions(origin, &offsets->base, start->end);
    return offsets;
}

/* ---- texts */

struct entry {
    uint64_t number; /* the first number it is valid for */
    char *text;
    size_t len;
};

struct wr_texts {
    struct wr_positions base;
    struct wr_budget *budget;
    const char *word;
    struct entry *entries; /* by number, at least one; [head, head + count) */
    size_t head, count, cap;
};

static size_t cost_of(const struct entry *entry)
{
    return sizeof *entry + entry->len + 1;
}

static void drop_first(struct wr_texts *texts)
{
    struct entry *entry = &texts->entries[texts->head++];
    wr_budget_release_slots(texts->budget, cost_of(entry));
    wr_free(entry->text);
    texts->count--;
}

static size_t texts_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    const struct wr_texts *texts = WR_OWNER(positions, struct wr_texts, base);
    const struct entry *entries = texts->entries + texts->head;
    size_t low = 0, high = texts->count; /* find the last entry with entry.number <= number */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].number <= (number & ~WR_END_FLAGS)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (size_t)snprintf(to, cap, "%s %s", texts->word, entries[low].text);
}

static void texts_forget(struct wr_positions *positions, uint64_t before)
{
    struct wr_texts *texts = WR_OWNER(positions, struct wr_texts, base);
    while (texts->count > 1 && texts->entries[texts->head + 1].number <= (before & ~WR_END_FLAGS)) {
        drop_first(texts);
    }
    if (texts->head > texts->count) {
        memmove(texts->entries, texts->entries + texts->head,
                texts->count * sizeof *texts->entries);
        texts->head = 0;
    }
}

static void texts_drop(struct wr_positions *positions)
{
    struct wr_texts *texts = WR_OWNER(positions, struct wr_texts, base);
    while (texts->count > 0) {
        drop_first(texts);
    }
    wr_free(texts->entries);
    wr_free(texts);
}

static const struct wr_positions_ops texts_ops = {
    .text = texts_text, .forget = texts_forget, .drop = texts_drop};

int wr_texts_add(struct wr_texts *texts, uint64_t number, struct wr_text text)
{
    const struct entry *last =
        texts->count > 0 ? &texts->entries[texts->head + texts->count - 1] : NULL;
    if (last != NULL && last->len == text.len &&
        (text.len == 0 || memcmp(last->text, text.data, text.len) == 0)) {
        return 0;
    }
    struct entry entry = {number & ~WR_END_FLAGS, wr_alloc(text.len + 1), text.len};
    if (entry.text == NULL || !wr_grow(&texts->entries, sizeof *texts->entries,
                                       texts->head + texts->count, &texts->cap)) {
        wr_free(entry.text);
        return WEIR_ENOMEM;
    }
    if (text.len > 0) {
        memcpy(entry.text, text.data, text.len);
    }
    entry.text[text.len] = '\0';
    texts->entries[texts->head + texts->count++] = entry;
    wr_budget_take_slots(texts->budget, cost_of(&entry));
    return 0;
}

struct wr_texts *wr_texts_keep(struct wr_origin *origin, struct wr_budget *budget, const char *word,
                               struct wr_text start)
{
    struct wr_texts *texts = wr_zalloc(sizeof *texts);
    if (texts == NULL) {
        return NULL;
    }
    texts->base.ops = &texts_ops;
    texts->budget = budget;
    texts->word = word;
    if (wr_texts_add(texts, 0, start) < 0) {
        texts_drop(&texts->base);
        return NULL;
    }
    wr_origin_keep_positions(origin, &texts->base, 0);
    return texts;
}

const char *wr_texts_read(const char *position, const char *word)
{
    return behind(position, word);
}
