/*
 * server.h - serving generators over HTTP/1.
 *
 * The idea. A route is a function that makes a generator, and the generator is the body of the
 * reply: it is pulled only as fast as the client reads, each item is sent as soon as there is
 * nothing more at hand, and it is ended in the same turn in which the client is known to be gone.
 * So an endless feed, a file of known length and a live query are served in the same way:
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
 * The server speaks HTTP/1.0 and 1.1 on loopback unless told otherwise; it serves GET, and HEAD on
 * each GET route, and POST, and answers everything else itself (404, 405, 501 and the like). It is
 * for feeds and tests and small services, with TLS where it is given a certificate.
 *
 * A client may end its half of the connection behind its request and read on, as `nc -N` does; one
 * that has left looks the same until something is sent to it. So HTTP/1.1 clients of a feed are
 * sent a first byte of the next chunk, and others are found out by the next item or, a minute
 * later, by TCP's keepalive.
 *
 * Lifetime.  A server lives in its scope: it ends with weir_server_finish, or when its scope does.
 *            weir_scope_stop lets it finish the requests at hand: a body of known length comes
 *            whole, any other ends after the item at hand. weir_scope_cancel does not.
 * Failure.   weir_server_new never returns NULL: a server that cannot listen is one that fails.
 *            What goes wrong on one connection ends that connection and is logged.
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
    weir_request;                     /* what a client asks for; lives until the reply is over */
typedef struct weir_reply weir_reply; /* what it gets; filled by the handler */

typedef struct weir_server_options {
    size_t struct_size;
    const char *name; /* seen in logs; default "server" */
    int64_t head_ms;  /* for a whole request head, then 408; default 60 s */
    int64_t idle_ms;  /* between two requests on one connection; default 5 s */
    int64_t stall_ms; /* the client reads nothing of its reply for so long: it is dropped; default
                         60 s */
    int32_t connections_max; /* further clients wait to be accepted; default 1000. For one that
                                waits a connection is closed, the oldest of these: kept between two
                                requests; refused, and not closed by the client; with a request that
                                is not complete; one whose client has read less than 1 KiB a second
                                of its reply, for two seconds at least */
    int32_t reserved;
    /* TLS 1.2 and 1.3, and nothing else on this port. PEM files, read by weir_server_new. */
    const char *cert_file; /* the server's certificate, and those between it and its root; default:
                              plain HTTP */
    const char *key_file;  /* its key, without a password; default: in cert_file, too */
    const char *client_ca_file; /* serve only clients that have a certificate of these authorities;
                                   default: all */
    int64_t body_bytes_max; /* of a POST, which is held in memory as long as its request and charged
                               to the loop's budget: 503 where that is used up. A longer one is
                               answered by 413. default 1 MiB */
} weir_server_options;

/*
 * Listen and serve from now on. Does not suspend.
 *
 * address  "127.0.0.1:8080", "[::1]:8080", ":8080" (loopback); port 0: any free one. To be reached
 *          from other machines is asked for in so many words: "0.0.0.0:8080", "[::]:8080".
 * options  NULL: the defaults. Times of WEIR_NONE: no limit.
 */
WEIR_API weir_server *weir_server_new(weir_scope *scope, const char *address,
                                      const weir_server_options *options);

/* The port that is listened on; a negative code when the server has failed: WEIR_EINVAL (address,
 * a file of TLS), WEIR_EIO (the port is taken, ...), WEIR_ENOMEM; weir_server_finish tells more. */
WEIR_API int weir_server_port(const weir_server *server);

/*
 * The body of a reply. Runs on the task of the connection, and may suspend.
 *
 * scope    the request's own: make the generator in it. It ends with the reply, and is canceled
 *          when the client goes away.
 * ctx      as given to weir_server_route.
 * Returns  the generator, which the server takes; NULL: a reply without a body, see
 *          weir_reply_refuse. For HEAD the generator is ended without being pulled.
 */
typedef weir_gen *weir_handler(weir_scope *scope, const weir_request *request, weir_reply *reply,
                               void *ctx);

/*
 * Serve a path. To be called before the first client comes, or at any time later.
 *
 * route    "GET /path" or "POST /path": the decoded path as a whole, without regard to the query; "GET
 *          /path/" and a star: whatever begins so. GET is HEAD, too. The handler of a POST is called
 *          when its body is there. Exact routes come first, then the longest beginning.
 * Returns  0, WEIR_EINVAL (not of this form, or taken already), WEIR_ENOMEM, or the failure of the
 *          server.
 */
