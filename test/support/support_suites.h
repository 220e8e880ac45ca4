/*
 * support_suites.h - what every source and every sink must do, as one suite each.
 *
 * A test file says how its source or sink is made and who plays the far end (a kit), and runs the
 * suite on it with one line, which makes the tests. The far end of a source is a task that hands on
 * bytes and then ends or falls silent; the far end of a sink is drained by hand, as fast or slowly
 * as the test wants.
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

/* ---- sources */

enum wr_far_end { WR_FAR_ENDS, WR_FAR_IS_SILENT };

/* What a source under test reads. */
struct wr_source_play {
    weir_loop *loop;
    weir_scope *scope;
    struct wr_folder folder;
    const char *bytes; /* sent `times` times over */
    size_t len, times;
    enum wr_far_end then;
    uint64_t sent;
    int fd;  /* the source's end, or the listening socket */
    int far; /* the far end's descriptor; -1: none */
};

struct wr_source_kit {
    /* Start the far end and make the source. */
    weir_gen *(*make)(struct wr_source_play *play, const weir_lines_options *options);
    /* The same for bytes. */
    weir_gen *(*make_bytes)(struct wr_source_play *play);
    void (*end)(struct wr_source_play *play); /* NULL: nothing to do */
    bool waits;                               /* it can be silent: not so a file */
    size_t kernel_bytes;                      /* what may be under way outside the process */
};

/* Spawn a task that sends play->bytes through `fd`, or `to`, which is taken. */
void wr_far_send(struct wr_source_play *play, int fd);
void wr_far_send_to(struct wr_source_play *play, struct wr_transport *to);
/* Listen on loopback by TCP, for connections with small buffers; *fd is to be closed. The port. */
int wr_far_listen_tcp(int *fd);
/* The first connection to a listening socket; suspends. -1: canceled. */
int wr_far_accept(weir_loop *loop, int listener);
/* Listen on a unix socket, play->fd; a task accepts one connection and sends play->bytes. The
 * address. */
const char *wr_far_serve(struct wr_source_play *play);
/* Two connected descriptors with small buffers. */
void wr_far_pair(int ends[2]);

/* Bytes, and the items that a framing makes of them, each shown with a '|' behind it. */
struct wr_framing_case {
    weir_framing framing;
    const char *bytes;
    size_t len;
    const char *items;
};
enum { WR_FRAMING_CASES = 7 };
extern const struct wr_framing_case wr_framing_cases[WR_FRAMING_CASES];
/* Read gen to its end, `max` items at a time: their texts, in a static buffer. */
const char *wr_items_shown(weir_gen *gen, size_t max);

void wr_source_gives_all_to_the_end(const struct wr_source_kit *kit);
void wr_source_gives_items_before_failure(const struct wr_source_kit *kit);
void wr_source_is_canceled_while_waiting(const struct wr_source_kit *kit);
void wr_source_is_canceled_without_memory(const struct wr_source_kit *kit);
void wr_source_is_left_without_memory(const struct wr_source_kit *kit);
void wr_source_keeps_memory_bound(const struct wr_source_kit *kit);
void wr_source_stops_while_waiting(const struct wr_source_kit *kit);
void wr_source_is_discarded_midway(const struct wr_source_kit *kit);
void wr_source_gives_bytes(const struct wr_source_kit *kit);
void wr_source_takes_every_framer(const struct wr_source_kit *kit);

