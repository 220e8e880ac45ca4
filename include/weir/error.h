/*
 * error.h - codes, the error record, and the few words that every other header of weir uses.
 *
 * The idea. Operating errors are negative codes; misuse aborts with a message, in all builds. A failure is kept by the
 * object in which it happened, travels on by itself, and is told once.
 *
 * Lifetime.  A weir_error is the caller's and holds no pointer: keep it, copy it, send it to another thread.
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
#define WEIR_VERSION_MINOR 1 /* the library's own: weir_version() */

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
#define WEIR_SUSPENDS /* marks what may park the task; a checker can hang on it */
#define WEIR_TAKES    /* marks an argument that the callee owns from here on, also on failure */

#ifdef __cplusplus
#define WEIR_ZERO {}
#else
#define WEIR_ZERO {0}
#endif

typedef struct weir_loop weir_loop;
typedef struct weir_scope weir_scope;
typedef struct weir_gen weir_gen;
typedef struct weir_sink weir_sink;
typedef struct weir_block weir_block;
typedef struct weir_receipt weir_receipt;
typedef struct weir_state weir_state;

enum weir_code {
    WEIR_OK = 0,
    WEIR_ENOMEM = -1,
    WEIR_EBUDGET = -2,    /* the loop's byte budget is used up and waiting cannot free any of it */
    WEIR_EINVAL = -3,
    WEIR_ECLOSED = -4,    /* the reader closed this generator, or the sink's far end went away */
    WEIR_ECANCELED = -5,
    WEIR_ETIMEDOUT = -6,
    WEIR_EIGNORED = -7,   /* a body yielded after it had been closed */
    WEIR_EABANDONED = -8, /* a writer of a queue was discarded without saying how its stream ended */
    WEIR_ERESOLVE = -20,
    WEIR_ECONNECT = -21,
    WEIR_ERESET = -22,
    WEIR_ETLS = -23,
    WEIR_EHTTP = -24,     /* detail: the status */
    WEIR_ETRUNCATED = -25,
    WEIR_ECHANGED = -26,  /* a resumed stream is not the one it was */
    WEIR_ETOOLONG = -40,
    WEIR_EPARSE = -41,
    WEIR_EIO = -60,       /* detail: errno */
    WEIR_EUSER = -1000,   /* this and below are the user's */
    WEIR_ANY = 1          /* for weir_catch */
};

/* What went wrong and where. The caller's; holds no pointer, so it may be kept, copied and sent to another thread. */
typedef struct weir_error {
    int32_t code;
    int32_t detail;      /* HTTP status, errno or CURLcode, by code */
    uint64_t seq;        /* number of the item in its origin, 0 if none */
    int64_t offset;      /* byte offset in the source, -1 if none */
    char origin[64];     /* who failed, not who noticed: "http(feed.example)", "at_least" */
    char message[424];   /* one line, no secrets, always terminated; room for the excerpt of a reply */
} weir_error;

#define WEIR_NONE (-1) /* "no limit" or "never", where 0 is the default */

/* WEIR_OPTIONS(weir_http_options, .idle_ms = 5000): C11. In C++: weir_http_options o{}; o.struct_size = sizeof o; */
#define WEIR_OPTIONS(type, ...) (&(type){.struct_size = sizeof(type), __VA_ARGS__})

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(weir_error) == 512, "weir_error is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
