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

/* Reads "5 abcde": the length of a note and the note. Returns the text after it; NULL: invalid. */
static const char *read_note(struct wr_offset *offset, const char *text)
{
    uint64_t len = 0;
    const char *note = read_number(text, &len);
    if (note == NULL || strlen(note) < len) {
        return NULL;
    }
    offset->note = (struct wr_text){note, (size_t)len};
    return note + len + (note[len] == ' ');
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
    if ((more = behind(at, "framer")) != NULL && (at = read_note(offset, more)) == NULL) {
        return false;
    }
    size_t len = strlen(at);
    if (len >= sizeof offset->validator) {
        return false;
    }
    memcpy(offset->validator, at, len + 1);
    return true;
}

/* As snprintf. */
static size_t offset_text(const struct wr_offset *offset, char *to, size_t cap)
{
    char half[40] = "", note[40] = "";
    if ((offset->end & WR_END_HALF) != 0) {
        snprintf(half, sizeof half, " partial %" PRIu64, offset->half);
    }
    if (offset->note.len > 0) {
        snprintf(note, sizeof note, " framer %zu ", offset->note.len);
    }
    return (size_t)snprintf(to, cap, "offset %" PRIu64 "%s%s%s%s%.*s%s%s",
                            offset->end & ~WR_END_FLAGS,
                            (offset->end & WR_END_INSIDE) != 0 ? " inside" : "", half,
                            offset->decoded ? " decoded" : "", note, (int)offset->note.len,
                            offset->note.len > 0 ? offset->note.data : "",
                            offset->validator[0] != '\0' ? " " : "", offset->validator);
}

/* ---- texts that are valid from a number on */

struct wr_entry_text {
    uint64_t number; /* the first number it is valid for */
    char *text;
    size_t len;
};

static size_t cost_of(const struct wr_entry_text *entry)
{
    return sizeof *entry + entry->len + 1;
}

static void drop_first(struct wr_list_of_texts *list)
{
    struct wr_entry_text *entry = &list->entries[list->head++];
    list->base.bytes -= cost_of(entry);
    wr_budget_release_slots(list->budget, cost_of(entry));
    wr_free(entry->text);
    list->count--;
}

/* The last text with a number at or before this one; empty: there is none. */
static struct wr_text text_at(const struct wr_list_of_texts *list, uint64_t number)
{
    size_t low = list->head, high = list->head + list->count; /* entries[low..] begin after it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->entries[middle].number <= (number & ~WR_END_FLAGS)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == list->head) {
        return (struct wr_text){"", 0};
    }
    return (struct wr_text){list->entries[low - 1].text, list->entries[low - 1].len};
}

static struct wr_list_of_texts *list_of(struct wr_positions *positions)
{
    return WR_OWNER(positions, struct wr_list_of_texts, base);
}

static void forget_texts(struct wr_positions *positions, uint64_t before)
{
    struct wr_list_of_texts *list = list_of(positions);
    while (list->count > 1 && list->entries[list->head + 1].number <= (before & ~WR_END_FLAGS)) {
        drop_first(list);
    }
    if (list->head > list->count) {
        memmove(list->entries, list->entries + list->head, list->count * sizeof *list->entries);
        list->head = 0;
    }
}

static void drop_texts(struct wr_list_of_texts *list)
{
    while (list->count > 0) {
        drop_first(list);
    }
    wr_free(list->entries);
}

/* From this number on the text is valid, which is copied. 0 or WEIR_ENOMEM. */
static int add_text(struct wr_list_of_texts *list, uint64_t number, struct wr_text text)
{
    const struct wr_entry_text *last =
        list->count > 0 ? &list->entries[list->head + list->count - 1] : NULL;
    if (last != NULL && last->len == text.len &&
        (text.len == 0 || memcmp(last->text, text.data, text.len) == 0)) {
        return 0;
    }
    struct wr_entry_text entry = {number & ~WR_END_FLAGS, wr_alloc(text.len + 1), text.len};
    if (entry.text == NULL ||
        !wr_grow(&list->entries, sizeof *list->entries, list->head + list->count, &list->cap)) {
        wr_free(entry.text);
        return WEIR_ENOMEM;
    }
    if (text.len > 0) {
        memcpy(entry.text, text.data, text.len);
    }
    entry.text[text.len] = '\0';
    list->entries[list->head + list->count++] = entry;
    list->base.bytes += cost_of(&entry);
    wr_budget_take_slots(list->budget, cost_of(&entry));
    return 0;
}

/* ---- offsets */

static size_t offsets_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    const struct wr_offsets *offsets = WR_OWNER(list_of(positions), struct wr_offsets, notes);
    struct wr_offset offset = offsets->now;
    offset.end = number;
    offset.note = text_at(&offsets->notes, number);
    return offset_text(&offset, to, cap);
}

static void offsets_drop(struct wr_positions *positions)
{
    struct wr_offsets *offsets = WR_OWNER(list_of(positions), struct wr_offsets, notes);
    drop_texts(&offsets->notes);
    wr_free(offsets);
}

static const struct wr_positions_ops offsets_ops = {
    .text = offsets_text, .forget = forget_texts, .drop = offsets_drop};

struct wr_offsets *wr_offsets_keep(struct wr_origin *origin, const struct wr_offset *start)
{
    struct wr_offsets *offsets = wr_zalloc(sizeof *offsets);
    if (offsets == NULL) {
        return NULL;
    }
    offsets->notes.base.ops = &offsets_ops;
    offsets->notes.budget = origin->budget;
    offsets->now = *start;
    if (start->note.len > 0 && wr_offsets_note(offsets, 0, start->note) < 0) {
        offsets_drop(&offsets->notes.base);
        return NULL;
    }
    wr_origin_keep_positions(origin, &offsets->notes.base, start->end);
    return offsets;
}

int wr_offsets_note(struct wr_offsets *offsets, uint64_t number, struct wr_text note)
{
    return add_text(&offsets->notes, number, note);
}

/* ---- ids and the like */

struct wr_texts {
    struct wr_list_of_texts list;
    const char *word;
};

static size_t texts_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    const struct wr_texts *texts = WR_OWNER(list_of(positions), struct wr_texts, list);
    return (size_t)snprintf(to, cap, "%s %s", texts->word, text_at(&texts->list, number).data);
}

static void texts_drop(struct wr_positions *positions)
{
    struct wr_texts *texts = WR_OWNER(list_of(positions), struct wr_texts, list);
    drop_texts(&texts->list);
    wr_free(texts);
}

static const struct wr_positions_ops texts_ops = {
    .text = texts_text, .forget = forget_texts, .drop = texts_drop};

int wr_texts_add(struct wr_texts *texts, uint64_t number, struct wr_text text)
{
    return add_text(&texts->list, number, text);
}

struct wr_texts *wr_texts_keep(struct wr_origin *origin, struct wr_budget *budget, const char *word,
                               struct wr_text start)
{
    struct wr_texts *texts = wr_zalloc(sizeof *texts);
    if (texts == NULL) {
        return NULL;
    }
    texts->list.base.ops = &texts_ops;
    texts->list.budget = budget;
    texts->word = word;
    if (wr_texts_add(texts, 0, start) < 0) {
        texts_drop(&texts->list.base);
        return NULL;
    }
    wr_origin_keep_positions(origin, &texts->list.base, 0);
    return texts;
}

const char *wr_texts_read(const char *position, const char *word)
{
    return behind(position, word);
}
