/*
 * support_suite_stages.c - the suite for stages: see support_stage.h.
 *
 * The source is a component of the suite's own, one for each shape, so that a stage is opened as the
 * plan opens it, with the shape that comes to it. Where a test compares, it compares with what the
 * same stage gives when its items are pulled one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop_core.h"
#include "plan_text.h"
#include "support_flow.h"
#include "support_stage.h"
#include "support_suites.h"

enum { TEXT_MAX = 2048, PORTION_MAX = 64, BIG_ITEMS = 20000, BIG_LEN = 1024 };

/* What the source does. */
static struct feed {
    const struct wr_stage_kit *kit;
    size_t portion;   /* items of one yield */
    int64_t pause_ms; /* before each portion */
    size_t fail_at;   /* fails instead of giving item so-and-so, from 1; 0: never */
    size_t silent_at; /* waits for ever instead; 0: never */
    size_t big;       /* gives so many items of BIG_LEN bytes instead; 0: those of the kit */
    size_t given;     /* so far */
    bool in_pieces;   /* gives each item as two pieces: its bytes, and none */
    bool closed;
} feed;

struct feed_args {
    weir_scope *scope;
};

static size_t feed_count(void)
{
    return feed.big > 0 ? feed.big : feed.kit->items != NULL ? feed.kit->items_count : 12;
}

/* Item `index`, from 0; its bytes are static. */
static weir_item feed_item(size_t index)
{
    static char numbers[PORTION_MAX][8];
    static char big[BIG_LEN];
    static weir_event events[PORTION_MAX];
    weir_item item;
    if (feed.big > 0) {
        memset(big, '7', sizeof big);
        big[sizeof big - 1] = '\n';
        item = weir_bytes(big, sizeof big - (feed.kit->shape != WEIR_SHAPE_BYTES));
    } else if (feed.kit->items != NULL) {
        item = weir_bytes(feed.kit->items[index].data, feed.kit->items[index].len);
    } else {
        char *text = numbers[index % PORTION_MAX];
        int len = snprintf(text, sizeof numbers[0], "%zu", index + 1);
        item = weir_bytes(text, (size_t)len);
    }
    if (feed.kit->shape == WEIR_SHAPE_JSON) {
        item.type = &weir_json_type;
    } else if (feed.kit->shape == WEIR_SHAPE_EVENT) {
        weir_event *event = &events[index % PORTION_MAX];
        *event = (weir_event){.body = {item.data, item.len}};
        item = weir_event_item(event);
    }
    return item;
}

static bool give_pieces(weir_gen *self, weir_item *item)
{
    weir_item piece = *item;
    piece.flags |= WEIR_ITEM_PART;
    item->len = 0;
    return weir_yield(self, &piece) && weir_yield(self, item);
}

WEIR_SOURCE(feed_source, struct feed_args)
{
    size_t count = feed_count();
    while (feed.given < count) {
        weir_item items[PORTION_MAX];
        size_t n = 0;
        if (feed.pause_ms > 0 && !weir_sleep(args->scope, feed.pause_ms)) {
            break;
        }
        if (feed.given + 1 == feed.silent_at && !weir_sleep(args->scope, INT64_MAX / 2000000)) {
            break;
        }
        if (feed.given + 1 == feed.fail_at) {
            feed.closed = true;
            return weir_fail(self, WEIR_ERESET, "cut at item %zu", feed.fail_at);
        }
        do {
            items[n] = feed_item(feed.given + n);
            n++;
        } while (n < feed.portion && feed.given + n < count && feed.given + n + 1 != feed.fail_at &&
                 feed.given + n + 1 != feed.silent_at);
        feed.given += n;
        if (!(feed.in_pieces ? give_pieces(self, items) : weir_yield_many(self, items, n))) {
            break;
        }
    }
    feed.closed = true;
    return 0;
}

static weir_gen *feed_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)up;
    (void)args;
    return feed_source(opening->scope, (struct feed_args){opening->scope});
}

#define FEED(n, shape)                                                                \
    {                                                                                 \
        .struct_size = sizeof(weir_component), .name = n, .kind = WEIR_KIND_SOURCE,   \
        .gives = shape, .help = "What a test gives.", .example = n, .open = feed_open \
    }
