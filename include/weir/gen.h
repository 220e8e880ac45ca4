/*
 * gen.h - generators: objects that give items one after another.
 *
 * The idea. Making a generator runs nothing; the first pull does. A body is a plain C function on
 * its own stack that yields from any call depth. A stage takes a generator and gives one. When
 * weir_next returns false, that is the end, a failure or a cancel, and it is final. The failure
 * stays with the generator, is passed downstream by the library, and is reported once by
 * weir_finish. The protocol (send, throw, close, delegate, return) is that of CPython's generators
 * (PEP 255, 342, 380, 525): the same programs give the same traces.
 *
 *     weir_item item;
 *     weir_error error;
 *     while (weir_next(gen, &item)) {
 *         use(item.data, item.len);
 *     }
 *     int rc = weir_finish(gen, &error);
 *
 * Lifetime.  WEIR_TAKES: the callee owns it, also on failure. What is lent lives until the next
 *            call on the same generator. A body may yield a pointer to its own local variable: its
 *            frame lives until the reader comes back. A generator that the program does not end is
 *            ended with its scope.
 * Failure.   Makers never return NULL; a failed maker gives an object that fails. Of several
 *            failures in a chain, the first in time is reported. Items come before the failure.
 * Threads.   A generator belongs to its loop's thread and has one reader at a time (both asserted).
 * Misuse.    Aborts with a message that names the function: a NULL; a generator that was finished,
 *            discarded or pumped (if its memory still shows it); one that a stage or a body has
 *            taken and reads; the 1,000th call after the end, since the caller ignores false.
 */
#ifndef WEIR_GEN_H
#define WEIR_GEN_H

#include <weir/item.h>
#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A body.
 *
 * self     the generator of this body, to which it yields.
 * up       the first generator that self has adopted and not ended: the one that weir_stage was
 *          given; NULL for a source. It belongs to self: a body need not end it, but may.
 * args     the generator's own copy, alive until the generator ends.
 * Returns  0 at the end, or weir_fail(...) for a failure of its own. Another negative code is a
 *          failure without a text; a positive number aborts. A failure of an adopted generator, or
 *          one thrown in, that was not caught is passed on by the library, whatever the body
 *          returns.
 *
 * After a yield has returned false, weir_yield and the pulls of adopted generators return false at
 * once, until weir_catch(self, ...) has taken a thrown error. A close or cancel cannot be caught.
 * So a body that ignores one false ends anyway. Its clean-up code may still wait, read generators
 * that it makes, and delegate to a generator that gives nothing. To yield again after a close is
 * the failure WEIR_EIGNORED; to return weir_fail(self, WEIR_ECLOSED, ...) after a close is still a
 * close. A body that was started always runs to its end.
 */
typedef int weir_body(weir_gen *self, weir_gen *up, void *args);

typedef struct weir_gen_options {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "body" */
    void (*drop)(void *args); /* called once when the generator ends, also when its body never ran
                                 or it could not be made */
    int64_t stack_bytes;      /* of the body; default: the loop's */
} weir_gen_options;

/*
 * Make a generator with a body.
 *
 * args     args_len bytes, copied; NULL with 0.
 * options  NULL: the defaults. Copied.
 * Returns  never NULL. Without memory it fails with WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_gen_new(weir_scope *scope, weir_body *body, const void *args,
                                size_t args_len, const weir_gen_options *options);
/*
 * Make a generator that reads `up`: weir_gen_new in up's scope, then weir_adopt. Arguments as for
 * weir_gen_new. Without memory it fails with WEIR_ENOMEM, and `up` ends with its scope.
 */
WEIR_API weir_gen *weir_stage(WEIR_TAKES weir_gen *up, weir_body *body, const void *args,
                              size_t args_len, const weir_gen_options *options);
