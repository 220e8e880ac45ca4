/*
 * test_plan_explain.c - what a plan promises, and how it is explained.
 */
#include <stdlib.h>
#include <string.h>

#include "support_check.h"
#include "support_language.h"
#include "texts_plan.h"

static weir_plan *read_plan(const char *text)
{
    weir_error error;
    ck_assert(wr_language_add());
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    return plan;
}

#define OF_STDOUT ": 'stdout' cannot remove what was not saved: it is written again"

#define NOT_AGAIN \
    "best-effort: 'unpack' needs its input from the beginning, which cannot be read again"

static const struct promise {
    const char *text;
    int word;
    const char *told;
} promises[] = {
    {"https://h/f | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the server sends a strong ETag or a Last-Modified and the output is a "
     "regular file, otherwise best-effort"},
    {"./in | grep x | batch 10 | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"./in | head 3", WEIR_AT_LEAST_ONCE,
     "at-least-once if the input is a regular file, otherwise best-effort" OF_STDOUT},
    {"./in | unix /x", WEIR_AT_LEAST_ONCE,
     "at-least-once if the input is a regular file, otherwise best-effort: 'unix' cannot remove "
     "what was not saved: it is written again"},
    {"./in | tcp h:1", WEIR_BEST_EFFORT,
     "best-effort: 'tcp' gets no confirmation from its peer: data acknowledged by the peer's "
     "kernel is lost with the peer"},
    {"head 3 | file out", WEIR_BEST_EFFORT,
     "best-effort: 'stdin' has no position from which a restart can continue"},
    {"./in | queue full=latest | file out", WEIR_BEST_EFFORT,
     "best-effort: 'queue' may drop items"},
    {"./in | queue | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"./in | tee { file a } { file b } | file c", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"https://h/f | sse | file out", WEIR_AT_LEAST_ONCE,
     "at-least-once if the events have ids and the output is a regular file, otherwise "
     "best-effort: "
     "'sse' cannot prove that it continues at the saved position"},
    {"./in | sse | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"merge { https://h/f | sse } { https://h/g } | file out", WEIR_AT_LEAST_ONCE,
     "at-least-once if the events have ids and the server sends a strong ETag or a Last-Modified "
     "and the output is a regular file, otherwise best-effort: 'sse' cannot prove that it "
     "continues at the saved position"},
    {"./in | raw | queue | unpack | grep x | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"merge { ./in | unpack } { ./b } | file out", WEIR_EXACTLY_ONCE,
     "exactly-once-effect if the input is a regular file and the output is a regular file, "
     "otherwise best-effort"},
    {"merge { ./in } { ./b } | unpack | file out", WEIR_BEST_EFFORT, NOT_AGAIN},
    {"./in | tee { file a } | unpack | file out", WEIR_BEST_EFFORT, NOT_AGAIN},
    {"https://h/f | sse | unpack | file out", WEIR_BEST_EFFORT, NOT_AGAIN},
    {"./in | window | file out", WEIR_BEST_EFFORT,
     "best-effort: 'window' loses what it holds at a restart"},
    {"merge { gen 1..2 } { ./in } | file out", WEIR_BEST_EFFORT,
     "best-effort: 'gen' has no position from which a restart can continue"},
};

TEST(the_promise_is_that_of_the_weakest_part)
{
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        char told[400] = "";
        weir_plan *plan = read_plan(promises[i].text);
        int word = weir_plan_delivery(plan, NULL, told, sizeof told);
        weir_plan_free(plan);
        ck_assert_str_eq(told, promises[i].told);
        ck_assert_int_eq(word, promises[i].word);
    }
}

TEST(files_of_the_options_are_the_source)
{
    char told[400] = "";
    const char *const files[] = {"a", "-"};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 1};
    weir_plan *plan = read_plan("head 3 | file out");
    ck_assert_int_eq(weir_plan_delivery(plan, &options, told, sizeof told), WEIR_EXACTLY_ONCE);
    options.files = files + 1;
    ck_assert_int_eq(weir_plan_delivery(plan, &options, told, sizeof told), WEIR_BEST_EFFORT);
    options.files = files;
    options.files_count = 2;
    ck_assert_int_eq(weir_plan_delivery(plan, &options, told, sizeof told), WEIR_BEST_EFFORT);
    weir_plan_free(plan);
}

/* Put the help of each component in the place of <help>; <json>: that of the one that the plan has
 * inserted. */
static void add_help(const weir_plan *plan, const char *pattern, char *to, size_t cap)
{
    struct wr_print out;
    const char *at;
    size_t part = 0;
    wr_print_to(&out, to, cap);
    while ((at = strchr(pattern, '<')) != NULL) {
        bool inserted = strncmp(at, "<json>", 6) == 0;
        const weir_component *component =
            inserted ? weir_component_find("json", 0) : weir_plan_part(plan, part++);
        wr_printf(&out, "%.*s%s", (int)(at - pattern), pattern, component->help);
        pattern = at + 6;
    }
    wr_printf(&out, "%s", pattern);
}

