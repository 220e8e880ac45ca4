/*
 * extend.h - sources, stages and sinks of one's own that are as fast as weir's.
 *
 * The idea. A body (gen.h) is the easy way: a function on a stack of its own, one switch there and
 * back for each item. This is the fast way: a table of functions that run on the reader's stack and
 * hand over as many items at a time as there are. weir's own components are made like this; what
 * they have in common (numbers, receipts, failures, cancel, the end) is the base's work here, too.
 *
 * A stage that passes what has at least n bytes on:
 *
 *     struct longer { size_t n; };
 *     static size_t next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
 *     {
 *         const struct longer *longer = self;
 *         for (size_t n; (n = weir_pull(gen, items, max)) > 0;) {
 *             size_t kept = 0;
 *             for (size_t i = 0; i < n; i++) {
 *                 if (items[i].len < longer->n) {
 *                     weir_leave_out(gen, &items[i], 1);
 *                 } else {
 *                     items[kept++] = items[i];
 *                 }
 *             }
 *             if (kept > 0) {
 *                 return kept;
 *             }
 *         }
 *         return 0;
 *     }
 *     static const weir_gen_ops ops = {
 *         .struct_size = sizeof ops, .name = "longer", .next_many = next_many};
 *     weir_gen *longer(weir_gen *up, size_t n)
 *     {
 *         return weir_stage_new(up, &ops, &(struct longer){n}, sizeof(struct longer));
 *     }
 *
 * A component of the pipeline text (module.h) may be made like this, in a module and in lib/stage:
 * test/e2e/outside/outside_grep.c is a whole one.
 *
 * Lifetime.  What next_many gives is lent until the next call of it, or of close. `self` is the
 *            generator's own copy and lives as long as it does.
 * Failure.   A function that finds something wrong says so by weir_gen_error or weir_fail, and then
 *            gives nothing. A failure of the upstream travels on by itself.
 * Threads.   The loop's thread. The functions run on the task that reads, and may wait there unless
 *            it is said that they must not.
 * Misuse.    Aborts with a sentence: a table without next_many; more items than were asked for; items
 *            of a source that weir_give does not know of; weir_pull and weir_give outside a pull.
 */
#ifndef WEIR_EXTEND_H
#define WEIR_EXTEND_H

#include <weir/gen.h>
#include <weir/sink.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How a generator of one's own works. `gen` is the generator, `self` its copy of what the maker was
 * given. The struct grows at its end.
 */
typedef struct weir_gen_ops {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "source" or
                         "stage" */
    /* Give up to max items (max is at least 1): wait for the first if need be, then what is there.
     * Returns how many; 0: the end, or a failure that was told. Not called again after 0. What was
     * given before is not lent any more. Not NULL. */
    size_t (*next_many)(weir_gen *gen, void *self, weir_item *items, size_t max);
    /* The same, but wait no longer than wait_ms, which is 0 or more; 0: not at all. *late (false at
     * first) tells a 0 that is no end. NULL: weir_next_within gives it a task of its own. */
    size_t (*next_within)(weir_gen *gen, void *self, weir_item *items, size_t max, int64_t wait_ms,
                          bool *late);
    /* Let go of what it holds; runs exactly once, at the end or when the reader is done, also if
     * nothing was ever asked for; then the upstream is ended. NULL: nothing to do. */
    void (*close)(weir_gen *gen, void *self);
    /* Of a source: its scope is to stop. Wake the wait that next_many is in, if any, which then
     * gives what is at hand or 0. Must not wait. NULL: a wait of wait.h fails with WEIR_ECLOSED,
     * which is an end then, and the source is not asked again. */
    void (*stop)(weir_gen *gen, void *self);
    /* Say in one line what a pull that is under way waits for, as snprintf; 0: nothing to say. Must
     * not wait. NULL: what the wait itself is for. */
    size_t (*why)(const weir_gen *gen, const void *self, char *text, size_t cap);
} weir_gen_ops;

/*
 * Make a source, which reads no generator: its items are counted in the ledger from here on.
 *
 * ops      copied.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  never NULL. Without memory it fails with WEIR_ENOMEM, and close does not run.
 */
WEIR_API weir_gen *weir_source_new(weir_scope *scope, const weir_gen_ops *ops, const void *self,
                                   size_t self_len);
/* Make a stage that reads `up`, in up's scope. As weir_source_new; without memory `up` ends with its
 * scope. weir_adopt gives it more to read, before or in a pull. */
WEIR_API weir_gen *weir_stage_new(WEIR_TAKES weir_gen *up, const weir_gen_ops *ops,
                                  const void *self, size_t self_len);

/* ---- in next_many and next_within */

