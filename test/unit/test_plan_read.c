/*
 * test_plan_read.c - reading a text into a plan, and what a plan tells about itself.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan_text.h"
#include "support_check.h"

static weir_plan *read_plan(const char *text)
{
    weir_error error;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    ck_assert_int_eq(error.code, 0);
    return plan;
}

/* What a first word is read as. */
static const struct source {
    const char *text, *source, *address;
} sources[] = {
    {"http://[::1]:8080/a?b={c}&d=A_(b),c#frag", "http",
     "http://[::1]:8080/a?b={c}&d=A_(b),c#frag"},
    {"https://h", "http", "https://h"},
    {"tcp://[::1]:9", "tcp", "tcp://[::1]:9"},
    {"unix:/run/x.sock", "unix", "unix:/run/x.sock"},
    {"unix:///run/x.sock", "unix", "unix:///run/x.sock"},
    {"HTTP://H/A", "http", "HTTP://H/A"},
    {"Https://h", "http", "Https://h"},
    {"TCP://h:9", "tcp", "tcp://h:9"},
    {"Unix:/run/X.sock", "unix", "unix:/run/X.sock"},
    {"tcp://[fe80::1%eth0]:9", "tcp", "tcp://[fe80::1%eth0]:9"},
    {"http://[fe80::1%25eth0]:8/", "http", "http://[fe80::1%25eth0]:8/"},
    {"-", "stdin", NULL},
    {"stdin", "stdin", NULL},
    {"gen 1..10", "gen", NULL},
    {"/var/log/x", "file", "/var/log/x"},
    {"./head", "file", "./head"},
    {"../x", "file", "../x"},
    {"f.ndjson", "file", "f.ndjson"},
    {"head.txt", "file", "head.txt"},
    {"2024/a", "file", "2024/a"},
    {"x.so", "file", "x.so"},
    {"\"https://h/a|b\"", "http", "https://h/a|b"},
    {"\"/tmp/my file\"", "file", "/tmp/my file"},
    {"`/tmp/a*b`", "file", "/tmp/a*b"},
    {"head 3", NULL, NULL},
    {"lines", NULL, NULL},
    {"null", NULL, NULL},
};

TEST(the_first_word_tells_the_source)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        weir_plan *plan = read_plan(sources[i].text);
        const char *source = weir_plan_source(plan);
        const char *address = weir_plan_source_address(plan);
        ck_assert_int_eq(weir_plan_has_source(plan), sources[i].source != NULL);
        ck_assert_pstr_eq(source, sources[i].source);
        ck_assert_pstr_eq(address, sources[i].address);
        weir_plan_free(plan);
    }
}

TEST(the_parts_are_told_in_order)
{
    weir_plan *plan = read_plan("gen 1..5|skip  2 | file out.txt");
    ck_assert_uint_eq(weir_plan_count(plan), 3);
    ck_assert_str_eq(weir_plan_part(plan, 1)->name, "skip");
    ck_assert_str_eq(weir_plan_part_text(plan, 1), "skip 2");
    ck_assert_int_eq(weir_plan_part(plan, 0)->kind, WEIR_KIND_SOURCE);
    ck_assert_int_eq(weir_plan_part(plan, 1)->kind, WEIR_KIND_STAGE);
    ck_assert_int_eq(weir_plan_part(plan, 2)->kind, WEIR_KIND_SINK);
    ck_assert_ptr_null(weir_plan_part(plan, 3));
    ck_assert_ptr_null(weir_plan_part_text(plan, 3));
    ck_assert_uint_eq(weir_plan_part_traits(plan, 3), 0);
    ck_assert(weir_plan_has_sink(plan));
    weir_plan_free(plan);
}

TEST(traits_depend_on_the_arguments)
{
    weir_plan *plan = read_plan("gen 1..5 | queue | queue full=latest");
    ck_assert(weir_plan_part_traits(plan, 1) & WEIR_TRAIT_ONE_TO_ONE);
    ck_assert(!(weir_plan_part_traits(plan, 2) & WEIR_TRAIT_ONE_TO_ONE));
    ck_assert(weir_plan_part_traits(plan, 2) & WEIR_TRAIT_CHANGES_OUTCOMES);
    weir_plan_free(plan);
}

