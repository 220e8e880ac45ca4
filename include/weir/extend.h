/*
 * extend.h - how a program writes sources and stages that are as fast as weir's own.
 *
 * The idea. A body (gen.h) is the easy way: a function on its own stack, with one switch to it and
 * back for each item. This is the fast way: a table of functions that run on the reader's stack and
 * hand over as many items at a time as are available. weir's own components are made like this.
 * What all of them need (numbers, receipts, failures, cancel, the end) is done by the library here,
 * too.
 *
 * A stage that passes on the items of at least n bytes:
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
 * A component of the pipeline text (module.h) may be made like this, in a module and in lib/stage.
 * test/e2e/outside/outside_grep.c is a complete one.
 *
 * Lifetime.  The items that next_many gives are lent until the next call of it, or of close. `self`
 *            is the generator's own copy and lives as long as the generator.
 * Failure.   A function that meets an error reports it by weir_gen_error or weir_fail, and then
 *            gives nothing. A failure of the upstream is passed on by the library.
 * Threads.   The loop's thread. The functions run on the task that reads. They may wait there,
 *            except where this header says that they must not.
 * Misuse.    Aborts with a message: a table without next_many; more items than were asked for;
 *            items that did not go through weir_give, in a source; weir_pull and weir_give outside
 *            a pull.
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
 * How a generator works. `gen` is the generator. `self` is its copy of what the maker was given.
 * The struct grows at its end.
 */
typedef struct weir_gen_ops {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "source" or
                         "stage" */
    /* Give up to max items (max is at least 1): wait for the first if necessary, then take those
     * that are available. Returns how many; 0: the end, or a failure that was reported. Not called
     * again after 0. Items given by the previous call are not lent any more. Not NULL. */
    size_t (*next_many)(weir_gen *gen, void *self, weir_item *items, size_t max);
    /* The same, but wait no longer than wait_ms, which is 0 or more; 0: do not wait. *late (false
     * at first) is set when a 0 is not the end. NULL: weir_next_within gives the generator a task
     * of its own. */
    size_t (*next_within)(weir_gen *gen, void *self, weir_item *items, size_t max, int64_t wait_ms,
                          bool *late);
    /* Release what it holds. Runs exactly once: at the end, or when the reader has finished, also
     * if no item was ever asked for. After it the upstream is ended. NULL: nothing to do. */
    void (*close)(weir_gen *gen, void *self);
    /* Of a source: its scope was stopped. Wake the wait that next_many is in, if any. next_many
     * then gives the items that are available, or 0. Must not wait. NULL: a wait of wait.h fails
     * with WEIR_ECLOSED, which is an end in this case, and the source is not asked again. */
    void (*stop)(weir_gen *gen, void *self);
    /* Describe in one line what the pending pull waits for, as snprintf; 0: nothing to report. Must
     * not wait. NULL: the text of the wait itself is used. */
    size_t (*why)(const weir_gen *gen, const void *self, char *text, size_t cap);
} weir_gen_ops;

/*
 * Make a source, which reads no generator. Its items are counted in the ledger from here on.
 *
 * ops      copied.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  never NULL. Without memory it fails with WEIR_ENOMEM, and close does not run.
 */
WEIR_API weir_gen *weir_source_new(weir_scope *scope, const weir_gen_ops *ops, const void *self,
                                   size_t self_len);
/* Make a stage that reads `up`, in up's scope. Arguments and result as for weir_source_new; without
 * memory `up` ends with its scope. weir_adopt adds further generators to read, before a pull or in
 * one. */
WEIR_API weir_gen *weir_stage_new(WEIR_TAKES weir_gen *up, const weir_gen_ops *ops,
                                  const void *self, size_t self_len);

/* ---- in next_many and next_within */

/*
 * Read the stage's upstream: wait for the first item, then take those that are available, up to
 * max. Ask for no more than the stage was asked for, so that nothing is read ahead. An item that is
 * passed on keeps its number and receipt, also when data, len, type and flags are changed.
 *
 * items    [out] lent until the next weir_pull. May be the array that next_many fills.
 * Returns  how many; 0: the end, which is final; weir_end_code gives the reason.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_pull(weir_gen *gen, weir_item *items,
                                                        size_t max);
/* As weir_pull, but wait no longer than wait_ms; 0 or less: do not wait. A pull that is late stays
 * pending, and the next call continues it: see weir_next_within. *late [out] is true when a 0 is
 * not the end. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_pull_within(weir_gen *gen, weir_item *items,
                                                               size_t max, int64_t wait_ms,
                                                               bool *late);
/* Return what the stage reads: the first generator that it has adopted and not ended; NULL: none.
 * To read another one, use weir_next_many. */