/*
 * Read what the stage was made to read: wait for the first item, then take what is there, up to max.
 * Ask for no more than you were asked for, so that nothing is read ahead. An item goes on as it came:
 * with its number and receipt, whatever becomes of data, len, type and flags.
 *
 * items    [out] lent until the next weir_pull. May be where next_many is to put its own.
 * Returns  how many; 0: it is over, which is final; weir_end_code tells why.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_pull(weir_gen *gen, weir_item *items,
                                                        size_t max);
/* As weir_pull, but wait no longer than wait_ms; 0 or less: not at all. A pull that is late stays
 * under way, and the next one takes it up: see weir_next_within. *late [out] tells a 0 that is no
 * end. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_pull_within(weir_gen *gen, weir_item *items,
                                                               size_t max, int64_t wait_ms,
                                                               bool *late);
/* Tell what the stage reads: the first generator that it has adopted and not ended; NULL: none. To
 * read another one use weir_next_many. */
WEIR_API weir_gen *weir_gen_up(const weir_gen *gen);
/*
 * Of a source: give these items their numbers, their receipts and, where it is 0, the time. Once in
 * a pull, for all that it gives: return weir_give(gen, items, n);
 *
 * items    data, len and what else they have are set. Bytes in a block (weir_block_new) are shared by
 *          whoever keeps an item, others are copied.
 * Returns  count.
 */
WEIR_API size_t weir_give(weir_gen *gen, weir_item *items, size_t count);
/* ---- positions: where a source goes on after a restart
 *
 * A source that has positions gives each item a number of its own, from which it can tell where a
 * restart goes on behind that item: an offset, an index into what it has noted. The library keeps the
 * numbers of what has not settled, and has one made into text when a state is saved. A source has one
 * part, or several that go on by themselves, as files or partitions do. In its maker:
 *
 *     weir_gen *gen = weir_source_new(scope, &ops, &self, sizeof self);
 *     weir_gen_keep_state(gen, opening->state, "topic orders");
 *
 * and in next_many, at the first call:
 *
 *     const char *stored;
 *     while ((stored = weir_part_stored(gen)) != NULL) {
 *         ... begin behind what `stored` says ...
 *         self->part = weir_part_open(gen, WEIR_PROOF_EXACT, number, &position_ops, NULL, 0);
 *     }
 *     if (self->part == NULL) {
 *         ... begin at the beginning, and open it with that number ...
 *     }
 *
 * apps/examples/module_counting.c is such a source. */

/* A place in a source from where it goes on by itself; it ends with the source, or by weir_part_over. */
typedef struct weir_part weir_part;

/* What a part shows of where it goes on; a file is cut only if each source has shown it. */
enum weir_proof {
    WEIR_PROOF_EXACT = 1, /* it is the same stream, and goes on behind the stored position */
    WEIR_PROOF_WEAK = 2,  /* it goes on, perhaps with a gap or with repeats */
    WEIR_PROOF_NONE = 3   /* what is stored has no meaning any more: it begins anew */
};

/*
 * What the numbers of a part mean. `self` is the part's own copy, of what weir_part_open was given; it
 * lives as long as items of the part do, which may be longer than the source. None may wait.
 */
typedef struct weir_position_ops {
    size_t struct_size;
    /* Say where a restart goes on behind the item with this number, for people to read and for the
     * source to go by; as snprintf. No NUL, not empty. Not NULL. */
    size_t (*text)(void *self, uint64_t number, char *to, size_t cap);
    /* Numbers below `before` are not asked for any more. NULL: nothing to do. */
    void (*forget)(void *self, uint64_t before);
    /* The last call. NULL: nothing to do. */
    void (*drop)(void *self);
} weir_position_ops;

/*
 * Have a source keep its positions in a state, right after it was made. From then on it gives items by
 * weir_give_at.
 *
 * state    of the same loop, and not taken. NULL: none; then nothing is stored, and the rest works.
 * name     what is read, without secrets: by it the next run finds what is stored. Copied. NULL: the
 *          generator's name.
 */
WEIR_API void weir_gen_keep_state(weir_gen *gen, weir_state *state, const char *name);
/* Tell the position of the next part that an earlier run has left; weir_part_open then opens that one.
 * Lent until then. NULL: no more, or the state cannot be used, with which the source has failed. */
WEIR_API const char *weir_part_stored(weir_gen *gen);
/*
 * Open the part that weir_part_stored has just told, or a new one.
 *
 * proof    an enum weir_proof.
 * start    the number of the place where it begins: as if an item with it had settled.
 * ops      copied.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  the part, which is the source's. NULL: no memory, or the state cannot be used; the source
 *          has failed, and drop was called.
 */
WEIR_API weir_part *weir_part_open(weir_gen *gen, int proof, uint64_t start,
                                   const weir_position_ops *ops, const void *self, size_t self_len);
/*
 * As weir_give, with a number for each item; once in a pull for each part, and the items of all parts
 * one behind the other in what next_many returns.
 *
 * numbers  never falling within a part, and below 2^61.
 * Returns  count; 0: no memory, and the source has failed.
 */
