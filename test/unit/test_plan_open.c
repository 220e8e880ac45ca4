/*
 * test_plan_open.c - plans opened: the same generators and sinks that a program would make by hand.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/weir.h>

#include "plan_text.h"
#include "support_check.h"
#include "support_suites.h"
#include "texts_plan.h"

/* Files of a test: in memory, known by a path, gone with the process whatever becomes of it. */
static int files_open[4];
static size_t files_count;

static const char *write_file(const char *bytes)
{
    static char paths[4][32];
    int fd = memfd_create("test", MFD_CLOEXEC);
    char *path = paths[files_count];
    size_t len = strlen(bytes);
    ck_assert_int_ge(fd, 0);
    files_open[files_count++] = fd;
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    (void)snprintf(path, sizeof paths[0], "/proc/self/fd/%d", fd);
    return path;
}

static void remove_files(void)
{
    while (files_count > 0) {
        (void)close(files_open[--files_count]);
    }
}

/* The items of a generator, each followed by '|'; those of a batch are joined by ','. */
static int collect(weir_gen *gen, char *to, size_t cap, weir_error *error)
{
    weir_item item;
    struct wr_print out;
    wr_print_to(&out, to, cap);
    while (weir_next(gen, &item)) {
        const weir_item *parts;
        size_t count = weir_item_parts(&item, &parts);
        for (size_t i = 0; i < count; i++) {
            wr_print_bytes(&out, ",", i > 0 ? 1 : 0);
            wr_print_bytes(&out, parts[i].data, parts[i].len);
        }
        wr_print_bytes(&out, "|", 1);
    }
    return weir_finish(gen, error);
}

static weir_gen *open_text(weir_loop *loop, const char *text, const weir_plan_options *options)
{
    weir_error error;
    weir_gen *gen = NULL;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    int rc = weir_plan_open(plan, weir_root(loop), options, &gen, NULL, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    return gen;
}

static void check_items(const char *text, const weir_plan_options *options, const char *expected)
{
    char got[400] = "";
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    int rc = collect(open_text(loop, text, options), got, sizeof got, &error);
    weir_loop_free(loop);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    ck_assert_str_eq(got, expected);
}

TEST(stages_do_what_their_text_says)
{
    check_items("gen 1..3", NULL, "1|2|3|");
    check_items("gen 7.. | head 2", NULL, "7|8|");
    check_items("gen 1..5 | skip 3", NULL, "4|5|");
    check_items("gen 1..30 | grep \"2\" | head 3", NULL, "2|12|20|");
    check_items("gen 1..4 | lines | head 9", NULL, "1|2|3|4|");
    check_items("gen 1..5 | queue 2 1K | head 3", NULL, "1|2|3|");
    check_items("gen 1..5 | batch 2 within 1h", NULL, "1,2|3,4|5|");
}

TEST(a_file_word_is_read_line_by_line)
{
    char text[120];
    (void)snprintf(text, sizeof text, "%s | head 2", write_file("one\ntwo\nthree\n"));
    check_items(text, NULL, "one|two|");
    remove_files();
}

TEST(one_file_stands_for_the_source)
{
    const char *const files[] = {write_file("one\ntwo")};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 1};
    check_items("lines", &options, "one|two|");
    remove_files();
}

TEST(files_are_read_one_after_another)
{
    const char *const files[] = {write_file("one\ntwo"), write_file("three\n")};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 2};
    check_items("skip 1", &options, "two|three|");
    check_items("head 1", &options, "one|");
    remove_files();
}

TEST(a_text_without_a_source_reads_standard_input)
{
    weir_plan_options options = {.struct_size = sizeof options};
    const char *const files[] = {"-"};
    options.stdin_fd = open(write_file("one\ntwo\n"), O_RDONLY);
    check_items("skip 1", &options, "two|");
    ck_assert_int_eq(lseek(options.stdin_fd, 0, SEEK_SET), 0);
    check_items("- | skip 1", &options, "two|");
    ck_assert_int_eq(lseek(options.stdin_fd, 0, SEEK_SET), 0);
    options.files = files;
    options.files_count = 1;
    check_items("skip 1", &options, "two|");
    (void)close(options.stdin_fd);
    remove_files();
}

/* Pump a text into the file that stands for standard output, and read what arrived there. */
static void check_pumped(const char *text, const char *path, const char *expected)
{
    char got[400] = "";
    weir_error error;
    weir_gen *gen = NULL;
    weir_sink *sink = NULL;
    weir_loop *loop = weir_loop_new(NULL);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    weir_plan_options options = {.struct_size = sizeof options};
    options.stdout_fd = open(path, O_RDWR);
    ck_assert(loop != NULL && plan != NULL && options.stdout_fd >= 0);
    ck_assert_int_eq(weir_plan_open(plan, weir_root(loop), &options, &gen, &sink, &error), 0);
    weir_plan_free(plan);
    int rc = weir_pump(gen, sink, &error);
    weir_loop_free(loop);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    ck_assert_int_ge(pread(options.stdout_fd, got, sizeof got - 1, 0), 0);
    ck_assert_str_eq(got, expected);
    (void)close(options.stdout_fd);
}

TEST(a_text_ends_in_its_sink_or_in_standard_output)
{
    char text[120];
    const char *path = write_file("");
    check_pumped("gen 1..3", path, "1\n2\n3\n");
    path = write_file("");
    check_pumped("gen 1..2 | stdout", path, "1\n2\n");
    path = write_file("");
    check_pumped("gen 1..2 | null", path, "");
    (void)snprintf(text, sizeof text, "gen 1..2 | file %s", path);
    check_pumped(text, path, "1\n2\n");
    remove_files();
}

