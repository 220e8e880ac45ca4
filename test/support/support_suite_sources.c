/*
 * support_suite_sources.c - what every source must do.
 *
 * A test runs on the program's own stack and drives the loop by pulling or settling it. A source of
 * the language is opened from a text, with the framer that the test needs. The clock is virtual and
 * nothing sleeps.
 */
#include "support_suites.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_fault.h"
#include "plan_text.h"

/* What a source without a far end is read up to: it may be endless. */
enum { OWN_ITEMS_MAX = 1000 };

/* How many items a test reads: of an endless source those that were sent; of others with a far end
 * `others`. */
static size_t items_of(const struct wr_source_kit *kit, size_t sent, size_t others)
{
    return kit->example != NULL ? OWN_ITEMS_MAX : kit->endless ? sent : others;
}

static void play_begin(struct wr_source_play *play, const char *bytes, size_t len, size_t times,
                       enum wr_far_end then)
{
    wr_fault_pause(true);
    play->loop = play->loop != NULL ? play->loop : test_loop();
    play->scope = weir_scope_new(weir_root(play->loop), NULL);
    play->bytes = bytes;
    play->len = len;
    play->times = times;
    play->then = then;
    play->far = weir_scope_new(weir_root(play->loop), NULL);
    play->fd = -1;
    wr_folder_make(&play->folder);
    wr_fault_pause(false);
}

/* The source as a text has it, with what follows it. */
static void source_text(const struct wr_source_kit *kit, struct wr_source_play *play,
                        const char *rest, char *to, size_t cap)
{
    const char *source = kit->example != NULL ? kit->example : kit->text(play);
    (void)snprintf(to, cap, "%s%s%s", source, *rest != '\0' ? " | " : "", rest);
}

/* item_bytes_max: of an item, or the source fails; 0: as usual. */
static weir_gen *open_limited(const struct wr_source_kit *kit, struct wr_source_play *play,
                              const char *rest, int64_t item_bytes_max)
{
    char text[640];
    weir_error error;
    weir_gen *gen = NULL;
    source_text(kit, play, rest, text, sizeof text);
    /* The clock stands still while a far end waits: a second try would never come. */
    const weir_http_options once = {
        .struct_size = sizeof once, .retries = WEIR_NONE, .line_bytes_max = item_bytes_max};
    const weir_plan_options options = {.struct_size = sizeof options,
                                       .http = &once,
                                       .stdin_fd = play->fd,
                                       .strict = item_bytes_max > 0};
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    int rc = weir_plan_open(plan, play->scope, &options, &gen, NULL, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    return gen;
}

static weir_gen *open_text(const struct wr_source_kit *kit, struct wr_source_play *play,
                           const char *rest)
{
    return open_limited(kit, play, rest, 0);
}

static weir_gen *source_begin(const struct wr_source_kit *kit, struct wr_source_play *play,
                              const char *bytes, size_t times, enum wr_far_end then)
{
    play_begin(play, bytes, strlen(bytes), times, then);
    return kit->make != NULL ? kit->make(play, NULL) : open_text(kit, play, "");
}

static void source_end(const struct wr_source_kit *kit, struct wr_source_play *play)
{
    weir_error error;
    weir_scope_cancel(play->scope);
    (void)!weir_scope_wait(play->scope, &error);
    weir_scope_cancel(play->far);
    (void)!weir_scope_wait(play->far, &error);
    if (kit->end != NULL) {
        kit->end(play);
    }
    weir_loop_free(play->loop);
    wr_folder_remove(&play->folder);
}

/* ---- the suite of sources */

SUITE_TEST(gives_all_to_the_end, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\ntwo\r\n\nfour", 1, WR_FAR_ENDS);
    weir_item item;
    weir_slice body;
    weir_error error;
    char all[64] = "";

    while (weir_next(gen, &item)) {
        ck_assert_int_eq(weir_item_text(&item, &body, NULL), 0);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s/%u/%d ", (int)body.len,
                 body.data, item.flags, (int)item.seq);
    }

    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_str_eq(all, kit->messages ? "one/0/1 two/0/2 /0/3 four/0/4 "
                                        : "one/0/1 two/1/2 /0/3 four/2/4 ");
    weir_ledger ledger = ledger_of(weir_root(play.loop));
    ck_assert_uint_eq(ledger.in, 4);
    ck_assert_uint_eq(ledger.delivered, 4);
    source_end(kit, &play);
}

