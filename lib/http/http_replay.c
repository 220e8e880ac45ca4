/*
 * http_replay.c - another wire: it delivers a recording (flow_playback.h) in the place of libcurl.
 *
 * A request takes the next one of the recording; what it sends is not compared, because it holds no
 * secrets there. What was received then comes again, at its time: a timer fires when the next record
 * is due. The clocks of the client stand still (http_client.c): a timeout is a record, too, and a
 * pause lasts until the next request was sent then. So the source runs as it did, at any speed.
 *
 * When bytes are cut again, one piece comes each time the user has looked (go_on), so that the framer
 * sees every cut. Nothing here suspends.
 */
#include <string.h>

#include "base_alloc.h"
#include "http.h"

struct http_replay {
    struct wr_timer timer;
    struct wr_http *http;
    bool paused; /* a piece was refused */
    bool waits;  /* a piece was delivered, and the user has not looked yet */
    bool skips;  /* the user has ended the response: until its end */
    bool ended;
};

static struct http_replay *replay_of(const struct wr_http *http)
{
    return http->wire_own;
}

static void finish(struct http_replay *replay, bool complete)
{
    replay->ended = true;
    wr_http_on_end(replay->http, complete);
}

static void take_failure(struct wr_http *http, const struct wr_recorded *record)
{
    struct wr_recorded_failure failure;
    if (!wr_recorded_failure_read(record, &failure)) {
        failure = (struct wr_recorded_failure){.code = WEIR_EIO, .text = {"", 0}};
    }
    wr_http_refuse(&http->failure, failure.code, failure.detail, "%.*s", (int)failure.text.len,
                   failure.text.data);
    http->failure.retry = failure.retry;
}

/* False: the wire must wait, for the user. */
static bool deliver_data(struct http_replay *replay, const struct wr_recorded *record)
{
    struct wr_http *http = replay->http;
    size_t len = WR_MIN(record->len, (size_t)WR_HTTP_PIECE_MAX);
    enum wr_http_take take =
        replay->skips ? WR_HTTP_TAKEN : wr_http_on_body(http, record->data, len);
    replay->paused = take == WR_HTTP_PAUSE;
    replay->skips = replay->skips || take == WR_HTTP_STOP;
    if (!replay->paused) {
        wr_playback_take(http->play, len);
    }
    replay->waits = wr_playback_is_split(http->play) && !replay->skips &&
                    http->verdict == WR_HTTP_ACCEPTED; /* else nothing wakes the user */
    return !replay->paused && !replay->waits;
}

/* False: nothing more comes now. */
static bool deliver(struct http_replay *replay, const struct wr_recorded *record)
{
    struct wr_http *http = replay->http;
    bool complete = record->len > 0 && record->data[0] != 0;
    switch (record->kind) {
    case WR_RECORD_DATA: return deliver_data(replay, record);
    case WR_RECORD_REQUEST: finish(replay, false); return false;
    case WR_RECORD_CONNECTED: wr_http_on_connected(http); break;
    case WR_RECORD_HEAD_LINE:
        replay->skips = replay->skips || !wr_http_on_header(http, record->data, record->len);
        break;
    case WR_RECORD_END:
        wr_playback_take(http->play, 0);
        finish(replay, complete);
        return false;
    case WR_RECORD_LATE:
        if (http->failure.code == 0) {
            take_failure(http, record);
        }
        wr_playback_take(http->play, 0);
        finish(replay, false);
        return false;
    default: break;
    }
    wr_playback_take(http->play, 0);
    return true;
}

static void on_time(struct wr_timer *timer)
{
    struct http_replay *replay = WR_OWNER(timer, struct http_replay, timer);
    struct wr_playback *play = replay->http->play;
    const struct wr_recorded *record;
    do {
        record = wr_playback_peek(play);
        int64_t ms = record != NULL ? wr_playback_due_ms(play) : 0;
        if (ms > 0) {
            wr_timer_start(replay->http->loop, timer, ms);
            return;
        }
    } while (record != NULL && deliver(replay, record));
    if (record == NULL) {
        finish(replay, false); /* the recording is over: wr_http_replay_goes_on */
    }
}

static int start(struct wr_http *http)
{
    struct http_replay *replay = wr_zalloc(sizeof *replay);
    const struct wr_recorded *record;
    if (replay == NULL) {
        return WEIR_ENOMEM;
    }
    while ((record = wr_playback_peek(http->play)) != NULL && record->kind != WR_RECORD_REQUEST) {
        wr_playback_take(http->play, record->len);
    }
    if (record != NULL) {
        wr_playback_take(http->play, 0);
    }
    http->wire_own = replay;
    replay->http = http;
    wr_timer_init(&replay->timer, on_time);
    wr_timer_start(http->loop, &replay->timer, 0);
    return 0;
}

static void stop(struct wr_http *http)
{
    struct http_replay *replay = replay_of(http);
    wr_timer_stop(http->loop, &replay->timer);
    wr_free(replay);
    http->wire_own = NULL;
}

static void go_on(struct wr_http *http)
{
    struct http_replay *replay = replay_of(http);
    if ((replay->paused || replay->waits) && !replay->ended) {
        replay->paused = replay->waits = false;
        wr_timer_start(http->loop, &replay->timer, 0);
    }
}

static bool is_paused(const struct wr_http *http)
{
    return replay_of(http)->paused;
}

/* The record behind the end of a response, if it is of this kind. */
static const struct wr_recorded *behind_end(struct wr_http *http, enum wr_record_kind kind)
{
    const struct wr_recorded *record = wr_playback_peek(http->play);
    return record != NULL && record->kind == kind ? record : NULL;
}

static void explain(struct wr_http *http)
{
    const struct wr_recorded *record = behind_end(http, WR_RECORD_FAILURE);
    if (record != NULL) {
        take_failure(http, record);
        wr_playback_take(http->play, 0);
        return;
    }
    wr_http_refuse(&http->failure, WEIR_ERESET, 0, "the recording of this response has no end");
    http->failure.retry = true;
}

static bool was_cut(const struct wr_http *http)
{
    struct wr_http *mine = replay_of(http)->http;
    bool cut = behind_end(mine, WR_RECORD_CUT) != NULL;
    if (cut) {
        wr_playback_take(mine->play, 0);
    }
    return cut;
}

static const struct wr_http_wire replay_wire = {.start = start,
                                                .stop = stop,
                                                .go_on = go_on,
                                                .is_paused = is_paused,
                                                .explain = explain,
                                                .was_cut = was_cut};

void wr_http_replay(struct wr_http *http, struct wr_playback *play)
{
    http->play = play;
    http->wire = &replay_wire;
}

int64_t wr_http_replay_pause_ms(struct wr_http *http)
{
    return wr_http_replay_goes_on(http) ? wr_playback_due_ms(http->play) : 0;
}

bool wr_http_replay_goes_on(struct wr_http *http)
{
    const struct wr_recorded *record;
    while ((record = wr_playback_peek(http->play)) != NULL && record->kind != WR_RECORD_REQUEST) {
        wr_playback_take(http->play, record->len);
    }
    return record != NULL;
}
