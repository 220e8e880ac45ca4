/*
 * test_plan_threads.c - every public function checks that it is called on the loop's own thread.
 *
 * Each call runs in a process of its own: a body is at work on the loop, in the reply to a client,
 * and meanwhile a second thread makes the call. It must abort and name the function. The headers are
 * read, so that a function that is in none of the two lists below is found.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <weir/weir.h>

#include "support_check.h"
#include "support_suites.h"

/* What the second thread is given. */
struct world {
    weir_loop *loop;
    weir_scope *scope;
    weir_gen *self, *up;  /* of the body that is at work */
    weir_gen *gen, *body; /* have given one item, and are at rest */
    weir_sink *sink, *queue_end;
    weir_item item; /* kept */
    weir_plan *plan;
    weir_state *state;
    weir_watch *watch;
    weir_timer *timer;
    weir_waker waker;
    weir_server *server;
    weir_recorder *recorder;
    const weir_request *request;
    weir_reply *reply;
    char folder[64];
};

struct call {
    const char *function;
    void (*make)(struct world *w);
};
static struct call calls[400];
static size_t calls_count;

/* One function, and how it is called. */
#define CALL(function, ...)                                               \
    static void call_##function(struct world *w)                          \
    {                                                                     \
        (void)w;                                                          \
        __VA_ARGS__;                                                      \
    }                                                                     \
    __attribute__((constructor)) static void add_##function(void)         \
    {                                                                     \
        calls[calls_count++] = (struct call){#function, call_##function}; \
    }                                                                     \
    struct weir_swallow_semicolon

/* Those that belong to no loop, or to any thread. */
/* clang-format off */
static const char *const anywhere[] = {"weir_loop_new",
                                       "weir_log_stderr",
                                       "weir_alloc",
                                       "weir_realloc",
                                       "weir_free",
                                       "weir_loop_attach",
                                       "weir_post",
                                       "weir_wake_remote",
                                       "weir_use_allocator",
                                       "weir_version",
                                       "weir_item_parts",
                                       "weir_item_text",
                                       "weir_item_text_of_type",
                                       "weir_event_field",
                                       "weir_item_peer",
                                       "weir_hide_secrets",
                                       "weir_overflow_text",
                                       "weir_scratch_free",
                                       "weir_collected_free",
                                       "weir_type_same",
                                       "weir_plan_check",
                                       "weir_plan_count",
                                       "weir_plan_delivery",
                                       "weir_plan_explain",
                                       "weir_plan_format",
                                       "weir_plan_error_text",
                                       "weir_plan_mistake_at",
                                       "weir_plan_free",
                                       "weir_plan_graph",
                                       "weir_plan_has_sink",
                                       "weir_plan_has_source",
                                       "weir_plan_hash",
                                       "weir_plan_mem_bytes",
                                       "weir_plan_part",
                                       "weir_plan_part_depth",
                                       "weir_plan_part_text",
                                       "weir_plan_part_traits",
                                       "weir_plan_read",
                                       "weir_plan_recounts",
                                       "weir_plan_rejects",
                                       "weir_plan_takes_pieces",
                                       "weir_plan_output",
                                       "weir_plan_reads_variable",
                                       "weir_plan_source",
                                       "weir_plan_source_address",
                                       "weir_plan_state_folder",
                                       "weir_plan_state_name",
                                       "weir_plan_text",
                                       "weir_record_each",
                                       "weir_record_free",
                                       "weir_record_read",
                                       "weir_record_remove",
                                       "weir_record_set",
                                       "weir_plan_warning",
                                       "weir_plan_writes_stdout",
                                       "weir_component_at",
                                       "weir_component_find",
                                       "weir_component_help",
                                       "weir_modules_load",
                                       "weir_mistake_at",
                                       "weir_mistake_hint",
                                       "weir_mistake_inside",
                                       "weir_mistake_warn",
                                       "weir_expr_clock",
                                       "weir_expr_free",
                                       "weir_expr_function_at",
                                       "weir_expr_new",
                                       "weir_expr_next",
                                       "weir_expr_run",
                                       "weir_expr_run_text",
                                       "weir_nearest",
                                       "weir_size_read",
                                       "weir_time_read",
                                       "weir_instant_read"};
/* clang-format on */

static int task(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    return 0;
}

static int body(weir_gen *self, weir_gen *up, void *args)
{
    weir_item one = weir_bytes("1", 1);
    (void)up;
    (void)args;
    return weir_yield(self, &one) ? 0 : WEIR_ECLOSED;
}

static bool item_fn(void *ctx, const weir_item *item)
{
    (void)ctx;
    return item != NULL;
}

static bool keep_fn(const weir_item *item, const void *args)
{
    (void)args;
    return item != NULL;
}

static int map_fn(const weir_item *in, weir_item *out, void *args)
{
    (void)args;
    *out = *in;
    return 0;
}

static bool visit(void *arg, const weir_node *node)
{
    (void)arg;
    return node != NULL;
}

static void signal_fn(void *ctx)
{
    (void)ctx;
}

static void watch_fn(void *ctx, int fd, int events)
{
    (void)ctx;
    (void)fd;
    (void)events;
}

static size_t next_fn(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)gen;
    (void)self;
    (void)items;
    (void)max;
    return 0;
}

