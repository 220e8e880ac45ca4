/*
 * flow_vouch.c - what a body's yields vouch for.
 *
 * A yield references everything the body has pulled since its previous yield and every item still
 * lent to it. In the plain case, one upstream of which exactly one item is lent and nothing is
 * held, the yielded item simply carries the receipt of that item: the body's own loan keeps it
 * alive for as long as the reader may look. Otherwise the pulled items are held
 * (`held`, runs of consecutive numbers), and the yield hands them all to a group receipt, which the
 * reader may keep, and which the body lets go when the reader has come back.
 */
#include <string.h>

#include "base_alloc.h"
#include "flow_body.h"

void wr_vouch_plain(struct wr_body *self)
{
    bool single = self->gen.up == NULL || self->gen.adopted.next == self->gen.adopted.prev;
    self->plain = single && self->held_count == 0 && self->group == NULL;
}

static bool held_push(struct wr_body *self, struct weir_receipt *receipt, uint64_t first,
                      uint64_t last)
{
    if (self->held_count > 0) {
        struct wr_held *tail = &self->held[self->held_count - 1];
        if (tail->receipt == receipt && tail->last + 1 == first) {
            tail->last = last;
            return true;
        }
    }
    if (self->held_count == self->held_cap) {
        size_t cap = self->held_cap == 0 ? 4 : self->held_cap * 2;
        struct wr_held *held = wr_realloc(self->held, cap * sizeof *held);
        if (held == NULL) {
            return false;
        }
        self->held = held;
        self->held_cap = cap;
    }
    self->held[self->held_count++] = (struct wr_held){receipt, first, last};
    self->plain = false;
    return true;
}

bool wr_vouch_hold(struct wr_body *self, struct weir_gen *up)
{
    if (wr_receipt_ref(up->fresh_receipt, up->fresh_seq, up->fresh_seq) < 0) {
        return false;
    }
    up->fresh_unvouched = false;
    if (!held_push(self, up->fresh_receipt, up->fresh_seq, up->fresh_seq)) {
        wr_receipt_unref(up->fresh_receipt, up->fresh_seq, up->fresh_seq, WR_ACT_LOAN);
        return false;
    }
    return true;
}

bool wr_vouch_hold_many(struct wr_body *self, const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].receipt == NULL) {
            continue;
        }
        if (wr_receipt_ref(items[i].receipt, items[i].seq, items[i].seq) < 0) {
            return false;
        }
        if (!held_push(self, items[i].receipt, items[i].seq, items[i].seq)) {
            wr_receipt_unref(items[i].receipt, items[i].seq, items[i].seq, WR_ACT_LOAN);
            return false;
        }
    }
    return true;
}

static bool stamp_group(struct wr_body *self, weir_item *out, size_t count)
{
    wr_vouch_back(self);
    /* What is lent and not held yet is held with the rest: the group takes one reference of each.
     */
    for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
         node = node->next) {
        struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
        if (up->fresh_receipt != NULL && up->fresh_unvouched && !wr_vouch_hold(self, up)) {
            return false;
        }
    }
    if (self->held_count == 0) {
        /* Nothing new since the last yield: this one stands for what is still lent, as the last one
         * did. */
        for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
             node = node->next) {
            struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
            if (up->fresh_receipt != NULL) {
                if (wr_receipt_ref(up->fresh_receipt, up->fresh_seq, up->fresh_seq) < 0) {
                    return false;
                }
                if (!held_push(self, up->fresh_receipt, up->fresh_seq, up->fresh_seq)) {
                    return false;
                }
            }
        }
    }
    if (self->held_count == 0) {
        return true;
    }
    struct weir_receipt *group =
        wr_group_new((const struct wr_group_part *)(const void *)self->held, self->held_count);
    if (group == NULL) {
        return false;
    }
    const struct wr_held *tail = &self->held[self->held_count - 1];
    uint64_t seq = tail->last;
    uint32_t origin = tail->receipt->kind == WR_RECEIPT_ORIGIN ? tail->receipt->id : 0;
    /* One reference for the body's own loan; each item of the yield is an item of the same group.
     */
    self->held_count = 0;
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
        up->fresh_unvouched = false;
        for (size_t i = 0; i < count && up->fresh_receipt != NULL; i++) {
            out[i].receipt = up->fresh_receipt;
            out[i].seq = up->fresh_seq;
            out[i].origin = up->fresh_origin;
        }
        return true;
    }
    if (gen->origin != NULL) {
        uint64_t first = gen->origin->given + 1;
        for (size_t i = 0; i < count; i++) {
            if (out[i].receipt == NULL) {
                out[i].seq = ++gen->origin->given;
                out[i].origin = gen->origin->id;
                out[i].receipt = gen->origin;
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
        wr_receipt_unref(group, self->group_seq, self->group_seq, WR_ACT_LOAN);
        wr_vouch_plain(self);
    }
}

void wr_vouch_let_go(struct wr_body *self, enum wr_act act)
{
    wr_vouch_back(self);
    for (size_t i = 0; i < self->held_count; i++) {
        wr_receipt_unref(self->held[i].receipt, self->held[i].first, self->held[i].last, act);
    }
    self->held_count = 0;
    for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
         node = node->next) {
        struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
        if (up->fresh_receipt != NULL && up->fresh_unvouched && act == WR_ACT_FILTER) {
            wr_receipt_tell(up->fresh_receipt, up->fresh_seq, up->fresh_seq, act);
        }
        up->fresh_unvouched = false;
    }
    wr_vouch_plain(self);
}
