/*
 * flow_position.h - positions in an input that is read by offset (a file, a body), and in one whose
 * items have ids. Internal.
 *
 * By offset. A position number of the origin (bytes_origin.h) is the offset after an item. It has
 * WR_END_INSIDE if this offset is inside an item whose rest is not given. With WR_END_HALF it is
 * the offset before the item (flow_state_half.c). Its text is
 *
 *     offset 918233 [inside] [partial 12] [decoded] [framer 5 a,b,c] VALIDATOR
 *
 * "framer" is followed by the length and the text of what the framer needs there besides the offset
 * (wr_framer_ops.note). The validator shows that it is still the same file or body, in its source's own words. It extends
 * to the end of the text and may be empty.
 *
 * By texts (ids, tokens) that the far end gives with its items. The numbers are any numbers that
 * never decrease.
 *
 * Texts and notes are kept as long as a restart may need them, and charged to the loop's budget, as
 * slots. While one old item is held, the later texts stay. When the slots have used their half of the
 * budget, the source waits until the item settles (wr_origin_is_full).
 */
#ifndef WR_FLOW_POSITION_H
#define WR_FLOW_POSITION_H

#include "bytes_block.h"
#include "bytes_origin.h"
#include "codec_text.h"

enum { WR_STATE_VALIDATOR_MAX = 200 };

struct wr_offset {
    uint64_t end;        /* with WR_END_INSIDE or WR_END_HALF */
    uint64_t half;       /* with WR_END_HALF: how many bytes after it were given */
    bool decoded;        /* it counts bytes of a decoded body, which an HTTP range cannot name */
    struct wr_text note; /* the framer's; in the text that was read. len 0: none */
    char validator[WR_STATE_VALIDATOR_MAX + 32]; /* with words before it */
};

/* False: the text is not an offset. */
bool wr_offset_read(struct wr_offset *offset, const char *text);

/* Texts by number. Only flow_position.c may change it. */
struct wr_list_of_texts {
    struct wr_positions base;
    struct wr_budget *budget;
    struct wr_entry_text *entries; /* by number; [head, head + count) */
    size_t head, count, cap;
};

/* The positions of an origin. The source updates them when it learns more about its input. */
struct wr_offsets {
    struct wr_list_of_texts notes;
    struct wr_offset now; /* all except `end` and `note` */
};

/* Let the origin keep positions from start->end on. NULL: no memory. */
struct wr_offsets *wr_offsets_keep(struct wr_origin *origin, const struct wr_offset *start);

/* From this number on the framer needs this note, which is copied. 0 or WEIR_ENOMEM. */
int wr_offsets_note(struct wr_offsets *offsets, uint64_t number, struct wr_text note);

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
