/*
 * flow_replay.c - the slot of a stage that continues by reading its source from the beginning.
 */
#include "flow_replay.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"

/* The one generator that gen reads; NULL: none, or several. */
static struct weir_gen *only_upstream(const struct weir_gen *gen)
{
    return gen->adopted.next == gen->adopted.prev ? gen->up : NULL;
}

struct wr_state_slot *wr_gen_begin_again(struct weir_gen *gen)
{
    struct wr_state_slot *slot = NULL;
    struct weir_gen *up = only_upstream(gen);
    if (gen->ops->begins_again != NULL) {
        slot = gen->ops->begins_again(gen);
    } else if (up != NULL) {
        slot = wr_gen_begin_again(up);
    }
    if (slot != NULL) {
        slot->again = true;
    }
    return slot;
}

struct wr_state_slot *wr_gen_begins_once(struct weir_gen *gen)
{
    (void)gen;
    return NULL;
}

/* NULL: no memory. */
static char *name_of(const char *kind, const struct wr_state_slot *source)
{
    size_t cap = strlen(kind) + strlen(source->name) + sizeof " of ";
    char *name = wr_alloc(cap);
    if (name != NULL) {
        snprintf(name, cap, "%s of %s", kind, source->name);
    }
    return name;
}

void wr_replay_made(struct wr_replay *replay, struct weir_gen *gen, const char *kind)
{
    struct weir_gen *up = only_upstream(gen);
    *replay = (struct wr_replay){.source = up != NULL ? wr_gen_begin_again(up) : NULL};
    if (replay->source == NULL) {
        return;
    }
    char *name = name_of(kind, replay->source);
    if (name != NULL) {
        replay->slot = wr_state_expect_source(replay->source->state, name, NULL);
    }
    if (replay->slot == NULL) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_free(name);
}

struct wr_state_slot *wr_replay_inner(struct wr_replay *replay, struct weir_gen *gen)
{
    if (replay->slot != NULL) {
        replay->slot->expected = false;
        replay->slot = NULL;
    }
    return gen->up != NULL ? wr_gen_begin_again(gen->up) : NULL;
}

/* Did an earlier run save a position in the source itself? Its items were not those of this stage.
 */
static bool saved_without(const struct wr_replay *replay)
{
    return replay->slot->stored == NULL && wr_state_given_before(replay->source) > 0;
}

int wr_replay_attach(struct wr_replay *replay, struct weir_gen *gen)
{
    weir_error error;
    struct wr_state_slot *slot = replay->slot;
    replay->attached = true;
    if (slot == NULL) {
        return 0;
    }
    int rc = saved_without(replay) ? wr_state_of_another(replay->source, slot->name, &error)
                                   : wr_state_begin_source(slot->state, slot->name, &error);
    if (rc == 0) {
        rc = wr_state_attach_slot(slot->state, &replay->slot, slot->name, gen->origin, &error);
    }
    return rc < 0 ? wr_gen_fail_error(gen, &error) : 0;
}

const char *wr_replay_decide(struct wr_replay *replay)
{
    struct wr_state_slot *slot = replay->slot;
    replay->decided = true;
    if (slot == NULL) {
        return NULL;
    }
    bool exact = replay->source->proof == WR_PROOF_EXACT;
    wr_state_prove(slot, exact ? WR_PROOF_EXACT : WR_PROOF_NONE);
    return !exact ? NULL : slot->stored != NULL ? slot->stored : "";
}

void wr_replay_detach(struct wr_replay *replay, bool finished)
{
    if (replay->slot != NULL && replay->attached) {
        wr_state_detach_source(replay->slot, finished && replay->decided);
    }
    replay->slot = NULL;
}
