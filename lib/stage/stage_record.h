/*
 * stage_record.h - the shared part of the stages that make records of texts: logfmt, clf, syslog and
 * others. Internal.
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
 *
 * A text may also hold several records, as a datagram does: see wr_records_ops. The receipt of the
 * text settles when all its records have settled.
 */
#ifndef WR_STAGE_RECORD_H
#define WR_STAGE_RECORD_H

#include <weir/module.h>

#include "codec_fields.h"
#include "stage_made.h"
#include "stage_written.h"

struct wr_record_ops {
    const char *kind; /* the name of the stage */
    /* Read one text; `fields` is empty, but for the flags of the item. 0; WR_FIELDS_NONE: the item
     * counts as filtered; WEIR_EPARSE: wr_fields_bad says why; WEIR_ENOMEM. */
    int (*read)(void *self, weir_slice text, struct wr_fields *fields);
    /* Free what self holds. Runs once, also when nothing was ever read. NULL: nothing to do. */
    void (*drop)(void *self);
    /* The memory that it holds, if that may be much (wr_gen_scratch). NULL: it is little. */
    size_t (*bytes)(const void *self);
    /* How a record, or a JSON value, is written: such an item is not read then. NULL: a record is
     * read as any other event. */
    const struct wr_written_ops *written;
    uint32_t (*flags)(const void *self); /* of the texts written; NULL: 0 */
};

/* Of texts that may hold several records. */
struct wr_records_ops {
    const char *kind; /* the name of the stage */
    /* A new text begins. The item is lent until its last record has been read. */
    void (*begin)(void *self, const weir_item *item, weir_slice text);
    /* Read the next record of the text; `fields` is empty. fields->body is its own part of the text,
     * if it is not all of it. 0; WR_FIELDS_NONE: there are no more; WEIR_EPARSE: a part of the text
     * is malformed, and the call after it goes on behind that part; WEIR_ENOMEM. Malformed parts
     * make the text a rejected one: once, after its other records, with the first reason. A text
     * without a record counts as filtered. */
    int (*read)(void *self, weir_slice text, struct wr_fields *fields);
    void (*drop)(void *self); /* as above */
    size_t (*bytes)(const void *self);
};

/* The traits of such a component, and the shapes that it takes. */
#define WR_RECORD_TRAITS (WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS)
#define WR_RECORD_TAKES (WEIR_SHAPE_LINE | WEIR_SHAPE_EVENT)
/* The shapes of one that also writes. */
#define WR_RECORD_BOTH                          \
    .takes = WR_RECORD_TAKES | WEIR_SHAPE_JSON, \
    .gives = (uint32_t)WEIR_SHAPE_RECORD | WEIR_SHAPE_LINE, .gives_of = wr_written_gives

/* The help of their flag `numbers`, which calls wr_fields_type_numbers. */
#define WR_RECORD_NUMBERS                                                                       \
    "a value that is a number, as JSON writes it, is one in expressions and JSON (007 stays a " \
    "string)"

/* up: taken. self: self_len bytes, copied; what it points to belongs to the stage from then on, also
 * when the stage could not be made. */
struct weir_gen *wr_record_stage(WEIR_TAKES struct weir_gen *up, const struct wr_record_ops *ops,
                                 const void *self, size_t self_len);
/* The same for texts that may hold several records. */
struct weir_gen *wr_records_stage(WEIR_TAKES struct weir_gen *up, const struct wr_records_ops *ops,
                                  const void *self, size_t self_len);

/* ---- inside the two stages */

/* Where records are built. */
struct wr_record_room {
    struct wr_made made;
    const weir_slice *names;        /* shared by the records in a block */
    const struct weir_block *named; /* ... which is this one ... */
    uint32_t names_shared;          /* ... fields.shared of them ... */
    size_t names_count;             /* ... and how many */
    /* What came with the last message, in the block: the next one of this call may have the same. */
    const weir_event *message;         /* NULL: none in this call */
    const struct weir_block *messaged; /* the block that it is in */
    weir_event of;                     /* the message that it was copied from */
};

/* A new call: what was shared in the last one is over. */
static inline void wr_record_room_begin(struct wr_record_room *room)
{
    room->named = NULL;
    room->message = NULL;
}

/* Make the item a record of the fields; text: what the item's bytes are; left: records that this
 * call may still make. 0, WEIR_EBUDGET or WEIR_ENOMEM. */
int wr_record_build(struct wr_record_room *room, struct weir_gen *gen, weir_item *item,
                    const struct wr_fields *fields, weir_slice text, size_t left);

/* stage_csv.c: as `csv header` (delim ','), or as `tsv header` (delim '\t'). */
weir_gen *wr_rows_open(const weir_opening *opening, WEIR_TAKES weir_gen *up, char delim);

#endif
