/*
 * test_codec_csv.c - rows of values: where rows end, at every chunking, what a restart needs, and
 * the values in a row.
 */
#include "codec_csv.h"
#include "support_fields.h"
#include "support_framer.h"

#define INPUT(text) text, sizeof(text) - 1

static const struct framing csv = {WEIR_FRAME_CSV, WEIR_LONG_SKIP, 1 << 20, 0, NULL};

static struct framing limited(size_t limit, int32_t overlong)
{
    return (struct framing){WEIR_FRAME_CSV, overlong, limit, 0, NULL};
}

TEST(rows_end_at_line_ends)
{
    frames_as(&csv, INPUT("a,b\nc,d\r\n\ne"), "a,b|c,d\\r||e$|");
    frames_as(&csv, INPUT(""), "");
    frames_as(&csv, INPUT("a\r"), "a\\r$|");
    frames_as(&csv, INPUT("a\rb\n"), "a\rb|");
}

TEST(a_line_end_in_quotes_does_not_end_a_row)
{
    frames_as(&csv, INPUT("a,\"b\nc\",d\n1\n"), "a,\"b\nc\",d|1|");
    frames_as(&csv, INPUT("\"\n\"\n\"\r\n\"\r\n"), "\"\n\"|\"\r\n\"\\r|");
    frames_as(&csv, INPUT("\"a\"\"\n\"\"b\"\nc\n"), "\"a\"\"\n\"\"b\"|c|");
    frames_as(&csv, INPUT("\"\"\n\"\"\"\"\nx"), "\"\"|\"\"\"\"|x$|");
    frames_as(&csv, INPUT("a,\"\nb\""), "a,\"\nb\"$|");
}

TEST(a_quote_elsewhere_is_data)
{
    frames_as(&csv, INPUT("5\" pipe,x\n\"a\"b\"\nc\n"), "5\" pipe,x|\"a\"b\"|c|");
    frames_as(&csv, INPUT("a, \"b\nc\n"), "a, \"b|c|");
}

TEST(a_byte_order_mark_is_left_out)
{
    frames_as(&csv,
              INPUT("\xef\xbb\xbf"
                    "a,b\n\xef\xbb\xbf\n"),
              "a,b|\xef\xbb\xbf|");
    frames_as(&csv, INPUT("\xef\xbb\xbf\"a\nb\"\n"), "\"a\nb\"|");
    frames_as(&csv, INPUT("\xef\xbb"), "\xef\xbb$|");
}

TEST(a_quoted_value_without_an_end_takes_one_line)
{
    frames_as(&csv, INPUT("a\nb,\"c\nd\ne"), "a|b,\"c|d|e$|");
    frames_as(&csv, INPUT("\"a\r\nb"), "\"a\\r|b$|");
    frames_as(&csv, INPUT("\"a"), "\"a$|");
    frames_as(&csv, INPUT("\"a\r"), "\"a\\r$|");

    struct framing eight = limited(8, WEIR_LONG_SKIP);
    struct wr_framer at =
        frames_as(&eight, INPUT("\"a\nb\ncdefgh\nijk\n\"l\nm\n"), "\"a|b|cdefgh|ijk|\"l|m|");
    ck_assert_uint_eq(at.overlong_count, 0);
}

