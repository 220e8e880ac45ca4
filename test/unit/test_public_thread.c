/*
 * test_public_thread.c - each public function that uses a loop aborts on another thread while the
 * loop runs, with its own name or that of the object which it would make. A function that is added
 * to the headers fails this test until it is in one of the two lists.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>
#include <weir/weir.h>

#include "support_call.h"
#include "support_callbacks.h"
#include "support_check.h"

/* The calls do not return, so their results do not matter. */
#pragma GCC diagnostic ignored "-Wunused-result"

static const char *const tailed = "x";

/* What the calls use. */
static struct {
    weir_loop *loop;
    weir_scope *scope, *other;
    weir_gen *gen, *body, *self, *source, *got;
    weir_sink *sink, *own, *end, *put;
    weir_state *state;
    weir_server *server;
    weir_waker waker, other_waker;
    weir_timer *timer;
    weir_watch *watch;
    weir_block *block;
    weir_item item, out, kept, *items;
    weir_plan *plan;
    weir_error error;
    weir_stats stats;
    weir_ledger ledger;
    uint64_t number;
    size_t len;
    bool late;
    char text[100];
} it;

/* Each function that uses a loop, without its weir_, and the arguments of the call. */
/* clang-format off */
#define CALLS(CALL) \
    CALL(adopt, (it.self, it.gen)) \
    CALL(batch, (it.gen, NULL)) \
    CALL(multiline, (it.gen, "x", NULL)) \
    CALL(block_bytes, (it.block)) \
    CALL(block_new, (it.scope, 10, NULL)) \
    CALL(block_ref, (it.block)) \
    CALL(block_unref, (it.block)) \
    CALL(block_wait, (it.scope)) \
    CALL(buffer, (it.gen, NULL)) \
    CALL(catch, (it.gen, WEIR_ANY, &it.error)) \
    CALL(channel, (it.scope, it.scope, NULL, &it.put)) \
    CALL(commit, (it.sink)) \
    CALL(count, (it.scope, 1, 2)) \
    CALL(decoded, (it.gen, NULL)) \
    CALL(discard, (it.gen)) \
    CALL(dump, (it.loop, 2)) \
    CALL(each, (it.gen, on_item, NULL, NULL)) \
    CALL(each_pause, (it.gen)) \
    CALL(each_resume, (it.gen)) \
    CALL(encoded, (it.gen, NULL)) \
    CALL(end_code, (it.self)) \
    CALL(fail, (it.self, WEIR_EIO, "x")) \
    CALL(fd_bytes, (it.scope, 0, NULL)) \
    CALL(fd_lines, (it.scope, 0, NULL)) \
    CALL(fd_sink, (it.scope, 1)) \
    CALL(file_bytes, (it.scope, "x", NULL)) \
    CALL(file_lines, (it.scope, "x", NULL)) \
    CALL(listen_bytes, (it.scope, "tcp://:0", NULL)) \
    CALL(listen_lines, (it.scope, "tcp://:0", NULL)) \
    CALL(tail_bytes, (it.scope, &tailed, 1, NULL)) \
    CALL(tail_lines, (it.scope, &tailed, 1, NULL)) \
    CALL(file_sink, (it.scope, "x", NULL)) \
    CALL(filter, (it.gen, "x", keeps, NULL, 0)) \
    CALL(finish, (it.gen, NULL)) \
    CALL(framed, (it.gen, NULL)) \
    CALL(gen_count_bytes, (it.gen, 1)) \
    CALL(gen_error, (it.source, WEIR_EIO, 0, "x")) \
    CALL(gen_keep_state, (it.source, it.state, "x")) \
    CALL(gen_new, (it.scope, a_body, NULL, 0, NULL)) \
    CALL(gen_scope, (it.gen)) \
    CALL(gen_up, (it.self)) \
    CALL(give, (it.source, &it.item, 1)) \
    CALL(give_at, (it.source, NULL, &it.item, &it.number, 1)) \
    CALL(where, (it.gen, ".", NULL)) \
    CALL(map_expr, (it.gen, ".", NULL)) \
    CALL(grep, (it.gen, "x")) \
    CALL(grep_without, (it.gen, "x")) \
    CALL(head, (it.gen, 1)) \
    CALL(head_of_run, (it.gen, 1)) \
    CALL(until, (it.gen, ".", false, NULL)) \
    CALL(assert, (it.gen, ".", NULL)) \
    CALL(enumerate, (it.gen, 0)) \
    CALL(seq, (it.gen, NULL)) \
    CALL(pairwise, (it.gen)) \
    CALL(accumulate, (it.gen, ".", NULL, NULL)) \
    CALL(uniq, (it.gen, NULL)) \
    CALL(last, (it.gen, 1)) \
    CALL(unbatch, (it.gen)) \
    CALL(rechunk, (it.gen, 1)) \
    CALL(prefetch, (it.gen, 1)) \
    CALL(concat, (it.scope, &it.gen, 1)) \
    CALL(collect, (it.gen, 1, 1, &it.items, &it.len, NULL)) \
    CALL(logged, (it.gen, NULL, 0)) \
    CALL(metered, (it.gen, 0)) \
    CALL(sort, (it.gen, WEIR_OPTIONS(weir_sort_options, .items_max = 1))) \
    CALL(latest, (it.gen)) \
    CALL(throttle, (it.gen, 1, false, 1)) \
    CALL(sample, (it.gen, WEIR_OPTIONS(weir_sample_options, .every = 1))) \
    CALL(delay, (it.gen, 1, NULL)) \
    CALL(for, (it.gen, 1)) \
    CALL(keepalive, (it.gen, 1, NULL)) \
    CALL(timeout, (it.gen, 1)) \
    CALL(exec_bytes, (it.scope, "exit", NULL)) \
    CALL(exec_lines, (it.scope, "exit", NULL)) \
    CALL(exec_sink, (it.scope, "exit", NULL)) \
    CALL(journal_entries, (it.scope, NULL)) \
    CALL(http_bytes, (it.scope, "http://x", NULL)) \
    CALL(http_events, (it.scope, "http://x", NULL)) \
    CALL(poll_bytes, (it.scope, "http://x", 1, NULL)) \
    CALL(poll_lines, (it.scope, "http://x", 1, NULL)) \
    CALL(ws_messages, (it.scope, "ws://x", NULL)) \
    CALL(http_lines, (it.scope, "http://x", NULL)) \
    CALL(http_sink, (it.scope, "http://x", NULL)) \
    CALL(item_keep, (&it.out, &it.kept)) \
    CALL(item_release, (&it.kept)) \
    CALL(item_abandon, (&it.kept)) \
    CALL(leave_out, (it.source, &it.kept, 1)) \
    CALL(lines, (it.gen)) \
    CALL(log, (it.scope, 3, "x", "x")) \
    CALL(loop_free, (it.loop)) \
    CALL(loop_reopen_files, (it.loop)) \
    CALL(loop_stats, (it.loop, &it.stats)) \
    CALL(loop_uv, (it.loop)) \
    CALL(map, (it.gen, "x", maps, NULL, 0)) \
    CALL(merge, (it.scope, &it.gen, 1)) \
    CALL(next, (it.gen, &it.out)) \
    CALL(next_many, (it.gen, &it.out, 1)) \
    CALL(next_within, (it.gen, &it.out, 1)) \
    CALL(now, (it.scope)) \
    CALL(now_unix, (it.scope)) \
    CALL(null_sink, (it.scope)) \
    CALL(on_end, (it.loop, on_node, NULL)) \
    CALL(on_signal, (it.loop, 10, nothing, NULL)) \
    CALL(origin_name, (it.scope, &it.kept)) \
    CALL(park, (&it.waker, 1, "x")) \
    CALL(parse, (it.scope, NULL, "gen 1..3", NULL)) \
    CALL(part_open, (it.source, 1, 1, &position_ops, NULL, 0)) \
    CALL(part_over, (it.source, NULL)) \
    CALL(part_stored, (it.source)) \
    CALL(plan_open, (it.plan, it.scope, NULL, &it.got, &it.put, NULL)) \
    CALL(pull, (it.source, &it.out, 1)) \
    CALL(pull_within, (it.source, &it.out, 1, 1, &it.late)) \
    CALL(pump, (it.gen, it.sink, NULL)) \
    CALL(pump_all, (it.gen, &it.sink, 1, NULL, NULL)) \
    CALL(put, (it.sink, &it.item)) \
    CALL(put_many, (it.sink, &it.item, 1)) \
    CALL(queue, (it.scope, NULL, &it.put)) \
    CALL(received, (it.self)) \
    CALL(reject, (it.self, &it.kept, "x")) \
    CALL(replayed, (it.gen)) \
    CALL(result, (it.self)) \
    CALL(return, (it.self, &it.item)) \
    CALL(root, (it.loop)) \
    CALL(scope_cancel, (it.other)) \
    CALL(scope_ledger, (it.scope, &it.ledger)) \
    CALL(scope_new, (it.scope, NULL)) \
    CALL(scope_obey, (it.scope, 10)) \
    CALL(scope_obey_signals, (it.scope)) \
    CALL(scope_signal, (it.scope, NULL)) \
    CALL(scope_stop, (it.other)) \
    CALL(scope_wait, (it.other, NULL)) \
    CALL(send, (it.body, &it.item, &it.out)) \
    CALL(server_discard, (it.server)) \
    CALL(server_finish, (it.server, NULL)) \
    CALL(server_new, (it.scope, ":0", NULL)) \
    CALL(server_port, (it.server)) \
    CALL(server_route, (it.server, "GET /x", serves, NULL)) \
    CALL(settle, (it.self)) \
    CALL(sink_count_bytes, (it.own, 1)) \
    CALL(sink_discard, (it.sink)) \
    CALL(sink_error, (it.own, WEIR_EIO, 0, "x")) \
    CALL(sink_fail, (it.sink, &it.error)) \
    CALL(sink_finish, (it.sink, NULL)) \
    CALL(sink_gone, (it.own, WEIR_EIO, 0, "x")) \
    CALL(sink_keep_state, (it.own, it.state)) \
    CALL(sink_new, (it.scope, &sink_ops, NULL, 0)) \
    CALL(sink_scope, (it.sink)) \
    CALL(sink_share, (it.end)) \
    CALL(shown, (it.gen, NULL)) \
    CALL(skip, (it.gen, 1)) \
    CALL(sleep, (it.scope, 1)) \
    CALL(socket_bytes, (it.scope, "unix:/x", NULL)) \
    CALL(socket_lines, (it.scope, "unix:/x", NULL)) \
    CALL(socket_new, (it.scope, "unix:/x", NULL)) \
    CALL(socket_sink, (it.scope, "unix:/x", NULL)) \
    CALL(source_new, (it.scope, &gen_ops, NULL, 0)) \
    CALL(spawn, (it.scope, "x", a_task, NULL, 0)) \
    CALL(stage, (it.gen, a_body, NULL, 0, NULL)) \
    CALL(stage_new, (it.gen, &gen_ops, NULL, 0)) \
    CALL(stand_for, (it.source, &it.out, &it.kept, 1)) \
    CALL(state_describe, (it.state, "x")) \
    CALL(state_open, (it.scope, "/nowhere", "x")) \
    CALL(state_require, (it.state, 0)) \
    CALL(state_restore, (it.state, NULL, 0, NULL)) \
    CALL(state_saves, (it.state)) \
    CALL(state_text, (it.own, &it.len)) \
    CALL(state_watch, (it.state, on_promise, NULL)) \
    CALL(tee, (it.gen, &it.sink, 1, NULL)) \
    CALL(throw, (it.gen, WEIR_EIO, NULL, &it.out)) \
    CALL(ticker, (it.scope, 1)) \
    CALL(timer_free, (it.timer)) \
    CALL(timer_new, (it.scope, nothing, NULL)) \
    CALL(timer_start, (it.timer, 1)) \
    CALL(timer_stop, (it.timer)) \
    CALL(try_put, (it.end, &it.item)) \
    CALL(udp_messages, (it.scope, "udp://:1", NULL)) \
    CALL(udp_sink, (it.scope, "udp://127.0.0.1:1", NULL)) \
    CALL(ws_sink, (it.scope, "ws://127.0.0.1:1/", NULL)) \
    CALL(wait_fd, (it.scope, 0, 1, 1, "x")) \
    CALL(wake, (&it.waker)) \
    CALL(waker_fini, (&it.waker)) \
    CALL(waker_init, (&it.other_waker, it.scope)) \
    CALL(walk, (it.loop, on_node, NULL)) \
    CALL(watch_free, (it.watch)) \
    CALL(watch_new, (it.scope, 0, 1, on_fd, NULL, NULL)) \
    CALL(watch_set, (it.watch, 1)) \
    CALL(why, (it.gen, it.text, sizeof it.text)) \
    CALL(work, (it.scope, nothing, NULL, NULL)) \
    CALL(yield, (it.self, &it.item)) \
    CALL(yield_from, (it.self, it.gen, NULL)) \
    CALL(yield_many, (it.self, &it.item, 1))
