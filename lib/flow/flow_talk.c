/*
 * flow_talk.c - communication with a body besides pulling: send, throw and catch, delegation,
 * delivery.
 *
 * send and throw resume the leaf of a chain of delegates, as a pull does, and give its pending
 * yield a value or an error. A delegate's end switches to its delegator, where weir_yield_from
 * returns. The delegate's failure is then pending in the delegator like a thrown error. Delegation
 * costs two switches when it begins and one when it ends, nothing per item.
 */
#include "flow_body.h"
#include "flow_dead.h"

#include <stdarg.h>
#include <stdio.h>

#include "base_alloc.h"
#include "flow_puller.h"

/* ---- send, throw, catch */

static weir_got outcome(size_t n)
{
    return n > 0 ? WEIR_GOT_ITEM : WEIR_GOT_OVER;
}

/* May send or throw resume gen? False: *got is the result. */
static bool may_talk(struct weir_gen *gen, const char *verb, weir_got *got)
{
    wr_gen_untaken(gen, verb);
    *got = WEIR_GOT_REFUSED;
    if (gen->state == WR_GEN_OVER) {
        *got = WEIR_GOT_OVER;
        return false;
    }
    if (wr_puller_busy(gen)) {
        return false;
    }
    WR_ASSERT(gen->state != WR_GEN_INSIDE, "%s: generator '%s' is running", verb, gen->name);
    wr_task_now(gen->loop, verb);
    if (gen->body) {
        wr_body_cut(wr_body_of(gen));
    }
    return true;
}

weir_got weir_send(weir_gen *gen, const weir_item *in, weir_item *out)
{
    wr_gen_given(gen, "weir_send");
    wr_item_given(out, "weir_send");
    weir_got got;
    if (in == NULL) {
        return outcome(weir_next_many(gen, out, 1));
    }
    if (!may_talk(gen, "weir_send", &got)) {
        return got;
    }
    if (!gen->body || gen->state == WR_GEN_FRESH || gen->leaf->inner_loop) {
        return WEIR_GOT_REFUSED;
    }
    gen->leaf->received = in;
    if (!gen->ready || gen->lent_unvouched) {
        /* A special case: the slow pull handles it. If the body continues, it has received `in`.
         */
        return outcome(wr_pull_slow(gen, out, 1));
    }
    return outcome(wr_body_resume(gen, out, 1, 1));
}

/* Make error pending in body, with the time `at`. What was pending before comes back after a catch.
 */
static void throw_at(struct wr_body *body, const weir_error *error, uint64_t at)
{
    if (body->thrown == NULL) {
        body->thrown = wr_alloc(sizeof *body->thrown);
    }
    if (body->thrown == NULL) {
        wr_gen_fail(&body->gen, WEIR_ENOMEM, 0, -1, "no memory for a thrown error");
        wr_body_set_pending(body, WR_PENDING_CLOSE);
        return;
    }
    *body->thrown = *error;
    body->thrown_at = at;
    body->beneath = body->pending;
    wr_body_set_pending(body, WR_PENDING_THROWN);
}

/* gen is over and stays so: the thrown error becomes its failure, unless it has one that is not yet
 * reported. */
static void throw_at_end(struct weir_gen *gen, const weir_error *error)
{
    if (gen->loop == NULL) {
        return; /* wr_gen_no_memory: it keeps its own failure */
    }
    if (gen->failure != NULL && gen->reported) {
        gen->failed_at = UINT64_MAX;
    }
    wr_gen_fail_at(gen, error, ++gen->loop->failures);
}

weir_got weir_throw(weir_gen *gen, int code, const char *message, weir_item *out)
{
    wr_gen_given(gen, "weir_throw");
    wr_item_given(out, "weir_throw");
    weir_got got;
    weir_error error;
    WR_ASSERT(code < 0, "a thrown code is negative");
    bool goes_on = may_talk(gen, "weir_throw", &got);
    struct wr_body *leaf = gen->body ? gen->leaf : NULL;
    wr_error_set(&error, code, 0, leaf != NULL ? leaf->gen.name : gen->name, "%s",
                 message != NULL ? message : wr_code_text(code));
    if (!goes_on) {
        if (got == WEIR_GOT_OVER) {
            throw_at_end(gen, &error);
        }
        return got;
    }
    if (leaf == NULL || gen->state == WR_GEN_FRESH) {
        wr_gen_fail_error(gen, &error);
        wr_gen_over(gen);
        return WEIR_GOT_OVER;
    }
    wr_gen_hold_lent(gen);
    if (gen->special) {
        return outcome(wr_pull_slow(gen, out, 1)); /* over: canceled, stopping or reader closed */
    }
    throw_at(leaf, &error, ++gen->loop->failures);
    size_t n = wr_body_resume(gen, out, 1, 0);
    if (n == 0) {
        gen->lent_receipt = NULL;
    }
    return outcome(n);
}

