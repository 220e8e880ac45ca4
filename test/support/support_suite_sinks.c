/*
 * support_suite_sinks.c - what every sink must do. What a descriptor says is tested in
 * support_suite_sink_traits.c.
 *
 * A test runs on the program's own stack and drives the loop by putting or settling it; the far end
 * is drained by hand. A sink of the language is opened from a text. The clock is virtual and nothing
 * sleeps.
 */
#include "support_sink_play.h"

#include <string.h>
#include <unistd.h>

#include "base_fault.h"
#include "flow_sink.h"

const weir_plan_options *wr_play_options(const struct wr_sink_play *play)
{
    static const weir_http_options once = {.struct_size = sizeof once, .retries = WEIR_NONE};
    static weir_plan_options options;
    options =
        (weir_plan_options){.struct_size = sizeof options, .http = &once, .stdout_fd = play->fd};
    return &options;
}

/* The sink of a text, behind a source that is not read. */
static weir_sink *open_text(const struct wr_sink_kit *kit, struct wr_sink_play *play)
{
    char text[640];
    weir_error error;
    weir_gen *gen = NULL;
    weir_sink *sink = NULL;
    wr_fault_pause(true);
    const char *as_text = kit->text(play);
    wr_fault_pause(false);
    (void)snprintf(text, sizeof text, "gen 1..1 | %s", as_text);
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    int rc = weir_plan_open(plan, play->scope, wr_play_options(play), &gen, &sink, &error);
    weir_plan_free(plan);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    weir_discard(gen);
    return sink;
}

/* Of the loop's budget: a body that is being sent, and what a transport holds. */
enum { MEMORY_MAX = 1024 * 1024 };

weir_sink *wr_play_begins(const struct wr_sink_kit *kit, struct wr_sink_play *play)
{
    wr_fault_pause(true);
    play->loop = play->loop != NULL ? play->loop : test_loop();
    play->scope = weir_scope_new(weir_root(play->loop), NULL);
    play->fd = play->far = -1;
    wr_folder_make(&play->folder);
    wr_fault_pause(false);
    return kit->make != NULL ? kit->make(play) : open_text(kit, play);
}

void wr_play_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play)
{
    weir_error error;
    weir_scope_cancel(play->scope);
    (void)!weir_scope_wait(play->scope, &error);
    if (kit->end != NULL) {
        kit->end(play);
    }
    weir_loop_free(play->loop);
    wr_folder_remove(&play->folder);
}

size_t wr_play_take(const struct wr_sink_kit *kit, struct wr_sink_play *play, char *to, size_t cap,
                    bool *end)
{
    size_t len = 0, n = 0;
    do {
        n = kit->take == NULL ? 0 : kit->take(play, to + len, cap - 1 - len, end);
        len += n;
        play->taken += n;
    } while (n > 0 && len < cap - 1);
    to[len] = '\0';
    return len;
}

struct ending {
    weir_gen *gen;
    weir_sink *sink;
    weir_error *error;
    bool *over;
};

static int end_main(weir_scope *scope, void *args)
{
    const struct ending *ending = args;
    (void)scope;
    (void)!(ending->gen != NULL ? weir_pump(ending->gen, ending->sink, ending->error)
                                : weir_sink_finish(ending->sink, ending->error));
    *ending->over = true;
    return 0;
}

int wr_sink_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play, weir_gen *gen,
                 weir_sink *sink, weir_error *error, char *got, size_t cap, bool *end)
{
    bool over = false;
    size_t len = 0;
    struct ending ending = {gen, sink, error, &over};
    wr_fault_pause(true);
    weir_spawn(play->scope, "ending", end_main, &ending, sizeof ending);
    wr_fault_pause(false);
    for (int i = 0; i < 20000 && !over; i++) {
        wr_loop_settle(play->loop);
        len += wr_play_take(kit, play, got + len, cap - len, end);
        wr_clock_advance(play->loop, 1);
    }
    MUST(over);
    wr_play_take(kit, play, got + len, cap - len, end);
    return error->code;
}

size_t wr_kit_big_bytes(const struct wr_sink_kit *kit)
{
    size_t bytes = kit->big_bytes > 0 ? kit->big_bytes : (size_t)WR_SUITE_BIG_BYTES;
    size_t few = kit->few_bytes > 0 ? kit->few_bytes : kit->kernel_bytes + 96 * 1024;
    return wr_test_sweeps() ? WR_MIN(bytes, few)
                            : bytes; /* there each test runs some hundred times */
}

