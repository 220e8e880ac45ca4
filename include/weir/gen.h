/*
 * gen.h - generators: whatever gives items one after another.
 *
 * The idea. Making a generator runs nothing; the first pull does. A body is a plain C function on a stack of its own that
 * yields from any call depth; a stage takes a generator and gives one. false from weir_next is final, the failure is
 * sticky, travels downstream by itself, and is told once by weir_finish.
 *
 * Lifetime.  WEIR_TAKES: the callee owns it, also on failure. What is lent lives until the next call on the same generator.
 *            A body may yield a pointer to its own local: its frame lives until the reader comes back.
 * Failure.   Makers never return NULL; a failed maker is an object that fails.
 * Threads.   A generator belongs to its loop's thread and has one reader at a time (asserted).
 */
#ifndef WEIR_GEN_H
#define WEIR_GEN_H

#include <weir/item.h>
#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A body. `up` is what weir_stage was given, NULL for a source. `args` is the generator's own copy, alive until it
 * ends. Return 0 at the end; a failure of `up`, or one thrown in, that was not caught carries on by itself. Return
 * weir_fail(...) for a failure of its own.
 *
 * From the moment a yield has returned false, weir_yield and weir_next on adopted generators return false at once
 * until weir_catch(self, ...) has taken a thrown error; a close or cancel cannot be caught. So a body that ignores
 * one false ends all the same, and its clean-up code may still wait.
 */
typedef int weir_body(weir_gen *self, weir_gen *up, void *args);

typedef struct weir_gen_options {
    size_t struct_size;
    const char *name;
    void (*drop)(void *args); /* run once at the end of the generator, also when its body never ran */
    int64_t stack_bytes;
} weir_gen_options;

/* [9] Make a generator. Runs nothing: the first pull does. */
WEIR_API weir_gen *weir_gen_new(weir_scope *scope, weir_body *body, const void *args, size_t args_len,
                                const weir_gen_options *options);
/* [10] The same, reading `up`: weir_gen_new in up's scope, then weir_adopt. */
WEIR_API weir_gen *weir_stage(WEIR_TAKES weir_gen *up, weir_body *body, const void *args, size_t args_len,
                              const weir_gen_options *options);
/* [11] Give `self` one more generator to read: closed when self ends, and an uncaught failure of it fails self. */
WEIR_API void weir_adopt(weir_gen *self, WEIR_TAKES weir_gen *more);
/*     The scope a generator was made in: for weir_sleep in a body. */
WEIR_API weir_scope *weir_gen_scope(const weir_gen *gen);

/*
 * Declared generators (seed "criticism": a generator should be declared). In the body: self, up, args.
 *     struct at_least { int level; };
 *     WEIR_STAGE(at_least, struct at_least) { ... weir_next(up, &item) ... weir_yield(self, &item) ... }
 * defines  weir_gen *at_least(weir_gen *up, struct at_least args);  which makes, and does not run.
 * WEIR_SOURCE gives  weir_gen *name(weir_scope *scope, T args).
 */
