/*
 * test_stage_fused.c - stages that are expressions run as one. What they give, what becomes of each
 * item, and what is counted and reported at each stage is what it would be if each ran by itself.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec_json.h"
#include "flow_gen.h"
#include "plan_text.h"
#include "support_flow.h"
#include "support_folder.h"
#include "support_seen.h"

/* All that can be seen of one run, as text. */
struct told {
    char *text;
    size_t len;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in their order as strings: stages report in a different order when they run by themselves. */
static void write_sorted(FILE *to, char *text)
{
    char *lines[64];
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line != NULL && count < 64; line = strtok(NULL, "\n")) {
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "%s\n", lines[i]);
    }
}

static void write_counts(FILE *to, const struct seen *seen)
{
    for (int i = 0; i < seen->count; i++) {
        const weir_node *node = &seen->all[i].node;
        if (node->kind == WEIR_NODE_GENERATOR && node->part > 0) {
            fprintf(to, "%d %s: in %d out %d filtered %d rejected %d\n", node->part,
                    seen->all[i].component, (int)node->items_in, (int)node->items_out,
                    (int)node->filtered, (int)node->rejected);
        }
    }
}

static void write_ledger(FILE *to, const weir_ledger *ledger)
{
    fprintf(to, "delivered %d filtered %d rejected %d dropped %d\n", (int)ledger->delivered,
            (int)ledger->filtered, (int)ledger->rejected, (int)ledger->dropped);
}

/* Run a text in a folder that is the current one. dead: rejected items go to a file. */
static struct told run(const struct wr_folder *folder, const char *text, bool unfused, bool dead)
{
    struct told told;
    static struct seen seen;
    char got[4000] = "";
    size_t len;
    weir_error error = {.code = 0};
    weir_gen *gen = NULL;
    weir_sink *sink = NULL;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    memset(&seen, 0, sizeof seen);
    weir_on_end(loop, note, &seen);
    wr_plan_unfused = unfused;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    wr_plan_unfused = false;
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    weir_plan_options options = {.struct_size = sizeof options, .dead = dead ? "dead" : NULL};
    options.stdout_fd = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(weir_plan_open(plan, weir_root(loop), &options, &gen, &sink, &error), 0);
    weir_plan_free(plan);
    int rc = weir_pump(gen, sink, &error);
    weir_ledger ledger = ledger_of(weir_root(loop));
    weir_loop_free(loop);
    ck_assert_int_ge(pread(options.stdout_fd, got, sizeof got - 1, 0), 0);
    (void)close(options.stdout_fd);
    FILE *to = open_memstream(&told.text, &told.len);
    fprintf(to, "%s\n%s%s\n", text, got, rc < 0 ? error.message : "");
    write_counts(to, &seen);
    write_ledger(to, &ledger);
    if (dead && access("dead", F_OK) == 0) {
        write_sorted(to, (char *)(uintptr_t)wr_folder_read(folder, "dead", &len));
        (void)unlink("dead");
    }
    fclose(to);
    return told;
}

static void check_same(const struct wr_folder *folder, const char *text, bool dead)
{
    if (wr_test_sweeps()) { /* apart, each stage is swept by its own test */
        free(run(folder, text, false, dead).text);
        return;
    }
    struct told apart = run(folder, text, true, dead);
    struct told fused = run(folder, text, false, dead);
    ck_assert_str_eq(fused.text, apart.text);
    free(apart.text);
    free(fused.text);
}

static const char feed[] = "{\"t\":\"x\", \"n\":1, \"a\":[3,4], \"u\":{\"name\":\"A\"}}\n"
                           "{\"t\":\"y\",\"n\":2.50,\"a\":[],\"u\":null}\n"
                           "\n"
                           "{\"t\":\"x\",\"n\":7,\"a\":[{\"k\":1},2],\"n\":-0.0}\n"
                           "{\"t\":\"x\",\n"
                           "17\n"
                           "  [1, 2]  \n"
                           "{\"t\":\"\\u0078\",\"n\":123456789012345678901234567890,\"a\":[1e2]}\n"
                           "{\"t\":\"x\",\"n\":\"s\",\"a\":{\"b\":1}}\n"
                           "null\n"
                           "{\"t\":\"x\",\"n\":3,\"a\":[5],\"u\":{\"name\":\"B\\n\"}}";

