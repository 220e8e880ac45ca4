/*
 * demo_sse.c - the demo's event streams, /feed.sse and /flaky/feed.sse.
 *
 * All clients get one sequence of events, which starts with the server. The clock decides which
 * events exist, and an event's content follows from its number, which is its id. So no event is
 * stored, and the replay ring is only arithmetic. A client continues after its Last-Event-ID, or
 * with the oldest event of the ring if that event is no longer in it. A client that sends no id
 * begins with the oldest. If the sequence is finite, a client that has all events gets 204.
 *
 * /flaky/feed.sse breaks off after a random number of events: with an end, in the middle of the
 * next event, or with a reset.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "demo.h"

enum { RATE_MAX = 1000000, RETRY_MAX_MS = 24 * 3600 * 1000 };

struct sse_args {
    struct demo_control *control;
    int64_t rate, n; /* n negative: without end */
    int64_t next;    /* the number of the event to begin with */
    int64_t retry_ms;
    int64_t whole; /* events before it breaks off; negative: never */
    struct demo_count *count;
};

/* The number of events that exist now. */
static int64_t count_by_now(const struct sse_args *args, weir_scope *scope)
{
    int64_t all = args->n >= 0 ? args->n : INT64_MAX - 1;
    int64_t since_ms = (weir_now(scope) - args->control->began_ns) / 1000000;
    return args->rate == 0 ? all
                           : DEMO_MIN(all, 1 + since_ms / 1000 * args->rate +
                                               since_ms % 1000 * args->rate / 1000);
}

/* Write an event. Returns its length. */
static size_t write_event(const struct sse_args *args, int64_t number, char to[DEMO_SSE_MAX])
{
    int64_t since_ms = args->rate > 0 ? (number - 1) * 1000 / args->rate : 0;
    return demo_sse_event(1, number, args->control->began_unix_ms + since_ms, to);
}

/* Wait until the event is due. False: the reader has left. */
static bool wait_for_event(weir_gen *self, const struct sse_args *args, int64_t number)
{
    int64_t ms = args->rate > 0 ? demo_due_ms(args->control->began_ns, args->rate, number - 1,
                                              weir_now(weir_gen_scope(self)))
                                : 0;
    return ms == 0 || weir_sleep(weir_gen_scope(self), ms);
}

static bool give(weir_gen *self, const char *text, size_t len)
{
    weir_item item = weir_bytes(text, len);
    return weir_yield(self, &item);
}

/* Break off: with an end, or with a part of an event and a failure. */
static int break_off(weir_gen *self, const char *text, size_t len, uint64_t how)
{
    if (how % 3 == 0) {
        return 0;
    }
    (void)give(self, text, 1 + how / 3 % (len - 1));
    return weir_fail(self, how % 3 == 1 ? WEIR_ETRUNCATED : WEIR_ERESET, "broke off, as requested");
}

WEIR_SOURCE(demo_events, struct sse_args)
{
    char text[DEMO_SSE_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "retry: %" PRId64 "\n\n", args->retry_ms);
    int64_t left = args->whole, number = args->next;
    bool goes_on = give(self, text, len);
    while (goes_on && (args->n < 0 || number <= args->n) && wait_for_event(self, args, number)) {
        len = write_event(args, number, text);
        if (left-- == 0) {
            return break_off(self, text, len, demo_draw(args->control));
        }
        args->count->items++;
        goes_on = give(self, text, len);
        number++;
    }
    return 0;
}

/* The id that the client sends; 0: none. */
static int64_t last_id(const weir_request *request)
{
    char text[24], *end;
    int64_t len = weir_request_header(request, "Last-Event-ID", text, sizeof text);
    int64_t id =
        len > 0 && len < 19 && text[0] >= '0' && text[0] <= '9' ? strtoll(text, &end, 10) : 0;
    return id > 0 && *end == '\0' ? id : 0;
}

/* The first event for this client; 0: it has all events of a finite sequence. */
static int64_t first_for(const weir_request *request, const struct sse_args *args,
                         weir_scope *scope)
{
    bool ignores = weir_request_number(request, "ignore", 0) != 0;
    int64_t ring = weir_request_number(request, "ring", 100);
    int64_t count = count_by_now(args, scope), last = ignores ? 0 : last_id(request);
    int64_t oldest = args->rate > 0 && count > ring ? count - ring + 1 : 1;
    if (args->n >= 0 && last >= args->n) {
        return 0;
    }
    return last > 0 && last <= count ? DEMO_MAX(last + 1, oldest) : oldest;
}

static weir_gen *serve(weir_scope *scope, const weir_request *request, weir_reply *reply,
                       struct demo_control *control, int64_t every)
{
    struct sse_args args = {.control = control,
                            .rate = weir_request_number(request, "rate", 10),
                            .n = weir_request_number(request, "n", -1),
                            .retry_ms = weir_request_number(request, "retry", 1000),
                            .whole = -1,
                            .count = &control->counts[every > 0 ? DEMO_FLAKY_SSE : DEMO_SSE]};
    args.count->requests++;
    if (args.rate > RATE_MAX || args.retry_ms > RETRY_MAX_MS) {
        return weir_reply_refuse(reply, 400,
                                 "rate: at most a million a second, 0 for no limit; "
                                 "retry: at most a day in ms");
    }
    args.next = first_for(request, &args, scope);
    weir_reply_header(reply, "Cache-Control", "no-cache");
    if (args.next == 0) {
        weir_reply_status(reply, 204);
        return NULL;
    }
    if (every > 0 && !control->calm) {
        args.whole = 1 + (int64_t)(demo_draw(control) % (uint64_t)(2 * every));
    }
    weir_reply_type(reply, "text/event-stream");
    weir_reply_body(reply, WEIR_BODY_BYTES);
    return demo_events(scope, args);
}

weir_gen *demo_on_sse(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    return serve(scope, request, reply, ctx, 0);
}

weir_gen *demo_on_flaky_sse(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    int64_t every = weir_request_number(request, "every", 20);
    if (every < 1 || every > RATE_MAX) {
        return weir_reply_refuse(reply, 400, "every: a number of events, at most a million");
    }
    return serve(scope, request, reply, ctx, every);
}
