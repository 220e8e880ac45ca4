/*
 * source.h - where items come from.
 *
 * The idea. A source is a generator of lines, or of bytes. Making one connects and opens nothing;
 * the first pull does. It reads only when it is pulled, so a slow reader is felt by the far end,
 * and gives a line as soon as it is there, without waiting for more.
 *
 * Bytes. Each maker exists twice: weir_x_lines gives lines, weir_x_bytes the bytes as they come, cut
 * anywhere, with WEIR_ITEM_BYTES. Directly behind the latter weir_framed (<weir/stage.h>) makes the
 * source cut its bytes otherwise: any transport gives any kind of item.
 *
 * Lines. A line ends at LF; one CR before it belongs to the line end and is remembered as
 * WEIR_ITEM_CRLF; CR elsewhere, NUL and a byte order mark are data. Bytes behind the last LF are a
 * line with WEIR_ITEM_NO_EOL. A line over its limit is never cut without being asked to be, and
 * never silently.
 *
 * Lifetime.  As for all generators. Options, texts and paths are copied; a state and what setup_ctx
 *            points to must outlive the source.
 * Failure.   Told by whatever ends the chain. Complete lines that had come are given first.
 * Threads.   The thread of the scope's loop.
 */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

#include <weir/gen.h>
#include <weir/state.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_http_options {
    size_t struct_size;
    const char *const *headers; /* "Name: value"; sent to the origin of the URL only, not on to
                                   another that a redirect names */
    size_t headers_count;
    const char *bearer_file; /* a regular file of at most 16 KiB that holds a bearer token (RFC
                                6750); read anew for each request, on the worker, so it may be
                                renewed; goes where headers go, never shown */
    const char *ca_file;     /* PEM, who to trust; default: libcurl's */
    int32_t tls;             /* WEIR_TLS_VERIFY (default) or WEIR_TLS_TRUST_ANYBODY */
    int32_t retries; /* attempts in a row that bring no new line; default: 5, with `follow` and of
                        an event stream no limit, but without `follow` none for a first connection
                        that fails (name, refused, TLS, connect_ms). N > 0: N in all these cases;
                        WEIR_NONE: never */
    int64_t connect_ms, first_byte_ms; /* defaults 10 s, 30 s; WEIR_NONE: no limit. All three run
                                          only while a pull waits */
    int64_t idle_ms; /* silence that is taken for a break; default: 60 s for a body that can be
                        resumed and for an event stream, no limit for others; WEIR_NONE: no limit */
    int64_t line_bytes_max; /* without the line end; default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* resume from here, and save the settled position; default: none */
    /* The last word on the CURL handle before each request, for any CURLOPT_. Runs on the pulling
     * task. Not 0: the source fails with WEIR_EINVAL, detail as returned. A function of its own for
     * CURLOPT_SSL_CTX_FUNCTION, with its own CURLOPT_SSL_CTX_DATA, takes the place of weir's, by
     * which a TLS connection that was cut is told from one that has ended (RFC 8446, 6.1). */
    int (*setup)(void *ctx, void *curl_easy);
    void *setup_ctx;
    const char *user; /* "name:password", for Basic (RFC 7617); before the URL's own; goes where
                         headers go, never shown */
    /* Of an encoded body (gzip, deflate), against bombs; what goes beyond fails with WEIR_ETOOLONG,
     * after the lines before it. The body of one answer counts, also the part that a resumed
     * stream drops. */
    int64_t decoded_bytes_max; /* default: none, since a live feed has no end */
    int64_t decoded_ratio_max; /* decoded to encoded bytes, once 10 MiB are decoded; default 1000
                                  (the same line for ever reaches 1030); WEIR_NONE: no limit */
    int32_t follow; /* 1: ask again after a break that cannot be resumed and after an end, for ever;
                       each time it is logged that a gap or repeats are possible. default 0 */
    int32_t raw;    /* 1: a body with a Content-Encoding is read as it is. default 0: decoded */
    int64_t retry_after_max_ms; /* a server that asks to be left alone (Retry-After) is, for at most
                                   so long; beyond it the source fails. default 1 h; WEIR_NONE: no
                                   limit */
    const char *ca_folder; /* of PEM files by hash (openssl rehash), who to trust besides ca_file */
    const char *unix_socket; /* the path of a local socket by which the host of the URL is reached,
                                instead of its name and port; another host that a redirect names is
                                not; default: none */
} weir_http_options;
enum { WEIR_TLS_VERIFY = 0, WEIR_TLS_TRUST_ANYBODY = 1 };
enum {
    WEIR_LONG_SKIP = 0, /* leave the line out: it counts as rejected, and is logged */
    WEIR_LONG_CUT,      /* give its first line_bytes_max bytes, with WEIR_ITEM_TRUNCATED; logged */
    WEIR_LONG_FAILS,    /* the source fails with WEIR_ETOOLONG, offset: where the line begins */
    WEIR_LONG_PARTS     /* give it in pieces, each but the last with WEIR_ITEM_PART and all with one
                           number: for sinks that write it out again */
};

