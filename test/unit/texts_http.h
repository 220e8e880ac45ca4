/*
 * texts_http.h - what the HTTP sources and the HTTP sink say, as far as a test pins the words.
 *
 * A message, a line of the log or an answer of weir_why() that a test compares stands here once,
 * however many tests see it: who changes it in lib/ changes it here and in no test. A test compares
 * the code, the detail and the offset of a failure in its own file. What comes from the test itself
 * stays there too: statuses and bodies of its answers, URLs, names of options. Numbers and names of
 * a test are parameters, and are string literals.
 */
#ifndef WR_TEXTS_HTTP_H
#define WR_TEXTS_HTTP_H

#include "texts_flow.h"

/* ---- a connection that fails, and its retries */

#define TEXT_HTTP_REFUSED "Connection refused"
#define TEXT_HTTP_RESET "connection reset"
#define TEXT_HTTP_ENDED "the body has ended"
#define TEXT_HTTP_NO_CONNECTION "no connection for 0.0 s"
#define TEXT_HTTP_NO_RESPONSE(time) "no response for " time
#define TEXT_HTTP_NO_DATA(time) "no data for " time
#define TEXT_HTTP_RETRY(number) "retry " number " in "
#define TEXT_HTTP_GAVE_UP(retries) "gave up after " retries
#define TEXT_HTTP_RESUME "(resume from byte 8)"
#define TEXT_HTTP_NO_RESUME "it cannot be resumed"
#define TEXT_HTTP_UNFINISHED_LINE "after line 2; an unfinished line of 3 bytes was not given"
#define TEXT_HTTP_GAP "a gap or repeats are possible after line 2"
#define TEXT_HTTP_OTHER_VERSION \
    "another version of the body: what comes again is left out after line 2"
#define TEXT_HTTP_PAUSE_TOO_LONG(from) \
    "asks for a pause of 3601 s " from ", which is longer than the limit of 3600 s"
#define TEXT_HTTP_REDIRECTED_REFUSED                                         \
    "http://example.org/feed: redirected to http://other.test/x?token=***: " \
    "cannot connect: " TEXT_HTTP_REFUSED

/* ---- a response that cannot be used */

#define TEXT_HTTP_CIRCLE "in a circle"
#define TEXT_HTTP_SWITCHES "it switches to another protocol"
#define TEXT_HTTP_MALFORMED "malformed"
#define TEXT_HTTP_NO_HTTP "the response is not HTTP"
#define TEXT_HTTP_OTHER_PROTOCOL "the server does not speak HTTP; it says: "
#define TEXT_HTTP_BINARY "the server does not speak HTTP; it sends binary data"
#define TEXT_HTTP_USES_TLS "the server uses TLS on this port: write https:// instead of http://"
#define TEXT_HTTP_HEAD_ENDS "before the end of the response's head"
#define TEXT_HTTP_HEAD_TOO_LONG "the head of the response is longer than 256 KiB"
#define TEXT_HTTP_BODY_ENDS "the response ends at byte 9, before the end of the body"
#define TEXT_HTTP_TRAILERS_TOO_LONG "trailers after the body are longer than"
#define TEXT_HTTP_BAD_CHUNK \
    "the server breaks the chunked encoding of the body (at byte 0, after line 0)"
#define TEXT_HTTP_OTHER_PART "requested byte 4, but the response begins at byte "
#define TEXT_HTTP_ENCODED(name) "the body is encoded as '" name "'"
#define TEXT_HTTP_TOO_MANY_CODINGS "more than 5 times over"
#define TEXT_HTTP_NO_COMPRESSION(name) "the Content-Encoding '" name "' is not a compression"
#define TEXT_HTTP_EXPANDS "expands too much"

/* ---- server-sent events */

#define TEXT_HTTP_TYPE_IS(type) "its Content-Type is '" type "'"
#define TEXT_HTTP_TYPE_MISSING "its Content-Type is missing" TEXT_HTTP_NOT_EVENTS
#define TEXT_HTTP_NOT_EVENTS ", not text/event-stream"
#define TEXT_HTTP_EVENTS_REPEATED                                                                \
    "http://example.org/feed: the server was asked to continue after an id, but begins with an " \
    "event already received: events are repeated"
#define TEXT_HTTP_EVENT_WITHOUT_ID "a gap or repeats are possible after event 1, which has no id"
#define TEXT_HTTP_AFTER_EVENT(id)        \
    "resume after the event with id " id \
    "; a gap or repeats are possible if the server ignores the id"
#define TEXT_HTTP_NO_EVENT_SAVED "no event with an id was saved: a gap or repeats are possible"

/* ---- the bearer token file */

#define TEXT_HTTP_TOKEN_ABSENT                                                                 \
    "http://127.0.0.1:1/: the bearer token file '/nonexistent/token' cannot be read: No such " \
    "file or directory"
#define TEXT_HTTP_TOKEN_EMPTY "is empty"
#define TEXT_HTTP_TOKEN_TWO "must contain only one token"
#define TEXT_HTTP_TOKEN_TOO_LONG "is too long for a token"
#define TEXT_HTTP_TOKEN_NO_FILE "is not a regular file"
#define TEXT_HTTP_TOKEN_WAIT "bearer token"

/* ---- the sink */

#define TEXT_HTTP_ITEM(number) "item " number TEXT_HTTP_NOT_DELIVERED
#define TEXT_HTTP_ITEMS "items 3 to 4"
#define TEXT_HTTP_NOT_DELIVERED " of count not delivered"
#define TEXT_HTTP_NO_FOLLOW(target) "redirects to '" target "'; a POST is not"
#define TEXT_HTTP_NOTHING_ACCEPTED "nothing accepted"
#define TEXT_HTTP_SINK_WAITS "1 request under way; one of 2 items: " TEXT_HTTP_NO_RESPONSE("2 s")
#define TEXT_HTTP_NO_ADDRESS "is not an http or https address"
#define TEXT_HTTP_PARALLEL TEXT_FLOW_INVALID("parallel", "65") " (must be 1 to 64)"
#define TEXT_HTTP_STATUSES "16 statuses"

#endif
