/*
 * <weir/extend.h>: sources and stages by a table of functions, blocks, the log.
 */
#include <stdio.h>
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>

#include "flow_gen.h"
#include "support_flow.h"

/* A source of the numbers 1, 2, ... as bytes. */
struct counts {
    long last, fails_at, next;
    size_t at_most; /* that it gives at a time; 0: as many as are asked for */
    int *closed, *asked;
    char text[16][8];
};

static size_t counts_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct counts *c = self;
    size_t n = 0, most = c->at_most > 0 && c->at_most < max ? c->at_most : max;
    if (c->asked != NULL) {
        *c->asked += (int)max;
    }
    while (n < most && n < 16 && c->next < c->last) {
        if (c->next + 1 == c->fails_at) {
            if (n == 0) {
                weir_gen_error(gen, WEIR_EIO, 5, "no %ld", c->fails_at);
            }
            break;
        }
        int len = snprintf(c->text[n], sizeof c->text[n], "%ld", ++c->next);
        items[n] = weir_bytes(c->text[n], (size_t)len);
        n++;
    }
    return weir_give(gen, items, n);
}

static void counts_close(weir_gen *gen, void *self)
{
    const struct counts *c = self;
    (void)gen;
    if (c->closed != NULL) {
        ++*c->closed;
    }
}

static const weir_gen_ops counts_ops = {.struct_size = sizeof counts_ops,
                                        .name = "counts",
                                        .next_many = counts_next,
                                        .close = counts_close};

static weir_gen *counts(weir_scope *scope, struct counts c)
{
    return weir_source_new(scope, &counts_ops, &c, sizeof c);
}

static long value(const weir_item *item)
{
    long sum = 0;
    for (size_t i = 0; i < item->len; i++) {
        sum = sum * 10 + (item->data[i] - '0');
    }
    return sum;
}

static long sum_text(weir_gen *gen, weir_error *error)
{
    weir_item item;
    long sum = 0;
    while (weir_next(gen, &item)) {
        sum += value(&item);
    }
    return weir_finish(gen, error) < 0 ? -1 : sum;
}

/* A stage that keeps what is even. */
static size_t evens_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    for (size_t n; (n = weir_pull(gen, items, max)) > 0;) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            if (value(&items[i]) % 2 == 0) {
                items[kept++] = items[i];
            } else {
                weir_leave_out(gen, &items[i], 1);
            }
        }
        if (kept > 0) {
            return kept;
        }
    }
    return 0;
}

static const weir_gen_ops evens_ops = {
    .struct_size = sizeof evens_ops, .name = "evens", .next_many = evens_next};

static weir_gen *evens(weir_gen *up)
{
    return weir_stage_new(up, &evens_ops, NULL, 0);
}

TEST(source_gives_items_that_are_numbered_and_counted)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = counts(root, (struct counts){.last = 5});
    weir_item items[3];

    ck_assert_uint_eq(weir_next_many(gen, items, 3), 3);
    ck_assert_int_eq(value(&items[2]), 3);
    ck_assert_uint_eq(items[2].seq, 3);
    ck_assert_int_eq(items[2].time_ns, 1700000000000000000);
    ck_assert_str_eq(weir_origin_name(root, &items[0]), "counts");
    ck_assert_uint_eq(weir_next_many(gen, items, 3), 2);
    ck_assert_uint_eq(items[0].seq, 4);
    ck_assert_uint_eq(weir_next_many(gen, items, 3), 0);

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).in, 5);
    ck_assert_uint_eq(ledger_of(root).delivered, 5);
    weir_loop_free(loop);
}

TEST(source_is_asked_for_no_more_than_its_reader_wants)
{
    weir_loop *loop = test_loop();
    int asked = 0;
    weir_gen *gen = counts(weir_root(loop), (struct counts){.last = 100, .asked = &asked});

    ck_assert_int_eq(sum_text(weir_head(gen, 3), NULL), 6);

    ck_assert_int_le(asked, 3);
    weir_loop_free(loop);
}

TEST(source_tells_its_failure_after_the_items_before_it)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = evens(counts(root, (struct counts){.last = 9, .fails_at = 5}));
    weir_item item;
    weir_error error;

    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EIO);

    ck_assert_str_eq(error.origin, "counts");
    ck_assert_str_eq(error.message, "no 5");
    ck_assert_int_eq(error.detail, 5);
    ck_assert_uint_eq(error.seq, 4);
    weir_loop_free(loop);
}