/* A sweep is spared the most bytes: the same sink is swept over a unix socket. */
static bool is_long_in_a_sweep(const struct wr_sink_kit *kit)
{
    return wr_test_sweeps() && kit->kernel_bytes > 256 * 1024;
}

struct lines_args {
    const char *text;
};
WEIR_SOURCE(text_lines, struct lines_args)
{
    for (const char *at = args->text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        bool lf = at[len] == '\n', cr = len > 0 && at[len - 1] == '\r';
        weir_item item = weir_bytes(at, len - cr);
        item.flags = (cr ? (unsigned)WEIR_ITEM_CRLF : 0u) | (lf ? 0u : (unsigned)WEIR_ITEM_NO_EOL);
        if (!weir_yield(self, &item)) {
            break;
        }
        at += len + lf;
    }
    return 0;
}

weir_gen *wr_lines_of(weir_scope *scope, const char *text)
{
    return text_lines(scope, (struct lines_args){text});
}

/* ---- the suite of sinks */

/* Items of a block with their line ends in it, of a block without, of a frame, and a batch. */
static const struct {
    const char *in;
    uint32_t flags;
} exact[] = {{"one", 0},
             {"two", WEIR_ITEM_CRLF},
             {"", 0},
             {"cut", WEIR_ITEM_NO_EOL},
             {"next", 0},
             {"lone", WEIR_ITEM_NO_EOL | WEIR_ITEM_CRLF},
             {"end", WEIR_ITEM_NO_EOL}};
enum { EXACT = sizeof exact / sizeof *exact };

static weir_item exact_item(size_t i)
{
    weir_item item = weir_bytes(exact[i].in, strlen(exact[i].in));
    item.flags = exact[i].flags;
    return item;
}

static const char *exact_out(const struct wr_sink_kit *kit)
{
    return kit->loses_cr     ? "one\ntwo\n\ncut\nnext\nlone\nend\n"
           : kit->ends_lines ? "one\ntwo\r\n\ncut\nnext\nlone\r\nend\n"
                             : "one\ntwo\r\n\ncut\nnext\nlone\r\nend";
}

SUITE_TEST(writes_exact_bytes, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_error error;
    char got[256];
    bool end, ok = true;

    for (size_t i = 0; i < EXACT; i++) {
        weir_item item = exact_item(i);
        ok = ok && weir_put(sink, &item);
    }

    ck_assert(ok);
    ck_assert_int_eq(wr_sink_ends(kit, &play, NULL, sink, &error, got, sizeof got, &end), 0);
    ck_assert_str_eq(got, exact_out(kit));
    wr_play_ends(kit, &play);
}

WEIR_SOURCE(exact_items)
{
    weir_item items[EXACT];
    for (size_t i = 0; i < EXACT; i++) {
        items[i] = exact_item(i);
    }
    (void)!weir_yield_many(self, items, EXACT);
    return 0;
}

SUITE_TEST(writes_many_as_one_by_one, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_error error;
    char got[256];
    bool end;

    int rc = wr_sink_ends(kit, &play, exact_items(play.scope), sink, &error, got, sizeof got, &end);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(got, exact_out(kit));
    wr_play_ends(kit, &play);
}

SUITE_TEST(tells_its_end, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_error error;
    char got[64];
    bool end;

    int rc = wr_sink_ends(kit, &play, wr_lines_of(play.scope, "one\r\ntwo\n"), sink, &error, got,
                          sizeof got, &end);

    ck_assert_int_eq(rc, 0);
    weir_ledger ledger = ledger_of(weir_root(play.loop));
    MUST(error.code < 0 || ledger.delivered == 2);
    ck_assert_uint_eq(ledger.in, 2);
    ck_assert_uint_eq(ledger.in_flight, 0);
    if (kit->take != NULL) {
        ck_assert_str_eq(got, kit->loses_cr ? "one\ntwo\n" : "one\r\ntwo\n");
        ck_assert(end || kit->no_end);
    }
    wr_play_ends(kit, &play);
}

WEIR_SOURCE(two_then_failure, struct lines_args)
{
    weir_item item = weir_bytes(args->text, strlen(args->text));
    for (int i = 0; i < 2; i++) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return weir_fail(self, WEIR_EPARSE, "bad");
}

SUITE_TEST(delivers_before_failure, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_error error;
    char got[64];
    bool end;

    int rc = wr_sink_ends(kit, &play, two_then_failure(play.scope, (struct lines_args){"x"}), sink,
                          &error, got, sizeof got, &end);

    ck_assert_int_eq(rc, WEIR_EPARSE);
    ck_assert_str_eq(got, kit->take != NULL ? "x\nx\n" : "");
    wr_play_ends(kit, &play);
}

