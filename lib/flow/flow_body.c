/*
 * flow_body.c - generators with a user's body: the step into the body and back, and the rest of the
 * protocol on top of it.
 *
 * A step is two switches. weir_next sets where the item goes, marks the generator as INSIDE and
 * tail-jumps into the leaf's fiber. weir_yield copies the item there and tail-jumps back. There is
 * no `ret` between a switch and the user's frame. Special cases (pending throws and closes,
 * vouching for several items, cancels, pullers) are kept off that path by flags: gen->ready on the
 * reader's side, pending and plain on the body's side.
 *
 * A body that was started always runs to its end, on its own fiber, where it also ends the
 * generators it has adopted. If it waits there, its reader's task is parked. The body gives its
 * stack back while it still runs on it, right before it leaves it. If a close or throw resumes a
 * body, its yield returns false, and `pending` holds the reason until weir_catch takes it.
 */
#include "flow_body.h"

#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "flow_puller.h"

/* ---- the step */

/* The caller is not the one that pulled last: check that it may pull. */
static __attribute__((noinline)) bool next_from_elsewhere(struct weir_gen *gen, weir_item *item)
{
    wr_gen_untaken(gen, "weir_next");
    return wr_body_resume(gen, item, 1, 1) > 0;
}

bool weir_next(weir_gen *gen, weir_item *item)
{
    if (WR_UNLIKELY(gen == NULL)) { /* the first pull takes the slow path, which checks the item */
        wr_gen_misused(gen, "weir_next");
    }
    struct weir_loop *loop = gen->loop;
    if (WR_UNLIKELY(!gen->ready || gen->lent_unvouched || loop->running == NULL ||
                    !wr_loop_is_here(loop))) {
        return wr_next_unready(gen, item);
    }
    struct wr_fiber *from = loop->running;
    struct wr_body *leaf = gen->leaf;
    if (WR_UNLIKELY(leaf->fiber.resumer != from)) {
        return next_from_elsewhere(gen, item);
    }
    gen->ready = false;
    gen->state = WR_GEN_INSIDE;
    gen->out = item;
    gen->out_max = 1;
    loop->running = &leaf->fiber;
    return wr_co_resume_bool(&from->co, &leaf->fiber.co, 1);
}

/* Resume the leaf with `value` (0: its yield returns false). Returns how many items came, 0: over.
 */
size_t wr_body_resume(struct weir_gen *gen, weir_item *items, size_t max, uintptr_t value)
{
    struct weir_loop *loop = gen->loop;
    struct wr_fiber *from = loop->running;
    struct wr_body *leaf = gen->leaf;
    WR_ASSERT(from != NULL && leaf != NULL, "'%s' is resumed outside a task", gen->name);
    gen->ready = false;
    gen->state = WR_GEN_INSIDE;
    gen->out = items;
    gen->out_max = (uint32_t)WR_MIN(max, (size_t)UINT32_MAX);
    leaf->fiber.resumer = from;
    loop->running = &leaf->fiber;
    return wr_co_resume(&from->co, &leaf->fiber.co, value);
}

/* Before the reader runs: it may pull the generator again. */
static void yielded(struct wr_body *self, struct wr_body *root)
{
    root->gen.state = WR_GEN_IDLE;
    root->gen.ready = !root->gen.special;
    self->received = NULL;
    self->gen.loop->running = self->fiber.resumer;
}

static bool yield_slow(weir_gen *self, const weir_item *item);

/* Set the item's origin, number and receipt in the simple case: it comes from one upstream or from
 * the body itself. */
static inline void stamp_plain(struct wr_body *account, weir_item *out)
{
    struct weir_gen *up = account->gen.up;
    if (up != NULL) {
        up->lent_unvouched = false;
        if (up->lent_receipt != NULL) {
            out->receipt = up->lent_receipt;
            out->seq = up->lent_seq;
            out->origin = up->lent_origin;
        }
        return;
    }
    struct wr_origin *origin = account->gen.origin;
    if (origin != NULL && out->receipt == NULL) {
        uint64_t seq = origin->given + 1;
        origin->given = seq;
        __asm__(""
                : "+r"(seq)); /* two stores: the next step's load would stall on one of 16 bytes */
        origin->loan = seq;
        out->seq = seq;
        out->origin = origin->id;
        out->receipt = &origin->receipt;
    }
}

static inline void note_lent(struct weir_gen *gen, const weir_item *out)
{
    if (gen->reader != NULL && gen->reader->body) {
        gen->lent_receipt = out->receipt;
        gen->lent_seq = out->seq;
        gen->lent_origin = out->origin;
        gen->lent_unvouched = out->receipt != NULL;
    }
}

