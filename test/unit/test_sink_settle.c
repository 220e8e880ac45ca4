/*
 * With a state items settle when the reader of a stream has read them: pipes, sockets, and what the
 * kernel knows nothing of.
 * Labels: thread
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow_sink.h"
#include "loop_work.h"
#include "support_state.h"
#include "texts_state.h"

struct reading {
    struct fixture f;
    int far, fd; /* the reader's end, the sink's; -1: none */
    weir_sink *sink;
    int rc; /* of the pump; 1: it runs */
    weir_error error;
};

static int pump_main(weir_scope *scope, void *args)
{
    struct reading *r = *(struct reading **)args;
    struct fixture *f = &r->f;
    (void)scope;
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    r->rc = weir_pump(gen, r->sink, &r->error);
    return 0;
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Everything that can move now moves, the disk's worker too, and the clock stands still. */
static void settle(struct reading *r)
{
    struct weir_loop *loop = r->f.loop;
    loop->fds_waited++;
    for (int i = 0; i < 3; i++) {
        wr_loop_settle(loop);
        wr_work_wait(loop, "the disk's worker", nothing, NULL);
        wr_loop_settle(loop);
    }
    loop->fds_waited--;
}

/* The loop runs for so long, in steps of 10 ms. */
static void runs_for(struct reading *r, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        settle(r);
        wr_clock_advance(r->f.loop, 10);
    }
    settle(r);
}

/* The nine lines begin to go into the sink. */
static void pump_begins(struct reading *r)
{
    wr_folder_write(&r->f.folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    r->rc = 1;
    weir_spawn(r->f.scope, "pump", pump_main, &r, sizeof r);
    runs_for(r, 50);
}

/* A sink with the state, on a pipe that has the same numbers in each run. */
static void pipe_of_run(struct reading *r)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    r->far = dup3(ends[0], 100, O_CLOEXEC);
    r->fd = dup3(ends[1], 101, O_CLOEXEC);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(fcntl(r->far, F_SETFL, O_NONBLOCK), 0); /* in a sweep nothing may come */
    r->sink = weir_fd_sink(r->f.scope, r->fd);
    weir_sink_keep_state(r->sink, r->f.state);
}

static void pipe_begins(struct reading *r)
{
    begin(&r->f);
    pipe_of_run(r);
    pump_begins(r);
}

static void reading_ends(struct reading *r)
{
    end(&r->f);
    if (r->far >= 0) {
        close(r->far);
    }
    close(r->fd);
}

static void reads(struct reading *r, const char *expected)
{
    char got[64];
    size_t len = strlen(expected);
    ck_assert_int_eq(read(r->far, got, len), (ssize_t)len);
    ck_assert_int_eq(memcmp(got, expected, len), 0);
}

/* Settled items, as the record says. */
static uint64_t saved(struct reading *r)
{
    weir_error error;
    weir_record *record = weir_record_read(wr_folder_path(&r->f.folder, "s"), "p", &error);
    ck_assert_msg(record != NULL, "%s", error.message);
    uint64_t items = record->sources_count > 0 ? record->sources[0].items : 0;
    weir_record_free(record);
    return items;
}

TEST(item_settles_when_its_last_byte_has_been_read)
{
    struct reading r = {.rc = 1};
    pipe_begins(&r);
    runs_for(&r, 300);
    ck_assert_uint_eq(saved(&r), 0);

    reads(&r, "1\n2\n3");

    runs_for(&r, 300);
    ck_assert_uint_eq(saved(&r), 2);
    ck_assert_int_eq(r.rc, 1);
    reads(&r, "\n4\n5\n6\n7\n8\n9\n");
    runs_for(&r, 50);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_uint_eq(saved(&r), 9);
    reading_ends(&r);
}

TEST(next_run_begins_at_the_line_that_was_not_read_whole)
{
    struct reading r = {.rc = 1};
    pipe_begins(&r);
    reads(&r, "1\n2\n3");
    runs_for(&r, 300);
    ck_assert_uint_eq(saved(&r), 2);
    run_ends(&r.f);
    close(r.far);
    close(r.fd);

    run_begins(&r.f, "p");
    pipe_of_run(&r);
    r.rc = 1;
    struct reading *args = &r;
    weir_spawn(r.f.scope, "pump", pump_main, &args, sizeof args);
    runs_for(&r, 50);

    reads(&r, "3\n4\n5\n6\n7\n8\n9\n");
    reading_ends(&r);
}

TEST(reader_that_has_gone_makes_no_later_look_count)
{
    struct reading r = {.rc = 1};
    weir_ledger ledger;
    pipe_begins(&r);
    runs_for(&r, 20);
    reads(&r, "1\n2\n3\n4\n");

    close(r.far);
    r.far = -1;
    runs_for(&r, 300);

    ck_assert_int_eq(r.rc, WEIR_ECLOSED);
    ck_assert_uint_eq(saved(&r), 0);
    weir_scope_ledger(r.f.scope, &ledger);
    ck_assert_uint_eq(ledger.in_flight, 9);
    reading_ends(&r);
}