static weir_item filling_item(const struct wr_filling *filling)
{
    static char line[4096];
    memset(line, 'x', sizeof line);
    return weir_bytes(line, filling->item_bytes - 1);
}

int wr_fill_main(weir_scope *scope, void *args)
{
    struct wr_filling *filling = args;
    weir_item item = filling_item(filling);
    (void)scope;
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += filling->item_bytes;
    }
    *filling->rc = weir_sink_finish(filling->sink, NULL);
    return 0;
}

static void fill_in(weir_scope *scope, struct wr_sink_play *play, weir_sink *sink, uint64_t limit,
                    uint64_t *put, int *rc)
{
    struct wr_filling filling = {sink, put, limit, rc, 1000};
    *rc = 1;
    *put = 0;
    weir_spawn(scope, "filler", wr_fill_main, &filling, sizeof filling);
    wr_suite_settle(play->loop);
}

static void fill(struct wr_sink_play *play, weir_sink *sink, uint64_t limit, uint64_t *put, int *rc)
{
    fill_in(play->scope, play, sink, limit, put, rc);
}

SUITE_TEST(is_canceled_while_waiting, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    uint64_t put;
    int rc;
    fill(&play, sink, wr_kit_big_bytes(kit), &put, &rc);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);

    weir_scope_cancel(play.scope);
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? WEIR_ECANCELED : 0);
    wr_play_ends(kit, &play);
}

/* A task of another scope is in the sink, for room or for memory, when its scope is canceled. */
static void cancel_from_elsewhere(const struct wr_sink_kit *kit, bool starved)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_scope *beside = weir_scope_new(weir_root(play.loop), NULL);
    size_t taken = starved ? (size_t)(play.loop->budget.limit - play.loop->budget.used) : 0;
    uint64_t put;
    int rc;
    ck_assert(taken == 0 || wr_budget_charge(&play.loop->budget, taken));
    fill_in(beside, &play, sink, wr_kit_big_bytes(kit), &put, &rc);
    ck_assert_int_eq(rc, kit->waits ? 1 : 0);

    weir_scope_cancel(play.scope);
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, kit->waits ? WEIR_ECANCELED : 0);
    if (taken > 0) {
        wr_budget_release(&play.loop->budget, taken);
    }
    ck_assert_int_eq(weir_scope_wait(beside, NULL), 0);
    wr_play_ends(kit, &play);
}

SUITE_TEST(is_canceled_from_elsewhere, struct wr_sink_kit)
{
    cancel_from_elsewhere(kit, false);
}

SUITE_TEST(is_canceled_without_memory, struct wr_sink_kit)
{
    cancel_from_elsewhere(kit, true);
}

/* What the far end may still get is in flight, or was delivered. */
SUITE_TEST(is_discarded_midway, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_gen *gen = wr_lines_of(play.scope, "one\ntwo\nthree\n");
    weir_item item;

    for (int i = 0; i < 2; i++) {
        ck_assert(weir_next(gen, &item) && weir_put(sink, &item));
    }
    weir_sink_discard(sink);
    weir_discard(gen);
    wr_suite_settle(play.loop);

    weir_ledger ledger = ledger_of(weir_root(play.loop));
    ck_assert_uint_eq(ledger.in, 2);
    MUST(ledger.in == ledger.delivered + ledger.in_flight);
    MUST(play.loop->budget.used == 0);
    wr_play_ends(kit, &play);
}