TEST(source_closes_exactly_once_however_it_ends)
{
    for (int way = 0; way < 4; way++) {
        weir_loop *loop = test_loop();
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        int closed = 0;
        weir_gen *gen = counts(scope, (struct counts){.last = 3, .closed = &closed});
        weir_item item;
        switch (way) {
        case 0: ck_assert_int_eq(sum_text(gen, NULL), 6); break;
        case 1: weir_discard(gen); break;
        case 2: ck_assert(weir_next(gen, &item)); break;
        default: break; /* it is never asked, and ends with its scope */
        }
        ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
        ck_assert_int_eq(closed, 1);
        weir_loop_free(loop);
    }
}

TEST(stage_leaves_out_what_counts_as_filtered)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct counts c = {.last = 100, .at_most = 7};
    weir_error error;

    ck_assert_int_eq(weir_pump(evens(counts(root, c)), weir_null_sink(root), &error), 0);

    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.in, 100);
    ck_assert_uint_eq(ledger.delivered, 50);
    ck_assert_uint_eq(ledger.filtered, 50);
    weir_loop_free(loop);
}

WEIR_STAGE(as_it_is, int)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    return 0;
}

TEST(stage_reads_a_body_and_is_read_by_one)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = as_it_is(counts(root, (struct counts){.last = 10}), 0);

    ck_assert_int_eq(sum_text(as_it_is(evens(gen), 0), NULL), 2 + 4 + 6 + 8 + 10);

    ck_assert_uint_eq(ledger_of(root).in_flight, 0);
    ck_assert_uint_eq(ledger_of(root).filtered, 5);
    weir_loop_free(loop);
}

TEST(stage_gives_the_same_one_by_one_and_in_batches)
{
    for (size_t at_most = 0; at_most < 4; at_most++) {
        weir_loop *loop = test_loop();
        weir_gen *gen =
            evens(counts(weir_root(loop), (struct counts){.last = 50, .at_most = at_most}));
        weir_item items[5];
        long sum = 0, seen = 0;
        for (size_t n; (n = weir_next_many(gen, items, at_most + 1)) > 0;) {
            for (size_t i = 0; i < n; i++) {
                sum += value(&items[i]);
                seen++;
            }
        }
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        ck_assert_int_eq(sum, 650);
        ck_assert_int_eq(seen, 25);
        weir_loop_free(loop);
    }
}

TEST(stage_of_items_that_others_keep)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_batch(evens(counts(root, (struct counts){.last = 9})), NULL);
    weir_item batch;
    const weir_item *parts;

    ck_assert(weir_next(gen, &batch));
    ck_assert_uint_eq(weir_item_parts(&batch, &parts), 4);
    ck_assert_int_eq(value(&parts[3]), 8);

    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- several upstreams, sums */

static size_t both_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    weir_gen **more = self;
    size_t n = weir_gen_up(gen) != NULL ? weir_pull(gen, items, max) : 0;
    return n > 0 ? n : *more != NULL ? weir_next_many(*more, items, max) : 0;
}

TEST(stage_reads_what_it_has_adopted)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .name = "both", .next_many = both_next};
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *more = counts(root, (struct counts){.last = 4});
    weir_gen *gen =
        weir_stage_new(counts(root, (struct counts){.last = 3}), &ops, &more, sizeof more);
    weir_adopt(gen, more);

    ck_assert_int_eq(sum_text(gen, NULL), 6 + 10);

    ck_assert_uint_eq(ledger_of(root).delivered, 7);
    weir_loop_free(loop);
}

/* Sums of three. */
struct threes {
    weir_item kept[3];
    size_t count;
    char text[24];
};

static size_t threes_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct threes *t = self;
    weir_item item;
    (void)max;
    while (t->count < 3 && weir_pull(gen, &item, 1) > 0) {
        if (weir_item_keep(&t->kept[t->count++], &item) < 0) {
            weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory");
            return 0;
        }
    }
    if (t->count == 0) {
        return 0;
    }
    long sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        sum += value(&t->kept[i]);
    }
    items[0] = weir_bytes(t->text, (size_t)snprintf(t->text, sizeof t->text, "%ld", sum));
    int rc = weir_stand_for(gen, &items[0], t->kept, t->count);
    while (t->count > 0) {
        weir_item_release(&t->kept[--t->count]);
    }
    return rc < 0 ? 0 : 1;
}

static void threes_close(weir_gen *gen, void *self)
{
    struct threes *t = self;
    (void)gen;
    while (t->count > 0) {
        weir_item_release(&t->kept[--t->count]);
    }
}

static const weir_gen_ops threes_ops = {.struct_size = sizeof threes_ops,
                                        .name = "threes",
                                        .next_many = threes_next,
                                        .close = threes_close};

