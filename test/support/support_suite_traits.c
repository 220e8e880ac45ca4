/*
 * support_suite_traits.c - the suite for stages: a stage does what the traits in its descriptor say,
 * and what they do not say it does not do.
 */
#include <stdio.h>
#include <string.h>

#include "support_stage_feed.h"
#include "support_suites.h"

/* Pulled one by one, with one item at a time upstream. */
static void check_pulls(const struct wr_stage_kit *kit, const struct wr_stage_part *part)
{
    weir_item item;
    weir_error error;
    size_t count = 0;
    uint32_t gives = part->gives != WEIR_SHAPE_SAME ? part->gives
                     : kit->shape != 0              ? kit->shape
                                                    : WEIR_SHAPE_LINE;
    bool exact = (part->traits & (WEIR_TRAIT_READS_AHEAD | WEIR_TRAIT_HOLDS_BACK)) == 0 &&
                 (part->component->traits & WEIR_TRAIT_FRAMES) == 0;
    bool has_end = wr_kit_encodes(kit); /* bytes of no item, without a number */
    bool one_to_one = (part->traits & WEIR_TRAIT_ONE_TO_ONE) != 0 && kit->shape != WEIR_SHAPE_BYTES;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){0});
    while (weir_next(gen, &item)) {
        count++;
        ck_assert_msg((wr_shape_of(&item) & gives) != 0,
                      "%s: gave an item of shape 0x%x, expected one of 0x%x (enum weir_shape)",
                      kit->text, wr_shape_of(&item), gives);
        ck_assert_msg(!exact || item.seq == wr_feed.given || (has_end && item.seq == 0),
                      "%s: it has asked for item %zu to give %zu", kit->text, wr_feed.given,
                      (size_t)item.seq);
        ck_assert_msg(!one_to_one || item.seq == count,
                      "%s: it is one-to-one, and gives item %zu as %zu", kit->text,
                      (size_t)item.seq, count);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    ck_assert_msg(!one_to_one || count == wr_kit_count(kit),
                  "%s: it is one-to-one: gave %zu items, expected %zu", kit->text, count,
                  wr_kit_count(kit));
}

/* How many items of the stage come when its upstream gives `from` and then nothing more. kept: are
 * there items that have not settled by then, though what came has been used? */
static size_t come_of(const struct wr_stage_kit *kit, size_t from, bool with_state, bool *kept)
{
    weir_item item;
    weir_got got;
    size_t count = 0;
    int late = 0;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop),
                                 (struct wr_feed){.silent_at = from + 1, .with_state = with_state});
    while (late < 2) {
        got = weir_next_within(gen, &item, 1);
        ck_assert_msg(got == WEIR_GOT_ITEM || got == WEIR_GOT_LATE ||
                          (got == WEIR_GOT_OVER && wr_feed.closed),
                      "%s: it ends by itself", kit->text);
        if (got == WEIR_GOT_OVER) {
            break;
        }
        count += got == WEIR_GOT_ITEM;
        late = got == WEIR_GOT_LATE ? late + 1 : 0;
    }
    *kept = ledger_of(weir_root(loop)).in_flight > 0;
    weir_discard(gen);
    weir_loop_free(loop);
    return count;
}

/* A stage that holds nothing back gives at once what it would give if its input ended here, but for the
 * bytes that end the stream of an encoder. One that says it holds bytes back is not looked at with
 * bytes cut anywhere. */
static void check_held(const struct wr_stage_kit *kit, uint32_t traits)
{
    bool held = false, says = (traits & WEIR_TRAIT_HOLDS_BACK) != 0;
    size_t ends = wr_kit_encodes(kit) && !says ? 1 : 0;
    if (says && kit->shape == WEIR_SHAPE_BYTES) {
        return;
    }
    for (size_t from = 1; from <= wr_kit_count(kit) && kit->shape != WEIR_SHAPE_BYTES; from++) {
        char expected[WR_SHOWN_MAX];
        size_t whole = 0;
        bool kept;
        wr_reference(kit, from, expected);
        for (const char *c = expected; *c != '\0'; c++) {
            whole += *c == '|';
        }
        size_t come = come_of(kit, from, false, &kept);
        held =
            held || (wr_feed.given >= from && come + ends < whole); /* else it has not read them */
    }
    ck_assert_msg(held == says, held ? "%s: it holds items back" : "%s: it holds nothing back",
                  kit->text);
}

