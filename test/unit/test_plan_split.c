/*
 * test_plan_split.c - layer 1 of the pipeline text: the stages are found without knowing any stage.
 *
 * The table holds texts of the whole language, most of whose stages this version does not have:
 * they split right all the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "plan_text.h"
#include "support_check.h"

#define STAGES_MAX 8

static const struct sample {
    const char *text;
    const char *stages[STAGES_MAX];
} samples[] = {
    {"https://h/feed.ndjson", {"https://h/feed.ndjson"}},
    {"https://h/odata?$filter=a%20eq%201&x={id}&w=A_(b),c#frag | head 3",
     {"https://h/odata?$filter=a%20eq%201&x={id}&w=A_(b),c#frag", "head 3"}},
    {"https://h/f?q=a|b | head 3", {"https://h/f?q=a", "b", "head 3"}},
    {"http://[::1]:8080/feed.ndjson | where .level >= 4 and .host != \"a|b\" | batch 100 1MiB "
     "within 500ms | tcp tcp://[::1]:9",
     {"http://[::1]:8080/feed.ndjson", "where .level >= 4 and .host != \"a|b\"",
      "batch 100 1MiB within 500ms", "tcp tcp://[::1]:9"}},
    {"where .type == \"login\"", {"where .type == \"login\""}},
    {".items[] | select(.n > 1) | {user: .u.name, n}",
     {".items[]", "select(.n > 1)", "{user: .u.name, n}"}},
    {"/var/log/nginx/access.log | regex `\" (?<status>\\d{3}) ` | count by .status every 5s",
     {"/var/log/nginx/access.log", "regex `\" (?<status>\\d{3}) `", "count by .status every 5s"}},
    {"tail /var/log/*.log /srv/x.log from=end | where (.line | test(\"\\\\b5\\\\d\\\\d\\\\b\")) | "
     "stdout",
     {"tail /var/log/*.log /srv/x.log from=end", "where (.line | test(\"\\\\b5\\\\d\\\\d\\\\b\"))",
      "stdout"}},
    {"f.ndjson | where .msg | test(\"x\")", {"f.ndjson", "where .msg", "test(\"x\")"}},
    {"f.ndjson | where .type = \"x\"", {"f.ndjson", "where .type = \"x\""}},
    {"f.ndjson | where .type == x", {"f.ndjson", "where .type == x"}},
    {"f.ndjson | where .msg =~ \"\\d+\"", {"f.ndjson", "where .msg =~ \"\\d+\""}},
    {"f.ndjson | where .a // .b == 1 or not .c | fields .user .ip, .\"a-b\".c",
     {"f.ndjson", "where .a // .b == 1 or not .c", "fields .user .ip, .\"a-b\".c"}},
    {"- | json | set .ip = .meta.ip // \"?\" | text \"\\(.ip) \\(.user | ascii_downcase)\"",
     {"-", "json", "set .ip = .meta.ip // \"?\"", "text \"\\(.ip) \\(.user | ascii_downcase)\""}},
    {"merge { https://a/x,y | sse | .data } { tail /var/log/b.log } | sum .bytes by .host, .vhost "
     "every 1m",
     {"merge { https://a/x,y | sse | .data } { tail /var/log/b.log }",
      "sum .bytes by .host, .vhost every 1m"}},
    {"udp://:5514 | syslog | tee { where .severity <= 3 | file err.ndjson rotate=10MiB } { post "
     "http://h/hook?a=b queue=8MiB full=drop-oldest } | count every 10s",
     {"udp://:5514", "syslog",
      "tee { where .severity <= 3 | file err.ndjson rotate=10MiB } { post http://h/hook?a=b "
      "queue=8MiB full=drop-oldest }",
      "count every 10s"}},
    {"f.ndjson | route .kind == {a: 1}.a { file a.out } else { null }",
     {"f.ndjson", "route .kind == {a: 1}.a { file a.out } else { null }"}},
    {"pg \"select * from t where a = 'x' and b ~ 'p|q'\" fetch=5000 | csv header | rechunk 8KiB",
     {"pg \"select * from t where a = 'x' and b ~ 'p|q'\" fetch=5000", "csv header",
      "rechunk 8KiB"}},
    {"f.jsonl | par 4 ordered { exec \"./enrich.py --k=v | sort\" } | ./mystage.so 3",
     {"f.jsonl", "par 4 ordered { exec \"./enrich.py --k=v | sort\" }", "./mystage.so 3"}},
    {"f.ndjson | . / 2", {"f.ndjson", ". / 2"}},
    {"f.ndjson | ./2", {"f.ndjson", "./2"}},
    {"f.ndjson | file a=b.txt", {"f.ndjson", "file a=b.txt"}},
    {"f.ndjson | where .a on-error=stop | length | flatten | flatten(1) | jq `reduce .[] as $x (0; "
     ". + $x)`",
     {"f.ndjson", "where .a on-error=stop", "length", "flatten", "flatten(1)",
      "jq `reduce .[] as $x (0; . + $x)`"}},
    {"https://h/f   # the feed\n  | json      # a \"comment | with a pipe\n  | head 10",
     {"https://h/f", "json", "head 10"}},
    {"f.ndjson | where .a == 1 == 2", {"f.ndjson", "where .a == 1 == 2"}},
    {"f.ndjson | batch 100 1s", {"f.ndjson", "batch 100 1s"}},
    {"tail app.log | regex \"\\\" (?<status>\\d{3}) \" | count by .status every 5s",
     {"tail app.log", "regex \"\\\" (?<status>\\d{3}) \"", "count by .status every 5s"}},
    {"merge(http://a/x, http://b/y) | head 3", {"merge(http://a/x, http://b/y)", "head 3"}},
    {"gen 1..10 | ./mystage.so", {"gen 1..10", "./mystage.so"}},
    {"https://h/items.json | json items .data.rows | explode .tags | map .name | where "
     "startswith(\"a\")",
     {"https://h/items.json", "json items .data.rows", "explode .tags", "map .name",
      "where startswith(\"a\")"}},
    {"f.ndjson | where .ids[0] > 3 and (.tags | length) < 2 | del .secret, .u.pw | throttle 50/s | "
     "null",
     {"f.ndjson", "where .ids[0] > 3 and (.tags | length) < 2", "del .secret, .u.pw",
      "throttle 50/s", "null"}},
    {"a |# comment\n b", {"a", "b"}},
    {"a#b | c # d | e", {"a#b", "c"}},
    {"a '\\' | b `\\` | c", {"a '\\'", "b `\\`", "c"}},
    {"a \"\\\"|\" | b", {"a \"\\\"|\"", "b"}},
    {"a \"\\(f(\"|\") | g)|\" | b", {"a \"\\(f(\"|\") | g)|\"", "b"}},
    {"a {b # }\n} | c", {"a {b    \n}", "c"}},
    {"\n a\n|\tb\r\n", {"a", "b"}},
};

#define SAMPLES_COUNT (sizeof samples / sizeof samples[0])

static int split(const char *text, char *clean, struct wr_plan_span *spans, size_t *count,
                 struct wr_plan_error *error)
{
    memset(error, 0, sizeof *error);
    strcpy(clean, text);
    return wr_plan_split(clean, (struct wr_plan_span){0, strlen(text)}, spans, count, error);
}

TEST(a_text_splits_into_its_stages)
{
    for (const struct sample *sample = samples; sample < samples + SAMPLES_COUNT; sample++) {
        static struct wr_plan_span spans[WR_PLAN_STAGES_MAX];
        static char clean[1000];
        struct wr_plan_error error;
        size_t count;

        ck_assert_int_eq(split(sample->text, clean, spans, &count, &error), 0);

        for (size_t i = 0; i < count; i++) {
            ck_assert_msg(sample->stages[i] != NULL, "one stage too many: %s", sample->text);
            ck_assert_uint_eq(spans[i].len, strlen(sample->stages[i]));
            ck_assert_mem_eq(clean + spans[i].at, sample->stages[i], spans[i].len);
        }
        ck_assert_msg(sample->stages[count] == NULL, "a stage is missing: %s", sample->text);
    }
}

/* The shape of a text without knowing a name: stages joined by '|', the stages of blocks in brackets
 * behind the one that they belong to. */