TEST(stage_item_that_stands_for_others_holds_their_receipts)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct threes none = {.count = 0};
    weir_gen *gen =
        weir_stage_new(counts(root, (struct counts){.last = 7}), &threes_ops, &none, sizeof none);
    weir_item item, kept;

    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(value(&item), 6);
    ck_assert_uint_eq(item.seq, 3);
    ck_assert_uint_eq(ledger_of(root).delivered, 0);
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(value(&item), 15);
    ck_assert_uint_eq(ledger_of(root).delivered, 0); /* the first three are kept, the others lent */
    weir_item_release(&kept);
    ck_assert_uint_eq(ledger_of(root).delivered, 3);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(value(&item), 7);
    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 7);
    weir_loop_free(loop);
}

TEST(stage_item_that_stands_for_others_settles_at_the_sinks_commit)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct threes none = {.count = 0};
    weir_gen *gen =
        weir_stage_new(counts(root, (struct counts){.last = 10}), &threes_ops, &none, sizeof none);

    ck_assert_int_eq(weir_pump(gen, weir_null_sink(root), NULL), 0);

    ck_assert_uint_eq(ledger_of(root).delivered, 10);
    ck_assert_uint_eq(ledger_of(root).in_flight, 0);
    weir_loop_free(loop);
}

TEST(stop_ends_a_source_before_its_next_pull)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = evens(counts(scope, (struct counts){.last = 100}));
    weir_item item;
    ck_assert(weir_next(gen, &item));

    weir_scope_stop(scope);

    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(memory_of_a_component_is_the_librarys)
{
    char *text = weir_alloc(4), *more;
    ck_assert_ptr_nonnull(text);
    memcpy(text, "abc", 4);
    more = weir_realloc(text, 4000);
    if (more == NULL) {
        weir_free(text);
    }
    ck_assert_ptr_nonnull(more);
    ck_assert_str_eq(more, "abc");
    weir_free(more);
    weir_free(NULL);
}

/* Gives each item one pull later, as it came. */
struct delay {
    weir_item kept;
    weir_block *lent;
};

static size_t delay_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct delay *delay = self;
    weir_item came;
    weir_block_unref(delay->lent);
    delay->lent = NULL;
    (void)max;
    for (;;) {
        size_t n = weir_pull(gen, &came, 1);
        bool gives = delay->kept.seq > 0;
        if (gives) {
            items[0] = delay->kept;
            if (weir_stand_for(gen, &items[0], &delay->kept, 1) < 0) {
                return 0;
            }
            weir_block_ref(delay->lent = delay->kept.block);
            weir_item_release(&delay->kept);
        }
        if (n > 0 && weir_item_keep(&delay->kept, &came) < 0) {
            weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory to keep an item");
            return 0;
        }
        if (gives || n == 0) {
            return gives;
        }
    }
}

static void delay_close(weir_gen *gen, void *self)
{
    struct delay *delay = self;
    (void)gen;
    weir_item_release(&delay->kept);
    weir_block_unref(delay->lent);
}

TEST(stage_passes_kept_items_on_as_they_are)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .next_many = delay_next, .close = delay_close};
    static const struct delay none;
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_stage_new(weir_count(root, 1, 3), &ops, &none, sizeof none);
    weir_gen *head = weir_head(weir_stage_new(weir_count(root, 1, 9), &ops, &none, sizeof none), 2);
    weir_item item;

    for (long i = 1; i <= 3; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_uint_eq(item.seq, (uint64_t)i);
        ck_assert_int_eq(item.data[0], '0' + (char)i);
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_pump(head, weir_null_sink(root), NULL), 0);

    ck_assert_uint_eq(ledger_of(root).delivered, 5);
    ck_assert_uint_eq(ledger_of(root).in_flight,
                      1); /* the one that was kept when head had enough */
    weir_loop_free(loop);
}

/* ---- what it says of itself */

static char logged[200];

static void log_record(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    snprintf(logged, sizeof logged, "%d %s: %s", level, origin, text);
}

TEST(log_hands_a_record_to_the_programs_function)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = log_record));
    ck_assert_ptr_nonnull(loop);

    weir_log(weir_root(loop), WEIR_LOG_WARNING, "feed", "%d rows\nlost", 3);

    ck_assert_str_eq(logged, "4 feed: 3 rows lost");
    weir_loop_free(loop);
}

/* ---- blocks */

static int64_t budget_of(weir_loop *loop)
{
    weir_stats stats = {.struct_size = sizeof stats};
    weir_loop_stats(loop, &stats);
    return stats.budget_bytes;
}

static size_t block_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    weir_block *block = *(weir_block **)self;
    char *bytes = weir_block_bytes(block);
    size_t n = max < 4 ? max : 4;
    memcpy(bytes, "abcd", 4);
    for (size_t i = 0; i < n; i++) {
        items[i] = weir_bytes(bytes + i, 1);
        items[i].block = block;
    }
    return weir_give(gen, items, n);
}