static const weir_gen_ops gen_ops = {.struct_size = sizeof gen_ops, .next_many = next_fn};

static int put_fn(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)self;
    (void)items;
    (void)count;
    return 0;
}

static weir_gen *handler_fn(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    (void)scope;
    (void)request;
    (void)ctx;
    return weir_reply_refuse(reply, 404, "nothing");
}

static weir_item item, lent;
static weir_error error;

static const char *const tailed[] = {"/dev/null"};

CALL(weir_loop_free, weir_loop_free(w->loop));
CALL(weir_root, weir_root(w->loop));
CALL(weir_loop_uv, weir_loop_uv(w->loop));
CALL(weir_loop_reopen_files, weir_loop_reopen_files(w->loop));
CALL(weir_on_signal, (void)!weir_on_signal(w->loop, 10, signal_fn, NULL));
CALL(weir_loop_stats, weir_stats stats = {.struct_size = sizeof stats};
     weir_loop_stats(w->loop, &stats));
CALL(weir_gen_count_bytes, weir_gen_count_bytes(w->gen, 1));
CALL(weir_sink_count_bytes, weir_sink_count_bytes(w->sink, 1));
CALL(weir_walk, weir_walk(w->loop, visit, NULL));
CALL(weir_on_end, weir_on_end(w->loop, visit, NULL));
CALL(weir_dump, weir_dump(w->loop, 2));

CALL(weir_scope_new, weir_scope_new(w->scope, NULL));
CALL(weir_spawn, weir_spawn(w->scope, "task", task, NULL, 0));
CALL(weir_scope_wait, (void)!weir_scope_wait(w->scope, NULL));
CALL(weir_scope_stop, weir_scope_stop(w->scope));
CALL(weir_scope_cancel, weir_scope_cancel(w->scope));
CALL(weir_scope_obey_signals, weir_scope_obey_signals(w->scope));
CALL(weir_scope_obey, weir_scope_obey(w->scope, 1));
CALL(weir_scope_signal, weir_scope_signal(w->scope, NULL));
CALL(weir_scope_ledger, weir_ledger ledger; weir_scope_ledger(w->scope, &ledger));
CALL(weir_sleep, (void)!weir_sleep(w->scope, 1));
CALL(weir_now, weir_now(w->scope));
CALL(weir_now_unix, weir_now_unix(w->scope));

CALL(weir_wait_fd, (void)!weir_wait_fd(w->scope, 0, WEIR_READABLE, 0, "x"));
CALL(weir_watch_new, (void)!weir_watch_new(w->scope, 0, 0, watch_fn, NULL, NULL));
CALL(weir_watch_set, (void)!weir_watch_set(w->watch, 0));
CALL(weir_watch_free, weir_watch_free(w->watch));
CALL(weir_timer_new, (void)!weir_timer_new(w->scope, signal_fn, NULL));
CALL(weir_timer_start, weir_timer_start(w->timer, 1));
CALL(weir_timer_stop, weir_timer_stop(w->timer));
CALL(weir_timer_free, weir_timer_free(w->timer));
CALL(weir_waker_init, weir_waker waker; weir_waker_init(&waker, w->scope));
CALL(weir_park, (void)!weir_park(&w->waker, 0, "x"));
CALL(weir_wake, weir_wake(&w->waker));
CALL(weir_waker_fini, weir_waker_fini(&w->waker));
CALL(weir_work, (void)!weir_work(w->scope, signal_fn, NULL, NULL));

