/*
 * Sources with many places to go on from: partitions that come back in any order, files that end,
 * texts of their own; and one that cannot show where it goes on.
 * Labels: thread
 */
#include "base_alloc.h"
#include "flow_gen.h"
#include "support_state.h"
#include "texts_state.h"

/* ---- a source whose parts are scripted */

enum { PARTS_MAX = 64, TEXT_MAX = 64 };

/* One item: which part it is of, and its number there. */
struct step {
    int part;
    uint64_t number;
};

struct part {
    struct wr_positions base;
    struct wr_origin *origin;
    struct wr_state_slot *slot;
    int index;
    uint64_t start, forgotten;
    bool dropped;
};

struct parts {
    struct weir_gen gen;
    weir_state *state;
    const struct step *steps;
    size_t count, at;
    enum wr_proof proof;
    int end_part;  /* this part ends after step `end_at` */
    size_t end_at; /* 0: none */
    bool open;
    char text[TEXT_MAX];
};
static struct part parts[PARTS_MAX];

static size_t part_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    const struct part *part = WR_OWNER(positions, struct part, base);
    ck_assert(!part->dropped);
    ck_assert_uint_ge(number, part->forgotten);
    return (size_t)snprintf(to, cap, "partition %d offset %llu", part->index,
                            (unsigned long long)number);
}

static void part_forget(struct wr_positions *positions, uint64_t before)
{
    struct part *part = WR_OWNER(positions, struct part, base);
    ck_assert_uint_ge(before, part->forgotten);
    part->forgotten = before;
}

static void part_drop(struct wr_positions *positions)
{
    WR_OWNER(positions, struct part, base)->dropped = true;
}

static const struct wr_positions_ops part_ops = {
    .text = part_text, .forget = part_forget, .drop = part_drop};

/* 0, or the generator has failed. */
static int open_part(struct parts *gen, int index, struct wr_state_slot *slot, uint64_t start)
{
    struct part *part = &parts[index];
    weir_error error;
    *part = (struct part){.base = {.ops = &part_ops}, .index = index, .slot = slot, .start = start};
    part->origin = wr_gen_add_origin(&gen->gen, "partition");
    if (part->origin == NULL) {
        return wr_gen_fail(&gen->gen, WEIR_ENOMEM, 0, -1, "part");
    }
    if (wr_state_attach_slot(gen->state, &part->slot, "topic", part->origin, &error) < 0) {
        part->origin = NULL;
        return wr_gen_fail_error(&gen->gen, &error);
    }
    wr_origin_keep_positions(part->origin, &part->base, start);
    wr_state_prove(part->slot, gen->proof);
    return 0;
}

/* What earlier runs have left. */
static int open_stored(struct parts *gen)
{
    struct wr_state_slot *slot = wr_state_next_slot(gen->state, "topic", NULL);
    while (slot != NULL) {
        int index;
        unsigned long long offset;
        struct wr_state_slot *next = wr_state_next_slot(gen->state, "topic", slot);
        if (slot->stored != NULL) {
            ck_assert_int_eq(sscanf(slot->stored, "partition %d offset %llu", &index, &offset), 2);
            int rc = open_part(gen, index, slot, offset);
            if (rc < 0) {
                return rc;
            }
        }
        slot = next;
    }
    return 0;
}

static size_t parts_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct parts *mine = (struct parts *)gen;
    (void)max;
    wr_gen_loan_over(gen);
    if (!mine->open) {
        mine->open = true;
        if (open_stored(mine) < 0) {
            return 0;
        }
    }
    wr_state_pulled(mine->state);
    while (mine->at < mine->count) {
        const struct step *step = &mine->steps[mine->at++];
        struct part *part = &parts[step->part];
        if (part->origin == NULL && open_part(mine, step->part, NULL, 0) < 0) {
            return 0;
        }
        if (step->number <= part->start) {
            continue; /* given by an earlier run */
        }
        snprintf(mine->text, sizeof mine->text, "%d:%llu", step->part,
                 (unsigned long long)step->number);
        items[0] = weir_bytes(mine->text, strlen(mine->text));
        if (wr_origin_push_end(part->origin, step->number) < 0) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "number");
            return 0;
        }
        wr_origin_give(part->origin, items, 1);
        if (mine->at == mine->end_at) {
            wr_state_retire(parts[mine->end_part].slot);
            wr_origin_leave(parts[mine->end_part].origin);
            parts[mine->end_part].origin = NULL;
        }
        return 1;
    }
    return 0;
}

static void parts_close(struct weir_gen *gen)
{
    (void)gen;
    for (int i = 0; i < PARTS_MAX; i++) {
        if (parts[i].origin != NULL) {
            wr_state_detach_source(parts[i].slot, true);
        }
    }
}

static const struct wr_gen_ops parts_gen_ops = {
    .kind = "parts", .next_many = parts_next_many, .close = parts_close, .is_source = true};

