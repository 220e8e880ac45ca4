/*
 * support_suite_sinks.c - what every sink must do, and the far ends of sinks.
 *
 * A test runs on the program's own stack and drives the loop by putting or settling it; the far end
 * is drained by hand. The clock is virtual and nothing sleeps.
 */
#include "support_suites.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"

size_t wr_far_take(int fd, char *to, size_t cap, bool *end)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    ssize_t n = read(fd, to, cap);
    *end = n == 0 || (n < 0 && errno != EAGAIN);
    return n > 0 ? (size_t)n : 0;
}

const char *wr_far_listen(struct wr_folder *folder, int *fd)
{
    static char address[128];
    int small = 16 * 1024;
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path, sizeof where.sun_path, "%s/socket", folder->path);
    snprintf(address, sizeof address, "unix:%s/socket", folder->path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(*fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)(const void *)&where, sizeof where), 0);
    ck_assert_int_eq(listen(*fd, 8), 0);
    return address;
}

static weir_sink *sink_begin(const struct wr_sink_kit *kit, struct wr_sink_play *play)
{
    wr_fault_pause(true);
    play->loop = test_loop();
    play->scope = weir_scope_new(weir_root(play->loop), NULL);
    play->fd = play->far = -1;
    wr_folder_make(&play->folder);
    wr_fault_pause(false);
    return kit->make(play);
}

static void sink_end(const struct wr_sink_kit *kit, struct wr_sink_play *play)
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

/* All that is there now, terminated. */
static size_t take_all(const struct wr_sink_kit *kit, struct wr_sink_play *play, char *to,
                       size_t cap, bool *end)
{
    size_t len = 0, n;
    do {
        n = kit->take(play, to + len, cap - 1 - len, end);
        len += n;
        play->taken += n;
    } while (n > 0 && len < cap - 1);
    to[len] = '\0';
    return len;
}

struct ending {
    weir_gen *gen;
    weir_sink *sink;
    weir_error *error;
    bool *over;
};

static int end_main(weir_scope *scope, void *args)
{
    const struct ending *ending = args;
    (void)scope;
    (void)!(ending->gen != NULL ? weir_pump(ending->gen, ending->sink, ending->error)
                                : weir_sink_finish(ending->sink, ending->error));
    *ending->over = true;
    return 0;
}

int wr_sink_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play, weir_gen *gen,
                 weir_sink *sink, weir_error *error, char *got, size_t cap, bool *end)
{
    bool over = false;
    size_t len = 0;
    struct ending ending = {gen, sink, error, &over};
    wr_fault_pause(true);
    weir_spawn(play->scope, "ending", end_main, &ending, sizeof ending);
    wr_fault_pause(false);
    for (int i = 0; i < 20000 && !over; i++) {
        wr_loop_settle(play->loop);
        len += take_all(kit, play, got + len, cap - len, end);
        wr_clock_advance(play->loop, 1);
    }
    MUST(over);
    take_all(kit, play, got + len, cap - len, end);
    return error->code;
}

static size_t big_bytes(const struct wr_sink_kit *kit)
{
    return kit->big_bytes > 0 ? kit->big_bytes : (size_t)WR_SUITE_BIG_BYTES;
}

struct lines_args {
    const char *text;
};
WEIR_SOURCE(text_lines, struct lines_args)
{
    for (const char *at = args->text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        bool lf = at[len] == '\n', cr = len > 0 && at[len - 1] == '\r';
        weir_item item = weir_bytes(at, len - cr);
        item.flags = (cr ? (unsigned)WEIR_ITEM_CRLF : 0u) | (lf ? 0u : (unsigned)WEIR_ITEM_NO_EOL);
        if (!weir_yield(self, &item)) {
            break;
        }
        at += len + lf;
    }
    return 0;
}

weir_gen *wr_lines_of(weir_scope *scope, const char *text)
{
    return text_lines(scope, (struct lines_args){text});
}

/* ---- the suite of sinks */

/* Items of a block with their line ends in it, of a block without, of a frame, and a batch. */
static const struct {
    const char *in;
    uint32_t flags;
} exact[] = {{"one", 0},
             {"two", WEIR_ITEM_CRLF},
             {"", 0},
             {"cut", WEIR_ITEM_NO_EOL},
             {"next", 0},
             {"lone", WEIR_ITEM_NO_EOL | WEIR_ITEM_CRLF},
             {"end", WEIR_ITEM_NO_EOL}};

void wr_sink_writes_exact_bytes(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    weir_error error;
    char got[256];
    bool end, ok = true;

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        weir_item item = weir_bytes(exact[i].in, strlen(exact[i].in));
        item.flags = exact[i].flags;
        ok = ok && weir_put(sink, &item);
    }

    ck_assert(ok);
    ck_assert_int_eq(wr_sink_ends(kit, &play, NULL, sink, &error, got, sizeof got, &end), 0);
    ck_assert_str_eq(got, kit->ends_lines ? "one\ntwo\r\n\ncut\nnext\nlone\r\nend\n"
                                          : "one\ntwo\r\n\ncut\nnext\nlone\r\nend");
    sink_end(kit, &play);
}

void wr_sink_tells_its_end(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    weir_error error;
    char got[64];
    bool end;

    int rc = wr_sink_ends(kit, &play, wr_lines_of(play.scope, "one\r\ntwo\n"), sink, &error, got,
                          sizeof got, &end);

    ck_assert_int_eq(rc, 0);
    weir_ledger ledger = ledger_of(weir_root(play.loop));
    MUST(error.code < 0 || ledger.delivered == 2);
    ck_assert_str_eq(got, "one\r\ntwo\n");
    ck_assert(end || kit->no_end);
    sink_end(kit, &play);
}

