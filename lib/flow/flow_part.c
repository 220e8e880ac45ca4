/*
 * flow_part.c - positions of sources made from the program's own table (weir_part).
 *
 * A part has its own origin, with position numbers chosen by the program, and a slot of the state
 * if there is one. The origin owns the object that gives the numbers their meaning, since its items
 * outlive the source. The part itself belongs to the source and ends with it.
 *
 * All functions are called from next_many, except weir_gen_keep_state. Nothing suspends.
 */
#include <string.h>

#include "base_alloc.h"
#include "flow_extend.h"

struct weir_part {
    struct weir_part *next;
    struct extended *of;
    struct wr_origin *origin;
    struct wr_state_slot *slot; /* NULL: there is no state */
};

/* The program's positions, as the origin sees them. */
struct part_positions {
    struct wr_positions base;
    weir_position_ops ops;
    _Alignas(max_align_t) char self[];
};

static struct part_positions *positions_of(struct wr_positions *positions)
{
    return WR_OWNER(positions, struct part_positions, base);
}

static size_t part_text(struct wr_positions *positions, uint64_t number, char *to, size_t cap)
{
    struct part_positions *mine = positions_of(positions);
    return mine->ops.text(mine->self, number, to, cap);
}

static void part_forget(struct wr_positions *positions, uint64_t before)
{
    struct part_positions *mine = positions_of(positions);
    if (mine->ops.forget != NULL) {
        mine->ops.forget(mine->self, before);
    }
}

static void part_drop(struct wr_positions *positions)
{
    struct part_positions *mine = positions_of(positions);
    if (mine->ops.drop != NULL) {
        mine->ops.drop(mine->self);
    }
    wr_free(mine);
}

static const struct wr_positions_ops positions_ops = {
    .text = part_text, .forget = part_forget, .drop = part_drop};

static struct extended *given_inside(weir_gen *gen, const char *verb)
{
    wr_check_inside(gen, verb);
    if (!gen->extended || wr_extended_of(gen)->name == NULL) {
        wr_misuse(verb, "'%s' has no positions: call weir_gen_keep_state first", gen->name);
    }
    return wr_extended_of(gen);
}

void weir_gen_keep_state(weir_gen *gen, weir_state *state, const char *name)
{
    wr_gen_given(gen, "weir_gen_keep_state");
    if (!gen->extended) {
        if (wr_gen_failure(gen) != NULL) {
            return; /* it could not be made */
        }
        wr_misuse("weir_gen_keep_state", "'%s' is not made by weir_source_new", gen->name);
    }
    struct extended *ext = wr_extended_of(gen);
    if (ext->name != NULL || !ext->base.is_source) {
        wr_misuse("weir_gen_keep_state", "'%s' %s", gen->name,
                  ext->name != NULL ? "has a state already" : "is not a source");
    }
    ext->name = wr_strdup(name != NULL ? name : gen->name);
    if (ext->name == NULL) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for a name");
    } else if (state != NULL && wr_state_failure(state) != NULL) {
        (void)wr_gen_fail_error(gen, wr_state_failure(state));
    } else if (state != NULL) {
        ext->state = state;
        ext->expected = wr_state_expect_source(state, ext->name, NULL);
    }
}

/* Ask the state, once, whether the source may continue with it. False: the source has failed. */
static bool ask(struct extended *ext)
{
    weir_error error;
    if (ext->asked || ext->state == NULL) {
        return ext->gen.failure == NULL;
    }
    ext->asked = true;
    if (wr_state_begin_source(ext->state, ext->name, &error) < 0) {
        (void)wr_gen_fail_error(&ext->gen, &error);
        return false;
    }
    return true;
}

const char *weir_part_stored(weir_gen *gen)
{
    struct extended *ext = given_inside(gen, "weir_part_stored");
    if (!ask(ext) || ext->state == NULL) {
        return NULL;
    }
    struct wr_state_slot *slot = wr_state_next_slot(ext->state, ext->name, ext->stored);
    while (slot != NULL && slot->stored == NULL) {
        slot = wr_state_next_slot(ext->state, ext->name, slot);
    }
    ext->stored = slot;
    return slot != NULL ? slot->stored : NULL;
}