static struct parts *make_parts(struct fixture *f, const struct step *steps, size_t count)
{
    struct parts *gen = wr_gen_alloc(f->scope, sizeof *gen, &parts_gen_ops, "parts");
    ck_assert_ptr_nonnull(gen);
    memset(parts, 0, sizeof parts);
    gen->state = f->state;
    gen->steps = steps;
    gen->count = count;
    gen->proof = WR_PROOF_EXACT;
    (void)wr_state_expect_source(f->state, "topic", NULL);
    return gen;
}

/* Of so many steps into the file "out". 0 or the failure. */
static int run_parts(struct fixture *f, struct parts *gen, uint64_t most, weir_error *error)
{
    weir_sink *out = weir_file_sink(f->scope, wr_folder_path(&f->folder, "out"),
                                    WEIR_OPTIONS(weir_file_options, .state = f->state));
    return weir_pump(weir_head_of_run(wr_gen_made(&gen->gen, NULL), most), out, error);
}

static const struct step steps[] = {{0, 10}, {1, 5},  {2, 7}, {0, 20}, {2, 8},
                                    {1, 6},  {0, 30}, {2, 9}, {3, 1},  {0, 40}};
enum { STEPS = sizeof steps / sizeof *steps };

static const char *record_of(struct fixture *f)
{
    size_t len;
    return wr_folder_read(&f->folder, "s/p.weir", &len);
}

TEST(each_part_goes_on_where_it_has_left_off)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin(&f);
    ck_assert_int_eq(run_parts(&f, make_parts(&f, steps, STEPS), 4, &error), 0);
    run_ends(&f);
    ck_assert_ptr_nonnull(strstr(record_of(&f), "partition 0 offset 20\n"));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "partition 1 offset 5\n"));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "partition 2 offset 7\n"));
    run_begins(&f, "p");

    ck_assert_int_eq(run_parts(&f, make_parts(&f, steps, STEPS), 99, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len),
                     "0:10\n1:5\n2:7\n0:20\n2:8\n1:6\n0:30\n2:9\n3:1\n0:40\n");
    end(&f);
}

TEST(more_parts_than_fit_anywhere_else)
{
    enum { EACH = 3 };
    struct fixture f;
    weir_error error;
    static struct step many[PARTS_MAX * EACH];
    for (int i = 0; i < PARTS_MAX * EACH; i++) {
        many[i] = (struct step){i % PARTS_MAX, (uint64_t)(i / PARTS_MAX + 1)};
    }
    begin(&f);
    for (uint64_t left = PARTS_MAX * EACH, n = 37; left > 0; left -= WR_MIN(left, n)) {
        ck_assert_int_eq(run_parts(&f, make_parts(&f, many, PARTS_MAX * EACH), n, &error), 0);
        run_ends(&f);
        run_begins(&f, "p");
    }
    size_t len, lines = 0;
    const char *out = wr_folder_read(&f.folder, "out", &len);
    for (size_t i = 0; i < len; i++) {
        lines += out[i] == '\n';
    }
    ck_assert_uint_eq(lines, PARTS_MAX * EACH);
    end(&f);
}

TEST(numbers_that_are_saved_are_forgotten)
{
    struct fixture f;
    weir_error error;
    begin(&f);

    ck_assert_int_eq(run_parts(&f, make_parts(&f, steps, STEPS), 99, &error), 0);

    ck_assert_uint_eq(parts[0].forgotten, 40);
    ck_assert_uint_eq(parts[1].forgotten, 6);
    run_ends(&f);
    ck_assert(parts[0].dropped && parts[1].dropped && parts[2].dropped);
    wr_folder_remove(&f.folder);
}

/* As a file that was rotated: once its items have settled nobody goes on there. */
TEST(part_that_has_ended_leaves_the_record_once_it_has_settled)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    struct parts *gen = make_parts(&f, steps, STEPS);
    gen->end_part = 1;
    gen->end_at = 6; /* with its last item, which is in nobody's hands yet */

    ck_assert_int_eq(run_parts(&f, gen, 99, &error), 0);

    ck_assert_ptr_null(strstr(record_of(&f), "partition 1 "));
    ck_assert_ptr_nonnull(strstr(record_of(&f), "partition 0 offset 40\n"));
    ck_assert(parts[1].dropped);
    end(&f);
}

