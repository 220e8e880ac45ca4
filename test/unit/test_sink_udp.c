/*
 * test_sink_udp.c - items to a scripted socket of datagrams: what is sent, and what becomes of each
 * failure.
 */
#include <errno.h>
#include <stdio.h>

#include "base_fault.h"
#include "sink_udp.h"
#include "support_flow.h"

static weir_loop *loop;
static weir_sink *sink;
static struct wr_datagrams *far;
static char sent[4096];
static int code; /* of the connect */

static struct wr_datagrams *connect_far(struct weir_loop *on, const char *peer, int64_t limit_ms,
                                        struct wr_object *of, weir_error *error)
{
    (void)on;
    (void)of;
    (void)limit_ms;
    wr_error_clear(error);
    if (code < 0) {
        wr_error_set(error, code, 0, "udp", "resolve %s: no such name", peer);
        return NULL;
    }
    return far;
}

static void start(void)
{
    loop = test_loop();
    code = 0;
    far = wr_datagram_memory(loop, 1);
    ck_assert_ptr_nonnull(far);
    wr_datagram_memory_record(far, sent, sizeof sent);
    sink = wr_udp_sink(weir_root(loop), "udp://127.0.0.1:9", 0, connect_far);
}

static bool put(const char *text)
{
    weir_item item = weir_bytes(text, strlen(text));
    return weir_put(sink, &item);
}

static void end(int expected)
{
    ck_assert_int_eq(weir_sink_finish(sink, NULL), expected);
    weir_loop_free(loop);
}

TEST(each_item_is_a_datagram)
{
    start();
    ck_assert(put("one"));
    ck_assert(put(""));
    ck_assert(put("three"));

    ck_assert_str_eq(sent, "one||three|");
    end(0);
}

TEST(many_items_go_in_portions)
{
    enum { COUNT = 150 };
    weir_item items[COUNT];
    char expected[COUNT * 2 + 1];
    start();
    for (int i = 0; i < COUNT; i++) {
        items[i] = weir_bytes(&"abcdefg"[i % 7], 1);
        snprintf(expected + (size_t)i * 2, 3, "%c|", "abcdefg"[i % 7]);
    }

    ck_assert(weir_put_many(sink, items, COUNT));

    ck_assert_str_eq(sent, expected);
    end(0);
}

TEST(full_socket_is_waited_for)
{
    start();
    wr_datagram_memory_fails(far, EAGAIN);
    wr_datagram_memory_fails(far, ENOBUFS);

    ck_assert(put("one"));

    ck_assert_str_eq(sent, "one|");
    end(0);
}

TEST(refused_datagram_does_not_end_it)
{
    start();
    wr_datagram_memory_fails(far, ECONNREFUSED);
    wr_datagram_memory_fails(far, ECONNREFUSED);

    ck_assert(put("one"));
    ck_assert(put("two"));

    ck_assert_str_eq(sent, "one|two|");
    end(0);
}

TEST(what_cannot_be_sent_is_rejected)
{
    static const int failures[] = {EMSGSIZE, ENETUNREACH, EHOSTUNREACH, EPERM};
    for (size_t i = 0; i < 4; i++) {
        start();
        weir_gen *lines = weir_count(weir_root(loop), 1, 3);
        wr_datagram_memory_fails(far, failures[i]);

        ck_assert_int_eq(weir_pump(lines, sink, NULL), 0);

        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_str_eq(sent, "2|3|");
        ck_assert_uint_eq(ledger.rejected, 1);
        ck_assert_uint_eq(ledger.delivered, 2);
        weir_loop_free(loop);
    }
}

TEST(any_other_failure_ends_it)
{
    start();
    wr_datagram_memory_fails(far, EBADF);

    ck_assert(!put("one"));

    end(WEIR_EIO);
}

TEST(parts_of_a_batch_are_datagrams)
{
    start();
    weir_gen *batches =
        weir_batch(weir_count(weir_root(loop), 1, 5),
                   WEIR_OPTIONS(weir_batch_options, .items_max = 3, .wait_ms = WEIR_NONE));

    ck_assert_int_eq(weir_pump(batches, sink, NULL), 0);

    ck_assert_str_eq(sent, "1|2|3|4|5|");
    weir_loop_free(loop);
}

TEST(failure_to_resolve_is_told)
{
    weir_error error;
    start();
    code = WEIR_ERESOLVE;

    ck_assert(!put("one"));

    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_ERESOLVE);
    ck_assert_ptr_nonnull(strstr(error.message, "no such name"));
    far->ops->free(far);
    weir_loop_free(loop);
}

MAIN("sink/udp")