/* When one item is pulled and the reader then does nothing for hours. */
static void check_ahead(const struct wr_stage_kit *kit, uint32_t traits)
{
    weir_item item;
    enum { HOUR_MS = 3600 * 1000 };
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.pause_ms = HOUR_MS});
    bool got = weir_next(gen, &item);
    size_t asked = wr_feed.given;
    ck_assert(weir_sleep(weir_root(loop), 3 * HOUR_MS));
    bool ahead = wr_feed.given > asked;
    ck_assert_msg(!got || ahead == ((traits & WEIR_TRAIT_READS_AHEAD) != 0),
                  ahead ? "%s: it reads ahead of its reader" : "%s: it does not read ahead",
                  kit->text);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* What some component cannot use: no item at all, no UTF-8, half a value, bytes that end a text, a
 * quote without an end. */
static const weir_slice bad_items[] = {
    {"", 0}, {"\xff\xfe", 2}, {"{\"a\":", 5}, {"\0\"", 2}, {"\"", 1}};

/* Among items that it cannot use, and those of the kit. */
static void check_rejects(const struct wr_stage_kit *kit, const struct wr_stage_part *part)
{
    struct wr_stage_kit bad = *kit;
    weir_item item;
    weir_loop *loop = test_loop();
    bad.items = bad_items;
    bad.items_count = sizeof bad_items / sizeof *bad_items;
    uint64_t rejected = 0;
    const struct wr_stage_kit *const kits[] = {kit, &bad};
    for (size_t i = 0; i < 2; i++) {
        weir_gen *gen = wr_feed_open(kits[i], weir_root(loop), (struct wr_feed){0});
        while (weir_next(gen, &item)) {}
        bool failed = weir_finish(gen, NULL) < 0;
        rejected += failed && part->component->stops != 0;
        rejected += ledger_of(weir_root(loop)).rejected;
    }
    weir_loop_free(loop);
    ck_assert_msg((rejected > 0) == ((part->traits & WEIR_TRAIT_REJECTS) != 0),
                  rejected > 0 ? "%s: it rejects items"
                               : "%s: it rejects none of its items, and nothing in bad_items of "
                                 "test/support/support_suite_traits.c",
                  kit->text);
}

/* What a reader gets that takes one item, waits until nobody has anything to do, and takes the
 * others. */
static void check_drops(const struct wr_stage_kit *kit, uint32_t traits)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){0});
    bool got = weir_next(gen, &item);
    wr_feed_settle(loop);
    while (got && weir_next(gen, &item)) {}
    (void)!weir_finish(gen, NULL);
    weir_ledger ledger = ledger_of(weir_root(loop));
    weir_loop_free(loop);
    ck_assert_msg((ledger.dropped > 0) == ((traits & WEIR_TRAIT_CHANGES_OUTCOMES) != 0),
                  "%s: %llu items are dropped", kit->text, (unsigned long long)ledger.dropped);
}

/* Time that passes between the items changes nothing. */
static void check_slow(const struct wr_stage_kit *kit, const char *expected)
{
    char got[WR_SHOWN_MAX];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.pause_ms = 3600 * 1000});
    ck_assert_int_eq(wr_shown_read(gen, 1, got, &error), 0);
    weir_loop_free(loop);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: over hours %s, at once %s", kit->text, got,
                  expected);
}

enum { FIRST = 3, TWELVE = 12 };

/* Does what comes of the first items, and then of the others alone, differ from what comes of all in
 * one run? */
static bool keeps(const struct wr_stage_kit *kit)
{
    char apart[2 * WR_SHOWN_MAX], rest[WR_SHOWN_MAX], whole[WR_SHOWN_MAX];
    weir_slice items[TWELVE];
    struct wr_stage_kit last = *kit;
    wr_reference(kit, wr_kit_count(kit), whole);
    wr_reference(kit, FIRST, apart);
    wr_feed.kit = kit;
    wr_feed.big = 0;
    for (size_t i = FIRST; i < wr_kit_count(kit); i++) {
        weir_item item = wr_feed_item(i);
        ck_assert_int_eq(weir_item_text(&item, &items[i - FIRST], NULL), 0);
    }
    last.items = items;
    last.items_count = wr_kit_count(kit) - FIRST;
    wr_reference(&last, last.items_count, rest);
    return strcmp(strcat(apart, rest), whole) != 0;
}

/* A stage keeps something over its items only if it says so, or if, with a state, it keeps the items
 * themselves: a restart reads those again. Looked at with the kit's items, and where it has none of
 * its own, with numbers that come twice. */