bool weir_catch(weir_gen *gen, int code, weir_error *error)
{
    wr_gen_given(gen, "weir_catch");
    wr_error_clear(error);
    struct wr_body *self = gen->body ? wr_body_of(gen) : NULL;
    if (self != NULL && gen->loop->running == &self->fiber) {
        if (self->pending == WR_PENDING_CLOSE || self->pending == WR_PENDING_CANCEL) {
            bool closed = self->pending == WR_PENDING_CLOSE;
            wr_error_set(error, closed ? WEIR_ECLOSED : WEIR_ECANCELED, 0, gen->name, "%s",
                         closed ? "closed by its reader" : "canceled");
            return false;
        }
        if (self->pending != WR_PENDING_THROWN) {
            return false;
        }
        if (error != NULL) {
            *error = *self->thrown;
        }
        int thrown = self->thrown->code;
        bool ends = thrown == WEIR_ECLOSED || thrown == WEIR_ECANCELED;
        if (code != thrown && (code != WEIR_ANY || ends)) {
            return false;
        }
        wr_body_set_pending(self, (enum wr_pending)self->beneath);
        self->yield_failed = wr_body_closed(self); /* a close may still be pending */
        self->gen.past_end = 0;
        return true;
    }
    const weir_error *failure = gen->state == WR_GEN_OVER ? wr_gen_failure(gen) : NULL;
    if (failure == NULL) {
        return false;
    }
    if (error != NULL) {
        *error = *failure;
    }
    if (gen == &wr_gen_no_memory || failure->code == WEIR_ECANCELED ||
        (code != WEIR_ANY && code != failure->code)) {
        return false;
    }
    gen->reported = true;
    return true;
}

/* ---- delegation */

/* An inner generator without a body: yield its items one by one. False: a yield returned false. */
static bool delegate_loop(struct wr_body *self, struct weir_gen *inner)
{
    weir_item item;
    bool more = true;
    self->inner_loop = true;
    while (more && wr_pull_slow(inner, &item, 1) > 0) {
        more = weir_yield(&self->gen, &item);
    }
    self->inner_loop = false;
    wr_gen_close(inner);
    return more;
}

/* inner still has a late pull: take its result first and yield it from here. False: self must stop.
 */
static bool delegate_late(struct wr_body *self, struct weir_gen *inner)
{
    weir_item item;
    self->inner_loop = true;
    bool more = wr_pull_slow(inner, &item, 1) == 0 || weir_yield(&self->gen, &item);
    self->inner_loop = false;
    return more;
}

/* Set a new root for the bodies from leaf to `last`. */
static void reroot(struct wr_body *leaf, struct wr_body *last, struct wr_body *root)
{
    for (struct wr_body *b = leaf, *next; b != NULL; b = next) {
        next = b != last ? wr_body_above(b) : NULL;
        b->account = b->gen.up != NULL ? b : root;
        b->root = root;
    }
}

void wr_body_cut_off(struct wr_body *delegate)
{
    struct wr_body *root = delegate->root, *leaf = root->gen.leaf;
    if (root != delegate) {
        root->gen.leaf = delegate->gen.delegator;
        reroot(leaf, delegate, delegate);
        delegate->gen.leaf = leaf;
        delegate->gen.state = WR_GEN_IDLE;
    }
}

void wr_body_cut(struct wr_body *root)
{
    struct wr_body *over = NULL;
    if (!root->cut_due) {
        return;
    }
    root->cut_due = false;
    for (struct wr_body *b = root->gen.leaf; b != root; b = wr_body_above(b)) {
        over = b->gen.canceled || b->gen.stopping ? b : over;
    }
    if (over != NULL) {
        wr_body_cut_off(over);
    }
    wr_gen_ready(&root->gen);
}

