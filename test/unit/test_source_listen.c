/*
 * test_source_listen.c - lines of several peers: their order, turns, ends and failures. The peers are
 * pairs of memory on a virtual clock; the last tests connect real sockets in one loop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_fault.h"
#include "source_listen.h"
#include "support_flow.h"
#include "support_folder.h"

enum { CAP = 256 * 1024 };

static weir_loop *loop;
static weir_gen *gen;
static struct wr_transport *far[8];
static size_t fars;
static char logged[4096];

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(logged);
    (void)ctx;
    (void)level;
    snprintf(logged + len, sizeof logged - len, "%s: %s\n", origin, text);
}

static void begin_with(const weir_listen_options *options, int64_t budget)
{
    const weir_loop_options how = {
        .struct_size = sizeof how, .budget_bytes = budget, .log = keep_log};
    logged[0] = '\0';
    fars = 0;
    loop = weir_loop_new(&how);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    gen = wr_listen_without_address(weir_root(loop), options, WEIR_FRAME_LINES);
    ck_assert_ptr_ne(gen, &wr_gen_no_memory);
}

/* A source for a framer, in place of the first one. */
static void listen_as_bytes(void)
{
    weir_discard(gen);
    gen = wr_listen_without_address(weir_root(loop), NULL, WEIR_FRAME_NONE);
    ck_assert_ptr_ne(gen, &wr_gen_no_memory);
}

static void begin(const weir_listen_options *options)
{
    begin_with(options, 0);
}

/* A peer connects. Returns its index. */
static size_t join_with(size_t cap)
{
    char name[32];
    struct wr_transport *ends[2];
    ck_assert_int_eq(wr_memory_pair(loop, cap, ends), 0);
    far[fars] = ends[1];
    snprintf(name, sizeof name, "peer %zu", fars);
    bool joined = wr_listen_join(gen, ends[0], name);
    if (!joined) {
        ends[1]->ops->free(ends[1]);
    }
    ck_assert(joined);
    return fars++;
}

static size_t join(void)
{
    return join_with(CAP);
}

static void send_bytes(size_t peer, const char *bytes, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    ck_assert_int_eq(far[peer]->ops->write(far[peer], &iov, 1), (int64_t)len);
}

static void say(size_t peer, const char *text)
{
    send_bytes(peer, text, strlen(text));
}

/* The same byte many times. */
static void fill(size_t peer, char byte, size_t len)
{
    char *bytes = malloc(len);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, byte, len);
    send_bytes(peer, bytes, len);
    free(bytes);
}

static void leave(size_t peer)
{
    far[peer]->ops->free(far[peer]);
    far[peer] = NULL;
}

static void end(void)
{
    weir_discard(gen);
    for (size_t i = 0; i < fars; i++) {
        if (far[i] != NULL) {
            leave(i);
        }
    }
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

/* The next item is this text. In a sweep a connection may be closed without it. */
static void must_give(const char *text)
{
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 3000), WEIR_GOT_ITEM);
    ck_assert_int_eq((int)item.len, (int)strlen(text));
    ck_assert_int_eq(memcmp(item.data, text, item.len), 0);
}

static void must_give_nothing_in(int64_t ms)
{
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, ms), WEIR_GOT_LATE);
}

static int stop_main(weir_scope *scope, void *args)
{
    if (weir_sleep(scope, *(int64_t *)args)) {
        weir_scope_stop(weir_root(loop));
    }
    return 0;
}

static bool is_said(const char *text)
{
    return strstr(logged, text) != NULL;
}

TEST(lines_of_a_peer_come_in_order)
{
    begin(NULL);
    size_t a = join();
    say(a, "one\ntwo\r\nthr");
    must_give("one");
    must_give("two");
    say(a, "ee\n");
    must_give("three");
    end();
}

