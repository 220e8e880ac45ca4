/*
 * Shapes: what an item's text is for each of them, and what becomes of events and values in
 * queues, batches and channels and before everything that reads bytes.
 */
#include "support_flow.h"
#include "support_suites.h"

#include <stdio.h>

static weir_slice slice(const char *text)
{
    return (weir_slice){text, strlen(text)};
}

static bool is(weir_slice text, const char *want)
{
    return text.len == strlen(want) && memcmp(text.data, want, text.len) == 0;
}

/* ---- a value that is printed */

struct price {
    int cents;
};

static size_t price_print(const void *value, char *to, size_t cap)
{
    const struct price *price = value;
    int n = snprintf(to, cap, "%d.%02d", price->cents / 100, price->cents % 100);
    return n > 0 ? (size_t)n : 0;
}

static const weir_type price_type = {.struct_size = sizeof(weir_type),
                                     .name = "price",
                                     .value_size = sizeof(struct price),
                                     .print = price_print};

static weir_item price_item(const struct price *price)
{
    weir_item item = weir_bytes(price, sizeof *price);
    item.type = &price_type;
    return item;
}

TEST(text_of_bytes_and_json_is_their_data)
{
    weir_item item = weir_bytes("{}", 2);
    weir_slice text;
    ck_assert_int_eq(weir_item_text(&item, &text, NULL), 0);
    ck_assert_ptr_eq(text.data, item.data);
    item.type = &weir_json_type;
    ck_assert_int_eq(weir_item_text(&item, &text, NULL), 0);
    ck_assert(is(text, "{}") && text.data == item.data);
}

TEST(text_of_an_event_is_its_body)
{
    weir_event event = {.body = slice("<7>boot"), .kind = WEIR_EVENT_RECORD};
    weir_item item = weir_event_item(&event);
    weir_slice text;
    ck_assert_uint_eq(item.len, 7);
    ck_assert_int_eq(weir_item_text(&item, &text, NULL), 0);
    ck_assert_ptr_eq(text.data, event.body.data);
    ck_assert_ptr_eq(weir_event_of(&item), &event);
}

TEST(text_of_a_value_is_printed_into_the_scratch)
{
    weir_scratch scratch = WEIR_ZERO;
    weir_slice text;
    for (int cents = 5; cents <= 123456789; cents = cents * 10 + 5) {
        struct price price = {cents};
        weir_item item = price_item(&price);
        char want[32];
        snprintf(want, sizeof want, "%d.%02d", cents / 100, cents % 100);
        ck_assert_int_eq(weir_item_text(&item, &text, &scratch), 0);
        ck_assert(is(text, want) && text.data == scratch.data);
    }
    weir_scratch_free(&scratch);
    ck_assert_ptr_null(scratch.data);
    weir_scratch_free(NULL);
}

TEST(text_that_would_have_to_be_printed_needs_a_scratch)
{
    struct price price = {5};
    weir_item item = price_item(&price);
    weir_slice text;
    ck_assert_int_eq(weir_item_text(&item, &text, NULL), WEIR_EINVAL);
    ck_assert_ptr_null(text.data);
}

TEST(text_of_a_value_without_print_is_refused)
{
    long value = 7;
    weir_item item = number_item(&value);
    weir_scratch scratch = WEIR_ZERO;
    weir_slice text;
    ck_assert_int_eq(weir_item_text(&item, &text, &scratch), WEIR_EINVAL);
}

static void never_called(const weir_item *item, weir_slice *text)
{
    (void)item;
    *text = slice("read beyond the type");
}

/* A type that an older program has filled ends before `text`. */
TEST(type_of_an_older_header_ends_where_its_size_says)
{
    weir_type older = price_type;
    struct price price = {1999};
    weir_item item = price_item(&price);
    weir_scratch scratch = WEIR_ZERO;
    weir_slice text;
    older.struct_size = offsetof(weir_type, size);
    older.text = never_called;
    item.type = &older;
    ck_assert_int_eq(weir_item_text(&item, &text, &scratch), 0);
    ck_assert(is(text, "19.99"));
    weir_scratch_free(&scratch);
}

/* ---- events */

static const weir_slice names[] = {{"host", 4}, {"severity", 8}, {"host", 4}};