static void block_close(weir_gen *gen, void *self)
{
    (void)gen;
    weir_block_unref(*(weir_block **)self);
}

TEST(block_is_shared_by_who_keeps_an_item_and_charged_until_the_last_lets_go)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .next_many = block_next, .close = block_close};
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_block *block = weir_block_new(root, 10000, NULL);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_ge(budget_of(loop), 10000);
    weir_gen *gen = weir_source_new(root, &ops, &block, sizeof block);
    weir_item items[2], kept;

    ck_assert_uint_eq(weir_next_many(gen, items, 2), 2);
    ck_assert_int_eq(weir_item_keep(&kept, &items[1]), 0);
    ck_assert_ptr_eq(kept.data, items[1].data);
    weir_discard(gen);
    ck_assert_int_eq(kept.data[0], 'b');
    ck_assert_int_ge(budget_of(loop), 10000);
    weir_item_release(&kept);

    ck_assert_int_eq(budget_of(loop), 0);
    weir_loop_free(loop);
}

static int gives_back(weir_scope *scope, void *args)
{
    weir_block *block = *(weir_block **)args;
    ck_assert(weir_sleep(scope, 10));
    weir_block_ref(block);
    weir_block_unref(block);
    weir_block_unref(block);
    return 0;
}

TEST(block_that_does_not_fit_is_waited_for)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 10000));
    ck_assert_ptr_nonnull(loop);
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    int why = 0;
    weir_block *first = weir_block_new(root, 8000, NULL);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(weir_block_new(root, 8000, &why));
    ck_assert_int_eq(why, WEIR_EBUDGET);
    weir_spawn(scope, "gives", gives_back, &first, sizeof first);

    ck_assert_int_eq(weir_block_wait(root), 0);
    weir_block *second = weir_block_new(root, 8000, NULL);

    ck_assert_ptr_nonnull(second);
    weir_block_unref(second);
    weir_block_unref(NULL);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(bytes_that_do_not_lie_in_the_items_block_are_copied_by_who_keeps_them)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = counts(root, (struct counts){.last = 3});
    weir_item item, kept;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert_ptr_ne(kept.data, item.data);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(value(&kept), 1);
    weir_item_release(&kept);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- misuse */

static size_t gives_too_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    (void)!weir_pull(gen, items, max);
    return max + 1;
}

static size_t gives_unasked(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)gen;
    (void)self;
    (void)max;
    items[0] = weir_bytes("x", 1);
    return 1;
}

static size_t gives_twice(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    (void)max;
    items[0] = weir_bytes("x", 1);
    (void)weir_give(gen, items, 1);
    return weir_give(gen, items, 1);
}

static size_t gives_as_a_stage(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    (void)max;
    items[0] = weir_bytes("x", 1);
    return weir_give(gen, items, 1);
}

static size_t pulls_as_a_source(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    return weir_pull(gen, items, max);
}

static void read_source(size_t (*next_many)(weir_gen *, void *, weir_item *, size_t))
{
    weir_loop *loop = test_loop();
    weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = next_many};
    weir_item item;
    (void)!weir_next(weir_source_new(weir_root(loop), &ops, NULL, 0), &item);
}

static void read_stage(size_t (*next_many)(weir_gen *, void *, weir_item *, size_t))
{
    weir_loop *loop = test_loop();
    weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = next_many};
    weir_item item;
    weir_gen *up = counts(weir_root(loop), (struct counts){.last = 9});
    (void)!weir_next(weir_stage_new(up, &ops, NULL, 0), &item);
}

TEST_ABORTS(misuse_a_table_without_next_many)
{
    read_source(NULL);
}

TEST_ABORTS(misuse_no_table)
{
    (void)weir_source_new(weir_root(test_loop()), NULL, NULL, 0);
}

TEST_ABORTS(misuse_more_items_than_were_asked_for)
{
    read_stage(gives_too_many);
}

TEST_ABORTS(misuse_items_of_a_source_that_were_not_given)
{
    read_source(gives_unasked);
}

TEST_ABORTS(misuse_items_given_twice_in_a_pull)
{
    read_source(gives_twice);
}

TEST_ABORTS(misuse_items_given_by_a_stage)
{
    read_stage(gives_as_a_stage);
}

TEST_ABORTS(misuse_a_pull_by_a_source)
{
    read_source(pulls_as_a_source);
}

TEST_ABORTS(misuse_a_pull_from_outside)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = evens(counts(weir_root(loop), (struct counts){.last = 9}));
    (void)!weir_pull(gen, &item, 1);
}

MAIN("flow/extend")