CALL(weir_item_keep, (void)!weir_item_keep(&lent, &w->item));
CALL(weir_item_release, weir_item_release(&w->item));
CALL(weir_item_abandon, weir_item_abandon(&w->item));
CALL(weir_origin_name, weir_origin_name(w->scope, &w->item));

CALL(weir_gen_new, weir_gen_new(w->scope, body, NULL, 0, NULL));
CALL(weir_stage, weir_stage(w->gen, body, NULL, 0, NULL));
CALL(weir_adopt, weir_adopt(w->self, w->gen));
CALL(weir_gen_scope, weir_gen_scope(w->gen));
CALL(weir_next, (void)!weir_next(w->body, &item));
CALL(weir_next_many, (void)!weir_next_many(w->gen, &item, 1));
CALL(weir_next_within, (void)!weir_next_within(w->gen, &item, 1));
CALL(weir_send, (void)!weir_send(w->gen, NULL, &item));
CALL(weir_throw, (void)!weir_throw(w->gen, WEIR_EUSER, NULL, &item));
CALL(weir_catch, (void)!weir_catch(w->gen, WEIR_ANY, &error));
CALL(weir_finish, (void)!weir_finish(w->gen, NULL));
CALL(weir_discard, weir_discard(w->gen));
CALL(weir_result, weir_result(w->gen));
CALL(weir_each, weir_each(w->gen, item_fn, NULL, NULL));
CALL(weir_each_pause, weir_each_pause(w->gen));
CALL(weir_each_resume, weir_each_resume(w->gen));
CALL(weir_why, char text[80]; weir_why(w->gen, text, sizeof text));
CALL(weir_yield, item = weir_bytes("x", 1); (void)!weir_yield(w->self, &item));
CALL(weir_yield_many, item = weir_bytes("x", 1); (void)!weir_yield_many(w->self, &item, 1));
CALL(weir_yield_from, (void)!weir_yield_from(w->self, w->gen, NULL));
CALL(weir_received, weir_received(w->self));
CALL(weir_fail, weir_fail(w->self, WEIR_EUSER, "x"));
CALL(weir_return, item = weir_bytes("x", 1); weir_return(w->self, &item));
CALL(weir_reject, weir_reject(w->self, &w->item, "x"));
CALL(weir_settle, weir_settle(w->self));
CALL(weir_end_code, (void)!weir_end_code(w->self));

CALL(weir_source_new, weir_source_new(w->scope, &gen_ops, NULL, 0));
CALL(weir_stage_new, weir_stage_new(w->gen, &gen_ops, NULL, 0));
CALL(weir_pull, (void)!weir_pull(w->gen, &item, 1));
CALL(weir_pull_within, bool late; (void)!weir_pull_within(w->gen, &item, 1, 0, &late));
CALL(weir_gen_up, weir_gen_up(w->gen));
CALL(weir_give, weir_give(w->gen, &item, 1));
static const uint64_t position_number;
static size_t position_text(void *self, uint64_t number, char *to, size_t cap)
{
    (void)self;
    return (size_t)snprintf(to, cap, "%llu", (unsigned long long)number);
}
static const weir_position_ops position_ops = {.struct_size = sizeof position_ops,
                                               .text = position_text};
CALL(weir_gen_keep_state, weir_gen_keep_state(w->gen, w->state, "x"));
CALL(weir_part_stored, (void)!weir_part_stored(w->gen));
CALL(weir_part_open, (void)!weir_part_open(w->gen, WEIR_PROOF_EXACT, 0, &position_ops, NULL, 0));
CALL(weir_give_at, weir_give_at(w->gen, NULL, &item, &position_number, 1));
CALL(weir_part_over, weir_part_over(w->gen, NULL));
CALL(weir_stand_for, (void)!weir_stand_for(w->gen, &item, &w->item, 1));
CALL(weir_leave_out, weir_leave_out(w->gen, &item, 1));
CALL(weir_gen_error, weir_gen_error(w->gen, WEIR_EUSER, 0, "x"));
CALL(weir_block_new, (void)!weir_block_new(w->scope, 1, NULL));
CALL(weir_block_bytes, weir_block_bytes(w->item.block));
CALL(weir_block_ref, weir_block_ref(w->item.block));
CALL(weir_block_unref, weir_block_unref(w->item.block));
CALL(weir_block_wait, (void)!weir_block_wait(w->scope));
CALL(weir_log, weir_log(w->scope, WEIR_LOG_INFO, "x", "x"));

