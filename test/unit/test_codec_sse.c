/*
 * test_codec_sse.c - event streams: the cases of web-platform-tests and what they leave out, at
 * every chunking.
 */
#include "codec_sse.h"
#include "support_framer.h"
#include "support_jsonl.h"

#define INPUT(text) text, sizeof(text) - 1

static const struct framing sse = {WEIR_FRAME_SSE, WEIR_LONG_SKIP, 1 << 20, 0, NULL};

TEST(event_streams_are_read_as_browsers_read_them)
{
    struct jsonl *cases = jsonl_load("sse.jsonl");
    size_t count = 0;
    for (const struct jsonl *c = cases; c != NULL; c = c->next, count++) {
        char *expected, *input;
        size_t expected_len, input_len;
        FILE *out = open_memstream(&expected, &expected_len);
        input = jsonl_base64(c, "input", &input_len);
        /* The cases do not tell it, and it stands in the first event only. */
        bool retries = input_len > 10 && memcmp(input, "retry:", 6) == 0;
        for (const struct jsonl *e = jsonl_get(c, "events")->first; e != NULL; e = e->next) {
            const struct jsonl *data = jsonl_get(e, "data");
            fprintf(out, "[%s %s %.*s]", jsonl_text(e, "event"), jsonl_text(e, "id"),
                    retries ? 4 : 0, input + 6);
            retries = false;
            fwrite(data->text, 1, data->len, out);
            fprintf(out, "|");
        }
        fclose(out);

        struct framed got = frame_every_way(&sse, input, input_len);

        ck_assert_str_eq(got.text, expected);
        ck_assert_uint_eq(got.text_len, expected_len);
        free(got.text);
        free(expected);
        free(input);
    }
    ck_assert_uint_eq(count, 12);
    jsonl_free(cases);
}

TEST(lines_end_at_cr_lf_and_both)
{
    frames_as(&sse, INPUT("data:a\rdata:b\ndata:c\r\n\r\ndata:d\r\rdata:e\n\ndata:f\r\n\n"),
              "[message  ]a\nb\nc|[message  ]d|[message  ]e|[message  ]f|");
}

TEST(one_blank_behind_the_colon_is_no_data)
{
    frames_as(&sse, INPUT("data:  a \n\ndata: \n\n"), "[message  ] a |[message  ]|");
}

TEST(an_event_has_type_id_and_retry)
{
    frames_as(&sse, INPUT("event: tick\nid: 7\nretry: 250\ndata: x\n\ndata: y\n\n"),
              "[tick 7 250]x|[message 7 ]y|");
}

TEST(retry_is_digits_only)
{
    frames_as(&sse, INPUT("retry: 2000\nretry: 1000x\ndata: a\n\nretry:\ndata: b\n\n"),
              "[message  2000]a|[message  ]b|");
}

TEST(unknown_fields_and_comments_are_passed_over)
{
    frames_as(&sse, INPUT(": hi\ndatax: 1\nDATA: 2\ndat: 3\nnothing\n data: 4\ndata: 5\n\n"),
              "[message  ]5|");
}

TEST(an_event_without_data_moves_the_last_id)
{
    frames_as(&sse, INPUT("id: 1\nevent: x\n\ndata: a\n\n"), "[message 1 ]a|");
}

TEST(half_a_byte_order_mark_is_a_name)
{
    frames_as(&sse,
              INPUT("\xef\xbb"
                    "data: a\n\ndata: b\n\n"),
              "[message  ]b|");
    frames_as(&sse, INPUT("\xef\xbb\xbf\n\ndata: b\n\n"), "[message  ]b|");
}