/* The origin keeps the numbers from `start` on. False: no memory. */
static bool keep_positions(struct wr_origin *origin, const weir_position_ops *ops, const void *self,
                           size_t self_len, uint64_t start)
{
    struct part_positions *positions = wr_zalloc(sizeof *positions + self_len);
    if (positions == NULL) {
        return false;
    }
    positions->base.ops = &positions_ops;
    positions->ops = *ops;
    if (self_len > 0) {
        memcpy(positions->self, self, self_len);
    }
    wr_origin_keep_positions(origin, &positions->base, start);
    return true;
}

weir_part *weir_part_open(weir_gen *gen, int proof, uint64_t start, const weir_position_ops *ops,
                          const void *self, size_t self_len)
{
    struct extended *ext = given_inside(gen, "weir_part_open");
    weir_position_ops o = WEIR_ZERO;
    weir_error error;
    WR_TAKE_OPTIONS(o, ops);
    WR_ASSERT(o.text != NULL, "the position operations of '%s' need the function text", gen->name);
    WR_ASSERT(proof >= WEIR_PROOF_EXACT && proof <= WEIR_PROOF_NONE,
              "'%s': %d is not a valid proof", gen->name, proof);
    struct weir_part *part = ask(ext) ? wr_zalloc(sizeof *part) : NULL;
    struct wr_origin *origin = part != NULL ? wr_gen_add_origin(gen, ext->name) : NULL;
    if (origin == NULL || !keep_positions(origin, &o, self, self_len, start)) {
        wr_free(part);
        if (o.drop != NULL) {
            o.drop((void *)(uintptr_t)self);
        }
        if (gen->failure == NULL) {
            (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        }
        return NULL;
    }
    part->of = ext;
    part->origin = origin;
    part->slot = ext->stored;
    ext->stored = NULL;
    part->next = ext->parts;
    ext->parts = part;
    if (ext->state == NULL) {
        return part;
    }
    if (wr_state_attach_slot(ext->state, &part->slot, ext->name, origin, &error) < 0) {
        (void)wr_gen_fail_error(gen, &error);
        return NULL;
    }
    bool another = ext->expected != NULL && ext->expected->again && part->slot != ext->expected;
    wr_state_prove(part->slot, another ? WR_PROOF_NONE : (enum wr_proof)proof);
    return part;
}

size_t weir_give_at(weir_gen *gen, weir_part *part, weir_item *items, const uint64_t *numbers,
                    size_t count)
{
    struct extended *ext = given_inside(gen, "weir_give_at");
    struct wr_origin *origin = part->origin;
    WR_ASSERT(part->of == ext, "weir_give_at: the part does not belong to source '%s'", gen->name);
    if (origin->loan <= origin->given) {
        wr_misuse("weir_give_at", "this part of '%s' has already given items in this pull",
                  gen->name);
    }
    if (wr_origin_reserve_ends(origin, count) < 0) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        return 0;
    }
    int64_t now_ns = gen->loop->now_unix_ns;
    for (size_t i = 0; i < count; i++) {
        WR_ASSERT(numbers[i] < WR_END_HALF, "a position number of '%s' is above 2^61", gen->name);
        (void)wr_origin_push_end(origin, numbers[i]);
        items[i].time_ns = items[i].time_ns != 0 ? items[i].time_ns : now_ns;
    }
    wr_origin_give(origin, items, count);
    ext->given += count;
    return count;
}

void weir_part_over(weir_gen *gen, weir_part *part)
{
    struct extended *ext = given_inside(gen, "weir_part_over");
    WR_ASSERT(part->of == ext, "weir_part_over: the part does not belong to source '%s'",
              gen->name);
    struct weir_part **at = &ext->parts;
    while (*at != part) {
        at = &(*at)->next;
    }
    *at = part->next;
    if (part->slot != NULL) {
        wr_state_detach_source(part->slot, true);
        wr_state_retire(part->slot);
    }
    wr_origin_leave(part->origin);
    wr_free(part);
}

void wr_parts_close(struct extended *ext)
{
    bool finished = ext->finished && ext->gen.failure == NULL && !ext->gen.stopping;
    while (ext->parts != NULL) {
        struct weir_part *part = ext->parts;
        ext->parts = part->next;
        if (part->slot != NULL) {
            wr_state_detach_source(part->slot, finished);
        }
        wr_free(part);
    }
    wr_free(ext->name);
    ext->name = NULL;
}
