/*
 * flow_inbox.h - from received bytes to items: every source of bytes and every framing stage has an
 * inbox. Internal.
 *
 * An inbox owns the blocks that are being filled, the unfinished item in them, and the loan of the
 * blocks whose items were given in the last call. Its framer (codec_framer.h) cuts the bytes. A
 * source asks for room, receives straight into it, reports how much came, and takes items out:
 *
 *     wr_inbox_over_loan(&inbox, gen->origin);      the reader's next call: the last loan ends
 *     while ((n = wr_inbox_take(&inbox, gen, items, max, &over)) == 0 && !over) {
 *         char *to;
 *         size_t room;
 *         rc = wr_inbox_room(&inbox, &to, &room);     WEIR_EBUDGET, WEIR_ENOMEM
 *         got = recv(to, room);
 *         wr_inbox_came(&inbox, got);     or wr_inbox_end; before a wait: wr_inbox_came(.., 0)
 *     }
 *
 * Nothing suspends here. An inbox that waits (wr_inbox_came with 0) without an unfinished item
 * holds no block. Bytes may also come while the reader takes nothing (a callback that copies): full
 * blocks queue up, and the caller uses wr_inbox_pending to slow its input down.
 *
 * An item that is given in pieces (WEIR_ITEM_PART) is one item: all its pieces have the same
 * number, and it stays lent until the call after its last piece.
 */
#ifndef WR_FLOW_INBOX_H
#define WR_FLOW_INBOX_H

#include "codec_framer.h"
#include "codec_repeats.h"
#include "flow_gen.h"
#include "flow_position.h"

struct wr_inbox {
    struct weir_loop *loop;
    struct weir_gen *gen; /* the source or stage that owns the inbox */
    struct wr_framer framer;
    struct wr_origin *origin;   /* of the items; NULL before the first take: the generator's own. A
                                   source of several parts sets the part's */
    struct weir_block *full;    /* filled before `block`: whole items, oldest first; by next */
    struct weir_block *block;   /* being filled; NULL: none */
    size_t start;               /* first byte not yet given, in the oldest block */
    size_t pending;             /* bytes received and not yet given */
    struct weir_block *lent[2]; /* blocks of the last call's items, one reference each */
    struct weir_block *values;  /* the same for values, each in a block of its own; by next */
    bool end;                   /* no more bytes will come */
    bool open;                  /* the last item given has more pieces */
    bool half;                  /* the rest is half an item; its position is the offset before it */
    bool keep_ends; /* push each item's end offset to the origin (a state is attached) */
    struct wr_offsets *offsets; /* the origin's: where the framer's notes are kept; NULL: none */
    uint32_t notes;             /* of the framer, that are kept */
    bool limited;               /* the limit of an item is a part of the budget */
    bool late;                  /* it has begun after bytes that an earlier run has read */
    bool starved;               /* the framer needs memory, but the budget is used up */
    uint64_t overlong_counted;  /* overlong items already counted */
    uint64_t overlong_logged;   /* ... and logged */
    uint64_t given_end; /* offset after the last item given or skipped: a resume within the run
                           continues there */
    uint64_t bytes;     /* received */
    /* For a source with many inputs, of which one may fail: the failure of the framer is stored here,
     * and gen does not fail; its offset and message are set. NULL: gen fails. */
    weir_error *failure;
    bool quiet; /* overlong items are not logged */
    /* The source's: what was given, to leave out what a new stream repeats. NULL: nothing is
     * compared. */
    struct wr_repeats *repeats;
    size_t looked; /* bytes of `pending` that were compared */
    /* For a source that leaves out repeats by their content: is this item to be given? It has no number
     * yet. NULL: all are. */
    bool (*keeps)(struct weir_gen *gen, const char *data, size_t len);
    bool left_out; /* an item of this round was not */
};

/* Initialise for items cut by `framing` (its limits as in weir_lines_options). 0 or WEIR_ENOMEM,
 * after which wr_inbox_fini may still be called. */
int wr_inbox_init(struct wr_inbox *inbox, struct weir_gen *gen, const weir_framing *framing,
                  uint64_t offset);
void wr_inbox_fini(struct wr_inbox *inbox);
/* Is the framing valid? False: *error says what is wrong, with `origin` as the error's origin. */
bool wr_framing_ok(const weir_framing *framing, const char *origin, weir_error *error);
/* For wr_gen_ops.frame: an inbox of raw bytes cuts items by `framing` from now on. Out of memory:
 * gen has failed. False: its bytes are not raw. */
bool wr_inbox_frame(struct wr_inbox *inbox, struct weir_gen *gen, const weir_framing *framing);
/* End the last loan, except for an item that has more pieces. */
void wr_inbox_over_loan(struct wr_inbox *inbox, struct wr_origin *origin);
/* Up to max items, numbered and lent. 0: more bytes are needed; or, with *over, the end was reached
 * or the failure was set (an overlong item by policy, bytes that the framer cannot read). A
 * skipped item counts in the ledger (in + 1 and rejected + 1) and is logged: the first one with
 * its offset and length, then only counts at powers of ten. */
