/*
 * flow_pull.c - pulling: the fast paths, and the slow one that handles all cases.
 *
 * States: FRESH -> IDLE <-> INSIDE -> OVER. A FRESH generator has run nothing; the first pull makes
 * the origin of a source. While a generator is INSIDE other tasks may run, but no other task may
 * pull it.
 *
 * Two flags say that there is no special case, so a pull costs only one check of a flag besides the
 * generator's own work: `ready` for a body, which weir_next resumes (flow_body.c), and `direct` for
 * any other generator, whose next_many is called. Both are computed again whenever a special case
 * begins or ends (wr_gen_ready), and are false while the generator is INSIDE. All special cases go
 * through wr_pull_slow: a puller with a running pull, a closed reader, a canceled scope, a gentle
 * stop, a failure, the end.
 */
#include "base_alloc.h"
#include "flow_body.h"
#include "flow_gen.h"
#include "flow_puller.h"

enum { PAST_END_MAX = 1000 };

static bool reader_closed(const struct weir_gen *gen)
{
    return gen->reader != NULL && gen->reader->body && wr_body_closed(wr_body_of(gen->reader));
}

int weir_end_code(const weir_gen *self)
{
    wr_gen_given(self, "weir_end_code");
    const weir_error *failure = self->failure;
    for (const struct wr_list *node = self->adopted.next; failure == NULL && node != &self->adopted;
         node = node->next) {
        failure = WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link)->failure;
    }
    if (failure != NULL || self->canceled) {
        return failure != NULL ? failure->code : WEIR_ECANCELED;
    }
    bool closed = self->closed || reader_closed(self) ||
                  (self->body && wr_body_closed(wr_body_of((weir_gen *)(uintptr_t)self)));
    return closed || self->object.scope->stopping ? WEIR_ECLOSED : 0;
}

void wr_gen_ready(struct weir_gen *gen)
{
    gen->special =
        gen->canceled || gen->stopping || gen->closed || gen->failure != NULL ||
        reader_closed(gen) || wr_puller_busy(gen) ||
        /* If a stage reads a body, the body is resumed by whichever fiber pulls the stage. */
        (gen->body && (wr_body_of(gen)->cut_due || (gen->reader != NULL && !gen->reader->body)));
    bool easy = gen->state == WR_GEN_IDLE && !gen->special;
    gen->ready = gen->body && easy;
    gen->direct = !gen->body && easy;
}

struct wr_origin *wr_gen_make_origin(const struct weir_gen *gen)
{
    char label[WR_ORIGIN_NAME];
    const struct weir_gen *source = gen;
    while (source->up != NULL) {
        source = source->up;
    }
    /* One that has failed may have no address. */
    bool labeled = source->ops->label != NULL && source->failure == NULL;
    if (labeled) {
        (void)source->ops->label(source, label, sizeof label);
    }
    struct wr_origin *origin = wr_scope_origin(gen->object.scope, labeled ? label : source->name);
    if (origin != NULL) {
        origin->named = source->named;
    }
    return origin;
}

struct wr_origin *wr_gen_add_origin(struct weir_gen *gen, const char *name)
{
    struct wr_origin *origin = wr_scope_origin(gen->object.scope, name);
    if (origin != NULL) {
        origin->more = gen->origin->more;
        gen->origin->more = origin;
    }
    return origin;
}

void wr_gen_loans_over(struct weir_gen *gen)
{
    for (struct wr_origin **at = &gen->origin->more; *at != NULL;) {
        struct wr_origin *origin = *at;
        if (origin->leaves) {
            *at = origin->more;
            wr_origin_end(origin); /* this ends the loan, too */
        } else {
            wr_origin_lend(origin, 0);
            at = &origin->more;
        }
    }
}

/* The first pull. */
static bool start(struct weir_gen *gen)
{
    gen->state = WR_GEN_IDLE;
    if ((gen->body || gen->ops->is_source) && gen->up == NULL && gen->origin == NULL) {
        gen->origin = wr_gen_make_origin(gen);
        if (gen->origin == NULL) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for the origin of '%s'", gen->name);
            return false;
        }
    }
    return gen->failure == NULL;
}

