/*
 * Lines to a file: appending, full disks. What a state adds is in test_flow_state.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "support_suites.h"
#include "texts_state.h"

struct fixture {
    weir_loop *loop;
    struct wr_folder folder;
};

static void begin(struct fixture *f)
{
    f->loop = test_loop();
    wr_folder_make(&f->folder);
}

static void end(struct fixture *f)
{
    weir_loop_free(f->loop);
    wr_folder_remove(&f->folder);
}

static int pump(struct fixture *f, weir_gen *gen, weir_error *error)
{
    return weir_pump(
        gen, weir_file_sink(weir_root(f->loop), wr_folder_path(&f->folder, "out"), NULL), error);
}

TEST(appends_to_what_is_there)
{
    struct fixture f;
    size_t len;
    begin(&f);
    wr_folder_write(&f.folder, "out", "old\n", 4);

    ck_assert_int_eq(pump(&f, wr_lines_of(weir_root(f.loop), "new\n"), NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "old\nnew\n");
    end(&f);
}

TEST(reopening_leaves_a_renamed_file_alone)
{
    struct fixture f;
    size_t len;
    char old[300];
    begin(&f);
    snprintf(old, sizeof old, "%s", wr_folder_path(&f.folder, "old"));
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL);
    weir_item one = weir_bytes("1", 1), two = weir_bytes("2", 1), three = weir_bytes("3", 1);

    ck_assert(weir_put(sink, &one) && weir_commit(sink) && weir_put(sink, &two));
    ck_assert_int_eq(rename(wr_folder_path(&f.folder, "out"), old), 0);
    weir_loop_reopen_files(f.loop);
    ck_assert(weir_put(sink, &three));
    ck_assert_int_eq(weir_sink_finish(sink, NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "old", &len), "1\n2\n");
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "3\n");
    end(&f);
}

TEST(reopening_a_file_that_cannot_be_opened_is_a_failure)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    mkdir(wr_folder_path(&f.folder, "logs"), 0755);
    weir_sink *sink =
        weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "logs/out"), NULL);
    weir_item one = weir_bytes("1", 1);

    ck_assert(weir_put(sink, &one) && weir_commit(sink));
    unlink(wr_folder_path(&f.folder, "logs/out"));
    rmdir(wr_folder_path(&f.folder, "logs"));
    weir_loop_reopen_files(f.loop);
    ck_assert(!weir_put(sink, &one));

    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_EIO);
    ck_assert_int_eq(error.detail, ENOENT);
    end(&f);
}

TEST(empty_stream_makes_an_empty_file)
{
    struct fixture f;
    size_t len;
    begin(&f);

    ck_assert_int_eq(pump(&f, wr_lines_of(weir_root(f.loop), ""), NULL), 0);

    ck_assert_ptr_nonnull(wr_folder_read(&f.folder, "out", &len));
    ck_assert_uint_eq(len, 0);
    end(&f);
}

TEST(unused_sink_makes_no_file)
{
    struct fixture f;
    size_t len;
    begin(&f);

    weir_sink_discard(weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL));

    MUST(wr_folder_read(&f.folder, "out", &len) == NULL);
    end(&f);
}

TEST(source_that_fails_at_once_leaves_no_file)
{
    struct fixture f;
    size_t len;
    weir_error error;
    begin(&f);
    weir_gen *gen = weir_file_lines(weir_root(f.loop), wr_folder_path(&f.folder, "none"), NULL);
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL);

    ck_assert_int_eq(weir_pump(gen, sink, &error), WEIR_EIO);

    MUST(wr_folder_read(&f.folder, "out", &len) == NULL);
    end(&f);
}

TEST(path_that_cannot_be_opened_is_told)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "no/out"), NULL);

    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(f.loop), "x\n"), sink, &error), WEIR_EIO);

    ck_assert_int_eq(error.detail, ENOENT);
    ck_assert_str_eq(error.origin, "file");
    end(&f);
}

/* The k-th call fails, a write as on a full disk: the failure names what is good, and that is what
 * is there. False: there are fewer calls. */
