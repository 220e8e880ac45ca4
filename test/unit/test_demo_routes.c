/*
 * test_demo_routes.c - the demo's file as a function, and its routes as a client sees them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "demo.h"
#include "support_server.h"

static struct demo_file file;
static char scratch[DEMO_LINE_MAX + 8];
static char expected[1 << 20];

/* ---- the file */

static size_t whole(int64_t lines, int64_t size)
{
    ck_assert(demo_file_init(&file, 7, lines, size));
    size_t len = 0;
    for (int64_t i = 1; i <= lines; i++) {
        ck_assert_int_eq(demo_offset(&file, i), (int64_t)len);
        size_t n = demo_line(&file, i, scratch);
        ck_assert_uint_le(len + n + 1, sizeof expected);
        memcpy(expected + len, scratch, n);
        expected[len + n] = '\n';
        len += n + 1;
    }
    ck_assert_int_eq(demo_offset(&file, lines + 1), (int64_t)len);
    return len;
}

TEST(any_part_of_the_file_is_the_same_bytes)
{
    static char part[8192];
    size_t len = whole(1000, 0);
    const char *bytes;
    for (size_t at = 0; at < len; at += 997) {
        for (size_t most = 1; most < sizeof part; most = most * 3 + 1) {
            size_t end = at + most < len ? at + most : len;
            size_t cap = most % 2 == 0 ? sizeof part : demo_room(&file);
            size_t n = demo_bytes(&file, (int64_t)at, (int64_t)end, part, cap, &bytes);
            ck_assert(n > 0 && at + n <= end);
            ck_assert_mem_eq(bytes, expected + at, n);
            ck_assert(at + n == end || bytes[n - 1] == '\n');
        }
    }
    ck_assert_uint_eq(demo_bytes(&file, (int64_t)len, INT64_MAX, part, sizeof part, &bytes), 0);
}

TEST(offsets_and_numbers_are_each_others_inverse)
{
    ck_assert(demo_file_init(&file, 7, INT64_C(1000000000), 0));
    for (int64_t i = 1; i < INT64_C(1000000000); i = i * 3 + 1) {
        int64_t at = demo_offset(&file, i);
        ck_assert_int_eq(demo_number(&file, at), i);
        ck_assert(i == 1 || demo_number(&file, at - 1) == i - 1);
    }
}

TEST(mixed_lengths_lie_between_nothing_and_two_thousand)
{
    size_t least = DEMO_MIXED_MAX, most = 0;
    ck_assert(demo_file_init(&file, 7, 1000, 0));
    for (int64_t i = 1; i <= 1000; i++) {
        size_t n = demo_line(&file, i, scratch);
        least = n < least ? n : least;
        most = n > most ? n : most;
        ck_assert_ptr_null(memchr(scratch, '\n', n));
    }
    ck_assert_uint_lt(least, 20);
    ck_assert_uint_gt(most, 1980);
    ck_assert_uint_le(most, 2000);
}

TEST(lines_of_a_size_have_it_and_begin_with_their_number)
{
    ck_assert(demo_file_init(&file, 7, 100, 174));
    ck_assert_uint_eq(demo_line(&file, 42, scratch), 174);
    ck_assert_mem_eq(scratch, "42 ", 3);
    ck_assert_int_eq(demo_offset(&file, 43), 42 * 175);
}

TEST(numbers_out_of_bounds_are_refused)
{
    ck_assert(!demo_file_init(&file, 1, -1, 0));
    ck_assert(!demo_file_init(&file, 1, DEMO_LINES_MAX + 1, 0));
    ck_assert(!demo_file_init(&file, 1, 1, DEMO_LINE_MAX + 1));
}