bool weir_yield(weir_gen *self_gen, const weir_item *item)
{
    if (WR_UNLIKELY(self_gen == NULL || item == NULL || item->data == NULL)) {
        return yield_slow(self_gen, item);
    }
    struct wr_body *self = wr_body_of(self_gen);
    struct wr_body *root = self->root;
    struct weir_loop *loop = self_gen->loop;
    struct wr_body *account = self->account;
    if (WR_UNLIKELY(self->pending != WR_PENDING_NONE || loop->running != &self->fiber ||
                    !account->plain || !wr_loop_is_here(loop))) {
        return yield_slow(self_gen, item);
    }
    weir_item *out = root->gen.out;
    *out = *item;
    wr_block_check(out);
    stamp_plain(account, out);
    if (item->time_ns == 0) {
        out->time_ns = loop->now_unix_ns;
    }
    note_lent(&root->gen, out);
    struct wr_fiber *to = self->fiber.resumer;
    root->gen.state = WR_GEN_IDLE;
    root->gen.ready = !root->gen.special;
    root->gen.items++;
    self->received = NULL;
    loop->running = to;
    return wr_co_switch_bool(&self->fiber.co, &to->co, 1);
}

/* For a yield of a body that was closed, canceled or thrown at and has not caught it: returns false
 * at once. */
static bool refuse(struct wr_body *self)
{
    struct wr_body *closed = self;
    for (; closed->pending == WR_PENDING_MUTED; closed = closed->gen.delegator) {
        wr_body_set_pending(closed, WR_PENDING_CLOSE); /* its delegate has ignored the close */
        closed->yield_failed = true;
    }
    if (closed->pending == WR_PENDING_CLOSE && closed->yield_failed) {
        closed->ignored = true;
    }
    closed->yield_failed = true;
    closed->gen.past_end++;
    WR_ASSERT(closed->gen.past_end < 1000, "body '%s' has yielded 1000 times after its end",
              closed->gen.name);
    return false;
}

static bool yield_items(struct wr_body *self, const weir_item *items, size_t count)
{
    struct weir_loop *loop = self->gen.loop;
    wr_gen_given(&self->gen, "weir_yield");
    WR_ASSERT(loop->running == &self->fiber, "a yield of '%s' from outside its body",
              self->gen.name);
    if (self->pending != WR_PENDING_NONE) {
        return refuse(self);
    }
    struct wr_body *root = self->root;
    while (count > 0) {
        size_t n = WR_MIN(count, (size_t)root->gen.out_max);
        weir_item *out = root->gen.out;
        memcpy(out, items, n * sizeof *out);
        if (!wr_vouch_stamp(self->account, out, n)) {
            wr_gen_fail(&self->gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
            self->pending = WR_PENDING_CLOSE;
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            wr_block_check(&out[i]);
            out[i].time_ns = out[i].time_ns != 0 ? out[i].time_ns : loop->now_unix_ns;
        }
        note_lent(&root->gen, &out[n - 1]);
        root->gen.items += n;
        root->gen.pulls += n - 1;
        yielded(self, root);
        bool go_on = wr_co_switch_bool(&self->fiber.co, &self->fiber.resumer->co, n);
        wr_vouch_back(self->account);
        if (!go_on) {
            return false;
        }
        items += n;
        count -= n;
    }
    return true;
}

static __attribute__((noinline)) bool yield_slow(weir_gen *self, const weir_item *item)
{
    wr_gen_given(self, "weir_yield");
    wr_item_check(item, "weir_yield");
    return yield_items(wr_body_of(self), item, 1);
}

bool weir_yield_many(weir_gen *self, const weir_item *items, size_t count)
{
    wr_gen_given(self, "weir_yield_many");
    if (items == NULL && count > 0) {
        wr_item_misused("weir_yield_many");
    }
    for (size_t i = 0; i < count; i++) {
        wr_item_check(&items[i], "weir_yield_many");
    }
    WR_ASSERT(self->body,
              "weir_yield_many: only a generator with a body can yield; '%s' has no body",
              self->name);
    return yield_items(wr_body_of(self), items, count);
}

const weir_item *weir_received(const weir_gen *self)
{
    wr_gen_given(self, "weir_received");
    WR_ASSERT(self->body,
              "weir_received: only a generator with a body can receive; '%s' has no body",
              self->name);
    return ((const struct wr_body *)(const void *)self)->received;
}

/* ---- the life of a body */

/* Make the yields and pulls of `body` return false until it catches. */
void wr_body_set_pending(struct wr_body *body, enum wr_pending pending)
{
    body->pending = (uint8_t)pending;
    for (struct wr_list *node = body->gen.adopted.next; node != &body->gen.adopted;
         node = node->next) {
        wr_gen_ready(WR_OWNER(node, struct weir_gen, adopt_link));
    }
}

/* Is the generator, or one of its readers, canceled? */
static bool is_canceled(const struct weir_gen *gen)
{
    while (gen != NULL && !gen->canceled) {
        gen = wr_gen_reader(gen);
    }
    return gen != NULL;
}

/* A wait inside this fiber has failed. all: the task was canceled or the reader left, so all bodies
 * that the task is inside of end. Else only some generators were canceled: their readers continue
 * and find them failed. */
static void fiber_canceled(struct wr_fiber *fiber, int code, bool all)
{
    struct wr_body *body = WR_OWNER(fiber, struct wr_body, fiber);
    for (; body != NULL && (all || is_canceled(&body->gen)); body = wr_body_above(body)) {
        if (!wr_body_closed(body)) {
            wr_body_set_pending(body, code == WEIR_ECLOSED ? WR_PENDING_CLOSE : WR_PENDING_CANCEL);
        }
    }
}

static void settle_failure(struct wr_body *self, int rc)
{
    weir_error error;
    if (self->pending == WR_PENDING_THROWN) {
        wr_gen_fail_at(&self->gen, self->thrown, self->thrown_at);
    } else if (self->pending == WR_PENDING_CANCEL) {
        wr_gen_fail(&self->gen, WEIR_ECANCELED, 0, -1, "canceled");
    } else if (self->ignored) {
        wr_gen_fail(&self->gen, WEIR_EIGNORED, 0, -1, "'%s' continued to yield after it was closed",
                    self->gen.name);
    }
    if (rc < 0 && self->gen.failure == NULL &&
        !(self->pending == WR_PENDING_CLOSE && rc == WEIR_ECLOSED)) {
        bool known = false;
        for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
             node = node->next) {
            const weir_error *failure = wr_gen_failure(WR_OWNER(node, struct weir_gen, adopt_link));
            known = known || (failure != NULL && failure->code == rc);
        }
        if (!known) {
            wr_error_set(&error, rc, 0, self->gen.name, "%s", wr_code_text(rc));
            wr_gen_fail_error(&self->gen, &error);
        }
    }
}

