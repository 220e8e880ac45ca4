/*
 * test_loop_writer.c - a writer over a pair of memory: what a flush writes, what its task writes as
 * the peer reads, who waits for whom, and how a failure is reported.
 */
#include <string.h>

#include "base_fault.h"
#include "loop_writer.h"
#include "support_loop.h"

enum { ROOM = 10 };

static weir_loop *loop;
static struct wr_object object;
static struct wr_transport *near, *far;
static struct wr_writer writer;
static char text[64]; /* what is pending */
static size_t at;
static int gones, enrolled, failures;

static struct iovec pending(struct wr_writer *of)
{
    (void)of;
    return (struct iovec){text + at, strlen(text + at)};
}

static void wrote(struct wr_writer *of, size_t bytes, bool direct)
{
    (void)of;
    at += direct ? 0 : bytes;
}

static int wait_writable(struct wr_writer *of)
{
    return of->transport->ops->wait(of->transport, WR_WRITABLE, 1000, of->why, of->of);
}

static void failed(struct wr_writer *of, int code)
{
    (void)of;
    failures += code == WEIR_ECLOSED;
}

static void enrol(struct wr_writer *of)
{
    enrolled++;
    (void)wr_writer_flush(of);
}

static void gone(struct wr_writer *of)
{
    (void)of;
    gones++;
}

static const struct wr_object_ops object_ops = {.kind = "owner"};

static void begin(const char *bytes)
{
    static const struct wr_writer_ops ops = {.pending = pending,
                                             .wrote = wrote,
                                             .wait = wait_writable,
                                             .failed = failed,
                                             .enrol = enrol,
                                             .gone = gone};
    struct wr_transport *ends[2];
    loop = start();
    ck_assert_int_eq(wr_memory_pair(loop, ROOM, ends), 0);
    near = ends[0];
    far = ends[1];
    wr_object_init(&object, &object_ops, weir_root(loop), "owner");
    wr_writer_init(&writer, &ops, weir_root(loop), &object, "the peer");
    writer.transport = near;
    strcpy(text, bytes);
    at = 0;
    gones = enrolled = failures = 0;
}

static void end(void)
{
    wr_writer_close(&writer);
    near->ops->free(near);
    if (far != NULL) {
        far->ops->free(far);
    }
    wr_object_fini(&object);
    weir_loop_free(loop);
}

