/*
 * bench_stream.c - the main job, measured: lines of a URL or socket, through a bounded queue in a
 * task of its own, to a reader that counts. One JSON object: lines, bytes, CPU seconds of this
 * process, wall seconds, peak RSS.
 *
 *   bench_stream URL|tcp://HOST:PORT|unix:PATH|FILE [direct] [ca=FILE]     direct: no queue
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime, getrusage */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <weir/weir.h>

enum { READ_ITEMS = 256 };

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static weir_gen *open_source(weir_scope *scope, const char *address, const char *ca_file)
{
    if (strncmp(address, "http", 4) == 0) {
        return weir_http_lines(scope, address, WEIR_OPTIONS(weir_http_options, .ca_file = ca_file));
    }
    if (strncmp(address, "tcp:", 4) == 0 || strncmp(address, "unix:", 5) == 0) {
        return weir_socket_lines(scope, address, NULL);
    }
    return weir_file_lines(scope, address, NULL);
}

int main(int argc, char **argv)
{
    static weir_item items[READ_ITEMS];
    const char *ca_file = NULL;
    int direct = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_stream ADDRESS [direct] [ca=FILE]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        direct = direct || strcmp(argv[i], "direct") == 0;
        ca_file = strncmp(argv[i], "ca=", 3) == 0 ? argv[i] + 3 : ca_file;
    }
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    weir_loop *loop = weir_loop_new(NULL);
    weir_gen *gen = open_source(weir_root(loop), argv[1], ca_file);
    if (!direct) {
        gen = weir_buffer(gen, WEIR_OPTIONS(weir_queue_options, .items_max = 1024));
    }
    unsigned long long lines = 0, bytes = 0;
    size_t n;
    while ((n = weir_next_many(gen, items, READ_ITEMS)) > 0) {
        lines += n;
        for (size_t i = 0; i < n; i++) {
            bytes += items[i].len;
        }
    }
    weir_error error;
    int rc = weir_finish(gen, &error);
    if (rc < 0) {
        fprintf(stderr, "bench_stream: %s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double user = seconds_of(usage.ru_utime);
    double kernel = seconds_of(usage.ru_stime);
    double wall =
        (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    printf("{\"lines\":%llu,\"bytes\":%llu,\"user_s\":%.3f,\"system_s\":%.3f,\"cpu_s\":%.3f,"
           "\"wall_s\":%.3f,\"rss_kib\":%ld}\n",
           lines, bytes, user, kernel, user + kernel, wall, usage.ru_maxrss);
    return rc < 0;
}
