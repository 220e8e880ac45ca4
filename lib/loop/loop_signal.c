/*
 * loop_signal.c - SIGINT and SIGTERM for a scope, only when asked: the first stops it, the second cancels it. SIGPIPE is
 * ignored from then on: libuv's and libcurl's writes raise it. libuv puts its handler in for the whole process.
 */
#include <signal.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"

struct wr_signals {
    uv_signal_t handles[2];
    int open;
    struct weir_scope *scope;
    int count;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct wr_signals *signals = handle->data;
    if (signals->scope == NULL) {
        return;
    }
    if (signals->scope->on_signal != NULL) {
        signals->scope->on_signal(signals->scope->on_signal_ctx, number, signals->count + 1);
    }
    if (signals->count++ == 0) {
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
            wr_error_set(&error, WEIR_EIO, -rc, scope->name, "cannot watch signal %d: %s", numbers[i],
                         uv_strerror(rc));
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
