/*
 * test_source_replay.c - what was recorded is given again: over a scripted wire, on a virtual clock and
 * a disk in memory.
 */
#include "support_disk.h"
#include "support_http_source.h"
#include "support_wire.h"

#define STREAM OK_HEAD "Content-Type: text/event-stream\r\n\r\n"
#define OVER                                      \
    {                                             \
        .head = "HTTP/1.1 204 No Content\r\n\r\n" \
    }
#define FEED                                                                   \
    {.head = STREAM,                                                           \
     .body = "retry: 2000\nid: 1\ndata: one\n\nid: 2\ndata: two\n\nid: 3\nda", \
     .piece = 20,                                                              \
     .piece_ms = 300,                                                          \
     .then = WIRE_BREAKS},                                                     \
        {.head = STREAM, .body = "id: 3\ndata: three\n\n", .piece = 4, .piece_ms = 50}, OVER

static char times[1024]; /* of the items, in ms */

/* "ID TEXT|" or "LINE|" of each item; its time goes to `times`. */
static const char *read_items(weir_loop *loop, weir_gen *gen, weir_error *error)
{
    static char out[4096];
    weir_item item;
    weir_error unused;
    size_t at = 0, time_at = 0;
    int64_t began = wr_now_ns(loop);
    out[0] = times[0] = '\0';
    while (weir_next(gen, &item)) {
        const weir_event *event = weir_event_of(&item);
        at += event != NULL
                  ? (size_t)snprintf(out + at, sizeof out - at, "%.*s %.*s|", (int)event->id.len,
                                     event->id.data, (int)event->body.len, event->body.data)
                  : (size_t)snprintf(out + at, sizeof out - at, "%.*s|", (int)item.len, item.data);
        time_at += (size_t)snprintf(times + time_at, sizeof times - time_at, "%lld ",
                                    (long long)((wr_now_ns(loop) - began) / 1000000));
    }
    (void)!weir_finish(gen, error != NULL ? error : &unused);
    return out;
}

/* Record what make() gives; its end is that of the recording. */
static const char *record(weir_loop *loop, weir_gen *(*make)(weir_loop *loop), weir_error *error)
{
    weir_error ended, mine;
    loop->disk = &wr_test_disk;
    weir_recorder *recorder = weir_recorder_new(weir_root(loop), "/r", &mine);
    ck_assert_ptr_nonnull(recorder);
    weir_gen *gen = make(loop);
    ck_assert_int_eq(weir_recorder_check(recorder, &mine), 0);
    const char *out = read_items(loop, gen, &ended);
    ck_assert_int_eq(weir_recorder_end(recorder, &ended, NULL, &mine), 0);
    if (error != NULL) {
        *error = ended;
    }
    return out;
}

static weir_gen *events(weir_loop *loop)
{
    return weir_http_events(weir_root(loop), "http://example.org/feed", NULL);
}

static weir_gen *lines(weir_loop *loop)
{
    return weir_http_lines(weir_root(loop), "http://example.org/feed", NULL);
}

/* The recording, as events or as lines. */
static weir_gen *replayed(weir_loop *loop, const char *path, double speed, int64_t split,
                          int32_t frame)
{
    const weir_replay_options o = {.struct_size = sizeof o, .speed = speed, .split = split};
    return frame == WEIR_FRAME_LINES ? weir_replay_lines(weir_root(loop), path, &o)
                                     : weir_framed(weir_replay_bytes(weir_root(loop), path, &o),
                                                   WEIR_OPTIONS(weir_framing, .kind = frame));
}

