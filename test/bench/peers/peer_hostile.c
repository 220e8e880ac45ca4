/*
 * peer_hostile.c - how long does a good client wait for a server that others keep busy?
 *
 *   peer_hostile PORT MODE COUNT REQUESTS PATH [PID]
 *
 * COUNT connections behave as MODE says, for as long as the good client makes its REQUESTS, each on
 * a connection of its own, one after another. One that the server closes is made again a second
 * later. PATH is a long reply for those who read, or do not. The modes of slowhttptest are four of
 * these: headers, body, range and read.
 *
 *   none      there are no others
 *   silent    nothing is sent
 *   headers   a request head that never ends, a line a second
 *   body      a POST of 8 KiB whose body comes a byte a second
 *   range     a HEAD that asks for 1,300 overlapping ranges, again and again
 *   read      PATH, read 32 bytes a second through a small window
 *   stuck     PATH, never read
 *   fast      PATH, read as fast as it comes
 *
 * Prints one JSON object: mode, p50_us, p99_us, max_us, failed (requests of the good client that
 * were not answered within 30 s), open (of the others, at the end), and with a PID growth_bytes, of
 * that process, for each of the others.
 */
#define _GNU_SOURCE /* accept4, clock_gettime */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS_MAX = 100000, OTHERS_MAX = 16000, TICK_MS = 1000, SETTLE_TICKS = 2 };

enum mode { NONE, SILENT, HEADERS, BODY, RANGE, READ, STUCK, FAST, MODES };
static const char *const names[MODES] = {"none",  "silent", "headers", "body",
                                         "range", "read",   "stuck",   "fast"};

struct result {
    int64_t took_us[REQUESTS_MAX];
    size_t count, failed;
};

static struct sockaddr_in server;
static enum mode mode;
static char opening[16 * 1024];
static int others[OTHERS_MAX];
static int others_count, set;
static struct result result;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* What each of the others sends first. */
static void make_opening(const char *path)
{
    int len = 0;
    switch (mode) {
    case HEADERS: strcpy(opening, "GET / HTTP/1.1\r\nHost: a\r\n"); break;
    case BODY: strcpy(opening, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8192\r\n\r\n"); break;
    case RANGE:
        len = sprintf(opening, "HEAD / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-");
        for (int i = 0; i < 1300; i++) {
            len += sprintf(opening + len, ",5-%d", i);
        }
        strcpy(opening + len, "\r\n\r\n");
        break;
    case READ:
    case STUCK:
    case FAST: sprintf(opening, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path); break;
    default: break;
    }
}

static void make_other(int i)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int small = 2304;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = i};
    if (mode == READ) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (mode == READ || mode == STUCK) {
        event.events = EPOLLRDHUP;
    }
    others[i] = fd;
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        close(fd);
        others[i] = -1;
        return;
    }
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    /* Loopback: it is established, or waits for room in the backlog, and takes what is sent later.
     */
    (void)send(fd, opening, strlen(opening), MSG_NOSIGNAL);
}

static void lose_other(int i)
{
    close(others[i]);
    others[i] = -1;
}