CALL(weir_queue, weir_sink *in; weir_queue(w->scope, NULL, &in));
CALL(weir_channel, weir_sink *in; weir_channel(w->scope, w->scope, NULL, &in));
CALL(weir_sink_share, weir_sink_share(w->queue_end));
CALL(weir_put, item = weir_bytes("x", 1); (void)!weir_put(w->queue_end, &item));
CALL(weir_put_many, (void)!weir_put_many(w->sink, &item, 0));
CALL(weir_try_put, item = weir_bytes("x", 1); (void)!weir_try_put(w->queue_end, &item));
CALL(weir_commit, (void)!weir_commit(w->sink));
CALL(weir_sink_finish, (void)!weir_sink_finish(w->sink, NULL));
CALL(weir_sink_fail, error.code = WEIR_EUSER; weir_sink_fail(w->sink, &error));
CALL(weir_sink_discard, weir_sink_discard(w->sink));
CALL(weir_sink_error, weir_sink_error(w->sink, WEIR_EUSER, 0, "x"));
CALL(weir_sink_gone, weir_sink_gone(w->sink, WEIR_EUSER, 0, "x"));
CALL(weir_sink_scope, weir_sink_scope(w->sink));
CALL(weir_sink_keep_state, weir_sink_keep_state(w->sink, w->state));
CALL(weir_sink_new,
     weir_sink_new(w->scope, WEIR_OPTIONS(weir_sink_ops, .put_many = put_fn), NULL, 0));
CALL(weir_pump, (void)!weir_pump(w->gen, w->sink, NULL));
CALL(weir_fd_sink, weir_fd_sink(w->scope, 1));
CALL(weir_file_sink, weir_file_sink(w->scope, "/dev/null", NULL));
CALL(weir_http_sink, weir_http_sink(w->scope, "http://x/", NULL));
CALL(weir_exec_sink, weir_exec_sink(w->scope, "exit", NULL));
CALL(weir_socket_sink, weir_socket_sink(w->scope, "unix:/x", NULL));
CALL(weir_socket_new, (void)weir_socket_new(w->scope, "unix:/x", NULL));
CALL(weir_null_sink, weir_null_sink(w->scope));

CALL(weir_state_describe, weir_state_describe(w->state, "x"));
CALL(weir_state_require, weir_state_require(w->state, WEIR_AT_LEAST_ONCE));
CALL(weir_state_restore, (void)!weir_state_restore(w->state, NULL, 0, NULL));
CALL(weir_state_text, size_t len; (void)!weir_state_text(w->sink, &len));
CALL(weir_state_saves, (void)weir_state_saves(w->state));
CALL(weir_state_watch, weir_state_watch(w->state, NULL, NULL));
CALL(weir_state_open, weir_state_open(w->scope, w->folder, "other"));
CALL(weir_http_lines, weir_http_lines(w->scope, "http://h/", NULL));
CALL(weir_file_lines, weir_file_lines(w->scope, "/dev/null", NULL));
CALL(weir_fd_lines, weir_fd_lines(w->scope, 0, NULL));
CALL(weir_replay_lines, weir_replay_lines(w->scope, "/dev/null", NULL));
CALL(weir_replay_bytes, weir_replay_bytes(w->scope, "/dev/null", NULL));
CALL(weir_recorder_new, (void)!weir_recorder_new(w->scope, "/dev/null", NULL));
CALL(weir_recorder_check, (void)!weir_recorder_check(w->recorder, NULL));
CALL(weir_recorder_end, (void)!weir_recorder_end(w->recorder, NULL, NULL, NULL));
CALL(weir_socket_lines, weir_socket_lines(w->scope, "unix:/x", NULL));
CALL(weir_ticker, weir_ticker(w->scope, 10));
CALL(weir_count, weir_count(w->scope, 1, 2));

