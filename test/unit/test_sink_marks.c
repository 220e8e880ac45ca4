/*
 * Which items of a stream have settled when its reader has read so many bytes.
 */
#include "sink_marks.h"
#include "support_check.h"
#include "support_receipts.h"

static struct wr_origin origin;

/* `count` items of len bytes each, lent and put. */
static void begin(struct wr_marks *marks, uint64_t count, uint64_t len)
{
    *marks = (struct wr_marks){.all = NULL};
    wr_origin_init(&origin, 1, "source");
    wr_origin_lend(&origin, count);
    for (uint64_t seq = 1; seq <= count; seq++) {
        weir_item item = {.seq = seq, .receipt = &origin.receipt};
        ck_assert_int_eq(wr_marks_add(marks, &item, seq * len), 0);
    }
    wr_origin_lend(&origin, 0);
}

static void end(struct wr_marks *marks)
{
    wr_marks_let_go(marks, WR_ACT_ABANDON);
    wr_origin_fini(&origin);
}

TEST(item_settles_with_its_last_byte)
{
    struct wr_marks marks;
    begin(&marks, 100, 10);

    for (uint64_t bytes = 0; bytes <= 1000; bytes++) {
        wr_marks_settle(&marks, bytes);
        ck_assert_uint_eq(origin.done, bytes / 10);
        ck_assert_uint_eq(origin.committed, bytes / 10);
    }
    ck_assert_uint_eq(marks.count, 0);
    end(&marks);
}

TEST(items_of_any_length_settle_one_by_one)
{
    const uint64_t lens[] = {1, 70000, 5, 65535, 65536, 2, 3, 1000000};
    struct wr_marks marks = {.all = NULL};
    uint64_t end_at = 0;
    wr_origin_init(&origin, 1, "source");
    wr_origin_lend(&origin, 8);
    for (uint64_t i = 0; i < 8; i++) {
        weir_item item = {.seq = i + 1, .receipt = &origin.receipt};
        end_at += lens[i];
        ck_assert_int_eq(wr_marks_add(&marks, &item, end_at), 0);
    }
    wr_origin_lend(&origin, 0);
    end_at = 0;
    for (uint64_t i = 0; i < 8; i++) {
        end_at += lens[i];
        wr_marks_settle(&marks, end_at - 1);
        ck_assert_uint_eq(origin.done, i);
        wr_marks_settle(&marks, end_at);
        ck_assert_uint_eq(origin.done, i + 1);
    }
    end(&marks);
}

TEST(list_is_used_again_by_one_that_settles_as_it_goes)
{
    struct wr_marks marks;
    begin(&marks, 1, 10);

    for (uint64_t seq = 2; seq <= 100000; seq++) {
        wr_origin_lend(&origin, 1);
        weir_item item = {.seq = seq, .receipt = &origin.receipt};
        ck_assert_int_eq(wr_marks_add(&marks, &item, seq * 10), 0);
        wr_marks_settle(&marks, seq * 10 - 300);
    }

    ck_assert_uint_le(marks.cap, 32);
    end(&marks);
}

TEST(items_that_come_in_another_order_settle_in_that)
{
    const uint64_t order[] = {3, 1, 2, 5, 4};
    struct wr_marks marks = {.all = NULL};
    wr_origin_init(&origin, 1, "source");
    wr_origin_lend(&origin, 5);
    for (uint64_t i = 0; i < 5; i++) {
        weir_item item = {.seq = order[i], .receipt = &origin.receipt};
        ck_assert_int_eq(wr_marks_add(&marks, &item, (i + 1) * 10), 0);
    }
    wr_origin_lend(&origin, 0);

    wr_marks_settle(&marks, 10);
    ck_assert_uint_eq(origin.done, 0);
    wr_marks_settle(&marks, 20);
    ck_assert_uint_eq(origin.done, 1);
    wr_marks_settle(&marks, 40);
    ck_assert_uint_eq(origin.done, 3);
    wr_marks_settle(&marks, 50);
    ck_assert_uint_eq(origin.done, 5);
    end(&marks);
}

TEST(what_nobody_has_read_is_abandoned)
{
    struct wr_marks marks;
    begin(&marks, 5, 10);
    wr_marks_settle(&marks, 25);

    wr_marks_let_go(&marks, WR_ACT_ABANDON);

    uint64_t counts[WR_OUTCOMES];
    wr_origin_counts(&origin, counts);
    ck_assert_uint_eq(counts[WR_DELIVERED], 2);
    ck_assert_uint_eq(origin.done, 2);
    end(&marks);
}

MAIN("sink/marks")
