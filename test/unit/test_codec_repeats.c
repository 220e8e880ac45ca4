/*
 * Streams that begin as the last one did: what is dropped and what is given, at every chunking.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec_repeats.h"
#include "support_check.h"

/* Give lines as a source does: a mark where one is due, and half a line at the end as such. */
static void gives(struct wr_repeats *r, const char *data, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            bool mark = wr_repeats_wants(r, 1, i + 1 - from);
            wr_repeats_given(r, data + from, i + 1 - from, 1, mark);
            from = i + 1;
        }
    }
    if (from < len) {
        wr_repeats_given(r, data + from, len - from, 1, false);
    }
    r->between = from < len;
}

/* What comes out of a stream: what was not dropped, and is not held at its end. */
struct passed {
    char text[512];
    size_t len, held;
};

static void moves(struct wr_repeats *r, struct passed *passed)
{
    size_t dropped = wr_repeats_dropped(r);
    MUST(dropped <= passed->held);
    memmove(passed->text + passed->len, passed->text + passed->len + dropped,
            passed->held - dropped);
    passed->held -= dropped;
    if (!r->holds) {
        gives(r, passed->text + passed->len, passed->held);
        passed->len += passed->held;
        passed->held = 0;
    }
}

static void comes(struct wr_repeats *r, struct passed *passed, const char *data, size_t len)
{
    memcpy(passed->text + passed->len + passed->held, data, len);
    passed->held += len;
    wr_repeats_see(r, data, len);
    moves(r, passed);
}

static void ends(struct wr_repeats *r, struct passed *passed, bool broken)
{
    wr_repeats_end(r, broken);
    moves(r, passed);
    MUST(passed->held == 0);
    passed->text[passed->len] = '\0';
}

/* The second stream after the first one, in pieces: bit i of cuts is a border behind byte i. */
static const char *second(const char *first, const char *next, unsigned cuts, bool broken,
                          enum wr_repeats_news *news)
{
    static struct passed passed;
    struct wr_repeats r;
    size_t len = strlen(next), from = 0;
    passed = (struct passed){.len = 0};
    wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
    gives(&r, first, strlen(first));
    wr_repeats_begin(&r);
    for (size_t i = 0; i < len; i++) {
        if ((cuts >> i & 1) != 0 || i + 1 == len) {
            comes(&r, &passed, next + from, i + 1 - from);
            from = i + 1;
        }
    }
    ends(&r, &passed, broken);
    *news = r.news;
    wr_repeats_fini(&r);
    return passed.text;
}

/* The same at each chunking. */
static void gives_always(const char *first, const char *next, bool broken, const char *given,
                         enum wr_repeats_news news)
{
    size_t len = strlen(next);
    unsigned all = len == 0 ? 1 : 1u << (len - 1);
    for (unsigned cuts = 0; cuts < all; cuts++) {
        enum wr_repeats_news is;
        const char *text = second(first, next, cuts, broken, &is);
        ck_assert_msg(strcmp(text, given) == 0 && is == news, "'%s' then '%s', cuts %x: '%s', %d",
                      first, next, cuts, text, (int)is);
    }
}

TEST(a_feed_that_begins_with_its_history_is_not_repeated)
{
    gives_always("a\nb\nc\n", "a\nb\nc\n", false, "", WR_REPEATS_WHOLE);
    gives_always("a\nb\nc\n", "a\nb\nc\nd\n", false, "d\n", WR_REPEATS_WHOLE);
    gives_always("a\nb\nc\n", "a\nb\nc\nd\ne", true, "d\ne", WR_REPEATS_WHOLE);
}

TEST(a_feed_that_begins_with_a_greeting_loses_nothing)
{
    gives_always("hi\na\nb\n", "hi\nc\nd\n", false, "c\nd\n", WR_REPEATS_DIFFER);
    gives_always("hi\na\nb\nc\n", "hi\na\nb\nd\n", false, "b\nd\n", WR_REPEATS_DIFFER);
    gives_always("hi\n", "hi\nc\n", false, "c\n", WR_REPEATS_WHOLE);
}

