/*
 * test_plan_error.c - every mistake in a text is told with its place and what to type instead.
 *
 * The table holds the long form as a user sees it, so that a caret that moves by one column is a
 * failure.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_text.h"
#include "support_check.h"
#include "support_language.h"
#include "support_names.h"
#include "texts_plan.h"

static const struct mistake {
    const char *text, *message, *carets;
} mistakes[] = {
    /* names */
    {"https://h/f | bach 100", "unknown stage 'bach'", "              ^^^^ did you mean 'batch'?"},
    {"gen 1.. | haed 3", "unknown stage 'haed'", "          ^^^^ did you mean 'head'?"},
    {"gen 1.. | zzz", "unknown stage 'zzz'", "          ^^^ " WR_NAMES},
    {"gen 1.. | Head 3", "unknown stage 'Head'", "          ^^^^ did you mean 'head'?"},
    {"gen 1.. | out.txt", "unknown stage 'out.txt'",
     "          ^^^^^^^ to write a file: file out.txt"},
    {"gen 1.. | zzz{ null }", "unknown stage 'zzz'", "          ^^^ " WR_NAMES},
    {"merge(http://a/x) | head 3", "map: 'http' is not a value",
     "      ^^^^ write \"http\" (did the shell remove the quotes?)"},
    {"zzzz x.log", "unknown stage 'zzzz'", "^^^^ " WR_NAMES},
    {"gen 1.. | .a nope", "map: unexpected argument 'nope'", "             ^^^^"},
    {"gen 1.. | keys .a", "map: unexpected argument '.a'", "               ^^"},
    {"gen 1.. | f(.x)", "map: there is no function 'f'", "          ^"},
    {"gen 1.. | where . > $lim", "where: $lim is not defined",
     "                    ^^^^ --arg lim VALUE gives it a value"},
    {"gen 1.. | set .a = map_values($limt)", "set: $limt is not defined",
     "                              ^^^^^ --arg limt VALUE gives it a value"},
    {"gen 1.. | set .a[$k] += .b", "set: $k is not defined",
     "                 ^^ --arg k VALUE gives it a value"},
    {"gen 1.. | set .a += .b + $k", "set: $k is not defined",
     "                         ^^ --arg k VALUE gives it a value"},
    {"gen 1.. | (.a as $limit | . > $limt)", "map: $limt is not defined",
     "                              ^^^^^ did you mean '$limit'?"},
    {"gen 1.. | where $meta.id",
     "where: $meta is what comes with an event, but the input has no "
     "events",
     "                ^^^^^^^^ write it directly after sse, or after another component that gives "
     "events"},
    {"gen 1.. | explode .a, .b", "explode: it takes one path",
     "                  ^^^^^^ for each: explode .a | explode .b"},
    {"gen 1.. | explode .a[$k]", "explode: $k is not defined",
     "                     ^^ --arg k VALUE gives it a value"},
    {"gen 1.. | text \"a \\(.b | nope(1)) c\"", "text: there is no function 'nope'",
     "                         ^^^^"},
    {"gen 1.. | $ENV.HOME", "map: $ENV is not defined",
     "          ^^^^ --env NAME reads a variable of the environment as $NAME"},
    {"\"hello\" x", "map: unexpected argument 'x'", "        ^"},
    {"gen 1.. | head(3)", "head: write the arguments after the name, without brackets",
     "          ^^^^^^^ as in gen 1.. | head 3"},
    {"gen 1.. | ./x.so 3", "this program cannot load modules: './x.so'",
     "          ^^^^^^ it is linked with the archive libweir.a; link it with libweir.so"},
    /* places */
    {"gen 1.. | ./2", "a file can be read only at the start",
     "          ^^^ to divide write . / 2"},
    {"head 3 | gen 1..", "'gen' is a source and must be first", "         ^^^"},
    {"head 3 | -", "a source must be first",
     "         ^ to write to standard output, omit the sink"},
    {"head 3 | tcp://h:1", "a source must be first",
     "         ^^^^^^^^^ to send there: tcp tcp://h:1"},
    {"head 3 | unix:/x", "a source must be first", "         ^^^^^^^ to send there: unix unix:/x"},
    {"head 3 | http://u:******@h/", "a source must be first", "         ^^^^^^^^^^^^^^^^^^"},
    {"null | head 3", "'null' is a sink and must be last", "^^^^"},
    {"file x | head 3", "'file' is a sink and must be last",
     "^^^^ to read a file, write its path alone as the first part"},
    {"gen 1.. | batch 9 | grep x", "grep after batch: 'grep' needs text, 'batch' gives batches",
     "                    ^^^^ put 'grep' before 'batch'"},
    {"gen 1.. | batch 9 | head 1 | lines",
     "lines after batch: 'lines' needs bytes or lines, 'batch' gives batches",
     "                             ^^^^^ put 'lines' before 'batch'"},
    {"gen 1.. | sse", "sse after gen: 'sse' needs bytes, 'gen' gives lines",
     "          ^^^ as in https://example.org/feed.sse | sse | grep \"login\""},
    {"gen 1.. | head 3 | lines max=1K", "lines: its arguments are limits of the source",
     "                   ^^^^^^^^^^^^ put it directly after the source"},
    /* arguments */
    {"head", "head: the count is missing", "    ^ as in gen 1.. | head 3"},
    {"gen 1.. | grep | head 3", "grep: the text is missing",
     "              ^ as in gen 1..20 | grep \"7\""},
    {"head x", "head: 'x' is not a valid count", "     ^ for example 1000"},
    {"head \"3\"", "head: '\"3\"' is not a valid count", "     ^^^ for example 1000"},
    {"head 3 4", "head: unexpected argument '4'", "       ^"},
    {"head 99999999999999999999", "head: '99999999999999999999' is too large",
     "     ^^^^^^^^^^^^^^^^^^^^"},
    {"queue 0", "queue: the count is at least 1", "      ^"},
    {"queue 1 0K", "queue: the size is at least 1B", "        ^^"},
    {"batch 1 within 0ms", "batch: the time is at least 1ms", "               ^^^"},
    {"batch 100 1s", "batch: unexpected argument '1s'", "          ^^ write 'within 1s'"},
    {"batch 1 within", "batch: 'within' needs a time",
     "        ^^^^^^ as in gen 1..5 | batch 4 1MiB within 1s"},
    {"batch 1 within 5", "batch: '5' is not a valid time",
     "               ^ add a unit: 5s or 5ms"},
    {"batch 1 within 1.5", "batch: '1.5' is not a valid time",
     "               ^^^ add a unit: 1.5s or 1.5ms"},
    {"batch 1 within soon", "batch: 'soon' is not a valid time",
     "               ^^^^ for example 500ms or 1m30s"},
    {"batch 1 within 1s within 2s", "batch: 'within' is given twice",
     "                         ^^"},
    {"queue full=block full=fail", "queue: 'full' is given twice", "                 ^^^^^^^^^"},
    {"queue latest", "queue: unexpected argument 'latest'", "      ^^^^^^ write 'full=latest'"},
    {"queue full=drop-oldst", "queue: 'drop-oldst' is not a value of 'full'",
     "           ^^^^^^^^^^ did you mean 'drop-oldest'?"},
    {"queue full=x", "queue: 'x' is not a value of 'full'",
     "           ^ it is one of block, drop-oldest, drop-newest, latest, fail"},
    {"queue ful=block", "queue has no argument 'ful'", "      ^^^ did you mean 'full'?"},
    {"lines max=5", "lines: '5' is not a valid size", "          ^ add a unit: 5KiB or 5B"},
    {"lines max=5x", "lines: '5x' is not a valid size", "          ^^ for example 64KiB"},
    {"queue 10 100", "queue: unexpected argument '100'",
     "         ^^^ a size has a unit: 100KiB or 100B"},
    {"file a=b.txt", "file has no argument 'a'", "     ^ if this is a value, quote it"},
    {"file http://h/x", "file: this is an address, not a path",
     "     ^^^^^^^^^^ to send there, write post URL, tcp HOST:PORT or tls HOST:PORT"},
    {"file tcp://u:**@h:1", "file: this is an address, not a path",
     "     ^^^^^^^^^^^^^^ to send there, write post URL, tcp HOST:PORT or tls HOST:PORT"},
    {"file a b", "file: unexpected argument 'b'", "       ^ quote a PATH with spaces"},
    {"head 2 > x", "head: unexpected argument '>'", "       ^ to write a file: | file PATH"},
    {"gen 5", "gen: '5' is not a valid range", "    ^ for example 1..10 or 1.."},
    {"gen 10..1", "gen: '10..1' is an empty range", "    ^^^^^ write 1..10"},
    {"tcp h", "tcp: 'h' is not a valid address",
     "    ^ write HOST:PORT, as in gen 1..3 | tcp 127.0.0.1:9000"},
    /* sources */
    {"htps://h/f", "unknown kind of address 'htps://'", "^^^^ did you mean 'https'?"},
    {"gopher://h/f", "unknown kind of address 'gopher://'", "^^^^^^ " WR_SCHEMES},
    {"udpp://:5514", "unknown kind of address 'udpp://'", "^^^^ did you mean 'udp'?"},
    {"udp://h:5514", "udp: 'h:5514' is not an address of this machine",
     "^^^^^^^^^^^^ write udp://:5514 for this machine only, or udp://0.0.0.0:5514 to be reached by "
     "others"},
    {"gen 1.. | http", "'http' is a source: write its address instead",
     "          ^^^^ a pipeline begins with it: https://example.org/feed.ndjson | head 3"},
    {"https h/f", "'https' is a source: write its address instead",
     "^^^^^ a pipeline begins with it: https://example.org/feed.ndjson | head 3"},
    {"http://[fe80::1%eth0]/", "http: the host or the port of this URL cannot be read",
     "^^^^^^^^^^^^^^^^^^^^^^ write a zone as http://[fe80::1%25eth0]:8080/"},
    {"http://h:99999/", "http: the host or the port of this URL cannot be read",
     "^^^^^^^^^^^^^^^ as in http://HOST:8080/ or http://[::1]:8080/"},
    {"http://u@w@h/", "http: the host or the port of this URL cannot be read",
     "^^^^^^^^^^^^^ write an @ in a name or password as %40"},
    {"https:///x", "http: the URL has no host", "^^^^^^^^^^ as in https://example.org/feed.ndjson"},
    {"http://h/a b", "http: unexpected argument 'b'",
     "           ^ a URL ends at the first space; a stage begins with |"},
    {"\"http://h/a b\"",
     "http: a space or control byte in a URL must be percent-encoded (%20 for a space)",
     "^^^^^^^^^^^^^^"},
    {"http://u:(p)@h/",
     "http: brackets before the @ of a URL must be percent-encoded (%28 for '(')",
     "^^^^^^^^^^^^^^^"},
    {"tcp://h:0", "tcp: 'tcp://h:0' is not a valid address",
     "^^^^^^^^^ write HOST:PORT, as in tcp://127.0.0.1:9000 | head 3"},
    {"tcp://::1:9", "tcp: 'tcp://::1:9' is not a valid address",
     "^^^^^^^^^^^ write HOST:PORT, as in tcp://127.0.0.1:9000 | head 3"},
    {"unix:", "unix: the path of the socket is missing", "^^^^^"},
    {"*.log", "file does not accept patterns: '*.log'",
     "^^^^^ let the shell expand it: weir 'PIPELINE' FILE..."},
    {"~/f", "~ is expanded only by the shell: '~/f'",
     "^^^ write the whole path, or give the file as an argument: weir 'PIPELINE' FILE"},
    /* quotes and shape */
    {"grep \"\\d+\"", "\\d: unknown escape, as in JSON",
     "      ^^ for a regex write `...` or double the \\"},
    {"grep \"\\u12\"", "\\u: the four hex digits of a character are missing", "      ^^"},
    {"grep \"\\ud800x\"", "\\u: the four hex digits of a character are missing", "      ^^"},
    {"grep \"\\u0000\"", "\\u: the four hex digits of a character are missing", "      ^^"},
    {"grep \"\\(.a)\"", "\\(...) is not evaluated in this text",
     "      ^^ for the bytes \\( write `...`"},
    {"grep a\"b\"", "a quote in the middle of a word", "      ^^^ quote the whole word"},
    {"grep \"a\"b", "a space is missing after the quoted text", "        ^"},
    {"grep \"\"", "grep: the text is empty", "     ^^"},
    {"grep \"a", "\" is not closed", "     ^"},
    {"http://h/it's", "' is not closed", "           ^ quote the whole address: \"http://h/it's\""},
    {"grep x | http://h/'", "' is not closed",
     "                  ^ quote the whole address: \"http://h/'\""},
    {"grep (a]", "] has no opening bracket", "       ^ the ( before it is open and needs )"},
    {"head 1 |", "an empty stage: two | in a row, or a | at the start or end", "       ^"},
    {"@mem 1M", "lines with @ are for a pipeline in a file", "^^^^"},
};

