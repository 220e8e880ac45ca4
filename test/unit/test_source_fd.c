/*
 * Lines and bytes of a descriptor: pipes, sockets and files that stay the caller's.
 */
#include <fcntl.h>
#include <unistd.h>

#include "loop_scope.h"
#include "support_suites.h"

TEST(flags_of_the_descriptor_stay_as_they_are)
{
    int ends[2];
    weir_loop *loop = test_loop();
    weir_item item;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    int before = fcntl(ends[0], F_GETFL);
    ck_assert_int_eq(write(ends[1], "a\n", 2), 2);
    close(ends[1]);

    weir_gen *gen = weir_fd_lines(weir_root(loop), ends[0], NULL);
    ck_assert(weir_next(gen, &item));
    MUST(fcntl(ends[0], F_GETFL) == before);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);

    MUST(fcntl(ends[0], F_GETFL) == before);
    close(ends[0]);
    weir_loop_free(loop);
}

TEST(reads_a_file_from_its_position)
{
    struct wr_folder folder;
    weir_loop *loop = test_loop();
    weir_item item;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "f", "one\ntwo\n", 8);
    int fd = open(wr_folder_path(&folder, "f"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);

    weir_gen *gen = weir_fd_lines(weir_root(loop), fd, NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.len, 3);
    ck_assert_mem_eq(item.data, "two", 3);

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    close(fd);
    wr_folder_remove(&folder);
    weir_loop_free(loop);
}

TEST(bad_descriptor_fails)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_error error;
    weir_gen *gen = weir_fd_lines(weir_root(loop), 987, NULL);

    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EIO);
    ck_assert_str_eq(error.origin, "fd(987)");
    weir_loop_free(loop);
}

static struct wr_task *reading;

static int read_task(weir_scope *scope, void *args)
{
    weir_gen *gen = *(weir_gen **)args;
    weir_item item;
    weir_error error;
    reading = wr_task_now(scope->loop, "test");
    bool came = weir_next(gen, &item);
    reading = NULL;
    return came ? 1 : weir_finish(gen, &error);
}

/* The reader is in another scope, so that only the source's own wait can end. */
TEST(a_cancel_fails_a_read_that_was_woken_in_vain)
{
    int ends[2];
    weir_loop *loop = test_loop();
    weir_error error;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    weir_scope *canceled = weir_scope_new(weir_root(loop), NULL);
    weir_scope *readers = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = weir_fd_lines(canceled, ends[0], NULL);
    weir_spawn(readers, "reading", read_task, &gen, sizeof gen);
    wr_loop_settle(loop);

    ck_assert_ptr_nonnull(reading);
    wr_wake(reading, 0);
    weir_scope_cancel(canceled);

    ck_assert_int_eq(weir_scope_wait(readers, &error), WEIR_ECANCELED);
    close(ends[0]);
    close(ends[1]);
    weir_loop_free(loop);
}

MAIN("source/fd")
