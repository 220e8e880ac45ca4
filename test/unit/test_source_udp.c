/*
 * test_source_udp.c - datagrams from a scripted socket: what becomes of each one, and of those that
 * are lost. What real sockets do is in test_loop_datagram.c.
 */
#include <stdio.h>

#include "base_fault.h"
#include "source_udp.h"
#include "support_flow.h"

enum { CAP = 200 };

static weir_loop *loop;
static weir_gen *gen;
static struct wr_datagrams *far; /* NULL: the source has not opened it */
static struct wr_datagram_bind asked;

static struct wr_datagrams *open_far(struct weir_loop *on, const struct wr_datagram_bind *to,
                                     weir_error *error)
{
    (void)on;
    asked = *to;
    wr_error_clear(error);
    return far;
}

static struct wr_datagrams *open_none(struct weir_loop *on, const struct wr_datagram_bind *to,
                                      weir_error *error)
{
    (void)on;
    wr_error_set(error, WEIR_EIO, 98, "udp", "cannot receive there: %s", to->address);
    return NULL;
}

static void start_on(weir_loop *on, const weir_udp_options *options)
{
    loop = on;
    far = wr_datagram_memory(loop, CAP);
    ck_assert_ptr_nonnull(far);
    gen = wr_udp_source(weir_root(loop), "udp://:5514", options, open_far);
}

static void start(const weir_udp_options *options)
{
    start_on(test_loop(), options);
}

static void came(const void *data, size_t len)
{
    wr_fault_pause(true);
    ck_assert(wr_datagram_memory_came(far, "192.0.2.7:514", data, len));
    wr_fault_pause(false);
}

static void came_text(const char *text)
{
    came(text, strlen(text));
}

/* The next item's body and peer, or the end. */
static const char *next_shown(void)
{
    static char shown[128];
    weir_item item;
    weir_slice peer, host;
    if (!weir_next(gen, &item)) {
        return "end";
    }
    const weir_event *event = weir_event_of(&item);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event->kind, WEIR_EVENT_MESSAGE);
    ck_assert(weir_event_field(event, "peer", &peer));
    ck_assert(weir_event_field(event, "host", &host));
    snprintf(shown, sizeof shown, "%.*s from %.*s at %.*s", (int)event->body.len, event->body.data,
             (int)peer.len, peer.data, (int)host.len, host.data);
    return shown;
}

static void end(int expected)
{
    weir_error error;
    weir_scope_stop(weir_root(loop));
    weir_item item;
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, &error), expected);
    weir_loop_free(loop);
}

TEST(each_datagram_is_a_message)
{
    start(NULL);
    came_text("one");
    came("", 0);
    came("a\0b", 3);
    ck_assert(wr_datagram_memory_came(far, "[2001:db8::9]:5", "two", 3));
    ck_assert(wr_datagram_memory_came(far, "[::ffff:198.51.100.1]:65535", "three", 5));
    weir_item item;

    ck_assert_str_eq(next_shown(), "one from 192.0.2.7:514 at 192.0.2.7");
    ck_assert_str_eq(next_shown(), " from 192.0.2.7:514 at 192.0.2.7");
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.len, 3);
    ck_assert_mem_eq(weir_event_of(&item)->body.data, "a\0b", 3);
    ck_assert_str_eq(next_shown(), "two from [2001:db8::9]:5 at 2001:db8::9");
    ck_assert_str_eq(next_shown(), "three from 198.51.100.1:65535 at 198.51.100.1");
    ck_assert_str_eq(asked.address, ":5514");
    ck_assert_uint_eq(asked.buffer_bytes, 4 * 1024 * 1024);
    end(0);
}

