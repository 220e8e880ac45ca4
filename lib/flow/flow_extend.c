/*
 * flow_extend.c - generators made from the program's own table (weir_gen_ops).
 *
 * Such a generator is a weir_gen with a vtable, like a built-in one, and the base treats it the
 * same way. This file is the layer between the base and the program; it costs one call through a
 * pointer. It ends the loan of the items given before, checks the returned items, and records which
 * task is inside: the program's functions may wait for anything, and a cancel or the end of the
 * generator's scope fails any such wait.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "bytes_block.h"
#include "flow_extend.h"
#include "flow_sink.h"
#include "loop_wait.h"

/* ---- from the base to the program */

/* The program's items may have bytes that their block does not keep alive (wr_block_check). Most
 * items have the same block as the one before, so the block is read once per run. */
static inline void check_items(const struct weir_gen *gen, weir_item *items, size_t n)
{
    const weir_block *block = NULL;
    uintptr_t base = 1, cap = UINTPTR_MAX - 1;
    for (size_t i = 0; i < n; i++) {
        if (items[i].block != block) {
            block = items[i].block;
            base = block != NULL ? (uintptr_t)block->data : 1;
            cap = block != NULL ? block->cap : UINTPTR_MAX - 1;
        }
        if (WR_UNLIKELY((uintptr_t)items[i].data - base > cap)) {
            wr_item_check(&items[i], gen->name);
            wr_block_check(&items[i]);
        }
    }
}

/* A pull begins: the loan of the items given before ends. */
static inline void begin(struct extended *ext)
{
    struct weir_gen *gen = &ext->gen;
    if (WR_UNLIKELY(ext->stood.count > 0)) {
        wr_runs_let_go(&ext->stood, WR_ACT_LOAN);
    }
    wr_gen_loan_over(gen);
    ext->given = 0;
    if (WR_UNLIKELY(ext->state != NULL)) {
        wr_state_pulled(ext->state);
    }
    gen->inside = gen->loop->task;
}

/* For a source: how many items of this pull have numbers. */
static inline uint64_t given(const struct extended *ext)
{
    const struct wr_origin *origin = ext->gen.origin;
    return origin->given - origin->loan + 1 + ext->given;
}

static _Noreturn void gave_wrongly(const struct extended *ext, size_t n, size_t max)
{
    const struct weir_gen *gen = &ext->gen;
    if (n > max) {
        wr_misuse("next_many", "'%s' gave %zu items, but at most %zu were requested", gen->name, n,
                  max);
    }
    wr_misuse("next_many", "source '%s' returned %zu, and weir_give was called for %" PRIu64,
              gen->name, n, given(ext));
}

/* The pull is done, with n items at `items`: check them. */
static inline size_t gave(struct extended *ext, weir_item *items, size_t n, size_t max)
{
    struct weir_gen *gen = &ext->gen;
    gen->inside = NULL;
    if (WR_UNLIKELY(n > max || (gen->origin != NULL && given(ext) != n))) {
        gave_wrongly(ext, n, max);
    }
    if (WR_UNLIKELY(n == 0)) {
        wr_gen_stop_over(gen);
    }
    check_items(gen, items, n);
    return n;
}

static size_t ext_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct extended *ext = wr_extended_of(gen);
    struct wr_object *before = wr_within(gen->loop, &gen->object);
    begin(ext);
    size_t n = ext->ops.next_many(gen, ext->self, items, max);
    gen->loop->running->within = before;
    ext->finished = n == 0 && gen->failure == NULL;
    return gave(ext, items, n, max);
}

static size_t ext_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                              bool *late)
{
    struct extended *ext = wr_extended_of(gen);
    struct wr_object *before = wr_within(gen->loop, &gen->object);
    *late = false;
    begin(ext);
    size_t n = ext->ops.next_within(gen, ext->self, items, max, wait_ms, late);
    gen->loop->running->within = before;
    ext->finished = n == 0 && !*late && gen->failure == NULL;
    return gave(ext, items, n, max);
}

static void ext_close(struct weir_gen *gen)
{
    struct extended *ext = wr_extended_of(gen);
    if (ext->ops.close != NULL) {
        struct wr_object *before = wr_within(gen->loop, &gen->object);
        ext->ops.close(gen, ext->self);
        gen->loop->running->within = before;
    }
    wr_runs_let_go(&ext->stood, WR_ACT_LOAN);
    wr_runs_fini(&ext->stood);
    wr_parts_close(ext);
}

static void ext_stop(struct weir_gen *gen)
{
    struct extended *ext = wr_extended_of(gen);
    ext->ops.stop(gen, ext->self);
}

static size_t ext_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct extended *ext = WR_OWNER((uintptr_t)gen, struct extended, gen);
    return ext->ops.why(gen, ext->self, text, cap);
}

