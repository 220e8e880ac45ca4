/*
 * codec_row.h - names with values, as the encoders of csv, logfmt and others get them: the fields of
 * a record, the members of a JSON object, or the elements of an array. Sans-I/O.
 */
#ifndef WR_CODEC_ROW_H
#define WR_CODEC_ROW_H

#include "codec_fields.h"
#include "codec_json.h"
#include "codec_out.h"

struct wr_row {
    const weir_slice *names, *values;
    const uint8_t *kinds; /* of the values, enum weir_value_kind; NULL: all are strings */
    size_t count;
    weir_slice text; /* what it was read from */
    bool list;       /* an array: its names are those of the places */
};

static inline struct wr_row wr_row_of_event(const weir_event *event)
{
    return (struct wr_row){.names = event->names,
                           .values = event->values,
                           .kinds = event->kinds,
                           .count = event->fields_count,
                           .text = event->body};
}
/*
 * The members of an object in their order, each name once: the last of equal ones counts, in the
 * place of the first. The elements of an array have the names 1, 2, 3, ... Strings are decoded, what
 * is nested is its JSON text without white space, and null is empty, of the kind WEIR_VALUE_NULL.
 *
 * row      [out] valid until `fields`, where it is made, or the text changes.
 * Returns  0; WEIR_EPARSE: neither an object nor an array, or too many members (wr_fields_bad);
 *          WEIR_ENOMEM.
 */
WEIR_MUST_CHECK int wr_row_of_json(struct wr_fields *fields, const struct wr_json *json,
                                   struct wr_row *row);

static inline uint8_t wr_row_kind(const struct wr_row *row, size_t i)
{
    return row->kinds != NULL ? row->kinds[i] : (uint8_t)WEIR_VALUE_STRING;
}
/* The row cannot be written because of one of its names or values: as wr_fields_bad. */
int wr_row_bad(struct wr_fields *fields, const struct wr_row *row, weir_slice part,
               const char *problem);

#endif