TEST(too_much_data_is_skipped_and_counted)
{
    static const struct framing small = {WEIR_FRAME_SSE, WEIR_LONG_SKIP, 4, 0, NULL};
    struct wr_framer at = frames_as(
        &small,
        INPUT("data: abcd\n\ndata: abcde\nid: 2\n\ndata: ab\ndata: cd\n\ndata: a\ndata: b\n\n"),
        "[message  ]abcd|[message 2 ]a\nb|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_start, 31);
}

TEST(empty_lines_of_data_count_too)
{
    static const struct framing small = {WEIR_FRAME_SSE, WEIR_LONG_SKIP, 2, 0, NULL};
    struct wr_framer at =
        frames_as(&small, INPUT("data: a\ndata\n\ndata: ab\ndata\n\n"), "[message  ]a\n|");
    ck_assert_uint_eq(at.overlong_count, 1);
}

TEST(too_much_data_is_cut)
{
    static const struct framing small = {WEIR_FRAME_SSE, WEIR_LONG_CUT, 4, 0, NULL};
    frames_as(&small, INPUT("data: abcde\ndata: f\n\ndata: abc\ndata: de\n\ndata: g\n\n"),
              "[message  ]abcd~|[message  ]abc\n~|[message  ]g|");
    frames_as(&small, INPUT("data: abcd\ndata\n\n"), "[message  ]abcd~|");
}

TEST(too_much_data_fails)
{
    static const struct framing small = {WEIR_FRAME_SSE, WEIR_LONG_FAILS, 4, 0, NULL};
    char expected[32];
    snprintf(expected, sizeof expected, "[message  ]a|<%d>", -WEIR_ETOOLONG);
    struct wr_framer at = frames_as(&small, INPUT("data: a\n\ndata: abcde\n\n"), expected);
    ck_assert_uint_eq(at.overlong_start, 9);
}

TEST(a_long_comment_is_no_overlong_event)
{
    static const struct framing small = {WEIR_FRAME_SSE, WEIR_LONG_FAILS, 4, 0, NULL};
    frames_as(&small, INPUT(": a comment longer than any limit\nother: field, too\ndata: a\n\n"),
              "[message  ]a|");
}

/* "id: xxx..." of WR_SSE_FIELD_MAX and one byte more. */
TEST(an_id_that_is_too_long_never_becomes_the_last_one)
{
    static char input[2 * WR_SSE_FIELD_MAX];
    static const struct framing cuts = {WEIR_FRAME_SSE, WEIR_LONG_CUT, 1 << 20, 0, NULL};
    size_t len = (size_t)snprintf(input, sizeof input, "id: 1\ndata: a\n\nid: ");
    memset(input + len, 'x', WR_SSE_FIELD_MAX + 1);
    len += WR_SSE_FIELD_MAX + 1;
    len += (size_t)snprintf(input + len, sizeof input - len, "\ndata: b\n\ndata: c\n\n");

    frames_as(&sse, input, len, "[message 1 ]a|[message 1 ]c|");
    frames_as(&cuts, input, len, "[message 1 ]a|[message 1 ]b~|[message 1 ]c|");
}

/* What is left of one event in the next window. */
static long feed(struct wr_framer *framer, const char *text, weir_item *item)
{
    uint64_t end;
    size_t used;
    long n = framer->ops->decode(framer, NULL, text, strlen(text), false, item, &end, 1, &used);
    ck_assert(n != 0 || used == strlen(text));
    return n;
}

TEST(a_restart_drops_what_is_unfinished_and_keeps_the_last_id)
{
    struct wr_framer framer;
    weir_item item;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_SSE, 100, WEIR_LONG_SKIP, 0, 0), 0);
    ck_assert_int_eq(feed(&framer, "id: 1\ndata: a\n\n", &item), 1);
    wr_block_unref(item.block, 1);
    ck_assert_int_eq(feed(&framer, "id: 2\ndata: b\nda", &item), 0);
    ck_assert_uint_eq(wr_framer_restart_at(&framer), 15);

    wr_framer_restart(&framer, 0, false);

    ck_assert_int_eq(feed(&framer,
                          "\xef\xbb\xbf"
                          "data: c\n\n",
                          &item),
                     1);
    ck_assert_mem_eq(weir_event_of(&item)->body.data, "c", 1);
    ck_assert_mem_eq(weir_event_of(&item)->id.data, "1", 1);
    ck_assert_mem_eq(wr_sse_last_id(&framer).data, "1", 1);
    wr_block_unref(item.block, 1);
    wr_framer_fini(&framer);
}

TEST(a_last_id_can_be_set)
{
    struct wr_framer framer;
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_SSE, 100, WEIR_LONG_SKIP, 0, 0), 0);
    ck_assert_int_eq(wr_sse_retry_ms(&framer), -1);
    ck_assert_int_eq(wr_sse_set_last_id(&framer, wr_text_of("17")), 0);
    weir_item item;

    ck_assert_int_eq(feed(&framer, "retry: 5\ndata: a\n\n", &item), 1);

    ck_assert_mem_eq(weir_event_of(&item)->id.data, "17", 2);
    ck_assert_int_eq(wr_sse_retry_ms(&framer), 5);
    wr_block_unref(item.block, 1);
    wr_framer_fini(&framer);
}

/* A budget in which the event fits, but not now: the same byte is tried again. */
TEST(without_memory_the_next_call_goes_on)
{
    struct wr_budget budget = {.limit = 1000};
    struct wr_block_pool pool;
    struct wr_framer framer;
    weir_item item;
    uint64_t end;
    size_t used, at = 0;
    static const char text[] = "data: 12345\ndata: 67890\nid: 3\n\n";
    wr_block_pool_init(&pool, &budget);
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_SSE, 100, WEIR_LONG_SKIP, 0, 0), 0);
    ck_assert(wr_budget_charge(&budget, 900));

    ck_assert_int_eq(
        framer.ops->decode(&framer, &pool, text, sizeof text - 1, false, &item, &end, 1, &used),
        WEIR_EBUDGET);
    at += used;
    wr_budget_release(&budget, 900);
    ck_assert_int_eq(framer.ops->decode(&framer, &pool, text + at, sizeof text - 1 - at, false,
                                        &item, &end, 1, &used),
                     1);

    ck_assert_mem_eq(weir_event_of(&item)->body.data, "12345\n67890", 11);
    ck_assert_uint_eq(end, sizeof text - 1);
    wr_block_unref(item.block, 1);
    ck_assert_int_eq(budget.used, 0);
    wr_framer_fini(&framer);
    wr_block_pool_fini(&pool);
}

/* A search that begins anew at each event would take minutes. */
TEST(many_events_of_one_window_cost_one_look_at_each_byte)
{
    const size_t events = wr_test_sweeps() ? 200 : 200000;
    struct wr_framer framer;
    char *text = malloc(events * 8);
    size_t at = 0, used, count = 0;
    long n;
    weir_item items[64];
    uint64_t ends[64];
    for (size_t i = 0; i < events; i++) {
        memcpy(text + i * 8, "data:1\r\r", 8);
    }
    ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_SSE, 100, WEIR_LONG_SKIP, 0, 0), 0);
    do {
        n = framer.ops->decode(&framer, NULL, text + at, events * 8 - at, false, items, ends, 64,
                               &used);
        for (long i = 0; i < n; i++) {
            wr_block_unref(items[i].block, 1);
        }
        at += used;
        count += (size_t)n;
    } while (n > 0);

    ck_assert_uint_eq(count, events);
    wr_framer_fini(&framer);
    free(text);
}

MAIN("codec/sse")