WEIR_SOURCE(two_then_failure, struct lines_args)
{
    weir_item item = weir_bytes(args->text, strlen(args->text));
    for (int i = 0; i < 2; i++) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return weir_fail(self, WEIR_EPARSE, "bad");
}

void wr_sink_delivers_before_failure(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    weir_error error;
    char got[64];
    bool end;

    int rc = wr_sink_ends(kit, &play, two_then_failure(play.scope, (struct lines_args){"x"}), sink,
                          &error, got, sizeof got, &end);

    ck_assert_int_eq(rc, WEIR_EPARSE);
    ck_assert_str_eq(got, "x\nx\n");
    sink_end(kit, &play);
}

struct filling {
    weir_sink *sink;
    uint64_t *put;
    uint64_t limit;
    int *rc;
    size_t item_bytes;
};

static weir_item filling_item(const struct filling *filling)
{
    static char line[4096];
    memset(line, 'x', sizeof line);
    return weir_bytes(line, filling->item_bytes - 1);
}

/* Put lines, until the limit or the end of the sink. */
static int fill_main(weir_scope *scope, void *args)
{
    struct filling *filling = args;
    weir_item item = filling_item(filling);
    (void)scope;
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += filling->item_bytes;
    }
    *filling->rc = weir_sink_finish(filling->sink, NULL);
    return 0;
}

static void fill(struct wr_sink_play *play, weir_sink *sink, uint64_t limit, uint64_t *put, int *rc)
{
    struct filling filling = {sink, put, limit, rc, 1000};
    *rc = 1;
    *put = 0;
    weir_spawn(play->scope, "filler", fill_main, &filling, sizeof filling);
    wr_suite_settle(play->loop);
}

void wr_sink_is_canceled_while_waiting(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    uint64_t put;
    int rc;
    fill(&play, sink, big_bytes(kit), &put, &rc);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);

    weir_scope_cancel(play.scope);
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? WEIR_ECANCELED : 0);
    sink_end(kit, &play);
}

void wr_sink_keeps_memory_bound(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    static char got[64 * 1024];
    uint64_t put;
    int rc;
    bool end = false;
    fill(&play, sink, big_bytes(kit), &put, &rc);
    ck_assert_uint_le(kit->waits ? put : 0, kit->kernel_bytes + 64 * 1024 + 1000);

    for (int i = 0; i < 100000 && !end && !(kit->no_end && rc <= 0); i++) {
        take_all(kit, &play, got, sizeof got, &end);
        ck_assert_uint_le(kit->waits ? put - WR_MIN(put, play.taken) : 0,
                          kit->kernel_bytes + 64 * 1024 + 1000);
        wr_loop_settle(play.loop);
    }
    for (int i = 0; i < 100 && rc > 0; i++) { /* a socket's peer may still reset what it has */
        wr_clock_advance(play.loop, 20);
        wr_loop_settle(play.loop);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(play.taken, put);
    ck_assert_uint_ge(put, big_bytes(kit));
    sink_end(kit, &play);
}

void wr_sink_flushes_before_idle(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    weir_item item = weir_bytes("alone", 5);
    char got[64];
    bool end;

    ck_assert(weir_put(sink, &item));
    wr_suite_settle(play.loop);

    take_all(kit, &play, got, sizeof got, &end);
    ck_assert_str_eq(got, "alone\n");
    weir_sink_discard(sink);
    sink_end(kit, &play);
}

/* Puts until the far end takes no more, then falls silent with the sink open and something still in
 * it. */
static int trickle_main(weir_scope *scope, void *args)
{
    struct filling *filling = args;
    weir_item item = filling_item(filling);
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += filling->item_bytes;
        char why[128];
        if (wr_pause(filling->sink->loop, NULL) < 0 ||
            filling->sink->ops->why(filling->sink, why, sizeof why) > 0) {
            break;
        }
    }
    (void)!weir_sleep(scope, 3600 * 1000);
    weir_sink_discard(filling->sink);
    return 0;
}

void wr_sink_gets_the_rest_out(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    static char got[64 * 1024];
    uint64_t put = 0, limit = kit->waits ? big_bytes(kit) : 16 * 1024;
    size_t item_bytes = WR_MAX(kit->kernel_bytes / 256, (size_t)64);
    struct filling filling = {sink, &put, limit, NULL, WR_MIN(item_bytes, (size_t)4096)};
    bool end;
    weir_spawn(play.scope, "trickle", trickle_main, &filling, sizeof filling);
    for (int i = 0; i < 50; i++) {
        wr_suite_settle(play.loop);
    }
    ck_assert(kit->waits ? put < limit : put == limit);

    for (int i = 0; i < 1000; i++) {
        take_all(kit, &play, got, sizeof got, &end);
        wr_loop_settle(play.loop);
    }

    ck_assert_uint_eq(play.taken, put);
    sink_end(kit, &play);
}

void wr_sink_tells_a_far_end_gone(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    uint64_t put;
    int rc;
    char got[64];
    bool end;
    fill(&play, sink, big_bytes(kit), &put, &rc);
    take_all(kit, &play, got, sizeof got, &end);

    if (kit->waits) {
        close(play.far);
        play.far = -1;
    }
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, !kit->waits ? 0 : kit->gone_code != 0 ? kit->gone_code : WEIR_ECLOSED);
    sink_end(kit, &play);
}
