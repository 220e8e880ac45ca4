/*
 * test_flow_place.c - the line and byte in the stream that a rejected item is reported with.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bytes_origin.h"
#include "flow_place.h"
#include "support_flow.h"

/* One stream in pieces of `piece` bytes. */
struct stream_args {
    const char *text;
    size_t piece;
};
WEIR_SOURCE(stream, struct stream_args)
{
    size_t len = strlen(args->text);
    for (size_t at = 0; at < len; at += args->piece) {
        weir_item item =
            weir_bytes(args->text + at, len - at < args->piece ? len - at : args->piece);
        item.flags = WEIR_ITEM_BYTES;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    FILE *out = ctx;
    ck_assert_int_eq(level, 6);
    fprintf(out, "%s: %s\n", origin, text);
}

/* What a pipeline behind `framer` reports about the text, in pieces of each length. */
static void reports(int32_t framer, const char *pipeline, const char *text, const char *expected)
{
    size_t step = wr_test_sweeps() ? strlen(text) - 1 : 1;
    for (size_t piece = 1; piece <= strlen(text); piece += step) {
        char *said;
        size_t said_len;
        weir_item item;
        FILE *out = open_memstream(&said, &said_len);
        weir_loop *loop =
            weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = keep_log, .log_ctx = out));
        ck_assert_ptr_nonnull(loop);
        weir_gen *up = weir_framed(stream(weir_root(loop), (struct stream_args){text, piece}),
                                   WEIR_OPTIONS(weir_framing, .kind = framer));
        weir_gen *gen = weir_parse(weir_root(loop), up, pipeline, NULL);
        while (weir_next(gen, &item)) {}
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        weir_loop_free(loop);
        fclose(out);
        ck_assert_str_eq(said, expected);
        free(said);
    }
}

TEST(of_values_the_line_of_the_mistake_is_told)
{
    reports(WEIR_FRAME_JSON, "json", "{\"a\":\n1}\n\n {\"b\"\n 2}\n[3] [4,,\n5]\n {}",
            "json: line 5 (byte 17): expected ':' after a key; skipped\n   2}\n   ^\n"
            "json: line 6 (byte 27): expected a value; skipped\n  [4,,\n     ^\n"
            "json: line 7 (byte 30): expected a value; skipped\n  ]\n  ^\n");
}

TEST(of_lines_the_number_is_told_and_the_byte_in_the_stream)
{
    reports(WEIR_FRAME_LINES, "where .a", "{\"a\":1}\r\n\n{\"a\" 2}\n\n[",
            "where: line 3 (byte 15): expected ':' after a key; skipped\n  {\"a\" 2}\n       ^\n"
            "where: line 5 (byte 20): the text ends inside an array; skipped\n  [\n   ^\n");
}

TEST(behind_another_stage_the_item_is_told)
{
    reports(WEIR_FRAME_SSE, "json", "data: 1\n\ndata: {\"a\":\ndata: x}\n\n",
            "json: event 2: expected a value; skipped\n  x}\n  ^\n");
    reports(WEIR_FRAME_LINES, "map [.] | where .[0].a", "{\"a\":1}\n7\n",
            "where: line 2: Cannot index number with \"a\"; skipped\n");
}

TEST(a_line_of_records_is_told)
{
    reports(WEIR_FRAME_LINES, "logfmt", "a=1\nb=\"x\n",
            "logfmt: line 2 (byte 6): a quoted value does not end; skipped\n  b=\"x\n    ^\n");
}

TEST(one_of_several_files_is_named_of_a_long_path_the_end)
{
    static const char long_name[] =
        "a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
    struct wr_origin origin;
    const weir_item item = {.seq = 3, .receipt = &origin.receipt};
    const struct wr_fault fault = {.problem = "bad"};
    const struct wr_items_bad bad = {.item = &item, .parts = &item, .count = 1, .fault = &fault};
    char place[WR_PLACE_BYTES], name[160];
    wr_origin_init(&origin, 1, "file(a/b.log)");
    (void)wr_place_text(&bad, place);
    ck_assert_str_eq(place, "item 3");
    origin.named = true;
    (void)wr_place_text(&bad, place);
    ck_assert_str_eq(place, "item 3 of 'a/b.log'");
    origin.name = "stdin";
    (void)wr_place_text(&bad, place);
    ck_assert_str_eq(place, "item 3 of 'stdin'");
    for (size_t cut = 0; cut < 2; cut++) { /* the cut is between and inside characters */
        snprintf(name, sizeof name, "file(/folder/%s%s%s)", long_name, long_name, &"b"[cut]);
        origin.name = name;
        (void)wr_place_text(&bad, place);
        ck_assert_mem_eq(place, "item 3 of '...\xc3\xa4", 16);
        ck_assert_int_eq(place[strlen(place) - 1], '\'');
    }
    wr_origin_fini(&origin);
}

MAIN("flow/place")
