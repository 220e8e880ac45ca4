/*
 * demo.h - the feeds of `weir demo`, and the file they serve, which any program can compute.
 *
 * A line of the demo file is a pure function of (seed, number), and so is the offset at which it
 * begins. So a server can serve any part without making what comes before, and a client can hash
 * the expected file without a server.
 *
 * Threads: the line functions use only their arguments.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdio.h>
#include <time.h>
#include <weir/server.h>

#define DEMO_MIN(a, b) ((a) < (b) ? (a) : (b))
#define DEMO_MAX(a, b) ((a) > (b) ? (a) : (b))

enum {
    DEMO_PERIOD = 1000,          /* lengths repeat after this number of lines */
    DEMO_STEP = 10,              /* the table of starts has every tenth line */
    DEMO_MIXED_MAX = 2000,       /* the longest of mixed lengths */
    DEMO_LINE_MAX = 64 * 1024,   /* the largest `size` */
    DEMO_PROGRESS_MIN = 4 * 1024 /* /flaky sends at least this, and two lines, before a drop */
};
enum { DEMO_MEMBERS_MAX = 1000 };
#define DEMO_LINES_MAX INT64_C(1000000000000)

/* The file: `lines` lines, each of `size` bytes and a line feed; size 0: mixed lengths. */
struct demo_file {
    uint64_t seed;
    int64_t lines, size;
    uint32_t starts[DEMO_PERIOD / DEMO_STEP + 1]; /* mixed: start of every tenth line of a
                                                           period, and the period's length */
};

/* False: a number is out of range. */
bool demo_file_init(struct demo_file *file, uint64_t seed, int64_t lines, int64_t size);
/* Write line `number` (1, 2, ...) without its line feed to `to`, which has room for
 * DEMO_LINE_MAX + 8 bytes. Returns its length. */
size_t demo_line(const struct demo_file *file, int64_t number, char *to);
/* Where line `number` begins; lines + 1: the length of the file. */
int64_t demo_offset(const struct demo_file *file, int64_t number);
/* The line that the byte at `offset` belongs to. */
int64_t demo_number(const struct demo_file *file, int64_t offset);
/* Room for the longest line with its line feed, and the extra bytes that demo_line needs. */
size_t demo_room(const struct demo_file *file);
/*
 * Make the file's bytes from `offset` up to `end`: as many lines as fit. The first and the last
 * line may be incomplete.
 *
 * to       where lines are written; cap is at least demo_room
 * bytes    [out] points into `to`
 * Returns  the number of bytes; 0 at the end.
 */
size_t demo_bytes(const struct demo_file *file, int64_t offset, int64_t end, char *to, size_t cap,
                  const char **bytes);
/* Write a non-negative number in decimal, not terminated. Returns its length. snprintf would use
 * 2 KB of stack, which a coroutine keeps. */
enum { DEMO_DIGITS_MAX = 20 };
size_t demo_digits(char to[DEMO_DIGITS_MAX], uint64_t number);
/* Where /flaky drops a transfer that begins at `first`; *resets: with a reset instead of an end. */
int64_t demo_drop(const struct demo_file *file, int64_t every, int64_t first, bool *resets);

/* Write line `number` of /feed.ndjson, terminated. Returns its length. With `bad` about one line in
 * 50 is malformed. */
enum { DEMO_EVENT_MAX = 256 };
size_t demo_event(uint64_t seed, int64_t number, int64_t unix_ms, bool bad,
                  char to[DEMO_EVENT_MAX]);

/* Write row `number` of /feed.csv.gz with its line end; 0: the names of the columns. Returns its
 * length. Some values are in quotes. */
#define DEMO_ROWS_BEGIN_S INT64_C(1704067200) /* the time of row 0: 2024 */
size_t demo_row(uint64_t seed, int64_t number, char to[DEMO_EVENT_MAX]);

/* Milliseconds until event `number` (0, 1, ...), with `rate` events a second since began_ns. */
int64_t demo_due_ms(int64_t began_ns, int64_t rate, int64_t number, int64_t now_ns);
/* Write server-sent event `number`, with its id and type. Returns its length. */
enum { DEMO_SSE_MAX = DEMO_EVENT_MAX + 64 };
size_t demo_sse_event(uint64_t seed, int64_t number, int64_t unix_ms, char to[DEMO_SSE_MAX]);

/* The routes whose requests are counted, for demo_counts_print. */
enum demo_route {
    DEMO_FEED,
    DEMO_SSE,
    DEMO_FLAKY_SSE,
    DEMO_WS,
    DEMO_LINES,
    DEMO_FLAKY,
    DEMO_GZIP,
    DEMO_CSV,
    DEMO_BOMB,
    DEMO_SLOW,
    DEMO_ROUTES
};
struct demo_count {
    uint64_t requests;
    uint64_t
        items;    /* lines or events that were given to the server; /feed.ndjson, /slow, /ws, sse */
    uint64_t bad; /* ... of these the malformed ones */
};

/* A running demo. */
struct demo_control {
    struct demo_count counts[DEMO_ROUTES];
    bool calm;       /* /flaky and /flaky/feed.sse stop dropping connections */
    uint64_t served; /* bytes of /lines and /flaky so far */
    int64_t began_ns, began_unix_ms;
    uint64_t drawn;         /* count of random numbers so far */
    struct demo_hook *hook; /* until demo_fini */
};
/* A random number. */
uint64_t demo_draw(struct demo_control *control);