size_t wr_inbox_take(struct wr_inbox *inbox, struct weir_gen *gen, weir_item *items, size_t max,
                     bool *over);
/* At the end of the input, before wr_inbox_end: the size in bytes of half an item that is left, and
 * that may be continued later. 0: there is none. */
size_t wr_inbox_half(const struct wr_inbox *inbox);
/* Where the next bytes go; room >= 1. 0, WEIR_ENOMEM or WEIR_EBUDGET. WEIR_EBUDGET may also mean
 * that the origin's records of items are full (wr_origin_is_full). The place is valid until the
 * next call. */
int wr_inbox_room(struct wr_inbox *inbox, char **to, size_t *room);
/* The same with room for at least `want` bytes, at most WR_INBOX_WANT_MAX: for a caller that must
 * store a piece as a whole. */
enum { WR_INBOX_WANT_MAX = 64 * 1024 };
int wr_inbox_room_for(struct wr_inbox *inbox, size_t want, char **to);
/* After WEIR_EBUDGET: why waiting for the budget cannot help, because this inbox has charged all of
 * it; NULL: waiting can help. */
const char *wr_inbox_stuck(const struct wr_inbox *inbox);
/* For wr_gen_ops.held, while a pull waits for the budget. */
int64_t wr_inbox_held(const struct wr_inbox *inbox, uint32_t mark);
/* For wr_gen_ops.json. */
struct wr_json *wr_inbox_json(const struct wr_inbox *inbox);
/* `bytes` bytes were received. 0: nothing came, and the caller is about to wait. */
void wr_inbox_came(struct wr_inbox *inbox, size_t bytes);
void wr_inbox_end(struct wr_inbox *inbox);
/* Bytes received and not yet given. */
static inline size_t wr_inbox_pending(const struct wr_inbox *inbox)
{
    return inbox->pending;
}
/* No more bytes come for a while: an unfinished item does not keep a block that is much larger than
 * itself. */
void wr_inbox_shrink(struct wr_inbox *inbox);
/* The size of a block for short items: even a small budget has room for several. */
size_t wr_inbox_usual_cap(const struct wr_inbox *inbox);
/* For a reconnect: drop the unfinished item (and unread bytes) and continue at `offset` of the
 * stream. At given_end it continues as if nothing had happened, also inside an overlong item. */
void wr_inbox_restart(struct wr_inbox *inbox, uint64_t offset);
/* The same, from an end offset that another inbox has recorded. With WR_END_INSIDE the bytes up to
 * the next line end belong to a line that was cut or skipped, and are dropped. */
void wr_inbox_resume(struct wr_inbox *inbox, uint64_t end);
/* The same from a stored position, which has the framer's note. False: the note is invalid. */
bool wr_inbox_resume_at(struct wr_inbox *inbox, const struct wr_offset *at);
/*
 * A stream that is requested again may begin with what was given (codec_repeats.h). `repeats`, which the
 * caller has initialised, follows what is given from now on. It must live as long as the inbox has it.
 * False: what this framer needs besides bytes makes a comparison impossible, and nothing is done.
 */
bool wr_inbox_track(struct wr_inbox *inbox, struct wr_repeats *repeats);
/* A stream begins, of which no byte was taken: while it repeats what was given, or may do so,
 * wr_inbox_take gives nothing. */
void wr_inbox_compare(struct wr_inbox *inbox);
/* For wr_inbox_take: compare what has come, and drop the repeats. True: the rest is held. */
bool wr_inbox_holds(struct wr_inbox *inbox);
/* The connection is lost, before wr_inbox_resume: what is held is to be given first. True: take it. */
bool wr_inbox_let_go(struct wr_inbox *inbox);
/* These bytes were cut into frames; base: the offset of data. */
void wr_inbox_gave(struct wr_inbox *inbox, const char *data, size_t len, uint64_t base,
                   const struct wr_frame *frames, size_t count);
/* How long to wait for bytes, at most, given a limit of the caller's own; negative: no limit. */
int64_t wr_inbox_wait_ms(const struct wr_inbox *inbox, int64_t limit_ms);
/* After that wait. True: it has let go of what was held, which can be taken now. */
bool wr_inbox_waited(struct wr_inbox *inbox, int64_t began_ns);
/* How the comparison has ended, once: what to log, a text for printf with the number of what was left
 * out, in bytes; NULL: nothing new. */
const char *wr_inbox_told(struct wr_inbox *inbox, uint64_t *dropped);
/* From now on the origin keeps an offset for each item. offsets: its positions; NULL: its positions
 * are not offsets. */
static inline void wr_inbox_keep_ends(struct wr_inbox *inbox, struct wr_offsets *offsets)
{
    inbox->keep_ends = true;
    inbox->offsets = offsets;
}

#endif
