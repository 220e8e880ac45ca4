/*
 * test_stage_record.c - the stages that make a record of each text: the suite for stages over each
 * decoder with texts of its form, and what they share.
 */
#include <stdlib.h>

#include "bytes_block.h"
#include "loop_core.h"
#include "stage_record.h"
#include "support_records.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
#define KIT(stage, list)                                                               \
    {                                                                                  \
        .text = (stage), .items = (list), .items_count = sizeof(list) / sizeof *(list) \
    }

static const weir_slice pairs[] = {
    TEXT("a=1 b=\"two \\\" \\u00e9\""), TEXT(""), TEXT("msg=\"x"), TEXT("c=\"a\\0\""), TEXT("a|,"),
    TEXT("k: \"v, w\", l: 1"),
};
static const weir_slice accesses[] = {
    TEXT("192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326"),
    TEXT("none of it"),
    TEXT(
        "::1 - ann [10/Oct/2000:13:55:36 +0000] \"GET /\\\"b HTTP/1.1\" 200 - \"-\" \"curl\\x20\""),
};
static const weir_slice messages[] = {
    TEXT("<34>1 2003-10-11T22:14:15.003Z h su - ID47 [a b=\"\\]\"] hello"),
    TEXT("<34>Oct 11 22:14:15 h su[230]: hello\n"),
    TEXT("no message"),
    TEXT("<13>x"),
};
static const weir_slice datagrams[] = {
    TEXT("a:1|c\nb:2|g|#t:x\n"), TEXT("\n"), TEXT("a:x|c\nb:3|ms\n:|"), TEXT("c:4|c"), TEXT("d"),
};
static const struct wr_stage_kit kits[] = {
    KIT("logfmt", pairs),
    KIT("kv delim=\",\" sep=\":\"", pairs),
    KIT("clf", accesses),
    KIT("syslog", messages),
    {.text = "statsd", .items = datagrams, .items_count = 5, .several = true},
};
/* All share one stage, so a sweep of one kit meets the failures of all. */
__attribute__((constructor)) static void add_suite(void)
{
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof kits / sizeof *kits); i++) {
        wr_suite_add(wr_stage_suite, kits[i].text, &kits[i]);
    }
}

/* ---- what they share: a decoder of this test */

struct nothing {
    char none;
};

/* "x" is no record, "!" is malformed; of any other text the fields are its first byte, twice, and
 * the names are shared. */
static int read_first(void *self, weir_slice text, struct wr_fields *fields)
{
    static const weir_slice names[] = {WR_SLICE("first"), WR_SLICE("again")};
    (void)self;
    if (text.data[0] == 'x' || text.data[0] == '!') {
        return text.data[0] == 'x' ? WR_FIELDS_NONE : wr_fields_bad(fields, 0, "no");
    }
    fields->shared = 1;
    fields->made[fields->made_len++] = text.data[0];
    int rc = wr_fields_add(fields, names[0], (weir_slice){text.data, 1});
    return rc == 0 ? wr_fields_add(fields, names[1], (weir_slice){fields->made, 1}) : rc;
}

static int dropped;

static void drop_it(void *self)
{
    (void)self;
    dropped++;
}

static const struct wr_record_ops first_ops = {
    .kind = "first", .read = read_first, .drop = drop_it};

/* Lines of `bytes` bytes, which begin with the letters of a text. */
struct letters {
    const char *letters;
    size_t bytes;
};
WEIR_SOURCE(letters, struct letters)
{
    weir_item items[64];
    static char texts[64][8192];
    size_t n = strlen(args->letters);
    for (size_t i = 0; i < n; i++) {
        memset(texts[i], '-', sizeof texts[i]);
        texts[i][0] = args->letters[i];
        items[i] = weir_bytes(texts[i], args->bytes);
    }
    (void)!weir_yield_many(self, items, n);
    return 0;
}