/* expected: <help> stands for the help of the component. */
static void check_explained(const char *text, const char *expected)
{
    char told[4000], wanted[4000];
    weir_plan *plan = read_plan(text);
    size_t len = weir_plan_explain(plan, NULL, told, sizeof told);
    ck_assert_uint_eq(len, strlen(told));
    ck_assert_uint_eq(len, weir_plan_explain(plan, NULL, NULL, 0));
    add_help(plan, expected, wanted, sizeof wanted);
    weir_plan_free(plan);
    ck_assert_str_eq(told, wanted);
}

#define NO_QUEUE "queues    none: each component takes an item when the next one asks for it\n"
#define SLOW                                                                                     \
    "full      when the output is slow, everything before it waits, back to the far end of the " \
    "source\n"
#define TAIL                                                                                     \
    "          gives lines; does I/O; by default from end, last 0, wait 5s\n"                    \
    "          does not end by itself\n"                                                         \
    "          when the far end is lost: a file that was rotated, truncated or deleted is read " \
    "to "                                                                                        \
    "its end, and its successor from its start\n"
#define ALWAYS                                             \
    "memory    all buffers together hold at most 64 MiB\n" \
    "SIGTERM   sources stop, and pending items are still delivered\n"
#define REJECTS "      an item that it rejects is skipped, counted and logged (on-error=skip)\n"
#define MAY "          best-effort: after a kill items may be missing, and some may come twice\n"
#define WITHOUT "          without one best-effort\n" MAY
#define LEAST                                                                            \
    "          without one best-effort\n"                                                \
    "          at-least-once: after a kill the next run misses none, and some may come " \
    "twice\n" MAY
#define ONCE                                                                                  \
    "          without one best-effort\n"                                                     \
    "          exactly-once-effect: after a kill the next run leaves the output as if there " \
    "had been no kill\n" MAY