static void print_shape(char *clean, struct wr_plan_span text, struct wr_print *out)
{
    struct wr_plan_span spans[16];
    struct wr_plan_error error = {.code = 0};
    size_t count;
    struct wr_plan_span *all = calloc(WR_PLAN_STAGES_MAX, sizeof *all);
    ck_assert_ptr_nonnull(all);
    ck_assert_int_eq(wr_plan_split(clean, text, all, &count, &error), 0);
    ck_assert_uint_le(count, 16);
    memcpy(spans, all, count * sizeof *all);
    free(all);
    for (size_t i = 0; i < count; i++) {
        size_t end = spans[i].at + spans[i].len;
        size_t name = strcspn(clean + spans[i].at, " {");
        wr_print_bytes(out, "|", i > 0 ? 1 : 0);
        wr_print_bytes(out, clean + spans[i].at, WR_MIN(name, spans[i].len));
        for (size_t at = spans[i].at + 1; at < end; at++) {
            struct wr_plan_span inside;
            bool block = wr_plan_block_at(clean, at, end, &inside);
            if (block) {
                wr_printf(out, "[");
                print_shape(clean, inside, out);
                wr_printf(out, "]");
            }
            if (strchr("\"`'([{", clean[at]) != NULL) {
                at = wr_plan_skip(clean, at, end) - 1;
            }
        }
    }
}