TEST(drops_leave_room_for_progress_and_stay_where_they_are)
{
    bool resets;
    ck_assert(demo_file_init(&file, 7, 1000000, 0));
    for (int64_t at = 0; at < 10000000; at += 777777) {
        int64_t drop = demo_drop(&file, 100000, at, &resets);
        ck_assert_int_ge(drop, at + DEMO_PROGRESS_MIN);
        ck_assert_int_lt(drop, at + DEMO_PROGRESS_MIN + 200000);
        ck_assert_int_eq(demo_drop(&file, 100000, at + 1, &resets) >= drop, true);
    }
    ck_assert_int_ge(demo_drop(&file, 1, 5, &resets), 5 + DEMO_PROGRESS_MIN);
}

TEST(events_are_json_but_for_some)
{
    char line[DEMO_EVENT_MAX];
    int bad = 0;
    for (int64_t i = 1; i <= 1000; i++) {
        size_t n = demo_event(1, i, 1700000000000, true, line);
        ck_assert_uint_eq(n, strlen(line));
        bad += line[n - 1] != '}';
        n = demo_event(1, i, 1700000000000, false, line);
        ck_assert_int_eq(line[n - 1], '}');
    }
    ck_assert_int_gt(bad, 5);
    ck_assert_int_lt(bad, 50);
}

/* ---- the routes */

static struct demo_control control;

static void start_demo(void)
{
    make_loop();
    server = demo_start(weir_root(loop), ":0", &control, &error);
    ck_assert_msg(server != NULL, "%s", error.message);
}

static void finish_demo(void)
{
    finish();
    demo_fini(&control);
}

static struct wr_transport *send_get(const char *target, const char *headers)
{
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n%s\r\n", target, headers);
    return visit(request);
}

/* What read() last gave: 0 at the end, or a failure. */
static int64_t read_all(struct wr_transport *client)
{
    int64_t n;
    while ((n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len)) != 0) {
        if (n == WR_AGAIN) {
            wait_bytes(client);
        } else if (n < 0) {
            break;
        } else {
            got_len += (size_t)n;
        }
    }
    got[got_len] = '\0';
    return n;
}

static const char *body_of(size_t *len)
{
    const char *text = body();
    *len = got_len - (size_t)(text - got);
    return text;
}

static const char *get(const char *target, const char *headers, size_t *len)
{
    struct wr_transport *client = send_get(target, headers);
    int64_t end = read_all(client);
    hang_up(client);
    ck_assert(end == 0 || end == WEIR_ERESET);
    return body_of(len);
}

TEST(the_file_is_served_whole)
{
    size_t len, wanted = whole(500, 0);
    start_demo();
    const char *bytes = get("/lines?n=500&seed=7", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "ETag: \"7-500-0\"\r\n"));
    ck_assert_uint_eq(len, wanted);
    ck_assert_mem_eq(bytes, expected, len);
    finish_demo();
}

TEST(a_part_of_the_file_is_served)
{
    size_t len, wanted = whole(500, 0);
    start_demo();
    const char *bytes = get("/lines?n=500&seed=7", "Range: bytes=100001-\r\n", &len);
    ck_assert_ptr_nonnull(strstr(got, "206 Partial Content"));
    ck_assert_uint_eq(len, wanted - 100001);
    ck_assert_mem_eq(bytes, expected + 100001, len);
    finish_demo();
}

TEST(an_empty_file_is_empty)
{
    size_t len;
    start_demo();
    (void)get("/lines?n=0", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 0\r\n"));
    ck_assert_uint_eq(len, 0);
    finish_demo();
}

TEST(a_flaky_transfer_that_is_resumed_is_the_whole_file)
{
    size_t sum = 0, wanted = whole(500, 0);
    int drops = 0;
    start_demo();
    while (sum < wanted) {
        char range[80];
        size_t len;
        snprintf(range, sizeof range, "Range: bytes=%zu-\r\nIf-Range: \"7-500-0\"\r\n", sum);
        const char *bytes = get("/flaky?n=500&seed=7&every=50000", range, &len);
        ck_assert_uint_gt(len, 0);
        ck_assert_mem_eq(bytes, expected + sum, len);
        sum += len;
        drops++;
    }
    ck_assert_uint_eq(sum, wanted);
    ck_assert_int_gt(drops, 5);
    finish_demo();
}

/* Members of a body that unpacks to the first `wanted` bytes of `expected`. */
static int unpack(const char *bytes, size_t len, size_t wanted)
{
    static char plain[1 << 20];
    int members = 0;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)plain,
                  .avail_out = sizeof plain};
    while (z.avail_in > 0) {
        ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
        int rc = inflate(&z, Z_FINISH);
        inflateEnd(&z);
        ck_assert_int_eq(rc, Z_STREAM_END);
        members++;
    }
    ck_assert_uint_eq(sizeof plain - z.avail_out, wanted);
    ck_assert_mem_eq(plain, expected, wanted);
    return members;
}

