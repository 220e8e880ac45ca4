/*
 * Items beyond their loan: kept by reference or by copy, in queues and batches, with values that
 * own something.
 */
#include "support_flow.h"
#include "support_suites.h"

#include <stdio.h>
#include <stdlib.h>

WEIR_SOURCE(texts)
{
    char text[8];
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "text %d", i);
        weir_item item = weir_bytes(text, 6);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_SOURCE(texts_for_ever)
{
    weir_item item = weir_bytes("text", 4);
    while (weir_yield(self, &item)) {}
    return 0;
}

TEST(kept_items_outlive_their_loan_and_their_generator)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop));
    weir_item item, kept[5];
    size_t n = 0;
    while (weir_next(gen, &item)) {
        ck_assert_int_eq(item.data[5], (char)('0' + n));
        ck_assert_int_eq(weir_item_keep(&kept[n++], &item), 0);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(kept[i].data[5], (char)('0' + i));
        ck_assert_uint_eq(kept[i].seq, i + 1);
        weir_item_release(&kept[i]);
    }
    ck_assert_uint_eq(n, 5);
    weir_loop_free(loop);
}

static weir_gen *named(weir_scope *scope, const char *name)
{
    weir_gen_options options = {.struct_size = sizeof options, .name = name};
    return weir_gen_new(scope, texts_enter, NULL, 0, &options);
}

TEST(origin_names_tell_the_reader_of_a_merge_which_feed_an_item_is_from)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[] = {named(root, "north"), named(root, "south")};
    weir_gen *merged = weir_merge(root, gens, 2);
    weir_item item;
    int north = 0, south = 0;

    while (weir_next(merged, &item)) {
        const char *name = weir_origin_name(root, &item);
        ck_assert_ptr_nonnull(name);
        north += strcmp(name, "north") == 0;
        south += strcmp(name, "south") == 0;
    }

    ck_assert_int_eq(north, 5);
    ck_assert_int_eq(south, 5);
    ck_assert_int_eq(weir_finish(merged, NULL), 0);
    weir_loop_free(loop);
}

struct late {
    int ms, number;
};

WEIR_SOURCE(late, struct late)
{
    weir_item item = weir_bytes(args->number == 1 ? "1" : "2", 1);
    return weir_sleep(weir_gen_scope(self), args->ms) && weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

TEST(origins_of_a_merge_are_numbered_in_the_order_of_its_generators)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[] = {late(root, (struct late){9, 1}), late(root, (struct late){5, 2})};
    weir_gen *merged = weir_merge(root, gens, 2);
    weir_item first, second;

    ck_assert(weir_next(merged, &first));
    ck_assert_int_eq(first.data[0], '2');
    ck_assert_uint_eq(first.origin, 2);
    ck_assert(weir_next(merged, &second));
    ck_assert_int_eq(second.data[0], '1');
    ck_assert_uint_eq(second.origin, 1);

    ck_assert_int_eq(weir_finish(merged, NULL), 0);
    weir_loop_free(loop);
}

TEST(origin_names_of_the_parts_of_a_batch)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *batches = weir_batch(named(root, "west"), NULL);
    weir_item batch;
    const weir_item *parts;

    ck_assert(weir_next(batches, &batch));
    ck_assert_uint_eq(weir_item_parts(&batch, &parts), 5);

    ck_assert_str_eq(weir_origin_name(root, &batch), "west");
    ck_assert_str_eq(weir_origin_name(root, &parts[4]), "west");
    weir_discard(batches);
    weir_loop_free(loop);
}

TEST(origin_names_of_what_has_no_source_are_null)
{
    weir_loop *loop = test_loop();
    weir_item item = weir_bytes("own", 3), kept, other;
    weir_gen *gen = named(weir_root(loop), "gone");
    ck_assert_ptr_null(weir_origin_name(weir_root(loop), &item));

    ck_assert(weir_next(gen, &item));
    other = item;
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    weir_discard(gen);
    ck_assert_str_eq(weir_origin_name(weir_root(loop), &kept), "gone"); /* its receipt holds it */
    weir_item_release(&kept);
    other.receipt = NULL;
    ck_assert_ptr_null(weir_origin_name(weir_root(loop), &other));

    weir_loop_free(loop);
}

TEST(kept_item_is_kept_again_by_reference)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop));
    weir_item item, first, second;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&first, &item), 0);
    ck_assert_int_eq(weir_item_keep(&second, &first), 0);
    ck_assert_ptr_eq(first.data, second.data);
    weir_item_release(&first);
    ck_assert_int_eq(memcmp(second.data, "text 0", 6), 0);
    weir_item_release(&second);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- typed values that own something */

static int owned_live, owned_copies;

static int owned_copy(void *to, const void *from)
{
    char *const *text = from;
    char *copy = strdup(*text);
    if (copy == NULL) {
        return WEIR_ENOMEM;
    }
    owned_live++;
    owned_copies++;
    memcpy(to, &copy, sizeof copy);
    return 0;
}

static void owned_drop(void *value)
{
    char *text;
    memcpy(&text, value, sizeof text);
    free(text);
    owned_live--;
}