static const weir_component feeds[] = {
    FEED("feed-lines", WEIR_SHAPE_LINE),
    FEED("feed-bytes", WEIR_SHAPE_BYTES),
    FEED("feed-json", WEIR_SHAPE_JSON),
    FEED("feed-events", WEIR_SHAPE_EVENT),
};

static const weir_component *feed_of(const struct wr_stage_kit *kit)
{
    static const weir_component *const list[] = {&feeds[0], &feeds[1], &feeds[2], &feeds[3], NULL};
    static bool added;
    added = added || wr_plan_components_add(list) == 0;
    ck_assert(added);
    for (size_t i = 0; list[i] != NULL; i++) {
        if (list[i]->gives == kit->shape) {
            return list[i];
        }
    }
    return list[0];
}

/* Open the kit's stage behind the source, which begins anew. */
static weir_gen *open_kit(const struct wr_stage_kit *kit, weir_scope *scope, struct feed how)
{
    char text[512];
    weir_error error;
    weir_gen *gen = NULL;
    (void)snprintf(text, sizeof text, "%s | %s", feed_of(kit)->name, kit->text);
    feed = how;
    feed.kit = kit;
    feed.portion = feed.portion > 0 ? feed.portion : 1;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", kit->text, error.message);
    int rc = weir_plan_open(plan, scope, NULL, &gen, NULL, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
    return gen;
}

/* The kit's stage in a plan: its component, and its traits and shapes with its arguments. */
struct part {
    const weir_component *component;
    uint32_t traits, gives;
};

static struct part part_of(const struct wr_stage_kit *kit)
{
    char text[512];
    weir_error error;
    (void)snprintf(text, sizeof text, "%s | %s", feed_of(kit)->name, kit->text);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", kit->text, error.message);
    struct part part = {weir_plan_part(plan, 1), weir_plan_part_traits(plan, 1),
                        wr_plan_gives(plan->parts[1].step)};
    weir_plan_free(plan);
    return part;
}

/* ---- what came out, as text: each item with '|' behind it, the parts of a batch with ',' */

/* The bytes of an item: what would be taken for the end of it is written as \xHH. */
static void show_bytes(struct wr_plan_out *out, weir_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("|,\\", text.data[i], 4) != NULL) { /* and NUL */
            wr_plan_out_print(out, "\\x%02x", (unsigned)(unsigned char)text.data[i]);
        } else {
            wr_plan_out_bytes(out, text.data + i, 1);
        }
    }
}

static void show(struct wr_plan_out *out, const weir_item *item)
{
    const weir_item *parts;
    size_t count = weir_item_parts(item, &parts);
    for (size_t i = 0; i < count; i++) {
        weir_slice text;
        ck_assert_int_eq(weir_item_text(&parts[i], &text, NULL), 0);
        wr_plan_out_bytes(out, ",", i > 0 ? 1 : 0);
        show_bytes(out, text);
    }
    wr_plan_out_bytes(out, "|", 1);
}

/* Read to the end, `max` at a time. Returns what weir_finish did. */
static int read_all(weir_gen *gen, size_t max, char to[TEXT_MAX], weir_error *error)
{
    weir_item items[PORTION_MAX];
    struct wr_plan_out out;
    size_t n;
    wr_plan_out_init(&out, to, TEXT_MAX);
    while ((n = weir_next_many(gen, items, max)) > 0) {
        ck_assert_uint_le(n, max);
        for (size_t i = 0; i < n; i++) {
            show(&out, &items[i]);
        }
    }
    return weir_finish(gen, error);
}

/* What the stage gives of the first `count` items, pulled one by one. */
static void reference(const struct wr_stage_kit *kit, size_t count, char to[TEXT_MAX])
{
    struct wr_stage_kit part = *kit;
    static weir_slice numbers[12];
    static const char *const digits[] = {"1", "2", "3", "4",  "5",  "6",
                                         "7", "8", "9", "10", "11", "12"};
    weir_error error;
    if (kit->items == NULL) {
        for (size_t i = 0; i < 12; i++) {
            numbers[i] = (weir_slice){digits[i], strlen(digits[i])};
        }
        part.items = numbers;
    }
    part.items_count = count;
    weir_loop *loop = test_loop();
    int rc = read_all(open_kit(&part, weir_root(loop), (struct feed){0}), 1, to, &error);
    weir_loop_free(loop);
    ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
}

static size_t count_of(const struct wr_stage_kit *kit)
{
    return kit->items != NULL ? kit->items_count : 12;
}

