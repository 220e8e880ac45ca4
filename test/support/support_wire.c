/*
 * support_wire.c - the scripted wire: one timer for each request under way, which fires for each
 * thing that comes.
 */
#include "support_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_flow.h"

struct wire_request wire_requests[WIRE_REQUESTS_MAX];
size_t wire_requests_count;

static struct {
    const struct wire_answer *answers;
    size_t count, next;
    int64_t laid_ns;
} script;

enum step { CONNECTS = 0, BEGINS, SENDS, STOPS };

struct play {
    struct wr_timer timer;
    struct wr_http *http;
    const struct wire_answer *answer;
    enum step step;
    int interims; /* sent */
    size_t at;    /* in the body */
    bool paused;
};

static const struct wire_answer refused = {.then = WIRE_IS_REFUSED};

static void wait_for(struct play *play, int64_t ms)
{
    wr_timer_start(play->http->loop, &play->timer, ms);
}

static size_t body_len(const struct wire_answer *answer)
{
    return answer->body == NULL   ? 0
           : answer->body_len > 0 ? answer->body_len
                                  : strlen(answer->body);
}

/* A head, line by line. False: the request is to end. */
static bool send_head(struct play *play, const char *line)
{
    while (line != NULL && *line != '\0') {
        size_t len = (size_t)(strchr(line, '\n') - line) + 1;
        if (!wr_http_on_header(play->http, line, len)) {
            return false;
        }
        line += len;
    }
    return true;
}

static void end_play(struct play *play, bool complete)
{
    play->step = STOPS;
    wr_http_on_end(play->http, complete);
}

static void send_piece(struct play *play)
{
    const struct wire_answer *answer = play->answer;
    size_t left = body_len(answer) - play->at;
    size_t most = answer->piece > 0 ? answer->piece : WR_HTTP_PIECE_MAX;
    size_t piece = WR_MIN(left, WR_MIN(most, (size_t)WR_HTTP_PIECE_MAX));
    enum wr_http_take take =
        piece > 0 ? wr_http_on_body(play->http, answer->body + play->at, piece) : WR_HTTP_TAKEN;
    if (take == WR_HTTP_PAUSE) {
        play->paused = true;
        return;
    }
    if (take == WR_HTTP_STOP) {
        end_play(play, false);
        return;
    }
    play->at += piece;
    if (piece < left) {
        wait_for(play, answer->piece_ms);
        return;
    }
    play->step = STOPS;
    if (answer->then != WIRE_IS_SILENT) {
        wait_for(play, answer->end_ms);
    }
}

static void on_time(struct wr_timer *timer)
{
    struct play *play = WR_OWNER(timer, struct play, timer);
    const struct wire_answer *answer = play->answer;
    switch (play->step) {
    case CONNECTS:
        if (answer->then == WIRE_IS_REFUSED) {
            end_play(play, false);
            return;
        }
        wr_http_on_connected(play->http);
        play->step = BEGINS;
        wait_for(play, answer->head_ms);
        return;
    case BEGINS:
        if (play->interims < answer->interims) {
            play->interims++;
            (void)send_head(play, "HTTP/1.1 103 Early Hints\r\n\r\n");
            wait_for(play, answer->head_ms);
            return;
        }
        if (!send_head(play, answer->head)) {
            end_play(play, false);
            return;
        }
        play->step = SENDS;
        wait_for(play, answer->piece_ms);
        return;
    case SENDS: send_piece(play); return;
    default: wr_http_on_end(play->http, answer->then != WIRE_BREAKS); return;
    }
}

static void record(struct wr_http *http)
{
    ck_assert_uint_lt(wire_requests_count, WIRE_REQUESTS_MAX);
    struct wire_request *request = &wire_requests[wire_requests_count++];
    size_t len = 0;
    request->at_ms = (wr_now_ns(http->loop) - script.laid_ns) / 1000000;
    snprintf(request->url, sizeof request->url, "%s", wr_http_target(http));
    request->headers[0] = '\0';
    request->posts = http->out != NULL;
    request->body_len = wr_http_on_send(http, request->body, sizeof request->body - 1);
    request->body[request->body_len] = '\0';
    for (size_t at = 0; at < http->sent_len; at += strlen(http->sent + at) + 1) {
        len += (size_t)snprintf(request->headers + len, sizeof request->headers - len, "%s\n",
                                http->sent + at);
    }
}

static int start(struct wr_http *http)
{
    struct play *play = calloc(1, sizeof *play);
    ck_assert_ptr_nonnull(play);
    record(http);
    http->wire_own = play;
    play->http = http;
    play->answer = script.next < script.count ? &script.answers[script.next++] : &refused;
    wr_timer_init(&play->timer, on_time);
    wait_for(play, play->answer->connect_ms);
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
        wait_for(play, 0);
    }
}

static bool is_paused(const struct wr_http *http)
{
    return ((const struct play *)http->wire_own)->paused;
}

static void explain(struct wr_http *http)
{
    const struct play *play = http->wire_own;
    if (play->answer->then == WIRE_IS_REFUSED) {
        wr_http_refuse(&http->failure, WEIR_ECONNECT, 111, "cannot connect: Connection refused");
    } else {
        wr_http_refuse(&http->failure, WEIR_ERESET, 0, "connection reset");
    }
    http->failure.retry = true;
}

static bool was_cut(const struct wr_http *http)
{
    return ((const struct play *)http->wire_own)->answer->then == WIRE_IS_CUT;
}

static const struct wr_http_wire scripted = {.start = start,
                                             .stop = stop,
                                             .go_on = go_on,
                                             .is_paused = is_paused,
                                             .explain = explain,
                                             .was_cut = was_cut};

void wire_lay(weir_loop *loop, const struct wire_answer *answers, size_t count)
{
    script.answers = answers;
    script.count = count;
    script.next = 0;
    script.laid_ns = wr_now_ns(loop);
    wire_requests_count = 0;
    loop->http_wire = &scripted;
}
