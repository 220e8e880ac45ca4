/*
 * flow_position.h - positions in an input that is read by offset (a file, a body), and in one whose
 * items have ids. Internal.
 *
 * By offset. A position number of the origin (bytes_origin.h) is the offset after an item. It has
 * WR_END_INSIDE if this offset is inside an item whose rest is not given. With WR_END_HALF it is
 * the offset before the item (flow_state_half.c). Its text is
 *
 *     offset 918233 [inside] [partial 12] [decoded] VALIDATOR
 *
 * The validator shows that it is still the same file or body, in its source's own words. It extends
 * to the end of the text and may be empty.
 *
 * By texts (ids, tokens) that the far end gives with its items. The numbers are any numbers that
 * never decrease. The texts are kept as long as a restart may need them, and charged to the loop's
 * budget.
 */
#ifndef WR_FLOW_POSITION_H
#define WR_FLOW_POSITION_H

#include "bytes_block.h"
#include "bytes_origin.h"
#include "codec_text.h"

enum { WR_STATE_VALIDATOR_MAX = 200 };

struct wr_offset {
    uint64_t end;  /* with WR_END_INSIDE or WR_END_HALF */
    uint64_t half; /* with WR_END_HALF: how many bytes after it were given */
    bool decoded;  /* it counts bytes of a decoded body, which an HTTP range cannot name */
    char validator[WR_STATE_VALIDATOR_MAX + 16]; /* with a word before it */
};

/* False: the text is not an offset. */
bool wr_offset_read(struct wr_offset *offset, const char *text);
/* As snprintf. */
size_t wr_offset_text(const struct wr_offset *offset, char *to, size_t cap);

/* The positions of an origin. The source updates them when it learns more about its input. */
struct wr_offsets {
    struct wr_positions base;
    struct wr_offset now; /* all except `end` */
};

/* Let the origin keep positions from start->end on. NULL: no memory. */
struct wr_offsets *wr_offsets_keep(struct wr_origin *origin, const struct wr_offset *start);

struct wr_texts;
/* Let the origin keep positions that are texts, "WORD TEXT"; word is static. start: the text for
 * number 0, copied. NULL: no memory. */
struct wr_texts *wr_texts_keep(struct wr_origin *origin, struct wr_budget *budget, const char *word,
                               struct wr_text start);
/* From this number on a restart continues after `text`, which is copied. 0 or WEIR_ENOMEM. */
int wr_texts_add(struct wr_texts *texts, uint64_t number, struct wr_text text);
/* The text in "WORD TEXT"; NULL: the position is of another kind. */
const char *wr_texts_read(const char *position, const char *word);

#endif
