/*
 * ticks.c - a timerfd as a source:  ticks INTERVAL_MS COUNT
 *
 * A source made from a table of functions: it runs on its reader's stack and needs no own stack.
 * Each item is the number of intervals that have passed, more than 1 if its reader was slow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <weir/weir.h>

struct ticks {
    int fd;
    char text[24]; /* lent until the next call */
};

static size_t next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct ticks *ticks = self;
    uint64_t passed;
    (void)max;
    int rc = weir_wait_fd(weir_gen_scope(gen), ticks->fd, WEIR_READABLE, WEIR_NONE, "a tick");
    if (rc < 0) {
        weir_fail(gen, rc, "the wait has failed");
        return 0;
    }
    if (read(ticks->fd, &passed, sizeof passed) != sizeof passed) {
        weir_gen_error(gen, WEIR_EIO, errno, "read: %s", strerror(errno));
        return 0;
    }
    int len = snprintf(ticks->text, sizeof ticks->text, "%llu", (unsigned long long)passed);
    items[0] = weir_bytes(ticks->text, (size_t)len);
    return weir_give(gen, items, 1);
}

static void close_fd(weir_gen *gen, void *self)
{
    (void)gen;
    close(((const struct ticks *)self)->fd);
}

static const weir_gen_ops ticks_ops = {
    .struct_size = sizeof ticks_ops, .name = "ticks", .next_many = next_many, .close = close_fd};

int main(int argc, char **argv)
{
    long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    struct itimerspec every = {.it_interval = {ms / 1000, ms % 1000 * 1000000}};
    struct ticks ticks = {.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
    every.it_value = every.it_interval;
    timerfd_settime(ticks.fd, 0, &every, NULL);

    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_scope_obey_signals(root);
    weir_gen *gen = weir_source_new(root, &ticks_ops, &ticks, sizeof ticks);
    if (weir_pump(weir_head(gen, count), weir_fd_sink(root, 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