/* An event of which each byte lies in the body's frame. */
WEIR_SOURCE(events)
{
    for (int i = 0; i < 40; i++) {
        char body[16], key[8], host[16];
        snprintf(body, sizeof body, "body %d", i);
        snprintf(key, sizeof key, "k%d", i);
        snprintf(host, sizeof host, "host-%d", i);
        weir_slice values[] = {slice(host), slice("warning"), slice("second")};
        weir_event event = {.body = slice(body),
                            .key = slice(key),
                            .id = slice(""),
                            .names = names,
                            .values = values,
                            .fields_count = 3,
                            .kind = WEIR_EVENT_RECORD};
        weir_item item = weir_event_item(&event);
        bool go_on = weir_yield(self, &item);
        memset(body, 'x', sizeof body);
        memset(host, 'x', sizeof host);
        memset(values, 0, sizeof values);
        if (!go_on) {
            break;
        }
    }
    return 0;
}

static void check_event(const weir_item *item, int i)
{
    const weir_event *event = weir_event_of(item);
    weir_slice value;
    char want[16];
    MUST(event != NULL);
    snprintf(want, sizeof want, "body %d", i);
    MUST(is(event->body, want));
    snprintf(want, sizeof want, "k%d", i);
    MUST(is(event->key, want));
    MUST(event->id.len == 0 && event->kind == WEIR_EVENT_RECORD);
    snprintf(want, sizeof want, "host-%d", i);
    MUST(weir_event_field(event, "host", &value) && is(value, want));
    MUST(weir_event_field(event, "severity", &value) && is(value, "warning"));
    MUST(!weir_event_field(event, "sever", &value) && value.len == 0);
}

TEST(event_is_kept_with_all_that_it_points_to)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = events(weir_root(loop));
    weir_item item, kept[2];
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept[0], &item), 0);
    ck_assert_int_eq(weir_item_keep(&kept[1], &kept[0]), 0);
    ck_assert_ptr_eq(kept[0].data, kept[1].data);
    weir_item_release(&kept[0]);
    weir_discard(gen);
    check_event(&kept[1], 0);
    weir_item_release(&kept[1]);
    weir_loop_free(loop);
}

TEST(events_pass_a_queue_and_a_batch_whole)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_buffer(events(weir_root(loop)), NULL);
    gen = weir_buffer(weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .items_max = 7)), NULL);
    weir_item batch;
    int n = 0;
    while (weir_next(gen, &batch)) {
        const weir_item *parts;
        size_t count = weir_item_parts(&batch, &parts);
        for (size_t i = 0; i < count; i++) {
            check_event(&parts[i], n++);
        }
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(n, 40);
    weir_loop_free(loop);
}

TEST(events_cross_a_channel_whole)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_sink *to;
    weir_gen *from = weir_channel(weir_root(second), weir_root(loop), NULL, &to);
    int rc = weir_pump(events(weir_root(loop)), to, NULL), n = 0;
    weir_item item;
    while (weir_next(from, &item)) {
        check_event(&item, n++);
    }
    weir_discard(from);
    weir_loop_free(second);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 40);
}

TEST(a_batch_does_not_cross_a_channel)
{
    weir_loop *loop = weir_loop_new(NULL), *second = weir_loop_new(NULL);
    ck_assert(loop != NULL && second != NULL);
    weir_sink *to;
    weir_gen *from = weir_channel(weir_root(second), weir_root(loop), NULL, &to);
    int rc = weir_pump(weir_batch(count_to(weir_root(loop), 5), NULL), to, NULL);
    weir_discard(from);
    weir_loop_free(second);
    weir_loop_free(loop);
    ck_assert_int_eq(rc, WEIR_EINVAL);
}

static weir_value look_up(const weir_event *event, const char *name)
{
    weir_item item = weir_event_item(event);
    weir_slice path = slice(name);
    weir_value value;
    ck_assert_int_eq(weir_event_type.get(&item, &path, 1, &value), 0);
    return value;
}

TEST(record_is_looked_into_by_its_fields)
{
    weir_slice values[] = {slice("a1"), slice("debug"), slice("second")};
    weir_event event = {.body = slice("raw"),
                        .names = names,
                        .values = values,
                        .fields_count = 3,
                        .kind = WEIR_EVENT_RECORD};
    weir_value value = look_up(&event, "severity");
    ck_assert_int_eq(value.kind, WEIR_VALUE_STRING);
    ck_assert(!value.escaped && is((weir_slice){value.data, value.len}, "debug"));
    ck_assert_int_eq(look_up(&event, "absent").kind, WEIR_VALUE_MISSING);
}

static int get_whole(const weir_item *item, const weir_slice *path, size_t steps, weir_value *out)
{
    (void)path;
    (void)steps;
    *out = (weir_value){.kind = WEIR_VALUE_NUMBER, .data = item->data, .len = item->len};
    return 0;
}

