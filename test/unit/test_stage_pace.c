/*
 * throttle, sample, delay, for, keepalive, timeout, latest, prefetch: what time does to a stream.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_texts.h"

static int64_t now_ms(weir_loop *loop)
{
    return wr_now_ns(loop) / 1000000;
}

/* When the items come, in ms from the first call on: "0|20|40|". */
static char *times_of(weir_loop *loop, weir_gen *gen, int *rc)
{
    char *shown;
    size_t len;
    weir_item item;
    int64_t begun_ms = now_ms(loop);
    FILE *out = open_memstream(&shown, &len);
    while (weir_next(gen, &item)) {
        fprintf(out, "%lld|", (long long)(now_ms(loop) - begun_ms));
    }
    fclose(out);
    *rc = weir_finish(gen, NULL);
    return shown;
}

static void check_times(weir_loop *loop, weir_gen *gen, const char *expected, int code)
{
    int rc;
    char *shown = times_of(loop, gen, &rc);
    ck_assert_str_eq(shown, expected);
    ck_assert_int_eq(rc, code);
    free(shown);
}

static weir_gen *paced(weir_loop *loop, long count, int64_t pause_ms)
{
    return numbers(
        weir_root(loop),
        (struct numbers_args){.count = count, .pause_ms = pause_ms, .scope = weir_root(loop)});
}

/* ---- throttle */

TEST(throttle_gives_items_at_its_rate)
{
    weir_loop *loop = test_loop();
    check_times(loop, weir_throttle(count_to(weir_root(loop), 4), 10, false, 1000),
                "0|100|200|300|", 0);
    weir_loop_free(loop);
}

TEST(throttle_holds_its_rate_over_a_long_time)
{
    if (wr_test_sweeps()) {
        return;
    }
    static const int64_t rates[] = {3, 7, 300, 30000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        weir_loop *loop = test_loop();
        weir_item items[64];
        int64_t begun_ms = now_ms(loop), seconds = rates[i] < 1000 ? 100 : 2;
        int64_t want = rates[i] * seconds, got = 0;
        weir_gen *gen =
            weir_throttle(weir_count(weir_root(loop), 1, WEIR_NONE), rates[i], false, 1000);
        for (size_t n; got < want && (n = weir_next_many(gen, items, 64)) > 0;) {
            got += (int64_t)n;
        }
        int64_t took_ms = now_ms(loop) - begun_ms;
        ck_assert_int_le(took_ms, seconds * 1000 + 1);
        ck_assert_int_ge(took_ms, seconds * 1000 - 1000 * 64 / rates[i] - 101);
        weir_discard(gen);
        weir_loop_free(loop);
    }
}

TEST(throttle_saves_what_was_not_used_for_a_tenth_of_a_second)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_throttle(count_to(weir_root(loop), 100), 100, false, 1000);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(weir_root(loop), 3600000));
    int64_t begun_ms = now_ms(loop);
    for (int i = 0; i < 10; i++) {
        ck_assert(weir_next(gen, &item));
    }
    ck_assert_int_eq(now_ms(loop), begun_ms);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_ge(now_ms(loop), begun_ms + 9);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(throttle_of_bytes_waits_after_large_items)
{
    static char large[1000];
    weir_slice list[] = {{large, 1000}, {large, 500}, {large, 1}};
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop), (struct texts){list, 3, NULL});
    int rc;
    char *shown = times_of(loop, weir_throttle(gen, 1000, true, 1000), &rc);
    ck_assert_str_eq(shown, "0|1000|1500|");
    free(shown);
    weir_loop_free(loop);
}

TEST(throttle_reads_nothing_while_it_waits)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_throttle(count_to(root, 100), 1, false, 1000);
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_ITEM);
    ck_assert_int_eq(weir_next_within(gen, &item, 500), WEIR_GOT_LATE);
    ck_assert_uint_eq(ledger_of(root).in, 1);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(throttle_without_a_rate_fails)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(weir_finish(weir_throttle(count_to(weir_root(loop), 1), 0, false, 1), NULL),
                     WEIR_EINVAL);
    weir_loop_free(loop);
}

/* ---- sample */

static long sum_of_sample(const weir_sample_options *options, uint64_t *filtered, uint64_t *dropped,
                          int64_t pause_ms)
{
    weir_loop *loop = test_loop();
    long sum = sum_of(weir_sample(paced(loop, 100, pause_ms), options), NULL);
    weir_ledger ledger = ledger_of(weir_root(loop));
    *filtered = ledger.filtered;
    *dropped = ledger.dropped;
    weir_loop_free(loop);
    return sum;
}

TEST(sample_gives_every_nth_item)
{
    uint64_t filtered, dropped;
    long sum =
        sum_of_sample(WEIR_OPTIONS(weir_sample_options, .every = 25), &filtered, &dropped, 0);
    ck_assert_int_eq(sum, 25 + 50 + 75 + 100);
    ck_assert_uint_eq(filtered, 96);
}

TEST(sample_gives_the_first_item_of_each_while)
{
    uint64_t filtered, dropped;
    long sum =
        sum_of_sample(WEIR_OPTIONS(weir_sample_options, .every_ms = 1000), &filtered, &dropped, 40);
    ck_assert_int_eq(sum, 1 + 26 + 51 + 76); /* at 40, 1040, 2040 and 3040 ms */
    ck_assert_uint_eq(dropped, 96);
    ck_assert_uint_eq(filtered, 0);
}

