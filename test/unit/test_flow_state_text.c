/*
 * A record that a sink keeps with its rows, in one transaction: what would have settled.
 */
#include <weir/queue.h>
#include <weir/stage.h>

#include <stdlib.h>

#include "flow_sink.h"
#include "support_state.h"
#include "texts_state.h"

/* ---- a store with transactions, which outlives the runs */

struct store {
    char rows[4096], text[4096]; /* of the last transaction */
    size_t rows_len, text_len;
    char open[4096]; /* rows of the one that is open */
    size_t open_len;
    int commits, dies_at; /* the commit with this number is the last that is tried; 0: none */
};
static struct store store;

static int store_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)self;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(store.open_len + items[i].len + 1, sizeof store.open);
        memcpy(store.open + store.open_len, items[i].data, items[i].len);
        store.open_len += items[i].len;
        store.open[store.open_len++] = '\n';
    }
    return 0;
}

static int store_commit(weir_sink *sink, void *self)
{
    size_t len;
    (void)self;
    if (store.open_len == 0) {
        return 0;
    }
    const char *text = weir_state_text(sink, &len);
    if (text == NULL) {
        return WEIR_ENOMEM;
    }
    if (++store.commits == store.dies_at) {
        return weir_sink_error(sink, WEIR_EIO, 0, "it dies");
    }
    ck_assert_uint_lt(len, sizeof store.text);
    ck_assert_uint_lt(store.rows_len + store.open_len, sizeof store.rows);
    memcpy(store.rows + store.rows_len, store.open, store.open_len);
    memcpy(store.text, text, len);
    store.rows_len += store.open_len;
    store.text_len = len;
    store.open_len = 0;
    return 0;
}

static weir_sink *make_store(struct fixture *f)
{
    store.open_len = 0;
    weir_sink *sink =
        weir_sink_new(f->scope,
                      WEIR_OPTIONS(weir_sink_ops, .name = "store", .put_many = store_put,
                                   .commit = store_commit, .transacts = 1),
                      NULL, 0);
    weir_sink_keep_state(sink, f->state);
    return sink;
}

static void store_run_begins(struct fixture *f)
{
    weir_error error;
    f->loop = test_loop();
    f->scope = weir_scope_new(weir_root(f->loop), NULL);
    f->state = weir_state_open(f->scope, NULL, "p");
    const char *text = store.text_len > 0 ? store.text : NULL;
    ck_assert_int_eq(weir_state_restore(f->state, text, store.text_len, &error), 0);
}

static weir_gen *lines_of_run(struct fixture *f)
{
    return weir_file_lines(f->scope, wr_folder_path(&f->folder, "in"),
                           WEIR_OPTIONS(weir_lines_options, .state = f->state));
}

/* ---- what may stand between */

static weir_gen *nothing(weir_gen *up)
{
    return up;
}

static weir_gen *in_a_queue(weir_gen *up)
{
    return weir_buffer(up, NULL);
}

static weir_gen *odd_only(weir_gen *up)
{
    return weir_grep_without(up, "2");
}

/* Each line twice, from a body. */
WEIR_STAGE(twice)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item) || !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

/* It waits behind each line, and between the two that it makes of one, so that the loop has nothing else
 * to do then. */
WEIR_STAGE(twice_slowly)
{
    weir_item item;
    weir_scope *scope = weir_gen_scope(self);
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item) || !weir_sleep(scope, 300) || !weir_yield(self, &item) ||
            !weir_sleep(scope, 300)) {
            break;
        }
    }
    return 0;
}

/* Every three lines are one. */
WEIR_STAGE(joined)
{
    weir_item item;
    char text[64];
    size_t len = 0, count = 0;
    while (weir_next(up, &item)) {
        memcpy(text + len, item.data, item.len);
        len += item.len;
        if (++count % 3 == 0) {
            weir_item out = weir_bytes(text, len);
            if (!weir_yield(self, &out)) {
                break;
            }
            len = 0;
        }
    }
    return 0;
}