/* How bytes are cut into items. */
typedef struct weir_framing {
    size_t struct_size;
    int32_t kind;           /* WEIR_FRAME_LINES (default) ... */
    int32_t overlong;       /* WEIR_LONG_SKIP (default) ... */
    int64_t item_bytes_max; /* of an item without its end or length; default 1 MiB; WEIR_NONE: the
                               loop's budget */
    int64_t record_bytes;   /* WEIR_FRAME_FIXED: of each item, at least 1 */
} weir_framing;
enum {
    WEIR_FRAME_LINES = 0, /* each item, then its line end as it came */
    WEIR_FRAME_NONE,      /* the bytes of the items, nothing between */
    WEIR_FRAME_LEN32,     /* before each item its length: 4 bytes, big-endian */
    WEIR_FRAME_NUL,       /* behind each item a NUL byte */
    WEIR_FRAME_FIXED,     /* items of one length */
    WEIR_FRAME_VARINT,    /* before each item its length, as protobuf writes it (LEB128) */
    WEIR_FRAME_SSE        /* server-sent events (WHATWG HTML 9.2) */
};

typedef struct weir_socket weir_socket; /* <weir/socket.h> */
/* For socket sources and sinks. */
typedef struct weir_socket_options {
    size_t struct_size;
    int32_t frame; /* sink: WEIR_FRAME_LINES (default), _NONE, _LEN32; source: lines only */
    /* tls, ca_file, ca_folder, cert_file, key_file and server_name are for tls:// addresses (TLS 1.2
     * and 1.3); with others they are WEIR_EINVAL. The files are PEM, and read when it connects. */
    int32_t tls; /* WEIR_TLS_VERIFY (default): the peer needs a certificate for server_name from a
                    trusted authority; WEIR_TLS_TRUST_ANYBODY: any certificate */
    const char *ca_file; /* the trusted authorities; default: those of the system, or of the
                            environment's SSL_CERT_FILE and SSL_CERT_DIR */
    int64_t connect_ms; /* to resolve, connect and shake hands; default 10 s; WEIR_NONE: no limit */
    int64_t stall_ms;   /* the peer takes (sink) or sends (source) nothing for so long:
                            WEIR_ETIMEDOUT; default: never */
    int64_t line_bytes_max; /* source: as in weir_lines_options */
    int32_t overlong;       /* source: as in weir_lines_options */
    int32_t reserved;
    const char *cert_file;   /* a certificate for a peer that asks for one, and those between it and
                                its root; default: none */
    const char *key_file;    /* its key, without a password; default: in cert_file, too */
    const char *server_name; /* the name in the peer's certificate, which is also sent to the peer
                                (SNI); default: the host of the address */
    const char *ca_folder;   /* PEM files by hash (openssl rehash), trusted besides ca_file */
    weir_socket *socket;     /* an end of this connection; then the address is NULL. default: one
                                of its own */
} weir_socket_options;

/* What files and descriptors are read by. */
typedef struct weir_lines_options {
    size_t struct_size;
    int64_t line_bytes_max; /* without the line end; default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* a regular file resumes from here; others are best-effort. default: none */
} weir_lines_options;

/*
 * Read the lines of an HTTP response (GET, HTTP/1.1, on a connection of its own).
 *
 * Redirects (RFC 9110, 15.4): at most 10, http and https only, never from https to http, in no
 * circle. Content-Encoding: identity is asked for; gzip and deflate are decoded when a server sends
 * them all the same, or when `headers` ask for them.
 *
 * A body that breaks off goes on behind the last line that was given, by Range and If-Range
 * (RFC 9110, 14.2 and 13.1.5), when the server has named its version by a strong ETag, or by a
 * Last-Modified that lies a minute before its Date; one that now has another version is
 * WEIR_ECHANGED. Without a validator a body that breaks off is WEIR_ETRUNCATED, unless it is
 * followed (options->follow): that asks again from the start, and goes on with another version, too.
 * Retries pause for a random time of up to 0.5 s, doubled each time up to 30 s, but no less than a
 * Retry-After says; they are logged (info). 408, 425, 429 and 5xx are retried, too.
 *
 * url      http:// or https://; a user and password in it are used as options->user is. Copied.
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the URL, a header, the token's file is not usable. WEIR_ERESOLVE,
 *          WEIR_ECONNECT, WEIR_ETLS: no connection. WEIR_EHTTP, detail the status: refused, or an
 *          answer that makes no sense. WEIR_ERESET, WEIR_ETRUNCATED: broke off and could not be
 *          resumed. WEIR_ECHANGED. WEIR_ETIMEDOUT: one of the three limits. WEIR_ETOOLONG,
 *          WEIR_EBUDGET: a line, or an encoded body. WEIR_EIO: the token's file, or what libcurl
 *          alone knows. WEIR_ENOMEM. offset tells how far it got.
 */
WEIR_API weir_gen *weir_http_lines(weir_scope *scope, const char *url,
                                   const weir_http_options *options);