static const weir_type owned_type = {.struct_size = sizeof(weir_type),
                                     .name = "owned",
                                     .value_size = sizeof(char *),
                                     .copy = owned_copy,
                                     .drop = owned_drop};

WEIR_SOURCE(owned)
{
    for (int i = 0; i < 20; i++) {
        char text[] = "value";
        char *value = text;
        weir_item item = weir_bytes(&value, sizeof value);
        item.type = &owned_type;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static const char *owned_of(const weir_item *item)
{
    char *text;
    memcpy(&text, item->data, sizeof text);
    return text;
}

TEST(typed_values_are_copied_and_dropped_once_by_keep)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = owned(weir_root(loop));
    weir_item item, kept, again;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert_int_eq(weir_item_keep(&again, &kept), 0);
    weir_discard(gen);
    ck_assert_str_eq(owned_of(&kept), "value");
    ck_assert_int_eq(owned_live, 1);
    weir_item_release(&kept);
    ck_assert_int_eq(owned_live, 1);
    weir_item_release(&again);
    ck_assert_int_eq(owned_live, 0);
    weir_loop_free(loop);
}

TEST(typed_values_are_dropped_once_by_a_queue)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_buffer(owned(weir_root(loop)), NULL);
    weir_item item;
    int n = 0;
    while (n < 10 && weir_next(gen, &item)) {
        MUST(strcmp(owned_of(&item), "value") == 0);
        n++;
    }
    weir_discard(gen);
    MUST(owned_live == 0);
    weir_loop_free(loop);
    ck_assert_int_eq(n, 10);
    ck_assert_int_eq(owned_copies, 20);
}

TEST(typed_values_are_dropped_once_by_a_batch)
{
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_batch(owned(weir_root(loop)), WEIR_OPTIONS(weir_batch_options, .items_max = 6));
    weir_item batch, kept;
    const weir_item *parts;
    ck_assert(weir_next(gen, &batch));
    ck_assert_int_eq(weir_item_keep(&kept, &batch), 0);
    ck_assert(weir_next(gen, &batch));
    weir_discard(gen);
    ck_assert_uint_eq(weir_item_parts(&kept, &parts), 6);
    ck_assert_str_eq(owned_of(&parts[5]), "value");
    weir_item_release(&kept);
    ck_assert_int_eq(owned_live, 0);
    weir_loop_free(loop);
}

TEST(typed_values_are_dropped_once_by_queue_batch_and_head)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_head(weir_buffer(owned(weir_root(loop)), NULL), 9);
    gen = weir_buffer(weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .items_max = 4)), NULL);
    weir_item batch;
    const weir_item *parts;
    size_t n = 0;
    while (weir_next(gen, &batch)) {
        size_t count = weir_item_parts(&batch, &parts);
        for (size_t i = 0; i < count; i++) {
            MUST(strcmp(owned_of(&parts[i]), "value") == 0);
        }
        n += count;
    }
    int rc = weir_finish(gen, NULL);
    MUST(owned_live == 0);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(n, 9);
}

TEST(typed_values_dropped_by_policy_are_dropped_once)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_gen *gen = weir_queue(
        root, WEIR_OPTIONS(weir_queue_options, .items_max = 3, .when_full = WEIR_DROP_OLDEST), &in);
    ck_assert_int_eq(weir_pump(owned(root), in, NULL), 0);
    ck_assert_int_eq(owned_live, 3);
    weir_discard(gen);
    ck_assert_int_eq(owned_live, 0);
    weir_loop_free(loop);
}

TEST(typed_items_are_known_by_name_and_size)
{
    weir_type other = owned_type;
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 1);
    weir_item item;
    ck_assert(weir_type_same(&other, &owned_type));
    ck_assert(!weir_type_same(&owned_type, &number_type));
    ck_assert(!weir_type_same(NULL, &number_type));
    ck_assert(weir_next(gen, &item));
    item.type = &owned_type;
    ck_assert_ptr_null(number_of(&item));
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(batches_in_a_queue_that_pins_too_much_stay_whole)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(texts_for_ever(root), WEIR_OPTIONS(weir_batch_options, .items_max = 1));
    gen = weir_buffer(gen, WEIR_OPTIONS(weir_queue_options, .items_max = 4000, .bytes_max = 30000));
    weir_item batch;
    const weir_item *parts;
    for (int i = 0; i < 6000; i++) {
        ck_assert(weir_next(gen, &batch));
        ck_assert_uint_eq(weir_item_parts(&batch, &parts), 1);
        ck_assert_int_eq(memcmp(parts->data, "text", 4), 0);
        i = wr_test_sweeps() ? 6000 : i;
    }
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- bytes that a user puts in the place of an item's own */