TEST(a_mistake_is_told_with_carets_and_a_hint)
{
    for (const struct mistake *want = mistakes;
         want < mistakes + sizeof mistakes / sizeof mistakes[0]; want++) {
        char long_form[1600] = "";
        char expected[1600];
        struct wr_print out;
        wr_print_to(&out, expected, sizeof expected);
        wr_printf(&out, "%s\n  %s\n  ", want->message, want->text);
        wr_expected_print(&out, want->carets);
        char *password = strstr(expected, "u:(p)@"), *user = strstr(expected, "u@w@");
        if (password != NULL) {
            memset(password + 2, '*', 3); /* shown as stars, brackets or not */
        }
        if (user != NULL) {
            memset(user, '*', 3);
        }

        size_t len = weir_plan_error_text(want->text, NULL, long_form, sizeof long_form);

        ck_assert_str_eq(long_form, expected);
        ck_assert_uint_eq(len, strlen(expected));
    }
}

TEST(a_mistake_is_one_line_in_the_record)
{
    for (const struct mistake *want = mistakes;
         want < mistakes + sizeof mistakes / sizeof mistakes[0]; want++) {
        weir_error error;
        size_t place = strspn(want->carets, " ");
        weir_plan *plan = weir_plan_read(want->text, NULL, &error);
        MUST(plan == NULL && error.code != 0);
        ck_assert_int_eq(error.code, WEIR_EPARSE);
        ck_assert_int_eq(error.offset, (int64_t)place);
        ck_assert_str_eq(error.origin, "pipeline");
        ck_assert_msg(strncmp(error.message, want->message, strlen(want->message)) == 0, "%s",
                      error.message);
        ck_assert_ptr_null(strchr(error.message, '\n'));
    }
}

