/*
 * The ring of a queue on its own: a model of numbers in a plain array beside it, over pieces that
 * come and go; what is charged for slots, and what happens when that is refused.
 */
#include "flow_ring.h"

#include <stdlib.h>

#include "bytes_origin.h"
#include "support_check.h"

enum { PIECE_BYTES = (int)sizeof(struct wr_ring_piece), LENT_MAX = 3000 };

static struct wr_budget budget;
static struct wr_block_pool pool;
static struct wr_ring ring;
static struct wr_origin origin;
static struct weir_block *block;
static weir_item lent[LENT_MAX];

static void fresh(int64_t limit, size_t items_max)
{
    int why;
    memset(&ring, 0, sizeof ring);
    budget = (struct wr_budget){.limit = limit};
    wr_block_pool_init(&pool, &budget);
    wr_ring_init(&ring, &pool, items_max, SIZE_MAX / 8);
    wr_origin_init(&origin, 1, "test");
    block = wr_block_new(NULL, 64, &why);
    ck_assert_ptr_nonnull(block);
}

static void over(void)
{
    wr_ring_fini(&ring);
    wr_block_unref(block, 1);
    wr_block_pool_fini(&pool);
    wr_origin_fini(&origin);
}

/* The next `count` numbers; how many went in. */
static size_t append(size_t count)
{
    weir_item items[256];
    size_t done = 0;
    while (done < count && !wr_ring_full(&ring)) {
        size_t n = WR_MIN(count - done, sizeof items / sizeof *items);
        for (size_t i = 0; i < n; i++) {
            items[i] = weir_bytes(block->data, 1);
            items[i].block = block;
            items[i].receipt = &origin.receipt;
            items[i].seq = origin.given + 1 + i;
        }
        size_t put = wr_ring_append_run(&ring, items, n);
        if (put == 0) {
            int rc = wr_ring_append(&ring, &items[0]);
            if (rc != 0) {
                ck_assert_int_eq(rc, 1);
                break;
            }
            put = 1;
        }
        wr_origin_lend(&origin, put);
        done += put;
    }
    wr_origin_lend(&origin, 0);
    return done;
}

/* Lend up to max, which must be the numbers from `from` on; how many came. */
static size_t lend(size_t max, uint64_t from)
{
    wr_ring_end_loan(&ring);
    size_t n = wr_ring_lend(&ring, lent, max);
    for (size_t i = 0; i < n; i++) {
        MUST(lent[i].seq == from + i);
    }
    return n;
}

TEST(ring_gives_in_order_what_came_over_any_number_of_pieces)
{
    uint64_t next = 1; /* to be lent */
    size_t rounds = wr_test_sweeps() ? 10 : 2000;
    fresh(INT64_C(1) << 40, 100000);
    srand(1);
    for (size_t i = 0; i < rounds; i++) {
        (void)append((size_t)rand() % (i % 7 == 0 ? 5000 : 300));
        size_t n = lend(1 + (size_t)rand() % (i % 5 == 0 ? LENT_MAX : 200), next);
        ck_assert(n > 0 || wr_ring_count(&ring) == 0);
        next += n;
        ck_assert_uint_eq(wr_ring_count(&ring), origin.given + 1 - next);
        ck_assert_uint_eq(ring.bytes, wr_ring_count(&ring));
        ck_assert_uint_le(ring.cap, WR_RING_PIECE);
        ck_assert_int_eq(budget.used % PIECE_BYTES, 0);
    }
    while (lend(100, next) > 0) {
        next += ring.lent;
    }
    ck_assert_int_eq(budget.used, 0);
    ck_assert_uint_eq(next, origin.given + 1);
    wr_origin_sync(&origin);
    ck_assert_uint_eq(origin.done, origin.given);
    ck_assert_uint_eq(block->refs, 1);
    over();
}

TEST(ring_drops_the_oldest_that_are_not_lent_wherever_they_lie)
{
    uint64_t next = 1;
    size_t rounds = wr_test_sweeps() ? 10 : 500;
    fresh(INT64_C(1) << 40, 100000);
    srand(2);
    for (size_t i = 0; i < rounds; i++) {
        (void)append((size_t)rand() % 2000);
        if (rand() % 2 == 0) {
            next += lend(1 + (size_t)rand() % LENT_MAX, next);
        }
        size_t drop = wr_ring_count(&ring) > 0 ? (size_t)rand() % wr_ring_count(&ring) : 0;
        wr_ring_drop_oldest(&ring, drop, WR_ACT_DROP);
        next += drop;
        ck_assert_uint_eq(wr_ring_count(&ring), origin.given + 1 - next);
    }
    wr_ring_release_all(&ring, WR_ACT_COMMIT);
    ck_assert_int_eq(budget.used, 0);
    ck_assert_uint_eq(block->refs, 1);
    wr_origin_sync(&origin);
    ck_assert_uint_eq(origin.done, origin.given);
    over();
}

TEST(ring_of_a_few_items_charges_nothing)
{
    fresh(1, WR_RING_PIECE);
    ck_assert_uint_eq(append(5000), WR_RING_PIECE);
    ck_assert(wr_ring_full(&ring));
    ck_assert_int_eq(budget.used, 0);
    over();
}

TEST(ring_is_full_when_slots_have_taken_half_of_the_budget)
{
    fresh(8 * PIECE_BYTES, 1000000);
    ck_assert_uint_eq(append(1000000), 5 * WR_RING_PIECE);
    ck_assert(wr_ring_full(&ring));
    ck_assert_int_eq(budget.used, 4 * PIECE_BYTES);
    ck_assert_int_eq(budget.slots, 4 * PIECE_BYTES);
    over();
}

TEST(ring_that_was_full_for_want_of_slots_takes_more_when_there_are_some)
{
    fresh(8 * PIECE_BYTES, 1000000);
    wr_budget_take_slots(&budget, 3 * PIECE_BYTES);
    ck_assert_uint_eq(append(1000000), 2 * WR_RING_PIECE);
    wr_budget_release_slots(&budget, 3 * PIECE_BYTES);
    ck_assert(wr_ring_full(&ring));

    uint64_t next = 1;
    for (int i = 0; i < WR_RING_PIECE + 1; i += 1) {
        next += lend(1, next);
    }
    ck_assert_uint_eq(append(1000000), 5 * WR_RING_PIECE - WR_RING_PIECE);
    over();
}

/* Of a ring that is lent as a whole the reader may be waiting for more. */
TEST(ring_of_which_all_is_lent_gets_a_piece_in_any_case)
{
    fresh(1, 1000000);
    ck_assert_uint_eq(append(1000000), WR_RING_PIECE);
    ck_assert_uint_eq(lend(LENT_MAX, 1), WR_RING_PIECE);
    ck_assert_uint_eq(append(10), 10);
    ck_assert_int_eq(budget.used, PIECE_BYTES);
    ck_assert_uint_eq(lend(LENT_MAX, WR_RING_PIECE + 1), 10);
    ck_assert_int_eq(budget.used, 0);
    over();
}

MAIN("flow/ring")
