/*
 * support_suite_sink_traits.c - the suite for sinks: a sink does what the traits in its descriptor
 * say, and what they do not say it does not do.
 */
#include <stdio.h>
#include <string.h>

#include "loop_file.h"
#include "support_sink_play.h"

static const weir_component *component_of(const struct wr_sink_kit *kit)
{
    const weir_component *component = NULL;
    for (size_t i = 0; kit->name != NULL && (component = weir_component_at(i)) != NULL; i++) {
        if (component->kind == WEIR_KIND_SINK && strcmp(component->name, kit->name) == 0) {
            break;
        }
    }
    return component;
}

struct draining {
    const struct wr_sink_kit *kit;
    struct wr_sink_play *play;
};

static void drain(void *ctx)
{
    struct draining *draining = ctx;
    static char got[4096];
    bool end;
    wr_play_take(draining->kit, draining->play, got, sizeof got, &end);
}

/* A file goes to the sink with a state: what the run says of its delivery is what the descriptor
 * promises. */
static void check_promise(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {.loop = weir_loop_new(NULL)}; /* a state is saved on a thread */
    struct wr_suite_run run;
    struct draining draining = {kit, &play};
    char text[640];
    weir_sink_discard(wr_play_begins(kit, &play));
    ck_assert_int_eq(weir_scope_wait(play.scope, NULL), 0);
    wr_folder_write(&play.folder, "in", "1\n2\n", 4);
    snprintf(text, sizeof text, "%s | %s", wr_folder_path(&play.folder, "in"), kit->text(&play));

    wr_suite_run_begins(&run, play.loop, &play.folder, "run", *wr_play_options(&play), text);
    play.scope = run.scope;
    wr_suite_run_ends(&run, 2, drain, &draining);
    play.scope = weir_scope_new(weir_root(play.loop), NULL);

    ck_assert_int_eq(run.word, wr_suite_promise(text));
    wr_play_ends(kit, &play);
}

/* One item in pieces is one line, and in one message, also when the rest of it comes late. */
static void check_pieces(const struct wr_sink_kit *kit)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    weir_error error;
    char got[64];
    bool end;
    static const char *const pieces[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        weir_item item = weir_bytes(pieces[i], 1);
        item.flags = i < 2 ? WEIR_ITEM_PART | WEIR_ITEM_NO_EOL : 0;
        ck_assert(weir_put(sink, &item));
        wr_suite_settle(play.loop);
        if (kit->messages && i < 2) {
            ck_assert_msg(wr_play_take(kit, &play, got, sizeof got, &end) == 0,
                          "a message ends in the middle of an item: \"%s\"", got);
        }
    }
    ck_assert_int_eq(wr_sink_ends(kit, &play, NULL, sink, &error, got, sizeof got, &end), 0);
    ck_assert_str_eq(got, kit->take != NULL ? "abc\n" : "");
    wr_play_ends(kit, &play);
}

static int beside_main(weir_scope *scope, void *args)
{
    bool **ran = args;
    (void)scope;
    **ran = true;
    return 0;
}

static size_t disk_writes;
static ssize_t count_write(int fd, const struct iovec *iov, int count)
{
    disk_writes++;
    return wr_disk_real.write(fd, iov, count);
}

/* While its far end takes nothing, its feeder lets no other task run and writes to no disk. */
static void check_never_full(const struct wr_sink_kit *kit, uint32_t traits)
{
    struct wr_sink_play play = {0};
    weir_sink *sink = wr_play_begins(kit, &play);
    struct wr_disk disk = wr_disk_real;
    uint64_t put = 0;
    int rc = 1;
    bool waited = false, *ran = &waited;
    disk.write = count_write;
    play.loop->disk = &disk;
    struct wr_filling filling = {sink, &put, wr_kit_big_bytes(kit), &rc, 1000};
    weir_spawn(play.scope, "filler", wr_fill_main, &filling, sizeof filling);
    weir_spawn(play.scope, "beside", beside_main, &ran, sizeof ran);
    while (!waited) {
        wr_loop_settle(play.loop);
    }
    bool never_full = rc == 0 && put >= wr_kit_big_bytes(kit) && disk_writes == 0;
    ck_assert_msg(never_full == ((traits & WEIR_TRAIT_NEVER_FULL) != 0),
                  never_full ? "it never slows down its feeder" : "it slows down its feeder");
    wr_play_ends(kit, &play);
}

void wr_sink_is_as_its_traits_say(const void *on)
{
    const struct wr_sink_kit *kit = on;
    const weir_component *component = component_of(kit);
    if (component == NULL || wr_test_sweeps()) {
        return; /* the others meet the same failures */
    }
    ck_assert((component->traits & WEIR_TRAIT_PURE) == 0 ||
              (component->traits & WEIR_TRAIT_IO) == 0);
    check_promise(kit);
    if ((component->traits & WEIR_TRAIT_PIECES) != 0) {
        check_pieces(kit);
    }
    check_never_full(kit, component->traits);
}