WEIR_API int weir_server_route(weir_server *server, const char *route, weir_handler *handler,
                               void *ctx);

/* Stop listening, let the requests at hand come to their end (endless sources end gently), free.
 * 0, or why the server failed; what single clients did is no failure. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_server_finish(WEIR_TAKES weir_server *server,
                                                              weir_error *error);
/* Cancel the requests at hand, free. NULL is allowed. */
WEIR_API WEIR_SUSPENDS void weir_server_discard(WEIR_TAKES weir_server *server);

/* ---- the request */

/* "GET", "HEAD" or "POST". */
WEIR_API const char *weir_request_method(const weir_request *request);
/* The path, percent-decoded: "/lines". */
WEIR_API const char *weir_request_path(const weir_request *request);
/*
 * A parameter of the query, decoded; the first of that name.
 *
 * to       [out] terminated, cut at cap; "" when absent.
 * Returns  its full length, as snprintf; -1 when it is not there.
 */
WEIR_API int64_t weir_request_query(const weir_request *request, const char *name, char *to,
                                    size_t cap);
/* The body of a POST, as it was sent (a Content-Encoding is not undone); empty when there is none. */
WEIR_API weir_slice weir_request_body(const weir_request *request);
/* A parameter as a decimal number from 0 on; `otherwise` when it is absent or something else. */
WEIR_API int64_t weir_request_number(const weir_request *request, const char *name,
                                     int64_t otherwise);
/* A header, the first of that name without regard to case; as weir_request_query. */
WEIR_API int64_t weir_request_header(const weir_request *request, const char *name, char *to,
                                     size_t cap);

/* ---- the reply: what is not said is 200, text/plain in UTF-8, of unknown length. Copied. */

/* 200 to 599, but for 206, which is weir_reply_range's; any other turns the reply into a 500. */
WEIR_API void weir_reply_status(weir_reply *reply, int status);
WEIR_API void weir_reply_type(weir_reply *reply, const char *content_type);
/*
 * Validators: which version of a thing this is. With one of them the server answers conditional
 * requests itself, in the order of RFC 9110: 304 to a client that has this version (If-None-Match,
 * If-Modified-Since), 412 to one that wants another (If-Match, If-Unmodified-Since). The generator
 * is then ended without being pulled.
 */
/* A strong validator, without quotes: it must change whenever a byte of the body does. */
WEIR_API void weir_reply_etag(weir_reply *reply, const char *etag);
/* When the body last changed, in seconds since 1970; a time that is still to come counts as now. */
WEIR_API void weir_reply_modified(weir_reply *reply, int64_t unix_s);
/* The bytes of the whole thing, line ends included; WEIR_NONE: unknown, and the reply is chunked.
 */
WEIR_API void weir_reply_length(weir_reply *reply, int64_t length);
/* Any other header. Those that frame the message (Content-Length, Transfer-Encoding, Connection,
 * Content-Range, Date) and those with a function here are the server's: they, and names or values
 * that cannot be sent, turn the reply into a 500. */
WEIR_API void weir_reply_header(weir_reply *reply, const char *name, const char *value);

/* How items become bytes: each and its line end as it came (default), or just as they are. */
enum { WEIR_BODY_LINES = 0, WEIR_BODY_BYTES };
WEIR_API void weir_reply_body(weir_reply *reply, int body);

/*
 * Serve the part that the client asks for; to be called after weir_reply_length and the
 * validators, by a handler whose generator can start anywhere. Range is obeyed on GET for one range
 * of bytes, If-Range where it names this version by its entity tag or, to the second, by its date;
 * whatever else is asked for, several ranges too, gets the whole.
 *
 * first    [out] offset of the first byte to give
 * count    [out] how many bytes the generator has to give
 * Returns  200: the whole. 206: the part. 416: nothing there: return NULL.
 */
WEIR_API WEIR_MUST_CHECK int weir_reply_range(weir_reply *reply, int64_t *first, int64_t *count);

/* `return weir_reply_refuse(reply, 404, "no feed '%s'", name);` an error with a line of text and no
 * generator; the connection is not used again. Of the handler's headers Retry-After and
 * WWW-Authenticate go along. Always NULL. */
WEIR_API weir_gen *weir_reply_refuse(weir_reply *reply, int status, const char *format, ...)
    WEIR_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