TEST(message_is_looked_into_by_its_body)
{
    static const weir_type digits = {
        .struct_size = sizeof(weir_type), .name = "digits", .get = get_whole};
    weir_slice values[] = {slice("a1"), slice("debug"), slice("second")};
    weir_event event = {.body = slice("42"),
                        .body_type = &digits,
                        .names = names,
                        .values = values,
                        .fields_count = 3,
                        .kind = WEIR_EVENT_MESSAGE};
    weir_value value = look_up(&event, "severity");
    ck_assert_int_eq(value.kind, WEIR_VALUE_NUMBER);
    ck_assert(is((weir_slice){value.data, value.len}, "42"));
    event.body_type = NULL;
    ck_assert_int_eq(look_up(&event, "severity").kind, WEIR_VALUE_MISSING);
}

/* ---- who reads bytes */

WEIR_SOURCE(prices)
{
    for (int i = 8; i < 13; i++) {
        struct price price = {i * 50};
        weir_item item = price_item(&price);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static size_t count_of(weir_gen *gen, int *rc)
{
    weir_item item;
    size_t n = 0;
    while (weir_next(gen, &item)) {
        n++;
    }
    *rc = weir_finish(gen, NULL);
    return n;
}

TEST(grep_looks_into_bodies_and_printed_values)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int rc;
    ck_assert_uint_eq(count_of(weir_grep(events(root), "body 3"), &rc), 11);
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(count_of(weir_grep(events(root), "host"), &rc), 0);
    ck_assert_uint_eq(count_of(weir_grep(prices(root), ".50"), &rc), 2);
    weir_loop_free(loop);
}

static int refused(weir_gen *gen, const char *origin)
{
    weir_item item;
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    int rc = weir_finish(gen, &error);
    ck_assert_str_eq(error.origin, origin);
    return rc;
}

TEST(who_reads_bytes_refuses_what_has_none)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    ck_assert_int_eq(refused(weir_grep(count_to(root, 3), "1"), "grep"), WEIR_EINVAL);
    ck_assert_int_eq(refused(weir_lines(count_to(root, 3)), "lines"), WEIR_EINVAL);
    ck_assert_int_eq(refused(weir_grep(weir_batch(weir_count(root, 1, 3), NULL), "1"), "grep"),
                     WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(lines_are_split_out_of_the_texts_of_values)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_lines(prices(weir_root(loop)));
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert(is((weir_slice){item.data, item.len}, "4.004.505.005.506.00"));
    weir_discard(gen);
    weir_loop_free(loop);
}

static void writes(weir_loop *loop, weir_gen *gen, const char *want)
{
    struct wr_folder folder;
    size_t len;
    wr_folder_make(&folder);
    int rc =
        weir_pump(gen, weir_file_sink(weir_root(loop), wr_folder_path(&folder, "out"), NULL), NULL);
    if (rc == 0) {
        ck_assert_str_eq(wr_folder_read(&folder, "out", &len), want);
    }
    wr_folder_remove(&folder);
    ck_assert_int_eq(rc, 0);
}

TEST(sinks_write_bodies_and_printed_values)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    writes(loop, weir_head(events(root), 3), "body 0\nbody 1\nbody 2\n");
    writes(loop, prices(root), "4.00\n4.50\n5.00\n5.50\n6.00\n");
    writes(loop, weir_batch(prices(root), NULL), "4.00\n4.50\n5.00\n5.50\n6.00\n");
    weir_loop_free(loop);
}

/* ---- batches */

TEST(a_batch_is_known_by_its_type)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_batch(count_to(weir_root(loop), 5), NULL);
    weir_item batch;
    ck_assert(weir_next(gen, &batch));
    ck_assert_ptr_eq(batch.type, &weir_batch_type);
    ck_assert_uint_eq(batch.flags, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* Puts bytes of its own in each batch's place. */
WEIR_STAGE(counted)
{
    weir_item item;
    char text[16];
    while (weir_next(up, &item)) {
        const weir_item *parts;
        int n = snprintf(text, sizeof text, "%zu items", weir_item_parts(&item, &parts));
        item.data = text;
        item.len = (size_t)n;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(bytes_in_a_batchs_place_are_bytes)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = counted(weir_batch(count_to(weir_root(loop), 5), NULL));
    writes(loop, weir_buffer(gen, NULL), "5 items\n");
    weir_loop_free(loop);
}

MAIN("flow/shape")