/*
 * Give `self` one more generator to read. It is ended when self ends, and a failure of it that is
 * not caught fails self. Aborts when `more` has a reader already, or when self has no body and was
 * not made by extend.h. The body may end it earlier, by weir_finish or weir_discard, which takes it
 * out again. Only the result of weir_finish then reports its failure.
 */
WEIR_API void weir_adopt(weir_gen *self, WEIR_TAKES weir_gen *more);
/* Return the scope that a generator was made in: for weir_sleep in a body. */
WEIR_API weir_scope *weir_gen_scope(const weir_gen *gen);

/*
 * Declare a generator function. Calling it makes a generator and does not run it.
 *
 *     struct at_least { int level; };
 *     WEIR_STAGE(at_least, struct at_least)
 *     {
 *         weir_item item;
 *         while (weir_next(up, &item)) {
 *             if (level_of(&item) >= args->level && !weir_yield(self, &item)) {
 *                 break;
 *             }
 *         }
 *         return 0;
 *     }
 *
 * defines  weir_gen *at_least(weir_gen *up, struct at_least args);  which takes up. WEIR_SOURCE
 * gives  weir_gen *fn(weir_scope *scope, T args).  The body has self, args (a pointer to the
 * generator's own copy; const in a stage) and, in a stage, up. Without a type, as WEIR_STAGE(fn)
 * and WEIR_SOURCE(fn), neither the function nor the body has args.
 *
 * In C++ the type must be trivially copyable; others do not compile. An exception that leaves the
 * body ends the program with a message. No exception may leave any other function that weir calls.
 */
#define WEIR_STAGE(...) WEIR_PICK_(__VA_ARGS__, WEIR_STAGE_2_, WEIR_STAGE_1_, )(__VA_ARGS__)
#define WEIR_SOURCE(...) WEIR_PICK_(__VA_ARGS__, WEIR_SOURCE_2_, WEIR_SOURCE_1_, )(__VA_ARGS__)

/* Choose one of two macros by the number of arguments. */
#define WEIR_PICK_(first, second, macro, ...) macro
#define WEIR_MAKE_(fn, made)                \
    weir_gen_options options_ = WEIR_ZERO;  \
    options_.struct_size = sizeof options_; \
    options_.name = #fn;                    \
    return made