static const char pretty[] =
    "{\n  \"t\": \"x\",\n  \"n\": 1\n}\n{\"t\":\"x\",\"n\":2} {\"t\":\"y\"}\n"
    "{\"t\":\"x\",\n{\"t\":\"x\",\"n\":3}\n[1,\n2]\n{\"t\":\"x\",\"n\":4}\n";

static const char table[] = "name,level\nann,3\nbob,x\n\"c\"\"d\",5\n\xff\xfe,7\n";

static const char *const chains[] = {
    "./feed | where .t == \"x\" | where .n > 1",
    "./feed | where .t == \"x\" | fields .u.name, .n",
    "./feed | where . | where . | where .",
    "./feed | where .t == \"x\" or .u.name == \"B\" | where .n != .u.n | fields .n, .u.name, .t",
    "./feed | map {a: .t?, b: .n?, c: .u?.name?, d: .a?, t: .t?} | where .a != .d",
    "./feed | objects | where .n > 2 | set .n += 1 | del .a | rename .v = .n",
    "./feed | map .a[] | where . > 1 | map {v: .}",
    "./feed | map .a[]? | map .k? , . | where . != null",
    "./feed | map .n / 3 | map . * 3",
    "./feed | objects | map [.n] | map {b: .} | map .b[0] | where . >= 0",
    "./feed | map {a: .} | map .a",
    "./feed | map . | where true | map .",
    "./feed | map error(\"no\") | where true",
    "./feed | map .t? | map error",
    "./feed | where .a[] > 0 | map .a | map .[0]",
    "./feed | where .t | head 4 | where .n | map .n",
    "./feed | json | where .t == \"x\" | map .n",
    "./feed | grep t | json | where .t == \"x\" | where .n > 1",
    "./pretty | json | where .t == \"x\" | fields .n",
    "./pretty | json | where .n | where .t",
    "./pretty | json | map .n + 1",
    "./feed | map (1, 2, error(\"three\"), 4) | where . > 1",
    "./feed | where .t == \"x\" | map .n + 1 | where . > 1 | map tostring",
    "./feed | map (., 1 / 7) | map [., .] | map .[1] | map . * 7",
    "./feed | map (.k? // 3) | where . == 3",
    "./feed | where .t == \"x\" | text \"\\(.n)\" | where . > 1 | map . * 2",
    "./feed | objects | explode .a? | flatten | where .t",
    "./table | csv header | where .level > \"3\" | fields .name",
    "./table | csv header | where .level | map .name | map utf8bytelength",
    "./table | csv header | where .name =~ \"n\"",
    "./table | csv header | map .level | map tonumber | where . > 3",
};

TEST(fused_stages_give_and_count_what_they_do_apart)
{
    struct wr_folder folder;
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    wr_folder_write(&folder, "feed", feed, sizeof feed - 1);
    wr_folder_write(&folder, "pretty", pretty, sizeof pretty - 1);
    wr_folder_write(&folder, "table", table, sizeof table - 1);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i += wr_test_sweeps() ? 20 : 1) {
        check_same(&folder, chains[i], false);
        check_same(&folder, chains[i], true);
    }
    wr_folder_remove(&folder);
}

/* What fills the memory of a stage, or is too long when it is written, is rejected as it reached that
 * stage. */
