/*
 * The durable record's text: it comes back as it was, and whatever has happened to it is noticed.
 * Records read, changed and removed by tools.
 */
#include "flow_state_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "support_state.h"
#include "texts_state.h"

/* A record of two sources and odd texts. */
static void write_sample(struct wr_growing *text)
{
    const struct wr_record_source feed = {.name = "http://feed/a b",
                                          .position =
                                              "offset 1234567890123 inside etag \"50% \n\x80\"",
                                          .before = "offset 7 \n",
                                          .before_items = 41,
                                          .items = 42};
    const struct wr_record_source other = {.name = "", .position = "", .finished = true};
    wr_record_begin(text, "a pipeline", "http://feed/a b | grep \"x\n\" | file o");
    wr_record_sink(text,
                   &(struct wr_record_sink){.name = "o\x7f%", .length = 4711, .before = 4700});
    wr_record_sink(text, &(struct wr_record_sink){.name = "stdout", .length = -1, .before = -1});
    wr_record_source(text, &feed);
    wr_record_source(text, &other);
    wr_record_end(text, 1700000000123);
    ck_assert(!text->failed);
}

/* What is wrong with the bytes; NULL: nothing. */
static const char *check_bytes(const char *bytes, size_t len)
{
    struct wr_growing text = {.data = NULL};
    struct wr_record record;
    wr_growing_bytes(&text, bytes, len);
    ck_assert(!text.failed);
    const char *why = wr_record_read(&record, &text);
    wr_record_free(&record);
    return why;
}

TEST(crc_is_castagnoli)
{
    ck_assert_uint_eq(wr_crc32c(0, "123456789", 9), 0xe3069283);
}

TEST(record_comes_back_as_it_was)
{
    struct wr_growing text = {.data = NULL}, again = {.data = NULL}, copy = {.data = NULL};
    struct wr_record back;
    write_sample(&text);
    wr_growing_bytes(&copy, text.data, text.len);

    ck_assert_ptr_null(wr_record_read(&back, &text));

    ck_assert_str_eq(back.name, "a pipeline");
    ck_assert_str_eq(back.text, "http://feed/a b | grep \"x\n\" | file o");
    ck_assert_uint_eq(back.sinks_count, 2);
    ck_assert_str_eq(back.sinks[0].name, "o\x7f%");
    ck_assert_int_eq(back.sinks[0].length, 4711);
    ck_assert_int_eq(back.sinks[0].before, 4700);
    ck_assert_str_eq(back.sinks[1].name, "stdout");
    ck_assert_int_eq(back.sinks[1].length, -1);
    ck_assert_int_eq(back.sinks[1].before, -1);
    ck_assert_int_eq(back.saved_ms, 1700000000123);
    ck_assert_uint_eq(back.sources_count, 2);
    ck_assert_str_eq(back.sources[0].name, "http://feed/a b");
    ck_assert_str_eq(back.sources[0].position, "offset 1234567890123 inside etag \"50% \n\x80\"");
    ck_assert_uint_eq(back.sources[0].items, 42);
    ck_assert_str_eq(back.sources[0].before, "offset 7 \n");
    ck_assert_uint_eq(back.sources[0].before_items, 41);
    ck_assert_ptr_null(back.sources[1].before);
    ck_assert(!back.sources[0].finished && back.sources[1].finished);
    wr_record_write(&again, &back);
    ck_assert_uint_eq(again.len, copy.len);
    ck_assert_mem_eq(again.data, copy.data, copy.len);
    wr_record_free(&back);
    wr_growing_free(&again);
    wr_growing_free(&copy);
}

TEST(record_without_a_text_and_without_a_sink)
{
    struct wr_growing text = {.data = NULL};
    struct wr_record back;
    wr_record_begin(&text, "p", NULL);
    wr_record_end(&text, 0);

    ck_assert_ptr_null(wr_record_read(&back, &text));

    ck_assert_ptr_null(back.text);
    ck_assert_uint_eq(back.sinks_count, 0);
    ck_assert_uint_eq(back.sources_count, 0);
    wr_record_free(&back);
}