TEST(the_hint_stands_in_the_record_too)
{
    weir_error error;
    weir_plan *plan = weir_plan_read("bach 100", NULL, &error);
    MUST(plan == NULL);
    ck_assert_str_eq(error.message, TEXT_PLAN_UNKNOWN_STAGE);
}

static void check_long(const char *text, const char *name, const char *expected)
{
    char long_form[1600] = "";
    char wanted[1600];
    struct wr_print out;
    wr_print_to(&out, wanted, sizeof wanted);
    wr_expected_print(&out, expected);
    (void)weir_plan_error_text(text, WEIR_OPTIONS(weir_text_options, .name = name), long_form,
                               sizeof long_form);
    ck_assert_str_eq(long_form, wanted);
}

TEST(only_the_line_of_the_mistake_is_shown)
{
    check_long("gen 1..9\n  | bach 3\n  | head", NULL,
               "unknown stage 'bach'\n    | bach 3\n      ^^^^ did you mean 'batch'?");
}

TEST(a_mistake_in_a_file_tells_name_and_line)
{
    check_long("@state /s\ngen 1..9 |\nbach 3", "x.weir",
               "x.weir:3: unknown stage 'bach'\n  bach 3\n  ^^^^ did you mean 'batch'?");
    check_long("@mem 5\nhead 3", "x.weir",
               "x.weir:1: @mem: '5' is not a valid size\n  @mem 5\n       ^ for example 64MiB");
    check_long("@mem\nhead 3", "x.weir", "x.weir:1: @mem: the size is missing\n  @mem\n  ^^^^");
    check_long("@state \"\"\nhead 3", "x.weir",
               "x.weir:1: @state: the folder is missing\n  @state \"\"\n         ^^");
    check_long("@state a b\nhead 3", "x.weir",
               "x.weir:1: @state takes only one value\n  @state a b\n           ^");
    check_long("@state \"a\nhead 3\"", "x.weir",
               "x.weir:1: \" is not closed\n  @state \"a\n         ^");
    check_long("@sate a\nhead 3", "x.weir",
               "x.weir:1: unknown option '@sate'\n  @sate a\n  ^^^^^ the options are @state DIR, "
               "@name NAME and @mem SIZE");
}