#define WR_SOURCE_SUITE(kit)                       \
    TEST(gives_all_to_the_end)                     \
    {                                              \
        wr_source_gives_all_to_the_end(kit);       \
    }                                              \
    TEST(gives_items_before_failure)               \
    {                                              \
        wr_source_gives_items_before_failure(kit); \
    }                                              \
    TEST(is_canceled_while_waiting)                \
    {                                              \
        wr_source_is_canceled_while_waiting(kit);  \
    }                                              \
    TEST(is_canceled_while_waiting_for_memory)     \
    {                                              \
        wr_source_is_canceled_without_memory(kit); \
    }                                              \
    TEST(is_left_while_waiting_for_memory)         \
    {                                              \
        wr_source_is_left_without_memory(kit);     \
    }                                              \
    TEST(slow_reader_keeps_memory_bound)           \
    {                                              \
        wr_source_keeps_memory_bound(kit);         \
    }                                              \
    TEST(stops_while_waiting)                      \
    {                                              \
        wr_source_stops_while_waiting(kit);        \
    }                                              \
    TEST(is_discarded_midway)                      \
    {                                              \
        wr_source_is_discarded_midway(kit);        \
    }                                              \
    TEST(gives_bytes_as_they_come)                 \
    {                                              \
        wr_source_gives_bytes(kit);                \
    }                                              \
    TEST(takes_every_framer)                       \
    {                                              \
        wr_source_takes_every_framer(kit);         \
    }                                              \
    struct weir_swallow_semicolon

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
    weir_sink *(*make)(struct wr_sink_play *play);
    /* Read what has come: bytes, 0 when nothing is there or it is over. Sets *end. */
    size_t (*take)(struct wr_sink_play *play, char *to, size_t cap, bool *end);
    void (*end)(struct wr_sink_play *play);
    bool waits; /* the far end can be slow, and can go: not so a file */
    size_t kernel_bytes;
    bool no_end;      /* the far end cannot tell when it is over */
    bool ends_lines;  /* a line without its end gets one, also the last */
    size_t big_bytes; /* of the long runs; 0: WR_SUITE_BIG_BYTES */
    int gone_code;    /* what a far end that has gone is told as; 0: WEIR_ECLOSED */
};

/* read(2) without waiting, for kits whose far end is a descriptor. */
size_t wr_far_take(int fd, char *to, size_t cap, bool *end);
/* A unix socket that listens in the play's folder; its address. */
const char *wr_far_listen(struct wr_folder *folder, int *fd);

/* End a sink, NULL: pump gen into it, while the far end takes what comes; got is terminated. The
 * result. */
int wr_sink_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play, weir_gen *gen,
                 weir_sink *sink, weir_error *error, char *got, size_t cap, bool *end);

void wr_sink_writes_exact_bytes(const struct wr_sink_kit *kit);
void wr_sink_tells_its_end(const struct wr_sink_kit *kit);
void wr_sink_delivers_before_failure(const struct wr_sink_kit *kit);
void wr_sink_is_canceled_while_waiting(const struct wr_sink_kit *kit);
void wr_sink_keeps_memory_bound(const struct wr_sink_kit *kit);
void wr_sink_flushes_before_idle(const struct wr_sink_kit *kit);
void wr_sink_gets_the_rest_out(const struct wr_sink_kit *kit);
void wr_sink_tells_a_far_end_gone(const struct wr_sink_kit *kit);

#define WR_SINK_SUITE(kit)                            \
    TEST(writes_exact_bytes)                          \
    {                                                 \
        wr_sink_writes_exact_bytes(kit);              \
    }                                                 \
    TEST(tells_its_end)                               \
    {                                                 \
        wr_sink_tells_its_end(kit);                   \
    }                                                 \
    TEST(delivers_before_failure)                     \
    {                                                 \
        wr_sink_delivers_before_failure(kit);         \
    }                                                 \
    TEST(is_canceled_while_waiting)                   \
    {                                                 \
        wr_sink_is_canceled_while_waiting(kit);       \
    }                                                 \
    TEST(slow_peer_keeps_memory_bound)                \
    {                                                 \
        wr_sink_keeps_memory_bound(kit);              \
    }                                                 \
    TEST(flushes_before_idle)                         \
    {                                                 \
        wr_sink_flushes_before_idle(kit);             \
    }                                                 \
    TEST(gets_the_rest_out_when_the_peer_reads_again) \
    {                                                 \
        wr_sink_gets_the_rest_out(kit);               \
    }                                                 \
    TEST(tells_a_far_end_that_has_gone)               \
    {                                                 \
        wr_sink_tells_a_far_end_gone(kit);            \
    }                                                 \
    struct weir_swallow_semicolon

/* Lines made of the text, one item each; a line ends at LF, its CR is kept as a flag. */
weir_gen *wr_lines_of(weir_scope *scope, const char *text);

#endif
