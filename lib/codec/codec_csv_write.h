/*
 * codec_csv_write.h - writing rows of values (RFC 4180): what wr_csv_row reads back. Sans-I/O.
 */
#ifndef WR_CODEC_CSV_WRITE_H
#define WR_CODEC_CSV_WRITE_H

#include "codec_row.h"

enum wr_csv_quote {
    WR_CSV_MINIMAL,   /* what could not be read back without quotes */
    WR_CSV_ALL,       /* every value */
    WR_CSV_NONNUMERIC /* every value that is neither a number nor null */
};

struct wr_csv_style {
    char delim; /* between values, not a quote, CR or LF */
    enum wr_csv_quote quote;
    /* A value that a spreadsheet would take for a formula gets a ' before it: one that begins with
     * = + - @ or a control character and is no number. */
    bool safe;
    /* A member of a row that is no column is left out; false: the row is not valid. */
    bool others;
};

/* The columns, without a line end. */
struct wr_csv_columns {
    const weir_slice *names;
    size_t count;
    /* For rows whose members stand in another order; NULL: there was none yet. */
    uint32_t *sorted; /* the columns by their names, and equal ones in their order */
    uint32_t *member; /* of each column, in this row, from 1; 0: none */
    uint32_t *taken;  /* of the first of equal columns: how many have a member */
};
/* Frees what wr_csv_write has made, but not the names. */
void wr_csv_columns_fini(struct wr_csv_columns *columns);

void wr_csv_header(struct wr_out *out, const struct wr_csv_style *style,
                   const struct wr_csv_columns *columns);
/*
 * One row, without a line end: for each column the value of the member with its name, empty if there
 * is none. A row of one empty value is "", since an empty line is no row.
 *
 * Returns  0; WEIR_EPARSE: a member is no column (wr_fields_bad); WEIR_ENOMEM.
 */
WEIR_MUST_CHECK int wr_csv_write(struct wr_out *out, struct wr_fields *fields,
                                 const struct wr_csv_style *style, struct wr_csv_columns *columns,
                                 const struct wr_row *row);

#endif