TEST(sample_of_a_share_is_decided_by_its_seed)
{
    uint64_t filtered, dropped;
    weir_sample_options tenth = {.struct_size = sizeof tenth, .share = 0.1, .seed = 1};
    long one = sum_of_sample(&tenth, &filtered, &dropped, 0);
    ck_assert_uint_gt(filtered, 80);
    ck_assert_uint_lt(filtered, 98);
    ck_assert_int_eq(sum_of_sample(&tenth, &filtered, &dropped, 0), one);
    tenth.seed = 2;
    ck_assert_int_ne(sum_of_sample(&tenth, &filtered, &dropped, 0), one);
    tenth.share = 1;
    ck_assert_int_eq(sum_of_sample(&tenth, &filtered, &dropped, 0), 5050);
}

TEST(sample_of_two_kinds_at_once_fails)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_sample(count_to(weir_root(loop), 1),
                                WEIR_OPTIONS(weir_sample_options, .every = 2, .share = 0.1));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

/* ---- delay */

TEST(delay_gives_items_later_and_in_their_distances)
{
    weir_loop *loop = test_loop();
    check_times(loop, weir_delay(paced(loop, 4, 30), 1000, NULL), "1030|1060|1090|1120|", 0);
    weir_loop_free(loop);
}

TEST(delay_gives_what_waits_before_a_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(
        root, (struct numbers_args){.count = 9, .fail_at = 3, .pause_ms = 10, .scope = root});
    check_times(loop, weir_delay(gen, 1000, NULL), "1010|1020|", WEIR_EPARSE);
    weir_loop_free(loop);
}

TEST(delay_that_is_full_reads_no_more)
{
    weir_loop *loop = test_loop();
    check_times(loop,
                weir_delay(count_to(weir_root(loop), 5), 1000,
                           WEIR_OPTIONS(weir_delay_options, .items_max = 2)),
                "1000|1000|2000|2000|3000|", 0);
    weir_loop_free(loop);
}

TEST(delay_of_many_items_keeps_them_all)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = test_loop();
    ck_assert_int_eq(sum_of(weir_delay(paced(loop, 3000, 1), 1000, NULL), NULL), 3000L * 3001 / 2);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 3000);
    weir_loop_free(loop);
}

/* ---- for, keepalive, timeout */

TEST(for_ends_its_upstream_when_the_time_is_over)
{
    weir_loop *loop = test_loop();
    check_times(loop, weir_for(paced(loop, -1, 300), 1000), "300|600|900|", 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 3);
    check_times(loop, weir_for(paced(loop, 2, 300), 1000), "300|600|", 0);
    weir_loop_free(loop);
}

TEST(for_ends_an_upstream_that_never_waits)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_for(count_to(weir_root(loop), -1), 1000);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(weir_root(loop), 2000));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(keepalive_gives_a_line_when_nothing_comes)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_keepalive(paced(loop, 2, 2500), 1000, "alive");
    static const bool real[] = {false, false, true, false, false, true};
    for (size_t i = 0; i < sizeof real; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(item.type == &number_type, real[i]);
        ck_assert(real[i] || (item.len == 5 && memcmp(item.data, "alive", 5) == 0));
        ck_assert(real[i] || (item.receipt == NULL && item.seq == 0));
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).in, 2);
    ck_assert_uint_eq(ledger_of(root).delivered, 2);
    weir_loop_free(loop);
}

TEST(timeout_fails_when_no_item_comes)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item item;
    check_times(loop, weir_timeout(paced(loop, 2, 900), 1000), "900|1800|", 0);
    weir_gen *gen = weir_timeout(paced(loop, 2, 1500), 1000);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETIMEDOUT);
    ck_assert_str_eq(error.origin, "timeout");
    ck_assert_str_eq(error.message, "no item came for 1.000 s");
    weir_loop_free(loop);
}

TEST(timeout_does_not_count_the_time_of_its_reader)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_timeout(count_to(weir_root(loop), 2), 1000);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(weir_root(loop), 5000));
    ck_assert(weir_next(gen, &item));
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(a_time_that_is_not_positive_is_refused)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    ck_assert_int_eq(weir_finish(weir_for(count_to(root, 1), 0), NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_finish(weir_keepalive(count_to(root, 1), -1, NULL), NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_finish(weir_timeout(count_to(root, 1), 0), NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_finish(weir_delay(count_to(root, 1), -1, NULL), NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

/* ---- latest, prefetch */

TEST(latest_keeps_only_the_newest_item_for_a_slow_reader)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_latest(paced(loop, 10, 100));
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(root, 550));
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 6);
    weir_discard(gen);
    ck_assert_uint_eq(ledger_of(root).dropped, 4);
    weir_loop_free(loop);
}

TEST(prefetch_reads_ahead_up_to_its_limit)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_prefetch(paced(loop, 100, 10), 5);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_sleep(root, 1000));
    ck_assert_uint_ge(ledger_of(root).in, 6);
    ck_assert_uint_le(ledger_of(root).in, 8);
    weir_discard(gen);
    weir_loop_free(loop);
}

MAIN("stage/pace")
