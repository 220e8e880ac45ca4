/*
 * Lines and bytes of a file: special files, and going on from a state.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_suites.h"
#include "texts_state.h"

struct fixture {
    weir_loop *loop;
    weir_scope *scope;
    struct wr_folder folder;
};

static void run_begins(struct fixture *f)
{
    f->loop = test_loop();
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
    ck_assert_ptr_ne(f->scope, weir_root(f->loop));
}

static void begin(struct fixture *f)
{
    wr_folder_make(&f->folder);
    run_begins(f);
}

static void run_ends(struct fixture *f)
{
    weir_error error;
    (void)!weir_scope_wait(f->scope, &error);
    weir_loop_free(f->loop);
}

static void end(struct fixture *f)
{
    run_ends(f);
    wr_folder_remove(&f->folder);
}

static int fail_of(struct fixture *f, const char *path, weir_error *error)
{
    weir_gen *gen = weir_file_lines(f->scope, path, NULL);
    weir_item item;
    ck_assert(!weir_next(gen, &item));
    return weir_finish(gen, error);
}

/* A file of more than a source reads at once, of which `len` bytes are left when its first line has
 * come: what its end is. */
static int cut_midway(weir_gen *(*make)(struct fixture *f, const char *path), off_t len,
                      weir_error *error)
{
    struct fixture f;
    static char in[4 << 20];
    weir_item item;
    begin(&f);
    memset(in, 'x', sizeof in);
    for (size_t i = 1023; i < sizeof in; i += 1024) {
        in[i] = '\n';
    }
    wr_folder_write(&f.folder, "in", in, sizeof in);
    const char *path = wr_folder_path(&f.folder, "in");
    weir_gen *gen = make(&f, path);
    if (weir_next(gen, &item)) {
        ck_assert_int_eq(truncate(path, len), 0);
    }
    while (weir_next(gen, &item)) {}
    int rc = weir_finish(gen, error);
    end(&f);
    return rc;
}

static weir_gen *by_path(struct fixture *f, const char *path)
{
    return weir_file_lines(f->scope, path, NULL);
}

static int opened = -1;

static weir_gen *by_descriptor(struct fixture *f, const char *path)
{
    opened = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(opened, 0);
    return weir_fd_lines(f->scope, opened, NULL);
}

TEST(a_file_that_is_cut_while_it_is_read_has_changed)
{
    weir_error error;
    ck_assert_int_eq(cut_midway(by_path, 100, &error), WEIR_ECHANGED);
    ck_assert(strstr(error.message, TEXT_STATE_SOURCE_CUT) != NULL);
    ck_assert_int_eq(cut_midway(by_path, (4 << 20) - 1, &error), WEIR_ECHANGED);
}

TEST(a_file_on_a_descriptor_that_is_cut_while_it_is_read_has_changed)
{
    ck_assert_int_eq(cut_midway(by_descriptor, 0, NULL), WEIR_ECHANGED);
    close(opened);
}

TEST(a_file_that_grows_while_it_is_read_has_not_changed)
{
    ck_assert_int_eq(cut_midway(by_path, 5 << 20, NULL), 0);
}

TEST(missing_file_is_told)
{
    struct fixture f;
    weir_error error;
    begin(&f);

    ck_assert_int_eq(fail_of(&f, "/nonexistent/file", &error), WEIR_EIO);

    ck_assert_int_eq(error.detail, ENOENT);
    ck_assert_str_eq(error.message, TEXT_STATE_OPEN_FAILS);
    end(&f);
}

TEST(folder_is_told)
{
    struct fixture f;
    weir_error error;
    begin(&f);

    ck_assert_int_eq(fail_of(&f, f.folder.path, &error), WEIR_EIO);

    ck_assert_int_eq(error.detail, EISDIR);
    end(&f);
}

TEST(dev_null_is_empty)
{
    struct fixture f;
    weir_error error;
    begin(&f);

    ck_assert_int_eq(fail_of(&f, "/dev/null", &error), 0);
    end(&f);
}

struct writing {
    const char *path;
};

static int write_main(weir_scope *scope, void *args)
{
    struct writing *writing = args;
    (void)scope;
    int fd = open(writing->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "late\n", 5), 5);
    close(fd);
    return 0;
}

/* Reading a fifo that nobody has opened for writing yet looks like its end. */
TEST(fifo_is_waited_for)
{
    struct fixture f;
    begin(&f);
    struct writing writing = {wr_folder_path(&f.folder, "fifo")};
    ck_assert_int_eq(mkfifo(writing.path, 0600), 0);
    weir_gen *gen = weir_file_lines(f.scope, writing.path, NULL);
    weir_item item;
    weir_spawn(f.scope, "writer", write_main, &writing, sizeof writing);

    ck_assert(weir_next(gen, &item));
    ck_assert_mem_eq(item.data, "late", 4);
    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    end(&f);
}

/* ---- with a state */

/* Copy up to `count` lines of "in" to "out", in a run of its own. */
static int copy_long(struct fixture *f, uint64_t count, int32_t overlong, weir_error *error)
{
    weir_state *state = weir_state_open(f->scope, wr_folder_path(&f->folder, "state"), "copy");
    weir_gen *gen = weir_head_of_run(
        weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                        WEIR_OPTIONS(weir_lines_options, .state = state,
                                     .line_bytes_max = overlong == WEIR_LONG_CUT ? 4 : 0,
                                     .overlong = overlong)),
        count);
    weir_sink *sink = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = state));
    return weir_pump(gen, sink, error);
}

