/*
 * syslog.c - syslog from UDP to two places:  syslog udp://HOST:PORT FILE URL [alone]
 *
 * Each message is a line of JSON in FILE, and a part of a request to URL. Senders of syslog do not wait
 * for a receiver, so neither place may wait for the other: the requests have a queue that drops the
 * oldest messages while the server is slow or away. When a place fails for good, the program ends, but
 * with `alone` the other one goes on alone. ^C ends it: what has come is still delivered.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

enum { KEPT_MAX = 10000, BATCH_MAX = 500, BATCH_MS = 200 };

struct posting {
    weir_gen *messages;
    const char *url;
};

/* A task: the requests. A failure of it is one of the queue's writer, which is the second sink. */
static int post_all(weir_scope *scope, void *args)
{
    struct posting *posting = args;
    weir_error error;
    weir_gen *batches =
        weir_batch(posting->messages,
                   WEIR_OPTIONS(weir_batch_options, .items_max = BATCH_MAX, .wait_ms = BATCH_MS));
    int rc = weir_pump(batches, weir_http_sink(scope, posting->url, NULL), &error);
    if (rc < 0) {
        fprintf(stderr, "syslog: %s: %s\n", error.origin, error.message);
    }
    return rc;
}

int main(int argc, char **argv)
{
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = weir_log_stderr, .log_ctx = "syslog"));
    if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "alone") != 0) || loop == NULL) {
        fprintf(stderr, "usage: syslog udp://HOST:PORT FILE URL [alone]\n");
        return 2;
    }
    weir_scope *scope = weir_root(loop);
    weir_scope_obey_signals(scope);
    weir_sink *sinks[2] = {weir_file_sink(scope, argv[2], NULL)};
    weir_gen *messages =
        weir_queue(scope,
                   WEIR_OPTIONS(weir_queue_options, .name = "requests", .items_max = KEPT_MAX,
                                .bytes_max = WEIR_NONE, .when_full = WEIR_DROP_OLDEST),
                   &sinks[1]);
    weir_scope *posts = weir_scope_new(scope, NULL);
    struct posting posting = {messages, argv[3]};
    weir_spawn(posts, "requests", post_all, &posting, sizeof posting);

    weir_gen *records =
        weir_parse(scope, weir_udp_messages(scope, argv[1], NULL), "syslog | ndjson", NULL);
    weir_error error;
    int rc = weir_pump_all(
        records, sinks, 2,
        WEIR_OPTIONS(weir_tee_options, .on_failure = argc == 5 ? WEIR_GO_ON : WEIR_CANCEL_REST),
        &error);
    if (rc < 0) {
        fprintf(stderr, "syslog: %s: %s\n", error.origin, error.message);
    }
    int posted = weir_scope_wait(posts, NULL); /* what the queue still holds */
    weir_loop_free(loop);
    return rc < 0 || posted < 0;
}
