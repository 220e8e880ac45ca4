/*
 * source.h - where items come from.
 *
 * The idea. A source is a generator of lines, or of bytes. Making one neither connects nor opens
 * anything; the first pull does. It reads only when it is pulled, so a slow reader slows down the
 * far end. It gives a line as soon as it is complete, without waiting for more.
 *
 * Bytes. Each maker exists twice: weir_x_lines gives lines, weir_x_bytes gives the bytes as they
 * come, cut anywhere, with WEIR_ITEM_BYTES. weir_framed (<weir/stage.h>) directly after
 * weir_x_bytes makes the source cut its bytes in another way. So any transport can give any kind of
 * item.
 *
 * Lines. A line ends at LF. One CR before it belongs to the line end and is recorded as
 * WEIR_ITEM_CRLF. CR elsewhere, NUL and a byte order mark are data. Bytes after the last LF are a
 * line with WEIR_ITEM_NO_EOL. A line over its limit is cut only when asked for, and never silently.
 *
 * Lifetime.  As for all generators. Options, texts and paths are copied. A state and the object at
 *            setup_ctx must live longer than the source.
 * Failure.   Reported by the call that ends the chain. Complete lines that were received are given
 *            first.
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
    const char *const *headers; /* "Name: value"; sent only to the origin of the URL, not to another
                                   one after a redirect */
    size_t headers_count;
    const char *bearer_file; /* a regular file of at most 16 KiB that holds a bearer token (RFC
                                6750). It is read again for each request, on the worker, so it may
                                be renewed. Sent where headers are sent, never shown */
    const char *ca_file;     /* PEM, the trusted authorities; default: libcurl's */
    int32_t tls;             /* WEIR_TLS_VERIFY (default) or WEIR_TLS_TRUST_ANYBODY */
    int32_t retries; /* attempts in a row without a new line; default: 5; no limit with `follow` and
                        for an event stream; but without `follow` no retry when the first connection
                        fails (name, refused, TLS, connect_ms). N > 0: N in all these cases;
                        WEIR_NONE: never */
    int64_t connect_ms, first_byte_ms; /* defaults 10 s, 30 s; WEIR_NONE: no limit. These two and
                                          idle_ms run only while a pull waits */
    int64_t idle_ms; /* silence that counts as a lost connection; default: 60 s for a body that can
                        be resumed and for an event stream, no limit for others; WEIR_NONE: no
                        limit */
    int64_t line_bytes_max; /* without the line end; default 1 MiB, or an eighth of
                             * the loop's budget_bytes if that is less; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* continue from its position, and save the settled position; default:
                          none */
    /* Called last with the CURL handle before each request, to set any CURLOPT_. Runs on the
     * pulling task. Not 0: the source fails with WEIR_EINVAL, and detail is the result. If it sets
     * a CURLOPT_SSL_CTX_FUNCTION, with its own CURLOPT_SSL_CTX_DATA, that replaces weir's function,
     * which distinguishes a TLS connection that was cut from one that has ended (RFC 8446, 6.1). */
    int (*setup)(void *ctx, void *curl_easy);
    void *setup_ctx;
    const char *user; /* "name:password", for Basic (RFC 7617); used instead of the URL's own; sent
                         where headers are sent, never shown */
    /* Limits of an encoded body (gzip, deflate), against decompression bombs. Beyond them the
     * source fails with WEIR_ETOOLONG, after the lines before. The body of one response counts,
     * including the part that a resumed stream drops. */
    int64_t decoded_bytes_max; /* default: no limit, since a live feed has no end */
    int64_t decoded_ratio_max; /* decoded to encoded bytes, after 10 MiB are decoded; default 1000
                                  (one line repeated without end reaches 1030); WEIR_NONE: no
                                  limit */
    int32_t follow; /* 1: request again, without limit, after an end and after a lost connection
                       that cannot be resumed; what a new body repeats from its beginning is left
                       out, else a possible gap or repeats are logged, see weir_http_lines.
                       default 0 */
    int32_t raw;    /* 1: a body with a Content-Encoding is not decoded. default 0: decoded */
    int64_t retry_after_max_ms; /* the longest Retry-After of a server that is obeyed; with a longer
                                   one the source fails. default 1 h; WEIR_NONE: no limit */
    const char *ca_folder;      /* PEM files by hash (openssl rehash), trusted besides ca_file */
    const char *unix_socket; /* the path of a local socket on which the host of the URL is reached,
                                instead of by name and port; not used for another host after a
                                redirect; default: none */
    const char *cert_file;   /* PEM, the client certificate and the intermediate ones, for a server
                              that asks for it; used where headers are sent. Read at each connect.
                              default: none */
    const char *key_file; /* PEM, its key, without a password; default: it is in cert_file. Without
                              cert_file: WEIR_EINVAL */
    const char *since;    /* ".seq": a field, in the JSON of each line or value, that grows, as its
                             position; see weir_http_lines. Not for event streams and WebSockets.
                             default: none */
    /* The byte of the body at which the source begins, when the state has no position: with Range, or by
     * leaving out what comes before it. Not for event streams, whose place is a header Last-Event-ID.
     * default 0 */
    int64_t begin_at;
    int32_t to_end; /* 1: the end of a body is the end, also with `follow` and of an event stream.
                       default 0 */
    int32_t reserved_2;
} weir_http_options;
enum { WEIR_TLS_VERIFY = 0, WEIR_TLS_TRUST_ANYBODY = 1 };
enum {
    WEIR_LONG_SKIP = 0, /* leave out the line: it counts as rejected, and is logged */
    WEIR_LONG_CUT,      /* give its first line_bytes_max bytes, with WEIR_ITEM_TRUNCATED; logged */
    WEIR_LONG_FAILS,    /* the source fails with WEIR_ETOOLONG, offset: where the line begins */
    WEIR_LONG_PARTS     /* give it in pieces, all with the same number, and all but the last with
                           WEIR_ITEM_PART: for sinks that write it again */
};