SUITE_TEST(gives_items_before_failure, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    const weir_lines_options *options =
        WEIR_OPTIONS(weir_lines_options, .line_bytes_max = 8, .overlong = WEIR_LONG_FAILS);
    play_begin(&play, "one\ntwo\nfar too long\nfour\n", 27, 1, WR_FAR_ENDS);
    weir_gen *gen = kit->make != NULL ? kit->make(&play, options)
                    : kit->messages   ? open_limited(kit, &play, "", 8)
                                      : open_text(kit, &play, "lines max=8B on-long=fail");
    weir_item items[8];
    weir_error error;
    size_t count = 0, n;

    while ((n = weir_next_many(gen, items, 8)) > 0) {
        count += n;
    }

    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETOOLONG);
    ck_assert_int_eq(error.offset, kit->messages ? 10 : 8);
    source_end(kit, &play);
}

struct reading {
    weir_gen *gen;
    int *rc;
    size_t *count;
};

static int read_main(weir_scope *scope, void *args)
{
    struct reading *reading = args;
    weir_item item;
    (void)scope;
    while (weir_next(reading->gen, &item)) {
        ++*reading->count;
    }
    *reading->rc = weir_finish(reading->gen, NULL);
    return 0;
}

/* Read one line, be silent, then what `act` does. */
static void read_and(const struct wr_source_kit *kit, void (*act)(weir_scope *scope), int expected)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\n", 1, WR_FAR_IS_SILENT);
    weir_scope *scope = weir_scope_new(weir_root(play.loop), NULL);
    int rc = 1;
    size_t count = 0;
    struct reading reading = {gen, &rc, &count};
    weir_error error;
    weir_spawn(scope, "reader", read_main, &reading, sizeof reading);
    wr_suite_settle(play.loop);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);
    ck_assert_uint_eq(count, 1);

    act(kit->waits ? play.scope : scope);
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? expected : 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    source_end(kit, &play);
}

SUITE_TEST(is_canceled_while_waiting, struct wr_source_kit)
{
    read_and(kit, weir_scope_cancel, WEIR_ECANCELED);
}

void wr_suite_end_scope(weir_scope *scope)
{
    (void)!weir_scope_wait(scope, NULL);
}

int wr_suite_read_without_memory(weir_loop *loop, weir_scope *scope, weir_gen *gen,
                                 void (*act)(weir_scope *scope))
{
    weir_scope *beside = weir_scope_new(weir_root(loop), NULL);
    int rc = 1;
    size_t count = 0;
    struct reading reading = {gen, &rc, &count};
    size_t taken = (size_t)(loop->budget.limit - loop->budget.used);
    ck_assert(wr_budget_charge(&loop->budget, taken));
    weir_spawn(beside, "reader", read_main, &reading, sizeof reading);
    wr_suite_settle(loop);
    ck_assert(loop->budget.waiters == 1 || rc == 0); /* it needs none */

    act(scope);
    wr_suite_settle(loop);

    ck_assert(count == 0 || rc == 0);
    int told = rc;
    wr_budget_release(&loop->budget, taken);
    (void)!weir_scope_wait(beside, NULL);
    return told;
}

/* What a source gives of its own may need no memory: then it has ended. */
static void starve(const struct wr_source_kit *kit, void (*act)(weir_scope *scope), int expected)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\n", 1, WR_FAR_ENDS);

    int rc = wr_suite_read_without_memory(play.loop, play.scope, gen, act);

    ck_assert(rc == expected || (rc == 0 && kit->example != NULL));
    if (act == wr_suite_end_scope) {
        play.scope = weir_scope_new(weir_root(play.loop), NULL);
    }
    source_end(kit, &play);
}

SUITE_TEST(is_canceled_without_memory, struct wr_source_kit)
{
    starve(kit, weir_scope_cancel, WEIR_ECANCELED);
}

SUITE_TEST(is_left_without_memory, struct wr_source_kit)
{
    starve(kit, wr_suite_end_scope, WEIR_ECLOSED);
}

SUITE_TEST(stops_while_waiting, struct wr_source_kit)
{
    read_and(kit, weir_scope_stop, 0);
}

