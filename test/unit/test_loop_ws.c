/*
 * test_loop_ws.c - records as messages of a WebSocket: how they are framed, when they count as read,
 * what a server may do, and how it ends. The other end is a pipe in memory, whose size cuts what is
 * written; what comes back is cut, too.
 */
#include <stdlib.h>
#include <string.h>

#include "codec_ws_handshake.h"
#include "loop_core.h"
#include "loop_ws.h"
#include "support_flow.h"
#include "support_ws.h"

struct pair {
    weir_loop *loop;
    struct wr_transport *ws, *far;
    struct wr_ws reader; /* of the far end */
    char *text;          /* what it has read */
    size_t text_len;
    FILE *out;
    bool mute; /* it answers no ping */
};

static void begin(struct pair *p, size_t cap, const struct wr_ws_dial *dial)
{
    static const struct wr_ws_dial plain = {.ping_ms = -1};
    struct wr_transport *ends[2];
    wr_fault_pause(true);
    *p = (struct pair){.loop = test_loop()};
    ck_assert_int_eq(wr_memory_pair(p->loop, cap, ends), 0);
    p->far = ends[1];
    p->out = open_memstream(&p->text, &p->text_len);
    wr_ws_init(&p->reader, WR_WS_SERVER, NULL, UINT64_MAX, false);
    wr_fault_pause(false);
    p->ws = wr_ws_transport(ends[0], dial != NULL ? dial : &plain, "", 0);
    if (p->ws == NULL) {
        ends[0]->ops->free(ends[0]);
    }
}

static void end(struct pair *p)
{
    if (p->ws != NULL) {
        p->ws->ops->free(p->ws);
    }
    p->far->ops->free(p->far);
    ck_assert_int_eq(p->loop->budget.used, 0);
    fclose(p->out);
    free(p->text);
    weir_loop_free(p->loop);
}

static void far_sends(struct pair *p, const char *data, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};
    ck_assert_int_eq(p->far->ops->write(p->far, &iov, 1), (int64_t)len);
}

/* Its frames, one byte at a time. */
static int64_t far_sends_slowly(struct pair *p, struct frames *f)
{
    int64_t rc = WR_AGAIN;
    for (size_t i = 0; i < f->len && rc == WR_AGAIN; i++) {
        far_sends(p, f->data + i, 1);
        rc = p->ws->ops->read(p->ws, NULL, 0);
    }
    frames_free(f);
    return rc;
}

static void far_answers(struct pair *p)
{
    struct frames f = {.masks = false};
    const struct wr_ws *ws = &p->reader;
    fprintf(p->out, "%s", ws->opcode == WR_WS_PING ? "?" : ws->opcode == WR_WS_PONG ? "pong|" : "");
    if (ws->opcode == WR_WS_PING && !p->mute) {
        frame(&f, FIN | WR_WS_PONG, ws->control, ws->control_len);
        ck_assert_int_eq(far_sends_slowly(p, &f), WR_AGAIN);
    } else if (ws->opcode == WR_WS_CLOSE) {
        fprintf(p->out, "close:%u|", ws->closes);
    }
}

/* The far end reads all that is there. */
static void far_reads(struct pair *p)
{
    char in[97], out[97];
    int64_t n;
    while ((n = p->far->ops->read(p->far, in, sizeof in)) > 0) {
        for (size_t at = 0, used, made; at < (size_t)n; at += used) {
            int got =
                wr_ws_read(&p->reader, in + at, (size_t)n - at, &used, out, sizeof out, &made);
            ck_assert_int_ge(got, 0);
            fwrite(out, 1, made, p->out);
            if (got == WR_WS_MESSAGE) {
                fputs(p->reader.ended == WR_WS_TEXT ? "|" : "#", p->out);
            } else if (got == WR_WS_CONTROL) {
                far_answers(p);
            }
        }
    }
    fflush(p->out);
}

/* A record, as a sink writes it: at most `step` bytes at a time. */
static void put(struct pair *p, const char *text, size_t len, size_t step)
{
    char *record = malloc(len + 4);
    ck_assert_ptr_nonnull(record);
    for (int i = 0; i < 4; i++) {
        record[i] = (char)(len >> (24 - 8 * i));
    }
    memcpy(record + 4, text, len);
    for (size_t at = 0; at < len + 4;) {
        struct iovec iov = {record + at, WR_MIN(step, len + 4 - at)};
        int64_t n = p->ws->ops->write(p->ws, &iov, 1);
        ck_assert(n >= 0 || n == WR_AGAIN);
        at += n > 0 ? (size_t)n : 0;
        if (n == WR_AGAIN) {
            far_reads(p);
        }
    }
    free(record);
}