/* How bytes are cut into items. */
typedef struct weir_framing {
    size_t struct_size;
    int32_t kind;           /* WEIR_FRAME_LINES (default) ... */
    int32_t overlong;       /* WEIR_LONG_SKIP (default) ... */
    int64_t item_bytes_max; /* of an item without its end or length; default 1 MiB; WEIR_NONE: the
                               loop's budget */
    int64_t record_bytes;   /* WEIR_FRAME_FIXED: of each item, at least 1 */
    /* WEIR_FRAME_CSV: the byte between values, 0: a comma; and 1 if the first row of the input is a
     * header. It has the flag
     * WEIR_ITEM_HEADER, and a restart in the middle of the input gives it once more, before the
     * first row. */
    int32_t delim, header;
} weir_framing;
enum {
    WEIR_FRAME_LINES = 0, /* each item, then its line end as it came */
    WEIR_FRAME_NONE,      /* the bytes of the items, nothing between */
    WEIR_FRAME_LEN32,     /* before each item its length: 4 bytes, big-endian */
    WEIR_FRAME_NUL,       /* after each item a NUL byte */
    WEIR_FRAME_FIXED,     /* items of one length */
    WEIR_FRAME_VARINT,    /* before each item its length, as protobuf writes it (LEB128) */
    WEIR_FRAME_SSE,       /* server-sent events (WHATWG HTML 9.2) */
    WEIR_FRAME_JSON,      /* JSON values, one after another (RFC 8259) */
    WEIR_FRAME_CSV,       /* rows of values (RFC 4180), without their line ends; not split into
                             their values. WEIR_LONG_PARTS is as WEIR_LONG_SKIP */
    WEIR_FRAME_SYSLOG,    /* syslog messages: each with its length before it, "34 <165>1 ...", or
                             ended by a line end (RFC 6587). WEIR_LONG_CUT and WEIR_LONG_PARTS are
                             as WEIR_LONG_SKIP */
    WEIR_FRAME_NETFLOW,   /* packets of NetFlow v5 and messages of IPFIX (RFC 7011, RFC 5655), by
                             the length in them; v9 has none: WEIR_EPARSE */
    WEIR_FRAME_MSGPACK,   /* values of MessagePack, one after another; a stream with a byte that
                             begins none fails. WEIR_LONG_CUT and WEIR_LONG_PARTS are as
                             WEIR_LONG_SKIP */
    WEIR_FRAME_CBOR       /* the same with CBOR (RFC 8742) */
};

