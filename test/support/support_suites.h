/*
 * support_suites.h - what every source and every sink must do, as one suite each.
 *
 * A kit is a source or sink with its far end: who plays the peer, and how the test opens it. The
 * kits of all components of the language are in support_far_sources.c and support_far_sinks.c;
 * test_plan_sources.c and test_plan_sinks.c run the suites over each component that there is, opened
 * from a text. A component that needs no far end is run as its example has it. Any other one needs
 * one line there, and fails the test until it has it.
 *
 * The far end of a source is a task that sends bytes and then ends or falls silent; the far end of a
 * sink is drained by hand, as fast or slowly as the test wants.
 */
#ifndef WR_SUPPORT_SUITES_H
#define WR_SUPPORT_SUITES_H

#include <stdio.h>
#include <weir/weir.h>

#include "loop_transport.h"
#include "support_check.h"
#include "support_flow.h"
#include "support_folder.h"

/* More than any buffer on the way holds. */
enum { WR_SUITE_BIG_BYTES = 8 * 1024 * 1024, WR_SUITE_SETTLES = 200 };

/* Let everybody run until nobody has anything to do for sure. */
static inline void wr_suite_settle(weir_loop *loop)
{
    for (int i = 0; i < WR_SUITE_SETTLES; i++) {
        wr_loop_settle(loop);
    }
}

/* Read gen, which was made in `scope`, in a task of a scope beside it, while the loop's byte budget
 * is used up; then end `scope` by `act`. What the reader is told: 1 as long as it is in there. */
int wr_suite_read_without_memory(weir_loop *loop, weir_scope *scope, weir_gen *gen,
                                 void (*act)(weir_scope *scope));
/* weir_scope_wait as such an act. */
void wr_suite_end_scope(weir_scope *scope);

/* A run with a state. */
struct wr_suite_run {
    weir_loop *loop;
    weir_scope *scope;
    weir_gen *gen;
    weir_sink *sink;
    size_t left; /* items to take over */
    int word;    /* that its sources and sinks have given: enum weir_delivery; -1: none so far */
    bool over;
};
/* Two runs with one state. Return early where wr_test_sweeps(): with a failure in each call these
 * runs do not end as they should, and the suites' own tests meet the same failures.
 *
 * Open a text in a scope of its own, with the state of this name in the folder. */
void wr_suite_run_begins(struct wr_suite_run *run, weir_loop *loop, const struct wr_folder *folder,
                         const char *name, weir_plan_options options, const char *text);
/* Take over at most `count` items, commit and end, while `meanwhile` is called again and again
 * (NULL: nothing). */
void wr_suite_run_ends(struct wr_suite_run *run, size_t count, void (*meanwhile)(void *ctx),
                       void *ctx);
/* The word that a plan promises before the run: by the descriptors of its components. */
int wr_suite_promise(const char *text);

/* ---- sources */

enum wr_far_end { WR_FAR_ENDS, WR_FAR_IS_SILENT };

/* What a source under test reads. */
struct wr_source_play {
    weir_loop *loop;
    weir_scope *scope;
    struct wr_folder folder;
    const char *bytes; /* sent `times` times over, to each that connects */
    size_t len, times;
    enum wr_far_end then;
    uint64_t sent;
    weir_scope *far; /* of the tasks of the far end */
    int fd;          /* the source's end, or the listening socket; -1: none */
};

struct wr_source_kit {
    const char *name; /* of the component; NULL: it is none */
    /* Start the far end, which stays as it is if it has begun. Returns the source as a text has it,
     * in a static buffer. */
    const char *(*text)(struct wr_source_play *play);
    /* Of what is no component: start the far end and make the source. */
    weir_gen *(*make)(struct wr_source_play *play, const weir_lines_options *options);
    /* The same for bytes. */
    weir_gen *(*make_bytes)(struct wr_source_play *play);
    void (*end)(struct wr_source_play *play); /* NULL: nothing to do */
    const char *as_sent; /* what makes of its items the lines that were sent; NULL: they are */
    const char *example; /* what it gives is its own: there is no far end */
    bool messages;  /* each line is a message, which has a head of two bytes and no end of a line */
    bool waits;     /* it can be silent: not so a file */
    bool endless;   /* with a far end: it does not end with it */
    bool lossy;     /* the far end is not slowed down: what does not fit is lost */
    bool own_limit; /* of its items: not that of lines or messages */
    /* Its sweep is that of its own test. A far end that connects waits for a descriptor, and then the
     * virtual clock stands still, for which a source without descriptors waits. */
    bool swept_elsewhere;
    size_t kernel_bytes; /* what may be under way outside the process */
    int blocks;          /* of memory that it needs at most; 0: 3 */
};

/* Of a component that is a source; NULL: it has none, which is a mistake. */
const struct wr_source_kit *wr_source_kit_of(const weir_component *component);

/* Spawn a task that sends play->bytes through `fd`, or `to`, which is taken. */
void wr_far_send(struct wr_source_play *play, int fd);
void wr_far_send_to(struct wr_source_play *play, struct wr_transport *to);
/* Listen on loopback by TCP, for connections with small buffers; *fd is to be closed. The port. */
int wr_far_listen_tcp(int *fd);
/* The first connection to a listening socket; suspends. -1: canceled. */
int wr_far_accept(weir_loop *loop, int listener);
/* Listen on a unix socket, play->fd; a task accepts connections and sends each play->bytes. The
 * address. */
const char *wr_far_serve(struct wr_source_play *play);
/* Two connected descriptors with small buffers. */
void wr_far_pair(int ends[2]);

