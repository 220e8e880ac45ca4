/*
 * Positions of a source by a table of the program's: parts that go on by themselves, come midway, and
 * are over.
 */
#include <weir/extend.h>

#include <signal.h>

#include "support_state.h"
#include "texts_state.h"

enum { PARTS = 4, TEXT_MAX = 16 };

/* Of which part the items are, in the order in which they are given; each part counts from 1. */
struct feed {
    const char *script; /* "0120": a letter behind a digit says more: 'x' this part is over */
    size_t at;
    weir_part *parts[PARTS];
    uint64_t numbers[PARTS];
    bool begun;
    char text[TEXT_MAX];
};

struct meaning {
    int part;
};
static uint64_t forgotten[PARTS];
static int dropped;

static size_t position_text(void *self, uint64_t number, char *to, size_t cap)
{
    const struct meaning *meaning = self;
    ck_assert_uint_ge(number, forgotten[meaning->part]);
    int len = snprintf(to, cap, "part %d number %llu", meaning->part, (unsigned long long)number);
    return len > 0 ? (size_t)len : 0;
}

static void position_forget(void *self, uint64_t before)
{
    const struct meaning *meaning = self;
    ck_assert_uint_ge(before, forgotten[meaning->part]);
    forgotten[meaning->part] = before;
}

static void position_drop(void *self)
{
    (void)self;
    dropped++;
}

static const weir_position_ops positions = {.struct_size = sizeof positions,
                                            .text = position_text,
                                            .forget = position_forget,
                                            .drop = position_drop};

static bool open_part(weir_gen *gen, struct feed *feed, int part)
{
    struct meaning meaning = {part};
    feed->parts[part] = weir_part_open(gen, WEIR_PROOF_EXACT, feed->numbers[part], &positions,
                                       &meaning, sizeof meaning);
    return feed->parts[part] != NULL;
}

static bool begin_feed(weir_gen *gen, struct feed *feed)
{
    const char *stored;
    while ((stored = weir_part_stored(gen)) != NULL) {
        int part;
        unsigned long long number;
        ck_assert_int_eq(sscanf(stored, "part %d number %llu", &part, &number), 2);
        feed->numbers[part] = number;
        if (!open_part(gen, feed, part)) {
            return false;
        }
    }
    feed->begun = true;
    return true;
}

/* How many of its part the script had up to there. */
static uint64_t number_in_script(const struct feed *feed, size_t at)
{
    uint64_t number = 0;
    for (size_t i = 0; i <= at; i++) {
        number += feed->script[i] == feed->script[at];
    }
    return number;
}

static size_t feed_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct feed *feed = self;
    (void)max;
    if (!feed->begun && !begin_feed(gen, feed)) {
        return 0;
    }
    for (; feed->script[feed->at] != '\0'; feed->at++) {
        char step = feed->script[feed->at];
        int part = step - '0';
        if (step == 'x') {
            int over = feed->script[feed->at - 1] - '0';
            if (feed->parts[over] != NULL) {
                weir_part_over(gen, feed->parts[over]);
                feed->parts[over] = NULL;
            }
            continue;
        }
        uint64_t number = number_in_script(feed, feed->at);
        if (number <= feed->numbers[part]) {
            continue; /* given by an earlier run */
        }
        if (feed->parts[part] == NULL && !open_part(gen, feed, part)) {
            return 0;
        }
        feed->numbers[part] = number;
        feed->at++;
        snprintf(feed->text, sizeof feed->text, "%d:%llu", part, (unsigned long long)number);
        items[0] = weir_bytes(feed->text, strlen(feed->text));
        return weir_give_at(gen, feed->parts[part], items, &number, 1);
    }
    return 0;
}

static const weir_gen_ops feed_ops = {
    .struct_size = sizeof feed_ops, .name = "feed", .next_many = feed_next};

