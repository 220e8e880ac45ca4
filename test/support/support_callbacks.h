/*
 * support_callbacks.h - callbacks that do nothing, and operations with them: for calls that are
 * expected to abort before they use one.
 */
#ifndef WR_SUPPORT_CALLBACKS_H
#define WR_SUPPORT_CALLBACKS_H

#include <weir/weir.h>

static inline WEIR_UNUSED void nothing(void *ctx)
{
    (void)ctx;
}
static inline WEIR_UNUSED void on_fd(void *ctx, int fd, int events)
{
    (void)ctx;
    (void)fd;
    (void)events;
}
static inline WEIR_UNUSED int a_task(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    return 0;
}
static inline WEIR_UNUSED int a_body(weir_gen *self, weir_gen *up, void *args)
{
    (void)self;
    (void)up;
    (void)args;
    return 0;
}
static inline WEIR_UNUSED bool keeps(const weir_item *item, const void *args)
{
    (void)item;
    (void)args;
    return true;
}
static inline WEIR_UNUSED int maps(const weir_item *in, weir_item *out, void *args)
{
    (void)in;
    (void)out;
    (void)args;
    return 0;
}
static inline WEIR_UNUSED bool on_item(void *ctx, const weir_item *item)
{
    (void)ctx;
    (void)item;
    return true;
}
static inline WEIR_UNUSED bool on_node(void *arg, const weir_node *node)
{
    (void)arg;
    (void)node;
    return true;
}
static inline WEIR_UNUSED size_t gives_nothing(weir_gen *gen, void *self, weir_item *items,
                                               size_t max)
{
    (void)gen;
    (void)self;
    (void)items;
    (void)max;
    return 0;
}
static inline WEIR_UNUSED int puts_nothing(weir_sink *sink, void *self, const weir_item *items,
                                           size_t count)
{
    (void)sink;
    (void)self;
    (void)items;
    (void)count;
    return 0;
}
static inline WEIR_UNUSED size_t no_text(void *self, uint64_t number, char *to, size_t cap)
{
    (void)self;
    (void)number;
    (void)to;
    (void)cap;
    return 0;
}
static inline WEIR_UNUSED void on_promise(void *ctx, int delivery, const char *text)
{
    (void)ctx;
    (void)delivery;
    (void)text;
}
static inline WEIR_UNUSED weir_gen *serves(weir_scope *scope, const weir_request *request,
                                           weir_reply *reply, void *ctx)
{
    (void)scope;
    (void)request;
    (void)reply;
    (void)ctx;
    return NULL;
}

static const WEIR_UNUSED weir_gen_ops gen_ops = {.struct_size = sizeof gen_ops,
                                                 .next_many = gives_nothing};
static const WEIR_UNUSED weir_sink_ops sink_ops = {.struct_size = sizeof sink_ops,
                                                   .put_many = puts_nothing};
static const WEIR_UNUSED weir_position_ops position_ops = {.struct_size = sizeof position_ops,
                                                           .text = no_text};

#endif