TEST(an_event_stream_comes_again_with_its_breaks_and_times)
{
    WIRE(FEED);
    char recorded[256], recorded_times[sizeof times];
    wr_disk_make(1);
    snprintf(recorded, sizeof recorded, "%s", record(loop, events, NULL));
    snprintf(recorded_times, sizeof recorded_times, "%s", times);
    ck_assert_str_eq(recorded, "1 one|2 two|3 three|");

    weir_error error;
    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", 1, 0, WEIR_FRAME_SSE), &error),
                     recorded);

    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(times, recorded_times);
    ck_assert_uint_eq(wire_requests_count, 3); /* the recording needs no server */
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_bare_event_stream_is_recorded_as_one_and_replayed_as_lines)
{
    WIRE(FEED);
    wr_disk_make(1);
    ck_assert_str_eq(record(loop, lines, NULL), "1 one|2 two|3 three|");

    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", WEIR_NONE, 0, WEIR_FRAME_LINES), NULL),
                     "retry: 2000|id: 1|data: one||id: 2|data: two||id: 3|id: 3|data: three||");

    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_speed_changes_only_the_times)
{
    WIRE(FEED);
    wr_disk_make(1);
    (void)record(loop, events, NULL);
    int64_t began = wr_now_ns(loop);
    (void)read_items(loop, replayed(loop, "/r", 1, 0, WEIR_FRAME_SSE), NULL);
    int64_t took_ms = (wr_now_ns(loop) - began) / 1000000;

    began = wr_now_ns(loop);
    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", 2, 0, WEIR_FRAME_SSE), NULL),
                     "1 one|2 two|3 three|");
    int64_t half_ms = (wr_now_ns(loop) - began) / 1000000;
    began = wr_now_ns(loop);
    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", WEIR_NONE, 0, WEIR_FRAME_SSE), NULL),
                     "1 one|2 two|3 three|");

    ck_assert_int_gt(took_ms, 2000);
    ck_assert_int_ge(half_ms, took_ms / 2);
    ck_assert_int_lt(half_ms, took_ms / 2 + 50);
    ck_assert_int_eq(wr_now_ns(loop), began);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(every_split_gives_the_same_events)
{
    if (wr_test_sweeps()) {
        return; /* it would run some thousand times */
    }
    WIRE(FEED);
    wr_disk_make(1);
    (void)record(loop, events, NULL);

    for (int64_t split = 0; split < 50; split++) {
        weir_gen *gen = replayed(loop, "/r", WEIR_NONE, split, WEIR_FRAME_SSE);
        ck_assert_str_eq(read_items(loop, gen, NULL), "1 one|2 two|3 three|");
    }

    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_failure_comes_again)
{
    WIRE({.head = OK_HEAD "\r\n", .body = "one\ntwo\nthr", .then = WIRE_BREAKS});
    weir_error recorded, error;
    wr_disk_make(1);
    ck_assert_str_eq(record(loop, lines, &recorded), "one|two|");
    ck_assert_int_eq(recorded.code, WEIR_ETRUNCATED);

    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", WEIR_NONE, 0, WEIR_FRAME_LINES), &error),
                     "one|two|");

    ck_assert_int_eq(error.code, WEIR_ETRUNCATED);
    ck_assert_str_eq(error.message, recorded.message);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_timeout_comes_again_and_no_clock_of_the_source_runs)
{
    WIRE({.head = STREAM, .body = "id: 1\ndata: one\n\n", .then = WIRE_IS_SILENT},
         {.head = STREAM, .body = "id: 2\ndata: two\n\n"}, OVER);
    wr_disk_make(1);
    ck_assert_str_eq(record(loop, events, NULL), "1 one|2 two|");
    int64_t began = wr_now_ns(loop);

    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", 0.01, 0, WEIR_FRAME_SSE), NULL),
                     "1 one|2 two|");

    ck_assert_int_gt((wr_now_ns(loop) - began) / 1000000, 6000 * 1000);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_recording_that_was_cut_gives_what_it_has_and_says_where)
{
    if (wr_test_sweeps()) {
        return; /* it would run some thousand times */
    }
    WIRE(FEED);
    wr_disk_make(1);
    (void)record(loop, events, NULL);
    size_t all;
    const char *text = wr_disk_get("/r", &all);
    char *copy = malloc(all);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, all);

    for (size_t len = 0; len < all; len++) {
        weir_error error;
        char at[32];
        wr_disk_put("/cut", copy, len);
        const char *out =
            read_items(loop, replayed(loop, "/cut", WEIR_NONE, 0, WEIR_FRAME_SSE), &error);
        ck_assert_int_eq(strncmp("1 one|2 two|3 three|", out, strlen(out)), 0);
        ck_assert_int_eq(error.code, len < 8 ? WEIR_EPARSE : WEIR_ETRUNCATED);
        snprintf(at, sizeof at, "is cut at byte %lld", (long long)error.offset);
        ck_assert(len < 8 || strstr(error.message, at) != NULL);
        ck_assert_int_le(error.offset, (int64_t)len);
    }
    free(copy);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(damage_is_named_with_its_byte)
{
    if (wr_test_sweeps()) {
        return; /* it would run some thousand times */
    }
    WIRE(FEED);
    wr_disk_make(1);
    (void)record(loop, events, NULL);
    size_t all;
    const char *text = wr_disk_get("/r", &all);
    char *copy = malloc(all);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, all);

    for (size_t at = 0; at < all; at++) {
        weir_error error;
        copy[at] = (char)(copy[at] ^ 0x10);
        wr_disk_put("/bad", copy, all);
        (void)read_items(loop, replayed(loop, "/bad", WEIR_NONE, 0, WEIR_FRAME_SSE), &error);
        ck_assert(error.code == WEIR_EPARSE || error.code == WEIR_ETRUNCATED);
        ck_assert_int_le(error.offset, (int64_t)at);
        copy[at] = (char)(copy[at] ^ 0x10);
    }
    free(copy);
    weir_loop_free(loop);
    wr_disk_free();
}