/* A certificate and its key for a server of this name (IP:127.0.0.1), or a client's (""): its file,
 * until the next call. */
const char *wr_far_certify(const char *name, int days);
/* Of the authority that has signed it. */
const char *wr_far_ca_file(void);
/* They are removed. */
void wr_far_uncertify(void);

/* A TLS server for one connection. */
struct wr_far_tls {
    struct wr_source_play *play;
    int listener;
    const char *cert_file;
    const char *says; /* instead of what is played: then it cuts. NULL: it plays */
};
/* Its address. The server is a task of the scope. */
const char *wr_far_serve_tls(weir_scope *scope, struct wr_far_tls far_end);

/* Bytes, and the items that a framing makes of them, each shown with a '|' behind it. */
struct wr_framing_case {
    weir_framing framing;
    const char *text; /* the framing as a stage */
    const char *bytes;
    size_t len;
    const char *items;
};
enum { WR_FRAMING_CASES = 8 };
extern const struct wr_framing_case wr_framing_cases[WR_FRAMING_CASES];
/* Read gen to its end, `max` items at a time: their texts, in a static buffer. */
const char *wr_items_shown(weir_gen *gen, size_t max);

/* Add the tests of a kit, before main: those that apply to it. */
void wr_source_suite_add(const char *what, const struct wr_source_kit *kit);
#define WR_SOURCE_SUITE(kit) WR_SUITE(wr_source_suite_add, kit)

/* ---- sinks */

struct wr_sink_play {
    weir_loop *loop;
    weir_scope *scope;
    struct wr_folder folder;
    int fd;  /* the sink's end, or the listening socket; -1: none */
    int far; /* what the far end reads from; -1: not connected yet */
    uint64_t taken;
};

struct wr_sink_kit {
    const char *name; /* of the component; NULL: it is none */
    /* Start the far end, which stays as it is if it has begun. Returns the sink as a text has it, in
     * a static buffer. */
    const char *(*text)(struct wr_sink_play *play);
    /* Of what is no component: start the far end and make the sink. */
    weir_sink *(*make)(struct wr_sink_play *play);
    /* Read what has come: bytes, 0 when nothing is there or it is over. Sets *end. NULL: nothing
     * comes anywhere. */
    size_t (*take)(struct wr_sink_play *play, char *to, size_t cap, bool *end);
    void (*end)(struct wr_sink_play *play);
    bool waits; /* the far end can be slow, and can go: not so a file */
    size_t kernel_bytes;
    bool no_end;      /* the far end cannot tell when it is over */
    bool ends_lines;  /* a line without its end gets one, also the last */
    bool messages;    /* what is taken at a time is a message of its own (the body of a request) */
    bool loses_cr;    /* a line ends at LF, whatever it ended at */
    size_t big_bytes; /* of the long runs; 0: WR_SUITE_BIG_BYTES */
    size_t few_bytes; /* of these runs in a sweep; 0: kernel_bytes, and what a sink holds */
    int gone_code;    /* what a far end that has gone is told as; 0: WEIR_ECLOSED */
};

/* Of a component that is a sink; NULL: it has none, which is a mistake. */
const struct wr_sink_kit *wr_sink_kit_of(const weir_component *component);

/* read(2) without waiting, for kits whose far end is a descriptor. */
size_t wr_far_take(int fd, char *to, size_t cap, bool *end);
/* The same from the first connection to play->fd. */
size_t wr_far_take_socket(struct wr_sink_play *play, char *to, size_t cap, bool *end);
void wr_far_close(struct wr_sink_play *play);
/* A unix socket that listens in the play's folder; its address. */
const char *wr_far_listen(struct wr_folder *folder, int *fd);

/* A TLS server with a certificate for this name, for a sink; asks: it wants one of its client. The
 * address. */
const char *wr_far_listen_tls(struct wr_sink_play *play, const char *name, bool asks);
/* Whether somebody has shaken hands. */
bool wr_far_tls_is_open(void);
size_t wr_far_take_tls(struct wr_sink_play *play, char *to, size_t cap, bool *end);
void wr_far_end_tls(struct wr_sink_play *play);

/* Listen for requests on play->fd; the URL. */
const char *wr_far_listen_http(struct wr_sink_play *play);
/* The body of a request that has come whole over play->far; NULL: it has not. */
const char *wr_far_body(struct wr_sink_play *play, size_t *len);
/* Send an answer; the next request is another one. */
void wr_far_answer(struct wr_sink_play *play, const char *text);
/* Give the body of one request, and answer it on a connection that then ends. */
size_t wr_far_take_post(struct wr_sink_play *play, char *to, size_t cap, bool *end);

/* End a sink, NULL: pump gen into it, while the far end takes what comes; got is terminated. The
 * result. */
int wr_sink_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play, weir_gen *gen,
                 weir_sink *sink, weir_error *error, char *got, size_t cap, bool *end);

/* Add the tests of a kit, before main: those that apply to it. */
void wr_sink_suite_add(const char *what, const struct wr_sink_kit *kit);
#define WR_SINK_SUITE(kit) WR_SUITE(wr_sink_suite_add, kit)

#define WR_SUITE(add, kit)                                   \
    __attribute__((constructor)) static void add_suite(void) \
    {                                                        \
        add("", kit);                                        \
    }                                                        \
    struct weir_swallow_semicolon

/* Lines made of the text, one item each; a line ends at LF, its CR is kept as a flag. */
weir_gen *wr_lines_of(weir_scope *scope, const char *text);

#endif