TEST(reader_that_reads_no_more_is_waited_for_as_long_as_a_drain_may_last)
{
    struct reading r = {.rc = 1};
    pipe_begins(&r);
    runs_for(&r, 9000);
    reads(&r, "1\n");
    runs_for(&r, 9500);
    ck_assert_int_eq(r.rc, 1);

    runs_for(&r, 600);

    ck_assert_int_eq(r.rc, WEIR_ELOST);
    ck_assert_str_eq(r.error.message, TEXT_STATE_READER_SLOW);
    ck_assert_uint_eq(saved(&r), 1);
    reading_ends(&r);
}

TEST(cancel_ends_the_wait_for_the_reader)
{
    struct reading r = {.rc = 1};
    pipe_begins(&r);
    runs_for(&r, 100);
    ck_assert_int_eq(r.rc, 1);

    weir_scope_cancel(r.f.scope);
    runs_for(&r, 100);

    ck_assert_int_eq(r.rc, WEIR_ELOST);
    ck_assert_ptr_nonnull(strstr(r.error.message, TEXT_STATE_READER_LEFT));
    reading_ends(&r);
}

static int commit_main(weir_scope *scope, void *args)
{
    struct reading *r = *(struct reading **)args;
    struct fixture *f = &r->f;
    weir_item item;
    (void)scope;
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    ck_assert(weir_next(gen, &item) && weir_put(r->sink, &item) && weir_commit(r->sink));
    r->rc = 0;
    weir_discard(gen);
    weir_sink_discard(r->sink);
    return 0;
}

TEST(commit_does_not_wait_for_the_reader)
{
    struct reading r = {.rc = 1}, *args = &r;
    begin(&r.f);
    pipe_of_run(&r);
    wr_folder_write(&r.f.folder, "in", "1\n2\n", 4);

    weir_spawn(r.f.scope, "commit", commit_main, &args, sizeof args);
    runs_for(&r, 10);

    ck_assert_int_eq(r.rc, 0);
    reading_ends(&r);
}

TEST(end_that_has_nothing_to_save_waits_for_nobody)
{
    struct reading r = {.rc = 1};
    weir_error error;
    begin(&r.f);
    pipe_of_run(&r);

    ck_assert_int_eq(weir_pump(weir_count(r.f.scope, 1, 3), r.sink, &error), 0);

    weir_ledger ledger;
    weir_scope_ledger(r.f.scope, &ledger);
    ck_assert_uint_eq(ledger.delivered, 3);
    reading_ends(&r);
}

