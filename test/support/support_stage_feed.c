/*
 * support_stage_feed.c - the source of the suite for stages, and what came of it: see the header.
 */
#include <stdio.h>
#include <string.h>

#include "support_stage_feed.h"

enum { BIG_LEN = 1024 };

struct wr_feed wr_feed;

struct feed_args {
    weir_scope *scope;
};

static size_t feed_count(void)
{
    return wr_feed.big > 0              ? wr_feed.big
           : wr_feed.kit->items != NULL ? wr_feed.kit->items_count
                                        : 12;
}

weir_item wr_feed_item(size_t index)
{
    static char numbers[WR_PORTION_MAX][8];
    static char big[BIG_LEN];
    static weir_event events[WR_PORTION_MAX];
    weir_item item;
    if (wr_feed.big > 0) {
        memset(big, '7', sizeof big);
        big[sizeof big - 1] = '\n';
        item = weir_bytes(big, sizeof big - (wr_feed.kit->shape != WEIR_SHAPE_BYTES));
    } else if (wr_feed.kit->items != NULL) {
        item = weir_bytes(wr_feed.kit->items[index].data, wr_feed.kit->items[index].len);
    } else {
        char *text = numbers[index % WR_PORTION_MAX];
        int len = snprintf(text, sizeof numbers[0], "%zu", index + 1);
        item = weir_bytes(text, (size_t)len);
    }
    if (wr_feed.kit->shape == WEIR_SHAPE_JSON) {
        item.type = &weir_json_type;
    } else if (wr_feed.kit->shape == WEIR_SHAPE_EVENT) {
        weir_event *event = &events[index % WR_PORTION_MAX];
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
    while (wr_feed.given < count) {
        weir_item items[WR_PORTION_MAX];
        size_t n = 0;
        if (wr_feed.pause_ms > 0 && !weir_sleep(args->scope, wr_feed.pause_ms)) {
            break;
        }
        if (wr_feed.given + 1 == wr_feed.silent_at &&
            !weir_sleep(args->scope, INT64_MAX / 2000000)) {
            break;
        }
        if (wr_feed.given + 1 == wr_feed.fail_at) {
            wr_feed.closed = true;
            return weir_fail(self, WEIR_ERESET, "cut at item %zu", wr_feed.fail_at);
        }
        do {
            items[n] = wr_feed_item(wr_feed.given + n);
            n++;
        } while (n < wr_feed.portion && wr_feed.given + n < count &&
                 wr_feed.given + n + 1 != wr_feed.fail_at &&
                 wr_feed.given + n + 1 != wr_feed.silent_at);
        wr_feed.given += n;
        if (!(wr_feed.in_pieces ? give_pieces(self, items) : weir_yield_many(self, items, n))) {
            break;
        }
    }
    wr_feed.closed = true;
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
    wr_test_keeps(true);
    added = added || wr_plan_components_add(list) == 0;
    wr_test_keeps(false);
    ck_assert(added);
    for (size_t i = 0; list[i] != NULL; i++) {
        if (list[i]->gives == kit->shape) {
            return list[i];
        }
    }
    return list[0];
}

weir_gen *wr_feed_open(const struct wr_stage_kit *kit, weir_scope *scope, struct wr_feed how)
{
    char text[512];
    weir_error error;
    weir_gen *gen = NULL;
    (void)snprintf(text, sizeof text, "%s | %s", feed_of(kit)->name, kit->text);
    wr_feed = how;
    wr_feed.kit = kit;
    wr_feed.portion = wr_feed.portion > 0 ? wr_feed.portion : 1;
    weir_plan_options options = {.struct_size = sizeof options};
    options.state = how.with_state ? weir_state_open(scope, NULL, "suite") : NULL;
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", kit->text, error.message);
    int rc = weir_plan_open(plan, scope, &options, &gen, NULL, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
    return gen;
}

struct wr_stage_part wr_stage_part_of(const struct wr_stage_kit *kit)
{
    char text[512];
    weir_error error;
    (void)snprintf(text, sizeof text, "%s | %s", feed_of(kit)->name, kit->text);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", kit->text, error.message);
    struct wr_stage_part part = {weir_plan_part(plan, 1), weir_plan_part_traits(plan, 1),
                                 wr_plan_gives(plan->parts[1].step)};
    weir_plan_free(plan);
    return part;
}

/* ---- what came out */

/* The bytes of an item: what would be taken for the end of it is written as \xHH. */
static void show_bytes(struct wr_print *out, weir_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("|,\\", text.data[i], 4) != NULL) { /* and NUL */
            wr_printf(out, "\\x%02x", (unsigned)(unsigned char)text.data[i]);
        } else {
            wr_print_bytes(out, text.data + i, 1);
        }
    }
}

void wr_shown_add(struct wr_print *out, const weir_item *item)
{
    const weir_item *parts;
    size_t count = weir_item_parts(item, &parts);
    for (size_t i = 0; i < count; i++) {
        weir_slice text;
        ck_assert_int_eq(weir_item_text(&parts[i], &text, NULL), 0);
        wr_print_bytes(out, ",", i > 0 ? 1 : 0);
        show_bytes(out, text);
    }
    wr_print_bytes(out, "|", 1);
}

int wr_shown_read(weir_gen *gen, size_t max, char to[WR_SHOWN_MAX], weir_error *error)
{
    weir_item items[WR_PORTION_MAX];
    struct wr_print out;
    size_t n;
    wr_print_to(&out, to, WR_SHOWN_MAX);
    while ((n = weir_next_many(gen, items, max)) > 0) {
        ck_assert_uint_le(n, max);
        for (size_t i = 0; i < n; i++) {
            wr_shown_add(&out, &items[i]);
        }
    }
    return weir_finish(gen, error);
}

void wr_reference(const struct wr_stage_kit *kit, size_t count, char to[WR_SHOWN_MAX])
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
    int rc =
        wr_shown_read(wr_feed_open(&part, weir_root(loop), (struct wr_feed){0}), 1, to, &error);
    weir_loop_free(loop);
    ck_assert_msg(rc == 0, "%s: %s", kit->text, error.message);
}

size_t wr_kit_count(const struct wr_stage_kit *kit)
{
    return kit->items != NULL ? kit->items_count : 12;
}

bool wr_kit_drops(const struct wr_stage_kit *kit)
{
    return (wr_stage_part_of(kit).traits & WEIR_TRAIT_CHANGES_OUTCOMES) != 0;
}

bool wr_kit_encodes(const struct wr_stage_kit *kit)
{
    struct wr_stage_part part = wr_stage_part_of(kit);
    return part.gives == WEIR_SHAPE_BYTES && part.component->takes != WEIR_SHAPE_BYTES;
}