#define WEIR_STAGE(fn, T)                                                                                             \
    static int fn##_body(weir_gen *self, weir_gen *up, const T *args);                                                \
    static int fn##_enter(weir_gen *self, weir_gen *up, void *args)                                                   \
    {                                                                                                                 \
        return fn##_body(self, up, (const T *)args);                                                                  \
    }                                                                                                                 \
    static WEIR_UNUSED weir_gen *fn(weir_gen *up, T args)                                                             \
    {                                                                                                                 \
        weir_gen_options options = WEIR_ZERO;                                                                         \
        options.struct_size = sizeof options;                                                                         \
        options.name = #fn;                                                                                           \
        return weir_stage(up, fn##_enter, &args, sizeof args, &options);                                              \
    }                                                                                                                 \
    static int fn##_body(weir_gen *self, weir_gen *up, const T *args)
#define WEIR_SOURCE(fn, T)                                                                                            \
    static int fn##_body(weir_gen *self, T *args);                                                                    \
    static int fn##_enter(weir_gen *self, weir_gen *up, void *args)                                                   \
    {                                                                                                                 \
        (void)up;                                                                                                     \
        return fn##_body(self, (T *)args);                                                                            \
    }                                                                                                                 \
    static WEIR_UNUSED weir_gen *fn(weir_scope *scope, T args)                                                        \
    {                                                                                                                 \
        weir_gen_options options = WEIR_ZERO;                                                                         \
        options.struct_size = sizeof options;                                                                         \
        options.name = #fn;                                                                                           \
        return weir_gen_new(scope, fn##_enter, &args, sizeof args, &options);                                         \
    }                                                                                                                 \
    static int fn##_body(weir_gen *self, T *args)

/* For the calls that have more than two outcomes. */
typedef enum weir_got {
    WEIR_GOT_OVER = 0,   /* final, as weir_next's false */
    WEIR_GOT_ITEM = 1,
    WEIR_GOT_LATE = 2,   /* the time passed first; nothing is lost, call again */
    WEIR_GOT_REFUSED = 3 /* not in this state (not started, running, does not listen); nothing happened */
} weir_got;

/* [12] Wait for one item, lent. false: the end, a failure or a cancel, and from then on always false. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_next(weir_gen *gen, weir_item *item);
/* [13] read(2) for items: wait for the first, add what is there up to max, lent together. 0 is final. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_next_many(weir_gen *gen, weir_item *items, size_t max);
/* [14] Wait at most wait_ms (0: do not wait). When late the pull stays under way and the next call takes it up, so a
 *      body never notices; it reads no further than the one item asked for. The first use gives the chain behind `gen`
 *      a task of its own (a queue's end needs none); weir_batch, weir_merge and weir_each rest on the same mechanism. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_next_within(weir_gen *gen, weir_item *item, int64_t wait_ms);
/* [15] Python's send: `in` is what the pending yield receives; out is the next item. REFUSED before the first yield. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_send(weir_gen *gen, const weir_item *in, weir_item *out);
/* [16] Python's throw: the pending yield returns false and weir_catch(self) tells code and message. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_throw(weir_gen *gen, int code, const char *message,
                                                           weir_item *out);
/* [17] "except CODE": take the failure of a generator this body reads or, with self, what was thrown into its yield,
 *      so that it does not travel on. true: it had this code (WEIR_ANY: any) and is taken. false: it stays pending.
 *      Either way *error tells what was pending, code 0 if nothing. Close and cancel are told, never taken. */
WEIR_API WEIR_MUST_CHECK bool weir_catch(weir_gen *gen, int code, weir_error *error);
/* [18] Close if need be (the body cleans up, may wait), free, tell: 0 for an end or a close, else the failure. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_finish(WEIR_TAKES weir_gen *gen, weir_error *error);
/* [19] The same for clean-up paths: NULL allowed; a failure nobody asked about goes to the log and the ledger. */
WEIR_API WEIR_SUSPENDS void weir_discard(WEIR_TAKES weir_gen *gen);
/*      What the body gave to weir_return; NULL: nothing. Lent until the generator is ended. */
WEIR_API const weir_item *weir_result(const weir_gen *gen);
/*      For callers without coroutines (C++, Python, Go, GLib): on_item on the loop's own stack, one at a time; it
 *      returns false to stop. on_over is called once, always. Takes gen. Does not suspend. */
WEIR_API void weir_each(WEIR_TAKES weir_gen *gen, bool (*on_item)(void *ctx, const weir_item *item),
                        void (*on_over)(void *ctx, int rc, const weir_error *error), void *ctx);

/* [20] Hand an item over, from any call depth; returns when the reader wants more. false: stop, see weir_body. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield(weir_gen *self, const weir_item *item);
/*      The same for several; the reader takes them in its own portions. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_many(weir_gen *self, const weir_item *items, size_t count);
/* [21] What weir_send gave to the yield that has just returned; NULL after a plain pull. Lent until the next yield. */
WEIR_API const weir_item *weir_received(const weir_gen *self);
/* [22] Delegate: pulls, sends, throws and the close go to `inner` at no cost per level. true: inner has ended, *result
 *      (may be NULL) is what it returned, lent until the next yield. false: as weir_yield, or inner failed: catch(self). */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_from(weir_gen *self, WEIR_TAKES weir_gen *inner,
                                                            const weir_item **result);
/* [23] `return weir_fail(self, WEIR_EPARSE, "line %llu: ...", n);` */
WEIR_API int weir_fail(weir_gen *self, int code, const char *format, ...) WEIR_PRINTF(3, 4);
/*      `return weir_return(self, &item);` a value for weir_yield_from and weir_result; copied. */
WEIR_API int weir_return(weir_gen *self, const weir_item *value);
/*      This one item is bad: to the dead-letter sink with its reason, counted as rejected; the stream goes on. */
WEIR_API void weir_reject(weir_gen *self, const weir_item *item, const char *format, ...) WEIR_PRINTF(3, 4);
/* [24] Delivery. What a body has pulled since its last yield is vouched for by its next yield, and by every kept item;
 *      that is safe for filters, sums and windows alike. A body that passes little on says here "I hold nothing of
 *      what I have pulled so far", so that the saved position may move. weir_filter does it by itself. */
WEIR_API void weir_settle(weir_gen *self);

#ifdef __cplusplus
}
#endif

#endif
