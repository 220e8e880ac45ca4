/*
 * test_flow_inbox.c - the inbox behind all sources of bytes: blocks, loans, limits, the ledger.
 */
#include <stdio.h>
#include <stdlib.h>

#include "flow_inbox.h"
#include "support_flow.h"
#include "support_positions.h"

struct saved {
    uint64_t position, items;
};

/* A source whose bytes come in pieces of `chunk`. */
struct feeder {
    struct weir_gen gen;
    struct wr_inbox inbox;
    const char *data;
    size_t len, at, chunk;
    bool breaks;         /* at the end of the data */
    struct saved *saved; /* what a state knows: where to begin, and in the end where to go on */
};

static size_t feeder_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct feeder *feeder = (struct feeder *)gen;
    struct wr_inbox *inbox = &feeder->inbox;
    bool over = false;
    size_t n;
    if (feeder->saved != NULL && !inbox->keep_ends) {
        wr_test_keep_positions(gen->origin, feeder->saved->position);
        inbox->keep_ends = true;
    }
    wr_inbox_over_loan(inbox, gen->origin);
    while ((n = wr_inbox_take(inbox, gen, items, max, &over)) == 0 && !over) {
        char *to;
        size_t room;
        int rc = wr_inbox_room(inbox, &to, &room);
        if (rc < 0) {
            wr_gen_fail(gen, rc, 0, -1, "room");
            return 0;
        }
        size_t part = WR_MIN(WR_MIN(feeder->chunk, room), feeder->len - feeder->at);
        if (part == 0 && feeder->breaks) {
            wr_gen_fail(gen, WEIR_ERESET, 0, -1, "killed");
            return 0;
        }
        if (part == 0) {
            wr_inbox_end(inbox);
            continue;
        }
        memcpy(to, feeder->data + feeder->at, part);
        feeder->at += part;
        wr_inbox_came(inbox, part);
    }
    return n;
}

static void feeder_close(struct weir_gen *gen)
{
    struct feeder *feeder = (struct feeder *)gen;
    if (feeder->saved != NULL && gen->origin != NULL) {
        feeder->saved->position = wr_origin_done_end(gen->origin);
        feeder->saved->items += gen->origin->done;
    }
    wr_inbox_fini(&feeder->inbox);
}

static const struct wr_gen_ops feeder_ops = {
    .kind = "feeder", .next_many = feeder_next_many, .close = feeder_close, .is_source = true};

static void frame(struct feeder *feeder, int64_t line_bytes_max, int32_t overlong)
{
    weir_framing framing = {.item_bytes_max = line_bytes_max, .overlong = overlong};
    ck_assert_int_eq(wr_inbox_init(&feeder->inbox, &feeder->gen, &framing, 0), 0);
}

static struct feeder *feed(weir_loop *loop, const char *data, size_t len, size_t chunk)
{
    struct feeder *feeder = wr_gen_alloc(weir_root(loop), sizeof *feeder, &feeder_ops, "feeder");
    ck_assert_ptr_nonnull(feeder);
    frame(feeder, 0, WEIR_LONG_SKIP);
    feeder->data = data;
    feeder->len = len;
    feeder->chunk = chunk;
    return feeder;
}

/* All lines joined by '|', a '$' after one without line end, a '~' after a cut one. */
static char *join(weir_gen *gen, size_t max, char *to, size_t cap)
{
    weir_item items[64];
    size_t n, at = 0;
    while ((n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            at += (size_t)snprintf(to + at, cap - at, "%.*s%s%s|", (int)items[i].len, items[i].data,
                                   (items[i].flags & WEIR_ITEM_NO_EOL) ? "$" : "",
                                   (items[i].flags & WEIR_ITEM_TRUNCATED) ? "~" : "");
        }
    }
    to[at] = '\0';
    return to;
}

TEST(lines_do_not_depend_on_the_pieces_they_come_in)
{
    static const char text[] = "one\ntwo\r\n\nfour is longer\nfive";
    char out[256];
    for (size_t chunk = 1; chunk <= sizeof text; chunk++) {
        weir_loop *loop = test_loop();
        struct feeder *feeder = feed(loop, text, sizeof text - 1, chunk);

        ck_assert_str_eq(join(&feeder->gen, 1 + chunk % 5, out, sizeof out),
                         "one|two||four is longer|five$|");

        ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
        ck_assert_uint_eq(ledger_of(weir_root(loop)).in, 5);
        weir_loop_free(loop);
    }
}

