/*
 * source_lines.h - from received bytes to line items: what all line sources share. Internal.
 *
 * A line reader owns the blocks that are being filled, the unfinished line in them, and the loan of
 * the blocks whose lines were given in the last call. A source asks for room, receives straight
 * into it, says how much came, and takes lines out:
 *
 *     wr_lines_over_loan(&reader);         the reader's next call: let go of what was lent
 *     while ((n = wr_lines_take(&reader, gen, items, max, &over)) == 0 && !over) {
 *         char *to;
 *         size_t room;
 *         rc = wr_lines_room(&reader, &to, &room);     WEIR_EBUDGET, WEIR_ENOMEM
 *         got = recv(to, room);
 *         wr_lines_came(&reader, got);     or wr_lines_end; before a wait: wr_lines_came(.., 0)
 *     }
 *
 * Nothing suspends here. A reader that waits (wr_lines_came with 0) without an unfinished line
 * holds no block. Bytes may also come while nobody takes (a callback that copies): full blocks
 * queue up, and the caller brakes by wr_lines_pending.
 */
#ifndef WR_SOURCE_LINES_H
#define WR_SOURCE_LINES_H

#include <weir/module.h>

#include "codec_lines.h"
#include "flow_gen.h"

struct wr_line_reader {
    struct weir_loop *loop;
    struct wr_lines lines;
    struct weir_block *full;    /* filled before `block`: complete lines, oldest first; by next */
    struct weir_block *block;   /* being filled; NULL: none */
    size_t start;               /* first byte not yet given, in the oldest block */
    size_t pending;             /* bytes received and not yet given */
    struct weir_block *lent[2]; /* blocks of the last call's lines, one reference each */
    bool end;                   /* no more bytes will come */
    bool keep_ends;           /* push each line's end offset to the origin (a state is attached) */
    uint64_t overlong_told;   /* overlong lines already counted */
    uint64_t overlong_logged; /* ... and logged */
    uint64_t given_end; /* offset behind the last line given or skipped: where a resume within the
                           run goes on */
    uint64_t bytes;     /* received */
};

/* line_bytes_max, overlong: as in weir_lines_options (0: 1 MiB, WEIR_NONE: no limit;
 * WEIR_LONG_...). */
void wr_lines_reader_init(struct wr_line_reader *reader, struct weir_loop *loop,
                          int64_t line_bytes_max, int32_t overlong, uint64_t offset);
void wr_lines_reader_fini(struct wr_line_reader *reader);
void wr_lines_over_loan(struct wr_line_reader *reader);
/* Up to max lines as items, numbered and lent. 0: more bytes are needed, or with *over the end was
 * reached. An overlong line under the fail policy sets gen's failure and *over. A skipped one
 * counts in the ledger: in + 1 and rejected + 1, and is logged (folded: the first with its offset
 * and length, then counts at powers of ten). */
size_t wr_lines_take(struct wr_line_reader *reader, struct weir_gen *gen, weir_item *items,
                     size_t max, bool *over);
/* Where the next bytes go; room >= 1. 0, WEIR_ENOMEM or WEIR_EBUDGET. The place is valid until the
 * next call. */
int wr_lines_room(struct wr_line_reader *reader, char **to, size_t *room);
/* The same with room for at least `want` bytes, at most WR_LINES_WANT_MAX: for who must take a
 * piece whole or not. */
enum { WR_LINES_WANT_MAX = 64 * 1024 };
int wr_lines_room_for(struct wr_line_reader *reader, size_t want, char **to);
/* After WEIR_EBUDGET: why waiting for the budget cannot help, since all that is charged is this
 * reader's own; NULL: it can. */
const char *wr_lines_stuck(const struct wr_line_reader *reader);
/* For wr_gen_ops.held, while a pull waits for the budget. */
int64_t wr_lines_held(const struct wr_line_reader *reader, uint32_t mark);
/* So many bytes are there now. 0: nothing came and the caller is about to wait. */
void wr_lines_came(struct wr_line_reader *reader, size_t bytes);
void wr_lines_end(struct wr_line_reader *reader);
/* Bytes received and not yet given as lines. */
size_t wr_lines_pending(const struct wr_line_reader *reader);
/* Forget the unfinished line (and unread bytes) and go on at `offset` of the stream: a reconnect.
 * At given_end it goes on as if nothing had happened, also inside an overlong line. */
void wr_lines_restart(struct wr_line_reader *reader, uint64_t offset);
/* The same where another reader has left off, at an end offset that it has kept: with WR_END_INSIDE
 * the bytes up to the next line end belong to a line that was cut or skipped, and are dropped. */
void wr_lines_resume(struct wr_line_reader *reader, uint64_t end);

/* ---- the component `lines` (source_split.c) */

extern const weir_component wr_component_lines;
/* What a source is to be read by: the limits of a `lines` that is joined to it, and the state. */
weir_lines_options wr_lines_of_opening(const weir_opening *opening);

#endif
