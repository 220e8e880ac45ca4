/*
 * codec_logfmt.h - pairs of names and values in a line: logfmt, and other notations of pairs.
 * Sans-I/O. The readers are decoders of records: see codec_fields.h. What the writers write is read
 * back as the same names and values.
 */
#ifndef WR_CODEC_LOGFMT_H
#define WR_CODEC_LOGFMT_H

#include "codec_row.h"

/*
 * level=info msg="user \"ann\" logged in" cached
 *
 * Pairs are separated by blanks and control characters. A name is anything else without = and ". A
 * name without = has the value true. A value in quotes may hold the escapes of C and JSON; another
 * one ends at a blank and holds no quote. Names may occur more than once. A text without a pair is
 * rejected.
 */
int wr_logfmt_read(struct wr_fields *fields, weir_slice text);
/* Values with blanks, =, quotes, backslashes or control characters stand in quotes. 0; WEIR_EPARSE:
 * a name that is not allowed, or no members (wr_fields_bad). */
WEIR_MUST_CHECK int wr_logfmt_write(struct wr_out *out, struct wr_fields *fields,
                                    const struct wr_row *row);

/* How pairs are written. */
struct wr_kv {
    weir_slice delim; /* between pairs; empty: blanks */
    weir_slice sep;   /* between a name and its value; not empty */
};
/*
 * With delim , and sep : this is   a: 1, b: "x, y", c
 *
 * Blanks around names and values are removed. A name without a separator has the value true. A
 * value that begins with a quote ends with the next one that has no backslash before it; \" and \\
 * in it mean " and \. Empty pairs are passed over; a text without a pair is rejected.
 */
int wr_kv_read(struct wr_fields *fields, weir_slice text, const struct wr_kv *kv);
/* Values that hold a separator or a quote, or a blank at an end, stand in quotes. 0; WEIR_EPARSE: a
 * name that is not allowed, a value with a line end, or no members (wr_fields_bad). */
WEIR_MUST_CHECK int wr_kv_write(struct wr_out *out, struct wr_fields *fields,
                                const struct wr_row *row, const struct wr_kv *kv);

#endif
