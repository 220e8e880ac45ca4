/*
 * source.h - where items come from.
 */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

#include <weir/gen.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_http_options {
    size_t struct_size;
    const char *const *headers;      /* "Name: value"; not sent on to another origin */
    size_t headers_count;
    const char *bearer_file;         /* read at each connect, so rotation works; never shown */
    const char *ca_file;
    int32_t tls;                     /* WEIR_TLS_VERIFY (default) or WEIR_TLS_TRUST_ANYBODY */
    int32_t retries;                 /* default: 5 for a finite body, for ever for an endless one; WEIR_NONE: never; INT32_MAX: for ever */
    int64_t connect_ms, first_byte_ms, idle_ms; /* default 10 s, 30 s, 60 s; idle stops while weir is the brake */
    int64_t line_bytes_max;          /* default 1 MiB */
    int32_t overlong;                /* WEIR_LONG_SKIP (default, counted), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state;        /* weir_state_open(): resume from here, and save the settled position; default: none */
    int (*setup)(void *ctx, void *curl_easy); /* last word on the CURL handle before each connect: any CURLOPT_ */
    void *setup_ctx;
    const char *user;         /* "name:password", for Basic; goes where `headers` go; never shown */
} weir_http_options;
enum { WEIR_TLS_VERIFY = 0, WEIR_TLS_TRUST_ANYBODY = 1 };
enum { WEIR_LONG_SKIP = 0, WEIR_LONG_CUT, WEIR_LONG_FAILS };

/* For socket sources and sinks. */
typedef struct weir_socket_options {
    size_t struct_size;
    int32_t frame;          /* WEIR_FRAME_LINES (default: each part and its line end), _NONE, _LEN32 */
    int32_t tls;
    const char *ca_file;
    int64_t connect_ms;     /* default 10 s */
    int64_t stall_ms;       /* sink: the peer takes nothing for so long; source: sends nothing. default: never */
    int64_t line_bytes_max; /* source: default 1 MiB */
    int32_t overlong;       /* source: as in weir_lines_options */
    int32_t reserved;
} weir_socket_options;
enum { WEIR_FRAME_LINES = 0, WEIR_FRAME_NONE, WEIR_FRAME_LEN32 };

/* One record of positions and sink length for one pipeline, in a folder, locked; given to its sources and its sink.
 * A damaged, locked or foreign one is a failed object whose failure the source tells. */
WEIR_API weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name);

/* What the line-splitting sources have in common; NULL: the defaults. Copied. */
typedef struct weir_lines_options {
    size_t struct_size;
    int64_t line_bytes_max; /* default 1 MiB, without the line end; WEIR_NONE: no limit but the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default, counted), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* a regular file resumes from here; others are best-effort. default: none */
} weir_lines_options;

/* Lines of an http:// or https:// URL. The first pull connects. Failures: WEIR_ERESOLVE, WEIR_ECONNECT, WEIR_ETLS,
 * WEIR_EHTTP (detail: the status), WEIR_ERESET, WEIR_ETRUNCATED, WEIR_ECHANGED, WEIR_ETIMEDOUT, WEIR_EINVAL. */
WEIR_API weir_gen *weir_http_lines(weir_scope *scope, const char *url, const weir_http_options *options);
/* Lines of a file. The first pull opens it. WEIR_EIO with errno in detail. */
WEIR_API weir_gen *weir_file_lines(weir_scope *scope, const char *path, const weir_lines_options *options);
/* Lines of a descriptor: a file, pipe, socket or terminal. `fd` stays the caller's and is not closed; its flags are
 * not changed. */
WEIR_API weir_gen *weir_fd_lines(weir_scope *scope, int fd, const weir_lines_options *options);
/* Lines of "tcp://HOST:PORT" or "unix:PATH" (or "unix://PATH"): weir connects and reads to the end of the stream. */
WEIR_API weir_gen *weir_socket_lines(weir_scope *scope, const char *address, const weir_socket_options *options);
/* The numbers first, first + 1, ... last as decimal lines; last = WEIR_NONE: without end. */
WEIR_API weir_gen *weir_count(weir_scope *scope, int64_t first, int64_t last);

#ifdef __cplusplus
}
#endif

#endif