static int copy(struct fixture *f, uint64_t count, weir_error *error)
{
    return copy_long(f, count, WEIR_LONG_SKIP, error);
}

static int copy_run(struct fixture *f, uint64_t count, weir_error *error)
{
    run_begins(f);
    int rc = copy(f, count, error);
    run_ends(f);
    return rc;
}

static void check_out(struct fixture *f, const char *expected)
{
    size_t len;
    const char *out = wr_folder_read(&f->folder, "out", &len);
    ck_assert_ptr_nonnull(out);
    ck_assert_str_eq(out, expected);
}

static void files_begin(struct fixture *f, const char *in)
{
    wr_folder_make(&f->folder);
    wr_folder_write(&f->folder, "in", in, strlen(in));
}

TEST(next_run_goes_on_where_the_last_left_off)
{
    struct fixture f;
    files_begin(&f, "1\n2\r\n3\n4\n5");

    ck_assert_int_eq(copy_run(&f, 2, NULL), 0);
    check_out(&f, "1\n2\r\n");
    ck_assert_int_eq(copy_run(&f, 1, NULL), 0);
    check_out(&f, "1\n2\r\n3\n");
    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);

    check_out(&f, "1\n2\r\n3\n4\n5");
    wr_folder_remove(&f.folder);
}

TEST(next_run_does_not_give_the_rest_of_a_cut_line)
{
    struct fixture f;
    files_begin(&f, "1\nabcdefgh\n3\nxyzxyz");
    for (int i = 0; i < 5; i++) {
        run_begins(&f);
        ck_assert_int_eq(copy_long(&f, 1, WEIR_LONG_CUT, NULL), 0);
        run_ends(&f);
    }

    check_out(&f, "1\nabcd\n3\nxyzx\n");
    wr_folder_remove(&f.folder);
}

TEST(finished_file_is_not_read_again)
{
    struct fixture f;
    files_begin(&f, "1\n2\n");

    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);
    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);

    check_out(&f, "1\n2\n");
    wr_folder_remove(&f.folder);
}

TEST(file_that_has_grown_goes_on)
{
    struct fixture f;
    files_begin(&f, "1\n2\n");
    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);
    FILE *file = fopen(wr_folder_path(&f.folder, "in"), "a");
    fputs("3\n", file);
    fclose(file);

    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);

    check_out(&f, "1\n2\n3\n");
    wr_folder_remove(&f.folder);
}

TEST(shorter_file_has_changed)
{
    struct fixture f;
    weir_error error;
    char in[1200];
    memset(in, 'x', sizeof in);
    in[598] = in[1198] = '\n';
    in[1199] = '\0';
    files_begin(&f, in);
    ck_assert_int_eq(copy_run(&f, 100, NULL), 0);
    ck_assert_int_eq(truncate(wr_folder_path(&f.folder, "in"), 599), 0);

    ck_assert_int_eq(copy_run(&f, 100, &error), WEIR_ECHANGED);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_SOURCE_SHORT));
    wr_folder_remove(&f.folder);
}

TEST(other_bytes_at_the_beginning_have_changed)
{
    struct fixture f;
    files_begin(&f, "1\n2\n3\n");
    ck_assert_int_eq(copy_run(&f, 2, NULL), 0);
    int fd = open(wr_folder_path(&f.folder, "in"), O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, "7", 1, 0), 1);
    close(fd);

    ck_assert_int_eq(copy_run(&f, 100, NULL), WEIR_ECHANGED);

    check_out(&f, "1\n2\n");
    wr_folder_remove(&f.folder);
}

TEST(another_file_of_the_same_name_has_changed)
{
    struct fixture f;
    files_begin(&f, "1\n2\n");
    ck_assert_int_eq(copy_run(&f, 1, NULL), 0);
    wr_folder_write(&f.folder, "new", "1\n2\n", 4);
    ck_assert_int_eq(rename(wr_folder_path(&f.folder, "new"), wr_folder_path(&f.folder, "in")), 0);

    ck_assert_int_eq(copy_run(&f, 100, NULL), WEIR_ECHANGED);
    wr_folder_remove(&f.folder);
}

/* A name of the origin of the first item. */
static void check_origin(struct fixture *f, weir_gen *gen, const char *expected)
{
    weir_item item;
    ck_assert_msg(weir_next(gen, &item), "%s: no item", expected);
    ck_assert_str_eq(weir_origin_name(f->scope, &item), expected);
    weir_discard(gen);
}

TEST(items_of_two_files_are_told_apart_by_the_names_of_their_origins)
{
    struct fixture f;
    char path[122], expected[64];
    begin(&f);
    ck_assert_int_eq(chdir(f.folder.path), 0);
    wr_folder_write(&f.folder, "a", "1\n", 2);
    for (size_t i = 0; i < sizeof path - 2; i++) {
        path[i] = i % 2 == 0 ? '.' : '/';
    }
    strcpy(path + sizeof path - 2, "a");
    snprintf(expected, sizeof expected, "file(...%s)", path + strlen(path) - 54);

    check_origin(&f, weir_file_lines(f.scope, "a", NULL), "file(a)");
    check_origin(&f, weir_framed(weir_head(weir_file_bytes(f.scope, "a", NULL), 1), NULL),
                 "file(a)");
    check_origin(&f, weir_file_lines(f.scope, path, NULL), expected);

    ck_assert_int_eq(chdir("/"), 0);
    end(&f);
}

MAIN("source/file")
