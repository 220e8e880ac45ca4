/*
 * What a record says and when it is saved: at an end without items, after a failure, after a save
 * that has failed; and what is said where the disk fails.
 * Labels: thread
 */
#include <errno.h>
#include <string.h>

#include "flow_sink.h"
#include "flow_state_inside.h"
#include "support_state.h"
#include "texts_state.h"

static const char nine_lines[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

static weir_gen *lines_in(struct fixture *f)
{
    wr_folder_write(&f->folder, "in", nine_lines, sizeof nine_lines - 1);
    return weir_file_lines(
        f->scope, wr_folder_path(&f->folder, "in"),
        WEIR_OPTIONS(weir_lines_options, .state = f->state, .line_bytes_max = 1));
}

static const char *record_of(struct fixture *f)
{
    size_t len;
    const char *text = wr_folder_read(&f->folder, "s/p.weir", &len);
    return text != NULL ? text : "";
}

#define RECORD_SAYS(f, text)                                         \
    do {                                                             \
        const char *record_ = record_of(f);                          \
        ck_assert_msg(strstr(record_, text) != NULL, "%s", record_); \
    } while (0)

/* A sink that keeps a state and fails at the put number fail_at. */
struct failing {
    int fail_at, puts;
};

static int failing_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct failing *failing = self;
    (void)items;
    (void)count;
    return ++failing->puts == failing->fail_at
               ? weir_sink_error(sink, WEIR_EUSER, 0, "put number %d", failing->puts)
               : 0;
}

static weir_sink *failing_sink(struct fixture *f, int fail_at)
{
    static const weir_sink_ops ops = {
        .struct_size = sizeof ops, .name = "failing", .put_many = failing_put};
    struct failing failing = {fail_at, 0};
    weir_sink *sink = weir_sink_new(f->scope, &ops, &failing, sizeof failing);
    weir_sink_keep_state(sink, f->state);
    return sink;
}

/* So many lines of `gen`, one by one. */
static bool put_lines(weir_gen *gen, weir_sink *sink, int count)
{
    weir_item item;
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        ok = weir_next(gen, &item) && weir_put(sink, &item);
    }
    return ok;
}

/* ---- when */

TEST(sink_that_got_nothing_saves_where_its_source_has_ended)
{
    struct fixture f;
    begin(&f);
    weir_gen *gen = weir_grep(lines_in(&f), "none");

    ck_assert_int_eq(weir_pump(gen, failing_sink(&f, 0), NULL), 0);

    RECORD_SAYS(&f, "\nsink 0 failing\nsource ");
    RECORD_SAYS(&f, "\nitems 9\nfinished\nposition offset 18 ");
    end(&f);
}

TEST(commit_before_a_failure_of_the_sink_is_saved)
{
    struct fixture f;
    begin(&f);
    weir_gen *gen = lines_in(&f);
    weir_sink *sink = failing_sink(&f, 3);
    ck_assert(put_lines(gen, sink, 2));
    ck_assert(!put_lines(gen, sink, 1)); /* soon after the record was first saved */

    ck_assert_int_eq(weir_sink_finish(sink, NULL), WEIR_EUSER);

    RECORD_SAYS(&f, "\nitems 2\nposition offset 4 ");
    weir_discard(gen);
    end(&f);
}

TEST(items_put_to_a_sink_whose_state_cannot_be_used_stay_in_flight)
{
    struct fixture f;
    wr_folder_make(&f.folder);
    run_begins(&f, "no/name");
    weir_gen *gen = count_to(f.scope, 3);
    weir_sink *sink = failing_sink(&f, 0);
    weir_item item;

    ck_assert(!put_lines(gen, sink, 1));

    ck_assert(weir_next(gen, &item)); /* asks past it */
    ck_assert_int_eq(weir_sink_finish(sink, NULL), WEIR_EINVAL);
    ck_assert_uint_eq(ledger_of(f.scope).delivered, 0);
    weir_discard(gen);
    end(&f);
}

/* ---- what it says */

TEST(lines_left_out_are_no_items_in_a_record)
{
    struct fixture f;
    begin(&f);
    wr_folder_write(&f.folder, "in", "1\nlong\n2\n", 9);
    weir_gen *gen =
        weir_file_lines(f.scope, wr_folder_path(&f.folder, "in"),
                        WEIR_OPTIONS(weir_lines_options, .state = f.state, .line_bytes_max = 1));

    ck_assert_int_eq(weir_pump(gen, failing_sink(&f, 0), NULL), 0);

    RECORD_SAYS(&f, "\nitems 2\n");
    end(&f);
}

TEST(source_that_was_read_to_its_end_is_not_finished_while_an_item_is_held)
{
    struct fixture f;
    weir_item item, kept;
    begin(&f);
    weir_gen *gen = lines_in(&f);
    weir_sink *sink = failing_sink(&f, 0);
    ck_assert(put_lines(gen, sink, 1));
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);

    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);

    RECORD_SAYS(&f, "\nitems 1\nposition offset 2 ");
    weir_item_abandon(&kept);
    end(&f);
}

TEST(length_of_a_file_that_was_not_opened_yet_stays_in_the_record)
{
    struct fixture f;
    begin_with(&f, 2);
    run_begins(&f, "p");
    weir_gen *gen = weir_grep(lines_in(&f), "9");
    weir_sink *sink = weir_file_sink(f.scope, wr_folder_path(&f.folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = f.state));
    weir_item item;
    ck_assert(weir_next(gen, &item)); /* all before it are filtered */
    for (int i = 0; i < 5; i++) {
        ck_assert(weir_sleep(f.scope, 100));
        wr_state_wait(f.state);
    }

    RECORD_SAYS(&f, "\nsink 4 ");
    RECORD_SAYS(&f, "\nitems 8\n");
    weir_sink_discard(sink);
    weir_discard(gen);
    end(&f);
}

