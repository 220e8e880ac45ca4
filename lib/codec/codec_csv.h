/*
 * codec_csv.h - rows of values (RFC 4180): a framer that cuts bytes into rows, and a reader of the
 * fields of one row. Sans-I/O.
 *
 * A row ends at a line end (LF, or CR LF) that is not in quotes. A quote begins a quoted value only
 * at the start of a value; two quotes in it mean one. A quote elsewhere is data.
 */
#ifndef WR_CODEC_CSV_H
#define WR_CODEC_CSV_H

#include "codec_fields.h"
#include "codec_framer.h"

/*
 * The framer of rows. Frames are rows without their line end, and without a byte order mark at the
 * start of the input. With a header, the first row of an input that is not empty has the flag
 * WEIR_ITEM_HEADER. After a restart in the middle of an input (resume), the first frame is that row
 * again, with a raw_len of 0.
 *
 * A quoted value that does not end within the limit of a row, or before the end of the input, must
 * not take the rows behind it along: such a row ends at its first line end, which is in the value,
 * and the next one begins after it. The reader of fields then finds the value without an end.
 * WEIR_LONG_PARTS is WEIR_LONG_SKIP here.
 */
extern const struct wr_framer_ops wr_csv_framer;

/* For wr_framer_init and wr_framer_fini. 0 or WEIR_ENOMEM. */
int wr_csv_init(struct wr_framer *framer);
void wr_csv_fini(struct wr_framer *framer);
/* Before the first bytes. delim: between values, not a quote, CR or LF; the default is a comma. */
void wr_csv_set(struct wr_framer *framer, char delim, bool header);
/* The bytes continue elsewhere: a row begins there. at_start: it is the start of an input. */
void wr_csv_restart(struct wr_framer *framer, bool at_start);

/*
 * Read the values of one row into fields->values; the names are not set. A value in quotes is given
 * without them. 0, WEIR_EPARSE or WEIR_ENOMEM.
 */
int wr_csv_row(struct wr_fields *fields, weir_slice row, char delim);

#endif