/* Every length that is near a border, in any portion: the bytes are those that were sent. */
TEST(datagrams_of_any_length_come_whole)
{
    static const size_t lens[] = {1,    1471, 1472, 1790,  1799,  1800, 1801,  1802, 1803, 1804,
                                  1810, 1984, 9000, 65506, 65507, 3,    65507, 200,  0,    1800};
    static char sent[65507];
    enum { COUNT = sizeof lens / sizeof lens[0] };
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 7 + i / 256);
    }
    for (size_t max = 1; max <= 64; max += 21) {
        weir_item items[64];
        size_t count = 0, n;
        start(NULL);
        for (size_t i = 0; i < COUNT; i++) {
            came(sent + i, WR_MIN(lens[i], sizeof sent - i));
        }

        while (count < COUNT && (n = weir_next_many(gen, items, max)) > 0) {
            for (size_t i = 0; i < n; i++, count++) {
                const weir_event *event = weir_event_of(&items[i]);
                ck_assert_uint_eq(event->body.len, WR_MIN(lens[count], sizeof sent - count));
                ck_assert_mem_eq(event->body.data, sent + count, event->body.len);
                ck_assert_uint_eq(event->values[0].len, 13);
                ck_assert_mem_eq(event->values[0].data, "192.0.2.7:514", 13);
            }
        }

        ck_assert_uint_eq(count, COUNT);
        end(0);
    }
}

/* A batch keeps them: one block serves for many, and they stay as they were. */
TEST(kept_datagrams_share_blocks)
{
    enum { KEPT = 2000 };
    static weir_item kept[KEPT];
    char text[32];
    int count = wr_test_sweeps() ? 20 : KEPT;
    start(NULL);
    for (int i = 0; i < count; i++) {
        weir_item item;
        snprintf(text, sizeof text, "datagram %d", i);
        came_text(text);
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(weir_item_keep(&kept[i], &item), 0);
    }

    ck_assert_int_le(loop->budget.used, KEPT * 256);
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "datagram %d", i);
        const weir_event *event = weir_event_of(&kept[i]);
        ck_assert_uint_eq(event->body.len, strlen(text));
        ck_assert_mem_eq(event->body.data, text, strlen(text));
        ck_assert_mem_eq(event->values[0].data, "192.0.2.7:514", 13);
        weir_item_release(&kept[i]);
    }
    end(0);
}

TEST(waiting_source_holds_no_block)
{
    start(NULL);
    came_text("one");
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_LATE);

    ck_assert_int_eq(loop->budget.used, 0);
    came_text("two");
    ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_ITEM);
    ck_assert_uint_eq(item.seq, 2);
    end(0);
}

TEST(drops_of_the_kernel_are_in_the_ledger)
{
    start(NULL);
    came_text("first");
    ck_assert_str_eq(next_shown(), "first from 192.0.2.7:514 at 192.0.2.7");
    int sent = 1;
    wr_fault_pause(true);
    for (int i = 0; i < CAP + 50; i++) {
        (void)wr_datagram_memory_came(far, "192.0.2.7:514", "x", 1);
        sent++;
    }
    wr_fault_pause(false);
    weir_item item;
    int given = 1;

    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.seq, 52); /* the lost ones have numbers, too */
    weir_scope_stop(weir_root(loop));
    for (given++; weir_next(gen, &item); given++) {}

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_int_eq(given, 1 + CAP);
    ck_assert_uint_eq(ledger.in, (uint64_t)sent);
    ck_assert_uint_eq(ledger.dropped, 50);
    ck_assert_uint_eq(loop->stats.unread, 50);
    ck_assert_uint_eq(ledger.delivered, 1 + CAP);
    weir_loop_free(loop);
}

TEST(drops_after_the_last_datagram_count_at_the_end)
{
    start(NULL);
    weir_item item;
    came_text("one");
    ck_assert(weir_next(gen, &item));
    wr_fault_pause(true);
    for (int i = 0; i < CAP + 3; i++) {
        (void)wr_datagram_memory_came(far, "192.0.2.7:514", "x", 1);
    }
    wr_fault_pause(false);

    weir_discard(gen);

    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.in, 4);
    ck_assert_uint_eq(ledger.dropped, 3);
    weir_loop_free(loop);
}

