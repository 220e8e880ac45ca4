/*
 * test_public_null.c - a pointer that must not be NULL, and is, aborts with one line that names the
 * public function, not with a crash later on.
 */
#include <signal.h>
#include <string.h>

#include <weir/weir.h>

#include "support_call.h"
#include "support_callbacks.h"
#include "support_check.h"

/* The calls do not return, so their results do not matter. */
#pragma GCC diagnostic ignored "-Wunused-result"

static struct {
    weir_loop *loop;
    weir_scope *scope;
    weir_gen *gen;
    weir_sink *sink, *put;
    weir_server *server;
    weir_plan *plan;
    weir_item item, out;
    weir_slice text;
    weir_gen *got;
    int64_t number;
} it;

static const weir_gen_ops no_gen_ops = {.struct_size = sizeof no_gen_ops};
static const weir_sink_ops no_sink_ops = {.struct_size = sizeof no_sink_ops};

/* Each function, without its weir_, and the arguments of a call. */
/* clang-format off */
#define CALLS(CALL) \
    CALL(filter, (it.gen, NULL, NULL, NULL, 0)) \
    CALL(filter, (it.gen, NULL, keeps, NULL, 5)) \
    CALL(map, (it.gen, NULL, NULL, NULL, 0)) \
    CALL(map, (it.gen, NULL, maps, NULL, 5)) \
    CALL(where, (it.gen, NULL, NULL)) \
    CALL(map_expr, (it.gen, NULL, NULL)) \
    CALL(expr_new, (NULL, NULL, NULL)) \
    CALL(expr_run, (NULL, &it.item, NULL)) \
    CALL(expr_run_text, (NULL, "1", 1, NULL)) \
    CALL(expr_next, (NULL, NULL, NULL)) \
    CALL(expr_clock, (NULL, 0)) \
    CALL(grep, (it.gen, NULL)) \
    CALL(grep_without, (it.gen, NULL)) \
    CALL(gen_new, (it.scope, NULL, NULL, 0, NULL)) \
    CALL(gen_new, (it.scope, a_body, NULL, 7, NULL)) \
    CALL(source_new, (it.scope, NULL, NULL, 0)) \
    CALL(source_new, (it.scope, &no_gen_ops, NULL, 0)) \
    CALL(source_new, (it.scope, &gen_ops, NULL, 9)) \
    CALL(stage_new, (it.gen, NULL, NULL, 0)) \
    CALL(stage_new, (it.gen, &gen_ops, NULL, 9)) \
    CALL(sink_new, (it.scope, NULL, NULL, 0)) \
    CALL(sink_new, (it.scope, &no_sink_ops, NULL, 0)) \
    CALL(sink_new, (it.scope, &sink_ops, NULL, 9)) \
    CALL(spawn, (it.scope, NULL, NULL, NULL, 0)) \
    CALL(spawn, (it.scope, NULL, a_task, NULL, 8)) \
    CALL(post, (NULL, a_task, NULL, 0)) \
    CALL(post, (it.loop, NULL, NULL, 0)) \
    CALL(post, (it.loop, a_task, NULL, 9)) \
    CALL(each, (it.gen, NULL, NULL, NULL)) \
    CALL(merge, (it.scope, NULL, 2)) \
    CALL(tee, (it.gen, NULL, 2, NULL)) \
    CALL(pump_all, (it.gen, NULL, 2, NULL, NULL)) \
    CALL(queue, (it.scope, NULL, NULL)) \
    CALL(channel, (it.scope, NULL, NULL, &it.put)) \
    CALL(next, (it.gen, NULL)) \
    CALL(next_many, (it.gen, NULL, 3)) \
    CALL(next_within, (it.gen, NULL, 3)) \
    CALL(send, (it.gen, NULL, NULL)) \
    CALL(throw, (it.gen, WEIR_EIO, NULL, NULL)) \
    CALL(put, (it.sink, NULL)) \
    CALL(sink_fail, (it.sink, NULL)) \
    CALL(item_keep, (NULL, &it.item)) \
    CALL(item_keep, (&it.out, NULL)) \
    CALL(item_release, (NULL)) \
    CALL(item_abandon, (NULL)) \
    CALL(item_parts, (&it.item, NULL)) \
    CALL(item_text_of_type, (NULL, &it.text, NULL)) \
    CALL(event_field, (NULL, "name", &it.text)) \
    CALL(origin_name, (it.scope, NULL)) \
    CALL(state_open, (it.scope, NULL, NULL)) \
    CALL(server_new, (it.scope, NULL, NULL)) \
    CALL(server_route, (it.server, NULL, NULL, NULL)) \
    CALL(socket_new, (it.scope, NULL, NULL)) \
    CALL(scope_ledger, (it.scope, NULL)) \
    CALL(loop_stats, (it.loop, NULL)) \
    CALL(walk, (it.loop, NULL, NULL)) \
    CALL(on_signal, (it.loop, SIGUSR1, NULL, NULL)) \
    CALL(watch_new, (it.scope, 0, WEIR_READABLE, NULL, NULL, NULL)) \
    CALL(timer_new, (it.scope, NULL, NULL)) \
    CALL(waker_init, (NULL, it.scope)) \
    CALL(wake_remote, (NULL)) \
    CALL(work, (it.scope, NULL, NULL, NULL)) \
    CALL(loop_attach, (NULL, NULL)) \
    CALL(plan_read, (NULL, NULL, NULL)) \
    CALL(plan_check, (NULL, NULL, NULL)) \
    CALL(plan_open, (it.plan, it.scope, NULL, NULL, &it.put, NULL)) \
    CALL(plan_open, (NULL, it.scope, NULL, &it.got, &it.put, NULL)) \
    CALL(plan_text, (NULL)) \
    CALL(plan_count, (NULL)) \
    CALL(plan_part, (NULL, 0)) \
    CALL(plan_hash, (NULL, NULL)) \
    CALL(plan_rejects, (NULL)) \
    CALL(plan_explain, (NULL, NULL, NULL, 0)) \
    CALL(plan_delivery, (NULL, NULL, NULL, 0)) \
    CALL(plan_error_text, (NULL, NULL, NULL, 0)) \
    CALL(plan_mistake_at, (NULL, NULL, 0, NULL, NULL, 0)) \
    CALL(parse, (it.scope, NULL, NULL, NULL)) \
    CALL(hide_secrets, (NULL)) \
    CALL(nearest, (NULL, NULL, 0)) \
    CALL(size_read, (NULL, &it.number)) \
    CALL(time_read, ("1s", NULL)) \
    CALL(component_find, (NULL, 0)) \
    CALL(component_help, (NULL, NULL, 0)) \
    CALL(record_read, ("folder", NULL, NULL)) \
    CALL(record_set, (NULL, "name", 0, "position", NULL)) \
    CALL(record_remove, ("folder", NULL, NULL)) \
    CALL(record_each, (NULL, NULL, NULL, NULL)) \
    CALL(sink_error, (it.sink, 3, 0, "a positive code")) \
    CALL(sink_gone, (it.sink, 0, 0, "no code"))
/* clang-format on */

/* Make the call whose number this is. */
#define MAKE(name, args)  \
    if (at++ == wanted) { \
        weir_##name args; \
    }
static void make_call(const void *number)
{
    size_t at = 0, wanted = *(const size_t *)number;
    it.loop = weir_loop_new(NULL);
    it.scope = weir_root(it.loop);
    it.gen = weir_count(it.scope, 1, 9);
    it.sink = weir_sink_new(it.scope, &sink_ops, NULL, 0);
    it.server = weir_server_new(it.scope, ":0", NULL);
    it.plan = weir_plan_read("gen 1..3", NULL, NULL);
    it.item = weir_bytes("item", 4);
    CALLS(MAKE)
}

#define ENTRY(name, args) "weir: weir_" #name,
static const char *const named[] = {CALLS(ENTRY)};

TEST_WITHIN(a_missing_pointer_aborts_with_the_name_of_the_function, 60)
{
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        char text[1000];
        int number = wr_call(make_call, &i, text, sizeof text);
        ck_assert_msg(number == SIGABRT && strncmp(text, named[i], strlen(named[i])) == 0,
                      "%zu %s: signal %d, %s", i, named[i], number, text);
    }
}

MAIN("public/null")