static bool fails(const struct wr_body *self)
{
    if (self->gen.failure != NULL) {
        return true;
    }
    for (struct wr_list *node = self->gen.adopted.next; node != &self->gen.adopted;
         node = node->next) {
        if (wr_gen_failure(WR_OWNER(node, struct weir_gen, adopt_link)) != NULL) {
            return true;
        }
    }
    return false;
}

static _Noreturn void body_done(struct wr_body *self, int rc)
{
    struct weir_loop *loop = self->gen.loop;
    WR_ASSERT(rc <= 0, "body '%s' has returned %d: 0 is the end, a negative code a failure",
              self->gen.name, rc);
    wr_vouch_back(self);
    settle_failure(self, rc);
    wr_gen_stop_over(&self->gen);
    if (self->last_inner != NULL) {
        /* Now, and not together with self: freeing a deep chain at once would overflow the stack.
         */
        wr_gen_free(self->last_inner);
        self->last_inner = NULL;
    }
    if (fails(self)) {
        wr_gen_seal(&self->gen);
        wr_vouch_let_go(self, WR_ACT_RELEASE);
    } else {
        wr_vouch_let_go(self, WR_ACT_FILTER);
    }
    self->finished = true;
    wr_gen_over(&self->gen);
    if (self->drop != NULL) {
        self->drop(self->args);
        self->drop = NULL;
    }
    struct wr_fiber *to = self->fiber.resumer;
    struct wr_body *delegator = wr_body_above(self);
    if (delegator != NULL) {
        /* The delegator becomes the leaf again: its yield_from returns. */
        delegator->root->gen.leaf = delegator;
        delegator->fiber.resumer = to;
        to = &delegator->fiber;
    }
    self->fiber.resumer = NULL;
    loop->running = to;
    struct wr_stack *stack = self->fiber.co.stack;
    self->fiber.co.stack = NULL;
    wr_stack_give(stack);
    wr_co_leave(&self->fiber.co, &to->co, 0);
}

static void body_main(void *arg)
{
    struct wr_body *self = arg;
    body_done(self, self->fn(&self->gen, self->gen.up, self->args));
}

/* Give the body a stack; false: out of memory, the failure is set. */
bool wr_body_start(struct wr_body *body)
{
    struct weir_loop *loop = body->gen.loop;
    struct wr_stack *stack = body->stack_bytes > 0 ? wr_stack_map(loop->stacks, body->stack_bytes)
                                                   : wr_stack_take(loop->stacks);
    if (stack == NULL) {
        wr_gen_fail(&body->gen, WEIR_ENOMEM, 0, -1, "no memory for the stack of '%s'",
                    body->gen.name);
        return false;
    }
    wr_co_init(&body->fiber.co, stack, body_main, body, body->gen.name);
    body->started = true;
    return true;
}

