/*
 * support_suites.c - the suites, and what their kits have in common.
 *
 * A test runs on the program's own stack and drives the loop by pulling, putting or settling it;
 * far ends that have to act meanwhile are tasks of the play's scope. The clock is virtual and
 * nothing sleeps.
 */
#include "support_suites.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"

enum { SETTLES = 200, BIG_BYTES = 8 * 1024 * 1024, SEND_PIECES = 64 };

/* ---- folders */

const char *wr_folder_path(const struct wr_folder *folder, const char *name)
{
    static char paths[4][160];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%.80s", folder->path, name);
    return path;
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char inner[512];
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(inner, sizeof inner, "%.200s/%.255s", path, entry->d_name);
            remove_all(inner);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)remove(path);
}

/* The name is the runner's, not the test's: what a test that was ended midway has left behind is
 * removed by the next. */
void wr_folder_make(struct wr_folder *folder)
{
    static int made;
    snprintf(folder->path, sizeof folder->path, "/tmp/weir-%.24s-%d-%d",
             program_invocation_short_name, (int)getppid(), made++);
    remove_all(folder->path);
    ck_assert_int_eq(mkdir(folder->path, 0700), 0);
}

void wr_folder_remove(struct wr_folder *folder)
{
    if (folder->path[0] != '\0') {
        remove_all(folder->path);
    }
}

void wr_folder_write(const struct wr_folder *folder, const char *name, const char *bytes,
                     size_t len)
{
    FILE *file = fopen(wr_folder_path(folder, name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

const char *wr_folder_read(const struct wr_folder *folder, const char *name, size_t *len)
{
    static char bytes[256 * 1024];
    FILE *file = fopen(wr_folder_path(folder, name), "r");
    if (file == NULL) {
        return NULL;
    }
    *len = fread(bytes, 1, sizeof bytes - 1, file);
    bytes[*len] = '\0';
    fclose(file);
    return bytes;
}

/* ---- far ends */

void wr_far_pair(int ends[2])
{
    int small = 16 * 1024;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (int i = 0; i < 2; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
}

struct sender {
    struct wr_source_play *play;
    struct wr_transport *transport;
};

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
    }
    to->ops->free(to);
    return 0;
}

void wr_far_send(struct wr_source_play *play, int fd)
{
    wr_fault_pause(true);
    weir_error error;
    struct sender sender = {play, wr_fd_transport(play->loop, fd, WR_FD_OWN, &error)};
    ck_assert_ptr_nonnull(sender.transport);
    weir_spawn(play->scope, "far end", send_main, &sender, sizeof sender);
    wr_fault_pause(false);
}

static weir_gen *source_begin(const struct wr_source_kit *kit, struct wr_source_play *play,
                              const weir_lines_options *options, const char *bytes, size_t times,
                              enum wr_far_end then)
{
    wr_fault_pause(true);
    play->loop = test_loop();
    play->scope = weir_scope_new(weir_root(play->loop), NULL);
    play->bytes = bytes;
    play->len = strlen(bytes);
    play->times = times;
    play->then = then;
    play->fd = play->far = -1;
    wr_folder_make(&play->folder);
    wr_fault_pause(false);
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

static void settle(weir_loop *loop)
{
    for (int i = 0; i < SETTLES; i++) {
        wr_loop_settle(loop);
    }
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
    settle(play.loop);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);
    ck_assert_uint_eq(count, 1);

    act(kit->waits ? play.scope : scope);
    settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? expected : 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    source_end(kit, &play);
}

void wr_source_is_canceled_while_waiting(const struct wr_source_kit *kit)
{
    read_and(kit, weir_scope_cancel, WEIR_ECANCELED);
}

void wr_source_stops_while_waiting(const struct wr_source_kit *kit)
{
    read_and(kit, weir_scope_stop, 0);
}

void wr_source_keeps_memory_bound(const struct wr_source_kit *kit)
{
    struct wr_source_play play = {0};
    static char line[] = "a line of thirty-two bytes, here\n";
    size_t times = (wr_test_sweeps() ? BIG_BYTES / 8 : BIG_BYTES) / (sizeof line - 1), count = 1, n;
    weir_gen *gen = source_begin(kit, &play, NULL, line, times, WR_FAR_ENDS);
    weir_item items[64];
    weir_error error;

    ck_assert(weir_next(gen, items));
    settle(play.loop);

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

/* ---- far ends of sinks */

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
    ck_assert_int_eq(weir_sink_finish(sink, &error), 0);
    take_all(kit, &play, got, sizeof got, &end);
    ck_assert_str_eq(got, "one\ntwo\r\n\ncut\nnext\nlone\r\nend");
    sink_end(kit, &play);
}

void wr_sink_tells_its_end(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    weir_error error;
    char got[64];
    bool end;

    ck_assert_int_eq(weir_pump(wr_lines_of(play.scope, "one\r\ntwo\n"), sink, &error), 0);

    weir_ledger ledger = ledger_of(weir_root(play.loop));
    MUST(error.code < 0 || ledger.delivered == 2);
    take_all(kit, &play, got, sizeof got, &end);
    ck_assert_str_eq(got, "one\r\ntwo\n");
    ck_assert(end);
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

    int rc = weir_pump(two_then_failure(play.scope, (struct lines_args){"x"}), sink, &error);

    ck_assert_int_eq(rc, WEIR_EPARSE);
    take_all(kit, &play, got, sizeof got, &end);
    ck_assert_str_eq(got, "x\nx\n");
    sink_end(kit, &play);
}

struct filling {
    weir_sink *sink;
    uint64_t *put;
    uint64_t limit;
    int *rc;
};

/* Put lines of 1000 bytes, until the limit or the end of the sink. */
static int fill_main(weir_scope *scope, void *args)
{
    struct filling *filling = args;
    char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, sizeof line - 1);
    (void)scope;
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += sizeof line;
    }
    *filling->rc = weir_sink_finish(filling->sink, NULL);
    return 0;
}