WEIR_API weir_gen *weir_gen_up(const weir_gen *gen);
/*
 * Of a source: give these items their numbers, their receipts and, where it is 0, the time. Called
 * once in a pull, for all items of the pull: return weir_give(gen, items, n);
 *
 * items    the caller has set data, len and the other fields that the item needs. Bytes in a block
 *          (weir_block_new) are shared by everything that keeps an item; other bytes are copied.
 * Returns  count.
 */
WEIR_API size_t weir_give(weir_gen *gen, weir_item *items, size_t count);
/* ---- positions: where a source continues after a restart
 *
 * A source that has positions gives each item a number of its own: an offset, or an index into the
 * source's notes. From the number the source can tell where a restart continues after that item.
 * The library keeps the numbers of items that have not settled. When a state is saved, it asks the
 * source to write one of them as text. A source has one part, or several that continue
 * independently, such as files or partitions. In its maker:
 *
 *     weir_gen *gen = weir_source_new(scope, &ops, &self, sizeof self);
 *     weir_gen_keep_state(gen, opening->state, "topic orders");
 *
 * and in next_many, at the first call:
 *
 *     const char *stored;
 *     while ((stored = weir_part_stored(gen)) != NULL) {
 *         ... begin after what `stored` says ...
 *         self->part = weir_part_open(gen, WEIR_PROOF_EXACT, number, &position_ops, NULL, 0);
 *     }
 *     if (self->part == NULL) {
 *         ... begin at the start, and open the part with that number ...
 *     }
 *
 * apps/examples/module_counting.c is such a source. */

/* A part of a source, which continues independently of the other parts. It ends with the source, or
 * by weir_part_over. */
typedef struct weir_part weir_part;

/* How well a part proves that it continues at the right place. A file is cut only if each source
 * has the exact proof. */
enum weir_proof {
    WEIR_PROOF_EXACT = 1, /* it is the same stream, and continues after the stored position */
    WEIR_PROOF_WEAK = 2,  /* it continues, perhaps with a gap or with repeats */
    WEIR_PROOF_NONE = 3   /* the stored position has no meaning any more: it begins again */
};

/*
 * What the numbers of a part mean. `self` is the part's own copy of what weir_part_open was given.
 * It lives as long as the items of the part, which may be longer than the source lives. None of the
 * functions may wait.
 */
typedef struct weir_position_ops {
    size_t struct_size;
    /* Write where a restart continues after the item with this number, in a form that people can
     * read and the source can parse; as snprintf. Not empty, without NUL bytes. Not NULL. */
    size_t (*text)(void *self, uint64_t number, char *to, size_t cap);
    /* Numbers below `before` are not needed any more. NULL: nothing to do. */
    void (*forget)(void *self, uint64_t before);
    /* The last call. NULL: nothing to do. */
    void (*drop)(void *self);
} weir_position_ops;

/*
 * Keep the positions of a source in a state. Called right after the source was made. From then on
 * the source gives items by weir_give_at.
 *
 * state    of the same loop, and not taken. NULL: none; nothing is stored then, and everything else
 *          works.
 * name     what is read, without secrets. The next run finds the stored position by this name.
 *          Copied. NULL: the generator's name.
 */
WEIR_API void weir_gen_keep_state(weir_gen *gen, weir_state *state, const char *name);
/* Return the position of the next part that an earlier run has stored; weir_part_open then opens
 * that part. Lent until then. NULL: there are no more, or the state cannot be used; in that case
 * the source has failed. */
WEIR_API const char *weir_part_stored(weir_gen *gen);
/*
 * Open the part whose position weir_part_stored has just returned, or a new one.
 *
 * proof    an enum weir_proof.
 * start    the number of the place where the part begins, as if an item with this number had
 *          settled.
 * ops      copied.
 * self     self_len bytes, copied; NULL with 0.
 * Returns  the part, which belongs to the source. NULL: no memory, or the state cannot be used; the
 *          source has failed, and drop was called.
 */
WEIR_API weir_part *weir_part_open(weir_gen *gen, int proof, uint64_t start,
                                   const weir_position_ops *ops, const void *self, size_t self_len);
/*
 * As weir_give, with a number for each item. Called once in a pull for each part; the items of the
 * parts follow each other in the array that next_many returns.
 *
 * numbers  never decrease within a part; below 2^61.
 * Returns  count; 0: no memory, and the source has failed.
 */
WEIR_API size_t weir_give_at(weir_gen *gen, weir_part *part, weir_item *items,
                             const uint64_t *numbers, size_t count);
/* The part has ended, such as a file that was rotated away. When its items have settled, nothing is
 * stored for it any more. The part must not be used after this call. */
WEIR_API void weir_part_over(weir_gen *gen, WEIR_TAKES weir_part *part);

