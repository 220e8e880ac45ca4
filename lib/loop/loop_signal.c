/*
 * loop_signal.c - signals for a scope, only on request: the first one stops it, the second cancels
 * it. weir_scope_obey_signals handles SIGINT and SIGTERM, and ignores SIGPIPE from then on (libuv's
 * and libcurl's writes raise it). weir_scope_obey handles other signals. libuv installs its handler
 * for the whole process, so a signal that the process was started to ignore is left alone.
 */
#include <signal.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"
#include "loop_service.h"

/* A signal that a scope obeys. */
struct wr_signals {
    uv_signal_t handle;
    struct wr_signals *next;
    struct weir_scope *scope; /* NULL: it has ended */
    int number;
};

static void on_signal(uv_signal_t *handle, int number)
{
    const struct wr_signals *signals = handle->data;
    struct weir_scope *scope = signals->scope;
    if (scope == NULL) {
        return;
    }
    scope->signal = number;
    scope->signals_count++;
    if (scope->signals_count == 1) {
        weir_scope_stop(scope);
    } else {
        weir_scope_cancel(scope);
    }
}

static void on_closed(uv_handle_t *handle)
{
    wr_free(handle->data);
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static bool is_obeyed(const struct weir_scope *scope, int number)
{
    const struct wr_signals *one = scope->signals;
    while (one != NULL && one->number != number) {
        one = one->next;
    }
    return one != NULL;
}

static void obey(struct weir_scope *scope, int number)
{
    weir_error error;
    if (is_obeyed(scope, number) || is_ignored(number)) {
        return;
    }
    struct wr_signals *one = wr_zalloc(sizeof *one);
    if (one == NULL) {
        wr_error_set(&error, WEIR_ENOMEM, 0, scope->name, "no memory to watch signals");
        wr_scope_fail(scope, &error);
        return;
    }
    one->scope = scope;
    one->number = number;
    one->next = scope->signals;
    scope->signals = one;
    uv_signal_init(scope->loop->uv, &one->handle);
    one->handle.data = one;
    uv_unref((uv_handle_t *)&one->handle);
    int rc =
        wr_fault("uv_signal_start") ? UV_ENOMEM : uv_signal_start(&one->handle, on_signal, number);
    if (rc < 0) {
        wr_error_set(&error, WEIR_EIO, -rc, scope->name, "cannot watch signal %d: %s", number,
                     uv_strerror(rc));
        wr_scope_fail(scope, &error);
    }
}

void weir_scope_obey(weir_scope *scope, int number)
{
    wr_scope_given(scope, "weir_scope_obey");
    obey(scope, number);
}

void weir_scope_obey_signals(weir_scope *scope)
{
    wr_scope_given(scope, "weir_scope_obey_signals");
    signal(SIGPIPE, SIG_IGN);
    obey(scope, SIGINT);
    obey(scope, SIGTERM);
}

void wr_signals_free(struct weir_scope *scope)
{
    while (scope->signals != NULL) {
        struct wr_signals *one = scope->signals;
        scope->signals = one->next;
        one->scope = NULL;
        uv_close((uv_handle_t *)&one->handle, on_closed);
    }
}

struct signal_watch {
    struct wr_service service;
    uv_signal_t handle;
    void (*fn)(void *ctx);
    void *ctx;
};

static void on_watched(uv_signal_t *handle, int number)
{
    struct signal_watch *watch = handle->data;
    (void)number;
    watch->fn(watch->ctx);
}

static void on_watch_closed(uv_handle_t *handle)
{
    wr_free(handle->data);
}

static void watch_end(struct weir_loop *loop, struct wr_service *service)
{
    (void)loop;
    uv_close((uv_handle_t *)&WR_OWNER(service, struct signal_watch, service)->handle,
             on_watch_closed);
}

int weir_on_signal(weir_loop *loop, int number, void (*fn)(void *ctx), void *ctx)
{
    WR_GIVEN(fn);
    wr_loop_given(loop, "weir_on_signal");
    struct signal_watch *watch = wr_zalloc(sizeof *watch);
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
    watch->service.end = watch_end;
    wr_service_add(loop, &watch->service);
    return 0;
}
