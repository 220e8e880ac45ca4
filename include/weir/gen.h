/*
 * gen.h - generators: whatever gives items one after another.
 *
 * The idea. Making a generator runs nothing; the first pull does. A body is a plain C function on a
 * stack of its own that yields from any call depth; a stage takes a generator and gives one. false
 * from weir_next is the end, a failure or a cancel, and final. The failure is sticky, travels
 * downstream by itself, and is told once by weir_finish. The protocol (send, throw, close,
 * delegate, return) is that of CPython's generators (PEP 255, 342, 380, 525): the same programs
 * give the same traces.
 *
 *     weir_item item;
 *     weir_error error;
 *     while (weir_next(gen, &item)) {
 *         use(item.data, item.len);
 *     }
 *     int rc = weir_finish(gen, &error);
 *
 * Lifetime.  WEIR_TAKES: the callee owns it, also on failure. What is lent lives until the next
 *            call on the same generator. A body may yield a pointer to its own local: its frame
 *            lives until the reader comes back. What nobody ends, ends with its scope.
 * Failure.   Makers never return NULL; a failed maker gives an object that fails. Of several
 *            failures in a chain the first in time is told. Items come before the failure.
 * Threads.   A generator belongs to its loop's thread and has one reader at a time (both asserted).
 * Misuse.    Aborts with a sentence that names the function: a NULL; a generator that was finished,
 *            discarded or pumped (as far as its memory still shows it); one that a stage or a body
 *            has taken and reads; the 1,000th call after the end, since somebody ignores false.
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
 * self     the generator it is the body of: what it yields to.
 * up       the first generator it has adopted and not ended: what weir_stage was given; NULL for a
 *          source. It belongs to self: a body need not end it, but may.
 * args     the generator's own copy, alive until it ends.
 * Returns  0 at the end, or weir_fail(...) for a failure of its own; another negative code is one
 *          without a text; a positive number aborts. A failure of an adopted generator, or one
 *          thrown in, that was not caught carries on by itself, whatever is returned.
 *
 * From the moment a yield has returned false, weir_yield and the pulls of adopted generators return
 * false at once until weir_catch(self, ...) has taken a thrown error; a close or cancel cannot be
 * caught. So a body that ignores one false ends all the same, and its clean-up code may still wait,
 * read generators of its own, and delegate to one that gives nothing. To yield again after a close
 * is the failure WEIR_EIGNORED; to return weir_fail(self, WEIR_ECLOSED, ...) then is still a close. A
 * body that was started always runs to its end.
 */
typedef int weir_body(weir_gen *self, weir_gen *up, void *args);

