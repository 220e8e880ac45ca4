/*
 * test_stage_decode.c - weir_decoded and its components behind bytes cut anywhere: what they report,
 * and what cuts their bytes. The suite for stages (test_plan_stages.c) runs them, too.
 */
#include <stdlib.h>
#include <zlib.h>

#include <weir/plan.h>

#include "support_suites.h"

enum { PACKED_MAX = 64 * 1024 };

struct packed {
    char data[PACKED_MAX];
    size_t len;
};

/* Append `text` as a gzip member. */
static void pack(struct packed *to, const char *text, size_t len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)to->data + to->len,
                  .avail_out = (uInt)(sizeof to->data - to->len)};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->len += z.total_out;
    deflateEnd(&z);
}

struct pieces {
    const char *data;
    size_t len, step;
};

WEIR_SOURCE(pieces, struct pieces)
{
    for (size_t at = 0; at < args->len; at += args->step) {
        weir_item item = weir_bytes(args->data + at, WR_MIN(args->step, args->len - at));
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *pieces_of(weir_loop *loop, const struct packed *packed, size_t step)
{
    return pieces(weir_root(loop), (struct pieces){packed->data, packed->len, step});
}

#define DECODING(...) WEIR_OPTIONS(weir_decoding, __VA_ARGS__)

/* Read gen to its end; the result. Its bytes follow each other in *text. */
static int read_all(weir_gen *gen, char *text, size_t cap, weir_error *error)
{
    weir_item item;
    size_t len = 0;
    while (weir_next(gen, &item)) {
        ck_assert_uint_lt(len + item.len, cap);
        memcpy(text + len, item.data, item.len);
        len += item.len;
    }
    text[len] = '\0';
    return weir_finish(gen, error);
}

/* The records of the log. */
static char log_text[4096];

static void keep_record(void *arg, int level, const char *origin, const char *text)
{
    size_t len = strlen(log_text);
    (void)arg;
    (void)level;
    snprintf(log_text + len, sizeof log_text - len, "%s: %s\n", origin, text);
}

static weir_loop *logging_loop(void)
{
    log_text[0] = '\0';
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_record));
    ck_assert_ptr_nonnull(loop);
    return loop;
}

TEST(members_that_follow_each_other_are_one_stream)
{
    static struct packed packed;
    char text[64];
    packed.len = 0;
    pack(&packed, "one\nt", 5);
    pack(&packed, "", 0);
    pack(&packed, "wo\n", 3);
    for (size_t step = 1; step <= packed.len; step += wr_test_sweeps() ? packed.len : 1) {
        weir_loop *loop = test_loop();
        int rc =
            read_all(weir_decoded(pieces_of(loop, &packed, step), NULL), text, sizeof text, NULL);
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(text, "one\ntwo\n");
        weir_loop_free(loop);
    }
}

TEST(a_framer_behind_a_decoder_is_the_decoder_itself)
{
    static struct packed packed;
    packed.len = 0;
    pack(&packed, "one\ntwo\r\nlast", 13);
    weir_loop *loop = test_loop();
    weir_gen *decoded = weir_decoded(pieces_of(loop, &packed, 5), NULL);
    weir_gen *lines = weir_lines(decoded);
    ck_assert_ptr_eq(lines, decoded);
    ck_assert_str_eq(wr_items_shown(lines, 8), "one|two|last|");
    ck_assert_int_eq(weir_finish(lines, NULL), 0);
    weir_loop_free(loop);
}

TEST(what_follows_the_last_member_is_left_out_with_a_warning)
{
    static struct packed packed;
    char text[64];
    packed.len = 0;
    pack(&packed, "one\n", 4);
    size_t len = packed.len;
    memcpy(packed.data + packed.len, "garbage", 7);
    packed.len += 7;
    weir_loop *loop = logging_loop();
    ck_assert_int_eq(
        read_all(weir_decoded(pieces_of(loop, &packed, 3), NULL), text, sizeof text, NULL), 0);
    ck_assert_str_eq(text, "one\n");
    char expected[128];
    snprintf(expected, sizeof expected,
             "decoded: the compressed data ends at byte %zu of the input; the rest is ignored\n",
             len);
    ck_assert_str_eq(log_text, expected);
    weir_loop_free(loop);
}

TEST(input_that_ends_early_is_truncated_at_its_last_byte)
{
    static struct packed packed;
    char text[64];
    weir_error error;
    packed.len = 0;
    pack(&packed, "one\ntwo\n", 8);
    packed.len -= 3;
    weir_loop *loop = test_loop();
    int rc = read_all(weir_decoded(pieces_of(loop, &packed, 4), NULL), text, sizeof text, &error);
    ck_assert_int_eq(rc, WEIR_ETRUNCATED);
    ck_assert_str_eq(text, "one\ntwo\n");
    ck_assert_int_eq(error.offset, (int64_t)packed.len);
    ck_assert_str_eq(error.origin, "decoded");
    weir_loop_free(loop);
}

TEST(empty_input_is_truncated)
{
    char text[64];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_decoded(pieces(weir_root(loop), (struct pieces){"", 0, 1}), NULL);
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_ETRUNCATED);
    ck_assert_ptr_nonnull(strstr(error.message, "the input is empty"));
    weir_loop_free(loop);
}

TEST(data_before_damage_is_given)
{
    static struct packed packed;
    char text[64];
    weir_error error;
    packed.len = 0;
    pack(&packed, "one\n", 4);
    size_t len = packed.len;
    pack(&packed, "two\n", 4);
    packed.data[len + 2] = 9; /* the method */
    weir_loop *loop = test_loop();
    int rc = read_all(weir_decoded(pieces_of(loop, &packed, 100), NULL), text, sizeof text, &error);
    ck_assert_int_eq(rc, WEIR_EPARSE);
    ck_assert_str_eq(text, "one\n");
    ck_assert_int_eq(error.offset, (int64_t)len + 4);
    weir_loop_free(loop);
}