TEST(an_empty_text_shows_only_the_hint)
{
    check_long("", NULL, "the text is empty\n  as in weir 'https://example.org/feed | head 3'");
}

TEST(carets_count_characters)
{
    check_long("grep \"\xc3\xa9\xc3\xa9\" | bach", NULL,
               "unknown stage 'bach'\n  grep \"\xc3\xa9\xc3\xa9\" | bach\n              ^^^^ did "
               "you mean 'batch'?");
}

TEST(what_a_terminal_would_obey_is_not_shown)
{
    check_long("zyxw\x1b\xff\t\xc2\x9b", NULL,
               "unknown stage 'zyxw?\?'\n  zyxw?\? ?\?\n  ^^^^^^ " WR_NAMES);
}

TEST(a_long_line_is_shown_around_the_mistake)
{
    char text[400] = "grep \"";
    char long_form[800] = "";
    memset(text + 6, 'x', 200);
    strcpy(text + 206, "\" | bach 3 | grep \"");
    memset(text + strlen(text), 'y', 100);
    strcat(text, "\"");
    (void)weir_plan_error_text(text, NULL, long_form, sizeof long_form);

    ck_assert_ptr_nonnull(strstr(long_form, "bach 3"));
    const char *excerpt = strchr(long_form, '\n') + 1;
    const char *carets = strchr(excerpt, '\n') + 1;
    const char *word = strstr(excerpt, "bach 3");
    ck_assert(strncmp(excerpt, "  …x", 6) == 0);
    ck_assert(strncmp(carets - 5, "y…\n", 5) == 0);
    /* The ellipsis is three bytes and one column. */
    ck_assert_int_eq(word - excerpt - 2, strchr(carets, '^') - carets);
}