typedef struct weir_socket weir_socket; /* <weir/socket.h> */
/* For socket sources and sinks. */
typedef struct weir_socket_options {
    size_t struct_size;
    int32_t frame; /* sink: WEIR_FRAME_LINES (default), _NONE, _LEN32; source: lines only */
    /* tls, ca_file, ca_folder, cert_file, key_file and server_name are for tls:// addresses (TLS
     * 1.2 and 1.3); with others they are WEIR_EINVAL. The files are PEM, and are read on
     * connect. */
    int32_t tls; /* WEIR_TLS_VERIFY (default): the peer needs a certificate for server_name from a
                    trusted authority; WEIR_TLS_TRUST_ANYBODY: any certificate */
    const char *ca_file; /* the trusted authorities; default: those of the system, or of
                            SSL_CERT_FILE and SSL_CERT_DIR in the environment */
    int64_t connect_ms;  /* for name resolution, connect and TLS handshake; default 10 s; WEIR_NONE:
                            no limit */
    int64_t stall_ms;    /* how long the peer may take (sink) or send (source) no data, then
                            WEIR_ETIMEDOUT; default: no limit */
    int64_t line_bytes_max; /* source: as in weir_lines_options */
    int32_t overlong;       /* source: as in weir_lines_options */
    int32_t reserved;
    const char *cert_file;   /* the client certificate, and the intermediate ones, for a peer that
                                asks for it; default: none */
    const char *key_file;    /* its key, without a password; default: it is in cert_file */
    const char *server_name; /* the name in the peer's certificate, which is also sent to the peer
                                (SNI); default: the host of the address */
    const char *ca_folder;   /* PEM files by hash (openssl rehash), trusted besides ca_file */
    weir_socket *socket;     /* use this connection; then the address is NULL. default: a new
                                connection */
    int32_t
        retries;    /* of an address: attempts in a row to connect again when the connection is lost
                       (source: without a new item), see weir_socket_lines and weir_socket_sink; also
                       when the first one fails. WEIR_NONE: no limit, but a first connection that
                       fails is final. default: none; with `follow` no limit */
    int32_t follow; /* source of an address: 1: connect again also when the stream has ended, and
                       when the first connection fails. default 0 */
} weir_socket_options;

/* Options to read files and descriptors. */
typedef struct weir_lines_options {
    size_t struct_size;
    int64_t line_bytes_max; /* without the line end; default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* a regular file continues from its position; others are best-effort.
                          default: none */
    int64_t
        begin_at; /* of a regular file: the byte at which it begins, when the state has no position;
                          beyond its end: WEIR_EINVAL. default 0 */
} weir_lines_options;

/* Options to follow files. */
typedef struct weir_tail_options {
    size_t struct_size;
    int64_t line_bytes_max; /* without the line end; default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t from;           /* WEIR_TAIL_END (default), WEIR_TAIL_START */
    weir_state *state;      /* each file continues from its position. default: none */
    int64_t last_lines;     /* with WEIR_TAIL_END: begin so many lines before the end, at most
                               1,000,000; default 0 */
    int64_t rotate_wait_ms; /* how long a file that was rotated away or deleted must not grow before
                               it is closed; default 5 s; WEIR_NONE: only until its end */
    int32_t
        to_end; /* 1: stop when all files were read to their ends; an unfinished line is left, and
                       logged. default 0 */
    int32_t reserved;
} weir_tail_options;
/* Where the first run begins in the files that are there. Files that come later are read from their
 * start. */