static void check_kept(const struct wr_stage_kit *kit, uint32_t traits)
{
    static const weir_slice twice[TWELVE] = {{"1", 1}, {"1", 1}, {"2", 1}, {"2", 1},
                                             {"3", 1}, {"3", 1}, {"4", 1}, {"4", 1},
                                             {"5", 1}, {"5", 1}, {"6", 1}, {"6", 1}};
    uint32_t says = WEIR_TRAIT_COUNTS | WEIR_TRAIT_STATE_RESTARTS | WEIR_TRAIT_STATE_REPLAYS;
    struct wr_stage_kit other = *kit;
    bool kept, over = false;
    if (wr_kit_count(kit) <= FIRST || wr_kit_count(kit) > TWELVE) {
        return;
    }
    if (kit->items == NULL) {
        other.items = twice;
        other.items_count = TWELVE;
    }
    const struct wr_stage_kit *const kits[] = {kit, &other};
    for (size_t i = 0; i < (kit->items == NULL ? 2 : 1); i++) {
        if (!keeps(kits[i])) {
            continue;
        }
        over = true;
        (void)come_of(kits[i], FIRST, true, &kept);
        ck_assert_msg(kept || (traits & says) != 0,
                      "%s: it keeps something over its items, and a restart loses it", kit->text);
    }
    ck_assert_msg(over || (traits & says) == 0, "%s: it keeps nothing", kit->text);
}

/* Items in pieces come out in pieces: each whole, and as one item. */
static void check_pieces(const struct wr_stage_kit *kit)
{
    char got[WR_SHOWN_MAX];
    char expected[WR_SHOWN_MAX];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = wr_feed_open(kit, weir_root(loop), (struct wr_feed){.in_pieces = true});
    struct wr_print out;
    weir_item item;
    wr_print_to(&out, got, sizeof got);
    while (weir_next(gen, &item)) {
        wr_print_bytes(&out, item.data, item.len);
        wr_print_bytes(&out, "|", (item.flags & WEIR_ITEM_PART) == 0);
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_loop_free(loop);
    wr_reference(kit, wr_kit_count(kit), expected);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: in pieces %s, whole %s", kit->text, got,
                  expected);
}

/* Two runs with one state, cut after `count` items: together they write what one run would. */
static void check_runs(const struct wr_stage_kit *kit, size_t count)
{
    char text[640], whole[WR_SHOWN_MAX];
    struct wr_suite_run run;
    struct wr_folder folder;
    weir_plan_options options = {.struct_size = sizeof options};
    size_t len;
    weir_loop *loop = weir_loop_new(NULL); /* a state is saved on a thread */
    wr_folder_make(&folder);
    FILE *file = fopen(wr_folder_path(&folder, "in"), "w");
    ck_assert_ptr_nonnull(file);
    wr_feed.kit = kit;
    wr_feed.big = 0;
    for (size_t i = 0; i < wr_kit_count(kit); i++) {
        weir_item item = wr_feed_item(i);
        if (kit->packets) {
            fwrite((const char[]){0, 0, 0, (char)item.len}, 1, 4, file);
        }
        fwrite(item.data, 1, item.len, file);
        fputs(kit->packets || kit->shape == WEIR_SHAPE_BYTES ? "" : "\n", file);
    }
    fclose(file);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s%s | %s | file %s", wr_folder_path(&folder, "in"),
                 kit->packets ? " | len32" : "", kit->text,
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

void wr_stage_is_as_its_traits_say(const void *on)
{
    const struct wr_stage_kit *kit = on;
    struct wr_stage_part part = wr_stage_part_of(kit);
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
        kit->shape != WEIR_SHAPE_BYTES && !wr_kit_encodes(kit)) {
        check_kept(kit, traits);
    }
    ck_assert_msg((traits & WEIR_TRAIT_ONE_TO_ONE) == 0 ||
                      part.component->takes != WEIR_SHAPE_BYTES,
                  "%s: it is one-to-one, and takes bytes cut anywhere", kit->text);
    check_ahead(kit, traits);
    if (kit->shape != WEIR_SHAPE_BYTES) {
        check_rejects(kit, &part);
    }
    if ((traits & WEIR_TRAIT_PIECES) != 0 && !wr_kit_encodes(kit)) {
        check_pieces(kit);
    }
    if ((traits & (WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_STATE_RESTARTS)) == 0 &&
        (kit->shape == 0 || kit->shape == WEIR_SHAPE_BYTES) && !wr_kit_encodes(kit)) {
        check_runs(kit, 1);
        check_runs(kit, 3);
    }
    if ((traits & WEIR_TRAIT_PURE) != 0) {
        char once[WR_SHOWN_MAX];
        char again[WR_SHOWN_MAX];
        wr_reference(kit, wr_kit_count(kit), once);
        wr_reference(kit, wr_kit_count(kit), again);
        ck_assert_msg(strcmp(once, again) == 0,
                      "%s: it is pure: gave \"%s\" again, expected \"%s\" as before", kit->text,
                      again, once);
        check_slow(kit, once);
    }
}
