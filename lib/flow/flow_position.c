/*
 * flow_position.c - offsets as text, and back.
 *
 * The positions belong to the origin, so they outlive the source, whose last items may still be
 * under way. Nothing here suspends.
 */
#include "flow_position.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

/* Behind `word` and a space, if the text begins so; else NULL. */
static const char *behind(const char *text, const char *word)
{
    size_t len = strlen(word);
    bool begins = strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '\0');
    return begins ? text + len + (text[len] == ' ') : NULL;
}

/* A number and what is behind it; NULL: there is none. */
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