/* Runs of `most` lines each, every one of which dies at its second commit, until one ends. */
static void check_exactly_once(weir_gen *(*between)(weir_gen *up), const char *expected)
{
    struct fixture f;
    weir_error error;
    int rc = -1, runs = 0;
    store = (struct store){.rows_len = 0};
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    for (uint64_t most = 2; rc < 0 || most <= 8; most++, runs++) {
        ck_assert_int_lt(runs, 20);
        store_run_begins(&f);
        store.commits = 0;
        store.dies_at = runs % 3 == 1 ? 1 : 2;
        weir_gen *gen = between(weir_head_of_run(lines_of_run(&f), most));
        rc = weir_pump(gen, make_store(&f), &error);
        run_ends(&f);
    }
    ck_assert_int_eq(rc, 0);
    store.rows[store.rows_len] = '\0';
    ck_assert_str_eq(store.rows, expected);
    wr_folder_remove(&f.folder);
}

TEST(each_line_is_stored_once)
{
    check_exactly_once(nothing, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(each_line_behind_a_queue_is_stored_once)
{
    check_exactly_once(in_a_queue, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(what_is_left_out_between_does_not_come_again)
{
    check_exactly_once(odd_only, "1\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(several_items_made_of_one_are_stored_together)
{
    check_exactly_once(twice, "1\n1\n2\n2\n3\n3\n4\n4\n5\n5\n6\n6\n7\n7\n8\n8\n9\n9\n");
}

TEST(items_of_a_stage_that_waits_while_it_holds_what_they_are_made_of_are_stored_once)
{
    check_exactly_once(twice_slowly, "1\n1\n2\n2\n3\n3\n4\n4\n5\n5\n6\n6\n7\n7\n8\n8\n9\n9\n");
}

TEST(one_item_made_of_several_is_stored_once)
{
    struct fixture f;
    weir_error error;
    store = (struct store){.rows_len = 0};
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    store_run_begins(&f);
    ck_assert_int_eq(weir_pump(joined(lines_of_run(&f)), make_store(&f), &error), 0);
    run_ends(&f);

    store_run_begins(&f);
    ck_assert_int_eq(weir_pump(joined(lines_of_run(&f)), make_store(&f), &error), 0);

    store.rows[store.rows_len] = '\0';
    ck_assert_str_eq(store.rows, "123\n456\n789\n");
    end(&f);
}

TEST(items_of_a_stage_that_is_replayed_are_stored_once)
{
    struct fixture f;
    weir_error error;
    int rc = -1;
    store = (struct store){.rows_len = 0};
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", 18);
    for (int runs = 0; rc < 0; runs++) {
        ck_assert_int_lt(runs, 20);
        store_run_begins(&f);
        store.commits = 0;
        store.dies_at = 2;
        weir_gen *gen = weir_replayed(joined(lines_of_run(&f)));
        rc = weir_pump(gen, make_store(&f), &error);
        run_ends(&f);
    }
    store.rows[store.rows_len] = '\0';
    ck_assert_str_eq(store.rows, "123\n456\n789\n");
    wr_folder_remove(&f.folder);
}

/* ---- what limits it */

static uint64_t items_in(const char *text, size_t len)
{
    const char *at = text != NULL ? memmem(text, len, "\nitems ", 7) : NULL;
    return at != NULL ? strtoull(at + 7, NULL, 10) : 0;
}

/* Four of five lines are put to a store; the third of them is kept. */
static weir_sink *store_four(struct fixture *f, weir_gen **gen, weir_item *kept)
{
    weir_item items[4];
    wr_folder_make(&f->folder);
    wr_folder_write(&f->folder, "in", "1\n2\n3\n4\n5\n", 10);
    store = (struct store){.rows_len = 0};
    store_run_begins(f);
    *gen = lines_of_run(f);
    weir_sink *sink = make_store(f);
    size_t n = weir_next_many(*gen, items, 4);
    ck_assert_uint_eq(n, 4);
    ck_assert_int_eq(weir_item_keep(kept, &items[2]), 0);
    ck_assert(weir_put_many(sink, items, n));
    ck_assert(weir_next(*gen, &items[0]));
    return sink;
}

TEST(what_another_holds_limits_the_positions)
{
    struct fixture f;
    weir_gen *gen;
    weir_item kept;
    size_t len;
    weir_sink *sink = store_four(&f, &gen, &kept);

    const char *text = weir_state_text(sink, &len);
    ck_assert_uint_eq(items_in(text, len), 2);
    weir_item_release(&kept);
    text = weir_state_text(sink, &len);

    ck_assert_uint_eq(items_in(text, len), 4);
    weir_discard(gen);
    weir_sink_discard(sink);
    end(&f);
}

TEST(what_was_abandoned_limits_the_positions_for_good)
{
    struct fixture f;
    weir_gen *gen;
    weir_item kept;
    size_t len;
    weir_sink *sink = store_four(&f, &gen, &kept);

    weir_item_abandon(&kept);

    const char *text = weir_state_text(sink, &len);
    ck_assert_uint_eq(items_in(text, len), 2);
    weir_discard(gen);
    text = weir_state_text(sink, &len);
    ck_assert_uint_eq(items_in(text, len), 2);
    weir_sink_discard(sink);
    end(&f);
}

TEST(what_is_lent_limits_the_positions)
{
    struct fixture f;
    weir_item item;
    size_t len;
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n2\n", 4);
    store = (struct store){.rows_len = 0};
    store_run_begins(&f);
    weir_gen *gen = lines_of_run(&f);
    weir_sink *sink = make_store(&f);
    ck_assert(weir_next(gen, &item) && weir_put(sink, &item));

    const char *text = weir_state_text(sink, &len);
    ck_assert_uint_eq(items_in(text, len), 0);
    ck_assert(weir_next(gen, &item));
    text = weir_state_text(sink, &len);

    ck_assert_uint_eq(items_in(text, len), 1);
    weir_discard(gen);
    weir_sink_discard(sink);
    end(&f);
}

/* ---- handed back */

TEST(text_that_is_damaged_is_refused_by_the_source_too)
{
    struct fixture f;
    weir_error error;
    check_exactly_once(nothing, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    wr_folder_make(&f.folder);
    wr_folder_write(&f.folder, "in", "1\n", 2);
    f.loop = test_loop();
    f.scope = weir_scope_new(weir_root(f.loop), NULL);
    f.state = weir_state_open(f.scope, NULL, "p");
    store.text[20] ^= 1;

    ck_assert_int_eq(weir_state_restore(f.state, store.text, store.text_len, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_BAD_CHECKSUM));
    ck_assert_int_eq(weir_pump(lines_of_run(&f), make_store(&f), &error), WEIR_EINVAL);
    end(&f);
}

TEST(text_of_another_pipeline_is_refused)
{
    struct fixture f;
    weir_error error;
    check_exactly_once(nothing, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    wr_folder_make(&f.folder);
    f.loop = test_loop();
    f.scope = weir_scope_new(weir_root(f.loop), NULL);
    f.state = weir_state_open(f.scope, NULL, "q");

    ck_assert_int_eq(weir_state_restore(f.state, store.text, store.text_len, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_OTHER_PIPELINE " ('p')"));
    end(&f);
}

static char told[300];

static void watch(void *ctx, int delivery, const char *text)
{
    (void)ctx;
    (void)delivery;
    snprintf(told, sizeof told, "%s", text);
}

TEST(word_is_exactly_once_where_it_is_the_only_sink)
{
    for (int others = 0; others < 2; others++) {
        struct fixture f;
        weir_item item;
        wr_folder_make(&f.folder);
        wr_folder_write(&f.folder, "in", "1\n", 2);
        store = (struct store){.rows_len = 0};
        store_run_begins(&f);
        weir_gen *gen = lines_of_run(&f);
        weir_sink *sinks[] = {make_store(&f), others > 0 ? weir_null_sink(f.scope) : NULL};
        if (others > 0) {
            weir_sink_keep_state(sinks[1], f.state);
        }
        weir_state_watch(f.state, watch, NULL);
        ck_assert(weir_next(gen, &item));
        ck_assert_str_eq(told, others > 0 ? TEXT_STATE_WRITTEN_AGAIN : TEXT_STATE_STORED_TOGETHER);
        weir_discard(gen);
        weir_sink_discard(sinks[0]);
        weir_sink_discard(sinks[1]);
        end(&f);
    }
}

MAIN("flow/state_text")