static void fill(struct wr_sink_play *play, weir_sink *sink, uint64_t limit, uint64_t *put, int *rc)
{
    struct filling filling = {sink, put, limit, rc};
    *rc = 1;
    *put = 0;
    weir_spawn(play->scope, "filler", fill_main, &filling, sizeof filling);
    settle(play->loop);
}

void wr_sink_is_canceled_while_waiting(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = sink_begin(kit, &play);
    uint64_t put;
    int rc;
    fill(&play, sink, BIG_BYTES, &put, &rc);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);

    weir_scope_cancel(play.scope);
    settle(play.loop);

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
    fill(&play, sink, BIG_BYTES, &put, &rc);
    ck_assert_uint_le(kit->waits ? put : 0, kit->kernel_bytes + 64 * 1024 + 1000);

    for (int i = 0; i < 100000 && !end; i++) {
        take_all(kit, &play, got, sizeof got, &end);
        ck_assert_uint_le(kit->waits ? put - WR_MIN(put, play.taken) : 0,
                          kit->kernel_bytes + 64 * 1024 + 1000);
        wr_loop_settle(play.loop);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(play.taken, put);
    ck_assert_uint_ge(put, BIG_BYTES);
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
    settle(play.loop);

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
    weir_item item =
        weir_bytes("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", 63);
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += 64;
        char why[128];
        if (wr_pause(filling->sink->loop) < 0 ||
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
    uint64_t put = 0, limit = kit->waits ? BIG_BYTES : 16 * 1024;
    struct filling filling = {sink, &put, limit, NULL};
    bool end;
    weir_spawn(play.scope, "trickle", trickle_main, &filling, sizeof filling);
    for (int i = 0; i < 50; i++) {
        settle(play.loop);
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
    fill(&play, sink, BIG_BYTES, &put, &rc);
    take_all(kit, &play, got, sizeof got, &end);

    if (kit->waits) {
        close(play.far);
        play.far = -1;
    }
    settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? WEIR_ECLOSED : 0);
    sink_end(kit, &play);
}