SUITE_TEST(keeps_memory_bound, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    static char line[] = "a line of thirty-two bytes, here\n";
    /* In a sweep each call fails once, and each message has a block of its own. */
    size_t part = !wr_test_sweeps() ? 1
                  : kit->messages   ? 4096
                                    : 8,
           times = WR_SUITE_BIG_BYTES / part / (sizeof line - 1),
           limit = items_of(kit, times, SIZE_MAX), count = 1, n;
    weir_gen *gen = source_begin(kit, &play, line, times, WR_FAR_ENDS);
    weir_item items[64];
    weir_error error;

    ck_assert(weir_next(gen, items));
    wr_suite_settle(play.loop);

    ck_assert_uint_le(play.sent, kit->kernel_bytes + WR_BLOCK_BYTES);
    while (count < limit && (n = weir_next_many(gen, items, 64)) > 0) {
        count += n;
    }
    if (kit->example != NULL || kit->endless) {
        weir_discard(gen);
    } else {
        ck_assert_int_eq(weir_finish(gen, &error), 0);
    }
    ck_assert(kit->example != NULL || count == times);
    ck_assert_int_le(play.loop->budget.peak, (kit->blocks > 0 ? kit->blocks : 3) * WR_BLOCK_BYTES);
    source_end(kit, &play);
}

SUITE_TEST(is_discarded_midway, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\ntwo\n", 1, WR_FAR_IS_SILENT);
    weir_item item;

    ck_assert(weir_next(gen, &item));
    weir_discard(gen);

    MUST(play.loop->budget.used == 0);
    weir_ledger ledger = ledger_of(weir_root(play.loop));
    ck_assert_uint_ge(ledger.in, 1);
    ck_assert_uint_eq(ledger.in, ledger.delivered + ledger.in_flight);
    source_end(kit, &play);
}

/* ---- what a descriptor says */

static const weir_component *component_of(const struct wr_source_kit *kit)
{
    const weir_component *component = NULL;
    for (size_t i = 0; kit->name != NULL && (component = weir_component_at(i)) != NULL; i++) {
        if (component->kind == WEIR_KIND_SOURCE && strcmp(component->name, kit->name) == 0) {
            break;
        }
    }
    return component;
}

static uint32_t traits_of(const struct wr_source_kit *kit)
{
    const weir_component *component = component_of(kit);
    return component != NULL ? component->traits : WEIR_TRAIT_FRAMED;
}

/* The first `count` items, each with '|' behind it; *ended: there are no more. */
static void read_shown(const struct wr_source_kit *kit, size_t max, char *to, size_t cap,
                       bool *ended)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\ntwo\r\n\nfour", 1, WR_FAR_ENDS);
    const weir_component *component = component_of(kit);
    weir_item items[64];
    size_t count = 0, n = 1;
    struct wr_print out;
    wr_print_to(&out, to, cap);
    while (count < OWN_ITEMS_MAX && (n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            weir_slice text;
            ck_assert_int_eq(weir_item_text(&items[i], &text, NULL), 0);
            wr_printf(&out, "%.*s|", (int)text.len, text.data);
            ck_assert_uint_eq(items[i].seq, ++count);
            ck_assert(component == NULL || (wr_shape_of(&items[i]) & component->gives) != 0);
        }
    }
    *ended = n == 0;
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    source_end(kit, &play);
}

SUITE_TEST(gives_the_same_in_any_portion, struct wr_source_kit)
{
    static const size_t sizes[] = {2, 3, 64};
    char expected[4096], got[4096];
    bool ended;
    read_shown(kit, 1, expected, sizeof expected, &ended);
    for (size_t i = 0; i < 3 && !wr_test_sweeps(); i++) {
        read_shown(kit, sizes[i], got, sizeof got, &ended);
        ck_assert_str_eq(got, expected);
    }
    ck_assert_int_eq(ended, (traits_of(kit) & WEIR_TRAIT_ENDLESS) == 0);
}

SUITE_TEST(may_be_late, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\ntwo\n", 1, WR_FAR_ENDS);
    weir_item item;
    weir_got got;
    size_t count = 0;
    while (count < OWN_ITEMS_MAX && (got = weir_next_within(gen, &item, 0)) != WEIR_GOT_OVER) {
        if (got == WEIR_GOT_ITEM) {
            ck_assert_uint_eq(item.seq, ++count);
        }
        wr_loop_settle(play.loop);
    }
    ck_assert(kit->example != NULL ? count > 0 : count == 2);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    source_end(kit, &play);
}

SUITE_TEST(settles_every_item, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    weir_gen *gen = source_begin(kit, &play, "one\ntwo\n", 1, WR_FAR_ENDS);
    weir_error error;

    int rc = weir_pump(weir_head(gen, items_of(kit, 2, OWN_ITEMS_MAX)), weir_null_sink(play.scope),
                       &error);

    weir_ledger ledger = ledger_of(weir_root(play.loop));
    ck_assert_int_eq(rc, 0);
    ck_assert(kit->example != NULL ? ledger.in > 0 : ledger.in == 2);
    MUST(error.code < 0 || ledger.delivered == ledger.in);
    source_end(kit, &play);
}

