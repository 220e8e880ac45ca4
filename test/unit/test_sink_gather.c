/*
 * From items to bytes: what becomes one run, what is copied, what is written straight.
 */
#include "base_fault.h"
#include "sink_gather.h"
#include "support_suites.h"

enum { OUT_MAX = 256 * 1024 };

/* Records what is written. */
struct recorder {
    struct weir_loop loop; /* its budget only */
    struct weir_sink sink;
    struct wr_gather gather;
    char bytes[OUT_MAX];
    size_t len;
    int calls, parts;
    const void *first; /* of the last part of the last call */
};

static struct recorder recorder;

static int record(struct weir_sink *sink, struct iovec *iov, int count)
{
    (void)sink;
    recorder.calls++;
    for (int i = 0; i < count; i++) {
        recorder.parts++;
        recorder.first = iov[i].iov_base;
        memcpy(recorder.bytes + recorder.len, iov[i].iov_base, iov[i].iov_len);
        recorder.len += iov[i].iov_len;
    }
    return 0;
}

static void begin(int32_t frame)
{
    memset(&recorder, 0, sizeof recorder);
    recorder.loop.budget.limit = WR_GATHER_BYTES / 2;
    recorder.sink.loop = &recorder.loop;
    recorder.gather.sink = &recorder.sink;
    recorder.gather.out = record;
    recorder.gather.frame = frame;
}

/* What has been written and what is buffered, as one text. */
static const char *all_bytes(void)
{
    size_t left = wr_gather_len(&recorder.gather);
    if (left > 0) {
        memcpy(recorder.bytes + recorder.len, recorder.gather.buffer + recorder.gather.start, left);
        recorder.len += left;
    }
    wr_gather_fini(&recorder.gather);
    recorder.bytes[recorder.len] = '\0';
    return recorder.bytes;
}

/* A block that holds the text; its lines as items, without those whose index is `skip`. */
static size_t lines_of(struct weir_block **block, const char *text, size_t len, size_t skip,
                       weir_item *items)
{
    int why;
    size_t count = 0, line = 0;
    *block = wr_block_new(NULL, len + 1, &why);
    ck_assert_ptr_nonnull(*block);
    memcpy((*block)->data, text, len);
    (*block)->len = (uint32_t)len;
    for (size_t at = 0; at < len; line++) {
        const char *begin_at = (*block)->data + at;
        size_t n = (size_t)((const char *)memchr(begin_at, '\n', len - at) - begin_at);
        bool cr = n > 0 && begin_at[n - 1] == '\r';
        if (line != skip) {
            items[count] = weir_bytes(begin_at, n - cr);
            items[count].block = *block;
            items[count++].flags = cr ? (uint32_t)WEIR_ITEM_CRLF : 0;
        }
        at += n + 1;
    }
    return count;
}

static char big[40 * 1000 + 1];

static void fill_big(void)
{
    for (size_t i = 0; i < 40 * 1000; i++) {
        big[i] = i % 100 == 99 ? '\n' : i % 100 == 98 ? '\r' : (char)('a' + i % 26);
    }
}

TEST(lines_of_one_block_go_out_as_one_run_without_a_copy)
{
    struct weir_block *block;
    static weir_item items[400];
    fill_big();
    size_t count = lines_of(&block, big, 40 * 1000, SIZE_MAX, items);
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, count), 0);

    ck_assert_int_eq(recorder.parts, 1);
    ck_assert_ptr_eq(recorder.first, block->data);
    ck_assert_str_eq(all_bytes(), big);
    wr_block_unref(block, 1);
}

TEST(small_runs_are_buffered)
{
    struct weir_block *block;
    weir_item items[8];
    size_t count = lines_of(&block, "one\ntwo\r\nthree\n", 15, SIZE_MAX, items);
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, count), 0);

    ck_assert_int_eq(recorder.calls, 0);
    ck_assert_str_eq(all_bytes(), "one\ntwo\r\nthree\n");
    wr_block_unref(block, 1);
}

TEST(item_left_out_breaks_the_run)
{
    struct weir_block *block;
    weir_item items[8];
    size_t count = lines_of(&block, "one\ntwo\nthree\n", 14, 1, items);
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, count), 0);

    ck_assert_str_eq(all_bytes(), "one\nthree\n");
    wr_block_unref(block, 1);
}

TEST(pieces_and_bytes_have_no_line_end_behind_them)
{
    weir_item items[] = {weir_bytes("on", 2), weir_bytes("e", 1), weir_bytes("t\nw", 3),
                         weir_bytes("o", 1), weir_bytes("three", 5)};
    items[0].flags = WEIR_ITEM_PART;
    items[2].flags = items[3].flags = WEIR_ITEM_BYTES;
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, 5), 0);

    ck_assert_str_eq(all_bytes(), "one\nt\nwothree\n");
}

TEST(pieces_are_refused_where_each_item_has_its_length)
{
    weir_item piece = weir_bytes("on", 2);
    piece.flags = WEIR_ITEM_PART;
    begin(WEIR_FRAME_LEN32);
    recorder.sink.loop = test_loop();

    ck_assert_int_eq(wr_gather_put(&recorder.gather, &piece, 1), WEIR_EINVAL);

    weir_loop_free(recorder.sink.loop);
}