TEST(records_are_messages_at_every_cut)
{
    static const size_t caps[] = {1, 7, 64, 100000}, steps[] = {1, 3, 1000};
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            struct pair p;
            begin(&p, WR_MAX(caps[i], 16), NULL);
            p.mute = true;
            put(&p, "one", 3, steps[k]);
            put(&p, "", 0, steps[k]);
            put(&p, "a text that is a little longer than that", 40, steps[k]);
            far_reads(&p);
            char *text = malloc(p.text_len + 1), *to = text;
            for (const char *c = p.text; *c != '\0'; c++) { /* the ping may stand anywhere */
                *to = *c;
                to += *c != '?';
            }
            *to = '\0';
            ck_assert_str_eq(text, "one||a text that is a little longer than that|");
            free(text);
            end(&p);
        }
    }
}

TEST(a_long_record_is_a_message_in_fragments)
{
    enum { LEN = 100 * 1000 };
    char *text = malloc(LEN);
    struct pair p;
    const struct wr_ws_dial dial = {.binary = true, .ping_ms = -1};
    begin(&p, 50000, &dial);
    if (p.ws != NULL && !wr_test_sweeps()) {
        memset(text, 'x', LEN);
        put(&p, text, LEN, LEN);
        far_reads(&p);
        ck_assert_ptr_nonnull(strchr(p.text, '#'));
        ck_assert_uint_ge(p.text_len, LEN + 1);
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 0);
    }
    free(text);
    end(&p);
}

TEST(a_record_counts_as_read_when_the_ping_after_it_is_answered)
{
    struct pair p;
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        put(&p, "one", 3, 100);
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 7);
        put(&p, "two", 3, 100); /* behind the ping */
        far_reads(&p);
        ck_assert_str_eq(p.text,
                         "one|?two|?"); /* the pong to the first one was followed by another */
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 0);
        p.mute = true;
        put(&p, "three", 5, 100);
        put(&p, "four", 4, 100);
        far_reads(&p);
        ck_assert_str_eq(p.text, "one|?two|?three|?four|");
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 17);
    }
    end(&p);
}

/* In a sweep there are no random bytes at some time. */
TEST(a_frame_without_a_key_is_not_sent)
{
    struct pair p;
    const char record[] = "\0\0\0\1x";
    begin(&p, 100000, NULL);
    for (int i = 0; p.ws != NULL && i < 40; i++) {
        struct iovec iov = {(void *)(uintptr_t)record, 5};
        int64_t n = p.ws->ops->write(p.ws, &iov, 1);
        ck_assert(n == 5 || wr_test_faulty());
        if (n < 0) {
            ck_assert_int_eq(n, WEIR_EIO);
            ck_assert_str_eq(p.ws->reason, "no random bytes for a mask");
            break;
        }
    }
    end(&p);
}

TEST(answers_to_other_pings_do_not_count)
{
    struct pair p;
    static struct frames f = {.masks = false};
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        p.mute = true;
        put(&p, "one", 3, 100);
        FRAME(&f, FIN | WR_WS_PONG, "");
        FRAME(&f, FIN | WR_WS_PONG, "\xff\xff\xff\xff\xff\xff\xff\x7f");
        ck_assert_int_eq(far_sends_slowly(&p, &f), WR_AGAIN);
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 7);
        FRAME(&f, FIN | WR_WS_PONG, "\7\0\0\0\0\0\0\0");
        ck_assert_int_eq(far_sends_slowly(&p, &f), WR_AGAIN);
        ck_assert_int_eq(p.ws->ops->unread(p.ws), 0);
    }
    end(&p);
}

TEST(pings_are_answered_and_messages_dropped)
{
    struct pair p;
    static struct frames f = {.masks = false};
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        FRAME(&f, FIN | WR_WS_PING, "abc");
        FRAME(&f, WR_WS_TEXT, "unheard");
        FRAME(&f, FIN | WR_WS_PING, "def");
        FRAME(&f, FIN | WR_WS_CONTINUATION, "unheard");
        ck_assert_int_eq(far_sends_slowly(&p, &f), WR_AGAIN);
        far_reads(&p);
        ck_assert_str_eq(p.text, "pong|pong|");
    }
    end(&p);
}

TEST(a_long_silence_is_broken_by_a_ping)
{
    struct pair p;
    const struct wr_ws_dial dial = {.ping_ms = 1000};
    begin(&p, 100000, &dial);
    if (p.ws != NULL && !wr_test_sweeps()) {
        wr_loop_virtual_clock(p.loop, 0);
        wr_clock_advance(p.loop, 1001);
        wr_loop_settle(p.loop);
        far_reads(&p);
        ck_assert_str_eq(p.text, "?");
    }
    end(&p);
}

TEST(our_end_is_a_close_frame_and_the_servers_is_the_end)
{
    struct pair p;
    static struct frames f = {.masks = false};
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        p.ws->ops->shut(p.ws);
        p.ws->ops->shut(p.ws);
        far_reads(&p);
        ck_assert_str_eq(p.text, "close:1000|");
        FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");
        ck_assert_int_eq(far_sends_slowly(&p, &f), 0);
    }
    end(&p);
}