#define WEIR_STAGE_2_(fn, T)                                                       \
    WEIR_COPIED_AS_BYTES_(T)                                                       \
    static int fn##_body(weir_gen *self, weir_gen *up, const T *args);             \
    static int fn##_enter(weir_gen *self, weir_gen *up, void *args)                \
    {                                                                              \
        return fn##_body(self, up, (const T *)args);                               \
    }                                                                              \
    static WEIR_UNUSED weir_gen *fn(weir_gen *up, T args)                          \
    {                                                                              \
        WEIR_MAKE_(fn, weir_stage(up, fn##_enter, &args, sizeof args, &options_)); \
    }                                                                              \
    static int fn##_body(WEIR_UNUSED weir_gen *self, WEIR_UNUSED weir_gen *up,     \
                         WEIR_UNUSED const T *args)
#define WEIR_STAGE_1_(fn)                                                       \
    static int fn##_body(weir_gen *self, weir_gen *up);                         \
    static int fn##_enter(weir_gen *self, weir_gen *up, WEIR_UNUSED void *args) \
    {                                                                           \
        return fn##_body(self, up);                                             \
    }                                                                           \
    static WEIR_UNUSED weir_gen *fn(weir_gen *up)                               \
    {                                                                           \
        WEIR_MAKE_(fn, weir_stage(up, fn##_enter, NULL, 0, &options_));         \
    }                                                                           \
    static int fn##_body(WEIR_UNUSED weir_gen *self, WEIR_UNUSED weir_gen *up)
#define WEIR_SOURCE_2_(fn, T)                                                           \
    WEIR_COPIED_AS_BYTES_(T)                                                            \
    static int fn##_body(weir_gen *self, T *args);                                      \
    static int fn##_enter(weir_gen *self, WEIR_UNUSED weir_gen *up, void *args)         \
    {                                                                                   \
        return fn##_body(self, (T *)args);                                              \
    }                                                                                   \
    static WEIR_UNUSED weir_gen *fn(weir_scope *scope, T args)                          \
    {                                                                                   \
        WEIR_MAKE_(fn, weir_gen_new(scope, fn##_enter, &args, sizeof args, &options_)); \
    }                                                                                   \
    static int fn##_body(WEIR_UNUSED weir_gen *self, WEIR_UNUSED T *args)
#define WEIR_SOURCE_1_(fn)                                                                  \
    static int fn##_body(weir_gen *self);                                                   \
    static int fn##_enter(weir_gen *self, WEIR_UNUSED weir_gen *up, WEIR_UNUSED void *args) \
    {                                                                                       \
        return fn##_body(self);                                                             \
    }                                                                                       \
    static WEIR_UNUSED weir_gen *fn(weir_scope *scope)                                      \
    {                                                                                       \
        WEIR_MAKE_(fn, weir_gen_new(scope, fn##_enter, NULL, 0, &options_));                \
    }                                                                                       \
    static int fn##_body(WEIR_UNUSED weir_gen *self)

/* The results of calls that have more than two outcomes. An item is written only with
 * WEIR_GOT_ITEM. */
typedef enum weir_got {
    WEIR_GOT_OVER = 0, /* final, as weir_next's false */
    WEIR_GOT_ITEM = 1,
    WEIR_GOT_LATE = 2,   /* the time passed first; nothing is lost, call again */
    WEIR_GOT_REFUSED = 3 /* not possible in this state; nothing happened */
} weir_got;

/* ---- reading: for the owner of the generator */

/*
 * Wait for one item.
 *
 * item     [out] lent until the next call on gen. Must not be used when false is returned.
 * Returns  true: an item. false: the end, a failure, or a cancel; weir_finish reports which. Once
 *          false, always false.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_next(weir_gen *gen, weir_item *item);
/*
 * Wait for the first item, then take those that are available, as read(2) does for bytes. Upstream
 * is never asked for more than `max`. A body gives one item, or the items of one weir_yield_many.
 *
 * items    [out] room for max items, all lent until the next call on gen.
 * max      at least 1; 0 aborts.
 * Returns  how many came; 0 is final, as weir_next's false.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_next_many(weir_gen *gen, weir_item *items,
                                                             size_t max);
/*
 * Wait for one item, but no longer than a limit. When it is late, the pull stays pending, and the
 * next call of any kind continues it. So a body never notices, and it reads no further than the one
 * item asked for. The item of the previous call is no longer lent, also when this one is late. The
 * first use gives the chain that ends in gen a task of its own (the reading end of a queue needs
 * none).
 *
 * item     [out] as for weir_next.
 * wait_ms  0 or less: only an item that is available, or can be made without waiting.
 * Returns  WEIR_GOT_ITEM, WEIR_GOT_LATE or WEIR_GOT_OVER.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_next_within(weir_gen *gen, weir_item *item,
                                                                 int64_t wait_ms);
/*
 * Python's send: hand an item to the yield at which the body is suspended, and wait for the next
 * one. When generators are delegated to, the innermost one gets the item.
 *
 * in       the item that weir_received returns to the body, for as long as this call lasts; NULL:
 *          this call is weir_next, in any state.
 * out      [out] as for weir_next.
 * Returns  WEIR_GOT_ITEM or WEIR_GOT_OVER. WEIR_GOT_REFUSED: gen is not suspended at a yield of its
 *          own (before its first pull, without a body, when it delegates to a generator without a
 *          body, with a late pull pending). Aborts when a generator sends to itself.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_send(weir_gen *gen, const weir_item *in,
                                                          weir_item *out);
/*
 * Python's throw: make the yield at which the body is suspended return false, and wait for the next
 * item. weir_catch(self, ...) gives the body the code and message, and takes them. Before the first
 * pull, and for a generator without a body, the generator ends with this failure.
 *
 * code     negative; any other value aborts.
 * message  NULL: a standard text for the code.
 * out      [out] as for weir_next.
 * Returns  WEIR_GOT_ITEM: the body caught it, and yielded again. WEIR_GOT_OVER: the end; also after
 *          the end, and then the thrown error is the failure of gen, unless it has one already.
 *          WEIR_GOT_REFUSED: a late pull is pending.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_throw(weir_gen *gen, int code,
                                                           const char *message, weir_item *out);
/*
 * "except CODE": take a failure, so that it is not passed on. Does not suspend.
 *
 * gen      self: the error that was thrown into the body's own yield. Another generator: the
 *          failure of one that this body or task reads, after its end.
 * code     the code to take. WEIR_ANY: any code, except a WEIR_ECLOSED or WEIR_ECANCELED that was
 *          thrown (also by a delegate whose scope has ended), which only its own code takes.
 * error    [out] the pending error, taken or not; code 0 if there was none.
 * Returns  true: it is taken, and a body may yield again. false: no error was pending, or it has
 *          another code, or it is one that is never taken: a close (reported as WEIR_ECLOSED, of
 *          self only), a cancel (WEIR_ECANCELED), or that gen could not be made. The failure of a
 *          delegate while self is closed is reported and taken like a thrown error; the close
 *          stays.
 */
WEIR_API WEIR_MUST_CHECK bool weir_catch(weir_gen *gen, int code, weir_error *error);
/*
 * End a generator and report the result. A generator that has not ended is closed: its body's yield
 * returns false, and its clean-up may wait. Then the generators that it reads are ended. A pending
 * pull fails once. Aborts when called by a body of the chain itself.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0 for an end or a close, else the code of the first failure in time that was not caught:
 *          of a source or stage (source.h lists them), WEIR_ECANCELED, WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_finish(WEIR_TAKES weir_gen *gen, weir_error *error);
/*
 * End a generator in a clean-up path; NULL is allowed. As weir_finish, but a failure is written to
 * the log, and a cancel is not reported.
 */
WEIR_API WEIR_SUSPENDS void weir_discard(WEIR_TAKES weir_gen *gen);
/* Return what the body gave to weir_return; NULL: nothing, or there is no body. Lent until the
 * generator is ended. */
WEIR_API const weir_item *weir_result(const weir_gen *gen);
/*
 * Read a generator from code that cannot wait (C++, Python, Go, GLib). A task of weir, in the
 * generator's scope, pulls and calls back. Does not suspend.
 *
 * on_item  gets one item at a time, lent for the call. It runs on the loop's own stack, where
 *          nothing may wait. It returns false to stop.
 * on_over  called once, when the generator was ended; rc and error as of weir_finish. NULL is
 *          allowed. Without memory for the task it is called with WEIR_ENOMEM before weir_each
 *          returns.
 * ctx      passed to both.
 */
WEIR_API void weir_each(WEIR_TAKES weir_gen *gen, bool (*on_item)(void *ctx, const weir_item *item),
                        void (*on_over)(void *ctx, int rc, const weir_error *error), void *ctx);

/*
 * Stop the calls of on_item until weir_each_resume. Meanwhile the generator is not asked either, so
 * its source slows down. An item that is on its way comes after the resume. Neither call suspends.
 * Each may be made in on_item, in a task or in a callback of the loop, also several times.
 *
 * gen      a generator that weir_each has taken, until on_over is called; another one aborts.
 */
WEIR_API void weir_each_pause(weir_gen *gen);
WEIR_API void weir_each_resume(weir_gen *gen);

/* ---- for bodies: `self` is what the body was given */

/*
 * Return why the input of a stage has ended: after weir_next has returned false, or weir_pull
 * (extend.h) 0. A stage that holds items back may need this: it must not give an incomplete count
 * as if it were complete. The items that it has kept for the count it then gives up by
 * weir_item_abandon, so that a restart reads them again.
 *
 * Returns  0: the stream has ended by itself. WEIR_ECLOSED: the scope of self was stopped
 *          (weir_scope_stop, a signal), or its reader wants no more; there may be more in the
 *          stream. WEIR_ECANCELED. Else the code of the failure that is passed on.
 */
WEIR_API int weir_end_code(const weir_gen *self);
/*
 * Hand over an item, from any call depth of the body. It returns when the reader wants more. Aborts
 * outside the body of self.
 *
 * item     lent to the reader for as long as this call lasts. In a stage it gets the number, origin
 *          and receipt of the item that the body has pulled; in a source it gets new ones.
 * Returns  false: stop, see weir_body.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield(weir_gen *self, const weir_item *item);
/* Hand over `count` items, as weir_yield for each; the reader takes them in portions of its own
 * size. With 0 nothing happens, and true is returned. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_many(weir_gen *self, const weir_item *items,
                                                            size_t count);
/* Return what weir_send gave to the yield that has just returned; NULL after a plain pull. Lent
 * until the next yield. */
WEIR_API const weir_item *weir_received(const weir_gen *self);
/*
 * Delegate, as Python's `yield from`: the reader's pulls, sends, throws and the close go to
 * `inner`, at no cost per level, until inner ends. Aborts when inner has another reader. The scope
 * that inner was made in still counts: when it stops, inner ends; when it is canceled or ends,
 * inner is closed and has failed with WEIR_ECANCELED or WEIR_ECLOSED. self continues. In clean-up
 * code inner runs as well, as long as it gives nothing: its first yield returns false, and after a
 * close of self that is WEIR_EIGNORED.
 *
 * result   [out] what inner gave to weir_return, lent until self delegates again or is ended; NULL
 *          if nothing. NULL is allowed.
 * Returns  true: inner has ended. false: as weir_yield, or inner has failed: weir_catch(self, ...)
 *          reports the failure and takes it.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_from(weir_gen *self,
                                                            WEIR_TAKES weir_gen *inner,
                                                            const weir_item **result);
/*
 * Fail, with a text: return weir_fail(self, WEIR_EPARSE, "line %llu: ...", n);  Only the first
 * failure counts. Its origin is self's name, its seq the number of the item pulled last. Does not
 * end the body.
 *
 * code     a negative code: WEIR_EPARSE, ... or the program's own from WEIR_EUSER down.
 * Returns  code.
 */
WEIR_API int weir_fail(weir_gen *self, int code, const char *format, ...) WEIR_PRINTF(3, 4);
/*
 * Set the value that the generator ends with: return weir_return(self, &item);  It is copied.
 * weir_yield_from and weir_result give it to the reader.
 *
 * Returns  0, or WEIR_ENOMEM, which is then the failure of self.
 */
WEIR_API int weir_return(weir_gen *self, const weir_item *value);
/*
 * Reject one item as bad. It counts as rejected in the ledger, its reason is written to the log
 * (info), and the stream continues. In a pipeline text on-error= decides (plan.h): the item may
 * also be written to a dead sink, or be the failure of this generator. Does not suspend.
 *
 * item     lent to the body, or kept by it.
 * Returns  0; or a code: self has failed, its pulls and yields return false, and its body returns
 *          the code.
 */
WEIR_API int weir_reject(weir_gen *self, const weir_item *item, const char *format, ...)
    WEIR_PRINTF(3, 4);
/*
 * Declare that the body holds nothing of what it has pulled so far, so that the saved position may
 * move. Those items count as filtered.
 *
 * Without this call, the next item that the body yields stands for all items that it has pulled
 * since its last yield, and so does each kept item. That is safe for filters, sums and windows
 * alike. What the body holds when it returns 0 counts as filtered. A body that passes on few items
 * calls this from time to time; weir_filter does it by itself.
 */
WEIR_API void weir_settle(weir_gen *self);

#ifdef __cplusplus
}
#endif

#endif
