/*
 * test_plan_tree.c - the language beyond the components that there are: blocks, expressions, lists
 * of fields, insertion of converters, by the descriptors of support_language.h.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "plan_text.h"
#include "support_check.h"
#include "support_language.h"
#include "support_names.h"

static weir_plan *read_plan(const char *text)
{
    weir_error error;
    ck_assert(wr_language_add());
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    return plan;
}

/* ---- a tree as text: (NAME ARG=value ...) with + before what the plan has inserted */

static void print_chain(struct wr_print *out, const struct weir_chain *chain);

static void print_arg(struct wr_print *out, const struct wr_plan_step *step, size_t index)
{
    const weir_arg *arg = wr_plan_arg(step->component, index);
    const void *field = wr_plan_field(step, index);
    size_t count;
    struct weir_chain *const *chains = wr_plan_chains(step, index, &count);
    bool list = (arg->flags & WEIR_ARG_REPEATS) != 0 || arg->type == WEIR_ARGTYPE_FIELDS;
    wr_printf(out, " %s=", arg->name);
    for (size_t i = 0; i < count; i++) {
        wr_printf(out, "{");
        print_chain(out, chains[i]);
        wr_printf(out, "}");
    }
    if (arg->type == WEIR_ARGTYPE_CHAIN) {
        return;
    }
    if (list) {
        const weir_texts *texts = field;
        for (size_t i = 0; i < texts->count; i++) {
            wr_printf(out, "%s%s", i > 0 ? ";" : "", texts->list[i]);
        }
    } else if (arg->type >= WEIR_ARGTYPE_TEXT) {
        wr_printf(out, "%s", *(const char *const *)field);
    } else if (arg->type == WEIR_ARGTYPE_FLAG) {
        wr_printf(out, "%s", *(const bool *)field ? "yes" : "no");
    } else if (arg->type == WEIR_ARGTYPE_CHOICE) {
        wr_printf(out, "%s", arg->choices[*(const int32_t *)field]);
    } else {
        wr_printf(out, "%lld", (long long)*(const int64_t *)field);
    }
}

static void print_chain(struct wr_print *out, const struct weir_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        wr_printf(out, "%s(%s%s", i > 0 ? " " : "", step->implied ? "+" : "",
                  step->component->name);
        for (size_t j = 0; j < wr_plan_args_count(step->component); j++) {
            if (step->arg_spans[j].len > 0) {
                print_arg(out, step, j);
            }
        }
        wr_printf(out, ")");
    }
}

static void check_tree(const char *text, const char *expected)
{
    char got[1000];
    struct wr_print out;
    weir_plan *plan = read_plan(text);
    wr_print_to(&out, got, sizeof got);
    print_chain(&out, &plan->root);
    ck_assert_str_eq(got, expected);
    weir_plan_free(plan);
}

