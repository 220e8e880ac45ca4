/*
 * demo.h - the feeds of `weir demo`, and the file they serve, which anybody can compute.
 *
 * The idea. A line of the demo file is a pure function of (seed, number), and so is the offset at
 * which it begins: a server can serve any part without making what comes before, and a client can
 * hash the expected file without a server.
 *
 * Threads.   The line functions touch nothing but their arguments.
 */
#ifndef DEMO_H
#define DEMO_H

#include <weir/server.h>

#define DEMO_MIN(a, b) ((a) < (b) ? (a) : (b))
#define DEMO_MAX(a, b) ((a) > (b) ? (a) : (b))

enum {
    DEMO_PERIOD = 1000,          /* lengths repeat after so many lines */
    DEMO_STEP = 10,              /* of the table of their beginnings */
    DEMO_MIXED_MAX = 2000,       /* the longest of mixed lengths */
    DEMO_LINE_MAX = 64 * 1024,   /* the largest `size` */
    DEMO_PROGRESS_MIN = 4 * 1024 /* /flaky gives at least so much, and two lines, before it drops */
};
enum { DEMO_MEMBERS_MAX = 1000 };
#define DEMO_LINES_MAX INT64_C(1000000000000)

/* The file: `lines` lines, each of `size` bytes and a line feed; size 0: of mixed lengths. */
struct demo_file {
    uint64_t seed;
    int64_t lines, size;
    uint32_t starts[DEMO_PERIOD / DEMO_STEP + 1]; /* mixed: of every tenth line of a period,
                                                           and its whole length */
};

/* False: a number is out of bounds. */
bool demo_file_init(struct demo_file *file, uint64_t seed, int64_t lines, int64_t size);
/* Write line `number` (1, 2, ...) without its line feed to `to`, which has room for
 * DEMO_LINE_MAX + 8 bytes. Returns its length. */
size_t demo_line(const struct demo_file *file, int64_t number, char *to);
/* Where line `number` begins; lines + 1: the length of the file. */
int64_t demo_offset(const struct demo_file *file, int64_t number);
/* The line that the byte at `offset` belongs to. */
int64_t demo_number(const struct demo_file *file, int64_t offset);
/* The longest line with its line feed, and what demo_line needs more to write it. */
size_t demo_room(const struct demo_file *file);
/*
 * Make the file's bytes from `offset` on, up to `end`: as many lines as fit, of the first and the
 * last one what lies in between.
 *
 * to       where lines are written; cap is demo_room at least
 * bytes    [out] points into `to`
 * Returns  how many; 0 at the end.
 */
size_t demo_bytes(const struct demo_file *file, int64_t offset, int64_t end, char *to, size_t cap,
                  const char **bytes);
/* Write a number from 0 on in decimal, not terminated; its length. snprintf would take 2 KB of the
 * stack, which a coroutine keeps. */
enum { DEMO_DIGITS_MAX = 20 };
size_t demo_digits(char to[DEMO_DIGITS_MAX], uint64_t number);
/* Where /flaky drops a transfer that begins at `first`; *resets: by a reset, not by an end. */
int64_t demo_drop(const struct demo_file *file, int64_t every, int64_t first, bool *resets);

/* Line `number` of /feed.ndjson, terminated; its length. Every 50th or so is malformed, if `bad`.
 */
enum { DEMO_EVENT_MAX = 256 };
size_t demo_event(uint64_t seed, int64_t number, int64_t unix_ms, bool bad,
                  char to[DEMO_EVENT_MAX]);

/* Milliseconds until event `number` (0, 1, ...) of those that come `rate` a second since began_ns. */
int64_t demo_due_ms(int64_t began_ns, int64_t rate, int64_t number, int64_t now_ns);
/* The server-sent event of that number, with its id and type; its length. */
enum { DEMO_SSE_MAX = DEMO_EVENT_MAX + 64 };
size_t demo_sse_event(uint64_t seed, int64_t number, int64_t unix_ms, char to[DEMO_SSE_MAX]);

/* A demo that is served. */
struct demo_control {
    bool calm;       /* /flaky and /flaky/feed.sse drop no more */
    uint64_t served; /* bytes of /lines and /flaky given so far */
    int64_t began_ns, began_unix_ms;
    uint64_t drawn;         /* random numbers so far */
    struct demo_hook *hook; /* until demo_fini */
};
/* A random number. */
uint64_t demo_draw(struct demo_control *control);

/* demo_sse.c */
weir_handler demo_on_sse, demo_on_flaky_sse;

/* demo_hook.c. demo_hook_new gives NULL: no memory. */
struct demo_hook *demo_hook_new(void);
void demo_hook_free(struct demo_hook *hook);
weir_handler demo_on_hook, demo_on_hook_counts, demo_on_hook_lines;

/*
 * Serve the demo. control: zeroed by the caller; must outlive the server. NULL: *error says why not.
 *
 *     /                              what is served, in words
 *     /feed.ndjson?rate=&n=&bad=0    events, rate a second (default 10; 0: as fast as they are
 *                                    read), n of them (default: without end)
 *     /lines?n=&size=&seed=          the file: Content-Length, ETag, Range
 *     /flaky?n=&size=&seed=&every=   the same, dropped about every so many bytes (default 1 MiB)
 *     /gzip?n=&size=&seed=&members=  the same in gzip, in one member unless more are asked for:
 *                                    curl 7.88 fails behind the first
 *     /feed.sse?rate=&n=&ring=&retry=&ignore=
 *                                    server-sent events since the server has begun, rate a second
 *                                    (default 10; 0: all are there, to be read as fast as they
 *                                    are), n of them (default: without end); goes on behind
 *                                    Last-Event-ID, unless ignore=1; the last `ring` of them are
 *                                    kept for that (default 100; all with rate 0); retry in ms
 *                                    (default 1000)
 *     /flaky/feed.sse?...&every=     the same, breaks off at random, after `every` events or so
 *                                    (default 20)
 *     /slow?n=&ms=&head_ms=          n numbered lines, ms between them, head_ms before the head
 *     POST /hook?status=&every=&after=&lines=
 *                                    takes what is posted, once for each Idempotency-Key: 204; each
 *                                    every-th request (default 1) is answered with `status` (400 to
 *                                    599), and Retry-After: `after`; a body of more than so many
 *                                    lines with 413
 *     /hook                          what has been posted there, in numbers
 *     /hook/lines                    the newest of what was taken, up to 1 MiB
 */
struct weir_server *demo_start(weir_scope *scope, const char *address, struct demo_control *control,
                               weir_error *error);
/* Free what the server has kept, when its scope has ended; also where demo_start has failed. */
void demo_fini(struct demo_control *control);

#endif