static weir_gen *firsts(weir_scope *scope, const char *text, size_t bytes)
{
    weir_gen *up = letters(scope, (struct letters){text, bytes});
    return wr_record_stage(up, &first_ops, NULL, 0);
}

static void check_record(const weir_item *item, char letter)
{
    weir_slice value;
    const weir_event *event = weir_event_of(item);
    ck_assert_ptr_nonnull(event);
    ck_assert_uint_eq(event->kind, WEIR_EVENT_RECORD);
    ck_assert_int_eq(event->body.data[0], letter);
    ck_assert_uint_eq(event->body.len, item->len);
    ck_assert(weir_event_field(event, "first", &value));
    ck_assert_uint_eq(value.len, 1);
    ck_assert_int_eq(value.data[0], letter);
    ck_assert(weir_event_field(event, "again", &value));
    ck_assert_int_eq(value.data[0], letter);
}

TEST(records_of_one_call_share_a_block_and_their_names)
{
    weir_item items[8];
    weir_loop *loop = test_loop();
    weir_gen *gen = firsts(weir_root(loop), "abcd", 10);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        check_record(&items[i], (char)('a' + (int)i));
        ck_assert_ptr_eq(items[i].block, items[0].block);
        ck_assert_ptr_eq(weir_event_of(&items[i])->names, weir_event_of(&items[0])->names);
        ck_assert_uint_eq(items[i].seq, i + 1);
    }
    ck_assert_uint_lt(items[0].block->cap, 1024);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    ck_assert_int_eq(dropped, 1);
}

TEST(a_kept_record_outlives_its_stage)
{
    weir_item item, kept;
    weir_loop *loop = test_loop();
    weir_gen *gen = firsts(weir_root(loop), "ab", 10);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    weir_discard(gen);
    check_record(&kept, 'a');
    weir_item_release(&kept);
    weir_loop_free(loop);
}

TEST(a_text_without_a_record_is_filtered_and_a_malformed_one_is_rejected)
{
    weir_item items[8];
    weir_loop *loop = test_loop();
    weir_gen *gen = firsts(weir_root(loop), "xa!bx", 10);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 2);
    check_record(&items[0], 'a');
    check_record(&items[1], 'b');
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.delivered, 2);
    ck_assert_uint_eq(ledger.filtered, 2);
    ck_assert_uint_eq(ledger.rejected, 1);
    weir_loop_free(loop);
}

TEST(records_before_a_malformed_text_are_given_before_it_stops)
{
    weir_item items[8];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *up = letters(weir_root(loop), (struct letters){"ab=c", 3});
    weir_gen *gen = weir_parse(weir_root(loop), up, "logfmt on-error=stop", NULL);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 2);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "logfmt");
    ck_assert_str_eq(error.message, "item 3: a name is missing\n  =--\n  ^");
    weir_loop_free(loop);
}

static weir_loop *loop_of(int64_t budget)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = budget));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    return loop;
}

enum { LONG = 8000, BUDGET = 100 * 1024 };

TEST(records_that_are_ready_are_given_before_it_waits_for_the_budget)
{
    weir_item items[8];
    weir_loop *loop = loop_of(BUDGET);
    weir_gen *gen = firsts(weir_root(loop), "abcdef", LONG);
    weir_block *held = weir_block_new(weir_root(loop), BUDGET - 3 * LONG, NULL);
    ck_assert_ptr_nonnull(held);

    ck_assert_uint_eq(weir_next_many(gen, items, 8), 2);
    check_record(&items[0], 'a');
    check_record(&items[1], 'b');
    ck_assert_uint_eq(weir_next_many(gen, items, 1), 1);
    check_record(&items[0], 'c');
    weir_block_unref(held);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 3);
    check_record(&items[0], 'd');
    check_record(&items[2], 'f');
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 6);
    weir_loop_free(loop);
}