/* count lines of len bytes, each begins with its number. */
static char *make_lines(size_t count, size_t len)
{
    char *text = malloc(count * (len + 1) + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', count * (len + 1));
    for (size_t i = 0; i < count; i++) {
        char number[24];
        size_t digits = (size_t)snprintf(number, sizeof number, "%zu ", i + 1);
        memcpy(text + i * (len + 1), number, digits);
        text[i * (len + 1) + len] = '\n';
    }
    return text;
}

static void check_lines(size_t count, size_t len, size_t chunk, size_t max)
{
    weir_loop *loop = test_loop();
    char *text = make_lines(count, len);
    struct feeder *feeder = feed(loop, text, count * (len + 1), chunk);
    weir_item items[64];
    size_t n, seen = 0;
    while ((n = weir_next_many(&feeder->gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++, seen++) {
            ck_assert_uint_eq(items[i].len, len);
            ck_assert_uint_eq(items[i].seq, seen + 1);
            ck_assert_int_eq(memcmp(items[i].data, text + seen * (len + 1), len), 0);
        }
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    ck_assert_int_eq(loop->budget.used, 0);
    ck_assert_int_le(loop->budget.peak,
                     (int64_t)(4 * WR_MAX(len, (size_t)WR_BLOCK_BYTES) + 4 * WR_BLOCK_BYTES));
    free(text);
    weir_loop_free(loop);
}

TEST(many_blocks_of_short_lines)
{
    check_lines(10000, 100, 65536, 64);
    check_lines(10000, 99, 7777, 7);
}

TEST(lines_longer_than_a_block)
{
    check_lines(5, 300000, 16384, 3);
    check_lines(3, 1024 * 1024, 65536, 64);
}

TEST(lines_just_around_half_a_block)
{
    for (size_t len = WR_BLOCK_BYTES / 2 - 2; len < WR_BLOCK_BYTES / 2 + 2; len++) {
        check_lines(9, len, 16384, 2);
    }
}

TEST(full_blocks_queue_up_while_nobody_takes)
{
    weir_loop *loop = test_loop();
    char *text = make_lines(4000, 173);
    struct feeder *feeder = feed(loop, "", 0, 1);
    for (size_t at = 0; at < 4000 * 174; at += 16000) {
        size_t part = WR_MIN((size_t)16000, 4000 * 174 - at);
        char *to;
        ck_assert_int_eq(wr_inbox_room_for(&feeder->inbox, part, &to), 0);
        memcpy(to, text + at, part);
        wr_inbox_came(&feeder->inbox, part);
    }
    weir_item items[64];
    size_t n, seen = 0;
    while ((n = weir_next_many(&feeder->gen, items, 64)) > 0) {
        for (size_t i = 0; i < n; i++, seen++) {
            ck_assert_int_eq(memcmp(items[i].data, text + seen * 174, 173), 0);
        }
    }
    ck_assert_uint_eq(seen, 4000);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    free(text);
    weir_loop_free(loop);
}

TEST(lent_lines_stay_while_more_bytes_come)
{
    weir_loop *loop = test_loop();
    struct feeder *feeder = feed(loop, "first\nsecond\n", 13, 6);
    weir_item item, kept;
    ck_assert(weir_next(&feeder->gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);

    ck_assert(weir_next(&feeder->gen, &item));

    ck_assert_mem_eq(kept.data, "first", 5);
    ck_assert_mem_eq(item.data, "second", 6);
    weir_item_release(&kept);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(a_reader_that_waits_without_a_part_line_holds_no_block)
{
    weir_loop *loop = test_loop();
    struct feeder *feeder = feed(loop, "one\n", 4, 4);
    weir_item item;
    ck_assert(weir_next(&feeder->gen, &item));
    wr_inbox_over_loan(&feeder->inbox, feeder->gen.origin);

    wr_inbox_came(&feeder->inbox, 0);

    ck_assert_int_eq(loop->budget.used, 0);
    weir_discard(&feeder->gen);
    weir_loop_free(loop);
}

TEST(a_skipped_overlong_line_is_rejected_in_the_ledger)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "ab\nabcdefgh\ncd\n", 15, 4);
    frame(feeder, 4, WEIR_LONG_SKIP);

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "ab|cd|");

    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.in, 3);
    ck_assert_uint_eq(ledger.delivered, 2);
    ck_assert_uint_eq(ledger.rejected, 1);
    weir_loop_free(loop);
}

TEST(a_cut_overlong_line_is_flagged)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "ab\nabcdefgh\ncd\n", 15, 4);
    frame(feeder, 4, WEIR_LONG_CUT);

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "ab|abcd~|cd|");

    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(a_long_line_in_pieces_is_one_item)
{
    weir_loop *loop = test_loop();
    weir_item items[4];
    char all[64] = "";
    uint64_t seqs[16];
    size_t n, count = 0;
    struct feeder *feeder = feed(loop, "ab\nabcdefghijkl\ncd\n", 19, 5);
    frame(feeder, 4, WEIR_LONG_PARTS);

    while ((n = weir_next_many(&feeder->gen, items, 4)) > 0) {
        for (size_t i = 0; i < n; i++) {
            bool part = (items[i].flags & WEIR_ITEM_PART) != 0;
            snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s%s", (int)items[i].len,
                     items[i].data, part ? "" : "|");
            seqs[count++] = items[i].seq;
        }
        /* An item that goes on is not delivered yet, whatever was done with its pieces. */
        bool open = (items[n - 1].flags & WEIR_ITEM_PART) != 0;
        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_uint_le(ledger.delivered, ledger.in - open);
    }

    ck_assert_str_eq(all, "ab|abcdefghijkl|cd|");
    ck_assert_uint_gt(count, 4);
    ck_assert_uint_eq(seqs[0], 1);
    ck_assert_uint_eq(seqs[1], 2);
    ck_assert_uint_eq(seqs[count - 2], 2);
    ck_assert_uint_eq(seqs[count - 1], 3);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in, 3);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 3);
    weir_loop_free(loop);
}

