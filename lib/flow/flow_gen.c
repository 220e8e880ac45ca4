/*
 * flow_gen.c - what all generators share: making, adopting, failing. Pulling is in flow_pull.c,
 * ending in flow_gen_end.c.
 *
 * Of several failures the first in time is kept, and it is reported once. Nothing here suspends.
 */
#include "flow_gen.h"

#include <string.h>

#include "base_alloc.h"
#include "flow_body.h"
#include "flow_puller.h"

/* ---- making */

void *wr_gen_alloc(struct weir_scope *scope, size_t size, const struct wr_gen_ops *ops,
                   const char *name)
{
    wr_scope_given(scope, name != NULL ? name : ops->kind);
    struct weir_gen *gen = wr_zalloc(size);
    if (gen == NULL) {
        return NULL;
    }
    gen->ops = ops;
    gen->alive = WR_GEN_ALIVE;
    gen->loop = scope->loop;
    wr_list_init(&gen->adopted);
    wr_list_init(&gen->adopt_link);
    (void)wr_copy_text(gen->name, sizeof gen->name, name != NULL ? name : ops->kind);
    wr_object_init(&gen->object, &wr_gen_object_ops, scope, gen->name);
    gen->object.counts = &gen->counts;
    gen->canceled = wr_scope_canceled(scope);
    gen->stopping = scope->stopping && (ops->is_source || ops == &wr_body_ops);
    wr_gen_ready(gen);
    return gen;
}

static size_t failed_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    (void)gen;
    (void)items;
    (void)max;
    return 0;
}

static const struct wr_gen_ops failed_ops = {.kind = "failed", .next_many = failed_next_many};

static weir_error no_memory_error = {.code = WEIR_ENOMEM,
                                     .offset = -1,
                                     .origin = "weir",
                                     .message = "out of memory while making a generator"};
struct weir_gen wr_gen_no_memory = {
    .alive = WR_GEN_ALIVE,
    .state = WR_GEN_OVER,
    .closed = true,
    .ops = &failed_ops,
    .adopted = {&wr_gen_no_memory.adopted, &wr_gen_no_memory.adopted},
    .adopt_link = {&wr_gen_no_memory.adopt_link, &wr_gen_no_memory.adopt_link},
    .failure = &no_memory_error,
    .name = "failed"};

void *wr_stage_alloc(struct weir_gen *up, size_t size, const struct wr_gen_ops *ops,
                     const char *name)
{
    WR_ASSERT(up != NULL, "the upstream generator of '%s' is NULL",
              name != NULL ? name : ops->kind);
    wr_gen_given(up, name != NULL ? name : ops->kind);
    return up != &wr_gen_no_memory ? wr_gen_alloc(up->object.scope, size, ops, name) : NULL;
}

struct weir_gen *wr_gen_made(struct weir_gen *gen, struct weir_gen *up)
{
    if (gen != NULL) {
        if (up != NULL) {
            wr_gen_adopt(gen, up);
        }
        return gen;
    }
    /* Ending `up` may have to wait, and a maker must not wait: `up` ends with its scope. */
    return &wr_gen_no_memory;
}

struct weir_gen *wr_gen_failed(struct weir_scope *scope, const weir_error *error)
{
    struct weir_gen *gen = wr_gen_alloc(scope, sizeof *gen, &failed_ops, "failed");
    if (gen == NULL) {
        return &wr_gen_no_memory;
    }
    wr_gen_fail_error(gen, error);
    return gen;
}

void wr_gen_misused(const struct weir_gen *gen, const char *verb)
{
    char name[32];
    if (gen == NULL) {
        wr_misuse(verb, "the generator is NULL");
    }
    if (gen->alive == WR_GEN_ALIVE) {
        wr_thread_is_another(verb);
    }
    wr_ended_name(name, gen->name);
    wr_misuse(verb,
              "generator '%s' has already ended: weir_finish, weir_discard or weir_pump took it, "
              "or its scope or the stage that reads it has ended",
              name);
}

void wr_item_misused(const char *verb)
{
    wr_misuse(verb, "the item is NULL");
}

void wr_item_check(const weir_item *item, const char *verb)
{
    wr_item_given(item, verb);
    if (item->data == NULL && item->len > 0) {
        wr_misuse(verb, "the item's data is NULL, and its len is %zu", item->len);
    }
}

struct weir_gen *wr_gen_top(struct weir_gen *gen)
{
    for (struct weir_gen *reader; (reader = wr_gen_reader(gen)) != NULL;) {
        gen = reader;
    }
    return gen;
}