/* The examples of the grammar that are read, in its order. */
static const char *const examples[][2] = {
    {"https://h/feed.ndjson", "(http URL=https://h/feed.ndjson)"},
    {"https://h/odata?$filter=a%20eq%201&x={id}&w=A_(b),c#frag | head 3",
     "(http URL=https://h/odata?$filter=a%20eq%201&x={id}&w=A_(b),c#frag) (head N=3)"},
    {"http://[::1]:8080/feed.ndjson | where .level >= 4 and .host != \"a|b\" | batch 100 1MiB "
     "within 500ms | tcp tcp://[::1]:9",
     "(http URL=http://[::1]:8080/feed.ndjson) (+auto) (where EXPR=.level >= 4 and .host != "
     "\"a|b\") (batch N=100 SIZE=1048576 within=500) (tcp HOST:PORT=tcp://[::1]:9)"},
    {"where .type == \"login\"", "(+auto) (where EXPR=.type == \"login\")"},
    {".items[] | select(.n > 1) | {user: .u.name, n}",
     "(+auto) (map EXPR=.items[]) (where EXPR=(.n > 1)) (map EXPR={user: .u.name, n})"},
    {"/var/log/nginx/access.log | regex `\" (?<status>\\d{3}) ` | count by .status every 5s",
     "(file PATH=/var/log/nginx/access.log) (regex PATTERN=\" (?<status>\\d{3}) ) (count "
     "by=.status "
     "every=5000)"},
    {"tail /var/log/*.log /srv/x.log from=end | where (.line | test(\"\\\\b5\\\\d\\\\d\\\\b\")) | "
     "stdout",
     "(tail PATH=/var/log/*.log;/srv/x.log from=end) (+auto) (where EXPR=(.line | "
     "test(\"\\\\b5\\\\d\\\\d\\\\b\"))) (stdout)"},
    {"f.ndjson | where .a // .b == 1 or not .c | fields .user .ip, .\"a-b\".c",
     "(file PATH=f.ndjson) (+auto) (where EXPR=.a // .b == 1 or not .c) (fields "
     "FIELDS=.user;.ip;.\"a-b\".c)"},
    {"- | json | set .ip = .meta.ip // \"?\" | text \"\\(.ip) \\(.user | ascii_downcase)\"",
     "(stdin) (json) (set EXPR=.ip = .meta.ip // \"?\") (text FORMAT=\"\\(.ip) \\(.user | "
     "ascii_downcase)\")"},
    {"merge { https://a/x,y | sse | .text } { tail /var/log/b.log } | sum .bytes by .host, .vhost "
     "every 1m",
     "(merge PIPELINE={(http URL=https://a/x,y) (sse) (map EXPR=.text)}{(tail "
     "PATH=/var/log/b.log) (+auto)}) (+json) (sum EXPR=.bytes by=.host;.vhost every=60000)"},
    {"udp://:5514 | syslog | tee { where .severity <= 3 | file err.ndjson } { queue "
     "8MiB full=drop-oldest | post http://h/hook?a=b } | count every 10s",
     "(udp HOST:PORT=udp://:5514) (syslog) (tee PIPELINE={(where EXPR=.severity <= 3) (file "
     "PATH=err.ndjson)}{(queue SIZE=8388608 full=drop-oldest) (post URL=http://h/hook?a=b)}) "
     "(count every=10000)"},
    {"f.ndjson | route .kind == {a: 1}.a { file a.out } else { null }",
     "(file PATH=f.ndjson) (+auto) (+json) (route EXPR=.kind == {a: 1}.a PIPELINE={(file "
     "PATH=a.out)} "
     "else={(null)})"},
    {"pg \"select * from t where a = 'x' and b ~ 'p|q'\" fetch=5000 | csv header | rechunk 8KiB",
     "(pg QUERY=select * from t where a = 'x' and b ~ 'p|q' fetch=5000) (csv header=yes) (rechunk "
     "SIZE=8192)"},
    {"f.ndjson | where if .a then .b else .c end | (.a as $x | $x)",
     "(file PATH=f.ndjson) (+auto) (where EXPR=if .a then .b else .c end) (map EXPR=(.a as $x | "
     "$x))"},
    {"f.jsonl | par 4 ordered { exec \"./enrich.py --k=v | sort\" }",
     "(file PATH=f.jsonl) (par N=4 ordered=yes PIPELINE={(exec TEXT=./enrich.py --k=v | sort)})"},
    {"f.ndjson | . / 2", "(file PATH=f.ndjson) (+auto) (map EXPR=. / 2)"},
    {"keys[] | length>3 | keys,length | to_entries[0]",
     "(+auto) (map EXPR=keys[]) (map EXPR=length>3) (map EXPR=keys,length) (map "
     "EXPR=to_entries[0])"},
    {"f.ndjson | where .a on-error=stop | length | flatten | flatten(1) | jq `reduce .[] as $x (0; "
     ". + $x)`",
     "(file PATH=f.ndjson) (+auto) (where EXPR=.a on-error=stop) (map EXPR=length) (flatten) (map "
     "EXPR=flatten(1)) (jq TEXT=reduce .[] as $x (0; . + $x))"},
    {"https://h/f   # the feed\n  | json      # a \"comment | with a pipe\n  | head 10",
     "(http URL=https://h/f) (json) (head N=10)"},
    {"https://h/items.json | json items .data.rows | explode .tags | map .name | where "
     "startswith(\"a\")",
     "(http URL=https://h/items.json) (json items=.data.rows) (explode PATH=.tags) (map "
     "EXPR=.name) (where EXPR=startswith(\"a\"))"},
    {"f.ndjson | where .ids[0] > 3 and (.tags | length) < 2 | del .secret, .u.pw | throttle 50/s | "
     "null",
     "(file PATH=f.ndjson) (+auto) (where EXPR=.ids[0] > 3 and (.tags | length) < 2) (del "
     "FIELDS=.secret;.u.pw) (throttle RATE=50) (null)"},
};

