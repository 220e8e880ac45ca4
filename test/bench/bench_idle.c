/*
 * bench_idle.c - what waiting costs: many idle streams in one process, a million short generators, a reader that sleeps.
 *
 *   bench_idle streams tcp://HOST:PORT N     user memory for each of N idle line streams, each with a task that reads it
 *   bench_idle http URL N                    the same over HTTP
 *   bench_idle generators                    RSS before and after 1,000,000 generators made, stepped once and closed
 *   bench_idle stalled URL SECONDS           reads one line, then sleeps: peak RSS and CPU share
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <weir/weir.h>

struct none {
    char unused;
};

WEIR_SOURCE(one, struct none)
{
    (void)args;
    weir_item item = weir_bytes("x", 1);
    while (weir_yield(self, &item)) {
    }
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
    bool first = true;
    while (weir_next(gen, &item)) {
        waiting += first;
        first = false;
    }
    weir_discard(gen);
    return 0;
}

static int bench_streams(const char *address, int count, bool http)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct stream stream = {.http = http};
    snprintf(stream.address, sizeof stream.address, "%s", address);
    long before = 0;
    /* The first few pay for what is paid once; the rest are counted. */
    int warm = 20;
    for (int i = 0; i < count + warm; i++) {
        weir_spawn(scope, "stream", read_stream, &stream, sizeof stream);
        if (i == warm - 1 || i == count + warm - 1) {
            while (waiting < i + 1 && weir_sleep(weir_root(loop), 20)) {
            }
            before = i == warm - 1 ? rss_bytes() : before;
        }
    }
    printf("{\"bench\":\"idle_%s\",\"streams\":%d,\"bytes_each\":%ld}\n", http ? "http" : "tcp", count,
           (rss_bytes() - before) / count);
    weir_scope_cancel(scope);
    weir_error error;
    (void)!weir_scope_wait(scope, &error);
    weir_loop_free(loop);
    return 0;
}

static int bench_generators(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_item item;
    long before = 0;
    for (long i = 0; i < 1010000; i++) {
        if (i == 10000) {
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

static int bench_stalled(const char *url, int seconds)
{
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *gen = weir_http_lines(weir_root(loop), url, NULL);
    weir_item item;
    if (!weir_next(gen, &item)) {
        return 1;
    }
    struct rusage a, b;
    getrusage(RUSAGE_SELF, &a);
    bool slept = weir_sleep(weir_root(loop), 1000L * seconds);
    getrusage(RUSAGE_SELF, &b);
    double cpu = (double)(b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_stime.tv_sec) +
                 (double)(b.ru_utime.tv_usec - a.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_stime.tv_usec) / 1e6;
    printf("{\"bench\":\"stalled\",\"rss_kib\":%ld,\"cpu_percent\":%.3f}\n", b.ru_maxrss, 100.0 * cpu / seconds);
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