TEST(a_row_over_the_limit_is_skipped_and_counted)
{
    struct framing four = limited(4, WEIR_LONG_SKIP);
    struct wr_framer at =
        frames_as(&four, INPUT("abcd\nabcde\nabcd\r\n\"abcdef\",g\nh\n"), "abcd|abcd\\r|h|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_start, 17);
    ck_assert_uint_eq(at.overlong_bytes, 6 + 11);
    frames_as(&four, INPUT("abcde"), "");
    struct framing parts = limited(4, WEIR_LONG_PARTS);
    frames_as(&parts, INPUT("abcde\nf"), "f$|");
}

TEST(a_row_over_the_limit_is_cut_or_fails)
{
    struct framing cut = limited(4, WEIR_LONG_CUT), fails = limited(4, WEIR_LONG_FAILS);
    char expected[32];
    frames_as(&cut, INPUT("abcdef\ng\n"), "abcd~|g|");
    snprintf(expected, sizeof expected, "a|<%d>", -WEIR_ETOOLONG);
    struct wr_framer at = frames_as(&fails, INPUT("a\nabcde\n"), expected);
    ck_assert_uint_eq(at.overlong_start, 2);
}

/* ---- the header */

struct reader {
    struct wr_framer framer;
    char shown[256];
};

static void open_reader(struct reader *reader)
{
    wr_fault_pause(true); /* sources and stages are swept with this framer */
    MUST(wr_framer_init(&reader->framer, WEIR_FRAME_CSV, 1 << 20, WEIR_LONG_SKIP, 0, 0) == 0);
    wr_csv_set(&reader->framer, ';', true);
    reader->shown[0] = '\0';
}

/* The frames of a text that has all of its line ends: a header as <...>, a row as [...]. */
static const char *read_text(struct reader *reader, const char *text)
{
    struct wr_frame frames[16];
    size_t used, len = strlen(reader->shown);
    long n =
        reader->framer.ops->split(&reader->framer, text, strlen(text), false, frames, 16, &used);
    for (long i = 0; i < n; i++) {
        bool header = (frames[i].flags & WEIR_ITEM_HEADER) != 0;
        len += (size_t)snprintf(reader->shown + len, sizeof reader->shown - len, "%s%.*s%s",
                                header ? "<" : "[", (int)frames[i].len, frames[i].data,
                                header ? ">" : "]");
    }
    return reader->shown;
}

static void close_reader(struct reader *reader)
{
    wr_framer_fini(&reader->framer);
    wr_fault_pause(false);
}

TEST(the_first_row_that_is_not_empty_is_the_header)
{
    struct reader reader;
    open_reader(&reader);
    ck_assert_str_eq(read_text(&reader, "\n\"a;\";b\n1;2\n"), "[]<\"a;\";b>[1;2]");
    close_reader(&reader);
}

TEST(a_restart_gives_the_header_again)
{
    char note[64];
    struct reader first, second;
    open_reader(&first);
    open_reader(&second);
    (void)read_text(&first, "a;\"b\\\r\n\"\n1;2\n");
    size_t len = first.framer.ops->note(&first.framer, note, sizeof note);
    ck_assert_str_eq(note, "a;\"b\\\\\\r\\n\"");
    ck_assert_uint_eq(len, strlen(note));
    ck_assert_uint_eq(first.framer.ops->note(&first.framer, note, 4), len);
    ck_assert_str_eq(note, "a;\"");
    (void)first.framer.ops->note(&first.framer, note, sizeof note);

    wr_framer_restart(&second.framer, 13, false);
    ck_assert(second.framer.ops->resume(&second.framer, note, len));
    ck_assert_str_eq(read_text(&second, "3;4\n"), "<a;\"b\\\r\n\">[3;4]");
    close_reader(&first);
    close_reader(&second);
}

TEST(an_input_that_begins_again_has_a_header_again)
{
    struct reader reader;
    open_reader(&reader);
    (void)read_text(&reader, "a;b\n1;2\n");
    wr_framer_restart(&reader.framer, 8, true);
    ck_assert_str_eq(read_text(&reader, "3;4\n"), "<a;b>[1;2][3;4]");
    wr_framer_restart(&reader.framer, 0, false);
    ck_assert_str_eq(read_text(&reader, "c\n5\n"), "<a;b>[1;2][3;4]<c>[5]");
    close_reader(&reader);
}

TEST(a_note_that_is_none_is_refused)
{
    struct reader reader;
    open_reader(&reader);
    ck_assert(!reader.framer.ops->resume(&reader.framer, "a\\", 2));
    ck_assert(!reader.framer.ops->resume(&reader.framer, "\\x", 2));
    ck_assert(reader.framer.ops->resume(&reader.framer, "", 0));
    ck_assert_str_eq(read_text(&reader, "a\n"), "<a>");
    close_reader(&reader);
}

/* ---- values */

static int read_row(struct wr_fields *fields, weir_slice row)
{
    return wr_csv_row(fields, row, ',');
}

static void row_as(const char *row, const char *expected)
{
    fields_as(read_row, row, expected);
    every_beginning(read_row, row);
}

TEST(a_row_is_split_at_its_delimiters)
{
    row_as("a,b", "=a|=b|");
    row_as("", "=|");
    row_as(",", "=|=|");
    row_as(" a , b\t", "= a |= b\t|");
}

TEST(quotes_are_removed)
{
    row_as("\"a,b\",\"\",\"c\nd\"", "=a,b|=|=c\nd|");
    row_as("\"say \"\"hi\"\"\",\"\"\"\"", "=say \"hi\"|=\"|");
    row_as("5\" pipe,a\"b\"", "=5\" pipe|=a\"b\"|");
}

TEST(malformed_quotes_have_a_place)
{
    row_as("a,\"b", "<a quoted value does not end, at byte 2: \"b>");
    row_as("\"a\"\"", "<a quoted value does not end, at byte 0: \"a\"\">");
    row_as("a,\"b\"c,d", "<a quoted value is followed by text, at byte 5: c,d>");
    row_as("\"a\" ,b", "<a quoted value is followed by text, at byte 3:  ,b>");
}

MAIN("codec/csv")