CALL(weir_http_bytes, weir_http_bytes(w->scope, "http://h/", NULL));
CALL(weir_http_events, weir_http_events(w->scope, "http://h/", NULL));
CALL(weir_poll_lines, weir_poll_lines(w->scope, "http://h/", 1, NULL));
CALL(weir_poll_bytes, weir_poll_bytes(w->scope, "http://h/", 1, NULL));
CALL(weir_ws_messages, weir_ws_messages(w->scope, "ws://h/", NULL));
CALL(weir_udp_messages, weir_udp_messages(w->scope, "udp://:5514", NULL));
CALL(weir_ws_sink, weir_ws_sink(w->scope, "ws://127.0.0.1:9/", NULL));
CALL(weir_udp_sink, weir_udp_sink(w->scope, "udp://127.0.0.1:9", NULL));
CALL(weir_file_bytes, weir_file_bytes(w->scope, "/dev/null", NULL));
CALL(weir_listen_lines, weir_listen_lines(w->scope, "tcp://:0", NULL));
CALL(weir_listen_bytes, weir_listen_bytes(w->scope, "tcp://:0", NULL));
CALL(weir_tail_lines, weir_tail_lines(w->scope, tailed, 1, NULL));
CALL(weir_tail_bytes, weir_tail_bytes(w->scope, tailed, 1, NULL));
CALL(weir_exec_lines, weir_exec_lines(w->scope, "exit", NULL));
CALL(weir_exec_bytes, weir_exec_bytes(w->scope, "exit", NULL));
CALL(weir_journal_entries, weir_journal_entries(w->scope, NULL));
CALL(weir_fd_bytes, weir_fd_bytes(w->scope, 0, NULL));
CALL(weir_socket_bytes, weir_socket_bytes(w->scope, "unix:/x", NULL));
CALL(weir_framed, weir_framed(w->gen, NULL));
CALL(weir_lines, weir_lines(w->gen));
CALL(weir_encoded, weir_encoded(w->gen, NULL));
CALL(weir_decoded, weir_decoded(w->gen, NULL));
CALL(weir_replayed, weir_replayed(w->gen));
CALL(weir_filter, weir_filter(w->gen, "f", keep_fn, NULL, 0));
CALL(weir_map, weir_map(w->gen, "m", map_fn, NULL, 0));
CALL(weir_head, weir_head(w->gen, 1));
CALL(weir_shown, weir_shown(w->gen, NULL));
CALL(weir_skip, weir_skip(w->gen, 1));
CALL(weir_until, weir_until(w->gen, ".", false, NULL));
CALL(weir_assert, weir_assert(w->gen, ".", NULL));
CALL(weir_enumerate, weir_enumerate(w->gen, 0));
CALL(weir_seq, weir_seq(w->gen, NULL));
CALL(weir_pairwise, weir_pairwise(w->gen));
CALL(weir_accumulate, weir_accumulate(w->gen, ".", NULL, NULL));
CALL(weir_uniq, weir_uniq(w->gen, NULL));
CALL(weir_last, weir_last(w->gen, 1));
CALL(weir_unbatch, weir_unbatch(w->gen));
CALL(weir_rechunk, weir_rechunk(w->gen, 1));
CALL(weir_sort, weir_sort(w->gen, WEIR_OPTIONS(weir_sort_options, .items_max = 1)));
CALL(weir_logged, weir_logged(w->gen, NULL, 0));
CALL(weir_metered, weir_metered(w->gen, 0));
CALL(weir_concat, weir_gen *gens[] = {w->gen}; (void)weir_concat(w->scope, gens, 1));
CALL(weir_collect, weir_item *items; size_t count;
     (void)!weir_collect(w->gen, 1, 1, &items, &count, NULL));
