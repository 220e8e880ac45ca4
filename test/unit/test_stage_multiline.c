/*
 * test_stage_multiline.c - lines that are joined: the suite for stages; what ends an item; line ends
 * at every cut; files apart from each other; what a record holds of an unfinished item.
 */
#include <stdio.h>
#include <string.h>

#include "support_flow.h"
#include "support_folder.h"
#include "support_stage.h"

static const weir_slice lines[] = {
    {"#1", 2}, {" a", 2}, {"", 0}, {"#2\0", 3}, {"#3", 2}, {"\xff", 1}, {"b#", 2},
};

#define KIT(stage)                                                                   \
    {                                                                                \
        .text = (stage), .items = lines, .items_count = sizeof lines / sizeof *lines \
    }
static const struct wr_stage_kit kits[] = {
    KIT("multiline `^#`"),
    KIT("multiline `^#` lines=2 max=8B"),
};
WR_STAGE_SUITE(kits);

static char shown[4096];

/* The next `count` items, each with '|' behind it; a line end in one is '/'. */
static const char *next_items(weir_gen *gen, int count)
{
    weir_item item;
    size_t len = 0;
    shown[0] = '\0';
    for (int i = 0; i < count && weir_next(gen, &item); i++) {
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s|", (int)item.len, item.data);
    }
    for (char *at = shown; (at = strchr(at, '\n')) != NULL;) {
        *at = '/';
    }
    return shown;
}

/* A body without an end, in pieces of `size` bytes. */
struct body_args {
    const char *bytes;
    size_t size;
    int64_t pause_ms;
    weir_scope *scope;
};
WEIR_SOURCE(body, struct body_args)
{
    for (size_t at = 0, len = strlen(args->bytes); at < len; at += args->size) {
        size_t n = len - at < args->size ? len - at : args->size;
        weir_item item = weir_bytes(args->bytes + at, n);
        if ((args->pause_ms > 0 && !weir_sleep(args->scope, args->pause_ms)) ||
            !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(line_ends_are_those_of_the_input_at_every_cut)
{
    static const char text[] = "x\r\n#1\r\n\r\n a\n#2\n\nb\r\n#3";
    for (size_t size = 1; size < sizeof text; size++) {
        weir_loop *loop = test_loop();
        weir_scope *root = weir_root(loop);
        weir_gen *gen = weir_multiline(
            weir_lines(body(root, (struct body_args){text, size, 0, root})), "^#", NULL);
        ck_assert_str_eq(next_items(gen, 9), "x|#1\r/\r/ a|#2//b|#3|");
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        weir_loop_free(loop);
    }
}

TEST(an_item_is_given_when_its_origin_is_silent)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_multiline(weir_lines(body(root, (struct body_args){"#1\na\nb\n", 3, 1000, root})),
                       "^#", WEIR_OPTIONS(weir_multiline_options, .wait_ms = 400));
    int64_t before = wr_now_ns(loop);
    ck_assert_str_eq(next_items(gen, 1), "#1|");
    ck_assert_int_eq((wr_now_ns(loop) - before) / 1000000, 1400);
    ck_assert_str_eq(next_items(gen, 9), "a|b|");
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(an_item_that_is_complete_does_not_wait)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_multiline(
        weir_lines(body(root, (struct body_args){"#1\na\n#2\n#3\n", 3, 0, root})), "^#", NULL);
    int64_t before = wr_now_ns(loop);
    ck_assert_str_eq(next_items(gen, 3), "#1/a|#2|#3|");
    ck_assert_int_eq(wr_now_ns(loop), before);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(the_items_of_several_files_are_apart)
{
    struct wr_folder folder;
    char a[100], b[100];
    wr_folder_make(&folder);
    snprintf(a, sizeof a, "%s", wr_folder_path(&folder, "a"));
    snprintf(b, sizeof b, "%s", wr_folder_path(&folder, "b"));
    const char *const paths[] = {a, b};
    wr_folder_write(&folder, "a", "#a1\na\n", 6);
    wr_folder_write(&folder, "b", "b\n#b1\nb\n", 8);
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_multiline(weir_tail_lines(weir_root(loop), paths, 2,
                                       WEIR_OPTIONS(weir_tail_options, .from = WEIR_TAIL_START)),
                       "^#", NULL);
    ck_assert_str_eq(next_items(gen, 3), "b|#a1/a|#b1/b|");
    weir_discard(gen);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

/* A run that ends after `count` items, with what it writes in "out". */
static void run(const struct wr_folder *folder, uint64_t count)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_state *state = weir_state_open(scope, wr_folder_path(folder, "state"), "run");
    const char *path = wr_folder_path(folder, "log");
    weir_gen *gen = weir_tail_lines(
        scope, &path, 1, WEIR_OPTIONS(weir_tail_options, .from = WEIR_TAIL_START, .state = state));
    gen = weir_head(weir_multiline(gen, "^#", NULL), count);
    weir_sink *sink = weir_file_sink(scope, wr_folder_path(folder, "out"),
                                     WEIR_OPTIONS(weir_file_options, .state = state));
    ck_assert(weir_pump(gen, sink, &error) == 0);
    ck_assert(weir_scope_wait(scope, &error) == 0);
    weir_loop_free(loop);
}

TEST(a_restart_begins_with_the_first_line_of_an_unfinished_item)
{
    struct wr_folder folder;
    size_t len;
    wr_folder_make(&folder);
    wr_folder_write(&folder, "log", "#1\na\n#2\nb\n", 10);
    run(&folder, 1);
    wr_folder_write(&folder, "log", "#1\na\n#2\nb\nc\n#3\nd\n", 17);
    run(&folder, 2);
    ck_assert_str_eq(wr_folder_read(&folder, "out", &len), "#1\na\n#2\nb\nc\n#3\nd\n");
    wr_folder_remove(&folder);
}

TEST(wrong_options_are_refused)
{
    static const weir_multiline_options wrong[] = {
        {.lines_max = -2}, {.bytes_max = -2}, {.wait_ms = -1}};
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    for (size_t i = 0; i <= 4; i++) {
        weir_multiline_options options =
            i < 3 ? wrong[i] : (weir_multiline_options){.struct_size = sizeof options};
        options.struct_size = sizeof options;
        weir_gen *gen = weir_multiline(weir_count(root, 1, 3),
                                       i < 3    ? "a"
                                       : i == 3 ? "("
                                                : NULL,
                                       &options);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    }
    weir_loop_free(loop);
}

MAIN("stage/multiline")