TEST(what_counts_over_runs_counts_anew_behind_what_takes_items_away)
{
    static const struct {
        const char *text, *counts, *behind;
    } texts[] = {
        {"gen 1..5 | head 2", NULL, NULL},
        {"gen 1..5 | queue | skip 1 | head 2", NULL, NULL},
        {"gen 1..5 | grep 1 | head 2", "head", "grep"},
        {"gen 1..5 | queue full=latest | lines | skip 2", "skip", "queue"},
        {"gen 1..5 | batch 2 | head 2", "head", "batch"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const weir_component *counts = NULL, *behind = NULL;
        weir_plan *plan = read_plan(texts[i].text);
        ck_assert_int_eq(weir_plan_recounts(plan, &counts, &behind), texts[i].counts != NULL);
        ck_assert_pstr_eq(counts != NULL ? counts->name : NULL, texts[i].counts);
        ck_assert_pstr_eq(behind != NULL ? behind->name : NULL, texts[i].behind);
        weir_plan_free(plan);
    }
}

/* What the arguments of a component are read as; it is the last one of the text. What is not given
 * has its default. */
static const struct argument {
    const char *text;
    size_t index;
    int64_t number;
    const char *string;
} arguments[] = {
    {"gen 3..", 0, 3, NULL},
    {"head 0", 0, 0, NULL},
    {"queue", 0, 1024, NULL},
    {"queue 7", 0, 7, NULL},
    {"queue 7", 1, 1 << 20, NULL},
    {"queue 64KiB", 0, 1024, NULL},
    {"queue 64KiB", 1, 65536, NULL},
    {"queue 7 64KB full=latest", 1, 64000, NULL},
    {"queue 7 64KB full=latest", 2, 3, NULL},
    {"queue full=block 7", 0, 7, NULL},
    {"batch 100 within 1m30s", 2, 90000, NULL},
    {"batch within 500ms 100 1K", 1, 1024, NULL},
    {"grep x", 0, 0, "x"},
    {"grep \"a\\\"\\u00e9\\ud83d\\ude00\\n\\/\"", 0, 0, "a\"\xc3\xa9\xf0\x9f\x98\x80\n/"},
    {"grep `\\d|\"`", 0, 0, "\\d|\""},
    {"grep 'a b'", 0, 0, "a b"},
    {"grep \"full=latest\"", 0, 0, "full=latest"},
    {"grep a==b", 0, 0, "a==b"},
    {"grep f(a b)", 0, 0, "f(a b)"},
    {"lines max=64K on-long=fail", 0, 65536, NULL},
    {"lines max=64K on-long=fail", 1, 2, NULL},
    {"tcp h:1", 0, 0, "tcp://h:1"},
    {"tcp tcp://[::1]:65535", 0, 0, "tcp://[::1]:65535"},
    {"unix /x", 0, 0, "unix:/x"},
    {"unix unix:/x", 0, 0, "unix:/x"},
    {"file \"my file\"", 0, 0, "my file"},
};

TEST(arguments_are_read_as_their_descriptor_says)
{
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++) {
        const struct argument *want = &arguments[i];
        weir_plan *plan = read_plan(want->text);
        const struct wr_plan_step *step = &plan->root.steps[plan->root.count - 1];
        const void *field = wr_plan_field(step, want->index);
        if (want->string != NULL) {
            ck_assert_str_eq(*(const char *const *)field, want->string);
        } else if (wr_plan_arg(step->component, want->index)->type == WEIR_ARGTYPE_CHOICE) {
            ck_assert_int_eq(*(const int32_t *)field, want->number);
        } else {
            ck_assert_msg(*(const int64_t *)field == want->number, "%s: %lld", want->text,
                          (long long)*(const int64_t *)field);
        }
        weir_plan_free(plan);
    }
}

