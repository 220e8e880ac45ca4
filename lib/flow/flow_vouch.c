/*
 * flow_vouch.c - what a body's yields vouch for.
 *
 * A yield references everything the body has pulled since its previous yield and every item still
 * lent to it. In the plain case there is one upstream with exactly one item lent, and nothing is
 * held: the yielded item simply carries the receipt of that item, and the body's own loan keeps it
 * alive as long as the reader may use it. Otherwise the pulled items are held (`held`, runs of
 * consecutive numbers), and the yield hands them all to a group receipt. The reader may keep the
 * group; the body releases its reference when the reader pulls again.
 */
#include <string.h>

#include "base_alloc.h"
#include "flow_body.h"

void wr_vouch_plain(struct wr_body *self)
{
    bool single = self->gen.up == NULL || self->gen.adopted.next == self->gen.adopted.prev;
    self->plain = single && self->held.count == 0 && self->group == NULL;
}

static bool hold(struct wr_body *self, struct weir_gen *up)
{
    self->plain = false;
    struct wr_run run = wr_run_of(up->lent_receipt, up->lent_seq);
    return wr_runs_add(&self->held, &run) == 0;
}

bool wr_vouch_hold(struct wr_body *self, struct weir_gen *up)
{
    if (!hold(self, up)) {
        return false;
    }
    up->lent_unvouched = false;
    return true;
}

bool wr_vouch_hold_many(struct wr_body *self, const weir_item *items, size_t count)
{
    int rc = wr_runs_add_items(&self->held, items, count);
    wr_vouch_plain(self);
    return rc == 0;
}

static bool stamp_group(struct wr_body *self, weir_item *out, size_t count)
{
    wr_vouch_back(self);
    /* Items that are lent and not held yet are held with the rest: the group takes one reference of
     * each. */
    for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
         node = node->next) {
        struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
        if (up->lent_receipt != NULL && up->lent_unvouched && !wr_vouch_hold(self, up)) {
            return false;
        }
    }
    if (self->held.count == 0) {
        /* Nothing was pulled since the last yield: like that one, this yield stands for the items
         * that are still lent. */
        for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
             node = node->next) {
            struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
            if (up->lent_receipt != NULL && !hold(self, up)) {
                return false;
            }
        }
    }
    if (self->held.count == 0) {
        return true;
    }
    struct wr_run tail = self->held.all[self->held.count - 1];
    struct weir_receipt *group = wr_group_new(&self->held);
    if (group == NULL) {
        return false;
    }
    uint64_t seq = wr_run_last(&tail);
    uint32_t origin = wr_receipt_origin_id(tail.receipt);
    /* One reference, for the body's own loan. All items of the yield are items of this group. */
    self->group = group;
    self->group_seq = seq;
    for (size_t i = 0; i < count; i++) {
        out[i].receipt = group;
        out[i].seq = seq;
        out[i].origin = out[i].origin != 0 ? out[i].origin : origin;
    }
    return true;
}

bool wr_vouch_stamp(struct wr_body *self, weir_item *out, size_t count)
{
    struct weir_gen *gen = &self->gen, *up = gen->up;
    if (!self->plain) {
        return stamp_group(self, out, count);
    }
    if (up != NULL) {
        up->lent_unvouched = false;
        for (size_t i = 0; i < count && up->lent_receipt != NULL; i++) {
            out[i].receipt = up->lent_receipt;
            out[i].seq = up->lent_seq;
            out[i].origin = up->lent_origin;
        }
        return true;
    }
    if (gen->origin != NULL) {
        uint64_t first = gen->origin->given + 1;
        for (size_t i = 0; i < count; i++) {
            if (out[i].receipt == NULL) {
                out[i].seq = ++gen->origin->given;
                out[i].origin = gen->origin->id;
                out[i].receipt = &gen->origin->receipt;
            }
        }
        gen->origin->loan = first;
    }
    return true;
}

void wr_vouch_back(struct wr_body *self)
{
    struct weir_receipt *group = self->group;
    if (group != NULL) {
        self->group = NULL;
        struct wr_run run = wr_run_of(group, self->group_seq);
        wr_run_unref(&run, WR_ACT_LOAN);
        wr_vouch_plain(self);
    }
}

void wr_vouch_let_go(struct wr_body *self, enum wr_act act)
{
    wr_vouch_back(self);
    for (size_t i = 0; act == WR_ACT_FILTER && i < self->held.count; i++) {
        self->gen.filtered += (uint64_t)__builtin_popcountll(self->held.all[i].bits);
    }
    wr_runs_let_go(&self->held, act);
    for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
         node = node->next) {
        struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
        if (up->lent_receipt != NULL && up->lent_unvouched && act == WR_ACT_FILTER) {
            struct wr_run run = wr_run_of(up->lent_receipt, up->lent_seq);
            wr_run_tell(&run, act);
            self->gen.filtered++;
        }
        up->lent_unvouched = false;
    }
    wr_vouch_plain(self);
}