TEST(the_long_form_is_cut_like_snprintf)
{
    char text[10];
    size_t len = weir_plan_error_text("bach", NULL, text, sizeof text);
    ck_assert_str_eq(text, "unknown s");
    ck_assert_uint_eq(len, strlen("unknown stage 'bach'\n  bach\n  ^^^^ did you mean 'batch'?"));
    ck_assert_uint_eq(weir_plan_error_text("bach", NULL, NULL, 0), len);
}

TEST(a_right_text_has_no_error_text)
{
    char text[10] = "x";
    ck_assert_uint_eq(weir_plan_error_text("head 3", NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}

TEST(passwords_of_urls_are_not_shown)
{
    char told[1024];
    size_t len = weir_plan_error_text("http://me:se:cret@h/x | bach 3", NULL, told, sizeof told);

    ck_assert_uint_gt(len, 0);
    ck_assert_ptr_null(strstr(told, "cret"));
    ck_assert_ptr_nonnull(strstr(told, "http://me:*******@h/x | bach 3"));

    len = weir_plan_error_text("http://h/x?a=1&Token=abc&b=2 | bach", NULL, told, sizeof told);
    ck_assert_uint_gt(len, 0);
    ck_assert_ptr_nonnull(strstr(told, "http://h/x?a=1&Token=***&b=2 | bach"));
}

/* The places and the kinds of the mistakes of a text, "4 unknown stage 'x'", one a line. */
static void mistakes_are(const char *text, const char *expected)
{
    char got[1024], shown[1024];
    weir_error error;
    struct wr_print out;
    wr_print_to(&out, got, sizeof got);
    for (size_t i = 0; weir_plan_mistake_at(text, NULL, i, &error, shown, sizeof shown) > 0; i++) {
        wr_printf(&out, "%d %.*s\n", (int)error.offset, (int)strcspn(shown, "\n"), shown);
    }
    ck_assert_int_eq(error.code, 0);
    ck_assert_str_eq(shown, "");
    ck_assert_str_eq(got, expected);
}

TEST(each_step_may_have_a_mistake_of_its_own)
{
    mistakes_are("gen 1..3 | bach 100 | haed 1 | batch 1 2 3",
                 "11 unknown stage 'bach'\n22 unknown stage 'haed'\n39 batch: unexpected argument "
                 "'2'\n");
    ck_assert(wr_language_add());
    mistakes_are("gen 1..3 | tee { haed 1 | fole } | where .a = 1 | null",
                 "17 unknown stage 'haed'\n26 unknown stage 'fole'\n"
                 "44 where: '=' assigns in jq; to compare write '=='\n");
    mistakes_are("x://h | bach", "0 unknown kind of address 'x://'\n8 unknown stage 'bach'\n");
}

TEST(behind_a_mistyped_name_the_expression_is_read)
{
    mistakes_are("jsn | wher .x = 1", "0 unknown stage 'jsn'\n6 unknown stage 'wher'\n"
                                      "14 where: '=' assigns in jq; to compare write '=='\n");
    mistakes_are("wher .x | test(\"a\")", "0 unknown stage 'wher'\n10 where ends at the |\n");
    mistakes_are("wher .x == 1", "0 unknown stage 'wher'\n");
    mistakes_are("gen 1..3 | haed x y z", "11 unknown stage 'haed'\n");
}

TEST(what_follows_from_a_mistake_is_not_told)
{
    mistakes_are("gen 1..3 | \"x | bach", "11 \" is not closed\n");
    mistakes_are("gen 1..3 | bach | csv header | sse", "11 unknown stage 'bach'\n"); /* shapes */
    mistakes_are("gen 1..3", "");
}

TEST(at_most_eight_mistakes_are_found)
{
    size_t i = 0;
    weir_error error;
    while (weir_plan_mistake_at("za|zb|zc|zd|ze|zf|zg|zh|zi|zj", NULL, i, &error, NULL, 0) > 0) {
        ck_assert_int_eq(error.offset, (int64_t)(3 * i));
        i++;
    }
    ck_assert_uint_eq(i, 8);
}

TEST(the_first_mistake_is_that_of_the_record)
{
    for (const struct mistake *want = mistakes;
         want < mistakes + sizeof mistakes / sizeof mistakes[0]; want++) {
        char first[1600], shown[1600];
        weir_error error;
        (void)weir_plan_error_text(want->text, NULL, shown, sizeof shown);
        ck_assert_uint_gt(weir_plan_mistake_at(want->text, NULL, 0, &error, first, sizeof first),
                          0);
        ck_assert_str_eq(first, shown);
        ck_assert_int_eq(error.code, WEIR_EPARSE);
    }
}

MAIN("plan/error")