TEST(what_is_written_to_a_file_behind_a_descriptor_has_settled)
{
    struct reading r = {.far = -1, .rc = 1};
    begin(&r.f);
    r.fd = open(wr_folder_path(&r.f.folder, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    r.sink = weir_fd_sink(r.f.scope, r.fd);
    weir_sink_keep_state(r.sink, r.f.state);

    pump_begins(&r);

    ck_assert_int_eq(r.rc, 0);
    ck_assert_uint_eq(saved(&r), 9);
    reading_ends(&r);
}

TEST(fifo_of_a_file_sink_settles_by_what_was_read)
{
    struct reading r = {.rc = 1, .fd = -1};
    signal(SIGPIPE, SIG_IGN);
    begin(&r.f);
    const char *path = wr_folder_path(&r.f.folder, "fifo");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    r.far = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    r.sink = weir_file_sink(r.f.scope, path, WEIR_OPTIONS(weir_file_options, .state = r.f.state));
    pump_begins(&r);
    runs_for(&r, 200);
    ck_assert_uint_eq(saved(&r), 0);

    reads(&r, "1\n2\n3\n4\n");

    runs_for(&r, 300);
    ck_assert_uint_eq(saved(&r), 4);
    reads(&r, "5\n6\n7\n8\n9\n");
    runs_for(&r, 50);
    ck_assert_int_eq(r.rc, 0);
    ck_assert_uint_eq(saved(&r), 9);
    reading_ends(&r);
}

TEST(unix_socket_settles_by_what_its_peer_has_read)
{
    struct reading r = {.rc = 1, .far = -1};
    begin(&r.f);
    r.sink = weir_socket_sink(r.f.scope, wr_far_listen(&r.f.folder, &r.fd), NULL);
    weir_sink_keep_state(r.sink, r.f.state);
    pump_begins(&r);
    r.far = accept4(r.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(r.far, 0);
    runs_for(&r, 200);
    ck_assert_uint_eq(saved(&r), 0);

    reads(&r, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    close(r.far);
    r.far = -1;
    runs_for(&r, 50);

    ck_assert_int_eq(r.rc, 0);
    ck_assert_uint_eq(saved(&r), 9);
    reading_ends(&r);
}

TEST(unix_peer_that_leaves_unread_bytes_has_settled_none_of_them)
{
    struct reading r = {.rc = 1, .far = -1};
    begin(&r.f);
    r.sink = weir_socket_sink(r.f.scope, wr_far_listen(&r.f.folder, &r.fd), NULL);
    weir_sink_keep_state(r.sink, r.f.state);
    pump_begins(&r);
    r.far = accept4(r.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(r.far, 0);

    close(r.far);
    r.far = -1;
    runs_for(&r, 300);

    ck_assert_int_eq(r.rc, WEIR_ELOST);
    ck_assert_uint_eq(saved(&r), 0);
    reading_ends(&r);
}

/* ---- words */

static char told[300];

static void watch(void *ctx, int delivery, const char *text)
{
    (void)ctx;
    (void)delivery;
    snprintf(told, sizeof told, "%s", text);
}

static void check_word(int fd, const char *address, const char *expected)
{
    struct fixture f;
    begin(&f);
    wr_folder_write(&f.folder, "in", "1\n", 2);
    weir_gen *gen = weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f.state));
    weir_sink *sink =
        address != NULL ? weir_socket_sink(f.scope, address, NULL) : weir_fd_sink(f.scope, fd);
    weir_item item;
    weir_sink_keep_state(sink, f.state);
    told[0] = '\0';
    weir_state_watch(f.state, watch, NULL);

    ck_assert(weir_next(gen, &item));

    ck_assert_str_eq(told, expected);
    weir_discard(gen);
    weir_sink_discard(sink);
    end(&f);
}

TEST(word_says_what_is_known_of_the_far_end)
{
    const char *local = TEXT_STATE_READER_HAD;
    const char *remote = TEXT_STATE_LOST_WITH_PEER;
    int ends[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    check_word(ends[1], NULL, local);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    check_word(ends[1], NULL, local);
    close(ends[0]);
    close(ends[1]);
    check_word(-1, "unix:/nowhere", local);
    check_word(-1, "tcp://127.0.0.1:1", remote);
    check_word(tcp, NULL, remote);
    check_word(null, NULL, TEXT_STATE_WRITTEN_AGAIN);
    close(tcp);
    close(null);
}

/* ---- a file beside it, which is far ahead */

static int pump_both(weir_scope *scope, void *args)
{
    struct reading *r = *(struct reading **)args;
    struct fixture *f = &r->f;
    (void)scope;
    weir_gen *gen = weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = f->state));
    weir_sink *sinks[2] = {weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                          WEIR_OPTIONS(weir_file_options, .state = f->state)),
                           r->sink};
    r->rc = weir_pump_all(gen, sinks, 2, NULL, &r->error);
    return 0;
}

enum { WIDE = 100, WIDE_LINES = 2600 };

static void write_wide_lines(struct reading *r, char *text)
{
    for (int i = 0; i < WIDE_LINES; i++) {
        snprintf(text + (size_t)i * WIDE, WIDE + 1, "%0*d\n", WIDE - 1, i);
    }
    wr_folder_write(&r->f.folder, "in", text, (size_t)WIDE_LINES * WIDE);
}

static void both_begin(struct reading *r, bool first)
{
    if (!first) {
        run_begins(&r->f, "p");
    }
    pipe_of_run(r);
    r->rc = 1;
    weir_spawn(r->f.scope, "pump", pump_both, &r, sizeof r);
    runs_for(r, 50);
}

/* The reader takes 100 lines, and the loop runs long enough to save. Returns the bytes that it got.
 */
static size_t reads_lines(struct reading *r, char *to)
{
    ssize_t n = read(r->far, to, (size_t)100 * WIDE);
    runs_for(r, 130);
    return n > 0 ? (size_t)n : 0;
}

TEST_WITHIN(positions_move_with_the_slow_one_of_two_sinks, 60)
{
    static char text[WIDE_LINES * WIDE + 1], got[WIDE_LINES * WIDE];
    struct reading r = {.rc = 1};
    if (wr_test_sweeps()) {
        return; /* other tests make the same calls */
    }
    begin(&r.f);
    write_wide_lines(&r, text);
    both_begin(&r, true);
    size_t len = 0, moved = 0;
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        len += reads_lines(&r, got + len);
        moved += saved(&r) > before;
        before = saved(&r);
        ck_assert_uint_le(before, len / WIDE); /* not what nobody has read */
        ck_assert_uint_ge(before + 1500, len / WIDE);
    }
    ck_assert_uint_ge(moved, 1);
    ck_assert_int_eq(r.rc, 1);
    weir_scope_cancel(r.f.scope);
    run_ends(&r.f);
    close(r.far);
    close(r.fd);

    /* The next run cuts the file to the moment that was saved, and writes each line once. */
    both_begin(&r, false);
    for (int i = 0; i < 100 && r.rc == 1; i++) {
        (void)reads_lines(&r, got);
    }
    ck_assert_msg(r.rc == 0, "%s", r.error.message);
    ck_assert_uint_eq(saved(&r), WIDE_LINES);
    size_t out_len;
    const char *out = wr_folder_read(&r.f.folder, "out", &out_len);
    ck_assert_uint_eq(out_len, (size_t)WIDE_LINES * WIDE);
    ck_assert_mem_eq(out, text, out_len);
    reading_ends(&r);
}

MAIN("sink/settle")