TEST(the_gzip_file_is_small_and_unpacks_to_the_same_lines)
{
    size_t len, wanted = whole(500, 0);
    start_demo();
    const char *bytes = get("/gzip?n=500&seed=7", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "Content-Encoding: gzip\r\n"));
    ck_assert_uint_lt(len, wanted * 2 / 3);
    ck_assert_int_eq(unpack(bytes, len, wanted), 1);
    finish_demo();
}

TEST(the_gzip_file_comes_in_as_many_members_as_asked_for)
{
    size_t len, wanted = whole(5, 0);
    start_demo();
    const char *bytes = get("/gzip?n=5&seed=7&members=3", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "ETag: \"7-5-0-gzip-3\"\r\n"));
    ck_assert_int_eq(unpack(bytes, len, wanted), 3);
    bytes = get("/gzip?n=5&seed=7&members=9", "", &len); /* some are empty */
    ck_assert_int_eq(unpack(bytes, len, wanted), 9);
    bytes = get("/gzip?n=0", "", &len);
    ck_assert_int_eq(unpack(bytes, len, 0), 1);
    (void)get("/gzip?members=0", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    finish_demo();
}

TEST(the_gzip_file_is_made_only_as_it_is_read)
{
    start_demo();
    struct wr_transport *client = send_get("/gzip?n=1000000000000", "");
    for (int i = 0; i < 2000; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_gt(client->ops->read(client, got, sizeof got), 0);
    ck_assert_int_le(loop->budget.used, 64 * 1024);
    leave(client);
}

TEST(the_feed_keeps_its_rate)
{
    start_demo();
    struct wr_transport *client = send_get("/feed.ndjson?rate=20&n=200&bad=0", "");
    for (int second = 0; second < 10; second++) {
        wr_loop_settle(loop);
        int lines = 0;
        int64_t n;
        while ((n = client->ops->read(client, got + got_len, sizeof got - got_len)) > 0) {
            got_len += (size_t)n;
        }
        for (size_t i = 0; i < got_len; i++) {
            lines += got[i] == '\n' && i > 0 && got[i - 1] == '}';
        }
        ck_assert_int_eq(lines, 20 * second + 1);
        for (int step = 0; step < 1000; step += 10) {
            wr_clock_advance(loop, 10);
            wr_loop_settle(loop);
        }
    }
    leave(client);
}

/* ---- event streams */

/* The ids of an answer: the first, the last, and how many there are, each one more than the last. */
struct ids {
    int64_t first, last, count;
};

static struct ids ids_of(const char *target, const char *headers)
{
    struct ids ids = {0, 0, 0};
    size_t len;
    const char *at = get(target, headers, &len);
    while ((at = strstr(at, "\nid: ")) != NULL) {
        const char *end = strstr(at, "}\n\n"); /* some are cut in the middle */
        int64_t id = strtoll(at + 5, NULL, 10);
        if (end == NULL) {
            break;
        }
        ck_assert(ids.count == 0 || id == ids.last + 1);
        ids.first = ids.count == 0 ? id : ids.first;
        ids.last = id;
        ids.count++;
        at = end;
    }
    return ids;
}

static void check_ids(const char *target, const char *headers, int64_t first, int64_t last)
{
    struct ids ids = ids_of(target, headers);
    ck_assert_int_eq(ids.first, first);
    ck_assert_int_eq(ids.last, last);
}

TEST(an_event_has_an_id_a_type_and_data_and_the_stream_a_retry)
{
    size_t len;
    char text[DEMO_SSE_MAX];
    start_demo();
    const char *bytes = get("/feed.sse?rate=0&n=1&retry=250", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/event-stream\r\n"));
    size_t event_len = demo_sse_event(1, 1, control.began_unix_ms, text);
    ck_assert_uint_eq(len, strlen("retry: 250\n\n") + event_len);
    ck_assert_mem_eq(bytes, "retry: 250\n\nid: 1\nevent: purchase\ndata: {", 41);
    ck_assert_mem_eq(bytes + len - event_len, text, event_len);
    finish_demo();
}

TEST(a_stream_goes_on_behind_the_last_id)
{
    start_demo();
    check_ids("/feed.sse?rate=0&n=9", "", 1, 9);
    check_ids("/feed.sse?rate=0&n=9", "Last-Event-ID: 4\r\n", 5, 9);
    check_ids("/feed.sse?rate=0&n=9", "Last-Event-ID: four\r\n", 1, 9);
    check_ids("/feed.sse?rate=0&n=9&ignore=1", "Last-Event-ID: 4\r\n", 1, 9);
    check_ids("/feed.sse?rate=0&n=9", "Last-Event-ID: 9\r\n", 0, 0);
    ck_assert_ptr_nonnull(strstr(got, "204 No Content"));
    finish_demo();
}

TEST(a_live_stream_keeps_the_last_of_its_events)
{
    start_demo();
    wr_clock_advance(loop, 9900); /* event 100 is due, and is the last */
    check_ids("/feed.sse?rate=10&n=100&ring=5", "", 96, 100);
    check_ids("/feed.sse?rate=10&n=100&ring=5", "Last-Event-ID: 97\r\n", 98, 100);
    check_ids("/feed.sse?rate=10&n=100&ring=5", "Last-Event-ID: 3\r\n", 96, 100);
    struct wr_transport *client =
        send_get("/feed.sse?rate=10&ring=5", "Last-Event-ID: 200\r\n"); /* of another demo */
    wr_loop_settle(loop);
    int64_t n = client->ops->read(client, got, sizeof got - 1);
    ck_assert_int_gt(n, 0);
    got[n] = '\0';
    ck_assert_ptr_nonnull(strstr(got, "\n\nid: 96\n"));
    leave(client);
}

TEST(a_live_stream_is_one_for_all_clients)
{
    size_t len[2];
    static char first[1 << 16];
    start_demo();
    wr_clock_advance(loop, 3000);
    const char *bytes = get("/feed.sse?rate=10&n=30&ring=1000", "", &len[0]);
    memcpy(first, bytes, len[0]);
    wr_clock_advance(loop, 60000);
    bytes = get("/feed.sse?rate=10&n=30&ring=1000", "", &len[1]);
    ck_assert_uint_eq(len[0], len[1]);
    ck_assert_mem_eq(bytes, first, len[0]);
    finish_demo();
}

TEST(a_flaky_stream_that_is_resumed_has_all_events)
{
    int breaks = 0;
    int64_t last = 0;
    start_demo();
    while (last < 300) {
        char header[64];
        snprintf(header, sizeof header, "Last-Event-ID: %lld\r\n", (long long)last);
        struct ids ids = ids_of("/flaky/feed.sse?rate=0&n=300&every=10", header);
        ck_assert_int_eq(ids.first, last + 1);
        ck_assert_int_le(ids.count, 20);
        last = ids.last;
        breaks++;
    }
    ck_assert_int_ge(breaks, 15);
    control.calm = true;
    check_ids("/flaky/feed.sse?rate=0&n=300&every=10", "", 1, 300);
    finish_demo();
}

TEST(a_slow_route_takes_its_time_before_the_head_and_between_lines)
{
    start_demo();
    int64_t began = wr_now_ns(loop);
    struct wr_transport *client = send_get("/slow?n=3&ms=100&head_ms=50", "");
    int64_t n;
    while ((n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len)) != 0) {
        wr_loop_settle(loop);
        if (n == WR_AGAIN) {
            wr_clock_advance(loop, 10);
        } else {
            ck_assert_int_gt(n, 0);
            got_len += (size_t)n;
        }
    }
    got[got_len] = '\0';
    ck_assert_str_eq(body(), "slow line 1\nslow line 2\nslow line 3\n");
    ck_assert_int_ge((wr_now_ns(loop) - began) / 1000000, 250);
    leave(client);
}

TEST(the_index_and_wrong_parameters)
{
    size_t len;
    start_demo();
    ck_assert_ptr_nonnull(strstr(get("/", "", &len), "/feed.ndjson"));
    (void)get("/lines?size=999999", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)get("/flaky?every=0", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)get("/feed.ndjson?rate=2000000", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)get("/feed.sse?rate=2000000", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)get("/flaky/feed.sse?every=0", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)get("/ws?rate=2000000", "", &len); /* HTTP/1.0 */
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    (void)ask("GET /ws HTTP/1.1\r\n" LAST);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 426"));
    finish_demo();
}

/* What a gzip body unpacks to, in `expected`; the number of bytes. */
static size_t unpacked(const char *target)
{
    size_t len;
    const char *bytes = get(target, "", &len);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)expected,
                  .avail_out = sizeof expected};
    ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.avail_in, 0);
    inflateEnd(&z);
    return sizeof expected - z.avail_out;
}