SUITE_TEST(prints_what_its_descriptor_says, weir_component)
{
    struct wr_folder folder;
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    if (kit->prints != NULL) {
        check_pumped(kit->example, write_file(""), kit->prints);
        remove_files();
    }
    for (const weir_example *more = kit->more_examples; more != NULL && more->text != NULL;
         more++) {
        if (more->prints != NULL) {
            check_pumped(more->text, write_file(""), more->prints);
            remove_files();
        }
    }
    wr_folder_remove(&folder);
}

static const struct wr_suite_test examples[] = {
    {"prints_what_its_descriptor_says", prints_what_its_descriptor_says},
    {NULL, NULL},
};

__attribute__((constructor)) static void add_examples(void)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        wr_suite_add(examples, component->name, component);
    }
}

static void check_refused(const char *text, const weir_plan_options *options, const char *message)
{
    weir_error error;
    weir_gen *gen = NULL;
    weir_loop *loop = weir_loop_new(NULL);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert(loop != NULL && plan != NULL);
    int rc = weir_plan_open(plan, weir_root(loop), options, &gen, NULL, &error);
    weir_plan_free(plan);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, WEIR_EINVAL);
    ck_assert_ptr_null(gen);
    ck_assert_str_eq(error.message, message);
}

TEST(the_dead_component_writes_a_line_for_each_item)
{
    char text[120];
    const char *path = write_file("");
    (void)snprintf(text, sizeof text, "gen 1..2 | dead %s", path);
    check_pumped(text, path,
                 "{\"origin\":\"gen\",\"number\":1,\"position\":null,\"component\":null,"
                 "\"code\":null,\"reason\":null,\"body\":\"1\"}\n"
                 "{\"origin\":\"gen\",\"number\":2,\"position\":null,\"component\":null,"
                 "\"code\":null,\"reason\":null,\"body\":\"2\"}\n");
    remove_files();
}

TEST(options_that_do_not_fit_the_text_are_refused)
{
    const char *const files[] = {"a", "b"};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 1};
    check_refused("http://u:pw@h/ | head 3", &options, TEXT_PLAN_HAS_SOURCE);
    check_refused("gen 1..3 | null", NULL, TEXT_PLAN_ENDS_WITH_SINK);
}

/* Opening `text` with this sink is refused, since it would read what it writes. */
static void check_circle(const char *text, const weir_plan_options *options, const char *message)
{
    weir_error error;
    weir_gen *gen = NULL;
    weir_sink *sink = NULL;
    weir_loop *loop = weir_loop_new(NULL);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert(loop != NULL && plan != NULL);
    int rc = weir_plan_open(plan, weir_root(loop), options, &gen, &sink, &error);
    weir_plan_free(plan);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, WEIR_EINVAL);
    ck_assert(gen == NULL && sink == NULL);
    ck_assert_ptr_nonnull(strstr(error.message, message));
}

TEST(a_file_is_not_written_while_it_is_read)
{
    char text[128];
    const char *path = write_file("one\ntwo\n");
    const char *const files[] = {"./no-such-file", path};
    int fd = files_open[files_count - 1];
    weir_plan_options options = {.struct_size = sizeof options, .stdout_fd = fd};
    (void)snprintf(text, sizeof text, "%s | skip 3", path);
    check_circle(text, &options, TEXT_PLAN_CIRCLE);
    (void)snprintf(text, sizeof text, "%s | file %s", path, path);
    check_circle(text, NULL, TEXT_PLAN_CIRCLE);
    options.stdin_fd = fd;
    check_circle("head 3", &options, "standard input " TEXT_PLAN_CIRCLE);
    options = (weir_plan_options){
        .struct_size = sizeof options, .stdout_fd = fd, .files = files, .files_count = 2};
    check_circle("head 3", &options, TEXT_PLAN_CIRCLE);
    remove_files();
}

TEST(parse_takes_the_generator_that_stands_for_the_source)
{
    char got[100] = "";
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_gen *up = weir_count(weir_root(loop), 1, 100);
    int rc =
        collect(weir_parse(weir_root(loop), up, "skip 2 | head 2", NULL), got, sizeof got, &error);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(got, "3|4|");
}

/* What the items are decides whether kv reads or writes, and it is known only when they come. */
TEST(parse_converts_nothing_behind_a_stage_whose_output_depends_on_the_items)
{
    char got[100] = "";
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_gen *up = weir_parse(weir_root(loop), NULL, "gen 1..1 | text \"a=\\(.)\"", NULL);
    int rc = collect(weir_parse(weir_root(loop), up, "kv | ndjson", NULL), got, sizeof got, &error);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(got, "{\"a\":\"1\"}|");
}

static void check_parse_fails(const char *text, bool with_up, int code, const char *message)
{
    char got[100] = "";
    weir_error error;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_gen *up = with_up ? weir_count(weir_root(loop), 1, 100) : NULL;
    int rc = collect(weir_parse(weir_root(loop), up, text, NULL), got, sizeof got, &error);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, code);
    ck_assert_str_eq(error.message, message);
    ck_assert_str_eq(got, "");
}

TEST(parse_of_a_bad_text_is_a_generator_that_fails)
{
    static const char bach[] = TEXT_PLAN_UNKNOWN_STAGE;
    check_parse_fails("bach 3", false, WEIR_EPARSE, bach);
    check_parse_fails("bach 3", true, WEIR_EPARSE, bach);
    check_parse_fails("gen 1..3", true, WEIR_EPARSE, TEXT_PLAN_SOURCE_INSIDE);
    check_parse_fails("head 3 | null", true, WEIR_EINVAL, TEXT_PLAN_ENDS_WITH_SINK);
    check_parse_fails("lines max=1K", true, WEIR_EPARSE, TEXT_PLAN_LIMITS_OF_SOURCE);
}

MAIN("plan/open")