void wr_gen_untaken(const struct weir_gen *gen, const char *verb)
{
    const struct weir_gen *reader = wr_gen_reader(gen);
    if (reader == NULL) {
        return;
    }
    const struct wr_fiber *body =
        reader->body ? &((const struct wr_body *)(const void *)reader)->fiber : NULL;
    if (body != NULL ? gen->loop->running != body : reader->state != WR_GEN_INSIDE) {
        wr_misuse(verb, "'%s' is read by '%s': read '%s' instead", gen->name, reader->name,
                  reader->name);
    }
}

weir_scope *weir_gen_scope(const weir_gen *gen)
{
    wr_gen_given(gen, "weir_gen_scope");
    return gen->object.scope;
}

void wr_gen_adopt(struct weir_gen *self, struct weir_gen *more)
{
    if (self == &wr_gen_no_memory) {
        return; /* it keeps nothing: `more` ends with its scope */
    }
    if (more == &wr_gen_no_memory) {
        wr_gen_fail_error(self, more->failure);
        return;
    }
    WR_ASSERT(wr_gen_reader(more) == NULL, "generator '%s' has a reader already", more->name);
    WR_ASSERT(self->loop == NULL || more->loop == self->loop,
              "generators '%s' and '%s' belong to different loops: connect them with weir_channel",
              more->name, self->name);
    WR_ASSERT(more->state != WR_GEN_INSIDE || wr_puller_busy(more), "generator '%s' is running",
              more->name);
    for (const struct weir_gen *gen = self; gen != NULL; gen = wr_gen_reader(gen)) {
        WR_ASSERT(gen != more, "generator '%s' cannot read itself", more->name);
    }
    if (self->state == WR_GEN_FRESH && wr_list_empty(&self->adopted)) {
        self->stopping = false; /* not a source: in a stopping scope it lets its upstream drain */
    }
    more->reader = self;
    self->read -= more->items; /* items given before the adoption do not count */
    wr_list_append(&self->adopted, &more->adopt_link);
    if (self->up == NULL) {
        self->up = more;
    }
    if (self->body) {
        if (self->origin != NULL && self->origin->given == 0) {
            wr_origin_end(self->origin);
            self->origin = NULL;
        }
        wr_body_of(self)->account = wr_body_of(self);
        wr_vouch_plain(wr_body_of(self));
    }
    wr_gen_ready(more);
}

struct weir_gen *wr_gen_component(const struct weir_gen *reader, const struct weir_gen *up)
{
    struct weir_gen *whole = (struct weir_gen *)(uintptr_t)reader;
    if (up->counts.component != NULL) {
        return NULL;
    }
    while (whole != NULL && whole->counts.component == NULL) {
        whole = wr_gen_reader(whole);
    }
    return whole;
}

void wr_gen_count_read(struct weir_gen *reader, struct weir_gen *up)
{
    struct weir_gen *whole = wr_gen_component(reader, up);
    struct wr_level level = {0};
    if (whole == NULL) {
        reader->read += up->items;
        return;
    }
    if (up->ops->level != NULL) {
        up->ops->level(up, &level);
    }
    whole->read += level.put + up->read;
    whole->bytes += level.bytes_put + up->bytes;
    whole->filtered += up->filtered;
    whole->rejected += up->rejected;
    whole->dropped += up->dropped;
    wr_counts_add(&whole->counts, &up->counts);
}

void wr_gen_unadopt(struct weir_gen *gen)
{
    struct weir_gen *reader = gen->reader;
    if (reader == NULL) {
        return;
    }
    wr_list_remove(&gen->adopt_link);
    gen->reader = NULL;
    wr_gen_count_read(reader, gen);
    if (reader->up == gen) {
        reader->up = wr_list_empty(&reader->adopted)
                         ? NULL
                         : WR_OWNER(reader->adopted.next, struct weir_gen, adopt_link);
    }
    if (reader->body) {
        wr_vouch_plain(wr_body_of(reader));
    }
    wr_gen_ready(gen);
}

void weir_adopt(weir_gen *self, weir_gen *more)
{
    wr_gen_given(self, "weir_adopt");
    wr_gen_given(more, "weir_adopt");
    WR_ASSERT(self->body || self->extended || self == &wr_gen_no_memory,
              "only a body or a generator made with weir_gen_ops can adopt; '%s' is neither",
              self->name);
    wr_gen_adopt(self, more);
}

/* ---- failing */

