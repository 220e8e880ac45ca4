/*
 * bench_idle.c - what waiting costs.
 *
 *   bench_idle streams tcp://HOST:PORT N    user memory for each of N idle line streams, each with
 * a task that reads it bench_idle http URL N                   the same over HTTP bench_idle
 * generators                   how much RSS grows over 1,000,000 generators made, stepped once and
 * closed bench_idle stalled URL SECONDS          reads one line, then sleeps: peak RSS and CPU
 * share
 *
 * One JSON object on stdout. The user memory of a stream is the growth of RSS divided by the count,
 * after WARM_UP streams have paid for what is paid once.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* getrusage, getrlimit */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <weir/weir.h>

enum { WARM_UP = 20, GENERATORS_FIRST = 10000, GENERATORS = 1000000 };

struct none {
    char unused;
};

WEIR_SOURCE(one, struct none)
{
    (void)args;
    weir_item item = weir_bytes("x", 1);
    while (weir_yield(self, &item)) {}
    return 0;
}

static long rss_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static long waiting; /* streams that have given their first line and wait for the next */
static long failed;  /* streams that have ended before the others had begun */

struct stream {
    char address[200];
    bool http;
};

static int read_stream(weir_scope *scope, void *args)
{
    const struct stream *stream = args;
    weir_gen *gen = stream->http ? weir_http_lines(scope, stream->address, NULL)
                                 : weir_socket_lines(scope, stream->address, NULL);
    weir_item item;
    weir_error error;
    bool first = true;
    while (weir_next(gen, &item)) {
        waiting += first;
        first = false;
    }
    if (weir_finish(gen, &error) < 0 && error.code != WEIR_ECANCELED) {
        fprintf(stderr, "bench_idle: %s: %s\n", error.origin, error.message);
    }
    failed++;
    return 0;
}

static void allow_many_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int bench_streams(const char *address, int count, bool http)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct stream stream = {.http = http};
    snprintf(stream.address, sizeof stream.address, "%s", address);
    allow_many_files();
    long before = 0;
    for (int i = 0; i < count + WARM_UP; i++) {
        weir_spawn(scope, "stream", read_stream, &stream, sizeof stream);
        if (i == WARM_UP - 1 || i == count + WARM_UP - 1) {
            while (waiting < i + 1 && failed == 0 && weir_sleep(weir_root(loop), 20)) {}
            before = i == WARM_UP - 1 ? rss_bytes() : before;
        }
    }
    bool good = failed == 0;
    if (good) {
        printf("{\"bench\":\"idle_%s\",\"streams\":%d,\"bytes_each\":%ld}\n", http ? "http" : "tcp",
               count, (rss_bytes() - before) / count);
    }
    weir_scope_cancel(scope);
    weir_error error;
    (void)!weir_scope_wait(scope, &error);
    weir_loop_free(loop);
    return good ? 0 : 1;
}

static int bench_generators(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_item item;
    long before = 0;
    for (long i = 0; i < GENERATORS_FIRST + GENERATORS; i++) {
        if (i == GENERATORS_FIRST) {
            before = rss_bytes();
        }
        weir_gen *gen = one(weir_root(loop), (struct none){0});
        if (!weir_next(gen, &item)) {
            return 1;
        }
        weir_discard(gen);
    }
    printf("{\"bench\":\"million_generators\",\"rss_growth_bytes\":%ld}\n", rss_bytes() - before);
    weir_loop_free(loop);
    return 0;
}

static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static int bench_stalled(const char *url, int seconds)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *gen = weir_http_lines(weir_root(loop), url, NULL);
    weir_item item;
    if (!weir_next(gen, &item)) {
        return 1;
    }
    struct rusage a;
    struct rusage b;
    getrusage(RUSAGE_SELF, &a);
    bool slept = weir_sleep(weir_root(loop), 1000L * seconds);
    getrusage(RUSAGE_SELF, &b);
    printf("{\"bench\":\"stalled\",\"rss_kib\":%ld,\"cpu_percent\":%.3f}\n", b.ru_maxrss,
           100.0 * (cpu_seconds(&b) - cpu_seconds(&a)) / seconds);
    weir_discard(gen);
    weir_loop_free(loop);
    return slept ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "streams") == 0) {
        return bench_streams(argv[2], atoi(argv[3]), false);
    }
    if (argc == 4 && strcmp(argv[1], "http") == 0) {
        return bench_streams(argv[2], atoi(argv[3]), true);
    }
    if (argc == 2 && strcmp(argv[1], "generators") == 0) {
        return bench_generators();
    }
    if (argc == 4 && strcmp(argv[1], "stalled") == 0) {
        return bench_stalled(argv[2], atoi(argv[3]));
    }
    fprintf(stderr, "usage: bench_idle streams|http|generators|stalled ...\n");
    return 2;
}