/* Whether it drops items by time or when it is full: then what comes out depends on how it is
 * read. */
static bool drops(const struct wr_stage_kit *kit)
{
    return (part_of(kit).traits & WEIR_TRAIT_CHANGES_OUTCOMES) != 0;
}

static void settle(weir_loop *loop)
{
    ck_assert(weir_sleep(weir_root(loop), 100));
}

/* ---- the tests */

SUITE_TEST(gives_the_same_in_any_portion, struct wr_stage_kit)
{
    static const size_t sizes[] = {1, 2, 3, PORTION_MAX};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    char expected[TEXT_MAX];
    if (wr_test_sweeps() || drops(kit)) {
        return; /* the others meet the same failures */
    }
    reference(kit, count_of(kit), expected);
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        char got[TEXT_MAX];
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.portion = sizes[i / SIZES]});
        int rc = read_all(gen, sizes[i % SIZES], got, &error);
        weir_loop_free(loop);
        ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
        ck_assert_msg(
            strcmp(got, expected) == 0,
            "%s: portions of %zu items, pulled %zu at a time: gave \"%s\", expected \"%s\"",
            kit->text, sizes[i / SIZES], sizes[i % SIZES], got, expected);
    }
}

SUITE_TEST(ends_with_its_upstream, struct wr_stage_kit)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){0});
    while (weir_next(gen, &item)) {}
    ck_assert_msg(feed.closed, "%s: its upstream is open at the end", kit->text);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_int_eq(error.code, 0);
    weir_loop_free(loop);
}

/* What the stage gives of the first `count` items while it cannot know that no more will come. */
static void surely_given(const struct wr_stage_kit *kit, size_t count, char to[TEXT_MAX])
{
    weir_item item;
    struct wr_plan_out out;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.silent_at = count + 1});
    wr_plan_out_init(&out, to, TEXT_MAX);
    while (weir_next_within(gen, &item, 1) == WEIR_GOT_ITEM) {
        show(&out, &item);
    }
    weir_discard(gen);
    weir_loop_free(loop);
}

/* What was given before item `at` failed. A framer does not give what is unfinished. A stage that
 * holds items back may leave out the incomplete rest, and nothing else. */
static void check_before_failure(const struct wr_stage_kit *kit, size_t at, const char *got)
{
    char expected[TEXT_MAX], without_rest[TEXT_MAX];
    struct part part = part_of(kit);
    if ((part.component->traits & WEIR_TRAIT_FRAMES) != 0) {
        reference(kit, count_of(kit), expected);
        ck_assert_msg(strncmp(got, expected, strlen(got)) == 0,
                      "%s: item %zu fails: gave \"%s\", expected the beginning of \"%s\"",
                      kit->text, at, got, expected);
        return;
    }
    reference(kit, at - 1, expected);
    if ((part.traits & WEIR_TRAIT_HOLDS_BACK) == 0) {
        ck_assert_msg(strcmp(got, expected) == 0,
                      "%s: item %zu fails: gave \"%s\", expected \"%s\"", kit->text, at, got,
                      expected);
        return;
    }
    surely_given(kit, at - 1, without_rest);
    ck_assert_msg(strcmp(got, expected) == 0 || strcmp(got, without_rest) == 0,
                  "%s: item %zu fails: gave \"%s\", expected \"%s\", or \"%s\" without the rest",
                  kit->text, at, got, expected, without_rest);
}

SUITE_TEST(gives_items_before_a_failure, struct wr_stage_kit)
{
    size_t count = count_of(kit);
    for (size_t at = wr_test_sweeps() ? count / 2 : 1; at <= count;
         at += wr_test_sweeps() ? count : 1) {
        char got[TEXT_MAX];
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.fail_at = at});
        int rc = read_all(gen, 3, got, &error);
        bool met = feed.given + 1 == at && feed.closed; /* it was asked for the item that fails */
        weir_loop_free(loop);
        if (rc == 0) {
            /* It had enough before: its upstream was ended, not read to the failure. */
            ck_assert_msg(!met || feed.given < at, "%s: a failure vanishes", kit->text);
            continue;
        }
        ck_assert_msg(rc == WEIR_ERESET, "%s: %s", kit->text, error.message);
        ck_assert_str_eq(error.origin, "feed_source");
        if (!drops(kit)) {
            check_before_failure(kit, at, got);
        }
    }
}