/* Once a second. */
static void tick(void)
{
    static const char *const more[MODES] = {[HEADERS] = "X-a: b\r\n", [BODY] = "a"};
    char to[32];
    for (int i = 0; i < others_count; i++) {
        if (others[i] < 0) {
            make_other(i);
        } else if (mode == READ) {
            (void)recv(others[i], to, sizeof to, MSG_DONTWAIT);
        } else if (mode == RANGE) {
            (void)send(others[i], opening, strlen(opening), MSG_NOSIGNAL | MSG_DONTWAIT);
        } else if (more[mode] != NULL) {
            (void)send(others[i], more[mode], strlen(more[mode]), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    }
}

static void serve_event(const struct epoll_event *event)
{
    static char to[1 << 18];
    int i = event->data.fd;
    ssize_t n = event->events & EPOLLIN ? recv(others[i], to, sizeof to, MSG_DONTWAIT) : 0;
    bool reads = mode != READ && mode != STUCK;
    if ((n == 0 && reads) || (n < 0 && errno != EAGAIN) ||
        (event->events & (EPOLLHUP | EPOLLERR)) || (!reads && (event->events & EPOLLRDHUP))) {
        lose_other(i);
    }
}

/* One good request: true, and how long it took. */
static bool ask(int64_t *took_us)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char to[4096];
    struct timeval patience = {.tv_sec = 30}; /* far less than one that is kept out waits */
    int64_t began = now_us();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool good = connect(fd, (struct sockaddr *)&server, sizeof server) == 0 &&
                send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0;
    ssize_t sum = 0, n = 0;
    while (good && (n = recv(fd, to, sizeof to, 0)) > 0) {
        good = sum > 0 || memcmp(to, "HTTP/1.1 200", 12) == 0;
        sum += n;
    }
    close(fd);
    *took_us = now_us() - began;
    return good && n == 0 && sum > 0;
}

static void good_client(size_t requests, int to)
{
    for (size_t i = 0; i < requests; i++) {
        usleep(2000);
        if (!ask(&result.took_us[result.count++])) {
            result.failed++;
        }
    }
    const char *at = (const char *)&result;
    for (size_t done = 0; done < sizeof result;) {
        ssize_t n = write(to, at + done, sizeof result - done);
        if (n <= 0) {
            _exit(1);
        }
        done += (size_t)n;
    }
    _exit(0);
}

static long rss_bytes(const char *pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib * 1024;
}

static void run_others(int from_client, size_t requests)
{
    struct epoll_event events[64], event = {.events = EPOLLIN, .data.fd = -1};
    int64_t next_tick = now_us() + TICK_MS * 1000;
    int ends[2], ticks = 0;
    size_t got = 0;
    (void)from_client;
    if (pipe(ends) < 0) {
        exit(1);
    }
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    while (got < sizeof result) {
        int64_t left_us = next_tick - now_us();
        if (left_us <= 0) {
            next_tick += TICK_MS * 1000;
            tick();
            if (++ticks == SETTLE_TICKS && fork() == 0) {
                good_client(requests, ends[1]);
            }
            continue;
        }
        int n = epoll_wait(set, events, 64, (int)(left_us / 1000 + 1));
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd >= 0) {
                serve_event(&events[i]);
                continue;
            }
            ssize_t more = read(ends[0], (char *)&result + got, sizeof result - got);
            got += more > 0 ? (size_t)more : 0;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: peer_hostile PORT MODE COUNT REQUESTS PATH [PID]\n");
        return 2;
    }
    while (mode < MODES && strcmp(names[mode], argv[2]) != 0) {
        mode++;
    }
    others_count = mode == NONE ? 0 : atoi(argv[3]);
    size_t requests = strtoul(argv[4], NULL, 10);
    if (mode == MODES || others_count > OTHERS_MAX || requests == 0 || requests > REQUESTS_MAX) {
        fprintf(stderr, "peer_hostile: no such mode, or too many\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    make_opening(argv[5]);
    set = epoll_create1(0);
    long before = argc > 6 ? rss_bytes(argv[6]) : 0;
    for (int i = 0; i < others_count; i++) {
        make_other(i);
        if (i % 100 == 99) {
            usleep(20000);
        }
    }
    run_others(0, requests);
    int open = 0;
    for (int i = 0; i < others_count; i++) {
        open += others[i] >= 0;
    }
    long growth = argc > 6 && open > 0 ? (rss_bytes(argv[6]) - before) / open : 0;
    qsort(result.took_us, result.count, sizeof *result.took_us, compare);
    printf("{\"bench\":\"hostile\",\"mode\":\"%s\",\"others\":%d,\"p50_us\":%" PRId64
           ",\"p99_us\":%" PRId64 ",\"max_us\":%" PRId64
           ",\"failed\":%zu,\"open\":%d,\"growth_bytes\":%ld}\n",
           names[mode], others_count, result.took_us[result.count / 2],
           result.took_us[result.count * 99 / 100], result.took_us[result.count - 1], result.failed,
           open, growth);
    return 0;
}
