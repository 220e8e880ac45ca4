/*
 * flow_replay.h - a stage that makes items of its own from all that it has read since the beginning
 * (a decompressor, a framer behind other bytes). Internal.
 *
 * Nothing in the middle of its input is enough to continue from. So with a state, the record keeps
 * how far the stage's own items have settled, and where its source begins. A restart reads the
 * source from there, and the stage drops what has settled. This needs one source that can be read
 * from its beginning in each run, and that proves that it is the same. Otherwise the stage's items
 * have no position, and nothing is cut.
 *
 *   made       wr_replay_made, when its upstream is adopted: the source and the slot are found
 *   inner      a second such stage reads this one, and has the slot instead
 *   attached   before the first pull of the upstream (wr_replay_attach)
 *   decided    after that pull, and before the first item is given (wr_replay_decide)
 *   ended      wr_replay_detach
 *
 * Nothing here suspends.
 */
#ifndef WR_FLOW_REPLAY_H
#define WR_FLOW_REPLAY_H

#include "flow_gen.h"
#include "flow_state.h"

struct wr_replay {
    struct wr_state_slot *source; /* NULL: there is no state, or no source that begins again */
    struct wr_state_slot *slot;   /* of the stage itself; NULL: its items have no positions */
    bool attached, decided;
};

/* kind: what the stage is, for its name in the record: "gunzip". */
void wr_replay_made(struct wr_replay *replay, struct weir_gen *gen, const char *kind);
/* For wr_gen_ops.begins_again of the stage. */
struct wr_state_slot *wr_replay_inner(struct wr_replay *replay, struct weir_gen *gen);
/* For wr_gen_ops.given_before. */
static inline uint64_t wr_replay_given_before(const struct wr_replay *replay)
{
    return wr_state_given_before(replay->slot);
}
/* gen has its origin. 0, or the code of a failure that was set. */
int wr_replay_attach(struct wr_replay *replay, struct weir_gen *gen);
/* The stored position where the stage continues, "" for the beginning; NULL: its items have no
 * positions. Valid until the first item is given. */
const char *wr_replay_decide(struct wr_replay *replay);
/* The stage has ended. finished: at the end of its input, without a failure. */
void wr_replay_detach(struct wr_replay *replay, bool finished);

#endif