TEST(a_text_is_normalised)
{
    static const char *const texts[][2] = {
        {"  gen   1..5 # numbers\n  |\thead  3\n", "gen 1..5 | head 3"},
        {"-|queue full=block  7", "- | queue full=block 7"},
        {"gen 1.. | grep \"a  b\"", "gen 1.. | grep \"a  b\""},
        {"http://u:p:w@h/a:b@c | null", "http://u:***@h/a:b@c | null"},
        {"http://u@h:1/ | null", "http://***@h:1/ | null"},
        {"u:p@h/! | null", "u:***@h/! | null"}, /* a path that may have been meant as an address */
        {"u:/n[|:]v@x | null", "u:/n[|:]v@x | null"},
        {"/a:b@c | file ./a:b@c", "/a:b@c | file ./a:b@c"},
        {"\"http://u:pw@h/\"", "\"http://u:***@h/\""},
        {"http://h/?a:b@c", "http://h/?a:b@c"},
        {"http://h/?n=1&token=abc&m=2", "http://h/?n=1&token=***&m=2"},
        {"http://h/?key=(a&b=c)", "http://h/?key=***"},
        {"\"http://h/?key=a\\\"b\"", "\"http://h/?key=***\""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        weir_plan *plan = read_plan(texts[i][0]);
        ck_assert_str_eq(weir_plan_text(plan), texts[i][1]);
        weir_plan_free(plan);
        plan = read_plan(texts[i][1]);
        ck_assert_str_eq(weir_plan_text(plan), texts[i][1]);
        weir_plan_free(plan);
    }
}

static uint64_t hash_of(const char *text, const char *const *files, size_t count)
{
    weir_plan *plan = read_plan(text);
    weir_plan_options options = {
        .struct_size = sizeof options, .files = files, .files_count = count};
    uint64_t hash = weir_plan_hash(plan, &options);
    weir_plan_free(plan);
    return hash;
}

TEST(the_hash_is_one_of_the_meaning)
{
    static const char *const files[] = {"a", "b", "ab"};
    uint64_t hash = hash_of("gen 1..5 | head 3", NULL, 0);
    ck_assert_uint_eq(hash, hash_of(" gen 1..5|head  3 # x", NULL, 0));
    ck_assert_uint_ne(hash, hash_of("gen 1..5 | head 4", NULL, 0));
    ck_assert_uint_eq(hash_of("http://u:a@h/", NULL, 0), hash_of("http://u:b@h/", NULL, 0));
    ck_assert_uint_ne(hash_of("http://u:a@h/", NULL, 0), hash_of("http://v:a@h/", NULL, 0));
    ck_assert_uint_ne(hash_of("head 3", files, 1), hash_of("head 3", files + 1, 1));
    ck_assert_uint_ne(hash_of("head 3", files, 2), hash_of("head 3", files + 2, 1));
}

TEST(the_hash_stays_the_same_between_versions)
{
    /* FNV-1a of the text with its terminator: saved states are found by it. */
    ck_assert_uint_eq(hash_of("head 3", NULL, 0), UINT64_C(0x4871189032fe20da));
}

static uint64_t hash_with(const weir_variable *variables, size_t count)
{
    weir_error error;
    weir_text_options options = {
        .struct_size = sizeof options, .variables = variables, .variables_count = count};
    weir_plan *plan = weir_plan_read("map [$a, $b]", &options, &error);
    ck_assert_ptr_nonnull(plan);
    uint64_t hash = weir_plan_hash(plan, NULL);
    weir_plan_free(plan);
    return hash;
}

TEST(the_hash_is_one_of_the_variables_in_any_order_but_not_of_secrets)
{
    static const weir_variable values[] = {
        {.name = "a", .text = "1"},
        {.name = "b", .text = "2"},
        {.name = "a", .text = "1"},
        {.name = "b", .text = "3"},
        {.name = "a", .text = "1", .secret = 1},
        {.name = "b", .text = "2", .secret = 1},
        {.name = "a", .text = "5", .secret = 1},
    };
    ck_assert_uint_eq(hash_with(values, 2), hash_with(values + 1, 2));
    ck_assert_uint_ne(hash_with(values, 2), hash_with(values + 2, 2));
    ck_assert_uint_eq(hash_with(values + 4, 2), hash_with(values + 5, 2));
}

TEST(variables_are_values_of_the_expressions)
{
    static const weir_variable values[] = {
        {.name = "text", .text = "a \"b\" | null \\(1)"},
        {.name = "json", .text = " [1, {\"k\": 1.10}] ", .json = 1},
        {.name = "unread", .text = ""},
    };
    weir_error error;
    weir_plan *plan = weir_plan_read(
        "where .a == $text | set .b = $json[1].k",
        WEIR_OPTIONS(weir_text_options, .variables = values, .variables_count = 3), &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert(weir_plan_reads_variable(plan, "text"));
    ck_assert(weir_plan_reads_variable(plan, "json"));
    ck_assert(!weir_plan_reads_variable(plan, "unread"));
    ck_assert(!weir_plan_reads_variable(plan, "unknown"));
    ck_assert_str_eq(weir_plan_text(plan), "where .a == $text | set .b = $json[1].k");
    weir_plan_free(plan);
}

TEST(a_wrong_variable_is_named_and_its_text_is_not_shown)
{
    static const struct {
        weir_variable value;
        const char *message;
    } wrong[] = {
        {{.name = "a", .text = "{\"a\": se}", .json = 1}, "the value $a: "},
        {{.name = "a", .text = "se\xff"}, "the value $a: it is not valid UTF-8, at byte 2"},
        {{.name = "1a", .text = "se"}, "the value $1a: this is not a name"},
        {{.name = "", .text = "se"}, "the value $: this is not a name"},
        {{.name = "twice", .text = "se"}, "the value $twice: this name is given twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_error error;
        char shown[300];
        const weir_variable values[] = {{.name = "twice", .text = "se"}, wrong[i].value};
        weir_text_options options = {.struct_size = sizeof options,
                                     .name = "x.weir",
                                     .variables = values,
                                     .variables_count = 2};
        weir_plan *plan = weir_plan_read("gen 1..3", &options, &error);
        MUST(plan == NULL);
        ck_assert_int_eq(error.code, WEIR_EINVAL);
        ck_assert_msg(strncmp(error.message, wrong[i].message, strlen(wrong[i].message)) == 0, "%s",
                      error.message);
        ck_assert_ptr_null(strstr(error.message, "se}"));
        (void)weir_plan_error_text("gen 1..3", &options, shown, sizeof shown);
        ck_assert_str_eq(shown, error.message);
    }
}

TEST(a_file_may_begin_with_options)
{
    static const char text[] = "# mine\n@state \"/var/lib/my weir\" # here\n\n@mem 64MiB\n gen "
                               "1..3 # numbers\n | head 2\n";
    weir_error error;
    weir_plan *plan =
        weir_plan_read(text, WEIR_OPTIONS(weir_text_options, .name = "x.weir"), &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert_str_eq(weir_plan_state_folder(plan), "/var/lib/my weir");
    ck_assert_int_eq(weir_plan_mem_bytes(plan), 64 << 20);
    ck_assert_str_eq(weir_plan_text(plan), "gen 1..3 | head 2");
    weir_plan_free(plan);
}

TEST(a_file_needs_no_options)
{
    weir_error error;
    weir_plan *plan =
        weir_plan_read("gen 1..3", WEIR_OPTIONS(weir_text_options, .name = "x.weir"), &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert_ptr_null(weir_plan_state_folder(plan));
    ck_assert_int_eq(weir_plan_mem_bytes(plan), 0);
    weir_plan_free(plan);
}

TEST(a_url_that_curl_would_expand_has_a_warning)
{
    static const struct {
        const char *text;
        bool warned;
    } urls[] = {
        {"http://h/{a,b}", true},  {"http://h/[1-3].txt", true}, {"http://h/?a={id}", false},
        {"http://[::1]/x", false}, {"http://h/a[0]", false},     {"http://h/", false},
        {"./f{a,b}[1-3]", false},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        weir_plan *plan = read_plan(urls[i].text);
        ck_assert_msg((weir_plan_warning(plan, 0) != NULL) == urls[i].warned, "%s", urls[i].text);
        ck_assert_ptr_null(weir_plan_warning(plan, 1));
        weir_plan_free(plan);
    }
}

/* Is the component in this example of it? */
static void check_example(const weir_component *component, const char *text)
{
    bool found = false;
    weir_plan *plan = read_plan(text);
    for (size_t j = 0; j < weir_plan_count(plan); j++) {
        found = found || weir_plan_part(plan, j) == component;
    }
    ck_assert_msg(found, "%s", text);
    weir_plan_free(plan);
}

SUITE_TEST(is_described, weir_component)
{
    const char *folder = getenv("WEIR_TEST_DATA"); /* the files that a check reads are there */
    ck_assert(folder == NULL || chdir(folder) == 0);
    ck_assert_uint_eq(kit->struct_size, sizeof *kit);
    ck_assert_ptr_nonnull(kit->help);
    ck_assert_ptr_nonnull(kit->example);
    check_example(kit, kit->example);
    for (const weir_example *more = kit->more_examples; more != NULL && more->text != NULL;
         more++) {
        check_example(kit, more->text);
    }
    for (size_t j = 0; j < kit->args_count; j++) {
        ck_assert_ptr_nonnull(kit->args[j].help);
    }
}

static const struct wr_suite_test descriptions[] = {{"is_described", is_described}, {NULL, NULL}};

__attribute__((constructor)) static void add_descriptions(void)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if (test_is_built(component)) {
            wr_suite_add(descriptions, component->name, component);
        }
    }
}

TEST(a_component_is_found_by_its_name_and_by_its_scheme)
{
    ck_assert_int_eq(weir_component_find("tcp", 0)->kind, WEIR_KIND_SOURCE);
    ck_assert_int_eq(weir_component_find("tcp", 1)->kind, WEIR_KIND_SINK);
    ck_assert_ptr_null(weir_component_find("tcp", 2));
    ck_assert_str_eq(weir_component_find("https", 0)->name, "http");
    ck_assert_ptr_null(weir_component_find("bach", 0));
    ck_assert_ptr_null(weir_component_at(100000));
}

TEST(help_has_all_examples)
{
    char text[1000] = "";
    (void)weir_component_help(weir_component_find("grep", 0), text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "  example  weir 'gen 1..20 | grep \"7\"'\n"
                                       "             7\n"
                                       "             17\n"
                                       "           weir 'gen 1..12 | grep -v 1'\n"
                                       "             2\n"));
}

TEST(help_tells_usage_arguments_and_example)
{
    char text[1000] = "";
    size_t len = weir_component_help(weir_component_find("batch", 0), text, sizeof text);
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_str_eq(text,
                     "batch N [SIZE] [within TIME]\n"
                     "  Groups of items; a group is passed on when it is full or its time limit "
                     "is reached.\n"
                     "  stage, takes text, gives batches\n"
                     "  N        count: items at most\n"
                     "  SIZE     size: bytes at most (default 1MiB)\n"
                     "  within   time: from the first item of a group (default 1s)\n"
                     "  example  weir 'gen 1..5 | batch 4 1MiB within 1s'\n"
                     "             1\n             2\n             3\n             4\n"
                     "             ...\n");
}

TEST(a_text_has_a_limit)
{
    size_t len = WR_PLAN_TEXT_BYTES_MAX;
    char *text = malloc(len + 2);
    weir_error error;
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', len + 1);
    memcpy(text, "head 3", 6);
    text[len + 1] = '\0';
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    MUST(plan == NULL);
    text[len] = '\0';
    plan = weir_plan_read(text, NULL, &error);
    free(text);
    ck_assert_ptr_nonnull(plan);
    weir_plan_free(plan);
}

MAIN("plan/read")
