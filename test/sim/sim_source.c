/*
 * sim_source.c - the sources of a simulation. All give the same lines, 1 to sim.lines.
 *
 *   a file   read once
 *   a log    that a task of ours writes, renames and truncates, as long as the machine
 *            runs; when all has come it stops the pipeline. Changes in its folder are not reported
 *            (inotify is the kernel's), so tail looks by itself
 *   HTTP     by a wire of our own: Range and a strong ETag; connections are refused, break off, fall
 *            silent, and answers come late or with 503
 *   a feed   by <weir/extend.h>, with its number as position; it pauses, and may fail
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "sim.h"

enum { LOG_STEP = 12 /* lines written at once, at most */, ROTATES_EVERY = 4, ROTATIONS_MAX = 5 };

int sim_line(int number, char to[SIM_TEXT])
{
    return snprintf(to, SIM_TEXT, "%d %.*s", number, number * 7 % 23, "abcdefghijklmnopqrstuvwxyz");
}

/* The lines from `first` to `last`, with their ends. */
static size_t lines_text(int first, int last, char *to)
{
    size_t len = 0;
    for (int number = first; number <= last; number++) {
        len += (size_t)sim_line(number, to + len);
        to[len++] = '\n';
    }
    return len;
}

static char text[SIM_LINES * SIM_TEXT];
static size_t text_len;

void sim_source_begin(void)
{
    text_len = lines_text(1, sim.lines, text);
    if (sim.source == SIM_FILE) {
        wr_disk_put("d/in", text, text_len);
    } else {
        wr_disk_put("d/other", "", 0);
    }
}

/* ---- a log */

/* By another process, of which every byte is safe at once. */
static void append(int count)
{
    sim.written += count;
    wr_disk_put("d/log", text, lines_text(sim.cut + 1, sim.written, text));
    sim_note("append", (uint64_t)sim.written, (uint64_t)wr_disk_inode("d/log"));
}

/* Does the record that the next run finds say this of the log? A run begins with the files that it
 * knows and those that have their names. */
static bool record_says(const char *before)
{
    char words[64];
    snprintf(words, sizeof words, "%s device 0 inode %d ", before, wr_disk_inode("d/log"));
    const char *record = sim.sinks[0] == SIM_TABLE ? sim.far[0].text : wr_disk_get_safe("s/p.weir");
    return record != NULL && strstr(record, words) != NULL;
}

/* The log is truncated when all of it was read, or renamed. */
static void rotate(void)
{
    char name[32];
    size_t len = 0;
    if (sim.rotated == ROTATIONS_MAX || sim.written == sim.cut) {
        return;
    }
    (void)wr_disk_get("d/log", &len);
    snprintf(name, sizeof name, "offset %zu", len);
    bool is_read = record_says(name);
    bool knows_bytes = is_read && len != sim.truncated_at; /* and not those before a truncation */
    if (knows_bytes && sim_draw(2) == 0) {
        wr_disk_put("d/log", "", 0);
        sim.truncated_at = len;
    } else if (knows_bytes || (sim.truncated_at == 0 && record_says(""))) {
        sim.truncated_at = 0;
        snprintf(name, sizeof name, "d/log.%d", ++sim.rotated);
        wr_disk_move("d/log", name);
    } else {
        return;
    }
    sim_note("rotate", (uint64_t)sim.rotated, is_read);
    sim.cut = sim.written;
}

static int write_log(weir_scope *scope, void *args)
{
    (void)args;
    while (sim.written < sim.lines && !sim_stopped()) {
        int left = sim.lines - sim.written;
        int count = 1 + (int)sim_draw(LOG_STEP);
        if (sim_draw(ROTATES_EVERY) == 0) {
            rotate();
        }
        append(count < left ? count : left);
        if (!weir_sleep(scope, (int64_t)sim_draw(sim_draw(3) == 0 ? 3000 : 100))) {
            return 0;
        }
    }
    while (!sim_stopped() && !sim_complete() && weir_sleep(scope, 500)) {}
    if (!sim_stopped() && sim_complete()) {
        sim_note("stop", 0, 0);
        weir_scope_stop(sim.scope);
    }
    return 0;
}

static weir_gen *open_log(void)
{
    static const char *const paths[] = {"d/log"};
    weir_spawn(sim.beside, "writer", write_log, NULL, 0);
    return weir_tail_lines(
        sim.scope, paths, 1,
        WEIR_OPTIONS(weir_tail_options, .state = sim.state, .from = WEIR_TAIL_START));
}

/* ---- HTTP */

enum step { CONNECTS = 0, HEAD, BODY, ENDS, SILENT };

struct play {
    struct wr_timer timer;
    struct wr_http *http;
    enum step step;
    size_t at, until; /* in the text */
    bool refused, busy, paused;
};

static void next(struct play *play, enum step step)
{
    play->step = step;
    wr_timer_start(play->http->loop, &play->timer,
                   (int64_t)(sim_fault(10) ? sim_draw(40000) : sim_draw(20)));
}

static void say_head(struct play *play)
{
    char line[128];
    const char *status = play->busy     ? "HTTP/1.1 503 Busy\r\n"
                         : play->at > 0 ? "HTTP/1.1 206 Partial Content\r\n"
                                        : "HTTP/1.1 200 OK\r\n";
    (void)wr_http_on_header(play->http, status, strlen(status));
    (void)wr_http_on_header(play->http, "ETag: \"v\"\r\n", 11);
    if (play->at > 0 && !play->busy) {
        int len = snprintf(line, sizeof line, "Content-Range: bytes %zu-%zu/%zu\r\n", play->at,
                           text_len - 1, text_len);
        (void)wr_http_on_header(play->http, line, (size_t)len);
    }
    int len = snprintf(line, sizeof line, "Content-Length: %zu\r\n",
                       play->busy ? (size_t)0 : text_len - play->at);
    (void)wr_http_on_header(play->http, line, (size_t)len);
    (void)wr_http_on_header(play->http, "\r\n", 2);
}

