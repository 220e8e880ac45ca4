/*
 * server.h - serving generators over HTTP/1.
 *
 * The idea. A route has a function that makes a generator, and the generator gives the body of the
 * reply. It is pulled only as fast as the client reads. Each item is sent as soon as no further
 * item is available. The generator is ended in the same turn in which the client is known to have
 * gone. So an endless feed, a file of known length and a live query are served in the same way:
 *
 *     static weir_gen *ticks(weir_scope *scope, const weir_request *request, weir_reply *reply,
 *                            void *ctx)
 *     {
 *         (void)ctx;
 *         weir_reply_type(reply, "application/x-ndjson");
 *         return my_ticks(scope, weir_request_number(request, "rate", 10));
 *     }
 *
 *     weir_server *server = weir_server_new(scope, ":8080", NULL);
 *     weir_server_route(server, "GET /ticks", ticks, NULL);
 *
 * The server speaks HTTP/1.0 and 1.1, on loopback unless told otherwise. It serves GET, HEAD on
 * each GET route, and POST. It answers everything else itself (404, 405, 501 and similar). It is
 * meant for feeds, tests and small services, with TLS when it has a certificate.
 *
 * A client may end its half of the connection after its request and continue to read, as `nc -N`
 * does. A client that has left looks the same until something is sent to it. So to HTTP/1.1 clients
 * of a feed the first byte of the next chunk is sent early. For other clients the next item shows
 * that they have left, or TCP's keepalive one minute later.
 *
 * Lifetime.  A server belongs to its scope: it ends with weir_server_finish, or when its scope
 *            ends. After weir_scope_stop it finishes the pending requests: a body of known length
 *            is sent completely, any other ends after the current item. weir_scope_cancel does not
 *            wait for requests.
 * Failure.   weir_server_new never returns NULL: a server that cannot listen is one that fails. An
 *            error on one connection ends that connection and is logged.
 * Threads.   Everything runs on the thread of the scope's loop.
 */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

#include <weir/gen.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_server weir_server;
typedef struct weir_request
    weir_request;                     /* what a client asks for; lives until the end of the reply */
typedef struct weir_reply weir_reply; /* what the client gets; filled by the handler */

typedef struct weir_server_options {
    size_t struct_size;
    const char *name; /* shown in logs; default "server" */
    int64_t head_ms;  /* for a complete request head, else 408; default 60 s */
    int64_t idle_ms;  /* idle time between two requests on one connection; default 5 s */
    int64_t stall_ms; /* a client that reads nothing of its reply for this time is dropped; default
                         60 s */
    int32_t connections_max; /* further clients wait to be accepted; default 1000. While a client
                                waits, the server closes the oldest connection of the first of these
                                kinds that exists: idle between two requests; refused, and not
                                closed by the client; with an incomplete request for at least a
                                second; with a client that has read less than 1 KiB of its reply per
                                second, for at least two seconds; with an incomplete request */
    int32_t reserved;
    /* TLS 1.2 and 1.3, and nothing else on this port. PEM files, read by weir_server_new. */
    const char *cert_file; /* the server's certificate and the intermediate ones; default: plain
                              HTTP */
    const char *key_file;  /* its key, without a password; default: it is in cert_file */
    const char *client_ca_file; /* serve only clients with a certificate of these authorities;
                                   default: all */
    int64_t body_bytes_max;     /* of a POST. The body is in memory as long as its request, and is
                                   charged to the loop's budget: 503 when the budget is used up.
                                   The answer to a longer one is 413. default 1 MiB */
} weir_server_options;

/*
 * Listen and serve from now on. Does not suspend.
 *
 * address  "127.0.0.1:8080", "[::1]:8080", ":8080" (loopback); port 0: any free one. To serve other
 *          machines, write an address that says so: "0.0.0.0:8080", "[::]:8080".
 * options  NULL: the defaults. Times of WEIR_NONE: no limit.
 */
WEIR_API weir_server *weir_server_new(weir_scope *scope, const char *address,
                                      const weir_server_options *options);

/* Return the port of the server, or a negative code when it has failed: WEIR_EINVAL (the address, a
 * TLS file), WEIR_EIO (the port is in use, ...), WEIR_ENOMEM. weir_server_finish gives the
 * message. */
WEIR_API int weir_server_port(const weir_server *server);

/*
 * Make the body of a reply. Runs on the task of the connection, and may suspend.
 *
 * scope    the scope of the request: make the generator in it. It ends with the reply, and is
 *          canceled when the client goes away.
 * ctx      as given to weir_server_route.
 * Returns  the generator, which the server takes; NULL: a reply without a body, see
 *          weir_reply_refuse. For HEAD the generator is ended without being pulled.
 */
typedef weir_gen *weir_handler(weir_scope *scope, const weir_request *request, weir_reply *reply,
                               void *ctx);

/*
 * Serve a path. May be called before the first client comes, or at any time later.
 *
 * route    "GET /path" or "POST /path": the whole decoded path, without the query; "GET /path/" and
 *          a star: all paths that begin like this. GET includes HEAD. The handler of a POST is
 *          called when the body is complete. A client that expects 100-continue gets it; another
 *          expectation is answered with 417. Exact routes come first, then the longest prefix.
 * Returns  0, WEIR_EINVAL (not of this form, or the route exists), WEIR_ENOMEM, or the failure of
 *          the server.
 */
WEIR_API int weir_server_route(weir_server *server, const char *route, weir_handler *handler,
                               void *ctx);