SUITE_TEST(may_be_late, struct wr_stage_kit)
{
    char got[TEXT_MAX];
    char expected[TEXT_MAX];
    weir_item item;
    weir_error error;
    struct wr_plan_out out;
    weir_got what;
    size_t late = 0;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.pause_ms = 50});
    ck_assert_int_eq(read_all(gen, 1, expected, &error), 0);
    gen = open_kit(kit, weir_root(loop), (struct feed){.pause_ms = 50});
    wr_plan_out_init(&out, got, sizeof got);
    while ((what = weir_next_within(gen, &item, 10)) != WEIR_GOT_OVER) {
        late += what == WEIR_GOT_LATE;
        if (what == WEIR_GOT_ITEM) {
            show(&out, &item);
        }
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    ck_assert_uint_gt(late, 0);
    ck_assert_msg(strcmp(got, expected) == 0,
                  "%s: each pull within 10 ms: gave \"%s\", expected \"%s\" as without a limit",
                  kit->text, got, expected);
}

struct reader {
    weir_gen *gen;
    int *rc; /* 1: it reads */
};

static int read_main(weir_scope *scope, void *args)
{
    struct reader *reader = args;
    weir_item item;
    (void)scope;
    while (weir_next(reader->gen, &item)) {}
    *reader->rc = weir_finish(reader->gen, NULL);
    return 0;
}

/* Read in `of`, cancel the scope that the stage was made in, and see that the reader comes out. */
static int cancel_while_reading(const struct wr_stage_kit *kit, bool elsewhere, bool starved)
{
    int rc = 1;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *reads = elsewhere ? weir_scope_new(weir_root(loop), NULL) : made;
    weir_gen *gen = open_kit(kit, made, (struct feed){.silent_at = starved ? 0 : 1});
    struct reader reader = {gen, &rc};
    size_t taken = starved ? (size_t)(loop->budget.limit - loop->budget.used) : 0;
    ck_assert(taken == 0 || wr_budget_charge(&loop->budget, taken));
    weir_spawn(reads, "reader", read_main, &reader, sizeof reader);
    settle(loop);
    ck_assert_msg(starved || rc == 1, "%s: it does not wait", kit->text);
    weir_scope_cancel(made);
    settle(loop);
    int told = rc;
    if (taken > 0) {
        wr_budget_release(&loop->budget, taken);
    }
    (void)!weir_scope_wait(made, &error);
    if (elsewhere) {
        (void)!weir_scope_wait(reads, &error);
    }
    weir_loop_free(loop);
    return told;
}

SUITE_TEST(is_canceled_while_waiting, struct wr_stage_kit)
{
    ck_assert_msg(cancel_while_reading(kit, false, false) == WEIR_ECANCELED, "%s", kit->text);
}

SUITE_TEST(is_canceled_from_elsewhere, struct wr_stage_kit)
{
    ck_assert_msg(cancel_while_reading(kit, true, false) == WEIR_ECANCELED, "%s", kit->text);
}

SUITE_TEST(is_canceled_without_memory, struct wr_stage_kit)
{
    int rc = cancel_while_reading(kit, true, true);
    ck_assert_msg(rc != 1, "%s: its reader is still inside", kit->text);
}

SUITE_TEST(is_discarded_midway, struct wr_stage_kit)
{
    for (size_t read = wr_test_sweeps() ? 2 : 0; read < 3; read++) {
        weir_item item;
        weir_loop *loop = test_loop();
        weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.portion = 2});
        for (size_t i = 0; i < read && weir_next(gen, &item); i++) {}
        weir_discard(gen);
        ck_assert_msg(feed.given == 0 || feed.closed, "%s: its upstream is open", kit->text);
        weir_ledger ledger = ledger_of(weir_root(loop));
        ck_assert_uint_eq(ledger.in, ledger.delivered + ledger.filtered + ledger.rejected +
                                         ledger.dropped + ledger.in_flight);
        weir_loop_free(loop);
    }
}