/* The texts of explain, written to be read: by what they are to be, not by what they were. */
static const struct {
    const char *text, *told;
} explained[] = {
    {"https://h/feed.ndjson | json | where .type == \"login\" | fields .user .ip | file out.ndjson",
     " 1  https://h/feed.ndjson\n"
     "      <help>\n"
     "      gives bytes; does I/O\n"
     "      when the far end is lost: it reconnects and continues after the last line given\n"
     " 2  json   (part of the source)\n"
     "      <help>\n"
     "      takes bytes, gives json; uses CPU\n" REJECTS " 3  where .type == \"login\"\n"
     "      <help>\n"
     "      takes json, gives json; uses CPU\n"
     "      a value on one line, which the stage before it has parsed, is not parsed "
     "again\n" REJECTS " 4  fields .user .ip\n"
     "      <help>\n"
     "      takes json, gives json; uses CPU\n"
     "      runs as one with the stage before it: a value is parsed once and written once\n" REJECTS
     " 5  file out.ndjson\n"
     "      <help>\n"
     "      takes json; does I/O\n" NO_QUEUE SLOW ALWAYS
     "delivery  with a state exactly-once-effect if the server sends a strong ETag or a "
     "Last-Modified and the output is a regular file, otherwise best-effort;\n" ONCE},
    {"http://h/f | sse | file out",
     " 1  http://h/f\n"
     "      <help>\n"
     "      gives bytes; does I/O\n"
     "      when the far end is lost: it reconnects without limit, after the id of the last event "
     "given\n"
     " 2  sse   (part of the source)\n"
     "      <help>\n"
     "      takes bytes, gives messages; by default on-long skip\n"
     " 3  file out\n"
     "      <help>\n"
     "      takes messages; does I/O\n" NO_QUEUE SLOW ALWAYS
     "delivery  with a state at-least-once if the events have ids and the output is a regular "
     "file, otherwise best-effort: 'sse' cannot prove that it continues at the saved "
     "position;\n" LEAST},
    {"./f.ndjson | lines max=1K | where .a on-error=stop | queue 10 | file out",
     " 1  ./f.ndjson\n"
     "      <help>\n"
     "      gives bytes; does I/O\n"
     " 2  lines max=1K   (part of the source)\n"
     "      <help>\n"
     "      takes bytes, gives lines; by default on-long skip\n"
     " 3  where .a on-error=stop\n"
     "      <help>\n"
     "      takes lines, gives lines; uses CPU\n"
     "      an item that it rejects ends the run (on-error=stop)\n"
     " 4  queue 10\n"
     "      <help>\n"
     "      takes lines, gives lines\n"
     "      holds at most 10 items and 1 MiB, 1.6 % of the memory; full=block\n"
     "      reads ahead of its reader, in a task of its own\n"
     " 5  file out\n"
     "      <help>\n"
     "      takes lines; does I/O\n"
     "queues    in 4; any other component takes an item when the next one asks for it\n" SLOW ALWAYS
     "delivery  with a state exactly-once-effect if the input is a regular file and the output is "
     "a regular file, otherwise best-effort;\n" ONCE},
    {"gen 1..3 | tee { queue full=latest | file a } { file b } | null",
     " 1  gen 1..3\n"
     "      <help>\n"
     "      gives lines\n"
     " 2  tee { queue full=latest | file a } { file b }\n"
     "      <help>\n"
     "      takes lines, gives lines\n"
     "      branch 1 never delays the others: 'queue' takes all items\n"
     "      branch 2 delays the others while it is full\n"
     "     3  queue full=latest\n"
     "          <help>\n"
     "          takes lines, gives lines\n"
     "          holds at most 1024 items and 1 MiB, 1.6 % of the memory; full=latest\n"
     "          reads ahead of its reader, in a task of its own\n"
     "          drops items when it is full, and counts them\n"
     "     4  file a\n"
     "          <help>\n"
     "          takes lines; does I/O\n"
     "     5  file b\n"
     "          <help>\n"
     "          takes lines; does I/O\n"
     " 6  null\n"
     "      <help>\n"
     "      takes lines\n"
     "queues    in 3; any other component takes an item when the next one asks for it\n"
     "full      'null' takes items at any speed: the components before it never wait\n" ALWAYS
     "delivery  with a state best-effort: 'gen' has no position from which a restart can "
     "continue;\n" WITHOUT},
    {"./rows.csv.gz | gunzip | csv header | batch 100 64KiB within 500ms | post http://h/hook",
     " 1  ./rows.csv.gz\n"
     "      <help>\n"
     "      gives bytes; does I/O\n"
     " 2  gunzip\n"
     "      <help>\n"
     "      takes bytes, gives bytes; uses CPU; by default ratio 1000, empty 16MiB\n"
     "      after a restart it reads its input from the beginning, and leaves out the items that "
     "have settled\n"
     " 3  csv header\n"
     "      <help>\n"
     "      takes bytes, gives records; uses CPU; by default ragged reject, on-long skip, quote "
     "minimal, delim ,\n"
     "      after a restart it reads its input from the beginning, and leaves out the items that "
     "have settled\n" REJECTS " 4  batch 100 64KiB within 500ms\n"
     "      <help>\n"
     "      takes records, gives batches\n"
     "      holds at most 100 items and 64 KiB, 0.098 % of the memory\n"
     "      may hold an item until more items arrive; at SIGTERM it gives what it holds\n"
     "      reads ahead of its reader, in a task of its own\n"
     " 5  post http://h/hook\n"
     "      <help>\n"
     "      takes batches; does I/O; by default parallel 1\n" REJECTS
     "      when the far end is lost: the request is sent again; the server may see it twice, with "
     "one Idempotency-Key\n"
     "queues    in 4; any other component takes an item when the next one asks for it\n" SLOW ALWAYS
     "delivery  with a state at-least-once if the input is a regular file, otherwise best-effort: "
     "'post' cannot remove what was not saved: it is written again;\n" LEAST},
    {"merge { tail a.log } { tail b.log } | unpack | sum .x",
     " 1  merge { tail a.log } { tail b.log }\n"
     "      <help>\n"
     "      gives what its blocks give\n"
     "     2  tail a.log\n"
     "          <help>\n" TAIL "     3  tail b.log\n"
     "          <help>\n" TAIL " 4  unpack\n"
     "      <help>\n"
     "      takes lines, gives lines\n"
     "      after a restart it reads its input from the beginning, and leaves out the items that "
     "have settled\n"
     " 5  json   (inserted by the plan)\n"
     "      <json>\n"
     "      takes lines, gives json; uses CPU\n" REJECTS " 6  sum .x\n"
     "      <help>\n"
     "      takes json, gives json\n"
     "    (writes to standard output)\n" NO_QUEUE SLOW ALWAYS
     "delivery  with a state best-effort: 'unpack' needs its input from the beginning, which "
     "cannot be read again;\n" WITHOUT},
};

TEST(each_part_of_a_plan_is_explained)
{
    for (size_t i = 0; i < sizeof explained / sizeof explained[0]; i++) {
        check_explained(explained[i].text, explained[i].told);
    }
}