TEST(longer_than_max_is_rejected_or_cut)
{
    static const int policies[] = {WEIR_LONG_SKIP, WEIR_LONG_CUT};
    for (size_t i = 0; i < 2; i++) {
        const weir_udp_options options = {
            .struct_size = sizeof options, .datagram_bytes_max = 4, .overlong = policies[i]};
        start(&options);
        came_text("1234");
        came_text("12345");
        came_text("six");
        weir_item item;

        ck_assert_str_eq(next_shown(), "1234 from 192.0.2.7:514 at 192.0.2.7");
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.len, policies[i] == WEIR_LONG_CUT ? 4 : 3);
        ck_assert_uint_eq(item.flags, policies[i] == WEIR_LONG_CUT ? WEIR_ITEM_TRUNCATED : 0);
        ck_assert_int_eq(weir_next_within(gen, &item, 0),
                         policies[i] == WEIR_LONG_CUT ? WEIR_GOT_ITEM : WEIR_GOT_LATE);
        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_uint_eq(ledger.rejected, policies[i] == WEIR_LONG_CUT ? 0 : 1);
        end(0);
    }
}

TEST(longer_than_max_may_be_a_failure)
{
    const weir_udp_options options = {
        .struct_size = sizeof options, .datagram_bytes_max = 4, .overlong = WEIR_LONG_FAILS};
    weir_error error;
    start(&options);
    came_text("1234");
    came_text("12345");

    ck_assert_str_eq(next_shown(), "1234 from 192.0.2.7:514 at 192.0.2.7");
    ck_assert_str_eq(next_shown(), "end");

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETOOLONG);
    ck_assert_ptr_nonnull(strstr(error.message, "5 bytes: the limit is 4"));
    weir_loop_free(loop);
}

/* A budget in which hardly a datagram has room. */
TEST(small_budget_is_enough)
{
    const weir_loop_options options = {.struct_size = sizeof options, .budget_bytes = 65536};
    weir_loop *small = weir_loop_new(&options);
    ck_assert_ptr_nonnull(small);
    static char large[40000];
    start_on(small, NULL);
    for (int i = 0; i < 20; i++) {
        came(large, 30000);
        came_text("small");
    }
    came(large, 40000); /* more than half of the budget */
    came_text("last");
    weir_item items[64];
    size_t count = 1, n = 0;
    ck_assert(weir_next(gen, items));
    weir_scope_stop(weir_root(loop));

    while ((n = weir_next_many(gen, items, 64)) > 0) {
        count += n;
    }

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(count, 41);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.rejected, 1);
    ck_assert_int_le(loop->budget.peak, 70000);
    weir_loop_free(loop);
}

TEST(stop_gives_what_has_come_by_then)
{
    start(NULL);
    weir_item item;
    came_text("one");
    ck_assert(weir_next(gen, &item));
    came_text("two");
    weir_scope_stop(weir_root(loop));
    ck_assert_str_eq(next_shown(), "two from 192.0.2.7:514 at 192.0.2.7");
    came_text("late");

    ck_assert_str_eq(next_shown(), "end");

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(failure_to_open_is_told)
{
    weir_error error;
    loop = test_loop();
    gen = wr_udp_source(weir_root(loop), ":5514", NULL, open_none);

    ck_assert_str_eq(next_shown(), "end");

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EIO);
    ck_assert_int_eq(error.detail, 98);
    weir_loop_free(loop);
}

TEST(wrong_options_are_refused)
{
    static const weir_udp_options wrong[] = {
        {.struct_size = sizeof wrong[0], .buffer_bytes = -2},
        {.struct_size = sizeof wrong[0], .datagram_bytes_max = -2},
        {.struct_size = sizeof wrong[0], .overlong = WEIR_LONG_PARTS},
    };
    loop = test_loop();
    for (size_t i = 0; i < 3; i++) {
        gen = wr_udp_source(weir_root(loop), ":5514", &wrong[i], open_none);
        ck_assert_str_eq(next_shown(), "end");
        ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    }
    weir_loop_free(loop);
}

MAIN("source/udp")