/* Write one line for each route that was asked for: how often, and what it gave. */
void demo_counts_print(const struct demo_control *control, FILE *to);

/* demo_routes.c. The file that the query names; false: refused. The validator of a reply:
 * "seed-lines-size", then the suffix. */
bool demo_asked_file(const weir_request *request, weir_reply *reply, struct demo_file *file);
void demo_set_etag(weir_reply *reply, const struct demo_file *file, const char *suffix);
/* demo_gzip.c */
weir_handler demo_on_gzip, demo_on_csv, demo_on_bomb;
/* demo_sse.c */
weir_handler demo_on_sse, demo_on_flaky_sse;

/* demo_hook.c. demo_hook_new gives NULL: no memory. */
struct demo_hook *demo_hook_new(void);
void demo_hook_free(struct demo_hook *hook);
weir_handler demo_on_hook, demo_on_hook_counts, demo_on_hook_lines;

/*
 * Serve the demo. control: zeroed by the caller; must outlive the server. NULL: see *error.
 *
 *     /                              a list of the routes
 *     /feed.ndjson?rate=&n=&bad=0    events, rate a second (default 10; 0: as fast as they are
 *                                    read), n of them (default: without end)
 *     /lines?n=&size=&seed=          the file: Content-Length, ETag, Range
 *     /flaky?n=&size=&seed=&every=   the same, dropped about every `every` bytes (default 1 MiB)
 *     /gzip?n=&size=&seed=&members=  the same in gzip, in `members` members (default 1, because
 *                                    curl 7.88 fails after the first)
 *     /feed.csv.gz?n=&coded=         n rows (default 1000) in gzip, as a file, or coded=1 as a content
 *                                    coding; always the same bytes
 *     /bomb.gz?size=&coded=          `size` zero bytes (default 1 GiB) in gzip, 1029 to a byte
 *     /feed.sse?rate=&n=&ring=&retry=&ignore=
 *                                    server-sent events since the start of the server, rate a
 *                                    second (default 10; 0: all exist at once), n of them (default:
 *                                    without end); continues after Last-Event-ID, unless ignore=1;
 *                                    the last `ring` events are kept for that (default 100; all
 *                                    with rate 0); retry in ms (default 1000)
 *     /flaky/feed.sse?...&every=     the same, breaks off at random, after about `every` events
 *                                    (default 20)
 *     /ws?rate=&n=                   the events of /feed.ndjson, none of them malformed, as text
 *                                    messages of a WebSocket
 *     /slow?n=&ms=&head_ms=          n numbered lines, ms between them, head_ms before the head
 *     POST /hook?status=&every=&after=&lines=
 *                                    takes a body once for each Idempotency-Key, with 204; each
 *                                    every-th request (default 1) is answered with `status` (400 to
 *                                    599), and Retry-After: `after`; a body of more than `lines`
 *                                    lines with 413
 *     /hook                          counts of what was posted
 *     /hook/lines                    the newest lines that were taken, up to 1 MiB
 */
struct weir_server *demo_start(weir_scope *scope, const char *address, struct demo_control *control,
                               weir_error *error);
/* Free what the server has kept, after its scope has ended. Also needed if demo_start failed. */
void demo_fini(struct demo_control *control);

/* demo_log.c: an access log that is written at a rate and rotated. */
enum { DEMO_STATUSES = 7, DEMO_WAYS = 3, DEMO_LOG_LINE_MAX = 256, DEMO_LOG_PATH_MAX = 2000 };
struct demo_log {
    const char *path;
    int64_t rate;   /* lines a second, at least 1 */
    int64_t lines;  /* 0: until a signal */
    int64_t rotate; /* after so many lines, at least 1 */
    uint64_t seed;
    /* What was done. */
    int64_t written;
    uint64_t rotations, counts[DEMO_STATUSES];
    char failed[40]; /* what has failed; "": nothing */
    int number;      /* ... errno */
    int fd;
};
/* Write line `number` (1, 2, ...) with its line end; *status: the index of its count. Returns its
 * length. */
size_t demo_log_line(uint64_t seed, int64_t number, time_t when, size_t *status,
                     char to[DEMO_LOG_LINE_MAX]);
/* Write the log until it has its lines, or the scope has got a signal. False: failed. Suspends. */
bool demo_log_write(struct demo_log *log, weir_scope *scope);
/* What was written, per status. */
void demo_log_print(const struct demo_log *log, FILE *to);

/* demo_syslog.c: syslog messages as UDP datagrams. One sender in a process at a time. */
enum { DEMO_SEVERITIES = 8, DEMO_SYSLOG_MAX = 320 };
struct demo_syslog {
    const char *address; /* HOST:PORT, or :PORT for loopback */
    int64_t rate;        /* messages a second, at least 1 */
    int64_t lines;       /* 0: until a signal */
    uint64_t seed;
    weir_scope *until; /* the scope that gets the signal */
    /* What was done. */
    int64_t sent;
    uint64_t counts[DEMO_SEVERITIES];
};
/* Write message `number` (1, 2, ...). Returns its length. */
size_t demo_syslog_line(uint64_t seed, int64_t number, int64_t unix_ms, unsigned *severity,
                        char to[DEMO_SYSLOG_MAX]);
/* Send all messages, or until the scope has got a signal. As weir_pump. Suspends. */
int demo_syslog_send(struct demo_syslog *syslog, weir_scope *scope, weir_error *error);
/* What was sent, per severity. */
void demo_syslog_print(const struct demo_syslog *syslog, FILE *to);

#endif