TEST(records_are_given_in_order_when_the_budget_is_short_twice)
{
    weir_item items[8];
    weir_loop *loop = loop_of(BUDGET);
    weir_gen *gen = firsts(weir_root(loop), "abcdef", LONG);
    weir_block *held = weir_block_new(weir_root(loop), BUDGET - 3 * LONG, NULL);
    ck_assert_ptr_nonnull(held);

    ck_assert_uint_eq(weir_next_many(gen, items, 8), 2);
    ck_assert_uint_eq(weir_next_many(gen, items, 3), 2);
    check_record(&items[0], 'c');
    check_record(&items[1], 'd');
    weir_block_unref(held);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 2);
    check_record(&items[0], 'e');
    check_record(&items[1], 'f');
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 6);
    weir_loop_free(loop);
}

TEST(a_budget_that_is_never_released_is_a_failure)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = loop_of(BUDGET);
    weir_gen *gen = firsts(weir_root(loop), "ab", LONG);
    weir_block *held = weir_block_new(weir_root(loop), BUDGET - LONG, NULL);
    ck_assert_ptr_nonnull(held);

    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    ck_assert_str_eq(error.origin, "first");
    weir_block_unref(held);
    weir_loop_free(loop);
}

TEST(each_stage_reads_its_format)
{
    records_are("logfmt", LINES("a=1 b=\"\\\"\"", "c"), "a=1|b=\"|;c=true|;");
    records_are("kv", LINES("a=1 b"), "a=1|b=true|;");
    records_are("kv delim=\",\" sep=\": \"", LINES("a: 1 2, b"), "a=1 2|b=true|;");
    records_are("statsd", LINES("a:1|c", "a"), "name=a|value=1|type=c|;");
    records_are("prom", LINES("# TYPE a counter", "a{b=\"c\"} 1"), "name=a|b=c|value=1|;");
    records_are("influx", LINES("m,a=b f=1i 5"), "measurement=m|a=b|f=1|time=5|;");
    records_are("syslog", LINES("<13>a: b"), "facility=1|severity=5|app=a|message=b|;");
    records_are("clf", LINES("h - - [10/Oct/2000:13:55:36 +0000] \"-\" 408 -"),
                "remote=h|time=2000-10-10T13:55:36Z|status=408|;");
}

/* ---- several records in a text */

/* Each byte of a text is a record, but '!' is malformed. */
struct bytes_reader {
    size_t at;
};

static void begin_bytes(void *self, const weir_item *item, weir_slice text)
{
    ck_assert_uint_eq(item->len, text.len);
    ((struct bytes_reader *)self)->at = 0;
}

static int read_byte(void *self, weir_slice text, struct wr_fields *fields)
{
    static const weir_slice name = WR_SLICE("byte");
    size_t at = ((struct bytes_reader *)self)->at++;
    if (at == text.len) {
        return WR_FIELDS_NONE;
    }
    if (text.data[at] == '!') {
        return wr_fields_bad(fields, at, "no");
    }
    fields->body = wr_slice_of(text, at, at + 1);
    fields->shared = 1;
    return wr_fields_add(fields, name, fields->body);
}

static const struct wr_records_ops bytes_ops = {
    .kind = "bytes", .begin = begin_bytes, .read = read_byte, .drop = drop_it};

static weir_gen *all_bytes(weir_scope *scope, const char *const *lines)
{
    weir_gen *up = texts(scope, (struct texts_args){lines, false});
    return wr_records_stage(up, &bytes_ops, &(struct bytes_reader){0}, sizeof(struct bytes_reader));
}

TEST(all_records_of_a_text_are_given_whatever_is_requested)
{
    for (size_t max = 1; max < 8; max++) {
        char got[256];
        weir_loop *loop = test_loop();
        records_show(all_bytes(weir_root(loop), LINES("abc", "", "d", "ef")), max, got, sizeof got);
        ck_assert_str_eq(got, "byte=a|;byte=b|;byte=c|;byte=d|;byte=e|;byte=f|;");
        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_uint_eq(ledger.delivered, 3);
        ck_assert_uint_eq(ledger.filtered, 1);
        weir_loop_free(loop);
    }
}