TEST(record_holds_any_number_of_sources)
{
    struct wr_growing text = {.data = NULL};
    struct wr_record back;
    char name[32], position[32];
    enum { COUNT = 10000 };
    wr_record_begin(&text, "p", NULL);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "topic %d", i % 3);
        snprintf(position, sizeof position, "partition %d offset %d", i, i * 7);
        wr_record_source(&text, &(struct wr_record_source){.name = name, .position = position});
    }
    wr_record_end(&text, 0);

    ck_assert_ptr_null(wr_record_read(&back, &text));

    ck_assert_uint_eq(back.sources_count, COUNT);
    ck_assert_str_eq(back.sources[COUNT - 1].position, position);
    wr_record_free(&back);
}

TEST(every_bit_flip_is_detected)
{
    struct wr_growing text = {.data = NULL};
    write_sample(&text);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
        ck_assert_ptr_nonnull(check_bytes(text.data, text.len));
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
    }
    ck_assert_ptr_null(check_bytes(text.data, text.len));
    wr_growing_free(&text);
}

TEST(every_truncation_and_addition_is_detected)
{
    struct wr_growing text = {.data = NULL};
    write_sample(&text);
    for (size_t cut = 0; cut < text.len; cut++) {
        ck_assert_ptr_nonnull(check_bytes(text.data, cut));
    }
    wr_growing_bytes(&text, "\n", 1);
    ck_assert_ptr_nonnull(check_bytes(text.data, text.len));
    wr_growing_free(&text);
}

/* Texts whose checksum is right, but that nobody of this version has written. */
static const char *check_text(const char *lines)
{
    struct wr_growing text = {.data = NULL};
    char crc[32];
    wr_growing_bytes(&text, lines, strlen(lines));
    int len =
        snprintf(crc, sizeof crc, "crc32c %08x\n", (unsigned)wr_crc32c(0, text.data, text.len));
    wr_growing_bytes(&text, crc, (size_t)len);
    const char *why = check_bytes(text.data, text.len);
    wr_growing_free(&text);
    return why;
}

TEST(another_version_is_told)
{
    ck_assert_ptr_nonnull(strstr(check_text("weir-state 3\n"), "another version"));
    ck_assert_ptr_nonnull(strstr(check_text("weir-state 1\nname p\n"), "another version"));
}

TEST(lines_that_make_no_record_are_told)
{
    static const char *const texts[] = {
        "",
        "weir-state\n",
        "weir-state 2\n",
        "weir-state 2\nsaved 1\n",
        "weir-state 2\nname p\n",
        "weir-state 2\nname p\nsaved x\n",
        "weir-state 2\nname p\nsaved 1\nmore\n",
        "weir-state 2\nname p%\nsaved 1\n",
        "weir-state 2\nname p%00\nsaved 1\n",
        "weir-state 2\nname p%4\nsaved 1\n",
        "weir-state 2\nname p\nsink x out\nsaved 1\n",
        "weir-state 2\nname p\nsink -2 out\nsaved 1\n",
        "weir-state 2\nname p\nsink 18446744073709551616 out\nsaved 1\n",
        "weir-state 2\nname p\nsource s\nsaved 1\n",
        "weir-state 2\nname p\nsource s\nitems 1\nsaved 1\n",
        "weir-state 2\nname p\nsource s\nitems -1\nposition p\nsaved 1\n",
        "weir-state 2\nname p\nsink 1 o\nbefore x\nsaved 1\n",
        "weir-state 2\nname p\nsource s\nitems 1\nposition p\nbefore p\nsaved 1\n",
        "weir-state 2\nname p\nsaved 1",
    };
    ck_assert_ptr_null(
        check_text("weir-state 2\nname p\nsink 1 o\nsource s\nitems 1\nposition p\nsaved 1\n"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(check_text(texts[i]) != NULL, "%s", texts[i]);
    }
}

/* ---- tools */

static bool add_name(void *ctx, const char *name)
{
    strcat(strcat(ctx, name), " ");
    return true;
}

TEST(tools_see_what_a_run_has_left)
{
    struct fixture f;
    weir_error error;
    char names[64] = "";
    begin_with(&f, 2);
    const char *folder = wr_folder_path(&f.folder, "s");

    weir_record *record = weir_record_read(folder, "p", &error);

    ck_assert_msg(record != NULL, "%s", error.message);
    ck_assert_str_eq(record->name, "p");
    ck_assert_uint_eq(record->sinks_count, 1);
    ck_assert_str_eq(record->sinks[0].name, wr_folder_path(&f.folder, "out"));
    ck_assert_int_eq(record->sinks[0].length, 4);
    ck_assert_uint_eq(record->sources_count, 1);
    ck_assert_uint_eq(record->sources[0].items, 2);
    ck_assert_ptr_nonnull(strstr(record->sources[0].position, "offset 4 device "));
    ck_assert_int_eq(weir_record_each(folder, add_name, names, &error), 0);
    ck_assert_str_eq(names, "p ");
    weir_record_free(record);
    wr_folder_remove(&f.folder);
}

TEST(run_goes_on_where_a_tool_has_set_it)
{
    struct fixture f;
    weir_error error;
    char position[256];
    size_t len;
    begin_with(&f, 4);
    const char *folder = wr_folder_path(&f.folder, "s");
    weir_record *record = weir_record_read(folder, "p", &error);
    ck_assert_ptr_nonnull(record);
    snprintf(position, sizeof position, "offset 2%s", record->sources[0].position + 8);
    weir_record_free(record);

    ck_assert_int_eq(weir_record_set(folder, "p", 0, position, &error), 0);

    run_begins(&f, "p");
    ck_assert_int_eq(copy(&f, 2, NULL), 0);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n3\n4\n2\n3\n");
    end(&f);
}

TEST(source_that_a_tool_has_set_is_not_finished)
{
    struct fixture f;
    weir_error error;
    begin_with(&f, 100);
    const char *folder = wr_folder_path(&f.folder, "s");
    size_t len;
    ck_assert_ptr_nonnull(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "\nfinished\n"));

    ck_assert_int_eq(weir_record_set(folder, "p", 0, "offset 2", &error), 0);

    ck_assert_ptr_null(strstr(wr_folder_read(&f.folder, "s/p.weir", &len), "\nfinished\n"));
    wr_folder_remove(&f.folder);
}