CALL(weir_prefetch, weir_prefetch(w->gen, 1));
CALL(weir_latest, weir_latest(w->gen));
CALL(weir_throttle, weir_throttle(w->gen, 1, false, 1));
CALL(weir_sample, weir_sample(w->gen, WEIR_OPTIONS(weir_sample_options, .every = 1)));
CALL(weir_delay, weir_delay(w->gen, 1, NULL));
CALL(weir_for, weir_for(w->gen, 1));
CALL(weir_keepalive, weir_keepalive(w->gen, 1, NULL));
CALL(weir_timeout, weir_timeout(w->gen, 1));
CALL(weir_where, weir_where(w->gen, ".", NULL));
CALL(weir_map_expr, weir_map_expr(w->gen, ".", NULL));
CALL(weir_grep, weir_grep(w->gen, "x"));
CALL(weir_head_of_run, weir_head_of_run(w->gen, 1));
CALL(weir_grep_without, weir_grep_without(w->gen, "x"));
CALL(weir_batch, weir_batch(w->gen, NULL));
CALL(weir_multiline, weir_multiline(w->gen, "x", NULL));
CALL(weir_buffer, weir_buffer(w->gen, NULL));
CALL(weir_merge, weir_merge(w->scope, &w->gen, 1));

CALL(weir_tee, weir_tee(w->gen, &w->sink, 1, NULL));
CALL(weir_pump_all, (void)!weir_pump_all(w->gen, &w->sink, 1, NULL, NULL));

CALL(weir_parse, weir_parse(w->scope, NULL, "gen 1..3", NULL));
CALL(weir_chain_open, weir_gen *gen; weir_sink * sink; weir_opening opening = {.scope = w->scope};
     weir_chain_open(&opening, NULL, NULL, &gen, &sink));
CALL(weir_plan_open, weir_gen *gen; weir_sink * sink;
     (void)!weir_plan_open(w->plan, w->scope, NULL, &gen, &sink, NULL));

CALL(weir_server_new, weir_server_new(w->scope, ":0", NULL));
CALL(weir_server_port, weir_server_port(w->server));
CALL(weir_server_route, weir_server_route(w->server, "GET /x", handler_fn, NULL));
CALL(weir_server_finish, (void)!weir_server_finish(w->server, NULL));
CALL(weir_server_discard, weir_server_discard(w->server));
CALL(weir_request_method, weir_request_method(w->request));
CALL(weir_request_path, weir_request_path(w->request));
CALL(weir_request_query, char to[8]; weir_request_query(w->request, "q", to, sizeof to));
CALL(weir_request_number, weir_request_number(w->request, "q", 0));
CALL(weir_request_body, (void)weir_request_body(w->request));
CALL(weir_request_header, char to[8]; weir_request_header(w->request, "h", to, sizeof to));
CALL(weir_reply_status, weir_reply_status(w->reply, 200));
CALL(weir_reply_type, weir_reply_type(w->reply, "text/plain"));
CALL(weir_reply_etag, weir_reply_etag(w->reply, "e"));
CALL(weir_reply_modified, weir_reply_modified(w->reply, 0));
CALL(weir_reply_length, weir_reply_length(w->reply, 0));
CALL(weir_reply_body, weir_reply_body(w->reply, WEIR_BODY_BYTES));
CALL(weir_reply_websocket, (void)!weir_reply_websocket(w->reply));
CALL(weir_reply_header, weir_reply_header(w->reply, "X", "x"));
CALL(weir_reply_range, int64_t first; int64_t count;
     (void)!weir_reply_range(w->reply, &first, &count));
CALL(weir_reply_refuse, weir_reply_refuse(w->reply, 404, "x"));

static struct world world;
static const struct call *under_test;

static void second_thread(void *arg)
{
    (void)arg;
    under_test->make(&world);
}

static int at_work(weir_gen *self, weir_gen *up, void *args)
{
    uv_thread_t thread;
    (void)args;
    world.self = self;
    world.up = up;
    if (uv_thread_create(&thread, second_thread, NULL) == 0) {
        uv_thread_join(&thread);
    }
    _exit(0); /* it did not abort */
}

static weir_gen *serve(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    weir_item got;
    (void)ctx;
    world.request = request;
    world.reply = reply;
    weir_gen *gen = weir_stage(weir_count(scope, 1, 3), at_work, NULL, 0, NULL);
    (void)!weir_next(gen, &got);
    return gen;
}

static void ask(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool asked = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                 write(fd, request, sizeof request - 1) == (ssize_t)sizeof request - 1;
    if (!asked) {
        _exit(3);
    }
}

