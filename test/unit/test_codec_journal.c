/*
 * Entries of the journal's export format, at every cut.
 */
#include <stdio.h>
#include <string.h>

#include "codec_journal.h"
#include "support_framer.h"

#define INPUT(text) text, sizeof(text) - 1
#define BINARY "B\n\4\0\0\0\0\0\0\0x\n\ny\n"

static const struct framing skips = {WR_FRAME_JOURNAL, WEIR_LONG_SKIP, 20, 0, NULL},
                            fails = {WR_FRAME_JOURNAL, WEIR_LONG_FAILS, 20, 0, NULL};

static void shows(const struct framing *how, const char *input, size_t len, const char *text,
                  size_t text_len)
{
    struct framed got = frame_every_way(how, input, len);
    ck_assert_uint_eq(got.text_len, text_len);
    ck_assert_mem_eq(got.text, text, text_len);
    free(got.text);
}

TEST(entries_end_at_an_empty_line)
{
    shows(&skips, INPUT("A=1\nB=2\n\nC=\n\n\n\nD=4\n\n"), INPUT("A=1\nB=2\n|C=\n|D=4\n|"));
    shows(&skips, INPUT(""), INPUT(""));
    shows(&skips, INPUT("\n\n"), INPUT(""));
}

TEST(binary_values_have_their_length)
{
    shows(&skips, INPUT("A=1\n" BINARY "\nC=2\n\n"), INPUT("A=1\n" BINARY "|C=2\n|"));
    shows(&skips, INPUT("B\n\0\0\0\0\0\0\0\0\n\n"), INPUT("B\n\0\0\0\0\0\0\0\0\n|"));
}

TEST(long_entries_are_skipped_and_counted)
{
    struct wr_framer at =
        frames_as(&skips, INPUT("A=1\n\nA=1\nB=34567890123456789\nC=1\n\nA=2\n\n"), "A=1\n|A=2\n|");
    ck_assert_uint_eq(at.overlong_count, 1);
    ck_assert_uint_eq(at.overlong_start, 5);
    ck_assert_uint_eq(at.overlong_bytes, 29);

    at = frames_as(&skips, INPUT("ABCDEFGHIJKLMNOPQRSTUVWX=\n\nA=2\n\n"), "A=2\n|");
    ck_assert_uint_eq(at.overlong_count, 1);
    shows(&skips,
          INPUT("A=1\nB\n\17\0\0\0\0\0\0\0"
                "123456789\n\nA=1\n\nC=1\n\nA=2\n\n"),
          INPUT("A=2\n|"));
    frames_as(&skips, INPUT("A=1\nB=3456789012345\n\n"), "A=1\nB=3456789012345\n|");
    frames_as(&skips, INPUT("A=1\nB=34567890123456\n\n"), "");
    frames_as(&fails, INPUT("A=1\n\nA=1\nB=34567890123456789\nC=1\n\n"), "A=1\n|<40>");
}

TEST(other_bytes_are_a_failure)
{
    char line[600];
    memset(line, 'x', sizeof line);
    static const struct framing wide = {WR_FRAME_JOURNAL, WEIR_LONG_SKIP, 1000, 0, NULL};
    struct framed got = frame_every_way(&wide, line, sizeof line);
    ck_assert_ptr_nonnull(strstr(got.text, "<41 this is no entry of a journal"));
    free(got.text);
    got = frame_every_way(&skips, line, sizeof line);
    ck_assert_ptr_nonnull(strstr(got.text, "<41 this is no entry of a journal"));
    free(got.text);
    shows(&skips, INPUT("B\n\1\0\0\0\0\0\0\0xy\n\n"),
          INPUT("<41 the data of a field is not followed by a line end>"));
    shows(&skips, INPUT("B\n\377\377\377\377\377\377\377\377xy\n\n"),
          INPUT("<41 the length of a field is impossible>"));
}

TEST(input_that_ends_inside_an_entry_is_cut_short)
{
    frames_as(&skips, INPUT("A=1\n\nB=2\n"), "A=1\n|<25 the input ends inside an entry>");
    frames_as(&skips, INPUT("A=1\n\nB=2"), "A=1\n|<25 the input ends inside an entry>");
    frames_as(&skips, INPUT("A=34567890123456789012"), "<25 the input ends inside an entry>");
}

/* ---- fields */

static void reads(const char *input, size_t len, const char *expected)
{
    struct wr_fields fields = {.count = 0};
    char got[512] = "";
    size_t at = 0;
    ck_assert_int_eq(wr_fields_begin(&fields, len), 0);
    int rc = wr_journal_read(&fields, (weir_slice){input, len});
    for (size_t i = 0; rc == 0 && i < fields.count; i++) {
        bool number = fields.typed && fields.kinds[i] == WEIR_VALUE_NUMBER;
        at += (size_t)snprintf(got + at, sizeof got - at, "%.*s%s%.*s|", (int)fields.names[i].len,
                               fields.names[i].data, number ? ":" : "=", (int)fields.values[i].len,
                               fields.values[i].data);
    }
    if (rc != 0) {
        snprintf(got, sizeof got, "<%s>", rc == WR_FIELDS_NONE ? "none" : fields.problem);
    }
    ck_assert_str_eq(got, expected);
    wr_fields_fini(&fields);
}

TEST(fields_of_an_entry)
{
    reads(INPUT("__CURSOR=s=1;i=2\nPRIORITY=06\n_PID=x\nMESSAGE=a=b\n"),
          "__CURSOR=s=1;i=2|PRIORITY:6|_PID=x|MESSAGE=a=b|");
    reads(INPUT("MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nPRIORITY\n\1\0\0\0\0\0\0\0"
                "3\n"),
          "MESSAGE=a\nb|PRIORITY:3|");
    reads(INPUT(""), "<none>");
}

TEST(damaged_entries_are_refused)
{
    reads(INPUT("A=1\n\nB=2\n"), "<an entry has an empty line in it>");
    reads(INPUT("A=1"), "<the input ends inside an entry>");
    reads(INPUT("A\n\377\377\377\377\377\377\377\177x\n"), "<the input ends inside an entry>");
    reads(INPUT("A\n\1\0\0\0\0\0\0\0xy"), "<the data of a field is not followed by a line end>");
}

MAIN("codec/journal")