TEST(hidden_files_are_no_records)
{
    struct fixture f;
    weir_error error;
    char names[64] = "";
    begin_with(&f, 2);
    wr_folder_write(&f.folder, "s/.hidden.weir", "", 0);

    ck_assert_int_eq(weir_record_each(wr_folder_path(&f.folder, "s"), add_name, names, &error), 0);

    ck_assert_str_eq(names, "p ");
    wr_folder_remove(&f.folder);
}

TEST(position_that_its_source_cannot_read_is_refused)
{
    struct fixture f;
    weir_error error;
    begin_with(&f, 4);
    ck_assert_int_eq(
        weir_record_set(wr_folder_path(&f.folder, "s"), "p", 0, "here and there", &error), 0);
    run_begins(&f, "p");

    ck_assert_int_eq(copy(&f, 2, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, "here and there"));
    end(&f);
}

TEST(tools_refuse_what_is_not_there_or_in_use)
{
    struct fixture f;
    weir_error error;
    char names[64] = "";
    begin(&f);
    const char *folder = wr_folder_path(&f.folder, "s");
    ck_assert_ptr_null(weir_record_read(folder, "p", &error));
    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_ptr_null(weir_record_read(folder, "../p", &error));
    ck_assert_int_eq(error.code, WEIR_EINVAL);
    ck_assert_int_eq(weir_record_set(folder, "p", 0, "x", &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_IN_USE));
    ck_assert_int_eq(weir_record_remove(folder, "p", &error), WEIR_EINVAL);
    ck_assert_int_eq(weir_record_remove(wr_folder_path(&f.folder, "none"), "p", &error), 0);
    ck_assert_int_eq(weir_record_each(wr_folder_path(&f.folder, "none"), add_name, names, &error),
                     WEIR_EIO);
    end(&f);
}

TEST(run_begins_anew_when_a_tool_has_removed_its_record)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_with(&f, 2);

    ck_assert_int_eq(weir_record_remove(wr_folder_path(&f.folder, "s"), "p", &error), 0);

    run_begins(&f, "p");
    ck_assert_int_eq(copy(&f, 1, NULL), 0);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "1\n2\n1\n");
    end(&f);
}

MAIN("flow/state_record")