WEIR_API size_t weir_give_at(weir_gen *gen, weir_part *part, weir_item *items,
                             const uint64_t *numbers, size_t count);
/* The part is over, as a file that was rotated away: once its items have settled nothing is stored of
 * it. Not used any more. */
WEIR_API void weir_part_over(weir_gen *gen, WEIR_TAKES weir_part *part);

/*
 * Of a stage: make one item stand for several that it has kept, as a sum or a batch does. `out` gets
 * the number of the last, the origin and the time of the first, and a receipt for all of them, which
 * it holds until it is not lent any more: release the kept ones, now or later. Its data, len, type,
 * block and flags stay as the stage has set them. Each call allocates once.
 *
 * A kept item may be passed on as it is. Its bytes must then live as long as it is lent, and its
 * receipt goes on by this call, too:
 *
 *     *out = *kept;
 *     weir_stand_for(gen, out, kept, 1);
 *     weir_block_ref(block = kept->block);   unref in the next call
 *     weir_item_release(kept);
 *
 * kept     by weir_item_keep, or lent by the last weir_pull.
 * Returns  0, or WEIR_ENOMEM, which is the stage's failure then.
 */
WEIR_API WEIR_MUST_CHECK int weir_stand_for(weir_gen *gen, weir_item *out, const weir_item *kept,
                                            size_t count);
/* Of a stage: these items of the last weir_pull, or kept ones, are not passed on; they count as
 * filtered. Those that weir_reject has named need no more. */
WEIR_API void weir_leave_out(weir_gen *gen, const weir_item *items, size_t count);
/*
 * Fail: weir_gen_error(gen, WEIR_EIO, errno, "read: %s", strerror(errno)); return 0;  The first
 * failure counts. As weir_fail, with a detail.
 *
 * detail   errno or the like, 0 if none.
 * Returns  code.
 */
WEIR_API int weir_gen_error(weir_gen *gen, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);

/* ---- memory */

/*
 * Allocate memory for a component's own use as weir does: from the program's allocator
 * (weir_use_allocator), so that tests which let each allocation of weir fail once reach it, too. As
 * malloc, realloc and free, with any size and from any thread; realloc leaves `old` as it is when it
 * fails. NULL may be resized and freed. What next_many works with is best allocated once, not for
 * each item.
 *
 * Returns  NULL: out of memory; weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory for ...").
 */
WEIR_API WEIR_MUST_CHECK void *weir_alloc(size_t bytes);
WEIR_API WEIR_MUST_CHECK void *weir_realloc(void *old, size_t bytes);
WEIR_API void weir_free(void *memory);

/* ---- bytes that many may keep */

/*
 * Make a block: bytes that items point into, charged to the loop's budget until the last one who
 * keeps such an item lets go. 64 more bytes behind them may be read. Does not suspend.
 *
 * bytes    at least 1, less than 4 GiB. Some 128 KiB are good for a source that reads.
 * why      [out] when NULL is returned; NULL is allowed.
 * Returns  the block, which is the caller's until weir_block_unref; its bytes are not set. NULL:
 *          WEIR_EBUDGET: there is no room now, see weir_block_wait. WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK weir_block *weir_block_new(weir_scope *scope, size_t bytes, int *why);
/* Tell where its bytes are. An item of them has this block in weir_item.block. */
WEIR_API char *weir_block_bytes(weir_block *block);
/* Hold a block once more, or once less; NULL is allowed for the latter. Items that are lent need a
 * holder: keep a block as long as what was given of it may be lent. */
WEIR_API void weir_block_ref(weir_block *block);
WEIR_API void weir_block_unref(WEIR_TAKES weir_block *block);
/* Wait until somebody has given bytes of the budget back, then try again. Returns 0; WEIR_EBUDGET:
 * nobody can any more; WEIR_ECANCELED. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_block_wait(weir_scope *scope);

/* ---- counters */

/*
 * Items, calls, waits and what is rejected or left out are counted by the base. Bytes only the object
 * itself knows: tell those that a source has received, or that a sink has written, once for each call
 * of the library underneath. They are seen in weir_walk, weir_loop_stats and `weir -v`.
 */
WEIR_API void weir_gen_count_bytes(weir_gen *gen, uint64_t bytes);
WEIR_API void weir_sink_count_bytes(weir_sink *sink, uint64_t bytes);

/* ---- the log */

/* As in syslog(3). */
enum weir_log_level {
    WEIR_LOG_ERROR = 3,
    WEIR_LOG_WARNING = 4,
    WEIR_LOG_INFO = 6,
    WEIR_LOG_DEBUG = 7
};
/* Write one record to the log of a loop (weir_loop_options), cut at 423 bytes, in one line. */
WEIR_API void weir_log(weir_scope *scope, int level, const char *origin, const char *format, ...)
    WEIR_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif

#endif
