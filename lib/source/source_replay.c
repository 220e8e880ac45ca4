/*
 * source_replay.c - `replay FILE`: the source of a recording, with the recording in the place of the
 * network or the file.
 *
 * The header of the recording says which source it is, so the file is opened and its header read when
 * the source is made. An HTTP source gets a wire that plays (http_replay.c), any other a transport
 * that plays, which is here: it reads as long as records are due, and waits on the loop's clock. The
 * source itself is the one that was recorded, so it frames, decodes, reconnects and resumes as it did.
 *
 * The transport ends with WEIR_ECLOSED where the recording is over; the source then asks the playback
 * how the recorded run has ended.
 */
#include <weir/module.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "loop_wait.h"
#include "source_http_parts.h"
#include "source_opening.h"
#include "source_stream.h"

/* ---- the transport */

struct replay_transport {
    struct wr_transport base;
    struct wr_playback *play; /* of the source */
    char reason[128];
};

static struct replay_transport *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct replay_transport, base);
}

static int64_t fail_as_recorded(struct replay_transport *replay, const struct wr_recorded *record)
{
    struct wr_recorded_failure failure;
    if (!wr_recorded_failure_read(record, &failure) || failure.code == 0) {
        return WEIR_EIO;
    }
    replay->base.detail = failure.detail;
    snprintf(replay->reason, sizeof replay->reason, "%.*s", (int)failure.text.len,
             failure.text.data);
    replay->base.reason = replay->reason;
    return failure.code;
}

static int64_t replay_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct replay_transport *replay = of_base(transport);
    const struct wr_recorded *record;
    while ((record = wr_playback_peek(replay->play)) != NULL) {
        if (wr_playback_due_ms(replay->play) > 0) {
            return WR_AGAIN;
        }
        if (record->kind == WR_RECORD_DATA) {
            size_t len = WR_MIN(record->len, cap);
            memcpy(to, record->data, len);
            wr_playback_take(replay->play, len);
            if (len > 0) {
                return (int64_t)len;
            }
        } else if (record->kind == WR_RECORD_END) {
            return 0;
        } else if (record->kind == WR_RECORD_FAILURE) {
            return fail_as_recorded(replay, record);
        } else {
            wr_playback_take(replay->play, 0);
        }
    }
    return WEIR_ECLOSED;
}

static int replay_wait(struct wr_transport *transport, int events, int64_t limit_ms,
                       const char *why, struct wr_object *of)
{
    struct wr_playback *play = of_base(transport)->play;
    (void)events;
    (void)limit_ms; /* what was late then is in the recording */
    return wr_playback_peek(play) == NULL
               ? 0
               : wr_sleep(transport->loop, wr_playback_due_ms(play), why, of);
}

static void replay_shut(struct wr_transport *transport)
{
    (void)transport;
}

static void replay_free(struct wr_transport *transport)
{
    wr_free(of_base(transport));
}

static const struct wr_transport_ops replay_ops = {.kind = "recording",
                                                   .read = replay_read,
                                                   .wait = replay_wait,
                                                   .shut = replay_shut,
                                                   .free = replay_free};

static int replay_open(struct wr_stream_source *stream)
{
    struct replay_transport *replay = wr_zalloc(sizeof *replay);
    if (replay == NULL) {
        return wr_gen_fail(&stream->gen, WEIR_ENOMEM, 0, -1, "no memory for a replay");
    }
    replay->base.ops = &replay_ops;
    replay->base.loop = stream->gen.loop;
    replay->play = stream->play;
    stream->transport = &replay->base;
    return 0;
}

/* ---- making */

static weir_gen *make_stream(weir_scope *scope, int32_t frame, const weir_replay_options *o,
                             struct wr_playback *play)
{
    char name[64];
    const weir_lines_options lines = {
        .struct_size = sizeof lines, .line_bytes_max = o->line_bytes_max, .overlong = o->overlong};
    wr_playback_says(play, "name", name, sizeof name);
    struct wr_stream_source *stream = wr_stream_source_alloc(
        scope, name[0] != '\0' ? name : "replay", replay_open, NULL, frame, &lines);
    if (stream == NULL) {
        wr_playback_free(play);
        return wr_gen_made(NULL, NULL);
    }
    stream->play = play;
    return wr_gen_made(&stream->gen, NULL);
}

