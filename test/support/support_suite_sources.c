/*
 * support_suite_sources.c - what every source must do, and the far ends of sources.
 *
 * A test runs on the program's own stack and drives the loop by pulling or settling it; a far end
 * that has to act meanwhile is a task of the play's scope. The clock is virtual and nothing sleeps.
 */
#include "support_suites.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"

enum { SEND_PIECES = 64 };

void wr_far_pair(int ends[2])
{
    int small = 16 * 1024;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (int i = 0; i < 2; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
}

int wr_far_listen_tcp(int *fd)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    int segment_bytes = 1400, buffer_bytes = 4096;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(*fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
    setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)(const void *)&where, len), 0);
    ck_assert_int_eq(listen(*fd, 1), 0);
    getsockname(*fd, (struct sockaddr *)(void *)&where, &len);
    return ntohs(where.sin_port);
}

int wr_far_accept(weir_loop *loop, int listener)
{
    weir_error error;
    int fd, rc = 0;
    wr_fault_pause(true);
    struct wr_transport *waiting = wr_fd_transport(loop, listener, WR_FD_BORROW, &error);
    wr_fault_pause(false);
    ck_assert_ptr_nonnull(waiting);
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0 && rc == 0) {
        rc = waiting->ops->wait(waiting, WR_READABLE, -1, "a connection", NULL);
    }
    waiting->ops->free(waiting);
    return fd;
}

struct sender {
    struct wr_source_play *play;
    struct wr_transport *transport;
};

/* An end that must be sent may find no room, and goes out while its sender reads on: for as long as
 * the source can be expected to make room. */
static void end_politely(struct wr_transport *to)
{
    char byte;
    to->ops->shut(to);
    for (int i = 0; strcmp(to->ops->kind, "tls") == 0 && i < 500 &&
                    to->ops->read(to, &byte, 1) == WR_AGAIN && wr_pause(to->loop, NULL) == 0;
         i++) {}
}

static int send_main(weir_scope *scope, void *args)
{
    struct sender *sender = args;
    struct wr_source_play *play = sender->play;
    struct wr_transport *to = sender->transport;
    uint64_t total = (uint64_t)play->len * play->times;
    char *bytes;
    memcpy(&bytes, &play->bytes, sizeof bytes);
    int rc = 0;
    while (play->sent < total && rc == 0) {
        /* Many repetitions a call: a sweep runs this some thousand times. */
        struct iovec iov[SEND_PIECES];
        size_t at = (size_t)(play->sent % play->len);
        uint64_t left = (total - play->sent + at) / play->len;
        int count = (int)WR_MIN(left, (uint64_t)SEND_PIECES);
        for (int i = 0; i < count; i++) {
            iov[i] = (struct iovec){bytes, play->len};
        }
        iov[0] = (struct iovec){bytes + at, play->len - at};
        int64_t n = to->ops->write(to, iov, count);
        rc = n == WR_AGAIN ? to->ops->wait(to, WR_WRITABLE, -1, "the source", NULL)
             : n < 0       ? -1
                           : 0;
        play->sent += n > 0 ? (uint64_t)n : 0;
    }
    if (rc == 0 && play->then == WR_FAR_IS_SILENT) {
        (void)!weir_sleep(scope, 3600 * 1000);
    } else if (rc == 0) {
        end_politely(to);
    }
    to->ops->free(to);
    return 0;
}

void wr_far_send(struct wr_source_play *play, int fd)
{
    wr_fault_pause(true);
    weir_error error;
    wr_far_send_to(play, wr_fd_transport(play->loop, fd, WR_FD_OWN, &error));
    wr_fault_pause(false);
}

static int accept_main(weir_scope *scope, void *args)
{
    struct wr_source_play *play;
    memcpy(&play, args, sizeof play);
    int fd = wr_far_accept(play->loop, play->fd);
    (void)scope;
    if (fd >= 0) {
        wr_far_send(play, fd);
    }
    return 0;
}

const char *wr_far_serve(struct wr_source_play *play)
{
    const char *address = wr_far_listen(&play->folder, &play->fd);
    weir_spawn(play->scope, "accept", accept_main, &play, sizeof play);
    return address;
}

void wr_far_send_to(struct wr_source_play *play, struct wr_transport *to)
{
    struct sender sender = {play, to};
    ck_assert_ptr_nonnull(to);
    wr_fault_pause(true);
    weir_spawn(play->scope, "far end", send_main, &sender, sizeof sender);
    wr_fault_pause(false);
}

static void play_begin(struct wr_source_play *play, const char *bytes, size_t len, size_t times,
                       enum wr_far_end then)
{
    wr_fault_pause(true);
    play->loop = test_loop();
    play->scope = weir_scope_new(weir_root(play->loop), NULL);
    play->bytes = bytes;
    play->len = len;
    play->times = times;
    play->then = then;
    play->fd = play->far = -1;
    wr_folder_make(&play->folder);
    wr_fault_pause(false);
}