enum {
    WEIR_TAIL_END = 0, /* after the last line end, as `tail -n 0 -F`: an unfinished line is given
                          whole */
    WEIR_TAIL_START
};

typedef struct weir_exec_options {
    size_t struct_size;
    int64_t line_bytes_max; /* without the line end; default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;       /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t restart;        /* WEIR_RESTART_NEVER (default), _ON_FAILURE, _ALWAYS */
    int32_t retries; /* restarts in a row without a new item; default: no limit, but none when
                               the shell does not find the command at first; N > 0: N in both cases;
                               WEIR_NONE: none */
    int32_t reserved;
    weir_state *state; /* the pipeline is best-effort. default: none */
    int64_t grace_ms;  /* how long the program may take to end after SIGTERM, then SIGKILL; default
                          5 s; WEIR_NONE: no time */
} weir_exec_options;
enum {
    WEIR_RESTART_NEVER = 0,
    WEIR_RESTART_ON_FAILURE, /* when its status is not 0, or a signal has ended it */
    WEIR_RESTART_ALWAYS
};

/*
 * Read the lines of an HTTP response (GET, HTTP/1.1, on its own connection).
 *
 * Redirects (RFC 9110, 15.4): at most 10, http and https only, never from https to http, without
 * circles. Content-Encoding: identity is requested. gzip and deflate are decoded when a server
 * sends them anyway, or when `headers` request them.
 *
 * A body whose connection is lost continues after the last line that was given, by Range and
 * If-Range (RFC 9110, 14.2 and 13.1.5). For this the server must have sent a strong ETag, or a
 * Last-Modified that is at least a minute before its Date. If the server now has another version,
 * that is WEIR_ECHANGED. Without such a validator a lost connection is WEIR_ETRUNCATED, except with
 * options->follow: then the source requests the body again from the start, and continues with
 * another version, too. Before a retry there is a random pause of up to 0.5 s, doubled each time up
 * to 30 s, but no shorter than a Retry-After. Retries are logged (info). 408, 425, 429 and 5xx are
 * retried, too.
 *
 * Repeats. A body that is requested again from the start (options->follow) is compared with what was
 * given: its bytes are held back, and what agrees is left out, in stretches that end after 1, 2, 4 ...
 * lines and then every 64 KiB, or where all that was given ends. At the first difference, after 2 s in
 * which no such place was reached, or with 1 MiB held back (an eighth of the loop's budget if that is
 * less), all that is held is given, and a possible gap or repeats are logged. So a feed that begins
 * with its history is not repeated, and one that begins with a greeting loses nothing. A framer that
 * needs more than bytes (csv, json, sse) is not compared, and a restart with a state begins without a
 * history.
 *
 * A field as the position (options->since). Each connection begins with repeats: lines whose field is
 * not greater than that of the last line given are left out, up to the first one that is greater, and
 * their number is logged. Then every body is requested from the start, after a break or with `follow`
 * also after an end, and nothing else is compared. Numbers compare with numbers, and strings with
 * strings of the same length (time stamps); a line whose field is missing or does not compare is given.
 * With a state a restart leaves out what is not greater than the field of the last line that settled:
 * at-least-once, as nothing proves that it is the same feed.
 *
 * url      http:// or https://; a user and password in it are used like options->user. Copied.
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the URL, a header or the token's file is invalid. WEIR_ERESOLVE,
 *          WEIR_ECONNECT, WEIR_ETLS: no connection. WEIR_EHTTP, detail the status: refused, or an
 *          invalid response. WEIR_ERESET, WEIR_ETRUNCATED: the connection was lost and the body
 *          could not be resumed. WEIR_ECHANGED. WEIR_ETIMEDOUT: one of the three timeouts.
 *          WEIR_ETOOLONG, WEIR_EBUDGET: a line, or an encoded body. WEIR_EPARSE: an encoded body is
 *          damaged, or 16 MiB of it have no content. WEIR_EIO: the token's file, a socket that cannot
 *          be made, or another error of libcurl. WEIR_ENOMEM. offset is how far it got.
 */