/* Take over at most `count` items into a file; *word: what the run with a state promised. */
static void take_over(const struct wr_source_kit *kit, struct wr_source_play *play, const char *to,
                      size_t count, struct wr_suite_run *run)
{
    char text[640], source[512];
    source_text(kit, play, "", source, sizeof source);
    snprintf(text, sizeof text, "%s%s%s | file %s", source, kit->as_sent != NULL ? " | " : "",
             kit->as_sent != NULL ? kit->as_sent : "", wr_folder_path(&play->folder, to));
    weir_plan_options options = {.struct_size = sizeof options, .stdin_fd = play->fd};
    wr_suite_run_begins(run, play->loop, &play->folder, "run", options, text);
    wr_suite_run_ends(run, count, NULL, NULL);
    ck_assert_int_eq(run->word, wr_suite_promise(text));
}

/* A run takes over two items, and the next one the others, or all again where the source does not
 * say that it goes on. */
SUITE_TEST(is_as_its_traits_say, struct wr_source_kit)
{
    static const char whole[] = "one\ntwo\nthree\nfour\n";
    uint32_t traits = traits_of(kit);
    struct wr_source_play play = {0};
    struct wr_suite_run run;
    char expected[128];
    size_t len;
    if (kit->name == NULL || wr_test_sweeps()) {
        return; /* what goes on is swept in tests of its own */
    }
    ck_assert((traits & WEIR_TRAIT_PURE) == 0 || (traits & WEIR_TRAIT_IO) == 0);
    play.loop = weir_loop_new(NULL); /* a state is saved on a thread */
    ck_assert_ptr_nonnull(play.loop);
    play_begin(&play, whole, strlen(whole), 1, WR_FAR_ENDS);

    take_over(kit, &play, "out", 2, &run);
    size_t two = strlen(wr_folder_read(&play.folder, "out", &len));
    size_t left = (traits & WEIR_TRAIT_RESUMES) != 0 ? 2 : 4;
    take_over(kit, &play, "out", items_of(kit, left, 6), &run);

    if (kit->example != NULL) {
        ck_assert((traits & WEIR_TRAIT_RESUMES) == 0 || run.word > WEIR_BEST_EFFORT);
    } else {
        ck_assert_uint_eq(two, 8);
        snprintf(expected, sizeof expected, "%s%s",
                 (traits & WEIR_TRAIT_RESUMES) != 0 ? "" : "one\ntwo\n", whole);
        ck_assert_str_eq(wr_folder_read(&play.folder, "out", &len), expected);
    }
    source_end(kit, &play);
}

/* ---- bytes, and what framers make of them */

#define BYTES(text) text, sizeof(text) - 1
const struct wr_framing_case wr_framing_cases[WR_FRAMING_CASES] = {
    {{.kind = WEIR_FRAME_LINES}, "lines", BYTES("one\r\n\nlast"), "one||last|"},
    {{.kind = WEIR_FRAME_NUL}, "nul", BYTES("one\0\0li\nne\0"), "one||li\nne|"},
    {{.kind = WEIR_FRAME_LEN32}, "len32", BYTES("\0\0\0\3one\0\0\0\0\0\0\0\2b\n"), "one||b\n|"},
    {{.kind = WEIR_FRAME_VARINT}, "varint", BYTES("\3one\0\2b\n"), "one||b\n|"},
    {{.kind = WEIR_FRAME_FIXED, .record_bytes = 3},
     "fixed 3",
     BYTES("onetwo\n\nx"),
     "one|two|\n\nx|"},
    {{.kind = WEIR_FRAME_SSE},
     "sse",
     BYTES("data: one\ndata: 1\n\n: hi\nid: 7\ndata: b\n\ndata: c\n"),
     "one\n1|b|"},
    {{.kind = WEIR_FRAME_CSV}, "csv", BYTES("a,\"\nb\"\nc\n"), "a,\"\nb\"|c|"},
    {{.kind = WEIR_FRAME_LEN32, .item_bytes_max = 2},
     "len32 max=2B",
     BYTES("\0\0\0\3one\0\0\0\2b\n"),
     "b\n|"},
};

const char *wr_items_shown(weir_gen *gen, size_t max)
{
    static char shown[512];
    weir_item items[64];
    weir_slice text;
    size_t len = 0, n;
    while ((n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(weir_item_text(&items[i], &text, NULL), 0);
            len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s|", (int)text.len,
                                    text.data);
        }
    }
    shown[len] = '\0';
    return shown;
}