/* Only a source of one part has a beginning. */
static struct wr_state_slot *ext_begins_again(struct weir_gen *gen)
{
    return wr_extended_of(gen)->expected;
}

/* ---- making */

static const weir_gen_ops *take(weir_gen_ops *ops, const weir_gen_ops *given, const void *self,
                                size_t self_len, const char *maker)
{
    if (given == NULL) {
        wr_misuse(maker, "the operations (ops) of a generator are NULL");
    }
    WR_TAKE_OPTIONS(*ops, given);
    if (ops->next_many == NULL) {
        wr_misuse(maker, "a generator needs next_many");
    }
    if (self == NULL && self_len > 0) {
        wr_misuse(maker, "self is NULL, but self_len is not 0");
    }
    return ops;
}

static weir_gen *make(weir_scope *scope, weir_gen *up, const weir_gen_ops *o, const void *self,
                      size_t self_len)
{
    static const struct wr_gen_ops none = {.kind = "source",
                                           .begins_again = ext_begins_again,
                                           .is_source = true},
                                   stage = {.kind = "stage"};
    const struct wr_gen_ops *base = up == NULL ? &none : &stage;
    size_t head = (sizeof(struct extended) + 15) & ~(size_t)15;
    struct extended *ext = up == NULL ? wr_gen_alloc(scope, head + self_len, base, o->name)
                                      : wr_stage_alloc(up, head + self_len, base, o->name);
    if (ext == NULL) {
        return wr_gen_made(NULL, up);
    }
    ext->ops = *o;
    ext->base = *base;
    ext->base.next_many = ext_next_many;
    ext->base.next_within = o->next_within != NULL ? ext_next_within : NULL;
    ext->base.close = ext_close;
    ext->base.stop = o->stop != NULL ? ext_stop : NULL;
    ext->base.why = o->why != NULL ? ext_why : NULL;
    ext->gen.ops = &ext->base;
    ext->gen.extended = true;
    ext->self = (char *)ext + head;
    if (self_len > 0) {
        memcpy(ext->self, self, self_len);
    }
    return wr_gen_made(&ext->gen, up);
}

weir_gen *weir_source_new(weir_scope *scope, const weir_gen_ops *ops, const void *self,
                          size_t self_len)
{
    weir_gen_ops o = WEIR_ZERO;
    return make(scope, NULL, take(&o, ops, self, self_len, "weir_source_new"), self, self_len);
}

weir_gen *weir_stage_new(weir_gen *up, const weir_gen_ops *ops, const void *self, size_t self_len)
{
    weir_gen_ops o = WEIR_ZERO;
    wr_gen_given(up, "weir_stage_new");
    return make(NULL, up, take(&o, ops, self, self_len, "weir_stage_new"), self, self_len);
}

/* ---- from the program to the base */

void wr_check_inside(const struct weir_gen *gen, const char *verb)
{
    wr_gen_given(gen, verb);
    if (gen->inside == NULL) {
        wr_misuse(verb, "'%s' is not being pulled: call this only from its next_many", gen->name);
    }
}

static _Noreturn void no_pull(const struct weir_gen *gen, const char *verb)
{
    wr_check_inside(gen, verb);
    if (gen->up == NULL) {
        wr_misuse(verb, "'%s' reads no generator", gen->name);
    }
    wr_misuse(verb, "max is 0: there is no room for an item");
}

/* No check for `alive`: a generator that is inside a pull is alive. */
static inline bool may_pull(const struct weir_gen *gen, size_t max)
{
    return WR_LIKELY(gen != NULL && gen->inside != NULL && gen->up != NULL && max > 0 &&
                     wr_loop_is_here(gen->loop));
}

size_t weir_pull(weir_gen *gen, weir_item *items, size_t max)
{
    if (!may_pull(gen, max)) {
        no_pull(gen, "weir_pull");
    }
    return wr_pull(gen->up, items, max);
}

size_t weir_pull_within(weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms, bool *late)
{
    if (!may_pull(gen, max)) {
        no_pull(gen, "weir_pull_within");
    }
    return wr_pull_within(gen->up, items, max, WR_MAX(wait_ms, 0), late);
}

weir_gen *weir_gen_up(const weir_gen *gen)
{
    wr_gen_given(gen, "weir_gen_up");
    return gen->up;
}

size_t weir_give(weir_gen *gen, weir_item *items, size_t count)
{
    wr_check_inside(gen, "weir_give");
    struct wr_origin *origin = gen->origin;
    if (origin == NULL) {
        wr_misuse("weir_give", "'%s' is not a source: its items keep their numbers", gen->name);
    }
    if (origin->loan <= origin->given) {
        wr_misuse("weir_give", "source '%s' has already given items in this pull", gen->name);
    }
    if (gen->extended && wr_extended_of(gen)->parts != NULL) {
        wr_misuse("weir_give", "source '%s' has positions: use weir_give_at", gen->name);
    }
    int64_t now_ns = gen->loop->now_unix_ns;
    for (size_t i = 0; i < count; i++) {
        items[i].time_ns = items[i].time_ns != 0 ? items[i].time_ns : now_ns;
    }
    wr_source_give(gen, items, count);
    return count;
}