static weir_gen *source_begin(const struct wr_source_kit *kit, struct wr_source_play *play,
                              const weir_lines_options *options, const char *bytes, size_t times,
                              enum wr_far_end then)
{
    play_begin(play, bytes, strlen(bytes), times, then);
    return kit->make(play, options);
}

static void source_end(const struct wr_source_kit *kit, struct wr_source_play *play)
{
    weir_error error;
    weir_scope_cancel(play->scope);
    (void)!weir_scope_wait(play->scope, &error);
    if (kit->end != NULL) {
        kit->end(play);
    }
    weir_loop_free(play->loop);
    wr_folder_remove(&play->folder);
}

/* ---- the suite of sources */

void wr_source_gives_all_to_the_end(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, NULL, "one\ntwo\r\n\nfour", 1, WR_FAR_ENDS);
    weir_item item;
    weir_error error;
    char all[64] = "";

    while (weir_next(gen, &item)) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s/%u/%d ", (int)item.len,
                 item.data, item.flags, (int)item.seq);
    }

    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_str_eq(all, "one/0/1 two/1/2 /0/3 four/2/4 ");
    weir_ledger ledger = ledger_of(weir_root(play.loop));
    ck_assert_uint_eq(ledger.in, 4);
    ck_assert_uint_eq(ledger.delivered, 4);
    source_end(kit, &play);
}

void wr_source_gives_items_before_failure(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    const weir_lines_options *options =
        WEIR_OPTIONS(weir_lines_options, .line_bytes_max = 8, .overlong = WEIR_LONG_FAILS);
    weir_gen *gen =
        source_begin(kit, &play, options, "one\ntwo\nfar too long\nfour\n", 1, WR_FAR_ENDS);
    weir_item items[8];
    weir_error error;
    size_t count = 0, n;

    while ((n = weir_next_many(gen, items, 8)) > 0) {
        count += n;
    }

    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETOOLONG);
    ck_assert_int_eq(error.offset, 8);
    source_end(kit, &play);
}

struct reading {
    weir_gen *gen;
    int *rc;
    size_t *count;
};

static int read_main(weir_scope *scope, void *args)
{
    struct reading *reading = args;
    weir_item item;
    (void)scope;
    while (weir_next(reading->gen, &item)) {
        ++*reading->count;
    }
    *reading->rc = weir_finish(reading->gen, NULL);
    return 0;
}

/* Read one line, be silent, then what `act` does. */
static void read_and(const struct wr_source_kit *kit, void (*act)(weir_scope *scope), int expected)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, NULL, "one\n", 1, WR_FAR_IS_SILENT);
    weir_scope *scope = weir_scope_new(weir_root(play.loop), NULL);
    int rc = 1;
    size_t count = 0;
    struct reading reading = {gen, &rc, &count};
    weir_error error;
    weir_spawn(scope, "reader", read_main, &reading, sizeof reading);
    wr_suite_settle(play.loop);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);
    ck_assert_uint_eq(count, 1);

    act(kit->waits ? play.scope : scope);
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? expected : 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    source_end(kit, &play);
}

void wr_source_is_canceled_while_waiting(const struct wr_source_kit *kit)
{
    read_and(kit, weir_scope_cancel, WEIR_ECANCELED);
}

void wr_suite_end_scope(weir_scope *scope)
{
    (void)!weir_scope_wait(scope, NULL);
}

int wr_suite_read_without_memory(weir_loop *loop, weir_scope *scope, weir_gen *gen,
                                 void (*act)(weir_scope *scope))
{
    weir_scope *beside = weir_scope_new(weir_root(loop), NULL);
    int rc = 1;
    size_t count = 0;
    struct reading reading = {gen, &rc, &count};
    size_t taken = (size_t)(loop->budget.limit - loop->budget.used);
    ck_assert(wr_budget_charge(&loop->budget, taken));
    weir_spawn(beside, "reader", read_main, &reading, sizeof reading);
    wr_suite_settle(loop);
    ck_assert_uint_eq(loop->budget.waiters, 1);

    act(scope);
    wr_suite_settle(loop);

    ck_assert_uint_eq(count, 0);
    int told = rc;
    wr_budget_release(&loop->budget, taken);
    (void)!weir_scope_wait(beside, NULL);
    return told;
}

void wr_source_is_canceled_without_memory(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, NULL, "one\n", 1, WR_FAR_ENDS);

    ck_assert_int_eq(wr_suite_read_without_memory(play.loop, play.scope, gen, weir_scope_cancel),
                     WEIR_ECANCELED);

    source_end(kit, &play);
}

