/*
 * log and meter: what they write, and that they change nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_texts.h"

static char written[2000];

static void on_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(written);
    (void)ctx;
    ck_assert_int_eq(level, WR_LOG_INFO);
    (void)snprintf(written + len, sizeof written - len, "%s: %s\n", origin, text);
}

static weir_loop *logged_loop(void)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = on_log));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    written[0] = '\0';
    return loop;
}

static void reads(weir_gen *gen, long count)
{
    weir_item item;
    long n = 0;
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(n, count);
}

TEST(log_writes_items_and_counts_those_over_its_rate)
{
    weir_loop *loop = logged_loop();
    reads(weir_logged(weir_count(weir_root(loop), 7, 11), NULL, 2), 5);
    ck_assert_str_eq(written, "log: item 1: 7\nlog: item 2: 8\nlog: 3 others\n");
    weir_loop_free(loop);
}

TEST(log_says_how_many_it_has_left_out_with_the_next_one)
{
    weir_loop *loop = logged_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_logged(weir_count(root, 1, 4), "here", 1);
    for (int i = 0; i < 3; i++) {
        ck_assert(weir_next(gen, &item));
    }
    ck_assert(weir_sleep(root, 1000));
    ck_assert(weir_next(gen, &item));
    weir_discard(gen);
    ck_assert_str_eq(written, "log: item 1: here\nlog: item 4: here (2 others before it)\n");
    weir_loop_free(loop);
}

TEST(log_cuts_long_items_and_shows_no_control_bytes)
{
    static char large[1000];
    memset(large, 'x', sizeof large);
    large[3] = '\x1b';
    weir_slice list[] = {{large, sizeof large}};
    weir_loop *loop = logged_loop();
    reads(weir_logged(texts(weir_root(loop), (struct texts){list, 1, NULL}), NULL, 0), 1);
    ck_assert_ptr_null(strchr(written, '\x1b'));
    ck_assert_uint_le(strlen(written), 230);
    ck_assert_ptr_nonnull(strstr(written, "xxx...\n"));
    weir_loop_free(loop);
}

TEST(log_of_values_without_a_text_says_so)
{
    weir_loop *loop = logged_loop();
    reads(weir_logged(count_to(weir_root(loop), 1), NULL, 0), 1);
    ck_assert_str_eq(written, "log: item 1: a batch, or a value without a text\n");
    weir_loop_free(loop);
}

TEST(meter_writes_the_rate_and_the_whole)
{
    weir_loop *loop = logged_loop();
    weir_scope *root = weir_root(loop);
    reads(weir_metered(
              numbers(root, (struct numbers_args){.count = 25, .pause_ms = 100, .scope = root}), 0),
          25);
    ck_assert_str_eq(written, "meter: 10 items/s, 80.0 B/s; 10 items so far\n"
                              "meter: 10 items/s, 80.0 B/s; 20 items so far\n"
                              "meter: in all 10 items/s, 80.0 B/s; 25 items so far\n");
    weir_loop_free(loop);
}

TEST(meter_that_was_never_pulled_writes_nothing)
{
    weir_loop *loop = logged_loop();
    weir_discard(weir_metered(count_to(weir_root(loop), 1), 5000));
    ck_assert_str_eq(written, "");
    ck_assert_int_eq(weir_finish(weir_metered(count_to(weir_root(loop), 1), -1), NULL),
                     WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("stage/log")