TEST(a_close_frame_of_the_server_ends_it)
{
    static const struct {
        const char *close;
        int code;
        const char *text;
    } cases[] = {
        {"\x03\xe8", WEIR_ERESET, "code 1000"}, {"\x03\xe9gone", WEIR_ERESET, "code 1001: gone"},
        {"\x03\xf4", WEIR_ERESET, "code 1012"}, {"", WEIR_ERESET, "code 1005"},
        {"\x03\xea", WEIR_EHTTP, "code 1002"},  {"\x03\xf1", WEIR_EHTTP, "code 1009"},
        {"\x0f\xa1", WEIR_EHTTP, "code 4001"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;
        static struct frames f = {.masks = false};
        begin(&p, 100000, NULL);
        if (p.ws != NULL && !wr_test_sweeps()) {
            frame(&f, FIN | WR_WS_CLOSE, cases[i].close, strlen(cases[i].close));
            ck_assert_int_eq(far_sends_slowly(&p, &f), cases[i].code);
            ck_assert_ptr_nonnull(strstr(p.ws->reason, cases[i].text));
            struct iovec iov = {(void *)(uintptr_t) "x", 1};
            ck_assert_int_eq(p.ws->ops->write(p.ws, &iov, 1), cases[i].code);
            far_reads(&p);
            ck_assert(strncmp(p.text, "close:", 6) == 0);
        }
        end(&p);
    }
}

TEST(a_broken_rule_is_told_to_the_server)
{
    struct pair p;
    static struct frames f = {.masks = true};
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        FRAME(&f, FIN | WR_WS_TEXT, "x");
        ck_assert_int_eq(far_sends_slowly(&p, &f), WEIR_EHTTP);
        ck_assert_str_eq(p.ws->reason,
                         "the server has broken the protocol: a frame of a server is masked");
        far_reads(&p);
        ck_assert_str_eq(p.text, "close:1002|");
    }
    end(&p);
}

TEST(a_connection_that_ends_without_a_close_frame_is_lost)
{
    struct pair p;
    begin(&p, 100000, NULL);
    if (p.ws != NULL && !wr_test_sweeps()) {
        p.far->ops->shut(p.far);
        ck_assert_int_eq(p.ws->ops->read(p.ws, NULL, 0), WEIR_ERESET);
        ck_assert_ptr_nonnull(strstr(p.ws->reason, "without a close frame"));
    }
    end(&p);
}

/* ---- the handshake */

TEST(answers_that_open_no_websocket_are_told)
{
    static const struct {
        const char *answer;
        int code;
        const char *text;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", WEIR_EHTTP, "200 OK: the server does not open a WebSocket"},
        {"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n", WEIR_EHTTP, "404 Not Found"},
        {"HTTP/1.1 503 Busy\r\n\r\n", WEIR_ECONNECT, "503 Busy"},
        {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", WEIR_EHTTP,
         "Sec-WebSocket-Accept is missing"},
        {"SSH-2.0-x\r\n", WEIR_EHTTP, "does not speak HTTP"},
        {"HTTP/2 200\r\n\r\n", WEIR_EHTTP, "is not HTTP/1.1"},
        {"HTTP/1.1 101 S\r\n", WEIR_ECONNECT, "without an answer"}};
    const struct wr_ws_dial dial = {.host = "h", .target = "/"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr_transport *ends[2];
        weir_error error;
        wr_fault_pause(true);
        weir_loop *loop = test_loop();
        ck_assert_int_eq(wr_memory_pair(loop, 100000, ends), 0);
        struct iovec iov = {(void *)(uintptr_t)cases[i].answer, strlen(cases[i].answer)};
        ck_assert_int_eq(ends[1]->ops->write(ends[1], &iov, 1), (int64_t)iov.iov_len);
        ends[1]->ops->shut(ends[1]);
        wr_fault_pause(false);

        ck_assert_ptr_null(wr_ws_start(ends[0], &dial, -1, NULL, &error));

        if (!wr_test_faulty()) {
            ck_assert_int_eq(error.code, cases[i].code);
            ck_assert_msg(strstr(error.message, cases[i].text) != NULL, "%s", error.message);
        }
        ends[1]->ops->free(ends[1]);
        weir_loop_free(loop);
    }
}

TEST(a_handshake_has_a_limit)
{
    struct wr_transport *ends[2];
    weir_error error;
    const struct wr_ws_dial dial = {.host = "h", .target = "/"};
    weir_loop *loop = test_loop();
    wr_fault_pause(true);
    ck_assert_int_eq(wr_memory_pair(loop, 100000, ends), 0);
    wr_fault_pause(false);
    ck_assert_ptr_null(wr_ws_start(ends[0], &dial, 20, NULL, &error));
    ck_assert(wr_test_faulty() || strstr(error.message, "no answer in time") != NULL);
    ends[1]->ops->free(ends[1]);
    weir_loop_free(loop);
}

MAIN("loop/ws")
