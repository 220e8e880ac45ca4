/*
 * loop_signal.c - SIGINT and SIGTERM for a scope, only when asked: the first stops it, the second
 * cancels it. SIGPIPE is ignored from then on: libuv's and libcurl's writes raise it. libuv puts
 * its handler in for the whole process.
 */
#include <signal.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"

struct wr_signals {
    uv_signal_t handles[2];
    int open;
    struct weir_scope *scope;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct wr_signals *signals = handle->data;
    if (signals->scope == NULL) {
        return;
    }
    signals->scope->signal = number;
    signals->scope->signals_count++;
    if (signals->scope->signals_count == 1) {
        weir_scope_stop(signals->scope);
    } else {
        weir_scope_cancel(signals->scope);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct wr_signals *signals = handle->data;
    if (--signals->open == 0) {
        wr_free(signals);
    }
}

void weir_scope_obey_signals(weir_scope *scope)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    wr_scope_given(scope, "weir_scope_obey_signals");
    if (scope->signals != NULL) {
        return;
    }
    signal(SIGPIPE, SIG_IGN);
    struct wr_signals *signals = wr_zalloc(sizeof *signals);
    if (signals == NULL) {
        weir_error error;
        wr_error_set(&error, WEIR_ENOMEM, 0, scope->name, "no memory to watch signals");
        wr_scope_fail(scope, &error);
        return;
    }
    signals->scope = scope;
    scope->signals = signals;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(scope->loop->uv, &signals->handles[i]);
        signals->handles[i].data = signals;
        signals->open++;
        uv_unref((uv_handle_t *)&signals->handles[i]);
        int rc = wr_fault("uv_signal_start")
                     ? UV_ENOMEM
                     : uv_signal_start(&signals->handles[i], on_signal, numbers[i]);
        if (rc < 0) {
            weir_error error;
            wr_error_set(&error, WEIR_EIO, -rc, scope->name, "cannot watch signal %d: %s",
                         numbers[i], uv_strerror(rc));
            wr_scope_fail(scope, &error);
        }
    }
}

void wr_signals_free(struct weir_scope *scope)
{
    struct wr_signals *signals = scope->signals;
    if (signals == NULL) {
        return;
    }
    scope->signals = NULL;
    signals->scope = NULL;
    for (int i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&signals->handles[i], on_closed);
    }
}

struct wr_signal_watch {
    uv_signal_t handle;
    struct wr_signal_watch *next;
    void (*fn)(void *ctx);
    void *ctx;
};

static void on_watched(uv_signal_t *handle, int number)
{
    struct wr_signal_watch *watch = handle->data;
    (void)number;
    watch->fn(watch->ctx);
}

static void on_watch_closed(uv_handle_t *handle)
{
    wr_free(handle->data);
}

int weir_on_signal(weir_loop *loop, int number, void (*fn)(void *ctx), void *ctx)
{
    wr_loop_given(loop, "weir_on_signal");
    struct wr_signal_watch *watch = wr_zalloc(sizeof *watch);
    if (watch == NULL) {
        return WEIR_ENOMEM;
    }
    watch->fn = fn;
    watch->ctx = ctx;
    uv_signal_init(loop->uv, &watch->handle);
    watch->handle.data = watch;
    uv_unref((uv_handle_t *)&watch->handle);
    if (wr_fault("uv_signal_start") || uv_signal_start(&watch->handle, on_watched, number) < 0) {
        uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
        return WEIR_EIO;
    }
    watch->next = loop->signal_watches;
    loop->signal_watches = watch;
    return 0;
}

void wr_signal_watches_free(struct weir_loop *loop)
{
    while (loop->signal_watches != NULL) {
        struct wr_signal_watch *watch = loop->signal_watches;
        loop->signal_watches = watch->next;
        uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
    }
}