int weir_stand_for(weir_gen *gen, weir_item *out, const weir_item *kept, size_t count)
{
    wr_check_inside(gen, "weir_stand_for");
    WR_ASSERT(gen->extended && count > 0 && kept != NULL,
              "'%s' names no kept items, or is not made with weir_gen_ops", gen->name);
    struct extended *ext = wr_extended_of(gen);
    struct wr_runs runs = {0};
    struct weir_receipt *group = NULL;
    out->seq = kept[count - 1].seq;
    out->origin = kept[0].origin;
    out->time_ns = kept[0].time_ns;
    out->receipt = NULL;
    int rc = wr_runs_add_items(&runs, kept, count);
    if (rc == 0 && runs.count > 0) {
        group = wr_group_new(&runs);
        rc = group != NULL ? 0 : WEIR_ENOMEM;
    }
    if (group != NULL) {
        struct wr_run run = wr_run_of(group, out->seq);
        rc = wr_runs_add(&ext->stood, &run);
        wr_run_unref(&run, WR_ACT_LOAN); /* ext->stood holds it now */
    }
    wr_runs_let_go(&runs, WR_ACT_LOAN);
    wr_runs_fini(&runs);
    if (rc < 0) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
    }
    out->receipt = group;
    return 0;
}

void weir_leave_out(weir_gen *gen, const weir_item *items, size_t count)
{
    wr_check_inside(gen, "weir_leave_out");
    wr_gen_filter(gen, items, count);
}

int weir_gen_error(weir_gen *gen, int code, int detail, const char *format, ...)
{
    weir_error error;
    va_list args;
    wr_gen_given(gen, "weir_gen_error");
    WR_ASSERT(
        code < 0,
        "'%s' fails with %d: a code must be negative; your own codes are WEIR_EUSER and below",
        gen->name, code);
    va_start(args, format);
    wr_error_vset(&error, code, detail, gen->name, format, args);
    va_end(args);
    error.seq = gen->origin != NULL ? gen->origin->given : 0;
    return wr_gen_fail_error(gen, &error);
}

/* ---- memory, bytes, blocks, the log */

void *weir_alloc(size_t bytes)
{
    return wr_alloc(bytes);
}

void *weir_realloc(void *old, size_t bytes)
{
    return wr_realloc(old, bytes);
}

void weir_free(void *memory)
{
    wr_free(memory);
}

void weir_gen_count_bytes(weir_gen *gen, uint64_t bytes)
{
    wr_gen_given(gen, "weir_gen_count_bytes");
    if (gen->loop != NULL) { /* else it is wr_gen_no_memory, which all threads share */
        wr_gen_received(gen, bytes);
    }
}

void weir_sink_count_bytes(weir_sink *sink, uint64_t bytes)
{
    wr_sink_given(sink, "weir_sink_count_bytes");
    if (sink->loop != NULL) {
        wr_sink_wrote(sink, bytes);
    }
}

weir_block *weir_block_new(weir_scope *scope, size_t bytes, int *why)
{
    int local;
    wr_scope_given(scope, "weir_block_new");
    WR_ASSERT(bytes > 0, "a block must have at least 1 byte");
    return wr_block_new(&scope->loop->blocks, bytes, why != NULL ? why : &local);
}

static struct weir_block *block_given(weir_block *block, const char *verb)
{
    if (block == NULL) {
        wr_misuse(verb, "the block is NULL");
    }
    if (block->pool != NULL && block->pool->thread != NULL &&
        !wr_thread_is_here(*block->pool->thread)) {
        wr_thread_is_another(verb);
    }
    return block;
}

char *weir_block_bytes(weir_block *block)
{
    return block_given(block, "weir_block_bytes")->data;
}

void weir_block_ref(weir_block *block)
{
    wr_block_ref(block_given(block, "weir_block_ref"), 1);
}

void weir_block_unref(weir_block *block)
{
    if (block != NULL) {
        wr_block_unref(block_given(block, "weir_block_unref"), 1);
    }
}

int weir_block_wait(weir_scope *scope)
{
    wr_scope_given(scope, "weir_block_wait");
    (void)wr_task_now(scope->loop, "weir_block_wait");
    return wr_budget_wait(scope->loop, NULL);
}

void weir_log(weir_scope *scope, int level, const char *origin, const char *format, ...)
{
    va_list args;
    wr_scope_given(scope, "weir_log");
    va_start(args, format);
    wr_vlog(&scope->loop->log, level, origin, format, args);
    va_end(args);
}
