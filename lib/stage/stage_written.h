/*
 * stage_written.h - a record or a JSON value in, one text out: the encoding half of csv, logfmt and
 * the other formats that work in both directions. Internal.
 *
 * A stage of stage_record.h whose ops have `write` gives what is a record or JSON already to this, and
 * reads the rest: the direction depends on each item, and the plan knows it from the shapes.
 */
#ifndef WR_STAGE_WRITTEN_H
#define WR_STAGE_WRITTEN_H

#include "codec_row.h"
#include "stage_made.h"

struct wr_written_ops {
    /* Write what stands before the first text, if the row allows that. May be called again, until the
     * text has been given. 1: the text; 0: there is none; WEIR_EPARSE: the row is not valid, and
     * the next one is tried; WEIR_ENOMEM. NULL: nothing stands there. */
    int (*head)(void *self, struct wr_out *out, struct wr_fields *fields, const struct wr_row *row);
    /* Write a row. May be called again. 0; WEIR_EPARSE: wr_fields_bad says why; WEIR_ENOMEM. */
    int (*write)(void *self, struct wr_out *out, struct wr_fields *fields,
                 const struct wr_row *row);
    /* The same for a JSON value as a whole. NULL: write gets its members. */
    int (*write_json)(void *self, struct wr_out *out, struct wr_fields *fields,
                      const struct wr_json *json);
};

struct wr_written {
    struct wr_json json;
    struct wr_fields fields;
    bool headed; /* what stands before the first text has been given */
};

/* bytes_max: of memory for the tokens of one JSON text. */
void wr_written_init(struct wr_written *written, size_t bytes_max);
/* Parts of wr_made.scratch and wr_made.trim. */
size_t wr_written_bytes(const struct wr_written *written);
void wr_written_trim(struct wr_written *written);
void wr_written_fini(struct wr_written *written);
/* Is the item one that is written, not read? */
static inline bool wr_written_takes(const weir_item *item)
{
    const weir_event *event = weir_event_of(item);
    return item->type == &weir_json_type || (event != NULL && event->kind == WEIR_EVENT_RECORD);
}
/* What a stage gives that reads records and writes texts, for gives_of. */
uint32_t wr_written_gives(const void *args, uint32_t shape);
/* For wr_made.read: make the item its text, with these flags. */
int wr_written_read(struct wr_written *written, const struct wr_written_ops *ops, void *self,
                    struct wr_made *made, struct weir_gen *gen, weir_item *item, size_t left,
                    uint32_t flags);

#endif