TEST(what_is_too_long_is_rejected_as_it_is_apart)
{
    static const char *const too_long[] = {
        "gen 1..3 | map [.] | map (if .[0] == 2 then [range(1e9)] else . end)",
        "gen 1..3 | map {a: .} | map (if .a == 2 then (\"x\" * 3000000) as $s | [range(20) | $s] "
        "else . end)",
        "gen 1..3 | map . / 3 | map (if . > 0.5 and . < 0.7 then [range(1e9)] else . end)",
        "gen 1..3 | where . > 1 | map (if . == 2 then [range(1e9)] else . end) | where true",
        "gen 1..3 | map (., [.]) | map (if . == [2] then (\"x\" * 3000000) as $s | [range(20) | "
        "$s] "
        "else . end)",
    };
    struct wr_folder folder;
    if (wr_test_sweeps()) {
        return; /* what fails is the same as in shorter items */
    }
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++) {
        check_same(&folder, too_long[i], false);
        check_same(&folder, too_long[i], true);
    }
    wr_folder_remove(&folder);
}

/* One stage of each row ends the run, at the last item: apart, the stages before it have not read
 * more. */
TEST(a_stage_among_fused_ones_stops_at_its_own_mistake)
{
    static const char mistake[] = "{\"t\":\"x\",\"n\":3,\"a\":[{\"k\":1},2]}\n"
                                  "{\"t\":\"x\",\"n\":\"s\",\"a\":[{\"k\":1},\"q\"]}\n";
    static const char *const stops[] = {
        "./feed | where .n + 1 > 0 on-error=stop | map .n",
        "./feed | objects | map .n + 1 on-error=stop | where . > 0",
        "./feed | map .n on-error=skip | map . + 1 on-error=stop",
        "./feed | where .n > 0 | map .a[1] | map . + 1 on-error=stop | where true",
    };
    struct wr_folder folder;
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    wr_folder_write(&folder, "feed", mistake, sizeof mistake - 1);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i += wr_test_sweeps() ? 4 : 1) {
        check_same(&folder, stops[i], false);
    }
    wr_folder_remove(&folder);
}

TEST(examples_are_the_same_fused_and_apart)
{
    const weir_component *component;
    struct wr_folder folder;
    if (wr_test_sweeps()) {
        return; /* test_plan_open.c runs them in the sweep */
    }
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if (component->prints != NULL && component->compile != NULL) {
            check_same(&folder, component->example, false);
        }
        for (const weir_example *more = component->more_examples;
             more != NULL && more->text != NULL; more++) {
            if (more->prints != NULL && component->compile != NULL) {
                check_same(&folder, more->text, false);
            }
        }
    }
    wr_folder_remove(&folder);
}

/* An expression that never ends is run as long as its reader wants more. */
TEST(fused_stages_are_lazy)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen =
        weir_parse(weir_root(loop), NULL,
                   "gen 1..2 | map repeat(1) | map range(0; 3) | where . > 1 | head 3", NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.len, 1);
        ck_assert_int_eq(item.data[0], '2');
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* A row of stages that gives nothing for long can be stopped. */
TEST(outputs_that_come_to_nothing_let_other_tasks_run)
{
    static const char *const texts[] = {"gen 1..1 | map range(1e12) | where false",
                                        "gen 1..1 | map range(1e12) | grep \"x\""};
    if (wr_test_sweeps()) {
        return; /* where a call fails, a deadline may never come */
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        weir_item item;
        weir_error error;
        weir_loop *loop = weir_loop_new(NULL);
        weir_scope_options soon = {.struct_size = sizeof soon, .deadline_ms = 20};
        ck_assert_ptr_nonnull(loop);
        weir_scope *scope = weir_scope_new(weir_root(loop), &soon);
        ck_assert_ptr_nonnull(scope);
        weir_gen *gen = weir_parse(scope, NULL, texts[i], NULL);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_lt(weir_finish(gen, &error), 0);
        ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);
        weir_loop_free(loop);
    }
}

