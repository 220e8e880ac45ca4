/*
 * peer_stamp.c - when do lines come out of a command? Runs COMMAND with its stdout on a pipe, reads
 * lines that say when they were sent (peer_server ticks), and stamps their arrival.
 *
 *   peer_stamp COMMAND...      one JSON object: lines, p50_us, p99_us, max_us
 *
 * The first ten lines pay for connecting and warming up, and are not counted.
 */
#define _GNU_SOURCE /* clock_gettime, pipe */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 100000, WARM_UP = 10 };

static int64_t delays[LINES_MAX];

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Read to the end of the pipe. A line's digits may come in several reads: its number goes on. */
static size_t read_lines(int fd)
{
    char buffer[4096];
    int64_t sent = 0;
    size_t count = 0;
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        int64_t came = now_ns();
        for (ssize_t i = 0; i < n; i++) {
            if (buffer[i] != '\n') {
                sent = sent * 10 + (buffer[i] - '0');
                continue;
            }
            if (count < LINES_MAX) {
                delays[count++] = came - sent;
            }
            sent = 0;
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    int ends[2];
    if (argc < 2 || pipe(ends) < 0) {
        fprintf(stderr, "usage: peer_stamp COMMAND...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    close(ends[1]);
    size_t count = read_lines(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0 || count <= WARM_UP) {
        fprintf(stderr, "peer_stamp: %s gave %zu lines, status %d\n", argv[1], count, status);
        return 1;
    }
    int64_t *counted = delays + WARM_UP;
    count -= WARM_UP;
    qsort(counted, count, sizeof counted[0], compare);
    printf("{\"lines\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", count,
           (double)counted[count / 2] / 1e3, (double)counted[count * 99 / 100] / 1e3,
           (double)counted[count - 1] / 1e3);
    return 0;
}