/* The same without lines: line_bytes_max and overlong of the options have no effect. */
WEIR_API weir_gen *weir_http_bytes(weir_scope *scope, const char *url,
                                   const weir_http_options *options);
/*
 * Read the events of a stream of server-sent events (WHATWG HTML 9.2), as weir_http_lines reads
 * lines; weir_framed (<weir/stage.h>) says what an event is. weir_framed directly behind
 * weir_http_bytes with WEIR_FRAME_SSE makes the same source.
 *
 * It is followed: whenever a body ends or breaks off, or is silent for idle_ms, the stream is asked
 * for again, no earlier than the `retry` of the stream says, with the id of the last event as
 * Last-Event-ID; a Last-Event-ID in options->headers says where to begin before there is one. Only
 * the answer 204 ends the stream. Nothing shows that a server goes on behind the id that it was
 * asked for: each time it is logged that a gap or repeats are possible, and as a warning when the
 * stream begins with an event that came before. `Accept: text/event-stream` is sent unless the
 * headers name another.
 *
 * With a state the position is the last event's id, which makes the pipeline at-least-once: what an
 * earlier run has written and not saved is cut off a file only where the first events are the same
 * bytes again; else the sink appends, and warns. A stream whose events have no ids is best-effort.
 *
 * url      as of weir_http_lines.
 * options  NULL: the defaults. Copied. line_bytes_max and overlong are of the data of an event;
 *          `follow` makes a first connection that fails be tried again.
 * Fails    as weir_http_lines, but not with WEIR_ETRUNCATED or WEIR_ECHANGED. WEIR_EHTTP also: an
 *          answer that is neither 200 nor 204 (408, 425, 429 and 5xx are retried), or that has
 *          another Content-Type; a `retry` beyond retry_after_max_ms.
 */
WEIR_API weir_gen *weir_http_events(weir_scope *scope, const char *url,
                                    const weir_http_options *options);
/*
 * Read the lines of a file; a fifo is waited for. With a state a regular file goes on behind the
 * last line that was committed.
 *
 * path     copied.
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EIO, detail errno: open or read. WEIR_ECHANGED: it is another file than the last
 *          run has read (by device, inode, and a hash of its first 256 bytes), or a shorter one;
 *          or it was cut while it was read.
 *          WEIR_ETOOLONG, WEIR_EBUDGET: a line. WEIR_EINVAL: the state. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_file_lines(weir_scope *scope, const char *path,
                                   const weir_lines_options *options);
/* The same without lines: the limits of the options have no effect. */
WEIR_API weir_gen *weir_file_bytes(weir_scope *scope, const char *path,
                                   const weir_lines_options *options);
/*
 * Read the lines of a descriptor: a file, from its position on; a pipe, socket or terminal.
 *
 * fd       stays the caller's and open until the source has ended; its flags are not changed.
 * options  NULL: the defaults. Copied. With a state the pipeline is best-effort.
 * Fails    as weir_file_lines.
 */
WEIR_API weir_gen *weir_fd_lines(weir_scope *scope, int fd, const weir_lines_options *options);
/* The same without lines: the limits of the options have no effect. */
WEIR_API weir_gen *weir_fd_bytes(weir_scope *scope, int fd, const weir_lines_options *options);
/*
 * Read the lines of "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH": weir
 * connects, sends nothing, and reads to the end of the stream. It does not connect again.
 *
 * address  copied. All addresses of a name are tried, IPv6 and IPv4 in turn: the next when the one
 *          before has failed or has not answered for 250 ms (RFC 8305).
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: address or options, a file of TLS. WEIR_ERESOLVE; WEIR_ECONNECT, WEIR_ERESET,
 *          detail errno; WEIR_ETLS: the peer or its certificate is refused, or we are;
 *          WEIR_ETRUNCATED: a TLS connection was cut: it has ended without a close_notify;
 *          WEIR_ETIMEDOUT; WEIR_ETOOLONG, WEIR_EBUDGET: a line. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_socket_lines(weir_scope *scope, const char *address,
                                     const weir_socket_options *options);
/* The same without lines: line_bytes_max and overlong of the options have no effect. */
WEIR_API weir_gen *weir_socket_bytes(weir_scope *scope, const char *address,
                                     const weir_socket_options *options);
/*
 * Give the numbers first, first + 1, ... last as decimal lines; none when first is beyond last.
 *
 * last     WEIR_NONE: up to INT64_MAX, which nobody lives to see. It is -1, so a count that is to
 *          end there is told how long it is: weir_head(weir_count(scope, -5, WEIR_NONE), 5).
 */
WEIR_API weir_gen *weir_count(weir_scope *scope, int64_t first, int64_t last);
/*
 * Give an item every interval, for ever: the number of intervals since the first pull, "1", "2", ...
 * A reader that comes too late for some of them is given the newest only, so the numbers tell how
 * many it has missed.
 *
 * interval_ms  milliseconds, at least 1; else WEIR_EINVAL.
 */
WEIR_API weir_gen *weir_ticker(weir_scope *scope, int64_t interval_ms);

#ifdef __cplusplus
}
#endif

#endif
