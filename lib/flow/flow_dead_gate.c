/*
 * flow_dead_gate.c - the gate in front of a component that writes to the dead sink.
 *
 * It passes on what it pulls. While the list of rejected items is full it waits at the next pull, so
 * the list holds at most LIMIT_ITEMS or LIMIT_BYTES and the records of one pull. When the dead sink
 * has failed, the gate fails with it. Otherwise it is as if it were not there: a framer behind it is
 * joined to the source before it.
 */
#include "base_error.h"
#include "flow_dead_parts.h"
#include "loop_wait.h"

enum { LIMIT_ITEMS = 64, LIMIT_BYTES = 1024 * 1024 };

static bool is_full(const struct wr_dead *dead)
{
    return dead->pump != NULL && (dead->count >= LIMIT_ITEMS || dead->bytes >= LIMIT_BYTES);
}

/* 0 or a code: gen has failed. */
static int gate_wait(struct weir_gen *gen)
{
    struct wr_dead *dead = WR_OWNER(gen, struct wr_dead_gate, gen)->dead;
    while (is_full(dead)) {
        int rc = wr_wait_for_task(gen->loop, "the dead sink, which is full", &gen->object);
        if (rc < 0) {
            return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        }
    }
    if (dead->error.code != 0) {
        weir_error error = wr_dead_failure(dead);
        return wr_gen_fail_error(gen, &error);
    }
    return 0;
}

static size_t gate_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    return gate_wait(gen) == 0 ? wr_pull(gen->up, items, max) : 0;
}

static bool gate_given_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

/* A framer behind the gate is joined to the source before it all the same. */
static bool gate_frame(struct weir_gen *gen, const weir_framing *framing)
{
    struct weir_gen *up = gen->up;
    return up->ops->frame != NULL && up->state == WR_GEN_FRESH && up->ops->frame(up, framing);
}

static struct wr_json *gate_json(const struct weir_gen *gen)
{
    return wr_gen_json(gen->up);
}

static bool gate_by_media(struct weir_gen *gen, bool strict, bool json)
{
    return wr_gen_by_media(gen->up, strict, json);
}

static enum wr_media gate_media(struct weir_gen *gen)
{
    return wr_gen_media(gen->up);
}

static void gate_free(struct weir_gen *gen)
{
    struct wr_dead_gate *gate = WR_OWNER(gen, struct wr_dead_gate, gen);
    if (gate->dead != NULL) {
        wr_list_remove(&gate->link);
        wr_dead_unref(gate->dead);
    }
}

static const struct wr_gen_ops gate_ops = {.kind = "dead",
                                           .next_many = gate_next_many,
                                           .free = gate_free,
                                           .frame = gate_frame,
                                           .json = gate_json,
                                           .by_media = gate_by_media,
                                           .media = gate_media,
                                           .given_before = gate_given_before};

struct weir_gen *wr_dead_gate(struct weir_gen *up, struct wr_dead *dead)
{
    struct wr_dead_gate *gate = wr_stage_alloc(up, sizeof *gate, &gate_ops, "dead");
    if (gate != NULL) {
        gate->dead = dead;
        dead->refs++;
        wr_list_append(&dead->gates, &gate->link);
    }
    return wr_gen_made(gate != NULL ? &gate->gen : NULL, up);
}

int wr_dead_gate_wait(struct weir_gen *gen)
{
    return gen->ops == &gate_ops ? gate_wait(gen) : 0;
}

struct weir_gen *wr_dead_gate_reads(struct weir_gen *gen)
{
    return gen->ops == &gate_ops && gen->up != NULL ? gen->up : gen;
}