SUITE_TEST(gives_bytes, struct wr_source_kit)
{
    struct wr_source_play play = {0};
    play_begin(&play, "one\r\n\0last", 10, 1, WR_FAR_ENDS);
    weir_gen *gen = kit->make_bytes != NULL ? kit->make_bytes(&play) : open_text(kit, &play, "raw");
    weir_item item;
    weir_error error;
    char all[16];
    size_t len = 0;

    while (weir_next(gen, &item)) {
        ck_assert_uint_eq(item.flags, WEIR_ITEM_BYTES);
        memcpy(all + len, item.data, item.len);
        len += item.len;
    }

    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_uint_eq(len, 10);
    ck_assert_mem_eq(all, "one\r\n\0last", 10);
    source_end(kit, &play);
}

static weir_gen *open_framed(const struct wr_source_kit *kit, struct wr_source_play *play,
                             const struct wr_framing_case *c)
{
    if (kit->make_bytes == NULL) {
        return open_text(kit, play, c->text);
    }
    weir_gen *source = kit->make_bytes(play);
    weir_framing framing = c->framing;
    framing.struct_size = sizeof framing;
    weir_gen *gen = weir_framed(source, &framing);
    ck_assert_ptr_eq(gen, source); /* no stage between */
    return gen;
}

SUITE_TEST(takes_every_framer, struct wr_source_kit)
{
    /* In a sweep the last one stands for all: what differs is swept behind weir_framed. */
    for (size_t i = wr_test_sweeps() ? WR_FRAMING_CASES - 1 : 0; i < WR_FRAMING_CASES; i++) {
        const struct wr_framing_case *c = &wr_framing_cases[i];
        struct wr_source_play play = {0};
        weir_error error;
        if (c->framing.kind == WEIR_FRAME_SSE && (traits_of(kit) & WEIR_TRAIT_BY_ID) != 0) {
            continue; /* its far end would have to be a server of events */
        }
        play_begin(&play, c->bytes, c->len, 1, WR_FAR_ENDS);
        weir_gen *gen = open_framed(kit, &play, c);

        ck_assert_str_eq(wr_items_shown(gen, 64), c->items);
        ck_assert_int_eq(weir_finish(gen, &error), 0);
        source_end(kit, &play);
    }
}

/* ---- the suite */

static const struct wr_suite_test every_source[] = {
    {"is_canceled_while_waiting_for_memory", is_canceled_without_memory},
    {"is_left_while_waiting_for_memory", is_left_without_memory},
    {"is_discarded_midway", is_discarded_midway},
    {"settles_every_item", settles_every_item},
    {"is_as_its_traits_say", is_as_its_traits_say},
    {NULL, NULL},
};

static const struct wr_suite_test that_slows_its_far_end[] = {
    {"slow_reader_keeps_memory_bound", keeps_memory_bound},
    {NULL, NULL},
};

/* They read all that there is. */
static const struct wr_suite_test that_ends[] = {
    {"gives_the_same_in_any_portion", gives_the_same_in_any_portion},
    {"may_be_late", may_be_late},
    {NULL, NULL},
};

static const struct wr_suite_test of_a_stream[] = {
    {"gives_items_before_failure", gives_items_before_failure},
    {NULL, NULL},
};

static const struct wr_suite_test with_a_far_end[] = {
    {"is_canceled_while_waiting", is_canceled_while_waiting},
    {"stops_while_waiting", stops_while_waiting},
    {NULL, NULL},
};

static const struct wr_suite_test that_ends_with_it[] = {
    {"gives_all_to_the_end", gives_all_to_the_end},
    {NULL, NULL},
};

static const struct wr_suite_test of_bytes[] = {
    {"gives_bytes_as_they_come", gives_bytes},
    {"takes_every_framer", takes_every_framer},
    {NULL, NULL},
};

void wr_source_suite_add(const char *what, const struct wr_source_kit *kit)
{
    if (kit->swept_elsewhere && wr_test_sweeps()) {
        return;
    }
    wr_suite_add(every_source, what, kit);
    if (!kit->lossy) {
        wr_suite_add(that_slows_its_far_end, what, kit);
    }
    if (kit->example == NULL && !kit->lossy && !kit->own_limit) {
        wr_suite_add(of_a_stream, what, kit);
    }
    if (!kit->endless) {
        wr_suite_add(that_ends, what, kit);
    }
    if (kit->example == NULL) {
        wr_suite_add(with_a_far_end, what, kit);
    }
    if (kit->example == NULL && !kit->endless) {
        wr_suite_add(that_ends_with_it, what, kit);
    }
    if (kit->example == NULL && !kit->endless && (traits_of(kit) & WEIR_TRAIT_FRAMED) != 0) {
        wr_suite_add(of_bytes, what, kit);
    }
}