TEST(a_feed_that_goes_on_loses_nothing)
{
    gives_always("a\nb\n", "c\nd\n", false, "c\nd\n", WR_REPEATS_DIFFER);
    gives_always("abc\n", "c", false, "c", WR_REPEATS_DIFFER);
    gives_always("a\nb\n", "", false, "", WR_REPEATS_NO_NEWS);
    gives_always("", "a\n", false, "a\n", WR_REPEATS_NO_NEWS);
}

TEST(what_ends_between_two_marks_is_given)
{
    gives_always("a\nb\nc\nd\ne\n", "a\nb\nc\n", false, "c\n", WR_REPEATS_DIFFER);
    gives_always("a\nb\nc\nd\ne\n", "a\nb\nc\n", true, "c\n", WR_REPEATS_DIFFER);
    gives_always("a\nb\nc\nd\ne\n", "a\nb\n", true, "", WR_REPEATS_NO_NEWS);
}

TEST(half_an_item_is_a_repeat_only_where_the_stream_ends_too)
{
    gives_always("a\nbc", "a\nbc", false, "", WR_REPEATS_WHOLE);
    gives_always("a\nbc", "a\nbc", true, "bc", WR_REPEATS_DIFFER);
    gives_always("a\nbc", "a\nbcd\n", false, "bcd\n", WR_REPEATS_DIFFER);
    gives_always("a\nbc", "a\nbc\nd\n", false, "bc\nd\n", WR_REPEATS_DIFFER);
    gives_always("ab", "ab", false, "", WR_REPEATS_WHOLE);
}

/* All pairs of streams of two letters and line ends: what is given is the end of the stream, what is
 * dropped came before, and agrees. */
TEST(whatever_comes_only_what_agrees_is_dropped)
{
    enum { LEN = 4, ALL = 81 };
    char streams[ALL][LEN + 1];
    if (wr_test_sweeps()) {
        return; /* the other tests have the same calls */
    }
    for (int i = 0; i < ALL; i++) {
        for (int j = 0, rest = i; j < LEN; j++, rest /= 3) {
            streams[i][j] = "ab\n"[rest % 3];
        }
        streams[i][LEN] = '\0';
    }
    for (int i = 0; i < ALL; i++) {
        for (int j = 0; j < ALL; j++) {
            enum wr_repeats_news news, other;
            char whole[LEN + 1];
            snprintf(whole, sizeof whole, "%s", second(streams[i], streams[j], 0, false, &news));
            size_t dropped = LEN - strlen(whole);
            MUST(strcmp(streams[j] + dropped, whole) == 0);
            MUST(memcmp(streams[i], streams[j], dropped) == 0);
            MUST(dropped == LEN || dropped == 0 || streams[j][dropped - 1] == '\n');
            MUST(i != j || dropped == LEN);
            for (unsigned cuts = 1; cuts < 1u << (LEN - 1); cuts++) {
                const char *text = second(streams[i], streams[j], cuts, false, &other);
                MUST(strcmp(text, whole) == 0 && other == news);
            }
        }
    }
}

TEST(the_longest_stream_is_kept_while_others_agree)
{
    struct wr_repeats r;
    struct passed passed = {.len = 0};
    wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
    gives(&r, "a\nb\nc\nd\n", 8);
    wr_repeats_begin(&r);
    comes(&r, &passed, "a\nb\n", 4);
    ends(&r, &passed, true);
    ck_assert_uint_eq(passed.len, 0);
    wr_repeats_begin(&r);
    comes(&r, &passed, "a\nb\nc\nd\ne\n", 10);
    ends(&r, &passed, true);

    ck_assert_str_eq(passed.text, "e\n");
    wr_repeats_begin(&r); /* and what was added to it belongs to it */
    comes(&r, &passed, "a\nb\nc\nd\ne\nf\n", 12);
    ck_assert_mem_eq(passed.text, "e\nf\n", 4);
    wr_repeats_fini(&r);
}

TEST(after_a_difference_the_new_stream_is_the_one_that_is_kept)
{
    struct wr_repeats r;
    struct passed passed = {.len = 0};
    wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
    gives(&r, "a\nb\n", 4);
    wr_repeats_begin(&r);
    comes(&r, &passed, "a\nc\nd\n", 6);
    ends(&r, &passed, true);
    ck_assert_str_eq(passed.text, "c\nd\n");
    wr_repeats_begin(&r);
    comes(&r, &passed, "a\nc\nd\ne\n", 8);
    ends(&r, &passed, true);

    ck_assert_str_eq(passed.text, "c\nd\ne\n");
    wr_repeats_fini(&r);
}