/* Stop listening, let the pending requests end (endless sources end gently), and free the server.
 * 0, or why the server failed; errors of single clients are not failures. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_server_finish(WEIR_TAKES weir_server *server,
                                                              weir_error *error);
/* Cancel the pending requests and free the server. NULL is allowed. */
WEIR_API WEIR_SUSPENDS void weir_server_discard(WEIR_TAKES weir_server *server);

/* ---- the request */

/* "GET", "HEAD" or "POST". */
WEIR_API const char *weir_request_method(const weir_request *request);
/* The path, percent-decoded: "/lines". */
WEIR_API const char *weir_request_path(const weir_request *request);
/*
 * A parameter of the query, decoded; the first one of that name.
 *
 * to       [out] terminated, cut at cap; "" when absent.
 * Returns  its full length, as snprintf; -1 when it is absent.
 */
WEIR_API int64_t weir_request_query(const weir_request *request, const char *name, char *to,
                                    size_t cap);
/* The body of a POST, as it was sent (a Content-Encoding is not decoded); empty when there is
 * none. */
WEIR_API weir_slice weir_request_body(const weir_request *request);
/* A parameter as a decimal number, 0 or more; `otherwise` when it is absent or not such a
 * number. */
WEIR_API int64_t weir_request_number(const weir_request *request, const char *name,
                                     int64_t otherwise);
/* A header, the first one of that name, case-insensitive; as weir_request_query. */
WEIR_API int64_t weir_request_header(const weir_request *request, const char *name, char *to,
                                     size_t cap);

/* ---- the reply: by default 200, text/plain in UTF-8, of unknown length. Arguments are copied. */

/* 200 to 599, except 206, which only weir_reply_range sets; any other turns the reply into a
 * 500. */
WEIR_API void weir_reply_status(weir_reply *reply, int status);
WEIR_API void weir_reply_type(weir_reply *reply, const char *content_type);
/*
 * Validators: they name the version of the body. With one of them the server answers conditional
 * requests itself, in the order of RFC 9110: 304 to a client that has this version (If-None-Match,
 * If-Modified-Since), 412 to one that wants another (If-Match, If-Unmodified-Since). The generator
 * is then ended without being pulled.
 */
/* A strong validator, without quotes: it must change whenever a byte of the body does. */
WEIR_API void weir_reply_etag(weir_reply *reply, const char *etag);
/* When the body last changed, in seconds since 1970; a time in the future counts as now. */
WEIR_API void weir_reply_modified(weir_reply *reply, int64_t unix_s);
/* The length of the whole body in bytes, line ends included; WEIR_NONE: unknown, and the reply is
 * chunked. */
WEIR_API void weir_reply_length(weir_reply *reply, int64_t length);
/* Set any other header. The server sets those that frame the message (Content-Length,
 * Transfer-Encoding, Connection, Content-Range, Date) and those with a function here. If one of
 * these is given, or a name or value that cannot be sent, the reply becomes a 500. */
WEIR_API void weir_reply_header(weir_reply *reply, const char *name, const char *value);

/* How items become bytes: each with its line end as it came (default), or only its bytes. */
enum { WEIR_BODY_LINES = 0, WEIR_BODY_BYTES };
WEIR_API void weir_reply_body(weir_reply *reply, int body);

/*
 * Serve the part that the client asks for. Called after weir_reply_length and the validators, by a
 * handler whose generator can start anywhere. Range is obeyed on GET for one range of bytes.
 * If-Range is obeyed where it names this version, by its entity tag or, to the second, by its date.
 * For any other request, also for several ranges, the whole body is sent.
 *
 * first    [out] offset of the first byte to give
 * count    [out] how many bytes the generator has to give
 * Returns  200: the whole body. 206: the part. 416: there is nothing to send: return NULL.
 */
WEIR_API WEIR_MUST_CHECK int weir_reply_range(weir_reply *reply, int64_t *first, int64_t *count);

/*
 * Open a WebSocket (RFC 6455), if the client asks for one, instead of sending a body. Each item of the
 * generator becomes a message: text if it is UTF-8, else binary; an overlong line that comes in pieces
 * becomes the fragments of a binary message. Pings are answered, and messages of the client are read
 * and dropped. The generator ends when the client closes the connection or leaves. The server closes
 * it with the code 1000 at the end of the generator, 1011 when that has failed, and 1001 when the
 * server stops. Messages are compressed (permessage-deflate) for a client that offers it, if the
 * loop's budget has room for the 320 KiB that this takes.
 *
 *     if (weir_reply_websocket(reply) != 101) {
 *         return NULL;
 *     }
 *     return my_ticks(scope, 10);
 *
 * Status, type, length and validators of the reply do not count then; to choose a subprotocol, set
 * the header Sec-WebSocket-Protocol. Pages of any origin can connect: a handler whose data is not for
 * all of them looks at the header Origin.
 *
 * Returns  101: make the generator. 400, 426, 503: the reply is refused, because the request is not
 *          the one of a WebSocket, or there is no memory: return NULL.
 */
WEIR_API WEIR_MUST_CHECK int weir_reply_websocket(weir_reply *reply);

/* Send an error with a line of text and no generator: `return weir_reply_refuse(reply, 404, "no
 * feed '%s'", name);` The connection is not used again. Of the handler's headers, Retry-After,
 * WWW-Authenticate, Upgrade and Sec-WebSocket-Version are sent, too. Always returns NULL. */
WEIR_API weir_gen *weir_reply_refuse(weir_reply *reply, int status, const char *format, ...)
    WEIR_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
