/*
 * codec_repeats.h - does a stream begin as the last one did? Internal.
 *
 * A feed that cannot be continued is requested again, and may begin with its history. Of what was
 * given, marks are kept: after how many bytes an item ended, and the hash of all bytes up to there;
 * after items 1, 2, 4 ... and at least every 64 KiB, at most WR_REPEATS_MARKS_MAX (then every second
 * one is forgotten, and their distance doubles). The end of all that was given is one, too. The bytes
 * of the next stream are held back while they may be the same. At each mark that agrees, the bytes up
 * to there are repeats, and are dropped. At the first mark that does not agree, when too much is held,
 * or when no mark was reached for too long, all that is held is to be given. So nothing is lost that
 * differs before the next mark, and nothing is repeated that agrees up to one.
 *
 *     what is given:  wr_repeats_given, with marks where wr_repeats_wants says so
 *     a new stream:   wr_repeats_begin
 *     its bytes:      wr_repeats_see; then drop wr_repeats_dropped bytes; while `holds` is true, give
 *                     none; wr_repeats_waited after each wait
 *     its end:        wr_repeats_end
 *
 * Sans-I/O: the hash and the marks depend on the bytes only, not on how they are cut. No clock: the
 * caller says how long it has waited.
 */
#ifndef WR_CODEC_REPEATS_H
#define WR_CODEC_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WR_REPEATS_MARKS_MAX = 1024,
    WR_REPEATS_SPACING = 64 * 1024, /* bytes */
    WR_REPEATS_HELD_MAX = 1024 * 1024,
    WR_REPEATS_WAIT_MS = 2000
};

/* The first len bytes of a stream. */
struct wr_repeats_mark {
    uint64_t len, items;
    uint64_t hash, word; /* of whole words; the bytes behind them */
};

/* How a comparison has ended. */
enum wr_repeats_news {
    WR_REPEATS_NO_NEWS = 0,
    WR_REPEATS_WHOLE,  /* all that was given has come again, and was dropped */
    WR_REPEATS_DIFFER, /* it differs, or it has ended between two marks */
    WR_REPEATS_LATE,   /* no mark was reached for WR_REPEATS_WAIT_MS */
    WR_REPEATS_FULL    /* too much would be held */
};

struct wr_repeats {
    struct wr_repeats_mark *marks;
    size_t count, cap;
    uint64_t spacing;
    struct wr_repeats_mark given; /* all that was given */
    bool between; /* it does not end where an item ends: its end is a mark only for a
                                     stream that ends there, too */
    size_t held_max;
    /* the comparison */
    bool holds;
    size_t at; /* the next mark; count: the end of all that was given */
    struct wr_repeats_mark seen;
    uint64_t agreed, dropped; /* bytes */
    int64_t waited_ms;
    enum wr_repeats_news news; /* for the caller, who clears it */
};

/* held_max: at most WR_REPEATS_HELD_MAX. */
void wr_repeats_init(struct wr_repeats *r, size_t held_max);
void wr_repeats_fini(struct wr_repeats *r);

/* Is a mark due, after so many more items and bytes? */
static inline bool wr_repeats_wants(const struct wr_repeats *r, uint64_t items, uint64_t bytes)
{
    uint64_t last = r->count > 0 ? r->marks[r->count - 1].len : 0, n = r->given.items + items;
    return (n & (n - 1)) == 0 || r->given.len + bytes - last >= r->spacing;
}
/* These bytes were given, with so many items. mark: an item ends here, and a mark is made. Without
 * memory there is none. */
void wr_repeats_given(struct wr_repeats *r, const void *data, size_t len, uint64_t items,
                      bool mark);

/* A stream begins. If anything was given, it is compared. */
void wr_repeats_begin(struct wr_repeats *r);
/* Its next bytes. */
void wr_repeats_see(struct wr_repeats *r, const void *data, size_t len);
/* How many of the bytes that are held are repeats, since the last call. */
size_t wr_repeats_dropped(struct wr_repeats *r);
/* Bytes that are held. */
static inline size_t wr_repeats_held(const struct wr_repeats *r)
{
    return r->holds ? (size_t)(r->seen.len - r->agreed) : 0;
}
/* How long to wait for more, at most; negative: no limit. */
static inline int64_t wr_repeats_left_ms(const struct wr_repeats *r)
{
    return wr_repeats_held(r) == 0              ? -1
           : r->waited_ms >= WR_REPEATS_WAIT_MS ? 0
                                                : WR_REPEATS_WAIT_MS - r->waited_ms;
}
/* The caller has waited for more. */
void wr_repeats_waited(struct wr_repeats *r, int64_t ms);
/* The stream has ended. broken: it may have been longer. */
void wr_repeats_end(struct wr_repeats *r, bool broken);

#endif