TEST(a_long_line_in_pieces_ends_with_the_input)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "abcdefghij", 10, 5);
    frame(feeder, 4, WEIR_LONG_PARTS);

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "abcde|fghij|$|");

    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 1);
    weir_loop_free(loop);
}

TEST(a_gap_ends_a_line_in_pieces)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "abcde", 5, 5);
    frame(feeder, 4, WEIR_LONG_PARTS);
    weir_item item;
    ck_assert(weir_next(&feeder->gen, &item));
    wr_inbox_over_loan(&feeder->inbox, feeder->gen.origin);

    wr_inbox_resume(&feeder->inbox, 5);
    feeder->data = "fg\n";
    feeder->len = 3;
    feeder->at = 0;

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "$|fg|");
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 2);
    weir_loop_free(loop);
}

TEST(a_reconnect_goes_on_inside_a_line_in_pieces)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "abcdef", 6, 5);
    frame(feeder, 4, WEIR_LONG_PARTS);
    weir_item item;
    ck_assert(weir_next(&feeder->gen, &item));
    ck_assert_uint_eq(feeder->inbox.given_end, 5);
    wr_inbox_over_loan(&feeder->inbox, feeder->gen.origin);

    wr_inbox_restart(&feeder->inbox, 5);
    feeder->data = "fg\n";
    feeder->len = 3;
    feeder->at = 0;

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "fg|");
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 1);
    weir_loop_free(loop);
}

/* The block for a record whose length is known is made at once: two blocks, not one per doubling. */
TEST(a_long_record_is_moved_once)
{
    enum { LEN = 900000 };
    weir_loop *loop = test_loop();
    char *text = malloc(LEN + 4);
    memcpy(text, "\0\15\273\240", 4); /* 900,000 */
    memset(text + 4, 'x', LEN);
    struct feeder *feeder = feed(loop, text, LEN + 4, 16384);
    weir_framing framing = {.kind = WEIR_FRAME_LEN32};
    ck_assert_int_eq(wr_inbox_init(&feeder->inbox, &feeder->gen, &framing, 0), 0);
    weir_item item;

    ck_assert(weir_next(&feeder->gen, &item));

    ck_assert_uint_eq(item.len, LEN);
    ck_assert_int_le(loop->budget.peak, LEN + 2 * WR_BLOCK_BYTES);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    free(text);
    weir_loop_free(loop);
}