WEIR_API weir_gen *weir_http_lines(weir_scope *scope, const char *url,
                                   const weir_http_options *options);
/* The same without lines: line_bytes_max and overlong of the options have no effect. */
WEIR_API weir_gen *weir_http_bytes(weir_scope *scope, const char *url,
                                   const weir_http_options *options);
/*
 * Read the events of a stream of server-sent events (WHATWG HTML 9.2), as weir_http_lines reads
 * lines; weir_framed (<weir/stage.h>) describes the items. weir_framed with WEIR_FRAME_SSE directly
 * after weir_http_bytes makes the same source.
 *
 * The stream is followed: whenever a body ends, its connection is lost, or it is silent for
 * idle_ms, the stream is requested again. This happens no earlier than the `retry` of the stream
 * allows, with the id of the last event as Last-Event-ID. A Last-Event-ID in options->headers says
 * where to begin before there is one. Only the status 204 ends the stream. There is no proof that a
 * server continues after the requested id. So each time a possible gap or repeats are logged, and
 * there is a warning when the stream begins with an event that came before. `Accept:
 * text/event-stream` is sent unless the headers have another one.
 *
 * With a state the position is the last event's id, which makes the pipeline at-least-once. What an
 * earlier run has written to a file and not saved is cut off only where the first events are the
 * same bytes again; otherwise the sink appends, and warns. A stream whose events have no ids is
 * best-effort.
 *
 * url      as for weir_http_lines.
 * options  NULL: the defaults. Copied. line_bytes_max and overlong apply to the data of an event.
 *          With `follow` a first connection that fails is retried.
 * Fails    as weir_http_lines, but not with WEIR_ETRUNCATED or WEIR_ECHANGED. WEIR_EHTTP also: a
 *          status other than 200 and 204 (408, 425, 429 and 5xx are retried), or another
 *          Content-Type; a `retry` that is longer than retry_after_max_ms.
 */
WEIR_API weir_gen *weir_http_events(weir_scope *scope, const char *url,
                                    const weir_http_options *options);
/*
 * Request a URL every every_ms, without end, and read the lines of each answer, as weir_http_lines.
 *
 * The first request is made at once. The next one comes every_ms after it, and up to a tenth later by
 * chance, so that many clients do not ask at the same moment; never before the answer is read. Each
 * request has the ETag or the Last-Modified of the last answer that was read to its end
 * (If-None-Match, If-Modified-Since; RFC 9110, 13.1): 304, and 204, give nothing. Failures are those
 * of weir_http_lines with `follow`: they are logged and tried again, without limit unless `retries`
 * says otherwise, but a first connection that fails is final. Once there was an answer, any other
 * status is tried again, too. An answer that breaks off is requested again from its start: lines may
 * be repeated. With a state the pipeline is best-effort.
 *
 * url       as for weir_http_lines.
 * every_ms  at least 1; else WEIR_EINVAL.
 * options   NULL: the defaults. Copied. `follow` has no effect.
 * Fails     as weir_http_lines.
 */
WEIR_API weir_gen *weir_poll_lines(weir_scope *scope, const char *url, int64_t every_ms,
                                   const weir_http_options *options);
/* The same without lines. */
WEIR_API weir_gen *weir_poll_bytes(weir_scope *scope, const char *url, int64_t every_ms,
                                   const weir_http_options *options);