TEST(the_examples_of_the_grammar_are_read)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        check_tree(examples[i][0], examples[i][1]);
    }
}

TEST(a_text_with_blocks_is_normalised_and_reads_again)
{
    static const char *const texts[][2] = {
        {"merge{gen 1..2|head  1}  {gen 3..4 # x\n}|null",
         "merge { gen 1..2 | head 1 } { gen 3..4 } | null"},
        {"gen 1..3 | through {through { head 1 }}", "gen 1..3 | through { through { head 1 } }"},
        {"gen 1..3 | where  .a  ==  {a:  1}.a", "gen 1..3 | where .a == {a:  1}.a"},
        {"pg  'select  1' password=\"a b\" | null", "pg 'select  1' password=*** | null"},
        {"gen 1..3 | tee {post http://u:pw@h/?key=x}",
         "gen 1..3 | tee { post http://u:***@h/?key=*** }"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        weir_plan *plan = read_plan(texts[i][0]);
        ck_assert_str_eq(weir_plan_text(plan), texts[i][1]);
        weir_plan *again = read_plan(weir_plan_text(plan));
        ck_assert_str_eq(weir_plan_text(again), texts[i][1]);
        weir_plan_free(plan);
        weir_plan_free(again);
    }
}

TEST(the_parts_of_blocks_stand_behind_their_component)
{
    static const struct {
        const char *name, *text;
        size_t depth;
    } parts[] = {{"merge", "merge { gen 1..2 | head 1 } { tail x }", 0},
                 {"gen", "gen 1..2", 1},
                 {"head", "head 1", 1},
                 {"tail", "tail x", 1},
                 {"null", "null", 0}};
    weir_plan *plan = read_plan("merge { gen 1..2 | head 1 } { tail x } | null");
    ck_assert_uint_eq(weir_plan_count(plan), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(weir_plan_part(plan, i)->name, parts[i].name);
        ck_assert_str_eq(weir_plan_part_text(plan, i), parts[i].text);
        ck_assert_uint_eq(weir_plan_part_depth(plan, i), parts[i].depth);
    }
    ck_assert_str_eq(weir_plan_source(plan), "merge");
    ck_assert(weir_plan_has_sink(plan));
    weir_plan_free(plan);
}

/* What a plan with these components gives. */
static void check_gives(const char *text, const char *expected)
{
    char got[200];
    struct wr_print out;
    weir_error error;
    weir_item item;
    weir_gen *gen;
    weir_plan *plan = read_plan(text);
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_print_to(&out, got, sizeof got);
    ck_assert_int_eq(weir_plan_open(plan, weir_root(loop), NULL, &gen, NULL, &error), 0);
    weir_plan_free(plan);
    while (weir_next(gen, &item)) {
        wr_printf(&out, "%.*s|", (int)item.len, item.data);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    ck_assert_str_eq(got, expected);
}

TEST(blocks_are_opened_by_their_component)
{
    check_gives("merge { gen 1..2 } { gen 5.. | head 1 }", "1|5|2|");
    check_gives("gen 1..9 | through { skip 2 | head 3 } | skip 1", "4|5|");
    check_gives("gen 1..9 | through { through { through { head 2 } } }", "1|2|");
    check_gives("merge { merge { gen 1..1 } } | grep 1", "1|");
}

TEST(an_inserted_component_is_opened_and_is_no_part)
{
    weir_plan *plan = read_plan("gen 1..3 | sum .x");
    ck_assert_uint_eq(weir_plan_count(plan), 2);
    ck_assert_uint_eq(plan->root.count, 3);
    ck_assert_str_eq(weir_plan_text(plan), "gen 1..3 | sum .x");
    weir_plan_free(plan);
    check_gives("gen 1..3 | sum .x", "1|2|3|");
}

/* The long form of each mistake: message, carets, hint. */
static const struct mistake {
    const char *text, *message, *carets;
} mistakes[] = {
    {"gen 1.. | where .msg | test(\"x\")", "where ends at the |",
     "                       ^^^^^^^^^ write: where (.msg | test(\"x\"))"},
    {"gen 1.. | where .type = \"x\"", "where: '=' assigns in jq; to compare write '=='",
     "                      ^"},
    {"gen 1.. | where .type == x", "where: 'x' is not a value",
     "                         ^ write \"x\" (did the shell remove the quotes?)"},
    {"gen 1.. | where .msg =~ \"\\d+\"", "\\d: unknown escape, as in JSON",
     "                         ^^ for a regex write `...` or double the \\"},
    {"gen 1.. | where .a == 1 == 2",
     "where: '==' is not allowed here: comparisons cannot be chained (as in jq)",
     "                        ^^"},
    {"gen 1.. | regex \"\\\" (?<status>\\d{3}) \"", "\\d: unknown escape, as in JSON",
     "                              ^^ for a regex write `...` or double the \\"},
    {"merge(http://a/x, http://b/y) | head 3",
     "merge: write the arguments after the name, without brackets",
     "^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ as in gen 1..3"},
    {"gen 1.. | f(http://a)", "map: 'http' is not a value",
     "            ^^^^ write \"http\" (did the shell remove the quotes?)"},
    {"gen 1.. | where", "where: the expression is missing",
     "               ^ as in gen 1..20 | where . > 18"},
    {"gen 1.. | where .a .b", "where: unexpected argument '.b'", "                   ^^"},
    {"gen 1.. | where .a and", "where: an expression is missing", "                      ^"},
    {"gen 1.. | where (.a", "( is not closed", "                ^"},
    {"gen 1.. | where (.a ]", "] has no opening bracket",
     "                    ^ the ( before it is open and needs )"},
    {"gen 1.. | where (.a b)", "where: 'b' is not allowed here",
     "                    ^ is a comma or an operator missing before it?"},
    {"gen 1.. | where ()", "where: an expression is missing", "                ^"},
    {"gen 1.. | where .a | = 3", "unknown stage '='", "                     ^ " WR_NAMES},
    {"gen 1.. | set .a", "set: an = is missing",
     "                ^ as in gen 1..2 | {a: .} | set .b = .a * 10"},
    {"gen 1.. | set .a == 1", "set: an = is missing",
     "                     ^ as in gen 1..2 | {a: .} | set .b = .a * 10"},
    {"gen 1.. | fields a", "fields: a field is missing: a field begins with a dot, as in .user",
     "                 ^ write .a"},
    {"gen 1.. | fields name,age",
     "fields: a field is missing: a field begins with a dot, as in .user",
     "                 ^^^^ write .name"},
    {"gen 1.. | fields", "fields: the list of fields is missing",
     "                ^ as in gen 1..2 | {a: ., b: {c: ., d: 0}} | fields .a, .b.c"},
    {"gen 1.. | where .a on-error=stopp", "where: 'stopp' is not a value of 'on-error'",
     "                            ^^^^^ did you mean 'stop'?"},
    {"gen 1.. | where .a onerror=stop", "where has no argument 'onerror'",
     "                   ^^^^^^^ did you mean 'on-error'?"},
    {"gen 1.. | head 3 on-error=skip", "head has no argument 'on-error'",
     "                 ^^^^^^^^ if this is a value, quote it"},
    {"gen 1.. | text \"a\\d\"", "\\d: unknown escape, as in JSON",
     "                 ^^ for a regex write `...` or double the \\"},
    {"merge { head 3 }", "this chain must begin with a source", "        ^^^^"},
    {"merge { gen 1..2 | null }",
     "'null' is a sink, but the component before the { } reads this chain",
     "                   ^^^^"},
    {"merge", "merge: the block is missing", "     ^ as in gen 1..3"},
    {"merge { }", "merge: the block is empty", "      ^^^"},
    {"merge {}", "merge: the block is empty", "      ^^"},
    {"merge { gen 1..2 | }", "an empty stage: two | in a row, or a | at the start or end",
     "                 ^"},
    {"gen 1.. | otherwise { head 1 }", "otherwise: unexpected argument '{ head 1 }'",
     "                    ^^^^^^^^^^ write 'else { ... }'"},
    {"gen 1.. | batch 2 | batch 2", "batch after batch: 'batch' needs text, 'batch' gives batches",
     "                    ^^^^^"},
    {"merge { gen 1.. | bach } | head 3", "unknown stage 'bach'",
     "                  ^^^^ did you mean 'batch'?"},
    {"gen 1.. | tee { head 3 }", "this chain must end with a sink", "                ^^^^"},
    {"gen 1.. | tee { gen 1..2 | null }",
     "'gen' is a source, but this chain gets its items from outside", "                ^^^"},
    {"gen 1.. | par 2 { null }",
     "'null' is a sink, but the component before the { } reads this chain",
     "                  ^^^^"},
    {"gen 1.. | par 2 { head 1 } { head 2 }", "par: unexpected argument '{ head 2 }'",
     "                           ^^^^^^^^^^"},
    {"gen 1.. | par { head 1 }", "par: the count is missing",
     "                        ^ as in gen 1..3"},
    {"gen 1.. | route .a { null } else { null } else { null }", "route: 'else' is given twice",
     "                                          ^^^^"},
    {"gen 1.. | route .a { null } else", "route: 'else' needs a block",
     "                            ^^^^ as in gen 1..3"},
    {"gen 1.. | through { batch 2 } | grep x",
     "grep after through: 'grep' needs text, 'through' gives batches",
     "                                ^^^^ put 'grep' before 'through'"},
    {"gen 1.. | through { ./f }", "a file can be read only at the start",
     "                    ^^^ to write it: file ./f"},
    {"gen 1.. | through { - }", "a source must be first",
     "                    ^ to write to standard output, omit the sink"},
    {"gen 1.. | batch 2 | sum .a",
     "sum after batch: 'sum' needs json or events, 'batch' gives batches",
     "                    ^^^ put 'sum' before 'batch'"},
    {"gen 1.. | count every 1s every 2s", "count: 'every' is given twice",
     "                               ^^"},
    {"gen 1.. | where by", "where: 'by' is not a value",
     "                ^^ write \"by\" (did the shell remove the quotes?)"},
    {"gen 1.. | throttle 50", "throttle: '50' is not a valid rate",
     "                   ^^ for example 50/s or 1MiB/s"},
    {"gen 1.. | udp :0", "udp: ':0' is not a valid address",
     "              ^^ write HOST:PORT, as in gen 1..3 | udp 127.0.0.1:5514"},
    {"gen 1.. | where reduce .a as $x (0; . + $x)",
     "where: 'reduce' is allowed in jq programs, not in expressions",
     "                ^^^^^^ write jq `PROGRAM`: it has the whole language of jq"},
    {"gen 1.. | where if .a then .b", "where: an 'end' is missing, as in if .a then .b else .c end",
     "                             ^"},
    {"gen 1.. | where .a as $x", "where: 'as' needs brackets",
     "                   ^^ write (.a as $x | ...)"},
    {"gen 1.. | turn up down", "turn: unexpected argument 'down'",
     "                  ^^^^ WAY is given already"},
    {"gen 1.. | turn up fast", "turn: unexpected argument 'fast'",
     "                  ^^^^ write 'pace fast'"},
    {"gen 1.. | slect .a", "unknown stage 'slect'", "          ^^^^^ did you mean 'select'?"},
    {"gen 1.. | where .a & .b", "where: unexpected argument '&'",
     "                   ^ write 'and'"},
    {"gen 1.. | where .a && .b", "where: unexpected argument '&&'",
     "                   ^^ write 'and'"},
    {"gen 1.. | where .a || .b", "an empty stage: two | in a row, or a | at the start or end",
     "                    ^ in an expression, write 'or'"},
    {"gen 1.. | where !.a", "where: '!' is not allowed here", "                ^ write 'not'"},
    {"gen 1.. | where .a <> 1", "where: '>' is not allowed here",
     "                    ^ write '!='"},
    {"gen 1.. | where a == 1", "where: 'a' is not a value",
     "                ^ write .a for a field, \"a\" for a text"},
    {"gen 1.. | where .a is null", "where: unexpected argument 'is'",
     "                   ^^ write '=='"},
    {"gen 1.. | where .a like \"x\"", "where: unexpected argument 'like'",
     "                   ^^^^ write '=~'"},
    {"gen 1.. | where .a =~ /x/", "where: '/' is not allowed here",
     "                      ^ a pattern is written `...`"},
    {"gen 1.. | where .a contains \"x\"", "where: unexpected argument 'contains'",
     "                   ^^^^^^^^ write (.a | contains(...))"},
    {"gen 1.. | where length(.a) > 3", "where: 'length' takes another number of arguments",
     "                ^^^^^^ write (... | length)"},
    {"gen 1.. | set a = 1", "set: 'a' is not a value",
     "              ^ write .a for a field, \"a\" for a text"},
    {"gen 1.. | [.a .b]", "map: '.' is not allowed here",
     "              ^ is a comma or an operator missing before it?"},
    {"gen 1.. | sub(\"a\", \"b\")", "map: 'sub' takes another number of arguments",
     "          ^^^ write ; between arguments"},
    {"gen 1.. | foo(1)", "map: there is no function 'foo'", "          ^^^"},
    {"gen 1.. | tostrin", "unknown stage 'tostrin'", "          ^^^^^^^ did you mean 'tostring'?"},
    {"gen 1.. | spilt(1)", "map: there is no function 'spilt'",
     "          ^^^^^ did you mean 'split'?"},
    {"gen 1.. | head -n 3", "head: '-n' is not a valid count",
     "               ^^ without a dash, as in gen 1.. | head 3"},
    {"gen 1.. | head -3", "head: '-3' is not a valid count",
     "               ^^ without a dash, as in gen 1.. | head 3"},
    {"gen 1.. | > out.txt", "unknown stage '>'", "          ^ to write a file: file PATH"},
    {"gen 1.. | if .a then .b", "map: an 'end' is missing, as in if .a then .b else .c end",
     "                       ^"},
    {"gen 1.. | reduce .[] as $x (0; . + $x)",
     "map: 'reduce' is allowed in jq programs, not in expressions",
     "          ^^^^^^ write jq `PROGRAM`: it has the whole language of jq"},
    {"gen 1.. | def f: .a", "map: 'def' is allowed in jq programs, not in expressions",
     "          ^^^ write jq `PROGRAM`: it has the whole language of jq"},
    {"gen 1.. | csv --header", "csv: unexpected argument '--header'",
     "              ^^^^^^^^ write 'header'"},
    {"gen 1.. | flatten sep", "flatten: unexpected argument 'sep'",
     "                  ^^^ write 'sep=...'"},
    {"gen 1.. | .a as $x | $x", "map: 'as' needs brackets",
     "             ^^ write (.a as $x | ...)"},
    {"gen 1.. | rename .a .b", "rename: an = is missing",
     "                    ^ as in gen 1..2 | {a: .} | rename .b.c = .a"},
    {"gen 1.. | .price |= tonumber | .b", "map: '|=' assigns in jq",
     "                 ^^ to assign: set .price |= tonumber"},
    {"gen 1.. | set .a |= 1, .b |= 2", "set: unexpected argument '|='",
     "                          ^^ one assignment each: set .a = 1 | set .b = 2"},
    {"gen 1.. | rename k,z", "rename: 'k' is not a value",
     "                 ^ write .k for a field, \"k\" for a text"},
    {"gen 1.. | .a.b.0", "map: unexpected argument '.0'",
     "              ^^ an element of an array is [0]"},
    {"gen 1.. | where .a !~ \"x\"", "where: unexpected argument '!~'",
     "                   ^^ write not .a =~ ..."},
    {"gen 1.. | where .a | IN(1, 2)", "where ends at the |",
     "                     ^^^^^^^^ write: where (.a | IN(1, 2))"},
    {"gen 1.. | INDEX(.a)", "map: there is no function 'INDEX'",
     "          ^^^^^ write jq `PROGRAM`: it has the whole language of jq"},
    {"gen 1.. | input_line_number", "map: 'input_line_number' is not a function of expressions",
     "          ^^^^^^^^^^^^^^^^^ -J writes the number of each item"},
    {"gen 1.. | grep -o foo", "grep: unexpected argument 'foo'",
     "                  ^^^ grep has no option '-o', and takes it as the TEXT"},
    {"gen 1.. | grep -vo foo", "grep: unexpected argument 'foo'",
     "                   ^^^ grep has no option '-vo', and takes it as the TEXT"},
    {"gen 1.. | where .took > 100ms", "where: '100ms' is not a number",
     "                        ^^^^^ a number has no unit: write 0.1 (seconds); for texts such as "
     "\"100ms\" write (.a | seconds) > 0.1"},
    {"gen 1.. | where (.size > 10MiB)", "where: '10MiB' is not a number",
     "                         ^^^^^ a number has no unit: write 10485760 (bytes)"},
    {"gen 1.. | where .a == 0x10", "where: '0x10' is not a number",
     "                      ^^^^ write 16"},
    {"gen 1.. | where .a > 1_000.5", "where: unexpected argument '_000.5'",
     "                      ^^^^^^"},
    {"gen 1.. | where .a > 1_000", "where: '1_000' is not a number",
     "                     ^^^^^ write 1000"},
    {"gen 1.. | where .a += 1", "where: '+=' assigns in jq",
     "                   ^^ to assign: set .a += 1"},
    {"gen 1.. | batch 100 within 5mins", "batch: '5mins' is not a valid time",
     "                           ^^^^^ write '5m'"},
    {"gen 1.. | batch 100 within 5 min", "batch: '5' is not a valid time",
     "                           ^ write '5m'"},
    {"gen 1.. | batch 100 10megs", "batch: unexpected argument '10megs'",
     "                    ^^^^^^ write '10MiB'"},
    {"gen 1.. | batch 100 5sec", "batch: unexpected argument '5sec'",
     "                    ^^^^ write 'within 5s'"},
    /* The examples of the grammar that are mistakes, besides those above. */
    {"https://h/f?q=a|b | head 3", "unknown stage 'b'", "                ^ " WR_NAMES},
    {"f.ndjson | ./2", "a file can be read only at the start",
     "           ^^^ to divide write . / 2"},
    {"f.ndjson | file a=b.txt", "file has no argument 'a'",
     "                ^ if this is a value, quote it"},
    {"f.ndjson | batch 100 1s", "batch: unexpected argument '1s'",
     "                     ^^ write 'within 1s'"},
    {"tail app.log | regex \"\\\" (?<status>\\d{3}) \" | count by .status every 5s",
     "\\d: unknown escape, as in JSON",
     "                                   ^^ for a regex write `...` or double the \\"},
    {"pg 'select 1' password=****** fetch=x", "pg: 'x' is not a valid count",
     "                                    ^ for example 1000"},
};

TEST(a_mistake_in_a_tree_is_told_with_carets_and_a_hint)
{
    ck_assert(wr_language_add());
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        char got[1600];
        char expected[1600];
        struct wr_print out;
        wr_print_to(&out, expected, sizeof expected);
        wr_printf(&out, "%s\n  %s\n  ", mistakes[i].message, mistakes[i].text);
        wr_expected_print(&out, mistakes[i].carets);
        char text[200];
        strcpy(text, mistakes[i].text);
        if (strchr(text, '*') != NULL) {
            memcpy(strchr(text, '*'), "hunter", 6); /* it is shown as stars */
        }
        (void)weir_plan_error_text(text, NULL, got, sizeof got);
        ck_assert_str_eq(got, expected);
    }
}

MAIN("plan/tree")