/* clang-format on */

#define DEFINE(name, args)        \
    static void call_##name(void) \
    {                             \
        weir_##name args;         \
    }
CALLS(DEFINE)

#define ENTRY(name, args) {"weir_" #name, call_##name},
static const struct call {
    const char *name;
    void (*call)(void);
} calls[] = {CALLS(ENTRY)};

/* Functions that work on memory alone, are made for other threads, or see no loop. Those of a
 * request and its reply, and weir_chain_open, are called inside a handler or an opener only. */
static const char *const any_thread[] = {
    "weir_alloc",          "weir_realloc",        "weir_free",
    "weir_use_allocator",  "weir_version",        "weir_loop_new",
    "weir_loop_attach",    "weir_post",           "weir_wake_remote",
    "weir_overflow_text",  "weir_event_field",    "weir_item_parts",
    "weir_item_peer",      "weir_item_text",      "weir_item_text_of_type",
    "weir_scratch_free",   "weir_type_same",      "weir_chain_open",
    "weir_component_at",   "weir_component_find", "weir_component_help",
    "weir_modules_load",   "weir_mistake_at",     "weir_mistake_hint",
    "weir_mistake_inside", "weir_mistake_warn",   "weir_hide_secrets",
    "weir_nearest",        "weir_size_read",      "weir_time_read",
    "weir_instant_read",   "weir_plan_",          "weir_record_",
    "weir_reply_",         "weir_request_",       "weir_expr_",
    "weir_log_stderr",     "weir_collected_free",
};

