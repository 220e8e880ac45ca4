/*
 * support_server.h - what tests of the server have in common: a server on a virtual clock, routes
 * that do as the test says, and a client on the same loop that writes its requests as text.
 *
 * Each test runs in a process of its own, so what is shared here belongs to one test.
 */
#ifndef WR_SUPPORT_SERVER_H
#define WR_SUPPORT_SERVER_H

#include <weir/loop.h>
#include <weir/server.h>

#include "loop_core.h"
#include "loop_transport.h"
#include "support_check.h"

extern weir_loop *loop;
extern weir_server *server;
extern weir_error error;
extern char got[1 << 21]; /* what the last client has read, terminated */
extern size_t got_len;

/*
 * The routes:
 *
 *     /lines?n=2&length=&code=  "line 1", "line 2", ...; fails with -code at the end
 *     /feed                     "tick" whenever let_feed_go says so
 *     /flood                    lines of 1000 bytes without end
 *     /careful                  the same, with a second of clean-up; counts it as one pull
 *     /burst?n=                 so many of them, then the feed
 *     /sleepy                   a handler that sleeps for an hour
 *     /letters?tag=1&modified=  the alphabet, in parts if wanted; ETag "v1"
 *     /late                     the same, a second later
 *     /echo/..., /echo/deep/... a 409 that tells what was asked
 *     /empty?status=204         no body
 *     /values?print=1           a value, whose type has a text or not, and an event
 *     /ws/lines, /feed, /flood  the same as messages of a WebSocket; /ws/parts: a line in pieces
 *     /faulty?how=0&body=1      a handler that says what is not its own to say, or cannot be sent
 */
extern int pulls;                   /* items that /feed and /flood have begun to give */
extern bool feed_ended;             /* /feed, /flood or /sleepy has come to its clean-up */
extern struct wr_task *feed_waiter; /* /feed waits for let_feed_go; NULL: it does not */
extern const char alphabet[];

void let_feed_go(void);

/* A loop on a virtual clock. */
void make_loop(void);
/* Make the loop and the server; end them, which must succeed. */
void start(void);
void start_with(const weir_server_options *options);
void finish(void);

/* A client, its connection made; `got` begins anew. */
struct wr_transport *dial(void);
void say(struct wr_transport *client, const char *text);
/* Both. */
struct wr_transport *visit(const char *text);
/* Until there may be bytes. In a sweep somebody may be waiting for time to pass instead. */
void wait_bytes(struct wr_transport *client);
/* Read until `text` has come, or, NULL, until the end. False: the end, or a failure, came first. */
bool hear(struct wr_transport *client, const char *text);
/* What comes from now on is all that `got` holds. */
void forget(void);
void hang_up(struct wr_transport *client);
/* The client hangs up, and the server finishes. */
void leave(struct wr_transport *client);
/* One request on a connection of its own, read to the end. */
const char *ask(const char *text);

bool begins(const char *text, const char *with);
/* Of the reply in `got`. */
const char *body(void);

/* Let everybody run until nothing is pulled any more; how many were. */
int await_calm(void);
/* Let everybody run until the feed has come to its clean-up, without time passing. */
void await_end(void);
/* Let time pass, everybody running before and after. */
void pass(int64_t ms);
/* Let this time pass again and again until the feed has ended, ten times at most: what the kernels still
 * move to a client that does not read looks like reading. */
void pass_stalled(int64_t ms);

#define HOST "Host: a\r\n"
#define LAST "Host: a\r\nConnection: close\r\n\r\n"

#endif
