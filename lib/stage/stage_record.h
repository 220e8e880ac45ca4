/*
 * stage_record.h - the shared part of the stages that make a record of each text: logfmt, clf,
 * syslog and others. Internal.
 *
 * Such a stage is a decoder (codec_fields.h) and a descriptor:
 *
 *     static int read_logfmt(void *self, weir_slice text, struct wr_fields *fields)
 *     {
 *         (void)self;
 *         return wr_logfmt_read(fields, text);
 *     }
 *     static const struct wr_record_ops logfmt_ops = {.kind = "logfmt", .read = read_logfmt};
 *     static weir_gen *logfmt_open(const weir_opening *opening, weir_gen *up, const void *args)
 *     {
 *         return wr_record_stage(up, &logfmt_ops, NULL, 0);
 *     }
 *
 * The text is a line, or the body of an event. The record is a weir_event of the kind
 * WEIR_EVENT_RECORD: its body is the text as it came. A text that is not valid is rejected
 * (wr_gen_reject) with the problem, its position and an excerpt; on-error= says what happens then.
 */
#ifndef WR_STAGE_RECORD_H
#define WR_STAGE_RECORD_H

#include "codec_fields.h"
#include "flow_gen.h"

struct wr_record_ops {
    const char *kind; /* the name of the stage */
    /* Read one text; `fields` is empty, but for the flags of the item. 0; WR_FIELDS_NONE: the item counts as filtered; WEIR_EPARSE:
     * wr_fields_bad says why; WEIR_ENOMEM. */
    int (*read)(void *self, weir_slice text, struct wr_fields *fields);
    /* Free what self holds. Runs once, also when nothing was ever read. NULL: nothing to do. */
    void (*drop)(void *self);
};

/* The traits of such a component, and the shapes that it takes. */
#define WR_RECORD_TRAITS (WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS)
#define WR_RECORD_TAKES (WEIR_SHAPE_LINE | WEIR_SHAPE_EVENT)

/* up: taken. self: self_len bytes, copied; what it points to belongs to the stage from then on, also
 * when the stage could not be made. */
struct weir_gen *wr_record_stage(WEIR_TAKES struct weir_gen *up, const struct wr_record_ops *ops,
                                 const void *self, size_t self_len);

#endif