/* Of one item, a stage may reject more than the dead sink holds at a time. */
TEST(rejected_outputs_wait_for_the_dead_sink)
{
    struct wr_folder folder;
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    weir_item item;
    weir_error error = {.code = 0};
    weir_gen *gen = NULL;
    weir_sink *sink = NULL;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_plan *plan = weir_plan_read("gen 1..1 | map range(1000) | "
                                     "map (if . < 999 then error else . end) on-error=dead | null",
                                     NULL, &error);
    ck_assert_msg(plan != NULL, "%s", error.message);
    weir_plan_options options = {.struct_size = sizeof options, .dead = "dead"};
    ck_assert_int_eq(weir_plan_open(plan, weir_root(loop), &options, &gen, &sink, &error), 0);
    weir_plan_free(plan);
    weir_sink_discard(sink);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(access("dead", F_OK), 0);
    weir_discard(gen);
    weir_loop_free(loop);
    (void)unlink("dead");
    wr_folder_remove(&folder);
}

/* The value that reached the stage is too large to be written beside what filled the memory. */
TEST(an_item_for_which_an_expression_needs_too_much_memory_is_rejected)
{
    enum { BYTES = 40000000 };
    struct wr_folder folder;
    weir_item item;
    weir_loop_options large = {.struct_size = sizeof large, .budget_bytes = 10 * (size_t)BYTES};
    if (wr_test_sweeps()) {
        return;
    }
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    FILE *file = fopen("large.json", "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "[[\"%0*d\"]]\n[[1]]\n", BYTES, 0), BYTES);
    ck_assert_int_eq(fclose(file), 0);
    weir_loop *loop = weir_loop_new(&large);
    weir_gen *gen = weir_parse(weir_root(loop), NULL,
                               "./large.json | json max=64MiB | map .[0] | "
                               "map (if . == [1] then 7 else [range(1e9)] end)",
                               NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.len, 1);
    ck_assert_int_eq(item.data[0], '7');
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    (void)unlink("large.json");
    wr_folder_remove(&folder);
}

/* What is read by an expression of this text was parsed by the stage before it. */
static void check_parsed_once(const char *text, const char *dead)
{
    weir_item item;
    weir_error error;
    weir_gen *gen;
    int count = 0;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s", error.message);
    weir_plan_options options = {.struct_size = sizeof options, .dead = dead};
    ck_assert_int_eq(weir_plan_open(plan, weir_root(loop), &options, &gen, NULL, &error), 0);
    weir_plan_free(plan);
    for (; weir_next(gen, &item); count++) {
        const struct weir_gen *up = gen->up;
        const struct wr_json *json;
        while ((json = wr_gen_json(up)) == NULL) {
            up = up->up;
            ck_assert_ptr_nonnull(up);
        }
        ck_assert_msg(json->kept_count == 1 && json->kept_next == 1, "%s: %d", text, count);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_int_eq(count, 3);
    weir_loop_free(loop);
}

TEST(an_expression_behind_json_parses_nothing_again)
{
    struct wr_folder folder;
    if (wr_test_sweeps()) {
        return; /* without memory for that it is parsed again */
    }
    wr_folder_make(&folder);
    ck_assert_int_eq(chdir(folder.path), 0);
    wr_folder_write(&folder, "feed", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", 24);
    check_parsed_once("./feed | json | where .n > 0", NULL);
    check_parsed_once("./feed | json | map .n", "dead");
    check_parsed_once("./feed | grep n | json | where .n | fields .n", "dead");
    wr_folder_remove(&folder);
}

TEST(explain_tells_which_stages_run_as_one)
{
    char text[4000];
    weir_error error;
    weir_plan *plan =
        weir_plan_read("gen 1..2 | where . > 1 | map . + 1 | head 1 | map .", NULL, &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert_uint_lt(weir_plan_explain(plan, NULL, text, sizeof text), sizeof text);
    weir_plan_free(plan);
    const char *said = strstr(text, "runs as one with the stage before it");
    ck_assert_ptr_nonnull(said);
    ck_assert_ptr_nonnull(strstr(text, " 3  map . + 1"));
    ck_assert(said > strstr(text, " 3  map . + 1"));
    ck_assert_ptr_null(strstr(said + 1, "runs as one with the stage before it"));
}

MAIN("stage/fused")