static inline bool enter(struct weir_gen *gen)
{
    if (gen->canceled && !gen->closed) {
        wr_gen_fail(gen, WEIR_ECANCELED, 0, -1, "canceled");
    }
    if (gen->failure != NULL || (gen->stopping && gen->ops->stop == NULL) ||
        (gen->state == WR_GEN_FRESH && !start(gen))) {
        wr_gen_over(gen);
        return false;
    }
    gen->state = WR_GEN_INSIDE;
    gen->ready = gen->direct = false;
    return true;
}

bool wr_gen_enter(struct weir_gen *gen)
{
    return enter(gen);
}

size_t wr_pull_direct(struct weir_gen *gen, weir_item *items, size_t max)
{
    if (!enter(gen)) {
        return 0;
    }
    size_t n = gen->ops->next_many(gen, items, max);
    if (n == 0) {
        wr_gen_over(gen);
        return 0;
    }
    if (!gen->body) { /* a body counts its yields itself */
        wr_gen_gave(gen, n);
    }
    gen->state = WR_GEN_IDLE;
    wr_gen_ready(gen);
    return n;
}

static size_t past_end(struct weir_gen *gen)
{
    if (gen == &wr_gen_no_memory) {
        return 0; /* all threads share it: it is never written */
    }
    gen->past_end++;
    WR_ASSERT(
        gen->past_end < PAST_END_MAX,
        "generator '%s' was pulled %d times after its end: the caller ignores the result false",
        gen->name, PAST_END_MAX);
    return 0;
}

/* Record the item that was lent to a body; hold the items if there are several. */
static size_t lend_to_body(struct weir_gen *gen, struct wr_body *reader, weir_item *items, size_t n)
{
    if (n == 1) {
        gen->lent_receipt = items[0].receipt;
        gen->lent_seq = items[0].seq;
        gen->lent_origin = items[0].origin;
        gen->lent_unvouched = items[0].receipt != NULL;
        return 1;
    }
    gen->lent_receipt = NULL;
    gen->lent_unvouched = false;
    if (!wr_vouch_hold_many(reader, items, n)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
        wr_gen_over(gen);
        return 0;
    }
    return n;
}

void wr_gen_hold_lent(struct weir_gen *gen)
{
    if (gen->lent_unvouched && gen->reader != NULL && gen->reader->body &&
        !wr_vouch_hold(wr_body_of(gen->reader), gen)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for receipts");
    }
    gen->lent_unvouched = false;
}

size_t wr_pull_slow(struct weir_gen *gen, weir_item *items, size_t max)
{
    if (gen->state == WR_GEN_OVER) {
        return past_end(gen);
    }
    struct wr_body *reader =
        gen->reader != NULL && gen->reader->body ? wr_body_of(gen->reader) : NULL;
    if (reader != NULL && wr_body_closed(reader)) {
        return past_end(gen);
    }
    wr_task_now(gen->loop, "weir_next");
    if (wr_gen_closing(gen)) {
        wr_gen_close(gen);
        return past_end(gen);
    }
    wr_gen_hold_lent(gen);
    size_t n;
    if (wr_puller_busy(gen)) {
        bool late = false;
        n = wr_pull_within(gen, items, max, -1, &late);
    } else {
        WR_ASSERT(gen->state != WR_GEN_INSIDE, "generator '%s' is being pulled already", gen->name);
        n = wr_pull_direct(gen, items, max);
    }
    if (n == 0) {
        gen->lent_receipt = NULL;
        return 0;
    }
    return reader != NULL ? lend_to_body(gen, reader, items, n) : n;
}

/* The fast path: a generator without a body, in no special case. */
static inline size_t pull_easy(struct weir_gen *gen, weir_item *items, size_t max)
{
    gen->direct = false;
    gen->state = WR_GEN_INSIDE;
    size_t n = gen->ops->next_many(gen, items, max);
    if (WR_UNLIKELY(n == 0)) {
        wr_gen_over(gen);
        return 0;
    }
    wr_gen_gave(gen, n);
    gen->state = WR_GEN_IDLE;
    gen->direct = !gen->special;
    return n;
}

