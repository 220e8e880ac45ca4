/*
 * outside_ticks.c - a source on a timerfd: 1, 2, ... N, one every INTERVAL.
 *
 * The descriptor is made by the first pull; weir_wait_fd parks the reader until it is readable, and
 * fails when the run is stopped, which is a source's end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "outside.h"

struct ticks {
    int64_t interval_ms, left, given;
    int fd; /* -1: not made yet */
    char text[24];
};

static int begin(weir_gen *gen, struct ticks *ticks)
{
    struct itimerspec every = WEIR_ZERO;
    every.it_interval.tv_sec = ticks->interval_ms / 1000;
    every.it_interval.tv_nsec = ticks->interval_ms % 1000 * 1000000;
    every.it_value = every.it_interval;
    ticks->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (ticks->fd < 0 || timerfd_settime(ticks->fd, 0, &every, NULL) < 0) {
        return weir_gen_error(gen, WEIR_EIO, errno, "no timer: %s", strerror(errno));
    }
    return 0;
}

static size_t next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct ticks *ticks = self;
    uint64_t passed;
    (void)max;
    if (ticks->left == 0 || (ticks->fd < 0 && begin(gen, ticks) < 0)) {
        return 0;
    }
    int rc = weir_wait_fd(weir_gen_scope(gen), ticks->fd, WEIR_READABLE, WEIR_NONE, "the timer");
    if (rc < 0) {
        weir_fail(gen, rc, "the wait for the timer has failed");
        return 0;
    }
    if (read(ticks->fd, &passed, sizeof passed) != sizeof passed) {
        weir_gen_error(gen, WEIR_EIO, errno, "read: %s", strerror(errno));
        return 0;
    }
    ticks->left--;
    int len = snprintf(ticks->text, sizeof ticks->text, "%" PRId64, ++ticks->given);
    items[0] = weir_bytes(ticks->text, (size_t)len);
    return weir_give(gen, items, 1);
}

static void end(weir_gen *gen, void *self)
{
    const struct ticks *ticks = self;
    (void)gen;
    if (ticks->fd >= 0) {
        close(ticks->fd);
    }
}

static const weir_gen_ops ops = {
    .struct_size = sizeof ops, .name = "ticks", .next_many = next_many, .close = end};

weir_gen *outside_ticks(weir_scope *scope, int64_t interval_ms, int64_t count)
{
    struct ticks ticks = {.interval_ms = interval_ms, .left = count, .fd = -1};
    return weir_source_new(scope, &ops, &ticks, sizeof ticks);
}

struct ticks_args {
    int64_t interval_ms, count;
};

static weir_gen *open_ticks(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct ticks_args *ticks = args;
    (void)up;
    return outside_ticks(opening->scope, ticks->interval_ms, ticks->count);
}

static const weir_arg args[] = {
    WEIR_ARG_TIME(struct ticks_args, interval_ms, .name = "INTERVAL", .flags = WEIR_ARG_REQUIRED,
                  .min = 1, .help = "from one to the next"),
    WEIR_ARG_COUNT(struct ticks_args, count, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "how many"),
};

static const weir_component component = {
    .struct_size = sizeof component,
    .name = "ticks",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .args = args,
    .args_count = 2,
    .args_size = sizeof(struct ticks_args),
    .help = "Numbers, one every INTERVAL.",
    .example = "./ticks.so 1ms 2",
    .prints = "1\n2\n",
    .open = open_ticks,
};

WEIR_MODULE(&component);