TEST(what_is_held_is_compared_with_the_memory)
{
    char told[4000];
    weir_plan_options options = {.struct_size = sizeof options, .mem_bytes = 8 << 20};
    weir_plan *plan = read_plan("gen 1..3 | queue 1 64KiB");
    (void)weir_plan_explain(plan, &options, told, sizeof told);
    ck_assert_ptr_nonnull(
        strstr(told, "holds at most 1 item and 64 KiB, 0.78 % of the memory; full=block\n"));
    ck_assert_ptr_nonnull(strstr(told, "memory    all buffers together hold at most 8 MiB\n"));
    options.struct_size = offsetof(weir_plan_options, mem_bytes); /* of an older program */
    (void)weir_plan_explain(plan, &options, told, sizeof told);
    ck_assert_ptr_nonnull(strstr(told, "hold at most 64 MiB\n"));
    weir_plan_free(plan);
    weir_error error;
    weir_text_options file = {.struct_size = sizeof file, .name = "f"};
    plan = weir_plan_read("@mem 1GiB\ngen 1..3", &file, &error);
    ck_assert_ptr_nonnull(plan);
    (void)weir_plan_explain(plan, NULL, told, sizeof told);
    ck_assert_ptr_nonnull(strstr(told, "hold at most 1 GiB\n"));
    weir_plan_free(plan);
}

TEST(what_happens_to_a_bad_item_depends_on_the_options)
{
    static const struct {
        const char *text, *dead;
        int32_t strict;
        const char *told;
    } cases[] = {
        {"gen 1..3 | where .a", NULL, 0, "is skipped, counted and logged (on-error=skip)"},
        {"gen 1..3 | where .a", "/dead", 0, "is written to '/dead' (on-error=dead)"},
        {"gen 1..3 | where .a", "/dead", 1, "ends the run (on-error=stop)"},
        {"gen 1..3 | where .a on-error=stop", "/dead", 0, "ends the run (on-error=stop)"},
        {"gen 1..3 | where .a on-error=skip", "/dead", 0,
         "is skipped, counted and logged (on-error=skip)"},
        {"gen 1..3 | where .a on-error=skip", NULL, 1, "ends the run (on-error=stop)"},
        {"gen 1..3 | where .a on-error=dead", "/dead", 1, "is written to '/dead' (on-error=dead)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char told[4000];
        weir_plan_options options = {
            .struct_size = sizeof options, .strict = cases[i].strict, .dead = cases[i].dead};
        weir_plan *plan = read_plan(cases[i].text);
        weir_plan_explain(plan, &options, told, sizeof told);
        weir_plan_free(plan);
        const char *where = strstr(told, "where");
        ck_assert(where != NULL && strstr(where, cases[i].told) != NULL);
    }
}

TEST(a_plan_is_checked_without_being_opened)
{
    weir_error error;
    const char *const files[] = {"a"};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 1};
    weir_plan *plan = read_plan("gen 1..3 | where .a on-error=dead");
    ck_assert_int_eq(weir_plan_check(plan, NULL, &error), WEIR_EINVAL);
    ck_assert_str_eq(error.message, TEXT_PLAN_DEAD_NEEDS_FILE);
    ck_assert_int_eq(error.detail, WEIR_PLAN_NO_DEAD);
    ck_assert(weir_plan_rejects(plan));
    weir_plan_free(plan);
    plan = read_plan("gen 1..3 | null");
    ck_assert_int_eq(weir_plan_check(plan, NULL, &error), 0);
    ck_assert_int_eq(error.code, 0);
    ck_assert_int_eq(weir_plan_check(plan, &options, &error), WEIR_EINVAL);
    ck_assert(!weir_plan_rejects(plan));
    weir_plan_free(plan);
}

TEST(the_nearest_word_is_found)
{
    static const char *const words[] = {"batch", NULL, "head", "queue"};
    ck_assert_str_eq(weir_nearest("bach", words, 4), "batch");
    ck_assert_str_eq(weir_nearest("haed", words, 4), "head");
    ck_assert_ptr_null(weir_nearest("zzz", words, 4));
    ck_assert_ptr_null(weir_nearest("head", words, 0));
}

TEST(what_a_component_gives_may_depend_on_its_arguments)
{
    static const char *const texts[] = {"gen 1..3 | tally | sum .x",
                                        "gen 1..3 | tally plain | sum .x"};
    for (size_t i = 0; i < 2; i++) {
        char told[2000];
        weir_plan *plan = read_plan(texts[i]);
        (void)weir_plan_explain(plan, NULL, told, sizeof told);
        ck_assert_int_eq(strstr(told, "json   (inserted by the plan)") != NULL, i == 1);
        ck_assert_ptr_nonnull(
            strstr(told, i == 1 ? "takes lines, gives lines" : "takes lines, gives json"));
        (void)weir_component_help(weir_plan_part(plan, 1), told, sizeof told);
        ck_assert_msg(strstr(told, ", may give lines or json\n") != NULL, "%s", told);
        weir_plan_free(plan);
    }
}

MAIN("plan/explain")