static size_t body_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_body *body = wr_body_of(gen);
    if (!body->started && !wr_body_start(body)) {
        return 0;
    }
    wr_body_cut(body);
    return wr_body_resume(gen, items, max, 1);
}

/* The reader is done with it, or it has reached its end (then it is finished already). */
static void body_close(struct weir_gen *gen)
{
    struct wr_body *body = wr_body_of(gen);
    if (body->finished) {
        return;
    }
    if (!body->started) {
        body->finished = true;
        if (body->drop != NULL) {
            body->drop(body->args);
            body->drop = NULL;
        }
        return;
    }
    wr_body_cut_off(body);
    for (struct wr_body *b = gen->leaf; b != NULL; b = wr_body_above(b)) {
        if (b->pending == WR_PENDING_NONE) {
            wr_body_set_pending(b, gen->canceled ? WR_PENDING_CANCEL : WR_PENDING_CLOSE);
        }
        b->yield_failed = true;
    }
    weir_item nothing;
    size_t n = wr_body_resume(gen, &nothing, 1, 0);
    WR_ASSERT(n == 0 && body->finished, "body '%s' gave an item while it was closed", gen->name);
}

static size_t body_why(const struct weir_gen *gen, char *text, size_t cap)
{
    return wr_print_text(text, cap,
                         gen->state == WR_GEN_INSIDE ? "runs" : "is suspended at a yield");
}

const struct wr_gen_ops wr_body_ops = {
    .kind = "body", .next_many = body_next_many, .close = body_close, .why = body_why};

void wr_body_fini(struct wr_body *body)
{
    if (body->started) {
        wr_co_fini(&body->fiber.co);
    }
    if (body->last_inner != NULL) {
        struct weir_gen *inner = body->last_inner;
        body->last_inner = NULL;
        wr_gen_free(inner);
    }
    if (body->result != NULL) {
        weir_item_release(body->result);
        wr_free(body->result);
    }
    wr_free(body->thrown);
    wr_runs_fini(&body->held);
}

weir_gen *weir_gen_new(weir_scope *scope, weir_body *fn, const void *args, size_t args_len,
                       const weir_gen_options *options)
{
    WR_COPIED_GIVEN(args, args_len);
    WR_ASSERT(fn != NULL, "the body of a generator is NULL");
    weir_gen_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    size_t head = (sizeof(struct wr_body) + 15) & ~(size_t)15;
    struct wr_body *body = wr_gen_alloc(scope, head + args_len, &wr_body_ops, o.name);
    if (body == NULL) {
        if (o.drop != NULL) {
            o.drop((void *)(uintptr_t)args);
        }
        return wr_gen_made(NULL, NULL);
    }
    body->gen.body = true;
    body->gen.leaf = body->root = body->account = body;
    body->plain = true;
    body->fn = fn;
    body->drop = o.drop;
    body->stack_bytes = o.stack_bytes > 0 ? (size_t)o.stack_bytes : 0;
    body->fiber.canceled = fiber_canceled;
    body->fiber.object = &body->gen.object;
    body->args = (char *)body + head;
    if (args_len > 0) {
        memcpy(body->args, args, args_len);
    }
    return &body->gen;
}

weir_gen *weir_stage(weir_gen *up, weir_body *fn, const void *args, size_t args_len,
                     const weir_gen_options *options)
{
    wr_gen_given(up, "weir_stage");
    if (up->loop == NULL) {
        /* `up` could not be made: the stage fails the same way. */
        if (options != NULL && options->drop != NULL) {
            options->drop((void *)(uintptr_t)args);
        }
        return up;
    }
    weir_gen *gen = weir_gen_new(up->object.scope, fn, args, args_len, options);
    if (gen->body) {
        wr_gen_adopt(gen, up);
    }
    return gen;
}

int weir_return(weir_gen *self, const weir_item *value)
{
    wr_gen_given(self, "weir_return");
    wr_item_given(value, "weir_return");
    WR_ASSERT(self->body,
              "weir_return: only a generator with a body can return a value; '%s' has no body",
              self->name);
    struct wr_body *body = wr_body_of(self);
    if (body->result == NULL) {
        body->result = wr_zalloc(sizeof *body->result);
    } else {
        weir_item_release(body->result);
    }
    if (body->result == NULL || weir_item_keep(body->result, value) < 0) {
        wr_free(body->result);
        body->result = NULL;
        return wr_gen_fail(self, WEIR_ENOMEM, 0, -1, "no memory for the value of '%s'", self->name);
    }
    return 0;
}

const weir_item *weir_result(const weir_gen *gen)
{
    wr_gen_given(gen, "weir_result");
    return gen->body ? ((const struct wr_body *)(const void *)gen)->result : NULL;
}