static bool fail_at(struct weir_gen *gen, const weir_error *error, uint64_t at)
{
    if (gen->failure != NULL && gen->failed_at <= at) {
        return false;
    }
    if (gen->failure == NULL) {
        gen->failure = wr_alloc(sizeof *error);
        if (gen->failure == NULL) {
            gen->failure = &no_memory_error;
            gen->failed_at = at;
            return true;
        }
    }
    if (gen->failure != &no_memory_error) {
        *gen->failure = *error;
    }
    gen->failed_at = at;
    gen->reported = false;
    if (!gen->body) { /* a body ends by itself */
        gen->special = true;
        gen->direct = false;
    }
    return true;
}

int wr_gen_fail_error(struct weir_gen *gen, const weir_error *error)
{
    if (gen->failure == NULL) {
        fail_at(gen, error, ++gen->loop->failures);
    }
    return error->code;
}

int wr_gen_fail_at(struct weir_gen *gen, const weir_error *error, uint64_t at)
{
    fail_at(gen, error, at);
    return error->code;
}

int wr_gen_fail(struct weir_gen *gen, int code, int detail, int64_t offset, const char *format, ...)
{
    if (gen->failure != NULL) {
        return code;
    }
    weir_error error;
    va_list args;
    va_start(args, format);
    wr_error_vset(&error, code, detail, gen->name, format, args);
    va_end(args);
    error.offset = offset;
    if (gen->origin != NULL) {
        error.seq = gen->origin->given;
    }
    return wr_gen_fail_error(gen, &error);
}

int wr_gen_fail_starved(struct weir_gen *gen, int64_t offset)
{
    return wr_gen_fail(gen, WEIR_EBUDGET, 0, offset, WR_BUDGET_USED_UP,
                       WR_BUDGET_FIGURES(gen->loop));
}

int wr_gen_fail_text(struct weir_gen *gen, int code, const weir_item *item)
{
    weir_error error;
    wr_item_text_error(&error, code, gen->name, item);
    error.seq = item->seq;
    return wr_gen_fail_error(gen, &error);
}

int weir_fail(weir_gen *self, int code, const char *format, ...)
{
    wr_gen_given(self, "weir_fail");
    WR_ASSERT(
        code < 0,
        "'%s' fails with %d: a code must be negative; your own codes are WEIR_EUSER and below",
        self->name, code);
    bool closes = self->body && wr_body_of(self)->pending == WR_PENDING_CLOSE;
    if (self->failure != NULL || (closes && code == WEIR_ECLOSED)) {
        return code;
    }
    weir_error error;
    va_list args;
    va_start(args, format);
    wr_error_vset(&error, code, 0, self->name, format, args);
    va_end(args);
    if (self->up != NULL) {
        error.seq = self->up->lent_seq;
    }
    return wr_gen_fail_error(self, &error);
}

void wr_gen_stop_over(struct weir_gen *gen)
{
    if (gen->stop_ended_wait && gen->failure != NULL && gen->failure->code == WEIR_ECLOSED) {
        wr_free(gen->failure);
        gen->failure = NULL;
    }
}

const weir_error *wr_gen_failure(const struct weir_gen *gen)
{
    return gen->failure != NULL && !gen->reported ? gen->failure : NULL;
}

bool wr_gen_given_before(const struct weir_gen *gen, uint64_t *count)
{
    *count = 0;
    if (gen->ops->given_before != NULL) {
        return gen->ops->given_before(gen, count);
    }
    for (const struct wr_list *node = gen->adopted.next; node != &gen->adopted; node = node->next) {
        const struct weir_gen *up = WR_OWNER((uintptr_t)node, struct weir_gen, adopt_link);
        if (!wr_gen_given_before(up, count) || *count > 0) {
            return false;
        }
    }
    return true;
}

bool wr_gen_frame(struct weir_gen *gen, const weir_framing *framing)
{
    return gen->ops->frame != NULL && gen->state == WR_GEN_FRESH && gen->reader == NULL &&
           gen->ops->frame(gen, framing);
}

bool wr_gen_by_media(struct weir_gen *gen, bool strict, bool json)
{
    return gen->ops->by_media != NULL && gen->state == WR_GEN_FRESH &&
           gen->ops->by_media(gen, strict, json);
}

enum wr_media wr_gen_media_inside(const struct weir_gen *gen)
{
    return gen->ops->media_inside != NULL ? gen->ops->media_inside(gen) : WR_MEDIA_LINES;
}

enum wr_media wr_gen_media(struct weir_gen *gen)
{
    if (gen->state != WR_GEN_FRESH || !wr_gen_enter(gen)) {
        return WR_MEDIA_UNKNOWN;
    }
    enum wr_media media = gen->ops->media(gen);
    gen->state = WR_GEN_FRESH; /* nothing was pulled */
    wr_gen_ready(gen);
    return gen->failure == NULL ? media : WR_MEDIA_UNKNOWN;
}