TEST(rows_of_values_are_a_file_in_gzip)
{
    static const char first[] = "n,time,type,user,page,status,took_ms\n"
                                "1,2024-01-01T00:00:01Z,purchase,u3873,\"/search?q=red, "
                                "\"\"big\"\"\",200,179\n";
    start_demo();
    size_t len = unpacked("/feed.csv.gz?n=1");
    ck_assert_ptr_nonnull(strstr(got, "Content-Type: application/gzip\r\n"));
    ck_assert_ptr_null(strstr(got, "Content-Encoding"));
    ck_assert_uint_eq(len, sizeof first - 1);
    ck_assert_mem_eq(expected, first, len);
    len = unpacked("/feed.csv.gz?n=3000&coded=1");
    ck_assert_ptr_nonnull(strstr(got, "Content-Encoding: gzip\r\n"));
    ck_assert_mem_eq(expected, first, sizeof first - 1);
    size_t rows = 0;
    for (size_t i = 0; i < len; i++) {
        rows += expected[i] == '\n';
    }
    ck_assert_uint_eq(rows, 3001);
    (void)get("/feed.csv.gz?n=2000000000000", "", &len);
    ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 400"));
    finish_demo();
}

TEST(a_bomb_is_a_thousand_times_as_long_as_it_looks)
{
    start_demo();
    ck_assert_uint_eq(unpacked("/bomb.gz?size=1000000"), 1000000);
    ck_assert_uint_lt(got_len, 1400); /* with the head */
    ck_assert_int_eq(expected[999999], 0);
    ck_assert_uint_eq(unpacked("/bomb.gz?size=0"), 0);
    finish_demo();
}