static void say_piece(struct play *play)
{
    size_t len = 1 + sim_draw(300);
    len = len < play->until - play->at ? len : play->until - play->at;
    enum wr_http_take take =
        len > 0 ? wr_http_on_body(play->http, text + play->at, len) : WR_HTTP_TAKEN;
    if (take == WR_HTTP_PAUSE) {
        play->paused = true;
        return;
    }
    if (take == WR_HTTP_STOP) {
        wr_http_on_end(play->http, false);
        return;
    }
    play->at += len;
    next(play, play->at < play->until ? BODY : sim_fault(8) ? SILENT : ENDS);
}

static void on_time(struct wr_timer *timer)
{
    struct play *play = WR_OWNER(timer, struct play, timer);
    switch (play->step) {
    case CONNECTS:
        if (play->refused) {
            wr_http_on_end(play->http, false);
            return;
        }
        wr_http_on_connected(play->http);
        next(play, HEAD);
        return;
    case HEAD:
        say_head(play);
        next(play, play->busy ? ENDS : BODY);
        return;
    case BODY: say_piece(play); return;
    case ENDS: wr_http_on_end(play->http, play->busy || play->until == text_len); return;
    default: return;
    }
}

static int start(struct wr_http *http)
{
    struct play *play = calloc(1, sizeof *play);
    size_t from = 0;
    for (size_t at = 0; at < http->sent_len; at += strlen(http->sent + at) + 1) {
        (void)sscanf(http->sent + at, "Range: bytes=%zu-", &from);
    }
    play->http = http;
    play->at = from < text_len ? from : 0;
    play->until = sim_fault(2) ? play->at + sim_draw(text_len - play->at + 1) : text_len;
    play->refused = sim_fault(6);
    play->busy = sim_fault(8);
    http->wire_own = play;
    sim_note("ask", from, play->until);
    wr_timer_init(&play->timer, on_time);
    next(play, CONNECTS);
    return 0;
}

static void stop(struct wr_http *http)
{
    struct play *play = http->wire_own;
    wr_timer_stop(http->loop, &play->timer);
    free(play);
    http->wire_own = NULL;
}

static void go_on(struct wr_http *http)
{
    struct play *play = http->wire_own;
    if (play->paused) {
        play->paused = false;
        next(play, BODY);
    }
}

static bool is_paused(const struct wr_http *http)
{
    return ((const struct play *)http->wire_own)->paused;
}

static void explain(struct wr_http *http)
{
    const struct play *play = http->wire_own;
    wr_http_refuse(&http->failure, play->refused ? WEIR_ECONNECT : WEIR_ERESET, ECONNRESET, "cut");
    http->failure.retry = true;
}

static bool was_cut(const struct wr_http *http)
{
    (void)http;
    return false;
}

static const struct wr_http_wire wire = {.start = start,
                                         .stop = stop,
                                         .go_on = go_on,
                                         .is_paused = is_paused,
                                         .explain = explain,
                                         .was_cut = was_cut};

/* ---- a feed */

struct feed {
    weir_part *part;
    uint64_t number;
    char lines[16][SIM_TEXT];
};

static size_t number_text(void *self, uint64_t number, char *to, size_t cap)
{
    (void)self;
    return (size_t)snprintf(to, cap, "number %llu", (unsigned long long)number);
}

static size_t feed_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    static const weir_position_ops positions = {.struct_size = sizeof positions,
                                                .text = number_text};
    struct feed *feed = self;
    uint64_t numbers[16];
    if (feed->part == NULL) {
        const char *stored = weir_part_stored(gen);
        feed->number = stored != NULL ? strtoull(stored + strlen("number "), NULL, 10) : 0;
        feed->part = weir_part_open(gen, WEIR_PROOF_EXACT, feed->number, &positions, NULL, 0);
    }
    if (feed->part == NULL || feed->number >= (uint64_t)sim.lines ||
        (sim_draw(3) == 0 && !weir_sleep(weir_gen_scope(gen), (int64_t)sim_draw(200)))) {
        return 0;
    }
    if (sim_fault(60)) {
        weir_gen_error(gen, WEIR_ERESET, 0, "the feed is cut");
        return 0;
    }
    size_t count = 1 + sim_draw(16);
    count = count < max ? count : max;
    size_t n = 0;
    for (; n < count && feed->number < (uint64_t)sim.lines; n++) {
        numbers[n] = ++feed->number;
        int len = sim_line((int)feed->number, feed->lines[n]);
        items[n] = weir_bytes(feed->lines[n], (size_t)len);
    }
    return weir_give_at(gen, feed->part, items, numbers, n);
}

static weir_gen *open_feed(void)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .name = "feed", .next_many = feed_next};
    struct feed feed = {.part = NULL};
    weir_gen *gen = weir_source_new(sim.scope, &ops, &feed, sizeof feed);
    weir_gen_keep_state(gen, sim.state, "feed");
    return gen;
}

weir_gen *sim_source_open(void)
{
    switch (sim.source) {
    case SIM_FILE:
        return weir_file_lines(sim.scope, "d/in",
                               WEIR_OPTIONS(weir_lines_options, .state = sim.state));
    case SIM_LOG: return open_log();
    case SIM_HTTP:
        sim.loop->http_wire = &wire;
        return weir_http_lines(
            sim.scope, "http://example.org/feed",
            WEIR_OPTIONS(weir_http_options, .state = sim.state, .retries = 1000));
    default: return open_feed();
    }
}