SUITE_TEST(settles_every_item, struct wr_stage_kit)
{
    char text[TEXT_MAX];
    size_t out = 0;
    reference(kit, count_of(kit), text);
    for (const char *c = text; *c != '\0'; c++) {
        out += *c == '|' || *c == ',';
    }
    for (size_t portion = wr_test_sweeps() ? PORTION_MAX : 1; portion <= PORTION_MAX;
         portion *= 8) {
        weir_error error;
        weir_loop *loop = test_loop();
        weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.portion = portion});
        int rc = weir_pump(gen, weir_null_sink(weir_root(loop)), &error);
        weir_ledger ledger = ledger_of(weir_root(loop));
        weir_loop_free(loop);
        ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
        ck_assert_uint_ge(ledger.in, 1);
        ck_assert_msg(ledger.in_flight == 0, "%s: %llu items never settle", kit->text,
                      (unsigned long long)ledger.in_flight);
        ck_assert_msg(kit->shape == WEIR_SHAPE_BYTES || ledger.delivered == out || drops(kit),
                      "%s: %llu items count as delivered, and %zu came out", kit->text,
                      (unsigned long long)ledger.delivered, out);
    }
}

/* Pulled one by one, with one item at a time upstream. */
static void check_pulls(const struct wr_stage_kit *kit, const struct part *part)
{
    weir_item item;
    weir_error error;
    size_t count = 0;
    uint32_t gives = part->gives != WEIR_SHAPE_SAME ? part->gives
                     : kit->shape != 0              ? kit->shape
                                                    : WEIR_SHAPE_LINE;
    bool exact = (part->traits & (WEIR_TRAIT_READS_AHEAD | WEIR_TRAIT_HOLDS_BACK)) == 0 &&
                 (part->component->traits & WEIR_TRAIT_FRAMES) == 0;
    bool one_to_one = (part->traits & WEIR_TRAIT_ONE_TO_ONE) != 0 && kit->shape != WEIR_SHAPE_BYTES;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){0});
    while (weir_next(gen, &item)) {
        count++;
        ck_assert_msg((wr_shape_of(&item) & gives) != 0,
                      "%s: gave an item of shape 0x%x, expected one of 0x%x (enum weir_shape)",
                      kit->text, wr_shape_of(&item), gives);
        ck_assert_msg(!exact || item.seq == feed.given, "%s: it has asked for item %zu to give %zu",
                      kit->text, feed.given, (size_t)item.seq);
        ck_assert_msg(!one_to_one || item.seq == count,
                      "%s: it is one-to-one, and gives item %zu as %zu", kit->text,
                      (size_t)item.seq, count);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    ck_assert_msg(!one_to_one || count == count_of(kit),
                  "%s: it is one-to-one: gave %zu items, expected %zu", kit->text, count,
                  count_of(kit));
}

/* How many items of the stage come when its upstream gives `from` and then nothing more. */
static size_t come_of(const struct wr_stage_kit *kit, size_t from, size_t *asked)
{
    weir_item item;
    weir_got got;
    size_t count = 0;
    int late = 0;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.silent_at = from + 1});
    while (late < 2) {
        got = weir_next_within(gen, &item, 1);
        ck_assert_msg(got == WEIR_GOT_ITEM || got == WEIR_GOT_LATE ||
                          (got == WEIR_GOT_OVER && feed.closed),
                      "%s: it ends by itself", kit->text);
        if (got == WEIR_GOT_OVER) {
            break;
        }
        count += got == WEIR_GOT_ITEM;
        late = got == WEIR_GOT_LATE ? late + 1 : 0;
    }
    *asked = feed.given;
    weir_discard(gen);
    weir_loop_free(loop);
    return count;
}

/* A stage that holds nothing back gives at once what it would give if its input ended here. */
static void check_held(const struct wr_stage_kit *kit, uint32_t traits)
{
    bool held = false;
    for (size_t from = 1; from <= count_of(kit) && kit->shape != WEIR_SHAPE_BYTES; from++) {
        char expected[TEXT_MAX];
        size_t asked, whole = 0;
        reference(kit, from, expected);
        for (const char *c = expected; *c != '\0'; c++) {
            whole += *c == '|';
        }
        size_t come = come_of(kit, from, &asked);
        held = held || come < whole;
    }
    ck_assert_msg(held == ((traits & WEIR_TRAIT_HOLDS_BACK) != 0),
                  held ? "%s: it holds items back" : "%s: it holds nothing back", kit->text);
}

/* When one item is pulled and the reader then does nothing. */
static void check_ahead(const struct wr_stage_kit *kit)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){0});
    bool got = weir_next(gen, &item);
    settle(loop);
    ck_assert_msg(!got || feed.given > item.seq, "%s: it does not read ahead of its reader",
                  kit->text);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* What a reader gets that takes one item, waits until nobody has anything to do, and takes the
 * others. */