static bool fill_disk(uint64_t k, long long *good)
{
    struct fixture f;
    weir_error error;
    struct stat info;
    *good = -1;
    begin(&f);
    weir_gen *gen = weir_count(weir_root(f.loop), 1, 100000);
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL);
    wr_fault_set(k, false);
    int rc = weir_pump(gen, sink, &error);
    const char *point = wr_fault_name();
    wr_fault_set(0, false);

    if (point != NULL && strcmp(point, "write") == 0) {
        ck_assert_int_eq(rc, WEIR_EIO);
        ck_assert_int_eq(error.detail, ENOSPC);
        const char *text = strstr(error.message, TEXT_STATE_FIRST);
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(sscanf(text, TEXT_STATE_COMPLETE, good), 1);
        ck_assert_int_eq(stat(wr_folder_path(&f.folder, "out"), &info), 0);
        ck_assert_int_eq(info.st_size, *good);
    }
    end(&f);
    return point != NULL;
}

TEST(full_disk_names_the_good_bytes)
{
    long long good = 0, most = 0;
    for (uint64_t k = 1; !wr_test_sweeps() && fill_disk(k, &good); k++) {
        most = WR_MAX(most, good);
    }
    ck_assert(wr_test_sweeps() || most > 100000);
}

/* ---- others at the same file */

enum { TEXT_MAX = 512 };

static void keep_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)level;
    (void)origin;
    snprintf(ctx, TEXT_MAX, "%s", message);
}

/* A line is put and committed, somebody else does `what` to the file, another line is put. What
 * finishing gives; in `text` what was said: of a failure, or in the log. */
static int meddle(void (*what)(const char *path), bool keeps_state, char *text)
{
    struct fixture f;
    weir_error error;
    weir_item item;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "one\none\n", 8);
    f.loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_log, .log_ctx = text));
    ck_assert_ptr_nonnull(f.loop);
    text[0] = '\0';
    weir_state *state =
        keeps_state ? weir_state_open(weir_root(f.loop), wr_folder_path(&f.folder, "s"), "p")
                    : NULL;
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = state));
    weir_gen *gen = weir_file_lines(weir_root(f.loop), wr_folder_path(&f.folder, "in"),
                                    WEIR_OPTIONS(weir_lines_options, .state = state));
    ck_assert(weir_next(gen, &item) && weir_put(sink, &item) && weir_commit(sink));
    what(wr_folder_path(&f.folder, "out"));
    (void)!(weir_next(gen, &item) && weir_put(sink, &item));
    int rc = weir_sink_finish(sink, &error);
    weir_discard(gen);
    if (rc < 0) {
        snprintf(text, TEXT_MAX, "%s", error.message);
    }
    end(&f);
    return rc;
}

static void cut_it(const char *path)
{
    MUST(truncate(path, 1) == 0);
}

static void remove_it(const char *path)
{
    MUST(unlink(path) == 0);
}

static void write_to_it(const char *path)
{
    FILE *file = fopen(path, "a");
    MUST(file != NULL && fputs("stranger\n", file) >= 0 && fclose(file) == 0);
}

static void leave_it(const char *path)
{
    (void)path;
}

TEST(with_a_state_the_file_is_nobody_elses)
{
    char text[TEXT_MAX];
    ck_assert_int_eq(meddle(leave_it, true, text), 0);
    ck_assert_int_eq(meddle(cut_it, true, text), WEIR_ECHANGED);
    ck_assert_ptr_nonnull(strstr(text, TEXT_STATE_WRITTEN("5")));
    ck_assert_int_eq(meddle(write_to_it, true, text), WEIR_ECHANGED);
    ck_assert_ptr_nonnull(strstr(text, TEXT_STATE_WRITTEN("17")));
    ck_assert_int_eq(meddle(remove_it, true, text), WEIR_ECHANGED);
    ck_assert_ptr_nonnull(strstr(text, TEXT_STATE_REMOVED));
}