TEST(what_was_served_is_counted)
{
    char text[1000] = "";
    size_t len;
    memset(&control, 0, sizeof control);
    start_demo();
    (void)get("/feed.ndjson?rate=0&n=200", "", &len);
    (void)get("/feed.ndjson?rate=0&n=100&bad=0", "", &len);
    (void)get("/slow?n=2&ms=0", "", &len);
    (void)get("/feed.sse?rate=0&n=5", "", &len);
    (void)get("/lines?n=1", "", &len);
    FILE *to = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(to);
    demo_counts_print(&control, to);
    (void)fclose(to);
    ck_assert_str_eq(text, "  /feed.ndjson      requests 2  lines 300  malformed 3\n"
                           "  /feed.sse         requests 1  events 5\n"
                           "  /lines            requests 1\n"
                           "  /slow             requests 1  lines 2\n");
    finish_demo();
}

TEST(a_demo_that_cannot_listen_tells_why)
{
    make_loop();
    ck_assert_ptr_null(demo_start(weir_root(loop), "nonsense", &control, &error));
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    weir_loop_free(loop);
}

/* ---- the hook */

/* Post a body; the status line of the answer. */
static const char *post(const char *target, const char *headers, const char *body_text)
{
    char request[512];
    snprintf(request, sizeof request, "POST %s HTTP/1.1\r\n%sContent-Length: %zu\r\n" LAST "%s",
             target, headers, strlen(body_text), body_text);
    return ask(request);
}

