/*
 * codec_packed_write.h - JSON values and records as MessagePack or CBOR. Sans-I/O.
 *
 * Everything is written in its shortest form. Whole numbers of up to 64 bits (CBOR: and a sign) are integers, all
 * others reals of double precision. Text that is not UTF-8, which only a record may have, is written
 * as bytes. Members stand as they come: of equal keys, most readers take the last one.
 */
#ifndef WR_CODEC_PACKED_WRITE_H
#define WR_CODEC_PACKED_WRITE_H

#include "codec_packed.h"
#include "codec_row.h"

/* Write the head of a kind: see struct wr_packed_head. A text is followed by its bytes, a container by
 * its values. Not for WR_PACKED_EXT, _TAG and _BREAK. */
typedef void wr_packed_write(struct wr_out *out, const struct wr_packed_head *head);
wr_packed_write wr_msgpack_write, wr_cbor_write;

/* One JSON value. fields: scratch, and the problem. 0; WEIR_EPARSE: a number that is too large
 * (wr_fields_bad); WEIR_ENOMEM. */
WEIR_MUST_CHECK int wr_packed_write_json(struct wr_out *out, struct wr_fields *fields,
                                         wr_packed_write *write, const struct wr_json *json);
/* A map of the members of a row. The same results. */
WEIR_MUST_CHECK int wr_packed_write_row(struct wr_out *out, struct wr_fields *fields,
                                        wr_packed_write *write, const struct wr_row *row);

#endif