SUITE_TEST(keeps_memory_bound, struct wr_sink_kit)
{
    if (is_long_in_a_sweep(kit)) {
        return;
    }
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    static char got[64 * 1024];
    uint64_t put;
    int rc;
    bool end = false;
    fill(&play, sink, wr_kit_big_bytes(kit), &put, &rc);
    ck_assert_uint_le(kit->waits ? put : 0, kit->kernel_bytes + 64 * 1024 + 1000);

    int rounds_max = wr_test_sweeps() ? 2000 : 100000; /* a sink that has failed may never end */
    for (int i = 0; i < rounds_max && !end && !(kit->no_end && rc <= 0); i++) {
        wr_play_take(kit, &play, got, sizeof got, &end);
        ck_assert_uint_le(kit->waits ? put - WR_MIN(put, play.taken) : 0,
                          kit->kernel_bytes + 64 * 1024 + 1000);
        wr_loop_settle(play.loop);
    }
    for (int i = 0; i < 100 && rc > 0; i++) { /* a socket's peer may still reset what it has */
        wr_clock_advance(play.loop, 20);
        wr_loop_settle(play.loop);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert(kit->take == NULL || play.taken == put);
    ck_assert_uint_ge(put, wr_kit_big_bytes(kit));
    ck_assert_int_le(play.loop->budget.peak, MEMORY_MAX);
    wr_play_ends(kit, &play);
}

SUITE_TEST(flushes_before_idle, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_item item = weir_bytes("alone", 5);
    char got[64];
    bool end;

    ck_assert(weir_put(sink, &item));
    wr_suite_settle(play.loop);

    wr_play_take(kit, &play, got, sizeof got, &end);
    ck_assert_str_eq(got, "alone\n");
    weir_sink_discard(sink);
    MUST(play.loop->budget.used == 0);
    wr_play_ends(kit, &play);
}

/* Puts until the far end takes no more, then falls silent with the sink open and something still in
 * it. */
static int trickle_main(weir_scope *scope, void *args)
{
    struct wr_filling *filling = args;
    weir_item item = filling_item(filling);
    while (*filling->put < filling->limit && weir_put(filling->sink, &item)) {
        *filling->put += filling->item_bytes;
        char why[128];
        if (wr_pause(filling->sink->loop, NULL) < 0 ||
            (filling->sink->ops->why != NULL &&
             filling->sink->ops->why(filling->sink, why, sizeof why) > 0)) {
            break;
        }
    }
    (void)!weir_sleep(scope, 3600 * 1000);
    weir_sink_discard(filling->sink);
    return 0;
}

SUITE_TEST(gets_the_rest_out, struct wr_sink_kit)
{
    if (is_long_in_a_sweep(kit)) {
        return;
    }
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    static char got[64 * 1024];
    uint64_t put = 0, limit = kit->waits ? wr_kit_big_bytes(kit) : 16 * 1024;
    size_t item_bytes = WR_MAX(kit->kernel_bytes / 256, (size_t)64);
    struct wr_filling filling = {sink, &put, limit, NULL, WR_MIN(item_bytes, (size_t)4096)};
    bool end;
    weir_spawn(play.scope, "trickle", trickle_main, &filling, sizeof filling);
    uint64_t before;
    do {
        before = put;
        wr_suite_settle(play.loop);
    } while (put != before);
    ck_assert(kit->waits ? put < limit : put == limit);

    for (int i = 0; i < 1000; i++) {
        wr_play_take(kit, &play, got, sizeof got, &end);
        wr_loop_settle(play.loop);
    }

    ck_assert_uint_eq(play.taken, put);
    wr_play_ends(kit, &play);
}

SUITE_TEST(tells_a_far_end_gone, struct wr_sink_kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    uint64_t put;
    int rc;
    char got[64];
    bool end;
    fill(&play, sink, wr_kit_big_bytes(kit), &put, &rc);
    wr_play_take(kit, &play, got, sizeof got, &end);

    if (kit->waits) {
        close(play.far);
        play.far = -1;
    }
    wr_suite_settle(play.loop);

    ck_assert_int_eq(rc, !kit->waits ? 0 : kit->gone_code != 0 ? kit->gone_code : WEIR_ECLOSED);
    wr_play_ends(kit, &play);
}

/* ---- the suite */

static const struct wr_suite_test every_sink[] = {
    {"tells_its_end", tells_its_end},
    {"delivers_before_failure", delivers_before_failure},
    {"is_canceled_while_waiting", is_canceled_while_waiting},
    {"is_canceled_from_elsewhere", is_canceled_from_elsewhere},
    {"is_canceled_while_waiting_for_memory", is_canceled_without_memory},
    {"is_discarded_midway", is_discarded_midway},
    {"slow_peer_keeps_memory_bound", keeps_memory_bound},
    {"is_as_its_traits_say", wr_sink_is_as_its_traits_say},
    {NULL, NULL},
};

static const struct wr_suite_test with_a_far_end[] = {
    {"writes_exact_bytes", writes_exact_bytes},
    {"writes_many_as_one_by_one", writes_many_as_one_by_one},
    {"flushes_before_idle", flushes_before_idle},
    {"gets_the_rest_out_when_the_peer_reads_again", gets_the_rest_out},
    {"tells_a_far_end_that_has_gone", tells_a_far_end_gone},
    {NULL, NULL},
};

void wr_sink_suite_add(const char *what, const struct wr_sink_kit *kit)
{
    wr_suite_add(every_sink, what, kit);
    if (kit->take != NULL) {
        wr_suite_add(with_a_far_end, what, kit);
    }
}