typedef struct weir_ws_options {
    size_t struct_size;
    const weir_http_options *http; /* for the connection and its retries; NULL: the defaults. setup,
                                      raw and decoded_... have no effect */
    const char *protocols;         /* subprotocols to offer, "a, b"; default: none */
    const char *const *messages;   /* to send after each connect, in order */
    size_t messages_count;
    int32_t binary; /* 1: these are binary; default: text */
    int32_t
        deflate; /* WEIR_WS_DEFLATE (default): offer permessage-deflate; WEIR_WS_PLAIN: do not */
    int64_t ping_ms; /* silence after which a ping is sent; default 30 s; WEIR_NONE: no pings */
    int64_t pong_ms; /* how long the answer to a ping may take; default 10 s */
    int32_t
        files; /* 1: a message "@PATH" is what this file holds, at most 64 KiB, without line ends
                        at its end; it is read again at each connect, and never shown; "@@x" is the
                        message "@x". A file that cannot be read is WEIR_EIO. default 0: texts */
    int32_t reserved;
} weir_ws_options;
enum { WEIR_WS_DEFLATE = 0, WEIR_WS_PLAIN = 1 };
/*
 * Read the messages of a WebSocket (RFC 6455), as client. Each one is an event (weir_event_of) whose
 * body is the message, with the field `opcode`: text or binary.
 *
 * A connection that is lost, that does not answer a ping, or that the server closes with one of the
 * codes 1001 and 1011 to 1014, is made again, after a pause as for weir_http_lines, and the first
 * messages are sent again. Each time it is logged that a gap or repeats are possible. A first
 * connection that fails is final unless `retries` or `follow` says otherwise. A close with 1000 or
 * without a code is the end, with `follow` a reason to connect again. Other close codes are final.
 *
 * The server is read only as fast as the messages are pulled. Its pings are answered when they are
 * read: while the reader is slow, they are not answered, and a server that closes such connections
 * will close this one. weir's own pings are sent all the time; a missing answer counts only while the
 * connection is read.
 *
 * At the end a close frame is sent: with 1000 if the reader has finished, 1002, 1007 or 1009 if the
 * server has broken the protocol, 1010 if it uses an extension that was not offered, else 1001. Then
 * the server gets one second to close.
 *
 * Messages cannot be requested again: with a state, best-effort. Of proxies, HTTP ones are used.
 *
 * url      ws:// or wss://; else as for weir_http_lines. Redirects are not followed. Copied.
 * options  NULL: the defaults. Copied, with all texts. http->line_bytes_max and http->overlong apply
 *          to messages, after decompression. Headers of the handshake itself, as Upgrade, are
 *          WEIR_EINVAL.
 * Fails    as weir_http_lines, but not with WEIR_ECHANGED. WEIR_EHTTP also: the answer is not a valid
 *          handshake; or, detail the close code, the server has closed the connection. WEIR_EPARSE:
 *          the server has broken the protocol, or a text is not UTF-8. WEIR_ETIMEDOUT also: no answer
 *          to a ping, and no retries are left. offset counts bytes after the handshake.
 */
WEIR_API weir_gen *weir_ws_messages(weir_scope *scope, const char *url,
                                    const weir_ws_options *options);
/*
 * Read the lines of a file; a fifo is waited for. With a state a regular file continues after the
 * last line that was committed.
 *
 * path     copied.
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EIO, detail errno: open or read. WEIR_ECHANGED: it is not the file that the last
 *          run has read (by device, inode, and a hash of its first 256 bytes), or it is shorter; or
 *          it was cut while it was read. WEIR_ETOOLONG, WEIR_EBUDGET: a line. WEIR_EINVAL: the
 *          state. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_file_lines(weir_scope *scope, const char *path,
                                   const weir_lines_options *options);
/* The same without lines: the limits of the options have no effect. */
WEIR_API weir_gen *weir_file_bytes(weir_scope *scope, const char *path,
                                   const weir_lines_options *options);