/* What the peer can read now. */
static const char *heard(void)
{
    static char got[64];
    int64_t n = far->ops->read(far, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    return got;
}

/* The flush before the poll is on the scheduler's stack. */
struct before_poll {
    struct wr_before_poll hook;
    int rc;
} hooked;

static void flush_here(struct wr_before_poll *hook)
{
    struct before_poll *mine = WR_OWNER(hook, struct before_poll, hook);
    mine->rc = wr_writer_flush(&writer);
}

static int flush_before_poll(void)
{
    wr_before_poll_init(&hooked.hook, flush_here);
    wr_before_poll_enrol(loop, &hooked.hook);
    ck_assert(weir_sleep(weir_root(loop), 1));
    return hooked.rc;
}

TEST(flush_writes_what_is_pending)
{
    begin("hello");

    ck_assert_int_eq(wr_writer_flush(&writer), 0);

    ck_assert_str_eq(heard(), "hello");
    ck_assert_uint_eq(writer.written, 5);
    ck_assert_int_eq(wr_writer_flush(&writer), 0);
    end();
}

TEST(the_rest_of_a_flush_before_the_poll_goes_out_as_the_peer_reads)
{
    begin("hello, big wide world");

    ck_assert_int_eq(flush_before_poll(), 1);

    ck_assert_ptr_nonnull(writer.task);
    ck_assert_int_eq(wr_writer_flush(&writer), 1); /* the task alone writes */
    ck_assert_str_eq(heard(), "hello, big");
    ck_assert(weir_sleep(weir_root(loop), 1));
    ck_assert_str_eq(heard(), " wide worl");
    ck_assert_int_eq(wr_writer_idle(&writer), 0);
    ck_assert_str_eq(heard(), "d");
    ck_assert_ptr_null(writer.task);
    ck_assert_int_eq(enrolled, 1); /* the owner settles what was written */
    ck_assert_int_eq(gones, 0);
    end();
}

TEST(the_owners_task_waits_for_the_peer_itself)
{
    begin("hello, big wide world");

    ck_assert_int_eq(wr_writer_flush(&writer), 1);

    ck_assert_ptr_null(writer.task);
    ck_assert_int_eq(wr_writer_wait(&writer), WEIR_ETIMEDOUT);
    ck_assert_int_eq(wr_writer_flush(&writer), WEIR_ETIMEDOUT); /* sticky */
    ck_assert_int_eq(failures + gones, 0);
    end();
}

static int read_later(weir_scope *scope, void *args)
{
    static char got[64];
    size_t len = 0;
    (void)args;
    for (int i = 0; i < 5 && weir_sleep(scope, 5); i++) {
        int64_t n = far->ops->read(far, got + len, sizeof got - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    ck_assert_str_eq(got, "hello, big wide world, and more");
    note('r');
    return 0;
}

TEST(a_write_comes_behind_what_the_task_writes)
{
    begin("hello, big wide world");
    char more[] = ", and more";
    struct iovec parts[2] = {{more, 5}, {more + 5, 5}};
    ck_assert_int_eq(flush_before_poll(), 1);
    weir_spawn(weir_root(loop), "reader", read_later, NULL, 0);

    ck_assert_int_eq(wr_writer_write(&writer, parts, 2), 0);

    ck_assert_uint_eq(writer.written, 31);
    ck_assert(weir_sleep(weir_root(loop), 50));
    ck_assert_str_eq(trace, "r");
    end();
}

TEST(a_failure_is_reported_once_where_nobody_waits)
{
    begin("hello, big wide world");
    ck_assert_int_eq(flush_before_poll(), 1);

    far->ops->free(far);
    far = NULL;
    ck_assert(weir_sleep(weir_root(loop), 1));

    ck_assert_ptr_null(writer.task);
    ck_assert_int_eq(gones, 1);
    ck_assert_int_eq(failures, 1);
    ck_assert_int_eq(wr_writer_flush(&writer), WEIR_ECLOSED);
    ck_assert_int_eq(wr_writer_idle(&writer), WEIR_ECLOSED);
    ck_assert_int_eq(gones + failures, 2);
    end();
}

static int leave_soon(weir_scope *scope, void *args)
{
    (void)args;
    (void)!weir_sleep(scope, 5);
    far->ops->free(far);
    far = NULL;
    return 0;
}

TEST(a_failure_is_not_reported_to_an_owner_that_waits)
{
    begin("hello, big wide world");
    ck_assert_int_eq(flush_before_poll(), 1);
    weir_spawn(weir_root(loop), "leaves", leave_soon, NULL, 0);

    ck_assert_int_eq(wr_writer_idle(&writer), WEIR_ECLOSED);

    ck_assert_int_eq(gones, 0);
    end();
}

TEST(a_task_that_cannot_wait_any_longer_is_a_failure)
{
    begin("hello, big wide world");
    ck_assert_int_eq(flush_before_poll(), 1);

    ck_assert(weir_sleep(weir_root(loop), 2000));

    ck_assert_int_eq(writer.failure, WEIR_ETIMEDOUT);
    ck_assert_int_eq(gones, 1);
    end();
}

TEST(close_ends_a_task_that_waits)
{
    begin("hello, big wide world");
    ck_assert_int_eq(flush_before_poll(), 1);

    wr_writer_close(&writer);

    ck_assert_ptr_null(writer.task);
    ck_assert_int_eq(gones + enrolled, 0);
    end();
}

static void flush_without_memory(struct wr_before_poll *hook)
{
    wr_fault_set(1, true);
    flush_here(hook);
    wr_fault_set(0, false);
}

TEST(without_memory_for_a_task_the_flush_is_tried_again)
{
    if (wr_test_sweeps()) {
        return;
    }
    begin("hello, big wide world");
    wr_before_poll_init(&hooked.hook, flush_without_memory);
    wr_before_poll_enrol(loop, &hooked.hook);

    ck_assert(weir_sleep(weir_root(loop), 1));

    ck_assert_int_eq(hooked.rc, 1);
    ck_assert_ptr_null(writer.task);
    ck_assert_str_eq(heard(), "hello, big");
    ck_assert(weir_sleep(weir_root(loop), 30));
    ck_assert_int_ge(enrolled, 1);
    ck_assert_str_eq(heard(), " wide worl");
    end();
}

MAIN("loop/writer")