TEST(the_hook_counts_what_is_posted_and_shows_it)
{
    size_t len;
    start_demo();
    ck_assert(begins(post("/hook", "", "one\ntwo\n"), "HTTP/1.1 204 "));
    ck_assert(begins(post("/hook", "", "three\n"), "HTTP/1.1 204 "));
    ck_assert(begins(get("/hook", "", &len),
                     "{\"requests\":2,\"taken\":2,\"refused\":0,\"repeats\":0,\"lines\":3,"
                     "\"bytes\":14}"));
    ck_assert_str_eq(get("/hook/lines", "", &len), "one\ntwo\nthree\n");
    finish_demo();
}

TEST(the_hook_takes_a_request_once_for_its_key)
{
    size_t len;
    start_demo();
    post("/hook", "Idempotency-Key: k1\r\n", "one\n");
    ck_assert(begins(post("/hook", "Idempotency-Key: k1\r\n", "one\n"), "HTTP/1.1 204 "));
    post("/hook", "Idempotency-Key: k2\r\n", "two\n");
    ck_assert_str_eq(get("/hook/lines", "", &len), "one\ntwo\n");
    ck_assert_ptr_nonnull(strstr(get("/hook", "", &len), "\"repeats\":1"));
    finish_demo();
}

TEST(the_hook_refuses_as_it_is_asked_to)
{
    start_demo();
    ck_assert(begins(post("/hook?status=503&every=2&after=7", "", "x"), "HTTP/1.1 204 "));
    ck_assert(begins(post("/hook?status=503&every=2&after=7", "", "x"), "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(got, "Retry-After: 7\r\n"));
    ck_assert(begins(post("/hook?lines=1", "", "x\ny"), "HTTP/1.1 413 "));
    ck_assert(begins(post("/hook", "Content-Encoding: gzip\r\n", "x"), "HTTP/1.1 400 "));
    finish_demo();
}

TEST(a_body_that_the_budget_has_no_room_for_is_refused_for_now)
{
    start_demo();
    int64_t used = loop->budget.used;
    post("/hook", "", "x");
    pass(3000); /* the connection is over */
    ck_assert_int_eq(loop->budget.used, used);
    wr_budget_take_slots(&loop->budget, (size_t)loop->budget.limit);
    ck_assert(begins(post("/hook", "", "x"), "HTTP/1.1 503 "));
    wr_budget_release_slots(&loop->budget, (size_t)loop->budget.limit);
    ck_assert(begins(post("/hook", "", "x"), "HTTP/1.1 204 "));
    pass(3000); /* the connection is over */
    ck_assert_int_eq(loop->budget.used, used);
    finish_demo();
}

TEST(what_is_not_posted_to_the_hook_is_refused_by_its_method)
{
    start_demo();
    ck_assert(begins(post("/lines", "", "x"), "HTTP/1.1 405 "));
    ck_assert_ptr_nonnull(strstr(got, "Allow: GET, HEAD\r\n"));
    ck_assert(begins(ask("PUT /hook HTTP/1.1\r\n" LAST), "HTTP/1.1 405 "));
    ck_assert_ptr_nonnull(strstr(got, "Allow: GET, HEAD, POST\r\n"));
    ck_assert(
        begins(ask("POST /hook HTTP/1.1\r\nContent-Length: 1048577\r\n" LAST), "HTTP/1.1 413 "));
    ck_assert(
        begins(ask("POST /lines HTTP/1.1\r\nContent-Length: 1048577\r\n" LAST), "HTTP/1.1 413 "));
    finish_demo();
}

MAIN("demo/routes")
