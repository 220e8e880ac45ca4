/*
 * stage_text.h - one text in, one text out or a rejection: what utf8 and encode share. Internal.
 */
#ifndef WR_STAGE_TEXT_H
#define WR_STAGE_TEXT_H

#include "flow_gen.h"

#define WR_TEXT_SAME SIZE_MAX      /* the item is passed on as it is */
#define WR_TEXT_BAD (SIZE_MAX - 1) /* it is rejected */
enum { WR_TEXT_REASON = 128 };

struct wr_text_ops {
    const char *kind; /* the name of the stage */
    /* The length of the new text, WR_TEXT_SAME, or WR_TEXT_BAD with the reason. `how` is what the
     * stage was made with. */
    size_t (*measure)(int how, weir_slice text, char reason[WR_TEXT_REASON]);
    /* Write the new text, which is as long as measured. */
    void (*write)(int how, weir_slice text, char *to);
};

/* up: taken. The items keep their line ends. */
struct weir_gen *wr_text_stage(WEIR_TAKES struct weir_gen *up, const struct wr_text_ops *ops,
                               int how);

#endif
