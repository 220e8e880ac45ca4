/*
 * codec_journal.h - entries of the systemd journal in its export format
 * (https://systemd.io/JOURNAL_EXPORT_FORMATS). Sans-I/O.
 *
 *     NAME=value LF                        a field whose value is text without a line end
 *     NAME LF length data LF               any value: 8 bytes of length, little-endian
 *     LF                                   the end of an entry
 */
#ifndef WR_CODEC_JOURNAL_H
#define WR_CODEC_JOURNAL_H

#include "codec_fields.h"
#include "codec_framer.h"

enum { WR_JOURNAL_NAME_MAX = 256 /* bytes of a field's name; the journal allows 64 */ };

/* Cuts entries: an item is the fields of one. The limit counts these; a longer entry is skipped, or a
 * failure. Lines without a field between entries are left out. */
extern const struct wr_framer_ops wr_journal_framer;

/* A decoder of records: see codec_fields.h. The fields of an entry, in their order. Those that the
 * journal defines as numbers (PRIORITY, _PID, __REALTIME_TIMESTAMP ...) are numbers. */
int wr_journal_read(struct wr_fields *fields, weir_slice text);

#endif