/* A separate function, as the stack of the caller is small. */
static __attribute__((noinline)) weir_gen *make_http(weir_scope *scope, int32_t frame,
                                                     const weir_replay_options *o,
                                                     struct wr_playback *play)
{
    char address[1024], raw[4];
    weir_http_options http = WEIR_ZERO;
    if (o->http != NULL) {
        WR_TAKE_OPTIONS(http, o->http);
    }
    wr_playback_says(play, "address", address, sizeof address);
    wr_playback_says(play, "raw", raw, sizeof raw);
    const weir_http_options used = {.struct_size = sizeof used,
                                    .raw = http.raw != 0 || raw[0] == '1',
                                    .line_bytes_max = o->line_bytes_max,
                                    .overlong = o->overlong,
                                    .decoded_bytes_max = http.decoded_bytes_max,
                                    .decoded_ratio_max = http.decoded_ratio_max};
    return wr_http_source_replay(scope, address, frame, &used, play);
}

static weir_gen *make(weir_scope *scope, const char *path, int32_t frame,
                      const weir_replay_options *options)
{
    weir_replay_options o = WEIR_ZERO;
    weir_error error;
    char source[16];
    wr_scope_given(scope, "weir_replay");
    WR_ASSERT(path != NULL, "the path is NULL");
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (wr_limit_wrong(&error, "replay", "split", o.split) ||
        wr_choice_wrong(&error, "replay", "any_file", o.any_file, 1)) {
        return wr_gen_failed(scope, &error);
    }
    struct wr_playback *play = wr_playback_open(scope->loop, path, &o, &error);
    if (play == NULL) {
        return wr_gen_failed(scope, &error);
    }
    wr_playback_says(play, "source", source, sizeof source);
    return strcmp(source, "http") == 0 ? make_http(scope, frame, &o, play)
                                       : make_stream(scope, frame, &o, play);
}

weir_gen *weir_replay_lines(weir_scope *scope, const char *path, const weir_replay_options *options)
{
    return make(scope, path, WEIR_FRAME_LINES, options);
}

weir_gen *weir_replay_bytes(weir_scope *scope, const char *path, const weir_replay_options *options)
{
    return make(scope, path, WEIR_FRAME_NONE, options);
}

/* ---- the component */

struct replay_args {
    const char *path, *speed;
    int64_t split;
    bool any;
};

static const char MAX[] = "max";

/* 0: the text is no speed; negative: without waiting. */
static double speed_of(const char *text)
{
    char *end;
    if (text == NULL) {
        return 1;
    }
    if (strcmp(text, MAX) == 0) {
        return WEIR_NONE;
    }
    if (text[strspn(text, "0123456789.")] != '\0') {
        return 0;
    }
    double speed = strtod(text, &end);
    return *end == '\0' && speed >= 0.001 && speed <= 1e9 ? speed : 0;
}

static int replay_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    return speed_of(((const struct replay_args *)args)->speed) != 0
               ? 0
               : weir_mistake_at(mistake, "speed", "write a number from 0.001 on, or max");
}

static weir_gen *replay_read_text(const weir_opening *opening, weir_gen *up, const void *arguments)
{
    const struct replay_args *args = arguments;
    weir_lines_options lines = wr_lines_of_opening(opening);
    const weir_replay_options o = {.struct_size = sizeof o,
                                   .speed = speed_of(args->speed),
                                   .split = args->split,
                                   .any_file = args->any,
                                   .http = opening->http,
                                   .line_bytes_max = lines.line_bytes_max,
                                   .overlong = lines.overlong};
    (void)up;
    return opening->joined ? weir_replay_bytes(opening->scope, args->path, &o)
                           : weir_replay_lines(opening->scope, args->path, &o);
}

static const weir_arg replay_args[] = {
    WEIR_ARG_PATH(struct replay_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "a recording, of weir record SOURCE -o PATH"),
    WEIR_ARG_TEXT(struct replay_args, speed, .name = "speed", .form = WEIR_FORM_NAMED,
                  .help = "times as fast as it came: 1, 0.5, 60; max: without waiting (1)"),
    WEIR_ARG_COUNT(struct replay_args, split, .name = "split", .form = WEIR_FORM_NAMED, .min = 0,
                   .help = "cut the bytes elsewhere: 1 at each byte, N from 2 on at random places "
                           "that belong to N"),
    WEIR_ARG_FLAG(struct replay_args, any, .name = "any",
                  .help = "PATH may be any file: its bytes are the stream"),
};

const weir_component wr_component_replay = {
    .struct_size = sizeof wr_component_replay,
    .name = "replay",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_ON_DEMAND,
    .args = replay_args,
    .args_count = sizeof replay_args / sizeof replay_args[0],
    .args_size = sizeof(struct replay_args),
    .help = "A recorded source, run again: the same bytes at the same times, with its reconnects.",
    .example = "replay feed.wrec speed=max | sse | json",
    .check = replay_check,
    .open = replay_read_text,
};
