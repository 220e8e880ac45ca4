/*
 * support_wire.h - a wire in the place of libcurl (http.h): answers by a script, on the loop's clock.
 *
 * No sockets, threads or time: with a virtual clock a test of an hour's retries takes no time, and
 * says to the millisecond when each request was made.
 */
#ifndef WR_SUPPORT_WIRE_H
#define WR_SUPPORT_WIRE_H

#include "http.h"

enum wire_end {
    WIRE_ENDS = 0,   /* the answer is complete */
    WIRE_BREAKS,     /* the connection is reset behind what was sent */
    WIRE_IS_SILENT,  /* nothing more comes */
    WIRE_IS_REFUSED, /* there is no connection */
    WIRE_IS_CUT      /* the end of the connection is the end of the answer, and may be a cut */
};

struct wire_answer {
    int64_t connect_ms; /* until the connection stands; each of these begins where the last ends */
    int interims;       /* 103 answers before the head, each head_ms after the last */
    int64_t head_ms;    /* until the head comes */
    const char *head;   /* all of it; NULL: none */
    const char *body;
    size_t body_len;  /* 0: its string length */
    size_t piece;     /* bytes of the body that come at once; 0: all of it */
    int64_t piece_ms; /* before each piece */
    int64_t end_ms;   /* before the end */
    enum wire_end then;
};

enum { WIRE_REQUESTS_MAX = 64, WIRE_REQUEST_CAP = 1024, WIRE_BODY_CAP = 256 };

/* What was asked. */
struct wire_request {
    int64_t at_ms; /* since the wire was laid */
    char url[128];
    char headers[WIRE_REQUEST_CAP]; /* a line end behind each */
    char body[WIRE_BODY_CAP];       /* what of it fits, terminated */
    size_t body_len;
    bool posts;
};

extern struct wire_request wire_requests[WIRE_REQUESTS_MAX];
extern size_t wire_requests_count;

/* From now on requests of this loop get these answers, one after another; a request beyond them is
 * refused. */
void wire_lay(weir_loop *loop, const struct wire_answer *answers, size_t count);

/* A loop on a virtual clock whose requests get the answers. */
#define WIRE(...)                                              \
    static const struct wire_answer answers[] = {__VA_ARGS__}; \
    weir_loop *loop = test_loop();                             \
    wire_lay(loop, answers, sizeof answers / sizeof *answers)

#endif