TEST(a_text_settles_when_its_last_record_has_settled)
{
    weir_item items[3];
    weir_item kept[3];
    weir_loop *loop = test_loop();
    weir_gen *gen = all_bytes(weir_root(loop), LINES("abc"));
    ck_assert_uint_eq(weir_next_many(gen, items, 3), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(weir_item_keep(&kept[i], &items[i]), 0);
        ck_assert_uint_eq(kept[i].seq, 1);
        ck_assert_ptr_eq(kept[i].block, kept[0].block);
    }
    ck_assert_uint_eq(weir_next_many(gen, items, 3), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 0);
        weir_item_release(&kept[i]);
    }
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 1);
    weir_loop_free(loop);
}

TEST(a_text_with_malformed_parts_is_rejected_once_and_its_other_records_are_given)
{
    char got[256];
    weir_loop *loop = test_loop();
    records_show(all_bytes(weir_root(loop), LINES("a!b!", "!", "c")), 2, got, sizeof got);
    ck_assert_str_eq(got, "byte=a|;byte=b|;byte=c|;");
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.rejected, 2);
    ck_assert_uint_eq(ledger.delivered, 1);
    weir_loop_free(loop);
    ck_assert_int_eq(dropped, 1);
}

TEST(a_malformed_part_stops_after_the_other_records_of_its_text)
{
    records_are("statsd on-error=stop", LINES("a:1|c\nb:|c\nc:2|c\nd", "e:1|c"),
                "name=a|value=1|type=c|;name=c|value=2|type=c|;"
                "<item 1: the value is not a number (2 problems)\n  b:|c\n    ^>");
}

TEST(a_record_without_room_in_the_budget_is_the_first_of_the_next_call)
{
    static char text[] = "abcdef";
    weir_item items[8];
    weir_loop *loop = loop_of(BUDGET);
    weir_gen *gen = all_bytes(weir_root(loop), LINES(text));
    weir_block *held = weir_block_new(weir_root(loop), BUDGET - 600, NULL);
    size_t all = 0, n;
    ck_assert_ptr_nonnull(held);
    n = weir_next_many(gen, items, 8);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, 6);
    weir_block_unref(held);
    do {
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(weir_event_of(&items[i])->body.data[0], text[all++]);
        }
        n = weir_next_many(gen, items, 8);
    } while (n > 0);
    ck_assert_uint_eq(all, 6);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(separators_that_cannot_be_are_refused)
{
    records_are("kv delim=\"=\"", LINES("a"), "<kv: sep and delim are the same>");
    records_are("kv sep=\"0123456789012345678901234567890123\"", LINES("a"),
                "<kv: sep has more than 32 bytes>");
}

WEIR_SOURCE(one_message, struct nothing)
{
    weir_event event = {.body = {"a=1", 3}, .kind = WEIR_EVENT_MESSAGE};
    weir_item item = weir_event_item(&event);
    (void)args;
    (void)!weir_yield(self, &item);
    return 0;
}

TEST(the_body_of_a_message_is_read)
{
    weir_item item;
    weir_slice value;
    weir_loop *loop = test_loop();
    weir_gen *up = one_message(weir_root(loop), (struct nothing){0});
    weir_gen *gen = weir_parse(weir_root(loop), up, "logfmt", NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_event_field(weir_event_of(&item), "a", &value));
    ck_assert_uint_eq(value.len, 1);
    ck_assert_uint_eq(weir_event_of(&item)->kind, WEIR_EVENT_RECORD);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- what came with a message */

/* Messages with one text, each from a sender; those of one sender share its name. */
struct mail {
    const char *text;
    const char *senders; /* a letter each */
};
WEIR_SOURCE(mail, struct mail)
{
    static const weir_slice names[] = {WR_SLICE("peer")};
    weir_event events[64];
    weir_slice peers[64];
    weir_item items[64];
    size_t n = strlen(args->senders);
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && args->senders[i] == args->senders[i - 1];
        peers[i] = again ? peers[i - 1] : (weir_slice){args->senders + i, 1};
        events[i] = (weir_event){.body = {args->text, strlen(args->text)},
                                 .id = WR_SLICE("7"),
                                 .names = names,
                                 .values = &peers[i],
                                 .fields_count = 1};
        items[i] = weir_event_item(&events[i]);
    }
    (void)!weir_yield_many(self, items, n);
    return 0;
}