/* ---- a disk that fails */

static struct {
    const char *name; /* of the file whose call fails */
    int fd;           /* of that file, when it is open; -1: it is not */
    int calls;        /* that have failed */
} faulty;

static int open_noted(int folder, const char *path, int flags, mode_t mode)
{
    int fd = wr_disk_real.open(folder, path, flags, mode);
    if (faulty.name != NULL && strcmp(path, faulty.name) == 0) {
        faulty.fd = fd;
    }
    return fd;
}

static int close_fails(int fd)
{
    int rc = wr_disk_real.close(fd);
    if (fd != faulty.fd) {
        return rc;
    }
    faulty.fd = -1;
    faulty.calls++;
    errno = EIO;
    return -1;
}

static int sync_fails(int fd)
{
    if (fd != faulty.fd) {
        return wr_disk_real.sync(fd);
    }
    faulty.fd = -1;
    faulty.calls++;
    errno = EIO;
    return -1;
}

static int sync_data_has_none(int fd)
{
    (void)fd;
    faulty.calls++;
    errno = EINVAL;
    return -1;
}

static void begin_on(struct fixture *f, const struct wr_disk *disk, const char *name)
{
    wr_folder_make(&f->folder);
    run_begins(f, "p");
    run_ends(f);
    faulty.name = name;
    faulty.fd = -1;
    faulty.calls = 0;
    f->loop = test_loop();
    f->loop->disk = disk;
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
    f->state = weir_state_open(f->scope, wr_folder_path(&f->folder, "s"), "p");
}

TEST(record_that_cannot_be_closed_is_told)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    weir_error error;
    disk.open = open_noted;
    disk.close = close_fails;
    begin_on(&f, &disk, "p.weir.new");

    ck_assert_int_eq(copy(&f, 2, &error), WEIR_EIO);

    ck_assert_str_eq(error.message, TEXT_STATE_CLOSE_FAILS);
    ck_assert_int_gt(faulty.calls, 0);
    end(&f);
}

TEST(sink_that_cannot_be_synced_at_all_is_a_device)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    weir_error error;
    disk.sync_data = sync_data_has_none;
    begin_on(&f, &disk, NULL);

    int rc = copy(&f, 2, &error);

    ck_assert_msg(rc == 0, "%s", error.message);
    ck_assert_int_gt(faulty.calls, 0);
    end(&f);
}

TEST(save_that_has_failed_is_tried_again_by_itself)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    disk.open = open_noted;
    disk.sync = sync_fails;
    begin_on(&f, &disk, NULL);
    weir_gen *gen = lines_in(&f);
    weir_sink *sink = failing_sink(&f, 0);
    ck_assert(put_lines(gen, sink, 1));
    faulty.name = "p.weir.new";
    ck_assert(put_lines(gen, sink, 2));
    weir_item item;
    ck_assert(weir_next(gen, &item)); /* and nothing more is put */
    for (int i = 0; i < 20 && faulty.calls == 0; i++) {
        ck_assert(weir_sleep(f.scope, 100));
        wr_state_wait(f.state);
    }
    faulty.name = NULL;
    ck_assert_int_eq(faulty.calls, 1);

    for (int i = 0; i < 20; i++) {
        ck_assert(weir_sleep(f.scope, 100));
        wr_state_wait(f.state);
    }

    RECORD_SAYS(&f, "\nitems 3\n");
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_discard(gen);
    end(&f);
}

static int rename_counted(int folder, const char *from, const char *to)
{
    faulty.calls++;
    return wr_disk_real.rename(folder, from, to);
}

TEST(commits_that_follow_each_other_are_saved_at_most_every_100_ms)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    weir_item item;
    disk.rename = rename_counted;
    begin_on(&f, &disk, NULL);
    weir_gen *gen = lines_in(&f);
    weir_sink *sink = failing_sink(&f, 0);
    ck_assert(put_lines(gen, sink, 1));
    for (int i = 0; i < 7; i++) {
        ck_assert(
            weir_next(gen, &item)); /* the one before has settled: each commit could be saved */
        ck_assert(weir_commit(sink));
        wr_state_wait(f.state);
        ck_assert(weir_put(sink, &item));
    }

    ck_assert_int_le(faulty.calls, 2); /* the record of the beginning */
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);
    weir_discard(gen);
    end(&f);
}

TEST(folder_of_the_state_folder_is_synced_again_until_it_could_be)
{
    struct wr_disk disk = wr_disk_real;
    struct fixture f;
    weir_error error;
    disk.open = open_noted;
    disk.sync = sync_fails;
    begin_on(&f, &disk, "..");
    weir_gen *gen = lines_in(&f);
    weir_sink *sink = failing_sink(&f, 0);
    ck_assert(!put_lines(gen, sink, 1));
    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_EIO);
    ck_assert_str_eq(error.message, TEXT_STATE_SYNC_FAILS);

    sink = failing_sink(&f, 0);
    ck_assert(!put_lines(gen, sink, 1));

    ck_assert_int_eq(faulty.calls, 2);
    (void)!weir_sink_finish(sink, NULL);
    weir_discard(gen);
    end(&f);
}

MAIN("flow/state_saves")