static void check_drops(const struct wr_stage_kit *kit, uint32_t traits)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){0});
    bool got = weir_next(gen, &item);
    settle(loop);
    while (got && weir_next(gen, &item)) {}
    (void)!weir_finish(gen, NULL);
    weir_ledger ledger = ledger_of(weir_root(loop));
    weir_loop_free(loop);
    ck_assert_msg((ledger.dropped > 0) == ((traits & WEIR_TRAIT_CHANGES_OUTCOMES) != 0),
                  "%s: %llu items are dropped", kit->text, (unsigned long long)ledger.dropped);
    ck_assert_msg(ledger.rejected == 0 || (traits & WEIR_TRAIT_REJECTS) != 0,
                  "%s: items are rejected", kit->text);
}

/* Time that passes between the items changes nothing. */
static void check_slow(const struct wr_stage_kit *kit, const char *expected)
{
    char got[TEXT_MAX];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.pause_ms = 3600 * 1000});
    ck_assert_int_eq(read_all(gen, 1, got, &error), 0);
    weir_loop_free(loop);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: over hours %s, at once %s", kit->text, got,
                  expected);
}

/* What comes of the first three items, and then of the others alone, differs from what comes of all
 * in one run only where the stage keeps something over its items. */
static void check_kept(const struct wr_stage_kit *kit, uint32_t traits)
{
    enum { FIRST = 3 };
    uint32_t says = WEIR_TRAIT_COUNTS | WEIR_TRAIT_STATE_RESTARTS | WEIR_TRAIT_STATE_REPLAYS;
    char apart[2 * TEXT_MAX], rest[TEXT_MAX], whole[TEXT_MAX];
    weir_slice items[12];
    struct wr_stage_kit last = *kit;
    if (count_of(kit) <= FIRST || count_of(kit) > 12) {
        return;
    }
    reference(kit, count_of(kit), whole);
    reference(kit, FIRST, apart);
    feed.kit = kit;
    feed.big = 0;
    for (size_t i = FIRST; i < count_of(kit); i++) {
        weir_item item = feed_item(i);
        ck_assert_int_eq(weir_item_text(&item, &items[i - FIRST], NULL), 0);
    }
    last.items = items;
    last.items_count = count_of(kit) - FIRST;
    reference(&last, last.items_count, rest);
    bool keeps = strcmp(strcat(apart, rest), whole) != 0;
    ck_assert_msg(keeps == ((traits & says) != 0),
                  keeps ? "%s: it keeps something over its items" : "%s: it keeps nothing",
                  kit->text);
}

/* Items in pieces come out in pieces: each whole, and as one item. */
static void check_pieces(const struct wr_stage_kit *kit)
{
    char got[TEXT_MAX];
    char expected[TEXT_MAX];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = open_kit(kit, weir_root(loop), (struct feed){.in_pieces = true});
    struct wr_plan_out out;
    weir_item item;
    wr_plan_out_init(&out, got, sizeof got);
    while (weir_next(gen, &item)) {
        wr_plan_out_bytes(&out, item.data, item.len);
        wr_plan_out_bytes(&out, "|", (item.flags & WEIR_ITEM_PART) == 0);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    reference(kit, count_of(kit), expected);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: in pieces %s, whole %s", kit->text, got,
                  expected);
}

/* Two runs with one state, cut after `count` items: together they write what one run would. */
static void check_runs(const struct wr_stage_kit *kit, size_t count)
{
    char text[640], whole[TEXT_MAX];
    struct wr_suite_run run;
    struct wr_folder folder;
    weir_plan_options options = {.struct_size = sizeof options};
    size_t len;
    weir_loop *loop = weir_loop_new(NULL); /* a state is saved on a thread */
    wr_folder_make(&folder);
    FILE *file = fopen(wr_folder_path(&folder, "in"), "w");
    ck_assert_ptr_nonnull(file);
    feed.kit = kit;
    feed.big = 0;
    for (size_t i = 0; i < count_of(kit); i++) {
        weir_item item = feed_item(i);
        fwrite(item.data, 1, item.len, file);
        fputs(kit->shape == WEIR_SHAPE_BYTES ? "" : "\n", file);
    }
    fclose(file);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s | %s | file %s", wr_folder_path(&folder, "in"), kit->text,
                 wr_folder_path(&folder, i == 0 ? "whole" : "out"));
        wr_suite_run_begins(&run, loop, &folder, i == 0 ? "whole" : "run", options, text);
        wr_suite_run_ends(&run, i == 1 ? count : SIZE_MAX, NULL, NULL);
    }
    snprintf(whole, sizeof whole, "%s", wr_folder_read(&folder, "whole", &len));
    ck_assert_msg(strcmp(wr_folder_read(&folder, "out", &len), whole) == 0,
                  "%s: cut after %zu items", kit->text, count);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