/* A part of a line is not followed by a line end in the block: one is made. */
TEST(slice_gets_its_own_line_end)
{
    struct weir_block *block;
    weir_item items[8];
    size_t count = lines_of(&block, "one\ntwo\n", 8, SIZE_MAX, items);
    items[0].len = 2;
    items[1].flags = WEIR_ITEM_CRLF;
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, count), 0);

    ck_assert_str_eq(all_bytes(), "on\ntwo\r\n");
    wr_block_unref(block, 1);
}

/* The byte behind the filled part of a block is no line end, whatever it is: the line end has to be
 * a part of its own. */
TEST(nothing_behind_the_block_is_taken_for_a_line_end)
{
    struct weir_block *block;
    weir_item items[8];
    memset(big, 'x', 20 * 1000);
    big[20 * 1000] = '\n';
    size_t count = lines_of(&block, big, 20 * 1000 + 1, SIZE_MAX, items);
    begin(WEIR_FRAME_LINES);
    block->len = 20 * 1000;

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, count), 0);

    ck_assert_int_eq(recorder.parts, 2);
    ck_assert_uint_eq(recorder.len, 20 * 1000 + 1);
    wr_block_unref(block, 1);
}

TEST(full_buffer_is_written_between_two_items)
{
    char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, 999);
    begin(WEIR_FRAME_LINES);
    for (int i = 0; i < 70; i++) {
        ck_assert_int_eq(wr_gather_put(&recorder.gather, &item, 1), 0);
    }
    ck_assert_int_eq(recorder.calls, 1);
    ck_assert_uint_eq(recorder.len, 65 * 1000);
    ck_assert_uint_eq(strlen(all_bytes()), 70 * 1000);
}

TEST(big_item_goes_out_with_what_is_before_it)
{
    fill_big();
    weir_item items[] = {weir_bytes("small", 5), weir_bytes(big, 20 * 1000 - 1)};
    begin(WEIR_FRAME_LINES);

    ck_assert_int_eq(wr_gather_put(&recorder.gather, items, 2), 0);

    ck_assert_int_eq(recorder.calls, 1);
    ck_assert_int_eq(recorder.parts, 3);
    ck_assert_uint_eq(recorder.len, 6 + 20 * 1000);
    wr_gather_fini(&recorder.gather);
}

TEST(without_memory_everything_is_written_straight)
{
    weir_item items[] = {weir_bytes("one", 3), weir_bytes("two", 3)};
    begin(WEIR_FRAME_LINES);
    if (!wr_test_sweeps()) {
        wr_fault_set(1, true);
        int rc = wr_gather_put(&recorder.gather, items, 2);
        wr_fault_set(0, false);
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(recorder.calls, 2);
        ck_assert_str_eq(all_bytes(), "one\ntwo\n");
    }
}

struct point {
    int x;
};
WEIR_TYPE(point, struct point);

TEST(value_without_text_is_refused)
{
    weir_loop *loop = test_loop();
    struct point value = {1};
    weir_item item = point_item(&value);
    struct wr_folder folder;
    weir_error error;
    wr_folder_make(&folder);
    weir_sink *sink = weir_file_sink(weir_root(loop), wr_folder_path(&folder, "out"), NULL);

    ck_assert(!weir_put(sink, &item));

    ck_assert_int_eq(weir_sink_finish(sink, &error), WEIR_EINVAL);
    wr_folder_remove(&folder);
    weir_loop_free(loop);
}

/* The parts of a batch are written one by one. */
TEST(batch_is_written_part_by_part)
{
    weir_loop *loop = test_loop();
    struct wr_folder folder;
    size_t len;
    wr_folder_make(&folder);
    weir_gen *gen = weir_batch(weir_count(weir_root(loop), 1, 5),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 2));
    weir_sink *sink = weir_file_sink(weir_root(loop), wr_folder_path(&folder, "out"), NULL);

    ck_assert_int_eq(weir_pump(gen, sink, NULL), 0);

    ck_assert_str_eq(wr_folder_read(&folder, "out", &len), "1\n2\n3\n4\n5\n");
    wr_folder_remove(&folder);
    weir_loop_free(loop);
}

TEST(the_buffer_is_charged_to_the_budget_while_it_holds_bytes)
{
    weir_item item = weir_bytes("line", 4);
    const struct wr_budget *budget = &recorder.loop.budget;
    begin(WEIR_FRAME_LINES);
    ck_assert_int_eq(wr_gather_put(&recorder.gather, &item, 1), 0);
    ck_assert_int_eq(budget->used, wr_gather_len(&recorder.gather) > 0 ? WR_GATHER_BYTES : 0);
    ck_assert_str_eq(all_bytes(), "line\n");
    ck_assert_int_eq(budget->used, 0);

    begin(WEIR_FRAME_LINES);
    for (int i = 0; i < 20000; i++) {
        ck_assert_int_eq(wr_gather_put(&recorder.gather, &item, 1), 0);
    }
    ck_assert_int_gt(recorder.calls, 0);
    ck_assert_int_le(budget->peak, WR_GATHER_BYTES);
    wr_gather_fini(&recorder.gather);
    ck_assert_int_eq(budget->used, 0);
}

MAIN("sink/gather")