TEST(each_line_has_its_peer)
{
    weir_item item;
    begin(NULL);
    size_t a = join(), b = join();
    say(a, "from a\n");
    say(b, "from b\n");
    for (int i = 0; i < 2; i++) {
        ck_assert(weir_next(gen, &item));
        weir_slice peer = weir_item_peer(&item);
        ck_assert_int_eq((int)peer.len, 6);
        ck_assert_int_eq(peer.data[5] - '0', item.data[5] - 'a');
        ck_assert_int_eq((int)item.seq, 1);
        ck_assert_str_eq(weir_origin_name(weir_root(loop), &item),
                         item.data[5] == 'a' ? "listen(peer 0)" : "listen(peer 1)");
    }
    end();
}

TEST(a_line_made_by_the_program_has_no_peer)
{
    weir_item item = weir_bytes("x", 1);
    ck_assert_int_eq((int)weir_item_peer(&item).len, 0);
}

TEST(who_sends_without_pause_gives_one_block_a_turn)
{
    weir_item item;
    size_t before = 0;
    begin(NULL);
    size_t greedy = join(), quiet = join();
    char *many = malloc(CAP);
    ck_assert_ptr_nonnull(many);
    memset(many, 'x', CAP);
    for (size_t i = 99; i < CAP; i += 100) {
        many[i] = '\n';
    }
    send_bytes(greedy, many, CAP);
    free(many);
    say(quiet, "me\n");
    while (weir_next(gen, &item) && item.data[0] == 'x') {
        before++;
    }
    ck_assert_int_eq((int)item.len, 2);
    ck_assert_uint_le(before, 128 * 1024 / 100 + 1);
    end();
}

TEST(unfinished_lines_need_small_blocks)
{
    begin(NULL);
    for (int i = 0; i < 8; i++) {
        say(join(), "half");
    }
    say(0, " done\n");
    must_give("half done");
    must_give_nothing_in(5);
    ck_assert_int_le(loop->budget.used, 8 * 2048);
    end();
}

TEST(bytes_one_by_one_are_lines)
{
    static const char text[] = "ab\ncd\nef\n";
    begin(NULL);
    size_t a = join(), b = join();
    for (size_t i = 0; i < sizeof text - 1; i++) {
        send_bytes(a, text + i, 1);
        send_bytes(b, text + i, 1);
        if (text[i] == '\n') {
            char line[3] = {text[i - 2], text[i - 1]};
            must_give(line);
            must_give(line);
        } else {
            must_give_nothing_in(1);
        }
    }
    end();
}

TEST(half_a_line_at_the_end_is_given_as_such)
{
    weir_item item;
    begin(NULL);
    size_t a = join(), b = join();
    say(a, "half");
    leave(a);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq((int)item.len, 4);
    ck_assert_uint_eq(item.flags, WEIR_ITEM_NO_EOL);
    say(b, "whole\n");
    must_give("whole");
    end();
}

TEST(nothing_is_read_that_was_not_asked_for)
{
    struct iovec iov = {(void *)(uintptr_t) "12345678", 8};
    begin(NULL);
    size_t a = join_with(8);
    say(a, "1234567\n");
    ck_assert(weir_sleep(weir_root(loop), 10));
    ck_assert_int_eq(far[a]->ops->write(far[a], &iov, 1), WR_AGAIN);
    must_give("1234567");
    ck_assert_int_eq(far[a]->ops->write(far[a], &iov, 1), 8);
    end();
}

TEST(a_silent_peer_is_closed)
{
    struct iovec iov = {(void *)(uintptr_t) "x", 1};
    begin(WEIR_OPTIONS(weir_listen_options, .idle_ms = 1000));
    size_t a = join(), b = join();
    say(a, "half");
    must_give_nothing_in(900);
    say(b, "here\n");
    must_give("here");
    must_give_nothing_in(200);
    ck_assert_int_eq(far[b]->ops->write(far[b], &iov, 1), 1);
    must_give_nothing_in(850);
    ck_assert(is_said("peer 0: no data for 1000 ms, 4 bytes of an unfinished line"));
    ck_assert_int_eq(far[a]->ops->write(far[a], &iov, 1), WEIR_ECLOSED);
    end();
}