static bool is_listed(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strlen(calls[i].name) == len && memcmp(calls[i].name, name, len) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof any_thread / sizeof any_thread[0]; i++) {
        size_t n = strlen(any_thread[i]);
        bool whole_family = any_thread[i][n - 1] == '_';
        if ((whole_family ? len > n : len == n) && memcmp(any_thread[i], name, n) == 0) {
            return true;
        }
    }
    return false;
}

/* Check the declarations of one header: what follows WEIR_API, up to the bracket. */
static void check_header(const char *name)
{
    static char text[64 * 1024];
    char path[1024];
    snprintf(path, sizeof path, "%s/../../include/weir/%s", getenv("WEIR_TEST_DATA"), name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    for (const char *at = text; (at = strstr(at, "\n"
                                                 "WEIR_API ")) != NULL;
         at++) {
        const char *end = strchr(at, '(');
        while (end != NULL && end[-1] == ' ') {
            end--;
        }
        const char *begin = end;
        while (begin > at && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) {
            begin--;
        }
        ck_assert_msg(is_listed(begin, (size_t)(end - begin)), "%s: %.*s", name, (int)(end - begin),
                      begin);
    }
}

TEST(every_public_function_is_in_one_of_the_lists)
{
    static const char *const headers[] = {
        "error.h",  "extend.h", "gen.h",   "item.h",  "loop.h",   "metrics.h",
        "module.h", "plan.h",   "queue.h", "scope.h", "server.h", "sink.h",
        "socket.h", "source.h", "stage.h", "state.h", "wait.h"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        check_header(headers[i]);
    }
}

WEIR_STAGE(passes)
{
    weir_item item;
    it.self = self;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    return 0;
}

static void make_all(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    it.loop = weir_loop_new(NULL);
    it.scope = weir_root(it.loop);
    it.other = weir_scope_new(it.scope, NULL);
    it.gen = weir_count(it.scope, 1, WEIR_NONE);
    it.source = weir_source_new(it.scope, &gen_ops, NULL, 0);
    it.body = passes(weir_count(it.scope, 1, WEIR_NONE));
    it.item = weir_bytes("item", 4);
    ck_assert(weir_next(it.body, &it.out));
    it.block = weir_block_new(it.scope, 100, NULL);
    weir_item in_block = weir_bytes(weir_block_bytes(it.block), 100);
    in_block.block = it.block;
    ck_assert_int_eq(weir_item_keep(&it.kept, &in_block), 0);
    it.sink = weir_null_sink(it.scope);
    it.own = weir_sink_new(it.scope, &sink_ops, NULL, 0);
    (void)weir_queue(it.scope, NULL, &it.end);
    it.state = weir_state_open(it.scope, NULL, "record");
    it.server = weir_server_new(it.scope, ":0", NULL);
    weir_waker_init(&it.waker, it.scope);
    it.timer = weir_timer_new(it.scope, nothing, NULL);
    it.watch = weir_watch_new(it.scope, ends[0], 0, on_fd, NULL, NULL);
    it.plan = weir_plan_read("gen 1..3", NULL, NULL);
    it.stats.struct_size = sizeof it.stats;
    it.error.code = WEIR_EIO;
}

static void on_thread(void *arg)
{
    (*(const struct call *const *)arg)->call();
}

static int calls_elsewhere(weir_scope *scope, void *args)
{
    uv_thread_t thread;
    (void)scope;
    ck_assert_int_eq(uv_thread_create(&thread, on_thread, args), 0);
    return uv_thread_join(&thread);
}

static void run_call(const void *call)
{
    make_all();
    weir_spawn(it.scope, "task", calls_elsewhere, &call, sizeof call);
    (void)weir_sleep(it.scope, 1000);
}

TEST_WITHIN(a_call_on_another_thread_than_the_loop_s_aborts_and_is_named, 60)
{
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char text[1000];
        int number = wr_call(run_call, &calls[i], text, sizeof text);
        /* weir_put_many is a weir_put, too. A maker names its object: "the scope that 'count' is
         * made in", "'grep' was called". */
        size_t len = strlen(text) > 6 ? strcspn(text + 6, ":") : 0;
        bool good = (len > 5 && strncmp(text + 6, calls[i].name, len) == 0) ||
                    strncmp(text, "weir: '", 7) == 0 ||
                    strncmp(text, "weir: the scope that '", 22) == 0;
        ck_assert_msg(number == SIGABRT && good && strstr(text, "thread") != NULL, "%s: %d %s",
                      calls[i].name, number, text);
    }
}

MAIN("public/thread")