/* In a process of its own: run the call on a second thread while the loop is at work. */
static void play(const struct call *call, const char *folder)
{
    under_test = call;
    snprintf(world.folder, sizeof world.folder, "%s", folder);
    world.loop = weir_loop_new(NULL);
    world.scope = weir_scope_new(weir_root(world.loop), NULL);
    weir_gen *lines = weir_file_lines(world.scope, "/proc/self/cmdline", NULL);
    weir_item got;
    bool kept = weir_next(lines, &got) && weir_item_keep(&world.item, &got) == 0;
    world.gen = weir_count(world.scope, 1, 3);
    world.body = weir_gen_new(world.scope, body, NULL, 0, NULL);
    kept = kept && weir_next(world.gen, &got) && weir_next(world.body, &got);
    world.sink = weir_null_sink(world.scope);
    (void)weir_queue(world.scope, NULL, &world.queue_end);
    world.plan = weir_plan_read("gen 1..3", NULL, NULL);
    world.state = weir_state_open(world.scope, world.folder, "state");
    world.watch = weir_watch_new(world.scope, 2, 0, watch_fn, NULL, NULL);
    world.timer = weir_timer_new(world.scope, signal_fn, NULL);
    weir_waker_init(&world.waker, world.scope);
    world.recorder = weir_recorder_new(world.scope, "/dev/null", NULL);
    world.server = weir_server_new(world.scope, ":0", NULL);
    if (!kept || weir_server_route(world.server, "GET /", serve, NULL) < 0) {
        _exit(2);
    }
    ask(weir_server_port(world.server));
    (void)!weir_sleep(world.scope, 10000);
    _exit(4);
}

/* Does the call abort, and say so? What it wrote is printed if not. */
static bool aborts(const struct call *call, const char *folder)
{
    int ends[2];
    char text[1024] = "";
    size_t len = 0;
    if (pipe(ends) < 0) {
        return false;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        play(call, folder);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)n;
    }
    close(ends[0]);
    text[len] = '\0';
    int status = 0;
    waitpid(child, &status, 0);
    bool good = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                strstr(text, "stay on one thread") != NULL;
    if (!good) {
        printf("%s: status %x: %s\n", call->function, (unsigned)status, text);
    }
    return good;
}

TEST_WITHIN(every_call_from_another_thread_aborts, 60)
{
    struct wr_folder folder;
    int wrong = 0;
    if (wr_test_sweeps()) {
        return;
    }
    wr_folder_make(&folder);
    for (size_t i = 0; i < calls_count; i++) {
        wrong += !aborts(&calls[i], folder.path);
    }
    wr_folder_remove(&folder);
    ck_assert_int_eq(wrong, 0);
}

static bool listed(const char *name, size_t len)
{
    for (size_t i = 0; i < calls_count; i++) {
        if (strlen(calls[i].function) == len && memcmp(calls[i].function, name, len) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
        if (strlen(anywhere[i]) == len && memcmp(anywhere[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The functions that a header declares and no list has. */
static int missing_in(const char *text)
{
    int missing = 0;
    for (const char *at = text; (at = strstr(at, "\nWEIR_API ")) != NULL; at++) {
        const char *paren = strchr(at, '(');
        ck_assert_ptr_nonnull(paren);
        const char *name = paren; /* the last one before the bracket is the function's */
        while (name[-1] != ' ' && name[-1] != '*') {
            name--;
        }
        if (!listed(name, (size_t)(paren - name))) {
            printf("%.*s: in none of the lists\n", (int)(paren - name), name);
            missing++;
        }
    }
    return missing;
}

TEST(every_public_function_is_in_a_list)
{
    static char text[65536];
    char path[512];
    const char *data = getenv("WEIR_TEST_DATA");
    int missing = 0;
    ck_assert_ptr_nonnull(data);
    snprintf(path, sizeof path, "%s/../../include/weir", data);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/../../include/weir/%s", data, entry->d_name);
        FILE *file = strstr(entry->d_name, ".h") != NULL ? fopen(path, "r") : NULL;
        if (file != NULL) {
            size_t len = fread(text, 1, sizeof text - 1, file);
            text[len] = '\0';
            missing += missing_in(text);
            fclose(file);
        }
    }
    closedir(folder);
    ck_assert_int_eq(missing, 0);
}

MAIN("plan/threads")