size_t wr_pull(struct weir_gen *up, weir_item *items, size_t max)
{
    return WR_LIKELY(up->direct) ? pull_easy(up, items, max) : wr_pull_slow(up, items, max);
}

/* The same when the running body reads it. */
static __attribute__((noinline)) size_t pull_for_body(struct weir_gen *gen, weir_item *items,
                                                      size_t max)
{
    if (gen->lent_unvouched) {
        wr_gen_hold_lent(gen);
    }
    size_t n = wr_pull(gen, items, max);
    if (n == 0) {
        gen->lent_receipt = NULL;
        return 0;
    }
    return lend_to_body(gen, wr_body_of(gen->reader), items, n);
}

/* May the running task, or the running body, pull gen by the fast path? */
static inline bool read_by_task(const struct weir_gen *gen)
{
    return gen->reader == NULL && gen->loop->running != NULL;
}
static inline bool read_by_body(const struct weir_gen *gen)
{
    const struct weir_gen *reader = gen->reader;
    return reader != NULL && reader->body &&
           gen->loop->running == &((const struct wr_body *)(const void *)reader)->fiber;
}

/* wr_gen_untaken for the fast paths. */
static inline void look_untaken(const struct weir_gen *gen, const char *verb)
{
    if (WR_UNLIKELY(!read_by_body(gen) && (gen->reader != NULL || gen->delegator != NULL))) {
        wr_gen_untaken(gen, verb);
    }
}

size_t weir_next_many(weir_gen *gen, weir_item *items, size_t max)
{
    WR_ASSERT(max > 0, "max is 0: there is no room for an item");
    if (WR_UNLIKELY(gen == NULL || items == NULL)) {
        wr_gen_given(gen, "weir_next_many");
        wr_item_misused("weir_next_many");
    }
    if (WR_LIKELY(gen->direct && wr_loop_is_here(gen->loop))) {
        if (read_by_task(gen)) {
            return pull_easy(gen, items, max);
        }
        if (read_by_body(gen)) {
            return pull_for_body(gen, items, max);
        }
    }
    wr_gen_given(gen, "weir_next_many");
    look_untaken(gen, "weir_next_many");
    return wr_pull_slow(gen, items, max);
}

static __attribute__((noinline)) bool next_slow(struct weir_gen *gen, weir_item *item)
{
    wr_gen_given(gen, "weir_next");
    wr_item_given(item, "weir_next");
    look_untaken(gen, "weir_next");
    return wr_pull_slow(gen, item, 1) > 0;
}

bool wr_next_unready(struct weir_gen *gen, weir_item *item)
{
    if (WR_LIKELY(gen->direct && wr_loop_is_here(gen->loop))) {
        if (read_by_task(gen)) {
            return pull_easy(gen, item, 1) > 0;
        }
        if (read_by_body(gen)) {
            return pull_for_body(gen, item, 1) > 0;
        }
    }
    return next_slow(gen, item);
}

weir_got weir_next_within(weir_gen *gen, weir_item *item, int64_t wait_ms)
{
    wr_gen_given(gen, "weir_next_within");
    wr_item_given(item, "weir_next_within");
    look_untaken(gen, "weir_next_within");
    if (gen->state == WR_GEN_OVER) {
        past_end(gen);
        return WEIR_GOT_OVER;
    }
    bool late = false;
    struct wr_body *reader =
        gen->reader != NULL && gen->reader->body ? wr_body_of(gen->reader) : NULL;
    if (reader != NULL && wr_body_closed(reader)) {
        return WEIR_GOT_OVER;
    }
    wr_gen_hold_lent(gen);
    size_t n = wr_pull_within(gen, item, 1, WR_MAX(wait_ms, 0), &late);
    if (n == 0) {
        gen->lent_receipt = NULL;
        return late ? WEIR_GOT_LATE : WEIR_GOT_OVER;
    }
    if (reader != NULL) {
        lend_to_body(gen, reader, item, 1);
    }
    return WEIR_GOT_ITEM;
}