SUITE_TEST(is_as_its_traits_say, struct wr_stage_kit)
{
    struct part part = part_of(kit);
    uint32_t traits = part.traits;
    if (wr_test_sweeps()) {
        return; /* the others meet the same failures */
    }
    check_pulls(kit, &part);
    check_drops(kit, traits);
    if ((traits & WEIR_TRAIT_CHANGES_OUTCOMES) == 0) {
        check_held(kit, traits);
    }
    if ((traits & (WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_HOLDS_BACK)) == 0 &&
        kit->shape != WEIR_SHAPE_BYTES) {
        check_kept(kit, traits);
    }
    ck_assert_msg((traits & WEIR_TRAIT_ONE_TO_ONE) == 0 ||
                      part.component->takes != WEIR_SHAPE_BYTES,
                  "%s: it is one-to-one, and takes bytes cut anywhere", kit->text);
    if ((traits & WEIR_TRAIT_READS_AHEAD) != 0 &&
        (traits & (WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_CHANGES_OUTCOMES)) == 0) {
        check_ahead(kit);
    }
    if ((traits & WEIR_TRAIT_PIECES) != 0) {
        check_pieces(kit);
    }
    if ((traits & (WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_STATE_RESTARTS)) == 0 &&
        (kit->shape == 0 || kit->shape == WEIR_SHAPE_BYTES)) {
        check_runs(kit, 1);
        check_runs(kit, 3);
    }
    if ((traits & WEIR_TRAIT_PURE) != 0) {
        char once[TEXT_MAX];
        char again[TEXT_MAX];
        reference(kit, count_of(kit), once);
        reference(kit, count_of(kit), again);
        ck_assert_msg(strcmp(once, again) == 0,
                      "%s: it is pure: gave \"%s\" again, expected \"%s\" as before", kit->text,
                      again, once);
        check_slow(kit, once);
    }
}

SUITE_TEST(keeps_memory_bound, struct wr_stage_kit)
{
    weir_item item;
    weir_error error;
    weir_stats stats = {.struct_size = sizeof stats};
    enum { BUDGET_BYTES = 4 * 1024 * 1024 };
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = BUDGET_BYTES));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen =
        open_kit(kit, weir_root(loop), (struct feed){.portion = PORTION_MAX, .big = BIG_ITEMS});
    while (weir_next(gen, &item)) {}
    int rc = weir_finish(gen, &error);
    weir_loop_stats(loop, &stats);
    weir_loop_free(loop);
    /* What is no record of a binary framer fails it; memory is bounded all the same. */
    ck_assert_msg(rc == 0 || rc == WEIR_EPARSE || rc == WEIR_ETRUNCATED || rc == WEIR_ETOOLONG,
                  "%s: %s", kit->text, error.message);
    ck_assert_msg(stats.budget_peak_bytes <= BUDGET_BYTES, "%s: %lld bytes", kit->text,
                  (long long)stats.budget_peak_bytes);
}

/* ---- the suite */

const struct wr_suite_test wr_stage_suite[] = {
    {"gives_the_same_in_any_portion", gives_the_same_in_any_portion},
    {"ends_with_its_upstream", ends_with_its_upstream},
    {"gives_items_before_a_failure", gives_items_before_a_failure},
    {"may_be_late", may_be_late},
    {"is_canceled_while_waiting", is_canceled_while_waiting},
    {"is_canceled_from_elsewhere", is_canceled_from_elsewhere},
    {"is_canceled_while_waiting_for_memory", is_canceled_without_memory},
    {"is_discarded_midway", is_discarded_midway},
    {"settles_every_item", settles_every_item},
    {"is_as_its_traits_say", is_as_its_traits_say},
    {"keeps_memory_bound", keeps_memory_bound},
    {NULL, NULL},
};