TEST(an_endless_line_ends_nothing)
{
    uint64_t rejected;
    begin(WEIR_OPTIONS(weir_listen_options, .line_bytes_max = 100));
    size_t a = join(), b = join();
    fill(a, 'x', 150000);
    say(b, "intact\n");
    must_give("intact");
    fill(a, 'x', 100000);
    say(a, "\nnext\n");
    must_give("next");
    rejected = gen->rejected;
    ck_assert_uint_eq(rejected, 1);
    ck_assert(is_said("peer 0: the line at byte 0 is longer than the limit of 100 bytes: skipped"));
    end();
}

/* Cut by varints, which a peer can break. */
static void frame(int32_t overlong)
{
    const weir_framing framing = {
        .struct_size = sizeof framing, .kind = WEIR_FRAME_VARINT, .overlong = overlong};
    listen_as_bytes();
    weir_gen *framed = weir_framed(gen, &framing);
    ck_assert_ptr_eq(framed, gen);
}

TEST(what_a_framer_cannot_read_ends_its_peer_only)
{
    weir_item item;
    begin(NULL);
    frame(WEIR_LONG_SKIP);
    size_t a = join(), b = join();
    say(a, "\x02"
           "ok");
    fill(a, '\xff', 20);
    say(b, "\x03yes");
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));
    must_give_nothing_in(1);
    ck_assert_uint_eq(gen->rejected, 1);
    ck_assert(is_said("peer 0: record 2 (at byte 3): "));
    say(b, "\x02my");
    must_give("my");
    end();
}

TEST(or_fails_the_source_if_wanted)
{
    weir_item item;
    weir_error error;
    begin(NULL);
    frame(WEIR_LONG_FAILS);
    size_t a = join();
    fill(a, '\xff', 20);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    gen = NULL;
    end();
}

TEST(bytes_of_several_peers_are_not_mixed)
{
    weir_item item;
    weir_error error;
    begin(NULL);
    listen_as_bytes();
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    gen = NULL;
    end();
}

TEST(a_stop_gives_what_was_received)
{
    weir_item item;
    weir_error error;
    begin(NULL);
    size_t a = join(), b = join();
    say(a, "1\n2\n3\nhalf");
    say(b, "part");
    must_give("1");
    weir_scope_stop(weir_root(loop));
    say(a, " more\n");
    must_give("2");
    must_give("3");
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert(is_said("stopped while 1 peers were inside an item: 4 bytes were not given"));
    gen = NULL;
    end();
}

TEST(a_stop_ends_a_wait)
{
    weir_item item;
    begin(NULL);
    (void)join();
    int64_t ms = 10;
    wr_fault_pause(true);
    weir_spawn(weir_root(loop), "stop", stop_main, &ms, sizeof ms);
    wr_fault_pause(false);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    gen = NULL;
    end();
}

TEST(unfinished_lines_cannot_use_up_the_budget)
{
    begin_with(WEIR_OPTIONS(weir_listen_options, .line_bytes_max = WEIR_NONE), 256 * 1024);
    size_t a = join(), b = join(), c = join();
    fill(a, 'a', 60000);
    fill(b, 'b', 90000);
    must_give_nothing_in(1);
    for (int i = 0; i < 4; i++) {
        fill(a, 'a', 10000);
        fill(b, 'b', 30000);
        must_give_nothing_in(1);
        if (is_said("its unfinished line of")) {
            break;
        }
    }
    ck_assert(is_said("peer 1: the byte budget is used up"));
    ck_assert_uint_eq(gen->rejected, 1);
    say(c, "still here\n");
    must_give("still here");
    say(a, "\n");
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(item.data[0], 'a');
    end();
}

/* ---- real sockets */

static char place[256];

static void keep_place(void *ctx, const char *address)
{
    (void)ctx;
    snprintf(place, sizeof place, "%s", address);
}

