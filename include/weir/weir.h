/*
 * weir.h - all of libweir's public headers. Each of them can be included on its own.
 *
 * The idea. A generator gives items (gen.h). A sink takes them (sink.h). A queue has one of each
 * (queue.h). A source makes a generator. A stage takes a generator and gives another. weir_pump
 * moves all items into a sink and ends both. Everything runs on a loop (loop.h), and a scope owns
 * it (scope.h).
 *
 *     weir_loop *loop = weir_loop_new(NULL);
 *     weir_scope *root = weir_root(loop);
 *     weir_error error;
 *     weir_gen *lines = weir_grep(weir_http_lines(root, url, NULL), "login");
 *     int rc = weir_pump(lines, weir_fd_sink(root, 1), &error);
 *     if (rc < 0) {
 *         fprintf(stderr, "%s: %s\n", error.origin, error.message);
 *     }
 *     weir_loop_free(loop);
 *
 * Lifetime.  See the start of each header. Everything ends with its scope at the latest.
 * Failure.   Negative codes, reported once at the end of a chain (error.h).
 * Threads.   One loop, one thread.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/error.h>
#include <weir/expression.h>
#include <weir/extend.h>
#include <weir/gen.h>
#include <weir/item.h>
#include <weir/loop.h>
#include <weir/metrics.h>
#include <weir/module.h>
#include <weir/plan.h>
#include <weir/queue.h>
#include <weir/recording.h>
#include <weir/scope.h>
#include <weir/server.h>
#include <weir/sink.h>
#include <weir/socket.h>
#include <weir/source.h>
#include <weir/stage.h>
#include <weir/state.h>
#include <weir/wait.h>

#endif