/* False: a yield of inner returned false, or inner was closed. */
static bool delegate_body(struct wr_body *self, struct wr_body *inner)
{
    struct wr_body *root = self->root;
    struct weir_loop *loop = self->gen.loop;
    if (!inner->started && !wr_body_start(inner)) {
        return false;
    }
    wr_body_cut(inner);
    struct wr_body *leaf = inner->gen.leaf;
    if (self->pending != WR_PENDING_NONE) {
        for (struct wr_body *b = leaf; b != inner; b = b->gen.delegator) {
            wr_body_set_pending(b, WR_PENDING_MUTED);
        }
        wr_body_set_pending(inner, WR_PENDING_MUTED);
    }
    inner->gen.state = WR_GEN_INSIDE;
    inner->gen.ready = false;
    reroot(leaf, inner, root);
    root->gen.leaf = leaf;
    leaf->fiber.resumer = self->fiber.resumer;
    loop->running = &leaf->fiber;
    (void)wr_co_resume(&self->fiber.co, &leaf->fiber.co, 1);
    return !wr_body_closed(inner);
}

/* Throw the failure of inner at self. This also replaces a pending close or cancel, unless the
 * failure is only the result of that close or cancel. An error that is already thrown at self
 * stays. False: inner has not failed. */
static bool take_failure(struct wr_body *self, const struct weir_gen *inner)
{
    const weir_error *failure = wr_gen_failure(inner);
    bool echo = failure != NULL &&
                ((self->pending == WR_PENDING_CANCEL && failure->code == WEIR_ECANCELED) ||
                 (self->pending == WR_PENDING_CLOSE && failure->code == WEIR_ECLOSED));
    if (failure != NULL && !echo && self->pending != WR_PENDING_THROWN) {
        throw_at(self, failure, inner->failed_at);
    }
    return failure != NULL;
}

bool weir_yield_from(weir_gen *self_gen, weir_gen *inner, const weir_item **result)
{
    wr_gen_given(self_gen, "weir_yield_from");
    wr_gen_given(inner, "weir_yield_from");
    struct wr_body *self = wr_body_of(self_gen);
    WR_ASSERT(self_gen->loop->running == &self->fiber,
              "weir_yield_from of '%s' from outside its body", self_gen->name);
    if (result != NULL) {
        *result = NULL;
    }
    if (self->last_inner != NULL) {
        wr_gen_free(self->last_inner);
        self->last_inner = NULL;
    }
    WR_ASSERT(wr_gen_reader(inner) == NULL || inner->reader == self_gen,
              "generator '%s' has a reader already", inner->name);
    WR_ASSERT(inner->state != WR_GEN_INSIDE || wr_puller_busy(inner),
              "weir_yield_from: generator '%s' is running", inner->name);
    wr_gen_unadopt(inner);
    if (inner->loop != NULL) {
        inner->delegator = self;
    }
    enum wr_pending before = (enum wr_pending)self->pending;
    bool ended = !inner->body || !wr_puller_busy(inner) || delegate_late(self, inner);
    if (inner->canceled && inner->state != WR_GEN_OVER) {
        wr_gen_fail(inner, WEIR_ECANCELED, 0, -1, "canceled");
    }
    if (ended && inner->state != WR_GEN_OVER && !inner->stopping && inner->failure == NULL) {
        ended = inner->body ? delegate_body(self, wr_body_of(inner)) : delegate_loop(self, inner);
    }
    wr_gen_close(inner);
    if (inner->loop != NULL) {
        wr_gen_count_read(self_gen, inner);
        inner->delegator = NULL;
        wr_object_fini(&inner->object); /* it is over, and is freed with self */
    }
    bool failed = take_failure(self, inner);
    self->last_inner = inner;
    if (failed || self->pending != before || (before != WR_PENDING_NONE && !ended)) {
        self->yield_failed = true;
        return false;
    }
    if (result != NULL) {
        *result = weir_result(inner);
    }
    return true;
}

/* ---- delivery */

void weir_settle(weir_gen *self)
{
    wr_gen_given(self, "weir_settle");
    WR_ASSERT(self->body, "weir_settle: '%s' has no body", self->name);
    wr_vouch_let_go(wr_body_of(self), WR_ACT_FILTER);
}

int weir_reject(weir_gen *self, const weir_item *item, const char *format, ...)
{
    wr_gen_given(self, "weir_reject");
    wr_item_given(item, "weir_reject");
    char why[sizeof((weir_error *)0)->message];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    int rc = wr_gen_reject(self, item, WEIR_EPARSE, why);
    if (self->body) {
        for (struct wr_list *node = self->adopted.next; node != &self->adopted; node = node->next) {
            struct weir_gen *up = WR_OWNER(node, struct weir_gen, adopt_link);
            if (up->lent_receipt == item->receipt && up->lent_seq == item->seq) {
                up->lent_unvouched = false;
            }
        }
    }
    return rc;
}
