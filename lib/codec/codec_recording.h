/*
 * codec_recording.h - the format of a recording: what a source received, piece by piece, with the
 * times. Sans-I/O. Internal.
 *
 * A file begins with the 8 bytes WR_RECORDING_MAGIC. Then come records, each with a head of 16 bytes:
 *
 *     0      kind, one of enum wr_record_kind
 *     1..3   length of the content, at most WR_RECORD_BYTES_MAX
 *     4..11  time in ns since the recording began
 *     12..15 CRC-32 of these 12 bytes and the content
 *
 * and then the content. Numbers are little-endian. Records are complete in themselves, so a file that
 * was cut is good up to the last complete one. The first record is the header, a later version of
 * the format has another magic.
 */
#ifndef WR_CODEC_RECORDING_H
#define WR_CODEC_RECORDING_H

#include "codec_text.h"

#define WR_RECORDING_MAGIC "weirrec1"
enum { WR_RECORDING_MAGIC_BYTES = 8, WR_RECORD_HEAD_BYTES = 16, WR_RECORD_BYTES_MAX = 1 << 20 };

enum wr_record_kind {
    WR_RECORD_HEADER = 'W',    /* about the recording: lines of "NAME VALUE" */
    WR_RECORD_REQUEST = 'Q',   /* a request is sent, or a connection is opened: its text, without
                                  secrets */
    WR_RECORD_CONNECTED = 'C', /* the connection stands */
    WR_RECORD_HEAD_LINE = 'H', /* one line of the head or trailer of an HTTP response */
    WR_RECORD_DATA = 'D',      /* bytes, as they came at once */
    WR_RECORD_END = 'E',       /* the end of the stream or response; 1 byte: 1, if complete */
    WR_RECORD_CUT = 'U',       /* after END: the end may be a cut */
    WR_RECORD_FAILURE = 'F',   /* why the attempt has failed: struct wr_recorded_failure */
    WR_RECORD_LATE = 'T',      /* the same; weir has given up waiting */
    WR_RECORD_OVER = 'Z' /* the last record: how the run has ended; a failure with code 0 if well */
};

struct wr_recorded {
    enum wr_record_kind kind;
    int64_t ns;
    const char *data;
    size_t len;
};

/* A failure: code, detail and a byte that says whether another attempt is useful, then its text. */
struct wr_recorded_failure {
    int code, detail;
    bool retry;
    struct wr_text text;
};
enum { WR_RECORD_FAILURE_BYTES = 9 };

/* Write the head of a record. data, len: its content, of which the head has the check sum. */
void wr_recorded_write(char head[WR_RECORD_HEAD_BYTES], enum wr_record_kind kind, int64_t ns,
                       const void *data, size_t len);
/*
 * Read the record at the start of `text`.
 *
 * record   [out] its content is a slice of `text`.
 * need     [out] with 0: the bytes that a call needs at least, more than text.len.
 * Returns  the bytes of the record; 0: more bytes are needed; WEIR_EPARSE: it is damaged.
 */
int64_t wr_recorded_read(struct wr_text text, struct wr_recorded *record, size_t *need);

/* The first WR_RECORD_FAILURE_BYTES of a failure's content; its text follows. */
void wr_recorded_failure_write(char to[WR_RECORD_FAILURE_BYTES],
                               const struct wr_recorded_failure *failure);
/* False: the content is too short, or its code is above 0. */
bool wr_recorded_failure_read(const struct wr_recorded *record, struct wr_recorded_failure *to);

/* The value of a line of the header; absent: there is no such line. */
struct wr_text wr_recorded_header(const struct wr_recorded *header, const char *name);

#endif