static weir_gen *with_secrets(weir_loop *loop)
{
    const char *headers[] = {"Authorization: Bearer s3cret", "X-Api-Key: s3cret",
                             "Accept-Language: de"};
    return weir_http_lines(weir_root(loop), "http://me:s3cret@example.org/?n=1&token=s3cret",
                           WEIR_OPTIONS(weir_http_options, .headers = headers, .headers_count = 3));
}

TEST(secrets_of_the_request_and_cookies_are_not_recorded)
{
    WIRE({.head = OK_HEAD "Set-Cookie: id=s3cret\r\nX-Other: 1\r\n\r\n", .body = "one\n"});
    wr_disk_make(1);
    ck_assert_str_eq(record(loop, with_secrets, NULL), "one|");

    size_t len;
    const char *text = wr_disk_get("/r", &len);
    ck_assert_ptr_null(memmem(text, len, "s3cret", 6));
    ck_assert_ptr_nonnull(memmem(text, len, "X-Api-Key: ***\n", 15));
    ck_assert_ptr_nonnull(memmem(text, len, "Set-Cookie: ***\r\n", 17));
    ck_assert_ptr_nonnull(memmem(text, len, "Accept-Language: de\n", 20));
    ck_assert_ptr_nonnull(memmem(text, len, "X-Other: 1\r\n", 12));
    ck_assert_ptr_nonnull(memmem(text, len, "n=1&token=***", 13));
    weir_loop_free(loop);
    wr_disk_free();
}

static weir_gen *redirected(weir_loop *loop)
{
    return lines(loop);
}

TEST(a_redirect_comes_again_without_its_secret)
{
    WIRE({.head = "HTTP/1.1 302 Found\r\nLocation: http://other.org/x?token=s3cret\r\n\r\n"},
         {.head = OK_HEAD "Content-Length: 8\r\n\r\n", .body = "one\ntwo\n"});
    wr_disk_make(1);
    ck_assert_str_eq(record(loop, redirected, NULL), "one|two|");
    size_t len;
    const char *text = wr_disk_get("/r", &len);
    ck_assert_ptr_null(memmem(text, len, "s3cret", 6));

    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", WEIR_NONE, 1, WEIR_FRAME_LINES), NULL),
                     "one|two|");

    weir_loop_free(loop);
    wr_disk_free();
}

static weir_gen *file(weir_loop *loop)
{
    return weir_file_lines(weir_root(loop), "/in", NULL);
}

TEST(a_file_comes_again)
{
    weir_loop *loop = test_loop();
    wr_disk_make(1);
    wr_disk_put("/in", "one\ntwo\nthree", 13);
    ck_assert_str_eq(record(loop, file, NULL), "one|two|three|");

    for (int64_t split = 0; split < 4; split++) {
        weir_gen *gen = replayed(loop, "/r", WEIR_NONE, split, WEIR_FRAME_LINES);
        ck_assert_str_eq(read_items(loop, gen, NULL), "one|two|three|");
    }

    weir_loop_free(loop);
    wr_disk_free();
}