/*
 * Of a stage: make one item stand for several kept items, as a sum or a batch does. `out` gets the
 * number of the last one, the origin and the time of the first one, and a receipt for all of them.
 * It holds the receipt until it is not lent any more, so the stage may release the kept items now
 * or later. Its data, len, type, block and flags stay as the stage has set them. Each call
 * allocates once. The kept items end as `out` does (delivered, rejected, dropped): do not call
 * weir_leave_out for them.
 *
 * A kept item may be passed on unchanged. Its bytes must then live as long as it is lent. Its
 * receipt is passed on by this call, too:
 *
 *     *out = *kept;
 *     weir_stand_for(gen, out, kept, 1);
 *     weir_block_ref(block = kept->block);   unref in the next call
 *     weir_item_release(kept);
 *
 * kept     kept by weir_item_keep, or lent by the last weir_pull.
 * Returns  0, or WEIR_ENOMEM, which is the stage's failure then.
 */
WEIR_API WEIR_MUST_CHECK int weir_stand_for(weir_gen *gen, weir_item *out, const weir_item *kept,
                                            size_t count);
/* Of a stage: these items of the last weir_pull, or kept ones, are not passed on; they count as
 * filtered. Call it once for each, and not for a kept item that was passed on. Items that were given
 * to weir_reject do not need this call. */
WEIR_API void weir_leave_out(weir_gen *gen, const weir_item *items, size_t count);
/*
 * Fail: weir_gen_error(gen, WEIR_EIO, errno, "read: %s", strerror(errno)); return 0;  Only the
 * first failure counts. As weir_fail, with a detail.
 *
 * detail   errno or the like, 0 if none.
 * Returns  code.
 */
WEIR_API int weir_gen_error(weir_gen *gen, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);

/* ---- memory */

/*
 * Allocate memory for a component in the same way as weir does, from the program's allocator
 * (weir_use_allocator). Tests that let each allocation of weir fail once then reach it, too. As
 * malloc, realloc and free, with any size and from any thread; realloc leaves `old` unchanged when
 * it fails. NULL may be resized and freed. Allocate the memory that next_many works with once, not
 * for each item.
 *
 * Returns  NULL: out of memory; weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory for ...").
 */
WEIR_API WEIR_MUST_CHECK void *weir_alloc(size_t bytes);
WEIR_API WEIR_MUST_CHECK void *weir_realloc(void *old, size_t bytes);
WEIR_API void weir_free(void *memory);

/* ---- bytes that many may keep */

/*
 * Make a block: bytes that items point into. They are charged to the loop's budget until the last
 * holder of such an item releases it. 64 more bytes after them may be read. Does not suspend.
 *
 * bytes    at least 1, less than 4 GiB. About 128 KiB are good for a source that reads.
 * why      [out] the code, when NULL is returned; NULL is allowed.
 * Returns  the block, which the caller owns until weir_block_unref; its bytes are not set. NULL:
 *          WEIR_EBUDGET: the budget has no room now, see weir_block_wait. WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK weir_block *weir_block_new(weir_scope *scope, size_t bytes, int *why);
/* Return the address of its bytes. An item of these bytes has this block in weir_item.block. */
WEIR_API char *weir_block_bytes(weir_block *block);
/* Add or remove one reference to a block; weir_block_unref accepts NULL. Lent items need a holder:
 * keep the block as long as an item of it may be lent. */
WEIR_API void weir_block_ref(weir_block *block);
WEIR_API void weir_block_unref(WEIR_TAKES weir_block *block);
/* Wait until bytes of the budget were released, then try again. Returns 0; WEIR_EBUDGET: there is
 * no holder left that can release any; WEIR_ECANCELED. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_block_wait(weir_scope *scope);

/* ---- counters */

/*
 * The library counts items, calls, waits, and items that are rejected or left out. Only the object
 * itself knows its bytes: it reports those that a source has received, or that a sink has written,
 * once for each call of the library below it. They are shown by weir_walk, weir_loop_stats and
 * `weir -v`.
 */
WEIR_API void weir_gen_count_bytes(weir_gen *gen, uint64_t bytes);
WEIR_API void weir_sink_count_bytes(weir_sink *sink, uint64_t bytes);

/* ---- the log */

/* The levels of syslog(3). */
enum weir_log_level {
    WEIR_LOG_ERROR = 3,
    WEIR_LOG_WARNING = 4,
    WEIR_LOG_INFO = 6,
    WEIR_LOG_DEBUG = 7
};
/* Write one record to the log of a loop (weir_loop_options), as one line, cut at 423 bytes. */
WEIR_API void weir_log(weir_scope *scope, int level, const char *origin, const char *format, ...)
    WEIR_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif

#endif