static weir_gen *make_feed(struct fixture *f, const char *script)
{
    struct feed feed = {.script = script};
    weir_gen *gen = weir_source_new(f->scope, &feed_ops, &feed, sizeof feed);
    weir_gen_keep_state(gen, f->state, "topic");
    return gen;
}

/* Of so many items into the file "out". */
static int run_feed(struct fixture *f, const char *script, uint64_t most, weir_error *error)
{
    memset(forgotten, 0, sizeof forgotten);
    weir_sink *out = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f->state));
    return weir_pump(weir_head_of_run(make_feed(f, script), most), out, error);
}

static const char *record_of(struct fixture *f)
{
    size_t len;
    return wr_folder_read(&f->folder, "s/p.weir", &len);
}

TEST(each_part_goes_on_behind_what_has_settled)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin(&f);
    ck_assert_int_eq(run_feed(&f, "0120213", 3, &error), 0);
    run_ends(&f);
    ck_assert_ptr_nonnull(strstr(record_of(&f), "position part 0 number 1\n"));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "position part 2 number 1\n"));
    run_begins(&f, "p");

    ck_assert_int_eq(run_feed(&f, "0120213", 99, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:1\n1:1\n2:1\n0:2\n2:2\n1:2\n3:1\n");
    ck_assert_ptr_nonnull(strstr(record_of(&f), "position part 3 number 1\n"));
    ck_assert_uint_eq(forgotten[0], 2);
    end(&f);
}

TEST(part_that_is_over_leaves_the_record_once_it_has_settled)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin(&f);
    ck_assert_int_eq(run_feed(&f, "01100x11", 99, &error), 0);
    run_ends(&f);
    ck_assert_ptr_null(strstr(record_of(&f), "part 0 "));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "position part 1 number 4\n"));
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:1\n1:1\n1:2\n0:2\n0:3\n1:3\n1:4\n");
    wr_folder_remove(&f.folder);
}

TEST(what_numbers_mean_outlives_the_source_and_ends_once)
{
    struct fixture f;
    weir_item item, kept;
    dropped = 0;
    memset(forgotten, 0, sizeof forgotten);
    begin(&f);
    weir_gen *gen = make_feed(&f, "01");
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert(weir_next(gen, &item));

    weir_discard(gen);
    ck_assert_int_eq(dropped, 0);
    weir_item_release(&kept);
    end(&f);

    ck_assert_int_eq(dropped, 2);
}

TEST(positions_work_without_a_state)
{
    struct fixture f;
    weir_error error;
    weir_item item;
    begin(&f);
    struct feed feed = {.script = "0110"};
    weir_gen *gen = weir_source_new(f.scope, &feed_ops, &feed, sizeof feed);
    weir_gen_keep_state(gen, NULL, "topic");
    int count = 0;
    while (weir_next(gen, &item)) {
        count++;
    }
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_int_eq(count, 4);
    end(&f);
}

TEST(state_of_another_pipeline_is_refused)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    ck_assert_int_eq(copy(&f, 2, NULL), 0);
    run_ends(&f);
    run_begins(&f, "p");

    ck_assert_int_eq(run_feed(&f, "01", 99, &error), WEIR_EINVAL);

    ck_assert_ptr_nonnull(strstr(error.message, TEXT_STATE_OTHER_PIPELINE));
    end(&f);
}

/* ---- misuse */

static size_t give_plainly(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct feed *feed = self;
    (void)max;
    (void)!open_part(gen, feed, 0);
    items[0] = weir_bytes("x", 1);
    return weir_give(gen, items, 1);
}

static void items_without_numbers(void)
{
    static const weir_gen_ops plain = {
        .struct_size = sizeof plain, .name = "plain", .next_many = give_plainly};
    struct feed feed = {.script = ""};
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_source_new(weir_root(loop), &plain, &feed, sizeof feed);
    weir_gen_keep_state(gen, NULL, "topic");
    (void)!weir_next(gen, &item);
}

TEST_ABORTS(source_with_positions_that_gives_items_without)
{
    items_without_numbers();
}

MAIN("flow/part")