TEST(any_file_is_played_only_when_that_is_allowed)
{
    weir_loop *loop = test_loop();
    weir_error error;
    wr_disk_make(1);
    wr_disk_put("/in", "one\ntwo\nthree", 13);
    loop->disk = &wr_test_disk;

    (void)read_items(loop, replayed(loop, "/in", 1, 0, WEIR_FRAME_LINES), &error);
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    ck_assert_ptr_nonnull(strstr(error.message, "'/in': this is not a recording"));

    weir_gen *gen = weir_replay_lines(
        weir_root(loop), "/in",
        WEIR_OPTIONS(weir_replay_options, .any_file = 1, .split = 1, .speed = WEIR_NONE));
    ck_assert_str_eq(read_items(loop, gen, NULL), "one|two|three|");
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_stopped_run_comes_again_without_its_unfinished_line)
{
    WIRE({.head = OK_HEAD "\r\n",
          .body = "one\ntwo\nthree\n",
          .piece = 6,
          .piece_ms = 1000,
          .then = WIRE_IS_SILENT});
    weir_error error;
    wr_disk_make(1);
    loop->disk = &wr_test_disk;
    weir_recorder *recorder = weir_recorder_new(weir_root(loop), "/r", &error);
    ck_assert_ptr_nonnull(recorder);
    weir_gen *gen = lines(loop);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    weir_discard(gen);
    ck_assert_int_eq(weir_recorder_end(recorder, NULL, NULL, &error), 0);

    ck_assert_str_eq(read_items(loop, replayed(loop, "/r", 1, 0, WEIR_FRAME_LINES), &error),
                     "one|");

    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(one_source_is_recorded_and_others_are_refused)
{
    weir_loop *loop = test_loop();
    weir_error error;
    wr_disk_make(1);
    loop->disk = &wr_test_disk;
    weir_recorder *recorder = weir_recorder_new(weir_root(loop), "/r", &error);
    ck_assert_ptr_nonnull(recorder);
    ck_assert_ptr_null(weir_recorder_new(weir_root(loop), "/s", &error));
    ck_assert_int_eq(error.code, WEIR_EINVAL);

    ck_assert_int_eq(weir_recorder_check(recorder, &error), WEIR_EINVAL);
    weir_gen *one = file(loop);
    ck_assert_int_eq(weir_recorder_check(recorder, &error), 0);
    weir_gen *two = file(loop);
    ck_assert_int_eq(weir_recorder_check(recorder, &error), WEIR_EINVAL);

    weir_discard(one);
    weir_discard(two);
    ck_assert_int_eq(weir_recorder_end(recorder, NULL, NULL, &error), 0);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_full_disk_stops_the_run_and_is_reported)
{
    WIRE(FEED);
    weir_error error, ended;
    wr_disk_make(1);
    loop->disk = &wr_test_disk;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_recorder *recorder = weir_recorder_new(scope, "/r", &error);
    ck_assert_ptr_nonnull(recorder);
    wr_disk_room(400);

    weir_gen *gen = weir_http_events(scope, "http://example.org/feed", NULL);
    const char *out = read_items(loop, gen, &ended);

    ck_assert_str_ne(out, "1 one|2 two|3 three|");
    ck_assert_int_eq(weir_recorder_end(recorder, &ended, NULL, &error), WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "write '/r'"));
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    weir_loop_free(loop);
    wr_disk_free();
}

TEST(a_folder_that_is_missing_is_reported)
{
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_ptr_null(weir_recorder_new(weir_root(loop), "/no/such/folder/r", &error));
    ck_assert_int_eq(error.code, WEIR_EIO);
    (void)read_items(loop, replayed(loop, "/no/such/file", 1, 0, WEIR_FRAME_LINES), &error);
    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "/no/such/file"));

    weir_loop_free(loop);
}

MAIN("source/replay")