static void begin_at(const char *address, const weir_listen_options *options)
{
    const weir_loop_options how = {.struct_size = sizeof how, .log = keep_log};
    weir_listen_options all = {.struct_size = sizeof all};
    if (options != NULL) {
        all = *options;
    }
    all.listening = keep_place;
    logged[0] = place[0] = '\0';
    fars = 0;
    loop = weir_loop_new(&how);
    ck_assert_ptr_nonnull(loop);
    gen = weir_listen_lines(weir_root(loop), address, &all);
}

/* It listens after this. */
static void pull_once(void)
{
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
    ck_assert_str_ne(place, "");
}

static void connect_one(const char *scheme)
{
    char address[300];
    weir_error error;
    snprintf(address, sizeof address, "%s%s", scheme, place);
    far[fars] = wr_connect(loop, address, 5000, NULL, &error);
    ck_assert_ptr_nonnull(far[fars]);
    fars++;
}

TEST(it_listens_on_a_free_port_of_this_machine)
{
    begin_at("tcp://:0", NULL);
    pull_once();
    ck_assert_int_eq(strncmp(place, "127.0.0.1:", 10), 0);
    ck_assert(is_said("tcp-listen: listening on 127.0.0.1:"));
    connect_one("tcp://");
    say(0, "hello\n");
    must_give("hello");
    end();
}

TEST(above_the_limit_peers_wait)
{
    begin_at("tcp://:0", WEIR_OPTIONS(weir_listen_options, .peers_max = 1));
    pull_once();
    connect_one("tcp://");
    say(0, "first\n");
    must_give("first");
    connect_one("tcp://");
    say(1, "second\n");
    must_give_nothing_in(1);
    say(0, "first again\n");
    must_give("first again");
    leave(0);
    must_give("second");
    ck_assert(is_said("1 peers are connected, which is the limit"));
    end();
}

TEST(a_local_socket_is_made_and_removed)
{
    struct wr_folder folder;
    struct stat info;
    char address[300];
    const char *path;
    wr_folder_make(&folder);
    path = wr_folder_path(&folder, "s");
    snprintf(address, sizeof address, "unix:%s", path);
    begin_at(address, NULL);
    pull_once();
    ck_assert_str_eq(place, path);
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    connect_one("unix:");
    say(0, "hello\n");
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 3000), WEIR_GOT_ITEM);
    ck_assert_int_eq(strncmp(weir_item_peer(&item).data, "pid ", 4), 0);
    end();
    ck_assert_int_eq(lstat(path, &info), -1);
    wr_folder_remove(&folder);
}

TEST(nothing_is_replaced_on_which_somebody_listens)
{
    struct wr_folder folder;
    char address[300];
    const char *path;
    weir_item item;
    weir_error error;
    wr_folder_make(&folder);
    path = wr_folder_path(&folder, "s");
    snprintf(address, sizeof address, "unix:%s", path);
    begin_at(address, NULL);
    pull_once();
    weir_gen *other = weir_listen_lines(weir_root(loop), address, NULL);
    ck_assert(!weir_next(other, &item));
    ck_assert_int_eq(weir_finish(other, &error), WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "another process listens there"));
    connect_one("unix:");
    end();
    wr_folder_remove(&folder);
}

TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        const char *address;
        weir_listen_options options;
    } all[] = {
        {"127.0.0.1:80", {.struct_size = sizeof all[0].options}},
        {"tls://:0", {.struct_size = sizeof all[0].options}},
        {"tcp://:0", {.struct_size = sizeof all[0].options, .cert_file = "x"}},
        {"tcp://:0", {.struct_size = sizeof all[0].options, .mode = 0600}},
        {"unix:s", {.struct_size = sizeof all[0].options, .mode = 01000}},
        {"tcp://:0", {.struct_size = sizeof all[0].options, .peers_max = -2}},
        {"tcp://example.org:0", {.struct_size = sizeof all[0].options}},
    };
    weir_item item;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        loop = test_loop();
        gen = weir_listen_lines(weir_root(loop), all[i].address, &all[i].options);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
        weir_loop_free(loop);
    }
}

MAIN("source/listen")