static void check_mail(const char *decoder, const char *text)
{
    char chain[256], shown[256] = "";
    weir_item items[8];
    weir_error error;
    size_t n;
    weir_loop *loop = test_loop();
    weir_gen *up = mail(weir_root(loop), (struct mail){text, "aab"});
    snprintf(chain, sizeof chain, "%s | map \"\\($meta.peer)\\($meta.id)\"", decoder);
    weir_gen *gen = weir_parse(weir_root(loop), up, chain, NULL);
    while ((n = weir_next_many(gen, items, 8)) > 0) {
        for (size_t i = 0; i < n; i++) {
            strncat(shown, items[i].data, items[i].len);
        }
    }
    ck_assert_msg(weir_finish(gen, &error) == 0, "%s: %s", decoder, error.message);
    ck_assert_msg(strcmp(shown, "\"a7\"\"a7\"\"b7\"") == 0, "%s: %s", decoder, shown);
    weir_loop_free(loop);
}

TEST(a_record_has_what_came_with_its_message)
{
    check_mail("logfmt", "a=1");
    if (wr_test_sweeps()) {
        return; /* the others meet the same points */
    }
    check_mail("kv", "a=1 b=2");
    check_mail("clf", accesses[0].data);
    check_mail("syslog", messages[0].data);
    check_mail("regex \"(?<x>.)\"", "abc");
    check_mail("statsd", "a:1|c");
    check_mail("influx", "m v=1");
    check_mail("prom", "up 1");
    check_mail("csv", "1,2");
    check_mail("syslog | regex \"(?<x>.)\"", messages[0].data); /* a record of a record */
}

TEST(records_of_one_sender_share_what_came_with_them)
{
    weir_item items[8], kept;
    const weir_event *events[6];
    weir_slice peer;
    weir_loop *loop = test_loop();
    weir_gen *up = mail(weir_root(loop), (struct mail){"a=1", "aaabba"});
    weir_gen *gen = wr_record_stage(up, &first_ops, NULL, 0);
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 6);
    for (size_t i = 0; i < 6; i++) {
        events[i] = weir_event_of(&items[i]);
        ck_assert_ptr_nonnull(events[i]->message);
        ck_assert_uint_eq(events[i]->message->body.len, 0);
        ck_assert(weir_event_field(events[i]->message, "peer", &peer));
        ck_assert_int_eq(peer.data[0], "aaabba"[i]);
    }
    ck_assert_ptr_eq(events[0]->message, events[2]->message);
    ck_assert_ptr_ne(events[2]->message, events[3]->message);
    ck_assert_ptr_eq(events[3]->message, events[4]->message);
    ck_assert_int_eq(weir_item_keep(&kept, &items[5]), 0);
    weir_discard(gen);
    ck_assert(weir_event_field(weir_event_of(&kept)->message, "peer", &peer));
    ck_assert_int_eq(peer.data[0], 'a');
    weir_item_release(&kept);
    weir_loop_free(loop);
}

TEST(a_line_has_no_message)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = firsts(weir_root(loop), "a", 3);
    ck_assert(weir_next(gen, &item));
    ck_assert_ptr_null(weir_event_of(&item)->message);
    weir_discard(gen);
    weir_loop_free(loop);
}

MAIN("stage/record")