/* Numbers the lines, in bytes of its own, and leaves all else of the item as it came. */
WEIR_STAGE(numbered)
{
    weir_item item;
    char text[16];
    for (int i = 1; weir_next(up, &item); i++) {
        item.len = (size_t)snprintf(text, sizeof text, "%d:%.*s", i, (int)item.len, item.data);
        item.data = text;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static struct wr_folder folder;

/* Lines that lie in a block, as all that are read do. */
static weir_gen *blocked_lines(weir_loop *loop)
{
    wr_folder_make(&folder);
    wr_folder_write(&folder, "in", "a\nb\r\nc\nd", 8);
    return weir_file_lines(weir_root(loop), wr_folder_path(&folder, "in"), NULL);
}

static weir_gen *numbered_lines(weir_loop *loop)
{
    return numbered(blocked_lines(loop));
}

/* What weir writes of them: the line ends are still those that came. */
static void check_numbered(weir_gen *gen)
{
    static const char *const want[] = {"1:a", "2:b", "3:c", "4:d"};
    weir_item items[4], item;
    size_t n = 0;
    while (weir_next(gen, &item)) {
        const weir_item *parts;
        size_t count = weir_item_parts(&item, &parts);
        for (size_t i = 0; i < count && n < 4; i++) {
            ck_assert_int_eq(weir_item_keep(&items[n++], &parts[i]), 0);
        }
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(items[i].len, 3);
        ck_assert_int_eq(memcmp(items[i].data, want[i], 3), 0);
        ck_assert_int_eq((items[i].flags & WEIR_ITEM_CRLF) != 0, i == 1);
        ck_assert_int_eq((items[i].flags & WEIR_ITEM_NO_EOL) != 0, i == 3);
        weir_item_release(&items[i]);
    }
}

TEST(an_event_of_the_program_is_kept_with_all_that_it_has)
{
    char text[] = "abcdefg";
    weir_slice name = {text, 1}, value = {text + 1, 1}, peer = {text + 2, 1}, sent = {text + 3, 2};
    uint8_t kind = WEIR_VALUE_NUMBER;
    weir_event message = {.id = {text + 5, 1}, .names = &peer, .values = &sent, .fields_count = 1};
    weir_event event = {.body = {text + 6, 1},
                        .names = &name,
                        .values = &value,
                        .kinds = &kind,
                        .fields_count = 1,
                        .kind = WEIR_EVENT_RECORD,
                        .message = &message};
    weir_item item = weir_event_item(&event), kept;
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    memset(text, '?', sizeof text);
    memset(&message, '?', sizeof message);
    memset(&event, '?', sizeof event);
    const weir_event *copy = weir_event_of(&kept);
    ck_assert(weir_event_field(copy, "a", &value));
    ck_assert_int_eq(value.data[0], 'b');
    ck_assert_int_eq(copy->body.data[0], 'g');
    ck_assert_uint_eq(copy->kinds[0], WEIR_VALUE_NUMBER);
    ck_assert(weir_event_field(copy->message, "c", &sent));
    ck_assert_mem_eq(sent.data, "de", 2);
    ck_assert_int_eq(copy->message->id.data[0], 'f');
    weir_item_release(&kept);
}

TEST(bytes_put_in_an_items_place_are_kept_by_copy)
{
    weir_loop *loop = test_loop();
    check_numbered(numbered_lines(loop));
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(bytes_put_in_an_items_place_are_batched_by_copy)
{
    weir_loop *loop = test_loop();
    check_numbered(
        weir_batch(numbered_lines(loop), WEIR_OPTIONS(weir_batch_options, .items_max = 3)));
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(bytes_put_in_an_items_place_are_queued_by_copy)
{
    weir_loop *loop = test_loop();
    check_numbered(weir_buffer(numbered_lines(loop), NULL));
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(bytes_put_in_an_items_place_by_a_task_are_queued_by_copy)
{
    weir_loop *loop = test_loop();
    weir_gen *lines = blocked_lines(loop);
    weir_sink *in;
    weir_gen *queue = weir_queue(weir_root(loop), NULL, &in);
    weir_item item;
    char text[16];
    for (int i = 1; weir_next(lines, &item); i++) {
        item.len = (size_t)snprintf(text, sizeof text, "%d:%.1s", i, item.data);
        item.data = text;
        ck_assert(weir_put(in, &item));
    }
    ck_assert_int_eq(weir_finish(lines, NULL), 0);
    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    check_numbered(queue);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(a_part_of_an_items_bytes_stays_in_its_block)
{
    weir_loop *loop = test_loop();
    weir_gen *lines = blocked_lines(loop);
    weir_item item, kept;
    ck_assert(weir_next(lines, &item));
    item.data++;
    item.len--;
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert_ptr_eq(kept.data, item.data);
    weir_item_release(&kept);
    weir_discard(lines);
    weir_loop_free(loop);
    wr_folder_remove(&folder);
}

TEST(typed_value_put_twice_is_dropped_once)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item, kept;
    weir_gen *gen = owned(weir_root(loop)), *out = weir_queue(weir_root(loop), NULL, &in);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    weir_discard(gen);
    ck_assert(weir_put(in, &kept));
    ck_assert(weir_put(in, &kept));

    weir_item_release(&kept);
    weir_item both[2];
    ck_assert_uint_eq(weir_next_many(out, both, 2), 2);
    ck_assert_int_eq(owned_live, 1);
    weir_discard(out);

    MUST(owned_live == 0);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

MAIN("flow/item")