TEST(what_is_held_is_given_after_two_seconds_without_a_mark)
{
    struct wr_repeats r;
    struct passed passed = {.len = 0};
    wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
    gives(&r, "a\nbbbb\ncccc\ndddd\n", 17);
    wr_repeats_begin(&r);
    ck_assert_int_eq(wr_repeats_left_ms(&r), -1); /* nothing is held */
    wr_repeats_waited(&r, 5000);
    comes(&r, &passed, "a\nbb", 4);
    ck_assert_int_eq(wr_repeats_left_ms(&r), 2000);
    wr_repeats_waited(&r, 1500);
    comes(&r, &passed, "bb\n", 3); /* a mark */
    ck_assert_int_eq(wr_repeats_left_ms(&r), -1);
    comes(&r, &passed, "cc", 2);
    wr_repeats_waited(&r, 1999);
    moves(&r, &passed);
    ck_assert_uint_eq(passed.len, 0);
    ck_assert_int_eq(wr_repeats_left_ms(&r), 1);
    wr_repeats_waited(&r, 1);
    moves(&r, &passed);

    ck_assert_int_eq(r.news, WR_REPEATS_LATE);
    ck_assert_uint_eq(passed.len, 2);
    ck_assert_mem_eq(passed.text, "cc", 2);
    wr_repeats_fini(&r);
}

TEST(no_more_is_held_than_the_limit)
{
    struct wr_repeats r;
    static char line[4096];
    wr_repeats_init(&r, 2000);
    memset(line, 'x', sizeof line);
    wr_repeats_given(&r, line, sizeof line, 1, true);
    wr_repeats_begin(&r);
    wr_repeats_see(&r, line, 2000);
    ck_assert(r.holds);
    wr_repeats_see(&r, line, 1);

    ck_assert(!r.holds);
    ck_assert_int_eq(r.news, WR_REPEATS_FULL);
    wr_repeats_fini(&r);
}

/* Blocks of a stream that never repeats itself. */
static void block_at(uint64_t at, char *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t n = (at + i) / 8 * UINT64_C(0x9E3779B97F4A7C15);
        to[i] = (char)(n >> 8 * ((at + i) % 8));
    }
}

TEST(the_marks_of_a_long_stream_are_thinned_out)
{
    enum { BLOCK = 32 * 1024, BLOCKS = 6000 };
    static char block[BLOCK];
    struct wr_repeats r;
    if (wr_test_sweeps()) {
        return; /* much work, and one kind of call that may fail */
    }
    wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        block_at(i * BLOCK, block, BLOCK);
        wr_repeats_given(&r, block, BLOCK, 1, wr_repeats_wants(&r, 1, BLOCK));
        MUST(r.count <= WR_REPEATS_MARKS_MAX);
    }
    ck_assert_uint_gt(r.count, WR_REPEATS_MARKS_MAX / 4);
    wr_repeats_begin(&r);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        block_at(i * BLOCK, block, BLOCK);
        MUST(r.holds);
        wr_repeats_see(&r, block, BLOCK / 3);
        wr_repeats_see(&r, block + BLOCK / 3, BLOCK - BLOCK / 3);
        MUST(wr_repeats_held(&r) <= 8 * WR_REPEATS_SPACING);
    }

    ck_assert_int_eq(r.news, WR_REPEATS_WHOLE);
    wr_repeats_fini(&r);
}

TEST(one_byte_that_differs_is_found)
{
    enum { LEN = 100 };
    char one[LEN], two[LEN];
    block_at(0, one, LEN);
    for (size_t at = 0; at < LEN; at++) {
        struct wr_repeats r;
        memcpy(two, one, LEN);
        two[at] ^= 1;
        wr_repeats_init(&r, WR_REPEATS_HELD_MAX);
        wr_repeats_given(&r, one, LEN, 1, true);
        wr_repeats_begin(&r);
        wr_repeats_see(&r, two, LEN);
        ck_assert_int_eq(r.news, WR_REPEATS_DIFFER);
        ck_assert_uint_eq(wr_repeats_dropped(&r), 0);
        wr_repeats_fini(&r);
    }
}

MAIN("codec/repeats")