/*
 * Follow files: give the lines that are there and those that are appended, without end.
 *
 * A path that has no file yet is waited for. In a path *, ? and [...] match names, unless a file has
 * this very name; files that come later are found, too. Changes are seen at once where inotify
 * reports them, and within a second everywhere. A file may be renamed, deleted, truncated, replaced
 * by another one, or be a symbolic link that is set to another file: what the old one still has is
 * given first, as long as it grows (rotate_wait_ms), then the new one from its start. A rotated file
 * that matches a path, too, is recognised by its inode and is not read again; a copy of a file that
 * matches is read as a new file.
 *
 * The order of lines is kept within each file; files take turns. A line is given when its line end
 * has come. The rest of a file without a line end is given when the file is closed, with
 * WEIR_ITEM_NO_EOL. Items of different files have different origins, with the file's path as their
 * name.
 *
 * With a state a restart continues each file where its last settled line ended. It recognises a file
 * by device, inode and a hash of its first 1024 bytes (fewer if it was shorter), also under another
 * name in the same folder. Of a file that was copied and then truncated the copy has the rest, if it
 * has the file's name with a number or a date behind it. Files that are new since then are read from
 * their start. If a file is not there any more, that is logged, and the pipeline is at-least-once.
 *
 * What cannot be opened or read is logged once, and tried again every second. At most 8192 files are
 * open at once.
 *
 * paths    count of them, at least 1, copied.
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EINVAL: the options, the state, or a file that can only be read from its start (a
 *          csv file with a header) with WEIR_TAIL_END. WEIR_ETOOLONG, WEIR_EBUDGET: a line.
 *          WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_tail_lines(weir_scope *scope, const char *const *paths, size_t count,
                                   const weir_tail_options *options);
/* The same for a framer: weir_framed directly after it cuts each file's bytes. Without one the bytes
 * of all files are mixed. */
WEIR_API weir_gen *weir_tail_bytes(weir_scope *scope, const char *const *paths, size_t count,
                                   const weir_tail_options *options);
/*
 * Read the lines of a descriptor: a file from its current offset, a pipe, socket or terminal.
 *
 * fd       belongs to the caller and must stay open until the source has ended; its flags are not
 *          changed.
 * options  NULL: the defaults. Copied. With a state the pipeline is best-effort.
 * Fails    as weir_file_lines.
 */
WEIR_API weir_gen *weir_fd_lines(weir_scope *scope, int fd, const weir_lines_options *options);
/* The same without lines: the limits of the options have no effect. */
WEIR_API weir_gen *weir_fd_bytes(weir_scope *scope, int fd, const weir_lines_options *options);
/*
 * Read the lines that a command prints. The first pull starts it: /bin/sh -c COMMAND, with an empty
 * standard input and the environment of the process, in a process group of its own. What it writes to
 * standard error is logged (info) line by line; lines that repeat, and more than 20 a second, are
 * counted. A reader that is slow slows the command down, since a pipe holds little.
 *
 * The end is status 0; another status, or a signal, is WEIR_EEXIT, after the complete lines. A
 * restart comes after a random pause of up to 0.5 s, doubled each time up to 30 s, and is logged with
 * what may be missing or repeated. At the end of the source what still runs of the process group gets
 * SIGTERM, and SIGKILL when the command has not ended after grace_ms. No signal's disposition is
 * changed.
 *
 * command  copied. It is shown in messages and in the state: pass secrets in the environment.
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EEXIT, detail: the status, or 128 + the number of the signal; 127 and 126 are the
 *          shell's own, for a command that it cannot find or execute. WEIR_EIO, detail errno: it
 *          cannot be started; or ECHILD: its status is not known, because the process ignores
 *          SIGCHLD. WEIR_EINVAL: the options, the state. WEIR_ETOOLONG, WEIR_EBUDGET: a line.
 *          WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_exec_lines(weir_scope *scope, const char *command,
                                   const weir_exec_options *options);
/* The same without lines: the limits of the options have no effect. */
WEIR_API weir_gen *weir_exec_bytes(weir_scope *scope, const char *command,
                                   const weir_exec_options *options);