TEST(an_overlong_line_can_fail_the_source)
{
    weir_loop *loop = test_loop();
    char out[128];
    weir_error error;
    struct feeder *feeder = feed(loop, "ab\nabcdefgh\ncd\n", 15, 15);
    frame(feeder, 4, WEIR_LONG_FAILS);

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "ab|");

    ck_assert_int_eq(weir_finish(&feeder->gen, &error), WEIR_ETOOLONG);
    ck_assert_int_eq(error.offset, 3);
    weir_loop_free(loop);
}

TEST(a_restart_at_the_end_of_the_last_line_goes_on_with_the_next)
{
    weir_loop *loop = test_loop();
    char out[128];
    struct feeder *feeder = feed(loop, "one\ntwo\nthr", 11, 11);
    weir_item item;
    ck_assert(weir_next(&feeder->gen, &item));
    ck_assert(weir_next(&feeder->gen, &item));
    ck_assert_uint_eq(feeder->inbox.given_end, 8);
    wr_inbox_over_loan(&feeder->inbox, feeder->gen.origin);

    wr_inbox_restart(&feeder->inbox, 8);
    feeder->data = "three\n";
    feeder->len = 6;
    feeder->at = 0;

    ck_assert_str_eq(join(&feeder->gen, 8, out, sizeof out), "three|");
    ck_assert_uint_eq(feeder->inbox.given_end, 14);
    ck_assert_int_eq(weir_finish(&feeder->gen, NULL), 0);
    weir_loop_free(loop);
}

/* What runs over one text have given, and what was saved at the death of the last. */
struct story {
    struct saved saved;
    char out[256];
};

/* One run from where the last has come to: killed when it wants more than data[0..to), unless that
 * is all. */
static void run_to(struct story *story, const char *data, size_t to, int32_t overlong)
{
    weir_loop *loop = test_loop();
    size_t offset = (size_t)(story->saved.position & ~WR_END_INSIDE), at = strlen(story->out);
    struct feeder *feeder = feed(loop, data + offset, to - offset, 3);
    frame(feeder, 4, overlong);
    wr_inbox_resume(&feeder->inbox, story->saved.position);
    feeder->breaks = data[to] != '\0';
    feeder->saved = &story->saved;

    (void)join(&feeder->gen, 2, story->out + at, sizeof story->out - at);

    (void)!weir_finish(&feeder->gen, NULL);
    weir_loop_free(loop);
}

static void check_killed_anywhere(int32_t overlong, const char *expected, uint64_t items)
{
    static const char text[] = "ab\nabcdefgh\r\ncd\n12345\nabcdefghijkl\n\nx\n1234567\nyz";
    for (size_t first = 0; first < sizeof text; first++) {
        for (size_t second = first; second < sizeof text; second++) {
            struct story story = {.out = ""};
            run_to(&story, text, first, overlong);
            run_to(&story, text, second, overlong);
            run_to(&story, text, sizeof text - 1, overlong);

            ck_assert_msg(strcmp(story.out, expected) == 0, "killed at %zu and %zu: %s", first,
                          second, story.out);
            ck_assert_uint_eq(story.saved.items, items);
        }
    }
}

TEST_WITHIN(a_cut_line_is_given_once_wherever_runs_are_killed, 20)
{
    if (!wr_test_sweeps()) {
        check_killed_anywhere(WEIR_LONG_CUT, "ab|abcd~|cd|1234~|abcd~||x|1234~|yz$|", 9);
    }
}

TEST_WITHIN(a_skipped_line_is_counted_once_wherever_runs_are_killed, 20)
{
    if (!wr_test_sweeps()) {
        check_killed_anywhere(WEIR_LONG_SKIP, "ab|cd||x|yz$|", 9);
    }
}

MAIN("flow/inbox")
