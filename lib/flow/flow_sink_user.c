/*
 * flow_sink_user.c - weir_sink_new: a sink with the program's own operations.
 *
 * The operations are stored in the sink, followed by the program's own struct. Operations that the
 * program does not have stay NULL in the base's table, so that flow_sink.c sees which exist. They
 * run on the task that puts, commits or ends, and may wait there for anything. The flush before the
 * poll runs on the scheduler's stack and must not wait. If the sink has its own commit, its flush
 * settles nothing.
 */
#include <string.h>

#include "flow_sink.h"

struct user_sink {
    struct weir_sink sink;
    weir_sink_ops ops;
    struct wr_sink_ops base; /* NULL where the program has no operation */
    void *self;
};

static struct user_sink *user_of(struct weir_sink *sink)
{
    return WR_OWNER(sink, struct user_sink, sink);
}

static int checked(const struct weir_sink *sink, const char *operation, int rc, int most)
{
    WR_ASSERT(rc <= most, "%s of sink '%s' returned %d; it must return 0%s or a negative code",
              operation, sink->name, rc, most == 1 ? ", 1" : "");
    return rc;
}

static int user_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct user_sink *user = user_of(sink);
    struct wr_object *before = wr_within(sink->loop, &sink->object);
    int rc = checked(sink, "put_many", user->ops.put_many(sink, user->self, items, count), 0);
    sink->loop->running->within = before;
    if (rc >= 0 && user->ops.flush != NULL) {
        wr_sink_dirty(sink);
    }
    return rc;
}

static int user_flush(struct weir_sink *sink)
{
    struct user_sink *user = user_of(sink);
    return checked(sink, "flush", user->ops.flush(sink, user->self), 1);
}

static int user_wait(struct weir_sink *sink)
{
    struct user_sink *user = user_of(sink);
    struct wr_object *before = wr_within(sink->loop, &sink->object);
    int rc = checked(sink, "wait", user->ops.wait(sink, user->self), 0);
    sink->loop->running->within = before;
    return rc;
}

/* Returns at least 1; or 0, and the failure is set. */
static size_t user_room(struct weir_sink *sink)
{
    struct user_sink *user = user_of(sink);
    size_t room;
    while ((room = user->ops.room(sink, user->self)) == 0 && user->ops.wait != NULL) {
        sink->inside = wr_task_now(sink->loop, "weir_pump");
        int rc = user_wait(sink);
        sink->inside = NULL;
        if (rc < 0) {
            wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
        }
        wr_sink_left(sink);
        if (sink->failure != NULL) {
            return 0;
        }
    }
    return WR_MAX(room, (size_t)1);
}

static size_t user_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct user_sink *user = user_of((struct weir_sink *)(uintptr_t)sink);
    return user->ops.why(sink, user->self, text, cap);
}

static int user_commit(struct weir_sink *sink)
{
    struct user_sink *user = user_of(sink);
    struct wr_object *before = wr_within(sink->loop, &sink->object);
    int rc = checked(sink, "commit", user->ops.commit(sink, user->self), 0);
    sink->loop->running->within = before;
    return rc;
}

static void user_close(struct weir_sink *sink, const weir_error *failure)
{
    struct user_sink *user = user_of(sink);
    (void)failure;
    if (user->ops.finish != NULL) {
        struct wr_object *before = wr_within(sink->loop, &sink->object);
        int rc = user->ops.finish(sink, user->self);
        sink->loop->running->within = before;
        if (rc < 0) {
            wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
        }
    }
}

weir_sink *weir_sink_new(weir_scope *scope, const weir_sink_ops *ops, const void *self,
                         size_t self_len)
{
    WR_COPIED_GIVEN(self, self_len);
    static const struct wr_sink_ops base = {
        .kind = "sink", .put_many = user_put_many, .close = user_close, .users = true};
    weir_sink_ops o = WEIR_ZERO;
    WR_ASSERT(ops != NULL, "the operations (ops) of a sink are NULL");
    WR_TAKE_OPTIONS(o, ops);
    WR_ASSERT(o.put_many != NULL, "a sink needs put_many");
    WR_ASSERT(!o.transacts || o.commit != NULL, "a sink with transactions needs commit");
    size_t head = (sizeof(struct user_sink) + 15) & ~(size_t)15;
    struct user_sink *user = wr_sink_alloc(scope, head + self_len, &base, o.name);
    if (user == NULL) {
        return wr_sink_made(NULL);
    }
    user->ops = o;
    user->base = base;
    user->base.flush = o.flush != NULL ? user_flush : NULL;
    user->base.commit = o.commit != NULL ? user_commit : NULL;
    user->base.wait = o.wait != NULL ? user_wait : NULL;
    user->base.room = o.room != NULL ? user_room : NULL;
    user->base.why = o.why != NULL ? user_why : NULL;
    user->base.transacts = o.transacts != 0;
    user->sink.ops = &user->base;
    user->self = (char *)user + head;
    if (self_len > 0) {
        memcpy(user->self, self, self_len);
    }
    return &user->sink;
}