TEST(decoded_bytes_have_a_limit)
{
    static struct packed packed;
    char text[64];
    packed.len = 0;
    pack(&packed, "one\ntwo\n", 8);
    for (int64_t max = 7; max <= 8; max++) {
        weir_loop *loop = test_loop();
        weir_gen *gen = weir_decoded(pieces_of(loop, &packed, 4), DECODING(.bytes_max = max));
        ck_assert_int_eq(read_all(gen, text, sizeof text, NULL), max < 8 ? WEIR_ETOOLONG : 0);
        ck_assert_uint_eq(strlen(text), (size_t)max);
        weir_loop_free(loop);
    }
}

/* 12 MiB of zeros, in bounded memory, until the ratio counts. */
TEST(a_bomb_is_stopped_in_bounded_memory)
{
    static struct packed packed;
    enum { BIG = 12 * 1024 * 1024 };
    if (wr_test_sweeps()) {
        return;
    }
    char *zeros = calloc(1, BIG);
    packed.len = 0;
    pack(&packed, zeros, BIG);
    free(zeros);
    for (int64_t ratio = 0; ratio >= WEIR_NONE; ratio--) {
        weir_loop *loop = test_loop();
        weir_item item;
        uint64_t bytes = 0;
        weir_error error;
        weir_gen *gen = weir_decoded(pieces_of(loop, &packed, 512), DECODING(.ratio_max = ratio));
        while (weir_next(gen, &item)) {
            bytes += item.len;
        }
        ck_assert_int_eq(weir_finish(gen, &error), ratio == 0 ? WEIR_ETOOLONG : 0);
        ck_assert(ratio == 0 ? bytes < 11 * 1024 * 1024 : bytes == BIG);
        ck_assert_int_lt(loop->budget.peak, 512 * 1024);
        weir_loop_free(loop);
    }
}

TEST(what_a_decoder_holds_is_charged_to_the_budget)
{
    static struct packed packed;
    weir_item item;
    packed.len = 0;
    pack(&packed, "one\ntwo\n", 8);
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_decoded(pieces_of(loop, &packed, 20), NULL);
    int64_t before = loop->budget.used;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_gt(loop->budget.used, 32 * 1024); /* its window */
    ck_assert(before > 0 || wr_test_sweeps());
    weir_discard(gen);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(a_decoder_that_needs_more_than_half_of_the_budget_fails)
{
    static struct packed packed;
    char text[64];
    weir_error error;
    packed.len = 0;
    pack(&packed, "one\ntwo\n", 8);
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 32 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = weir_decoded(pieces_of(loop, &packed, 20), NULL);
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_EBUDGET);
    ck_assert_ptr_nonnull(strstr(error.message, "more than the limit of 16384"));
    weir_loop_free(loop);
}

TEST(options_that_cannot_be_are_refused)
{
    static const weir_decoding wrong[] = {{.coding = WEIR_CODING_DEFLATE + 1},
                                          {.coding = -1},
                                          {.bytes_max = -2},
                                          {.ratio_max = -2},
                                          {.window_bytes_max = -2},
                                          {.empty_bytes_max = -2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[8];
        weir_decoding decoding = wrong[i];
        weir_loop *loop = test_loop();
        decoding.struct_size = sizeof decoding;
        weir_gen *gen = weir_decoded(count_to(weir_root(loop), 3), &decoding);
        ck_assert_int_eq(read_all(gen, text, sizeof text, NULL), WEIR_EINVAL);
        weir_loop_free(loop);
    }
}

TEST(zstd_window_is_an_argument)
{
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\x88"; /* needs 128 MiB */
    char text[8];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *up = pieces(weir_root(loop), (struct pieces){frame, sizeof frame - 1, 1});
    weir_gen *gen = weir_parse(weir_root(loop), up, "unzstd window=1MiB", NULL);
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_ETOOLONG);
    ck_assert_ptr_nonnull(
        strstr(error.message, "the limit is 1048576; set the limit with window="));
    weir_loop_free(loop);
}

static const char *failure_of(const char *stage, const struct packed *packed, int code)
{
    static weir_error error;
    static char text[64 * 1024];
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_parse(weir_root(loop), pieces_of(loop, packed, 4), stage, NULL);
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), code);
    weir_loop_free(loop);
    return error.message;
}

TEST(a_refusal_names_the_option_of_its_limit)
{
    static struct packed packed;
    weir_error error;
    char text[64];
    packed.len = 0;
    pack(&packed, "one\ntwo\n", 8);
    ck_assert_ptr_nonnull(strstr(failure_of("gunzip max=7B", &packed, WEIR_ETOOLONG),
                                 "the limit of 7 bytes; set the limit with max="));
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_decoded(pieces_of(loop, &packed, 4), DECODING(.bytes_max = 7));
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_ETOOLONG);
    ck_assert_ptr_nonnull(strstr(error.message, "set the limit with bytes_max"));
    weir_loop_free(loop);
}

TEST(input_without_content_has_a_limit)
{
    static struct packed packed;
    packed.len = 0;
    for (int i = 0; i < 20; i++) {
        pack(&packed, "", 0);
    }
    ck_assert_ptr_nonnull(
        strstr(failure_of("gunzip empty=100B", &packed, WEIR_EPARSE),
               "more than 100 bytes of it in a row have no content; set the limit "
               "with empty="));
    ck_assert_str_eq(failure_of("gunzip empty=1000B", &packed, 0), "");
}

MAIN("stage/decode")