void wr_source_is_left_without_memory(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, NULL, "one\n", 1, WR_FAR_ENDS);

    ck_assert_int_eq(wr_suite_read_without_memory(play.loop, play.scope, gen, wr_suite_end_scope),
                     WEIR_ECLOSED);

    play.scope = weir_scope_new(weir_root(play.loop), NULL);

    source_end(kit, &play);
}

void wr_source_stops_while_waiting(const struct wr_source_kit *kit)
{
    read_and(kit, weir_scope_stop, 0);
}

void wr_source_keeps_memory_bound(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    static char line[] = "a line of thirty-two bytes, here\n";
    size_t times =
               (wr_test_sweeps() ? WR_SUITE_BIG_BYTES / 8 : WR_SUITE_BIG_BYTES) / (sizeof line - 1),
           count = 1, n;
    weir_gen *gen = source_begin(kit, &play, NULL, line, times, WR_FAR_ENDS);
    weir_item items[64];
    weir_error error;

    ck_assert(weir_next(gen, items));
    wr_suite_settle(play.loop);

    ck_assert_uint_le(play.sent, kit->kernel_bytes + WR_BLOCK_BYTES);
    while ((n = weir_next_many(gen, items, 64)) > 0) {
        count += n;
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_uint_eq(count, times);
    ck_assert_int_le(play.loop->budget.peak, 3 * WR_BLOCK_BYTES);
    source_end(kit, &play);
}

void wr_source_is_discarded_midway(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, NULL, "one\ntwo\n", 1, WR_FAR_IS_SILENT);
    weir_item item;

    ck_assert(weir_next(gen, &item));
    weir_discard(gen);

    MUST(play.loop->budget.used == 0);
    source_end(kit, &play);
}

/* ---- bytes, and what framers make of them */

#define BYTES(text) text, sizeof(text) - 1
const struct wr_framing_case wr_framing_cases[WR_FRAMING_CASES] = {
    {{.kind = WEIR_FRAME_LINES}, BYTES("one\r\n\nlast"), "one||last|"},
    {{.kind = WEIR_FRAME_NUL}, BYTES("one\0\0li\nne\0"), "one||li\nne|"},
    {{.kind = WEIR_FRAME_LEN32}, BYTES("\0\0\0\3one\0\0\0\0\0\0\0\2b\n"), "one||b\n|"},
    {{.kind = WEIR_FRAME_VARINT}, BYTES("\3one\0\2b\n"), "one||b\n|"},
    {{.kind = WEIR_FRAME_FIXED, .record_bytes = 3}, BYTES("onetwo\n\nx"), "one|two|\n\nx|"},
    {{.kind = WEIR_FRAME_SSE},
     BYTES("data: one\ndata: 1\n\n: hi\nid: 7\ndata: b\n\ndata: c\n"),
     "one\n1|b|"},
    {{.kind = WEIR_FRAME_LEN32, .item_bytes_max = 2}, BYTES("\0\0\0\3one\0\0\0\2b\n"), "b\n|"},
};

const char *wr_items_shown(weir_gen *gen, size_t max)
{
    static char shown[512];
    weir_item items[64];
    weir_slice text;
    size_t len = 0, n;
    while ((n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(weir_item_text(&items[i], &text, NULL), 0);
            len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s|", (int)text.len,
                                    text.data);
        }
    }
    shown[len] = '\0';
    return shown;
}

void wr_source_gives_bytes(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    play_begin(&play, "one\r\n\0last", 10, 1, WR_FAR_ENDS);
    weir_gen *gen = kit->make_bytes(&play);
    weir_item item;
    weir_error error;
    char all[16];
    size_t len = 0;

    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.flags, WEIR_ITEM_BYTES);
        memcpy(all + len, item.data, item.len);
        len += item.len;
    }

    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_uint_eq(len, 10);
    ck_assert_mem_eq(all, "one\r\n\0last", 10);
    source_end(kit, &play);
}

void wr_source_takes_every_framer(const struct wr_source_kit *kit)
{
    /* In a sweep the last one stands for all: what differs is swept behind weir_framed. */
    for (size_t i = wr_test_sweeps() ? WR_FRAMING_CASES - 1 : 0; i < WR_FRAMING_CASES; i++) {
        const struct wr_framing_case *c = &wr_framing_cases[i];
        struct wr_source_play play = {0};
        weir_error error;
        play_begin(&play, c->bytes, c->len, 1, WR_FAR_ENDS);
        weir_gen *source = kit->make_bytes(&play);
        weir_framing framing = c->framing;
        framing.struct_size = sizeof framing;

        weir_gen *gen = weir_framed(source, &framing);

        ck_assert_ptr_eq(gen, source); /* no stage between */
        ck_assert_str_eq(wr_items_shown(gen, 64), c->items);
        ck_assert_int_eq(weir_finish(gen, &error), 0);
        source_end(kit, &play);
    }
}