TEST(without_a_state_what_others_take_away_is_a_warning)
{
    char text[TEXT_MAX];
    ck_assert_int_eq(meddle(leave_it, false, text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(meddle(write_to_it, false, text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(meddle(cut_it, false, text), 0);
    ck_assert_ptr_nonnull(strstr(text, TEXT_STATE_BYTES_OF));
    ck_assert_int_eq(meddle(remove_it, false, text), 0);
    ck_assert_ptr_nonnull(strstr(text, TEXT_STATE_BYTES_GONE));
}

/* ---- fifos */

struct fifo_args {
    struct fixture *f;
    long count;
};

static int fifo_task(weir_scope *scope, void *args)
{
    struct fifo_args *a = args;
    weir_error error;
    weir_gen *gen = weir_count(scope, 1, a->count);
    return weir_pump(gen, weir_file_sink(scope, wr_folder_path(&a->f->folder, "fifo"), NULL),
                     &error);
}

/* A task that writes the numbers up to count to a fifo. */
static weir_scope *begin_fifo(struct fixture *f, long count)
{
    begin(f);
    ck_assert_int_eq(mkfifo(wr_folder_path(&f->folder, "fifo"), 0600), 0);
    weir_scope *scope = weir_scope_new(weir_root(f->loop), NULL);
    struct fifo_args args = {f, count};
    weir_spawn(scope, "fifo", fifo_task, &args, sizeof args);
    return scope;
}

static int open_reader(struct fixture *f)
{
    int fd = open(wr_folder_path(&f->folder, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

TEST(a_fifo_that_nobody_reads_is_waited_for)
{
    struct fixture f;
    weir_error error;
    char got[16] = "";
    weir_scope *scope = begin_fifo(&f, 3);

    ck_assert(weir_sleep(weir_root(f.loop), 500));
    ck_assert_uint_eq(scope->live, 1);
    int fd = open_reader(&f);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);

    ck_assert_int_eq(read(fd, got, sizeof got - 1), 6);
    ck_assert_str_eq(got, "1\n2\n3\n");
    ck_assert_int_eq(read(fd, got, 1), 0);
    close(fd);
    end(&f);
}

TEST(a_cancel_ends_the_wait_for_the_reader_of_a_fifo)
{
    struct fixture f;
    weir_error error;
    weir_scope *scope = begin_fifo(&f, 3);

    ck_assert(weir_sleep(weir_root(f.loop), 500));
    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    end(&f);
}

TEST(an_empty_stream_opens_and_ends_a_fifo)
{
    struct fixture f;
    weir_error error;
    char byte;
    weir_scope *scope = begin_fifo(&f, 0);

    int fd = open_reader(&f);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);

    ck_assert_int_eq(read(fd, &byte, 1), 0);
    close(fd);
    end(&f);
}

TEST(a_full_fifo_holds_its_writer_and_not_the_loop)
{
    struct fixture f;
    weir_error error;
    static char bytes[1 << 16];
    ssize_t n, sum = 0;
    weir_scope *scope = begin_fifo(&f, 100000);
    int fd = open_reader(&f);

    wr_loop_settle(f.loop);
    ck_assert_uint_eq(scope->live, 1);
    while (scope->live > 0 && (n = read(fd, bytes, sizeof bytes)) != 0) {
        sum += WR_MAX(n, 0);
        wr_loop_settle(f.loop);
    }
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        sum += n;
    }

    ck_assert_int_eq(sum, 588895);
    close(fd);
    end(&f);
}

TEST(a_reader_that_leaves_a_fifo_is_a_failure)
{
    struct fixture f;
    weir_error error;
    signal(SIGPIPE, SIG_IGN);
    weir_scope *scope = begin_fifo(&f, 100000);
    int fd = open_reader(&f);

    wr_loop_settle(f.loop);
    close(fd);

    ck_assert_int_eq(weir_scope_wait(scope, &error), WEIR_ECLOSED);
    ck_assert_str_eq(error.origin, "file");
    end(&f);
}

MAIN("sink/file")