typedef struct weir_journal_options {
    size_t struct_size;
    const char *const *units; /* of systemd; default: all */
    size_t units_count;
    const char *const *matches; /* "NAME=VALUE": of fields; default: none */
    size_t matches_count;
    const char *since;    /* where a first run begins, in journalctl's words; default: now */
    int32_t last_entries; /* without `since`: begin so many entries before now; default 0 */
    int32_t retries; /* restarts of journalctl in a row without a new entry; default: no limit, but
                        none when the first start fails; N > 0: N in both cases; WEIR_NONE: none */
    int64_t entry_bytes_max; /* default 1 MiB; WEIR_NONE: the loop's budget */
    int32_t overlong;        /* WEIR_LONG_SKIP (default), WEIR_LONG_FAILS */
    int32_t reserved;
    weir_state *state; /* continue after its cursor. default: none */
    const char
        *cursor;    /* the first run begins after the entry with this cursor; used instead of since
                           and last_entries. default: none. Copied */
    int32_t to_end; /* 1: stop after the last entry that exists; default 0 */
    int32_t reserved_2;
} weir_journal_options;
/*
 * Follow the systemd journal, without end, through the program journalctl, which is searched in PATH.
 * Each entry is a record (weir_event_of) with its fields, as MESSAGE, PRIORITY and __CURSOR; its body
 * is MESSAGE. What the journal defines as a number is one.
 *
 * A position is the cursor of an entry. When journalctl ends, it is started again after the last
 * entry, with the pauses of weir_exec_lines. With a state, so does the next run: at-least-once.
 *
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    as weir_exec_lines. WEIR_EIO with ENOENT in detail: there is no journalctl. WEIR_EPARSE: it
 *          does not write the export format. WEIR_ETOOLONG: an entry.
 */
WEIR_API weir_gen *weir_journal_entries(weir_scope *scope, const weir_journal_options *options);
/*
 * Read the lines of "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH": weir
 * connects, sends nothing, and reads to the end of the stream.
 *
 * Connecting again. With `retries` or `follow`, a connection that is reset, cut (TLS) or silent for
 * stall_ms is made again, with `follow` also one that has ended; after a random pause of up to 0.5 s,
 * doubled each time up to 30 s. The pauses begin anew after a new item, or after 30 s of connection.
 * Nothing can be requested again: what the peer repeats from its beginning is left out, as for
 * weir_http_lines with `follow`, else "a gap or repeats are possible" is reported. An
 * item that a break has cut is not given (its size is reported), and one that an end has cut is given
 * as at any end: bytes of two connections are never in one item (without a framer, items are bytes
 * as they come). After `retries` attempts in a row without a new item the source fails with the last
 * reason. What TLS refuses is final.
 *
 * address  copied. All addresses of a name are tried, IPv6 and IPv4 in turn. The next one is tried
 *          when the one before has failed or has not answered for 250 ms (RFC 8305).
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the address, the options, or a TLS file. WEIR_ERESOLVE; WEIR_ECONNECT,
 *          WEIR_ERESET, detail errno; WEIR_ETLS: we refuse the peer or its certificate, or the peer
 *          refuses us; WEIR_ETRUNCATED: a TLS connection has ended without a close_notify;
 *          WEIR_ETIMEDOUT; WEIR_ETOOLONG, WEIR_EBUDGET: a line. WEIR_EIO, detail errno: a socket
 *          cannot be made, as with EMFILE. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_socket_lines(weir_scope *scope, const char *address,
                                     const weir_socket_options *options);
/* The same without lines: line_bytes_max and overlong of the options have no effect. */
WEIR_API weir_gen *weir_socket_bytes(weir_scope *scope, const char *address,
                                     const weir_socket_options *options);
/*
 * Give the numbers first, first + 1, ... last as decimal lines; none when first is greater than
 * last.
 *
 * last     WEIR_NONE: up to INT64_MAX. WEIR_NONE is -1, so a count that must end at -1 needs its
 *          length: weir_head(weir_count(scope, -5, WEIR_NONE), 5).
 */
WEIR_API weir_gen *weir_count(weir_scope *scope, int64_t first, int64_t last);
/*
 * Give an item every interval, without end: the number of intervals since the first pull, "1", "2",
 * ... A reader that is too late for some of them gets only the newest, so the numbers show how many
 * it has missed.
 *
 * interval_ms  milliseconds, at least 1; else WEIR_EINVAL.
 */
WEIR_API weir_gen *weir_ticker(weir_scope *scope, int64_t interval_ms);

#ifdef __cplusplus
}
#endif

#endif
