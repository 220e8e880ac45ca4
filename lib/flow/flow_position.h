/*
 * flow_position.h - positions: of what is read by offset (a file, a body), and of what has ids.
 * Internal.
 *
 * By offset. A number of the origin (bytes_origin.h) is the offset behind an item, with
 * WR_END_INSIDE where that lies inside an item of which nothing more is to be given; or the one
 * before it, with WR_END_HALF (flow_state_half.c). Its text is
 *
 *     offset 918233 [inside] [partial 12] [decoded] VALIDATOR
 *
 * where the validator is what tells that it is still the same file or body, in its source's words:
 * it goes on to the end of the text and may be empty.
 *
 * By texts (ids, tokens) that the far end gives with its items. A number is any that does not fall;
 * the texts are kept as long as a restart may ask for them, and charged to the loop's budget.
 */
#ifndef WR_FLOW_POSITION_H
#define WR_FLOW_POSITION_H

#include "bytes_block.h"
#include "bytes_origin.h"
#include "codec_text.h"

enum { WR_STATE_VALIDATOR_MAX = 200 };

struct wr_offset {
    uint64_t end;  /* with WR_END_INSIDE or WR_END_HALF */
    uint64_t half; /* with WR_END_HALF: so many bytes behind it were given */
    bool decoded;  /* it counts bytes of a decoded body, which no range can name */
    char validator[WR_STATE_VALIDATOR_MAX + 16]; /* with a word before it */
};

/* False: the text is none. */
bool wr_offset_read(struct wr_offset *offset, const char *text);
/* As snprintf. */
size_t wr_offset_text(const struct wr_offset *offset, char *to, size_t cap);

/* The positions of an origin, to be changed as long as the source knows more about them. */
struct wr_offsets {
    struct wr_positions base;
    struct wr_offset now; /* but for `end` */
};

/* Let the origin keep positions from start.end on. NULL: no memory. */
struct wr_offsets *wr_offsets_keep(struct wr_origin *origin, const struct wr_offset *start);

struct wr_texts;
/* Let the origin keep positions that are texts, "WORD TEXT"; word is static. start: the text of the
 * number 0, copied. NULL: no memory. */
struct wr_texts *wr_texts_keep(struct wr_origin *origin, struct wr_budget *budget, const char *word,
                               struct wr_text start);
/* From this number on a restart goes on behind `text`, which is copied. 0 or WEIR_ENOMEM. */
int wr_texts_add(struct wr_texts *texts, uint64_t number, struct wr_text text);
/* The text in "WORD TEXT"; NULL: the position is of another kind. */
const char *wr_texts_read(const char *position, const char *word);

#endif
