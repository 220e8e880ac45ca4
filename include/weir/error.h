/*
 * error.h - codes, the error record, and the few words that every other header of weir uses.
 *
 * The idea. What can go wrong in the world is a negative code; misuse (a generator with two
 * readers, a wait where nothing can wait) prints one line that says what was wrong to standard
 * error and aborts, in all builds. A failure is kept by the object in which it happened, travels on
 * by itself, and is told once, by whatever ends the chain: weir_finish, weir_pump, weir_sink_finish
 * or weir_scope_wait. There is no errno and no last error of a thread.
 *
 * Lifetime.  A weir_error is the caller's and holds no pointer: keep it, copy it, send it on.
 * Failure.   Nothing here fails.
 * Threads.   Nothing here touches a loop.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1 /* of these headers; weir_version() tells the library's own */

/*
 * Words in a prototype:
 *   WEIR_API         exported by the library.
 *   WEIR_MUST_CHECK  the compiler warns about a result that is not looked at.
 *   WEIR_SUSPENDS    may park the calling task, during which other tasks run (see scope.h).
 *   WEIR_TAKES       the callee owns this argument from here on, also when it fails.
 * The last two expand to nothing: they are for readers, and for checkers that look for them.
 */
#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#define WEIR_MUST_CHECK __attribute__((warn_unused_result))
#define WEIR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define WEIR_UNUSED __attribute__((unused))
#else
#define WEIR_API
#define WEIR_MUST_CHECK
#define WEIR_PRINTF(f, a)
#define WEIR_UNUSED
#endif
#define WEIR_SUSPENDS
#define WEIR_TAKES

/* Zeros, for an initializer that both languages take without a warning. */
/* clang-format off */
#ifdef __cplusplus
#define WEIR_ZERO {}
#else
#define WEIR_ZERO {0}
#endif
/* clang-format on */

typedef struct weir_loop weir_loop;       /* <weir/loop.h> */
typedef struct weir_scope weir_scope;     /* <weir/scope.h> */
typedef struct weir_gen weir_gen;         /* <weir/gen.h> */
typedef struct weir_sink weir_sink;       /* <weir/sink.h> */
typedef struct weir_block weir_block;     /* a counted chunk of bytes; never looked into */
typedef struct weir_receipt weir_receipt; /* stands for source items; never looked into */
typedef struct weir_state weir_state;     /* <weir/state.h> */

/*
 * What went wrong. A program's own codes are WEIR_EUSER and below. weir_error.detail holds what the
 * system or the protocol said; where nothing else is written it is 0.
 */
enum weir_code {
    WEIR_OK = 0,
    WEIR_ENOMEM = -1,
    WEIR_EBUDGET = -2,     /* the loop's byte budget is used up and waiting cannot free any of it */
    WEIR_EINVAL = -3,      /* an argument or option that cannot be; a state that is not usable */
    WEIR_ECLOSED = -4,     /* the reader has gone: a queue's, a pipe's, a socket's; or a generator's
                              scope has ended */
    WEIR_ECANCELED = -5,   /* told to the one canceled; a scope that was canceled does not fail */
    WEIR_ETIMEDOUT = -6,   /* the deadline of a scope, or a limit of a source or sink */
    WEIR_EIGNORED = -7,    /* a body went on yielding after it had been closed */
    WEIR_EABANDONED = -8,  /* a writer of a queue was discarded: how its stream ended is unknown */
    WEIR_ERESOLVE = -20,   /* no address for a name. detail: CURLcode for HTTP, else libuv's code */
    WEIR_ECONNECT = -21,   /* detail: errno, or CURLcode where libcurl knows none */
    WEIR_ERESET = -22,     /* the connection broke off. detail: errno; CURLcode for HTTP */
    WEIR_ETLS = -23,       /* detail: CURLcode */
    WEIR_EHTTP = -24,      /* detail: the status */
    WEIR_ETRUNCATED = -25, /* a body was cut short and cannot be resumed. detail: as its cause */
    WEIR_ECHANGED = -26,   /* a resumed stream, or a file that was written, is not the one it was */
    WEIR_ELOST = -27,      /* what a socket sink has written did not all reach its peer. detail: the
                              errno of a reset; 0: the peer took no more of it */
    WEIR_ETOOLONG = -40, /* a line over its limit (WEIR_LONG_FAILS), a full queue (WEIR_FULL_FAILS)
                          */
    WEIR_EPARSE = -41,   /* text that cannot be read. offset: where */
    WEIR_EIO = -60,      /* detail: errno */
    WEIR_EUSER = -1000,  /* this and below are the program's */
    WEIR_ANY = 1         /* no code: stands for all of them in weir_catch */
};

/*
 * What went wrong and where. Functions with a weir_error * write it always, code 0 when all went
 * well, and allow NULL. Texts are terminated, cut between two UTF-8 characters when they do not
 * fit, and free of control bytes, so they may go to a terminal; passwords in URLs are left out.
 * Frozen at 512 bytes.
 */
typedef struct weir_error {
    int32_t code;      /* enum weir_code; 0: none */
    int32_t detail;    /* HTTP status, errno or CURLcode, by code */
    uint64_t seq;      /* number of the item at hand in its origin, 0 if none */
    int64_t offset;    /* byte offset in the source or the text, -1 if none */
    char origin[64];   /* who failed, not who noticed: "http(feed.example)", "at_least" */
    char message[424]; /* one line; may hold the first bytes of a refusing reply */
} weir_error;

#define WEIR_NONE (-1) /* in an option: "no limit" or "never", where 0 is the default */

/*
 * Make a pointer to options for the call it stands in:
 *     weir_http_lines(scope, url, WEIR_OPTIONS(weir_http_options, .idle_ms = 5000))
 * Every option struct begins with struct_size, so that it can grow; what is left out is 0, the
 * default; NULL means all defaults. C11 only. In C++: weir_http_options o{}; o.struct_size = sizeof
 * o;
 */
#define WEIR_OPTIONS(type, ...) (&(type){.struct_size = sizeof(type), __VA_ARGS__})

/* What WEIR_STAGE, WEIR_SOURCE and WEIR_TYPE ask of their types: weir copies their bytes, and runs
 * no constructor and no destructor. */
#ifdef __cplusplus
#define WEIR_COPIED_AS_BYTES_(T)                                                         \
    static_assert(__is_trivially_copyable(T),                                            \
                  #T " is not trivially copyable, and weir copies its bytes: hold what " \
                     "it owns by a plain pointer");
#else
#define WEIR_COPIED_AS_BYTES_(T)
#endif

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(weir_error) == 512, "weir_error is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