TEST(part_that_has_ended_stays_in_the_record_while_something_of_it_is_held)
{
    struct fixture f;
    weir_error error;
    weir_item item, kept;
    begin(&f);
    struct parts *mine = make_parts(&f, steps, 2);
    mine->end_part = 1;
    mine->end_at = 2;
    weir_gen *gen = wr_gen_made(&mine->gen, NULL);
    weir_sink *out = weir_null_sink(f.scope);
    weir_sink_keep_state(out, f.state);
    ck_assert(weir_next(gen, &item) && weir_put(out, &item) && weir_commit(out));
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert(!weir_next(gen, &item));

    ck_assert_int_eq(wr_state_save(f.state, &error), 0);
    ck_assert_ptr_nonnull(strstr(record_of(&f), "partition 1 offset 0\n"));

    weir_item_release(&kept);
    ck_assert_int_eq(wr_state_save(f.state, &error), 0);
    ck_assert_ptr_null(strstr(record_of(&f), "partition 1 "));
    ck_assert_int_eq(weir_sink_finish(out, NULL), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    end(&f);
}

/* ---- cutting */

static void append_out(struct fixture *f, const char *more)
{
    FILE *file = fopen(wr_folder_path(&f->folder, "out"), "a");
    fputs(more, file);
    fclose(file);
}

static char said[1024];

static void keep_log(void *ctx, int level, const char *origin, const char *message)
{
    (void)ctx;
    (void)level;
    (void)origin;
    strncat(strncat(said, message, 400), "\n", 2);
}

/* Two lines, and then what a killed run has written. */
static void begin_killed(struct fixture *f, const char *tail)
{
    weir_error error;
    begin(f);
    ck_assert_int_eq(run_parts(f, make_parts(f, steps, STEPS), 2, &error), 0);
    run_ends(f);
    append_out(f, tail);
    run_begins(f, "p");
    said[0] = '\0';
    f->loop->log = (struct wr_log){.fn = keep_log};
}

TEST(file_is_cut_when_each_part_has_shown_where_it_goes_on)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_killed(&f, "2:7\n0:");

    ck_assert_int_eq(run_parts(&f, make_parts(&f, steps, STEPS), 1, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n");
    ck_assert_ptr_nonnull(strstr(said, TEXT_STATE_ONLY_SAVED("had 15")));
    end(&f);
}

TEST(file_is_not_cut_while_a_part_of_the_last_run_is_missing)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_killed(&f, "2:7\n");
    struct parts *gen = make_parts(&f, steps, STEPS);
    ck_assert_ptr_nonnull(
        wr_state_expect_source(f.state, "other", NULL)); /* not asked in this run */
    struct wr_state_slot *slot = wr_state_next_slot(f.state, "other", NULL);
    slot->stored = wr_strdup("offset 3");

    ck_assert_int_eq(run_parts(&f, gen, 1, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n2:7\n");
    ck_assert_ptr_nonnull(strstr(said, TEXT_STATE_ONLY_SAVED("has 13")));
    ck_assert_ptr_nonnull(strstr(said, TEXT_STATE_NOT_SHOWN("other")));
    end(&f);
}

TEST(weak_source_cuts_the_file_where_it_gives_the_same_again)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_killed(&f, "2:7\n0:20\n2");
    struct parts *gen = make_parts(&f, steps, STEPS);
    gen->proof = WR_PROOF_WEAK;

    ck_assert_int_eq(run_parts(&f, gen, 2, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n0:20\n");
    end(&f);
}

TEST(weak_source_appends_where_it_gives_something_else)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_killed(&f, "2:7\n0:20\n");
    static const struct step later[] = {{2, 8}, {1, 6}};
    struct parts *gen = make_parts(&f, later, 2);
    gen->proof = WR_PROOF_WEAK;

    ck_assert_int_eq(run_parts(&f, gen, 9, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n0:20\n2:8\n1:6\n");
    ck_assert_ptr_nonnull(strstr(said, TEXT_STATE_GAP));
    end(&f);
}

TEST(line_that_was_cut_short_and_stays_is_ended)
{
    struct fixture f;
    weir_error error;
    size_t len;
    begin_killed(&f, "2:7\n0:2");
    static const struct step later[] = {{2, 8}, {1, 6}};
    struct parts *gen = make_parts(&f, later, 2);
    gen->proof = WR_PROOF_WEAK;

    ck_assert_int_eq(run_parts(&f, gen, 9, &error), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n0:2\n2:8\n1:6\n");
    end(&f);
}

/* A source in a task of its own has been asked, and says later where it goes on. */
static int says_late(weir_scope *scope, void *args)
{
    struct wr_state_slot *slot = *(struct wr_state_slot **)args;
    (void)!weir_sleep(scope, 500);
    wr_state_prove(slot, WR_PROOF_EXACT);
    return 0;
}

TEST(file_is_cut_after_each_source_that_was_asked_has_shown_where_it_goes_on)
{
    struct fixture f;
    struct wr_origin late;
    weir_error error;
    size_t len;
    struct wr_state_slot *slot = NULL;
    begin_killed(&f, "2:7\n");
    struct parts *gen = make_parts(&f, steps, STEPS);
    wr_origin_init(&late, 99, "late");
    ck_assert_int_eq(wr_state_attach_slot(f.state, &slot, "late", &late, &error), 0);
    weir_spawn(f.scope, "late", says_late, &slot, sizeof slot);
    int64_t from = wr_now_ns(f.loop);

    ck_assert_int_eq(run_parts(&f, gen, 1, &error), 0);

    ck_assert_int_ge(wr_now_ns(f.loop) - from, INT64_C(500) * 1000000);
    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "0:10\n1:5\n2:7\n");
    end(&f);
    wr_origin_fini(&late);
}

MAIN("flow/state_slots")