typedef struct weir_gen_options {
    size_t struct_size;
    const char *name; /* the origin of its failures, copied up to 31 bytes; default "body" */
    void (*drop)(void *args); /* run once when the generator ends, also when its body never ran or
                                 it could not be made */
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
 * Make a generator that reads `up`: weir_gen_new in up's scope, then weir_adopt. Arguments as
 * there. Without memory it fails with WEIR_ENOMEM, and `up` ends with its scope.
 */
WEIR_API weir_gen *weir_stage(WEIR_TAKES weir_gen *up, weir_body *body, const void *args,
                              size_t args_len, const weir_gen_options *options);
/*
 * Give `self` one more generator to read: ended when self ends, and an uncaught failure of it fails
 * self. Aborts when `more` has a reader already, or self has no body and is none of extend.h. Ending it earlier, by
 * weir_finish or weir_discard in the body, takes it out again; only weir_finish's result then knows
 * of its failure.
 */
WEIR_API void weir_adopt(weir_gen *self, WEIR_TAKES weir_gen *more);
/* Tell the scope a generator was made in: for weir_sleep in a body. */
WEIR_API weir_scope *weir_gen_scope(const weir_gen *gen);

/*
 * Declare a generator function, whose call makes a generator and does not run it.
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
 * gives  weir_gen *fn(weir_scope *scope, T args).  In the body there are self, args (a pointer to
 * the generator's own copy; const in a stage) and, in a stage, up. Without a type, WEIR_STAGE(fn)
 * and WEIR_SOURCE(fn), neither the function nor the body has args.
 *
 * In C++ the type must be trivially copyable, others do not compile. An exception that leaves the
 * body ends the program with a message; none may leave any other function that weir calls.
 */
#define WEIR_STAGE(...) WEIR_PICK_(__VA_ARGS__, WEIR_STAGE_2_, WEIR_STAGE_1_, )(__VA_ARGS__)
#define WEIR_SOURCE(...) WEIR_PICK_(__VA_ARGS__, WEIR_SOURCE_2_, WEIR_SOURCE_1_, )(__VA_ARGS__)

/* Of the two above: by the number of arguments. */
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

/* For the calls that have more than two outcomes. Only with WEIR_GOT_ITEM is an item written. */
typedef enum weir_got {
    WEIR_GOT_OVER = 0, /* final, as weir_next's false */
    WEIR_GOT_ITEM = 1,
    WEIR_GOT_LATE = 2,   /* the time passed first; nothing is lost, call again */
    WEIR_GOT_REFUSED = 3 /* not in this state; nothing happened */
} weir_got;

/* ---- reading: by whoever has the generator */

/*
 * Wait for one item.
 *
 * item     [out] lent until the next call on gen. Not to be used when false is returned.
 * Returns  true: an item. false: the end, a failure, or a cancel; weir_finish tells which. Once
 *          false, always false.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_next(weir_gen *gen, weir_item *item);
/*
 * Wait for the first item, then take what is there, as read(2) does for bytes. No more than `max`
 * is asked of anybody upstream. A body gives one, or what one weir_yield_many has.
 *
 * items    [out] room for max items, all lent until the next call on gen.
 * max      at least 1; 0 aborts.
 * Returns  how many came; 0 is final, as weir_next's false.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK size_t weir_next_many(weir_gen *gen, weir_item *items,
                                                             size_t max);
/*
 * Wait for one item, but not for ever. When late, the pull stays under way and the next call of any
 * kind takes it up, so a body never notices; it reads no further than the one item asked for. The
 * item of the call before is no longer lent, also when late. The first use gives the chain behind
 * gen a task of its own (a queue's reading end needs none).
 *
 * item     [out] as for weir_next.
 * wait_ms  0 or less: only what is there, or can be made without waiting.
 * Returns  WEIR_GOT_ITEM, WEIR_GOT_LATE or WEIR_GOT_OVER.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_next_within(weir_gen *gen, weir_item *item,
                                                                 int64_t wait_ms);
/*
 * Python's send: hand an item to the yield at which the body is suspended, and wait for the next
 * one. A send goes to the innermost generator that is delegated to.
 *
 * in       what weir_received tells the body, for as long as this call lasts; NULL: this is
 *          weir_next, in any state.
 * out      [out] as for weir_next.
 * Returns  WEIR_GOT_ITEM or WEIR_GOT_OVER. WEIR_GOT_REFUSED: it waits at no yield of its own
 *          (before its first pull, no body, delegating to one without a body, a late pull is under
 *          way). Aborts when a generator sends to itself.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_send(weir_gen *gen, const weir_item *in,
                                                          weir_item *out);
/*
 * Python's throw: make the yield at which the body is suspended return false, and wait for the next
 * item. weir_catch(self, ...) tells the body code and message, and takes them. Before the first
 * pull, and for a generator without a body, it is the end, with this failure.
 *
 * code     negative; another aborts.
 * message  NULL: a word for the code.
 * out      [out] as for weir_next.
 * Returns  WEIR_GOT_ITEM: caught, and yielded on. WEIR_GOT_OVER; after the end, too, and what was
 *          thrown is then the failure of gen, unless there is one already. WEIR_GOT_REFUSED: a late
 *          pull is under way.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK weir_got weir_throw(weir_gen *gen, int code,
                                                           const char *message, weir_item *out);
/*
 * "except CODE": take a failure, so that it does not travel on. Does not suspend.
 *
 * gen      self: what was thrown into the body's own yield. Another: the failure of a generator
 *          that this body or task reads, once it is over.
 * code     the one that is taken; WEIR_ANY: any, but for a WEIR_ECLOSED or WEIR_ECANCELED that was
 *          thrown (also by a delegate whose scope has ended), which only its own code takes.
 * error    [out] what was pending, taken or not; code 0 if nothing was.
 * Returns  true: it is taken, and a body may yield again. false: nothing was pending, it has
 *          another code, or it is a close (told as WEIR_ECLOSED, of self only), a cancel
 *          (WEIR_ECANCELED), or that gen could not be made, which are never taken. What a delegate
 *          fails with while self is closed is told and taken as anything thrown; the close stays.
 */
WEIR_API WEIR_MUST_CHECK bool weir_catch(weir_gen *gen, int code, weir_error *error);
/*
 * End a generator and tell how it went. One that has not ended is closed: its body's yield returns
 * false, and its clean-up may wait; then what it reads is ended. A pull that is under way fails
 * once. Aborts when called by a body of the chain itself.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0 for an end or a close, else the code of the first failure in time that nobody has
 *          caught: of a source or stage (source.h lists them), WEIR_ECANCELED, WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_finish(WEIR_TAKES weir_gen *gen, weir_error *error);
/*
 * End a generator in a clean-up path; NULL is allowed. As weir_finish, but a failure goes to the
 * log, a cancel nowhere.
 */
WEIR_API WEIR_SUSPENDS void weir_discard(WEIR_TAKES weir_gen *gen);
/* Tell what the body gave to weir_return; NULL: nothing, or it is no body. Lent until the generator
 * is ended. */
WEIR_API const weir_item *weir_result(const weir_gen *gen);
/*
 * Read a generator from code that cannot wait (C++, Python, Go, GLib): a task of weir's own, in the
 * generator's scope, pulls and calls back. Does not suspend.
 *
 * on_item  gets one item at a time, lent for the call, on the loop's own stack, where nothing may
 *          wait; returns false to stop.
 * on_over  called once, when the generator has been ended: rc and error as by weir_finish. NULL is
 *          allowed. Without memory for the task it is called with WEIR_ENOMEM before this returns.
 * ctx      handed to both.
 */
WEIR_API void weir_each(WEIR_TAKES weir_gen *gen, bool (*on_item)(void *ctx, const weir_item *item),
                        void (*on_over)(void *ctx, int rc, const weir_error *error), void *ctx);

/*
 * Make weir_each call on_item no more until weir_each_resume. Meanwhile the generator is not asked
 * either, so its source slows down; an item that is on its way comes after the resume. Neither call
 * suspends; each may be made in on_item, in a task or in a callback of the loop, also several times.
 *
 * gen      what weir_each has taken, until on_over is called; another aborts.
 */
WEIR_API void weir_each_pause(weir_gen *gen);
WEIR_API void weir_each_resume(weir_gen *gen);

/* ---- for bodies: `self` is what the body was given */

/*
 * Tell why what a stage reads is over: after weir_next has returned false or weir_pull (extend.h) 0. A
 * stage that holds something back may have to know: a count that is not complete is not to be given as
 * if it were.
 *
 * Returns  0: the stream has ended by itself. WEIR_ECLOSED: the scope of self is to stop
 *          (weir_scope_stop, a signal), or its reader wants no more; there may be more in the stream.
 *          WEIR_ECANCELED. Else the code of the failure that travels on.
 */
WEIR_API int weir_end_code(const weir_gen *self);
/*
 * Hand an item over, from any call depth of the body; returns when the reader wants more. Aborts
 * outside the body of self.
 *
 * item     lent to the reader for as long as this call lasts. In a stage it gets number, origin and
 *          receipt of what the body has pulled; in a source they are new.
 * Returns  false: stop, see weir_body.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield(weir_gen *self, const weir_item *item);
/* Hand over `count` items, as weir_yield each; the reader takes them in its own portions. With 0
 * nothing happens, and true is returned. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_many(weir_gen *self, const weir_item *items,
                                                            size_t count);
/* Tell what weir_send gave to the yield that has just returned; NULL after a plain pull. Lent until
 * the next yield. */
WEIR_API const weir_item *weir_received(const weir_gen *self);
/*
 * Delegate, as Python's `yield from`: the reader's pulls, sends, throws and the close go to
 * `inner`, at no cost per level, until it ends. Aborts when inner has another reader. The scope that
 * inner was made in still counts: when it stops, inner ends; when it is canceled or ends, inner is
 * closed and has failed with WEIR_ECANCELED or WEIR_ECLOSED. self goes on. In clean-up code inner
 * runs as well, as long as it gives nothing: its first yield is false, and after a close of self
 * that is WEIR_EIGNORED.
 *
 * result   [out] what it gave to weir_return, lent until self delegates again or is ended; NULL if
 *          nothing. NULL is allowed.
 * Returns  true: inner has ended. false: as weir_yield, or inner has failed:
 *          weir_catch(self, ...) tells and takes it.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_yield_from(weir_gen *self,
                                                            WEIR_TAKES weir_gen *inner,
                                                            const weir_item **result);
/*
 * Fail, with a text: return weir_fail(self, WEIR_EPARSE, "line %llu: ...", n);  The first failure
 * counts; its origin is self's name, its seq the item pulled last. Does not end the body.
 *
 * code     a negative code: WEIR_EPARSE, ... or the program's own from WEIR_EUSER down.
 * Returns  code.
 */
WEIR_API int weir_fail(weir_gen *self, int code, const char *format, ...) WEIR_PRINTF(3, 4);
/*
 * Set the value that the generator ends with: return weir_return(self, &item);  It is copied, and
 * what weir_yield_from and weir_result tell.
 *
 * Returns  0, or WEIR_ENOMEM, which is self's failure then.
 */
WEIR_API int weir_return(weir_gen *self, const weir_item *value);
/*
 * Say that one item is bad: it counts as rejected in the ledger, its reason goes to the log (info),
 * and the stream goes on. In a pipeline text on-error= decides (plan.h): the item may be written to
 * a dead sink as well, or be the failure of this generator. Does not suspend.
 *
 * item     lent to the body, or kept by it.
 * Returns  0; or a code: self has failed, what it pulls and yields is false, and its body returns
 *          the code.
 */
WEIR_API int weir_reject(weir_gen *self, const weir_item *item, const char *format, ...)
    WEIR_PRINTF(3, 4);
/*
 * Say "I hold nothing of what I have pulled so far", so that the saved position may move: those
 * items count as filtered.
 *
 * Without it, what a body has pulled since its last yield is vouched for by its next yield, and by
 * every kept item: safe for filters, sums and windows alike. What it holds when it returns 0 counts
 * as filtered. A body that passes little on calls this from time to time; weir_filter does it by
 * itself.
 */
WEIR_API void weir_settle(weir_gen *self);

#ifdef __cplusplus
}
#endif

#endif