TEST(the_stages_of_blocks_are_found_without_names)
{
    static const char *const texts[][2] = {
        {"merge { https://a/x,y | sse | .text } { tail /var/log/b.log } | sum .bytes by .host",
         "merge[https://a/x,y|sse|.text][tail]|sum"},
        {"udp://:5514 | syslog | tee { where .severity <= 3 | file err.ndjson rotate=10MiB } { "
         "queue "
         "8MiB full=drop-oldest | post http://h/hook?a=b } | count every 10s",
         "udp://:5514|syslog|tee[where|file][queue|post]|count"},
        {"f.ndjson | route .kind == {a: 1}.a { file a.out } else { null }",
         "f.ndjson|route[file][null]"},
        {"f.jsonl | par 4 ordered { exec \"./enrich.py --k=v | sort\" } | ./mystage.so 3",
         "f.jsonl|par[exec]|./mystage.so"},
        {"a{b{c|d}|e}{f}", "a[b[c|d]|e][f]"},
        {"a { b # }\n | c } | d", "a[b|c]|d"},
        {"a \"{b}\" `{c}` ({d}) [{e}] {f}.g {h}", "a[h]"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char clean[400];
        char got[400];
        struct wr_print out;
        strcpy(clean, texts[i][0]);
        wr_print_to(&out, got, sizeof got);
        print_shape(clean, (struct wr_plan_span){0, strlen(clean)}, &out);
        ck_assert_str_eq(got, texts[i][1]);
    }
}

static const struct mistake {
    const char *text, *message;
    size_t at;
} mistakes[] = {
    {"a \"b", "\" is not closed", 2},
    {"a `b", "` is not closed", 2},
    {"a 'b\"", "' is not closed", 2},
    {"a (b [c]", "( is not closed", 2},
    {"a b)", ") has no opening bracket", 3},
    {"a (b]", "] has no opening bracket", 4},
    {"a \"\\(b\"", "\" is not closed", 6},
    {"a || b", "an empty stage: two | in a row, or a | at the start or end", 3},
    {"a | # b", "an empty stage: two | in a row, or a | at the start or end", 2},
    {"| a", "an empty stage: two | in a row, or a | at the start or end", 0},
    {"a \"\\", "\" is not closed", 2},
};

TEST(a_broken_shape_is_told_with_its_place)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        static struct wr_plan_span spans[WR_PLAN_STAGES_MAX];
        static char clean[1000];
        struct wr_plan_error error;
        size_t count;

        ck_assert_int_eq(split(mistakes[i].text, clean, spans, &count, &error), WEIR_EPARSE);

        ck_assert_str_eq(error.message, mistakes[i].message);
        ck_assert_uint_eq(error.where.at, mistakes[i].at);
    }
}

TEST(brackets_nest_to_a_limit)
{
    static struct wr_plan_span spans[WR_PLAN_STAGES_MAX];
    static char text[2 * WR_PLAN_DEPTH_MAX + 3];
    static char clean[sizeof text];
    struct wr_plan_error error;
    size_t count;
    size_t depth = WR_PLAN_DEPTH_MAX;

    memset(text, '(', depth);
    memset(text + depth, ')', depth);
    ck_assert_int_eq(split(text, clean, spans, &count, &error), 0);
    depth++;
    memset(text, '(', depth);
    memset(text + depth, ')', depth);
    ck_assert_int_eq(split(text, clean, spans, &count, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.message, "( is nested too deep");
}

TEST(the_number_of_stages_has_a_limit)
{
    static struct wr_plan_span spans[WR_PLAN_STAGES_MAX];
    static char text[2 * WR_PLAN_STAGES_MAX + 2];
    static char clean[sizeof text];
    struct wr_plan_error error;
    size_t count;

    for (size_t i = 0; i < WR_PLAN_STAGES_MAX; i++) {
        memcpy(text + 2 * i, "a|", 2);
    }
    text[2 * WR_PLAN_STAGES_MAX - 1] = '\0';
    ck_assert_int_eq(split(text, clean, spans, &count, &error), 0);
    ck_assert_uint_eq(count, WR_PLAN_STAGES_MAX);
    memcpy(text + 2 * WR_PLAN_STAGES_MAX - 1, "|a", 3);
    ck_assert_int_eq(split(text, clean, spans, &count, &error), WEIR_EPARSE);
}

MAIN("plan/split")
