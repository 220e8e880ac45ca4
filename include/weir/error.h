/*
 * error.h - codes, the error record, and the definitions that every other header of weir uses.
 *
 * The idea. A failure that a correct program can meet (network, disk, memory, input) is a negative
 * code. Misuse (a generator with two readers, a wait where no wait is possible, a NULL where the
 * function needs an object) prints one line to standard error that says what was wrong, and aborts,
 * in all builds. The object in which a failure happens keeps it. The failure moves down the chain
 * without help, and it is reported once, by the call that ends the chain: weir_finish, weir_pump,
 * weir_sink_finish or weir_scope_wait. There is no errno and no last error of a thread.
 *
 * Lifetime.  A weir_error belongs to the caller and holds no pointer: it can be kept, copied and
 *            sent.
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
#define WEIR_VERSION_MINOR 1 /* of these headers; weir_version() gives that of the library */

/*
 * Words in a prototype:
 *   WEIR_API         exported by the library.
 *   WEIR_MUST_CHECK  the compiler warns when the result is not used.
 *   WEIR_SUSPENDS    may park the calling task; other tasks run meanwhile (see scope.h).
 *   WEIR_TAKES       the callee owns this argument from the call on, also when it fails.
 * The last two expand to nothing: they are for the reader, and for tools that check them.
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

/* An initializer with zeros that C and C++ both accept without a warning. */
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
typedef struct weir_block weir_block;     /* bytes with a reference count; opaque */
typedef struct weir_receipt weir_receipt; /* stands for source items; opaque */
typedef struct weir_state weir_state;     /* <weir/state.h> */

/*
 * The error codes. A program's own codes are WEIR_EUSER and below. weir_error.detail holds what the
 * system or the protocol reported; it is 0 where nothing else is written.
 */
enum weir_code {
    WEIR_OK = 0,
    WEIR_ENOMEM = -1,
    WEIR_EBUDGET = -2,     /* the loop's byte budget is used up, and no wait can free any of it */
    WEIR_EINVAL = -3,      /* an invalid argument or option; a state that cannot be used */
    WEIR_ECLOSED = -4,     /* the reader of a queue, a pipe or a socket has gone; or the scope of a
                              generator has ended */
    WEIR_ECANCELED = -5,   /* for the canceled task; a scope that was canceled does not fail */
    WEIR_ETIMEDOUT = -6,   /* the deadline of a scope, or a limit of a source or sink */
    WEIR_EIGNORED = -7,    /* a body yielded again after it was closed */
    WEIR_EABANDONED = -8,  /* a writer of a queue was discarded: how its stream ended is unknown */
    WEIR_ERESOLVE = -20,   /* no address for a name. detail: CURLcode for HTTP, else libuv's code */
    WEIR_ECONNECT = -21,   /* detail: errno, or CURLcode where libcurl has no errno */
    WEIR_ERESET = -22,     /* the connection was lost. detail: errno; CURLcode for HTTP */
    WEIR_ETLS = -23,       /* detail: CURLcode */
    WEIR_EHTTP = -24,      /* detail: the status */
    WEIR_ETRUNCATED = -25, /* a body is incomplete and cannot be resumed. detail: of the cause */
    WEIR_ECHANGED = -26,   /* a resumed stream, or a file written before, has changed */
    WEIR_ELOST = -27,      /* not all that a socket sink wrote has reached the peer. detail: the
                              errno of a reset; 0: the peer took no more of it */
    WEIR_EEXIT = -28,    /* a program that was started has failed. detail: its exit status, or 128 +
                            the number of the signal that has ended it */
    WEIR_ETOOLONG = -40, /* a line over its limit (WEIR_LONG_FAILS), a full queue (WEIR_FULL_FAILS)
                          */
    WEIR_EPARSE = -41,   /* invalid text. offset: where */
    WEIR_EIO = -60,      /* detail: errno */
    WEIR_EUSER = -1000,  /* this and below: codes of the program */
    WEIR_ANY = 1         /* not a code: means any code in weir_catch */
};

/*
 * An error: what went wrong and where. Functions with a weir_error * always write it, with code 0
 * for success, and accept NULL. Texts are terminated. They are cut between two UTF-8 characters
 * when they do not fit, and contain no control bytes but the line ends of a message of several lines, so they may be written
 * to a terminal.
 * Passwords in URLs are removed. The size is frozen at 512 bytes.
 */
typedef struct weir_error {
    int32_t code;      /* enum weir_code; 0: none */
    int32_t detail;    /* HTTP status, errno or CURLcode, by code */
    uint64_t seq;      /* number of the current item in its origin, 0 if none */
    int64_t offset;    /* byte offset in the source or the text, -1 if none */
    char origin[64];   /* the object that failed, not the one that noticed: "http(feed.example)",
                          "at_least" */
    char message[424]; /* one line; may hold the first bytes of an HTTP error reply. For an item
                          that was rejected, two more: what is written at the place of the mistake,
                          and a caret below it */
} weir_error;

#define WEIR_NONE (-1) /* in an option: "no limit" or "never", where 0 is the default */

/*
 * Make a pointer to options, valid during the call:
 *     weir_http_lines(scope, url, WEIR_OPTIONS(weir_http_options, .idle_ms = 5000))
 * Every option struct begins with struct_size, so that it can grow. A field that is left out is 0,
 * the default. NULL means all defaults. C11 only. In C++: weir_http_options o{}; o.struct_size =
 * sizeof o;
 */
#define WEIR_OPTIONS(type, ...) (&(type){.struct_size = sizeof(type), __VA_ARGS__})

/* What WEIR_STAGE, WEIR_SOURCE and WEIR_TYPE require of their types: weir copies their bytes, and
 * calls no constructor and no destructor. */
#ifdef __cplusplus
#define WEIR_COPIED_AS_BYTES_(T)                                                     \
    static_assert(__is_trivially_copyable(T),                                        \
                  #T " is not trivially copyable, and weir copies its bytes: use a " \
                     "plain pointer to the data that it owns");
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
